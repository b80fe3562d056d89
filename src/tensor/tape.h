/* Writes programs: operations on values of known shape are appended to a tape, and what has been
 * written becomes a program (proto/assay/work/v1/program.proto) for exactly these shapes.
 *
 * A value is known (its elements are at hand: a weight, a constant, an input that was given) or
 * unknown (an input of the program, and what depends on one). An operation on known values alone is
 * carried out at once and gives a known value; so shapes, tables and weights that a model computes
 * from constants fold away, and a tape whose inputs were all given is an interpreter.
 *
 * Failure is sticky: after the first one every call returns NULL and does nothing, and NULL is
 * taken as an operand, so that a lowering is written without a test after each line. What went
 * wrong first is kept (ay_tape_code, ay_tape_reason).
 *
 * Values belong to the tape, are never changed, and live as long as it. Not thread-safe. */
#ifndef AY_TENSOR_TAPE_H
#define AY_TENSOR_TAPE_H

#include "tensor/dtype.h"
#include "tensor/pool.h"
#include "tensor/program.h"
#include "tensor/reason.h"

#include <stddef.h>

struct ay_tape;

/* Rank 0 is a scalar; a dim of 0 makes it empty (then it is known, and data is not NULL). */
struct ay_value {
    uint32_t dtype; /* enum ay_work_dtype */
    uint32_t rank;
    uint64_t dims[AY_MAX_RANK];
    const void *data; /* row-major, host order, 64-byte aligned; NULL: unknown */
    uint32_t id;      /* the tape's own */
};

struct ay_tape_options {
    uint32_t threads;     /* as ay_exec_options, for what is folded */
    uint64_t limit_bytes; /* of all values' memory and of one program's; 0: half of the machine's */
    struct ay_pool *pool; /* as ay_exec_options */
};

/* AY_E_MEMORY; what ay_kernels_select returns. */
enum ay_code ay_tape_open(const struct ay_tape_options *options, struct ay_tape **out) AY_MUST;
void ay_tape_close(struct ay_tape *tape); /* NULL is allowed */

/* The first failure: AY_OK if there was none, and "". */
enum ay_code ay_tape_code(const struct ay_tape *tape);
const char *ay_tape_reason(const struct ay_tape *tape);
/* Records a failure, unless there was one before; returns NULL. AY_E_STATE is kept for values that
 * are needed and unknown (ay_tape_need), so that a caller may try again with inputs given. */
__attribute__((format(printf, 3, 4))) const struct ay_value *
ay_tape_fail(struct ay_tape *tape, enum ay_code code, const char *format, ...);

/* Puts "place: " before the reason of a failure. */
void ay_tape_blame(struct ay_tape *tape, const char *place);

/* An unknown input of the program, in order of the calls; at most AY_MAX_WORK_PROGRAM_INPUTS. One
 * without elements is known, and no input of the program. */
const struct ay_value *ay_tape_input(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                     const uint64_t *dims);
/* A known value over the caller's memory, which must outlive the tape. A NaN in it is taken to be
 * canonical. */
const struct ay_value *ay_tape_known(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                     const uint64_t *dims, const void *data);
/* The same over a copy of data. With data NULL its memory is zeroed and *writable (may be NULL
 * otherwise) is where the caller puts the elements before it calls the tape again. */
const struct ay_value *ay_tape_copy(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                    const uint64_t *dims, const void *data, void **writable);
/* Known scalars (rank 0). ay_tape_int: of any integer dtype, taken modulo 2^n. */
const struct ay_value *ay_tape_f32(struct ay_tape *tape, float x);
const struct ay_value *ay_tape_int(struct ay_tape *tape, uint32_t dtype, int64_t x);

/* The value if it is known; else fails with AY_E_STATE and a reason that says what for. */
const struct ay_value *ay_tape_need(struct ay_tape *tape, const struct ay_value *x,
                                    const char *what);

uint64_t ay_value_elements(const struct ay_value *x);
/* Element i of a known value of an integer dtype. */
int64_t ay_value_int(const struct ay_value *x, uint64_t i);

/* --- one expression an element (MAP) ---
 * Operands broadcast as in numpy. Functions of f32 take F32 values, INT functions take integer
 * dtypes in any mix; SELECT's first operand is an integer. The result's dtype is given where it is
 * an integer (for comparisons usually BOOL) and F32 otherwise. Consecutive maps, and maps over
 * scalars, are merged into one op where the bounds of an op allow, so that expressions may be
 * written one function at a time. What only moves elements comes after: a function of reshaped or,
 * of f32, permuted values is the reshape or PERMUTE of the function, where no operand would have to
 * be moved for that. */
const struct ay_value *ay_tape_fn1(struct ay_tape *tape, enum ay_work_fn fn,
                                   const struct ay_value *a);
const struct ay_value *ay_tape_fn2(struct ay_tape *tape, enum ay_work_fn fn,
                                   const struct ay_value *a, const struct ay_value *b);
/* Of an integer result: INT_..., EQ, LT, LE, TO_INT (b NULL). */
const struct ay_value *ay_tape_int_fn(struct ay_tape *tape, enum ay_work_fn fn, uint32_t dtype,
                                      const struct ay_value *a, const struct ay_value *b);
/* SELECT or INT_SELECT by the dtype of a; b has the same. */
const struct ay_value *ay_tape_select(struct ay_tape *tape, const struct ay_value *condition,
                                      const struct ay_value *a, const struct ay_value *b);
/* f32 to integer: toward zero, then modulo 2^n; to BOOL: whether it is not 0. Integer to f32: to
 * nearest even. Between integers: modulo 2^n, to BOOL whether it is not 0. */
const struct ay_value *ay_tape_cast(struct ay_tape *tape, const struct ay_value *x, uint32_t dtype);
/* x, which is not joined with maps of it: what it takes to compute x then is one op, whatever is
 * made of it. Where x is large but narrow, as a byte made of wider numbers, that is what to store.
 */
const struct ay_value *ay_tape_apart(struct ay_tape *tape, const struct ay_value *x);

/* --- reductions --- */
/* a (.., M, K), b (.., N, K), rows times rows; batch dims of b equal a's, or b is (N, K). F32 with
 * F32, or integers i8, u8, i32 giving I32. */
const struct ay_value *ay_tape_matmul(struct ay_tape *tape, const struct ay_value *a,
                                      const struct ay_value *b);
/* a f32 (.., M, K), w i8 (N, K), d f32 (N, ceil(K / 32)). */
const struct ay_value *ay_tape_matmul_q8(struct ay_tape *tape, const struct ay_value *a,
                                         const struct ay_value *w, const struct ay_value *d);
/* Along one axis, whose size becomes 1. Over nothing it gives what docs/numerics.md says. */
const struct ay_value *ay_tape_reduce(struct ay_tape *tape, enum ay_work_reduce reduce,
                                      const struct ay_value *x, uint32_t axis);

/* --- moving elements, of every dtype --- */
/* As many elements, other dims; costs nothing. */
const struct ay_value *ay_tape_reshape(struct ay_tape *tape, const struct ay_value *x,
                                       uint32_t rank, const uint64_t *dims);
/* result.dims[i] = x.dims[perm[i]]. */
const struct ay_value *ay_tape_permute(struct ay_tape *tape, const struct ay_value *x,
                                       const uint32_t *perm);
/* A VIEW op; see docs/numerics.md. view_rank 0: the view is x's own shape. */
struct ay_tape_view {
    uint32_t view_rank, grid_rank;
    uint64_t view[AY_MAX_RANK], grid[AY_MAX_WORK_OP_GRID];
    int64_t offsets[AY_MAX_RANK];
    int64_t coefs[AY_MAX_RANK][AY_MAX_WORK_OP_GRID];
    uint64_t fill; /* bits of an element, in the low bytes */
};
/* The result has shape (rank, dims), as many elements as the grid. */
const struct ay_value *ay_tape_view(struct ay_tape *tape, const struct ay_value *x,
                                    const struct ay_tape_view *view, uint32_t rank,
                                    const uint64_t *dims);
/* size[i] elements of axis i from begin[i], step[i] apart (not 0; may be negative). What lies
 * outside x is `fill`. */
const struct ay_value *ay_tape_slice(struct ay_tape *tape, const struct ay_value *x,
                                     const int64_t *begin, const int64_t *step,
                                     const uint64_t *size, uint64_t fill);
/* Broadcast to a shape, as numpy. */
const struct ay_value *ay_tape_expand(struct ay_tape *tape, const struct ay_value *x, uint32_t rank,
                                      const uint64_t *dims);
/* Any number >= 1 of values of one dtype, one after another along the axis. */
const struct ay_value *ay_tape_concat(struct ay_tape *tape, const struct ay_value *const *x,
                                      uint32_t count, uint32_t axis);
/* GATHER along an axis: result (x.dims before axis, ids.dims, x.dims after). Ids are I32 or I64,
 * not negative (the op clamps; it does not wrap). */
const struct ay_value *ay_tape_gather(struct ay_tape *tape, const struct ay_value *x,
                                      const struct ay_value *ids, uint32_t axis);
/* SCATTER into x by row-major element numbers: ids and updates have as many elements. reduce:
 * NONE, SUM, PROD, MAX or MIN. */
const struct ay_value *ay_tape_scatter(struct ay_tape *tape, enum ay_work_reduce reduce,
                                       const struct ay_value *x, const struct ay_value *ids,
                                       const struct ay_value *updates);

/* --- the end --- */
/* What is to be run for some values. Borrowed from the tape. */
struct ay_tape_program {
    struct ay_work_program program; /* checked; the weights' roots are zero */
    const void *const *weights;     /* one a weight */
    uint32_t outputs;               /* = program.outputs_count */
};
/* The program whose outputs are these unknown values, in order; ops that none of them needs are
 * left out, maps merged. Fails as all calls do, and returns the code. */
enum ay_code ay_tape_program(struct ay_tape *tape, const struct ay_value *const *outputs,
                             uint32_t count, struct ay_tape_program *out) AY_MUST;

#endif
