/* Attention, RotaryEmbedding and LinearAttention. Scores are rows times rows, softmax and the
 * weighted sum are those of docs/numerics.md. */
#include "tensor/lower/attention.h"

#include <math.h>
#include <stdlib.h>

term ay_heads_split(const struct ay_lower *l, term x, int64_t heads, const char *what)
{
    if (!x || x->rank == 4) return x;
    if (!ay_term_rank(l, x, 3, what)) return NULL;
    if (heads < 1 || x->dims[2] % (uint64_t)heads)
        return ay_lower_fail(l, AY_E_FORMAT, "%s: %llu columns of %lld heads", what,
                             (unsigned long long)x->dims[2], (long long)heads);
    uint64_t h = (uint64_t)heads;
    x = reshape(l, x, SHAPE(x->dims[0], x->dims[1], h, x->dims[2] / h));
    return permute(l, x, AXES(0, 2, 1, 3));
}

term ay_heads_merge(const struct ay_lower *l, term x)
{
    if (!x) return NULL;
    uint64_t b = x->dims[0], t = x->dims[2], width = x->dims[1] * x->dims[3];
    return reshape(l, permute(l, x, AXES(0, 2, 1, 3)), SHAPE(b, t, width));
}

term ay_heads_repeat(const struct ay_lower *l, term x, uint64_t times)
{
    if (!x || times == 1) return x;
    uint64_t b = x->dims[0], h = x->dims[1], t = x->dims[2], w = x->dims[3];
    x = expand(l, reshape(l, x, SHAPE(b, h, 1, t, w)), SHAPE(b, h, times, t, w));
    return reshape(l, x, SHAPE(b, h * times, t, w));
}

/* What of the operands and attributes the steps need. */
struct attention {
    term q, k, v;  /* (B, heads, T, W), keys and values with the past ones */
    term mask;     /* as given, or NULL */
    term lengths;  /* nonpad_kv_seqlen (B), or NULL */
    uint64_t past; /* keys before this block's */
    bool flat;     /* operands were of rank 3 */
};

term ay_infinity_unless(const struct ay_lower *l, term allowed)
{
    return choose(l, allowed, number(l, 0.0F), number(l, -INFINITY));
}

/* Key j less the place of query i among the keys: (T, S), or (B, 1, T, S) by lengths; I64. */
static term distance(const struct ay_lower *l, const struct attention *a)
{
    uint64_t t = a->q->dims[2], s = a->k->dims[2], b = a->q->dims[0];
    term i = reshape(l, ay_term_count(l, I64, t), SHAPE(t, 1));
    term j = reshape(l, ay_term_count(l, I64, s), SHAPE(1, s));
    term offset = integer(l, I64, (int64_t)a->past);
    if (a->lengths)
        offset = int_fn(l, AY_WORK_FN_INT_SUB, I64, reshape(l, a->lengths, SHAPE(b, 1, 1, 1)),
                        integer(l, I64, (int64_t)t));
    return int_fn(l, AY_WORK_FN_INT_SUB, I64, j, int_fn(l, AY_WORK_FN_INT_ADD, I64, i, offset));
}

/* The mask as numbers to be added, integers too, as wide as the keys. */
static term mask_bias(const struct ay_lower *l, const struct attention *a)
{
    term mask = a->mask;
    if (mask && mask->dtype != BOOL) mask = cast(l, mask, F32);
    if (!mask || mask->rank == 0) return mask;
    uint64_t s = a->k->dims[2];
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    uint64_t size[AY_MAX_RANK];
    for (uint32_t d = 0; d < mask->rank; d++) {
        step[d] = 1;
        size[d] = mask->dims[d];
    }
    if (size[mask->rank - 1] < s) {
        size[mask->rank - 1] = s;
        mask = ay_tape_slice(l->tape, mask, begin, step, size,
                             mask->dtype == BOOL ? 0 : 0xff800000u /* -inf */);
    }
    return mask && mask->dtype == BOOL ? ay_infinity_unless(l, mask) : mask;
}

/* Sum of what masks: NULL if nothing does. */
static term bias_of(const struct ay_lower *l, const struct attention *a)
{
    term bias = mask_bias(l, a);
    int64_t left = ay_attr_int(l, "left_window_size", -1);
    int64_t right = ay_attr_int(l, "right_window_size", -1);
    if (left < -1 || right < -1) return ay_lower_fail(l, AY_E_FORMAT, "a window below -1");
    if (ay_attr_int(l, "is_causal", 0)) right = 0;
    if (left >= 0 || right >= 0) {
        term d = distance(l, a), allowed = NULL;
        if (right >= 0) allowed = int_fn(l, AY_WORK_FN_INT_LE, BOOL, d, integer(l, I64, right));
        if (left >= 0) {
            term near = int_fn(l, AY_WORK_FN_INT_LE, BOOL, integer(l, I64, -left), d);
            allowed = allowed ? both(l, allowed, near) : near;
        }
        term window = ay_infinity_unless(l, allowed);
        bias = bias ? add(l, bias, window) : window;
    }
    if (a->lengths) {
        uint64_t s = a->k->dims[2], b = a->q->dims[0];
        term j = reshape(l, ay_term_count(l, I64, s), SHAPE(1, 1, 1, s));
        term real =
            int_fn(l, AY_WORK_FN_INT_LT, BOOL, j, reshape(l, a->lengths, SHAPE(b, 1, 1, 1)));
        bias = bias ? add(l, bias, ay_infinity_unless(l, real)) : ay_infinity_unless(l, real);
    }
    return bias;
}

static term with_past(const struct ay_lower *l, term past, term now)
{
    return past && now ? ay_tape_concat(l->tape, (const term[]){past, now}, 2, 2) : now;
}

static bool attention_read(const struct ay_lower *l, const struct ay_operands *o,
                           struct attention *a)
{
    int64_t q_heads = ay_attr_int(l, "q_num_heads", 0);
    int64_t kv_heads = ay_attr_int(l, "kv_num_heads", 0);
    term q = ay_term_operand(l, o, 0, F32, "Q"), k = ay_term_operand(l, o, 1, F32, "K");
    term v = ay_term_operand(l, o, 2, F32, "V");
    term past_k = ay_term_optional(l, o, 4, F32, "past_key");
    term past_v = ay_term_optional(l, o, 5, F32, "past_value");
    if (failed(l)) return false;
    if (!past_k != !past_v) {
        ay_lower_fail(l, AY_E_FORMAT, "past_key and past_value go together");
        return false;
    }
    a->flat = q->rank == 3;
    a->q = ay_heads_split(l, q, q_heads, "Q");
    a->k = with_past(l, past_k, ay_heads_split(l, k, kv_heads, "K"));
    a->v = with_past(l, past_v, ay_heads_split(l, v, kv_heads, "V"));
    a->past = past_k && past_k->rank == 4 ? past_k->dims[2] : 0;
    a->mask = ay_in(o, 3);
    a->lengths = ay_term_optional(l, o, 6, I64, "nonpad_kv_seqlen");
    if (!ay_term_rank(l, a->q, 4, "Q") || !ay_term_rank(l, a->k, 4, "K") ||
        !ay_term_rank(l, a->v, 4, "V"))
        return false;
    const uint64_t *d = a->k->dims;
    if (d[1] == 0 || a->q->dims[1] % d[1] || a->q->dims[3] == 0) {
        ay_lower_fail(l, AY_E_FORMAT, "%llu heads of queries, %llu of keys",
                      (unsigned long long)a->q->dims[1], (unsigned long long)d[1]);
        return false;
    }
    uint64_t b = a->q->dims[0];
    return ay_term_shape(l, a->k, SHAPE(b, d[1], d[2], a->q->dims[3]), "K") &&
           ay_term_shape(l, a->v, SHAPE(b, d[1], d[2], a->v->dims[3]), "V") &&
           (!a->lengths || ay_term_shape(l, a->lengths, SHAPE(b), "nonpad_kv_seqlen"));
}

/* (B, heads, T, S): of queries with keys, each times the root of the scale. */
static term attention_scores(const struct ay_lower *l, const struct attention *a)
{
    float scale = ay_attr_float(l, "scale", 1.0F / sqrtf((float)a->q->dims[3]));
    term root = number(l, sqrtf(scale));
    term k = ay_heads_repeat(l, mul(l, a->k, root), a->q->dims[1] / a->k->dims[1]);
    return matmul(l, mul(l, a->q, root), k);
}

/* Softmax over keys; a query that may look at none gets zeros. */
static term probabilities(const struct ay_lower *l, term scores, term bias)
{
    if (!scores) return NULL;
    term p = ay_term_softmax(l, scores, scores->rank - 1);
    if (!bias || bias->rank == 0) return p;
    term most = reduce(l, AY_WORK_REDUCE_MAX, bias, bias->rank - 1);
    return choose(l, less_equal(l, most, number(l, -INFINITY)), number(l, 0.0F), p);
}

/* f32, or what is less precise than it. */
static void check_precision(const struct ay_lower *l)
{
    int64_t onnx = ay_attr_int(l, "softmax_precision", 1);
    if (onnx != 1 && onnx != 10 && onnx != 16) /* FLOAT, FLOAT16, BFLOAT16 */
        ay_lower_fail(l, AY_E_UNSUPPORTED, "softmax_precision %lld", (long long)onnx);
}

static void lower_attention(const struct ay_lower *l, const struct ay_operands *o)
{
    struct attention a = {0};
    int64_t mode = ay_attr_int(l, "qk_matmul_output_mode", 0);
    check_precision(l);
    if (!attention_read(l, o, &a)) return;

    float softcap = ay_attr_float(l, "softcap", 0.0F);
    term scores = attention_scores(l, &a), shown = scores;
    if (softcap > 0.0F) {
        term cap = number(l, softcap);
        scores = mul(l, function(l, AY_WORK_FN_TANH, divide(l, scores, cap)), cap);
    }
    if (mode == 1) shown = scores;
    term bias = bias_of(l, &a);
    if (failed(l)) return;
    if (bias) scores = add(l, scores, bias);
    if (mode == 2) shown = scores;
    term p = probabilities(l, scores, bias);
    if (mode == 3) shown = p;
    term v = ay_heads_repeat(l, a.v, a.q->dims[1] / a.k->dims[1]);
    term y = matmul(l, p, ay_term_transpose(l, v));

    o->out[0] = a.flat ? ay_heads_merge(l, y) : y;
    if (o->out_count > 1) o->out[1] = a.k;
    if (o->out_count > 2) o->out[2] = a.v;
    if (o->out_count > 3) o->out[3] = shown;
}

/* The body that an attribute names, of one value; x itself where there is none. */
static term modify(const struct ay_lower *l, const char *attribute, term x)
{
    if (!ay_attr_has(l, attribute)) return x;
    uint32_t index = ay_attr_graph(l, attribute);
    if (failed(l)) return NULL;
    const struct ay_graph_graph *body = &l->model->graphs[index];
    if (index == 0 || body->inputs_count != 1 || body->outputs_count != 1)
        return ay_lower_fail(l, AY_E_FORMAT, "%s is not a graph of one value", attribute);
    term y = NULL;
    ay_lower_body(l, index, &x, 1, &y);
    return y && ay_term_shape(l, y, x->rank, x->dims, attribute) ? y : NULL;
}

/* Attention whose scores and probabilities go through graphs of the model's own. */
static void lower_flex_attention(const struct ay_lower *l, const struct ay_operands *o)
{
    struct attention a = {0};
    check_precision(l);
    if (!attention_read(l, o, &a)) return;
    uint64_t times = a.q->dims[1] / a.k->dims[1];
    term scores = modify(l, "score_mod", attention_scores(l, &a));
    if (!scores) return;
    term p = modify(l, "prob_mod", ay_term_softmax(l, scores, 3));
    o->out[0] = matmul(l, p, ay_term_transpose(l, ay_heads_repeat(l, a.v, times)));
}

/* --- RotaryEmbedding --- */

/* (B, T, half) of the tables: by position_ids (B, T), or as given. Seen as (B, 1, T, half). */
static term rotary_table(const struct ay_lower *l, term table, term positions, uint64_t b,
                         uint64_t t, uint64_t half, const char *what)
{
    if (positions) {
        if (!ay_term_rank(l, table, 2, what)) return NULL;
        table = gather(l, table, positions, 0);
    }
    if (!table || !ay_term_shape(l, table, SHAPE(b, t, half), what)) return NULL;
    return reshape(l, table, SHAPE(b, 1, t, half));
}

/* x (B, heads, T, width) by the tables. */
static term rotate(const struct ay_lower *l, term x, term cosines, term sines, bool interleaved)
{
    if (!x) return NULL;
    uint64_t b = x->dims[0], h = x->dims[1], t = x->dims[2], width = x->dims[3];
    term pairs = interleaved ? reshape(l, x, SHAPE(b, h, t, width / 2, 2))
                             : reshape(l, x, SHAPE(b, h, t, 2, width / 2));
    uint32_t axis = interleaved ? 4 : 3;
    term even = ay_term_at(l, pairs, axis, 0), odd = ay_term_at(l, pairs, axis, 1);
    term real = sub(l, mul(l, cosines, even), mul(l, sines, odd));
    term imaginary = add(l, mul(l, sines, even), mul(l, cosines, odd));
    real = ay_term_insert(l, real, axis);
    imaginary = ay_term_insert(l, imaginary, axis);
    return reshape(l, ay_tape_concat(l->tape, (const term[]){real, imaginary}, 2, axis),
                   SHAPE(b, h, t, width));
}

term ay_rotate(const struct ay_lower *l, term x, term cosines, term sines, term positions,
               uint64_t turned)
{
    if (!x) return NULL;
    uint64_t b = x->dims[0], t = x->dims[2], width = x->dims[3];
    if (turned > width || turned % 2)
        return ay_lower_fail(l, AY_E_FORMAT, "%llu of %llu columns to be rotated",
                             (unsigned long long)turned, (unsigned long long)width);
    cosines = rotary_table(l, cosines, positions, b, t, turned / 2, "cos_cache");
    sines = rotary_table(l, sines, positions, b, t, turned / 2, "sin_cache");
    bool interleaved =
        ay_attr_int(l, "interleaved", 0) != 0 || ay_attr_int(l, "rotary_interleaved", 0) != 0;
    term y = rotate(l, ay_term_part(l, x, 3, 0, turned), cosines, sines, interleaved);
    if (turned == width) return y;
    term rest = ay_term_part(l, x, 3, turned, width - turned);
    return ay_tape_concat(l->tape, (const term[]){y, rest}, 2, 3);
}

static void lower_rotary(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "X");
    term cosines = ay_term_operand(l, o, 1, F32, "cos_cache");
    term sines = ay_term_operand(l, o, 2, F32, "sin_cache");
    term positions = ay_term_optional(l, o, 3, I64, "position_ids");
    if (failed(l)) return;
    bool flat = x->rank == 3;
    x = ay_heads_split(l, x, ay_attr_int(l, "num_heads", 0), "X");
    if (!ay_term_rank(l, x, 4, "X")) return;
    int64_t part = ay_attr_int(l, "rotary_embedding_dim", 0);
    term y = ay_rotate(l, x, cosines, sines, positions, part ? (uint64_t)part : x->dims[3]);
    o->out[0] = flat ? ay_heads_merge(l, y) : y;
}

/* --- LinearAttention: a recurrence over a state (B, heads, W, V), unrolled --- */

struct linear {
    term q, k, v, decay, beta; /* (B, heads, T, ..) */
    term state;                /* (B, heads, V, W): transposed, so that W is contiguous */
    uint64_t times;            /* heads of queries a head of keys */
    float scale;
};

/* Row t of (B, heads, T, W): (B, heads, 1, W). */
static term row(const struct ay_lower *l, term x, uint64_t t)
{
    return ay_term_part(l, x, 2, t, 1);
}

static term linear_step(const struct ay_lower *l, struct linear *a, uint64_t t)
{
    term k = row(l, a->k, t), v = ay_term_transpose(l, row(l, a->v, t));
    if (a->decay) a->state = mul(l, a->state, function(l, AY_WORK_FN_EXP, row(l, a->decay, t)));
    if (a->beta) v = mul(l, row(l, a->beta, t), sub(l, v, matmul(l, a->state, k)));
    a->state = add(l, a->state, mul(l, v, k));
    term y = matmul(l, row(l, a->q, t), ay_heads_repeat(l, a->state, a->times));
    return mul(l, y, number(l, a->scale));
}

static bool linear_read(const struct ay_lower *l, const struct ay_operands *o, struct linear *a)
{
    int64_t heads = ay_attr_int(l, "kv_num_heads", 0), q_heads = ay_attr_int(l, "q_num_heads", 0);
    struct ay_slice rule = ay_attr_text(l, "update_rule");
    bool gated = rule.len == 0 || ay_attr_is(l, "update_rule", "gated_delta") ||
                 ay_attr_is(l, "update_rule", "gated");
    bool delta = rule.len == 0 || ay_attr_is(l, "update_rule", "gated_delta") ||
                 ay_attr_is(l, "update_rule", "delta");
    term state = ay_term_optional(l, o, 3, F32, "past_state");
    term decay = ay_term_optional(l, o, 4, F32, "decay");
    term beta = ay_term_optional(l, o, 5, F32, "beta");
    if (heads < 1 || q_heads % heads || !decay != !gated || !beta != !delta ||
        (!gated && !delta && !ay_attr_is(l, "update_rule", "linear"))) {
        ay_lower_fail(l, AY_E_FORMAT, "heads, update_rule and operands do not fit together");
        return false;
    }
    a->q = ay_heads_split(l, ay_term_operand(l, o, 0, F32, "query"), q_heads, "query");
    a->k = ay_heads_split(l, ay_term_operand(l, o, 1, F32, "key"), heads, "key");
    a->v = ay_heads_split(l, ay_term_operand(l, o, 2, F32, "value"), heads, "value");
    a->decay = ay_heads_split(l, decay, heads, "decay");
    if (failed(l)) return false;
    uint64_t b = a->q->dims[0], t = a->q->dims[2], w = a->q->dims[3], v = a->v->dims[3];
    uint64_t h = (uint64_t)heads;
    bool common = beta && beta->rank == 3 && beta->dims[2] == 1; /* one for all heads */
    a->beta = ay_heads_split(l, beta, common ? 1 : heads, "beta");
    if (state && !ay_term_shape(l, state, SHAPE(b, h, w, v), "past_state")) return false;
    if (!state) state = ay_term_zeros(l, F32, SHAPE(b, h, w, v));
    a->state = ay_term_transpose(l, state);
    a->times = a->q->dims[1] / h;
    a->scale = ay_attr_float(l, "scale", 0.0F);
    if (a->scale == 0.0F) a->scale = 1.0F / sqrtf((float)w);
    return ay_term_shape(l, a->k, SHAPE(b, h, t, w), "key") &&
           ay_term_shape(l, a->v, SHAPE(b, h, t, v), "value") &&
           (!a->decay ||
            ay_term_shape(l, a->decay, SHAPE(b, h, t, a->decay->dims[3] == 1 ? 1 : w), "decay")) &&
           (!a->beta || ay_term_shape(l, a->beta, SHAPE(b, a->beta->dims[1], t, 1), "beta"));
}

static void lower_linear_attention(const struct ay_lower *l, const struct ay_operands *o)
{
    struct linear a = {0};
    if (!linear_read(l, o, &a)) return;
    uint64_t t = a.q->dims[2];
    if (t == 0) {
        ay_lower_fail(l, AY_E_FORMAT, "no step");
        return;
    }
    term *y = ay_term_list(l, t);
    if (!y) return;
    for (uint64_t i = 0; i < t; i++) y[i] = linear_step(l, &a, i);
    o->out[0] = ay_heads_merge(l, ay_tape_concat(l->tape, y, (uint32_t)t, 2));
    free(y);
    if (o->out_count > 1) o->out[1] = ay_term_transpose(l, a.state);
}

const struct ay_operator ay_lower_attention[] = {
    {"Attention", lower_attention, 3, 7, 4, false},
    {"ai.onnx.preview:FlexAttention", lower_flex_attention, 3, 3, 1, false},
    {"RotaryEmbedding", lower_rotary, 3, 4, 1, false},
    {"LinearAttention", lower_linear_attention, 3, 6, 2, false},
    {0},
};
