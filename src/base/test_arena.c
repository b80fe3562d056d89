#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static _Alignas(16) uint8_t mem[256];

static void test_arena_take_is_aligned_and_zeroed(void **state)
{
    (void)state;
    memset(mem, 0xff, sizeof mem);
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    assert_non_null(ay_arena_take(&arena, 3, 1));
    uint8_t *p = ay_arena_take(&arena, 5, 4);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    for (int i = 0; i < 20; i++) assert_int_equal(p[i], 0);
}

static void test_arena_full_returns_null_and_keeps_state(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    assert_non_null(ay_arena_take(&arena, 200, 1));
    size_t used = arena.used;
    assert_null(ay_arena_take(&arena, 100, 1));
    assert_null(ay_arena_take(&arena, SIZE_MAX / 2, 4));
    assert_int_equal(arena.used, used);
    assert_non_null(ay_arena_take(&arena, 48, 1));
}

static void test_arena_rewind_gives_back(void **state)
{
    (void)state;
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    struct ay_slice copy;
    size_t mark = arena.used;
    assert_int_equal(ay_arena_copy(&arena, ay_slice_str("hello"), &copy), AY_OK);
    assert_true(ay_slice_equal(copy, ay_slice_str("hello")));
    ay_arena_rewind(&arena, mark);
    assert_int_equal(arena.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_take_is_aligned_and_zeroed),
        cmocka_unit_test(test_arena_full_returns_null_and_keeps_state),
        cmocka_unit_test(test_arena_rewind_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
