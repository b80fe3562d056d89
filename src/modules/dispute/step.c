#include "ledger/gas.h"
#include "modules/dispute/verbs.h"

/* Each byte of evidence is hashed, and each element of it computed with at most once. */
static enum ay_code charge(struct ay_ctx *ctx, const struct ay_dispute_evidence *evidence,
                           uint32_t *bytes)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < evidence->ranges_count; i++)
        sum += (uint64_t)evidence->ranges[i].leaves.len + evidence->ranges[i].proof.len;
    if (sum > AY_MAX_EVIDENCE_BYTES) return ay_refuse(ctx, AY_E_DISPUTE_EVIDENCE, "over 128 KiB");
    *bytes = (uint32_t)sum;
    return ay_gas_charge(ctx, sum * (AY_GAS_HASH_BYTE + AY_GAS_ARBITER_UNIT));
}

enum ay_code ay_dispute_step(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_dispute_msg_step *msg = message;
    struct ay_dispute_msg_step_response *answer = response;
    struct ay_dispute_table table;
    struct ay_dispute_fork *fork = &table.fork;
    struct ay_slice listing;
    uint64_t fee_nasy;
    uint32_t bytes = 0;
    AY_TRY(ay_dispute_begin(ctx, msg->fork_id, AY_PARTY_CHALLENGER, &table, &listing));
    AY_TRY(charge(ctx, &msg->evidence, &bytes));
    enum ay_code code = ay_game_step(&table.claim, &fork->game, listing, msg->index, &msg->evidence);
    if (code != AY_OK)
        return ay_refuse(ctx, code, "fork %llu: the evidence does not decide entry %u",
                         (unsigned long long)fork->id, msg->index);
    AY_TRY(ay_dispute_fee(ctx, &ay_dispute_msg_step_msg, msg, &fee_nasy));
    AY_TRY(ay_add(fork->fees_nasy, fee_nasy, &fork->fees_nasy));
    fork->moves++;
    answer->proved = fork->game.state == AY_DISPUTE_STATE_PROVED;
    AY_TRY(ay_dispute_emit(ctx, fork, msg->index, bytes, false));
    return ay_dispute_end(ctx, fork);
}
