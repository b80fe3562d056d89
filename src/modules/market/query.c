#include "modules/market/verbs.h"

static enum ay_code ask_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_market_query_ask_request *query = request;
    return ay_market_ask_get(ctx, query->id, answer);
}

static enum ay_code asks_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_market_query_asks_request *query = request;
    struct ay_market_query_asks_response *out = answer;
    struct ay_market_ask from = {0};
    memcpy(from.program_id, query->program_id, AY_HASH_BYTES);
    const void *rows;
    AY_TRY(ay_rows_list(ctx, &ay_market_ask_msg, 2, &from, 1,
                        AY_MAX_MARKET_QUERY_ASKS_RESPONSE_ASKS, &rows, &out->asks_count));
    out->asks = rows;
    return AY_OK;
}

static enum ay_code class_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_market_query_class_request *query = request;
    struct ay_market_class *row = answer;
    memcpy(row->program_id, query->program_id, AY_HASH_BYTES);
    row->tier = query->tier;
    return ay_row_get(ctx, &ay_market_class_msg, row);
}

static enum ay_code params_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_market_params_msg, answer);
}

const struct ay_query_verb ay_market_queries[] = {
    {&ay_market_query_ask_request_msg, &ay_market_ask_msg, ask_query},
    {&ay_market_query_asks_request_msg, &ay_market_query_asks_response_msg, asks_query},
    {&ay_market_query_class_request_msg, &ay_market_class_msg, class_query},
    {&ay_market_query_params_request_msg, &ay_market_params_msg, params_query},
    {0},
};
