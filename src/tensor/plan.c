#include "tensor/plan_impl.h"

#include "tensor/descent.h"
#include "tensor/finish.h"
#include "tensor/map.h"
#include "tensor/patch.h"
#include "tensor/windows.h"

#include <stdlib.h>

uint64_t ay_size_resolve(const struct ay_size *size, const uint32_t *sizes)
{
    uint64_t n = size->number;
    for (uint32_t s = 0; s < AY_MAX_SYMBOLS; s++)
        for (uint32_t i = 0; i < size->symbols[s]; i++) n *= sizes[s];
    return n;
}

static uint32_t size_of(struct ay_plan *plan, const struct ay_tensor_type *t)
{
    struct ay_size size = {.number = ay_dtype_bytes(t->dtype)};
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->dims[i] & AY_DIM_SYMBOL)
            size.symbols[t->dims[i] & ~AY_DIM_SYMBOL]++;
        else
            size.number *= t->dims[i];
    }
    for (uint32_t i = 0; i < plan->size_count; i++)
        if (plan->sizes[i].number == size.number &&
            same(plan->sizes[i].symbols, size.symbols, AY_MAX_SYMBOLS))
            return i;
    plan->sizes[plan->size_count] = size;
    return plan->size_count++;
}

static bool is_f32_chain(const struct planner *pl, const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_MATMUL && pl->plan->places[op->in[0]].dtype == AY_WORK_DTYPE_F32;
}

static bool is_weight_matrix(const struct planner *pl, uint32_t id)
{
    const struct ay_place *at = &pl->plan->places[id];
    return at->home == AY_HOME_WEIGHT && at->rank == 2;
}

/* MATMUL_Q8 of weights: rows of f32 in, rows of f32 out. */
static bool is_row_q8(const struct planner *pl, const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_MATMUL_Q8 && is_weight_matrix(pl, op->in[1]) &&
           is_weight_matrix(pl, op->in[2]);
}

static void place_values(struct planner *pl)
{
    struct ay_plan *plan = pl->plan;
    for (uint32_t id = 0; id < plan->values; id++) {
        struct ay_tensor_type t;
        ay_program_type(pl->p, id, &t);
        struct ay_place *at = &plan->places[id];
        *at = (struct ay_place){.home = AY_HOME_BUFFER,
                                .owner = id,
                                .dtype = t.dtype,
                                .rank = t.rank,
                                .step = AY_NONE,
                                .born = AY_NONE,
                                .size = size_of(plan, &t)};
        if (id < pl->p->inputs_count) {
            at->home = AY_HOME_INPUT;
            at->slot = id;
        } else if (id - pl->p->inputs_count < pl->p->weights_count) {
            at->home = AY_HOME_WEIGHT;
            at->slot = id - pl->p->inputs_count;
        }
        for (uint32_t i = 0; i < t.rank; i++) {
            at->shape[i] = t.dims[i];
            at->axis[i] = i;
        }
    }
}

/* f32 in, f32 out, by functions of f32 alone. */
static bool is_row_map(const struct planner *pl, const struct ay_work_op *op)
{
    for (uint32_t i = 0; i < op->in_count; i++)
        if (pl->plan->places[op->in[i]].dtype != AY_WORK_DTYPE_F32) return false;
    return ay_map_of_f32(op);
}

static bool is_row_reduce(const struct planner *pl, const struct ay_work_op *op)
{
    bool kernel = op->reduce == AY_WORK_REDUCE_SUM || op->reduce == AY_WORK_REDUCE_SUMSQ ||
                  op->reduce == AY_WORK_REDUCE_MAX;
    return kernel && op->axis + 1 == op->dims_count &&
           pl->plan->places[op->in[0]].dtype == AY_WORK_DTYPE_F32;
}

bool ay_plan_product_of_bytes(const struct ay_plan *plan, const struct ay_work_op *op)
{
    if (op->kind == AY_WORK_OP_MATMUL_Q8) return true;
    if (op->kind != AY_WORK_OP_MATMUL) return false;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t dtype = plan->places[op->in[i]].dtype;
        if (dtype != AY_WORK_DTYPE_I8 && dtype != AY_WORK_DTYPE_U8) return false;
    }
    return true;
}

static enum ay_step_kind kind_of(const struct planner *pl, const struct ay_work_op *op)
{
    if (is_row_q8(pl, op)) return AY_STEP_ROWS;
    if (ay_plan_product_of_bytes(pl->plan, op)) return AY_STEP_PRODUCT;
    bool rows = is_f32_chain(pl, op) || (op->kind == AY_WORK_OP_MAP && is_row_map(pl, op)) ||
                (op->kind == AY_WORK_OP_REDUCE && is_row_reduce(pl, op));
    return rows ? AY_STEP_ROWS : AY_STEP_EACH;
}

static void count_uses(struct planner *pl)
{
    for (uint32_t i = 0; i < pl->p->ops_count; i++) {
        const struct ay_work_op *op = op_of(pl, i);
        bool chain = is_f32_chain(pl, op) || is_row_q8(pl, op);
        bool rows = !chain && kind_of(pl, op) == AY_STEP_ROWS;
        for (uint32_t k = 0; k < op->in_count; k++) {
            pl->uses[op->in[k]]++;
            pl->user[op->in[k]] = i;
            if (!rows) pl->roles[op->in[k]] |= USED_APART;
            pl->roles[op->in[k]] |= !chain ? USED_ELSE : k == 0 ? USED_AS_A : USED_AS_B;
            if (chain && k == 1 && pl->plan->places[op->in[0]].home != AY_HOME_WEIGHT)
                pl->roles[op->in[k]] |= USED_BESIDE_VALUE;
        }
    }
    for (uint32_t i = 0; i < ay_program_outputs(pl->p); i++) {
        pl->uses[ay_program_output_at(pl->p, i)]++;
        pl->roles[ay_program_output_at(pl->p, i)] |= USED_ELSE | USED_AS_OUTPUT | USED_APART;
    }
}

/* Whether patches that `user` multiplies can be woven, however many bytes a word has. */
static bool weaves(const struct ay_work_op *view, const struct ay_work_op *user)
{
    struct ay_woven_view unused;
    uint32_t n = user->dims[user->dims_count - 1], k = view->dims[view->dims_count - 1];
    return user->kind == AY_WORK_OP_MATMUL && ay_woven_view_of(view, n, k, 2, &unused) &&
           ay_woven_view_of(view, n, k, 4, &unused);
}

/* Whether a product of bytes reads patches of the op's operand. */
static bool is_woven_view(const struct planner *pl, const struct ay_work_op *op,
                          const struct ay_work_op *user, uint32_t id)
{
    return user->kind == AY_WORK_OP_MATMUL && ay_plan_product_of_bytes(pl->plan, user) &&
           user->in[1] == id && pl->plan->places[user->in[0]].home != AY_HOME_ALIAS &&
           weaves(op, user);
}

/* Whether bytes are read through windows as they lie, for their largest or for products. */
static bool is_windows(const struct planner *pl, const struct ay_work_op *op,
                       const struct ay_work_op *user, uint32_t id)
{
    if (op->kind != AY_WORK_OP_VIEW) return false;
    if (user->kind == AY_WORK_OP_REDUCE) return ay_windows_are(op, user);
    return user->kind == AY_WORK_OP_MATMUL && ay_plan_product_of_bytes(pl->plan, user) &&
           user->in[1] == id && pl->plan->places[user->in[0]].home != AY_HOME_ALIAS &&
           ay_windows_multiply(op, user);
}

/* Whether each of several users weaves patches of the VIEW, or reads windows of it: each then reads
 * the image for itself. */
static bool all_read_bytes(const struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    uint32_t dtype = pl->plan->places[id].dtype, found = 0;
    if ((dtype != AY_WORK_DTYPE_U8 && dtype != AY_WORK_DTYPE_I8) ||
        (pl->roles[id] & USED_AS_OUTPUT))
        return false;
    for (uint32_t i = id - ay_program_output(pl->p, 0) + 1;
         i <= pl->user[id] && found < pl->uses[id]; i++) {
        const struct ay_work_op *user = op_of(pl, i);
        bool reads = false, symbols = false;
        for (uint32_t k = 0; k < user->in_count; k++) reads = reads || user->in[k] == id;
        for (uint32_t k = 0; k < user->dims_count; k++)
            symbols = symbols || (user->dims[k] & AY_DIM_SYMBOL);
        if (reads && (symbols || user->in[0] == id ||
                      (!is_woven_view(pl, op, user, id) && !is_windows(pl, op, user, id))))
            return false;
        found += reads;
    }
    return found == pl->uses[id];
}

/* Whether the op is one whose result need not be stored because its one user reads its operand by
 * patches; or its users, if all of them multiply weights with it, f32 by f32. A PERMUTE is one only
 * for such. */
static bool is_patch_view(const struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    struct ay_patch_view unused;
    bool view = op->kind == AY_WORK_OP_VIEW;
    if (pl->uses[id] > 1 && pl->plan->places[id].dtype != AY_WORK_DTYPE_F32)
        return view && all_read_bytes(pl, op, id);
    bool by_weights = pl->roles[id] == (USED_AS_B | USED_APART);
    if ((!view && op->kind != AY_WORK_OP_PERMUTE) || (pl->uses[id] != 1 && !by_weights) ||
        (pl->roles[id] & USED_AS_OUTPUT))
        return false;
    const struct ay_work_op *user = op_of(pl, pl->user[id]);
    const uint32_t *dims = op->dims + op->dims_count;
    for (uint32_t i = 0; i < user->dims_count; i++)
        if (user->dims[i] & AY_DIM_SYMBOL) return false;
    if (pl->plan->places[id].dtype != AY_WORK_DTYPE_F32)
        return is_woven_view(pl, op, user, id) || is_windows(pl, op, user, id);
    if (is_f32_chain(pl, user) && user->in[1] == id)
        return (view || by_weights) && pl->plan->places[user->in[0]].home != AY_HOME_ALIAS &&
               ay_patch_view_of(op, dims[-2], dims[-1], &unused);
    return view && user->kind == AY_WORK_OP_REDUCE && is_row_reduce(pl, user) &&
           user->reduce != AY_WORK_REDUCE_SUMSQ && ay_patch_view_of(op, 0, dims[-1], &unused);
}

/* Whether MAP `op` may follow in the tiles of step `s`: of the step's last value, which nothing
 * else needs, and of what is there already. */
static bool joins_tiles(const struct planner *pl, const struct ay_work_op *op, uint32_t s)
{
    const struct ay_plan *plan = pl->plan;
    const struct ay_step *step = &plan->steps[s];
    uint32_t before = plan->order[step->first + step->count - 1], taken = 0;
    uint32_t id = ay_program_output(pl->p, before);
    const struct ay_work_op *product = op_of(pl, plan->order[step->first + 1]);
    if (op->kind != AY_WORK_OP_MAP || !is_row_map(pl, op) || product->kind != AY_WORK_OP_MATMUL ||
        op->dims_count != product->dims_count || !same(op->dims, product->dims, op->dims_count))
        return false;
    for (uint32_t k = 0; k < op->in_count; k++) {
        taken += op->in[k] == id;
        if (op->in[k] != id && ay_plan_step_of(plan, op->in[k]) == s) return false;
        if (plan->places[op->in[k]].scattered) return false;
    }
    return taken > 0 && taken == pl->uses[id];
}

/* A row of it is work for one lane: to go by rows costs more, unless others need them. */
static bool is_narrow_map(const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_MAP && op->dims_count > 0 && op->dims[op->dims_count - 1] == 1;
}

/* Whether its rows are those of its owner, or columns of them: not the first elements seen as other
 * rows. One row has columns alone. */
static bool rows_are_its_owners(const struct ay_plan *plan, const struct ay_place *at)
{
    const struct ay_place *owner = &plan->places[at->owner];
    uint32_t last = at->rank - 1, width = at->row > 0 ? at->row : at->shape[last], lead = 0;
    while (lead < last && at->shape[lead] == 1) lead++;
    return lead == last || (owner->rank > 0 && owner->shape[owner->rank - 1] == width);
}

/* Whether the op may go on with the rows that step `s` is at work on. */
static bool joins(const struct planner *pl, const struct ay_work_op *op, uint32_t s)
{
    const struct ay_plan *plan = pl->plan;
    const struct ay_step *step = &plan->steps[s];
    const struct ay_work_op *head = op_of(pl, plan->order[step->first]);
    if (step->kind == AY_STEP_TILES) return joins_tiles(pl, op, s);
    if (step->kind == AY_STEP_WOVEN || step->kind == AY_STEP_PRODUCT ||
        (step->kind == AY_STEP_WINDOWS &&
         op_of(pl, plan->order[step->first + 1])->kind == AY_WORK_OP_MATMUL))
        return pl->fuse && ay_finish_joins(plan, op, s, pl->uses);
    if (!pl->fuse || step->kind != AY_STEP_ROWS || kind_of(pl, op) != AY_STEP_ROWS) return false;
    if (is_narrow_map(op) && is_narrow_map(head)) return false;
    uint32_t lead = op->dims_count - 1;
    if (head->dims_count != op->dims_count || !same(head->dims, op->dims, lead)) return false;
    for (uint32_t k = 0; k < op->in_count; k++) {
        const struct ay_place *in = &plan->places[op->in[k]];
        if (ay_plan_step_of(plan, op->in[k]) != s) continue;
        /* Made in this step: only the same rows of it are there. */
        if (!ay_place_is_in_order(in) || in->scattered) return false;
        if (op->kind == AY_WORK_OP_MATMUL && k == 1) return false;
        if (in->rank != op->dims_count || !same(in->shape, op->dims, lead)) return false;
        if (!rows_are_its_owners(plan, in)) return false;
    }
    return true;
}

/* Whether the op only widens bytes for a GATHER that takes one of 256 of a weight for each. */
static bool is_table_index(const struct planner *pl, const struct ay_work_op *op, uint32_t id)
{
    if (!pl->fuse || op->kind != AY_WORK_OP_MAP || pl->uses[id] != 1 ||
        (pl->roles[id] & USED_AS_OUTPUT))
        return false;
    return ay_finish_is_table(pl->plan, op, op_of(pl, pl->user[id]), id);
}

static bool is_fused_index(const struct planner *pl, const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_GATHER && op->in[1] >= ay_program_output(pl->p, 0) &&
           pl->plan->places[op->in[1]].home == AY_HOME_FUSED;
}

/* Patches are multiplied with what lies as it is stated: the other operand of the product, if it
 * comes later, may not become one that is read by strides. */
static void keep_beside_patches(struct planner *pl, uint32_t id)
{
    const struct ay_work_op *user = op_of(pl, pl->user[id]);
    if (user->kind == AY_WORK_OP_MATMUL) pl->roles[user->in[0]] |= USED_ELSE;
}

/* Adds what stands before an op and is carried out with it to the step that is being made. */
static void take_along(struct planner *pl, uint32_t id, uint32_t *placed)
{
    struct ay_plan *plan = pl->plan;
    plan->steps[plan->step_count - 1].count++;
    plan->order[(*placed)++] = id - ay_program_output(pl->p, 0);
    plan->places[id].step = plan->places[id].born = plan->step_count - 1;
}

static void form_steps(struct planner *pl)
{
    struct ay_plan *plan = pl->plan;
    uint32_t placed = 0, outputs = ay_program_output(pl->p, 0);
    for (uint32_t i = 0; i < pl->p->ops_count; i++) {
        const struct ay_work_op *op = op_of(pl, i);
        uint32_t id = outputs + i;
        if (pl->fuse && (is_patch_view(pl, op, id) || is_table_index(pl, op, id))) {
            plan->places[id].home = AY_HOME_FUSED;
            keep_beside_patches(pl, id);
            continue;
        }
        if (pl->fuse && ay_plan_alias(pl, op, id)) continue;
        uint32_t levels = pl->fuse ? ay_descent_ops(plan, pl->uses, i) : 0;
        if (levels > 0) {
            plan->steps[plan->step_count++] =
                (struct ay_step){.kind = AY_STEP_DESCENT, .first = placed};
            for (uint32_t k = 0; k < levels; k++) take_along(pl, id + k, &placed);
            i += levels - 1;
            continue;
        }
        uint32_t patches = op->in[op->kind == AY_WORK_OP_MATMUL];
        if (plan->places[patches].home == AY_HOME_FUSED && patches >= outputs) {
            bool f32 = plan->places[patches].dtype == AY_WORK_DTYPE_F32;
            bool woven = !f32 && weaves(op_of(pl, patches - outputs), op);
            enum ay_step_kind kind = f32 ? AY_STEP_TILES : woven ? AY_STEP_WOVEN : AY_STEP_WINDOWS;
            plan->steps[plan->step_count++] = (struct ay_step){.kind = kind, .first = placed};
            take_along(pl, patches, &placed);
        } else if (is_fused_index(pl, op)) {
            if (plan->step_count == 0 || !joins(pl, op, plan->step_count - 1))
                plan->steps[plan->step_count++] =
                    (struct ay_step){.kind = AY_STEP_TABLE, .first = placed};
            take_along(pl, op->in[1], &placed);
        } else if (plan->step_count == 0 || !joins(pl, op, plan->step_count - 1))
            plan->steps[plan->step_count++] =
                (struct ay_step){.kind = kind_of(pl, op), .first = placed};
        plan->steps[plan->step_count - 1].count++;
        plan->order[placed++] = i;
        plan->places[id].step = plan->places[id].born = plan->step_count - 1;
    }
}

/* Whether the op takes columns of wider rows, as steps of rows alone can. */
static bool takes_columns(const struct ay_plan *plan, const struct ay_work_op *op)
{
    for (uint32_t k = 0; k < op->in_count; k++)
        if (plan->places[op->in[k]].row > 0) return true;
    return false;
}

/* A MAP that no other op has joined need not go by rows, which may be short. */
static void free_lone_maps(struct planner *pl)
{
    struct ay_plan *plan = pl->plan;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        struct ay_step *step = &plan->steps[s];
        uint32_t index = plan->order[step->first];
        const struct ay_work_op *op = op_of(pl, index);
        if (step->kind != AY_STEP_ROWS || step->count != 1 || op->kind != AY_WORK_OP_MAP ||
            takes_columns(plan, op) ||
            !ay_place_is_contiguous(&plan->places[ay_program_output(pl->p, index)]))
            continue;
        step->kind = AY_STEP_EACH;
    }
}

enum ay_code ay_plan_open(const struct ay_work_program *p, bool fuse, struct ay_plan *out)
{
    size_t n = ay_program_values(p), ops = p->ops_count;
    *out = (struct ay_plan){.program = p, .values = (uint32_t)n};
    out->places = calloc(n, sizeof *out->places);
    out->order = calloc(2 * ops, sizeof *out->order);
    out->steps = calloc(ops, sizeof *out->steps);
    out->births = calloc(ops, sizeof *out->births);
    out->deaths = calloc(ops, sizeof *out->deaths);
    out->scratch = calloc(ops, sizeof *out->scratch);
    out->sizes = calloc(n, sizeof *out->sizes);
    uint32_t *counts = calloc(6 * n, sizeof *counts);
    bool *taken = calloc(n, sizeof *taken);
    enum ay_code code = AY_E_MEMORY;
    if (out->places && out->order && out->steps && out->births && out->deaths && out->scratch &&
        out->sizes && counts && taken) {
        struct planner pl = {out, p, counts, counts + 2 * n, counts + 4 * n, counts + 5 * n, fuse};
        place_values(&pl);
        count_uses(&pl);
        form_steps(&pl);
        ay_plan_own(&pl);
        free_lone_maps(&pl);
        ay_plan_place(&pl, taken);
        code = AY_OK;
    }
    free(counts);
    free(taken);
    if (code != AY_OK) ay_plan_close(out);
    return code;
}

void ay_plan_close(struct ay_plan *plan)
{
    free(plan->places);
    free(plan->order);
    free(plan->steps);
    free(plan->births);
    free(plan->deaths);
    free(plan->scratch);
    free(plan->sizes);
    *plan = (struct ay_plan){0};
}
