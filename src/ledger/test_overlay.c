/* The overlay against the map it stands for: three layers, random writes, commits and drops. */
#include "ledger/test_kv.h"

#include "crypto/testing.h"

#define KEYS 200

static struct ay_arena arena;
static struct ay_test_map base;
static struct ay_kv kv = {&base, ay_test_map_get, ay_test_map_next};

/* A model of one layer: for each key, not set, removed, or a value. */
enum { UNSET = -1, REMOVED = -2 };
struct model {
    int value[3][KEYS];
};

static struct ay_slice key_of(uint32_t i, uint8_t out[4])
{
    /* Keys of several lengths, prefixes of one another among them. */
    memset(out, 'k', 4);
    out[i % 3] = (uint8_t)i;
    return ay_slice(out, 1 + i % 3);
}

static int seen(const struct model *m, int top, uint32_t i)
{
    int v = UNSET;
    for (int layer = top; layer >= 0 && v == UNSET; layer--) v = m->value[layer][i];
    return v;
}

static void check_get(const struct ay_overlay *o, const struct model *m, int top)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t key[4];
        struct ay_slice value;
        enum ay_code code = ay_overlay_get(o, key_of(i, key), &value);
        int want = seen(m, top, i);
        assert_int_equal(code, want >= 0 ? AY_OK : AY_E_NOT_FOUND);
        if (want >= 0) assert_int_equal(ay_get_le32(value.data), want);
    }
}

static void check_walk(const struct ay_overlay *o, const struct model *m, int top)
{
    uint32_t want = 0, got = 0;
    for (uint32_t i = 0; i < KEYS; i++) want += seen(m, top, i) >= 0;
    struct ay_slice key = {0}, last = {0}, value;
    bool first = true;
    while (ay_overlay_next(o, key, first, &key, &value) == AY_OK) {
        assert_true(first || ay_slice_compare(last, key) < 0);
        struct ay_slice again;
        assert_int_equal(ay_overlay_get(o, key, &again), AY_OK);
        assert_true(ay_slice_equal(value, again));
        last = key;
        first = false;
        got++;
    }
    assert_int_equal(got, want);
}

static void fold(struct model *m, int layer)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        if (m->value[layer][i] != UNSET) m->value[layer - 1][i] = m->value[layer][i];
        m->value[layer][i] = UNSET;
    }
}

static void write_some(struct ay_overlay *o, struct model *m, int layer)
{
    for (int n = 0; n < 40; n++) {
        uint32_t i = (uint32_t)test_random_below(KEYS);
        uint8_t key[4], value[4];
        int v = test_random_below(3) ? (int)test_random_below(1000) : REMOVED;
        ay_put_le32(value, (uint32_t)v);
        if (v == REMOVED)
            assert_int_equal(ay_overlay_del(o, key_of(i, key)), AY_OK);
        else
            assert_int_equal(ay_overlay_put(o, key_of(i, key), AY_SLICE_OF(value)), AY_OK);
        m->value[layer][i] = v;
    }
}

static void test_overlay_random_writes_equal_a_plain_map(void **state)
{
    (void)state;
    test_seed(20261123);
    for (int round = 0; round < 60; round++) {
        arena.used = 0;
        struct model m;
        memset(&m, 0xff, sizeof m);
        struct ay_overlay block = ay_overlay_base(&kv, &arena);
        write_some(&block, &m, 0);
        check_get(&block, &m, 0);
        struct ay_overlay tx = ay_overlay_over(&block, &arena);
        write_some(&tx, &m, 1);
        check_get(&tx, &m, 1);
        for (int message = 0; message < 3; message++) {
            struct ay_overlay layer = ay_overlay_over(&tx, &arena);
            write_some(&layer, &m, 2);
            check_get(&layer, &m, 2);
            check_walk(&layer, &m, 2);
            if (test_random_below(2)) {
                assert_int_equal(ay_overlay_commit(&layer), AY_OK);
                fold(&m, 2);
            } else {
                memset(m.value[2], 0xff, sizeof m.value[2]);
            }
            check_get(&tx, &m, 1);
        }
        assert_int_equal(ay_overlay_commit(&tx), AY_OK);
        fold(&m, 1);
        check_get(&block, &m, 0);
        check_walk(&block, &m, 0);
    }
}

static void test_overlay_changes_are_sorted_and_change_something(void **state)
{
    (void)state;
    arena.used = 0;
    struct ay_slice a = ay_slice_str("a"), b = ay_slice_str("b"), c = ay_slice_str("c"),
                    d = ay_slice_str("d");
    struct ay_kv_change old[2] = {{.key = a, .value = a}, {.key = c, .value = c}};
    for (int i = 0; i < 2; i++) ay_test_map_apply(&base, &old[i]);
    struct ay_overlay block = ay_overlay_base(&kv, &arena);
    assert_int_equal(ay_overlay_put(&block, d, d), AY_OK);
    assert_int_equal(ay_overlay_put(&block, a, a), AY_OK); /* as it was */
    assert_int_equal(ay_overlay_del(&block, b), AY_OK);    /* was not there */
    assert_int_equal(ay_overlay_del(&block, c), AY_OK);
    struct ay_kv_change *changes;
    uint32_t n;
    assert_int_equal(ay_overlay_changes(&block, &arena, &changes, &n), AY_OK);
    assert_int_equal(n, 2);
    assert_true(ay_slice_equal(changes[0].key, c) && changes[0].removed);
    assert_true(ay_slice_equal(changes[1].key, d) && !changes[1].removed);
    for (int i = 0; i < 2; i++) {
        old[i].removed = true;
        ay_test_map_apply(&base, &old[i]);
    }
}

static void test_overlay_ascending_keys_stay_shallow(void **state)
{
    (void)state;
    arena.used = 0;
    struct ay_overlay block = ay_overlay_base(&kv, &arena);
    /* 100,000 ascending keys: a tree that did not balance would overflow the stack. */
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t key[4];
        ay_put_be32(key, i);
        assert_int_equal(ay_overlay_put(&block, AY_SLICE_OF(key), ay_slice(NULL, 0)), AY_OK);
    }
    assert_int_equal(block.count, 100000);
    struct ay_slice key = {0}, value;
    uint8_t want[4];
    ay_put_be32(want, 77777);
    assert_int_equal(ay_overlay_next(&block, AY_SLICE_OF(want), true, &key, &value), AY_OK);
    assert_true(ay_slice_equal(key, AY_SLICE_OF(want)));
}

static void test_overlay_full_arena_is_refused(void **state)
{
    (void)state;
    static uint8_t memory[256] __attribute__((aligned(16)));
    struct ay_arena small = ay_arena_over(memory, sizeof memory);
    struct ay_overlay block = ay_overlay_base(&kv, &small);
    enum ay_code code = AY_OK;
    for (uint8_t i = 0; i < 10 && code == AY_OK; i++)
        code = ay_overlay_put(&block, ay_slice(&i, 1), ay_slice(&i, 1));
    assert_int_equal(code, AY_E_LIMIT);
}

int main(void)
{
    arena = ay_test_arena();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay_random_writes_equal_a_plain_map),
        cmocka_unit_test(test_overlay_changes_are_sorted_and_change_something),
        cmocka_unit_test(test_overlay_ascending_keys_stay_shallow),
        cmocka_unit_test(test_overlay_full_arena_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
