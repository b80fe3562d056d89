#include "modules/dispute/verbs.h"

enum ay_code ay_dispute_case_get(struct ay_ctx *ctx, uint64_t job_id, struct ay_dispute_case *row)
{
    *row = (struct ay_dispute_case){.job_id = job_id};
    return ay_row_get(ctx, &ay_dispute_case_msg, row);
}

enum ay_code ay_dispute_case_join(struct ay_ctx *ctx, const struct ay_job_job *job,
                                  struct ay_dispute_case *row)
{
    enum ay_code code = ay_dispute_case_get(ctx, job->id, row);
    if (code == AY_E_NOT_FOUND) {
        row->stage = AY_DISPUTE_STAGE_LIVE;
        memcpy(row->claim_hash, job->claim_hash, AY_HASH_BYTES);
        code = AY_OK;
    }
    AY_TRY(code);
    AY_ASSERT(row->stage == AY_DISPUTE_STAGE_LIVE);
    return AY_OK;
}

enum ay_code ay_dispute_case_rest(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, row->job_id, &job));
    uint64_t at_ms = job.deadline_ms > ctx->now_ms ? job.deadline_ms : ctx->now_ms;
    row->wake_ms = row->open_forks == 0 ? at_ms + 1 : 0;
    return AY_OK;
}

/* Nothing is open: can something still come? */
static enum ay_code look(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    struct ay_job_job job;
    AY_TRY(ay_job_get(ctx, row->job_id, &job));
    if (job.state == AY_JOB_STATE_CLAIMED) return ay_dispute_case_rest(ctx, row);
    row->stage = AY_DISPUTE_STAGE_SWEEPING;
    return AY_OK;
}

/* Clears the claim's answers away, as many as a block may. */
static enum ay_code sweep_answers(struct ay_ctx *ctx, const struct ay_dispute_case *row, bool *done)
{
    struct ay_dispute_answer answer = {0};
    struct ay_row_walk walk;
    memcpy(answer.claim_hash, row->claim_hash, AY_HASH_BYTES);
    AY_TRY(ay_row_walk_begin(&walk, &ay_dispute_answer_msg, 0, &answer, 1));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_SETTLED; i++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &answer);
        *done = code == AY_E_NOT_FOUND;
        if (*done) return AY_OK;
        AY_TRY(code);
        AY_TRY(ay_row_del(ctx, &ay_dispute_answer_msg, &answer));
    }
    return AY_OK;
}

/* The same of its demands. Only now is it known whose the deposits are: posting a wrong claim's
 * pieces is not paid for. */
static enum ay_code sweep_demands(struct ay_ctx *ctx, struct ay_dispute_case *row, bool *done)
{
    struct ay_dispute_demand demand = {.job_id = row->job_id};
    struct ay_job_job job;
    struct ay_row_walk walk;
    AY_TRY(ay_job_get(ctx, row->job_id, &job));
    bool wrong = job.state == AY_JOB_STATE_SLASHED;
    AY_TRY(ay_row_walk_begin(&walk, &ay_dispute_demand_msg, 0, &demand, 1));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_SETTLED; i++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &demand);
        *done = code == AY_E_NOT_FOUND;
        if (*done) return AY_OK;
        AY_TRY(code);
        const uint8_t *whose = wrong ? demand.demander : demand.provider;
        AY_TRY(ay_dispute_send(ctx, whose, demand.deposit_nasy));
        row->open_demands -= demand.state == AY_DISPUTE_DEMAND_STATE_OPEN;
        AY_TRY(ay_row_del(ctx, &ay_dispute_demand_msg, &demand));
        if (demand.state != AY_DISPUTE_DEMAND_STATE_SUPPLIED) continue;
        const struct ay_dispute_supply supply = {
            .job_id = demand.job_id, .what = demand.what, .run = demand.run, .part = demand.part};
        AY_TRY(ay_row_del(ctx, &ay_dispute_supply_msg, &supply));
    }
    return AY_OK;
}

static enum ay_code sweep(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    bool done = false;
    AY_TRY(sweep_answers(ctx, row, &done));
    if (done) AY_TRY(sweep_demands(ctx, row, &done));
    if (!done) return AY_OK;
    AY_ASSERT(row->open_forks == 0 && row->open_demands == 0);
    row->stage = AY_DISPUTE_STAGE_OVER;
    row->wake_ms = 0;
    return AY_OK;
}

enum ay_code ay_dispute_wake(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    switch (row->stage) {
    case AY_DISPUTE_STAGE_LIVE: AY_TRY(look(ctx, row)); break;
    case AY_DISPUTE_STAGE_SETTLING: AY_TRY(ay_dispute_settle(ctx, row)); break;
    case AY_DISPUTE_STAGE_SWEEPING: AY_TRY(sweep(ctx, row)); break;
    default: row->wake_ms = 0;
    }
    return ay_row_put(ctx, &ay_dispute_case_msg, row);
}
