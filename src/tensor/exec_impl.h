/* What the executor's files share. Internal. */
#ifndef AY_TENSOR_EXEC_IMPL_H
#define AY_TENSOR_EXEC_IMPL_H

#include "tensor/exec.h"
#include "tensor/map.h"
#include "tensor/plan.h"
#include "tensor/pool.h"

/* Memory that grows and is never given back before its owner. 64-byte aligned. */
struct ay_room {
    float *at;
    size_t cap; /* f32 */
};
enum ay_code ay_room_reserve(struct ay_room *room, size_t count) AY_MUST;

struct ay_exec_thread {
    struct ay_room scratch; /* rows of a step, then AY_MAP_TEMP for expressions */
    struct ay_room packed;  /* a MATMUL's second operand, in the kernels' layout */
    const float *packed_of; /* what is in it, in this step */
    uint32_t packed_op;
};

/* Rows of a ROWS step are handed out run by run (or all as one matrix), batch by batch, in pieces.
 */
struct ay_pieces {
    size_t first; /* item of the pool's loop */
    uint32_t batches, rows, piece;
};

struct ay_exec {
    const struct ay_work_program *program;
    const struct ay_kernels *kernels;
    struct ay_pool *pool;
    struct ay_plan plan;
    bool trace;
    const void **weights;
    float **packed; /* one a weight: NULL unless a MATMUL's second operand */
    struct ay_exec_thread *threads;
    /* the batch at hand */
    const struct ay_run *runs;
    uint32_t run_count, max_runs;
    uint64_t *offsets; /* (sizes, max_runs + 1): elements before each run */
    size_t *slot_at;   /* where each buffer begins in `memory` */
    struct ay_room memory;
    /* the step at hand */
    const struct ay_step *step;
    struct ay_pieces *pieces; /* (max_runs + 1) */
};

/* The value's first element in that run. Not for scratch; an alias gives its owner's. */
float *ay_exec_base(const struct ay_exec *exec, uint32_t id, uint32_t run);

/* Steps of kind AY_STEP_ROWS. AY_E_MEMORY. */
enum ay_code ay_exec_rows(struct ay_exec *exec) AY_MUST;

#endif
