/* What the tests of kernels share: numbers of all kinds, and every table in turn. Each test that
 * includes it has its own generator. */
#ifndef AY_TENSOR_KERNEL_TESTING_H
#define AY_TENSOR_KERNEL_TESTING_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tensor/kernel/tables.h"
#include "tensor/ref/float.h"
#include "tensor/ref/math.h"

#define SEED 0x9e3779b97f4a7c15u
enum { MAX_N = 8192 };

static uint64_t state = SEED;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static const uint32_t edges[] = {
    0x00000000,
    0x80000000,
    0x3f800000,
    0xbf800000,
    0x7f800000,
    0xff800000,
    0x7fc00000,
    0xffc00001,
    0x7f800001,
    0x00000001,
    0x80000001,
    0x007fffff,
    0x00800000,
    0x7f7fffff,
    0xff7fffff,
    0x42b17218,
    0xc2cff1b5,
    0x3c413d3a,
    0x41178feb,
    0x4c5d65a5,
    0x65d890d3,
    0x6f31a8ec,
    0x3e800000,
    0x40800000,
    /* sin's and cos's listed inputs, where its reduction changes, and a far one; for pow, integers,
     * halves, neighbours of 1 and midpoints' roots */
    0x46199998,
    0xc6199998,
    0x53800000,
    0x537fffff,
    0x7b000001,
    0x40000000,
    0xc0000000,
    0x40400000,
    0x3f000000,
    0xbf000000,
    0x3fc00000,
    0x3f7fffff,
    0x3f800001,
    0x45800800,
    0xc5800800,
    0x4b7fffff,
    0x4b800000,
    0x4f800000,
    0xcf800001,
};
enum { EDGES = sizeof edges / sizeof edges[0] };

/* How inputs are drawn: tame ones, any bits at all, or mostly edges. */
enum flavour { TAME, ANY, EDGY, FLAVOURS };

static void fill(float *x, size_t n, enum flavour flavour)
{
    for (size_t i = 0; i < n; i++) {
        if (flavour == TAME)
            x[i] = (float)(int32_t)next() * 0x1p-30F;
        else if (flavour == ANY || next() % 4 == 0)
            x[i] = ay_f32(next());
        else
            x[i] = ay_f32(edges[next() % EDGES]);
    }
}

/* Canonical on the left always; what ref computed becomes canonical on the way to bits. */
static void assert_same(const char *what, const struct ay_kernels *k, size_t at, float got,
                        float want)
{
    uint32_t bits;
    memcpy(&bits, &got, sizeof bits);
    if (bits == ay_f32_bits(want)) return;
    print_error("%s %s: element %zu is %08x, not %08x\n", k->name, what, at, bits,
                ay_f32_bits(want));
    fail();
}

static float a[MAX_N], b[MAX_N], c[MAX_N], d[MAX_N], out[MAX_N * 2];

static void refill(enum flavour flavour)
{
    fill(a, MAX_N, flavour);
    fill(b, MAX_N, flavour);
    fill(c, MAX_N, flavour);
    fill(d, MAX_N, flavour);
}

static void for_each_table(void (*check)(const struct ay_kernels *))
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    print_message("seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 3; i++) {
        const struct ay_kernels *k;
        if (ay_kernels_named(names[i], &k) == AY_OK)
            check(k);
        else
            print_message("%s does not run here\n", names[i]);
    }
    check(&ay_kernels_avx512_emulated);
}

#endif
