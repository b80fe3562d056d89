/* JSON-RPC methods about blocks, headers and validators. */
#include "net/node_internal.h"

#include "base/codec.h"
#include "engine/block.h"

#include <stdlib.h>

/* Opens the block whose height is argument 0. */
static enum ay_code open_asked(struct ay_node_server *server, const struct ay_rpc_call *call,
                               struct ay_node_block *block, struct ay_rpc_error *error)
{
    uint64_t height;
    AY_TRY(ay_node_height(server, &call->arg[0], &height, error));
    return ay_node_block_open(server->options.engine, height, block);
}

/* The same for a block's hash; a hash that no block has gives AY_E_NOT_FOUND. */
static enum ay_code open_hash(struct ay_node_server *server, const struct ay_rpc_call *call,
                              struct ay_node_block *block)
{
    uint64_t height;
    if (call->arg[0].bytes.len != AY_HASH_BYTES) return AY_E_NOT_FOUND;
    AY_TRY(ay_engine_block_by_hash(server->options.engine, call->arg[0].bytes.data, &height));
    return ay_node_block_open(server->options.engine, height, block);
}

static json_t *block_json(const struct ay_node_block *block)
{
    return json_pack("{s:o, s:o}", "block_id", ay_show_block_id(AY_SHOW_RPC, &block->id), "block",
                     ay_show_block(AY_SHOW_RPC, block));
}

enum ay_code ay_method_block(void *ctx, const struct ay_rpc_call *call, json_t **result,
                             struct ay_rpc_error *error)
{
    struct ay_node_block block;
    AY_TRY(open_asked(ctx, call, &block, error));
    *result = block_json(&block);
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_block_by_hash(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                     struct ay_rpc_error *error)
{
    struct ay_node_block block;
    enum ay_code code = open_hash(ctx, call, &block);
    (void)error;
    if (code == AY_E_NOT_FOUND) /* CometBFT's answer, which is no error */
        return ay_node_give(json_pack("{s:{s:s, s:{s:i, s:s}}, s:n}", "block_id", "hash", "",
                                      "parts", "total", 0, "hash", "", "block"),
                            result);
    AY_TRY(code);
    *result = block_json(&block);
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_block_results(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                     struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_node_block block;
    uint8_t root[AY_HASH_BYTES];
    AY_TRY(open_asked(server, call, &block, error));
    const struct ay_ledger_block_result *r = &block.results;
    enum ay_code code =
        ay_node_root_after(server->options.engine, block.stored.header.height, root);
    if (code == AY_OK)
        *result =
            json_pack("{s:o, s:o, s:o, s:n, s:n, s:o}", "height", ay_show_i64(block.header.height),
                      "txs_results", ay_show_tx_results(r), "finalize_block_events",
                      r->events_count ? ay_show_events(r->events, r->events_count) : json_null(),
                      "validator_updates", "consensus_param_updates", "app_hash",
                      ay_show_base64(AY_SLICE_OF(root)));
    ay_node_block_close(&block);
    return code == AY_OK ? ay_node_give(*result, result) : code;
}

enum ay_code ay_method_header(void *ctx, const struct ay_rpc_call *call, json_t **result,
                              struct ay_rpc_error *error)
{
    struct ay_node_block block;
    AY_TRY(open_asked(ctx, call, &block, error));
    *result = json_pack("{s:o}", "header", ay_show_header(AY_SHOW_RPC, &block.header));
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_header_by_hash(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                      struct ay_rpc_error *error)
{
    struct ay_node_block block;
    enum ay_code code = open_hash(ctx, call, &block);
    (void)error;
    if (code == AY_E_NOT_FOUND) return ay_node_give(json_pack("{s:n}", "header"), result);
    AY_TRY(code);
    *result = json_pack("{s:o}", "header", ay_show_header(AY_SHOW_RPC, &block.header));
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_commit(void *ctx, const struct ay_rpc_call *call, json_t **result,
                              struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_node_block block;
    struct ay_engine_tip tip;
    AY_TRY(open_asked(server, call, &block, error));
    ay_engine_tip(server->options.engine, &tip);
    *result = json_pack("{s:{s:o, s:o}, s:b}", "signed_header", "header",
                        ay_show_header(AY_SHOW_RPC, &block.header), "commit",
                        ay_show_commit(AY_SHOW_RPC, &block.commit), "canonical",
                        block.stored.header.height < tip.height);
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_validators(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                  struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_node_page page;
    uint64_t height;
    AY_TRY(ay_node_height(server, &call->arg[0], &height, error));
    AY_TRY(ay_node_paginate(&call->arg[1], &call->arg[2], 1, &page, error));
    return ay_node_give(json_pack("{s:o, s:[{s:o, s:o, s:o, s:s}], s:s, s:s}", "block_height",
                                  ay_show_u64(height), "validators", "address",
                                  ay_show_hex(AY_SLICE_OF(server->address)), "pub_key",
                                  ay_show_pub_key(server->options.validator_pub_key),
                                  "voting_power", ay_show_u64(server->options.validator_power),
                                  "proposer_priority", "0", "count", "1", "total", "1"),
                        result);
}

json_t *ay_node_consensus_params_json(void)
{
    return json_pack("{s:{s:o, s:o}, s:{s:s, s:s, s:s}, s:{s:[s]}, s:{s:s}, s:{s:s}}", "block",
                     "max_bytes", ay_show_i64(AY_CONSENSUS_MAX_BYTES), "max_gas",
                     ay_show_i64(AY_CONSENSUS_MAX_GAS), "evidence", "max_age_num_blocks", "100000",
                     "max_age_duration", "172800000000000", "max_bytes", "1048576", "validator",
                     "pub_key_types", "ed25519", "version", "app", "1", "abci",
                     "vote_extensions_enable_height", "0");
}

enum ay_code ay_method_consensus_params(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                        struct ay_rpc_error *error)
{
    uint64_t height;
    AY_TRY(ay_node_height(ctx, &call->arg[0], &height, error));
    return ay_node_give(json_pack("{s:o, s:o}", "block_height", ay_show_u64(height),
                                  "consensus_params", ay_node_consensus_params_json()),
                        result);
}

/* Bytes of the block as CometBFT would send it. */
static enum ay_code block_size(struct ay_node_block *block, uint32_t *len)
{
    const struct ay_tendermint_types_block wire = {
        .has_header = true,
        .header = block->header,
        .has_data = true,
        .data = {.txs = block->stored.txs, .txs_count = block->stored.txs_count},
        .has_evidence = true,
        .has_last_commit = true,
        .last_commit = block->last_commit};
    return ay_encoded_len(&ay_tendermint_types_block_msg, &wire, len);
}

static enum ay_code append_meta(struct ay_node_server *server, uint64_t height, json_t *metas)
{
    struct ay_node_block block;
    uint32_t len = 0;
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    enum ay_code code = block_size(&block, &len);
    json_t *meta = json_pack("{s:o, s:o, s:o, s:o}", "block_id",
                             ay_show_block_id(AY_SHOW_RPC, &block.id), "block_size",
                             ay_show_u64(len), "header", ay_show_header(AY_SHOW_RPC, &block.header),
                             "num_txs", ay_show_u64(block.stored.txs_count));
    ay_node_block_close(&block);
    if (json_array_append_new(metas, meta) != 0 && code == AY_OK) code = AY_E_MEMORY;
    return code;
}

/* Metas of [minHeight, maxHeight], newest first, 20 at most. */
enum ay_code ay_method_blockchain(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                  struct ay_rpc_error *error)
{
    enum { MOST = 20 };
    struct ay_node_server *server = ctx;
    struct ay_engine_tip tip;
    ay_engine_tip(server->options.engine, &tip);
    int64_t low = call->arg[0].number, high = call->arg[1].number, last = (int64_t)tip.height;
    if (low < 0 || high < 0) return ay_rpc_fail(error, AY_E_RANGE, "heights must be non-negative");
    if (low == 0) low = 1;
    if (high == 0 || high > last) high = last;
    if (low < high - MOST + 1) low = high - MOST + 1;
    if (low > high)
        return ay_rpc_fail(error, AY_E_RANGE,
                           "min height %lld can't be greater than max height %lld", (long long)low,
                           (long long)high);
    json_t *metas = json_array();
    enum ay_code code = metas ? AY_OK : AY_E_MEMORY;
    for (int64_t h = high; h >= low && code == AY_OK; h--)
        code = append_meta(server, (uint64_t)h, metas);
    if (code == AY_OK)
        return ay_node_give(
            json_pack("{s:o, s:o}", "last_height", ay_show_i64(last), "block_metas", metas),
            result);
    json_decref(metas);
    return code;
}

static enum ay_code append_block(struct ay_node_server *server, uint64_t height, json_t *blocks)
{
    struct ay_node_block block;
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    json_t *one = block_json(&block);
    ay_node_block_close(&block);
    return json_array_append_new(blocks, one) == 0 ? AY_OK : AY_E_MEMORY;
}

/* Blocks are found by height alone: events of a block's begin and end are not indexed. */
static enum ay_code parse_block_query(const struct ay_rpc_call *call, struct ay_search *search,
                                      struct ay_rpc_error *error)
{
    char why[160];
    if (ay_search_parse(call->arg[0].bytes, search, why) != AY_OK)
        return ay_rpc_fail(error, AY_E_FORMAT, "%s", why);
    for (uint32_t i = 0; i < search->n; i++)
        if (!search->condition[i].is_number ||
            !ay_slice_equal(search->condition[i].key, ay_slice_str("block.height")))
            return ay_rpc_fail(error, AY_E_UNSUPPORTED, "blocks are found by block.height alone");
    return AY_OK;
}

enum ay_code ay_method_block_search(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                    struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_engine_tip tip;
    struct ay_search search;
    struct ay_node_page page;
    uint64_t low, high;
    bool desc = strcmp(call->arg[3].text, "asc") != 0; /* CometBFT's default here */
    AY_TRY(parse_block_query(call, &search, error));
    ay_engine_tip(server->options.engine, &tip);
    ay_search_heights(&search, "block.height", tip.height, &low, &high);
    uint64_t total = high < low ? 0 : high - low + 1;
    if (total > UINT32_MAX) total = UINT32_MAX;
    AY_TRY(ay_node_paginate(&call->arg[1], &call->arg[2], (uint32_t)total, &page, error));
    json_t *blocks = json_array();
    enum ay_code code = blocks ? AY_OK : AY_E_MEMORY;
    for (uint32_t i = page.first; i < page.first + page.count && code == AY_OK; i++)
        code = append_block(server, desc ? high - i : low + i, blocks);
    if (code == AY_OK)
        return ay_node_give(
            json_pack("{s:o, s:o}", "blocks", blocks, "total_count", ay_show_u64(total)), result);
    json_decref(blocks);
    return code;
}
