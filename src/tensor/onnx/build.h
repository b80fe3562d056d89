/* What the files of this folder share while a model becomes a graph. Internal. */
#ifndef AY_TENSOR_ONNX_BUILD_H
#define AY_TENSOR_ONNX_BUILD_H

#include "base/arena.h"
#include <onnx.pb-c.h>
#include "tensor/onnx/onnx.h"

/* Where a constant's elements come from; one a constant, ascending by offset. */
struct ay_onnx_source {
    const Onnx__TensorProto *tensor;
    uint64_t offset, elements;
};

struct ay_onnx_parts {
    Onnx__ModelProto *proto;
    void *memory; /* of the arena */
    size_t memory_bytes;
    struct ay_onnx_source *sources;
    uint32_t sources_count;
};

/* Grows in an arena: what it leaves behind when it doubles stays there. */
struct ay_onnx_list {
    void *items;
    uint32_t count, room;
};

/* A function's call: whose names stand for what. The model's own level has none (NULL). */
struct ay_onnx_frame {
    const struct ay_onnx_frame *up; /* where the call stands */
    const Onnx__FunctionProto *function;
    const Onnx__NodeProto *call;
    const struct ay_slice *inputs, *outputs; /* by place in function->input, ->output */
    struct ay_slice prefix;                  /* of all other names */
};

struct ay_onnx_build {
    const Onnx__ModelProto *proto;
    struct ay_arena arena;
    const Onnx__FunctionProto **functions; /* ascending by domain, name, overload */
    struct ay_onnx_list graphs, sources, opsets;
    uint64_t weights_bytes;
    uint32_t nodes, calls, depth;
    struct ay_onnx *out; /* the counts of conversions */
    struct ay_reason *reason;
};

/* A new zeroed item at the list's end, or NULL when the arena is full. It moves when another is
 * added. */
void *ay_onnx_add(struct ay_onnx_build *build, struct ay_onnx_list *list, size_t size) AY_MUST;

/* The refusal when the arena is full. */
enum ay_code ay_onnx_full(struct ay_onnx_build *build) AY_MUST;

/* A name within a frame; NULL is the empty name. */
enum ay_code ay_onnx_name(struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                          const char *name, struct ay_slice *out) AY_MUST;
/* Text that is no name of a value; what: for the reason. */
enum ay_code ay_onnx_text(struct ay_onnx_build *build, const char *text, uint32_t max,
                          const char *what, struct ay_slice *out) AY_MUST;
/* "ai.onnx" is the default domain's other name. */
const char *ay_onnx_domain(const char *domain);

/* Appends a node to list, or, when it calls a function, that function's nodes. */
enum ay_code ay_onnx_nodes(struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                           Onnx__NodeProto *const *nodes, size_t count, uint32_t graph,
                           struct ay_onnx_list *list) AY_MUST;

/* Puts each node behind those whose values it, or a graph within it, takes; the others stay as they
 * are. AY_E_MEMORY. */
enum ay_code ay_onnx_order(const struct ay_onnx_build *build, struct ay_graph_node *nodes,
                           uint32_t count) AY_MUST;
/* A graph that is built, until another one is. */
const struct ay_graph_graph *ay_onnx_graph(const struct ay_onnx_build *build, uint32_t index);

/* Builds the graph of a node's attribute; *index is its number. */
enum ay_code ay_onnx_body(struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                          const Onnx__GraphProto *graph, uint32_t *index) AY_MUST;

/* Sorts the model's functions; two of one name are refused. */
enum ay_code ay_onnx_functions(struct ay_onnx_build *build) AY_MUST;
/* The function that the node calls, or NULL. */
const Onnx__FunctionProto *ay_onnx_function(const struct ay_onnx_build *build,
                                            const Onnx__NodeProto *node);
enum ay_code ay_onnx_call(struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                          const Onnx__FunctionProto *function, const Onnx__NodeProto *call,
                          uint32_t graph, struct ay_onnx_list *list) AY_MUST;
/* The versions of domains, entered in the model's list where that has none. Of two that one list
 * has for a domain the last counts, as for onnxruntime; ONNX's own converter leaves such. */
enum ay_code ay_onnx_opsets(struct ay_onnx_build *build, Onnx__OperatorSetIdProto *const *opsets,
                            size_t count) AY_MUST;
/* Refuses a version of the default domain's set that is not known. */
enum ay_code ay_onnx_known(struct ay_onnx_build *build, uint64_t version) AY_MUST;
/* The version of a domain for the nodes of a call, 0 where it is the model's. */
uint64_t ay_onnx_version(const struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                         const char *domain);

/* All attributes of a node. */
enum ay_code ay_onnx_attributes(struct ay_onnx_build *build, const struct ay_onnx_frame *frame,
                                const Onnx__NodeProto *node, uint32_t graph,
                                struct ay_graph_node *out) AY_MUST;

/* A constant for the tensor, its elements given a place in weights.bin. */
enum ay_code ay_onnx_constant(struct ay_onnx_build *build, const Onnx__TensorProto *tensor,
                              struct ay_slice name, struct ay_graph_constant *out) AY_MUST;
/* The same appended to the graph that is being built. */
enum ay_code ay_onnx_graph_constant(struct ay_onnx_build *build, uint32_t graph,
                                    const Onnx__TensorProto *tensor, struct ay_slice name,
                                    uint32_t *index) AY_MUST;

/* Our dtype for one of ONNX's, NONE where there is none; its name for people. */
uint32_t ay_onnx_dtype(int32_t onnx);
const char *ay_onnx_dtype_name(int32_t onnx);

/* Where a constant's bytes lie in another file. */
struct ay_onnx_external {
    int fd;
    uint64_t offset;
};
/* Opens it; the bytes asked for are inside. The caller closes fd. */
enum ay_code ay_onnx_external_open(const Onnx__TensorProto *tensor, int folder, uint64_t bytes,
                                   struct ay_onnx_external *out, struct ay_reason *reason) AY_MUST;

#endif
