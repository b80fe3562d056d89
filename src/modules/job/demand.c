#include "modules/job/verbs.h"

/* The window's clock runs on, but does not end before the answer has been there for a while. Where
 * forks have stopped it, that holds for the least it can come to. */
static void stretch(const struct ay_ctx *ctx, struct ay_job_job *job, uint64_t until_ms)
{
    bool frozen = job->open_forks > 0;
    uint64_t *at = frozen ? &job->window_left_ms : &job->deadline_ms;
    uint64_t least = frozen ? until_ms - ctx->now_ms : until_ms;
    if (*at < least) *at = least;
}

enum ay_code ay_job_demand_open(struct ay_ctx *ctx, uint64_t id, uint64_t until_ms)
{
    struct ay_job_job job;
    AY_ASSERT(until_ms > ctx->now_ms);
    AY_TRY(ay_job_get(ctx, id, &job));
    if (job.state != AY_JOB_STATE_CLAIMED || ctx->now_ms >= job.demand_by_ms)
        return ay_refuse(ctx, AY_E_DISPUTE_WINDOW, "nothing of job %llu can be demanded now",
                         (unsigned long long)id);
    stretch(ctx, &job, until_ms);
    job.open_demands++;
    return ay_row_put(ctx, &ay_job_job_msg, &job);
}

enum ay_code ay_job_demand_close(struct ay_ctx *ctx, uint64_t id)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, id, &job));
    if (job.state != AY_JOB_STATE_CLAIMED || job.open_demands == 0)
        return ay_refuse(ctx, AY_E_JOB_STATE, "job %llu has no open demand",
                         (unsigned long long)id);
    job.open_demands--;
    return ay_row_put(ctx, &ay_job_job_msg, &job);
}
