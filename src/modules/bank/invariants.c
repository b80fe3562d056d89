#include "modules/bank/verbs.h"

/* Sums over 128 bits: nothing that a broken state may hold can overflow them. */
typedef __int128 wide;

static enum ay_code check_row(struct ay_ctx *ctx, const struct ay_bank_balance *row)
{
    if (row->amount == 0 || !ay_slice_equal(row->denom, ay_slice_str(AY_DENOM)))
        return ay_refuse(ctx, AY_E_INVARIANT, "a balance is zero or in another denom");
    return AY_OK;
}

static wide total_of(const struct ay_bank_supply *supply)
{
    return (wide)supply->genesis + supply->minted - supply->burned;
}

static enum ay_code balance_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                    const void *old_row, bool has_new, const void *new_row)
{
    const struct ay_bank_balance *was = old_row, *is = new_row;
    wide *sum = self;
    if (has_old) *sum -= was->amount;
    if (!has_new) return AY_OK;
    *sum += is->amount;
    return check_row(ctx, is);
}

static enum ay_code supply_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    wide *sum = self;
    if (!has_new) return ay_refuse(ctx, AY_E_INVARIANT, "the supply is gone");
    *sum += total_of(new_row);
    if (has_old) *sum -= total_of(old_row);
    return AY_OK;
}

enum ay_code ay_bank_conservation_step(struct ay_ctx *ctx)
{
    wide balances = 0, supply = 0;
    AY_TRY(ay_rows_changed(ctx, &ay_bank_balance_msg, balance_changed, &balances));
    AY_TRY(ay_rows_changed(ctx, &ay_bank_supply_msg, supply_changed, &supply));
    if (balances == supply) return AY_OK;
    return ay_refuse(ctx, AY_E_INVARIANT, "balances moved by other than the supply did");
}

enum ay_code ay_bank_conservation_full(struct ay_ctx *ctx)
{
    struct ay_bank_supply supply;
    struct ay_bank_balance row = {0};
    struct ay_row_walk walk;
    wide balances = 0;
    enum ay_code code;
    AY_TRY(ay_bank_supply_get(ctx, &supply));
    AY_TRY(ay_row_walk_begin(&walk, &ay_bank_balance_msg, 0, &row, 0));
    size_t mark = ctx->arena->used;
    while ((code = ay_row_walk_next(ctx, &walk, &row)) == AY_OK) {
        AY_TRY(check_row(ctx, &row));
        balances += row.amount;
        ay_arena_rewind(ctx->arena, mark);
    }
    if (code != AY_E_NOT_FOUND) return code;
    if (balances == total_of(&supply)) return AY_OK;
    return ay_refuse(ctx, AY_E_INVARIANT, "balances and supply differ by %llu or more",
                     (unsigned long long)(balances > total_of(&supply)
                                              ? balances - total_of(&supply)
                                              : total_of(&supply) - balances));
}
