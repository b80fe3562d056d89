#include "tensor/program.h"

#include "base/math.h"

#define LEAF_BYTES 1024u
/* A hash of a proof on the wire, with its tag and length. */
#define HASH_WIRE_BYTES 34u
#define Q8_BLOCK        32u
/* Bytes of a running state: a sum's 16 lanes, an arg's index and element; else an element's. */
#define STATE_SUM_BYTES 64u
#define STATE_ARG_BYTES 16u

static struct ay_tensor_type type_of(uint32_t dtype, const uint32_t *dims, uint32_t rank)
{
    struct ay_tensor_type t = {.dtype = dtype, .rank = rank};
    AY_ASSERT(rank <= AY_MAX_RANK);
    for (uint32_t i = 0; i < rank; i++) t.dims[i] = dims[i];
    return t;
}

uint32_t ay_program_values(const struct ay_work_program *p)
{
    return p->inputs_count + p->weights_count + p->ops_count;
}

uint32_t ay_program_output(const struct ay_work_program *p, uint32_t op)
{
    return p->inputs_count + p->weights_count + op;
}

void ay_program_type(const struct ay_work_program *p, uint32_t id, struct ay_tensor_type *out)
{
    AY_ASSERT(id < ay_program_values(p));
    if (id < p->inputs_count) {
        const struct ay_work_tensor_type *t = &p->inputs[id];
        *out = type_of(t->dtype, t->dims, t->dims_count);
    } else if (id - p->inputs_count < p->weights_count) {
        const struct ay_work_weight *w = &p->weights[id - p->inputs_count];
        *out = type_of(w->dtype, w->dims, w->dims_count);
    } else {
        const struct ay_work_op *op = &p->ops[id - p->inputs_count - p->weights_count];
        *out = type_of(op->dtype ? op->dtype : AY_WORK_DTYPE_F32, op->dims, op->dims_count);
    }
}

/* Type of an operand with the sizes known to be in range. */
static struct ay_tensor_type resolve(const struct ay_work_program *p, uint32_t id,
                                     const uint32_t *sizes)
{
    struct ay_tensor_type t;
    ay_program_type(p, id, &t);
    for (uint32_t i = 0; i < t.rank; i++) t.dims[i] = ay_dim_size(t.dims[i], sizes);
    return t;
}

static enum ay_code sizes_check(const struct ay_work_program *p, const uint32_t *sizes)
{
    for (uint32_t i = 0; i < p->max_dims_count; i++)
        if (sizes[i] == 0 || sizes[i] > p->max_dims[i]) return AY_E_RANGE;
    return AY_OK;
}

enum ay_code ay_program_shape(const struct ay_work_program *p, uint32_t id, const uint32_t *sizes,
                              struct ay_tensor_type *out)
{
    AY_TRY(sizes_check(p, sizes));
    *out = resolve(p, id, sizes);
    return AY_OK;
}

uint32_t ay_program_outputs(const struct ay_work_program *p)
{
    return p->outputs_count ? p->outputs_count : 1;
}

uint32_t ay_program_output_at(const struct ay_work_program *p, uint32_t i)
{
    AY_ASSERT(i < ay_program_outputs(p));
    return p->outputs_count ? p->outputs[i] : ay_program_output(p, p->ops_count - 1);
}

static struct ay_op_shape shape_of(const struct ay_work_program *p, uint32_t index,
                                   const uint32_t *sizes)
{
    const struct ay_work_op *op = &p->ops[index];
    struct ay_op_shape s = {.op = op, .out = resolve(p, ay_program_output(p, index), sizes)};
    for (uint32_t i = 0; i < op->in_count; i++) s.in[i] = resolve(p, op->in[i], sizes);
    for (uint32_t i = 0; i < op->view_count; i++) s.view[i] = ay_dim_size(op->view[i], sizes);
    for (uint32_t i = 0; i < op->grid_count; i++) s.grid[i] = ay_dim_size(op->grid[i], sizes);
    for (uint32_t i = 0; i < p->max_dims_count; i++) s.sizes[i] = sizes[i];
    return s;
}

enum ay_code ay_program_op_shape(const struct ay_work_program *p, uint32_t op,
                                 const uint32_t *sizes, struct ay_op_shape *out)
{
    AY_TRY(sizes_check(p, sizes));
    *out = shape_of(p, op, sizes);
    return AY_OK;
}

uint64_t ay_tensor_elements(const struct ay_tensor_type *t)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        AY_ASSERT(t->dims[i] < AY_DIM_SYMBOL && n <= AY_MAX_TENSOR_ELEMENTS);
        n *= t->dims[i];
    }
    return n;
}

/* What one op costs and what its evidence holds. */

static uint32_t chain(const struct ay_op_shape *s)
{
    const struct ay_tensor_type *in = &s->in[0];
    switch (s->op->kind) {
    case AY_WORK_OP_MATMUL:
    case AY_WORK_OP_MATMUL_Q8: return in->dims[in->rank - 1];
    case AY_WORK_OP_REDUCE: return in->dims[s->op->axis];
    case AY_WORK_OP_SCATTER: return s->in[1].dims[0];
    default: return 1;
    }
}

static uint32_t segment(const struct ay_work_op *op)
{
    switch (op->kind) {
    case AY_WORK_OP_MATMUL:
    case AY_WORK_OP_MATMUL_Q8: return AY_SEGMENT_CONTIGUOUS;
    case AY_WORK_OP_REDUCE:
        return op->axis + 1 == op->dims_count ? AY_SEGMENT_CONTIGUOUS : AY_SEGMENT_STRIDED;
    case AY_WORK_OP_SCATTER: return AY_SEGMENT_SCATTER;
    default: return 1;
    }
}

static uint64_t state_bytes(const struct ay_op_shape *s)
{
    uint64_t element = ay_dtype_bytes(s->out.dtype);
    if (s->op->kind != AY_WORK_OP_REDUCE) return element;
    uint32_t r = s->op->reduce;
    if (r == AY_WORK_REDUCE_ARGMAX || r == AY_WORK_REDUCE_ARGMIN) return STATE_ARG_BYTES;
    bool sum = r == AY_WORK_REDUCE_SUM || r == AY_WORK_REDUCE_SUMSQ;
    return sum && s->out.dtype == AY_WORK_DTYPE_F32 ? STATE_SUM_BYTES : element;
}

/* Bytes of `count` neighbouring elements of a tensor, opened with their proof. */
static uint64_t opening(const struct ay_tensor_type *t, uint32_t count)
{
    uint64_t element = ay_dtype_bytes(t->dtype), bytes = count * element;
    uint64_t leaves = (ay_tensor_elements(t) * element + LEAF_BYTES - 1) / LEAF_BYTES;
    /* from the last element of a leaf on */
    uint64_t opened = 1 + (bytes - element + LEAF_BYTES - 1) / LEAF_BYTES;
    uint64_t depth = leaves > 1 ? 64 - (uint64_t)__builtin_clzll(leaves - 1) : 0;
    if (count > 1) depth *= 2;
    return (opened < leaves ? opened : leaves) * LEAF_BYTES + depth * HASH_WIRE_BYTES;
}

/* Neighbouring elements that `taken` of the chain read of an operand. */
static uint32_t read_together(const struct ay_work_op *op, uint32_t operand, uint32_t taken)
{
    if (op->kind == AY_WORK_OP_MATMUL_Q8 && operand == 2) return (taken + Q8_BLOCK - 1) / Q8_BLOCK;
    return op->kind == AY_WORK_OP_SCATTER && operand == 0 ? 1 : taken;
}

static uint64_t evidence(const struct ay_op_shape *s)
{
    const struct ay_work_op *op = s->op;
    uint32_t length = chain(s), step = segment(op), taken = length < step ? length : step;
    uint64_t states = ((uint64_t)length + step - 1) / step * state_bytes(s), bytes = 0;
    for (uint32_t i = 0; i < op->in_count; i++)
        bytes += step == AY_SEGMENT_STRIDED ? taken * opening(&s->in[i], 1)
                                            : opening(&s->in[i], read_together(op, i, taken));
    return bytes > states ? bytes : states;
}

static uint64_t bytes_of(const struct ay_tensor_type *t, uint64_t most)
{
    uint64_t n = ay_tensor_elements(t);
    return (n < most ? n : most) * ay_dtype_bytes(t->dtype);
}

/* At most 2^32 elements of 2^31 each, and some bytes: below 2^64. */
static uint64_t op_units(const struct ay_op_shape *s)
{
    const struct ay_work_op *op = s->op;
    uint64_t out = ay_tensor_elements(&s->out), arithmetic = 0;
    uint64_t moved = bytes_of(&s->out, out);
    bool some = op->kind == AY_WORK_OP_GATHER || op->kind == AY_WORK_OP_VIEW;
    for (uint32_t i = 0; i < op->in_count; i++)
        moved += bytes_of(&s->in[i], some ? out : AY_MAX_TENSOR_ELEMENTS);
    if (op->kind == AY_WORK_OP_MAP) arithmetic = out * op->steps_count;
    if (op->kind == AY_WORK_OP_SCATTER) arithmetic = chain(s);
    if (op->kind == AY_WORK_OP_MATMUL || op->kind == AY_WORK_OP_MATMUL_Q8 ||
        op->kind == AY_WORK_OP_REDUCE)
        arithmetic = out * chain(s);
    return arithmetic + moved;
}

static enum ay_code units(const struct ay_work_program *p, const uint32_t *sizes, uint64_t *out)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->ops_count; i++) {
        struct ay_op_shape s = shape_of(p, i, sizes);
        AY_TRY(ay_add(sum, op_units(&s), &sum));
    }
    *out = sum;
    return AY_OK;
}

uint32_t ay_program_chain(const struct ay_work_program *p, uint32_t op, const uint32_t *sizes)
{
    AY_ASSERT(op < p->ops_count && sizes_check(p, sizes) == AY_OK);
    struct ay_op_shape s = shape_of(p, op, sizes);
    return chain(&s);
}

uint32_t ay_program_segment(const struct ay_work_program *p, uint32_t op)
{
    AY_ASSERT(op < p->ops_count);
    return segment(&p->ops[op]);
}

uint64_t ay_program_evidence(const struct ay_work_program *p, uint32_t op)
{
    AY_ASSERT(op < p->ops_count);
    struct ay_op_shape s = shape_of(p, op, p->max_dims);
    return evidence(&s);
}

uint64_t ay_program_op_units(const struct ay_work_program *p, uint32_t op)
{
    AY_ASSERT(op < p->ops_count);
    struct ay_op_shape s = shape_of(p, op, p->max_dims);
    return op_units(&s);
}

enum ay_code ay_program_units(const struct ay_work_program *p, const uint32_t *sizes, uint64_t *out)
{
    AY_TRY(sizes_check(p, sizes));
    return units(p, sizes, out);
}

uint64_t ay_program_max_units(const struct ay_work_program *p)
{
    uint64_t out = 0;
    enum ay_code code = units(p, p->max_dims, &out);
    AY_ASSERT(code == AY_OK);
    return out;
}
