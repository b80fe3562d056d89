/* Text websockets (RFC 6455): one thread a session, which reads; anyone may send. */
#include "base/text.h"
#include "net/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_SESSIONS = 64,
    MAX_MESSAGE_BYTES = 1 << 20,
    MAX_CONTROL_BYTES = 125,
    PING_MS = 25000, /* silence after which the peer is asked; as long again and it is gone */
    SEND_MS = 5000,
    LINGER_MS = 1000,
    LINGER_READS = 256,
};

enum opcode { CONTINUED = 0, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct ay_ws {
    struct ay_ws *next, **link;
    struct ay_ws_pool *pool;
    struct MHD_UpgradeResponseHandle *upgrade;
    int socket;
    pthread_mutex_t sending;
    bool broken;    /* under sending */
    uint8_t *early; /* bytes that came with the handshake */
    size_t early_len, early_used;
    uint8_t *message; /* MAX_MESSAGE_BYTES */
    uint32_t len;     /* of it so far */
    bool in_message;
};

struct ay_ws_pool {
    struct ay_ws_handler handler;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ay_ws *sessions;
    uint32_t count;
    bool stopping;
};

/* Waits for the socket; false after a time-out or an error. */
static bool ready(int socket, short events, int timeout_ms)
{
    struct pollfd fd = {.fd = socket, .events = events};
    int n;
    do n = poll(&fd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

static bool write_all(int socket, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = send(socket, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EINTR &&
                   (errno != EAGAIN || !ready(socket, POLLOUT, SEND_MS))) {
            return false;
        }
    }
    return true;
}

static enum ay_code send_frame(struct ay_ws *ws, enum opcode opcode, struct ay_slice payload)
{
    uint8_t head[10] = {(uint8_t)(0x80 | opcode)};
    size_t head_len = 2;
    if (payload.len <= MAX_CONTROL_BYTES) {
        head[1] = (uint8_t)payload.len;
    } else if (payload.len <= UINT16_MAX) {
        head[1] = 126;
        head[2] = (uint8_t)(payload.len >> 8);
        head[3] = (uint8_t)payload.len;
        head_len = 4;
    } else {
        head[1] = 127;
        ay_put_be64(head + 2, payload.len);
        head_len = 10;
    }
    pthread_mutex_lock(&ws->sending);
    if (!ws->broken)
        ws->broken = !write_all(ws->socket, head, head_len) ||
                     !write_all(ws->socket, payload.data, payload.len);
    enum ay_code code = ws->broken ? AY_E_UNREACHABLE : AY_OK;
    pthread_mutex_unlock(&ws->sending);
    return code;
}

enum ay_code ay_ws_send(struct ay_ws *ws, struct ay_slice message)
{
    return send_frame(ws, TEXT, message);
}

/* Reads exactly len bytes. Silence brings a ping, twice the silence the end. */
static bool read_all(struct ay_ws *ws, uint8_t *out, size_t len)
{
    bool asked = false;
    while (len) {
        ssize_t n;
        if (ws->early_used < ws->early_len) {
            size_t rest = ws->early_len - ws->early_used;
            n = (ssize_t)(rest < len ? rest : len);
            memcpy(out, ws->early + ws->early_used, (size_t)n);
            ws->early_used += (size_t)n;
        } else if (!ready(ws->socket, POLLIN, PING_MS)) {
            if (asked || send_frame(ws, PING, (struct ay_slice){0}) != AY_OK) return false;
            asked = true;
            continue;
        } else {
            n = recv(ws->socket, out, len, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
            if (n < 0) continue;
        }
        asked = false;
        out += n;
        len -= (size_t)n;
    }
    return true;
}

struct frame {
    bool last;
    enum opcode opcode;
    uint32_t len;
    uint8_t mask[4];
};

/* Reads a frame's head; gives the close code that it earns, 0 for a good one, 1006 for no frame. */
static uint16_t read_head(struct ay_ws *ws, struct frame *frame)
{
    uint8_t head[2], longer[8];
    if (!read_all(ws, head, 2)) return 1006;
    if ((head[0] & 0x70) || !(head[1] & 0x80)) return 1002; /* extensions; unmasked */
    uint64_t len = head[1] & 0x7f;
    size_t more = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (more) {
        if (!read_all(ws, longer, more)) return 1006;
        len = 0;
        for (size_t i = 0; i < more; i++) len = len << 8 | longer[i];
    }
    if (!read_all(ws, frame->mask, 4)) return 1006;
    frame->last = head[0] & 0x80;
    frame->opcode = head[0] & 0x0f;
    frame->len = (uint32_t)len;
    if (frame->opcode >= CLOSE) return len > MAX_CONTROL_BYTES || !frame->last ? 1002 : 0;
    if (frame->opcode > TEXT) return 1003;
    if ((frame->opcode == CONTINUED) != ws->in_message) return 1002;
    return len > MAX_MESSAGE_BYTES - (uint64_t)ws->len ? 1009 : 0;
}

static bool read_payload(struct ay_ws *ws, const struct frame *frame, uint8_t *out)
{
    if (!read_all(ws, out, frame->len)) return false;
    for (uint32_t i = 0; i < frame->len; i++) out[i] ^= frame->mask[i % 4];
    return true;
}

/* One frame; the code to close with, or 0 to go on. */
static uint16_t step(struct ay_ws *ws)
{
    struct frame frame;
    uint8_t control[MAX_CONTROL_BYTES];
    uint16_t refused = read_head(ws, &frame);
    if (refused) return refused;
    if (frame.opcode >= CLOSE) {
        if (!read_payload(ws, &frame, control)) return 1006;
        if (frame.opcode == CLOSE) return 1000;
        if (frame.opcode == PONG) return 0;
        if (frame.opcode != PING) return 1002;
        return send_frame(ws, PONG, ay_slice(control, frame.len)) == AY_OK ? 0 : 1006;
    }
    if (!read_payload(ws, &frame, ws->message + ws->len)) return 1006;
    ws->len += frame.len;
    ws->in_message = !frame.last;
    if (!frame.last) return 0;
    struct ay_slice message = ay_slice(ws->message, ws->len);
    ws->len = 0;
    if (!ay_utf8_valid(message)) return 1007;
    ws->pool->handler.text(ws->pool->handler.ctx, ws, message);
    return 0;
}

/* Closing a socket with bytes unread resets it, and the peer would lose what was sent last. */
static void linger(int socket)
{
    uint8_t unread[4096];
    shutdown(socket, SHUT_WR);
    for (size_t i = 0; i < LINGER_READS && ready(socket, POLLIN, LINGER_MS); i++)
        if (recv(socket, unread, sizeof unread, MSG_DONTWAIT) <= 0) break;
}

static void session_free(struct ay_ws *ws)
{
    MHD_upgrade_action(ws->upgrade, MHD_UPGRADE_ACTION_CLOSE);
    pthread_mutex_destroy(&ws->sending);
    free(ws->early);
    free(ws->message);
    free(ws);
}

static void *run(void *arg)
{
    struct ay_ws *ws = arg;
    struct ay_ws_pool *pool = ws->pool;
    uint16_t code;
    do code = step(ws);
    while (!code);
    uint8_t reason[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (code != 1006 && send_frame(ws, CLOSE, AY_SLICE_OF(reason)) == AY_OK) linger(ws->socket);
    if (pool->handler.close) pool->handler.close(pool->handler.ctx, ws);
    pthread_mutex_lock(&pool->lock);
    *ws->link = ws->next;
    if (ws->next) ws->next->link = ws->link;
    session_free(ws);
    pool->count--;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static struct ay_ws *session_new(struct ay_ws_pool *pool, const char *early, size_t early_len)
{
    struct ay_ws *ws = calloc(1, sizeof *ws);
    if (!ws) return NULL;
    ws->message = malloc(MAX_MESSAGE_BYTES);
    ws->early = malloc(early_len + 1);
    if (!ws->message || !ws->early) {
        free(ws->message);
        free(ws->early);
        free(ws);
        return NULL;
    }
    if (early_len) memcpy(ws->early, early, early_len);
    ws->early_len = early_len;
    ws->pool = pool;
    pthread_mutex_init(&ws->sending, NULL);
    return ws;
}

/* libmicrohttpd sent the handshake's answer and hands the socket over. */
static void on_upgrade(void *cls, struct MHD_Connection *connection, void *con_cls,
                       const char *early, size_t early_len, MHD_socket socket,
                       struct MHD_UpgradeResponseHandle *upgrade)
{
    (void)connection;
    (void)con_cls;
    struct ay_ws_pool *pool = cls;
    struct ay_ws *ws = session_new(pool, early, early_len);
    if (!ws) {
        MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
        return;
    }
    ws->socket = socket;
    ws->upgrade = upgrade;
    pthread_t thread;
    pthread_mutex_lock(&pool->lock);
    ws->next = pool->sessions;
    ws->link = &pool->sessions;
    if (!pool->stopping && pool->count < MAX_SESSIONS &&
        pthread_create(&thread, NULL, run, ws) == 0) {
        pthread_detach(thread);
        if (ws->next) ws->next->link = &ws->next;
        pool->sessions = ws;
        pool->count++;
    } else {
        session_free(ws);
    }
    pthread_mutex_unlock(&pool->lock);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

/* base64(SHA-1(key ‖ GUID)), RFC 6455 §4.2.2. */
static bool accept_key(const char *key, char out[32])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t digest[EVP_MAX_MD_SIZE];
    char text[64];
    unsigned len = 0;
    if (strlen(key) != 24) return false;
    memcpy(text, key, 24);
    memcpy(text + 24, guid, sizeof guid - 1);
    if (!EVP_Digest(text, 24 + sizeof guid - 1, digest, &len, EVP_sha1(), NULL)) return false;
    struct ay_text accept = ay_text_over(out, 32);
    ay_text_base64(&accept, ay_slice(digest, len));
    return !accept.full;
}

struct MHD_Response *ay_ws_handshake(struct ay_ws_pool *pool, struct MHD_Connection *connection)
{
    char accept[32];
    if (strcasecmp(header(connection, "Upgrade"), "websocket") != 0 ||
        !strcasestr(header(connection, "Connection"), "upgrade") ||
        strcmp(header(connection, "Sec-WebSocket-Version"), "13") != 0 ||
        !accept_key(header(connection, "Sec-WebSocket-Key"), accept))
        return NULL;
    pthread_mutex_lock(&pool->lock);
    bool room = !pool->stopping && pool->count < MAX_SESSIONS;
    pthread_mutex_unlock(&pool->lock);
    if (!room) return NULL;
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, pool);
    if (!response) return NULL;
    MHD_add_response_header(response, "Upgrade", "websocket");
    MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
    return response;
}

struct ay_ws_pool *ay_ws_pool_new(const struct ay_ws_handler *handler)
{
    struct ay_ws_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->handler = *handler;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    return pool;
}

void ay_ws_pool_stop(struct ay_ws_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    for (struct ay_ws *ws = pool->sessions; ws; ws = ws->next) shutdown(ws->socket, SHUT_RDWR);
    while (pool->count) pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void ay_ws_pool_free(struct ay_ws_pool *pool)
{
    if (!pool) return;
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
