#include "modules/dispute/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define A AY_SEAT_A
#define B AY_SEAT_B
#define P AY_SEAT_PROVIDER
#define C AY_SEAT_CONSUMER

#define ok(code) assert_int_equal(code, AY_OK)

static uint64_t fee_of_job(struct ay_stage *s)
{
    struct ay_job_job job;
    ok(ay_job_get(ay_test_ctx(s->test), s->job_id, &job));
    return job.fee_nasy;
}

static uint32_t job_state(struct ay_stage *s)
{
    struct ay_job_job job;
    ok(ay_job_get(ay_test_ctx(s->test), s->job_id, &job));
    return job.state;
}

static struct ay_dispute_fork fork_row(struct ay_stage *s, uint64_t id)
{
    struct ay_dispute_fork fork = {.id = id};
    ok(ay_row_get(ay_test_ctx(s->test), &ay_dispute_fork_msg, &fork));
    return fork;
}

/* Ends the block that is open, and then one that begins ms later. */
static void block(struct ay_stage *s, uint64_t ms)
{
    enum ay_code code = ay_test_block(s->test, 0);
    if (code == AY_OK && ms > 0) code = ay_test_block(s->test, ms);
    if (code != AY_OK) fail_msg("%s", s->test->ledger.ctx.reason);
}

static uint64_t open_fork(struct ay_stage *s, enum ay_seat who)
{
    uint64_t id;
    ok(ay_stage_commit(s, who, s->bond_nasy));
    block(s, 0);
    ok(ay_stage_open(s, who, &id));
    block(s, 0);
    return id;
}

/* Moves until the fork ends; how many there were, the opening counted. */
static uint32_t play(struct ay_stage *s, enum ay_seat who, uint64_t id,
                     const struct ay_truth *holds)
{
    while (fork_row(s, id).settled == AY_FORK_OPEN) {
        enum ay_code code = ay_stage_move(s, who, id, s->claimed, holds);
        if (code != AY_OK) fail_msg("%s: %s", ay_code_info(code)->text, s->test->ledger.ctx.reason);
        block(s, 100);
    }
    return fork_row(s, id).moves;
}

static void test_dispute_lie_is_slashed_and_shared_out(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t before[AY_SEATS];
    for (uint32_t i = 0; i < AY_SEATS; i++) before[i] = ay_stage_wealth(&s, i);
    uint64_t fee = fee_of_job(&s), id = open_fork(&s, A);
    uint64_t lock = fee * 10 > AY_STAGE_LOCK_MIN ? fee * 10 : AY_STAGE_LOCK_MIN;
    uint32_t moves = play(&s, A, id, s.truth);
    assert_in_range(moves, 2, 13);
    assert_int_equal(fork_row(&s, id).game.state, AY_DISPUTE_STATE_PROVED);
    assert_int_equal(job_state(&s), AY_JOB_STATE_SLASHED);
    block(&s, 1);
    assert_int_equal(ay_stage_wealth(&s, P), before[P] - lock);
    assert_int_equal(ay_stage_wealth(&s, A), before[A] + lock / 4);
    assert_int_equal(ay_stage_wealth(&s, C), before[C] + fee);
    ay_stage_free(&s);
}

static void test_dispute_false_challenge_loses_bond(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, false);
    uint64_t before_p = ay_stage_wealth(&s, P), before_a = ay_stage_wealth(&s, A);
    uint64_t id = open_fork(&s, A);
    (void)play(&s, A, id, s.lie);
    assert_int_equal(fork_row(&s, id).game.state, AY_DISPUTE_STATE_FAILED);
    uint64_t burnt = (s.bond_nasy + 3) / 4;
    assert_int_equal(ay_stage_wealth(&s, A), before_a - s.bond_nasy);
    assert_int_equal(ay_stage_wealth(&s, P), before_p + s.bond_nasy - burnt);
    assert_int_equal(job_state(&s), AY_JOB_STATE_CLAIMED);
    block(&s, AY_STAGE_WINDOW_MS);
    assert_int_equal(job_state(&s), AY_JOB_STATE_PAID);
    ay_stage_free(&s);
}

static void test_dispute_silent_provider_is_slashed(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, false);
    uint64_t id = open_fork(&s, A);
    block(&s, fork_row(&s, id).deadline_ms - s.test->time_ms);
    assert_int_equal(fork_row(&s, id).settled, AY_FORK_OPEN);
    block(&s, 1);
    assert_int_equal(fork_row(&s, id).game.state, AY_DISPUTE_STATE_PROVED);
    assert_int_equal(job_state(&s), AY_JOB_STATE_SLASHED);
    ay_stage_free(&s);
}

static void test_dispute_silent_challenger_loses_bond(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t before = ay_stage_wealth(&s, A), id = open_fork(&s, A);
    ok(ay_stage_move(&s, A, id, s.claimed, s.truth));
    block(&s, 0);
    assert_int_equal(fork_row(&s, id).deadline_ms,
                     s.test->time_ms + (uint64_t)AY_DISPUTE_TURNS * AY_STAGE_TURN_MS);
    block(&s, (uint64_t)AY_DISPUTE_TURNS * AY_STAGE_TURN_MS + 1);
    assert_int_equal(fork_row(&s, id).game.state, AY_DISPUTE_STATE_FAILED);
    assert_int_equal(ay_stage_wealth(&s, A), before - s.bond_nasy);
    ay_stage_free(&s);
}

static void test_dispute_unopened_commit_burns_quarter(void **state)
{
    (void)state;
    struct ay_stage s;
    uint64_t id;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t before = ay_stage_wealth(&s, A);
    ok(ay_stage_commit(&s, A, s.bond_nasy));
    assert_int_equal(ay_stage_open(&s, A, &id), AY_E_STATE); /* not in the same block */
    block(&s, 0);
    block(&s, AY_STAGE_TURN_MS + 1);
    assert_int_equal(ay_stage_wealth(&s, A), before - (s.bond_nasy + 3) / 4);
    assert_int_equal(ay_stage_open(&s, A, &id), AY_E_NOT_FOUND);
    ay_stage_free(&s);
}

static void test_dispute_slower_challenger_gets_bond_and_fees_back(void **state)
{
    (void)state;
    struct ay_stage s;
    uint64_t a, b;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t before_b = ay_stage_wealth(&s, B), before_c = ay_stage_wealth(&s, C);
    uint64_t fee = fee_of_job(&s);
    ok(ay_stage_commit(&s, A, s.bond_nasy));
    ok(ay_stage_commit(&s, B, 2 * s.bond_nasy));
    ok(ay_stage_commit(&s, C, s.bond_nasy));
    block(&s, 0);
    ok(ay_stage_open(&s, A, &a));
    ok(ay_stage_open(&s, B, &b));
    block(&s, 0);
    (void)play(&s, A, a, s.truth);
    block(&s, 0);
    struct ay_dispute_fork fork = fork_row(&s, b);
    assert_int_equal(fork.game.state, AY_DISPUTE_STATE_PROVED); /* on its way to the same fault */
    assert_true(ay_stage_wealth(&s, B) > before_b + fork.fees_nasy);
    assert_int_equal(ay_stage_wealth(&s, C), before_c + fee - s.bond_nasy);
    ok(ay_stage_open(&s, C, &b)); /* too late to open: the bond comes back whole */
    assert_int_equal(b, 0);
    block(&s, 0);
    assert_int_equal(ay_stage_wealth(&s, C), before_c + fee);
    ay_stage_free(&s);
}

static void test_dispute_wrong_moves_change_nothing_and_clock_runs(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t id = open_fork(&s, A), other;
    struct ay_dispute_fork before = fork_row(&s, id), after;
    uint8_t junk[96] = {0};
    const struct ay_game_answer answer = {.data = AY_SLICE_OF(junk)};
    assert_int_equal(ay_stage_answer(&s, P, id, &answer), AY_E_DISPUTE_EVIDENCE);
    assert_int_equal(ay_stage_answer(&s, A, id, &answer), AY_E_UNAUTHORIZED);
    assert_int_equal(ay_stage_pick(&s, A, id, 0), AY_E_DISPUTE_MOVE);
    assert_int_equal(ay_stage_pick(&s, B, id, 0), AY_E_UNAUTHORIZED);
    assert_int_equal(ay_stage_pick(&s, A, id + 1, 0), AY_E_NOT_FOUND);
    ok(ay_stage_commit(&s, B, AY_STAGE_BOND));
    assert_int_equal(ay_stage_commit(&s, B, AY_STAGE_BOND), AY_E_EXISTS);
    assert_int_equal(ay_stage_commit(&s, C, AY_STAGE_BOND - 1), AY_E_DISPUTE_BOND);
    block(&s, 10);
    assert_int_equal(ay_stage_open(&s, B, &other), AY_E_DISPUTE_BOND);
    after = fork_row(&s, id);
    assert_memory_equal(&before, &after, sizeof before);
    ok(ay_stage_move(&s, A, id, s.claimed, s.truth));
    block(&s, 0);
    assert_int_equal(ay_stage_pick(&s, A, id, 3), AY_E_RANGE);
    assert_int_equal(ay_stage_answer(&s, P, id, &answer), AY_E_DISPUTE_MOVE);
    ay_stage_free(&s);
}

static void test_dispute_roots_of_many_runs_are_queued(void **state)
{
    (void)state;
    assert_int_equal(ay_dispute_due(100, 0, 10, 5, 1000), 120);
    assert_int_equal(ay_dispute_due(100, 120, 10, 5, 1000), 140);
    assert_int_equal(ay_dispute_due(500, 140, 10, 1, 3), 500 + 10 + 667);
    assert_int_equal(ay_dispute_due(500, 140, 10, 1, 0), 510);
    assert_int_equal(ay_dispute_due(1, 0, 10, UINT64_MAX, 1), INT64_MAX);
}

/* Each invariant sees what breaks it. */
static void break_row(struct ay_stage *s, const struct ay_msg *msg, const void *row,
                      const char *name)
{
    ok(ay_row_put(ay_test_ctx(s->test), msg, row));
    assert_int_equal(ay_test_block(s->test, 0), AY_E_INVARIANT);
    if (!strstr(s->test->ledger.ctx.reason, name)) fail_msg("%s", s->test->ledger.ctx.reason);
}

static void test_dispute_broken_books_stop_the_ledger(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, true);
    uint64_t id = open_fork(&s, A);
    ok(ay_stage_move(&s, A, id, s.claimed, s.truth));
    block(&s, 0);
    struct ay_dispute_fork fork = fork_row(&s, id);
    fork.bond_nasy++;
    break_row(&s, &ay_dispute_fork_msg, &fork, "bonds");
    fork = fork_row(&s, id);
    fork.deadline_ms = 0;
    break_row(&s, &ay_dispute_fork_msg, &fork, "deadline");
    struct ay_dispute_case row = {.job_id = s.job_id};
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_case_msg, &row));
    row.open_forks++;
    break_row(&s, &ay_dispute_case_msg, &row, "cases");
    struct ay_dispute_totals totals = {0};
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_totals_msg, &totals));
    totals.in_nasy++;
    break_row(&s, &ay_dispute_totals_msg, &totals, "dispute has");
    struct ay_dispute_answer answer = {.depth = 1};
    memcpy(answer.claim_hash, row.claim_hash, 32);
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_answer_msg, &answer));
    answer.data.len -= 32;
    break_row(&s, &ay_dispute_answer_msg, &answer, "answer");
    (void)play(&s, A, id, s.truth);
    fork = fork_row(&s, id);
    fork.moves++;
    break_row(&s, &ay_dispute_fork_msg, &fork, "after its end");
    ay_stage_free(&s);
}

static void test_dispute_zoo_is_decided_within_thirteen_moves(void **state)
{
    (void)state;
    uint32_t most = 0;
    for (uint32_t op = 0; op < AY_ZOO_OPS; op += 11) { /* verify/test_game.c takes them all */
        struct ay_stage s;
        ay_stage_new(&s, ay_sketch_zoo, 70, op, 0, true);
        uint64_t id = open_fork(&s, A);
        uint32_t moves = play(&s, A, id, s.truth);
        assert_int_equal(fork_row(&s, id).game.state, AY_DISPUTE_STATE_PROVED);
        if (moves > most) most = moves;
        ay_stage_free(&s);
    }
    assert_in_range(most, 2, 13);
    print_message("at most %u moves\n", most);
}

static void test_dispute_answers_are_swept_when_the_job_is_over(void **state)
{
    (void)state;
    struct ay_stage s;
    ay_stage_new(&s, ay_sketch_tiny, 100, 1, 1, false);
    uint64_t id = open_fork(&s, A);
    (void)play(&s, A, id, s.lie);
    block(&s, AY_STAGE_WINDOW_MS);
    for (uint32_t i = 0; i < 4; i++) block(&s, AY_STAGE_WINDOW_MS);
    struct ay_dispute_answer answer = {0};
    struct ay_dispute_case row = {.job_id = s.job_id};
    struct ay_row_walk walk;
    ok(ay_row_get(ay_test_ctx(s.test), &ay_dispute_case_msg, &row));
    assert_int_equal(row.stage, AY_DISPUTE_STAGE_OVER);
    ok(ay_row_walk_begin(&walk, &ay_dispute_answer_msg, 0, &answer, 0));
    assert_int_equal(ay_row_walk_next(ay_test_ctx(s.test), &walk, &answer), AY_E_NOT_FOUND);
    assert_false(ay_dispute_waits(ay_test_ctx(s.test)));
    ay_stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispute_lie_is_slashed_and_shared_out),
        cmocka_unit_test(test_dispute_false_challenge_loses_bond),
        cmocka_unit_test(test_dispute_silent_provider_is_slashed),
        cmocka_unit_test(test_dispute_silent_challenger_loses_bond),
        cmocka_unit_test(test_dispute_unopened_commit_burns_quarter),
        cmocka_unit_test(test_dispute_slower_challenger_gets_bond_and_fees_back),
        cmocka_unit_test(test_dispute_wrong_moves_change_nothing_and_clock_runs),
        cmocka_unit_test(test_dispute_roots_of_many_runs_are_queued),
        cmocka_unit_test(test_dispute_broken_books_stop_the_ledger),
        cmocka_unit_test(test_dispute_zoo_is_decided_within_thirteen_moves),
        cmocka_unit_test(test_dispute_answers_are_swept_when_the_job_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
