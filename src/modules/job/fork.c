#include "modules/job/verbs.h"

enum ay_code ay_job_fork_open(struct ay_ctx *ctx, uint64_t id)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, id, &job));
    bool over = job.open_forks == 0 && ctx->now_ms >= job.deadline_ms;
    if (job.state != AY_JOB_STATE_CLAIMED || over)
        return ay_refuse(ctx, AY_E_DISPUTE_WINDOW, "job %llu cannot be challenged now",
                         (unsigned long long)id);
    if (job.open_forks++ == 0) {
        job.window_left_ms = job.deadline_ms - ctx->now_ms;
        job.deadline_ms = 0;
    }
    return ay_row_put(ctx, &ay_job_job_msg, &job);
}

enum ay_code ay_job_fork_close(struct ay_ctx *ctx, uint64_t id)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, id, &job));
    if (job.state != AY_JOB_STATE_CLAIMED || job.open_forks == 0)
        return ay_refuse(ctx, AY_E_JOB_STATE, "job %llu has no open fork", (unsigned long long)id);
    if (--job.open_forks == 0) {
        job.deadline_ms = ay_add_saturated(ctx->now_ms, job.window_left_ms);
        job.window_left_ms = 0;
    }
    return ay_row_put(ctx, &ay_job_job_msg, &job);
}

enum ay_code ay_job_slash(struct ay_ctx *ctx, uint64_t id, const uint8_t to[AY_ADDRESS_BYTES],
                          uint64_t *slashed_nasy)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, id, &job));
    if (job.state != AY_JOB_STATE_CLAIMED)
        return ay_refuse(ctx, AY_E_JOB_STATE, "job %llu has no claim that can be slashed",
                         (unsigned long long)id);
    *slashed_nasy = job.lock_nasy;
    AY_TRY(ay_job_spend(ctx, &job, job.consumer, job.escrow_nasy));
    AY_TRY(ay_stake_slash(ctx, job.provider, AY_STAKE_LOCK_JOB, id, job.lock_nasy, to));
    AY_TRY(ay_market_release(ctx, job.ask_id, job.units, 0));
    job.lock_nasy = 0;
    job.open_forks = 0;
    job.open_demands = 0;
    job.window_left_ms = 0;
    return ay_job_enter(ctx, &job, AY_JOB_STATE_SLASHED, 0);
}
