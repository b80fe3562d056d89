/* What products of matrices share. */
#ifndef AY_TENSOR_LOWER_MATMUL_H
#define AY_TENSOR_LOWER_MATMUL_H

#include "tensor/lower/terms.h"

/* Rows times rows, a (.., M, K), b (.., N, K): (.., M, N), batches broadcast as in numpy; f32 or
 * integers. */
term ay_term_rows_product(const struct ay_lower *l, term a, term b);

ay_lower_fn ay_lower_einsum; /* einsum.c */

#endif
