/* exp, log, tanh and erf against MPFR on inputs drawn over every sign, exponent and mantissa.
 * test_math [log2 of the number of inputs]; all 2^32 are bench/prove_math.c's. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <mpfr.h>
#include <stdlib.h>

#include "tensor/ref/float.h"
#include "tensor/ref/math.h"

#define SEED 0xbb67ae8584caa73bu

static uint32_t samples = 1U << 20;

typedef int exact_function(mpfr_t, const mpfr_t, mpfr_rnd_t);

/* Rounded to binary32 with its subnormals, once. */
static uint32_t exact_bits(exact_function *f, float x)
{
    if (x != x) return AY_NAN_BITS;
    mpfr_t in, out;
    mpfr_inits2(24, in, out, (mpfr_ptr)0);
    mpfr_set_flt(in, x, MPFR_RNDN);
    mpfr_subnormalize(out, f(out, in, MPFR_RNDN), MPFR_RNDN);
    uint32_t bits = ay_f32_bits(mpfr_get_flt(out, MPFR_RNDN));
    mpfr_clears(in, out, (mpfr_ptr)0);
    return bits;
}

static void check(const char *name, float (*ref)(float), exact_function *exact)
{
    uint64_t state = SEED;
    print_message("%s: %u inputs, seed %#llx\n", name, samples, (unsigned long long)SEED);
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
    for (uint32_t i = 0; i < samples; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        float x = ay_f32((uint32_t)(state >> 32));
        uint32_t want = exact_bits(exact, x), got = ay_f32_bits(ref(x));
        if (got != want) fail_msg("%s(%a) = %08x, not %08x", name, (double)x, got, want);
    }
}

static void test_exp_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("exp", ay_ref_exp, mpfr_exp);
}

static void test_log_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("log", ay_ref_log, mpfr_log);
}

static void test_tanh_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("tanh", ay_ref_tanh, mpfr_tanh);
}

static void test_erf_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("erf", ay_ref_erf, mpfr_erf);
}

int main(int argc, char **argv)
{
    if (argc > 1) samples = 1U << atoi(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_sample_is_correctly_rounded),
        cmocka_unit_test(test_log_sample_is_correctly_rounded),
        cmocka_unit_test(test_tanh_sample_is_correctly_rounded),
        cmocka_unit_test(test_erf_sample_is_correctly_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
