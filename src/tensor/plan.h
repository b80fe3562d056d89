/* How a program will be executed: which ops make one step, and where each value lies. Depends on
 * the program alone, not on sizes. Internal to the executor. */
#ifndef AY_TENSOR_PLAN_H
#define AY_TENSOR_PLAN_H

#include "tensor/program.h"

#define AY_NONE UINT32_MAX

/* A step is carried out by the threads together, and ends before the next begins. */
enum ay_step_kind {
    AY_STEP_EACH,    /* one op of any kind, over blocks of its output's elements */
    AY_STEP_PRODUCT, /* one MATMUL of 8-bit integers, or MATMUL_Q8 of what is no weight */
    AY_STEP_WOVEN,   /* a MATMUL of 8-bit integers over a VIEW that is not stored; as of PRODUCT,
                        MAPs that make bytes of it in fixed point may follow (tensor/finish.h) */
    AY_STEP_WINDOWS, /* a VIEW of bytes that is not stored, and the largest of each of its rows, or
                        its products with a few rows of bytes and what follows as of PRODUCT */
    AY_STEP_TABLE,   /* a MAP that widens bytes and the GATHER of a byte each that it is for */
    AY_STEP_DESCENT, /* levels of a descent through trees (tensor/descent.h) */
    AY_STEP_TILES,   /* VIEW, a MATMUL or REDUCE over it, MAPs of the product: tile by tile */
    AY_STEP_ROWS     /* a chain of f32 MATMUL, MATMUL_Q8, MAP and REDUCE along the last axis, row
                        by row */
};

struct ay_step {
    enum ay_step_kind kind;
    uint32_t first, count;           /* ops, in plan->order */
    uint32_t slot_first, slot_count; /* scratch of a ROWS step, in plan->scratch */
    bool flat;                       /* ROWS: the rows of all runs are one matrix */
    bool merged;                     /* ROWS: the rows of all batches of a run are one */
};

enum ay_home {
    AY_HOME_INPUT,   /* the run's memory */
    AY_HOME_WEIGHT,  /* the model's memory */
    AY_HOME_OUTPUT,  /* the run's memory for output number `slot` */
    AY_HOME_BUFFER,  /* buffer `slot`, one run's value after another */
    AY_HOME_SCRATCH, /* plan->scratch[step->slot_first + slot], rows of one thread */
    AY_HOME_FUSED,   /* nowhere: read where it comes from, or overwritten by what is made of it */
    AY_HOME_ALIAS    /* the memory of `owner`, by strides */
};

/* Where a value lies. Its owner's memory, from element `offset` on seen as a tensor of dims
 * `shape`, has the value's axis i at axis[i]; it is contiguous, or its rows are `row` elements
 * apart where that is not 0. For a value that is no alias, owner is itself, offset 0 and axis[i] =
 * i. */
struct ay_place {
    enum ay_home home;
    uint32_t slot;
    uint32_t size; /* which of plan->sizes: its bytes */
    uint32_t owner;
    uint64_t offset;
    uint32_t row;
    uint32_t dtype, rank, shape[AY_MAX_RANK], axis[AY_MAX_RANK];
    uint32_t step; /* that makes it, or the last part of it; AY_NONE: none */
    uint32_t born; /* step that makes the first part of it */
    uint32_t
        last_use;   /* step; the owner's counts its aliases'; AY_NONE: an output of the program */
    uint32_t over;  /* buffer: the operand whose memory it takes over; AY_NONE: none */
    bool scattered; /* written by strides: no row is complete before its step ends */
};

/* A number of bytes: number times a power of each symbol. */
struct ay_size {
    uint64_t number;
    uint32_t symbols[AY_MAX_SYMBOLS];
};

struct ay_plan {
    const struct ay_work_program *program;
    struct ay_place *places; /* one an operand id */
    uint32_t values;
    /* Op indices, step by step. Aliased PERMUTEs are left out; what is read by patches is there for
     * each of its users. */
    uint32_t *order;
    struct ay_step *steps;
    uint32_t step_count;
    uint32_t *births; /* values in buffers by the step that makes them; the index is the slot */
    uint32_t *deaths; /* by the step after which their memory is free */
    uint32_t buffer_count, death_count;
    uint32_t *scratch; /* row width of each scratch slot, a dim as in the program */
    uint32_t scratch_count;
    struct ay_size *sizes;
    uint32_t size_count;
};

/* fuse: as few steps as the rules allow; else each op is a step and keeps its own buffer.
 * program is borrowed. AY_E_MEMORY. */
enum ay_code ay_plan_open(const struct ay_work_program *program, bool fuse,
                          struct ay_plan *out) AY_MUST;
void ay_plan_close(struct ay_plan *plan);

uint64_t ay_size_resolve(const struct ay_size *size, const uint32_t *sizes);

/* Whether the op is a product of bytes, laid out as kernel/integers.h has it. */
bool ay_plan_product_of_bytes(const struct ay_plan *plan, const struct ay_work_op *op);

/* Whether its rows come in their order in its owner's memory. */
static inline bool ay_place_is_in_order(const struct ay_place *at)
{
    for (uint32_t i = 0; i < at->rank; i++)
        if (at->axis[i] != i) return false;
    return true;
}

/* Whether its elements follow each other there. */
static inline bool ay_place_is_contiguous(const struct ay_place *at)
{
    return at->row == 0 && ay_place_is_in_order(at);
}

/* The step that makes the value, or what it is a part of; AY_NONE: none. */
static inline uint32_t ay_plan_step_of(const struct ay_plan *plan, uint32_t id)
{
    const struct ay_place *at = &plan->places[id];
    return at->step != AY_NONE ? at->step : plan->places[at->owner].step;
}

static inline uint32_t ay_dim_resolve(uint32_t dim, const uint32_t *sizes)
{
    return dim & AY_DIM_SYMBOL ? sizes[dim & ~AY_DIM_SYMBOL] : dim;
}

#endif
