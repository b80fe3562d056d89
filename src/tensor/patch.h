/* A VIEW or PERMUTE seen as patches of an image: what is never stored when the product or the
 * reduction over it can read the image itself. Internal to the executor. */
#ifndef AY_TENSOR_PATCH_H
#define AY_TENSOR_PATCH_H

#include "tensor/kernel/kernels.h"
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
    bool apart; /* an element of k and the next are a line of the cache or more apart */
};

/* op: a checked VIEW or PERMUTE whose last dims are (n, k); n of 0 takes as many axes of the grid
 * as make at most AY_PATCH_COLUMNS. False where its grid does not divide so, dims are symbols, or
 * the frame is larger than is worth it. */
#define AY_PATCH_COLUMNS 65536u
bool ay_patch_view_of(const struct ay_work_op *op, uint64_t n, uint64_t k,
                      struct ay_patch_view *out);

/* op: the VIEW that w is of, whose elements are f32. Whether each batch is the windows over a plane
 * of the operand, the first over the first and so on. */
bool ay_patch_view_stencil(const struct ay_work_op *op, const struct ay_patch_view *w,
                           struct ay_stencil *out);

/* A VIEW of bytes as patches of an image of words: `group` elements that are neighbours on one axis
 * of the operand, its channels, are one. So the view is of words, its k of groups of channels. */
struct ay_woven_view {
    struct ay_patch_view shape;
    uint32_t group;
    uint64_t channels, inner;  /* elements of that axis, and of the operand inside it */
    uint64_t k_outer, k_inner; /* of the k axes before and after the one along the channels */
};

/* op: a checked VIEW of bytes as above, in one batch. False too where no axis of its own goes along
 * all of one of the operand's. */
bool ay_woven_view_of(const struct ay_work_op *op, uint64_t n, uint64_t k, uint32_t group,
                      struct ay_woven_view *out);

/* Element of the image where that batch begins. */
int64_t ay_patch_view_batch(const struct ay_patch_view *w, uint64_t batch);

/* Rows first..last - 1 of the image, along its last axis, to `to`: elements of 4 bytes. */
void ay_patch_view_frame(const struct ay_patch_view *w, const void *source, uint32_t fill,
                         uint64_t first, uint64_t last, void *to);

/* The places of n and k for the kernels, but for the image; they lie in `tables`, of so many words,
 * which must outlive them. */
static inline uint64_t ay_patch_view_words(const struct ay_patch_view *w)
{
    return w->k + 2 * w->n;
}
struct ay_patches ay_patch_view_tables(const struct ay_patch_view *w, int32_t *tables);

#endif
