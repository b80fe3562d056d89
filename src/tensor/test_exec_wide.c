/* The executor against the specification, bit for bit, on random programs over every kind of op,
 * dtype, reduction and function, of several inputs and outputs. */
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED     7000u
#define PROGRAMS 200u
#define RUNS     3u

static const struct ay_kernels *tables[3];
static uint32_t table_count;
static uint32_t number; /* of the program at hand */
static uint32_t kinds[16], reductions[16], functions[64];
static _Alignas(64) uint8_t memory[1 << 20];

/* A run with every value by the specification. */
struct run {
    struct ay_run run;
    const void **values;
    uint64_t *bytes; /* of each value */
};

static void fill(uint64_t *state, const struct ay_work_program *p, const void **weights, bool odd,
                 struct run *r)
{
    uint32_t n = ay_program_values(p);
    r->values = calloc(n, sizeof *r->values);
    r->bytes = calloc(n, sizeof *r->bytes);
    assert_true(r->values && r->bytes);
    r->run.sizes[0] = 1 + ay_test_below(state, p->max_dims[0]);
    for (uint32_t v = 0; v < n; v++) {
        struct ay_tensor_type t;
        assert_int_equal(ay_program_shape(p, v, r->run.sizes, &t), AY_OK);
        r->bytes[v] = ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype);
        if (v < p->inputs_count) {
            void *input = malloc(r->bytes[v]);
            assert_non_null(input);
            ay_test_elements(state, t.dtype, input, ay_tensor_elements(&t), odd);
            r->run.inputs[v] = r->values[v] = input;
        } else if (v < p->inputs_count + p->weights_count) {
            r->values[v] = weights[v - p->inputs_count];
        }
    }
    ay_test_reference(p, r->run.sizes, r->values);
    for (uint32_t i = 0; i < ay_program_outputs(p); i++) {
        r->run.outputs[i] = malloc(r->bytes[ay_program_output_at(p, i)]);
        assert_non_null(r->run.outputs[i]);
    }
}

static void drop(const struct ay_work_program *p, struct run *r)
{
    for (uint32_t v = 0; v < ay_program_values(p); v++)
        if (v < p->inputs_count || v >= p->inputs_count + p->weights_count)
            free((void *)(uintptr_t)r->values[v]);
    for (uint32_t i = 0; i < ay_program_outputs(p); i++) free(r->run.outputs[i]);
    free(r->values);
    free(r->bytes);
}

static void check_value(const struct ay_work_program *p, const struct run *r, uint32_t id,
                        const void *got, const char *how)
{
    if (memcmp(got, r->values[id], r->bytes[id]) == 0) return;
    uint32_t op = id - p->inputs_count - p->weights_count;
    fail_msg("seed %u: op %u, %s, %s", SEED + number, op,
             ay_enum_find(&ay_work_op_kind_enum, p->ops[op].kind)->name, how);
}

static void check_outputs(const struct ay_work_program *p, struct run *runs)
{
    for (uint32_t r = 0; r < RUNS; r++)
        for (uint32_t i = 0; i < ay_program_outputs(p); i++) {
            uint32_t id = ay_program_output_at(p, i);
            check_value(p, &runs[r], id, runs[r].run.outputs[i], "fused");
            memset(runs[r].run.outputs[i], 0xa5, runs[r].bytes[id]);
        }
}

static void check_trace(const struct ay_work_program *p, struct ay_exec *exec, struct run *runs)
{
    for (uint32_t r = 0; r < RUNS; r++) {
        assert_int_equal(ay_exec_run(exec, &runs[r].run, 1), AY_OK);
        for (uint32_t i = 0; i < p->ops_count; i++)
            check_value(p, &runs[r], ay_program_output(p, i), ay_exec_trace(exec, i), "traced");
    }
    check_outputs(p, runs);
}

/* What there was in all programs. */
static void count(const struct ay_work_program *p)
{
    for (uint32_t i = 0; i < p->ops_count; i++) {
        kinds[p->ops[i].kind]++;
        reductions[p->ops[i].reduce]++;
        for (uint32_t k = 0; k < p->ops[i].steps_count; k++) functions[p->ops[i].steps[k].fn]++;
    }
}

static void check_program(void)
{
    uint64_t seed = SEED + number, *state = &seed;
    bool odd = number % 3 == 0;
    struct ay_arena arena = ay_arena_over(memory, sizeof memory);
    struct ay_work_program p;
    const void **weights;
    static struct run runs[RUNS];
    struct ay_run batch[RUNS];
    ay_test_wide_program(state, &arena, &p, &weights, odd);
    count(&p);
    for (uint32_t r = 0; r < RUNS; r++) {
        fill(state, &p, weights, odd, &runs[r]);
        batch[r] = runs[r].run;
    }
    for (uint32_t k = 0; k < 2 * table_count; k++) {
        struct ay_exec_options options = {.kernels = tables[k / 2],
                                          .threads = 1 + (number + k) % 3,
                                          .divide = true,
                                          .trace = k % 2 == 1};
        struct ay_exec *exec = NULL;
        assert_int_equal(ay_exec_open(&p, weights, &options, &exec), AY_OK);
        if (options.trace) {
            check_trace(&p, exec, runs);
        } else {
            assert_int_equal(ay_exec_run(exec, batch, RUNS), AY_OK);
            check_outputs(&p, runs);
        }
        ay_exec_close(exec);
    }
    for (uint32_t r = 0; r < RUNS; r++) drop(&p, &runs[r]);
}

static void test_exec_random_wide_programs_equal_specification(void **unused)
{
    (void)unused;
    print_message("seeds %u to %u\n", SEED, SEED + PROGRAMS - 1);
    for (number = 0; number < PROGRAMS; number++) check_program();
    for (uint32_t k = 1; k < ay_work_op_kind_enum.n; k++) assert_true(kinds[k] > 0);
    for (uint32_t r = 1; r < ay_work_reduce_enum.n; r++) assert_true(reductions[r] > 0);
    for (uint32_t f = 1; f < ay_work_fn_enum.n; f++) assert_true(functions[f] > 0);
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    for (uint32_t i = 0; i < 3; i++)
        if (ay_kernels_named(names[i], &tables[table_count]) == AY_OK) table_count++;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_random_wide_programs_equal_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
