/* assay model quantize: a model of fewer bits, and how near and how fast it is beside the old one.
 */
#include "cli/model_quantize.h"

#include "cli/cli.h"
#include "cli/lines.h"
#include "tensor/quantize/quantize.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_INPUT_BYTES (1u << 30)
#define MAX_LINES       (1u << 24)
/* Of these runs the fastest counts. */
#define TIMED_RUNS 3u

/* --- comparing --- */

void ay_compare_rows(struct ay_compared *c, const float *a, const float *b, size_t rows,
                     size_t width)
{
    for (size_t r = 0; r < rows; r++, a += width, b += width) {
        double ab = 0, aa = 0, bb = 0;
        for (size_t i = 0; i < width; i++) {
            double difference = fabs((double)a[i] - (double)b[i]);
            ab += (double)a[i] * (double)b[i];
            aa += (double)a[i] * (double)a[i];
            bb += (double)b[i] * (double)b[i];
            if (!(difference <= c->difference)) c->difference = difference;
        }
        double cosine = aa == 0 && bb == 0 ? 1 : ab / sqrt(aa * bb);
        if (!(cosine >= c->cosine)) c->cosine = cosine;
    }
    c->rows += rows;
}

uint64_t ay_compare_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t file_bytes(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    return len > 0 && len < (int)sizeof path && stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static uint64_t folder_bytes(const char *dir)
{
    static const char *const names[] = {"program.bin", "graph.bin", "weights.bin"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) bytes += file_bytes(dir, names[i]);
    return bytes;
}

/* As text: nothing that is printed is a float of JSON. */
static json_t *decimal(double x, int digits)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*f", digits, x);
    return json_string(text);
}

json_t *ay_compare_report(const char *dir, const struct ay_model_options *o,
                          const struct ay_compared *c)
{
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:I}", "out", o->out, "profile", o->profile_name, "bytes_before",
                  (json_int_t)folder_bytes(dir), "bytes_after", (json_int_t)folder_bytes(o->out));
    if (!json || c->rows == 0) return json;
    json_object_set_new(json, "compared_rows", json_integer((json_int_t)c->rows));
    json_object_set_new(json, "least_cosine", decimal(c->cosine, 7));
    json_object_set_new(json, "largest_difference", decimal(c->difference, 7));
    json_object_set_new(json, "ms_before", decimal((double)c->before_ns / 1e6, 3));
    json_object_set_new(json, "ms_after", decimal((double)c->after_ns / 1e6, 3));
    return json;
}

/* --- BERT models --- */

/* The vectors of all lines, and the time that they took. */
static enum ay_code embed(const struct ay_model *m, const struct ay_lines *in, uint32_t threads,
                          float *out, uint64_t *ns, struct ay_reason *reason)
{
    struct ay_exec *exec = NULL;
    struct ay_exec_options options = {.threads = threads};
    enum ay_code code = ay_exec_open(&m->program, m->weights, &options, &exec);
    *ns = UINT64_MAX;
    for (uint32_t i = 0; code == AY_OK && i < TIMED_RUNS; i++) {
        uint64_t begun = ay_compare_now_ns();
        code = ay_model_embed(m, exec, in->at, in->count, out, NULL, NULL, reason);
        uint64_t took = ay_compare_now_ns() - begun;
        if (took < *ns) *ns = took;
    }
    ay_exec_close(exec);
    return code;
}

static enum ay_code compare_lines(const struct ay_model *before, const struct ay_model_options *o,
                                  const struct ay_lines *in, struct ay_compared *c,
                                  struct ay_reason *reason)
{
    struct ay_model *after = NULL;
    size_t floats = (size_t)in->count * before->dims;
    float *a = calloc(floats + 1, sizeof *a), *b = calloc(floats + 1, sizeof *b);
    enum ay_code code = a && b ? ay_model_open(o->out, &after, reason) : AY_E_MEMORY;
    uint32_t threads = (uint32_t)o->threads;
    if (code == AY_OK) code = embed(before, in, threads, a, &c->before_ns, reason);
    if (code == AY_OK) code = embed(after, in, threads, b, &c->after_ns, reason);
    if (code == AY_OK) ay_compare_rows(c, a, b, in->count, before->dims);
    ay_model_close(after);
    free(a);
    free(b);
    return code;
}

int ay_model_quantize_lines(const char *dir, const struct ay_model_options *o)
{
    struct ay_model *m = NULL;
    struct ay_lines in = {0};
    struct ay_compared c = {.cosine = 1};
    struct ay_reason reason = {"out of memory"};
    if (strcmp(o->profile_name, "q8") != 0)
        return ay_cli_fail(AY_E_UNSUPPORTED, "a model of sentences has the profile q8 alone");
    if (o->inputs_count > 1 || o->calibrate)
        return ay_cli_fail(AY_E_USAGE, "this model takes one --input FILE, of lines");
    int failed = o->inputs_count ? ay_lines_open(o->inputs[0], MAX_INPUT_BYTES, MAX_LINES, &in) : 0;
    if (!failed) {
        enum ay_code code = ay_model_open(dir, &m, &reason);
        if (code == AY_OK) code = ay_quantize_model(m, dir, o->out, &reason);
        if (code == AY_OK && in.count) code = compare_lines(m, o, &in, &c, &reason);
        failed = code == AY_OK ? ay_model_print(ay_compare_report(dir, o, &c))
                               : ay_cli_fail(code, "%s", reason.text);
    }
    ay_model_close(m);
    ay_lines_close(&in);
    return failed;
}
