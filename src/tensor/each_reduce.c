/* REDUCE of every kind, dtype and axis. A row is reduced by itself; along another axis, blocks of
 * neighbouring columns go side by side. */
#include "tensor/each.h"

#include "tensor/ref/float.h"

#include <string.h>

/* What is reduced: `n` elements `stride` apart for each of `cols` neighbours. */
struct columns {
    const void *from;
    uint64_t n, stride, cols; /* cols <= AY_EACH_BLOCK */
    uint32_t reduce, dtype;
};

/* Whether x takes the place of the best so far: the first one stays on ties. */
static bool exceeds(float x, float best)
{
    return best == best && (x > best || x != x);
}

static void f32_index(const struct columns *c, int64_t *out)
{
    const float *x = c->from;
    float best[AY_EACH_BLOCK];
    float sign = c->reduce == AY_WORK_REDUCE_ARGMAX ? 1.0F : -1.0F;
    for (uint64_t j = 0; j < c->cols; j++) {
        best[j] = sign * x[j];
        out[j] = 0;
    }
    for (uint64_t i = 1; i < c->n; i++)
        for (uint64_t j = 0; j < c->cols; j++) {
            float y = sign * x[i * c->stride + j];
            if (!exceeds(y, best[j])) continue;
            best[j] = y;
            out[j] = (int64_t)i;
        }
}

/* In any order: a row's blocks are taken as if they were columns. */
static void f32_min(const struct ay_kernels *k, const struct columns *c, bool row, float *out)
{
    const float *x = c->from;
    float least[AY_EACH_BLOCK];
    uint64_t cols = !row ? c->cols : c->n < AY_EACH_BLOCK ? c->n : AY_EACH_BLOCK;
    uint64_t end = row ? c->n : c->n * c->stride, step = row ? cols : c->stride;
    memcpy(least, x, cols * sizeof *x);
    for (uint64_t i = step; i < end; i += step)
        k->vv[AY_FN_MIN](least, x + i, least, end - i < cols ? end - i : cols);
    for (uint64_t j = 1; j < cols && row; j++) least[0] = -ay_ref_max(-least[0], -least[j]);
    memcpy(out, least, c->cols * sizeof *out);
}

/* Elements that are looked at before it is asked whether one was found. */
#define LOOK 64u

/* Of a row: the first that is the largest or least, which the kernels find. */
static int64_t f32_row_index(const struct ay_kernels *k, const struct columns *c)
{
    const float *x = c->from;
    float best;
    if (c->reduce == AY_WORK_REDUCE_ARGMAX)
        best = k->max(x, c->n);
    else
        f32_min(k, c, true, &best);
    uint64_t i = 0;
    for (bool found = false; i + LOOK <= c->n; i += LOOK) {
        for (uint64_t j = i; j < i + LOOK; j++) found |= !(x[j] < best) & !(x[j] > best);
        if (found) break;
    }
    while (best == best ? x[i] != best : x[i] == x[i]) i++;
    return (int64_t)i;
}

static void f32_prod(const struct columns *c, float *out)
{
    const float *x = c->from;
    for (uint64_t j = 0; j < c->cols; j++) out[j] = 1.0F;
    for (uint64_t i = 0; i < c->n; i++)
        for (uint64_t j = 0; j < c->cols; j++) out[j] *= x[i * c->stride + j];
}

static void f32_columns(const struct ay_kernels *k, const struct columns *c, float *out)
{
    bool row = c->cols == 1 && c->stride == 1;
    uint32_t n = (uint32_t)c->n, cols = (uint32_t)c->cols;
    ay_reduce *along = NULL;
    ay_reduce_columns *across = NULL;
    switch (c->reduce) {
    case AY_WORK_REDUCE_SUM: along = k->sum, across = k->sum_columns; break;
    case AY_WORK_REDUCE_SUMSQ: along = k->sumsq, across = k->sumsq_columns; break;
    case AY_WORK_REDUCE_MAX: along = k->max, across = k->max_columns; break;
    case AY_WORK_REDUCE_MIN: f32_min(k, c, row, out); break;
    default: f32_prod(c, out);
    }
    if (along && row)
        *out = along(c->from, n);
    else if (across)
        across(c->from, c->stride, n, cols, out);
    for (uint32_t j = 0; !along && j < cols; j++) out[j] = ay_f32(ay_f32_bits(out[j]));
}

/* Takes x (cols), which has index i, into the running values `out`, and `best` of an index. */
static void integers_take(const struct columns *c, const int64_t *x, int64_t i, int64_t *best,
                          int64_t *out)
{
    uint64_t n = c->cols;
    switch (c->reduce) {
    case AY_WORK_REDUCE_SUM:
        for (uint64_t j = 0; j < n; j++) out[j] += x[j];
        break;
    case AY_WORK_REDUCE_SUMSQ:
        for (uint64_t j = 0; j < n; j++) out[j] += x[j] * x[j];
        break;
    case AY_WORK_REDUCE_PROD:
        for (uint64_t j = 0; j < n; j++) out[j] *= x[j];
        break;
    case AY_WORK_REDUCE_MAX:
        for (uint64_t j = 0; j < n; j++) out[j] = x[j] > out[j] || i == 0 ? x[j] : out[j];
        break;
    case AY_WORK_REDUCE_MIN:
        for (uint64_t j = 0; j < n; j++) out[j] = x[j] < out[j] || i == 0 ? x[j] : out[j];
        break;
    default:
        for (uint64_t j = 0; j < n; j++) {
            bool most = c->reduce == AY_WORK_REDUCE_ARGMAX;
            if (i > 0 && (most ? x[j] <= best[j] : x[j] >= best[j])) continue;
            best[j] = x[j];
            out[j] = i;
        }
    }
}

static void integer_columns(const struct ay_steps *steps, const struct columns *c, int64_t *out,
                            int64_t *temp)
{
    int64_t *x = temp, *best = temp + AY_EACH_BLOCK;
    uint32_t bytes = ay_dtype_bytes(c->dtype);
    for (uint64_t j = 0; j < c->cols; j++) out[j] = c->reduce == AY_WORK_REDUCE_PROD;
    for (uint64_t i = 0; i < c->n; i++) {
        steps->widen(c->dtype, ay_element(c->from, i * c->stride, bytes), x, c->cols);
        integers_take(c, x, (int64_t)i, best, out);
    }
}

void ay_each_reduce(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    const struct ay_tensor_type *in = &call->in[0];
    uint32_t axis = call->op->axis, bytes = ay_dtype_bytes(in->dtype);
    uint32_t out_bytes = ay_dtype_bytes(call->out.dtype);
    uint64_t inner = ay_span(in, axis + 1, in->rank);
    struct columns c = {
        .n = in->dims[axis], .stride = inner, .reduce = call->op->reduce, .dtype = in->dtype};
    bool index = c.reduce == AY_WORK_REDUCE_ARGMAX || c.reduce == AY_WORK_REDUCE_ARGMIN;
    int64_t *out = scratch;
    for (uint64_t i = first; i < last; i += c.cols) {
        uint64_t left = inner - i % inner < last - i ? inner - i % inner : last - i;
        c.cols = left < AY_EACH_BLOCK ? left : AY_EACH_BLOCK;
        c.from = ay_element(call->from[0], i / inner * inner * c.n + i % inner, bytes);
        void *to = ay_element_to(call->to, i, out_bytes);
        if (c.dtype == AY_WORK_DTYPE_F32 && !index) {
            f32_columns(call->kernels, &c, to);
            continue;
        }
        if (c.dtype == AY_WORK_DTYPE_F32 && c.cols == 1 && c.stride == 1)
            *out = f32_row_index(call->kernels, &c);
        else if (c.dtype == AY_WORK_DTYPE_F32)
            f32_index(&c, out);
        else
            integer_columns(call->kernels->steps, &c, out, out + AY_EACH_BLOCK);
        call->kernels->steps->narrow(call->out.dtype, out, to, c.cols);
    }
}
