/* Programs: what a model is to the network (proto/assay/work/v1/program.proto), checked and
 * measured by integers alone, so that the ledger and the arbiter may call it. Pure: no heap, no
 * float.
 *
 * A dimension is a number in [1, 2^31), or AY_DIM_SYMBOL | i for symbol i. A symbol's size is fixed
 * by a run's inputs, between 1 and program->max_dims[i]. All rules hold for every size at once,
 * since shapes are compared as symbols.
 *
 * Operand ids: inputs, then weights, then the outputs of earlier ops. The program's output is that
 * of its last op. */
#ifndef AY_TENSOR_PROGRAM_H
#define AY_TENSOR_PROGRAM_H

#include "base/code.h"
#include "base/gen/work.h"

#define AY_DIM_SYMBOL  0x80000000u
#define AY_MAX_RANK    8
#define AY_MAX_SYMBOLS 4
/* 2^24 leaves of 1 KiB. */
#define AY_MAX_TENSOR_ELEMENTS (1ull << 32)
/* Largest evidence of one move of a dispute, bytes. */
#define AY_MAX_EVIDENCE_BYTES (128u << 10)
/* Elements of a reduction that one step of evidence covers: as many as fit when they lie side by
 * side, as many as there may be leaves when they do not. Multiples of 16, the lanes of a sum. */
#define AY_SEGMENT_CONTIGUOUS 8192u
#define AY_SEGMENT_STRIDED    64u

/* dims as written in the program, or resolved to numbers. */
struct ay_tensor_type {
    uint32_t dtype; /* enum ay_work_dtype */
    uint32_t rank;
    uint32_t dims[AY_MAX_RANK];
};

/* Why a program is refused, for people. */
struct ay_program_fault {
    uint32_t op;        /* index, or AY_NO_OP when it is not about one */
    const char *reason; /* static text */
};
#define AY_NO_OP UINT32_MAX

/* Whether the program keeps every rule of docs/numerics.md and of the dispute game:
 *   numerics 1, iterate 1; each symbol in some input; every operand earlier than its use;
 *   GATHER  table f32 (V, D), ids i32 (n'), out (n, D), n = n' or n' a number >= n's maximum:
 *           the first n ids are taken (so a table of positions 0, 1, ... serves every length);
 *   MAP     1 to 6 f32 inputs, out = their numpy broadcast, steps use what is there, no NaN const;
 *   MATMUL  a (batch, M, K), b (batch, N, K) or (N, K), out (batch, M, N);
 *   REDUCE  out = in with dims[axis] = 1;
 *   PERMUTE view has as many elements as the input, dims as many as the view;
 *   no field set that the op does not use; every tensor at most AY_MAX_TENSOR_ELEMENTS;
 *   every evidence at most AY_MAX_EVIDENCE_BYTES; units below 2^63.
 * AY_E_WORK_PROGRAM otherwise, and *fault (may be NULL) says why. O(bytes of the program). */
enum ay_code ay_program_check(const struct ay_work_program *program,
                              struct ay_program_fault *fault) AY_MUST;

/* Bytes of an element; enum ay_work_dtype, not NONE. */
static inline uint32_t ay_dtype_bytes(uint32_t dtype)
{
    return dtype == AY_WORK_DTYPE_I64                                  ? 8
           : dtype == AY_WORK_DTYPE_F32 || dtype == AY_WORK_DTYPE_I32 ? 4
                                                                       : 1;
}

/* The functions below need a checked program. */

/* Number of operand ids. */
uint32_t ay_program_values(const struct ay_work_program *program);

/* Operand id of an op's output. */
uint32_t ay_program_output(const struct ay_work_program *program, uint32_t op);

/* Type of operand `id`, dims as written. */
void ay_program_type(const struct ay_work_program *program, uint32_t id,
                     struct ay_tensor_type *out);

/* The same with each symbol i replaced by sizes[i]. AY_E_RANGE: a size is 0 or above its maximum.
 */
enum ay_code ay_program_shape(const struct ay_work_program *program, uint32_t id,
                              const uint32_t *sizes, struct ay_tensor_type *out) AY_MUST;

/* The number of elements of a type whose dims are numbers. */
uint64_t ay_tensor_elements(const struct ay_tensor_type *type);

/* Elements that one output element of the op reduces; 1 when it is not a reduction. */
uint32_t ay_program_chain(const struct ay_work_program *program, uint32_t op,
                          const uint32_t *sizes);

/* Elements a segment of the op's reduction; 1 when it is not one. Whether the elements reduced are
 * neighbours decides: MATMUL and REDUCE along the last axis, AY_SEGMENT_CONTIGUOUS; other REDUCE,
 * AY_SEGMENT_STRIDED. */
uint32_t ay_program_segment(const struct ay_work_program *program, uint32_t op);

/* Bytes of the largest evidence that any element of the op can need, at the largest sizes: leaves
 * with their proofs, or the list of running states. */
uint64_t ay_program_evidence(const struct ay_work_program *program, uint32_t op);

/* Work units of one run: for each op its arithmetic (MATMUL: multiply-adds; MAP: steps times
 * elements; REDUCE: elements) plus the bytes of the elements it reads and writes.
 * AY_E_RANGE as above. */
enum ay_code ay_program_units(const struct ay_work_program *program, const uint32_t *sizes,
                              uint64_t *out) AY_MUST;

/* The largest of all runs: ay_program_units at max_dims. */
uint64_t ay_program_max_units(const struct ay_work_program *program);

#endif
