#include "tensor/program.h"

#include "base/math.h"

#define LEAF_BYTES 1024u
/* A hash of a proof on the wire, with its tag and length. */
#define HASH_WIRE_BYTES 34u
#define MAX_SIZE        (1u << 24)
/* Bytes of a running state: a chain's or a maximum's f32, a sum's 16 lanes. */
#define STATE_BYTES     4u
#define STATE_SUM_BYTES 64u

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
        *out = type_of(AY_WORK_DTYPE_F32, op->dims, op->dims_count);
    }
}

static uint32_t dim_size(uint32_t dim, const uint32_t *sizes)
{
    return dim & AY_DIM_SYMBOL ? sizes[dim & ~AY_DIM_SYMBOL] : dim;
}

/* Type of an operand with the sizes known to be in range. */
static struct ay_tensor_type resolve(const struct ay_work_program *p, uint32_t id,
                                     const uint32_t *sizes)
{
    struct ay_tensor_type t;
    ay_program_type(p, id, &t);
    for (uint32_t i = 0; i < t.rank; i++) t.dims[i] = dim_size(t.dims[i], sizes);
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

static uint32_t chain(const struct ay_work_program *p, const struct ay_work_op *op,
                      const uint32_t *sizes)
{
    if (op->kind != AY_WORK_OP_MATMUL && op->kind != AY_WORK_OP_REDUCE) return 1;
    struct ay_tensor_type in = resolve(p, op->in[0], sizes);
    return in.dims[op->kind == AY_WORK_OP_REDUCE ? op->axis : in.rank - 1];
}

static uint32_t segment(const struct ay_work_op *op)
{
    if (op->kind == AY_WORK_OP_MATMUL) return AY_SEGMENT_CONTIGUOUS;
    if (op->kind != AY_WORK_OP_REDUCE) return 1;
    return op->axis + 1 == op->dims_count ? AY_SEGMENT_CONTIGUOUS : AY_SEGMENT_STRIDED;
}

/* Bytes of `count` neighbouring elements of a tensor, opened with their proof. */
static uint64_t opening(const struct ay_tensor_type *t, uint32_t count)
{
    uint64_t leaves = (ay_tensor_elements(t) * 4 + LEAF_BYTES - 1) / LEAF_BYTES;
    uint64_t opened = (uint64_t)count * 4 / LEAF_BYTES + 1;
    uint64_t depth = leaves > 1 ? 64 - (uint64_t)__builtin_clzll(leaves - 1) : 0;
    if (count > 1) depth *= 2;
    return (opened < leaves ? opened : leaves) * LEAF_BYTES + depth * HASH_WIRE_BYTES;
}

static uint64_t evidence(const struct ay_work_program *p, const struct ay_work_op *op,
                         const uint32_t *sizes)
{
    uint32_t length = chain(p, op, sizes), step = segment(op);
    uint32_t taken = length < step ? length : step;
    bool strided = step == AY_SEGMENT_STRIDED;
    bool sum = op->kind == AY_WORK_OP_REDUCE && op->reduce != AY_WORK_REDUCE_MAX;
    uint64_t states = ((uint64_t)length + step - 1) / step * (sum ? STATE_SUM_BYTES : STATE_BYTES);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < op->in_count; i++) {
        struct ay_tensor_type t = resolve(p, op->in[i], sizes);
        bytes += strided ? taken * opening(&t, 1) : opening(&t, taken);
    }
    return bytes > states ? bytes : states;
}

/* Saturates at 2^63: the caller refuses what reaches it. */
static uint64_t op_units(const struct ay_work_program *p, const struct ay_work_op *op,
                         uint32_t output, const uint32_t *sizes)
{
    struct ay_tensor_type t = resolve(p, output, sizes);
    uint64_t out = ay_tensor_elements(&t);
    uint64_t moved = out, arithmetic = 0;
    for (uint32_t i = 0; i < op->in_count; i++) {
        t = resolve(p, op->in[i], sizes);
        uint64_t n = ay_tensor_elements(&t);
        moved += op->kind == AY_WORK_OP_GATHER && n > out ? out : n;
    }
    if (op->kind == AY_WORK_OP_MAP) arithmetic = out * op->steps_count;
    if (op->kind == AY_WORK_OP_MATMUL || op->kind == AY_WORK_OP_REDUCE)
        arithmetic = out * chain(p, op, sizes);
    return arithmetic + moved * 4;
}

static enum ay_code units(const struct ay_work_program *p, const uint32_t *sizes, uint64_t *out)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->ops_count; i++)
        AY_TRY(ay_add(sum, op_units(p, &p->ops[i], ay_program_output(p, i), sizes), &sum));
    *out = sum;
    return AY_OK;
}

uint32_t ay_program_chain(const struct ay_work_program *p, uint32_t op, const uint32_t *sizes)
{
    AY_ASSERT(op < p->ops_count);
    return chain(p, &p->ops[op], sizes);
}

uint32_t ay_program_segment(const struct ay_work_program *p, uint32_t op)
{
    AY_ASSERT(op < p->ops_count);
    return segment(&p->ops[op]);
}

uint64_t ay_program_evidence(const struct ay_work_program *p, uint32_t op)
{
    AY_ASSERT(op < p->ops_count);
    return evidence(p, &p->ops[op], p->max_dims);
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

/* The rules. Each returns NULL, or why the program is refused. */

static const char *type_fault(const struct ay_work_program *p, uint32_t dtype, const uint32_t *dims,
                              uint32_t rank, bool symbols)
{
    uint64_t n = 1;
    if (dtype == AY_WORK_DTYPE_NONE) return "tensor without a dtype";
    if (rank == 0) return "tensor without dimensions";
    for (uint32_t i = 0; i < rank; i++) {
        bool symbol = dims[i] & AY_DIM_SYMBOL;
        if (symbol && !symbols) return "symbol in the shape of a weight";
        if (symbol && (dims[i] & ~AY_DIM_SYMBOL) >= p->max_dims_count) return "unknown symbol";
        if (dims[i] == 0) return "dimension of size 0";
        n *= dim_size(dims[i], p->max_dims); /* below 2^32 * 2^31 */
        if (n > AY_MAX_TENSOR_ELEMENTS) return "tensor above 2^32 elements";
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
    return NULL;
}

static bool same_dims(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static const char *gather_fault(const struct ay_work_program *p, const struct ay_work_op *op,
                                const struct ay_tensor_type *in)
{
    const struct ay_tensor_type *table = &in[0], *ids = &in[1];
    if (op->in_count != 2) return "GATHER takes 2 operands";
    if (table->dtype != AY_WORK_DTYPE_F32 || table->rank != 2)
        return "GATHER: table is not f32 (V, D)";
    if (ids->dtype != AY_WORK_DTYPE_I32 || ids->rank != 1) return "GATHER: ids are not i32 (n)";
    if (op->dims_count != 2 || op->dims[1] != table->dims[1]) return "GATHER: output is not (n, D)";
    bool enough =
        !(ids->dims[0] & AY_DIM_SYMBOL) && ids->dims[0] >= dim_size(op->dims[0], p->max_dims);
    return op->dims[0] == ids->dims[0] || enough ? NULL : "GATHER: fewer ids than output rows";
}

static const char *step_fault(const struct ay_work_program *p, const struct ay_work_op *op,
                              uint32_t i)
{
    const struct ay_work_map_step *step = &op->steps[i];
    const uint32_t bound[] = {op->in_count, i, op->consts_count, p->max_dims_count};
    if (step->fn == AY_WORK_FN_NONE) return "MAP: step without a function";
    if (step->args_count != (step->fn <= AY_WORK_FN_MAX ? 2u : 1u))
        return "MAP: wrong number of operands of a step";
    for (uint32_t a = 0; a < step->args_count; a++) {
        uint32_t kind = step->args[a] >> 24, index = step->args[a] & 0xffffffu;
        if (kind > 3 || index >= bound[kind]) return "MAP: step operand does not exist";
    }
    return NULL;
}

static const char *map_fault(const struct ay_work_program *p, const struct ay_work_op *op,
                             const struct ay_tensor_type *in)
{
    if (op->in_count == 0) return "MAP takes 1 to 6 operands";
    if (op->steps_count == 0) return "MAP without steps";
    for (uint32_t i = 0; i < op->steps_count; i++) {
        const char *fault = step_fault(p, op, i);
        if (fault) return fault;
    }
    for (uint32_t i = 0; i < op->consts_count; i++)
        if ((op->consts[i] & 0x7fffffffu) > 0x7f800000u) return "MAP: constant is NaN";
    uint32_t covered = 0;
    for (uint32_t i = 0; i < op->in_count; i++) {
        if (in[i].dtype != AY_WORK_DTYPE_F32) return "MAP: operand is not f32";
        if (in[i].rank > op->dims_count) return "MAP: operand of higher rank than the output";
        uint32_t lead = op->dims_count - in[i].rank;
        for (uint32_t d = 0; d < in[i].rank; d++) {
            if (in[i].dims[d] == op->dims[lead + d])
                covered |= 1u << (lead + d);
            else if (in[i].dims[d] != 1)
                return "MAP: operand does not broadcast to the output";
        }
    }
    for (uint32_t d = 0; d < op->dims_count; d++)
        if (op->dims[d] != 1 && !(covered >> d & 1)) return "MAP: output wider than its operands";
    return NULL;
}

static const char *matmul_fault(const struct ay_work_op *op, const struct ay_tensor_type *in)
{
    const struct ay_tensor_type *a = &in[0], *b = &in[1];
    if (op->in_count != 2) return "MATMUL takes 2 operands";
    uint32_t r = a->rank;
    if (a->dtype != AY_WORK_DTYPE_F32 || b->dtype != AY_WORK_DTYPE_F32)
        return "MATMUL: operand is not f32";
    if (r < 2 || (b->rank != 2 && b->rank != r)) return "MATMUL: ranks do not match";
    if (b->rank > 2 && !same_dims(a->dims, b->dims, r - 2)) return "MATMUL: batches do not match";
    if (a->dims[r - 1] != b->dims[b->rank - 1]) return "MATMUL: K does not match";
    if (op->dims_count != r || !same_dims(op->dims, a->dims, r - 1) ||
        op->dims[r - 1] != b->dims[b->rank - 2])
        return "MATMUL: output is not (batch, M, N)";
    return NULL;
}

static const char *reduce_fault(const struct ay_work_op *op, const struct ay_tensor_type *in)
{
    if (op->in_count != 1) return "REDUCE takes 1 operand";
    if (in->dtype != AY_WORK_DTYPE_F32) return "REDUCE: operand is not f32";
    if (op->reduce == AY_WORK_REDUCE_NONE) return "REDUCE without a reduction";
    if (op->axis >= in->rank || op->dims_count != in->rank) return "REDUCE: axis out of range";
    for (uint32_t d = 0; d < in->rank; d++)
        if (op->dims[d] != (d == op->axis ? 1 : in->dims[d])) return "REDUCE: wrong output shape";
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

static const char *permute_fault(const struct ay_work_program *p, const struct ay_work_op *op,
                                 const struct ay_tensor_type *in)
{
    uint32_t seen = 0, n = op->view_count;
    if (op->in_count != 1) return "PERMUTE takes 1 operand";
    if (in->dtype != AY_WORK_DTYPE_F32) return "PERMUTE: operand is not f32";
    const char *fault = type_fault(p, in->dtype, op->view, n, true);
    if (fault) return fault;
    if (op->perm_count != n) return "PERMUTE: perm and view differ in length";
    for (uint32_t i = 0; i < n; i++)
        if (op->perm[i] < n) seen |= 1u << op->perm[i];
    if (seen + 1 != 1u << n) return "PERMUTE: perm is not a permutation";
    if (!same_elements(in->dims, in->rank, op->view, n) ||
        !same_elements(op->view, n, op->dims, op->dims_count))
        return "PERMUTE: number of elements changes";
    return NULL;
}

static const char *unused_fault(const struct ay_work_op *op)
{
    bool reduce = op->kind == AY_WORK_OP_REDUCE, map = op->kind == AY_WORK_OP_MAP;
    if (!reduce && (op->reduce != 0 || op->axis != 0)) return "field of REDUCE in another op";
    if (!map && (op->steps_count || op->consts_count)) return "field of MAP in another op";
    if (op->kind != AY_WORK_OP_PERMUTE && (op->view_count || op->perm_count))
        return "field of PERMUTE in another op";
    return NULL;
}

static const char *op_fault(const struct ay_work_program *p, uint32_t index)
{
    const struct ay_work_op *op = &p->ops[index];
    struct ay_tensor_type in[AY_MAX_WORK_OP_IN];
    for (uint32_t i = 0; i < op->in_count; i++) {
        if (op->in[i] >= ay_program_output(p, index)) return "operand is not earlier than its use";
        ay_program_type(p, op->in[i], &in[i]);
    }
    const char *fault = type_fault(p, AY_WORK_DTYPE_F32, op->dims, op->dims_count, true);
    if (!fault) fault = unused_fault(op);
    if (fault) return fault;
    switch (op->kind) {
    case AY_WORK_OP_GATHER: return gather_fault(p, op, in);
    case AY_WORK_OP_MAP: return map_fault(p, op, in);
    case AY_WORK_OP_MATMUL: return matmul_fault(op, in);
    case AY_WORK_OP_REDUCE: return reduce_fault(op, in);
    case AY_WORK_OP_PERMUTE: return permute_fault(p, op, in);
    default: return "unknown op";
    }
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
        const struct ay_work_op *op = &p->ops[i];
        if (evidence(p, op, p->max_dims) > AY_MAX_EVIDENCE_BYTES)
            fault->reason = "evidence above 128 KiB";
        /* 2^32 elements times 2^31 each is below 2^63, so that one op does not overflow. */
        total += op_units(p, op, ay_program_output(p, i), p->max_dims);
        if (total >> 63) fault->reason = "units above 2^63";
        if (fault->reason) return AY_E_WORK_PROGRAM;
    }
    *fault = (struct ay_program_fault){AY_NO_OP, NULL};
    return AY_OK;
}
