/* What products of matrices share. */
#ifndef AY_TENSOR_LOWER_MATMUL_H
#define AY_TENSOR_LOWER_MATMUL_H

#include "tensor/lower/terms.h"

/* Rows times rows, a (.., M, K), b (.., N, K): (.., M, N), batches broadcast as in numpy; f32 or
 * integers. */
term ay_term_rows_product(const struct ay_lower *l, term a, term b);

/* a (.., M, K), b (.., K, N), as numpy's matmul: a list is one row or one column, which the result
 * does not have. */
term ay_term_numpy_product(const struct ay_lower *l, term a, term b);

ay_lower_fn ay_lower_gemm, ay_lower_einsum; /* the latter in einsum.c */

#endif
