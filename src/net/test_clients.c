/* The HTTP client and the node's client, against servers that behave and that do not. */
#include "net/http_client.h"
#include "net/node_client.h"
#include "net/testing.h"

#include "base/text.h"
#include "net/json.h"

#include <pthread.h>

/* What the next request is answered with, and what it asked. */
static struct {
    uint32_t status;
    const char *text;
    char asked[4096];
} script;

static void answer(void *ctx, const struct ay_http_request *request, struct ay_http_response *out)
{
    (void)ctx;
    snprintf(script.asked, sizeof script.asked, "%.*s", (int)request->body.len,
             request->body.len ? (const char *)request->body.data : "");
    ay_http_text(out, script.status, "application/json", "%s", script.text);
}

static void flood(void *ctx, const struct ay_http_request *request, struct ay_http_response *out)
{
    (void)ctx;
    (void)request;
    enum { FLOOD = 1 << 20 };
    ay_http_bytes(out, 200, "text/plain", calloc(1, FLOOD), FLOOD);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool inside, open;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void never(void *ctx, const struct ay_http_request *request, struct ay_http_response *out)
{
    (void)ctx;
    (void)request;
    (void)out;
    pthread_mutex_lock(&gate.lock);
    gate.inside = true;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open) pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static const struct ay_http_route routes[] = {
    {AY_HTTP_POST, "/", answer, NULL, 1 << 20},
    {AY_HTTP_GET, "/", answer, NULL, 0},
    {AY_HTTP_GET, "/flood", flood, NULL, 0},
    {AY_HTTP_GET, "/never", never, NULL, 0},
};

static struct ay_http_server *server;
static struct ay_node_client *node;
static char base[64];

static void start_server(const char *key)
{
    const struct ay_http_options options = {.routes = routes, .route_count = 4, .key = key};
    gate.inside = gate.open = false;
    assert_code(ay_http_start(&options, &server), AY_OK);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", ay_http_port(server));
}

static void stop_server(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    ay_http_stop(server);
}

static int start(void **state)
{
    (void)state;
    start_server(NULL);
    assert_code(ay_node_open(base, NULL, &node), AY_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ay_node_close(node);
    stop_server();
    return 0;
}

static enum ay_code get(struct ay_http_client *client, const char *path, struct ay_http_answer *out)
{
    char url[256];
    snprintf(url, sizeof url, "%s%s", base, path);
    return ay_http_call(client, "GET", url, NULL, (struct ay_slice){0}, out);
}

static struct ay_http_client *client_with(struct ay_http_client_options options)
{
    struct ay_http_client *client = NULL;
    assert_code(ay_http_client_open(&options, &client), AY_OK);
    return client;
}

static void test_client_answer_over_limit_is_refused_then_the_next_works(void **state)
{
    (void)state;
    struct ay_http_client *client = client_with((struct ay_http_client_options){.max_bytes = 1000});
    struct ay_http_answer got;
    script.status = 404;
    script.text = "gone";
    assert_code(get(client, "/flood", &got), AY_E_LIMIT);
    assert_non_null(strstr(ay_http_client_message(client), "over a limit"));
    assert_code(get(client, "/", &got), AY_OK);
    assert_int_equal(got.status, 404);
    assert_string_equal((const char *)got.body.data, "gone");
    assert_string_equal(ay_http_client_message(client), "");
    ay_http_client_close(client);
}

static void test_client_nobody_there_is_unreachable_with_a_message(void **state)
{
    (void)state;
    struct ay_http_client *client = client_with((struct ay_http_client_options){0});
    struct ay_http_answer got;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char url[64];
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct ay_slice none = {0};
    assert_code(ay_http_call(client, "GET", url, NULL, none, &got), AY_E_UNREACHABLE);
    assert_non_null(strstr(ay_http_client_message(client), url));
    assert_code(ay_http_call(client, "GET", "file:///etc/passwd", NULL, none, &got), AY_E_USAGE);
    assert_code(ay_http_call(client, "GET", "http://[", NULL, none, &got), AY_E_USAGE);
    close(fd);
    ay_http_client_close(client);
}

static void test_client_silent_server_times_out(void **state)
{
    (void)state;
    struct ay_http_client *client = client_with((struct ay_http_client_options){.total_ms = 100});
    struct ay_http_answer got;
    assert_code(get(client, "/never", &got), AY_E_TIMEOUT);
    ay_http_client_close(client);
}

static void *cancel_when_inside(void *client)
{
    pthread_mutex_lock(&gate.lock);
    while (!gate.inside) pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    ay_http_client_cancel(client);
    return NULL;
}

static void test_client_cancelled_call_ends(void **state)
{
    (void)state;
    struct ay_http_client *client = client_with((struct ay_http_client_options){0});
    struct ay_http_answer got;
    pthread_t canceller;
    assert_int_equal(pthread_create(&canceller, NULL, cancel_when_inside, client), 0);
    assert_code(get(client, "/never", &got), AY_E_INTERRUPTED);
    pthread_join(canceller, NULL);
    ay_http_client_close(client);
}

static enum ay_code refuse_piece(void *ctx, struct ay_slice piece)
{
    (void)piece;
    *(int *)ctx += 1;
    return AY_E_DISK_FULL;
}

static void test_client_refusing_sink_ends_the_call_with_its_code(void **state)
{
    (void)state;
    struct ay_http_client *client = client_with((struct ay_http_client_options){0});
    struct ay_http_answer got;
    char url[128];
    int pieces = 0;
    snprintf(url, sizeof url, "%s/flood", base);
    assert_code(ay_http_fetch(client, url, refuse_piece, &pieces, &got), AY_E_DISK_FULL);
    assert_int_equal(pieces, 1);
    ay_http_client_close(client);
}

/* The node's client */

static void say(const char *result)
{
    static char text[8192];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,%s}", result);
    script.status = 200;
    script.text = text;
}

static void assert_asked(const char *method, const char *params)
{
    char expected[1024];
    snprintf(expected, sizeof expected,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    assert_string_equal(script.asked, expected);
}

static void test_node_status_is_read(void **state)
{
    (void)state;
    struct ay_node_status status;
    say("\"result\":{\"node_info\":{\"network\":\"assay-1\",\"moniker\":\"m\",\"version\":"
        "\"0.38.26\"},\"sync_info\":{\"latest_block_height\":\"7\",\"latest_block_time\":"
        "\"2026-11-23T21:21:32.8Z\",\"latest_app_hash\":\"11EB\",\"catching_up\":false}}");
    assert_code(ay_node_status(node, &status), AY_OK);
    assert_asked("status", "{}");
    assert_string_equal(status.chain_id, "assay-1");
    assert_int_equal(status.height, 7);
    assert_string_equal(status.app_hash, "11EB");
    assert_string_equal(ay_node_message(node), "");
}

static void test_node_query_value_and_refusal_are_read(void **state)
{
    (void)state;
    struct ay_node_query query;
    uint8_t data[] = {0x0a, 0xff};
    say("\"result\":{\"response\":{\"code\":0,\"log\":\"\",\"info\":\"\",\"index\":\"0\",\"key\":"
        "null,\"value\":\"AQI=\",\"proofOps\":null,\"height\":\"204\",\"codespace\":\"\"}}");
    assert_code(ay_node_query(node, "/a.B/C", AY_SLICE_OF(data), 9, &query), AY_OK);
    assert_asked("abci_query",
                 "{\"path\":\"/a.B/C\",\"data\":\"0aff\",\"height\":\"9\",\"prove\":false}");
    assert_int_equal(query.height, 204);
    assert_int_equal(query.result.data.len, 2);
    assert_memory_equal(query.result.data.data, "\x01\x02", 2);
    assert_code(ay_node_code(&query.result), AY_OK);
    say("\"result\":{\"response\":{\"code\":22,\"log\":\"no\",\"value\":null,\"height\":\"204\","
        "\"codespace\":\"sdk\"}}");
    assert_code(ay_node_query(node, "/a.B/C", (struct ay_slice){0}, 0, &query), AY_OK);
    assert_code(ay_node_code(&query.result), AY_E_NOT_FOUND);
    assert_string_equal(query.result.log, "no");
    query.result.codespace = "elsewhere";
    assert_code(ay_node_code(&query.result), AY_E_REJECTED);
}

#define HASH "C03329577FE46E23576449B7EF9F6BC21D977C51E5C0059C811CF6676903A3E3"
#define RESULT                                                                                     \
    "{\"code\":0,\"data\":\"Ag==\",\"log\":\"\",\"gas_wanted\":\"20\",\"gas_used\":\"9\","         \
    "\"events\":[{\"type\":\"transfer\",\"attributes\":[{\"key\":\"amount\",\"value\":"            \
    "\"5nasy\",\"index\":true},{\"key\":\"to\",\"value\":\"x\"}]},{\"type\":\"empty\","            \
    "\"attributes\":[]}],\"codespace\":\"\"}"

static void test_node_broadcasts_and_lookups_are_read(void **state)
{
    (void)state;
    struct ay_node_tx tx;
    struct ay_slice bytes = ay_slice_str("tx");
    say("\"result\":{\"code\":32,\"data\":\"\",\"log\":\"expected 6\",\"codespace\":\"sdk\","
        "\"hash\":\"" HASH "\"}");
    assert_code(ay_node_broadcast_sync(node, bytes, &tx), AY_OK);
    assert_asked("broadcast_tx_sync", "{\"tx\":\"dHg=\"}");
    assert_code(ay_node_code(&tx.check), AY_E_SEQUENCE);
    assert_int_equal(tx.hash[0], 0xc0);
    say("\"result\":{\"check_tx\":" RESULT ",\"tx_result\":" RESULT ",\"hash\":\"" HASH
        "\",\"height\":\"27\"}");
    assert_code(ay_node_broadcast_commit(node, bytes, &tx), AY_OK);
    assert_int_equal(tx.height, 27);
    assert_int_equal(tx.result.gas_used, 9);
    assert_int_equal(tx.result.event_count, 2);
    assert_string_equal(ay_node_attr(&tx.result.events[0], "to"), "x");
    assert_null(ay_node_attr(&tx.result.events[1], "to"));
    say("\"result\":{\"txs\":[{\"hash\":\"" HASH
        "\",\"height\":\"3\",\"index\":1,\"tx_result\":" RESULT "}],\"total_count\":\"31\"}");
    struct ay_node_txs txs;
    assert_code(ay_node_tx_search(node, "tx.height=3", 2, 30, &txs), AY_OK);
    assert_asked("tx_search", "{\"query\":\"tx.height=3\",\"prove\":false,\"page\":\"2\","
                              "\"per_page\":\"30\",\"order_by\":\"asc\"}");
    assert_int_equal(txs.total, 31);
    assert_int_equal(txs.count, 1);
    assert_int_equal(txs.txs[0].index, 1);
    struct ay_node_block_results block;
    say("\"result\":{\"height\":\"4\",\"txs_results\":[" RESULT
        "],\"finalize_block_events\":null}");
    assert_code(ay_node_block_results(node, 4, &block), AY_OK);
    assert_asked("block_results", "{\"height\":\"4\"}");
    assert_int_equal(block.tx_count, 1);
    assert_int_equal(block.event_count, 0);
    say("\"result\":{\"height\":\"4\",\"txs_results\":null,\"finalize_block_events\":[{\"type\":"
        "\"job\",\"attributes\":[]}]}");
    assert_code(ay_node_block_results(node, 0, &block), AY_OK);
    assert_int_equal(block.tx_count, 0);
    assert_string_equal(block.events[0].type, "job");
}

static void test_node_errors_become_codes(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        enum ay_code code;
    } cases[] = {
        {"tx (00) not found", AY_E_NOT_FOUND},
        {"tx already exists in cache", AY_E_TX_IN_CACHE},
        {"timed out waiting for tx to be included in a block", AY_E_TIMEOUT},
        {"height 9 must be less than or equal to the current blockchain height 5", AY_E_RANGE},
        {"anything else", AY_E_REQUEST},
    };
    uint8_t hash[32] = {0};
    struct ay_node_tx tx;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char error[512];
        snprintf(error, sizeof error,
                 "\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"%s\"}",
                 cases[i].data);
        say(error);
        assert_code(ay_node_tx(node, hash, &tx), cases[i].code);
        assert_non_null(strstr(ay_node_message(node), cases[i].data));
    }
}

/* Every answer cut short or with a member of another type is refused, none read past its end. */
static void test_node_answers_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "\"result\":null",
        "\"result\":[]",
        "\"result\":{\"hash\":\"00\",\"height\":\"1\",\"tx_result\":" RESULT "}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":1.5,\"tx_result\":" RESULT "}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":\"-1\",\"tx_result\":" RESULT "}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":\"1\",\"tx_result\":{}}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":\"1\",\"tx_result\":{\"code\":-1}}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":\"1\",\"tx_result\":{\"code\":0,\"data\":"
        "\"A\"}}",
        "\"result\":{\"hash\":\"" HASH "\",\"height\":\"1\",\"tx_result\":{\"code\":0,\"events\":"
        "[7]}}",
        "\"other\":1",
    };
    uint8_t hash[32] = {0};
    struct ay_node_tx tx;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        say(answers[i]);
        assert_code(ay_node_tx(node, hash, &tx), AY_E_FORMAT);
    }
    script.text = "<html>";
    assert_code(ay_node_tx(node, hash, &tx), AY_E_FORMAT);
}

static void test_node_key_is_sent_and_its_lack_told(void **state)
{
    (void)state;
    static const char key[] = "0123456789abcdef";
    uint8_t hash[32] = {0};
    struct ay_node_tx tx;
    start_server(key);
    say("\"result\":{\"hash\":\"" HASH "\",\"height\":\"1\",\"tx_result\":" RESULT "}");
    assert_code(ay_node_open(base, NULL, &node), AY_OK);
    assert_code(ay_node_tx(node, hash, &tx), AY_E_KEY);
    ay_node_close(node);
    char url[64];
    snprintf(url, sizeof url, "tcp%s", base + 4);
    assert_code(ay_node_open(url, key, &node), AY_OK);
    assert_code(ay_node_tx(node, hash, &tx), AY_OK);
    ay_node_close(node);
    stop_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_SERVER(name) cmocka_unit_test_setup_teardown(name, start, stop)
        WITH_SERVER(test_client_answer_over_limit_is_refused_then_the_next_works),
        WITH_SERVER(test_client_nobody_there_is_unreachable_with_a_message),
        WITH_SERVER(test_client_silent_server_times_out),
        WITH_SERVER(test_client_cancelled_call_ends),
        WITH_SERVER(test_client_refusing_sink_ends_the_call_with_its_code),
        WITH_SERVER(test_node_status_is_read),
        WITH_SERVER(test_node_query_value_and_refusal_are_read),
        WITH_SERVER(test_node_broadcasts_and_lookups_are_read),
        WITH_SERVER(test_node_errors_become_codes),
        WITH_SERVER(test_node_answers_of_another_shape_are_refused),
        cmocka_unit_test(test_node_key_is_sent_and_its_lack_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
