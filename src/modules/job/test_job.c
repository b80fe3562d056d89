#include "modules/job/verbs.h"
#include "modules/test_economy.h"
#include "verify/claim.h"

/* A fee that shows every rounding: units of 3 tokens at this price are 10^6 times as many nasy. */
#define PRICE (UINT64_C(1000000) * 1000000)

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

/* A job of Carol's, matched to Alice, in the state wanted. */
static uint64_t job_in(struct ay_test *t, enum ay_job_state state)
{
    eco_ask(t, "alice", program_id, PRICE, 1000000);
    uint64_t id = eco_post(t, "carol", program_id, 3, 2 * PRICE).job_id;
    if (state == AY_JOB_STATE_POSTED) return id;
    eco_block(t, 1000);
    if (state == AY_JOB_STATE_MATCHED) return id;
    assert_int_equal(eco_accept(t, "alice", id), AY_OK);
    if (state == AY_JOB_STATE_ACCEPTED) return id;
    assert_int_equal(eco_claim(t, "alice", id), AY_OK);
    return id;
}

static struct ay_stake_operator alice_bond(struct ay_test *t)
{
    struct ay_who alice = who("alice");
    struct ay_stake_operator row = {0};
    memcpy(row.address, alice.address, AY_ADDRESS_BYTES);
    assert_int_equal(ay_row_get(ay_test_ctx(t), &ay_stake_operator_msg, &row), AY_OK);
    return row;
}

static uint64_t burned(struct ay_test *t)
{
    struct ay_bank_supply supply = {.denom = ay_slice_str(AY_DENOM)};
    assert_int_equal(ay_row_get(ay_test_ctx(t), &ay_bank_supply_msg, &supply), AY_OK);
    return supply.burned;
}

static void test_post_escrow_and_request_hash_are_those_of_the_rules(void **state)
{
    struct ay_test *t = *state;
    uint64_t before = balance(t, "carol");
    struct ay_who carol = who("carol");
    const uint32_t lengths[] = {3, 64, 3, 1};
    struct ay_job_msg_post msg = eco_post_msg(&carol, program_id, lengths, 4, 1500001);
    struct ay_job_msg_post_response answer;
    assert_int_equal(ay_test_run(t, &ay_job_msg_post_msg, &msg, &answer), AY_OK);

    struct ay_work_program program;
    uint64_t units = 0;
    assert_int_equal(ay_work_program(ay_test_ctx(t), program_id, &program), AY_OK);
    for (int i = 0; i < 4; i++) {
        uint64_t run;
        assert_int_equal(ay_program_units(&program, &lengths[i], &run), AY_OK);
        units += run;
    }
    assert_int_equal(answer.units, units);
    assert_int_equal(answer.escrow_nasy, (units * 1500001 + 999999) / 1000000);
    assert_int_equal(balance(t, "carol"), before - answer.escrow_nasy);

    struct ay_job_job job = eco_job(t, answer.job_id);
    assert_int_equal(job.n_in, 71);
    struct ay_job_request request = {.runs = 4, .n_in = 71};
    memcpy(request.genesis_hash, ay_test_ctx(t)->genesis_hash, 32);
    memcpy(request.consumer, carol.address, 20);
    memcpy(request.program_id, program_id, 32);
    uint8_t hash[32];
    ay_request_hash(&request, hash);
    assert_memory_equal(job.request_hash, hash, 32);
    assert_true(ay_job_waits(ay_test_ctx(t)));
    eco_block(t, 1000);
}

static void test_post_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    struct ay_who carol = who("carol"), nobody = who("nobody");
    const uint32_t good_length[] = {3}, zero[] = {0}, longer[] = {3, AY_ECO_LENGTH_MAX + 1};
    const struct ay_job_msg_post good = eco_post_msg(&carol, program_id, good_length, 1, 1000);
    struct {
        struct ay_job_msg_post msg;
        enum ay_code code;
    } cases[] = {
        {good, AY_E_REQUEST}, {good, AY_E_REQUEST}, {good, AY_E_MARKET_CLASS}, {good, AY_E_MARKET_CLASS},
        {good, AY_E_RANGE},   {good, AY_E_RANGE},   {good, AY_E_FUNDS},        {good, AY_E_OVERFLOW},
    };
    cases[0].msg.lengths_count = 0;
    cases[1].msg.max_price_nasy = 0;
    cases[2].msg.program_id[3] ^= 1;
    cases[3].msg.tier = 4;
    cases[4].msg.lengths = zero;
    cases[5].msg.lengths = longer, cases[5].msg.lengths_count = 2;
    cases[6].msg.consumer = ay_slice_str(nobody.text);
    cases[7].msg.max_price_nasy = UINT64_MAX;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum ay_code code = ay_test_run(t, &ay_job_msg_post_msg, &cases[i].msg, NULL);
        if (code == AY_E_FUNDS && cases[i].code == AY_E_OVERFLOW) continue; /* either is right */
        assert_int_equal(code, cases[i].code);
    }
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS);
    eco_block(t, 1000);
}

static void test_cancel_posted_job_gives_all_back(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = eco_post(t, "carol", program_id, 3, 1000).job_id;
    assert_int_equal(eco_cancel(t, "dave", id), AY_E_JOB_PARTY);
    assert_int_equal(eco_cancel(t, "carol", 77), AY_E_NOT_FOUND);
    assert_int_equal(eco_cancel(t, "carol", id), AY_OK);
    assert_int_equal(eco_cancel(t, "carol", id), AY_E_JOB_STATE);
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS);
    assert_false(ay_job_waits(ay_test_ctx(t)));
    eco_block(t, 1000);
}

static void test_accept_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_POSTED);
    assert_int_equal(eco_accept(t, "alice", id), AY_E_JOB_STATE);
    eco_block(t, 1000);
    assert_int_equal(eco_cancel(t, "carol", id), AY_E_JOB_STATE);
    assert_int_equal(eco_accept(t, "bob", id), AY_E_JOB_PARTY);
    assert_int_equal(eco_accept(t, "alice", 99), AY_E_NOT_FOUND);
    ay_test_ctx(t)->now_ms = eco_job(t, id).deadline_ms;
    assert_int_equal(eco_accept(t, "alice", id), AY_E_JOB_DEADLINE);
    ay_test_ctx(t)->now_ms--;
    assert_int_equal(eco_accept(t, "alice", id), AY_OK);
    assert_int_equal(eco_accept(t, "alice", id), AY_E_JOB_STATE);
}

static void test_claim_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_MATCHED);
    struct ay_who alice = who("alice"), bob = who("bob");
    const struct ay_job_msg_claim good = eco_claim_msg(t, &alice, id);
    assert_int_equal(ay_test_run(t, &ay_job_msg_claim_msg, &good, NULL), AY_E_JOB_STATE);
    assert_int_equal(eco_accept(t, "alice", id), AY_OK);
    struct {
        struct ay_job_msg_claim msg;
        enum ay_code code;
    } cases[] = {{good, AY_E_JOB_PARTY}, {good, AY_E_HASH},  {good, AY_E_RANGE},
                 {good, AY_E_RANGE},     {good, AY_E_RANGE}, {good, AY_E_NOT_FOUND}};
    cases[0].msg.provider = ay_slice_str(bob.text);
    cases[1].msg.request_hash[31] ^= 1;
    cases[2].msg.n_in++;
    cases[3].msg.n_out++;
    cases[4].msg.stop_reason = 2;
    cases[5].msg.job_id = 99;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ay_test_run(t, &ay_job_msg_claim_msg, &cases[i].msg, NULL), cases[i].code);
    ay_test_ctx(t)->now_ms = eco_job(t, id).deadline_ms;
    assert_int_equal(ay_test_run(t, &ay_job_msg_claim_msg, &good, NULL), AY_E_JOB_DEADLINE);
}

static void test_claim_hash_names_the_claim(void **state)
{
    struct ay_test *t = *state;
    struct ay_job_job job = eco_job(t, job_in(t, AY_JOB_STATE_CLAIMED));
    struct ay_job_claim claim = {.n_in = 3, .n_out = 1, .stop_reason = 1, .output_root = {9}};
    memcpy(claim.program_id, program_id, 32);
    memcpy(claim.request_hash, job.request_hash, 32);
    uint8_t hash[32];
    ay_claim_hash(&claim, hash);
    assert_memory_equal(job.claim_hash, hash, 32);
    assert_int_equal(job.deadline_ms, ay_test_ctx(t)->now_ms + 20000);
}

static void test_paid_job_splits_its_fee_by_the_rules(void **state)
{
    struct ay_test *t = *state;
    uint64_t burned_before = burned(t), alice_before = balance(t, "alice");
    uint64_t id = job_in(t, AY_JOB_STATE_CLAIMED);
    eco_wait(t, 19000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_CLAIMED);
    eco_wait(t, 1000);
    struct ay_job_job job = eco_job(t, id);
    assert_int_equal(job.state, AY_JOB_STATE_PAID);
    uint64_t fee = job.fee_nasy, royalty = fee * 500 / 10000, protocol = fee * 100 / 10000;
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS - fee);
    assert_int_equal(balance(t, "alice"), alice_before + fee - royalty - protocol);
    assert_int_equal(burned(t), burned_before + protocol);
    struct ay_work_work work;
    assert_int_equal(ay_work_get(ay_test_ctx(t), program_id, &work), AY_OK);
    assert_int_equal(work.earned_nasy, royalty);
    assert_int_equal(alice_bond(t).locked_nasy, 10 * ASY); /* the ask's again */
    assert_false(ay_job_waits(ay_test_ctx(t)));
}

static void test_missed_job_both_sides_pay_the_small_fee(void **state)
{
    struct ay_test *t = *state;
    uint64_t burned_before = burned(t);
    uint64_t id = job_in(t, AY_JOB_STATE_MATCHED);
    eco_wait(t, 10000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_MISSED);
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS - 10000);
    assert_int_equal(alice_bond(t).bond_nasy, 1000 * ASY - 10000);
    assert_int_equal(alice_bond(t).locked_nasy, 10 * ASY - 10000);
    assert_int_equal(burned(t), burned_before + 20000);
}

static void test_late_job_consumer_is_whole_and_provider_penalised(void **state)
{
    struct ay_test *t = *state;
    uint64_t burned_before = burned(t);
    uint64_t id = job_in(t, AY_JOB_STATE_ACCEPTED);
    uint64_t fee = eco_job(t, id).fee_nasy;
    eco_wait(t, 62000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_LATE);
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS);
    assert_int_equal(alice_bond(t).bond_nasy, 1000 * ASY - fee / 10);
    assert_int_equal(burned(t), burned_before + fee / 10);
}

static void test_fork_window_stands_still_until_the_last_closes(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_CLAIMED);
    eco_wait(t, 15000);
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_OK);
    eco_wait(t, 60000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_CLAIMED);
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_OK);
    assert_int_equal(ay_job_fork_close(ay_test_ctx(t), id), AY_OK);
    eco_wait(t, 60000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_CLAIMED);
    assert_int_equal(ay_job_fork_close(ay_test_ctx(t), id), AY_OK);
    assert_int_equal(ay_job_fork_close(ay_test_ctx(t), id), AY_E_JOB_STATE);
    eco_wait(t, 4000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_CLAIMED);
    eco_wait(t, 1000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_PAID);
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_E_DISPUTE_WINDOW);
}

static void test_fork_outside_the_window_is_refused(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_ACCEPTED);
    uint64_t slashed;
    struct ay_who dave = who("dave");
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_E_DISPUTE_WINDOW);
    assert_int_equal(ay_job_slash(ay_test_ctx(t), id, dave.address, &slashed), AY_E_JOB_STATE);
    assert_int_equal(eco_claim(t, "alice", id), AY_OK);
    ay_test_ctx(t)->now_ms = eco_job(t, id).deadline_ms;
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_E_DISPUTE_WINDOW);
}

static void test_demand_open_job_is_not_paid_before_its_time(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_CLAIMED), end = eco_job(t, id).deadline_ms;
    assert_int_equal(ay_job_demand_open(ay_test_ctx(t), id, end - 1), AY_OK);
    assert_int_equal(eco_job(t, id).deadline_ms, end);
    assert_int_equal(ay_job_demand_open(ay_test_ctx(t), id, end + 7000), AY_OK);
    assert_int_equal(eco_job(t, id).deadline_ms, end + 7000);
    assert_int_equal(ay_job_demand_close(ay_test_ctx(t), id), AY_OK);
    eco_wait(t, 60000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_CLAIMED);
    assert_int_equal(ay_job_demand_close(ay_test_ctx(t), id), AY_OK);
    assert_int_equal(ay_job_demand_close(ay_test_ctx(t), id), AY_E_JOB_STATE);
    eco_block(t, 1000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_PAID);
}

static void test_demand_outside_its_time_is_refused(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_ACCEPTED);
    struct ay_ctx *ctx = ay_test_ctx(t);
    assert_int_equal(ay_job_demand_open(ctx, id, ctx->now_ms + 1), AY_E_DISPUTE_WINDOW);
    assert_int_equal(eco_claim(t, "alice", id), AY_OK);
    uint64_t by = eco_job(t, id).demand_by_ms;
    assert_int_equal(by, eco_job(t, id).deadline_ms);
    assert_int_equal(ay_job_demand_open(ctx, id, by + 1), AY_OK);
    ctx->now_ms = by;
    assert_int_equal(ay_job_demand_open(ctx, id, by + 1), AY_E_DISPUTE_WINDOW);
}

static void test_demand_while_frozen_leaves_time_when_the_fork_closes(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_CLAIMED);
    eco_wait(t, 15000);
    struct ay_ctx *ctx = ay_test_ctx(t);
    assert_int_equal(ay_job_fork_open(ctx, id), AY_OK);
    assert_int_equal(eco_job(t, id).window_left_ms, 5000);
    assert_int_equal(ay_job_demand_open(ctx, id, ctx->now_ms + 6000), AY_OK);
    assert_int_equal(ay_job_demand_open(ctx, id, ctx->now_ms + 5500), AY_OK);
    assert_int_equal(eco_job(t, id).window_left_ms, 6000);
    assert_int_equal(ay_job_fork_close(ctx, id), AY_OK);
    assert_int_equal(eco_job(t, id).deadline_ms, ctx->now_ms + 6000);
}

static void test_slash_consumer_is_refunded_and_the_lock_handed_over(void **state)
{
    struct ay_test *t = *state;
    uint64_t id = job_in(t, AY_JOB_STATE_CLAIMED), slashed, before = balance(t, "dave");
    uint64_t lock = eco_job(t, id).lock_nasy;
    struct ay_who dave = who("dave");
    assert_int_equal(ay_job_fork_open(ay_test_ctx(t), id), AY_OK);
    assert_int_equal(ay_job_slash(ay_test_ctx(t), id, dave.address, &slashed), AY_OK);
    assert_int_equal(slashed, lock);
    assert_int_equal(balance(t, "dave"), before + lock);
    assert_int_equal(balance(t, "carol"), AY_TEST_COINS);
    assert_int_equal(alice_bond(t).bond_nasy, 1000 * ASY - lock);
    assert_int_equal(alice_bond(t).slashed_nasy, lock);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_SLASHED);
    assert_int_equal(ay_job_slash(ay_test_ctx(t), id, dave.address, &slashed), AY_E_JOB_STATE);
    eco_block(t, 1000);
    eco_wait(t, 30000);
    assert_int_equal(eco_job(t, id).state, AY_JOB_STATE_SLASHED);
}

static int count(struct ay_test *t, const uint64_t *ids, int n, enum ay_job_state state)
{
    int found = 0;
    for (int i = 0; i < n; i++) found += eco_job(t, ids[i]).state == state;
    return found;
}

static void test_timeouts_more_than_a_block_takes_rest_follows(void **state)
{
    struct ay_test *t = *state;
    enum { JOBS = AY_MAX_JOB_TIMEOUTS + 5 };
    uint64_t ids[JOBS];
    eco_ask(t, "alice", program_id, 1, UINT64_C(1) << 40);
    for (int i = 0; i < JOBS; i++) {
        ids[i] = eco_post(t, "carol", program_id, 1, 5).job_id;
        if (i == JOBS / 2) eco_block(t, 0);
    }
    eco_block(t, 0);
    eco_block(t, 5000);
    eco_block(t, 5000);
    assert_int_equal(count(t, ids, JOBS, AY_JOB_STATE_MISSED), AY_MAX_JOB_TIMEOUTS);
    eco_block(t, 0);
    assert_int_equal(count(t, ids, JOBS, AY_JOB_STATE_MISSED), JOBS);
}

static void test_queries_filter_by_party_state_and_id(void **state)
{
    struct ay_test *t = *state;
    uint64_t first = job_in(t, AY_JOB_STATE_MATCHED);
    uint64_t second = eco_post(t, "dave", program_id, 3, 1).job_id;
    uint64_t third = eco_post(t, "carol", program_id, 3, 1).job_id;
    struct ay_who alice = who("alice"), carol = who("carol");
    const struct {
        struct ay_job_query_jobs_request query;
        uint32_t count;
        uint64_t first;
    } cases[] = {
        {{.from_id = 0}, 3, first},
        {{.from_id = second}, 2, second},
        {{.provider = ay_slice_str(alice.text)}, 1, first},
        {{.provider = ay_slice_str(alice.text), .from_id = second}, 0, 0},
        {{.consumer = ay_slice_str(carol.text)}, 2, first},
        {{.consumer = ay_slice_str(carol.text), .from_id = second}, 1, third},
        {{.state = AY_JOB_STATE_POSTED}, 2, second},
        {{.consumer = ay_slice_str(carol.text), .state = AY_JOB_STATE_POSTED}, 1, third},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_job_query_jobs_response out = {0};
        assert_int_equal(ay_job_queries[1].run(ay_test_ctx(t), &cases[i].query, &out), AY_OK);
        assert_int_equal(out.jobs_count, cases[i].count);
        if (out.jobs_count) assert_int_equal(out.jobs[0].id, cases[i].first);
    }
    struct ay_job_query_jobs_request bad = {.provider = ay_slice_str("assay1")};
    struct ay_job_query_jobs_response out = {0};
    assert_int_equal(ay_job_queries[1].run(ay_test_ctx(t), &bad, &out), AY_E_ADDRESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_post_escrow_and_request_hash_are_those_of_the_rules),
        TEST(test_post_refusals_name_their_code),
        TEST(test_cancel_posted_job_gives_all_back),
        TEST(test_accept_refusals_name_their_code),
        TEST(test_claim_refusals_name_their_code),
        TEST(test_claim_hash_names_the_claim),
        TEST(test_paid_job_splits_its_fee_by_the_rules),
        TEST(test_missed_job_both_sides_pay_the_small_fee),
        TEST(test_late_job_consumer_is_whole_and_provider_penalised),
        TEST(test_fork_window_stands_still_until_the_last_closes),
        TEST(test_fork_outside_the_window_is_refused),
        TEST(test_demand_open_job_is_not_paid_before_its_time),
        TEST(test_demand_outside_its_time_is_refused),
        TEST(test_demand_while_frozen_leaves_time_when_the_fork_closes),
        TEST(test_slash_consumer_is_refunded_and_the_lock_handed_over),
        TEST(test_timeouts_more_than_a_block_takes_rest_follows),
        TEST(test_queries_filter_by_party_state_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
