/* What each node of a graph becomes in profile int8. */
#include "tensor/quantize/int8.h"

#include <string.h>

static const struct ay_graph_node *node_at(const struct ay_int8 *p, uint32_t i)
{
    return &ay_edit_graph(p->e)->nodes[i];
}

static bool is_one_of(const struct ay_graph_node *n, const char *const *names)
{
    while (*names && !ay_node_is(n, *names)) names++;
    return *names != NULL;
}

/* --- names --- */

static void need_range(struct ay_int8 *p, struct ay_slice name)
{
    for (uint32_t i = 0; i < p->range_count; i++)
        if (ay_slice_equal(p->ranges[i].name, name)) return;
    p->ranges[p->range_count++] = (struct ay_range){.name = name};
}

static bool has_range(const struct ay_int8 *p, struct ay_slice name)
{
    for (uint32_t i = 0; i < p->range_count; i++)
        if (ay_slice_equal(p->ranges[i].name, name)) return true;
    return false;
}

/* Whether a value can be had as bytes without asking for it. */
static bool maybe_bytes(const struct ay_int8 *p, struct ay_slice name, uint32_t end)
{
    for (uint32_t i = 0; i < end; i++) {
        const struct ay_graph_node *n = node_at(p, i);
        if (ay_slice_equal(p->steps[i].out, name)) return p->steps[i].maybe;
        for (uint32_t k = 0; p->steps[i].role == AY_INT8_MOVED && k < n->out_count; k++)
            if (ay_slice_equal(n->out[k], name)) return p->steps[i].maybe;
    }
    return has_range(p, name);
}

/* --- products --- */

/* An Add of a constant to each column of what linear layer i gives becomes its bias. */
static void take_bias(struct ay_int8 *p, uint32_t i, const uint32_t *uses, bool *taken)
{
    struct ay_linear *l = &p->steps[i].linear;
    for (uint32_t k = i + 1;
         l->bias.len == 0 && uses[i] == 1 && k < ay_edit_graph(p->e)->nodes_count; k++) {
        const struct ay_graph_node *n = node_at(p, k);
        if (!ay_node_is(n, "Add") || n->in_count != 2 || n->out_count != 1) continue;
        bool first = ay_slice_equal(n->in[0], l->out);
        if (!first && !ay_slice_equal(n->in[1], l->out)) continue;
        const struct ay_edit_constant *b = ay_edit_find(p->e, n->in[first], 1);
        if (!b || b->constant.dims[0] != l->n) return;
        l->bias = n->in[first];
        l->out = n->out[0];
        taken[k] = true;
        return;
    }
}

static void plan_products(struct ay_int8 *p, const uint32_t *uses, bool *taken)
{
    for (uint32_t i = 0; i < ay_edit_graph(p->e)->nodes_count; i++) {
        const struct ay_graph_node *n = node_at(p, i);
        struct ay_int8_step *s = &p->steps[i];
        if (n->out_count) s->out = n->out[0];
        if (taken[i]) {
            s->role = AY_INT8_TAKEN;
        } else if (ay_conv_of(p->e, i, uses, taken, &s->conv)) {
            s->role = AY_INT8_CONV;
            s->out = s->conv.out;
            need_range(p, s->conv.x);
            need_range(p, s->out);
        } else if (ay_linear_of(p->e, n, &s->linear) && s->linear.k <= AY_MOST_PRODUCTS) {
            s->role = AY_INT8_LINEAR;
            take_bias(p, i, uses, taken);
            s->out = s->linear.out;
            need_range(p, s->linear.x);
        }
        s->maybe = s->role == AY_INT8_CONV || s->role == AY_INT8_LINEAR;
        p->products += s->maybe;
    }
}

/* --- the rest --- */

/* Of the nearest element, none of which lies outside. */
static bool is_nearest(const struct ay_graph_node *n)
{
    const struct ay_graph_attribute *mode = ay_node_attribute(n, "mode");
    const struct ay_graph_attribute *place = ay_node_attribute(n, "coordinate_transformation_mode");
    bool crops = place && place->strings_count == 1 &&
                 ay_slice_equal(place->strings[0], ay_slice_str("tf_crop_and_resize"));
    return !crops && (!mode || (mode->strings_count == 1 &&
                                ay_slice_equal(mode->strings[0], ay_slice_str("nearest"))));
}

/* Of zeros, which bytes have too. */
static bool pads_zeros(const struct ay_edit *e, const struct ay_graph_node *n)
{
    const struct ay_graph_attribute *mode = ay_node_attribute(n, "mode");
    bool constant = !mode || (mode->strings_count == 1 &&
                              ay_slice_equal(mode->strings[0], ay_slice_str("constant")));
    if (!constant || n->in_count < 2 || n->out_count != 1) return false;
    if (n->in_count == 2 || n->in[2].len == 0) return true;
    const struct ay_edit_constant *c = ay_edit_find(e, n->in[2], 0);
    return c && *(const float *)c->elements == 0;
}

static bool moves(const struct ay_edit *e, const struct ay_graph_node *n)
{
    static const char *const names[] = {"DepthToSpace",  "Expand",       "Flatten",   "Gather",
                                        "GlobalMaxPool", "Identity",     "MaxPool",   "Reshape",
                                        "Slice",         "SpaceToDepth", "Split",     "Squeeze",
                                        "Tile",          "Transpose",    "Unsqueeze", NULL};
    if (ay_node_is(n, "Pad")) return pads_zeros(e, n);
    if (ay_node_is(n, "Resize")) return n->out_count == 1 && is_nearest(n);
    return is_one_of(n, names) && !(ay_node_is(n, "MaxPool") && n->out_count > 1);
}

static enum ay_int8_role role_of(const struct ay_edit *e, struct ay_pointwise *pointwise,
                                 uint32_t i)
{
    static const char *const sums[] = {"Add", "Sum", NULL}, *const products[] = {"Mul", NULL},
                             *const means[] = {"AveragePool", "GlobalAveragePool", NULL};
    const struct ay_graph_node *n = &ay_edit_graph(e)->nodes[i];
    bool two = n->in_count == 2 && n->out_count == 1;
    if (ay_pointwise_of(e, pointwise, i)) return AY_INT8_TABLE;
    if (two && is_one_of(n, sums)) return AY_INT8_SUM;
    if (two && is_one_of(n, products)) return AY_INT8_PRODUCT;
    if (is_one_of(n, means) && n->out_count == 1) return AY_INT8_AVERAGE;
    if (ay_node_is(n, "Concat") && n->out_count == 1) return AY_INT8_JOIN;
    return moves(e, n) ? AY_INT8_MOVED : AY_INT8_KEPT;
}

static bool operands_maybe_bytes(const struct ay_int8 *p, uint32_t i)
{
    const struct ay_graph_node *n = node_at(p, i);
    enum ay_int8_role role = p->steps[i].role;
    if (role == AY_INT8_TABLE) return maybe_bytes(p, p->pointwise.roots[i], i);
    bool all = role == AY_INT8_SUM || role == AY_INT8_PRODUCT || role == AY_INT8_JOIN;
    bool bytes = n->in_count > 0;
    for (uint32_t k = 0; bytes && k < (all ? n->in_count : 1); k++)
        bytes = maybe_bytes(p, n->in[k], i);
    return bytes;
}

/* Whether a node that is no TABLE, or the model, takes the result of node i. */
static bool is_exposed(const struct ay_int8 *p, uint32_t i, const uint32_t *uses)
{
    uint32_t tables = 0;
    for (uint32_t k = i + 1; k < ay_edit_graph(p->e)->nodes_count; k++)
        for (uint32_t a = 0; p->steps[k].role == AY_INT8_TABLE && a < node_at(p, k)->in_count; a++)
            tables += ay_slice_equal(node_at(p, k)->in[a], node_at(p, i)->out[0]);
    return tables < uses[i];
}

static void plan_rest(struct ay_int8 *p, const uint32_t *uses, bool *taken)
{
    for (uint32_t i = 0; i < ay_edit_graph(p->e)->nodes_count; i++) {
        struct ay_int8_step *s = &p->steps[i];
        if (s->role == AY_INT8_KEPT && taken[i]) s->role = AY_INT8_TAKEN;
        if (s->role != AY_INT8_KEPT) continue;
        s->role = role_of(p->e, &p->pointwise, i);
        if (s->role == AY_INT8_KEPT) continue;
        s->maybe = operands_maybe_bytes(p, i);
        if (!s->maybe) {
            s->role = AY_INT8_KEPT;
            p->pointwise.roots[i] = (struct ay_slice){0};
            continue;
        }
        const struct ay_graph_node *next = ay_conv_next(p->e, i, uses);
        if (s->role == AY_INT8_SUM && next && ay_conv_is_relu(p->e, next)) {
            taken[next - ay_edit_graph(p->e)->nodes] = true;
            s->after = next;
            s->out = next->out[0];
        }
    }
}

/* --- who needs what --- */

static bool takes(const struct ay_graph_node *n, struct ay_slice name)
{
    for (uint32_t k = 0; k < n->in_count; k++)
        if (ay_slice_equal(n->in[k], name)) return true;
    return false;
}

static void find_users(struct ay_int8 *p, uint32_t i)
{
    struct ay_int8_step *s = &p->steps[i];
    for (uint32_t k = i + 1; k < ay_edit_graph(p->e)->nodes_count; k++) {
        const struct ay_int8_step *user = &p->steps[k];
        if (user->role == AY_INT8_KEPT || user->role == AY_INT8_TAKEN ||
            !takes(node_at(p, k), s->out))
            continue;
        bool product = user->role == AY_INT8_CONV || user->role == AY_INT8_LINEAR;
        bool passes = user->role == AY_INT8_TABLE || user->role == AY_INT8_JOIN ||
                      user->role == AY_INT8_MOVED;
        s->wanted = s->wanted || product || user->wanted;
        s->worked = s->worked || !passes || user->worked;
    }
}

/* How often the first result of a node is needed. */
static uint32_t times_used(const struct ay_int8 *p, struct ay_slice name, const uint32_t *uses)
{
    uint32_t i = 0;
    while (!node_at(p, i)->out_count || !ay_slice_equal(node_at(p, i)->out[0], name)) i++;
    return uses[i];
}

/* Operands of a Concat that nothing else needs are made to its scale at once. */
static void share_ranges(struct ay_int8 *p, uint32_t join, const uint32_t *uses)
{
    const struct ay_graph_node *n = node_at(p, join);
    for (uint32_t k = 0; k < n->in_count; k++)
        for (uint32_t i = 0; i < join; i++) {
            const struct ay_int8_step *s = &p->steps[i];
            if (!s->maybe || s->role == AY_INT8_MOVED || !ay_slice_equal(s->out, n->in[k]) ||
                times_used(p, s->out, uses) != 1)
                continue;
            p->shared[p->shared_count][0] = s->out;
            p->shared[p->shared_count++][1] = n->out[0];
        }
}

static void find_needs(struct ay_int8 *p, const uint32_t *uses)
{
    for (uint32_t i = ay_edit_graph(p->e)->nodes_count; i-- > 0;) {
        struct ay_int8_step *s = &p->steps[i];
        find_users(p, i);
        if (s->role == AY_INT8_TABLE) s->exposed = is_exposed(p, i, uses);
        bool made = s->role == AY_INT8_SUM || s->role == AY_INT8_PRODUCT ||
                    s->role == AY_INT8_AVERAGE || s->role == AY_INT8_JOIN ||
                    (s->role == AY_INT8_TABLE && s->exposed && s->worked) ||
                    (s->role == AY_INT8_LINEAR && s->wanted);
        if (made) need_range(p, s->out);
        if (s->role == AY_INT8_JOIN) share_ranges(p, i, uses);
    }
}

enum ay_code ay_int8_plan(struct ay_int8 *p)
{
    struct ay_edit *e = p->e;
    const struct ay_graph_graph *g = ay_edit_graph(e);
    size_t values = g->inputs_count, operands = 0;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        values += g->nodes[i].out_count + 1u;
        operands += g->nodes[i].in_count;
    }
    const uint32_t *uses = ay_conv_uses(e);
    bool *taken = AY_NEW(&e->arena, bool, g->nodes_count);
    p->steps = AY_NEW(&e->arena, struct ay_int8_step, g->nodes_count);
    p->twins = AY_NEW(&e->arena, struct ay_twin, values);
    p->ranges = AY_NEW(&e->arena, struct ay_range, values);
    p->shared = ay_arena_take(&e->arena, operands + 1, sizeof *p->shared);
    p->pointwise = ay_pointwise_open(e);
    if (!uses || !taken || !p->steps || !p->twins || !p->ranges || !p->shared || e->code != AY_OK)
        return AY_E_LIMIT;
    plan_products(p, uses, taken);
    plan_rest(p, uses, taken);
    find_needs(p, uses);
    return e->code;
}
