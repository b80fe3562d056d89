/* assay model quantize, for models kept as graphs. */
#include "cli/model_quantize.h"

#include "cli/cli.h"
#include "tensor/graph_run.h"
#include "tensor/npy.h"
#include "tensor/quantize/graph.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of these runs the fastest counts. */
#define TIMED_RUNS 3u

struct quantize {
    const struct ay_model_options *options;
    struct ay_graph_folder *before, *after;
    struct ay_ndarray *samples; /* all inputs of a run, run by run */
    uint32_t inputs, outputs, count;
    struct ay_compared compared;
    struct ay_int8_report report;
    struct ay_reason reason;
};

/* --- samples --- */

/* Sample `index` of an array that holds `all` one after another along its first axis. */
static enum ay_code slice_of(const struct ay_ndarray *array, uint32_t index, uint32_t all,
                             struct ay_ndarray *out)
{
    uint64_t bytes;
    *out = *array;
    if (array->rank) out->dims[0] /= all;
    AY_TRY(ay_ndarray_take(out));
    AY_TRY(ay_ndarray_bytes(out, &bytes));
    memcpy(out->data, (const uint8_t *)array->data + index * bytes, bytes);
    return AY_OK;
}

/* The size that the model's input has along its first axis; 0: any. */
static uint64_t batch_of(const struct quantize *q, uint32_t input)
{
    const struct ay_graph_port *p = &q->before->model.graphs[0].inputs[input];
    return p->dims_count ? p->dims[0].size : 0;
}

/* Whether all runs take the whole of it: it is one number, or as long as the model says, as the
 * state of a recurrent one is. */
static bool is_shared(const struct quantize *q, const struct ay_ndarray *read, uint32_t input)
{
    return read->rank == 0 || read->dims[0] == batch_of(q, input);
}

/* Cuts what was read into runs of the size that the model takes. */
static enum ay_code cut(struct quantize *q, const struct ay_ndarray *read)
{
    uint64_t batch = batch_of(q, 0);
    q->count = 1;
    if (batch && read[0].rank && read[0].dims[0] > batch && read[0].dims[0] % batch == 0)
        q->count = (uint32_t)(read[0].dims[0] / batch);
    q->samples = calloc((size_t)q->count * q->inputs + 1, sizeof *q->samples);
    if (!q->samples) return AY_E_MEMORY;
    for (uint32_t s = 0; s < q->count; s++)
        for (uint32_t i = 0; i < q->inputs; i++) {
            bool shared = is_shared(q, &read[i], i);
            if (!shared && read[i].dims[0] % q->count)
                return ay_reject(&q->reason, AY_E_USAGE,
                                 "the files do not hold one number of samples");
            AY_TRY(slice_of(&read[i], shared ? 0 : s, shared ? 1 : q->count,
                            &q->samples[s * q->inputs + i]));
        }
    return AY_OK;
}

/* The value of --input NAME=VALUE, or of --calibrate where there is one input; or NULL. */
static const char *given(const struct quantize *q, struct ay_slice name)
{
    const struct ay_model_options *o = q->options;
    if (o->calibrate && q->inputs == 1) return o->calibrate;
    for (uint32_t i = 0; i < o->inputs_count; i++) {
        const char *text = o->inputs[i];
        if (strlen(text) > name.len && text[name.len] == '=' &&
            memcmp(text, name.data, name.len) == 0)
            return text + name.len + 1;
    }
    return NULL;
}

static enum ay_code read_into(struct quantize *q, struct ay_ndarray *read)
{
    uint64_t limit = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
    for (uint32_t i = 0; i < q->inputs; i++) {
        struct ay_slice name = q->before->model.graphs[0].inputs[i].name;
        const char *path = given(q, name);
        if (!path)
            return ay_reject(&q->reason, AY_E_USAGE, "the model needs --input %.*s=FILE.npy",
                             (int)name.len, (const char *)name.data);
        AY_TRY(ay_npy_read(path, limit, &read[i], NULL, &q->reason));
    }
    return cut(q, read);
}

static enum ay_code read_samples(struct quantize *q)
{
    if (q->options->inputs_count == 0 && !q->options->calibrate) return AY_OK;
    struct ay_ndarray *read = calloc(q->inputs + 1u, sizeof *read);
    if (!read) return AY_E_MEMORY;
    enum ay_code code = read_into(q, read);
    for (uint32_t i = 0; i < q->inputs; i++) ay_ndarray_free(&read[i]);
    free(read);
    return code;
}

/* --- comparing --- */

/* All outputs of all samples, in the order of the samples; the fastest of some rounds. */
static enum ay_code run_all(struct quantize *q, const struct ay_graph_folder *graph,
                            struct ay_ndarray *outputs, uint64_t *ns)
{
    struct ay_graph_runner *runner = NULL;
    const struct ay_graph_runner_options o = {.threads = (uint32_t)q->options->threads};
    enum ay_code code = ay_graph_runner_open(graph, &o, &runner);
    *ns = UINT64_MAX;
    for (uint32_t round = 0; code == AY_OK && round < 1 + TIMED_RUNS; round++) {
        uint64_t begun = ay_compare_now_ns();
        for (uint32_t s = 0; code == AY_OK && s < q->count; s++) {
            struct ay_ndarray *to = outputs + (size_t)s * q->outputs;
            for (uint32_t i = 0; i < q->outputs; i++) ay_ndarray_free(&to[i]);
            code =
                ay_graph_run(runner, q->samples + (size_t)s * q->inputs, q->inputs, to, &q->reason);
        }
        uint64_t took = ay_compare_now_ns() - begun;
        if (round && took < *ns) *ns = took; /* the first one lowers the graph */
    }
    ay_graph_runner_close(runner);
    return code;
}

/* f32 outputs of one shape, each a row. */
static void compare(struct quantize *q, const struct ay_ndarray *a, const struct ay_ndarray *b)
{
    for (size_t i = 0; i < (size_t)q->count * q->outputs; i++) {
        uint64_t bytes, other;
        if (a[i].dtype != AY_WORK_DTYPE_F32 || b[i].dtype != AY_WORK_DTYPE_F32) continue;
        if (ay_ndarray_bytes(&a[i], &bytes) != AY_OK || ay_ndarray_bytes(&b[i], &other) != AY_OK ||
            bytes != other)
            continue;
        ay_compare_rows(&q->compared, a[i].data, b[i].data, 1, bytes / sizeof(float));
    }
}

static enum ay_code compare_models(struct quantize *q)
{
    size_t all = (size_t)q->count * q->outputs;
    struct ay_ndarray *a = calloc(all + 1, sizeof *a), *b = calloc(all + 1, sizeof *b);
    enum ay_code code = a && b ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK) code = ay_graph_folder_open(q->options->out, &q->after, &q->reason);
    if (code == AY_OK) code = run_all(q, q->before, a, &q->compared.before_ns);
    if (code == AY_OK) code = run_all(q, q->after, b, &q->compared.after_ns);
    if (code == AY_OK) compare(q, a, b);
    for (size_t i = 0; a && b && i < all; i++) {
        ay_ndarray_free(&a[i]);
        ay_ndarray_free(&b[i]);
    }
    free(a);
    free(b);
    return code;
}

static enum ay_code quantize(struct quantize *q, const char *dir)
{
    const struct ay_model_options *o = q->options;
    AY_TRY(ay_graph_folder_open(dir, &q->before, &q->reason));
    q->inputs = q->before->model.graphs[0].inputs_count;
    q->outputs = q->before->model.graphs[0].outputs_count;
    AY_TRY(read_samples(q));
    if (strcmp(o->profile_name, "q8") == 0) {
        AY_TRY(ay_quantize_graph_q8(q->before, o->out, &q->reason));
    } else {
        const struct ay_samples samples = {q->samples, q->count, (uint32_t)o->threads};
        if (q->count == 0)
            return ay_reject(&q->reason, AY_E_USAGE, "int8 needs samples: --calibrate FILE.npy");
        AY_TRY(ay_quantize_graph_int8(q->before, &samples, o->out, &q->report, &q->reason));
    }
    return q->count ? compare_models(q) : AY_OK;
}

/* What was compared and, of int8, which operators stayed in f32. */
static json_t *report_of(const struct quantize *q, const char *dir)
{
    const struct ay_int8_report *r = &q->report;
    json_t *json = ay_compare_report(dir, q->options, &q->compared);
    if (!json || r->integer == 0) return json;
    json_object_set_new(json, "integer_operators", json_integer(r->integer));
    json_object_set_new(json, "f32_operators", json_integer(r->f32));
    if (r->f32) json_object_set_new(json, "f32_names", json_string(r->names));
    return json;
}

int ay_model_quantize_graph(const char *dir, const struct ay_model_options *options)
{
    struct quantize q = {
        .options = options, .compared = {.cosine = 1}, .reason = {"out of memory"}};
    enum ay_code code = quantize(&q, dir);
    int failed =
        code == AY_OK ? ay_model_print(report_of(&q, dir)) : ay_cli_fail(code, "%s", q.reason.text);
    for (size_t i = 0; q.samples && i < (size_t)q.count * q.inputs; i++)
        ay_ndarray_free(&q.samples[i]);
    free(q.samples);
    ay_graph_folder_close(q.before);
    ay_graph_folder_close(q.after);
    return failed;
}
