#include "tensor/lower/terms.h"

#include <stdlib.h>

term ay_term_optional(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                      uint32_t dtype, const char *what)
{
    term x = ay_in(o, i);
    if (x && dtype && x->dtype != dtype)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "%s is %s, not %s", what, ay_dtype_name(x->dtype),
                             ay_dtype_name(dtype));
    return x;
}

term ay_term_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                     uint32_t dtype, const char *what)
{
    if (!ay_in(o, i)) return ay_lower_fail(l, AY_E_FORMAT, "%s is missing", what);
    return ay_term_optional(l, o, i, dtype, what);
}

bool ay_term_rank(const struct ay_lower *l, term x, uint32_t rank, const char *what)
{
    if (!x) return false;
    if (x->rank == rank) return true;
    ay_lower_fail(l, AY_E_FORMAT, "%s has %u dimensions, not %u", what, x->rank, rank);
    return false;
}

bool ay_term_shape(const struct ay_lower *l, term x, uint32_t rank, const uint64_t *dims,
                   const char *what)
{
    if (!ay_term_rank(l, x, rank, what)) return false;
    for (uint32_t i = 0; i < rank; i++) {
        if (x->dims[i] == dims[i]) continue;
        ay_lower_fail(l, AY_E_FORMAT, "dimension %u of %s is %llu, not %llu", i, what,
                      (unsigned long long)x->dims[i], (unsigned long long)dims[i]);
        return false;
    }
    return true;
}

const float *ay_term_floats(const struct ay_lower *l, term x, const char *what)
{
    x = ay_tape_need(l->tape, x, what);
    if (!x) return NULL;
    if (x->dtype == F32) return (const float *)x->data;
    ay_lower_fail(l, AY_E_UNSUPPORTED, "%s is %s, not f32", what, ay_dtype_name(x->dtype));
    return NULL;
}

int64_t ay_term_scalar(const struct ay_lower *l, term x, const char *what)
{
    int64_t value = 0;
    if (x && ay_lower_ints(l, x, what, &value, 1) != 1)
        ay_lower_fail(l, AY_E_FORMAT, "%s is not one number", what);
    return value;
}

uint32_t ay_term_dtype(const struct ay_lower *l, int64_t onnx, const char *what)
{
    /* by the numbers of onnx.TensorProto.DataType */
    static const struct {
        int64_t onnx;
        uint32_t dtype;
    } types[] = {{1, F32},  {2, U8},   {3, I8},   {6, I32}, {7, I64},
                 {9, BOOL}, {10, F32}, {11, F32}, {16, F32}}; /* f16, f64, bf16 are kept as f32 */
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].onnx == onnx) return types[i].dtype;
    ay_lower_fail(l, AY_E_UNSUPPORTED, "%s: element type %lld is none of ours", what,
                  (long long)onnx);
    return 0;
}

term *ay_term_list(const struct ay_lower *l, uint64_t count)
{
    if (count > AY_MAX_UNROLLED) {
        ay_lower_fail(l, AY_E_LIMIT, "more than %u steps", AY_MAX_UNROLLED);
        return NULL;
    }
    term *list = calloc(count ? count : 1, sizeof *list);
    if (!list) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    return list;
}

term ay_term_part(const struct ay_lower *l, term x, uint32_t axis, uint64_t begin, uint64_t size)
{
    if (!x) return NULL;
    AY_ASSERT(axis < x->rank && begin <= x->dims[axis] && size <= x->dims[axis] - begin);
    if (size == x->dims[axis]) return x;
    int64_t begins[AY_MAX_RANK] = {0}, steps[AY_MAX_RANK];
    uint64_t sizes[AY_MAX_RANK];
    for (uint32_t i = 0; i < x->rank; i++) {
        steps[i] = 1;
        sizes[i] = x->dims[i];
    }
    begins[axis] = (int64_t)begin;
    sizes[axis] = size;
    return ay_tape_slice(l->tape, x, begins, steps, sizes, 0);
}

term ay_term_at(const struct ay_lower *l, term x, uint32_t axis, uint64_t i)
{
    x = ay_term_part(l, x, axis, i, 1);
    if (!x) return NULL;
    uint64_t dims[AY_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t d = 0; d < x->rank; d++)
        if (d != axis) dims[rank++] = x->dims[d];
    return reshape(l, x, rank, dims);
}

term ay_term_insert(const struct ay_lower *l, term x, uint32_t axis)
{
    if (!x) return NULL;
    AY_ASSERT(axis <= x->rank);
    if (x->rank == AY_MAX_RANK)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "more than %d dimensions", AY_MAX_RANK);
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d <= x->rank; d++)
        dims[d] = d < axis ? x->dims[d] : d == axis ? 1 : x->dims[d - 1];
    return reshape(l, x, x->rank + 1, dims);
}

term ay_term_move(const struct ay_lower *l, term x, uint32_t from, uint32_t to)
{
    if (!x || from == to) return x;
    AY_ASSERT(from < x->rank && to < x->rank);
    uint32_t perm[AY_MAX_RANK];
    for (uint32_t i = 0, next = 0; i < x->rank; i++) {
        if (next == from) next++;
        perm[i] = i == to ? from : next++;
    }
    return permute(l, x, perm);
}

term ay_term_transpose(const struct ay_lower *l, term x)
{
    return x ? ay_term_move(l, x, x->rank - 1, x->rank - 2) : NULL;
}

term ay_term_zeros(const struct ay_lower *l, uint32_t dtype, uint32_t rank, const uint64_t *dims)
{
    void *zeroed;
    return fresh(l, dtype, rank, dims, &zeroed);
}

term ay_term_count(const struct ay_lower *l, uint32_t dtype, uint64_t n)
{
    void *to;
    term x = fresh(l, dtype, SHAPE(n), &to);
    for (uint64_t i = 0; x && i < n; i++) {
        if (dtype == I32)
            ((int32_t *)to)[i] = (int32_t)i;
        else
            ((int64_t *)to)[i] = (int64_t)i;
    }
    return x;
}

term ay_term_reduce_all(const struct ay_lower *l, enum ay_work_reduce kind, term x)
{
    if (!x) return NULL;
    x = reduce(l, kind, reshape(l, x, SHAPE(ay_value_elements(x))), 0);
    return reshape(l, x, 0, NULL);
}

term ay_term_sigmoid(const struct ay_lower *l, term x)
{
    term one = number(l, 1.0F);
    return divide(l, one, add(l, one, function(l, AY_WORK_FN_EXP, function(l, AY_WORK_FN_NEG, x))));
}

term ay_term_softmax(const struct ay_lower *l, term x, uint32_t axis)
{
    term e = function(l, AY_WORK_FN_EXP, sub(l, x, reduce(l, AY_WORK_REDUCE_MAX, x, axis)));
    return divide(l, e, reduce(l, AY_WORK_REDUCE_SUM, e, axis));
}

term ay_term_log1p(const struct ay_lower *l, term u)
{
    /* log(w) u / (w - 1), w = 1 + u: what w loses of u is made up for. Where w is 1 it is u; where
     * u is large it is log(u), for infinity too. */
    term one = number(l, 1), w = add(l, one, u), d = sub(l, w, one);
    term near = mul(l, function(l, AY_WORK_FN_LOG, w), divide(l, u, d));
    term tiny = int_fn(l, AY_WORK_FN_EQ, BOOL, d, number(l, 0));
    term far = less_equal(l, number(l, 0x1p24F), u);
    return choose(l, far, function(l, AY_WORK_FN_LOG, u), choose(l, tiny, u, near));
}
