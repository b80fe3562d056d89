#include "modules/market/verbs.h"

enum ay_code ay_market_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    (void)msg;
    const struct ay_market_params *params = section;
    if (!params) return ay_refuse(ctx, AY_E_REQUEST, "genesis has no market");
    if (params->lock_multiple == 0 || params->lock_min_nasy == 0 || params->bid_blocks == 0)
        return ay_refuse(ctx, AY_E_RANGE, "market: a parameter is 0");
    AY_TRY(ay_row_put(ctx, &ay_market_params_msg, params));
    struct ay_market_meta meta = {.next_ask = 1};
    return ay_row_put(ctx, &ay_market_meta_msg, &meta);
}
