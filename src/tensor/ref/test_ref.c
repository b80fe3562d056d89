/* The specification pinned: golden bits on every compiler and processor, states that resume where
 * they stopped, and the rules on NaN, zero and range. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/bytes.h"
#include "tensor/ref/bytes.h"
#include "tensor/ref/float.h"
#include "tensor/ref/math.h"
#include "tensor/ref/ops.h"

#define SEED 0x6a09e667f3bcc908u

static uint64_t state = SEED;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static float tame(void)
{
    return (float)(int32_t)next() * 0x1p-30F;
}

/* FNV-1a over canonical bits. */
static uint64_t mix(uint64_t hash, float x)
{
    return (hash ^ ay_f32_bits(x)) * 1099511628211u;
}
#define FNV_START 14695981039346656037u

/* 2^16 inputs spread over all bit patterns, the second operand drawn. */
static uint64_t hash_of_fn(enum ay_fn fn)
{
    uint64_t hash = FNV_START;
    state = SEED;
    for (uint32_t i = 0; i < 1 << 16; i++) {
        float a = ay_f32(i << 16 | (next() & 0xffff)), b = ay_f32(next());
        hash = mix(hash, ay_ref_fn(fn, a, b));
    }
    return hash;
}

static void test_fn_each_has_its_golden_bits(void **unused)
{
    (void)unused;
    static const uint64_t golden[AY_FN_COUNT] = {
        [AY_FN_ADD] = 0xbc81c853706be62bu,  [AY_FN_SUB] = 0xb3000c650dbd6fcdu,
        [AY_FN_MUL] = 0x8d215396e2295107u,  [AY_FN_DIV] = 0x918a2a0bedcf3ffdu,
        [AY_FN_MAX] = 0xff8b489f70e0a810u,  [AY_FN_NEG] = 0xa5796915cc985ab0u,
        [AY_FN_SQRT] = 0x9901bd31191f9488u, [AY_FN_EXP] = 0x5cd92426b781f6e7u,
        [AY_FN_LOG] = 0x235d03514109052bu,  [AY_FN_TANH] = 0x904699dfdbb08d2bu,
        [AY_FN_ERF] = 0xf20d4b17d6603973u,
    };
    for (enum ay_fn fn = AY_FN_ADD; fn < AY_FN_COUNT; fn++) {
        uint64_t hash = hash_of_fn(fn);
        if (hash != golden[fn]) fail_msg("fn %d: %#llx", (int)fn, (unsigned long long)hash);
    }
}

static void test_reductions_ragged_lengths_have_their_golden_bits(void **unused)
{
    (void)unused;
    enum { MAX = 300 };
    static float a[MAX], b[MAX];
    uint64_t hash = FNV_START;
    state = SEED;
    for (uint32_t n = 0; n < MAX; n++) {
        for (uint32_t i = 0; i < n; i++) {
            a[i] = tame();
            b[i] = tame() * (i % 7 ? 1.0F : 0x1p-130F);
        }
        hash = mix(hash, ay_ref_chain(0, a, b, n));
        hash = mix(hash, ay_ref_reduce_sum(a, n, 1));
        hash = mix(hash, ay_ref_reduce_sumsq(a, n, 1));
        hash = mix(hash, ay_ref_reduce_max(b, n / 3, 3));
    }
    if (hash != 0x783205305b00df7au) fail_msg("%#llx", (unsigned long long)hash);
}

static void test_math_special_inputs_give_stated_results(void **unused)
{
    (void)unused;
    static const struct {
        float (*f)(float);
        uint32_t x, y;
    } cases[] = {
        {ay_ref_exp, 0x00000000, 0x3f800000},  {ay_ref_exp, 0x80000000, 0x3f800000},
        {ay_ref_exp, 0x7f800000, 0x7f800000},  {ay_ref_exp, 0xff800000, 0x00000000},
        {ay_ref_exp, 0xffc12345, 0x7fc00000},  {ay_ref_exp, 0x3f800000, 0x402df854},
        {ay_ref_exp, 0xc2cff1b4, 0x00000001},  {ay_ref_exp, 0xc2cff1b5, 0x00000000},
        {ay_ref_exp, 0x42b17217, 0x7f7fff84},  {ay_ref_exp, 0x42b17218, 0x7f800000},
        {ay_ref_log, 0x00000000, 0xff800000},  {ay_ref_log, 0x80000000, 0xff800000},
        {ay_ref_log, 0x3f800000, 0x00000000},  {ay_ref_log, 0x7f800000, 0x7f800000},
        {ay_ref_log, 0xbf800000, 0x7fc00000},  {ay_ref_log, 0x00000001, 0xc2ce8ed0},
        {ay_ref_log, 0x3c413d3a, 0xc08e158f},  {ay_ref_log, 0xff800000, 0x7fc00000},
        {ay_ref_tanh, 0x80000000, 0x80000000}, {ay_ref_tanh, 0x00000001, 0x00000001},
        {ay_ref_tanh, 0x7f800000, 0x3f800000}, {ay_ref_tanh, 0xff800000, 0xbf800000},
        {ay_ref_erf, 0x80000000, 0x80000000},  {ay_ref_erf, 0x00000001, 0x00000001},
        {ay_ref_erf, 0x7f800000, 0x3f800000},  {ay_ref_erf, 0xc0800000, 0xbf800000},
        {ay_ref_erf, 0x7fc00001, 0x7fc00000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t y = ay_f32_bits(cases[i].f(ay_f32(cases[i].x)));
        if (y != cases[i].y)
            fail_msg("case %zu, %08x: %08x, not %08x", i, cases[i].x, y, cases[i].y);
    }
}

static void test_max_zeros_and_nan_follow_the_rule(void **unused)
{
    (void)unused;
    float plus = 0.0F, minus = -0.0F, nan = ay_f32(0xffc00001);
    assert_int_equal(ay_f32_bits(ay_ref_max(minus, plus)), 0);
    assert_int_equal(ay_f32_bits(ay_ref_max(plus, minus)), 0);
    assert_int_equal(ay_f32_bits(ay_ref_max(minus, minus)), 0x80000000);
    assert_int_equal(ay_f32_bits(ay_ref_max(nan, 1.0F)), AY_NAN_BITS);
    assert_int_equal(ay_f32_bits(ay_ref_max(INFINITY, nan)), AY_NAN_BITS);
    assert_int_equal(ay_f32_bits(ay_ref_reduce_max(&plus, 0, 1)), AY_REF_MAX_START);
}

static void test_chain_zero_padding_would_change_bits(void **unused)
{
    (void)unused;
    const float a[] = {-0x1p-100F, 0.0F}, b[] = {0x1p-100F, 0.0F};
    assert_int_equal(ay_f32_bits(ay_ref_chain(0, a, b, 1)), 0x80000000);
    assert_int_equal(ay_f32_bits(ay_ref_chain(0, a, b, 2)), 0);
}

static void test_gather_any_id_is_clamped(void **unused)
{
    (void)unused;
    assert_int_equal(ay_ref_gather_row(-1, 10), 0);
    assert_int_equal(ay_ref_gather_row(INT32_MIN, 10), 0);
    assert_int_equal(ay_ref_gather_row(9, 10), 9);
    assert_int_equal(ay_ref_gather_row(10, 10), 9);
    assert_int_equal(ay_ref_gather_row(INT32_MAX, 1), 0);
}

enum { LEN = 100 };
static float x[LEN], y[LEN];
static uint8_t x_le[4 * LEN], y_le[4 * LEN];

static void draw(bool edgy)
{
    for (size_t i = 0; i < LEN; i++) {
        x[i] = edgy && next() % 8 == 0 ? ay_f32(next()) : tame();
        y[i] = edgy && next() % 8 == 0 ? ay_f32(next()) : tame();
        ay_put_le32(x_le + 4 * i, ay_f32_bits(x[i]));
        ay_put_le32(y_le + 4 * i, ay_f32_bits(y[i]));
    }
}

static void test_bytes_resumed_at_any_index_equal_one_pass(void **unused)
{
    (void)unused;
    print_message("seed %#llx\n", (unsigned long long)SEED);
    for (uint32_t cut = 0; cut <= LEN; cut++) {
        draw(cut % 2);
        const uint8_t *late = x_le + 4 * cut;
        uint8_t sum[AY_REF_SUM_BYTES] = {0}, squares[AY_REF_SUM_BYTES] = {0};
        ay_ref_sum_bits(sum, 0, x_le, cut);
        ay_ref_sum_bits(sum, cut, late, LEN - cut);
        assert_int_equal(ay_ref_sum_finish_bits(sum), ay_f32_bits(ay_ref_reduce_sum(x, LEN, 1)));
        ay_ref_sumsq_bits(squares, 0, x_le, cut);
        ay_ref_sumsq_bits(squares, cut, late, LEN - cut);
        assert_int_equal(ay_ref_sum_finish_bits(squares),
                         ay_f32_bits(ay_ref_reduce_sumsq(x, LEN, 1)));
        uint32_t most = ay_ref_max_bits(AY_REF_MAX_START, x_le, cut);
        assert_int_equal(ay_ref_max_bits(most, late, LEN - cut),
                         ay_f32_bits(ay_ref_reduce_max(x, LEN, 1)));
        uint32_t acc = ay_ref_chain_bits(0, x_le, y_le, cut);
        assert_int_equal(ay_ref_chain_bits(acc, late, y_le + 4 * cut, LEN - cut),
                         ay_f32_bits(ay_ref_chain(0, x, y, LEN)));
        assert_true(ay_ref_canonical(sum, 16));
    }
}

/* gelu(x + bias) and a division by a dimension: what real programs are made of. */
static const struct ay_map_step steps[] = {
    {AY_FN_ADD, {AY_MAP_INPUT << 24 | 0, AY_MAP_INPUT << 24 | 1}},
    {AY_FN_DIV, {AY_MAP_STEP << 24 | 0, AY_MAP_CONST << 24 | 0}},
    {AY_FN_ERF, {AY_MAP_STEP << 24 | 1, 0}},
    {AY_FN_ADD, {AY_MAP_STEP << 24 | 2, AY_MAP_CONST << 24 | 1}},
    {AY_FN_MUL, {AY_MAP_STEP << 24 | 0, AY_MAP_STEP << 24 | 3}},
    {AY_FN_DIV, {AY_MAP_STEP << 24 | 4, AY_MAP_DIM << 24 | 0}},
};
static const uint32_t consts[] = {0x3fb504f3, 0x3f800000}, dims[] = {7};
static const struct ay_map map = {steps, 6, consts, 2, dims, 1, 2};

static void test_map_expression_equals_it_by_hand(void **unused)
{
    (void)unused;
    uint32_t bits;
    draw(true);
    for (size_t i = 0; i < LEN; i++) {
        const uint32_t in[] = {ay_f32_bits(x[i]), ay_f32_bits(y[i])};
        float h = x[i] + y[i];
        float want = h * (ay_ref_erf(h / ay_f32(consts[0])) + 1.0F) / 7.0F;
        assert_int_equal(ay_ref_map_bits(&map, in, &bits), AY_OK);
        assert_int_equal(bits, ay_f32_bits(want));
    }
}

static void test_map_bad_step_is_refused(void **unused)
{
    (void)unused;
    static const struct ay_map_step bad[] = {
        {AY_FN_NONE, {0, 0}},
        {AY_FN_COUNT, {0, 0}},
        {(enum ay_fn)0x7fffffff, {0, 0}},
        {AY_FN_ADD, {AY_MAP_INPUT << 24 | 0, AY_MAP_INPUT << 24 | 2}}, /* no third input */
        {AY_FN_NEG, {AY_MAP_STEP << 24 | 0, 0}},                       /* itself */
        {AY_FN_NEG, {AY_MAP_CONST << 24 | 2, 0}},
        {AY_FN_NEG, {AY_MAP_DIM << 24 | 1, 0}},
        {AY_FN_NEG, {4U << 24, 0}}, /* no such kind */
    };
    const uint32_t in[] = {0, 0};
    uint32_t bits = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ay_map m = map;
        m.steps = &bad[i];
        m.step_count = 1;
        assert_int_equal(ay_ref_map_bits(&m, in, &bits), AY_E_RANGE);
    }
    struct ay_map m = map;
    m.step_count = 0;
    assert_int_equal(ay_ref_map_bits(&m, in, &bits), AY_E_RANGE);
    m.step_count = AY_MAX_MAP_STEPS + 1;
    assert_int_equal(ay_ref_map_bits(&m, in, &bits), AY_E_RANGE);
    assert_int_equal(bits, 5);
}

static void test_canonical_other_nan_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t bits;
        bool fine;
    } cases[] = {{0x7fc00000, true},  {0x7fc00001, false}, {0xffc00000, false},
                 {0x7f800001, false}, {0x7f800000, true},  {0xff800000, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t le[8] = {0};
        ay_put_le32(le + 4, cases[i].bits);
        assert_int_equal(ay_ref_canonical(le, 2), cases[i].fine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fn_each_has_its_golden_bits),
        cmocka_unit_test(test_reductions_ragged_lengths_have_their_golden_bits),
        cmocka_unit_test(test_math_special_inputs_give_stated_results),
        cmocka_unit_test(test_max_zeros_and_nan_follow_the_rule),
        cmocka_unit_test(test_chain_zero_padding_would_change_bits),
        cmocka_unit_test(test_gather_any_id_is_clamped),
        cmocka_unit_test(test_bytes_resumed_at_any_index_equal_one_pass),
        cmocka_unit_test(test_map_expression_equals_it_by_hand),
        cmocka_unit_test(test_map_bad_step_is_refused),
        cmocka_unit_test(test_canonical_other_nan_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
