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

#define AFTER_CLAIMED (BIT(PAID) | BIT(SLASHED))
#define AFTER_ACCEPTED (BIT(LATE) | BIT(CLAIMED) | AFTER_CLAIMED)
#define AFTER_MATCHED (BIT(MISSED) | BIT(ACCEPTED) | AFTER_ACCEPTED)
#define AFTER_POSTED (BIT(CANCELLED) | BIT(EXPIRED) | BIT(MATCHED) | AFTER_MATCHED)

/* What may follow each state, after any number of steps. */
static const uint32_t after[] = {
    [AY_JOB_STATE_NONE] = BIT(POSTED) | AFTER_POSTED,
    [AY_JOB_STATE_POSTED] = AFTER_POSTED,
    [AY_JOB_STATE_MATCHED] = AFTER_MATCHED,
    [AY_JOB_STATE_ACCEPTED] = AFTER_ACCEPTED,
    [AY_JOB_STATE_CLAIMED] = AFTER_CLAIMED,
    [AY_JOB_STATE_CANCELLED] = 0, /* the longest index; other ended states are 0 as well */
};

bool ay_job_may_become(enum ay_job_state from, enum ay_job_state to)
{
    AY_ASSERT((uint32_t)from < sizeof after / sizeof after[0]);
    return from == to || (after[from] >> to & 1);
}

bool ay_job_is_live(enum ay_job_state state)
{
    return (BIT(POSTED) | BIT(MATCHED) | BIT(ACCEPTED) | BIT(CLAIMED)) >> state & 1;
}
