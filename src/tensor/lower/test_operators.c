/* Operators of the families resize to select where ONNX's own cases (make onnx-suite) leave room:
 * zero points in every place, sequences of different lengths, sorting with NaN, numbers drawn, and
 * tensors of nothing. Each runs as a program and over known operands. */
#include "tensor/lower/real.h"
#include "tensor/lower/test_node.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 60u
#define MANY   65535u

/* --- quantised products --- */

static void test_matmul_integer_zero_points_anywhere_gives_exact_sums(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t m = 1 + ay_test_below(&ay_test_seed, 4), k = 1 + ay_test_below(&ay_test_seed, 70);
        uint64_t n = 1 + ay_test_below(&ay_test_seed, 5);
        struct ay_test_work w = ay_test_work("MatMulInteger", 10, 1);
        uint32_t da = ay_test_byte_dtype(), db = ay_test_byte_dtype();
        ay_test_give(&w, da, SHAPE(m, k), NULL);
        ay_test_give(&w, db, SHAPE(k, n), NULL);
        bool rows = ay_test_below(&ay_test_seed, 2), columns = ay_test_below(&ay_test_seed, 2);
        ay_test_give(&w, da, rows, &m, NULL);
        ay_test_give(&w, db, columns, &n, NULL);
        ay_test_either_way(&w, ay_test_below(&ay_test_seed, 16));
        for (uint64_t i = 0; i < m * n; i++) {
            int64_t sum = 0, row = (int64_t)(i / n), column = (int64_t)(i % n);
            for (uint64_t j = 0; j < k; j++)
                sum += (ay_test_at(&w.in[0], (uint64_t)row * k + j) -
                        ay_test_at(&w.in[2], rows ? (uint64_t)row : 0)) *
                       (ay_test_at(&w.in[1], j * n + (uint64_t)column) -
                        ay_test_at(&w.in[3], columns ? (uint64_t)column : 0));
            assert_int_equal(ay_test_at(&w.out[0], i), (int32_t)sum);
        }
        ay_test_arena.used = 0;
    }
}

struct shape {
    uint64_t batch, groups, in, out, height, width, kernel[2];
    int64_t pad, stride;
};

/* What ConvInteger is for one result, straight from its definition. */
static int64_t conv_at(const struct ay_test_work *w, const struct shape *s, uint64_t b, uint64_t m,
                       const uint64_t place[2])
{
    int64_t sum = 0;
    uint64_t channels = s->in * s->groups, first = m / s->out * s->in;
    for (uint64_t c = 0; c < s->in; c++)
        for (uint64_t i = 0; i < s->kernel[0] * s->kernel[1]; i++) {
            int64_t y = (int64_t)place[0] * s->stride + (int64_t)(i / s->kernel[1]) - s->pad;
            int64_t x = (int64_t)place[1] * s->stride + (int64_t)(i % s->kernel[1]) - s->pad;
            if (y < 0 || x < 0 || y >= (int64_t)s->height || x >= (int64_t)s->width) continue;
            uint64_t pixel = ((b * channels + first + c) * s->height + (uint64_t)y) * s->width;
            uint64_t tap = (m * s->in + c) * s->kernel[0] * s->kernel[1] + i;
            bool each = w->in[3].rank == 1;
            sum += (ay_test_at(&w->in[0], pixel + (uint64_t)x) - ay_test_at(&w->in[2], 0)) *
                   (ay_test_at(&w->in[1], tap) - ay_test_at(&w->in[3], each ? m : 0));
        }
    return sum;
}

static void test_conv_integer_zero_points_anywhere_counts_padding_as_zero(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct shape s = {
            1 + ay_test_below(&ay_test_seed, 2),
            1 + ay_test_below(&ay_test_seed, 3),
            1 + ay_test_below(&ay_test_seed, 3),
            1 + ay_test_below(&ay_test_seed, 3),
            3 + ay_test_below(&ay_test_seed, 4),
            3 + ay_test_below(&ay_test_seed, 4),
            {1 + ay_test_below(&ay_test_seed, 3), 1 + ay_test_below(&ay_test_seed, 3)},
            (int64_t)ay_test_below(&ay_test_seed, 2),
            1 + (int64_t)ay_test_below(&ay_test_seed, 2)};
        struct ay_test_work w = ay_test_work("ConvInteger", 10, 1);
        uint32_t dx = ay_test_byte_dtype(), dw = ay_test_byte_dtype();
        uint64_t maps = s.groups * s.out;
        ay_test_set_int(&w, "group", (int64_t)s.groups);
        ay_test_set_ints(&w, "pads", (const int64_t[]){s.pad, s.pad, s.pad, s.pad}, 4);
        ay_test_set_ints(&w, "strides", (const int64_t[]){s.stride, s.stride}, 2);
        ay_test_give(&w, dx, SHAPE(s.batch, s.groups * s.in, s.height, s.width), NULL);
        ay_test_give(&w, dw, SHAPE(maps, s.in, s.kernel[0], s.kernel[1]), NULL);
        ay_test_give(&w, dx, 0, NULL, NULL);
        ay_test_give(&w, dw, ay_test_below(&ay_test_seed, 2), &maps, NULL);
        ay_test_either_way(&w, ay_test_below(&ay_test_seed, 16));
        const uint64_t *out = w.out[0].dims;
        for (uint64_t i = 0; i < ay_test_count(&w.out[0]); i++) {
            uint64_t place[2] = {i / out[3] % out[2], i % out[3]}, plane = i / (out[2] * out[3]);
            assert_int_equal(ay_test_at(&w.out[0], i),
                             (int32_t)conv_at(&w, &s, plane / maps, plane % maps, place));
        }
        ay_test_arena.used = 0;
    }
}

static void test_quantize_linear_type_that_is_none_of_ours_is_refused_by_name(void **state)
{
    (void)state;
    struct ay_test_work w = ay_test_work("QuantizeLinear", 21, 1);
    ay_test_set_int(&w, "output_dtype", 4); /* onnx.TensorProto.UINT16 */
    ay_test_give(&w, F32, SHAPE(3), NULL);
    ay_test_give(&w, F32, 0, NULL, NULL);
    ay_test_lower(&w, 1);
    assert_int_equal(w.code, AY_E_UNSUPPORTED);
    assert_non_null(strstr(w.reason.text, "element type 4"));
}

/* --- recurrences --- */

/* x (steps, batch, width): one row of a batch, its first `length` steps. */
static void give_row(struct ay_test_work *w, const struct ay_test_tensor *x, uint64_t row,
                     uint64_t length)
{
    uint64_t batch = x->dims[1], width = x->dims[2];
    struct ay_test_tensor *t = ay_test_give(w, F32, SHAPE(length, 1, width), NULL);
    for (uint64_t s = 0; s < length; s++)
        memcpy((float *)t->data + s * width, (const float *)x->data + (s * batch + row) * width,
               width * sizeof(float));
}

/* A row of (steps, 2, batch, hidden) is the row alone for its own length, then 0. */
static void compare_row(const struct ay_test_tensor *all, const struct ay_test_tensor *alone,
                        uint64_t row)
{
    uint64_t steps = all->dims[0], batch = all->dims[2], hidden = all->dims[3];
    const float *y = all->data, *own = alone->data;
    for (uint64_t i = 0; i < steps * 2; i++)
        for (uint64_t h = 0; h < hidden; h++) {
            float want = i / 2 < alone->dims[0] ? own[i * hidden + h] : 0.0F;
            assert_true(y[(i * batch + row) * hidden + h] == want);
        }
}

static void sequences_alone(const char *op, uint64_t gates, uint32_t results)
{
    const uint64_t steps = 4, batch = 3, width = 5, hidden = 3;
    const int32_t lengths[] = {4, 1, 3};
    struct ay_test_work w = ay_test_work(op, 14, results);
    ay_test_set_text(&w, "direction", "bidirectional");
    ay_test_set_float(&w, "clip", 1.5F);
    ay_test_set_int(&w, "linear_before_reset", 1);
    ay_test_give(&w, F32, SHAPE(steps, batch, width), NULL);
    ay_test_give(&w, F32, SHAPE(2, gates * hidden, width), NULL);
    ay_test_give(&w, F32, SHAPE(2, gates * hidden, hidden), NULL);
    ay_test_give(&w, F32, SHAPE(2, 2 * gates * hidden), NULL);
    ay_test_give(&w, I32, SHAPE(batch), lengths);
    ay_test_either_way(&w, 1u << 0 | 1u << 4);
    for (uint64_t row = 0; row < batch; row++) {
        struct ay_test_work one = w;
        one.in_count = 0;
        give_row(&one, &w.in[0], row, (uint64_t)lengths[row]);
        one.in_count = 4; /* weights as they are, no lengths */
        ay_test_lowered(&one, 1);
        compare_row(&w.out[0], &one.out[0], row);
    }
}

static void test_lstm_sequences_of_different_lengths_equal_each_alone(void **state)
{
    (void)state;
    sequences_alone("LSTM", 4, 3);
}

static void test_gru_sequences_of_different_lengths_equal_each_alone(void **state)
{
    (void)state;
    sequences_alone("GRU", 3, 2);
}

static void test_rnn_sequences_of_different_lengths_equal_each_alone(void **state)
{
    (void)state;
    sequences_alone("RNN", 1, 2);
}

/* --- versions of operators that ONNX's own cases have none of --- */

static void test_upsample_scales_may_be_an_attribute_before_version_9(void **state)
{
    (void)state;
    static const char *const modes[] = {"nearest", "linear"};
    const float scales[] = {1, 1, 2, 1.5F};
    for (uint32_t i = 0; i < 2; i++) {
        struct ay_test_work w = ay_test_work("Upsample", 7, 1);
        ay_test_set_text(&w, "mode", modes[i]);
        ay_test_give(&w, F32, SHAPE(1, 2, 3, 4), NULL);
        struct ay_test_work later = w;
        later.opset = 9;
        ay_test_give(&later, F32, SHAPE(4), scales);
        ay_test_set_floats(&w, "scales", scales, 4);
        ay_test_either_way(&w, 1);
        ay_test_lowered(&later, 1);
        ay_test_same(&w.out[0], &later.out[0]);
    }
}

static void test_batch_normalization_not_spatial_has_numbers_for_each_element(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4}, scale[] = {1, 2}, b[] = {0, 10}, mean[] = {1, 1};
    const float var[] = {4, 1}, want[] = {0, 12, 1, 16};
    struct ay_test_work w = ay_test_work("BatchNormalization", 7, 1);
    ay_test_set_int(&w, "spatial", 0);
    ay_test_set_float(&w, "epsilon", 0);
    ay_test_give(&w, F32, SHAPE(2, 1, 2), x);
    ay_test_give(&w, F32, SHAPE(1, 2), scale);
    ay_test_give(&w, F32, SHAPE(1, 2), b);
    ay_test_give(&w, F32, SHAPE(1, 2), mean);
    ay_test_give(&w, F32, SHAPE(1, 2), var);
    ay_test_either_way(&w, 1);
    for (uint32_t i = 0; i < 4; i++) assert_true(((const float *)w.out[0].data)[i] == want[i]);
}

/* --- sorting --- */

static void test_topk_unknown_operand_is_ranked_as_a_known_one_is_sorted(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct ay_test_work w = ay_test_work("TopK", 11, 2);
        const uint32_t dtypes[] = {F32, F32, I32, I64, U8};
        uint64_t n = 1 + ay_test_below(&ay_test_seed, 20);
        int64_t k = (int64_t)ay_test_below(&ay_test_seed, (uint32_t)n + 1);
        struct ay_test_tensor *x =
            ay_test_give(&w, dtypes[ay_test_below(&ay_test_seed, 5)], SHAPE(2, n, 3), NULL);
        /* some equal, some odd */
        if (x->dtype == F32) ay_test_floats(&ay_test_seed, x->data, ay_test_count(x), true);
        for (uint64_t i = 0; i < ay_test_count(x); i++) {
            uint64_t from = ay_test_below(&ay_test_seed, (uint32_t)ay_test_count(x));
            uint32_t bytes = ay_dtype_bytes(x->dtype);
            memcpy((char *)x->data + i * bytes, (char *)x->data + from * bytes, bytes);
        }
        ay_test_give(&w, I64, SHAPE(1), &k);
        ay_test_set_int(&w, "axis", 1);
        ay_test_set_int(&w, "largest", ay_test_below(&ay_test_seed, 2));
        ay_test_either_way(&w, 1);
        ay_test_arena.used = 0;
    }
}

static void test_topk_nan_and_ties_come_in_a_fixed_order(void **state)
{
    (void)state;
    const float x[] = {1.0F, NAN, -0.0F, 0.0F, 1.0F, -INFINITY};
    const int64_t k = 6, down[] = {1, 0, 4, 2, 3, 5};
    struct ay_test_work w = ay_test_work("TopK", 11, 2);
    ay_test_give(&w, F32, SHAPE(6), x);
    ay_test_give(&w, I64, SHAPE(1), &k);
    ay_test_lowered(&w, 1);
    assert_memory_equal(w.out[1].data, down, sizeof down);
}

/* Where nearly all are as far behind as what is taken already becomes. */
static void test_topk_few_of_many_are_found_as_sorted(void **state)
{
    (void)state;
    const float odd[] = {-INFINITY, INFINITY, NAN, -0x1.fffffep127F, 0x1.fffffep127F, -0.0F, 0};
    const uint32_t dtypes[] = {F32, F32, F32, I8, U8, I32, I64};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct ay_test_work w = ay_test_work("TopK", 11, 2);
        uint64_t n = 20 + ay_test_below(&ay_test_seed, 20);
        int64_t k = 1 + (int64_t)ay_test_below(&ay_test_seed, 5);
        struct ay_test_tensor *x =
            ay_test_give(&w, dtypes[ay_test_below(&ay_test_seed, 7)], SHAPE(4, n), NULL);
        uint32_t kinds = 1 + ay_test_below(&ay_test_seed, 7), bytes = ay_dtype_bytes(x->dtype);
        uint32_t first = ay_test_below(&ay_test_seed, 7);
        for (uint64_t i = 0; i < 4 * n; i++) {
            uint32_t kind = (first + ay_test_below(&ay_test_seed, kinds)) % 7;
            int64_t ends = ay_test_below(&ay_test_seed, 2) ? INT64_MIN : INT64_MAX;
            if (x->dtype == F32)
                ((float *)x->data)[i] = odd[kind];
            else if (kind > 2) /* of signed ones the least and the most */
                memcpy((char *)x->data + i * bytes, (char *)&ends + 8 - bytes, bytes);
        }
        ay_test_give(&w, I64, SHAPE(1), &k);
        ay_test_set_int(&w, "largest", ay_test_below(&ay_test_seed, 2));
        ay_test_either_way(&w, 1);
        ay_test_arena.used = 0;
    }
}

static void test_unique_of_rows_finds_each_once(void **state)
{
    (void)state;
    const float rows[] = {2, 1, 0, 5, 2, 1, 0, 5, 0, 4};
    const int64_t first[] = {0, 1, 4}, inverse[] = {0, 1, 0, 1, 2}, counts[] = {2, 2, 1};
    struct ay_test_work w = ay_test_work("Unique", 11, 4);
    ay_test_set_int(&w, "axis", 0);
    ay_test_set_int(&w, "sorted", 0);
    ay_test_give(&w, F32, SHAPE(5, 2), rows);
    ay_test_lowered(&w, 0);
    assert_memory_equal(w.out[0].data, ((const float[]){2, 1, 0, 5, 0, 4}), 6 * sizeof(float));
    assert_memory_equal(w.out[1].data, first, sizeof first);
    assert_memory_equal(w.out[2].data, inverse, sizeof inverse);
    assert_memory_equal(w.out[3].data, counts, sizeof counts);
}

/* --- what needs its elements --- */

static void test_nonzero_unknown_operand_fails_with_state(void **state)
{
    (void)state;
    struct ay_test_work w = ay_test_work("NonZero", 13, 1);
    ay_test_give(&w, F32, SHAPE(4), NULL);
    ay_test_lower(&w, 1);
    assert_int_equal(w.code, AY_E_STATE);
}

static void test_operators_of_nothing_give_nothing_at_once(void **state)
{
    (void)state;
    const int64_t none = 0, most = 3;
    struct ay_test_work top = ay_test_work("TopK", 11, 2),
                        boxes = ay_test_work("NonMaxSuppression", 11, 1);
    /* nearly 2^32 rows of nothing, the most that a tensor may have */
    ay_test_give(&top, F32, SHAPE(MANY, MANY, 0), NULL);
    ay_test_give(&top, I64, SHAPE(1), &none);
    ay_test_lowered(&top, 0);
    assert_int_equal(ay_test_count(&top.out[1]), 0);
    ay_test_give(&boxes, F32, SHAPE(MANY, 0, 4), NULL);
    ay_test_give(&boxes, F32, SHAPE(MANY, MANY, 0), NULL);
    ay_test_give(&boxes, I64, SHAPE(1), &most);
    ay_test_lowered(&boxes, 0);
    assert_int_equal(boxes.out[0].dims[0], 0);
}

/* --- numbers drawn --- */

static void test_random_uniform_seed_gives_the_same_numbers_everywhere(void **state)
{
    (void)state;
    const uint32_t golden[] = {0x3f6dcbcb, 0x3e634ac4, 0x3f349239, 0x3e2e0478};
    const int64_t shape = 4;
    struct ay_test_work w = ay_test_work("RandomUniform", 22, 1);
    ay_test_set_ints(&w, "shape", &shape, 1);
    ay_test_set_float(&w, "seed", 1.0F);
    ay_test_lowered(&w, 0);
    assert_memory_equal(w.out[0].data, golden, sizeof golden);
}

static void test_random_normal_many_have_mean_and_spread(void **state)
{
    (void)state;
    const int64_t shape[] = {100, 1000};
    struct ay_test_work w = ay_test_work("RandomNormal", 22, 1);
    ay_test_set_ints(&w, "shape", shape, 2);
    ay_test_set_float(&w, "mean", 3.0F);
    ay_test_set_float(&w, "scale", 2.0F);
    ay_test_lowered(&w, 0);
    double sum = 0.0, squares = 0.0;
    for (uint32_t i = 0; i < 100000; i++) {
        double x = (double)((const float *)w.out[0].data)[i] - 3.0;
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 100000.0) < 0.05 && fabs(squares / 100000.0 - 4.0) < 0.1);
}

static void test_multinomial_classes_come_as_often_as_their_weights(void **state)
{
    (void)state;
    const float logs[] = {0.0F, logf(3.0F), -INFINITY};
    uint32_t counts[3] = {0};
    struct ay_test_work w = ay_test_work("Multinomial", 22, 1);
    ay_test_set_int(&w, "sample_size", 20000);
    ay_test_set_float(&w, "seed", 5.0F);
    ay_test_give(&w, F32, SHAPE(1, 3), logs);
    ay_test_either_way(&w, 1);
    for (uint32_t i = 0; i < 20000; i++) counts[((const int32_t *)w.out[0].data)[i]]++;
    assert_true(counts[2] == 0 && counts[0] > 4600 && counts[0] < 5400);
}

static void test_real_functions_agree_with_the_library(void **state)
{
    (void)state;
    double c, s;
    for (uint64_t n = 1; n < 200; n++)
        for (uint64_t k = 0; k < n; k++) {
            ay_real_turn(k, n, &c, &s);
            double angle = 2.0 * M_PI * (double)k / (double)n;
            assert_true(fabs(c - cos(angle)) < 1e-14 && fabs(s - sin(angle)) < 1e-14);
        }
    ay_real_turn(1, 4, &c, &s);
    assert_true(c == 0.0 && s == 1.0);
    for (double x = 1e-9; x < 1e9; x *= 1.01)
        assert_true(fabs(ay_real_log(x) - log(x)) < 1e-15 * fmax(1.0, fabs(log(x))));
    for (double x = -50.0; x < 50.0; x += 0.0173)
        assert_true(fabs(ay_real_exp(x) / exp(x) - 1.0) < 1e-14);
}

#define TEST(name) cmocka_unit_test_setup(name, ay_test_begin)

int main(void)
{
    printf("seed %llu\n", (unsigned long long)ay_test_seed);
    const struct CMUnitTest tests[] = {
        TEST(test_matmul_integer_zero_points_anywhere_gives_exact_sums),
        TEST(test_conv_integer_zero_points_anywhere_counts_padding_as_zero),
        TEST(test_quantize_linear_type_that_is_none_of_ours_is_refused_by_name),
        TEST(test_lstm_sequences_of_different_lengths_equal_each_alone),
        TEST(test_gru_sequences_of_different_lengths_equal_each_alone),
        TEST(test_rnn_sequences_of_different_lengths_equal_each_alone),
        TEST(test_upsample_scales_may_be_an_attribute_before_version_9),
        TEST(test_batch_normalization_not_spatial_has_numbers_for_each_element),
        TEST(test_topk_unknown_operand_is_ranked_as_a_known_one_is_sorted),
        TEST(test_topk_nan_and_ties_come_in_a_fixed_order),
        TEST(test_topk_few_of_many_are_found_as_sorted),
        TEST(test_unique_of_rows_finds_each_once),
        TEST(test_nonzero_unknown_operand_fails_with_state),
        TEST(test_operators_of_nothing_give_nothing_at_once),
        TEST(test_random_uniform_seed_gives_the_same_numbers_everywhere),
        TEST(test_random_normal_many_have_mean_and_spread),
        TEST(test_multinomial_classes_come_as_often_as_their_weights),
        TEST(test_real_functions_agree_with_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
