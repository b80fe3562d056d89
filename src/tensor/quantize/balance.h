/* Which operands of products are balanced before they are quantised.
 *
 * Where some channels of an operand are far larger than others of their block of 32, its scale is
 * theirs and the others lose bits. Such an operand is divided by a power of two a channel, and the
 * columns of the weights that it meets are multiplied by it, which changes nothing but what is
 * rounded (Xiao et al., SmoothQuant, arXiv:2211.10438, with their strength 1/2). */
#ifndef AY_TENSOR_QUANTIZE_BALANCE_H
#define AY_TENSOR_QUANTIZE_BALANCE_H

#include "tensor/model.h"

struct ay_balance {
    float **factors; /* one an operand id: (K) powers of two, or NULL; owned */
    uint32_t values;
};

/* Runs the model on tokens drawn by SplitMix64, the same each time, and balances the operands for
 * which that takes at least a tenth off the squared error of their products, measured on runs that
 * did not give the factors. AY_E_MEMORY; what ay_exec_open returns. *out is closed either way. */
enum ay_code ay_balance_open(const struct ay_model *model, struct ay_balance *out) AY_MUST;
void ay_balance_close(struct ay_balance *balance);

#endif
