/* Operators of select.c's table that draw numbers. What is drawn depends on the node's seed (or,
 * without one, on the name of its result) and on the place in the tensor alone, so a model gives
 * the same everywhere, each time. */
#ifndef AY_TENSOR_LOWER_RANDOM_H
#define AY_TENSOR_LOWER_RANDOM_H

#include "tensor/lower/lower.h"

ay_lower_fn ay_lower_random_uniform, ay_lower_random_uniform_like, ay_lower_random_normal,
    ay_lower_random_normal_like, ay_lower_bernoulli, ay_lower_multinomial;

#endif
