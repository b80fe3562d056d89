#include "tensor/bert.h"

#include "tensor/kernel/kernels.h"
#include "tensor/ref/float.h"

#include <stdio.h>
#include <string.h>

#define MAX_LAYERS 48u
#define S          (AY_DIM_SYMBOL | 0u) /* tokens of the run */
#define TOKENS     0u                   /* the one input */

/* Weights: those of the embeddings, then LAYER_WEIGHTS a layer. */
enum {
    W_WORDS,
    W_POSITIONS,
    W_POSITION_IDS,
    W_TOKEN_TYPE,
    W_NORM_GAIN,
    W_NORM_BIAS,
    EMBEDDING_WEIGHTS
};
enum {
    L_QUERY, /* each matrix with its bias after it */
    L_KEY = 2,
    L_VALUE = 4,
    L_MIXED = 6,
    L_MIXED_NORM = 8,
    L_UP = 10,
    L_DOWN = 12,
    L_DOWN_NORM = 14,
    LAYER_WEIGHTS = 16
};

/* Expressions. */
#define IN(i)    (0u << 24 | (i))
#define AT(i)    (1u << 24 | (i))
#define CONST(i) (2u << 24 | (i))
#define SIZE(i)  (3u << 24 | (i))
#define STEP1(fn, a)                                                                               \
    {                                                                                              \
        AY_WORK_FN_##fn, (const uint32_t[]){a}, 1                                                  \
    }
#define STEP2(fn, a, b)                                                                            \
    {                                                                                              \
        AY_WORK_FN_##fn, (const uint32_t[]){a, b}, 2                                               \
    }
typedef const struct ay_work_map_step steps;

static steps add2[] = {STEP2(ADD, IN(0), IN(1))};
static steps add3[] = {STEP2(ADD, IN(0), IN(1)), STEP2(ADD, AT(0), IN(2))};
static steps less_mean[] = {STEP2(DIV, IN(1), CONST(0)), STEP2(SUB, IN(0), AT(0))};
/* d, sum of squares, gain, bias; n, eps: ((d / sqrt(v / n + eps)) * gain) + bias */
static steps normalise[] = {STEP2(DIV, IN(1), CONST(0)), STEP2(ADD, AT(0), CONST(1)),
                            STEP1(SQRT, AT(1)),          STEP2(DIV, IN(0), AT(2)),
                            STEP2(MUL, AT(3), IN(2)),    STEP2(ADD, AT(4), IN(3))};
/* exp(x c - m c): c > 0 and rounding are monotone, so that m c is the largest of the x c. */
static steps exp_scaled[] = {STEP2(MUL, IN(0), CONST(0)), STEP2(MUL, IN(1), CONST(0)),
                             STEP2(SUB, AT(0), AT(1)), STEP1(EXP, AT(2))};
static steps divide[] = {STEP2(DIV, IN(0), IN(1))};
/* h = x + bias: (h (erf(h / sqrt 2) + 1)) / 2 */
static steps gelu[] = {STEP2(ADD, IN(0), IN(1)), STEP2(DIV, AT(0), CONST(0)),
                       STEP1(ERF, AT(1)),        STEP2(ADD, AT(2), CONST(1)),
                       STEP2(MUL, AT(0), AT(3)), STEP2(MUL, AT(4), CONST(2))};
static steps mean_tokens[] = {STEP2(DIV, IN(0), SIZE(0))};
/* x / max(sqrt(sum of squares), 1e-12) */
static steps unit_length[] = {STEP1(SQRT, IN(1)), STEP2(MAX, AT(0), CONST(0)),
                              STEP2(DIV, IN(0), AT(1))};

struct builder {
    const struct ay_bert_config *config;
    const struct ay_safetensors *file;
    struct ay_arena *arena;
    struct ay_reason *reason;
    struct ay_work_weight *weights;
    struct ay_bert_source *sources;
    struct ay_work_op *ops;
    uint32_t weight_count, op_count, max_ops;
    bool full; /* the arena did not hold all */
};

/* Ops */

static const uint32_t *keep(struct builder *b, const uint32_t *from, uint32_t n)
{
    uint32_t *to = AY_NEW(b->arena, uint32_t, n);
    if (!to)
        b->full = true;
    else if (n)
        memcpy(to, from, n * sizeof *to);
    return to;
}

/* Appends the op, copying its lists; gives back the id of its output. */
static uint32_t emit(struct builder *b, struct ay_work_op op)
{
    AY_ASSERT(b->op_count < b->max_ops);
    op.in = keep(b, op.in, op.in_count);
    op.dims = keep(b, op.dims, op.dims_count);
    op.view = keep(b, op.view, op.view_count);
    op.perm = keep(b, op.perm, op.perm_count);
    op.consts = keep(b, op.consts, op.consts_count);
    b->ops[b->op_count] = op;
    return 1 + EMBEDDING_WEIGHTS + b->config->layers * LAYER_WEIGHTS + b->op_count++;
}

#define LIST(...)                                                                                  \
    (const uint32_t[]){__VA_ARGS__},                                                               \
        (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define STEPS(map) (map), (uint32_t)(sizeof(map) / sizeof((map)[0]))

struct list {
    const uint32_t *at;
    uint32_t n;
};
#define L(...) ((struct list){LIST(__VA_ARGS__)})

static uint32_t gather(struct builder *b, uint32_t table, uint32_t ids, struct list dims)
{
    return emit(b, (struct ay_work_op){.kind = AY_WORK_OP_GATHER,
                                       .in = (const uint32_t[]){table, ids},
                                       .in_count = 2,
                                       .dims = dims.at,
                                       .dims_count = dims.n});
}

static uint32_t map(struct builder *b, steps *map_steps, uint32_t count, struct list in,
                    struct list dims, struct list consts)
{
    return emit(b, (struct ay_work_op){.kind = AY_WORK_OP_MAP,
                                       .in = in.at,
                                       .in_count = in.n,
                                       .dims = dims.at,
                                       .dims_count = dims.n,
                                       .steps = map_steps,
                                       .steps_count = count,
                                       .consts = consts.at,
                                       .consts_count = consts.n});
}

static uint32_t matmul(struct builder *b, uint32_t x, uint32_t y, struct list dims)
{
    return emit(b, (struct ay_work_op){.kind = AY_WORK_OP_MATMUL,
                                       .in = (const uint32_t[]){x, y},
                                       .in_count = 2,
                                       .dims = dims.at,
                                       .dims_count = dims.n});
}

static uint32_t reduce(struct builder *b, enum ay_work_reduce kind, uint32_t x, uint32_t axis,
                       struct list dims)
{
    return emit(b, (struct ay_work_op){.kind = AY_WORK_OP_REDUCE,
                                       .in = &x,
                                       .in_count = 1,
                                       .dims = dims.at,
                                       .dims_count = dims.n,
                                       .reduce = kind,
                                       .axis = axis});
}

static uint32_t permute(struct builder *b, uint32_t x, struct list view, struct list perm,
                        struct list dims)
{
    return emit(b, (struct ay_work_op){.kind = AY_WORK_OP_PERMUTE,
                                       .in = &x,
                                       .in_count = 1,
                                       .dims = dims.at,
                                       .dims_count = dims.n,
                                       .view = view.at,
                                       .view_count = view.n,
                                       .perm = perm.at,
                                       .perm_count = perm.n});
}

static const struct list none = {NULL, 0};

static uint32_t layer_norm(struct builder *b, uint32_t x, uint32_t gain)
{
    uint32_t hidden = b->config->hidden, n = ay_f32_bits((float)hidden);
    uint32_t sum = reduce(b, AY_WORK_REDUCE_SUM, x, 1, L(S, 1));
    uint32_t d = map(b, STEPS(less_mean), L(x, sum), L(S, hidden), L(n));
    uint32_t squares = reduce(b, AY_WORK_REDUCE_SUMSQ, d, 1, L(S, 1));
    return map(b, STEPS(normalise), L(d, squares, gain, gain + 1), L(S, hidden),
               L(n, b->config->eps_bits));
}

/* x W^T + bias, for the matrix `weight` (out, in) and the bias after it. */
static uint32_t linear(struct builder *b, uint32_t x, uint32_t weight, uint32_t out)
{
    uint32_t y = matmul(b, x, weight, L(S, out));
    return map(b, STEPS(add2), L(y, weight + 1), L(S, out), none);
}

static uint32_t attention(struct builder *b, uint32_t x, uint32_t layer)
{
    uint32_t hidden = b->config->hidden, heads = b->config->heads, width = hidden / heads;
    uint32_t scale = ay_f32_bits(1.0F / __builtin_sqrtf((float)width));
    uint32_t q = linear(b, x, layer + L_QUERY, hidden);
    uint32_t k = linear(b, x, layer + L_KEY, hidden);
    uint32_t v = linear(b, x, layer + L_VALUE, hidden);
    struct list split = L(S, heads, width), by_head = L(heads, S, width);
    q = permute(b, q, split, L(1, 0, 2), by_head);
    k = permute(b, k, split, L(1, 0, 2), by_head);
    v = permute(b, v, split, L(1, 2, 0), L(heads, width, S));
    uint32_t scores = matmul(b, q, k, L(heads, S, S));
    uint32_t most = reduce(b, AY_WORK_REDUCE_MAX, scores, 2, L(heads, S, 1));
    uint32_t e = map(b, STEPS(exp_scaled), L(scores, most), L(heads, S, S), L(scale));
    uint32_t sum = reduce(b, AY_WORK_REDUCE_SUM, e, 2, L(heads, S, 1));
    uint32_t p = map(b, STEPS(divide), L(e, sum), L(heads, S, S), none);
    uint32_t mixed = matmul(b, p, v, L(heads, S, width));
    return permute(b, mixed, by_head, L(1, 0, 2), L(S, hidden));
}

static uint32_t encoder_layer(struct builder *b, uint32_t x, uint32_t layer)
{
    uint32_t hidden = b->config->hidden, wide = b->config->intermediate;
    uint32_t y = attention(b, x, layer);
    y = matmul(b, y, layer + L_MIXED, L(S, hidden));
    y = map(b, STEPS(add3), L(y, layer + L_MIXED + 1, x), L(S, hidden), none);
    x = layer_norm(b, y, layer + L_MIXED_NORM);
    y = matmul(b, x, layer + L_UP, L(S, wide));
    y = map(b, STEPS(gelu), L(y, layer + L_UP + 1), L(S, wide),
            L(ay_f32_bits(AY_SQRT2), ay_f32_bits(1.0F), ay_f32_bits(0.5F)));
    y = matmul(b, y, layer + L_DOWN, L(S, hidden));
    y = map(b, STEPS(add3), L(y, layer + L_DOWN + 1, x), L(S, hidden), none);
    return layer_norm(b, y, layer + L_DOWN_NORM);
}

static void build_ops(struct builder *b)
{
    uint32_t hidden = b->config->hidden;
    uint32_t words = gather(b, 1 + W_WORDS, TOKENS, L(S, hidden));
    uint32_t places = gather(b, 1 + W_POSITIONS, 1 + W_POSITION_IDS, L(S, hidden));
    uint32_t x = map(b, STEPS(add3), L(words, 1 + W_TOKEN_TYPE, places), L(S, hidden), none);
    x = layer_norm(b, x, 1 + W_NORM_GAIN);
    for (uint32_t i = 0; i < b->config->layers; i++)
        x = encoder_layer(b, x, 1 + EMBEDDING_WEIGHTS + i * LAYER_WEIGHTS);
    x = reduce(b, AY_WORK_REDUCE_SUM, x, 0, L(1, hidden));
    x = map(b, STEPS(mean_tokens), L(x), L(1, hidden), none);
    uint32_t squares = reduce(b, AY_WORK_REDUCE_SUMSQ, x, 1, L(1, 1));
    (void)map(b, STEPS(unit_length), L(x, squares), L(1, hidden), L(ay_f32_bits(1e-12F)));
}

/* Weights */

static enum ay_code add_weight(struct builder *b, const char *name, uint32_t rows, uint32_t cols,
                               uint32_t stored_rows)
{
    const struct ay_stored_tensor *t = ay_safetensors_find(b->file, name);
    if (!t) return ay_reject(b->reason, AY_E_FORMAT, "tensor %s is missing", name);
    bool shape = cols == 0 ? t->rank == 1 && t->dims[0] == rows
                           : t->rank == 2 && t->dims[0] == stored_rows && t->dims[1] == cols;
    if (!shape) return ay_reject(b->reason, AY_E_FORMAT, "tensor %s has another shape", name);
    /* One row alone is a vector. */
    bool vector = cols == 0 || rows == 1;
    uint32_t dims[] = {vector && cols ? cols : rows, cols};
    b->sources[b->weight_count] = (struct ay_bert_source){t, 0};
    b->weights[b->weight_count++] = (struct ay_work_weight){.dtype = AY_WORK_DTYPE_F32,
                                                            .dims = keep(b, dims, vector ? 1 : 2),
                                                            .dims_count = vector ? 1 : 2};
    return AY_OK;
}

static enum ay_code embedding_weights(struct builder *b)
{
    const struct ay_bert_config *c = b->config;
    AY_TRY(add_weight(b, "embeddings.word_embeddings.weight", c->vocabulary, c->hidden,
                      c->vocabulary));
    AY_TRY(add_weight(b, "embeddings.position_embeddings.weight", c->positions, c->hidden,
                      c->positions));
    b->sources[b->weight_count] = (struct ay_bert_source){NULL, 0};
    b->weights[b->weight_count++] = (struct ay_work_weight){
        .dtype = AY_WORK_DTYPE_I32, .dims = keep(b, &c->max_tokens, 1), .dims_count = 1};
    AY_TRY(add_weight(b, "embeddings.token_type_embeddings.weight", 1, c->hidden, 2));
    AY_TRY(add_weight(b, "embeddings.LayerNorm.weight", c->hidden, 0, 0));
    return add_weight(b, "embeddings.LayerNorm.bias", c->hidden, 0, 0);
}

static enum ay_code layer_weights(struct builder *b, uint32_t layer)
{
    uint32_t hidden = b->config->hidden, wide = b->config->intermediate;
    const struct {
        const char *name;
        uint32_t rows, cols;
    } parts[] = {
        {"attention.self.query", hidden, hidden},
        {"attention.self.key", hidden, hidden},
        {"attention.self.value", hidden, hidden},
        {"attention.output.dense", hidden, hidden},
        {"attention.output.LayerNorm", hidden, 0},
        {"intermediate.dense", wide, hidden},
        {"output.dense", hidden, wide},
        {"output.LayerNorm", hidden, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "encoder.layer.%u.%s.weight", layer, parts[i].name);
        AY_TRY(add_weight(b, name, parts[i].rows, parts[i].cols, parts[i].rows));
        (void)snprintf(name, sizeof name, "encoder.layer.%u.%s.bias", layer, parts[i].name);
        AY_TRY(add_weight(b, name, parts[i].rows, 0, 0));
    }
    return AY_OK;
}

static enum ay_code config_check(const struct ay_bert_config *c, struct ay_reason *reason)
{
    const struct {
        const char *name;
        uint32_t value, max;
    } bounds[] = {
        {"vocab_size", c->vocabulary, 1u << 20},
        {"max_position_embeddings", c->positions, 1u << 16},
        {"hidden_size", c->hidden, 1u << 14},
        {"num_hidden_layers", c->layers, MAX_LAYERS},
        {"num_attention_heads", c->heads, 1u << 8},
        {"intermediate_size", c->intermediate, 1u << 16},
        {"max_seq_length", c->max_tokens, c->positions},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        if (bounds[i].value == 0 || bounds[i].value > bounds[i].max)
            return ay_reject(reason, AY_E_UNSUPPORTED, "%s is not in 1..%u", bounds[i].name,
                             bounds[i].max);
    if (c->hidden % c->heads || c->hidden == 1 || c->max_tokens < 2)
        return ay_reject(reason, AY_E_UNSUPPORTED, "heads do not divide hidden_size");
    return AY_OK;
}

enum ay_code ay_bert_build(const struct ay_bert_config *config, const struct ay_safetensors *file,
                           struct ay_arena *arena, struct ay_bert *out, struct ay_reason *reason)
{
    AY_TRY(config_check(config, reason));
    uint32_t weights = EMBEDDING_WEIGHTS + config->layers * LAYER_WEIGHTS;
    struct builder b = {.config = config,
                        .file = file,
                        .arena = arena,
                        .reason = reason,
                        .max_ops = 16 + config->layers * 32};
    b.weights = AY_NEW(arena, struct ay_work_weight, weights);
    b.sources = AY_NEW(arena, struct ay_bert_source, weights);
    b.ops = AY_NEW(arena, struct ay_work_op, b.max_ops);
    struct ay_work_tensor_type *input = AY_NEW(arena, struct ay_work_tensor_type, 1);
    if (!b.weights || !b.sources || !b.ops || !input)
        return ay_reject(reason, AY_E_LIMIT, "arena is full");
    AY_TRY(embedding_weights(&b));
    for (uint32_t i = 0; i < config->layers; i++) AY_TRY(layer_weights(&b, i));
    AY_ASSERT(b.weight_count == weights);
    build_ops(&b);
    *input = (struct ay_work_tensor_type){AY_WORK_DTYPE_I32, keep(&b, L(S).at, 1), 1};
    out->program = (struct ay_work_program){.numerics = 1,
                                            .iterate = 1,
                                            .max_dims = keep(&b, &config->max_tokens, 1),
                                            .max_dims_count = 1,
                                            .inputs = input,
                                            .inputs_count = 1,
                                            .weights = b.weights,
                                            .weights_count = weights,
                                            .ops = b.ops,
                                            .ops_count = b.op_count};
    out->sources = b.sources;
    if (b.full) return ay_reject(reason, AY_E_LIMIT, "arena is full");
    struct ay_program_fault fault;
    enum ay_code code = ay_program_check(&out->program, &fault);
    if (code == AY_OK) return AY_OK;
    return ay_reject(reason, code, "op %u: %s", fault.op, fault.reason);
}
