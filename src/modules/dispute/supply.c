#include "ledger/gas.h"
#include "modules/dispute/verbs.h"

static enum ay_code check(struct ay_ctx *ctx, const struct ay_dispute_demand *demand)
{
    if (memcmp(demand->provider, ctx->signer, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "demanded of another provider");
    if (demand->state != AY_DISPUTE_DEMAND_STATE_OPEN)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "this demand has been answered, or missed");
    if (ctx->now_ms > demand->deadline_ms)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "the time to answer this demand is over");
    return AY_OK;
}

/* Is what was posted what was claimed? */
static enum ay_code verify(struct ay_ctx *ctx, const struct ay_dispute_msg_supply *msg,
                           const struct ay_dispute_demand *demand)
{
    const struct ay_piece piece = {msg->what, msg->run, msg->part, demand->length};
    const struct ay_piece_opening opening = {msg->data, msg->proof, msg->output_merkle_root,
                                             msg->run_proof};
    const struct ay_dispute_fork fork = {.job_id = msg->job_id};
    struct ay_dispute_table table;
    AY_TRY(ay_dispute_lay(ctx, &fork, &table));
    if (table.job.state != AY_JOB_STATE_CLAIMED)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "job %llu has ended",
                         (unsigned long long)msg->job_id);
    AY_TRY(ay_gas_charge(ctx, (uint64_t)msg->data.len * AY_GAS_HASH_BYTE));
    enum ay_code code = ay_piece_verify(&table.claim, &piece, &opening, ctx->arena);
    return code == AY_OK ? code : ay_refuse(ctx, code, "this is not what was claimed");
}

static enum ay_code close(struct ay_ctx *ctx, uint64_t job_id)
{
    struct ay_dispute_case row;
    AY_TRY(ay_job_demand_close(ctx, job_id));
    AY_TRY(ay_dispute_case_get(ctx, job_id, &row));
    row.open_demands--;
    return ay_row_put(ctx, &ay_dispute_case_msg, &row);
}

enum ay_code ay_dispute_supply(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_dispute_msg_supply *msg = message;
    struct ay_dispute_demand demand = {
        .job_id = msg->job_id, .what = msg->what, .run = msg->run, .part = msg->part};
    const struct ay_dispute_supply row = {.job_id = msg->job_id,
                                          .what = msg->what,
                                          .run = msg->run,
                                          .part = msg->part,
                                          .data = msg->data};
    enum ay_code code = ay_row_get(ctx, &ay_dispute_demand_msg, &demand);
    if (code != AY_OK) return ay_refuse(ctx, code, "nobody has demanded this");
    AY_TRY(check(ctx, &demand));
    AY_TRY(verify(ctx, msg, &demand));
    AY_TRY(ay_row_put(ctx, &ay_dispute_supply_msg, &row));
    AY_TRY(close(ctx, msg->job_id));
    return ay_dispute_demand_enter(ctx, &demand, AY_DISPUTE_DEMAND_STATE_SUPPLIED, 0);
}
