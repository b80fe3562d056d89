#include "modules/bank/verbs.h"

enum ay_code ay_bank_pay_fees(struct ay_ctx *ctx)
{
    uint8_t fees[AY_ADDRESS_BYTES];
    uint64_t amount;
    ay_module_address(AY_FEES_MODULE, fees);
    AY_TRY(ay_bank_balance(ctx, fees, &amount));
    return ay_bank_move(ctx, fees, ctx->proposer, amount);
}
