#include "modules/stake/verbs.h"

static enum ay_code get(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                        enum ay_stake_lock_kind kind, uint64_t id, struct ay_stake_lock *lock)
{
    AY_ASSERT(kind != AY_STAKE_LOCK_NONE);
    *lock = (struct ay_stake_lock){.kind = kind, .id = id};
    memcpy(lock->operator, operator, AY_ADDRESS_BYTES);
    return ay_row_or_zero(ctx, &ay_stake_lock_msg, lock);
}

enum ay_code ay_stake_lock(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                           enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    struct ay_stake_operator row;
    struct ay_stake_lock lock;
    AY_TRY(ay_stake_operator(ctx, operator, &row));
    AY_TRY(get(ctx, operator, kind, id, &lock));
    AY_ASSERT(row.locked_nasy <= row.bond_nasy);
    if (amount_nasy > row.bond_nasy - row.locked_nasy)
        return ay_refuse(ctx, AY_E_STAKE_EXPOSURE, "bond %llunasy, locked %llunasy, wanted %llunasy",
                         (unsigned long long)row.bond_nasy, (unsigned long long)row.locked_nasy,
                         (unsigned long long)amount_nasy);
    row.locked_nasy += amount_nasy;
    lock.amount_nasy += amount_nasy;
    AY_TRY(ay_row_put(ctx, &ay_stake_lock_msg, &lock));
    return ay_row_put(ctx, &ay_stake_operator_msg, &row);
}

enum ay_code ay_stake_unlock(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                             enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    struct ay_stake_operator row;
    struct ay_stake_lock lock;
    AY_TRY(get(ctx, operator, kind, id, &lock));
    if (amount_nasy > lock.amount_nasy)
        return ay_refuse(ctx, AY_E_STATE, "lock holds %llunasy, not %llunasy",
                         (unsigned long long)lock.amount_nasy, (unsigned long long)amount_nasy);
    lock.amount_nasy -= amount_nasy;
    AY_TRY(lock.amount_nasy ? ay_row_put(ctx, &ay_stake_lock_msg, &lock)
                            : ay_row_del(ctx, &ay_stake_lock_msg, &lock));
    AY_TRY(ay_stake_operator(ctx, operator, &row));
    AY_TRY(ay_sub(row.locked_nasy, amount_nasy, &row.locked_nasy));
    return ay_row_put(ctx, &ay_stake_operator_msg, &row);
}

enum ay_code ay_stake_locked(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                             enum ay_stake_lock_kind kind, uint64_t id, uint64_t *amount_nasy)
{
    struct ay_stake_lock lock;
    AY_TRY(get(ctx, operator, kind, id, &lock));
    *amount_nasy = lock.amount_nasy;
    return AY_OK;
}

struct sum {
    enum ay_stake_lock_kind kind;
    uint64_t amount_nasy;
};

static enum ay_code add_lock(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                             bool has_new, const void *new_row)
{
    (void)ctx, (void)has_old, (void)old_row, (void)has_new;
    struct sum *sum = self;
    const struct ay_stake_lock *lock = new_row;
    if (lock->kind != (uint32_t)sum->kind) return AY_OK;
    return ay_add(sum->amount_nasy, lock->amount_nasy, &sum->amount_nasy);
}

enum ay_code ay_stake_locked_sum(struct ay_ctx *ctx, enum ay_stake_lock_kind kind,
                                 uint64_t *amount_nasy)
{
    struct sum sum = {.kind = kind};
    AY_TRY(ay_rows_all(ctx, &ay_stake_lock_msg, add_lock, &sum));
    *amount_nasy = sum.amount_nasy;
    return AY_OK;
}
