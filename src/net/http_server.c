/* libmicrohttpd's threads read requests into exchanges, queue them for the workers, suspend the
 * connection, and send what the worker filled in once it resumed the connection. */
#include "net/http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_CONNECTIONS = 256,
    DEFAULT_WORKERS = 8,
    MAX_WORKERS = 64,
    IO_THREADS = 2,
    CONNECTION_MEMORY = 32768, /* request header, body window and answer header */
    MIN_KEY_BYTES = 16,
    DRAIN_SECONDS = 5,
};

enum phase { WAITING, READING, HANDLING, ANSWERING };

/* A connection, as the watchdog sees it. */
struct peer {
    struct peer *next, **link;
    int socket;
    _Atomic enum phase phase;
    _Atomic int64_t since;  /* seconds, monotone */
    _Atomic uint64_t bytes; /* moved or to move in this phase */
};

/* A request from its header to its last byte of answer. */
struct exchange {
    struct exchange *next; /* in the queue */
    struct ay_http_server *server;
    struct peer *peer;
    struct MHD_Connection *connection;
    const struct ay_http_route *route;
    char *path;
    uint8_t *body;
    size_t len_bytes, room_bytes;
    bool handled;
    struct ay_http_request request;
    struct ay_http_response response;
};

struct ay_http_server {
    struct ay_http_options options;
    struct ay_http_guard guard;
    struct MHD_Daemon *daemon;
    struct ay_ws_pool *ws;
    uint16_t port;
    _Atomic uint64_t body_bytes; /* held by all exchanges */
    pthread_t worker[MAX_WORKERS], watchdog;
    uint32_t worker_count;
    bool watching;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct exchange *first, **last; /* queue */
    struct peer *peers;
    uint32_t exchanges, running;
    bool stopping, drained;
};

static int64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void enter(struct peer *peer, enum phase phase, uint64_t bytes)
{
    atomic_store(&peer->since, seconds_now());
    atomic_store(&peer->bytes, bytes);
    atomic_store(&peer->phase, phase);
}

const char *ay_http_arg(const struct ay_http_request *request, const char *name)
{
    const char *value = NULL;
    size_t len = 0;
    struct MHD_Connection *connection = request->connection;
    enum MHD_Result found = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, name,
                                                          strlen(name), &value, &len);
    return found == MHD_NO ? NULL : value ? value : "";
}

const char *ay_http_header(const struct ay_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* Workers */

static void handle(struct exchange *x)
{
    x->request.body = ay_slice(x->body, (uint32_t)x->len_bytes);
    x->request.connection = x->connection;
    x->route->handler(x->route->ctx, &x->request, &x->response);
}

static void *work(void *arg)
{
    struct ay_http_server *server = arg;
    pthread_mutex_lock(&server->lock);
    for (;;) {
        while (!server->first && !server->stopping)
            pthread_cond_wait(&server->changed, &server->lock);
        struct exchange *x = server->first;
        if (!x) break;
        server->first = x->next;
        if (!server->first) server->last = &server->first;
        server->running++;
        pthread_mutex_unlock(&server->lock);
        handle(x);
        MHD_resume_connection(x->connection);
        pthread_mutex_lock(&server->lock);
        server->running--;
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* False when the server is stopping: no worker may be there to resume the connection. */
static bool enqueue(struct exchange *x)
{
    struct ay_http_server *server = x->server;
    pthread_mutex_lock(&server->lock);
    bool open = !server->stopping;
    if (open) {
        enter(x->peer, HANDLING, 0);
        MHD_suspend_connection(x->connection);
        *server->last = x;
        server->last = &x->next;
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
    return open;
}

/* Answers */

static void add_cors(struct exchange *x, struct MHD_Response *out)
{
    if (!ay_http_origin_listed(x->connection, &x->server->guard)) return;
    MHD_add_response_header(out, "Access-Control-Allow-Origin",
                            ay_http_header(&x->request, MHD_HTTP_HEADER_ORIGIN));
    MHD_add_response_header(out, "Vary", "Origin");
}

static enum MHD_Result send_response(struct exchange *x)
{
    struct ay_http_response *r = &x->response;
    struct MHD_Response *out =
        r->fd >= 0 ? MHD_create_response_from_fd64(r->len_bytes, r->fd)
                   : MHD_create_response_from_buffer(r->len_bytes, r->body, MHD_RESPMEM_MUST_FREE);
    if (!out) return MHD_NO;
    r->fd = -1;
    r->body = NULL;
    MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
    for (uint32_t i = 0; i < r->extra_count; i++)
        MHD_add_response_header(out, r->extra[i].name, r->extra[i].value);
    add_cors(x, out);
    enter(x->peer, ANSWERING, r->len_bytes);
    enum MHD_Result result = MHD_queue_response(x->connection, r->status, out);
    MHD_destroy_response(out);
    return result;
}

/* An answer without a handler, before the body was read: the connection ends with it. */
static enum MHD_Result refuse(struct exchange *x, struct ay_http_verdict verdict)
{
    ay_http_text(&x->response, verdict.status, "text/plain; charset=utf-8", "%s\n", verdict.why);
    ay_http_extra(&x->response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (verdict.status == 401) ay_http_extra(&x->response, "WWW-Authenticate", "Bearer");
    return send_response(x);
}

static enum MHD_Result preflight(struct exchange *x)
{
    ay_http_response_clear(&x->response);
    x->response.status = 204;
    ay_http_extra(&x->response, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
    ay_http_extra(&x->response, "Access-Control-Allow-Headers", "Content-Type, Authorization");
    ay_http_extra(&x->response, "Access-Control-Max-Age", "600");
    return send_response(x);
}

/* Reading */

static struct exchange *exchange_new(struct ay_http_server *server,
                                     struct MHD_Connection *connection, const char *url)
{
    struct exchange *x = calloc(1, sizeof *x);
    char *path = strdup(url);
    if (!x || !path) {
        free(x);
        free(path);
        return NULL;
    }
    x->server = server;
    x->connection = x->request.connection = connection;
    x->peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    x->path = path;
    x->request.path = url;
    x->response = (struct ay_http_response)AY_HTTP_EMPTY;
    pthread_mutex_lock(&server->lock);
    server->exchanges++;
    pthread_mutex_unlock(&server->lock);
    return x;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode reason)
{
    (void)connection;
    (void)reason;
    struct ay_http_server *server = cls;
    struct exchange *x = *con_cls;
    if (!x) return;
    *con_cls = NULL;
    enter(x->peer, WAITING, 0);
    atomic_fetch_sub(&server->body_bytes, x->room_bytes);
    ay_http_response_clear(&x->response);
    free(x->body);
    free(x->path);
    free(x);
    pthread_mutex_lock(&server->lock);
    server->exchanges--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static bool method_from(const char *text, enum ay_http_method *method)
{
    static const struct {
        const char *text;
        enum ay_http_method method;
    } names[] = {{"GET", AY_HTTP_GET},
                 {"HEAD", AY_HTTP_GET},
                 {"POST", AY_HTTP_POST},
                 {"PUT", AY_HTTP_PUT},
                 {"DELETE", AY_HTTP_DELETE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i].text)) return *method = names[i].method, true;
    return false;
}

static struct ay_http_verdict check_length(struct exchange *x)
{
    const char *length = ay_http_header(&x->request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!length) return (struct ay_http_verdict){0};
    errno = 0;
    unsigned long long bytes = strtoull(length, NULL, 10);
    if (errno == 0 && bytes <= x->route->max_body_bytes) return (struct ay_http_verdict){0};
    return (struct ay_http_verdict){413, "the body is too large"};
}

/* The header is whole: decides whether to go on, and where to. */
static enum MHD_Result begin(struct exchange *x, const char *method)
{
    struct ay_http_server *server = x->server;
    bool options = !strcmp(method, "OPTIONS"), other = false;
    struct ay_http_verdict verdict = ay_http_check_header(x->connection);
    if (!verdict.status) verdict = ay_http_check_origin(x->connection, &server->guard, options);
    if (verdict.status) return refuse(x, verdict);
    if (options && ay_http_origin_listed(x->connection, &server->guard)) return preflight(x);
    if (server->ws && !strcmp(x->path, server->options.websocket.path)) {
        struct MHD_Response *upgrade = ay_ws_handshake(server->ws, x->connection);
        if (!upgrade) return refuse(x, (struct ay_http_verdict){400, "no websocket handshake"});
        enter(x->peer, HANDLING, 0);
        enum MHD_Result result =
            MHD_queue_response(x->connection, MHD_HTTP_SWITCHING_PROTOCOLS, upgrade);
        MHD_destroy_response(upgrade);
        return result;
    }
    if (!method_from(method, &x->request.method))
        other = true;
    else
        x->route = ay_http_route_find(server->options.routes, server->options.route_count,
                                      x->request.method, x->path, x->request.param, &other);
    if (!x->route)
        return refuse(x, other || options ? (struct ay_http_verdict){405, "method not allowed"}
                                          : (struct ay_http_verdict){404, "404 page not found"});
    verdict = check_length(x);
    if (verdict.status) return refuse(x, verdict);
    enter(x->peer, READING, 0);
    return MHD_YES;
}

/* Takes a piece of the body; MHD_NO, which drops the connection, when there is no room. */
static enum MHD_Result append(struct exchange *x, const char *data, size_t len)
{
    size_t need = x->len_bytes + len;
    if (need > x->route->max_body_bytes) return MHD_NO;
    if (need > x->room_bytes) {
        size_t room = x->room_bytes ? x->room_bytes * 2 : 4096;
        if (room < need) room = need;
        uint64_t more = room - x->room_bytes;
        if (atomic_fetch_add(&x->server->body_bytes, more) + more >
            x->server->options.max_total_bytes) {
            atomic_fetch_sub(&x->server->body_bytes, more);
            return MHD_NO;
        }
        x->room_bytes = room;
        uint8_t *body = realloc(x->body, room);
        if (!body) return MHD_NO;
        x->body = body;
    }
    memcpy(x->body + x->len_bytes, data, len);
    x->len_bytes = need;
    atomic_store(&x->peer->bytes, need);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **con_cls)
{
    (void)version;
    struct ay_http_server *server = cls;
    struct exchange *x = *con_cls;
    if (!x) {
        x = exchange_new(server, connection, url);
        *con_cls = x;
        return x ? begin(x, method) : MHD_NO;
    }
    if (*len) {
        size_t n = *len;
        *len = 0;
        return append(x, data, n);
    }
    if (x->handled) return send_response(x);
    x->handled = true;
    if (enqueue(x)) return MHD_YES;
    return refuse(x, (struct ay_http_verdict){503, "the server is stopping"});
}

/* Connections */

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct ay_http_server *server = cls;
    struct peer *peer = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer = calloc(1, sizeof *peer);
        AY_ASSERT(peer != NULL);
        peer->socket =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        enter(peer, WAITING, 0);
        *socket_context = peer;
    }
    pthread_mutex_lock(&server->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer->next = server->peers;
        peer->link = &server->peers;
        if (peer->next) peer->next->link = &peer->next;
        server->peers = peer;
    } else {
        *peer->link = peer->next;
        if (peer->next) peer->next->link = peer->link;
    }
    pthread_mutex_unlock(&server->lock);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) free(peer);
}

static bool too_slow(const struct ay_http_server *server, const struct peer *peer, int64_t now)
{
    int64_t elapsed = now - atomic_load(&peer->since);
    switch (atomic_load(&peer->phase)) {
    case WAITING: return elapsed >= server->options.header_seconds;
    case READING:
    case ANSWERING:
        return elapsed >
               AY_HTTP_GRACE_SECONDS + (int64_t)(atomic_load(&peer->bytes) / AY_HTTP_SLOWEST);
    case HANDLING: break;
    }
    return false;
}

/* Ends slow connections: libmicrohttpd's own time-out starts anew with every byte. */
static void *watch(void *arg)
{
    struct ay_http_server *server = arg;
    pthread_mutex_lock(&server->lock);
    while (!server->drained) {
        int64_t now = seconds_now();
        for (struct peer *peer = server->peers; peer; peer = peer->next)
            if (too_slow(server, peer, now)) shutdown(peer->socket, SHUT_RDWR);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        pthread_cond_clockwait(&server->changed, &server->lock, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* Starting and stopping */

static enum ay_code parse_address(const struct ay_http_options *options,
                                  struct sockaddr_storage *out, socklen_t *len)
{
    const char *text = options->address ? options->address : "127.0.0.1";
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(options->port)};
    bool loopback;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(out, &v4, *len = sizeof v4);
        loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, *len = sizeof v6);
        loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    } else {
        return AY_E_USAGE;
    }
    bool strong = options->key && strlen(options->key) >= MIN_KEY_BYTES;
    return loopback || strong ? AY_OK : AY_E_USAGE;
}

static enum ay_code listen_on(const struct ay_http_options *options, int *out, uint16_t *port)
{
    struct sockaddr_storage address = {0};
    socklen_t len;
    AY_TRY(parse_address(options, &address, &len));
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) return AY_E_IO;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, SOMAXCONN) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        enum ay_code code = errno == EADDRINUSE ? AY_E_EXISTS : AY_E_IO;
        close(fd);
        return code;
    }
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    *port = ntohs(address.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
    *out = fd;
    return AY_OK;
}

static enum ay_code start_threads(struct ay_http_server *server)
{
    if (pthread_create(&server->watchdog, NULL, watch, server)) return AY_E_MEMORY;
    server->watching = true;
    while (server->worker_count < server->options.workers) {
        if (pthread_create(&server->worker[server->worker_count], NULL, work, server))
            return AY_E_MEMORY;
        server->worker_count++;
    }
    return AY_OK;
}

static enum ay_code start_daemon(struct ay_http_server *server)
{
    int fd;
    AY_TRY(listen_on(&server->options, &fd, &server->port));
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)IO_THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)server->options.max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)AY_HTTP_GRACE_SECONDS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (server->daemon) return AY_OK;
    close(fd);
    return AY_E_IO;
}

enum ay_code ay_http_may_listen(const char *address, const char *key)
{
    const struct ay_http_options options = {.address = address, .key = key};
    struct sockaddr_storage parsed;
    socklen_t len;
    return parse_address(&options, &parsed, &len);
}

enum ay_code ay_http_start(const struct ay_http_options *options, struct ay_http_server **out)
{
    AY_ASSERT(options->workers <= MAX_WORKERS);
    struct ay_http_server *server = calloc(1, sizeof *server);
    if (!server) return AY_E_MEMORY;
    struct ay_http_options *o = &server->options;
    *o = *options;
    if (!o->max_connections) o->max_connections = DEFAULT_CONNECTIONS;
    if (!o->workers) o->workers = DEFAULT_WORKERS;
    if (!o->header_seconds) o->header_seconds = AY_HTTP_HEADER_SECONDS;
    if (!o->max_total_bytes) o->max_total_bytes = 256 << 20;
    server->guard = (struct ay_http_guard){o->key, o->origins};
    server->last = &server->first;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    enum ay_code code = AY_OK;
    if (o->websocket.path && !(server->ws = ay_ws_pool_new(&o->websocket))) code = AY_E_MEMORY;
    if (code == AY_OK) code = start_threads(server);
    if (code == AY_OK) code = start_daemon(server);
    if (code != AY_OK) {
        ay_http_stop(server);
        return code;
    }
    *out = server;
    return AY_OK;
}

uint16_t ay_http_port(const struct ay_http_server *server)
{
    return server->port;
}

/* Waits until handlers are done, and DRAIN_SECONDS for their answers to be sent. */
static void drain(struct ay_http_server *server)
{
    struct timespec until;
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->changed);
    while (server->first || server->running) pthread_cond_wait(&server->changed, &server->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_SECONDS;
    int late = 0;
    while (server->exchanges && !late)
        late = pthread_cond_clockwait(&server->changed, &server->lock, CLOCK_MONOTONIC, &until);
    server->drained = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void ay_http_stop(struct ay_http_server *server)
{
    if (!server) return;
    if (server->ws) ay_ws_pool_stop(server->ws);
    drain(server);
    for (uint32_t i = 0; i < server->worker_count; i++) pthread_join(server->worker[i], NULL);
    if (server->daemon) MHD_stop_daemon(server->daemon);
    if (server->watching) pthread_join(server->watchdog, NULL);
    ay_ws_pool_free(server->ws);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
