#include "net/jsonrpc.h"
#include "net/testing.h"

#include "base/text.h"

/* Shows every argument as the method sees it. */
static enum ay_code show(void *ctx, const struct ay_rpc_call *call, json_t **result,
                         struct ay_rpc_error *error)
{
    (void)ctx;
    (void)error;
    char hex[256];
    struct ay_text text = ay_text_over(hex, sizeof hex);
    ay_text_hex(&text, call->arg[3].bytes);
    ay_text_char(&text, '/');
    ay_text_hex(&text, call->arg[4].bytes);
    *result = json_pack("{s:s, s:I, s:b, s:s}", "text", call->arg[0].text, "number",
                        (json_int_t)call->arg[1].number, "flag", call->arg[2].flag, "bytes", hex);
    return AY_OK;
}

static enum ay_code refuse(void *ctx, const struct ay_rpc_call *call, json_t **result,
                           struct ay_rpc_error *error)
{
    (void)ctx;
    (void)call;
    (void)result;
    return ay_rpc_fail(error, AY_E_NOT_FOUND, "tx (%s) not found", "00");
}

static enum ay_code refuse_plainly(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                   struct ay_rpc_error *error)
{
    (void)ctx;
    (void)call;
    (void)result;
    (void)error;
    return AY_E_TIMEOUT;
}

static const struct ay_rpc_method methods[] = {
    {"show",
     show,
     false,
     {{"text", AY_RPC_TEXT},
      {"number", AY_RPC_INT},
      {"flag", AY_RPC_BOOL},
      {"tx", AY_RPC_BASE64},
      {"data", AY_RPC_HEX}}},
    {"tx", refuse, false, {{"hash", AY_RPC_BASE64}}},
    {"wait", refuse_plainly, false, {{NULL, AY_RPC_TEXT}}},
    {"subscribe", refuse_plainly, true, {{"query", AY_RPC_TEXT}}},
};
static const struct ay_rpc rpc = {methods, sizeof methods / sizeof *methods, NULL};

struct exchange {
    const char *request;
    uint32_t status;
    const char *answer; /* "" for none; one that ends in * is a prefix */
};

static void assert_answers(const struct exchange *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text, answer[4096];
        size_t len;
        assert_int_equal(ay_rpc_message(&rpc, ay_slice_str(cases[i].request), NULL, &text, &len),
                         cases[i].status);
        snprintf(answer, sizeof answer, "%.*s", (int)len, text ? text : "");
        const char *star = strchr(cases[i].answer, '*');
        if (star) answer[star - cases[i].answer] = '\0';
        free(text);
        char expected[4096];
        snprintf(expected, sizeof expected, "%.*s",
                 star ? (int)(star - cases[i].answer) : (int)strlen(cases[i].answer),
                 cases[i].answer);
        assert_string_equal(answer, expected);
    }
}
#define ASSERT_ANSWERS(cases) assert_answers(cases, sizeof cases / sizeof *cases)

#define OK(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ERROR(id, code, message, data)                                                             \
    "{\"jsonrpc\":\"2.0\"," id "\"error\":{\"code\":" code ",\"message\":\"" message "\"" data "}" \
    "}"
#define ZERO "{\"text\":\"\",\"number\":0,\"flag\":false,\"bytes\":\"/\"}"
#define SET  "{\"text\":\"a\",\"number\":5,\"flag\":true,\"bytes\":\"00ff/0aff\"}"

static void test_rpc_params_in_every_form_reach_the_method(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        {"{\"id\":1,\"method\":\"show\"}", 200, OK("1", ZERO)},
        {"{\"id\":\"x\",\"method\":\"show\",\"params\":{}}", 200, OK("\"x\"", ZERO)},
        {"{\"id\":1,\"method\":\"show\",\"params\":null}", 200, OK("1", ZERO)},
        {"{\"id\":1,\"method\":\"show\",\"params\":{\"text\":null}}", 200, OK("1", ZERO)},
        {"{\"id\":1,\"method\":\"show\",\"params\":{\"text\":\"a\",\"number\":\"5\",\"flag\":true,"
         "\"tx\":\"AP8=\",\"data\":\"0aFF\"}}",
         200, OK("1", SET)},
        {"{\"id\":1,\"method\":\"show\",\"params\":[\"a\",5,true,\"AP8=\",\"0aff\"]}", 200,
         OK("1", SET)},
    };
    ASSERT_ANSWERS(cases);
}

static void test_rpc_bad_params_are_invalid(void **state)
{
    (void)state;
#define BAD(params)                                                                                \
    {                                                                                              \
        "{\"id\":1,\"method\":\"show\",\"params\":" params "}", 200,                               \
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"Invalid "      \
            "params\",\"data\":\"error converting json params to arguments: *"                     \
    }
    static const struct exchange cases[] = {
        BAD("[]"),
        BAD("[1]"),
        BAD("\"text\""),
        BAD("{\"text\":5}"),
        BAD("{\"number\":\"5x\"}"),
        BAD("{\"number\":\"99999999999999999999\"}"),
        BAD("{\"number\":1.5}"),
        BAD("{\"flag\":\"true\"}"),
        BAD("{\"tx\":\"AP8\"}"),
        BAD("{\"data\":\"0\"}"),
        BAD("{\"data\":\"0x00\"}"),
    };
    ASSERT_ANSWERS(cases);
}

static void test_rpc_errors_have_the_shape_clients_match(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tx\",\"params\":{\"hash\":\"AA==\"}}", 200,
         ERROR("\"id\":1,", "-32603", "Internal error", ",\"data\":\"tx (00) not found\"")},
        {"{\"id\":1,\"method\":\"wait\"}", 200,
         ERROR("\"id\":1,", "-32603", "Internal error", ",\"data\":\"timed out\"")},
        {"{\"id\":1,\"method\":\"no\"}", 200, ERROR("\"id\":1,", "-32601", "Method not found", "")},
        {"{\"id\":1}", 200, ERROR("\"id\":1,", "-32601", "Method not found", "")},
        {"{\"id\":1,\"method\":\"subscribe\"}", 200,
         ERROR("\"id\":1,", "-32601", "Method not found", "")},
        {"{\"id\":[],\"method\":\"show\"}", 200,
         ERROR("", "-32600", "Invalid Request", ",\"data\":\"no request object\"")},
        {"7", 200, ERROR("", "-32600", "Invalid Request", ",\"data\":\"no request object\"")},
        {"{\"id\":1,", 500,
         "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error. Invalid "
         "JSON\",\"data\":\"error unmarshaling request: line 1 *"},
        {"", 500, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,*"},
        {"{\"id\":1,\"id\":2,\"method\":\"show\"}", 500, "{\"jsonrpc\":\"2.0\",\"error\":*"},
    };
    ASSERT_ANSWERS(cases);
}

static void test_rpc_batches_answer_each_but_notifications(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        {"[{\"id\":1,\"method\":\"show\"},{\"method\":\"show\"},{\"id\":2,\"method\":\"no\"}]", 200,
         "[" OK("1", ZERO) "," ERROR("\"id\":2,", "-32601", "Method not found", "") "]"},
        {"{\"method\":\"show\"}", 200, ""},
        {"{\"method\":\"show\",\"id\":null}", 200, ""},
        {"[{\"method\":\"show\"}]", 200, ""},
        {"[]", 200, ERROR("", "-32600", "Invalid Request", ",\"data\":\"empty batch\"")},
        {"[1]", 200,
         "[" ERROR("", "-32600", "Invalid Request", ",\"data\":\"no request object\"") "]"},
    };
    ASSERT_ANSWERS(cases);
}

static void test_rpc_bombs_are_refused_before_parsing(void **state)
{
    (void)state;
    enum { MANY = 1 << 20 };
    char *text = malloc(MANY), *answer;
    size_t len;
    assert_non_null(text);
    memset(text, '[', MANY);
    assert_int_equal(ay_rpc_message(&rpc, ay_slice(text, MANY), NULL, &answer, &len), 500);
    assert_non_null(strstr(answer, "too deep"));
    free(answer);
    for (size_t i = 0; i < MANY; i++) text[i] = "[],"[i % 3];
    text[0] = '[';
    text[1] = '[';
    assert_int_equal(ay_rpc_message(&rpc, ay_slice(text, MANY), NULL, &answer, &len), 500);
    assert_non_null(strstr(answer, "too many values"));
    free(answer);
    /* brackets within strings count for nothing */
    len = (size_t)snprintf(text, MANY, "{\"id\":1,\"method\":\"no\",\"params\":[\"");
    memset(text + len, '[', 1000);
    snprintf(text + len + 1000, 64, "\\\"[[\"]}");
    assert_int_equal(ay_rpc_message(&rpc, ay_slice_str(text), NULL, &answer, &len), 200);
    free(answer);
    len = (size_t)snprintf(text, MANY, "[7");
    for (int i = 0; i < AY_RPC_MAX_BATCH; i++)
        len += (size_t)snprintf(text + len, MANY - len, ",7");
    snprintf(text + len, MANY - len, "]");
    assert_int_equal(ay_rpc_message(&rpc, ay_slice_str(text), NULL, &answer, &len), 200);
    assert_non_null(strstr(answer, "batch too large"));
    free(answer);
    free(text);
}

static void test_rpc_get_takes_quoted_hex_and_bare_arguments(void **state)
{
    (void)state;
    union {
        const struct ay_rpc *in;
        void *ctx;
    } view = {&rpc};
    const struct ay_http_route routes[] = {
        {AY_HTTP_POST, "/", ay_rpc_post, view.ctx, AY_RPC_MAX_BODY_BYTES},
        {AY_HTTP_GET, "/{method}", ay_rpc_get, view.ctx, 0},
    };
    const struct ay_http_options options = {.routes = routes, .route_count = 2};
    static const struct {
        const char *path, *status, *text;
    } cases[] = {
        {"/show", "200", OK("-1", ZERO)},
        {"/show?text=%22a%22&number=5&flag=true&tx=0x00ff&data=0x0AFF", "200", OK("-1", SET)},
        {"/show?text=0x61&number=%225%22&flag=true&tx=0X00ff&data=0x0aff", "200", OK("-1", SET)},
        {"/show?tx=%22ab%22", "200", "\"bytes\":\"6162/\""},
        {"/show?text=a", "500", "\"id\":-1,\"error\":{\"code\":-32602"},
        {"/show?number=0x05", "500", "\"id\":-1,\"error\":{\"code\":-32602"},
        {"/show?text=0x6100", "500", "\"id\":-1,\"error\":{\"code\":-32602"},
        {"/show?number=[[5]]", "500", "\"id\":-1,\"error\":{\"code\":-32602"},
        {"/tx?hash=0x00", "500",
         "\"id\":-1,\"error\":{\"code\":-32603,\"message\":\"Internal "
         "error\",\"data\":\"tx (00) not found\"}"},
        {"/no", "404", "404 page not found"},
        {"/subscribe", "404", "404 page not found"},
    };
    struct ay_http_server *server;
    assert_code(ay_http_start(&options, &server), AY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[512], answer[4096];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s", cases[i].path,
                 "Connection: close\r\n\r\n");
        test_ask(ay_http_port(server), request, answer, sizeof answer);
        assert_status(answer, cases[i].status);
        if (!strstr(answer, cases[i].text)) fail_msg("%s: %s", cases[i].path, answer);
    }
    ay_http_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_params_in_every_form_reach_the_method),
        cmocka_unit_test(test_rpc_bad_params_are_invalid),
        cmocka_unit_test(test_rpc_errors_have_the_shape_clients_match),
        cmocka_unit_test(test_rpc_batches_answer_each_but_notifications),
        cmocka_unit_test(test_rpc_bombs_are_refused_before_parsing),
        cmocka_unit_test(test_rpc_get_takes_quoted_hex_and_bare_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
