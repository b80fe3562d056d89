/* Operators of resize.c's table that read an image at places that other values give. */
#ifndef AY_TENSOR_LOWER_SAMPLE_H
#define AY_TENSOR_LOWER_SAMPLE_H

#include "tensor/lower/lower.h"

ay_lower_fn ay_lower_grid_sample, ay_lower_affine_grid, ay_lower_roi_align, ay_lower_max_roi_pool;

#endif
