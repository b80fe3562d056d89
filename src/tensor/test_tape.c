/* The tape: what it folds, what it merges, what it writes, and how it fails. */
#include "tensor/tape.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define F32  AY_WORK_DTYPE_F32
#define I8   AY_WORK_DTYPE_I8
#define I32  AY_WORK_DTYPE_I32
#define I64  AY_WORK_DTYPE_I64
#define BOOL AY_WORK_DTYPE_BOOL
#define SHAPE(...)                                                                                 \
    (uint32_t)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)), (const uint64_t[])     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

typedef const struct ay_value *value;

static uint64_t seed = 20250314;

static struct ay_tape *open_tape(uint64_t limit_bytes)
{
    struct ay_tape *tape = NULL;
    const struct ay_tape_options options = {.threads = 1, .limit_bytes = limit_bytes};
    assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
    return tape;
}

static uint64_t bytes_of(value x)
{
    return ay_value_elements(x) * ay_dtype_bytes(x->dtype);
}

/* The elements of unknown values, by the program that the tape writes for them. */
static void run(struct ay_tape *tape, const void *const *inputs, uint32_t inputs_count,
                const value *outputs, uint32_t count, void **results)
{
    struct ay_tape_program written;
    if (ay_tape_program(tape, outputs, count, &written) != AY_OK)
        fail_msg("%s", ay_tape_reason(tape));
    assert_int_equal(written.program.inputs_count, inputs_count);
    struct ay_exec *exec = NULL;
    const struct ay_exec_options options = {.threads = 2, .divide = true};
    assert_int_equal(ay_exec_open(&written.program, written.weights, &options, &exec), AY_OK);
    struct ay_run one = {0};
    for (uint32_t i = 0; i < inputs_count; i++) one.inputs[i] = inputs[i];
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(ay_exec_output_bytes(exec, i, NULL), bytes_of(outputs[i]));
        one.outputs[i] = results[i] = malloc(bytes_of(outputs[i]));
        assert_non_null(results[i]);
    }
    assert_int_equal(ay_exec_run(exec, &one, 1), AY_OK);
    ay_exec_close(exec);
}

/* --- random expressions, once over known and once over unknown inputs --- */

#define INPUTS 3u
#define VALUES 40u
#define ROWS   6u
#define COLS   16u

struct writer {
    struct ay_tape *tape;
    uint64_t state; /* of the choices: the same for both tapes */
    value values[VALUES];
    uint32_t count;
};

static uint32_t below(struct writer *w, uint32_t n)
{
    return ay_test_below(&w->state, n);
}

/* A value of that dtype, or NULL. */
static value pick(struct writer *w, uint32_t dtype)
{
    for (uint32_t tries = 0; tries < 20; tries++) {
        value x = w->values[below(w, w->count)];
        if (x->dtype == dtype) return x;
    }
    return NULL;
}

static value number_fn(struct writer *w)
{
    static const enum ay_work_fn one[] = {AY_WORK_FN_NEG, AY_WORK_FN_SQRT, AY_WORK_FN_EXP,
                                          AY_WORK_FN_ABS, AY_WORK_FN_TANH, AY_WORK_FN_FLOOR};
    static const enum ay_work_fn two[] = {AY_WORK_FN_ADD, AY_WORK_FN_SUB, AY_WORK_FN_MUL,
                                          AY_WORK_FN_DIV, AY_WORK_FN_MAX, AY_WORK_FN_MIN};
    value a = pick(w, F32), b = pick(w, F32);
    if (below(w, 4) == 0) b = ay_tape_f32(w->tape, (float)below(w, 5) - 2.0F);
    if (below(w, 3) == 0) return ay_tape_fn1(w->tape, one[below(w, 6)], a);
    return ay_tape_fn2(w->tape, two[below(w, 6)], a, b);
}

static value integer_fn(struct writer *w)
{
    static const enum ay_work_fn ints[] = {AY_WORK_FN_INT_ADD, AY_WORK_FN_INT_MUL,
                                           AY_WORK_FN_INT_MIN, AY_WORK_FN_INT_XOR,
                                           AY_WORK_FN_INT_SHL, AY_WORK_FN_INT_DIV};
    static const uint32_t dtypes[] = {I8, AY_WORK_DTYPE_U8, I32, I64, BOOL};
    value a = pick(w, dtypes[below(w, 5)]), b = pick(w, dtypes[below(w, 5)]);
    if (!a || below(w, 4) == 0) return ay_tape_cast(w->tape, pick(w, F32), dtypes[below(w, 5)]);
    if (!b || below(w, 4) == 0) b = ay_tape_int(w->tape, I64, (int64_t)below(w, 9) - 4);
    return ay_tape_int_fn(w->tape, ints[below(w, 6)], dtypes[below(w, 5)], a, b);
}

static value mixed_fn(struct writer *w)
{
    value a = pick(w, F32), b = pick(w, F32), c = pick(w, below(w, 2) ? BOOL : I8);
    if (!c || below(w, 3) == 0) return ay_tape_int_fn(w->tape, AY_WORK_FN_LT, BOOL, a, b);
    if (below(w, 2)) return ay_tape_cast(w->tape, c, F32);
    return ay_tape_select(w->tape, c, a, b);
}

static value moving(struct writer *w)
{
    value x = w->values[below(w, w->count)];
    if (x->rank != 2) return NULL;
    uint64_t rows = x->dims[0], columns = x->dims[1];
    switch (below(w, 4)) {
    case 0: {
        /* There and back: the shape between is carried past what is done with it. */
        x = ay_tape_reshape(w->tape, x, SHAPE(1, rows, 1, columns));
        if (x && x->dtype == F32) x = ay_tape_fn1(w->tape, AY_WORK_FN_NEG, x);
        return ay_tape_reshape(w->tape, x, SHAPE(rows, columns));
    }
    case 1:
        if (rows != ROWS || columns != COLS) return NULL;
        x = ay_tape_reshape(w->tape, x, SHAPE(COLS, ROWS));
        return ay_tape_permute(w->tape, x, (const uint32_t[]){1, 0});
    case 2: {
        const int64_t begin[] = {-1, (int64_t)columns - 1}, step[] = {1, -1};
        return ay_tape_slice(w->tape, x, begin, step, x->dims, 0);
    }
    default: return ay_tape_expand(w->tape, x, SHAPE(ROWS, COLS));
    }
}

/* Joined with another, of which a part is then taken; or multiplied with rows. */
static value joining(struct writer *w)
{
    value x = pick(w, F32), y = pick(w, F32);
    if (x->rank != 2 || y->rank != 2 || x->dims[1] != y->dims[1]) return NULL;
    uint64_t rows = x->dims[0], more = y->dims[0], columns = x->dims[1];
    if (below(w, 2))
        return ay_tape_reduce(w->tape, AY_WORK_REDUCE_SUM, ay_tape_matmul(w->tape, x, y), 1);
    const value two[] = {ay_tape_reshape(w->tape, x, SHAPE(1, rows, columns, 1)),
                         ay_tape_reshape(w->tape, y, SHAPE(1, more, columns, 1))};
    x = ay_tape_concat(w->tape, two, 2, 1);
    x = ay_tape_reduce(w->tape, AY_WORK_REDUCE_MAX, x, 1);
    return ay_tape_reshape(w->tape, x, SHAPE(1, columns));
}

static value reducing(struct writer *w)
{
    value x = pick(w, F32);
    if (x->rank != 2) return NULL;
    uint32_t axis = below(w, 2);
    if (below(w, 4) == 0)
        return ay_tape_cast(w->tape, ay_tape_reduce(w->tape, AY_WORK_REDUCE_ARGMAX, x, axis), F32);
    return ay_tape_reduce(w->tape, below(w, 2) ? AY_WORK_REDUCE_SUM : AY_WORK_REDUCE_MAX, x, axis);
}

static void write_random(struct writer *w)
{
    static value (*const make[])(struct writer *) = {number_fn,  number_fn,  number_fn,
                                                     integer_fn, integer_fn, mixed_fn,
                                                     moving,     reducing,   joining};
    while (w->count < VALUES) {
        value x = make[below(w, 9)](w);
        if (ay_tape_code(w->tape) != AY_OK) fail_msg("%s", ay_tape_reason(w->tape));
        if (x) w->values[w->count++] = x;
    }
}

static void test_tape_folding_random_expressions_equals_running_them(void **context)
{
    (void)context;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint32_t round = 0; round < 200; round++) {
        static float data[INPUTS][ROWS * COLS];
        struct writer known = {open_tape(0), seed + round, {0}, 0};
        struct writer unknown = {open_tape(0), seed + round, {0}, 0};
        const void *inputs[INPUTS];
        for (uint32_t i = 0; i < INPUTS; i++) {
            const uint64_t dims[] = {i == 1 ? 1 : ROWS, i == 2 ? 1 : COLS};
            ay_test_floats(&seed, data[i], dims[0] * dims[1], true);
            inputs[i] = data[i];
            known.values[i] = ay_tape_known(known.tape, F32, 2, dims, data[i]);
            unknown.values[i] = ay_tape_input(unknown.tape, F32, 2, dims);
        }
        known.count = unknown.count = INPUTS;
        write_random(&known);
        write_random(&unknown);
        value *outputs = unknown.values + INPUTS;
        void *results[VALUES];
        /* All of them, and the last alone, before which everything may be merged. */
        for (uint32_t first = 0; first < VALUES - INPUTS; first += VALUES - INPUTS - 1) {
            uint32_t count = VALUES - INPUTS - first;
            run(unknown.tape, inputs, INPUTS, outputs + first, count, results);
            for (uint32_t i = 0; i < count; i++) {
                value wanted = known.values[INPUTS + first + i];
                assert_non_null(wanted->data);
                assert_memory_equal(results[i], wanted->data, bytes_of(wanted));
                free(results[i]);
            }
        }
        ay_tape_close(known.tape);
        ay_tape_close(unknown.tape);
    }
}

/* --- what is written --- */

static struct ay_tape_program written(struct ay_tape *tape, const value *outputs, uint32_t count)
{
    struct ay_tape_program out;
    if (ay_tape_program(tape, outputs, count, &out) != AY_OK) fail_msg("%s", ay_tape_reason(tape));
    return out;
}

static void test_tape_consecutive_functions_become_one_op(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value x = ay_tape_input(tape, F32, SHAPE(4, 8)), y = x;
    for (int i = 0; i < 16; i++) y = ay_tape_fn2(tape, AY_WORK_FN_MUL, y, ay_tape_f32(tape, 2));
    struct ay_tape_program p = written(tape, &y, 1);
    assert_int_equal(p.program.ops_count, 1);
    assert_int_equal(p.program.ops[0].steps_count, 16);
    assert_int_equal(p.program.ops[0].consts_count, 1);
    assert_int_equal(p.program.weights_count, 0);
    y = ay_tape_fn1(tape, AY_WORK_FN_NEG, y); /* a 17th step does not fit */
    assert_int_equal(written(tape, &y, 1).program.ops_count, 2);
    ay_tape_close(tape);
}

static void test_tape_value_used_twice_is_written_once(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value x = ay_tape_input(tape, F32, SHAPE(4, 8));
    value e = ay_tape_fn1(tape, AY_WORK_FN_EXP, x);
    value again = ay_tape_fn1(tape, AY_WORK_FN_EXP, x);
    assert_ptr_equal(e, again);
    value s = ay_tape_reduce(tape, AY_WORK_REDUCE_SUM, e, 1);
    value y = ay_tape_fn2(tape, AY_WORK_FN_DIV, e, s);
    struct ay_tape_program p = written(tape, &y, 1);
    assert_int_equal(p.program.ops_count, 3);
    /* Within one expression a value may be used as often as it likes. */
    value gelu = ay_tape_fn2(tape, AY_WORK_FN_MUL, e, ay_tape_fn1(tape, AY_WORK_FN_ERF, e));
    assert_int_equal(written(tape, &gelu, 1).program.ops_count, 1);
    ay_tape_close(tape);
}

static void test_tape_many_operands_stay_within_the_bounds_of_an_op(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value x[20], sum = NULL;
    for (uint32_t i = 0; i < 20; i++) {
        x[i] = ay_tape_input(tape, F32, SHAPE(3));
        sum = sum ? ay_tape_fn2(tape, AY_WORK_FN_ADD, sum, x[i]) : x[i];
    }
    value joined = ay_tape_concat(tape, x, 20, 0);
    struct ay_tape_program p = written(tape, (const value[]){sum, joined}, 2);
    for (uint32_t i = 0; i < p.program.ops_count; i++)
        assert_true(p.program.ops[i].in_count <= AY_MAX_WORK_OP_IN);
    assert_int_equal(p.program.ops_count, 4 + 5); /* 6 + 3 * 5 - 1, and 4 joined by a fifth */
    assert_int_equal(ay_value_elements(joined), 60);
    ay_tape_close(tape);
}

static void test_tape_reshape_is_carried_to_where_it_costs_nothing(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value a = ay_tape_input(tape, F32, SHAPE(8, 5)), b = ay_tape_input(tape, F32, SHAPE(12, 5));
    value y = ay_tape_matmul(tape, a, b); /* (8, 12): channels, positions */
    y = ay_tape_reshape(tape, y, SHAPE(1, 8, 3, 4));
    value bias = ay_tape_reshape(tape, ay_tape_input(tape, F32, SHAPE(8)), SHAPE(8, 1, 1));
    y = ay_tape_fn2(tape, AY_WORK_FN_ADD, y, ay_tape_fn1(tape, AY_WORK_FN_EXP, bias));
    y = ay_tape_fn2(tape, AY_WORK_FN_MAX, y, ay_tape_f32(tape, 0));
    assert_int_equal(y->rank, 4);
    y = ay_tape_permute(tape, y, (const uint32_t[]){0, 2, 3, 1});
    struct ay_tape_program p = written(tape, &y, 1);
    const struct ay_work_op *ops = p.program.ops;
    /* The bias is moved to (8, 1); the image never is. */
    assert_int_equal(p.program.ops_count, 5);
    assert_int_equal(ops[4].kind, AY_WORK_OP_PERMUTE);
    assert_int_equal(ops[3].kind, AY_WORK_OP_MAP);
    assert_int_equal(ops[3].dims_count, 2);
    assert_int_equal(ops[4].view_count, 4);
    ay_tape_close(tape);
}

/* Channels put last for functions, and back: nothing is permuted, nor is what comes before a result
 * that is to stay so. */
static void test_tape_functions_between_two_permutes_are_not_permuted(void **context)
{
    (void)context;
    enum { A = 2, B = 3, C = 5, N = A * B * C };
    static const uint32_t turn[] = {1, 2, 0}, back[] = {2, 0, 1};
    static const float scale[A] = {2, -3};
    float x[N], z[N];
    void *got[2];
    struct ay_tape *tape = open_tape(0);
    value in[] = {ay_tape_input(tape, F32, SHAPE(A, B, C)),
                  ay_tape_input(tape, F32, SHAPE(A, B, C))};
    value y = ay_tape_permute(tape, in[0], turn); /* (B, C, A) */
    y = ay_tape_fn2(tape, AY_WORK_FN_MUL, y, ay_tape_known(tape, F32, SHAPE(A), scale));
    y = ay_tape_fn2(tape, AY_WORK_FN_SUB, ay_tape_permute(tape, in[1], turn), y);
    y = ay_tape_fn2(tape, AY_WORK_FN_MAX, y, ay_tape_f32(tape, 1));
    value outputs[] = {ay_tape_permute(tape, y, back), y};
    struct ay_tape_program p = written(tape, outputs, 1);
    assert_int_equal(p.program.ops_count, 1);
    assert_int_equal(p.program.ops[0].kind, AY_WORK_OP_MAP);
    p = written(tape, outputs, 2);
    assert_int_equal(p.program.ops_count, 2);
    assert_int_equal(p.program.ops[1].kind, AY_WORK_OP_PERMUTE);
    for (uint32_t i = 0; i < N; i++) x[i] = (float)i - 11, z[i] = (float)(i * i % 17);
    run(tape, (const void *[]){x, z}, 2, outputs, 2, got);
    for (uint32_t a = 0; a < A; a++)
        for (uint32_t b = 0; b < B; b++)
            for (uint32_t c = 0; c < C; c++) {
                uint32_t at = (a * B + b) * C + c;
                float want = z[at] - x[at] * scale[a];
                if (want < 1) want = 1;
                assert_true(((float *)got[0])[at] == want);
                assert_true(((float *)got[1])[(b * C + c) * A + a] == want);
            }
    /* Beside what is not permuted, it is as it was written. */
    value other = ay_tape_input(tape, F32, SHAPE(B, C, A));
    y = ay_tape_permute(tape, ay_tape_fn2(tape, AY_WORK_FN_ADD, outputs[1], other), back);
    p = written(tape, &y, 1);
    assert_int_equal(p.program.ops_count, 4);
    assert_int_equal(p.program.ops[3].kind, AY_WORK_OP_PERMUTE);
    /* One after another are one. */
    y = ay_tape_permute(tape, ay_tape_permute(tape, in[0], turn), (const uint32_t[]){1, 0, 2});
    p = written(tape, &y, 1);
    assert_int_equal(p.program.ops_count, 1);
    assert_memory_equal(p.program.ops[0].perm, ((const uint32_t[]){2, 1, 0}), 3 * sizeof *turn);
    /* Each its own way: one of them stays. */
    y = ay_tape_permute(tape, ay_tape_input(tape, F32, SHAPE(C, B, A)),
                        (const uint32_t[]){1, 0, 2});
    y = ay_tape_fn2(tape, AY_WORK_FN_ADD, y, ay_tape_permute(tape, in[0], turn));
    assert_int_equal(written(tape, &y, 1).program.ops_count, 3);
    free(got[0]);
    free(got[1]);
    ay_tape_close(tape);
}

/* Of dims that are parts of axes, or of axes that stay neighbours, it is still the same PERMUTE. */
static void test_tape_function_of_a_reshaped_permute_is_made_before_it(void **context)
{
    (void)context;
    enum { A = 6, B = 4, C = 10, N = A * B * C };
    static const uint32_t turn[] = {1, 0, 2, 3};
    static const struct {
        uint32_t rank;
        uint64_t dims[7];
        bool before;
    } cases[] = {{4, {B, A, C, 1}, true},    {3, {B, A, C}, true},
                 {5, {B, A, 1, 2, 5}, true}, {7, {1, 2, 2, 1, 3, 2, C}, true},
                 {2, {B, A * C}, false},     {2, {B * A, C}, false},
                 {3, {2, 3, 4 * C}, false}};
    float x[N];
    for (uint32_t i = 0; i < N; i++) x[i] = (float)(i * i % 31) - 15;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_tape *tape = open_tape(0);
        void *got;
        value y = ay_tape_input(tape, F32, SHAPE(A, B, C));
        y = ay_tape_permute(tape, ay_tape_reshape(tape, y, SHAPE(A, B, 2, C / 2)), turn);
        y = ay_tape_reshape(tape, y, cases[i].rank, cases[i].dims);
        y = ay_tape_fn2(tape, AY_WORK_FN_MAX, y, ay_tape_f32(tape, 0));
        assert_int_equal(y->rank, cases[i].rank);
        struct ay_tape_program p = written(tape, &y, 1);
        assert_int_equal(p.program.ops[0].kind,
                         cases[i].before ? AY_WORK_OP_MAP : AY_WORK_OP_PERMUTE);
        run(tape, (const void *[]){x}, 1, &y, 1, &got);
        for (uint32_t k = 0; k < N; k++) {
            float want = x[k / C % A * B * C + k / C / A * C + k % C];
            assert_true(((float *)got)[k] == (want < 0 ? 0 : want));
        }
        free(got);
        ay_tape_close(tape);
    }
}

/* Where columns stay columns; of rows that were columns, windows would be gathered. */
static void test_tape_windows_of_a_permute_are_of_its_operand(void **context)
{
    (void)context;
    enum { CHANNELS = 3, IMAGES = 2, H = 4, W = 5, N = CHANNELS * IMAGES * H * W };
    static const uint32_t turns[][4] = {{1, 0, 2, 3}, {0, 1, 3, 2}};
    const struct ay_tape_view v = {
        .grid_rank = 5,
        .grid = {IMAGES, CHANNELS, H, W - 1, 2},
        .coefs = {{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1, 1}},
        .offsets = {0, 0, -1, 0},
    };
    float x[N];
    for (uint32_t i = 0; i < N; i++) x[i] = (float)i;
    for (uint32_t way = 0; way < 2; way++) {
        struct ay_tape *tape = open_tape(0);
        void *got;
        value y = way ? ay_tape_input(tape, F32, SHAPE(IMAGES, CHANNELS, W, H))
                      : ay_tape_input(tape, F32, SHAPE(CHANNELS, IMAGES, H, W));
        y = ay_tape_permute(tape, y, turns[way]);
        y = ay_tape_view(tape, y, &v, SHAPE(IMAGES, CHANNELS, H, W - 1, 2));
        struct ay_tape_program p = written(tape, &y, 1);
        assert_int_equal(p.program.ops_count, 1 + way);
        run(tape, (const void *[]){x}, 1, &y, 1, &got);
        const float *at = got;
        for (uint32_t n = 0; n < IMAGES; n++)
            for (uint32_t c = 0; c < CHANNELS; c++)
                for (uint32_t i = 0; i < H * (W - 1) * 2; i++, at++) {
                    uint32_t row = i / 2 / (W - 1), column = i / 2 % (W - 1) + i % 2;
                    uint32_t from = way ? ((n * CHANNELS + c) * W + column) * H + row - 1
                                        : ((c * IMAGES + n) * H + row - 1) * W + column;
                    assert_true(*at == (row == 0 ? 0 : x[from]));
                }
        free(got);
        ay_tape_close(tape);
    }
}

static void test_tape_what_is_joined_or_reduced_is_not_moved_for_its_shape(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value image[3], b = ay_tape_input(tape, F32, SHAPE(12, 5));
    for (uint32_t i = 0; i < 3; i++) {
        /* (channels, positions), seen as images of 3 by 4 */
        value y = ay_tape_matmul(tape, ay_tape_input(tape, F32, SHAPE(2 + i, 5)), b);
        image[i] = ay_tape_reshape(tape, y, SHAPE(1, 2 + i, 3, 4));
    }
    value joined = ay_tape_concat(tape, image, 3, 1);
    const uint64_t wanted[] = {1, 9, 3, 4};
    assert_int_equal(joined->rank, 4);
    assert_memory_equal(joined->dims, wanted, sizeof wanted);
    value flat = ay_tape_reshape(tape, joined, SHAPE(1, 9, 12));
    value mean = ay_tape_reduce(tape, AY_WORK_REDUCE_SUM, flat, 2);
    struct ay_tape_program p = written(tape, &mean, 1);
    assert_int_equal(p.program.ops_count, 5);
    assert_int_equal(p.program.ops[3].kind, AY_WORK_OP_CONCAT);
    assert_int_equal(p.program.ops[4].kind, AY_WORK_OP_REDUCE);
    ay_tape_close(tape);
}

static void test_tape_stored_integers_are_narrowed_where_functions_are_merged(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    static const int8_t data[] = {100, -100, 127, -128};
    const void *inputs[] = {data};
    value x = ay_tape_input(tape, I8, SHAPE(4));
    value twice = ay_tape_int_fn(tape, AY_WORK_FN_INT_ADD, I8, x, x);
    value y = ay_tape_cast(tape, twice, F32);
    assert_int_equal(written(tape, &y, 1).program.ops_count, 1);
    void *result;
    run(tape, inputs, 1, &y, 1, &result);
    const float wanted[] = {-56, 56, -2, 0};
    assert_memory_equal(result, wanted, sizeof wanted);
    free(result);
    ay_tape_close(tape);
}

static void test_tape_outputs_that_are_inputs_or_twice_are_copied(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    static const float data[] = {1, 2, 3, 4, 5, 6};
    const void *inputs[] = {data};
    value x = ay_tape_input(tape, F32, SHAPE(2, 3));
    value flat = ay_tape_reshape(tape, x, SHAPE(6)), y = ay_tape_fn1(tape, AY_WORK_FN_NEG, x);
    const value outputs[] = {x, y, flat, y};
    void *results[4];
    run(tape, inputs, 1, outputs, 4, results);
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t e = 0; e < 6; e++)
            assert_true(((float *)results[i])[e] == (i % 2 ? -data[e] : data[e]));
        free(results[i]);
    }
    ay_tape_close(tape);
}

static void test_tape_unused_ops_and_weights_are_left_out(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    static const float weights[6] = {1, 2, 3, 4, 5, 6};
    value x = ay_tape_input(tape, F32, SHAPE(4, 3));
    value w = ay_tape_known(tape, F32, SHAPE(3, 2), weights);
    value rows = ay_tape_permute(tape, w, (const uint32_t[]){1, 0});
    assert_non_null(rows->data);
    (void)ay_tape_fn1(tape, AY_WORK_FN_EXP, x);
    value y = ay_tape_matmul(tape, x, rows);
    struct ay_tape_program p = written(tape, &y, 1);
    assert_int_equal(p.program.ops_count, 1);
    assert_int_equal(p.program.weights_count, 1);
    assert_ptr_equal(p.weights[0], rows->data);
    ay_tape_close(tape);
}

/* --- edges --- */

static void test_tape_slice_that_lies_outside_is_all_fill(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    static const float data[16] = {1};
    value x = ay_tape_known(tape, F32, SHAPE(2, 8), data);
    for (int64_t at = -100; at <= 100; at += 40) {
        const int64_t begin[] = {0, at}, step[] = {1, 1};
        value y = ay_tape_slice(tape, x, begin, step, x->dims, 0x40000000);
        if (!y) fail_msg("%s", ay_tape_reason(tape));
        for (uint32_t i = 0; i < 16; i++) assert_true(((const float *)y->data)[i] == 2.0F);
    }
    ay_tape_close(tape);
}

static void test_tape_values_without_elements_are_known(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value none = ay_tape_input(tape, F32, SHAPE(0, 4)), x = ay_tape_input(tape, F32, SHAPE(2, 4));
    assert_non_null(none->data);
    assert_null(x->data);
    assert_ptr_equal(ay_tape_concat(tape, (const value[]){none, x}, 2, 0), x);
    value highest = ay_tape_reduce(tape, AY_WORK_REDUCE_MAX, none, 0);
    assert_int_equal(ay_value_elements(highest), 4);
    assert_true(((const float *)highest->data)[3] == -__builtin_inff());
    value product = ay_tape_matmul(tape, ay_tape_reshape(tape, none, SHAPE(4, 0)),
                                   ay_tape_reshape(tape, none, SHAPE(4, 0)));
    assert_int_equal(ay_value_elements(product), 16);
    assert_true(((const float *)product->data)[7] == 0.0F);
    assert_null(ay_tape_reduce(tape, AY_WORK_REDUCE_ARGMIN, none, 0));
    assert_int_equal(ay_tape_code(tape), AY_E_RANGE);
    ay_tape_close(tape);
}

static void test_tape_first_failure_stays(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    value x = ay_tape_input(tape, F32, SHAPE(2, 3)), y = ay_tape_input(tape, F32, SHAPE(4));
    assert_int_equal(ay_tape_code(tape), AY_OK);
    assert_string_equal(ay_tape_reason(tape), "");
    assert_null(ay_tape_need(tape, x, "this"));
    assert_int_equal(ay_tape_code(tape), AY_E_STATE);
    char reason[sizeof((struct ay_reason *)NULL)->text];
    (void)snprintf(reason, sizeof reason, "%s", ay_tape_reason(tape));
    value bad = ay_tape_fn2(tape, AY_WORK_FN_ADD, x, y);
    assert_null(bad);
    assert_null(ay_tape_matmul(tape, bad, ay_tape_fn1(tape, AY_WORK_FN_EXP, bad)));
    assert_null(ay_tape_fail(tape, AY_E_FORMAT, "another"));
    assert_int_equal(ay_tape_code(tape), AY_E_STATE);
    assert_string_equal(ay_tape_reason(tape), reason);
    struct ay_tape_program out;
    assert_int_equal(ay_tape_program(tape, &x, 1, &out), AY_E_STATE);
    ay_tape_close(tape);
}

static void test_tape_operands_that_do_not_fit_are_refused(void **context)
{
    (void)context;
    for (int i = 0; i < 5; i++) {
        struct ay_tape *tape = open_tape(0);
        value x = ay_tape_input(tape, F32, SHAPE(2, 3)), n = ay_tape_input(tape, I64, SHAPE(3));
        value y = i == 0   ? ay_tape_fn2(tape, AY_WORK_FN_ADD, x, n)
                  : i == 1 ? ay_tape_matmul(tape, x, ay_tape_reshape(tape, n, SHAPE(1, 3)))
                  : i == 2 ? ay_tape_reshape(tape, x, SHAPE(7))
                  : i == 3 ? ay_tape_expand(tape, x, SHAPE(2, 6))
                           : ay_tape_concat(tape, (const value[]){x, n}, 2, 0);
        assert_null(y);
        assert_int_equal(ay_tape_code(tape), AY_E_FORMAT);
        ay_tape_close(tape);
    }
}

static void test_tape_memory_above_the_limit_is_refused_with_the_need(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(1 << 20);
    value x = ay_tape_copy(tape, F32, SHAPE(1000), NULL, NULL);
    assert_non_null(x);
    assert_null(ay_tape_expand(tape, x, SHAPE(1000, 1000)));
    assert_int_equal(ay_tape_code(tape), AY_E_LIMIT);
    assert_non_null(strstr(ay_tape_reason(tape), "needs 4 MiB"));
    ay_tape_close(tape);

    tape = open_tape(1 << 20);
    x = ay_tape_input(tape, F32, SHAPE(1000));
    value y = ay_tape_expand(tape, x, SHAPE(1000, 1000));
    struct ay_tape_program out;
    assert_int_equal(ay_tape_program(tape, &y, 1, &out), AY_E_LIMIT);
    assert_non_null(strstr(ay_tape_reason(tape), "needs 4 MiB"));
    ay_tape_close(tape);
}

static void test_tape_limits_of_shapes_and_inputs_hold(void **context)
{
    (void)context;
    struct ay_tape *tape = open_tape(0);
    assert_null(ay_tape_input(tape, F32, SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)));
    assert_int_equal(ay_tape_code(tape), AY_E_LIMIT);
    ay_tape_close(tape);
    tape = open_tape(0);
    assert_null(ay_tape_input(tape, F32, SHAPE(1u << 20, 1u << 20)));
    assert_int_equal(ay_tape_code(tape), AY_E_LIMIT);
    ay_tape_close(tape);
    tape = open_tape(0);
    for (uint32_t i = 0; i < AY_MAX_WORK_PROGRAM_INPUTS; i++)
        assert_non_null(ay_tape_input(tape, F32, SHAPE(1)));
    assert_null(ay_tape_input(tape, F32, SHAPE(1)));
    assert_int_equal(ay_tape_code(tape), AY_E_LIMIT);
    ay_tape_close(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tape_folding_random_expressions_equals_running_them),
        cmocka_unit_test(test_tape_consecutive_functions_become_one_op),
        cmocka_unit_test(test_tape_value_used_twice_is_written_once),
        cmocka_unit_test(test_tape_many_operands_stay_within_the_bounds_of_an_op),
        cmocka_unit_test(test_tape_reshape_is_carried_to_where_it_costs_nothing),
        cmocka_unit_test(test_tape_functions_between_two_permutes_are_not_permuted),
        cmocka_unit_test(test_tape_function_of_a_reshaped_permute_is_made_before_it),
        cmocka_unit_test(test_tape_windows_of_a_permute_are_of_its_operand),
        cmocka_unit_test(test_tape_what_is_joined_or_reduced_is_not_moved_for_its_shape),
        cmocka_unit_test(test_tape_stored_integers_are_narrowed_where_functions_are_merged),
        cmocka_unit_test(test_tape_outputs_that_are_inputs_or_twice_are_copied),
        cmocka_unit_test(test_tape_unused_ops_and_weights_are_left_out),
        cmocka_unit_test(test_tape_slice_that_lies_outside_is_all_fill),
        cmocka_unit_test(test_tape_values_without_elements_are_known),
        cmocka_unit_test(test_tape_first_failure_stays),
        cmocka_unit_test(test_tape_operands_that_do_not_fit_are_refused),
        cmocka_unit_test(test_tape_memory_above_the_limit_is_refused_with_the_need),
        cmocka_unit_test(test_tape_limits_of_shapes_and_inputs_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
