/* What the executor's files share. Internal. */
#ifndef AY_TENSOR_EXEC_IMPL_H
#define AY_TENSOR_EXEC_IMPL_H

#include "tensor/each.h"
#include "tensor/exec.h"
#include "tensor/form.h"
#include "tensor/kernel/integers.h"
#include "tensor/map.h"
#include "tensor/memory.h"
#include "tensor/plan.h"
#include "tensor/pool.h"
#include "tensor/patch.h"

/* Memory that grows and is never given back before its owner. 64-byte aligned. */
struct ay_room {
    void *at;
    size_t cap; /* bytes */
};
enum ay_code ay_room_reserve(struct ay_room *room, size_t bytes) AY_MUST;

struct ay_exec_thread {
    struct ay_room scratch; /* rows of a step, then AY_MAP_TEMP_BYTES; or what an op asks for */
    struct ay_room frame;   /* a batch's part of a framed image */
    struct ay_room packed;  /* a MATMUL's second operand, in the kernels' layout */
    const void *packed_of;  /* what is in it, in this step */
    uint32_t packed_op;
    struct ay_room words; /* the item's rows of an operand of MATMUL_Q8, for its kernel */
    uint32_t words_of;    /* which operand's; AY_NONE: nothing's */
};

/* A step's work is handed out run by run (ROWS: or all as one matrix; batch by batch), in pieces of
 * rows, or of elements. */
struct ay_pieces {
    size_t first; /* item of the pool's loop */
    uint32_t batches, rows;
    uint64_t piece;
};

/* A weight in the layout of the kernels of the op; NULL: of none. */
struct ay_packed {
    const struct ay_work_op *op;
    size_t begin; /* byte of `weights_room` */
};

/* The tables of places of a step over patches. */
struct ay_kept_patches {
    struct ay_room room;
    struct ay_patches patches; /* k_at NULL: not made yet */
};

/* What is known of a step of one op before it runs: shapes only where none is a symbol's. */
struct ay_each_ready {
    struct ay_call call;
    struct ay_map_words words;
};

struct ay_exec {
    const struct ay_work_program *program;
    const struct ay_kernels *kernels;
    const struct ay_int_kernels *integers;
    struct ay_pool *pool;
    bool own_pool;
    struct ay_plan plan;
    struct ay_form *forms; /* one an op */
    bool trace, divide;
    uint64_t *step_ns; /* one a step; NULL: not measured */
    uint32_t last_sizes[AY_MAX_SYMBOLS];
    const void **weights;
    struct ay_packed *packed;    /* one a weight */
    struct ay_room weights_room; /* what has been laid out */
    struct ay_exec_thread *threads;
    /* the batch at hand */
    const struct ay_run *runs;
    uint32_t run_count, max_runs;
    uint64_t *offsets;    /* (sizes, max_runs + 1): bytes before each run */
    uint64_t *slot_at;    /* where each buffer begins in `memory` */
    struct ay_gap *gaps;  /* used while that is laid out, as are */
    uint64_t *size_bytes; /* (sizes) */
    struct ay_room memory;
    uint32_t laid;                        /* runs for which that and `offsets` stand; 0: none */
    struct ay_kept_patches *kept_patches; /* one a step, as are */
    struct ay_each_ready *each;           /* set for those of kind EACH */
    /* Of a step over patches its frame and places that are too many to keep; of windows places; of
     * a product of bytes B and rows of A. */
    struct ay_room image, places, tables;
    /* the step at hand */
    const struct ay_step *step;
    struct ay_pieces *pieces; /* (max_runs + 1) */
};

/* The value's first element in that run. Not for scratch; an alias gives its owner's. */
void *ay_exec_base(const struct ay_exec *exec, uint32_t id, uint32_t run);

/* Of the first `groups` pieces, those that the pool's item belongs to. */
const struct ay_pieces *ay_pieces_find(const struct ay_exec *exec, uint32_t groups, size_t item,
                                       uint32_t *group);

/* Some rows of an op's output, in one batch of its dims but the last two. */
struct ay_row_item {
    struct ay_exec *exec;
    struct ay_exec_thread *thread;
    const uint32_t *sizes; /* of the run; of the first one when flat */
    uint32_t run, batch, row, rows;
    bool only; /* no other item of the step is at work */
};

/* The patches that the step at hand reads, the same in each run, but for the image. AY_E_MEMORY. */
enum ay_code ay_exec_patches(struct ay_exec *exec, const struct ay_patch_view *w,
                             struct ay_patches *out) AY_MUST;

/* Rows of a value: `rows` of them, `stride` elements apart. */
struct ay_rows {
    float *at;
    size_t stride;
    uint32_t width;
};

/* The item's rows of an operand, or of the output, of the op. */
struct ay_rows ay_rows_of(const struct ay_row_item *item, const struct ay_work_op *op, uint32_t id);

/* The second operand of the op in its kernel's layout, or over patches of bytes the first; NULL: it
 * is no weight, or not laid out. */
const void *ay_exec_packed(const struct ay_exec *exec, const struct ay_work_op *op);

/* Lays out each weight once, for the first op that wants it so. AY_E_MEMORY. */
enum ay_code ay_exec_pack_weights(struct ay_exec *exec) AY_MUST;

/* Lays out the second operand (n, k) of a product of bytes, with scales d where it is in blocks. */
size_t ay_product_pack_bytes(const struct ay_exec *exec, const struct ay_work_op *op, uint32_t n,
                             uint32_t k);
void ay_product_pack(const struct ay_exec *exec, const struct ay_work_op *op, const void *b,
                     const float *d, uint32_t n, uint32_t k, void *out);

/* Lays out the first operand of a product of bytes with patches. AY_E_MEMORY. */
size_t ay_woven_pack_bytes(const struct ay_exec *exec, const struct ay_work_op *op);
enum ay_code ay_woven_pack(struct ay_exec *exec, const struct ay_work_op *op, const void *a,
                           void *out) AY_MUST;

/* Steps by their kind. AY_E_MEMORY. */
enum ay_code ay_exec_rows(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_tiles(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_products(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_woven(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_windows(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_table(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_descent(struct ay_exec *exec) AY_MUST;
enum ay_code ay_exec_each(struct ay_exec *exec) AY_MUST;
void ay_each_prepare(const struct ay_exec *exec, const struct ay_step *step,
                     struct ay_each_ready *out);

#endif
