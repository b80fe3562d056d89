/* Operations that reduce: products of rows, and along an axis. */
#include "tensor/tape_impl.h"

#include "tensor/ref/float.h"

static bool is_product(const struct ay_value *a, const struct ay_value *b)
{
    bool shapes = a->rank >= 2 && (b->rank == 2 || b->rank == a->rank) &&
                  a->dims[a->rank - 1] == b->dims[b->rank - 1];
    for (uint32_t d = 0; shapes && b->rank > 2 && d + 2 < a->rank; d++)
        shapes = a->dims[d] == b->dims[d];
    return shapes;
}

static const struct ay_value *product(struct ay_tape *tape, uint32_t kind, uint32_t dtype,
                                      const struct ay_value *a, const struct ay_value *b,
                                      const struct ay_value *scale)
{
    uint64_t dims[AY_MAX_RANK];
    memcpy(dims, a->dims, sizeof dims);
    dims[a->rank - 1] = b->dims[b->rank - 2];
    if (a->dims[a->rank - 1] == 0) return ay_tape_filled(tape, dtype, a->rank, dims, 0);
    /* Rows are rows, however they are counted. */
    const struct ay_value *rows = ay_tape_below(tape, a);
    bool same =
        b->rank == 2 && rows->rank >= 2 && rows->dims[rows->rank - 1] == a->dims[a->rank - 1];
    if (!same) rows = a;
    uint64_t own[AY_MAX_RANK];
    memcpy(own, rows->dims, sizeof own);
    own[rows->rank - 1] = b->dims[b->rank - 2];
    const uint32_t in[] = {rows->id, b->id, scale ? scale->id : 0};
    struct ay_work_op op = {.kind = kind, .in = in, .in_count = scale ? 3 : 2};
    const struct ay_value *out = ay_tape_op(tape, &op, AY_WORK_FN_NONE, dtype, rows->rank, own);
    return ay_tape_reshape(tape, out, a->rank, dims);
}

const struct ay_value *ay_tape_matmul(struct ay_tape *tape, const struct ay_value *a,
                                      const struct ay_value *b)
{
    if (tape->code != AY_OK || !a || !b) return NULL;
    bool f32 = a->dtype == AY_WORK_DTYPE_F32;
    bool ints = a->dtype != AY_WORK_DTYPE_I64 && b->dtype != AY_WORK_DTYPE_I64;
    if (f32 != (b->dtype == AY_WORK_DTYPE_F32) || (!f32 && !ints) || !is_product(a, b))
        return ay_tape_fail(tape, AY_E_FORMAT, "matrices do not go together");
    return product(tape, AY_WORK_OP_MATMUL, f32 ? AY_WORK_DTYPE_F32 : AY_WORK_DTYPE_I32, a, b,
                   NULL);
}

const struct ay_value *ay_tape_matmul_q8(struct ay_tape *tape, const struct ay_value *a,
                                         const struct ay_value *w, const struct ay_value *d)
{
    if (tape->code != AY_OK || !a || !w || !d) return NULL;
    bool fits = a->dtype == AY_WORK_DTYPE_F32 && w->dtype == AY_WORK_DTYPE_I8 && w->rank == 2 &&
                d->dtype == AY_WORK_DTYPE_F32 && d->rank == 2 && is_product(a, w) &&
                d->dims[0] == w->dims[0] && d->dims[1] == (w->dims[1] + 31) / 32;
    if (!fits) return ay_tape_fail(tape, AY_E_FORMAT, "quantised matrices do not go together");
    return product(tape, AY_WORK_OP_MATMUL_Q8, AY_WORK_DTYPE_F32, a, w, d);
}

/* What a reduction over nothing gives, as bits; the tape fails for an index. */
static uint64_t of_nothing(struct ay_tape *tape, enum ay_work_reduce reduce, uint32_t dtype)
{
    bool f32 = dtype == AY_WORK_DTYPE_F32,
         sign = dtype != AY_WORK_DTYPE_U8 && dtype != AY_WORK_DTYPE_BOOL;
    uint64_t top = dtype == AY_WORK_DTYPE_BOOL ? 1 : 1ull << (8 * ay_dtype_bytes(dtype) - 1);
    switch (reduce) {
    case AY_WORK_REDUCE_PROD: return f32 ? ay_f32_bits(1) : 1;
    case AY_WORK_REDUCE_MAX: return f32 ? AY_NEG_INF_BITS : sign ? top : 0;
    case AY_WORK_REDUCE_MIN:
        if (dtype == AY_WORK_DTYPE_BOOL) return 1;
        return f32 ? AY_NEG_INF_BITS ^ 0x80000000u : sign ? top - 1 : 2 * top - 1;
    case AY_WORK_REDUCE_ARGMAX:
    case AY_WORK_REDUCE_ARGMIN:
        (void)ay_tape_fail(tape, AY_E_RANGE, "index of an extreme of nothing");
        return 0;
    case AY_WORK_REDUCE_NONE:
    case AY_WORK_REDUCE_SUM:
    case AY_WORK_REDUCE_SUMSQ: break;
    }
    return 0;
}

const struct ay_value *ay_tape_reduce(struct ay_tape *tape, enum ay_work_reduce reduce,
                                      const struct ay_value *x, uint32_t axis)
{
    if (tape->code != AY_OK || !x) return NULL;
    AY_ASSERT(axis < x->rank);
    bool index = reduce == AY_WORK_REDUCE_ARGMAX || reduce == AY_WORK_REDUCE_ARGMIN;
    bool any = index || reduce == AY_WORK_REDUCE_MAX || reduce == AY_WORK_REDUCE_MIN;
    if (!any && x->dtype != AY_WORK_DTYPE_F32 && x->dtype != AY_WORK_DTYPE_I32 &&
        x->dtype != AY_WORK_DTYPE_I64)
        return ay_tape_fail(tape, AY_E_FORMAT, "sum or product of %s", ay_dtype_name(x->dtype));
    uint64_t dims[AY_MAX_RANK], n = x->dims[axis];
    uint32_t dtype = index ? AY_WORK_DTYPE_I64 : x->dtype;
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = 1;
    if (n == 0)
        return ay_tape_filled(tape, dtype, x->rank, dims, of_nothing(tape, reduce, x->dtype));
    /* Of a reshape that keeps the axis it is the reduction that is reshaped. */
    const struct ay_value *from = ay_tape_below(tape, x);
    uint32_t own = axis;
    if (from != x && !ay_value_same_axis(x, axis, from, &own)) from = x;
    uint64_t own_dims[AY_MAX_RANK];
    memcpy(own_dims, from->dims, sizeof own_dims);
    own_dims[own] = 1;
    struct ay_work_op op = {
        .kind = AY_WORK_OP_REDUCE, .reduce = reduce, .axis = own, .in = &from->id, .in_count = 1};
    const struct ay_value *out =
        ay_tape_op(tape, &op, AY_WORK_FN_NONE, dtype, from->rank, own_dims);
    return ay_tape_reshape(tape, out, x->rank, dims);
}
