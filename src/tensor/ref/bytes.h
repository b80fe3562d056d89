/* Any op's arithmetic for code that may not touch floating point: tensors as little-endian bytes,
 * on hosts of either byte order; what it computes is ref/ops.h.
 *
 * An element of an op's output is computed along its chain (ay_program_chain: what a reduction
 * reduces; 1 otherwise), in one go or in parts, between which a running state is kept: the same
 * bytes either way. Every NaN in a state, and that comes out, is canonical. Inputs and states may
 * hold any bits. No heap; a few ns an element of the chain. */
#ifndef AY_TENSOR_REF_BYTES_H
#define AY_TENSOR_REF_BYTES_H

#include "tensor/program.h"

#define AY_REF_STATE_BYTES 64

/* Bytes of the op's running state that count; those after them are zero.
 *   REDUCE sum, sumsq of f32   64: the partials s[0..15]
 *   REDUCE argmax, argmin      16: index of the best so far, its bits in 8 bytes
 *   otherwise                  those of an element: chain, extreme or product so far */
uint32_t ay_ref_state_bytes(const struct ay_op_shape *shape);

/* The state before the first element of the chain. */
void ay_ref_state_start(const struct ay_op_shape *shape, uint8_t state[AY_REF_STATE_BYTES]);

/* A part of an element's chain and what it reads. */
struct ay_ref_part {
    uint64_t element; /* of the output */
    uint64_t from;    /* first of the chain; MATMUL_Q8: a multiple of 32 */
    uint32_t count;   /* how many of the chain, >= 1 */
    /* Of each operand, what ay_reach says of it, one after another; NULL where it is nothing. */
    const uint8_t *x[AY_MAX_WORK_OP_IN];
};

/* Continues the state over the part. */
void ay_ref_state_run(const struct ay_op_shape *shape, const struct ay_ref_part *part,
                      uint8_t state[AY_REF_STATE_BYTES]);

/* The element's bits, once the state is that after the whole chain. */
uint64_t ay_ref_state_finish(const struct ay_op_shape *shape,
                             const uint8_t state[AY_REF_STATE_BYTES]);

/* Whether n elements of a dtype are what may be committed: ay_dtype_canonical, each of them. */
bool ay_ref_canonical(uint32_t dtype, const uint8_t *le, uint64_t n);

/* A whole op, element by element: out takes the op's output for these sizes, in[i] has operand i.
 * AY_E_RANGE as ay_program_shape. */
AY_MUST enum ay_code ay_ref_eval(const struct ay_work_program *program, uint32_t op,
                                 const uint32_t *sizes, const uint8_t *const *in, uint8_t *out);

#endif
