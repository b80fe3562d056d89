/* Signatures remembered: what was added is known, nothing else ever is, and the table forgets
 * rather than grows. */
#include "engine/known.h"

#include "crypto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void key_of(uint32_t i, uint8_t key[32])
{
    uint8_t number[4];
    ay_put_be32(number, i);
    ay_sha256(AY_SLICE_OF(number), key);
}

static void test_known_added_key_is_known_and_a_neighbour_is_not(void **state)
{
    (void)state;
    struct ay_known *known;
    uint8_t key[32];
    assert_int_equal(ay_known_new(&known), AY_OK);
    const struct ay_known_signatures *memory = &known->memory;
    key_of(1, key);
    assert_false(memory->has(memory->self, key));
    memory->add(memory->self, key);
    assert_true(memory->has(memory->self, key));
    for (int bit = 0; bit < 256; bit++) {
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(memory->has(memory->self, key));
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ay_known_free(known);
}

static void test_known_many_keys_newest_stay(void **state)
{
    (void)state;
    struct ay_known *known;
    uint8_t key[32];
    uint32_t kept = 0, n = 4 * AY_KNOWN_SLOTS;
    assert_int_equal(ay_known_new(&known), AY_OK);
    const struct ay_known_signatures *memory = &known->memory;
    for (uint32_t i = 0; i < n; i++) {
        key_of(i, key);
        memory->add(memory->self, key);
        assert_true(memory->has(memory->self, key));
    }
    for (uint32_t i = 0; i < n; i++) {
        key_of(i, key);
        kept += memory->has(memory->self, key);
    }
    assert_in_range(kept, AY_KNOWN_SLOTS / 2, AY_KNOWN_SLOTS);
    ay_known_free(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_added_key_is_known_and_a_neighbour_is_not),
        cmocka_unit_test(test_known_many_keys_newest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
