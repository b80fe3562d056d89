#include "modules/market/verbs.h"

enum ay_code ay_market_lock_of(struct ay_ctx *ctx, uint64_t fee_nasy, uint64_t *lock_nasy)
{
    struct ay_market_params params = {0};
    AY_TRY(ay_row_get(ctx, &ay_market_params_msg, &params));
    AY_TRY(ay_mul(fee_nasy, params.lock_multiple, lock_nasy));
    if (*lock_nasy < params.lock_min_nasy) *lock_nasy = params.lock_min_nasy;
    return AY_OK;
}

enum ay_code ay_market_bid(struct ay_ctx *ctx, const struct ay_market_bid *bid)
{
    struct ay_market_params params = {0};
    AY_TRY(ay_row_get(ctx, &ay_market_params_msg, &params));
    uint32_t tiers;
    AY_TRY(ay_stake_tiers(ctx, &tiers));
    if (bid->tier >= tiers) return ay_refuse(ctx, AY_E_MARKET_CLASS, "there are %u tiers", tiers);
    /* What the lock of the dearest fee would be must be countable when the auction asks for it. */
    uint64_t fee, lock;
    AY_TRY(ay_market_fee(bid->max_price_nasy, bid->units, &fee));
    AY_TRY(ay_market_lock_of(ctx, fee, &lock));

    struct ay_market_bid row = *bid;
    row.expire_height = ay_add_saturated(ctx->height, params.bid_blocks);
    row.price_rank = UINT64_MAX - bid->max_price_nasy;
    return ay_row_put(ctx, &ay_market_bid_msg, &row);
}

enum ay_code ay_market_bid_get(struct ay_ctx *ctx, uint64_t job_id, struct ay_market_bid *bid)
{
    *bid = (struct ay_market_bid){.job_id = job_id};
    return ay_row_get(ctx, &ay_market_bid_msg, bid);
}

enum ay_code ay_market_unbid(struct ay_ctx *ctx, uint64_t job_id)
{
    struct ay_market_bid key = {.job_id = job_id};
    return ay_row_del(ctx, &ay_market_bid_msg, &key);
}
