/* How the product of a step over patches is cut into items of the pool's loop. Internal to the
 * executor. */
#ifndef AY_TENSOR_CUT_H
#define AY_TENSOR_CUT_H

#include <stdbool.h>
#include <stdint.h>

/* Up to so many rows a product is read straight from the image, else a packed block pays. */
#define AY_DIRECT_ROWS 2u

/* C (batches, m, n) over k, each >= 1; panel: what blocks are multiples of, of columns or, where
 * filters are the vectors, of rows. */
struct ay_cut_shape {
    uint32_t batches, m, n, k, panel, threads;
};

/* An item is a block of rows and one of columns, in `group` batches. Items follow each other by
 * columns within rows, or else by rows within columns, and those within batches: a thread begins
 * with an equal part of that order (tensor/pool.h). */
struct ay_cut {
    uint32_t columns, column_blocks, rows, row_blocks; /* of a block, how many */
    bool by_rows;
    uint32_t group;
};

/* Where an item begins. */
struct ay_cut_place {
    uint32_t batch, row, column;
};

static inline uint32_t ay_cut_items(const struct ay_cut *c, uint32_t batches)
{
    return (batches + c->group - 1) / c->group * c->row_blocks * c->column_blocks;
}

static inline struct ay_cut_place ay_cut_place(const struct ay_cut *c, uint32_t item)
{
    uint32_t blocks = c->row_blocks * c->column_blocks, i = item % blocks;
    uint32_t row = c->by_rows ? i / c->column_blocks : i % c->row_blocks;
    uint32_t column = c->by_rows ? i % c->column_blocks : i / c->row_blocks;
    return (struct ay_cut_place){item / blocks * c->group, row * c->rows, column * c->columns};
}

/* Of filters as vectors, in one batch. laid: columns are laid out, which should be for many. */
struct ay_cut ay_cut_filters(const struct ay_cut_shape *s, bool laid);

/* Of columns as vectors. planes: all columns of a batch go together. */
struct ay_cut ay_cut_columns(const struct ay_cut_shape *s, bool planes);

#endif
