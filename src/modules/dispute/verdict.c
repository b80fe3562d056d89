#include "modules/dispute/verbs.h"

static void close_fork(struct ay_dispute_fork *fork, uint32_t settled)
{
    AY_ASSERT(fork->settled == AY_FORK_OPEN);
    fork->settled = settled;
    fork->deadline_ms = 0;
    fork->turn_ms = 0;
}

/* FAILED ends one fork and says nothing about the claim. */
static enum ay_code fail(struct ay_ctx *ctx, struct ay_dispute_case *row,
                         struct ay_dispute_fork *fork)
{
    uint64_t burnt = ay_dispute_quarter(fork->bond_nasy);
    AY_TRY(ay_dispute_burn(ctx, burnt));
    AY_TRY(ay_dispute_send(ctx, fork->provider, fork->bond_nasy - burnt));
    close_fork(fork, AY_FORK_BY_ITSELF);
    AY_TRY(ay_job_fork_close(ctx, fork->job_id));
    row->open_forks--;
    AY_TRY(ay_dispute_case_rest(ctx, row));
    return ay_dispute_put(ctx, fork);
}

/* Is the fork about the fault that was proved: on its way to that place, or further on from it?
 * What a silent provider withheld is no place of a game. */
static bool same_fault(const struct ay_dispute_case *row, const struct ay_dispute_game *game)
{
    if (!ay_is_zero(row->demander, AY_ADDRESS_BYTES)) return false;
    uint32_t depth = game->depth < row->depth ? game->depth : row->depth;
    return memcmp(game->path, row->path, (size_t)4 * depth) == 0;
}

/* A fork that the verdict found open: its bond and its fees go back. */
static enum ay_code pay_back(struct ay_ctx *ctx, struct ay_dispute_case *row,
                             struct ay_dispute_fork *fork)
{
    uint64_t fees = fork->fees_nasy < row->pot_nasy ? fork->fees_nasy : row->pot_nasy;
    bool proved = same_fault(row, &fork->game);
    AY_TRY(ay_dispute_send(ctx, fork->challenger, fork->bond_nasy));
    AY_TRY(ay_dispute_send(ctx, fork->challenger, fees));
    row->pot_nasy -= fees;
    row->open_forks--;
    fork->game.state = proved ? AY_DISPUTE_STATE_PROVED : AY_DISPUTE_STATE_CLOSED;
    fork->rank = proved && fork->commit_height < row->first_open_height
                     ? AY_NO_SHARE - fork->bond_nasy
                     : AY_NO_SHARE;
    close_fork(fork, AY_FORK_BY_VERDICT);
    AY_TRY(ay_dispute_put(ctx, fork));

    struct ay_dispute_event_reward event = {
        .job_id = fork->job_id, .fork_id = fork->id, .fees_nasy = fees};
    memcpy(event.challenger, fork->challenger, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_dispute_event_reward_msg, &event);
}

/* A job pays nothing before its window is over, so of a job's fee nothing has to come back out of
 * the slash: f = min(p, paid, S / m) with paid = 0. The escrow goes back by itself. */
static enum ay_code convict(struct ay_ctx *ctx, struct ay_dispute_case *row,
                            const uint8_t provider[AY_ADDRESS_BYTES], uint64_t fork_id)
{
    AY_TRY(ay_dispute_slash(ctx, row->job_id, &row->slashed_nasy));
    row->pot_nasy = ay_dispute_reward_of(row->slashed_nasy, 0);
    AY_TRY(ay_dispute_burn(ctx, row->slashed_nasy - row->pot_nasy));
    row->stage = AY_DISPUTE_STAGE_SETTLING;
    row->wake_ms = ctx->now_ms;

    struct ay_dispute_event_verdict event = {.job_id = row->job_id,
                                             .fork_id = fork_id,
                                             .slashed_nasy = row->slashed_nasy,
                                             .reward_nasy = row->pot_nasy,
                                             .burnt_nasy = row->slashed_nasy - row->pot_nasy};
    memcpy(event.provider, provider, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_dispute_event_verdict_msg, &event);
}

static enum ay_code prove(struct ay_ctx *ctx, struct ay_dispute_case *row,
                          struct ay_dispute_fork *fork)
{
    row->depth = fork->game.depth;
    memcpy(row->path, fork->game.path, sizeof row->path);
    AY_TRY(convict(ctx, row, fork->provider, fork->id));
    return pay_back(ctx, row, fork); /* whoever brought the proof is made whole first */
}

enum ay_code ay_dispute_end(struct ay_ctx *ctx, struct ay_dispute_fork *fork)
{
    struct ay_dispute_case row;
    AY_TRY(ay_dispute_case_get(ctx, fork->job_id, &row));
    if (row.stage != AY_DISPUTE_STAGE_LIVE) AY_TRY(pay_back(ctx, &row, fork));
    else if (fork->game.state == AY_DISPUTE_STATE_PROVED) AY_TRY(prove(ctx, &row, fork));
    else AY_TRY(fail(ctx, &row, fork));
    return ay_row_put(ctx, &ay_dispute_case_msg, &row);
}

enum ay_code ay_dispute_miss(struct ay_ctx *ctx, struct ay_dispute_demand *demand)
{
    struct ay_dispute_case row;
    AY_TRY(ay_dispute_case_get(ctx, demand->job_id, &row));
    if (row.stage == AY_DISPUTE_STAGE_LIVE) {
        memcpy(row.demander, demand->demander, AY_ADDRESS_BYTES);
        AY_TRY(convict(ctx, &row, demand->provider, 0));
    }
    row.open_demands--;
    AY_TRY(ay_row_put(ctx, &ay_dispute_case_msg, &row));
    return ay_dispute_demand_enter(ctx, demand, AY_DISPUTE_DEMAND_STATE_MISSED, 0);
}

/* The forks that share, highest bonds first, with the sum of their bonds; count is at most
 * AY_MAX_DISPUTE_SHARES. */
static enum ay_code list_sharing(struct ay_ctx *ctx, uint64_t job_id,
                                 const struct ay_dispute_fork **forks, uint32_t *count,
                                 uint64_t *bonds_nasy)
{
    const struct ay_dispute_fork from = {.job_id = job_id, .settled = AY_FORK_BY_VERDICT};
    const void *rows;
    uint32_t n;
    *count = 0;
    *bonds_nasy = 0;
    AY_TRY(ay_rows_list(ctx, &ay_dispute_fork_msg, 1, &from, 2, AY_MAX_DISPUTE_SHARES, &rows, &n));
    *forks = rows;
    while (*count < n && (*forks)[*count].rank != AY_NO_SHARE)
        AY_TRY(ay_add(*bonds_nasy, (*forks)[(*count)++].bond_nasy, bonds_nasy));
    return AY_OK;
}

/* What is left of r goes to whoever's demand met silence. */
static enum ay_code reward_demander(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    struct ay_dispute_event_reward event = {.job_id = row->job_id, .reward_nasy = row->pot_nasy};
    AY_TRY(ay_dispute_reward(ctx, row->demander, row->pot_nasy));
    memcpy(event.challenger, row->demander, AY_ADDRESS_BYTES);
    return ay_emit(ctx, &ay_dispute_event_reward_msg, &event);
}

/* Or by bond to the forks that share; roundings, or all of it where nobody shares, are burnt. */
static enum ay_code reward_forks(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    const struct ay_dispute_fork *forks;
    uint32_t count;
    uint64_t bonds, left = row->pot_nasy;
    AY_TRY(list_sharing(ctx, row->job_id, &forks, &count, &bonds));
    for (uint32_t i = 0; i < count; i++) {
        struct ay_dispute_event_reward event = {.job_id = row->job_id, .fork_id = forks[i].id};
        AY_TRY(ay_mul_div(row->pot_nasy, forks[i].bond_nasy, bonds, AY_FLOOR, &event.reward_nasy));
        AY_TRY(ay_dispute_reward(ctx, forks[i].challenger, event.reward_nasy));
        left -= event.reward_nasy;
        memcpy(event.challenger, forks[i].challenger, AY_ADDRESS_BYTES);
        AY_TRY(ay_emit(ctx, &ay_dispute_event_reward_msg, &event));
    }
    return ay_dispute_burn(ctx, left);
}

static enum ay_code share_out(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    bool silent = !ay_is_zero(row->demander, AY_ADDRESS_BYTES);
    AY_TRY(silent ? reward_demander(ctx, row) : reward_forks(ctx, row));
    row->pot_nasy = 0;
    row->stage = AY_DISPUTE_STAGE_SWEEPING;
    return AY_OK;
}

enum ay_code ay_dispute_settle(struct ay_ctx *ctx, struct ay_dispute_case *row)
{
    const struct ay_dispute_fork from = {.job_id = row->job_id, .settled = AY_FORK_OPEN};
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_dispute_fork_msg, 1, &from, 2));
    for (uint32_t i = 0; i < AY_MAX_DISPUTE_SETTLED; i++) {
        struct ay_dispute_fork fork;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &fork);
        if (code == AY_E_NOT_FOUND) return share_out(ctx, row);
        AY_TRY(code);
        AY_TRY(pay_back(ctx, row, &fork));
    }
    return AY_OK;
}
