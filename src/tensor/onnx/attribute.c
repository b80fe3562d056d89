/* Attributes of nodes. */
#include "base/text.h"
#include "tensor/onnx/build.h"

typedef Onnx__AttributeProto attribute_proto;

/* An old file does not say the type; what is there says it. */
static int32_t type_of(const attribute_proto *a)
{
    if (a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED) return a->type;
    return a->has_f       ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT
           : a->has_i     ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
           : a->has_s     ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING
           : a->t         ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR
           : a->g         ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH
           : a->n_floats  ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
           : a->n_strings ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS
                          : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
}

static enum ay_code refuse(struct ay_onnx_build *b, const Onnx__NodeProto *node,
                           const attribute_proto *a, enum ay_code code, const char *why)
{
    return ay_reject(b->reason, code, "%.60s '%.60s': attribute %.60s %s",
                     node->op_type ? node->op_type : "", node->name ? node->name : "",
                     a->name ? a->name : "without a name", why);
}

static enum ay_code texts(struct ay_onnx_build *b, const ProtobufCBinaryData *strings, size_t count,
                          struct ay_graph_attribute *out)
{
    struct ay_slice *list = AY_NEW(&b->arena, struct ay_slice, count);
    if (!list) return ay_onnx_full(b);
    for (size_t i = 0; i < count; i++) {
        if (strings[i].len > AY_MAX_GRAPH_ATTRIBUTE_STRINGS_LEN) return AY_E_LIMIT;
        list[i] = ay_slice(strings[i].data, (uint32_t)strings[i].len);
        if (!ay_utf8_valid(list[i])) return AY_E_FORMAT;
    }
    out->strings = list;
    out->strings_count = (uint32_t)count;
    return AY_OK;
}

static enum ay_code numbers(const attribute_proto *a, struct ay_graph_attribute *out)
{
    const int64_t *ints = out->kind == AY_GRAPH_ATTRIBUTE_INT ? &a->i : a->ints;
    const float *floats = out->kind == AY_GRAPH_ATTRIBUTE_FLOAT ? &a->f : a->floats;
    size_t count = out->kind == AY_GRAPH_ATTRIBUTE_INTS     ? a->n_ints
                   : out->kind == AY_GRAPH_ATTRIBUTE_FLOATS ? a->n_floats
                                                            : 1;
    if (count > AY_MAX_GRAPH_ATTRIBUTE_INTS) return AY_E_LIMIT;
    if (out->kind == AY_GRAPH_ATTRIBUTE_INT || out->kind == AY_GRAPH_ATTRIBUTE_INTS) {
        out->ints = ints;
        out->ints_count = (uint32_t)count;
    } else {
        out->floats = (const uint32_t *)(const void *)floats;
        out->floats_count = (uint32_t)count;
    }
    return AY_OK;
}

static enum ay_code value(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                          const attribute_proto *a, uint32_t graph, struct ay_graph_attribute *out)
{
    ProtobufCBinaryData one = a->s;
    switch (type_of(a)) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        out->kind = AY_GRAPH_ATTRIBUTE_FLOAT;
        return numbers(a, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        out->kind = AY_GRAPH_ATTRIBUTE_FLOATS;
        return numbers(a, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        out->kind = AY_GRAPH_ATTRIBUTE_INT;
        return numbers(a, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        out->kind = AY_GRAPH_ATTRIBUTE_INTS;
        return numbers(a, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        out->kind = AY_GRAPH_ATTRIBUTE_STRING;
        return texts(b, &one, 1, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
        out->kind = AY_GRAPH_ATTRIBUTE_STRINGS;
        return texts(b, a->strings, a->n_strings, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        out->kind = AY_GRAPH_ATTRIBUTE_TENSOR;
        return a->t ? ay_onnx_graph_constant(b, graph, a->t, (struct ay_slice){0}, &out->index)
                    : AY_E_FORMAT;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
        out->kind = AY_GRAPH_ATTRIBUTE_SUBGRAPH;
        return a->g ? ay_onnx_body(b, frame, a->g, &out->index) : AY_E_FORMAT;
    default: return AY_E_UNSUPPORTED;
    }
}

static const attribute_proto *find(attribute_proto *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->name && strcmp(list[i]->name, name) == 0) return list[i];
    return NULL;
}

static bool refers(const attribute_proto *a)
{
    return a->ref_attr_name && a->ref_attr_name[0];
}

/* Follows references outwards; *frame is where what is found stands. NULL: the call has none. */
static const attribute_proto *resolve(const attribute_proto *a, const struct ay_onnx_frame **frame)
{
    while (a && refers(a) && *frame) {
        const struct ay_onnx_frame *at = *frame;
        const char *name = a->ref_attr_name;
        a = find(at->call->attribute, at->call->n_attribute, name);
        *frame = at->up;
        if (a) continue;
        a = find(at->function->attribute_proto, at->function->n_attribute_proto, name);
        return a && refers(a) ? NULL : a;
    }
    return a;
}

enum ay_code ay_onnx_attributes(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                                const Onnx__NodeProto *node, uint32_t graph,
                                struct ay_graph_node *out)
{
    size_t count = node->n_attribute;
    struct ay_graph_attribute *list = AY_NEW(&b->arena, struct ay_graph_attribute, count);
    if (!list) return ay_onnx_full(b);
    if (count > AY_MAX_GRAPH_NODE_ATTRIBUTES)
        return refuse(b, node, node->attribute[0], AY_E_LIMIT, "is one of too many");
    for (size_t i = 0; i < count; i++) {
        const struct ay_onnx_frame *at = frame;
        const attribute_proto *named = node->attribute[i], *a = resolve(named, &at);
        struct ay_graph_attribute *to = &list[out->attributes_count];
        if (!named->name || find(node->attribute, i, named->name))
            return refuse(b, node, named, AY_E_FORMAT, "is there twice or has no name");
        if (!a) continue;
        if (refers(a)) return refuse(b, node, a, AY_E_FORMAT, "refers to a call, outside of any");
        AY_TRY(ay_onnx_text(b, named->name, AY_MAX_GRAPH_ATTRIBUTE_NAME, "name of an attribute",
                            &to->name));
        b->reason->text[0] = 0;
        enum ay_code code = value(b, at, a, graph, to);
        if (code != AY_OK && b->reason->text[0] == 0)
            return refuse(b, node, a, code,
                          code == AY_E_UNSUPPORTED ? "is of a kind that is not supported"
                          : code == AY_E_LIMIT     ? "is too long"
                                                   : "is not what its type says");
        AY_TRY(code);
        out->attributes_count++;
    }
    out->attributes = list;
    return AY_OK;
}
