/* Runs any checked program, by the bits of docs/numerics.md whatever the threads, the batch and the
 * instruction set.
 *
 * Ops of f32 that work row by row (MATMUL against what is already there, MATMUL_Q8 of weights, MAP,
 * REDUCE along the last axis) are fused into steps that a thread carries out on a block of rows,
 * intermediate rows never leaving its cache; PERMUTE mostly moves nothing, its operand or result
 * being read or written by strides, nor do a VIEW of what lies together and a CONCAT of what
 * follows each other; levels of a descent through trees are a step; every other op is a step of its
 * own, shared out by elements of its output. With `trace` each op is a step of its own and every
 * output is kept: what a dispute asks for. */
#ifndef AY_TENSOR_EXEC_H
#define AY_TENSOR_EXEC_H

#include "tensor/kernel/kernels.h"
#include "tensor/pool.h"
#include "tensor/program.h"

struct ay_exec; /* not thread-safe: one run at a time */

struct ay_exec_options {
    const struct ay_kernels *kernels; /* NULL: ay_kernels_select */
    uint32_t threads;                 /* 1..AY_MAX_THREADS; 0: one a processor */
    struct ay_pool *pool; /* threads to share with others, one at a time; NULL: its own */
    bool divide;          /* share out steps however little work they are: for tests */
    bool trace;
    bool profile; /* measure each step: ay_exec_cost */
};

/* One execution: a program's inputs, as committed, so that NaNs are canonical, and where its
 * outputs go. All caller's memory, aligned to its elements. */
struct ay_run {
    const void *inputs[AY_MAX_WORK_PROGRAM_INPUTS]; /* contiguous, little-endian */
    uint32_t sizes[AY_MAX_SYMBOLS];                 /* of each symbol, 1..max_dims */
    /* In the program's order, ay_exec_output_bytes each; they may not overlap the inputs. */
    void *outputs[AY_MAX_WORK_PROGRAM_OUTPUTS];
};

/* program must be checked; it and the weights (one pointer a weight, contiguous, aligned)
 * must outlive the executor. Weights of MATMUL are copied once into the layout of the kernels.
 * AY_E_MEMORY; what ay_kernels_select returns; AY_E_RANGE: too many threads. */
enum ay_code ay_exec_open(const struct ay_work_program *program, const void *const *weights,
                          const struct ay_exec_options *options, struct ay_exec **out) AY_MUST;
void ay_exec_close(struct ay_exec *exec);

uint32_t ay_exec_outputs(const struct ay_exec *exec); /* how many there are */
uint64_t ay_exec_output_bytes(const struct ay_exec *exec, uint32_t output, const uint32_t *sizes);

/* Carries out `count` runs, in batches bounded in memory; an output has the same bits alone.
 * AY_E_RANGE: a size out of range, nothing run. AY_E_MEMORY. With trace, count must be 1. */
enum ay_code ay_exec_run(struct ay_exec *exec, const struct ay_run *runs, uint32_t count) AY_MUST;

/* The output of op `op` in the last run; valid until the next one. Only with trace. */
const void *ay_exec_trace(const struct ay_exec *exec, uint32_t op);

/* Bytes that it holds at the moment: buffers, threads' scratch, weights in the kernels' layout. */
uint64_t ay_exec_memory(const struct ay_exec *exec);

/* What a step, some ops carried out together, cost in all runs since the opening. */
struct ay_exec_cost {
    uint32_t op, ops; /* its first op, how many */
    const char *how;  /* static text: "rows", "patches", "bytes", "elements" .. */
    uint64_t ns;
    uint64_t work;  /* multiply-adds of products, else element steps, of the last run's sizes */
    uint64_t bytes; /* of all operands and results, however often they are read */
};
/* Step i, in order; false after the last. Only with profile. */
bool ay_exec_cost(const struct ay_exec *exec, uint32_t i, struct ay_exec_cost *out);

uint32_t ay_exec_threads(const struct ay_exec *exec);
const char *ay_exec_kernels(const struct ay_exec *exec);

#endif
