/* Convolutions: windows of the image as rows, times the rows of weights. */
#include "tensor/lower/origin.h"
#include "tensor/lower/window.h"

/* Images x of which the windows w are taken, weights (M, C / groups, kernel...). */
static term convolve(const struct ay_lower *l, term x, term weights, const struct ay_window *w,
                     uint64_t groups)
{
    if (!x || !weights) return NULL;
    return ay_window_product(l, weights, ay_window_rows(l, x, w, groups, 0), w, x->dims[0], groups);
}

/* Whether x (N, C, ..), weights (C or M, ..) and bias (M) belong together. */
static bool fit(const struct ay_lower *l, term x, term weights, term bias, int64_t groups,
                uint64_t outputs)
{
    bool fits = x->rank >= 3 && weights->rank == x->rank && groups > 0 && groups < 1ll << 31 &&
                x->dims[1] % (uint64_t)groups == 0 && outputs % (uint64_t)groups == 0 &&
                x->dtype == F32 && weights->dtype == F32 &&
                (!bias || (bias->rank == 1 && bias->dims[0] == outputs && bias->dtype == F32));
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "image, weights, groups and bias do not fit");
    return fits;
}

void ay_lower_conv_float(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], weights = o->in[1], bias = ay_in(o, 2);
    int64_t groups = ay_attr_int(l, "group", 1);
    struct ay_window w;
    if (!fit(l, x, weights, bias, groups, weights->dims[0])) return;
    if (!ay_window_read(l, x, weights->dims + 2, &w)) return;
    if (weights->dims[1] != x->dims[1] / (uint64_t)groups) {
        ay_lower_fail(l, AY_E_FORMAT, "weights for %llu channels",
                      (unsigned long long)weights->dims[1]);
        return;
    }
    o->out[0] = ay_window_bias(l, convolve(l, x, weights, &w, (uint64_t)groups), bias);
}

static void conv(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_qdq_conv(l, o);
    if (!o->out[0]) ay_lower_conv_float(l, o);
}

/* --- transposed --- */

/* Room between the image's elements, so that a stride becomes one step of a window. */
static term spread(const struct ay_lower *l, term x, const int64_t *stride)
{
    /* Each axis n is seen as (n, 1), read as (n, stride): what lies outside the 1 is zero. */
    struct ay_tape_view v = {.view_rank = 2, .grid_rank = 1};
    uint64_t dims[AY_MAX_RANK];
    v.view[0] = v.grid[0] = x->dims[0] * x->dims[1];
    v.coefs[0][0] = 1;
    v.view_rank = 1;
    dims[0] = x->dims[0];
    dims[1] = x->dims[1];
    bool any = false;
    for (uint32_t d = 2; d < x->rank; d++) {
        uint64_t s = (uint64_t)stride[d - 2];
        any = any || s != 1;
        dims[d] = x->dims[d] * s;
        v.view[v.view_rank] = v.grid[v.grid_rank] = x->dims[d];
        v.coefs[v.view_rank++][v.grid_rank++] = 1;
        if (s == 1) continue;
        v.view[v.view_rank] = 1;
        v.grid[v.grid_rank] = s;
        v.coefs[v.view_rank++][v.grid_rank++] = 1;
    }
    return any ? ay_tape_view(l->tape, x, &v, x->rank, dims) : x;
}

/* Weights (C, M / groups, kernel...) as those of convolutions that compute the same, one for each
 * place that an output may have within a stride: (groups, M / groups, stride..., C / groups, kernel
 * / stride...) as (M * strides, C / groups, kernel / stride...), each kernel reversed. */
static term phases(const struct ay_lower *l, term weights, const struct ay_window *w,
                   const int64_t *stride, uint64_t groups)
{
    uint64_t c = weights->dims[0] / groups, m = weights->dims[1];
    uint32_t axes = w->axes, taps = 3 + axes; /* of the grid */
    struct ay_tape_view v = {.view_rank = 3 + axes, .grid_rank = 3 + 2 * axes};
    uint64_t dims[AY_MAX_RANK] = {groups * m, c};
    v.view[0] = v.grid[0] = groups;
    v.view[1] = v.grid[taps - 1] = c;
    v.view[2] = v.grid[1] = m;
    v.coefs[0][0] = v.coefs[1][taps - 1] = v.coefs[2][1] = 1;
    for (uint32_t d = 0; d < axes; d++) {
        uint64_t s = (uint64_t)stride[d];
        v.view[3 + d] = weights->dims[2 + d];
        v.grid[2 + d] = s;
        dims[0] *= s;
        dims[2 + d] = v.grid[taps + d] = w->kernel[d];
        v.coefs[3 + d][2 + d] = 1;
        v.coefs[3 + d][taps + d] = -stride[d];
        v.offsets[3 + d] = stride[d] * ((int64_t)w->kernel[d] - 1);
    }
    return ay_tape_view(l->tape, weights, &v, weights->rank, dims);
}

/* What phases made, y (N, M, strides, out...), as an image (N, M, out * stride...). */
static term interleave(const struct ay_lower *l, term y, const struct ay_window *w,
                       const int64_t *stride)
{
    uint32_t axes = w->axes;
    struct ay_tape_view v = {.view_rank = 1 + 2 * axes, .grid_rank = 1 + 2 * axes};
    uint64_t dims[2 + AY_MAX_WINDOW_AXES] = {y->dims[0], y->dims[1]};
    v.view[0] = v.grid[0] = dims[0] * dims[1];
    v.coefs[0][0] = 1;
    for (uint32_t d = 0; d < axes; d++) {
        v.view[1 + d] = v.grid[2 + 2 * d] = (uint64_t)stride[d];
        v.view[1 + axes + d] = v.grid[1 + 2 * d] = w->out[d];
        v.coefs[1 + d][2 + 2 * d] = v.coefs[1 + axes + d][1 + 2 * d] = 1;
        dims[2 + d] = w->out[d] * (uint64_t)stride[d];
    }
    return ay_tape_view(l->tape, y, &v, 2 + axes, dims);
}

/* The sizes of a transposed convolution. Element y of the output takes in elements x of the image
 * and taps t of the kernel where y + skipped = x * stride + t * dilation. */
struct transposed {
    struct ay_window w; /* its out is the output's */
    int64_t skipped[AY_MAX_WINDOW_AXES];
};

/* As one convolution of the image spread. */
static term conv_of_spread(const struct ay_lower *l, term x, term weights, term bias,
                           const struct transposed *t, uint64_t groups)
{
    static const int64_t once[AY_MAX_WINDOW_AXES] = {1, 1, 1};
    struct ay_window w = t->w;
    x = spread(l, x, w.stride);
    for (uint32_t d = 0; d < w.axes; d++) {
        w.before[d] = w.dilation[d] * ((int64_t)w.kernel[d] - 1) - t->skipped[d];
        w.in[d] *= (uint64_t)w.stride[d];
        w.stride[d] = 1;
    }
    return ay_window_bias(l, convolve(l, x, phases(l, weights, &w, once, groups), &w, groups),
                          bias);
}

/* As convolutions of the image itself, none of which has taps that are no multiplications. */
static term conv_by_phases(const struct ay_lower *l, term x, term weights, term bias,
                           const struct transposed *t, uint64_t groups)
{
    struct ay_window w = t->w;
    uint64_t strides = 1, m = weights->dims[1] * groups;
    uint64_t dims[3 + AY_MAX_WINDOW_AXES] = {x->dims[0], m};
    w.positions = w.taps = 1;
    for (uint32_t d = 0; d < w.axes; d++) {
        uint64_t s = (uint64_t)w.stride[d], skipped = (uint64_t)t->skipped[d];
        strides *= s;
        w.kernel[d] /= s;
        w.before[d] = (int64_t)w.kernel[d] - 1 - (int64_t)(skipped / s);
        w.out[d] = (skipped + w.out[d] - 1) / s + 1 - skipped / s;
        dims[3 + d] = w.out[d];
        w.positions *= w.out[d];
        w.taps *= w.kernel[d];
        w.stride[d] = 1;
    }
    dims[2] = strides;
    term y = convolve(l, x, phases(l, weights, &w, t->w.stride, groups), &w, groups);
    if (!y) return NULL;
    y = ay_window_bias(l, reshape(l, y, 3 + w.axes, dims), bias);
    if (y) y = interleave(l, y, &w, t->w.stride);
    for (uint32_t d = 0; d < w.axes && y; d++)
        if (y->dims[2 + d] != t->w.out[d])
            y = ay_term_part(l, y, 2 + d, (uint64_t)(t->skipped[d] % t->w.stride[d]), t->w.out[d]);
    return y;
}

/* Sizes along axis d. */
static bool transpose_axis(const struct ay_lower *l, struct transposed *t, uint32_t d,
                           const int64_t *shape, const int64_t *more)
{
    struct ay_window *w = &t->w;
    int64_t span = w->dilation[d] * ((int64_t)w->kernel[d] - 1) + 1, extra = more ? more[d] : 0;
    int64_t full = w->stride[d] * ((int64_t)w->in[d] - 1) + extra + span;
    bool upper = ay_attr_is(l, "auto_pad", "SAME_UPPER");
    bool same = upper || ay_attr_is(l, "auto_pad", "SAME_LOWER");
    int64_t out = shape  ? shape[d]
                  : same ? w->stride[d] * (int64_t)w->in[d]
                         : full - w->before[d] - w->after[d];
    t->skipped[d] = w->before[d];
    if (shape || same) {
        int64_t total = full - out > 0 ? full - out : 0;
        t->skipped[d] = upper ? total / 2 : total - total / 2;
    }
    w->out[d] = (uint64_t)out;
    w->positions *= w->out[d];
    return out > 0 && out < 1ll << 30 && w->positions <= UINT32_MAX;
}

static bool is_phased(const struct transposed *t)
{
    bool phased = true;
    for (uint32_t d = 0; d < t->w.axes; d++)
        phased = phased && t->w.dilation[d] == 1 && t->skipped[d] >= 0 &&
                 t->w.kernel[d] % (uint64_t)t->w.stride[d] == 0;
    return phased;
}

static void conv_transpose(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], weights = o->in[1], bias = ay_in(o, 2);
    int64_t groups = ay_attr_int(l, "group", 1);
    struct transposed t;
    uint32_t shapes, extras;
    const int64_t *shape = ay_attr_ints(l, "output_shape", &shapes);
    const int64_t *more = ay_attr_ints(l, "output_padding", &extras);
    if (!fit(l, x, weights, bias, groups, weights->dims[1] * (uint64_t)groups)) return;
    if (!ay_window_shape(l, x, weights->dims + 2, &t.w)) return;
    /* output_shape may have batch and channels before the axes. */
    if (shapes == t.w.axes + 2) shape += 2;
    bool fits = weights->dims[0] == x->dims[1] && (extras == 0 || extras == t.w.axes) &&
                (shapes == 0 || shapes == t.w.axes || shapes == t.w.axes + 2);
    t.w.positions = 1;
    for (uint32_t d = 0; d < t.w.axes && fits; d++) fits = transpose_axis(l, &t, d, shape, more);
    if (!fits) {
        ay_lower_fail(l, AY_E_FORMAT, "sizes, strides and pads do not fit");
        return;
    }
    o->out[0] = (is_phased(&t) ? conv_by_phases : conv_of_spread)(l, x, weights, bias, &t,
                                                                  (uint64_t)groups);
}

/* --- causal, one channel at a time, with what came before --- */

static void causal_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], weights = o->in[1], bias = ay_in(o, 2), past = ay_in(o, 3);
    if (!ay_term_rank(l, x, 3, "input") || !ay_term_rank(l, weights, 3, "weight")) return;
    uint64_t batch = x->dims[0], channels = x->dims[1], length = x->dims[2], k = weights->dims[2];
    if (k == 0 || !fit(l, x, weights, bias, (int64_t)channels, weights->dims[0])) return;
    if (!past) past = ay_term_zeros(l, F32, SHAPE(batch, channels, k - 1));
    if (!ay_term_shape(l, weights, SHAPE(channels, 1, k), "weight") ||
        !ay_term_shape(l, past, SHAPE(batch, channels, k - 1), "past_state"))
        return;
    term whole = ay_tape_concat(l->tape, (const term[]){past, x}, 2, 2);
    struct ay_window w = {.axes = 1,
                          .in = {length + k - 1},
                          .kernel = {k},
                          .out = {length},
                          .stride = {1},
                          .dilation = {1},
                          .positions = length,
                          .taps = k};
    if (!whole) return;
    term y = ay_window_bias(l, convolve(l, whole, weights, &w, channels), bias);
    bool gated = ay_attr_is(l, "activation", "silu") || ay_attr_is(l, "activation", "swish");
    if (!gated && ay_attr_has(l, "activation") && !ay_attr_is(l, "activation", "none"))
        ay_lower_fail(l, AY_E_UNSUPPORTED, "unknown activation");
    o->out[0] = gated ? mul(l, y, ay_term_sigmoid(l, y)) : y;
    if (o->out_count > 1) o->out[1] = ay_term_part(l, whole, 2, length, k - 1);
}

const struct ay_operator ay_lower_conv[] = {
    {"CausalConvWithState", causal_conv, 2, 4, 2, false},
    {"Conv", conv, 2, 3, 1, false},
    {"ConvTranspose", conv_transpose, 2, 3, 1, false},
    {"DeformConv", ay_lower_deform_conv, 3, 5, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
