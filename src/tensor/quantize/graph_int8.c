/* Graphs in profile int8: between convolutions, additions and poolings values stay bytes. */
#include "tensor/quantize/graph.h"

#include "tensor/quantize/conv.h"
#include "tensor/quantize/edit.h"
#include "tensor/quantize/linear.h"
#include "tensor/quantize/ranges.h"

#include <math.h>
#include <string.h>

/* A value as bytes: f32 = (u8 - zero) scale. */
struct twin {
    struct ay_slice name; /* of the f32 value */
    struct ay_slice bytes, scale, zero;
    float scale_value;
    bool whole; /* the f32 value is there as well */
};

/* A node as the passes see it. */
enum role { KEPT, TAKEN, CONV, LINEAR, SUM, POOL, SHAPED };
struct step {
    enum role role;
    struct ay_conv conv;
    struct ay_linear linear;
    /* SUM: what it gives, and the Relu after it that is part of it; NULL: there is none */
    struct ay_slice out;
    const struct ay_graph_node *relu;
};

struct pass {
    struct ay_edit *e;
    struct step *steps; /* one a node */
    struct twin *twins;
    struct ay_range *ranges;
    uint32_t twin_count, range_count, quantised;
};

static const struct ay_slice unnamed = {0};

/* --- what each node becomes --- */

static void need_range(struct pass *p, struct ay_slice name)
{
    for (uint32_t i = 0; i < p->range_count; i++)
        if (ay_slice_equal(p->ranges[i].name, name)) return;
    p->ranges[p->range_count++] = (struct ay_range){.name = name};
}

static void plan_sum(struct pass *p, uint32_t i, const uint32_t *uses, bool *taken)
{
    const struct ay_graph_graph *g = ay_edit_graph(p->e);
    const struct ay_graph_node *next = ay_conv_next(p->e, i, uses);
    p->steps[i].role = SUM;
    p->steps[i].out = g->nodes[i].out[0];
    if (next && ay_conv_is_relu(p->e, next)) {
        taken[next - g->nodes] = true;
        p->steps[i].out = next->out[0];
        p->steps[i].relu = next;
    }
    need_range(p, p->steps[i].out);
}

static bool moves_alone(const struct ay_graph_node *n)
{
    static const char *const names[] = {"Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ay_node_is(n, names[i])) return n->out_count == 1;
    return false;
}

static enum ay_code plan(struct pass *p)
{
    struct ay_edit *e = p->e;
    const struct ay_graph_graph *g = ay_edit_graph(e);
    const uint32_t *uses = ay_conv_uses(e);
    bool *taken = AY_NEW(&e->arena, bool, g->nodes_count);
    p->steps = AY_NEW(&e->arena, struct step, g->nodes_count);
    p->twins = AY_NEW(&e->arena, struct twin, 2 * (size_t)g->nodes_count + g->inputs_count);
    p->ranges = AY_NEW(&e->arena, struct ay_range, 2 * (size_t)g->nodes_count);
    if (!uses || !taken || !p->steps || !p->twins || !p->ranges) return AY_E_LIMIT;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        const struct ay_graph_node *n = &g->nodes[i];
        struct step *s = &p->steps[i];
        if (taken[i]) {
            s->role = TAKEN;
        } else if (ay_conv_of(e, i, uses, taken, &s->conv)) {
            s->role = CONV;
            need_range(p, s->conv.x);
            need_range(p, s->conv.out);
        } else if (ay_linear_of(e, n, &s->linear)) {
            s->role = LINEAR;
            need_range(p, s->linear.x);
        } else if (ay_node_is(n, "Add") && n->in_count == 2 && n->out_count == 1) {
            plan_sum(p, i, uses, taken);
        } else if (ay_node_is(n, "MaxPool") && n->out_count == 1) {
            s->role = POOL;
        } else if (moves_alone(n)) {
            s->role = SHAPED;
        }
        p->quantised += s->role == CONV || s->role == LINEAR;
    }
    return e->code;
}

/* --- bytes of values --- */

static struct twin *find(const struct pass *p, struct ay_slice name)
{
    for (uint32_t i = 0; i < p->twin_count; i++)
        if (ay_slice_equal(p->twins[i].name, name)) return &p->twins[i];
    return NULL;
}

static struct twin *add_twin(struct pass *p, struct twin t)
{
    p->twins[p->twin_count] = t;
    return &p->twins[p->twin_count++];
}

/* Scale and zero point by which the range of the value fits u8. */
static struct twin fitted(struct pass *p, struct ay_slice name)
{
    struct twin t = {.name = name};
    void *zero;
    float low = 0, high = 0;
    for (uint32_t i = 0; i < p->range_count; i++)
        if (ay_slice_equal(p->ranges[i].name, name)) {
            low = p->ranges[i].low;
            high = p->ranges[i].high;
        }
    t.scale_value = high > low ? (high - low) / 255.0F : 1;
    t.scale = ay_edit_number(p->e, t.scale_value);
    t.zero = ay_edit_constant(p->e, AY_WORK_DTYPE_U8, 0, NULL, &zero);
    if (zero) *(uint8_t *)zero = (uint8_t)rintf(-low / t.scale_value);
    return t;
}

/* The value as bytes, quantised here when it is not yet. */
static const struct twin *bytes_of(struct pass *p, struct ay_slice name)
{
    const struct twin *have = find(p, name);
    if (have) return have;
    struct twin t = fitted(p, name);
    const struct ay_slice in[] = {name, t.scale, t.zero};
    t.bytes = ay_edit_node(p->e, "QuantizeLinear", in, 3, unnamed, NULL, 0);
    t.whole = true;
    return add_twin(p, t);
}

/* Sees to it that the value is there as f32. */
static void want_whole(struct pass *p, struct ay_slice name)
{
    struct twin *t = find(p, name);
    if (!t || t->whole) return;
    const struct ay_slice in[] = {t->bytes, t->scale, t->zero};
    (void)ay_edit_node(p->e, "DequantizeLinear", in, 3, name, NULL, 0);
    t->whole = true;
}

/* --- nodes --- */

/* w (rows, k) to i8 with a scale each, names in in[0], in[1]; scales are also given back. */
static const float *quantise_rows(struct ay_edit *e, const float *w, uint32_t rows, uint32_t k,
                                  const uint64_t *dims, uint32_t rank, struct ay_slice in[2])
{
    void *q, *scale;
    const uint64_t count = rows;
    in[0] = ay_edit_constant(e, AY_WORK_DTYPE_I8, rank, dims, &q);
    in[1] = ay_edit_constant(e, AY_WORK_DTYPE_F32, 1, &count, &scale);
    for (size_t r = 0; e->code == AY_OK && r < rows; r++) {
        float most = 0, *s = (float *)scale + r;
        for (size_t i = 0; i < k; i++) most = fmaxf(most, fabsf(w[r * k + i]));
        if (!isfinite(most)) e->code = AY_E_FORMAT;
        *s = most > 0 ? most / 127.0F : 1;
        for (size_t i = 0; e->code == AY_OK && i < k; i++)
            ((int8_t *)q)[r * k + i] = (int8_t)rintf(w[r * k + i] / *s);
    }
    return scale;
}

static void emit_conv(struct pass *p, const struct ay_conv *c)
{
    struct ay_edit *e = p->e;
    const struct twin *x = bytes_of(p, c->x);
    struct twin y = fitted(p, c->out);
    uint32_t m = (uint32_t)c->dims[0];
    struct ay_slice in[9] = {x->bytes, x->scale, x->zero};
    void *zero, *bias;
    const uint64_t count = m;
    const float *scale = quantise_rows(e, c->w, m, c->per_channel, c->dims, c->rank, in + 3);
    in[5] = ay_edit_constant(e, AY_WORK_DTYPE_I8, 0, NULL, &zero);
    in[6] = y.scale;
    in[7] = y.zero;
    in[8] = ay_edit_constant(e, AY_WORK_DTYPE_I32, 1, &count, &bias);
    for (uint32_t i = 0; e->code == AY_OK && i < m; i++) {
        float b = rintf(c->bias[i] / (x->scale_value * scale[i]));
        ((int32_t *)bias)[i] = (int32_t)fminf(fmaxf(b, -0x1p30F), 0x1p30F);
    }
    y.bytes = ay_edit_node(e, "QLinearConv", in, 9, unnamed, c->node->attributes,
                           c->node->attributes_count);
    add_twin(p, y);
}

static void emit_linear(struct pass *p, const struct ay_linear *l)
{
    struct ay_edit *e = p->e;
    const struct twin *x = bytes_of(p, l->x);
    const float *rows = ay_linear_rows(e, l);
    const uint64_t dims[] = {l->n, l->k};
    const int64_t swap[] = {1, 0};
    struct ay_slice w[2];
    int64_t *perm = AY_NEW(&e->arena, int64_t, 2);
    struct ay_graph_attribute *turned = AY_NEW(&e->arena, struct ay_graph_attribute, 1);
    if (!rows || !perm || !turned) return;
    want_whole(p, l->bias);
    (void)quantise_rows(e, rows, l->n, l->k, dims, 2, w);
    memcpy(perm, swap, sizeof swap);
    *turned = (struct ay_graph_attribute){.name = ay_slice_str("perm"),
                                          .kind = AY_GRAPH_ATTRIBUTE_INTS,
                                          .ints = perm,
                                          .ints_count = 2};
    /* Rows stay as they are multiplied; the Transpose is folded when the graph is lowered. */
    struct ay_slice columns = ay_edit_node(e, "Transpose", w, 1, unnamed, turned, 1);
    const struct ay_slice in[] = {x->bytes, columns, x->scale, w[1], x->zero, unnamed, l->bias};
    (void)ay_edit_node(e, "com.microsoft:MatMulIntegerToFloat", in, 7, l->out, NULL, 0);
}

/* A sum of two values that are bytes; else it stays as it is. */
static bool emit_sum(struct pass *p, const struct ay_graph_node *n, struct ay_slice out)
{
    const struct twin *a = find(p, n->in[0]), *b = find(p, n->in[1]);
    if (!a || !b) return false;
    struct twin y = fitted(p, out);
    const struct ay_slice in[] = {a->bytes, a->scale, a->zero, b->bytes,
                                  b->scale, b->zero,  y.scale, y.zero};
    y.bytes = ay_edit_node(p->e, "com.microsoft:QLinearAdd", in, 8, unnamed, NULL, 0);
    add_twin(p, y);
    return true;
}

/* A node that moves bytes, or takes the largest, as it does f32. */
static bool emit_moved(struct pass *p, const struct ay_graph_node *n)
{
    const struct twin *x = n->in_count ? find(p, n->in[0]) : NULL;
    if (!x) return false;
    struct ay_slice *names = AY_NEW(&p->e->arena, struct ay_slice, n->in_count + 1u);
    if (!names) return false;
    memcpy(names, n->in, n->in_count * sizeof *names);
    struct twin y = *x;
    y.name = n->out[0];
    y.whole = false;
    names[0] = x->bytes;
    y.bytes = names[n->in_count] = ay_edit_name(p->e);
    struct ay_graph_node moved = *n;
    moved.in = names;
    moved.out = names + n->in_count;
    ay_edit_keep(p->e, &moved);
    add_twin(p, y);
    return true;
}

static void keep(struct pass *p, const struct ay_graph_node *n)
{
    for (uint32_t k = 0; k < n->in_count; k++) want_whole(p, n->in[k]);
    ay_edit_keep(p->e, n);
}

static void emit(struct pass *p, uint32_t i)
{
    const struct ay_graph_node *n = &ay_edit_graph(p->e)->nodes[i];
    const struct step *s = &p->steps[i];
    bool done = true;
    switch (s->role) {
    case TAKEN: break;
    case CONV: emit_conv(p, &s->conv); break;
    case LINEAR: emit_linear(p, &s->linear); break;
    case SUM: done = emit_sum(p, n, s->out); break;
    case POOL:
    case SHAPED: done = emit_moved(p, n); break;
    case KEPT: done = false; break;
    }
    if (done) return;
    keep(p, n);
    if (s->role == SUM && s->relu) keep(p, s->relu);
}

static void emit_all(struct pass *p)
{
    const struct ay_graph_model *m = &p->e->from->model;
    const struct ay_graph_graph *g = ay_edit_graph(p->e);
    for (uint32_t i = 0; i < g->nodes_count && p->e->code == AY_OK; i++) {
        emit(p, i);
        /* A body may name any value. */
        for (uint32_t t = 0; m->graphs_count > 1 && t < p->twin_count; t++)
            want_whole(p, p->twins[t].name);
    }
    for (uint32_t i = 0; i < g->outputs_count; i++) want_whole(p, g->outputs[i].name);
}

static enum ay_code rewrite(struct ay_edit *e, const struct ay_samples *samples,
                            struct ay_reason *reason)
{
    struct pass p = {.e = e};
    enum ay_code code = plan(&p);
    if (code != AY_OK) return ay_reject(reason, code, "the graph is too large");
    if (p.quantised == 0)
        return ay_reject(reason, AY_E_UNSUPPORTED,
                         "no Conv, MatMul or Gemm of the model has weights of f32");
    AY_TRY(ay_ranges_observe(e->from, samples, p.ranges, p.range_count, reason));
    emit_all(&p);
    if (e->code == AY_E_FORMAT) return ay_reject(reason, e->code, "a weight is not finite");
    return AY_OK;
}

enum ay_code ay_quantize_graph_int8(const struct ay_graph_folder *from,
                                    const struct ay_samples *samples, const char *dir,
                                    struct ay_reason *reason)
{
    struct ay_edit edit;
    enum ay_code code = ay_edit_open(from, &edit);
    if (code == AY_OK) code = rewrite(&edit, samples, reason);
    if (code == AY_OK) code = ay_edit_write(&edit, dir, "int8", reason);
    ay_edit_close(&edit);
    return code;
}
