#include "tensor/lower/window.h"

/* Sizes, strides and paddings; their sums and products of two stay exact. */
#define MOST (1ll << 30)

static bool in_range(int64_t x, int64_t low)
{
    return x >= low && x < MOST;
}

/* The attribute's i-th integer, or what it is where the attribute is absent. */
static int64_t item(const int64_t *list, uint32_t count, uint32_t i, int64_t otherwise)
{
    return i < count ? list[i] : otherwise;
}

/* Padding as auto_pad says: the result has ceil(in / stride) positions. */
static void pad_same(struct ay_window *w, uint32_t d, bool upper)
{
    int64_t span = w->dilation[d] * ((int64_t)w->kernel[d] - 1) + 1;
    int64_t out = ((int64_t)w->in[d] + w->stride[d] - 1) / w->stride[d];
    int64_t total = (out - 1) * w->stride[d] + span - (int64_t)w->in[d];
    if (total < 0) total = 0;
    w->before[d] = upper ? total / 2 : total - total / 2;
    w->after[d] = total - w->before[d];
}

/* Positions along an axis; with ceil_mode the last one may reach beyond the padding behind the
 * image, but begins within the image or the padding before it. */
static int64_t positions(const struct ay_window *w, uint32_t d, bool ceil)
{
    int64_t span = w->dilation[d] * ((int64_t)w->kernel[d] - 1) + 1;
    int64_t room = (int64_t)w->in[d] + w->before[d] + w->after[d] - span;
    if (room < 0 && !(ceil && room > -w->stride[d])) return 0;
    int64_t out = (room + (ceil ? w->stride[d] - 1 : 0)) / w->stride[d] + 1;
    if (ceil && (out - 1) * w->stride[d] >= (int64_t)w->in[d] + w->before[d]) out--;
    return out;
}

static bool read_axes(const struct ay_lower *l, term x, const uint64_t *kernel, struct ay_window *w)
{
    uint32_t kernels, strides, dilations, pads, n = x->rank - 2;
    const int64_t *shape = ay_attr_ints(l, "kernel_shape", &kernels);
    const int64_t *stride = ay_attr_ints(l, "strides", &strides);
    const int64_t *dilation = ay_attr_ints(l, "dilations", &dilations);
    const int64_t *pad = ay_attr_ints(l, "pads", &pads);
    bool fits = (kernels == n || (kernel && kernels == 0)) && (strides == 0 || strides == n) &&
                (dilations == 0 || dilations == n) && (pads == 0 || pads == 2 * n);
    for (uint32_t d = 0; d < n && fits; d++) {
        int64_t k = kernel ? (int64_t)kernel[d] : shape[d];
        w->in[d] = x->dims[d + 2];
        w->kernel[d] = (uint64_t)k;
        w->stride[d] = item(stride, strides, d, 1);
        w->dilation[d] = item(dilation, dilations, d, 1);
        w->before[d] = item(pad, pads, d, 0);
        w->after[d] = item(pad, pads, d + n, 0);
        fits = in_range(k, 1) && (kernels == 0 || shape[d] == k) && in_range(w->stride[d], 1) &&
               in_range(w->dilation[d], 1) && in_range(w->before[d], 0) &&
               in_range(w->after[d], 0) && in_range((int64_t)w->in[d], 1);
    }
    return fits;
}

bool ay_window_shape(const struct ay_lower *l, term x, const uint64_t *kernel, struct ay_window *w)
{
    if (!x || x->rank < 3 || x->rank - 2 > AY_MAX_WINDOW_AXES) {
        if (x) ay_lower_fail(l, AY_E_UNSUPPORTED, "an image of %u dimensions", x->rank);
        return false;
    }
    *w = (struct ay_window){.axes = x->rank - 2, .positions = 1, .taps = 1};
    bool fits = read_axes(l, x, kernel, w);
    for (uint32_t d = 0; d < w->axes && fits; d++) {
        w->taps *= w->kernel[d];
        fits = w->taps <= UINT32_MAX;
    }
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "kernel, strides, dilations and pads do not fit");
    return ay_tape_code(l->tape) == AY_OK;
}

bool ay_window_read(const struct ay_lower *l, term x, const uint64_t *kernel, struct ay_window *w)
{
    if (!ay_window_shape(l, x, kernel, w)) return false;
    bool ceil = ay_attr_int(l, "ceil_mode", 0), valid = ay_attr_is(l, "auto_pad", "VALID");
    bool upper = ay_attr_is(l, "auto_pad", "SAME_UPPER"), fits = true;
    bool same = upper || ay_attr_is(l, "auto_pad", "SAME_LOWER");
    for (uint32_t d = 0; d < w->axes && fits; d++) {
        if (same) pad_same(w, d, upper);
        if (valid) w->before[d] = w->after[d] = 0;
        int64_t out = positions(w, d, ceil);
        w->out[d] = (uint64_t)out;
        w->positions *= w->out[d];
        fits = in_range(out, 1) && w->positions <= UINT32_MAX;
    }
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "no window fits the image");
    return ay_tape_code(l->tape) == AY_OK;
}

/* The axes of the image in a VIEW whose grid has the positions from axis `out`, the taps from axis
 * `tap`. */
static void slide(const struct ay_window *w, struct ay_tape_view *v, uint32_t first, uint32_t out,
                  uint32_t tap)
{
    for (uint32_t d = 0; d < w->axes; d++) {
        v->view[first + d] = w->in[d];
        v->offsets[first + d] = -w->before[d];
        v->grid[out + d] = w->out[d];
        v->coefs[first + d][out + d] = w->stride[d];
        v->grid[tap + d] = w->kernel[d];
        v->coefs[first + d][tap + d] = w->dilation[d];
    }
}

term ay_window_rows(const struct ay_lower *l, term x, const struct ay_window *w, uint64_t groups,
                    uint64_t fill)
{
    uint64_t batch = x->dims[0], channels = x->dims[1] / groups;
    /* grid: group, batch, positions, channel, taps */
    struct ay_tape_view v = {.view_rank = 2 + w->axes, .grid_rank = 3 + 2 * w->axes, .fill = fill};
    v.view[0] = batch;
    v.view[1] = x->dims[1];
    v.grid[0] = groups;
    v.grid[1] = batch;
    v.grid[2 + w->axes] = channels;
    v.coefs[0][1] = 1;
    v.coefs[1][0] = (int64_t)channels;
    v.coefs[1][2 + w->axes] = 1;
    slide(w, &v, 2, 2, 3 + w->axes);
    uint64_t dims[] = {groups, batch * w->positions, channels * w->taps};
    return groups == 1 ? ay_tape_view(l->tape, x, &v, 2, dims + 1)
                       : ay_tape_view(l->tape, x, &v, 3, dims);
}

term ay_window_channels(const struct ay_lower *l, term x, const struct ay_window *w, uint64_t fill)
{
    uint64_t planes = x->dims[0] * x->dims[1];
    struct ay_tape_view v = {.view_rank = 1 + w->axes, .grid_rank = 1 + 2 * w->axes, .fill = fill};
    v.view[0] = v.grid[0] = planes;
    v.coefs[0][0] = 1;
    slide(w, &v, 1, 1, 1 + w->axes);
    return ay_tape_view(l->tape, x, &v, SHAPE(planes, w->positions, w->taps));
}

term ay_window_product(const struct ay_lower *l, term weights, term rows, const struct ay_window *w,
                       uint64_t batch, uint64_t groups)
{
    if (!weights || !rows) return NULL;
    uint64_t outputs = weights->dims[0], k = weights->dims[1] * w->taps;
    uint64_t dims[2 + AY_MAX_WINDOW_AXES] = {batch, outputs};
    for (uint32_t d = 0; d < w->axes; d++) dims[d + 2] = w->out[d];
    weights = groups == 1 ? reshape(l, weights, SHAPE(outputs, k))
                          : reshape(l, weights, SHAPE(groups, outputs / groups, k));
    term y = matmul(l, weights, rows);
    if (batch != 1)
        y = permute(l, reshape(l, y, SHAPE(outputs, batch, w->positions)), AXES(1, 0, 2));
    return reshape(l, y, 2 + w->axes, dims);
}

term ay_window_bias(const struct ay_lower *l, term y, term b)
{
    if (!y || !b) return y;
    uint64_t dims[AY_MAX_RANK] = {b->dims[0]};
    for (uint32_t d = 2; d < y->rank; d++) dims[d - 1] = 1;
    return add(l, y, reshape(l, b, y->rank - 1, dims));
}
