/* The specification of every operation's arithmetic, one scalar function each, written to be read:
 * the arbiter of a dispute runs these, and every fast kernel must equal them bit for bit
 * (docs/numerics.md). Results may be any NaN in registers; what is stored goes through ay_f32_bits,
 * hence canonical. No heap, no state, no errors. */
#ifndef AY_TENSOR_REF_OPS_H
#define AY_TENSOR_REF_OPS_H

#include "tensor/program.h"
#include "tensor/ref/fn.h"

/* --- functions (section 3) --- */

/* fn(a, b), rounded once, of functions of one or two f32 that give an f32; b is ignored by those of
 * one. */
float ay_ref_fn(enum ay_fn fn, float a, float b);

/* INT functions of two integers. */
int64_t ay_ref_int_fn(enum ay_fn fn, int64_t a, int64_t b);

/* A value of an expression. */
struct ay_scalar {
    enum ay_scalar_kind kind;
    union {
        float f32;
        int64_t i;
    };
};

/* Every function there is, args of the kinds that its signature names. */
struct ay_scalar ay_ref_apply(enum ay_fn fn, const struct ay_scalar args[AY_MAX_FN_ARGS]);

/* max(a, b), min(a, b): NaN if either is, and -0 < +0. */
float ay_ref_max(float a, float b);
float ay_ref_min(float a, float b);

/* Toward zero, to the nearest end of the range when beyond it; NaN gives 0. */
int64_t ay_ref_to_int(float x);

/* --- MAP --- */

/* The value of an element, given its bits; the bits of a value stored in a dtype: f32 in F32, an
 * integer modulo 2^n, in bool whether it is not 0. */
struct ay_scalar ay_ref_load(uint32_t dtype, uint64_t bits);
uint64_t ay_ref_store(uint32_t dtype, struct ay_scalar value);

/* The last step's value for one output element of a MAP of a checked program, given that element
 * of each input as broadcast. */
struct ay_scalar ay_ref_map(const struct ay_op_shape *map, const struct ay_scalar *inputs);

/* --- GATHER --- */

/* The row of the axis that an id takes, clamped to [0, rows - 1]; rows >= 1. */
uint32_t ay_ref_gather_row(int64_t id, uint32_t rows);

/* --- MATMUL --- */

/* For k ascending acc = fma(a[k], b[k], acc). The first acc is +0; one returned may be given back
 * to go on with the k that follow. a, b: (n) f32. */
float ay_ref_chain(float acc, const float *a, const float *b, uint32_t n);

/* acc + a b modulo 2^32: a step of an integer chain, whose order does not matter. */
int32_t ay_ref_chain_int(int32_t acc, int32_t a, int32_t b);

/* MATMUL_Q8: a chain over blocks of 32, the last one of n maybe shorter, quantising a as it goes.
 * a: (n) f32, w: (n) i8, d: (ceil(n / 32)) f32. To go on, n must have been a multiple of 32. */
#define AY_Q8_BLOCK 32u
float ay_ref_chain_q8(float acc, const float *a, const int8_t *w, const float *d, uint32_t n);

/* --- REDUCE --- */

/* sum and sumsq of f32: 16 partial sums, element i going to lane i mod 16, then the tree
 * lane[l] += lane[l + h] for h = 8, 4, 2, 1. A mean is a MAP that divides. */
struct ay_ref_sum {
    float lane[16]; /* all +0 at the start */
    uint64_t next;  /* index of the element that comes next */
};
void ay_ref_sum_add(struct ay_ref_sum *s, float x);    /* lane += x */
void ay_ref_sum_square(struct ay_ref_sum *s, float x); /* lane = fma(x, x, lane) */
float ay_ref_sum_finish(const struct ay_ref_sum *s);

/* ARGMAX, ARGMIN: the first element that no other beats, and its index. a beats b if it exceeds it
 * (falls below it for ARGMIN), and a NaN beats every number. */
bool ay_ref_beats(enum ay_work_reduce reduce, float a, float b);

/* Over (n) f32, `stride` elements apart. n = 0: +0 for sums, -inf for max, +inf for min, 1 for
 * prod. For arg, n >= 1. */
float ay_ref_reduce_sum(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_sumsq(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_max(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_min(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_prod(const float *x, uint32_t n, uint32_t stride);
int64_t ay_ref_reduce_arg(enum ay_work_reduce reduce, const float *x, uint32_t n, uint32_t stride);

/* acc and one more element of the same integer dtype, both widened; SUM, SUMSQ, PROD modulo 2^64,
 * MAX, MIN. What is stored goes through ay_dtype_narrow, between elements or only at the end. */
int64_t ay_ref_reduce_int(enum ay_work_reduce reduce, int64_t acc, int64_t x);

#endif
