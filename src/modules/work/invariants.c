#include "modules/work/verbs.h"

/* Differences, zero when the books are right. */
struct sums {
    uint64_t held; /* taken of fees, less withdrawn, less the total held */
};

static enum ay_code check_shares(struct ay_ctx *ctx, const struct ay_work_work *work)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < work->shares_count; i++) sum += work->shares[i].bps;
    if (sum != AY_BPS) return ay_refuse(ctx, AY_E_INVARIANT, "shares of a work do not add up");
    if (ay_work_gross(work) > AY_BPS)
        return ay_refuse(ctx, AY_E_INVARIANT, "a work and its ancestors ask more than a fee");
    return AY_OK;
}

static enum ay_code check_program(struct ay_ctx *ctx, const uint8_t work_id[AY_HASH_BYTES])
{
    struct ay_work_work_program row = {0};
    memcpy(row.id, work_id, AY_HASH_BYTES);
    enum ay_code code = ay_row_get(ctx, &ay_work_work_program_msg, &row);
    if (code == AY_E_NOT_FOUND) return ay_refuse(ctx, AY_E_INVARIANT, "a work has no program");
    AY_TRY(code);
    uint8_t id[AY_HASH_BYTES];
    ay_work_id(row.program, id);
    if (memcmp(id, work_id, AY_HASH_BYTES) != 0)
        return ay_refuse(ctx, AY_E_INVARIANT, "a program does not hash to its work's id");
    return AY_OK;
}

static enum ay_code work_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                 bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_work_work *old = old_row, *new = new_row;
    if (!has_new) return ay_refuse(ctx, AY_E_INVARIANT, "a work is gone");
    if (has_old) sums->held -= old->paid_nasy;
    sums->held += new->paid_nasy;
    if (has_old && (new->paid_nasy < old->paid_nasy || new->earned_nasy < old->earned_nasy))
        return ay_refuse(ctx, AY_E_INVARIANT, "a work's earnings fell");
    AY_TRY(check_shares(ctx, new));
    return has_old ? AY_OK : check_program(ctx, new->id);
}

static enum ay_code withdrawn_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                      const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_work_withdrawn *old = old_row, *new = new_row;
    if (!has_new) return ay_refuse(ctx, AY_E_INVARIANT, "a withdrawal was forgotten");
    if (has_old) sums->held += old->amount_nasy;
    sums->held -= new->amount_nasy;
    struct ay_work_work work;
    enum ay_code code = ay_work_get(ctx, new->work_id, &work);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    for (uint32_t i = 0; i < work.shares_count; i++)
        if (memcmp(work.shares[i].address, new->address, AY_ADDRESS_BYTES) == 0 &&
            new->amount_nasy <= ay_work_entitled(&work, work.shares[i].bps))
            return AY_OK;
    return ay_refuse(ctx, AY_E_INVARIANT, "more was withdrawn of a work than a share earned");
}

static enum ay_code totals_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    (void)ctx;
    struct sums *sums = self;
    const struct ay_work_totals *old = old_row, *new = new_row;
    if (has_old) sums->held += old->held_nasy;
    if (has_new) sums->held -= new->held_nasy;
    return AY_OK;
}

static enum ay_code check_sums(struct ay_ctx *ctx, ay_rows_each each)
{
    struct sums sums = {0};
    AY_TRY(each(ctx, &ay_work_work_msg, work_changed, &sums));
    AY_TRY(each(ctx, &ay_work_withdrawn_msg, withdrawn_changed, &sums));
    AY_TRY(each(ctx, &ay_work_totals_msg, totals_changed, &sums));
    if (sums.held) return ay_refuse(ctx, AY_E_INVARIANT, "royalties and their total disagree");
    return AY_OK;
}

static enum ay_code sums_step(struct ay_ctx *ctx)
{
    return check_sums(ctx, ay_rows_changed);
}

static enum ay_code add_earned(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                               bool has_new, const void *new_row)
{
    (void)ctx, (void)has_old, (void)old_row, (void)has_new;
    const struct ay_work_work *work = new_row;
    __int128 *unearned = self;
    *unearned += work->paid_nasy;
    *unearned -= work->earned_nasy;
    return AY_OK;
}

static enum ay_code sums_full(struct ay_ctx *ctx)
{
    AY_TRY(check_sums(ctx, ay_rows_all));
    __int128 unearned = 0;
    AY_TRY(ay_rows_all(ctx, &ay_work_work_msg, add_earned, &unearned));
    if (unearned < 0) return ay_refuse(ctx, AY_E_INVARIANT, "works earned more than was paid");
    return AY_OK;
}

static enum ay_code coins(struct ay_ctx *ctx)
{
    struct ay_work_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_work_totals_msg, &totals));
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("work", module);
    uint64_t balance;
    AY_TRY(ay_bank_balance(ctx, module, &balance));
    if (balance != totals.held_nasy)
        return ay_refuse(ctx, AY_E_INVARIANT, "work holds %llunasy and owes %llunasy",
                         (unsigned long long)balance, (unsigned long long)totals.held_nasy);
    return AY_OK;
}

const struct ay_invariant ay_work_invariants[] = {
    {"coins", coins, coins},
    {"sums", sums_step, sums_full},
    {0},
};
