#include "modules/dispute/verbs.h"

/* A clock is out once ledger time has passed its deadline; a move at the deadline is in time. */

/* Walks the rows of msg whose time, the only field of index `index`, is set, earliest first. */
static enum ay_code walk_times(struct ay_row_walk *walk, const struct ay_msg *msg, uint32_t index,
                               const void *from_one)
{
    AY_TRY(ay_row_walk_begin(walk, msg, index, from_one, 0));
    return ay_row_walk_seek(walk, from_one, 1);
}

/* The next row's time is out of range, or there is none: done. */
static bool is_end(enum ay_code code, uint64_t time_ms, uint64_t before_ms)
{
    return code == AY_E_NOT_FOUND || (code == AY_OK && time_ms >= before_ms);
}

/* A fork's clock seems out; if an answer had come before, it is the challenger's that runs. */
static enum ay_code end_fork(struct ay_ctx *ctx, const struct ay_dispute_fork *row)
{
    struct ay_dispute_table table;
    struct ay_dispute_fork *fork = &table.fork;
    AY_TRY(ay_dispute_lay(ctx, row, &table));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    if (fork->deadline_ms >= ctx->now_ms) return ay_dispute_put(ctx, fork);
    bool silent_provider = ay_game_mover(fork->game.state) == AY_PARTY_PROVIDER;
    fork->game.state = silent_provider ? AY_DISPUTE_STATE_PROVED : AY_DISPUTE_STATE_FAILED;
    AY_TRY(ay_dispute_emit(ctx, fork, 0, 0, true));
    return ay_dispute_end(ctx, fork);
}

static enum ay_code end_forks(struct ay_ctx *ctx)
{
    const struct ay_dispute_fork from = {.deadline_ms = 1};
    struct ay_row_walk walk;
    AY_TRY(walk_times(&walk, &ay_dispute_fork_msg, 2, &from));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_TIMEOUTS; i++) {
        struct ay_dispute_fork fork;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &fork);
        if (is_end(code, fork.deadline_ms, ctx->now_ms)) return AY_OK;
        AY_TRY(code);
        AY_TRY(end_fork(ctx, &fork));
    }
    return AY_OK;
}

/* A commit that was not opened in time: a quarter is burnt, the rest goes back. */
static enum ay_code end_commit(struct ay_ctx *ctx, const struct ay_dispute_commit *row)
{
    uint64_t burnt = ay_dispute_quarter(row->bond_nasy);
    AY_TRY(ay_dispute_burn(ctx, burnt));
    AY_TRY(ay_dispute_send(ctx, row->challenger, row->bond_nasy - burnt));
    AY_TRY(ay_row_del(ctx, &ay_dispute_commit_msg, row));
    struct ay_dispute_event_commit event = {
        .bond_nasy = row->bond_nasy, .burnt_nasy = burnt, .ended = true};
    memcpy(event.challenger, row->challenger, AY_ADDRESS_BYTES);
    memcpy(event.hash, row->hash, AY_HASH_BYTES);
    return ay_emit(ctx, &ay_dispute_event_commit_msg, &event);
}

static enum ay_code end_commits(struct ay_ctx *ctx)
{
    const struct ay_dispute_commit from = {.deadline_ms = 1};
    struct ay_row_walk walk;
    AY_TRY(walk_times(&walk, &ay_dispute_commit_msg, 1, &from));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_TIMEOUTS; i++) {
        struct ay_dispute_commit commit;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &commit);
        if (is_end(code, commit.deadline_ms, ctx->now_ms)) return AY_OK;
        AY_TRY(code);
        AY_TRY(end_commit(ctx, &commit));
    }
    return AY_OK;
}

static enum ay_code end_demands(struct ay_ctx *ctx)
{
    const struct ay_dispute_demand from = {.deadline_ms = 1};
    struct ay_row_walk walk;
    AY_TRY(walk_times(&walk, &ay_dispute_demand_msg, 1, &from));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_TIMEOUTS; i++) {
        struct ay_dispute_demand demand;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &demand);
        if (is_end(code, demand.deadline_ms, ctx->now_ms)) return AY_OK;
        AY_TRY(code);
        AY_TRY(ay_dispute_miss(ctx, &demand));
    }
    return AY_OK;
}

static enum ay_code wake_cases(struct ay_ctx *ctx)
{
    const struct ay_dispute_case from = {.wake_ms = 1};
    struct ay_row_walk walk;
    AY_TRY(walk_times(&walk, &ay_dispute_case_msg, 1, &from));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_CASES; i++) {
        struct ay_dispute_case row;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &row);
        if (is_end(code, row.wake_ms, ctx->now_ms + 1)) return AY_OK;
        AY_TRY(code);
        AY_TRY(ay_dispute_wake(ctx, &row));
    }
    return AY_OK;
}

enum ay_code ay_dispute_end_block(struct ay_ctx *ctx)
{
    AY_TRY(end_forks(ctx));
    AY_TRY(end_commits(ctx));
    AY_TRY(end_demands(ctx));
    return wake_cases(ctx);
}

bool ay_dispute_waits(struct ay_ctx *ctx)
{
    const struct ay_dispute_fork fork_from = {.deadline_ms = 1};
    const struct ay_dispute_commit commit_from = {.deadline_ms = 1};
    const struct ay_dispute_demand demand_from = {.deadline_ms = 1};
    const struct ay_dispute_case case_from = {.wake_ms = 1};
    struct ay_dispute_demand demand;
    struct ay_dispute_fork fork;
    struct ay_dispute_commit commit;
    struct ay_dispute_case row;
    struct ay_row_walk walk;
    if (walk_times(&walk, &ay_dispute_fork_msg, 2, &fork_from) == AY_OK &&
        ay_row_walk_next(ctx, &walk, &fork) == AY_OK)
        return true;
    if (walk_times(&walk, &ay_dispute_commit_msg, 1, &commit_from) == AY_OK &&
        ay_row_walk_next(ctx, &walk, &commit) == AY_OK)
        return true;
    if (walk_times(&walk, &ay_dispute_demand_msg, 1, &demand_from) == AY_OK &&
        ay_row_walk_next(ctx, &walk, &demand) == AY_OK)
        return true;
    return walk_times(&walk, &ay_dispute_case_msg, 1, &case_from) == AY_OK &&
           ay_row_walk_next(ctx, &walk, &row) == AY_OK;
}
