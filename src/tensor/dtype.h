/* Dtypes of elements (assay.work.v1.Dtype) and an element's bits: its little-endian bytes in the
 * low bytes of a number, on hosts of either byte order. Pure. */
#ifndef AY_TENSOR_DTYPE_H
#define AY_TENSOR_DTYPE_H

#include "base/bytes.h"
#include "base/gen/work.h"

/* What a value of an expression is: an f32, or a 64-bit integer, to which the elements of every
 * integer dtype (bool too) are widened. */
enum ay_scalar_kind { AY_SCALAR_NONE, AY_SCALAR_F32, AY_SCALAR_INT };

/* Bytes of one element; 0 for what is no dtype. */
uint32_t ay_dtype_bytes(uint32_t dtype);

/* "f32", ...; "no dtype" for what is none. */
const char *ay_dtype_name(uint32_t dtype);

/* AY_SCALAR_NONE for what is no dtype. */
enum ay_scalar_kind ay_dtype_kind(uint32_t dtype);

/* The element of an integer dtype, widened. */
int64_t ay_dtype_widen(uint32_t dtype, uint64_t bits);

/* The bits of an integer stored in an integer dtype: modulo 2^n; of bool, whether it is not 0. */
uint64_t ay_dtype_narrow(uint32_t dtype, int64_t value);

/* The lowest and the highest number of an integer dtype. */
int64_t ay_dtype_lowest(uint32_t dtype);
int64_t ay_dtype_highest(uint32_t dtype);

/* Whether these are bits that an element may have in what is committed: none above the dtype's
 * bytes, a NaN canonical, a bool 0 or 1. */
bool ay_dtype_canonical(uint32_t dtype, uint64_t bits);

/* bytes: ay_dtype_bytes of the element. get and put are of its little-endian bytes, load and store of
 * the element as it lies in memory. */
static inline uint64_t ay_element_get(const uint8_t *le, uint32_t bytes)
{
    uint64_t bits = 0;
    for (uint32_t i = bytes; i-- > 0;) bits = bits << 8 | le[i];
    return bits;
}

static inline void ay_element_put(uint8_t *le, uint32_t bytes, uint64_t bits)
{
    for (uint32_t i = 0; i < bytes; i++) le[i] = (uint8_t)(bits >> (8 * i));
}

static inline uint64_t ay_element_load(const void *at, uint32_t bytes)
{
    uint64_t u64;
    uint32_t u32;
    if (bytes == 1) return *(const uint8_t *)at;
    if (bytes == 4) {
        memcpy(&u32, at, sizeof u32);
        return u32;
    }
    memcpy(&u64, at, sizeof u64);
    return u64;
}

static inline void ay_element_store(void *at, uint32_t bytes, uint64_t bits)
{
    uint32_t u32 = (uint32_t)bits;
    if (bytes == 1)
        *(uint8_t *)at = (uint8_t)bits;
    else if (bytes == 4)
        memcpy(at, &u32, sizeof u32);
    else
        memcpy(at, &bits, sizeof bits);
}

/* Turns n little-endian elements into elements as they lie in memory, or back, where they are. */
static inline void ay_elements_reorder(void *at, uint64_t n, uint32_t bytes)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ || bytes == 1) return;
    for (uint8_t *p = at; n-- > 0; p += bytes) ay_element_store(p, bytes, ay_element_get(p, bytes));
}

#endif
