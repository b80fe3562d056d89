/* Cosmos REST as cosmpy and wallets read it. The queries of the schema are one handler; blocks,
 * transactions and facts about the node are written out. */
#include "net/node_internal.h"

#include "base/codec.h"
#include "base/gen/bank.h"
#include "base/gen/tx.h"
#include "net/json.h"
#include "net/json_read.h"

#include <stdlib.h>

#define COSMOS_BASE "/cosmos/base/tendermint/v1beta1"

enum { BODY_BYTES = 4 << 20 }; /* a transaction as JSON */

/* --- answers --- */

static void answer(struct ay_http_response *response, uint32_t status, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    ay_http_bytes(response, text ? status : 500, "application/json", text, text ? strlen(text) : 0);
}

/* An error as the SDK's gateway gives it: the code is gRPC's, and the message without what the
 * gateway's own server put around it. */
static void refuse(struct ay_http_response *response, enum ay_code code, const char *reason)
{
    static const struct {
        uint32_t http;
        int grpc;
    } codes[] = {{400, 3}, {401, 16}, {403, 7}, {404, 5}, {409, 9}, {413, 8}, {501, 12}, {503, 14}};
    static const char around[] = "rpc error: code = NotFound desc = ";
    const struct ay_code_info *info = ay_code_info(code);
    int grpc = 2;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].http == info->http) grpc = codes[i].grpc;
    if (!*reason) reason = info->text;
    if (!strncmp(reason, around, sizeof around - 1)) reason += sizeof around - 1;
    size_t len = strlen(reason), tail = strlen(info->text) + 2;
    if (len > tail && !strncmp(reason + len - tail, ": ", 2) &&
        !strcmp(reason + len - tail + 2, info->text))
        len -= tail;
    answer(response, info->http,
           json_pack("{s:i, s:o, s:[]}", "code", grpc, "message",
                     ay_show_text(ay_slice(reason, (uint32_t)len)), "details"));
}

static void not_implemented(void *ctx, const struct ay_http_request *request,
                            struct ay_http_response *response)
{
    (void)ctx;
    (void)request;
    answer(response, 501,
           json_pack("{s:i, s:s, s:[]}", "code", 12, "message", "Not Implemented", "details"));
}

/* --- queries of the schema --- */

/* Sets one field from its text; repeated fields and messages cannot be. */
static enum ay_code set_field(const struct ay_field *f, const char *text, struct ay_arena *arena,
                              void *request, char why[256])
{
    const char *expects = "";
    enum ay_code code =
        ay_value_parse(f, ay_slice_str(text), arena, (uint8_t *)request + f->offset, &expects);
    if (code == AY_E_FORMAT) snprintf(why, 256, "%s: expects %s", f->name, expects);
    if (code == AY_OK && f->flags & AY_FIELD_HAS) ((uint8_t *)request)[f->aside] = true;
    return code;
}

/* The value that the request's path gives for a field whose name stands in braces. */
static const char *from_path(const char *pattern, const struct ay_http_request *request,
                             const char *name)
{
    uint32_t n = 0;
    for (const char *at = strchr(pattern, '{'); at; at = strchr(at + 1, '{'), n++)
        if (!strncmp(at + 1, name, strlen(name)) && at[1 + strlen(name)] == '}')
            return request->param[n];
    return NULL;
}

/* Fills a request, or a message within it whose arguments begin with `prefix`. */
static enum ay_code fill(const struct ay_msg *msg, const char *prefix, const char *pattern,
                         const struct ay_http_request *http, struct ay_arena *arena, void *request,
                         char why[256])
{
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        char name[128];
        if (f->flags & AY_FIELD_REPEATED) continue;
        if (f->kind == AY_KIND_MESSAGE) {
            snprintf(name, sizeof name, "%s%s.", prefix, f->name);
            AY_TRY(fill(f->sub, name, "", http, arena, (uint8_t *)request + f->offset, why));
            continue;
        }
        snprintf(name, sizeof name, "%s%s", prefix, f->name);
        const char *text = from_path(pattern, http, f->name);
        if (!text) text = ay_http_arg(http, name);
        if (text) AY_TRY(set_field(f, text, arena, request, why));
    }
    return AY_OK;
}

/* Asks the engine and writes what it says as JSON. */
static enum ay_code ask(struct ay_node_server *server, const struct ay_msg *msg,
                        const void *request, struct ay_arena *arena,
                        struct ay_http_response *response, char why[256])
{
    struct ay_slice data, value;
    uint64_t height;
    char *text;
    size_t len;
    AY_TRY(ay_encode_arena(msg, request, arena, &data));
    AY_TRY(ay_engine_query(server->options.engine, ay_slice_str(msg->query->path), data, arena,
                           &value, &height, why));
    const struct ay_msg *shape = msg->query->answer;
    void *decoded = ay_arena_take(arena, 1, shape->size);
    if (!decoded) return AY_E_LIMIT;
    AY_TRY(ay_decode(shape, value, arena, decoded, NULL));
    AY_TRY(ay_show_message_text(shape, decoded, arena, &text, &len));
    ay_http_bytes(response, 200, "application/json", text, len);
    return AY_OK;
}

static void query(void *ctx, const struct ay_http_request *http, struct ay_http_response *response)
{
    const struct ay_rest_query *q = ctx;
    struct ay_arena arena;
    char why[256] = "";
    enum ay_code code = ay_node_arena_open(&arena);
    if (code != AY_OK) return refuse(response, code, why);
    void *request = ay_arena_take(&arena, 1, q->request->size);
    code = request ? fill(q->request, "", q->pattern, http, &arena, request, why) : AY_E_LIMIT;
    if (code == AY_OK) code = ask(q->server, q->request, request, &arena, response, why);
    if (code != AY_OK) refuse(response, code, why);
    ay_node_arena_close(&arena);
}

/* --- blocks and the node --- */

static json_t *rest_block(const struct ay_node_block *block)
{
    json_t *plain = ay_show_block(AY_SHOW_REST, block), *sdk = json_deep_copy(plain);
    char address[64];
    struct ay_text text = ay_text_over(address, sizeof address);
    ay_address_write(block->header.proposer_address, &text);
    json_object_set_new(json_object_get(sdk, "header"), "proposer_address", json_string(address));
    return json_pack("{s:o, s:o, s:o}", "block_id", ay_show_block_id(AY_SHOW_REST, &block->id),
                     "block", plain, "sdk_block", sdk);
}

static void show_block(struct ay_node_server *server, uint64_t height,
                       struct ay_http_response *response)
{
    struct ay_node_block block;
    char why[96];
    enum ay_code code = ay_node_block_open(server->options.engine, height, &block);
    snprintf(why, sizeof why, "block %llu not found", (unsigned long long)height);
    if (code != AY_OK) return refuse(response, code, code == AY_E_NOT_FOUND ? why : "");
    answer(response, 200, rest_block(&block));
    ay_node_block_close(&block);
}

static void latest_block(void *ctx, const struct ay_http_request *request,
                         struct ay_http_response *response)
{
    (void)request;
    show_block(ctx, 0, response);
}

static void block_at(void *ctx, const struct ay_http_request *request,
                     struct ay_http_response *response)
{
    struct ay_node_server *server = ctx;
    struct ay_engine_tip tip;
    uint64_t height;
    if (ay_parse_u64(ay_slice_str(request->param[0]), UINT64_MAX, &height) != AY_OK || !height)
        return refuse(response, AY_E_REQUEST, "height must be a number above 0");
    ay_engine_tip(server->options.engine, &tip);
    if (height > tip.height)
        return refuse(response, AY_E_REQUEST,
                      "requested block height is bigger then the chain length");
    show_block(server, height, response);
}

static void node_info(void *ctx, const struct ay_http_request *request,
                      struct ay_http_response *response)
{
    const struct ay_node_server *server = ctx;
    const struct ay_node_server_options *o = &server->options;
    static const uint8_t channels[] = {0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61, 0x00};
    char listen[80], version[40];
    (void)request;
    ay_node_listen(server, listen);
    snprintf(version, sizeof version, "v%s", o->version);
    json_t *node =
        json_pack("{s:{s:s, s:s, s:s}, s:o, s:s, s:o, s:s, s:o, s:s, s:{s:s, s:s}}",
                  "protocol_version", "p2p", "8", "block", "11", "app", "1", "default_node_id",
                  ay_show_lower_hex(AY_SLICE_OF(server->address)), "listen_addr", listen, "network",
                  ay_show_text(o->genesis->chain_id), "version", AY_NODE_COMET_VERSION, "channels",
                  ay_show_base64(AY_SLICE_OF(channels)), "moniker", o->moniker, "other", "tx_index",
                  "on", "rpc_address", listen);
    answer(response, 200,
           json_pack("{s:o, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:s}}", "default_node_info",
                     node, "application_version", "name", "assay", "app_name", "assay", "version",
                     version, "git_commit", "", "build_tags", "", "go_version", "", "build_deps",
                     "cosmos_sdk_version", AY_NODE_SDK_VERSION));
}

static void syncing(void *ctx, const struct ay_http_request *request,
                    struct ay_http_response *response)
{
    (void)ctx;
    (void)request;
    answer(response, 200, json_pack("{s:b}", "syncing", 0));
}

static void consensus_params(void *ctx, const struct ay_http_request *request,
                             struct ay_http_response *response)
{
    (void)ctx;
    (void)request;
    json_t *params = ay_node_consensus_params_json();
    json_object_set_new(json_object_get(params, "evidence"), "max_age_duration",
                        json_string("172800s")); /* REST has durations in seconds */
    answer(response, 200, json_pack("{s:o}", "params", params));
}

/* "0.025nasy" with the 18 decimals that the SDK writes. */
static void node_config(void *ctx, const struct ay_http_request *request,
                        struct ay_http_response *response)
{
    enum { DECIMALS = 18 };
    const struct ay_node_server *server = ctx;
    const char *price = server->options.min_gas_price;
    size_t whole = strspn(price, "0123456789");
    size_t part = price[whole] == '.' ? strspn(price + whole + 1, "0123456789") : 0;
    const char *denom = price + whole + (part ? part + 1 : 0);
    int zeros = part < DECIMALS ? DECIMALS - (int)part : 0;
    char text[160];
    (void)request;
    snprintf(text, sizeof text, "%.*s.%.*s%0*d", (int)whole, price, (int)part, price + whole + 1,
             zeros, 0);
    if (!zeros) text[strlen(text) - 1] = '\0'; /* "%00d" still writes one */
    answer(response, 200,
           json_pack("{s:o, s:s, s:s, s:s}", "minimum_gas_price", json_sprintf("%s%s", text, denom),
                     "pruning_keep_recent", "0", "pruning_interval", "0", "halt_height", "0"));
}

/* --- transactions --- */

/* tx_response: of a transaction in a block, or just sent (height 0). */
static json_t *tx_response(uint64_t height, const uint8_t hash[AY_HASH_BYTES],
                           const struct ay_ledger_tx_result *r, json_t *tx, json_t *timestamp)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:[], s:s, s:o, s:o, s:o, s:o, s:o}", "height",
                     ay_show_u64(height), "txhash", ay_show_hex(ay_slice(hash, AY_HASH_BYTES)),
                     "codespace", ay_show_text(r->codespace), "code", (json_int_t)r->code, "data",
                     ay_show_hex(r->data), "raw_log", ay_show_text(r->log), "logs", "info", "",
                     "gas_wanted", ay_show_u64(r->gas_wanted), "gas_used", ay_show_u64(r->gas_used),
                     "tx", tx, "timestamp", timestamp, "events",
                     ay_show_events(r->events, r->events_count));
}

/* Takes a signed transaction apart, and as the Any that tx_response wants. */
static enum ay_code take_apart(struct ay_slice raw, struct ay_arena *arena, struct ay_tx_tx *tx,
                               struct ay_protobuf_any *any)
{
    struct ay_tx_tx_raw parts;
    *tx = (struct ay_tx_tx){.has_body = true, .has_auth_info = true};
    AY_TRY(ay_decode(&ay_tx_tx_raw_msg, raw, arena, &parts, NULL));
    AY_TRY(ay_decode(&ay_tx_tx_body_msg, parts.body_bytes, arena, &tx->body, NULL));
    AY_TRY(ay_decode(&ay_tx_auth_info_msg, parts.auth_info_bytes, arena, &tx->auth_info, NULL));
    tx->signatures = parts.signatures;
    tx->signatures_count = parts.signatures_count;
    any->type_url = ay_slice_str("/cosmos.tx.v1beta1.Tx");
    return ay_encode_arena(&ay_tx_tx_msg, tx, arena, &any->value);
}

static enum ay_code show_tx(struct ay_node_server *server, const uint8_t hash[AY_HASH_BYTES],
                            struct ay_http_response *response)
{
    struct ay_node_block block;
    struct ay_tx_tx tx;
    struct ay_protobuf_any any;
    uint64_t height;
    uint32_t index;
    AY_TRY(ay_engine_tx_by_hash(server->options.engine, hash, &height, &index));
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    enum ay_code code = take_apart(block.stored.txs[index], &block.arena, &tx, &any);
    if (code == AY_OK) {
        struct ay_protobuf_timestamp second = {.seconds = block.header.time.seconds};
        json_t *packed = ay_show_message(&ay_protobuf_any_msg, &any, &block.arena);
        answer(response, 200,
               json_pack("{s:o, s:o}", "tx", ay_show_message(&ay_tx_tx_msg, &tx, &block.arena),
                         "tx_response",
                         tx_response(height, hash, &block.results.txs[index], packed,
                                     ay_show_time(second))));
    }
    ay_node_block_close(&block);
    return code;
}

static void get_tx(void *ctx, const struct ay_http_request *request,
                   struct ay_http_response *response)
{
    uint8_t hash[AY_HASH_BYTES];
    uint32_t len;
    char why[128];
    if (ay_parse_hex(ay_slice_str(request->param[0]), hash, sizeof hash, &len) != AY_OK ||
        len != AY_HASH_BYTES)
        return refuse(response, AY_E_REQUEST, "a transaction's hash is 64 hex digits");
    enum ay_code code = show_tx(ctx, hash, response);
    snprintf(why, sizeof why, "tx not found: %.64s", request->param[0]);
    if (code != AY_OK) refuse(response, code, code == AY_E_NOT_FOUND ? why : "");
}

/* Reads a request's body as JSON into the message. */
static enum ay_code read_body(const struct ay_http_request *http, const struct ay_msg *msg,
                              struct ay_arena *arena, void *out, char why[256])
{
    json_t *json;
    struct ay_text text = ay_text_over(why, 256);
    AY_TRY(ay_json_parse(http->body, &json, why, 256));
    enum ay_code code = ay_json_read(msg, json, arena, out, &text);
    json_decref(json);
    return code;
}

static enum ay_code broadcast(struct ay_node_server *server, const struct ay_http_request *http,
                              struct ay_arena *arena, struct ay_http_response *response,
                              char why[256])
{
    struct ay_tx_broadcast_tx_request request;
    struct ay_engine_check check;
    AY_TRY(read_body(http, &ay_tx_broadcast_tx_request_msg, arena, &request, why));
    if (!request.tx_bytes.len) return snprintf(why, 256, "tx_bytes is empty"), AY_E_REQUEST;
    AY_TRY(ay_engine_submit(server->options.engine, request.tx_bytes, &check));
    const struct ay_ledger_tx_result r = ay_node_check_result(&check);
    answer(response, 200,
           json_pack("{s:o}", "tx_response",
                     tx_response(0, check.hash, &r, json_null(), json_string(""))));
    return AY_OK;
}

static void post_tx(void *ctx, const struct ay_http_request *http,
                    struct ay_http_response *response)
{
    struct ay_arena arena;
    char why[256] = "";
    enum ay_code code = ay_node_arena_open(&arena);
    if (code != AY_OK) return refuse(response, code, why);
    code = broadcast(ctx, http, &arena, response, why);
    if (code != AY_OK) refuse(response, code, why);
    ay_node_arena_close(&arena);
}

static void simulate(void *ctx, const struct ay_http_request *http,
                     struct ay_http_response *response)
{
    struct ay_tx_simulate_request request;
    struct ay_arena arena;
    char why[256] = "";
    enum ay_code code = ay_node_arena_open(&arena);
    if (code != AY_OK) return refuse(response, code, why);
    code = read_body(http, &ay_tx_simulate_request_msg, &arena, &request, why);
    if (code == AY_OK)
        code = ask(ctx, &ay_tx_simulate_request_msg, &request, &arena, response, why);
    if (code != AY_OK) refuse(response, code, why);
    ay_node_arena_close(&arena);
}

/* --- routes --- */

static void add(struct ay_node_server *server, enum ay_http_method method, const char *pattern,
                ay_http_handler *handler, void *ctx)
{
    server->routes[server->route_count++] = (struct ay_http_route){
        method, pattern, handler, ctx, method == AY_HTTP_POST ? BODY_BYTES : 0};
}

void ay_node_rest_routes(struct ay_node_server *server)
{
    static const struct {
        enum ay_http_method method;
        const char *pattern;
        ay_http_handler *handler;
    } own[] = {{AY_HTTP_GET, COSMOS_BASE "/blocks/latest", latest_block},
               {AY_HTTP_GET, COSMOS_BASE "/blocks/{height}", block_at},
               {AY_HTTP_GET, COSMOS_BASE "/node_info", node_info},
               {AY_HTTP_GET, COSMOS_BASE "/syncing", syncing},
               {AY_HTTP_GET, "/cosmos/base/node/v1beta1/config", node_config},
               {AY_HTTP_GET, "/cosmos/consensus/v1/params", consensus_params},
               {AY_HTTP_GET, "/cosmos/tx/v1beta1/txs/{hash}", get_tx},
               {AY_HTTP_POST, "/cosmos/tx/v1beta1/txs", post_tx},
               {AY_HTTP_POST, "/cosmos/tx/v1beta1/simulate", simulate}};
    /* What other chains answer there, of any depth that wallets ask for. */
    static const char *const others[] = {
        "/cosmos/{a}/{b}/{c}", "/cosmos/{a}/{b}/{c}/{d}", "/cosmos/staking/v1beta1/{a}/{b}/{c}",
        "/cosmos/distribution/v1beta1/{a}/{b}/{c}", "/cosmos/gov/{a}/{b}/{c}/{d}"};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        add(server, own[i].method, own[i].pattern, own[i].handler, server);
    for (uint32_t i = 0; i < ay_msgs_count; i++) {
        const struct ay_query_desc *q = ay_msgs[i]->query;
        if (!q || !*q->rest) continue;
        server->queries[n] = (struct ay_rest_query){server, ay_msgs[i], q->rest};
        add(server, AY_HTTP_GET, q->rest, query, &server->queries[n++]);
    }
    /* Nothing is locked within an account, so all of a balance can be spent. */
    server->queries[n] =
        (struct ay_rest_query){server, &ay_bank_query_all_balances_request_msg,
                               "/cosmos/bank/v1beta1/spendable_balances/{address}"};
    add(server, AY_HTTP_GET, server->queries[n].pattern, query, &server->queries[n]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add(server, AY_HTTP_GET, others[i], not_implemented, server);
}
