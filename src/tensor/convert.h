/* Float formats that files have and the numerics do not, as f32 (docs/numerics.md). */
#ifndef AY_TENSOR_CONVERT_H
#define AY_TENSOR_CONVERT_H

#include <stdint.h>
#include <string.h>

/* IEEE 754 binary16 to binary32: every value of the one is one of the other. */
static inline uint32_t ay_widen_f16(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ffu;
    if (exponent == 31) return sign | 0x7f800000u | fraction << 13;
    if (exponent == 0) {
        if (fraction == 0) return sign;
        uint32_t shift = (uint32_t)__builtin_clz(fraction) - 21; /* to bring the top bit to 2^10 */
        return sign | (113 - shift) << 23 | (fraction << shift & 0x3ffu) << 13;
    }
    return sign | (exponent + 112) << 23 | fraction << 13;
}

/* Bits of a binary64 to those of the nearest binary32, ties to even. */
static inline uint32_t ay_narrow_f64(uint64_t wide)
{
    double x;
    uint32_t bits;
    memcpy(&x, &wide, sizeof x);
    float narrow = (float)x;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
}

/* Any NaN as the canonical one. */
static inline uint32_t ay_canonical_f32(uint32_t bits)
{
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u : bits;
}

#endif
