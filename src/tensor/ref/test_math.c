/* The correctly rounded functions against MPFR, on inputs drawn over every sign, exponent and
 * mantissa. test_math [log2 of the number of inputs]; all 2^32 are bench/prove_math.c's, and more
 * pairs for pow bench/prove_pow.c's. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

#include "tensor/ref/float.h"
#include "tensor/ref/math.h"
#include "tensor/ref/pow_compare.h"

#define SEED 0xbb67ae8584caa73bu

static uint32_t samples = 1U << 20;
static uint64_t state;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static void start(const char *name)
{
    state = SEED;
    print_message("%s: seed %#llx\n", name, (unsigned long long)SEED);
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
}

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
    start(name);
    for (uint32_t i = 0; i < samples; i++) {
        float x = ay_f32(next());
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

static void test_sin_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("sin", ay_ref_sin, mpfr_sin);
}

static void test_cos_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("cos", ay_ref_cos, mpfr_cos);
}

static void test_atan_sample_is_correctly_rounded(void **s)
{
    (void)s;
    check("atan", ay_ref_atan, mpfr_atan);
}

static void test_listed_inputs_are_correctly_rounded(void **s)
{
    (void)s;
    static const uint32_t log_of[] = {0x3c413d3a, 0x41178feb, 0x4c5d65a5, 0x65d890d3, 0x6f31a8ec},
                          sin_of[] = {0x46199998, 0xc6199998},
                          cos_of[] = {0x5f18b878, 0xdf18b878, 0x6115cb11, 0xe115cb11};
    static const struct {
        const uint32_t *inputs;
        int count;
        float (*ref)(float);
        exact_function *exact;
    } lists[] = {{log_of, 5, ay_ref_log, mpfr_log},
                 {sin_of, 2, ay_ref_sin, mpfr_sin},
                 {cos_of, 4, ay_ref_cos, mpfr_cos}};
    start("listed inputs");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < lists[i].count; j++) {
            float x = ay_f32(lists[i].inputs[j]);
            assert_int_equal(ay_f32_bits(lists[i].ref(x)), exact_bits(lists[i].exact, x));
        }
}

static void check_pow(float x, float y)
{
    mpfr_t a, b, out;
    mpfr_inits2(24, a, b, out, (mpfr_ptr)0);
    mpfr_set_flt(a, x, MPFR_RNDN);
    mpfr_set_flt(b, y, MPFR_RNDN);
    mpfr_subnormalize(out, mpfr_pow(out, a, b, MPFR_RNDN), MPFR_RNDN);
    uint32_t want = ay_f32_bits(mpfr_get_flt(out, MPFR_RNDN)), got = ay_f32_bits(ay_ref_pow(x, y));
    if (got != want) fail_msg("pow(%a, %a) = %08x, not %08x", (double)x, (double)y, got, want);
    mpfr_clears(a, b, out, (mpfr_ptr)0);
}

/* Any bits; x within any power of two of 1; numbers of few bits. For most, y brings the result into
 * the range of f32. */
static void test_pow_sample_is_correctly_rounded(void **s)
{
    (void)s;
    start("pow");
    for (uint32_t i = 0; i < samples; i++) {
        float x = ay_f32(next()), y = ay_f32(next());
        if (i % 4 == 1) x = ay_f32(0x3f800000 + (uint32_t)((int32_t)next() >> (8 + i / 4 % 24)));
        if (i % 4 == 3) {
            x = (float)(next() % 4097);
            y = (float)(next() % 65) / 4 - 6;
        } else if (i % 16 != 0) {
            double exponent = (double)next() * 0x1.18p-24 - 151;
            y = (float)(exponent / __builtin_log2(__builtin_fabs((double)x)));
        }
        check_pow(x, y);
    }
}

static void test_pow_special_operands_are_ieee(void **s)
{
    (void)s;
    static const float some[] = {0,
                                 1,
                                 2,
                                 3,
                                 0.5F,
                                 1.5F,
                                 0x1p24F,
                                 16777215,
                                 0x1p-149F,
                                 0x1p127F,
                                 0x1p31F,
                                 0x1p32F,
                                 0x1.fffffep-1F,
                                 0x1.000002p0F,
                                 0x1.fffffep127F,
                                 INFINITY,
                                 NAN};
    enum { SOME = sizeof some / sizeof some[0] };
    start("pow of pairs");
    for (int i = 0; i < 4 * SOME * SOME; i++) {
        float x = some[i / 4 % SOME], y = some[i / 4 / SOME];
        check_pow(i & 1 ? -x : x, i & 2 ? -y : y);
    }
}

static void check_pow_around(float x, float y)
{
    for (uint32_t i = 0; i < 9; i++)
        check_pow(ay_f32(ay_f32_bits(x) + i % 3 - 1), ay_f32(ay_f32_bits(y) + i / 3 - 1));
}

static void test_pow_near_midpoint_is_correctly_rounded(void **s)
{
    (void)s;
    start("pow near midpoints");
    /* x = root^(2^k) 2^(2^k e) to n / 2^k: where that has 25 bits it is a midpoint. */
    for (uint32_t root = 1; root < 5793; root += 1 + root / 64)
        for (int k = 0; k <= 3; k++)
            for (int n = 1; n <= 15; n++) {
                float x = (float)root;
                for (int i = 0; i < k; i++) x *= x;
                int e = (int)(next() % 64) - 32;
                check_pow_around(__builtin_ldexpf(x, e / (1 << k) * (1 << k)),
                                 (float)n / (float)(1 << k));
            }
    /* 2^-150 is the midpoint of 0 and the first subnormal. */
    for (int e = -149; e <= 127; e++)
        if (e != 0) check_pow_around(__builtin_ldexpf(1, e), -150.0F / (float)e);
    /* (1 + a)^y = 1 + y a + ..: halfway but for y (y - 1) / 2 a^2 where y a is. */
    for (uint32_t a = 1; a <= 16; a++)
        for (int n = 1; n <= 31; n += 2) {
            check_pow_around(ay_f32(0x3f800000 + a), (float)n / 2);
            check_pow_around(ay_f32(0x3f800000 - a), (float)n / 2);
            check_pow_around(ay_f32(0x3f800000 - a), (float)-n / 2);
        }
}

/* x of 24 bits to a y of as many is no number of 25, and some midpoint is always near. */
static void test_pow_compare_next_midpoint_is_on_its_side(void **s)
{
    (void)s;
    start("pow beside midpoints");
    mpfr_set_emin(-1000);
    mpfr_t a, b, power;
    mpfr_inits2(24, a, b, (mpfr_ptr)0);
    mpfr_init2(power, 200);
    for (uint32_t i = 0; i < samples >> 6; i++) {
        float x = ay_f32((0x3f800000 + (uint32_t)((int32_t)next() >> (2 + i % 28))) | 1);
        double exponent = (double)next() * 0x1.ep-25 - 120;
        float y = (float)(exponent / __builtin_log2((double)x));
        y = ay_f32(ay_f32_bits(y) | 1);
        mpfr_set_flt(a, x, MPFR_RNDN);
        mpfr_set_flt(b, y, MPFR_RNDN);
        mpfr_pow(power, a, b, MPFR_RNDN);
        float near = mpfr_get_flt(power, MPFR_RNDN);
        uint32_t bits = ay_f32_bits(near);
        double middle = ((double)near + (double)ay_f32(i % 2 ? bits + 1 : bits - 1)) / 2;
        int want = mpfr_cmp_d(power, middle), got = ay_pow_compare(x, y, middle);
        if (got != (want > 0) - (want < 0))
            fail_msg("pow(%a, %a) beside %a: %d", (double)x, (double)y, middle, got);
    }
    mpfr_clears(a, b, power, (mpfr_ptr)0);
}

static void test_log2_fixed_any_length_is_within_four_units(void **s)
{
    (void)s;
    start("log2");
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    mpfr_t in, got, want;
    mpfr_inits2(800, in, got, want, (mpfr_ptr)0);
    for (uint32_t i = 0; i < 4096; i++) {
        unsigned words = 1 + i % AY_MAX_LOG2_WORDS;
        uint32_t m = next() >> next() % 32 | 1;
        int e = (int)(next() % 300) - 160;
        struct ay_fixed fixed;
        ay_log2_fixed(m, e, words, &fixed);
        mpfr_set_ui_2exp(in, m, e, MPFR_RNDN);
        mpfr_log2(want, in, MPFR_RNDN);
        mpfr_mul_2ui(want, want, 64 * words, MPFR_RNDN);
        mpfr_set_ui(got, 0, MPFR_RNDN);
        for (unsigned w = words + 1; w-- > 0;) {
            mpfr_mul_2ui(got, got, 64, MPFR_RNDN);
            mpfr_add_ui(got, got, fixed.word[w], MPFR_RNDN);
        }
        mpfr_abs(want, want, MPFR_RNDN);
        mpfr_sub(got, got, want, MPFR_RNDN);
        if (mpfr_cmp_si(got, 4) > 0 || mpfr_cmp_si(got, -4) < 0)
            fail_msg("log2(%u 2^%d) of %u words", m, e, words);
    }
    mpfr_clears(in, got, want, (mpfr_ptr)0);
}

int main(int argc, char **argv)
{
    if (argc > 1) samples = 1U << atoi(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_sample_is_correctly_rounded),
        cmocka_unit_test(test_log_sample_is_correctly_rounded),
        cmocka_unit_test(test_tanh_sample_is_correctly_rounded),
        cmocka_unit_test(test_erf_sample_is_correctly_rounded),
        cmocka_unit_test(test_sin_sample_is_correctly_rounded),
        cmocka_unit_test(test_cos_sample_is_correctly_rounded),
        cmocka_unit_test(test_atan_sample_is_correctly_rounded),
        cmocka_unit_test(test_listed_inputs_are_correctly_rounded),
        cmocka_unit_test(test_pow_sample_is_correctly_rounded),
        cmocka_unit_test(test_pow_special_operands_are_ieee),
        cmocka_unit_test(test_pow_near_midpoint_is_correctly_rounded),
        cmocka_unit_test(test_pow_compare_next_midpoint_is_on_its_side),
        cmocka_unit_test(test_log2_fixed_any_length_is_within_four_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
