#include "net/node_client.h"

#include "base/arena.h"
#include "base/text.h"
#include "net/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_BYTES = 256,
    ARENA_BYTES = 2 * AY_NODE_MAX_ANSWER_BYTES, /* touched only as far as an answer needs */
};

struct ay_node_client {
    struct ay_http_client *http;
    char url[URL_BYTES];
    json_t *answer; /* what was given out is borrowed from here … */
    void *memory;   /* … and from here */
    struct ay_arena arena;
    char message[600];
};

enum ay_code ay_node_open(const char *url, const char *key, struct ay_node_client **out)
{
    static const char tcp[] = "tcp://";
    struct ay_node_client *node = calloc(1, sizeof *node);
    if (!node) return AY_E_MEMORY;
    bool is_tcp = !strncmp(url, tcp, sizeof tcp - 1);
    int n = snprintf(node->url, sizeof node->url, "%s%s", is_tcp ? "http://" : "",
                     is_tcp ? url + sizeof tcp - 1 : url);
    const struct ay_http_client_options options = {.key = key,
                                                   .max_bytes = AY_NODE_MAX_ANSWER_BYTES};
    node->memory = aligned_alloc(16, ARENA_BYTES);
    enum ay_code code = n < 0 || (size_t)n >= sizeof node->url ? AY_E_USAGE : AY_OK;
    if (code == AY_OK)
        code = node->memory ? ay_http_client_open(&options, &node->http) : AY_E_MEMORY;
    if (code != AY_OK) {
        ay_node_close(node);
        return code;
    }
    node->arena = ay_arena_over(node->memory, ARENA_BYTES);
    *out = node;
    return AY_OK;
}

void ay_node_close(struct ay_node_client *node)
{
    if (!node) return;
    ay_http_client_close(node->http);
    json_decref(node->answer);
    free(node->memory);
    free(node);
}

const char *ay_node_message(const struct ay_node_client *node)
{
    return node->message;
}

void ay_node_cancel(struct ay_node_client *node)
{
    ay_http_client_cancel(node->http);
}

__attribute__((format(printf, 3, 4))) static enum ay_code
fail(struct ay_node_client *node, enum ay_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(node->message, sizeof node->message, format, args);
    va_end(args);
    return code;
}

/* What an error answer means, by the texts that CometBFT gives and other clients match too. */
static enum ay_code error_code(const char *data)
{
    static const struct {
        const char *text;
        enum ay_code code;
    } known[] = {{"tx already exists in cache", AY_E_TX_IN_CACHE},
                 {"timed out waiting for tx", AY_E_TIMEOUT},
                 {"mempool is full", AY_E_MEMPOOL_FULL},
                 {"not found", AY_E_NOT_FOUND},
                 {"must be less than or equal to", AY_E_RANGE},
                 {"is not available", AY_E_RANGE},
                 {"page should be within", AY_E_RANGE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(data, known[i].text)) return known[i].code;
    return AY_E_REQUEST;
}

static enum ay_code read_answer(struct ay_node_client *node, const char *method,
                                const struct ay_http_answer *answer, const json_t **result)
{
    char why[160];
    if (answer->status == 401 || answer->status == 403)
        return fail(node, AY_E_KEY, "%s: %.*s", node->url, (int)answer->body.len,
                    (const char *)answer->body.data);
    enum ay_code code = ay_json_parse(answer->body, &node->answer, why, sizeof why);
    if (code != AY_OK) return fail(node, code, "%s: %s: %s", node->url, method, why);
    const json_t *error = json_object_get(node->answer, "error");
    *result = json_object_get(node->answer, "result");
    if (!error)
        return *result ? AY_OK : fail(node, AY_E_FORMAT, "%s: %s: no result", node->url, method);
    const char *data = "", *text = "";
    if (ay_json_string(error, "data", &data) != AY_OK) data = "";
    if (ay_json_string(error, "message", &text) != AY_OK) text = "error";
    return fail(node, error_code(data), "%s: %s%s%s", method, text, *data ? ": " : "", data);
}

/* Calls a method; takes params. */
static enum ay_code call(struct ay_node_client *node, const char *method, json_t *params,
                         const json_t **result)
{
    struct ay_http_answer answer;
    json_decref(node->answer);
    node->answer = NULL;
    ay_arena_rewind(&node->arena, 0);
    node->message[0] = '\0';
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", params);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text) return fail(node, AY_E_MEMORY, "%s: out of memory", method);
    enum ay_code code = ay_http_call(node->http, "POST", node->url, "application/json",
                                     ay_slice_str(text), &answer);
    free(text);
    if (code != AY_OK) return fail(node, code, "%s", ay_http_client_message(node->http));
    return read_answer(node, method, &answer, result);
}

/* Reading answers. A member that may be null or absent reads as empty. */

static const char *string_or_empty(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static enum ay_code read_base64(struct ay_node_client *node, const json_t *object, const char *name,
                                struct ay_slice *out)
{
    struct ay_slice text = ay_slice_str(string_or_empty(object, name));
    uint32_t room = text.len / 4 * 3, len = 0;
    uint8_t *bytes = AY_NEW(&node->arena, uint8_t, room);
    if (!bytes) return AY_E_LIMIT;
    AY_TRY(ay_parse_base64(text, bytes, room, &len));
    *out = ay_slice(bytes, len);
    return AY_OK;
}

static enum ay_code read_events(struct ay_node_client *node, const json_t *list,
                                const struct ay_node_event **out, uint32_t *count)
{
    size_t n = json_array_size(list);
    struct ay_node_event *events = AY_NEW(&node->arena, struct ay_node_event, n);
    if (!events) return AY_E_LIMIT;
    for (size_t i = 0; i < n; i++) {
        const json_t *event = json_array_get(list, i);
        const json_t *attrs = json_object_get(event, "attributes");
        size_t m = json_array_size(attrs);
        struct ay_node_attr *a = AY_NEW(&node->arena, struct ay_node_attr, m);
        if (!a) return AY_E_LIMIT;
        AY_TRY(ay_json_string(event, "type", &events[i].type));
        for (size_t j = 0; j < m; j++) {
            const json_t *attr = json_array_get(attrs, j);
            AY_TRY(ay_json_string(attr, "key", &a[j].key));
            a[j].value = string_or_empty(attr, "value");
        }
        events[i].attrs = a;
        events[i].attr_count = (uint32_t)m;
    }
    *out = events;
    *count = (uint32_t)n;
    return AY_OK;
}

static enum ay_code read_optional_int64(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    *out = 0;
    return value ? ay_json_to_int64(value, out) : AY_OK;
}

static enum ay_code read_result(struct ay_node_client *node, const json_t *json, const char *data,
                                struct ay_node_result *out)
{
    int64_t code;
    *out = (struct ay_node_result){0};
    AY_TRY(ay_json_int64(json, "code", &code));
    if (code < 0 || code > UINT32_MAX) return AY_E_FORMAT;
    out->code = (uint32_t)code;
    out->codespace = string_or_empty(json, "codespace");
    out->log = string_or_empty(json, "log");
    AY_TRY(read_base64(node, json, data, &out->data));
    AY_TRY(read_optional_int64(json, "gas_wanted", &out->gas_wanted));
    AY_TRY(read_optional_int64(json, "gas_used", &out->gas_used));
    return read_events(node, json_object_get(json, "events"), &out->events, &out->event_count);
}

static enum ay_code read_hash(const json_t *json, uint8_t out[32])
{
    const char *text;
    uint32_t len = 0;
    AY_TRY(ay_json_string(json, "hash", &text));
    AY_TRY(ay_parse_hex(ay_slice_str(text), out, 32, &len));
    return len == 32 ? AY_OK : AY_E_FORMAT;
}

/* A transaction as `tx`, `tx_search` and `broadcast_tx_commit` show it. */
static enum ay_code read_tx(struct ay_node_client *node, const json_t *json, struct ay_node_tx *out)
{
    int64_t index;
    *out = (struct ay_node_tx){0};
    AY_TRY(read_hash(json, out->hash));
    AY_TRY(ay_json_int64(json, "height", &out->height));
    AY_TRY(read_optional_int64(json, "index", &index));
    if (index < 0 || index > UINT32_MAX || out->height < 0) return AY_E_FORMAT;
    out->index = (uint32_t)index;
    const json_t *check = json_object_get(json, "check_tx");
    if (check) AY_TRY(read_result(node, check, "data", &out->check));
    return read_result(node, json_object_get(json, "tx_result"), "data", &out->result);
}

/* Gives code back, with a message when the answer's shape is to blame. */
static enum ay_code shape(struct ay_node_client *node, const char *method, enum ay_code code)
{
    if (code == AY_OK) return AY_OK;
    if (code == AY_E_LIMIT) return fail(node, code, "%s: the answer is too large", method);
    return fail(node, AY_E_FORMAT, "%s: %s: not an answer of a node", node->url, method);
}

/* Calls */

static enum ay_code read_status(const json_t *result, struct ay_node_status *out)
{
    const json_t *info = json_object_get(result, "node_info");
    const json_t *sync = json_object_get(result, "sync_info");
    AY_TRY(ay_json_string(info, "network", &out->chain_id));
    AY_TRY(ay_json_string(info, "moniker", &out->moniker));
    AY_TRY(ay_json_string(info, "version", &out->version));
    AY_TRY(ay_json_int64(sync, "latest_block_height", &out->height));
    AY_TRY(ay_json_string(sync, "latest_block_time", &out->time));
    AY_TRY(ay_json_string(sync, "latest_app_hash", &out->app_hash));
    out->catching_up = json_is_true(json_object_get(sync, "catching_up"));
    return AY_OK;
}

enum ay_code ay_node_status(struct ay_node_client *node, struct ay_node_status *out)
{
    const json_t *result;
    AY_TRY(call(node, "status", json_object(), &result));
    return shape(node, "status", read_status(result, out));
}

enum ay_code ay_node_code(const struct ay_node_result *result)
{
    enum ay_code code = ay_code_find(result->codespace, result->code);
    return code == AY_CODE_COUNT ? AY_E_REJECTED : code;
}

enum ay_code ay_node_query(struct ay_node_client *node, const char *path, struct ay_slice data,
                           int64_t height, struct ay_node_query *out)
{
    static const char method[] = "abci_query";
    size_t room = 2 * (size_t)data.len + 1;
    char *hex = malloc(room);
    if (!hex) return AY_E_MEMORY;
    struct ay_text text = ay_text_over(hex, (uint32_t)room);
    ay_text_hex(&text, data);
    json_t *params = json_pack("{s:s, s:s, s:o, s:b}", "path", path, "data", hex, "height",
                               json_sprintf("%lld", (long long)height), "prove", 0);
    free(hex);
    const json_t *result;
    AY_TRY(call(node, method, params, &result));
    const json_t *response = json_object_get(result, "response");
    AY_TRY(shape(node, method, read_result(node, response, "value", &out->result)));
    if (out->result.code) snprintf(node->message, sizeof node->message, "%s", out->result.log);
    return shape(node, method, read_optional_int64(response, "height", &out->height));
}

static enum ay_code broadcast(struct ay_node_client *node, const char *method, struct ay_slice tx,
                              const json_t **result)
{
    size_t room = ((size_t)tx.len + 2) / 3 * 4 + 1;
    char *base64 = malloc(room);
    if (!base64) return AY_E_MEMORY;
    struct ay_text text = ay_text_over(base64, (uint32_t)room);
    ay_text_base64(&text, tx);
    json_t *params = json_pack("{s:s}", "tx", base64);
    free(base64);
    return call(node, method, params, result);
}

enum ay_code ay_node_broadcast_sync(struct ay_node_client *node, struct ay_slice tx,
                                    struct ay_node_tx *out)
{
    static const char method[] = "broadcast_tx_sync";
    const json_t *result;
    *out = (struct ay_node_tx){0};
    AY_TRY(broadcast(node, method, tx, &result));
    AY_TRY(shape(node, method, read_hash(result, out->hash)));
    return shape(node, method, read_result(node, result, "data", &out->check));
}

enum ay_code ay_node_broadcast_commit(struct ay_node_client *node, struct ay_slice tx,
                                      struct ay_node_tx *out)
{
    static const char method[] = "broadcast_tx_commit";
    const json_t *result;
    AY_TRY(broadcast(node, method, tx, &result));
    return shape(node, method, read_tx(node, result, out));
}

enum ay_code ay_node_tx(struct ay_node_client *node, const uint8_t hash[32], struct ay_node_tx *out)
{
    char base64[48];
    struct ay_text text = ay_text_over(base64, sizeof base64);
    ay_text_base64(&text, ay_slice(hash, 32));
    const json_t *result;
    AY_TRY(call(node, "tx", json_pack("{s:s, s:b}", "hash", base64, "prove", 0), &result));
    return shape(node, "tx", read_tx(node, result, out));
}

static enum ay_code read_txs(struct ay_node_client *node, const json_t *result,
                             struct ay_node_txs *out)
{
    const json_t *list = json_object_get(result, "txs");
    size_t n = json_array_size(list);
    struct ay_node_tx *txs = AY_NEW(&node->arena, struct ay_node_tx, n);
    if (!txs) return AY_E_LIMIT;
    AY_TRY(ay_json_int64(result, "total_count", &out->total));
    for (size_t i = 0; i < n; i++) AY_TRY(read_tx(node, json_array_get(list, i), &txs[i]));
    out->txs = txs;
    out->count = (uint32_t)n;
    return AY_OK;
}

enum ay_code ay_node_tx_search(struct ay_node_client *node, const char *query, uint32_t page,
                               uint32_t per_page, struct ay_node_txs *out)
{
    const json_t *result;
    AY_TRY(call(node, "tx_search",
                json_pack("{s:s, s:b, s:o, s:o, s:s}", "query", query, "prove", 0, "page",
                          json_sprintf("%u", page), "per_page", json_sprintf("%u", per_page),
                          "order_by", "asc"),
                &result));
    return shape(node, "tx_search", read_txs(node, result, out));
}

static enum ay_code read_block_results(struct ay_node_client *node, const json_t *result,
                                       struct ay_node_block_results *out)
{
    const json_t *list = json_object_get(result, "txs_results");
    size_t n = json_array_size(list);
    struct ay_node_result *txs = AY_NEW(&node->arena, struct ay_node_result, n);
    if (!txs) return AY_E_LIMIT;
    AY_TRY(ay_json_int64(result, "height", &out->height));
    for (size_t i = 0; i < n; i++)
        AY_TRY(read_result(node, json_array_get(list, i), "data", &txs[i]));
    out->txs = txs;
    out->tx_count = (uint32_t)n;
    return read_events(node, json_object_get(result, "finalize_block_events"), &out->events,
                       &out->event_count);
}

enum ay_code ay_node_block_results(struct ay_node_client *node, int64_t height,
                                   struct ay_node_block_results *out)
{
    static const char method[] = "block_results";
    const json_t *result;
    json_t *params = height ? json_pack("{s:o}", "height", json_sprintf("%lld", (long long)height))
                            : json_object();
    AY_TRY(call(node, method, params, &result));
    return shape(node, method, read_block_results(node, result, out));
}

const char *ay_node_attr(const struct ay_node_event *event, const char *key)
{
    for (uint32_t i = 0; i < event->attr_count; i++)
        if (!strcmp(event->attrs[i].key, key)) return event->attrs[i].value;
    return NULL;
}
