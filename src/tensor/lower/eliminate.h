/* Operators on square matrices by elimination (eliminate.c). */
#ifndef AY_TENSOR_LOWER_ELIMINATE_H
#define AY_TENSOR_LOWER_ELIMINATE_H

#include "tensor/lower/lower.h"

ay_lower_fn ay_lower_det, ay_lower_inverse;

#endif
