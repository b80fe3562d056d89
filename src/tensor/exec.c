#include "tensor/exec.h"

#include "tensor/exec_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define ALIGN 64u
/* A batch ends before its buffers exceed this, so that they stay in a last-level cache. */
#define BATCH_BYTES   (8u << 20)
#define BATCH_RUNS    256u
#define BATCH_OFFSETS (1u << 20)
#define HUGE_PAGE     (2u << 20)
/* Larger tables of places are made anew in each run, which takes little beside what they are for.
 */
#define KEPT_PATCHES_BYTES (1u << 17)

enum ay_code ay_room_reserve(struct ay_room *room, size_t bytes)
{
    if (bytes <= room->cap) return AY_OK;
    size_t align = bytes < HUGE_PAGE ? ALIGN : HUGE_PAGE;
    bytes = (bytes + align - 1) / align * align;
    void *at = aligned_alloc(align, bytes);
    if (!at) return AY_E_MEMORY;
    if (align == HUGE_PAGE) (void)madvise(at, bytes, MADV_HUGEPAGE); /* for speed alone */
    free(room->at);
    *room = (struct ay_room){at, bytes};
    return AY_OK;
}

static uint64_t *offsets_of(const struct ay_exec *exec, uint32_t size)
{
    return exec->offsets + (size_t)size * (exec->max_runs + 1);
}

void *ay_exec_base(const struct ay_exec *exec, uint32_t id, uint32_t run)
{
    const struct ay_place *alias = &exec->plan.places[id];
    const struct ay_place *at = &exec->plan.places[alias->owner];
    uint64_t offset = alias->offset * ay_dtype_bytes(alias->dtype);
    /* Inputs and weights are const to the caller; no step has them as its output. */
    if (at->home == AY_HOME_INPUT)
        return (uint8_t *)(uintptr_t)exec->runs[run].inputs[at->slot] + offset;
    if (at->home == AY_HOME_OUTPUT) return (uint8_t *)exec->runs[run].outputs[at->slot] + offset;
    if (at->home == AY_HOME_WEIGHT) return (uint8_t *)(uintptr_t)exec->weights[at->slot] + offset;
    AY_ASSERT(at->home == AY_HOME_BUFFER);
    return (uint8_t *)exec->memory.at + exec->slot_at[at->slot] + offsets_of(exec, at->size)[run] +
           offset;
}

const struct ay_pieces *ay_pieces_find(const struct ay_exec *exec, uint32_t groups, size_t item,
                                       uint32_t *group)
{
    uint32_t low = 0, high = groups;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        *(exec->pieces[mid].first <= item ? &low : &high) = mid;
    }
    *group = low;
    return &exec->pieces[low];
}

enum ay_code ay_exec_patches(struct ay_exec *exec, const struct ay_patch_view *w,
                             struct ay_patches *out)
{
    struct ay_kept_patches *kept = &exec->kept_patches[exec->step - exec->plan.steps];
    uint64_t bytes = ay_patch_view_words(w) * sizeof(int32_t);
    struct ay_room *room = bytes <= KEPT_PATCHES_BYTES ? &kept->room : &exec->places;
    if (!kept->patches.k_at) {
        AY_TRY(ay_room_reserve(room, bytes));
        kept->patches = ay_patch_view_tables(w, room->at);
    }
    *out = kept->patches;
    if (room == &exec->places) kept->patches.k_at = NULL; /* others will have their place */
    return AY_OK;
}

/* Batches. */

/* Memory that the runs take together; sets where each buffer lies. */
static uint64_t lay_out(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    exec->laid = 0;
    for (uint32_t s = 0; s < exec->plan.size_count; s++) {
        exec->size_bytes[s] = 0;
        for (uint32_t r = 0; r < count; r++)
            exec->size_bytes[s] += ay_size_resolve(&exec->plan.sizes[s], runs[r].sizes);
    }
    return ay_memory_lay_out(&exec->plan, exec->size_bytes, exec->gaps, exec->slot_at);
}

static enum ay_code prepare(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    exec->runs = runs;
    exec->run_count = count;
    if (exec->laid == count) return AY_OK;
    for (uint32_t s = 0; s < exec->plan.size_count; s++) {
        uint64_t *at = offsets_of(exec, s);
        for (uint32_t r = 0; r < count; r++)
            at[r + 1] = at[r] + ay_size_resolve(&exec->plan.sizes[s], runs[r].sizes);
    }
    AY_TRY(ay_room_reserve(&exec->memory, lay_out(exec, runs, count)));
    /* Without symbols one run is as another. */
    if (exec->program->max_dims_count == 0) exec->laid = count;
    return AY_OK;
}

static enum ay_code run_step(struct ay_exec *exec)
{
    switch (exec->step->kind) {
    case AY_STEP_ROWS: return ay_exec_rows(exec);
    case AY_STEP_TILES: return ay_exec_tiles(exec);
    case AY_STEP_PRODUCT: return ay_exec_products(exec);
    case AY_STEP_WOVEN: return ay_exec_woven(exec);
    case AY_STEP_WINDOWS: return ay_exec_windows(exec);
    case AY_STEP_TABLE: return ay_exec_table(exec);
    case AY_STEP_DESCENT: return ay_exec_descent(exec);
    case AY_STEP_EACH: break;
    }
    return ay_exec_each(exec);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static enum ay_code run_batch(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    AY_TRY(prepare(exec, runs, count));
    for (uint32_t s = 0; s < exec->plan.step_count; s++) {
        uint64_t begun = exec->step_ns ? now_ns() : 0;
        exec->step = &exec->plan.steps[s];
        AY_TRY(run_step(exec));
        if (exec->step_ns) exec->step_ns[s] += now_ns() - begun;
    }
    memcpy(exec->last_sizes, runs[0].sizes, sizeof exec->last_sizes);
    for (uint32_t i = 0; i < ay_exec_outputs(exec); i++) {
        uint32_t id = ay_program_output_at(exec->program, i);
        for (uint32_t r = 0; r < count && exec->plan.places[id].home != AY_HOME_OUTPUT; r++)
            memcpy(runs[r].outputs[i], ay_exec_base(exec, id, r),
                   ay_exec_output_bytes(exec, i, runs[r].sizes));
    }
    return AY_OK;
}

enum ay_code ay_exec_run(struct ay_exec *exec, const struct ay_run *runs, uint32_t count)
{
    struct ay_tensor_type unused;
    for (uint32_t i = 0; i < count; i++)
        AY_TRY(ay_program_shape(exec->program, 0, runs[i].sizes, &unused));
    if (exec->trace && count != 1) return AY_E_RANGE;
    for (uint32_t i = 0, n; i < count; i += n) {
        uint64_t bytes = count - i > 1 ? lay_out(exec, &runs[i], 1) : 0;
        for (n = 1; i + n < count && n < exec->max_runs; n++) {
            bytes += lay_out(exec, &runs[i + n], 1);
            if (bytes > BATCH_BYTES) break;
        }
        AY_TRY(run_batch(exec, runs + i, n));
    }
    return AY_OK;
}

uint32_t ay_exec_outputs(const struct ay_exec *exec)
{
    return ay_program_outputs(exec->program);
}

uint64_t ay_exec_output_bytes(const struct ay_exec *exec, uint32_t output, const uint32_t *sizes)
{
    AY_ASSERT(output < ay_exec_outputs(exec));
    const struct ay_place *at = &exec->plan.places[ay_program_output_at(exec->program, output)];
    return ay_size_resolve(&exec->plan.sizes[at->size], sizes);
}

const void *ay_exec_trace(const struct ay_exec *exec, uint32_t op)
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

uint64_t ay_exec_memory(const struct ay_exec *exec)
{
    uint64_t bytes = exec->weights_room.cap + exec->memory.cap + exec->image.cap +
                     exec->places.cap + exec->tables.cap;
    for (uint32_t s = 0; s < exec->plan.step_count; s++) bytes += exec->kept_patches[s].room.cap;
    for (uint32_t t = 0; t < ay_pool_threads(exec->pool); t++)
        bytes += exec->threads[t].scratch.cap + exec->threads[t].packed.cap +
                 exec->threads[t].frame.cap + exec->threads[t].words.cap;
    return bytes;
}

static void add_op_cost(const struct ay_exec *exec, uint32_t index, struct ay_exec_cost *out)
{
    struct ay_op_shape s;
    enum ay_code code = ay_program_op_shape(exec->program, index, exec->last_sizes, &s);
    AY_ASSERT(code == AY_OK);
    uint64_t elements = ay_tensor_elements(&s.out), each = 1;
    if (s.op->kind == AY_WORK_OP_MAP) each = s.op->steps_count;
    if (s.op->kind == AY_WORK_OP_REDUCE) each = s.in[0].dims[s.op->axis];
    if (s.op->kind == AY_WORK_OP_MATMUL || s.op->kind == AY_WORK_OP_MATMUL_Q8)
        each = s.in[0].dims[s.in[0].rank - 1];
    out->work += elements * each;
    out->bytes += elements * ay_dtype_bytes(s.out.dtype);
    for (uint32_t i = 0; i < s.op->in_count; i++)
        out->bytes += ay_tensor_elements(&s.in[i]) * ay_dtype_bytes(s.in[i].dtype);
}

bool ay_exec_cost(const struct ay_exec *exec, uint32_t i, struct ay_exec_cost *out)
{
    static const char *const how[] = {
        [AY_STEP_EACH] = "elements", [AY_STEP_ROWS] = "rows",      [AY_STEP_TILES] = "patches",
        [AY_STEP_PRODUCT] = "bytes", [AY_STEP_WOVEN] = "bytes",    [AY_STEP_WINDOWS] = "windows",
        [AY_STEP_TABLE] = "table",   [AY_STEP_DESCENT] = "descent"};
    AY_ASSERT(exec->step_ns);
    if (i >= exec->plan.step_count) return false;
    const struct ay_step *step = &exec->plan.steps[i];
    *out = (struct ay_exec_cost){.op = exec->plan.order[step->first],
                                 .ops = step->count,
                                 .how = how[step->kind],
                                 .ns = exec->step_ns[i]};
    for (uint32_t k = 0; k < step->count; k++)
        add_op_cost(exec, exec->plan.order[step->first + k], out);
    return true;
}

/* Opening. */

static enum ay_code open_into(struct ay_exec *exec, const void *const *weights, uint32_t threads,
                              bool profile)
{
    AY_TRY(ay_plan_open(exec->program, !exec->trace, &exec->plan));
    exec->forms = calloc(exec->program->ops_count, sizeof *exec->forms);
    if (!exec->forms) return AY_E_MEMORY;
    AY_TRY(ay_forms_find(&exec->plan, exec->forms));
    exec->own_pool = !exec->pool;
    if (exec->own_pool) AY_TRY(ay_pool_open(threads, &exec->pool));
    if (profile) {
        exec->step_ns = calloc(exec->plan.step_count, sizeof *exec->step_ns);
        if (!exec->step_ns) return AY_E_MEMORY;
    }
    uint32_t n = exec->program->weights_count, sizes = exec->plan.size_count;
    exec->max_runs = BATCH_OFFSETS / sizes;
    if (exec->max_runs > BATCH_RUNS) exec->max_runs = BATCH_RUNS;
    if (exec->max_runs == 0 || exec->trace) exec->max_runs = 1;
    exec->threads = calloc(ay_pool_threads(exec->pool), sizeof *exec->threads);
    exec->weights = calloc(n + 1, sizeof *exec->weights);
    exec->packed = calloc(n + 1, sizeof *exec->packed);
    exec->offsets = calloc((size_t)sizes * (exec->max_runs + 1), sizeof *exec->offsets);
    exec->slot_at = calloc(exec->plan.buffer_count + 1, sizeof *exec->slot_at);
    exec->gaps = calloc(exec->plan.buffer_count + 1, sizeof *exec->gaps);
    exec->size_bytes = calloc(sizes, sizeof *exec->size_bytes);
    exec->pieces = calloc(exec->max_runs + 1, sizeof *exec->pieces);
    exec->kept_patches = calloc(exec->plan.step_count + 1, sizeof *exec->kept_patches);
    exec->each = calloc(exec->plan.step_count + 1, sizeof *exec->each);
    if (!exec->threads || !exec->weights || !exec->packed || !exec->offsets || !exec->slot_at ||
        !exec->gaps || !exec->size_bytes || !exec->pieces || !exec->kept_patches || !exec->each)
        return AY_E_MEMORY;
    for (uint32_t s = 0; s < exec->plan.step_count; s++)
        if (exec->plan.steps[s].kind == AY_STEP_EACH)
            ay_each_prepare(exec, &exec->plan.steps[s], &exec->each[s]);
    for (uint32_t i = 0; i < n; i++) exec->weights[i] = weights[i];
    return ay_exec_pack_weights(exec);
}

enum ay_code ay_exec_open(const struct ay_work_program *program, const void *const *weights,
                          const struct ay_exec_options *options, struct ay_exec **out)
{
    struct ay_exec *exec = calloc(1, sizeof *exec);
    if (!exec) return AY_E_MEMORY;
    exec->program = program;
    exec->trace = options->trace;
    exec->divide = options->divide;
    exec->kernels = options->kernels;
    exec->pool = options->pool;
    enum ay_code code = exec->kernels ? AY_OK : ay_kernels_select(&exec->kernels);
    if (code == AY_OK) exec->integers = ay_integers_beside(exec->kernels);
    if (code == AY_OK) code = open_into(exec, weights, options->threads, options->profile);
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
    for (uint32_t t = 0; exec->threads && t < ay_pool_threads(exec->pool); t++) {
        free(exec->threads[t].scratch.at);
        free(exec->threads[t].packed.at);
        free(exec->threads[t].frame.at);
        free(exec->threads[t].words.at);
    }
    for (uint32_t s = 0; exec->kept_patches && s < exec->plan.step_count; s++)
        free(exec->kept_patches[s].room.at);
    free(exec->kept_patches);
    free(exec->each);
    if (exec->own_pool) ay_pool_close(exec->pool);
    ay_plan_close(&exec->plan);
    free(exec->forms);
    free(exec->weights);
    free(exec->packed);
    free(exec->threads);
    free(exec->offsets);
    free(exec->step_ns);
    free(exec->slot_at);
    free(exec->gaps);
    free(exec->size_bytes);
    free(exec->pieces);
    free(exec->weights_room.at);
    free(exec->memory.at);
    free(exec->image.at);
    free(exec->tables.at);
    free(exec->places.at);
    free(exec);
}
