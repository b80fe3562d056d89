/* Steps over patches: a MATMUL or REDUCE reads the image that its VIEW reads, the VIEW itself being
 * never stored; MAPs of the product follow while its tile is in the cache. */
#include "tensor/tiles_impl.h"

#include <string.h>

/* K of a packed block at a time: with the block's columns half of a second-level cache. */
#define K_WHOLE 384u
#define K_BLOCK 256u
/* Rows of a tile that MAPs follow on before the next ones: they stay in the first-level cache. */
#define MAP_ROWS 32u
/* Columns that follow one another, at most, for rows of the image to go together. */
#define SHORT_RUN 16u
/* Elements of a frame that an item of its loop makes. */
#define FRAME_ITEM 16384u

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void frame_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct ay_tiles *t = context;
    uint64_t width = t->shape.size[t->shape.axes - 1], rows = t->shape.elements / width;
    uint64_t each = FRAME_ITEM / width + 1, first = index * each;
    ay_patch_view_frame(&t->shape, t->source, (uint32_t)t->view->fill, first,
                        min(rows, first + each), (float *)t->exec->image.at + first * width);
}

/* The patches of a batch, whose own part of the frame is made now where there is no common one. */
static struct ay_patches patches_of(const struct ay_tiles *t, uint32_t batch,
                                    struct ay_exec_thread *thread)
{
    struct ay_patches p = t->patches;
    int64_t first = ay_patch_view_batch(&t->shape, t->fixed ? 0 : batch);
    if (t->framed_apart) {
        uint64_t width = t->shape.size[t->shape.axes - 1], plane = t->shape.plane;
        uint64_t begin = (uint64_t)first / plane * plane;
        ay_patch_view_frame(&t->shape, t->source, (uint32_t)t->view->fill, begin / width,
                            (begin + plane) / width, thread->frame.at);
        p.image = (const float *)thread->frame.at + ((uint64_t)first - begin);
    } else {
        p.image += first;
    }
    return p;
}

/* Rows of an image that are short beside a vector go as one, with what the frame has between them;
 * what belongs to columns is then moved together. */
static void chain_across(const struct ay_tiles *t, const struct ay_patches *w, const float *a,
                         float *whole, float *out)
{
    const int32_t zero = 0;
    struct ay_patches across = *w;
    across.n_at = &zero;
    across.run = &t->across;
    t->exec->kernels->chain_patches(&across, a, 0, t->across, whole);
    for (uint32_t n = 0; n < t->n; n += w->run[n]) {
        const float *from = whole + w->n_at[n];
        if (w->run[n] <= SHORT_RUN && n + SHORT_RUN <= t->n)
            memcpy(out + n, from, SHORT_RUN * sizeof *out); /* the rest is overwritten next */
        else
            memcpy(out + n, from, w->run[n] * sizeof *out);
    }
}

static void multiply_direct(const struct ay_tiles *t, const struct ay_patches *w,
                            const struct ay_tiles_region *r, struct ay_exec_thread *thread)
{
    const float *a = t->a + r->batch * t->a_batch;
    float *c = t->out + (size_t)r->batch * t->m * t->n;
    for (size_t m = r->m0; m < r->m1; m++)
        if (t->across)
            chain_across(t, w, a + m * w->k, thread->packed.at, c + m * t->n);
        else
            t->exec->kernels->chain_patches(w, a + m * w->k, r->n0, r->n1, c + m * t->n + r->n0);
}

/* The product, and with its last block of K the MAPs, some rows at a time. */
static void multiply_packed(const struct ay_tiles *t, const struct ay_patches *w,
                            const struct ay_tiles_region *r, struct ay_exec_thread *thread)
{
    const struct ay_kernels *k = t->exec->kernels;
    struct ay_affine room;
    const struct ay_affine *affine = ay_tiles_taken(t, r, thread, &room);
    for (uint32_t k0 = 0, k1; k0 < w->k; k0 = k1) {
        k1 = w->k - k0 <= K_WHOLE ? w->k : k0 + K_BLOCK;
        k->pack_patches(w, k0, k1, r->n0, r->n1, thread->packed.at);
        struct ay_gemm g = {.a = t->a + r->batch * t->a_batch + (size_t)r->m0 * w->k + k0,
                            .b = thread->packed.at,
                            .c = t->out + ((size_t)r->batch * t->m + r->m0) * t->n + r->n0,
                            .lda = w->k,
                            .ldc = t->n,
                            .m = r->m1 - r->m0,
                            .n = r->n1 - r->n0,
                            .k = k1 - k0,
                            .resume = k0 > 0,
                            .a_from_memory = true};
        if (k1 == w->k) g.affine = affine;
        bool maps = k1 == w->k && ay_tiles_left(t);
        for (uint32_t m = 0, rows; m < g.m; m += rows) {
            rows = maps ? (uint32_t)min(MAP_ROWS, g.m - m) : g.m;
            k->gemm(&g, m, m + rows, 0, g.n);
            struct ay_tiles_region done = {r->batch, r->m0 + m, r->m0 + m + rows, r->n0, r->n1};
            if (maps) ay_tiles_map_region(t, &done, thread);
        }
    }
}

/* The product with filters, and after each panel of them the MAPs. */
static void multiply_filters(const struct ay_tiles *t, const struct ay_patches *w,
                             const struct ay_tiles_region *r, struct ay_exec_thread *thread)
{
    const struct ay_kernels *k = t->exec->kernels;
    struct ay_filter_gemm g = {.patches = w,
                               .filters = t->filters,
                               .c = t->out + (size_t)r->batch * t->m * t->n,
                               .ldc = t->n,
                               .m = t->m,
                               .affine = t->taken > 0 ? &t->follows : NULL};
    struct ay_tiles_region done = *r;
    uint32_t step = ay_tiles_left(t) ? k->filters : t->cut.rows;
    const float *columns = w->image + w->n_at[r->n0];
    for (; done.m0 < r->m1; done.m0 = done.m1) {
        done.m1 = (uint32_t)min(r->m1, done.m0 + step);
        g.laid = thread->packed_of == columns;
        k->gemm_filters(&g, done.m0, done.m1, r->n0, r->n1, thread->packed.at);
        thread->packed_of = columns;
        ay_tiles_map_region(t, &done, thread);
    }
}

static void run_tile(const struct ay_tiles *t, const struct ay_tiles_region *r,
                     struct ay_exec_thread *thread)
{
    const struct ay_kernels *k = t->exec->kernels;
    struct ay_patches w = patches_of(t, r->batch, thread);
    float *out = t->out + (size_t)r->batch * t->n + r->n0;
    if (t->op->kind == AY_WORK_OP_REDUCE && t->op->reduce == AY_WORK_REDUCE_SUM) {
        k->sum_patches(&w, r->n0, r->n1, out);
    } else if (t->op->kind == AY_WORK_OP_REDUCE) {
        k->max_patches(&w, r->n0, r->n1, out);
    } else if (t->filters) {
        multiply_filters(t, &w, r, thread);
    } else if (t->m <= AY_DIRECT_ROWS) {
        multiply_direct(t, &w, r, thread);
        ay_tiles_map_region(t, r, thread);
    } else {
        multiply_packed(t, &w, r, thread);
    }
}

static void tile_item(void *context, size_t index, uint32_t thread)
{
    const struct ay_tiles *t = context;
    const struct ay_cut_place at = ay_cut_place(&t->cut, (uint32_t)index);
    struct ay_tiles_region r = {.batch = at.batch, .m0 = at.row, .n0 = at.column};
    r.m1 = (uint32_t)min(t->m, r.m0 + t->cut.rows);
    r.n1 = (uint32_t)min(t->n, r.n0 + t->cut.columns);
    uint32_t end = (uint32_t)min(t->batches, r.batch + t->cut.group);
    if (t->planes)
        ay_tiles_run_planes(t, r.batch, end, &t->exec->threads[thread]);
    else
        for (; r.batch < end; r.batch++) run_tile(t, &r, &t->exec->threads[thread]);
}

/* Whether rows of the image go together. */
static void find_across(struct ay_tiles *t)
{
    const int32_t *n_at = t->patches.n_at;
    if (t->m > AY_DIRECT_ROWS || t->cut.column_blocks != 1 || t->patches.step != 1 ||
        t->patches.run[0] > SHORT_RUN)
        return;
    for (uint32_t j = 1; j < t->n; j++)
        if (n_at[j] < n_at[j - 1]) return;
    int64_t across = (int64_t)n_at[t->n - 1] + 1;
    if (across > 0 && across <= 2 * (int64_t)t->n) t->across = (uint32_t)across;
}

/* The tables of places, and how the work is cut. */
static enum ay_code lay_out(struct ay_tiles *t)
{
    const struct ay_kernels *k = t->exec->kernels;
    struct ay_cut_shape s = {.batches = t->batches,
                             .m = t->m,
                             .n = t->n,
                             .k = (uint32_t)t->shape.k,
                             .panel = t->filters ? k->filters : k->panel,
                             .threads = ay_pool_threads(t->exec->pool)};
    t->laid = t->filters && t->shape.apart && k->lays_apart;
    t->cut = t->filters ? ay_cut_filters(&s, t->laid) : ay_cut_columns(&s, t->planes);
    if (t->planes) return AY_OK;
    AY_TRY(ay_exec_patches(t->exec, &t->shape, &t->patches));
    find_across(t);
    return AY_OK;
}

/* What the step is about in that run. */
static struct ay_tiles tiles_of(struct ay_exec *exec, uint32_t run)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_program *p = exec->program;
    const struct ay_work_op *view = &p->ops[order[0]], *op = &p->ops[order[1]];
    const uint32_t *dims = view->dims + view->dims_count;
    struct ay_tiles t = {.exec = exec, .view = view, .op = op, .run = run, .m = 1};
    bool product = op->kind == AY_WORK_OP_MATMUL;
    bool known = ay_patch_view_of(view, product ? dims[-2] : 0, dims[-1], &t.shape);
    AY_ASSERT(known);
    t.n = (uint32_t)t.shape.n;
    t.batches = (uint32_t)t.shape.batches;
    t.source = ay_exec_base(exec, view->in[0], run);
    t.out = ay_exec_base(exec, ay_program_output(p, order[exec->step->count - 1]), run);
    if (!product) return t;
    t.fixed = view->dims_count == 2;
    t.m = op->dims[op->dims_count - 2];
    t.batches = 1;
    for (uint32_t d = 0; d + 2 < op->dims_count; d++) t.batches *= op->dims[d];
    t.a = ay_exec_base(exec, op->in[0], run);
    t.a_batch = (size_t)t.m * t.shape.k;
    t.filters = ay_exec_packed(exec, op);
    return t;
}

static enum ay_code run_tiles(struct ay_exec *exec, uint32_t run)
{
    struct ay_tiles t = tiles_of(exec, run);
    bool planes = ay_tiles_find_planes(&t);
    AY_TRY(lay_out(&t));
    if (t.op->kind == AY_WORK_OP_MATMUL && (planes || t.m > AY_DIRECT_ROWS || t.filters))
        ay_tiles_find_follows(&t);
    bool framed = t.shape.framed && !planes;
    t.framed_apart = framed && t.shape.plane > 0 && t.cut.column_blocks * t.cut.row_blocks == 1;
    t.patches.image = t.source;
    if (framed && !t.framed_apart) {
        AY_TRY(ay_room_reserve(&exec->image, t.shape.elements * sizeof(float)));
        t.patches.image = exec->image.at;
        uint64_t width = t.shape.size[t.shape.axes - 1], each = FRAME_ITEM / width + 1;
        ay_pool_run(exec->pool, (t.shape.elements / width + each - 1) / each, frame_item, &t);
    }
    size_t packed = t.across;
    if (t.filters)
        packed =
            ay_filter_room(exec->kernels->filters, t.cut.columns, t.laid ? (uint32_t)t.shape.k : 0);
    else if (t.m > AY_DIRECT_ROWS)
        packed = ay_packed_floats(exec->kernels->panel, t.cut.columns,
                                  (uint32_t)min(t.shape.k, K_WHOLE));
    for (uint32_t i = 0; i < ay_pool_threads(exec->pool); i++) {
        AY_TRY(ay_room_reserve(&exec->threads[i].packed, packed * sizeof(float)));
        exec->threads[i].packed_of = NULL;
        AY_TRY(ay_room_reserve(&exec->threads[i].scratch, AY_MAP_TEMP_BYTES));
        size_t plane = t.framed_apart ? t.shape.plane : 0;
        AY_TRY(ay_room_reserve(&exec->threads[i].frame, plane * sizeof(float)));
    }
    ay_pool_run(exec->pool, ay_cut_items(&t.cut, t.batches), tile_item, &t);
    return AY_OK;
}

enum ay_code ay_exec_tiles(struct ay_exec *exec)
{
    for (uint32_t r = 0; r < exec->run_count; r++) AY_TRY(run_tiles(exec, r));
    return AY_OK;
}
