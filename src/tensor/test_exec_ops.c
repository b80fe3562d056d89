/* The executor against the specification on random programs of every op and dtype, and of the
 * shapes that convolutions and poolings have; written with the tape. */
#include "tensor/tape.h"
#include "tensor/testing.h"

#include "tensor/ref/float.h"
#include "tensor/ref/fn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMS   200u
#define MAX_VALUES 40u
#define MAX_SIZE   25000u /* elements of a value */
enum { CHANNELS = 6, HEIGHT = 9, WIDTH = 22, ROWS = 150, COLUMNS = 133, INPUT = ROWS * COLUMNS };

static uint64_t seed = 20240711;

/* Values of a program in the making. */
struct maker {
    struct ay_tape *tape;
    const struct ay_value *at[MAX_VALUES];
    uint32_t count;
    bool odd; /* now and then a NaN, an infinity, ... among the constants */
};

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

static bool has_dims(const struct ay_value *x, uint32_t rank, const uint64_t *dims)
{
    return x->rank == rank && memcmp(x->dims, dims, rank * sizeof *dims) == 0;
}

static void keep(struct maker *m, const struct ay_value *x)
{
    if (ay_tape_code(m->tape) != AY_OK) print_error("%s\n", ay_tape_reason(m->tape));
    assert_int_equal(ay_tape_code(m->tape), AY_OK);
    uint64_t n = ay_value_elements(x);
    if (!x->data && n > 0 && n <= MAX_SIZE && m->count < MAX_VALUES) m->at[m->count++] = x;
}

/* An f32 value, often one just made. */
static const struct ay_value *pick(const struct maker *m)
{
    for (;;) {
        uint32_t near = m->count < 5 ? m->count : 5;
        uint32_t i = below(2) ? m->count - 1 - below(near) : below(m->count);
        if (m->at[i]->dtype == AY_WORK_DTYPE_F32) return m->at[i];
    }
}

static const struct ay_value *floats(struct maker *m, uint32_t rank, const uint64_t *dims)
{
    void *data;
    const struct ay_value *x = ay_tape_copy(m->tape, AY_WORK_DTYPE_F32, rank, dims, NULL, &data);
    ay_test_floats(&seed, data, ay_value_elements(x), m->odd);
    return x;
}

static const struct ay_value *integers(struct maker *m, uint32_t dtype, uint32_t rank,
                                       const uint64_t *dims, int32_t low, uint32_t span)
{
    void *data;
    const struct ay_value *x = ay_tape_copy(m->tape, dtype, rank, dims, NULL, &data);
    for (uint64_t i = 0; i < ay_value_elements(x); i++) {
        int64_t value = low + (int64_t)below(span);
        memcpy((uint8_t *)data + i * ay_dtype_bytes(dtype), &value, ay_dtype_bytes(dtype));
    }
    return x;
}

/* Beside x: as large, or one that broadcasts. */
static const struct ay_value *beside(struct maker *m, const struct ay_value *x)
{
    if (below(4) == 0) return ay_tape_f32(m->tape, -0.75F);
    if (below(3) == 0) return ay_tape_reduce(m->tape, AY_WORK_REDUCE_MAX, x, below(x->rank));
    if (below(2) == 0) return floats(m, 1, &x->dims[x->rank - 1]);
    return ay_tape_fn1(m->tape, AY_WORK_FN_NEG, x);
}

static void make_f32_map(struct maker *m)
{
    static const enum ay_work_fn one[] = {
        AY_WORK_FN_NEG,   AY_WORK_FN_SQRT, AY_WORK_FN_EXP,   AY_WORK_FN_LOG, AY_WORK_FN_TANH,
        AY_WORK_FN_ERF,   AY_WORK_FN_ABS,  AY_WORK_FN_SIN,   AY_WORK_FN_COS, AY_WORK_FN_ATAN,
        AY_WORK_FN_FLOOR, AY_WORK_FN_CEIL, AY_WORK_FN_TRUNC, AY_WORK_FN_RINT};
    static const enum ay_work_fn two[] = {AY_WORK_FN_ADD, AY_WORK_FN_SUB, AY_WORK_FN_MUL,
                                          AY_WORK_FN_DIV, AY_WORK_FN_MAX, AY_WORK_FN_MIN,
                                          AY_WORK_FN_POW, AY_WORK_FN_FMOD};
    const struct ay_value *x = pick(m);
    for (uint32_t i = 0; i < 1 + below(4); i++)
        x = below(2) ? ay_tape_fn1(m->tape, one[below(sizeof one / sizeof *one)], x)
                     : ay_tape_fn2(m->tape, two[below(sizeof two / sizeof *two)], x, beside(m, x));
    keep(m, x);
}

/* Comparisons, casts, integer arithmetic and back. */
static void make_integer_map(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8, AY_WORK_DTYPE_I32,
                                      AY_WORK_DTYPE_I64, AY_WORK_DTYPE_BOOL};
    const struct ay_value *x = pick(m), *y = beside(m, x);
    const struct ay_value *less =
        ay_tape_int_fn(m->tape, AY_WORK_FN_EQ + below(3), AY_WORK_DTYPE_BOOL, x, y);
    x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, ay_tape_f32(m->tape, 40));
    const struct ay_value *a = ay_tape_cast(m->tape, x, dtypes[below(5)]);
    const struct ay_value *b = ay_tape_int(m->tape, AY_WORK_DTYPE_I64, (int64_t)below(9) - 4);
    if (below(2)) b = ay_tape_cast(m->tape, x, dtypes[below(5)]);
    enum ay_work_fn fn = AY_WORK_FN_INT_ADD + below(AY_WORK_FN_INT_LE - AY_WORK_FN_INT_ADD + 1);
    const struct ay_value *c = ay_tape_int_fn(m->tape, fn, dtypes[below(5)], a, b);
    keep(m, less);
    keep(m, c);
    keep(m, ay_tape_select(m->tape, c, x, ay_tape_cast(m->tape, c, AY_WORK_DTYPE_F32)));
    keep(m, ay_tape_select(m->tape, less, c, ay_tape_int(m->tape, c->dtype, 3)));
}

static void make_reduce(struct maker *m)
{
    const struct ay_value *x = m->at[below(m->count)];
    bool any = x->dtype == AY_WORK_DTYPE_F32 || x->dtype == AY_WORK_DTYPE_I32 ||
               x->dtype == AY_WORK_DTYPE_I64;
    static const enum ay_work_reduce kinds[] = {
        AY_WORK_REDUCE_MAX, AY_WORK_REDUCE_MIN,   AY_WORK_REDUCE_ARGMAX, AY_WORK_REDUCE_ARGMIN,
        AY_WORK_REDUCE_SUM, AY_WORK_REDUCE_SUMSQ, AY_WORK_REDUCE_PROD};
    if (x->rank) keep(m, ay_tape_reduce(m->tape, kinds[below(any ? 7 : 4)], x, below(x->rank)));
}

static void make_move(struct maker *m)
{
    const struct ay_value *x = m->at[below(m->count)], *parts[3];
    if (x->rank == 0 || x->rank > 5) return;
    uint32_t perm[AY_MAX_RANK], axis = below(x->rank);
    for (uint32_t i = 0; i < x->rank; i++) perm[i] = (i + axis) % x->rank;
    int64_t begin[AY_MAX_RANK], step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK], dims[AY_MAX_RANK] = {1 + below(3), 1};
    for (uint32_t i = 0; i < x->rank; i++) {
        size[i] = below(3) ? x->dims[i] : 1 + below((uint32_t)x->dims[i] + 2);
        step[i] = below(4) ? 1 : (int64_t)below(5) - 2;
        if (step[i] == 0) step[i] = 1;
        begin[i] = step[i] < 0 ? (int64_t)x->dims[i] : (int64_t)below(3) - 1;
    }
    const struct ay_value *y = ay_tape_slice(m->tape, x, begin, step, size, below(2));
    keep(m, y);
    keep(m, ay_tape_permute(m->tape, x, perm));
    memcpy(size, x->dims, sizeof size);
    size[axis] = 1 + below(3);
    for (uint32_t i = 0; i < x->rank; i++) begin[i] = 0, step[i] = 1;
    parts[0] = x;
    parts[1] = ay_tape_slice(m->tape, x, begin, step, size, 0);
    parts[2] = parts[1];
    keep(m, ay_tape_concat(m->tape, parts, 2 + below(2), axis));
    memcpy(dims + 1, x->dims, x->rank * sizeof *dims);
    keep(m, ay_tape_expand(m->tape, x, x->rank + 1, dims));
}

static void make_indexed(struct maker *m)
{
    const struct ay_value *x = m->at[below(m->count)], *f = pick(m);
    uint64_t n = 1 + below(20), shape[] = {2, 1 + below(6)}, k = ay_value_elements(f);
    if (x->rank == 0 || x->rank > 6) return;
    bool wide = below(2);
    const struct ay_value *ids =
        integers(m, wide ? AY_WORK_DTYPE_I64 : AY_WORK_DTYPE_I32, 2, shape, -1, 12);
    if (below(2)) ids = ay_tape_cast(m->tape, f, AY_WORK_DTYPE_I64);
    if (ids->rank + x->rank <= AY_MAX_RANK &&
        ay_value_elements(ids) * ay_value_elements(x) <= MAX_SIZE)
        keep(m, ay_tape_gather(m->tape, x, ids, below(x->rank)));
    static const enum ay_work_reduce kinds[] = {AY_WORK_REDUCE_NONE, AY_WORK_REDUCE_SUM,
                                                AY_WORK_REDUCE_PROD, AY_WORK_REDUCE_MAX,
                                                AY_WORK_REDUCE_MIN};
    ids = integers(m, AY_WORK_DTYPE_I32, 1, &n, -2, (uint32_t)k + 4);
    keep(m, ay_tape_scatter(m->tape, kinds[below(5)], f, ids, floats(m, 1, &n)));
}

/* x as rows: (batch, M, K) or (M, K). */
static const struct ay_value *rows(struct maker *m, const struct ay_value *x)
{
    uint64_t k = x->rank ? x->dims[x->rank - 1] : 1, n = ay_value_elements(x) / k;
    uint64_t batch = n % 7 == 0 ? 7 : n % 2 == 0 ? 2 : 1, dims[] = {batch, n / batch, k};
    if (below(2)) return ay_tape_reshape(m->tape, x, 3, dims);
    dims[1] = n;
    return ay_tape_reshape(m->tape, x, 2, dims + 1);
}

static void make_product(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8, AY_WORK_DTYPE_I32};
    const struct ay_value *x = rows(m, pick(m));
    uint64_t k = x->dims[x->rank - 1], dims[] = {1 + below(70), k}, d[] = {dims[0], (k + 31) / 32};
    uint32_t dtype = dtypes[below(3)];
    keep(m, ay_tape_matmul(m->tape, x, floats(m, 2, dims)));
    keep(m, ay_tape_matmul(m->tape, x, x));
    keep(m, ay_tape_matmul_q8(m->tape, x, integers(m, AY_WORK_DTYPE_I8, 2, dims, -128, 256),
                              floats(m, 2, d)));
    const struct ay_value *scale = ay_tape_f32(m->tape, 50);
    const struct ay_value *q =
        ay_tape_cast(m->tape, ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, scale), dtypes[below(3)]);
    keep(m, ay_tape_matmul(m->tape, q, integers(m, dtype, 2, dims, -128, 256)));
    keep(m, ay_tape_matmul(m->tape, q, q));
}

/* Windows of an image: (groups, positions, channels of a group * kernel), or (channels, positions,
 * kernel) to be pooled. */
struct windows {
    uint64_t channels, groups, height, width; /* of the result */
    uint64_t kernel;
};

static const struct ay_value *windows(struct maker *m, const struct ay_value *x, bool flat,
                                      struct windows *w)
{
    uint64_t c = x->dims[0], h = x->dims[1], width = x->dims[2];
    int64_t stride = 1 + (int64_t)below(3), pad = below(3), gap = 1 + (int64_t)below(2);
    uint64_t kernel = 1 + below(3), reach = (kernel - 1) * (uint64_t)gap + 1;
    if (reach > h + 2 * (uint64_t)pad || reach > width + 2 * (uint64_t)pad) kernel = reach = 1;
    w->groups = flat ? (below(2) && c % 2 == 0 ? 2 : below(2) ? c : 1) : c;
    w->channels = c / w->groups;
    w->height = (h + 2 * (uint64_t)pad - reach) / (uint64_t)stride + 1;
    w->width = (width + 2 * (uint64_t)pad - reach) / (uint64_t)stride + 1;
    w->kernel = kernel * kernel;
    struct ay_tape_view v = {.view_rank = 3,
                             .view = {c, h, width},
                             .grid_rank = 6,
                             .grid = {w->groups, w->height, w->width, w->channels, kernel, kernel},
                             .offsets = {0, -pad, -pad},
                             .coefs = {{(int64_t)w->channels, 0, 0, 1, 0, 0},
                                       {0, stride, 0, 0, gap, 0},
                                       {0, 0, stride, 0, 0, gap}}};
    if (!flat) v.fill = AY_NEG_INF_BITS;
    if (ay_dtype_bytes(x->dtype) == 1) v.fill = below(256);
    uint64_t dims[] = {w->groups, w->height * w->width, w->channels * w->kernel};
    bool single = w->groups == 1 && below(2);
    return ay_tape_view(m->tape, x, &v, single ? 2 : 3, dims + single);
}

static const struct ay_value *image(struct maker *m)
{
    for (uint32_t i = m->count; i-- > 0;)
        if (m->at[i]->rank == 3 && m->at[i]->dtype == AY_WORK_DTYPE_F32 && below(3))
            return m->at[i];
    return m->at[1];
}

/* Perhaps scaled, perhaps shifted, row by row. */
static const struct ay_value *normalised(struct maker *m, const struct ay_value *x,
                                         const uint64_t *dims)
{
    if (below(3) == 0) x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, floats(m, x->rank, dims));
    if (below(3)) x = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, x, floats(m, x->rank, dims));
    return x;
}

/* Something as large is added, if it was made before. */
static const struct ay_value *with_residual(struct maker *m, const struct ay_value *x)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (has_dims(m->at[i], x->rank, x->dims) && m->at[i]->dtype == AY_WORK_DTYPE_F32)
            return ay_tape_fn2(m->tape, AY_WORK_FN_ADD, x, m->at[i]);
    return x;
}

/* Times its tanh or, as SiLU, its logistic function. */
static const struct ay_value *gated(struct maker *m, const struct ay_value *x)
{
    const struct ay_value *one = ay_tape_f32(m->tape, 1), *gate;
    if (below(2))
        return ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, ay_tape_fn1(m->tape, AY_WORK_FN_TANH, x));
    gate = ay_tape_fn1(m->tape, AY_WORK_FN_EXP, ay_tape_fn1(m->tape, AY_WORK_FN_NEG, x));
    gate =
        ay_tape_fn2(m->tape, AY_WORK_FN_DIV, one, ay_tape_fn2(m->tape, AY_WORK_FN_ADD, one, gate));
    return ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, gate);
}

/* (batches, rows, k) of what is there, which lies otherwise: to be permuted, sliced, repeated. */
static const struct ay_value *moved_rows(struct maker *m, const uint64_t dims[3])
{
    static const uint32_t perms[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}};
    const uint32_t *perm = perms[below(4)];
    uint64_t own[3], size[3];
    int64_t begin[3] = {0}, step[] = {1, 1, 1};
    bool wider = below(3) == 0, same = below(3) == 0;
    for (uint32_t d = 0; d < 3; d++) {
        size[d] = d == 0 && same ? 1 : dims[d];
        own[perm[d]] = size[d] + (wider && d == 2 ? 1 + below(5) : 0);
    }
    const struct ay_value *x = pick(m);
    uint64_t n = own[0] * own[1] * own[2], have = ay_value_elements(x);
    if (have < n) return floats(m, 3, dims);
    x = ay_tape_reshape(m->tape, x, 1, &have);
    x = ay_tape_slice(m->tape, x, begin, step, &n, 0);
    x = ay_tape_permute(m->tape, ay_tape_reshape(m->tape, x, 3, own), perm);
    if (wider) begin[2] = (int64_t)below((uint32_t)(x->dims[2] - size[2]) + 1);
    x = ay_tape_slice(m->tape, x, begin, step, size, 0);
    if (below(3) == 0) x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, ay_tape_f32(m->tape, 0.5F));
    return ay_tape_expand(m->tape, x, 3, dims);
}

static void make_moved_product(struct maker *m)
{
    const uint64_t k = 1 + below(20), batches = 1 + below(4);
    const uint64_t a_dims[] = {batches, 1 + below(9), k}, b_dims[] = {batches, 1 + below(30), k};
    bool swapped = below(2);
    const struct ay_value *first = moved_rows(m, swapped ? b_dims : a_dims);
    const struct ay_value *second = moved_rows(m, swapped ? a_dims : b_dims);
    keep(m, ay_tape_matmul(m->tape, swapped ? second : first, swapped ? first : second));
}

static void make_convolution(struct maker *m)
{
    struct windows w;
    const struct ay_value *x = image(m), *view = windows(m, x, true, &w);
    uint64_t filters = below(4) ? 1 + below(12) : 30 + below(50), k = w.channels * w.kernel;
    if (w.groups > 2 && below(2)) filters = 1;
    uint64_t dims[] = {w.groups, filters, k}, bias[] = {w.groups, filters, 1};
    uint64_t out[] = {w.groups * filters, w.height, w.width};
    bool single = view->rank == 2;
    x = ay_tape_matmul(m->tape, floats(m, view->rank, dims + single), view);
    const struct ay_value *y = NULL;
    if (below(3) == 0) { /* another user of the same windows */
        y = ay_tape_matmul(m->tape, floats(m, view->rank, dims + single), view);
        keep(m, y);
    }
    const struct ay_value *product = x;
    x = normalised(m, x, bias + single);
    if (below(3) == 0) x = normalised(m, x, bias + single);
    if (below(6) == 0) /* what follows is not all of the normalised value */
        x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, ay_tape_fn1(m->tape, AY_WORK_FN_TANH, x), product);
    if (y && below(3)) {
        y = normalised(m, y, bias + single);
        bool after = below(2);
        x = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, after ? x : y, after ? y : x);
    }
    x = ay_tape_reshape(m->tape, x, 3, out);
    x = with_residual(m, x);
    if (below(2)) x = ay_tape_fn2(m->tape, AY_WORK_FN_MAX, x, ay_tape_f32(m->tape, 0));
    if (below(3) == 0)
        x = ay_tape_fn2(m->tape, AY_WORK_FN_MIN, ay_tape_f32(m->tape, below(2) ? 6 : 0), x);
    keep(m, below(2) ? gated(m, x) : x);
}

/* Windows over planes in two axes of batches, and numbers of one of them, or of both, after it:
 * from plane to plane these do not always go on evenly. */
static void make_paired_convolution(struct maker *m)
{
    const struct ay_value *x = image(m);
    uint64_t pairs = x->dims[0] / 2, h = x->dims[1], width = x->dims[2];
    if (x->dims[0] % 2) return;
    const struct ay_tape_view v = {
        .view_rank = 3,
        .view = {x->dims[0], h, width},
        .grid_rank = 6,
        .grid = {2, pairs, h, width, 3, 3},
        .offsets = {0, -1, -1},
        .coefs = {{(int64_t)pairs, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 1, 0}, {0, 0, 0, 1, 0, 1}}};
    const uint64_t windows[] = {2, pairs, h * width, 9}, weights[] = {2, pairs, 1, 9};
    const uint64_t bias[] = {2, pairs, 1, 1}, own = below(3);
    uint64_t out[] = {x->dims[0], h, width};
    const struct ay_value *y =
        ay_tape_matmul(m->tape, floats(m, 4, weights), ay_tape_view(m->tape, x, &v, 4, windows));
    y = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, y,
                    own ? floats(m, 5 - (uint32_t)own, bias + own - 1) : floats(m, 1, bias + 3));
    if (below(2)) y = normalised(m, y, bias);
    if (below(2)) y = gated(m, y);
    keep(m, with_residual(m, ay_tape_reshape(m->tape, y, 3, out)));
}

/* Of bytes, with weights that are known or come from the first input. */
static void make_byte_convolution(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8};
    struct windows w;
    const struct ay_value *x =
        ay_tape_fn2(m->tape, AY_WORK_FN_MUL, image(m), ay_tape_f32(m->tape, 50));
    x = windows(m, ay_tape_cast(m->tape, x, dtypes[below(2)]), true, &w);
    uint64_t dims[] = {w.groups, 1 + below(12), w.channels * w.kernel};
    const int64_t begin[] = {0, 0}, step[] = {1, 1};
    bool single = x->rank == 2;
    uint32_t dtype = dtypes[below(2)];
    const struct ay_value *weights;
    if (single && below(2)) {
        weights = ay_tape_slice(m->tape, m->at[0], begin, step, dims + 1, 0);
        weights = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, weights, ay_tape_f32(m->tape, 60));
        weights = ay_tape_cast(m->tape, weights, dtype);
    } else {
        weights = integers(m, dtype, x->rank, dims + single, -128, 256);
    }
    keep(m, ay_tape_matmul(m->tape, weights, x));
}

static void make_pooling(struct maker *m)
{
    struct windows w;
    const struct ay_value *view = windows(m, image(m), false, &w);
    uint64_t out[] = {w.groups, w.height, w.width};
    const struct ay_value *x = ay_tape_reduce(
        m->tape, below(2) ? AY_WORK_REDUCE_MAX : AY_WORK_REDUCE_SUM, view, view->rank - 1);
    keep(m, ay_tape_reshape(m->tape, x, 3, out));
}

/* --- one program --- */

struct program {
    struct ay_tape *tape;
    struct ay_tape_program p;
    float inputs[2][INPUT];
    const void **values; /* by the specification */
    void *outputs[AY_MAX_WORK_PROGRAM_OUTPUTS];
};

static void make(struct program *out, bool odd)
{
    static void (*const makers[])(struct maker *) = {
        make_f32_map,      make_integer_map, make_reduce,           make_move,
        make_indexed,      make_product,     make_convolution,      make_convolution,
        make_pooling,      make_f32_map,     make_byte_convolution, make_paired_convolution,
        make_moved_product};
    struct maker m = {.odd = odd};
    const struct ay_tape_options options = {.threads = 1};
    /* Large now and then, so that threads share out every op. */
    bool large = below(10) == 0;
    const uint64_t rows[] = {large ? ROWS : 7, large ? COLUMNS : 33},
                   image_dims[] = {large ? 10 * CHANNELS : CHANNELS, HEIGHT, WIDTH};
    assert_int_equal(ay_tape_open(&options, &m.tape), AY_OK);
    m.at[m.count++] = ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 2, rows);
    m.at[m.count++] = ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 3, image_dims);
    for (uint32_t i = 0; i < 12; i++) makers[below(sizeof makers / sizeof *makers)](&m);
    const struct ay_value *outputs[4];
    uint32_t count = 1 + below(4);
    for (uint32_t i = 0; i < count; i++) outputs[i] = m.at[m.count - 1 - below(m.count / 2 + 1)];
    if (ay_tape_program(m.tape, outputs, count, &out->p) != AY_OK)
        fail_msg("%s", ay_tape_reason(m.tape));
    out->tape = m.tape;
    for (uint32_t i = 0; i < 2; i++) ay_test_floats(&seed, out->inputs[i], INPUT, odd);
}

static uint64_t bytes_of(const struct program *p, uint32_t id)
{
    struct ay_tensor_type t;
    ay_program_type(&p->p.program, id, &t);
    return ay_tensor_elements(&t) * ay_dtype_bytes(t.dtype);
}

static void evaluate(struct program *p)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    const struct ay_work_program *w = &p->p.program;
    p->values = calloc(ay_program_values(w), sizeof *p->values);
    assert_non_null(p->values);
    for (uint32_t i = 0; i < 2; i++) p->values[i] = p->inputs[i];
    for (uint32_t i = 0; i < w->weights_count; i++) p->values[2 + i] = p->p.weights[i];
    ay_test_reference(w, none, p->values);
    for (uint32_t i = 0; i < w->outputs_count; i++) {
        p->outputs[i] = malloc(bytes_of(p, w->outputs[i]));
        assert_non_null(p->outputs[i]);
    }
}

static void drop(struct program *p)
{
    const struct ay_work_program *w = &p->p.program;
    for (uint32_t i = 0; i < w->ops_count; i++)
        free((void *)(uintptr_t)p->values[ay_program_output(w, i)]);
    for (uint32_t i = 0; i < w->outputs_count; i++) free(p->outputs[i]);
    free(p->values);
    ay_tape_close(p->tape);
}

/* The first op that differs is the one to look at. */
static void check(const struct program *p, const struct ay_exec *exec, bool trace)
{
    const struct ay_work_program *w = &p->p.program;
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
        struct ay_run run = {.inputs = {p->inputs[0], p->inputs[1]}};
        memcpy(run.outputs, p->outputs, sizeof run.outputs);
        assert_int_equal(ay_exec_open(&p->p.program, p->p.weights, &options, &exec), AY_OK);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        check(p, exec, options.trace);
        for (uint32_t o = 0; o < p->p.outputs; o++)
            memset(p->outputs[o], 0xa5, bytes_of(p, p->p.program.outputs[o]));
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
        make(&p, i % 4 == 0);
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
        struct maker m = {0};
        assert_int_equal(ay_tape_open(&options, &m.tape), AY_OK);
        const struct ay_value *x = ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 2, rows), *outputs[2];
        (void)ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 2, rows);
        outputs[0] = ay_tape_matmul(m.tape, ay_tape_matmul(m.tape, x, floats(&m, 2, weights)),
                                    floats(&m, 2, narrow));
        outputs[1] =
            ay_tape_matmul_q8(m.tape, x, integers(&m, AY_WORK_DTYPE_I8, 2, weights, -127, 255),
                              floats(&m, 2, scales));
        assert_int_equal(ay_tape_program(m.tape, outputs, 2, &p.p), AY_OK);
        p.tape = m.tape;
        ay_test_floats(&seed, p.inputs[0], INPUT, false);
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
        assert_int_equal(ay_tape_program(tape, &q, 1, &p.p), AY_OK);
        assert_int_equal(p.p.program.ops[0].kind, AY_WORK_OP_VIEW);
        assert_int_equal(p.p.program.ops[0].in[0], 1);
        p.tape = tape;
        for (uint32_t i = 0; i < 2; i++) ay_test_floats(&seed, p.inputs[i], INPUT, false);
        check_each_way(&p, way);
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
        make(&p, false);
        evaluate(&p);
        struct ay_exec_options options = {.threads = 1, .profile = true};
        struct ay_exec *exec = NULL;
        struct ay_run run = {.inputs = {p.inputs[0], p.inputs[1]}};
        struct ay_exec_cost cost;
        memcpy(run.outputs, p.outputs, sizeof run.outputs);
        assert_int_equal(ay_exec_open(&p.p.program, p.p.weights, &options, &exec), AY_OK);
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        check(&p, exec, false);
        uint32_t ops = 0;
        for (uint32_t s = 0; ay_exec_cost(exec, s, &cost); s++) {
            assert_true(cost.work > 0 && cost.bytes > 0);
            ops += cost.ops;
        }
        assert_true(ops <= most_counted(&p.p.program)); /* a reshape is no work */
        all += ops;
        assert_true(ay_exec_memory(exec) > 0);
        ay_exec_close(exec);
        drop(&p);
    }
    assert_true(all > 0);
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
    const struct ay_work_program p = {.numerics = 1,
                                      .iterate = 1,
                                      .inputs = &input,
                                      .inputs_count = 1,
                                      .ops = ops,
                                      .ops_count = 3};
    struct ay_exec_options options = {.threads = 2, .divide = true};
    struct ay_exec *exec = NULL;
    float x[24], y[24];
    ay_test_floats(&seed, x, 24, false);
    struct ay_run run = {.inputs = {x}, .outputs = {y}};
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    assert_int_equal(ay_exec_open(&p, NULL, &options, &exec), AY_OK);
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    for (uint32_t i = 0; i < 24; i++) assert_true(y[i] == -x[i]);
    ay_exec_close(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_random_ops_equal_specification),
        cmocka_unit_test(test_exec_few_rows_meet_large_weights),
        cmocka_unit_test(test_exec_what_meets_patches_lies_as_it_is_stated),
        cmocka_unit_test(test_exec_permuted_twice_moves_elements_twice),
        cmocka_unit_test(test_exec_profile_counts_each_op_where_it_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
