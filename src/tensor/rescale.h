/* MAPs that make bytes of sums in f32, as QDQ and QLinear operators have them (docs/onnx.md),
 * recognised so that they run as one kernel over a tile of sums. Internal to the executor. */
#ifndef AY_TENSOR_RESCALE_H
#define AY_TENSOR_RESCALE_H

#include "tensor/fixed.h"

/* rint(((x - off) scale + bias) / by) + more, within low and high, of one i32 as a byte. */
struct ay_rescale_form {
    uint32_t x;      /* operand */
    uint32_t arg[3]; /* of the MAP's steps: off, scale, bias; AY_NONE: 0, and -0 */
    float by, more, low, high;
};

/* dtypes: of the operands. */
bool ay_rescale_of(const struct ay_work_op *op, const uint32_t *dtypes,
                   struct ay_rescale_form *out);

/* With its operands found: at[k] NULL is value[k], bits of an i32 or f32, for all. */
struct ay_rescale_rows {
    const uint32_t *at[3];
    uint32_t value[3];
    enum ay_fixed_place place; /* ROW or COLUMN, of all that are not NULL */
    float by, more, low, high;
};

/* places, from: as ay_fixed_rows_of takes them. */
bool ay_rescale_rows_of(const struct ay_work_op *op, const struct ay_rescale_form *form,
                        const enum ay_fixed_place *places, const void *const *from,
                        struct ay_rescale_rows *out);

/* Sums of rows row.. and columns column.. of the product, ld apart. */
struct ay_rescale_tile {
    const int32_t *sums;
    size_t ld, row, rows, column, columns;
};
/* out: the tile's first byte; rows are ld apart. */
void ay_rescale_run(const struct ay_rescale_rows *f, const struct ay_steps *steps,
                    const struct ay_rescale_tile *tile, uint8_t *out, size_t ld);

#endif
