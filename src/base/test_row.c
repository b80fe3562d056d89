#include "base/schema.h"
#include "base/test_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROW                                                                                        \
    ((struct kinds){.u32 = 0x01020304,                                                             \
                    .i32 = -2,                                                                     \
                    .flag = true,                                                                  \
                    .string = ay_slice_str("ab"),                                                  \
                    .bytes = ay_slice("x\0y", 3),                                                  \
                    .fixed = {0xaa, 0xbb, 0xcc, 0xdd}})

static struct ay_slice key_of(const struct kinds *row, uint32_t index, uint32_t n, uint8_t buf[64])
{
    struct ay_slice key = {buf, 0};
    assert_int_equal(ay_row_index_key(&kinds_msg, row, index, n, buf, 64, &key.len), AY_OK);
    return key;
}

static void assert_key(uint32_t index, uint32_t n, const void *want, uint32_t len)
{
    uint8_t buf[64];
    struct ay_slice key = key_of(&ROW, index, n, buf);
    assert_int_equal(key.len, len);
    assert_memory_equal(key.data, want, len);
}
#define ASSERT_KEY(index, n, want) assert_key(index, n, want, sizeof(want) - 1)

static void test_row_key_is_prefix_and_big_endian_fields(void **state)
{
    (void)state;
    ASSERT_KEY(0, AY_KEY_ALL,
               "\xc8\x00\x01\x02\x03\x04"
               "ab");
    ASSERT_KEY(0, 1, "\xc8\x00\x01\x02\x03\x04");
    ASSERT_KEY(0, 0, "\xc8\x00");
    ASSERT_KEY(2, AY_KEY_ALL,
               "\xc8\x02\x7f\xff\xff\xfe\x01\xaa\xbb\xcc\xdd\x01\x02\x03\x04"
               "ab");
    ASSERT_KEY(3, AY_KEY_ALL,
               "\xc8\x03\x01\x02\x03\x04"
               "ab");
}

static void test_row_key_slice_before_the_end_is_terminated(void **state)
{
    (void)state;
    ASSERT_KEY(1, 1, "\xc8\x01x\x00\xffy\x00\x00");
    ASSERT_KEY(1, AY_KEY_ALL,
               "\xc8\x01x\x00\xffy\x00\x00\x01\x02\x03\x04"
               "ab");
}

static void test_row_key_too_long_for_buffer_is_refused(void **state)
{
    (void)state;
    uint8_t buf[64];
    uint32_t len;
    for (uint32_t cap = 0; cap < 8; cap++)
        assert_int_equal(ay_row_key(&kinds_msg, &ROW, AY_KEY_ALL, buf, cap, &len), AY_E_LIMIT);
    assert_int_equal(ay_row_key(&kinds_msg, &ROW, AY_KEY_ALL, buf, 8, &len), AY_OK);
}

static void test_row_key_of_index_entry_is_the_primary_key(void **state)
{
    (void)state;
    uint8_t entry_buf[64], key_buf[64], buf[64];
    struct ay_slice key = key_of(&ROW, 0, AY_KEY_ALL, key_buf);
    for (uint32_t index = 1; index < 4; index++) {
        struct ay_slice entry = key_of(&ROW, index, AY_KEY_ALL, entry_buf), found = {buf, 0};
        assert_int_equal(ay_row_key_of_index(&kinds_msg, index, entry, buf, 64, &found.len), AY_OK);
        assert_true(ay_slice_equal(found, key));
        assert_int_equal(ay_row_key_of_index(&kinds_msg, index, entry, buf, 7, &found.len),
                         AY_E_LIMIT);
        assert_int_equal(ay_row_key_of_index(&kinds_msg, index % 3 + 1, entry, buf, 64, &found.len),
                         AY_E_FORMAT);
    }
    struct ay_slice found = {buf, 0}, entry = key_of(&ROW, 1, AY_KEY_ALL, entry_buf);
    for (uint32_t len = 0; len < 8; len++)
        assert_int_equal(
            ay_row_key_of_index(&kinds_msg, 1, ay_slice(entry.data, len), buf, 64, &found.len),
            AY_E_FORMAT);
}

static int sign(int64_t v)
{
    return (v > 0) - (v < 0);
}

/* Order of keys is order of fields: over pairs of edge values, for each kind in a key. */
static void test_row_key_order_is_field_order(void **state)
{
    (void)state;
    static const int32_t numbers[] = {INT32_MIN, -256, -1, 0, 1, 255, 256, INT32_MAX};
    static const struct ay_slice texts[] = {
        {(const uint8_t *)"", 0},    {(const uint8_t *)"\0", 1}, {(const uint8_t *)"\0\0", 2},
        {(const uint8_t *)"\0a", 2}, {(const uint8_t *)"\1", 1}, {(const uint8_t *)"a", 1},
        {(const uint8_t *)"a\0", 2}, {(const uint8_t *)"ab", 2}, {(const uint8_t *)"\xff", 1}};
    uint8_t a_buf[64], b_buf[64];
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            struct kinds a = {.i32 = numbers[i]}, b = {.i32 = numbers[k]};
            int order = ay_slice_compare(key_of(&a, 2, AY_KEY_ALL, a_buf),
                                         key_of(&b, 2, AY_KEY_ALL, b_buf));
            assert_int_equal(sign(order), sign((int64_t)numbers[i] - numbers[k]));
        }
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < 9; k++)
            for (uint32_t index = 0; index < 2; index++) {
                struct kinds a = {.string = texts[i], .bytes = texts[i]};
                struct kinds b = {.string = texts[k], .bytes = texts[k]};
                int order = ay_slice_compare(key_of(&a, index, AY_KEY_ALL, a_buf),
                                             key_of(&b, index, AY_KEY_ALL, b_buf));
                assert_int_equal(sign(order), sign((int64_t)i - (int64_t)k));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_key_is_prefix_and_big_endian_fields),
        cmocka_unit_test(test_row_key_slice_before_the_end_is_terminated),
        cmocka_unit_test(test_row_key_too_long_for_buffer_is_refused),
        cmocka_unit_test(test_row_key_of_index_entry_is_the_primary_key),
        cmocka_unit_test(test_row_key_order_is_field_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
