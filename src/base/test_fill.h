/* Random structs of any message, made by descriptor, for tests of what goes there and back.
 * Include after cmocka. */
#ifndef AY_BASE_TEST_FILL_H
#define AY_BASE_TEST_FILL_H

#include "base/codec.h"
#include "base/gen/bank.h"
#include "base/gen/protobuf.h"

static uint64_t test_seed = 20261123;

static uint64_t test_random(void)
{
    test_seed ^= test_seed << 13;
    test_seed ^= test_seed >> 7;
    test_seed ^= test_seed << 17;
    return test_seed;
}

static void test_fill(const struct ay_msg *msg, struct ay_arena *arena, void *out);

/* A message that holds no Any itself, so that this ends. */
static void test_fill_any(struct ay_arena *arena, struct ay_protobuf_any *out)
{
    struct ay_bank_msg_send send = {0};
    test_fill(&ay_bank_msg_send_msg, arena, &send);
    out->type_url = ay_slice_str("/cosmos.bank.v1beta1.MsgSend");
    assert_int_equal(ay_encode_arena(&ay_bank_msg_send_msg, &send, arena, &out->value), AY_OK);
}

/* Numbers of every length of varint; text that is UTF-8; one of the enum's values. */
static void test_fill_value(const struct ay_field *f, struct ay_arena *arena, void *to)
{
    uint64_t v = test_random() >> test_random() % 64;
    struct ay_slice s = {(const uint8_t *)"\xc3\xa9t\xc3\xa9 in 12345678901234567890123456789", 0};
    if (f->kind == AY_KIND_MESSAGE && f->sub == &ay_protobuf_any_msg) {
        test_fill_any(arena, to);
    } else if (f->kind == AY_KIND_MESSAGE) {
        test_fill(f->sub, arena, to);
    } else if (f->kind == AY_KIND_ENUM) {
        memcpy(to, &f->values->values[test_random() % f->values->n].number, 4);
    } else if (f->kind == AY_KIND_STRING || f->kind == AY_KIND_BYTES) {
        s.len = (uint32_t)(test_random() % (f->len < 30 ? f->len + 1 : 30));
        if (s.len == 1 || s.len == 4) s.len--; /* not within a character */
        memcpy(to, &s, sizeof s);
    } else if (f->kind == AY_KIND_BOOL) {
        *(bool *)to = v & 1;
    } else if (f->kind == AY_KIND_FIXED) {
        for (uint32_t i = 0; i < f->len; i++) ((uint8_t *)to)[i] = (uint8_t)test_random();
    } else {
        memcpy(to, &v, ay_field_size(f));
    }
}

/* Fills the cleared struct at out. */
static void test_fill(const struct ay_msg *msg, struct ay_arena *arena, void *out)
{
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        uint8_t *at = (uint8_t *)out + f->offset, *aside = (uint8_t *)out + f->aside;
        bool given = test_random() % 3 > 0;
        if (f->flags & AY_FIELD_REPEATED) {
            uint32_t n = (uint32_t)(test_random() % 4), size = ay_field_size(f);
            if (n > f->max_count) n = f->max_count;
            uint8_t *values = ay_arena_take(arena, n, size);
            assert_non_null(values);
            for (uint32_t k = 0; k < n; k++) test_fill_value(f, arena, values + k * size);
            memcpy(at, &values, sizeof values);
            memcpy(aside, &n, sizeof n);
        } else if (given || (f->flags & AY_FIELD_REQUIRED)) {
            test_fill_value(f, arena, at);
            if (f->flags & AY_FIELD_HAS) *(bool *)aside = true;
        }
    }
}

#endif
