/* Normalisations. */
#include "tensor/lower/norm.h"

/* x with its mean along axes taken away; the mean too. */
static term centred(const struct ay_lower *l, term x, uint32_t axes, uint64_t n, term *mean)
{
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUM, x, axes);
    *mean = divide(l, sum, number(l, (float)n));
    return sub(l, x, *mean);
}

/* sqrt(sum of squares / n + eps) along axes. */
static term deviation(const struct ay_lower *l, term d, uint32_t axes, uint64_t n, float eps)
{
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUMSQ, d, axes);
    term mean = divide(l, sum, number(l, (float)n));
    return function(l, AY_WORK_FN_SQRT, add(l, mean, number(l, eps)));
}

term ay_standardised(const struct ay_lower *l, term x, float eps)
{
    if (!x) return NULL;
    term mean;
    uint32_t last = 1u << (x->rank - 1);
    uint64_t n = x->dims[x->rank - 1];
    term d = centred(l, x, last, n, &mean);
    return divide(l, d, deviation(l, d, last, n, eps));
}

static float epsilon(const struct ay_lower *l)
{
    return ay_attr_float(l, "epsilon", 1e-5F);
}

term ay_root_mean_squared(const struct ay_lower *l, term x, float eps)
{
    return x ? divide(l, x, deviation(l, x, 1u << (x->rank - 1), x->dims[x->rank - 1], eps)) : NULL;
}

/* A value for each channel (C) beside an image (N, C, ..). */
static term channels(const struct ay_lower *l, term x, term image, const char *what)
{
    uint64_t dims[AY_MAX_RANK];
    if (!x || !ay_term_shape(l, x, SHAPE(image->rank > 1 ? image->dims[1] : 1), what)) return NULL;
    dims[0] = x->dims[0];
    for (uint32_t d = 2; d < image->rank; d++) dims[d - 1] = 1;
    return reshape(l, x, image->rank > 1 ? image->rank - 1 : 1, dims);
}

/* --- over a batch --- */

/* x a + b, where a = scale / sqrt(var + eps), b = B - mean a: of channels, or of each element of a
 * sample. */
static term batch_normalised(const struct ay_lower *l, term x, const term *p, bool by_channel)
{
    term root = function(l, AY_WORK_FN_SQRT, add(l, p[3], number(l, epsilon(l))));
    term a = divide(l, p[0], root), b = sub(l, p[1], mul(l, p[2], a));
    if (!by_channel) return add(l, mul(l, x, a), b);
    return add(l, mul(l, x, channels(l, a, x, "scale")), channels(l, b, x, "B"));
}

static void batch_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], p[4];
    bool training = ay_attr_int(l, "training_mode", 0);
    bool by_channel = l->opset >= 9 || x->rank < 2 || ay_attr_int(l, "spatial", 1);
    uint64_t c = x->rank > 1 ? x->dims[1] : 1, n = c ? ay_value_elements(x) / c : 0;
    const uint64_t *shape = by_channel ? &c : x->dims + 1;
    for (uint32_t i = 0; i < 4; i++) {
        p[i] = o->in[i + 1];
        if (!ay_term_shape(l, p[i], by_channel ? 1 : x->rank - 1, shape, "an operand")) return;
    }
    if (training) {
        uint32_t axes = ((1u << x->rank) - 1) & ~2u;
        term own[2], momentum = number(l, ay_attr_float(l, "momentum", 0.9F));
        term rest = sub(l, number(l, 1), momentum);
        term d = centred(l, x, axes, n, &own[0]);
        own[1] = divide(l, ay_term_reduce(l, AY_WORK_REDUCE_SUMSQ, d, axes), number(l, (float)n));
        for (uint32_t i = 0; i < 2; i++) {
            own[i] = reshape(l, own[i], SHAPE(c));
            if (i + 1 < o->out_count)
                o->out[i + 1] = add(l, mul(l, p[i + 2], momentum), mul(l, own[i], rest));
            p[i + 2] = own[i];
        }
    } else if (o->out_count > 1) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "results of training");
    }
    o->out[0] = batch_normalised(l, x, p, by_channel);
}

static void instance_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    if (x->rank < 2) ay_lower_fail(l, AY_E_FORMAT, "input has %u dimensions", x->rank);
    if (x->rank < 2) return;
    uint64_t c = x->dims[1], planes = x->dims[0] * c,
             n = planes ? ay_value_elements(x) / planes : 0;
    term y = ay_standardised(l, reshape(l, x, SHAPE(x->dims[0], c, n)), epsilon(l));
    y = reshape(l, y, x->rank, x->dims);
    o->out[0] = add(l, mul(l, y, channels(l, o->in[1], x, "scale")), channels(l, o->in[2], x, "B"));
}

/* From opset 21 scale and bias are of channels, before of groups. */
static void group_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], scale = o->in[1], bias = o->in[2];
    int64_t groups = ay_attr_int(l, "num_groups", 0);
    if (x->rank < 2 || groups <= 0 || x->dims[1] % (uint64_t)groups != 0) {
        ay_lower_fail(l, AY_E_FORMAT, "num_groups does not divide the channels");
        return;
    }
    uint64_t g = (uint64_t)groups, all = x->dims[0] * g, n = all ? ay_value_elements(x) / all : 0;
    term y = ay_standardised(l, reshape(l, x, SHAPE(x->dims[0], g, n)), epsilon(l));
    if (l->opset < 21) {
        if (!ay_term_shape(l, scale, SHAPE(g), "scale") ||
            !ay_term_shape(l, bias, SHAPE(g), "bias"))
            return;
        y = add(l, mul(l, y, reshape(l, scale, SHAPE(g, 1))), reshape(l, bias, SHAPE(g, 1)));
        o->out[0] = reshape(l, y, x->rank, x->dims);
        return;
    }
    y = reshape(l, y, x->rank, x->dims);
    o->out[0] = add(l, mul(l, y, channels(l, scale, x, "scale")), channels(l, bias, x, "bias"));
}

/* --- over the last axes --- */

/* The operand with its axes from `axis` on as one, and the shape of one number for each. */
struct trailing {
    term x;
    uint64_t n;
    uint64_t single[AY_MAX_RANK];
};

static bool read_trailing(const struct ay_lower *l, term x, struct trailing *t)
{
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -1), x->rank);
    uint64_t dims[AY_MAX_RANK];
    if (ay_tape_code(l->tape) != AY_OK) return false;
    t->n = 1;
    for (uint32_t d = 0; d < x->rank; d++) {
        dims[d] = t->single[d] = x->dims[d];
        if (d < axis) continue;
        t->n *= x->dims[d];
        t->single[d] = 1;
    }
    dims[axis] = t->n;
    t->x = reshape(l, x, axis + 1, dims);
    return t->x != NULL;
}

static void layer_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], mean;
    struct trailing t;
    if (!read_trailing(l, x, &t)) return;
    uint32_t last = 1u << (t.x->rank - 1);
    term d = centred(l, t.x, last, t.n, &mean);
    term root = deviation(l, d, last, t.n, epsilon(l));
    term y = mul(l, reshape(l, divide(l, d, root), x->rank, x->dims), o->in[1]);
    o->out[0] = ay_in(o, 2) ? add(l, y, ay_in(o, 2)) : y;
    if (o->out_count > 1) o->out[1] = reshape(l, mean, x->rank, t.single);
    if (o->out_count > 2) o->out[2] = reshape(l, divide(l, number(l, 1), root), x->rank, t.single);
}

static void rms_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct trailing t;
    if (!read_trailing(l, x, &t)) return;
    term root = deviation(l, t.x, 1u << (t.x->rank - 1), t.n, epsilon(l));
    o->out[0] = mul(l, reshape(l, divide(l, t.x, root), x->rank, x->dims), o->in[1]);
    if (o->out_count > 1) o->out[1] = reshape(l, divide(l, number(l, 1), root), x->rank, t.single);
}

/* --- others --- */

/* x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta */
static void local_response(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t size = ay_attr_int(l, "size", 0);
    if (x->rank < 2 || size < 1 || size >= 1 << 30) {
        ay_lower_fail(l, AY_E_FORMAT, "size does not fit");
        return;
    }
    uint64_t n = x->dims[0], c = x->dims[1], planes = n * c,
             rest = planes ? ay_value_elements(x) / planes : 0;
    struct ay_tape_view v = {.view_rank = 3,
                             .grid_rank = 4,
                             .view = {n, c, rest},
                             .grid = {n, c, (uint64_t)size, rest},
                             .offsets = {0, -((size - 1) / 2), 0}};
    v.coefs[0][0] = v.coefs[1][1] = v.coefs[1][2] = v.coefs[2][3] = 1;
    term near = ay_tape_view(l->tape, x, &v, SHAPE(n, c, (uint64_t)size, rest));
    term sum = reshape(l, reduce(l, AY_WORK_REDUCE_SUMSQ, near, 2), x->rank, x->dims);
    float alpha = ay_attr_float(l, "alpha", 1e-4F) / (float)size;
    term base = add(l, mul(l, sum, number(l, alpha)), number(l, ay_attr_float(l, "bias", 1)));
    o->out[0] = divide(
        l, x,
        ay_tape_fn2(l->tape, AY_WORK_FN_POW, base, number(l, ay_attr_float(l, "beta", 0.75F))));
}

static void lp_normalization(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], size;
    int64_t p = ay_attr_int(l, "p", 2);
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -1), x->rank);
    if (p != 1 && p != 2) ay_lower_fail(l, AY_E_FORMAT, "p is neither 1 nor 2");
    if (ay_tape_code(l->tape) != AY_OK) return;
    if (p == 2)
        size = function(l, AY_WORK_FN_SQRT, reduce(l, AY_WORK_REDUCE_SUMSQ, x, axis));
    else
        size = reduce(l, AY_WORK_REDUCE_SUM, function(l, AY_WORK_FN_ABS, x), axis);
    term none = int_fn(l, AY_WORK_FN_EQ, BOOL, size, number(l, 0));
    o->out[0] = choose(l, none, number(l, 0), divide(l, x, size));
}

/* Before version 9 as onnxruntime has it: channels apart or not, by their variance or not. */
static void mean_variance(const struct ay_lower *l, const struct ay_operands *o)
{
    static const int64_t otherwise[] = {0, 2, 3, 1};
    term x = o->in[0], mean;
    bool old = l->opset < 9, varies = !old || ay_attr_int(l, "normalize_variance", 1) != 0;
    uint32_t count, axes = 0;
    const int64_t *list = ay_attr_ints(l, "axes", &count);
    if (old || !ay_attr_has(l, "axes")) {
        list = otherwise;
        count = old && ay_attr_int(l, "across_channels", 0) != 0 ? 4 : 3;
    }
    uint64_t n = 1;
    for (uint32_t i = 0; i < count; i++) axes |= 1u << ay_lower_axis(l, list[i], x->rank);
    for (uint32_t d = 0; d < x->rank; d++)
        if (axes >> d & 1) n *= x->dims[d];
    term d = centred(l, x, axes, n, &mean);
    term root = varies ? add(l, deviation(l, d, axes, n, 0), number(l, 1e-9F)) : NULL;
    o->out[0] = varies ? divide(l, d, root) : d;
}

const struct ay_operator ay_lower_norm[] = {
    {"BatchNormalization", batch_normalization, 5, 5, 3, false},
    {"GroupNormalization", group_normalization, 3, 3, 1, false},
    {"InstanceNormalization", instance_normalization, 3, 3, 1, false},
    {"LRN", local_response, 1, 1, 1, false},
    {"LayerNormalization", layer_normalization, 2, 3, 3, false},
    {"LpNormalization", lp_normalization, 1, 1, 1, false},
    {"MeanVarianceNormalization", mean_variance, 1, 1, 1, false},
    {"RMSNormalization", rms_normalization, 2, 2, 1, false},
    {"SimplifiedLayerNormalization", rms_normalization, 2, 2, 2, false}, /* onnxruntime's */
    {"com.microsoft:SimplifiedLayerNormalization", rms_normalization, 2, 2, 2, false},
    {NULL, NULL, 0, 0, 0, false},
};
