#include "modules/market/verbs.h"

enum ay_code ay_market_ask_check(struct ay_ctx *ctx, const void *message)
{
    const struct ay_market_msg_ask *msg = message;
    if (msg->price_nasy == 0) return ay_refuse(ctx, AY_E_REQUEST, "price_nasy is 0");
    if (msg->capacity_units == 0) return ay_refuse(ctx, AY_E_REQUEST, "capacity_units is 0");
    if (msg->rate_units == 0) return ay_refuse(ctx, AY_E_REQUEST, "rate_units is 0");
    return AY_OK;
}

/* AY_E_LIMIT when the sender has as many asks as it may. */
static enum ay_code check_count(struct ay_ctx *ctx)
{
    struct ay_market_ask row = {0};
    memcpy(row.provider, ctx->signer, AY_ADDRESS_BYTES);
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_market_ask_msg, 1, &row, 1));
    for (uint32_t n = 0; n < AY_MAX_MARKET_ASKS_OF_ONE; n++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &row);
        if (code == AY_E_NOT_FOUND) return AY_OK;
        AY_TRY(code);
    }
    return ay_refuse(ctx, AY_E_LIMIT, "%u asks already", AY_MAX_MARKET_ASKS_OF_ONE);
}

static enum ay_code check_class(struct ay_ctx *ctx, const struct ay_market_msg_ask *msg)
{
    struct ay_work_work work;
    enum ay_code code = ay_work_get(ctx, msg->program_id, &work);
    if (code == AY_E_NOT_FOUND)
        return ay_refuse(ctx, AY_E_MARKET_CLASS, "program is not registered");
    AY_TRY(code);
    uint32_t tiers, reached;
    AY_TRY(ay_stake_tiers(ctx, &tiers));
    if (msg->tier >= tiers) return ay_refuse(ctx, AY_E_MARKET_CLASS, "there are %u tiers", tiers);
    AY_TRY(ay_stake_tier(ctx, ctx->signer, &reached));
    if (msg->tier > reached)
        return ay_refuse(ctx, AY_E_FUNDS, "bond reaches tier %u only", reached);
    return AY_OK;
}

enum ay_code ay_market_ask(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_market_msg_ask *msg = message;
    struct ay_market_msg_ask_response *answer = response;
    AY_TRY(check_class(ctx, msg));
    AY_TRY(check_count(ctx));
    struct ay_market_params params = {0};
    struct ay_market_meta meta = {0};
    AY_TRY(ay_row_get(ctx, &ay_market_params_msg, &params));
    AY_TRY(ay_row_get(ctx, &ay_market_meta_msg, &meta));
    if (msg->lock_nasy < params.lock_min_nasy)
        return ay_refuse(ctx, AY_E_RANGE, "lock_nasy is less than %llu, the least of one job",
                         (unsigned long long)params.lock_min_nasy);

    struct ay_market_ask ask = {
        .id = meta.next_ask++,
        .tier = msg->tier,
        .price_nasy = msg->price_nasy,
        .capacity_units = msg->capacity_units,
        .free_lock_nasy = msg->lock_nasy,
        .rate_units = msg->rate_units,
        .url = msg->url,
    };
    memcpy(ask.provider, ctx->signer, AY_ADDRESS_BYTES);
    memcpy(ask.program_id, msg->program_id, AY_HASH_BYTES);
    AY_TRY(ay_stake_lock(ctx, ctx->signer, AY_STAKE_LOCK_ASK, ask.id, msg->lock_nasy));
    AY_TRY(ay_row_put(ctx, &ay_market_meta_msg, &meta));
    answer->ask_id = ask.id;
    return ay_row_put(ctx, &ay_market_ask_msg, &ask);
}

enum ay_code ay_market_ask_get(struct ay_ctx *ctx, uint64_t id, struct ay_market_ask *ask)
{
    *ask = (struct ay_market_ask){.id = id};
    return ay_row_get(ctx, &ay_market_ask_msg, ask);
}
