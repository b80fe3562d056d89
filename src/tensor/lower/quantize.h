/* What quantize.c and its users share. */
#ifndef AY_TENSOR_LOWER_QUANTIZE_H
#define AY_TENSOR_LOWER_QUANTIZE_H

#include "tensor/lower/terms.h"

/* An integer and what is subtracted from it. */
struct ay_quantized {
    term x;    /* i8 or u8 */
    term zero; /* of x's dtype, of any shape that broadcasts to x; NULL: 0 */
};

/* Operands i and i + step as such; the zero point may be left out. Fails unless x is i8 or u8. */
struct ay_quantized ay_quantized_operand(const struct ay_lower *l, const struct ay_operands *o,
                                         uint32_t i, uint32_t zero, const char *what);
/* The same numbers, without a zero point where it is known to be 0, or where all of x - zero is
 * known and fits i8 or u8. */
struct ay_quantized ay_quantized_shift(const struct ay_lower *l, struct ay_quantized q);
/* Sum over k of (a.x[.., m, k] - a.zero) (b.x[.., n, k] - b.zero), exact, as I32; rows as
 * ay_tape_matmul takes them. Zero points vary by row only: (.., M or 1, 1) and (.., N or 1, 1). */
term ay_quantized_matmul(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b);
/* The same of a (.., M, K) and b (.., K, N) as numpy's matmul has them; b's zero point is a number,
 * one a column (N), or (.., 1, N). */
term ay_quantized_product(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b);
/* The same in f32: the sums times the product of the scales, each of which broadcasts to them. */
term ay_quantized_real_product(const struct ay_lower *l, struct ay_quantized a, term a_scale,
                               struct ay_quantized b, term b_scale);
/* round(x / scale) + zero, ties to even, within the dtype; zero may be NULL. */
term ay_quantize(const struct ay_lower *l, term x, term scale, term zero, uint32_t dtype);
/* (x - zero) scale. */
term ay_dequantize(const struct ay_lower *l, struct ay_quantized q, term scale);

/* Made u8 so that 0 and all of x are in range. */
struct ay_dynamic {
    struct ay_quantized q;
    term scale;
};
struct ay_dynamic ay_quantize_dynamic(const struct ay_lower *l, term x);
/* x (.., M, K) f32, made u8 as a whole, times w (.., K, N), whose scale is a number or (N). */
term ay_dynamic_product(const struct ay_lower *l, term x, struct ay_quantized w, term scale);

ay_lower_fn ay_lower_qlinear_conv, ay_lower_conv_integer; /* quantize_conv.c */

#endif
