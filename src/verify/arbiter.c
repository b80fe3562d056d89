#include "verify/arbiter.h"

#include "crypto/merkle.h"
#include "tensor/reach.h"

static const struct ay_work_op *op_of(const struct ay_target *t)
{
    AY_ASSERT(t->op < t->program->ops_count);
    return &t->program->ops[t->op];
}

uint64_t ay_tensor_leaves(const struct ay_tensor_type *type)
{
    uint64_t bytes = ay_tensor_elements(type) * ay_dtype_bytes(type->dtype);
    uint64_t n = (bytes + AY_TENSOR_LEAF_BYTES - 1) / AY_TENSOR_LEAF_BYTES;
    return n ? n : 1;
}

static uint32_t per_leaf(const struct ay_tensor_type *type)
{
    return AY_TENSOR_LEAF_BYTES / ay_dtype_bytes(type->dtype);
}

uint32_t ay_leaf_elements(const struct ay_tensor_type *type, uint64_t leaf)
{
    uint64_t left = ay_tensor_elements(type) - leaf * per_leaf(type);
    return left < per_leaf(type) ? (uint32_t)left : per_leaf(type);
}

struct ay_op_shape ay_arbiter_shape(const struct ay_work_program *program, uint32_t op,
                                    uint32_t length)
{
    struct ay_op_shape shape;
    uint32_t sizes[AY_MAX_SYMBOLS] = {length};
    enum ay_code code = ay_program_op_shape(program, op, sizes, &shape);
    AY_ASSERT(code == AY_OK);
    return shape;
}

uint64_t ay_arbiter_segments(const struct ay_work_program *program, uint32_t op, uint32_t length)
{
    uint32_t sizes[AY_MAX_SYMBOLS] = {length}, step = ay_program_segment(program, op);
    return ((uint64_t)ay_program_chain(program, op, sizes) + step - 1) / step;
}

/* A target's op and the part of the chain that it is, without its operands. */
struct step {
    struct ay_op_shape shape;
    struct ay_ref_part part;
};

static struct step step_of(const struct ay_target *t)
{
    uint32_t sizes[AY_MAX_SYMBOLS] = {t->length}, size = ay_program_segment(t->program, t->op);
    uint32_t chain = ay_program_chain(t->program, t->op, sizes);
    uint64_t from = t->segment * size, left = chain - from;
    AY_ASSERT(from < chain);
    uint32_t count = left < size ? (uint32_t)left : size;
    return (struct step){ay_arbiter_shape(t->program, t->op, t->length),
                         {.element = t->element, .from = from, .count = count}};
}

static struct ay_reach reach_of(const struct step *s, uint32_t operand, const int64_t *id)
{
    return ay_reach_of(&s->shape, operand, s->part.element, s->part.from, s->part.count, id);
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

void ay_arbiter_needs(const struct ay_target *target, const int64_t *id, struct ay_need *needs,
                      uint32_t *count)
{
    const struct step s = step_of(target);
    *count = 0;
    for (uint32_t i = 0; i < s.shape.op->in_count; i++) {
        struct ay_reach r = reach_of(&s, i, id);
        uint32_t leaf = per_leaf(&s.shape.in[i]);
        if (r.stride == 1 && r.count > 0) {
            add_need(needs, count, i, r.first / leaf, (r.first + r.count - 1) / leaf);
            continue;
        }
        for (uint32_t k = 0; k < r.count; k++) {
            uint64_t at = (r.first + k * r.stride) / leaf;
            add_need(needs, count, i, at, at);
        }
    }
}

/* The values. */

/* Where element `index` of an operand lies within the leaves of these ranges: ranges[i] holds the
 * leaves of needs[i]. */
static const uint8_t *find(const struct step *s, const struct ay_need *needs, uint32_t count,
                           const struct ay_dispute_range *ranges, uint32_t operand, uint64_t index)
{
    uint64_t leaf = index / per_leaf(&s->shape.in[operand]);
    uint32_t i = 0;
    while (i < count && !(needs[i].operand == operand && leaf >= needs[i].first &&
                          leaf - needs[i].first < needs[i].leaves))
        i++;
    AY_ASSERT(i < count);
    uint64_t before = needs[i].first * AY_TENSOR_LEAF_BYTES;
    return ranges[i].leaves.data + index * ay_dtype_bytes(s->shape.in[operand].dtype) - before;
}

int64_t ay_arbiter_id(const struct ay_target *target, const struct ay_need *needs, uint32_t count,
                      const struct ay_dispute_range *ranges)
{
    const struct step s = step_of(target);
    uint32_t dtype = s.shape.in[1].dtype;
    AY_ASSERT(s.shape.op->kind == AY_WORK_OP_GATHER);
    const uint8_t *le = find(&s, needs, count, ranges, 1, reach_of(&s, 1, NULL).first);
    return ay_dtype_widen(dtype, ay_element_get(le, ay_dtype_bytes(dtype)));
}

void ay_arbiter_compute(const struct ay_target *target, const struct ay_need *needs, uint32_t count,
                        const struct ay_dispute_range *ranges, uint8_t state[AY_STATE_BYTES])
{
    struct step s = step_of(target);
    bool gather = s.shape.op->kind == AY_WORK_OP_GATHER;
    int64_t id = gather ? ay_arbiter_id(target, needs, count, ranges) : 0;
    uint8_t picked[AY_SEGMENT_STRIDED * 8]; /* of the one operand of a REDUCE across rows */
    for (uint32_t i = 0; i < s.shape.op->in_count; i++) {
        struct ay_reach r = reach_of(&s, i, &id);
        uint32_t bytes = ay_dtype_bytes(s.shape.in[i].dtype);
        if (r.count > 0 && r.stride == 1)
            s.part.x[i] = find(&s, needs, count, ranges, i, r.first);
        else if (r.count > 0)
            s.part.x[i] = picked;
        for (uint32_t k = 0; r.stride != 1 && k < r.count; k++)
            memcpy(picked + (size_t)k * bytes,
                   find(&s, needs, count, ranges, i, r.first + k * r.stride), bytes);
    }
    ay_ref_state_run(&s.shape, &s.part, state);
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
    struct ay_tensor_type type = ay_arbiter_shape(p, t->op, t->length).in[operand];
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
    return ay_merkle_verify(ops_root, p->ops_count, value, 1, (ay_hashes)leaf, proof, count) ==
           AY_OK;
}

static bool range_opens(const struct ay_target *t, const struct ay_need *need,
                        const struct ay_dispute_range *range, const uint8_t merkle_root[32])
{
    const struct ay_tensor_type type =
        ay_arbiter_shape(t->program, t->op, t->length).in[need->operand];
    uint8_t leaves[AY_MAX_EVIDENCE_BYTES / AY_TENSOR_LEAF_BYTES][32];
    ay_hashes proof;
    size_t count;
    if (range->leaves.len != (uint64_t)need->leaves * AY_TENSOR_LEAF_BYTES) return false;
    if (range->leaves.len > AY_MAX_EVIDENCE_BYTES) return false;
    if (!hashes_of(range->proof, &proof, &count)) return false;
    for (uint32_t i = 0; i < need->leaves; i++)
        ay_merkle_leaf(
            ay_slice(range->leaves.data + (size_t)i * AY_TENSOR_LEAF_BYTES, AY_TENSOR_LEAF_BYTES),
            leaves[i]);
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
    ay_arbiter_needs(t, NULL, needs, count);
    if (op_of(t)->kind == AY_WORK_OP_GATHER) {
        /* the table's range comes first, the ids' second */
        if (evidence->ranges_count != 2) return false;
        if (!range_opens(t, &needs[0], &ranges[1], evidence->operands[1].merkle_root)) return false;
        int64_t id = ay_arbiter_id(t, needs, 1, &ranges[1]);
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
