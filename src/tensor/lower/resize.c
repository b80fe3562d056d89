/* Resize and Upsample. Each axis is resized by itself: a result's element is a weighted sum of the
 * input's elements at known places (taps), so an axis is one GATHER a tap and multiply-adds with
 * known weights. Places and weights are computed in binary64 by operations that IEEE 754 rounds
 * correctly, so that they are the same everywhere. */
#include "tensor/lower/classic.h"
#include "tensor/lower/sample.h"
#include "tensor/lower/terms.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <stdlib.h>

/* Taps of one element: what antialiasing by a large factor needs. */
#define MAX_TAPS 4096u

enum mode { NEAREST, LINEAR, CUBIC };
enum coordinates {
    HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    CROP_AND_RESIZE,
    PYTORCH_HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    TF_HALF_PIXEL_FOR_NN /* of version 11 alone */
};
/* SIMPLE, of before version 11: up along an axis that shrinks, else down. */
enum rounding { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, SIMPLE };

struct resize {
    enum mode mode;
    enum coordinates coordinates;
    enum rounding rounding;
    bool antialias, exclude_outside;
    float cubic_a, extrapolation;
    bool resized[AY_MAX_RANK];
    double scale[AY_MAX_RANK];
    float roi[AY_MAX_RANK][2];  /* begin and end, as parts of the axis */
    uint64_t size[AY_MAX_RANK]; /* of the result */
};

/* --- where an element lies in the input --- */

/* Of which element is the nearest only f32 decides as onnxruntime does: 3 / 0.6 is 5 there. */
static double unscaled(const struct resize *r, double x, double scale)
{
    return r->mode == NEAREST ? (double)((float)x / (float)scale) : x / scale;
}

static double place(const struct resize *r, uint32_t axis, uint64_t in, uint64_t index)
{
    double x = (double)index, n = (double)in, scale = r->scale[axis], out = scale * n;
    /* The region is f32, and so is what is computed of it alone. */
    float last = (float)n - 1.0F, begin = r->roi[axis][0] * last;
    float span = r->roi[axis][1] - r->roi[axis][0];
    switch (r->coordinates) {
    case ALIGN_CORNERS: return out == 1.0 ? 0.0 : x * (n - 1.0) / (out - 1.0);
    case ASYMMETRIC: return unscaled(r, x, scale);
    case CROP_AND_RESIZE:
        if (out == 1.0) return (double)(span * last / 2.0F + begin);
        return x * (double)span * (n - 1.0) / (out - 1.0) + (double)begin;
    case PYTORCH_HALF_PIXEL: return r->size[axis] > 1 ? unscaled(r, x + 0.5, scale) - 0.5 : 0.0;
    case HALF_PIXEL_SYMMETRIC:
        return n / 2.0 * (1.0 - (double)r->size[axis] / out) + unscaled(r, x + 0.5, scale) - 0.5;
    case TF_HALF_PIXEL_FOR_NN: return unscaled(r, x + 0.5, scale);
    case HALF_PIXEL: break;
    }
    return unscaled(r, x + 0.5, scale) - 0.5;
}

static bool outside(const struct resize *r, double at, uint64_t in)
{
    return r->coordinates == CROP_AND_RESIZE && (at < 0.0 || at > (double)in - 1.0);
}

/* Clamped to the axis; total, whatever the scale made of the place. */
static int64_t clamp_index(double at, uint64_t in)
{
    if (!(at > 0.0)) return 0;
    return at >= (double)in - 1.0 ? (int64_t)in - 1 : (int64_t)at;
}

static double nearest(const struct resize *r, uint32_t axis, double at)
{
    double low = floor(at), part = at - low;
    enum rounding rounding = r->rounding;
    if (rounding == SIMPLE) rounding = r->scale[axis] < 1.0 ? CEIL : FLOOR;
    bool up = part > 0.0 && (rounding == CEIL || (rounding == PREFER_FLOOR && part > 0.5) ||
                             (rounding == PREFER_CEIL && part >= 0.5));
    return up ? low + 1.0 : low;
}

/* The linear and Keys's cubic kernel (IEEE TASSP 29, 1981) at distance x. */
static double kernel(const struct resize *r, double x)
{
    x = fabs(x);
    if (r->mode == LINEAR) return x < 1.0 ? 1.0 - x : 0.0;
    double a = (double)r->cubic_a;
    if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

/* --- one axis --- */

struct taps {
    uint32_t count;
    double shrink; /* the kernel is this much narrower than its support, 1 without antialiasing */
    term *ids;     /* each (size) I64 */
    term *weights; /* each (size, 1, ..) f32 */
};

static uint32_t tap_count(const struct resize *r, double shrink)
{
    double support = r->mode == LINEAR ? 1.0 : 2.0;
    double count = -2.0 * floor(-support / shrink);
    return count <= (double)MAX_TAPS ? (uint32_t)count : 0;
}

/* Ids and weights of element `index`, written at `index` of each tap. */
static void tap_element(const struct resize *r, uint32_t axis, uint64_t in, uint64_t index,
                        uint32_t count, double shrink, int64_t **ids, float **weights)
{
    double at = place(r, axis, in, index);
    /* The tap before an integer place is the last one that counts, with part 1. */
    double low = ceil(at) - 1.0, part = at - low, sum = 0.0, w[MAX_TAPS];
    for (uint32_t i = 0; i < count; i++) {
        double step = (double)i - (double)(count / 2) + 1.0, where = low + step;
        bool beyond = where < 0.0 || where >= (double)in;
        w[i] = r->exclude_outside && beyond ? 0.0 : kernel(r, (step - part) * shrink);
        sum += w[i];
        ids[i][index] = clamp_index(where, in);
    }
    bool normalise = (r->antialias || r->exclude_outside) && sum != 0.0;
    for (uint32_t i = 0; i < count; i++) weights[i][index] = (float)(normalise ? w[i] / sum : w[i]);
}

/* Elements that lie outside the input replaced, for CROP_AND_RESIZE. */
static term extrapolate(const struct ay_lower *l, const struct resize *r, term y, uint32_t axis,
                        uint64_t in)
{
    if (r->coordinates != CROP_AND_RESIZE || !y) return y;
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d < y->rank; d++) dims[d] = d == axis ? y->dims[d] : 1;
    void *to;
    term mask = fresh(l, BOOL, y->rank, dims, &to);
    bool any = false;
    for (uint64_t i = 0; mask && i < y->dims[axis]; i++) {
        bool is = outside(r, place(r, axis, in, i), in);
        ((uint8_t *)to)[i] = is;
        any |= is;
    }
    if (!any) return y;
    term value = cast(l, number(l, r->extrapolation), y->dtype);
    return choose(l, mask, value, y);
}

/* Each element `times` times in a row. */
static term repeat(const struct ay_lower *l, term x, uint32_t axis, uint64_t times)
{
    uint64_t dims[AY_MAX_RANK];
    x = ay_term_insert(l, x, axis + 1);
    if (!x) return NULL;
    memcpy(dims, x->dims, sizeof dims);
    dims[axis + 1] = times;
    x = expand(l, x, x->rank, dims);
    if (!x) return NULL;
    dims[axis] *= times;
    for (uint32_t d = axis + 1; d + 1 < x->rank; d++) dims[d] = x->dims[d + 1];
    return reshape(l, x, x->rank - 1, dims);
}

static term resize_nearest(const struct ay_lower *l, const struct resize *r, term x, uint32_t axis)
{
    uint64_t in = x->dims[axis], out = r->size[axis];
    uint64_t times = in ? out / in : 0;
    bool repeats = times * in == out && x->rank < AY_MAX_RANK; /* as when sizes are doubled */
    void *to;
    term ids = fresh(l, I64, SHAPE(out), &to);
    for (uint64_t i = 0; ids && i < out; i++) {
        int64_t id = clamp_index(nearest(r, axis, place(r, axis, in, i)), in);
        ((int64_t *)to)[i] = id;
        repeats = repeats && (uint64_t)id == i / times;
    }
    return repeats && out ? repeat(l, x, axis, times) : gather(l, x, ids, axis);
}

static term resize_weighted(const struct ay_lower *l, const struct resize *r, term x, uint32_t axis)
{
    uint64_t in = x->dims[axis], out = r->size[axis], dims[AY_MAX_RANK];
    double shrink = r->antialias && r->scale[axis] < 1.0 ? r->scale[axis] : 1.0;
    uint32_t count = tap_count(r, shrink);
    if (count == 0) return ay_lower_fail(l, AY_E_LIMIT, "more than %u taps", MAX_TAPS);
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = d == axis ? out : 1;

    term *values = calloc(2 * (size_t)count, sizeof *values), y = NULL;
    void **to = calloc(2 * (size_t)count, sizeof *to);
    if (!values || !to) {
        ay_lower_fail(l, AY_E_MEMORY, "out of memory");
        goto out;
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = fresh(l, I64, SHAPE(out), &to[i]);
        values[count + i] = fresh(l, F32, x->rank, dims, &to[count + i]);
    }
    if (failed(l)) goto out;
    for (uint64_t i = 0; i < out; i++)
        tap_element(r, axis, in, i, count, shrink, (int64_t **)to, (float **)(to + count));
    for (uint32_t i = 0; i < count; i++) {
        term one = mul(l, gather(l, x, values[i], axis), values[count + i]);
        y = i ? add(l, y, one) : one;
    }
out:
    free(values);
    free(to);
    return y;
}

static term resize_all(const struct ay_lower *l, const struct resize *r, term x)
{
    for (uint32_t axis = 0; x && axis < x->rank; axis++) {
        uint64_t in = x->dims[axis];
        bool whole = r->coordinates != CROP_AND_RESIZE ||
                     (r->roi[axis][0] == 0.0F && r->roi[axis][1] == 1.0F);
        if (!r->resized[axis] || (whole && in == r->size[axis] && r->scale[axis] == 1.0)) continue;
        if (in == 0 && r->size[axis] != 0)
            return ay_lower_fail(l, AY_E_FORMAT, "axis %u is empty", axis);
        x = r->mode == NEAREST ? resize_nearest(l, r, x, axis) : resize_weighted(l, r, x, axis);
        x = extrapolate(l, r, x, axis, in);
    }
    return x;
}

/* Interpolated integers go to the nearest, and no further than their dtype. */
static term resize_typed(const struct ay_lower *l, const struct resize *r, term x)
{
    if (r->mode == NEAREST || x->dtype == F32) return resize_all(l, r, x);
    if (x->dtype != U8 && x->dtype != I8)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "X is %s", ay_dtype_name(x->dtype));
    bool is_signed = x->dtype == I8;
    term y = function(l, AY_WORK_FN_RINT, resize_all(l, r, cast(l, x, F32)));
    return cast(l, clamp(l, y, is_signed ? -128.0F : 0.0F, is_signed ? 127.0F : 255.0F), x->dtype);
}

/* --- attributes and operands --- */

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const coordinate_modes[] = {
    "half_pixel",         "align_corners",        "asymmetric",           "tf_crop_and_resize",
    "pytorch_half_pixel", "half_pixel_symmetric", "tf_half_pixel_for_nn", NULL};
static const char *const rounding_modes[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                             "ceil", NULL};

/* Index of the attribute's text among `names`; absent: 0. */
static uint32_t one_of(const struct ay_lower *l, const char *name, const char *const *names)
{
    if (!ay_attr_has(l, name)) return 0;
    for (uint32_t i = 0; names[i]; i++)
        if (ay_attr_is(l, name, names[i])) return i;
    struct ay_slice text = ay_attr_text(l, name);
    ay_lower_fail(l, AY_E_UNSUPPORTED, "%s '%.*s'", name, (int)text.len, (const char *)text.data);
    return 0;
}

/* `count` numbers of a known operand, or fewer than one: NULL. */
static const float *floats(const struct ay_lower *l, term x, uint64_t count, const char *what)
{
    if (!x || ay_value_elements(x) == 0) return NULL;
    const float *data = ay_term_floats(l, x, what);
    if (data && ay_value_elements(x) != count) {
        ay_lower_fail(l, AY_E_FORMAT, "%s has %llu numbers, not %llu", what,
                      (unsigned long long)ay_value_elements(x), (unsigned long long)count);
        return NULL;
    }
    return data;
}

static void by_scales(const struct ay_lower *l, struct resize *r, term x, const uint32_t *axes,
                      uint32_t count, const float *scales)
{
    for (uint32_t i = 0; i < count; i++) {
        /* The product is f32: three times 5 / 3 is 5. */
        double scale = (double)scales[i];
        double size = floor((double)(scales[i] * (float)x->dims[axes[i]]));
        if (!(scale > 0.0) || !(size < 0x1p32)) {
            ay_lower_fail(l, AY_E_RANGE, "scale %g", scale);
            return;
        }
        r->scale[axes[i]] = scale;
        r->size[axes[i]] = (uint64_t)size;
    }
}

static void by_sizes(const struct ay_lower *l, struct resize *r, term x, const uint32_t *axes,
                     uint32_t count, const int64_t *sizes)
{
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    uint32_t policy = one_of(l, "keep_aspect_ratio_policy", policies);
    double common = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        if (sizes[i] < 0 || sizes[i] >= (int64_t)1 << 32 || x->dims[axes[i]] == 0) {
            ay_lower_fail(l, AY_E_RANGE, "size %lld", (long long)sizes[i]);
            return;
        }
        double scale = (double)sizes[i] / (double)x->dims[axes[i]];
        r->scale[axes[i]] = scale;
        r->size[axes[i]] = (uint64_t)sizes[i];
        if (i == 0 || (policy == 1 ? scale < common : scale > common)) common = scale;
    }
    for (uint32_t i = 0; policy && i < count; i++) {
        r->scale[axes[i]] = common;
        r->size[axes[i]] = (uint64_t)(common * (double)x->dims[axes[i]] + 0.5);
    }
}

/* From version 11 on: roi, scales and sizes by axes. */
static void read_operands(const struct ay_lower *l, const struct ay_operands *o, struct resize *r,
                          term x)
{
    uint32_t axes[AY_MAX_RANK], count = ay_lower_axes(l, o, "axes", 0, INT64_MAX, x->rank, axes);
    if (count == 0)
        for (; count < x->rank; count++) axes[count] = count;
    if (r->coordinates == CROP_AND_RESIZE) {
        const float *roi = floats(l, ay_in(o, 1), 2 * (uint64_t)count, "roi");
        if (!roi) ay_lower_fail(l, AY_E_FORMAT, "tf_crop_and_resize without roi");
        for (uint32_t i = 0; roi && i < count; i++) {
            r->roi[axes[i]][0] = roi[i];
            r->roi[axes[i]][1] = roi[count + i];
        }
    }
    for (uint32_t i = 0; i < count; i++) r->resized[axes[i]] = true;
    if (failed(l)) return;
    const float *scales = floats(l, ay_in(o, 2), count, "scales");
    if (scales) {
        by_scales(l, r, x, axes, count, scales);
        return;
    }
    int64_t sizes[AY_MAX_RANK];
    if (ay_lower_ints(l, ay_in(o, 3), "sizes", sizes, AY_MAX_RANK) == count)
        by_sizes(l, r, x, axes, count, sizes);
    else
        ay_lower_fail(l, AY_E_FORMAT, "neither scales nor sizes for %u axes", count);
}

static struct resize plain(term x)
{
    struct resize r = {.cubic_a = -0.75F};
    for (uint32_t d = 0; d < x->rank; d++) {
        r.scale[d] = 1.0;
        r.roi[d][1] = 1.0F;
        r.size[d] = x->dims[d];
    }
    return r;
}

/* Upsample and version 10 of Resize: scales alone, from the left edge. */
static void lower_upsample(const struct ay_lower *l, const struct ay_operands *o)
{
    static const char *const old_modes[] = {"nearest", "linear", "bilinear", NULL};
    term x = ay_term_operand(l, o, 0, 0, "X");
    term scales =
        l->opset < 9 ? ay_attr_list(l, "scales") : ay_term_operand(l, o, 1, F32, "scales");
    if (failed(l)) return;
    struct resize r = plain(x);
    r.mode = one_of(l, "mode", old_modes) ? LINEAR : NEAREST;
    r.coordinates = ASYMMETRIC;
    r.rounding = SIMPLE;
    uint32_t axes[AY_MAX_RANK];
    for (uint32_t d = 0; d < x->rank; d++) {
        axes[d] = d;
        r.resized[d] = true;
    }
    const float *factors = floats(l, scales, x->rank, "scales");
    if (!factors && x->rank) ay_lower_fail(l, AY_E_FORMAT, "no scales");
    if (!failed(l)) by_scales(l, &r, x, axes, x->rank, factors);
    if (!failed(l)) o->out[0] = resize_typed(l, &r, x);
}

static void lower_resize(const struct ay_lower *l, const struct ay_operands *o)
{
    if (l->opset < 11) {
        lower_upsample(l, o);
        return;
    }
    term x = ay_term_operand(l, o, 0, 0, "X");
    if (!x) return;
    struct resize r = plain(x);
    r.mode = (enum mode)one_of(l, "mode", modes);
    r.coordinates = (enum coordinates)one_of(l, "coordinate_transformation_mode", coordinate_modes);
    r.rounding = (enum rounding)one_of(l, "nearest_mode", rounding_modes);
    r.antialias = ay_attr_int(l, "antialias", 0) != 0;
    r.exclude_outside = ay_attr_int(l, "exclude_outside", 0) != 0;
    r.cubic_a = ay_attr_float(l, "cubic_coeff_a", -0.75F);
    r.extrapolation = ay_attr_float(l, "extrapolation_value", 0.0F);
    if (r.antialias && r.mode == NEAREST)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "antialias with mode nearest");
    read_operands(l, o, &r, x);
    if (!failed(l)) o->out[0] = resize_typed(l, &r, x);
}

const struct ay_operator ay_lower_resize[] = {
    {"Resize", lower_resize, 1, 4, 1, false},
    {"Upsample", lower_upsample, 1, 2, 1, false},
    {"GridSample", ay_lower_grid_sample, 2, 2, 1, false},
    {"AffineGrid", ay_lower_affine_grid, 2, 2, 1, false},
    {"RoiAlign", ay_lower_roi_align, 3, 3, 1, false},
    {"MaxRoiPool", ay_lower_max_roi_pool, 2, 2, 1, true},
    {0},
};
