#include "modules/dispute/dispute_math.h"

enum ay_code ay_dispute_bond_of(uint64_t bond_nasy, uint64_t per_mega_nasy, uint64_t units,
                                uint64_t *out)
{
    uint64_t rise;
    AY_TRY(ay_mul_div(per_mega_nasy, units, 1000000, AY_CEIL, &rise));
    return ay_add(bond_nasy, rise, out);
}

uint64_t ay_dispute_quarter(uint64_t bond_nasy)
{
    return bond_nasy / 4 + (bond_nasy % 4 != 0);
}

uint64_t ay_dispute_reward_of(uint64_t slashed_nasy, uint64_t refund_nasy)
{
    AY_ASSERT(refund_nasy <= slashed_nasy);
    return (slashed_nasy - refund_nasy) / 4;
}

uint64_t ay_dispute_due(uint64_t now_ms, uint64_t last_due_ms, uint64_t turn_ms, uint64_t units,
                        uint64_t rate_units)
{
    uint64_t due = now_ms > last_due_ms ? now_ms : last_due_ms, work = 0;
    bool fits = rate_units == 0 ||
                ay_mul_div(units, 2000, rate_units, AY_CEIL, &work) == AY_OK;
    fits = fits && ay_add(due, turn_ms, &due) == AY_OK && ay_add(due, work, &due) == AY_OK;
    return fits && due < INT64_MAX ? due : INT64_MAX;
}

uint64_t ay_dispute_posted(uint64_t now_ms, uint64_t posted_ms, uint64_t kib, uint64_t kib_ms)
{
    uint64_t at = now_ms > posted_ms ? now_ms : posted_ms, work;
    bool fits = ay_mul(kib, kib_ms, &work) == AY_OK && ay_add(at, work, &at) == AY_OK;
    return fits && at < INT64_MAX ? at : INT64_MAX;
}

enum ay_code ay_dispute_fee_of(uint64_t move_nasy, uint64_t kib_nasy, uint32_t bytes, uint64_t *out)
{
    uint64_t size_fee;
    AY_TRY(ay_mul(kib_nasy, ((uint64_t)bytes + 1023) / 1024, &size_fee));
    return ay_add(move_nasy, size_fee, out);
}
