#include "tensor/plan_impl.h"

#include "tensor/ref/fn.h"

static void find_last_uses(struct planner *pl)
{
    struct ay_plan *plan = pl->plan;
    for (uint32_t s = 0; s < plan->step_count; s++)
        for (uint32_t i = 0; i < plan->steps[s].count; i++) {
            uint32_t index = plan->order[plan->steps[s].first + i];
            const struct ay_work_op *op = op_of(pl, index);
            /* What is joined is needed as long as a part of it is made, though none may read it. */
            plan->places[plan->places[ay_program_output(pl->p, index)].owner].last_use = s;
            for (uint32_t k = 0; k < op->in_count; k++) {
                uint32_t owner = plan->places[op->in[k]].owner;
                plan->places[owner].last_use = s;
                pl->dying[owner] = i;
            }
        }
    for (uint32_t i = 0; i < ay_program_outputs(pl->p); i++) {
        uint32_t id = ay_program_output_at(pl->p, i);
        struct ay_place *at = &plan->places[plan->places[id].owner];
        at->last_use = AY_NONE;
        if (!pl->fuse || at->owner != id || at->home != AY_HOME_BUFFER) continue;
        at->home = AY_HOME_OUTPUT;
        at->slot = i;
    }
}

/* First-fit slots of scratch of equal width; `taken` marks those in use. */
struct slots {
    uint32_t *size; /* width of each slot */
    bool *taken;
    uint32_t first, count;
};

static uint32_t take_slot(struct slots *s, uint32_t size)
{
    uint32_t i = 0;
    while (i < s->count && (s->taken[s->first + i] || s->size[s->first + i] != size)) i++;
    if (i == s->count) s->size[s->first + s->count++] = size;
    s->taken[s->first + i] = true;
    return i;
}

/* Gives back the scratch of what op `i` of the step is the last to read. */
static void release(struct planner *pl, uint32_t index, uint32_t i, struct slots *slots)
{
    struct ay_plan *plan = pl->plan;
    const struct ay_work_op *op = op_of(pl, plan->order[plan->steps[index].first + i]);
    for (uint32_t k = 0; k < op->in_count; k++) {
        uint32_t owner = plan->places[op->in[k]].owner;
        const struct ay_place *in = &plan->places[owner];
        if (in->home == AY_HOME_SCRATCH && pl->dying[owner] == i)
            slots->taken[slots->first + in->slot] = false;
    }
}

/* Whether the op may overwrite what it reads: element by element, and no parts of it. */
static bool is_in_place(const struct planner *pl, const struct ay_work_op *op)
{
    for (uint32_t k = 0; k < op->in_count; k++)
        if (pl->plan->places[op->in[k]].home == AY_HOME_ALIAS) return false;
    return op->kind == AY_WORK_OP_MAP;
}

/* Values made and used up within one step need only the rows at hand. */
static void place_scratch(struct planner *pl, uint32_t index, bool *taken)
{
    struct ay_plan *plan = pl->plan;
    struct ay_step *step = &plan->steps[index];
    struct slots slots = {plan->scratch, taken, plan->scratch_count, 0};
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t op_index = plan->order[step->first + i];
        struct ay_place *at = &plan->places[ay_program_output(pl->p, op_index)];
        bool in_place = is_in_place(pl, op_of(pl, op_index));
        if (in_place) release(pl, index, i, &slots);
        if (at->home == AY_HOME_BUFFER && at->last_use == index) {
            at->home = AY_HOME_SCRATCH;
            at->slot = take_slot(&slots, at->shape[at->rank - 1]);
        }
        if (!in_place) release(pl, index, i, &slots);
    }
    step->slot_first = slots.first;
    step->slot_count = slots.count;
    plan->scratch_count += slots.count;
}

/* Of such a step only the last value is stored. */
static void place_tiles(struct planner *pl, uint32_t index)
{
    const struct ay_step *step = &pl->plan->steps[index];
    for (uint32_t i = 0; i + 1 < step->count; i++) {
        uint32_t op = pl->plan->order[step->first + i];
        pl->plan->places[ay_program_output(pl->p, op)].home = AY_HOME_FUSED;
    }
}

/* The operand whose memory the value may take over: it is made by a lone MAP, element by element
 * of an operand as large that is needed no more. */
static uint32_t taken_over(const struct planner *pl, uint32_t id)
{
    const struct ay_plan *plan = pl->plan;
    const struct ay_place *at = &plan->places[id];
    const struct ay_step *step = &plan->steps[at->step];
    const struct ay_work_op *op = op_of(pl, plan->order[step->first]);
    if (!pl->fuse || step->count != 1 || at->scattered || !is_in_place(pl, op)) return AY_NONE;
    for (uint32_t k = 0; k < op->in_count; k++) {
        const struct ay_place *in = &plan->places[op->in[k]];
        if (in->home == AY_HOME_BUFFER && in->last_use == at->step && in->rank == at->rank &&
            same(in->shape, at->shape, at->rank) &&
            ay_dtype_bytes(in->dtype) == ay_dtype_bytes(at->dtype))
            return op->in[k];
    }
    return AY_NONE;
}

/* Buffers live from the step that makes them to the last that reads them. */
static void place_buffers(struct planner *pl, bool *taken)
{
    struct ay_plan *plan = pl->plan;
    uint32_t *born = pl->uses, *dead = pl->roles; /* lists of values by step, through next_* */
    uint32_t *next_born = born + plan->values, *next_dead = dead + plan->values;
    for (uint32_t s = 0; s < plan->step_count; s++) born[s] = dead[s] = AY_NONE;
    for (uint32_t id = plan->values; id-- > ay_program_output(pl->p, 0);) {
        struct ay_place *at = &plan->places[id];
        if (at->home != AY_HOME_BUFFER) continue;
        at->over = taken_over(pl, id);
        if (at->over != AY_NONE) taken[at->over] = true;
        next_born[id] = born[at->born];
        born[at->born] = id;
        if (at->last_use == AY_NONE || !pl->fuse) continue;
        next_dead[id] = dead[at->last_use];
        dead[at->last_use] = id;
    }
    for (uint32_t s = 0; s < plan->step_count; s++) {
        for (uint32_t id = born[s]; id != AY_NONE; id = next_born[id]) {
            plan->places[id].slot = plan->buffer_count;
            plan->births[plan->buffer_count++] = id;
        }
        for (uint32_t id = dead[s]; id != AY_NONE; id = next_dead[id])
            if (!taken[id]) plan->deaths[plan->death_count++] = id;
    }
}

static bool constant(uint32_t dim)
{
    return !(dim & AY_DIM_SYMBOL);
}

/* Whether operand k of the op is the same for every row, or row for row beside the output's. */
static bool operand_is_flat(const struct planner *pl, const struct ay_work_op *op, uint32_t k)
{
    const struct ay_place *in = &pl->plan->places[op->in[k]];
    bool b = k > 0 && (op->kind == AY_WORK_OP_MATMUL || op->kind == AY_WORK_OP_MATMUL_Q8);
    if (in->home == AY_HOME_WEIGHT) {
        if (b || op->kind != AY_WORK_OP_MAP) return b && in->rank == 2;
        for (uint32_t i = 0; i + 1 < in->rank; i++)
            if (in->shape[i] != 1) return false;
        return true;
    }
    return !b && in->home != AY_HOME_INPUT && in->home != AY_HOME_OUTPUT &&
           in->home != AY_HOME_ALIAS && in->rank == op->dims_count &&
           same(in->shape, op->dims, in->rank - 1) && constant(in->shape[in->rank - 1]);
}

static bool is_flat(const struct planner *pl, const struct ay_step *step)
{
    if (step->kind != AY_STEP_ROWS) return false;
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t index = pl->plan->order[step->first + i];
        const struct ay_work_op *op = op_of(pl, index);
        if (!constant(op->dims[op->dims_count - 1])) return false;
        enum ay_home home = pl->plan->places[ay_program_output(pl->p, index)].home;
        if (home == AY_HOME_ALIAS || home == AY_HOME_OUTPUT) return false;
        for (uint32_t k = 0; k < op->in_count; k++)
            if (!operand_is_flat(pl, op, k)) return false;
        for (uint32_t k = 0; k < op->steps_count; k++)
            for (uint32_t a = 0; a < op->steps[k].args_count; a++)
                if (op->steps[k].args[a] >> 24 == AY_MAP_DIM) return false;
    }
    return true;
}

static bool is_one_row(const struct ay_place *at)
{
    for (uint32_t i = 0; i + 1 < at->rank; i++)
        if (at->shape[i] != 1) return false;
    return true;
}

/* Whether the rows of operand k follow each other as those of the op do, through all its batches;
 * or it is the same for every row. */
static bool operand_merges(const struct planner *pl, const struct ay_work_op *op, uint32_t k)
{
    const struct ay_place *in = &pl->plan->places[op->in[k]];
    if (k > 0 && op->kind != AY_WORK_OP_MAP) return in->rank == 2;
    return is_one_row(in) || (ay_place_is_in_order(in) && in->rank == op->dims_count &&
                              same(in->shape, op->dims, in->rank - 1));
}

static bool is_merged(const struct planner *pl, const struct ay_step *step)
{
    if (step->kind != AY_STEP_ROWS) return false;
    for (uint32_t i = 0; i < step->count; i++) {
        uint32_t index = pl->plan->order[step->first + i];
        const struct ay_work_op *op = op_of(pl, index);
        if (!ay_place_is_contiguous(&pl->plan->places[ay_program_output(pl->p, index)]))
            return false;
        for (uint32_t k = 0; k < op->in_count; k++)
            if (!operand_merges(pl, op, k)) return false;
    }
    return true;
}

void ay_plan_place(struct planner *pl, bool *taken)
{
    struct ay_plan *plan = pl->plan;
    for (uint32_t id = 0; id < plan->values; id++)
        plan->places[id].last_use = plan->places[id].step;
    find_last_uses(pl);
    for (uint32_t s = 0; pl->fuse && s < plan->step_count; s++) {
        if (plan->steps[s].kind == AY_STEP_ROWS)
            place_scratch(pl, s, taken);
        else if (plan->steps[s].kind != AY_STEP_EACH)
            place_tiles(pl, s);
    }
    for (uint32_t i = 0; i < plan->values; i++) taken[i] = false;
    place_buffers(pl, taken);
    for (uint32_t s = 0; s < plan->step_count; s++) {
        plan->steps[s].flat = is_flat(pl, &plan->steps[s]);
        plan->steps[s].merged = is_merged(pl, &plan->steps[s]);
    }
}
