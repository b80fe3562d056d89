/* For tests of the dispute module: a ledger in memory on which a job has come to its claim, and
 * everybody's next move. Over the real modules. Stops on any trouble of its own. */
#ifndef AY_MODULES_DISPUTE_TESTING_H
#define AY_MODULES_DISPUTE_TESTING_H

#include "ledger/test_kv.h"
#include "modules/dispute/verbs.h"
#include "verify/testing.h"

enum ay_seat { AY_SEAT_PROVIDER, AY_SEAT_A, AY_SEAT_B, AY_SEAT_CONSUMER, AY_SEATS };
extern const char *const ay_seat_names[AY_SEATS];

/* The stage's parameters: short clocks, and odd amounts so that roundings show. */
enum {
    AY_STAGE_TURN_MS = 1000,
    AY_STAGE_WINDOW_MS = 4000,
    AY_STAGE_BOND = 1001,
    AY_STAGE_LOCK_MIN = 1000003,
    AY_STAGE_MOVE_FEE = 10,
    AY_STAGE_KIB_FEE = 3,
    AY_STAGE_SUPPLY_FEE = 101,
    AY_STAGE_SUPPLY_KIB_FEE = 7,
    AY_STAGE_SUPPLY_KIB_MS = 50,
};

struct ay_stage {
    struct ay_test *test;
    struct ay_sketch sketch;
    struct ay_truth *truth, *lie;
    const struct ay_truth *claimed; /* one of them */
    uint8_t input_root[32], output_root[32], program_id[32];
    uint8_t input_roots[1][32], output_roots[1][32];
    uint8_t address[AY_SEATS][AY_ADDRESS_BYTES];
    char text[AY_SEATS][AY_ADDRESS_TEXT_CHARS + 1];
    uint64_t job_id;
    uint64_t bond_nasy; /* least bond for the run */
    struct ay_arena arena; /* of the moves; reset at each */
};

/* A ledger where a job of one run of this program is CLAIMED, in the last block. The claim has what
 * the truth has, or else one bit of element `lie_element` of op `lie_op` wrong. */
void ay_stage_new(struct ay_stage *stage, void (*sketch)(struct ay_sketch *), uint32_t length,
                  uint32_t lie_op, uint64_t lie_element, bool claim_lie);
void ay_stage_free(struct ay_stage *stage);

/* A player who holds `truth` for true; the lists are those that stand on the ledger for the fork. */
struct ay_player ay_stage_player(struct ay_stage *stage, const struct ay_truth *truth,
                                 const struct ay_dispute_fork *fork);

/* The fork as a query shows it, and the answer that is picked from (empty where there is none). */
enum ay_code ay_stage_fork(struct ay_stage *stage, uint64_t id, struct ay_dispute_fork *fork,
                           struct ay_slice *listing) AY_MUST;

/* Sends one message in the open block. */
enum ay_code ay_stage_commit(struct ay_stage *stage, enum ay_seat who, uint64_t bond_nasy) AY_MUST;
enum ay_code ay_stage_open(struct ay_stage *stage, enum ay_seat who, uint64_t *fork_id) AY_MUST;
enum ay_code ay_stage_pick(struct ay_stage *stage, enum ay_seat who, uint64_t fork_id,
                           uint32_t index) AY_MUST;
enum ay_code ay_stage_answer(struct ay_stage *stage, enum ay_seat who, uint64_t fork_id,
                             const struct ay_game_answer *answer) AY_MUST;
enum ay_code ay_stage_step(struct ay_stage *stage, enum ay_seat who, uint64_t fork_id,
                           uint32_t index, const struct ay_dispute_evidence *evidence) AY_MUST;

/* Demands a piece of the claim, run 0 where it is an output; supplies it from what is held for true. */
enum ay_code ay_stage_demand(struct ay_stage *stage, enum ay_seat who, enum ay_dispute_what what,
                             uint32_t part) AY_MUST;
enum ay_code ay_stage_supply(struct ay_stage *stage, enum ay_seat who, enum ay_dispute_what what,
                             uint32_t part, const struct ay_truth *holds) AY_MUST;

/* The next move of the fork by whoever's it is, each from its truth, in the open block. */
enum ay_code ay_stage_move(struct ay_stage *stage, enum ay_seat challenger, uint64_t fork_id,
                           const struct ay_truth *provider_holds,
                           const struct ay_truth *challenger_holds) AY_MUST;

/* All that a seat owns: its balance, its bond with what is locked of it, what unbonds. */
uint64_t ay_stage_wealth(struct ay_stage *stage, enum ay_seat who);

#endif
