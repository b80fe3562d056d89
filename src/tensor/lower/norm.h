/* What norm.c and the fused normalisations share: along the last axis, whose rank is at least 1. */
#ifndef AY_TENSOR_LOWER_NORM_H
#define AY_TENSOR_LOWER_NORM_H

#include "tensor/lower/terms.h"

/* (x - mean) / sqrt(variance + eps). */
term ay_standardised(const struct ay_lower *l, term x, float eps);
/* x / sqrt(mean of squares + eps). */
term ay_root_mean_squared(const struct ay_lower *l, term x, float eps);

#endif
