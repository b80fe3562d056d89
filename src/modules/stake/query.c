#include "modules/stake/verbs.h"

static enum ay_code operator_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_stake_query_operator_request *query = request;
    struct ay_stake_operator *row = answer;
    AY_TRY(ay_address_parse(query->address, row->address));
    return ay_row_get(ctx, &ay_stake_operator_msg, row);
}

static enum ay_code locks_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_stake_query_locks_request *query = request;
    struct ay_stake_query_locks_response *out = answer;
    struct ay_stake_lock from = {0};
    AY_TRY(ay_address_parse(query->operator, from.operator));
    const void *rows;
    AY_TRY(ay_rows_list(ctx, &ay_stake_lock_msg, 0, &from, 1,
                        AY_MAX_STAKE_QUERY_LOCKS_RESPONSE_LOCKS, &rows, &out->locks_count));
    out->locks = rows;
    return AY_OK;
}

static enum ay_code unbondings_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    const struct ay_stake_query_unbondings_request *query = request;
    struct ay_stake_query_unbondings_response *out = answer;
    struct ay_stake_unbonding from = {0};
    AY_TRY(ay_address_parse(query->address, from.address));
    const void *rows;
    AY_TRY(ay_rows_list(ctx, &ay_stake_unbonding_msg, 1, &from, 1,
                        AY_MAX_STAKE_QUERY_UNBONDINGS_RESPONSE_UNBONDINGS, &rows,
                        &out->unbondings_count));
    out->unbondings = rows;
    return AY_OK;
}

static enum ay_code params_query(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_stake_params_msg, answer);
}

const struct ay_query_verb ay_stake_queries[] = {
    {&ay_stake_query_operator_request_msg, &ay_stake_operator_msg, operator_query},
    {&ay_stake_query_locks_request_msg, &ay_stake_query_locks_response_msg, locks_query},
    {&ay_stake_query_unbondings_request_msg, &ay_stake_query_unbondings_response_msg,
     unbondings_query},
    {&ay_stake_query_params_request_msg, &ay_stake_params_msg, params_query},
    {0},
};
