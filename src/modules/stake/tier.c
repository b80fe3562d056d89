#include "modules/stake/verbs.h"

enum ay_code ay_stake_tier(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                           uint32_t *tier)
{
    struct ay_stake_params params = {0};
    struct ay_stake_operator row;
    AY_TRY(ay_row_get(ctx, &ay_stake_params_msg, &params));
    AY_TRY(ay_stake_operator(ctx, operator, &row));
    *tier = 0;
    while (*tier < params.tier_bond_nasy_count && params.tier_bond_nasy[*tier] <= row.bond_nasy)
        ++*tier;
    return AY_OK;
}

enum ay_code ay_stake_tiers(struct ay_ctx *ctx, uint32_t *count)
{
    struct ay_stake_params params = {0};
    AY_TRY(ay_row_get(ctx, &ay_stake_params_msg, &params));
    *count = params.tier_bond_nasy_count + 1;
    return AY_OK;
}
