/* Operators in integers alone (docs/quantize.md), against their definitions in plain arithmetic. */
#include "tensor/lower/test_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 60u

static int64_t below(uint64_t n)
{
    return (int64_t)(ay_test_random(&ay_test_seed) % n);
}

static struct ay_test_work fixed(const char *op)
{
    struct ay_test_work w = ay_test_work(op, 1, 1);
    w.domain = "assay";
    return w;
}

/* Rounded down, whatever the sign. */
static __int128 quotient(__int128 x, __int128 y)
{
    return x / y - (x % y < 0);
}

static int64_t clamped(__int128 y, uint32_t dtype)
{
    int64_t low = dtype == I8 ? -128 : 0, high = low + 255;
    return y < low ? low : y > high ? high : (int64_t)y;
}

/* zero + floor((v m / 2^s) + 1 / 2), clamped. */
static int64_t rounded(int64_t v, int64_t m, int64_t s, int64_t zero, uint32_t dtype)
{
    __int128 one = 1;
    return clamped(quotient((__int128)v * m + (one << (s - 1)), one << s) + zero, dtype);
}

/* Ratios that bring sums of about `size` into bytes, (n) of them or one. */
static void give_ratios(struct ay_test_work *w, uint64_t n, int64_t size, int64_t most_shift)
{
    int32_t multiplier[8], shift[8];
    bool each = below(2);
    for (uint64_t i = 0; i < n; i++) {
        shift[i] = (int32_t)(1 + below((uint64_t)most_shift));
        double m = 200.0 / (double)size * (double)(1ull << shift[i]) * (double)(1 + below(8)) / 4;
        multiplier[i] = (int32_t)(m < 0x1p31 ? m : 0x7fffffff);
    }
    ay_test_give(w, I32, each, &n, multiplier);
    ay_test_give(w, I32, each, &n, shift);
}

static int64_t one_of(const struct ay_test_tensor *t, uint64_t i)
{
    return ay_test_at(t, t->rank ? i : 0);
}

static void test_qmatmul_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t m = 1 + (uint64_t)below(4), k = 1 + (uint64_t)below(70);
        uint64_t n = 1 + (uint64_t)below(8);
        uint32_t da = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        struct ay_test_work w = fixed("QMatMul");
        ay_test_give(&w, da, SHAPE(m, k), NULL);
        ay_test_give(&w, da, 0, NULL, NULL);
        ay_test_give(&w, I8, SHAPE(n, k), NULL);
        give_ratios(&w, n, (int64_t)k * 4000, 53);
        ay_test_give(&w, dy, 0, NULL, NULL);
        if (below(2)) ay_test_give(&w, I32, SHAPE(n), NULL);
        ay_test_either_way(&w, below(2) ? 1 : 5);
        assert_int_equal(w.out[0].dtype, dy);
        for (uint64_t i = 0; i < m * n; i++) {
            int64_t sum = w.in_count > 6 ? ay_test_at(&w.in[6], i % n) : 0;
            for (uint64_t j = 0; j < k; j++)
                sum += (ay_test_at(&w.in[0], i / n * k + j) - ay_test_at(&w.in[1], 0)) *
                       ay_test_at(&w.in[2], i % n * k + j);
            assert_int_equal(ay_test_at(&w.out[0], i),
                             rounded(sum, one_of(&w.in[3], i % n), one_of(&w.in[4], i % n),
                                     ay_test_at(&w.in[5], 0), dy));
        }
        ay_test_arena.used = 0;
    }
}

/* By ConvInteger, whose definition has its own test. */
static void test_qconv_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t groups = 1 + (uint64_t)below(2), maps = groups * (1 + (uint64_t)below(4));
        uint64_t channels = groups * (1 + (uint64_t)below(5)), size = 3 + (uint64_t)below(6);
        uint32_t dx = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        struct ay_test_work w = fixed("QConv"), sums = ay_test_work("ConvInteger", 10, 1);
        int64_t pad = below(2);
        ay_test_set_int(&w, "group", (int64_t)groups);
        ay_test_set_ints(&w, "pads", (const int64_t[]){pad, pad, pad, pad}, 4);
        memcpy(sums.attributes, w.attributes, sizeof w.attributes);
        sums.attributes_count = w.attributes_count;
        ay_test_give(&w, dx, SHAPE(1 + (uint64_t)below(2), channels, size, size + 1), NULL);
        ay_test_give(&w, dx, 0, NULL, NULL);
        ay_test_give(&w, I8, SHAPE(maps, channels / groups, 3, 2), NULL);
        give_ratios(&w, maps, (int64_t)channels * 24000, 53);
        ay_test_give(&w, dy, 0, NULL, NULL);
        if (below(2)) ay_test_give(&w, I32, SHAPE(maps), NULL);
        ay_test_either_way(&w, below(2) ? 1 : 5);
        sums.in[0] = w.in[0];
        sums.in[1] = w.in[2];
        sums.in[2] = w.in[1];
        sums.in_count = 3;
        ay_test_lowered(&sums, 0);
        const uint64_t *dims = w.out[0].dims;
        assert_memory_equal(dims, sums.out[0].dims, sizeof w.out[0].dims);
        for (uint64_t i = 0; i < ay_test_count(&w.out[0]); i++) {
            uint64_t c = i / (dims[2] * dims[3]) % maps;
            int64_t sum =
                ay_test_at(&sums.out[0], i) + (w.in_count > 6 ? ay_test_at(&w.in[6], c) : 0);
            assert_int_equal(ay_test_at(&w.out[0], i),
                             rounded(sum, one_of(&w.in[3], c), one_of(&w.in[4], c),
                                     ay_test_at(&w.in[5], 0), dy));
        }
        ay_test_arena.used = 0;
    }
}

static void test_qadd_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t n = 1 + (uint64_t)below(100);
        uint32_t da = ay_test_byte_dtype(), db = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        const int32_t by[] = {(int32_t)below(1 << 21), (int32_t)below(1 << 21)};
        const int32_t shift = (int32_t)(1 + below(22));
        struct ay_test_work w = fixed("QAdd");
        ay_test_give(&w, da, SHAPE(2, n), NULL);
        ay_test_give(&w, da, 0, NULL, NULL);
        ay_test_give(&w, I32, 0, NULL, &by[0]);
        ay_test_give(&w, db, below(2) ? 1 : 0, &n, NULL);
        ay_test_give(&w, db, 0, NULL, NULL);
        ay_test_give(&w, I32, 0, NULL, &by[1]);
        ay_test_give(&w, I32, 0, NULL, &shift);
        ay_test_give(&w, dy, 0, NULL, NULL);
        ay_test_either_way(&w, (uint32_t)(1 | below(2) << 3));
        for (uint64_t i = 0; i < 2 * n; i++) {
            int64_t a = ay_test_at(&w.in[0], i) - ay_test_at(&w.in[1], 0);
            int64_t b = one_of(&w.in[3], i % n) - ay_test_at(&w.in[4], 0);
            assert_int_equal(ay_test_at(&w.out[0], i),
                             rounded(a * by[0] + b * by[1], 1, shift, ay_test_at(&w.in[7], 0), dy));
        }
        ay_test_arena.used = 0;
    }
}

static void test_qmul_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t n = 1 + (uint64_t)below(100);
        uint32_t da = ay_test_byte_dtype(), db = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        struct ay_test_work w = fixed("QMul");
        ay_test_give(&w, da, SHAPE(2, n), NULL);
        ay_test_give(&w, da, 0, NULL, NULL);
        ay_test_give(&w, db, SHAPE(2, 1), NULL);
        ay_test_give(&w, db, 0, NULL, NULL);
        give_ratios(&w, 1, 10000, 53);
        w.in[4].rank = w.in[5].rank = 0;
        ay_test_give(&w, dy, 0, NULL, NULL);
        ay_test_either_way(&w, (uint32_t)(1 | below(2) << 2));
        for (uint64_t i = 0; i < 2 * n; i++) {
            int64_t a = ay_test_at(&w.in[0], i) - ay_test_at(&w.in[1], 0),
                    b = ay_test_at(&w.in[2], i / n);
            assert_int_equal(ay_test_at(&w.out[0], i),
                             rounded(a * (b - ay_test_at(&w.in[3], 0)), ay_test_at(&w.in[4], 0),
                                     ay_test_at(&w.in[5], 0), ay_test_at(&w.in[6], 0), dy));
        }
        ay_test_arena.used = 0;
    }
}

static void test_qtable_takes_the_byte_th_entry(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t dx = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        struct ay_test_work w = fixed("QTable");
        ay_test_give(&w, dx, SHAPE(3, 1 + (uint64_t)below(300)), NULL);
        ay_test_give(&w, dy, SHAPE(256), NULL);
        ay_test_either_way(&w, 1);
        for (uint64_t i = 0; i < ay_test_count(&w.out[0]); i++)
            assert_int_equal(
                ay_test_at(&w.out[0], i),
                ay_test_at(&w.in[1], (uint64_t)(ay_test_at(&w.in[0], i) + (dx == I8 ? 128 : 0))));
        ay_test_arena.used = 0;
    }
}

/* Ratios of one number, and what a mean of `count` bytes whose sum without zero points is `sum` is.
 */
static int64_t mean(const struct ay_test_work *w, int64_t sum, int64_t count, uint32_t dy)
{
    __int128 by = (__int128)count << ay_test_at(&w->in[3], 0);
    __int128 y = quotient(2 * (__int128)sum * ay_test_at(&w->in[2], 0) + by, 2 * by);
    return clamped(y + ay_test_at(&w->in[4], 0), dy);
}

static void give_mean(struct ay_test_work *w, uint32_t dx, uint32_t dy, uint64_t height,
                      uint64_t width)
{
    ay_test_give(w, dx, SHAPE(2, 3, height, width), NULL);
    ay_test_give(w, dx, 0, NULL, NULL);
    give_ratios(w, 1, 200, 31);
    w->in[2].rank = w->in[3].rank = 0;
    ay_test_give(w, dy, 0, NULL, NULL);
}

static void test_qaverage_pool_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t dx = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        uint64_t height = 3 + (uint64_t)below(5), width = 3 + (uint64_t)below(5);
        int64_t pad = below(2), padded = below(2);
        struct ay_test_work w = fixed("QAveragePool");
        ay_test_set_ints(&w, "kernel_shape", (const int64_t[]){3, 2}, 2);
        ay_test_set_ints(&w, "pads", (const int64_t[]){pad, pad, pad, pad}, 4);
        ay_test_set_int(&w, "count_include_pad", padded);
        give_mean(&w, dx, dy, height, width);
        ay_test_either_way(&w, 1);
        const uint64_t *out = w.out[0].dims;
        for (uint64_t i = 0; i < ay_test_count(&w.out[0]); i++) {
            int64_t sum = 0, count = 0;
            for (int64_t t = 0; t < 6; t++) {
                int64_t y = (int64_t)(i / out[3] % out[2]) + t / 2 - pad;
                int64_t x = (int64_t)(i % out[3]) + t % 2 - pad;
                bool in = y >= 0 && x >= 0 && y < (int64_t)height && x < (int64_t)width;
                uint64_t pixel = i / (out[2] * out[3]) * height * width;
                count += in || padded;
                if (in)
                    sum += ay_test_at(&w.in[0], pixel + (uint64_t)y * width + (uint64_t)x) -
                           ay_test_at(&w.in[1], 0);
            }
            assert_int_equal(ay_test_at(&w.out[0], i), mean(&w, sum, count, dy));
        }
        ay_test_arena.used = 0;
    }
}

static void test_qglobal_average_pool_equals_its_definition(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t dx = ay_test_byte_dtype(), dy = ay_test_byte_dtype();
        uint64_t height = 1 + (uint64_t)below(9), width = 1 + (uint64_t)below(9);
        struct ay_test_work w = fixed("QGlobalAveragePool");
        give_mean(&w, dx, dy, height, width);
        ay_test_either_way(&w, 1);
        for (uint64_t i = 0; i < 6; i++) {
            int64_t sum = 0, count = (int64_t)(height * width);
            for (uint64_t k = 0; k < height * width; k++)
                sum += ay_test_at(&w.in[0], i * height * width + k) - ay_test_at(&w.in[1], 0);
            assert_int_equal(ay_test_at(&w.out[0], i), mean(&w, sum, count, dy));
        }
        ay_test_arena.used = 0;
    }
}

static void test_fixed_point_operands_out_of_range_are_refused(void **state)
{
    (void)state;
    const int32_t multiplier = 1, shifts[] = {0, 54, -1};
    for (uint32_t i = 0; i < 3; i++) {
        struct ay_test_work w = fixed("QMatMul");
        ay_test_give(&w, U8, SHAPE(2, 3), NULL);
        ay_test_give(&w, U8, 0, NULL, NULL);
        ay_test_give(&w, I8, SHAPE(4, 3), NULL);
        ay_test_give(&w, I32, 0, NULL, &multiplier);
        ay_test_give(&w, I32, 0, NULL, &shifts[i]);
        ay_test_give(&w, U8, 0, NULL, NULL);
        ay_test_lower(&w, 1);
        assert_int_equal(w.code, AY_E_FORMAT);
        ay_test_arena.used = 0;
    }
}

#define TEST(name) cmocka_unit_test_setup(name, ay_test_begin)

int main(void)
{
    printf("seed %llu\n", (unsigned long long)ay_test_seed);
    const struct CMUnitTest tests[] = {
        TEST(test_qmatmul_equals_its_definition),
        TEST(test_qconv_equals_its_definition),
        TEST(test_qadd_equals_its_definition),
        TEST(test_qmul_equals_its_definition),
        TEST(test_qtable_takes_the_byte_th_entry),
        TEST(test_qaverage_pool_equals_its_definition),
        TEST(test_qglobal_average_pool_equals_its_definition),
        TEST(test_fixed_point_operands_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
