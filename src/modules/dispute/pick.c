#include "modules/dispute/verbs.h"

enum ay_code ay_dispute_pick(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_dispute_msg_pick *msg = message;
    struct ay_dispute_table table;
    struct ay_dispute_fork *fork = &table.fork;
    struct ay_slice listing;
    uint64_t fee_nasy;
    AY_TRY(ay_dispute_begin(ctx, msg->fork_id, AY_PARTY_CHALLENGER, &table, &listing));
    enum ay_code code = ay_game_pick(&table.claim, &fork->game, listing, msg->index);
    if (code != AY_OK)
        return ay_refuse(ctx, code, "fork %llu: entry %u cannot be picked",
                         (unsigned long long)fork->id, msg->index);
    AY_TRY(ay_dispute_fee(ctx, &ay_dispute_msg_pick_msg, msg, &fee_nasy));
    AY_TRY(ay_add(fork->fees_nasy, fee_nasy, &fork->fees_nasy));
    ay_dispute_turn(ctx, fork, AY_PARTY_CHALLENGER);
    AY_TRY(ay_dispute_emit(ctx, fork, msg->index, 0, false));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    return ay_dispute_put(ctx, fork);
}
