#include "tensor/quantize/linear.h"

#include "tensor/ref/float.h"

bool ay_node_is(const struct ay_graph_node *node, const char *op)
{
    bool standard = node->domain.len == 0 || ay_slice_equal(node->domain, ay_slice_str("ai.onnx"));
    return standard && ay_slice_equal(node->op, ay_slice_str(op));
}

const struct ay_graph_attribute *ay_node_attribute(const struct ay_graph_node *node,
                                                   const char *name)
{
    for (uint32_t i = 0; i < node->attributes_count; i++)
        if (ay_slice_equal(node->attributes[i].name, ay_slice_str(name)))
            return &node->attributes[i];
    return NULL;
}

static bool is_set(const struct ay_graph_node *node, const char *name)
{
    const struct ay_graph_attribute *a = ay_node_attribute(node, name);
    return a && a->ints_count == 1 && a->ints[0] != 0;
}

static bool is_one(const struct ay_graph_node *node, const char *name)
{
    const struct ay_graph_attribute *a = ay_node_attribute(node, name);
    return !a || (a->floats_count == 1 && a->floats[0] == ay_f32_bits(1));
}

bool ay_linear_of(const struct ay_edit *edit, const struct ay_graph_node *node,
                  struct ay_linear *out)
{
    bool gemm = ay_node_is(node, "Gemm");
    if (!gemm && !ay_node_is(node, "MatMul")) return false;
    if (node->in_count < 2 || node->out_count != 1 || is_set(node, "transA") ||
        !is_one(node, "alpha") || !is_one(node, "beta"))
        return false;
    const struct ay_edit_constant *w = ay_edit_find(edit, node->in[1], 2);
    if (!w || ay_edit_find(edit, node->in[0], 0)) return false;
    uint64_t rows = w->constant.dims[0], columns = w->constant.dims[1];
    if (rows == 0 || columns == 0 || rows > INT32_MAX || columns > INT32_MAX) return false;
    bool by_column = !is_set(node, "transB");
    *out = (struct ay_linear){.x = node->in[0],
                              .out = node->out[0],
                              .w = w->elements,
                              .n = (uint32_t)(by_column ? columns : rows),
                              .k = (uint32_t)(by_column ? rows : columns),
                              .by_column = by_column};
    if (gemm && node->in_count > 2) out->bias = node->in[2];
    return true;
}

float *ay_linear_rows(struct ay_edit *edit, const struct ay_linear *l)
{
    float *rows = ay_arena_take(&edit->arena, (size_t)l->n * l->k, sizeof *rows);
    if (!rows && edit->code == AY_OK) edit->code = AY_E_LIMIT;
    for (size_t n = 0; rows && n < l->n; n++)
        for (size_t k = 0; k < l->k; k++)
            rows[n * l->k + k] = l->by_column ? l->w[k * l->n + n] : l->w[n * l->k + k];
    return rows;
}
