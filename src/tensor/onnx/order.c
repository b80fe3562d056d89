/* Nodes put in order. ONNX wants each behind those whose values it takes; onnxruntime does not, and
 * so tools that append nodes, as those that turn a model to f16, leave them at the end. */
#include "tensor/onnx/build.h"

#include <stdlib.h>
#include <string.h>

struct maker {
    struct ay_slice name; /* of a value */
    uint32_t node;        /* that gives it */
};

enum state { UNSEEN, OPEN, DONE };

struct order {
    const struct ay_onnx_build *build;
    const struct ay_graph_node *nodes;
    uint32_t count;
    struct maker *makers; /* ascending by name */
    size_t makers_count;
    uint32_t *needs;       /* nodes: of node i those from begins[i] to before begins[i + 1] */
    size_t *begins, *next; /* next: the need of each node to look at */
    size_t needs_count;
    uint8_t *state;
    uint32_t *stack, *sorted;
    uint32_t sorted_count;
    bool wrong; /* a node needs a later one */
};

static int by_name(const void *a, const void *b)
{
    const struct ay_slice *x = a, *y = b; /* with which a maker begins */
    uint32_t n = x->len < y->len ? x->len : y->len;
    int order = n ? memcmp(x->data, y->data, n) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Names that a node takes, and the graphs within it. */
static size_t names_in(const struct ay_onnx_build *b, const struct ay_graph_node *n)
{
    size_t all = n->in_count;
    for (uint32_t i = 0; i < n->attributes_count; i++) {
        if (n->attributes[i].kind != AY_GRAPH_ATTRIBUTE_SUBGRAPH) continue;
        const struct ay_graph_graph *g = ay_onnx_graph(b, n->attributes[i].index);
        for (uint32_t k = 0; k < g->nodes_count; k++) all += names_in(b, &g->nodes[k]);
        all += g->outputs_count;
    }
    return all;
}

static void need(struct order *o, uint32_t node, struct ay_slice name)
{
    const struct maker *m =
        o->makers_count ? bsearch(&name, o->makers, o->makers_count, sizeof *m, by_name) : NULL;
    if (!m || m->node == node) return;
    o->needs[o->needs_count++] = m->node;
    o->wrong |= m->node > node;
}

/* The needs of `node`, of which n is itself or one within it. A name that a graph within has for
 * itself may be taken for one of ours: then the order is stricter than it must be. */
static void collect(struct order *o, uint32_t node, const struct ay_graph_node *n)
{
    for (uint32_t i = 0; i < n->in_count; i++) need(o, node, n->in[i]);
    for (uint32_t i = 0; i < n->attributes_count; i++) {
        if (n->attributes[i].kind != AY_GRAPH_ATTRIBUTE_SUBGRAPH) continue;
        const struct ay_graph_graph *g = ay_onnx_graph(o->build, n->attributes[i].index);
        for (uint32_t k = 0; k < g->nodes_count; k++) collect(o, node, &g->nodes[k]);
        for (uint32_t k = 0; k < g->outputs_count; k++) need(o, node, g->outputs[k].name);
    }
}

static void find_needs(struct order *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        for (uint32_t k = 0; k < o->nodes[i].out_count; k++)
            if (o->nodes[i].out[k].len)
                o->makers[o->makers_count++] = (struct maker){o->nodes[i].out[k], i};
    if (o->makers_count) qsort(o->makers, o->makers_count, sizeof *o->makers, by_name);
    for (uint32_t i = 0; i < o->count; i++) {
        o->begins[i] = o->next[i] = o->needs_count;
        collect(o, i, &o->nodes[i]);
    }
    o->begins[o->count] = o->needs_count;
}

/* Puts down a node, before it those that it needs; false where they need each other. */
static bool put(struct order *o, uint32_t node)
{
    uint32_t depth = 0;
    if (o->state[node] == DONE) return true;
    o->state[node] = OPEN;
    o->stack[depth++] = node;
    while (depth) {
        uint32_t at = o->stack[depth - 1];
        if (o->next[at] == o->begins[at + 1]) {
            o->state[at] = DONE;
            o->sorted[o->sorted_count++] = at;
            depth--;
            continue;
        }
        uint32_t needed = o->needs[o->next[at]++];
        if (o->state[needed] == OPEN) return false;
        if (o->state[needed] == DONE) continue;
        o->state[needed] = OPEN;
        o->stack[depth++] = needed;
    }
    return true;
}

/* Nothing is moved where nodes need each other, which the check of the graph refuses. */
static enum ay_code move(struct order *o, struct ay_graph_node *nodes)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (!put(o, i)) return AY_OK;
    struct ay_graph_node *old = malloc(o->count * sizeof *old);
    if (!old) return AY_E_MEMORY;
    memcpy(old, nodes, o->count * sizeof *old);
    for (uint32_t i = 0; i < o->count; i++) nodes[i] = old[o->sorted[i]];
    free(old);
    return AY_OK;
}

enum ay_code ay_onnx_order(const struct ay_onnx_build *b, struct ay_graph_node *nodes,
                           uint32_t count)
{
    struct order o = {.build = b, .nodes = nodes, .count = count};
    size_t names = 0, makers = 0, all = (size_t)count + 1;
    for (uint32_t i = 0; i < count; i++) {
        names += names_in(b, &nodes[i]);
        makers += nodes[i].out_count;
    }
    o.makers = calloc(makers + 1, sizeof *o.makers);
    o.needs = calloc(names + 1, sizeof *o.needs);
    o.begins = calloc(all, sizeof *o.begins);
    o.next = calloc(all, sizeof *o.next);
    o.state = calloc(all, sizeof *o.state);
    o.stack = calloc(all, sizeof *o.stack);
    o.sorted = calloc(all, sizeof *o.sorted);
    enum ay_code code = o.makers && o.needs && o.begins && o.next && o.state && o.stack && o.sorted
                            ? AY_OK
                            : AY_E_MEMORY;
    if (code == AY_OK) find_needs(&o);
    if (code == AY_OK && o.wrong) code = move(&o, nodes);
    free(o.makers);
    free(o.needs);
    free(o.begins);
    free(o.next);
    free(o.state);
    free(o.stack);
    free(o.sorted);
    return code;
}
