#include "modules/test_economy.h"
#include "modules/work/verbs.h"

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

static struct ay_work_work work_of(struct ay_test *t, const uint8_t id[AY_HASH_BYTES])
{
    struct ay_work_work work;
    assert_int_equal(ay_work_get(ay_test_ctx(t), id, &work), AY_OK);
    return work;
}

static enum ay_code register_with(struct ay_test *t, struct ay_work_msg_register msg,
                                  uint8_t id[AY_HASH_BYTES])
{
    struct ay_work_msg_register_response answer;
    enum ay_code code = ay_test_run(t, &ay_work_msg_register_msg, &msg, &answer);
    if (code == AY_OK) memcpy(id, answer.work_id, AY_HASH_BYTES);
    return code;
}

static enum ay_code withdraw(struct ay_test *t, const char *name, const uint8_t id[AY_HASH_BYTES],
                             uint64_t *amount)
{
    struct ay_who w = who(name);
    struct ay_work_msg_withdraw msg = {.owner = ay_slice_str(w.text)};
    memcpy(msg.work_id, id, AY_HASH_BYTES);
    struct ay_work_msg_withdraw_response answer = {0};
    enum ay_code code = ay_test_run(t, &ay_work_msg_withdraw_msg, &msg, &answer);
    *amount = answer.amount_nasy;
    return code;
}

static uint64_t pay(struct ay_test *t, const uint8_t id[AY_HASH_BYTES], uint64_t fee)
{
    struct ay_who dave = who("dave");
    uint64_t royalty;
    assert_int_equal(ay_work_pay(ay_test_ctx(t), id, dave.address, fee, &royalty), AY_OK);
    return royalty;
}

static void test_register_work_is_described_and_its_fee_burnt(void **state)
{
    struct ay_test *t = *state;
    struct ay_work_work work = work_of(t, program_id);
    struct ay_who author = who("author");
    uint8_t id[AY_HASH_BYTES];
    ay_work_id(eco_program(4), id);
    assert_memory_equal(work.id, id, AY_HASH_BYTES);
    assert_memory_equal(work.owner, author.address, AY_ADDRESS_BYTES);
    assert_int_equal(work.shares_count, 1);
    assert_int_equal(work.shares[0].bps, 10000);
    assert_false(ay_is_zero(work.weights_root, AY_HASH_BYTES));
    assert_int_equal(balance(t, "author"), AY_TEST_COINS - ASY / 100);

    struct ay_work_program program;
    assert_int_equal(ay_work_program(ay_test_ctx(t), program_id, &program), AY_OK);
    assert_int_equal(program.ops_count, 1);
    assert_int_equal(ay_work_program(ay_test_ctx(t), (uint8_t[32]){1}, &program), AY_E_NOT_FOUND);
}

static void test_register_program_that_no_job_carries_is_refused_with_a_reason(void **state)
{
    struct ay_test *t = *state;
    struct ay_who author = who("author");
    struct ay_work_msg_register msg = eco_register_msg(&author, 5);
    static const uint8_t input[] = {0x08, AY_WORK_DTYPE_I32, 0x12}; /* dtype, then dims */
    uint8_t bytes[512], id[AY_HASH_BYTES];
    memcpy(bytes, msg.program.data, msg.program.len);
    uint8_t *dtype = memmem(bytes, msg.program.len, input, sizeof input);
    assert_non_null(dtype);
    dtype[1] = AY_WORK_DTYPE_I64;
    msg.program.data = bytes;
    assert_int_equal(register_with(t, msg, id), AY_E_WORK_PROGRAM);
    assert_string_equal(t->ledger.ctx.reason,
                        "the program's input is not one list of token ids");
}

static void test_register_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    struct ay_who author = who("author"), alice = who("alice"), bob = who("bob");
    const struct ay_work_share_input a = {ay_slice_str(alice.text), 6000},
                                     b = {ay_slice_str(bob.text), 4000},
                                     none = {ay_slice_str(bob.text), 0},
                                     bad = {ay_slice_str("assay1x"), 4000};
    const struct ay_work_share_input less[] = {a}, twice[] = {a, {a.address, 4000}},
                                     zero[] = {a, b, none}, wrong[] = {a, bad};
    const uint8_t unknown[1][32] = {{5}};
    const struct ay_work_msg_register good = eco_register_msg(&author, 5);
    struct {
        struct ay_work_msg_register msg;
        enum ay_code code;
    } cases[] = {
        {good, AY_E_REQUEST},       {good, AY_E_REQUEST},      {good, AY_E_REQUEST},
        {good, AY_E_RANGE},         {good, AY_E_WORK_PROGRAM}, {good, AY_E_WORK_PROGRAM},
        {good, AY_E_WORK_PROGRAM},  {good, AY_E_WORK_SHARES},  {good, AY_E_WORK_SHARES},
        {good, AY_E_WORK_SHARES},   {good, AY_E_ADDRESS},      {good, AY_E_NOT_FOUND},
        {good, AY_E_WORK_SHARES},   {good, AY_E_EXISTS},
    };
    uint8_t broken[512], shorter[1] = {8};
    memcpy(broken, good.program.data, good.program.len);
    broken[1] = 2; /* numerics 2 */
    cases[0].msg.name = ay_slice_str("");
    cases[1].msg.name = ay_slice_str("a\nb");
    cases[2].msg.licence = ay_slice_str("MIT;rm");
    cases[3].msg.royalty_bps = 10001;
    cases[4].msg.program = ay_slice_str("");
    cases[5].msg.program = ay_slice(shorter, 1);
    cases[6].msg.program = ay_slice(broken, good.program.len);
    cases[7].msg.shares = less, cases[7].msg.shares_count = 1;
    cases[8].msg.shares = twice, cases[8].msg.shares_count = 2;
    cases[9].msg.shares = zero, cases[9].msg.shares_count = 3;
    cases[10].msg.shares = wrong, cases[10].msg.shares_count = 2;
    cases[11].msg.parents = unknown, cases[11].msg.parents_count = 1;
    cases[12].msg.royalty_bps = 2001;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t id[AY_HASH_BYTES];
        uint8_t copy[512]; /* eco_program has one buffer */
        struct ay_work_msg_register msg = cases[i].msg;
        if (i == 13)
            msg.program = eco_program(4);
        else if (msg.program.data == good.program.data)
            msg.program = eco_program(5);
        memcpy(copy, msg.program.data, msg.program.len);
        msg.program.data = copy;
        enum ay_code code = register_with(t, msg, id);
        if (code != cases[i].code) fail_msg("case %zu gives %d: %s", i, code, t->ledger.ctx.reason);
    }
    struct ay_who poor = who("nobody");
    struct ay_work_msg_register msg = eco_register_msg(&poor, 5);
    assert_int_equal(register_with(t, msg, (uint8_t[32]){0}), AY_E_FUNDS);
    assert_int_equal(balance(t, "author"), AY_TEST_COINS - ASY / 100);
}

static void test_withdraw_shares_get_the_floor_of_what_was_earned(void **state)
{
    struct ay_test *t = *state;
    struct ay_who author = who("author"), alice = who("alice"), bob = who("bob");
    const struct ay_work_share_input shares[] = {{ay_slice_str(alice.text), 6667},
                                                 {ay_slice_str(bob.text), 3333}};
    struct ay_work_msg_register msg = eco_register_msg(&author, 5);
    msg.shares = shares;
    msg.shares_count = 2;
    uint8_t id[AY_HASH_BYTES];
    uint64_t amount, got_alice = 0, got_bob = 0, earned = 0;
    assert_int_equal(register_with(t, msg, id), AY_OK);
    assert_int_equal(withdraw(t, "alice", id, &amount), AY_E_FUNDS);
    for (int i = 0; i < 7; i++) {
        earned += pay(t, id, 60); /* 5 %: 3 */
        if (withdraw(t, "alice", id, &amount) == AY_OK) got_alice += amount;
        if (i == 6 && withdraw(t, "bob", id, &amount) == AY_OK) got_bob += amount;
        eco_block(t, 1000);
    }
    assert_int_equal(earned, 21);
    assert_int_equal(got_alice, 21 * 6667 / 10000);
    assert_int_equal(got_bob, 21 * 3333 / 10000);
    assert_int_equal(withdraw(t, "carol", id, &amount), AY_E_UNAUTHORIZED);
    assert_int_equal(withdraw(t, "alice", (uint8_t[32]){3}, &amount), AY_E_NOT_FOUND);
}

static void test_pay_ancestors_get_their_rates_each_once(void **state)
{
    struct ay_test *t = *state;
    struct ay_who author = who("author");
    /* A diamond: left and right derive from the base, the tip from both. */
    uint8_t parents[2][32], left[32], right[32], tip[32];
    struct ay_work_msg_register msg = eco_register_msg(&author, 5);
    memcpy(parents[0], program_id, 32);
    msg.parents = (const uint8_t(*)[32])parents;
    msg.parents_count = 1;
    msg.royalty_bps = 200;
    assert_int_equal(register_with(t, msg, left), AY_OK);
    msg.program = eco_program(6);
    msg.royalty_bps = 300;
    assert_int_equal(register_with(t, msg, right), AY_OK);
    memcpy(parents[0], left, 32);
    memcpy(parents[1], right, 32);
    msg.program = eco_program(7);
    msg.parents_count = 2;
    msg.royalty_bps = 0;
    assert_int_equal(register_with(t, msg, tip), AY_OK);
    assert_int_equal(work_of(t, tip).ancestors_count, 3);

    assert_int_equal(pay(t, tip, 10000), 500 + 200 + 300);
    assert_int_equal(work_of(t, program_id).earned_nasy, 500);
    assert_int_equal(work_of(t, left).earned_nasy, 200);
    assert_int_equal(work_of(t, right).earned_nasy, 300);
    assert_int_equal(work_of(t, tip).earned_nasy, 0);
    assert_int_equal(work_of(t, tip).paid_nasy, 1000);
    eco_block(t, 1000);
}

static void test_register_too_many_ancestors_is_refused(void **state)
{
    struct ay_test *t = *state;
    struct ay_who author = who("author");
    uint8_t parents[AY_MAX_WORK_MSG_REGISTER_PARENTS][32], id[32];
    struct ay_work_msg_register msg = eco_register_msg(&author, 0);
    msg.royalty_bps = 0;
    for (uint32_t i = 0; i < AY_MAX_WORK_MSG_REGISTER_PARENTS; i++) {
        msg.program = eco_program(100 + i);
        assert_int_equal(register_with(t, msg, parents[i]), AY_OK);
    }
    msg.parents = (const uint8_t(*)[32])parents;
    msg.parents_count = AY_MAX_WORK_MSG_REGISTER_PARENTS;
    msg.program = eco_program(200);
    assert_int_equal(register_with(t, msg, id), AY_OK); /* 16 ancestors */
    msg.parents = (const uint8_t(*)[32])&id;
    msg.parents_count = 1;
    msg.program = eco_program(201);
    assert_int_equal(register_with(t, msg, id), AY_E_LIMIT); /* it and its 16 */
}

static void test_pay_full_count_takes_no_royalty(void **state)
{
    struct ay_test *t = *state;
    struct ay_work_work work = work_of(t, program_id);
    work.paid_nasy = UINT64_MAX - 10;
    assert_int_equal(ay_row_put(ay_test_ctx(t), &ay_work_work_msg, &work), AY_OK);
    assert_int_equal(pay(t, program_id, 1000), 0); /* 50 would not fit */
    assert_int_equal(pay(t, program_id, 200), 10);
}

static void test_queries_show_work_program_and_list(void **state)
{
    struct ay_test *t = *state;
    struct ay_ctx *ctx = ay_test_ctx(t);
    struct ay_work_query_work_request ask = {0};
    struct ay_work_work work = {0};
    memcpy(ask.id, program_id, 32);
    assert_int_equal(ay_work_queries[0].run(ctx, &ask, &work), AY_OK);
    assert_int_equal(work.royalty_bps, 500);
    struct ay_work_query_program_request want = {0};
    struct ay_work_work_program program = {0};
    memcpy(want.id, program_id, 32);
    assert_int_equal(ay_work_queries[1].run(ctx, &want, &program), AY_OK);
    assert_true(ay_slice_equal(program.program, eco_program(4)));
    struct ay_work_query_works_request all = {0};
    struct ay_work_query_works_response list = {0};
    assert_int_equal(ay_work_queries[2].run(ctx, &all, &list), AY_OK);
    assert_int_equal(list.works_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_register_work_is_described_and_its_fee_burnt),
        TEST(test_register_refusals_name_their_code),
        TEST(test_register_program_that_no_job_carries_is_refused_with_a_reason),
        TEST(test_withdraw_shares_get_the_floor_of_what_was_earned),
        TEST(test_pay_ancestors_get_their_rates_each_once),
        TEST(test_register_too_many_ancestors_is_refused),
        TEST(test_pay_full_count_takes_no_royalty),
        TEST(test_queries_show_work_program_and_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
