#include "modules/dispute/verbs.h"

#include "base/codec.h"

enum ay_code ay_dispute_lay(struct ay_ctx *ctx, const struct ay_dispute_fork *fork,
                            struct ay_dispute_table *table)
{
    table->fork = *fork;
    AY_TRY(ay_job_get(ctx, fork->job_id, &table->job));
    AY_TRY(ay_work_program(ctx, table->job.program_id, &table->program));
    table->claim = (struct ay_game_claim){.program = &table->program,
                                          .runs = table->job.runs,
                                          .input_root = table->job.input_root,
                                          .output_root = table->job.output_root};
    return AY_OK;
}

enum ay_code ay_dispute_load(struct ay_ctx *ctx, uint64_t fork_id, struct ay_dispute_table *table)
{
    struct ay_dispute_fork fork = {.id = fork_id};
    AY_TRY(ay_row_get(ctx, &ay_dispute_fork_msg, &fork));
    return ay_dispute_lay(ctx, &fork, table);
}

enum ay_code ay_dispute_answer_at(struct ay_ctx *ctx, const uint8_t claim_hash[AY_HASH_BYTES],
                                  const struct ay_dispute_game *game, uint32_t depth,
                                  struct ay_dispute_answer *answer)
{
    AY_ASSERT(depth <= game->depth);
    *answer = (struct ay_dispute_answer){.depth = depth};
    memcpy(answer->claim_hash, claim_hash, AY_HASH_BYTES);
    memcpy(answer->path, game->path, (size_t)4 * depth);
    return ay_row_get(ctx, &ay_dispute_answer_msg, answer);
}

/* The first list of roots is timed by the provider's queue, all other moves by the mover's clock. */
static bool is_queued(const struct ay_dispute_game *game)
{
    return game->state == AY_DISPUTE_STATE_ROOTS && game->depth == 1;
}

static void stop_clock(struct ay_dispute_fork *fork, enum ay_party mover, bool queued, uint64_t at_ms)
{
    uint64_t *left = mover == AY_PARTY_PROVIDER ? &fork->provider_left_ms
                                                : &fork->challenger_left_ms;
    uint64_t spent = at_ms - fork->turn_ms;
    AY_ASSERT(at_ms >= fork->turn_ms);
    if (!queued) *left -= spent < *left ? spent : *left;
}

static void start_clock(struct ay_dispute_fork *fork, uint64_t at_ms)
{
    enum ay_party mover = ay_game_mover(fork->game.state);
    fork->turn_ms = at_ms;
    fork->deadline_ms = at_ms + (mover == AY_PARTY_PROVIDER ? fork->provider_left_ms
                                                            : fork->challenger_left_ms);
}

void ay_dispute_turn(struct ay_ctx *ctx, struct ay_dispute_fork *fork, enum ay_party mover)
{
    stop_clock(fork, mover, false, ctx->now_ms);
    start_clock(fork, ctx->now_ms);
    fork->moves++;
}

enum ay_code ay_dispute_take_in(struct ay_ctx *ctx, struct ay_dispute_table *table)
{
    struct ay_dispute_fork *fork = &table->fork;
    struct ay_dispute_answer answer;
    if (ay_game_mover(fork->game.state) != AY_PARTY_PROVIDER) return AY_OK;
    enum ay_code code = ay_dispute_answer_at(ctx, table->job.claim_hash, &fork->game,
                                             fork->game.depth, &answer);
    if (code == AY_E_NOT_FOUND || (code == AY_OK && answer.posted_ms == 0)) return AY_OK;
    AY_TRY(code);
    if (answer.posted_ms > fork->deadline_ms) return AY_OK; /* too late for this fork */
    uint64_t at_ms = answer.posted_ms > fork->turn_ms ? answer.posted_ms : fork->turn_ms;

    bool queued = is_queued(&fork->game);
    const struct ay_game_answer given = {answer.data, answer.proof, answer.tail};
    code = ay_game_answer(&table->claim, &fork->game, &given);
    AY_ASSERT(code == AY_OK); /* it was valid at this place when it was posted */
    stop_clock(fork, AY_PARTY_PROVIDER, queued, at_ms);
    start_clock(fork, at_ms);
    fork->moves++;
    return AY_OK;
}

enum ay_code ay_dispute_begin(struct ay_ctx *ctx, uint64_t fork_id, enum ay_party party,
                              struct ay_dispute_table *table, struct ay_slice *listing)
{
    AY_TRY(ay_dispute_load(ctx, fork_id, table));
    struct ay_dispute_fork *fork = &table->fork;
    const uint8_t *player = party == AY_PARTY_PROVIDER ? fork->provider : fork->challenger;
    if (memcmp(ctx->signer, player, AY_ADDRESS_BYTES) != 0)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "fork %llu is between others",
                         (unsigned long long)fork_id);
    if (fork->settled != AY_FORK_OPEN || table->job.state != AY_JOB_STATE_CLAIMED)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "fork %llu has ended", (unsigned long long)fork_id);
    AY_TRY(ay_dispute_take_in(ctx, table));
    if (ay_game_mover(fork->game.state) != party)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "fork %llu: not this side's move, or answered",
                         (unsigned long long)fork_id);
    if (ctx->now_ms > fork->deadline_ms)
        return ay_refuse(ctx, AY_E_DISPUTE_MOVE, "fork %llu: the clock is out",
                         (unsigned long long)fork_id);
    *listing = ay_slice(NULL, 0);
    if (party == AY_PARTY_PROVIDER) return AY_OK;
    struct ay_dispute_answer last;
    AY_TRY(ay_dispute_answer_at(ctx, table->job.claim_hash, &fork->game, fork->game.depth, &last));
    *listing = last.data;
    return AY_OK;
}

enum ay_code ay_dispute_fee(struct ay_ctx *ctx, const struct ay_msg *msg, const void *move,
                            uint64_t *fee_nasy)
{
    struct ay_dispute_params params = {0};
    uint32_t bytes;
    AY_TRY(ay_row_get(ctx, &ay_dispute_params_msg, &params));
    AY_TRY(ay_encoded_len(msg, move, &bytes));
    return ay_dispute_fee_of(params.move_fee_nasy, params.kib_fee_nasy, bytes, fee_nasy);
}

enum ay_code ay_dispute_put(struct ay_ctx *ctx, const struct ay_dispute_fork *fork)
{
    return ay_row_put(ctx, &ay_dispute_fork_msg, fork);
}

enum ay_code ay_dispute_emit(struct ay_ctx *ctx, const struct ay_dispute_fork *fork, uint32_t index,
                             uint32_t bytes, bool timeout)
{
    struct ay_dispute_event_move event = {
        .fork_id = fork->id,
        .job_id = fork->job_id,
        .moves = fork->moves,
        .state = fork->game.state,
        .index = index,
        .bytes = bytes,
        .run = fork->game.run,
        .op = fork->game.op,
        .element = fork->game.element,
        .timeout = timeout,
    };
    memcpy(event.challenger, fork->challenger, AY_ADDRESS_BYTES);
    memcpy(event.provider, fork->provider, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_dispute_event_move_msg, &event);
}
