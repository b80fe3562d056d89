/* Graphs in profile q8. */
#include "tensor/quantize/graph.h"

#include "tensor/quantize/edit.h"
#include "tensor/quantize/linear.h"
#include "tensor/quantize/q8.h"

static enum ay_code quantise(struct ay_edit *e, const struct ay_linear *l)
{
    static const struct ay_slice unnamed = {0};
    uint64_t w_dims[] = {l->n, l->k}, d_dims[] = {l->n, ay_q8_blocks(l->k)};
    void *q, *scale;
    const float *rows = ay_linear_rows(e, l);
    struct ay_slice in[3] = {l->x};
    in[1] = ay_edit_constant(e, AY_WORK_DTYPE_I8, 2, w_dims, &q);
    in[2] = ay_edit_constant(e, AY_WORK_DTYPE_F32, 2, d_dims, &scale);
    if (e->code != AY_OK) return e->code;
    AY_TRY(ay_q8_weights(rows, l->n, l->k, AY_Q8_BLOCK, q, scale));
    struct ay_slice y =
        ay_edit_node(e, "assay:MatMulQ8", in, 3, l->bias.len ? unnamed : l->out, NULL, 0);
    if (l->bias.len)
        (void)ay_edit_node(e, "Add", (const struct ay_slice[]){y, l->bias}, 2, l->out, NULL, 0);
    return e->code;
}

static enum ay_code rewrite(struct ay_edit *e, struct ay_reason *reason)
{
    const struct ay_graph_graph *g = ay_edit_graph(e);
    uint32_t quantised = 0;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        struct ay_linear l;
        if (!ay_linear_of(e, &g->nodes[i], &l)) {
            ay_edit_keep(e, &g->nodes[i]);
            continue;
        }
        enum ay_code code = quantise(e, &l);
        if (code == AY_E_FORMAT || code == AY_E_RANGE)
            return ay_reject(reason, code, "%.*s: a weight is too large", (int)l.out.len,
                             (const char *)l.out.data);
        quantised++;
    }
    if (quantised) return AY_OK;
    return ay_reject(reason, AY_E_UNSUPPORTED, "no MatMul or Gemm of the model has weights of f32");
}

enum ay_code ay_quantize_graph_q8(const struct ay_graph_folder *from, const char *dir,
                                  struct ay_reason *reason)
{
    struct ay_edit edit;
    enum ay_code code = ay_edit_open(from, &edit);
    if (code == AY_OK) code = rewrite(&edit, reason);
    if (code == AY_OK) code = ay_edit_write(&edit, dir, "q8", reason);
    ay_edit_close(&edit);
    return code;
}
