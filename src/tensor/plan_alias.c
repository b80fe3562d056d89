/* Ops that move elements, where nothing need be moved. */
#include "tensor/plan_impl.h"

#include "tensor/each.h"

/* Whether MATMULs alone use the value, and can do so by these strides: a row of A is contiguous,
 * and of B either the rows or the columns are. */
static bool strides_suit_users(const struct planner *pl, uint32_t id, const struct ay_place *at)
{
    bool rows = at->axis[at->rank - 1] + 1 == at->rank;
    bool columns = at->rank > 1 && at->axis[at->rank - 2] + 1 == at->rank;
    return !(pl->roles[id] & USED_ELSE) && (rows || (columns && !(pl->roles[id] & USED_AS_A)));
}

/* PERMUTE whose result is its operand read by strides: the view's axes survive one by one. */
static bool alias_result(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    struct ay_place *places = pl->plan->places, at = places[id];
    const struct ay_place *in = &places[op->in[0]];
    if (!ay_place_is_contiguous(in) || op->dims_count != op->view_count) return false;
    at.home = AY_HOME_ALIAS;
    at.owner = in->owner;
    at.offset = in->offset;
    for (uint32_t i = 0; i < op->view_count; i++) {
        if (op->dims[i] != op->view[op->perm[i]]) return false;
        at.axis[i] = op->perm[i];
        at.shape[i] = op->view[i];
    }
    if (!strides_suit_users(pl, id, &at)) return false;
    places[id] = at;
    return true;
}

/* PERMUTE whose operand is written by strides straight into its result: rows stay rows, and it is
 * the operand's one use. */
static bool alias_operand(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    uint32_t in = op->in[0], n = op->view_count;
    if (in < ay_program_output(pl->p, 0) || pl->uses[in] != 1) return false;
    struct ay_place at = pl->plan->places[in];
    const struct ay_work_op *maker = op_of(pl, in - ay_program_output(pl->p, 0));
    if (maker->kind == AY_WORK_OP_REDUCE) return false;
    /* One that an earlier PERMUTE's operand is written to has that for an alias of its own. */
    if (at.owner != in || at.scattered || pl->plan->steps[at.step].kind != AY_STEP_ROWS ||
        at.rank != n || !same(at.shape, op->view, n))
        return false;
    if (op->perm[n - 1] != n - 1) return false;
    at.home = AY_HOME_ALIAS;
    at.owner = id;
    for (uint32_t i = 0; i < n; i++) {
        at.axis[op->perm[i]] = i;
        at.shape[i] = op->view[op->perm[i]];
    }
    pl->plan->places[in] = at;
    pl->plan->places[id].step = pl->plan->places[id].born = at.step;
    pl->plan->places[id].scattered = true;
    return true;
}

/* PERMUTE that keeps the order of its elements: its result is its operand's memory. */
static bool alias_reshape(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    struct ay_place *places = pl->plan->places;
    const struct ay_place *in = &places[op->in[0]];
    if (!ay_place_is_contiguous(in)) return false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < op->view_count; i++) {
        if (op->view[op->perm[i]] == 1) continue;
        if (op->perm[i] < last) return false;
        last = op->perm[i];
    }
    places[id].home = AY_HOME_ALIAS;
    places[id].owner = in->owner;
    places[id].offset = in->offset;
    places[id].scattered = in->scattered;
    return true;
}

/* VIEW of elements that follow each other in its operand; or of some columns of all its rows, where
 * they are used by rows. */
static bool alias_part(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    struct ay_place *places = pl->plan->places;
    const struct ay_place *in = &places[op->in[0]];
    struct ay_each_part part;
    if (!ay_place_is_contiguous(in) || !ay_each_view_part(op, &part)) return false;
    uint32_t last = in->rank - 1;
    bool columns = part.row == in->shape[last] && part.first < part.row &&
                   in->rank == op->dims_count && same(in->shape, op->dims, last) &&
                   !(pl->roles[id] & USED_APART);
    if (part.row > 0 && !columns) return false;
    places[id].home = AY_HOME_ALIAS;
    places[id].owner = in->owner;
    places[id].offset = in->offset + part.first;
    places[id].row = part.row;
    places[id].scattered = in->scattered;
    return true;
}

/* The value whose memory is to become a part of a CONCAT's result: operand k's own, if an op makes
 * it and nothing but that is in it; AY_NONE. */
static uint32_t part_of(const struct planner *pl, const struct ay_work_op *op, uint32_t k)
{
    const struct ay_place *in = &pl->plan->places[op->in[k]];
    const struct ay_place *owner = &pl->plan->places[in->owner];
    uint64_t elements = 1, owned = 1;
    for (uint32_t i = 0; i < in->rank; i++) elements *= in->shape[i];
    for (uint32_t i = 0; i < owner->rank; i++) owned *= owner->shape[i];
    bool whole = elements == owned && in->offset == 0 && ay_place_is_contiguous(in);
    if (!whole || owner->home != AY_HOME_BUFFER || owner->owner != in->owner) return AY_NONE;
    for (uint32_t i = 0; i < k; i++)
        if (pl->plan->places[op->in[i]].owner == in->owner) return AY_NONE;
    return in->owner;
}

/* CONCAT whose operands follow each other in its result: they are made there. */
static bool alias_parts(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    struct ay_place *places = pl->plan->places, *out = &places[id];
    uint32_t parts[AY_MAX_WORK_OP_IN];
    uint64_t offset = 0;
    for (uint32_t d = 0; d < op->dims_count; d++)
        if ((op->dims[d] & AY_DIM_SYMBOL) || (d < op->axis && op->dims[d] != 1)) return false;
    for (uint32_t k = 0; k < op->in_count; k++)
        if ((parts[k] = part_of(pl, op, k)) == AY_NONE) return false;
    out->step = 0;
    for (uint32_t k = 0; k < op->in_count; k++) {
        struct ay_place *part = &places[parts[k]];
        if (part->step > out->step) out->step = part->step;
        if (part->born < out->born) out->born = part->born;
        part->home = AY_HOME_ALIAS;
        part->owner = id;
        part->offset = offset;
        uint64_t elements = 1;
        for (uint32_t i = 0; i < part->rank; i++) elements *= part->shape[i];
        offset += elements;
    }
    out->scattered = true;
    return true;
}

bool ay_plan_alias(struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    if (op->kind == AY_WORK_OP_VIEW) return alias_part(pl, op, id);
    if (op->kind == AY_WORK_OP_CONCAT) return alias_parts(pl, op, id);
    return op->kind == AY_WORK_OP_PERMUTE &&
           (alias_reshape(pl, op, id) || alias_result(pl, op, id) || alias_operand(pl, op, id));
}

void ay_plan_own(struct planner *pl)
{
    struct ay_place *places = pl->plan->places;
    for (uint32_t id = 0; id < pl->plan->values; id++) {
        struct ay_place *at = &places[id];
        while (places[at->owner].owner != at->owner) {
            at->offset += places[at->owner].offset;
            at->owner = places[at->owner].owner;
        }
    }
}
