/* Exact arithmetic on amounts: uint64_t in, 128 bits inside, rounding always said. */
#ifndef AY_BASE_MATH_H
#define AY_BASE_MATH_H

#include "base/code.h"

enum ay_round { AY_FLOOR, AY_CEIL };

/* a + b; AY_E_OVERFLOW above 2^64 - 1, out untouched. */
AY_MUST static inline enum ay_code ay_add(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return AY_E_OVERFLOW;
    *out = sum;
    return AY_OK;
}

/* a - b; AY_E_OVERFLOW below 0, out untouched. */
AY_MUST static inline enum ay_code ay_sub(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b > a) return AY_E_OVERFLOW;
    *out = a - b;
    return AY_OK;
}

/* a * b; AY_E_OVERFLOW above 2^64 - 1, out untouched. */
AY_MUST static inline enum ay_code ay_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) return AY_E_OVERFLOW;
    *out = product;
    return AY_OK;
}

/* a * b / d, rounded as said. AY_E_OVERFLOW when d is 0 or the result exceeds 2^64 - 1. */
AY_MUST static inline enum ay_code ay_mul_div(uint64_t a, uint64_t b, uint64_t d,
                                              enum ay_round round, uint64_t *out)
{
    if (d == 0) return AY_E_OVERFLOW;
    unsigned __int128 p = (unsigned __int128)a * b + (round == AY_CEIL ? d - 1 : 0);
    p /= d;
    if (p > UINT64_MAX) return AY_E_OVERFLOW;
    *out = (uint64_t)p;
    return AY_OK;
}

#endif
