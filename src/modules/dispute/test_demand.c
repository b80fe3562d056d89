/* Demands: who may demand what and when, what answers it, whose the deposit is, and what silence
 * costs. */
#include "modules/dispute/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define A AY_SEAT_A
#define B AY_SEAT_B
#define P AY_SEAT_PROVIDER
#define C AY_SEAT_CONSUMER

#define ROOTS  AY_DISPUTE_WHAT_ROOTS
#define OUTPUT AY_DISPUTE_WHAT_OUTPUT
#define LENGTH 190u /* the zoo's output is of two pieces */

/* One root, or all roots of a job of one run: 32 bytes count as 2 KiB with its proofs. */
#define ROOTS_DEPOSIT (AY_STAGE_SUPPLY_FEE + 2 * AY_STAGE_SUPPLY_KIB_FEE)
#define ROOTS_MS      (AY_STAGE_TURN_MS + 2 * AY_STAGE_SUPPLY_KIB_MS)

#define ok(code) assert_int_equal(code, AY_OK)

static void start(struct ay_stage *s, bool lie)
{
    ay_stage_new(s, ay_sketch_zoo, LENGTH, AY_ZOO_OPS - 1, 1, lie);
}

static struct ay_job_job job_of(struct ay_stage *s)
{
    struct ay_job_job job;
    ok(ay_job_get(ay_test_ctx(s->test), s->job_id, &job));
    return job;
}

static struct ay_dispute_demand demand_of(struct ay_stage *s, enum ay_dispute_what what,
                                          uint32_t part)
{
    struct ay_dispute_demand row = {.job_id = s->job_id, .what = what, .part = part};
    ok(ay_row_get(ay_test_ctx(s->test), &ay_dispute_demand_msg, &row));
    return row;
}

static void block(struct ay_stage *s, uint64_t ms)
{
    enum ay_code code = ay_test_block(s->test, 0);
    if (code == AY_OK && ms > 0) code = ay_test_block(s->test, ms);
    if (code != AY_OK) fail_msg("%s", s->test->ledger.ctx.reason);
}

/* Ends the open block and begins one at that time. */
static void begin_at(struct ay_stage *s, uint64_t at_ms)
{
    block(s, 0);
    ay_test_begin(s->test, at_ms - s->test->time_ms);
}

/* Until the case is over. */
static void finish(struct ay_stage *s)
{
    for (uint32_t i = 0; i < 8 && ay_dispute_waits(ay_test_ctx(s->test)); i++)
        block(s, AY_STAGE_WINDOW_MS);
    struct ay_dispute_case row;
    struct ay_dispute_demand demand = {0};
    struct ay_dispute_supply supply = {0};
    struct ay_row_walk walk;
    struct ay_ctx *ctx = ay_test_ctx(s->test);
    ok(ay_dispute_case_get(ctx, s->job_id, &row));
    assert_int_equal(row.stage, AY_DISPUTE_STAGE_OVER);
    ok(ay_row_walk_begin(&walk, &ay_dispute_demand_msg, 0, &demand, 0));
    assert_int_equal(ay_row_walk_next(ctx, &walk, &demand), AY_E_NOT_FOUND);
    ok(ay_row_walk_begin(&walk, &ay_dispute_supply_msg, 0, &supply, 0));
    assert_int_equal(ay_row_walk_next(ctx, &walk, &supply), AY_E_NOT_FOUND);
}

static void test_demand_supplied_in_time_pays_the_provider(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    struct ay_job_job job = job_of(&s);
    uint64_t before_p = ay_stage_wealth(&s, P), before_a = ay_stage_wealth(&s, A);
    uint64_t before_c = ay_stage_wealth(&s, C), outputs = 0;
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    ok(ay_stage_demand(&s, C, OUTPUT, 1));
    for (uint32_t part = 0; part < 2; part++) outputs += demand_of(&s, OUTPUT, part).deposit_nasy;
    assert_int_equal(demand_of(&s, ROOTS, 0).deposit_nasy, ROOTS_DEPOSIT);
    assert_int_equal(demand_of(&s, OUTPUT, 0).deposit_nasy,
                     AY_STAGE_SUPPLY_FEE + 129 * AY_STAGE_SUPPLY_KIB_FEE);
    assert_int_equal(ay_stage_wealth(&s, A), before_a - ROOTS_DEPOSIT);
    block(&s, 0);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    ok(ay_stage_supply(&s, P, OUTPUT, 1, s.truth));
    ok(ay_stage_supply(&s, P, OUTPUT, 0, s.truth));
    block(&s, 0);
    assert_int_equal(demand_of(&s, ROOTS, 0).state, AY_DISPUTE_DEMAND_STATE_SUPPLIED);
    finish(&s);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_PAID);
    uint64_t earned = job.fee_nasy - job.fee_nasy / 100;
    assert_int_equal(ay_stage_wealth(&s, P), before_p + earned + ROOTS_DEPOSIT + outputs);
    assert_int_equal(ay_stage_wealth(&s, A), before_a - ROOTS_DEPOSIT);
    assert_int_equal(ay_stage_wealth(&s, C), before_c - outputs);
    ay_stage_free(&s);
}

static void test_demand_met_with_silence_is_proved(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    struct ay_job_job job = job_of(&s);
    uint64_t before[AY_SEATS];
    for (uint32_t i = 0; i < AY_SEATS; i++) before[i] = ay_stage_wealth(&s, i);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    block(&s, ROOTS_MS);
    assert_int_equal(demand_of(&s, ROOTS, 0).state, AY_DISPUTE_DEMAND_STATE_OPEN);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_CLAIMED);
    block(&s, 1);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_SLASHED);
    finish(&s);
    assert_int_equal(ay_stage_wealth(&s, P), before[P] - job.lock_nasy);
    assert_int_equal(ay_stage_wealth(&s, A), before[A] + job.lock_nasy / 4);
    assert_int_equal(ay_stage_wealth(&s, C), before[C] + job.fee_nasy);
    ay_stage_free(&s);
}

/* A posted piece of a wrong claim earns nothing: the deposit goes back with the verdict. */
static void test_demand_of_a_lie_lets_a_dispute_find_it(void **state)
{
    (void)state;
    struct ay_stage s;
    uint64_t id;
    struct ay_dispute_fork fork = {0};
    start(&s, true);
    struct ay_job_job job = job_of(&s);
    uint64_t before_p = ay_stage_wealth(&s, P), before_a = ay_stage_wealth(&s, A);
    uint64_t before_b = ay_stage_wealth(&s, B);
    ok(ay_stage_demand(&s, B, ROOTS, 0));
    block(&s, 0);
    assert_int_equal(ay_stage_supply(&s, P, ROOTS, 0, s.truth), AY_E_DISPUTE_EVIDENCE);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.lie));
    block(&s, 0);
    ok(ay_stage_commit(&s, A, s.bond_nasy));
    block(&s, 0);
    ok(ay_stage_open(&s, A, &id));
    block(&s, 0);
    for (fork.id = id;; block(&s, 1)) {
        ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_fork_msg, &fork));
        if (fork.settled != AY_FORK_OPEN) break;
        ok(ay_stage_move(&s, A, id, s.lie, s.truth));
    }
    finish(&s);
    assert_int_equal(fork.game.state, AY_DISPUTE_STATE_PROVED);
    assert_int_equal(ay_stage_wealth(&s, P), before_p - job.lock_nasy);
    assert_int_equal(ay_stage_wealth(&s, A), before_a + job.lock_nasy / 4);
    assert_int_equal(ay_stage_wealth(&s, B), before_b);
    ay_stage_free(&s);
}

/* Who had a dispute open when the provider fell silent elsewhere gets bond and fees back. */
static void test_demand_silence_gives_open_forks_back(void **state)
{
    (void)state;
    struct ay_stage s;
    uint64_t id;
    start(&s, true);
    struct ay_job_job job = job_of(&s);
    uint64_t before_a = ay_stage_wealth(&s, A), before_b = ay_stage_wealth(&s, B);
    ok(ay_stage_commit(&s, B, s.bond_nasy));
    block(&s, 0);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    ok(ay_stage_open(&s, B, &id));
    block(&s, 0);
    ok(ay_stage_move(&s, B, id, s.lie, s.truth));
    block(&s, ROOTS_MS + 1);
    finish(&s);
    struct ay_dispute_fork fork = {.id = id};
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_fork_msg, &fork));
    assert_int_equal(fork.game.state, AY_DISPUTE_STATE_CLOSED);
    assert_int_equal(ay_stage_wealth(&s, B), before_b + fork.fees_nasy);
    assert_int_equal(ay_stage_wealth(&s, A), before_a + job.lock_nasy / 4 - fork.fees_nasy);
    ay_stage_free(&s);
}

static void test_demand_refusals_name_their_code(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    const struct ay_dispute_msg_demand roots = {
        .demander = ay_slice_str(s.text[A]), .job_id = s.job_id, .what = ROOTS};
    struct {
        struct ay_dispute_msg_demand msg;
        enum ay_code code;
    } cases[] = {
        {roots, AY_E_REQUEST},          {roots, AY_E_REQUEST},
        {roots, AY_E_REQUEST},          {roots, AY_E_RANGE},
        {roots, AY_E_NOT_FOUND},        {roots, AY_E_UNAUTHORIZED},
        {roots, AY_E_DISPUTE_EVIDENCE}, {roots, AY_E_RANGE},
    };
    cases[0].msg.what = AY_DISPUTE_WHAT_NONE;
    cases[1].msg.run = 1;
    cases[2].msg.input_merkle_root[31] = 1;
    cases[3].msg.part = 1;
    cases[4].msg.job_id = 99;
    cases[5].msg.what = OUTPUT;
    cases[6].msg.demander = ay_slice_str(s.text[C]);
    cases[6].msg.what = OUTPUT, cases[6].msg.length = LENGTH;
    cases[7].msg = cases[6].msg, cases[7].msg.run = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ay_test_run(s.test, &ay_dispute_msg_demand_msg, &cases[i].msg, NULL),
                         cases[i].code);
    assert_int_equal(ay_stage_demand(&s, A, OUTPUT, 0), AY_E_UNAUTHORIZED);
    assert_int_equal(ay_stage_demand(&s, C, OUTPUT, 2), AY_E_RANGE);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    assert_int_equal(ay_stage_demand(&s, A, ROOTS, 0), AY_E_EXISTS);
    assert_int_equal(ay_stage_demand(&s, B, ROOTS, 0), AY_E_EXISTS);
    block(&s, 0);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    assert_int_equal(ay_stage_demand(&s, B, ROOTS, 0), AY_E_EXISTS);
    ay_stage_free(&s);
}

static void test_supply_refusals_change_nothing(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    assert_int_equal(ay_stage_supply(&s, P, ROOTS, 0, s.truth), AY_E_NOT_FOUND);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    ok(ay_stage_demand(&s, C, OUTPUT, 1));
    block(&s, 0);
    assert_int_equal(ay_stage_supply(&s, A, ROOTS, 0, s.truth), AY_E_UNAUTHORIZED);
    assert_int_equal(ay_stage_supply(&s, P, ROOTS, 0, s.lie), AY_E_DISPUTE_EVIDENCE);
    assert_int_equal(ay_stage_supply(&s, P, OUTPUT, 1, s.lie), AY_E_DISPUTE_EVIDENCE);
    assert_int_equal(ay_stage_supply(&s, P, OUTPUT, 0, s.truth), AY_E_NOT_FOUND);
    assert_int_equal(job_of(&s).open_demands, 2);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    assert_int_equal(ay_stage_supply(&s, P, ROOTS, 0, s.truth), AY_E_DISPUTE_MOVE);
    assert_int_equal(job_of(&s).open_demands, 1);
    begin_at(&s, demand_of(&s, OUTPUT, 1).deadline_ms + 1);
    assert_int_equal(ay_stage_supply(&s, P, OUTPUT, 1, s.truth), AY_E_DISPUTE_MOVE);
    block(&s, 0);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_SLASHED);
    assert_int_equal(ay_stage_supply(&s, P, OUTPUT, 1, s.truth), AY_E_DISPUTE_MOVE);
    assert_int_equal(ay_stage_demand(&s, C, OUTPUT, 0), AY_E_DISPUTE_WINDOW);
    ay_stage_free(&s);
}

/* The answer at the last moment leaves two turns to dispute it; and that is all a job can be
 * stretched, however many demands there are. */
static void test_demand_at_the_last_moment_stretches_the_window_once(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    struct ay_job_job job = job_of(&s);
    assert_int_equal(job.demand_by_ms, job.deadline_ms);
    begin_at(&s, job.demand_by_ms - 1);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    uint64_t due = demand_of(&s, ROOTS, 0).deadline_ms;
    assert_int_equal(due, job.demand_by_ms - 1 + ROOTS_MS);
    assert_int_equal(job_of(&s).deadline_ms, due + 2 * (uint64_t)AY_STAGE_TURN_MS);
    block(&s, 1);
    assert_int_equal(ay_stage_demand(&s, C, OUTPUT, 0), AY_E_DISPUTE_WINDOW);
    block(&s, due - 1 - s.test->time_ms);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    block(&s, 2 * AY_STAGE_TURN_MS);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_CLAIMED);
    block(&s, 1);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_PAID);
    ay_stage_free(&s);
}

/* Early ones do not stretch it at all. */
static void test_demand_early_leaves_the_window_as_it_is(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    uint64_t end = job_of(&s).deadline_ms;
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    assert_int_equal(job_of(&s).deadline_ms, end);
    ay_stage_free(&s);
}

/* Where forks have stopped the window, there is time left when they close. */
static void test_demand_while_forks_are_open_counts_when_they_close(void **state)
{
    (void)state;
    struct ay_stage s;
    uint64_t id;
    start(&s, false);
    ok(ay_stage_commit(&s, A, s.bond_nasy));
    begin_at(&s, s.test->time_ms + AY_STAGE_TURN_MS);
    ok(ay_stage_open(&s, A, &id));
    block(&s, 0);
    uint64_t left = job_of(&s).window_left_ms;
    assert_int_equal(left, AY_STAGE_WINDOW_MS - AY_STAGE_TURN_MS);
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    uint64_t due = demand_of(&s, OUTPUT, 0).deadline_ms;
    assert_int_equal(job_of(&s).window_left_ms,
                     due + 2 * (uint64_t)AY_STAGE_TURN_MS - s.test->time_ms);
    assert_int_equal(job_of(&s).deadline_ms, 0);
    ay_stage_free(&s);
}

/* A block that comes after everything is overdue pays nobody before it has heard of the demand. */
static void test_demand_overdue_with_the_window_is_still_proved(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    block(&s, (uint64_t)100 * AY_STAGE_WINDOW_MS);
    assert_int_equal(job_of(&s).state, AY_JOB_STATE_SLASHED);
    ay_stage_free(&s);
}

static void test_demand_arithmetic_is_that_of_the_rules(void **state)
{
    (void)state;
    assert_int_equal(ay_piece_kib(1), 2);
    assert_int_equal(ay_piece_kib(1024), 2);
    assert_int_equal(ay_piece_kib(1025), 3);
    assert_int_equal(ay_piece_kib(AY_PIECE_BYTES), 129);
    assert_int_equal(ay_dispute_posted(100, 0, 3, 20), 160);
    assert_int_equal(ay_dispute_posted(100, 160, 3, 20), 220);
    assert_int_equal(ay_dispute_posted(100, 0, 2, UINT64_MAX / 2 + 1), INT64_MAX);
    assert_int_equal(ay_dispute_posted(INT64_MAX - 1, 0, 1, 5), INT64_MAX);
}

/* What is demanded of one provider is posted one after the other. */
static void test_demand_deadlines_are_queued_by_size(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    uint64_t first = demand_of(&s, OUTPUT, 0).deadline_ms;
    assert_int_equal(first, s.test->time_ms + AY_STAGE_TURN_MS + 129 * AY_STAGE_SUPPLY_KIB_MS);
    assert_int_equal(demand_of(&s, ROOTS, 0).deadline_ms, first + 2 * AY_STAGE_SUPPLY_KIB_MS);
    ay_stage_free(&s);
}

/* Posting costs a provider at 0.025 nasy a gas, with what wallets add, less than the deposit. */
static void test_demand_deposit_covers_the_gas_of_posting(void **state)
{
    (void)state;
    struct ay_stage s;
    struct ay_genesis_genesis g;
    static const enum ay_dispute_what whats[] = {ROOTS, OUTPUT, OUTPUT};
    ay_genesis_defaults(&g, "x", 1);
    start(&s, false);
    for (uint32_t i = 0; i < 3; i++) {
        const struct ay_piece piece = {whats[i], 0, i / 2, LENGTH};
        const struct ay_game_claim claim = {&s.sketch.program, 1, s.input_root, s.output_root};
        uint32_t bytes;
        ok(ay_piece_bytes(&claim, &piece, &bytes));
        ok(ay_stage_demand(&s, C, whats[i], i / 2));
        block(&s, 0);
        ok(ay_stage_supply(&s, P, whats[i], i / 2, s.truth));
        uint64_t sent = bytes + 512; /* with the envelope and proofs */
        uint64_t gas = s.test->gas.used + sent * AY_GAS_TX_BYTE + AY_GAS_SIGNATURE + AY_GAS_FEE;
        uint64_t cost = gas * 14 / 10 / 40;
        uint64_t deposit =
            g.dispute.supply_fee_nasy + g.dispute.supply_kib_fee_nasy * ay_piece_kib(bytes);
        printf("%u bytes: %llu gas, %llu nasy; deposit %llu nasy\n", bytes, (unsigned long long)gas,
               (unsigned long long)cost, (unsigned long long)deposit);
        assert_true(cost < deposit);
        assert_true(deposit < 4 * cost);
    }
    ay_stage_free(&s);
}

static void break_row(struct ay_stage *s, const struct ay_msg *msg, const void *row,
                      const char *name)
{
    ok(ay_row_put(ay_test_ctx(s->test), msg, row));
    assert_int_equal(ay_test_block(s->test, 0), AY_E_INVARIANT);
    if (!strstr(s->test->ledger.ctx.reason, name)) fail_msg("%s", s->test->ledger.ctx.reason);
}

static void test_demand_broken_books_stop_the_ledger(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    block(&s, 0);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    block(&s, 0);
    struct ay_dispute_demand row = demand_of(&s, OUTPUT, 0);
    row.deposit_nasy++;
    break_row(&s, &ay_dispute_demand_msg, &row, "bonds");
    row = demand_of(&s, OUTPUT, 0);
    row.deadline_ms = 0;
    break_row(&s, &ay_dispute_demand_msg, &row, "deadline");
    row = demand_of(&s, ROOTS, 0);
    row.state = AY_DISPUTE_DEMAND_STATE_MISSED;
    break_row(&s, &ay_dispute_demand_msg, &row, "answered twice");
    row = demand_of(&s, OUTPUT, 0);
    row.state = AY_DISPUTE_DEMAND_STATE_SUPPLIED, row.deadline_ms = 0;
    break_row(&s, &ay_dispute_demand_msg, &row, "is gone");
    struct ay_dispute_supply supply = {.job_id = s.job_id, .what = ROOTS};
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_supply_msg, &supply));
    supply.data.len--;
    break_row(&s, &ay_dispute_supply_msg, &supply, "was changed");
    struct ay_dispute_case one;
    ok(ay_dispute_case_get(ay_test_ctx(s.test), s.job_id, &one));
    one.open_demands++;
    break_row(&s, &ay_dispute_case_msg, &one, "demands and cases");
    ay_stage_free(&s);
}

static void test_demand_queries_list_what_is_open_and_what_was_supplied(void **state)
{
    (void)state;
    struct ay_stage s;
    start(&s, false);
    ok(ay_stage_demand(&s, C, OUTPUT, 1));
    ok(ay_stage_demand(&s, C, OUTPUT, 0));
    ok(ay_stage_demand(&s, A, ROOTS, 0));
    block(&s, 0);
    ok(ay_stage_supply(&s, P, ROOTS, 0, s.truth));
    const struct ay_query_verb *demands = ay_dispute_queries, *supply = ay_dispute_queries;
    while (demands->request != &ay_dispute_query_demands_request_msg) demands++;
    while (supply->request != &ay_dispute_query_supply_request_msg) supply++;
    struct ay_dispute_query_demands_response got = {0};
    struct ay_dispute_query_demands_request of_job = {.job_id = s.job_id};
    ok(demands->run(ay_test_ctx(s.test), &of_job, &got));
    assert_int_equal(got.demands_count, 3);
    assert_int_equal(got.demands[0].what, ROOTS);
    assert_int_equal(got.demands[2].part, 1);
    of_job.from_run = 1;
    got = (struct ay_dispute_query_demands_response){0};
    ok(demands->run(ay_test_ctx(s.test), &of_job, &got));
    assert_int_equal(got.demands_count, 0);
    const struct ay_dispute_query_demands_request of_provider = {.provider =
                                                                     ay_slice_str(s.text[P])};
    got = (struct ay_dispute_query_demands_response){0};
    ok(demands->run(ay_test_ctx(s.test), &of_provider, &got));
    assert_int_equal(got.demands_count, 2);
    assert_int_equal(got.demands[0].part, 1); /* the earliest deadline first */
    const struct ay_dispute_query_supply_request which = {.job_id = s.job_id, .what = ROOTS};
    struct ay_dispute_supply row = {0};
    ok(supply->run(ay_test_ctx(s.test), &which, &row));
    assert_int_equal(row.data.len, 32);
    assert_memory_equal(row.data.data, s.output_roots[0], 32);
    ay_stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demand_supplied_in_time_pays_the_provider),
        cmocka_unit_test(test_demand_met_with_silence_is_proved),
        cmocka_unit_test(test_demand_of_a_lie_lets_a_dispute_find_it),
        cmocka_unit_test(test_demand_silence_gives_open_forks_back),
        cmocka_unit_test(test_demand_refusals_name_their_code),
        cmocka_unit_test(test_supply_refusals_change_nothing),
        cmocka_unit_test(test_demand_at_the_last_moment_stretches_the_window_once),
        cmocka_unit_test(test_demand_early_leaves_the_window_as_it_is),
        cmocka_unit_test(test_demand_while_forks_are_open_counts_when_they_close),
        cmocka_unit_test(test_demand_overdue_with_the_window_is_still_proved),
        cmocka_unit_test(test_demand_arithmetic_is_that_of_the_rules),
        cmocka_unit_test(test_demand_deadlines_are_queued_by_size),
        cmocka_unit_test(test_demand_deposit_covers_the_gas_of_posting),
        cmocka_unit_test(test_demand_broken_books_stop_the_ledger),
        cmocka_unit_test(test_demand_queries_list_what_is_open_and_what_was_supplied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
