#include "modules/market/verbs.h"

enum ay_code ay_market_cancel_ask(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_market_msg_cancel_ask *msg = message;
    struct ay_market_ask ask;
    AY_TRY(ay_market_ask_get(ctx, msg->ask_id, &ask));
    if (memcmp(ask.provider, ctx->signer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "another provider's ask");
    if (ask.closed) return ay_refuse(ctx, AY_E_STATE, "ask is closed already");

    AY_TRY(ay_stake_unlock(ctx, ask.provider, AY_STAKE_LOCK_ASK, ask.id, ask.free_lock_nasy));
    if (ask.jobs == 0) return ay_row_del(ctx, &ay_market_ask_msg, &ask);
    ask.free_lock_nasy = 0;
    ask.closed = true;
    return ay_row_put(ctx, &ay_market_ask_msg, &ask);
}
