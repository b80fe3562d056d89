#include "tensor/graph.h"

#include "tensor/program.h"
#include "tensor/dtype.h"

#include <stdlib.h>

#define ALIGN     64u
#define MAX_BYTES (1ull << 46)

/* Names that are known, each with the graph that has it; a hash table, and a log of what its
 * entries were before so that a body's names can be taken back. */
struct name {
    struct ay_slice text;
    uint32_t graph; /* its number + 1; 0: not known (any more) */
};
struct undo {
    uint32_t slot, graph;
};

struct check {
    const struct ay_graph_model *model;
    uint64_t weights_bytes;
    struct name *names;
    struct undo *log;
    uint8_t *owned; /* by graph */
    uint32_t mask, log_count, depth;
    struct ay_reason *reason;
};

#define SHOWN(slice) (int)((slice).len < 80 ? (slice).len : 80), (const char *)(slice).data

static struct name *slot_of(struct check *c, struct ay_slice text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (uint32_t i = 0; i < text.len; i++) hash = (hash ^ text.data[i]) * 16777619u;
    for (uint32_t at = hash & c->mask;; at = (at + 1) & c->mask) {
        struct name *n = &c->names[at];
        if (!n->text.data || ay_slice_equal(n->text, text)) return n;
    }
}

static enum ay_code define(struct check *c, uint32_t graph, struct ay_slice text)
{
    struct name *n = slot_of(c, text);
    if (n->graph == graph + 1)
        return ay_reject(c->reason, AY_E_FORMAT, "two values are called %.*s", SHOWN(text));
    c->log[c->log_count++] = (struct undo){.slot = (uint32_t)(n - c->names), .graph = n->graph};
    *n = (struct name){.text = text, .graph = graph + 1};
    return AY_OK;
}

static bool known(struct check *c, struct ay_slice text)
{
    return slot_of(c, text)->graph != 0;
}

static void forget(struct check *c, uint32_t mark)
{
    while (c->log_count > mark) {
        const struct undo *u = &c->log[--c->log_count];
        c->names[u->slot].graph = u->graph;
    }
}

enum ay_code ay_graph_constant_bytes(const struct ay_graph_constant *k, uint64_t *out)
{
    uint64_t n = ay_dtype_bytes(k->dtype);
    for (uint32_t i = 0; i < k->dims_count; i++)
        if (k->dims[i] > MAX_BYTES || __builtin_mul_overflow(n, k->dims[i], &n) || n > MAX_BYTES)
            return AY_E_LIMIT;
    *out = n;
    return AY_OK;
}

static enum ay_code constants(struct check *c, uint32_t graph)
{
    const struct ay_graph_graph *g = &c->model->graphs[graph];
    for (uint32_t i = 0; i < g->constants_count; i++) {
        const struct ay_graph_constant *k = &g->constants[i];
        uint64_t bytes = 0;
        if (ay_graph_constant_bytes(k, &bytes) != AY_OK)
            return ay_reject(c->reason, AY_E_LIMIT, "constant %.*s: shape", SHOWN(k->name));
        if (k->dtype == AY_WORK_DTYPE_NONE || k->offset % ALIGN != 0 ||
            k->offset > c->weights_bytes || bytes > c->weights_bytes - k->offset)
            return ay_reject(c->reason, AY_E_FORMAT, "constant %.*s: dtype or offset",
                             SHOWN(k->name));
        if (k->name.len) AY_TRY(define(c, graph, k->name));
    }
    return AY_OK;
}

static enum ay_code ports(struct check *c, uint32_t graph)
{
    const struct ay_graph_graph *g = &c->model->graphs[graph];
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        if (g->inputs[i].name.len == 0 || (graph == 0 && g->inputs[i].dtype == 0))
            return ay_reject(c->reason, AY_E_FORMAT, "input %u has no %s", i,
                             g->inputs[i].name.len ? "dtype" : "name");
        AY_TRY(define(c, graph, g->inputs[i].name));
    }
    return AY_OK;
}

static enum ay_code body(struct check *c, uint32_t graph);

static bool counts_fit(const struct ay_graph_attribute *a)
{
    bool integers = a->kind == AY_GRAPH_ATTRIBUTE_INT || a->kind == AY_GRAPH_ATTRIBUTE_INTS;
    bool floats = a->kind == AY_GRAPH_ATTRIBUTE_FLOAT || a->kind == AY_GRAPH_ATTRIBUTE_FLOATS;
    bool texts = a->kind == AY_GRAPH_ATTRIBUTE_STRING || a->kind == AY_GRAPH_ATTRIBUTE_STRINGS;
    bool one = a->kind == AY_GRAPH_ATTRIBUTE_INT || a->kind == AY_GRAPH_ATTRIBUTE_FLOAT ||
               a->kind == AY_GRAPH_ATTRIBUTE_STRING;
    uint32_t count = a->ints_count + a->floats_count + a->strings_count;
    return (integers || a->ints_count == 0) && (floats || a->floats_count == 0) &&
           (texts || a->strings_count == 0) && (!one || count == 1);
}

static enum ay_code attribute(struct check *c, uint32_t graph, const struct ay_graph_node *n,
                              const struct ay_graph_attribute *a)
{
    bool good = a->kind != AY_GRAPH_ATTRIBUTE_NONE && counts_fit(a);
    if (a->kind == AY_GRAPH_ATTRIBUTE_TENSOR)
        good = good && a->index < c->model->graphs[graph].constants_count;
    else if (a->kind == AY_GRAPH_ATTRIBUTE_SUBGRAPH)
        good = good && a->index > graph && a->index < c->model->graphs_count && !c->owned[a->index];
    else
        good = good && a->index == 0;
    if (!good)
        return ay_reject(c->reason, AY_E_FORMAT, "%.*s: attribute %.*s", SHOWN(n->op),
                         SHOWN(a->name));
    if (a->kind != AY_GRAPH_ATTRIBUTE_SUBGRAPH) return AY_OK;
    c->owned[a->index] = 1;
    return body(c, a->index);
}

static enum ay_code node(struct check *c, uint32_t graph, const struct ay_graph_node *n)
{
    for (uint32_t i = 0; i < n->in_count; i++)
        if (n->in[i].len && !known(c, n->in[i]))
            return ay_reject(c->reason, AY_E_FORMAT, "%.*s '%.*s': nothing before it gives %.*s",
                             SHOWN(n->op), SHOWN(n->name), SHOWN(n->in[i]));
    for (uint32_t i = 0; i < n->attributes_count; i++)
        AY_TRY(attribute(c, graph, n, &n->attributes[i]));
    for (uint32_t i = 0; i < n->out_count; i++)
        if (n->out[i].len) AY_TRY(define(c, graph, n->out[i]));
    return AY_OK;
}

static enum ay_code body(struct check *c, uint32_t graph)
{
    const struct ay_graph_graph *g = &c->model->graphs[graph];
    uint32_t mark = c->log_count;
    if (++c->depth > AY_MAX_GRAPH_DEPTH)
        return ay_reject(c->reason, AY_E_LIMIT, "more than %u graphs within each other",
                         AY_MAX_GRAPH_DEPTH);
    AY_TRY(ports(c, graph));
    AY_TRY(constants(c, graph));
    for (uint32_t i = 0; i < g->nodes_count; i++) AY_TRY(node(c, graph, &g->nodes[i]));
    for (uint32_t i = 0; i < g->outputs_count; i++)
        if (!g->outputs[i].name.len || !known(c, g->outputs[i].name))
            return ay_reject(c->reason, AY_E_FORMAT, "nothing gives output %u, '%.*s'", i,
                             SHOWN(g->outputs[i].name));
    forget(c, mark);
    c->depth--;
    return AY_OK;
}

/* Names that can be defined in all. */
static uint64_t count_names(const struct ay_graph_model *m)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < m->graphs_count; i++) {
        const struct ay_graph_graph *g = &m->graphs[i];
        all += (uint64_t)g->inputs_count + g->constants_count;
        for (uint32_t n = 0; n < g->nodes_count; n++) all += g->nodes[n].out_count;
    }
    return all;
}

static enum ay_code everything(struct check *c)
{
    AY_TRY(body(c, 0));
    for (uint32_t i = 1; i < c->model->graphs_count; i++)
        if (!c->owned[i]) return ay_reject(c->reason, AY_E_FORMAT, "graph %u is nobody's", i);
    return AY_OK;
}

enum ay_code ay_graph_check(const struct ay_graph_model *model, uint64_t weights_bytes,
                            struct ay_reason *reason)
{
    struct check c = {.model = model, .weights_bytes = weights_bytes, .reason = reason};
    uint64_t names = count_names(model), slots = 16;
    if (model->graphs_count == 0) return ay_reject(reason, AY_E_FORMAT, "there is no graph");
    while (slots < 2 * names + 2) slots *= 2;
    if (slots > 1u << 30) return ay_reject(reason, AY_E_LIMIT, "too many values");
    c.mask = (uint32_t)slots - 1;
    c.names = calloc(slots, sizeof *c.names);
    c.log = calloc(names + 1, sizeof *c.log);
    c.owned = calloc(model->graphs_count, 1);
    enum ay_code code = c.names && c.log && c.owned ? everything(&c) : AY_E_MEMORY;
    free(c.names);
    free(c.log);
    free(c.owned);
    return code;
}
