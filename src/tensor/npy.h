/* Writer of NumPy's .npy, version 1.0, f32 little-endian, C order.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef AY_TENSOR_NPY_H
#define AY_TENSOR_NPY_H

#include "base/code.h"

#include <stddef.h>

/* Writes data (rows, cols) to path, which is replaced whole. AY_E_IO, AY_E_DISK_FULL. */
enum ay_code ay_npy_write(const char *path, const float *data, size_t rows, size_t cols) AY_MUST;

#endif
