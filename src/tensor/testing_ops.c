/* Random programs written with the tape. */
#include "tensor/testing_ops.h"

#include "tensor/ref/float.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX_VALUES 40u
#define MAX_SIZE   25000u /* elements of a value */
enum { CHANNELS = 6, HEIGHT = 9, WIDTH = 22, ROWS = 150, COLUMNS = 133 };
_Static_assert(ROWS *COLUMNS == AY_TEST_INPUT, "");

const struct ay_value *ay_test_known_floats(struct ay_tape *tape, uint64_t *seed, uint32_t rank,
                                            const uint64_t *dims, bool odd)
{
    void *data;
    const struct ay_value *x = ay_tape_copy(tape, AY_WORK_DTYPE_F32, rank, dims, NULL, &data);
    ay_test_floats(seed, data, ay_value_elements(x), odd);
    return x;
}

const struct ay_value *ay_test_known_integers(struct ay_tape *tape, uint64_t *seed, uint32_t dtype,
                                              uint32_t rank, const uint64_t *dims, int32_t low,
                                              uint32_t span)
{
    void *data;
    const struct ay_value *x = ay_tape_copy(tape, dtype, rank, dims, NULL, &data);
    for (uint64_t i = 0; i < ay_value_elements(x); i++) {
        int64_t value = low + (int64_t)ay_test_below(seed, span);
        memcpy((uint8_t *)data + i * ay_dtype_bytes(dtype), &value, ay_dtype_bytes(dtype));
    }
    return x;
}

/* Values of a program in the making. */
struct maker {
    struct ay_tape *tape;
    const struct ay_value *at[MAX_VALUES];
    uint32_t count;
    uint64_t *seed;
    bool odd; /* now and then a NaN, an infinity, ... among the constants */
};

static uint32_t below(const struct maker *m, uint32_t n)
{
    return ay_test_below(m->seed, n);
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
        uint32_t i = below(m, 2) ? m->count - 1 - below(m, near) : below(m, m->count);
        if (m->at[i]->dtype == AY_WORK_DTYPE_F32) return m->at[i];
    }
}

static const struct ay_value *floats(struct maker *m, uint32_t rank, const uint64_t *dims)
{
    return ay_test_known_floats(m->tape, m->seed, rank, dims, m->odd);
}

static const struct ay_value *integers(struct maker *m, uint32_t dtype, uint32_t rank,
                                       const uint64_t *dims, int32_t low, uint32_t span)
{
    return ay_test_known_integers(m->tape, m->seed, dtype, rank, dims, low, span);
}

/* Beside x: as large, or one that broadcasts. */
static const struct ay_value *beside(struct maker *m, const struct ay_value *x)
{
    if (below(m, 4) == 0) return ay_tape_f32(m->tape, -0.75F);
    if (below(m, 3) == 0) return ay_tape_reduce(m->tape, AY_WORK_REDUCE_MAX, x, below(m, x->rank));
    if (below(m, 2) == 0) return floats(m, 1, &x->dims[x->rank - 1]);
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
    for (uint32_t i = 0; i < 1 + below(m, 4); i++)
        x = below(m, 2)
                ? ay_tape_fn1(m->tape, one[below(m, sizeof one / sizeof *one)], x)
                : ay_tape_fn2(m->tape, two[below(m, sizeof two / sizeof *two)], x, beside(m, x));
    keep(m, x);
}

/* Comparisons, casts, integer arithmetic and back. */
static void make_integer_map(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8, AY_WORK_DTYPE_I32,
                                      AY_WORK_DTYPE_I64, AY_WORK_DTYPE_BOOL};
    const struct ay_value *x = pick(m), *y = beside(m, x);
    const struct ay_value *less =
        ay_tape_int_fn(m->tape, AY_WORK_FN_EQ + below(m, 3), AY_WORK_DTYPE_BOOL, x, y);
    x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, ay_tape_f32(m->tape, 40));
    const struct ay_value *a = ay_tape_cast(m->tape, x, dtypes[below(m, 5)]);
    const struct ay_value *b = ay_tape_int(m->tape, AY_WORK_DTYPE_I64, (int64_t)below(m, 9) - 4);
    if (below(m, 2)) b = ay_tape_cast(m->tape, x, dtypes[below(m, 5)]);
    enum ay_work_fn fn = AY_WORK_FN_INT_ADD + below(m, AY_WORK_FN_INT_LE - AY_WORK_FN_INT_ADD + 1);
    const struct ay_value *c = ay_tape_int_fn(m->tape, fn, dtypes[below(m, 5)], a, b);
    keep(m, less);
    keep(m, c);
    keep(m, ay_tape_select(m->tape, c, x, ay_tape_cast(m->tape, c, AY_WORK_DTYPE_F32)));
    keep(m, ay_tape_select(m->tape, less, c, ay_tape_int(m->tape, c->dtype, 3)));
}

static void make_reduce(struct maker *m)
{
    const struct ay_value *x = m->at[below(m, m->count)];
    bool any = x->dtype == AY_WORK_DTYPE_F32 || x->dtype == AY_WORK_DTYPE_I32 ||
               x->dtype == AY_WORK_DTYPE_I64;
    static const enum ay_work_reduce kinds[] = {
        AY_WORK_REDUCE_MAX, AY_WORK_REDUCE_MIN,   AY_WORK_REDUCE_ARGMAX, AY_WORK_REDUCE_ARGMIN,
        AY_WORK_REDUCE_SUM, AY_WORK_REDUCE_SUMSQ, AY_WORK_REDUCE_PROD};
    if (x->rank)
        keep(m, ay_tape_reduce(m->tape, kinds[below(m, any ? 7 : 4)], x, below(m, x->rank)));
}

static void make_move(struct maker *m)
{
    const struct ay_value *x = m->at[below(m, m->count)], *parts[3];
    if (x->rank == 0 || x->rank > 5) return;
    uint32_t perm[AY_MAX_RANK], axis = below(m, x->rank);
    for (uint32_t i = 0; i < x->rank; i++) perm[i] = (i + axis) % x->rank;
    int64_t begin[AY_MAX_RANK], step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK], dims[AY_MAX_RANK] = {1 + below(m, 3), 1};
    for (uint32_t i = 0; i < x->rank; i++) {
        size[i] = below(m, 3) ? x->dims[i] : 1 + below(m, (uint32_t)x->dims[i] + 2);
        step[i] = below(m, 4) ? 1 : (int64_t)below(m, 5) - 2;
        if (step[i] == 0) step[i] = 1;
        begin[i] = step[i] < 0 ? (int64_t)x->dims[i] : (int64_t)below(m, 3) - 1;
    }
    const struct ay_value *y = ay_tape_slice(m->tape, x, begin, step, size, below(m, 2));
    keep(m, y);
    keep(m, ay_tape_permute(m->tape, x, perm));
    memcpy(size, x->dims, sizeof size);
    size[axis] = 1 + below(m, 3);
    for (uint32_t i = 0; i < x->rank; i++) begin[i] = 0, step[i] = 1;
    parts[0] = x;
    parts[1] = ay_tape_slice(m->tape, x, begin, step, size, 0);
    parts[2] = parts[1];
    keep(m, ay_tape_concat(m->tape, parts, 2 + below(m, 2), axis));
    memcpy(dims + 1, x->dims, x->rank * sizeof *dims);
    keep(m, ay_tape_expand(m->tape, x, x->rank + 1, dims));
}

static void make_indexed(struct maker *m)
{
    const struct ay_value *x = m->at[below(m, m->count)], *f = pick(m);
    uint64_t n = 1 + below(m, 20), shape[] = {2, 1 + below(m, 6)}, k = ay_value_elements(f);
    if (x->rank == 0 || x->rank > 6) return;
    bool wide = below(m, 2);
    const struct ay_value *ids =
        integers(m, wide ? AY_WORK_DTYPE_I64 : AY_WORK_DTYPE_I32, 2, shape, -1, 12);
    if (below(m, 2)) ids = ay_tape_cast(m->tape, f, AY_WORK_DTYPE_I64);
    if (ids->rank + x->rank <= AY_MAX_RANK &&
        ay_value_elements(ids) * ay_value_elements(x) <= MAX_SIZE)
        keep(m, ay_tape_gather(m->tape, x, ids, below(m, x->rank)));
    static const enum ay_work_reduce kinds[] = {AY_WORK_REDUCE_NONE, AY_WORK_REDUCE_SUM,
                                                AY_WORK_REDUCE_PROD, AY_WORK_REDUCE_MAX,
                                                AY_WORK_REDUCE_MIN};
    ids = integers(m, AY_WORK_DTYPE_I32, 1, &n, -2, (uint32_t)k + 4);
    keep(m, ay_tape_scatter(m->tape, kinds[below(m, 5)], f, ids, floats(m, 1, &n)));
}

/* x as rows: (batch, M, K) or (M, K). */
static const struct ay_value *rows(struct maker *m, const struct ay_value *x)
{
    uint64_t k = x->rank ? x->dims[x->rank - 1] : 1, n = ay_value_elements(x) / k;
    uint64_t batch = n % 7 == 0 ? 7 : n % 2 == 0 ? 2 : 1, dims[] = {batch, n / batch, k};
    if (below(m, 2)) return ay_tape_reshape(m->tape, x, 3, dims);
    dims[1] = n;
    return ay_tape_reshape(m->tape, x, 2, dims + 1);
}

static void make_product(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8, AY_WORK_DTYPE_I32};
    const struct ay_value *x = rows(m, pick(m));
    uint64_t k = x->dims[x->rank - 1], dims[] = {1 + below(m, 70), k},
             d[] = {dims[0], (k + 31) / 32};
    uint32_t dtype = dtypes[below(m, 3)];
    keep(m, ay_tape_matmul(m->tape, x, floats(m, 2, dims)));
    keep(m, ay_tape_matmul(m->tape, x, x));
    keep(m, ay_tape_matmul_q8(m->tape, x, integers(m, AY_WORK_DTYPE_I8, 2, dims, -128, 256),
                              floats(m, 2, d)));
    const struct ay_value *scale = ay_tape_f32(m->tape, 50);
    const struct ay_value *q =
        ay_tape_cast(m->tape, ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, scale), dtypes[below(m, 3)]);
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
    int64_t stride = 1 + (int64_t)below(m, 3), pad = below(m, 3), gap = 1 + (int64_t)below(m, 2);
    uint64_t kernel = 1 + below(m, 3), reach = (kernel - 1) * (uint64_t)gap + 1;
    if (reach > h + 2 * (uint64_t)pad || reach > width + 2 * (uint64_t)pad) kernel = reach = 1;
    w->groups = flat ? (below(m, 2) && c % 2 == 0 ? 2 : below(m, 2) ? c : 1) : c;
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
    if (ay_dtype_bytes(x->dtype) == 1) v.fill = below(m, 256);
    uint64_t dims[] = {w->groups, w->height * w->width, w->channels * w->kernel};
    bool single = w->groups == 1 && below(m, 2);
    return ay_tape_view(m->tape, x, &v, single ? 2 : 3, dims + single);
}

/* Now and then its axes in another order. */
static const struct ay_value *image(struct maker *m)
{
    static const uint32_t perms[][3] = {{1, 0, 2}, {0, 2, 1}};
    const struct ay_value *x = m->at[1];
    for (uint32_t i = m->count; i-- > 0;) {
        if (m->at[i]->rank != 3 || m->at[i]->dtype != AY_WORK_DTYPE_F32 || !below(m, 3)) continue;
        x = m->at[i];
        break;
    }
    return below(m, 4) ? x : ay_tape_permute(m->tape, x, perms[below(m, 2)]);
}

/* Perhaps scaled, perhaps shifted, row by row. */
static const struct ay_value *normalised(struct maker *m, const struct ay_value *x,
                                         const uint64_t *dims)
{
    if (below(m, 3) == 0) x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, floats(m, x->rank, dims));
    if (below(m, 3)) x = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, x, floats(m, x->rank, dims));
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
    if (below(m, 2))
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
    const uint32_t *perm = perms[below(m, 4)];
    uint64_t own[3], size[3];
    int64_t begin[3] = {0}, step[] = {1, 1, 1};
    bool wider = below(m, 3) == 0, same = below(m, 3) == 0;
    for (uint32_t d = 0; d < 3; d++) {
        size[d] = d == 0 && same ? 1 : dims[d];
        own[perm[d]] = size[d] + (wider && d == 2 ? 1 + below(m, 5) : 0);
    }
    const struct ay_value *x = pick(m);
    uint64_t n = own[0] * own[1] * own[2], have = ay_value_elements(x);
    if (have < n) return floats(m, 3, dims);
    x = ay_tape_reshape(m->tape, x, 1, &have);
    x = ay_tape_slice(m->tape, x, begin, step, &n, 0);
    x = ay_tape_permute(m->tape, ay_tape_reshape(m->tape, x, 3, own), perm);
    if (wider) begin[2] = (int64_t)below(m, (uint32_t)(x->dims[2] - size[2]) + 1);
    x = ay_tape_slice(m->tape, x, begin, step, size, 0);
    if (below(m, 3) == 0) x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, x, ay_tape_f32(m->tape, 0.5F));
    return ay_tape_expand(m->tape, x, 3, dims);
}

static void make_moved_product(struct maker *m)
{
    const uint64_t k = 1 + below(m, 20), batches = 1 + below(m, 4);
    const uint64_t a_dims[] = {batches, 1 + below(m, 9), k},
                   b_dims[] = {batches, 1 + below(m, 30), k};
    bool swapped = below(m, 2);
    const struct ay_value *first = moved_rows(m, swapped ? b_dims : a_dims);
    const struct ay_value *second = moved_rows(m, swapped ? a_dims : b_dims);
    keep(m, ay_tape_matmul(m->tape, swapped ? second : first, swapped ? first : second));
}

static void make_convolution(struct maker *m)
{
    struct windows w;
    const struct ay_value *x = image(m), *view = windows(m, x, true, &w);
    uint64_t filters = below(m, 4) ? 1 + below(m, 12) : 30 + below(m, 50),
             k = w.channels * w.kernel;
    if (w.groups > 2 && below(m, 2)) filters = 1;
    uint64_t dims[] = {w.groups, filters, k}, bias[] = {w.groups, filters, 1};
    uint64_t out[] = {w.groups * filters, w.height, w.width};
    bool single = view->rank == 2;
    x = ay_tape_matmul(m->tape, floats(m, view->rank, dims + single), view);
    const struct ay_value *y = NULL;
    if (below(m, 3) == 0) { /* another user of the same windows */
        y = ay_tape_matmul(m->tape, floats(m, view->rank, dims + single), view);
        keep(m, y);
    }
    const struct ay_value *product = x;
    x = normalised(m, x, bias + single);
    if (below(m, 3) == 0) x = normalised(m, x, bias + single);
    if (below(m, 6) == 0) /* what follows is not all of the normalised value */
        x = ay_tape_fn2(m->tape, AY_WORK_FN_MUL, ay_tape_fn1(m->tape, AY_WORK_FN_TANH, x), product);
    if (y && below(m, 3)) {
        y = normalised(m, y, bias + single);
        bool after = below(m, 2);
        x = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, after ? x : y, after ? y : x);
    }
    x = ay_tape_reshape(m->tape, x, 3, out);
    x = with_residual(m, x);
    if (below(m, 2)) x = ay_tape_fn2(m->tape, AY_WORK_FN_MAX, x, ay_tape_f32(m->tape, 0));
    if (below(m, 3) == 0)
        x = ay_tape_fn2(m->tape, AY_WORK_FN_MIN, ay_tape_f32(m->tape, below(m, 2) ? 6 : 0), x);
    keep(m, below(m, 2) ? gated(m, x) : x);
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
    const uint64_t bias[] = {2, pairs, 1, 1}, own = below(m, 3);
    uint64_t out[] = {x->dims[0], h, width};
    const struct ay_value *y =
        ay_tape_matmul(m->tape, floats(m, 4, weights), ay_tape_view(m->tape, x, &v, 4, windows));
    y = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, y,
                    own ? floats(m, 5 - (uint32_t)own, bias + own - 1) : floats(m, 1, bias + 3));
    if (below(m, 2)) y = normalised(m, y, bias);
    if (below(m, 2)) y = gated(m, y);
    keep(m, with_residual(m, ay_tape_reshape(m->tape, y, 3, out)));
}

/* Of two images, each channel's planes lying together. */
static void make_convolution_of_two(struct maker *m)
{
    const struct ay_value *x = image(m);
    uint64_t channels = x->dims[0] / 2, h = x->dims[1], width = x->dims[2];
    int64_t stride = 1 + (int64_t)below(m, 2);
    uint64_t rows = (h - 1) / (uint64_t)stride + 1, columns = (width - 1) / (uint64_t)stride + 1;
    if (x->dims[0] % 2) return;
    const struct ay_tape_view v = {
        .view_rank = 3,
        .view = {x->dims[0], h, width},
        .grid_rank = 6,
        .grid = {channels, 2, rows, columns, 3, 3},
        .offsets = {0, -1, -1},
        .coefs = {{2, 1, 0, 0, 0, 0}, {0, 0, stride, 0, 1, 0}, {0, 0, 0, stride, 0, 1}}};
    const uint64_t windows[] = {channels, 2 * rows * columns, 9};
    const uint64_t weights[] = {channels, 1, 9}, bias[] = {channels, 1, 1};
    uint64_t out[] = {x->dims[0], rows, columns};
    const struct ay_value *y =
        ay_tape_matmul(m->tape, floats(m, 3, weights), ay_tape_view(m->tape, x, &v, 3, windows));
    y = normalised(m, y, bias);
    if (below(m, 3) == 0) y = ay_tape_fn2(m->tape, AY_WORK_FN_ADD, y, floats(m, 3, y->dims));
    if (below(m, 2)) y = gated(m, y);
    keep(m, with_residual(m, ay_tape_reshape(m->tape, y, 3, out)));
}

/* Of bytes, with weights that are known or come from the first input. */
static void make_byte_convolution(struct maker *m)
{
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8};
    struct windows w;
    const struct ay_value *x =
        ay_tape_fn2(m->tape, AY_WORK_FN_MUL, image(m), ay_tape_f32(m->tape, 50));
    x = windows(m, ay_tape_cast(m->tape, x, dtypes[below(m, 2)]), true, &w);
    uint64_t dims[] = {w.groups, 1 + below(m, 12), w.channels * w.kernel};
    const int64_t begin[] = {0, 0}, step[] = {1, 1};
    bool single = x->rank == 2;
    uint32_t dtype = dtypes[below(m, 2)];
    const struct ay_value *weights;
    if (single && below(m, 2)) {
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
        m->tape, below(m, 2) ? AY_WORK_REDUCE_MAX : AY_WORK_REDUCE_SUM, view, view->rank - 1);
    keep(m, ay_tape_reshape(m->tape, x, 3, out));
}

/* --- one program --- */

void ay_test_ops(uint64_t *seed, bool odd, struct ay_test_ops *out)
{
    static void (*const makers[])(struct maker *) = {make_f32_map,
                                                     make_integer_map,
                                                     make_reduce,
                                                     make_move,
                                                     make_indexed,
                                                     make_product,
                                                     make_convolution,
                                                     make_convolution,
                                                     make_pooling,
                                                     make_f32_map,
                                                     make_byte_convolution,
                                                     make_paired_convolution,
                                                     make_convolution_of_two,
                                                     make_moved_product};
    struct maker m = {.seed = seed, .odd = odd};
    const struct ay_tape_options options = {.threads = 1};
    /* Large now and then, so that threads share out every op. */
    bool large = below(&m, 10) == 0;
    const uint64_t rows[] = {large ? ROWS : 7, large ? COLUMNS : 33},
                   image_dims[] = {large ? 10 * CHANNELS : CHANNELS, HEIGHT, WIDTH};
    assert_int_equal(ay_tape_open(&options, &m.tape), AY_OK);
    m.at[m.count++] = ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 2, rows);
    m.at[m.count++] = ay_tape_input(m.tape, AY_WORK_DTYPE_F32, 3, image_dims);
    for (uint32_t i = 0; i < 12; i++) makers[below(&m, sizeof makers / sizeof *makers)](&m);
    const struct ay_value *outputs[4];
    uint32_t count = 1 + below(&m, 4);
    for (uint32_t i = 0; i < count; i++)
        outputs[i] = m.at[m.count - 1 - below(&m, m.count / 2 + 1)];
    if (ay_tape_program(m.tape, outputs, count, &out->p) != AY_OK)
        fail_msg("%s", ay_tape_reason(m.tape));
    out->tape = m.tape;
    for (uint32_t i = 0; i < 2; i++) ay_test_floats(seed, out->inputs[i], AY_TEST_INPUT, odd);
}
