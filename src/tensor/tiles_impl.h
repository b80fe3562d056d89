/* A step over patches, between its files. Internal to the executor. */
#ifndef AY_TENSOR_TILES_IMPL_H
#define AY_TENSOR_TILES_IMPL_H

#include "tensor/cut.h"
#include "tensor/exec_impl.h"

/* A step in one run. */
struct ay_tiles {
    struct ay_exec *exec;
    const struct ay_work_op *view, *op;
    uint32_t run;
    struct ay_patch_view shape;
    struct ay_patches patches; /* its image is where batch 0 begins */
    struct ay_stencil stencil; /* if each batch is windows over planes of its own, all at once: */
    uint32_t planes;           /* how many; else 0 */
    /* Where a product has one MAP: how many steps of it, from the first, it takes along; which
     * operand it makes. */
    uint32_t taken, made;
    bool even; /* of planes: the MAP follows batches as rows, whose operands are: */
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
    struct ay_affine follows; /* those steps, from the first element on */
    const float *source;      /* the VIEW's operand */
    const float *a;           /* of a MATMUL */
    const float *filters;     /* A in the kernels' layout, if columns need not be packed */
    bool laid;                /* columns are laid out in another way */
    float *out;
    size_t a_batch;                /* elements from one batch of A to the next */
    uint32_t batches, m, n, fixed; /* fixed: all batches read the one matrix of patches */
    struct ay_cut cut;
    uint32_t across;   /* elements from the first column to the last, to be chained at once; or 0 */
    bool framed_apart; /* each batch's part of the frame is made where it is used */
};

/* A part of the output. */
struct ay_tiles_region {
    uint32_t batch, m0, m1, n0, n1;
};

/* --- tiles_follow.c --- */

/* The i-th op of the step: a MAP from 2 on. */
const struct ay_work_op *ay_tiles_map(const struct ay_tiles *t, uint32_t i);
/* Whether MAPs, or steps of one, are left when the product is made. */
bool ay_tiles_left(const struct ay_tiles *t);
/* What is left, over the region. */
void ay_tiles_map_region(const struct ay_tiles *t, const struct ay_tiles_region *r,
                         struct ay_exec_thread *thread);
/* What the product takes along over the region, in *room or where it is known; NULL: nothing. */
const struct ay_affine *ay_tiles_taken(const struct ay_tiles *t, const struct ay_tiles_region *r,
                                       struct ay_exec_thread *thread, struct ay_affine *room);
/* Finds what a product with one MAP takes along. Asked once, as it takes as long as a small tile.
 */
void ay_tiles_find_follows(struct ay_tiles *t);

/* --- tiles_planes.c --- */

/* Whether the step's batches are windows over planes, and are enough for all threads. What is
 * reduced is taken as planes, however small they are, where there is a kernel for it. */
bool ay_tiles_find_planes(struct ay_tiles *t);
/* Batches first..end - 1 of them, and the MAPs. */
void ay_tiles_run_planes(const struct ay_tiles *t, uint32_t first, uint32_t end,
                         struct ay_exec_thread *thread);

#endif
