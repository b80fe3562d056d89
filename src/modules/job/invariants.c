#include "modules/job/verbs.h"

#include "modules/market/market_math.h"

/* Differences, zero when the books are right; the last three are only summed in full. */
struct sums {
    uint64_t escrow; /* of the jobs, less their total */
    uint64_t jobs;   /* there are, less the ids given out */
    uint64_t locks, in_hand, units;
};

static enum ay_code broken(struct ay_ctx *ctx, const struct ay_job_job *job, const char *what)
{
    return ay_refuse(ctx, AY_E_INVARIANT, "job %llu %s", (unsigned long long)job->id, what);
}

static bool is_matched(const struct ay_job_job *job)
{
    return ay_job_is_live(job->state) && job->state != AY_JOB_STATE_POSTED;
}

/* What each state says of escrow, lock and deadline. */
static enum ay_code check_state(struct ay_ctx *ctx, const struct ay_job_job *job)
{
    uint64_t fee, locked;
    AY_TRY(ay_market_fee(job->max_price_nasy, job->units, &fee));
    if (is_matched(job)) fee = job->fee_nasy;
    if (job->escrow_nasy != (ay_job_is_live(job->state) ? fee : 0))
        return broken(ctx, job, "holds the wrong escrow");

    AY_TRY(ay_stake_locked(ctx, job->provider, AY_STAKE_LOCK_JOB, job->id, &locked));
    if (locked != job->lock_nasy) return broken(ctx, job, "has a lock that is not locked");
    if (is_matched(job) ? locked == 0 : locked > 0) return broken(ctx, job, "has the wrong lock");

    bool frozen = job->open_forks > 0;
    bool doubted = frozen || job->open_demands > 0;
    if (doubted && job->state != AY_JOB_STATE_CLAIMED) return broken(ctx, job, "is disputed");
    if ((job->deadline_ms > 0) != (is_matched(job) && !frozen))
        return broken(ctx, job, "has the wrong deadline");

    if (job->state != AY_JOB_STATE_POSTED) return AY_OK;
    struct ay_market_bid bid;
    enum ay_code code = ay_market_bid_get(ctx, job->id, &bid);
    return code == AY_E_NOT_FOUND ? broken(ctx, job, "waits without a bid") : code;
}

static enum ay_code job_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_job_job *old = old_row, *job = new_row;
    if (!has_new) return broken(ctx, old, "is gone");
    if (has_old) {
        sums->escrow -= old->escrow_nasy;
        if (!ay_job_may_become(old->state, job->state))
            return broken(ctx, job, "left a state that is final");
    }
    if (!has_old) sums->jobs++;
    sums->escrow += job->escrow_nasy;
    sums->locks += job->lock_nasy;
    if (is_matched(job)) {
        sums->in_hand++;
        sums->units += job->units;
    }
    return check_state(ctx, job);
}

static enum ay_code totals_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_job_totals *old = old_row, *new = new_row;
    if (!has_new) return ay_refuse(ctx, AY_E_INVARIANT, "the totals are gone");
    sums->escrow += has_old ? old->escrow_nasy : 0;
    sums->escrow -= new->escrow_nasy;
    sums->jobs += has_old ? old->next_job : 1;
    sums->jobs -= new->next_job;
    return AY_OK;
}

static enum ay_code check_jobs(struct ay_ctx *ctx, ay_rows_each each, struct sums *sums)
{
    AY_TRY(each(ctx, &ay_job_job_msg, job_changed, sums));
    AY_TRY(each(ctx, &ay_job_totals_msg, totals_changed, sums));
    if (sums->escrow) return ay_refuse(ctx, AY_E_INVARIANT, "escrows and their total disagree");
    if (sums->jobs) return ay_refuse(ctx, AY_E_INVARIANT, "jobs and the ids given out disagree");
    return AY_OK;
}

static enum ay_code jobs_step(struct ay_ctx *ctx)
{
    struct sums sums = {0};
    return check_jobs(ctx, ay_rows_changed, &sums);
}

static enum ay_code jobs_full(struct ay_ctx *ctx)
{
    struct sums sums = {0};
    AY_TRY(check_jobs(ctx, ay_rows_all, &sums));
    uint64_t locked, in_hand, units;
    AY_TRY(ay_stake_locked_sum(ctx, AY_STAKE_LOCK_JOB, &locked));
    if (locked != sums.locks) return ay_refuse(ctx, AY_E_INVARIANT, "coins are locked for no job");
    AY_TRY(ay_market_in_hand(ctx, &in_hand, &units));
    if (in_hand != sums.in_hand || units != sums.units)
        return ay_refuse(ctx, AY_E_INVARIANT, "asks and jobs disagree on what is in hand");
    return AY_OK;
}

static enum ay_code coins(struct ay_ctx *ctx)
{
    struct ay_job_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_job_totals_msg, &totals));
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("job", module);
    uint64_t balance;
    AY_TRY(ay_bank_balance(ctx, module, &balance));
    if (balance != totals.escrow_nasy)
        return ay_refuse(ctx, AY_E_INVARIANT, "job holds %llunasy and owes %llunasy",
                         (unsigned long long)balance, (unsigned long long)totals.escrow_nasy);
    return AY_OK;
}

const struct ay_invariant ay_job_invariants[] = {
    {"coins", coins, coins},
    {"jobs", jobs_step, jobs_full},
    {0},
};
