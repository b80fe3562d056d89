/* A tensor in the caller's own memory: what .npy files hold and models take and give. */
#ifndef AY_TENSOR_NDARRAY_H
#define AY_TENSOR_NDARRAY_H

#include "base/code.h"
#include "tensor/program.h"

#include <stddef.h>

struct ay_ndarray {
    uint32_t dtype; /* enum ay_work_dtype */
    uint32_t rank;  /* 0 is a scalar */
    uint64_t dims[AY_MAX_RANK];
    void *data; /* row-major, host order, 64-byte aligned; owned */
};

/* Bytes of its elements. AY_E_LIMIT when they exceed 2^47, or the dtype is none. */
enum ay_code ay_ndarray_bytes(const struct ay_ndarray *array, uint64_t *out) AY_MUST;

/* Memory for the shape that is set, not cleared; of no elements too, data is then not NULL.
 * AY_E_LIMIT as above, AY_E_MEMORY. */
enum ay_code ay_ndarray_take(struct ay_ndarray *array) AY_MUST;

/* Frees and zeroes. */
void ay_ndarray_free(struct ay_ndarray *array);

/* "f32 (2, 3)" into buf, cut at cap - 1 bytes; returns buf. */
const char *ay_ndarray_describe(const struct ay_ndarray *array, char *buf, size_t cap);

#endif
