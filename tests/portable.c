/* Runs models that others have imported, on any processor and either byte order: needs the runtime
 * alone, no library. Each line of stdin is a folder with input_0.npy, input_1.npy, ... and either
 * graph.bin and weights.bin (tensor/graph_folder.h) or program.bin and weights.bin (tensor/model.h;
 * a symbol's size is that of the first input's first axis). The answer is one line: a hash of every
 * output's dtype, shape and bytes, or why there is none.
 *
 *   portable [THREADS]
 *
 * Equal lines from two builds are equal bits. */
#include "base/codec.h"
#include "tensor/dtype.h"
#include "tensor/graph.h"
#include "tensor/graph_run.h"
#include "tensor/npy.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT        (4ull << 30)
#define ALIGN        64u
#define ARENA_FACTOR 64u
#define BATCH        8u

static uint32_t threads = 1;

struct file {
    uint8_t *bytes; /* 64-byte aligned, owned */
    size_t len;
};

static bool read_file(const char *folder, const char *name, struct file *out)
{
    char path[PATH_MAX];
    struct stat info;
    *out = (struct file){0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    if (fstat(fileno(f), &info) == 0) {
        out->len = (size_t)info.st_size;
        out->bytes = aligned_alloc(ALIGN, (out->len / ALIGN + 1) * ALIGN);
    }
    bool ok = out->bytes && fread(out->bytes, 1, out->len, f) == out->len;
    (void)fclose(f);
    return ok;
}

/* FNV-1a, 64 bits: enough to tell bits that differ by mistake. */
static void absorb(uint64_t *hash, uint64_t number, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        *hash = (*hash ^ (number >> (8 * i) & 0xff)) * 0x100000001b3u;
}

static void absorb_array(uint64_t *hash, const struct ay_ndarray *a)
{
    uint32_t size = ay_dtype_bytes(a->dtype);
    uint64_t elements = 1;
    const uint8_t *at = a->data;
    absorb(hash, a->dtype, 4);
    absorb(hash, a->rank, 4);
    for (uint32_t d = 0; d < a->rank; d++) {
        absorb(hash, a->dims[d], 8);
        elements *= a->dims[d];
    }
    for (uint64_t i = 0; i < elements; i++)
        absorb(hash, ay_element_load(at + i * size, size), size);
}

static enum ay_code decode(const struct ay_msg *msg, const struct file *file, void **memory,
                           void *out)
{
    size_t room = (file->len * ARENA_FACTOR + (1u << 20)) / 16 * 16;
    *memory = aligned_alloc(16, room);
    if (!*memory) return AY_E_MEMORY;
    struct ay_arena arena = ay_arena_over(*memory, room);
    return ay_decode(msg, ay_slice(file->bytes, (uint32_t)file->len), &arena, out, NULL);
}

static enum ay_code read_inputs(const char *folder, struct ay_ndarray *inputs, uint32_t count,
                                struct ay_reason *reason)
{
    char path[PATH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/input_%u.npy", folder, i);
        AY_TRY(ay_npy_read(path, LIMIT, &inputs[i], NULL, reason));
    }
    return AY_OK;
}

static enum ay_code run_graph(const struct ay_graph_folder *folder, const struct ay_ndarray *inputs,
                              uint64_t *hash, struct ay_reason *reason)
{
    const struct ay_graph_graph *g = &folder->model.graphs[0];
    const struct ay_graph_runner_options options = {.threads = threads, .limit_bytes = LIMIT};
    struct ay_graph_runner *runner = NULL;
    struct ay_ndarray *outputs = calloc(g->outputs_count + 1u, sizeof *outputs);
    if (!outputs) return AY_E_MEMORY;
    enum ay_code code = ay_graph_runner_open(folder, &options, &runner);
    if (code == AY_OK) code = ay_graph_run(runner, inputs, g->inputs_count, outputs, reason);
    for (uint32_t i = 0; code == AY_OK && i < g->outputs_count; i++) {
        absorb_array(hash, &outputs[i]);
        ay_ndarray_free(&outputs[i]);
    }
    ay_graph_runner_close(runner);
    free(outputs);
    return code;
}

static enum ay_code graph(const char *folder, const struct file *bytes, struct file *weights,
                          uint64_t *hash, struct ay_reason *reason)
{
    struct ay_graph_folder g = {.weights = weights->bytes, .weights_bytes = weights->len};
    void *memory = NULL;
    enum ay_code code = decode(&ay_graph_model_msg, bytes, &memory, &g.model);
    if (code == AY_OK) code = ay_graph_check(&g.model, weights->len, reason);
    for (uint32_t i = 0; code == AY_OK && i < g.model.graphs_count; i++)
        for (uint32_t k = 0; k < g.model.graphs[i].constants_count; k++) {
            const struct ay_graph_constant *c = &g.model.graphs[i].constants[k];
            uint64_t len = 0;
            code = ay_graph_constant_bytes(c, &len);
            if (code != AY_OK) break;
            ay_elements_reorder(weights->bytes + c->offset, len / ay_dtype_bytes(c->dtype),
                                ay_dtype_bytes(c->dtype));
        }
    if (code == AY_OK) {
        uint32_t count = g.model.graphs[0].inputs_count;
        struct ay_ndarray *inputs = calloc(count + 1u, sizeof *inputs);
        code = inputs ? read_inputs(folder, inputs, count, reason) : AY_E_MEMORY;
        if (code == AY_OK) code = run_graph(&g, inputs, hash, reason);
        for (uint32_t i = 0; inputs && i < count; i++) ay_ndarray_free(&inputs[i]);
        free(inputs);
    }
    free(memory);
    return code;
}

/* The same run several times at once; AY_E_INVARIANT when one gives other bits than it did alone.
 */
static enum ay_code run_batch(struct ay_exec *exec, const struct ay_run *alone,
                              const struct ay_ndarray *wanted)
{
    struct ay_run runs[BATCH];
    struct ay_ndarray outputs[BATCH];
    uint64_t bytes;
    AY_TRY(ay_ndarray_bytes(wanted, &bytes));
    for (uint32_t r = 0; r < BATCH; r++) {
        outputs[r] = *wanted;
        AY_TRY(ay_ndarray_take(&outputs[r]));
        runs[r] = *alone;
        runs[r].outputs[0] = outputs[r].data;
    }
    enum ay_code code = ay_exec_run(exec, runs, BATCH);
    for (uint32_t r = 0; r < BATCH; r++) {
        if (code == AY_OK && memcmp(outputs[r].data, wanted->data, bytes) != 0)
            code = AY_E_INVARIANT;
        ay_ndarray_free(&outputs[r]);
    }
    return code;
}

static enum ay_code run_program(const struct ay_work_program *p, const void *const *weights,
                                const struct ay_ndarray *inputs, uint64_t *hash)
{
    struct ay_exec_options options = {.threads = threads};
    struct ay_exec *exec = NULL;
    struct ay_run run = {0};
    struct ay_ndarray out = {.dtype = AY_WORK_DTYPE_F32};
    struct ay_tensor_type type;
    for (uint32_t s = 0; s < p->max_dims_count; s++) run.sizes[s] = (uint32_t)inputs[0].dims[0];
    for (uint32_t i = 0; i < p->inputs_count; i++) run.inputs[i] = inputs[i].data;
    AY_TRY(ay_program_shape(p, ay_program_values(p) - 1, run.sizes, &type));
    out.rank = type.rank;
    for (uint32_t d = 0; d < type.rank; d++) out.dims[d] = type.dims[d];
    AY_TRY(ay_ndarray_take(&out));
    run.outputs[0] = out.data;
    enum ay_code code = ay_exec_open(p, weights, &options, &exec);
    if (code == AY_OK) code = ay_exec_run(exec, &run, 1);
    if (code == AY_OK) code = run_batch(exec, &run, &out);
    if (code == AY_OK) absorb_array(hash, &out);
    ay_exec_close(exec);
    ay_ndarray_free(&out);
    return code;
}

static enum ay_code program(const char *folder, const struct file *bytes, struct file *weights,
                            uint64_t *hash, struct ay_reason *reason)
{
    struct ay_work_program p;
    struct ay_ndarray inputs[AY_MAX_WORK_PROGRAM_INPUTS] = {{0}};
    const void **at = NULL;
    void *memory = NULL;
    uint64_t offset = 0;
    enum ay_code code = decode(&ay_work_program_msg, bytes, &memory, &p);
    if (code == AY_OK) code = ay_program_check(&p, NULL);
    if (code == AY_OK && !(at = calloc(p.weights_count + 1u, sizeof *at))) code = AY_E_MEMORY;
    for (uint32_t i = 0; code == AY_OK && i < p.weights_count; i++) {
        uint64_t elements = 1;
        uint32_t size = ay_dtype_bytes(p.weights[i].dtype);
        for (uint32_t d = 0; d < p.weights[i].dims_count; d++) elements *= p.weights[i].dims[d];
        offset = (offset + ALIGN - 1) / ALIGN * ALIGN;
        if (offset + elements * size > weights->len) code = AY_E_FORMAT;
        if (code != AY_OK) break;
        ay_elements_reorder(weights->bytes + offset, elements, size);
        at[i] = weights->bytes + offset;
        offset += elements * size;
    }
    if (code == AY_OK) code = read_inputs(folder, inputs, p.inputs_count, reason);
    if (code == AY_OK) code = run_program(&p, at, inputs, hash);
    for (uint32_t i = 0; code == AY_OK && i < p.inputs_count; i++) ay_ndarray_free(&inputs[i]);
    free(at);
    free(memory);
    return code;
}

static enum ay_code run_folder(const char *folder, uint64_t *hash, struct ay_reason *reason)
{
    struct file bytes, weights;
    if (!read_file(folder, "weights.bin", &weights)) {
        free(weights.bytes);
        return ay_reject(reason, AY_E_IO, "weights.bin");
    }
    enum ay_code code;
    if (read_file(folder, "graph.bin", &bytes)) {
        code = graph(folder, &bytes, &weights, hash, reason);
    } else {
        free(bytes.bytes);
        code = read_file(folder, "program.bin", &bytes)
                   ? program(folder, &bytes, &weights, hash, reason)
                   : ay_reject(reason, AY_E_IO, "neither graph.bin nor program.bin");
    }
    free(bytes.bytes);
    free(weights.bytes);
    return code;
}

int main(int argc, char **argv)
{
    char folder[PATH_MAX];
    if (argc > 1) threads = (uint32_t)strtoul(argv[1], NULL, 10);
    while (fgets(folder, sizeof folder, stdin)) {
        uint64_t hash = 0xcbf29ce484222325u;
        struct ay_reason reason = {""};
        folder[strcspn(folder, "\n")] = 0;
        enum ay_code code = run_folder(folder, &hash, &reason);
        if (code == AY_OK)
            printf("%016llx\n", (unsigned long long)hash);
        else
            printf("failed, %s: %s\n", ay_code_info(code)->text, reason.text);
        (void)fflush(stdout);
    }
    return 0;
}
