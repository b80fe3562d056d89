/* Between what numbers the values of a graph lie, on samples of its inputs. */
#ifndef AY_TENSOR_QUANTIZE_RANGES_H
#define AY_TENSOR_QUANTIZE_RANGES_H

#include "tensor/graph_folder.h"
#include "tensor/ndarray.h"

struct ay_range {
    struct ay_slice name; /* an f32 value of the model's first graph */
    float low, high;      /* low <= 0 <= high; finite elements alone count */
};

/* Inputs for some runs: those of run i begin at at[i * inputs of the model]. */
struct ay_samples {
    const struct ay_ndarray *at;
    uint32_t count;
    uint32_t threads; /* 0: one a processor */
};

/* Sets low and high of each. Codes of ay_graph_run, with a reason. */
enum ay_code ay_ranges_observe(const struct ay_graph_folder *graph,
                               const struct ay_samples *samples, struct ay_range *ranges,
                               uint32_t count, struct ay_reason *reason) AY_MUST;

#endif
