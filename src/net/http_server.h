/* HTTP/1.1 server over libmicrohttpd: a small epoll pool reads and writes, worker threads run the
 * handlers, so a handler may block without holding up other connections.
 *
 * Every request is checked before a handler sees it. Refused, and the connection closed:
 *   two Content-Length, or one beside Transfer-Encoding, or a coding other than "chunked" (400),
 *   a header name that is no token, a NUL within a header or argument, two Hosts (400),
 *   more than AY_HTTP_MAX_HEADERS headers or AY_HTTP_MAX_HEADER_BYTES of them (431),
 *   a body over the route's limit (413; a chunked one is cut), no room for bodies at all (503).
 * A connection is dropped when a request's header is not whole AY_HTTP_HEADER_SECONDS after the
 * connection began to wait for it, or when a body or an answer moves slower than
 * AY_HTTP_SLOWEST bytes a second after AY_HTTP_GRACE_SECONDS.
 *
 * Without a key the server binds loopback only and answers only for a loopback Host, so that a
 * page in a browser cannot reach it by rebinding a name. With a key every request but a CORS
 * preflight carries "Authorization: Bearer <key>" (401). A request that a page of another origin
 * makes is refused (403) unless the origin is listed.
 * Standards: RFC 9110, 9112 (§6.3 on message length), 6455; the Fetch standard for CORS. */
#ifndef AY_NET_HTTP_SERVER_H
#define AY_NET_HTTP_SERVER_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

enum {
    AY_HTTP_MAX_HEADERS = 100,
    AY_HTTP_MAX_HEADER_BYTES = 16384,
    AY_HTTP_MAX_PARAMS = 4,
    AY_HTTP_MAX_EXTRA = 6,
    AY_HTTP_HEADER_SECONDS = 10,
    AY_HTTP_GRACE_SECONDS = 20,
    AY_HTTP_SLOWEST = 16384, /* bytes a second */
};

enum ay_http_method { AY_HTTP_GET, AY_HTTP_POST, AY_HTTP_PUT, AY_HTTP_DELETE };

/* A request, all of it borrowed until the handler returns. */
struct ay_http_request {
    enum ay_http_method method; /* HEAD arrives as GET */
    const char *path;           /* percent-decoded */
    struct ay_slice body;
    const char *param[AY_HTTP_MAX_PARAMS]; /* what {name} in the pattern matched, in order */
    void *connection;                      /* for the two functions below */
};

/* Value of a query argument, percent-decoded, or of a header (name in any case); NULL when there is
 * none, "" for an argument without a value. */
const char *ay_http_arg(const struct ay_http_request *request, const char *name);
const char *ay_http_header(const struct ay_http_request *request, const char *name);

/* An answer. A handler fills it through the functions below; left alone it is an empty 200. */
struct ay_http_response {
    uint32_t status;
    const char *type; /* static string */
    uint8_t *body;    /* malloc'ed; the server frees it */
    size_t len_bytes; /* of body, or of what to send from fd */
    int fd;           /* -1, or a file sent from its start; the server closes it */
    uint32_t extra_count;
    struct {
        const char *name; /* static string */
        char value[128];
    } extra[AY_HTTP_MAX_EXTRA];
};

/* Each replaces what the response held. Out of memory gives an empty 500. */
void ay_http_text(struct ay_http_response *response, uint32_t status, const char *type,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Takes body, which must come from malloc. */
void ay_http_bytes(struct ay_http_response *response, uint32_t status, const char *type, void *body,
                   size_t len_bytes);
/* Takes fd. */
void ay_http_file(struct ay_http_response *response, const char *type, int fd, size_t len_bytes);
/* The code's HTTP status with {"code":…,"codespace":"…","message":"text: …","details":[]}. */
void ay_http_refuse(struct ay_http_response *response, enum ay_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a header; the value is cut at 127 bytes. At most AY_HTTP_MAX_EXTRA. */
void ay_http_extra(struct ay_http_response *response, const char *name, const char *value);

typedef void ay_http_handler(void *ctx, const struct ay_http_request *request,
                             struct ay_http_response *response);

/* The first route whose method and pattern fit answers. A pattern's segments are literal, or {name}
 * for any one segment that is not empty. A path that fits under another method gets 405, one that
 * fits nowhere 404 "404 page not found". */
struct ay_http_route {
    enum ay_http_method method;
    const char *pattern;
    ay_http_handler *handler;
    void *ctx;
    size_t max_body_bytes;
};

/* A text websocket. `open` and `text` run in the session's own thread, `close` last in it. */
struct ay_ws; /* one session */
struct ay_ws_handler {
    const char *path; /* NULL: no websocket */
    void *ctx;
    void (*text)(void *ctx, struct ay_ws *ws, struct ay_slice message);
    void (*close)(void *ctx, struct ay_ws *ws); /* ws must not be used after it; may be NULL */
};

/* Sends one text message; may be called from any thread until close was called. Blocks while the
 * peer is slow, 5 s at most. AY_E_UNREACHABLE: the session is ending. */
enum ay_code ay_ws_send(struct ay_ws *ws, struct ay_slice message) AY_MUST;

struct ay_http_options {
    const char *address; /* IPv4 or IPv6 literal; NULL is 127.0.0.1 */
    uint16_t port;       /* 0: any free one */
    const char *key;     /* bearer token, NULL for none; a wider bind needs one of 16 bytes */
    const char *const *origins;         /* for CORS, NULL-terminated; "*" allows all; may be NULL */
    const struct ay_http_route *routes; /* kept, not copied */
    uint32_t route_count;
    struct ay_ws_handler websocket;
    uint32_t max_connections; /* 0: 256 */
    uint32_t workers;         /* 0: 8 */
    uint32_t header_seconds;  /* 0: AY_HTTP_HEADER_SECONDS */
    size_t max_total_bytes;   /* of all bodies held at once; 0: 256 MiB */
};

struct ay_http_server;

/* Would a server listen there, with this key or NULL? AY_E_USAGE as below. */
enum ay_code ay_http_may_listen(const char *address, const char *key) AY_MUST;

/* Starts serving; options' strings are borrowed until stop.
 * AY_E_USAGE: a wider bind without a key, or an address that is none; AY_E_EXISTS: the port is
 * taken; AY_E_IO, AY_E_MEMORY. */
enum ay_code ay_http_start(const struct ay_http_options *options,
                           struct ay_http_server **out) AY_MUST;

/* The port in use. */
uint16_t ay_http_port(const struct ay_http_server *server);

/* Answers 503 from now on, waits for the handlers that run and 5 s for their answers to leave, ends
 * the websockets, frees. Handlers that wait must be told to give up first. NULL is fine. */
void ay_http_stop(struct ay_http_server *server);

#endif
