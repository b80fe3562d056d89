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
    s->max_ops = max_ops;
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

/* f32: small; i32, i64: some that are ids and some that are not; others: all bits there are. */
static uint64_t draw_element(uint32_t dtype, uint32_t *seed)
{
    uint32_t r = next_random(seed);
    if (dtype == AY_WORK_DTYPE_F32)
        return ay_f32_bits(((float)(r >> 8) * 0x1p-23f - 1.0f) * 0.25f);
    if (dtype == AY_WORK_DTYPE_I32 || dtype == AY_WORK_DTYPE_I64)
        return ay_dtype_narrow(dtype, (int64_t)(r >> 8) % 2000 - 300);
    return dtype == AY_WORK_DTYPE_BOOL ? r >> 16 & 1 : r >> 16 & 255;
}

uint32_t ay_sketch_weight(struct ay_sketch *s, uint32_t dtype, uint32_t d0, uint32_t d1, uint32_t seed)
{
    uint32_t i = s->program.weights_count++, *dims = must_alloc(2, sizeof *dims);
    uint32_t bytes = ay_dtype_bytes(dtype);
    uint64_t n = (uint64_t)d0 * d1;
    AY_ASSERT(i < AY_SKETCH_WEIGHTS && s->program.ops_count == 0);
    s->weight[i] = must_alloc(n, bytes);
    for (uint64_t k = 0; k < n; k++)
        ay_element_put(s->weight[i] + k * bytes, bytes, draw_element(dtype, &seed));
    dims[0] = d0;
    dims[1] = d1;
    s->weights[i] = (struct ay_work_weight){.dtype = dtype, .dims = dims, .dims_count = 2};
    AY_ASSERT(ay_tensor_root((uint8_t)dtype, 2, dims, s->weight[i], n * bytes, s->weights[i].root) ==
              AY_OK);
    return 1 + i;
}

uint32_t ay_sketch_op(struct ay_sketch *s, struct ay_work_op op)
{
    AY_ASSERT(s->program.ops_count < s->max_ops);
    s->ops[s->program.ops_count] = op;
    return ay_program_output(&s->program, s->program.ops_count++);
}

void ay_sketch_free(struct ay_sketch *s)
{
    for (uint32_t i = 0; i < s->program.weights_count; i++) {
        free(s->weight[i]);
        free((void *)(uintptr_t)s->weights[i].dims);
    }
    for (uint32_t i = 0; i < s->kept_count; i++) free(s->kept[i]);
    free(s->ops);
}

const void *ay_sketch_keep(struct ay_sketch *s, const void *from, size_t bytes)
{
    AY_ASSERT(s->kept_count < AY_SKETCH_KEPT);
    void *copy = s->kept[s->kept_count++] = must_alloc(1, bytes);
    return memcpy(copy, from, bytes);
}

/* Arrays in an op; they live for ever, as tables of static storage do. */
#define LIST(...) (const uint32_t[]){__VA_ARGS__}
#define IN(...) .in = LIST(__VA_ARGS__), .in_count = sizeof(LIST(__VA_ARGS__)) / 4
#define DIMS(...) .dims = LIST(__VA_ARGS__), .dims_count = sizeof(LIST(__VA_ARGS__)) / 4
#define S AY_SYMBOL

static const struct ay_work_map_step negate[] = {
    {.fn = AY_WORK_FN_NEG, .args = (const uint32_t[]){0}, .args_count = 1}};

/* Op i of a chain takes operand i + 1: there is one weight. */
void ay_sketch_chain(struct ay_sketch *s, uint32_t ops)
{
    static uint32_t ids[65538];
    static const uint32_t dims[] = {1, 16};
    AY_ASSERT(ops <= 65536);
    ay_sketch_begin(s, 8, ops);
    (void)ay_sketch_weight(s, AY_WORK_DTYPE_F32, 1, 16, 3);
    for (uint32_t i = 0; i < ops; i++) {
        ids[i] = i + 1;
        (void)ay_sketch_op(s, (struct ay_work_op){.kind = AY_WORK_OP_MAP, .in = &ids[i],
                                                  .in_count = 1, .dims = dims, .dims_count = 2,
                                                  .steps = negate, .steps_count = 1});
    }
}

static const struct ay_work_op tiny[] = {
    {.kind = AY_WORK_OP_GATHER, IN(1, 0), DIMS(S, 4)},
    {.kind = AY_WORK_OP_REDUCE, IN(2), DIMS(1, 4), .reduce = AY_WORK_REDUCE_SUM, .axis = 0},
    {.kind = AY_WORK_OP_MAP, IN(3), DIMS(1, 4), .steps = negate, .steps_count = 1},
};

void ay_sketch_tiny(struct ay_sketch *s)
{
    ay_sketch_begin(s, 100, 3);
    (void)ay_sketch_weight(s, AY_WORK_DTYPE_F32, 4, 4, 5);
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

static struct ay_truth *truth_of(const struct ay_sketch *s, uint32_t length)
{
    const struct ay_work_program *p = &s->program;
    struct ay_truth *t = must_alloc(1, sizeof *t);
    uint32_t n = ay_program_values(p);
    t->sketch = s;
    t->length = length;
    t->values = must_alloc(n, sizeof *t->values);
    t->own = must_alloc(n, sizeof *t->own);
    t->lens = must_alloc(n, sizeof *t->lens);
    t->op_roots = must_alloc(p->ops_count, 32);
    for (uint32_t v = 0; v < n; v++) {
        struct ay_tensor_type type;
        AY_ASSERT(ay_program_shape(p, v, &length, &type) == AY_OK);
        t->lens[v] = ay_tensor_elements(&type) * ay_dtype_bytes(type.dtype);
    }
    return t;
}

/* Another element than it is: with one bit wrong, or 0 where that is none that may be committed. */
static void falsify(uint32_t dtype, uint8_t *values, uint64_t element)
{
    uint32_t bytes = ay_dtype_bytes(dtype);
    uint8_t *at = values + element * bytes;
    uint64_t bits = ay_element_get(at, bytes) ^ 1;
    ay_element_put(at, bytes, ay_dtype_canonical(dtype, bits) ? bits : 0);
}

/* Computes one op, whose operands are there, and its root. */
static void compute(struct ay_truth *t, uint32_t op, uint32_t lie_op, uint64_t lie_element)
{
    const struct ay_work_program *p = &t->sketch->program;
    const struct ay_op_shape shape = ay_arbiter_shape(p, op, t->length);
    const struct ay_tensor_type *out = &shape.out;
    uint32_t v = ay_program_output(p, op);
    t->own[v] = true;
    t->values[v] = must_alloc(t->lens[v], 1);
    ay_truth_run(p, op, t->length, t->values);
    if (op == lie_op) falsify(out->dtype, t->values[v], lie_element);
    AY_ASSERT(ay_tensor_root((uint8_t)out->dtype, (uint8_t)out->rank, out->dims, t->values[v],
                             t->lens[v], t->op_roots[op]) == AY_OK);
}

struct ay_truth *ay_truth_new(const struct ay_sketch *s, uint32_t length, uint32_t seed,
                              uint32_t lie_op, uint64_t lie_element)
{
    const struct ay_work_program *p = &s->program;
    struct ay_truth *t = truth_of(s, length);
    for (uint32_t i = 0; i < p->weights_count; i++) t->values[p->inputs_count + i] = s->weight[i];
    t->own[0] = true;
    t->values[0] = must_alloc(t->lens[0], 1);
    fill_input(t, seed);
    for (uint32_t i = 0; i < p->ops_count; i++) compute(t, i, lie_op, lie_element);
    return t;
}

struct ay_truth *ay_truth_lie(const struct ay_truth *honest, uint32_t lie_op, uint64_t lie_element)
{
    const struct ay_work_program *p = &honest->sketch->program;
    struct ay_truth *t = truth_of(honest->sketch, honest->length);
    uint32_t outer = p->inputs_count + p->weights_count;
    memcpy(t->values, honest->values, ay_program_values(p) * sizeof *t->values);
    memcpy(t->op_roots, honest->op_roots, (size_t)p->ops_count * 32);
    memcpy(t->input_root, honest->input_root, 32);
    for (uint32_t i = lie_op; i < p->ops_count; i++) {
        bool touched = i == lie_op;
        for (uint32_t k = 0; k < p->ops[i].in_count; k++)
            if (p->ops[i].in[k] >= outer && t->own[p->ops[i].in[k]]) touched = true;
        if (touched) compute(t, i, lie_op, lie_element);
    }
    return t;
}

void ay_truth_free(struct ay_truth *t)
{
    for (uint32_t v = 0; v < ay_program_values(&t->sketch->program); v++)
        if (t->own[v]) free(t->values[v]);
    free(t->values);
    free(t->own);
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
