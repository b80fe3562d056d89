#include "modules/job/job_math.h"

#define AY_BPS 10000
#define BIT(state) (1u << AY_JOB_STATE_##state)

struct ay_job_split ay_job_split(uint64_t fee_nasy, uint64_t royalty_nasy, uint32_t protocol_bps)
{
    AY_ASSERT(royalty_nasy <= fee_nasy && protocol_bps <= AY_BPS);
    uint64_t left = fee_nasy - royalty_nasy, protocol;
    enum ay_code code = ay_mul_div(fee_nasy, protocol_bps, AY_BPS, AY_FLOOR, &protocol);
    AY_ASSERT(code == AY_OK);
    if (protocol > left) protocol = left;
    return (struct ay_job_split){.protocol_nasy = protocol, .provider_nasy = left - protocol};
}

uint64_t ay_job_penalty(uint64_t fee_nasy, uint32_t late_bps, uint64_t lock_nasy)
{
    uint64_t penalty;
    AY_ASSERT(late_bps <= AY_BPS);
    enum ay_code code = ay_mul_div(fee_nasy, late_bps, AY_BPS, AY_CEIL, &penalty);
    AY_ASSERT(code == AY_OK);
    return penalty < lock_nasy ? penalty : lock_nasy;
}

uint64_t ay_job_claim_by(uint64_t now_ms, uint64_t claim_ms, uint64_t units, uint64_t rate_units)
{
    AY_ASSERT(rate_units > 0);
    uint64_t run_ms, at;
    if (ay_mul_div(units, 2000, rate_units, AY_CEIL, &run_ms) != AY_OK) return UINT64_MAX;
    if (ay_add(now_ms, claim_ms, &at) != AY_OK || ay_add(at, run_ms, &at) != AY_OK)
        return UINT64_MAX;
    return at;
}

/* What each state can become within one block, by any number of steps. */
static const uint32_t reach[] = {
    [AY_JOB_STATE_NONE] = BIT(POSTED) | BIT(CANCELLED) | BIT(MATCHED) | BIT(EXPIRED) | BIT(MISSED),
    [AY_JOB_STATE_POSTED] = BIT(POSTED) | BIT(CANCELLED) | BIT(MATCHED) | BIT(EXPIRED) |
                            BIT(MISSED),
    [AY_JOB_STATE_MATCHED] = BIT(MATCHED) | BIT(MISSED) | BIT(ACCEPTED) | BIT(LATE) |
                             BIT(CLAIMED) | BIT(PAID) | BIT(SLASHED),
    [AY_JOB_STATE_ACCEPTED] = BIT(ACCEPTED) | BIT(LATE) | BIT(CLAIMED) | BIT(PAID) | BIT(SLASHED),
    [AY_JOB_STATE_CLAIMED] = BIT(CLAIMED) | BIT(PAID) | BIT(SLASHED),
    [AY_JOB_STATE_PAID] = BIT(PAID),
    [AY_JOB_STATE_SLASHED] = BIT(SLASHED),
    [AY_JOB_STATE_EXPIRED] = BIT(EXPIRED),
    [AY_JOB_STATE_MISSED] = BIT(MISSED),
    [AY_JOB_STATE_LATE] = BIT(LATE),
    [AY_JOB_STATE_CANCELLED] = BIT(CANCELLED),
};

bool ay_job_may_become(enum ay_job_state from, enum ay_job_state to)
{
    AY_ASSERT((uint32_t)from < sizeof reach / sizeof reach[0]);
    return reach[from] >> to & 1;
}

bool ay_job_is_live(enum ay_job_state state)
{
    return (BIT(POSTED) | BIT(MATCHED) | BIT(ACCEPTED) | BIT(CLAIMED)) >> state & 1;
}
