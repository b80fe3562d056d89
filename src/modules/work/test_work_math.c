#include "modules/work/work_math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_royalty_rounds_down_at_every_boundary(void **state)
{
    (void)state;
    assert_int_equal(ay_work_royalty(0, 10000), 0);
    assert_int_equal(ay_work_royalty(9999, 1), 0);
    assert_int_equal(ay_work_royalty(10000, 1), 1);
    assert_int_equal(ay_work_royalty(UINT64_MAX, 10000), UINT64_MAX);
    assert_int_equal(ay_work_royalty(UINT64_MAX, 5000), UINT64_MAX / 2);
}

/* For every way to cut a small sum in three payments: each payee has its floor of the whole, and all
 * together never more than was paid. */
static void test_part_any_payments_give_the_floor_of_the_sum(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 3, 3, 6};
    const uint32_t gross = 13;
    for (uint64_t a = 0; a <= 40; a++)
        for (uint64_t b = a; b <= 40; b++)
            for (uint64_t c = b; c <= 40; c++) {
                uint64_t all = 0;
                for (int i = 0; i < 4; i++) {
                    uint64_t got = ay_work_part(0, a, rates[i], gross) +
                                   ay_work_part(a, b, rates[i], gross) +
                                   ay_work_part(b, c, rates[i], gross);
                    assert_int_equal(got, c * rates[i] / gross);
                    all += got;
                }
                assert_true(all <= c && c - all < 4);
            }
}

static void test_part_largest_amounts_do_not_wrap(void **state)
{
    (void)state;
    assert_int_equal(ay_work_part(0, UINT64_MAX, 10000, 10000), UINT64_MAX);
    assert_int_equal(ay_work_part(UINT64_MAX - 1, UINT64_MAX, 10000, 10000), 1);
    assert_int_equal(ay_work_part(0, UINT64_MAX, 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_royalty_rounds_down_at_every_boundary),
        cmocka_unit_test(test_part_any_payments_give_the_floor_of_the_sum),
        cmocka_unit_test(test_part_largest_amounts_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
