#include "base/codec.h"
#include "base/gen/auth.h"
#include "base/gen/protobuf.h"
#include "base/gen/tx.h"
#include "base/json_write.h"
#include "base/test_kinds.h"
#include "base/text.h"
#include "base/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static _Alignas(16) uint8_t arena_mem[1 << 16];

static void test_text_too_long_is_cut_and_says_so(void **state)
{
    (void)state;
    char buf[5];
    struct ay_text t = ay_text_over(buf, sizeof buf);
    ay_text_str(&t, "abcd");
    assert_false(t.full);
    ay_text_char(&t, 'e');
    assert_true(t.full);
    assert_string_equal(buf, "abcd");
}

static void test_number_bounds_print_and_parse(void **state)
{
    (void)state;
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 9, 10, INT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char buf[32];
        struct ay_text t = ay_text_over(buf, sizeof buf);
        int64_t back = 1;
        ay_text_i64(&t, numbers[i]);
        assert_int_equal(ay_parse_i64(ay_slice_str(buf), INT64_MIN, INT64_MAX, &back), AY_OK);
        assert_true(back == numbers[i]);
    }
    uint64_t u;
    int64_t s;
    assert_int_equal(ay_parse_u64(ay_slice_str("18446744073709551615"), UINT64_MAX, &u), AY_OK);
    assert_true(u == UINT64_MAX);
    static const char *const bad[] = {"", "00", "01", "+1", "1 ", " 1", "1a", "-", "--1", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ay_parse_u64(ay_slice_str(bad[i]), UINT64_MAX, &u), AY_E_FORMAT);
        assert_int_equal(ay_parse_i64(ay_slice_str(bad[i]), INT64_MIN, INT64_MAX, &s), AY_E_FORMAT);
    }
    assert_int_equal(ay_parse_u64(ay_slice_str("18446744073709551616"), UINT64_MAX, &u),
                     AY_E_RANGE);
    assert_int_equal(ay_parse_u64(ay_slice_str("99999999999999999999"), UINT64_MAX, &u),
                     AY_E_RANGE);
    assert_int_equal(ay_parse_u64(ay_slice_str("256"), 255, &u), AY_E_RANGE);
    assert_int_equal(ay_parse_u64(ay_slice_str("-1"), 255, &u), AY_E_FORMAT);
    assert_int_equal(ay_parse_i64(ay_slice_str("-0"), -1, 1, &s), AY_E_FORMAT);
    assert_int_equal(ay_parse_i64(ay_slice_str("-2"), -1, 1, &s), AY_E_RANGE);
    assert_int_equal(ay_parse_i64(ay_slice_str("-9223372036854775809"), INT64_MIN, INT64_MAX, &s),
                     AY_E_RANGE);
}

static void test_hex_and_base64_every_length_round_trips(void **state)
{
    (void)state;
    uint8_t bytes[64], back[64];
    char buf[200];
    uint32_t len;
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 250);
    for (uint32_t n = 0; n <= sizeof bytes; n++) {
        struct ay_text t = ay_text_over(buf, sizeof buf);
        ay_text_hex(&t, ay_slice(bytes, n));
        assert_int_equal(ay_parse_hex(ay_slice(buf, t.len), back, n, &len), AY_OK);
        assert_int_equal(len, n);
        if (n) assert_memory_equal(back, bytes, n);
        t = ay_text_over(buf, sizeof buf);
        ay_text_base64(&t, ay_slice(bytes, n));
        assert_int_equal(ay_parse_base64(ay_slice(buf, t.len), back, n, &len), AY_OK);
        assert_int_equal(len, n);
        if (n) assert_memory_equal(back, bytes, n);
        if (n)
            assert_int_equal(ay_parse_base64(ay_slice(buf, t.len), back, n - 1, &len), AY_E_LIMIT);
    }
}

static void test_base64_rfc_vectors_and_refusals(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < 7; i++) {
        char buf[16];
        struct ay_text t = ay_text_over(buf, sizeof buf);
        ay_text_base64(&t, ay_slice_str(vectors[i][0]));
        assert_string_equal(buf, vectors[i][1]);
    }
    static const char *const bad[] = {"Z",    "Zg",       "Zg=",  "Zh==",   "Zm9=", "====",
                                      "Z===", "Zg==Zg==", "Zm-_", "Zm9v\n", "=m9v", "Zm=v"};
    uint8_t out[16];
    uint32_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ay_parse_base64(ay_slice_str(bad[i]), out, sizeof out, &len), AY_E_FORMAT);
    assert_int_equal(ay_parse_hex(ay_slice_str("0"), out, sizeof out, &len), AY_E_FORMAT);
    assert_int_equal(ay_parse_hex(ay_slice_str("0g"), out, sizeof out, &len), AY_E_FORMAT);
    assert_int_equal(ay_parse_hex(ay_slice_str("0x"), out, sizeof out, &len), AY_E_FORMAT);
}

/* Every string of one, two and three bytes against the rule written the other way round: what the
 * encoding of some code point is. */
static void test_utf8_valid_exactly_for_encodings_of_code_points(void **state)
{
    (void)state;
    static uint8_t valid[1 << 24];
    for (uint32_t c = 0x80; c < 0x10000; c++) {
        if (c >= 0xd800 && c < 0xe000) continue;
        uint32_t two = (0xc0 | c >> 6) << 8 | (0x80 | (c & 63));
        uint32_t three = (0xe0 | c >> 12) << 16 | (0x80 | (c >> 6 & 63)) << 8 | (0x80 | (c & 63));
        valid[c < 0x800 ? two : three] = c < 0x800 ? 2 : 3;
    }
    for (uint32_t v = 0x8000; v < 1 << 24; v++) {
        bool is_two = v < 0x10000;
        uint8_t b[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        if (b[0] > 0 && b[0] < 0xe0) continue; /* two parts, seen apart */
        bool want = valid[v] == (is_two ? 2 : 3);
        struct ay_slice s = is_two ? ay_slice(b + 1, 2) : ay_slice(b, 3);
        if (!is_two && b[0] < 0x80) continue;
        if (is_two && b[1] < 0x80) continue;
        if (ay_utf8_valid(s) != want) fail_msg("%06x", v);
    }
    assert_true(ay_utf8_valid(ay_slice_str("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
    assert_false(ay_utf8_valid(ay_slice_str("\xf0\x8f\xbf\xbf")));
    assert_false(ay_utf8_valid(ay_slice_str("\xf4\x90\x80\x80")));
    assert_false(ay_utf8_valid(ay_slice_str("\xf5\x80\x80\x80")));
    assert_false(ay_utf8_valid(ay_slice_str("\xf0\x90\x80")));
    assert_false(ay_utf8_valid(ay_slice_str("\x80")));
}

static void test_json_string_escapes_and_replaces(void **state)
{
    (void)state;
    char buf[64];
    struct ay_text t = ay_text_over(buf, sizeof buf);
    ay_text_json(&t, ay_slice("a\"\\\n\x01/\xc3\xa9\xff\x7f", 10));
    assert_string_equal(buf, "\"a\\\"\\\\\\n\\u0001/\xc3\xa9\xef\xbf\xbd\x7f\"");
}

static void assert_json(const struct ay_msg *msg, const void *in, const char *want)
{
    char buf[4096];
    struct ay_text t = ay_text_over(buf, sizeof buf);
    struct ay_arena arena = ay_arena_over(arena_mem + 32768, 32768);
    assert_int_equal(ay_json_write(msg, in, NULL, &arena, &t), AY_OK);
    assert_string_equal(buf, want);
    assert_int_equal(arena.used, 0);
    for (uint32_t cap = 1; cap <= t.len; cap += 7) {
        struct ay_text small = ay_text_over(buf, cap);
        assert_int_equal(ay_json_write(msg, in, NULL, &arena, &small), AY_E_LIMIT);
    }
}

static void test_json_every_kind_is_written(void **state)
{
    (void)state;
    static const uint64_t u64s[] = {0, UINT64_MAX};
    static const struct kinds_leaf leaves[] = {{1, {0}}, {2, {1, 2, 3, 4}}};
    struct kinds k = {.i32 = -5,
                      .i64 = INT64_MIN,
                      .u64 = UINT64_MAX,
                      .sfixed64 = -1,
                      .colour = 7,
                      .string = ay_slice_str("hi"),
                      .bytes = ay_slice("\x01\x02", 2),
                      .u64s = u64s,
                      .u64s_count = 2,
                      .leaves = leaves,
                      .leaves_count = 2};
    assert_json(
        &kinds_msg, &k,
        "{\"flag\":false,\"u32\":0,\"u64\":\"18446744073709551615\",\"i32\":-5,"
        "\"i64\":\"-9223372036854775808\",\"fixed64\":\"0\",\"sfixed64\":\"-1\","
        "\"colour\":\"COLOUR_BLUE\",\"string\":\"hi\",\"bytes\":\"0102\",\"fixed\":\"00000000\","
        "\"leaf\":null,\"maybe\":null,\"present\":0,\"must\":{\"n\":0,\"id\":\"00000000\"},"
        "\"u64s\":[\"0\",\"18446744073709551615\"],\"sfixed64s\":[],\"flags\":[],\"colours\":[],"
        "\"strings\":[],\"fixeds\":[],\"leaves\":[{\"n\":1,\"id\":\"00000000\"},"
        "{\"n\":2,\"id\":\"01020304\"}]}");
}

static void test_json_any_is_opened_when_known(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct ay_slice in = {bytes, 0};
    struct ay_arena arena = ay_arena_over(arena_mem, 32768);
    struct ay_tx_tx_body body;
    assert_int_equal(ay_parse_hex(ay_slice_str(V1_BODY), bytes, sizeof bytes, &in.len), AY_OK);
    assert_int_equal(ay_decode(&ay_tx_tx_body_msg, in, &arena, &body, NULL), AY_OK);
    assert_json(&ay_protobuf_any_msg, &body.messages[0],
                "{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\","
                "\"from_address\":\"assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38\","
                "\"to_address\":\"assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw\","
                "\"amount\":[{\"denom\":\"nasy\",\"amount\":\"1000000\"}]}");
    struct ay_protobuf_any unknown = {ay_slice_str("/no.such"), ay_slice("\x01\x02", 2)};
    assert_json(&ay_protobuf_any_msg, &unknown, "{\"@type\":\"/no.such\",\"value\":\"AQI=\"}");
    struct ay_protobuf_any broken = {body.messages[0].type_url, ay_slice("\xff", 1)};
    assert_json(&ay_protobuf_any_msg, &broken,
                "{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\",\"value\":\"/w==\"}");
}

/* Bytes can nest as deep as they like; the writer must not. */
static void test_json_any_in_any_stays_closed_below_a_depth(void **state)
{
    (void)state;
    static char buf[65536];
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_auth_query_account_response answer = {0};
    struct ay_slice bytes;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(
            ay_encode_arena(&ay_auth_query_account_response_msg, &answer, &arena, &bytes), AY_OK);
        answer.has_account = true;
        answer.account.type_url = ay_slice_str("/cosmos.auth.v1beta1.QueryAccountResponse");
        answer.account.value = bytes;
        if (arena.cap - arena.used < 16384) break;
    }
    struct ay_text t = ay_text_over(buf, sizeof buf);
    assert_int_equal(ay_json_write(&ay_auth_query_account_response_msg, &answer, NULL, &arena, &t),
                     AY_OK);
    uint32_t opened = 0;
    for (const char *at = buf; (at = strstr(at, "\"account\":")); at++) opened++;
    assert_int_equal(opened, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_too_long_is_cut_and_says_so),
        cmocka_unit_test(test_number_bounds_print_and_parse),
        cmocka_unit_test(test_hex_and_base64_every_length_round_trips),
        cmocka_unit_test(test_base64_rfc_vectors_and_refusals),
        cmocka_unit_test(test_utf8_valid_exactly_for_encodings_of_code_points),
        cmocka_unit_test(test_json_string_escapes_and_replaces),
        cmocka_unit_test(test_json_every_kind_is_written),
        cmocka_unit_test(test_json_any_is_opened_when_known),
        cmocka_unit_test(test_json_any_in_any_stays_closed_below_a_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
