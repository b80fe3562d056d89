#include "modules/dispute/verbs.h"

static enum ay_code params_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_dispute_params_msg, answer);
}

static enum ay_code fork_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_fork_request *query = request;
    struct ay_dispute_fork *fork = answer;
    struct ay_dispute_table table;
    AY_TRY(ay_dispute_load(ctx, query->id, &table));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    *fork = table.fork;
    return AY_OK;
}

/* The first `max` forks under the key fields, open ones only if so asked, answers taken in. */
static enum ay_code list_forks(struct ay_ctx *ctx, uint32_t index, uint32_t n_fields, bool open,
                               const struct ay_dispute_fork *from,
                               struct ay_dispute_query_forks_response *out)
{
    const uint32_t max = AY_MAX_DISPUTE_QUERY_FORKS_RESPONSE_FORKS;
    struct ay_dispute_fork *list = AY_NEW(ctx->arena, struct ay_dispute_fork, max);
    struct ay_row_walk walk;
    if (!list) return AY_E_LIMIT;
    out->forks = list;
    AY_TRY(ay_row_walk_begin(&walk, &ay_dispute_fork_msg, index, from, n_fields));
    while (out->forks_count < max) {
        struct ay_dispute_fork fork;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &fork);
        if (code == AY_E_NOT_FOUND) return AY_OK;
        AY_TRY(code);
        if (open && fork.settled != AY_FORK_OPEN) continue;
        size_t mark = ctx->arena->used;
        struct ay_dispute_table table;
        AY_TRY(ay_dispute_lay(ctx, &fork, &table));
        AY_TRY(ay_dispute_take_in(ctx, &table));
        list[out->forks_count++] = table.fork; /* holds no slices */
        ay_arena_rewind(ctx->arena, mark);
    }
    return AY_OK;
}

static enum ay_code forks_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_forks_request *query = request;
    struct ay_dispute_fork from = {.job_id = query->job_id};
    if (query->job_id != 0)
        return list_forks(ctx, 1, query->open ? 2 : 1, query->open, &from, answer);
    if (query->provider.len != 0) {
        AY_TRY(ay_address_parse(query->provider, from.provider));
        return list_forks(ctx, 3, 1, query->open, &from, answer);
    }
    if (query->challenger.len != 0) {
        AY_TRY(ay_address_parse(query->challenger, from.challenger));
        return list_forks(ctx, 4, 1, query->open, &from, answer);
    }
    return list_forks(ctx, 0, 0, query->open, &from, answer);
}

static enum ay_code answer_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_answer_request *query = request;
    struct ay_dispute_table table;
    AY_TRY(ay_dispute_load(ctx, query->fork_id, &table));
    const struct ay_dispute_game *game = &table.fork.game;
    if (query->depth > game->depth) return ay_refuse(ctx, AY_E_NOT_FOUND, "not so deep yet");
    uint32_t depth = query->depth ? query->depth : game->depth;
    return ay_dispute_answer_at(ctx, table.job.claim_hash, game, depth, answer);
}

static enum ay_code commits_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_commits_request *query = request;
    struct ay_dispute_query_commits_response *out = answer;
    struct ay_dispute_commit from = {0};
    const void *rows;
    AY_TRY(ay_address_parse(query->challenger, from.challenger));
    AY_TRY(ay_rows_list(ctx, &ay_dispute_commit_msg, 0, &from, 1,
                        AY_MAX_DISPUTE_QUERY_COMMITS_RESPONSE_COMMITS, &rows, &out->commits_count));
    out->commits = rows;
    return AY_OK;
}

static enum ay_code case_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_case_request *query = request;
    struct ay_dispute_case *row = answer;
    row->job_id = query->job_id;
    return ay_row_get(ctx, &ay_dispute_case_msg, row);
}

static enum ay_code begin_demands(struct ay_row_walk *walk,
                                  const struct ay_dispute_query_demands_request *query,
                                  struct ay_dispute_demand *from)
{
    if (query->job_id != 0) {
        from->job_id = query->job_id;
        if (query->from_run > 0) from->what = AY_DISPUTE_WHAT_OUTPUT;
        from->run = query->from_run;
        AY_TRY(ay_row_walk_begin(walk, &ay_dispute_demand_msg, 0, from, 1));
        return ay_row_walk_seek(walk, from, 3);
    }
    AY_TRY(ay_address_parse(query->provider, from->provider));
    from->deadline_ms = 1; /* ended ones have none */
    AY_TRY(ay_row_walk_begin(walk, &ay_dispute_demand_msg, 2, from, 1));
    return ay_row_walk_seek(walk, from, 2);
}

static enum ay_code demands_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const uint32_t max = AY_MAX_DISPUTE_QUERY_DEMANDS_RESPONSE_DEMANDS;
    struct ay_dispute_query_demands_response *out = answer;
    struct ay_dispute_demand from = {0}, *list = AY_NEW(ctx->arena, struct ay_dispute_demand, max);
    struct ay_row_walk walk;
    if (!list) return AY_E_LIMIT;
    out->demands = list;
    AY_TRY(begin_demands(&walk, request, &from));
    while (out->demands_count < max) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &list[out->demands_count]);
        if (code == AY_E_NOT_FOUND) return AY_OK;
        AY_TRY(code);
        out->demands_count++;
    }
    return AY_OK;
}

static enum ay_code supply_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_dispute_query_supply_request *query = request;
    struct ay_dispute_supply *row = answer;
    *row = (struct ay_dispute_supply){
        .job_id = query->job_id, .what = query->what, .run = query->run, .part = query->part};
    return ay_row_get(ctx, &ay_dispute_supply_msg, row);
}

const struct ay_query_verb ay_dispute_queries[] = {
    {&ay_dispute_query_params_request_msg, &ay_dispute_params_msg, params_query},
    {&ay_dispute_query_fork_request_msg, &ay_dispute_fork_msg, fork_query},
    {&ay_dispute_query_forks_request_msg, &ay_dispute_query_forks_response_msg, forks_query},
    {&ay_dispute_query_answer_request_msg, &ay_dispute_answer_msg, answer_query},
    {&ay_dispute_query_commits_request_msg, &ay_dispute_query_commits_response_msg, commits_query},
    {&ay_dispute_query_case_request_msg, &ay_dispute_case_msg, case_query},
    {&ay_dispute_query_demands_request_msg, &ay_dispute_query_demands_response_msg, demands_query},
    {&ay_dispute_query_supply_request_msg, &ay_dispute_supply_msg, supply_query},
    {0},
};
