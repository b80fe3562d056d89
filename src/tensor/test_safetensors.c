/* The safetensors reader: what it takes, what it refuses, exact widening. */
#include "tensor/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint8_t file_bytes[4096];

/* The header's length, the header, `len` zero bytes. */
static uint64_t make(const char *header, uint64_t len)
{
    size_t n = strlen(header);
    memset(file_bytes, 0, sizeof file_bytes);
    file_bytes[0] = (uint8_t)n;
    file_bytes[1] = (uint8_t)(n >> 8);
    memcpy(file_bytes + 8, header, n);
    return 8 + n + len;
}

static void test_safetensors_valid_file_is_read(void **state)
{
    (void)state;
    struct ay_safetensors file;
    uint64_t len = make("{\"__metadata__\":{\"a\":\"b\"},"
                        "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
                        "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                        "\"none\":{\"dtype\":\"BF16\",\"shape\":[0,7],\"data_offsets\":[32,32]}}",
                        32);
    assert_int_equal(ay_safetensors_parse(file_bytes, len, &file, NULL), AY_OK);
    assert_int_equal(file.count, 3);
    const struct ay_stored_tensor *b = ay_safetensors_find(&file, "b");
    assert_non_null(b);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->dims[1], 3);
    assert_int_equal(b->len, 24);
    assert_ptr_equal(b->data, file_bytes + len - 24);
    assert_int_equal(ay_safetensors_find(&file, "a")->stored, AY_STORED_I64);
    assert_null(ay_safetensors_find(&file, "__metadata__"));
    assert_null(ay_safetensors_find(&file, "c"));
    ay_safetensors_close(&file);
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_safetensors_hostile_header_is_refused_with_the_tensor_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *header, *reason;
        uint64_t len;
    } bad[] = {
        {"[]", "header is not an object", 0},
        {"{\"t\":", "header, byte ", 0},
        {"{\"t\":1,\"t\":2}", "header, byte ", 0},
        {"{\"t\":1}", "tensor t: not just dtype, shape and data_offsets", 0},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", "tensor t: not just dtype", 0},
        {T("F31", "[1]", "[0,4]"), "tensor t: unknown dtype", 4},
        {T("F32", "{}", "[0,4]"), "tensor t: shape is not a list", 4},
        {T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "tensor t: shape is not a list of at most 8", 4},
        {T("F32", "[-1]", "[0,4]"), "tensor t: size in shape", 4},
        {T("F32", "[1.0]", "[0,4]"), "tensor t: size in shape", 4},
        {T("F32", "[4294967296,4294967296,4]", "[0,4]"), "tensor t: size in shape", 4},
        {T("F32", "[4611686018427387904]", "[0,0]"), "tensor t: bytes do not match the shape", 0},
        {T("F32", "[1]", "[0,8]"), "tensor t: bytes do not match the shape", 8},
        {T("F32", "[1]", "[4,0]"), "tensor t: data_offsets outside the file", 4},
        {T("F32", "[1]", "[0]"), "tensor t: data_offsets outside the file", 4},
        {T("F32", "[2]", "[0,8]"), "tensor t: data_offsets outside the file", 7},
        {T("F32", "[1]", "[-4,0]"), "tensor t: data_offsets outside the file", 4},
        {T("F32", "[1]", "[4,8]"), "tensor t: overlap or gap before it", 8},
        {T("F32", "[1]", "[0,4]"), "bytes after the last tensor", 5},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
         "\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
         "tensor t: overlap or gap before it", 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ay_safetensors file;
        struct ay_reason reason = {""};
        uint64_t len = make(bad[i].header, bad[i].len);
        assert_int_equal(ay_safetensors_parse(file_bytes, len, &file, &reason), AY_E_FORMAT);
        if (strncmp(reason.text, bad[i].reason, strlen(bad[i].reason)) != 0)
            fail_msg("\"%s\" is not \"%s\"", reason.text, bad[i].reason);
    }
}

static void test_safetensors_header_length_out_of_bounds_is_refused(void **state)
{
    (void)state;
    struct ay_safetensors file;
    uint64_t len = make("{}", 0);
    for (uint64_t cut = 0; cut < len; cut++)
        assert_int_equal(ay_safetensors_parse(file_bytes, cut, &file, NULL), AY_E_FORMAT);
    memset(file_bytes, 0xff, 8);
    assert_int_equal(ay_safetensors_parse(file_bytes, len, &file, NULL), AY_E_LIMIT);
}

static void test_safetensors_deep_nesting_is_refused(void **state)
{
    (void)state;
    struct ay_safetensors file;
    char deep[4000];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    assert_int_equal(ay_safetensors_parse(file_bytes, make(deep, 0), &file, NULL), AY_E_FORMAT);
}

static void test_safetensors_halves_widen_exactly(void **state)
{
    (void)state;
    static uint8_t halves[2 * 65536];
    for (uint32_t i = 0; i < 65536; i++) {
        halves[2 * i] = (uint8_t)i;
        halves[2 * i + 1] = (uint8_t)(i >> 8);
    }
    const struct ay_stored_tensor f16 = {"h", AY_STORED_F16, 1, {65536}, halves, sizeof halves};
    const struct ay_stored_tensor bf16 = {"b", AY_STORED_BF16, 1, {65536}, halves, sizeof halves};
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t exponent = i >> 10 & 31, fraction = i & 1023, bits;
        float out;
        enum ay_code code = ay_stored_read_f32(&f16, i, 1, &out);
        if (exponent == 31 && fraction) {
            assert_int_equal(code, AY_E_FORMAT);
        } else {
            /* The definition: (-1)^s 2^(e - 25) (1024 + f), or 2^-24 f below. */
            double value = exponent == 31 ? __builtin_inf()
                           : exponent     ? __builtin_ldexp(1024 + fraction, (int)exponent - 25)
                                          : __builtin_ldexp(fraction, -24);
            assert_int_equal(code, AY_OK);
            assert_true((double)out == (i >> 15 ? -value : value));
            assert_int_equal(__builtin_signbit(out) != 0, i >> 15);
        }
        bool nan = (i & 0x7fff) > 0x7f80;
        code = ay_stored_read_f32(&bf16, i, 1, &out);
        assert_int_equal(code, nan ? AY_E_FORMAT : AY_OK);
        memcpy(&bits, &out, sizeof bits);
        if (!nan) assert_int_equal(bits, i << 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_valid_file_is_read),
        cmocka_unit_test(test_safetensors_hostile_header_is_refused_with_the_tensor_and_reason),
        cmocka_unit_test(test_safetensors_header_length_out_of_bounds_is_refused),
        cmocka_unit_test(test_safetensors_deep_nesting_is_refused),
        cmocka_unit_test(test_safetensors_halves_widen_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
