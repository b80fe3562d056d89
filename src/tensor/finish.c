#include "tensor/finish.h"

#include "tensor/exec_impl.h"

static bool same_dims(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static bool has_dims(const struct ay_place *at, const struct ay_work_op *op)
{
    return at->rank == op->dims_count && same_dims(at->shape, op->dims, at->rank);
}

static void dtypes_of(const struct ay_plan *plan, const struct ay_work_op *op,
                      uint32_t dtypes[AY_MAX_WORK_OP_IN])
{
    for (uint32_t i = 0; i < op->in_count; i++) dtypes[i] = plan->places[op->in[i]].dtype;
}

/* How the op's operands go with its rows; those that are no weights may not be used. */
static void places_of(const struct ay_plan *plan, const struct ay_work_op *op,
                      enum ay_fixed_place places[AY_MAX_WORK_OP_IN])
{
    for (uint32_t i = 0; i < op->in_count; i++) {
        const struct ay_place *at = &plan->places[op->in[i]];
        places[i] = at->home == AY_HOME_WEIGHT
                        ? ay_fixed_place_of(at->shape, at->rank, op->dims, op->dims_count)
                        : AY_FIXED_NONE;
    }
}

bool ay_finish_is_table(const struct ay_plan *plan, const struct ay_work_op *map,
                        const struct ay_work_op *user, uint32_t id)
{
    uint32_t dtypes[AY_MAX_WORK_OP_IN];
    dtypes_of(plan, map, dtypes);
    if (!ay_fixed_widens(map, dtypes) || user->kind != AY_WORK_OP_GATHER || user->in[1] != id ||
        !has_dims(&plan->places[map->in[0]], user) || !has_dims(&plan->places[id], user))
        return false;
    const struct ay_place *table = &plan->places[user->in[0]];
    return table->home == AY_HOME_WEIGHT && ay_dtype_bytes(table->dtype) == 1 && table->rank == 1 &&
           table->shape[0] == 256;
}

/* A MAP that makes bytes of sums, value `id`. */
static bool makes_bytes(const struct ay_plan *plan, const struct ay_work_op *op, uint32_t id)
{
    struct ay_fixed_round round;
    struct ay_fixed_rows rows;
    struct ay_rescale_form form;
    struct ay_rescale_rows rescaled;
    uint32_t dtypes[AY_MAX_WORK_OP_IN];
    enum ay_fixed_place places[AY_MAX_WORK_OP_IN];
    dtypes_of(plan, op, dtypes);
    places_of(plan, op, places);
    if (ay_rescale_of(op, dtypes, &form))
        return op->in[form.x] == id && ay_rescale_rows_of(op, &form, places, NULL, &rescaled);
    return ay_fixed_round_of(op, dtypes, &round) && op->in[round.x] == id &&
           ay_fixed_rows_of(op, &round, places, NULL, &rows);
}

/* A sum of value `id` and of one that is stored. */
static bool sums(const struct ay_plan *plan, const struct ay_work_op *op, uint32_t id, uint32_t s)
{
    struct ay_fixed_sum sum;
    uint32_t in[2], dtypes[AY_MAX_WORK_OP_IN];
    dtypes_of(plan, op, dtypes);
    if (!ay_fixed_sum_of(op, dtypes, in, &sum)) return false;
    uint32_t a = op->in[in[0]], b = op->in[in[1]], other = a == id ? b : a;
    const struct ay_place *at = &plan->places[other];
    bool stored = at->home == AY_HOME_BUFFER || at->home == AY_HOME_INPUT ||
                  (at->home == AY_HOME_ALIAS && ay_place_is_contiguous(at));
    return (a == id) != (b == id) && stored && !at->scattered &&
           ay_plan_step_of(plan, other) != s && has_dims(at, op) && has_dims(&plan->places[id], op);
}

bool ay_finish_joins(const struct ay_plan *plan, const struct ay_work_op *op, uint32_t s,
                     const uint32_t *uses)
{
    const struct ay_work_program *p = plan->program;
    const struct ay_step *step = &plan->steps[s];
    uint32_t outputs = ay_program_output(p, 0);
    uint32_t last = plan->order[step->first + step->count - 1], id = outputs + last;
    if (uses[id] != 1 || step->count + 2 > AY_MAX_FINISH_OPS) return false;
    if (p->ops[last].kind == AY_WORK_OP_MATMUL)
        return has_dims(&plan->places[id], op) && makes_bytes(plan, op, id);
    if (p->ops[last].kind == AY_WORK_OP_MATMUL_Q8) return false;
    if (op->kind == AY_WORK_OP_GATHER)
        return op->in[1] >= outputs && plan->places[op->in[1]].home == AY_HOME_FUSED &&
               p->ops[op->in[1] - outputs].in[0] == id;
    return sums(plan, op, id, s);
}

static void add_after(const struct ay_exec *exec, uint32_t run, const struct ay_work_op *op,
                      uint32_t before, struct ay_finish *f)
{
    uint32_t dtypes[AY_MAX_WORK_OP_IN], in[2];
    if (op->kind == AY_WORK_OP_GATHER) {
        f->after[f->count++].table = ay_exec_base(exec, op->in[0], run);
        return;
    }
    dtypes_of(&exec->plan, op, dtypes);
    /* What widens for a GATHER is no sum. */
    if (!ay_fixed_sum_of(op, dtypes, in, &f->after[f->count].sum)) return;
    bool first = op->in[in[0]] != before;
    f->after[f->count].first = first;
    f->after[f->count++].other = ay_exec_base(exec, op->in[in[!first]], run);
}

bool ay_finish_of(const struct ay_exec *exec, uint32_t run, uint32_t product, struct ay_finish *out)
{
    const struct ay_step *step = exec->step;
    const uint32_t *order = exec->plan.order + step->first;
    const struct ay_work_op *ops = exec->program->ops, *op;
    if (product + 1 == step->count) return false;
    op = &ops[order[product + 1]];
    struct ay_fixed_round round;
    struct ay_rescale_form form;
    uint32_t dtypes[AY_MAX_WORK_OP_IN], last = order[step->count - 1];
    enum ay_fixed_place places[AY_MAX_WORK_OP_IN];
    const void *from[AY_MAX_WORK_OP_IN] = {NULL};
    dtypes_of(&exec->plan, op, dtypes);
    places_of(&exec->plan, op, places);
    for (uint32_t i = 0; i < op->in_count; i++)
        if (places[i] != AY_FIXED_NONE) from[i] = ay_exec_base(exec, op->in[i], run);
    *out = (struct ay_finish){
        .steps = exec->kernels->steps,
        .out = ay_exec_base(exec, ay_program_output(exec->program, last), run),
        .n = ay_dim_resolve(op->dims[op->dims_count - 1], exec->runs[run].sizes)};
    out->rescales = ay_rescale_of(op, dtypes, &form);
    bool known = out->rescales ? ay_rescale_rows_of(op, &form, places, from, &out->rescale)
                               : ay_fixed_round_of(op, dtypes, &round) &&
                                     ay_fixed_rows_of(op, &round, places, from, &out->round);
    AY_ASSERT(known);
    for (uint32_t i = product + 2; i < step->count; i++)
        add_after(exec, run, &ops[order[i]], ay_program_output(exec->program, order[i - 1]), out);
    return true;
}

static void go_on(const struct ay_finish *f, size_t at, size_t n)
{
    uint8_t *x = f->out + at;
    for (uint32_t i = 0; i < f->count; i++) {
        const uint8_t *other = f->after[i].other ? f->after[i].other + at : NULL;
        if (!other)
            f->steps->table_bytes(x, f->after[i].table, x, n);
        else
            f->steps->sum_bytes(f->after[i].first ? other : x, f->after[i].first ? x : other,
                                &f->after[i].sum, x, n);
    }
}

void ay_finish_tile(const struct ay_finish *f, const int32_t *sums, size_t ld, size_t row,
                    size_t rows, size_t column, size_t columns)
{
    const struct ay_rescale_tile tile = {sums, ld, row, rows, column, columns};
    if (f->rescales)
        ay_rescale_run(&f->rescale, f->steps, &tile, f->out + row * f->n + column, f->n);
    for (size_t r = 0; r < rows; r++) {
        size_t at = (row + r) * f->n + column;
        if (!f->rescales)
            ay_fixed_run(&f->round, f->steps, sums + r * ld, row + r, column, columns, f->out + at);
        go_on(f, at, columns);
    }
}

/* --- a table alone --- */

#define TABLE_ITEM 16384u

struct table {
    const struct ay_steps *steps;
    const uint8_t *x, *table;
    uint8_t *out;
    uint64_t elements;
};

static void table_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct table *t = context;
    uint64_t first = index * TABLE_ITEM, left = t->elements - first;
    t->steps->table_bytes(t->x + first, t->table, t->out + first,
                          left < TABLE_ITEM ? left : TABLE_ITEM);
}

enum ay_code ay_exec_table(struct ay_exec *exec)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_op *ops = exec->program->ops;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        struct ay_op_shape s;
        enum ay_code code = ay_program_op_shape(exec->program, order[1], exec->runs[r].sizes, &s);
        AY_ASSERT(code == AY_OK);
        struct table t = {.steps = exec->kernels->steps,
                          .x = ay_exec_base(exec, ops[order[0]].in[0], r),
                          .table = ay_exec_base(exec, ops[order[1]].in[0], r),
                          .out = ay_exec_base(exec, ay_program_output(exec->program, order[1]), r),
                          .elements = ay_tensor_elements(&s.out)};
        ay_pool_run(exec->pool, (t.elements + TABLE_ITEM - 1) / TABLE_ITEM, table_item, &t);
    }
    return AY_OK;
}
