#include "modules/job/verbs.h"

enum ay_code ay_job_get(struct ay_ctx *ctx, uint64_t id, struct ay_job_job *job)
{
    *job = (struct ay_job_job){.id = id};
    return ay_row_get(ctx, &ay_job_job_msg, job);
}

enum ay_code ay_job_enter(struct ay_ctx *ctx, struct ay_job_job *job, enum ay_job_state state,
                          uint64_t deadline_ms)
{
    AY_ASSERT(ay_job_may_become(job->state, state));
    AY_ASSERT(ay_job_is_live(state) || (job->escrow_nasy == 0 && job->lock_nasy == 0));
    job->state = state;
    job->deadline_ms = deadline_ms;
    AY_TRY(ay_row_put(ctx, &ay_job_job_msg, job));
    struct ay_job_event_job event = {.job_id = job->id,
                                     .state = state,
                                     .price_nasy = job->price_nasy,
                                     .fee_nasy = job->fee_nasy};
    memcpy(event.consumer, job->consumer, AY_ADDRESS_BYTES);
    memcpy(event.provider, job->provider, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_job_event_job_msg, &event);
}

enum ay_code ay_job_uncount(struct ay_ctx *ctx, struct ay_job_job *job, uint64_t amount_nasy)
{
    struct ay_job_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_job_totals_msg, &totals));
    AY_TRY(ay_sub(job->escrow_nasy, amount_nasy, &job->escrow_nasy));
    AY_TRY(ay_sub(totals.escrow_nasy, amount_nasy, &totals.escrow_nasy));
    return ay_row_put(ctx, &ay_job_totals_msg, &totals);
}

enum ay_code ay_job_spend(struct ay_ctx *ctx, struct ay_job_job *job,
                          const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount_nasy)
{
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("job", module);
    AY_TRY(ay_job_uncount(ctx, job, amount_nasy));
    return to ? ay_bank_move(ctx, module, to, amount_nasy) : ay_bank_burn(ctx, module, amount_nasy);
}

enum ay_code ay_job_unlock(struct ay_ctx *ctx, struct ay_job_job *job, uint64_t penalty_nasy)
{
    AY_ASSERT(penalty_nasy <= job->lock_nasy);
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("job", module);
    AY_TRY(ay_stake_slash(ctx, job->provider, AY_STAKE_LOCK_JOB, job->id, penalty_nasy, module));
    AY_TRY(ay_bank_burn(ctx, module, penalty_nasy));
    uint64_t left = job->lock_nasy - penalty_nasy;
    AY_TRY(ay_stake_unlock(ctx, job->provider, AY_STAKE_LOCK_JOB, job->id, left));
    job->lock_nasy = 0;
    return ay_market_release(ctx, job->ask_id, job->units, left);
}
