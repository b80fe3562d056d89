/* The truth of an op, by loops over coordinates: what the index arithmetic that the arbiter and
 * ay_ref_eval share (tensor/reach.c) is tested against. */
#include "verify/testing.h"

#include "tensor/ref/float.h"
#include "tensor/ref/ops.h"

#include <stdlib.h>

struct view {
    struct ay_tensor_type type;
    uint8_t *bytes;
};

static uint32_t width(const struct view *v)
{
    return ay_dtype_bytes(v->type.dtype);
}

static uint64_t bits_at(const struct view *v, uint64_t i)
{
    return ay_element_get(v->bytes + i * width(v), width(v));
}

static void put_bits(const struct view *v, uint64_t i, uint64_t bits)
{
    ay_element_put(v->bytes + i * width(v), width(v), bits);
}

static float get(const struct view *v, uint64_t i)
{
    return ay_f32((uint32_t)bits_at(v, i));
}

static int64_t get_int(const struct view *v, uint64_t i)
{
    return ay_dtype_widen(v->type.dtype, bits_at(v, i));
}

static void put(const struct view *v, uint64_t i, float x)
{
    put_bits(v, i, ay_f32_bits(x));
}

/* Counts coordinates up in the order of elements; false after the last. */
static bool count_up(uint32_t *at, const uint32_t *dims, uint32_t rank)
{
    for (uint32_t d = rank; d-- > 0;) {
        if (++at[d] < dims[d]) return true;
        at[d] = 0;
    }
    return false;
}

static uint64_t index_of(const uint32_t *dims, uint32_t rank, const uint32_t *at)
{
    uint64_t index = 0;
    for (uint32_t d = 0; d < rank; d++) index = index * dims[d] + at[d];
    return index;
}

static uint64_t index_in(const struct view *v, const uint32_t *at)
{
    return index_of(v->type.dims, v->type.rank, at);
}

static void run_gather(const struct ay_work_op *op, const struct view *in, const struct view *out)
{
    uint32_t at[AY_MAX_RANK] = {0}, axis = op->axis, ids = in[1].type.rank;
    do {
        uint32_t from[AY_MAX_RANK];
        int64_t id = get_int(&in[1], index_of(out->type.dims + axis, ids, at + axis));
        memcpy(from, at, axis * sizeof *at);
        from[axis] = ay_ref_gather_row(id, in[0].type.dims[axis]);
        memcpy(from + axis + 1, at + axis + ids, (out->type.rank - axis - ids) * sizeof *at);
        put_bits(out, index_in(out, at), bits_at(&in[0], index_in(&in[0], from)));
    } while (count_up(at, out->type.dims, out->type.rank));
}

static void run_map(const struct ay_op_shape *shape, const struct view *in, const struct view *out)
{
    uint32_t at[AY_MAX_RANK] = {0};
    do {
        struct ay_scalar x[AY_MAX_WORK_OP_IN];
        for (uint32_t i = 0; i < shape->op->in_count; i++) {
            const struct ay_tensor_type *t = &in[i].type;
            uint32_t lead = out->type.rank - t->rank, mine[AY_MAX_RANK];
            for (uint32_t d = 0; d < t->rank; d++) mine[d] = t->dims[d] == 1 ? 0 : at[lead + d];
            x[i] = ay_ref_load(t->dtype, bits_at(&in[i], index_in(&in[i], mine)));
        }
        put_bits(out, index_in(out, at), ay_ref_store(out->type.dtype, ay_ref_map(shape, x)));
    } while (count_up(at, out->type.dims, out->type.rank));
}

/* One element of a product: rows of a and b that begin at these elements. */
static void multiply(const struct view *in, uint64_t a, uint64_t b, uint64_t k,
                     const struct view *out, uint64_t to)
{
    float acc = 0;
    int32_t sum = 0;
    for (uint64_t c = 0; c < k; c++) {
        if (out->type.dtype == AY_WORK_DTYPE_I32) {
            sum += (int32_t)get_int(&in[0], a + c) * (int32_t)get_int(&in[1], b + c);
            continue;
        }
        float x = get(&in[0], a + c), y = get(&in[1], b + c);
        acc = ay_ref_chain(acc, &x, &y, 1);
    }
    if (out->type.dtype == AY_WORK_DTYPE_I32)
        put_bits(out, to, (uint32_t)sum);
    else
        put(out, to, acc);
}

static void run_matmul(const struct view *in, const struct view *out)
{
    const struct ay_tensor_type *a = &in[0].type, *b = &in[1].type;
    uint64_t m = a->dims[a->rank - 2], k = a->dims[a->rank - 1], n = b->dims[b->rank - 2];
    uint64_t batches = ay_tensor_elements(a) / (m * k);
    for (uint64_t z = 0; z < batches; z++)
        for (uint64_t i = 0; i < m; i++)
            for (uint64_t j = 0; j < n; j++)
                multiply(in, (z * m + i) * k, ((b->rank > 2 ? z * n : 0) + j) * k, k, out,
                         (z * m + i) * n + j);
}

/* A whole row at once. */
static void run_matmul_q8(const struct view *in, const struct view *out)
{
    uint32_t k = in[1].type.dims[1], n = in[1].type.dims[0], blocks = in[2].type.dims[1];
    uint64_t rows = ay_tensor_elements(&in[0].type) / k;
    float *a = calloc(k, sizeof *a), *d = calloc(blocks, sizeof *d);
    AY_ASSERT(a && d);
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t j = 0; j < n; j++) {
            const uint8_t *w = in[1].bytes + j * k;
            for (uint32_t c = 0; c < k; c++) a[c] = get(&in[0], i * k + c);
            for (uint32_t c = 0; c < blocks; c++) d[c] = get(&in[2], j * blocks + c);
            put(out, i * n + j, ay_ref_chain_q8(0, a, (const int8_t *)w, d, k));
        }
    free(a);
    free(d);
}

static float reduce_f32(uint32_t reduce, const float *x, uint32_t n)
{
    switch ((enum ay_work_reduce)reduce) {
    case AY_WORK_REDUCE_SUM: return ay_ref_reduce_sum(x, n, 1);
    case AY_WORK_REDUCE_SUMSQ: return ay_ref_reduce_sumsq(x, n, 1);
    case AY_WORK_REDUCE_MAX: return ay_ref_reduce_max(x, n, 1);
    case AY_WORK_REDUCE_MIN: return ay_ref_reduce_min(x, n, 1);
    case AY_WORK_REDUCE_PROD: return ay_ref_reduce_prod(x, n, 1);
    case AY_WORK_REDUCE_ARGMAX:
    case AY_WORK_REDUCE_ARGMIN:
    case AY_WORK_REDUCE_NONE: break;
    }
    ay_panic(__FILE__, __LINE__, "not a reduction to an f32");
}

/* Of integers, without a rule of its own for the first: every reduction of one element is known. */
static int64_t reduce_int(uint32_t reduce, const int64_t *x, uint32_t n)
{
    int64_t acc = reduce == AY_WORK_REDUCE_SUMSQ ? x[0] * x[0] : x[0];
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (reduce == AY_WORK_REDUCE_ARGMAX && x[i] > x[best]) best = i;
        if (reduce == AY_WORK_REDUCE_ARGMIN && x[i] < x[best]) best = i;
        if (reduce < AY_WORK_REDUCE_ARGMAX)
            acc = ay_ref_reduce_int((enum ay_work_reduce)reduce, acc, x[i]);
    }
    return reduce < AY_WORK_REDUCE_ARGMAX ? acc : best;
}

static uint64_t reduce_line(const struct ay_work_op *op, const struct view *in,
                            const struct view *out, const uint64_t *line, uint32_t n)
{
    float *x = calloc(n, sizeof *x);
    int64_t *y = calloc(n, sizeof *y);
    bool f32 = in->type.dtype == AY_WORK_DTYPE_F32;
    AY_ASSERT(x && y);
    for (uint32_t i = 0; i < n; i++) {
        if (f32)
            x[i] = get(in, line[i]);
        else
            y[i] = get_int(in, line[i]);
    }
    uint64_t bits;
    if (!f32)
        bits = ay_dtype_narrow(out->type.dtype, reduce_int(op->reduce, y, n));
    else if (op->reduce >= AY_WORK_REDUCE_ARGMAX)
        bits = (uint64_t)ay_ref_reduce_arg((enum ay_work_reduce)op->reduce, x, n, 1);
    else
        bits = ay_f32_bits(reduce_f32(op->reduce, x, n));
    free(x);
    free(y);
    return bits;
}

static void run_reduce(const struct ay_work_op *op, const struct view *in, const struct view *out)
{
    uint32_t at[AY_MAX_RANK] = {0}, n = in->type.dims[op->axis];
    uint64_t *line = calloc(n, sizeof *line);
    AY_ASSERT(line);
    do {
        uint32_t mine[AY_MAX_RANK];
        memcpy(mine, at, sizeof mine);
        for (mine[op->axis] = 0; mine[op->axis] < n; mine[op->axis]++)
            line[mine[op->axis]] = index_in(in, mine);
        put_bits(out, index_in(out, at), reduce_line(op, in, out, line, n));
    } while (count_up(at, out->type.dims, out->type.rank));
    free(line);
}

static void run_permute(const struct ay_op_shape *shape, const struct view *in,
                        const struct view *out)
{
    const struct ay_work_op *op = shape->op;
    uint32_t dims[AY_MAX_RANK], at[AY_MAX_RANK] = {0};
    for (uint32_t d = 0; d < op->view_count; d++) dims[d] = shape->view[op->perm[d]];
    uint64_t i = 0;
    do {
        uint32_t mine[AY_MAX_RANK];
        for (uint32_t d = 0; d < op->view_count; d++) mine[op->perm[d]] = at[d];
        put_bits(out, i++, bits_at(in, index_of(shape->view, op->view_count, mine)));
    } while (count_up(at, dims, op->view_count));
}

static void run_view(const struct ay_op_shape *shape, const struct view *in, const struct view *out)
{
    const struct ay_work_op *op = shape->op;
    uint32_t at[AY_MAX_WORK_OP_GRID] = {0};
    uint64_t i = 0;
    do {
        uint32_t mine[AY_MAX_RANK];
        bool inside = true;
        for (uint32_t a = 0; a < op->view_count; a++) {
            int64_t index = op->offsets[a];
            for (uint32_t d = 0; d < op->grid_count; d++)
                index += op->coefs[a * op->grid_count + d] * (int64_t)at[d];
            inside = inside && index >= 0 && index < (int64_t)shape->view[a];
            mine[a] = (uint32_t)index;
        }
        uint64_t bits = op->fill;
        if (inside) bits = bits_at(in, index_of(shape->view, op->view_count, mine));
        put_bits(out, i++, bits);
    } while (count_up(at, shape->grid, op->grid_count));
}

static void run_concat(const struct ay_work_op *op, const struct view *in, const struct view *out)
{
    uint32_t at[AY_MAX_RANK] = {0};
    do {
        uint32_t mine[AY_MAX_RANK], i = 0;
        memcpy(mine, at, sizeof mine);
        while (mine[op->axis] >= in[i].type.dims[op->axis])
            mine[op->axis] -= in[i++].type.dims[op->axis];
        put_bits(out, index_in(out, at), bits_at(&in[i], index_in(&in[i], mine)));
    } while (count_up(at, out->type.dims, out->type.rank));
}

static float merge_f32(uint32_t reduce, float old, float u)
{
    if (reduce == AY_WORK_REDUCE_SUM) return old + u;
    if (reduce == AY_WORK_REDUCE_PROD) return old * u;
    return reduce == AY_WORK_REDUCE_MAX ? ay_ref_max(old, u) : ay_ref_min(old, u);
}

static void run_scatter(const struct ay_work_op *op, const struct view *in, const struct view *out)
{
    uint64_t n = ay_tensor_elements(&out->type);
    memcpy(out->bytes, in[0].bytes, n * width(out));
    for (uint64_t k = 0; k < in[1].type.dims[0]; k++) {
        int64_t id = get_int(&in[1], k);
        if (id < 0 || (uint64_t)id >= n) continue;
        uint64_t to = (uint64_t)id;
        if (op->reduce == AY_WORK_REDUCE_NONE)
            put_bits(out, to, bits_at(&in[2], k));
        else if (out->type.dtype == AY_WORK_DTYPE_F32)
            put(out, to, merge_f32(op->reduce, get(out, to), get(&in[2], k)));
        else
            put_bits(out, to,
                     ay_dtype_narrow(out->type.dtype,
                                     ay_ref_reduce_int((enum ay_work_reduce)op->reduce,
                                                       get_int(out, to), get_int(&in[2], k))));
    }
}

void ay_truth_run(const struct ay_work_program *program, uint32_t index, uint32_t length,
                  uint8_t *const *values)
{
    const struct ay_op_shape shape = ay_arbiter_shape(program, index, length);
    const struct ay_work_op *op = shape.op;
    struct view in[AY_MAX_WORK_OP_IN], out = {shape.out, values[ay_program_output(program, index)]};
    for (uint32_t i = 0; i < op->in_count; i++)
        in[i] = (struct view){shape.in[i], values[op->in[i]]};
    switch ((enum ay_work_op_kind)op->kind) {
    case AY_WORK_OP_GATHER: run_gather(op, in, &out); return;
    case AY_WORK_OP_MAP: run_map(&shape, in, &out); return;
    case AY_WORK_OP_MATMUL: run_matmul(in, &out); return;
    case AY_WORK_OP_REDUCE: run_reduce(op, in, &out); return;
    case AY_WORK_OP_PERMUTE: run_permute(&shape, in, &out); return;
    case AY_WORK_OP_VIEW: run_view(&shape, in, &out); return;
    case AY_WORK_OP_CONCAT: run_concat(op, in, &out); return;
    case AY_WORK_OP_SCATTER: run_scatter(op, in, &out); return;
    case AY_WORK_OP_MATMUL_Q8: run_matmul_q8(in, &out); return;
    case AY_WORK_OP_NONE: break;
    }
    ay_panic(__FILE__, __LINE__, "no such op");
}
