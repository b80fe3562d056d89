#include "modules/job/verbs.h"

enum ay_code ay_job_accept(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_job_msg_accept *msg = message;
    struct ay_job_params params = {0};
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, msg->job_id, &job));
    if (job.state != AY_JOB_STATE_MATCHED)
        return ay_refuse(ctx, AY_E_JOB_STATE, "job is not waiting to be accepted");
    if (memcmp(job.provider, ctx->signer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_JOB_PARTY, "matched to another provider");
    if (ctx->now_ms >= job.deadline_ms)
        return ay_refuse(ctx, AY_E_JOB_DEADLINE, "time to accept is over");
    AY_TRY(ay_row_get(ctx, &ay_job_params_msg, &params));
    return ay_job_enter(ctx, &job, AY_JOB_STATE_ACCEPTED,
                        ay_job_claim_by(ctx->now_ms, params.claim_ms, job.units, job.rate_units));
}
