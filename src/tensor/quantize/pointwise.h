/* Functions of one value, element by element, as tables of a byte. Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_POINTWISE_H
#define AY_TENSOR_QUANTIZE_POINTWISE_H

#include "tensor/quantize/edit.h"

/* Nodes all of whose operands are constants of one element and functions of one value, its root. */
struct ay_pointwise {
    struct ay_slice *roots; /* one a node; empty: it is none */
};

/* Room for the graph's nodes; the edit has failed where there is none. */
struct ay_pointwise ay_pointwise_open(struct ay_edit *edit);

/* Whether node i is one; those before it, but for what others have taken, have been asked before.
 */
bool ay_pointwise_of(const struct ay_edit *edit, struct ay_pointwise *p, uint32_t i);

/* What node i, a function of its root, makes of 256 values of it. Codes of ay_graph_run, with a
 * reason. */
enum ay_code ay_pointwise_table(const struct ay_edit *edit, const struct ay_pointwise *p,
                                uint32_t i, const float in[256], float out[256],
                                struct ay_reason *reason) AY_MUST;

#endif
