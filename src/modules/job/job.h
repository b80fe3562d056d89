/* Jobs: POSTED, MATCHED, ACCEPTED, CLAIMED, then PAID after the window, or SLASHED. */
#ifndef AY_MODULES_JOB_H
#define AY_MODULES_JOB_H

#include "base/gen/job.h"
#include "base/gen/market.h"
#include "ledger/module.h"

extern const struct ay_module ay_job_module;

/* The job with this id. AY_E_NOT_FOUND. Slices live in ctx->arena. */
enum ay_code ay_job_get(struct ay_ctx *ctx, uint64_t id, struct ay_job_job *job) AY_MUST;

/* Called by the market at the end of a block. */
enum ay_code ay_job_match(struct ay_ctx *ctx, uint64_t id, const struct ay_market_ask *ask,
                          uint64_t price_nasy, uint64_t fee_nasy, uint64_t lock_nasy) AY_MUST;
enum ay_code ay_job_expire(struct ay_ctx *ctx, uint64_t id) AY_MUST;

/* Called by the dispute module. A fork of the claim opens: the window stands still and the lock is
 * frozen. AY_E_DISPUTE_WINDOW when the job is not CLAIMED or its window is over. */
enum ay_code ay_job_fork_open(struct ay_ctx *ctx, uint64_t id) AY_MUST;

/* A fork ended without a proof; when it was the last, the window goes on with what was left. */
enum ay_code ay_job_fork_close(struct ay_ctx *ctx, uint64_t id) AY_MUST;

/* Something of the claim is demanded: until it is closed the job is not paid, and never before
 * until_ms, so that the answer can still be doubted. AY_E_DISPUTE_WINDOW when the job is not
 * CLAIMED or its time for demands, the window as the claim set it, is over. */
enum ay_code ay_job_demand_open(struct ay_ctx *ctx, uint64_t id, uint64_t until_ms) AY_MUST;
enum ay_code ay_job_demand_close(struct ay_ctx *ctx, uint64_t id) AY_MUST;

/* The claim was proved wrong: CLAIMED to SLASHED. The consumer's escrow is returned whole, S = L is
 * taken from the operator's bond and handed to `to` for sharing out; *slashed_nasy = S. */
enum ay_code ay_job_slash(struct ay_ctx *ctx, uint64_t id, const uint8_t to[AY_ADDRESS_BYTES],
                          uint64_t *slashed_nasy) AY_MUST;

#endif
