#include "tensor/onnx/build.h"

#include "base/text.h"
#include "tensor/graph.h"
#include "tensor/onnx/wire.h"

#include <stdlib.h>
#include <sys/mman.h>

/* The graph takes less than that many times what the decoded file does, but for calls. */
#define ARENA_SPREAD 4u
#define ARENA_LEAST  (16u << 20)

enum ay_code ay_onnx_full(struct ay_onnx_build *b)
{
    return ay_reject(b->reason, AY_E_LIMIT,
                     "more than %zu MiB of graph once its functions are written out",
                     b->arena.cap >> 20);
}

void *ay_onnx_add(struct ay_onnx_build *b, struct ay_onnx_list *list, size_t size)
{
    if (list->count == list->room) {
        uint32_t room = list->room ? 2 * list->room : 8;
        void *items = ay_arena_take(&b->arena, room, size);
        if (!items) return NULL;
        if (list->count) memcpy(items, list->items, list->count * size);
        list->items = items;
        list->room = room;
    }
    return (uint8_t *)list->items + list->count++ * size;
}

enum ay_code ay_onnx_text(struct ay_onnx_build *b, const char *text, uint32_t max, const char *what,
                          struct ay_slice *out)
{
    size_t len = text ? strlen(text) : 0;
    if (len > max)
        return ay_reject(b->reason, AY_E_LIMIT, "%.60s... (%s): longer than %u bytes", text, what,
                         max);
    *out = ay_slice(text, (uint32_t)len);
    if (!ay_utf8_valid(*out)) return ay_reject(b->reason, AY_E_FORMAT, "%s: not UTF-8", what);
    return AY_OK;
}

enum ay_code ay_onnx_name(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                          const char *name, struct ay_slice *out)
{
    AY_TRY(ay_onnx_text(b, name, AY_MAX_GRAPH_PORT_NAME, "name of a value", out));
    if (!frame || out->len == 0) return AY_OK;
    const Onnx__FunctionProto *f = frame->function;
    for (size_t i = 0; i < f->n_input; i++)
        if (strcmp(f->input[i], name) == 0) {
            *out = frame->inputs[i];
            return AY_OK;
        }
    for (size_t i = 0; i < f->n_output; i++)
        if (strcmp(f->output[i], name) == 0 && frame->outputs[i].len) {
            *out = frame->outputs[i];
            return AY_OK;
        }
    uint32_t len = frame->prefix.len + out->len;
    if (len > AY_MAX_GRAPH_PORT_NAME)
        return ay_reject(b->reason, AY_E_LIMIT, "%.60s...: too long within a function", name);
    uint8_t *text = ay_arena_take(&b->arena, len, 1);
    if (!text) return ay_onnx_full(b);
    memcpy(text, frame->prefix.data, frame->prefix.len);
    memcpy(text + frame->prefix.len, out->data, out->len);
    *out = ay_slice(text, len);
    return AY_OK;
}

/* Nodes */

static enum ay_code names(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                          char *const *from, size_t count, const struct ay_slice **out,
                          uint32_t *out_count)
{
    struct ay_slice *list = AY_NEW(&b->arena, struct ay_slice, count);
    if (!list) return ay_onnx_full(b);
    if (count > AY_MAX_GRAPH_NODE_IN)
        return ay_reject(b->reason, AY_E_LIMIT, "more than %u operands of a node",
                         AY_MAX_GRAPH_NODE_IN);
    for (size_t i = 0; i < count; i++) AY_TRY(ay_onnx_name(b, frame, from[i], &list[i]));
    *out = list;
    *out_count = (uint32_t)count;
    return AY_OK;
}

static enum ay_code node(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                         const Onnx__NodeProto *from, uint32_t graph, struct ay_graph_node *out)
{
    if (!from->op_type || !from->op_type[0])
        return ay_reject(b->reason, AY_E_FORMAT, "node '%.80s' has no operator",
                         from->name ? from->name : "");
    AY_TRY(ay_onnx_text(b, from->name, AY_MAX_GRAPH_NODE_NAME, "name of a node", &out->name));
    AY_TRY(ay_onnx_text(b, from->op_type, AY_MAX_GRAPH_NODE_OP, "operator", &out->op));
    AY_TRY(ay_onnx_text(b, ay_onnx_domain(from->domain), AY_MAX_GRAPH_NODE_DOMAIN, "domain",
                        &out->domain));
    out->version = ay_onnx_version(b, frame, from->domain);
    AY_TRY(names(b, frame, from->input, from->n_input, &out->in, &out->in_count));
    AY_TRY(names(b, frame, from->output, from->n_output, &out->out, &out->out_count));
    return ay_onnx_attributes(b, frame, from, graph, out);
}

enum ay_code ay_onnx_nodes(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                           Onnx__NodeProto *const *nodes, size_t count, uint32_t graph,
                           struct ay_onnx_list *list)
{
    for (size_t i = 0; i < count; i++) {
        const Onnx__FunctionProto *function = ay_onnx_function(b, nodes[i]);
        if (++b->nodes > AY_MAX_ONNX_NODES)
            return ay_reject(b->reason, AY_E_LIMIT, "more than %u nodes", AY_MAX_ONNX_NODES);
        if (function) {
            AY_TRY(ay_onnx_call(b, frame, function, nodes[i], graph, list));
            continue;
        }
        /* The list may move while the node's graphs are built. */
        struct ay_graph_node made = {0}, *to;
        AY_TRY(node(b, frame, nodes[i], graph, &made));
        to = ay_onnx_add(b, list, sizeof *to);
        if (!to) return ay_onnx_full(b);
        *to = made;
    }
    return AY_OK;
}

/* Graphs. While one is built its constants are a list, kept beside it. */

struct graph {
    struct ay_graph_graph made;
    struct ay_onnx_list constants;
};

static struct graph *graph_at(struct ay_onnx_build *b, uint32_t index)
{
    return (struct graph *)b->graphs.items + index;
}

const struct ay_graph_graph *ay_onnx_graph(const struct ay_onnx_build *b, uint32_t index)
{
    return &((const struct graph *)b->graphs.items + index)->made;
}

enum ay_code ay_onnx_graph_constant(struct ay_onnx_build *b, uint32_t graph,
                                    const Onnx__TensorProto *tensor, struct ay_slice name,
                                    uint32_t *index)
{
    struct ay_graph_constant made, *to;
    struct ay_onnx_list *list = &graph_at(b, graph)->constants;
    if (list->count == AY_MAX_GRAPH_GRAPH_CONSTANTS)
        return ay_reject(b->reason, AY_E_LIMIT, "more than %u constants", list->count);
    AY_TRY(ay_onnx_constant(b, tensor, name, &made));
    to = ay_onnx_add(b, list, sizeof *to);
    if (!to) return ay_onnx_full(b);
    *to = made;
    *index = list->count - 1;
    return AY_OK;
}

static enum ay_code dims_of(struct ay_onnx_build *b, const char *name,
                            const Onnx__TensorShapeProto *shape, struct ay_graph_port *out)
{
    struct ay_graph_dim *dims = AY_NEW(&b->arena, struct ay_graph_dim, shape->n_dim);
    if (!dims) return ay_onnx_full(b);
    if (shape->n_dim > AY_MAX_RANK)
        return ay_reject(b->reason, AY_E_UNSUPPORTED, "value %.80s: more than %d dimensions", name,
                         AY_MAX_RANK);
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
            d->dim_value > 0)
            dims[i].size = (uint64_t)d->dim_value;
        /* "?" is how some writers name every size that they do not know. */
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
            strcmp(d->dim_param, "?") != 0)
            AY_TRY(ay_onnx_text(b, d->dim_param, AY_MAX_GRAPH_DIM_NAME, "name of a size",
                                &dims[i].name));
    }
    out->ranked = true;
    out->dims = dims;
    out->dims_count = (uint32_t)shape->n_dim;
    return AY_OK;
}

/* An input or output. Only the model's own inputs must be of a type that we have; f16, bf16 and f64
 * are taken as f32. */
static enum ay_code port(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                         const Onnx__ValueInfoProto *from, bool given, struct ay_graph_port *out)
{
    const char *name = from->name ? from->name : "";
    const Onnx__TypeProto *type = from->type;
    bool tensor = type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    AY_TRY(ay_onnx_name(b, frame, from->name, &out->name));
    if (tensor && type->tensor_type->has_elem_type)
        out->dtype = ay_onnx_dtype(type->tensor_type->elem_type);
    if (given && out->dtype == AY_WORK_DTYPE_NONE)
        return ay_reject(b->reason, AY_E_UNSUPPORTED, "input %.80s is of %s", name,
                         tensor ? ay_onnx_dtype_name(type->tensor_type->elem_type)
                                : "a type that is no tensor");
    if (given && type->tensor_type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE)
        b->out->inputs_f64++;
    return tensor && type->tensor_type->shape ? dims_of(b, name, type->tensor_type->shape, out)
                                              : AY_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What has an initialiser is no input, though old files list it among them. */
static enum ay_code inputs(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                           const Onnx__GraphProto *from, bool given, struct ay_graph_graph *out)
{
    size_t n = from->n_initializer;
    const char **known = AY_NEW(&b->arena, const char *, n);
    struct ay_graph_port *ports = AY_NEW(&b->arena, struct ay_graph_port, from->n_input);
    if (!known || !ports) return ay_onnx_full(b);
    for (size_t i = 0; i < n; i++)
        known[i] = from->initializer[i]->name ? from->initializer[i]->name : "";
    if (n) qsort(known, n, sizeof *known, by_text);
    out->inputs = ports;
    for (size_t i = 0; i < from->n_input; i++) {
        const char *name = from->input[i]->name ? from->input[i]->name : "";
        if (n && bsearch(&name, known, n, sizeof *known, by_text)) continue;
        if (out->inputs_count == AY_MAX_GRAPH_GRAPH_INPUTS)
            return ay_reject(b->reason, AY_E_LIMIT, "more than %u inputs", out->inputs_count);
        AY_TRY(port(b, frame, from->input[i], given, &ports[out->inputs_count]));
        out->inputs_count++;
    }
    return AY_OK;
}

static enum ay_code outputs(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                            const Onnx__GraphProto *from, struct ay_graph_graph *out)
{
    struct ay_graph_port *ports = AY_NEW(&b->arena, struct ay_graph_port, from->n_output);
    if (!ports) return ay_onnx_full(b);
    if (from->n_output > AY_MAX_GRAPH_GRAPH_OUTPUTS)
        return ay_reject(b->reason, AY_E_LIMIT, "more than %u outputs", AY_MAX_GRAPH_GRAPH_OUTPUTS);
    for (size_t i = 0; i < from->n_output; i++)
        AY_TRY(port(b, frame, from->output[i], false, &ports[i]));
    out->outputs = ports;
    out->outputs_count = (uint32_t)from->n_output;
    return AY_OK;
}

static enum ay_code fill(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                         const Onnx__GraphProto *from, uint32_t index)
{
    struct ay_graph_graph made = {0};
    struct ay_onnx_list nodes = {0};
    if (from->n_sparse_initializer)
        return ay_reject(b->reason, AY_E_UNSUPPORTED, "sparse constants");
    AY_TRY(ay_onnx_text(b, from->name, AY_MAX_GRAPH_GRAPH_NAME, "name of a graph", &made.name));
    AY_TRY(inputs(b, frame, from, index == 0, &made));
    AY_TRY(outputs(b, frame, from, &made));
    for (size_t i = 0; i < from->n_initializer; i++) {
        struct ay_slice name;
        uint32_t place;
        AY_TRY(ay_onnx_name(b, frame, from->initializer[i]->name, &name));
        if (name.len == 0) return ay_reject(b->reason, AY_E_FORMAT, "an initialiser has no name");
        AY_TRY(ay_onnx_graph_constant(b, index, from->initializer[i], name, &place));
    }
    AY_TRY(ay_onnx_nodes(b, frame, from->node, from->n_node, index, &nodes));
    AY_TRY(ay_onnx_order(b, nodes.items, nodes.count));
    made.nodes = nodes.items;
    made.nodes_count = nodes.count;
    made.constants = graph_at(b, index)->constants.items;
    made.constants_count = graph_at(b, index)->constants.count;
    graph_at(b, index)->made = made;
    return AY_OK;
}

enum ay_code ay_onnx_body(struct ay_onnx_build *b, const struct ay_onnx_frame *frame,
                          const Onnx__GraphProto *from, uint32_t *index)
{
    if (b->graphs.count == AY_MAX_GRAPH_MODEL_GRAPHS)
        return ay_reject(b->reason, AY_E_LIMIT, "more than %u graphs", b->graphs.count);
    if (++b->depth > AY_MAX_ONNX_DEPTH)
        return ay_reject(b->reason, AY_E_LIMIT, "more than %u graphs within each other",
                         AY_MAX_ONNX_DEPTH);
    *index = b->graphs.count;
    if (!ay_onnx_add(b, &b->graphs, sizeof(struct graph))) return ay_onnx_full(b);
    AY_TRY(fill(b, frame, from, *index));
    b->depth--;
    return AY_OK;
}

/* The model */

static enum ay_code versions(struct ay_onnx_build *b)
{
    int64_t ir = b->proto->has_ir_version ? b->proto->ir_version : 0;
    if (ir < 3 || ir > AY_ONNX_IR)
        return ay_reject(b->reason, AY_E_UNSUPPORTED,
                         "not ONNX, or of IR version %lld; 3 to %d are known", (long long)ir,
                         AY_ONNX_IR);
    AY_TRY(ay_onnx_opsets(b, b->proto->opset_import, b->proto->n_opset_import));
    const struct ay_graph_opset *opsets = b->opsets.items;
    uint64_t version = 0;
    for (uint32_t i = 0; i < b->opsets.count; i++)
        if (opsets[i].domain.len == 0) version = opsets[i].version;
    bool named = b->opsets.count > 0 && version == 0; /* of other domains only */
    return named ? AY_OK : ay_onnx_known(b, version);
}

static enum ay_code build(struct ay_onnx_build *b)
{
    uint32_t index;
    if (!b->proto->graph) return ay_reject(b->reason, AY_E_FORMAT, "there is no graph");
    AY_TRY(versions(b));
    AY_TRY(ay_onnx_functions(b));
    AY_TRY(ay_onnx_body(b, NULL, b->proto->graph, &index));
    struct ay_graph_graph *graphs = AY_NEW(&b->arena, struct ay_graph_graph, b->graphs.count);
    if (!graphs) return ay_onnx_full(b);
    for (uint32_t i = 0; i < b->graphs.count; i++) graphs[i] = graph_at(b, i)->made;
    b->out->model = (struct ay_graph_model){.opsets = b->opsets.items,
                                            .opsets_count = b->opsets.count,
                                            .graphs = graphs,
                                            .graphs_count = b->graphs.count};
    b->out->weights_bytes = b->weights_bytes;
    b->out->parts->sources = b->sources.items;
    b->out->parts->sources_count = b->sources.count;
    return ay_graph_check(&b->out->model, b->weights_bytes, b->reason);
}

/* What downloads leave under the name of a model, where the bytes are no message. */
static enum ay_code name_format(const uint8_t *bytes, uint64_t len, struct ay_reason *reason)
{
    static const struct {
        uint32_t at;
        const char *magic, *what;
    } formats[] = {
        {0, "version https://git-lfs", "a pointer of Git LFS, which `git lfs pull` follows"},
        {4, "ORTM", "of onnxruntime's own format, ORT"},
        {4, "TFL3", "a TensorFlow Lite model"},
        {0, "\x1f\x8b", "packed by gzip"},
        {0, "PK\x03\x04", "a zip archive"},
        {0, "<", "a page of HTML or XML"}};
    for (uint32_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t size = strlen(formats[i].magic);
        if (len >= formats[i].at + size &&
            memcmp(bytes + formats[i].at, formats[i].magic, size) == 0)
            return ay_reject(reason, AY_E_FORMAT, "no ONNX: %s", formats[i].what);
    }
    return AY_E_FORMAT;
}

static enum ay_code decode(const uint8_t *bytes, uint64_t len, uint64_t limit,
                           struct ay_onnx_parts *parts, struct ay_reason *reason)
{
    ProtobufCMessage *message = NULL;
    struct ay_wire_size size;
    enum ay_code code = ay_wire_measure(&onnx__model_proto__descriptor, bytes, len, &size, reason);
    if (code == AY_E_FORMAT) return name_format(bytes, len, reason);
    AY_TRY(code);
    /* Of our own structs there are fewer and smaller ones than of the library's; numbers stay where
     * they are, but for shapes. */
    uint64_t arena =
        ARENA_SPREAD * size.structs_bytes + sizeof(uint64_t) * size.scalars + ARENA_LEAST;
    if (size.need_bytes + arena > limit)
        return ay_reject(reason, AY_E_LIMIT,
                         "needs up to %llu MiB of memory, %llu are allowed (--max-memory)",
                         (unsigned long long)((size.need_bytes + arena) >> 20) + 1,
                         (unsigned long long)(limit >> 20));
    AY_TRY(ay_wire_decode(&onnx__model_proto__descriptor, bytes, len, size.need_bytes, &message,
                          reason));
    parts->proto = (Onnx__ModelProto *)message;
    parts->memory_bytes = (size_t)arena;
    /* Pages that are not touched cost nothing. */
    parts->memory = mmap(NULL, parts->memory_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (parts->memory != MAP_FAILED) return AY_OK;
    parts->memory = NULL;
    return AY_E_MEMORY;
}

enum ay_code ay_onnx_parse(const uint8_t *bytes, uint64_t len, uint64_t limit, struct ay_onnx *out,
                           struct ay_reason *reason)
{
    struct ay_reason own;
    *out = (struct ay_onnx){.parts = calloc(1, sizeof *out->parts)};
    if (!out->parts) return AY_E_MEMORY;
    if (!reason) reason = &own;
    enum ay_code code = decode(bytes, len, limit, out->parts, reason);
    if (code == AY_OK) {
        struct ay_onnx_build b = {.proto = out->parts->proto,
                                  .arena =
                                      ay_arena_over(out->parts->memory, out->parts->memory_bytes),
                                  .out = out,
                                  .reason = reason};
        code = build(&b);
    }
    if (code != AY_OK) ay_onnx_close(out);
    return code;
}

void ay_onnx_close(struct ay_onnx *onnx)
{
    struct ay_onnx_parts *parts = onnx->parts;
    if (parts) {
        if (parts->proto) onnx__model_proto__free_unpacked(parts->proto, NULL);
        if (parts->memory) (void)munmap(parts->memory, parts->memory_bytes);
    }
    free(parts);
    *onnx = (struct ay_onnx){0};
}
