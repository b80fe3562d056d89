/* Weights in the layouts of the kernels that read them: which ones, how, and the laying out. */
#include "tensor/exec_impl.h"

#define ALIGN 64u /* of each, bytes */

static bool is_woven(const struct ay_exec *exec, const struct ay_work_op *op)
{
    return exec->plan.places[op->in[1]].home == AY_HOME_FUSED &&
           ay_plan_product_of_bytes(&exec->plan, op);
}

/* Fewer filters leave lanes idle, unless they are whole vectors, and half of a panel at least; a
 * shorter chain is not worth turning its result over. Where columns are few, they leave more lanes
 * idle in the other form. */
#define LEAST_FILTERS 32u
#define VECTOR        8u /* of filters, where 32 are a panel or less */
#define LEAST_CHAIN   129u
#define MANY_COLUMNS  192u

/* Whether of a product (m, k) with patches the filters are the vectors, rather than the columns. */
static bool filters_pay(const struct ay_exec *exec, const struct ay_work_op *op, uint32_t m,
                        uint32_t k)
{
    const struct ay_work_program *p = exec->program;
    const struct ay_work_op *view = &p->ops[op->in[1] - ay_program_output(p, 0)];
    const uint32_t *dims = view->dims + view->dims_count, panel = exec->kernels->filters;
    const bool few_columns = op->dims[op->dims_count - 1] < MANY_COLUMNS;
    struct ay_patch_view w;
    bool apart = ay_patch_view_of(view, dims[-2], dims[-1], &w) && w.apart;
    if (apart) return m >= LEAST_FILTERS && (few_columns || k >= exec->kernels->apart_least_k);
    if (few_columns) return m >= panel / 4;
    return k >= LEAST_CHAIN && (m >= LEAST_FILTERS || (m >= panel / 2 && m % VECTOR == 0));
}

/* Whether the op is a product of constant filters with patches that are not stored. */
static bool is_filtered(const struct ay_exec *exec, const struct ay_work_op *op)
{
    const struct ay_place *a = &exec->plan.places[op->in[0]];
    return exec->plan.places[op->in[1]].home == AY_HOME_FUSED && a->dtype == AY_WORK_DTYPE_F32 &&
           a->home == AY_HOME_WEIGHT && a->rank == 2 &&
           filters_pay(exec, op, a->shape[0], a->shape[1]);
}

/* The weight, without batch, that is laid out once for the op's kernel: its second operand, or the
 * first beside patches; AY_NONE: none. */
static uint32_t packed_operand(const struct ay_exec *exec, const struct ay_work_op *op)
{
    if (op->kind != AY_WORK_OP_MATMUL && op->kind != AY_WORK_OP_MATMUL_Q8) return AY_NONE;
    uint32_t id = op->in[!is_woven(exec, op) && !is_filtered(exec, op)];
    const struct ay_place *at = &exec->plan.places[id];
    bool scales = op->kind == AY_WORK_OP_MATMUL_Q8;
    if (at->home != AY_HOME_WEIGHT || at->rank != 2) return AY_NONE;
    if (scales && exec->plan.places[op->in[2]].home != AY_HOME_WEIGHT) return AY_NONE;
    bool known =
        scales || at->dtype == AY_WORK_DTYPE_F32 || ay_plan_product_of_bytes(&exec->plan, op);
    return known ? id : AY_NONE;
}

/* Whether what one op has packed serves another with the same weight. */
static bool same_packing(const struct ay_exec *exec, const struct ay_work_op *a,
                         const struct ay_work_op *b)
{
    if (is_woven(exec, a) || is_woven(exec, b)) return a == b;
    if (is_filtered(exec, a) != is_filtered(exec, b)) return false;
    return a->kind == b->kind && (a->kind == AY_WORK_OP_MATMUL || a->in[2] == b->in[2]);
}

static void *packed_at(const struct ay_exec *exec, uint32_t weight)
{
    return (uint8_t *)exec->weights_room.at + exec->packed[weight].begin;
}

const void *ay_exec_packed(const struct ay_exec *exec, const struct ay_work_op *op)
{
    uint32_t id = packed_operand(exec, op);
    if (id == AY_NONE) return NULL;
    uint32_t weight = exec->plan.places[id].slot;
    const struct ay_work_op *by = exec->packed[weight].op;
    return by && same_packing(exec, by, op) ? packed_at(exec, weight) : NULL;
}

static void pack_item(void *context, size_t item, uint32_t thread)
{
    (void)thread;
    const struct ay_exec *exec = context;
    const struct ay_work_op *op = exec->packed[item].op;
    const struct ay_work_weight *w = &exec->program->weights[item];
    const void *from = exec->weights[item];
    void *out = packed_at(exec, (uint32_t)item);
    if (!op || is_woven(exec, op)) return;
    if (is_filtered(exec, op)) {
        exec->kernels->pack_filters(from, w->dims[0], w->dims[1], out);
        return;
    }
    if (w->dtype == AY_WORK_DTYPE_F32) {
        exec->kernels->pack(from, w->dims[1], w->dims[0], w->dims[1], out);
        return;
    }
    const float *d = NULL;
    if (op->kind == AY_WORK_OP_MATMUL_Q8) d = exec->weights[exec->plan.places[op->in[2]].slot];
    ay_product_pack(exec, op, from, d, w->dims[0], w->dims[1], out);
}

static size_t pack_bytes(const struct ay_exec *exec, const struct ay_work_op *op,
                         const struct ay_place *w)
{
    if (is_woven(exec, op)) return ay_woven_pack_bytes(exec, op);
    if (w->dtype != AY_WORK_DTYPE_F32)
        return ay_product_pack_bytes(exec, op, w->shape[0], w->shape[1]);
    uint32_t panel = is_filtered(exec, op) ? exec->kernels->filters : exec->kernels->panel;
    return sizeof(float) * ay_packed_floats(panel, w->shape[0], w->shape[1]);
}

/* All in one piece of memory, which large pages can hold. */
enum ay_code ay_exec_pack_weights(struct ay_exec *exec)
{
    const struct ay_work_program *p = exec->program;
    size_t bytes = 0;
    for (uint32_t i = 0; i < p->ops_count; i++) {
        uint32_t id = packed_operand(exec, &p->ops[i]);
        if (id == AY_NONE) continue;
        const struct ay_place *w = &exec->plan.places[id];
        struct ay_packed *packed = &exec->packed[w->slot];
        if (packed->op) continue;
        *packed = (struct ay_packed){.op = &p->ops[i], .begin = bytes};
        bytes += (pack_bytes(exec, packed->op, w) + ALIGN - 1) / ALIGN * ALIGN;
    }
    AY_TRY(ay_room_reserve(&exec->weights_room, bytes));
    for (uint32_t i = 0; i < p->weights_count; i++) {
        const struct ay_work_op *op = exec->packed[i].op;
        if (op && is_woven(exec, op))
            AY_TRY(ay_woven_pack(exec, op, exec->weights[i], packed_at(exec, i)));
    }
    ay_pool_run(exec->pool, p->weights_count, pack_item, exec);
    return AY_OK;
}
