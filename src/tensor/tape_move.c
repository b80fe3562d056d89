/* Operations that move elements and change none. */
#include "tensor/tape_impl.h"

bool ay_value_same_axis(const struct ay_value *x, uint32_t axis, const struct ay_value *below,
                        uint32_t *out)
{
    uint64_t before = 1, n = 1;
    for (uint32_t d = 0; d < axis; d++) before *= x->dims[d];
    for (uint32_t d = 0; d < below->rank && n <= before; n *= below->dims[d++])
        if (n == before && below->dims[d] == x->dims[axis]) {
            *out = d;
            return true;
        }
    return false;
}

/* Axes of a PERMUTE's operand that stay neighbours in its result, those of size 1 left out. */
struct run {
    uint32_t first, last;
    uint64_t size;
};

static uint32_t runs_of(const struct ay_work_op *permute, struct run runs[AY_MAX_RANK])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < permute->perm_count; i++) {
        uint32_t a = permute->perm[i], next = count ? runs[count - 1].last + 1 : 0;
        if (permute->view[a] == 1) continue;
        while (next < a && permute->view[next] == 1) next++;
        if (count == 0 || next != a) runs[count++] = (struct run){a, a, 1};
        runs[count - 1].last = a;
        runs[count - 1].size *= permute->view[a];
    }
    return count;
}

/* The PERMUTE as one whose result has these dims, as many elements: its operand then has as many
 * axes. False where a dim would be of axes that come together by it, or there are no elements. */
static bool restate(const struct ay_work_op *permute, uint32_t rank, const uint64_t *dims,
                    uint32_t view[AY_MAX_RANK], uint32_t perm[AY_MAX_RANK])
{
    struct run runs[AY_MAX_RANK];
    uint32_t count = runs_of(permute, runs), at = 0, of[AY_MAX_RANK], axis = 0;
    if (count == 0) return false;
    uint64_t left = runs[0].size;
    for (uint32_t d = 0; d < rank; d++) {
        if (dims[d] > 1 && left == 1 && at + 1 < count) left = runs[++at].size;
        if (dims[d] == 0 || left % dims[d] != 0) return false;
        left /= dims[d];
        of[d] = at;
    }
    for (uint32_t a = 0; a < permute->view_count; a++)
        for (uint32_t d = 0; d < rank; d++) {
            if (runs[of[d]].first != a) continue;
            view[axis] = (uint32_t)dims[d];
            perm[d] = axis++;
        }
    return true;
}

const struct ay_value *ay_tape_reshape(struct ay_tape *tape, const struct ay_value *x,
                                       uint32_t rank, const uint64_t *dims)
{
    uint64_t n = 1;
    if (tape->code != AY_OK || !x || !ay_tape_shape(tape, rank, dims)) return NULL;
    for (uint32_t i = 0; i < rank; i++) n *= dims[i];
    if (n != ay_value_elements(x))
        return ay_tape_fail(tape, AY_E_FORMAT, "reshape of %llu elements to %llu",
                            (unsigned long long)ay_value_elements(x), (unsigned long long)n);
    if (ay_value_same_dims(x, rank, dims)) return x;
    if (x->data) return ay_tape_seen(tape, x, rank, dims);
    x = ay_tape_below(tape, x);
    if (ay_value_same_dims(x, rank, dims)) return x;
    const struct ay_node *node = ay_tape_node(tape, x);
    bool moves = node->kind == AY_NODE_OP &&
                 (node->op.kind == AY_WORK_OP_PERMUTE || node->op.kind == AY_WORK_OP_VIEW);
    /* These state the dims of their result as they like. */
    if (moves) {
        uint32_t view[AY_MAX_RANK], perm[AY_MAX_RANK];
        struct ay_work_op op = node->op;
        if (op.kind == AY_WORK_OP_PERMUTE && restate(&node->op, rank, dims, view, perm)) {
            op.view = view;
            op.perm = perm;
            op.view_count = op.perm_count = rank;
        }
        return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, rank, dims);
    }
    return ay_tape_seen(tape, x, rank, dims);
}

const struct ay_node *ay_tape_turned(const struct ay_tape *tape, const struct ay_value *x)
{
    const struct ay_node *n = ay_tape_node(tape, x);
    if (n->kind != AY_NODE_OP || n->op.kind != AY_WORK_OP_PERMUTE || x->data ||
        x->dtype != AY_WORK_DTYPE_F32 || n->op.perm_count != x->rank)
        return NULL;
    for (uint32_t i = 0; i < x->rank; i++)
        if (x->dims[i] != n->op.view[n->op.perm[i]]) return NULL;
    return n;
}

const struct ay_value *ay_tape_unturned(struct ay_tape *tape, const struct ay_node *node)
{
    uint64_t dims[AY_MAX_RANK] = {0};
    for (uint32_t i = 0; i < node->op.view_count; i++) dims[i] = node->op.view[i];
    return ay_tape_reshape(tape, &tape->nodes[node->op.in[0]]->value, node->op.view_count, dims);
}

const struct ay_value *ay_tape_permute(struct ay_tape *tape, const struct ay_value *x,
                                       const uint32_t *perm)
{
    if (tape->code != AY_OK || !x) return NULL;
    const struct ay_node *turned = ay_tape_turned(tape, x);
    if (turned) { /* twice is once */
        uint32_t both[AY_MAX_RANK] = {0};
        for (uint32_t i = 0; i < x->rank; i++) both[i] = turned->op.perm[perm[i]];
        x = ay_tape_unturned(tape, turned);
        return x ? ay_tape_permute(tape, x, both) : NULL;
    }
    uint64_t dims[AY_MAX_RANK] = {0};
    uint32_t view[AY_MAX_RANK], rank = ay_tape_dims(x, view), last = 0, seen = 0;
    bool moves = false; /* of axes of size 1 every order is the same */
    for (uint32_t i = 0; i < x->rank; i++) {
        AY_ASSERT(perm[i] < x->rank);
        seen |= 1u << perm[i];
        dims[i] = x->dims[perm[i]];
        if (dims[i] == 1) continue;
        moves = moves || perm[i] < last;
        last = perm[i];
    }
    AY_ASSERT(seen + 1 == 1u << x->rank);
    if (!moves) return ay_tape_reshape(tape, x, x->rank, dims);
    struct ay_work_op op = {.kind = AY_WORK_OP_PERMUTE, .view = view, .view_count = rank};
    op.in = &ay_tape_below(tape, x)->id;
    op.in_count = 1;
    op.perm = perm;
    op.perm_count = rank;
    return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, x->rank, dims);
}

/* Whether windows slide along an axis: two of the grid's move along it. */
static bool slides(const struct ay_tape_view *v, uint32_t axes)
{
    for (uint32_t a = 0; a < axes; a++) {
        uint32_t along = 0;
        for (uint32_t d = 0; d < v->grid_rank; d++) along += v->coefs[a][d] != 0;
        if (along > 1) return true;
    }
    return false;
}

/* Of more than one element, the last. */
static uint32_t last_axis(const uint32_t *dims, uint32_t rank)
{
    uint32_t last = rank - 1;
    while (last > 0 && dims[last] == 1) last--;
    return last;
}

/* Windows over a PERMUTE are windows over its operand, where what was one after the other still is:
 * images of a batch, whose products have channels first, are not put in order for the next ones. The
 * operand, and the view of it in *out; NULL where it is no such PERMUTE. */
static const struct ay_value *windows_before(struct ay_tape *tape, const struct ay_value *x,
                                             const struct ay_tape_view *v, struct ay_tape_view *out)
{
    const struct ay_node *below = ay_tape_node(tape, ay_tape_below(tape, x));
    if (x->data || below->kind != AY_NODE_OP || below->op.kind != AY_WORK_OP_PERMUTE ||
        !slides(v, v->view_rank ? v->view_rank : x->rank))
        return NULL;
    if (v->view_rank) x = ay_tape_reshape(tape, x, v->view_rank, v->view);
    const struct ay_node *turned = x ? ay_tape_turned(tape, x) : NULL;
    if (!turned) return NULL;
    uint32_t dims[AY_MAX_RANK], rank = ay_tape_dims(x, dims);
    if (turned->op.perm[last_axis(dims, rank)] != last_axis(turned->op.view, rank)) return NULL;
    *out = *v;
    out->view_rank = rank;
    for (uint32_t a = 0; a < rank; a++) {
        uint32_t own = turned->op.perm[a];
        out->view[own] = dims[a];
        out->offsets[own] = v->offsets[a];
        memcpy(out->coefs[own], v->coefs[a], sizeof v->coefs[a]);
    }
    return ay_tape_unturned(tape, turned);
}

const struct ay_value *ay_tape_view(struct ay_tape *tape, const struct ay_value *x,
                                    const struct ay_tape_view *v, uint32_t rank,
                                    const uint64_t *dims)
{
    struct ay_tape_view before;
    if (tape->code != AY_OK || !x) return NULL;
    const struct ay_value *operand = windows_before(tape, x, v, &before);
    if (tape->code != AY_OK) return NULL;
    if (operand) return ay_tape_view(tape, operand, &before, rank, dims);
    uint32_t view[AY_MAX_RANK], grid[AY_MAX_WORK_OP_GRID], n = v->view_rank, g = v->grid_rank;
    int64_t coefs[AY_MAX_WORK_OP_COEFS];
    uint64_t elements = 1, out = 1;
    if (!ay_tape_shape(tape, rank, dims)) return NULL;
    for (uint32_t d = 0; d < rank; d++) out *= dims[d];
    for (uint32_t d = 0; d < g; d++) {
        elements *= v->grid[d];
        grid[d] = (uint32_t)v->grid[d];
    }
    AY_ASSERT(elements == out);
    /* Of nothing only the fill can be read. */
    if (ay_value_elements(x) == 0) return ay_tape_filled(tape, x->dtype, rank, dims, v->fill);
    if (n == 0) n = ay_tape_dims(x, view);
    for (uint32_t a = 0; a < v->view_rank; a++) view[a] = (uint32_t)v->view[a];
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t d = 0; d < g; d++) coefs[a * g + d] = v->coefs[a][d];
    struct ay_work_op op = {
        .kind = AY_WORK_OP_VIEW, .in = &ay_tape_below(tape, x)->id, .in_count = 1};
    op.view = view;
    op.offsets = v->offsets;
    op.view_count = op.offsets_count = n;
    op.grid = grid;
    op.grid_count = g;
    op.coefs = coefs;
    op.coefs_count = n * g;
    op.fill = v->fill;
    return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, rank, dims);
}

const struct ay_value *ay_tape_slice(struct ay_tape *tape, const struct ay_value *x,
                                     const int64_t *begin, const int64_t *step,
                                     const uint64_t *size, uint64_t fill)
{
    if (tape->code != AY_OK || !x) return NULL;
    struct ay_tape_view v = {.grid_rank = x->rank, .fill = fill};
    bool whole = true;
    for (uint32_t d = 0; d < x->rank; d++) {
        whole = whole && begin[d] == 0 && step[d] == 1 && size[d] == x->dims[d];
        v.grid[d] = size[d];
        v.offsets[d] = begin[d];
        v.coefs[d][d] = step[d];
    }
    return whole ? x : ay_tape_view(tape, x, &v, x->rank, size);
}

const struct ay_value *ay_tape_expand(struct ay_tape *tape, const struct ay_value *x, uint32_t rank,
                                      const uint64_t *dims)
{
    if (tape->code != AY_OK || !x || !ay_tape_shape(tape, rank, dims)) return NULL;
    struct ay_tape_view v = {.grid_rank = rank};
    bool repeats = false, fits = rank >= x->rank;
    for (uint32_t d = 0; d < rank; d++) {
        v.grid[d] = dims[d];
        if (d + x->rank < rank) {
            repeats = repeats || dims[d] != 1;
            continue;
        }
        uint32_t own = d + x->rank - rank;
        fits = fits && (x->dims[own] == dims[d] || x->dims[own] == 1);
        repeats = repeats || x->dims[own] != dims[d];
        v.coefs[own][d] = x->dims[own] == 1 ? 0 : 1;
    }
    if (!fits) return ay_tape_fail(tape, AY_E_FORMAT, "shape does not broadcast to the one wanted");
    return repeats ? ay_tape_view(tape, x, &v, rank, dims) : ay_tape_reshape(tape, x, rank, dims);
}

static const struct ay_value *concat_few(struct ay_tape *tape, const struct ay_value *const *x,
                                         uint32_t count, uint32_t axis)
{
    uint64_t dims[AY_MAX_RANK];
    uint32_t in[AY_MAX_WORK_OP_IN];
    if (count == 1) return x[0];
    memcpy(dims, x[0]->dims, sizeof dims);
    for (uint32_t i = 0; i < count; i++) {
        in[i] = x[i]->id;
        if (i > 0) dims[axis] += x[i]->dims[axis];
    }
    struct ay_work_op op = {.kind = AY_WORK_OP_CONCAT, .in = in, .in_count = count, .axis = axis};
    return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x[0]->dtype, x[0]->rank, dims);
}

/* In place: each round joins runs of operands, until few enough are left for one op. */
static const struct ay_value *concat_tree(struct ay_tape *tape, const struct ay_value **x,
                                          uint32_t count, uint32_t axis)
{
    while (count > AY_MAX_WORK_OP_IN) {
        uint32_t joined = 0;
        for (uint32_t i = 0; i < count; i += AY_MAX_WORK_OP_IN) {
            uint32_t n = count - i < AY_MAX_WORK_OP_IN ? count - i : AY_MAX_WORK_OP_IN;
            const struct ay_value *y = concat_few(tape, x + i, n, axis);
            if (!y) return NULL;
            x[joined++] = y;
        }
        count = joined;
    }
    return concat_few(tape, x, count, axis);
}

/* Whether x is, or is a reshape of, what `below` is, but for the size of one axis. */
static bool beside(const struct ay_tape *tape, const struct ay_value *x, uint64_t size,
                   const struct ay_value *below, uint32_t axis)
{
    const struct ay_value *y = ay_tape_below(tape, x);
    bool same = y->rank == below->rank;
    for (uint32_t d = 0; same && d < y->rank; d++)
        same = y->dims[d] == (d == axis ? size : below->dims[d]);
    return x->data || same;
}

/* Operands that are reshapes are better joined as what lies below them, and the result reshaped:
 * sees all operands as it is below one of them, along the axis given back, where fewer of them have
 * to be moved for that than for joining them as they are. */
static bool concat_below(struct ay_tape *tape, const struct ay_value **x, uint32_t count,
                         uint32_t axis, uint32_t *out)
{
    const struct ay_value *best = NULL;
    uint32_t least = 0;
    for (uint32_t i = 0; i < count; i++) least += ay_tape_below(tape, x[i]) != x[i];
    for (uint32_t i = 0; i < count && i < AY_MAX_WORK_OP_IN; i++) {
        const struct ay_value *below = ay_tape_below(tape, x[i]);
        uint32_t own, moved = 0;
        if (below == x[i] || !ay_value_same_axis(x[i], axis, below, &own)) continue;
        for (uint32_t k = 0; k < count; k++)
            moved += !beside(tape, x[k], x[k]->dims[axis], below, own);
        if (moved > least || (moved == least && (!best || below->rank >= best->rank))) continue;
        least = moved;
        best = below;
        *out = own;
    }
    for (uint32_t i = 0; i < count && best; i++) {
        uint64_t dims[AY_MAX_RANK];
        memcpy(dims, best->dims, sizeof dims);
        dims[*out] = x[i]->dims[axis];
        x[i] = ay_tape_reshape(tape, x[i], best->rank, dims);
    }
    return best != NULL;
}

const struct ay_value *ay_tape_concat(struct ay_tape *tape, const struct ay_value *const *x,
                                      uint32_t count, uint32_t axis)
{
    AY_ASSERT(count > 0);
    if (tape->code != AY_OK || !x[0]) return NULL;
    const struct ay_value **parts = ay_tape_take(tape, count * sizeof *parts);
    if (!parts) return NULL;
    uint32_t n = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool same = x[i] && x[i]->rank == x[0]->rank && x[i]->dtype == x[0]->dtype;
        for (uint32_t d = 0; same && d < x[i]->rank; d++)
            same = d == axis || x[i]->dims[d] == x[0]->dims[d];
        if (!same || axis >= x[0]->rank)
            return ay_tape_fail(tape, AY_E_FORMAT, "operands %u and 0 cannot be joined", i);
        if (x[i]->dims[axis] > 0) parts[n++] = x[i];
        total += x[i]->dims[axis];
    }
    if (n == 0) return x[0];
    uint64_t dims[AY_MAX_RANK];
    uint32_t below_axis;
    memcpy(dims, x[0]->dims, sizeof dims);
    dims[axis] = total;
    if (!concat_below(tape, parts, n, axis, &below_axis)) return concat_tree(tape, parts, n, axis);
    return ay_tape_reshape(tape, concat_tree(tape, parts, n, below_axis), x[0]->rank, dims);
}

const struct ay_value *ay_tape_gather(struct ay_tape *tape, const struct ay_value *x,
                                      const struct ay_value *ids, uint32_t axis)
{
    if (tape->code != AY_OK || !x || !ids) return NULL;
    AY_ASSERT(axis < x->rank);
    AY_ASSERT(ids->dtype == AY_WORK_DTYPE_I32 || ids->dtype == AY_WORK_DTYPE_I64);
    /* Elements by reshaped ids are a reshape of what the ids give. */
    const struct ay_value *below = ay_tape_below(tape, ids);
    if (x->rank == 1 && below != ids && below->rank > 0)
        return ay_tape_reshape(tape, ay_tape_gather(tape, x, below, axis), ids->rank, ids->dims);
    uint32_t rank = 0;
    uint64_t dims[2 * AY_MAX_RANK];
    for (uint32_t d = 0; d < axis; d++) dims[rank++] = x->dims[d];
    for (uint32_t d = 0; d < ids->rank; d++) dims[rank++] = ids->dims[d];
    for (uint32_t d = axis + 1; d < x->rank; d++) dims[rank++] = x->dims[d];
    if (!ay_tape_shape(tape, rank, dims)) return NULL;
    if (x->dims[axis] == 0 && ay_value_elements(ids) > 0)
        return ay_tape_fail(tape, AY_E_RANGE, "gather from an axis without elements");
    if (ids->rank == 0) {
        /* In a program ids are at least (1), and so is the result. */
        uint64_t one[AY_MAX_RANK];
        memcpy(one, x->dims, sizeof one);
        one[axis] = 1;
        ids = ay_tape_reshape(tape, ids, 1, (const uint64_t[]){1});
        struct ay_work_op op = {.kind = AY_WORK_OP_GATHER, .axis = axis, .in_count = 2};
        if (!ids) return NULL;
        op.in = (const uint32_t[]){x->id, ids->id};
        const struct ay_value *out = ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, x->rank, one);
        return ay_tape_reshape(tape, out, rank, dims);
    }
    struct ay_work_op op = {.kind = AY_WORK_OP_GATHER, .axis = axis, .in_count = 2};
    op.in = (const uint32_t[]){x->id, ids->id};
    return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, rank, dims);
}

const struct ay_value *ay_tape_scatter(struct ay_tape *tape, enum ay_work_reduce reduce,
                                       const struct ay_value *x, const struct ay_value *ids,
                                       const struct ay_value *updates)
{
    if (tape->code != AY_OK || !x || !ids || !updates) return NULL;
    uint64_t n = ay_value_elements(ids);
    AY_ASSERT(n == ay_value_elements(updates));
    AY_ASSERT(ids->dtype == AY_WORK_DTYPE_I32 || ids->dtype == AY_WORK_DTYPE_I64);
    if (x->dtype != updates->dtype)
        return ay_tape_fail(tape, AY_E_FORMAT, "updates are %s, not %s",
                            ay_dtype_name(updates->dtype), ay_dtype_name(x->dtype));
    if (n == 0) return x;
    ids = ay_tape_reshape(tape, ids, 1, &n);
    updates = ay_tape_reshape(tape, updates, 1, &n);
    if (!ids || !updates) return NULL;
    struct ay_work_op op = {.kind = AY_WORK_OP_SCATTER, .reduce = reduce, .in_count = 3};
    op.in = (const uint32_t[]){x->id, ids->id, updates->id};
    return ay_tape_op(tape, &op, AY_WORK_FN_NONE, x->dtype, x->rank, x->dims);
}
