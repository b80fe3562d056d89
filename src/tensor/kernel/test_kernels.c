/* Every table that runs here equals ref/ bit for bit, on random, edge and all small shapes. */
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

static float a[MAX_N], b[MAX_N], c[MAX_N], d[MAX_N], out[MAX_N * 2], packed[MAX_N * 6];

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

static float ref_gelu(float h)
{
    return (h * (ay_ref_erf(h / AY_SQRT2) + 1.0F)) * 0.5F;
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
    assert_true(out[n] == 7.0F);
}

/* What struct ay_affine says of x, by the functions of ref/. */
static float ref_affine(const struct ay_affine *t, float x, size_t i, size_t j)
{
    x = ay_ref_fn(AY_FN_MUL, x, t->scale[i * t->scale_step]);
    x = ay_ref_fn(AY_FN_ADD, x, t->shift[i * t->shift_step]);
    if (t->add) x = ay_ref_fn(AY_FN_ADD, x, t->add[i * t->add_step + j]);
    return ay_ref_fn(AY_FN_MAX, x, t->low);
}

/* The ways of B and what may follow, on a C with room to its right. */
static void check_gemm(const struct ay_kernels *k, uint32_t m, uint32_t n, uint32_t kk)
{
    static float k_major[MAX_N];
    const uint32_t ldc = n + 3, lda = kk + 1, ldb = n + 5;
    assert_true(m * lda <= MAX_N && n * kk <= MAX_N && kk * ldb <= MAX_N && m * ldc <= MAX_N);
    assert_true(ay_packed_floats(k->panel, n, kk) <= sizeof packed / sizeof packed[0]);
    k->pack(b, kk, n, kk, packed);
    k->transpose(b, kk, n, kk, k_major, ldb);
    const struct ay_affine rows = {c, d, 1, 1, c, n, 0};
    const struct ay_affine same = {c, d, .low = ay_f32(AY_NEG_INF_BITS)};
    for (int way = 0; way < 4; way++) {
        const struct ay_affine *affine = way == 2 ? &rows : way == 3 ? &same : NULL;
        struct ay_gemm g = {.a = a,
                            .b = way == 1 ? k_major : packed,
                            .c = out,
                            .lda = lda,
                            .ldb = way == 1 ? ldb : 0,
                            .ldc = ldc,
                            .m = m,
                            .n = n,
                            .k = kk,
                            .affine = affine};
        for (size_t i = 0; i < (size_t)m * ldc; i++) out[i] = 7.0F;
        uint32_t half = n / 2 / k->panel * k->panel;
        k->gemm(&g, 0, m, 0, half);
        k->gemm(&g, 0, m / 2, half, n);
        k->gemm(&g, m / 2, m, half, n);
        for (uint32_t i = 0; i < m; i++)
            for (uint32_t j = 0; j < ldc; j++) {
                float y = 7.0F;
                if (j < n) y = ay_ref_chain(0, a + (size_t)i * lda, b + (size_t)j * kk, kk);
                if (j < n && affine) y = ref_affine(affine, y, i, j);
                assert_same("gemm", k, (size_t)i * ldc + j, out[(size_t)i * ldc + j], y);
            }
    }
}

/* A chain in two parts is the chain. */
static void check_resumed(const struct ay_kernels *k, uint32_t m, uint32_t n, uint32_t kk)
{
    uint32_t first = kk / 2;
    struct ay_gemm g = {.a = a, .b = packed, .c = out, .lda = kk, .ldc = n, .m = m, .n = n};
    g.k = first;
    k->pack(b, kk, n, g.k, packed);
    k->gemm(&g, 0, m, 0, n);
    g.a = a + first;
    g.k = kk - first;
    g.resume = true;
    k->pack(b + first, kk, n, g.k, packed);
    k->gemm(&g, 0, m, 0, n);
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = 0; j < n; j++)
            assert_same("resumed gemm", k, (size_t)i * n + j, out[(size_t)i * n + j],
                        ay_ref_chain(0, a + (size_t)i * kk, b + (size_t)j * kk, kk));
}

/* Columns in runs of random lengths at random places of the image, which is a. */
static struct ay_patches random_patches(uint32_t n, uint32_t kk, uint32_t step)
{
    static int32_t k_at[MAX_N], n_at[MAX_N];
    static uint32_t run[MAX_N];
    for (uint32_t i = 0; i < kk; i++) k_at[i] = (int32_t)(next() % 1000);
    for (uint32_t j = 0, left = 0; j < n; j++, left--) {
        if (left == 0) left = 1 + next() % (n - j);
        run[j] = left;
        n_at[j] = j && run[j - 1] > 1 ? n_at[j - 1] + (int32_t)step : (int32_t)(next() % 1000);
    }
    return (struct ay_patches){a, k_at, n_at, run, kk, step};
}

static void check_patches(const struct ay_kernels *k, uint32_t n, uint32_t kk, uint32_t step)
{
    struct ay_patches w = random_patches(n, kk, step);
    uint32_t n0 = n / 3, k0 = kk / 3;
    k->pack_patches(&w, k0, kk, n0, n, packed);
    for (uint32_t i = k0; i < kk; i++)
        for (uint32_t j = n0; j < n; j++) {
            size_t panel = (j - n0) / k->panel * k->panel, column = (j - n0) % k->panel;
            size_t at = panel * (kk - k0) + (i - k0) * k->panel + column;
            assert_memory_equal(&packed[at], &a[w.k_at[i] + w.n_at[j]], sizeof *a);
        }
    for (int kind = 0; kind < 3; kind++) {
        out[n - n0] = 7.0F;
        if (kind == 0) k->chain_patches(&w, b, n0, n, out);
        if (kind == 1) k->sum_patches(&w, n0, n, out);
        if (kind == 2) k->max_patches(&w, n0, n, out);
        for (uint32_t j = n0; j < n; j++) {
            for (uint32_t i = 0; i < kk; i++) d[i] = a[w.k_at[i] + w.n_at[j]];
            float want = kind == 0   ? ay_ref_chain(0, d, b, kk)
                         : kind == 1 ? ay_ref_reduce_sum(d, kk, 1)
                                     : ay_ref_reduce_max(d, kk, 1);
            assert_same("patches", k, j, out[j - n0], want);
        }
        assert_true(out[n - n0] == 7.0F);
    }
}

/* Products of filters with patches, in parts, and what may follow. */
static void check_filters(const struct ay_kernels *k, uint32_t m, uint32_t n, uint32_t kk)
{
    static float sums[MAX_N * 2];
    const uint32_t ldc = n + 3, n0 = n / 3, m0 = m / 2 / k->filters * k->filters;
    struct ay_patches w = random_patches(n, kk, 1 + next() % 2);
    const struct ay_affine rows = {c, d, 1, 1, c, n, 0};
    assert_true(m * kk <= MAX_N && m * n <= MAX_N && n * k->filters <= 2 * MAX_N);
    assert_true(ay_packed_floats(k->filters, m, kk) <= sizeof packed / sizeof packed[0]);
    k->pack_filters(b, m, kk, packed);
    for (int way = 0; way < 2; way++) {
        struct ay_filter_gemm g = {&w, packed, out, ldc, m, way ? &rows : NULL};
        for (size_t i = 0; i < (size_t)m * ldc; i++) out[i] = 7.0F;
        if (n0) k->gemm_filters(&g, 0, m, 0, n0, sums);
        if (m0) k->gemm_filters(&g, 0, m0, n0, n, sums);
        k->gemm_filters(&g, m0, m, n0, n, sums);
        for (uint32_t i = 0; i < m; i++)
            for (uint32_t j = 0; j < ldc; j++) {
                float y = 0;
                for (uint32_t l = 0; j < n && l < kk; l++)
                    y = fmaf(b[i * kk + l], a[w.k_at[l] + w.n_at[j]], y);
                if (y != y) y = ay_f32(AY_NAN_BITS);
                if (way) y = ref_affine(&rows, y, i, j);
                assert_same("filters", k, (size_t)i * ldc + j, out[(size_t)i * ldc + j],
                            j < n ? y : 7.0F);
            }
    }
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

static void refill(enum flavour flavour)
{
    fill(a, MAX_N, flavour);
    fill(b, MAX_N, flavour);
    fill(c, MAX_N, flavour);
    fill(d, MAX_N, flavour);
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

static void all_rows(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++)
        for (uint32_t n = 1; n < 100; n++) {
            refill(f);
            check_rows(k, n);
        }
    refill(TAME);
    check_rows(k, 384);
    for (uint32_t n = 1; n < 100; n++) { /* masked, or as good as */
        refill(TAME);
        for (size_t i = 0; i < MAX_N; i++)
            if (next() % 3 == 0) a[i] = next() % 2 ? ay_f32(AY_NEG_INF_BITS) : -200.0F;
        check_rows(k, n);
    }
}

static void small_shapes(const struct ay_kernels *k)
{
    for (uint32_t m = 1; m <= 18; m++)
        for (uint32_t n = 1; n <= 100; n += n < 20 ? 1 : 7)
            for (uint32_t kk = 1; kk <= 9; kk += 4) {
                refill((enum flavour)(next() % FLAVOURS));
                check_gemm(k, m, n, kk);
            }
}

static void long_chains(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++) {
        refill(f);
        check_gemm(k, 3, 4, 770);   /* three blocks of k */
        check_gemm(k, 140, 25, 20); /* two blocks of m */
        check_filters(k, 26, 20, 310);
    }
}

static void all_patches(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++)
        for (uint32_t n = 1; n < 150; n += 1 + n / 20)
            for (uint32_t kk = 1; kk < 40; kk = 2 * kk + 1) {
                refill(f);
                check_patches(k, n, kk, 1 + next() % 2);
                check_resumed(k, 1 + n % 9, 1 + n / 2, kk + 1);
                check_filters(k, 1 + next() % (n < 50 ? 150 : 50), n, kk);
            }
}

/* Windows over a plane that may lie anywhere beside it. */
static void check_stencil(const struct ay_kernels *k)
{
    struct ay_stencil w = {1 + next() % 12,
                           1 + next() % 45,
                           1 + next() % 9,
                           1 + next() % 40,
                           1 + next() % 4,
                           1 + next() % 5,
                           1 + next() % 3,
                           1 + next() % 2,
                           1 + next() % 2,
                           1 + next() % 3,
                           0,
                           0,
                           next() % 2 ? 0 : c[0]};
    w.top = (int32_t)(next() % 9) - 6;
    w.left = (int32_t)(next() % 60) - 40;
    uint32_t kk = w.kernel_height * w.kernel_width, n = w.rows * w.columns;
    const struct ay_affine follows = {c, d, .add = c, .low = 0};
    for (int way = 0; way < 3; way++) {
        out[n] = 7.0F;
        if (way < 2) k->chain_stencil(&w, a, b, way ? &follows : NULL, out);
        if (way == 2) k->max_stencil(&w, a, out);
        for (uint32_t j = 0; j < n; j++) {
            float window[20];
            for (uint32_t i = 0; i < kk; i++) {
                int64_t y = (int64_t)(j / w.columns) * w.row_stride + w.top +
                            (int64_t)(i / w.kernel_width) * w.row_gap;
                int64_t x = (int64_t)(j % w.columns) * w.column_stride + w.left +
                            (int64_t)(i % w.kernel_width) * w.column_gap;
                bool inside = y >= 0 && y < w.height && x >= 0 && x < w.width;
                window[i] = inside ? a[y * w.width + x] : w.fill;
            }
            float want =
                way < 2 ? ay_ref_chain(0, window, b, kk) : ay_ref_reduce_max(window, kk, 1);
            if (way == 1) want = ref_affine(&follows, want, 0, j);
            assert_same("stencil", k, j, out[j], want);
        }
        assert_true(out[n] == 7.0F);
    }
}

static void all_stencils(const struct ay_kernels *k)
{
    for (uint32_t i = 0; i < 2000; i++) {
        if (i % 50 == 0) refill((enum flavour)(next() % FLAVOURS));
        check_stencil(k);
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
}

static void test_gemm_any_shape_equals_ref(void **s)
{
    (void)s;
    for_each_table(small_shapes);
    for_each_table(long_chains);
}

static void test_patches_any_runs_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_patches);
    for_each_table(all_stencils);
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
        cmocka_unit_test(test_gemm_any_shape_equals_ref),
        cmocka_unit_test(test_patches_any_runs_equal_ref),
        cmocka_unit_test(test_transpose_any_shape_moves_bits),
        cmocka_unit_test(test_select_unknown_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
