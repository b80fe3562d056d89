#include "net/jsonrpc.h"

#include "base/text.h"
#include "net/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call's arguments: values, and the bytes decoded for them. */
struct arguments {
    struct ay_rpc_value value[AY_RPC_MAX_ARGS];
    void *owned[AY_RPC_MAX_ARGS];
    json_t *parsed[AY_RPC_MAX_ARGS]; /* trees of GET arguments, which the texts are borrowed from */
};

static void arguments_free(struct arguments *a)
{
    for (size_t i = 0; i < AY_RPC_MAX_ARGS; i++) {
        free(a->owned[i]);
        json_decref(a->parsed[i]);
    }
}

enum ay_code ay_rpc_fail(struct ay_rpc_error *error, enum ay_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->data, sizeof error->data, format, args);
    va_end(args);
    return code;
}

/* Answers */

static json_t *answer(json_t *id, const char *what, json_t *value)
{
    return json_pack("{s:s, s:O*, s:o}", "jsonrpc", "2.0", "id", id, what, value);
}

static json_t *error_answer(json_t *id, int code, const char *data)
{
    static const struct {
        int code;
        const char *message;
    } messages[] = {{AY_RPC_E_PARSE, "Parse error. Invalid JSON"},
                    {AY_RPC_E_REQUEST, "Invalid Request"},
                    {AY_RPC_E_METHOD, "Method not found"},
                    {AY_RPC_E_PARAMS, "Invalid params"},
                    {AY_RPC_E_INTERNAL, "Internal error"}};
    const char *message = "Server error";
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (messages[i].code == code) message = messages[i].message;
    json_t *error = json_pack("{s:i, s:s}", "code", code, "message", message);
    if (error && *data) json_object_set_new(error, "data", json_sprintf("%s", data));
    return answer(id, "error", error);
}

/* Arguments */

static uint32_t arg_count(const struct ay_rpc_method *method)
{
    uint32_t n = 0;
    while (n < AY_RPC_MAX_ARGS && method->args[n].name) n++;
    return n;
}

/* Decodes text as hex or base64 into memory of its own. */
static enum ay_code decode_bytes(struct arguments *a, uint32_t i, struct ay_slice text,
                                 enum ay_code (*parse)(struct ay_slice, uint8_t *, uint32_t,
                                                       uint32_t *))
{
    uint8_t *bytes = malloc((size_t)text.len + 1);
    if (!bytes) return AY_E_MEMORY;
    a->owned[i] = bytes;
    a->value[i].bytes.data = bytes;
    return parse(text, bytes, text.len, &a->value[i].bytes.len);
}

/* One argument out of JSON. */
static enum ay_code take_json(struct arguments *a, uint32_t i, enum ay_rpc_kind kind,
                              const json_t *json)
{
    struct ay_rpc_value *value = &a->value[i];
    if (!json || json_is_null(json)) return AY_OK;
    value->present = true;
    if (kind == AY_RPC_INT) return ay_json_to_int64(json, &value->number);
    if (kind == AY_RPC_BOOL) {
        value->flag = json_is_true(json);
        return json_is_boolean(json) ? AY_OK : AY_E_FORMAT;
    }
    if (!json_is_string(json)) return AY_E_FORMAT;
    struct ay_slice text = ay_slice(json_string_value(json), (uint32_t)json_string_length(json));
    if (kind == AY_RPC_BASE64) return decode_bytes(a, i, text, ay_parse_base64);
    if (kind == AY_RPC_HEX) return decode_bytes(a, i, text, ay_parse_hex);
    value->text = json_string_value(json);
    value->bytes = text;
    return AY_OK;
}

static bool take_params(const struct ay_rpc_method *method, const json_t *params,
                        struct arguments *a, struct ay_rpc_error *error)
{
    uint32_t n = arg_count(method);
    error->code = AY_RPC_E_PARAMS;
    if (json_is_array(params) && json_array_size(params) != n) {
        snprintf(error->data, sizeof error->data,
                 "error converting json params to arguments: expected %u parameters, got %zu", n,
                 json_array_size(params));
        return false;
    }
    if (params && !json_is_null(params) && !json_is_array(params) && !json_is_object(params)) {
        snprintf(error->data, sizeof error->data, "%s",
                 "error converting json params to arguments: unknown type for JSON params. "
                 "Expected map or array");
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const json_t *json = json_is_array(params) ? json_array_get(params, i)
                                                   : json_object_get(params, method->args[i].name);
        if (take_json(a, i, method->args[i].kind, json) == AY_OK) continue;
        snprintf(error->data, sizeof error->data,
                 "error converting json params to arguments: bad value of %s",
                 method->args[i].name);
        return false;
    }
    return true;
}

/* One argument out of a query: 0x… is bytes, all else JSON, with bare digits allowed for numbers
 * and a quoted string of bytes taken as they stand. */
static enum ay_code take_query(struct arguments *a, uint32_t i, enum ay_rpc_kind kind,
                               const char *text)
{
    struct ay_rpc_value *value = &a->value[i];
    bool bytes = kind == AY_RPC_BASE64 || kind == AY_RPC_HEX;
    if (!*text) return AY_OK;
    if ((bytes || kind == AY_RPC_TEXT) && text[0] == '0' && (text[1] | 0x20) == 'x') {
        AY_TRY(decode_bytes(a, i, ay_slice_str(text + 2), ay_parse_hex));
        if (kind == AY_RPC_TEXT) {
            uint8_t *end = (uint8_t *)a->owned[i] + value->bytes.len;
            *end = '\0';
            value->text = a->owned[i];
            if (memchr(a->owned[i], 0, value->bytes.len)) return AY_E_FORMAT;
        }
        value->present = true;
        return AY_OK;
    }
    char why[160];
    AY_TRY(ay_json_parse(ay_slice_str(text), &a->parsed[i], why, sizeof why));
    return take_json(a, i, bytes ? AY_RPC_TEXT : kind, a->parsed[i]);
}

/* Calls */

static const struct ay_rpc_method *find(const struct ay_rpc *rpc, const char *name, bool over_ws)
{
    for (uint32_t i = 0; name && i < rpc->method_count; i++)
        if (!strcmp(rpc->methods[i].name, name))
            return over_ws || !rpc->methods[i].ws_only ? &rpc->methods[i] : NULL;
    return NULL;
}

static void arguments_clear(struct arguments *a)
{
    *a = (struct arguments){0};
    for (size_t i = 0; i < AY_RPC_MAX_ARGS; i++) a->value[i].text = "";
}

/* Runs the method and gives its answer, never NULL but for want of memory. */
static json_t *run(const struct ay_rpc *rpc, const struct ay_rpc_method *method,
                   const struct ay_rpc_call *call, json_t *id)
{
    struct ay_rpc_error error = {.code = AY_RPC_E_INTERNAL};
    json_t *result = NULL;
    enum ay_code code = method->fn(rpc->ctx, call, &result, &error);
    if (code == AY_OK) return answer(id, "result", result ? result : json_object());
    json_decref(result);
    return error_answer(id, error.code, *error.data ? error.data : ay_code_info(code)->text);
}

/* One request of a message; NULL for a notification, which is not answered. */
static json_t *serve(const struct ay_rpc *rpc, const json_t *request, struct ay_ws *ws)
{
    json_t *id = json_object_get(request, "id");
    if (!json_is_object(request) ||
        (id && !json_is_null(id) && !json_is_string(id) && !json_is_integer(id)))
        return error_answer(NULL, AY_RPC_E_REQUEST, "no request object");
    if (!id || json_is_null(id)) return NULL;
    const char *name = json_string_value(json_object_get(request, "method"));
    const struct ay_rpc_method *method = find(rpc, name, ws != NULL);
    if (!method) return error_answer(id, AY_RPC_E_METHOD, "");
    struct arguments a;
    struct ay_rpc_error error = {0};
    arguments_clear(&a);
    const struct ay_rpc_call call = {.arg = a.value, .id = id, .ws = ws};
    json_t *out = take_params(method, json_object_get(request, "params"), &a, &error)
                      ? run(rpc, method, &call, id)
                      : error_answer(id, error.code, error.data);
    arguments_free(&a);
    return out;
}

static json_t *serve_batch(const struct ay_rpc *rpc, const json_t *batch, struct ay_ws *ws)
{
    size_t n = json_array_size(batch);
    if (n == 0 || n > AY_RPC_MAX_BATCH)
        return error_answer(NULL, AY_RPC_E_REQUEST, n ? "batch too large" : "empty batch");
    json_t *out = json_array();
    for (size_t i = 0; out && i < n; i++) {
        json_t *one = serve(rpc, json_array_get(batch, i), ws);
        if (one) json_array_append_new(out, one);
    }
    if (json_array_size(out)) return out;
    json_decref(out);
    return NULL;
}

static char *dump(json_t *root, size_t *len_bytes)
{
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    *len_bytes = text ? strlen(text) : 0;
    json_decref(root);
    return text;
}

uint32_t ay_rpc_message(const struct ay_rpc *rpc, struct ay_slice message, struct ay_ws *ws,
                        char **out, size_t *len_bytes)
{
    json_t *root = NULL;
    char why[160], data[200];
    if (ay_json_parse(message, &root, why, sizeof why) != AY_OK) {
        snprintf(data, sizeof data, "error unmarshaling request: %s", why);
        *out = dump(error_answer(NULL, AY_RPC_E_PARSE, data), len_bytes);
        return 500;
    }
    *out = dump(json_is_array(root) ? serve_batch(rpc, root, ws) : serve(rpc, root, ws), len_bytes);
    json_decref(root);
    return 200;
}

/* Transports */

void ay_rpc_post(void *ctx, const struct ay_http_request *request,
                 struct ay_http_response *response)
{
    char *text;
    size_t len;
    uint32_t status = ay_rpc_message(ctx, request->body, NULL, &text, &len);
    ay_http_bytes(response, status, "application/json", text, len);
}

void ay_rpc_get(void *ctx, const struct ay_http_request *request, struct ay_http_response *response)
{
    const struct ay_rpc *rpc = ctx;
    const struct ay_rpc_method *method = find(rpc, request->param[0], false);
    if (!method)
        return ay_http_text(response, 404, "text/plain; charset=utf-8", "404 page not found\n");
    json_t *id = json_integer(-1), *out = NULL;
    struct arguments a;
    arguments_clear(&a);
    for (uint32_t i = 0; i < arg_count(method) && !out; i++) {
        const char *text = ay_http_arg(request, method->args[i].name);
        char data[200];
        snprintf(data, sizeof data, "error converting http params to arguments: bad value of %s",
                 method->args[i].name);
        if (text && take_query(&a, i, method->args[i].kind, text) != AY_OK)
            out = error_answer(id, AY_RPC_E_PARAMS, data);
    }
    const struct ay_rpc_call call = {.arg = a.value};
    if (!out) out = run(rpc, method, &call, id);
    uint32_t status = json_object_get(out, "error") ? 500 : 200;
    arguments_free(&a);
    json_decref(id);
    size_t len;
    char *text = dump(out, &len);
    ay_http_bytes(response, text ? status : 500, "application/json", text, len);
}

void ay_rpc_ws_text(void *ctx, struct ay_ws *ws, struct ay_slice message)
{
    char *text;
    size_t len;
    ay_rpc_message(ctx, message, ws, &text, &len);
    if (text && ay_ws_send(ws, ay_slice(text, (uint32_t)len)) != AY_OK) {
        /* the session's reader notices too, and ends it */
    }
    free(text);
}
