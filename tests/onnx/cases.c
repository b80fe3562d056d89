/* Runs ONNX models as the suite asks: each line of stdin is a folder that holds model.onnx and
 * input_0.npy, input_1.npy, ...; the outputs go there as output_0.npy, ... The answer is one line:
 * "program", "known" or "interpreted", for how it ran, or "failed CODE: reason".
 *
 *   onnx_cases [--graphs]    with it graph.bin and weights.bin are left in the folder too */
#include "base/codec.h"
#include "tensor/graph_run.h"
#include "tensor/npy.h"
#include "tensor/onnx/onnx.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT (4ull << 30)

struct memory {
    uint8_t *bytes;
    size_t len;
};

static enum ay_code append(void *context, const void *bytes, size_t len)
{
    struct memory *m = context;
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
    return AY_OK;
}

static bool keep_graphs;

static enum ay_code write_file(const char *folder, const char *name, const void *bytes, size_t len)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, len, f) == len;
    if (f && fclose(f) != 0) ok = false;
    return ok ? AY_OK : AY_E_IO;
}

static enum ay_code keep(const char *folder, const struct ay_graph_folder *graph)
{
    uint32_t len = 0;
    AY_TRY(ay_encoded_len(&ay_graph_model_msg, &graph->model, &len));
    uint8_t *bytes = malloc(len);
    enum ay_code code = bytes ? ay_encode(&ay_graph_model_msg, &graph->model, bytes, len, &len)
                              : AY_E_MEMORY;
    if (code == AY_OK) code = write_file(folder, "graph.bin", bytes, len);
    free(bytes);
    if (code == AY_OK)
        code = write_file(folder, "weights.bin", graph->weights, graph->weights_bytes);
    return code;
}

static void *read_file(const char *folder, const char *name, size_t *len)
{
    char path[PATH_MAX];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &info) != 0) return NULL;
    *len = (size_t)info.st_size;
    void *bytes = malloc(*len + 1);
    if (bytes && fread(bytes, 1, *len, f) != *len) {
        free(bytes);
        bytes = NULL;
    }
    (void)fclose(f);
    return bytes;
}

static enum ay_code run_graph(const struct ay_graph_folder *graph, const char *folder,
                              const char **how, struct ay_reason *reason)
{
    const struct ay_graph_graph *g = &graph->model.graphs[0];
    const struct ay_graph_runner_options options = {.threads = 1, .limit_bytes = LIMIT};
    const struct ay_tape_program *program;
    struct ay_graph_runner *runner = NULL;
    char path[PATH_MAX];
    struct ay_ndarray *inputs = calloc(g->inputs_count + 1u, sizeof *inputs);
    struct ay_ndarray *outputs = calloc(g->outputs_count + 1u, sizeof *outputs);
    enum ay_code code = inputs && outputs ? AY_OK : AY_E_MEMORY;
    for (uint32_t i = 0; code == AY_OK && i < g->inputs_count; i++) {
        (void)snprintf(path, sizeof path, "%s/input_%u.npy", folder, i);
        code = ay_npy_read(path, LIMIT, &inputs[i], NULL, reason);
    }
    if (code == AY_OK) code = ay_graph_runner_open(graph, &options, &runner);
    if (code == AY_OK) code = ay_graph_run(runner, inputs, g->inputs_count, outputs, reason);
    for (uint32_t i = 0; code == AY_OK && i < g->outputs_count; i++) {
        (void)snprintf(path, sizeof path, "%s/output_%u.npy", folder, i);
        code = ay_npy_write_array(path, &outputs[i]);
    }
    if (code == AY_OK)
        *how = *ay_graph_runner_why(runner)             ? "interpreted"
               : ay_graph_runner_exec(runner, &program) ? "program"
                                                        : "known";
    for (uint32_t i = 0; inputs && i < g->inputs_count; i++) ay_ndarray_free(&inputs[i]);
    for (uint32_t i = 0; outputs && i < g->outputs_count; i++) ay_ndarray_free(&outputs[i]);
    ay_graph_runner_close(runner);
    free(inputs);
    free(outputs);
    return code;
}

static enum ay_code run_case(const char *folder, const char **how, struct ay_reason *reason)
{
    struct ay_onnx onnx = {0};
    struct memory weights = {0};
    size_t len = 0;
    void *bytes = read_file(folder, "model.onnx", &len);
    if (!bytes) return AY_E_IO;
    enum ay_code code = ay_onnx_parse(bytes, len, LIMIT, &onnx, reason);
    free(bytes);
    if (code == AY_OK) {
        weights.bytes = aligned_alloc(64, (onnx.weights_bytes / 64 + 1) * 64);
        code = weights.bytes ? AY_OK : AY_E_MEMORY;
    }
    if (code == AY_OK) code = ay_onnx_weights(&onnx, -1, append, &weights, reason);
    if (code == AY_OK) {
        const struct ay_graph_folder graph = {
            .model = onnx.model, .weights = weights.bytes, .weights_bytes = weights.len};
        if (keep_graphs) code = keep(folder, &graph);
        if (code == AY_OK) code = run_graph(&graph, folder, how, reason);
    }
    free(weights.bytes);
    ay_onnx_close(&onnx);
    return code;
}

int main(int argc, char **argv)
{
    char folder[PATH_MAX];
    keep_graphs = argc > 1 && strcmp(argv[1], "--graphs") == 0;
    while (fgets(folder, sizeof folder, stdin)) {
        struct ay_reason reason = {""};
        const char *how = "";
        folder[strcspn(folder, "\n")] = 0;
        enum ay_code code = run_case(folder, &how, &reason);
        if (code == AY_OK)
            printf("%s\n", how);
        else
            printf("failed %s: %s\n", ay_code_info(code)->text, reason.text);
        (void)fflush(stdout);
    }
    return 0;
}
