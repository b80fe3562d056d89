/* The nodes of a graph in profile int8. */
#include "tensor/quantize/int8.h"

#include "tensor/quantize/fixed.h"

#include <math.h>
#include <string.h>

#define LEVELS 256u

static const struct ay_slice unnamed = {0};

/* --- bytes of values --- */

static struct ay_twin *find(const struct ay_int8 *p, struct ay_slice name)
{
    for (uint32_t i = 0; i < p->twin_count; i++)
        if (ay_slice_equal(p->twins[i].name, name)) return &p->twins[i];
    return NULL;
}

static void add_twin(struct ay_int8 *p, struct ay_twin t)
{
    p->twins[p->twin_count++] = t;
}

/* The value whose range this one has. */
static struct ay_slice sharing(const struct ay_int8 *p, struct ay_slice name)
{
    for (uint32_t i = p->shared_count; i-- > 0;)
        if (ay_slice_equal(p->shared[i][0], name)) name = p->shared[i][1];
    return name;
}

static struct ay_slice byte_constant(struct ay_edit *e, uint8_t x)
{
    void *to;
    struct ay_slice name = ay_edit_constant(e, AY_WORK_DTYPE_U8, 0, NULL, &to);
    if (to) *(uint8_t *)to = x;
    return name;
}

static struct ay_slice int_constant(struct ay_edit *e, int32_t x)
{
    void *to;
    struct ay_slice name = ay_edit_constant(e, AY_WORK_DTYPE_I32, 0, NULL, &to);
    if (to) *(int32_t *)to = x;
    return name;
}

/* Scale and zero point by which the range of the value fits u8. */
static struct ay_twin fitted(struct ay_int8 *p, struct ay_slice name)
{
    struct ay_twin t = {.name = name};
    struct ay_slice as = sharing(p, name);
    float low = 0, high = 0;
    for (uint32_t i = 0; i < p->range_count; i++)
        if (ay_slice_equal(p->ranges[i].name, as)) {
            low = p->ranges[i].low;
            high = p->ranges[i].high;
        }
    t.scale_value = high > low ? (high - low) / 255.0F : 1;
    if (!(t.scale_value > 0) || !isfinite(t.scale_value)) t.scale_value = 1;
    t.zero_value = (uint8_t)rintf(-low / t.scale_value);
    t.scale = ay_edit_number(p->e, t.scale_value);
    t.zero = byte_constant(p->e, t.zero_value);
    return t;
}

/* The value as bytes, quantised here when it is not yet. */
static const struct ay_twin *bytes_of(struct ay_int8 *p, struct ay_slice name)
{
    const struct ay_twin *have = find(p, name);
    if (have) return have;
    struct ay_twin t = fitted(p, name);
    const struct ay_slice in[] = {name, t.scale, t.zero};
    t.bytes = ay_edit_node(p->e, "QuantizeLinear", in, 3, unnamed, NULL, 0);
    t.whole = true;
    add_twin(p, t);
    return find(p, name);
}

/* Sees to it that the value is there as f32. */
static void want_whole(struct ay_int8 *p, struct ay_slice name)
{
    struct ay_twin *t = find(p, name);
    if (!t || t->whole) return;
    const struct ay_slice in[] = {t->bytes, t->scale, t->zero};
    (void)ay_edit_node(p->e, "DequantizeLinear", in, 3, name, NULL, 0);
    t->whole = true;
}

/* --- products --- */

/* Weights by rows: i8 with a scale each. */
struct rows {
    struct ay_slice w, scale; /* names */
    const float *scales;
    uint32_t count;
};

/* w (count, k), seen with dims. */
static struct rows quantise_rows(struct ay_edit *e, const float *w, uint32_t count, uint32_t k,
                                 const uint64_t *dims, uint32_t rank)
{
    void *q, *scale;
    const uint64_t all = count;
    struct rows rows = {.count = count};
    rows.w = ay_edit_constant(e, AY_WORK_DTYPE_I8, rank, dims, &q);
    rows.scale = ay_edit_constant(e, AY_WORK_DTYPE_F32, 1, &all, &scale);
    rows.scales = scale;
    for (size_t r = 0; e->code == AY_OK && r < count; r++) {
        float most = 0, *s = (float *)scale + r;
        for (size_t i = 0; i < k; i++) most = fmaxf(most, fabsf(w[r * k + i]));
        if (!isfinite(most)) e->code = AY_E_FORMAT;
        *s = most > 0 ? most / 127.0F : 1;
        if (*s == 0) *s = most; /* all of the row is that or 0 */
        for (size_t i = 0; e->code == AY_OK && i < k; i++)
            ((int8_t *)q)[r * k + i] = (int8_t)rintf(w[r * k + i] / *s);
    }
    return rows;
}

/* A sum of products of x and rows as y, with its bias: the operands from the multiplier on. */
static void fixed_operands(struct ay_edit *e, const struct rows *rows, const float *bias,
                           const struct ay_twin *x, const struct ay_twin *y, struct ay_slice in[4])
{
    const uint64_t count = rows->count;
    void *multiplier, *shift, *to;
    in[0] = ay_edit_constant(e, AY_WORK_DTYPE_I32, 1, &count, &multiplier);
    in[1] = ay_edit_constant(e, AY_WORK_DTYPE_I32, 1, &count, &shift);
    in[2] = y->zero;
    in[3] = ay_edit_constant(e, AY_WORK_DTYPE_I32, 1, &count, &to);
    for (uint32_t i = 0; e->code == AY_OK && i < rows->count; i++) {
        double scale = (double)x->scale_value * (double)rows->scales[i];
        struct ay_ratio r = ay_ratio_of(scale / (double)y->scale_value, AY_MOST_SHIFT);
        double b = bias ? rint((double)bias[i] / scale) : 0;
        ((int32_t *)multiplier)[i] = r.multiplier;
        ((int32_t *)shift)[i] = r.shift;
        ((int32_t *)to)[i] = (int32_t)fmin(fmax(b, -0x1p30), 0x1p30);
    }
}

static bool emit_conv(struct ay_int8 *p, const struct ay_int8_step *s)
{
    const struct ay_conv *c = &s->conv;
    const struct ay_twin *x = bytes_of(p, c->x);
    struct ay_twin y = fitted(p, s->out);
    struct rows w =
        quantise_rows(p->e, c->w, (uint32_t)c->dims[0], c->per_channel, c->dims, c->rank);
    struct ay_slice in[7] = {x->bytes, x->zero, w.w};
    fixed_operands(p->e, &w, c->bias, x, &y, in + 3);
    y.bytes = ay_edit_node(p->e, "assay:QConv", in, 7, unnamed, c->node->attributes,
                           c->node->attributes_count);
    add_twin(p, y);
    return true;
}

/* The bias as one number a column, *known false where it is something else. */
static const float *bias_of(const struct ay_edit *e, const struct ay_linear *l, bool *known)
{
    const struct ay_edit_constant *b = l->bias.len ? ay_edit_find(e, l->bias, 0) : NULL;
    uint64_t elements = 1;
    for (uint32_t d = 0; b && d < b->constant.dims_count; d++) elements *= b->constant.dims[d];
    *known = l->bias.len == 0 || (b && elements == l->n);
    return b ? b->elements : NULL;
}

/* As f32, for what goes on in f32, or is an output. */
static void emit_linear_f32(struct ay_int8 *p, const struct ay_linear *l, const struct rows *w,
                            const struct ay_twin *x)
{
    static const int64_t swap[] = {1, 0};
    struct ay_graph_attribute *turned = AY_NEW(&p->e->arena, struct ay_graph_attribute, 1);
    if (!turned) return;
    *turned = (struct ay_graph_attribute){.name = ay_slice_str("perm"),
                                          .kind = AY_GRAPH_ATTRIBUTE_INTS,
                                          .ints = swap,
                                          .ints_count = 2};
    want_whole(p, l->bias);
    /* Rows stay as they are multiplied; the Transpose is folded when the graph is lowered. */
    struct ay_slice columns = ay_edit_node(p->e, "Transpose", &w->w, 1, unnamed, turned, 1);
    const struct ay_slice in[] = {x->bytes, columns, x->scale, w->scale, x->zero, unnamed, l->bias};
    (void)ay_edit_node(p->e, "com.microsoft:MatMulIntegerToFloat", in, 7, l->out, NULL, 0);
}

static bool emit_linear(struct ay_int8 *p, const struct ay_int8_step *s)
{
    const struct ay_linear *l = &s->linear;
    const struct ay_twin x = *bytes_of(p, l->x);
    const float *rows = ay_linear_rows(p->e, l);
    const uint64_t dims[] = {l->n, l->k};
    bool known;
    const float *bias = bias_of(p->e, l, &known);
    if (!rows) return true;
    struct rows w = quantise_rows(p->e, rows, l->n, l->k, dims, 2);
    if (!s->wanted || !known) {
        emit_linear_f32(p, l, &w, &x);
        return true;
    }
    struct ay_twin y = fitted(p, s->out);
    struct ay_slice in[7] = {x.bytes, x.zero, w.w};
    fixed_operands(p->e, &w, bias, &x, &y, in + 3);
    y.bytes = ay_edit_node(p->e, "assay:QMatMul", in, 7, unnamed, NULL, 0);
    add_twin(p, y);
    return true;
}

/* --- what stands between them: each only where its operands are bytes --- */

static bool emit_sum(struct ay_int8 *p, const struct ay_graph_node *n, const struct ay_int8_step *s)
{
    const struct ay_twin *a = find(p, n->in[0]), *b = find(p, n->in[1]);
    if (!a || !b) return false;
    struct ay_twin y = fitted(p, s->out);
    struct ay_ratio_pair r = ay_ratio_pair_of((double)a->scale_value / (double)y.scale_value,
                                              (double)b->scale_value / (double)y.scale_value);
    const struct ay_slice in[] = {a->bytes,
                                  a->zero,
                                  int_constant(p->e, r.multiplier[0]),
                                  b->bytes,
                                  b->zero,
                                  int_constant(p->e, r.multiplier[1]),
                                  int_constant(p->e, r.shift),
                                  y.zero};
    y.bytes = ay_edit_node(p->e, "assay:QAdd", in, 8, unnamed, NULL, 0);
    add_twin(p, y);
    return true;
}

static bool emit_product(struct ay_int8 *p, const struct ay_graph_node *n,
                         const struct ay_int8_step *s)
{
    const struct ay_twin *a = find(p, n->in[0]), *b = find(p, n->in[1]);
    if (!a || !b) return false;
    struct ay_twin y = fitted(p, s->out);
    double scale = (double)a->scale_value * (double)b->scale_value;
    struct ay_ratio r = ay_ratio_of(scale / (double)y.scale_value, AY_MOST_SHIFT);
    const struct ay_slice in[] = {a->bytes,
                                  a->zero,
                                  b->bytes,
                                  b->zero,
                                  int_constant(p->e, r.multiplier),
                                  int_constant(p->e, r.shift),
                                  y.zero};
    y.bytes = ay_edit_node(p->e, "assay:QMul", in, 7, unnamed, NULL, 0);
    add_twin(p, y);
    return true;
}

static bool emit_average(struct ay_int8 *p, const struct ay_graph_node *n,
                         const struct ay_int8_step *s)
{
    const struct ay_twin *x = find(p, n->in[0]);
    if (!x) return false;
    struct ay_twin y = fitted(p, s->out);
    struct ay_ratio r =
        ay_ratio_of((double)x->scale_value / (double)y.scale_value, AY_MOST_MEAN_SHIFT);
    const struct ay_slice in[] = {x->bytes, x->zero, int_constant(p->e, r.multiplier),
                                  int_constant(p->e, r.shift), y.zero};
    bool global = ay_node_is(n, "GlobalAveragePool");
    y.bytes = ay_edit_node(p->e, global ? "assay:QGlobalAveragePool" : "assay:QAveragePool", in, 5,
                           unnamed, n->attributes, n->attributes_count);
    add_twin(p, y);
    return true;
}

/* What each byte of x stands for. */
static void levels_of(const struct ay_twin *x, float level[LEVELS])
{
    for (int32_t q = 0; q < (int32_t)LEVELS; q++)
        level[q] = (float)(q - x->zero_value) * x->scale_value;
}

/* As QuantizeLinear: a NaN becomes 0. */
static uint8_t quantised(const struct ay_twin *y, float x)
{
    float q = rintf(x / y->scale_value) + (float)y->zero_value;
    return isnan(q) ? 0 : (uint8_t)fminf(fmaxf(q, 0.0F), 255.0F);
}

/* The bytes of x taken through a table, which make y of each level of x. */
static struct ay_slice emit_table(struct ay_int8 *p, const struct ay_twin *x,
                                  const struct ay_twin *y, const float made[LEVELS])
{
    const uint64_t count = LEVELS;
    void *table;
    const struct ay_slice in[] = {x->bytes,
                                  ay_edit_constant(p->e, AY_WORK_DTYPE_U8, 1, &count, &table)};
    for (uint32_t q = 0; table && q < LEVELS; q++) ((uint8_t *)table)[q] = quantised(y, made[q]);
    return ay_edit_node(p->e, "assay:QTable", in, 2, unnamed, NULL, 0);
}

/* The same as the f32 value, which is not rounded once more where nothing is computed of it. */
static void emit_f32_table(struct ay_int8 *p, const struct ay_twin *x, struct ay_slice out,
                           const float made[LEVELS])
{
    const uint64_t count = LEVELS;
    void *table;
    const struct ay_slice in[] = {x->bytes,
                                  ay_edit_constant(p->e, AY_WORK_DTYPE_F32, 1, &count, &table)};
    if (table) memcpy(table, made, LEVELS * sizeof *made);
    (void)ay_edit_node(p->e, "assay:QTable", in, 2, out, NULL, 0);
}

static bool emit_function(struct ay_int8 *p, uint32_t i, enum ay_code *code)
{
    const struct ay_int8_step *s = &p->steps[i];
    const struct ay_twin *x = find(p, p->pointwise.roots[i]);
    float level[LEVELS], made[LEVELS];
    if (!x) return false;
    if (!s->exposed) return true;
    levels_of(x, level);
    *code = ay_pointwise_table(p->e, &p->pointwise, i, level, made, p->reason);
    if (*code != AY_OK) return true;
    if (!s->worked) {
        emit_f32_table(p, x, s->out, made);
        return true;
    }
    struct ay_twin y = fitted(p, s->out);
    y.bytes = emit_table(p, x, &y, made);
    add_twin(p, y);
    return true;
}

static bool emit_join(struct ay_int8 *p, const struct ay_graph_node *n,
                      const struct ay_int8_step *s)
{
    for (uint32_t k = 0; k < n->in_count; k++)
        if (!find(p, n->in[k])) return false;
    struct ay_twin y = fitted(p, s->out);
    struct ay_slice *in = AY_NEW(&p->e->arena, struct ay_slice, n->in_count);
    if (!in) return true;
    for (uint32_t k = 0; k < n->in_count; k++) {
        const struct ay_twin *x = find(p, n->in[k]);
        float level[LEVELS];
        in[k] = x->bytes;
        if (x->scale_value == y.scale_value && x->zero_value == y.zero_value) continue;
        levels_of(x, level);
        in[k] = emit_table(p, x, &y, level);
    }
    y.bytes =
        ay_edit_node(p->e, "Concat", in, n->in_count, unnamed, n->attributes, n->attributes_count);
    add_twin(p, y);
    return true;
}

/* A node that moves bytes, or takes the largest, as it does f32; what it pads with is the zero. */
static bool emit_moved(struct ay_int8 *p, const struct ay_graph_node *n)
{
    const struct ay_twin *x = n->in_count ? find(p, n->in[0]) : NULL;
    if (!x) return false;
    bool pads = ay_node_is(n, "Pad");
    struct ay_graph_node moved = *n;
    if (pads && moved.in_count < 3) moved.in_count = 3;
    struct ay_slice *in = AY_NEW(&p->e->arena, struct ay_slice, moved.in_count + n->out_count);
    if (!in) return true;
    struct ay_slice *out = in + moved.in_count;
    struct ay_twin y = *x;
    memcpy(in, n->in, n->in_count * sizeof *in);
    in[0] = x->bytes;
    if (pads) in[2] = x->zero;
    for (uint32_t k = 0; k < n->out_count; k++) {
        y.name = n->out[k];
        y.whole = false;
        y.bytes = out[k] = y.name.len ? ay_edit_name(p->e) : unnamed;
        if (y.name.len) add_twin(p, y);
    }
    moved.in = in;
    moved.out = out;
    ay_edit_keep(p->e, &moved);
    return true;
}

static void keep(struct ay_int8 *p, const struct ay_graph_node *n)
{
    for (uint32_t k = 0; k < n->in_count; k++) want_whole(p, n->in[k]);
    ay_edit_keep(p->e, n);
}

static bool emit(struct ay_int8 *p, uint32_t i, enum ay_code *code)
{
    const struct ay_graph_node *n = &ay_edit_graph(p->e)->nodes[i];
    const struct ay_int8_step *s = &p->steps[i];
    switch (s->role) {
    case AY_INT8_TAKEN: return true;
    case AY_INT8_CONV: return emit_conv(p, s);
    case AY_INT8_LINEAR: return emit_linear(p, s);
    case AY_INT8_SUM: return emit_sum(p, n, s);
    case AY_INT8_PRODUCT: return emit_product(p, n, s);
    case AY_INT8_AVERAGE: return emit_average(p, n, s);
    case AY_INT8_TABLE: return emit_function(p, i, code);
    case AY_INT8_JOIN: return emit_join(p, n, s);
    case AY_INT8_MOVED: return emit_moved(p, n);
    case AY_INT8_KEPT: break;
    }
    return false;
}

enum ay_code ay_int8_emit(struct ay_int8 *p)
{
    const struct ay_graph_model *m = &p->e->model;
    const struct ay_graph_graph *g = ay_edit_graph(p->e);
    enum ay_code code = AY_OK;
    for (uint32_t i = 0; i < g->nodes_count && code == AY_OK && p->e->code == AY_OK; i++) {
        if (p->steps[i].role == AY_INT8_TAKEN) continue;
        bool done = emit(p, i, &code);
        const struct ay_graph_node *after = p->steps[i].after;
        p->steps[i].kept = !done;
        if (after) p->steps[after - g->nodes].kept = !done;
        if (!done) keep(p, &g->nodes[i]);
        if (!done && after) keep(p, after);
        /* A body may name any value. */
        for (uint32_t t = 0; m->graphs_count > 1 && t < p->twin_count; t++)
            want_whole(p, p->twins[t].name);
    }
    for (uint32_t i = 0; i < g->outputs_count; i++) want_whole(p, g->outputs[i].name);
    return code;
}
