/* What stands beside the blocks of a ledger: checks at the door, simulation, queries, genesis. */
#include "modules/test_wallet.h"

/* --- checks, simulation, queries --- */

static void test_check_runs_ahead_of_blocks(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result;
    struct wish cheap = usual(2);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(ay_ledger_check(&t->ledger, tx_of(usual(i)), 25000000, &result), AY_OK);
        assert_refused(&result, AY_OK);
    }
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(usual(1)), 0, &result), AY_OK);
    assert_refused(&result, AY_E_SEQUENCE);
    cheap.fee = 4999;
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(cheap), 25000000, &result), AY_OK);
    assert_refused(&result, AY_E_FEE);
    assert_log(&result, "insufficient fees; got: 4999nasy required: 5000nasy: insufficient fee");
    cheap.fee = 0;
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(cheap), 25000000, &result), AY_OK);
    assert_log(&result, "insufficient fees; got:  required: 5000nasy: insufficient fee");
    ay_test_reopen(t); /* as after a block */
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(usual(0)), 25000000, &result), AY_OK);
    assert_refused(&result, AY_OK);
}

static void test_check_fee_beyond_balance_is_refused_ahead(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result;
    struct wish w = usual(0);
    w.fee = COINS;
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(w), 0, &result), AY_OK);
    assert_refused(&result, AY_OK);
    assert_int_equal(ay_ledger_check(&t->ledger, tx_of(usual(1)), 0, &result), AY_OK);
    assert_refused(&result, AY_E_FUNDS);
}

static void test_check_refusals_take_no_memory(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result;
    struct ay_slice wrong = tx_of(usual(7)), broken = ay_slice(wrong.data, wrong.len - 1);
    size_t before = t->ledger.arenas.block.used;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ay_ledger_check(&t->ledger, wrong, 0, &result), AY_OK);
        assert_refused(&result, AY_E_SEQUENCE);
        assert_int_equal(ay_ledger_check(&t->ledger, broken, 0, &result), AY_OK);
        assert_refused(&result, AY_E_TX_PARSE);
    }
    assert_int_equal(t->ledger.arenas.block.used, before);
}

static struct ay_query_answer query(struct ay_test *t, const char *path, const struct ay_msg *msg,
                                    const void *request)
{
    struct ay_query_answer answer;
    assert_int_equal(
        ay_ledger_query(&t->ledger, ay_slice_str(path), encoded(msg, request), &answer), AY_OK);
    return answer;
}

/* What CosmJS sends: no signature, mode 0, an empty fee, no gas. */
static void test_simulate_unsigned_costs_what_signed_does(void **state)
{
    struct ay_test *t = *state;
    struct wish w = usual(0);
    w.unsigned_simulation = true;
    w.mode = 0;
    w.fee = 0;
    w.gas = 0;
    struct ay_tx_simulate_request request = {.tx_bytes = tx_of(w)};
    uint8_t before[32], after[32];
    ay_test_map_digest(&t->map, before);
    struct ay_query_answer answer =
        query(t, "/cosmos.tx.v1beta1.Service/Simulate", &ay_tx_simulate_request_msg, &request);
    assert_string_equal(answer.log, "");
    struct ay_tx_simulate_response response;
    assert_int_equal(
        ay_decode(&ay_tx_simulate_response_msg, answer.value, &wallet, &response, NULL), AY_OK);
    assert_int_equal(response.result.msg_responses_count, 1);
    assert_true(response.result.events_count > 3);
    uint64_t simulated = response.gas_info.gas_used;
    assert_int_equal(t->ledger.overlay.count, 0);
    assert_int_equal(t->ledger.arenas.block.used, 0);
    ay_test_map_digest(&t->map, after);
    assert_memory_equal(before, after, 32);
    struct wish real = usual(0);
    real.gas = simulated * 14 / 10; /* CosmJS multiplies by 1.4 */
    ay_test_reopen(t);
    struct ay_ledger_tx_result result = deliver(t, tx_of(real));
    assert_refused(&result, AY_OK);
    printf("simulated %llu, used %llu\n", (unsigned long long)simulated,
           (unsigned long long)result.gas_used);
}

static void test_simulate_refusals_are_unknown_request(void **state)
{
    struct ay_test *t = *state;
    struct wish w = usual(4);
    w.unsigned_simulation = true;
    struct ay_tx_simulate_request request = {.tx_bytes = tx_of(w)};
    struct ay_query_answer answer =
        query(t, "/cosmos.tx.v1beta1.Service/Simulate", &ay_tx_simulate_request_msg, &request);
    assert_int_equal(answer.code, AY_E_UNKNOWN_REQUEST);
    assert_non_null(strstr(answer.log, "account sequence mismatch, expected 0, got 4"));
    request.tx_bytes = ay_slice(NULL, 0);
    answer = query(t, "/cosmos.tx.v1beta1.Service/Simulate", &ay_tx_simulate_request_msg, &request);
    assert_int_equal(answer.code, AY_E_REQUEST);
}

static void test_query_account_and_balances(void **state)
{
    struct ay_test *t = *state;
    (void)deliver(t, tx_of(usual(0)));
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    struct ay_auth_query_account_request ask = {ay_slice_str(FROM)};
    struct ay_query_answer answer =
        query(t, "/cosmos.auth.v1beta1.Query/Account", &ay_auth_query_account_request_msg, &ask);
    struct ay_auth_query_account_response response;
    struct ay_auth_base_account account;
    assert_int_equal(
        ay_decode(&ay_auth_query_account_response_msg, answer.value, &wallet, &response, NULL),
        AY_OK);
    assert_true(ay_slice_equal(response.account.type_url,
                               ay_slice_str("/cosmos.auth.v1beta1.BaseAccount")));
    assert_int_equal(
        ay_decode(&ay_auth_base_account_msg, response.account.value, &wallet, &account, NULL),
        AY_OK);
    assert_true(ay_slice_equal(account.address, ay_slice_str(FROM)));
    assert_true(account.has_pub_key);
    assert_int_equal(account.sequence, 1);

    struct ay_bank_query_balance_request bal = {ay_slice_str(TO), ay_slice_str("nasy")};
    answer =
        query(t, "/cosmos.bank.v1beta1.Query/Balance", &ay_bank_query_balance_request_msg, &bal);
    struct ay_bank_query_balance_response held;
    assert_int_equal(
        ay_decode(&ay_bank_query_balance_response_msg, answer.value, &wallet, &held, NULL), AY_OK);
    assert_true(ay_slice_equal(held.balance.amount, ay_slice_str("1000")));

    struct ay_bank_query_all_balances_request all = {.address = ay_slice_str(FROM)};
    answer = query(t, "/cosmos.bank.v1beta1.Query/AllBalances",
                   &ay_bank_query_all_balances_request_msg, &all);
    struct ay_bank_query_all_balances_response whole;
    assert_int_equal(
        ay_decode(&ay_bank_query_all_balances_response_msg, answer.value, &wallet, &whole, NULL),
        AY_OK);
    assert_int_equal(whole.balances_count, 1);
    assert_true(ay_slice_equal(whole.balances[0].amount, ay_slice_str("9994000")));
}

static void test_query_refusals_have_the_words_clients_look_for(void **state)
{
    struct ay_test *t = *state;
    struct ay_auth_query_account_request ask = {ay_slice_str(TO)};
    struct ay_query_answer answer =
        query(t, "/cosmos.auth.v1beta1.Query/Account", &ay_auth_query_account_request_msg, &ask);
    assert_int_equal(answer.code, AY_E_NOT_FOUND);
    assert_string_equal(answer.log, "rpc error: code = NotFound desc = account " TO
                                    " not found: key not found");
    answer = query(t, "/no.such.v1.Query/Thing", &ay_auth_query_account_request_msg, &ask);
    assert_int_equal(answer.code, AY_E_UNKNOWN_REQUEST);
    assert_string_equal(answer.log, "unknown query path: unknown request");
    ask.address = ay_slice_str("cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    answer =
        query(t, "/cosmos.auth.v1beta1.Query/Account", &ay_auth_query_account_request_msg, &ask);
    assert_int_equal(answer.code, AY_E_ADDRESS);
    assert_int_equal(ay_ledger_query(&t->ledger, ay_slice_str("/cosmos.auth.v1beta1.Query/Account"),
                                     ay_slice_str("\x12\x00"), &answer),
                     AY_OK);
    assert_int_equal(answer.code, AY_E_REQUEST);
}

/* --- genesis --- */

static void test_genesis_faults_are_named(void **state)
{
    struct ay_test *t = *state;
    struct ay_genesis_account twice[2] = {{ay_slice_str(TO), 5}, {ay_slice_str(TO), 5}};
    for (int way = 0; way < 7; way++) {
        struct ay_test_map empty = {0};
        struct ay_kv kv = {&empty, ay_test_map_get, ay_test_map_next};
        struct ay_ledger ledger;
        struct ay_genesis_genesis g;
        ay_genesis_defaults(&g, way == 0 ? "Bad Chain" : CHAIN, 1);
        g.bank.accounts = twice;
        g.bank.accounts_count = 1;
        if (way == 1) g.has_ledger = false;
        if (way == 2) g.ledger.clock_step_ms = 0;
        if (way == 3) g.ledger.reserve_bytes = g.ledger.max_block_bytes;
        if (way == 4) g.has_bank = false;
        if (way == 5) g.bank.accounts_count = 2;
        twice[0].amount_nasy = way == 6 ? 0 : 5;
        const char *const want[] = {"chain_id",      "section ledger", "clock_step_ms",
                                    "reserve_bytes", "section bank",   "twice",
                                    "amount_nasy"};
        assert_int_equal(ay_ledger_open(&ledger, &economy, &kv, t->arenas), AY_OK);
        assert_false(ledger.initialised);
        assert_int_not_equal(ay_ledger_init(&ledger, &g), AY_OK);
        assert_non_null(strstr(ledger.ctx.reason, want[way]));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_check_runs_ahead_of_blocks),
        T(test_check_fee_beyond_balance_is_refused_ahead),
        T(test_check_refusals_take_no_memory),
        T(test_simulate_unsigned_costs_what_signed_does),
        T(test_simulate_refusals_are_unknown_request),
        T(test_query_account_and_balances),
        T(test_query_refusals_have_the_words_clients_look_for),
        T(test_genesis_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
