/* Runs a model for bench/minilm.py: minilm DIR THREADS. Each line "BATCH TOKENS TIMES" of stdin is
 * answered with the seconds that the fastest of TIMES runs of that batch took; where TIMES is 0,
 * with what the model makes of the batch. */
#include "tensor/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_BATCH 64u

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double fastest(struct ay_exec *exec, const struct ay_run *runs, unsigned batch,
                      unsigned times)
{
    double best = 1e9;
    for (unsigned i = 0; i < times; i++) {
        double begun = now_s();
        if (ay_exec_run(exec, runs, batch) != AY_OK) exit(EXIT_FAILURE);
        double took = now_s() - begun;
        if (took < best) best = took;
    }
    return best;
}

static void print_embeddings(struct ay_exec *exec, const struct ay_run *runs, unsigned batch,
                             const float *out, size_t n)
{
    if (ay_exec_run(exec, runs, batch) != AY_OK) exit(EXIT_FAILURE);
    for (size_t i = 0; i < n; i++) printf("%.9g%c", (double)out[i], i + 1 < n ? ' ' : '\n');
}

int main(int argc, char **argv)
{
    struct ay_model *m = NULL;
    struct ay_exec *exec = NULL;
    struct ay_reason reason = {""};
    struct ay_run runs[MAX_BATCH] = {0};
    unsigned batch, tokens, times;
    if (argc != 3) return 2;
    struct ay_exec_options options = {.threads = (uint32_t)atoi(argv[2])};
    if (ay_model_open(argv[1], &m, &reason) != AY_OK ||
        ay_exec_open(&m->program, m->weights, &options, &exec) != AY_OK) {
        fprintf(stderr, "minilm: %s\n", reason.text);
        return 1;
    }
    int32_t *ids = calloc((size_t)MAX_BATCH * m->max_tokens, sizeof *ids);
    float *out = calloc((size_t)MAX_BATCH * m->dims, sizeof *out);
    if (!ids || !out) return 1;
    while (scanf("%u %u %u", &batch, &tokens, &times) == 3 && batch <= MAX_BATCH) {
        for (unsigned i = 0; i < batch; i++) {
            int32_t *at = ids + (size_t)i * m->max_tokens;
            for (unsigned j = 0; j < tokens; j++)
                at[j] = (int32_t)(1000 + (i * 7919 + j * 104729) % 25000);
            runs[i] = (struct ay_run){{at}, {tokens}, {out + (size_t)i * m->dims}};
        }
        if (times > 0)
            printf("%.6f\n", fastest(exec, runs, batch, times));
        else
            print_embeddings(exec, runs, batch, out, (size_t)batch * m->dims);
        fflush(stdout);
    }
    ay_exec_close(exec);
    ay_model_close(m);
    free(ids);
    free(out);
    return 0;
}
