#include "store/testing.h"

#include <pthread.h>

enum { HEIGHTS = AY_STORE_VERSIONS + 64 };
static struct model history[HEIGHTS + 1];
static uint8_t roots[HEIGHTS + 1][32];

/* Every kept height, every key: value and proof are what the model had, and no mutation passes. */
static void check_height(struct ay_store_view *view, uint64_t height)
{
    const struct model *m = &history[height];
    uint8_t root[32], buf[40];
    static struct ay_smt_proof proof;
    assert_int_equal(ay_store_root(view, height, root), AY_OK);
    assert_memory_equal(root, roots[height], 32);
    for (int i = 0; i < MODEL_KEYS; i++) {
        struct ay_slice key = model_key(i, buf), value, again;
        bool present = m->rows[i].present;
        enum ay_code code = ay_store_prove(view, height, key, &value, &proof);
        assert_int_equal(code, present ? AY_OK : AY_E_NOT_FOUND);
        assert_int_equal(ay_store_prove(view, height, key, &again, NULL), code);
        if (present) assert_true(ay_slice_equal(value, model_value(m, i)));
        value = model_value(m, i);
        assert_int_equal(ay_smt_verify(root, key, value, &proof), present ? AY_OK : AY_E_HASH);
        assert_int_equal(ay_smt_verify_absent(root, key, &proof), present ? AY_E_HASH : AY_OK);
        if (proof.depth == 0) continue;
        uint64_t bit = test_random_below(256u * proof.depth);
        proof.siblings[bit / 256][bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ay_smt_verify(root, key, value, &proof), AY_E_HASH);
        assert_int_equal(ay_smt_verify_absent(root, key, &proof), AY_E_HASH);
    }
}

static void run_model(struct ay_store **store, const char *path)
{
    struct ay_kv_change changes[MODEL_KEYS];
    struct ay_store_view *view;
    for (uint64_t h = 1; h <= HEIGHTS; h++) {
        struct ay_store_block block = plain_block(h);
        uint8_t root[32];
        history[h] = history[h - 1];
        uint32_t count = h % 50 == 0 ? 0 : model_step(&history[h], changes);
        assert_int_equal(ay_store_commit(*store, changes, count, &block, root), AY_OK);
        model_root(&history[h], roots[h]);
        assert_memory_equal(root, roots[h], 32);
        assert_int_equal(ay_store_tip(*store).height, h);
        assert_int_equal(ay_store_view(*store, &view), AY_OK);
        assert_rows(view, &history[h]);
        ay_store_view_end(view);
        if (h % 40 != 0) continue;
        ay_store_close(*store);
        assert_int_equal(ay_store_open(path, NULL, store), AY_OK);
        assert_memory_equal(ay_store_tip(*store).root, root, 32);
    }
}

static void test_store_random_blocks_equal_the_model_at_every_kept_height(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store;
    struct ay_store_view *view;
    struct ay_slice value;
    test_seed(20261123);
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    run_model(&store, path);

    assert_int_equal(ay_store_view(store, &view), AY_OK);
    for (uint64_t h = HEIGHTS - AY_STORE_VERSIONS + 1; h <= HEIGHTS; h++) check_height(view, h);
    static const uint64_t gone[] = {0, 1, HEIGHTS - AY_STORE_VERSIONS, HEIGHTS + 1, UINT64_MAX};
    for (int i = 0; i < 5; i++)
        assert_int_equal(ay_store_prove(view, gone[i], ay_slice_str("k"), &value, NULL),
                         AY_E_RANGE);
    struct ay_slice at = {0};
    int steps = 0;
    do {
        assert_int_equal(ay_store_scrub(view, at, 7, &at), AY_OK);
        steps++;
    } while (at.len);
    assert_true(steps > 1);
    ay_store_view_end(view);
    ay_store_close(store);
    remove_folder(path);
}

/* Pruning leaves nothing behind: after the window has passed over an emptied state, so is the file.
 */
static void test_store_emptied_state_is_pruned_to_nothing(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store;
    struct ay_kv_change changes[MODEL_KEYS];
    uint8_t keys[MODEL_KEYS][40], root[32], zeros[32] = {0}, value[2000] = {7};
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    struct stat first, last;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/data.mdb", path);
    for (uint64_t h = 1; h <= 6 * AY_STORE_VERSIONS; h++) {
        struct ay_store_block block = plain_block(h);
        for (int i = 0; i < 8; i++)
            changes[i] =
                (struct ay_kv_change){model_key(i, keys[i]), AY_SLICE_OF(value), h % 2 == 0};
        assert_int_equal(ay_store_commit(store, changes, 8, &block, root), AY_OK);
        if (h % 2 == 0) assert_memory_equal(root, zeros, 32);
        if (h == 2 * AY_STORE_VERSIONS) assert_int_equal(stat(file, &first), 0);
    }
    assert_int_equal(stat(file, &last), 0);
    printf("%lld bytes after 2 windows, %lld after 6\n", (long long)first.st_size,
           (long long)last.st_size);
    assert_true(last.st_size <
                first.st_size + (1 << 20)); /* blocks stay: 1024 of about 100 bytes */
    ay_store_close(store);
    remove_folder(path);
}

static void test_store_view_stays_at_its_height(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store;
    struct ay_store_view *before, *after;
    struct ay_kv_change change = {ay_slice_str("a"), ay_slice_str("1"), false};
    struct ay_store_block block = plain_block(5); /* a chain may begin above 1 */
    struct ay_slice value;
    uint8_t root[32];
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    assert_int_equal(ay_store_commit(store, &change, 1, &block, root), AY_OK);
    assert_int_equal(ay_store_view(store, &before), AY_OK);
    change.value = ay_slice_str("2");
    block = plain_block(6);
    assert_int_equal(ay_store_commit(store, &change, 1, &block, root), AY_OK);
    assert_int_equal(ay_store_view(store, &after), AY_OK);
    struct ay_kv old = ay_store_kv(before), new = ay_store_kv(after);
    assert_int_equal(old.get(old.self, change.key, &value), AY_OK);
    assert_true(ay_slice_equal(value, ay_slice_str("1")));
    assert_int_equal(ay_store_view_tip(before).height, 5);
    assert_int_equal(new.get(new.self, change.key, &value), AY_OK);
    assert_true(ay_slice_equal(value, ay_slice_str("2")));
    assert_int_equal(new.get(new.self, (struct ay_slice){0}, &value), AY_E_NOT_FOUND);
    assert_int_equal(ay_store_prove(before, 6, change.key, &value, NULL), AY_E_RANGE);
    assert_int_equal(ay_store_prove(after, 5, change.key, &value, NULL), AY_OK);
    assert_true(ay_slice_equal(value, ay_slice_str("1")));
    assert_int_equal(ay_store_prove(after, 4, change.key, &value, NULL), AY_E_RANGE);
    ay_store_view_end(before);
    ay_store_view_end(after);
    ay_store_close(store);
    remove_folder(path);
}

static void test_store_bad_commits_change_nothing(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store, *second;
    uint8_t root[32], same[32], long_key[AY_KV_MAX_KEY + 1] = {1};
    const struct ay_slice v = ay_slice_str("v");
    const struct ay_kv_change good[] = {{ay_slice(long_key, AY_KV_MAX_KEY), v, false},
                                        {ay_slice_str("b"), v, false}};
    const struct ay_kv_change unsorted[] = {{ay_slice_str("b"), v, false},
                                            {ay_slice_str("a"), v, false}};
    const struct ay_kv_change twice[] = {{ay_slice_str("b"), v, false},
                                         {ay_slice_str("b"), v, true}};
    const struct ay_kv_change lengths[] = {
        {AY_SLICE_OF(long_key), v, false},
        {{0}, v, false},
        {ay_slice_str("k"), {long_key, AY_KV_MAX_VALUE + 1}, false}};
    struct ay_store_block one = plain_block(1), two, three;
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    assert_int_equal(ay_store_open(path, NULL, &second), AY_E_STATE);
    assert_int_equal(ay_store_commit(store, good, 2, &one, root), AY_OK);
    two = plain_block(2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ay_store_commit(store, &lengths[i], 1, &two, same), AY_E_RANGE);
    assert_int_equal(ay_store_commit(store, unsorted, 2, &two, same), AY_E_RANGE);
    assert_int_equal(ay_store_commit(store, twice, 2, &two, same), AY_E_RANGE);
    three = plain_block(3);
    assert_int_equal(ay_store_commit(store, good, 2, &three, same), AY_E_RANGE);
    three = plain_block(1);
    assert_int_equal(ay_store_commit(store, good, 2, &three, same), AY_E_RANGE);
    two = plain_block(2);
    memcpy(two.hash, one.hash, 32);
    assert_int_equal(ay_store_commit(store, good, 2, &two, same), AY_E_EXISTS);
    assert_memory_equal(ay_store_tip(store).root, root, 32);
    /* Still usable, and writing what is there already gives the same root. */
    two = plain_block(2);
    assert_int_equal(ay_store_commit(store, good, 2, &two, same), AY_OK);
    assert_memory_equal(same, root, 32);
    ay_store_close(store);
    remove_folder(path);
}

static void test_store_blocks_and_transactions_are_found(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store;
    struct ay_store_view *view;
    uint8_t root[32];
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    const struct ay_store_tag tags[] = {{ay_slice_str("tx.fee_payer"), ay_slice_str("alice")},
                                        {ay_slice_str("message.action"), ay_slice_str("/send")}};
    for (uint64_t h = 1; h <= 5; h++) {
        struct ay_store_tx txs[3];
        for (uint8_t i = 0; i < 3; i++) {
            txs[i] = (struct ay_store_tx){{(uint8_t)h, i}, false, tags, i == 1 ? 2 : 1};
            if (h == 5) txs[i].hash[0] = 1, txs[i].failed = i == 0; /* seen before, in block 1 */
        }
        struct ay_store_block block = plain_block(h);
        block.txs = txs;
        block.tx_count = 3;
        assert_int_equal(ay_store_commit(store, NULL, 0, &block, root), AY_OK);
    }
    assert_int_equal(ay_store_view(store, &view), AY_OK);
    struct ay_store_place place, places[20];
    const uint8_t hashes[][32] = {{3, 2}, {1, 0}, {1, 1}, {9}};
    assert_int_equal(ay_store_tx(view, hashes[0], &place), AY_OK);
    assert_true(place.height == 3 && place.index == 2);
    assert_int_equal(ay_store_tx(view, hashes[1], &place), AY_OK);
    assert_true(place.height == 1 && place.index == 0); /* the failed repeat did not replace it */
    assert_int_equal(ay_store_tx(view, hashes[2], &place), AY_OK);
    assert_true(place.height == 5 && place.index == 1);
    assert_int_equal(ay_store_tx(view, hashes[3], &place), AY_E_NOT_FOUND);

    uint32_t count;
    struct ay_slice block, results;
    uint64_t height;
    assert_int_equal(
        ay_store_search(view, &tags[0], (struct ay_store_place){0}, 20, places, &count), AY_OK);
    assert_int_equal(count, 15);
    assert_int_equal(
        ay_store_search(view, &tags[1], (struct ay_store_place){2, 2}, 2, places, &count), AY_OK);
    assert_true(count == 2 && places[0].height == 3 && places[1].height == 4 &&
                places[1].index == 1);
    const struct ay_store_tag other = {ay_slice_str("tx.fee"), ay_slice_str("_payer\0alice")};
    assert_int_equal(ay_store_search(view, &other, (struct ay_store_place){0}, 20, places, &count),
                     AY_OK);
    assert_int_equal(count, 0);
    assert_int_equal(ay_store_height_of(view, plain_block(4).hash, &height), AY_OK);
    assert_int_equal(height, 4);
    assert_int_equal(ay_store_block_at(view, 4, &block, &results), AY_OK);
    assert_true(block.len == 8 && block.data[7] == 4 && results.len == 1 && results.data[0] == 4);
    assert_int_equal(ay_store_block_at(view, 6, &block, NULL), AY_E_NOT_FOUND);
    ay_store_view_end(view);
    ay_store_close(store);
    remove_folder(path);
}

/* Commits 4 MiB in 40 blocks, so that a map of 64 KiB doubles many times. */
static void *commit_much(void *self)
{
    struct ay_store *store = self;
    static uint8_t value[100000], root[32];
    for (uint64_t h = 1; h <= 40; h++) {
        struct ay_store_block block = plain_block(h);
        uint8_t key[8];
        ay_put_be64(key, h);
        const struct ay_kv_change change = {AY_SLICE_OF(key), AY_SLICE_OF(value), false};
        if (ay_store_commit(store, &change, 1, &block, root) != AY_OK) return NULL;
    }
    return root;
}

/* The map moves only between views, while another thread takes them all the time. */
static void test_store_small_map_grows(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    const struct ay_store_options options = {.map_bytes = 1 << 16};
    struct ay_store *store;
    struct ay_store_view *view;
    struct ay_slice key, value;
    uint64_t height = 0;
    void *root;
    pthread_t writer;
    assert_int_equal(ay_store_open(path, &options, &store), AY_OK);
    assert_int_equal(pthread_create(&writer, NULL, commit_much, store), 0);
    while (height < 40) {
        assert_int_equal(ay_store_view(store, &view), AY_OK);
        struct ay_kv kv = ay_store_kv(view);
        uint64_t rows = 0;
        key = (struct ay_slice){0};
        while (kv.next(kv.self, key, false, &key, &value) == AY_OK) rows += value.len == 100000;
        height = ay_store_view_tip(view).height;
        assert_int_equal(rows, height);
        ay_store_view_end(view);
    }
    assert_int_equal(pthread_join(writer, &root), 0);
    assert_non_null(root);
    ay_store_close(store);
    assert_int_equal(ay_store_open(path, &options, &store), AY_OK);
    assert_int_equal(ay_store_view(store, &view), AY_OK);
    assert_int_equal(ay_store_view_tip(view).height, 40);
    assert_memory_equal(ay_store_view_tip(view).root, root, 32);
    ay_store_view_end(view);
    ay_store_close(store);
    remove_folder(path);
}

static void test_store_snapshot_is_a_store_that_goes_on(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    char copy[80];
    struct ay_store *store, *other;
    struct ay_kv_change changes[MODEL_KEYS];
    uint8_t root[32], again[32];
    struct model m = {0};
    test_seed(7);
    (void)snprintf(copy, sizeof copy, "%s_copy", path);
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    for (uint64_t h = 1; h <= 9; h++) {
        struct ay_store_block block = plain_block(h);
        assert_int_equal(ay_store_commit(store, changes, model_step(&m, changes), &block, root),
                         AY_OK);
    }
    assert_int_equal(ay_store_snapshot(store, copy), AY_OK);
    assert_int_equal(ay_store_snapshot(store, copy), AY_E_EXISTS);
    assert_int_equal(ay_store_open(copy, NULL, &other), AY_OK);
    assert_memory_equal(ay_store_tip(other).root, root, 32);
    struct ay_store_block block = plain_block(10);
    uint32_t count = model_step(&m, changes);
    assert_int_equal(ay_store_commit(store, changes, count, &block, root), AY_OK);
    assert_int_equal(ay_store_commit(other, changes, count, &block, again), AY_OK);
    assert_memory_equal(root, again, 32);
    ay_store_close(other);
    ay_store_close(store);
    remove_folder(copy);
    remove_folder(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_random_blocks_equal_the_model_at_every_kept_height),
        cmocka_unit_test(test_store_emptied_state_is_pruned_to_nothing),
        cmocka_unit_test(test_store_view_stays_at_its_height),
        cmocka_unit_test(test_store_bad_commits_change_nothing),
        cmocka_unit_test(test_store_blocks_and_transactions_are_found),
        cmocka_unit_test(test_store_small_map_grows),
        cmocka_unit_test(test_store_snapshot_is_a_store_that_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
