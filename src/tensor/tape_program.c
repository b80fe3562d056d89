/* Writes what has been recorded as a program. */
#include "tensor/tape_impl.h"

#include <stdlib.h>

struct writer {
    struct ay_tape *tape;
    bool *needed, *pinned, *merged;
    struct ay_cluster *clusters;
    uint32_t *index; /* of each node among the inputs, weights or ops, counted from 1 */
    struct ay_work_op *ops;
    struct ay_work_weight *weights;
    const void **data;
    struct ay_work_program p;
};

static const struct ay_node *node_at(const struct writer *w, uint32_t id)
{
    return w->tape->nodes[id];
}

/* A program's output is bytes: what they are seen as is the caller's to know. */
static uint32_t source_of(const struct writer *w, const struct ay_value *x)
{
    const struct ay_node *n = ay_tape_node(w->tape, x);
    AY_ASSERT(!x->data);
    return n->kind == AY_NODE_RESHAPE ? n->op.in[0] : x->id;
}

static void mark_needed(struct writer *w, const struct ay_value *const *outputs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = source_of(w, outputs[i]);
        w->needed[id] = w->pinned[id] = true;
    }
    for (uint32_t id = w->tape->count; id-- > 0;) {
        const struct ay_node *n = node_at(w, id);
        if (!w->needed[id] || n->value.data) continue;
        for (uint32_t i = 0; i < n->op.in_count; i++) w->needed[n->op.in[i]] = true;
    }
}

static uint32_t *dims_of(struct writer *w, const struct ay_value *x, uint32_t *rank)
{
    uint32_t *dims = ay_tape_take(w->tape, AY_MAX_RANK * sizeof *dims);
    if (dims) *rank = ay_tape_dims(x, dims);
    return dims;
}

/* Its operand's elements in their order, seen with other dims. */
static bool identity(struct writer *w, const struct ay_value *from, struct ay_work_op *op)
{
    static const uint32_t order[AY_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    op->kind = AY_WORK_OP_PERMUTE;
    op->dtype = ay_op_dtype(from->dtype);
    op->view = dims_of(w, from, &op->view_count);
    op->perm = order;
    op->perm_count = op->view_count;
    return op->view != NULL;
}

/* The op of a node, its operands still node ids. */
static bool write_op(struct writer *w, const struct ay_node *n, struct ay_work_op *op)
{
    *op = n->op;
    if (n->kind == AY_NODE_RESHAPE && !identity(w, &node_at(w, n->op.in[0])->value, op))
        return false;
    if (n->kind == AY_NODE_OP && op->kind == AY_WORK_OP_MAP) {
        struct ay_map_op *map = ay_tape_take(w->tape, sizeof *map);
        if (!map) return false;
        bool built = ay_tape_map_build(w->tape, &w->clusters[n->value.id], true, map);
        AY_ASSERT(built);
        ay_tape_map_set(map, op);
    }
    op->dtype = ay_op_dtype(n->value.dtype);
    op->dims = dims_of(w, &n->value, &op->dims_count);
    return op->dims != NULL;
}

static void add_weight(struct writer *w, uint32_t id)
{
    const struct ay_value *x = &node_at(w, id)->value;
    if (!x->data || w->index[id]) return;
    if (w->p.weights_count == AY_MAX_WORK_PROGRAM_WEIGHTS) {
        (void)ay_tape_fail(w->tape, AY_E_LIMIT, "more than %u weights",
                           AY_MAX_WORK_PROGRAM_WEIGHTS);
        return;
    }
    struct ay_work_weight *weight = &w->weights[w->p.weights_count];
    weight->dtype = x->dtype;
    weight->dims = dims_of(w, x, &weight->dims_count);
    w->data[w->p.weights_count++] = x->data;
    w->index[id] = w->p.weights_count;
}

static void write_ops(struct writer *w)
{
    for (uint32_t id = 0; id < w->tape->count && w->tape->code == AY_OK; id++) {
        const struct ay_node *n = node_at(w, id);
        if (!w->needed[id] || n->value.data || n->kind == AY_NODE_INPUT || w->merged[id]) continue;
        if (w->p.ops_count == AY_MAX_WORK_PROGRAM_OPS) {
            (void)ay_tape_fail(w->tape, AY_E_LIMIT, "more than %u ops", AY_MAX_WORK_PROGRAM_OPS);
            return;
        }
        struct ay_work_op *op = &w->ops[w->p.ops_count];
        if (!write_op(w, n, op)) return;
        w->index[id] = ++w->p.ops_count;
        for (uint32_t i = 0; i < op->in_count; i++) add_weight(w, op->in[i]);
    }
}

static void write_inputs(struct writer *w)
{
    struct ay_work_tensor_type *inputs = ay_tape_take(w->tape, w->tape->inputs * sizeof *inputs);
    if (!inputs) return;
    for (uint32_t id = 0; id < w->tape->count; id++) {
        const struct ay_node *n = node_at(w, id);
        if (n->kind != AY_NODE_INPUT) continue;
        struct ay_work_tensor_type *t = &inputs[w->p.inputs_count++];
        t->dtype = n->value.dtype;
        t->dims = dims_of(w, &n->value, &t->dims_count);
        w->index[id] = w->p.inputs_count;
    }
    w->p.inputs = inputs;
}

/* What an operand is called in the program. */
static uint32_t operand_id(const struct writer *w, uint32_t id)
{
    const struct ay_node *n = node_at(w, id);
    uint32_t index = w->index[id] - 1;
    AY_ASSERT(w->index[id] > 0);
    if (n->kind == AY_NODE_INPUT) return index;
    return w->p.inputs_count + (n->value.data ? index : w->p.weights_count + index);
}

static void name_operands(struct writer *w)
{
    for (uint32_t i = 0; i < w->p.ops_count; i++) {
        struct ay_work_op *op = &w->ops[i];
        uint32_t *in = ay_tape_take(w->tape, op->in_count * sizeof *in);
        if (!in) return;
        for (uint32_t k = 0; k < op->in_count; k++) in[k] = operand_id(w, op->in[k]);
        op->in = in;
    }
}

/* Outputs are distinct results of ops: an input, or a value asked for twice, is copied. */
static void write_outputs(struct writer *w, const struct ay_value *const *outputs, uint32_t count)
{
    uint32_t *ids = ay_tape_take(w->tape, count * sizeof *ids), ops = w->p.ops_count;
    if (!ids) return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t source = source_of(w, outputs[i]), *in;
        ids[i] = operand_id(w, source);
        bool taken = node_at(w, source)->kind == AY_NODE_INPUT;
        for (uint32_t k = 0; k < i; k++) taken = taken || ids[k] == ids[i];
        if (!taken) continue;
        struct ay_work_op *op = &w->ops[ops++];
        if (!identity(w, &node_at(w, source)->value, op)) return;
        op->dims = op->view;
        op->dims_count = op->view_count;
        op->in = in = ay_tape_take(w->tape, sizeof *in);
        op->in_count = 1;
        if (!in) return;
        *in = ids[i];
        ids[i] = w->p.inputs_count + w->p.weights_count + ops - 1;
    }
    w->p.ops_count = ops;
    w->p.outputs = ids;
    w->p.outputs_count = count;
}

/* The most that one op touches has to fit, whatever the order. */
static void check_memory(const struct writer *w)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    for (uint32_t i = 0; i < w->p.ops_count; i++) {
        struct ay_tensor_type t;
        uint64_t bytes = 0;
        for (uint32_t k = 0; k <= w->ops[i].in_count; k++) {
            uint32_t id = k < w->ops[i].in_count ? w->ops[i].in[k] : ay_program_output(&w->p, i);
            enum ay_code code = ay_program_shape(&w->p, id, none, &t);
            AY_ASSERT(code == AY_OK);
            bytes += ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype);
        }
        if (bytes > w->tape->limit_bytes)
            (void)ay_tape_fail(w->tape, AY_E_LIMIT,
                               "needs %llu MiB for one operation, above the limit of %llu MiB",
                               (unsigned long long)(bytes >> 20) + 1,
                               (unsigned long long)(w->tape->limit_bytes >> 20));
    }
}

static void write_program(struct writer *w, const struct ay_value *const *outputs, uint32_t count)
{
    mark_needed(w, outputs, count);
    if (ay_tape_merge(w->tape, w->needed, w->pinned, w->clusters, w->merged) != AY_OK) {
        (void)ay_tape_fail(w->tape, AY_E_MEMORY, "out of memory");
        return;
    }
    w->p.numerics = w->p.iterate = 1;
    write_inputs(w);
    write_ops(w);
    if (w->tape->code != AY_OK) return;
    name_operands(w);
    w->p.ops = w->ops;
    w->p.weights = w->weights;
    write_outputs(w, outputs, count);
    if (w->tape->code != AY_OK) return;
    struct ay_program_fault fault;
    if (ay_program_check(&w->p, &fault) == AY_OK)
        check_memory(w);
    else
        (void)ay_tape_fail(w->tape, AY_E_WORK_PROGRAM, "op %u of the program: %s", fault.op,
                           fault.reason);
}

enum ay_code ay_tape_program(struct ay_tape *tape, const struct ay_value *const *outputs,
                             uint32_t count, struct ay_tape_program *out)
{
    if (tape->code != AY_OK) return tape->code;
    AY_ASSERT(count > 0);
    if (count > AY_MAX_WORK_PROGRAM_OUTPUTS) {
        (void)ay_tape_fail(tape, AY_E_LIMIT, "more than %u outputs", AY_MAX_WORK_PROGRAM_OUTPUTS);
        return tape->code;
    }
    size_t n = tape->count;
    struct writer w = {.tape = tape};
    w.needed = calloc(3 * n, sizeof *w.needed);
    w.clusters = calloc(n, sizeof *w.clusters);
    w.index = calloc(n, sizeof *w.index);
    w.ops = ay_tape_take(tape, (n + count) * sizeof *w.ops);
    w.weights = ay_tape_take(tape, n * sizeof *w.weights);
    w.data = ay_tape_take(tape, n * sizeof *w.data);
    if (!w.needed || !w.clusters || !w.index) {
        (void)ay_tape_fail(tape, AY_E_MEMORY, "out of memory");
    } else if (tape->code == AY_OK) {
        w.pinned = w.needed + n;
        w.merged = w.needed + 2 * n;
        write_program(&w, outputs, count);
    }
    *out = (struct ay_tape_program){w.p, w.data, count};
    free(w.needed);
    free(w.clusters);
    free(w.index);
    return tape->code;
}
