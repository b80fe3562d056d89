/* assay model import and run, for models kept as graphs. */
#include "cli/model.h"

#include "base/text.h"
#include "cli/cli.h"
#include "crypto/merkle.h"
#include "tensor/graph_run.h"
#include "tensor/image.h"
#include "tensor/npy.h"
#include "tensor/onnx/onnx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is said, else half of the machine's memory. */
static uint64_t memory_limit(const struct ay_model_options *options)
{
    if (options->max_memory_bytes) return options->max_memory_bytes;
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

int ay_model_import_onnx(const char *file, const char *dir, const struct ay_model_options *options)
{
    struct ay_reason reason = {"out of memory"}, notice = {""};
    const struct ay_onnx_options o = {.licence = options->licence,
                                      .source = options->source,
                                      .limit_bytes = memory_limit(options)};
    enum ay_code code = ay_onnx_import(file, dir, &o, &notice, &reason);
    if (notice.text[0]) fprintf(stderr, "%s\n", notice.text);
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s", reason.text);
}

struct job {
    const struct ay_model_options *options;
    struct ay_graph_folder *graph;
    struct ay_graph_runner *runner;
    struct ay_ndarray *inputs, *outputs;
    struct ay_reason reason;
};

static const struct ay_graph_graph *graph_of(const struct job *j)
{
    return &j->graph->model.graphs[0];
}

/* Inputs */

/* The value of --input NAME=VALUE, or NULL. */
static const char *given(const struct job *j, struct ay_slice name)
{
    for (uint32_t i = 0; i < j->options->inputs_count; i++) {
        const char *text = j->options->inputs[i];
        if (strlen(text) > name.len && text[name.len] == '=' &&
            memcmp(text, name.data, name.len) == 0)
            return text + name.len + 1;
    }
    return NULL;
}

static bool is_picture(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && (strcasecmp(end, ".png") == 0 || strcasecmp(end, ".jpg") == 0 ||
                   strcasecmp(end, ".jpeg") == 0);
}

static enum ay_code read_picture(struct job *j, const char *path, struct ay_ndarray *out)
{
    struct ay_ndarray pixels;
    const char *how = j->options->preprocess;
    if (!how || strcmp(how, "imagenet") != 0)
        return ay_reject(&j->reason, AY_E_USAGE, "a picture needs --preprocess imagenet");
    AY_TRY(ay_image_read(path, memory_limit(j->options), &pixels, &j->reason));
    enum ay_code code = ay_image_imagenet(&pixels, out);
    ay_ndarray_free(&pixels);
    return code == AY_OK ? code : ay_reject(&j->reason, code, "%.160s cannot be resized", path);
}

static enum ay_code read_input(struct job *j, const char *path, struct ay_ndarray *out)
{
    const char *converted = NULL;
    if (is_picture(path)) return read_picture(j, path, out);
    AY_TRY(ay_npy_read(path, memory_limit(j->options), out, &converted, &j->reason));
    if (converted) fprintf(stderr, "%s: converted from %s to f32\n", path, converted);
    return AY_OK;
}

static enum ay_code read_inputs(struct job *j)
{
    const struct ay_graph_graph *g = graph_of(j);
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        struct ay_slice name = g->inputs[i].name;
        const char *path = given(j, name);
        if (!path)
            return ay_reject(&j->reason, AY_E_USAGE, "the model needs --input %.*s=FILE",
                             (int)name.len, (const char *)name.data);
        AY_TRY(read_input(j, path, &j->inputs[i]));
    }
    if (j->options->inputs_count == g->inputs_count) return AY_OK;
    return ay_reject(&j->reason, AY_E_USAGE, "%u times --input, but the model has %u inputs",
                     j->options->inputs_count, g->inputs_count);
}

/* Outputs */

/* "DIR2/name.npy". */
static char *output_path(const struct job *j, struct ay_slice name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%.*s.npy", j->options->out, (int)name.len, (const char *)name.data) < 0)
        return NULL;
    for (char *at = path + strlen(j->options->out) + 1; *at; at++)
        if (*at == '/') *at = '_';
    return path;
}

/* Whether another output before it has a name that gives the same file; an output that is named
 * twice is one value. */
static bool is_taken(const struct job *j, uint32_t output)
{
    const struct ay_graph_graph *g = graph_of(j);
    struct ay_slice a = g->outputs[output].name;
    for (uint32_t i = 0; i < output; i++) {
        struct ay_slice b = g->outputs[i].name;
        bool same = a.len == b.len && !ay_slice_equal(a, b);
        for (uint32_t k = 0; same && k < a.len; k++)
            same = (a.data[k] == '/' ? '_' : a.data[k]) == (b.data[k] == '/' ? '_' : b.data[k]);
        if (same) return true;
    }
    return false;
}

static enum ay_code write_output(struct job *j, uint32_t output)
{
    if (is_taken(j, output))
        return ay_reject(&j->reason, AY_E_UNSUPPORTED, "two outputs would be one file");
    char *path = output_path(j, graph_of(j)->outputs[output].name);
    if (!path) return AY_E_MEMORY;
    enum ay_code code = ay_npy_write_array(path, &j->outputs[output]);
    if (code != AY_OK) code = ay_reject(&j->reason, code, "cannot write %.160s", path);
    free(path);
    return code;
}

static enum ay_code write_outputs(struct job *j)
{
    if (mkdir(j->options->out, 0777) != 0 && errno != EEXIST)
        return ay_reject(&j->reason, AY_E_IO, "%.160s: %s", j->options->out, strerror(errno));
    for (uint32_t i = 0; i < graph_of(j)->outputs_count; i++) AY_TRY(write_output(j, i));
    return AY_OK;
}

/* What is said of a run */

static json_t *describe_outputs(const struct job *j)
{
    const struct ay_graph_graph *g = graph_of(j);
    json_t *list = json_array();
    for (uint32_t i = 0; i < g->outputs_count; i++) {
        char type[200];
        struct ay_slice name = g->outputs[i].name;
        json_t *one = json_pack("{s:s%, s:s}", "name", (const char *)name.data, (size_t)name.len,
                                "type", ay_ndarray_describe(&j->outputs[i], type, sizeof type));
        if (!one || json_array_append_new(list, one) != 0) break;
    }
    return list;
}

static const char *op_name(uint32_t kind)
{
    const struct ay_enum_value *value = ay_enum_find(&ay_work_op_kind_enum, kind);
    return value ? value->name : "";
}

/* The root of each op's output. */
static json_t *describe_trace(const struct job *j)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    const struct ay_tape_program *made;
    const struct ay_exec *exec = ay_graph_runner_exec(j->runner, &made);
    json_t *list = json_array();
    for (uint32_t i = 0; made && i < made->program.ops_count; i++) {
        struct ay_tensor_type t;
        uint8_t root[32];
        char hex[65];
        struct ay_text text = ay_text_over(hex, sizeof hex);
        enum ay_code code =
            ay_program_shape(&made->program, ay_program_output(&made->program, i), none, &t);
        if (code == AY_OK)
            code = ay_tensor_root((uint8_t)t.dtype, (uint8_t)t.rank, t.dims, ay_exec_trace(exec, i),
                                  ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype), root);
        AY_ASSERT(code == AY_OK);
        ay_text_hex(&text, AY_SLICE_OF(root));
        json_t *one = json_pack("{s:I, s:s, s:s}", "op", (json_int_t)i, "kind",
                                op_name(made->program.ops[i].kind), "root", hex);
        if (!one || json_array_append_new(list, one) != 0) break;
    }
    return list;
}

/* A ratio with one decimal, as text: nothing that is printed is a float of JSON. */
static json_t *ratio(uint64_t a, uint64_t b)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.1f", b ? (double)a / (double)b : 0.0);
    return json_string(text);
}

/* What each step cost: ops carried out together. */
static json_t *describe_profile(const struct job *j)
{
    const struct ay_tape_program *made;
    struct ay_exec_cost c;
    const struct ay_exec *exec = ay_graph_runner_exec(j->runner, &made);
    json_t *list = json_array();
    for (uint32_t i = 0; exec && ay_exec_cost(exec, i, &c); i++) {
        json_t *one = json_pack(
            "{s:I, s:I, s:s, s:s, s:o, s:o, s:I}", "op", (json_int_t)c.op, "ops", (json_int_t)c.ops,
            "kind", op_name(made->program.ops[c.op].kind), "how", c.how, "us", ratio(c.ns, 1000),
            "gflops", ratio(2 * c.work, c.ns), "bytes", (json_int_t)c.bytes);
        if (!one || json_array_append_new(list, one) != 0) break;
    }
    return list;
}

static int report(const struct job *j)
{
    const char *why = ay_graph_runner_why(j->runner);
    json_t *value = json_pack("{s:s, s:o}", "out", j->options->out, "outputs", describe_outputs(j));
    if (why[0]) json_object_set_new(value, "interpreted", json_string(why));
    if (j->options->trace) json_object_set_new(value, "trace", describe_trace(j));
    if (j->options->profile) json_object_set_new(value, "profile", describe_profile(j));
    return ay_model_print(value);
}

static enum ay_code run(struct job *j, const char *dir)
{
    const struct ay_graph_runner_options o = {.threads = (uint32_t)j->options->threads,
                                              .limit_bytes = memory_limit(j->options),
                                              .trace = j->options->trace,
                                              .profile = j->options->profile};
    AY_TRY(ay_graph_folder_open(dir, &j->graph, &j->reason));
    j->inputs = calloc(graph_of(j)->inputs_count + 1u, sizeof *j->inputs);
    j->outputs = calloc(graph_of(j)->outputs_count + 1u, sizeof *j->outputs);
    if (!j->inputs || !j->outputs) return AY_E_MEMORY;
    AY_TRY(read_inputs(j));
    AY_TRY(ay_graph_runner_open(j->graph, &o, &j->runner));
    AY_TRY(ay_graph_run(j->runner, j->inputs, graph_of(j)->inputs_count, j->outputs, &j->reason));
    return write_outputs(j);
}

int ay_model_run_graph(const char *dir, const struct ay_model_options *options)
{
    struct job j = {.options = options, .reason = {"out of memory"}};
    enum ay_code code = run(&j, dir);
    int failed = code == AY_OK ? report(&j) : ay_cli_fail(code, "%s", j.reason.text);
    for (uint32_t i = 0; j.inputs && i < graph_of(&j)->inputs_count; i++)
        ay_ndarray_free(&j.inputs[i]);
    for (uint32_t i = 0; j.outputs && i < graph_of(&j)->outputs_count; i++)
        ay_ndarray_free(&j.outputs[i]);
    free(j.inputs);
    free(j.outputs);
    ay_graph_runner_close(j.runner);
    ay_graph_folder_close(j.graph);
    return failed;
}
