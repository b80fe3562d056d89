#include "ledger/test_kv.h"
#include "modules/bank/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct ay_module *const modules[] = {&ay_bank_module, NULL};
static const struct ay_economy economy = {modules, ay_bank_move};

static uint8_t alice[AY_ADDRESS_BYTES], bob[AY_ADDRESS_BYTES];
static char alice_text[AY_ADDRESS_TEXT_CHARS + 1], bob_text[AY_ADDRESS_TEXT_CHARS + 1];

static int setup(void **state)
{
    ay_test_address("alice", alice, alice_text);
    ay_test_address("bob", bob, bob_text);
    *state = ay_test_new(&economy, NULL);
    return 0;
}

static int teardown(void **state)
{
    ay_test_free(*state);
    return 0;
}

static uint64_t balance(struct ay_test *t, const uint8_t *address)
{
    uint64_t amount;
    assert_int_equal(ay_bank_balance(ay_test_ctx(t), address, &amount), AY_OK);
    return amount;
}

static enum ay_code send(struct ay_test *t, const char *to, const char *denom, const char *amount)
{
    struct ay_base_coin coin = {ay_slice_str(denom), ay_slice_str(amount)};
    struct ay_bank_msg_send msg = {.from_address = ay_slice_str(alice_text),
                                   .to_address = ay_slice_str(to),
                                   .amount = &coin,
                                   .amount_count = 1};
    return ay_test_run(t, &ay_bank_msg_send_msg, &msg, NULL);
}

static void test_send_within_balance_moves_coins(void **state)
{
    struct ay_test *t = *state;
    assert_int_equal(send(t, bob_text, "nasy", "1000"), AY_OK);
    assert_int_equal(balance(t, alice), AY_TEST_COINS - 1000);
    assert_int_equal(balance(t, bob), AY_TEST_COINS + 1000);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
    assert_int_equal(balance(t, bob), AY_TEST_COINS + 1000);
}

static void test_send_to_self_changes_nothing(void **state)
{
    struct ay_test *t = *state;
    assert_int_equal(send(t, alice_text, "nasy", "1000000000000000"), AY_OK);
    assert_int_equal(balance(t, alice), AY_TEST_COINS);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
}

static void test_send_refusals_name_their_code(void **state)
{
    struct ay_test *t = *state;
    uint8_t fees[AY_ADDRESS_BYTES];
    char fees_text[AY_ADDRESS_TEXT_CHARS + 1];
    ay_module_address(AY_FEES_MODULE, fees);
    ay_address_encode(fees, fees_text);
    const struct {
        const char *to, *denom, *amount;
        enum ay_code code;
        const char *reason;
    } cases[] = {
        {bob_text, "nasy", "1000000000000001", AY_E_FUNDS,
         "spendable balance 1000000000000000nasy is smaller than 1000000000000001nasy"},
        {bob_text, "uatom", "9", AY_E_FUNDS, "spendable balance 0uatom is smaller than 9uatom"},
        {bob_text, "nasy", "0", AY_E_COINS, NULL},
        {bob_text, "nasy", "-1", AY_E_COINS, NULL},
        {bob_text, "nasy", "01", AY_E_COINS, NULL},
        {bob_text, "nasy", "", AY_E_COINS, NULL},
        {bob_text, "nasy", "18446744073709551616", AY_E_COINS, NULL},
        {"assay1qqqq", "nasy", "1", AY_E_ADDRESS, NULL},
        {fees_text, "nasy", "1", AY_E_UNAUTHORIZED, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(send(t, cases[i].to, cases[i].denom, cases[i].amount), cases[i].code);
        if (cases[i].reason) assert_string_equal(t->ledger.ctx.reason, cases[i].reason);
    }
    assert_int_equal(balance(t, alice), AY_TEST_COINS);
    assert_int_equal(balance(t, bob), AY_TEST_COINS);
}

static void test_send_second_coin_fails_whole_message_is_undone(void **state)
{
    struct ay_test *t = *state;
    struct ay_base_coin coins[2] = {{ay_slice_str("nasy"), ay_slice_str("5")},
                                    {ay_slice_str("zzz"), ay_slice_str("5")}};
    struct ay_bank_msg_send msg = {.from_address = ay_slice_str(alice_text),
                                   .to_address = ay_slice_str(bob_text),
                                   .amount = coins,
                                   .amount_count = 2};
    assert_int_equal(ay_test_run(t, &ay_bank_msg_send_msg, &msg, NULL), AY_E_FUNDS);
    assert_int_equal(balance(t, alice), AY_TEST_COINS);
    struct ay_base_coin first = coins[0];
    coins[0] = coins[1];
    coins[1] = first;
    assert_int_equal(ay_test_run(t, &ay_bank_msg_send_msg, &msg, NULL), AY_E_COINS);
    msg.amount_count = 0;
    assert_int_equal(ay_test_run(t, &ay_bank_msg_send_msg, &msg, NULL), AY_E_COINS);
}

static void test_mint_and_burn_are_counted_in_the_supply(void **state)
{
    struct ay_test *t = *state;
    struct ay_ctx *ctx = ay_test_ctx(t);
    struct ay_bank_supply supply;
    assert_int_equal(ay_bank_mint(ctx, bob, 70), AY_OK);
    assert_int_equal(ay_bank_burn(ctx, alice, 30), AY_OK);
    assert_int_equal(ay_bank_burn(ctx, alice, AY_TEST_COINS), AY_E_FUNDS);
    assert_int_equal(ay_bank_supply_get(ctx, &supply), AY_OK);
    assert_int_equal(supply.genesis, AY_TEST_COINS * AY_TEST_NAMES);
    assert_int_equal(supply.minted, 70);
    assert_int_equal(supply.burned, 30);
    assert_int_equal(ay_bank_mint(ctx, bob, UINT64_MAX - supply.genesis - 69), AY_E_OVERFLOW);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
}

static void test_pay_fees_block_ends_proposer_receives_all(void **state)
{
    struct ay_test *t = *state;
    uint8_t fees[AY_ADDRESS_BYTES];
    ay_module_address(AY_FEES_MODULE, fees);
    assert_int_equal(ay_bank_move(ay_test_ctx(t), alice, fees, 5000), AY_OK);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
    assert_int_equal(balance(t, fees), 0);
    assert_int_equal(balance(t, t->proposer), AY_TEST_COINS + 5000);
}

/* Each way to break the books must be seen by the step and by the full form. */
static void test_conservation_broken_books_are_caught(void **state)
{
    struct ay_test *t = *state;
    for (int way = 0; way < 5; way++) {
        struct ay_ctx *ctx = ay_test_ctx(t);
        struct ay_bank_balance row = {.denom = ay_slice_str(AY_DENOM)};
        struct ay_bank_supply supply;
        memcpy(row.address, alice, sizeof alice);
        assert_int_equal(ay_row_get(ctx, &ay_bank_balance_msg, &row), AY_OK);
        assert_int_equal(ay_bank_supply_get(ctx, &supply), AY_OK);
        switch (way) {
        case 0: row.amount++; break;
        case 1:
            row.amount = 0;
            supply.burned = AY_TEST_COINS;
            break;
        case 2:
            row.denom = ay_slice_str("other");
            supply.minted = row.amount;
            break;
        case 3: supply.burned++; break;
        default: break;
        }
        if (way == 4)
            assert_int_equal(ay_row_del(ctx, &ay_bank_supply_msg, &supply), AY_OK);
        else
            assert_int_equal(ay_row_put(ctx, &ay_bank_supply_msg, &supply), AY_OK);
        assert_int_equal(ay_row_put(ctx, &ay_bank_balance_msg, &row), AY_OK);
        assert_int_equal(ay_bank_conservation_step(ctx), AY_E_INVARIANT);
        assert_int_equal(ay_bank_conservation_full(ctx), AY_E_INVARIANT);
        assert_int_equal(ay_test_block(t, 0), AY_E_INVARIANT);
        assert_non_null(strstr(t->ledger.ctx.reason, "bank/conservation: "));
    }
    assert_int_equal(ay_test_block(t, 0), AY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_send_within_balance_moves_coins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send_to_self_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send_refusals_name_their_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send_second_coin_fails_whole_message_is_undone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_mint_and_burn_are_counted_in_the_supply, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pay_fees_block_ends_proposer_receives_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_conservation_broken_books_are_caught, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
