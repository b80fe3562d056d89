/* Descents through tables of any contents against the specification, bit for bit: numbers of nodes
 * and places outside the tables, sums that wrap, NaN; and what only looks like one. */
#include "tensor/tape.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMS 120u
#define F32      AY_WORK_DTYPE_F32
#define I32      AY_WORK_DTYPE_I32
#define I64      AY_WORK_DTYPE_I64

typedef const struct ay_value *value;

static uint64_t seed = 20251128;

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

/* What a level could have that a descent has not. */
enum oddity { NONE, WORD_IS_USED, NEXT_IS_USED, OTHER_SPLITS, WORD_IS_LARGER, ODDITIES };

struct maker {
    struct ay_tape *tape;
    value x, top, words, splits, others, row, outputs[2];
    uint32_t nodes, shift, levels, odd_level;
    enum oddity oddity;
};

static value fn(struct maker *m, enum ay_work_fn f, uint32_t dtype, value a, value b)
{
    return ay_tape_int_fn(m->tape, f, dtype, a, b);
}

static value known(struct maker *m, uint32_t dtype, uint32_t n)
{
    void *to;
    value v = ay_tape_copy(m->tape, dtype, 1, (const uint64_t[]){n}, NULL, &to);
    ay_test_elements(&seed, dtype, to, n, true);
    return v;
}

/* Mostly nodes of the table, a few of which follow themselves; some of any bits. */
static void set_words(struct maker *m)
{
    void *to;
    m->words = ay_tape_copy(m->tape, I32, 1, (const uint64_t[]){m->nodes}, NULL, &to);
    for (uint32_t i = 0; i < m->nodes; i++) {
        uint32_t next = below(3) ? below(m->nodes) : i, any = (uint32_t)ay_test_random(&seed);
        ((uint32_t *)to)[i] = below(8) ? next << m->shift | (any & ((1u << m->shift) - 1)) : any;
    }
}

static value level(struct maker *m, value at, bool odd)
{
    struct ay_tape *t = m->tape;
    enum oddity oddity = odd ? m->oddity : NONE;
    value word = ay_tape_gather(t, m->words, at, 0);
    value mask = ay_tape_int(t, I32, (1 << m->shift) - 1);
    value place = fn(m, AY_WORK_FN_INT_AND, I32, word, mask);
    if (m->row) place = fn(m, AY_WORK_FN_INT_ADD, I32, m->row, place);
    value x = ay_tape_gather(t, m->x, place, 0);
    value split = ay_tape_gather(t, oddity == OTHER_SPLITS ? m->others : m->splits, at, 0);
    value low = fn(m, AY_WORK_FN_INT_SHR, I64, word, ay_tape_int(t, I32, m->shift));
    value above = fn(m, AY_WORK_FN_LT, AY_WORK_DTYPE_BOOL, split, x);
    value next = fn(m, AY_WORK_FN_INT_ADD, I32, low, above);
    if (oddity == WORD_IS_LARGER) next = fn(m, AY_WORK_FN_INT_MAX, I32, word, next);
    if (oddity == WORD_IS_USED) m->outputs[1] = word;
    if (oddity == NEXT_IS_USED) m->outputs[1] = next;
    return next;
}

static void make(struct maker *m)
{
    *m = (struct maker){.nodes = 1 + below(90), .shift = below(9), .levels = 1 + below(7)};
    uint32_t trees = 1 + below(20), rows = below(3) ? 1 + below(40) : 1, features = 1 + below(60);
    const struct ay_tape_options options = {.threads = 1};
    assert_int_equal(ay_tape_open(&options, &m->tape), AY_OK);
    m->oddity = below(2) ? (enum oddity)below(ODDITIES) : NONE;
    m->odd_level = below(m->levels);
    m->x = ay_tape_input(m->tape, F32, 1, (const uint64_t[]){features});
    m->top = ay_tape_input(m->tape, I32, 2, (const uint64_t[]){trees, rows});
    m->splits = known(m, F32, m->nodes);
    m->others = known(m, F32, m->nodes);
    if (rows > 1) m->row = known(m, I32, rows);
    set_words(m);
    value at = m->top;
    for (uint32_t i = 0; i < m->levels; i++) at = level(m, at, i == m->odd_level);
    m->outputs[0] = at;
    if (!m->outputs[1]) m->outputs[1] = fn(m, AY_WORK_FN_INT_ADD, I64, m->top, m->top);
}

/* Runs the program with so many threads; returns its descents' ops. */
static uint32_t run(const struct ay_tape_program *p, const void *const inputs[2],
                    const void *const *values, uint32_t threads)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    const struct ay_exec_options options = {.threads = threads, .profile = true};
    struct ay_run run = {.inputs = {inputs[0], inputs[1]}};
    struct ay_exec *exec = NULL;
    uint32_t ops = 0;
    assert_int_equal(ay_exec_open(&p->program, p->weights, &options, &exec), AY_OK);
    for (uint32_t i = 0; i < p->outputs; i++)
        run.outputs[i] = malloc(ay_exec_output_bytes(exec, i, none));
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    for (uint32_t i = 0; i < p->outputs; i++) {
        assert_memory_equal(run.outputs[i], values[ay_program_output_at(&p->program, i)],
                            ay_exec_output_bytes(exec, i, none));
        free(run.outputs[i]);
    }
    struct ay_exec_cost cost;
    for (uint32_t i = 0; ay_exec_cost(exec, i, &cost); i++)
        ops += strcmp(cost.how, "descent") == 0 ? cost.ops : 0;
    ay_exec_close(exec);
    return ops;
}

static void check(struct maker *m)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    struct ay_tape_program p;
    uint32_t count = m->outputs[0] == m->outputs[1] ? 1 : 2;
    if (ay_tape_program(m->tape, m->outputs, count, &p) != AY_OK)
        fail_msg("%s", ay_tape_reason(m->tape));
    size_t n = ay_program_values(&p.program), inputs = p.program.inputs_count;
    const void **values = calloc(n, sizeof *values);
    float *x = calloc(m->x->dims[0], sizeof *x);
    uint64_t lanes = ay_value_elements(m->top);
    int32_t *top = calloc(lanes, sizeof *top);
    assert_true(values && x && top && inputs == 2);
    ay_test_floats(&seed, x, m->x->dims[0], true);
    for (uint64_t i = 0; i < lanes; i++)
        top[i] = below(9) ? (int32_t)below(m->nodes) : (int32_t)ay_test_random(&seed);
    values[0] = x;
    values[1] = top;
    for (uint32_t i = 0; i < p.program.weights_count; i++) values[2 + i] = p.weights[i];
    ay_test_reference(&p.program, none, values);
    uint32_t levels = m->levels - (m->oddity == WORD_IS_USED || m->oddity == WORD_IS_LARGER);
    for (uint32_t threads = 1; threads <= 2; threads++)
        assert_int_equal(run(&p, (const void *[]){x, top}, values, threads), 5 * levels);
    for (size_t i = 2 + p.program.weights_count; i < n; i++) free((void *)(uintptr_t)values[i]);
    free(values);
    free(x);
    free(top);
    ay_tape_close(m->tape);
}

static void test_descent_any_tables_equals_specification(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct maker m;
        make(&m);
        check(&m);
    }
}

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descent_any_tables_equals_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
