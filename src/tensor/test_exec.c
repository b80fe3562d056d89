/* The executor against the specification, bit for bit, on random programs. */
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMS 150u
#define RUNS     5u
#define MAX_S    40u
#define MAX_T    9u

static const struct ay_kernels *tables[3];
static uint32_t table_count;
static uint64_t seed = 20240607;

static _Alignas(64) uint8_t memory[1 << 20];

/* Valid until the next one. */
static void new_program(struct ay_work_program *p, const void ***weights, bool odd)
{
    struct ay_arena arena = ay_arena_over(memory, sizeof memory);
    ay_test_program(&seed, &arena, p, weights, odd);
}

struct batch {
    struct ay_run runs[RUNS];
    int32_t ids[RUNS][MAX_S];
    float x[RUNS][MAX_T * 16];
    const void **values[RUNS]; /* by the specification */
    size_t elements[RUNS];
};

static void fill(uint64_t *state, const struct ay_work_program *p, const void **weights,
                 struct batch *b, bool odd)
{
    for (uint32_t r = 0; r < RUNS; r++) {
        struct ay_run *run = &b->runs[r];
        run->sizes[0] = 1 + ay_test_below(state, MAX_S);
        run->sizes[1] = 1 + ay_test_below(state, MAX_T);
        for (uint32_t i = 0; i < MAX_S; i++) b->ids[r][i] = (int32_t)ay_test_below(state, 60) - 5;
        ay_test_floats(state, b->x[r], MAX_T * 16, odd);
        run->inputs[0] = b->ids[r];
        run->inputs[1] = b->x[r];
        b->values[r] = calloc(ay_program_values(p), sizeof *b->values[r]);
        assert_non_null(b->values[r]);
        b->values[r][0] = b->ids[r];
        b->values[r][1] = b->x[r];
        for (uint32_t i = 0; i < p->weights_count; i++) b->values[r][2 + i] = weights[i];
        ay_test_reference(p, run->sizes, b->values[r]);
        struct ay_tensor_type out;
        assert_int_equal(ay_program_shape(p, ay_program_values(p) - 1, run->sizes, &out), AY_OK);
        b->elements[r] = ay_tensor_elements(&out);
        run->outputs[0] = calloc(b->elements[r], sizeof(float));
        assert_non_null(run->outputs[0]);
    }
}

static void drop(const struct ay_work_program *p, struct batch *b)
{
    for (uint32_t r = 0; r < RUNS; r++) {
        for (uint32_t i = 0; i < p->ops_count; i++)
            free((void *)(uintptr_t)b->values[r][ay_program_output(p, i)]);
        free(b->values[r]);
        free(b->runs[r].outputs[0]);
    }
}

static void check_outputs(const struct ay_work_program *p, struct batch *b)
{
    for (uint32_t r = 0; r < RUNS; r++) {
        const float *wanted = b->values[r][ay_program_values(p) - 1];
        assert_memory_equal(b->runs[r].outputs[0], wanted, b->elements[r] * sizeof(float));
        memset(b->runs[r].outputs[0], 0xa5, b->elements[r] * sizeof(float));
    }
}

static void check_trace(const struct ay_work_program *p, struct ay_exec *exec, struct batch *b)
{
    for (uint32_t r = 0; r < RUNS; r++) {
        assert_int_equal(ay_exec_run(exec, &b->runs[r], 1), AY_OK);
        for (uint32_t i = 0; i < p->ops_count; i++) {
            struct ay_tensor_type t;
            uint32_t id = ay_program_output(p, i);
            assert_int_equal(ay_program_shape(p, id, b->runs[r].sizes, &t), AY_OK);
            assert_memory_equal(ay_exec_trace(exec, i), b->values[r][id],
                                ay_tensor_elements(&t) * sizeof(float));
        }
    }
    check_outputs(p, b);
}

static void test_exec_random_programs_equal_specification(void **state)
{
    (void)state;
    printf("seed %llu\n", (unsigned long long)seed);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct ay_work_program p;
        const void **weights;
        static struct batch b;
        bool odd = i % 4 == 0;
        new_program(&p, &weights, odd);
        fill(&seed, &p, weights, &b, odd);
        for (uint32_t k = 0; k < 2 * table_count; k++) {
            struct ay_exec_options options = {.kernels = tables[k / 2],
                                              .threads = 1 + (i + k) % 3,
                                              .divide = true,
                                              .trace = k % 2 == 1};
            struct ay_exec *exec = NULL;
            assert_int_equal(ay_exec_open(&p, weights, &options, &exec), AY_OK);
            if (options.trace) {
                check_trace(&p, exec, &b);
            } else {
                assert_int_equal(ay_exec_run(exec, b.runs, RUNS), AY_OK);
                check_outputs(&p, &b);
                for (uint32_t r = 0; r < RUNS; r++)
                    assert_int_equal(ay_exec_run(exec, &b.runs[r], 1), AY_OK);
                check_outputs(&p, &b);
            }
            ay_exec_close(exec);
        }
        drop(&p, &b);
    }
}

static void test_exec_size_out_of_range_is_refused_before_running(void **state)
{
    (void)state;
    struct ay_work_program p;
    const void **weights;
    static struct batch b;
    struct ay_exec *exec = NULL;
    struct ay_exec_options options = {.kernels = tables[0], .threads = 1};
    new_program(&p, &weights, false);
    fill(&seed, &p, weights, &b, false);
    assert_int_equal(ay_exec_open(&p, weights, &options, &exec), AY_OK);
    const uint32_t wrong[][2] = {{0, 1}, {MAX_S + 1, 1}, {1, 0}, {1, MAX_T + 1}};
    for (size_t i = 0; i < 4; i++) {
        memcpy(b.runs[RUNS - 1].sizes, wrong[i], sizeof wrong[i]);
        assert_int_equal(ay_exec_run(exec, b.runs, RUNS), AY_E_RANGE);
        assert_true(((const float *)b.runs[0].outputs[0])[0] == 0);
    }
    ay_exec_close(exec);
    drop(&p, &b);
}

static void test_exec_more_runs_than_a_batch_each_equals_itself_alone(void **state)
{
    (void)state;
    enum { MANY = 700 };
    static struct ay_run runs[MANY];
    struct ay_work_program p;
    const void **weights;
    static struct batch b;
    struct ay_exec *exec = NULL;
    struct ay_exec_options options = {
        .kernels = tables[table_count - 1], .threads = 2, .divide = true};
    new_program(&p, &weights, false);
    fill(&seed, &p, weights, &b, false);
    assert_int_equal(ay_exec_open(&p, weights, &options, &exec), AY_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        runs[i] = b.runs[i % RUNS];
        runs[i].outputs[0] = calloc(b.elements[i % RUNS], sizeof(float));
    }
    assert_int_equal(ay_exec_run(exec, runs, MANY), AY_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_memory_equal(runs[i].outputs[0], b.values[i % RUNS][ay_program_values(&p) - 1],
                            b.elements[i % RUNS] * sizeof(float));
        free(runs[i].outputs[0]);
    }
    ay_exec_close(exec);
    drop(&p, &b);
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    for (size_t i = 0; i < 3; i++)
        table_count += ay_kernels_named(names[i], &tables[table_count]) == AY_OK;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_random_programs_equal_specification),
        cmocka_unit_test(test_exec_size_out_of_range_is_refused_before_running),
        cmocka_unit_test(test_exec_more_runs_than_a_batch_each_equals_itself_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
