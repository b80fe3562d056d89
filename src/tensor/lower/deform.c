/* DeformConv: each tap of a window is moved by an offset of its own, and read between pixels. */
#include "tensor/lower/window.h"

struct deform {
    struct ay_window w;
    uint64_t batch, groups, channels; /* groups of offsets, channels of each */
    term rows;                        /* (N groups in.., channels): pixels */
    term base;                        /* (N groups, 1, 1): the first pixel's row */
    /* Of each axis, (N groups, taps, positions): where, before rounding. */
    term at[AY_MAX_WINDOW_AXES];
};

static term int_add(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_ADD, I64, a, b);
}

static term int_scale(const struct ay_lower *l, term a, uint64_t by)
{
    return int_fn(l, AY_WORK_FN_INT_MUL, I64, a, integer(l, I64, (int64_t)by));
}

/* Where the tap would lie without its offset, (taps, positions). */
static term undisturbed(const struct ay_lower *l, const struct ay_window *w, uint32_t axis)
{
    void *to;
    term x = fresh(l, F32, SHAPE(w->taps, w->positions), &to);
    float *at = to;
    for (uint64_t t = 0; x && t < w->taps; t++)
        for (uint64_t p = 0; p < w->positions; p++) {
            uint64_t tap = t, position = p;
            for (uint32_t d = w->axes; d-- > axis + 1;) {
                tap /= w->kernel[d];
                position /= w->out[d];
            }
            *at++ = (float)((int64_t)(position % w->out[axis]) * w->stride[axis] - w->before[axis] +
                            (int64_t)(tap % w->kernel[axis]) * w->dilation[axis]);
        }
    return x;
}

static void place_taps(const struct ay_lower *l, struct deform *f, term offset)
{
    const struct ay_window *w = &f->w;
    uint64_t images = f->batch * f->groups;
    offset = reshape(l, offset, SHAPE(images, w->taps, w->axes, w->positions));
    for (uint32_t d = 0; d < w->axes; d++)
        f->at[d] = add(l, ay_term_at(l, offset, 2, d), undisturbed(l, w, d));
}

/* One corner of the cell that a place lies in, bit d of `corner` the upper one along axis d: pixels
 * times weights; what lies outside the image counts as zero. */
static term corner_of(const struct ay_lower *l, const struct deform *f, uint32_t corner)
{
    const struct ay_window *w = &f->w;
    term row = NULL, weight = NULL, one = number(l, 1);
    for (uint32_t d = 0; d < w->axes; d++) {
        float last = (float)w->in[d] - 1;
        term floor = function(l, AY_WORK_FN_FLOOR, f->at[d]), part = sub(l, f->at[d], floor);
        bool upper = corner >> d & 1;
        term at = upper ? add(l, floor, one) : floor;
        term inside = both(l, less_equal(l, number(l, 0), at), less_equal(l, at, number(l, last)));
        term share = choose(l, inside, upper ? part : sub(l, one, part), number(l, 0));
        term pixel = cast(l, clamp(l, at, 0, last), I64);
        row = row ? int_add(l, int_scale(l, row, w->in[d]), pixel) : pixel;
        weight = weight ? mul(l, weight, share) : share;
    }
    uint64_t samples = f->batch * f->groups * w->taps * w->positions;
    term ids = reshape(l, int_add(l, row, f->base), SHAPE(samples));
    return mul(l, gather(l, f->rows, ids, 0), reshape(l, weight, SHAPE(samples, 1)));
}

/* Pixels as rows of the channels that share offsets. */
static void see_pixels(const struct ay_lower *l, struct deform *f, term x)
{
    uint64_t images = f->batch * f->groups, pixels = 1;
    for (uint32_t d = 0; d < f->w.axes; d++) pixels *= f->w.in[d];
    x = permute(l, reshape(l, x, SHAPE(images, f->channels, pixels)), AXES(0, 2, 1));
    f->rows = reshape(l, x, SHAPE(images * pixels, f->channels));
    f->base = reshape(l, int_scale(l, ay_term_count(l, I64, images), pixels), SHAPE(images, 1, 1));
}

/* The windows as rows of a product: (groups of the convolution, N positions, channels taps). */
static term window_rows(const struct ay_lower *l, const struct deform *f, term mask,
                        uint64_t groups)
{
    const struct ay_window *w = &f->w;
    uint64_t images = f->batch * f->groups, samples = images * w->taps * w->positions;
    term sum = corner_of(l, f, 0);
    for (uint32_t c = 1; c < 1u << w->axes; c++) sum = add(l, sum, corner_of(l, f, c));
    if (mask) sum = mul(l, sum, reshape(l, mask, SHAPE(samples, 1)));
    sum = reshape(l, sum, SHAPE(f->batch, f->groups, w->taps, w->positions, f->channels));
    sum = permute(l, sum, AXES(0, 3, 1, 4, 2));
    uint64_t rows = f->batch * w->positions, all = f->groups * f->channels * w->taps;
    if (groups == 1) return reshape(l, sum, SHAPE(rows, all));
    return permute(l, reshape(l, sum, SHAPE(rows, groups, all / groups)), AXES(1, 0, 2));
}

void ay_lower_deform_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], weights = o->in[1], offset = o->in[2], bias = ay_in(o, 3);
    term mask = ay_in(o, 4);
    int64_t group = ay_attr_int(l, "group", 1), offsets = ay_attr_int(l, "offset_group", 1);
    struct deform f = {0};
    bool fits = x->rank >= 3 && weights->rank == x->rank && x->dtype == F32;
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "image and weights do not fit");
    if (!fits || !ay_window_read(l, x, weights->dims + 2, &f.w)) return;
    uint64_t c = x->dims[1], m = weights->dims[0], places = f.w.taps * f.w.positions;
    fits = group > 0 && offsets > 0 && c % (uint64_t)group == 0 && m % (uint64_t)group == 0 &&
           c % (uint64_t)offsets == 0 && weights->dims[1] == c / (uint64_t)group &&
           ay_value_elements(offset) == x->dims[0] * (uint64_t)offsets * places * f.w.axes &&
           (!mask || ay_value_elements(mask) == x->dims[0] * (uint64_t)offsets * places) &&
           (!bias || (bias->rank == 1 && bias->dims[0] == m));
    if (!fits) {
        ay_lower_fail(l, AY_E_FORMAT, "weights, offsets, mask and bias do not fit");
        return;
    }
    f.batch = x->dims[0];
    f.groups = (uint64_t)offsets;
    f.channels = c / f.groups;
    see_pixels(l, &f, x);
    place_taps(l, &f, offset);
    term rows = window_rows(l, &f, mask, (uint64_t)group);
    term y = ay_window_product(l, weights, rows, &f.w, f.batch, (uint64_t)group);
    o->out[0] = ay_window_bias(l, y, bias);
}
