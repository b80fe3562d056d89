#include "modules/stake/verbs.h"

enum ay_code ay_stake_unbond_check(struct ay_ctx *ctx, const void *msg)
{
    const struct ay_stake_msg_unbond *unbond = msg;
    if (unbond->amount_nasy == 0) return ay_refuse(ctx, AY_E_REQUEST, "amount_nasy is 0");
    return AY_OK;
}

/* AY_E_LIMIT when the address has as many unbondings as it may start. */
static enum ay_code check_count(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES])
{
    struct ay_stake_unbonding row = {0};
    memcpy(row.address, address, AY_ADDRESS_BYTES);
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_stake_unbonding_msg, 1, &row, 1));
    for (uint32_t n = 0; n < AY_MAX_STAKE_UNBONDINGS; n++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &row);
        if (code == AY_E_NOT_FOUND) return AY_OK;
        AY_TRY(code);
    }
    return ay_refuse(ctx, AY_E_LIMIT, "%u unbondings are under way", AY_MAX_STAKE_UNBONDINGS);
}

enum ay_code ay_stake_unbond(struct ay_ctx *ctx, const void *msg, void *response)
{
    const struct ay_stake_msg_unbond *unbond = msg;
    struct ay_stake_msg_unbond_response *answer = response;
    struct ay_stake_operator op;
    AY_TRY(ay_stake_operator(ctx, ctx->signer, &op));
    AY_ASSERT(op.locked_nasy <= op.bond_nasy);
    uint64_t free_nasy = op.bond_nasy - op.locked_nasy;
    if (unbond->amount_nasy > op.bond_nasy)
        return ay_refuse(ctx, AY_E_FUNDS, "bond is %llunasy",
                         (unsigned long long)op.bond_nasy);
    if (unbond->amount_nasy > free_nasy)
        return ay_refuse(ctx, AY_E_STAKE_LOCKED, "%llunasy of the bond are locked",
                         (unsigned long long)op.locked_nasy);
    AY_TRY(check_count(ctx, ctx->signer));

    op.bond_nasy -= unbond->amount_nasy;
    AY_TRY(ay_row_put(ctx, &ay_stake_operator_msg, &op));
    AY_TRY(ay_stake_count_bond(ctx, 0, unbond->amount_nasy));
    return ay_stake_hold(ctx, ctx->signer, unbond->amount_nasy, &answer->release_ms);
}
