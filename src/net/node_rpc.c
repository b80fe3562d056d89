/* The table of JSON-RPC methods, and those that tell of the node itself. */
#include "net/node_internal.h"

#include <stdlib.h>
#include <string.h>

enum ay_code ay_node_give(json_t *value, json_t **result)
{
    *result = value;
    return value ? AY_OK : AY_E_MEMORY;
}

enum ay_code ay_node_height(struct ay_node_server *server, const struct ay_rpc_value *arg,
                            uint64_t *height, struct ay_rpc_error *error)
{
    struct ay_engine_tip tip;
    ay_engine_tip(server->options.engine, &tip);
    *height = arg->present ? (uint64_t)arg->number : tip.height;
    if (arg->present && arg->number <= 0)
        return ay_rpc_fail(error, AY_E_RANGE, "height must be greater than 0, but got %lld",
                           (long long)arg->number);
    if (*height > tip.height)
        return ay_rpc_fail(error, AY_E_RANGE,
                           "height %lld must be less than or equal to the current blockchain "
                           "height %llu",
                           (long long)arg->number, (unsigned long long)tip.height);
    return AY_OK;
}

enum ay_code ay_node_paginate(const struct ay_rpc_value *page, const struct ay_rpc_value *per_page,
                              uint32_t total, struct ay_node_page *out, struct ay_rpc_error *error)
{
    enum { DEFAULT = 30, MOST = 100 };
    int64_t size = per_page->present && per_page->number > 0 ? per_page->number : DEFAULT;
    if (size > MOST) size = MOST;
    int64_t pages = total ? (total + size - 1) / size : 1;
    int64_t number = page->present ? page->number : 1;
    if (number < 1 || number > pages)
        return ay_rpc_fail(error, AY_E_RANGE, "page should be within [1, %lld] range, given %lld",
                           (long long)pages, (long long)number);
    out->first = (uint32_t)((number - 1) * size);
    out->count = total - out->first < size ? total - out->first : (uint32_t)size;
    return AY_OK;
}

static enum ay_code health(void *ctx, const struct ay_rpc_call *call, json_t **result,
                           struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    (void)call;
    (void)error;
    AY_TRY(ay_engine_health(server->options.engine));
    return ay_node_give(json_object(), result);
}

void ay_node_listen(const struct ay_node_server *server, char out[80])
{
    const char *host = server->options.address ? server->options.address : "127.0.0.1";
    bool v6 = strchr(host, ':') != NULL;
    snprintf(out, 80, "tcp://%s%.46s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
             (unsigned)atomic_load(&server->port));
}

static json_t *node_info(const struct ay_node_server *server)
{
    const struct ay_node_server_options *o = &server->options;
    char listen[80];
    ay_node_listen(server, listen);
    return json_pack("{s:{s:s, s:s, s:s}, s:o, s:s, s:o, s:s, s:s, s:s, s:{s:s, s:s}}",
                     "protocol_version", "p2p", "8", "block", "11", "app", "1", "id",
                     ay_show_lower_hex(AY_SLICE_OF(server->address)), "listen_addr", listen,
                     "network", ay_show_text(o->genesis->chain_id), "version",
                     AY_NODE_COMET_VERSION, "channels", AY_NODE_CHANNELS, "moniker", o->moniker,
                     "other", "tx_index", "on", "rpc_address", listen);
}

/* What of a block `status` shows, under names that begin with `which`. */
static void add_block_facts(json_t *out, const char *which, const struct ay_node_block *block,
                            struct ay_slice app_hash)
{
    const struct {
        const char *name;
        json_t *value;
    } facts[] = {{"block_hash", ay_show_hex(AY_SLICE_OF(block->stored.hash))},
                 {"app_hash", ay_show_hex(app_hash)},
                 {"block_height", ay_show_i64(block->header.height)},
                 {"block_time", ay_show_time(block->header.time)}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s_%s", which, facts[i].name);
        json_object_set_new(out, name, facts[i].value);
    }
}

static enum ay_code sync_info(struct ay_node_server *server, json_t **out)
{
    struct ay_node_block first, last;
    struct ay_engine_tip tip;
    ay_engine_tip(server->options.engine, &tip);
    AY_TRY(ay_node_block_open(server->options.engine, 1, &first));
    enum ay_code code = ay_node_block_open(server->options.engine, tip.height, &last);
    if (code == AY_OK && (*out = json_object())) {
        add_block_facts(*out, "latest", &last, AY_SLICE_OF(tip.app_hash));
        add_block_facts(*out, "earliest", &first, first.header.app_hash);
        json_object_set_new(*out, "catching_up", json_false());
    }
    ay_node_block_close(&first);
    if (code == AY_OK) ay_node_block_close(&last);
    return code;
}

static enum ay_code status(void *ctx, const struct ay_rpc_call *call, json_t **result,
                           struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    json_t *sync = NULL;
    (void)call;
    (void)error;
    AY_TRY(sync_info(server, &sync));
    return ay_node_give(json_pack("{s:o, s:o, s:{s:o, s:o, s:o}}", "node_info", node_info(server),
                                  "sync_info", sync, "validator_info", "address",
                                  ay_show_hex(AY_SLICE_OF(server->address)), "pub_key",
                                  ay_show_pub_key(server->options.validator_pub_key),
                                  "voting_power", ay_show_u64(server->options.validator_power)),
                        result);
}

static enum ay_code genesis(void *ctx, const struct ay_rpc_call *call, json_t **result,
                            struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    (void)call;
    (void)error;
    return ay_node_give(json_deep_copy(server->genesis), result);
}

static enum ay_code abci_info(void *ctx, const struct ay_rpc_call *call, json_t **result,
                              struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_engine_tip tip;
    (void)call;
    (void)error;
    ay_engine_tip(server->options.engine, &tip);
    return ay_node_give(json_pack("{s:{s:s, s:s, s:s, s:o, s:o}}", "response", "data", "assay",
                                  "version", server->options.version, "app_version", "1",
                                  "last_block_height", ay_show_u64(tip.height),
                                  "last_block_app_hash", ay_show_base64(AY_SLICE_OF(tip.app_hash))),
                        result);
}

static json_t *query_response(enum ay_code code, const char *log, struct ay_slice value,
                              uint64_t height)
{
    const struct ay_code_info *info = ay_code_info(code);
    return json_pack("{s:{s:i, s:o, s:s, s:s, s:n, s:o, s:n, s:o, s:s}}", "response", "code",
                     (int)info->wire, "log", ay_show_text(ay_slice_str(log)), "info", "", "index",
                     "0", "key", "value", code == AY_OK ? ay_show_base64(value) : json_null(),
                     "proofOps", "height", ay_show_u64(height), "codespace", info->codespace);
}

/* A proof in ABCI's form: one step, from the key to the app hash. */
static enum ay_code add_proof(json_t *response, struct ay_slice key,
                              const struct ay_smt_proof *proof)
{
    uint8_t bytes[AY_SMT_MAX_PROOF_BYTES];
    struct ay_slice data = ay_slice(bytes, ay_smt_encode(proof, bytes));
    json_t *inner = json_object_get(response, "response");
    json_t *ops = json_pack("{s:[{s:s, s:o, s:o}]}", "ops", "type", "assay:smt", "key",
                            ay_show_base64(key), "data", ay_show_base64(data));
    return json_object_set_new(inner, "proofOps", ops) == 0 &&
                   json_object_set_new(inner, "key", ay_show_base64(key)) == 0
               ? AY_OK
               : AY_E_MEMORY;
}

/* A row's bytes by its key, as they were after a block; by default the last but one, whose state
 * has a header that carries its root. A row that is not there is a null value, and the proof says
 * so. */
static enum ay_code query_row(struct ay_node_server *server, struct ay_slice key, uint64_t height,
                              bool prove, struct ay_arena *arena, json_t **out)
{
    struct ay_engine_tip tip;
    struct ay_smt_proof proof;
    struct ay_slice value = {0};
    ay_engine_tip(server->options.engine, &tip);
    if (height == 0) height = tip.height > 1 && prove ? tip.height - 1 : tip.height;
    enum ay_code code = ay_engine_prove(server->options.engine, key, height, arena, &value, &proof);
    bool absent = code == AY_E_NOT_FOUND;
    const char *log = code == AY_E_RANGE ? "the state at this height is not kept" : "";
    *out = query_response(absent ? AY_OK : code, log, value, height);
    if (!*out) return AY_E_MEMORY;
    if (absent) json_object_set_new(json_object_get(*out, "response"), "value", json_null());
    return prove && (absent || code == AY_OK) ? add_proof(*out, key, &proof) : AY_OK;
}

/* Messages are answered from the newest state alone; another height is refused rather than answered
 * wrongly. Rows can be asked by key at each height that is kept. */
static enum ay_code query(struct ay_node_server *server, const struct ay_rpc_call *call,
                          struct ay_arena *arena, json_t **out)
{
    struct ay_slice path = call->arg[0].bytes, answer = {0};
    uint64_t height = call->arg[2].present ? (uint64_t)call->arg[2].number : 0, at;
    bool prove = call->arg[3].flag;
    struct ay_engine_tip tip;
    char reason[256];
    if (ay_slice_equal(path, ay_slice_str("/store/state/key")))
        return query_row(server, call->arg[1].bytes, height, prove, arena, out);
    ay_engine_tip(server->options.engine, &tip);
    if (height != 0 && height != tip.height) {
        *out =
            query_response(AY_E_REQUEST, "only the latest height can be queried: invalid request",
                           answer, tip.height);
        return AY_OK;
    }
    at = tip.height;
    enum ay_code code = ay_engine_query(server->options.engine, path, call->arg[1].bytes, arena,
                                        &answer, &at, reason);
    *out = query_response(code, reason, answer, at);
    return AY_OK;
}

static enum ay_code abci_query(void *ctx, const struct ay_rpc_call *call, json_t **result,
                               struct ay_rpc_error *error)
{
    struct ay_arena arena;
    json_t *response = NULL;
    (void)error;
    AY_TRY(ay_node_arena_open(&arena));
    enum ay_code code = query(ctx, call, &arena, &response);
    ay_node_arena_close(&arena);
    if (code == AY_OK) return ay_node_give(response, result);
    json_decref(response);
    return code;
}

#define HEIGHT                                                                                     \
    {                                                                                              \
        "height", AY_RPC_INT                                                                       \
    }
#define PAGES                                                                                      \
    {"page", AY_RPC_INT},                                                                          \
    {                                                                                              \
        "per_page", AY_RPC_INT                                                                     \
    }

const struct ay_rpc_method ay_node_methods[] = {
    {"health", health, false, {{NULL}}},
    {"status", status, false, {{NULL}}},
    {"genesis", genesis, false, {{NULL}}},
    {"abci_info", abci_info, false, {{NULL}}},
    {"abci_query",
     abci_query,
     false,
     {{"path", AY_RPC_TEXT}, {"data", AY_RPC_HEX}, HEIGHT, {"prove", AY_RPC_BOOL}}},
    {"block", ay_method_block, false, {HEIGHT}},
    {"block_by_hash", ay_method_block_by_hash, false, {{"hash", AY_RPC_BASE64}}},
    {"block_results", ay_method_block_results, false, {HEIGHT}},
    {"block_search",
     ay_method_block_search,
     false,
     {{"query", AY_RPC_TEXT}, PAGES, {"order_by", AY_RPC_TEXT}}},
    {"blockchain",
     ay_method_blockchain,
     false,
     {{"minHeight", AY_RPC_INT}, {"maxHeight", AY_RPC_INT}}},
    {"commit", ay_method_commit, false, {HEIGHT}},
    {"consensus_params", ay_method_consensus_params, false, {HEIGHT}},
    {"header", ay_method_header, false, {HEIGHT}},
    {"header_by_hash", ay_method_header_by_hash, false, {{"hash", AY_RPC_BASE64}}},
    {"validators", ay_method_validators, false, {HEIGHT, PAGES}},
    {"broadcast_tx_async", ay_method_broadcast_async, false, {{"tx", AY_RPC_BASE64}}},
    {"broadcast_tx_sync", ay_method_broadcast_sync, false, {{"tx", AY_RPC_BASE64}}},
    {"broadcast_tx_commit", ay_method_broadcast_commit, false, {{"tx", AY_RPC_BASE64}}},
    {"num_unconfirmed_txs", ay_method_num_unconfirmed, false, {{NULL}}},
    {"tx", ay_method_tx, false, {{"hash", AY_RPC_BASE64}, {"prove", AY_RPC_BOOL}}},
    {"tx_search",
     ay_method_tx_search,
     false,
     {{"query", AY_RPC_TEXT}, {"prove", AY_RPC_BOOL}, PAGES, {"order_by", AY_RPC_TEXT}}},
    {"subscribe", ay_method_subscribe, true, {{"query", AY_RPC_TEXT}}},
    {"unsubscribe", ay_method_unsubscribe, true, {{"query", AY_RPC_TEXT}}},
    {"unsubscribe_all", ay_method_unsubscribe_all, true, {{NULL}}},
};
const uint32_t ay_node_method_count = sizeof ay_node_methods / sizeof *ay_node_methods;
