#include "base/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Two codes with one wire form could not be told apart by a client. */
static void test_code_wire_forms_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AY_CODE_COUNT; i++) {
        const struct ay_code_info *info = ay_code_info((enum ay_code)i);
        assert_int_equal(ay_code_find(info->codespace, info->wire), i);
        assert_true(strlen(info->text) > 0);
        assert_true(info->http >= 200 && info->http < 600);
    }
    assert_int_equal(ay_code_find("nowhere", 1), AY_CODE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_code_wire_forms_are_unique)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
