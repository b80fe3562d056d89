/* Ops that move elements and change none: GATHER, PERMUTE, VIEW, CONCAT, and SCATTER, which may
 * also combine them. */
#include "tensor/each.h"

#include "tensor/plan.h"
#include "tensor/ref/float.h"

#include <string.h>

#define COPY_LOOP(type)                                                                            \
    {                                                                                              \
        type *out = to;                                                                            \
        const type *in = from;                                                                     \
        for (uint64_t i = 0; i < count; i++) out[i] = in[(int64_t)i * stride];                     \
    }

void ay_each_copy(void *to, const void *from, int64_t stride, uint64_t count, uint32_t bytes)
{
    if (stride == 1)
        memcpy(to, from, count * bytes);
    else if (bytes == 4)
        COPY_LOOP(uint32_t)
    else if (bytes == 8)
        COPY_LOOP(uint64_t)
    else
        COPY_LOOP(uint8_t)
}

static void fill(void *to, uint64_t bits, uint64_t count, uint32_t bytes)
{
    uint32_t *u32 = to;
    uint64_t *u64 = to;
    if (bytes == 1)
        memset(to, (int)(bits & 0xff), count);
    else if (bytes == 4)
        for (uint64_t i = 0; i < count; i++) u32[i] = (uint32_t)bits;
    else
        for (uint64_t i = 0; i < count; i++) u64[i] = bits;
}

/* Element i of a tensor of integers. */
static int64_t integer(uint32_t dtype, const void *from, uint64_t i)
{
    int64_t x;
    ay_each_widen(dtype, ay_element(from, i, ay_dtype_bytes(dtype)), 1, &x);
    return x;
}

void ay_each_gather(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    const struct ay_tensor_type *table = &call->in[0], *out = &call->out;
    uint32_t axis = call->op->axis, bytes = ay_dtype_bytes(out->dtype);
    uint64_t inner = ay_span(table, axis + 1, table->rank), n = table->dims[axis];
    uint64_t ids = ay_tensor_elements(out) / (ay_span(table, 0, axis) * inner);
    for (uint64_t i = first, run; i < last; i += run) {
        uint64_t row = i / inner, at = i % inner;
        int64_t id = integer(call->in[1].dtype, call->from[1], row % ids);
        uint64_t taken = id < 0 ? 0 : (uint64_t)id < n ? (uint64_t)id : n - 1;
        run = inner - at < last - i ? inner - at : last - i;
        uint64_t from = (row / ids * n + taken) * inner + at;
        ay_each_copy(ay_element_to(call->to, i, bytes), ay_element(call->from[0], from, bytes), 1,
                     run, bytes);
    }
}

/* An affine reading: the element of grid position o is at offset[a] + sum of coef[a][d] o[d] on
 * each axis a of (axes) sizes, `stride[a]` elements apart. */
struct reading {
    uint32_t axes, rank;
    uint64_t size[AY_MAX_RANK], grid[AY_MAX_WORK_OP_GRID];
    int64_t stride[AY_MAX_RANK], offset[AY_MAX_RANK];
    int64_t coef[AY_MAX_RANK][AY_MAX_WORK_OP_GRID];
};

/* Whether no grid position lies outside. */
static bool always_inside(const struct reading *r)
{
    for (uint32_t a = 0; a < r->axes; a++) {
        int64_t low = r->offset[a], high = low;
        for (uint32_t d = 0; d < r->rank; d++) {
            int64_t reach = r->coef[a][d] * (int64_t)(r->grid[d] - 1);
            *(reach < 0 ? &low : &high) += reach;
        }
        if (low < 0 || high >= (int64_t)r->size[a]) return false;
    }
    return true;
}

/* One axis over all elements says the same, where nothing lies outside. */
static void flatten(struct reading *r)
{
    struct reading flat = {.axes = 1, .rank = r->rank, .size = {UINT64_MAX >> 1}, .stride = {1}};
    memcpy(flat.grid, r->grid, sizeof flat.grid);
    for (uint32_t a = 0; a < r->axes; a++) {
        flat.offset[0] += r->offset[a] * r->stride[a];
        for (uint32_t d = 0; d < r->rank; d++) flat.coef[0][d] += r->coef[a][d] * r->stride[a];
    }
    *r = flat;
}

/* Whether grid axes d and e, which follow one another, count as one. */
static bool is_one_axis(const struct reading *r, uint32_t d, uint32_t e)
{
    if (r->grid[d] == 1) return true;
    for (uint32_t a = 0; a < r->axes; a++)
        if (r->coef[a][d] != r->coef[a][e] * (int64_t)r->grid[e]) return false;
    return true;
}

/* Joins grid axes that count as one, and drops those of size 1. */
static void simplify(struct reading *r)
{
    uint32_t n = 0; /* axes kept; the last one may still take in the next */
    for (uint32_t d = 0; d < r->rank; d++) {
        if (n > 0 && r->grid[d] == 1) continue;
        bool join = n > 0 && is_one_axis(r, n - 1, d);
        uint64_t size = r->grid[d] * (join ? r->grid[n - 1] : 1);
        n += !join;
        r->grid[n - 1] = size;
        for (uint32_t a = 0; a < r->axes; a++) r->coef[a][n - 1] = r->coef[a][d];
    }
    r->rank = n;
}

/* Positions t in [*low, *high) of a row have 0 <= at + coef t < size. */
static void narrow(int64_t at, int64_t coef, uint64_t size, int64_t *low, int64_t *high)
{
    int64_t n = (int64_t)size, begin = 0, end = 0;
    if (coef == 0) {
        if (at < 0 || at >= n) *high = *low;
        return;
    }
    if (coef < 0) { /* mirrored: at' = n - 1 - at */
        at = n - 1 - at;
        coef = -coef;
    }
    begin = at >= 0 ? 0 : (-at + coef - 1) / coef;
    end = at >= n ? 0 : (n - 1 - at) / coef + 1;
    if (begin > *low) *low = begin;
    if (end < *high) *high = end;
    if (*low > *high) *low = *high; /* never beyond the row */
}

/* Grid positions first..first + count - 1, which differ in the last axis only. */
static void read_row(const struct reading *r, const struct ay_call *call, uint64_t first,
                     uint64_t count)
{
    uint32_t last = r->rank - 1, bytes = ay_dtype_bytes(call->out.dtype);
    int64_t at[AY_MAX_RANK], from = 0, step = 0, low = 0, high = (int64_t)count;
    for (uint32_t a = 0; a < r->axes; a++) at[a] = r->offset[a];
    uint64_t rest = first;
    for (uint32_t d = r->rank; d-- > 0; rest /= r->grid[d])
        for (uint32_t a = 0; a < r->axes; a++)
            at[a] += r->coef[a][d] * (int64_t)(rest % r->grid[d]);
    for (uint32_t a = 0; a < r->axes; a++) {
        narrow(at[a], r->coef[a][last], r->size[a], &low, &high);
        from += at[a] * r->stride[a];
        step += r->coef[a][last] * r->stride[a];
    }
    fill(ay_element_to(call->to, first, bytes), call->op->fill, (uint64_t)low, bytes);
    if (high > low)
        ay_each_copy(ay_element_to(call->to, first + (uint64_t)low, bytes),
                     ay_element(call->from[0], (uint64_t)(from + step * low), bytes), step,
                     (uint64_t)(high - low), bytes);
    fill(ay_element_to(call->to, first + (uint64_t)high, bytes), call->op->fill,
         count - (uint64_t)high, bytes);
}

static void read_all(struct reading *r, const struct ay_call *call, uint64_t first, uint64_t last)
{
    simplify(r);
    uint64_t row = r->grid[r->rank - 1];
    for (uint64_t i = first, n; i < last; i += n) {
        n = row - i % row < last - i ? row - i % row : last - i;
        read_row(r, call, i, n);
    }
}

/* The view's axes, without grid. */
static struct reading reading_of(const struct ay_call *call)
{
    const struct ay_work_op *op = call->op;
    struct reading r = {.axes = op->view_count};
    int64_t stride = 1;
    for (uint32_t a = r.axes; a-- > 0;) {
        r.size[a] = ay_dim_resolve(op->view[a], call->sizes);
        r.stride[a] = stride;
        stride *= (int64_t)r.size[a];
    }
    return r;
}

void ay_each_permute(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    struct reading r = reading_of(call);
    r.rank = r.axes;
    for (uint32_t d = 0; d < r.rank; d++) {
        r.grid[d] = r.size[call->op->perm[d]];
        r.coef[call->op->perm[d]][d] = 1;
    }
    flatten(&r);
    read_all(&r, call, first, last);
}

void ay_each_view(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    const struct ay_work_op *op = call->op;
    struct reading r = reading_of(call);
    r.rank = op->grid_count;
    for (uint32_t d = 0; d < r.rank; d++) r.grid[d] = ay_dim_resolve(op->grid[d], call->sizes);
    for (uint32_t a = 0; a < r.axes; a++) {
        r.offset[a] = op->offsets[a];
        for (uint32_t d = 0; d < r.rank; d++) r.coef[a][d] = op->coefs[a * r.rank + d];
    }
    if (always_inside(&r)) flatten(&r);
    read_all(&r, call, first, last);
}

void ay_each_concat(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    uint32_t axis = call->op->axis, bytes = ay_dtype_bytes(call->out.dtype);
    uint64_t inner = ay_span(&call->out, axis + 1, call->out.rank);
    uint64_t row = inner * call->out.dims[axis];
    for (uint64_t i = first, run; i < last; i += run) {
        uint64_t outer = i / row, at = i % row, own = 0;
        uint32_t k = 0;
        for (; at >= (own = call->in[k].dims[axis] * inner); k++) at -= own;
        run = own - at < last - i ? own - at : last - i;
        ay_each_copy(ay_element_to(call->to, i, bytes),
                     ay_element(call->from[k], outer * own + at, bytes), 1, run, bytes);
    }
}

static float f32_with(uint32_t reduce, float x, float u)
{
    switch (reduce) {
    case AY_WORK_REDUCE_SUM: return x + u;
    case AY_WORK_REDUCE_PROD: return x * u;
    case AY_WORK_REDUCE_MAX: return ay_ref_max(x, u);
    case AY_WORK_REDUCE_MIN: return -ay_ref_max(-x, -u);
    default: return u;
    }
}

static int64_t integer_with(uint32_t reduce, int64_t x, int64_t u)
{
    switch (reduce) {
    case AY_WORK_REDUCE_SUM: return x + u;
    case AY_WORK_REDUCE_PROD: return x * u;
    case AY_WORK_REDUCE_MAX: return x > u ? x : u;
    case AY_WORK_REDUCE_MIN: return x < u ? x : u;
    default: return u;
    }
}

void ay_each_scatter(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    uint32_t dtype = call->out.dtype, bytes = ay_dtype_bytes(dtype);
    AY_ASSERT(first == 0);
    memcpy(call->to, call->from[0], last * bytes);
    uint64_t updates = ay_tensor_elements(&call->in[1]);
    for (uint64_t k = 0; k < updates; k++) {
        int64_t id = integer(call->in[1].dtype, call->from[1], k);
        if (id < 0 || (uint64_t)id >= last) continue;
        if (dtype == AY_WORK_DTYPE_F32) {
            float *at = (float *)call->to + id;
            float x = f32_with(call->op->reduce, *at, ((const float *)call->from[2])[k]);
            *at = ay_f32(ay_f32_bits(x));
        } else {
            int64_t x = integer_with(call->op->reduce, integer(dtype, call->to, (uint64_t)id),
                                     integer(dtype, call->from[2], k));
            ay_each_narrow(dtype, &x, 1, ay_element_to(call->to, (uint64_t)id, bytes));
        }
    }
}
