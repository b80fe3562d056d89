#include "modules/dispute/verbs.h"

/* What was due of the first list stays; the rest of the row is new. */
static enum ay_code store(struct ay_ctx *ctx, const struct ay_dispute_table *table,
                          const struct ay_dispute_msg_answer *msg)
{
    struct ay_dispute_answer row;
    const struct ay_dispute_game *game = &table->fork.game;
    enum ay_code code = ay_dispute_answer_at(ctx, table->job.claim_hash, game, game->depth, &row);
    if (code != AY_E_NOT_FOUND) AY_TRY(code);
    AY_ASSERT(row.posted_ms == 0); /* else it had been taken in */
    row.posted_ms = ctx->now_ms;
    row.data = msg->data;
    row.proof = msg->proof;
    row.tail = msg->tail;
    return ay_row_put(ctx, &ay_dispute_answer_msg, &row);
}

enum ay_code ay_dispute_answer(struct ay_ctx *ctx, const void *message, void *response)
{
    (void)response;
    const struct ay_dispute_msg_answer *msg = message;
    const struct ay_game_answer given = {msg->data, msg->proof, msg->tail};
    struct ay_dispute_table table;
    struct ay_slice none;
    AY_TRY(ay_dispute_begin(ctx, msg->fork_id, AY_PARTY_PROVIDER, &table, &none));
    struct ay_dispute_game after = table.fork.game;
    enum ay_code code = ay_game_answer(&table.claim, &after, &given);
    if (code != AY_OK)
        return ay_refuse(ctx, code, "fork %llu: the answer does not open what is asked",
                         (unsigned long long)msg->fork_id);
    AY_TRY(store(ctx, &table, msg));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    AY_TRY(ay_dispute_emit(ctx, &table.fork, 0, msg->data.len, false));
    return ay_dispute_put(ctx, &table.fork);
}
