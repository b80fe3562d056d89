/* Shares out the elements of a step's one op among the threads. */
#include "tensor/each.h"

#include "tensor/exec_impl.h"

/* Arithmetic that an item of the pool's loop should be worth; an element moved is worth some. */
#define ITEM_WORK (1u << 16)
#define MOVE_WORK 8u

static ay_each *const functions[] = {
    [AY_WORK_OP_GATHER] = ay_each_gather,   [AY_WORK_OP_MAP] = ay_each_map,
    [AY_WORK_OP_MATMUL] = ay_each_matmul,   [AY_WORK_OP_REDUCE] = ay_each_reduce,
    [AY_WORK_OP_PERMUTE] = ay_each_permute, [AY_WORK_OP_VIEW] = ay_each_view,
    [AY_WORK_OP_CONCAT] = ay_each_concat,   [AY_WORK_OP_SCATTER] = ay_each_scatter};

size_t ay_each_scratch(const struct ay_call *call)
{
    /* Values of a map's steps, its operands and what they are spread into; or places and bounds of
     * a view, and which are inside; or rows of integers. */
    size_t block = AY_EACH_BLOCK * sizeof(int64_t);
    size_t map = (call->op->steps_count + AY_MAX_WORK_OP_IN + AY_MAX_WORK_MAP_STEP_ARGS) * block;
    size_t view = (AY_MAX_RANK + 2) * block;
    size_t row = call->op->kind == AY_WORK_OP_MATMUL ? call->in[0].dims[call->in[0].rank - 1] : 0;
    return (map > view ? map : view) + row * sizeof(int32_t);
}

static uint32_t op_index(const struct ay_exec *exec, const struct ay_step *step)
{
    return exec->plan.order[step->first];
}

static void set_shapes(const struct ay_work_program *p, uint32_t index, const uint32_t *sizes,
                       struct ay_call *call)
{
    enum ay_code code = ay_program_shape(p, ay_program_output(p, index), sizes, &call->out);
    AY_ASSERT(code == AY_OK);
    for (uint32_t i = 0; i < call->op->in_count; i++) {
        code = ay_program_shape(p, call->op->in[i], sizes, &call->in[i]);
        AY_ASSERT(code == AY_OK);
    }
}

void ay_each_prepare(const struct ay_exec *exec, const struct ay_step *step,
                     struct ay_each_ready *out)
{
    const struct ay_work_program *p = exec->program;
    uint32_t index = op_index(exec, step), dtypes[AY_MAX_WORK_OP_IN];
    struct ay_call *call = &out->call;
    *call = (struct ay_call){.op = &p->ops[index], .kernels = exec->kernels};
    for (uint32_t i = 0; i < call->op->in_count; i++)
        dtypes[i] = exec->plan.places[call->op->in[i]].dtype;
    if (call->op->kind == AY_WORK_OP_MAP && ay_map_words_of(call->op, dtypes, &out->words))
        call->words = &out->words;
    if (p->max_dims_count == 0) set_shapes(p, index, NULL, call);
}

static struct ay_call call_of(const struct ay_exec *exec, uint32_t run)
{
    struct ay_call call = exec->each[exec->step - exec->plan.steps].call;
    uint32_t index = op_index(exec, exec->step);
    call.sizes = exec->runs[run].sizes;
    call.to = ay_exec_base(exec, ay_program_output(exec->program, index), run);
    for (uint32_t i = 0; i < call.op->in_count; i++)
        call.from[i] = ay_exec_base(exec, call.op->in[i], run);
    if (exec->program->max_dims_count > 0) set_shapes(exec->program, index, call.sizes, &call);
    return call;
}

/* Output elements of an item: a row of the last axis or whole ones where they are short. */
static uint64_t piece_of(const struct ay_call *call, uint64_t elements)
{
    const struct ay_tensor_type *in = &call->in[0];
    uint64_t work = 1;
    switch (call->op->kind) {
    case AY_WORK_OP_SCATTER: return elements; /* its updates follow one another */
    case AY_WORK_OP_MAP: work = call->op->steps_count; break;
    case AY_WORK_OP_REDUCE: work = in->dims[call->op->axis]; break;
    case AY_WORK_OP_MATMUL: work = in->dims[in->rank - 1]; break;
    default: work = MOVE_WORK;
    }
    uint64_t piece = ITEM_WORK / work + 1, row = call->out.dims[call->out.rank - 1];
    return piece > row ? piece - piece % row : piece;
}

static void run_item(void *context, size_t index, uint32_t thread)
{
    struct ay_exec *exec = context;
    uint32_t run;
    const struct ay_pieces *p = ay_pieces_find(exec, exec->run_count, index, &run);
    struct ay_call call = call_of(exec, run);
    uint64_t elements = ay_tensor_elements(&call.out), first = (index - p->first) * p->piece;
    uint64_t last = elements - first < p->piece ? elements : first + p->piece;
    functions[call.op->kind](&call, first, last, exec->threads[thread].scratch.at);
}

enum ay_code ay_exec_each(struct ay_exec *exec)
{
    size_t items = 0, scratch = 0;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        struct ay_call call = call_of(exec, r);
        uint64_t elements = ay_tensor_elements(&call.out), piece = piece_of(&call, elements);
        size_t bytes = ay_each_scratch(&call);
        if (bytes > scratch) scratch = bytes;
        exec->pieces[r] = (struct ay_pieces){.first = items, .piece = piece};
        items += (elements + piece - 1) / piece;
    }
    for (uint32_t t = 0; t < ay_pool_threads(exec->pool); t++)
        AY_TRY(ay_room_reserve(&exec->threads[t].scratch, scratch));
    ay_pool_run(exec->pool, items, run_item, exec);
    return AY_OK;
}
