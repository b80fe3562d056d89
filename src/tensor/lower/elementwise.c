/* Arithmetic and functions of elements: of f32, and of integers where the operator has them. */
#include "tensor/lower/terms.h"

static bool whole(term x)
{
    return x->dtype != F32;
}

/* --- of one operand --- */

#define FUNCTION(name, fn)                                                                         \
    static void name(const struct ay_lower *l, const struct ay_operands *o)                        \
    {                                                                                              \
        o->out[0] = function(l, fn, o->in[0]);                                                     \
    }
FUNCTION(square_root, AY_WORK_FN_SQRT)
FUNCTION(exponential, AY_WORK_FN_EXP)
FUNCTION(logarithm, AY_WORK_FN_LOG)
FUNCTION(error_function, AY_WORK_FN_ERF)
FUNCTION(sine, AY_WORK_FN_SIN)
FUNCTION(cosine, AY_WORK_FN_COS)
FUNCTION(arc_tangent, AY_WORK_FN_ATAN)
FUNCTION(hyperbolic_tangent, AY_WORK_FN_TANH)

/* An integer is its own floor, ceiling and nearest integer. */
static void rounded(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct ay_slice name = l->node->op;
    enum ay_work_fn fn = ay_slice_equal(name, ay_slice_str("Floor"))  ? AY_WORK_FN_FLOOR
                         : ay_slice_equal(name, ay_slice_str("Ceil")) ? AY_WORK_FN_CEIL
                                                                      : AY_WORK_FN_RINT;
    o->out[0] = whole(x) ? x : function(l, fn, x);
}

static void absolute(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    if (!whole(x)) {
        o->out[0] = function(l, AY_WORK_FN_ABS, x);
        return;
    }
    term minus = int_fn(l, AY_WORK_FN_INT_SUB, x->dtype, integer(l, I64, 0), x);
    bool sign = x->dtype != U8 && x->dtype != BOOL;
    o->out[0] = sign ? int_fn(l, AY_WORK_FN_INT_MAX, x->dtype, x, minus) : x;
}

static void negative(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = whole(x) ? int_fn(l, AY_WORK_FN_INT_SUB, x->dtype, integer(l, I64, 0), x)
                         : function(l, AY_WORK_FN_NEG, x);
}

static void reciprocal(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = divide(l, number(l, 1), o->in[0]);
}

/* Of a zero and of a NaN: itself. */
static void sign(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    if (whole(x)) {
        term zero = integer(l, I64, 0);
        o->out[0] =
            int_fn(l, AY_WORK_FN_INT_SUB, x->dtype, int_fn(l, AY_WORK_FN_INT_LT, I64, zero, x),
                   int_fn(l, AY_WORK_FN_INT_LT, I64, x, zero));
        return;
    }
    term zero = number(l, 0);
    term below = choose(l, less(l, x, zero), number(l, -1), x);
    o->out[0] = choose(l, less(l, zero, x), number(l, 1), below);
}

static void tangent(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = divide(l, function(l, AY_WORK_FN_SIN, x), function(l, AY_WORK_FN_COS, x));
}

static void arc_sine(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], one = number(l, 1);
    term other = function(l, AY_WORK_FN_SQRT, mul(l, sub(l, one, x), add(l, one, x)));
    o->out[0] = function(l, AY_WORK_FN_ATAN, divide(l, x, other));
}

static void arc_cosine(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], one = number(l, 1);
    term half = function(l, AY_WORK_FN_SQRT, divide(l, sub(l, one, x), add(l, one, x)));
    o->out[0] = mul(l, number(l, 2), function(l, AY_WORK_FN_ATAN, half));
}

/* p^2 / 2 for p = exp(x / 2), which overflows no earlier than the result. */
static term half_exp(const struct ay_lower *l, term x, float half)
{
    term p = function(l, AY_WORK_FN_EXP, mul(l, x, number(l, half)));
    return mul(l, mul(l, number(l, 0.5F), p), p);
}

static void hyperbolic_cosine(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = add(l, half_exp(l, x, 0.5F), half_exp(l, x, -0.5F));
}

/* Near zero, where the difference of exponentials would cancel: 2 t / (1 - t^2), t = tanh(x / 2).
 */
static void hyperbolic_sine(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], one = number(l, 1);
    term t = function(l, AY_WORK_FN_TANH, mul(l, x, number(l, 0.5F)));
    term small = divide(l, add(l, t, t), sub(l, one, mul(l, t, t)));
    term large = sub(l, half_exp(l, x, 0.5F), half_exp(l, x, -0.5F));
    o->out[0] = choose(l, less(l, function(l, AY_WORK_FN_ABS, x), one), small, large);
}

/* With the sign of x. */
static term signed_as(const struct ay_lower *l, term magnitude, term x)
{
    return choose(l, less(l, x, number(l, 0)), function(l, AY_WORK_FN_NEG, magnitude), magnitude);
}

/* log1p(a + a^2 / (1 + sqrt(a^2 + 1))), a = |x|; the square written so that it cannot overflow. */
static void area_sine(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], one = number(l, 1), a = function(l, AY_WORK_FN_ABS, x);
    term big = less(l, number(l, 0x1p24F), a);
    term near = choose(l, big, one, a);
    term root = function(l, AY_WORK_FN_SQRT, add(l, mul(l, near, near), one));
    term small = ay_term_log1p(l, add(l, near, divide(l, mul(l, near, near), add(l, one, root))));
    term large = add(l, function(l, AY_WORK_FN_LOG, a), number(l, 0x1.62e43p-1F));
    o->out[0] = signed_as(l, choose(l, big, large, small), x);
}

/* log1p(u + sqrt(u) sqrt(u + 2)), u = x - 1 */
static void area_cosine(const struct ay_lower *l, const struct ay_operands *o)
{
    term u = sub(l, o->in[0], number(l, 1));
    term root = mul(l, function(l, AY_WORK_FN_SQRT, u),
                    function(l, AY_WORK_FN_SQRT, add(l, u, number(l, 2))));
    o->out[0] = ay_term_log1p(l, add(l, u, root));
}

/* log1p(2 a / (1 - a)) / 2, a = |x| */
static void area_tangent(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], a = function(l, AY_WORK_FN_ABS, x);
    term u = divide(l, add(l, a, a), sub(l, number(l, 1), a));
    o->out[0] = signed_as(l, mul(l, number(l, 0.5F), ay_term_log1p(l, u)), x);
}

/* --- of two and more --- */

/* Whether both are of one dtype; fails otherwise. */
static bool alike(const struct ay_lower *l, term a, term b)
{
    if (!a || !b) return false;
    if (a->dtype == b->dtype) return true;
    ay_lower_fail(l, AY_E_FORMAT, "operands are %s and %s", ay_dtype_name(a->dtype),
                  ay_dtype_name(b->dtype));
    return false;
}

static term binary(const struct ay_lower *l, enum ay_work_fn f32, enum ay_work_fn ints, term a,
                   term b)
{
    if (!alike(l, a, b)) return NULL;
    return whole(a) ? int_fn(l, ints, a->dtype, a, b) : ay_tape_fn2(l->tape, f32, a, b);
}

#define BINARY(name, f32, ints)                                                                    \
    static void name(const struct ay_lower *l, const struct ay_operands *o)                        \
    {                                                                                              \
        o->out[0] = binary(l, f32, ints, o->in[0], o->in[1]);                                      \
    }
BINARY(sum_of_two, AY_WORK_FN_ADD, AY_WORK_FN_INT_ADD)
BINARY(difference, AY_WORK_FN_SUB, AY_WORK_FN_INT_SUB)
BINARY(product, AY_WORK_FN_MUL, AY_WORK_FN_INT_MUL)
BINARY(quotient, AY_WORK_FN_DIV, AY_WORK_FN_INT_DIV)

/* From left to right. */
static term variadic(const struct ay_lower *l, const struct ay_operands *o, enum ay_work_fn f32,
                     enum ay_work_fn ints)
{
    term x = ay_term_operand(l, o, 0, 0, "the first operand");
    for (uint32_t i = 1; i < o->in_count && x; i++)
        x = binary(l, f32, ints, x, ay_term_operand(l, o, i, 0, "an operand"));
    return x;
}

#define VARIADIC(name, f32, ints)                                                                  \
    static void name(const struct ay_lower *l, const struct ay_operands *o)                        \
    {                                                                                              \
        o->out[0] = variadic(l, o, f32, ints);                                                     \
    }
VARIADIC(sum, AY_WORK_FN_ADD, AY_WORK_FN_INT_ADD)
VARIADIC(maximum, AY_WORK_FN_MAX, AY_WORK_FN_INT_MAX)
VARIADIC(minimum, AY_WORK_FN_MIN, AY_WORK_FN_INT_MIN)

static void mean(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = variadic(l, o, AY_WORK_FN_ADD, AY_WORK_FN_INT_ADD);
    o->out[0] = divide(l, x, number(l, (float)o->in_count));
}

/* The remainder takes the sign of y where it is not zero and has the other. */
static void modulo(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], y = o->in[1];
    term r = binary(l, AY_WORK_FN_FMOD, AY_WORK_FN_INT_MOD, x, y);
    if (!r) return;
    o->out[0] = r;
    if (ay_attr_int(l, "fmod", 0)) return;
    if (whole(x)) {
        term zero = integer(l, I64, 0), moved = int_fn(l, AY_WORK_FN_INT_ADD, x->dtype, r, y);
        term apart =
            int_fn(l, AY_WORK_FN_INT_LT, BOOL, int_fn(l, AY_WORK_FN_INT_XOR, I64, r, y), zero);
        term some = int_fn(l, AY_WORK_FN_INT_XOR, BOOL, integer(l, BOOL, 1),
                           int_fn(l, AY_WORK_FN_INT_EQ, BOOL, r, zero));
        o->out[0] = choose(l, both(l, apart, some), moved, r);
        return;
    }
    term zero = number(l, 0), y_below = less(l, y, zero);
    term apart = int_fn(l, AY_WORK_FN_INT_XOR, BOOL, less(l, r, zero), y_below);
    term none = int_fn(l, AY_WORK_FN_EQ, BOOL, r, zero);
    /* An infinite y is the sum already. */
    term moved = choose(l, apart, add(l, r, y), r);
    term nothing = choose(l, y_below, number(l, -0.0F), zero);
    o->out[0] = choose(l, none, nothing, moved);
}

/* Integers to integers, by squaring; exponents count modulo 2^bits. */
static term int_power(const struct ay_lower *l, term x, term y)
{
    uint32_t bits = 32;
    if (y->data) {
        int64_t most = 0;
        for (uint64_t i = 0; i < ay_value_elements(y); i++)
            if (ay_value_int(y, i) > most) most = ay_value_int(y, i);
        for (bits = 1; bits < 32 && most >> bits; bits++) continue;
    }
    term one = integer(l, I64, 1), out = one, square = cast(l, x, I64);
    for (uint32_t i = 0; i < bits; i++) {
        term bit = int_fn(l, AY_WORK_FN_INT_AND, I64,
                          int_fn(l, AY_WORK_FN_INT_SHR, I64, y, integer(l, I64, i)), one);
        term factor = choose(l, cast(l, bit, BOOL), square, one);
        out = int_fn(l, AY_WORK_FN_INT_MUL, I64, out, factor);
        square = int_fn(l, AY_WORK_FN_INT_MUL, I64, square, square);
    }
    return cast(l, out, x->dtype);
}

/* A known exponent that is 2, 3 or 1/2 costs no POW (docs/numerics.md). */
static void power(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], y = o->in[1];
    if (whole(x) && whole(y)) {
        o->out[0] = int_power(l, x, y);
        return;
    }
    term base = cast(l, x, F32), exponent = cast(l, y, F32), out = NULL;
    if (!exponent) return;
    bool one = exponent->data && ay_value_elements(exponent) == 1 && exponent->rank <= x->rank;
    float e = one ? *(const float *)exponent->data : 0;
    if (e == 2.0F)
        out = mul(l, base, base);
    else if (e == 3.0F)
        out = mul(l, mul(l, base, base), base);
    else if (e == 0.5F)
        out = function(l, AY_WORK_FN_SQRT, base);
    else
        out = ay_tape_fn2(l->tape, AY_WORK_FN_POW, base, exponent);
    o->out[0] = cast(l, out, x->dtype);
}

/* --- bits --- */

#define BITWISE(name, fn)                                                                          \
    static void name(const struct ay_lower *l, const struct ay_operands *o)                        \
    {                                                                                              \
        if (alike(l, o->in[0], o->in[1]))                                                          \
            o->out[0] = int_fn(l, fn, o->in[0]->dtype, o->in[0], o->in[1]);                        \
    }
BITWISE(bits_and, AY_WORK_FN_INT_AND)
BITWISE(bits_or, AY_WORK_FN_INT_OR)
BITWISE(bits_xor, AY_WORK_FN_INT_XOR)

static void bits_not(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = int_fn(l, AY_WORK_FN_INT_XOR, o->in[0]->dtype, o->in[0], integer(l, I64, -1));
}

/* By as many bits as there are, or by fewer than none, all are shifted out. */
static void bit_shift(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], y = o->in[1];
    if (!alike(l, x, y)) return;
    bool left = ay_attr_is(l, "direction", "LEFT");
    int64_t bits = 8 * (int64_t)ay_dtype_bytes(x->dtype);
    term below = int_fn(l, AY_WORK_FN_INT_LT, BOOL, y, integer(l, I64, 0));
    term beyond = int_fn(l, AY_WORK_FN_INT_LE, BOOL, integer(l, I64, bits), y);
    term out = int_fn(l, AY_WORK_FN_INT_OR, BOOL, below, beyond);
    term sign =
        left ? integer(l, I64, 0) : int_fn(l, AY_WORK_FN_INT_SHR, I64, x, integer(l, I64, 63));
    term moved = int_fn(l, left ? AY_WORK_FN_INT_SHL : AY_WORK_FN_INT_SHR, I64, x, y);
    o->out[0] = cast(l, choose(l, out, sign, moved), x->dtype);
}

/* --- conversions --- */

static void cast_to(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t dtype = ay_term_dtype(l, ay_attr_int(l, "to", 0), "to");
    if (dtype) o->out[0] = cast(l, o->in[0], dtype);
}

static void cast_like(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = cast(l, o->in[0], o->in[1]->dtype);
}

/* Bytes of the same width are looked at anew; no function of elements does that with f32. */
static void bit_cast(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint32_t dtype = ay_term_dtype(l, ay_attr_int(l, "to", 0), "to");
    if (!dtype) return;
    if (ay_dtype_bytes(dtype) != ay_dtype_bytes(x->dtype))
        ay_lower_fail(l, AY_E_FORMAT, "to has elements of another size");
    if (dtype != F32 && whole(x) && dtype != BOOL)
        o->out[0] = cast(l, x, dtype);
    else if ((x = ay_tape_need(l->tape, x, "input")))
        o->out[0] = ay_tape_copy(l->tape, dtype, x->rank, x->dims, x->data, NULL);
}

const struct ay_operator ay_lower_elementwise[] = {
    {"Abs", absolute, 1, 1, 1, false},
    {"Acos", arc_cosine, 1, 1, 1, false},
    {"Acosh", area_cosine, 1, 1, 1, false},
    {"Add", sum_of_two, 2, 2, 1, false},
    {"Asin", arc_sine, 1, 1, 1, false},
    {"Asinh", area_sine, 1, 1, 1, false},
    {"Atan", arc_tangent, 1, 1, 1, false},
    {"Atanh", area_tangent, 1, 1, 1, false},
    {"BitCast", bit_cast, 1, 1, 1, false},
    {"BitShift", bit_shift, 2, 2, 1, false},
    {"BitwiseAnd", bits_and, 2, 2, 1, false},
    {"BitwiseNot", bits_not, 1, 1, 1, false},
    {"BitwiseOr", bits_or, 2, 2, 1, false},
    {"BitwiseXor", bits_xor, 2, 2, 1, false},
    {"Cast", cast_to, 1, 1, 1, false},
    {"CastLike", cast_like, 2, 2, 1, false},
    {"Ceil", rounded, 1, 1, 1, false},
    {"Cos", cosine, 1, 1, 1, false},
    {"Cosh", hyperbolic_cosine, 1, 1, 1, false},
    {"Div", quotient, 2, 2, 1, false},
    {"Erf", error_function, 1, 1, 1, false},
    {"Exp", exponential, 1, 1, 1, false},
    {"Floor", rounded, 1, 1, 1, false},
    {"Log", logarithm, 1, 1, 1, false},
    {"Max", maximum, 1, 255, 1, false},
    {"Mean", mean, 1, 255, 1, false},
    {"Min", minimum, 1, 255, 1, false},
    {"Mod", modulo, 2, 2, 1, false},
    {"Mul", product, 2, 2, 1, false},
    {"Neg", negative, 1, 1, 1, false},
    {"Pow", power, 2, 2, 1, false},
    {"Reciprocal", reciprocal, 1, 1, 1, false},
    {"Round", rounded, 1, 1, 1, false},
    {"Sign", sign, 1, 1, 1, false},
    {"Sin", sine, 1, 1, 1, false},
    {"Sinh", hyperbolic_sine, 1, 1, 1, false},
    {"Sqrt", square_root, 1, 1, 1, false},
    {"Sub", difference, 2, 2, 1, false},
    {"Sum", sum, 1, 255, 1, false},
    {"Tan", tangent, 1, 1, 1, false},
    {"Tanh", hyperbolic_tangent, 1, 1, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
