#include "tensor/tape.h"

static const struct {
    const char *name;
    uint32_t bytes;
} dtypes[] = {
    [AY_WORK_DTYPE_NONE] = {"none", 0}, [AY_WORK_DTYPE_F32] = {"f32", 4},
    [AY_WORK_DTYPE_I32] = {"i32", 4},   [AY_WORK_DTYPE_I64] = {"i64", 8},
    [AY_WORK_DTYPE_I8] = {"i8", 1},     [AY_WORK_DTYPE_U8] = {"u8", 1},
    [AY_WORK_DTYPE_BOOL] = {"bool", 1},
};
#define COUNT (sizeof dtypes / sizeof dtypes[0])

uint32_t ay_dtype_bytes(uint32_t dtype)
{
    return dtype < COUNT ? dtypes[dtype].bytes : 0;
}

const char *ay_dtype_name(uint32_t dtype)
{
    return dtypes[dtype < COUNT ? dtype : 0].name;
}
