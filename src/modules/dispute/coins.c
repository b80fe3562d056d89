#include "modules/dispute/verbs.h"

/* Books `amount` under one of the totals' sums. */
static enum ay_code count(struct ay_ctx *ctx, size_t sum, uint64_t amount_nasy)
{
    struct ay_dispute_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_dispute_totals_msg, &totals));
    uint64_t *at = (uint64_t *)(void *)((uint8_t *)&totals + sum);
    AY_TRY(ay_add(*at, amount_nasy, at));
    return ay_row_put(ctx, &ay_dispute_totals_msg, &totals);
}

enum ay_code ay_dispute_receive(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                                uint64_t amount_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    if (amount_nasy == 0) return AY_OK;
    ay_module_address("dispute", module);
    AY_TRY(ay_bank_move(ctx, from, module, amount_nasy));
    return count(ctx, offsetof(struct ay_dispute_totals, in_nasy), amount_nasy);
}

enum ay_code ay_dispute_send(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                             uint64_t amount_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    if (amount_nasy == 0) return AY_OK;
    ay_module_address("dispute", module);
    AY_TRY(ay_bank_move(ctx, module, to, amount_nasy));
    return count(ctx, offsetof(struct ay_dispute_totals, out_nasy), amount_nasy);
}

enum ay_code ay_dispute_burn(struct ay_ctx *ctx, uint64_t amount_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    if (amount_nasy == 0) return AY_OK;
    ay_module_address("dispute", module);
    AY_TRY(ay_bank_burn(ctx, module, amount_nasy));
    return count(ctx, offsetof(struct ay_dispute_totals, burnt_nasy), amount_nasy);
}

enum ay_code ay_dispute_slash(struct ay_ctx *ctx, uint64_t job_id, uint64_t *slashed_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("dispute", module);
    AY_TRY(ay_job_slash(ctx, job_id, module, slashed_nasy));
    return count(ctx, offsetof(struct ay_dispute_totals, in_nasy), *slashed_nasy);
}

enum ay_code ay_dispute_reward(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                               uint64_t amount_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    if (amount_nasy == 0) return AY_OK;
    ay_module_address("dispute", module);
    AY_TRY(ay_stake_reward(ctx, module, to, amount_nasy));
    return count(ctx, offsetof(struct ay_dispute_totals, out_nasy), amount_nasy);
}
