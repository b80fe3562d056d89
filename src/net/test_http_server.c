#include "net/testing.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SMALL_BODY = 4096 };

static struct ay_http_server *server;
static atomic_int calls;

/* Says what it was asked. */
static void echo(void *ctx, const struct ay_http_request *request, struct ay_http_response *out)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
    const char *x = ay_http_arg(request, "x"), *p = request->param[0];
    ay_http_text(out, 200, "text/plain", "path=%s x=%s p=%s body=%.*s", request->path,
                 x ? x : "none", p ? p : "none", (int)request->body.len,
                 request->body.len ? (const char *)request->body.data : "");
}

static const struct ay_http_route routes[] = {
    {AY_HTTP_GET, "/echo", echo, &calls, 0},
    {AY_HTTP_POST, "/echo", echo, &calls, SMALL_BODY},
    {AY_HTTP_GET, "/a/{id}/b", echo, &calls, 0},
};

static const struct ay_http_options plain = {.routes = routes, .route_count = 3};

static int start_with(const struct ay_http_options *options)
{
    atomic_store(&calls, 0);
    return ay_http_start(options, &server) == AY_OK ? 0 : -1;
}

static int start(void **state)
{
    (void)state;
    return start_with(&plain);
}

static int stop(void **state)
{
    (void)state;
    ay_http_stop(server);
    server = NULL;
    return 0;
}

static const char *ask(const char *request)
{
    static char answer[16384];
    test_ask(ay_http_port(server), request, answer, sizeof answer);
    return answer;
}

#define END "Host: localhost\r\nConnection: close\r\n\r\n"

static void test_server_routes_match_gives_path_argument_and_parameter(void **state)
{
    (void)state;
    const char *answer = ask("GET /echo?x=a%20b HTTP/1.1\r\n" END);
    assert_status(answer, "200");
    assert_non_null(strstr(answer, "path=/echo x=a b p=none body="));
    assert_non_null(strstr(ask("GET /a/seven/b HTTP/1.1\r\n" END), "p=seven"));
    assert_status(ask("GET /a//b HTTP/1.1\r\n" END), "404");
    assert_status(ask("GET /a/seven/b/c HTTP/1.1\r\n" END), "404");
    assert_non_null(strstr(ask("GET /none HTTP/1.1\r\n" END), "404 page not found"));
    assert_status(ask("DELETE /echo HTTP/1.1\r\n" END), "405");
    assert_status(ask("BREW /echo HTTP/1.1\r\n" END), "405");
    assert_int_equal(atomic_load(&calls), 2);
}

static void test_server_two_requests_on_one_connection_are_both_answered(void **state)
{
    (void)state;
    char answer[4096];
    int fd = test_connect(ay_http_port(server));
    static const char request[] =
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\none"
        "POST /echo HTTP/1.1\r\nContent-Length: 3\r\n" END "two";
    test_send(fd, request, sizeof request - 1);
    test_read_all(fd, answer, sizeof answer);
    close(fd);
    assert_non_null(strstr(answer, "body=one"));
    assert_non_null(strstr(answer, "body=two"));
}

/* Framing that two readers could take differently never reaches a handler, nor what follows it. */
static void test_server_ambiguous_length_is_refused_and_closes(void **state)
{
    (void)state;
    static const char *const framings[] = {
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: \r\n",
    };
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        char request[512];
        snprintf(request, sizeof request,
                 "POST /echo HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
                 "0\r\n\r\nGET /echo?x=smuggled HTTP/1.1\r\n" END,
                 framings[i]);
        const char *answer = ask(request);
        if (strstr(answer, "HTTP/1.1 200") || strstr(answer, "smuggled"))
            fail_msg("%s was served: %s", framings[i], answer);
    }
    assert_int_equal(atomic_load(&calls), 0);
}

static void test_server_chunked_body_is_joined(void **state)
{
    (void)state;
    assert_non_null(strstr(ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
                               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                           "body=abcde"));
}

static void test_server_malformed_headers_are_refused(void **state)
{
    (void)state;
    assert_status(ask("GET /echo?x=%00 HTTP/1.1\r\n" END), "400");
    assert_status(ask("GET /echo HTTP/1.1\r\nBad(name): 1\r\n" END), "400");
    assert_status(ask("GET /echo HTTP/1.1\r\nHost: localhost\r\n" END), "400");
    assert_int_equal(atomic_load(&calls), 0);
}

static void repeat(char *out, size_t cap, const char *line, size_t times)
{
    size_t len = (size_t)snprintf(out, cap, "GET /echo HTTP/1.1\r\n");
    for (size_t i = 0; i < times; i++) len += (size_t)snprintf(out + len, cap - len, "%s", line);
    snprintf(out + len, cap - len, "%s", END);
}

static void test_server_header_bombs_are_refused(void **state)
{
    (void)state;
    enum { CAP = 1 << 20 };
    char *request = malloc(CAP), line[2048];
    assert_non_null(request);
    repeat(request, CAP, "A: b\r\n", AY_HTTP_MAX_HEADERS - 2);
    assert_status(ask(request), "200");
    repeat(request, CAP, "A: b\r\n", AY_HTTP_MAX_HEADERS - 1);
    assert_status(ask(request), "431");
    snprintf(line, sizeof line, "A: %01000d\r\n", 0);
    repeat(request, CAP, line, 15);
    assert_status(ask(request), "200");
    repeat(request, CAP, line, 17);
    assert_status(ask(request), "431");
    repeat(request, CAP, line, 1000);
    assert_null(strstr(ask(request), "HTTP/1.1 200"));
    free(request);
    assert_int_equal(atomic_load(&calls), 2);
}

static void test_server_body_over_limit_is_refused(void **state)
{
    (void)state;
    char request[16384];
    int n = snprintf(request, sizeof request,
                     "POST /echo HTTP/1.1\r\nContent-Length: %d\r\n" END "%0*d", SMALL_BODY,
                     SMALL_BODY, 0);
    assert_true(n > SMALL_BODY);
    assert_status(ask(request), "200");
    assert_status(ask("POST /echo HTTP/1.1\r\nContent-Length: 4097\r\n" END), "413");
    assert_status(ask("POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END),
                  "413");
    snprintf(request, sizeof request,
             "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
             "1001\r\n%0*d\r\n0\r\n\r\n",
             SMALL_BODY + 1, 0);
    assert_null(strstr(ask(request), "HTTP/1.1 200"));
    assert_int_equal(atomic_load(&calls), 1);
}

/* Bodies together have a limit of their own, and give back what they took. */
static void test_server_body_over_total_is_cut_and_its_room_given_back(void **state)
{
    (void)state;
    enum { TOTAL = 3 * SMALL_BODY };
    static const struct ay_http_route large[] = {{AY_HTTP_POST, "/echo", echo, &calls, 1 << 20}};
    const struct ay_http_options options = {
        .routes = large, .route_count = 1, .max_total_bytes = TOTAL};
    assert_int_equal(start_with(&options), 0);
    char request[TOTAL + 512];
    const char *answer = "";
    snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nContent-Length: %d\r\n" END "%0*d",
             TOTAL + 1, TOTAL + 1, 0);
    assert_null(strstr(ask(request), "200"));
    snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nContent-Length: %d\r\n" END "%0*d",
             SMALL_BODY, SMALL_BODY, 0);
    /* the peer sees the end of a cut connection before the server has let go of its body */
    for (int i = 0; i < 1000 && !strstr(answer, "200 OK"); i++) answer = ask(request);
    assert_status(answer, "200");
    assert_int_equal(stop(NULL), 0);
}

/* Bytes keep coming, yet the header is never whole. */
static void test_server_slow_header_is_dropped(void **state)
{
    (void)state;
    struct ay_http_options options = plain;
    options.header_seconds = 1;
    assert_int_equal(start_with(&options), 0);
    int fd = test_connect(ay_http_port(server));
    const struct timeval step = {.tv_usec = 100000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof step), 0);
    static const char start_line[] = "GET /echo HTTP/1.1\r\nA: ";
    test_send(fd, start_line, sizeof start_line - 1);
    char byte;
    ssize_t n = -1;
    for (int i = 0; i < 150 && n < 0; i++) {
        test_send(fd, "x", 1);
        n = recv(fd, &byte, 1, 0);
    }
    assert_int_equal(n, 0);
    close(fd);
    assert_int_equal(stop(NULL), 0);
}

static void test_server_wider_bind_needs_key(void **state)
{
    (void)state;
    struct ay_http_options options = plain;
    options.address = "0.0.0.0";
    assert_code(ay_http_start(&options, &server), AY_E_USAGE);
    options.key = "short";
    assert_code(ay_http_start(&options, &server), AY_E_USAGE);
    options.address = "localhost";
    options.key = "0123456789abcdef";
    assert_code(ay_http_start(&options, &server), AY_E_USAGE);
    options.address = "0.0.0.0";
    assert_code(ay_http_start(&options, &server), AY_OK);
    assert_int_equal(stop(NULL), 0);
}

static void test_server_taken_port_is_told(void **state)
{
    (void)state;
    struct ay_http_options options = plain;
    struct ay_http_server *second = NULL;
    options.port = ay_http_port(server);
    assert_code(ay_http_start(&options, &second), AY_E_EXISTS);
}

static void test_server_key_is_asked_for(void **state)
{
    (void)state;
    struct ay_http_options options = plain;
    options.key = "0123456789abcdef";
    assert_int_equal(start_with(&options), 0);
    assert_status(ask("GET /echo HTTP/1.1\r\n" END), "401");
    assert_status(ask("GET /echo HTTP/1.1\r\nAuthorization: Bearer \r\n" END), "401");
    assert_status(ask("GET /echo HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdeg\r\n" END),
                  "401");
    assert_status(
        ask("GET /echo HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n" END),
        "401");
    assert_int_equal(atomic_load(&calls), 0);
    assert_status(ask("GET /echo HTTP/1.1\r\nAuthorization: Bearer 0123456789abcdef\r\n" END),
                  "200");
    assert_int_equal(stop(NULL), 0);
}

static void test_server_foreign_host_or_origin_is_refused(void **state)
{
    (void)state;
    static const char close_line[] = "Connection: close\r\n\r\n";
    static const struct {
        const char *headers, *status;
    } cases[] = {
        {"Host: localhost\r\n", "200"},
        {"Host: 127.0.0.1:26657\r\n", "200"},
        {"Host: evil.example\r\n", "403"},
        {"Host: localhost.evil.example\r\n", "403"},
        {"Host: localhost:1\r\nOrigin: http://localhost:1\r\n", "200"},
        {"Host: localhost:1\r\nOrigin: http://evil.example\r\n", "403"},
        {"Host: localhost:1\r\nOrigin: null\r\n", "403"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256];
        snprintf(request, sizeof request, "GET /echo HTTP/1.1\r\n%s%s", cases[i].headers,
                 close_line);
        assert_status(ask(request), cases[i].status);
    }
    assert_null(strstr(ask("GET /echo HTTP/1.1\r\n" END), "Access-Control"));
}

static void test_server_listed_origin_gets_cors(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://app.example", NULL};
    struct ay_http_options options = plain;
    options.origins = origins;
    assert_int_equal(start_with(&options), 0);
    const char *answer = ask("GET /echo HTTP/1.1\r\nOrigin: https://app.example\r\n" END);
    assert_status(answer, "200");
    assert_non_null(strstr(answer, "Access-Control-Allow-Origin: https://app.example\r\n"));
    answer = ask("OPTIONS /echo HTTP/1.1\r\nOrigin: https://app.example\r\n"
                 "Access-Control-Request-Method: POST\r\n" END);
    assert_status(answer, "204");
    assert_non_null(strstr(answer, "Access-Control-Allow-Methods: GET, POST"));
    assert_status(ask("OPTIONS /echo HTTP/1.1\r\nOrigin: https://other.example\r\n" END), "403");
    assert_int_equal(stop(NULL), 0);
}

/* Handlers that wait do not hold up the others, and stop waits for them. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside;
    bool open;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_at_gate(void *ctx, const struct ay_http_request *request,
                         struct ay_http_response *out)
{
    (void)ctx;
    (void)request;
    pthread_mutex_lock(&gate.lock);
    gate.inside++;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open) pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    ay_http_text(out, 200, "text/plain", "through");
}

static void *stop_server(void *arg)
{
    ay_http_stop(arg);
    return NULL;
}

static void test_server_stop_waits_for_running_handlers(void **state)
{
    (void)state;
    static const struct ay_http_route slow[] = {{AY_HTTP_GET, "/slow", wait_at_gate, NULL, 0},
                                                {AY_HTTP_GET, "/echo", echo, &calls, 0}};
    const struct ay_http_options options = {.routes = slow, .route_count = 2, .workers = 3};
    assert_int_equal(start_with(&options), 0);
    static const char request[] = "GET /slow HTTP/1.1\r\n" END;
    int fd[2];
    for (int i = 0; i < 2; i++) {
        fd[i] = test_connect(ay_http_port(server));
        test_send(fd[i], request, sizeof request - 1);
    }
    pthread_mutex_lock(&gate.lock);
    while (gate.inside < 2) pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    assert_status(ask("GET /echo HTTP/1.1\r\n" END), "200");
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, server), 0);
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    for (int i = 0; i < 2; i++) {
        char answer[1024];
        test_read_all(fd[i], answer, sizeof answer);
        assert_non_null(strstr(answer, "through"));
        close(fd[i]);
    }
    pthread_join(stopper, NULL);
    server = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_SERVER(name) cmocka_unit_test_setup_teardown(name, start, stop)
        WITH_SERVER(test_server_routes_match_gives_path_argument_and_parameter),
        WITH_SERVER(test_server_two_requests_on_one_connection_are_both_answered),
        WITH_SERVER(test_server_ambiguous_length_is_refused_and_closes),
        WITH_SERVER(test_server_chunked_body_is_joined),
        WITH_SERVER(test_server_malformed_headers_are_refused),
        WITH_SERVER(test_server_header_bombs_are_refused),
        WITH_SERVER(test_server_body_over_limit_is_refused),
        WITH_SERVER(test_server_taken_port_is_told),
        WITH_SERVER(test_server_foreign_host_or_origin_is_refused),
        cmocka_unit_test(test_server_body_over_total_is_cut_and_its_room_given_back),
        cmocka_unit_test(test_server_slow_header_is_dropped),
        cmocka_unit_test(test_server_wider_bind_needs_key),
        cmocka_unit_test(test_server_key_is_asked_for),
        cmocka_unit_test(test_server_listed_origin_gets_cors),
        cmocka_unit_test(test_server_stop_waits_for_running_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
