#include "role/compute.h"

#include "role/jobio.h"

#include <stdlib.h>

#define RUNS_A_BATCH 32

struct honest {
    const struct ay_model *model;
    struct ay_exec *exec, *tracer;
    uint32_t threads;
};

static enum ay_code run_batch(struct honest *h, const struct ay_job_run *job_runs, uint32_t n,
                              float **out)
{
    struct ay_run runs[RUNS_A_BATCH] = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t elements;
        AY_TRY(ay_output_elements(&h->model->program, job_runs[i].ids_count, &elements));
        runs[i].inputs[0] = job_runs[i].ids;
        runs[i].sizes[0] = job_runs[i].ids_count;
        runs[i].outputs[0] = *out;
        *out += elements;
    }
    return ay_exec_run(h->exec, runs, n);
}

static enum ay_code honest_run(void *self, const struct ay_job_input *input, float *out,
                               bool (*done)(void *context, uint32_t runs), void *context)
{
    struct honest *h = self;
    for (uint32_t first = 0; first < input->runs_count; first += RUNS_A_BATCH) {
        uint32_t n = input->runs_count - first;
        if (n > RUNS_A_BATCH) n = RUNS_A_BATCH;
        AY_TRY(run_batch(h, &input->runs[first], n, &out));
        if (done && !done(context, first + n)) return AY_E_INTERRUPTED;
    }
    return AY_OK;
}

/* The tracer keeps every output of a run in memory, so it is made only when a dispute asks. */
static enum ay_code honest_trace(void *self, const struct ay_job_run *job_run)
{
    struct honest *h = self;
    uint32_t elements;
    if (!h->tracer) {
        struct ay_exec_options options = {.threads = h->threads, .trace = true};
        AY_TRY(ay_exec_open(&h->model->program, h->model->weights, &options, &h->tracer));
    }
    AY_TRY(ay_output_elements(&h->model->program, job_run->ids_count, &elements));
    float *out = malloc(sizeof *out * elements);
    if (!out) return AY_E_MEMORY;
    struct ay_run run = {.inputs = {job_run->ids}, .sizes = {job_run->ids_count}, .outputs = {out}};
    enum ay_code code = ay_exec_run(h->tracer, &run, 1);
    free(out);
    return code;
}

static const void *honest_op_output(void *self, uint32_t op)
{
    struct honest *h = self;
    return ay_exec_trace(h->tracer, op);
}

enum ay_code ay_compute_open(const struct ay_model *model, uint32_t threads, struct ay_compute *out)
{
    struct honest *h = calloc(1, sizeof *h);
    if (!h) return AY_E_MEMORY;
    struct ay_exec_options options = {.threads = threads};
    enum ay_code code = ay_exec_open(&model->program, model->weights, &options, &h->exec);
    if (code != AY_OK) {
        free(h);
        return code;
    }
    h->model = model;
    h->threads = threads;
    *out = (struct ay_compute){.self = h,
                               .program = &model->program,
                               .weights = model->weights,
                               .run = honest_run,
                               .trace = honest_trace,
                               .op_output = honest_op_output};
    memcpy(out->program_id, model->program_id, 32);
    return AY_OK;
}

void ay_compute_close(struct ay_compute *compute)
{
    struct honest *h = compute->self;
    if (!h) return;
    ay_exec_close(h->exec);
    ay_exec_close(h->tracer);
    free(h);
    compute->self = NULL;
}
