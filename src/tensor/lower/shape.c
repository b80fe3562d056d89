/* Shapes: what looks at elements anew, cuts and joins them, and makes tensors of shapes. */
#include "tensor/lower/terms.h"

#include <math.h>

static uint64_t span(term x, uint32_t first, uint32_t last)
{
    uint64_t n = 1;
    for (uint32_t d = first; d < last; d++) n *= x->dims[d];
    return n;
}

/* --- the same elements --- */

static void identity(const struct ay_lower *l, const struct ay_operands *o)
{
    (void)l;
    o->out[0] = o->in[0];
}

/* As at inference: nothing is dropped, and the mask says so. */
static void dropout(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], training = ay_in(o, 2);
    bool drops = training && ay_term_scalar(l, training, "training_mode");
    const float *ratio = drops && ay_in(o, 1) ? ay_term_floats(l, ay_in(o, 1), "ratio") : NULL;
    if (drops && !(ratio && *ratio == 0.0F))
        ay_lower_fail(l, AY_E_UNSUPPORTED, "dropping elements at random");
    o->out[0] = x;
    if (o->out_count < 2) return;
    term kept = l->opset < 10 && x->dtype == F32 ? number(l, 1) : integer(l, BOOL, 1);
    o->out[1] = expand(l, kept, x->rank, x->dims);
}

static void reshape_to(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t wanted[AY_MAX_RANK];
    uint64_t dims[AY_MAX_RANK], known = 1;
    uint32_t rank = ay_lower_ints(l, o->in[1], "shape", wanted, AY_MAX_RANK), open = rank;
    bool zero = ay_attr_int(l, "allowzero", 0);
    for (uint32_t d = 0; d < rank; d++) {
        bool kept = wanted[d] == 0 && !zero;
        if (wanted[d] < -1 || (wanted[d] < 0 && open < rank) || (kept && d >= x->rank)) {
            ay_lower_fail(l, AY_E_FORMAT, "shape cannot be used");
            return;
        }
        if (wanted[d] < 0) open = d;
        dims[d] = kept ? x->dims[d] : wanted[d] < 0 ? 1 : (uint64_t)wanted[d];
        if (__builtin_mul_overflow(known, dims[d], &known)) known = 0;
    }
    if (open < rank) dims[open] = known ? ay_value_elements(x) / known : 0;
    o->out[0] = reshape(l, x, rank, dims);
}

static void flatten(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t axis = ay_attr_int(l, "axis", 1);
    uint32_t at = axis == (int64_t)x->rank ? x->rank : ay_lower_axis(l, axis, x->rank);
    o->out[0] = reshape(l, x, SHAPE(span(x, 0, at), span(x, at, x->rank)));
}

static void squeeze(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint32_t axes[AY_MAX_RANK], rank = 0, gone = 0;
    uint64_t dims[AY_MAX_RANK];
    uint32_t count = ay_lower_axes(l, o, "axes", 1, 13, x->rank, axes);
    bool all = l->opset >= 13 ? !ay_in(o, 1) : !ay_attr_has(l, "axes");
    for (uint32_t i = 0; i < count; i++) gone |= 1u << axes[i];
    for (uint32_t d = 0; d < x->rank; d++)
        if (all ? x->dims[d] != 1 : !(gone >> d & 1)) dims[rank++] = x->dims[d];
    o->out[0] = reshape(l, x, rank, dims);
}

static void unsqueeze(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t listed[AY_MAX_RANK];
    uint32_t count = 0, added = 0;
    const int64_t *ints = listed;
    if (l->opset >= 13)
        count = ay_lower_ints(l, ay_in(o, 1), "axes", listed, AY_MAX_RANK);
    else
        ints = ay_attr_ints(l, "axes", &count);
    if (count + x->rank > AY_MAX_RANK) {
        ay_lower_fail(l, AY_E_LIMIT, "more than %d dimensions", AY_MAX_RANK);
        return;
    }
    uint32_t rank = x->rank + count;
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t i = 0; i < count; i++) added |= 1u << ay_lower_axis(l, ints[i], rank);
    if ((uint32_t)__builtin_popcount(added) != count) ay_lower_fail(l, AY_E_FORMAT, "axis twice");
    for (uint32_t d = 0, from = 0; d < rank; d++)
        dims[d] = added >> d & 1 || from == x->rank ? 1 : x->dims[from++];
    o->out[0] = reshape(l, x, rank, dims);
}

static void transpose(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint32_t count, perm[AY_MAX_RANK], seen = 0;
    const int64_t *listed = ay_attr_ints(l, "perm", &count);
    bool given = ay_attr_has(l, "perm");
    for (uint32_t d = 0; d < x->rank; d++) {
        perm[d] = x->rank - 1 - d;
        if (given && count == x->rank) perm[d] = ay_lower_axis(l, listed[d], x->rank);
        seen |= 1u << perm[d];
    }
    if ((given && count != x->rank) || seen + 1 != 1u << x->rank)
        ay_lower_fail(l, AY_E_FORMAT, "perm is not an order of %u axes", x->rank);
    o->out[0] = ay_tape_code(l->tape) == AY_OK ? permute(l, x, perm) : NULL;
}

/* --- cut and joined --- */

static void concat(const struct ay_lower *l, const struct ay_operands *o)
{
    if (!ay_term_operand(l, o, 0, 0, "the first operand")) return;
    for (uint32_t i = 1; i < o->in_count; i++)
        if (!ay_term_operand(l, o, i, 0, "an operand")) return;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 1), o->in[0]->rank);
    o->out[0] = ay_tape_concat(l->tape, o->in, o->in_count, axis);
}

/* Sizes given, or as equal as they can be with the last one smaller. */
static void split(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], given = l->opset >= 13 ? ay_in(o, 1) : NULL;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank), count = 0;
    const int64_t *listed = l->opset < 13 ? ay_attr_ints(l, "split", &count) : NULL;
    if (given) given = ay_tape_need(l->tape, given, "split");
    if (ay_tape_code(l->tape) != AY_OK) return;
    if (given) count = (uint32_t)ay_value_elements(given);
    if ((given || listed) && count != o->out_count) {
        ay_lower_fail(l, AY_E_FORMAT, "%u sizes for %u results", count, o->out_count);
        return;
    }
    uint64_t n = x->dims[axis], each = (n + o->out_count - 1) / o->out_count, begin = 0;
    for (uint32_t i = 0; i < o->out_count; i++) {
        int64_t size = given    ? ay_value_int(given, i)
                       : listed ? listed[i]
                                : (int64_t)(n - begin < each ? n - begin : each);
        if (size < 0 || (uint64_t)size > n - begin) {
            ay_lower_fail(l, AY_E_FORMAT, "sizes do not add up to the axis");
            return;
        }
        o->out[i] = ay_term_part(l, x, axis, begin, (uint64_t)size);
        begin += (uint64_t)size;
    }
    if (begin != n) ay_lower_fail(l, AY_E_FORMAT, "sizes do not add up to the axis");
}

struct cut {
    int64_t begin[AY_MAX_RANK], step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK];
};

static int64_t clamp_to(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Positions from start up to end, each counted from the end of the axis where it is negative. */
static void cut_axis(struct cut *c, uint32_t axis, int64_t n, int64_t start, int64_t end,
                     int64_t step)
{
    bool up = step > 0;
    start = clamp_to(start < 0 ? start + n : start, up ? 0 : -1, up ? n : n - 1);
    end = clamp_to(end < 0 ? end + n : end, up ? 0 : -1, up ? n : n - 1);
    uint64_t distance = up ? (end > start ? (uint64_t)(end - start) : 0)
                           : (start > end ? (uint64_t)(start - end) : 0);
    uint64_t stride = up ? (uint64_t)step : 0 - (uint64_t)step;
    c->begin[axis] = start;
    c->size[axis] = distance / stride + (distance % stride != 0);
    /* A single position needs no step, which may be any number. */
    c->step[axis] = c->size[axis] > 1 ? step : 1;
}

static void slice(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t list[4][AY_MAX_RANK];
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    uint32_t count[4] = {0};
    for (uint32_t i = 0; i < 4; i++) {
        if (l->opset >= 10) {
            count[i] = ay_lower_ints(l, ay_in(o, i + 1), names[i], list[i], AY_MAX_RANK);
            continue;
        }
        const int64_t *ints = i < 3 ? ay_attr_ints(l, names[i], &count[i]) : NULL;
        for (uint32_t k = 0; k < count[i] && k < AY_MAX_RANK; k++) list[i][k] = ints[k];
    }
    struct cut c;
    for (uint32_t d = 0; d < x->rank; d++) {
        c.begin[d] = 0;
        c.step[d] = 1;
        c.size[d] = x->dims[d];
    }
    uint32_t n = count[0];
    if (n > x->rank || count[1] != n || (count[2] && count[2] != n) || (count[3] && count[3] != n))
        ay_lower_fail(l, AY_E_FORMAT, "starts, ends, axes and steps differ in length");
    for (uint32_t i = 0; i < n && ay_tape_code(l->tape) == AY_OK; i++) {
        int64_t step = count[3] ? list[3][i] : 1;
        uint32_t axis = count[2] ? ay_lower_axis(l, list[2][i], x->rank) : i;
        if (step == 0)
            ay_lower_fail(l, AY_E_FORMAT, "step of 0");
        else
            cut_axis(&c, axis, (int64_t)x->dims[axis], list[0][i], list[1][i], step);
    }
    o->out[0] = ay_tape_slice(l->tape, x, c.begin, c.step, c.size, 0);
}

/* --- repeated --- */

static void expand_to(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t wanted[AY_MAX_RANK];
    uint64_t dims[AY_MAX_RANK];
    uint32_t count = ay_lower_ints(l, o->in[1], "shape", wanted, AY_MAX_RANK);
    uint32_t rank = count > x->rank ? count : x->rank;
    for (uint32_t d = 0; d < rank; d++) {
        uint64_t own = d + x->rank < rank ? 1 : x->dims[d + x->rank - rank];
        int64_t other = d + count < rank ? 1 : wanted[d + count - rank];
        if (other < 0) ay_lower_fail(l, AY_E_FORMAT, "negative size");
        dims[d] = other == 1 ? own : (uint64_t)other;
    }
    o->out[0] = expand(l, x, rank, dims);
}

/* One VIEW repeats as many axes as its grid has room for. */
static term tile_some(const struct ay_lower *l, term x, uint64_t *repeats)
{
    struct ay_tape_view v = {0};
    uint64_t dims[AY_MAX_RANK];
    uint32_t room = AY_MAX_WORK_OP_GRID - x->rank;
    for (uint32_t d = 0; d < x->rank; d++) {
        dims[d] = x->dims[d];
        if (repeats[d] != 1 && room > 0) {
            room--;
            v.grid[v.grid_rank++] = repeats[d];
            if (__builtin_mul_overflow(dims[d], repeats[d], &dims[d])) dims[d] = UINT64_MAX;
            repeats[d] = 1;
        }
        v.coefs[d][v.grid_rank] = 1;
        v.grid[v.grid_rank++] = x->dims[d];
    }
    return ay_tape_view(l->tape, x, &v, x->rank, dims);
}

static void tile(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t listed[AY_MAX_RANK];
    uint64_t repeats[AY_MAX_RANK];
    uint32_t count = ay_lower_ints(l, o->in[1], "repeats", listed, AY_MAX_RANK), left = 0;
    if (count != x->rank) ay_lower_fail(l, AY_E_FORMAT, "%u repeats", count);
    for (uint32_t d = 0; d < count; d++) {
        if (listed[d] < 0) ay_lower_fail(l, AY_E_FORMAT, "negative repeat");
        repeats[d] = (uint64_t)listed[d];
        left += listed[d] != 1;
    }
    while (left > 0 && x && ay_tape_code(l->tape) == AY_OK) {
        x = tile_some(l, x, repeats);
        left = 0;
        for (uint32_t d = 0; d < count; d++) left += repeats[d] != 1;
    }
    o->out[0] = x;
}

/* --- made --- */

static void shape_of(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t rank = x->rank, start = ay_attr_int(l, "start", 0), end = ay_attr_int(l, "end", rank);
    start = clamp_to(start < 0 ? start + rank : start, 0, rank);
    end = clamp_to(end < 0 ? end + rank : end, 0, rank);
    void *to;
    o->out[0] = fresh(l, I64, SHAPE(end > start ? (uint64_t)(end - start) : 0), &to);
    for (int64_t d = start; o->out[0] && d < end; d++)
        ((int64_t *)to)[d - start] = (int64_t)x->dims[d];
}

static void size_of(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = integer(l, I64, (int64_t)ay_value_elements(o->in[0]));
}

static void constant(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t count;
    if (ay_attr_has(l, "value")) {
        o->out[0] = ay_attr_tensor(l, "value");
    } else if (ay_attr_has(l, "value_float")) {
        o->out[0] = number(l, ay_attr_float(l, "value_float", 0));
    } else if (ay_attr_has(l, "value_int")) {
        o->out[0] = integer(l, I64, ay_attr_int(l, "value_int", 0));
    } else if (ay_attr_has(l, "value_floats")) {
        const uint32_t *bits = ay_attr_floats(l, "value_floats", &count);
        o->out[0] = ay_tape_copy(l->tape, F32, SHAPE(count), bits, NULL);
    } else if (ay_attr_has(l, "value_ints")) {
        const int64_t *ints = ay_attr_ints(l, "value_ints", &count);
        o->out[0] = ay_tape_copy(l->tape, I64, SHAPE(count), ints, NULL);
    } else {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "a value that is no tensor of numbers");
    }
}

static void constant_of_shape(const struct ay_lower *l, const struct ay_operands *o)
{
    int64_t wanted[AY_MAX_RANK];
    uint64_t dims[AY_MAX_RANK];
    uint32_t rank = ay_lower_ints(l, o->in[0], "input", wanted, AY_MAX_RANK);
    term value = ay_attr_has(l, "value") ? ay_attr_tensor(l, "value") : number(l, 0);
    for (uint32_t d = 0; d < rank; d++) {
        if (wanted[d] < 0) ay_lower_fail(l, AY_E_FORMAT, "negative size");
        dims[d] = (uint64_t)wanted[d];
    }
    o->out[0] = expand(l, reshape(l, value, 0, NULL), rank, dims);
}

static double number_at(term x)
{
    return x->dtype == F32 ? (double)*(const float *)x->data : (double)ay_value_int(x, 0);
}

static void range(const struct ay_lower *l, const struct ay_operands *o)
{
    term x[3];
    static const char *const names[] = {"start", "limit", "delta"};
    for (uint32_t i = 0; i < 3; i++) {
        x[i] = ay_tape_need(l->tape, ay_term_operand(l, o, i, o->in[0]->dtype, names[i]), names[i]);
        if (x[i] && ay_value_elements(x[i]) != 1)
            ay_lower_fail(l, AY_E_FORMAT, "%s is not one number", names[i]);
    }
    if (ay_tape_code(l->tape) != AY_OK) return;
    double count = ceil((number_at(x[1]) - number_at(x[0])) / number_at(x[2]));
    if (!(count < 0x1p32)) {
        ay_lower_fail(l, AY_E_LIMIT, "range without an end");
        return;
    }
    uint32_t dtype = x[0]->dtype;
    term i = ay_term_count(l, I64, count > 0 ? (uint64_t)count : 0);
    term start = reshape(l, x[0], 0, NULL), delta = reshape(l, x[2], 0, NULL);
    if (dtype == F32)
        o->out[0] = add(l, start, mul(l, cast(l, i, F32), delta));
    else
        o->out[0] = int_fn(l, AY_WORK_FN_INT_ADD, dtype, start,
                           int_fn(l, AY_WORK_FN_INT_MUL, I64, i, delta));
}

static void eye_like(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t k = ay_attr_int(l, "k", 0);
    uint32_t dtype =
        ay_attr_has(l, "dtype") ? ay_term_dtype(l, ay_attr_int(l, "dtype", 0), "dtype") : x->dtype;
    if (!ay_term_rank(l, x, 2, "input") || !dtype) return;
    term row = ay_term_insert(l, ay_term_count(l, I64, x->dims[0]), 1);
    term column =
        int_fn(l, AY_WORK_FN_INT_SUB, I64, ay_term_count(l, I64, x->dims[1]), integer(l, I64, k));
    o->out[0] = cast(l, int_fn(l, AY_WORK_FN_INT_EQ, BOOL, row, column), dtype);
}

const struct ay_operator ay_lower_shape[] = {
    {"Concat", concat, 1, 255, 1, false},
    {"Constant", constant, 0, 0, 1, false},
    {"ConstantOfShape", constant_of_shape, 1, 1, 1, false},
    {"Dropout", dropout, 1, 3, 2, false},
    {"Expand", expand_to, 2, 2, 1, false, true},
    {"EyeLike", eye_like, 1, 1, 1, false},
    {"Flatten", flatten, 1, 1, 1, false, true},
    {"Identity", identity, 1, 1, 1, false, true, 1},
    {"Range", range, 3, 3, 1, false},
    {"Reshape", reshape_to, 2, 2, 1, false, true},
    {"Shape", shape_of, 1, 1, 1, false},
    {"Size", size_of, 1, 1, 1, false},
    {"Slice", slice, 1, 5, 1, false, true},
    {"Split", split, 1, 2, 255, false, true},
    {"Squeeze", squeeze, 1, 2, 1, false, true},
    {"Tile", tile, 2, 2, 1, false},
    {"Transpose", transpose, 1, 1, 1, false, true},
    {"Unsqueeze", unsqueeze, 1, 2, 1, false, true},
    {NULL, NULL, 0, 0, 0, false},
};
