/* .npy files: what NumPy writes is read, what is written is read again, everything else is refused
 * with a reason. */
#include "tensor/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT (1u << 20)

static uint8_t file_bytes[4096];

/* Version 1 or 2, the description, then the elements. */
static uint64_t make(uint8_t version, const char *description, const void *elements, size_t len)
{
    size_t n = strlen(description), at = version == 1 ? 10 : 12;
    memset(file_bytes, 0, sizeof file_bytes);
    memcpy(file_bytes, "\x93NUMPY", 6);
    file_bytes[6] = version;
    file_bytes[8] = (uint8_t)n;
    memcpy(file_bytes + at, description, n);
    memcpy(file_bytes + at + n, elements, len);
    return at + n + len;
}

static void test_npy_written_is_read_again(void **state)
{
    (void)state;
    static const uint32_t dtypes[] = {AY_WORK_DTYPE_F32, AY_WORK_DTYPE_I32, AY_WORK_DTYPE_I64,
                                      AY_WORK_DTYPE_I8,  AY_WORK_DTYPE_U8,  AY_WORK_DTYPE_BOOL};
    char path[] = "/tmp/assay-npy-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    for (size_t t = 0; t < sizeof dtypes / sizeof dtypes[0]; t++)
        for (uint32_t rank = 0; rank <= AY_MAX_RANK; rank++) {
            struct ay_ndarray a = {.dtype = dtypes[t], .rank = rank}, b;
            const char *converted = path;
            uint64_t bytes;
            for (uint32_t d = 0; d < rank; d++) a.dims[d] = (d + t) % 3 + (rank < 4);
            assert_int_equal(ay_ndarray_take(&a), AY_OK);
            assert_int_equal(ay_ndarray_bytes(&a, &bytes), AY_OK);
            for (uint64_t i = 0; i < bytes; i++) ((uint8_t *)a.data)[i] = (uint8_t)(i * 7 & 1);
            assert_int_equal(ay_npy_write_array(path, &a), AY_OK);
            assert_int_equal(ay_npy_read(path, bytes, &b, &converted, NULL), AY_OK);
            assert_null(converted);
            assert_int_equal(b.dtype, a.dtype);
            assert_int_equal(b.rank, rank);
            assert_memory_equal(b.dims, a.dims, sizeof a.dims);
            if (bytes) assert_memory_equal(b.data, a.data, bytes);
            ay_ndarray_free(&b);
            if (bytes) assert_int_equal(ay_npy_read(path, bytes - 1, &b, NULL, NULL), AY_E_LIMIT);
            ay_ndarray_free(&a);
        }
    assert_int_equal(unlink(path), 0);
    struct ay_ndarray b;
    assert_int_equal(ay_npy_read(path, LIMIT, &b, NULL, NULL), AY_E_NOT_FOUND);
}

static void test_npy_fortran_order_is_turned_round(void **state)
{
    (void)state;
    static const int32_t columns[] = {0, 3, 1, 4, 2, 5};
    struct ay_ndarray a;
    for (uint8_t version = 1; version <= 3; version++) {
        uint64_t len = make(version, "{\"shape\":(2, 3),'fortran_order': True, 'descr': '<i4'}",
                            columns, sizeof columns);
        assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_OK);
        for (int32_t i = 0; i < 6; i++) assert_int_equal(((const int32_t *)a.data)[i], i);
        ay_ndarray_free(&a);
    }
}

static void test_npy_other_floats_become_f32(void **state)
{
    (void)state;
    static const uint16_t halves[] = {0x3c00, 0x8001, 0x7e01, 0xfc00};
    static const uint32_t wide[] = {0x3f800000, 0xb3800000, 0x7fc00000, 0xff800000};
    static const double doubles[] = {1.0 + 0x1p-24, 1.0 + 0x1.8p-23, -1e300, 0x1p-149};
    static const uint32_t narrow[] = {0x3f800000, 0x3f800002, 0xff800000, 1};
    const char *converted = NULL;
    struct ay_ndarray a;
    uint64_t len = make(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }\n", halves,
                        sizeof halves);
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, &converted, NULL), AY_OK);
    assert_string_equal(converted, "<f2");
    assert_memory_equal(a.data, wide, sizeof wide);
    ay_ndarray_free(&a);
    len = make(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 2L)}", doubles,
               sizeof doubles);
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, &converted, NULL), AY_OK);
    assert_string_equal(converted, "<f8");
    assert_memory_equal(a.data, narrow, sizeof narrow);
    ay_ndarray_free(&a);
}

static void test_npy_bools_and_nans_are_canonical(void **state)
{
    (void)state;
    static const uint8_t bools[] = {0, 1, 2, 255}, as_bools[] = {0, 1, 1, 1};
    static const uint32_t nans[] = {0xffc00001, 0x7f800001}, nan = 0x7fc00000;
    struct ay_ndarray a;
    uint64_t len =
        make(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (4,)}", bools, sizeof bools);
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_OK);
    assert_memory_equal(a.data, as_bools, 4);
    ay_ndarray_free(&a);
    len = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", nans, sizeof nans);
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_OK);
    assert_memory_equal(a.data, &nan, 4);
    assert_memory_equal((uint8_t *)a.data + 4, &nan, 4);
    ay_ndarray_free(&a);
}

static void test_npy_hostile_file_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *description;
        size_t elements_len;
        enum ay_code code;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 12, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", 0,
         AY_E_LIMIT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4)}", 0,
         AY_E_LIMIT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 0, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}", 0,
         AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4,
         AY_E_UNSUPPORTED},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", 4, AY_E_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 4, AY_E_UNSUPPORTED},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", 4, AY_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", 4, AY_E_FORMAT},
        {"{'descr': '<f4", 0, AY_E_FORMAT},
        {"", 0, AY_E_FORMAT},
    };
    static const uint8_t zeros[16];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ay_ndarray a;
        struct ay_reason reason = {""};
        uint64_t len = make(1, cases[i].description, zeros, cases[i].elements_len);
        assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, &reason), cases[i].code);
        assert_true(reason.text[0]);
    }
}

static void test_npy_each_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    static const uint8_t zeros[8];
    struct ay_ndarray a;
    uint64_t len = make(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", zeros, 8);
    for (uint64_t cut = 0; cut < len; cut++)
        assert_int_equal(ay_npy_parse(file_bytes, cut, LIMIT, &a, NULL, NULL), AY_E_FORMAT);
    file_bytes[9] = 0xff; /* a header longer than it may be */
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_E_FORMAT);
    file_bytes[10] = 0xff;
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_E_LIMIT);
    file_bytes[6] = 4;
    assert_int_equal(ay_npy_parse(file_bytes, len, LIMIT, &a, NULL, NULL), AY_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy_written_is_read_again),
        cmocka_unit_test(test_npy_fortran_order_is_turned_round),
        cmocka_unit_test(test_npy_other_floats_become_f32),
        cmocka_unit_test(test_npy_bools_and_nans_are_canonical),
        cmocka_unit_test(test_npy_hostile_file_is_refused),
        cmocka_unit_test(test_npy_each_cut_of_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
