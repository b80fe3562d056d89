/* Activations: compositions of a few functions of elements. */
#include "tensor/lower/activation.h"

static void relu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = x->dtype == F32 ? larger(l, x, number(l, 0))
                                : int_fn(l, AY_WORK_FN_INT_MAX, x->dtype, x, integer(l, I64, 0));
}

/* x where it is not below zero, else y. */
static term where_negative(const struct ay_lower *l, term x, term y)
{
    return choose(l, less(l, x, number(l, 0)), y, x);
}

/* x where it is not below zero, else slope * x. */
static term sloped(const struct ay_lower *l, term x, term slope)
{
    term y = mul(l, slope, x);
    bool gentle = slope && slope->data; /* known, each above 0 and at most 1 */
    for (uint64_t i = 0; gentle && i < ay_value_elements(slope); i++)
        gentle = ((const float *)slope->data)[i] > 0 && ((const float *)slope->data)[i] <= 1;
    return gentle ? larger(l, x, y) : where_negative(l, x, y);
}

static void leaky_relu(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = sloped(l, o->in[0], number(l, ay_attr_float(l, "alpha", 0.01F)));
}

/* A list of slopes that is as long as the axis of channels, but not as the last, is theirs. */
static term slope_of(const struct ay_lower *l, term x, term slope)
{
    uint64_t dims[AY_MAX_RANK];
    bool list = slope->rank == 1 && slope->dims[0] != 1 && x->rank > 2;
    if (!list || slope->dims[0] == x->dims[x->rank - 1] || slope->dims[0] != x->dims[1])
        return slope;
    for (uint32_t d = 1; d < x->rank; d++) dims[d - 1] = d == 1 ? x->dims[1] : 1;
    return reshape(l, slope, x->rank - 1, dims);
}

static void p_relu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], slope = slope_of(l, x, o->in[1]);
    if (x->dtype == F32) {
        o->out[0] = sloped(l, x, slope);
        return;
    }
    term below = int_fn(l, AY_WORK_FN_INT_LT, BOOL, x, integer(l, I64, 0));
    o->out[0] = choose(l, below, int_fn(l, AY_WORK_FN_INT_MUL, x->dtype, slope, x), x);
}

/* alpha (exp(x / scale) - 1) */
static term exp_less_one(const struct ay_lower *l, term x, float alpha, float scale)
{
    if (scale != 1.0F) x = divide(l, x, number(l, scale));
    term e = sub(l, function(l, AY_WORK_FN_EXP, x), number(l, 1));
    return mul(l, number(l, alpha), e);
}

static void elu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = where_negative(l, x, exp_less_one(l, x, ay_attr_float(l, "alpha", 1), 1));
}

static void celu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    float alpha = ay_attr_float(l, "alpha", 1);
    o->out[0] = where_negative(l, x, exp_less_one(l, x, alpha, alpha));
}

static void selu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    float alpha = ay_attr_float(l, "alpha", 1.67326319217681884765625F);
    float gamma = ay_attr_float(l, "gamma", 1.05070102214813232421875F);
    o->out[0] = mul(l, number(l, gamma), where_negative(l, x, exp_less_one(l, x, alpha, 1)));
}

term ay_term_gelu(const struct ay_lower *l, term x)
{
    term e = function(l, AY_WORK_FN_ERF, divide(l, x, number(l, 0x1.6a09e6p+0F))); /* sqrt(2) */
    return mul(l, mul(l, x, add(l, e, number(l, 1))), number(l, 0.5F));
}

term ay_term_gelu_tanh(const struct ay_lower *l, term x)
{
    term cube = mul(l, mul(l, mul(l, x, x), x), number(l, 0.044715F));
    term inner = mul(l, add(l, x, cube), number(l, 0x1.988454p-1F)); /* sqrt(2 / pi) */
    term t = add(l, function(l, AY_WORK_FN_TANH, inner), number(l, 1));
    return mul(l, mul(l, x, t), number(l, 0.5F));
}

static void gelu(const struct ay_lower *l, const struct ay_operands *o)
{
    bool by_tanh = ay_attr_is(l, "approximate", "tanh");
    o->out[0] = by_tanh ? ay_term_gelu_tanh(l, o->in[0]) : ay_term_gelu(l, o->in[0]);
}

static void sigmoid(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_sigmoid(l, o->in[0]);
}

static void hard_sigmoid(const struct ay_lower *l, const struct ay_operands *o)
{
    term slope = number(l, ay_attr_float(l, "alpha", 0.2F));
    term shift = number(l, ay_attr_float(l, "beta", 0.5F));
    o->out[0] = clamp(l, add(l, mul(l, slope, o->in[0]), shift), 0, 1);
}

static void hard_swish(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    term gate = add(l, mul(l, x, number(l, 1.0F / 6)), number(l, 0.5F));
    o->out[0] = mul(l, x, clamp(l, gate, 0, 1));
}

/* max(x, 0) + log1p(exp(-|x|)) */
static term soft_plus(const struct ay_lower *l, term x)
{
    term minus = function(l, AY_WORK_FN_NEG, function(l, AY_WORK_FN_ABS, x));
    term rest = ay_term_log1p(l, function(l, AY_WORK_FN_EXP, minus));
    return add(l, larger(l, x, number(l, 0)), rest);
}

static void softplus(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = soft_plus(l, o->in[0]);
}

static void mish(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = mul(l, x, function(l, AY_WORK_FN_TANH, soft_plus(l, x)));
}

static void softsign(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    o->out[0] = divide(l, x, add(l, number(l, 1), function(l, AY_WORK_FN_ABS, x)));
}

static void thresholded_relu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], alpha = number(l, ay_attr_float(l, "alpha", 1));
    o->out[0] = choose(l, less(l, alpha, x), x, number(l, 0));
}

term ay_term_swish(const struct ay_lower *l, term x, float alpha)
{
    term scaled = alpha == 1.0F ? x : mul(l, number(l, alpha), x);
    return mul(l, x, ay_term_sigmoid(l, scaled));
}

static void swish(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_swish(l, o->in[0], ay_attr_float(l, "alpha", 1));
}

static void swi_glu(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = mul(l, ay_term_swish(l, o->in[0], ay_attr_float(l, "alpha", 1)), o->in[1]);
}

static void shrink(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = cast(l, o->in[0], F32);
    float lambda = ay_attr_float(l, "lambd", 0.5F);
    term bias = number(l, ay_attr_float(l, "bias", 0));
    term high = choose(l, less(l, number(l, lambda), x), sub(l, x, bias), number(l, 0));
    term out = choose(l, less(l, x, number(l, -lambda)), add(l, x, bias), high);
    o->out[0] = cast(l, out, o->in[0]->dtype);
}

/* Bounds are attributes before opset 11; where both are there and cross, the upper one holds. */
static void clip(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], low = ay_in(o, 1), high = ay_in(o, 2);
    if (l->opset < 11 && ay_attr_has(l, "min")) low = number(l, ay_attr_float(l, "min", 0));
    if (l->opset < 11 && ay_attr_has(l, "max")) high = number(l, ay_attr_float(l, "max", 0));
    uint32_t dtype = x->dtype;
    if (low && x)
        x = dtype == F32 ? larger(l, x, low) : int_fn(l, AY_WORK_FN_INT_MAX, dtype, x, low);
    if (high && x)
        x = dtype == F32 ? smaller(l, x, high) : int_fn(l, AY_WORK_FN_INT_MIN, dtype, x, high);
    o->out[0] = x;
}

const struct ay_operator ay_lower_activation[] = {
    {"Celu", celu, 1, 1, 1, false},
    {"Clip", clip, 1, 3, 1, false},
    {"Elu", elu, 1, 1, 1, false},
    {"Gelu", gelu, 1, 1, 1, false},
    {"HardSigmoid", hard_sigmoid, 1, 1, 1, false},
    {"HardSwish", hard_swish, 1, 1, 1, false},
    {"LeakyRelu", leaky_relu, 1, 1, 1, false},
    {"Mish", mish, 1, 1, 1, false},
    {"PRelu", p_relu, 2, 2, 1, false},
    {"Relu", relu, 1, 1, 1, false},
    {"Selu", selu, 1, 1, 1, false},
    {"Shrink", shrink, 1, 1, 1, false},
    {"Sigmoid", sigmoid, 1, 1, 1, false},
    {"Softplus", softplus, 1, 1, 1, false},
    {"Softsign", softsign, 1, 1, 1, false},
    {"SwiGLU", swi_glu, 2, 2, 1, false},
    {"Swish", swish, 1, 1, 1, false},
    {"ThresholdedRelu", thresholded_relu, 1, 1, 1, false},
    {"com.microsoft:Gelu", gelu, 1, 1, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
