#include "modules/job/job_math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_split_gives_away_exactly_the_fee(void **state)
{
    (void)state;
    static const uint64_t fees[] = {0, 1, 99, 100, 9999, 10000, UINT64_MAX};
    static const uint32_t bps[] = {0, 1, 100, 9999, 10000};
    for (size_t i = 0; i < sizeof fees / sizeof *fees; i++)
        for (size_t j = 0; j < sizeof bps / sizeof *bps; j++)
            for (int part = 0; part < 3; part++) {
                uint64_t royalty = part == 0 ? 0 : part == 1 ? fees[i] / 2 : fees[i];
                struct ay_job_split split = ay_job_split(fees[i], royalty, bps[j]);
                assert_int_equal(royalty + split.protocol_nasy + split.provider_nasy, fees[i]);
            }
    struct ay_job_split split = ay_job_split(9999, 0, 1);
    assert_int_equal(split.protocol_nasy, 0);
    split = ay_job_split(10000, 10000, 100);
    assert_int_equal(split.protocol_nasy, 0); /* the royalty left nothing */
}

static void test_penalty_rounds_up_and_stops_at_the_lock(void **state)
{
    (void)state;
    assert_int_equal(ay_job_penalty(1, 1, 100), 1);
    assert_int_equal(ay_job_penalty(10000, 1000, 5000), 1000);
    assert_int_equal(ay_job_penalty(10000, 1000, 999), 999);
    assert_int_equal(ay_job_penalty(UINT64_MAX, 10000, UINT64_MAX), UINT64_MAX);
    assert_int_equal(ay_job_penalty(0, 10000, 7), 0);
}

static void test_claim_by_gives_twice_the_declared_time(void **state)
{
    (void)state;
    assert_int_equal(ay_job_claim_by(1000, 50, 3, 1000), 1000 + 50 + 6);
    assert_int_equal(ay_job_claim_by(1000, 50, 1, 3000), 1000 + 50 + 1);
    assert_int_equal(ay_job_claim_by(1000, 50, UINT64_MAX, 1), UINT64_MAX);
    assert_int_equal(ay_job_claim_by(UINT64_MAX, 1, 1, 1), UINT64_MAX);
}

/* From the single steps of the lifecycle in README.md. */
static void test_may_become_is_the_closure_of_the_lifecycle(void **state)
{
    (void)state;
    enum { N = AY_JOB_STATE_CANCELLED + 1 };
    static const uint8_t steps[][2] = {
        {AY_JOB_STATE_NONE, AY_JOB_STATE_POSTED},     {AY_JOB_STATE_POSTED, AY_JOB_STATE_CANCELLED},
        {AY_JOB_STATE_POSTED, AY_JOB_STATE_EXPIRED},  {AY_JOB_STATE_POSTED, AY_JOB_STATE_MATCHED},
        {AY_JOB_STATE_MATCHED, AY_JOB_STATE_MISSED},  {AY_JOB_STATE_MATCHED, AY_JOB_STATE_ACCEPTED},
        {AY_JOB_STATE_ACCEPTED, AY_JOB_STATE_LATE},   {AY_JOB_STATE_ACCEPTED, AY_JOB_STATE_CLAIMED},
        {AY_JOB_STATE_CLAIMED, AY_JOB_STATE_SLASHED}, {AY_JOB_STATE_CLAIMED, AY_JOB_STATE_PAID},
    };
    bool reach[N][N] = {{0}};
    for (int s = 1; s < N; s++) reach[s][s] = true;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) reach[steps[i][0]][steps[i][1]] = true;
    for (int via = 0; via < N; via++)
        for (int a = 0; a < N; a++)
            for (int b = 0; b < N; b++) reach[a][b] |= reach[a][via] && reach[via][b];
    for (uint32_t a = 0; a < N; a++)
        for (uint32_t b = 1; b < N; b++)
            assert_int_equal(ay_job_may_become(a, b), reach[a][b]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_gives_away_exactly_the_fee),
        cmocka_unit_test(test_penalty_rounds_up_and_stops_at_the_lock),
        cmocka_unit_test(test_claim_by_gives_twice_the_declared_time),
        cmocka_unit_test(test_may_become_is_the_closure_of_the_lifecycle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
