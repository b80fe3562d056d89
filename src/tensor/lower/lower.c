#include "tensor/lower/lower.h"

#include "tensor/lower/origin.h"
#include "tensor/lower/scope.h"
#include "tensor/lower/sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Bodies within bodies: each costs stack. */
#define MAX_DEPTH 32u
/* Bytes of a name in a reason. */
#define MAX_SHOWN 64u

static int shown(struct ay_slice text)
{
    return (int)(text.len < MAX_SHOWN ? text.len : MAX_SHOWN);
}

static const char *bytes_of(struct ay_slice text)
{
    return text.len ? (const char *)text.data : "";
}

/* Puts "Conv 'name': " before what the tape has failed with. */
static void blame(const struct ay_lower *l)
{
    char place[2 * MAX_SHOWN + 8];
    const struct ay_graph_node *n = l->node;
    (void)snprintf(place, sizeof place, n->name.len ? "%.*s '%.*s'" : "%.*s", shown(n->op),
                   bytes_of(n->op), shown(n->name), bytes_of(n->name));
    ay_tape_blame(l->tape, place);
}

const struct ay_value *ay_lower_fail(const struct ay_lower *l, enum ay_code code,
                                     const char *format, ...)
{
    struct ay_reason reason;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason.text, sizeof reason.text, format, args);
    va_end(args);
    return ay_tape_fail(l->tape, code, "%s", reason.text);
}

static int64_t opset_of(const struct ay_graph_model *model, struct ay_slice domain)
{
    bool standard = domain.len == 0 || ay_slice_equal(domain, ay_slice_str("ai.onnx"));
    for (uint32_t i = 0; i < model->opsets_count; i++) {
        struct ay_slice d = model->opsets[i].domain;
        bool same = standard ? d.len == 0 || ay_slice_equal(d, ay_slice_str("ai.onnx"))
                             : ay_slice_equal(d, domain);
        if (same) return (int64_t)model->opsets[i].version;
    }
    return 1;
}

/* The elements that the model brings along for a constant. */
const struct ay_value *ay_lower_constant(const struct ay_lower *l,
                                         const struct ay_graph_constant *c)
{
    uint64_t bytes = ay_dtype_bytes(c->dtype);
    for (uint32_t i = 0; i < c->dims_count; i++)
        if (__builtin_mul_overflow(bytes, c->dims[i], &bytes)) bytes = UINT64_MAX;
    bool within = c->offset <= l->weights_bytes && bytes <= l->weights_bytes - c->offset;
    if (ay_dtype_bytes(c->dtype) == 0 || !within || c->offset % 64 != 0)
        return ay_tape_fail(l->tape, AY_E_FORMAT, "constant '%.*s' lies outside the weights",
                            shown(c->name), bytes_of(c->name));
    return ay_tape_known(l->tape, c->dtype, c->dims_count, c->dims, l->weights + c->offset);
}

/* One node. */

static const struct ay_operator *operator_of(const struct ay_lower *l)
{
    const struct ay_graph_node *n = l->node;
    const struct ay_operator *op = ay_operator_find(n->domain, n->op);
    if (!op)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "no such operator");
    else if (n->in_count < op->in_min || (op->in_max != 255 && n->in_count > op->in_max))
        ay_lower_fail(l, AY_E_FORMAT, "%u operands", n->in_count);
    else if (n->out_count == 0 || (op->out_max != 255 && n->out_count > op->out_max))
        ay_lower_fail(l, AY_E_FORMAT, "%u results", n->out_count);
    return failed(l) ? NULL : op;
}

static bool fetch_operands(const struct ay_lower *l, const struct ay_operator *op,
                           struct ay_operands *o, const struct ay_value **in)
{
    const struct ay_graph_node *n = l->node;
    for (uint32_t i = 0; i < n->in_count; i++) {
        if (n->in[i].len == 0) continue;
        in[i] = ay_scope_find(l->scope, n->in[i]);
        if (!in[i]) {
            ay_lower_fail(l, AY_E_FORMAT, "no value '%.*s'", shown(n->in[i]), bytes_of(n->in[i]));
            return false;
        }
        if (ay_is_sequence(in[i]) && (op->sequences == 0 || i + 1 < op->sequences)) {
            ay_lower_fail(l, AY_E_FORMAT, "operand %u is a sequence", i);
            return false;
        }
        o->in_count = i + 1;
    }
    for (uint32_t i = 0; i < op->in_min && op->in_max != 255; i++)
        if (!in[i]) {
            ay_lower_fail(l, AY_E_FORMAT, "operand %u is left out", i);
            return false;
        }
    return true;
}

static void lower_node(const struct ay_lower *l)
{
    const struct ay_graph_node *n = l->node;
    const struct ay_operator *op = operator_of(l);
    if (!op) return;
    const struct ay_value **values = calloc((size_t)n->in_count + n->out_count, sizeof *values);
    if (!values) {
        ay_lower_fail(l, AY_E_MEMORY, "out of memory");
        return;
    }
    struct ay_operands o = {values, 0, values + n->in_count, n->out_count};
    if (fetch_operands(l, op, &o, values) && !(op->moves && ay_origin_move(l, op, &o)))
        op->lower(l, &o);
    for (uint32_t i = 0; i < n->out_count && !failed(l); i++) {
        if (o.out[i])
            ay_scope_bind(l->scope, n->out[i], o.out[i]);
        else if (n->out[i].len > 0)
            ay_lower_fail(l, AY_E_UNSUPPORTED, "no result %u", i);
    }
    free(values);
}

/* Graphs. */

static uint64_t names_in(const struct ay_graph_graph *g)
{
    uint64_t n = (uint64_t)g->inputs_count + g->constants_count;
    for (uint32_t i = 0; i < g->nodes_count; i++) n += g->nodes[i].out_count;
    return n;
}

static void lower_nodes(struct ay_lower *l)
{
    for (uint32_t i = 0; i < l->graph->nodes_count; i++) {
        l->node = &l->graph->nodes[i];
        l->opset =
            l->node->version ? (int64_t)l->node->version : opset_of(l->model, l->node->domain);
        lower_node(l);
        if (!failed(l)) continue;
        blame(l);
        return;
    }
}

static void find_outputs(const struct ay_lower *l, const struct ay_value **outs)
{
    for (uint32_t i = 0; i < l->graph->outputs_count && !failed(l); i++) {
        struct ay_slice name = l->graph->outputs[i].name;
        outs[i] = ay_scope_find(l->scope, name);
        if (!outs[i])
            (void)ay_tape_fail(l->tape, AY_E_FORMAT, "no value for the output '%.*s'", shown(name),
                               bytes_of(name));
    }
}

void ay_lower_body(const struct ay_lower *l, uint32_t index, const struct ay_value *const *inputs,
                   uint32_t inputs_count, const struct ay_value **outs)
{
    if (failed(l)) return;
    AY_ASSERT(index < l->model->graphs_count);
    struct ay_lower inner = *l;
    inner.graph = &l->model->graphs[index];
    AY_ASSERT(inputs_count == inner.graph->inputs_count);
    struct ay_scope scope;
    if ((l->scope && l->scope->depth >= MAX_DEPTH) || names_in(inner.graph) >= 1u << 30) {
        (void)ay_tape_fail(l->tape, AY_E_LIMIT, "graph too deep or too large");
        return;
    }
    if (!ay_scope_open(&scope, l->scope, names_in(inner.graph))) {
        (void)ay_tape_fail(l->tape, AY_E_MEMORY, "out of memory");
        return;
    }
    inner.scope = &scope;
    for (uint32_t i = 0; i < inner.graph->constants_count; i++)
        ay_scope_bind(&scope, inner.graph->constants[i].name,
                      ay_lower_constant(&inner, &inner.graph->constants[i]));
    for (uint32_t i = 0; i < inputs_count; i++)
        ay_scope_bind(&scope, inner.graph->inputs[i].name, inputs[i]);
    if (!failed(l)) lower_nodes(&inner);
    find_outputs(&inner, outs);
    ay_scope_close(&scope);
}

/* Every operator that the table lacks, each once. */
static void check_operators(struct ay_tape *tape, const struct ay_graph_model *model)
{
    char list[sizeof((struct ay_reason *)NULL)->text - 40] = "";
    size_t at = 0;
    for (uint32_t g = 0; g < model->graphs_count; g++)
        for (uint32_t i = 0; i < model->graphs[g].nodes_count; i++) {
            const struct ay_graph_node *n = &model->graphs[g].nodes[i];
            char name[2 * MAX_SHOWN + 4];
            if (ay_operator_find(n->domain, n->op)) continue;
            (void)snprintf(name, sizeof name, " %.*s%s%.*s,", shown(n->domain), bytes_of(n->domain),
                           n->domain.len ? ":" : "", shown(n->op), bytes_of(n->op));
            if (strstr(list, name) || at + strlen(name) >= sizeof list) continue;
            memcpy(list + at, name, strlen(name) + 1);
            at += strlen(name);
        }
    if (at == 0) return;
    list[at - 1] = 0;
    (void)ay_tape_fail(tape, AY_E_UNSUPPORTED, "operators that are missing:%s", list);
}

enum ay_code ay_lower_model(struct ay_tape *tape, const struct ay_graph_model *model,
                            const uint8_t *weights, uint64_t weights_bytes, bool both_branches,
                            const struct ay_value *const *inputs, const struct ay_value **outs)
{
    struct ay_origins origins = {NULL};
    struct ay_lower l = {.tape = tape, .model = model, .origins = &origins};
    l.weights = weights;
    l.weights_bytes = weights_bytes;
    l.both_branches = both_branches;
    if (model->graphs_count == 0) (void)ay_tape_fail(tape, AY_E_FORMAT, "model without a graph");
    check_operators(tape, model);
    if (!failed(&l)) ay_lower_body(&l, 0, inputs, model->graphs[0].inputs_count, outs);
    for (uint32_t i = 0; !failed(&l) && i < model->graphs[0].outputs_count; i++)
        if (ay_is_sequence(outs[i]))
            (void)ay_tape_fail(tape, AY_E_UNSUPPORTED, "output '%.*s' is a sequence",
                               shown(model->graphs[0].outputs[i].name),
                               bytes_of(model->graphs[0].outputs[i].name));
    ay_origins_close(&origins);
    return ay_tape_code(tape);
}
