/* Functions of the model's own: each call becomes the function's nodes, whose values take names of
 * the call's, or new ones. */
#include "tensor/onnx/build.h"

#include <stdio.h>
#include <stdlib.h>

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

const char *ay_onnx_domain(const char *domain)
{
    return !domain || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static int compare(const char *domain_a, const char *name_a, const char *overload_a,
                   const char *domain_b, const char *name_b, const char *overload_b)
{
    int order = strcmp(ay_onnx_domain(domain_a), ay_onnx_domain(domain_b));
    if (order == 0) order = strcmp(or_empty(name_a), or_empty(name_b));
    return order ? order : strcmp(or_empty(overload_a), or_empty(overload_b));
}

static int by_name(const void *a, const void *b)
{
    const Onnx__FunctionProto *x = *(const Onnx__FunctionProto *const *)a;
    const Onnx__FunctionProto *y = *(const Onnx__FunctionProto *const *)b;
    return compare(x->domain, x->name, x->overload, y->domain, y->name, y->overload);
}

static int to_node(const void *key, const void *item)
{
    const Onnx__NodeProto *n = key;
    const Onnx__FunctionProto *f = *(const Onnx__FunctionProto *const *)item;
    return compare(n->domain, n->op_type, n->overload, f->domain, f->name, f->overload);
}

enum ay_code ay_onnx_functions(struct ay_onnx_build *b)
{
    size_t n = b->proto->n_functions;
    b->functions = AY_NEW(&b->arena, const Onnx__FunctionProto *, n);
    if (!b->functions) return ay_onnx_full(b);
    for (size_t i = 0; i < n; i++) b->functions[i] = b->proto->functions[i];
    if (n) qsort(b->functions, n, sizeof *b->functions, by_name);
    for (size_t i = 1; i < n; i++)
        if (by_name(&b->functions[i - 1], &b->functions[i]) == 0)
            return ay_reject(b->reason, AY_E_FORMAT, "two functions are called %.80s",
                             or_empty(b->functions[i]->name));
    return AY_OK;
}

const Onnx__FunctionProto *ay_onnx_function(const struct ay_onnx_build *b,
                                            const Onnx__NodeProto *node)
{
    size_t n = b->proto->n_functions;
    const Onnx__FunctionProto *const *found =
        n ? bsearch(node, b->functions, n, sizeof *b->functions, to_node) : NULL;
    return found ? *found : NULL;
}

enum ay_code ay_onnx_opsets(struct ay_onnx_build *b, Onnx__OperatorSetIdProto *const *opsets,
                            size_t count)
{
    uint32_t first = b->opsets.count; /* of this list */
    for (size_t i = 0; i < count; i++) {
        struct ay_graph_opset *have = b->opsets.items;
        struct ay_slice domain;
        uint64_t version = opsets[i]->version > 0 ? (uint64_t)opsets[i]->version : 0;
        uint32_t k = 0;
        AY_TRY(ay_onnx_text(b, ay_onnx_domain(opsets[i]->domain), AY_MAX_GRAPH_OPSET_DOMAIN,
                            "domain of an operator set", &domain));
        while (k < b->opsets.count && !ay_slice_equal(have[k].domain, domain)) k++;
        if (k >= first && k < b->opsets.count) have[k].version = version;
        if (k < b->opsets.count) continue;
        if (k == AY_MAX_GRAPH_MODEL_OPSETS)
            return ay_reject(b->reason, AY_E_LIMIT, "more than %u operator sets",
                             AY_MAX_GRAPH_MODEL_OPSETS);
        have = ay_onnx_add(b, &b->opsets, sizeof *have);
        if (!have) return ay_onnx_full(b);
        *have = (struct ay_graph_opset){.domain = domain, .version = version};
    }
    return AY_OK;
}

enum ay_code ay_onnx_known(struct ay_onnx_build *b, uint64_t version)
{
    if (version >= AY_ONNX_OPSET_MIN && version <= AY_ONNX_OPSET_MAX) return AY_OK;
    return ay_reject(b->reason, AY_E_UNSUPPORTED,
                     "version %llu of the operator set; %d to %d are known",
                     (unsigned long long)version, AY_ONNX_OPSET_MIN, AY_ONNX_OPSET_MAX);
}

uint64_t ay_onnx_version(const struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                         const char *domain)
{
    uint64_t version = 0;
    const struct ay_graph_opset *have = b->opsets.items;
    domain = ay_onnx_domain(domain);
    for (size_t i = 0; frame && i < frame->function->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = frame->function->opset_import[i];
        if (strcmp(ay_onnx_domain(opset->domain), domain) == 0 && opset->version > 0)
            version = (uint64_t)opset->version;
    }
    for (uint32_t k = 0; k < b->opsets.count; k++)
        if (ay_slice_equal(have[k].domain, ay_slice_str(domain)) && have[k].version == version)
            return 0;
    return version;
}

/* The names that a call gives to a function's inputs or outputs. */
static enum ay_code actual(struct ay_onnx_build *b, const struct ay_onnx_frame *up, size_t formals,
                           char *const *given, size_t count, const char *which, const char *name,
                           const struct ay_slice **out)
{
    struct ay_slice *names = AY_NEW(&b->arena, struct ay_slice, formals);
    if (!names) return ay_onnx_full(b);
    if (count > formals)
        return ay_reject(b->reason, AY_E_FORMAT, "function %.80s is called with too many %s", name,
                         which);
    for (size_t i = 0; i < count; i++) AY_TRY(ay_onnx_name(b, up, given[i], &names[i]));
    *out = names;
    return AY_OK;
}

/* "function/7/": no two calls have one prefix. */
static enum ay_code prefix(struct ay_onnx_build *b, const char *name, struct ay_slice *out)
{
    char text[128];
    int len = snprintf(text, sizeof text, "%.80s/%u/", name, ++b->calls);
    return ay_arena_copy(&b->arena, ay_slice(text, (uint32_t)len), out) == AY_OK ? AY_OK
                                                                                 : ay_onnx_full(b);
}

/* An output that is an input has no node that makes it. */
static enum ay_code pass_through(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                                 struct ay_onnx_list *list)
{
    const Onnx__FunctionProto *f = frame->function;
    for (size_t i = 0; i < f->n_output; i++)
        for (size_t k = 0; k < f->n_input; k++) {
            if (strcmp(f->output[i], f->input[k]) != 0 || frame->outputs[i].len == 0) continue;
            struct ay_slice *names = AY_NEW(&b->arena, struct ay_slice, 2);
            struct ay_graph_node *node = ay_onnx_add(b, list, sizeof *node);
            if (!names || !node) return ay_onnx_full(b);
            names[0] = frame->inputs[k];
            names[1] = frame->outputs[i];
            *node = (struct ay_graph_node){.op = ay_slice_str("Identity"),
                                           .in = &names[0],
                                           .in_count = 1,
                                           .out = &names[1],
                                           .out_count = 1};
        }
    return AY_OK;
}

enum ay_code ay_onnx_call(struct ay_onnx_build *b, const struct ay_onnx_frame *up,
                          const Onnx__FunctionProto *f, const Onnx__NodeProto *call, uint32_t graph,
                          struct ay_onnx_list *list)
{
    const char *name = or_empty(f->name);
    struct ay_onnx_frame frame = {.up = up, .function = f, .call = call};
    if (++b->depth > AY_MAX_ONNX_DEPTH)
        return ay_reject(b->reason, AY_E_LIMIT,
                         "function %.80s: calls within each other are deeper than %u", name,
                         AY_MAX_ONNX_DEPTH);
    if (f->n_input > AY_MAX_GRAPH_GRAPH_INPUTS || f->n_output > AY_MAX_GRAPH_GRAPH_OUTPUTS)
        return ay_reject(b->reason, AY_E_LIMIT, "function %.80s: too many inputs or outputs", name);
    AY_TRY(ay_onnx_opsets(b, f->opset_import, f->n_opset_import));
    uint64_t version = ay_onnx_version(b, &frame, "");
    if (version) AY_TRY(ay_onnx_known(b, version));
    AY_TRY(actual(b, up, f->n_input, call->input, call->n_input, "inputs", name, &frame.inputs));
    AY_TRY(
        actual(b, up, f->n_output, call->output, call->n_output, "outputs", name, &frame.outputs));
    AY_TRY(prefix(b, name, &frame.prefix));
    AY_TRY(ay_onnx_nodes(b, &frame, f->node, f->n_node, graph, list));
    AY_TRY(pass_through(b, &frame, list));
    b->depth--;
    return AY_OK;
}
