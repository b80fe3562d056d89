#include "modules/job/verbs.h"

#include "modules/market/market_math.h"
#include "verify/claim.h"

enum ay_code ay_job_post_check(struct ay_ctx *ctx, const void *message)
{
    const struct ay_job_msg_post *msg = message;
    if (msg->lengths_count == 0) return ay_refuse(ctx, AY_E_REQUEST, "lengths is empty");
    if (msg->max_price_nasy == 0) return ay_refuse(ctx, AY_E_REQUEST, "max_price_nasy is 0");
    return AY_OK;
}

/* The units of the job and the number of its tokens, from the registered program. */
static enum ay_code measure(struct ay_ctx *ctx, const struct ay_job_msg_post *msg,
                            struct ay_job_job *job)
{
    struct ay_work_program program;
    enum ay_code code = ay_work_program(ctx, msg->program_id, &program);
    if (code == AY_E_NOT_FOUND)
        return ay_refuse(ctx, AY_E_MARKET_CLASS, "program is not registered");
    AY_TRY(code);
    AY_TRY(ay_job_units(ctx, &program, msg->lengths, msg->lengths_count, &job->units));
    for (uint32_t i = 0; i < msg->lengths_count; i++) job->n_in += msg->lengths[i];
    return AY_OK;
}

static void bind(const struct ay_ctx *ctx, struct ay_job_job *job)
{
    struct ay_job_request request = {.runs = job->runs, .n_in = job->n_in};
    memcpy(request.genesis_hash, ctx->genesis_hash, AY_HASH_BYTES);
    memcpy(request.consumer, job->consumer, AY_ADDRESS_BYTES);
    memcpy(request.program_id, job->program_id, AY_HASH_BYTES);
    memcpy(request.input_root, job->input_root, AY_HASH_BYTES);
    memcpy(request.salt, job->salt, AY_HASH_BYTES);
    ay_request_hash(&request, job->request_hash);
}

static enum ay_code escrow(struct ay_ctx *ctx, struct ay_job_job *job)
{
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("job", module);
    struct ay_job_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_job_totals_msg, &totals));
    AY_TRY(ay_market_fee(job->max_price_nasy, job->units, &job->escrow_nasy));
    AY_TRY(ay_bank_move(ctx, job->consumer, module, job->escrow_nasy));
    AY_TRY(ay_add(totals.escrow_nasy, job->escrow_nasy, &totals.escrow_nasy));
    job->id = totals.next_job++;
    return ay_row_put(ctx, &ay_job_totals_msg, &totals);
}

static enum ay_code bid(struct ay_ctx *ctx, const struct ay_job_job *job)
{
    struct ay_market_bid row = {.job_id = job->id,
                                .tier = job->tier,
                                .units = job->units,
                                .max_price_nasy = job->max_price_nasy};
    memcpy(row.program_id, job->program_id, AY_HASH_BYTES);
    memcpy(row.consumer, job->consumer, AY_ADDRESS_BYTES);
    return ay_market_bid(ctx, &row);
}

enum ay_code ay_job_post(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_job_msg_post *msg = message;
    struct ay_job_msg_post_response *answer = response;
    struct ay_job_job job = {.tier = msg->tier,
                             .max_price_nasy = msg->max_price_nasy,
                             .runs = msg->lengths_count,
                             .input_url = msg->input_url,
                             .posted_height = ctx->height};
    memcpy(job.consumer, ctx->signer, AY_ADDRESS_BYTES);
    memcpy(job.program_id, msg->program_id, AY_HASH_BYTES);
    memcpy(job.input_root, msg->input_root, AY_HASH_BYTES);
    memcpy(job.input_blob, msg->input_blob, AY_HASH_BYTES);
    memcpy(job.salt, msg->salt, AY_HASH_BYTES);
    AY_TRY(measure(ctx, msg, &job));
    bind(ctx, &job);
    AY_TRY(escrow(ctx, &job));
    AY_TRY(bid(ctx, &job));
    *answer = (struct ay_job_msg_post_response){
        .job_id = job.id, .units = job.units, .escrow_nasy = job.escrow_nasy};
    return ay_job_enter(ctx, &job, AY_JOB_STATE_POSTED, 0);
}
