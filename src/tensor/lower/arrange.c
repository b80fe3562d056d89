/* Elements moved by a pattern that a few numbers describe: padding, blocks, triangles, columns. */
#include "tensor/lower/terms.h"

/* --- padding --- */

struct pads {
    int64_t before[AY_MAX_RANK], after[AY_MAX_RANK];
};

/* begin, begin, .. end, end, .. of the axes listed, or of all. */
static void read_pads(const struct ay_lower *l, const struct ay_operands *o, struct pads *p)
{
    int64_t list[2 * AY_MAX_RANK];
    uint32_t rank = o->in[0]->rank, axes[AY_MAX_RANK], count = 0, n = 0;
    if (l->opset >= 18) n = ay_lower_axes(l, o, "axes", 3, 18, rank, axes);
    if (l->opset >= 11) {
        count = ay_lower_ints(l, ay_in(o, 1), "pads", list, 2 * AY_MAX_RANK);
    } else {
        const int64_t *ints = ay_attr_ints(l, "pads", &count);
        for (uint32_t i = 0; i < count && i < 2 * AY_MAX_RANK; i++) list[i] = ints[i];
    }
    if (!ay_in(o, 3))
        for (n = 0; n < rank; n++) axes[n] = n;
    *p = (struct pads){{0}, {0}};
    if (count != 2 * n) {
        ay_lower_fail(l, AY_E_FORMAT, "%u pads for %u axes", count, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t d = axes[i];
        int64_t most = 1ll << 32, size = (int64_t)o->in[0]->dims[d];
        p->before[d] = list[i];
        p->after[d] = list[i + n];
        bool fits = list[i] >= -size && list[i] < most && list[i + n] >= -size &&
                    list[i + n] < most && size + list[i] + list[i + n] >= 0;
        if (!fits) ay_lower_fail(l, AY_E_FORMAT, "pads of axis %u out of range", d);
    }
}

/* Bits of the constant that is padded with; it is part of the operation, so it must be known. */
static uint64_t pad_value(const struct ay_lower *l, const struct ay_operands *o)
{
    term value = ay_in(o, 2);
    uint64_t bits = 0;
    if (l->opset < 11) value = number(l, ay_attr_float(l, "value", 0));
    value = value ? ay_tape_need(l->tape, value, "constant_value") : NULL;
    if (!value) return 0;
    if (value->dtype != o->in[0]->dtype || ay_value_elements(value) != 1)
        ay_lower_fail(l, AY_E_FORMAT, "constant_value is not one %s",
                      ay_dtype_name(o->in[0]->dtype));
    else
        bits = ay_element_load(value->data, ay_dtype_bytes(value->dtype));
    return bits;
}

/* Where an element outside an axis of n is taken from. */
static int64_t mirrored(int64_t i, int64_t n)
{
    int64_t period = n > 1 ? 2 * (n - 1) : 1;
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}
static int64_t nearest(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}
static int64_t wrapped(int64_t i, int64_t n)
{
    return (i % n + n) % n;
}

static term pad_axis(const struct ay_lower *l, term x, uint32_t axis, const struct pads *p,
                     int64_t (*from)(int64_t, int64_t))
{
    int64_t n = x ? (int64_t)x->dims[axis] : 0, before = p->before[axis], after = p->after[axis];
    if (!x || (before == 0 && after == 0)) return x;
    if (n == 0) return ay_lower_fail(l, AY_E_FORMAT, "padding of an axis without elements");
    void *to;
    term ids = fresh(l, I64, SHAPE((uint64_t)(n + before + after)), &to);
    for (int64_t i = 0; ids && i < n + before + after; i++)
        ((int64_t *)to)[i] = from(i - before, n);
    return gather(l, x, ids, axis);
}

static void pad(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct pads p;
    int64_t step[AY_MAX_RANK], begin[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK];
    read_pads(l, o, &p);
    bool constant = !ay_attr_has(l, "mode") || ay_attr_is(l, "mode", "constant");
    uint64_t fill = constant ? pad_value(l, o) : 0;
    if (ay_tape_code(l->tape) != AY_OK) return;
    if (constant) {
        for (uint32_t d = 0; d < x->rank; d++) {
            begin[d] = -p.before[d];
            step[d] = 1;
            size[d] = (uint64_t)((int64_t)x->dims[d] + p.before[d] + p.after[d]);
        }
        o->out[0] = ay_tape_slice(l->tape, x, begin, step, size, fill);
        return;
    }
    int64_t (*from)(int64_t, int64_t) = ay_attr_is(l, "mode", "reflect") ? mirrored
                                        : ay_attr_is(l, "mode", "edge")  ? nearest
                                        : ay_attr_is(l, "mode", "wrap")  ? wrapped
                                                                         : NULL;
    if (!from) ay_lower_fail(l, AY_E_UNSUPPORTED, "unknown mode");
    for (uint32_t d = 0; d < x->rank && from; d++) o->out[0] = x = pad_axis(l, x, d, &p, from);
    if (from) o->out[0] = x;
}

static void center_crop_pad(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t wanted[AY_MAX_RANK], begin[AY_MAX_RANK], step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK];
    uint32_t axes[AY_MAX_RANK], n = ay_lower_axes(l, o, "axes", 0, INT64_MAX, x->rank, axes);
    uint32_t count = ay_lower_ints(l, o->in[1], "shape", wanted, AY_MAX_RANK);
    if (!ay_attr_has(l, "axes"))
        for (n = 0; n < x->rank; n++) axes[n] = n;
    if (count != n) ay_lower_fail(l, AY_E_FORMAT, "%u sizes for %u axes", count, n);
    if (ay_tape_code(l->tape) != AY_OK) return;
    for (uint32_t d = 0; d < x->rank; d++) {
        begin[d] = 0;
        step[d] = 1;
        size[d] = x->dims[d];
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t have = (int64_t)x->dims[axes[i]], want = wanted[i];
        if (want < 0) ay_lower_fail(l, AY_E_FORMAT, "negative size");
        size[axes[i]] = (uint64_t)want;
        begin[axes[i]] = want < have ? (have - want) / 2 : -((want - have) / 2);
    }
    o->out[0] = ay_tape_slice(l->tape, x, begin, step, size, 0);
}

/* --- blocks --- */

static uint64_t block_size(const struct ay_lower *l, term x)
{
    int64_t b = ay_attr_int(l, "blocksize", 0);
    if (!ay_term_rank(l, x, 4, "input")) return 0;
    if (b > 0 && b < 1 << 15) return (uint64_t)b;
    ay_lower_fail(l, AY_E_FORMAT, "blocksize %lld", (long long)b);
    return 0;
}

static void depth_to_space(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint64_t b = block_size(l, x);
    if (b == 0) return;
    uint64_t n = x->dims[0], c = x->dims[1] / (b * b), h = x->dims[2], w = x->dims[3];
    term y = ay_attr_is(l, "mode", "CRD")
                 ? permute(l, reshape(l, x, SHAPE(n, c, b, b, h, w)), AXES(0, 1, 4, 2, 5, 3))
                 : permute(l, reshape(l, x, SHAPE(n, b, b, c, h, w)), AXES(0, 3, 4, 1, 5, 2));
    o->out[0] = reshape(l, y, SHAPE(n, c, h * b, w * b));
}

static void space_to_depth(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint64_t b = block_size(l, x);
    if (b == 0) return;
    uint64_t n = x->dims[0], c = x->dims[1], h = x->dims[2] / b, w = x->dims[3] / b;
    x = reshape(l, x, SHAPE(n, c, h, b, w, b));
    x = ay_attr_is(l, "mode", "CRD") ? permute(l, x, AXES(0, 1, 3, 5, 2, 4))
                                     : permute(l, x, AXES(0, 3, 5, 1, 2, 4));
    o->out[0] = reshape(l, x, SHAPE(n, c * b * b, h, w));
}

/* --- triangles and reversals --- */

static void trilu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t k = ay_term_scalar(l, ay_in(o, 1), "k");
    if (x->rank < 2) ay_lower_fail(l, AY_E_FORMAT, "input has %u dimensions", x->rank);
    if (ay_tape_code(l->tape) != AY_OK) return;
    term row = ay_term_insert(l, ay_term_count(l, I64, x->dims[x->rank - 2]), 1);
    term column = int_fn(l, AY_WORK_FN_INT_SUB, I64, ay_term_count(l, I64, x->dims[x->rank - 1]),
                         integer(l, I64, k));
    bool upper = ay_attr_int(l, "upper", 1);
    term kept = int_fn(l, AY_WORK_FN_INT_LE, BOOL, upper ? row : column, upper ? column : row);
    term none = x->dtype == F32 ? number(l, 0) : integer(l, x->dtype, 0);
    o->out[0] = choose(l, kept, x, none);
}

/* Of each sequence the first `length` steps, in reverse: element t comes from length - 1 - t. */
static void reverse_sequence(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], lengths = o->in[1];
    int64_t batch_axis = ay_attr_int(l, "batch_axis", 1),
            time_axis = ay_attr_int(l, "time_axis", 0);
    bool axes = (batch_axis == 0 && time_axis == 1) || (batch_axis == 1 && time_axis == 0);
    if (!axes || x->rank < 2) {
        ay_lower_fail(l, AY_E_FORMAT, "batch_axis and time_axis are not 0 and 1");
        return;
    }
    uint64_t times = x->dims[time_axis], batch = x->dims[batch_axis];
    if (!ay_term_shape(l, lengths, SHAPE(batch), "sequence_lens")) return;
    term t = ay_term_insert(l, ay_term_count(l, I64, times), 1);
    term back = int_fn(l, AY_WORK_FN_INT_SUB, I64,
                       int_fn(l, AY_WORK_FN_INT_SUB, I64, lengths, integer(l, I64, 1)), t);
    t = choose(l, int_fn(l, AY_WORK_FN_INT_LT, BOOL, t, lengths), back,
               expand(l, t, SHAPE(times, batch)));
    /* (times, batch): the number of the element among those of both axes */
    term own = ay_term_count(l, I64, batch);
    term ids =
        time_axis == 0
            ? int_fn(l, AY_WORK_FN_INT_ADD, I64, own,
                     int_fn(l, AY_WORK_FN_INT_MUL, I64, t, integer(l, I64, (int64_t)batch)))
            : int_fn(l, AY_WORK_FN_INT_ADD, I64, t,
                     int_fn(l, AY_WORK_FN_INT_MUL, I64, own, integer(l, I64, (int64_t)times)));
    if (time_axis == 1) ids = permute(l, ids, AXES(1, 0));
    uint64_t dims[AY_MAX_RANK] = {times * batch};
    for (uint32_t d = 2; d < x->rank; d++) dims[d - 1] = x->dims[d];
    term flat = reshape(l, x, x->rank - 1, dims);
    o->out[0] =
        reshape(l, gather(l, flat, reshape(l, ids, SHAPE(times * batch)), 0), x->rank, x->dims);
}

/* --- columns to image --- */

struct col2im {
    uint32_t axes; /* of the image */
    uint64_t image[AY_MAX_RANK], block[AY_MAX_RANK], columns[AY_MAX_RANK];
    int64_t stride[AY_MAX_RANK], dilation[AY_MAX_RANK], pad[AY_MAX_RANK];
    uint64_t image_size, block_size, column_count;
};

static bool read_col2im(const struct ay_lower *l, const struct ay_operands *o, struct col2im *c)
{
    int64_t image[AY_MAX_RANK], block[AY_MAX_RANK];
    uint32_t n = ay_lower_ints(l, o->in[1], "image_shape", image, AY_MAX_RANK - 2);
    uint32_t m = ay_lower_ints(l, o->in[2], "block_shape", block, AY_MAX_RANK - 2);
    uint32_t strides, dilations, pads;
    const int64_t *stride = ay_attr_ints(l, "strides", &strides);
    const int64_t *dilation = ay_attr_ints(l, "dilations", &dilations);
    const int64_t *pad = ay_attr_ints(l, "pads", &pads);
    bool fits = n > 0 && m == n && (!strides || strides == n) && (!dilations || dilations == n) &&
                (!pads || pads == 2 * n);
    *c = (struct col2im){.axes = n, .image_size = 1, .block_size = 1, .column_count = 1};
    for (uint32_t d = 0; d < n && fits; d++) {
        int64_t s = strides ? stride[d] : 1, k = dilations ? dilation[d] : 1;
        int64_t before = pads ? pad[d] : 0, after = pads ? pad[d + n] : 0, most = 1 << 30;
        fits = image[d] > 0 && image[d] < most && block[d] > 0 && block[d] < most && s > 0 &&
               s < most && k > 0 && k < most && before >= 0 && before < most && after >= 0 &&
               after < most && k * (block[d] - 1) + 1 <= image[d] + before + after;
        if (!fits) break;
        c->image[d] = (uint64_t)image[d];
        c->block[d] = (uint64_t)block[d];
        c->stride[d] = s;
        c->dilation[d] = k;
        c->pad[d] = before;
        c->columns[d] = (uint64_t)((image[d] + before + after - k * (block[d] - 1) - 1) / s) + 1;
        c->image_size *= c->image[d];
        c->block_size *= c->block[d];
        c->column_count *= c->columns[d];
        fits = c->image_size <= UINT32_MAX && c->block_size <= UINT32_MAX &&
               c->column_count <= UINT32_MAX;
    }
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "shapes, strides, dilations and pads do not fit");
    return ay_tape_code(l->tape) == AY_OK;
}

/* Which element of an image the entry (block position, column) is added to; -1: none. */
static int64_t image_element(const struct col2im *c, uint64_t position, uint64_t column)
{
    int64_t element = 0, scale = 1;
    for (uint32_t d = c->axes; d-- > 0;) {
        int64_t at = (int64_t)(column % c->columns[d]) * c->stride[d] - c->pad[d] +
                     (int64_t)(position % c->block[d]) * c->dilation[d];
        if (at < 0 || at >= (int64_t)c->image[d]) return -1;
        element += at * scale;
        scale *= (int64_t)c->image[d];
        position /= c->block[d];
        column /= c->columns[d];
    }
    return element;
}

static void col2im(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    struct col2im c;
    if (!ay_term_rank(l, x, 3, "input") || !read_col2im(l, o, &c)) return;
    if (x->dims[1] % c.block_size != 0 || x->dims[2] != c.column_count) {
        ay_lower_fail(l, AY_E_FORMAT, "input is not (batch, channels %llu, %llu)",
                      (unsigned long long)c.block_size, (unsigned long long)c.column_count);
        return;
    }
    uint64_t batch = x->dims[0], channels = x->dims[1] / c.block_size, images = batch * channels;
    void *to;
    term ids = fresh(l, I64, SHAPE(images, c.block_size, c.column_count), &to);
    int64_t *id = to;
    for (uint64_t i = 0; ids && i < images; i++)
        for (uint64_t p = 0; p < c.block_size; p++)
            for (uint64_t k = 0; k < c.column_count; k++) {
                int64_t element = image_element(&c, p, k);
                *id++ = element < 0 ? -1 : element + (int64_t)(i * c.image_size);
            }
    uint64_t dims[AY_MAX_RANK] = {batch, channels};
    for (uint32_t d = 0; d < c.axes; d++) dims[d + 2] = c.image[d];
    term image = ay_term_zeros(l, x->dtype, c.axes + 2, dims);
    o->out[0] = ay_tape_scatter(l->tape, AY_WORK_REDUCE_SUM, image, ids, x);
}

const struct ay_operator ay_lower_arrange[] = {
    {"CenterCropPad", center_crop_pad, 2, 2, 1, false},
    {"Col2Im", col2im, 3, 3, 1, false},
    {"DepthToSpace", depth_to_space, 1, 1, 1, false},
    {"Pad", pad, 1, 4, 1, false},
    {"ReverseSequence", reverse_sequence, 2, 2, 1, false},
    {"SpaceToDepth", space_to_depth, 1, 1, 1, false},
    {"Trilu", trilu, 1, 2, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
