/* Between the files of the HTTP server; nobody else includes it. */
#ifndef AY_NET_HTTP_INTERNAL_H
#define AY_NET_HTTP_INTERNAL_H

#include "net/http_server.h"

#include <microhttpd.h>

#define AY_HTTP_EMPTY                                                                              \
    {                                                                                              \
        .status = 200, .type = "text/plain", .fd = -1                                              \
    }

/* Frees what the response holds; leaves an empty 200. */
void ay_http_response_clear(struct ay_http_response *response);

/* The first route that fits, its captures cut out of path (written to only then); NULL when none
 * does, *other then saying that one would under another method. */
const struct ay_http_route *ay_http_route_find(const struct ay_http_route *routes, uint32_t count,
                                               enum ay_http_method method, char *path,
                                               const char *param[AY_HTTP_MAX_PARAMS], bool *other);

/* Why a request is refused before any handler; status 0: it is not. */
struct ay_http_verdict {
    uint32_t status;
    const char *why;
};

/* Who may ask. */
struct ay_http_guard {
    const char *key;
    const char *const *origins;
};

/* Whether framing and headers are sound: one length, few headers, tokens, no NUL. */
struct ay_http_verdict ay_http_check_header(struct MHD_Connection *connection);

/* Whether this Host, Origin and key may ask. */
struct ay_http_verdict ay_http_check_origin(struct MHD_Connection *connection,
                                            const struct ay_http_guard *guard, bool preflight);

/* Whether the list names the origin of the request, which CORS headers then echo. */
bool ay_http_origin_listed(struct MHD_Connection *connection, const struct ay_http_guard *guard);

/* Sessions of a server's websocket. */
struct ay_ws_pool;
struct ay_ws_pool *ay_ws_pool_new(const struct ay_ws_handler *handler); /* NULL: no memory */
/* The answer to a handshake, or NULL when it is none or the pool is full. */
struct MHD_Response *ay_ws_handshake(struct ay_ws_pool *pool, struct MHD_Connection *connection);
/* Ends every session, waits for their threads, takes no more. */
void ay_ws_pool_stop(struct ay_ws_pool *pool);
/* After stop, and after the daemon stopped; NULL is fine. */
void ay_ws_pool_free(struct ay_ws_pool *pool);

#endif
