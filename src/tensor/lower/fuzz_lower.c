/* Fuzz target: lowering. An ONNX file is read, its open sizes become those of the last byte, and it
 * is lowered with unknown inputs and then interpreted with inputs of ramps: refused with a reason,
 * or run within the memory allowed. With AY_PLANTED_BUG it has a fault of its own, which needs a
 * graph that can be lowered. */
#include "tensor/graph_run.h"
#include "tensor/onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT (32u << 20)
#define ROOM  (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    uint8_t *bytes;
    uint64_t len;
};

static enum ay_code append(void *context, const void *bytes, size_t len)
{
    struct memory *m = context;
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
    return AY_OK;
}

/* Ramps of the bytes 0, 1, 2, ...; small numbers for every dtype but f32, which gets floats. */
static enum ay_code make_input(const struct ay_graph_port *p, uint8_t size, struct ay_ndarray *out)
{
    uint64_t bytes;
    *out = (struct ay_ndarray){.dtype = p->dtype, .rank = p->dims_count};
    for (uint32_t d = 0; d < p->dims_count; d++)
        out->dims[d] = p->dims[d].size ? p->dims[d].size : size % 5u;
    AY_TRY(ay_ndarray_bytes(out, &bytes));
    if (bytes > ROOM) return AY_E_LIMIT;
    AY_TRY(ay_ndarray_take(out));
    uint32_t width = ay_dtype_bytes(out->dtype);
    for (uint64_t i = 0; i < bytes / width; i++) {
        int64_t n = out->dtype == AY_WORK_DTYPE_BOOL ? (int64_t)(i & 1) : (int64_t)(i % 7) - 2;
        float x = (float)n / 2;
        if (out->dtype == AY_WORK_DTYPE_F32)
            memcpy((uint8_t *)out->data + i * width, &x, sizeof x);
        else
            ay_element_store((uint8_t *)out->data + i * width, width, (uint64_t)n);
    }
    return AY_OK;
}

static void run(const struct ay_graph_folder *graph, uint8_t size)
{
    static struct ay_ndarray inputs[AY_MAX_GRAPH_GRAPH_INPUTS];
    static struct ay_ndarray outputs[AY_MAX_GRAPH_GRAPH_OUTPUTS];
    const struct ay_graph_graph *g = &graph->model.graphs[0];
    const struct ay_graph_runner_options options = {.threads = 1, .limit_bytes = LIMIT};
    const struct ay_tape_program *program;
    struct ay_graph_runner *runner = NULL;
    struct ay_reason reason = {""};
    enum ay_code code = ay_graph_runner_open(graph, &options, &runner);
    uint32_t made = 0;
    for (; code == AY_OK && made < g->inputs_count; made++)
        code = make_input(&g->inputs[made], size, &inputs[made]);
    if (code == AY_OK) {
        code = ay_graph_prepare(runner, inputs, g->inputs_count, &program, &reason);
        AY_ASSERT(code == AY_OK || reason.text[0]);
#ifdef AY_PLANTED_BUG
        if (code == AY_OK && program && g->inputs[0].ranked && g->inputs[0].dims_count == 0)
            abort();
#endif
        reason.text[0] = 0;
        code = ay_graph_run(runner, inputs, g->inputs_count, outputs, &reason);
        AY_ASSERT(code == AY_OK || reason.text[0]);
        for (uint32_t i = 0; code == AY_OK && i < g->outputs_count; i++)
            ay_ndarray_free(&outputs[i]);
    }
    for (uint32_t i = 0; i < made; i++) ay_ndarray_free(&inputs[i]);
    ay_graph_runner_close(runner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ay_onnx onnx;
    struct memory weights = {0};
    if (size == 0 || ay_onnx_parse(data, size - 1, 2 * LIMIT, &onnx, NULL) != AY_OK) return 0;
    if (onnx.weights_bytes <= ROOM) weights.bytes = aligned_alloc(64, ROOM + 64);
    if (weights.bytes && ay_onnx_weights(&onnx, -1, append, &weights, NULL) == AY_OK) {
        const struct ay_graph_folder graph = {
            .model = onnx.model, .weights = weights.bytes, .weights_bytes = weights.len};
        run(&graph, data[size - 1]);
    }
    free(weights.bytes);
    ay_onnx_close(&onnx);
    return 0;
}
