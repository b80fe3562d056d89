/* Products of matrices: the second operand's columns become rows, at once where it is known. */
#include "tensor/lower/matmul.h"

#include "tensor/lower/origin.h"

/* i64 has no product of rows: each product by itself, then their sums. */
static term wide_product(const struct ay_lower *l, term a, term b)
{
    if (!a || !b) return NULL;
    term products = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_insert(l, a, a->rank - 1),
                           ay_term_insert(l, b, b->rank - 2));
    if (!products) return NULL;
    uint32_t last = products->rank - 1;
    term sums = reduce(l, AY_WORK_REDUCE_SUM, products, last);
    return reshape(l, sums, last, products->dims);
}

/* Batch dims of both as numpy broadcasts them; false, and a failure, when they do not. */
static bool batch_of(const struct ay_lower *l, term a, term b, uint32_t *rank, uint64_t *dims)
{
    uint32_t m = a->rank - 2, n = b->rank - 2;
    *rank = m > n ? m : n;
    for (uint32_t d = 0; d < *rank; d++) {
        uint64_t p = d + m < *rank ? 1 : a->dims[d + m - *rank];
        uint64_t q = d + n < *rank ? 1 : b->dims[d + n - *rank];
        dims[d] = p == 1 ? q : p;
        if (p == q || p == 1 || q == 1) continue;
        ay_lower_fail(l, AY_E_FORMAT, "batches of %llu and %llu matrices", (unsigned long long)p,
                      (unsigned long long)q);
        return false;
    }
    return true;
}

static term with_batch(const struct ay_lower *l, term x, uint32_t rank, const uint64_t *batch)
{
    uint64_t dims[AY_MAX_RANK];
    if (rank + 2 > AY_MAX_RANK) return ay_lower_fail(l, AY_E_LIMIT, "too many dimensions");
    for (uint32_t d = 0; d < rank; d++) dims[d] = batch[d];
    dims[rank] = x->dims[x->rank - 2];
    dims[rank + 1] = x->dims[x->rank - 1];
    return expand(l, x, rank + 2, dims);
}

term ay_term_rows_product(const struct ay_lower *l, term a, term b)
{
    uint32_t rank;
    uint64_t batch[AY_MAX_RANK];
    if (!a || !b || !batch_of(l, a, b, &rank, batch)) return NULL;
    if (a->dtype == I64 && b->dtype == I64) return wide_product(l, a, b);
    a = with_batch(l, a, rank, batch);
    if (b->rank > 2) b = with_batch(l, b, rank, batch);
    return matmul(l, a, b);
}

term ay_term_numpy_product(const struct ay_lower *l, term a, term b)
{
    if (!a || !b) return NULL;
    if (a->rank == 0 || b->rank == 0 || a->dtype != b->dtype)
        return ay_lower_fail(l, AY_E_FORMAT, "operands are not matrices of one dtype");
    bool row = a->rank == 1, column = b->rank == 1;
    if (row) a = ay_term_insert(l, a, 0);
    b = column ? ay_term_insert(l, b, 0) : ay_term_transpose(l, b);
    if (a && b && a->dims[a->rank - 1] != b->dims[b->rank - 1])
        ay_lower_fail(l, AY_E_FORMAT, "rows of %llu beside columns of %llu",
                      (unsigned long long)a->dims[a->rank - 1],
                      (unsigned long long)b->dims[b->rank - 1]);
    term y = ay_term_rows_product(l, a, b);
    if (!y) return NULL;
    uint64_t dims[AY_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t d = 0; d < y->rank; d++)
        if (!(row && d == y->rank - 2) && !(column && d == y->rank - 1)) dims[rank++] = y->dims[d];
    return reshape(l, y, rank, dims);
}

static void mat_mul(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_qdq_matmul(l, o->in[0], o->in[1]);
    if (!o->out[0]) o->out[0] = ay_term_numpy_product(l, o->in[0], o->in[1]);
}

static term scaled(const struct ay_lower *l, term x, const char *attribute)
{
    float factor = ay_attr_float(l, attribute, 1);
    if (!x || factor == 1.0F) return x;
    if (x->dtype == F32) return mul(l, x, number(l, factor));
    return ay_lower_fail(l, AY_E_UNSUPPORTED, "%s of integers", attribute);
}

/* alpha A B + beta C */
void ay_lower_gemm(const struct ay_lower *l, const struct ay_operands *o)
{
    term a = o->in[0], b = o->in[1], c = ay_in(o, 2);
    if (!ay_term_rank(l, a, 2, "A") || !ay_term_rank(l, b, 2, "B")) return;
    bool plain = !ay_attr_int(l, "transA", 0) && ay_attr_float(l, "alpha", 1) == 1.0F &&
                 ay_attr_float(l, "beta", 1) == 1.0F;
    o->out[0] = plain ? ay_qdq_gemm(l, a, b, ay_attr_int(l, "transB", 0) != 0, c) : NULL;
    if (o->out[0]) return;
    if (ay_attr_int(l, "transA", 0)) a = ay_term_transpose(l, a);
    if (!ay_attr_int(l, "transB", 0)) b = ay_term_transpose(l, b);
    term y = scaled(l, ay_term_rows_product(l, a, b), "alpha");
    if (c) {
        c = scaled(l, c, "beta");
        bool whole = y && y->dtype != F32;
        y = whole ? int_fn(l, AY_WORK_FN_INT_ADD, y->dtype, y, c) : add(l, y, c);
    }
    o->out[0] = y;
}

/* a f32, w i8 (N, K), d f32 (N, blocks of K): a w^T with w in blocks of 32; a list is one row,
 * which the result does not have. */
static void mat_mul_q8(const struct ay_lower *l, const struct ay_operands *o)
{
    term a = ay_term_operand(l, o, 0, F32, "A"), w = ay_term_operand(l, o, 1, I8, "W");
    term d = ay_term_operand(l, o, 2, F32, "scales");
    if (failed(l)) return;
    bool row = a->rank == 1;
    if (row) a = ay_term_insert(l, a, 0);
    term y = ay_tape_matmul_q8(l->tape, a, w, d);
    o->out[0] = y && row ? reshape(l, y, 1, &w->dims[0]) : y;
}

const struct ay_operator ay_lower_matmul[] = {
    {"Einsum", ay_lower_einsum, 1, 255, 1, false},
    {"Gemm", ay_lower_gemm, 2, 3, 1, false},
    {"MatMul", mat_mul, 2, 2, 1, false},
    {"assay:MatMulQ8", mat_mul_q8, 3, 3, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
