/* Forms that a kernel computes at once: found where they are whole and nothing else needs what is
 * between, and of the bits of the specification either way. */
#include "tensor/form.h"
#include "tensor/ref/float.h"
#include "tensor/tape.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = 500, MAX_ROWS = 40, MAX_WIDTH = 330, MAX_OUTPUTS = 3 };

static uint64_t seed = 20251127;
static struct ay_tape *tape;

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

/* What a case makes, and whether it is a form. */
struct form_case {
    const struct ay_value *x, *outputs[MAX_OUTPUTS];
    uint32_t count;
    bool whole, odd;
};

static const struct ay_value *fn2(enum ay_work_fn fn, const struct ay_value *a,
                                  const struct ay_value *b)
{
    return ay_tape_fn2(tape, fn, a, b);
}

/* Where the operands' order is free. */
static const struct ay_value *either(enum ay_work_fn fn, const struct ay_value *a,
                                     const struct ay_value *b)
{
    return below(2) ? fn2(fn, a, b) : fn2(fn, b, a);
}

static const struct ay_value *number(float x)
{
    return ay_tape_f32(tape, x);
}

static const struct ay_value *reduced(enum ay_work_reduce kind, const struct ay_value *x)
{
    return ay_tape_reduce(tape, kind, x, x->rank - 1);
}

/* A row as wide as x, or now and then one number. */
static const struct ay_value *row(struct form_case *c)
{
    uint64_t width = c->x->dims[c->x->rank - 1];
    void *data;
    if (below(6) == 0 && width > 1) width = 1, c->whole = false;
    const struct ay_value *y = ay_tape_copy(tape, AY_WORK_DTYPE_F32, 1, &width, NULL, &data);
    ay_test_floats(&seed, data, width, c->odd);
    return y;
}

/* Now and then an output of its own, which the form then is not. */
static void show(struct form_case *c, const struct ay_value *x)
{
    if (below(8) != 0 || c->count == MAX_OUTPUTS) return;
    c->outputs[c->count++] = x;
    c->whole = false;
}

static void softmax(struct form_case *c)
{
    const struct ay_value *m = reduced(AY_WORK_REDUCE_MAX, c->x), *d;
    if (below(2)) {
        const struct ay_value *scale = number(0.25F * (float)(1 + below(40)));
        d = fn2(AY_WORK_FN_SUB, either(AY_WORK_FN_MUL, c->x, scale),
                either(AY_WORK_FN_MUL, m, scale));
    } else {
        d = fn2(AY_WORK_FN_SUB, c->x, m);
    }
    const struct ay_value *e = ay_tape_fn1(tape, AY_WORK_FN_EXP, d);
    const struct ay_value *s = reduced(AY_WORK_REDUCE_SUM, e);
    c->outputs[c->count++] = fn2(AY_WORK_FN_DIV, e, s);
    show(c, m);
    show(c, e);
    show(c, s);
}

static void layer_norm(struct form_case *c)
{
    uint64_t width = c->x->dims[c->x->rank - 1];
    if (below(8) == 0) width++, c->whole = false;
    const struct ay_value *n = number((float)width);
    const struct ay_value *sum = reduced(AY_WORK_REDUCE_SUM, c->x);
    const struct ay_value *d = fn2(AY_WORK_FN_SUB, c->x, fn2(AY_WORK_FN_DIV, sum, n));
    const struct ay_value *v = reduced(AY_WORK_REDUCE_SUMSQ, d);
    const struct ay_value *mean = fn2(AY_WORK_FN_DIV, v, n);
    const struct ay_value *root =
        ay_tape_fn1(tape, AY_WORK_FN_SQRT, either(AY_WORK_FN_ADD, mean, number(1e-5F)));
    const struct ay_value *unit = either(AY_WORK_FN_MUL, fn2(AY_WORK_FN_DIV, d, root), row(c));
    c->outputs[c->count++] = either(AY_WORK_FN_ADD, unit, row(c));
    show(c, d);
    show(c, v);
}

static void gelu(struct form_case *c)
{
    const struct ay_value *h = below(2) ? either(AY_WORK_FN_ADD, c->x, row(c)) : c->x;
    const struct ay_value *one = number(below(8) ? 1.0F : 1.5F);
    const struct ay_value *by = number(below(8) ? AY_SQRT2 : 1.25F);
    const struct ay_value *erf = ay_tape_fn1(tape, AY_WORK_FN_ERF, fn2(AY_WORK_FN_DIV, h, by));
    const struct ay_value *gate = either(AY_WORK_FN_ADD, erf, one);
    const struct ay_value *y =
        either(AY_WORK_FN_MUL, either(AY_WORK_FN_MUL, h, gate), number(0.5F));
    if (below(4) == 0) y = fn2(AY_WORK_FN_SUB, y, below(2) ? h : gate);
    /* Beside a reduction it goes by rows. */
    c->outputs[c->count++] = y;
    c->outputs[c->count++] = reduced(AY_WORK_REDUCE_SUM, y);
}

static const struct ay_value *hard_gate(const struct ay_value *h, const struct ay_value *shift,
                                        float low, float high)
{
    const struct ay_value *y = either(AY_WORK_FN_ADD, h, shift);
    y = either(AY_WORK_FN_MAX, y, number(low));
    return either(AY_WORK_FN_MIN, y, number(high));
}

static void hard_swish(struct form_case *c)
{
    const struct ay_value *h = below(2) ? either(AY_WORK_FN_ADD, c->x, row(c)) : c->x;
    const struct ay_value *shift = below(8) ? number(3) : row(c);
    bool divided = below(2);
    const struct ay_value *to = divided ? h : either(AY_WORK_FN_MUL, h, number(0.25F));
    const struct ay_value *gate = hard_gate(to, shift, 0, 6), *y = either(AY_WORK_FN_MUL, h, gate);
    if (divided) y = fn2(AY_WORK_FN_DIV, y, below(8) ? number(6) : row(c));
    if (below(4) == 0) y = fn2(AY_WORK_FN_SUB, y, below(2) ? h : gate);
    c->outputs[c->count++] = y;
    c->outputs[c->count++] = reduced(AY_WORK_REDUCE_SUM, y);
}

/* exp(-h) + one. */
static const struct ay_value *logistic_divisor(const struct ay_value *h, const struct ay_value *one)
{
    const struct ay_value *minus = ay_tape_fn1(tape, AY_WORK_FN_NEG, h);
    return either(AY_WORK_FN_ADD, ay_tape_fn1(tape, AY_WORK_FN_EXP, minus), one);
}

static void sigmoid(struct form_case *c)
{
    const struct ay_value *h = below(3) ? either(AY_WORK_FN_ADD, c->x, row(c)) : c->x;
    if (below(5) == 0) h = reduced(AY_WORK_REDUCE_MAX, c->x); /* a number for each row */
    const struct ay_value *one = number(below(8) ? 1.0F : 1.5F), *other = below(8) ? one : row(c);
    const struct ay_value *d = logistic_divisor(h, one);
    const struct ay_value *gate = fn2(AY_WORK_FN_DIV, other, d), *y = gate;
    if (below(2)) y = either(AY_WORK_FN_MUL, h, gate);
    if (below(4) == 0) y = fn2(AY_WORK_FN_SUB, y, below(2) ? h : below(2) ? gate : d);
    if (below(4) == 0) y = either(AY_WORK_FN_MUL, c->x, y);
    c->outputs[c->count++] = y;
    if (below(2)) c->outputs[c->count++] = reduced(AY_WORK_REDUCE_SUM, y); /* or by blocks */
}

/* The forms of rows that an executor of the program uses. */
static uint32_t forms_in(const struct ay_work_program *p)
{
    struct ay_plan plan;
    uint32_t count = 0;
    struct ay_form *forms = calloc(p->ops_count, sizeof *forms);
    assert_non_null(forms);
    assert_int_equal(ay_plan_open(p, true, &plan), AY_OK);
    assert_int_equal(ay_forms_find(&plan, forms), AY_OK);
    for (uint32_t i = 0; i < p->ops_count; i++) count += forms[i].kind != AY_FORM_NONE;
    ay_plan_close(&plan);
    free(forms);
    return count;
}

/* By every table, against what the specification says of each op. */
static void check(const struct ay_tape_program *p, const float *x)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    static const uint32_t none[AY_MAX_SYMBOLS];
    static float got[MAX_OUTPUTS][MAX_ROWS * MAX_WIDTH];
    const struct ay_work_program *w = &p->program;
    const void **values = calloc(ay_program_values(w), sizeof *values);
    assert_non_null(values);
    values[0] = x;
    for (uint32_t i = 0; i < w->weights_count; i++) values[1 + i] = p->weights[i];
    ay_test_reference(w, none, values);
    for (uint32_t k = 0; k < 3; k++) {
        struct ay_exec_options options = {.threads = 1 + below(2), .divide = true};
        struct ay_run run = {.inputs = {x}, .outputs = {got[0], got[1], got[2]}};
        struct ay_exec *exec = NULL;
        if (ay_kernels_named(names[k], &options.kernels) != AY_OK) continue;
        assert_int_equal(ay_exec_open(w, p->weights, &options, &exec), AY_OK);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        for (uint32_t o = 0; o < w->outputs_count; o++)
            assert_memory_equal(got[o], values[w->outputs[o]], ay_exec_output_bytes(exec, o, none));
        ay_exec_close(exec);
    }
    for (uint32_t i = 0; i < w->ops_count; i++)
        free((void *)(uintptr_t)values[ay_program_output(w, i)]);
    free(values);
}

static void test_form_whole_or_not_equals_specification(void **state)
{
    (void)state;
    static void (*const makers[])(struct form_case *) = {softmax, layer_norm, gelu, hard_swish,
                                                         sigmoid};
    static float x[MAX_ROWS * MAX_WIDTH];
    uint32_t found = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    for (uint32_t i = 0; i < CASES; i++) {
        const struct ay_tape_options options = {.threads = 1};
        uint64_t dims[] = {1 + below(4), 1 + below(MAX_ROWS / 4),
                           1 + below(i % 9 ? 70 : MAX_WIDTH)};
        uint32_t rank = 2 + below(2);
        struct form_case c = {.whole = true, .odd = below(4) == 0};
        struct ay_tape_program p;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        c.x = ay_tape_input(tape, AY_WORK_DTYPE_F32, rank, dims + 3 - rank);
        makers[i % 5](&c);
        if (ay_tape_program(tape, c.outputs, c.count, &p) != AY_OK)
            fail_msg("%s", ay_tape_reason(tape));
        ay_test_floats(&seed, x, ay_value_elements(c.x), c.odd);
        uint32_t forms = forms_in(&p.program);
        if (i % 5 < 2 && dims[2] > 1) assert_int_equal(forms, c.whole);
        found += forms;
        check(&p, x);
        ay_tape_close(tape);
    }
    assert_true(found > CASES / 8);
}

/* Bounds of 0 and -0, where instructions choose between two zeros as the specification does not. */
static void test_form_hard_swish_of_zeros_keeps_signs(void **state)
{
    (void)state;
    static const float bounds[] = {-6, -0.0F, 0, 6}, x[] = {-0.0F, 0, -0.0F, 0, -1, 1, -0.0F, 0, 0};
    const struct ay_tape_options options = {.threads = 1};
    const uint64_t dims[] = {1, sizeof x / sizeof *x};
    for (uint32_t i = 0; i < 4 * 4 * 4; i++) {
        struct form_case c = {0};
        struct ay_tape_program p;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        c.x = ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, dims);
        const struct ay_value *gate =
            hard_gate(c.x, number(bounds[i % 4]), bounds[i / 4 % 4], bounds[i / 16]);
        c.outputs[0] = fn2(AY_WORK_FN_DIV, fn2(AY_WORK_FN_MUL, c.x, gate), number(6));
        c.outputs[1] = reduced(AY_WORK_REDUCE_SUM, c.outputs[0]);
        assert_int_equal(ay_tape_program(tape, c.outputs, 2, &p), AY_OK);
        check(&p, x);
        ay_tape_close(tape);
    }
}

/* Whatever the order of sums and products: the bits would be right without it. */
static void test_form_sigmoid_however_written_is_found(void **state)
{
    (void)state;
    const struct ay_tape_options options = {.threads = 1};
    const uint64_t dims[] = {3, 5};
    for (uint32_t i = 0; i < 64; i++) {
        bool add = i & 1, times = i & 2;
        struct form_case c = {0};
        struct ay_tape_program p;
        struct ay_form_sigmoid found;
        assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
        c.x = ay_tape_input(tape, AY_WORK_DTYPE_F32, 2, dims);
        const struct ay_value *h = add ? either(AY_WORK_FN_ADD, c.x, row(&c)) : c.x;
        c.outputs[0] = fn2(AY_WORK_FN_DIV, number(1), logistic_divisor(h, number(1)));
        if (times) c.outputs[0] = either(AY_WORK_FN_MUL, h, c.outputs[0]);
        assert_int_equal(ay_tape_program(tape, c.outputs, 1, &p), AY_OK);
        assert_int_equal(p.program.ops_count, 1);
        assert_true(ay_form_sigmoid(&p.program.ops[0], 0, &found));
        assert_int_equal(found.count, p.program.ops[0].steps_count);
        assert_int_equal(found.add != AY_NONE, add);
        assert_int_equal(found.times, times);
        ay_tape_close(tape);
    }
}

/* Of one number for each row, which another operand makes as wide as itself: no kernel of rows may
 * take it. The tape writes no such MAP. */
static void test_form_sigmoid_of_one_number_fills_each_row(void **state)
{
    (void)state;
    enum { ROWS = 3, WIDTH = 80 };
#define INPUT(i) ((uint32_t)AY_MAP_INPUT << 24 | (i))
#define STEP(i)  ((uint32_t)AY_MAP_STEP << 24 | (i))
#define ONE      ((uint32_t)AY_MAP_CONST << 24)
    static const uint32_t args[][2] = {{INPUT(1)}, {STEP(0)}, {STEP(1), ONE}, {ONE, STEP(2)}};
    static const struct ay_work_map_step steps[] = {{AY_WORK_FN_NEG, args[0], 1},
                                                    {AY_WORK_FN_EXP, args[1], 1},
                                                    {AY_WORK_FN_ADD, args[2], 2},
                                                    {AY_WORK_FN_DIV, args[3], 2}};
    static const uint32_t in[] = {0, 1}, dims[] = {ROWS, WIDTH}, column[] = {ROWS, 1};
    const uint32_t one = ay_f32_bits(1.0F);
    const struct ay_work_tensor_type inputs[] = {{AY_WORK_DTYPE_F32, dims, 2},
                                                 {AY_WORK_DTYPE_F32, column, 2}};
    const struct ay_work_op map = {.kind = AY_WORK_OP_MAP,
                                   .in = in,
                                   .in_count = 2,
                                   .dims = dims,
                                   .dims_count = 2,
                                   .steps = steps,
                                   .steps_count = 4,
                                   .consts = &one,
                                   .consts_count = 1};
    const struct ay_work_program p = {.numerics = 1,
                                      .iterate = 1,
                                      .inputs = inputs,
                                      .inputs_count = 2,
                                      .ops = &map,
                                      .ops_count = 1};
    float x[ROWS * WIDTH], numbers[ROWS], y[ROWS * WIDTH];
    ay_test_floats(&seed, x, ROWS * WIDTH, false);
    ay_test_floats(&seed, numbers, ROWS, false);
    struct ay_exec_options options = {.threads = 1, .divide = true};
    struct ay_run run = {.inputs = {x, numbers}, .outputs = {y}};
    struct ay_exec *exec = NULL;
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    assert_int_equal(ay_exec_open(&p, NULL, &options, &exec), AY_OK);
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    for (uint32_t i = 0; i < ROWS * WIDTH; i++) {
        float gate = 1.0F / (ay_ref_fn(AY_FN_EXP, -numbers[i / WIDTH], 0) + 1.0F);
        assert_int_equal(ay_f32_bits(y[i]), ay_f32_bits(gate));
    }
    ay_exec_close(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_whole_or_not_equals_specification),
        cmocka_unit_test(test_form_hard_swish_of_zeros_keeps_signs),
        cmocka_unit_test(test_form_sigmoid_however_written_is_found),
        cmocka_unit_test(test_form_sigmoid_of_one_number_fills_each_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
