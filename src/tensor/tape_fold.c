/* Carries out single ops, on operands that are known. */
#include "tensor/tape_impl.h"

/* A program of one op whose operands are its inputs, so that nothing is laid out for later. */
enum ay_code ay_tape_fold(struct ay_tape *tape, const struct ay_node *node, void *data)
{
    struct ay_work_tensor_type inputs[AY_MAX_WORK_OP_IN];
    uint32_t dims[AY_MAX_RANK], in_dims[AY_MAX_WORK_OP_IN][AY_MAX_RANK];
    uint32_t in[AY_MAX_WORK_OP_IN];
    struct ay_work_op op = node->op;
    struct ay_map_op map;
    if (op.kind == AY_WORK_OP_MAP) {
        struct ay_cluster alone = {1, {node->value.id}};
        bool built = ay_tape_map_build(tape, &alone, false, &map);
        AY_ASSERT(built);
        ay_tape_map_set(&map, &op);
    }
    struct ay_run run = {.outputs = {data}};
    for (uint32_t i = 0; i < op.in_count; i++) {
        const struct ay_value *x = &tape->nodes[op.in[i]]->value;
        inputs[i] = (struct ay_work_tensor_type){x->dtype, in_dims[i], ay_tape_dims(x, in_dims[i])};
        run.inputs[i] = x->data;
        in[i] = i;
    }
    op.in = in;
    op.dtype = ay_op_dtype(node->value.dtype);
    op.dims = dims;
    op.dims_count = ay_tape_dims(&node->value, dims);
    struct ay_work_program p = {.numerics = 1, .iterate = 1, .inputs = inputs, .ops = &op};
    p.inputs_count = op.in_count;
    p.ops_count = 1;
    struct ay_program_fault fault;
    if (ay_program_check(&p, &fault) != AY_OK) {
        (void)ay_tape_fail(tape, AY_E_WORK_PROGRAM, "%s", fault.reason);
        return tape->code;
    }
    struct ay_exec_options options = {.kernels = tape->kernels,
                                      .threads = ay_pool_threads(tape->pool),
                                      .pool = tape->pool};
    struct ay_exec *exec = NULL;
    enum ay_code code = ay_exec_open(&p, NULL, &options, &exec);
    if (code == AY_OK) code = ay_exec_run(exec, &run, 1);
    ay_exec_close(exec);
    if (code != AY_OK) (void)ay_tape_fail(tape, code, "%s", ay_code_info(code)->text);
    return code;
}
