#include "modules/job/verbs.h"

typedef enum ay_code (*ending)(struct ay_ctx *ctx, const struct ay_job_params *params,
                               struct ay_job_job *job);

/* Never accepted: neither side kept its word cheaply, so both pay one small fee. */
static enum ay_code miss(struct ay_ctx *ctx, const struct ay_job_params *params,
                         struct ay_job_job *job)
{
    uint64_t fee = params->miss_fee_nasy;
    AY_TRY(ay_job_spend(ctx, job, NULL, fee < job->escrow_nasy ? fee : job->escrow_nasy));
    AY_TRY(ay_job_spend(ctx, job, job->consumer, job->escrow_nasy));
    AY_TRY(ay_job_unlock(ctx, job, fee < job->lock_nasy ? fee : job->lock_nasy));
    return ay_job_enter(ctx, job, AY_JOB_STATE_MISSED, 0);
}

/* Accepted and never claimed. */
static enum ay_code late(struct ay_ctx *ctx, const struct ay_job_params *params,
                         struct ay_job_job *job)
{
    AY_TRY(ay_job_spend(ctx, job, job->consumer, job->escrow_nasy));
    AY_TRY(ay_job_unlock(ctx, job, ay_job_penalty(job->fee_nasy, params->late_bps,
                                                  job->lock_nasy)));
    return ay_job_enter(ctx, job, AY_JOB_STATE_LATE, 0);
}

/* The window is over and nobody proved the claim wrong. */
static enum ay_code pay(struct ay_ctx *ctx, const struct ay_job_params *params,
                        struct ay_job_job *job)
{
    AY_ASSERT(job->open_forks == 0 && job->open_demands == 0 && job->escrow_nasy == job->fee_nasy);
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("job", module);
    uint64_t royalty;
    AY_TRY(ay_work_pay(ctx, job->program_id, module, job->fee_nasy, &royalty));
    AY_TRY(ay_job_uncount(ctx, job, royalty));
    struct ay_job_split split = ay_job_split(job->fee_nasy, royalty, params->protocol_bps);
    AY_TRY(ay_job_spend(ctx, job, NULL, split.protocol_nasy));
    AY_TRY(ay_job_spend(ctx, job, job->provider, split.provider_nasy));
    AY_TRY(ay_job_unlock(ctx, job, 0));
    return ay_job_enter(ctx, job, AY_JOB_STATE_PAID, 0);
}

static const struct {
    enum ay_job_state state;
    ending end;
} endings[] = {
    {AY_JOB_STATE_MATCHED, miss},
    {AY_JOB_STATE_ACCEPTED, late},
    {AY_JOB_STATE_CLAIMED, pay},
};
#define ENDINGS (sizeof endings / sizeof endings[0])

/* Ends the jobs of one state that are past their deadline, oldest deadline first. */
static enum ay_code time_out(struct ay_ctx *ctx, const struct ay_job_params *params,
                             enum ay_job_state state, ending end)
{
    struct ay_job_job job = {.state = state, .deadline_ms = 1}; /* 0: frozen */
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_job_job_msg, 3, &job, 1));
    AY_TRY(ay_row_walk_seek(&walk, &job, 2));
    for (uint32_t n = 0; n < AY_MAX_JOB_TIMEOUTS; n++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &job);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        if (job.deadline_ms > ctx->now_ms) break;
        if (job.open_demands > 0) continue; /* overdue as well: this block or a next one ends it */
        AY_TRY(end(ctx, params, &job));
    }
    return AY_OK;
}

enum ay_code ay_job_timeouts(struct ay_ctx *ctx)
{
    struct ay_job_params params = {0};
    AY_TRY(ay_row_get(ctx, &ay_job_params_msg, &params));
    for (size_t i = 0; i < ENDINGS; i++)
        AY_TRY(time_out(ctx, &params, endings[i].state, endings[i].end));
    return AY_OK;
}

/* Bids wait for blocks and the other live states for their deadlines; a frozen window does not,
 * its dispute does. */
bool ay_job_waits(struct ay_ctx *ctx)
{
    struct ay_job_job job = {.deadline_ms = 1};
    struct ay_row_walk walk;
    for (uint32_t state = AY_JOB_STATE_POSTED; state <= AY_JOB_STATE_CLAIMED; state++) {
        struct ay_job_job from = {.state = state, .deadline_ms = state > AY_JOB_STATE_POSTED};
        if (ay_row_walk_begin(&walk, &ay_job_job_msg, 3, &from, 1) == AY_OK &&
            ay_row_walk_seek(&walk, &from, 2) == AY_OK &&
            ay_row_walk_next(ctx, &walk, &job) == AY_OK)
            return true;
    }
    return false;
}
