#include "tensor/quantize/conv.h"

#include "tensor/quantize/linear.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <string.h>

static uint32_t times_named(const struct ay_graph_graph *g, struct ay_slice name)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < g->nodes_count; i++)
        for (uint32_t k = 0; k < g->nodes[i].in_count; k++)
            times += ay_slice_equal(g->nodes[i].in[k], name);
    for (uint32_t i = 0; i < g->outputs_count; i++)
        times += ay_slice_equal(g->outputs[i].name, name);
    return times;
}

uint32_t *ay_conv_uses(struct ay_edit *e)
{
    const struct ay_graph_model *m = &e->model;
    const struct ay_graph_graph *g = &m->graphs[0];
    uint32_t *uses = AY_NEW(&e->arena, uint32_t, g->nodes_count);
    if (!uses && e->code == AY_OK) e->code = AY_E_LIMIT;
    for (uint32_t i = 0; uses && i < g->nodes_count; i++)
        for (uint32_t k = 0; g->nodes[i].out_count && k < m->graphs_count; k++)
            uses[i] += times_named(&m->graphs[k], g->nodes[i].out[0]);
    return uses;
}

/* Index of the one node that needs the first result of node i, and takes it first; nodes_count:
 * none. */
static uint32_t next_of(const struct ay_edit *e, uint32_t i, const uint32_t *uses)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    for (uint32_t n = i + 1; uses[i] == 1 && n < g->nodes_count; n++)
        if (g->nodes[n].in_count && ay_slice_equal(g->nodes[n].in[0], g->nodes[i].out[0])) return n;
    return g->nodes_count;
}

const struct ay_graph_node *ay_conv_next(const struct ay_edit *e, uint32_t i, const uint32_t *uses)
{
    uint32_t n = next_of(e, i, uses);
    return n < ay_edit_graph(e)->nodes_count ? &ay_edit_graph(e)->nodes[n] : NULL;
}

bool ay_conv_is_relu(const struct ay_edit *e, const struct ay_graph_node *node)
{
    if (node->out_count != 1) return false;
    if (ay_node_is(node, "Relu")) return true;
    if (!ay_node_is(node, "Clip")) return false;
    const struct ay_graph_attribute *a = ay_node_attribute(node, "min");
    if (a) return a->floats_count == 1 && (a->floats[0] & 0x7fffffffu) == 0;
    const struct ay_edit_constant *c = node->in_count > 1 ? ay_edit_find(e, node->in[1], 0) : NULL;
    return c && *(const float *)c->elements == 0;
}

static uint64_t elements_of(const struct ay_edit_constant *c)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < c->constant.dims_count; d++) n *= c->constant.dims[d];
    return n;
}

/* x times factor a channel plus what the node says: into the weights and the bias. */
static bool fold_norm(const struct ay_edit *e, const struct ay_graph_node *node, struct ay_conv *c)
{
    const struct ay_graph_attribute *a = ay_node_attribute(node, "epsilon");
    const float eps = a && a->floats_count == 1 ? ay_f32(a->floats[0]) : 1e-5F;
    const float *part[4]; /* scale, bias, mean, variance */
    if (node->in_count != 5 || node->out_count != 1 || ay_node_attribute(node, "training_mode"))
        return false;
    for (uint32_t i = 0; i < 4; i++) {
        const struct ay_edit_constant *k = ay_edit_find(e, node->in[i + 1], 1);
        if (!k || k->constant.dims[0] != c->dims[0]) return false;
        part[i] = k->elements;
    }
    for (size_t m = 0; m < c->dims[0]; m++) {
        float factor = part[0][m] / sqrtf(part[3][m] + eps);
        for (size_t i = 0; i < c->per_channel; i++) c->w[m * c->per_channel + i] *= factor;
        c->bias[m] = (c->bias[m] - part[2][m]) * factor + part[1][m];
    }
    return true;
}

/* An Add of a constant to each channel, after the node that gives `value`: into the bias. */
static bool fold_bias(const struct ay_edit *e, const struct ay_graph_node *node,
                      struct ay_slice value, struct ay_conv *c)
{
    if (!ay_node_is(node, "Add") || node->in_count != 2 || node->out_count != 1) return false;
    bool first = ay_slice_equal(node->in[0], value);
    const struct ay_edit_constant *b = ay_edit_find(e, node->in[first], 0);
    uint32_t axes = c->rank - 2, rank = b ? b->constant.dims_count : 0;
    if (!b || elements_of(b) != c->dims[0] || rank < axes + 1 || rank > axes + 2 ||
        b->constant.dims[rank - axes - 1] != c->dims[0])
        return false;
    for (size_t m = 0; m < c->dims[0]; m++) c->bias[m] += ((const float *)b->elements)[m];
    return true;
}

static bool read_conv(struct ay_edit *e, const struct ay_graph_node *node, struct ay_conv *c)
{
    if (!ay_node_is(node, "Conv") || node->in_count < 2 || node->out_count != 1) return false;
    bool biased = node->in_count > 2 && node->in[2].len;
    const struct ay_edit_constant *w = ay_edit_find(e, node->in[1], 0);
    const struct ay_edit_constant *b = biased ? ay_edit_find(e, node->in[2], 1) : NULL;
    if (!w || w->constant.dims_count < 3 || (biased && !b)) return false;
    *c = (struct ay_conv){.node = node, .x = node->in[0], .rank = w->constant.dims_count};
    memcpy(c->dims, w->constant.dims, c->rank * sizeof *c->dims);
    uint64_t all = elements_of(w);
    if (all == 0 || all > INT32_MAX || (b && b->constant.dims[0] != c->dims[0])) return false;
    c->per_channel = (uint32_t)(all / c->dims[0]);
    if (c->per_channel > AY_MOST_PRODUCTS) return false;
    c->w = AY_NEW(&e->arena, float, all);
    c->bias = AY_NEW(&e->arena, float, c->dims[0]);
    if (!c->w || !c->bias) {
        e->code = AY_E_LIMIT;
        return false;
    }
    memcpy(c->w, w->elements, all * sizeof *c->w);
    if (b) memcpy(c->bias, b->elements, c->dims[0] * sizeof *c->bias);
    return true;
}

bool ay_conv_of(struct ay_edit *e, uint32_t i, const uint32_t *uses, bool *taken,
                struct ay_conv *out)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    if (!read_conv(e, &g->nodes[i], out)) return false;
    taken[i] = true;
    uint32_t last = i, next = next_of(e, i, uses);
    if (next < g->nodes_count && fold_bias(e, &g->nodes[next], g->nodes[last].out[0], out)) {
        taken[last = next] = true;
        next = next_of(e, last, uses);
    }
    if (next < g->nodes_count && ay_node_is(&g->nodes[next], "BatchNormalization") &&
        fold_norm(e, &g->nodes[next], out)) {
        taken[last = next] = true;
        next = next_of(e, last, uses);
    }
    if (next < g->nodes_count && ay_conv_is_relu(e, &g->nodes[next])) taken[last = next] = true;
    out->out = g->nodes[last].out[0];
    return true;
}
