#include "modules/stake/verbs.h"

enum ay_code ay_stake_bond_check(struct ay_ctx *ctx, const void *msg)
{
    const struct ay_stake_msg_bond *bond = msg;
    if (bond->amount_nasy == 0) return ay_refuse(ctx, AY_E_REQUEST, "amount_nasy is 0");
    return AY_OK;
}

enum ay_code ay_stake_bond(struct ay_ctx *ctx, const void *msg, void *response)
{
    (void)response;
    const struct ay_stake_msg_bond *bond = msg;
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    AY_TRY(ay_bank_move(ctx, ctx->signer, module, bond->amount_nasy));

    struct ay_stake_operator op;
    AY_TRY(ay_stake_operator(ctx, ctx->signer, &op));
    AY_TRY(ay_add(op.bond_nasy, bond->amount_nasy, &op.bond_nasy));
    AY_TRY(ay_stake_count_bond(ctx, bond->amount_nasy, 0));
    return ay_row_put(ctx, &ay_stake_operator_msg, &op);
}

enum ay_code ay_stake_operator(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                               struct ay_stake_operator *op)
{
    *op = (struct ay_stake_operator){0};
    memcpy(op->address, address, AY_ADDRESS_BYTES);
    return ay_row_or_zero(ctx, &ay_stake_operator_msg, op);
}

enum ay_code ay_stake_count_bond(struct ay_ctx *ctx, uint64_t add_nasy, uint64_t sub_nasy)
{
    struct ay_stake_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_stake_totals_msg, &totals));
    AY_TRY(ay_add(totals.bonded_nasy, add_nasy, &totals.bonded_nasy));
    AY_TRY(ay_sub(totals.bonded_nasy, sub_nasy, &totals.bonded_nasy));
    return ay_row_put(ctx, &ay_stake_totals_msg, &totals);
}
