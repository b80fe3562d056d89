#include "tensor/quantize/fixed.h"

#include <math.h>

#define BITS      31
#define PAIR_BITS 21
#define PAIR_MOST 20

static int32_t within(int32_t x, int32_t most)
{
    return x < 1 ? 1 : x > most ? most : x;
}

static int32_t scaled(double ratio, int32_t shift, int32_t bits)
{
    /* ldexp and rint of a double are exact. */
    double x = rint(ldexp(ratio, shift)), most = ldexp(1, bits) - 1;
    return (int32_t)(x < most ? x : most);
}

struct ay_ratio ay_ratio_of(double ratio, int32_t most_shift)
{
    int exponent;
    (void)frexp(ratio, &exponent);
    int32_t shift = within(BITS - exponent, most_shift);
    return (struct ay_ratio){scaled(ratio, shift, BITS), shift};
}

struct ay_ratio_pair ay_ratio_pair_of(double a, double b)
{
    int exponent;
    (void)frexp(a > b ? a : b, &exponent);
    int32_t shift = within(PAIR_BITS - exponent, PAIR_MOST);
    return (struct ay_ratio_pair){{scaled(a, shift, PAIR_BITS), scaled(b, shift, PAIR_BITS)},
                                  shift};
}
