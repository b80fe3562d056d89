#include "modules/job/verbs.h"

static enum ay_code job_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_job_query_job_request *query = request;
    return ay_job_get(ctx, query->id, answer);
}

/* What the jobs of a query must be like; zero fields match anything. */
struct filter {
    struct ay_job_job like; /* provider, consumer, state; id: the least */
    bool by_provider, by_consumer;
};

static enum ay_code read_filter(const struct ay_job_query_jobs_request *query,
                                struct filter *filter)
{
    *filter = (struct filter){.by_provider = query->provider.len > 0,
                              .by_consumer = query->consumer.len > 0};
    filter->like.id = query->from_id;
    filter->like.state = query->state;
    if (filter->by_provider) AY_TRY(ay_address_parse(query->provider, filter->like.provider));
    if (filter->by_consumer) AY_TRY(ay_address_parse(query->consumer, filter->like.consumer));
    return AY_OK;
}

static bool matches(const struct filter *filter, const struct ay_job_job *job)
{
    const struct ay_job_job *like = &filter->like;
    return (like->state == AY_JOB_STATE_NONE || job->state == like->state) &&
           (!filter->by_consumer ||
            memcmp(job->consumer, like->consumer, AY_ADDRESS_BYTES) == 0) &&
           (!filter->by_provider || memcmp(job->provider, like->provider, AY_ADDRESS_BYTES) == 0);
}

/* Walks the narrowest index that keeps the order of ids. */
static enum ay_code begin(struct ay_row_walk *walk, const struct filter *filter)
{
    uint32_t index = filter->by_provider ? 2 : filter->by_consumer ? 1 : 0;
    uint32_t prefix = index ? 1 : 0;
    AY_TRY(ay_row_walk_begin(walk, &ay_job_job_msg, index, &filter->like, prefix));
    return ay_row_walk_seek(walk, &filter->like, prefix + 1);
}

static enum ay_code jobs_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    struct ay_job_query_jobs_response *out = answer;
    struct filter filter;
    struct ay_row_walk walk;
    AY_TRY(read_filter(request, &filter));
    AY_TRY(begin(&walk, &filter));
    struct ay_job_job *jobs =
        AY_NEW(ctx->arena, struct ay_job_job, AY_MAX_JOB_QUERY_JOBS_RESPONSE_JOBS);
    if (!jobs) return AY_E_LIMIT;
    for (uint32_t n = 0; n < AY_MAX_JOB_SCAN; n++) {
        if (out->jobs_count == AY_MAX_JOB_QUERY_JOBS_RESPONSE_JOBS) break;
        size_t mark = ctx->arena->used;
        enum ay_code code = ay_row_walk_next(ctx, &walk, &jobs[out->jobs_count]);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        if (matches(&filter, &jobs[out->jobs_count]))
            out->jobs_count++;
        else
            ay_arena_rewind(ctx->arena, mark);
    }
    out->jobs = jobs;
    return AY_OK;
}

static enum ay_code params_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_job_params_msg, answer);
}

const struct ay_query_verb ay_job_queries[] = {
    {&ay_job_query_job_request_msg, &ay_job_job_msg, job_query},
    {&ay_job_query_jobs_request_msg, &ay_job_query_jobs_response_msg, jobs_query},
    {&ay_job_query_params_request_msg, &ay_job_params_msg, params_query},
    {0},
};
