/* assay model run, for a BERT model: a vector for each line of a file. */
#include "cli/model.h"

#include "cli/cli.h"
#include "cli/lines.h"
#include "tensor/model.h"
#include "tensor/npy.h"

#include <stdlib.h>

#define MAX_INPUT_BYTES (1u << 30)
#define MAX_LINES       (1u << 24)

static void advance(void *context, size_t done, size_t all)
{
    (void)all;
    ay_progress_set(context, done);
}

static enum ay_code embed(const struct ay_model *m, const struct ay_lines *in, uint32_t threads,
                          const char *out_path, struct ay_reason *reason)
{
    struct ay_exec *exec = NULL;
    struct ay_progress bar;
    struct ay_exec_options options = {.threads = threads};
    float *out = calloc((size_t)in->count * m->dims + 1, sizeof *out);
    enum ay_code code = out ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK) {
        code = ay_exec_open(&m->program, m->weights, &options, &exec);
        if (code == AY_E_USAGE || code == AY_E_UNSUPPORTED)
            code = ay_reject(reason, code, "ASSAY_CPU names what cannot run here");
    }
    if (code == AY_OK) {
        ay_progress_begin(&bar, "embedding", in->count);
        code = ay_model_embed(m, exec, in->at, in->count, out, advance, &bar, reason);
        ay_progress_end(&bar);
    }
    if (code == AY_OK) {
        code = ay_npy_write(out_path, out, in->count, m->dims);
        if (code != AY_OK) code = ay_reject(reason, code, "cannot write %.160s", out_path);
    }
    ay_exec_close(exec);
    free(out);
    return code;
}

static int report(const struct ay_model *m, const struct ay_lines *in, const char *out_path)
{
    if (ay_cli.json)
        return ay_model_print(json_pack("{s:s, s:I, s:I}", "out", out_path, "sentences",
                                        (json_int_t)in->count, "dims", (json_int_t)m->dims));
    fprintf(stderr, "%u sentences, %u numbers each, in %s\n", in->count, m->dims, out_path);
    return 0;
}

int ay_model_run_lines(const char *dir, const struct ay_model_options *options)
{
    struct ay_model *m = NULL;
    struct ay_lines in = {0};
    struct ay_reason reason = {"out of memory"};
    if (options->inputs_count != 1)
        return ay_cli_fail(AY_E_USAGE, "this model takes one --input FILE, of lines");
    int failed = ay_lines_open(options->inputs[0], MAX_INPUT_BYTES, MAX_LINES, &in);
    if (!failed) {
        enum ay_code code = ay_model_open(dir, &m, &reason);
        if (code == AY_OK) code = embed(m, &in, (uint32_t)options->threads, options->out, &reason);
        failed =
            code == AY_OK ? report(m, &in, options->out) : ay_cli_fail(code, "%s", reason.text);
    }
    ay_model_close(m);
    ay_lines_close(&in);
    return failed;
}
