/* The one-step arbiter: computes one element of one op's output again, or one segment of the
 * reduction that it is, from the input leaves that a challenger opens. Which leaves those are is
 * index arithmetic, the same for whoever builds the evidence and whoever judges it.
 * Numbers come from tensor/ref through its interface of bytes. Pure: no heap, no float. */
#ifndef AY_VERIFY_ARBITER_H
#define AY_VERIFY_ARBITER_H

#include "base/gen/dispute.h"
#include "tensor/program.h"
#include "tensor/ref/bytes.h"

#define AY_ARBITER_MAX_RANGES AY_MAX_DISPUTE_EVIDENCE_RANGES
/* Running state of an op's chain (tensor/ref/bytes.h). */
#define AY_STATE_BYTES AY_REF_STATE_BYTES

/* A list of hashes as it stands in a message: one after another. len % 32 == 0 is the caller's to
 * check. */
typedef const uint8_t (*ay_hashes)[32];
static inline ay_hashes ay_hashes_of(struct ay_slice list)
{
    const void *bytes = list.data;
    return bytes;
}

/* What is to be computed. Borrowed; program is checked (ay_program_check). */
struct ay_target {
    const struct ay_work_program *program;
    uint32_t length;  /* S, size of the run's input; within the program's maximum */
    uint32_t op;      /* index */
    uint64_t element; /* in the op's output, < its number of elements */
    uint64_t segment; /* < ay_arbiter_segments() */
};

/* Neighbouring leaves of one operand. */
struct ay_need {
    uint32_t operand; /* position in the op's `in` */
    uint32_t leaves;  /* how many, >= 1 */
    uint64_t first;   /* index of the first leaf */
};

/* Leaves of 1 KiB that a tensor takes, at least 1; elements that a leaf holds, or the last of a
 * tensor's leaves. */
uint64_t ay_tensor_leaves(const struct ay_tensor_type *type);
uint32_t ay_leaf_elements(const struct ay_tensor_type *type, uint64_t leaf);

/* Segments of each element's chain; 1 for ops that have none. */
uint64_t ay_arbiter_segments(const struct ay_work_program *program, uint32_t op, uint32_t length);

/* The op of a run of this length, which is within the program's maximum. */
struct ay_op_shape ay_arbiter_shape(const struct ay_work_program *program, uint32_t op,
                                    uint32_t length);

/* The leaves needed, by operand and ascending, neighbours merged; needs has room for
 * AY_ARBITER_MAX_RANGES. A GATHER's table row depends on the id it reads: with id NULL only the
 * ids' leaf is told, with the id all of it. */
void ay_arbiter_needs(const struct ay_target *target, const int64_t *id, struct ay_need *needs,
                      uint32_t *count);

/* The id that a GATHER's target reads, from its needs' leaves. */
int64_t ay_arbiter_id(const struct ay_target *target, const struct ay_need *needs, uint32_t count,
                      const struct ay_dispute_range *ranges);

/* Continues the target's state over its segment, `ranges` being its needs' leaves, all there and of
 * the right lengths. */
void ay_arbiter_compute(const struct ay_target *target, const struct ay_need *needs, uint32_t count,
                        const struct ay_dispute_range *ranges, uint8_t state[AY_STATE_BYTES]);

/* Does the evidence open what the target needs, under the roots that bind it? input_root: tensor
 * root of the run's input; ops_root: Merkle root over the op outputs' tensor roots; weights' roots
 * stand in the program. If so the state is continued over the segment.
 * AY_E_DISPUTE_EVIDENCE, state untouched, when a leaf is missing or too many, a length is wrong, a
 * proof does not hold, or the evidence is over AY_MAX_EVIDENCE_BYTES.
 * Cost: hashing the evidence and one segment, about 0.3 ms at most. */
enum ay_code ay_arbiter_decide(const struct ay_target *target, const uint8_t input_root[32],
                               const uint8_t ops_root[32],
                               const struct ay_dispute_evidence *evidence,
                               uint8_t state[AY_STATE_BYTES]) AY_MUST;

#endif
