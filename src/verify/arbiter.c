#include "verify/arbiter.h"

#include "crypto/merkle.h"
#include "tensor/ref/bytes.h"
#include "tensor/ref/ops.h"

#define LEAF_ELEMENTS (AY_TENSOR_LEAF_BYTES / 4u)

/* Elements first, first + stride, ... of one operand. */
struct reach {
    uint64_t first, stride;
    uint32_t count;
};

static struct ay_tensor_type type_of(const struct ay_target *t, uint32_t value)
{
    struct ay_tensor_type type;
    uint32_t sizes[AY_MAX_SYMBOLS] = {t->length};
    enum ay_code code = ay_program_shape(t->program, value, sizes, &type);
    AY_ASSERT(code == AY_OK);
    return type;
}

static const struct ay_work_op *op_of(const struct ay_target *t)
{
    AY_ASSERT(t->op < t->program->ops_count);
    return &t->program->ops[t->op];
}

uint64_t ay_tensor_leaves(const struct ay_tensor_type *type)
{
    uint64_t n = (ay_tensor_elements(type) + LEAF_ELEMENTS - 1) / LEAF_ELEMENTS;
    return n ? n : 1;
}

static bool sums(const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_REDUCE && op->reduce != AY_WORK_REDUCE_MAX;
}

uint64_t ay_arbiter_segments(const struct ay_work_program *program, uint32_t op, uint32_t length)
{
    uint32_t sizes[AY_MAX_SYMBOLS] = {length}, step = ay_program_segment(program, op);
    return ((uint64_t)ay_program_chain(program, op, sizes) + step - 1) / step;
}

uint32_t ay_arbiter_state_bytes(const struct ay_work_op *op)
{
    return sums(op) ? AY_REF_SUM_BYTES : 4;
}

void ay_arbiter_state_start(const struct ay_work_op *op, uint8_t state[AY_STATE_BYTES])
{
    memset(state, 0, AY_STATE_BYTES);
    if (op->kind == AY_WORK_OP_REDUCE && !sums(op)) ay_put_le32(state, AY_REF_MAX_START);
}

uint32_t ay_arbiter_state_finish(const struct ay_work_op *op, const uint8_t state[AY_STATE_BYTES])
{
    return sums(op) ? ay_ref_sum_finish_bits(state) : ay_get_le32(state);
}

/* Index arithmetic. Coordinates are taken from the last axis to the first. */

/* The element of an operand that numpy broadcasting puts at element `index` of the output. */
static uint64_t broadcast(const struct ay_tensor_type *out, const struct ay_tensor_type *in,
                          uint64_t index)
{
    uint64_t at = 0, step = 1;
    for (uint32_t back = 1; back <= in->rank; back++) {
        uint64_t coordinate = index % out->dims[out->rank - back];
        index /= out->dims[out->rank - back];
        if (in->dims[in->rank - back] != 1) at += coordinate * step;
        step *= in->dims[in->rank - back];
    }
    return at;
}

static uint64_t permuted(const struct ay_target *t, const struct ay_work_op *op)
{
    uint64_t strides[AY_MAX_RANK], step = 1, at = 0, index = t->element;
    uint32_t dims[AY_MAX_RANK];
    for (uint32_t i = op->view_count; i-- > 0;) {
        dims[i] = op->view[i] & AY_DIM_SYMBOL ? t->length : op->view[i];
        strides[i] = step;
        step *= dims[i];
    }
    for (uint32_t i = op->perm_count; i-- > 0;) {
        at += index % dims[op->perm[i]] * strides[op->perm[i]];
        index /= dims[op->perm[i]];
    }
    return at;
}

/* A segment of a chain of k elements that starts at `base` and goes on by `stride`. */
static struct reach along(const struct ay_target *t, uint64_t base, uint64_t stride, uint32_t k)
{
    uint32_t step = ay_program_segment(t->program, t->op);
    uint64_t from = t->segment * step;
    AY_ASSERT(from < k);
    uint32_t count = k - from < step ? (uint32_t)(k - from) : step;
    return (struct reach){base + from * stride, stride, count};
}

static struct reach matmul_reach(const struct ay_target *t, const struct ay_tensor_type *in,
                                 uint32_t operand)
{
    struct ay_tensor_type out = type_of(t, ay_program_output(t->program, t->op));
    uint32_t columns = out.dims[out.rank - 1], rows = out.dims[out.rank - 2];
    uint32_t k = in->dims[in->rank - 1];
    uint64_t row = t->element / columns;
    if (operand == 1) {
        uint64_t batch = in->rank > 2 ? row / rows : 0;
        row = batch * columns + t->element % columns;
    }
    return along(t, row * k, 1, k);
}

static struct reach reduce_reach(const struct ay_target *t, const struct ay_work_op *op,
                                 const struct ay_tensor_type *in)
{
    uint64_t inner = 1;
    for (uint32_t i = op->axis + 1; i < in->rank; i++) inner *= in->dims[i];
    uint32_t k = in->dims[op->axis];
    return along(t, t->element / inner * k * inner + t->element % inner, inner, k);
}

/* What the target reads of an operand. id: as ay_arbiter_needs; count 0 when it is not known. */
static struct reach reach_of(const struct ay_target *t, uint32_t operand, const uint32_t *id)
{
    const struct ay_work_op *op = op_of(t);
    struct ay_tensor_type in = type_of(t, op->in[operand]);
    uint64_t row, width;
    switch (op->kind) {
    case AY_WORK_OP_GATHER:
        width = type_of(t, op->in[0]).dims[1];
        if (operand == 1) return (struct reach){t->element / width, 1, 1};
        if (!id) return (struct reach){0, 1, 0};
        row = ay_ref_gather_row((int32_t)*id, in.dims[0]);
        return (struct reach){row * width + t->element % width, 1, 1};
    case AY_WORK_OP_MATMUL: return matmul_reach(t, &in, operand);
    case AY_WORK_OP_REDUCE: return reduce_reach(t, op, &in);
    case AY_WORK_OP_PERMUTE: return (struct reach){permuted(t, op), 1, 1};
    default: {
        struct ay_tensor_type out = type_of(t, ay_program_output(t->program, t->op));
        return (struct reach){broadcast(&out, &in, t->element), 1, 1};
    }
    }
}

static void add_need(struct ay_need *needs, uint32_t *count, uint32_t operand, uint64_t first,
                     uint64_t last)
{
    struct ay_need *end = *count ? &needs[*count - 1] : NULL;
    uint32_t leaves = (uint32_t)(last - first + 1);
    if (end && end->operand == operand && first <= end->first + end->leaves) {
        uint64_t stop = end->first + end->leaves;
        if (last + 1 > stop) end->leaves += (uint32_t)(last + 1 - stop);
        return;
    }
    AY_ASSERT(*count < AY_ARBITER_MAX_RANGES);
    needs[(*count)++] = (struct ay_need){operand, leaves, first};
}

void ay_arbiter_needs(const struct ay_target *target, const uint32_t *id, struct ay_need *needs,
                      uint32_t *count)
{
    const struct ay_work_op *op = op_of(target);
    *count = 0;
    for (uint32_t i = 0; i < op->in_count; i++) {
        struct reach r = reach_of(target, i, id);
        if (r.stride == 1 && r.count > 0) {
            add_need(needs, count, i, r.first / LEAF_ELEMENTS,
                     (r.first + r.count - 1) / LEAF_ELEMENTS);
            continue;
        }
        for (uint32_t k = 0; k < r.count; k++) {
            uint64_t leaf = (r.first + k * r.stride) / LEAF_ELEMENTS;
            add_need(needs, count, i, leaf, leaf);
        }
    }
}

const uint8_t *ay_arbiter_find(const struct ay_need *needs, uint32_t count,
                               const struct ay_dispute_range *ranges, uint32_t operand,
                               uint64_t index)
{
    uint64_t leaf = index / LEAF_ELEMENTS;
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_need *n = &needs[i];
        if (n->operand != operand || leaf < n->first || leaf - n->first >= n->leaves) continue;
        return ranges[i].leaves.data + (index - n->first * LEAF_ELEMENTS) * 4;
    }
    return NULL;
}

/* The values. */

static const uint8_t *at(const struct ay_need *needs, uint32_t count,
                         const struct ay_dispute_range *ranges, uint32_t operand, uint64_t index)
{
    const uint8_t *p = ay_arbiter_find(needs, count, ranges, operand, index);
    AY_ASSERT(p);
    return p;
}

static void compute_map(const struct ay_target *t, const struct ay_need *needs, uint32_t count,
                        const struct ay_dispute_range *ranges, uint8_t *state)
{
    const struct ay_work_op *op = op_of(t);
    struct ay_map_step steps[AY_MAX_WORK_OP_STEPS];
    uint32_t inputs[AY_MAX_WORK_OP_IN], bits = 0;
    for (uint32_t i = 0; i < op->steps_count; i++) {
        const struct ay_work_map_step *s = &op->steps[i];
        steps[i].fn = (enum ay_fn)s->fn;
        for (uint32_t a = 0; a < 2; a++) steps[i].args[a] = a < s->args_count ? s->args[a] : 0;
    }
    for (uint32_t i = 0; i < op->in_count; i++)
        inputs[i] = ay_get_le32(at(needs, count, ranges, i, reach_of(t, i, NULL).first));
    const struct ay_map map = {.steps = steps,
                               .step_count = op->steps_count,
                               .consts = op->consts,
                               .const_count = op->consts_count,
                               .dims = &t->length,
                               .dim_count = t->program->max_dims_count,
                               .input_count = op->in_count};
    enum ay_code code = ay_ref_map_bits(&map, inputs, &bits);
    AY_ASSERT(code == AY_OK);
    ay_put_le32(state, bits);
}

static void compute_reduce(const struct ay_target *t, const struct ay_need *needs, uint32_t count,
                           const struct ay_dispute_range *ranges, uint8_t *state)
{
    const struct ay_work_op *op = op_of(t);
    struct reach r = reach_of(t, 0, NULL);
    uint64_t index = t->segment * ay_program_segment(t->program, t->op);
    uint8_t strided[AY_SEGMENT_STRIDED * 4];
    const uint8_t *x = strided;
    if (r.stride == 1) {
        x = at(needs, count, ranges, 0, r.first);
    } else {
        for (uint32_t k = 0; k < r.count; k++)
            memcpy(strided + (size_t)4 * k, at(needs, count, ranges, 0, r.first + k * r.stride), 4);
    }
    switch (op->reduce) {
    case AY_WORK_REDUCE_SUM: ay_ref_sum_bits(state, index, x, r.count); break;
    case AY_WORK_REDUCE_SUMSQ: ay_ref_sumsq_bits(state, index, x, r.count); break;
    default: ay_put_le32(state, ay_ref_max_bits(ay_get_le32(state), x, r.count));
    }
}

void ay_arbiter_compute(const struct ay_target *t, const struct ay_need *needs, uint32_t count,
                        const struct ay_dispute_range *ranges, uint8_t state[AY_STATE_BYTES])
{
    const struct ay_work_op *op = op_of(t);
    struct reach a = reach_of(t, 0, NULL), b;
    uint32_t id;
    switch (op->kind) {
    case AY_WORK_OP_GATHER:
        id = ay_get_le32(at(needs, count, ranges, 1, reach_of(t, 1, NULL).first));
        memcpy(state, at(needs, count, ranges, 0, reach_of(t, 0, &id).first), 4);
        return;
    case AY_WORK_OP_MATMUL:
        b = reach_of(t, 1, NULL);
        ay_put_le32(state, ay_ref_chain_bits(ay_get_le32(state), at(needs, count, ranges, 0, a.first),
                                             at(needs, count, ranges, 1, b.first), a.count));
        return;
    case AY_WORK_OP_REDUCE: compute_reduce(t, needs, count, ranges, state); return;
    case AY_WORK_OP_PERMUTE: memcpy(state, at(needs, count, ranges, 0, a.first), 4); return;
    default: compute_map(t, needs, count, ranges, state);
    }
}

/* The proofs. */

static bool hashes_of(struct ay_slice bytes, ay_hashes *out, size_t *count)
{
    *out = ay_hashes_of(bytes);
    *count = bytes.len / 32;
    return bytes.len % 32 == 0;
}

/* Does the operand's tensor have the root that the run, the program or the ops' list gives it? */
static bool operand_bound(const struct ay_target *t, uint32_t operand, const uint8_t input_root[32],
                          const uint8_t ops_root[32], const struct ay_dispute_operand *opened)
{
    const struct ay_work_program *p = t->program;
    uint32_t value = op_of(t)->in[operand];
    struct ay_tensor_type type = type_of(t, value);
    ay_hashes proof;
    uint8_t root[32], leaf[1][32];
    size_t count;
    if (!hashes_of(opened->proof, &proof, &count)) return false;
    ay_tensor_root_bind((uint8_t)type.dtype, (uint8_t)type.rank, type.dims, opened->merkle_root,
                        root);
    if (value < p->inputs_count) return count == 0 && memcmp(root, input_root, 32) == 0;
    value -= p->inputs_count;
    if (value < p->weights_count)
        return count == 0 && memcmp(root, p->weights[value].root, 32) == 0;
    value -= p->weights_count;
    ay_merkle_leaf(AY_SLICE_OF(root), leaf[0]);
    return ay_merkle_verify(ops_root, p->ops_count, value, 1, (ay_hashes)leaf, proof,
                            count) == AY_OK;
}

static bool range_opens(const struct ay_target *t, const struct ay_need *need,
                        const struct ay_dispute_range *range, const uint8_t merkle_root[32])
{
    struct ay_tensor_type type = type_of(t, op_of(t)->in[need->operand]);
    uint8_t leaves[AY_MAX_EVIDENCE_BYTES / AY_TENSOR_LEAF_BYTES][32];
    ay_hashes proof;
    size_t count;
    if (range->leaves.len != (uint64_t)need->leaves * AY_TENSOR_LEAF_BYTES) return false;
    if (range->leaves.len > AY_MAX_EVIDENCE_BYTES) return false;
    if (!hashes_of(range->proof, &proof, &count)) return false;
    for (uint32_t i = 0; i < need->leaves; i++)
        ay_merkle_leaf(ay_slice(range->leaves.data + (size_t)i * AY_TENSOR_LEAF_BYTES,
                                AY_TENSOR_LEAF_BYTES), leaves[i]);
    return ay_merkle_verify(merkle_root, ay_tensor_leaves(&type), need->first, need->leaves,
                            (ay_hashes)leaves, proof, count) == AY_OK;
}

static bool within_limit(const struct ay_dispute_evidence *evidence)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < evidence->operands_count; i++)
        bytes += 32 + (uint64_t)evidence->operands[i].proof.len;
    for (uint32_t i = 0; i < evidence->ranges_count; i++)
        bytes += (uint64_t)evidence->ranges[i].leaves.len + evidence->ranges[i].proof.len;
    return bytes <= AY_MAX_EVIDENCE_BYTES;
}

/* The ranges open their leaves; for a GATHER the ids first, since they say which row is needed. */
static bool ranges_open(const struct ay_target *t, const struct ay_dispute_evidence *evidence,
                        struct ay_need *needs, uint32_t *count)
{
    const struct ay_dispute_range *ranges = evidence->ranges;
    uint32_t id;
    ay_arbiter_needs(t, NULL, needs, count);
    if (op_of(t)->kind == AY_WORK_OP_GATHER) {
        /* the table's range comes first, the ids' second */
        if (evidence->ranges_count != 2) return false;
        if (!range_opens(t, &needs[0], &ranges[1], evidence->operands[1].merkle_root)) return false;
        id = ay_get_le32(at(needs, 1, &ranges[1], 1, reach_of(t, 1, NULL).first));
        ay_arbiter_needs(t, &id, needs, count);
    }
    if (evidence->ranges_count != *count) return false;
    for (uint32_t i = 0; i < *count; i++) {
        const struct ay_dispute_operand *opened = &evidence->operands[needs[i].operand];
        if (!range_opens(t, &needs[i], &ranges[i], opened->merkle_root)) return false;
    }
    return true;
}

enum ay_code ay_arbiter_decide(const struct ay_target *t, const uint8_t input_root[32],
                               const uint8_t ops_root[32],
                               const struct ay_dispute_evidence *evidence,
                               uint8_t state[AY_STATE_BYTES])
{
    const struct ay_work_op *op = op_of(t);
    struct ay_need needs[AY_ARBITER_MAX_RANGES];
    uint32_t count;
    if (evidence->operands_count != op->in_count || !within_limit(evidence))
        return AY_E_DISPUTE_EVIDENCE;
    for (uint32_t i = 0; i < op->in_count; i++)
        if (!operand_bound(t, i, input_root, ops_root, &evidence->operands[i]))
            return AY_E_DISPUTE_EVIDENCE;
    if (!ranges_open(t, evidence, needs, &count)) return AY_E_DISPUTE_EVIDENCE;
    ay_arbiter_compute(t, needs, count, evidence->ranges, state);
    return AY_OK;
}
