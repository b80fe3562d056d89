/* A convolution of a graph with what follows it and can be part of it. Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_CONV_H
#define AY_TENSOR_QUANTIZE_CONV_H

#include "tensor/quantize/edit.h"

/* Of bytes, whose sum stays within 31 bits. */
#define AY_MOST_PRODUCTS 65536u

struct ay_conv {
    const struct ay_graph_node *node;          /* Conv */
    struct ay_slice x, out;                    /* out: what the last node of the chain gives */
    uint64_t dims[AY_MAX_GRAPH_CONSTANT_DIMS]; /* of w: (channels, ...) */
    uint32_t rank, per_channel;                /* elements of w a channel */
    float *w, *bias;                           /* with the normalisation in them; bias (channels) */
};

/* Whether node i is Conv by a constant f32 w, of AY_MOST_PRODUCTS a channel at most, with its bias
 * constant. *out is then the longest chain Conv, Add of a bias, BatchNormalization, Relu or Clip
 * from 0 up, whose values but the last nothing else needs; its nodes are marked in `taken`, one a
 * node. uses: how often node i's first result is needed. */
bool ay_conv_of(struct ay_edit *edit, uint32_t i, const uint32_t *uses, bool *taken,
                struct ay_conv *out);

/* The one node that needs the first result of node i, as its first operand; NULL: there is none. */
const struct ay_graph_node *ay_conv_next(const struct ay_edit *edit, uint32_t i,
                                         const uint32_t *uses);
/* Whether it is Relu, or Clip from 0: saturation of an unsigned result does the same. */
bool ay_conv_is_relu(const struct ay_edit *edit, const struct ay_graph_node *node);

/* For each node of the graph how often its first result is needed, bodies and outputs included, in
 * the edit's memory; NULL: it has failed. */
uint32_t *ay_conv_uses(struct ay_edit *edit);

#endif
