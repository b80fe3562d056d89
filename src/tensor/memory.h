/* Where the buffers of a plan lie in one piece of memory, for given sizes: a buffer takes what has
 * become free before it is made, or takes over an operand's place. Internal to the executor. */
#ifndef AY_TENSOR_MEMORY_H
#define AY_TENSOR_MEMORY_H

#include "tensor/plan.h"

#define AY_MEMORY_ALIGN 64u

/* A free piece. */
struct ay_gap {
    uint64_t at, bytes;
};

/* bytes[i] is what values of plan->sizes[i] take together; gaps has plan->buffer_count + 1;
 * at[slot] is where each buffer begins. Returns how much memory there must be. Best fit, in order
 * of the steps. */
uint64_t ay_memory_lay_out(const struct ay_plan *plan, const uint64_t *bytes, struct ay_gap *gaps,
                           uint64_t *at);

#endif
