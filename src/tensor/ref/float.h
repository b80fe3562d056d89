/* An f32 and its bits. A NaN's bits never reach a branch or an integer: the only way from f32 to
 * bits is ay_f32_bits, which makes them canonical. */
#ifndef AY_TENSOR_REF_FLOAT_H
#define AY_TENSOR_REF_FLOAT_H

#include <float.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "f32 arithmetic must round to f32 at each operation");
_Static_assert(FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53, "IEEE 754 binary32 and binary64");

#define AY_NAN_BITS     0x7fc00000u
#define AY_INF_BITS     0x7f800000u
#define AY_NEG_INF_BITS 0xff800000u

static inline float ay_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t ay_f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return x != x ? AY_NAN_BITS : bits;
}

/* x, but of NaNs the canonical one. */
static inline float ay_f32_canonical(float x)
{
    return ay_f32(ay_f32_bits(x));
}

static inline double ay_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t ay_f64_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#endif
