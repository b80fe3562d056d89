/* Elements picked and put by index. Indices count from the end of the axis where they are negative;
 * ids of GATHER and SCATTER do not, and are element or row numbers. */
#include "tensor/lower/terms.h"

static term int_add(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_ADD, I64, a, b);
}

static term int_scale(const struct ay_lower *l, term a, uint64_t by)
{
    return int_fn(l, AY_WORK_FN_INT_MUL, I64, a, integer(l, I64, (int64_t)by));
}

/* Whether these are ids that GATHER takes; fails otherwise. */
static bool are_ids(const struct ay_lower *l, term ids)
{
    if (!ids) return false;
    if (ids->dtype == I32 || ids->dtype == I64) return true;
    ay_lower_fail(l, AY_E_FORMAT, "indices are %s", ay_dtype_name(ids->dtype));
    return false;
}

static bool any_negative(term ids)
{
    for (uint64_t i = 0; i < ay_value_elements(ids); i++)
        if (ay_value_int(ids, i) < 0) return true;
    return false;
}

/* Indices of an axis of n as numbers from 0. */
static term from_start(const struct ay_lower *l, term ids, uint64_t n)
{
    if (!ids || (ids->data && !any_negative(ids))) return ids;
    term below = int_fn(l, AY_WORK_FN_INT_LT, BOOL, ids, integer(l, I64, 0));
    term moved = int_fn(l, AY_WORK_FN_INT_ADD, ids->dtype, ids, integer(l, I64, (int64_t)n));
    return choose(l, below, moved, ids);
}

/* Elements between two neighbours along an axis. */
static uint64_t stride_of(term x, uint32_t axis)
{
    uint64_t n = 1;
    for (uint32_t d = axis + 1; d < x->rank; d++) n *= x->dims[d];
    return n;
}

/* For each position of (rank, dims) the number of the element of x at the same position, its place
 * on `axis` left out: dims with 1 there. */
static term elements_beside(const struct ay_lower *l, term x, const uint64_t *dims, uint32_t axis)
{
    uint64_t own[AY_MAX_RANK], index[AY_MAX_RANK] = {0}, n = 1;
    for (uint32_t d = 0; d < x->rank; d++) {
        own[d] = d == axis ? 1 : dims[d];
        n *= own[d];
    }
    void *to;
    term ids = fresh(l, I64, x->rank, own, &to);
    for (uint64_t i = 0; ids && i < n; i++) {
        uint64_t at = 0;
        for (uint32_t d = 0; d < x->rank; d++) at = at * x->dims[d] + index[d];
        ((int64_t *)to)[i] = (int64_t)at;
        for (uint32_t d = x->rank; d-- > 0; index[d] = 0)
            if (++index[d] < own[d]) break;
    }
    return ids;
}

/* --- picked --- */

static void gather_axis(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    if (ay_tape_code(l->tape) != AY_OK || !are_ids(l, o->in[1])) return;
    o->out[0] = gather(l, x, from_start(l, o->in[1], x->dims[axis]), axis);
}

/* Element numbers of x for indices along one axis; NULL (and a failure) when they do not fit. */
static term element_ids(const struct ay_lower *l, term x, term ids, uint32_t axis)
{
    bool fits = are_ids(l, ids) && ay_term_rank(l, ids, x->rank, "indices");
    for (uint32_t d = 0; fits && d < x->rank; d++) fits = d == axis || ids->dims[d] <= x->dims[d];
    if (!fits || ay_tape_code(l->tape) != AY_OK)
        return ay_lower_fail(l, AY_E_FORMAT, "indices beyond the shape");
    term along = int_scale(l, from_start(l, ids, x->dims[axis]), stride_of(x, axis));
    return int_add(l, along, elements_beside(l, x, ids->dims, axis));
}

static void gather_elements(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], ids = o->in[1];
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    term elements = element_ids(l, x, ids, axis);
    if (!elements) return;
    term flat = reshape(l, x, SHAPE(ay_value_elements(x)));
    elements = reshape(l, elements, SHAPE(ay_value_elements(ids)));
    o->out[0] = reshape(l, gather(l, flat, elements, 0), ids->rank, ids->dims);
}

/* Row numbers of tuples (.., k) that index axes first, first + 1, .. of x; a row is what follows
 * those axes. The first axes of both are the same batch. */
static term row_ids(const struct ay_lower *l, term x, term tuples, uint32_t first)
{
    uint32_t last = tuples->rank - 1, k = (uint32_t)tuples->dims[last];
    term row = NULL;
    if (first > 0) {
        uint64_t dims[AY_MAX_RANK], batch = 1;
        for (uint32_t d = 0; d < last; d++) {
            dims[d] = d < first ? x->dims[d] : 1;
            batch *= dims[d];
        }
        row = reshape(l, ay_term_count(l, I64, batch), last, dims);
    }
    for (uint32_t j = 0; j < k; j++) {
        uint64_t n = x->dims[first + j];
        term at = from_start(l, ay_term_at(l, tuples, last, j), n);
        row = row ? int_add(l, int_scale(l, row, n), at) : at;
    }
    return row;
}

static bool are_tuples(const struct ay_lower *l, term x, term tuples, int64_t batch)
{
    bool fits = are_ids(l, tuples) && tuples->rank > 0 && batch >= 0 && batch < tuples->rank &&
                batch <= x->rank;
    uint64_t k = fits ? tuples->dims[tuples->rank - 1] : 0;
    fits = fits && k > 0 && k <= x->rank - (uint64_t)batch;
    for (uint32_t d = 0; fits && d < batch; d++) fits = tuples->dims[d] == x->dims[d];
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "indices do not fit the shape");
    return fits;
}

static void gather_nd(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], tuples = o->in[1];
    int64_t batch = ay_attr_int(l, "batch_dims", 0);
    if (!are_tuples(l, x, tuples, batch)) return;
    uint32_t last = tuples->rank - 1, taken = (uint32_t)batch + (uint32_t)tuples->dims[last];
    uint64_t dims[2 * AY_MAX_RANK], rows = 1, width = 1;
    uint32_t rank = 0;
    for (uint32_t d = 0; d < last; d++) dims[rank++] = tuples->dims[d];
    for (uint32_t d = taken; d < x->rank; d++) {
        dims[rank++] = x->dims[d];
        width *= x->dims[d];
    }
    for (uint32_t d = 0; d < taken; d++) rows *= x->dims[d];
    term ids = row_ids(l, x, tuples, (uint32_t)batch);
    if (!ids) return;
    ids = reshape(l, ids, SHAPE(ay_value_elements(ids)));
    o->out[0] = reshape(l, gather(l, reshape(l, x, SHAPE(rows, width)), ids, 0), rank, dims);
}

static void one_hot(const struct ay_lower *l, const struct ay_operands *o)
{
    term ids = cast(l, o->in[0], I64), values = o->in[2];
    term depth = ay_tape_need(l->tape, cast(l, o->in[1], I64), "depth");
    if (!depth || !ay_term_shape(l, values, SHAPE(2), "values")) return;
    int64_t n = ay_value_elements(depth) == 1 ? ay_value_int(depth, 0) : -1;
    if (n < 0 || n >= 1ll << 31) ay_lower_fail(l, AY_E_FORMAT, "depth is not one size");
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -1), ids->rank + 1);
    if (ay_tape_code(l->tape) != AY_OK) return;
    ids = ay_term_insert(l, from_start(l, ids, (uint64_t)n), axis);
    if (!ids) return;
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d < ids->rank; d++) dims[d] = d == axis ? (uint64_t)n : 1;
    term count = reshape(l, ay_term_count(l, I64, (uint64_t)n), ids->rank, dims);
    term hot = int_fn(l, AY_WORK_FN_INT_EQ, BOOL, ids, count);
    o->out[0] = choose(l, hot, ay_term_at(l, values, 0, 1), ay_term_at(l, values, 0, 0));
}

/* --- put --- */

/* As the attribute `reduction` says; false, and a failure, for what is none. */
static bool reduction(const struct ay_lower *l, enum ay_work_reduce *out)
{
    static const struct {
        const char *name;
        enum ay_work_reduce reduce;
    } known[] = {{"", AY_WORK_REDUCE_NONE},   {"none", AY_WORK_REDUCE_NONE},
                 {"add", AY_WORK_REDUCE_SUM}, {"mul", AY_WORK_REDUCE_PROD},
                 {"max", AY_WORK_REDUCE_MAX}, {"min", AY_WORK_REDUCE_MIN}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!ay_attr_is(l, "reduction", known[i].name)) continue;
        *out = known[i].reduce;
        return true;
    }
    ay_lower_fail(l, AY_E_UNSUPPORTED, "unknown reduction");
    return false;
}

static void scatter_elements(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], updates = o->in[2];
    enum ay_work_reduce reduce;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    term ids = element_ids(l, x, o->in[1], axis);
    if (!ids || !reduction(l, &reduce)) return;
    if (ay_term_shape(l, updates, ids->rank, ids->dims, "updates"))
        o->out[0] = ay_tape_scatter(l->tape, reduce, x, ids, updates);
}

static void scatter_nd(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0], tuples = o->in[1], updates = o->in[2];
    enum ay_work_reduce reduce;
    if (!are_tuples(l, x, tuples, 0) || !reduction(l, &reduce)) return;
    uint32_t last = tuples->rank - 1, k = (uint32_t)tuples->dims[last], rank = 0;
    uint64_t dims[2 * AY_MAX_RANK], width = 1;
    for (uint32_t d = 0; d < last; d++) dims[rank++] = tuples->dims[d];
    for (uint32_t d = k; d < x->rank; d++) {
        dims[rank++] = x->dims[d];
        width *= x->dims[d];
    }
    if (!ay_term_shape(l, updates, rank, dims, "updates")) return;
    term rows = row_ids(l, x, tuples, 0);
    if (!rows) return;
    rows = int_scale(l, reshape(l, rows, SHAPE(ay_value_elements(rows), 1)), width);
    term ids = int_add(l, rows, ay_term_count(l, I64, width));
    o->out[0] = ay_tape_scatter(l->tape, reduce, x, ids, updates);
}

/* Writes `update` into a cache at each sample's own place along an axis. */
static void tensor_scatter(const struct ay_lower *l, const struct ay_operands *o)
{
    term cache = o->in[0], update = o->in[1], places = ay_in(o, 2);
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -2), cache->rank);
    bool circular = ay_attr_is(l, "mode", "circular");
    bool fits = update->rank == cache->rank && cache->rank > 1 && axis > 0;
    for (uint32_t d = 0; fits && d < cache->rank; d++)
        fits = d == axis ? update->dims[d] <= cache->dims[d] : update->dims[d] == cache->dims[d];
    if (!fits) {
        ay_lower_fail(l, AY_E_FORMAT, "update does not fit the cache");
        return;
    }
    uint64_t samples[AY_MAX_RANK], steps[AY_MAX_RANK];
    for (uint32_t d = 0; d < cache->rank; d++) {
        samples[d] = d == 0 ? cache->dims[0] : 1;
        steps[d] = d == axis ? update->dims[d] : 1;
    }
    term at = reshape(l, ay_term_count(l, I64, update->dims[axis]), cache->rank, steps);
    if (places) at = int_add(l, reshape(l, places, cache->rank, samples), at);
    if (circular)
        at = int_fn(l, AY_WORK_FN_INT_MOD, I64, at, integer(l, I64, (int64_t)cache->dims[axis]));
    term ids = int_add(l, int_scale(l, at, stride_of(cache, axis)),
                       elements_beside(l, cache, update->dims, axis));
    ids = expand(l, ids, update->rank, update->dims);
    o->out[0] = ay_tape_scatter(l->tape, AY_WORK_REDUCE_NONE, cache, ids, update);
}

const struct ay_operator ay_lower_index[] = {
    {"Gather", gather_axis, 2, 2, 1, false, true},
    {"GatherElements", gather_elements, 2, 2, 1, false},
    {"GatherND", gather_nd, 2, 2, 1, false},
    {"OneHot", one_hot, 3, 3, 1, false},
    {"Scatter", scatter_elements, 3, 3, 1, false},
    {"ScatterElements", scatter_elements, 3, 3, 1, false},
    {"ScatterND", scatter_nd, 3, 3, 1, false},
    {"TensorScatter", tensor_scatter, 2, 3, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
