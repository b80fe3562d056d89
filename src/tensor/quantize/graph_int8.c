/* Graphs in profile int8: what stands between the input's bytes and the output's stays integers. */
#include "tensor/quantize/int8.h"

#include <stdio.h>
#include <string.h>

static enum ay_code rewrite(struct ay_int8 *p, const struct ay_samples *samples)
{
    enum ay_code code = ay_int8_plan(p);
    if (code != AY_OK) return ay_reject(p->reason, code, "the graph is too large");
    if (p->products == 0)
        return ay_reject(p->reason, AY_E_UNSUPPORTED,
                         "no Conv, MatMul or Gemm of the model has weights of f32");
    AY_TRY(ay_ranges_observe(p->e->from, samples, p->ranges, p->range_count, p->reason));
    AY_TRY(ay_int8_emit(p));
    if (p->e->code == AY_E_FORMAT)
        return ay_reject(p->reason, p->e->code, "a weight is not finite");
    return AY_OK;
}

/* --- what stayed --- */

/* Whether the value is f32, as far as the graph tells: `f32` says so of results of nodes. */
static bool is_f32(const struct ay_graph_graph *g, const bool *f32, uint32_t end,
                   struct ay_slice name)
{
    for (uint32_t i = 0; i < g->inputs_count; i++)
        if (ay_slice_equal(g->inputs[i].name, name)) return g->inputs[i].dtype == AY_WORK_DTYPE_F32;
    for (uint32_t i = 0; i < g->constants_count; i++)
        if (ay_slice_equal(g->constants[i].name, name))
            return g->constants[i].dtype == AY_WORK_DTYPE_F32;
    for (uint32_t i = 0; i < end; i++)
        for (uint32_t k = 0; k < g->nodes[i].out_count; k++)
            if (ay_slice_equal(g->nodes[i].out[k], name)) return f32[i];
    return false;
}

/* Of shapes alone, whatever the dtype; or of other dtypes by its attribute. */
static bool gives_integers(const struct ay_graph_node *n)
{
    const struct ay_graph_attribute *to = ay_node_attribute(n, "to");
    bool cast = ay_node_is(n, "Cast") && to && to->ints_count == 1 && to->ints[0] != 1;
    return cast || ay_node_is(n, "Shape") || ay_node_is(n, "Size");
}

static void put_names(const struct ay_graph_graph *g, bool *kept, struct ay_int8_report *out)
{
    size_t at = 0;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        if (!kept[i]) continue;
        uint32_t times = 0;
        for (uint32_t k = i; k < g->nodes_count; k++) {
            if (!kept[k] || !ay_slice_equal(g->nodes[k].op, g->nodes[i].op)) continue;
            kept[k] = k == i;
            times++;
        }
        int len = snprintf(out->names + at, sizeof out->names - at, "%s%.*s %u", at ? ", " : "",
                           (int)g->nodes[i].op.len, (const char *)g->nodes[i].op.data, times);
        if (len < 0 || (size_t)len >= sizeof out->names - at) return;
        at += (size_t)len;
    }
}

void ay_int8_count(const struct ay_int8 *p, struct ay_int8_report *out)
{
    const struct ay_graph_graph *g = ay_edit_graph(p->e);
    bool *f32 = AY_NEW(&p->e->arena, bool, g->nodes_count);
    bool *kept = AY_NEW(&p->e->arena, bool, g->nodes_count);
    if (!f32 || !kept) return;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        const struct ay_graph_node *n = &g->nodes[i];
        bool takes = false;
        for (uint32_t k = 0; k < n->in_count; k++) takes |= is_f32(g, f32, i, n->in[k]);
        f32[i] = takes && !gives_integers(n);
        kept[i] = p->steps[i].kept && takes && !ay_node_is(n, "Shape") && !ay_node_is(n, "Size");
        out->integer += !p->steps[i].kept;
        out->f32 += kept[i];
    }
    put_names(g, kept, out);
}

enum ay_code ay_quantize_graph_int8(const struct ay_graph_folder *from,
                                    const struct ay_samples *samples, const char *dir,
                                    struct ay_int8_report *report, struct ay_reason *reason)
{
    struct ay_edit edit;
    struct ay_int8 pass = {.e = &edit, .reason = reason};
    *report = (struct ay_int8_report){0};
    enum ay_code code = ay_edit_open(from, &edit);
    if (code == AY_OK) code = rewrite(&pass, samples);
    if (code == AY_OK) code = ay_edit_write(&edit, dir, "int8", reason);
    if (code == AY_OK) ay_int8_count(&pass, report);
    ay_edit_close(&edit);
    return code;
}
