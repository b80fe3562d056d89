#include "tensor/dtype.h"

#include "base/code.h"

#define NAN_BITS      0x7fc00000u
#define INFINITY_BITS 0x7f800000u

/* By dtype; low and high of integers. */
static const struct {
    uint32_t bytes;
    enum ay_scalar_kind kind;
    int64_t low, high;
} dtypes[] = {
    [AY_WORK_DTYPE_NONE] = {0, AY_SCALAR_NONE, 0, 0},
    [AY_WORK_DTYPE_F32] = {4, AY_SCALAR_F32, 0, 0},
    [AY_WORK_DTYPE_I32] = {4, AY_SCALAR_INT, INT32_MIN, INT32_MAX},
    [AY_WORK_DTYPE_I64] = {8, AY_SCALAR_INT, INT64_MIN, INT64_MAX},
    [AY_WORK_DTYPE_I8] = {1, AY_SCALAR_INT, INT8_MIN, INT8_MAX},
    [AY_WORK_DTYPE_U8] = {1, AY_SCALAR_INT, 0, UINT8_MAX},
    [AY_WORK_DTYPE_BOOL] = {1, AY_SCALAR_INT, 0, 1},
};
#define COUNT (sizeof dtypes / sizeof dtypes[0])

uint32_t ay_dtype_bytes(uint32_t dtype)
{
    return dtype < COUNT ? dtypes[dtype].bytes : 0;
}

const char *ay_dtype_name(uint32_t dtype)
{
    static const char *const names[COUNT] = {"no dtype", "f32", "i32", "i64", "i8", "u8", "bool"};
    return names[dtype < COUNT ? dtype : 0];
}

enum ay_scalar_kind ay_dtype_kind(uint32_t dtype)
{
    return dtype < COUNT ? dtypes[dtype].kind : AY_SCALAR_NONE;
}

int64_t ay_dtype_widen(uint32_t dtype, uint64_t bits)
{
    AY_ASSERT(ay_dtype_kind(dtype) == AY_SCALAR_INT);
    uint32_t above = 64 - 8 * dtypes[dtype].bytes;
    if (dtypes[dtype].low == 0) return (int64_t)(bits << above >> above);
    return (int64_t)(bits << above) >> above;
}

uint64_t ay_dtype_narrow(uint32_t dtype, int64_t value)
{
    AY_ASSERT(ay_dtype_kind(dtype) == AY_SCALAR_INT);
    uint32_t above = 64 - 8 * dtypes[dtype].bytes;
    if (dtype == AY_WORK_DTYPE_BOOL) return value != 0;
    return (uint64_t)value << above >> above;
}

int64_t ay_dtype_lowest(uint32_t dtype)
{
    AY_ASSERT(ay_dtype_kind(dtype) == AY_SCALAR_INT);
    return dtypes[dtype].low;
}

int64_t ay_dtype_highest(uint32_t dtype)
{
    AY_ASSERT(ay_dtype_kind(dtype) == AY_SCALAR_INT);
    return dtypes[dtype].high;
}

bool ay_dtype_canonical(uint32_t dtype, uint64_t bits)
{
    uint32_t bytes = ay_dtype_bytes(dtype);
    if (bytes < 8 && bits >> 8 * bytes != 0) return false;
    if (dtype == AY_WORK_DTYPE_BOOL) return bits <= 1;
    return dtype != AY_WORK_DTYPE_F32 || (bits & 0x7fffffffu) <= INFINITY_BITS || bits == NAN_BITS;
}
