#include "modules/work/verbs.h"

static enum ay_code work_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_work_query_work_request *query = request;
    return ay_work_get(ctx, query->id, answer);
}

static enum ay_code program_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_work_query_program_request *query = request;
    struct ay_work_work_program *row = answer;
    memcpy(row->id, query->id, AY_HASH_BYTES);
    return ay_row_get(ctx, &ay_work_work_program_msg, row);
}

static enum ay_code works_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    struct ay_work_query_works_response *out = answer;
    struct ay_work_work from = {0};
    const void *rows;
    AY_TRY(ay_rows_list(ctx, &ay_work_work_msg, 0, &from, 0,
                        AY_MAX_WORK_QUERY_WORKS_RESPONSE_WORKS, &rows, &out->works_count));
    out->works = rows;
    return AY_OK;
}

static enum ay_code params_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_work_params_msg, answer);
}

const struct ay_query_verb ay_work_queries[] = {
    {&ay_work_query_work_request_msg, &ay_work_work_msg, work_query},
    {&ay_work_query_program_request_msg, &ay_work_work_program_msg, program_query},
    {&ay_work_query_works_request_msg, &ay_work_query_works_response_msg, works_query},
    {&ay_work_query_params_request_msg, &ay_work_params_msg, params_query},
    {0},
};
