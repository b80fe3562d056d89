#include "tensor/quantize/ranges.h"

#include "tensor/graph_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values looked at in one run, as outputs of a program. */
#define CHUNK 48u
_Static_assert(CHUNK <= AY_MAX_WORK_PROGRAM_OUTPUTS, "a program has so many outputs");

static void widen(struct ay_range *range, const struct ay_ndarray *x)
{
    uint64_t bytes;
    if (x->dtype != AY_WORK_DTYPE_F32 || ay_ndarray_bytes(x, &bytes) != AY_OK) return;
    const float *at = x->data;
    for (uint64_t i = 0; i < bytes / sizeof *at; i++) {
        if (!isfinite(at[i])) continue;
        range->low = fminf(range->low, at[i]);
        range->high = fmaxf(range->high, at[i]);
    }
}

/* Index of the input of that name, or their number. */
static uint32_t input_of(const struct ay_graph_graph *g, struct ay_slice name)
{
    uint32_t i = 0;
    while (i < g->inputs_count && !ay_slice_equal(g->inputs[i].name, name)) i++;
    return i;
}

/* Runs a graph that has these values as its outputs. */
static enum ay_code observe(const struct ay_graph_folder *graph, const struct ay_samples *samples,
                            struct ay_range *const *ranges, uint32_t count,
                            struct ay_reason *reason)
{
    struct ay_graph_runner *runner = NULL;
    struct ay_ndarray outputs[CHUNK];
    const struct ay_graph_runner_options options = {.threads = samples->threads};
    uint32_t inputs = graph->model.graphs[0].inputs_count;
    enum ay_code code = ay_graph_runner_open(graph, &options, &runner);
    for (uint32_t s = 0; code == AY_OK && s < samples->count; s++) {
        code = ay_graph_run(runner, samples->at + (size_t)s * inputs, inputs, outputs, reason);
        for (uint32_t i = 0; code == AY_OK && i < count; i++) {
            widen(ranges[i], &outputs[i]);
            ay_ndarray_free(&outputs[i]);
        }
    }
    ay_graph_runner_close(runner);
    return code;
}

enum ay_code ay_ranges_observe(const struct ay_graph_folder *graph,
                               const struct ay_samples *samples, struct ay_range *ranges,
                               uint32_t count, struct ay_reason *reason)
{
    struct ay_graph_folder view = *graph; /* owns nothing */
    const struct ay_graph_graph *g = &graph->model.graphs[0];
    struct ay_graph_port ports[CHUNK] = {{{0}}};
    struct ay_range *chunk[CHUNK];
    struct ay_graph_graph *graphs = calloc(graph->model.graphs_count, sizeof *graphs);
    enum ay_code code = graphs ? AY_OK : AY_E_MEMORY;
    if (graphs) memcpy(graphs, graph->model.graphs, graph->model.graphs_count * sizeof *graphs);
    view.model.graphs = graphs;
    for (uint32_t i = 0, filled = 0; code == AY_OK && i < count; i++) {
        uint32_t input = input_of(g, ranges[i].name);
        for (uint32_t s = 0; input < g->inputs_count && s < samples->count; s++)
            widen(&ranges[i], &samples->at[(size_t)s * g->inputs_count + input]);
        if (input == g->inputs_count) {
            ports[filled].name = ranges[i].name;
            chunk[filled++] = &ranges[i];
        }
        if (filled < CHUNK && (i + 1 < count || filled == 0)) continue;
        graphs[0].outputs = ports;
        graphs[0].outputs_count = filled;
        code = observe(&view, samples, chunk, filled, reason);
        filled = 0;
    }
    free(graphs);
    return code;
}
