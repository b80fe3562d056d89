#include "tensor/ref/bytes.h"

#include "tensor/reach.h"
#include "tensor/ref/float.h"
#include "tensor/ref/ops.h"

_Static_assert(AY_REF_STATE_BYTES == 4 * 16, "the partials of a sum");

static float load_f32(const uint8_t *le, uint64_t i)
{
    return ay_f32(ay_get_le32(le + 4 * i));
}

static void store_f32(uint8_t *le, uint64_t i, float x)
{
    ay_put_le32(le + 4 * i, ay_f32_bits(x));
}

/* Element i of an operand. */
static uint64_t bits_of(const struct ay_op_shape *s, const struct ay_ref_part *part,
                        uint32_t operand, uint64_t i)
{
    uint32_t bytes = ay_dtype_bytes(s->in[operand].dtype);
    return ay_element_get(part->x[operand] + i * bytes, bytes);
}

static int64_t int_of(const struct ay_op_shape *s, const struct ay_ref_part *part, uint32_t operand,
                      uint64_t i)
{
    return ay_dtype_widen(s->in[operand].dtype, bits_of(s, part, operand, i));
}

static bool is_arg(const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_REDUCE &&
           (op->reduce == AY_WORK_REDUCE_ARGMAX || op->reduce == AY_WORK_REDUCE_ARGMIN);
}

static bool is_f32_sum(const struct ay_op_shape *s)
{
    return s->op->kind == AY_WORK_OP_REDUCE && s->out.dtype == AY_WORK_DTYPE_F32 &&
           (s->op->reduce == AY_WORK_REDUCE_SUM || s->op->reduce == AY_WORK_REDUCE_SUMSQ);
}

uint32_t ay_ref_state_bytes(const struct ay_op_shape *s)
{
    if (is_f32_sum(s)) return AY_REF_STATE_BYTES;
    return is_arg(s->op) ? 16 : ay_dtype_bytes(s->out.dtype);
}

/* Before anything was reduced. */
static uint64_t reduce_start(const struct ay_op_shape *s)
{
    bool f32 = s->out.dtype == AY_WORK_DTYPE_F32;
    switch ((enum ay_work_reduce)s->op->reduce) {
    case AY_WORK_REDUCE_MAX:
        return f32 ? AY_NEG_INF_BITS : ay_dtype_narrow(s->out.dtype, ay_dtype_lowest(s->out.dtype));
    case AY_WORK_REDUCE_MIN:
        return f32 ? AY_INF_BITS : ay_dtype_narrow(s->out.dtype, ay_dtype_highest(s->out.dtype));
    case AY_WORK_REDUCE_PROD: return f32 ? ay_f32_bits(1.0F) : 1;
    case AY_WORK_REDUCE_SUM:
    case AY_WORK_REDUCE_SUMSQ:
    case AY_WORK_REDUCE_ARGMAX:
    case AY_WORK_REDUCE_ARGMIN:
    case AY_WORK_REDUCE_NONE: break;
    }
    return 0;
}

void ay_ref_state_start(const struct ay_op_shape *s, uint8_t state[AY_REF_STATE_BYTES])
{
    memset(state, 0, AY_REF_STATE_BYTES);
    if (s->op->kind == AY_WORK_OP_REDUCE)
        ay_element_put(state, ay_dtype_bytes(s->out.dtype), reduce_start(s));
}

static void run_map(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    struct ay_scalar inputs[AY_MAX_WORK_OP_IN];
    for (uint32_t i = 0; i < s->op->in_count; i++)
        inputs[i] = ay_ref_load(s->in[i].dtype, bits_of(s, part, i, 0));
    ay_element_put(state, ay_dtype_bytes(s->out.dtype),
                   ay_ref_store(s->out.dtype, ay_ref_map(s, inputs)));
}

static void run_matmul(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    if (s->out.dtype != AY_WORK_DTYPE_F32) {
        int32_t acc = (int32_t)ay_get_le32(state);
        for (uint32_t k = 0; k < part->count; k++)
            acc = ay_ref_chain_int(acc, (int32_t)int_of(s, part, 0, k),
                                   (int32_t)int_of(s, part, 1, k));
        ay_put_le32(state, (uint32_t)acc);
        return;
    }
    float acc = load_f32(state, 0);
    for (uint32_t k = 0; k < part->count; k++) {
        float a = load_f32(part->x[0], k), b = load_f32(part->x[1], k);
        acc = ay_ref_chain(acc, &a, &b, 1);
    }
    store_f32(state, 0, acc);
}

static void run_matmul_q8(const struct ay_ref_part *part, uint8_t *state)
{
    float acc = load_f32(state, 0);
    AY_ASSERT(part->from % AY_Q8_BLOCK == 0);
    for (uint32_t first = 0; first < part->count; first += AY_Q8_BLOCK) {
        uint32_t left = part->count - first, n = left < AY_Q8_BLOCK ? left : AY_Q8_BLOCK;
        float a[AY_Q8_BLOCK], d = load_f32(part->x[2], first / AY_Q8_BLOCK);
        int8_t w[AY_Q8_BLOCK];
        for (uint32_t k = 0; k < n; k++) a[k] = load_f32(part->x[0], first + k);
        memcpy(w, part->x[1] + first, n);
        acc = ay_ref_chain_q8(acc, a, w, &d, n);
    }
    store_f32(state, 0, acc);
}

static void run_f32_sum(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    struct ay_ref_sum sum = {.next = part->from};
    for (uint32_t l = 0; l < 16; l++) sum.lane[l] = load_f32(state, l);
    for (uint32_t i = 0; i < part->count; i++) {
        float x = load_f32(part->x[0], i);
        if (s->op->reduce == AY_WORK_REDUCE_SUM)
            ay_ref_sum_add(&sum, x);
        else
            ay_ref_sum_square(&sum, x);
    }
    for (uint32_t l = 0; l < 16; l++) store_f32(state, l, sum.lane[l]);
}

/* One more element into an extreme, a product or an integer sum of this dtype, as bits. */
static uint64_t take_in(uint32_t dtype, enum ay_work_reduce reduce, uint64_t acc, uint64_t x)
{
    if (dtype != AY_WORK_DTYPE_F32)
        return ay_dtype_narrow(
            dtype, ay_ref_reduce_int(reduce, ay_dtype_widen(dtype, acc), ay_dtype_widen(dtype, x)));
    float a = ay_f32((uint32_t)acc), b = ay_f32((uint32_t)x);
    if (reduce == AY_WORK_REDUCE_SUM) return ay_f32_bits(a + b);
    if (reduce == AY_WORK_REDUCE_PROD) return ay_f32_bits(a * b);
    return ay_f32_bits(reduce == AY_WORK_REDUCE_MAX ? ay_ref_max(a, b) : ay_ref_min(a, b));
}

static bool beats(uint32_t dtype, enum ay_work_reduce reduce, uint64_t x, uint64_t best)
{
    if (dtype == AY_WORK_DTYPE_F32)
        return ay_ref_beats(reduce, ay_f32((uint32_t)x), ay_f32((uint32_t)best));
    int64_t a = ay_dtype_widen(dtype, x), b = ay_dtype_widen(dtype, best);
    return reduce == AY_WORK_REDUCE_ARGMAX ? a > b : a < b;
}

static void run_arg(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    uint64_t index = ay_element_get(state, 8), best = ay_element_get(state + 8, 8);
    for (uint32_t i = 0; i < part->count; i++) {
        uint64_t x = bits_of(s, part, 0, i);
        bool first = part->from + i == 0;
        if (!first && !beats(s->in[0].dtype, (enum ay_work_reduce)s->op->reduce, x, best)) continue;
        index = part->from + i;
        best = ay_ref_store(s->in[0].dtype, ay_ref_load(s->in[0].dtype, x));
    }
    ay_element_put(state, 8, index);
    ay_element_put(state + 8, 8, best);
}

static void run_reduce(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    uint32_t bytes = ay_dtype_bytes(s->out.dtype);
    uint64_t acc = ay_element_get(state, bytes);
    if (is_f32_sum(s)) return run_f32_sum(s, part, state);
    if (is_arg(s->op)) return run_arg(s, part, state);
    for (uint32_t i = 0; i < part->count; i++)
        acc =
            take_in(s->out.dtype, (enum ay_work_reduce)s->op->reduce, acc, bits_of(s, part, 0, i));
    ay_element_put(state, bytes, acc);
}

static void run_scatter(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    uint32_t bytes = ay_dtype_bytes(s->out.dtype);
    enum ay_work_reduce reduce = (enum ay_work_reduce)s->op->reduce;
    uint64_t acc = part->from == 0 ? bits_of(s, part, 0, 0) : ay_element_get(state, bytes);
    for (uint32_t k = 0; k < part->count; k++) {
        if (int_of(s, part, 1, k) != (int64_t)part->element) continue;
        uint64_t u = bits_of(s, part, 2, k);
        acc = reduce == AY_WORK_REDUCE_NONE ? u : take_in(s->out.dtype, reduce, acc, u);
    }
    ay_element_put(state, bytes, acc);
}

/* The element of whichever operand is read; the fill of a VIEW where none is. */
static void run_move(const struct ay_op_shape *s, const struct ay_ref_part *part, uint8_t *state)
{
    uint32_t from = 0;
    while (from < s->op->in_count && !part->x[from]) from++;
    uint64_t bits = from < s->op->in_count ? bits_of(s, part, from, 0) : s->op->fill;
    ay_element_put(state, ay_dtype_bytes(s->out.dtype), bits);
}

void ay_ref_state_run(const struct ay_op_shape *s, const struct ay_ref_part *part,
                      uint8_t state[AY_REF_STATE_BYTES])
{
    AY_ASSERT(part->count > 0);
    switch ((enum ay_work_op_kind)s->op->kind) {
    case AY_WORK_OP_MAP: run_map(s, part, state); return;
    case AY_WORK_OP_MATMUL: run_matmul(s, part, state); return;
    case AY_WORK_OP_MATMUL_Q8: run_matmul_q8(part, state); return;
    case AY_WORK_OP_REDUCE: run_reduce(s, part, state); return;
    case AY_WORK_OP_SCATTER: run_scatter(s, part, state); return;
    case AY_WORK_OP_GATHER:
    case AY_WORK_OP_PERMUTE:
    case AY_WORK_OP_VIEW:
    case AY_WORK_OP_CONCAT: run_move(s, part, state); return;
    case AY_WORK_OP_NONE: break;
    }
    ay_panic(__FILE__, __LINE__, "no such op");
}

uint64_t ay_ref_state_finish(const struct ay_op_shape *s, const uint8_t state[AY_REF_STATE_BYTES])
{
    if (!is_f32_sum(s)) return ay_element_get(state, ay_dtype_bytes(s->out.dtype));
    struct ay_ref_sum sum = {{0}};
    for (uint32_t l = 0; l < 16; l++) sum.lane[l] = load_f32(state, l);
    return ay_f32_bits(ay_ref_sum_finish(&sum));
}

bool ay_ref_canonical(uint32_t dtype, const uint8_t *le, uint64_t n)
{
    uint32_t bytes = ay_dtype_bytes(dtype);
    for (uint64_t i = 0; i < n; i++)
        if (!ay_dtype_canonical(dtype, ay_element_get(le + i * bytes, bytes))) return false;
    return true;
}

/* What a part reads of an operand: where it lies, or picked together. */
static const uint8_t *read_of(const struct ay_op_shape *s, uint32_t operand,
                              const struct ay_ref_part *part, const int64_t *id, const uint8_t *in,
                              uint8_t picked[AY_SEGMENT_STRIDED * 8])
{
    struct ay_reach r = ay_reach_of(s, operand, part->element, part->from, part->count, id);
    uint32_t bytes = ay_dtype_bytes(s->in[operand].dtype);
    if (r.count == 0) return NULL;
    if (r.stride == 1) return in + r.first * bytes;
    AY_ASSERT(r.count <= AY_SEGMENT_STRIDED);
    for (uint32_t i = 0; i < r.count; i++)
        memcpy(picked + (size_t)i * bytes, in + (r.first + i * r.stride) * bytes, bytes);
    return picked;
}

enum ay_code ay_ref_eval(const struct ay_work_program *program, uint32_t op, const uint32_t *sizes,
                         const uint8_t *const *in, uint8_t *out)
{
    struct ay_op_shape s;
    AY_TRY(ay_program_op_shape(program, op, sizes, &s));
    uint32_t chain = ay_program_chain(program, op, sizes), bytes = ay_dtype_bytes(s.out.dtype);
    uint32_t step = ay_program_segment(program, op);
    uint64_t n = ay_tensor_elements(&s.out);
    for (uint64_t e = 0; e < n; e++) {
        uint8_t state[AY_REF_STATE_BYTES], picked[AY_SEGMENT_STRIDED * 8];
        ay_ref_state_start(&s, state);
        for (uint64_t from = 0; from < chain; from += step) {
            uint32_t count = chain - from < step ? (uint32_t)(chain - from) : step;
            struct ay_ref_part part = {.element = e, .from = from, .count = count};
            int64_t id = 0;
            for (uint32_t i = s.op->in_count; i-- > 0;) {
                part.x[i] = read_of(&s, i, &part, &id, in[i], picked);
                if (s.op->kind == AY_WORK_OP_GATHER && i == 1) id = int_of(&s, &part, 1, 0);
            }
            ay_ref_state_run(&s, &part, state);
        }
        ay_element_put(out + e * bytes, bytes, ay_ref_state_finish(&s, state));
    }
    return AY_OK;
}
