#include "tensor/ref/fn.h"

#define F AY_SCALAR_F32
#define I AY_SCALAR_INT
#define F_F                                                                                        \
    {                                                                                              \
        1, {F}, F                                                                                  \
    }
#define FF_F                                                                                       \
    {                                                                                              \
        2, {F, F}, F                                                                               \
    }
#define FF_I                                                                                       \
    {                                                                                              \
        2, {F, F}, I                                                                               \
    }
#define II_I                                                                                       \
    {                                                                                              \
        2, {I, I}, I                                                                               \
    }

static const struct ay_fn_signature signatures[AY_FN_COUNT] = {
    [AY_FN_ADD] = FF_F,
    [AY_FN_SUB] = FF_F,
    [AY_FN_MUL] = FF_F,
    [AY_FN_DIV] = FF_F,
    [AY_FN_MAX] = FF_F,
    [AY_FN_NEG] = F_F,
    [AY_FN_SQRT] = F_F,
    [AY_FN_EXP] = F_F,
    [AY_FN_LOG] = F_F,
    [AY_FN_TANH] = F_F,
    [AY_FN_ERF] = F_F,
    [AY_FN_MIN] = FF_F,
    [AY_FN_ABS] = F_F,
    [AY_FN_SIN] = F_F,
    [AY_FN_COS] = F_F,
    [AY_FN_ATAN] = F_F,
    [AY_FN_FLOOR] = F_F,
    [AY_FN_CEIL] = F_F,
    [AY_FN_RINT] = F_F,
    [AY_FN_TRUNC] = F_F,
    [AY_FN_POW] = FF_F,
    [AY_FN_FMOD] = FF_F,
    [AY_FN_EQ] = FF_I,
    [AY_FN_LT] = FF_I,
    [AY_FN_LE] = FF_I,
    [AY_FN_TO_INT] = {1, {F}, I},
    [AY_FN_TO_FLOAT] = {1, {I}, F},
    [AY_FN_SELECT] = {3, {I, F, F}, F},
    [AY_FN_INT_SELECT] = {3, {I, I, I}, I},
    [AY_FN_INT_ADD] = II_I,
    [AY_FN_INT_SUB] = II_I,
    [AY_FN_INT_MUL] = II_I,
    [AY_FN_INT_DIV] = II_I,
    [AY_FN_INT_MOD] = II_I,
    [AY_FN_INT_MIN] = II_I,
    [AY_FN_INT_MAX] = II_I,
    [AY_FN_INT_AND] = II_I,
    [AY_FN_INT_OR] = II_I,
    [AY_FN_INT_XOR] = II_I,
    [AY_FN_INT_SHL] = II_I,
    [AY_FN_INT_SHR] = II_I,
    [AY_FN_INT_EQ] = II_I,
    [AY_FN_INT_LT] = II_I,
    [AY_FN_INT_LE] = II_I,
};

const struct ay_fn_signature *ay_fn_signature(enum ay_fn fn)
{
    return &signatures[(unsigned)fn < AY_FN_COUNT ? fn : AY_FN_NONE];
}

unsigned ay_fn_arity(enum ay_fn fn)
{
    return ay_fn_signature(fn)->arity;
}
