#include "tensor/patch.h"

#include <string.h>

/* A frame may double the operand, and more where that is still small, or little of what the op
 * would make if it were stored. */
#define FRAME_SLACK 65536u
#define FRAME_PART  4u
#define LINE        16 /* elements */

static bool numbers(const uint32_t *dims, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (dims[i] & AY_DIM_SYMBOL) return false;
    return true;
}

static int64_t coef_of(const struct ay_work_op *op, uint32_t axis, uint32_t d)
{
    if (op->kind == AY_WORK_OP_PERMUTE) return op->perm[d] == axis;
    return op->coefs[axis * op->grid_count + d];
}

/* Finds where n and k begin among the grid's axes. */
static bool divide(struct ay_patch_view *w, uint64_t n, uint64_t k)
{
    uint32_t d = w->rank;
    for (w->k = 1; w->k < k && d > 0;) w->k *= w->grid[--d];
    w->k_axis = d;
    if (w->k != k) return false;
    uint64_t most = n ? n : AY_PATCH_COLUMNS;
    for (w->n = 1; d > 0 && w->n * w->grid[d - 1] <= most;) w->n *= w->grid[--d];
    w->n_axis = d;
    if (n && w->n != n) return false;
    for (w->batches = 1; d > 0;) w->batches *= w->grid[--d];
    return true;
}

/* The image: the operand, or the box of all that is read. */
static bool frame(const struct ay_work_op *op, struct ay_patch_view *w)
{
    int64_t high[AY_MAX_RANK];
    uint64_t source = 1;
    for (uint32_t a = 0; a < w->axes; a++) {
        w->low[a] = op->kind == AY_WORK_OP_VIEW ? op->offsets[a] : 0;
        high[a] = w->low[a];
        for (uint32_t d = 0; d < w->rank; d++) {
            int64_t reach = coef_of(op, a, d) * (int64_t)(w->grid[d] - 1);
            *(reach < 0 ? &w->low[a] : &high[a]) += reach;
        }
        w->framed = w->framed || w->low[a] < 0 || high[a] >= (int64_t)w->source[a];
        source *= w->source[a];
    }
    w->elements = 1;
    for (uint32_t a = 0; a < w->axes; a++) {
        if (!w->framed) w->low[a] = 0;
        w->size[a] = w->framed ? (uint64_t)(high[a] - w->low[a]) + 1 : w->source[a];
        if (w->size[a] > INT32_MAX / w->elements) return false;
        w->elements *= w->size[a];
    }
    return w->elements <= 2 * source + FRAME_SLACK ||
           w->elements <= w->batches * w->n * w->k / FRAME_PART;
}

/* How many elements of the image belong to one batch alone, which begins at a multiple of them; 0
 * where batches share elements. */
static uint64_t plane(const struct ay_work_op *op, const struct ay_patch_view *w)
{
    uint64_t elements = w->elements;
    uint32_t a = 0;
    for (; a < w->axes; a++) { /* the first axes, which only the batch moves along */
        bool others = false;
        for (uint32_t d = w->n_axis; d < w->rank; d++)
            others = others || (w->grid[d] > 1 && coef_of(op, a, d) != 0);
        if (others) break;
        elements /= w->size[a];
    }
    for (; a < w->axes; a++)
        for (uint32_t d = 0; d < w->n_axis; d++)
            if (w->grid[d] > 1 && coef_of(op, a, d) != 0) return 0;
    return elements;
}

/* Elements of the image from one k to the next. */
static int64_t stride_of_k(const struct ay_patch_view *w)
{
    uint32_t d = w->rank - 1;
    while (d > w->k_axis && w->grid[d] == 1) d--;
    return w->stride[d];
}

bool ay_patch_view_of(const struct ay_work_op *op, uint64_t n, uint64_t k,
                      struct ay_patch_view *out)
{
    bool view = op->kind == AY_WORK_OP_VIEW;
    struct ay_patch_view w = {.axes = op->view_count,
                              .rank = view ? op->grid_count : op->view_count};
    if (!numbers(op->view, op->view_count) || !numbers(op->grid, op->grid_count)) return false;
    for (uint32_t a = 0; a < w.axes; a++) w.source[a] = op->view[a];
    for (uint32_t d = 0; d < w.rank; d++) w.grid[d] = view ? op->grid[d] : op->view[op->perm[d]];
    if (!divide(&w, n, k) || !frame(op, &w)) return false;
    int64_t stride = 1;
    for (uint32_t a = w.axes; a-- > 0; stride *= (int64_t)w.size[a]) {
        w.first += ((view ? op->offsets[a] : 0) - w.low[a]) * stride;
        for (uint32_t d = 0; d < w.rank; d++) w.stride[d] += coef_of(op, a, d) * stride;
    }
    w.plane = plane(op, &w);
    w.apart = stride_of_k(&w) >= LINE;
    *out = w;
    return true;
}

/* How axes first..last - 1 of the grid move over the rows and the columns of a plane, the operand's
 * last two axes (y, x): one axis of each at most, that of the rows first, and none elsewhere. */
struct window_axes {
    uint64_t size[2];
    int64_t step[2];
};

static bool window_axes(const struct ay_work_op *op, const struct ay_patch_view *w, uint32_t first,
                        uint32_t last, struct window_axes *out)
{
    uint32_t used = 0;
    *out = (struct window_axes){{1, 1}, {1, 1}};
    for (uint32_t d = first; d < last; d++) {
        if (w->grid[d] == 1) continue;
        uint32_t moved = 0;
        for (uint32_t a = 0; a < w->axes; a++) {
            int64_t coef = coef_of(op, a, d);
            if (coef == 0) continue;
            uint32_t way = a + 2 - w->axes;
            if (a + 2 < w->axes || coef < 0 || coef > INT32_MAX || moved++ || way < used)
                return false;
            out->size[way] = w->grid[d];
            out->step[way] = coef;
            used = way + 1;
        }
        if (!moved) return false;
    }
    return true;
}

/* Whether batch b begins at plane b, axes from y on being a plane's, and none is outside. */
static bool planes_in_turn(const struct ay_work_op *op, const struct ay_patch_view *w, uint32_t y)
{
    uint64_t batch = 1; /* what one more on the axis at hand adds to the number of a batch */
    for (uint32_t d = w->n_axis; d-- > 0; batch *= w->grid[d]) {
        int64_t planes = 0, stride = 1;
        if (coef_of(op, y, d) != 0 || coef_of(op, y + 1, d) != 0) return false;
        for (uint32_t a = y; a-- > 0; stride *= (int64_t)w->source[a])
            planes += coef_of(op, a, d) * stride;
        if (w->grid[d] > 1 && planes != (int64_t)batch) return false;
    }
    for (uint32_t a = 0; a < y; a++) {
        int64_t last = 0;
        for (uint32_t d = 0; d < w->n_axis; d++)
            last += coef_of(op, a, d) * (int64_t)(w->grid[d] - 1);
        if (op->offsets[a] != 0 || last >= (int64_t)w->source[a]) return false;
    }
    return true;
}

bool ay_patch_view_stencil(const struct ay_work_op *op, const struct ay_patch_view *w,
                           struct ay_stencil *out)
{
    struct window_axes n, k;
    if (op->kind != AY_WORK_OP_VIEW || w->axes < 2 ||
        !window_axes(op, w, w->n_axis, w->k_axis, &n) ||
        !window_axes(op, w, w->k_axis, w->rank, &k))
        return false;
    uint32_t y = w->axes - 2;
    if (!planes_in_turn(op, w, y)) return false;
    for (uint32_t i = 0; i < 2; i++)
        if (op->offsets[y + i] < INT32_MIN / 2 || op->offsets[y + i] > INT32_MAX / 2) return false;
    *out = (struct ay_stencil){.height = (uint32_t)w->source[y],
                               .width = (uint32_t)w->source[y + 1],
                               .rows = (uint32_t)n.size[0],
                               .columns = (uint32_t)n.size[1],
                               .kernel_height = (uint32_t)k.size[0],
                               .kernel_width = (uint32_t)k.size[1],
                               .row_stride = (uint32_t)n.step[0],
                               .column_stride = (uint32_t)n.step[1],
                               .row_gap = (uint32_t)k.step[0],
                               .column_gap = (uint32_t)k.step[1],
                               .top = (int32_t)op->offsets[y],
                               .left = (int32_t)op->offsets[y + 1]};
    memcpy(&out->fill, &(uint32_t){(uint32_t)op->fill}, sizeof out->fill);
    return ay_stencil_fits(out);
}

/* The grid's axis from k_axis on that goes along all of the operand's axis a, one by one, alone; or
 * its rank. */
static uint32_t runs_along(const struct ay_work_op *op, const struct ay_patch_view *w, uint32_t a)
{
    uint32_t found = w->rank;
    for (uint32_t d = 0; d < w->rank; d++) {
        if (w->grid[d] == 1 || coef_of(op, a, d) == 0) continue;
        if (d < w->k_axis || found < w->rank || coef_of(op, a, d) != 1) return w->rank;
        found = d;
    }
    bool whole = found < w->rank && op->offsets[a] == 0 && w->grid[found] == w->source[a];
    for (uint32_t b = 0; whole && b < w->axes; b++) whole = b == a || coef_of(op, b, found) == 0;
    return whole ? found : w->rank;
}

bool ay_woven_view_of(const struct ay_work_op *op, uint64_t n, uint64_t k, uint32_t group,
                      struct ay_woven_view *out)
{
    struct ay_patch_view w;
    if (op->kind != AY_WORK_OP_VIEW || !ay_patch_view_of(op, n, k, &w) || w.batches != 1)
        return false;
    uint32_t a = 0, d = w.rank, view[AY_MAX_RANK], grid[AY_MAX_WORK_OP_GRID];
    while (a < w.axes && (d = runs_along(op, &w, a)) == w.rank) a++;
    if (a == w.axes) return false;
    *out = (struct ay_woven_view){
        .group = group, .channels = w.source[a], .inner = 1, .k_outer = 1, .k_inner = 1};
    for (uint32_t i = a + 1; i < w.axes; i++) out->inner *= w.source[i];
    for (uint32_t i = w.k_axis; i < d; i++) out->k_outer *= w.grid[i];
    for (uint32_t i = d + 1; i < w.rank; i++) out->k_inner *= w.grid[i];
    struct ay_work_op words = *op;
    uint64_t groups = (out->channels + group - 1) / group;
    memcpy(view, op->view, w.axes * sizeof *view);
    memcpy(grid, op->grid, w.rank * sizeof *grid);
    view[a] = grid[d] = (uint32_t)groups;
    words.view = view;
    words.grid = grid;
    return ay_patch_view_of(&words, n, out->k_outer * groups * out->k_inner, &out->shape);
}

int64_t ay_patch_view_batch(const struct ay_patch_view *w, uint64_t batch)
{
    int64_t at = w->first;
    for (uint32_t d = w->n_axis; d-- > 0; batch /= w->grid[d])
        at += w->stride[d] * (int64_t)(batch % w->grid[d]);
    return at;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void ay_patch_view_frame(const struct ay_patch_view *w, const void *source, uint32_t fill,
                         uint64_t first, uint64_t last, void *to)
{
    uint32_t inner = w->axes - 1, *out = to;
    const uint32_t *in = source;
    int64_t width = (int64_t)w->size[inner], row = (int64_t)w->source[inner];
    int64_t low = w->low[inner] < 0 ? least(-w->low[inner], width) : 0;
    int64_t high = least(row - w->low[inner], width);
    if (high < low) high = low;
    for (uint64_t r = first; r < last; r++, out += width) {
        int64_t from = w->low[inner], stride = row;
        bool inside = true;
        uint64_t rest = r;
        for (uint32_t a = inner; a-- > 0; rest /= w->size[a]) {
            int64_t at = (int64_t)(rest % w->size[a]) + w->low[a];
            inside = inside && at >= 0 && at < (int64_t)w->source[a];
            from += at * stride;
            stride *= (int64_t)w->source[a];
        }
        int64_t begin = inside ? low : width, end = inside ? high : width;
        for (int64_t i = 0; i < begin; i++) out[i] = fill;
        if (end > begin)
            memcpy(out + begin, in + from + begin, (size_t)(end - begin) * sizeof *out);
        for (int64_t i = end; i < width; i++) out[i] = fill;
    }
}

/* Places of all indices of the grid's axes from `axis` to `end` - 1, beside each other. */
static void places(const struct ay_patch_view *w, uint32_t axis, uint32_t end, int32_t *out)
{
    uint64_t n = 1;
    out[0] = 0;
    for (uint32_t d = end; d-- > axis; n *= w->grid[d])
        for (uint64_t j = 1; j < w->grid[d]; j++) {
            int32_t step = (int32_t)(w->stride[d] * (int64_t)j);
            for (uint64_t i = 0; i < n; i++) out[j * n + i] = out[i] + step;
        }
}

struct ay_patches ay_patch_view_tables(const struct ay_patch_view *w, int32_t *tables)
{
    int32_t *k_at = tables, *n_at = k_at + w->k;
    uint32_t *run = (uint32_t *)(n_at + w->n);
    places(w, w->k_axis, w->rank, k_at);
    places(w, w->n_axis, w->k_axis, n_at);
    int32_t step = w->n > 1 ? n_at[1] - n_at[0] : 1;
    if (step != 2) step = 1;
    run[w->n - 1] = 1;
    for (uint64_t j = w->n - 1; j-- > 0;)
        run[j] = n_at[j + 1] - n_at[j] == step ? run[j + 1] + 1 : 1;
    return (struct ay_patches){.k_at = k_at,
                               .n_at = n_at,
                               .run = run,
                               .k = (uint32_t)w->k,
                               .step = (uint32_t)step,
                               .apart = w->apart};
}
