/* The dispute game without its money and its clock: what each move must open, and what it leaves in
 * doubt. A game is a pure function of the claim, the picks and the answers. Cannon-style bisection
 * (Arbitrum, BoLD), 256 ways a level over Merkle trees of tensors, so that 13 moves decide any
 * program of up to 256 ops, tensors of 2^24 leaves and reductions of 256 segments; each further list
 * of 256 takes two more. Pure: no heap, no float.
 *
 * Any move that is not canonical or does not hash to what it opens is AY_E_DISPUTE_EVIDENCE and
 * leaves the game as it was; a move in another state than its own is AY_E_DISPUTE_MOVE. */
#ifndef AY_VERIFY_GAME_H
#define AY_VERIFY_GAME_H

#include "verify/arbiter.h"

/* A list that is opened in one move has at most this many entries. */
#define AY_GAME_WAYS 256u
#define AY_GAME_LEVELS 8u
/* Most picks a path can hold: run, 2 of ops, 3 of nodes, element, 5 of segments. */
#define AY_GAME_MAX_DEPTH 12u

/* What the game is about. Borrowed; roots are the job's, Merkle roots over its runs' tensor roots. */
struct ay_game_claim {
    const struct ay_work_program *program; /* passed ay_program_check and ay_game_check */
    uint32_t runs;
    const uint8_t *input_root;  /* 32 bytes */
    const uint8_t *output_root; /* 32 bytes */
};

/* A provider's move. Lists are entries one after another. */
struct ay_game_answer {
    struct ay_slice data;  /* ROOTS: 32 bytes an entry; NODES: 32; LEAF: 1024 in all; SEGMENT: states */
    struct ay_slice proof; /* first ROOTS: hashes proving the last op's root in output_root */
    struct ay_slice tail;  /* first ROOTS of over 256 ops: last op's root, its proof in the ops' tree */
};

enum ay_party { AY_PARTY_NONE, AY_PARTY_CHALLENGER, AY_PARTY_PROVIDER };

/* Who moves in a state; NONE when the game is over. */
enum ay_party ay_game_mover(uint32_t state);

/* Whether a job can carry runs of the program, and a game decide them: its input is one list of
 * token ids, i32 (S), S its only symbol; its output that of its last op alone, in f32.
 * AY_E_WORK_PROGRAM otherwise, and *reason (may be NULL) says why, for people. */
enum ay_code ay_game_check(const struct ay_work_program *program, const char **reason) AY_MUST;

/* OPEN: the run's input is `merkle_root` with `length`, proved to be leaf `run` of input_root.
 * *game is written whole; state ROOTS. AY_E_RANGE: run or length. */
enum ay_code ay_game_open(const struct ay_game_claim *claim, uint32_t run, uint32_t length,
                          const uint8_t merkle_root[32], struct ay_slice proof,
                          struct ay_dispute_game *game) AY_MUST;

/* The provider's move in states ROOTS, NODES, LEAF and SEGMENT. */
enum ay_code ay_game_answer(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                            const struct ay_game_answer *answer) AY_MUST;

/* The challenger's choice among the entries of the answer last given, `listing` its data.
 * AY_E_RANGE: there is no such entry. */
enum ay_code ay_game_pick(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                          struct ay_slice listing, uint32_t index) AY_MUST;

/* STEP: what entry `index` of the answer last given should be, decided: PROVED or FAILED. */
enum ay_code ay_game_step(const struct ay_game_claim *claim, struct ay_dispute_game *game,
                          struct ay_slice listing, uint32_t index,
                          const struct ay_dispute_evidence *evidence) AY_MUST;

/* How a list of n things is opened in at most 256 entries: entries of `chunk` things, the last one
 * maybe less. For segments, whose chunks are powers of 256. */
uint64_t ay_game_chunk(uint64_t n);

/* The target of the game's STEP at entry `index` of the answer last given. Borrows the program. */
struct ay_target ay_game_target(const struct ay_game_claim *claim, const struct ay_dispute_game *game,
                                uint32_t index);

#endif
