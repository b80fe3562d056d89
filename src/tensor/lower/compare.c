/* Comparisons, logic, and choices between elements. */
#include "tensor/lower/terms.h"

static term inverse(const struct ay_lower *l, term x)
{
    return int_fn(l, AY_WORK_FN_INT_EQ, BOOL, x, integer(l, I64, 0));
}

static term compare(const struct ay_lower *l, enum ay_work_fn f32, enum ay_work_fn ints, term a,
                    term b)
{
    if (a->dtype != b->dtype)
        return ay_lower_fail(l, AY_E_FORMAT, "operands are %s and %s", ay_dtype_name(a->dtype),
                             ay_dtype_name(b->dtype));
    return int_fn(l, a->dtype == F32 ? f32 : ints, BOOL, a, b);
}

static void equal(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = compare(l, AY_WORK_FN_EQ, AY_WORK_FN_INT_EQ, o->in[0], o->in[1]);
}

static void less_than(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = compare(l, AY_WORK_FN_LT, AY_WORK_FN_INT_LT, o->in[0], o->in[1]);
}

static void less_or_equal(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = compare(l, AY_WORK_FN_LE, AY_WORK_FN_INT_LE, o->in[0], o->in[1]);
}

static void greater(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = compare(l, AY_WORK_FN_LT, AY_WORK_FN_INT_LT, o->in[1], o->in[0]);
}

static void greater_or_equal(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = compare(l, AY_WORK_FN_LE, AY_WORK_FN_INT_LE, o->in[1], o->in[0]);
}

static void logical_and(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = both(l, o->in[0], o->in[1]);
}

static void logical_or(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = int_fn(l, AY_WORK_FN_INT_OR, BOOL, o->in[0], o->in[1]);
}

static void logical_xor(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = int_fn(l, AY_WORK_FN_INT_XOR, BOOL, o->in[0], o->in[1]);
}

static void logical_not(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = inverse(l, o->in[0]);
}

static void is_nan(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = inverse(l, int_fn(l, AY_WORK_FN_EQ, BOOL, o->in[0], o->in[0]));
}

static void is_inf(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    bool below = ay_attr_int(l, "detect_negative", 1), above = ay_attr_int(l, "detect_positive", 1);
    if (below && above) x = function(l, AY_WORK_FN_ABS, x);
    if (below && !above) x = function(l, AY_WORK_FN_NEG, x);
    term found = int_fn(l, AY_WORK_FN_EQ, BOOL, x, number(l, __builtin_inff()));
    o->out[0] = below || above ? found : both(l, found, integer(l, BOOL, 0));
}

static void where(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = choose(l, o->in[0], o->in[1], o->in[2]);
}

const struct ay_operator ay_lower_compare[] = {
    {"And", logical_and, 2, 2, 1, false}, {"Equal", equal, 2, 2, 1, false},
    {"Greater", greater, 2, 2, 1, false}, {"GreaterOrEqual", greater_or_equal, 2, 2, 1, false},
    {"IsInf", is_inf, 1, 1, 1, false},    {"IsNaN", is_nan, 1, 1, 1, false},
    {"Less", less_than, 2, 2, 1, false},  {"LessOrEqual", less_or_equal, 2, 2, 1, false},
    {"Not", logical_not, 1, 1, 1, false}, {"Or", logical_or, 2, 2, 1, false},
    {"Where", where, 3, 3, 1, false},     {"Xor", logical_xor, 2, 2, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
