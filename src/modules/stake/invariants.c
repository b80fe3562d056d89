#include "modules/stake/verbs.h"

/* Differences, all zero when the books are right. */
struct sums {
    unsigned __int128 locks; /* locks less what operators say is locked, weighed by operator */
    uint64_t bonded;         /* bonds less their total */
    uint64_t unbonding;      /* unbondings less their total */
};

static enum ay_code lock_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                 bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_stake_lock *old = old_row, *new = new_row;
    if (has_old) sums->locks -= ay_weigh(old->operator, old->amount_nasy);
    if (has_new) sums->locks += ay_weigh(new->operator, new->amount_nasy);
    if (has_new && new->amount_nasy == 0) return ay_refuse(ctx, AY_E_INVARIANT, "empty lock");
    return AY_OK;
}

static enum ay_code operator_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                     const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_stake_operator *old = old_row, *new = new_row;
    if (has_old) {
        sums->locks += ay_weigh(old->address, old->locked_nasy);
        sums->bonded -= old->bond_nasy;
    }
    if (has_new) {
        sums->locks -= ay_weigh(new->address, new->locked_nasy);
        sums->bonded += new->bond_nasy;
        if (new->locked_nasy > new->bond_nasy)
            return ay_refuse(ctx, AY_E_INVARIANT, "an operator's locks exceed its bond");
        if (has_old && new->slashed_nasy < old->slashed_nasy)
            return ay_refuse(ctx, AY_E_INVARIANT, "a slash was undone");
    }
    return AY_OK;
}

static enum ay_code unbonding_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                      const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_stake_unbonding *old = old_row, *new = new_row;
    if (has_old) sums->unbonding -= old->amount_nasy;
    if (has_new) sums->unbonding += new->amount_nasy;
    if (has_old && !has_new && old->release_ms > ctx->now_ms)
        return ay_refuse(ctx, AY_E_INVARIANT, "an unbonding ended early");
    return AY_OK;
}

static enum ay_code totals_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    (void)ctx;
    struct sums *sums = self;
    const struct ay_stake_totals *old = old_row, *new = new_row;
    if (has_old) {
        sums->bonded += old->bonded_nasy;
        sums->unbonding += old->unbonding_nasy;
    }
    if (has_new) {
        sums->bonded -= new->bonded_nasy;
        sums->unbonding -= new->unbonding_nasy;
    }
    return AY_OK;
}

static enum ay_code check_sums(struct ay_ctx *ctx, ay_rows_each each)
{
    struct sums sums = {0};
    AY_TRY(each(ctx, &ay_stake_lock_msg, lock_changed, &sums));
    AY_TRY(each(ctx, &ay_stake_operator_msg, operator_changed, &sums));
    AY_TRY(each(ctx, &ay_stake_unbonding_msg, unbonding_changed, &sums));
    AY_TRY(each(ctx, &ay_stake_totals_msg, totals_changed, &sums));
    if (sums.locks) return ay_refuse(ctx, AY_E_INVARIANT, "locks and operators disagree");
    if (sums.bonded) return ay_refuse(ctx, AY_E_INVARIANT, "bonds and their total disagree");
    if (sums.unbonding) return ay_refuse(ctx, AY_E_INVARIANT, "unbondings and total disagree");
    return AY_OK;
}

static enum ay_code sums_step(struct ay_ctx *ctx)
{
    return check_sums(ctx, ay_rows_changed);
}

static enum ay_code sums_full(struct ay_ctx *ctx)
{
    return check_sums(ctx, ay_rows_all);
}

static enum ay_code coins(struct ay_ctx *ctx)
{
    struct ay_stake_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_stake_totals_msg, &totals));
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    uint64_t balance, owed;
    AY_TRY(ay_bank_balance(ctx, module, &balance));
    AY_TRY(ay_add(totals.bonded_nasy, totals.unbonding_nasy, &owed));
    if (balance != owed)
        return ay_refuse(ctx, AY_E_INVARIANT, "stake holds %llunasy and owes %llunasy",
                         (unsigned long long)balance, (unsigned long long)owed);
    return AY_OK;
}

const struct ay_invariant ay_stake_invariants[] = {
    {"coins", coins, coins},
    {"sums", sums_step, sums_full},
    {0},
};
