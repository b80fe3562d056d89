/* GridSample, AffineGrid, RoiAlign and MaxRoiPool. An image is seen as rows of channels, one a
 * pixel, so that a sample is a GATHER of a few rows, each times its weight; rows and weights are
 * MAPs of the places, which need not be known. */
#include "tensor/lower/sample.h"
#include "tensor/lower/terms.h"

#include <math.h>
#include <stdlib.h>

/* (N, C, D..) as (N D.., C). */
static term pixel_rows(const struct ay_lower *l, term x)
{
    x = ay_term_move(l, x, 1, x->rank - 1);
    if (!x) return NULL;
    uint64_t channels = x->dims[x->rank - 1], rows = 1;
    for (uint32_t d = 0; d + 1 < x->rank; d++) rows *= x->dims[d];
    return reshape(l, x, SHAPE(rows, channels));
}

/* Rows at ids (n), whatever its shape, as (n, C). */
static term rows_at(const struct ay_lower *l, term rows, term ids)
{
    return ids ? gather(l, rows, reshape(l, ids, SHAPE(ay_value_elements(ids))), 0) : NULL;
}

/* A weight or condition a row. */
static term column(const struct ay_lower *l, term x)
{
    return x ? reshape(l, x, SHAPE(ay_value_elements(x), 1)) : NULL;
}

static term int_add(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_ADD, I64, a, b);
}

static term int_scale(const struct ay_lower *l, term a, uint64_t by)
{
    return int_fn(l, AY_WORK_FN_INT_MUL, I64, a, integer(l, I64, (int64_t)by));
}

/* --- GridSample --- */

enum sampling { SAMPLE_NEAREST = 1, SAMPLE_LINEAR = 2, SAMPLE_CUBIC = 4 }; /* taps an axis */
enum padding { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION };

struct grid {
    enum sampling sampling;
    enum padding padding;
    bool corners;
    uint32_t axes;
    term rows; /* pixels */
    /* Of each axis and tap, (N, samples): */
    term ids[AY_MAX_RANK][4];
    term inside[AY_MAX_RANK][4];  /* PAD_ZEROS only */
    term weights[AY_MAX_RANK][4]; /* not for SAMPLE_NEAREST */
};

/* x folded back between two ends. */
static term reflect(const struct ay_lower *l, term x, float low, float high)
{
    float range = high - low;
    if (range <= 0.0F) return mul(l, x, number(l, 0.0F));
    term span = number(l, range), twice = number(l, 2.0F * range);
    term away = function(l, AY_WORK_FN_ABS, sub(l, x, number(l, low)));
    term part = ay_tape_fn2(l->tape, AY_WORK_FN_FMOD, away, twice);
    term back = smaller(l, part, sub(l, twice, part));
    term inside = both(l, less_equal(l, number(l, low), x), less_equal(l, x, number(l, high)));
    return choose(l, inside, x, add(l, number(l, low), smaller(l, back, span)));
}

/* -1 .. 1 to pixels, and back within the borders as `padding` says. */
static term grid_place(const struct ay_lower *l, const struct grid *g, term at, uint64_t size)
{
    float n = (float)size, low = g->corners ? 0.0F : -0.5F, high = n - 1.0F - low;
    term one = number(l, 1.0F), half = number(l, 2.0F);
    at = add(l, at, one);
    if (g->corners)
        at = mul(l, divide(l, at, half), number(l, n - 1.0F));
    else
        at = divide(l, sub(l, mul(l, at, number(l, n)), one), half);
    if (g->sampling == SAMPLE_NEAREST) at = function(l, AY_WORK_FN_RINT, at);
    return g->padding == PAD_REFLECTION ? reflect(l, at, low, high) : at;
}

/* Weights of cubic convolution with a = -0.75 at `part` after the second tap. */
static void cubic_weights(const struct ay_lower *l, term part, term weights[4])
{
    const float a = -0.75F;
    term one = number(l, 1.0F), before = sub(l, one, part);
    for (int i = 0; i < 4; i++) {
        term x = i < 2 ? part : before;
        if (i == 1 || i == 2) { /* ((a + 2) x - (a + 3)) x x + 1 */
            term y = sub(l, mul(l, number(l, a + 2.0F), x), number(l, a + 3.0F));
            weights[i] = add(l, mul(l, mul(l, y, x), x), one);
        } else { /* ((a x - 5 a) x + 8 a) x - 4 a */
            x = add(l, x, one);
            term y = sub(l, mul(l, number(l, a), x), number(l, 5.0F * a));
            y = add(l, mul(l, y, x), number(l, 8.0F * a));
            weights[i] = sub(l, mul(l, y, x), number(l, 4.0F * a));
        }
    }
}

/* at (N, samples): where along this axis. */
static void grid_axis(const struct ay_lower *l, struct grid *g, uint32_t axis, term at,
                      uint64_t size)
{
    float last = (float)size - 1.0F, low = g->corners ? 0.0F : -0.5F;
    at = grid_place(l, g, at, size);
    term floor = g->sampling == SAMPLE_NEAREST ? at : function(l, AY_WORK_FN_FLOOR, at);
    term part = sub(l, at, floor);
    if (g->sampling == SAMPLE_LINEAR) {
        g->weights[axis][0] = sub(l, number(l, 1.0F), part);
        g->weights[axis][1] = part;
    } else if (g->sampling == SAMPLE_CUBIC) {
        cubic_weights(l, part, g->weights[axis]);
    }
    for (int i = 0; i < (int)g->sampling; i++) {
        int step = g->sampling == SAMPLE_CUBIC ? i - 1 : i;
        term pixel = step ? add(l, floor, number(l, (float)step)) : floor;
        if (g->padding == PAD_ZEROS)
            g->inside[axis][i] = both(l, less_equal(l, number(l, 0.0F), pixel),
                                      less_equal(l, pixel, number(l, last)));
        if (g->padding == PAD_REFLECTION) pixel = reflect(l, pixel, low, last - low);
        g->ids[axis][i] = cast(l, clamp(l, pixel, 0.0F, last), I64);
    }
}

/* The rows of one combination of taps, times its weight. */
static term grid_tap(const struct ay_lower *l, const struct grid *g, uint64_t which,
                     const uint64_t *size, term first)
{
    term ids = NULL, inside = NULL, weight = NULL;
    for (uint32_t a = 0; a < g->axes; a++) {
        uint32_t i = (uint32_t)(which % (uint64_t)g->sampling);
        which /= (uint64_t)g->sampling;
        term in = g->inside[a][i], w = g->weights[a][i];
        ids = ids ? int_add(l, int_scale(l, ids, size[a]), g->ids[a][i]) : g->ids[a][i];
        inside = inside && in ? both(l, inside, in) : in;
        weight = weight && w ? mul(l, weight, w) : w;
    }
    term rows = rows_at(l, g->rows, int_add(l, ids, first));
    if (inside) rows = choose(l, column(l, inside), rows, number(l, 0.0F));
    return weight ? mul(l, rows, column(l, weight)) : rows;
}

static bool grid_attributes(const struct ay_lower *l, struct grid *g)
{
    g->corners = ay_attr_int(l, "align_corners", 0) != 0;
    if (!ay_attr_has(l, "mode") || ay_attr_is(l, "mode", "linear") ||
        ay_attr_is(l, "mode", "bilinear"))
        g->sampling = SAMPLE_LINEAR;
    else if (ay_attr_is(l, "mode", "nearest"))
        g->sampling = SAMPLE_NEAREST;
    else if (ay_attr_is(l, "mode", "cubic") || ay_attr_is(l, "mode", "bicubic"))
        g->sampling = SAMPLE_CUBIC;
    else
        ay_lower_fail(l, AY_E_UNSUPPORTED, "this mode");
    if (!ay_attr_has(l, "padding_mode") || ay_attr_is(l, "padding_mode", "zeros"))
        g->padding = PAD_ZEROS;
    else if (ay_attr_is(l, "padding_mode", "border"))
        g->padding = PAD_BORDER;
    else if (ay_attr_is(l, "padding_mode", "reflection"))
        g->padding = PAD_REFLECTION;
    else
        ay_lower_fail(l, AY_E_UNSUPPORTED, "this padding_mode");
    return !failed(l);
}

void ay_lower_grid_sample(const struct ay_lower *l, const struct ay_operands *o)
{
    struct grid g = {0};
    term x = ay_term_operand(l, o, 0, F32, "X"), grid = ay_term_operand(l, o, 1, F32, "grid");
    if (failed(l) || !grid_attributes(l, &g)) return;
    if (x->rank < 3) return (void)ay_lower_fail(l, AY_E_FORMAT, "X has %u dimensions", x->rank);
    if (!ay_term_rank(l, grid, x->rank, "grid")) return;
    g.axes = x->rank - 2;
    uint64_t n = x->dims[0], samples = 1, pixels = 1, combinations = 1, dims[AY_MAX_RANK];
    if (grid->dims[0] != n || grid->dims[grid->rank - 1] != g.axes) {
        ay_lower_fail(l, AY_E_FORMAT, "grid does not fit X");
        return;
    }
    dims[0] = n;
    for (uint32_t a = 0; a < g.axes; a++) {
        samples *= dims[1 + a] = grid->dims[1 + a];
        pixels *= x->dims[2 + a];
        combinations *= (uint64_t)g.sampling;
    }
    dims[1 + g.axes] = x->dims[1];
    g.rows = pixel_rows(l, x);
    grid = reshape(l, grid, SHAPE(n, samples, g.axes));
    for (uint32_t a = 0; a < g.axes && grid; a++)
        grid_axis(l, &g, a, ay_term_at(l, grid, 2, g.axes - 1 - a), x->dims[2 + a]);

    term first = reshape(l, int_scale(l, ay_term_count(l, I64, n), pixels), SHAPE(n, 1)), y = NULL;
    for (uint64_t i = 0; i < combinations && !failed(l); i++) {
        term one = grid_tap(l, &g, i, x->dims + 2, first);
        y = i ? add(l, y, one) : one;
    }
    o->out[0] = ay_term_move(l, reshape(l, y, x->rank, dims), x->rank - 1, 1);
}

/* --- AffineGrid --- */

/* Place i of n from -1 to 1, at pixel centres or from end to end. */
static float grid_centre(uint64_t i, uint64_t n, bool corners)
{
    double at = (double)i, size = (double)n;
    if (corners) return n > 1 ? (float)(at * 2.0 / (size - 1.0) - 1.0) : -1.0F;
    return (float)((2.0 * at + 1.0) / size - 1.0);
}

void ay_lower_affine_grid(const struct ay_lower *l, const struct ay_operands *o)
{
    int64_t size[5];
    term theta = ay_term_operand(l, o, 0, F32, "theta");
    uint32_t rank = ay_lower_ints(l, ay_in(o, 1), "size", size, 5);
    if (failed(l)) return;
    uint32_t axes = rank - 2;
    if ((rank != 4 && rank != 5) || size[0] < 0 ||
        !ay_term_shape(l, theta, SHAPE((uint64_t)size[0], axes, axes + 1), "theta"))
        return (void)ay_lower_fail(l, AY_E_FORMAT, "size has %u numbers", rank);
    bool corners = ay_attr_int(l, "align_corners", 0) != 0;
    uint64_t points = 1, dims[5] = {(uint64_t)size[0]};
    for (uint32_t a = 0; a < axes; a++) {
        if (size[2 + a] < 0 || size[2 + a] >= (int64_t)1 << 31)
            return (void)ay_lower_fail(l, AY_E_RANGE, "size %lld", (long long)size[2 + a]);
        dims[1 + a] = (uint64_t)size[2 + a];
        if (__builtin_mul_overflow(points, dims[1 + a], &points))
            return (void)ay_lower_fail(l, AY_E_LIMIT, "too many points");
    }
    dims[1 + axes] = axes;
    void *to;
    term base = fresh(l, F32, SHAPE(points, axes + 1), &to);
    if (!base) return;
    for (uint64_t i = 0; i < points; i++) {
        float *point = (float *)to + i * (axes + 1);
        uint64_t rest = i;
        for (uint32_t a = axes; a-- > 0; rest /= dims[1 + a]) /* x first */
            point[axes - 1 - a] = grid_centre(rest % dims[1 + a], dims[1 + a], corners);
        point[axes] = 1.0F;
    }
    term grid = ay_term_transpose(l, matmul(l, theta, base));
    o->out[0] = reshape(l, grid, axes + 2, dims);
}

/* --- RoiAlign --- */

struct roi {
    term rows; /* pixels */
    uint64_t height, width, pooled_h, pooled_w;
    float scale;
    bool half_pixel, max;
};

/* Samples along one axis of all regions. */
struct roi_axis {
    term low, high; /* (R, n) pixels, I64 */
    term part;      /* (R, n) weight of high; of low it is 1 - part */
    term valid;     /* (R, n) */
};

/* begin, end (R, 1) in the image's own pixels; `grid` samples in each of `pooled` cells. */
static struct roi_axis roi_axis(const struct ay_lower *l, const struct roi *r, term begin, term end,
                                uint64_t pooled, uint64_t grid, uint64_t size)
{
    struct roi_axis a = {0};
    void *cells, *centres;
    term cell = fresh(l, F32, SHAPE(1, pooled * grid), &cells);
    term centre = fresh(l, F32, SHAPE(1, pooled * grid), &centres);
    if (!cell || !centre) return a;
    for (uint64_t i = 0; i < pooled * grid; i++) {
        ((float *)cells)[i] = (float)(i / grid);
        ((float *)centres)[i] = (float)(i % grid) + 0.5F;
    }
    term length = sub(l, end, begin);
    if (!r->half_pixel) length = larger(l, length, number(l, 1.0F));
    term bin = divide(l, length, number(l, (float)pooled));
    term at = add(l, add(l, begin, mul(l, cell, bin)),
                  divide(l, mul(l, centre, bin), number(l, (float)grid)));
    float n = (float)size;
    a.valid = both(l, less_equal(l, number(l, -1.0F), at), less_equal(l, at, number(l, n)));
    at = clamp(l, at, 0.0F, n - 1.0F);
    term low = function(l, AY_WORK_FN_FLOOR, at);
    a.part = sub(l, at, low);
    a.low = cast(l, low, I64);
    a.high = cast(l, smaller(l, add(l, low, number(l, 1.0F)), number(l, n - 1.0F)), I64);
    return a;
}

/* rois (R, 4), first (R) the first pixel of each one's image: (R, C, pooled_h, pooled_w). */
static term roi_pool(const struct ay_lower *l, const struct roi *r, term rois, term first,
                     uint64_t grid_h, uint64_t grid_w)
{
    term scaled = mul(l, rois, number(l, r->scale));
    if (r->half_pixel) scaled = sub(l, scaled, number(l, 0.5F));
    if (!scaled) return NULL;
    uint64_t count = rois->dims[0], n_h = r->pooled_h * grid_h, n_w = r->pooled_w * grid_w;
    struct roi_axis y = roi_axis(l, r, ay_term_part(l, scaled, 1, 1, 1),
                                 ay_term_part(l, scaled, 1, 3, 1), r->pooled_h, grid_h, r->height);
    struct roi_axis x = roi_axis(l, r, ay_term_part(l, scaled, 1, 0, 1),
                                 ay_term_part(l, scaled, 1, 2, 1), r->pooled_w, grid_w, r->width);
    if (failed(l)) return NULL;
    first = reshape(l, first, SHAPE(count, 1, 1));
    term one = number(l, 1.0F), sum = NULL;
    term valid = both(l, reshape(l, y.valid, SHAPE(count, n_h, 1)),
                      reshape(l, x.valid, SHAPE(count, 1, n_w)));
    for (int i = 0; i < 4; i++) {
        bool down = i >= 2, right = i % 2;
        term row = reshape(l, down ? y.high : y.low, SHAPE(count, n_h, 1));
        term col = reshape(l, right ? x.high : x.low, SHAPE(count, 1, n_w));
        term v = reshape(l, down ? y.part : sub(l, one, y.part), SHAPE(count, n_h, 1));
        term h = reshape(l, right ? x.part : sub(l, one, x.part), SHAPE(count, 1, n_w));
        term ids = int_add(l, int_add(l, int_scale(l, row, r->width), col), first);
        term weight = choose(l, valid, mul(l, v, h), number(l, 0.0F));
        term corner = mul(l, rows_at(l, r->rows, ids), column(l, weight));
        sum = !sum ? corner : r->max ? larger(l, sum, corner) : add(l, sum, corner);
    }
    uint64_t channels = r->rows->dims[1];
    enum ay_work_reduce kind = r->max ? AY_WORK_REDUCE_MAX : AY_WORK_REDUCE_SUM;
    sum = reshape(l, sum, SHAPE(count, r->pooled_h, grid_h, r->pooled_w, grid_w, channels));
    sum = reduce(l, kind, reduce(l, kind, sum, 2), 4);
    if (!r->max) sum = divide(l, sum, number(l, (float)(grid_h * grid_w)));
    sum = reshape(l, sum, SHAPE(count, r->pooled_h, r->pooled_w, channels));
    return ay_term_move(l, sum, 3, 1);
}

/* Samples a cell along an axis when the model does not say: one a pixel. */
static uint64_t roi_grid(const struct ay_lower *l, const struct roi *r, float begin, float end,
                         uint64_t pooled)
{
    float length = end * r->scale - begin * r->scale;
    if (!r->half_pixel && !(length > 1.0F)) length = 1.0F;
    float grid = ceilf(length / (float)pooled);
    if (grid > 4096.0F) ay_lower_fail(l, AY_E_LIMIT, "a region of %g pixels", (double)length);
    return grid > 0.0F && grid <= 4096.0F ? (uint64_t)grid : 0;
}

/* Each region alone, since each has as many samples as it is large. */
static term roi_each(const struct ay_lower *l, const struct roi *r, term rois, term first)
{
    const float *box = ay_term_floats(l, rois, "rois");
    uint64_t channels = r->rows->dims[1];
    term y = ay_term_zeros(l, F32, SHAPE(0, channels, r->pooled_h, r->pooled_w));
    if (!box || failed(l) || rois->dims[0] == 0) return y;
    term *each = ay_term_list(l, rois->dims[0]);
    if (!each) return NULL;
    uint32_t count = (uint32_t)rois->dims[0];
    for (uint32_t i = 0; i < count && !failed(l); i++, box += 4) {
        uint64_t grid_h = roi_grid(l, r, box[1], box[3], r->pooled_h);
        uint64_t grid_w = roi_grid(l, r, box[0], box[2], r->pooled_w);
        each[i] = grid_h && grid_w
                      ? roi_pool(l, r, ay_term_part(l, rois, 0, i, 1),
                                 ay_term_part(l, first, 0, i, 1), grid_h, grid_w)
                      : ay_term_zeros(l, F32, SHAPE(1, channels, r->pooled_h, r->pooled_w));
    }
    y = failed(l) ? NULL : ay_tape_concat(l->tape, each, count, 0);
    free(each);
    return y;
}

void ay_lower_roi_align(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "X"), rois = ay_term_operand(l, o, 1, F32, "rois");
    term batch = ay_term_operand(l, o, 2, I64, "batch_indices");
    int64_t height = ay_attr_int(l, "output_height", 1), width = ay_attr_int(l, "output_width", 1);
    int64_t ratio = ay_attr_int(l, "sampling_ratio", 0);
    if (failed(l) || !ay_term_rank(l, x, 4, "X") || !ay_term_rank(l, rois, 2, "rois")) return;
    if (height < 1 || width < 1 || height > 4096 || width > 4096 || ratio < 0 || ratio > 4096 ||
        x->dims[0] == 0 || x->dims[2] == 0 || x->dims[3] == 0)
        return (void)ay_lower_fail(l, AY_E_RANGE, "sizes");
    if (!ay_term_shape(l, rois, SHAPE(rois->dims[0], 4), "rois") ||
        !ay_term_shape(l, batch, SHAPE(rois->dims[0]), "batch_indices"))
        return;
    struct roi r = {.rows = pixel_rows(l, x),
                    .height = x->dims[2],
                    .width = x->dims[3],
                    .pooled_h = (uint64_t)height,
                    .pooled_w = (uint64_t)width,
                    .scale = ay_attr_float(l, "spatial_scale", 1.0F),
                    .max = ay_attr_is(l, "mode", "max")};
    if (ay_attr_has(l, "coordinate_transformation_mode"))
        r.half_pixel = ay_attr_is(l, "coordinate_transformation_mode", "half_pixel");
    else
        r.half_pixel = l->opset >= 16;
    term last = integer(l, I64, (int64_t)x->dims[0] - 1);
    batch = int_fn(l, AY_WORK_FN_INT_MAX, I64, batch, integer(l, I64, 0));
    batch = int_fn(l, AY_WORK_FN_INT_MIN, I64, batch, last);
    term first = int_scale(l, batch, r.height * r.width);
    if (failed(l)) return;
    o->out[0] = ratio ? roi_pool(l, &r, rois, first, (uint64_t)ratio, (uint64_t)ratio)
                      : roi_each(l, &r, rois, first);
}

/* --- MaxRoiPool (Fast R-CNN, arXiv 1504.08083): cells depend on the regions --- */

/* First and last + 1 pixel of cell i of `pooled`, of a region from `begin` to `end` inclusive. */
static void cell_range(float begin, float end, uint64_t i, uint64_t pooled, uint64_t size,
                       uint64_t *from, uint64_t *to)
{
    float length = fmaxf(end - begin + 1.0F, 1.0F), bin = length / (float)pooled;
    float low = floorf((float)i * bin) + begin, high = ceilf((float)(i + 1) * bin) + begin;
    float most = (float)size;
    *from = low > 0.0F ? (uint64_t)fminf(low, most) : 0;
    *to = high > 0.0F ? (uint64_t)fminf(high, most) : 0;
}

static float cell_max(const float *plane, uint64_t width, const uint64_t y[2], const uint64_t x[2])
{
    if (y[0] >= y[1] || x[0] >= x[1]) return 0.0F;
    float most = -INFINITY;
    for (uint64_t i = y[0]; i < y[1]; i++)
        for (uint64_t j = x[0]; j < x[1]; j++) {
            float v = plane[i * width + j];
            if (v > most || v != v) most = v;
            if (v != v) return v;
        }
    return most;
}

void ay_lower_max_roi_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "X"), rois = ay_term_operand(l, o, 1, F32, "rois");
    uint32_t count;
    const int64_t *pooled = ay_attr_ints(l, "pooled_shape", &count);
    if (failed(l) || !ay_term_rank(l, x, 4, "X") || !ay_term_rank(l, rois, 2, "rois") ||
        !ay_term_shape(l, rois, SHAPE(rois->dims[0], 5), "rois"))
        return;
    if (count != 2 || pooled[0] < 1 || pooled[1] < 1)
        return (void)ay_lower_fail(l, AY_E_FORMAT, "pooled_shape");
    const float *image = ay_term_floats(l, x, "X"), *roi = ay_term_floats(l, rois, "rois");
    uint64_t c = x->dims[1], h = x->dims[2], w = x->dims[3], regions = rois->dims[0];
    uint64_t ph = (uint64_t)pooled[0], pw = (uint64_t)pooled[1];
    float scale = ay_attr_float(l, "spatial_scale", 1.0F);
    void *to;
    term y = fresh(l, F32, SHAPE(regions, c, ph, pw), &to);
    if (!image || !roi || !y) return;
    float *out = to;
    for (uint64_t r = 0; r < regions; r++, roi += 5) {
        if (!(roi[0] >= 0.0F && roi[0] < (float)x->dims[0]))
            return (void)ay_lower_fail(l, AY_E_RANGE, "region of image %g", (double)roi[0]);
        const float *planes = image + (uint64_t)roi[0] * c * h * w;
        for (uint64_t i = 0; i < c * ph * pw; i++) {
            uint64_t ys[2], xs[2];
            cell_range(roundf(roi[2] * scale), roundf(roi[4] * scale), i / pw % ph, ph, h, &ys[0],
                       &ys[1]);
            cell_range(roundf(roi[1] * scale), roundf(roi[3] * scale), i % pw, pw, w, &xs[0],
                       &xs[1]);
            *out++ = cell_max(planes + i / (ph * pw) * h * w, w, ys, xs);
        }
    }
    o->out[0] = y;
}
