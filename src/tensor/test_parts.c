/* Parts, columns and joined values that are read and made where they lie, against the
 * specification, bit for bit: random chains of rows, for several runs and threads; and that a
 * recurrence is one step. */
#include "tensor/tape.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMS   300u
#define MAX_VALUES 40u
#define RUNS       3u
#define F32        AY_WORK_DTYPE_F32

typedef const struct ay_value *value;

static uint64_t seed = 20251127;

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

struct maker {
    struct ay_tape *tape;
    value input, made[MAX_VALUES];
    uint32_t count;
};

/* `count` elements of an axis from some place on; now and then apart, or partly outside. */
static value part(struct maker *m, value x, uint32_t axis, uint64_t count)
{
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK];
    for (uint32_t d = 0; d < x->rank; d++) {
        step[d] = 1;
        size[d] = x->dims[d];
    }
    size[axis] = count;
    begin[axis] = below((uint32_t)(x->dims[axis] - count + 1));
    if (below(6) == 0) step[axis] = below(2) ? 2 : -1;
    return ay_tape_slice(m->tape, x, begin, step, size, 0x3f800000);
}

static value any_part(struct maker *m, value x)
{
    uint32_t axis = below(3) ? x->rank - 1 : below(x->rank);
    return part(m, x, axis, 1 + below((uint32_t)x->dims[axis]));
}

/* x and what goes with it along an axis. */
static value joined(struct maker *m, value x)
{
    value parts[4] = {x};
    uint32_t count = 1, axis = below(x->rank);
    for (uint32_t i = 0; i < m->count && count < 4; i++) {
        bool same = m->made[i]->rank == x->rank && below(2);
        for (uint32_t d = 0; same && d < x->rank; d++)
            same = d == axis || m->made[i]->dims[d] == x->dims[d];
        if (same) parts[count++] = m->made[i];
    }
    return ay_tape_concat(m->tape, parts, count, axis);
}

/* Of x, one of as many elements, and one of x's own rows or columns. */
static value mapped(struct maker *m, value x)
{
    value y = x;
    for (uint32_t i = 0; i < m->count; i++)
        if (ay_value_elements(m->made[i]) == ay_value_elements(x) && below(3)) y = m->made[i];
    y = ay_tape_reshape(m->tape, y, x->rank, x->dims);
    y = ay_tape_fn2(m->tape, AY_WORK_FN_SUB, ay_tape_fn1(m->tape, AY_WORK_FN_TANH, y), x);
    return below(2) ? y : ay_tape_fn2(m->tape, AY_WORK_FN_MUL, y, part(m, x, below(x->rank), 1));
}

static value product_to(struct maker *m, value x, uint64_t n)
{
    uint64_t dims[] = {n, x->dims[x->rank - 1]};
    void *to;
    value w = ay_tape_copy(m->tape, F32, 2, dims, NULL, &to);
    ay_test_floats(&seed, to, dims[0] * dims[1], false);
    return ay_tape_matmul(m->tape, x, w);
}

/* More rows, each of x beside each of another matrix. */
static value crossed(struct maker *m, value x)
{
    uint64_t dims[] = {1 + below(3), x->dims[x->rank - 1]}, n = ay_value_elements(x);
    void *to;
    value w = ay_tape_copy(m->tape, F32, 2, dims, NULL, &to);
    ay_test_floats(&seed, to, dims[0] * dims[1], false);
    x = ay_tape_reshape(m->tape, x, 3, (const uint64_t[]){n / dims[1], 1, dims[1]});
    value y = ay_tape_fn1(m->tape, AY_WORK_FN_EXP, ay_tape_fn2(m->tape, AY_WORK_FN_ADD, x, w));
    return below(2) ? y : ay_tape_fn2(m->tape, AY_WORK_FN_MUL, y, x);
}

/* x by columns of what has as many rows as x is wide, or more. */
static value by_columns(struct maker *m, value x)
{
    uint64_t k = x->dims[x->rank - 1];
    for (uint32_t i = 0; i < m->count; i++) {
        value y = m->made[i];
        if (y->rank != 2 || y->dims[0] < k || x->rank != 2 || below(3) == 0) continue;
        y = ay_tape_permute(m->tape, part(m, y, 0, k), (const uint32_t[]){1, 0});
        return ay_tape_matmul(m->tape, x, y);
    }
    return mapped(m, x);
}

static value seen(struct maker *m, value x)
{
    uint64_t n = ay_value_elements(x), last = x->dims[x->rank - 1];
    if (below(2)) return ay_tape_reshape(m->tape, x, 2, (const uint64_t[]){n / last, last});
    if (below(2)) return ay_tape_reshape(m->tape, x, 2, (const uint64_t[]){1, n});
    return ay_tape_reshape(m->tape, x, 3, (const uint64_t[]){n / last, 1, last});
}

static value next_value(struct maker *m)
{
    uint32_t late = m->count < 4 ? m->count : 4;
    value x = m->made[below(3) ? m->count - 1 - below(late) : below(m->count)];
    switch (below(13)) {
    case 0:
    case 1:
    case 2: return any_part(m, x);
    case 3:
    case 4: return joined(m, x);
    case 5: return product_to(m, x, 1 + below(9));
    case 6: return seen(m, x);
    case 7: return crossed(m, x);
    case 8:
    case 9: return by_columns(m, x);
    case 10: return ay_tape_reduce(m->tape, AY_WORK_REDUCE_SUM, x, x->rank - 1);
    default: return mapped(m, x);
    }
}

static void make(struct maker *m)
{
    const struct ay_tape_options options = {.threads = 1};
    /* Wide rows are cut into blocks. */
    const uint64_t dims[] = {below(2) ? 1 : 1 + below(5), below(8) ? 1 + below(20) : 600};
    *m = (struct maker){.count = 1};
    assert_int_equal(ay_tape_open(&options, &m->tape), AY_OK);
    m->input = m->made[0] = ay_tape_input(m->tape, F32, 2, dims);
    uint32_t most = 4 + below(MAX_VALUES - 4);
    while (m->count < most) {
        value x = next_value(m);
        if (!x) fail_msg("%s", ay_tape_reason(m->tape));
        if (ay_value_elements(x) < 3000) m->made[m->count++] = x;
    }
}

struct wanted {
    const void **values;
    size_t count, first; /* of all; of those that ops make */
};

static struct wanted wanted_of(const struct ay_tape_program *p, const float *x)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    struct wanted w = {.count = ay_program_values(&p->program),
                       .first = 1 + p->program.weights_count};
    w.values = calloc(w.count, sizeof *w.values);
    assert_non_null(w.values);
    w.values[0] = x;
    for (uint32_t i = 0; i < p->program.weights_count; i++) w.values[1 + i] = p->weights[i];
    ay_test_reference(&p->program, none, w.values);
    return w;
}

static void drop(struct wanted *w)
{
    for (size_t i = w->first; i < w->count; i++) free((void *)(uintptr_t)w->values[i]);
    free(w->values);
}

/* All runs at once, again, and the first by itself twice. */
static void check_runs(const struct ay_tape_program *p, const float *x, size_t n, uint32_t threads)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    const struct ay_exec_options options = {.threads = threads, .divide = true};
    struct ay_run runs[RUNS] = {{{0}}};
    struct wanted wanted[RUNS];
    struct ay_exec *exec = NULL;
    assert_int_equal(ay_exec_open(&p->program, p->weights, &options, &exec), AY_OK);
    for (uint32_t r = 0; r < RUNS; r++) {
        runs[r].inputs[0] = x + r * n;
        wanted[r] = wanted_of(p, x + r * n);
        for (uint32_t i = 0; i < p->outputs; i++)
            runs[r].outputs[i] = malloc(ay_exec_output_bytes(exec, i, none));
    }
    for (uint32_t times = 0; times < 4; times++) {
        uint32_t count = times < 2 ? RUNS : 1;
        assert_int_equal(ay_exec_run(exec, runs, count), AY_OK);
        for (uint32_t r = 0; r < count; r++)
            for (uint32_t i = 0; i < p->outputs; i++) {
                const void *here = wanted[r].values[ay_program_output_at(&p->program, i)];
                uint64_t bytes = ay_exec_output_bytes(exec, i, none);
                assert_memory_equal(runs[r].outputs[i], here, bytes);
                memset(runs[r].outputs[i], 0xa5, bytes);
            }
    }
    for (uint32_t r = 0; r < RUNS; r++) {
        for (uint32_t i = 0; i < p->outputs; i++) free(runs[r].outputs[i]);
        drop(&wanted[r]);
    }
    ay_exec_close(exec);
}

static void test_parts_random_chains_equal_specification(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct maker m;
        struct ay_tape_program p;
        make(&m);
        const value outputs[] = {m.made[m.count - 1], m.made[m.count - 2],
                                 m.made[1 + below(m.count - 1)]};
        uint32_t count = 1 + below(3);
        if (ay_tape_program(m.tape, outputs, count, &p) != AY_OK)
            fail_msg("%s", ay_tape_reason(m.tape));
        size_t n = ay_value_elements(m.input);
        float *x = calloc(RUNS * n, sizeof *x);
        assert_non_null(x);
        ay_test_floats(&seed, x, RUNS * n, true);
        check_runs(&p, x, n, 1);
        check_runs(&p, x, n, 2);
        free(x);
        ay_tape_close(m.tape);
    }
}

/* The one output of an input (rows, width), by one thread and two. */
static void check_one(struct maker *m, value out)
{
    struct ay_tape_program p;
    size_t n = ay_value_elements(m->input);
    float *x = calloc(RUNS * n, sizeof *x);
    assert_non_null(x);
    ay_test_floats(&seed, x, RUNS * n, false);
    if (ay_tape_program(m->tape, &out, 1, &p) != AY_OK) fail_msg("%s", ay_tape_reason(m->tape));
    check_runs(&p, x, n, 1);
    check_runs(&p, x, n, 2);
    free(x);
    ay_tape_close(m->tape);
}

static void begin(struct maker *m, uint64_t rows, uint64_t width)
{
    const struct ay_tape_options options = {.threads = 1};
    *m = (struct maker){0};
    assert_int_equal(ay_tape_open(&options, &m->tape), AY_OK);
    m->input = ay_tape_input(m->tape, F32, 2, (const uint64_t[]){rows, width});
}

/* Whose second block of columns reads the first column too. */
static void test_parts_map_does_not_overwrite_the_column_it_reads(void **state)
{
    (void)state;
    struct maker m;
    begin(&m, 2, 600);
    value y = ay_tape_fn1(m.tape, AY_WORK_FN_TANH, m.input);
    value first = ay_tape_slice(m.tape, y, (const int64_t[]){0, 0}, (const int64_t[]){1, 1},
                                (const uint64_t[]){2, 1}, 0);
    y = ay_tape_fn2(m.tape, AY_WORK_FN_MUL, y, first);
    check_one(&m, ay_tape_reduce(m.tape, AY_WORK_REDUCE_SUM, y, 1));
}

/* Although it has as many rows, they are not those at hand. */
static void test_parts_joined_rows_are_whole_after_their_step(void **state)
{
    (void)state;
    struct maker m;
    begin(&m, 2, 3);
    value x = ay_tape_slice(m.tape, m.input, (const int64_t[]){1, 2}, (const int64_t[]){-1, -1},
                            (const uint64_t[]){2, 3}, 0);
    value a = ay_tape_fn1(m.tape, AY_WORK_FN_TANH, x);
    value both[] = {a, product_to(&m, a, 3)};
    value y = ay_tape_concat(m.tape, both, 2, 0);
    y = ay_tape_reshape(m.tape, y, 2, (const uint64_t[]){2, 6});
    check_one(&m, product_to(&m, y, 5));
}

/* Steps by which the program is run. */
static uint32_t steps_of(const struct ay_tape_program *p, const float *x)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    const struct ay_exec_options options = {.threads = 1, .profile = true};
    struct ay_run run = {.inputs = {x}};
    struct ay_exec *exec = NULL;
    struct ay_exec_cost cost;
    uint32_t count = 0;
    assert_int_equal(ay_exec_open(&p->program, p->weights, &options, &exec), AY_OK);
    run.outputs[0] = malloc(ay_exec_output_bytes(exec, 0, none));
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    while (ay_exec_cost(exec, count, &cost)) count++;
    free(run.outputs[0]);
    ay_exec_close(exec);
    return count;
}

/* The state of each step: its input and the state before by a matrix, in two gates. */
static void recurrence_is_one_step(uint64_t samples)
{
    enum { STEPS = 9, HIDDEN = 8 };
    const struct ay_tape_options options = {.threads = 1};
    static const float input[STEPS * 3 * 2 * HIDDEN];
    struct maker m = {0};
    struct ay_tape_program p;
    value states[STEPS];
    assert_int_equal(ay_tape_open(&options, &m.tape), AY_OK);
    value x = ay_tape_input(m.tape, F32, 2, (const uint64_t[]){STEPS * samples, 2 * HIDDEN});
    void *to;
    value w = ay_tape_copy(m.tape, F32, 2, (const uint64_t[]){2 * HIDDEN, HIDDEN}, NULL, &to);
    ay_test_floats(&seed, to, 2 * HIDDEN * HIDDEN, false);
    for (int64_t t = 0; t < STEPS; t++) {
        const int64_t at[] = {t * (int64_t)samples, 0}, gate[] = {0, HIDDEN}, each[] = {1, 1};
        const uint64_t all[] = {samples, 2 * HIDDEN}, one[] = {samples, HIDDEN};
        value y = ay_tape_slice(m.tape, x, at, each, all, 0);
        if (t > 0)
            y = ay_tape_fn2(m.tape, AY_WORK_FN_ADD, y, ay_tape_matmul(m.tape, states[t - 1], w));
        value a = ay_tape_slice(m.tape, y, (const int64_t[]){0, 0}, each, one, 0);
        value b = ay_tape_slice(m.tape, y, gate, each, one, 0);
        states[t] = ay_tape_fn2(m.tape, AY_WORK_FN_MUL, ay_tape_fn1(m.tape, AY_WORK_FN_TANH, a), b);
    }
    value all = ay_tape_concat(m.tape, states, STEPS, 0);
    assert_int_equal(ay_tape_program(m.tape, &all, 1, &p), AY_OK);
    assert_int_equal(steps_of(&p, input), 1);
    ay_tape_close(m.tape);
}

static void test_parts_recurrence_is_one_step(void **state)
{
    (void)state;
    recurrence_is_one_step(1);
    recurrence_is_one_step(3);
}

/* Every second column of an image by two lists of filters: each product reads them where they are.
 */
static void test_parts_view_for_weights_is_not_stored(void **state)
{
    (void)state;
    struct maker m;
    struct ay_tape_program p;
    static const float image[4 * 12];
    value by[2];
    begin(&m, 4, 12);
    const struct ay_tape_view v = {.grid_rank = 2, .grid = {6, 4}, .coefs = {{0, 1}, {2, 0}}};
    value columns = ay_tape_view(m.tape, m.input, &v, 2, (const uint64_t[]){6, 4});
    for (uint64_t i = 0; i < 2; i++) {
        void *to;
        value w = ay_tape_copy(m.tape, F32, 2, (const uint64_t[]){5 + i, 4}, NULL, &to);
        ay_test_floats(&seed, to, (5 + i) * 4, false);
        by[i] = ay_tape_matmul(m.tape, w, columns);
    }
    value out = ay_tape_concat(m.tape, by, 2, 0);
    assert_int_equal(ay_tape_program(m.tape, &out, 1, &p), AY_OK);
    assert_int_equal(steps_of(&p, image), 2);
    check_one(&m, out);
}

/* Windows that reach far beyond each of many short rows: the rows within their frame are more than
 * twice as much, yet little of what the windows are. */
static void test_parts_windows_in_a_wide_frame_are_not_stored(void **state)
{
    (void)state;
    enum { ROWS = 16384, PLACES = 10, TAPS = 9 };
    struct maker m;
    struct ay_tape_program p;
    static const float image[ROWS * 2];
    void *to;
    begin(&m, ROWS, 2);
    const struct ay_tape_view v = {.grid_rank = 3,
                                   .grid = {ROWS, PLACES, TAPS},
                                   .coefs = {{1, 0, 0}, {0, 1, 1}},
                                   .offsets = {0, 1 - TAPS}};
    value windows = ay_tape_view(m.tape, m.input, &v, 2, (const uint64_t[]){ROWS * PLACES, TAPS});
    value w = ay_tape_copy(m.tape, F32, 2, (const uint64_t[]){3, TAPS}, NULL, &to);
    ay_test_floats(&seed, to, 3 * TAPS, false);
    value out = ay_tape_matmul(m.tape, w, windows);
    assert_int_equal(ay_tape_program(m.tape, &out, 1, &p), AY_OK);
    assert_int_equal(steps_of(&p, image), 1);
    check_one(&m, out);
}

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_random_chains_equal_specification),
        cmocka_unit_test(test_parts_map_does_not_overwrite_the_column_it_reads),
        cmocka_unit_test(test_parts_joined_rows_are_whole_after_their_step),
        cmocka_unit_test(test_parts_view_for_weights_is_not_stored),
        cmocka_unit_test(test_parts_windows_in_a_wide_frame_are_not_stored),
        cmocka_unit_test(test_parts_recurrence_is_one_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
