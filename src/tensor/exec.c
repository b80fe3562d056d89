#include "tensor/exec.h"

#include "tensor/exec_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGN 64u
/* A batch ends before its buffers exceed this many f32, so that they stay in a last-level cache. */
#define BATCH_FLOATS  (2u << 20)
#define BATCH_RUNS    256u
#define BATCH_OFFSETS (1u << 20)
#define HUGE_PAGE     (2u << 20)

enum ay_code ay_room_reserve(struct ay_room *room, size_t count)
{
    if (count <= room->cap) return AY_OK;
    size_t align = count * sizeof(float) < HUGE_PAGE ? ALIGN : HUGE_PAGE;
    size_t bytes = (count * sizeof(float) + align - 1) / align * align;
    float *at = aligned_alloc(align, bytes);
    if (!at) return AY_E_MEMORY;
    if (align == HUGE_PAGE) (void)madvise(at, bytes, MADV_HUGEPAGE); /* for speed alone */
    free(room->at);
    *room = (struct ay_room){at, bytes / sizeof(float)};
    return AY_OK;
}

static uint64_t *offsets_of(const struct ay_exec *exec, uint32_t size)
{
    return exec->offsets + (size_t)size * (exec->max_runs + 1);
}

float *ay_exec_base(const struct ay_exec *exec, uint32_t id, uint32_t run)
{
    const struct ay_place *at = &exec->plan.places[exec->plan.places[id].owner];
    /* Inputs and weights are const to the caller; no step has them as its output. */
    if (at->home == AY_HOME_INPUT) return (float *)(uintptr_t)exec->runs[run].inputs[at->slot];
    if (at->home == AY_HOME_WEIGHT) return (float *)(uintptr_t)exec->weights[at->slot];
    AY_ASSERT(at->home == AY_HOME_BUFFER);
    return exec->memory.at + exec->slot_at[at->slot] + offsets_of(exec, at->size)[run];
}

/* Steps of one op that is not row by row; an item is a run, or a part of it. */

static const struct ay_work_op *step_op(const struct ay_exec *exec)
{
    return &exec->program->ops[exec->plan.order[exec->step->first]];
}

static uint32_t step_output(const struct ay_exec *exec)
{
    return ay_program_output(exec->program, exec->plan.order[exec->step->first]);
}

static struct ay_tensor_type type_in(const struct ay_exec *exec, uint32_t id, uint32_t run)
{
    struct ay_tensor_type t;
    enum ay_code code = ay_program_shape(exec->program, id, exec->runs[run].sizes, &t);
    AY_ASSERT(code == AY_OK);
    return t;
}

static void gather_item(void *context, size_t item, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    uint32_t run = (uint32_t)item, out_id = step_output(exec);
    const struct ay_work_op *op = step_op(exec);
    struct ay_tensor_type out = type_in(exec, out_id, run);
    struct ay_tensor_type table = type_in(exec, op->in[0], run);
    size_t width = table.dims[1];
    const float *rows = ay_exec_base(exec, op->in[0], run);
    const void *ids = ay_exec_base(exec, op->in[1], run);
    float *to = ay_exec_base(exec, out_id, run);
    for (uint32_t i = 0; i < out.dims[0]; i++) {
        int32_t id;
        memcpy(&id, (const uint8_t *)ids + 4 * (size_t)i, sizeof id);
        memcpy(to + i * width, rows + ay_ref_gather_row(id, table.dims[0]) * width,
               width * sizeof *to);
    }
}

static void columns_item(void *context, size_t item, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    const struct ay_work_op *op = step_op(exec);
    const struct ay_kernels *k = exec->kernels;
    uint32_t run = (uint32_t)item;
    struct ay_tensor_type in = type_in(exec, op->in[0], run);
    size_t outer = 1, inner = 1, n = in.dims[op->axis];
    for (uint32_t d = 0; d < op->axis; d++) outer *= in.dims[d];
    for (uint32_t d = op->axis + 1; d < in.rank; d++) inner *= in.dims[d];
    ay_reduce_columns *reduce = op->reduce == AY_WORK_REDUCE_SUM     ? k->sum_columns
                                : op->reduce == AY_WORK_REDUCE_SUMSQ ? k->sumsq_columns
                                                                     : k->max_columns;
    const float *from = ay_exec_base(exec, op->in[0], run);
    float *to = ay_exec_base(exec, step_output(exec), run);
    for (size_t i = 0; i < outer; i++)
        reduce(from + i * n * inner, inner, (uint32_t)n, (uint32_t)inner, to + i * inner);
}

static void copy_item(void *context, size_t item, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    const struct ay_work_op *op = step_op(exec);
    const uint32_t *sizes = exec->runs[item].sizes;
    uint32_t n = op->view_count, index[AY_MAX_RANK] = {0}, dims[AY_MAX_RANK];
    size_t stride[AY_MAX_RANK], elements = 1;
    for (uint32_t i = n; i-- > 0;) { /* of the view's axes */
        stride[i] = elements;
        elements *= ay_dim_resolve(op->view[i], sizes);
    }
    for (uint32_t i = 0; i < n; i++) dims[i] = ay_dim_resolve(op->view[op->perm[i]], sizes);
    const float *from = ay_exec_base(exec, op->in[0], (uint32_t)item);
    float *to = ay_exec_base(exec, step_output(exec), (uint32_t)item);
    for (size_t i = 0, at = 0; i < elements; i++) {
        to[i] = from[at];
        for (uint32_t d = n; d-- > 0;) { /* count up, the last axis fastest */
            at += stride[op->perm[d]];
            if (++index[d] < dims[d]) break;
            at -= dims[d] * stride[op->perm[d]];
            index[d] = 0;
        }
    }
}

static enum ay_code run_step(struct ay_exec *exec)
{
    static ay_pool_fn *const items[] = {[AY_STEP_GATHER] = gather_item,
                                        [AY_STEP_COLUMNS] = columns_item,
                                        [AY_STEP_COPY] = copy_item};
    if (exec->step->kind == AY_STEP_ROWS) return ay_exec_rows(exec);
    ay_pool_run(exec->pool, exec->run_count, items[exec->step->kind], exec);
    return AY_OK;
}

/* Batches. */

static uint64_t run_floats(const struct ay_exec *exec, const struct ay_run *run)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < exec->plan.slot_count; i++)
        sum += ay_size_resolve(&exec->plan.sizes[exec->plan.slots[i]], run->sizes);
    return sum;
}

static enum ay_code prepare(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    exec->runs = runs;
    exec->run_count = count;
    for (uint32_t s = 0; s < exec->plan.size_count; s++) {
        uint64_t *at = offsets_of(exec, s);
        for (uint32_t r = 0; r < count; r++)
            at[r + 1] = at[r] + ay_size_resolve(&exec->plan.sizes[s], runs[r].sizes);
    }
    size_t floats = 0;
    for (uint32_t i = 0; i < exec->plan.slot_count; i++) {
        exec->slot_at[i] = floats;
        size_t need = offsets_of(exec, exec->plan.slots[i])[count];
        floats += (need + ALIGN / 4 - 1) / (ALIGN / 4) * (ALIGN / 4);
    }
    return ay_room_reserve(&exec->memory, floats);
}

static enum ay_code run_batch(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    AY_TRY(prepare(exec, runs, count));
    for (uint32_t s = 0; s < exec->plan.step_count; s++) {
        exec->step = &exec->plan.steps[s];
        AY_TRY(run_step(exec));
    }
    uint32_t out = exec->plan.values - 1;
    for (uint32_t r = 0; r < count; r++)
        memcpy(runs[r].output, ay_exec_base(exec, out, r),
               ay_exec_output_elements(exec, runs[r].sizes) * sizeof(float));
    return AY_OK;
}

enum ay_code ay_exec_run(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    struct ay_tensor_type unused;
    for (uint32_t i = 0; i < count; i++)
        AY_TRY(ay_program_shape(exec->program, 0, runs[i].sizes, &unused));
    if (exec->trace && count != 1) return AY_E_RANGE;
    for (uint32_t i = 0, n; i < count; i += n) {
        uint64_t floats = run_floats(exec, &runs[i]);
        for (n = 1; i + n < count && n < exec->max_runs; n++) {
            floats += run_floats(exec, &runs[i + n]);
            if (floats > BATCH_FLOATS) break;
        }
        AY_TRY(run_batch(exec, runs + i, n));
    }
    return AY_OK;
}

uint64_t ay_exec_output_elements(const struct ay_exec *exec, const uint32_t *sizes)
{
    return ay_size_resolve(&exec->plan.sizes[exec->plan.places[exec->plan.values - 1].size], sizes);
}

const float *ay_exec_trace(const struct ay_exec *exec, uint32_t op)
{
    AY_ASSERT(exec->trace && op < exec->program->ops_count && exec->run_count == 1);
    return ay_exec_base(exec, ay_program_output(exec->program, op), 0);
}

uint32_t ay_exec_threads(const struct ay_exec *exec)
{
    return ay_pool_threads(exec->pool);
}

const char *ay_exec_kernels(const struct ay_exec *exec)
{
    return exec->kernels->name;
}

/* Opening. */

static void pack_item(void *context, size_t item, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    const struct ay_work_weight *w = &exec->program->weights[item];
    if (exec->packed[item])
        exec->kernels->pack(exec->weights[item], w->dims[1], w->dims[0], w->dims[1],
                            exec->packed[item]);
}

/* Copies each weight that is a MATMUL's second operand, without batch, into the kernels' layout. */
static enum ay_code pack_weights(struct ay_exec *exec)
{
    const struct ay_work_program *p = exec->program;
    for (uint32_t i = 0; i < p->ops_count; i++) {
        const struct ay_work_op *op = &p->ops[i];
        if (op->kind != AY_WORK_OP_MATMUL) continue;
        const struct ay_place *b = &exec->plan.places[op->in[1]];
        if (b->home != AY_HOME_WEIGHT || b->rank != 2 || exec->packed[b->slot]) continue;
        struct ay_room room = {0};
        size_t floats = ay_packed_floats(exec->kernels->panel, b->shape[0], b->shape[1]);
        AY_TRY(ay_room_reserve(&room, floats));
        exec->packed[b->slot] = room.at;
    }
    ay_pool_run(exec->pool, p->weights_count, pack_item, exec);
    return AY_OK;
}

static enum ay_code open_into(struct ay_exec *exec, const void *const *weights, uint32_t threads)
{
    AY_TRY(ay_plan_open(exec->program, !exec->trace, &exec->plan));
    AY_TRY(ay_pool_open(threads, &exec->pool));
    uint32_t n = exec->program->weights_count, sizes = exec->plan.size_count;
    exec->max_runs = BATCH_OFFSETS / sizes;
    if (exec->max_runs > BATCH_RUNS) exec->max_runs = BATCH_RUNS;
    if (exec->max_runs == 0 || exec->trace) exec->max_runs = 1;
    exec->threads = calloc(threads, sizeof *exec->threads);
    exec->weights = calloc(n + 1, sizeof *exec->weights);
    exec->packed = calloc(n + 1, sizeof *exec->packed);
    exec->offsets = calloc((size_t)sizes * (exec->max_runs + 1), sizeof *exec->offsets);
    exec->slot_at = calloc(exec->plan.slot_count + 1, sizeof *exec->slot_at);
    exec->pieces = calloc(exec->max_runs + 1, sizeof *exec->pieces);
    if (!exec->threads || !exec->weights || !exec->packed || !exec->offsets || !exec->slot_at ||
        !exec->pieces)
        return AY_E_MEMORY;
    for (uint32_t i = 0; i < n; i++) exec->weights[i] = weights[i];
    return pack_weights(exec);
}

enum ay_code ay_exec_open(const struct ay_work_program *program, const void *const *weights,
                          const struct ay_exec_options *options, struct ay_exec **out)
{
    uint32_t threads = options->threads;
    if (threads == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        threads = online < 1 ? 1 : online > AY_MAX_THREADS ? AY_MAX_THREADS : (uint32_t)online;
    }
    if (threads > AY_MAX_THREADS) return AY_E_RANGE;
    struct ay_exec *exec = calloc(1, sizeof *exec);
    if (!exec) return AY_E_MEMORY;
    exec->program = program;
    exec->trace = options->trace;
    exec->kernels = options->kernels;
    enum ay_code code = exec->kernels ? AY_OK : ay_kernels_select(&exec->kernels);
    if (code == AY_OK) code = open_into(exec, weights, threads);
    if (code != AY_OK) {
        ay_exec_close(exec);
        return code;
    }
    *out = exec;
    return AY_OK;
}

void ay_exec_close(struct ay_exec *exec)
{
    if (!exec) return;
    for (uint32_t i = 0; exec->packed && i < exec->program->weights_count; i++)
        free(exec->packed[i]);
    for (uint32_t t = 0; exec->threads && t < ay_pool_threads(exec->pool); t++) {
        free(exec->threads[t].scratch.at);
        free(exec->threads[t].packed.at);
    }
    ay_pool_close(exec->pool);
    ay_plan_close(&exec->plan);
    free(exec->weights);
    free(exec->packed);
    free(exec->threads);
    free(exec->offsets);
    free(exec->slot_at);
    free(exec->pieces);
    free(exec->memory.at);
    free(exec);
}
