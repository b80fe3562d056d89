/* Every table of integer kernels that runs here, and those of VNNI and AMX emulated, equal ref/, on
 * all small shapes and any bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tensor/kernel/tables.h"
#include "tensor/ref/float.h"

enum { MAX_M = 18, MAX_N = 120, MAX_K = 140 };
/* Few long rows: more than kernels take at a time. */
enum { LONG_N = 20, LONG_K = 1700, ELEMENTS = LONG_N * LONG_K };

static uint64_t state = 0x243f6a8885a308d3u;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static uint8_t a[ELEMENTS], b[ELEMENTS];
static float x[ELEMENTS], d[ELEMENTS];
static _Alignas(64) uint8_t packed[ELEMENTS * 8];
static uint32_t words[ELEMENTS];
static float scale[ELEMENTS], out_f[MAX_M * MAX_N];
static int32_t add[MAX_M], out[MAX_M * MAX_N];

/* Bytes that are often the ends of their range. */
static void fill(uint8_t *to, size_t n)
{
    static const uint8_t ends[] = {0, 1, 127, 128, 129, 255};
    for (size_t i = 0; i < n; i++) to[i] = next() % 2 ? ends[next() % 6] : (uint8_t)next();
}

static int32_t element(const uint8_t *at, bool is_signed)
{
    return is_signed ? (int8_t)*at : *at;
}

/* Panels of an image of words are those of the bytes that it is woven of. */
static void check_woven(const struct ay_int_kernels *k, uint32_t n, uint32_t groups, bool is_signed)
{
    enum { PLANE = 97 };
    static uint32_t image[6 * PLANE], run[MAX_N];
    static int32_t k_at[6], n_at[MAX_N];
    uint32_t channels = groups * k->group - next() % k->group, kk = groups * k->group;
    fill(a, channels * PLANE);
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t left = channels - g * k->group, count = left < k->group ? left : k->group;
        k->weave(a + g * k->group * PLANE, PLANE, count, is_signed, PLANE, image + g * PLANE);
        k_at[g] = (int32_t)(g * PLANE);
    }
    for (uint32_t j = 0; j < n; j += run[j]) {
        uint32_t len = 1 + next() % 40;
        if (len > n - j) len = n - j;
        for (uint32_t i = 0; i < len; i++) run[j + i] = len - i;
        n_at[j] = (int32_t)(next() % (PLANE - 40));
        for (uint32_t i = 1; i < len; i++) n_at[j + i] = n_at[j] + (int32_t)i;
    }
    /* A channel that is not there is packed as zero, which in the kernels' bytes is the offset. */
    memset(b, k->group == 4 && k->sums && !is_signed ? 128 : 0, (size_t)n * kk);
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t c = 0; c < channels; c++) b[j * kk + c] = a[c * PLANE + (uint32_t)n_at[j]];
    k->pack(b, is_signed, n, kk, packed);
    const struct ay_patches w = {(const float *)(const void *)image, k_at, n_at, run, groups, 1};
    static _Alignas(64) uint32_t panel[7 * 64];
    assert_true(k->panel <= 64);
    for (uint32_t n0 = 0; n0 < n; n0 += k->panel) {
        uint32_t cols = n - n0 < k->panel ? n - n0 : k->panel;
        k->pack_woven(&w, n0, n0 + cols, panel);
        const uint32_t *want = (const uint32_t *)(const void *)packed + n0 * (groups + k->sums);
        for (uint32_t i = 0; i < groups + k->sums; i++)
            assert_memory_equal(panel + i * k->panel, want + i * k->panel, cols * sizeof *want);
    }
}

static void check_gemm(const struct ay_int_kernels *k, uint32_t m, uint32_t n, uint32_t kk,
                       bool a_signed, bool b_signed)
{
    fill(a, (size_t)m * kk);
    fill(b, (size_t)n * kk);
    assert_true(ay_int_pack_bytes(k, n, kk) <= sizeof packed);
    size_t lda = ay_int_words(k, kk) + 1;
    for (uint32_t i = 0; i < m; i++)
        add[i] = k->row(a + (size_t)i * kk, a_signed, b_signed, kk, words + i * lda);
    k->pack(b, b_signed, n, kk, packed);
    struct ay_int_gemm g = {words, add, packed, out, lda, n + 1, m, n, kk, a_signed, b_signed};
    for (size_t i = 0; i < (size_t)m * (n + 1); i++) out[i] = 7;
    uint32_t half = n / 2 / k->panel * k->panel;
    k->gemm(&g, 0, half);
    k->gemm(&g, half, n);
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = 0; j <= n; j++) {
            int32_t want = j < n ? 0 : 7;
            for (uint32_t l = 0; j < n && l < kk; l++)
                want = ay_ref_chain_int(want, element(&a[(size_t)i * kk + l], a_signed),
                                        element(&b[(size_t)j * kk + l], b_signed));
            assert_int_equal(out[(size_t)i * (n + 1) + j], want);
        }
}

static void check_q8(const struct ay_int_kernels *k, uint32_t m, uint32_t n, uint32_t kk, bool odd)
{
    uint32_t blocks = (kk + AY_Q8_BLOCK - 1) / AY_Q8_BLOCK;
    fill(b, (size_t)n * kk);
    for (size_t i = 0; i < (size_t)m * kk; i++)
        x[i] = odd && next() % 64 == 0 ? ay_f32(next()) : (float)(int32_t)next() * 0x1p-28F;
    if (odd) memset(x, 0, kk * sizeof *x);
    for (size_t i = 0; i < (size_t)n * blocks; i++)
        d[i] = odd && next() % 64 == 0 ? ay_f32(next()) : (float)(int32_t)next() * 0x1p-38F;
    assert_true(ay_q8_pack_bytes(k, n, kk) <= sizeof packed);
    size_t lda = ay_q8_words(k, kk);
    for (uint32_t i = 0; i < m; i++)
        k->row_q8(x + (size_t)i * kk, kk, words + i * lda, scale + (size_t)i * blocks);
    uint32_t half = n / 2 / k->panel * k->panel;
    k->pack_q8((const int8_t *)b, d, n, kk, half, n, packed);
    k->pack_q8((const int8_t *)b, d, n, kk, 0, half, packed);
    struct ay_q8_gemm g = {words, scale, packed, out_f, lda, n, m, n, kk};
    k->gemm_q8(&g, 0, half);
    k->gemm_q8(&g, half, n);
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = 0; j < n; j++) {
            float want = ay_ref_chain_q8(0, x + (size_t)i * kk, (const int8_t *)b + (size_t)j * kk,
                                         d + (size_t)j * blocks, kk);
            uint32_t bits;
            memcpy(&bits, &out_f[(size_t)i * n + j], sizeof bits);
            assert_int_equal(bits, ay_f32_bits(want));
        }
}

static void for_each_table(void (*check)(const struct ay_int_kernels *))
{
    static const char *const names[] = {"scalar", "avx2", "vnni", "amx"};
    for (int i = 0; i < 4; i++) {
        const struct ay_int_kernels *k = ay_integers_named(names[i]);
        if (!k) continue;
        print_message("%s\n", k->name);
        check(k);
    }
    const struct ay_int_kernels *const emulated[] = {&ay_integers_vnni_emulated,
                                                     &ay_integers_amx_emulated};
    for (int i = 0; i < 2; i++) {
        print_message("%s\n", emulated[i]->name);
        check(emulated[i]);
    }
}

static void all_products(const struct ay_int_kernels *k)
{
    for (uint32_t m = 1; m <= MAX_M; m++)
        for (uint32_t n = 1; n <= MAX_N; n += n < 20 ? 1 : 19)
            for (uint32_t kk = 1; kk <= MAX_K; kk = 2 * kk + 1 + next() % 2)
                check_gemm(k, m, n, kk, next() % 2, next() % 2);
    for (uint32_t m = 1; m <= MAX_M; m++)
        check_gemm(k, m, LONG_N - m % 5, LONG_K - m * 7, next() % 2, next() % 2);
}

static void all_woven(const struct ay_int_kernels *k)
{
    for (uint32_t n = 1; n <= MAX_N; n++)
        for (uint32_t groups = 1; groups <= 6; groups++) check_woven(k, n, groups, next() % 2);
}

static void all_q8(const struct ay_int_kernels *k)
{
    for (uint32_t m = 1; m <= MAX_M; m++)
        for (uint32_t n = 1; n <= MAX_N; n += n < 20 ? 1 : 19)
            for (uint32_t kk = 1; kk <= MAX_K; kk = 2 * kk + 1 + next() % 2)
                check_q8(k, m, n, kk, m % 2);
    for (uint32_t m = 1; m <= MAX_M; m++) check_q8(k, m, LONG_N - m % 5, LONG_K - m * 7, m % 2);
}

static void test_integers_any_shape_and_signs_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_products);
}

static void test_integers_woven_panels_equal_packed_ones(void **s)
{
    (void)s;
    for_each_table(all_woven);
}

static void test_integers_blocks_of_any_shape_equal_ref(void **s)
{
    (void)s;
    for_each_table(all_q8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_any_shape_and_signs_equal_ref),
        cmocka_unit_test(test_integers_woven_panels_equal_packed_ones),
        cmocka_unit_test(test_integers_blocks_of_any_shape_equal_ref),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
