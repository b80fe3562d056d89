/* What holds of every graph (proto/assay/graph/v1/graph.proto) that is lowered, so that lowering
 * need not ask again. */
#ifndef AY_TENSOR_GRAPH_H
#define AY_TENSOR_GRAPH_H

#include "base/gen/graph.h"
#include "tensor/reason.h"

/* Bodies within bodies. */
#define AY_MAX_GRAPH_DEPTH 32u

/* There is a first graph, its inputs have dtypes, its inputs and outputs names. In each graph no
 * two inputs, constants or results have one name (a body's may hide one of outside); each operand
 * of a node, and each output, is an input, a constant, a result of an earlier node, or known
 * outside the body at the node that has it. Constants have a dtype and lie in weights.bin, at
 * multiples of 64. An attribute has as many values as its kind says; indices of constants and
 * bodies are in range, a body's is above its owner's, and each body has exactly one owner.
 * AY_E_FORMAT, AY_E_LIMIT (depth, 2^46 elements), with a reason; AY_E_MEMORY. O(model). */
enum ay_code ay_graph_check(const struct ay_graph_model *model, uint64_t weights_bytes,
                            struct ay_reason *reason) AY_MUST;

/* Elements of a constant, bytes of one included. AY_E_LIMIT. */
enum ay_code ay_graph_constant_bytes(const struct ay_graph_constant *constant,
                                     uint64_t *out) AY_MUST;

#endif
