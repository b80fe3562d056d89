#include "modules/market/verbs.h"

enum ay_code ay_market_release(struct ay_ctx *ctx, uint64_t ask_id, uint64_t units,
                               uint64_t lock_nasy)
{
    struct ay_market_ask ask;
    AY_TRY(ay_market_ask_get(ctx, ask_id, &ask));
    AY_ASSERT(ask.jobs > 0 && ask.used_units >= units);
    ask.jobs--;
    ask.used_units -= units;
    if (ask.closed && ask.jobs == 0) return ay_row_del(ctx, &ay_market_ask_msg, &ask);
    if (!ask.closed) {
        AY_TRY(ay_stake_lock(ctx, ask.provider, AY_STAKE_LOCK_ASK, ask.id, lock_nasy));
        AY_TRY(ay_add(ask.free_lock_nasy, lock_nasy, &ask.free_lock_nasy));
    }
    return ay_row_put(ctx, &ay_market_ask_msg, &ask);
}
