#include "modules/dispute/verbs.h"

enum ay_code ay_dispute_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    (void)msg;
    const struct ay_dispute_params *params = section;
    if (!params) return ay_refuse(ctx, AY_E_REQUEST, "genesis has no dispute");
    if (params->turn_ms == 0 || params->turn_ms > INT64_MAX / AY_DISPUTE_TURNS)
        return ay_refuse(ctx, AY_E_RANGE, "dispute: turn_ms is out of range");
    if (params->bond_nasy == 0) return ay_refuse(ctx, AY_E_RANGE, "dispute: bond_nasy is 0");
    AY_TRY(ay_row_put(ctx, &ay_dispute_params_msg, params));
    struct ay_dispute_totals totals = {.next_fork = 1};
    return ay_row_put(ctx, &ay_dispute_totals_msg, &totals);
}
