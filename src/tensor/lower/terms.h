/* What the families of operators write with: the tape's calls under short names, and the few
 * compounds that several operators share. Private to this folder. As with the tape, NULL is taken
 * as an operand and given back after a failure. */
#ifndef AY_TENSOR_LOWER_TERMS_H
#define AY_TENSOR_LOWER_TERMS_H

#include "tensor/lower/lower.h"

typedef const struct ay_value *term;

/* Steps that one node may be unrolled to: iterations of a loop, a recurrence's length. */
#define AY_MAX_UNROLLED 65536u

#define F32  AY_WORK_DTYPE_F32
#define I8   AY_WORK_DTYPE_I8
#define U8   AY_WORK_DTYPE_U8
#define I32  AY_WORK_DTYPE_I32
#define I64  AY_WORK_DTYPE_I64
#define BOOL AY_WORK_DTYPE_BOOL

static inline bool failed(const struct ay_lower *l)
{
    return ay_tape_code(l->tape) != AY_OK;
}

/* A shape as two arguments: rank and dims. */
#define SHAPE(...)                                                                                 \
    (uint32_t)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)), (const uint64_t[])     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define AXES(...)                                                                                  \
    (const uint32_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* --- one function, f32 --- */
static inline term number(const struct ay_lower *l, float x)
{
    return ay_tape_f32(l->tape, x);
}
static inline term add(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_ADD, a, b);
}
static inline term sub(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_SUB, a, b);
}
static inline term mul(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_MUL, a, b);
}
static inline term divide(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_DIV, a, b);
}
static inline term larger(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_MAX, a, b);
}
static inline term smaller(const struct ay_lower *l, term a, term b)
{
    return ay_tape_fn2(l->tape, AY_WORK_FN_MIN, a, b);
}
static inline term clamp(const struct ay_lower *l, term x, float low, float high)
{
    return smaller(l, larger(l, x, number(l, low)), number(l, high));
}
static inline term function(const struct ay_lower *l, enum ay_work_fn fn, term x)
{
    return ay_tape_fn1(l->tape, fn, x);
}
static inline term less(const struct ay_lower *l, term a, term b)
{
    return ay_tape_int_fn(l->tape, AY_WORK_FN_LT, BOOL, a, b);
}
static inline term less_equal(const struct ay_lower *l, term a, term b)
{
    return ay_tape_int_fn(l->tape, AY_WORK_FN_LE, BOOL, a, b);
}

/* --- one function, integers --- */
static inline term integer(const struct ay_lower *l, uint32_t dtype, int64_t x)
{
    return ay_tape_int(l->tape, dtype, x);
}
static inline term int_fn(const struct ay_lower *l, enum ay_work_fn fn, uint32_t dtype, term a,
                          term b)
{
    return ay_tape_int_fn(l->tape, fn, dtype, a, b);
}
static inline term both(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_AND, BOOL, a, b);
}
static inline term choose(const struct ay_lower *l, term condition, term a, term b)
{
    return ay_tape_select(l->tape, condition, a, b);
}
static inline term cast(const struct ay_lower *l, term x, uint32_t dtype)
{
    return ay_tape_cast(l->tape, x, dtype);
}

/* --- reductions and moves --- */
static inline term matmul(const struct ay_lower *l, term a, term b)
{
    return ay_tape_matmul(l->tape, a, b);
}
static inline term reduce(const struct ay_lower *l, enum ay_work_reduce kind, term x, uint32_t axis)
{
    return ay_tape_reduce(l->tape, kind, x, axis);
}
static inline term reshape(const struct ay_lower *l, term x, uint32_t rank, const uint64_t *dims)
{
    return ay_tape_reshape(l->tape, x, rank, dims);
}
static inline term permute(const struct ay_lower *l, term x, const uint32_t *perm)
{
    return ay_tape_permute(l->tape, x, perm);
}
static inline term expand(const struct ay_lower *l, term x, uint32_t rank, const uint64_t *dims)
{
    return ay_tape_expand(l->tape, x, rank, dims);
}
static inline term gather(const struct ay_lower *l, term x, term ids, uint32_t axis)
{
    return ay_tape_gather(l->tape, x, ids, axis);
}
/* A known value for the caller to fill through *writable at once. */
static inline term fresh(const struct ay_lower *l, uint32_t dtype, uint32_t rank,
                         const uint64_t *dims, void **writable)
{
    return ay_tape_copy(l->tape, dtype, rank, dims, NULL, writable);
}

/* --- compounds (terms.c) --- */

/* Operand i, which must be there and, unless dtype is 0, of this dtype; fails and returns NULL
 * otherwise. what: its name in the operator's definition. */
term ay_term_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                     uint32_t dtype, const char *what);
/* The same for one that may be left out: NULL then too. */
term ay_term_optional(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                      uint32_t dtype, const char *what);
/* Whether x has the rank; fails otherwise. */
bool ay_term_rank(const struct ay_lower *l, term x, uint32_t rank, const char *what);
/* Whether x has exactly this shape; fails otherwise. */
bool ay_term_shape(const struct ay_lower *l, term x, uint32_t rank, const uint64_t *dims,
                   const char *what);
/* The known f32 elements of operand x, NULL (and a failure) when they are not known. */
const float *ay_term_floats(const struct ay_lower *l, term x, const char *what);
/* A known integer operand of one element. */
int64_t ay_term_scalar(const struct ay_lower *l, term x, const char *what);
/* The dtype of an ONNX element type (FLOAT, UINT8, INT8, INT32, INT64, BOOL; FLOAT16 and BFLOAT16
 * are kept as F32); fails for others. */
uint32_t ay_term_dtype(const struct ay_lower *l, int64_t onnx, const char *what);

/* Memory for `count` terms, AY_MAX_UNROLLED at most, that the caller frees; NULL and a failure
 * otherwise. */
term *ay_term_list(const struct ay_lower *l, uint64_t count);

/* Elements begin, .., begin + size - 1 of an axis. */
term ay_term_part(const struct ay_lower *l, term x, uint32_t axis, uint64_t begin, uint64_t size);
/* Element i of an axis, which goes away. */
term ay_term_at(const struct ay_lower *l, term x, uint32_t axis, uint64_t i);
/* An axis of size 1 put in before `axis`. */
term ay_term_insert(const struct ay_lower *l, term x, uint32_t axis);
/* The axis moved to another place, the others in order. */
term ay_term_move(const struct ay_lower *l, term x, uint32_t from, uint32_t to);
/* The last two axes exchanged. */
term ay_term_transpose(const struct ay_lower *l, term x);
/* One element everywhere; dims as given. */
term ay_term_zeros(const struct ay_lower *l, uint32_t dtype, uint32_t rank, const uint64_t *dims);
/* 0, 1, .., n - 1, I64 or I32. */
term ay_term_count(const struct ay_lower *l, uint32_t dtype, uint64_t n);
/* Over a set of axes (bit d: axis d), whose sizes become 1; each run of neighbours is one reduction
 * (reduce.c). */
term ay_term_reduce(const struct ay_lower *l, enum ay_work_reduce kind, term x, uint32_t axes);
/* Of all elements, as rank 0. */
term ay_term_reduce_all(const struct ay_lower *l, enum ay_work_reduce kind, term x);
/* log(1 + u), near 0 too: docs/numerics.md. */
term ay_term_log1p(const struct ay_lower *l, term u);
term ay_term_sigmoid(const struct ay_lower *l, term x); /* 1 / (1 + exp(-x)) */
/* exp(x - max) / sum along an axis (docs/numerics.md). */
term ay_term_softmax(const struct ay_lower *l, term x, uint32_t axis);

#endif
