/* NumPy's .npy files. Source:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * Read: versions 1 to 3; little-endian f4, i4, i8, i1, u1 and b1 as they are, f2 and f8 converted
 * to f32 (f8 rounded to nearest even); C order, or Fortran order turned round; at most AY_MAX_RANK
 * dimensions. Written: version 1, C order. */
#ifndef AY_TENSOR_NPY_H
#define AY_TENSOR_NPY_H

#include "tensor/ndarray.h"
#include "tensor/reason.h"

#include <stddef.h>

/* Writes to path, which is replaced whole. AY_E_IO, AY_E_DISK_FULL, AY_E_MEMORY. */
enum ay_code ay_npy_write_array(const char *path, const struct ay_ndarray *array) AY_MUST;

/* The same for data (rows, cols) f32. */
enum ay_code ay_npy_write(const char *path, const float *data, size_t rows, size_t cols) AY_MUST;

/* Reads the bytes of a file; *out is the caller's to free. *converted (may be NULL) is the dtype as
 * written, "<f8", where the elements were converted, else NULL. limit_bytes: of out->data.
 * AY_E_FORMAT: not .npy, or a header or length that is wrong. AY_E_UNSUPPORTED: another dtype,
 * byte order or rank. AY_E_LIMIT, AY_E_MEMORY. All with a reason. */
enum ay_code ay_npy_parse(const uint8_t *bytes, uint64_t len, uint64_t limit_bytes,
                          struct ay_ndarray *out, const char **converted,
                          struct ay_reason *reason) AY_MUST;

/* The same from a file. Also AY_E_NOT_FOUND, AY_E_IO. */
enum ay_code ay_npy_read(const char *path, uint64_t limit_bytes, struct ay_ndarray *out,
                         const char **converted, struct ay_reason *reason) AY_MUST;

#endif
