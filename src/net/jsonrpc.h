/* JSON-RPC 2.0 as CometBFT 0.38 speaks it, over any transport: POST bodies (single or batch),
 * GET /method?args, websocket messages. One table of methods serves them all.
 * Specification: https://www.jsonrpc.org/specification; error texts and argument forms are
 * CometBFT's (rpc/jsonrpc/server), since clients match them. */
#ifndef AY_NET_JSONRPC_H
#define AY_NET_JSONRPC_H

#include "net/http_server.h"

#include <jansson.h>

enum {
    AY_RPC_MAX_ARGS = 8,
    AY_RPC_MAX_BATCH = 64,
    AY_RPC_MAX_BODY_BYTES = 1 << 20,
};

enum {
    AY_RPC_E_PARSE = -32700,
    AY_RPC_E_REQUEST = -32600,
    AY_RPC_E_METHOD = -32601,
    AY_RPC_E_PARAMS = -32602,
    AY_RPC_E_INTERNAL = -32603,
};

/* How an argument is written. In GET: text is "quoted" or 0x…, bytes are 0x… or a "quoted" raw
 * string, the rest bare or quoted. */
enum ay_rpc_kind {
    AY_RPC_TEXT,
    AY_RPC_INT, /* in JSON a decimal string or a number */
    AY_RPC_BOOL,
    AY_RPC_BASE64, /* bytes, in JSON base64 */
    AY_RPC_HEX,    /* bytes, in JSON hex of either case */
};

/* An argument's value; absent or null leaves present false and the rest zero, text "". */
struct ay_rpc_value {
    bool present;
    bool flag;
    int64_t number;
    const char *text;      /* NUL-terminated, never NULL */
    struct ay_slice bytes; /* TEXT too */
};

struct ay_rpc_error {
    int code;
    char data[512]; /* the detail that clients match; the message follows from the code */
};

struct ay_rpc_call {
    const struct ay_rpc_value *arg; /* in the order of the method's args */
    const json_t *id;               /* as the client wrote it; NULL over GET */
    struct ay_ws *ws;               /* the session, or NULL when not over a websocket */
};

/* AY_OK with a new reference in *result; else AY_RPC_E_INTERNAL goes out with the code's text as
 * data, unless the function set error->code or error->data itself. */
typedef enum ay_code ay_rpc_fn(void *ctx, const struct ay_rpc_call *call, json_t **result,
                               struct ay_rpc_error *error);

struct ay_rpc_arg {
    const char *name;
    enum ay_rpc_kind kind;
};

struct ay_rpc_method {
    const char *name;
    ay_rpc_fn *fn;
    bool ws_only;                            /* subscribe and the like: unknown over HTTP */
    struct ay_rpc_arg args[AY_RPC_MAX_ARGS]; /* up to the first without a name */
};

struct ay_rpc {
    const struct ay_rpc_method *methods;
    uint32_t method_count;
    void *ctx; /* for the methods, which run in several threads at once */
};

/* Handles one message, single or batch. *answer is malloc'ed JSON text without a NUL, the caller's;
 * NULL with length 0 when there is nothing to answer (notifications). ws as in ay_rpc_call.
 * Gives the HTTP status: 200, or 500 for what is not JSON. */
uint32_t ay_rpc_message(const struct ay_rpc *rpc, struct ay_slice message, struct ay_ws *ws,
                        char **answer, size_t *len_bytes);

/* Two handlers for ay_http_route (ctx: struct ay_rpc): POST "/" and GET "/{method}". An unknown
 * method over GET is 404 "404 page not found". */
ay_http_handler ay_rpc_post, ay_rpc_get;

/* For struct ay_ws_handler (ctx: struct ay_rpc). */
void ay_rpc_ws_text(void *ctx, struct ay_ws *ws, struct ay_slice message);

/* Fills error and gives code back, for `return ay_rpc_fail(error, AY_E_NOT_FOUND, "tx (%s) …")`. */
enum ay_code ay_rpc_fail(struct ay_rpc_error *error, enum ay_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
