/* The functions of a map step, and what they take and give (docs/numerics.md, section 3); their
 * values are ref/ops.h's. Pure. */
#ifndef AY_TENSOR_REF_FN_H
#define AY_TENSOR_REF_FN_H

#include "tensor/dtype.h"

/* The numbers are those of assay.work.v1.Fn. */
enum ay_fn {
    AY_FN_NONE = 0,
    AY_FN_ADD = 1,
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
    AY_FN_MIN = 12,
    AY_FN_ABS = 13,
    AY_FN_SIN = 14,
    AY_FN_COS = 15,
    AY_FN_ATAN = 16,
    AY_FN_FLOOR = 17,
    AY_FN_CEIL = 18,
    AY_FN_RINT = 19,
    AY_FN_TRUNC = 20,
    AY_FN_POW = 21,
    AY_FN_FMOD = 22,
    AY_FN_EQ = 23,
    AY_FN_LT = 24,
    AY_FN_LE = 25,
    AY_FN_TO_INT = 26,
    AY_FN_TO_FLOAT = 27,
    AY_FN_SELECT = 28,
    AY_FN_INT_SELECT = 29,
    AY_FN_INT_ADD = 30,
    AY_FN_INT_SUB = 31,
    AY_FN_INT_MUL = 32,
    AY_FN_INT_DIV = 33,
    AY_FN_INT_MOD = 34,
    AY_FN_INT_MIN = 35,
    AY_FN_INT_MAX = 36,
    AY_FN_INT_AND = 37,
    AY_FN_INT_OR = 38,
    AY_FN_INT_XOR = 39,
    AY_FN_INT_SHL = 40,
    AY_FN_INT_SHR = 41,
    AY_FN_INT_EQ = 42,
    AY_FN_INT_LT = 43,
    AY_FN_INT_LE = 44,
    AY_FN_COUNT
};

#define AY_MAX_FN_ARGS 3
struct ay_fn_signature {
    unsigned arity; /* 1..AY_MAX_FN_ARGS; 0: no such function */
    enum ay_scalar_kind args[AY_MAX_FN_ARGS];
    enum ay_scalar_kind result;
};

/* Never NULL; of arity 0 for what is no function. */
const struct ay_fn_signature *ay_fn_signature(enum ay_fn fn);

/* Its arity alone. */
unsigned ay_fn_arity(enum ay_fn fn);

/* An operand of a step is kind << 24 | index, in the numbers of assay.work.v1.MapStep. */
enum ay_map_kind {
    AY_MAP_INPUT = 0,
    AY_MAP_STEP = 1,
    AY_MAP_CONST = 2,
    AY_MAP_DIM = 3,
    AY_MAP_INT = 4
};

#endif
