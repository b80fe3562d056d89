/* The honest next move of either side, from the truth that it holds: op outputs recomputed by
 * itself. Used by the roles, by tests and by the exploration of the game; the lying provider of the
 * tests is this player over another truth. Stateless: whoever was killed goes on from the fork as
 * the ledger shows it. No heap: what it returns lives in the caller's arena. */
#ifndef AY_VERIFY_PLAYER_H
#define AY_VERIFY_PLAYER_H

#include "base/arena.h"
#include "verify/game.h"

/* Everything borrowed, for as long as moves are asked for. */
struct ay_player {
    struct ay_game_claim claim;
    uint32_t run;
    uint32_t length; /* S of the run */
    /* The bytes of operand `value` (input, weight or op output; tensor/program.h), contiguous and
     * little-endian, borrowed until the next call. Fails with any code, which the player returns. */
    enum ay_code (*tensor)(void *self, uint32_t value, const uint8_t **data, uint64_t *len);
    void *self;
    const uint8_t (*op_roots)[32];     /* own tensor roots of the ops' outputs, in order */
    const uint8_t (*run_roots)[32];    /* provider: output tensor root of every run; else NULL */
    const uint8_t (*input_roots)[32];  /* challenger: input tensor root of every run; else NULL */
    /* The lists of roots that the provider has given in this fork: at depth 1, and for programs of
     * over 256 ops at depth 2; empty until then. Challengers only. */
    struct ay_slice lists[2];
};

/* Tensor roots of all ops' outputs through p->tensor; (ops) of them. Cost: hashing them all. */
enum ay_code ay_player_roots(const struct ay_player *p, uint8_t (*roots)[32]) AY_MUST;

/* What MsgOpen carries for p->run. Arena: 32 bytes a leaf of the input and a run. */
enum ay_code ay_player_open(const struct ay_player *p, struct ay_arena *arena,
                            uint8_t merkle_root[32], struct ay_slice *proof) AY_MUST;

/* The provider's answer in a state that is its move. Arena: the answer, and 32 bytes a leaf of the
 * op's output. AY_E_DISPUTE_MOVE when it is not the provider's move. */
enum ay_code ay_player_answer(const struct ay_player *p, const struct ay_dispute_game *game,
                              struct ay_arena *arena, struct ay_game_answer *answer) AY_MUST;

struct ay_player_move {
    bool agree;     /* the answer is what it should be: there is nothing to challenge */
    bool step;      /* MsgStep with the evidence, else MsgPick */
    uint32_t index;
    struct ay_dispute_evidence evidence;
};

/* The challenger's move, the first entry of `listing` that is not as it should be. Arena: 32 bytes a
 * leaf of the op's output, or of its largest operand, and the evidence.
 * AY_E_DISPUTE_MOVE when it is not the challenger's move. */
enum ay_code ay_player_choose(const struct ay_player *p, const struct ay_dispute_game *game,
                              struct ay_slice listing, struct ay_arena *arena,
                              struct ay_player_move *move) AY_MUST;

/* Evidence for a target, whoever asks for it. Arena as above. */
enum ay_code ay_player_evidence(const struct ay_player *p, const struct ay_target *target,
                                struct ay_arena *arena, struct ay_dispute_evidence *evidence) AY_MUST;

#endif
