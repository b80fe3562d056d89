/* Windows over planes: batches of patches each of which is a plane's, without tables. */
#include "tensor/tiles_impl.h"

#include <string.h>

static void skip_rows(struct ay_per_row *p, size_t rows)
{
    if (p->at) p->at += rows * p->step;
}

/* What follows over batch i, from column n on. */
static struct ay_affine plane_affine(const struct ay_tiles *t, size_t i, size_t n)
{
    struct ay_affine a = t->follows;
    skip_rows(&a.scale, i);
    skip_rows(&a.shift, i);
    if (a.twice) {
        skip_rows(&a.scale_again, i);
        skip_rows(&a.shift_again, i);
    }
    if (a.add) {
        a.add += i * a.add_step + n;
        skip_rows(&a.add_scale, i);
        skip_rows(&a.add_shift, i);
    }
    return a;
}

/* All windows over the batch's planes. */
static void run_batch(const struct ay_tiles *t, uint32_t i)
{
    const struct ay_kernels *k = t->exec->kernels;
    const struct ay_stencil *s = &t->stencil;
    const size_t size = (size_t)s->height * s->width, columns = (size_t)s->rows * s->columns;
    const float *plane = t->source + (size_t)i * t->planes * size;
    float *out = t->out + (size_t)i * t->n;
    for (size_t n = 0; n < t->n; n += columns, plane += size) {
        struct ay_affine follows;
        if (t->taken > 0) follows = plane_affine(t, i, n);
        if (t->op->kind == AY_WORK_OP_MATMUL)
            k->chain_stencil(s, plane, t->a + i * t->a_batch, t->taken > 0 ? &follows : NULL,
                             out + n);
        else if (t->op->reduce == AY_WORK_REDUCE_MAX)
            k->max_stencil(s, plane, out + n);
        else
            k->sum_stencil(s, plane, out + n);
    }
}

/* The one MAP that follows, over batches first..end - 1. */
static void map_planes(const struct ay_tiles *t, uint32_t first, uint32_t end,
                       struct ay_exec_thread *thread)
{
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
    const struct ay_work_op *map = ay_tiles_map(t, 2);
    memcpy(operands, t->operands, sizeof operands);
    for (uint32_t k = 0; k < map->in_count; k++) operands[k].at += first * operands[k].stride;
    const struct ay_map_over over = {map, t->exec->runs[t->run].sizes, operands, t->taken, t->made};
    ay_map_rows(t->exec->kernels, &over, end - first, t->n, t->out + (size_t)first * t->n, t->n,
                thread->scratch.at);
}

void ay_tiles_run_planes(const struct ay_tiles *t, uint32_t first, uint32_t end,
                         struct ay_exec_thread *thread)
{
    for (uint32_t i = first; i < end; i++) run_batch(t, i);
    if (t->op->kind == AY_WORK_OP_REDUCE || !ay_tiles_left(t)) return;
    if (t->even) {
        map_planes(t, first, end, thread);
        return;
    }
    for (struct ay_tiles_region r = {first, 0, 1, 0, t->n}; r.batch < end; r.batch++)
        ay_tiles_map_region(t, &r, thread);
}

/* Whether there is a kernel for what is made of such windows. */
static bool is_made(const struct ay_work_op *op, const struct ay_stencil *s)
{
    bool small = s->kernel_width == s->kernel_height && s->kernel_width / 2 == 1;
    if (op->kind == AY_WORK_OP_REDUCE && op->reduce == AY_WORK_REDUCE_MAX) return true;
    return s->column_stride <= 2 &&
           (op->kind == AY_WORK_OP_MATMUL || (op->reduce == AY_WORK_REDUCE_SUM && small));
}

/* How many columns the last axes of the grid that the columns go along have: a plane's windows. */
static uint64_t plane_columns(const struct ay_patch_view *w)
{
    uint64_t n = 1;
    for (uint32_t d = w->k_axis, axes = 2; d > 0 && axes > 0; axes -= w->grid[d] > 1)
        n *= w->grid[--d];
    return n;
}

bool ay_tiles_find_planes(struct ay_tiles *t)
{
    struct ay_patch_view w = t->shape;
    const uint64_t n = plane_columns(&w);
    if (t->m != 1 || t->fixed || t->filters) return false;
    if (n < w.n && !ay_patch_view_of(t->view, n, w.k, &w)) w = t->shape;
    if (w.batches > UINT32_MAX || !ay_patch_view_stencil(t->view, &w, &t->stencil) ||
        !is_made(t->op, &t->stencil))
        return false;
    bool reduces = t->op->kind == AY_WORK_OP_REDUCE; /* then nothing is a batch's own */
    uint32_t batches = reduces ? (uint32_t)w.batches : t->batches;
    if (batches < 2 * ay_pool_threads(t->exec->pool)) return false;
    t->planes = (uint32_t)(w.batches / batches);
    if (!reduces) return true;
    t->shape = w;
    t->n = (uint32_t)w.n;
    t->batches = batches;
    return true;
}
