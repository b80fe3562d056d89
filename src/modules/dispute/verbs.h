/* What the files of the dispute module share. */
#ifndef AY_MODULES_DISPUTE_VERBS_H
#define AY_MODULES_DISPUTE_VERBS_H

#include "modules/bank/bank.h"
#include "modules/common.h"
#include "modules/dispute/dispute.h"
#include "modules/dispute/dispute_math.h"
#include "modules/job/job.h"
#include "modules/stake/stake.h"
#include "modules/work/work.h"
#include "verify/claim.h"
#include "verify/game.h"
#include "verify/piece.h"

/* Work of one block; what does not fit waits for the next. */
#define AY_MAX_DISPUTE_TIMEOUTS 64 /* each of forks, commits and demands whose clock is out */
#define AY_MAX_DISPUTE_CASES 16    /* cases looked at */
#define AY_MAX_DISPUTE_SETTLED 64  /* forks paid back, answers or demands cleared away, in a case */
#define AY_MAX_DISPUTE_SHARES 64   /* forks that share a reward */

/* Fork.settled. */
enum { AY_FORK_OPEN = 0, AY_FORK_BY_VERDICT = 1, AY_FORK_BY_ITSELF = 2 };
/* Fork.rank of a fork that has no share. */
#define AY_NO_SHARE UINT64_MAX

/* Verbs, by the message's name. */
enum ay_code ay_dispute_commit_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_dispute_commit(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_open(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_answer(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_pick(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_step(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_demand_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_dispute_demand(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_dispute_supply(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* --- fork.c: a fork with what it is about --- */

struct ay_dispute_table {
    struct ay_dispute_fork fork;
    struct ay_job_job job;
    struct ay_work_program program;
    struct ay_game_claim claim; /* borrows from job and program */
};

/* AY_E_NOT_FOUND. */
enum ay_code ay_dispute_load(struct ay_ctx *ctx, uint64_t fork_id,
                             struct ay_dispute_table *table) AY_MUST;

/* The same from a fork's row. The table must stay where it is. */
enum ay_code ay_dispute_lay(struct ay_ctx *ctx, const struct ay_dispute_fork *fork,
                            struct ay_dispute_table *table) AY_MUST;

/* The answer at the first `depth` picks of the game's path. AY_E_NOT_FOUND. */
enum ay_code ay_dispute_answer_at(struct ay_ctx *ctx, const uint8_t claim_hash[AY_HASH_BYTES],
                                  const struct ay_dispute_game *game, uint32_t depth,
                                  struct ay_dispute_answer *answer) AY_MUST;

/* Takes in the provider's answer when one stands already at the place where the fork waits for it.
 * The challenger's clock runs from when it was posted. */
enum ay_code ay_dispute_take_in(struct ay_ctx *ctx, struct ay_dispute_table *table) AY_MUST;

/* Begins a challenger's move: the fork, answers taken in, and the listing that is picked from.
 * AY_E_UNAUTHORIZED, AY_E_DISPUTE_MOVE: another's move, or its clock is out. */
enum ay_code ay_dispute_begin(struct ay_ctx *ctx, uint64_t fork_id, enum ay_party party,
                              struct ay_dispute_table *table, struct ay_slice *listing) AY_MUST;

/* Ends a move at this moment: the mover's clock stops, the other's starts. */
void ay_dispute_turn(struct ay_ctx *ctx, struct ay_dispute_fork *fork, enum ay_party mover);

/* What the params' schedule gives back for a challenger's move. */
enum ay_code ay_dispute_fee(struct ay_ctx *ctx, const struct ay_msg *msg, const void *move,
                            uint64_t *fee_nasy) AY_MUST;

enum ay_code ay_dispute_put(struct ay_ctx *ctx, const struct ay_dispute_fork *fork) AY_MUST;

/* Records a move: what was picked, how many bytes were opened, whether a clock ran out. */
enum ay_code ay_dispute_emit(struct ay_ctx *ctx, const struct ay_dispute_fork *fork, uint32_t index,
                             uint32_t bytes, bool timeout) AY_MUST;

/* --- coins.c: every coin that the module holds comes and goes through these --- */

enum ay_code ay_dispute_receive(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                                uint64_t amount_nasy) AY_MUST;
enum ay_code ay_dispute_send(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                             uint64_t amount_nasy) AY_MUST;
enum ay_code ay_dispute_burn(struct ay_ctx *ctx, uint64_t amount_nasy) AY_MUST;
/* S of a job, out of the operator's bond. */
enum ay_code ay_dispute_slash(struct ay_ctx *ctx, uint64_t job_id, uint64_t *slashed_nasy) AY_MUST;
/* As send, but locked for the unbonding period. */
enum ay_code ay_dispute_reward(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                               uint64_t amount_nasy) AY_MUST;

/* --- demand.c --- */

/* Puts a demand in a state, open until deadline_ms or ended (0), writes it and tells of it. */
enum ay_code ay_dispute_demand_enter(struct ay_ctx *ctx, struct ay_dispute_demand *demand,
                                     enum ay_dispute_demand_state state,
                                     uint64_t deadline_ms) AY_MUST;

/* --- case.c: all that is about one claim --- */

/* AY_E_NOT_FOUND: nothing of the job was doubted. */
enum ay_code ay_dispute_case_get(struct ay_ctx *ctx, uint64_t job_id,
                                 struct ay_dispute_case *row) AY_MUST;

/* The case of a CLAIMED job, LIVE; a new one, not yet written, where there is none. */
enum ay_code ay_dispute_case_join(struct ay_ctx *ctx, const struct ay_job_job *job,
                                  struct ay_dispute_case *row) AY_MUST;

/* While no fork is open, the case is looked at again when the job's window is over. */
enum ay_code ay_dispute_case_rest(struct ay_ctx *ctx, struct ay_dispute_case *row) AY_MUST;

/* Moves on a case whose wake time has come. */
enum ay_code ay_dispute_wake(struct ay_ctx *ctx, struct ay_dispute_case *row) AY_MUST;

/* --- verdict.c: how forks end, and what becomes of a slash --- */

/* The fork's game is over, PROVED or FAILED: settles it, and with PROVED the case; or pays it back
 * where the case is settled already. Writes the fork. */
enum ay_code ay_dispute_end(struct ay_ctx *ctx, struct ay_dispute_fork *fork) AY_MUST;

/* The deadline of a demand has passed without an answer: the claim is as good as proved wrong,
 * unless it has been already. Writes the demand. */
enum ay_code ay_dispute_miss(struct ay_ctx *ctx, struct ay_dispute_demand *demand) AY_MUST;

/* Pays back the forks that are still open, oldest first; when none is left, shares out what is left
 * of the slash. */
enum ay_code ay_dispute_settle(struct ay_ctx *ctx, struct ay_dispute_case *row) AY_MUST;

/* End of block: clocks that are out, then cases. */
enum ay_code ay_dispute_end_block(struct ay_ctx *ctx) AY_MUST;
bool ay_dispute_waits(struct ay_ctx *ctx);

enum ay_code ay_dispute_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                                const void *section) AY_MUST;

extern const struct ay_query_verb ay_dispute_queries[];
extern const struct ay_invariant ay_dispute_invariants[];

#endif
