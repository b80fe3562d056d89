#include "base/codec.h"
#include "base/gen/job.h"
#include "base/gen/tx.h"
#include "base/gen/work.h"
#include "net/json.h"
#include "net/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/test_fill.h"

static _Alignas(16) uint8_t arena_mem[1 << 21], made[4096], back[4096];
static char text_mem[1 << 20];

static enum ay_code read_text(const struct ay_msg *msg, const char *text, struct ay_arena *arena,
                              struct ay_text *why)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    assert_true(msg->size <= sizeof back);
    enum ay_code code = ay_json_read(msg, json, arena, back, why);
    json_decref(json); /* what was read must not hang on it */
    return code;
}

static void assert_same_bytes(const struct ay_msg *msg, const void *a, const void *b,
                              struct ay_arena *arena)
{
    struct ay_slice one, two;
    assert_int_equal(ay_encode_arena(msg, a, arena, &one), AY_OK);
    assert_int_equal(ay_encode_arena(msg, b, arena, &two), AY_OK);
    if (!ay_slice_equal(one, two)) fail_msg("%s: %s", msg->name, text_mem);
}

static void test_json_of_random_structs_reads_back(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)test_seed);
    for (uint32_t round = 0; round < 50; round++)
        for (uint32_t i = 0; i < ay_msgs_count; i++) {
            const struct ay_msg *msg = ay_msgs[i];
            if (msg == &ay_protobuf_any_msg) continue;
            struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
            struct ay_text text = ay_text_over(text_mem, sizeof text_mem);
            memset(made, 0, sizeof made);
            test_fill(msg, &arena, made);
            assert_int_equal(ay_json_write(msg, made, ay_address_write, &arena, &text), AY_OK);
            assert_int_equal(read_text(msg, text_mem, &arena, NULL), AY_OK);
            assert_same_bytes(msg, made, back, &arena);
        }
}

/* What cosmpy posts: camelCase, Anys with @type, enums by name, 64-bit numbers as strings. */
static void test_json_from_cosmpy_is_read(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    char why[256];
    struct ay_text reason = ay_text_over(why, sizeof why);
    enum ay_code code =
        read_text(&ay_tx_simulate_request_msg,
                  "{\"tx\":{\"body\":{\"messages\":[{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\","
                  "\"fromAddress\":\"a\",\"toAddress\":\"b\",\"amount\":[{\"denom\":\"nasy\","
                  "\"amount\":\"5\"}]}]},"
                  "\"authInfo\":{\"signerInfos\":[{\"publicKey\":{\"@type\":"
                  "\"/cosmos.crypto.secp256k1.PubKey\",\"key\":"
                  "\"Ak9OKtmcNNYLm6YoPJQxqEGK+GcyEmH5eadrY3f80Fti\"},"
                  "\"modeInfo\":{\"single\":{\"mode\":\"SIGN_MODE_DIRECT\"}},\"sequence\":\"3\"}],"
                  "\"fee\":{\"gasLimit\":200000}},\"signatures\":[\"\"]}}",
                  &arena, &reason);
    if (code != AY_OK) fail_msg("%s", why);
    const struct ay_tx_simulate_request *request = (const void *)back;
    assert_true(request->has_tx);
    assert_int_equal(request->tx.auth_info.fee.gas_limit, 200000);
    assert_int_equal(request->tx.auth_info.signer_infos[0].sequence, 3);
    assert_int_equal(request->tx.auth_info.signer_infos[0].mode_info.single.mode, 1);
    assert_int_equal(request->tx.auth_info.signer_infos[0].public_key.value.len, 35);
    assert_int_equal(request->tx.signatures_count, 1);
    struct ay_bank_msg_send send;
    assert_int_equal(
        ay_decode(&ay_bank_msg_send_msg, request->tx.body.messages[0].value, &arena, &send, NULL),
        AY_OK);
    assert_true(ay_slice_equal(send.amount[0].amount, ay_slice_str("5")));
}

static void test_json_refusal_names_place_and_reason(void **state)
{
    (void)state;
    static const struct {
        const struct ay_msg *msg;
        const char *json, *why;
    } cases[] = {
        {&ay_tx_fee_msg, "[]", "expects an object"},
        {&ay_tx_fee_msg, "{\"gas\":1}", "gas: unknown field"},
        {&ay_tx_fee_msg, "{\"gas_limit\":1,\"gasLimit\":1}", "gasLimit: given twice"},
        {&ay_tx_fee_msg, "{\"gas_limit\":-1}",
         "gas_limit: expects a whole number from 0 to 2^64 - 1"},
        {&ay_tx_fee_msg, "{\"gas_limit\":1.5}",
         "gas_limit: expects a whole number from 0 to 2^64 - 1"},
        {&ay_tx_fee_msg, "{\"gasLimit\":true}",
         "gas_limit: expects a whole number from 0 to 2^64 - 1"},
        {&ay_tx_fee_msg, "{\"amount\":{}}", "amount: expects an array"},
        {&ay_tx_fee_msg, "{\"amount\":[{},{\"denom\":1}]}",
         "amount[1].denom: expects text in UTF-8 within the field's length"},
        {&ay_tx_fee_msg, "{\"amount\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
         "amount: has too many elements"},
        {&ay_tx_tx_body_msg, "{\"messages\":[{}]}",
         "messages[0]: expects an object with \"@type\""},
        {&ay_tx_tx_body_msg, "{\"messages\":[{\"@type\":\"/no.such\"}]}",
         "messages[0]: unknown \"@type\""},
        {&ay_tx_tx_body_msg,
         "{\"messages\":[{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\",\"x\":1}]}",
         "messages[0].x: unknown field"},
        {&ay_tx_tx_body_msg, "{\"unordered\":1}", "unordered: expects true or false"},
        {&ay_tx_tx_raw_msg, "{\"body_bytes\":\"Zg\"}",
         "body_bytes: expects base64 bytes within the field's length"},
        {&ay_tx_mode_info_single_msg, "{\"mode\":\"NO\"}", "mode: expects one of the enum's names"},
        {&ay_work_weight_msg, "{}", "root: missing"},
        {&ay_work_weight_msg, "{\"root\":\"00\"}",
         "root: expects hexadecimal bytes within the field's length"},
        {&ay_job_request_msg,
         "{\"genesis_hash\":"
         "\"0000000000000000000000000000000000000000000000000000000000000000\","
         "\"consumer\":\"cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4\"}",
         "consumer: expects an address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
        char why[256];
        struct ay_text reason = ay_text_over(why, sizeof why);
        assert_int_equal(read_text(cases[i].msg, cases[i].json, &arena, &reason), AY_E_FORMAT);
        assert_string_equal(why, cases[i].why);
    }
}

static void test_json_any_too_deep_is_refused(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_text text = ay_text_over(text_mem, sizeof text_mem);
    for (int i = 0; i < 8; i++)
        ay_text_str(&text, "{\"@type\":\"/cosmos.auth.v1beta1.QueryAccountResponse\",\"account\":");
    ay_text_str(&text, "null");
    for (int i = 0; i < 8; i++) ay_text_str(&text, "}");
    char why[256];
    struct ay_text reason = ay_text_over(why, sizeof why);
    assert_int_equal(read_text(&ay_protobuf_any_msg, text_mem, &arena, &reason), AY_E_FORMAT);
    assert_non_null(strstr(why, "too deep"));
}

static void test_json_with_small_arena_is_limited(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(arena_mem, 16);
    assert_int_equal(read_text(&ay_tx_fee_msg, "{\"amount\":[{\"denom\":\"nasy\"}]}", &arena, NULL),
                     AY_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_of_random_structs_reads_back),
        cmocka_unit_test(test_json_from_cosmpy_is_read),
        cmocka_unit_test(test_json_refusal_names_place_and_reason),
        cmocka_unit_test(test_json_any_too_deep_is_refused),
        cmocka_unit_test(test_json_with_small_arena_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
