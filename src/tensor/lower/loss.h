/* Operators of select.c's table that compare scores with labels. */
#ifndef AY_TENSOR_LOWER_LOSS_H
#define AY_TENSOR_LOWER_LOSS_H

#include "tensor/lower/lower.h"

ay_lower_fn ay_lower_nll_loss, ay_lower_cross_entropy_loss;

#endif
