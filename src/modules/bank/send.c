#include "modules/bank/verbs.h"

#include "base/text.h"

enum ay_code ay_bank_send_check(struct ay_ctx *ctx, const void *msg)
{
    const struct ay_bank_msg_send *send = msg;
    uint8_t to[AY_ADDRESS_BYTES];
    uint64_t amount;
    if (ay_address_parse(send->to_address, to) != AY_OK)
        return ay_refuse(ctx, AY_E_ADDRESS, "to_address is not an address of this network");
    if (send->amount_count == 0) return ay_refuse(ctx, AY_E_COINS, "amount is missing");
    for (uint32_t i = 0; i < send->amount_count; i++) {
        const struct ay_base_coin *coin = &send->amount[i];
        if (ay_parse_u64(coin->amount, UINT64_MAX, &amount) != AY_OK || amount == 0)
            return ay_refuse(ctx, AY_E_COINS, "amount %u is not a number from 1 to 2^64 - 1", i);
        if (i && ay_slice_compare(send->amount[i - 1].denom, coin->denom) >= 0)
            return ay_refuse(ctx, AY_E_COINS, "denoms must ascend");
    }
    return AY_OK;
}

enum ay_code ay_bank_send(struct ay_ctx *ctx, const void *msg, void *response)
{
    (void)response;
    const struct ay_bank_msg_send *send = msg;
    uint8_t to[AY_ADDRESS_BYTES];
    AY_TRY(ay_address_parse(send->to_address, to));
    if (ay_is_module_address(ctx, to))
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "%.*s is not allowed to receive funds",
                         (int)send->to_address.len, (const char *)send->to_address.data);
    for (uint32_t i = 0; i < send->amount_count; i++) {
        const struct ay_base_coin *coin = &send->amount[i];
        uint64_t amount;
        /* There is one denom: of any other, everybody holds nothing. */
        if (!ay_slice_equal(coin->denom, ay_slice_str(AY_DENOM))) {
            int n = coin->denom.len < 32 ? (int)coin->denom.len : 32;
            const char *denom = (const char *)coin->denom.data;
            return ay_refuse(ctx, AY_E_FUNDS, "spendable balance 0%.*s is smaller than %.*s%.*s", n,
                             denom, (int)coin->amount.len, (const char *)coin->amount.data, n,
                             denom);
        }
        AY_TRY(ay_parse_u64(coin->amount, UINT64_MAX, &amount));
        AY_TRY(ay_bank_move(ctx, ctx->signer, to, amount));
    }
    return AY_OK;
}
