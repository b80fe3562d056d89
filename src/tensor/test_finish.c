/* Fixed point, and bytes made of sums in f32, on the executor: products of bytes and what follows
 * them, tables, largest of windows, against the specification; and the kernels for it against plain
 * arithmetic. */
#include "tensor/ref/ops.h"
#include "tensor/tape.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U8       AY_WORK_DTYPE_U8
#define I8       AY_WORK_DTYPE_I8
#define I32      AY_WORK_DTYPE_I32
#define I64      AY_WORK_DTYPE_I64
#define PROGRAMS 400u
#define MOST     70u
enum { CHANNELS = 40, HEIGHT = 13, WIDTH = 17, IMAGE = CHANNELS * HEIGHT * WIDTH };

static uint64_t seed = 20251128;
static const char *const names[] = {"scalar", "avx2", "avx512"};

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

static int64_t wide(void)
{
    return (int64_t)ay_test_random(&seed) >> below(64);
}

/* --- kernels --- */

static uint8_t clamped(int64_t y, int32_t low, int32_t high)
{
    return (uint8_t)(y < low ? low : y > high ? high : y);
}

static int64_t rounded(int32_t x, int32_t by, int64_t offset, int64_t shift)
{
    uint64_t y = (uint64_t)((int64_t)x * by) + (uint64_t)offset;
    return (int64_t)y >> (shift < 0 ? 0 : shift > 63 ? 63 : shift);
}

static void check_round(const struct ay_steps *steps, size_t n)
{
    int32_t x[MOST], by[MOST], shift[MOST];
    int64_t offset[MOST];
    uint8_t out[MOST + 1];
    struct ay_fixed_row row = {(int32_t)wide(), below(2) ? 0 : -128, 0, below(64), wide()};
    row.high = row.low + 255 - (int32_t)below(100);
    const struct ay_fixed_columns columns = {by, shift, offset, row.low, row.high};
    for (size_t i = 0; i < n; i++) {
        x[i] = (int32_t)wide();
        by[i] = (int32_t)wide();
        offset[i] = wide();
        shift[i] = (int32_t)below(68) - 2;
    }
    out[n] = 77;
    steps->round_row(x, &row, out, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i], clamped(rounded(x[i], row.multiplier, row.offset, row.shift),
                                         row.low, row.high));
    steps->round_columns(x, &columns, out, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i],
                         clamped(rounded(x[i], by[i], offset[i], shift[i]), row.low, row.high));
    assert_int_equal(out[n], 77);
}

static void check_bytes(const struct ay_steps *steps, size_t n)
{
    uint8_t a[2 * MOST], b[MOST], out[MOST + 1], table[256];
    const struct ay_fixed_sum s = {
        {(int32_t)below(1 << 22) - (1 << 21), (int32_t)below(1 << 22) - (1 << 21)},
        (int32_t)below(1 << 30) - (1 << 29),
        (int32_t)below(20),
        200 + (int32_t)below(56),
        below(32)};
    for (size_t i = 0; i < 2 * n; i++) a[i] = (uint8_t)below(256);
    for (size_t i = 0; i < n; i++) b[i] = (uint8_t)below(256);
    for (size_t i = 0; i < 256; i++) table[i] = (uint8_t)below(256);
    out[n] = 77;
    steps->sum_bytes(a, b, &s, out, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i], clamped(((int64_t)a[i] * s.multiplier[0] +
                                          (int64_t)b[i] * s.multiplier[1] + s.offset) >>
                                             s.shift,
                                         s.low, s.high));
    steps->table_bytes(a, table, out, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(out[i], table[a[i]]);
    for (size_t step = 1; step < 3; step++) {
        memcpy(out, b, n);
        steps->largest_bytes(a, step, out, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[i], a[step * i] > b[i] ? a[step * i] : b[i]);
    }
    assert_int_equal(out[n], 77);
}

static void test_fixed_point_kernels_equal_plain_arithmetic(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 3; c++) {
        const struct ay_kernels *k;
        if (ay_kernels_named(names[c], &k) != AY_OK) continue;
        for (uint32_t round = 0; round < 40; round++)
            for (size_t n = 1; n <= MOST; n++) {
                check_round(k->steps, n);
                check_bytes(k->steps, n);
            }
    }
}

/* --- programs --- */

typedef const struct ay_value *value;

struct maker {
    struct ay_tape *tape;
    value image; /* u8 (CHANNELS, HEIGHT, WIDTH), the one input */
};

static value known(struct maker *m, uint32_t dtype, uint32_t rank, const uint64_t *dims,
                   int64_t low, int64_t span)
{
    void *data;
    value x = ay_tape_copy(m->tape, dtype, rank, dims, NULL, &data);
    assert_non_null(x);
    uint32_t bytes = ay_dtype_bytes(dtype);
    for (uint64_t i = 0; i < ay_value_elements(x); i++)
        ay_element_store((uint8_t *)data + i * bytes, bytes,
                         (uint64_t)(low + (int64_t)(ay_test_random(&seed) % (uint64_t)span)));
    return x;
}

static value number(struct maker *m, int64_t x)
{
    return ay_tape_int(m->tape, I64, x);
}

static value fn(struct maker *m, enum ay_work_fn f, uint32_t dtype, value a, value b)
{
    return ay_tape_int_fn(m->tape, f, dtype, a, b);
}

static value byte(struct maker *m, value y, uint32_t dtype)
{
    int64_t low = dtype == I8 ? -128 : 0;
    y = fn(m, AY_WORK_FN_INT_MAX, I64, y, number(m, low + below(5)));
    return ay_tape_apart(m->tape,
                         fn(m, AY_WORK_FN_INT_MIN, dtype, y, number(m, low + 255 - below(5))));
}

static value real(struct maker *m, enum ay_work_fn f, value a, value b)
{
    return ay_tape_fn2(m->tape, f, a, b);
}

static value known_real(struct maker *m, uint32_t rank, const uint64_t *dims, float unit)
{
    value x = ay_tape_cast(m->tape, known(m, I32, rank, dims, -1000, 2000), AY_WORK_DTYPE_F32);
    return real(m, AY_WORK_FN_MUL, x, ay_tape_f32(m->tape, unit));
}

/* In f32: with or without what is taken off, a bias and a zero point; scales of 0 and negative ones
 * too, and quotients that are infinite or no number. */
static value rescale_sums(struct maker *m, value sums, uint32_t dtype, uint32_t rank,
                          const uint64_t *const places[3])
{
    float low = dtype == I8 ? -128.0F : 0.0F, by = below(8) ? 0.07F : 0.0F;
    value y = sums;
    if (below(4)) y = fn(m, AY_WORK_FN_INT_SUB, I32, y, known(m, I32, rank, places[0], 0, 1 << 20));
    y = ay_tape_cast(m->tape, y, AY_WORK_DTYPE_F32);
    y = real(m, AY_WORK_FN_MUL, y, known_real(m, rank, places[1], 1e-7F));
    if (below(2)) y = real(m, AY_WORK_FN_ADD, known_real(m, rank, places[2], 1e-3F), y);
    y = real(m, AY_WORK_FN_DIV, y, ay_tape_f32(m->tape, by));
    y = ay_tape_fn1(m->tape, AY_WORK_FN_RINT, y);
    if (below(2)) y = real(m, AY_WORK_FN_ADD, y, ay_tape_f32(m->tape, low + (float)below(256)));
    y = real(m, AY_WORK_FN_MAX, y, ay_tape_f32(m->tape, low + (float)below(5)));
    y = real(m, AY_WORK_FN_MIN, y, ay_tape_f32(m->tape, low + 255.0F - (float)below(5)));
    return ay_tape_apart(m->tape, ay_tape_cast(m->tape, y, dtype));
}

/* Numbers for rows or columns of the sums, or one; now and then what no kernel takes. */
static value round_sums(struct maker *m, value sums, uint32_t dtype)
{
    uint64_t dims[AY_MAX_RANK], one[AY_MAX_RANK];
    uint32_t kind = below(5), rank = sums->rank;
    for (uint32_t d = 0; d < rank; d++) {
        one[d] = 1;
        dims[d] = kind == 0 || (kind == 1) == (d + 1 < rank) ? sums->dims[d] : 1;
        if (kind == 4) dims[d] = 1;
    }
    if (kind == 0) dims[rank - 1] = 1;
    const uint64_t *places[3];
    for (uint32_t i = 0; i < 3; i++) places[i] = below(6) ? dims : one;
    if (below(2)) return rescale_sums(m, sums, dtype, rank, places);
    value by = known(m, I32, rank, places[0], 1 << 20, 1 << 28);
    value off = known(m, I64, rank, places[1], -(1ll << 40), 1ll << 42);
    value y = fn(m, AY_WORK_FN_INT_MUL, I64, sums, by);
    y = fn(m, AY_WORK_FN_INT_ADD, I64, y, off);
    y = fn(m, AY_WORK_FN_INT_SHR, I64, y, known(m, I32, rank, places[2], 30, 8));
    return byte(m, y, dtype);
}

static value sum_of(struct maker *m, value a, value b)
{
    value y =
        fn(m, AY_WORK_FN_INT_ADD, I64, fn(m, AY_WORK_FN_INT_MUL, I64, a, number(m, below(1 << 21))),
           fn(m, AY_WORK_FN_INT_MUL, I64, b, number(m, below(1 << 21))));
    y = fn(m, AY_WORK_FN_INT_ADD, I64, y, number(m, (int64_t)below(1 << 26) - (1 << 25)));
    return byte(m, fn(m, AY_WORK_FN_INT_SHR, I64, y, number(m, 20)), below(4) ? U8 : I8);
}

static value table_to(struct maker *m, value x, uint32_t dtype)
{
    value table = known(m, dtype, 1, (const uint64_t[]){256}, 0, 256);
    return ay_tape_gather(m->tape, table, ay_tape_cast(m->tape, x, I32), 0);
}

static value table_of(struct maker *m, value x)
{
    return table_to(m, x, below(4) ? U8 : I8);
}

/* Windows of the image: (positions, channels taps), or (channels, positions, taps). */
static value windows(struct maker *m, value image, bool pooled, uint64_t out[2])
{
    int64_t stride = 1 + below(3), pad = below(3), k = 1 + 2 * (int64_t)below(3);
    out[0] = (uint64_t)((HEIGHT + 2 * pad - k) / stride + 1);
    out[1] = (uint64_t)((WIDTH + 2 * pad - k) / stride + 1);
    uint64_t taps = (uint64_t)(k * k);
    struct ay_tape_view v = {.view_rank = 3,
                             .view = {CHANNELS, HEIGHT, WIDTH},
                             .grid_rank = 5,
                             .grid = {out[0], out[1], CHANNELS, (uint64_t)k, (uint64_t)k},
                             .offsets = {0, -pad, -pad},
                             .coefs = {{0, 0, 1, 0, 0}, {stride, 0, 0, 1, 0}, {0, stride, 0, 0, 1}},
                             .fill = below(256)};
    const uint64_t rows[] = {out[0] * out[1], CHANNELS * taps};
    if (!pooled) return ay_tape_view(m->tape, image, &v, 2, rows);
    struct ay_tape_view p = v;
    const uint64_t grid[] = {CHANNELS, out[0], out[1], (uint64_t)k, (uint64_t)k};
    const int64_t coefs[3][5] = {{1}, {0, stride, 0, 1, 0}, {0, 0, stride, 0, 1}};
    memcpy(p.grid, grid, sizeof grid);
    for (uint32_t a = 0; a < 3; a++) memcpy(p.coefs[a], coefs[a], sizeof coefs[a]);
    const uint64_t dims[] = {CHANNELS, out[0] * out[1], taps};
    return ay_tape_view(m->tape, image, &p, 3, dims);
}

static value convolution(struct maker *m, value image)
{
    uint64_t out[2];
    value rows = windows(m, image, false, out);
    const uint64_t dims[] = {1 + below(150), rows->dims[1]};
    return ay_tape_matmul(m->tape, known(m, I8, 2, dims, -128, 256), rows);
}

/* Two that read the same windows: products, of each channel too, and then the largest. */
static void two_convolutions(struct maker *m, value image, value outputs[2])
{
    uint64_t out[2];
    bool each = below(2);
    value view = windows(m, image, each, out);
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t all[] = {1 + below(90), view->dims[1]};
        const uint64_t own[] = {CHANNELS, 1 + below(5), view->dims[view->rank - 1]};
        if (each && below(4) == 0) {
            outputs[i] = ay_tape_reduce(m->tape, AY_WORK_REDUCE_MAX, view, 2);
            continue;
        }
        value weights = each ? known(m, I8, 3, own, -128, 256) : known(m, I8, 2, all, -128, 256);
        value sums = ay_tape_matmul(m->tape, weights, view);
        outputs[i] = below(4) ? round_sums(m, sums, U8) : sums;
    }
}

/* Rows of the image times weights; or for each channel rows times weights of its own. */
static value product(struct maker *m, value image)
{
    const uint64_t rows[] = {CHANNELS * HEIGHT, WIDTH}, w[] = {CHANNELS, 1 + below(90), WIDTH};
    if (below(2)) return ay_tape_matmul(m->tape, image, known(m, I8, 3, w, -128, 256));
    value x = ay_tape_reshape(m->tape, image, 2, rows);
    return ay_tape_matmul(m->tape, x, known(m, I8, 2, w + 1, -128, 256));
}

/* Windows of each channel times a few rows of its own. */
static value channel_by_channel(struct maker *m, value image)
{
    uint64_t out[2];
    value view = windows(m, image, true, out);
    const uint64_t w[] = {CHANNELS, 1 + below(3), view->dims[2]};
    return ay_tape_matmul(m->tape, known(m, below(4) ? I8 : U8, 3, w, 0, 256), view);
}

static value pooled(struct maker *m, value image)
{
    uint64_t out[2];
    value view = windows(m, image, true, out);
    return ay_tape_reduce(m->tape, AY_WORK_REDUCE_MAX, view, 2);
}

static value as_signed(struct maker *m, value x)
{
    return fn(m, AY_WORK_FN_INT_XOR, I8, x, number(m, 128));
}

static void make(struct maker *m, value outputs[2])
{
    const uint64_t dims[] = {CHANNELS, HEIGHT, WIDTH};
    const struct ay_tape_options options = {.threads = 1};
    assert_int_equal(ay_tape_open(&options, &m->tape), AY_OK);
    m->image = ay_tape_input(m->tape, U8, 3, dims);
    value image = below(4) ? m->image : as_signed(m, m->image);
    if (below(4) == 0) {
        value y = pooled(m, image);
        outputs[0] = y->dtype == U8 && below(2) ? table_of(m, y) : y;
        outputs[1] = sum_of(m, m->image, below(2) ? m->image : table_of(m, m->image));
        return;
    }
    if (below(6) == 0) {
        two_convolutions(m, image, outputs);
        return;
    }
    value sums = below(3) == 0   ? convolution(m, image)
                 : below(2) == 0 ? product(m, image)
                                 : channel_by_channel(m, image);
    if (below(8) == 0) {
        outputs[0] = outputs[1] = sums;
        return;
    }
    value y = round_sums(m, sums, below(4) ? U8 : I8);
    value other = known(m, U8, y->rank, y->dims, 0, 256);
    if (below(2)) other = table_of(m, round_sums(m, sums, U8));
    outputs[1] = below(2) ? y : m->image;
    if (y->dtype == U8 && below(2)) y = below(2) ? sum_of(m, y, other) : sum_of(m, other, y);
    if (y->dtype == U8 && below(2)) y = table_of(m, y);
    if (y->dtype == U8 && below(3) == 0) y = sum_of(m, y, other);
    outputs[0] = y;
}

static void check(const struct ay_tape_program *p, const uint8_t *image)
{
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    const struct ay_work_program *w = &p->program;
    size_t n = ay_program_values(w);
    const void **values = calloc(n, sizeof *values);
    assert_non_null(values);
    values[0] = image;
    for (uint32_t i = 0; i < w->weights_count; i++) values[1 + i] = p->weights[i];
    ay_test_reference(w, none, values);
    for (uint32_t c = 0; c < 6; c++) {
        const struct ay_kernels *k;
        struct ay_exec *exec = NULL;
        if (ay_kernels_named(names[c / 2], &k) != AY_OK) continue;
        const struct ay_exec_options options = {.threads = 1 + c % 2, .kernels = k};
        struct ay_run run = {.inputs = {image}};
        assert_int_equal(ay_exec_open(w, p->weights, &options, &exec), AY_OK);
        for (uint32_t i = 0; i < p->outputs; i++)
            run.outputs[i] = malloc(ay_exec_output_bytes(exec, i, none));
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        for (uint32_t i = 0; i < p->outputs; i++) {
            assert_memory_equal(run.outputs[i], values[ay_program_output_at(w, i)],
                                ay_exec_output_bytes(exec, i, none));
            free(run.outputs[i]);
        }
        ay_exec_close(exec);
    }
    for (size_t i = 1 + w->weights_count; i < n; i++) free((void *)(uintptr_t)values[i]);
    free(values);
}

static void test_exec_fixed_point_equals_specification(void **state)
{
    (void)state;
    static uint8_t image[IMAGE];
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct maker m;
        value outputs[2];
        struct ay_tape_program p;
        make(&m, outputs);
        uint32_t count = outputs[0] == outputs[1] ? 1 : 2;
        if (ay_tape_program(m.tape, outputs, count, &p) != AY_OK)
            fail_msg("%s", ay_tape_reason(m.tape));
        for (uint32_t k = 0; k < IMAGE; k++) image[k] = (uint8_t)below(256);
        check(&p, image);
        ay_tape_close(m.tape);
    }
}

/* How many ops step `index` of the program has; 0: there is no such step. */
static uint32_t ops_of_step(const struct ay_tape_program *p, uint32_t index)
{
    struct ay_exec *exec = NULL;
    struct ay_exec_cost cost = {0};
    uint8_t image[IMAGE] = {0};
    struct ay_run run = {.inputs = {image}};
    const struct ay_exec_options options = {.threads = 1, .profile = true};
    assert_int_equal(ay_exec_open(&p->program, p->weights, &options, &exec), AY_OK);
    const uint32_t none[AY_MAX_SYMBOLS] = {0};
    run.outputs[0] = malloc(ay_exec_output_bytes(exec, 0, none));
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    bool there = ay_exec_cost(exec, index, &cost);
    free(run.outputs[0]);
    ay_exec_close(exec);
    return there ? cost.ops : 0;
}

static void test_exec_convolution_of_bytes_takes_along_what_makes_bytes(void **state)
{
    (void)state;
    struct maker m;
    struct ay_tape_program p;
    const uint64_t dims[] = {CHANNELS, HEIGHT, WIDTH}, rows[] = {8, CHANNELS * 9}, each[] = {8, 1};
    assert_int_equal(ay_tape_open(&(struct ay_tape_options){.threads = 1}, &m.tape), AY_OK);
    m.image = ay_tape_input(m.tape, U8, 3, dims);
    value other = table_to(&m, m.image, U8);
    other = ay_tape_slice(
        m.tape, ay_tape_reshape(m.tape, other, 2, (const uint64_t[]){CHANNELS, HEIGHT * WIDTH}),
        (const int64_t[]){0, 0}, (const int64_t[]){1, 1}, (const uint64_t[]){8, HEIGHT * WIDTH}, 0);
    struct ay_tape_view v = {.view_rank = 3,
                             .view = {CHANNELS, HEIGHT, WIDTH},
                             .grid_rank = 5,
                             .grid = {HEIGHT, WIDTH, CHANNELS, 3, 3},
                             .offsets = {0, -1, -1},
                             .coefs = {{0, 0, 1, 0, 0}, {1, 0, 0, 1, 0}, {0, 1, 0, 0, 1}}};
    value y =
        ay_tape_view(m.tape, m.image, &v, 2, (const uint64_t[]){HEIGHT * WIDTH, CHANNELS * 9});
    y = ay_tape_matmul(m.tape, known(&m, I8, 2, rows, -128, 256), y);
    y = fn(&m, AY_WORK_FN_INT_MUL, I64, y, known(&m, I32, 2, each, 1, 1 << 30));
    y = fn(&m, AY_WORK_FN_INT_ADD, I64, y, known(&m, I64, 2, each, 1, 1 << 30));
    y = fn(&m, AY_WORK_FN_INT_SHR, I64, y, known(&m, I32, 2, each, 35, 3));
    y = byte(&m, y, U8);
    y = fn(&m, AY_WORK_FN_INT_ADD, I64, fn(&m, AY_WORK_FN_INT_MUL, I64, y, number(&m, 700000)),
           fn(&m, AY_WORK_FN_INT_MUL, I64, other, number(&m, 300000)));
    y = fn(&m, AY_WORK_FN_INT_ADD, I64, y, number(&m, -5000));
    y = byte(&m, fn(&m, AY_WORK_FN_INT_SHR, I64, y, number(&m, 20)), U8);
    y = table_to(&m, y, U8);
    assert_int_equal(ay_tape_program(m.tape, &y, 1, &p), AY_OK);
    /* A table, of what it gives a part is taken as it lies; VIEW, MATMUL, two MAPs, a table. */
    assert_int_equal(ops_of_step(&p, 0), 2);
    assert_int_equal(ops_of_step(&p, 1), 6);
    assert_int_equal(ops_of_step(&p, 2), 0);
    ay_tape_close(m.tape);
}

/* As where weights have a zero point: products with them, less products with ones. */
static void test_exec_windows_that_two_products_read_are_not_stored(void **state)
{
    (void)state;
    struct maker m;
    struct ay_tape_program p;
    const uint64_t dims[] = {CHANNELS, HEIGHT, WIDTH};
    assert_int_equal(ay_tape_open(&(struct ay_tape_options){.threads = 1}, &m.tape), AY_OK);
    m.image = ay_tape_input(m.tape, U8, 3, dims);
    uint64_t out[2];
    value view = windows(&m, m.image, true, out), sums[2];
    const uint64_t w[] = {CHANNELS, 1, view->dims[2]};
    for (uint32_t i = 0; i < 2; i++)
        sums[i] = ay_tape_matmul(m.tape, known(&m, I8, 3, w, -128, 256), view);
    value y = fn(&m, AY_WORK_FN_INT_SUB, I32, sums[0], sums[1]);
    assert_int_equal(ay_tape_program(m.tape, &y, 1, &p), AY_OK);
    assert_int_equal(ops_of_step(&p, 0), 2);
    assert_int_equal(ops_of_step(&p, 1), 2);
    assert_int_equal(ops_of_step(&p, 2), 1);
    assert_int_equal(ops_of_step(&p, 3), 0);
    ay_tape_close(m.tape);
}

static void test_exec_product_of_bytes_takes_along_what_makes_bytes_in_f32(void **state)
{
    (void)state;
    const uint64_t rows[] = {CHANNELS * HEIGHT, WIDTH}, w[] = {20, WIDTH}, columns[] = {20};
    const uint64_t *const places[] = {columns, columns, columns},
                          dims[] = {CHANNELS, HEIGHT, WIDTH};
    for (uint32_t i = 0; i < 30; i++) {
        struct maker m;
        struct ay_tape_program p;
        assert_int_equal(ay_tape_open(&(struct ay_tape_options){.threads = 1}, &m.tape), AY_OK);
        m.image = ay_tape_input(m.tape, U8, 3, dims);
        value y = ay_tape_matmul(m.tape, ay_tape_reshape(m.tape, m.image, 2, rows),
                                 known(&m, I8, 2, w, -128, 256));
        y = rescale_sums(&m, y, U8, 1, places);
        assert_int_equal(ay_tape_program(m.tape, &y, 1, &p), AY_OK);
        assert_int_equal(ops_of_step(&p, 0), 2);
        assert_int_equal(ops_of_step(&p, 1), 0);
        ay_tape_close(m.tape);
    }
}

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_point_kernels_equal_plain_arithmetic),
        cmocka_unit_test(test_exec_fixed_point_equals_specification),
        cmocka_unit_test(test_exec_convolution_of_bytes_takes_along_what_makes_bytes),
        cmocka_unit_test(test_exec_windows_that_two_products_read_are_not_stored),
        cmocka_unit_test(test_exec_product_of_bytes_takes_along_what_makes_bytes_in_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
