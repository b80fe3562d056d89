#include "modules/work/verbs.h"

/* The basis points of the work that address holds; 0: none. */
static uint32_t share_of(const struct ay_work_work *work, const uint8_t address[AY_ADDRESS_BYTES])
{
    for (uint32_t i = 0; i < work->shares_count; i++)
        if (memcmp(work->shares[i].address, address, AY_ADDRESS_BYTES) == 0)
            return work->shares[i].bps;
    return 0;
}

enum ay_code ay_work_withdraw(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_work_msg_withdraw *msg = message;
    struct ay_work_msg_withdraw_response *answer = response;
    struct ay_work_work work;
    AY_TRY(ay_work_get(ctx, msg->work_id, &work));
    uint32_t bps = share_of(&work, ctx->signer);
    if (bps == 0) return ay_refuse(ctx, AY_E_UNAUTHORIZED, "not a shareholder of this work");

    struct ay_work_withdrawn row = {0};
    memcpy(row.work_id, msg->work_id, AY_HASH_BYTES);
    memcpy(row.address, ctx->signer, AY_ADDRESS_BYTES);
    AY_TRY(ay_row_or_zero(ctx, &ay_work_withdrawn_msg, &row));
    uint64_t entitled = ay_work_entitled(&work, bps);
    AY_ASSERT(row.amount_nasy <= entitled);
    answer->amount_nasy = entitled - row.amount_nasy;
    if (answer->amount_nasy == 0) return ay_refuse(ctx, AY_E_FUNDS, "nothing to withdraw");

    row.amount_nasy = entitled;
    struct ay_work_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_work_totals_msg, &totals));
    AY_TRY(ay_sub(totals.held_nasy, answer->amount_nasy, &totals.held_nasy));
    AY_TRY(ay_row_put(ctx, &ay_work_totals_msg, &totals));
    AY_TRY(ay_row_put(ctx, &ay_work_withdrawn_msg, &row));
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("work", module);
    return ay_bank_move(ctx, module, ctx->signer, answer->amount_nasy);
}
