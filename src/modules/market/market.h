/* The auction: standing asks, bids of posted jobs, one uniform price a class and block. */
#ifndef AY_MODULES_MARKET_H
#define AY_MODULES_MARKET_H

#include "base/gen/market.h"
#include "ledger/module.h"

extern const struct ay_module ay_market_module;

/* L = max(m · fee, L_min) by the market's parameters. */
enum ay_code ay_market_lock_of(struct ay_ctx *ctx, uint64_t fee_nasy, uint64_t *lock_nasy) AY_MUST;

/* Enters the bid of a job, whose expire_height and price_rank are set here; it is cleared at the
 * end of the block, or expires (ay_job_expire). AY_E_MARKET_CLASS: no such tier. */
enum ay_code ay_market_bid(struct ay_ctx *ctx, const struct ay_market_bid *bid) AY_MUST;

/* The bid of a job. AY_E_NOT_FOUND. */
enum ay_code ay_market_bid_get(struct ay_ctx *ctx, uint64_t job_id,
                               struct ay_market_bid *bid) AY_MUST;

/* Withdraws the bid of a job. AY_E_NOT_FOUND. */
enum ay_code ay_market_unbid(struct ay_ctx *ctx, uint64_t job_id) AY_MUST;

/* A matched job has ended: its units are free again, and what is left of its lock (already
 * unlocked from the job by the caller) is reserved for the ask once more, or freed if it closed. */
enum ay_code ay_market_release(struct ay_ctx *ctx, uint64_t ask_id, uint64_t units,
                               uint64_t lock_nasy) AY_MUST;

/* Jobs in hand and their units, of all asks together. For invariants: it walks every ask. */
enum ay_code ay_market_in_hand(struct ay_ctx *ctx, uint64_t *jobs, uint64_t *units) AY_MUST;

#endif
