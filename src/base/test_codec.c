#include "base/codec.h"
#include "base/gen/auth.h"
#include "base/gen/bank.h"
#include "base/gen/crypto_secp256k1.h"
#include "base/gen/tx.h"
#include "base/gen/work.h"
#include "base/test_kinds.h"
#include "base/text.h"
#include "base/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/test_fill.h"

static _Alignas(16) uint8_t arena_mem[1 << 20];
static _Alignas(16) uint8_t value_mem[4096];
static uint8_t bytes_mem[1 << 16], again_mem[1 << 16];

static struct ay_slice unhex(const char *hex)
{
    struct ay_slice s = {bytes_mem, 0};
    assert_int_equal(ay_parse_hex(ay_slice_str(hex), bytes_mem, sizeof bytes_mem, &s.len), AY_OK);
    return s;
}

static enum ay_code decode(const struct ay_msg *msg, struct ay_slice in, struct ay_fault *fault)
{
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    assert_true(msg->size <= sizeof value_mem);
    return ay_decode(msg, in, &arena, value_mem, fault);
}

/* Encodes value_mem; its bytes must be `in`, and ay_encoded_len must agree. */
static void assert_encodes_to(const struct ay_msg *msg, struct ay_slice in)
{
    uint32_t len = 0, counted = 0;
    assert_int_equal(ay_encode(msg, value_mem, again_mem, sizeof again_mem, &len), AY_OK);
    assert_int_equal(ay_encoded_len(msg, value_mem, &counted), AY_OK);
    assert_int_equal(len, counted);
    assert_int_equal(len, in.len);
    if (len) assert_memory_equal(again_mem, in.data, len);
}

static void assert_round_trips(const struct ay_msg *msg, const char *hex)
{
    struct ay_fault fault;
    struct ay_slice in = unhex(hex);
    if (decode(msg, in, &fault) != AY_OK) {
        char text[256];
        ay_fault_text(&fault, text, sizeof text);
        fail_msg("%s: %s", hex, text);
    }
    assert_encodes_to(msg, in);
}

static void assert_refused(const struct ay_msg *msg, const char *hex, const char *why)
{
    struct ay_fault fault;
    char text[256];
    assert_int_equal(decode(msg, unhex(hex), &fault), AY_E_FORMAT);
    ay_fault_text(&fault, text, sizeof text);
    if (strcmp(text, why) != 0) fail_msg("%s: '%s' and not '%s'", hex, text, why);
}

static void test_decode_cosmjs_transaction_round_trips(void **state)
{
    (void)state;
    assert_round_trips(&ay_tx_tx_raw_msg, V1_TX_RAW);
    assert_round_trips(&ay_tx_tx_body_msg, V1_BODY);
    assert_round_trips(&ay_tx_auth_info_msg, V1_AUTH);
    assert_round_trips(&ay_tx_auth_info_msg, V0_AUTH);
    assert_round_trips(&ay_tx_sign_doc_msg, V1_SIGN_DOC);
}

static void test_decode_cosmjs_transaction_gives_its_fields(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_tx_tx_body body;
    struct ay_bank_msg_send send;
    assert_int_equal(ay_decode(&ay_tx_tx_body_msg, unhex(V1_BODY), &arena, &body, NULL), AY_OK);
    assert_int_equal(body.messages_count, 1);
    assert_true(ay_slice_equal(body.memo, ay_slice_str("hi")));
    assert_ptr_equal(ay_msg_find_url(body.messages[0].type_url), &ay_bank_msg_send_msg);
    assert_int_equal(ay_decode(&ay_bank_msg_send_msg, body.messages[0].value, &arena, &send, NULL),
                     AY_OK);
    assert_true(ay_slice_equal(send.from_address,
                               ay_slice_str("assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38")));
    assert_int_equal(send.amount_count, 1);
    assert_true(ay_slice_equal(send.amount[0].amount, ay_slice_str("1000000")));

    struct ay_tx_auth_info auth;
    assert_int_equal(ay_decode(&ay_tx_auth_info_msg, unhex(V1_AUTH), &arena, &auth, NULL), AY_OK);
    assert_int_equal(auth.signer_infos[0].mode_info.single.mode, AY_TX_SIGNING_SIGN_MODE_DIRECT);
    assert_int_equal(auth.signer_infos[0].sequence, 3);
    assert_int_equal(auth.fee.gas_limit, 200000);
    assert_true(auth.has_fee && !auth.has_tip);
}

/* Presence that Cosmos clients write and that must come back. */
static void test_decode_empty_but_present_round_trips(void **state)
{
    (void)state;
    static const struct {
        const struct ay_msg *msg;
        const char *hex;
    } cases[] = {
        {&ay_tx_tx_raw_msg, ""},
        {&ay_tx_tx_raw_msg, "0a01001a00"},
        {&ay_tx_tx_raw_msg, "1a001a00"},
        {&ay_tx_auth_info_msg, "1200"},
        {&ay_tx_auth_info_msg, "0a001200"},
        {&ay_tx_auth_info_msg, "0a0612040a0208011200"},
        {&ay_tx_auth_info_msg, "0a0612020a0018031200"},
        {&ay_tx_auth_info_msg, "12061a01612201621a00"},
        {&ay_tx_tx_body_msg, "0a040a022f61"},
        {&ay_tx_tx_body_msg, "0a0012026869"},
        {&ay_tx_tx_body_msg, "1206c3a9e282ac21"},
        {&ay_tx_tx_body_msg, "18052a020801fa3f040a022f61fa7f040a022f62"},
        {&ay_work_op_msg, "0801120301020a1a03018003"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_round_trips(cases[i].msg, cases[i].hex);
}

/* A message of all kinds begins with nothing before field 11 and ends after 15. */
#define HEAD "5a04aabbccdd"
#define TAIL "70007a061204aabbccdd"

static void test_decode_each_kind_at_its_bounds_round_trips(void **state)
{
    (void)state;
    static const char *const accepted[] = {
        HEAD TAIL,
        "0801" HEAD TAIL,
        "10ffffffff0f" HEAD TAIL,
        "18ffffffffffffffffff01" HEAD TAIL,
        "20ffffffff07" HEAD TAIL,
        "2080808080f8ffffffff01" HEAD TAIL,
        "2880808080808080808001" HEAD TAIL,
        "310100000000000080" HEAD TAIL,
        "39ffffffffffffffff" HEAD TAIL,
        "4007" HEAD TAIL,
        "4a084142434445464748" HEAD TAIL,
        "52080000000000000000" HEAD TAIL,
        HEAD "62061204aabbccdd" TAIL,
        HEAD "6800" TAIL,
        HEAD "6805" TAIL,
        HEAD "70057a0808011204aabbccdd",
        HEAD TAIL "820105000102037f",
        HEAD TAIL "8a01080000000000000080",
        HEAD TAIL "9201020001",
        HEAD TAIL "9a0103000107",
        HEAD TAIL "a20100a2010141",
        HEAD TAIL "aa0104aabbccddaa0104aabbccde",
        HEAD TAIL "b201061204aabbccddb2010808051204aabbccdd",
    };
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++)
        assert_round_trips(&kinds_msg, accepted[i]);
}

static void test_decode_non_canonical_names_field_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *why;
    } cases[] = {
        {"08", "bytes end too early in field 1 of /test.Kinds, byte 0"},
        {"0800" HEAD TAIL, "explicit default in field 1 of /test.Kinds, byte 0"},
        {"0802" HEAD TAIL, "number out of range in field 1 of /test.Kinds, byte 0"},
        {"108080808010" HEAD TAIL, "number out of range in field 2 of /test.Kinds, byte 0"},
        {"108100" HEAD TAIL, "varint not minimal or too long in field 2 of /test.Kinds, byte 0"},
        {"18ffffffffffffffffff02" HEAD TAIL,
         "varint not minimal or too long in field 3 of /test.Kinds, byte 0"},
        {"2080808080"
         "08" HEAD TAIL,
         "number out of range in field 4 of /test.Kinds, byte 0"},
        {"31000000000000"
         "0000" HEAD TAIL,
         "explicit default in field 6 of /test.Kinds, byte 0"},
        {"3101", "bytes end too early in field 6 of /test.Kinds, byte 0"},
        {"4002" HEAD TAIL, "no such enum value in field 8 of /test.Kinds, byte 0"},
        {"4a00" HEAD TAIL, "explicit default in field 9 of /test.Kinds, byte 0"},
        {"4a0141"
         "4a0141" HEAD TAIL,
         "repeated or out of order in field 9 of /test.Kinds, byte 3"},
        {"4a01ff" HEAD TAIL, "invalid UTF-8 in field 9 of /test.Kinds, byte 0"},
        {"4a03eda080" HEAD TAIL, "invalid UTF-8 in field 9 of /test.Kinds, byte 0"},
        {"4a02c080" HEAD TAIL, "invalid UTF-8 in field 9 of /test.Kinds, byte 0"},
        {"4a09414243444546474849" HEAD TAIL, "wrong length in field 9 of /test.Kinds, byte 0"},
        {"52ffffffff7f" HEAD TAIL, "bytes end too early in field 10 of /test.Kinds, byte 0"},
        {"5205", "bytes end too early in field 10 of /test.Kinds, byte 0"},
        {"5a03aabbcc" TAIL, "wrong length in field 11 of /test.Kinds, byte 0"},
        {TAIL, "missing value in field 11 of /test.Kinds, byte 0"},
        {HEAD "7a061204aabbccdd", "missing value in field 14 of /test.Kinds, byte 6"},
        {HEAD "7000", "missing value in field 15 of /test.Kinds, byte 8"},
        {HEAD "6200" TAIL, "missing value in field 2 of /test.Leaf, byte 8"},
        {HEAD "620808001204aabbccdd" TAIL, "explicit default in field 1 of /test.Leaf, byte 8"},
        {HEAD "62071204aabbccdd80" TAIL, "bytes end too early in field 0 of /test.Leaf, byte 14"},
        {HEAD "62081204aabbccdd1801" TAIL, "unknown field in field 3 of /test.Leaf, byte 14"},
        {HEAD "6001" TAIL, "wrong wire type in field 12 of /test.Kinds, byte 6"},
        {HEAD TAIL "820100", "explicit default in field 16 of /test.Kinds, byte 16"},
        {HEAD TAIL "82010180", "bytes end too early in field 16 of /test.Kinds, byte 16"},
        {HEAD TAIL "8201028000",
         "varint not minimal or too long in field 16 of /test.Kinds, byte 16"},
        {HEAD TAIL "820106010203040506", "too many values in field 16 of /test.Kinds, byte 16"},
        {HEAD TAIL "8201010182010101",
         "repeated or out of order in field 16 of /test.Kinds, byte 20"},
        {HEAD TAIL "8001018001"
                   "02",
         "wrong wire type in field 16 of /test.Kinds, byte 16"},
        {HEAD TAIL "8a010900000000000000"
                   "8000",
         "bytes end too early in field 17 of /test.Kinds, byte 16"},
        {HEAD TAIL "920102"
                   "0002",
         "number out of range in field 18 of /test.Kinds, byte 16"},
        {HEAD TAIL "9a010102", "no such enum value in field 19 of /test.Kinds, byte 16"},
        {HEAD TAIL "a20100a20100a20100a20100a20100a20100",
         "too many values in field 20 of /test.Kinds, byte 16"},
        {HEAD TAIL "aa0104aabbccddaa0103aabbcc",
         "wrong length in field 21 of /test.Kinds, byte 16"},
        {HEAD TAIL "b20100", "missing value in field 2 of /test.Leaf, byte 19"},
        {HEAD TAIL "b80101", "unknown field in field 23 of /test.Kinds, byte 16"},
        {"0001" HEAD TAIL, "unknown field in field 0 of /test.Kinds, byte 0"},
        {HEAD TAIL "f8ffffffffffffffff01"
                   "01",
         "unknown field in field 0 of /test.Kinds, byte 16"},
        {"888000", "varint not minimal or too long in field 0 of /test.Kinds, byte 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(&kinds_msg, cases[i].hex, cases[i].why);
}

/* A refusal, or the same bytes again: nothing else may come of any bytes. */
static bool decode_is_faithful(const struct ay_msg *msg, struct ay_slice in)
{
    enum ay_code code = decode(msg, in, NULL);
    if (code == AY_OK)
        assert_encodes_to(msg, in);
    else
        assert_int_equal(code, AY_E_FORMAT);
    return code == AY_OK;
}

static const struct {
    const struct ay_msg *msg;
    const char *hex;
} whole[] = {
    {&ay_tx_tx_raw_msg, V1_TX_RAW},
    {&ay_tx_tx_body_msg, V1_BODY},
    {&ay_tx_auth_info_msg, V1_AUTH},
    {&ay_tx_sign_doc_msg, V1_SIGN_DOC},
    {&kinds_msg, HEAD "62061204aabbccdd6805" TAIL "820105000102037fa20100a2010141"
                      "b201061204aabbccddb2010808051204aabbccdd"},
};

static void test_decode_truncated_anywhere_is_refused_or_faithful(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct ay_slice in = unhex(whole[i].hex);
        uint32_t refused = 0;
        for (uint32_t len = 0; len < in.len; len++)
            refused += !decode_is_faithful(whole[i].msg, ay_slice(in.data, len));
        assert_true(refused > in.len / 2);
    }
}

static void test_decode_one_bit_flipped_is_refused_or_faithful(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct ay_slice in = unhex(whole[i].hex);
        for (uint32_t bit = 0; bit < in.len * 8; bit++) {
            bytes_mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
            decode_is_faithful(whole[i].msg, in);
            bytes_mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_true(decode_is_faithful(whole[i].msg, in));
    }
}

static void test_decode_small_arena_is_refused_with_limit(void **state)
{
    (void)state;
    struct ay_slice in = unhex(V1_BODY);
    struct ay_fault fault;
    struct ay_arena arena = ay_arena_over(arena_mem, 16);
    assert_int_equal(ay_decode(&ay_tx_tx_body_msg, in, &arena, value_mem, &fault), AY_E_LIMIT);
    assert_int_equal(fault.kind, AY_FAULT_MEMORY);
}

static void test_encode_small_buffer_is_refused(void **state)
{
    (void)state;
    struct ay_slice in = unhex(V1_BODY);
    uint32_t len;
    assert_int_equal(decode(&ay_tx_tx_body_msg, in, NULL), AY_OK);
    for (uint32_t cap = 0; cap < in.len; cap++)
        assert_int_equal(ay_encode(&ay_tx_tx_body_msg, value_mem, again_mem, cap, &len),
                         AY_E_LIMIT);
    assert_int_equal(ay_encode(&ay_tx_tx_body_msg, value_mem, again_mem, in.len, &len), AY_OK);
}

static void test_encode_what_decode_refuses_is_refused(void **state)
{
    (void)state;
    uint32_t len;
    uint64_t six[6] = {0};
    struct kinds good = {0}, bad[] = {
                                 {.colour = 2},
                                 {.string = ay_slice("\xff", 1)},
                                 {.string = ay_slice("123456789", 9)},
                                 {.bytes = ay_slice("123456789", 9)},
                                 {.u64s = six, .u64s_count = 6},
                             };
    assert_int_equal(ay_encode(&kinds_msg, &good, again_mem, sizeof again_mem, &len), AY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ay_encode(&kinds_msg, &bad[i], again_mem, sizeof again_mem, &len),
                         AY_E_RANGE);
        assert_int_equal(ay_encoded_len(&kinds_msg, &bad[i], &len), AY_E_RANGE);
    }
}

static void check_random(const struct ay_msg *msg)
{
    static _Alignas(16) uint8_t made[4096], fill_mem[1 << 20];
    struct ay_arena arena = ay_arena_over(fill_mem, sizeof fill_mem);
    uint32_t len;
    assert_true(msg->size <= sizeof made);
    memset(made, 0, msg->size);
    test_fill(msg, &arena, made);
    assert_int_equal(ay_encode(msg, made, bytes_mem, sizeof bytes_mem, &len), AY_OK);
    if (!decode_is_faithful(msg, ay_slice(bytes_mem, len)))
        fail_msg("%s: encoded bytes are refused", msg->name);
}

static void test_encode_random_structs_round_trip(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)test_seed);
    for (uint32_t round = 0; round < 200; round++) {
        check_random(&kinds_msg);
        for (uint32_t i = 0; i < ay_msgs_count; i++) check_random(ay_msgs[i]);
    }
}

static void test_find_by_name_and_url_gives_the_message(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ay_msgs_count; i++) {
        assert_ptr_equal(ay_msg_find(ay_slice_str(ay_msgs[i]->name)), ay_msgs[i]);
        if (i > 0) assert_true(strcmp(ay_msgs[i - 1]->name, ay_msgs[i]->name) < 0);
    }
    assert_ptr_equal(ay_msg_find_url(ay_slice_str("/cosmos.bank.v1beta1.MsgSend")),
                     &ay_bank_msg_send_msg);
    assert_null(ay_msg_find_url(ay_slice_str("cosmos.bank.v1beta1.MsgSend")));
    assert_null(ay_msg_find_url(ay_slice_str("/cosmos.bank.v1beta1.MsgSen")));
    assert_null(ay_msg_find_url(ay_slice_str("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_cosmjs_transaction_round_trips),
        cmocka_unit_test(test_decode_cosmjs_transaction_gives_its_fields),
        cmocka_unit_test(test_decode_empty_but_present_round_trips),
        cmocka_unit_test(test_decode_each_kind_at_its_bounds_round_trips),
        cmocka_unit_test(test_decode_non_canonical_names_field_and_reason),
        cmocka_unit_test(test_decode_truncated_anywhere_is_refused_or_faithful),
        cmocka_unit_test(test_decode_one_bit_flipped_is_refused_or_faithful),
        cmocka_unit_test(test_decode_small_arena_is_refused_with_limit),
        cmocka_unit_test(test_encode_small_buffer_is_refused),
        cmocka_unit_test(test_encode_what_decode_refuses_is_refused),
        cmocka_unit_test(test_encode_random_structs_round_trip),
        cmocka_unit_test(test_find_by_name_and_url_gives_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
