/* Rows with indexes over an overlay, on the schema's own job rows. */
#include "base/gen/job.h"
#include "ledger/test_kv.h"

#include "crypto/testing.h"

static struct ay_test_map base;
static struct ay_kv kv = {&base, ay_test_map_get, ay_test_map_next};
static struct ay_arena layers, scratch;
static struct ay_overlay block;
static struct ay_ctx ctx;

enum { BY_ID, BY_CONSUMER, BY_PROVIDER, BY_STATE };

static int setup(void **state)
{
    (void)state;
    layers.used = scratch.used = 0;
    block = ay_overlay_base(&kv, &layers);
    ctx = (struct ay_ctx){.overlay = &block, .arena = &scratch};
    return 0;
}

static struct ay_job_job job_of(uint64_t id, uint8_t consumer, uint32_t state, uint64_t deadline)
{
    struct ay_job_job job = {.id = id, .state = state, .deadline_ms = deadline};
    memset(job.consumer, consumer, sizeof job.consumer);
    return job;
}

static void put(uint64_t id, uint8_t consumer, uint32_t state, uint64_t deadline)
{
    struct ay_job_job job = job_of(id, consumer, state, deadline);
    assert_int_equal(ay_row_put(&ctx, &ay_job_job_msg, &job), AY_OK);
}

/* The ids that a walk gives, as digits of a number. */
static uint64_t ids(uint32_t index, const struct ay_job_job *from, uint32_t n_fields)
{
    struct ay_row_walk walk;
    struct ay_job_job job;
    uint64_t out = 0;
    enum ay_code code;
    assert_int_equal(ay_row_walk_begin(&walk, &ay_job_job_msg, index, from, n_fields), AY_OK);
    while ((code = ay_row_walk_next(&ctx, &walk, &job)) == AY_OK) out = 10 * out + job.id;
    assert_int_equal(code, AY_E_NOT_FOUND);
    return out;
}

static uint32_t entries(void)
{
    struct ay_slice key = {0}, value;
    uint32_t n = 0;
    while (ay_overlay_next(&block, key, false, &key, &value) == AY_OK) n++;
    return n;
}

static void test_row_get_of_none_clears_all_but_the_key(void **state)
{
    (void)state;
    struct ay_job_job job = job_of(7, 0xaa, 3, 9);
    job.input_url = ay_slice_str("x");
    assert_int_equal(ay_row_get(&ctx, &ay_job_job_msg, &job), AY_E_NOT_FOUND);
    assert_int_equal(job.id, 7);
    assert_int_equal(job.state, 0);
    assert_int_equal(job.consumer[0], 0);
    assert_null(job.input_url.data);
}

static void test_row_put_keeps_every_index_up(void **state)
{
    (void)state;
    put(1, 0xa, 1, 50);
    put(2, 0xb, 1, 40);
    put(3, 0xa, 2, 30);
    struct ay_job_job a = job_of(0, 0xa, 0, 0), one = job_of(0, 0, 1, 0);
    assert_int_equal(ids(BY_ID, &a, 0), 123);
    assert_int_equal(ids(BY_CONSUMER, &a, 1), 13);
    assert_int_equal(ids(BY_STATE, &one, 1), 21);
    assert_int_equal(entries(), 12);
    put(1, 0xb, 2, 20); /* consumer, state and deadline change */
    assert_int_equal(ids(BY_CONSUMER, &a, 1), 3);
    assert_int_equal(ids(BY_STATE, &one, 1), 2);
    one.state = 2;
    assert_int_equal(ids(BY_STATE, &one, 1), 13);
    assert_int_equal(entries(), 12);
}

static void test_row_del_takes_its_index_entries_along(void **state)
{
    (void)state;
    put(1, 0xa, 1, 50);
    put(2, 0xb, 1, 40);
    struct ay_job_job job = job_of(1, 0, 0, 0);
    assert_int_equal(ay_row_del(&ctx, &ay_job_job_msg, &job), AY_OK);
    assert_int_equal(ay_row_del(&ctx, &ay_job_job_msg, &job), AY_E_NOT_FOUND);
    assert_int_equal(entries(), 4);
    assert_int_equal(ids(BY_ID, &job, 0), 2);
}

static void test_walk_rows_change_under_it_goes_on(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 6; id++) put(id, 0xa, 1, 10 * id);
    struct ay_row_walk walk;
    struct ay_job_job job = {.state = 1};
    uint64_t order = 0;
    assert_int_equal(ay_row_walk_begin(&walk, &ay_job_job_msg, BY_STATE, &job, 1), AY_OK);
    while (ay_row_walk_next(&ctx, &walk, &job) == AY_OK) {
        order = 10 * order + job.id;
        /* The row leaves the walk; another one ahead is deleted; one comes in at the end. */
        put(job.id, 0xa, 2, job.deadline_ms);
        struct ay_job_job ahead = {.id = 4};
        if (job.id == 2) assert_int_equal(ay_row_del(&ctx, &ay_job_job_msg, &ahead), AY_OK);
        if (job.id == 5) put(7, 0xa, 1, 1000);
    }
    assert_int_equal(order, 123567);
}

static void test_walk_seek_begins_within_the_prefix(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 5; id++) put(id, 0xa, (uint32_t)(1 + id % 2), 10 * id);
    struct ay_row_walk walk;
    struct ay_job_job job = {.state = 2, .deadline_ms = 25};
    assert_int_equal(ay_row_walk_begin(&walk, &ay_job_job_msg, BY_STATE, &job, 1), AY_OK);
    assert_int_equal(ay_row_walk_seek(&walk, &job, 2), AY_OK);
    assert_int_equal(ay_row_walk_next(&ctx, &walk, &job), AY_OK);
    assert_int_equal(job.id, 3);
    assert_int_equal(ay_row_walk_next(&ctx, &walk, &job), AY_OK);
    assert_int_equal(job.id, 5);
    assert_int_equal(ay_row_walk_next(&ctx, &walk, &job), AY_E_NOT_FOUND);
}

struct seen {
    uint32_t n, with_old, with_new;
    uint64_t order;
};

static enum ay_code count_change(struct ay_ctx *c, void *self, bool has_old, const void *old_row,
                                 bool has_new, const void *new_row)
{
    (void)c;
    struct seen *seen = self;
    const struct ay_job_job *was = old_row, *is = new_row;
    seen->n++;
    seen->with_old += has_old;
    seen->with_new += has_new;
    seen->order = 10 * seen->order + (has_new ? is->id : was->id);
    return AY_OK;
}

static void test_rows_changed_gives_each_row_before_and_now(void **state)
{
    (void)state;
    put(1, 0xa, 1, 10);
    put(2, 0xa, 1, 10);
    put(3, 0xa, 1, 10);
    struct ay_kv_change *changes;
    uint32_t n;
    assert_int_equal(ay_overlay_changes(&block, &layers, &changes, &n), AY_OK);
    for (uint32_t i = 0; i < n; i++) ay_test_map_apply(&base, &changes[i]);
    setup(NULL);
    struct ay_job_job gone = {.id = 3};
    put(1, 0xa, 1, 10); /* unchanged */
    put(2, 0xa, 2, 20);
    assert_int_equal(ay_row_del(&ctx, &ay_job_job_msg, &gone), AY_OK);
    put(4, 0xa, 1, 10);
    put(5, 0xa, 1, 10);
    gone.id = 5; /* came and went */
    assert_int_equal(ay_row_del(&ctx, &ay_job_job_msg, &gone), AY_OK);
    struct seen seen = {0};
    assert_int_equal(ay_rows_changed(&ctx, &ay_job_job_msg, count_change, &seen), AY_OK);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.with_old, 2);
    assert_int_equal(seen.with_new, 2);
    assert_int_equal(seen.order, 234);
    while (base.count) {
        struct ay_kv_change first = {.key = base.entries[0].key, .removed = true};
        first.key = ay_test_dup(first.key);
        ay_test_map_apply(&base, &first);
        ay_test_drop(&first.key);
    }
}

static void test_rows_cost_gas_and_stop_when_it_is_out(void **state)
{
    (void)state;
    struct ay_gas gas = {.limit = UINT64_MAX};
    ctx.gas = &gas;
    put(1, 0xa, 1, 10);
    uint64_t cost = gas.used;
    assert_true(cost > 4 * AY_GAS_WRITE); /* the row and three index entries */
    setup(NULL);
    gas = (struct ay_gas){.limit = cost - 1};
    ctx.gas = &gas;
    struct ay_job_job job = job_of(1, 0xa, 1, 10);
    assert_int_equal(ay_row_put(&ctx, &ay_job_job_msg, &job), AY_E_OUT_OF_GAS);
}

static void test_row_damaged_in_state_is_corrupt(void **state)
{
    (void)state;
    uint8_t key[64];
    uint32_t len;
    struct ay_job_job job = {.id = 1};
    assert_int_equal(ay_row_key(&ay_job_job_msg, &job, AY_KEY_ALL, key, sizeof key, &len), AY_OK);
    assert_int_equal(ay_overlay_put(&block, ay_slice(key, len), ay_slice_str("\xff\xff")), AY_OK);
    assert_int_equal(ay_row_get(&ctx, &ay_job_job_msg, &job), AY_E_CORRUPT);
}

int main(void)
{
    layers = ay_test_arena();
    scratch = ay_test_arena();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_row_get_of_none_clears_all_but_the_key, setup),
        cmocka_unit_test_setup(test_row_put_keeps_every_index_up, setup),
        cmocka_unit_test_setup(test_row_del_takes_its_index_entries_along, setup),
        cmocka_unit_test_setup(test_walk_rows_change_under_it_goes_on, setup),
        cmocka_unit_test_setup(test_walk_seek_begins_within_the_prefix, setup),
        cmocka_unit_test_setup(test_rows_changed_gives_each_row_before_and_now, setup),
        cmocka_unit_test_setup(test_rows_cost_gas_and_stop_when_it_is_out, setup),
        cmocka_unit_test_setup(test_row_damaged_in_state_is_corrupt, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
