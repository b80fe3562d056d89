/* The rounding of weights against every f16, and programs in profile q8 against the specification.
 */
#include "tensor/convert.h"
#include "tensor/quantize/q8.h"
#include "tensor/ref/float.h"
#include "tensor/testing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED     900u
#define PROGRAMS 300u
#define MAX_SIZE 5u

static const struct ay_kernels *tables[3];
static uint32_t table_count;
static _Alignas(64) uint8_t memory[1 << 20], more[1 << 20];

static double size_of(double x)
{
    return x < 0 ? -x : x;
}

/* The nearest of all f16, of two as near the one whose last bit is 0. */
static float nearest_f16(float x)
{
    uint32_t best = 0;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double d = size_of((double)ay_f32(ay_widen_f16(h)) - (double)x);
        double least = size_of((double)ay_f32(ay_widen_f16(best)) - (double)x);
        if (d < least || (d == least && h % 2 == 0)) best = h;
    }
    return ay_f32(ay_widen_f16(best));
}

static void test_q8_weights_of_any_size_follow_the_rule(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    printf("seed %u\n", SEED);
    for (int exponent = -30; exponent <= 22; exponent++) {
        float w[2 * 40], scale[2 * 2];
        int8_t q[2 * 40];
        ay_test_floats(&state, w, 80, false);
        for (uint32_t i = 0; i < 80; i++) w[i] = ldexpf(w[i], exponent);
        assert_int_equal(ay_q8_weights(w, 2, 40, 32, q, scale), AY_OK);
        for (uint32_t row = 0; row < 2; row++)
            for (uint32_t b = 0; b < 2; b++) {
                const float *from = w + row * 40 + b * 32;
                float most = 0, d = scale[row * 2 + b];
                uint32_t n = b ? 8 : 32;
                for (uint32_t i = 0; i < n; i++) most = fmaxf(most, fabsf(from[i]));
                assert_true(d == nearest_f16(most / 127.0F));
                for (uint32_t i = 0; i < n; i++) {
                    double exact = d > 0 ? (double)from[i] / (double)d : 0;
                    double near = size_of(exact) > 127 ? copysign(127, exact) : exact;
                    assert_true(size_of(near - q[row * 40 + b * 32 + i]) <= 0.5 + 1e-5);
                }
            }
    }
}

static void test_q8_weights_of_a_tie_are_even(void **unused)
{
    (void)unused;
    const float w[] = {127, 0.5F, 1.5F, 2.5F, -0.5F, -2.5F, -127};
    int8_t q[7];
    float scale;
    assert_int_equal(ay_q8_weights(w, 1, 7, 32, q, &scale), AY_OK);
    assert_true(scale == 1);
    assert_memory_equal(q, ((const int8_t[]){127, 0, 2, 2, 0, -2, -127}), 7);
}

static void test_q8_weights_that_have_no_scale_are_refused(void **unused)
{
    (void)unused;
    int8_t q;
    float scale;
    const float inf = ay_f32(AY_INF_BITS), nan = ay_f32(AY_NAN_BITS), large = 65505.0F * 127;
    assert_int_equal(ay_q8_weights(&inf, 1, 1, 32, &q, &scale), AY_E_FORMAT);
    assert_int_equal(ay_q8_weights(&nan, 1, 1, 32, &q, &scale), AY_E_FORMAT);
    assert_int_equal(ay_q8_weights(&large, 1, 1, 32, &q, &scale), AY_E_RANGE);
}

/* --- programs --- */

/* Weights of the program q, made as `sources` say from those of its parent. */
static const void **weights_of(const struct ay_work_program *q, const struct ay_q8_source *sources,
                               const void *const *parent)
{
    const void **out = calloc(q->weights_count + 1u, sizeof *out);
    assert_non_null(out);
    for (uint32_t i = 0; i < q->weights_count; i++) {
        const struct ay_q8_source *s = &sources[i];
        const uint32_t *dims = q->weights[i].dims;
        if (s->part == AY_Q8_KEPT) out[i] = parent[s->weight];
        if (s->part == AY_Q8_INVERSES) {
            float *inverses = calloc(dims[0], sizeof *inverses);
            assert_non_null(inverses);
            for (uint32_t k = 0; k < dims[0]; k++) inverses[k] = 1 / s->factors[k];
            out[i] = inverses;
        }
        if (s->part != AY_Q8_BYTES) continue;
        float *w = malloc(sizeof *w * dims[0] * dims[1]);
        int8_t *bytes = malloc((size_t)dims[0] * dims[1]);
        uint32_t blocks = q->weights[i + 1].dims[1];
        float *scale = malloc(sizeof *scale * dims[0] * blocks);
        assert_true(w && bytes && scale);
        memcpy(w, parent[s->weight], sizeof *w * dims[0] * dims[1]);
        if (s->factors) ay_q8_scale_columns(w, dims[0], dims[1], s->factors);
        assert_int_equal(
            ay_q8_weights(w, dims[0], dims[1], blocks == 1 ? dims[1] : 32, bytes, scale), AY_OK);
        free(w);
        out[i] = bytes;
        out[i + 1] = scale;
    }
    return out;
}

static void drop_weights(const struct ay_work_program *q, const struct ay_q8_source *sources,
                         const void **weights)
{
    for (uint32_t i = 0; i < q->weights_count; i++)
        if (sources[i].part != AY_Q8_KEPT) free((void *)(uintptr_t)weights[i]);
    free(weights);
}

/* A run by the specification and by every table of kernels: the last value. */
static void check_runs(uint64_t *state, const struct ay_work_program *q, const void **weights)
{
    uint32_t values = ay_program_values(q), last = values - 1, sizes[AY_MAX_SYMBOLS] = {0};
    const void **at = calloc(values, sizeof *at);
    struct ay_tensor_type t;
    struct ay_run run = {{0}};
    assert_non_null(at);
    for (uint32_t s = 0; s < q->max_dims_count; s++)
        sizes[s] = 1 + ay_test_below(state, q->max_dims[s] < MAX_SIZE ? q->max_dims[s] : MAX_SIZE);
    memcpy(run.sizes, sizes, sizeof sizes);
    for (uint32_t id = 0; id < q->inputs_count; id++) {
        assert_int_equal(ay_program_shape(q, id, sizes, &t), AY_OK);
        void *input = malloc(ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype));
        assert_non_null(input);
        ay_test_elements(state, t.dtype, input, ay_tensor_elements(&t), false);
        run.inputs[id] = at[id] = input;
    }
    for (uint32_t i = 0; i < q->weights_count; i++) at[q->inputs_count + i] = weights[i];
    ay_test_reference(q, sizes, at);
    assert_int_equal(ay_program_shape(q, last, sizes, &t), AY_OK);
    size_t bytes = ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype);
    run.outputs[0] = malloc(bytes);
    assert_non_null(run.outputs[0]);
    for (uint32_t k = 0; k < 2 * table_count; k++) {
        struct ay_exec_options options = {.kernels = tables[k / 2], .threads = 1 + k % 2};
        struct ay_exec *exec = NULL;
        assert_int_equal(ay_exec_open(q, weights, &options, &exec), AY_OK);
        memset(run.outputs[0], 0xa5, bytes);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        assert_memory_equal(run.outputs[0], at[last], bytes);
        ay_exec_close(exec);
    }
    free(run.outputs[0]);
    for (uint32_t id = 0; id < values; id++)
        if (id < q->inputs_count || id >= ay_program_output(q, 0)) free((void *)(uintptr_t)at[id]);
    free(at);
}

static void check_program(uint64_t *state, const struct ay_work_program *p,
                          const void *const *parent, float *const *factors,
                          struct ay_work_program *q)
{
    const struct ay_q8_source *sources;
    struct ay_program_fault fault;
    struct ay_arena arena = ay_arena_over(more, sizeof more);
    assert_int_equal(ay_q8_program(p, factors, &arena, q, &sources), AY_OK);
    assert_int_equal(ay_program_check(q, &fault), AY_OK);
    const void **weights = weights_of(q, sources, parent);
    check_runs(state, q, weights);
    drop_weights(q, sources, weights);
}

static void test_q8_random_programs_are_checked_and_equal_specification(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    uint32_t changed = 0;
    printf("seed %u\n", SEED);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct ay_arena arena = ay_arena_over(memory, sizeof memory);
        struct ay_arena room = ay_arena_over(more, sizeof more);
        struct ay_work_program p, q;
        const struct ay_q8_source *unused_sources;
        const void **weights;
        ay_test_program(&state, &arena, &p, &weights, false);
        enum ay_code code = ay_q8_program(&p, NULL, &room, &q, &unused_sources);
        if (code == AY_E_UNSUPPORTED) continue;
        check_program(&state, &p, weights, NULL, &q);
        changed++;
    }
    printf("%u with quantised weights\n", changed);
    assert_true(changed >= 50);
}

#define WIDTH 40u
#define S     AY_DIM_SYMBOL

static void test_q8_balanced_operand_is_divided_once_for_all_its_products(void **unused)
{
    (void)unused;
    static const uint32_t in_dims[] = {S, WIDTH}, out_dims[] = {S, 6}, w_dims[] = {6, WIDTH};
    static const uint32_t max = MAX_SIZE, args[] = {0}, pair[] = {0, 1};
    static const struct ay_work_map_step negate = {AY_WORK_FN_NEG, args, 1};
    static const struct ay_work_map_step sum = {AY_WORK_FN_ADD, pair, 2};
    const struct ay_work_weight w[] = {{AY_WORK_DTYPE_F32, w_dims, 2, {0}},
                                       {AY_WORK_DTYPE_F32, w_dims, 2, {0}}};
    struct ay_work_op ops[] = {
        {.kind = AY_WORK_OP_MAP,
         .in = (const uint32_t[]){0},
         .in_count = 1,
         .dims = in_dims,
         .dims_count = 2,
         .steps = &negate,
         .steps_count = 1},
        {.kind = AY_WORK_OP_MATMUL,
         .in = (const uint32_t[]){3, 1},
         .in_count = 2,
         .dims = out_dims,
         .dims_count = 2},
        {.kind = AY_WORK_OP_MATMUL,
         .in = (const uint32_t[]){3, 2},
         .in_count = 2,
         .dims = out_dims,
         .dims_count = 2},
        {.kind = AY_WORK_OP_MAP,
         .in = (const uint32_t[]){4, 5},
         .in_count = 2,
         .dims = out_dims,
         .dims_count = 2,
         .steps = &sum,
         .steps_count = 1},
    };
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_F32, in_dims, 2};
    const struct ay_work_program p = {.numerics = 1,
                                      .iterate = 1,
                                      .max_dims = &max,
                                      .max_dims_count = 1,
                                      .inputs = &input,
                                      .inputs_count = 1,
                                      .weights = w,
                                      .weights_count = 2,
                                      .ops = ops,
                                      .ops_count = 4};
    struct ay_work_program q;
    uint64_t state = SEED;
    float values[2][6 * WIDTH], factors[WIDTH];
    float *by_operand[7] = {[3] = factors};
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    for (uint32_t i = 0; i < 2; i++) ay_test_floats(&state, values[i], 6 * WIDTH, false);
    for (uint32_t i = 0; i < WIDTH; i++) factors[i] = ldexpf(1, (int)(i % 7) - 3);
    const void *const weights[] = {values[0], values[1]};
    check_program(&state, &p, weights, by_operand, &q);
    assert_int_equal(q.ops_count, 5);
    assert_int_equal(q.ops[1].kind, AY_WORK_OP_MAP);
    assert_int_equal(q.ops[2].kind, AY_WORK_OP_MATMUL_Q8);
    assert_int_equal(q.ops[3].kind, AY_WORK_OP_MATMUL_Q8);
    assert_int_equal(q.ops[2].in[0], ay_program_output(&q, 1));
    assert_int_equal(q.ops[3].in[0], ay_program_output(&q, 1));
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    for (uint32_t i = 0; i < 3; i++)
        table_count += ay_kernels_named(names[i], &tables[table_count]) == AY_OK;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_q8_weights_of_any_size_follow_the_rule),
        cmocka_unit_test(test_q8_weights_of_a_tie_are_even),
        cmocka_unit_test(test_q8_weights_that_have_no_scale_are_refused),
        cmocka_unit_test(test_q8_random_programs_are_checked_and_equal_specification),
        cmocka_unit_test(test_q8_balanced_operand_is_divided_once_for_all_its_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
