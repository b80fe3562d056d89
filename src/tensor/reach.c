#include "tensor/reach.h"

#define Q8_BLOCK 32u

/* Coordinates are taken from the last axis to the first. */

static const struct ay_reach nothing = {0, 1, 0};

static struct ay_reach one(uint64_t element)
{
    return (struct ay_reach){element, 1, 1};
}

/* Elements of the dims from..to. */
static uint64_t product(const uint32_t *dims, uint32_t from, uint32_t to)
{
    uint64_t n = 1;
    for (uint32_t i = from; i < to; i++) n *= dims[i];
    return n;
}

static struct ay_reach gather(const struct ay_op_shape *s, uint32_t operand, uint64_t element,
                              const int64_t *id)
{
    const struct ay_tensor_type *table = &s->in[0];
    uint32_t axis = s->op->axis, n = table->dims[axis];
    uint64_t inner = product(table->dims, axis + 1, table->rank);
    uint64_t ids = product(s->out.dims, axis, axis + s->in[1].rank);
    if (operand == 1) return one(element / inner % ids);
    if (!id) return nothing;
    uint64_t row = *id < 0 ? 0 : *id < n ? (uint64_t)*id : n - 1;
    return one((element / inner / ids * n + row) * inner + element % inner);
}

/* The element that numpy's broadcasting puts at an element of the output. */
static struct ay_reach broadcast(const struct ay_op_shape *s, uint32_t operand, uint64_t element)
{
    const struct ay_tensor_type *in = &s->in[operand];
    uint64_t at = 0, step = 1;
    for (uint32_t back = 1; back <= in->rank; back++) {
        uint64_t coordinate = element % s->out.dims[s->out.rank - back];
        element /= s->out.dims[s->out.rank - back];
        if (in->dims[in->rank - back] != 1) at += coordinate * step;
        step *= in->dims[in->rank - back];
    }
    return one(at);
}

/* A row of a or of b; of the scales, one for each block of 32 of the row. */
static struct ay_reach matmul(const struct ay_op_shape *s, uint32_t operand, uint64_t element,
                              uint64_t from, uint32_t count)
{
    const struct ay_tensor_type *in = &s->in[operand];
    uint32_t columns = s->out.dims[s->out.rank - 1], rows = s->out.dims[s->out.rank - 2];
    uint64_t row = element / columns, k = in->dims[in->rank - 1];
    if (operand > 0) row = (in->rank > 2 ? row / rows * columns : 0) + element % columns;
    if (operand == 2) {
        uint32_t blocks = (count + Q8_BLOCK - 1) / Q8_BLOCK;
        return (struct ay_reach){row * k + from / Q8_BLOCK, 1, blocks};
    }
    return (struct ay_reach){row * k + from, 1, count};
}

static struct ay_reach reduce(const struct ay_op_shape *s, uint64_t element, uint64_t from,
                              uint32_t count)
{
    const struct ay_tensor_type *in = &s->in[0];
    uint64_t inner = product(in->dims, s->op->axis + 1, in->rank), n = in->dims[s->op->axis];
    uint64_t first = element / inner * n * inner + element % inner;
    return (struct ay_reach){first + from * inner, inner, count};
}

static struct ay_reach permute(const struct ay_op_shape *s, uint64_t element)
{
    const struct ay_work_op *op = s->op;
    uint64_t at = 0;
    for (uint32_t i = op->perm_count; i-- > 0;) {
        uint32_t axis = op->perm[i];
        at += element % s->view[axis] * product(s->view, axis + 1, op->view_count);
        element /= s->view[axis];
    }
    return one(at);
}

/* No sum overflows: coefficients and offsets lie within 2^31, and the coordinates of a grid of at
 * most 2^32 positions add up to less than 2^32. */
static struct ay_reach view(const struct ay_op_shape *s, uint64_t element)
{
    const struct ay_work_op *op = s->op;
    int64_t o[AY_MAX_WORK_OP_GRID];
    uint64_t at = 0;
    for (uint32_t d = op->grid_count; d-- > 0;) {
        o[d] = (int64_t)(element % s->grid[d]);
        element /= s->grid[d];
    }
    for (uint32_t a = 0; a < op->view_count; a++) {
        int64_t index = op->offsets[a];
        for (uint32_t d = 0; d < op->grid_count; d++)
            index += op->coefs[a * op->grid_count + d] * o[d];
        if (index < 0 || index >= s->view[a]) return nothing;
        at = at * s->view[a] + (uint64_t)index;
    }
    return one(at);
}

static struct ay_reach concat(const struct ay_op_shape *s, uint32_t operand, uint64_t element)
{
    uint32_t axis = s->op->axis, width = s->in[operand].dims[axis];
    uint64_t inner = product(s->out.dims, axis + 1, s->out.rank), total = s->out.dims[axis];
    uint64_t outer = element / inner / total, at = element / inner % total, before = 0;
    for (uint32_t i = 0; i < operand; i++) before += s->in[i].dims[axis];
    if (at < before || at - before >= width) return nothing;
    return one((outer * width + at - before) * inner + element % inner);
}

static struct ay_reach scatter(uint32_t operand, uint64_t element, uint64_t from, uint32_t count)
{
    if (operand > 0) return (struct ay_reach){from, 1, count};
    return from == 0 ? one(element) : nothing;
}

struct ay_reach ay_reach_of(const struct ay_op_shape *s, uint32_t operand, uint64_t element,
                            uint64_t from, uint32_t count, const int64_t *id)
{
    AY_ASSERT(operand < s->op->in_count && count > 0);
    switch ((enum ay_work_op_kind)s->op->kind) {
    case AY_WORK_OP_GATHER: return gather(s, operand, element, id);
    case AY_WORK_OP_MAP: return broadcast(s, operand, element);
    case AY_WORK_OP_MATMUL:
    case AY_WORK_OP_MATMUL_Q8: return matmul(s, operand, element, from, count);
    case AY_WORK_OP_REDUCE: return reduce(s, element, from, count);
    case AY_WORK_OP_PERMUTE: return permute(s, element);
    case AY_WORK_OP_VIEW: return view(s, element);
    case AY_WORK_OP_CONCAT: return concat(s, operand, element);
    case AY_WORK_OP_SCATTER: return scatter(operand, element, from, count);
    case AY_WORK_OP_NONE: break;
    }
    ay_panic(__FILE__, __LINE__, "no such op");
}
