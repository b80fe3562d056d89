#include "modules/dispute/verbs.h"

enum ay_code ay_dispute_commit_check(struct ay_ctx *ctx, const void *message)
{
    const struct ay_dispute_msg_commit *msg = message;
    if (msg->bond_nasy == 0) return ay_refuse(ctx, AY_E_REQUEST, "bond_nasy is 0");
    return AY_OK;
}

enum ay_code ay_dispute_commit(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_dispute_msg_commit *msg = message;
    struct ay_dispute_msg_commit_response *answer = response;
    struct ay_dispute_params params = {0};
    struct ay_dispute_commit row = {0};
    AY_TRY(ay_row_get(ctx, &ay_dispute_params_msg, &params));
    if (msg->bond_nasy < params.bond_nasy)
        return ay_refuse(ctx, AY_E_DISPUTE_BOND, "a bond is at least %llunasy",
                         (unsigned long long)params.bond_nasy);
    memcpy(row.challenger, ctx->signer, AY_ADDRESS_BYTES);
    memcpy(row.hash, msg->hash, AY_HASH_BYTES);
    enum ay_code code = ay_row_get(ctx, &ay_dispute_commit_msg, &row);
    if (code == AY_OK) return ay_refuse(ctx, AY_E_EXISTS, "this commit stands already");
    if (code != AY_E_NOT_FOUND) return code;

    AY_TRY(ay_dispute_receive(ctx, ctx->signer, msg->bond_nasy));
    row.bond_nasy = msg->bond_nasy;
    row.height = ctx->height;
    row.deadline_ms = ctx->now_ms + params.turn_ms;
    AY_TRY(ay_row_put(ctx, &ay_dispute_commit_msg, &row));
    answer->deadline_ms = row.deadline_ms;

    struct ay_dispute_event_commit event = {.bond_nasy = row.bond_nasy};
    memcpy(event.challenger, row.challenger, AY_ADDRESS_BYTES);
    memcpy(event.hash, row.hash, AY_HASH_BYTES);
    return ay_emit(ctx, &ay_dispute_event_commit_msg, &event);
}
