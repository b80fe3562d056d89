/* Activations of one element that several operators apply. */
#ifndef AY_TENSOR_LOWER_ACTIVATION_H
#define AY_TENSOR_LOWER_ACTIVATION_H

#include "tensor/lower/terms.h"

term ay_term_gelu(const struct ay_lower *l, term x);               /* by erf */
term ay_term_gelu_tanh(const struct ay_lower *l, term x);          /* by tanh */
term ay_term_swish(const struct ay_lower *l, term x, float alpha); /* x sigmoid(alpha x) */

/* One that a node names, as recurrent cells and fused operators do (recurrent.c). */
struct ay_activate {
    uint32_t kind;
    float alpha, beta; /* NAN: it takes none */
};
/* Whether there is one of this name, in whatever case; then with the numbers it begins with. */
bool ay_activation_find(struct ay_slice name, struct ay_activate *out);
term ay_activate(const struct ay_lower *l, struct ay_activate f, term x);

#endif
