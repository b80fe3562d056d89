/* A VIEW or PERMUTE seen as patches of an image: what is never stored when the product or the
 * reduction over it can read the image itself. Internal to the executor. */
#ifndef AY_TENSOR_PATCH_H
#define AY_TENSOR_PATCH_H

#include "tensor/program.h"

/* The grid is (batch, n, k): element o is at first + sum over d of stride[d] o[d] of the image, a
 * contiguous tensor of `axes` axes. Where the grid leaves the operand, the image is the operand
 * within a frame of fill: its index low[a] is index 0 of the image. */
struct ay_patch_view {
    uint32_t axes;
    int64_t low[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK], source[AY_MAX_RANK]; /* of the image, of the operand */
    bool framed;
    uint64_t elements; /* of the image */
    uint64_t plane;    /* of it that each batch has for itself, from a multiple on; 0: none */
    int64_t first;
    uint32_t rank, n_axis, k_axis; /* of the grid; where n and k begin */
    uint64_t grid[AY_MAX_WORK_OP_GRID];
    int64_t stride[AY_MAX_WORK_OP_GRID];
    uint64_t batches, n, k;
};

/* op: a checked VIEW or PERMUTE whose last dims are (n, k); n of 0 takes as many axes of the grid
 * as make at most AY_PATCH_COLUMNS. False where its grid does not divide so, dims are symbols, or
 * the frame is larger than is worth it. */
#define AY_PATCH_COLUMNS 65536u
bool ay_patch_view_of(const struct ay_work_op *op, uint64_t n, uint64_t k,
                      struct ay_patch_view *out);

/* Element of the image where that batch begins. */
int64_t ay_patch_view_batch(const struct ay_patch_view *w, uint64_t batch);

/* Places of all indices of the grid's axes from `axis` to `end` - 1, beside each other. */
void ay_patch_view_places(const struct ay_patch_view *w, uint32_t axis, uint32_t end, int32_t *out);

#endif
