/* Proof of what the chosen kernels (ASSAY_CPU) compute by other steps than the specification names.
 *     build/bench/prove_quick gelu      all 2^32 inputs beside ref/'s functions; minutes
 *     build/bench/prove_quick sigmoid   the same, times the input and not
 *     build/bench/prove_quick softmax   of rows with 0 and all inputs from where exp is quick to 0
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

/* An exp that is off by one f32 shows in its quotient, or else in that of a neighbour. */
static void prove_softmax(void)
{
    static float want[BLOCK];
    x[0] = 0;
    for (uint32_t i = 0; i < BLOCK; i++) want[i] = ay_ref_exp(x[i]);
    float sum = ay_ref_reduce_sum(want, BLOCK, 1);
    kernels->softmax(x, BLOCK, 1.0F, y, BLOCK, 1, BLOCK);
    for (uint32_t i = 0; i < BLOCK; i++) compare("softmax", i, sum, want[i] / sum);
}

/* Of inputs with the bits first..last, a block after the other. */
static void prove_each(void (*prove)(void), uint32_t first, uint32_t last)
{
    for (;; first += BLOCK) {
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint32_t bits = first + i;
            memcpy(&x[i], &bits, sizeof bits);
        }
        prove();
        if (last - first < BLOCK) return;
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
    static const struct {
        const char *name;
        void (*prove)(void);
        uint32_t first, last;
    } each[] = {{"gelu", prove_gelu, 0, UINT32_MAX},
                {"sigmoid", prove_sigmoid, 0, UINT32_MAX},
                {"softmax", prove_softmax, 0x80000000u, 0xc2240000u}}; /* -0 to -41 */
    const char *name = argc > 1 ? argv[1] : "";
    bool div = strcmp(name, "div") == 0, known = div;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        known = known || (argc == 2 && strcmp(name, each[i].name) == 0);
    if (!known || ay_kernels_select(&kernels) != AY_OK) {
        fprintf(stderr, "usage: prove_quick gelu|sigmoid|softmax|div [n]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        if (strcmp(name, each[i].name) == 0) prove_each(each[i].prove, each[i].first, each[i].last);
    if (strcmp(name, "gelu") == 0) prove_sqrt2();
    if (div) prove_quotients(1ull << (argc > 2 ? atoi(argv[2]) : 24));
    printf("%s, %s kernels: %llu wrong\n", name, kernels->name, wrong);
    return wrong != 0;
}
