/* assay model show, for models kept as graphs. */
#include "cli/model.h"

#include "base/text.h"
#include "cli/cli.h"
#include "tensor/graph.h"
#include "tensor/graph_run.h"
#include "tensor/lower/lower.h"
#include "verify/game.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes that a dimension without a number may be given. */
#define MAX_SIZE INT32_MAX

static json_t *text_of(struct ay_slice s)
{
    return json_stringn(s.len ? (const char *)s.data : "", s.len);
}

static json_t *number_of(uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, n);
    return json_string(text);
}

/* "f32 (batch, 3, ?, 224)", or "f32" where no rank is stated. */
static json_t *type_of(const struct ay_graph_port *p)
{
    char text[AY_MAX_RANK * (AY_MAX_GRAPH_DIM_NAME + 2) + 16];
    struct ay_text t = ay_text_over(text, sizeof text);
    ay_text_str(&t, ay_dtype_name(p->dtype));
    if (p->ranked) ay_text_str(&t, " (");
    for (uint32_t d = 0; d < p->dims_count; d++) {
        if (d) ay_text_str(&t, ", ");
        if (p->dims[d].name.len)
            ay_text_put(&t, p->dims[d].name.data, p->dims[d].name.len);
        else if (p->dims[d].size)
            ay_text_u64(&t, p->dims[d].size);
        else
            ay_text_str(&t, "?");
    }
    if (p->ranked) ay_text_str(&t, ")");
    return json_string(text);
}

static json_t *ports(const struct ay_graph_port *list, uint32_t count)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(
            out, json_pack("{s:o, s:o}", "name", text_of(list[i].name), "type", type_of(&list[i])));
    return out;
}

/* How often each operator is there, bodies included. */
static json_t *operators(const struct ay_graph_model *m)
{
    json_t *out = json_object();
    for (uint32_t g = 0; g < m->graphs_count; g++)
        for (uint32_t i = 0; i < m->graphs[g].nodes_count; i++) {
            const struct ay_graph_node *n = &m->graphs[g].nodes[i];
            char name[AY_MAX_GRAPH_NODE_DOMAIN + AY_MAX_GRAPH_NODE_OP + 2];
            struct ay_text t = ay_text_over(name, sizeof name);
            ay_text_put(&t, n->domain.data, n->domain.len);
            if (n->domain.len) ay_text_char(&t, ':');
            ay_text_put(&t, n->op.data, n->op.len);
            json_int_t before = json_integer_value(json_object_get(out, name));
            json_object_set_new(out, name, json_integer(before + 1));
        }
    return out;
}

static uint64_t parameters(const struct ay_graph_model *m)
{
    uint64_t all = 0, bytes;
    for (uint32_t g = 0; g < m->graphs_count; g++)
        for (uint32_t i = 0; i < m->graphs[g].constants_count; i++) {
            const struct ay_graph_constant *k = &m->graphs[g].constants[i];
            enum ay_code code = ay_graph_constant_bytes(k, &bytes);
            AY_ASSERT(code == AY_OK); /* it was checked when the folder was opened */
            all += bytes / ay_dtype_bytes(k->dtype);
        }
    return all;
}

/* What follows KEY= in one of the --dim, or NULL. */
static const char *dim_given(const struct ay_model_options *o, const char *key, size_t len)
{
    for (uint32_t i = 0; i < o->dims_count; i++)
        if (strlen(o->dims[i]) > len && o->dims[i][len] == '=' && memcmp(o->dims[i], key, len) == 0)
            return o->dims[i] + len + 1;
    return NULL;
}

/* An axis's size: the model's own, else what --dim says of its name or of INPUT:AXIS, else 1. */
static enum ay_code size_of(const struct ay_model_options *o, const struct ay_graph_port *p,
                            uint32_t axis, uint64_t *out, struct ay_reason *reason)
{
    const struct ay_graph_dim *d = &p->dims[axis];
    char key[AY_MAX_GRAPH_PORT_NAME + 16];
    int len =
        snprintf(key, sizeof key, "%.*s:%u", (int)p->name.len, (const char *)p->name.data, axis);
    *out = d->size ? d->size : 1;
    if (d->size) return AY_OK;
    const char *text = dim_given(o, key, (size_t)len);
    if (!text && d->name.len) text = dim_given(o, (const char *)d->name.data, d->name.len);
    if (!text || ay_parse_u64(ay_slice_str(text), MAX_SIZE, out) == AY_OK) return AY_OK;
    return ay_reject(reason, AY_E_USAGE, "--dim %.60s: %.60s is no size", key, text);
}

static enum ay_code shapes(const struct ay_graph_graph *g, const struct ay_model_options *o,
                           struct ay_ndarray *inputs, struct ay_reason *reason)
{
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        const struct ay_graph_port *p = &g->inputs[i];
        inputs[i] = (struct ay_ndarray){.dtype = p->dtype, .rank = p->dims_count};
        if (!p->ranked)
            return ay_reject(
                reason, AY_E_STATE, "the model does not say how many axes input %.*s has",
                (int)(p->name.len < 80 ? p->name.len : 80), (const char *)p->name.data);
        for (uint32_t d = 0; d < p->dims_count; d++)
            AY_TRY(size_of(o, p, d, &inputs[i].dims[d], reason));
    }
    return AY_OK;
}

/* An operator that no registered program may be made with, or NULL. */
static const struct ay_graph_node *local_node(const struct ay_graph_model *m)
{
    for (uint32_t g = 0; g < m->graphs_count; g++)
        for (uint32_t i = 0; i < m->graphs[g].nodes_count; i++) {
            const struct ay_graph_node *n = &m->graphs[g].nodes[i];
            const struct ay_operator *op = ay_operator_find(n->domain, n->op);
            if (op && op->local) return n;
        }
    return NULL;
}

/* Adds what the program for some shapes is, or says why there is none. */
static enum ay_code add_program(json_t *out, const struct ay_graph_folder *graph,
                                const struct ay_model_options *o, struct ay_reason *reason)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    const struct ay_graph_graph *g = &graph->model.graphs[0];
    const struct ay_graph_runner_options options = {.limit_bytes = o->max_memory_bytes};
    const struct ay_graph_node *local = local_node(&graph->model);
    const struct ay_tape_program *made = NULL;
    struct ay_graph_runner *runner = NULL;
    const char *why = "";
    uint64_t units;
    struct ay_ndarray *inputs = calloc(g->inputs_count + 1u, sizeof *inputs);
    enum ay_code code = inputs ? shapes(g, o, inputs, reason) : AY_E_MEMORY;
    if (code == AY_OK && local)
        code =
            ay_reject(reason, AY_E_STATE, "%.*s only runs here",
                      (int)(local->op.len < 80 ? local->op.len : 80), (const char *)local->op.data);
    if (code == AY_OK) code = ay_graph_runner_open(graph, &options, &runner);
    if (code == AY_OK) code = ay_graph_prepare(runner, inputs, g->inputs_count, &made, reason);
    if (code == AY_OK && !made)
        code = ay_reject(reason, AY_E_STATE, "its outputs do not depend on its inputs");
    if (code == AY_OK) code = ay_program_units(&made->program, none, &units);
    json_object_set_new(out, "program", json_boolean(code == AY_OK));
    if (code == AY_OK) {
        json_object_set_new(out, "ops", json_integer(made->program.ops_count));
        json_object_set_new(out, "weights", json_integer(made->program.weights_count));
        json_object_set_new(out, "units", number_of(units));
        if (ay_game_check(&made->program, &why) != AY_OK)
            code = ay_reject(reason, AY_E_WORK_PROGRAM, "%s", why);
    }
    ay_graph_runner_close(runner);
    free(inputs);
    return code;
}

json_t *ay_model_describe_graph(const struct ay_graph_folder *graph,
                                const struct ay_model_options *options)
{
    const struct ay_graph_model *m = &graph->model;
    struct ay_reason reason = {""};
    json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", graph->name,
                            "licence", graph->licence, "source", graph->source, "inputs",
                            ports(m->graphs[0].inputs, m->graphs[0].inputs_count), "outputs",
                            ports(m->graphs[0].outputs, m->graphs[0].outputs_count), "operators",
                            operators(m), "parameters", number_of(parameters(m)), "weights_bytes",
                            number_of(graph->weights_bytes));
    if (!out) return NULL;
    enum ay_code code = add_program(out, graph, options, &reason);
    json_object_set_new(out, "registrable", json_boolean(code == AY_OK));
    if (code != AY_OK)
        json_object_set_new(out, "why",
                            json_string(reason.text[0] ? reason.text : ay_code_info(code)->text));
    return out;
}

int ay_model_show_graph(const char *dir, const struct ay_model_options *options)
{
    struct ay_graph_folder *graph = NULL;
    struct ay_reason reason = {"out of memory"};
    enum ay_code code = ay_graph_folder_open(dir, &graph, &reason);
    if (code != AY_OK) return ay_cli_fail(code, "%s", reason.text);
    int failed = ay_model_print(ay_model_describe_graph(graph, options));
    ay_graph_folder_close(graph);
    return failed;
}
