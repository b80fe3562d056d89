#include "verify/testing.h"

#include "crypto/merkle.h"
#include "tensor/ref/float.h"
#include "tensor/ref/fn.h"

#include <stdlib.h>

static void *must_alloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    AY_ASSERT(p);
    return p;
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* --- sketches --- */

void ay_sketch_begin(struct ay_sketch *s, uint32_t max_length, uint32_t max_ops)
{
    *s = (struct ay_sketch){0};
    s->ops = must_alloc(max_ops, sizeof *s->ops);
    s->max_dims[0] = max_length;
    s->input_dims[0] = AY_SYMBOL;
    s->input = (struct ay_work_tensor_type){
        .dtype = AY_WORK_DTYPE_I32, .dims = s->input_dims, .dims_count = 1};
    s->program = (struct ay_work_program){.numerics = 1,
                                          .iterate = 1,
                                          .max_dims = s->max_dims,
                                          .max_dims_count = 1,
                                          .inputs = &s->input,
                                          .inputs_count = 1,
                                          .weights = s->weights,
                                          .ops = s->ops};
}

uint32_t ay_sketch_weight(struct ay_sketch *s, uint32_t d0, uint32_t d1, uint32_t seed)
{
    uint32_t i = s->program.weights_count++, *dims = must_alloc(2, sizeof *dims);
    uint64_t n = (uint64_t)d0 * d1;
    AY_ASSERT(i < 8 && s->program.ops_count == 0);
    s->weight[i] = must_alloc(n, 4);
    for (uint64_t k = 0; k < n; k++) {
        float x = ((float)(next_random(&seed) >> 8) * 0x1p-23f - 1.0f) * 0.25f;
        ay_put_le32(s->weight[i] + 4 * k, ay_f32_bits(x));
    }
    dims[0] = d0;
    dims[1] = d1;
    s->weights[i] =
        (struct ay_work_weight){.dtype = AY_WORK_DTYPE_F32, .dims = dims, .dims_count = 2};
    AY_ASSERT(ay_tensor_root(AY_WORK_DTYPE_F32, 2, dims, s->weight[i], n * 4, s->weights[i].root) ==
              AY_OK);
    return 1 + i;
}

uint32_t ay_sketch_op(struct ay_sketch *s, struct ay_work_op op)
{
    s->ops[s->program.ops_count] = op;
    return ay_program_output(&s->program, s->program.ops_count++);
}

void ay_sketch_free(struct ay_sketch *s)
{
    for (uint32_t i = 0; i < s->program.weights_count; i++) {
        free(s->weight[i]);
        free((void *)(uintptr_t)s->weights[i].dims);
    }
    free(s->ops);
}

/* Arrays in an op; they live for ever, as tables of static storage do. */
#define LIST(...) (const uint32_t[]){__VA_ARGS__}, (sizeof((const uint32_t[]){__VA_ARGS__}) / 4)
#define IN(...) .in = (const uint32_t[]){__VA_ARGS__}, .in_count = sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define DIMS(...) .dims = (const uint32_t[]){__VA_ARGS__}, .dims_count = sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define STEPS(n, table) .steps = (table), .steps_count = (n)
#define INPUT(i) (uint32_t)(i)
#define STEP(i) ((uint32_t)AY_MAP_STEP << 24 | (i))
#define CONST(i) ((uint32_t)AY_MAP_CONST << 24 | (i))
#define DIM(i) ((uint32_t)AY_MAP_DIM << 24 | (i))
#define FN1(f, a) {.fn = AY_WORK_FN_##f, .args = (const uint32_t[]){a}, .args_count = 1}
#define FN2(f, a, b) {.fn = AY_WORK_FN_##f, .args = (const uint32_t[]){a, b}, .args_count = 2}
#define S AY_SYMBOL

/* Compound literals at file scope have static storage: the zoo's tables stand there. Operand ids:
 * 0 the input, 1.. the weights, then the ops. */
static const struct ay_work_map_step gelu[] = {FN1(ERF, INPUT(0)), FN2(ADD, STEP(0), CONST(0)),
                                               FN2(MUL, INPUT(0), STEP(1)),
                                               FN2(ADD, STEP(2), INPUT(1))};
static const struct ay_work_map_step centre[] = {FN2(DIV, INPUT(1), DIM(0)),
                                                 FN2(SUB, INPUT(0), STEP(0))};
static const struct ay_work_map_step exp_less[] = {FN2(SUB, INPUT(0), INPUT(1)),
                                                   FN1(EXP, STEP(0))};
static const struct ay_work_map_step divide[] = {FN2(DIV, INPUT(0), INPUT(1))};
static const struct ay_work_map_step negate[] = {FN1(NEG, INPUT(0))};
static const uint32_t ones[] = {0x3f800000};

enum { ZOO_WEIGHTS = 5, ZOO_OPS = 18 };
#define W(i) (1u + (i))
#define O(i) (1u + ZOO_WEIGHTS + (i))
static const struct ay_work_op zoo[ZOO_OPS] = {
    {.kind = AY_WORK_OP_GATHER, IN(W(0), 0), DIMS(S, 48)},
    {.kind = AY_WORK_OP_MAP, IN(O(0), W(1)), DIMS(S, 48), STEPS(4, gelu), .consts = ones,
     .consts_count = 1},
    {.kind = AY_WORK_OP_MATMUL, IN(O(1), W(2)), DIMS(S, 64)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(2)), DIMS(S, 1), .reduce = AY_WORK_REDUCE_SUM, .axis = 1},
    {.kind = AY_WORK_OP_MAP, IN(O(2), O(3)), DIMS(S, 64), STEPS(2, centre)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(S, 1), .reduce = AY_WORK_REDUCE_SUMSQ, .axis = 1},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(1, 64), .reduce = AY_WORK_REDUCE_MAX, .axis = 0},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(1, 64), .reduce = AY_WORK_REDUCE_SUM, .axis = 0},
    {.kind = AY_WORK_OP_PERMUTE, IN(O(4)), DIMS(8, S, 8), .view = (const uint32_t[]){S, 8, 8},
     .view_count = 3, .perm = (const uint32_t[]){1, 0, 2}, .perm_count = 3},
    {.kind = AY_WORK_OP_MATMUL, IN(O(8), O(8)), DIMS(8, S, S)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(9)), DIMS(8, S, 1), .reduce = AY_WORK_REDUCE_MAX, .axis = 2},
    {.kind = AY_WORK_OP_MAP, IN(O(9), O(10)), DIMS(8, S, S), STEPS(2, exp_less)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(11)), DIMS(8, S, 1), .reduce = AY_WORK_REDUCE_SUM, .axis = 2},
    {.kind = AY_WORK_OP_MAP, IN(O(11), O(12)), DIMS(8, S, S), STEPS(1, divide)},
    {.kind = AY_WORK_OP_MATMUL, IN(W(3), W(4)), DIMS(2, 3)},
    {.kind = AY_WORK_OP_REDUCE, IN(W(3)), DIMS(2, 1), .reduce = AY_WORK_REDUCE_SUMSQ, .axis = 1},
    {.kind = AY_WORK_OP_REDUCE, IN(W(3)), DIMS(2, 1), .reduce = AY_WORK_REDUCE_MAX, .axis = 1},
    {.kind = AY_WORK_OP_REDUCE, IN(O(13)), DIMS(1, S, S), .reduce = AY_WORK_REDUCE_SUM, .axis = 0},
};

void ay_sketch_zoo(struct ay_sketch *s)
{
    ay_sketch_begin(s, 200, ZOO_OPS);
    const uint32_t dims[ZOO_WEIGHTS][2] = {{100, 48}, {1, 48}, {64, 48}, {2, 20000}, {3, 20000}};
    for (uint32_t i = 0; i < ZOO_WEIGHTS; i++)
        (void)ay_sketch_weight(s, dims[i][0], dims[i][1], 7 + i);
    for (uint32_t i = 0; i < ZOO_OPS; i++) (void)ay_sketch_op(s, zoo[i]);
}

/* Op i of a chain takes operand i + 1: there is one weight. */
void ay_sketch_chain(struct ay_sketch *s, uint32_t ops)
{
    static uint32_t ids[65538];
    static const uint32_t dims[] = {1, 16};
    AY_ASSERT(ops <= 65536);
    ay_sketch_begin(s, 8, ops);
    (void)ay_sketch_weight(s, 1, 16, 3);
    for (uint32_t i = 0; i < ops; i++) {
        ids[i] = i + 1;
        (void)ay_sketch_op(s, (struct ay_work_op){.kind = AY_WORK_OP_MAP, .in = &ids[i],
                                                  .in_count = 1, .dims = dims, .dims_count = 2,
                                                  STEPS(1, negate)});
    }
}

static const struct ay_work_op tiny[] = {
    {.kind = AY_WORK_OP_GATHER, IN(1, 0), DIMS(S, 4)},
    {.kind = AY_WORK_OP_REDUCE, IN(2), DIMS(1, 4), .reduce = AY_WORK_REDUCE_SUM, .axis = 0},
    {.kind = AY_WORK_OP_MAP, IN(3), DIMS(1, 4), STEPS(1, negate)},
};

void ay_sketch_tiny(struct ay_sketch *s)
{
    ay_sketch_begin(s, 100, 3);
    (void)ay_sketch_weight(s, 4, 4, 5);
    for (uint32_t i = 0; i < 3; i++) (void)ay_sketch_op(s, tiny[i]);
}

/* --- the truth --- */

static enum ay_code truth_tensor(void *self, uint32_t value, const uint8_t **data, uint64_t *len)
{
    const struct ay_truth *t = self;
    *data = t->values[value];
    *len = t->lens[value];
    return AY_OK;
}

static void fill_input(struct ay_truth *t, uint32_t seed)
{
    for (uint32_t i = 0; i < t->length; i++)
        ay_put_le32(t->values[0] + (size_t)4 * i, next_random(&seed) % 128 - 8);
    AY_ASSERT(ay_tensor_root(AY_WORK_DTYPE_I32, 1, &t->length, t->values[0], t->lens[0],
                             t->input_root) == AY_OK);
}

struct ay_truth *ay_truth_new(const struct ay_sketch *s, uint32_t length, uint32_t seed,
                              uint32_t lie_op, uint64_t lie_element)
{
    const struct ay_work_program *p = &s->program;
    struct ay_truth *t = must_alloc(1, sizeof *t);
    uint32_t n = ay_program_values(p), outer = p->inputs_count + p->weights_count;
    t->sketch = s;
    t->length = length;
    t->values = must_alloc(n, sizeof *t->values);
    t->lens = must_alloc(n, sizeof *t->lens);
    t->op_roots = must_alloc(p->ops_count, 32);
    for (uint32_t v = 0; v < n; v++) {
        struct ay_tensor_type type;
        uint32_t sizes[AY_MAX_SYMBOLS] = {length};
        AY_ASSERT(ay_program_shape(p, v, sizes, &type) == AY_OK);
        uint32_t bytes = ay_dtype_bytes(type.dtype);
        t->lens[v] = ay_tensor_elements(&type) * bytes;
        bool weight = v >= p->inputs_count && v < outer;
        t->values[v] = weight ? s->weight[v - p->inputs_count] : must_alloc(t->lens[v], 1);
        if (v == 0) fill_input(t, seed);
        if (v < outer) continue;
        ay_truth_run(p, v - outer, length, t->values);
        if (v - outer == lie_op) t->values[v][bytes * lie_element] ^= 1;
    }
    const struct ay_player p0 = {.claim.program = p, .length = length, .tensor = truth_tensor, .self = t};
    AY_ASSERT(ay_player_roots(&p0, t->op_roots) == AY_OK);
    return t;
}

void ay_truth_free(struct ay_truth *t)
{
    const struct ay_work_program *p = &t->sketch->program;
    for (uint32_t v = 0; v < ay_program_values(p); v++)
        if (v < p->inputs_count || v >= p->inputs_count + p->weights_count) free(t->values[v]);
    free(t->values);
    free(t->lens);
    free(t->op_roots);
    free(t);
}

const uint8_t *ay_truth_output_root(const struct ay_truth *t)
{
    return t->op_roots[t->sketch->program.ops_count - 1];
}

uint64_t ay_truth_elements(const struct ay_truth *t, uint32_t op)
{
    const struct ay_op_shape shape = ay_arbiter_shape(&t->sketch->program, op, t->length);
    return ay_tensor_elements(&shape.out);
}

struct ay_player ay_truth_player(const struct ay_truth *t, const struct ay_game_claim *claim,
                                 uint32_t run, const uint8_t (*input_roots)[32],
                                 const uint8_t (*output_roots)[32])
{
    return (struct ay_player){.claim = *claim,
                              .run = run,
                              .length = t->length,
                              .tensor = truth_tensor,
                              .self = (void *)(uintptr_t)t,
                              .op_roots = (ay_hashes)t->op_roots,
                              .run_roots = output_roots,
                              .input_roots = input_roots};
}

enum ay_code ay_truth_answer(const struct ay_player *p, const struct ay_dispute_game *game,
                             struct ay_arena *arena, struct ay_game_answer *answer)
{
    AY_TRY(ay_player_answer(p, game, arena, answer));
    if (game->state != AY_DISPUTE_STATE_SEGMENT) return AY_OK;
    const struct ay_op_shape shape = ay_arbiter_shape(p->claim.program, game->op, game->length);
    uint32_t width = ay_ref_state_bytes(&shape);
    bool whole = game->count == ay_arbiter_segments(p->claim.program, game->op, game->length);
    uint8_t *last = (uint8_t *)(uintptr_t)answer->data.data + answer->data.len - width;
    uint8_t state[AY_STATE_BYTES] = {0};
    memcpy(state, last, width);
    if (!whole) {
        memcpy(last, game->after, width);
    } else if (ay_ref_state_finish(&shape, state) != game->claimed) {
        memset(last, 0, width); /* one lane holds all, the others +0 */
        ay_element_put(last, ay_dtype_bytes(shape.out.dtype), game->claimed);
    }
    return AY_OK;
}

/* Entries of the answer that is picked from. */
static uint32_t entries_of(const struct ay_player *p, const struct ay_dispute_game *game,
                           struct ay_slice listing)
{
    const struct ay_work_program *program = p->claim.program;
    const struct ay_op_shape shape = ay_arbiter_shape(program, game->op, game->length);
    bool leaf = game->state == AY_DISPUTE_STATE_PICK_ELEMENT ||
                (game->state == AY_DISPUTE_STATE_STEP &&
                 ay_arbiter_segments(program, game->op, game->length) == 1);
    if (leaf) return ay_leaf_elements(&shape.out, game->first);
    bool hashes = game->state == AY_DISPUTE_STATE_PICK_OP || game->state == AY_DISPUTE_STATE_PICK_NODE;
    return listing.len / (hashes ? 32 : ay_ref_state_bytes(&shape));
}

enum ay_code ay_truth_choose(const struct ay_player *p, const struct ay_dispute_game *game,
                             struct ay_slice listing, struct ay_arena *arena,
                             struct ay_player_move *move)
{
    AY_TRY(ay_player_choose(p, game, listing, arena, move));
    if (!move->agree) return AY_OK;
    move->index = entries_of(p, game, listing) - 1;
    if (!move->step) return AY_OK;
    struct ay_target target = ay_game_target(&p->claim, game, move->index);
    return ay_player_evidence(p, &target, arena, &move->evidence);
}
