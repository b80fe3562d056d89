#include "modules/stake/verbs.h"

static enum ay_code check_params(struct ay_ctx *ctx, const struct ay_stake_params *params)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < params->tier_bond_nasy_count; i++) {
        if (params->tier_bond_nasy[i] <= last)
            return ay_refuse(ctx, AY_E_RANGE, "stake: bond of tier %u is not above the one before",
                             i + 1);
        last = params->tier_bond_nasy[i];
    }
    return AY_OK;
}

enum ay_code ay_stake_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    (void)msg;
    const struct ay_stake_genesis *genesis = section;
    if (!genesis || !genesis->has_params)
        return ay_refuse(ctx, AY_E_REQUEST, "genesis has no stake.params");
    AY_TRY(check_params(ctx, &genesis->params));
    AY_TRY(ay_row_put(ctx, &ay_stake_params_msg, &genesis->params));
    for (uint32_t i = 0; i < genesis->validators_count; i++)
        AY_TRY(ay_row_put(ctx, &ay_stake_validator_msg, &genesis->validators[i]));
    struct ay_stake_totals totals = {.next_unbonding = 1};
    return ay_row_put(ctx, &ay_stake_totals_msg, &totals);
}
