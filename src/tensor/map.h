/* Runs the expression of a MAP over rows: each step over a block of the row at once, so that the
 * kernels' vectors are used whatever the expression. Internal to the executor. */
#ifndef AY_TENSOR_MAP_H
#define AY_TENSOR_MAP_H

#include "tensor/kernel/kernels.h"
#include "tensor/program.h"

#include <stddef.h>

#define AY_MAP_BLOCK 512 /* elements: the steps' values stay in the first-level cache */
#define AY_MAP_TEMP  (AY_MAX_WORK_OP_STEPS * AY_MAP_BLOCK)

/* An operand as the rows see it. */
struct ay_map_operand {
    const float *at; /* first row */
    size_t stride;   /* elements to the next row; 0: the same for each */
    bool scalar;     /* one element a row, else as many as the output */
};

/* out: `rows` rows of n, `stride` apart; may be an operand's own memory. op must be a checked MAP;
 * sizes are the run's symbol sizes (read by dim operands only); temp has AY_MAP_TEMP f32. */
void ay_map_rows(const struct ay_kernels *kernels, const struct ay_work_op *op,
                 const uint32_t *sizes, const struct ay_map_operand *operands, size_t rows,
                 size_t n, float *out, size_t stride, float *temp);

#endif
