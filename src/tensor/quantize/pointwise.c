#include "tensor/quantize/pointwise.h"

#include "tensor/graph_run.h"
#include "tensor/quantize/linear.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES 256u

static bool is_function(const struct ay_graph_node *n)
{
    static const char *const names[] = {"Abs",        "Add",
                                        "Atan",       "Celu",
                                        "Clip",       "Cos",
                                        "Div",        "Elu",
                                        "Erf",        "Exp",
                                        "Gelu",       "HardSigmoid",
                                        "HardSwish",  "LeakyRelu",
                                        "Log",        "Max",
                                        "Min",        "Mish",
                                        "Mul",        "Neg",
                                        "Pow",        "PRelu",
                                        "Reciprocal", "Relu",
                                        "Selu",       "Sigmoid",
                                        "Sin",        "Softplus",
                                        "Softsign",   "Sqrt",
                                        "Sub",        "Swish",
                                        "Tanh",       "ThresholdedRelu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ay_node_is(n, names[i])) return n->out_count == 1;
    return false;
}

static bool is_number(const struct ay_edit *e, struct ay_slice name)
{
    const struct ay_edit_constant *c = ay_edit_find(e, name, 0);
    for (uint32_t d = 0; c && d < c->constant.dims_count; d++)
        if (c->constant.dims[d] != 1) return false;
    return c != NULL;
}

/* Of what the value is a function: itself where nothing is known. */
static struct ay_slice root_of(const struct ay_edit *e, const struct ay_pointwise *p, uint32_t end,
                               struct ay_slice name)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    for (uint32_t i = 0; i < end; i++)
        if (p->roots[i].len && ay_slice_equal(g->nodes[i].out[0], name)) return p->roots[i];
    return name;
}

struct ay_pointwise ay_pointwise_open(struct ay_edit *e)
{
    struct ay_pointwise p = {AY_NEW(&e->arena, struct ay_slice, ay_edit_graph(e)->nodes_count)};
    if (!p.roots && e->code == AY_OK) e->code = AY_E_LIMIT;
    return p;
}

bool ay_pointwise_of(const struct ay_edit *e, struct ay_pointwise *p, uint32_t i)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    const struct ay_graph_node *n = &g->nodes[i];
    struct ay_slice root = {0};
    if (!is_function(n)) return false;
    for (uint32_t k = 0; k < n->in_count; k++) {
        if (n->in[k].len == 0 || is_number(e, n->in[k])) continue;
        for (uint32_t c = 0; c < g->constants_count; c++)
            if (ay_slice_equal(g->constants[c].name, n->in[k])) return false;
        struct ay_slice of = root_of(e, p, i, n->in[k]);
        if (root.len && !ay_slice_equal(root, of)) return false;
        root = of;
    }
    p->roots[i] = root;
    return root.len > 0;
}

enum ay_code ay_pointwise_table(const struct ay_edit *e, const struct ay_pointwise *p, uint32_t i,
                                const float in[ENTRIES], float out[ENTRIES],
                                struct ay_reason *reason)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    const struct ay_graph_dim dim = {.size = ENTRIES};
    const struct ay_graph_port from = {p->roots[i], AY_WORK_DTYPE_F32, true, &dim, 1};
    const struct ay_graph_port to = {.name = g->nodes[i].out[0]};
    struct ay_graph_graph part = *g;
    struct ay_graph_folder view = *e->from; /* owns nothing */
    struct ay_graph_node *nodes = calloc(i + 1u, sizeof *nodes);
    struct ay_graph_runner *runner = NULL;
    const struct ay_graph_runner_options options = {.threads = 1};
    const struct ay_ndarray values = {AY_WORK_DTYPE_F32, 1, {ENTRIES}, (void *)(uintptr_t)in};
    struct ay_ndarray result = {0};
    part.inputs = &from;
    part.outputs = &to;
    part.inputs_count = part.outputs_count = 1;
    part.nodes_count = 0;
    for (uint32_t k = 0; nodes && k <= i; k++)
        if (p->roots[k].len && ay_slice_equal(p->roots[k], p->roots[i]))
            nodes[part.nodes_count++] = g->nodes[k];
    part.nodes = nodes;
    view.model.graphs = &part;
    view.model.graphs_count = 1;
    enum ay_code code = nodes ? ay_graph_runner_open(&view, &options, &runner) : AY_E_MEMORY;
    if (code == AY_OK) code = ay_graph_run(runner, &values, 1, &result, reason);
    uint64_t bytes = 0;
    if (code == AY_OK) code = ay_ndarray_bytes(&result, &bytes);
    if (code == AY_OK && bytes != ENTRIES * sizeof *out)
        code = ay_reject(reason, AY_E_FORMAT, "a function of one value gives another number");
    if (code == AY_OK) memcpy(out, result.data, bytes);
    ay_ndarray_free(&result);
    ay_graph_runner_close(runner);
    free(nodes);
    return code;
}
