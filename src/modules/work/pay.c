#include "modules/work/verbs.h"

uint32_t ay_work_gross(const struct ay_work_work *work)
{
    uint32_t sum = work->royalty_bps;
    for (uint32_t i = 0; i < work->ancestors_count; i++) sum += work->ancestors[i].bps;
    return sum;
}

uint64_t ay_work_entitled(const struct ay_work_work *work, uint32_t bps)
{
    return ay_work_part(0, work->earned_nasy, bps, AY_BPS);
}

enum ay_code ay_work_get(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                         struct ay_work_work *work)
{
    *work = (struct ay_work_work){0};
    memcpy(work->id, id, AY_HASH_BYTES);
    return ay_row_get(ctx, &ay_work_work_msg, work);
}

static enum ay_code take(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES], uint64_t amount)
{
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("work", module);
    struct ay_work_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_work_totals_msg, &totals));
    AY_TRY(ay_bank_move(ctx, from, module, amount));
    AY_TRY(ay_add(totals.held_nasy, amount, &totals.held_nasy));
    return ay_row_put(ctx, &ay_work_totals_msg, &totals);
}

static enum ay_code credit(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES], uint64_t amount)
{
    if (amount == 0) return AY_OK;
    struct ay_work_work work;
    AY_TRY(ay_work_get(ctx, id, &work));
    work.earned_nasy = ay_add_saturated(work.earned_nasy, amount);
    return ay_row_put(ctx, &ay_work_work_msg, &work);
}

enum ay_code ay_work_pay(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                         const uint8_t from[AY_ADDRESS_BYTES], uint64_t fee_nasy,
                         uint64_t *royalty_nasy)
{
    *royalty_nasy = 0;
    struct ay_work_work work;
    AY_TRY(ay_work_get(ctx, id, &work));
    uint32_t gross = ay_work_gross(&work);
    uint64_t amount = ay_work_royalty(fee_nasy, gross), before = work.paid_nasy, after;
    /* A count that is full pays no more royalties: it must not be able to stop a block. */
    if (amount == 0 || ay_add(before, amount, &after) != AY_OK) return AY_OK;

    AY_TRY(take(ctx, from, amount));
    work.paid_nasy = after;
    AY_TRY(ay_row_put(ctx, &ay_work_work_msg, &work));
    AY_TRY(credit(ctx, id, ay_work_part(before, after, work.royalty_bps, gross)));
    for (uint32_t i = 0; i < work.ancestors_count; i++)
        AY_TRY(credit(ctx, work.ancestors[i].work_id,
                      ay_work_part(before, after, work.ancestors[i].bps, gross)));
    *royalty_nasy = amount;
    return AY_OK;
}
