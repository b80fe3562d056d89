/* Steps of a product of bytes whose second operand is patches of an image, as of an integer
 * convolution: the VIEW is never stored. Sums of integers are exact in any order, so that the
 * channels of the image are woven into words of neighbours, as the kernels multiply them, and
 * panels are packed from the image of words. */
#include "tensor/exec_impl.h"
#include "tensor/finish.h"

#include <string.h>

/* Multiply-adds that an item of the pool's loop should be worth. */
#define ITEM_WORK (1u << 20)

struct woven {
    const struct ay_exec *exec;
    const struct ay_work_op *view_op;
    struct ay_woven_view view;
    const uint8_t *image; /* elements */
    bool a_signed, b_signed;
    uint32_t m, k;   /* k: elements of a row of A */
    uint64_t source; /* words of the image without its frame */
    uint32_t *words; /* the image's */
    const uint32_t *a_words;
    const int32_t *a_add;
    int32_t *c;
    bool finished; /* `finish` follows, and sums are not stored */
    struct ay_finish finish;
    struct ay_patches patches;
    uint32_t columns, rows, row_blocks; /* of an item */
};

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static struct woven woven_of(const struct ay_exec *exec, const struct ay_work_op *op)
{
    const struct ay_work_program *p = exec->program;
    const struct ay_work_op *view = &p->ops[op->in[1] - ay_program_output(p, 0)];
    const uint32_t *dims = op->dims + op->dims_count;
    struct woven t = {
        .exec = exec, .view_op = view, .m = dims[-2], .k = view->dims[view->dims_count - 1]};
    bool known = ay_woven_view_of(view, dims[-1], t.k, exec->integers->group, &t.view);
    AY_ASSERT(known);
    t.a_signed = exec->plan.places[op->in[0]].dtype == AY_WORK_DTYPE_I8;
    t.b_signed = exec->plan.places[op->in[1]].dtype == AY_WORK_DTYPE_I8;
    return t;
}

/* A in the making. */
struct rows {
    const struct woven *t;
    const uint8_t *a;
    uint32_t *words; /* (m, shape.k), */
    int32_t *add;    /* and (m) what `row` returns */
};

/* Row `index` of A, its elements put in the order of the image's words. */
static void row_item(void *context, size_t index, uint32_t thread)
{
    const struct rows *rows = context;
    const struct woven *t = rows->t;
    const struct ay_woven_view *v = &t->view;
    const uint8_t *from = rows->a + index * t->k;
    uint8_t *row = t->exec->threads[thread].scratch.at, *to = row;
    for (uint64_t o = 0; o < v->k_outer; o++)
        for (uint64_t c = 0; c < v->channels; c += v->group)
            for (uint64_t i = 0; i < v->k_inner; i++)
                for (uint64_t g = 0; g < v->group; g++)
                    *to++ =
                        c + g < v->channels ? from[(o * v->channels + c + g) * v->k_inner + i] : 0;
    uint32_t k = (uint32_t)v->shape.k * v->group;
    rows->add[index] =
        t->exec->integers->row(row, t->a_signed, t->b_signed, k, rows->words + index * v->shape.k);
}

size_t ay_woven_pack_bytes(const struct ay_exec *exec, const struct ay_work_op *op)
{
    struct woven t = woven_of(exec, op);
    return t.m * (t.view.shape.k + 1) * sizeof(uint32_t);
}

enum ay_code ay_woven_pack(struct ay_exec *exec, const struct ay_work_op *op, const void *a,
                           void *out)
{
    struct woven t = woven_of(exec, op);
    struct rows rows = {&t, a, out, (int32_t *)out + t.m * t.view.shape.k};
    for (uint32_t i = 0; i < ay_pool_threads(exec->pool); i++)
        AY_TRY(ay_room_reserve(&exec->threads[i].scratch, t.view.shape.k * t.view.group));
    ay_pool_run(exec->pool, t.m, row_item, &rows);
    return AY_OK;
}

/* The words of one group of channels. */
static void weave_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct woven *t = context;
    const struct ay_woven_view *v = &t->view;
    uint64_t groups = (v->channels + v->group - 1) / v->group, c = index % groups * v->group;
    const uint8_t *from = t->image + (index / groups * v->channels + c) * v->inner;
    t->exec->integers->weave(from, v->inner, least(v->group, v->channels - c), t->b_signed,
                             v->inner, t->words + index * v->inner);
}

static void tile_item(void *context, size_t index, uint32_t thread)
{
    const struct woven *t = context;
    const struct ay_int_kernels *k = t->exec->integers;
    uint32_t words = (uint32_t)t->view.shape.k, n = (uint32_t)t->view.shape.n;
    uint32_t m0 = (uint32_t)(index % t->row_blocks) * t->rows;
    uint32_t n0 = (uint32_t)(index / t->row_blocks) * t->columns;
    uint32_t end = least(n, n0 + t->columns);
    void *panel = t->exec->threads[thread].packed.at;
    int32_t *sums = t->exec->threads[thread].scratch.at;
    for (uint32_t n1; n0 < end; n0 = n1) {
        n1 = least(end, n0 + k->panel);
        k->pack_woven(&t->patches, n0, n1, panel);
        uint32_t last = least(t->m, m0 + t->rows);
        for (uint32_t m = m0, m1; m < last; m = m1) {
            m1 = t->finished ? least(last, m + AY_FINISH_ROWS) : last;
            struct ay_int_gemm g = {.a = t->a_words + (size_t)m * words,
                                    .a_add = t->a_add + m,
                                    .b = panel,
                                    .c = t->finished ? sums : t->c + (size_t)m * n + n0,
                                    .lda = words,
                                    .ldc = t->finished ? k->panel : n,
                                    .m = m1 - m,
                                    .n = n1 - n0,
                                    .k = words * t->view.group,
                                    .a_signed = t->a_signed,
                                    .b_signed = t->b_signed};
            k->gemm(&g, 0, g.n);
            if (t->finished) ay_finish_tile(&t->finish, sums, k->panel, m, m1 - m, n0, g.n);
        }
    }
}

/* Columns of an item: whole panels, for all threads; rows are divided where panels are too few. */
static void divide(struct woven *t)
{
    uint32_t panel = t->exec->integers->panel, threads = ay_pool_threads(t->exec->pool);
    uint32_t panels = (uint32_t)((t->view.shape.n + panel - 1) / panel);
    uint64_t work = (uint64_t)t->m * t->k * panel;
    uint32_t each = least(ITEM_WORK / work + 1, panels);
    if (panels > threads && each > panels / threads) each = panels / threads;
    t->columns = each * panel;
    uint32_t parts = panels < threads ? (threads + panels - 1) / panels : 1;
    t->rows = (t->m + parts - 1) / parts;
    t->row_blocks = (t->m + t->rows - 1) / t->rows;
}

/* The image of words, in its frame. */
static void make_image(struct woven *t)
{
    const struct ay_patch_view *w = &t->view.shape;
    const uint32_t *image = t->words;
    ay_pool_run(t->exec->pool, t->source / t->view.inner, weave_item, t);
    if (w->framed) {
        uint8_t bytes[sizeof(uint32_t)];
        uint32_t fill, *frame = t->words + t->source;
        memset(bytes, (int)(t->view_op->fill & 0xff), sizeof bytes);
        t->exec->integers->weave(bytes, 1, t->view.group, t->b_signed, 1, &fill);
        ay_patch_view_frame(w, image, fill, 0, w->elements / w->size[w->axes - 1], frame);
        image = frame;
    }
    t->patches.image = (const float *)(const void *)(image + ay_patch_view_batch(w, 0));
}

static enum ay_code run_woven(struct ay_exec *exec, uint32_t run)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_op *op = &exec->program->ops[order[1]];
    struct woven t = woven_of(exec, op);
    const struct ay_patch_view *w = &t.view.shape;
    t.image = ay_exec_base(exec, t.view_op->in[0], run);
    t.finished = ay_finish_of(exec, run, 1, &t.finish);
    if (!t.finished) t.c = ay_exec_base(exec, ay_program_output(exec->program, order[1]), run);
    t.source = 1;
    for (uint32_t a = 0; a < w->axes; a++) t.source *= w->source[a];
    const void *packed = ay_exec_packed(exec, op);
    size_t a_bytes = packed ? 0 : ay_woven_pack_bytes(exec, op);
    AY_TRY(ay_room_reserve(&exec->tables, a_bytes));
    AY_TRY(ay_room_reserve(&exec->image, (t.source + w->elements) * sizeof(uint32_t)));
    for (uint32_t i = 0; i < ay_pool_threads(exec->pool); i++) {
        AY_TRY(ay_room_reserve(&exec->threads[i].packed,
                               (w->k + 1) * exec->integers->panel * sizeof(uint32_t)));
        AY_TRY(ay_room_reserve(&exec->threads[i].scratch,
                               AY_FINISH_ROWS * exec->integers->panel * sizeof(int32_t)));
    }
    if (!packed) {
        packed = exec->tables.at;
        AY_TRY(ay_woven_pack(exec, op, ay_exec_base(exec, op->in[0], run), exec->tables.at));
    }
    t.a_words = packed;
    t.a_add = (const int32_t *)(t.a_words + t.m * w->k);
    AY_TRY(ay_exec_patches(exec, w, &t.patches));
    t.words = exec->image.at;
    make_image(&t);
    divide(&t);
    size_t blocks = (w->n + t.columns - 1) / t.columns;
    ay_pool_run(exec->pool, blocks * t.row_blocks, tile_item, &t);
    return AY_OK;
}

enum ay_code ay_exec_woven(struct ay_exec *exec)
{
    for (uint32_t r = 0; r < exec->run_count; r++) AY_TRY(run_woven(exec, r));
    return AY_OK;
}
