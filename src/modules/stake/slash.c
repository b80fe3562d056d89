#include "modules/stake/verbs.h"

enum ay_code ay_stake_slash(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                            enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy,
                            const uint8_t to[AY_ADDRESS_BYTES])
{
    if (amount_nasy == 0) return AY_OK;
    AY_TRY(ay_stake_unlock(ctx, operator, kind, id, amount_nasy));
    struct ay_stake_operator row;
    AY_TRY(ay_stake_operator(ctx, operator, &row));
    AY_TRY(ay_sub(row.bond_nasy, amount_nasy, &row.bond_nasy));
    row.slashed_nasy = ay_add_saturated(row.slashed_nasy, amount_nasy);
    AY_TRY(ay_row_put(ctx, &ay_stake_operator_msg, &row));
    AY_TRY(ay_stake_count_bond(ctx, 0, amount_nasy));

    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    AY_TRY(ay_bank_move(ctx, module, to, amount_nasy));
    struct ay_stake_event_slashed event = {.kind = kind, .id = id, .amount_nasy = amount_nasy};
    memcpy(event.operator, operator, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_stake_event_slashed_msg, &event);
}
