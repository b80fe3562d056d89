#include "base/math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_math_sums_refuse_overflow(void **state)
{
    (void)state;
    uint64_t out = 7;
    assert_int_equal(ay_add(UINT64_MAX, 1, &out), AY_E_OVERFLOW);
    assert_int_equal(ay_sub(1, 2, &out), AY_E_OVERFLOW);
    assert_int_equal(ay_mul(1ull << 32, 1ull << 32, &out), AY_E_OVERFLOW);
    assert_int_equal(out, 7);
    assert_int_equal(ay_add(UINT64_MAX - 1, 1, &out), AY_OK);
    assert_true(out == UINT64_MAX);
}

static void test_math_mul_div_rounds_as_said(void **state)
{
    (void)state;
    uint64_t out = 0;
    assert_int_equal(ay_mul_div(10, 10, 3, AY_FLOOR, &out), AY_OK);
    assert_int_equal(out, 33);
    assert_int_equal(ay_mul_div(10, 10, 3, AY_CEIL, &out), AY_OK);
    assert_int_equal(out, 34);
    assert_int_equal(ay_mul_div(9, 10, 3, AY_CEIL, &out), AY_OK);
    assert_int_equal(out, 30);
    assert_int_equal(ay_mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX, AY_CEIL, &out), AY_OK);
    assert_true(out == UINT64_MAX);
    assert_int_equal(ay_mul_div(UINT64_MAX, 2, 1, AY_FLOOR, &out), AY_E_OVERFLOW);
    assert_int_equal(ay_mul_div(1, 1, 0, AY_FLOOR, &out), AY_E_OVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_math_sums_refuse_overflow),
        cmocka_unit_test(test_math_mul_div_rounds_as_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
