#include "modules/job/verbs.h"

enum ay_code ay_job_match(struct ay_ctx *ctx, uint64_t id, const struct ay_market_ask *ask,
                          uint64_t price_nasy, uint64_t fee_nasy, uint64_t lock_nasy)
{
    struct ay_job_params params = {0};
    struct ay_job_job job;
    AY_TRY(ay_row_get(ctx, &ay_job_params_msg, &params));
    AY_TRY(ay_job_get(ctx, id, &job));
    AY_ASSERT(job.state == AY_JOB_STATE_POSTED && fee_nasy <= job.escrow_nasy);
    memcpy(job.provider, ask->provider, AY_ADDRESS_BYTES);
    job.ask_id = ask->id;
    job.rate_units = ask->rate_units;
    job.output_url = ask->url;
    job.price_nasy = price_nasy;
    job.fee_nasy = fee_nasy;
    job.lock_nasy = lock_nasy;
    AY_TRY(ay_stake_lock(ctx, job.provider, AY_STAKE_LOCK_JOB, id, lock_nasy));
    AY_TRY(ay_job_spend(ctx, &job, job.consumer, job.escrow_nasy - fee_nasy));
    return ay_job_enter(ctx, &job, AY_JOB_STATE_MATCHED,
                        ay_add_saturated(ctx->now_ms, params.accept_ms));
}
