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
 * ay_tape_matmul takes them. Zero points vary by row only: (.., M or 1, 1) and (.., N or 1, 1).
 * Plus a bias (N), I32, modulo 2^32; NULL: none. */
term ay_quantized_matmul(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b,
                         term bias);
/* The same of a (.., M, K) and b (.., K, N) as numpy's matmul has them; b's zero point is a number,
 * one a column (N), or (.., 1, N). */
term ay_quantized_product(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b,
                          term bias);
/* The same in f32: the sums times the product of the scales, each of which broadcasts to them. */
term ay_quantized_real_product(const struct ay_lower *l, struct ay_quantized a, term a_scale,
                               struct ay_quantized b, term b_scale);
/* round(x / scale) + zero, ties to even, within the dtype; zero may be NULL. */
term ay_quantize(const struct ay_lower *l, term x, term scale, term zero, uint32_t dtype);
/* (x - zero) scale. */
term ay_dequantize(const struct ay_lower *l, struct ay_quantized q, term scale);

/* Sums of rows (.., M, K) as (.., M, 1): a product with ones, which needs no wider copy of x. */
term ay_quantized_row_sums(const struct ay_lower *l, term x);

/* Made u8 so that 0 and all of x are in range. */
struct ay_dynamic {
    struct ay_quantized q;
    term scale;
};
struct ay_dynamic ay_quantize_dynamic(const struct ay_lower *l, term x);
/* x (.., M, K) f32, made u8 as a whole, times w (.., K, N), whose scale is a number or (N). */
term ay_dynamic_product(const struct ay_lower *l, term x, struct ay_quantized w, term scale);

/* --- fixed point (quantize_fixed.c, docs/quantize.md) --- */

/* A sum v becomes zero + floor((v multiplier + 2^(shift - 1)) / 2^shift), within the dtype. */
struct ay_fixed {
    term multiplier; /* I32 */
    term shift;      /* I32, known, 1 to 53; both of any shape that broadcasts to the sum */
    int64_t zero;
    uint32_t dtype; /* U8 or I8 */
};

/* From the operands at these places. */
struct ay_fixed ay_fixed_operands(const struct ay_lower *l, const struct ay_operands *o,
                                  uint32_t multiplier, uint32_t shift, uint32_t zero);
/* A zero point: one known number. */
int64_t ay_fixed_zero(const struct ay_lower *l, term zero, const char *what);
/* Whether weights are i8, known or not, and k of them times bytes stay within 31 bits; fails
 * otherwise. */
bool ay_fixed_weights(const struct ay_lower *l, term weights, uint64_t k);
/* What is added to a sum of x w to make one of (x - zero) w + bias: bias - zero sums, I64; bias may
 * be NULL. */
term ay_fixed_offset(const struct ay_lower *l, term sums, int64_t zero, term bias);
/* The sum and what is added to it, which may be NULL, multiplied and rounded. */
term ay_fixed_round(const struct ay_lower *l, term sum, term offset, const struct ay_fixed *f);
/* Means of `taps` bytes a row each of x (.., K), of which those outside the image hold x_zero:
 * sum of (x - x_zero) / count, count I64, multiplied and rounded; shifts up to 31. */
term ay_fixed_mean(const struct ay_lower *l, term x, int64_t x_zero, term count,
                   const struct ay_fixed *f);

ay_lower_fn ay_lower_qlinear_conv, ay_lower_conv_integer, ay_lower_qconv;    /* quantize_conv.c */
ay_lower_fn ay_lower_qadd, ay_lower_qmul, ay_lower_qmatmul, ay_lower_qtable; /* quantize_fixed.c */
ay_lower_fn ay_lower_qaverage_pool, ay_lower_qglobal_average_pool;           /* pool.c */

#endif
