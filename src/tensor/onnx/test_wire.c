/* Protobuf bytes before libprotobuf-c sees them. */
#include "tensor/onnx/testing.h"
#include "tensor/onnx/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_wire_what_the_library_would_choke_on_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *bytes;
        size_t len;
        enum ay_code code;
    } cases[] = {
        {"a group", "\x0b", 1, AY_E_FORMAT},
        {"field number 0", "\x00\x00", 2, AY_E_FORMAT},
        {"a tag above 32 bits", "\x88\x80\x80\x80\x80\x01\x00", 7, AY_E_FORMAT},
        {"a varint of 11 bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12,
         AY_E_FORMAT},
        {"a varint above 64 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11, AY_E_FORMAT},
        {"the IR version twice", "\x08\x08\x08\x08", 4, AY_E_FORMAT},
        {"two graphs, to be merged", "\x3a\x00\x3a\x00", 4, AY_E_FORMAT},
        {"a graph that is a number", "\x38\x01", 2, AY_E_FORMAT},
        {"a length beyond the end", "\x3a\x05\x00", 3, AY_E_FORMAT},
        {"a length that wraps round", "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
         AY_E_FORMAT},
        {"a string with a NUL",
         "\x12\x03"
         "a\0b",
         5, AY_E_FORMAT},
        {"an unknown field, cut", "\xfa\x01\x02\x00", 4, AY_E_FORMAT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ay_wire_size size;
        struct ay_reason reason = {""};
        enum ay_code code =
            ay_wire_measure(&onnx__model_proto__descriptor, (const uint8_t *)cases[i].bytes,
                            cases[i].len, &size, &reason);
        if (code != cases[i].code || !reason.text[0]) fail_msg("%s: code %d", cases[i].what, code);
    }
}

/* Two bytes of an unknown field become an allocation each. */
static void test_wire_memory_is_measured_before_it_is_taken(void **state)
{
    (void)state;
    enum { FIELDS = 1 << 20 };
    struct ay_wire_size size;
    struct ay_onnx onnx;
    struct ay_reason reason = {""};
    ProtobufCMessage *message = NULL;
    uint8_t *bytes = malloc(2 * FIELDS);
    assert_non_null(bytes);
    for (size_t i = 0; i < FIELDS; i++) memcpy(bytes + 2 * i, "\x78\x01", 2);
    assert_int_equal(
        ay_wire_measure(&onnx__model_proto__descriptor, bytes, 2 * FIELDS, &size, &reason), AY_OK);
    assert_true(size.need_bytes > 32 * FIELDS);
    assert_int_equal(ay_wire_decode(&onnx__model_proto__descriptor, bytes, 2 * FIELDS,
                                    size.need_bytes, &message, &reason),
                     AY_OK);
    protobuf_c_message_free_unpacked(message, NULL);
    assert_int_equal(ay_onnx_parse(bytes, 2 * FIELDS, 64u << 20, &onnx, &reason), AY_E_LIMIT);
    assert_non_null(strstr(reason.text, "MiB"));
    free(bytes);
}

/* The nodes of a forest are numbers with a tag each: millions of them, which must not be refused
 * for memory that they do not take. */
static void test_wire_numbers_with_a_tag_each_take_little(void **state)
{
    (void)state;
    enum { NUMBERS = 100000 };
    const ProtobufCMessageDescriptor *type = &onnx__attribute_proto__descriptor;
    struct ay_wire_size size;
    struct ay_reason reason = {""};
    ProtobufCMessage *message = NULL;
    uint8_t *bytes = malloc(2 * NUMBERS);
    assert_non_null(bytes);
    for (size_t i = 0; i < NUMBERS; i++) memcpy(bytes + 2 * i, "\x40\x05", 2);
    assert_int_equal(ay_wire_measure(type, bytes, 2 * NUMBERS, &size, &reason), AY_OK);
    assert_int_equal(size.scalars, NUMBERS);
    assert_true(size.need_bytes < 90 * NUMBERS && size.structs_bytes < 1024);
    assert_int_equal(ay_wire_decode(type, bytes, 2 * NUMBERS, size.need_bytes, &message, &reason),
                     AY_OK);
    assert_int_equal(((Onnx__AttributeProto *)message)->n_ints, NUMBERS);
    protobuf_c_message_free_unpacked(message, NULL);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_what_the_library_would_choke_on_is_refused),
        cmocka_unit_test(test_wire_memory_is_measured_before_it_is_taken),
        cmocka_unit_test(test_wire_numbers_with_a_tag_each_take_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
