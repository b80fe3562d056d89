/* Pooling: windows of each channel, reduced. */
#include "tensor/lower/quantize.h"
#include "tensor/lower/window.h"

/* (N, C, in...) as (N C, elements). */
static term planes(const struct ay_lower *l, term x)
{
    uint64_t n = 1;
    if (x->rank < 2) return ay_lower_fail(l, AY_E_FORMAT, "input has %u dimensions", x->rank);
    for (uint32_t d = 2; d < x->rank; d++) n *= x->dims[d];
    return reshape(l, x, SHAPE(x->dims[0] * x->dims[1], n));
}

/* One number a window, as (N, C, out...). */
static term image(const struct ay_lower *l, term y, term x, const struct ay_window *w)
{
    uint64_t dims[2 + AY_MAX_WINDOW_AXES] = {x->dims[0], x->dims[1]};
    for (uint32_t d = 0; d < w->axes; d++) dims[d + 2] = w->out[d];
    return reshape(l, y, 2 + w->axes, dims);
}

/* The lowest number of a dtype, as a VIEW's fill. */
static uint64_t lowest(uint32_t dtype)
{
    if (dtype == F32) return 0xff800000u;
    return dtype == I8 ? 0x80u : 0;
}

/* Where the element that is a window's maximum lies in the input: its tap's place. `taps` (N C,
 * positions): which tap. */
static term max_places(const struct ay_lower *l, term taps, term x, const struct ay_window *w)
{
    bool columns = ay_attr_int(l, "storage_order", 0);
    int64_t scale[AY_MAX_WINDOW_AXES], elements = 1;
    for (uint32_t i = 0; i < w->axes; i++) {
        uint32_t d = columns ? i : w->axes - 1 - i;
        scale[d] = elements;
        elements *= (int64_t)w->in[d];
    }
    uint64_t images = x->dims[0] * x->dims[1];
    void *tap_to, *first_to, *image_to;
    term tap_at = fresh(l, I64, SHAPE(w->taps), &tap_to);
    term first = fresh(l, I64, SHAPE(w->positions), &first_to);
    term image_at = fresh(l, I64, SHAPE(images, 1), &image_to);
    if (!tap_at || !first || !image_at) return NULL;
    for (uint64_t t = 0; t < w->taps; t++)
        for (uint64_t d = w->axes, rest = t; d-- > 0; rest /= w->kernel[d])
            ((int64_t *)tap_to)[t] += (int64_t)(rest % w->kernel[d]) * w->dilation[d] * scale[d];
    for (uint64_t p = 0; p < w->positions; p++)
        for (uint64_t d = w->axes, rest = p; d-- > 0; rest /= w->out[d])
            ((int64_t *)first_to)[p] +=
                ((int64_t)(rest % w->out[d]) * w->stride[d] - w->before[d]) * scale[d];
    for (uint64_t i = 0; i < images; i++) ((int64_t *)image_to)[i] = (int64_t)i * elements;
    term in_window = gather(l, tap_at, taps, 0);
    term in_image = int_fn(l, AY_WORK_FN_INT_ADD, I64, in_window, first);
    return int_fn(l, AY_WORK_FN_INT_ADD, I64, in_image, image_at);
}

void ay_lower_max_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct ay_window w;
    if (!ay_window_read(l, x, NULL, &w)) return;
    term windows = ay_window_channels(l, x, &w, lowest(x->dtype));
    o->out[0] = image(l, reduce(l, AY_WORK_REDUCE_MAX, windows, 2), x, &w);
    if (o->out_count < 2) return;
    uint64_t images = x->dims[0] * x->dims[1];
    term taps = reduce(l, AY_WORK_REDUCE_ARGMAX, windows, 2);
    taps = reshape(l, taps, SHAPE(images, w.positions));
    o->out[1] = image(l, max_places(l, taps, x, &w), x, &w);
}

/* How many of each window's taps lie in the image, or with `padded` in it and its padding, as
 * (positions). */
static term window_sizes(const struct ay_lower *l, const struct ay_window *w, bool padded)
{
    void *to;
    term x = fresh(l, F32, SHAPE(w->positions), &to);
    for (uint64_t p = 0; x && p < w->positions; p++) {
        uint64_t rest = p, taps = 1;
        for (uint32_t d = w->axes; d-- > 0; rest /= w->out[d]) {
            int64_t first = (int64_t)(rest % w->out[d]) * w->stride[d] - w->before[d];
            int64_t low = padded ? -w->before[d] : 0;
            int64_t high = (int64_t)w->in[d] + (padded ? w->after[d] : 0);
            uint64_t within = 0;
            for (uint64_t t = 0; t < w->kernel[d]; t++) {
                int64_t at = first + (int64_t)t * w->dilation[d];
                within += at >= low && at < high;
            }
            taps *= within;
        }
        ((float *)to)[p] = (float)taps;
    }
    return x;
}

term ay_term_average_pool(const struct ay_lower *l, term x)
{
    struct ay_window w;
    if (!ay_window_read(l, x, NULL, &w)) return NULL;
    uint64_t images = x->dims[0] * x->dims[1];
    term sum = reduce(l, AY_WORK_REDUCE_SUM, ay_window_channels(l, x, &w, 0), 2);
    sum = reshape(l, sum, SHAPE(images, w.positions));
    term sizes = window_sizes(l, &w, ay_attr_int(l, "count_include_pad", 0));
    return image(l, divide(l, sum, sizes), x, &w);
}

static void average_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_average_pool(l, o->in[0]);
}

/* (sum of |x|^p)^(1 / p) along the last axis. */
static term norm(const struct ay_lower *l, term x, int64_t p)
{
    if (!x) return NULL;
    uint32_t last = x->rank - 1;
    if (p == 2) return function(l, AY_WORK_FN_SQRT, reduce(l, AY_WORK_REDUCE_SUMSQ, x, last));
    x = function(l, AY_WORK_FN_ABS, x);
    if (p == 1) return reduce(l, AY_WORK_REDUCE_SUM, x, last);
    x = ay_tape_fn2(l->tape, AY_WORK_FN_POW, x, number(l, (float)p));
    return ay_tape_fn2(l->tape, AY_WORK_FN_POW, reduce(l, AY_WORK_REDUCE_SUM, x, last),
                       number(l, 1.0F / (float)p));
}

static void lp_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct ay_window w;
    if (!ay_window_read(l, x, NULL, &w)) return;
    term windows = ay_window_channels(l, x, &w, 0);
    o->out[0] = image(l, norm(l, windows, ay_attr_int(l, "p", 2)), x, &w);
}

/* --- over the whole image --- */

static term single(const struct ay_lower *l, term y, term x)
{
    uint64_t dims[AY_MAX_RANK] = {x->dims[0], x->rank > 1 ? x->dims[1] : 1};
    for (uint32_t d = 2; d < x->rank; d++) dims[d] = 1;
    return reshape(l, y, x->rank, dims);
}

static void global_max(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = single(l, reduce(l, AY_WORK_REDUCE_MAX, planes(l, o->in[0]), 1), o->in[0]);
}

term ay_term_global_average(const struct ay_lower *l, term image)
{
    term x = image ? planes(l, image) : NULL;
    if (!x) return NULL;
    term sum = reduce(l, AY_WORK_REDUCE_SUM, x, 1);
    return single(l, divide(l, sum, number(l, (float)x->dims[1])), image);
}

static void global_average(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_global_average(l, o->in[0]);
}

static void global_lp(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = single(l, norm(l, planes(l, o->in[0]), ay_attr_int(l, "p", 2)), o->in[0]);
}

/* --- of bytes: x, x_zero_point, multiplier, shift, y_zero_point (docs/quantize.md) --- */

void ay_lower_qaverage_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_fixed f = ay_fixed_operands(l, o, 2, 3, 4);
    struct ay_quantized x = ay_quantized_operand(l, o, 0, 1, "x");
    int64_t zero = ay_fixed_zero(l, x.zero, "x_zero_point");
    struct ay_window w;
    if (failed(l) || !ay_window_read(l, x.x, NULL, &w)) return;
    term windows = ay_window_channels(l, x.x, &w, (uint8_t)zero);
    term sizes = cast(l, window_sizes(l, &w, ay_attr_int(l, "count_include_pad", 0)), I64);
    term y = ay_fixed_mean(l, windows, zero, reshape(l, sizes, SHAPE(w.positions, 1)), &f);
    o->out[0] = image(l, y, x.x, &w);
}

void ay_lower_qglobal_average_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_fixed f = ay_fixed_operands(l, o, 2, 3, 4);
    struct ay_quantized x = ay_quantized_operand(l, o, 0, 1, "x");
    int64_t zero = ay_fixed_zero(l, x.zero, "x_zero_point");
    if (failed(l)) return;
    term rows = planes(l, x.x);
    if (!rows) return;
    term count = integer(l, I64, (int64_t)rows->dims[1]);
    o->out[0] = single(l, ay_fixed_mean(l, rows, zero, count, &f), x.x);
}

/* --- back --- */

/* Each element goes to its place in an image that is zero elsewhere; a larger output_shape adds
 * zeros behind it. */
static void max_unpool(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], places = o->in[1];
    struct ay_window w;
    int64_t shape[AY_MAX_RANK], begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    uint64_t dims[AY_MAX_RANK], wanted[AY_MAX_RANK];
    if (!ay_window_shape(l, x, NULL, &w)) return;
    uint32_t count = ay_lower_ints(l, ay_in(o, 2), "output_shape", shape, AY_MAX_RANK);
    bool ids = places->dtype == I64 || places->dtype == I32;
    if (!ids || ay_value_elements(places) != ay_value_elements(x) ||
        (ay_in(o, 2) && count != x->rank))
        ay_lower_fail(l, AY_E_FORMAT, "indices or output_shape do not fit");
    for (uint32_t d = 0; d < x->rank; d++) {
        dims[d] = x->dims[d];
        step[d] = 1;
        if (d < 2) continue;
        int64_t size = ((int64_t)w.in[d - 2] - 1) * w.stride[d - 2] + (int64_t)w.kernel[d - 2] -
                       w.before[d - 2] - w.after[d - 2];
        if (size < 1) ay_lower_fail(l, AY_E_FORMAT, "pads do not fit");
        dims[d] = size < 1 ? 0 : (uint64_t)size;
    }
    for (uint32_t d = 0; d < x->rank; d++) {
        if (count && shape[d] < 0) ay_lower_fail(l, AY_E_FORMAT, "negative size");
        wanted[d] = count ? (uint64_t)shape[d] : dims[d];
    }
    term y = ay_tape_scatter(l->tape, AY_WORK_REDUCE_NONE,
                             ay_term_zeros(l, x->dtype, x->rank, dims), places, x);
    o->out[0] = ay_tape_slice(l->tape, y, begin, step, wanted, 0);
}

const struct ay_operator ay_lower_pool[] = {
    {"AveragePool", average_pool, 1, 1, 1, false},
    {"GlobalAveragePool", global_average, 1, 1, 1, false},
    {"GlobalLpPool", global_lp, 1, 1, 1, false},
    {"GlobalMaxPool", global_max, 1, 1, 1, false},
    {"LpPool", lp_pool, 1, 1, 1, false},
    {"MaxPool", ay_lower_max_pool, 1, 1, 2, false, true},
    {"MaxUnpool", max_unpool, 2, 3, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
