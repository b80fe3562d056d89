#include "modules/stake/verbs.h"

enum ay_code ay_stake_hold(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                           uint64_t amount_nasy, uint64_t *release_ms)
{
    struct ay_stake_params params = {0};
    struct ay_stake_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_stake_params_msg, &params));
    AY_TRY(ay_row_get(ctx, &ay_stake_totals_msg, &totals));

    struct ay_stake_unbonding row = {.id = totals.next_unbonding++, .amount_nasy = amount_nasy};
    memcpy(row.address, address, AY_ADDRESS_BYTES);
    row.release_ms = ay_add_saturated(ctx->now_ms, params.unbonding_ms);
    AY_TRY(ay_row_put(ctx, &ay_stake_unbonding_msg, &row));

    AY_TRY(ay_add(totals.unbonding_nasy, amount_nasy, &totals.unbonding_nasy));
    if (release_ms) *release_ms = row.release_ms;
    return ay_row_put(ctx, &ay_stake_totals_msg, &totals);
}

enum ay_code ay_stake_reward(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                             const uint8_t address[AY_ADDRESS_BYTES], uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    AY_TRY(ay_bank_move(ctx, from, module, amount_nasy));
    return ay_stake_hold(ctx, address, amount_nasy, NULL);
}

enum ay_code ay_stake_release(struct ay_ctx *ctx)
{
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    struct ay_stake_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_stake_totals_msg, &totals));

    struct ay_stake_unbonding row = {0};
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_stake_unbonding_msg, 0, &row, 0));
    uint32_t released = 0;
    for (; released < AY_MAX_STAKE_RELEASES; released++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &row);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        if (row.release_ms > ctx->now_ms) break;
        AY_TRY(ay_bank_move(ctx, module, row.address, row.amount_nasy));
        AY_TRY(ay_row_del(ctx, &ay_stake_unbonding_msg, &row));
        AY_TRY(ay_sub(totals.unbonding_nasy, row.amount_nasy, &totals.unbonding_nasy));
    }
    return released ? ay_row_put(ctx, &ay_stake_totals_msg, &totals) : AY_OK;
}

bool ay_stake_waits(struct ay_ctx *ctx)
{
    struct ay_stake_totals totals = {0};
    return ay_row_get(ctx, &ay_stake_totals_msg, &totals) == AY_OK && totals.unbonding_nasy > 0;
}
