/* Reductions over axes, and what is made of them: soft maxima, running sums. */
#include "tensor/lower/terms.h"

/* Reduces a set of axes, each run of neighbours as one; sizes become 1. */
term ay_term_reduce(const struct ay_lower *l, enum ay_work_reduce kind, term x, uint32_t axes)
{
    if (!x) return NULL;
    uint64_t kept[AY_MAX_RANK];
    uint32_t rank = x->rank;
    for (uint32_t d = 0; d < rank; d++) kept[d] = axes >> d & 1 ? 1 : x->dims[d];
    for (uint32_t d = 0; d < rank && x;) {
        uint64_t joined[AY_MAX_RANK], n = 1;
        uint32_t first = d, count = 0;
        if (!(axes >> d++ & 1)) continue;
        while (d < rank && axes >> d & 1) d++;
        for (uint32_t i = 0; i < first; i++) joined[count++] = kept[i];
        for (uint32_t i = first; i < d; i++) n *= x->dims[i];
        joined[count++] = n;
        for (uint32_t i = d; i < rank; i++) joined[count++] = x->dims[i];
        uint64_t dims[AY_MAX_RANK];
        for (uint32_t i = 0; i < rank; i++) dims[i] = i < d ? kept[i] : x->dims[i];
        x = reduce(l, kind, reshape(l, x, count, joined), first);
        x = reshape(l, x, rank, dims);
        /* Squares are taken once. */
        if (kind == AY_WORK_REDUCE_SUMSQ) kind = AY_WORK_REDUCE_SUM;
    }
    return x;
}

/* What a node reduces. */
struct reduction {
    term x;
    uint32_t axes;
    uint64_t elements; /* that make one */
    bool none;         /* the operand is the result */
};

static bool read_reduction(const struct ay_lower *l, const struct ay_operands *o, int64_t since,
                           struct reduction *r)
{
    term x = o->in[0];
    uint32_t list[AY_MAX_RANK], count = ay_lower_axes(l, o, "axes", 1, since, x->rank, list);
    *r = (struct reduction){.x = x, .elements = 1};
    if (ay_tape_code(l->tape) != AY_OK) return false;
    for (uint32_t i = 0; i < count; i++) r->axes |= 1u << list[i];
    r->none = count == 0 && ay_attr_int(l, "noop_with_empty_axes", 0);
    if (count == 0) r->axes = (1u << x->rank) - 1;
    /* A scalar is reduced as a list of one. */
    if (x->rank == 0) {
        r->x = reshape(l, x, SHAPE(1));
        r->axes = 1;
    }
    for (uint32_t d = 0; r->x && d < r->x->rank; d++)
        if (r->axes >> d & 1) r->elements *= r->x->dims[d];
    return true;
}

/* The result's shape: without the axes reduced, unless they are to be kept. */
static term shaped(const struct ay_lower *l, const struct reduction *r, term rank_of, term y)
{
    uint64_t dims[AY_MAX_RANK];
    uint32_t rank = 0;
    if (!y || rank_of->rank == 0) return reshape(l, y, 0, NULL);
    bool kept = ay_attr_int(l, "keepdims", 1);
    for (uint32_t d = 0; d < y->rank; d++)
        if (kept || !(r->axes >> d & 1)) dims[rank++] = y->dims[d];
    return reshape(l, y, rank, dims);
}

static void reduce_simple(const struct ay_lower *l, const struct ay_operands *o,
                          enum ay_work_reduce kind, int64_t since)
{
    struct reduction r;
    if (!read_reduction(l, o, since, &r)) return;
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], ay_term_reduce(l, kind, r.x, r.axes));
}

static void reduce_sum(const struct ay_lower *l, const struct ay_operands *o)
{
    reduce_simple(l, o, AY_WORK_REDUCE_SUM, 13);
}

static void reduce_prod(const struct ay_lower *l, const struct ay_operands *o)
{
    reduce_simple(l, o, AY_WORK_REDUCE_PROD, 18);
}

static void reduce_max(const struct ay_lower *l, const struct ay_operands *o)
{
    reduce_simple(l, o, AY_WORK_REDUCE_MAX, 18);
}

static void reduce_min(const struct ay_lower *l, const struct ay_operands *o)
{
    reduce_simple(l, o, AY_WORK_REDUCE_MIN, 18);
}

static void reduce_sum_square(const struct ay_lower *l, const struct ay_operands *o)
{
    reduce_simple(l, o, AY_WORK_REDUCE_SUMSQ, 18);
}

static void reduce_mean(const struct ay_lower *l, const struct ay_operands *o)
{
    struct reduction r;
    if (!read_reduction(l, o, 18, &r)) return;
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUM, r.x, r.axes);
    bool whole = r.x && r.x->dtype != F32;
    term mean =
        whole ? int_fn(l, AY_WORK_FN_INT_DIV, r.x->dtype, sum, integer(l, I64, (int64_t)r.elements))
              : divide(l, sum, number(l, (float)r.elements));
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], mean);
}

static void reduce_l1(const struct ay_lower *l, const struct ay_operands *o)
{
    struct reduction r;
    if (!read_reduction(l, o, 18, &r) || !r.x) return;
    term minus = r.x->dtype == F32
                     ? NULL
                     : int_fn(l, AY_WORK_FN_INT_SUB, r.x->dtype, integer(l, I64, 0), r.x);
    term size = minus ? int_fn(l, AY_WORK_FN_INT_MAX, r.x->dtype, r.x, minus)
                      : function(l, AY_WORK_FN_ABS, r.x);
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUM, size, r.axes);
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], sum);
}

static void reduce_l2(const struct ay_lower *l, const struct ay_operands *o)
{
    struct reduction r;
    if (!read_reduction(l, o, 18, &r) || !r.x) return;
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUMSQ, cast(l, r.x, F32), r.axes);
    term root = cast(l, function(l, AY_WORK_FN_SQRT, sum), r.x->dtype);
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], root);
}

static void reduce_log_sum(const struct ay_lower *l, const struct ay_operands *o)
{
    struct reduction r;
    if (!read_reduction(l, o, 18, &r)) return;
    term sum = ay_term_reduce(l, AY_WORK_REDUCE_SUM, r.x, r.axes);
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], function(l, AY_WORK_FN_LOG, sum));
}

/* log(sum exp(x - m)) + m, m the largest, or 0 where that is infinite. */
static void reduce_log_sum_exp(const struct ay_lower *l, const struct ay_operands *o)
{
    struct reduction r;
    if (!read_reduction(l, o, 18, &r)) return;
    term m = ay_term_reduce(l, AY_WORK_REDUCE_MAX, r.x, r.axes);
    term infinite =
        int_fn(l, AY_WORK_FN_EQ, BOOL, function(l, AY_WORK_FN_ABS, m), number(l, __builtin_inff()));
    m = choose(l, infinite, number(l, 0), m);
    term e = function(l, AY_WORK_FN_EXP, sub(l, r.x, m));
    term y =
        add(l, function(l, AY_WORK_FN_LOG, ay_term_reduce(l, AY_WORK_REDUCE_SUM, e, r.axes)), m);
    o->out[0] = r.none ? o->in[0] : shaped(l, &r, o->in[0], y);
}

/* --- indices of extremes --- */

/* The first one, or with select_last_index the last: the first from behind. */
static void arg_extreme(const struct ay_lower *l, const struct ay_operands *o,
                        enum ay_work_reduce kind)
{
    term x = o->in[0];
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    bool last = ay_attr_int(l, "select_last_index", 0);
    if (ay_tape_code(l->tape) != AY_OK) return;
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK], end = (int64_t)x->dims[axis] - 1;
    for (uint32_t d = 0; d < x->rank; d++) step[d] = 1;
    begin[axis] = end;
    step[axis] = -1;
    term from = last ? ay_tape_slice(l->tape, x, begin, step, x->dims, 0) : x;
    term at = reduce(l, kind, from, axis);
    if (last) at = int_fn(l, AY_WORK_FN_INT_SUB, I64, integer(l, I64, end), at);
    struct reduction r = {.axes = 1u << axis};
    o->out[0] = shaped(l, &r, x, at);
}

static void arg_max(const struct ay_lower *l, const struct ay_operands *o)
{
    arg_extreme(l, o, AY_WORK_REDUCE_ARGMAX);
}

static void arg_min(const struct ay_lower *l, const struct ay_operands *o)
{
    arg_extreme(l, o, AY_WORK_REDUCE_ARGMIN);
}

/* --- soft and hard maxima --- */

/* The operand as the node's opset sees it: before 13 as rows from the axis on. */
static term along_axis(const struct ay_lower *l, term x, uint32_t *axis)
{
    int64_t given = ay_attr_int(l, "axis", l->opset < 13 ? 1 : -1);
    if (l->opset >= 13) {
        *axis = ay_lower_axis(l, given, x->rank);
        return ay_tape_code(l->tape) == AY_OK ? x : NULL;
    }
    bool end = given == (int64_t)x->rank;
    uint32_t first = end ? x->rank : ay_lower_axis(l, given, x->rank);
    uint64_t rows = 1, columns = 1;
    for (uint32_t d = 0; d < x->rank; d++) *(d < first ? &rows : &columns) *= x->dims[d];
    *axis = 1;
    return reshape(l, x, SHAPE(rows, columns));
}

static void softmax(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t axis;
    term x = along_axis(l, o->in[0], &axis);
    if (x) o->out[0] = reshape(l, ay_term_softmax(l, x, axis), o->in[0]->rank, o->in[0]->dims);
}

static void log_softmax(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t axis;
    term x = along_axis(l, o->in[0], &axis);
    if (!x) return;
    term d = sub(l, x, reduce(l, AY_WORK_REDUCE_MAX, x, axis));
    term sum = reduce(l, AY_WORK_REDUCE_SUM, function(l, AY_WORK_FN_EXP, d), axis);
    o->out[0] =
        reshape(l, sub(l, d, function(l, AY_WORK_FN_LOG, sum)), o->in[0]->rank, o->in[0]->dims);
}

static void hardmax(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t axis;
    term x = along_axis(l, o->in[0], &axis);
    if (!x) return;
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = d == axis ? x->dims[d] : 1;
    term count = reshape(l, ay_term_count(l, I64, x->dims[axis]), x->rank, dims);
    term at = reduce(l, AY_WORK_REDUCE_ARGMAX, x, axis);
    term hot = cast(l, int_fn(l, AY_WORK_FN_INT_EQ, BOOL, at, count), x->dtype);
    o->out[0] = reshape(l, hot, o->in[0]->rank, o->in[0]->dims);
}

/* --- running sums and products --- */

/* x moved along an axis; what comes in is `fill`. */
static term moved(const struct ay_lower *l, term x, uint32_t axis, int64_t by, uint64_t fill)
{
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    if (!x) return NULL;
    for (uint32_t d = 0; d < x->rank; d++) step[d] = 1;
    begin[axis] = -by;
    return ay_tape_slice(l->tape, x, begin, step, x->dims, fill);
}

/* Each element with what lies 1, 2, 4, .. before it: after k rounds it is over 2^k elements. */
static void running(const struct ay_lower *l, const struct ay_operands *o, enum ay_work_fn f32,
                    enum ay_work_fn ints, uint64_t neutral)
{
    term x = o->in[0];
    uint32_t axis = ay_lower_axis(l, ay_term_scalar(l, o->in[1], "axis"), x->rank);
    int64_t way = ay_attr_int(l, "reverse", 0) ? -1 : 1;
    if (ay_tape_code(l->tape) != AY_OK) return;
    int64_t n = (int64_t)x->dims[axis];
    if (ay_attr_int(l, "exclusive", 0)) x = moved(l, x, axis, way, neutral);
    for (int64_t by = 1; x && by < n; by *= 2) {
        term before = moved(l, x, axis, way * by, neutral);
        x = x->dtype == F32 ? ay_tape_fn2(l->tape, f32, before, x)
                            : int_fn(l, ints, x->dtype, before, x);
    }
    o->out[0] = x;
}

static void cumulative_sum(const struct ay_lower *l, const struct ay_operands *o)
{
    running(l, o, AY_WORK_FN_ADD, AY_WORK_FN_INT_ADD, 0);
}

static void cumulative_product(const struct ay_lower *l, const struct ay_operands *o)
{
    running(l, o, AY_WORK_FN_MUL, AY_WORK_FN_INT_MUL, o->in[0]->dtype == F32 ? 0x3f800000u : 1);
}

const struct ay_operator ay_lower_reduce[] = {
    {"ArgMax", arg_max, 1, 1, 1, false},
    {"ArgMin", arg_min, 1, 1, 1, false},
    {"CumProd", cumulative_product, 2, 2, 1, false},
    {"CumSum", cumulative_sum, 2, 2, 1, false},
    {"Hardmax", hardmax, 1, 1, 1, false},
    {"LogSoftmax", log_softmax, 1, 1, 1, false},
    {"ReduceL1", reduce_l1, 1, 2, 1, false},
    {"ReduceL2", reduce_l2, 1, 2, 1, false},
    {"ReduceLogSum", reduce_log_sum, 1, 2, 1, false},
    {"ReduceLogSumExp", reduce_log_sum_exp, 1, 2, 1, false},
    {"ReduceMax", reduce_max, 1, 2, 1, false},
    {"ReduceMean", reduce_mean, 1, 2, 1, false},
    {"ReduceMin", reduce_min, 1, 2, 1, false},
    {"ReduceProd", reduce_prod, 1, 2, 1, false},
    {"ReduceSum", reduce_sum, 1, 2, 1, false},
    {"ReduceSumSquare", reduce_sum_square, 1, 2, 1, false},
    {"Softmax", softmax, 1, 1, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
