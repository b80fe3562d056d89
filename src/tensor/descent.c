#include "tensor/descent.h"

#include "tensor/exec_impl.h"

/* Elements that go down side by side, so that many loads are on their way at once. */
#define LANES 16u
/* Nodes that an item of the pool's loop should be worth. */
#define ITEM_NODES (1u << 13)

/* --- planning --- */

static bool is_list(const struct ay_plan *plan, uint32_t id, uint32_t dtype)
{
    const struct ay_place *at = &plan->places[id];
    return at->rank == 1 && at->dtype == dtype && !(at->shape[0] & AY_DIM_SYMBOL);
}

static bool has_dims(const struct ay_work_op *op, const struct ay_work_op *like)
{
    if (op->dims_count != like->dims_count) return false;
    for (uint32_t d = 0; d < op->dims_count; d++)
        if (op->dims[d] != like->dims[d] || (op->dims[d] & AY_DIM_SYMBOL)) return false;
    return true;
}

/* Whether the value has one element for each index of the op's last axis, and no other axes. */
static bool is_row(const struct ay_plan *plan, uint32_t id, const struct ay_work_op *op)
{
    const struct ay_place *at = &plan->places[id];
    bool row = at->dtype == AY_WORK_DTYPE_I32 && at->rank <= op->dims_count &&
               at->shape[at->rank - 1] == op->dims[op->dims_count - 1];
    for (uint32_t d = 0; d + 1 < at->rank; d++) row = row && at->shape[d] == 1;
    return row && ay_place_is_contiguous(at);
}

static bool is_gather(const struct ay_work_op *op, uint32_t ids)
{
    return op->kind == AY_WORK_OP_GATHER && op->in[1] == ids;
}

static bool is_i32_map(const struct ay_work_op *op, uint32_t steps)
{
    return op->kind == AY_WORK_OP_MAP && op->dtype == AY_WORK_DTYPE_I32 && op->steps_count == steps;
}

/* The operand that arg is; AY_NONE where it is none. */
static uint32_t operand_of(const struct ay_work_op *op, uint32_t arg)
{
    return arg >> 24 == AY_MAP_INPUT ? op->in[arg & 0xffffffu] : AY_NONE;
}

/* The step of that function, which is by `word` and a constant within 0..most. */
static bool is_part_of_word(const struct ay_work_op *op, uint32_t step, uint32_t fn, uint32_t word,
                            int64_t most, int64_t *number)
{
    const struct ay_work_map_step *s = &op->steps[step];
    if (s->fn != fn || operand_of(op, s->args[0]) != word || s->args[1] >> 24 != AY_MAP_INT)
        return false;
    *number = op->ints[s->args[1] & 0xffffffu];
    return *number >= 0 && *number <= most;
}

/* row + (word & mask), or without the row. */
static bool is_place(const struct ay_plan *plan, const struct ay_work_op *op, uint32_t word,
                     struct ay_descent *out)
{
    int64_t mask;
    out->row = AY_NONE;
    if ((!is_i32_map(op, 1) && !is_i32_map(op, 2)) ||
        !is_part_of_word(op, 0, AY_WORK_FN_INT_AND, word, INT32_MAX, &mask))
        return false;
    out->mask = (int32_t)mask;
    if (op->steps_count == 1) return true;
    const struct ay_work_map_step *sum = &op->steps[1];
    out->row = operand_of(op, sum->args[0]);
    return sum->fn == AY_WORK_FN_INT_ADD && sum->args[1] == AY_MAP_STEP << 24 &&
           out->row != AY_NONE && is_row(plan, out->row, op);
}

/* (word >> shift) + (split < x): the sum's operands are steps 0 and 1, in either order. */
static bool is_next(const struct ay_work_op *op, uint32_t word, uint32_t split, uint32_t x,
                    struct ay_descent *out)
{
    int64_t shift;
    if (!is_i32_map(op, 3) || op->steps[2].fn != AY_WORK_FN_INT_ADD) return false;
    uint32_t low = op->steps[2].args[0], less = op->steps[2].args[1];
    if (low >> 24 != AY_MAP_STEP || less >> 24 != AY_MAP_STEP || low == less ||
        !is_part_of_word(op, low & 0xffffffu, AY_WORK_FN_INT_SHR, word, 31, &shift))
        return false;
    const struct ay_work_map_step *s = &op->steps[less & 0xffffffu];
    out->shift = (uint32_t)shift;
    return s->fn == AY_WORK_FN_LT && operand_of(op, s->args[0]) == split &&
           operand_of(op, s->args[1]) == x;
}

bool ay_descent_level(const struct ay_plan *plan, uint32_t first, struct ay_descent *out)
{
    const struct ay_work_program *p = plan->program;
    const struct ay_work_op *op = &p->ops[first];
    uint32_t id = ay_program_output(p, first);
    if (p->ops_count - first < AY_DESCENT_LEVEL || op->kind != AY_WORK_OP_GATHER) return false;
    *out = (struct ay_descent){.at = op->in[1], .words = op->in[0]};
    if (!is_gather(&op[2], id + 1) || !is_gather(&op[3], out->at) ||
        !is_place(plan, &op[1], id, out) || !is_next(&op[4], id, id + 3, id + 2, out))
        return false;
    for (uint32_t i = 0; i < AY_DESCENT_LEVEL; i++)
        if (!has_dims(&op[i], op)) return false;
    out->x = op[2].in[0];
    out->splits = op[3].in[0];
    return is_list(plan, out->words, AY_WORK_DTYPE_I32) &&
           is_list(plan, out->splits, AY_WORK_DTYPE_F32) &&
           is_list(plan, out->x, AY_WORK_DTYPE_F32) &&
           plan->places[out->words].shape[0] == plan->places[out->splits].shape[0] &&
           plan->places[out->at].dtype == AY_WORK_DTYPE_I32 &&
           ay_place_is_contiguous(&plan->places[out->at]);
}

static bool is_next_level(const struct ay_descent *a, const struct ay_descent *b, uint32_t made)
{
    return b->at == made && a->words == b->words && a->splits == b->splits && a->x == b->x &&
           a->row == b->row && a->mask == b->mask && a->shift == b->shift;
}

uint32_t ay_descent_ops(const struct ay_plan *plan, const uint32_t *uses, uint32_t first)
{
    static const uint32_t users[AY_DESCENT_LEVEL] = {2, 1, 1, 1, 2};
    uint32_t id = ay_program_output(plan->program, first), ops = 0;
    struct ay_descent top, level;
    if (!ay_descent_level(plan, first, &top)) return 0;
    for (level = top;;) {
        for (uint32_t i = 0; i + 1 < AY_DESCENT_LEVEL; i++)
            if (uses[id + ops + i] != users[i]) return ops;
        ops += AY_DESCENT_LEVEL;
        if (first + ops == plan->program->ops_count || uses[id + ops - 1] != users[4] ||
            !ay_descent_level(plan, first + ops, &level) ||
            !is_next_level(&top, &level, id + ops - 1))
            return ops;
    }
}

/* --- executing --- */

struct descent {
    const int32_t *words;
    const float *splits, *x;
    const int32_t *row, *from;
    int32_t *to;
    int32_t mask, last, x_last; /* the highest numbers of a node and of a feature */
    uint32_t shift, levels;
    uint64_t elements, rows; /* rows: of the last axis */
};

static inline int32_t within(int32_t i, int32_t last)
{
    return i < 0 ? 0 : i > last ? last : i;
}

/* `lanes` elements down all levels. */
static inline void go_down(const struct descent *d, const int32_t *row, int32_t *at, uint32_t lanes)
{
    for (uint32_t level = 0; level < d->levels; level++) {
        int32_t moved = 0;
        for (uint32_t j = 0; j < lanes; j++) {
            int32_t node = within(at[j], d->last), word = d->words[node];
            int32_t place = (int32_t)((uint32_t)row[j] + (uint32_t)(word & d->mask));
            uint32_t above = d->splits[node] < d->x[within(place, d->x_last)];
            int32_t next = (int32_t)((uint32_t)(word >> d->shift) + above);
            moved |= next ^ at[j];
            at[j] = next;
        }
        if (!moved) return;
    }
}

static void run_elements(const struct descent *d, uint64_t first, uint64_t end)
{
    int32_t row[LANES] = {0}, at[LANES];
    uint64_t column = first % d->rows;
    for (uint64_t i = first; i < end; i += LANES) {
        uint32_t lanes = end - i < LANES ? (uint32_t)(end - i) : LANES;
        for (uint32_t j = 0; j < lanes; j++) {
            at[j] = d->from[i + j];
            if (!d->row) continue;
            row[j] = d->row[column];
            if (++column == d->rows) column = 0;
        }
        if (lanes == LANES)
            go_down(d, row, at, LANES);
        else
            go_down(d, row, at, lanes);
        for (uint32_t j = 0; j < lanes; j++) d->to[i + j] = at[j];
    }
}

static struct descent descent_of(const struct ay_exec *exec, uint32_t run)
{
    const struct ay_step *step = exec->step;
    const uint32_t *order = exec->plan.order + step->first;
    const struct ay_work_op *op = &exec->program->ops[order[0]];
    const struct ay_place *places = exec->plan.places;
    struct ay_descent d;
    bool found = ay_descent_level(&exec->plan, order[0], &d);
    AY_ASSERT(found);
    struct descent out = {
        .words = ay_exec_base(exec, d.words, run),
        .splits = ay_exec_base(exec, d.splits, run),
        .x = ay_exec_base(exec, d.x, run),
        .row = d.row == AY_NONE ? NULL : ay_exec_base(exec, d.row, run),
        .from = ay_exec_base(exec, d.at, run),
        .to = ay_exec_base(exec, ay_program_output(exec->program, order[step->count - 1]), run),
        .mask = d.mask,
        .last = (int32_t)places[d.words].shape[0] - 1,
        .x_last = (int32_t)places[d.x].shape[0] - 1,
        .shift = d.shift,
        .levels = step->count / AY_DESCENT_LEVEL,
        .elements = 1,
        .rows = op->dims[op->dims_count - 1]};
    for (uint32_t i = 0; i < op->dims_count; i++) out.elements *= op->dims[i];
    return out;
}

static void run_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    uint32_t run;
    const struct ay_pieces *p = ay_pieces_find(exec, exec->run_count, index, &run);
    struct descent d = descent_of(exec, run);
    uint64_t first = (index - p->first) * p->piece;
    run_elements(&d, first, d.elements - first < p->piece ? d.elements : first + p->piece);
}

enum ay_code ay_exec_descent(struct ay_exec *exec)
{
    size_t items = 0;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        struct descent d = descent_of(exec, r);
        uint64_t piece = (ITEM_NODES / d.levels / LANES + 1) * LANES;
        exec->pieces[r] = (struct ay_pieces){.first = items, .piece = piece};
        items += (d.elements + piece - 1) / piece;
    }
    ay_pool_run(exec->pool, items, run_item, exec);
    return AY_OK;
}
