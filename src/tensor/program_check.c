#include "tensor/program.h"
#include "tensor/ref/fn.h"

#define MAX_SIZE (1u << 24)
#define Q8_BLOCK 32u

/* The rules. Each returns NULL, or why the program is refused. */

static const char *type_fault(const struct ay_work_program *p, uint32_t dtype, const uint32_t *dims,
                              uint32_t rank, bool symbols)
{
    uint64_t n = 1;
    if (ay_dtype_kind(dtype) == AY_SCALAR_NONE) return "tensor without a dtype";
    if (rank == 0) return "tensor without dimensions";
    for (uint32_t i = 0; i < rank; i++) {
        bool symbol = dims[i] & AY_DIM_SYMBOL;
        if (symbol && !symbols) return "symbol in the shape of a weight";
        if (symbol && (dims[i] & ~AY_DIM_SYMBOL) >= p->max_dims_count) return "unknown symbol";
        if (dims[i] == 0) return "dimension of size 0";
        n *= ay_dim_size(dims[i], p->max_dims); /* below 2^32 * 2^31 */
        if (n > AY_MAX_TENSOR_ELEMENTS) return "tensor above 2^32 elements";
    }
    return n * ay_dtype_bytes(dtype) > AY_MAX_TENSOR_BYTES ? "tensor above 2^34 bytes" : NULL;
}

static const char *outputs_fault(const struct ay_work_program *p)
{
    for (uint32_t i = 0; i < p->outputs_count; i++) {
        if (p->outputs[i] < p->inputs_count + p->weights_count ||
            p->outputs[i] >= ay_program_values(p))
            return "output that no op makes";
        for (uint32_t j = 0; j < i; j++)
            if (p->outputs[i] == p->outputs[j]) return "output named twice";
    }
    return NULL;
}

static const char *head_fault(const struct ay_work_program *p)
{
    uint32_t seen = 0;
    if (p->numerics != 1) return "numerics is not 1";
    if (p->iterate != 1) return "iterate is not 1";
    if (p->ops_count == 0) return "no ops";
    for (uint32_t i = 0; i < p->max_dims_count; i++)
        if (p->max_dims[i] == 0 || p->max_dims[i] > MAX_SIZE) return "maximum size out of range";
    for (uint32_t i = 0; i < p->inputs_count; i++) {
        const struct ay_work_tensor_type *t = &p->inputs[i];
        const char *fault = type_fault(p, t->dtype, t->dims, t->dims_count, true);
        if (fault) return fault;
        for (uint32_t d = 0; d < t->dims_count; d++)
            if (t->dims[d] & AY_DIM_SYMBOL) seen |= 1u << (t->dims[d] & ~AY_DIM_SYMBOL);
    }
    if (seen + 1 != 1u << p->max_dims_count) return "symbol that no input fixes";
    for (uint32_t i = 0; i < p->weights_count; i++) {
        const struct ay_work_weight *w = &p->weights[i];
        const char *fault = type_fault(p, w->dtype, w->dims, w->dims_count, false);
        if (fault) return fault;
    }
    return outputs_fault(p);
}

static bool same_dims(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static bool is_ids(const struct ay_tensor_type *t)
{
    return t->dtype == AY_WORK_DTYPE_I32 || t->dtype == AY_WORK_DTYPE_I64;
}

/* The dtypes whose sums and products there are. */
static bool is_summed(const struct ay_tensor_type *t)
{
    return t->dtype == AY_WORK_DTYPE_F32 || is_ids(t);
}

/* An op as the rules see it: types as written in the program. */
struct op_types {
    const struct ay_work_program *p;
    const struct ay_work_op *op;
    struct ay_tensor_type out, in[AY_MAX_WORK_OP_IN];
};

static const char *gather_fault(const struct op_types *t)
{
    const struct ay_tensor_type *table = &t->in[0], *ids = &t->in[1], *out = &t->out;
    uint32_t axis = t->op->axis;
    if (t->op->in_count != 2) return "GATHER takes 2 operands";
    if (!is_ids(ids)) return "GATHER: ids are not i32 or i64";
    if (axis >= table->rank) return "GATHER: axis out of range";
    uint32_t after = table->rank - axis - 1;
    if (out->rank != axis + ids->rank + after || !same_dims(out->dims, table->dims, axis) ||
        !same_dims(out->dims + axis + ids->rank, table->dims + axis + 1, after))
        return "GATHER: output is not the table's shape with that of the ids for the axis";
    if (out->dtype != table->dtype) return "GATHER: output has another dtype than the table";
    if (same_dims(out->dims + axis, ids->dims, ids->rank)) return NULL;
    bool enough = ids->rank == 1 && !(ids->dims[0] & AY_DIM_SYMBOL) &&
                  ids->dims[0] >= ay_dim_size(out->dims[axis], t->p->max_dims);
    return enough ? NULL : "GATHER: fewer ids than output rows";
}

/* What an operand of step i is; NONE when there is no such operand. */
static enum ay_scalar_kind operand_kind(const struct op_types *t, const enum ay_scalar_kind *steps,
                                        uint32_t i, uint32_t arg)
{
    const struct ay_work_op *op = t->op;
    const uint32_t count[] = {[AY_MAP_INPUT] = op->in_count,
                              [AY_MAP_STEP] = i,
                              [AY_MAP_CONST] = op->consts_count,
                              [AY_MAP_DIM] = t->p->max_dims_count,
                              [AY_MAP_INT] = op->ints_count};
    uint32_t kind = arg >> 24, index = arg & 0xffffffu;
    if (kind > AY_MAP_INT || index >= count[kind]) return AY_SCALAR_NONE;
    if (kind == AY_MAP_INPUT) return ay_dtype_kind(t->in[index].dtype);
    if (kind == AY_MAP_STEP) return steps[index];
    return kind == AY_MAP_INT ? AY_SCALAR_INT : AY_SCALAR_F32;
}

static const char *steps_fault(const struct op_types *t)
{
    enum ay_scalar_kind kinds[AY_MAX_WORK_OP_STEPS];
    for (uint32_t i = 0; i < t->op->steps_count; i++) {
        const struct ay_work_map_step *step = &t->op->steps[i];
        const struct ay_fn_signature *s = ay_fn_signature((enum ay_fn)step->fn);
        if (s->arity == 0) return "MAP: step without a function";
        if (step->args_count != s->arity) return "MAP: wrong number of operands of a step";
        for (uint32_t a = 0; a < s->arity; a++) {
            enum ay_scalar_kind kind = operand_kind(t, kinds, i, step->args[a]);
            if (kind == AY_SCALAR_NONE) return "MAP: step operand does not exist";
            if (kind != s->args[a]) return "MAP: integer where a step takes an f32, or the reverse";
        }
        kinds[i] = s->result;
    }
    if (kinds[t->op->steps_count - 1] != ay_dtype_kind(t->out.dtype))
        return "MAP: last step's value is not of the output's kind";
    return NULL;
}

static const char *broadcast_fault(const struct op_types *t)
{
    const struct ay_tensor_type *out = &t->out;
    uint32_t covered = 0;
    for (uint32_t i = 0; i < t->op->in_count; i++) {
        const struct ay_tensor_type *in = &t->in[i];
        if (in->rank > out->rank) return "MAP: operand of higher rank than the output";
        uint32_t lead = out->rank - in->rank;
        for (uint32_t d = 0; d < in->rank; d++) {
            if (in->dims[d] == out->dims[lead + d])
                covered |= 1u << (lead + d);
            else if (in->dims[d] != 1)
                return "MAP: operand does not broadcast to the output";
        }
    }
    for (uint32_t d = 0; d < out->rank; d++)
        if (out->dims[d] != 1 && !(covered >> d & 1)) return "MAP: output wider than its operands";
    return NULL;
}

static const char *map_fault(const struct op_types *t)
{
    if (t->op->in_count == 0) return "MAP takes 1 to 6 operands";
    if (t->op->steps_count == 0) return "MAP without steps";
    for (uint32_t i = 0; i < t->op->consts_count; i++)
        if ((t->op->consts[i] & 0x7fffffffu) > 0x7f800000u) return "MAP: constant is NaN";
    const char *fault = steps_fault(t);
    return fault ? fault : broadcast_fault(t);
}

/* Is the output (batch of a, M, N)? */
static bool is_product(const struct op_types *t)
{
    const struct ay_tensor_type *a = &t->in[0], *b = &t->in[1], *out = &t->out;
    return out->rank == a->rank && same_dims(out->dims, a->dims, a->rank - 1) &&
           out->dims[a->rank - 1] == b->dims[b->rank - 2];
}

static bool is_factor(const struct ay_tensor_type *t)
{
    return t->dtype == AY_WORK_DTYPE_I8 || t->dtype == AY_WORK_DTYPE_U8 ||
           t->dtype == AY_WORK_DTYPE_I32;
}

static const char *matmul_fault(const struct op_types *t)
{
    const struct ay_tensor_type *a = &t->in[0], *b = &t->in[1];
    if (t->op->in_count != 2) return "MATMUL takes 2 operands";
    bool f32 = a->dtype == AY_WORK_DTYPE_F32 && b->dtype == AY_WORK_DTYPE_F32;
    if (!f32 && !(is_factor(a) && is_factor(b)))
        return "MATMUL: operands are not both f32, or both i8, u8 or i32";
    if (t->out.dtype != (f32 ? AY_WORK_DTYPE_F32 : AY_WORK_DTYPE_I32))
        return "MATMUL: output is not f32 of f32, i32 of integers";
    uint32_t r = a->rank;
    if (r < 2 || (b->rank != 2 && b->rank != r)) return "MATMUL: ranks do not match";
    if (b->rank > 2 && !same_dims(a->dims, b->dims, r - 2)) return "MATMUL: batches do not match";
    if (a->dims[r - 1] != b->dims[b->rank - 1]) return "MATMUL: K does not match";
    return is_product(t) ? NULL : "MATMUL: output is not (batch, M, N)";
}

static const char *matmul_q8_fault(const struct op_types *t)
{
    const struct ay_tensor_type *a = &t->in[0], *w = &t->in[1], *d = &t->in[2];
    if (t->op->in_count != 3) return "MATMUL_Q8 takes 3 operands";
    if (a->dtype != AY_WORK_DTYPE_F32 || w->dtype != AY_WORK_DTYPE_I8 ||
        d->dtype != AY_WORK_DTYPE_F32 || t->out.dtype != AY_WORK_DTYPE_F32)
        return "MATMUL_Q8 is not f32 of f32, i8 and f32";
    if (a->rank < 2 || w->rank != 2 || d->rank != 2) return "MATMUL_Q8: ranks do not match";
    uint32_t k = w->dims[1];
    if (k & AY_DIM_SYMBOL || a->dims[a->rank - 1] != k) return "MATMUL_Q8: K does not match";
    if (d->dims[0] != w->dims[0] || d->dims[1] != (k + Q8_BLOCK - 1) / Q8_BLOCK)
        return "MATMUL_Q8: scales are not (N, K / 32)";
    return is_product(t) ? NULL : "MATMUL_Q8: output is not (batch, M, N)";
}

static const char *reduce_fault(const struct op_types *t)
{
    const struct ay_tensor_type *in = &t->in[0];
    uint32_t r = t->op->reduce, dtype = in->dtype;
    if (t->op->in_count != 1) return "REDUCE takes 1 operand";
    if (r == AY_WORK_REDUCE_NONE || r > AY_WORK_REDUCE_ARGMIN) return "REDUCE without a reduction";
    bool sums = r == AY_WORK_REDUCE_SUM || r == AY_WORK_REDUCE_SUMSQ || r == AY_WORK_REDUCE_PROD;
    if (sums && !is_summed(in)) return "REDUCE: operand is not f32, i32 or i64";
    if (r == AY_WORK_REDUCE_ARGMAX || r == AY_WORK_REDUCE_ARGMIN) dtype = AY_WORK_DTYPE_I64;
    if (t->out.dtype != dtype) return "REDUCE: wrong dtype of the output";
    if (t->op->axis >= in->rank || t->out.rank != in->rank) return "REDUCE: axis out of range";
    for (uint32_t d = 0; d < in->rank; d++)
        if (t->out.dims[d] != (d == t->op->axis ? 1 : in->dims[d]))
            return "REDUCE: wrong output shape";
    return NULL;
}

/* A product of dims as a number and how often each symbol occurs. */
struct product {
    uint64_t number;
    uint32_t symbols[AY_MAX_SYMBOLS];
};

static bool product_of(const uint32_t *dims, uint32_t rank, struct product *out)
{
    *out = (struct product){.number = 1};
    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i] & AY_DIM_SYMBOL)
            out->symbols[dims[i] & ~AY_DIM_SYMBOL]++;
        else
            out->number *= dims[i];
        if (out->number > AY_MAX_TENSOR_ELEMENTS) return false;
    }
    return true;
}

static bool same_elements(const uint32_t *a, uint32_t a_rank, const uint32_t *b, uint32_t b_rank)
{
    struct product pa, pb;
    if (!product_of(a, a_rank, &pa) || !product_of(b, b_rank, &pb)) return false;
    return pa.number == pb.number && same_dims(pa.symbols, pb.symbols, AY_MAX_SYMBOLS);
}

static const char *permute_fault(const struct op_types *t)
{
    const struct ay_work_op *op = t->op;
    const struct ay_tensor_type *in = &t->in[0];
    uint32_t seen = 0, n = op->view_count;
    if (op->in_count != 1) return "PERMUTE takes 1 operand";
    if (t->out.dtype != in->dtype) return "PERMUTE: dtype changes";
    const char *fault = type_fault(t->p, in->dtype, op->view, n, true);
    if (fault) return fault;
    if (op->perm_count != n) return "PERMUTE: perm and view differ in length";
    for (uint32_t i = 0; i < n; i++)
        if (op->perm[i] < n) seen |= 1u << op->perm[i];
    if (seen + 1 != 1u << n) return "PERMUTE: perm is not a permutation";
    if (!same_elements(in->dims, in->rank, op->view, n) ||
        !same_elements(op->view, n, t->out.dims, t->out.rank))
        return "PERMUTE: number of elements changes";
    return NULL;
}

static bool are_i32(const int64_t *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (x[i] < INT32_MIN || x[i] > INT32_MAX) return false;
    return true;
}

static const char *view_fault(const struct op_types *t)
{
    const struct ay_work_op *op = t->op;
    const struct ay_tensor_type *in = &t->in[0];
    if (op->in_count != 1) return "VIEW takes 1 operand";
    if (t->out.dtype != in->dtype) return "VIEW: dtype changes";
    const char *fault = type_fault(t->p, in->dtype, op->view, op->view_count, true);
    if (!fault) fault = type_fault(t->p, in->dtype, op->grid, op->grid_count, true);
    if (fault) return fault;
    if (!same_elements(in->dims, in->rank, op->view, op->view_count))
        return "VIEW: view has not as many elements as the operand";
    if (!same_elements(op->grid, op->grid_count, t->out.dims, t->out.rank))
        return "VIEW: grid has not as many elements as the output";
    if (op->offsets_count != op->view_count || op->coefs_count != op->view_count * op->grid_count)
        return "VIEW: wrong number of offsets or coefficients";
    if (!are_i32(op->offsets, op->offsets_count) || !are_i32(op->coefs, op->coefs_count))
        return "VIEW: offset or coefficient beyond 32 bits";
    return ay_dtype_canonical(in->dtype, op->fill) ? NULL : "VIEW: fill is not an element";
}

static const char *concat_fault(const struct op_types *t)
{
    const struct ay_tensor_type *first = &t->in[0], *out = &t->out;
    uint32_t axis = t->op->axis;
    uint64_t width = 0;
    if (t->op->in_count < 2) return "CONCAT takes 2 to 6 operands";
    if (axis >= out->rank) return "CONCAT: axis out of range";
    for (uint32_t i = 0; i < t->op->in_count; i++) {
        const struct ay_tensor_type *in = &t->in[i];
        if (in->dtype != first->dtype || out->dtype != first->dtype) return "CONCAT: dtypes differ";
        if (in->rank != out->rank) return "CONCAT: ranks differ";
        for (uint32_t d = 0; d < out->rank; d++)
            if (d != axis && in->dims[d] != out->dims[d]) return "CONCAT: shapes do not match";
        if (in->dims[axis] & AY_DIM_SYMBOL) return "CONCAT: symbol along the axis";
        width += in->dims[axis];
    }
    return width == out->dims[axis] ? NULL : "CONCAT: wrong size along the axis";
}

static const char *scatter_fault(const struct op_types *t)
{
    const struct ay_tensor_type *data = &t->in[0], *ids = &t->in[1], *updates = &t->in[2];
    uint32_t r = t->op->reduce;
    if (t->op->in_count != 3) return "SCATTER takes 3 operands";
    if (!is_ids(ids)) return "SCATTER: ids are not i32 or i64";
    if (ids->rank != 1 || updates->rank != 1 || ids->dims[0] != updates->dims[0])
        return "SCATTER: ids and updates are not (K)";
    if (updates->dtype != data->dtype || t->out.dtype != data->dtype)
        return "SCATTER: dtypes differ";
    if (t->out.rank != data->rank || !same_dims(t->out.dims, data->dims, data->rank))
        return "SCATTER: output has another shape than the data";
    if (r == AY_WORK_REDUCE_NONE || r == AY_WORK_REDUCE_MAX || r == AY_WORK_REDUCE_MIN) return NULL;
    if (r != AY_WORK_REDUCE_SUM && r != AY_WORK_REDUCE_PROD)
        return "SCATTER: not NONE, SUM, PROD, MAX or MIN";
    return is_summed(data) ? NULL : "SCATTER: data is not f32, i32 or i64";
}

/* No op has a field set that it does not use. */
static const char *unused_fault(const struct ay_work_op *op)
{
    uint32_t k = op->kind;
    bool view = k == AY_WORK_OP_VIEW, permute = k == AY_WORK_OP_PERMUTE;
    bool axis = k == AY_WORK_OP_REDUCE || k == AY_WORK_OP_GATHER || k == AY_WORK_OP_CONCAT;
    if (op->reduce && k != AY_WORK_OP_REDUCE && k != AY_WORK_OP_SCATTER)
        return "reduction in an op that has none";
    if (op->axis && !axis) return "axis in an op that has none";
    if (k != AY_WORK_OP_MAP && (op->steps_count || op->consts_count || op->ints_count))
        return "field of MAP in another op";
    if (op->view_count && !view && !permute) return "view in an op that has none";
    if (op->perm_count && !permute) return "field of PERMUTE in another op";
    if (!view && (op->grid_count || op->coefs_count || op->offsets_count || op->fill))
        return "field of VIEW in another op";
    return NULL;
}

static const char *op_fault(const struct ay_work_program *p, uint32_t index)
{
    const struct ay_work_op *op = &p->ops[index];
    struct op_types t = {.p = p, .op = op};
    for (uint32_t i = 0; i < op->in_count; i++) {
        if (op->in[i] >= ay_program_output(p, index)) return "operand is not earlier than its use";
        ay_program_type(p, op->in[i], &t.in[i]);
    }
    ay_program_type(p, ay_program_output(p, index), &t.out);
    const char *fault = type_fault(p, t.out.dtype, op->dims, op->dims_count, true);
    if (!fault) fault = unused_fault(op);
    if (fault) return fault;
    switch ((enum ay_work_op_kind)op->kind) {
    case AY_WORK_OP_GATHER: return gather_fault(&t);
    case AY_WORK_OP_MAP: return map_fault(&t);
    case AY_WORK_OP_MATMUL: return matmul_fault(&t);
    case AY_WORK_OP_REDUCE: return reduce_fault(&t);
    case AY_WORK_OP_PERMUTE: return permute_fault(&t);
    case AY_WORK_OP_VIEW: return view_fault(&t);
    case AY_WORK_OP_CONCAT: return concat_fault(&t);
    case AY_WORK_OP_SCATTER: return scatter_fault(&t);
    case AY_WORK_OP_MATMUL_Q8: return matmul_q8_fault(&t);
    case AY_WORK_OP_NONE: break;
    }
    return "unknown op";
}

enum ay_code ay_program_check(const struct ay_work_program *p, struct ay_program_fault *fault)
{
    struct ay_program_fault ignored;
    if (!fault) fault = &ignored;
    *fault = (struct ay_program_fault){AY_NO_OP, head_fault(p)};
    if (fault->reason) return AY_E_WORK_PROGRAM;
    uint64_t total = 0;
    for (uint32_t i = 0; i < p->ops_count; i++) {
        *fault = (struct ay_program_fault){i, op_fault(p, i)};
        if (fault->reason) return AY_E_WORK_PROGRAM;
        if (ay_program_evidence(p, i) > AY_MAX_EVIDENCE_BYTES)
            fault->reason = "evidence above 128 KiB";
        total += ay_program_op_units(p, i); /* both below 2^63 and a bit */
        if (total >> 63) fault->reason = "units above 2^63";
        if (fault->reason) return AY_E_WORK_PROGRAM;
    }
    *fault = (struct ay_program_fault){AY_NO_OP, NULL};
    return AY_OK;
}
