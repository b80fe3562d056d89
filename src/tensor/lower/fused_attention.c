/* Attention, MultiHeadAttention, GroupQueryAttention, QAttention and RotaryEmbedding of the domain
 * com.microsoft, as onnxruntime computes them on a CPU
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). A mask of the
 * first two and of QAttention adds mask_filter_value to scores, it takes none away. */
#include "tensor/lower/attention.h"
#include "tensor/lower/matmul.h"
#include "tensor/lower/quantize.h"

#include <math.h>

/* Fails if the node has an operand or an attribute that is not supported. */
static void refuse_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                           const char *name)
{
    if (ay_in(o, i)) ay_lower_fail(l, AY_E_UNSUPPORTED, "operand %s", name);
}

static void refuse_attribute(const struct ay_lower *l, const char *name)
{
    if (ay_attr_int(l, name, 0)) ay_lower_fail(l, AY_E_UNSUPPORTED, "attribute %s", name);
}

/* --- scores and what is added to them --- */

struct attention {
    term q, k, v; /* (B, heads, T, W) of queries, (B, heads of keys, S, ..), past ones included */
    term bias;    /* to be added to scores, or NULL */
    term sink;    /* a score that every query has beside its keys', (heads, 1, 1) or a number */
};

/* softmax(cap(q k^T scale) + bias) v, as (B, T, heads W). */
static term attend(const struct ay_lower *l, const struct attention *a)
{
    if (failed(l)) return NULL;
    float scale = ay_attr_float(l, "scale", 0.0F), softcap = ay_attr_float(l, "softcap", 0.0F);
    if (scale == 0.0F) scale = 1.0F / sqrtf((float)a->q->dims[3]);
    uint64_t times = a->q->dims[1] / a->k->dims[1];
    term q = mul(l, a->q, number(l, scale));
    term scores = matmul(l, q, ay_heads_repeat(l, a->k, times)), p;
    if (softcap > 0.0F) {
        term cap = number(l, softcap);
        scores = mul(l, function(l, AY_WORK_FN_TANH, divide(l, scores, cap)), cap);
    }
    if (a->bias) scores = add(l, scores, a->bias);
    if (a->sink) {
        term most = larger(l, reduce(l, AY_WORK_REDUCE_MAX, scores, 3), a->sink);
        term e = function(l, AY_WORK_FN_EXP, sub(l, scores, most));
        term own = function(l, AY_WORK_FN_EXP, sub(l, a->sink, most));
        p = divide(l, e, add(l, reduce(l, AY_WORK_REDUCE_SUM, e, 3), own));
    } else {
        p = ay_term_softmax(l, scores, 3);
    }
    term v = ay_term_transpose(l, ay_heads_repeat(l, a->v, times));
    return ay_heads_merge(l, matmul(l, p, v));
}

/* Whether queries (B, n, T, W), keys (B, m, S, W) and values (B, m, S, V) fit, m dividing n. */
static bool heads_fit(const struct ay_lower *l, const struct attention *a)
{
    if (!ay_term_rank(l, a->q, 4, "query") || !ay_term_rank(l, a->k, 4, "key") ||
        !ay_term_rank(l, a->v, 4, "value"))
        return false;
    const uint64_t *q = a->q->dims, *k = a->k->dims;
    bool fits = k[1] > 0 && q[1] % k[1] == 0 && q[3] > 0;
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "heads of queries and of keys do not fit together");
    return fits && ay_term_shape(l, a->k, SHAPE(q[0], k[1], k[2], q[3]), "key") &&
           ay_term_shape(l, a->v, SHAPE(q[0], k[1], k[2], a->v->dims[3]), "value");
}

static term int_less(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_LT, BOOL, a, b);
}

/* What a mask allows, to go with scores (B, heads, T, S): keys from its start to before its end (B)
 * or (2 B), or those where (B, S) or (B, T, S) is above 0. */
static term allowed_by(const struct ay_lower *l, term mask, uint64_t b, uint64_t t, uint64_t s)
{
    if (mask->dtype != I32)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "mask is %s", ay_dtype_name(mask->dtype));
    term zero = integer(l, I32, 0);
    if (mask->rank == 3 && ay_term_shape(l, mask, SHAPE(b, t, s), "mask"))
        return int_less(l, zero, reshape(l, mask, SHAPE(b, 1, t, s)));
    if (mask->rank == 2 && ay_term_shape(l, mask, SHAPE(b, s), "mask"))
        return int_less(l, zero, reshape(l, mask, SHAPE(b, 1, 1, s)));
    if (mask->rank != 1 || (mask->dims[0] != b && mask->dims[0] != 2 * b))
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "mask of %u dimensions", mask->rank);
    term j = ay_term_count(l, I32, s);
    term end = reshape(l, ay_term_part(l, mask, 0, 0, b), SHAPE(b, 1, 1, 1));
    term allowed = int_less(l, j, end);
    if (mask->dims[0] == b) return allowed;
    term start = reshape(l, ay_term_part(l, mask, 0, b, b), SHAPE(b, 1, 1, 1));
    return both(l, allowed, int_fn(l, AY_WORK_FN_INT_LE, BOOL, start, j));
}

/* Whether key j is no later than query i, which is preceded by `past` keys: (T, S). */
static term causal(const struct ay_lower *l, uint64_t t, uint64_t s, uint64_t past)
{
    term i = reshape(l, ay_term_count(l, I64, t), SHAPE(t, 1));
    i = int_fn(l, AY_WORK_FN_INT_ADD, I64, i, integer(l, I64, (int64_t)past));
    return int_fn(l, AY_WORK_FN_INT_LE, BOOL, ay_term_count(l, I64, s), i);
}

static term sum_of(const struct ay_lower *l, term a, term b)
{
    return a && b ? add(l, a, b) : a ? a : b;
}

/* a->bias from a mask, the attribute unidirectional and attention_bias, each NULL or absent. */
static void read_bias(const struct ay_lower *l, struct attention *a, term mask, term bias,
                      uint64_t past)
{
    if (!heads_fit(l, a)) return;
    uint64_t b = a->q->dims[0], t = a->q->dims[2], s = a->k->dims[2];
    term none = number(l, 0.0F), off = number(l, ay_attr_float(l, "mask_filter_value", -10000.0F));
    if (mask) a->bias = choose(l, allowed_by(l, mask, b, t, s), none, off);
    if (ay_attr_int(l, "unidirectional", 0))
        a->bias = sum_of(l, a->bias, ay_infinity_unless(l, causal(l, t, s, past)));
    if (bias && bias->rank != 4) (void)ay_term_rank(l, bias, 4, "attention_bias");
    a->bias = sum_of(l, a->bias, bias);
}

static term joined(const struct ay_lower *l, term past, term now)
{
    return past && now ? ay_tape_concat(l->tape, (const term[]){past, now}, 2, 2) : now;
}

/* --- Attention, QAttention --- */

/* Of all heads' columns (B, T, q + k + v) the part from *at on, as heads; *at moves on. */
static term take_part(const struct ay_lower *l, term x, uint64_t *at, uint64_t width)
{
    term part = ay_term_part(l, x, 2, *at, width);
    *at += width;
    return ay_heads_split(l, part, ay_attr_int(l, "num_heads", 0), "input");
}

/* The columns of queries, keys and values: as qkv_hidden_sizes says, or a third each. */
static bool read_widths(const struct ay_lower *l, term projected, uint64_t width[3])
{
    uint32_t count;
    const int64_t *sizes = ay_attr_ints(l, "qkv_hidden_sizes", &count);
    uint64_t all = projected->dims[2], sum = 0;
    for (int i = 0; i < 3; i++) {
        width[i] = count == 3 ? (uint64_t)sizes[i] : all / 3;
        if (width[i] > all) width[i] = all + 1;
        sum += width[i];
    }
    bool fits = sum == all && (count == 0 || count == 3);
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "weights are not of queries, keys and values");
    return fits;
}

/* projected (B, T, q + k + v); past (2, B, heads, P, W) or NULL. */
static void attend_projected(const struct ay_lower *l, const struct ay_operands *o, term projected,
                             term mask, term past, term bias)
{
    struct attention a = {0};
    uint64_t width[3], at = 0;
    refuse_attribute(l, "do_rotary");
    refuse_attribute(l, "past_present_share_buffer");
    if (!ay_term_rank(l, projected, 3, "input") || (past && !ay_term_rank(l, past, 5, "past")) ||
        !read_widths(l, projected, width))
        return;
    a.q = take_part(l, projected, &at, width[0]);
    a.k = take_part(l, projected, &at, width[1]);
    a.v = take_part(l, projected, &at, width[2]);
    if (past && past->dims[0] != 2) ay_lower_fail(l, AY_E_FORMAT, "past is not keys and values");
    if (failed(l)) return;
    if (past) {
        a.k = joined(l, ay_term_at(l, past, 0, 0), a.k);
        a.v = joined(l, ay_term_at(l, past, 0, 1), a.v);
    }
    read_bias(l, &a, mask, bias, past ? past->dims[3] : 0);
    o->out[0] = attend(l, &a);
    if (o->out_count < 2) return;
    term both_states[2] = {ay_term_insert(l, a.k, 0), ay_term_insert(l, a.v, 0)};
    o->out[1] = ay_tape_concat(l->tape, both_states, 2, 0);
}

/* input, weights, bias, mask_index, past, attention_bias, past_sequence_length. */
static void lower_attention(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "input"), w = ay_term_operand(l, o, 1, F32, "weights");
    term bias = ay_term_optional(l, o, 2, F32, "bias");
    refuse_operand(l, o, 6, "past_sequence_length");
    if (!ay_term_rank(l, x, 3, "input") || !ay_term_rank(l, w, 2, "weights")) return;
    term projected = ay_term_rows_product(l, x, ay_term_transpose(l, w));
    if (bias) projected = add(l, projected, bias);
    attend_projected(l, o, projected, ay_in(o, 3), ay_term_optional(l, o, 4, F32, "past"),
                     ay_term_optional(l, o, 5, F32, "attention_bias"));
}

/* input, weight, bias, input_scale, weight_scale, mask_index, input_zero_point, weight_zero_point,
 * past. */
static void lower_qattention(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized x = ay_quantized_operand(l, o, 0, 6, "input");
    struct ay_quantized w = ay_quantized_operand(l, o, 1, 7, "weight");
    term bias = ay_term_operand(l, o, 2, F32, "bias");
    term x_scale = ay_term_operand(l, o, 3, F32, "input_scale");
    term w_scale = ay_term_operand(l, o, 4, F32, "weight_scale");
    if (failed(l)) return;
    term y = ay_quantized_real_product(l, x, x_scale, w, w_scale);
    attend_projected(l, o, add(l, y, bias), ay_in(o, 5), ay_term_optional(l, o, 8, F32, "past"),
                     NULL);
}

/* --- MultiHeadAttention --- */

/* Part i of heads packed as (B, T, heads, parts, W): (B, heads, T, W). */
static term unpack(const struct ay_lower *l, term x, uint64_t parts, uint64_t i)
{
    if (!ay_term_rank(l, x, 5, "packed heads") ||
        !ay_term_shape(l, x, SHAPE(x->dims[0], x->dims[1], x->dims[2], parts, x->dims[4]), "heads"))
        return NULL;
    return permute(l, ay_term_at(l, x, 3, i), AXES(0, 2, 1, 3));
}

/* (B, T, heads W) and its part of the bias, as heads; *at moves on. */
static term biased_heads(const struct ay_lower *l, term x, term bias, uint64_t *at,
                         const char *what)
{
    if (x && x->rank == 3 && bias) {
        if (!ay_term_rank(l, bias, 1, "bias")) return NULL;
        if (x->dims[2] > bias->dims[0] - *at)
            return ay_lower_fail(l, AY_E_FORMAT, "bias is too short for %s", what);
        term part = ay_term_part(l, bias, 0, *at, x->dims[2]);
        *at += x->dims[2];
        x = add(l, x, part);
    }
    return ay_heads_split(l, x, ay_attr_int(l, "num_heads", 0), what);
}

static void read_heads(const struct ay_lower *l, const struct ay_operands *o, struct attention *a)
{
    term q = ay_term_operand(l, o, 0, F32, "query"), k = ay_term_optional(l, o, 1, F32, "key");
    term v = ay_term_optional(l, o, 2, F32, "value"), bias = ay_term_optional(l, o, 3, F32, "bias");
    uint64_t at = 0;
    if (failed(l)) return;
    if (!k || !v) {
        if (bias) ay_lower_fail(l, AY_E_UNSUPPORTED, "bias of packed heads");
        a->q =
            k ? ay_heads_split(l, q, ay_attr_int(l, "num_heads", 0), "query") : unpack(l, q, 3, 0);
        a->k = unpack(l, k ? k : q, k ? 2 : 3, k ? 0 : 1);
        a->v = unpack(l, k ? k : q, k ? 2 : 3, k ? 1 : 2);
        return;
    }
    a->q = biased_heads(l, q, bias, &at, "query");
    a->k = biased_heads(l, k, bias, &at, "key");
    a->v = biased_heads(l, v, bias, &at, "value");
}

/* query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value,
 * past_sequence_length, cache_indirection. */
static void lower_multi_head(const struct ay_lower *l, const struct ay_operands *o)
{
    struct attention a = {0};
    term past_k = ay_term_optional(l, o, 6, F32, "past_key");
    term past_v = ay_term_optional(l, o, 7, F32, "past_value");
    refuse_operand(l, o, 8, "past_sequence_length");
    refuse_operand(l, o, 9, "cache_indirection");
    read_heads(l, o, &a);
    if (!past_k != !past_v) ay_lower_fail(l, AY_E_FORMAT, "past_key and past_value go together");
    if (failed(l) || (past_k && (!ay_term_rank(l, past_k, 4, "past_key") ||
                                 !ay_term_rank(l, past_v, 4, "past_value"))))
        return;
    a.k = joined(l, past_k, a.k);
    a.v = joined(l, past_v, a.v);
    read_bias(l, &a, ay_in(o, 4), ay_term_optional(l, o, 5, F32, "attention_bias"),
              past_k ? past_k->dims[2] : 0);
    o->out[0] = attend(l, &a);
    if (o->out_count > 1) o->out[1] = a.k;
    if (o->out_count > 2) o->out[2] = a.v;
}

/* --- GroupQueryAttention --- */

struct grouped {
    struct attention a;
    term past_k, past_v; /* (B, heads of keys, P, W), or NULL */
    term past;           /* (B, 1) I64: how many of them count in each sample */
    uint64_t room, all;  /* P; length of all keys in the longest sample */
    bool first;          /* no key is before this block's */
    bool whole;          /* all of the past ones count, in every sample */
};

static void read_grouped_heads(const struct ay_lower *l, const struct ay_operands *o,
                               struct grouped *g)
{
    int64_t heads = ay_attr_int(l, "num_heads", 0), groups = ay_attr_int(l, "kv_num_heads", 0);
    term q = ay_term_operand(l, o, 0, F32, "query"), k = ay_term_optional(l, o, 1, F32, "key");
    term v = ay_term_optional(l, o, 2, F32, "value");
    if (heads < 1 || groups < 1 || heads > 1 << 20 || heads % groups || !k != !v)
        ay_lower_fail(l, AY_E_FORMAT, "heads of queries and of keys do not fit together");
    if (failed(l) || !ay_term_rank(l, q, 3, "query")) return;
    if (!k) { /* packed */
        uint64_t width = q->dims[2] / (uint64_t)(heads + 2 * groups), at = 0;
        uint64_t wide = (uint64_t)heads * width, narrow = (uint64_t)groups * width;
        if (wide + 2 * narrow != q->dims[2]) ay_lower_fail(l, AY_E_FORMAT, "heads do not fit");
        if (failed(l)) return;
        term packed = q;
        q = ay_term_part(l, packed, 2, at, wide);
        k = ay_term_part(l, packed, 2, wide, narrow);
        v = ay_term_part(l, packed, 2, wide + narrow, narrow);
    }
    g->a.q = ay_heads_split(l, q, heads, "query");
    g->a.k = ay_heads_split(l, k, groups, "key");
    g->a.v = ay_heads_split(l, v, groups, "value");
    (void)heads_fit(l, &g->a);
}

/* Lengths: seqlens_k holds each sample's number of keys less one. */
static void read_lengths(const struct ay_lower *l, const struct ay_operands *o, struct grouped *g)
{
    term lengths = ay_term_operand(l, o, 5, I32, "seqlens_k");
    int64_t all = ay_term_scalar(l, ay_term_operand(l, o, 6, I32, "total_sequence_length"),
                                 "total_sequence_length");
    if (failed(l)) return;
    uint64_t b = g->a.q->dims[0], t = g->a.q->dims[2];
    if (ay_value_elements(lengths) != b || all < (int64_t)t || all >= 1 << 30) {
        ay_lower_fail(l, AY_E_FORMAT, "total_sequence_length %lld of %llu new keys", (long long)all,
                      (unsigned long long)t);
        return;
    }
    g->all = (uint64_t)all;
    g->first = g->all == t;
    term before = integer(l, I64, 1 - (int64_t)t);
    g->past = g->first
                  ? integer(l, I64, 0)
                  : int_fn(l, AY_WORK_FN_INT_ADD, I64, reshape(l, lengths, SHAPE(b, 1)), before);
    g->past = expand(l, g->past, SHAPE(b, 1));
    g->whole = !g->first && g->past && g->past->data && g->room + t == g->all;
    for (uint64_t i = 0; g->whole && i < b; i++)
        g->whole = ay_value_int(g->past, i) == (int64_t)g->room;
}

/* The places of this block's rows in their samples: (B, T). */
static term own_places(const struct ay_lower *l, const struct grouped *g)
{
    return int_fn(l, AY_WORK_FN_INT_ADD, I64, g->past, ay_term_count(l, I64, g->a.q->dims[2]));
}

/* As long as the longest sample or the past ones' room: past ones that count, then new ones, then
 * zeros. */
static term present(const struct ay_lower *l, const struct grouped *g, term past, term now)
{
    if (!now) return NULL;
    uint64_t b = now->dims[0], heads = now->dims[1], t = now->dims[2], width = now->dims[3];
    uint64_t length = g->all > g->room ? g->all : g->room;
    if (g->first || !past) {
        const int64_t begin[4] = {0}, step[4] = {1, 1, 1, 1};
        return ay_tape_slice(l->tape, now, begin, step, (const uint64_t[]){b, heads, length, width},
                             0);
    }
    term joint = joined(l, past, now);
    if (g->whole) return joint;
    /* Row j of a sample is its past row j, or row j - past of the new ones. */
    uint64_t rows = g->room + t;
    term j = ay_term_count(l, I64, length), old = int_less(l, j, g->past);
    term moved = int_fn(l, AY_WORK_FN_INT_SUB, I64, integer(l, I64, (int64_t)g->room), g->past);
    term row = choose(l, old, j, int_fn(l, AY_WORK_FN_INT_ADD, I64, j, moved));
    row = int_fn(l, AY_WORK_FN_INT_MIN, I64, row, integer(l, I64, (int64_t)rows - 1));
    row = int_fn(l, AY_WORK_FN_INT_MAX, I64, row, integer(l, I64, 0));
    term first = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, b * heads),
                        integer(l, I64, (int64_t)rows));
    row = int_fn(l, AY_WORK_FN_INT_ADD, I64, reshape(l, row, SHAPE(b, 1, length)),
                 reshape(l, first, SHAPE(b, heads, 1)));
    term y = gather(l, reshape(l, joint, SHAPE(b * heads * rows, width)), row, 0);
    term end = int_fn(l, AY_WORK_FN_INT_ADD, I64, g->past, integer(l, I64, (int64_t)t));
    term real = reshape(l, int_less(l, j, end), SHAPE(b, 1, length, 1));
    return choose(l, real, y, number(l, 0.0F));
}

/* Keys up to the query's own place, of those the last local_window_size: (B, 1, T, keys). */
static term grouped_bias(const struct ay_lower *l, const struct grouped *g, term given)
{
    if (failed(l)) return NULL;
    uint64_t b = g->a.q->dims[0], t = g->a.q->dims[2], s = g->a.k->dims[2];
    int64_t window = ay_attr_int(l, "local_window_size", -1);
    term place = reshape(l, own_places(l, g), SHAPE(b, 1, t, 1)), j = ay_term_count(l, I64, s);
    term allowed = int_fn(l, AY_WORK_FN_INT_LE, BOOL, j, place);
    if (window > 0) {
        term from = int_fn(l, AY_WORK_FN_INT_SUB, I64, place, integer(l, I64, window));
        allowed = both(l, allowed, int_less(l, from, j));
    }
    term bias = ay_infinity_unless(l, allowed);
    if (!given || !ay_term_rank(l, given, 4, "attention_bias")) return bias;
    if (given->dims[3] < s) return ay_lower_fail(l, AY_E_FORMAT, "attention_bias is too short");
    return add(l, bias, ay_term_part(l, given, 3, 0, s));
}

static void rotate_grouped(const struct ay_lower *l, const struct ay_operands *o, struct grouped *g)
{
    term cosines = ay_term_operand(l, o, 7, F32, "cos_cache");
    term sines = ay_term_operand(l, o, 8, F32, "sin_cache");
    term positions = ay_term_optional(l, o, 9, I64, "position_ids");
    if (!positions) positions = own_places(l, g);
    if (failed(l) || !ay_term_rank(l, cosines, 2, "cos_cache")) return;
    uint64_t turned = 2 * cosines->dims[1];
    g->a.q = ay_rotate(l, g->a.q, cosines, sines, positions, turned);
    g->a.k = ay_rotate(l, g->a.k, cosines, sines, positions, turned);
}

static bool read_grouped(const struct ay_lower *l, const struct ay_operands *o, struct grouped *g)
{
    refuse_operand(l, o, 12, "k_scale");
    refuse_operand(l, o, 13, "v_scale");
    refuse_attribute(l, "qk_output");
    g->past_k = ay_term_optional(l, o, 3, F32, "past_key");
    g->past_v = ay_term_optional(l, o, 4, F32, "past_value");
    if (!g->past_k != !g->past_v) ay_lower_fail(l, AY_E_FORMAT, "past_key, past_value go together");
    read_grouped_heads(l, o, g);
    if (failed(l)) return false;
    const uint64_t *now = g->a.k->dims;
    if (g->past_k) {
        if (!ay_term_rank(l, g->past_k, 4, "past_key")) return false;
        g->room = g->past_k->dims[2];
        if (!ay_term_shape(l, g->past_k, SHAPE(now[0], now[1], g->room, now[3]), "past_key") ||
            !ay_term_shape(l, g->past_v, SHAPE(now[0], now[1], g->room, now[3]), "past_value"))
            return false;
    }
    read_lengths(l, o, g);
    if (!failed(l) && !g->first && !g->past_k)
        ay_lower_fail(l, AY_E_FORMAT, "keys before this block's, but no past_key");
    return !failed(l);
}

/* query, key, value, past_key, past_value, seqlens_k, total_sequence_length, cos_cache, sin_cache,
 * position_ids, attention_bias, head_sink, k_scale, v_scale. */
static void lower_group_query(const struct ay_lower *l, const struct ay_operands *o)
{
    struct grouped g = {0};
    if (!read_grouped(l, o, &g)) return;
    if (ay_attr_int(l, "do_rotary", 0)) rotate_grouped(l, o, &g);
    term sink = ay_term_optional(l, o, 11, F32, "head_sink");
    if (ay_attr_int(l, "smooth_softmax", 0)) g.a.sink = number(l, 0.0F);
    if (sink && !failed(l)) g.a.sink = reshape(l, sink, SHAPE(g.a.q->dims[1], 1, 1));
    term k = present(l, &g, g.past_k, g.a.k), v = present(l, &g, g.past_v, g.a.v);
    if (failed(l)) return;
    g.a.k = ay_term_part(l, k, 2, 0, g.all); /* what is behind belongs to no query */
    g.a.v = ay_term_part(l, v, 2, 0, g.all);
    g.a.bias = grouped_bias(l, &g, ay_term_optional(l, o, 10, F32, "attention_bias"));
    o->out[0] = attend(l, &g.a);
    if (o->out_count > 1) o->out[1] = k;
    if (o->out_count > 2) o->out[2] = v;
}

/* --- RotaryEmbedding --- */

/* input, position_ids (B, T) or (1), cos_cache, sin_cache. */
static void lower_rotary(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "input");
    term positions = ay_term_operand(l, o, 1, I64, "position_ids");
    term cosines = ay_term_operand(l, o, 2, F32, "cos_cache");
    term sines = ay_term_operand(l, o, 3, F32, "sin_cache");
    refuse_attribute(l, "is_packed_batching");
    if (ay_attr_float(l, "scale", 1.0F) != 1.0F) ay_lower_fail(l, AY_E_UNSUPPORTED, "a scale");
    if (failed(l) || !ay_term_rank(l, cosines, 2, "cos_cache")) return;
    bool flat = x->rank == 3;
    uint64_t turned = 2 * cosines->dims[1];
    int64_t heads = ay_attr_int(l, "num_heads", 0);
    if (flat && heads == 0 && turned) heads = (int64_t)(x->dims[2] / turned);
    x = ay_heads_split(l, x, heads, "input");
    if (!ay_term_rank(l, x, 4, "input")) return;
    if (positions->rank == 1 && positions->dims[0] == 1) {
        positions =
            int_fn(l, AY_WORK_FN_INT_ADD, I64, ay_term_count(l, I64, x->dims[2]), positions);
        positions = expand(l, positions, SHAPE(x->dims[0], x->dims[2]));
    }
    term y = ay_rotate(l, x, cosines, sines, positions, turned);
    o->out[0] = flat ? ay_heads_merge(l, y) : y;
}

const struct ay_operator ay_lower_fused_attention[] = {
    {"com.microsoft:Attention", lower_attention, 2, 7, 2, false},
    {"com.microsoft:GroupQueryAttention", lower_group_query, 1, 14, 3, false},
    {"com.microsoft:MultiHeadAttention", lower_multi_head, 1, 10, 3, false},
    {"com.microsoft:QAttention", lower_qattention, 5, 9, 2, false},
    {"com.microsoft:RotaryEmbedding", lower_rotary, 4, 4, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
