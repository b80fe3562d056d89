/* Every table that runs here equals ref/ bit for bit, on random, edge and all small shapes:
 * functions, reductions, rows. */
#include "tensor/kernel/testing.h"

static void check_functions(const struct ay_kernels *k, size_t n)
{
    char what[32];
    for (enum ay_fn fn = AY_FN_ADD; fn < AY_FN_COUNT; fn++) {
        if (!k->unary[fn] && !k->vv[fn]) continue;
        snprintf(what, sizeof what, "fn %d", (int)fn);
        out[n] = 7.0F;
        if (ay_fn_arity(fn) == 1) {
            k->unary[fn](a, out, n);
            for (size_t i = 0; i < n; i++) assert_same(what, k, i, out[i], ay_ref_fn(fn, a[i], 0));
        } else {
            k->vv[fn](a, b, out, n);
            for (size_t i = 0; i < n; i++)
                assert_same(what, k, i, out[i], ay_ref_fn(fn, a[i], b[i]));
            k->vs[fn](a, b[0], out, n);
            for (size_t i = 0; i < n; i++)
                assert_same(what, k, i, out[i], ay_ref_fn(fn, a[i], b[0]));
            k->sv[fn](a[0], b, out, n);
            for (size_t i = 0; i < n; i++)
                assert_same(what, k, i, out[i], ay_ref_fn(fn, a[0], b[i]));
        }
        assert_true(out[n] == 7.0F);
    }
}

/* Bits as they come, as f32 and as integers. */
static void check_steps(const struct ay_kernels *k, size_t n)
{
    static int64_t x[MAX_N], y[MAX_N], to[MAX_N];
    static float f[MAX_N];
    for (size_t i = 0; i < n; i++) {
        x[i] = (int64_t)((uint64_t)next() << 32 | next()) >> next() % 64;
        y[i] = next() % 4 ? (int64_t)(next() % 70) - 3 : x[next() % (i + 1)];
    }
    for (enum ay_fn fn = AY_FN_EQ; fn < AY_FN_COUNT; fn++) {
        const struct ay_fn_signature *s = ay_fn_signature(fn);
        if (fn == AY_FN_SELECT || fn == AY_FN_INT_SELECT) continue;
        bool integers = s->args[0] == AY_SCALAR_INT, gives = s->result == AY_SCALAR_INT;
        if (fn == AY_FN_TO_FLOAT)
            k->steps->to_float(x, f, n);
        else if (fn == AY_FN_TO_INT)
            k->steps->to_int(a, to, n);
        else if (integers)
            k->steps->integers(fn, x, y, to, n);
        else
            k->steps->compare(fn, a, b, to, n);
        for (size_t i = 0; i < n; i++) {
            const struct ay_scalar ints[AY_MAX_FN_ARGS] = {{AY_SCALAR_INT, {.i = x[i]}},
                                                           {AY_SCALAR_INT, {.i = y[i]}}};
            const struct ay_scalar floats[AY_MAX_FN_ARGS] = {{AY_SCALAR_F32, {.f32 = a[i]}},
                                                             {AY_SCALAR_F32, {.f32 = b[i]}}};
            struct ay_scalar want = ay_ref_apply(fn, integers ? ints : floats);
            if (gives)
                assert_true(to[i] == want.i);
            else
                assert_same("to_float", k, i, f[i], want.f32);
        }
    }
}

static void check_reductions(const struct ay_kernels *k, uint32_t n)
{
    assert_same("sum", k, n, k->sum(a, n), ay_ref_reduce_sum(a, n, 1));
    assert_same("sumsq", k, n, k->sumsq(a, n), ay_ref_reduce_sumsq(a, n, 1));
    assert_same("max", k, n, k->max(a, n), ay_ref_reduce_max(a, n, 1));
}

static void check_columns(const struct ay_kernels *k, uint32_t n, uint32_t cols, uint32_t ld)
{
    out[cols] = 7.0F;
    k->sum_columns(a, ld, n, cols, out);
    for (uint32_t j = 0; j < cols; j++)
        assert_same("sum_columns", k, j, out[j], ay_ref_reduce_sum(a + j, n, ld));
    k->sumsq_columns(a, ld, n, cols, out);
    for (uint32_t j = 0; j < cols; j++)
        assert_same("sumsq_columns", k, j, out[j], ay_ref_reduce_sumsq(a + j, n, ld));
    k->max_columns(a, ld, n, cols, out);
    for (uint32_t j = 0; j < cols; j++)
        assert_same("max_columns", k, j, out[j], ay_ref_reduce_max(a + j, n, ld));
    assert_true(out[cols] == 7.0F);
}

/* What MAP and REDUCE of the program say, op by op. */
static void ref_softmax(const float *x, float scale, float *y, uint32_t n)
{
    float m = ay_ref_reduce_max(x, n, 1) * scale;
    for (uint32_t i = 0; i < n; i++) y[i] = ay_ref_exp(x[i] * scale - m);
    float s = ay_ref_reduce_sum(y, n, 1);
    for (uint32_t i = 0; i < n; i++) y[i] = y[i] / s;
}

static void ref_layer_norm(const float *x, const float *gain, const float *bias, float eps,
                           float *y, uint32_t n)
{
    float mean = ay_ref_reduce_sum(x, n, 1) / (float)n;
    for (uint32_t i = 0; i < n; i++) y[i] = x[i] - mean;
    float sumsq = ay_ref_reduce_sumsq(y, n, 1);
    for (uint32_t i = 0; i < n; i++)
        y[i] = ((y[i] / sqrtf(sumsq / (float)n + eps)) * gain[i]) + bias[i];
}

static float ref_gate(float h)
{
    return ay_ref_erf(h / AY_SQRT2) + 1.0F;
}

static float ref_gelu(float h)
{
    return (h * ref_gate(h)) * 0.5F;
}

static float ref_hard_gate(const struct ay_hard_gate *g, float x)
{
    float y = ay_ref_fn(AY_FN_ADD, ay_ref_fn(AY_FN_MUL, x, g->scale), g->shift);
    y = ay_ref_fn(AY_FN_MIN, ay_ref_fn(AY_FN_MAX, y, g->low), g->high);
    return ay_ref_fn(AY_FN_DIV, ay_ref_fn(AY_FN_MUL, x, y), g->by);
}

static float ref_sigmoid(float h, bool times)
{
    float y = 1.0F / (ay_ref_exp(-h) + 1.0F);
    return times ? h * y : y;
}

/* Rows in place, more than are taken at once, and one alone; nothing written behind it. */
static void check_rows(const struct ay_kernels *k, uint32_t n)
{
    static float want[MAX_N];
    const float scales[] = {1.0F, 0x1.6a09e6p-3F, 40.0F, b[0]};
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t rows = 1 + 3 * i, ld = n + i;
        memcpy(out, a, sizeof a);
        k->softmax(out, ld, scales[i], out, ld, rows, n);
        for (uint32_t r = 0; r < rows; r++) {
            ref_softmax(a + r * ld, scales[i], want, n);
            for (uint32_t j = 0; j < n; j++) assert_same("softmax", k, j, out[r * ld + j], want[j]);
            if (i) assert_memory_equal(out + r * ld + n, a + r * ld + n, i * sizeof *a);
        }
    }
    out[n] = 7.0F;
    ref_layer_norm(a, c, d, 1e-12F, want, n);
    memcpy(out, a, n * sizeof *a);
    k->layer_norm(out, c, d, 1e-12F, out, n);
    for (uint32_t i = 0; i < n; i++) assert_same("layer_norm", k, i, out[i], want[i]);
    for (int bias = 0; bias < 2; bias++) {
        memcpy(out, a, n * sizeof *a);
        k->gelu(out, bias ? d : NULL, out, n);
        for (uint32_t i = 0; i < n; i++)
            assert_same("gelu", k, i, out[i], ref_gelu(bias ? a[i] + d[i] : a[i]));
    }
    const struct ay_hard_gate gates[] = {
        {1, 3, 0, 6, 6}, {1.0F / 6, 0.5F, 0, 1, 1}, {b[0], b[1], -2, -1, b[2]}};
    for (int way = 0; way < 3; way++) {
        memcpy(out, a, n * sizeof *a);
        k->hard_gate(&gates[way], out, out, n);
        for (uint32_t i = 0; i < n; i++)
            assert_same("hard_gate", k, i, out[i], ref_hard_gate(&gates[way], a[i]));
    }
    for (int way = 0; way < 4; way++) {
        float add = way / 2 ? d[0] : -0.0F;
        memcpy(out, a, n * sizeof *a);
        k->sigmoid(out, add, way % 2, out, n);
        for (uint32_t i = 0; i < n; i++)
            assert_same("sigmoid", k, i, out[i], ref_sigmoid(a[i] + add, way % 2));
    }
    memcpy(out, a, n * sizeof *a);
    k->gelu_gate(out, out, n);
    for (uint32_t i = 0; i < n; i++) assert_same("gelu_gate", k, i, out[i], ref_gate(a[i]));
    assert_true(out[n] == 7.0F);
}

static void all_functions(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++)
        for (size_t n = 0; n < 70; n++) {
            refill(f);
            check_functions(k, n);
            check_steps(k, n);
        }
    refill(ANY);
    check_functions(k, MAX_N);
    check_steps(k, MAX_N);
}

static void every_edge_pair(const struct ay_kernels *k)
{
    for (size_t i = 0; i < EDGES * EDGES; i++) {
        a[i] = ay_f32(edges[i / EDGES]);
        b[i] = ay_f32(edges[i % EDGES]);
    }
    check_functions(k, EDGES * EDGES);
}

static void all_reductions(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++)
        for (uint32_t n = 0; n < 100; n++) {
            refill(f);
            check_reductions(k, n);
            check_columns(k, n, 1 + n % 37, 37 + n % 3);
        }
    refill(TAME);
    check_reductions(k, 4095);
    check_columns(k, 50, 80, 81);
}

/* x / s as near to the middle of two f32 as can be, s near 1, near 2 and between. */
static void quotients(const struct ay_kernels *k)
{
    for (uint32_t n = 0; n < 1500; n++) {
        uint32_t end = next() % 16, mantissa = n % 3 == 0 ? next() : n % 3 == 1 ? end : ~end;
        float s = ay_f32(0x3f800000u | (mantissa & 0x7fffffu));
        s = ldexpf(n % 2 ? s : -s, (int)(next() % 64) - 32);
        for (uint32_t i = 0; i < 512; i++) {
            double middle = (double)((1u << 24) | (next() & 0xffffffu) | 1);
            a[i] = (float)(ldexp(middle, -24 - (int)(n % 40)) * (double)s);
        }
        k->vs[AY_FN_DIV](a, s, out, 512);
        for (uint32_t i = 0; i < 512; i++) assert_same("quotient", k, i, out[i], a[i] / s);
    }
}

/* Many, as ends that lie too near each other are wrong of few: to beyond where 1 + exp(-h) is 1,
 * and where the quick way ends. */
static void sigmoids(const struct ay_kernels *k)
{
    for (uint32_t n = 0; n < 1000; n++) {
        for (uint32_t i = 0; i < 512; i++) a[i] = (float)(next() >> 8) * 0x1.8p-19F - 26;
        k->sigmoid(a, -0.0F, n % 2, out, 512);
        for (uint32_t i = 0; i < 512; i++)
            assert_same("sigmoid", k, i, out[i], ref_sigmoid(a[i], n % 2));
    }
}

static void all_rows(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++)
        for (uint32_t n = 1; n < 100; n++) {
            refill(f);
            check_rows(k, n);
        }
    refill(TAME);
    check_rows(k, 384);
    for (size_t i = 0; i < MAX_N; i++) a[i] *= 5; /* beyond where GELU's gate is 0 or 2 */
    check_rows(k, 384);
    for (uint32_t n = 1; n < 100; n++) { /* masked, or as good as */
        refill(TAME);
        for (size_t i = 0; i < MAX_N; i++)
            if (next() % 3 == 0) a[i] = next() % 2 ? ay_f32(AY_NEG_INF_BITS) : -200.0F;
        check_rows(k, n);
    }
}

static void all_transposes(const struct ay_kernels *k)
{
    fill(a, MAX_N, TAME);
    for (uint32_t rows = 0; rows < 36; rows++)
        for (uint32_t cols = 0; cols < 36; cols++) {
            for (int i = 0; i < MAX_N; i++) out[i] = 7.0F;
            k->transpose(a, cols + 1, rows, cols, out, rows + 2);
            for (uint32_t i = 0; i < cols; i++)
                for (uint32_t j = 0; j < rows + 2; j++)
                    assert_same("transpose", k, i, out[i * (rows + 2) + j],
                                j < rows ? a[j * (cols + 1) + i] : 7.0F);
        }
}

static void test_functions_any_input_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_functions);
    for_each_table(every_edge_pair);
}

static void test_reductions_any_length_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_reductions);
}

static void test_rows_any_length_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_rows);
    for_each_table(quotients);
    for_each_table(sigmoids);
}

static void test_transpose_any_shape_moves_bits(void **s)
{
    (void)s;
    for_each_table(all_transposes);
}

static void test_select_unknown_name_is_refused(void **s)
{
    (void)s;
    const struct ay_kernels *k = NULL;
    assert_int_equal(ay_kernels_named("sse9", &k), AY_E_USAGE);
    setenv("ASSAY_CPU", "sse9", 1);
    assert_int_equal(ay_kernels_select(&k), AY_E_USAGE);
    assert_null(k);
    setenv("ASSAY_CPU", "scalar", 1);
    assert_int_equal(ay_kernels_select(&k), AY_OK);
    assert_string_equal(k->name, "scalar");
    unsetenv("ASSAY_CPU");
    assert_int_equal(ay_kernels_select(&k), AY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_any_input_equal_ref),
        cmocka_unit_test(test_reductions_any_length_equal_ref),
        cmocka_unit_test(test_rows_any_length_equal_ref),
        cmocka_unit_test(test_transpose_any_shape_moves_bits),
        cmocka_unit_test(test_select_unknown_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
