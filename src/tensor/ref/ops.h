/* The specification of every operation, one scalar function each, written to be read: the arbiter
 * of a dispute runs these, and every fast kernel must equal them bit for bit (docs/numerics.md).
 * Results may be any NaN in registers; what is stored goes through ay_f32_bits, hence canonical.
 * No heap, no state, no errors but those stated. */
#ifndef AY_TENSOR_REF_OPS_H
#define AY_TENSOR_REF_OPS_H

#include "base/code.h"

/* Functions of a map step; the numbers are those of assay.work.v1.Fn. */
enum ay_fn {
    AY_FN_NONE = 0,
    AY_FN_ADD = 1, /* two operands up to MAX, then one */
    AY_FN_SUB = 2,
    AY_FN_MUL = 3,
    AY_FN_DIV = 4,
    AY_FN_MAX = 5,
    AY_FN_NEG = 6,
    AY_FN_SQRT = 7,
    AY_FN_EXP = 8,
    AY_FN_LOG = 9,
    AY_FN_TANH = 10,
    AY_FN_ERF = 11,
    AY_FN_COUNT
};

/* Operands of fn: 2 or 1; 0 for what is no function. */
unsigned ay_fn_arity(enum ay_fn fn);

/* fn(a, b), rounded once; b is ignored by functions of one operand. fn must have an arity. */
float ay_ref_fn(enum ay_fn fn, float a, float b);

/* max(a, b): NaN if either is, and -0 < +0. */
float ay_ref_max(float a, float b);

/* GATHER: the row of a table that an id takes, clamped to [0, rows - 1]; rows >= 1. */
uint32_t ay_ref_gather_row(int32_t id, uint32_t rows);

/* MATMUL: for k ascending acc = fma(a[k], b[k], acc). The first acc is +0; one returned may be
 * given back to go on with the k that follow. a, b: (n) f32. */
float ay_ref_chain(float acc, const float *a, const float *b, uint32_t n);

/* REDUCE sum and sumsq: 16 partial sums, element i going to lane i mod 16, then the tree
 * lane[l] += lane[l + h] for h = 8, 4, 2, 1. A mean is a MAP that divides. */
struct ay_ref_sum {
    float lane[16]; /* all +0 at the start */
    uint64_t next;  /* index of the element that comes next */
};
void ay_ref_sum_add(struct ay_ref_sum *s, float x);    /* lane += x */
void ay_ref_sum_square(struct ay_ref_sum *s, float x); /* lane = fma(x, x, lane) */
float ay_ref_sum_finish(const struct ay_ref_sum *s);

/* The same over (n) f32, `stride` elements apart; n = 0 gives +0, and -inf for max. */
float ay_ref_reduce_sum(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_sumsq(const float *x, uint32_t n, uint32_t stride);
float ay_ref_reduce_max(const float *x, uint32_t n, uint32_t stride);

/* MAP: an operand is kind << 24 | index, in the numbers of assay.work.v1.MapStep. */
#define AY_MAX_MAP_STEPS  16
#define AY_MAX_MAP_INPUTS 6
enum ay_map_kind { AY_MAP_INPUT = 0, AY_MAP_STEP = 1, AY_MAP_CONST = 2, AY_MAP_DIM = 3 };
struct ay_map_step {
    enum ay_fn fn;
    uint32_t args[2]; /* args[1] is ignored by functions of one operand */
};
struct ay_map {
    const struct ay_map_step *steps; /* step i may use steps before i */
    uint32_t step_count;             /* 1..AY_MAX_MAP_STEPS */
    const uint32_t *consts;          /* bits of f32 */
    uint32_t const_count;
    const uint32_t *dims; /* size of each dimension symbol, used as f32, rounded to nearest */
    uint32_t dim_count;
    uint32_t input_count;
};

/* AY_E_RANGE unless every step has a function and operands that exist. */
AY_MUST enum ay_code ay_map_check(const struct ay_map *map);

/* The last step's value for one output element, given that element of each input as broadcast.
 * The map must have passed ay_map_check. */
float ay_ref_map(const struct ay_map *map, const float *inputs);

#endif
