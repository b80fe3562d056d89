/* PERMUTE and VIEW: elements read at places that are affine in the position of the output's. */
#include "tensor/each.h"

#include "tensor/plan.h"

#include <string.h>

/* Rows of the last axis shorter than this are read together, as blocks of several axes. */
#define LONG_ROW 32u

/* The axes of the operand that the grid leaves: index at + sum of coef[d] o[d], which must be
 * below size and not below 0. */
struct bound {
    int64_t at, size, coef[AY_MAX_WORK_OP_GRID];
};

/* Grid position o reads element at + sum of coef[d] o[d], if it is inside all bounds. */
struct reading {
    uint32_t rank, bounds;
    uint64_t grid[AY_MAX_WORK_OP_GRID];
    int64_t at, coef[AY_MAX_WORK_OP_GRID];
    struct bound bound[AY_MAX_RANK];
};

/* Takes in an axis of the operand, whose elements are `stride` apart. */
static void add_axis(struct reading *r, const struct bound *axis, int64_t stride)
{
    int64_t low = axis->at, high = axis->at;
    for (uint32_t d = 0; d < r->rank; d++) {
        int64_t reach = axis->coef[d] * (int64_t)(r->grid[d] - 1);
        *(reach < 0 ? &low : &high) += reach;
        r->coef[d] += axis->coef[d] * stride;
    }
    r->at += axis->at * stride;
    if (low < 0 || high >= axis->size) r->bound[r->bounds++] = *axis;
}

/* Whether grid axes d and e, which follow one another, count as one. */
static bool is_one_axis(const struct reading *r, uint32_t d, uint32_t e)
{
    int64_t size = (int64_t)r->grid[e];
    if (r->grid[d] == 1) return true;
    if (r->coef[d] != r->coef[e] * size) return false;
    for (uint32_t b = 0; b < r->bounds; b++)
        if (r->bound[b].coef[d] != r->bound[b].coef[e] * size) return false;
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
        r->coef[n - 1] = r->coef[d];
        for (uint32_t b = 0; b < r->bounds; b++) r->bound[b].coef[n - 1] = r->bound[b].coef[d];
    }
    r->rank = n;
}

/* Where the first element of the last `inner` axes is read, and the bounds there, at the position
 * that the other axes have in block `block` of them. */
static int64_t begin(const struct reading *r, uint32_t inner, uint64_t block, int64_t *bound_at)
{
    int64_t at = r->at;
    for (uint32_t b = 0; b < r->bounds; b++) bound_at[b] = r->bound[b].at;
    for (uint32_t d = r->rank - inner; d-- > 0; block /= r->grid[d]) {
        int64_t o = (int64_t)(block % r->grid[d]);
        at += r->coef[d] * o;
        for (uint32_t b = 0; b < r->bounds; b++) bound_at[b] += r->bound[b].coef[d] * o;
    }
    return at;
}

/* --- long rows --- */

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

/* Positions t in [*low, *high) of a row have 0 <= at + coef t < n. */
static void narrow(int64_t at, int64_t coef, int64_t n, int64_t *low, int64_t *high)
{
    int64_t first = 0, end = 0;
    if (coef == 0) {
        if (at < 0 || at >= n) *high = *low;
        return;
    }
    if (coef < 0) { /* mirrored: at' = n - 1 - at */
        at = n - 1 - at;
        coef = -coef;
    }
    first = at >= 0 ? 0 : (-at + coef - 1) / coef;
    end = at >= n ? 0 : (n - 1 - at) / coef + 1;
    if (first > *low) *low = first;
    if (end < *high) *high = end;
    if (*low > *high) *low = *high; /* never beyond the row */
}

/* Grid positions first..first + count - 1, which differ in the last axis only. */
static void read_row(const struct reading *r, const struct ay_call *call, uint64_t first,
                     uint64_t count)
{
    uint32_t last = r->rank - 1, bytes = ay_dtype_bytes(call->out.dtype);
    int64_t bound_at[AY_MAX_RANK], low = 0, high = (int64_t)count, step = r->coef[last];
    int64_t within = (int64_t)(first % r->grid[last]);
    int64_t from = begin(r, 1, first / r->grid[last], bound_at) + step * within;
    for (uint32_t b = 0; b < r->bounds; b++) {
        const struct bound *bound = &r->bound[b];
        narrow(bound_at[b] + bound->coef[last] * within, bound->coef[last], bound->size, &low,
               &high);
    }
    fill(ay_element_to(call->to, first, bytes), call->op->fill, (uint64_t)low, bytes);
    if (high > low)
        ay_each_copy(ay_element_to(call->to, first + (uint64_t)low, bytes),
                     ay_element(call->from[0], (uint64_t)(from + step * low), bytes), step,
                     (uint64_t)(high - low), bytes);
    fill(ay_element_to(call->to, first + (uint64_t)high, bytes), call->op->fill,
         count - (uint64_t)high, bytes);
}

/* Whether rows of the last axis are columns of a matrix whose rows the axis before runs along. */
static bool is_transposed(const struct reading *r, uint32_t bytes)
{
    return bytes == sizeof(float) && r->bounds == 0 && r->rank > 1 && r->coef[r->rank - 2] == 1 &&
           r->coef[r->rank - 1] > 1;
}

/* As many whole rows from grid position `first` on as there are before `last` and in one matrix;
 * returns how many elements. */
static uint64_t transpose_rows(const struct reading *r, const struct ay_call *call, uint64_t first,
                               uint64_t last)
{
    uint64_t row = r->grid[r->rank - 1], rows = r->grid[r->rank - 2];
    uint64_t left = rows - first / row % rows, count = (last - first) / row;
    int64_t at = begin(r, 1, first / row, NULL);
    if (count > left) count = left;
    call->kernels->transpose((const float *)call->from[0] + at, (size_t)r->coef[r->rank - 1],
                             (uint32_t)row, (uint32_t)count, (float *)call->to + first, row);
    return count * row;
}

/* Whether each of the elements that follow one another is read some times in turn, as where an
 * image is made larger by its nearest ones. */
static bool is_spread(const struct reading *r)
{
    uint32_t last = r->rank - 1;
    return r->bounds == 0 && last > 0 && r->coef[last] == 0 && r->coef[last - 1] == 1 &&
           r->grid[last] * r->grid[last - 1] >= LONG_ROW;
}

#define SPREAD_LOOP(type)                                                                          \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to;                                                                            \
        for (uint64_t i = 0; i < n; i++, out += times)                                             \
            for (uint64_t t = 0; t < times; t++) out[t] = in[i];                                   \
    }

static void double_words(const uint32_t *from, uint64_t n, uint32_t *to)
{
    for (uint64_t i = 0; i < n; i++)
        memcpy(to + 2 * i, &(uint64_t){(uint64_t)from[i] << 32 | from[i]}, sizeof(uint64_t));
}

/* Each of n elements so many times. */
static void spread(const void *from, uint64_t n, uint64_t times, uint32_t bytes, void *to)
{
    if (bytes == 4 && times == 2)
        double_words(from, n, to);
    else if (bytes == 4)
        SPREAD_LOOP(uint32_t)
    else if (bytes == 8)
        SPREAD_LOOP(uint64_t)
    else
        SPREAD_LOOP(uint8_t)
}

static void read_spread(const struct reading *r, const struct ay_call *call, uint64_t first,
                        uint64_t last)
{
    uint64_t times = r->grid[r->rank - 1], row = r->grid[r->rank - 2] * times;
    uint32_t bytes = ay_dtype_bytes(call->out.dtype);
    for (uint64_t i = first, n; i < last; i += n) {
        uint64_t within = i % row, more = last - i < row - within ? last - i : row - within;
        uint64_t at = (uint64_t)begin(r, 2, i / row, NULL) + within / times;
        uint64_t left = times - within % times, count = more / times, each = times;
        if (within % times || count == 0) { /* of one element what is left, or wanted */
            count = 1;
            each = more < left ? more : left;
        }
        spread(ay_element(call->from[0], at, bytes), count, each, bytes,
               ay_element_to(call->to, i, bytes));
        n = count * each;
    }
}

static void read_rows(const struct reading *r, const struct ay_call *call, uint64_t first,
                      uint64_t last)
{
    uint64_t row = r->grid[r->rank - 1];
    bool transposed = is_transposed(r, ay_dtype_bytes(call->out.dtype));
    for (uint64_t i = first, n; i < last; i += n) {
        if (transposed && i % row == 0 && last - i >= row) {
            n = transpose_rows(r, call, i, last);
            continue;
        }
        n = row - i % row < last - i ? row - i % row : last - i;
        read_row(r, call, i, n);
    }
}

/* --- blocks of short rows --- */

/* Places are laid out once for a block of neighbouring elements: the last `inner` axes whole, and
 * `step` positions of the axis before them. */
struct block {
    uint32_t axis;                  /* that one */
    uint64_t step, size;            /* elements of a block, */
    uint64_t span;                  /* and of all of the axis, whose last block may be shorter */
    bool repeats;                   /* each block along the axis is the same */
    int64_t *at;                    /* (size): what an element adds to the block's place, */
    int64_t *bound_at[AY_MAX_RANK]; /* and to its bounds */
    bool *inside;                   /* (size): of the block at hand */
};

static bool stands_still(const struct reading *r, uint32_t axis)
{
    bool still = r->coef[axis] == 0;
    for (uint32_t b = 0; b < r->bounds; b++) still = still && r->bound[b].coef[axis] == 0;
    return still;
}

/* coef[d] o[d] summed over a block's axes, for all its positions in order. */
static void lay_places(const struct reading *r, const struct block *k, const int64_t *coef,
                       int64_t *out)
{
    uint64_t n = 1;
    out[0] = 0;
    for (uint32_t d = r->rank; d-- > k->axis;) {
        uint64_t end = n * (d == k->axis ? k->step : r->grid[d]);
        for (uint64_t j = n; j < end; j++) out[j] = out[j - n] + coef[d];
        n = end;
    }
}

/* As large as AY_EACH_BLOCK elements allow, but one of what is repeated. room: ay_each_scratch. */
static struct block block_of(const struct reading *r, int64_t *room)
{
    struct block k = {.axis = r->rank - 1, .step = 1, .size = 1};
    while (k.axis > 0 && k.size * r->grid[k.axis] <= AY_EACH_BLOCK &&
           !(k.size >= LONG_ROW && stands_still(r, k.axis)))
        k.size *= r->grid[k.axis--];
    k.span = k.size * r->grid[k.axis];
    k.repeats = stands_still(r, k.axis);
    if (!k.repeats || k.size < LONG_ROW) k.step = AY_EACH_BLOCK / k.size;
    if (k.step > r->grid[k.axis]) k.step = r->grid[k.axis];
    k.size *= k.step;
    k.at = room;
    lay_places(r, &k, r->coef, k.at);
    for (uint32_t b = 0; b < r->bounds; b++) {
        k.bound_at[b] = room += AY_EACH_BLOCK;
        lay_places(r, &k, r->bound[b].coef, k.bound_at[b]);
    }
    k.inside = (bool *)(room + AY_EACH_BLOCK);
    return k;
}

#define READ_LOOP(type)                                                                            \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to, other = (type)bits;                                                        \
        if (inside)                                                                                \
            for (uint64_t j = 0; j < n; j++) out[j] = inside[j] ? in[first + at[j]] : other;       \
        else                                                                                       \
            for (uint64_t j = 0; j < n; j++) out[j] = in[first + at[j]];                           \
    }

/* n elements at first + at[j]; where they are not inside (NULL: all are), `bits`. */
static void read_places(const void *from, int64_t first, const int64_t *at, const bool *inside,
                        uint64_t bits, uint64_t n, uint32_t bytes, void *to)
{
    if (bytes == 4)
        READ_LOOP(uint32_t)
    else if (bytes == 8)
        READ_LOOP(uint64_t)
    else
        READ_LOOP(uint8_t)
}

/* n elements of one block, from its element `within` on, to the output's element i. */
static void read_block(const struct reading *r, const struct block *k, const struct ay_call *call,
                       uint64_t i, uint64_t within, uint64_t n)
{
    int64_t bound_at[AY_MAX_RANK], o = (int64_t)(i % k->span / k->size * k->step);
    int64_t from = begin(r, r->rank - k->axis, i / k->span, bound_at) + r->coef[k->axis] * o;
    for (uint32_t b = 0; b < r->bounds; b++) {
        const int64_t *places = k->bound_at[b] + within;
        int64_t at = bound_at[b] + r->bound[b].coef[k->axis] * o, size = r->bound[b].size;
        for (uint64_t j = 0; j < n; j++) {
            bool inside = (uint64_t)(at + places[j]) < (uint64_t)size;
            k->inside[j] = inside && (b == 0 || k->inside[j]);
        }
    }
    uint32_t bytes = ay_dtype_bytes(call->out.dtype);
    read_places(call->from[0], from, k->at + within, r->bounds ? k->inside : NULL, call->op->fill,
                n, bytes, ay_element_to(call->to, i, bytes));
}

static void read_blocks(const struct reading *r, const struct ay_call *call, uint64_t first,
                        uint64_t last, int64_t *room)
{
    struct block k = block_of(r, room);
    uint32_t bytes = ay_dtype_bytes(call->out.dtype);
    for (uint64_t i = first, n; i < last; i += n) {
        uint64_t along = i % k.span, within = along % k.size;
        n = k.size - within;
        if (n > k.span - along) n = k.span - along;
        if (n > last - i) n = last - i;
        if (k.repeats && along >= k.size && i >= first + k.size)
            memcpy(ay_element_to(call->to, i, bytes), ay_element(call->to, i - k.size, bytes),
                   n * bytes);
        else
            read_block(r, &k, call, i, within, n);
    }
}

static void read_all(struct reading *r, const struct ay_call *call, uint64_t first, uint64_t last,
                     void *scratch)
{
    simplify(r);
    if (r->grid[r->rank - 1] >= LONG_ROW || is_transposed(r, ay_dtype_bytes(call->out.dtype)))
        read_rows(r, call, first, last);
    else if (is_spread(r))
        read_spread(r, call, first, last);
    else
        read_blocks(r, call, first, last, scratch);
}

void ay_each_permute(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    const struct ay_work_op *op = call->op;
    struct reading r = {.rank = op->view_count};
    int64_t stride = 1;
    for (uint32_t d = 0; d < r.rank; d++)
        r.grid[d] = ay_dim_resolve(op->view[op->perm[d]], call->sizes);
    for (uint32_t a = r.rank; a-- > 0;) {
        uint32_t d = 0;
        while (op->perm[d] != a) d++;
        r.coef[d] = stride;
        stride *= (int64_t)r.grid[d];
    }
    read_all(&r, call, first, last, scratch);
}

/* A VIEW's; sizes: of the symbols. */
static struct reading reading_of(const struct ay_work_op *op, const uint32_t *sizes)
{
    struct reading r = {.rank = op->grid_count};
    int64_t stride = 1;
    for (uint32_t d = 0; d < r.rank; d++) r.grid[d] = ay_dim_resolve(op->grid[d], sizes);
    for (uint32_t a = op->view_count; a-- > 0;) {
        struct bound axis = {.at = op->offsets[a],
                             .size = (int64_t)ay_dim_resolve(op->view[a], sizes)};
        for (uint32_t d = 0; d < r.rank; d++) axis.coef[d] = op->coefs[a * r.rank + d];
        add_axis(&r, &axis, stride);
        stride *= axis.size;
    }
    return r;
}

void ay_each_view(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    struct reading r = reading_of(call->op, call->sizes);
    read_all(&r, call, first, last, scratch);
}

bool ay_each_view_part(const struct ay_work_op *op, struct ay_each_part *out)
{
    for (uint32_t d = 0; d < op->grid_count; d++)
        if (op->grid[d] & AY_DIM_SYMBOL) return false;
    for (uint32_t a = 0; a < op->view_count; a++)
        if (op->view[a] & AY_DIM_SYMBOL) return false;
    struct reading r = reading_of(op, NULL);
    simplify(&r);
    *out = (struct ay_each_part){.first = (uint64_t)r.at};
    if (r.bounds > 0) return false;
    if (r.rank == 1 && (r.grid[0] == 1 || r.coef[0] == 1)) return true;
    bool wide = r.rank == 2 && r.coef[1] == 1; /* else rows of one element */
    uint64_t width = wide ? r.grid[1] : 1;
    if (r.rank > 1u + wide || r.coef[0] <= 0 || r.coef[0] > UINT32_MAX) return false;
    out->row = (uint32_t)r.coef[0];
    return width == op->dims[op->dims_count - 1];
}
