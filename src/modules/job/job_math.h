/* The arithmetic of a job's money and time. */
#ifndef AY_MODULES_JOB_MATH_H
#define AY_MODULES_JOB_MATH_H

#include "base/gen/job.h"
#include "base/math.h"

/* Where a fee goes. royalty + protocol + provider == fee. */
struct ay_job_split {
    uint64_t protocol_nasy; /* ⌊fee · protocol_bps / 10000⌋, at most what the royalty leaves; burnt */
    uint64_t provider_nasy; /* the rest */
};

/* royalty_nasy <= fee_nasy, protocol_bps <= 10000. */
struct ay_job_split ay_job_split(uint64_t fee_nasy, uint64_t royalty_nasy, uint32_t protocol_bps);

/* What a late provider loses: ⌈fee · late_bps / 10000⌉, at most its lock. late_bps <= 10000. */
uint64_t ay_job_penalty(uint64_t fee_nasy, uint32_t late_bps, uint64_t lock_nasy);

/* When a job accepted at now_ms must be claimed: claim_ms and twice the time that the units take at
 * the declared rate, rounded up. Stops at 2^64 - 1. rate_units > 0. */
uint64_t ay_job_claim_by(uint64_t now_ms, uint64_t claim_ms, uint64_t units, uint64_t rate_units);

/* May a job that was in state `from` (STATE_NONE: not yet posted) later be in state `to`? Ended states
 * never change. */
bool ay_job_may_become(enum ay_job_state from, enum ay_job_state to);

/* Does the state hold escrow? */
bool ay_job_is_live(enum ay_job_state state);

#endif
