/* pow of ref/ against MPFR, and the chosen kernels (ASSAY_CPU) against ref/, on
 *     sample      2^n pairs, stratified: any bits; x within any power of two of 1; few bits
 *     exact       every x^y of 25 bits or less but x^1, and the pairs around each
 *     powers      every 2^e to the power E / e, and the pairs around each
 *     near one    (1 + a)^y with small a and y = n / 2, which come near midpoints
 *     identities  x^(1/2), x^1, x^2 and x^-1 of every x >= 0, by the kernels alone, against sqrt,
 *                 x, x x and 1 / x, which IEEE 754 arithmetic rounds correctly
 * Prints how many the double left undecided, how near to a midpoint without being one the nearest
 * of those came, and what came out wrong; fails if anything did. What makes pow right on all other
 * pairs too is an argument, in docs/numerics.md: this tests its steps.
 *     build/bench/prove_pow [n]                  24 if not given; 5 minutes */
#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/kernel/kernels.h"
/* Its doubles are private to it. */
#include "tensor/ref/math.c" // NOLINT

enum { BLOCK = 1 << 12, MAX_SHOWN = 20 };

static const struct ay_kernels *kernels;
static uint64_t state = 0x3c6ef372fe94f82bu;

/* Pairs not yet looked at, and what has been found. */
static float x[BLOCK], y[BLOCK];
static uint32_t waiting;
static uint64_t pairs, undecided, midpoints, wrong, kernel_differs;
static double worst = 0, nearest = AY_POW_DOUBT; /* errors of the double; ways to a midpoint */

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

/* What the double made of it, where x^y is in the normal range. */
static void measure(float a, float b, mpfr_t in_a, mpfr_t in_b)
{
    mpfr_t exact, error;
    mpfr_inits2(240, exact, error, (mpfr_ptr)0);
    mpfr_set_emin(-1000);
    double p = pow_f64(a, b);
    float low = (float)(p * (1 - AY_POW_DOUBT)), high = (float)(p * (1 + AY_POW_DOUBT));
    mpfr_pow(exact, in_a, in_b, MPFR_RNDN);
    mpfr_d_sub(error, p, exact, MPFR_RNDN);
    mpfr_div(error, error, exact, MPFR_RNDN);
    double relative = __builtin_fabs(mpfr_get_d(error, MPFR_RNDN));
    if (relative > worst) worst = relative;
    if (low != high) {
        undecided++;
        mpfr_sub_d(error, exact, ((double)low + (double)high) / 2, MPFR_RNDN);
        mpfr_div(error, error, exact, MPFR_RNDN);
        double distance = __builtin_fabs(mpfr_get_d(error, MPFR_RNDN));
        midpoints += distance == 0;
        if (distance != 0 && distance < nearest) nearest = distance;
    }
    mpfr_clears(exact, error, (mpfr_ptr)0);
    mpfr_set_emin(-148);
}

static void check(float a, float b, float kernel)
{
    mpfr_t in_a, in_b, out;
    mpfr_inits2(24, in_a, in_b, out, (mpfr_ptr)0);
    mpfr_set_flt(in_a, a, MPFR_RNDN);
    mpfr_set_flt(in_b, b, MPFR_RNDN);
    mpfr_subnormalize(out, mpfr_pow(out, in_a, in_b, MPFR_RNDN), MPFR_RNDN);
    float want = mpfr_get_flt(out, MPFR_RNDN), got = ay_ref_pow(a, b);
    if (ay_f32_bits(want) != ay_f32_bits(got) && wrong++ < MAX_SHOWN)
        printf("wrong: pow(%a, %a) = %a, not %a\n", (double)a, (double)b, (double)got,
               (double)want);
    uint32_t bits;
    memcpy(&bits, &kernel, sizeof bits);
    if (bits != ay_f32_bits(got) && kernel_differs++ < MAX_SHOWN)
        printf("kernels differ: pow(%a, %a) = %08x\n", (double)a, (double)b, bits);
    if (a > 0 && a != 1 && b != 0 && want >= 0x1p-126F && want < ay_f32(AY_INF_BITS))
        measure(a, b, in_a, in_b);
    mpfr_clears(in_a, in_b, out, (mpfr_ptr)0);
}

static void flush(void)
{
    static float out[BLOCK];
    kernels->vv[AY_FN_POW](x, y, out, waiting);
    for (uint32_t i = 0; i < waiting; i++) check(x[i], y[i], out[i]);
    pairs += waiting;
    waiting = 0;
}

static void add(float a, float b)
{
    x[waiting] = a;
    y[waiting++] = b;
    if (waiting == BLOCK) flush();
}

static void add_around(float a, float b)
{
    for (uint32_t i = 0; i < 9; i++)
        add(ay_f32(ay_f32_bits(a) + i % 3 - 1), ay_f32(ay_f32_bits(b) + i / 3 - 1));
}

static void sample(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        float a = ay_f32(next()), b = ay_f32(next());
        if (i % 4 == 1) a = ay_f32(0x3f800000 + (uint32_t)((int32_t)next() >> (8 + i / 4 % 24)));
        if (i % 4 == 3) {
            a = (float)(next() % 4097);
            b = (float)(next() % 65) / 4 - 6;
        } else if (i % 16 != 0) { /* the result in the range of f32 */
            double exponent = (double)next() * 0x1.18p-24 - 151;
            b = (float)(exponent / __builtin_log2(__builtin_fabs((double)a)));
        }
        add(a, b);
    }
}

/* (root^(2^k) 2^(2^k e))^(n / 2^k), root odd and above 1, wherever root^n has at most 25 bits. */
static void exact(void)
{
    for (int k = 0; k <= 3; k++)
        for (uint32_t root = 3; root < 1U << 13; root += 2) {
            double m = root, power = root;
            for (int i = 0; i < k; i++) m *= m;
            if (m >= 0x1p24) break;
            for (int n = 1; power < 0x1p25; n++, power *= root) {
                if (k == 0 ? n == 1 : n % 2 == 0) continue;
                for (int e = -149 >> k; e <= 127 >> k; e++) {
                    double a = __builtin_ldexp(m, e * (1 << k));
                    double p = __builtin_ldexp(power, e * n);
                    if (a < 0x1p128 && (double)(float)a == a && p >= 0x1p-151 && p <= 0x1p128)
                        add_around((float)a, (float)n / (float)(1 << k));
                }
            }
        }
}

static void powers(void)
{
    for (int e = -149; e <= 127; e++)
        for (int power = -151; power <= 129; power++)
            if (e != 0) add_around(__builtin_ldexpf(1, e), (float)power / (float)e);
}

static void near_one(void)
{
    for (uint32_t a = 1; a <= 4096; a++)
        for (int n = -63; n <= 63; n += 2) {
            add(ay_f32(0x3f800000 + a), (float)n / 2);
            add(ay_f32(0x3f800000 - a), (float)n / 2);
        }
}

static float identity(float a, float exponent)
{
    return exponent == 0.5F ? sqrtf(a) : exponent == 2 ? a * a : exponent < 0 ? 1 / a : a;
}

static void identities(void)
{
    static const float exponents[] = {0.5F, 1, 2, -1};
    static float out[BLOCK];
    for (uint32_t i = 0; i < 4 * (0x7f800000u / BLOCK); i++) {
        const float exponent = exponents[i % 4];
        for (uint32_t j = 0; j < BLOCK; j++) x[j] = ay_f32(i / 4 * BLOCK + j);
        kernels->vs[AY_FN_POW](x, exponent, out, BLOCK);
        for (uint32_t j = 0; j < BLOCK; j++)
            if (ay_f32_bits(out[j]) != ay_f32_bits(identity(x[j], exponent)) && wrong++ < MAX_SHOWN)
                printf("wrong: pow(%a, %g) = %a\n", (double)x[j], (double)exponent, (double)out[j]);
        pairs += BLOCK;
    }
}

static void report(const char *what)
{
    flush();
    printf("%-9s %9llu pairs, %6llu undecided by the double (%llu midpoints, else 2^%.1f away or "
           "more), its worst error 2^%.1f; %llu wrong, %llu kernels differ\n",
           what, (unsigned long long)pairs, (unsigned long long)undecided,
           (unsigned long long)midpoints, __builtin_log2(nearest), __builtin_log2(worst),
           (unsigned long long)wrong, (unsigned long long)kernel_differs);
    pairs = undecided = midpoints = 0;
    worst = 0;
    nearest = AY_POW_DOUBT;
}

int main(int argc, char **argv)
{
    if (argc > 2 || ay_kernels_select(&kernels) != AY_OK) {
        fprintf(stderr, "usage: prove_pow [log2 of the sample's size]\n");
        return 2;
    }
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
    sample(1ULL << (argc > 1 ? atoi(argv[1]) : 24));
    report("sample");
    exact();
    report("exact");
    powers();
    report("powers");
    near_one();
    report("near one");
    identities();
    printf("identities %llu pairs; %llu wrong\n", (unsigned long long)pairs,
           (unsigned long long)wrong);
    return wrong || kernel_differs;
}
