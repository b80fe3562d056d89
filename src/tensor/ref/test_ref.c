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

static struct ay_scalar draw_operand(enum ay_scalar_kind kind)
{
    uint32_t low = next();
    struct ay_scalar x = {.kind = kind};
    if (kind == AY_SCALAR_INT) {
        uint64_t high = next();
        x.i = (int64_t)(high << 32 | low) >> (next() & 63);
    } else {
        x.f32 = ay_f32(low);
    }
    return x;
}

/* 2^16 inputs, of an f32 spread over all bit patterns, the other operands drawn. */
static uint64_t hash_of_fn(enum ay_fn fn)
{
    const struct ay_fn_signature *s = ay_fn_signature(fn);
    uint64_t hash = FNV_START;
    state = SEED;
    for (uint32_t i = 0; i < 1 << 16; i++) {
        struct ay_scalar args[AY_MAX_FN_ARGS] = {{.kind = AY_SCALAR_F32}};
        if (s->args[0] == AY_SCALAR_F32)
            args[0].f32 = ay_f32(i << 16 | (next() & 0xffff));
        else
            args[0] = draw_operand(s->args[0]);
        for (unsigned a = 1; a < (s->arity > 2 ? s->arity : 2); a++)
            args[a] = draw_operand(s->args[a]);
        struct ay_scalar y = ay_ref_apply(fn, args);
        assert_int_equal(y.kind, s->result);
        uint64_t bits = y.kind == AY_SCALAR_F32 ? ay_f32_bits(y.f32) : (uint64_t)y.i;
        hash = (hash ^ bits) * 1099511628211u;
    }
    return hash;
}

static void test_fn_each_has_its_golden_bits(void **unused)
{
    (void)unused;
    static const uint64_t golden[AY_FN_COUNT] = {
        [AY_FN_ADD] = 0xbc81c853706be62bu,        [AY_FN_SUB] = 0xb3000c650dbd6fcdu,
        [AY_FN_MUL] = 0x8d215396e2295107u,        [AY_FN_DIV] = 0x918a2a0bedcf3ffdu,
        [AY_FN_MAX] = 0xff8b489f70e0a810u,        [AY_FN_NEG] = 0xa5796915cc985ab0u,
        [AY_FN_SQRT] = 0x9901bd31191f9488u,       [AY_FN_EXP] = 0x5cd92426b781f6e7u,
        [AY_FN_LOG] = 0x235d03514109052bu,        [AY_FN_TANH] = 0x904699dfdbb08d2bu,
        [AY_FN_ERF] = 0xf20d4b17d6603973u,        [AY_FN_MIN] = 0xdeaa9be69e5b7f43u,
        [AY_FN_ABS] = 0x18fe5e4ccc985ab0u,        [AY_FN_SIN] = 0x8862af615e9392ecu,
        [AY_FN_COS] = 0xcdf12de0946995cdu,        [AY_FN_ATAN] = 0xf3428241074e2eeau,
        [AY_FN_FLOOR] = 0x1598d8fd26ea4c81u,      [AY_FN_CEIL] = 0x16f56f72439ba641u,
        [AY_FN_RINT] = 0xebda21c558a2f053u,       [AY_FN_TRUNC] = 0x5146e3cc562a8129u,
        [AY_FN_POW] = 0xd12302cc564b983fu,        [AY_FN_FMOD] = 0x7fc97285f34b78f3u,
        [AY_FN_EQ] = 0xeb05052ea5b62325u,         [AY_FN_LT] = 0x9feeb68f5a9b123cu,
        [AY_FN_LE] = 0x9feeb68f5a9b123cu,         [AY_FN_TO_INT] = 0xa742cd7f03fcac9bu,
        [AY_FN_TO_FLOAT] = 0x3d05aad9a0eaa01bu,   [AY_FN_SELECT] = 0xb7f65875ab1fc3fau,
        [AY_FN_INT_SELECT] = 0x49c072469776319eu, [AY_FN_INT_ADD] = 0x7900a17032476dfu,
        [AY_FN_INT_SUB] = 0xbcc1b9034ddacf77u,    [AY_FN_INT_MUL] = 0x570daa43f9087bb1u,
        [AY_FN_INT_DIV] = 0x4c0c888ccbe9676fu,    [AY_FN_INT_MOD] = 0xc19de2a20e48b258u,
        [AY_FN_INT_MIN] = 0x338dd2bb7f1648f0u,    [AY_FN_INT_MAX] = 0x4b53bf281acd027eu,
        [AY_FN_INT_AND] = 0x8e4151f748fe91efu,    [AY_FN_INT_OR] = 0xcba15fbccbd7d645u,
        [AY_FN_INT_XOR] = 0x9f92642e6563f20fu,    [AY_FN_INT_SHL] = 0x6bd03865bfeb284cu,
        [AY_FN_INT_SHR] = 0x368eb2a850163776u,    [AY_FN_INT_EQ] = 0x64ac6daf55724519u,
        [AY_FN_INT_LT] = 0xfb73c61121e140d4u,     [AY_FN_INT_LE] = 0x8f8b4a483e7f2550u,
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
    assert_int_equal(ay_f32_bits(ay_ref_reduce_max(&plus, 0, 1)), AY_NEG_INF_BITS);
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
    assert_int_equal(ay_ref_gather_row(INT64_MIN, 10), 0);
    assert_int_equal(ay_ref_gather_row(9, 10), 9);
    assert_int_equal(ay_ref_gather_row(10, 10), 9);
    assert_int_equal(ay_ref_gather_row(INT64_MAX, 1), 0);
    assert_int_equal(ay_ref_gather_row(INT64_MAX, UINT32_MAX), UINT32_MAX - 1);
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

/* An op along LEN elements that gives one; x, y, q and ids are its operands. */
struct along {
    struct ay_work_op op;
    uint32_t in[3], out; /* dtypes */
};
static uint8_t raw[8 * LEN], ids[8 * LEN];

static struct ay_op_shape shape_of(const struct along *c)
{
    struct ay_op_shape s = {.op = &c->op, .out = {c->out, 2, {1, 1}}};
    for (uint32_t i = 0; i < 3; i++) s.in[i] = (struct ay_tensor_type){c->in[i], 2, {1, LEN}};
    if (c->op.kind == AY_WORK_OP_SCATTER) s.in[0].dims[1] = 1;
    return s;
}

/* The state over elements [from, to), from one step on to the next. */
static void run(const struct ay_op_shape *s, uint32_t from, uint32_t to, uint8_t *at)
{
    static const uint8_t *const operands[] = {x_le, y_le, y_le};
    struct ay_ref_part part = {.from = from, .count = to - from};
    for (uint32_t i = 0; i < s->op->in_count; i++) {
        uint32_t first = s->op->kind == AY_WORK_OP_MATMUL_Q8 && i == 2 ? from / AY_Q8_BLOCK : from;
        const uint8_t *all = s->in[i].dtype == AY_WORK_DTYPE_F32 ? operands[i] : raw;
        if (s->op->kind == AY_WORK_OP_SCATTER && i == 1) all = ids;
        part.x[i] = all + (size_t)first * ay_dtype_bytes(s->in[i].dtype);
    }
    if (to > from) ay_ref_state_run(s, &part, at);
}

static void draw_all(bool edgy)
{
    draw(edgy);
    for (size_t i = 0; i < sizeof raw; i++) raw[i] = (uint8_t)next();
    for (size_t i = 0; i < LEN; i++) ay_element_put(ids + 8 * i, 8, next() % 4 - 1u);
}

/* Returns the hash continued over the elements. */
static uint64_t resume_anywhere(uint64_t hash, const struct along *c)
{
    const struct ay_op_shape s = shape_of(c);
    for (uint32_t cut = 0; cut <= LEN; cut++) {
        uint8_t parts[AY_REF_STATE_BYTES], whole[AY_REF_STATE_BYTES];
        if (c->op.kind == AY_WORK_OP_MATMUL_Q8 && cut % AY_Q8_BLOCK != 0) continue;
        draw_all(cut % 2);
        ay_ref_state_start(&s, parts);
        ay_ref_state_start(&s, whole);
        run(&s, 0, cut, parts);
        run(&s, cut, LEN, parts);
        run(&s, 0, LEN, whole);
        assert_memory_equal(parts, whole, sizeof whole);
        for (uint32_t i = ay_ref_state_bytes(&s); i < sizeof whole; i++)
            assert_int_equal(whole[i], 0);
        uint64_t bits = ay_ref_state_finish(&s, whole);
        assert_true(c->out == AY_WORK_DTYPE_BOOL || ay_dtype_canonical(c->out, bits));
        hash = (hash ^ bits) * 1099511628211u;
    }
    return hash;
}

#define F32 AY_WORK_DTYPE_F32
static void test_state_resumed_at_any_index_equals_one_pass_and_golden_bits(void **unused)
{
    (void)unused;
    static const uint32_t integers[] = {AY_WORK_DTYPE_I32, AY_WORK_DTYPE_I64, AY_WORK_DTYPE_I8,
                                        AY_WORK_DTYPE_U8, AY_WORK_DTYPE_BOOL};
    uint64_t hash = FNV_START;
    state = SEED;
    print_message("seed %#llx\n", (unsigned long long)SEED);
    for (uint32_t r = AY_WORK_REDUCE_SUM; r <= AY_WORK_REDUCE_ARGMIN; r++)
        for (uint32_t d = 0; d < 6; d++) {
            uint32_t dtype = d < 5 ? integers[d] : F32;
            bool arg = r >= AY_WORK_REDUCE_ARGMAX;
            hash = resume_anywhere(
                hash,
                &(struct along){{.kind = AY_WORK_OP_REDUCE, .in_count = 1, .reduce = r, .axis = 1},
                                {dtype},
                                arg ? AY_WORK_DTYPE_I64 : dtype});
            bool scatters = r != AY_WORK_REDUCE_SUMSQ && !arg;
            if (scatters)
                hash = resume_anywhere(
                    hash, &(struct along){{.kind = AY_WORK_OP_SCATTER, .in_count = 3, .reduce = r},
                                          {dtype, AY_WORK_DTYPE_I64, dtype},
                                          dtype});
        }
    for (uint32_t a = 0; a < 4; a++)
        for (uint32_t b = 0; b < 4; b++)
            if (a != 1 && b != 1)
                hash = resume_anywhere(hash,
                                       &(struct along){{.kind = AY_WORK_OP_MATMUL, .in_count = 2},
                                                       {integers[a], integers[b]},
                                                       AY_WORK_DTYPE_I32});
    hash = resume_anywhere(
        hash, &(struct along){{.kind = AY_WORK_OP_MATMUL, .in_count = 2}, {F32, F32}, F32});
    hash = resume_anywhere(hash, &(struct along){{.kind = AY_WORK_OP_MATMUL_Q8, .in_count = 3},
                                                 {F32, AY_WORK_DTYPE_I8, F32},
                                                 F32});
    if (hash != 0x511f67037727671u) fail_msg("%#llx", (unsigned long long)hash);
}

static uint64_t in_bytes(uint32_t kind, uint32_t reduce)
{
    bool arg = reduce >= AY_WORK_REDUCE_ARGMAX;
    const struct along c = {
        {.kind = kind, .in_count = kind == AY_WORK_OP_REDUCE ? 1 : 2, .reduce = reduce, .axis = 1},
        {F32, F32},
        arg ? AY_WORK_DTYPE_I64 : F32};
    const struct ay_op_shape s = shape_of(&c);
    uint8_t at[AY_REF_STATE_BYTES];
    ay_ref_state_start(&s, at);
    run(&s, 0, LEN, at);
    return ay_ref_state_finish(&s, at);
}

static void test_state_of_f32_equals_the_functions_of_rows(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 50; i++) {
        draw_all(i % 2);
        const float want[] = {[AY_WORK_REDUCE_NONE] = ay_ref_chain(0, x, y, LEN),
                              [AY_WORK_REDUCE_SUM] = ay_ref_reduce_sum(x, LEN, 1),
                              [AY_WORK_REDUCE_SUMSQ] = ay_ref_reduce_sumsq(x, LEN, 1),
                              [AY_WORK_REDUCE_MAX] = ay_ref_reduce_max(x, LEN, 1),
                              [AY_WORK_REDUCE_MIN] = ay_ref_reduce_min(x, LEN, 1),
                              [AY_WORK_REDUCE_PROD] = ay_ref_reduce_prod(x, LEN, 1)};
        for (uint32_t r = 0; r < AY_WORK_REDUCE_ARGMAX; r++)
            assert_int_equal(in_bytes(r ? AY_WORK_OP_REDUCE : AY_WORK_OP_MATMUL, r),
                             ay_f32_bits(want[r]));
        for (uint32_t r = AY_WORK_REDUCE_ARGMAX; r <= AY_WORK_REDUCE_ARGMIN; r++)
            assert_int_equal(in_bytes(AY_WORK_OP_REDUCE, r),
                             ay_ref_reduce_arg((enum ay_work_reduce)r, x, LEN, 1));
    }
}

static void test_arg_ties_and_nan_follow_the_rule(void **unused)
{
    (void)unused;
    float nan = ay_f32(0xffc00001);
    const struct {
        float x[4];
        int64_t most, least;
    } cases[] = {{{1, 3, 3, 1}, 1, 0},
                 {{0.0F, -0.0F, 0.0F, -0.0F}, 0, 0},
                 {{1, nan, INFINITY, nan}, 1, 1},
                 {{nan, 5, -INFINITY, 2}, 0, 0},
                 {{2, -INFINITY, INFINITY, -INFINITY}, 2, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ay_ref_reduce_arg(AY_WORK_REDUCE_ARGMAX, cases[i].x, 4, 1), cases[i].most);
        assert_int_equal(ay_ref_reduce_arg(AY_WORK_REDUCE_ARGMIN, cases[i].x, 4, 1),
                         cases[i].least);
    }
}

static void test_reduce_over_nothing_is_as_stated(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t reduce, dtype;
        uint64_t bits;
    } cases[] = {
        {AY_WORK_REDUCE_SUM, F32, 0},
        {AY_WORK_REDUCE_PROD, F32, 0x3f800000},
        {AY_WORK_REDUCE_MAX, F32, AY_NEG_INF_BITS},
        {AY_WORK_REDUCE_MIN, F32, AY_INF_BITS},
        {AY_WORK_REDUCE_PROD, AY_WORK_DTYPE_I64, 1},
        {AY_WORK_REDUCE_MAX, AY_WORK_DTYPE_I32, 0x80000000},
        {AY_WORK_REDUCE_MIN, AY_WORK_DTYPE_I32, 0x7fffffff},
        {AY_WORK_REDUCE_MAX, AY_WORK_DTYPE_I64, (uint64_t)INT64_MIN},
        {AY_WORK_REDUCE_MIN, AY_WORK_DTYPE_I64, INT64_MAX},
        {AY_WORK_REDUCE_MAX, AY_WORK_DTYPE_I8, 0x80},
        {AY_WORK_REDUCE_MIN, AY_WORK_DTYPE_I8, 0x7f},
        {AY_WORK_REDUCE_MAX, AY_WORK_DTYPE_U8, 0},
        {AY_WORK_REDUCE_MIN, AY_WORK_DTYPE_U8, 0xff},
        {AY_WORK_REDUCE_MAX, AY_WORK_DTYPE_BOOL, 0},
        {AY_WORK_REDUCE_MIN, AY_WORK_DTYPE_BOOL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct along c = {
            {.kind = AY_WORK_OP_REDUCE, .in_count = 1, .reduce = cases[i].reduce, .axis = 1},
            {cases[i].dtype},
            cases[i].dtype};
        const struct ay_op_shape s = shape_of(&c);
        uint8_t at[AY_REF_STATE_BYTES];
        ay_ref_state_start(&s, at);
        assert_true(ay_ref_state_finish(&s, at) == cases[i].bits);
    }
}

/* A block by hand: d 2, activations whose scale is 1 or not finite. */
static void test_q8_rounding_and_odd_blocks_follow_the_rule(void **unused)
{
    (void)unused;
    const int8_t w[] = {1, 10, 100, -128};
    const float d[] = {2};
    const float a[] = {127, 0.5F, 1.5F, -2.5F}; /* ties to even: 127, 0, 2, -2 */
    assert_true(ay_ref_chain_q8(1, a, w, d, 4) == 2.0F * (127 + 0 + 200 + 256) + 1);
    const float zeros[] = {0, -0.0F, 0, 0};
    assert_int_equal(ay_f32_bits(ay_ref_chain_q8(0, zeros, w, d, 4)), 0);
    const float infinite[] = {INFINITY, 1, 1, 1}, nan[] = {1, NAN, 1, 1};
    assert_int_equal(ay_f32_bits(ay_ref_chain_q8(0, infinite, w, d, 4)), AY_NAN_BITS);
    assert_int_equal(ay_f32_bits(ay_ref_chain_q8(0, nan, w, d, 4)), AY_NAN_BITS);
    /* so small that the scale is 0, or that the quotient is above 127 */
    const float least[] = {0x1p-149F, 0x1p-149F, 0, 0}, small[] = {0x1.ffp-143F, 0, 0, 0};
    assert_int_equal(ay_f32_bits(ay_ref_chain_q8(0, least, w, d, 4)), 0);
    assert_true(ay_ref_chain_q8(0, small, w, d, 4) == 127 * (2 * (0x1.ffp-143F / 127.0F)));
}

static void test_int_functions_at_the_ends_of_their_range_follow_the_rule(void **unused)
{
    (void)unused;
    static const struct {
        enum ay_fn fn;
        int64_t a, b, y;
    } cases[] = {
        {AY_FN_INT_ADD, INT64_MAX, 1, INT64_MIN},
        {AY_FN_INT_SUB, INT64_MIN, 1, INT64_MAX},
        {AY_FN_INT_MUL, INT64_MIN, -1, INT64_MIN},
        {AY_FN_INT_DIV, -7, 2, -3},
        {AY_FN_INT_DIV, 7, 0, 0},
        {AY_FN_INT_DIV, INT64_MIN, -1, INT64_MIN},
        {AY_FN_INT_MOD, -7, 2, -1},
        {AY_FN_INT_MOD, 7, 0, 7},
        {AY_FN_INT_MOD, INT64_MIN, -1, 0},
        {AY_FN_INT_SHL, 1, 63, INT64_MIN},
        {AY_FN_INT_SHL, 1, 64, INT64_MIN},
        {AY_FN_INT_SHL, 5, -1, 5},
        {AY_FN_INT_SHR, INT64_MIN, 63, -1},
        {AY_FN_INT_SHR, INT64_MIN, 1000, -1},
        {AY_FN_INT_SHR, -8, 1, -4},
        {AY_FN_INT_LT, INT64_MIN, INT64_MAX, 1},
        {AY_FN_INT_LE, 3, 3, 1},
        {AY_FN_INT_EQ, 3, 4, 0},
        {AY_FN_INT_MIN, -1, 1, -1},
        {AY_FN_INT_MAX, -1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(ay_ref_int_fn(cases[i].fn, cases[i].a, cases[i].b) == cases[i].y);
}

static void test_conversions_saturate_and_wrap_as_stated(void **unused)
{
    (void)unused;
    assert_true(ay_ref_to_int(NAN) == 0 && ay_ref_to_int(-2.9F) == -2);
    assert_true(ay_ref_to_int(INFINITY) == INT64_MAX && ay_ref_to_int(0x1p63F) == INT64_MAX);
    assert_true(ay_ref_to_int(-0x1p63F) == INT64_MIN && ay_ref_to_int(-0x1p80F) == INT64_MIN);
    const struct ay_scalar odd = {.kind = AY_SCALAR_INT, .i = 0x1ff80};
    assert_int_equal(ay_ref_store(AY_WORK_DTYPE_I8, odd), 0x80);
    assert_int_equal(ay_ref_store(AY_WORK_DTYPE_BOOL, odd), 1);
    assert_int_equal(ay_ref_load(AY_WORK_DTYPE_I8, 0x80).i, -128);
    assert_int_equal(ay_ref_load(AY_WORK_DTYPE_U8, 0x80).i, 128);
    assert_int_equal(ay_ref_load(AY_WORK_DTYPE_I32, 0xffffffff).i, -1);
}

#define ARGS(...)                                                                                  \
    (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)
/* gelu(x + bias) divided by a dimension, where an integer is not 0: what real programs are made of.
 */
static const struct ay_work_map_step steps[] = {
    {AY_WORK_FN_ADD, ARGS(AY_MAP_INPUT << 24 | 0, AY_MAP_INPUT << 24 | 1)},
    {AY_WORK_FN_DIV, ARGS(AY_MAP_STEP << 24 | 0, AY_MAP_CONST << 24 | 0)},
    {AY_WORK_FN_ERF, ARGS(AY_MAP_STEP << 24 | 1)},
    {AY_WORK_FN_ADD, ARGS(AY_MAP_STEP << 24 | 2, AY_MAP_CONST << 24 | 1)},
    {AY_WORK_FN_MUL, ARGS(AY_MAP_STEP << 24 | 0, AY_MAP_STEP << 24 | 3)},
    {AY_WORK_FN_DIV, ARGS(AY_MAP_STEP << 24 | 4, AY_MAP_DIM << 24 | 0)},
    {AY_WORK_FN_INT_LT, ARGS(AY_MAP_INPUT << 24 | 2, AY_MAP_INT << 24 | 0)},
    {AY_WORK_FN_SELECT, ARGS(AY_MAP_STEP << 24 | 6, AY_MAP_STEP << 24 | 5, AY_MAP_CONST << 24 | 0)},
};

static void test_map_expression_equals_it_by_hand(void **unused)
{
    (void)unused;
    const uint32_t consts[] = {0x3fb504f3, 0x3f800000};
    const int64_t ints[] = {-5};
    const struct ay_work_op op = {.kind = AY_WORK_OP_MAP,
                                  .in_count = 3,
                                  .steps = steps,
                                  .steps_count = sizeof steps / sizeof steps[0],
                                  .consts = consts,
                                  .consts_count = 2,
                                  .ints = ints,
                                  .ints_count = 1};
    const struct ay_op_shape map = {
        .op = &op,
        .out = {F32, 1, {1}},
        .sizes = {7},
        .in = {{F32, 1, {1}}, {F32, 1, {1}}, {AY_WORK_DTYPE_I8, 1, {1}}}};
    draw_all(true);
    for (size_t i = 0; i < LEN; i++) {
        const struct ay_ref_part part = {.count = 1, .x = {x_le + 4 * i, y_le + 4 * i, raw + i}};
        uint8_t at[AY_REF_STATE_BYTES];
        float h = x[i] + y[i];
        float want = h * (ay_ref_erf(h / ay_f32(consts[0])) + 1.0F) / 7.0F;
        if ((int8_t)raw[i] >= -5) want = ay_f32(consts[0]);
        ay_ref_state_start(&map, at);
        ay_ref_state_run(&map, &part, at);
        assert_int_equal(ay_ref_state_finish(&map, at), ay_f32_bits(want));
    }
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
        assert_int_equal(ay_ref_canonical(AY_WORK_DTYPE_F32, le, 2), cases[i].fine);
        assert_true(ay_ref_canonical(AY_WORK_DTYPE_I64, le, 1));
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
        cmocka_unit_test(test_state_resumed_at_any_index_equals_one_pass_and_golden_bits),
        cmocka_unit_test(test_state_of_f32_equals_the_functions_of_rows),
        cmocka_unit_test(test_arg_ties_and_nan_follow_the_rule),
        cmocka_unit_test(test_reduce_over_nothing_is_as_stated),
        cmocka_unit_test(test_q8_rounding_and_odd_blocks_follow_the_rule),
        cmocka_unit_test(test_int_functions_at_the_ends_of_their_range_follow_the_rule),
        cmocka_unit_test(test_conversions_saturate_and_wrap_as_stated),
        cmocka_unit_test(test_map_expression_equals_it_by_hand),
        cmocka_unit_test(test_canonical_other_nan_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
