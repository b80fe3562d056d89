#include "verify/player.h"

#include "crypto/merkle.h"

#define HASH 32u

/* An operand with the hashes of its leaves. */
struct tensor {
    struct ay_tensor_type type;
    const uint8_t *data;
    uint64_t len;
    uint64_t n_leaves;
    ay_hashes leaves;
};

static struct ay_slice slice_of(const void *data, uint64_t len)
{
    AY_ASSERT(len <= UINT32_MAX);
    return ay_slice(data, (uint32_t)len);
}

static enum ay_code take_hashes(struct ay_arena *arena, uint64_t n, uint8_t (**out)[HASH])
{
    *out = (uint8_t(*)[HASH])ay_arena_take(arena, n, HASH);
    return *out ? AY_OK : AY_E_LIMIT;
}

static enum ay_code get_data(const struct ay_player *p, uint32_t value, struct tensor *t)
{
    uint32_t sizes[AY_MAX_SYMBOLS] = {p->length};
    AY_TRY(ay_program_shape(p->claim.program, value, sizes, &t->type));
    AY_TRY(p->tensor(p->self, value, &t->data, &t->len));
    t->n_leaves = ay_tensor_leaves(&t->type);
    bool whole = t->len == ay_tensor_elements(&t->type) * ay_dtype_bytes(t->type.dtype);
    return whole ? AY_OK : AY_E_RANGE;
}

static enum ay_code get_tensor(const struct ay_player *p, uint32_t value, struct ay_arena *arena,
                               struct tensor *t)
{
    uint8_t(*leaves)[HASH];
    AY_TRY(get_data(p, value, t));
    AY_TRY(take_hashes(arena, t->n_leaves, &leaves));
    for (uint64_t i = 0; i < t->n_leaves; i++) ay_tensor_leaf(t->data, t->len, i, leaves[i]);
    t->leaves = (ay_hashes)leaves;
    return AY_OK;
}

/* The op's output in doubt. */
static enum ay_code get_output(const struct ay_player *p, const struct ay_dispute_game *game,
                               struct ay_arena *arena, struct tensor *t)
{
    return get_tensor(p, ay_program_output(p->claim.program, game->op), arena, t);
}

enum ay_code ay_player_roots(const struct ay_player *p, uint8_t (*roots)[HASH])
{
    for (uint32_t i = 0; i < p->claim.program->ops_count; i++) {
        struct tensor t;
        AY_TRY(get_data(p, ay_program_output(p->claim.program, i), &t));
        AY_TRY(ay_tensor_root((uint8_t)t.type.dtype, (uint8_t)t.type.rank, t.type.dims, t.data,
                              t.len, roots[i]));
    }
    return AY_OK;
}

/* The proof of one run's root among all of them. */
static enum ay_code prove_run(ay_hashes roots, uint32_t runs, uint32_t run, struct ay_arena *arena,
                              struct ay_slice *proof)
{
    uint8_t(*leaves)[HASH], (*out)[HASH];
    AY_TRY(take_hashes(arena, runs, &leaves));
    AY_TRY(take_hashes(arena, AY_MERKLE_MAX_PROOF, &out));
    for (uint32_t i = 0; i < runs; i++) ay_merkle_leaf(ay_slice(roots[i], HASH), leaves[i]);
    *proof = slice_of(out, ay_merkle_prove((ay_hashes)leaves, runs, run, 1, out) * HASH);
    return AY_OK;
}

enum ay_code ay_player_open(const struct ay_player *p, struct ay_arena *arena,
                            uint8_t merkle_root[HASH], struct ay_slice *proof)
{
    struct tensor t;
    AY_TRY(get_tensor(p, 0, arena, &t));
    ay_merkle_root_of(t.leaves, t.n_leaves, merkle_root);
    return prove_run(p->input_roots, p->claim.runs, p->run, arena, proof);
}

/* Nodes of a tree of leaf hashes, 8 levels below a node. Returns how many. */
static uint32_t nodes_below(ay_hashes leaves, struct ay_merkle_span top, uint8_t (*out)[HASH])
{
    struct ay_merkle_span spans[AY_GAME_WAYS];
    size_t n = ay_merkle_spans(top, AY_GAME_LEVELS, spans);
    for (size_t i = 0; i < n; i++)
        ay_merkle_root_of(leaves + spans[i].first, spans[i].count, out[i]);
    return (uint32_t)n;
}

static enum ay_code answer_all_roots(const struct ay_player *p, struct ay_arena *arena,
                                     struct ay_game_answer *answer)
{
    uint32_t n = p->claim.program->ops_count;
    uint8_t(*leaves)[HASH], (*list)[HASH], (*tail)[HASH];
    AY_TRY(prove_run(p->run_roots, p->claim.runs, p->run, arena, &answer->proof));
    if (n <= AY_GAME_WAYS) {
        answer->data = slice_of(p->op_roots, (uint64_t)n * HASH);
        return AY_OK;
    }
    AY_TRY(take_hashes(arena, n, &leaves));
    AY_TRY(take_hashes(arena, AY_GAME_WAYS, &list));
    AY_TRY(take_hashes(arena, 1 + AY_MERKLE_MAX_PROOF, &tail));
    for (uint32_t i = 0; i < n; i++) ay_merkle_leaf(ay_slice(p->op_roots[i], HASH), leaves[i]);
    uint32_t entries = nodes_below((ay_hashes)leaves, (struct ay_merkle_span){0, n}, list);
    answer->data = slice_of(list, (uint64_t)entries * HASH);
    memcpy(tail[0], p->op_roots[n - 1], HASH);
    size_t proof = ay_merkle_prove((ay_hashes)leaves, n, n - 1, 1, tail + 1);
    answer->tail = slice_of(tail, (1 + proof) * HASH);
    return AY_OK;
}

static enum ay_code answer_nodes(const struct ay_player *p, const struct ay_dispute_game *game,
                                 struct ay_arena *arena, struct ay_game_answer *answer)
{
    struct tensor t;
    uint8_t(*list)[HASH];
    AY_TRY(get_output(p, game, arena, &t));
    AY_TRY(take_hashes(arena, AY_GAME_WAYS, &list));
    uint32_t n = nodes_below(t.leaves, (struct ay_merkle_span){game->first, game->count}, list);
    answer->data = slice_of(list, (uint64_t)n * HASH);
    return AY_OK;
}

/* Leaf `leaf` of a tensor, padded with zeros, into out. */
static void copy_leaf(const struct tensor *t, uint64_t leaf, uint8_t out[AY_TENSOR_LEAF_BYTES])
{
    uint64_t at = leaf * AY_TENSOR_LEAF_BYTES, left = t->len - at;
    memset(out, 0, AY_TENSOR_LEAF_BYTES);
    memcpy(out, t->data + at, left < AY_TENSOR_LEAF_BYTES ? left : AY_TENSOR_LEAF_BYTES);
}

static enum ay_code answer_leaf(const struct ay_player *p, const struct ay_dispute_game *game,
                                struct ay_arena *arena, struct ay_game_answer *answer)
{
    struct tensor t;
    uint8_t *leaf = AY_NEW(arena, uint8_t, AY_TENSOR_LEAF_BYTES);
    if (!leaf) return AY_E_LIMIT;
    AY_TRY(get_data(p, ay_program_output(p->claim.program, game->op), &t));
    copy_leaf(&t, game->first, leaf);
    answer->data = slice_of(leaf, AY_TENSOR_LEAF_BYTES);
    return AY_OK;
}

/* The leaves of the needs that have none yet, copied out of the operands. */
static enum ay_code copy_ranges(const struct ay_player *p, const struct ay_work_op *op,
                                const struct ay_need *needs, uint32_t count, struct ay_arena *arena,
                                struct ay_dispute_range *ranges)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tensor t;
        uint8_t *leaves = ay_arena_take(arena, needs[i].leaves, AY_TENSOR_LEAF_BYTES);
        if (!leaves) return AY_E_LIMIT;
        AY_TRY(get_data(p, op->in[needs[i].operand], &t));
        for (uint32_t k = 0; k < needs[i].leaves; k++)
            copy_leaf(&t, needs[i].first + k, leaves + (size_t)k * AY_TENSOR_LEAF_BYTES);
        ranges[i].leaves = slice_of(leaves, (uint64_t)needs[i].leaves * AY_TENSOR_LEAF_BYTES);
    }
    return AY_OK;
}

/* What the target needs, with its bytes; for a GATHER by way of the id that it reads. */
static enum ay_code read_needs(const struct ay_player *p, const struct ay_target *target,
                               struct ay_arena *arena, struct ay_need *needs, uint32_t *count,
                               struct ay_dispute_range *ranges)
{
    const struct ay_work_op *op = &p->claim.program->ops[target->op];
    ay_arbiter_needs(target, NULL, needs, count);
    AY_TRY(copy_ranges(p, op, needs, *count, arena, ranges));
    if (op->kind != AY_WORK_OP_GATHER) return AY_OK;
    int64_t id = ay_arbiter_id(target, needs, *count, ranges);
    ay_arbiter_needs(target, &id, needs, count);
    return copy_ranges(p, op, needs, *count, arena, ranges);
}

/* The running state after a segment; state holds the one before. */
static enum ay_code run_segment(const struct ay_player *p, const struct ay_target *target,
                                struct ay_arena *arena, uint8_t state[AY_STATE_BYTES])
{
    struct ay_need needs[AY_ARBITER_MAX_RANGES];
    struct ay_dispute_range ranges[AY_ARBITER_MAX_RANGES] = {0};
    uint32_t count;
    size_t mark = arena->used;
    AY_TRY(read_needs(p, target, arena, needs, &count, ranges));
    ay_arbiter_compute(target, needs, count, ranges, state);
    ay_arena_rewind(arena, mark);
    return AY_OK;
}

/* Own running states at the ends of the chunks in doubt, in the form of a SEGMENT answer. */
static enum ay_code run_chunks(const struct ay_player *p, const struct ay_dispute_game *game,
                               struct ay_arena *arena, struct ay_slice *out)
{
    const struct ay_op_shape shape = ay_arbiter_shape(p->claim.program, game->op, game->length);
    uint32_t width = ay_ref_state_bytes(&shape);
    uint64_t chunk = ay_game_chunk(game->count), entries = (game->count + chunk - 1) / chunk;
    uint8_t state[AY_STATE_BYTES];
    uint8_t *list = ay_arena_take(arena, entries, width);
    if (!list) return AY_E_LIMIT;
    memcpy(state, game->before, AY_STATE_BYTES);
    for (uint64_t i = 0; i < game->count; i++) {
        struct ay_target target = ay_game_target(&p->claim, game, (uint32_t)i);
        AY_TRY(run_segment(p, &target, arena, state));
        if ((i + 1) % chunk == 0 || i + 1 == game->count) memcpy(list + i / chunk * width, state, width);
    }
    *out = slice_of(list, entries * width);
    return AY_OK;
}

/* A liar's running states end in its claim; before that they are what it computes. */
static enum ay_code answer_segment(const struct ay_player *p, const struct ay_dispute_game *game,
                                   struct ay_arena *arena, struct ay_game_answer *answer)
{
    return run_chunks(p, game, arena, &answer->data);
}

enum ay_code ay_player_answer(const struct ay_player *p, const struct ay_dispute_game *game,
                              struct ay_arena *arena, struct ay_game_answer *answer)
{
    *answer = (struct ay_game_answer){0};
    switch (game->state) {
    case AY_DISPUTE_STATE_ROOTS:
        if (game->depth == 1) return answer_all_roots(p, arena, answer);
        answer->data = slice_of(p->op_roots + game->first, game->count * HASH);
        return AY_OK;
    case AY_DISPUTE_STATE_NODES: return answer_nodes(p, game, arena, answer);
    case AY_DISPUTE_STATE_LEAF: return answer_leaf(p, game, arena, answer);
    case AY_DISPUTE_STATE_SEGMENT: return answer_segment(p, game, arena, answer);
    default: return AY_E_DISPUTE_MOVE;
    }
}

/* The challenger. */

/* The list of ops as the provider has given it to a challenger of op `op`: whole, or the hashes of
 * its spans and the roots of the span with the op. What is not listed comes before the first
 * difference, hence is as the challenger has it. */
struct op_list {
    const struct ay_player *p;
    struct ay_merkle_span spans[AY_GAME_WAYS];
    size_t n_spans; /* 0: the list is whole */
    uint64_t first, count; /* ops whose roots are listed */
    ay_hashes roots;
};

static void op_list_of(const struct ay_player *p, uint32_t op, struct op_list *list)
{
    uint64_t n = p->claim.program->ops_count;
    *list = (struct op_list){.p = p, .count = n, .roots = ay_hashes_of(p->lists[0])};
    if (n <= AY_GAME_WAYS) return;
    list->n_spans = ay_merkle_spans((struct ay_merkle_span){0, n}, AY_GAME_LEVELS, list->spans);
    size_t i = 0;
    while (op >= list->spans[i].first + list->spans[i].count) i++;
    list->first = list->spans[i].first;
    list->count = list->spans[i].count;
    list->roots = ay_hashes_of(p->lists[1]);
}

/* The Merkle node of ops [first, first + count). */
static void op_node(const struct op_list *list, uint64_t first, uint64_t count, uint8_t out[HASH])
{
    for (size_t i = 0; i < list->n_spans; i++) {
        if (list->spans[i].first != first || list->spans[i].count != count) continue;
        memcpy(out, ay_hashes_of(list->p->lists[0])[i], HASH);
        return;
    }
    if (count == 1) {
        bool listed = first >= list->first && first - list->first < list->count;
        ay_merkle_leaf(ay_slice(listed ? list->roots[first - list->first] : list->p->op_roots[first],
                                HASH), out);
        return;
    }
    uint64_t left = ay_merkle_split(count);
    uint8_t l[HASH], r[HASH];
    op_node(list, first, left, l);
    op_node(list, first + left, count - left, r);
    ay_merkle_node(l, r, out);
}

/* Siblings of op `op` within [first, first + count), left to right. */
static void prove_op(const struct op_list *list, uint32_t op, uint64_t first, uint64_t count,
                     uint8_t (*proof)[HASH], uint32_t *len)
{
    if (count == 1) return;
    uint64_t left = ay_merkle_split(count);
    if (op < first + left) {
        prove_op(list, op, first, left, proof, len);
        op_node(list, first + left, count - left, proof[(*len)++]);
    } else {
        op_node(list, first, left, proof[(*len)++]);
        prove_op(list, op, first + left, count - left, proof, len);
    }
}

static enum ay_code open_operand(const struct op_list *list, uint32_t value, const struct tensor *t,
                                 struct ay_arena *arena, struct ay_dispute_operand *out)
{
    const struct ay_work_program *program = list->p->claim.program;
    uint32_t outer = program->inputs_count + program->weights_count, len = 0;
    uint8_t(*proof)[HASH];
    ay_merkle_root_of(t->leaves, t->n_leaves, out->merkle_root);
    if (value < outer) return AY_OK;
    AY_TRY(take_hashes(arena, AY_MERKLE_MAX_DEPTH, &proof));
    prove_op(list, value - outer, 0, program->ops_count, proof, &len);
    out->proof = slice_of(proof, (uint64_t)len * HASH);
    return AY_OK;
}

static enum ay_code prove_range(const struct tensor *t, const struct ay_need *need,
                                struct ay_arena *arena, struct ay_dispute_range *range)
{
    uint8_t(*proof)[HASH];
    AY_TRY(take_hashes(arena, AY_MERKLE_MAX_PROOF, &proof));
    size_t n = ay_merkle_prove(t->leaves, t->n_leaves, need->first, need->leaves, proof);
    range->proof = slice_of(proof, n * HASH);
    return AY_OK;
}

enum ay_code ay_player_evidence(const struct ay_player *p, const struct ay_target *target,
                                struct ay_arena *arena, struct ay_dispute_evidence *evidence)
{
    const struct ay_work_op *op = &p->claim.program->ops[target->op];
    struct ay_need needs[AY_ARBITER_MAX_RANGES];
    struct ay_dispute_operand *operands = AY_NEW(arena, struct ay_dispute_operand, op->in_count);
    struct ay_dispute_range *ranges = AY_NEW(arena, struct ay_dispute_range, AY_ARBITER_MAX_RANGES);
    struct op_list list;
    uint32_t count;
    if (!operands || !ranges) return AY_E_LIMIT;
    op_list_of(p, target->op, &list);
    AY_TRY(read_needs(p, target, arena, needs, &count, ranges));
    for (uint32_t i = 0; i < op->in_count; i++) {
        struct tensor t;
        AY_TRY(get_tensor(p, op->in[i], arena, &t));
        AY_TRY(open_operand(&list, op->in[i], &t, arena, &operands[i]));
        for (uint32_t k = 0; k < count; k++)
            if (needs[k].operand == i) AY_TRY(prove_range(&t, &needs[k], arena, &ranges[k]));
    }
    *evidence = (struct ay_dispute_evidence){.operands = operands,
                                             .operands_count = op->in_count,
                                             .ranges = ranges,
                                             .ranges_count = count};
    return AY_OK;
}

/* The first of n entries of `width` bytes that differs; n when none does. */
static uint32_t first_difference(const uint8_t *a, const uint8_t *b, uint32_t n, uint32_t width)
{
    uint32_t i = 0;
    while (i < n && memcmp(a + (size_t)i * width, b + (size_t)i * width, width) == 0) i++;
    return i;
}

/* What the listing should be, as the honest provider would give it. */
static enum ay_code own_listing(const struct ay_player *p, const struct ay_dispute_game *game,
                                struct ay_arena *arena, struct ay_slice *own, uint32_t *width)
{
    static const uint32_t asked[] = {
        [AY_DISPUTE_STATE_PICK_OP] = AY_DISPUTE_STATE_ROOTS,
        [AY_DISPUTE_STATE_PICK_NODE] = AY_DISPUTE_STATE_NODES,
        [AY_DISPUTE_STATE_PICK_ELEMENT] = AY_DISPUTE_STATE_LEAF,
        [AY_DISPUTE_STATE_PICK_SEGMENT] = AY_DISPUTE_STATE_SEGMENT,
    };
    struct ay_dispute_game before = *game;
    struct ay_player provider = *p;
    struct ay_game_answer answer;
    bool leaf = ay_arbiter_segments(p->claim.program, game->op, game->length) == 1;
    before.state = game->state != AY_DISPUTE_STATE_STEP ? asked[game->state]
                   : leaf                               ? AY_DISPUTE_STATE_LEAF
                                                        : AY_DISPUTE_STATE_SEGMENT;
    provider.run_roots = provider.input_roots; /* its proof of the output is not compared */
    AY_TRY(ay_player_answer(&provider, &before, arena, &answer));
    *own = answer.data;
    *width = HASH;
    if (before.state != AY_DISPUTE_STATE_LEAF && before.state != AY_DISPUTE_STATE_SEGMENT)
        return AY_OK;
    const struct ay_op_shape shape = ay_arbiter_shape(p->claim.program, game->op, game->length);
    *width = before.state == AY_DISPUTE_STATE_LEAF ? ay_dtype_bytes(shape.out.dtype)
                                                   : ay_ref_state_bytes(&shape);
    return AY_OK;
}

enum ay_code ay_player_choose(const struct ay_player *p, const struct ay_dispute_game *game,
                              struct ay_slice listing, struct ay_arena *arena,
                              struct ay_player_move *move)
{
    struct ay_slice own;
    uint32_t width;
    *move = (struct ay_player_move){.step = game->state == AY_DISPUTE_STATE_STEP};
    if (ay_game_mover(game->state) != AY_PARTY_CHALLENGER) return AY_E_DISPUTE_MOVE;
    AY_TRY(own_listing(p, game, arena, &own, &width));
    if (own.len != listing.len) return AY_E_RANGE;
    move->index = first_difference(own.data, listing.data, own.len / width, width);
    move->agree = move->index == own.len / width;
    if (!move->step || move->agree) return AY_OK;
    struct ay_target target = ay_game_target(&p->claim, game, move->index);
    return ay_player_evidence(p, &target, arena, &move->evidence);
}
