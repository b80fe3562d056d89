/* A provider that lies in a single component of one vector, as little as can be: the last bit of its
 * mantissa. It defends the lie as well as it can; or, with LIAR_WITHHOLDS in the environment, it says
 * nothing more once it has claimed, and where it serves its outputs is for --url to hide. Not part of
 * the program: for demonstrations and tests of the dispute. Takes the arguments of `assay provide`. */
#include "cli/work.h"
#include "role/jobio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENT 200

static struct {
    struct ay_compute honest;
    struct ay_job_run victim; /* the run that is lied about; its ids are owned */
    float *lie;               /* output of the last op for it */
    bool tracing_victim;
} liar;

static bool is_victim(const struct ay_job_run *run)
{
    return liar.victim.ids && run->ids_count == liar.victim.ids_count &&
           memcmp(run->ids, liar.victim.ids, 4ull * run->ids_count) == 0;
}

static void corrupt(float *vector)
{
    uint32_t bits;
    memcpy(&bits, &vector[COMPONENT], sizeof bits);
    bits ^= 1;
    memcpy(&vector[COMPONENT], &bits, sizeof bits);
}

/* The first job's middle run is the victim, once: posted again, it is answered truthfully. */
static bool choose_victim(const struct ay_job_input *input)
{
    const struct ay_job_run *run = &input->runs[input->runs_count / 2];
    if (liar.victim.ids) return false;
    uint32_t *ids = malloc(4ull * run->ids_count);
    if (!ids) abort();
    memcpy(ids, run->ids, 4ull * run->ids_count);
    liar.victim = (struct ay_job_run){.ids = ids, .ids_count = run->ids_count};
    return true;
}

static enum ay_code run(void *self, const struct ay_job_input *input, float *out,
                        bool (*done)(void *context, uint32_t runs), void *context)
{
    AY_TRY(liar.honest.run(self, input, out, done, context));
    if (!done || !choose_victim(input)) return AY_OK; /* without done it measures its speed */
    for (uint32_t i = 0; i < input->runs_count; i++) {
        uint32_t elements;
        AY_TRY(ay_output_elements(liar.honest.program, input->runs[i].ids_count, &elements));
        if (is_victim(&input->runs[i])) {
            corrupt(out);
            fprintf(stderr, "liar: lying about run %u\n", i);
        }
        out += elements;
    }
    return AY_OK;
}

static enum ay_code trace(void *self, const struct ay_job_run *job_run)
{
    uint32_t elements;
    AY_TRY(liar.honest.trace(self, job_run));
    liar.tracing_victim = is_victim(job_run);
    if (!liar.tracing_victim) return AY_OK;
    AY_TRY(ay_output_elements(liar.honest.program, job_run->ids_count, &elements));
    free(liar.lie);
    liar.lie = malloc(sizeof *liar.lie * elements);
    if (!liar.lie) return AY_E_MEMORY;
    memcpy(liar.lie, liar.honest.op_output(self, liar.honest.program->ops_count - 1),
           sizeof *liar.lie * elements);
    corrupt(liar.lie);
    return AY_OK;
}

static const void *op_output(void *self, uint32_t op)
{
    bool last = op == liar.honest.program->ops_count - 1;
    return last && liar.tracing_victim ? liar.lie : liar.honest.op_output(self, op);
}

static void wrap(struct ay_compute *compute, struct ay_provide_options *options)
{
    options->silent = getenv("LIAR_WITHHOLDS") != NULL;
    liar.honest = *compute;
    compute->run = run;
    compute->trace = trace;
    compute->op_output = op_output;
}

int main(int argc, char **argv)
{
    int failed = ay_cli_globals(&argc, argv);
    return failed ? failed : ay_cli_provide_with(argc, argv, wrap);
}
