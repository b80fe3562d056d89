/* Convolutions: windows of the image as rows, times the rows of weights. */
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

/* Weights (C, M / groups, kernel...) as those of the convolution that computes the same: (M, C /
 * groups, kernel...), each kernel reversed. */
static term reversed(const struct ay_lower *l, term weights, uint64_t groups, uint64_t taps)
{
    uint64_t c = weights->dims[0] / groups, m = weights->dims[1], dims[AY_MAX_RANK];
    struct ay_tape_view v = {.view_rank = 4, .grid_rank = 4};
    const uint64_t view[] = {groups, c, m, taps}, grid[] = {groups, m, c, taps};
    memcpy(v.view, view, sizeof view);
    memcpy(v.grid, grid, sizeof grid);
    v.coefs[0][0] = v.coefs[1][2] = v.coefs[2][1] = 1;
    v.coefs[3][3] = -1;
    v.offsets[3] = (int64_t)taps - 1;
    memcpy(dims, weights->dims, sizeof dims);
    dims[0] = groups * m;
    dims[1] = c;
    return ay_tape_view(l->tape, weights, &v, weights->rank, dims);
}

/* Sizes along axis d of the transposed convolution: w->out, and the padding of the image spread. */
static bool transpose_axis(const struct ay_lower *l, struct ay_window *w, uint32_t d,
                           const int64_t *shape, const int64_t *more)
{
    int64_t span = w->dilation[d] * ((int64_t)w->kernel[d] - 1) + 1, extra = more ? more[d] : 0;
    int64_t full = w->stride[d] * ((int64_t)w->in[d] - 1) + extra + span;
    bool upper = ay_attr_is(l, "auto_pad", "SAME_UPPER");
    bool same = upper || ay_attr_is(l, "auto_pad", "SAME_LOWER");
    int64_t out = shape  ? shape[d]
                  : same ? w->stride[d] * (int64_t)w->in[d]
                         : full - w->before[d] - w->after[d];
    if (shape || same) {
        int64_t total = full - out > 0 ? full - out : 0;
        w->before[d] = upper ? total / 2 : total - total / 2;
    }
    w->before[d] = span - 1 - w->before[d];
    w->in[d] *= (uint64_t)w->stride[d];
    w->stride[d] = 1;
    w->out[d] = (uint64_t)out;
    w->positions *= w->out[d];
    return out > 0 && out < 1ll << 30 && w->positions <= UINT32_MAX;
}

static void conv_transpose(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], weights = o->in[1], bias = ay_in(o, 2);
    int64_t groups = ay_attr_int(l, "group", 1), stride[AY_MAX_WINDOW_AXES];
    struct ay_window w;
    uint32_t shapes, extras;
    const int64_t *shape = ay_attr_ints(l, "output_shape", &shapes);
    const int64_t *more = ay_attr_ints(l, "output_padding", &extras);
    if (!fit(l, x, weights, bias, groups, weights->dims[1] * (uint64_t)groups)) return;
    if (!ay_window_shape(l, x, weights->dims + 2, &w)) return;
    /* output_shape may have batch and channels before the axes. */
    if (shapes == w.axes + 2) shape += 2;
    bool fits = weights->dims[0] == x->dims[1] && (extras == 0 || extras == w.axes) &&
                (shapes == 0 || shapes == w.axes || shapes == w.axes + 2);
    w.positions = 1;
    for (uint32_t d = 0; d < w.axes && fits; d++) {
        stride[d] = w.stride[d];
        fits = transpose_axis(l, &w, d, shape, more);
    }
    if (!fits) {
        ay_lower_fail(l, AY_E_FORMAT, "sizes, strides and pads do not fit");
        return;
    }
    term kernel = reversed(l, weights, (uint64_t)groups, w.taps);
    x = spread(l, x, stride);
    o->out[0] = ay_window_bias(l, convolve(l, x, kernel, &w, (uint64_t)groups), bias);
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
    {"Conv", ay_lower_conv_float, 2, 3, 1, false},
    {"ConvTranspose", conv_transpose, 2, 3, 1, false},
    {"DeformConv", ay_lower_deform_conv, 3, 5, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
