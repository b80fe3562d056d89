/* Times a model that was imported from ONNX: graph DIR THREADS TIMES [profile] [FILE.npy ...].
 * Inputs are those of the files, in order; where there is none, random f32, open sizes 1. Prints
 * the seconds of the fastest run, the executor's memory and, with "profile", each step that took a
 * hundredth of the whole or more. */
#include "tensor/graph_run.h"
#include "tensor/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_INPUTS      16u
#define MAX_INPUT_BYTES (1u << 30)

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool make_input(const struct ay_graph_port *port, struct ay_ndarray *out)
{
    uint64_t bytes;
    *out = (struct ay_ndarray){.dtype = port->dtype, .rank = port->dims_count};
    for (uint32_t d = 0; d < out->rank; d++)
        out->dims[d] = port->dims[d].size ? port->dims[d].size : 1;
    if (ay_ndarray_take(out) != AY_OK || ay_ndarray_bytes(out, &bytes) != AY_OK) return false;
    memset(out->data, 0, bytes);
    for (uint64_t i = 0; port->dtype == AY_WORK_DTYPE_F32 && i < bytes / sizeof(float); i++)
        ((float *)out->data)[i] = (float)rand() / (float)RAND_MAX - 0.5F;
    return true;
}

static void print_profile(const struct ay_exec *exec, unsigned times)
{
    struct ay_exec_cost c;
    uint64_t all = 0;
    for (uint32_t i = 0; ay_exec_cost(exec, i, &c); i++) all += c.ns;
    printf("   ms      %%  op..ops  how        GOPS    GB/s\n");
    for (uint32_t i = 0; ay_exec_cost(exec, i, &c); i++)
        if (c.ns * 100 >= all)
            printf("%7.3f  %5.1f  %4u+%-3u  %-8s %7.1f %7.1f\n", (double)c.ns * 1e-6 / times,
                   100.0 * (double)c.ns / (double)all, c.op, c.ops, c.how,
                   2.0 * (double)c.work * times / (double)c.ns,
                   (double)c.bytes * times / (double)c.ns);
}

int main(int argc, char **argv)
{
    struct ay_reason reason = {""};
    struct ay_graph_folder *folder = NULL;
    struct ay_graph_runner *runner = NULL;
    struct ay_ndarray inputs[MAX_INPUTS], outputs[AY_MAX_WORK_PROGRAM_OUTPUTS];
    const struct ay_tape_program *program;
    if (argc < 4) return 2;
    bool profile = argc > 4 && strcmp(argv[4], "profile") == 0;
    struct ay_graph_runner_options options = {.threads = (uint32_t)atoi(argv[2]),
                                              .profile = profile};
    char **files = argv + 4 + profile, **files_end = argv + argc;
    unsigned times = (unsigned)atoi(argv[3]);
    if (ay_graph_folder_open(argv[1], &folder, &reason) != AY_OK ||
        ay_graph_runner_open(folder, &options, &runner) != AY_OK) {
        fprintf(stderr, "graph: %s\n", reason.text);
        return 1;
    }
    const struct ay_graph_graph *g = &folder->model.graphs[0];
    if (g->inputs_count > MAX_INPUTS || g->outputs_count > AY_MAX_WORK_PROGRAM_OUTPUTS) return 1;
    for (uint32_t i = 0; i < g->inputs_count; i++, files += files < files_end)
        if (files < files_end
                ? ay_npy_read(*files, MAX_INPUT_BYTES, &inputs[i], NULL, &reason) != AY_OK
                : !make_input(&g->inputs[i], &inputs[i])) {
            fprintf(stderr, "graph: %s\n", reason.text);
            return 1;
        }
    double best = 1e9;
    for (unsigned t = 0; t < times; t++) {
        double begun = now_s();
        if (ay_graph_run(runner, inputs, g->inputs_count, outputs, &reason) != AY_OK) {
            fprintf(stderr, "graph: %s\n", reason.text);
            return 1;
        }
        double took = now_s() - begun;
        if (took < best) best = took;
        for (uint32_t i = 0; i < g->outputs_count; i++) ay_ndarray_free(&outputs[i]);
    }
    const struct ay_exec *exec = ay_graph_runner_exec(runner, &program);
    printf("%.6f s", best);
    if (exec) printf(", %" PRIu64 " MiB of buffers", ay_exec_memory(exec) >> 20);
    printf("\n");
    if (exec && options.profile) print_profile(exec, times);
    for (uint32_t i = 0; i < g->inputs_count; i++) ay_ndarray_free(&inputs[i]);
    ay_graph_runner_close(runner);
    ay_graph_folder_close(folder);
    return 0;
}
