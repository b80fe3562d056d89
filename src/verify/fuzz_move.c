/* Fuzz target: moves of a dispute. The first byte chooses a place in one of some games that were
 * played beforehand, the rest is a MsgAnswer, MsgPick or MsgStep, whichever is to move there.
 * Whatever it is: a refusal leaves the game as it was; what the tree's hashes force is only accepted
 * as it is; and no evidence proves an honest provider wrong. With AY_PLANTED_BUG it has a fault of
 * its own. Built with AY_WRITE_SEEDS it writes the moves that were played to the folder it is given:
 * the seeds in tests/corpus/move. */
#include "verify/testing.h"

#include "base/codec.h"
#include "crypto/merkle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PLACES  64
#define LENGTH      100u
#define ARENA_BYTES (1u << 20)

struct place {
    struct ay_dispute_game game;
    const struct ay_game_claim *claim;
    uint8_t listing[8192];
    uint32_t listing_len;
    bool honest;                  /* the provider is */
    uint8_t move[8192], forced[8192]; /* the move played, and what it opened, encoded */
    uint32_t move_len, forced_len;
};

static struct place places[MAX_PLACES];
static uint32_t n_places;
static _Alignas(16) uint8_t arena_mem[ARENA_BYTES];

static const struct ay_msg *msg_of(uint32_t state)
{
    if (ay_game_mover(state) == AY_PARTY_PROVIDER) return &ay_dispute_msg_answer_msg;
    return state == AY_DISPUTE_STATE_STEP ? &ay_dispute_msg_step_msg : &ay_dispute_msg_pick_msg;
}

/* Plays the message, decoded. */
static enum ay_code apply(const struct place *p, struct ay_dispute_game *game, const void *msg)
{
    const struct ay_slice listing = ay_slice(p->listing, p->listing_len);
    if (ay_game_mover(game->state) == AY_PARTY_PROVIDER) {
        const struct ay_dispute_msg_answer *m = msg;
        const struct ay_game_answer answer = {m->data, m->proof, m->tail};
        return ay_game_answer(p->claim, game, &answer);
    }
    if (game->state == AY_DISPUTE_STATE_STEP) {
        const struct ay_dispute_msg_step *m = msg;
        return ay_game_step(p->claim, game, listing, m->index, &m->evidence);
    }
    const struct ay_dispute_msg_pick *m = msg;
    return ay_game_pick(p->claim, game, listing, m->index);
}

static void note(struct place *p, const void *msg)
{
    AY_ASSERT(ay_encode(msg_of(p->game.state), msg, p->move, sizeof p->move, &p->move_len) == AY_OK);
    n_places++;
    AY_ASSERT(n_places < MAX_PLACES);
}

static struct place *next_place(const struct place *last, const struct ay_dispute_game *game)
{
    struct place *p = &places[n_places];
    *p = *last;
    p->game = *game;
    return p;
}

/* One game to its end; every place of it is noted. */
static void play(const struct ay_game_claim *claim, struct ay_player provider,
                 struct ay_player challenger, bool honest)
{
    static uint8_t first_list[8192];
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct place now = {.claim = claim, .honest = honest};
    struct ay_slice proof;
    uint8_t root[32];
    AY_ASSERT(ay_player_open(&challenger, &arena, root, &proof) == AY_OK);
    AY_ASSERT(ay_game_open(claim, 0, LENGTH, root, proof, &now.game) == AY_OK);
    while (ay_game_mover(now.game.state) != AY_PARTY_NONE) {
        struct place *p = next_place(&now, &now.game);
        struct ay_slice listing = ay_slice(now.listing, now.listing_len);
        arena.used = 0;
        if (ay_game_mover(now.game.state) == AY_PARTY_PROVIDER) {
            struct ay_game_answer a;
            AY_ASSERT(ay_truth_answer(&provider, &now.game, &arena, &a) == AY_OK);
            struct ay_dispute_msg_answer msg = {.data = a.data, .proof = a.proof, .tail = a.tail};
            note(p, &msg);
            memcpy(p->forced, a.data.data, p->forced_len = a.data.len);
            memcpy(now.listing, a.data.data, now.listing_len = a.data.len);
            if (now.game.state == AY_DISPUTE_STATE_ROOTS) {
                memcpy(first_list, a.data.data, a.data.len);
                challenger.lists[0] = ay_slice(first_list, a.data.len);
            }
            AY_ASSERT(apply(p, &now.game, &msg) == AY_OK);
            continue;
        }
        struct ay_player_move move;
        AY_ASSERT(ay_truth_choose(&challenger, &now.game, listing, &arena, &move) == AY_OK);
        struct ay_dispute_msg_step step = {.index = move.index, .has_evidence = true, .evidence = move.evidence};
        struct ay_dispute_msg_pick pick = {.index = move.index};
        const void *msg = move.step ? (const void *)&step : &pick;
        note(p, msg);
        AY_ASSERT(apply(p, &now.game, msg) == AY_OK);
    }
    AY_ASSERT((now.game.state == AY_DISPUTE_STATE_FAILED) == honest);
}

static void play_all(void)
{
    static struct ay_sketch sketch;
    static uint8_t roots[4][3][32]; /* of each claim: input, output, and the trees' of one leaf */
    static uint8_t trees[4][2][32];
    static struct ay_game_claim claims[4];
    struct ay_truth *truth[4];
    ay_sketch_tiny(&sketch);
    for (uint32_t i = 0; i < 4; i++) {
        truth[i] = ay_truth_new(&sketch, LENGTH, 1, i == 0 ? AY_NO_LIE : i - 1, 1);
        memcpy(roots[i][0], truth[i]->input_root, 32);
        memcpy(roots[i][1], ay_truth_output_root(truth[i]), 32);
        for (uint32_t k = 0; k < 2; k++) ay_merkle_leaf(AY_SLICE_OF(roots[i][k]), trees[i][k]);
        claims[i] = (struct ay_game_claim){&sketch.program, 1, trees[i][0], trees[i][1]};
    }
    for (uint32_t i = 1; i < 4; i++) {
        for (uint32_t liar = 0; liar < 2; liar++) {
            uint32_t claimed = liar ? i : 0, held = liar ? 0 : i;
            ay_hashes in = (ay_hashes)&roots[claimed][0], out = (ay_hashes)&roots[claimed][1];
            play(&claims[claimed], ay_truth_player(truth[claimed], &claims[claimed], 0, in, out),
                 ay_truth_player(truth[held], &claims[claimed], 0, in, out), !liar);
        }
    }
    for (uint32_t i = 0; i < 4; i++) ay_truth_free(truth[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t mem[ARENA_BYTES];
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    if (n_places == 0) play_all();
    if (size == 0 || size > UINT32_MAX) return 0;
    const struct place *p = &places[data[0] % n_places];
    const struct ay_msg *desc = msg_of(p->game.state);
    struct ay_dispute_game game = p->game;
    void *msg = ay_arena_take(&arena, 1, desc->size);
    AY_ASSERT(msg);
    if (ay_decode(desc, ay_slice(data + 1, (uint32_t)size - 1), &arena, msg, NULL) != AY_OK) return 0;
    enum ay_code code = apply(p, &game, msg);
#ifdef AY_PLANTED_BUG
    if (code == AY_OK && p->game.state == AY_DISPUTE_STATE_PICK_ELEMENT &&
        ((const struct ay_dispute_msg_pick *)msg)->index == 2)
        abort();
#endif
    if (code != AY_OK) {
        AY_ASSERT(memcmp(&game, &p->game, sizeof game) == 0);
        return 0;
    }
    AY_ASSERT(game.state != p->game.state || p->game.state == AY_DISPUTE_STATE_PICK_OP);
    AY_ASSERT(!p->honest || game.state != AY_DISPUTE_STATE_PROVED);
    bool forced = p->game.state == AY_DISPUTE_STATE_NODES || p->game.state == AY_DISPUTE_STATE_LEAF;
    if (forced) {
        struct ay_slice given = ((const struct ay_dispute_msg_answer *)msg)->data;
        AY_ASSERT(ay_slice_equal(given, ay_slice(p->forced, p->forced_len)));
    }
    return 0;
}

#ifdef AY_WRITE_SEEDS
int main(int argc, char **argv)
{
    AY_ASSERT(argc == 2);
    play_all();
    for (uint32_t i = 0; i < n_places; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/place%02u", argv[1], i);
        FILE *file = fopen(path, "wb");
        AY_ASSERT(file && fputc((int)i, file) != EOF);
        AY_ASSERT(fwrite(places[i].move, 1, places[i].move_len, file) == places[i].move_len);
        AY_ASSERT(fclose(file) == 0);
    }
    return 0;
}
#endif
