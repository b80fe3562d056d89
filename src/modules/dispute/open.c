#include "modules/dispute/verbs.h"

/* The sender's commit to this claim, taken out of the state. */
static enum ay_code take_commit(struct ay_ctx *ctx, const struct ay_job_job *job,
                                const uint8_t salt[AY_HASH_BYTES], struct ay_dispute_commit *row)
{
    *row = (struct ay_dispute_commit){0};
    memcpy(row->challenger, ctx->signer, AY_ADDRESS_BYTES);
    ay_commit_hash(job->claim_hash, ctx->signer, salt, row->hash);
    enum ay_code code = ay_row_get(ctx, &ay_dispute_commit_msg, row);
    if (code == AY_E_NOT_FOUND)
        return ay_refuse(ctx, code, "no commit of this sender opens with this job and salt");
    AY_TRY(code);
    if (ctx->now_ms > row->deadline_ms)
        return ay_refuse(ctx, AY_E_DISPUTE_WINDOW, "the time to open this commit is over");
    if (ctx->height <= row->height)
        return ay_refuse(ctx, AY_E_STATE, "a commit is opened in a later block");
    return ay_row_del(ctx, &ay_dispute_commit_msg, row);
}

/* Another was faster: nothing is left to prove, and nothing is lost. */
static enum ay_code give_back(struct ay_ctx *ctx, const struct ay_dispute_commit *commit)
{
    AY_TRY(ay_dispute_send(ctx, commit->challenger, commit->bond_nasy));
    struct ay_dispute_event_commit event = {.bond_nasy = commit->bond_nasy, .ended = true};
    memcpy(event.challenger, commit->challenger, AY_ADDRESS_BYTES);
    memcpy(event.hash, commit->hash, AY_HASH_BYTES);
    return ay_emit(ctx, &ay_dispute_event_commit_msg, &event);
}

static enum ay_code join_case(struct ay_ctx *ctx, const struct ay_job_job *job)
{
    struct ay_dispute_case row;
    AY_TRY(ay_dispute_case_join(ctx, job, &row));
    if (row.first_open_height == 0) row.first_open_height = ctx->height;
    row.wake_ms = 0;
    row.open_forks++;
    return ay_row_put(ctx, &ay_dispute_case_msg, &row);
}

/* When the run's roots are due: queued once for all forks about this run. */
static enum ay_code queue_roots(struct ay_ctx *ctx, const struct ay_dispute_table *table,
                                uint64_t turn_ms, uint64_t units, uint64_t *due_ms)
{
    struct ay_dispute_answer answer;
    enum ay_code code = ay_dispute_answer_at(ctx, table->job.claim_hash, &table->fork.game, 1,
                                             &answer);
    *due_ms = answer.due_ms;
    if (code != AY_E_NOT_FOUND) return code;
    struct ay_dispute_queue queue = {0};
    memcpy(queue.provider, table->job.provider, AY_ADDRESS_BYTES);
    AY_TRY(ay_row_or_zero(ctx, &ay_dispute_queue_msg, &queue));
    queue.due_ms = ay_dispute_due(ctx->now_ms, queue.due_ms, turn_ms, units, table->job.rate_units);
    *due_ms = answer.due_ms = queue.due_ms;
    AY_TRY(ay_row_put(ctx, &ay_dispute_queue_msg, &queue));
    return ay_row_put(ctx, &ay_dispute_answer_msg, &answer);
}

/* The bond's size can only be judged now: before, nobody knew what it was about. */
static enum ay_code check_bond(struct ay_ctx *ctx, const struct ay_dispute_params *params,
                               uint64_t bond_nasy, uint64_t units)
{
    uint64_t least;
    AY_TRY(ay_dispute_bond_of(params->bond_nasy, params->bond_per_mega_nasy, units, &least));
    if (bond_nasy >= least) return AY_OK;
    return ay_refuse(ctx, AY_E_DISPUTE_BOND, "the bond for this run is at least %llunasy",
                     (unsigned long long)least);
}

static enum ay_code next_fork(struct ay_ctx *ctx, uint64_t *id)
{
    struct ay_dispute_totals totals = {0};
    AY_TRY(ay_row_get(ctx, &ay_dispute_totals_msg, &totals));
    *id = totals.next_fork++;
    return ay_row_put(ctx, &ay_dispute_totals_msg, &totals);
}

/* What the commit and the opening cost. */
static enum ay_code fees_so_far(struct ay_ctx *ctx, const struct ay_dispute_msg_open *msg,
                                uint64_t *fees_nasy)
{
    const struct ay_dispute_msg_commit commit = {.challenger = msg->challenger};
    uint64_t open_nasy, commit_nasy;
    AY_TRY(ay_dispute_fee(ctx, &ay_dispute_msg_open_msg, msg, &open_nasy));
    AY_TRY(ay_dispute_fee(ctx, &ay_dispute_msg_commit_msg, &commit, &commit_nasy));
    return ay_add(open_nasy, commit_nasy, fees_nasy);
}

static enum ay_code start_fork(struct ay_ctx *ctx, const struct ay_dispute_msg_open *msg,
                               const struct ay_dispute_commit *commit,
                               struct ay_dispute_table *table)
{
    struct ay_dispute_fork *fork = &table->fork;
    struct ay_dispute_params params = {0};
    uint32_t sizes[AY_MAX_SYMBOLS] = {msg->length};
    uint64_t units;
    AY_TRY(ay_row_get(ctx, &ay_dispute_params_msg, &params));
    enum ay_code code = ay_game_open(&table->claim, msg->run, msg->length, msg->input_merkle_root,
                                     msg->proof, &fork->game);
    if (code != AY_OK) return ay_refuse(ctx, code, "the run's input is not the job's");
    AY_TRY(ay_program_units(&table->program, sizes, &units));
    AY_TRY(check_bond(ctx, &params, commit->bond_nasy, units));
    AY_TRY(ay_job_fork_open(ctx, msg->job_id));
    AY_TRY(join_case(ctx, &table->job));

    AY_TRY(next_fork(ctx, &fork->id));
    fork->job_id = msg->job_id;
    fork->rank = AY_NO_SHARE;
    fork->has_game = true;
    memcpy(fork->challenger, ctx->signer, AY_ADDRESS_BYTES);
    memcpy(fork->provider, table->job.provider, AY_ADDRESS_BYTES);
    fork->bond_nasy = commit->bond_nasy;
    fork->commit_height = commit->height;
    fork->moves = 1;
    fork->challenger_left_ms = fork->provider_left_ms = AY_DISPUTE_TURNS * params.turn_ms;
    fork->turn_ms = ctx->now_ms;
    AY_TRY(fees_so_far(ctx, msg, &fork->fees_nasy));
    return queue_roots(ctx, table, params.turn_ms, units, &fork->deadline_ms);
}

enum ay_code ay_dispute_open(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_dispute_msg_open *msg = message;
    struct ay_dispute_msg_open_response *answer = response;
    struct ay_dispute_fork fork = {.job_id = msg->job_id};
    struct ay_dispute_table table;
    struct ay_dispute_commit commit;
    enum ay_code code = ay_dispute_lay(ctx, &fork, &table);
    if (code != AY_OK) return ay_refuse(ctx, code, "no such job");
    AY_TRY(take_commit(ctx, &table.job, msg->salt, &commit));
    if (table.job.state == AY_JOB_STATE_SLASHED) return give_back(ctx, &commit);

    AY_TRY(start_fork(ctx, msg, &commit, &table));
    AY_TRY(ay_dispute_emit(ctx, &table.fork, msg->run, 0, false));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    answer->fork_id = table.fork.id;
    return ay_dispute_put(ctx, &table.fork);
}
