#include "modules/stake/verbs.h"
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

static struct ay_stake_operator operator_of(struct ay_test *t, const char *name)
{
    struct ay_who w = who(name);
    struct ay_stake_operator row;
    assert_int_equal(ay_stake_operator(ay_test_ctx(t), w.address, &row), AY_OK);
    return row;
}

static void test_bond_amount_moves_from_balance_to_bond(void **state)
{
    struct ay_test *t = *state;
    uint64_t before = balance(t, "carol");
    assert_int_equal(eco_bond(t, "carol", 7), AY_OK);
    assert_int_equal(eco_bond(t, "carol", 5), AY_OK);
    assert_int_equal(balance(t, "carol"), before - 12);
    assert_int_equal(operator_of(t, "carol").bond_nasy, 12);
    eco_block(t, 1000);
}

static void test_bond_refusals_change_nothing(void **state)
{
    struct ay_test *t = *state;
    assert_int_equal(eco_bond(t, "carol", 0), AY_E_REQUEST);
    assert_int_equal(eco_bond(t, "carol", AY_TEST_COINS + 1), AY_E_FUNDS);
    assert_int_equal(operator_of(t, "carol").bond_nasy, 0);
    eco_block(t, 1000);
}

static void test_unbond_after_the_period_coins_are_back(void **state)
{
    struct ay_test *t = *state;
    struct ay_stake_params params = {0};
    uint64_t before = balance(t, "alice");
    assert_int_equal(eco_unbond(t, "alice", 10 * ASY), AY_OK);
    assert_int_equal(ay_row_get(ay_test_ctx(t), &ay_stake_params_msg, &params), AY_OK);
    assert_true(ay_stake_waits(ay_test_ctx(t)));
    eco_wait(t, params.unbonding_ms - 1);
    assert_int_equal(balance(t, "alice"), before);
    eco_wait(t, 1);
    assert_int_equal(balance(t, "alice"), before + 10 * ASY);
    assert_false(ay_stake_waits(ay_test_ctx(t)));
}

static void test_unbond_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice");
    struct ay_ctx *ctx = ay_test_ctx(t);
    assert_int_equal(eco_unbond(t, "alice", 0), AY_E_REQUEST);
    assert_int_equal(eco_unbond(t, "alice", 1000 * ASY + 1), AY_E_FUNDS);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 1), AY_OK);
    assert_int_equal(eco_unbond(t, "alice", 1000 * ASY), AY_E_STAKE_LOCKED);
    assert_int_equal(eco_unbond(t, "alice", 1000 * ASY - 1), AY_OK);
    eco_block(t, 1000);
}

static void test_unbond_too_many_under_way_is_refused(void **state)
{
    struct ay_test *t = *state;
    for (int i = 0; i < AY_MAX_STAKE_UNBONDINGS; i++)
        assert_int_equal(eco_unbond(t, "alice", 1), AY_OK);
    assert_int_equal(eco_unbond(t, "alice", 1), AY_E_LIMIT);
    assert_int_equal(eco_unbond(t, "bob", 1), AY_OK);
}

static void test_release_more_than_a_block_takes_rest_follows(void **state)
{
    struct ay_test *t = *state;
    struct ay_who carol = who("carol"), dave = who("dave");
    uint64_t before = balance(t, "dave");
    for (int i = 0; i < AY_MAX_STAKE_RELEASES + 3; i++)
        assert_int_equal(ay_stake_reward(ay_test_ctx(t), carol.address, dave.address, 1), AY_OK);
    eco_wait(t, 599000);
    assert_int_equal(balance(t, "dave"), before);
    eco_wait(t, 1000);
    assert_int_equal(balance(t, "dave"), before + AY_MAX_STAKE_RELEASES);
    eco_wait(t, 1000);
    assert_int_equal(balance(t, "dave"), before + AY_MAX_STAKE_RELEASES + 3);
}

static void test_lock_beyond_own_bond_is_refused(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice");
    struct ay_ctx *ctx = ay_test_ctx(t);
    uint64_t amount;
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 600 * ASY), AY_OK);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 2, 400 * ASY + 1),
                     AY_E_STAKE_EXPOSURE);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 2, 400 * ASY), AY_OK);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 1),
                     AY_E_STAKE_EXPOSURE);
    assert_int_equal(ay_stake_unlock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 600 * ASY + 1),
                     AY_E_STATE);
    assert_int_equal(ay_stake_unlock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 600 * ASY), AY_OK);
    assert_int_equal(ay_stake_locked(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, &amount), AY_OK);
    assert_int_equal(amount, 0);
    assert_int_equal(ay_stake_locked(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 2, &amount), AY_OK);
    assert_int_equal(amount, 400 * ASY);
    eco_block(t, 1000);
}

static void test_slash_takes_lock_and_bond_to_the_receiver(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice"), dave = who("dave");
    struct ay_ctx *ctx = ay_test_ctx(t);
    uint64_t before = balance(t, "dave");
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 10), AY_OK);
    assert_int_equal(
        ay_stake_slash(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 11, dave.address), AY_E_STATE);
    assert_int_equal(ay_stake_slash(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 1, 4, dave.address),
                     AY_OK);
    struct ay_stake_operator row = operator_of(t, "alice");
    assert_int_equal(row.bond_nasy, 1000 * ASY - 4);
    assert_int_equal(row.locked_nasy, 6);
    assert_int_equal(row.slashed_nasy, 4);
    assert_int_equal(balance(t, "dave"), before + 4);
    eco_block(t, 1000);
}

static void test_tier_follows_the_bond(void **state)
{
    struct ay_test *t = *state;
    struct ay_who carol = who("carol");
    static const struct {
        uint64_t add;
        uint32_t tier;
    } steps[] = {{100 * ASY - 1, 0}, {1, 1}, {900 * ASY - 1, 1}, {1, 2}, {9000 * ASY, 3}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint32_t tier;
        assert_int_equal(eco_bond(t, "carol", steps[i].add), AY_OK);
        assert_int_equal(ay_stake_tier(ay_test_ctx(t), carol.address, &tier), AY_OK);
        assert_int_equal(tier, steps[i].tier);
    }
}

static void test_genesis_tiers_not_ascending_are_refused(void **state)
{
    struct ay_test *t = *state;
    static const uint64_t flat[] = {5, 5}, zero[] = {0};
    struct ay_stake_genesis genesis = {.has_params = true,
                                       .params = {.tier_bond_nasy = flat, .tier_bond_nasy_count = 2}};
    assert_int_equal(ay_stake_genesis(ay_test_ctx(t), NULL, &genesis), AY_E_RANGE);
    genesis.params = (struct ay_stake_params){.tier_bond_nasy = zero, .tier_bond_nasy_count = 1};
    assert_int_equal(ay_stake_genesis(ay_test_ctx(t), NULL, &genesis), AY_E_RANGE);
    assert_int_equal(ay_stake_genesis(ay_test_ctx(t), NULL, NULL), AY_E_REQUEST);
}

static void test_queries_show_operator_locks_and_unbondings(void **state)
{
    struct ay_test *t = *state;
    struct ay_who alice = who("alice"), nobody = who("nobody");
    struct ay_ctx *ctx = ay_test_ctx(t);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 3, 30), AY_OK);
    assert_int_equal(ay_stake_lock(ctx, alice.address, AY_STAKE_LOCK_CHANNEL, 4, 40), AY_OK);
    assert_int_equal(eco_unbond(t, "alice", 9), AY_OK);

    struct ay_stake_query_operator_request who_is = {ay_slice_str(alice.text)};
    struct ay_stake_operator row = {0};
    assert_int_equal(ay_stake_queries[0].run(ctx, &who_is, &row), AY_OK);
    assert_int_equal(row.locked_nasy, 70);
    who_is.address = ay_slice_str(nobody.text);
    assert_int_equal(ay_stake_queries[0].run(ctx, &who_is, &row), AY_E_NOT_FOUND);

    struct ay_stake_query_locks_request of = {ay_slice_str(alice.text)};
    struct ay_stake_query_locks_response locks = {0};
    assert_int_equal(ay_stake_queries[1].run(ctx, &of, &locks), AY_OK);
    assert_int_equal(locks.locks_count, 2);
    assert_int_equal(locks.locks[1].amount_nasy, 40);

    struct ay_stake_query_unbondings_request out = {ay_slice_str(alice.text)};
    struct ay_stake_query_unbondings_response unbondings = {0};
    assert_int_equal(ay_stake_queries[2].run(ctx, &out, &unbondings), AY_OK);
    assert_int_equal(unbondings.unbondings_count, 1);
    assert_int_equal(unbondings.unbondings[0].amount_nasy, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bond_amount_moves_from_balance_to_bond),
        TEST(test_bond_refusals_change_nothing),
        TEST(test_unbond_after_the_period_coins_are_back),
        TEST(test_unbond_refusals_name_their_code),
        TEST(test_unbond_too_many_under_way_is_refused),
        TEST(test_release_more_than_a_block_takes_rest_follows),
        TEST(test_lock_beyond_own_bond_is_refused),
        TEST(test_slash_takes_lock_and_bond_to_the_receiver),
        TEST(test_tier_follows_the_bond),
        TEST(test_genesis_tiers_not_ascending_are_refused),
        TEST(test_queries_show_operator_locks_and_unbondings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
