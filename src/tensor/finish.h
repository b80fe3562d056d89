/* What follows a product of bytes in its step: a MAP that makes bytes of its sums, in fixed
 * point or f32, then sums with other bytes and tables, each over what the one before has made of a
 * tile. Internal to the executor. */
#ifndef AY_TENSOR_FINISH_H
#define AY_TENSOR_FINISH_H

#include "tensor/fixed.h"
#include "tensor/plan.h"
#include "tensor/rescale.h"

struct ay_exec;

/* Ops of such a step, those of the product included. */
#define AY_MAX_FINISH_OPS 10u
/* Rows of sums that are made bytes before the next ones: they stay in the first-level cache. */
#define AY_FINISH_ROWS 64u

/* --- planning --- */

/* Whether `map`, which makes value `id`, only widens bytes for `user`, a GATHER of an element of a
 * byte from 256 of a weight for each. */
bool ay_finish_is_table(const struct ay_plan *plan, const struct ay_work_op *map,
                        const struct ay_work_op *user, uint32_t id);

/* Whether the op may go on with the last value of step `s`, whose product is of bytes. uses: how
 * many operands name each value. A GATHER's ids are what ay_finish_is_table says. */
bool ay_finish_joins(const struct ay_plan *plan, const struct ay_work_op *op, uint32_t s,
                     const uint32_t *uses);

/* --- executing --- */

struct ay_finish {
    const struct ay_steps *steps;
    bool rescales; /* in f32; else it rounds in fixed point */
    struct ay_fixed_rows round;
    struct ay_rescale_rows rescale;
    uint8_t *out; /* rows of n, as the product's */
    size_t n;
    struct {
        struct ay_fixed_sum sum;
        const uint8_t *other; /* beside the tile's bytes; NULL: a table */
        bool first;           /* the other is the first operand */
        const uint8_t *table;
    } after[AY_MAX_FINISH_OPS];
    uint32_t count;
};

/* Of the step at hand in that run, its product being op `product` of the step. False: nothing
 * follows. */
bool ay_finish_of(const struct ay_exec *exec, uint32_t run, uint32_t product,
                  struct ay_finish *out);

/* Sums of rows row..row + rows - 1 and columns column.. of the product, ld apart. */
void ay_finish_tile(const struct ay_finish *f, const int32_t *sums, size_t ld, size_t row,
                    size_t rows, size_t column, size_t columns);

#endif
