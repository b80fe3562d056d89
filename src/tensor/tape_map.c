/* Functions of elements: MAPs of one step, which tape_merge.c joins. */
#include "tensor/tape_impl.h"

#include <string.h>

/* Broadcast, as numpy. */
static bool broadcast(struct ay_tape *tape, const struct ay_value *const *x, uint32_t count,
                      uint32_t *rank, uint64_t dims[AY_MAX_RANK])
{
    *rank = 0;
    for (uint32_t i = 0; i < count; i++)
        if (x[i]->rank > *rank) *rank = x[i]->rank;
    for (uint32_t d = 0; d < *rank; d++) dims[d] = 1;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t d = 0; d < x[i]->rank; d++) {
            uint64_t *dim = &dims[*rank - x[i]->rank + d];
            if (*dim == 1) *dim = x[i]->dims[d];
            if (x[i]->dims[d] != 1 && x[i]->dims[d] != *dim) {
                (void)ay_tape_fail(tape, AY_E_FORMAT,
                                   "shapes do not broadcast: %llu elements beside %llu",
                                   (unsigned long long)x[i]->dims[d], (unsigned long long)*dim);
                return false;
            }
        }
    return true;
}

/* The dims that x, which broadcasts to (rank, dims), has where those are seen as base's: false when
 * a dim of base would be repeated in part. Dims of both are walked in groups of equal products. */
static bool translate(const struct ay_value *x, uint32_t rank, const uint64_t *dims,
                      const struct ay_value *base, uint64_t out[AY_MAX_RANK])
{
    for (uint32_t i = 0, j = 0; i < rank || j < base->rank;) {
        uint32_t first = j;
        uint64_t p = i < rank ? dims[i] : 1, q = j < base->rank ? base->dims[j] : 1;
        bool full = true, ones = true;
        uint32_t i_first = i++;
        j++;
        while (p != q) {
            if (p < q)
                p *= dims[i++];
            else
                q *= base->dims[j++];
        }
        for (uint32_t d = i_first; d < i && d < rank; d++) {
            uint64_t own = d + x->rank < rank ? 1 : x->dims[d + x->rank - rank];
            full = full && own == dims[d];
            ones = ones && own == 1;
        }
        if (!full && !ones) return false;
        for (uint32_t d = first; d < j && d < base->rank; d++) out[d] = full ? base->dims[d] : 1;
    }
    return true;
}

/* An operand as it is beside `base`; NULL if as many elements as base has would have to be moved.
 */
static const struct ay_value *beside(struct ay_tape *tape, const struct ay_value *x, uint32_t rank,
                                     const uint64_t *dims, const struct ay_value *base)
{
    uint64_t own[AY_MAX_RANK];
    if (!translate(x, rank, dims, base, own)) return NULL;
    bool small = x->data || ay_value_elements(x) < ay_value_elements(base);
    if (small) return ay_tape_reshape(tape, x, base->rank, own);
    const struct ay_value *under = ay_tape_below(tape, x);
    if (ay_value_same_dims(x, base->rank, own)) return x;
    return ay_value_same_dims(under, base->rank, own) ? under : NULL;
}

/* A function of reshaped values is a reshape of the function, so that reshapes gather where values
 * are moved anyway: of a convolution's result (channels, positions) seen as an image, say. Sets x
 * to the operands before the reshape and returns the value whose dims they then have, or NULL. */
static const struct ay_value *lift(struct ay_tape *tape, const struct ay_value **x, uint32_t count,
                                   uint32_t rank, const uint64_t *dims)
{
    uint64_t elements = 1;
    for (uint32_t d = 0; d < rank; d++) elements *= dims[d];
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_value *base = ay_tape_below(tape, x[i]), *moved[3];
        if (base == x[i] || ay_value_elements(base) != elements) continue;
        uint32_t k = 0;
        while (k < count && (moved[k] = beside(tape, x[k], rank, dims, base))) k++;
        if (k < count) continue;
        for (k = 0; k < count; k++) x[k] = moved[k];
        return base;
    }
    return NULL;
}

/* Known values of more elements are not moved for the sake of those beside them. */
#define MAX_TURNED 65536u

/* What a PERMUTE by `perm` would make x of, beside values of that rank; NULL where elements would
 * have to be moved while a model runs. */
static const struct ay_value *unturned(struct ay_tape *tape, const struct ay_value *x,
                                       uint32_t rank, const uint32_t *perm)
{
    const struct ay_node *node = ay_tape_turned(tape, x);
    if (node && node->op.perm_count == rank &&
        memcmp(node->op.perm, perm, rank * sizeof *perm) == 0)
        return ay_tape_unturned(tape, node);
    uint64_t n = ay_value_elements(x), dims[AY_MAX_RANK];
    if (n != 1 && (!x->data || n > MAX_TURNED)) return NULL;
    uint32_t back[AY_MAX_RANK] = {0};
    for (uint32_t d = 0; d < rank; d++) {
        dims[d] = d + x->rank < rank ? 1 : x->dims[d + x->rank - rank];
        back[perm[d]] = d;
    }
    return ay_tape_permute(tape, ay_tape_reshape(tape, x, rank, dims), back);
}

/* A function of permuted values is likewise a PERMUTE of the function: what is turned over and back
 * around it, as of a convolution whose channels come last, is not turned at all. Sets x to the
 * operands before, and returns the PERMUTE that was theirs, or NULL. */
static const struct ay_node *turn(struct ay_tape *tape, const struct ay_value **x, uint32_t count,
                                  uint32_t rank, const uint64_t *dims)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_node *node = ay_tape_turned(tape, x[i]);
        const struct ay_value *moved[3];
        if (!node || !ay_value_same_dims(x[i], rank, dims)) continue;
        uint32_t k = 0;
        while (k < count && (moved[k] = unturned(tape, x[k], rank, node->op.perm))) k++;
        if (k < count) continue;
        for (k = 0; k < count; k++) x[k] = moved[k];
        return node;
    }
    return NULL;
}

static const struct ay_value *map(struct ay_tape *tape, enum ay_work_fn fn, uint32_t dtype,
                                  const struct ay_value *a, const struct ay_value *b,
                                  const struct ay_value *c)
{
    const struct ay_value *x[3] = {a, b, c};
    uint32_t count = c ? 3 : b ? 2 : 1, rank, in[3];
    uint64_t dims[AY_MAX_RANK];
    if (tape->code != AY_OK || !broadcast(tape, x, count, &rank, dims)) return NULL;
    const struct ay_node *turned =
        dtype == AY_WORK_DTYPE_F32 ? turn(tape, x, count, rank, dims) : NULL;
    if (turned) {
        const struct ay_value *out = map(tape, fn, dtype, x[0], b ? x[1] : NULL, c ? x[2] : NULL);
        return out ? ay_tape_permute(tape, out, turned->op.perm) : NULL;
    }
    const struct ay_value *base = lift(tape, x, count, rank, dims);
    for (uint32_t i = 0; i < count; i++) in[i] = x[i]->id;
    struct ay_work_op op = {.kind = AY_WORK_OP_MAP, .in = in, .in_count = count};
    if (!base) return ay_tape_op(tape, &op, fn, dtype, rank, dims);
    const struct ay_value *out = ay_tape_op(tape, &op, fn, dtype, base->rank, base->dims);
    return ay_tape_reshape(tape, out, rank, dims);
}

/* Whether fn takes integers: TO_FLOAT and those named INT. */
static bool takes_ints(enum ay_work_fn fn)
{
    return fn == AY_WORK_FN_TO_FLOAT || fn >= AY_WORK_FN_INT_SELECT;
}

static bool takes(struct ay_tape *tape, bool ints, const struct ay_value *x)
{
    if (!x || tape->code != AY_OK) return false;
    if ((x->dtype != AY_WORK_DTYPE_F32) == ints) return true;
    (void)ay_tape_fail(tape, AY_E_FORMAT, "operand is %s, not %s", ay_dtype_name(x->dtype),
                       ints ? "an integer" : "f32");
    return false;
}

const struct ay_value *ay_tape_fn1(struct ay_tape *tape, enum ay_work_fn fn,
                                   const struct ay_value *a)
{
    if (!takes(tape, takes_ints(fn), a)) return NULL;
    return map(tape, fn, AY_WORK_DTYPE_F32, a, NULL, NULL);
}

const struct ay_value *ay_tape_fn2(struct ay_tape *tape, enum ay_work_fn fn,
                                   const struct ay_value *a, const struct ay_value *b)
{
    if (!takes(tape, false, a) || !takes(tape, false, b)) return NULL;
    return map(tape, fn, AY_WORK_DTYPE_F32, a, b, NULL);
}

const struct ay_value *ay_tape_int_fn(struct ay_tape *tape, enum ay_work_fn fn, uint32_t dtype,
                                      const struct ay_value *a, const struct ay_value *b)
{
    bool ints = takes_ints(fn), one = fn == AY_WORK_FN_TO_INT;
    if (!takes(tape, ints, a) || (!one && !takes(tape, ints, b))) return NULL;
    return map(tape, fn, dtype, a, one ? NULL : b, NULL);
}

const struct ay_value *ay_tape_select(struct ay_tape *tape, const struct ay_value *condition,
                                      const struct ay_value *a, const struct ay_value *b)
{
    if (!takes(tape, true, condition) || !a || !b) return NULL;
    if (a->dtype != b->dtype)
        return ay_tape_fail(tape, AY_E_FORMAT, "select between %s and %s", ay_dtype_name(a->dtype),
                            ay_dtype_name(b->dtype));
    bool ints = a->dtype != AY_WORK_DTYPE_F32;
    return map(tape, ints ? AY_WORK_FN_INT_SELECT : AY_WORK_FN_SELECT, a->dtype, condition, a, b);
}

const struct ay_value *ay_tape_cast(struct ay_tape *tape, const struct ay_value *x, uint32_t dtype)
{
    if (tape->code != AY_OK || !x || x->dtype == dtype) return tape->code == AY_OK ? x : NULL;
    const struct ay_value *none = ay_tape_int(tape, AY_WORK_DTYPE_I64, 0);
    if (x->dtype != AY_WORK_DTYPE_F32) {
        if (dtype == AY_WORK_DTYPE_F32) return ay_tape_fn1(tape, AY_WORK_FN_TO_FLOAT, x);
        return ay_tape_int_fn(tape, AY_WORK_FN_INT_OR, dtype, x, none);
    }
    if (dtype != AY_WORK_DTYPE_BOOL) return ay_tape_int_fn(tape, AY_WORK_FN_TO_INT, dtype, x, NULL);
    x = ay_tape_int_fn(tape, AY_WORK_FN_EQ, AY_WORK_DTYPE_BOOL, x, ay_tape_f32(tape, 0));
    return ay_tape_int_fn(tape, AY_WORK_FN_INT_EQ, AY_WORK_DTYPE_BOOL, x, none);
}

const struct ay_value *ay_tape_apart(struct ay_tape *tape, const struct ay_value *x)
{
    if (tape->code != AY_OK || !x) return NULL;
    tape->nodes[ay_tape_below(tape, x)->id]->apart = true;
    return x;
}
