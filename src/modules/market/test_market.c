#include "modules/market/verbs.h"
#include "modules/test_economy.h"

static uint8_t program_id[AY_HASH_BYTES];

static int setup(void **state)
{
    *state = eco_new(program_id);
    return 0;
}

static int teardown(void **state)
{
    ay_test_free(*state);
    return 0;
}

static struct ay_market_ask ask_of(struct ay_test *t, uint64_t id)
{
    struct ay_market_ask ask;
    assert_int_equal(ay_market_ask_get(ay_test_ctx(t), id, &ask), AY_OK);
    return ask;
}

static uint64_t locked(struct ay_test *t, const char *name, enum ay_stake_lock_kind kind, uint64_t id)
{
    uint64_t amount;
    struct ay_who w = who(name);
    assert_int_equal(ay_stake_locked(ay_test_ctx(t), w.address, kind, id, &amount), AY_OK);
    return amount;
}

static void test_ask_reserves_its_lock(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = eco_ask(t, "alice", program_id, 100, 1000);
    assert_int_equal(ask_of(t, id).free_lock_nasy, 10 * ASY);
    assert_int_equal(locked(t, "alice", AY_STAKE_LOCK_ASK, id), 10 * ASY);
    eco_block(t, 1000);
}

static void test_ask_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice");
    const struct ay_market_msg_ask good = eco_ask_msg(&alice, program_id, 100, 1000);
    struct {
        struct ay_market_msg_ask msg;
        enum ay_code code;
    } cases[] = {
        {good, AY_E_REQUEST},      {good, AY_E_REQUEST}, {good, AY_E_REQUEST}, {good, AY_E_MARKET_CLASS},
        {good, AY_E_MARKET_CLASS}, {good, AY_E_FUNDS},   {good, AY_E_RANGE},   {good, AY_E_STAKE_EXPOSURE},
    };
    cases[0].msg.price_nasy = 0;
    cases[1].msg.capacity_units = 0;
    cases[2].msg.rate_units = 0;
    cases[3].msg.program_id[0] ^= 1;
    cases[4].msg.tier = 4;
    cases[5].msg.tier = 3;
    cases[6].msg.lock_nasy = 1;
    cases[7].msg.lock_nasy = 1000 * ASY + 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ay_test_run(t, &ay_market_msg_ask_msg, &cases[i].msg, NULL), cases[i].code);
    for (int i = 0; i < AY_MAX_MARKET_ASKS_OF_ONE; i++) eco_ask(t, "alice", program_id, 100, 1000);
    assert_int_equal(ay_test_run(t, &ay_market_msg_ask_msg, &good, NULL), AY_E_LIMIT);
    eco_block(t, 1000);
}

static void test_cancel_ask_frees_what_is_free_and_waits_for_its_jobs(void **state)
{
    struct ay_test *t = *state;
    uint64_t idle = eco_ask(t, "alice", program_id, 100000, 1000000);
    uint64_t busy = eco_ask(t, "bob", program_id, 100, 1000000);
    uint64_t job = eco_post(t, "carol", program_id, 3, 1000).job_id;
    eco_block(t, 1000);
    assert_int_equal(eco_cancel_ask(t, "bob", idle), AY_E_UNAUTHORIZED);
    assert_int_equal(eco_cancel_ask(t, "bob", 99), AY_E_NOT_FOUND);
    assert_int_equal(eco_cancel_ask(t, "alice", idle), AY_OK);
    assert_int_equal(eco_cancel_ask(t, "alice", idle), AY_E_NOT_FOUND);
    assert_int_equal(eco_cancel_ask(t, "bob", busy), AY_OK);
    assert_int_equal(eco_cancel_ask(t, "bob", busy), AY_E_STATE);
    assert_int_equal(locked(t, "bob", AY_STAKE_LOCK_ASK, busy), 0);
    assert_true(locked(t, "bob", AY_STAKE_LOCK_JOB, job) > 0);
    eco_block(t, 1000);
    eco_wait(t, 20000); /* never accepted */
    assert_int_equal(eco_job(t, job).state, AY_JOB_STATE_MISSED);
    struct ay_market_ask gone;
    assert_int_equal(ay_market_ask_get(ay_test_ctx(t), busy, &gone), AY_E_NOT_FOUND);
    assert_int_equal(locked(t, "bob", AY_STAKE_LOCK_JOB, job), 0);
}

static void test_clear_cheapest_ask_wins_at_its_price(void **state)
{
    struct ay_test *t = *state;
    eco_ask(t, "alice", program_id, 3000000, 1000000);
    uint64_t cheap = eco_ask(t, "bob", program_id, 2000000, 1000000);
    struct ay_job_msg_post_response post = eco_post(t, "carol", program_id, 3, 5000000);
    assert_int_equal(post.escrow_nasy, post.units * 5);
    uint64_t before = balance(t, "carol");
    eco_block(t, 1000);
    struct ay_job_job job = eco_job(t, post.job_id);
    struct ay_who bob = who("bob");
    assert_int_equal(job.state, AY_JOB_STATE_MATCHED);
    assert_memory_equal(job.provider, bob.address, AY_ADDRESS_BYTES);
    assert_int_equal(job.price_nasy, 2000000);
    assert_int_equal(job.fee_nasy, post.units * 2);
    assert_int_equal(balance(t, "carol"), before + post.units * 3);
    assert_int_equal(job.lock_nasy, ASY / 1000); /* L_min */
    assert_int_equal(locked(t, "bob", AY_STAKE_LOCK_JOB, job.id), ASY / 1000);
    assert_int_equal(ask_of(t, cheap).free_lock_nasy, 10 * ASY - ASY / 1000);

    struct ay_market_class class = {0};
    memcpy(class.program_id, program_id, AY_HASH_BYTES);
    assert_int_equal(ay_row_get(ay_test_ctx(t), &ay_market_class_msg, &class), AY_OK);
    assert_int_equal(class.price_nasy, 2000000);
    assert_int_equal(class.volume_units, post.units);
}

static void test_clear_lock_is_a_multiple_of_the_fee(void **state)
{
    struct ay_test *t = *state;
    eco_ask(t, "alice", program_id, ASY * 1000, 1000000);
    uint64_t id = eco_post(t, "carol", program_id, 3, ASY * 2000).job_id;
    eco_block(t, 1000);
    struct ay_job_job job = eco_job(t, id);
    assert_int_equal(job.state, AY_JOB_STATE_MATCHED);
    assert_int_equal(job.lock_nasy, 10 * job.fee_nasy);
}

static void test_clear_unfit_asks_are_passed_over(void **state)
{
    struct ay_test *t = *state;
    assert_int_equal(eco_bond(t, "carol", 100 * ASY), AY_OK);
    uint64_t id = eco_post(t, "carol", program_id, 8, 5000).job_id;
    uint64_t units = eco_job(t, id).units;
    eco_ask(t, "carol", program_id, 1, 1000000); /* its own */
    eco_ask(t, "alice", program_id, 5001, 1000000); /* too dear */
    eco_ask(t, "bob", program_id, 1, units - 1); /* too small */
    struct ay_who alice = who("alice");
    struct ay_market_msg_ask tier = eco_ask_msg(&alice, program_id, 1, 1000000);
    tier.tier = 1; /* another class */
    assert_int_equal(ay_test_run(t, &ay_market_msg_ask_msg, &tier, NULL), AY_OK);
    eco_block(t, 1000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_POSTED);
    eco_ask(t, "bob", program_id, 1, units);
    eco_block(t, 1000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_MATCHED);
}

static void test_clear_operator_below_the_tier_is_passed_over(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice"), carol = who("carol");
    struct ay_market_msg_ask ask = eco_ask_msg(&alice, program_id, 1, 1000000);
    uint32_t length = 3;
    struct ay_job_msg_post post = eco_post_msg(&carol, program_id, &length, 1, 10);
    struct ay_job_msg_post_response answer;
    ask.tier = post.tier = 2;
    assert_int_equal(ay_test_run(t, &ay_market_msg_ask_msg, &ask, NULL), AY_OK);
    assert_int_equal(eco_unbond(t, "alice", 1), AY_OK);
    assert_int_equal(ay_test_run(t, &ay_job_msg_post_msg, &post, &answer), AY_OK);
    eco_block(t, 1000);
    assert_int_equal(eco_job(t, answer.job_id).state, AY_JOB_STATE_POSTED);
    assert_int_equal(eco_bond(t, "alice", 1), AY_OK);
    eco_block(t, 1000);
    assert_int_equal(eco_job(t, answer.job_id).state, AY_JOB_STATE_MATCHED);
}

static void test_clear_bid_without_a_match_expires_and_is_refunded(void **state)
{
    struct ay_test *t = *state;
    uint64_t before = balance(t, "carol");
    uint64_t id = eco_post(t, "carol", program_id, 3, 5000).job_id;
    for (int i = 0; i < 100; i++) eco_block(t, 1);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_POSTED);
    assert_true(balance(t, "carol") < before);
    eco_block(t, 1);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_EXPIRED);
    assert_int_equal(balance(t, "carol"), before);
}

/* More bids than one block takes: all are served, the dearest first. */
static void test_clear_more_bids_than_a_block_takes_rest_follows(void **state)
{
    struct ay_test *t = *state;
    enum { JOBS = AY_MAX_MARKET_BIDS + 10 };
    uint64_t ids[JOBS];
    eco_ask(t, "alice", program_id, 1, UINT64_C(1) << 40);
    for (uint32_t i = 0; i < JOBS; i++) ids[i] = eco_post(t, "carol", program_id, 1, 1 + i).job_id;
    eco_block(t, 1000);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(eco_job(t, ids[i]).state,
                         i < 10 ? AY_JOB_STATE_POSTED : AY_JOB_STATE_MATCHED);
    eco_block(t, 0);
    for (int i = 0; i < 10; i++) assert_int_equal(eco_job(t, ids[i]).state, AY_JOB_STATE_MATCHED);
}

/* More classes than one block clears, every one with a bid that never matches: a class at the end
 * of the list still has its turn. */
static void test_clear_every_class_has_its_turn(void **state)
{
    struct ay_test *t = *state;
    enum { CLASSES = 2 * AY_MAX_MARKET_CLASSES + 3 };
    uint8_t ids[CLASSES][AY_HASH_BYTES];
    uint64_t jobs[CLASSES];
    for (uint32_t i = 0; i < CLASSES; i++) {
        eco_register(t, "author", 1000 + i, ids[i]);
        jobs[i] = eco_post(t, "carol", ids[i], 1, 1).job_id;
    }
    eco_block(t, 1000);
    assert_int_equal(eco_bond(t, "alice", 9000 * ASY), AY_OK);
    for (uint32_t i = 0; i < CLASSES; i++)
        eco_ask(t, i % 2 ? "alice" : "bob", ids[i], 1, 1000000);
    for (int block = 0; block < 3; block++) eco_block(t, block ? 1 : 0);
    for (uint32_t i = 0; i < CLASSES; i++)
        assert_int_equal(eco_job(t, jobs[i]).state, AY_JOB_STATE_MATCHED);
}

static void test_queries_show_asks_and_classes(void **state)
{
    struct ay_test *t = *state;
    uint64_t dear = eco_ask(t, "alice", program_id, 200, 1000);
    uint64_t cheap = eco_ask(t, "bob", program_id, 100, 1000);
    struct ay_ctx *ctx = ay_test_ctx(t);
    struct ay_market_query_asks_request of = {0};
    struct ay_market_query_asks_response asks = {0};
    memcpy(of.program_id, program_id, AY_HASH_BYTES);
    assert_int_equal(ay_market_queries[1].run(ctx, &of, &asks), AY_OK);
    assert_int_equal(asks.asks_count, 2);
    assert_int_equal(asks.asks[0].id, cheap);
    assert_int_equal(asks.asks[1].id, dear);
    struct ay_market_query_ask_request one = {dear};
    struct ay_market_ask ask = {0};
    assert_int_equal(ay_market_queries[0].run(ctx, &one, &ask), AY_OK);
    assert_int_equal(ask.price_nasy, 200);
    struct ay_market_query_class_request which = {0};
    struct ay_market_class class = {0};
    assert_int_equal(ay_market_queries[2].run(ctx, &which, &class), AY_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ask_reserves_its_lock),
        TEST(test_ask_refusals_name_their_code),
        TEST(test_cancel_ask_frees_what_is_free_and_waits_for_its_jobs),
        TEST(test_clear_cheapest_ask_wins_at_its_price),
        TEST(test_clear_lock_is_a_multiple_of_the_fee),
        TEST(test_clear_unfit_asks_are_passed_over),
        TEST(test_clear_operator_below_the_tier_is_passed_over),
        TEST(test_clear_bid_without_a_match_expires_and_is_refunded),
        TEST(test_clear_more_bids_than_a_block_takes_rest_follows),
        TEST(test_clear_every_class_has_its_turn),
        TEST(test_queries_show_asks_and_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
