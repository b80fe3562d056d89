/* Linear layers of a graph, as both profiles find them. Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_LINEAR_H
#define AY_TENSOR_QUANTIZE_LINEAR_H

#include "tensor/quantize/edit.h"

/* out = x W^T + bias. */
struct ay_linear {
    struct ay_slice x, bias; /* bias: empty where there is none */
    struct ay_slice out;
    const float *w; /* as stored: (n, k), or (k, n) where by_column */
    uint32_t n, k;
    bool by_column;
};

/* Whether the node is MatMul by a constant f32 matrix, or Gemm by one with neither transA, alpha
 * nor beta. */
bool ay_linear_of(const struct ay_edit *edit, const struct ay_graph_node *node,
                  struct ay_linear *out);

/* The weights (n, k), rows contiguous, in new memory of the edit; NULL: it has failed. */
float *ay_linear_rows(struct ay_edit *edit, const struct ay_linear *linear);

/* Whether the node is of the standard domain and has this name. */
bool ay_node_is(const struct ay_graph_node *node, const char *op);
/* The attribute, or NULL. */
const struct ay_graph_attribute *ay_node_attribute(const struct ay_graph_node *node,
                                                   const char *name);

#endif
