/* Programs: what a model is to the network (proto/assay/work/v1/program.proto), checked and
 * measured by integers alone, so that the ledger and the arbiter may call it. Pure: no heap, no
 * float.
 *
 * A dimension is a number in [1, 2^31), or AY_DIM_SYMBOL | i for symbol i. A symbol's size is fixed
 * by a run's inputs, between 1 and program->max_dims[i]. All rules hold for every size at once,
 * since shapes are compared as symbols.
 *
 * Operand ids: inputs, then weights, then the outputs of earlier ops. What a program gives are its
 * `outputs`, in their order, or without any the output of its last op. */
#ifndef AY_TENSOR_PROGRAM_H
#define AY_TENSOR_PROGRAM_H

#include "base/code.h"
#include "base/gen/work.h"
#include "tensor/dtype.h"

#define AY_DIM_SYMBOL          0x80000000u
#define AY_MAX_RANK            8
#define AY_MAX_SYMBOLS         4
#define AY_MAX_TENSOR_ELEMENTS (1ull << 32)
/* 2^24 leaves of 1 KiB. */
#define AY_MAX_TENSOR_BYTES (1ull << 34)
/* Largest evidence of one move of a dispute, bytes. */
#define AY_MAX_EVIDENCE_BYTES (128u << 10)
/* Elements of a reduction that one step of evidence covers: as many as fit when they lie side by
 * side, as many as there may be leaves when they do not. Multiples of 16, the lanes of a sum, and
 * of 32, the block of MATMUL_Q8. */
#define AY_SEGMENT_CONTIGUOUS 8192u
#define AY_SEGMENT_STRIDED    64u
#define AY_SEGMENT_SCATTER    4096u

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

/* A dim as a number, sizes giving that of each symbol. */
static inline uint32_t ay_dim_size(uint32_t dim, const uint32_t *sizes)
{
    return dim & AY_DIM_SYMBOL ? sizes[dim & ~AY_DIM_SYMBOL] : dim;
}

/* Whether the program keeps every rule of docs/numerics.md and of the dispute game:
 *   numerics 1, iterate 1; each symbol in some input; every operand earlier than its use; outputs
 *   made by ops, each named once;
 *   GATHER  table, ids i32 or i64, axis; out = table's dims with the ids' dims for the axis, or
 * with n for it where ids are (n'), n' a number >= n's maximum: the first n ids are taken (so a
 * table of positions 0, 1, ... serves every length); MAP     1 to 6 inputs, out = their numpy
 * broadcast, steps use what is there and of the kind that their functions take (ref/fn.h), the last
 * is of the kind of `dtype`, no NaN const; MATMUL  a (batch, M, K), b (batch, N, K) or (N, K), out
 * (batch, M, N); f32, or any of i8, u8, i32 giving i32; MATMUL_Q8  a f32 (batch, M, K), w i8 (N,
 * K), d f32 (N, ceil(K / 32)), out f32 (batch, M, N), K a number; REDUCE  out = in with dims[axis]
 * = 1; SUM, SUMSQ, PROD of f32, i32, i64, MAX and MIN of every dtype, ARGMAX and ARGMIN of every
 * dtype giving i64; PERMUTE view has as many elements as the input, dims as many as the view; VIEW
 * view has as many elements as the input, dims as many as the grid; offsets and coefs (view, grid)
 * within i32; fill is an element's canonical bits; CONCAT  2 to 6 inputs of one dtype and one shape
 * but along axis, where sizes are numbers; SCATTER data, ids (K) i32 or i64, updates (K) as data,
 * out as data; NONE, MAX, MIN of every dtype, SUM and PROD of f32, i32, i64. The output's dtype is
 * `dtype` of the op (NONE: f32) and must be what is said here; it is that of the (first) operand
 * where nothing is said. No field set that the op does not use; every tensor at most
 * AY_MAX_TENSOR_ELEMENTS and AY_MAX_TENSOR_BYTES; every evidence at most AY_MAX_EVIDENCE_BYTES;
 * units below 2^63.
 * AY_E_WORK_PROGRAM otherwise, and *fault (may be NULL) says why. O(bytes of the program). */
enum ay_code ay_program_check(const struct ay_work_program *program,
                              struct ay_program_fault *fault) AY_MUST;

/* The functions below need a checked program. */

/* Number of operand ids. */
uint32_t ay_program_values(const struct ay_work_program *program);

/* Operand id of an op's output. */
uint32_t ay_program_output(const struct ay_work_program *program, uint32_t op);

/* Number of the program's outputs, and the operand id of the i-th. */
uint32_t ay_program_outputs(const struct ay_work_program *program);
uint32_t ay_program_output_at(const struct ay_work_program *program, uint32_t i);

/* Type of operand `id`, dims as written. */
void ay_program_type(const struct ay_work_program *program, uint32_t id,
                     struct ay_tensor_type *out);

/* The same with each symbol i replaced by sizes[i]. AY_E_RANGE: a size is 0 or above its maximum.
 */
enum ay_code ay_program_shape(const struct ay_work_program *program, uint32_t id,
                              const uint32_t *sizes, struct ay_tensor_type *out) AY_MUST;

/* An op of a run: all dims are numbers. */
struct ay_op_shape {
    const struct ay_work_op *op;
    struct ay_tensor_type out, in[AY_MAX_WORK_OP_IN];
    uint32_t view[AY_MAX_RANK], grid[AY_MAX_WORK_OP_GRID];
    uint32_t sizes[AY_MAX_SYMBOLS]; /* of the program's symbols */
};

/* AY_E_RANGE as above. The op is borrowed. */
enum ay_code ay_program_op_shape(const struct ay_work_program *program, uint32_t op,
                                 const uint32_t *sizes, struct ay_op_shape *out) AY_MUST;

/* The number of elements of a type whose dims are numbers. */
uint64_t ay_tensor_elements(const struct ay_tensor_type *type);

/* Length of one output element's chain: the elements that a MATMUL, MATMUL_Q8 or REDUCE reduces,
 * the updates of a SCATTER; 1 for other ops. sizes must be in range. */
uint32_t ay_program_chain(const struct ay_work_program *program, uint32_t op,
                          const uint32_t *sizes);

/* Elements a segment of the op's chain; 1 when it has none. Whether the elements are neighbours
 * decides: MATMUL, MATMUL_Q8 and REDUCE along the last axis, AY_SEGMENT_CONTIGUOUS; other REDUCE,
 * AY_SEGMENT_STRIDED; SCATTER, which reads ids and updates of 8 bytes each, AY_SEGMENT_SCATTER. */
uint32_t ay_program_segment(const struct ay_work_program *program, uint32_t op);

/* Bytes of the largest evidence that any element of the op can need, at the largest sizes: leaves
 * with their proofs, or the list of running states. */
uint64_t ay_program_evidence(const struct ay_work_program *program, uint32_t op);

/* Work units of one run: for each op its arithmetic (MATMUL, MATMUL_Q8: multiply-adds; MAP: steps
 * times elements; REDUCE: elements; SCATTER: updates) plus the bytes of the elements that it reads
 * and writes (of the operands of GATHER and VIEW, no more elements than it writes).
 * AY_E_RANGE as above. */
enum ay_code ay_program_units(const struct ay_work_program *program, const uint32_t *sizes,
                              uint64_t *out) AY_MUST;

/* Those of one op at max_dims. */
uint64_t ay_program_op_units(const struct ay_work_program *program, uint32_t op);

/* The largest of all runs: ay_program_units at max_dims. */
uint64_t ay_program_max_units(const struct ay_work_program *program);

#endif
