/* Steps that go row by row: a thread takes some rows through all ops of the step. */
#include "tensor/exec_impl.h"

/* Scratch that one thread's rows may take, f32: most of a second-level cache. */
#define SCRATCH_TARGET 98304u
#define MIN_PIECE      8u
/* Elements of a second operand that make it worth while to share its columns out. */
#define SHARED_OPERAND (1u << 17)
#define MAX_PIECE      128u
/* A step of less work, counted as multiply-adds, is not worth the pool. */
#define POOL_WORK (1u << 18)
#define MAP_WORK  8u /* a step of a MAP for one element */

static uint32_t width_of(const struct ay_place *place, const uint32_t *sizes)
{
    return ay_dim_resolve(place->shape[place->axis[place->rank - 1]], sizes);
}

/* Elements from one index of the value's axis to the next; 0 where it broadcasts. */
static size_t stride_of(const struct ay_place *place, uint32_t axis, const uint32_t *sizes)
{
    size_t stride = 1;
    if (place->shape[place->axis[axis]] == 1) return 0;
    for (uint32_t i = place->axis[axis] + 1; i < place->rank; i++)
        stride *= i + 1 == place->rank && place->row > 0 ? place->row
                                                         : ay_dim_resolve(place->shape[i], sizes);
    return stride;
}

/* The same between rows, where those of all batches are one matrix. */
static size_t merged_stride(const struct ay_place *place, const uint32_t *sizes)
{
    for (uint32_t i = 0; i + 1 < place->rank; i++)
        if (place->shape[i] != 1) return place->row > 0 ? place->row : width_of(place, sizes);
    return 0;
}

/* Elements of a value before the item's batch; its axes stand right-aligned under those of the op,
 * of which all but the last two are batch. */
static size_t batch_offset(const struct ay_row_item *item, const struct ay_work_op *op,
                           const struct ay_place *place)
{
    size_t offset = 0, rest = item->batch;
    uint32_t missing = op->dims_count - place->rank;
    for (uint32_t d = op->dims_count > 2 ? op->dims_count - 2 : 0; d-- > 0;) {
        uint32_t size = ay_dim_resolve(op->dims[d], item->sizes);
        if (d >= missing) offset += rest % size * stride_of(place, d - missing, item->sizes);
        rest /= size;
    }
    return offset;
}

/* Elements of scratch before that slot, each aligned to 64 bytes. */
static size_t slot_offset(const struct ay_exec *exec, const uint32_t *sizes, uint32_t slot,
                          size_t rows)
{
    const struct ay_step *step = exec->step;
    size_t at = 0;
    for (uint32_t i = 0; i < slot; i++) {
        size_t width = ay_dim_resolve(exec->plan.scratch[step->slot_first + i], sizes);
        at += (width * rows + 15) / 16 * 16;
    }
    return at;
}

struct ay_rows ay_rows_of(const struct ay_row_item *item, const struct ay_work_op *op, uint32_t id)
{
    const struct ay_exec *exec = item->exec;
    const struct ay_place *place = &exec->plan.places[id];
    const struct ay_place *owner = &exec->plan.places[place->owner];
    uint32_t width = width_of(place, item->sizes);
    if (owner->home == AY_HOME_SCRATCH)
        return (struct ay_rows){(float *)item->thread->scratch.at + place->offset +
                                    slot_offset(exec, item->sizes, owner->slot, item->rows),
                                place->row > 0 ? place->row : width, width};
    float *base = ay_exec_base(exec, id, item->run);
    if (exec->step->flat) {
        size_t stride = place->home == AY_HOME_WEIGHT ? 0 : width;
        return (struct ay_rows){base + item->row * stride, stride, width};
    }
    if (exec->step->merged) {
        size_t stride = merged_stride(place, item->sizes);
        return (struct ay_rows){base + item->row * stride, stride, width};
    }
    size_t stride =
        op->dims_count > 1 && place->rank > 1 ? stride_of(place, place->rank - 2, item->sizes) : 0;
    return (struct ay_rows){base + batch_offset(item, op, place) + item->row * stride, stride,
                            width};
}

/* The second operand as the kernel wants it: packed for good, lying k-major already, or packed now
 * unless the item before did. */
static const float *second_operand(const struct ay_row_item *item, uint32_t index,
                                   struct ay_gemm *g)
{
    struct ay_exec *exec = item->exec;
    const struct ay_work_op *op = &exec->program->ops[index];
    const struct ay_place *b = &exec->plan.places[op->in[1]];
    const float *packed = ay_exec_packed(exec, op);
    if (packed) return packed;
    const float *at = ay_exec_base(exec, op->in[1], item->run);
    if (b->rank > 2) at += batch_offset(item, op, b);
    size_t n_stride = stride_of(b, b->rank - 2, item->sizes);
    size_t k_stride = stride_of(b, b->rank - 1, item->sizes);
    if (b->axis[b->rank - 1] + 1 != b->rank) {
        AY_ASSERT(n_stride <= 1);
        g->ldb = k_stride ? k_stride : g->n;
        return at;
    }
    struct ay_exec_thread *thread = item->thread;
    if (thread->packed_of != at || thread->packed_op != index)
        exec->kernels->pack(at, n_stride ? n_stride : g->k, g->n, g->k, thread->packed.at);
    thread->packed_of = at;
    thread->packed_op = index;
    return thread->packed.at;
}

/* Columns of a product, whole panels an item of the pool's loop. */
struct column_share {
    const struct ay_exec *exec;
    const struct ay_gemm *gemm; /* or */
    const struct ay_q8_gemm *gemm_q8;
    uint32_t n, each;
};

static void share_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct column_share *s = context;
    uint32_t n0 = (uint32_t)index * s->each, n1 = s->n - n0 < s->each ? s->n : n0 + s->each;
    if (s->gemm)
        s->exec->kernels->gemm(s->gemm, 0, s->gemm->m, n0, n1);
    else
        s->exec->integers->gemm_q8(s->gemm_q8, n0, n1);
}

/* All columns by this thread, or, where the item is the only one, by all. */
static void run_product(const struct ay_row_item *item, struct column_share s, uint32_t k,
                        uint32_t panel)
{
    uint32_t threads = ay_pool_threads(s.exec->pool), panels = (s.n + panel - 1) / panel;
    bool shared = item->only && (uint64_t)s.n * k >= SHARED_OPERAND;
    s.each = (shared ? (panels + threads - 1) / threads : panels) * panel;
    if (shared)
        ay_pool_run(s.exec->pool, (s.n + s.each - 1) / s.each, share_item, &s);
    else
        share_item(&s, 0, 0);
}

static void run_matmul(const struct ay_row_item *item, uint32_t index, struct ay_rows out)
{
    const struct ay_work_op *op = &item->exec->program->ops[index];
    struct ay_rows a = ay_rows_of(item, op, op->in[0]);
    struct ay_gemm g = {.a = a.at,
                        .c = out.at,
                        .lda = a.stride,
                        .ldc = out.stride,
                        .m = item->rows,
                        .n = out.width,
                        .k = a.width};
    g.b = second_operand(item, index, &g);
    run_product(item, (struct column_share){.exec = item->exec, .gemm = &g, .n = g.n}, g.k,
                item->exec->kernels->panel);
}

/* The weights and their scales as the kernel wants them: packed for good, or packed now unless the
 * item before did. */
static const void *second_operand_q8(const struct ay_row_item *item, uint32_t index, uint32_t n,
                                     uint32_t k)
{
    struct ay_exec *exec = item->exec;
    const struct ay_work_op *op = &exec->program->ops[index];
    struct ay_exec_thread *thread = item->thread;
    const void *packed = ay_exec_packed(exec, op);
    if (packed) return packed;
    const void *w = ay_exec_base(exec, op->in[1], item->run);
    if (thread->packed_of != w || thread->packed_op != index)
        ay_product_pack(exec, op, w, ay_exec_base(exec, op->in[2], item->run), n, k,
                        thread->packed.at);
    thread->packed_of = w;
    thread->packed_op = index;
    return thread->packed.at;
}

static size_t blocks_of(uint32_t k)
{
    return ((size_t)k + AY_INT_Q8_BLOCK - 1) / AY_INT_Q8_BLOCK;
}

/* Rows are quantised once for all products that read them. */
static void run_matmul_q8(const struct ay_row_item *item, uint32_t index, struct ay_rows out)
{
    const struct ay_int_kernels *kernels = item->exec->integers;
    const struct ay_work_op *op = &item->exec->program->ops[index];
    struct ay_rows a = ay_rows_of(item, op, op->in[0]);
    size_t words = ay_q8_words(kernels, a.width), blocks = blocks_of(a.width);
    uint32_t *row = item->thread->words.at;
    float *scale = (float *)(void *)(row + item->rows * words);
    for (uint32_t r = 0; item->thread->words_of != op->in[0] && r < item->rows; r++)
        kernels->row_q8(a.at + r * a.stride, a.width, row + r * words, scale + r * blocks);
    item->thread->words_of = op->in[0];
    struct ay_q8_gemm g = {.a = row,
                           .scale = scale,
                           .b = second_operand_q8(item, index, out.width, a.width),
                           .c = out.at,
                           .lda = words,
                           .ldc = out.stride,
                           .m = item->rows,
                           .n = out.width,
                           .k = a.width};
    run_product(item, (struct column_share){.exec = item->exec, .gemm_q8 = &g, .n = g.n}, g.k,
                kernels->panel);
}

static void run_map(const struct ay_row_item *item, uint32_t index, struct ay_rows out)
{
    const struct ay_work_op *op = &item->exec->program->ops[index];
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
    for (uint32_t i = 0; i < op->in_count; i++) {
        struct ay_rows in = ay_rows_of(item, op, op->in[i]);
        operands[i] = (struct ay_map_operand){in.at, in.stride, in.width == 1};
    }
    const struct ay_step *step = item->exec->step;
    float *temp = (float *)item->thread->scratch.at +
                  slot_offset(item->exec, item->sizes, step->slot_count, item->rows);
    const struct ay_map_over over = {.op = op, .sizes = item->sizes, .operands = operands};
    ay_map_rows(item->exec->kernels, &over, item->rows, out.width, out.at, out.stride, temp);
}

static void run_reduce(const struct ay_row_item *item, uint32_t index, struct ay_rows out)
{
    const struct ay_work_op *op = &item->exec->program->ops[index];
    const struct ay_kernels *k = item->exec->kernels;
    ay_reduce *reduce = op->reduce == AY_WORK_REDUCE_SUM     ? k->sum
                        : op->reduce == AY_WORK_REDUCE_SUMSQ ? k->sumsq
                                                             : k->max;
    struct ay_rows in = ay_rows_of(item, op, op->in[0]);
    for (uint32_t r = 0; r < item->rows; r++)
        out.at[r * out.stride] = reduce(in.at + r * in.stride, in.width);
}

/* The ops of a form, of which `order` has the first: what is between them is made by none. */
static void run_form(const struct ay_row_item *item, const uint32_t *order,
                     const struct ay_form *form)
{
    const struct ay_exec *exec = item->exec;
    const struct ay_kernels *k = exec->kernels;
    const struct ay_work_op *first = &exec->program->ops[order[0]];
    const struct ay_work_op *last = &exec->program->ops[order[AY_FORM_OPS - 1]];
    struct ay_rows x = ay_rows_of(item, first, first->in[0]);
    struct ay_rows out =
        ay_rows_of(item, last, ay_program_output(exec->program, order[AY_FORM_OPS - 1]));
    if (form->kind == AY_FORM_SOFTMAX) {
        k->softmax(x.at, x.stride, form->number, out.at, out.stride, item->rows, x.width);
        return;
    }
    struct ay_rows gain = ay_rows_of(item, last, form->gain);
    struct ay_rows bias = ay_rows_of(item, last, form->bias);
    for (size_t r = 0; r < item->rows; r++)
        k->layer_norm(x.at + r * x.stride, gain.at + r * gain.stride, bias.at + r * bias.stride,
                      form->number, out.at + r * out.stride, x.width);
}

static void run_rows(struct ay_exec *exec, size_t index, uint32_t thread, bool only)
{
    struct ay_row_item item = {.exec = exec, .thread = &exec->threads[thread], .only = only};
    const struct ay_pieces *p =
        ay_pieces_find(exec, exec->step->flat ? 1 : exec->run_count, index, &item.run);
    uint32_t piece = (uint32_t)p->piece, pieces = (p->rows + piece - 1) / piece;
    size_t at = index - p->first;
    item.sizes = exec->runs[item.run].sizes;
    item.batch = (uint32_t)(at / pieces);
    item.row = (uint32_t)(at % pieces) * piece;
    item.rows = p->rows - item.row < piece ? p->rows - item.row : piece;
    item.thread->words_of = AY_NONE;
    for (uint32_t i = 0; i < exec->step->count; i++) {
        const uint32_t *order = exec->plan.order + exec->step->first + i;
        uint32_t op_index = order[0];
        const struct ay_form *form = &exec->forms[op_index];
        if (form->kind != AY_FORM_NONE) {
            run_form(&item, order, form);
            i += AY_FORM_OPS - 1;
            continue;
        }
        const struct ay_work_op *op = &exec->program->ops[op_index];
        struct ay_rows out = ay_rows_of(&item, op, ay_program_output(exec->program, op_index));
        if (op->kind == AY_WORK_OP_MATMUL)
            run_matmul(&item, op_index, out);
        else if (op->kind == AY_WORK_OP_MATMUL_Q8)
            run_matmul_q8(&item, op_index, out);
        else if (op->kind == AY_WORK_OP_MAP)
            run_map(&item, op_index, out);
        else
            run_reduce(&item, op_index, out);
    }
}

static void run_item(void *context, size_t index, uint32_t thread)
{
    run_rows(context, index, thread, false);
}

/* Whether a product with a weight is worth sharing out by columns rather than by rows. */
static bool has_large_weight(const struct ay_exec *exec)
{
    for (uint32_t i = 0; i < exec->step->count; i++) {
        const struct ay_work_op *op = &exec->program->ops[exec->plan.order[exec->step->first + i]];
        if (op->kind != AY_WORK_OP_MATMUL && op->kind != AY_WORK_OP_MATMUL_Q8) continue;
        const struct ay_place *b = &exec->plan.places[op->in[1]];
        if (ay_exec_packed(exec, op) && (uint64_t)b->shape[0] * b->shape[1] >= SHARED_OPERAND)
            return true;
    }
    return false;
}

/* Whether so many rows of the step, of sizes as in that run, are little work. */
static bool is_little(const struct ay_exec *exec, uint32_t run, uint64_t rows)
{
    const struct ay_step *step = exec->step;
    const uint32_t *sizes = exec->runs[run].sizes;
    uint64_t work = 0;
    for (uint32_t i = 0; i < step->count && work * rows < POOL_WORK; i++) {
        const struct ay_work_op *op = &exec->program->ops[exec->plan.order[step->first + i]];
        uint64_t n = ay_dim_resolve(op->dims[op->dims_count - 1], sizes);
        work += op->kind == AY_WORK_OP_MAP ? n * op->steps_count * MAP_WORK
                                           : n * width_of(&exec->plan.places[op->in[0]], sizes);
    }
    return work * rows < POOL_WORK;
}

/* How many rows a piece has: as many as the scratch allows, evenly, and with work for as many
 * threads. */
static struct ay_pieces cut(const struct ay_exec *exec, uint32_t run, uint32_t batches,
                            uint32_t rows, uint32_t others, uint32_t threads)
{
    const struct ay_step *step = exec->step;
    size_t width = 1;
    for (uint32_t i = 0; i < step->slot_count; i++)
        width += ay_dim_resolve(exec->plan.scratch[step->slot_first + i], exec->runs[run].sizes);
    size_t most = SCRATCH_TARGET / width;
    most = most < MIN_PIECE ? MIN_PIECE : most > MAX_PIECE ? MAX_PIECE : most;
    uint32_t pieces = (uint32_t)((rows + most - 1) / most);
    if (others < threads) pieces = (pieces + threads - 1) / threads * threads;
    if (pieces > rows) pieces = rows;
    return (struct ay_pieces){0, batches, rows, (rows + pieces - 1) / pieces};
}

/* Gives each thread room for the rows and the packed operands of the step in that run. */
static enum ay_code reserve(struct ay_exec *exec, uint32_t run, uint32_t rows)
{
    const struct ay_step *step = exec->step;
    const uint32_t *sizes = exec->runs[run].sizes;
    size_t scratch = slot_offset(exec, sizes, step->slot_count, rows), packed = 0, words = 0;
    size_t temp = 0;
    for (uint32_t i = 0; i < step->count; i++) {
        const struct ay_work_op *op = &exec->program->ops[exec->plan.order[step->first + i]];
        bool q8 = op->kind == AY_WORK_OP_MATMUL_Q8;
        if (op->kind == AY_WORK_OP_MAP) temp = AY_MAP_TEMP_BYTES;
        if (op->kind != AY_WORK_OP_MATMUL && !q8) continue;
        uint32_t n = ay_dim_resolve(op->dims[op->dims_count - 1], sizes);
        uint32_t k = width_of(&exec->plan.places[op->in[0]], sizes);
        size_t bytes = q8 ? ay_product_pack_bytes(exec, op, n, k)
                          : sizeof(float) * ay_packed_floats(exec->kernels->panel, n, k);
        if (!ay_exec_packed(exec, op) && bytes > packed) packed = bytes;
        size_t row = ay_q8_words(exec->integers, k) + blocks_of(k);
        if (q8 && row * rows > words) words = row * rows;
    }
    for (uint32_t t = 0; t < ay_pool_threads(exec->pool); t++) {
        AY_TRY(ay_room_reserve(&exec->threads[t].scratch, scratch * sizeof(float) + temp));
        AY_TRY(ay_room_reserve(&exec->threads[t].packed, packed));
        AY_TRY(ay_room_reserve(&exec->threads[t].words, words * sizeof(uint32_t)));
    }
    return AY_OK;
}

/* The matrices of rows that the step has in that run. */
static struct ay_pieces matrices_of(const struct ay_exec *exec, uint32_t run)
{
    const struct ay_work_op *op = &exec->program->ops[exec->plan.order[exec->step->first]];
    const uint32_t *sizes = exec->runs[run].sizes;
    struct ay_pieces p = {.batches = 1, .rows = 1};
    for (uint32_t d = 0; d + 2 < op->dims_count; d++)
        p.batches *= ay_dim_resolve(op->dims[d], sizes);
    if (op->dims_count > 1) p.rows = ay_dim_resolve(op->dims[op->dims_count - 2], sizes);
    if (!exec->step->merged) return p;
    return (struct ay_pieces){.batches = 1, .rows = p.rows * p.batches};
}

enum ay_code ay_exec_rows(struct ay_exec *exec)
{
    uint32_t groups = exec->step->flat ? 1 : exec->run_count, total = 0;
    size_t items = 0;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        exec->pieces[r] = matrices_of(exec, r);
        total += exec->pieces[r].batches * exec->pieces[r].rows;
    }
    uint32_t threads = ay_pool_threads(exec->pool);
    bool alone =
        exec->run_count == 1 && (threads == 1 || (!exec->divide && is_little(exec, 0, total)));
    if (alone) threads = 1;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        struct ay_pieces p = exec->pieces[r];
        exec->pieces[r] = cut(exec, r, p.batches, p.rows, exec->run_count * p.batches, threads);
    }
    if (exec->step->flat) exec->pieces[0] = cut(exec, 0, 1, total, 1, threads);
    /* Few rows go together where a large weight is to be shared out by its columns. */
    bool one = total < MIN_PIECE && (exec->step->flat || total == exec->pieces[0].rows) &&
               has_large_weight(exec);
    if (one) exec->pieces[0].piece = total;
    for (uint32_t r = 0; r < groups; r++) {
        struct ay_pieces *p = &exec->pieces[r];
        p->first = items;
        items += (size_t)p->batches * ((p->rows + p->piece - 1) / p->piece);
        AY_TRY(reserve(exec, r, (uint32_t)p->piece));
    }
    for (uint32_t t = 0; t < ay_pool_threads(exec->pool); t++) exec->threads[t].packed_of = NULL;
    if (items == 1)
        run_rows(exec, 0, 0, true); /* its products are shared out */
    else if (!alone)
        ay_pool_run(exec->pool, items, run_item, exec);
    else
        for (size_t i = 0; i < items; i++) run_item(exec, i, 0);
    return AY_OK;
}
