/* What the files of the job module share. */
#ifndef AY_MODULES_JOB_VERBS_H
#define AY_MODULES_JOB_VERBS_H

#include "modules/bank/bank.h"
#include "modules/common.h"
#include "modules/job/job.h"
#include "modules/job/job_math.h"
#include "modules/market/market.h"
#include "modules/stake/stake.h"
#include "modules/work/work.h"

#define AY_MAX_JOB_TIMEOUTS 128 /* jobs of one state that end in one block; the rest follow */
#define AY_MAX_JOB_SCAN 16384   /* jobs that one query looks at */

/* Verbs, by the message's name. */
enum ay_code ay_job_post_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_job_post(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_job_cancel(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_job_accept(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_job_claim(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* End of block: jobs whose deadline has passed are missed, late or paid. */
enum ay_code ay_job_timeouts(struct ay_ctx *ctx) AY_MUST;
bool ay_job_waits(struct ay_ctx *ctx);

/* The work units of runs of these lengths of a program. AY_E_RANGE: a length is 0 or above the
 * program's maximum. AY_E_UNSUPPORTED: no job can carry it (ay_game_check). */
enum ay_code ay_job_units(struct ay_ctx *ctx, const struct ay_work_program *program,
                          const uint32_t *lengths, uint32_t count, uint64_t *units) AY_MUST;

/* Puts the job in another state, with the deadline by which it must leave it (0: none), writes it
 * and tells of it. */
enum ay_code ay_job_enter(struct ay_ctx *ctx, struct ay_job_job *job, enum ay_job_state state,
                          uint64_t deadline_ms) AY_MUST;

/* Says that coins of the job's escrow are no longer held for it. AY_E_OVERFLOW: it has less. */
enum ay_code ay_job_uncount(struct ay_ctx *ctx, struct ay_job_job *job,
                            uint64_t amount_nasy) AY_MUST;

/* Moves coins of the job's escrow to `to`; NULL burns them. */
enum ay_code ay_job_spend(struct ay_ctx *ctx, struct ay_job_job *job,
                          const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount_nasy) AY_MUST;

/* Gives the lock back to the ask, less penalty_nasy, which are taken from the bond and burnt. */
enum ay_code ay_job_unlock(struct ay_ctx *ctx, struct ay_job_job *job,
                           uint64_t penalty_nasy) AY_MUST;

enum ay_code ay_job_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                            const void *section) AY_MUST;

extern const struct ay_query_verb ay_job_queries[];
extern const struct ay_invariant ay_job_invariants[];

#endif
