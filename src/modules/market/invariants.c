#include "modules/market/verbs.h"

static enum ay_code ask_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                bool has_new, const void *new_row)
{
    (void)self;
    const struct ay_market_ask *ask = has_new ? new_row : old_row;
    uint64_t locked, expected = has_new ? ask->free_lock_nasy : 0;
    AY_TRY(ay_stake_locked(ctx, ask->provider, AY_STAKE_LOCK_ASK, ask->id, &locked));
    if (locked != expected) return ay_refuse(ctx, AY_E_INVARIANT, "an ask's lock is not locked");
    if (!has_new) return AY_OK;
    if (ask->used_units > ask->capacity_units)
        return ay_refuse(ctx, AY_E_INVARIANT, "an ask has more in hand than its capacity");
    if ((ask->jobs == 0) != (ask->used_units == 0))
        return ay_refuse(ctx, AY_E_INVARIANT, "an ask's jobs and units disagree");
    if (ask->closed && (ask->jobs == 0 || ask->free_lock_nasy > 0))
        return ay_refuse(ctx, AY_E_INVARIANT, "a closed ask holds on");
    if (has_old && ask->price_nasy != ((const struct ay_market_ask *)old_row)->price_nasy)
        return ay_refuse(ctx, AY_E_INVARIANT, "an ask's price changed");
    return AY_OK;
}

static enum ay_code asks_step(struct ay_ctx *ctx)
{
    return ay_rows_changed(ctx, &ay_market_ask_msg, ask_changed, NULL);
}

static enum ay_code add_ask(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                            bool has_new, const void *new_row)
{
    (void)ctx, (void)has_old, (void)old_row, (void)has_new;
    struct ay_market_ask *sum = self;
    const struct ay_market_ask *ask = new_row;
    sum->free_lock_nasy += ask->free_lock_nasy;
    sum->used_units += ask->used_units;
    sum->jobs += ask->jobs;
    return AY_OK;
}

enum ay_code ay_market_in_hand(struct ay_ctx *ctx, uint64_t *jobs, uint64_t *units)
{
    struct ay_market_ask sum = {0};
    AY_TRY(ay_rows_all(ctx, &ay_market_ask_msg, add_ask, &sum));
    *jobs = sum.jobs;
    *units = sum.used_units;
    return AY_OK;
}

/* Beside each ask: no lock is held for an ask that is not there. */
static enum ay_code asks_full(struct ay_ctx *ctx)
{
    AY_TRY(ay_rows_all(ctx, &ay_market_ask_msg, ask_changed, NULL));
    struct ay_market_ask sum = {0};
    uint64_t locked;
    AY_TRY(ay_rows_all(ctx, &ay_market_ask_msg, add_ask, &sum));
    AY_TRY(ay_stake_locked_sum(ctx, AY_STAKE_LOCK_ASK, &locked));
    if (locked != sum.free_lock_nasy)
        return ay_refuse(ctx, AY_E_INVARIANT, "coins are locked for no ask");
    return AY_OK;
}

/* A bid stands for a job that is POSTED, with its terms. */
static enum ay_code bid_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                bool has_new, const void *new_row)
{
    (void)self, (void)has_old, (void)old_row;
    if (!has_new) return AY_OK;
    const struct ay_market_bid *bid = new_row;
    struct ay_job_job job;
    enum ay_code code = ay_job_get(ctx, bid->job_id, &job);
    if (code == AY_E_NOT_FOUND) return ay_refuse(ctx, AY_E_INVARIANT, "a bid has no job");
    AY_TRY(code);
    if (job.state != AY_JOB_STATE_POSTED || job.units != bid->units || job.tier != bid->tier ||
        job.max_price_nasy != bid->max_price_nasy ||
        memcmp(job.program_id, bid->program_id, AY_HASH_BYTES) != 0 ||
        memcmp(job.consumer, bid->consumer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_INVARIANT, "bid and job %llu disagree",
                         (unsigned long long)bid->job_id);
    if (bid->price_rank != UINT64_MAX - bid->max_price_nasy)
        return ay_refuse(ctx, AY_E_INVARIANT, "a bid stands at the wrong rank");
    return AY_OK;
}

static enum ay_code bids_step(struct ay_ctx *ctx)
{
    return ay_rows_changed(ctx, &ay_market_bid_msg, bid_changed, NULL);
}

static enum ay_code bids_full(struct ay_ctx *ctx)
{
    return ay_rows_all(ctx, &ay_market_bid_msg, bid_changed, NULL);
}

const struct ay_invariant ay_market_invariants[] = {
    {"asks", asks_step, asks_full},
    {"bids", bids_step, bids_full},
    {0},
};
