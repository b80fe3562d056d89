/* Lowers a graph (proto/assay/graph/v1/graph.proto), whose operators are those of ONNX, to a tape.
 * One table of operators (operators.c); a file for each family, in which an operator is one
 * function that writes what it computes in terms of the tape's few operations. Source of what each
 * operator means: https://github.com/onnx/onnx/blob/main/docs/Operators.md, all versions of the
 * operator set from 9 on.
 *
 * Families: elementwise.c, activation.c, compare.c, shape.c, arrange.c (padding and what else moves
 * elements by a pattern), index.c (gather, scatter), reduce.c, norm.c, matmul.c, conv.c, pool.c,
 * resize.c (with sample.c, what reads an image at given places), attention.c, quantize.c (with
 * quantize_conv.c and, for values that are quantised and at once f32 again, origin.c and
 * quantize_linear.c), recurrent.c, control.c (If, Loop, Scan), sequence.c, select.c (top-k,
 * non-maximum suppression and what else has a shape that depends on its elements; with signal.c,
 * random.c, loss.c and eliminate.c). Of the domain com.microsoft: fused.c, fused_attention.c and
 * fused_quantize.c. Of ai.onnx.ml: classic.c (with svm.c and ngrams.c) and trees.c (with
 * tree_ensemble.c). What operators share is in terms.c, and in window.c where windows slide. */
#ifndef AY_TENSOR_LOWER_H
#define AY_TENSOR_LOWER_H

#include "base/gen/graph.h"
#include "tensor/tape.h"

struct ay_scope;   /* the values by name of a graph and of those around it */
struct ay_origins; /* what DequantizeLinear made which values of (origin.h) */

/* One operator at work. */
struct ay_lower {
    struct ay_tape *tape;
    const struct ay_graph_model *model;
    const struct ay_graph_graph *graph;
    const struct ay_graph_node *node;
    int64_t opset; /* version of the node's domain */
    struct ay_scope *scope;
    struct ay_origins *origins; /* NULL: none are remembered */
    const uint8_t *weights;     /* weights.bin */
    uint64_t weights_bytes;
    bool both_branches; /* of an If whose condition is unknown are lowered, and chosen between */
};

/* Operands: in[i] is NULL where it is left out, and for i >= in_count of a fixed array this size
 * (the table gives the maximum). Results: out[i] is set for i < out_count, or the tape has failed;
 * wanted[i] would be false where the model does not name it. */
struct ay_operands {
    const struct ay_value *const *in;
    uint32_t in_count; /* as the node lists them, left-out ones at the end not counted */
    const struct ay_value **out;
    uint32_t out_count;
};

/* The i-th operand, NULL when it is left out. */
static inline const struct ay_value *ay_in(const struct ay_operands *o, uint32_t i)
{
    return i < o->in_count ? o->in[i] : NULL;
}

typedef void ay_lower_fn(const struct ay_lower *l, const struct ay_operands *o);

/* A row of the table of operators: names are of the domain "" unless written "domain:Name". */
struct ay_operator {
    const char *name;
    ay_lower_fn *lower;
    uint8_t in_min;
    uint8_t in_max; /* 255: any number */
    uint8_t out_max;
    bool local; /* cannot be part of a program that is registered */
    bool moves; /* only moves elements of its first operand, or takes the largest of some */
    uint8_t sequences; /* from which operand on, counted from 1, one may be a sequence; 0: none */
};

/* Each family's rows, ended by one without a name. */
extern const struct ay_operator ay_lower_elementwise[], ay_lower_activation[], ay_lower_compare[],
    ay_lower_shape[], ay_lower_arrange[], ay_lower_index[], ay_lower_reduce[], ay_lower_norm[],
    ay_lower_matmul[], ay_lower_conv[], ay_lower_pool[], ay_lower_resize[], ay_lower_attention[],
    ay_lower_quantize[], ay_lower_recurrent[], ay_lower_control[], ay_lower_sequence[],
    ay_lower_select[], ay_lower_fused[], ay_lower_fused_attention[], ay_lower_fused_quantize[],
    ay_lower_classic[], ay_lower_trees[];

/* The operator, or NULL. */
const struct ay_operator *ay_operator_find(struct ay_slice domain, struct ay_slice name);
/* All families, ended by NULL. */
const struct ay_operator *const *ay_operators(void);

/* Records that this node fails; its name is put before that: "Conv 'conv1': ...". Returns NULL, as
 * ay_tape_fail. */
__attribute__((format(printf, 3, 4))) const struct ay_value *
ay_lower_fail(const struct ay_lower *l, enum ay_code code, const char *format, ...);

/* A constant of the graph, over weights.bin; fails when it lies outside. */
const struct ay_value *ay_lower_constant(const struct ay_lower *l,
                                         const struct ay_graph_constant *constant);

/* --- attributes of the node; a wrong kind fails --- */
bool ay_attr_has(const struct ay_lower *l, const char *name);
int64_t ay_attr_int(const struct ay_lower *l, const char *name, int64_t otherwise);
float ay_attr_float(const struct ay_lower *l, const char *name, float otherwise);
/* Absent: an empty slice. */
struct ay_slice ay_attr_text(const struct ay_lower *l, const char *name);
bool ay_attr_is(const struct ay_lower *l, const char *name, const char *text); /* absent: false */
/* Absent: count 0, and NULL. */
const int64_t *ay_attr_ints(const struct ay_lower *l, const char *name, uint32_t *count);
const uint32_t *ay_attr_floats(const struct ay_lower *l, const char *name, uint32_t *count);
const struct ay_slice *ay_attr_texts(const struct ay_lower *l, const char *name, uint32_t *count);
const struct ay_value *ay_attr_tensor(const struct ay_lower *l, const char *name); /* or NULL */
/* Index of the graph; 0 (never a body) when absent. */
uint32_t ay_attr_graph(const struct ay_lower *l, const char *name);

/* --- what many operators need --- */
/* The elements of a known integer operand of rank 0 or 1, at most `most` of them. A value that is
 * unknown fails with AY_E_STATE (ay_tape_need). absent (NULL): count 0. */
uint32_t ay_lower_ints(const struct ay_lower *l, const struct ay_value *x, const char *what,
                       int64_t *out, uint32_t most);
/* An axis in [-rank, rank) made positive; fails otherwise. */
uint32_t ay_lower_axis(const struct ay_lower *l, int64_t axis, uint32_t rank);
/* The attribute `name`, or from opset `since` on operand `index`, as axes; none: count 0. */
uint32_t ay_lower_axes(const struct ay_lower *l, const struct ay_operands *o, const char *name,
                       uint32_t index, int64_t since, uint32_t rank, uint32_t axes[AY_MAX_RANK]);

/* --- graphs --- */
/* Lowers all nodes of graph `index` with the given values as its inputs, within the scope of the
 * node that owns it (NULL for the model's own); outs has graph.outputs_count. */
void ay_lower_body(const struct ay_lower *l, uint32_t index, const struct ay_value *const *inputs,
                   uint32_t inputs_count, const struct ay_value **outs);

/* The model's graph on a tape: inputs[i] is the value of graphs[0].inputs[i], outs one an output.
 * weights: mapped weights.bin. Returns ay_tape_code(tape). An operator that is not in the table is
 * AY_E_UNSUPPORTED with the names of all that are missing. both_branches: an If may depend on
 * unknown elements, where both of its branches give the same shapes; else that is AY_E_STATE. */
enum ay_code ay_lower_model(struct ay_tape *tape, const struct ay_graph_model *model,
                            const uint8_t *weights, uint64_t weights_bytes, bool both_branches,
                            const struct ay_value *const *inputs,
                            const struct ay_value **outs) AY_MUST;

#endif
