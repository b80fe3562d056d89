/* Operators of the families resize to select where ONNX's own cases (make onnx-suite) leave room:
 * zero points in every place, sequences of different lengths, sorting with NaN, numbers drawn, and
 * tensors of nothing. Each runs as a program and over known operands. */
#include "tensor/lower/real.h"
#include "tensor/lower/testing.h"

#include <math.h>

#define ROUNDS 60u
#define MANY   65535u

/* --- quantised products --- */

static void test_matmul_integer_zero_points_anywhere_gives_exact_sums(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t m = 1 + ay_test_below(&seed, 4), k = 1 + ay_test_below(&seed, 70);
        uint64_t n = 1 + ay_test_below(&seed, 5);
        struct work w = work("MatMulInteger", 10, 1);
        uint32_t da = byte_dtype(), db = byte_dtype();
        give(&w, da, SHAPE(m, k), NULL);
        give(&w, db, SHAPE(k, n), NULL);
        bool rows = ay_test_below(&seed, 2), columns = ay_test_below(&seed, 2);
        give(&w, da, rows, &m, NULL);
        give(&w, db, columns, &n, NULL);
        same_either_way(&w, ay_test_below(&seed, 16));
        for (uint64_t i = 0; i < m * n; i++) {
            int64_t sum = 0, row = (int64_t)(i / n), column = (int64_t)(i % n);
            for (uint64_t j = 0; j < k; j++)
                sum +=
                    (at(&w.in[0], (uint64_t)row * k + j) - at(&w.in[2], rows ? (uint64_t)row : 0)) *
                    (at(&w.in[1], j * n + (uint64_t)column) -
                     at(&w.in[3], columns ? (uint64_t)column : 0));
            assert_int_equal(at(&w.out[0], i), (int32_t)sum);
        }
        arena.used = 0;
    }
}

struct shape {
    uint64_t batch, groups, in, out, height, width, kernel[2];
    int64_t pad, stride;
};

/* What ConvInteger is for one result, straight from its definition. */
static int64_t conv_at(const struct work *w, const struct shape *s, uint64_t b, uint64_t m,
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
            sum += (at(&w->in[0], pixel + (uint64_t)x) - at(&w->in[2], 0)) *
                   (at(&w->in[1], tap) - at(&w->in[3], each ? m : 0));
        }
    return sum;
}

static void test_conv_integer_zero_points_anywhere_counts_padding_as_zero(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct shape s = {1 + ay_test_below(&seed, 2),
                          1 + ay_test_below(&seed, 3),
                          1 + ay_test_below(&seed, 3),
                          1 + ay_test_below(&seed, 3),
                          3 + ay_test_below(&seed, 4),
                          3 + ay_test_below(&seed, 4),
                          {1 + ay_test_below(&seed, 3), 1 + ay_test_below(&seed, 3)},
                          (int64_t)ay_test_below(&seed, 2),
                          1 + (int64_t)ay_test_below(&seed, 2)};
        struct work w = work("ConvInteger", 10, 1);
        uint32_t dx = byte_dtype(), dw = byte_dtype();
        uint64_t maps = s.groups * s.out;
        set_int(&w, "group", (int64_t)s.groups);
        set_ints(&w, "pads", (const int64_t[]){s.pad, s.pad, s.pad, s.pad}, 4);
        set_ints(&w, "strides", (const int64_t[]){s.stride, s.stride}, 2);
        give(&w, dx, SHAPE(s.batch, s.groups * s.in, s.height, s.width), NULL);
        give(&w, dw, SHAPE(maps, s.in, s.kernel[0], s.kernel[1]), NULL);
        give(&w, dx, 0, NULL, NULL);
        give(&w, dw, ay_test_below(&seed, 2), &maps, NULL);
        same_either_way(&w, ay_test_below(&seed, 16));
        const uint64_t *out = w.out[0].dims;
        for (uint64_t i = 0; i < elements(&w.out[0]); i++) {
            uint64_t place[2] = {i / out[3] % out[2], i % out[3]}, plane = i / (out[2] * out[3]);
            assert_int_equal(at(&w.out[0], i),
                             (int32_t)conv_at(&w, &s, plane / maps, plane % maps, place));
        }
        arena.used = 0;
    }
}

static void test_quantize_linear_type_that_is_none_of_ours_is_refused_by_name(void **state)
{
    (void)state;
    struct work w = work("QuantizeLinear", 21, 1);
    set_int(&w, "output_dtype", 4); /* onnx.TensorProto.UINT16 */
    give(&w, F32, SHAPE(3), NULL);
    give(&w, F32, 0, NULL, NULL);
    lower(&w, 1);
    assert_int_equal(w.code, AY_E_UNSUPPORTED);
    assert_non_null(strstr(w.reason.text, "element type 4"));
}

/* --- recurrences --- */

/* x (steps, batch, width): one row of a batch, its first `length` steps. */
static void give_row(struct work *w, const struct tensor *x, uint64_t row, uint64_t length)
{
    uint64_t batch = x->dims[1], width = x->dims[2];
    struct tensor *t = give(w, F32, SHAPE(length, 1, width), NULL);
    for (uint64_t s = 0; s < length; s++)
        memcpy((float *)t->data + s * width, (const float *)x->data + (s * batch + row) * width,
               width * sizeof(float));
}

/* A row of (steps, 2, batch, hidden) is the row alone for its own length, then 0. */
static void compare_row(const struct tensor *all, const struct tensor *alone, uint64_t row)
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
    struct work w = work(op, 14, results);
    set_text(&w, "direction", "bidirectional");
    set_float(&w, "clip", 1.5F);
    set_int(&w, "linear_before_reset", 1);
    give(&w, F32, SHAPE(steps, batch, width), NULL);
    give(&w, F32, SHAPE(2, gates * hidden, width), NULL);
    give(&w, F32, SHAPE(2, gates * hidden, hidden), NULL);
    give(&w, F32, SHAPE(2, 2 * gates * hidden), NULL);
    give(&w, I32, SHAPE(batch), lengths);
    same_either_way(&w, 1u << 0 | 1u << 4);
    for (uint64_t row = 0; row < batch; row++) {
        struct work one = w;
        one.in_count = 0;
        give_row(&one, &w.in[0], row, (uint64_t)lengths[row]);
        one.in_count = 4; /* weights as they are, no lengths */
        lowered(&one, 1);
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

/* --- sorting --- */

static void test_topk_unknown_operand_is_ranked_as_a_known_one_is_sorted(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct work w = work("TopK", 11, 2);
        const uint32_t dtypes[] = {F32, F32, I32, I64, U8};
        uint64_t n = 1 + ay_test_below(&seed, 20);
        int64_t k = (int64_t)ay_test_below(&seed, (uint32_t)n + 1);
        struct tensor *x = give(&w, dtypes[ay_test_below(&seed, 5)], SHAPE(2, n, 3), NULL);
        /* some equal, some odd */
        if (x->dtype == F32) ay_test_floats(&seed, x->data, elements(x), true);
        for (uint64_t i = 0; i < elements(x); i++) {
            uint64_t from = ay_test_below(&seed, (uint32_t)elements(x));
            uint32_t bytes = ay_dtype_bytes(x->dtype);
            memcpy((char *)x->data + i * bytes, (char *)x->data + from * bytes, bytes);
        }
        give(&w, I64, SHAPE(1), &k);
        set_int(&w, "axis", 1);
        set_int(&w, "largest", ay_test_below(&seed, 2));
        same_either_way(&w, 1);
        arena.used = 0;
    }
}

static void test_topk_nan_and_ties_come_in_a_fixed_order(void **state)
{
    (void)state;
    const float x[] = {1.0F, NAN, -0.0F, 0.0F, 1.0F, -INFINITY};
    const int64_t k = 6, down[] = {1, 0, 4, 2, 3, 5};
    struct work w = work("TopK", 11, 2);
    give(&w, F32, SHAPE(6), x);
    give(&w, I64, SHAPE(1), &k);
    lowered(&w, 1);
    assert_memory_equal(w.out[1].data, down, sizeof down);
}

static void test_unique_of_rows_finds_each_once(void **state)
{
    (void)state;
    const float rows[] = {2, 1, 0, 5, 2, 1, 0, 5, 0, 4};
    const int64_t first[] = {0, 1, 4}, inverse[] = {0, 1, 0, 1, 2}, counts[] = {2, 2, 1};
    struct work w = work("Unique", 11, 4);
    set_int(&w, "axis", 0);
    set_int(&w, "sorted", 0);
    give(&w, F32, SHAPE(5, 2), rows);
    lowered(&w, 0);
    assert_memory_equal(w.out[0].data, ((const float[]){2, 1, 0, 5, 0, 4}), 6 * sizeof(float));
    assert_memory_equal(w.out[1].data, first, sizeof first);
    assert_memory_equal(w.out[2].data, inverse, sizeof inverse);
    assert_memory_equal(w.out[3].data, counts, sizeof counts);
}

/* --- what needs its elements --- */

static void test_nonzero_unknown_operand_fails_with_state(void **state)
{
    (void)state;
    struct work w = work("NonZero", 13, 1);
    give(&w, F32, SHAPE(4), NULL);
    lower(&w, 1);
    assert_int_equal(w.code, AY_E_STATE);
}

static void test_operators_of_nothing_give_nothing_at_once(void **state)
{
    (void)state;
    const int64_t none = 0, most = 3;
    struct work top = work("TopK", 11, 2), boxes = work("NonMaxSuppression", 11, 1);
    /* nearly 2^32 rows of nothing, the most that a tensor may have */
    give(&top, F32, SHAPE(MANY, MANY, 0), NULL);
    give(&top, I64, SHAPE(1), &none);
    lowered(&top, 0);
    assert_int_equal(elements(&top.out[1]), 0);
    give(&boxes, F32, SHAPE(MANY, 0, 4), NULL);
    give(&boxes, F32, SHAPE(MANY, MANY, 0), NULL);
    give(&boxes, I64, SHAPE(1), &most);
    lowered(&boxes, 0);
    assert_int_equal(boxes.out[0].dims[0], 0);
}

/* --- numbers drawn --- */

static void test_random_uniform_seed_gives_the_same_numbers_everywhere(void **state)
{
    (void)state;
    const uint32_t golden[] = {0x3f6dcbcb, 0x3e634ac4, 0x3f349239, 0x3e2e0478};
    const int64_t shape = 4;
    struct work w = work("RandomUniform", 22, 1);
    set_ints(&w, "shape", &shape, 1);
    set_float(&w, "seed", 1.0F);
    lowered(&w, 0);
    assert_memory_equal(w.out[0].data, golden, sizeof golden);
}

static void test_random_normal_many_have_mean_and_spread(void **state)
{
    (void)state;
    const int64_t shape[] = {100, 1000};
    struct work w = work("RandomNormal", 22, 1);
    set_ints(&w, "shape", shape, 2);
    set_float(&w, "mean", 3.0F);
    set_float(&w, "scale", 2.0F);
    lowered(&w, 0);
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
    struct work w = work("Multinomial", 22, 1);
    set_int(&w, "sample_size", 20000);
    set_float(&w, "seed", 5.0F);
    give(&w, F32, SHAPE(1, 3), logs);
    same_either_way(&w, 1);
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

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        TEST(test_matmul_integer_zero_points_anywhere_gives_exact_sums),
        TEST(test_conv_integer_zero_points_anywhere_counts_padding_as_zero),
        TEST(test_quantize_linear_type_that_is_none_of_ours_is_refused_by_name),
        TEST(test_lstm_sequences_of_different_lengths_equal_each_alone),
        TEST(test_gru_sequences_of_different_lengths_equal_each_alone),
        TEST(test_rnn_sequences_of_different_lengths_equal_each_alone),
        TEST(test_topk_unknown_operand_is_ranked_as_a_known_one_is_sorted),
        TEST(test_topk_nan_and_ties_come_in_a_fixed_order),
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
