/* Runs convolutions for bench/conv.py: conv THREADS. Each line "C H W M KERNEL STRIDE GROUPS TIMES"
 * of stdin, padded by KERNEL / 2, with bias and ReLU, is answered with the seconds that the fastest
 * of TIMES runs took. */
#include "tensor/exec.h"
#include "tensor/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct conv {
    uint64_t channels, height, width, filters, kernel, stride, groups;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const struct ay_value *random_floats(struct ay_tape *tape, uint32_t rank,
                                            const uint64_t *dims)
{
    void *data;
    const struct ay_value *x = ay_tape_copy(tape, AY_WORK_DTYPE_F32, rank, dims, NULL, &data);
    for (uint64_t i = 0; x && i < ay_value_elements(x); i++)
        ((float *)data)[i] = (float)rand() / (float)RAND_MAX - 0.5F;
    return x;
}

/* The convolution as the lowering writes it. */
static const struct ay_value *write_conv(struct ay_tape *tape, const struct conv *c,
                                         const struct ay_value *x)
{
    uint64_t own = c->channels / c->groups, k = c->kernel, pad = k / 2;
    uint64_t height = (c->height + 2 * pad - k) / c->stride + 1;
    uint64_t width = (c->width + 2 * pad - k) / c->stride + 1;
    int64_t s = (int64_t)c->stride, before = -(int64_t)pad;
    struct ay_tape_view v = {
        .view_rank = 3,
        .view = {c->channels, c->height, c->width},
        .grid_rank = 6,
        .grid = {c->groups, height, width, own, k, k},
        .offsets = {0, before, before},
        .coefs = {{(int64_t)own, 0, 0, 1, 0, 0}, {0, s, 0, 0, 1, 0}, {0, 0, s, 0, 0, 1}}};
    uint32_t flat = c->groups == 1;
    uint64_t rows[] = {c->groups, height * width, own * k * k};
    uint64_t weights[] = {c->groups, c->filters / c->groups, rows[2]};
    uint64_t bias[] = {c->groups, c->filters / c->groups, 1};
    const struct ay_value *y = ay_tape_matmul(tape, random_floats(tape, 3 - flat, weights + flat),
                                              ay_tape_view(tape, x, &v, 3 - flat, rows + flat));
    y = ay_tape_fn2(tape, AY_WORK_FN_ADD, y, random_floats(tape, 3 - flat, bias + flat));
    return ay_tape_fn2(tape, AY_WORK_FN_MAX, y, ay_tape_f32(tape, 0));
}

static double fastest(const struct conv *c, uint32_t threads, unsigned times)
{
    struct ay_tape *tape = NULL;
    struct ay_exec *exec = NULL;
    struct ay_tape_program p;
    const struct ay_tape_options options = {.threads = 1};
    const struct ay_exec_options exec_options = {.threads = threads};
    const uint64_t dims[] = {c->channels, c->height, c->width};
    double best = 1e9;
    if (ay_tape_open(&options, &tape) != AY_OK) exit(EXIT_FAILURE);
    const struct ay_value *x = ay_tape_input(tape, AY_WORK_DTYPE_F32, 3, dims);
    const struct ay_value *y = write_conv(tape, c, x);
    if (ay_tape_program(tape, &y, 1, &p) != AY_OK ||
        ay_exec_open(&p.program, p.weights, &exec_options, &exec) != AY_OK) {
        fprintf(stderr, "conv: %s\n", ay_tape_reason(tape));
        exit(EXIT_FAILURE);
    }
    struct ay_run run = {.inputs = {random_floats(tape, 3, dims)->data}};
    run.outputs[0] = malloc(ay_exec_output_bytes(exec, 0, run.sizes));
    for (unsigned i = 0; i < times && run.outputs[0]; i++) {
        double begun = now_s();
        if (ay_exec_run(exec, &run, 1) != AY_OK) exit(EXIT_FAILURE);
        double took = now_s() - begun;
        if (took < best) best = took;
    }
    free(run.outputs[0]);
    ay_exec_close(exec);
    ay_tape_close(tape);
    return best;
}

int main(int argc, char **argv)
{
    struct conv c;
    unsigned times;
    if (argc != 2) return 2;
    while (scanf("%lu %lu %lu %lu %lu %lu %lu %u", &c.channels, &c.height, &c.width, &c.filters,
                 &c.kernel, &c.stride, &c.groups, &times) == 8) {
        printf("%.6f\n", fastest(&c, (uint32_t)atoi(argv[1]), times));
        fflush(stdout);
    }
    return 0;
}
