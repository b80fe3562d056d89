#include "modules/job/verbs.h"

/* The whole escrow goes back: nobody has worked for this job. */
static enum ay_code give_back(struct ay_ctx *ctx, struct ay_job_job *job, enum ay_job_state state)
{
    AY_TRY(ay_job_spend(ctx, job, job->consumer, job->escrow_nasy));
    return ay_job_enter(ctx, job, state, 0);
}

enum ay_code ay_job_cancel(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_job_msg_cancel *msg = message;
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, msg->job_id, &job));
    if (memcmp(job.consumer, ctx->signer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_JOB_PARTY, "another consumer's job");
    if (job.state != AY_JOB_STATE_POSTED)
        return ay_refuse(ctx, AY_E_JOB_STATE, "only a job that waits for a match can be cancelled");
    AY_TRY(ay_market_unbid(ctx, job.id));
    return give_back(ctx, &job, AY_JOB_STATE_CANCELLED);
}

enum ay_code ay_job_expire(struct ay_ctx *ctx, uint64_t id)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, id, &job));
    AY_ASSERT(job.state == AY_JOB_STATE_POSTED);
    return give_back(ctx, &job, AY_JOB_STATE_EXPIRED);
}
