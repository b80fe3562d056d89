#include "engine/mempool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void name(unsigned i, uint8_t hash[32])
{
    memset(hash, 0, 32);
    ay_put_be32(hash, i % 3); /* few buckets, so that chains are walked */
    ay_put_be32(hash + 28, i);
}

static void push(struct ay_mempool *pool, unsigned i)
{
    uint8_t hash[32];
    name(i, hash);
    assert_int_equal(ay_mempool_push(pool, hash, ay_slice_str("ten bytes.")), AY_OK);
}

static void test_mempool_removal_anywhere_keeps_order(void **state)
{
    (void)state;
    struct ay_mempool pool;
    uint8_t hash[32];
    assert_int_equal(ay_mempool_init(&pool, 100, 1000), AY_OK);
    for (unsigned i = 0; i < 10; i++) push(&pool, i);
    const unsigned gone[] = {0, 9, 5};
    for (unsigned i = 0; i < 3; i++) {
        name(gone[i], hash);
        assert_true(ay_mempool_has(&pool, hash));
        ay_mempool_remove(&pool, hash);
        ay_mempool_remove(&pool, hash);
        assert_false(ay_mempool_has(&pool, hash));
    }
    push(&pool, 10);
    const unsigned left[] = {1, 2, 3, 4, 6, 7, 8, 10};
    unsigned n = 0;
    for (struct ay_mempool_tx *tx = pool.first; tx; tx = tx->next)
        assert_int_equal(ay_get_be32(tx->hash + 28), left[n++]);
    assert_int_equal(n, 8);
    assert_int_equal(pool.count, 8);
    assert_int_equal(pool.total_bytes, 80);
    ay_mempool_free(&pool);
}

static void test_mempool_bounds_hold(void **state)
{
    (void)state;
    struct ay_mempool pool;
    assert_int_equal(ay_mempool_init(&pool, 3, 35), AY_OK);
    assert_false(ay_mempool_fits(&pool, 36));
    push(&pool, 1);
    push(&pool, 2);
    assert_true(ay_mempool_fits(&pool, 15));
    assert_false(ay_mempool_fits(&pool, 16));
    push(&pool, 3);
    assert_false(ay_mempool_fits(&pool, 0));
    ay_mempool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mempool_removal_anywhere_keeps_order),
        cmocka_unit_test(test_mempool_bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
