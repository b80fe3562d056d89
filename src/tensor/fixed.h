/* MAPs of integers that are fixed point (docs/quantize.md), recognised so that they run as one
 * kernel (kernel/steps.h) over what they are given, with the same result. Internal to the executor.
 */
#ifndef AY_TENSOR_FIXED_H
#define AY_TENSOR_FIXED_H

#include "tensor/kernel/steps.h"
#include "tensor/program.h"

/* How an operand goes with elements of the output, which is seen as rows along its last axis. */
enum ay_fixed_place { AY_FIXED_NONE, AY_FIXED_SINGLE, AY_FIXED_ROW, AY_FIXED_COLUMN };

/* min(max((x multiplier + offset) >> shift, low), high) of one i32 as a byte. */
struct ay_fixed_round {
    uint32_t x;      /* operand */
    uint32_t arg[3]; /* of the MAP's steps: multiplier (within 32 bits), offset, shift */
    int32_t low, high;
};

/* dtypes: of the operands. */
bool ay_fixed_round_of(const struct ay_work_op *op, const uint32_t *dtypes,
                       struct ay_fixed_round *out);

/* Of two u8, the operands in[0] and in[1], a u8 or i8. */
bool ay_fixed_sum_of(const struct ay_work_op *op, const uint32_t *dtypes, uint32_t in[2],
                     struct ay_fixed_sum *out);

/* Whether it widens a u8 to i32 and does nothing else. */
bool ay_fixed_widens(const struct ay_work_op *op, const uint32_t *dtypes);

/* Dims are as a program has them. */
enum ay_fixed_place ay_fixed_place_of(const uint32_t *dims, uint32_t rank, const uint32_t *out,
                                      uint32_t out_rank);

/* A round with its operands found: at[k] NULL is value[k] for all. */
struct ay_fixed_rows {
    const void *at[3];
    int64_t value[3];
    enum ay_fixed_place place; /* ROW, of those that are not NULL; COLUMN, of all */
    int32_t low, high;
};

/* places: of each operand of the op, NONE where it may not be used; from: its elements, or NULL
 * where only the question is asked. False where the operands do not go together. */
bool ay_fixed_rows_of(const struct ay_work_op *op, const struct ay_fixed_round *round,
                      const enum ay_fixed_place *places, const void *const *from,
                      struct ay_fixed_rows *out);

/* n elements of the row, from that column on. */
void ay_fixed_run(const struct ay_fixed_rows *rows, const struct ay_steps *steps, const int32_t *x,
                  uint64_t row, uint64_t column, size_t n, uint8_t *out);

#endif
