#include "verify/game.h"

#include "crypto/merkle.h"

#define HASH 32u

enum ay_party ay_game_mover(uint32_t state)
{
    static const enum ay_party mover[] = {
        [AY_DISPUTE_STATE_ROOTS] = AY_PARTY_PROVIDER,
        [AY_DISPUTE_STATE_PICK_OP] = AY_PARTY_CHALLENGER,
        [AY_DISPUTE_STATE_NODES] = AY_PARTY_PROVIDER,
        [AY_DISPUTE_STATE_PICK_NODE] = AY_PARTY_CHALLENGER,
        [AY_DISPUTE_STATE_LEAF] = AY_PARTY_PROVIDER,
        [AY_DISPUTE_STATE_PICK_ELEMENT] = AY_PARTY_CHALLENGER,
        [AY_DISPUTE_STATE_SEGMENT] = AY_PARTY_PROVIDER,
        [AY_DISPUTE_STATE_PICK_SEGMENT] = AY_PARTY_CHALLENGER,
        [AY_DISPUTE_STATE_STEP] = AY_PARTY_CHALLENGER,
    };
    return state < sizeof mover / sizeof mover[0] ? mover[state] : AY_PARTY_NONE;
}

/* NULL when there is none. */
static const char *fault_of(const struct ay_work_program *program)
{
    const struct ay_work_tensor_type *input = program->inputs;
    if (program->max_dims_count != 1 || program->inputs_count != 1 ||
        input->dtype != AY_WORK_DTYPE_I32 || input->dims_count != 1 ||
        input->dims[0] != AY_DIM_SYMBOL)
        return "the program's input is not one list of token ids";
    struct ay_tensor_type output;
    uint32_t last = ay_program_output(program, program->ops_count - 1);
    if (ay_program_outputs(program) != 1 || ay_program_output_at(program, 0) != last)
        return "the program has other outputs than its last op's";
    ay_program_type(program, last, &output);
    return output.dtype == AY_WORK_DTYPE_F32 ? NULL : "the program's output is not f32";
}

enum ay_code ay_game_check(const struct ay_work_program *program, const char **reason)
{
    const char *fault = fault_of(program);
    if (fault && reason) *reason = fault;
    return fault ? AY_E_WORK_PROGRAM : AY_OK;
}

static struct ay_op_shape shape_of(const struct ay_game_claim *claim,
                                   const struct ay_dispute_game *game)
{
    return ay_arbiter_shape(claim->program, game->op, game->length);
}

/* A list of hashes, none missing. */
static bool is_list(struct ay_slice list, uint64_t count)
{
    return list.len == count * HASH;
}

/* Is `root` leaf `index` of the Merkle tree of n tensor roots? */
static bool is_member(const uint8_t tree[HASH], uint64_t n, uint64_t index,
                      const uint8_t root[HASH], struct ay_slice proof)
{
    uint8_t leaf[1][HASH];
    if (proof.len % HASH != 0) return false;
    ay_merkle_leaf(ay_slice(root, HASH), leaf[0]);
    return ay_merkle_verify(tree, n, index, 1, (ay_hashes)leaf, ay_hashes_of(proof), proof.len / HASH) ==
           AY_OK;
}

static bool bind_equals(const struct ay_tensor_type *type, const uint8_t merkle_root[HASH],
                        const uint8_t root[HASH])
{
    uint8_t bound[HASH];
    ay_tensor_root_bind((uint8_t)type->dtype, (uint8_t)type->rank, type->dims, merkle_root, bound);
    return memcmp(bound, root, HASH) == 0;
}

static void push(struct ay_dispute_game *game, uint32_t index)
{
    AY_ASSERT(game->depth < AY_GAME_MAX_DEPTH);
    ay_put_be32(game->path + (size_t)4 * game->depth++, index);
}

enum ay_code ay_game_open(const struct ay_game_claim *claim, uint32_t run, uint32_t length,
                          const uint8_t merkle_root[HASH], struct ay_slice proof,
                          struct ay_dispute_game *game)
{
    struct ay_tensor_type input;
    uint32_t sizes[AY_MAX_SYMBOLS] = {length};
    struct ay_dispute_game g = {.state = AY_DISPUTE_STATE_ROOTS,
                                .run = run,
                                .length = length,
                                .count = claim->program->ops_count};
    if (run >= claim->runs) return AY_E_RANGE;
    AY_TRY(ay_program_shape(claim->program, 0, sizes, &input));
    if (input.dims[0] != length) return AY_E_RANGE;
    ay_tensor_root_bind((uint8_t)input.dtype, (uint8_t)input.rank, input.dims, merkle_root,
                        g.input_root);
    if (!is_member(claim->input_root, claim->runs, run, g.input_root, proof))
        return AY_E_DISPUTE_EVIDENCE;
    push(&g, run);
    *game = g;
    return AY_OK;
}

/* Answers. Each writes *game only when everything opens. */

/* The first list over all ops: binds ops_root, and its last entry to the claimed output. */
static enum ay_code answer_all_roots(const struct ay_game_claim *claim,
                                     struct ay_dispute_game *game,
                                     const struct ay_game_answer *answer)
{
    uint64_t n = claim->program->ops_count;
    struct ay_merkle_span spans[AY_GAME_WAYS], all = {0, n};
    uint8_t leaves[AY_GAME_WAYS][HASH], root[HASH];
    uint64_t entries = n <= AY_GAME_WAYS ? n : ay_merkle_spans(all, AY_GAME_LEVELS, spans);
    if (!is_list(answer->data, entries)) return AY_E_DISPUTE_EVIDENCE;
    ay_hashes list = ay_hashes_of(answer->data);
    const uint8_t *last = answer->tail.data;
    if (n <= AY_GAME_WAYS) {
        if (answer->tail.len != 0) return AY_E_DISPUTE_EVIDENCE;
        for (uint64_t i = 0; i < n; i++) ay_merkle_leaf(ay_slice(list[i], HASH), leaves[i]);
        ay_merkle_root_of((ay_hashes)leaves, n, root);
        last = list[n - 1];
    } else {
        if (answer->tail.len < HASH) return AY_E_DISPUTE_EVIDENCE;
        if (ay_merkle_fold(n, AY_GAME_LEVELS, list, entries, root) != AY_OK ||
            !is_member(root, n, n - 1, last, ay_slice(last + HASH, answer->tail.len - HASH)))
            return AY_E_DISPUTE_EVIDENCE;
    }
    if (!is_member(claim->output_root, claim->runs, game->run, last, answer->proof))
        return AY_E_DISPUTE_EVIDENCE;
    memcpy(game->ops_root, root, HASH);
    game->state = AY_DISPUTE_STATE_PICK_OP;
    return AY_OK;
}

static bool is_plain(const struct ay_game_answer *answer)
{
    return answer->proof.len == 0 && answer->tail.len == 0;
}

/* The roots of one picked entry of a first list that held hashes. */
static enum ay_code answer_some_roots(struct ay_dispute_game *game,
                                      const struct ay_game_answer *answer)
{
    uint8_t leaves[AY_GAME_WAYS][HASH], root[HASH];
    AY_ASSERT(game->count <= AY_GAME_WAYS);
    if (!is_plain(answer) || !is_list(answer->data, game->count)) return AY_E_DISPUTE_EVIDENCE;
    for (uint64_t i = 0; i < game->count; i++)
        ay_merkle_leaf(ay_slice(ay_hashes_of(answer->data)[i], HASH), leaves[i]);
    ay_merkle_root_of((ay_hashes)leaves, game->count, root);
    if (memcmp(root, game->hash, HASH) != 0) return AY_E_DISPUTE_EVIDENCE;
    game->state = AY_DISPUTE_STATE_PICK_OP;
    return AY_OK;
}

/* Does a node of the output's tree have the hash in doubt? The whole tree is bound to its shape. */
static bool opens_node(const struct ay_game_claim *claim, const struct ay_dispute_game *game,
                       const uint8_t node[HASH])
{
    const struct ay_tensor_type type = shape_of(claim, game).out;
    if (game->count == ay_tensor_leaves(&type)) return bind_equals(&type, node, game->hash);
    return memcmp(node, game->hash, HASH) == 0;
}

static enum ay_code answer_nodes(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                                 const struct ay_game_answer *answer)
{
    uint8_t node[HASH];
    if (!is_plain(answer) || answer->data.len % HASH != 0) return AY_E_DISPUTE_EVIDENCE;
    if (ay_merkle_fold(game->count, AY_GAME_LEVELS, ay_hashes_of(answer->data), answer->data.len / HASH,
                       node) != AY_OK ||
        !opens_node(claim, game, node))
        return AY_E_DISPUTE_EVIDENCE;
    game->state = AY_DISPUTE_STATE_PICK_NODE;
    return AY_OK;
}

static enum ay_code answer_leaf(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                                const struct ay_game_answer *answer)
{
    static const uint8_t zeros[AY_TENSOR_LEAF_BYTES];
    uint8_t node[HASH];
    const struct ay_tensor_type type = shape_of(claim, game).out;
    uint32_t n = ay_leaf_elements(&type, game->first), used = n * ay_dtype_bytes(type.dtype);
    if (!is_plain(answer) || answer->data.len != AY_TENSOR_LEAF_BYTES) return AY_E_DISPUTE_EVIDENCE;
    ay_merkle_leaf(answer->data, node);
    if (!opens_node(claim, game, node) || !ay_ref_canonical(type.dtype, answer->data.data, n) ||
        memcmp(answer->data.data + used, zeros, AY_TENSOR_LEAF_BYTES - used))
        return AY_E_DISPUTE_EVIDENCE;
    bool long_chain = ay_arbiter_segments(claim->program, game->op, game->length) > 1;
    game->state = long_chain ? AY_DISPUTE_STATE_PICK_ELEMENT : AY_DISPUTE_STATE_STEP;
    return AY_OK;
}

uint64_t ay_game_chunk(uint64_t n)
{
    uint64_t chunk = 1;
    while ((n + chunk - 1) / chunk > AY_GAME_WAYS) chunk *= AY_GAME_WAYS;
    return chunk;
}

static enum ay_code answer_segment(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                                   const struct ay_game_answer *answer)
{
    const struct ay_op_shape shape = shape_of(claim, game);
    uint32_t width = ay_ref_state_bytes(&shape);
    uint64_t chunk = ay_game_chunk(game->count), entries = (game->count + chunk - 1) / chunk;
    uint8_t last[AY_STATE_BYTES] = {0};
    if (!is_plain(answer) || answer->data.len != entries * width ||
        !ay_ref_canonical(shape.out.dtype, answer->data.data,
                          answer->data.len / ay_dtype_bytes(shape.out.dtype)))
        return AY_E_DISPUTE_EVIDENCE;
    memcpy(last, answer->data.data + (entries - 1) * width, width);
    bool whole = game->count == ay_arbiter_segments(claim->program, game->op, game->length);
    if (whole ? ay_ref_state_finish(&shape, last) != game->claimed
              : memcmp(last, game->after, width) != 0)
        return AY_E_DISPUTE_EVIDENCE;
    game->state = chunk > 1 ? AY_DISPUTE_STATE_PICK_SEGMENT : AY_DISPUTE_STATE_STEP;
    return AY_OK;
}

enum ay_code ay_game_answer(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                            const struct ay_game_answer *answer)
{
    switch (game->state) {
    case AY_DISPUTE_STATE_ROOTS:
        return game->depth == 1 ? answer_all_roots(claim, game, answer)
                                : answer_some_roots(game, answer);
    case AY_DISPUTE_STATE_NODES: return answer_nodes(claim, game, answer);
    case AY_DISPUTE_STATE_LEAF: return answer_leaf(claim, game, answer);
    case AY_DISPUTE_STATE_SEGMENT: return answer_segment(claim, game, answer);
    default: return AY_E_DISPUTE_MOVE;
    }
}

/* Picks. */

/* Turns to the leaves of the picked op's output, or of the picked node. */
static void narrow_leaves(struct ay_dispute_game *game, uint64_t first, uint64_t count,
                          const uint8_t hash[HASH])
{
    game->first = first;
    game->count = count;
    memcpy(game->hash, hash, HASH);
    game->state = count > 1 ? AY_DISPUTE_STATE_NODES : AY_DISPUTE_STATE_LEAF;
}

static enum ay_code pick_op(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                            struct ay_slice listing, uint32_t index)
{
    if (index >= listing.len / HASH) return AY_E_RANGE;
    const uint8_t *picked = ay_hashes_of(listing)[index];
    push(game, index);
    if (game->count > AY_GAME_WAYS) {
        struct ay_merkle_span spans[AY_GAME_WAYS], all = {game->first, game->count};
        size_t n = ay_merkle_spans(all, AY_GAME_LEVELS, spans);
        AY_ASSERT(index < n);
        game->first = spans[index].first;
        game->count = spans[index].count;
        memcpy(game->hash, picked, HASH);
        game->state = AY_DISPUTE_STATE_ROOTS;
        return AY_OK;
    }
    game->op = (uint32_t)game->first + index;
    const struct ay_tensor_type type = shape_of(claim, game).out;
    narrow_leaves(game, 0, ay_tensor_leaves(&type), picked);
    return AY_OK;
}

static enum ay_code pick_node(struct ay_dispute_game *game, struct ay_slice listing, uint32_t index)
{
    struct ay_merkle_span spans[AY_GAME_WAYS], top = {game->first, game->count};
    if (index >= ay_merkle_spans(top, AY_GAME_LEVELS, spans)) return AY_E_RANGE;
    push(game, index);
    narrow_leaves(game, spans[index].first, spans[index].count, ay_hashes_of(listing)[index]);
    return AY_OK;
}

/* Entry `index` of the leaf that is listed: which element of the output it is, and its bits. */
static uint64_t element_of(const struct ay_op_shape *shape, const struct ay_dispute_game *game,
                           uint32_t index)
{
    return game->first * (AY_TENSOR_LEAF_BYTES / ay_dtype_bytes(shape->out.dtype)) + index;
}

static uint64_t listed(const struct ay_op_shape *shape, struct ay_slice listing, uint32_t index)
{
    uint32_t bytes = ay_dtype_bytes(shape->out.dtype);
    return ay_element_get(listing.data + (size_t)index * bytes, bytes);
}

static enum ay_code pick_element(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                                 struct ay_slice listing, uint32_t index)
{
    const struct ay_op_shape shape = shape_of(claim, game);
    if (index >= ay_leaf_elements(&shape.out, game->first)) return AY_E_RANGE;
    push(game, index);
    game->element = element_of(&shape, game, index);
    game->claimed = listed(&shape, listing, index);
    game->first = 0;
    game->count = ay_arbiter_segments(claim->program, game->op, game->length);
    ay_ref_state_start(&shape, game->before);
    game->state = AY_DISPUTE_STATE_SEGMENT;
    return AY_OK;
}

/* Takes the states around entry `index` of a list of running states. */
static void take_states(const struct ay_op_shape *shape, struct ay_slice listing, uint32_t index,
                        uint8_t before[AY_STATE_BYTES], uint8_t after[AY_STATE_BYTES])
{
    uint32_t width = ay_ref_state_bytes(shape);
    if (index > 0) memcpy(before, listing.data + (size_t)(index - 1) * width, width);
    memcpy(after, listing.data + (size_t)index * width, width);
}

static enum ay_code pick_segment(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                                 struct ay_slice listing, uint32_t index)
{
    const struct ay_op_shape shape = shape_of(claim, game);
    uint64_t chunk = ay_game_chunk(game->count);
    if (index >= listing.len / ay_ref_state_bytes(&shape)) return AY_E_RANGE;
    push(game, index);
    take_states(&shape, listing, index, game->before, game->after);
    uint64_t from = index * chunk, left = game->count - from;
    game->first += from;
    game->count = left < chunk ? left : chunk;
    game->state = AY_DISPUTE_STATE_SEGMENT;
    return AY_OK;
}

enum ay_code ay_game_pick(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                          struct ay_slice listing, uint32_t index)
{
    switch (game->state) {
    case AY_DISPUTE_STATE_PICK_OP: return pick_op(claim, game, listing, index);
    case AY_DISPUTE_STATE_PICK_NODE: return pick_node(game, listing, index);
    case AY_DISPUTE_STATE_PICK_ELEMENT: return pick_element(claim, game, listing, index);
    case AY_DISPUTE_STATE_PICK_SEGMENT: return pick_segment(claim, game, listing, index);
    default: return AY_E_DISPUTE_MOVE;
    }
}

/* The step. */

/* The last answer was a leaf, and not running states. */
static bool at_leaf(const struct ay_game_claim *claim, const struct ay_dispute_game *game)
{
    return ay_arbiter_segments(claim->program, game->op, game->length) == 1;
}

struct ay_target ay_game_target(const struct ay_game_claim *claim,
                                const struct ay_dispute_game *game, uint32_t index)
{
    const struct ay_op_shape shape = shape_of(claim, game);
    bool leaf = at_leaf(claim, game);
    return (struct ay_target){.program = claim->program,
                              .length = game->length,
                              .op = game->op,
                              .element = leaf ? element_of(&shape, game, index) : game->element,
                              .segment = leaf ? 0 : game->first + index};
}

enum ay_code ay_game_step(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                          struct ay_slice listing, uint32_t index,
                          const struct ay_dispute_evidence *evidence)
{
    if (game->state != AY_DISPUTE_STATE_STEP) return AY_E_DISPUTE_MOVE;
    const struct ay_op_shape shape = shape_of(claim, game);
    bool leaf = at_leaf(claim, game);
    uint64_t entries = leaf ? ay_leaf_elements(&shape.out, game->first) : game->count;
    if (index >= entries) return AY_E_RANGE;

    struct ay_target target = ay_game_target(claim, game, index);
    uint8_t state[AY_STATE_BYTES], after[AY_STATE_BYTES] = {0};
    ay_ref_state_start(&shape, state);
    if (!leaf) {
        memcpy(state, game->before, AY_STATE_BYTES);
        take_states(&shape, listing, index, state, after);
    }
    AY_TRY(ay_arbiter_decide(&target, game->input_root, game->ops_root, evidence, state));
    bool same = leaf ? ay_ref_state_finish(&shape, state) == listed(&shape, listing, index)
                     : memcmp(state, after, ay_ref_state_bytes(&shape)) == 0;
    game->element = target.element;
    game->state = same ? AY_DISPUTE_STATE_FAILED : AY_DISPUTE_STATE_PROVED;
    return AY_OK;
}
