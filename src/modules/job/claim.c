#include "modules/job/verbs.h"

#include "verify/claim.h"

#define STOP_DONE 1 /* Claim.stop_reason: all runs done */

static enum ay_code check(struct ay_ctx *ctx, const struct ay_job_msg_claim *msg,
                          const struct ay_job_job *job)
{
    if (job->state != AY_JOB_STATE_ACCEPTED)
        return ay_refuse(ctx, AY_E_JOB_STATE, "job is not waiting for a claim");
    if (memcmp(job->provider, ctx->signer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_JOB_PARTY, "matched to another provider");
    if (ctx->now_ms >= job->deadline_ms)
        return ay_refuse(ctx, AY_E_JOB_DEADLINE, "time to claim is over");
    if (memcmp(msg->request_hash, job->request_hash, AY_HASH_BYTES) != 0)
        return ay_refuse(ctx, AY_E_HASH, "request_hash is not the job's");
    if (msg->n_in != job->n_in)
        return ay_refuse(ctx, AY_E_RANGE, "n_in is %llu in the request",
                         (unsigned long long)job->n_in);
    if (msg->n_out != job->runs)
        return ay_refuse(ctx, AY_E_RANGE, "n_out must be one a run: %u", job->runs);
    if (msg->stop_reason != STOP_DONE) return ay_refuse(ctx, AY_E_RANGE, "stop_reason must be 1");
    return AY_OK;
}

enum ay_code ay_job_claim(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_job_msg_claim *msg = message;
    struct ay_job_msg_claim_response *answer = response;
    struct ay_job_params params = {0};
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, msg->job_id, &job));
    AY_TRY(check(ctx, msg, &job));
    AY_TRY(ay_row_get(ctx, &ay_job_params_msg, &params));

    job.n_out = msg->n_out;
    job.stop_reason = msg->stop_reason;
    memcpy(job.output_root, msg->output_root, AY_HASH_BYTES);
    memcpy(job.output_blob, msg->output_blob, AY_HASH_BYTES);
    struct ay_job_claim claim = {
        .n_in = job.n_in, .n_out = job.n_out, .stop_reason = job.stop_reason};
    memcpy(claim.program_id, job.program_id, AY_HASH_BYTES);
    memcpy(claim.request_hash, job.request_hash, AY_HASH_BYTES);
    memcpy(claim.output_root, job.output_root, AY_HASH_BYTES);
    ay_claim_hash(&claim, job.claim_hash);
    memcpy(answer->claim_hash, job.claim_hash, AY_HASH_BYTES);
    job.demand_by_ms = ay_add_saturated(ctx->now_ms, params.window_ms);
    return ay_job_enter(ctx, &job, AY_JOB_STATE_CLAIMED, job.demand_by_ms);
}
