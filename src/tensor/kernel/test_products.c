/* Every table that runs here equals ref/ bit for bit, on random, edge and all small shapes:
 * products of matrices, patches of an image, filters, windows over planes. */
#include "tensor/convert.h"
#include "tensor/kernel/testing.h"

static float packed[MAX_N * 6];

static float ref_scaled(float x, struct ay_per_row scale, struct ay_per_row shift, size_t i)
{
    x = ay_ref_fn(AY_FN_MUL, x, scale.at[i * scale.step]);
    return ay_ref_fn(AY_FN_ADD, x, shift.at[i * shift.step]);
}

/* What struct ay_affine says of x, by the functions of ref/. */
static float ref_affine(const struct ay_affine *t, float x, size_t i, size_t j)
{
    x = ref_scaled(x, t->scale, t->shift, i);
    if (t->twice) x = ref_scaled(x, t->scale_again, t->shift_again, i);
    if (t->add)
        x = ay_ref_fn(AY_FN_ADD, x,
                      ref_scaled(t->add[i * t->add_step + j], t->add_scale, t->add_shift, i));
    return ay_ref_fn(AY_FN_MIN, ay_ref_fn(AY_FN_MAX, x, t->low), t->high);
}

/* One of that form, with rows of n numbers to add. */
static struct ay_affine random_affine(size_t n)
{
    struct ay_affine t = {.scale = {c, 1}, .shift = {d, 1}, .twice = next() % 2};
    t.scale_again = (struct ay_per_row){b, 1};
    t.shift_again = (struct ay_per_row){a + 1, next() % 2};
    t.low = next() % 2 ? 0 : ay_f32(AY_NEG_INF_BITS);
    t.high = next() % 2 ? 1.5F : -ay_f32(AY_NEG_INF_BITS);
    if (next() % 3 == 0) return t;
    t.add = c;
    t.add_step = n;
    t.add_scale = (struct ay_per_row){d, next() % 2};
    t.add_shift = (struct ay_per_row){a, 1};
    return t;
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
    const struct ay_affine rows = random_affine(n);
    const struct ay_affine same = {
        {c, 0}, {d, 0}, .low = ay_f32(AY_NEG_INF_BITS), .high = -ay_f32(AY_NEG_INF_BITS)};
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
        if (left == 0) left = next() % 3 ? 1 + next() % (n - j) : 1;
        run[j] = left;
        n_at[j] = j && run[j - 1] > 1 ? n_at[j - 1] + (int32_t)step : (int32_t)(next() % 1000);
    }
    return (struct ay_patches){a, k_at, n_at, run, kk, step, next() % 2};
}

/* a, as maxima take it. */
static const float *canonical(void)
{
    static float x[MAX_N];
    for (size_t i = 0; i < MAX_N; i++) x[i] = ay_f32(ay_canonical_f32(ay_f32_bits(a[i])));
    return x;
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
        if (kind == 2) {
            w.image = canonical();
            k->max_patches(&w, n0, n, out);
        }
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
    static float room[MAX_N * 20];
    const uint32_t ldc = n + 3, n0 = n / 3, m0 = m / 2 / k->filters * k->filters;
    struct ay_patches w = random_patches(n, kk, 1 + next() % 2);
    const struct ay_affine rows = random_affine(n);
    assert_true(m * kk <= MAX_N && m * n <= MAX_N &&
                ay_filter_room(k->filters, n, kk) <= MAX_N * 20);
    assert_true(ay_packed_floats(k->filters, m, kk) <= sizeof packed / sizeof packed[0]);
    k->pack_filters(b, m, kk, packed);
    for (int way = 0; way < 2; way++) {
        struct ay_filter_gemm g = {&w, packed, out, ldc, m, false, way ? &rows : NULL};
        for (size_t i = 0; i < (size_t)m * ldc; i++) out[i] = 7.0F;
        if (n0) k->gemm_filters(&g, 0, m, 0, n0, room);
        if (m0) k->gemm_filters(&g, 0, m0, n0, n, room);
        g.laid = m0 > 0;
        k->gemm_filters(&g, m0, m, n0, n, room);
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

static void small_shapes(const struct ay_kernels *k)
{
    for (uint32_t m = 1; m <= 18; m++)
        for (uint32_t n = 1; n <= 100; n += n < 20 ? 1 : 7)
            for (uint32_t kk = 1; kk <= 9; kk += 4) {
                refill((enum flavour)(next() % FLAVOURS));
                check_gemm(k, m, n, kk);
            }
}

/* So that each number of panels goes together. */
static void few_rows(const struct ay_kernels *k)
{
    for (uint32_t m = 1; m <= 3; m++)
        for (uint32_t panels = 1; panels <= 20; panels++) {
            refill((enum flavour)(next() % FLAVOURS));
            check_gemm(k, m, panels * k->panel, 8);
            check_gemm(k, m, panels * k->panel + 3, 3);
        }
}

static void long_chains(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++) {
        refill(f);
        check_gemm(k, 3, 4, 770);   /* three blocks of k */
        check_gemm(k, 140, 25, 20); /* two blocks of m */
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
            }
}

static void all_filters(const struct ay_kernels *k)
{
    for (enum flavour f = TAME; f < FLAVOURS; f++) {
        refill(f);
        check_filters(k, 26, 20, 310); /* blocks of k */
        for (uint32_t n = 1; n < 150; n += 1 + n / 6)
            for (uint32_t kk = 1; kk < 40; kk = 2 * kk + 1)
                check_filters(k, 1 + next() % (n < 50 ? 150 : 50), n, kk);
    }
}

/* Windows over a plane that may lie anywhere beside it; large: in several parts, which are the
 * smallest where windows are as wide as may be. */
static void check_stencil(const struct ay_kernels *k, bool large, bool far)
{
    struct ay_stencil w = {large ? 20 + next() % 8 : 1 + next() % 12,
                           large ? 200 + next() % 100 : 1 + next() % 45,
                           large ? 10 + next() % 11 : 1 + next() % 9,
                           large ? 280 + next() % 120 : 1 + next() % 40,
                           1 + next() % 4,
                           1 + next() % 5,
                           1 + next() % 3,
                           1 + next() % (next() % 3 ? 2 : 9),
                           1 + next() % 2,
                           1 + next() % 3,
                           0,
                           0,
                           next() % 2 ? 0 : ay_f32(ay_canonical_f32(ay_f32_bits(c[0])))};
    far = far && w.kernel_width > 1;
    while (far && ay_stencil_fits(&w)) {
        w.row_gap += next() % 4;
        w.column_gap += 1 + next() % 20;
    }
    while (!ay_stencil_fits(&w)) {
        w.row_gap -= w.row_gap > 1;
        w.column_gap -= w.column_gap > 1;
    }
    w.top = (int32_t)(next() % 9) - 6;
    w.left = (int32_t)(next() % 60) - 40;
    uint32_t kk = w.kernel_height * w.kernel_width, n = w.rows * w.columns;
    const struct ay_affine follows = random_affine(0);
    const bool small = w.kernel_width == w.kernel_height && w.kernel_width / 2 == 1;
    for (int way = 0; way < 3 + small; way++) {
        if (way != 2 && w.column_stride > 2) continue;
        out[n] = 7.0F;
        if (way < 2) k->chain_stencil(&w, a, b, way ? &follows : NULL, out);
        if (way == 2) k->max_stencil(&w, canonical(), out);
        if (way == 3) k->sum_stencil(&w, a, out);
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
            float want = way < 2    ? ay_ref_chain(0, window, b, kk)
                         : way == 2 ? ay_ref_reduce_max(window, kk, 1)
                                    : ay_ref_reduce_sum(window, kk, 1);
            if (way == 1) want = ref_affine(&follows, want, 0, j);
            assert_same("stencil", k, j, out[j], want);
        }
        assert_true(out[n] == 7.0F);
    }
}

static void all_stencils(const struct ay_kernels *k)
{
    for (uint32_t i = 0; i < 1000; i++) {
        if (i % 50 == 0) refill((enum flavour)(next() % FLAVOURS));
        check_stencil(k, i % 100 == 99, i % 10 == 9);
    }
}

/* Parts of rows, to their own memory now and then. */
static void check_affine(const struct ay_kernels *k)
{
    const size_t m = 1 + next() % 5, n = 1 + next() % 90, ldx = n + next() % 3;
    const size_t m0 = next() % m, n0 = next() % n, m1 = m0 + 1 + next() % (m - m0);
    const size_t n1 = n0 + 1 + next() % (n - n0);
    const struct ay_affine rows = random_affine(n);
    float *to = next() % 2 ? out : out + MAX_N;
    for (size_t i = 0; i < m * ldx; i++) out[i] = a[i];
    for (size_t i = 0; i < m * ldx && to != out; i++) to[i] = 7.0F;
    k->affine(&rows, out, ldx, m0, m1, n0, n1, to, ldx);
    for (size_t i = 0; i < m * ldx; i++) {
        size_t r = i / ldx, j = i % ldx;
        bool inside = r >= m0 && r < m1 && j >= n0 && j < n1;
        const float seven = 7.0F;
        if (inside)
            assert_same("affine", k, i, to[i], ref_affine(&rows, a[i], r, j));
        else
            assert_memory_equal(&to[i], to == out ? &a[i] : &seven, sizeof seven);
    }
}

static void all_affine(const struct ay_kernels *k)
{
    for (uint32_t i = 0; i < 1000; i++) {
        if (i % 50 == 0) refill((enum flavour)(next() % FLAVOURS));
        check_affine(k);
    }
}

static void test_gemm_any_shape_equals_ref(void **s)
{
    (void)s;
    for_each_table(small_shapes);
    for_each_table(few_rows);
    for_each_table(long_chains);
}

static void test_patches_any_runs_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_patches);
}

static void test_filters_any_shape_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_filters);
}

static void test_stencils_any_window_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_stencils);
}

static void test_affine_any_part_equals_ref(void **s)
{
    (void)s;
    for_each_table(all_affine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_any_shape_equals_ref),
        cmocka_unit_test(test_patches_any_runs_equal_ref),
        cmocka_unit_test(test_filters_any_shape_equal_ref),
        cmocka_unit_test(test_stencils_any_window_equal_ref),
        cmocka_unit_test(test_affine_any_part_equals_ref),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
