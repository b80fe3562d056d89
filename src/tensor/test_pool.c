/* The pool's promise: each item of a loop is taken once, by a thread that no other is at that time,
 * with that loop's context, and none is at work when the call returns. */
#include "tensor/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sched.h>

#include <cmocka.h>

enum { LOOPS = 3000, MOST_ITEMS = 50, MOST_THREADS = 5 };

/* Lives for one loop only, as the pool's callers' contexts do. */
struct loop {
    uint32_t number, count;
    atomic_uint taken[MOST_ITEMS], inside[MOST_THREADS], at_work, wrong;
    uint32_t by_thread[MOST_THREADS]; /* not atomic: each is one thread's own */
};

static void take(void *context, size_t item, uint32_t thread)
{
    struct loop *l = context;
    atomic_fetch_add(&l->at_work, 1);
    if (item >= l->count || thread >= MOST_THREADS || atomic_fetch_add(&l->inside[thread], 1) != 0)
        atomic_fetch_add(&l->wrong, 1);
    atomic_fetch_add(&l->taken[item % MOST_ITEMS], 1);
    l->by_thread[thread % MOST_THREADS]++;
    if ((item + l->number) % 7 == 0) (void)sched_yield(); /* let others overtake */
    atomic_fetch_sub(&l->inside[thread % MOST_THREADS], 1);
    atomic_fetch_sub(&l->at_work, 1);
}

static void run_loop(struct ay_pool *pool, uint32_t number)
{
    struct loop l = {.number = number, .count = number * number % MOST_ITEMS};
    uint32_t all = 0;
    ay_pool_run(pool, l.count, take, &l);
    assert_int_equal(atomic_load(&l.at_work), 0);
    assert_int_equal(atomic_load(&l.wrong), 0);
    for (uint32_t i = 0; i < MOST_ITEMS; i++)
        assert_int_equal(atomic_load(&l.taken[i]), i < l.count ? 1 : 0);
    for (uint32_t t = 0; t < MOST_THREADS; t++) {
        if (t >= ay_pool_threads(pool)) assert_int_equal(l.by_thread[t], 0);
        all += l.by_thread[t];
    }
    assert_int_equal(all, l.count);
}

static void test_pool_takes_each_item_once(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= MOST_THREADS; threads++) {
        struct ay_pool *pool;
        assert_int_equal(ay_pool_open(threads, &pool), AY_OK);
        assert_int_equal(ay_pool_threads(pool), threads);
        for (uint32_t i = 0; i < LOOPS; i++) run_loop(pool, i);
        ay_pool_close(pool);
    }
}

static void meet(void *context, size_t item, uint32_t thread)
{
    struct loop *l = context;
    l->by_thread[item] = thread;
    atomic_fetch_add(&l->at_work, 1);
    while (atomic_load(&l->at_work) < l->count) (void)sched_yield();
}

/* Where each is needed at once, thread t has item t: the one whose memory it had before. */
static void test_pool_threads_begin_with_their_own_part(void **state)
{
    (void)state;
    for (uint32_t threads = 2; threads <= MOST_THREADS; threads++) {
        struct ay_pool *pool;
        assert_int_equal(ay_pool_open(threads, &pool), AY_OK);
        for (uint32_t i = 0; i < 50; i++) {
            struct loop l = {.count = threads};
            ay_pool_run(pool, threads, meet, &l);
            for (uint32_t t = 0; t < threads; t++) assert_int_equal(l.by_thread[t], t);
        }
        ay_pool_close(pool);
    }
}

static void test_pool_has_as_many_threads_as_it_may(void **state)
{
    (void)state;
    struct ay_pool *pool = NULL;
    assert_int_equal(ay_pool_open(AY_MAX_THREADS + 1, &pool), AY_E_RANGE);
    assert_null(pool);
    assert_int_equal(ay_pool_open(0, &pool), AY_OK);
    assert_in_range(ay_pool_threads(pool), 1, AY_MAX_THREADS);
    ay_pool_close(pool);
}

/* Workers that have begun nothing, or are asleep, end too. */
static void test_pool_closes_at_any_time(void **state)
{
    (void)state;
    ay_pool_close(NULL);
    for (uint32_t i = 0; i < 200; i++) {
        struct ay_pool *pool;
        assert_int_equal(ay_pool_open(1 + i % MOST_THREADS, &pool), AY_OK);
        for (uint32_t k = 0; k < i % 3; k++) run_loop(pool, 7 + i);
        ay_pool_close(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_takes_each_item_once),
        cmocka_unit_test(test_pool_threads_begin_with_their_own_part),
        cmocka_unit_test(test_pool_has_as_many_threads_as_it_may),
        cmocka_unit_test(test_pool_closes_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
