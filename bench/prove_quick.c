/* Proof of what the chosen kernels (ASSAY_CPU) compute by other steps than the specification names.
 *     build/bench/prove_quick gelu      all 2^32 inputs beside ref/'s functions; minutes
 *     build/bench/prove_quick sigmoid   the same, times the input and not
 *     build/bench/prove_quick div [n]   2^n divisors, 2^24 if not given, each with 2^10 numbers,
 *                                       beside the division
 * Prints what came out wrong, and fails if anything did. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/kernel/kernels.h"
#include "tensor/ref/float.h"
#include "tensor/ref/math.h"

enum { BLOCK = 1 << 10 };

static const struct ay_kernels *kernels;
static float x[BLOCK], y[BLOCK];
static unsigned long long wrong;

static void compare(const char *what, uint32_t i, float s, float want)
{
    uint32_t bits;
    memcpy(&bits, &y[i], sizeof bits);
    if (bits == ay_f32_bits(want) || wrong++ >= 20) return;
    printf("wrong: %s %a %a = %08x, not %08x\n", what, x[i], s, bits, ay_f32_bits(want));
}

/* The quotient by the square root of 2 that GELU begins with, of each mantissa of two binades. */
static void prove_sqrt2(void)
{
    float r = 1.0F / AY_SQRT2, left = fmaf(-AY_SQRT2, r, 1.0F) * r;
    for (uint32_t first = 0; first < 1U << 24; first += BLOCK)
        for (uint32_t i = 0; i < BLOCK; i++) {
            x[i] = ay_f32(0x3f800000u + first + i);
            y[i] = fmaf(x[i], r, x[i] * left);
            compare("quotient", i, AY_SQRT2, x[i] / AY_SQRT2);
        }
}

static void prove_gelu(void)
{
    kernels->gelu(x, NULL, y, BLOCK);
    for (uint32_t i = 0; i < BLOCK; i++) {
        float h = x[i], gate = ay_ref_erf(h / AY_SQRT2) + 1.0F;
        compare("gelu", i, 0, (h * gate) * 0.5F);
    }
}

static void prove_sigmoid(void)
{
    static float want[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) want[i] = 1.0F / (ay_ref_exp(-x[i]) + 1.0F);
    kernels->sigmoid(x, -0.0F, false, y, BLOCK);
    for (uint32_t i = 0; i < BLOCK; i++) compare("sigmoid", i, 0, want[i]);
    kernels->sigmoid(x, -0.0F, true, y, BLOCK);
    for (uint32_t i = 0; i < BLOCK; i++) compare("SiLU", i, 0, x[i] * want[i]);
}

/* Of all inputs, a block after the other. */
static void prove_all(void (*prove)(void))
{
    for (uint32_t first = 0;; first += BLOCK) {
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint32_t bits = first + i;
            memcpy(&x[i], &bits, sizeof bits);
        }
        prove();
        if (first + BLOCK < first) return;
    }
}

static uint32_t next(void)
{
    static uint64_t state = 0x3c6ef372fe94f82bu;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

/* In [1, 2), often near an end, times a power of two in 2^-most..2^most. */
static float number(int most)
{
    uint32_t few = next() % 64, bits = next() % 4 ? next() : next() % 2 ? few : ~few;
    float m = ay_f32(0x3f800000u | (bits & 0x7fffffu));
    return ldexpf(m, (int)(next() % (2 * (uint32_t)most + 1)) - most);
}

/* A quarter of the numbers at random, the others where x / s is as near as may be to the middle of
 * two f32. */
static void prove_quotients(uint64_t divisors)
{
    for (uint64_t n = 0; n < divisors; n++) {
        float s = number(31) * (next() % 2 ? 1 : -1);
        for (uint32_t i = 0; i < BLOCK; i++) {
            double middle = (double)((1u << 24) | (next() & 0xffffffu) | 1);
            x[i] =
                i % 4 == 0 ? number(61) : (float)(ldexp(middle, -24 - (int)(n % 40)) * (double)s);
        }
        kernels->vs[AY_FN_DIV](x, s, y, BLOCK);
        for (uint32_t i = 0; i < BLOCK; i++) compare("div", i, s, x[i] / s);
    }
}

int main(int argc, char **argv)
{
    bool gelu = argc == 2 && strcmp(argv[1], "gelu") == 0;
    bool sigmoid = argc == 2 && strcmp(argv[1], "sigmoid") == 0;
    if ((!gelu && !sigmoid && (argc < 2 || strcmp(argv[1], "div") != 0)) ||
        ay_kernels_select(&kernels) != AY_OK) {
        fprintf(stderr, "usage: prove_quick gelu|sigmoid|div [n]\n");
        return 2;
    }
    if (gelu) {
        prove_sqrt2();
        prove_all(prove_gelu);
    } else if (sigmoid) {
        prove_all(prove_sigmoid);
    } else {
        prove_quotients(1ull << (argc > 2 ? atoi(argv[2]) : 24));
    }
    printf("%s, %s kernels: %llu wrong\n", argv[1], kernels->name, wrong);
    return wrong != 0;
}
