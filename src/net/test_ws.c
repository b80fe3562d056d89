/* Websockets against a raw socket that frames by hand (RFC 6455 §5.2). */
#include "net/jsonrpc.h"
#include "net/testing.h"

#include <stdatomic.h>

static struct ay_http_server *server;
static atomic_int closed;

static enum ay_code subscribe(void *ctx, const struct ay_rpc_call *call, json_t **result,
                              struct ay_rpc_error *error)
{
    (void)ctx;
    (void)error;
    char event[128];
    int n = snprintf(event, sizeof event, "event of %s", call->arg[0].text);
    *result = json_object();
    return ay_ws_send(call->ws, ay_slice(event, (uint32_t)n));
}

static const struct ay_rpc_method methods[] = {
    {"subscribe", subscribe, true, {{"query", AY_RPC_TEXT}}}};

static void count_close(void *ctx, struct ay_ws *ws)
{
    (void)ctx;
    (void)ws;
    atomic_fetch_add(&closed, 1);
}

static int start(void **state)
{
    (void)state;
    static struct ay_rpc rpc = {methods, 1, NULL};
    const struct ay_http_options options = {
        .websocket = {
            .path = "/websocket", .ctx = &rpc, .text = ay_rpc_ws_text, .close = count_close}};
    atomic_store(&closed, 0);
    return ay_http_start(&options, &server) == AY_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    ay_http_stop(server);
    return 0;
}

#define HANDSHAKE                                                                                  \
    "GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"                         \
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"

static int open_ws(void)
{
    static const char request[] = HANDSHAKE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char answer[1024];
    int fd = test_connect(ay_http_port(server));
    test_send(fd, request, sizeof request - 1);
    test_read_until(fd, "\r\n\r\n", answer, sizeof answer);
    assert_status(answer, "101");
    assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    return fd;
}

/* A masked frame; first is FIN, RSV and opcode. */
static void send_frame(int fd, uint8_t first, const void *payload, size_t len)
{
    uint8_t head[14] = {first}, *frame = malloc(len + 1);
    static const uint8_t mask[4] = {1, 2, 3, 4};
    size_t n = 2;
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        n = 4;
    } else {
        head[1] = 0x80 | 127;
        ay_put_be64(head + 2, len);
        n = 10;
    }
    memcpy(head + n, mask, 4);
    test_send(fd, head, n + 4);
    for (size_t i = 0; i < len; i++) frame[i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
    test_send(fd, frame, len);
    free(frame);
}

static void receive(int fd, void *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(fd, (char *)out + at, len - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
}

/* Expects a short unmasked frame. */
static void expect_frame(int fd, uint8_t first, const char *payload, size_t len)
{
    uint8_t head[2];
    char got[256];
    receive(fd, head, 2);
    assert_int_equal(head[0], first);
    if (head[1] == 126) {
        uint8_t longer[2];
        receive(fd, longer, 2);
        assert_int_equal(longer[0] * 256 + longer[1], len);
    } else {
        assert_int_equal(head[1], len);
    }
    receive(fd, got, len);
    assert_memory_equal(got, payload, len);
}

static void expect_text(int fd, const char *text)
{
    expect_frame(fd, 0x81, text, strlen(text));
}

static void expect_close(int fd, uint16_t code)
{
    char reason[2] = {(char)(code >> 8), (char)code}, rest;
    expect_frame(fd, 0x88, reason, 2);
    assert_int_equal(recv(fd, &rest, 1, 0), 0);
    close(fd);
}

static const char request[] = "{\"id\":7,\"method\":\"subscribe\",\"params\":{\"query\":\"q\"}}";
static const char reply[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}";

static void test_ws_request_is_answered_and_events_are_sent(void **state)
{
    (void)state;
    int fd = open_ws();
    send_frame(fd, 0x81, request, sizeof request - 1);
    expect_text(fd, "event of q");
    expect_text(fd, reply);
    send_frame(fd, 0x81, "[", 1);
    uint8_t head[4];
    receive(fd, head, 4); /* a parse error, longer than 125 bytes or not, stays a text frame */
    assert_int_equal(head[0], 0x81);
    close(fd);
}

static void test_ws_fragments_are_joined_around_a_ping(void **state)
{
    (void)state;
    int fd = open_ws();
    send_frame(fd, 0x01, request, 10);
    send_frame(fd, 0x89, "hi", 2);
    expect_frame(fd, 0x8a, "hi", 2);
    send_frame(fd, 0x00, request + 10, 5);
    send_frame(fd, 0x80, request + 15, sizeof request - 1 - 15);
    expect_text(fd, "event of q");
    expect_text(fd, reply);
    send_frame(fd, 0x88, "\x03\xe8", 2);
    expect_close(fd, 1000);
}

static void test_ws_broken_frames_close_with_their_code(void **state)
{
    assert_int_equal(start(state), 0);
    static const struct {
        const char *bytes;
        size_t len;
        uint16_t code;
    } cases[] = {
        {"\x81\x01x", 3, 1002},                             /* unmasked */
        {"\xc1\x81\0\0\0\0x", 7, 1002},                     /* reserved bit */
        {"\x82\x81\0\0\0\0x", 7, 1003},                     /* binary */
        {"\x80\x81\0\0\0\0x", 7, 1002},                     /* continues nothing */
        {"\x09\x80\0\0\0\0", 6, 1002},                      /* fragmented ping */
        {"\x89\xfe\0\x7e\0\0\0\0", 8, 1002},                /* long ping */
        {"\x8b\x80\0\0\0\0", 6, 1002},                      /* unknown control */
        {"\x81\x81\0\0\0\0\xff", 7, 1007},                  /* not UTF-8 */
        {"\x81\xff\0\0\0\0\0\x10\0\x01\0\0\0\0", 14, 1009}, /* 1 MiB and a byte */
        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14, 1009},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = open_ws();
        test_send(fd, cases[i].bytes, cases[i].len);
        expect_close(fd, cases[i].code);
    }
    ay_http_stop(server);
    assert_int_equal(atomic_load(&closed), sizeof cases / sizeof *cases);
}

static void test_ws_handshake_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /websocket HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HANDSHAKE "\r\n",
        HANDSHAKE "Sec-WebSocket-Key: short\r\n\r\n",
        "GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n"
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    };
    char answer[1024];
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        test_ask(ay_http_port(server), requests[i], answer, sizeof answer);
        assert_status(answer, "400");
    }
    test_ask(ay_http_port(server),
             HANDSHAKE "Origin: http://evil.example\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             answer, sizeof answer);
    assert_status(answer, "403");
}

static void test_ws_stop_ends_open_sessions(void **state)
{
    (void)state;
    assert_int_equal(start(NULL), 0);
    int fd = open_ws(), other = open_ws();
    send_frame(fd, 0x81, request, sizeof request - 1);
    expect_text(fd, "event of q");
    send_frame(other, 0x81, request, sizeof request - 1);
    expect_text(other, "event of q");
    ay_http_stop(server);
    assert_int_equal(atomic_load(&closed), 2);
    close(fd);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_SERVER(name) cmocka_unit_test_setup_teardown(name, start, stop)
        WITH_SERVER(test_ws_request_is_answered_and_events_are_sent),
        WITH_SERVER(test_ws_fragments_are_joined_around_a_ping),
        cmocka_unit_test(test_ws_broken_frames_close_with_their_code),
        WITH_SERVER(test_ws_handshake_that_is_none_is_refused),
        cmocka_unit_test(test_ws_stop_ends_open_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
