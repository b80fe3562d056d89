/* Queries by path, and the simulation that clients reach as one. */
#include "base/codec.h"
#include "base/gen/tx.h"
#include "ledger/auth.h"
#include "ledger/ledger.h"
#include "ledger/tx.h"

#include <stdio.h>

static const struct ay_query_verb *find_in(const struct ay_module *module, struct ay_slice path)
{
    for (const struct ay_query_verb *q = module->queries; q && q->request; q++)
        if (ay_slice_equal(ay_slice_str(q->request->query->path), path)) return q;
    return NULL;
}

static const struct ay_query_verb *find(const struct ay_economy *economy, struct ay_slice path)
{
    const struct ay_query_verb *q = find_in(&ay_auth_module, path);
    for (const struct ay_module *const *m = economy->modules; *m && !q; m++) q = find_in(*m, path);
    return q;
}

static enum ay_code decode(struct ay_ctx *ctx, const struct ay_msg *msg, struct ay_slice data,
                           void *request)
{
    struct ay_fault fault;
    if (ay_decode(msg, data, ctx->arena, request, &fault) == AY_OK) return AY_OK;
    char text[160];
    ay_fault_text(&fault, text, sizeof text);
    return ay_refuse(ctx, AY_E_REQUEST, "%s", text);
}

static enum ay_code run_verb(struct ay_ctx *ctx, const struct ay_query_verb *verb,
                             struct ay_slice data, struct ay_slice *value)
{
    void *request = ay_arena_take(ctx->arena, 1, verb->request->size);
    void *answer = ay_arena_take(ctx->arena, 1, verb->answer->size);
    if (!request || !answer) return AY_E_LIMIT;
    AY_TRY(decode(ctx, verb->request, data, request));
    AY_TRY(verb->run(ctx, request, answer));
    return ay_encode_arena(verb->answer, answer, ctx->arena, value);
}

/* The deprecated form carries the transaction in parts; its bytes are what a client would send. */
static enum ay_code raw_of(struct ay_ctx *ctx, const struct ay_tx_simulate_request *ask,
                           struct ay_slice *raw)
{
    *raw = ask->tx_bytes;
    if (raw->len) return AY_OK;
    if (!ask->has_tx) return ay_refuse(ctx, AY_E_REQUEST, "empty txBytes is not allowed");
    struct ay_tx_tx_raw tx = {.signatures = ask->tx.signatures,
                              .signatures_count = ask->tx.signatures_count};
    AY_TRY(ay_encode_arena(&ay_tx_tx_body_msg, &ask->tx.body, ctx->arena, &tx.body_bytes));
    AY_TRY(
        ay_encode_arena(&ay_tx_auth_info_msg, &ask->tx.auth_info, ctx->arena, &tx.auth_info_bytes));
    return ay_encode_arena(&ay_tx_tx_raw_msg, &tx, ctx->arena, raw);
}

/* raw must lie outside scratch memory, which the run uses. */
static enum ay_code simulate_raw(struct ay_ledger *ledger, struct ay_slice raw,
                                 struct ay_slice *value)
{
    struct ay_ctx *ctx = &ledger->ctx;
    struct ay_ledger_tx_result result;
    AY_TRY(ay_ledger_simulate(ledger, raw, &result));
    if (result.code)
        return ay_refuse(ctx, AY_E_UNKNOWN_REQUEST,
                         "%.*s With gas wanted: '%llu' and gas used: '%llu' ", (int)result.log.len,
                         (const char *)result.log.data, (unsigned long long)result.gas_wanted,
                         (unsigned long long)result.gas_used);
    struct ay_tx_simulate_response answer = {
        .has_gas_info = true,
        .gas_info = {.gas_wanted = result.gas_wanted, .gas_used = result.gas_used},
        .has_result = true,
        .result = {
            .data = result.data, .events = result.events, .events_count = result.events_count}};
    struct ay_base_abci_tx_msg_data parts;
    AY_TRY(ay_decode(&ay_base_abci_tx_msg_data_msg, result.data, ctx->arena, &parts, NULL));
    answer.result.msg_responses = parts.msg_responses;
    answer.result.msg_responses_count = parts.msg_responses_count;
    return ay_encode_arena(&ay_tx_simulate_response_msg, &answer, ctx->arena, value);
}

static enum ay_code simulate(struct ay_ledger *ledger, struct ay_slice data, struct ay_slice *value)
{
    struct ay_tx_simulate_request ask;
    struct ay_slice raw;
    struct ay_arena *aside = &ledger->arenas.block;
    AY_TRY(decode(&ledger->ctx, &ay_tx_simulate_request_msg, data, &ask));
    AY_TRY(raw_of(&ledger->ctx, &ask, &raw));
    size_t mark = aside->used;
    AY_TRY(ay_arena_copy(aside, raw, &raw));
    enum ay_code code = simulate_raw(ledger, raw, value);
    ay_arena_rewind(aside, mark);
    return code;
}

enum ay_code ay_ledger_query(struct ay_ledger *ledger, struct ay_slice path, struct ay_slice data,
                             struct ay_query_answer *answer)
{
    AY_ASSERT(ledger->initialised && !ledger->in_block);
    struct ay_ctx *ctx = &ledger->ctx;
    *answer = (struct ay_query_answer){0};
    ctx->reason[0] = 0;
    ledger->arenas.scratch.used = 0;
    const struct ay_query_verb *verb = find(ledger->economy, path);
    struct ay_slice simulate_path = ay_slice_str(ay_tx_simulate_request_msg.query->path);
    if (verb)
        answer->code = run_verb(ctx, verb, data, &answer->value);
    else if (ay_slice_equal(path, simulate_path))
        answer->code = simulate(ledger, data, &answer->value);
    else
        answer->code = ay_refuse(ctx, AY_E_UNKNOWN_REQUEST, "unknown query path");
    if (ay_code_is_fatal(answer->code)) return answer->code;
    if (answer->code != AY_OK)
        snprintf(answer->log, sizeof answer->log, "%s%s%s", ctx->reason, *ctx->reason ? ": " : "",
                 ay_code_info(answer->code)->text);
    return AY_OK;
}
