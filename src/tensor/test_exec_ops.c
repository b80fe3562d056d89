/* The executor against the specification on random programs of every op and dtype, and of the
 * shapes that convolutions and poolings have; and on single ones that were wrong once. */
#include "tensor/testing.h"
#include "tensor/testing_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMS 200u

static uint64_t seed = 20240711;

struct program {
    struct ay_test_ops made;
    const void **values; /* by the specification */
    void *outputs[AY_MAX_WORK_PROGRAM_OUTPUTS];
};

static uint64_t bytes_of(const struct program *p, uint32_t id)
{
    struct ay_tensor_type t;
    ay_program_type(&p->made.p.program, id, &t);
    return ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype);
}

static void evaluate(struct program *p)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    const struct ay_work_program *w = &p->made.p.program;
    p->values = calloc(ay_program_values(w), sizeof *p->values);
    assert_non_null(p->values);
    for (uint32_t i = 0; i < 2; i++) p->values[i] = p->made.inputs[i];
    for (uint32_t i = 0; i < w->weights_count; i++) p->values[2 + i] = p->made.p.weights[i];
    ay_test_reference(w, none, p->values);
    for (uint32_t i = 0; i < w->outputs_count; i++) {
        p->outputs[i] = malloc(bytes_of(p, w->outputs[i]));
        assert_non_null(p->outputs[i]);
    }
}

static void drop(struct program *p)
{
    const struct ay_work_program *w = &p->made.p.program;
    for (uint32_t i = 0; i < w->ops_count; i++)
        free((void *)(uintptr_t)p->values[ay_program_output(w, i)]);
    for (uint32_t i = 0; i < w->outputs_count; i++) free(p->outputs[i]);
    free(p->values);
    ay_tape_close(p->made.tape);
}

/* The first op that differs is the one to look at. */
static void check(const struct program *p, const struct ay_exec *exec, bool trace)
{
    const struct ay_work_program *w = &p->made.p.program;
    for (uint32_t i = 0; trace && i < w->ops_count; i++) {
        uint32_t id = ay_program_output(w, i);
        if (memcmp(ay_exec_trace(exec, i), p->values[id], bytes_of(p, id)) == 0) continue;
        fail_msg("op %u of kind %u differs", i, w->ops[i].kind);
    }
    for (uint32_t i = 0; i < w->outputs_count; i++)
        if (memcmp(p->outputs[i], p->values[w->outputs[i]], bytes_of(p, w->outputs[i])) != 0)
            fail_msg("output %u differs, operand %u", i, w->outputs[i]);
}

/* Runs it by each table of kernels, with and without trace, with threads that depend on `number`.
 */
static void check_each_way(struct program *p, uint32_t number)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    evaluate(p);
    for (uint32_t k = 0; k < 6; k++) {
        struct ay_exec_options options = {
            .threads = 1 + (number + k) % 3, .divide = true, .trace = k % 2};
        if (ay_kernels_named(names[k / 2], &options.kernels) != AY_OK) continue;
        struct ay_exec *exec = NULL;
        struct ay_run run = {.inputs = {p->made.inputs[0], p->made.inputs[1]}};
        memcpy(run.outputs, p->outputs, sizeof run.outputs);
        assert_int_equal(ay_exec_open(&p->made.p.program, p->made.p.weights, &options, &exec),
                         AY_OK);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        check(p, exec, options.trace);
        for (uint32_t o = 0; o < p->made.p.outputs; o++)
            memset(p->outputs[o], 0xa5, bytes_of(p, p->made.p.program.outputs[o]));
        ay_exec_close(exec);
    }
    drop(p);
}

static void test_exec_random_ops_equal_specification(void **state)
{
    (void)state;
    static struct program p;
    printf("seed %llu\n", (unsigned long long)seed);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        ay_test_ops(&seed, i % 4 == 0, &p.made);
        check_each_way(&p, i);
    }
}

/* Weights so large beside the rows that threads share their columns out. */
static void test_exec_few_rows_meet_large_weights(void **state)
{
    (void)state;
    static struct program p;
    for (uint32_t i = 0; i < 9; i++) {
        const uint64_t n = 301 + 7 * i, k = 512 - i, rows[] = {1 + i, k}, weights[] = {n, k};
        const uint64_t scales[] = {n, (k + 31) / 32}, narrow[] = {5, n};
        const struct ay_tape_options options = {.threads = 1};
        struct ay_tape *tape = NULL;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        const struct ay_value *x = ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, rows), *outputs[2];
        (void)ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, rows);
        outputs[0] = ay_tape_matmul(
            tape, ay_tape_matmul(tape, x, ay_test_known_floats(tape, &seed, 2, weights, false)),
            ay_test_known_floats(tape, &seed, 2, narrow, false));
        outputs[1] = ay_tape_matmul_q8(
            tape, x, ay_test_known_integers(tape, &seed, AY_WORK_DTYPE_I8, 2, weights, -127, 255),
            ay_test_known_floats(tape, &seed, 2, scales, false));
        assert_int_equal(ay_tape_program(tape, outputs, 2, &p.made.p), AY_OK);
        p.made.tape = tape;
        ay_test_floats(&seed, p.made.inputs[0], AY_TEST_INPUT, false);
        check_each_way(&p, i);
    }
}

/* The other operand of a product with patches comes after them: permuted, or some columns of rows.
 */
static void test_exec_what_meets_patches_lies_as_it_is_stated(void **state)
{
    (void)state;
    static struct program p;
    for (uint32_t way = 0; way < 2; way++) {
        const uint64_t keys[] = {2, 2, 5, 8}, wide[] = {2, 4, 5, 8};
        const uint64_t heads[] = {2, 3, 4, 8}, rows[] = {2, 4, 3, 12}, some[] = {2, 4, 3, 8};
        const struct ay_tape_view twice = {.view_rank = 4,
                                           .view = {2, 2, 5, 8},
                                           .grid_rank = 5,
                                           .grid = {2, 2, 2, 5, 8},
                                           .coefs = {{1}, {0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}}};
        const struct ay_tape_options options = {.threads = 1};
        struct ay_tape *tape = NULL;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        const struct ay_value *q = ay_tape_input(tape, AY_WORK_DTYPE_F32, 4, way ? rows : heads);
        const struct ay_value *k = ay_tape_input(tape, AY_WORK_DTYPE_F32, 4, keys);
        k = ay_tape_view(tape, k, &twice, 4, wide);
        if (way)
            q = ay_tape_slice(tape, q, (const int64_t[]){0, 0, 0, 3}, (const int64_t[]){1, 1, 1, 1},
                              some, 0);
        else
            q = ay_tape_permute(tape, q, (const uint32_t[]){0, 2, 1, 3});
        q = ay_tape_matmul(tape, q, k);
        assert_int_equal(ay_tape_program(tape, &q, 1, &p.made.p), AY_OK);
        assert_int_equal(p.made.p.program.ops[0].kind, AY_WORK_OP_VIEW);
        assert_int_equal(p.made.p.program.ops[0].in[0], 1);
        p.made.tape = tape;
        for (uint32_t i = 0; i < 2; i++)
            ay_test_floats(&seed, p.made.inputs[i], AY_TEST_INPUT, false);
        check_each_way(&p, way);
    }
}

/* The first elements of what a product makes row by row, as many rows again, are no columns of it.
 */
static void test_exec_first_elements_are_not_first_columns(void **state)
{
    (void)state;
    static struct program p;
    const uint64_t rows[] = {3, 8}, wide[] = {14, 8}, flat = 42, some = 6;
    const uint64_t narrow[] = {3, 2}, last[] = {5, 2};
    const struct ay_tape_options options = {.threads = 1};
    for (uint32_t i = 0; i < 3; i++) {
        struct ay_tape *tape = NULL;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        const struct ay_value *x = ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, rows);
        (void)ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, rows);
        x = ay_tape_matmul(tape, x, ay_test_known_floats(tape, &seed, 2, wide, false));
        x = ay_tape_reshape(tape, x, 1, &flat);
        x = ay_tape_slice(tape, x, (const int64_t[]){0}, (const int64_t[]){1}, &some, 0);
        x = ay_tape_reshape(tape, x, 2, narrow);
        x = ay_tape_matmul(tape, x, ay_test_known_floats(tape, &seed, 2, last, false));
        assert_int_equal(ay_tape_program(tape, &x, 1, &p.made.p), AY_OK);
        p.made.tape = tape;
        ay_test_floats(&seed, p.made.inputs[0], AY_TEST_INPUT, false);
        check_each_way(&p, i);
    }
}

/* Ops, a VIEW or PERMUTE once for each of its users: who reads patches makes them itself. */
static uint32_t most_counted(const struct ay_work_program *p)
{
    uint32_t count = p->ops_count, first = ay_program_output(p, 0);
    for (uint32_t i = 0; i < p->ops_count; i++)
        for (uint32_t k = 0; k < p->ops[i].in_count; k++)
            if (p->ops[i].in[k] >= first &&
                (p->ops[p->ops[i].in[k] - first].kind == AY_WORK_OP_VIEW ||
                 p->ops[p->ops[i].in[k] - first].kind == AY_WORK_OP_PERMUTE))
                count++;
    return count;
}

static void test_exec_profile_counts_each_op_where_it_is_run(void **state)
{
    (void)state;
    static struct program p;
    uint32_t all = 0;
    for (uint32_t i = 0; i < 20; i++) {
        ay_test_ops(&seed, false, &p.made);
        evaluate(&p);
        struct ay_exec_options options = {.threads = 1, .profile = true};
        struct ay_exec *exec = NULL;
        struct ay_run run = {.inputs = {p.made.inputs[0], p.made.inputs[1]}};
        struct ay_exec_cost cost;
        memcpy(run.outputs, p.outputs, sizeof run.outputs);
        assert_int_equal(ay_exec_open(&p.made.p.program, p.made.p.weights, &options, &exec), AY_OK);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        check(&p, exec, false);
        uint32_t ops = 0;
        for (uint32_t s = 0; ay_exec_cost(exec, s, &cost); s++) {
            assert_true(cost.work > 0 && cost.bytes > 0);
            ops += cost.ops;
        }
        assert_true(ops <= most_counted(&p.made.p.program)); /* a reshape is no work */
        all += ops;
        assert_true(ay_exec_memory(exec) > 0);
        ay_exec_close(exec);
        drop(&p);
    }
    assert_true(all > 0);
}

/* Programs of one input, written op by op, that the tape would not write. */
static void run_as_it_is(const struct ay_work_tensor_type *input, const struct ay_work_op *ops,
                         uint32_t count, const void *x, void *y)
{
    const struct ay_work_program p = {.numerics = 1,
                                      .iterate = 1,
                                      .inputs = input,
                                      .inputs_count = 1,
                                      .ops = ops,
                                      .ops_count = count};
    const struct ay_exec_options options = {.threads = 2, .divide = true};
    const struct ay_run run = {.inputs = {x}, .outputs = {y}};
    struct ay_exec *exec = NULL;
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    assert_int_equal(ay_exec_open(&p, NULL, &options, &exec), AY_OK);
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    ay_exec_close(exec);
}

/* The first permutation's operand is written by strides; the second's must then not be. */
static void test_exec_permuted_twice_moves_elements_twice(void **state)
{
    (void)state;
    static const uint32_t dims[3][3] = {{2, 3, 4}, {3, 2, 4}, {3, 2, 4}}, perm[] = {1, 0, 2};
    static const uint32_t args[] = {AY_MAP_INPUT << 24}, last[] = {2, 3, 4};
    static const struct ay_work_map_step negate = {AY_WORK_FN_NEG, args, 1};
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_F32, dims[0], 3};
    struct ay_work_op ops[3] = {{.kind = AY_WORK_OP_MAP, .steps = &negate, .steps_count = 1},
                                {.kind = AY_WORK_OP_PERMUTE},
                                {.kind = AY_WORK_OP_PERMUTE}};
    const uint32_t in[] = {0, 1, 2};
    for (uint32_t i = 0; i < 3; i++) {
        ops[i].in = &in[i];
        ops[i].in_count = 1;
        ops[i].dims = i == 2 ? last : dims[i];
        ops[i].dims_count = 3;
        if (i == 0) continue;
        ops[i].view = dims[i - 1];
        ops[i].perm = perm;
        ops[i].view_count = ops[i].perm_count = 3;
    }
    float x[24], y[24];
    ay_test_floats(&seed, x, 24, false);
    run_as_it_is(&input, ops, 3, x, y);
    for (uint32_t i = 0; i < 24; i++) assert_true(y[i] == -x[i]);
}

/* What is made of constants is moved as it is: a NaN must be the canonical one before. Where
 * integers fit 32 bits, and where not. */
static void test_exec_nan_of_constants_is_canonical(void **state)
{
    (void)state;
    enum { INPUT = (int)AY_MAP_INPUT << 24, STEP = (int)AY_MAP_STEP << 24 };
    enum { ZERO = (int)AY_MAP_CONST << 24, LARGE = (int)AY_MAP_INT << 24, N = 40 };
    static const uint32_t consts[] = {0}, dims[] = {N}, in = 0;
    static const int64_t ints[] = {1ll << 40};
    static const uint32_t zeros[] = {ZERO, ZERO}, less[] = {INPUT, ZERO},
                          more[] = {STEP | 1, LARGE};
    static const uint32_t either[][3] = {{STEP | 1, STEP, INPUT}, {STEP | 2, STEP, INPUT}};
    struct ay_work_map_step steps[] = {{AY_WORK_FN_DIV, zeros, 2},
                                       {AY_WORK_FN_LT, less, 2},
                                       {AY_WORK_FN_INT_MUL, more, 2},
                                       {AY_WORK_FN_SELECT, either[1], 3}};
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_F32, dims, 1};
    struct ay_work_op op = {.kind = AY_WORK_OP_MAP,
                            .in = &in,
                            .in_count = 1,
                            .dims = dims,
                            .dims_count = 1,
                            .consts = consts,
                            .consts_count = 1,
                            .ints = ints,
                            .ints_count = 1,
                            .steps = steps,
                            .steps_count = 4};
    for (uint32_t way = 0; way < 2; way++) {
        float x[N], y[N];
        ay_test_floats(&seed, x, N, false);
        run_as_it_is(&input, &op, 1, x, y);
        for (uint32_t i = 0; i < N; i++) {
            uint32_t got, nan = 0x7fc00000;
            memcpy(&got, &y[i], sizeof got);
            assert_memory_equal(&got, x[i] < 0 ? (const void *)&nan : &x[i], sizeof got);
        }
        steps[2] = (struct ay_work_map_step){AY_WORK_FN_SELECT, either[0], 3};
        op.steps_count = 3;
        op.ints_count = 0;
    }
}

/* A part of a joined value that no op reads is made after the others were read for the last time.
 */
static void test_exec_joined_value_that_none_reads_keeps_its_memory(void **state)
{
    (void)state;
    enum { INPUT = (int)AY_MAP_INPUT << 24, N = 12 };
    static const uint32_t one[] = {N}, two[] = {2 * N}, grid[] = {2, N},
                          in[][2] = {{0}, {1, 1}, {2}, {0}, {4, 1}, {3}};
    static const uint32_t twice[] = {INPUT, INPUT};
    static const int64_t coefs[] = {0, 1}, offsets[] = {0};
    static const struct ay_work_map_step sum = {AY_WORK_FN_INT_ADD, twice, 2};
    static const struct ay_work_map_step square = {AY_WORK_FN_INT_MUL, twice, 2};
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_I32, one, 1};
    struct ay_work_op ops[6] = {{.steps = &sum},
                                {.steps = &sum},
                                {.kind = AY_WORK_OP_VIEW},
                                {.steps = &square},
                                {.kind = AY_WORK_OP_CONCAT},
                                {.steps = &sum}};
    for (uint32_t i = 0; i < 6; i++) {
        ops[i].in = in[i];
        ops[i].in_count = i == 4 ? 2 : 1;
        ops[i].dims = i == 2 || i > 3 ? two : one;
        ops[i].dims_count = 1;
        ops[i].dtype = AY_WORK_DTYPE_I32;
        if (!ops[i].steps) continue;
        ops[i].kind = AY_WORK_OP_MAP;
        ops[i].steps_count = 1;
    }
    ops[2].view = one;
    ops[2].view_count = ops[2].offsets_count = 1;
    ops[2].grid = grid;
    ops[2].grid_count = ops[2].coefs_count = 2;
    ops[2].coefs = coefs;
    ops[2].offsets = offsets;
    int32_t x[N], y[2 * N];
    for (int32_t i = 0; i < N; i++) x[i] = i - 5;
    run_as_it_is(&input, ops, 6, x, y);
    for (int32_t i = 0; i < 2 * N; i++) assert_int_equal(y[i], 8 * x[i % N]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_random_ops_equal_specification),
        cmocka_unit_test(test_exec_few_rows_meet_large_weights),
        cmocka_unit_test(test_exec_what_meets_patches_lies_as_it_is_stated),
        cmocka_unit_test(test_exec_first_elements_are_not_first_columns),
        cmocka_unit_test(test_exec_permuted_twice_moves_elements_twice),
        cmocka_unit_test(test_exec_nan_of_constants_is_canonical),
        cmocka_unit_test(test_exec_joined_value_that_none_reads_keeps_its_memory),
        cmocka_unit_test(test_exec_profile_counts_each_op_where_it_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
