#include "modules/dispute/verbs.h"

/* What the fields of the other kind hold is nothing. */
enum ay_code ay_dispute_demand_check(struct ay_ctx *ctx, const void *message)
{
    const struct ay_dispute_msg_demand *msg = message;
    bool bare = msg->run == 0 && msg->length == 0 && msg->proof.len == 0 &&
                ay_is_zero(msg->input_merkle_root, AY_HASH_BYTES);
    if (msg->what == AY_DISPUTE_WHAT_NONE) return ay_refuse(ctx, AY_E_REQUEST, "what is not set");
    if (msg->what == AY_DISPUTE_WHAT_ROOTS && !bare)
        return ay_refuse(ctx, AY_E_REQUEST, "roots are of no run and need no input");
    return AY_OK;
}

enum ay_code ay_dispute_demand_enter(struct ay_ctx *ctx, struct ay_dispute_demand *demand,
                                     enum ay_dispute_demand_state state, uint64_t deadline_ms)
{
    demand->state = state;
    demand->deadline_ms = deadline_ms;
    AY_TRY(ay_row_put(ctx, &ay_dispute_demand_msg, demand));
    struct ay_dispute_event_demand event = {.job_id = demand->job_id,
                                            .what = demand->what,
                                            .run = demand->run,
                                            .part = demand->part,
                                            .state = state,
                                            .deposit_nasy = demand->deposit_nasy,
                                            .deadline_ms = deadline_ms};
    memcpy(event.demander, demand->demander, AY_ADDRESS_BYTES);
    memcpy(event.provider, demand->provider, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_dispute_event_demand_msg, &event);
}

/* What it takes to ask for this piece, and how large it is. The input's length decides how large an
 * output is, so it has to be proved; whose the output is decides who may have it made public. */
static enum ay_code check_piece(struct ay_ctx *ctx, const struct ay_dispute_msg_demand *msg,
                                const struct ay_dispute_table *table, uint32_t *bytes)
{
    const struct ay_piece piece = {msg->what, msg->run, msg->part, msg->length};
    if (msg->what == AY_DISPUTE_WHAT_OUTPUT) {
        struct ay_dispute_game game;
        if (memcmp(table->job.consumer, ctx->signer, AY_ADDRESS_BYTES) != 0)
            return ay_refuse(ctx, AY_E_UNAUTHORIZED, "only its consumer demands an output");
        enum ay_code code = ay_game_open(&table->claim, msg->run, msg->length,
                                         msg->input_merkle_root, msg->proof, &game);
        if (code != AY_OK) return ay_refuse(ctx, code, "the run's input is not the job's");
    }
    enum ay_code code = ay_piece_bytes(&table->claim, &piece, bytes);
    return code == AY_OK ? code
                         : ay_refuse(ctx, code, "the claim has no part %u of that", msg->part);
}

/* Posting takes its time at the params' pace behind all that is demanded of the provider already;
 * d0 to see it comes on top. */
static enum ay_code queue_posting(struct ay_ctx *ctx, const struct ay_dispute_params *params,
                                  const uint8_t provider[AY_ADDRESS_BYTES], uint64_t kib,
                                  uint64_t *deadline_ms)
{
    struct ay_dispute_queue queue = {0};
    memcpy(queue.provider, provider, AY_ADDRESS_BYTES);
    AY_TRY(ay_row_or_zero(ctx, &ay_dispute_queue_msg, &queue));
    queue.posted_ms = ay_dispute_posted(ctx->now_ms, queue.posted_ms, kib, params->supply_kib_ms);
    *deadline_ms = queue.posted_ms + params->turn_ms;
    return ay_row_put(ctx, &ay_dispute_queue_msg, &queue);
}

/* The claim's case, and its job, which waits for the answer and then for two turns more: one to
 * seal a challenge, one to open it. */
static enum ay_code join(struct ay_ctx *ctx, const struct ay_job_job *job, uint64_t deadline_ms,
                         uint64_t turn_ms)
{
    struct ay_dispute_case row;
    AY_TRY(ay_job_demand_open(ctx, job->id, deadline_ms + 2 * turn_ms));
    AY_TRY(ay_dispute_case_join(ctx, job, &row));
    row.open_demands++;
    AY_TRY(ay_dispute_case_rest(ctx, &row));
    return ay_row_put(ctx, &ay_dispute_case_msg, &row);
}

enum ay_code ay_dispute_demand(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_dispute_msg_demand *msg = message;
    struct ay_dispute_msg_demand_response *answer = response;
    const struct ay_dispute_fork fork = {.job_id = msg->job_id};
    struct ay_dispute_params params = {0};
    struct ay_dispute_table table;
    struct ay_dispute_demand demand = {
        .job_id = msg->job_id, .what = msg->what, .run = msg->run, .part = msg->part};
    uint32_t bytes;
    enum ay_code code = ay_dispute_lay(ctx, &fork, &table);
    if (code != AY_OK) return ay_refuse(ctx, code, "no such job");
    AY_TRY(check_piece(ctx, msg, &table, &bytes));
    code = ay_row_get(ctx, &ay_dispute_demand_msg, &demand);
    if (code == AY_OK) return ay_refuse(ctx, AY_E_EXISTS, "this has been demanded already");
    if (code != AY_E_NOT_FOUND) return code;

    uint64_t kib = ay_piece_kib(bytes), deadline_ms;
    AY_TRY(ay_row_get(ctx, &ay_dispute_params_msg, &params));
    AY_TRY(ay_mul(params.supply_kib_fee_nasy, kib, &demand.deposit_nasy));
    AY_TRY(ay_add(params.supply_fee_nasy, demand.deposit_nasy, &demand.deposit_nasy));
    AY_TRY(queue_posting(ctx, &params, table.job.provider, kib, &deadline_ms));
    AY_TRY(join(ctx, &table.job, deadline_ms, params.turn_ms));
    AY_TRY(ay_dispute_receive(ctx, ctx->signer, demand.deposit_nasy));
    demand.length = msg->length;
    memcpy(demand.demander, ctx->signer, AY_ADDRESS_BYTES);
    memcpy(demand.provider, table.job.provider, AY_ADDRESS_BYTES);
    answer->deposit_nasy = demand.deposit_nasy;
    answer->deadline_ms = deadline_ms;
    return ay_dispute_demand_enter(ctx, &demand, AY_DISPUTE_DEMAND_STATE_OPEN, deadline_ms);
}
