#include "tensor/quantize/q8.h"

#include "tensor/ref/float.h"
#include "tensor/ref/fn.h"

#include <math.h>
#include <string.h>

/* --- weights --- */

/* To the nearest f16, ties to even; x from 0 to AY_Q8_MAX_SCALE. */
static float round_to_f16(float x)
{
    if (x < 0x1p-14F) return rintf(x * 0x1p24F) * 0x1p-24F; /* subnormal: multiples of 2^-24 */
    uint32_t bits = ay_f32_bits(x);
    bits += 0xfffu + (bits >> 13 & 1u);
    return ay_f32(bits & ~0x1fffu);
}

static enum ay_code quantise_block(const float *w, uint32_t n, int8_t *q, float *scale)
{
    float most = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(w[i])) return AY_E_FORMAT;
        if (fabsf(w[i]) > most) most = fabsf(w[i]);
    }
    if (most / 127.0F > AY_Q8_MAX_SCALE) return AY_E_RANGE;
    *scale = round_to_f16(most / 127.0F);
    for (uint32_t i = 0; i < n; i++) {
        float x = *scale > 0 ? rintf(w[i] / *scale) : 0;
        q[i] = (int8_t)(x < -127 ? -127 : x > 127 ? 127 : x);
    }
    return AY_OK;
}

enum ay_code ay_q8_weights(const float *w, uint32_t n, uint32_t k, uint32_t block, int8_t *q,
                           float *scale)
{
    for (size_t row = 0; row < n; row++)
        for (uint32_t at = 0; at < k; at += block)
            AY_TRY(quantise_block(w + row * k + at, k - at < block ? k - at : block,
                                  q + row * k + at, scale++));
    return AY_OK;
}

void ay_q8_scale_columns(float *w, uint32_t n, uint32_t k, const float *factors)
{
    for (size_t i = 0; i < (size_t)n * k; i++) w[i] *= factors[i % k];
}

/* --- programs --- */

struct rewrite {
    const struct ay_work_program *p;
    float *const *factors;
    struct ay_arena *arena;
    bool *becomes;      /* weight: whether it is quantised */
    uint32_t *renamed;  /* operand id: the new one */
    uint32_t *balanced; /* operand id: that of its balanced form, 0 as long as there is none */
    uint32_t *inverses; /* operand id: that of its factors' inverses */
    struct ay_work_weight *weights;
    struct ay_q8_source *sources;
    struct ay_work_op *ops;
    uint32_t count, op_count; /* of new weights, new ops */
};

static bool is_weight(const struct rewrite *r, uint32_t id)
{
    return id >= r->p->inputs_count && id - r->p->inputs_count < r->p->weights_count;
}

static bool is_matrix(const struct rewrite *r, uint32_t id)
{
    if (!is_weight(r, id)) return false;
    const struct ay_work_weight *w = &r->p->weights[id - r->p->inputs_count];
    return w->dtype == AY_WORK_DTYPE_F32 && w->dims_count == 2;
}

/* Which operand of the op is a weight that may be quantised; in_count: none. */
static uint32_t operand_of(const struct rewrite *r, const struct ay_work_op *op)
{
    if (op->kind == AY_WORK_OP_MATMUL && is_matrix(r, op->in[1])) return 1;
    if (op->kind != AY_WORK_OP_GATHER || op->axis != 0 || !is_matrix(r, op->in[0]))
        return op->in_count;
    /* A row of one element would be its scale. */
    return r->p->weights[op->in[0] - r->p->inputs_count].dims[1] > 1 ? 0 : op->in_count;
}

static bool becomes_quantised(const struct rewrite *r, const struct ay_work_op *op)
{
    uint32_t k = operand_of(r, op);
    return k < op->in_count && r->becomes[op->in[k] - r->p->inputs_count];
}

static bool becomes_q8(const struct rewrite *r, const struct ay_work_op *op)
{
    return op->kind == AY_WORK_OP_MATMUL && becomes_quantised(r, op);
}

/* Those that are read by nothing but products, or by nothing but GATHERs; how many there are. */
static uint32_t choose(struct rewrite *r)
{
    uint32_t chosen = 0, first = r->p->inputs_count;
    for (uint32_t i = 0; i < r->p->weights_count; i++) {
        uint32_t kinds[AY_WORK_OP_MATMUL + 1] = {0}, others = 0;
        for (uint32_t n = 0; n < r->p->ops_count; n++) {
            const struct ay_work_op *op = &r->p->ops[n];
            for (uint32_t k = 0; k < op->in_count; k++) {
                if (op->in[k] != first + i) continue;
                if (k == operand_of(r, op))
                    kinds[op->kind]++;
                else
                    others++;
            }
        }
        bool product = kinds[AY_WORK_OP_MATMUL] != 0, table = kinds[AY_WORK_OP_GATHER] != 0;
        r->becomes[i] = others == 0 && product != table;
        chosen += r->becomes[i];
    }
    return chosen;
}

static enum ay_code add_weight(struct rewrite *r, enum ay_work_dtype dtype, uint32_t rank,
                               uint32_t rows, uint32_t columns, struct ay_q8_source source)
{
    uint32_t *dims = AY_NEW(r->arena, uint32_t, 2);
    if (!dims) return AY_E_LIMIT;
    dims[0] = rank == 2 ? rows : columns;
    dims[1] = columns;
    r->weights[r->count] =
        (struct ay_work_weight){.dtype = dtype, .dims = dims, .dims_count = rank};
    r->sources[r->count++] = source;
    return AY_OK;
}

/* Whether a product reads the weight. */
static bool is_factor(const struct rewrite *r, uint32_t id)
{
    for (uint32_t i = 0; i < r->p->ops_count; i++)
        if (becomes_q8(r, &r->p->ops[i]) && r->p->ops[i].in[1] == id) return true;
    return false;
}

/* The factors of the columns of weight `id`: those of the operand that it meets. */
static const float *factors_of(const struct rewrite *r, uint32_t id)
{
    for (uint32_t i = 0; r->factors && i < r->p->ops_count; i++)
        if (becomes_q8(r, &r->p->ops[i]) && r->p->ops[i].in[1] == id)
            return r->factors[r->p->ops[i].in[0]];
    return NULL;
}

static enum ay_code rewrite_weights(struct rewrite *r)
{
    uint32_t first = r->p->inputs_count;
    for (uint32_t i = 0; i < r->p->weights_count; i++) {
        const struct ay_work_weight *w = &r->p->weights[i];
        r->renamed[first + i] = first + r->count;
        if (!r->becomes[i]) {
            r->weights[r->count] = *w;
            r->sources[r->count++] = (struct ay_q8_source){AY_Q8_KEPT, i, NULL};
            continue;
        }
        uint32_t n = w->dims[0], k = w->dims[1];
        bool table = !is_factor(r, first + i);
        const float *factors = factors_of(r, first + i);
        AY_TRY(add_weight(r, AY_WORK_DTYPE_I8, 2, n, k,
                          (struct ay_q8_source){AY_Q8_BYTES, i, factors}));
        AY_TRY(add_weight(r, AY_WORK_DTYPE_F32, 2, n, table ? 1 : ay_q8_blocks(k),
                          (struct ay_q8_source){AY_Q8_SCALES, i, factors}));
    }
    for (uint32_t i = 0; r->factors && i < r->p->ops_count; i++) {
        const struct ay_work_op *op = &r->p->ops[i];
        if (!becomes_q8(r, op) || !r->factors[op->in[0]] || r->inverses[op->in[0]]) continue;
        r->inverses[op->in[0]] = first + r->count;
        AY_TRY(add_weight(r, AY_WORK_DTYPE_F32, 1, 0, r->p->weights[op->in[1] - first].dims[1],
                          (struct ay_q8_source){AY_Q8_INVERSES, 0, r->factors[op->in[0]]}));
    }
    return AY_OK;
}

/* Appends an op; gives back the id of its output. */
static uint32_t add_op(struct rewrite *r, struct ay_work_op op)
{
    r->ops[r->op_count] = op;
    return r->p->inputs_count + r->count + r->op_count++;
}

/* The operand times the inverses of its factors, made before it is first needed. */
static enum ay_code balance(struct rewrite *r, uint32_t id)
{
    static const uint32_t args[] = {AY_MAP_INPUT << 24, AY_MAP_INPUT << 24 | 1};
    static const struct ay_work_map_step times = {AY_WORK_FN_MUL, args, 2};
    if (r->balanced[id]) return AY_OK;
    struct ay_tensor_type t;
    ay_program_type(r->p, id, &t);
    uint32_t *in = AY_NEW(r->arena, uint32_t, 2), *dims = AY_NEW(r->arena, uint32_t, t.rank);
    if (!in || !dims) return AY_E_LIMIT;
    in[0] = r->renamed[id];
    in[1] = r->inverses[id];
    memcpy(dims, t.dims, t.rank * sizeof *dims);
    r->balanced[id] = add_op(r, (struct ay_work_op){.kind = AY_WORK_OP_MAP,
                                                    .in = in,
                                                    .in_count = 2,
                                                    .dims = dims,
                                                    .dims_count = t.rank,
                                                    .steps = &times,
                                                    .steps_count = 1});
    return AY_OK;
}

/* Rows of a table: the bytes, their scales, and the product of the two. */
static enum ay_code rewrite_gather(struct rewrite *r, uint32_t index)
{
    static const uint32_t whole[] = {AY_MAP_INPUT << 24},
                          both[] = {AY_MAP_STEP << 24, AY_MAP_INPUT << 24 | 1};
    static const struct ay_work_map_step steps[] = {{AY_WORK_FN_TO_FLOAT, whole, 1},
                                                    {AY_WORK_FN_MUL, both, 2}};
    const struct ay_work_op *op = &r->p->ops[index];
    uint32_t *in = AY_NEW(r->arena, uint32_t, 6);
    uint32_t *scales = AY_NEW(r->arena, uint32_t, op->dims_count);
    if (!in || !scales) return AY_E_LIMIT;
    struct ay_work_op rows = *op, beside = *op;
    in[0] = r->renamed[op->in[0]];
    in[2] = in[0] + 1;
    in[1] = in[3] = r->renamed[op->in[1]];
    memcpy(scales, op->dims, op->dims_count * sizeof *scales);
    scales[op->dims_count - 1] = 1;
    rows.in = in;
    rows.dtype = AY_WORK_DTYPE_I8;
    beside.in = in + 2;
    beside.dims = scales;
    in[4] = add_op(r, rows);
    in[5] = add_op(r, beside);
    r->renamed[ay_program_output(r->p, index)] =
        add_op(r, (struct ay_work_op){.kind = AY_WORK_OP_MAP,
                                      .in = in + 4,
                                      .in_count = 2,
                                      .dims = op->dims,
                                      .dims_count = op->dims_count,
                                      .steps = steps,
                                      .steps_count = 2});
    return AY_OK;
}

static enum ay_code rewrite_op(struct rewrite *r, uint32_t index)
{
    struct ay_work_op op = r->p->ops[index];
    bool quantised = becomes_quantised(r, &op);
    if (quantised && op.kind == AY_WORK_OP_GATHER) return rewrite_gather(r, index);
    uint32_t *in = AY_NEW(r->arena, uint32_t, op.in_count + 1u);
    if (!in) return AY_E_LIMIT;
    for (uint32_t k = 0; k < op.in_count; k++) in[k] = r->renamed[op.in[k]];
    if (quantised) {
        if (r->inverses[op.in[0]]) {
            AY_TRY(balance(r, op.in[0]));
            in[0] = r->balanced[op.in[0]];
        }
        op.kind = AY_WORK_OP_MATMUL_Q8;
        in[op.in_count++] = in[1] + 1;
    }
    op.in = in;
    r->renamed[ay_program_output(r->p, index)] = add_op(r, op);
    return AY_OK;
}

static enum ay_code rewrite(struct rewrite *r, uint32_t chosen, struct ay_work_program *out)
{
    const struct ay_work_program *p = r->p;
    /* A balanced operand has its products, so there are no more of them than of weights. */
    r->weights = AY_NEW(r->arena, struct ay_work_weight, p->weights_count + 2 * chosen);
    r->sources = AY_NEW(r->arena, struct ay_q8_source, p->weights_count + 2 * chosen);
    r->ops = AY_NEW(r->arena, struct ay_work_op, 3 * (size_t)p->ops_count);
    uint32_t *outputs = AY_NEW(r->arena, uint32_t, p->outputs_count + 1u);
    if (!r->weights || !r->sources || !r->ops || !outputs) return AY_E_LIMIT;
    for (uint32_t id = 0; id < p->inputs_count; id++) r->renamed[id] = id;
    AY_TRY(rewrite_weights(r));
    for (uint32_t i = 0; i < p->ops_count; i++) AY_TRY(rewrite_op(r, i));
    for (uint32_t i = 0; i < p->outputs_count; i++) outputs[i] = r->renamed[p->outputs[i]];
    if (r->count > AY_MAX_WORK_PROGRAM_WEIGHTS || r->op_count > AY_MAX_WORK_PROGRAM_OPS)
        return AY_E_LIMIT;
    *out = *p;
    out->weights = r->weights;
    out->weights_count = r->count;
    out->ops = r->ops;
    out->ops_count = r->op_count;
    out->outputs = outputs;
    return AY_OK;
}

enum ay_code ay_q8_program(const struct ay_work_program *p, float *const *factors,
                           struct ay_arena *arena, struct ay_work_program *out,
                           const struct ay_q8_source **sources)
{
    uint32_t values = ay_program_values(p);
    struct rewrite r = {.p = p, .factors = factors, .arena = arena};
    r.becomes = AY_NEW(arena, bool, p->weights_count + 1u);
    r.renamed = AY_NEW(arena, uint32_t, values);
    r.balanced = AY_NEW(arena, uint32_t, values);
    r.inverses = AY_NEW(arena, uint32_t, values);
    if (!r.becomes || !r.renamed || !r.balanced || !r.inverses) return AY_E_LIMIT;
    uint32_t chosen = choose(&r);
    if (chosen == 0) return AY_E_UNSUPPORTED;
    AY_TRY(rewrite(&r, chosen, out));
    *sources = r.sources;
    return AY_OK;
}
