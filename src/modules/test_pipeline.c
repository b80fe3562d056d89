/* Transactions as wallets send them, through a whole ledger with the bank: vectors of CosmJS, every
 * refusal with the code and text that clients read, fees, sequences, gas, blocks. */
#include "modules/test_wallet.h"

/* body, auth_info and signature of V1: number 7, sequence 3, memo "hi", fee 5000nasy, gas 200000 */
static const char v1_hex[] = "0a94010a8d010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656"
                             "e64126d0a2c61737361793139726c"
                             "34636d32686d7238616679346b6c6470787a33666b61346a677571306171796c79333"
                             "8122c617373617931717971737a71"
                             "6770717971737a716770717971737a716770717971737a71677077686e3872771a0f0"
                             "a046e617379120731303030303030"
                             "1202686912660a500a460a1f2f636f736d6f732e63727970746f2e736563703235366"
                             "b312e5075624b657912230a21024f"
                             "4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b6212040a0"
                             "20801180312120a0c0a046e617379"
                             "12043530303010c09a0c1a401cbbd4e03556408f55e0f2eb1c8474a05cc4ec57a9d07"
                             "d56b03509c5bcec45610f00cbc6f0"
                             "ae177d6f4d8bbc453d06af37544b45e37630759bca66a260375be9";

/* --- delivered --- */

static void test_deliver_vector_of_cosmjs_is_accepted(void **state)
{
    struct ay_test *t = *state;
    uint8_t raw[sizeof v1_hex / 2], hash[32];
    from_hex(v1_hex, raw);
    ay_sha256(ay_slice(raw, sizeof raw), hash);
    assert_hex(hash, "e838fcd88a63a2acfa5e5e537000bd92522535a18d5e6fcd14eebd7f545e9711");
    /* The vector's account has number 7 and sequence 3. */
    struct ay_ledger_account account;
    struct ay_ctx *ctx = ay_test_ctx(t);
    assert_int_equal(ay_account_get(ctx, from, &account), AY_OK);
    account.number = 7;
    account.sequence = 3;
    assert_int_equal(ay_row_put(ctx, &ay_ledger_account_msg, &account), AY_OK);
    struct ay_ledger_tx_result result = deliver(t, ay_slice(raw, sizeof raw));
    assert_log(&result, "");
    assert_refused(&result, AY_OK);
    assert_int_equal(balance(t, to), 1000000);
    assert_int_equal(result.data.len, 40);
    assert_hex(result.data.data,
               "12260a242f636f736d6f732e62616e6b2e763162657461312e4d736753656e64526573706f6e7365");
    assert_int_equal(result.gas_wanted, 200000);
}

static void test_deliver_same_wish_signs_to_the_vector(void **state)
{
    (void)state;
    struct wish w = usual(3);
    w.number = 7;
    w.memo = "hi";
    w.amount = "1000000";
    struct ay_slice raw = tx_of(w);
    uint8_t want[sizeof v1_hex / 2];
    from_hex(v1_hex, want);
    assert_int_equal(raw.len, sizeof want);
    assert_memory_equal(raw.data, want, sizeof want);
    w = usual(0);
    w.amount = "1000000";
    w.fee = 0;
    uint8_t hash[32];
    ay_sha256(tx_of(w), hash);
    assert_hex(hash, "f0a50d7b14cda2ef019cd728a50a43e03daf6e4ccf15a4124f997b5c5afb841c");
}

static void test_deliver_success_moves_coins_fee_and_sequence(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result = deliver(t, tx_of(usual(0)));
    assert_refused(&result, AY_OK);
    assert_int_equal(balance(t, from), COINS - 6000);
    assert_int_equal(balance(t, to), 1000);
    assert_int_equal(sequence(t), 1);
    printf("gas of the first MsgSend: %llu\n", (unsigned long long)result.gas_used);
    assert_in_range(result.gas_used, 60000, 90000);
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    assert_int_equal(balance(t, t->proposer), 5000);
    struct wish again = usual(1);
    again.no_key = true; /* known by now */
    result = deliver(t, tx_of(again));
    assert_refused(&result, AY_OK);
    printf("gas of a later MsgSend: %llu\n", (unsigned long long)result.gas_used);
    assert_in_range(result.gas_used, 60000, 90000);
    assert_int_equal(ay_test_block(t, 0), AY_OK);
}

static void test_deliver_failing_message_keeps_fee_and_sequence(void **state)
{
    struct ay_test *t = *state;
    struct wish w = usual(0);
    w.messages = 3;
    w.amount = "4000000"; /* two of three fit */
    w.gas = 400000;
    struct ay_ledger_tx_result result = deliver(t, tx_of(w));
    assert_refused(&result, AY_E_FUNDS);
    assert_log(&result,
               "failed to execute message; message index: 2: spendable balance 1995000nasy is "
               "smaller than 4000000nasy: insufficient funds");
    assert_int_equal(balance(t, from), COINS - 5000);
    assert_int_equal(balance(t, to), 0);
    assert_int_equal(sequence(t), 1);
    assert_int_equal(result.data.len, 0);
    for (uint32_t i = 0; i < result.events_count; i++) /* those of the messages are gone */
        assert_false(ay_slice_equal(result.events[i].type, ay_slice_str("message")));
    assert_int_equal(ay_test_block(t, 0), AY_OK);
}

static void test_deliver_out_of_gas_in_message_keeps_fee(void **state)
{
    struct ay_test *t = *state;
    struct wish w = usual(0);
    w.gas = 60000;
    struct ay_ledger_tx_result result = deliver(t, tx_of(w));
    assert_refused(&result, AY_E_OUT_OF_GAS);
    assert_true(result.gas_used > 60000);
    assert_int_equal(balance(t, from), COINS - 5000);
    assert_int_equal(sequence(t), 1);
    w = usual(1);
    w.gas = 5000; /* not enough for its own bytes: nothing is kept */
    result = deliver(t, tx_of(w));
    assert_refused(&result, AY_E_OUT_OF_GAS);
    assert_int_equal(sequence(t), 1);
    assert_int_equal(ay_test_block(t, 0), AY_OK);
}

static bool has_attribute(const struct ay_ledger_tx_result *r, const char *type, const char *key,
                          const char *value)
{
    for (uint32_t i = 0; i < r->events_count; i++) {
        if (!ay_slice_equal(r->events[i].type, ay_slice_str(type))) continue;
        for (uint32_t j = 0; j < r->events[i].attributes_count; j++)
            if (ay_slice_equal(r->events[i].attributes[j].key, ay_slice_str(key)) &&
                ay_slice_equal(r->events[i].attributes[j].value, ay_slice_str(value)) &&
                r->events[i].attributes[j].index)
                return true;
    }
    return false;
}

static void test_deliver_emits_what_wallets_search_for(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result = deliver(t, tx_of(usual(0)));
    const char *const want[][3] = {
        {"tx", "fee", "5000nasy"},
        {"tx", "fee_payer", FROM},
        {"tx", "acc_seq", FROM "/0"},
        {"message", "action", "/cosmos.bank.v1beta1.MsgSend"},
        {"message", "sender", FROM},
        {"message", "module", "bank"},
        {"message", "msg_index", "0"},
        {"coin_spent", "spender", FROM},
        {"coin_spent", "amount", "1000nasy"},
        {"coin_received", "receiver", TO},
        {"transfer", "recipient", TO},
        {"transfer", "sender", FROM},
        {"transfer", "amount", "1000nasy"},
        {"transfer", "msg_index", "0"},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(has_attribute(&result, want[i][0], want[i][1], want[i][2]));
}

struct refusal {
    struct wish wish;
    enum ay_code code;
    const char *log; /* NULL: not looked at */
};

static void check_refusals(struct ay_test *t, const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ay_ledger_tx_result result = deliver(t, tx_of(cases[i].wish));
        assert_refused(&result, cases[i].code);
        if (cases[i].log) assert_log(&result, cases[i].log);
        assert_int_equal(sequence(t), 0);
        assert_int_equal(balance(t, from), COINS);
        assert_int_equal(result.events_count == 0 || result.gas_used > 0, true);
    }
}

#define NOT_VERIFIED(chain)                                                                        \
    "signature verification failed; please verify account number (0) and chain-id (" chain         \
    "): unable to verify single signer signature: unauthorized"

static void test_deliver_refusals_before_messages_change_nothing(void **state)
{
    struct ay_test *t = *state;
    struct wish u = usual(0);
    const struct refusal cases[] = {
        {WITH(w.sequence = 999), AY_E_SEQUENCE,
         "account sequence mismatch, expected 0, got 999: incorrect account sequence"},
        {WITH(w.chain = "other-1"), AY_E_UNAUTHORIZED, NOT_VERIFIED(CHAIN)},
        {WITH(w.number = 1), AY_E_UNAUTHORIZED, NOT_VERIFIED(CHAIN)},
        {WITH(w.mode = 127), AY_E_UNAUTHORIZED, "only SIGN_MODE_DIRECT is supported: unauthorized"},
        {WITH(w.mode = 0), AY_E_UNAUTHORIZED, NULL},
        {WITH(w.unsigned_simulation = true), AY_E_UNAUTHORIZED, NOT_VERIFIED(CHAIN)},
        {WITH(w.gas = 0), AY_E_GAS_LIMIT, "must provide positive gas: invalid gas limit"},
        {WITH(w.gas = 500000001), AY_E_GAS_LIMIT, NULL},
        {WITH(w.gas = UINT64_MAX), AY_E_GAS_LIMIT, NULL},
        {WITH(w.fee = COINS + 1), AY_E_FUNDS,
         "spendable balance 10000000nasy is smaller than 10000001nasy: insufficient funds"},
        {WITH(w.no_key = true), AY_E_PUBKEY, "pubkey on account is not set: invalid pubkey"},
        {WITH(w.unordered = true), AY_E_UNORDERED, NULL},
        {WITH(w.extension = true), AY_E_EXTENSION, NULL},
        {WITH(w.no_fee = true), AY_E_REQUEST, NULL},
        {WITH(w.grant = true), AY_E_REQUEST, NULL},
        {WITH(w.messages = 0), AY_E_REQUEST, "must contain at least one message: invalid request"},
        {WITH(w.signers = 0), AY_E_UNAUTHORIZED, "no signatures supplied: unauthorized"},
        {WITH(w.signers = 2), AY_E_UNAUTHORIZED,
         "wrong number of signers; expected 1, got 2: unauthorized"},
        {WITH(w.other_type = true), AY_E_TX_PARSE,
         "unable to resolve type URL /no.such.v1.Msg: tx parse error"},
        {WITH(w.amount = "0"), AY_E_COINS, NULL},
    };
    check_refusals(t, cases, sizeof cases / sizeof *cases);
}

static void test_deliver_memo_and_timeout_limits_hold(void **state)
{
    struct ay_test *t = *state;
    struct wish u = usual(0);
    char memo[258];
    memset(memo, 'm', sizeof memo);
    memo[257] = 0;
    ay_test_wait(t, 3000);
    const struct refusal cases[] = {
        {WITH(w.memo = memo), AY_E_MEMO_LARGE,
         "maximum number of characters is 256 but received 257 characters: memo too large"},
        {WITH(w.timeout = 3), AY_E_TIMEOUT_HEIGHT,
         "block height: 4, timeout height: 3: tx timeout height"},
    };
    check_refusals(t, cases, 2);
    struct wish last = WITH(w.timeout = 4);
    struct ay_ledger_tx_result result = deliver(t, tx_of(last));
    assert_refused(&result, AY_OK);
}

static void test_deliver_unknown_signer_is_refused(void **state)
{
    struct ay_test *t = *state;
    struct ay_ledger_tx_result result;
    struct ay_genesis_genesis genesis;
    char someone[AY_ADDRESS_TEXT_CHARS + 1];
    uint8_t address[20];
    ay_test_address("someone", address, someone);
    struct ay_genesis_account account = {ay_slice_str(someone), COINS};
    ay_genesis_defaults(&genesis, CHAIN, AY_TEST_START_MS);
    genesis.bank.accounts = &account;
    genesis.bank.accounts_count = 1;
    struct ay_test *other = ay_test_new(&economy, &genesis);
    result = deliver(other, tx_of(usual(0)));
    assert_refused(&result, AY_E_UNKNOWN_ADDRESS);
    assert_log(&result, "account " FROM " does not exist: unknown address");
    ay_test_free(other);
    (void)t;
}

static void test_deliver_replay_is_refused(void **state)
{
    struct ay_test *t = *state;
    struct ay_slice raw = tx_of(usual(0));
    struct ay_ledger_tx_result result = deliver(t, raw);
    assert_refused(&result, AY_OK);
    result = deliver(t, raw);
    assert_refused(&result, AY_E_SEQUENCE);
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    result = deliver(t, raw);
    assert_refused(&result, AY_E_SEQUENCE);
}

/* Every byte of a good transaction changed in turn, and every cut: none of them may pass, none may
 * change anything. */
static void test_deliver_mutated_bytes_are_refused(void **state)
{
    struct ay_test *t = *state;
    struct ay_slice good = tx_of(usual(0));
    for (uint32_t i = 0; i < good.len; i++) {
        size_t mark = wallet.used;
        struct ay_slice bad = copied(good.data, good.len);
        ((uint8_t *)(uintptr_t)bad.data)[i] ^= (uint8_t)(1u << (i % 8));
        struct ay_ledger_tx_result result = deliver(t, bad);
        assert_int_not_equal(result.code, 0);
        result = deliver(t, ay_slice(good.data, i));
        assert_int_not_equal(result.code, 0);
        ay_arena_rewind(&wallet, mark);
    }
    assert_int_equal(sequence(t), 0);
    assert_int_equal(balance(t, from), COINS);
    struct ay_ledger_tx_result result = deliver(t, good);
    assert_refused(&result, AY_OK);
}

static void test_deliver_explicit_default_names_the_field(void **state)
{
    struct ay_test *t = *state;
    struct ay_slice good = tx_of(usual(0));
    uint8_t bad[600];
    memcpy(bad, good.data, good.len);
    memcpy(bad + good.len, "\x1a\x00\x1a\x00", 4);
    struct ay_ledger_tx_result result = deliver(t, ay_slice(bad, good.len + 4));
    assert_refused(&result,
                   AY_E_UNAUTHORIZED); /* three signatures are canonical, but two too many */
    memcpy(bad + good.len, "\x20\x00", 2);
    result = deliver(t, ay_slice(bad, good.len + 2));
    assert_refused(&result, AY_E_TX_PARSE);
    assert_non_null(memmem(result.log.data, result.log.len, "cosmos.tx.v1beta1.TxRaw", 23));
    assert_non_null(memmem(result.log.data, result.log.len, "field 4", 7));
}

/* --- blocks --- */

static void test_block_full_leaves_transactions_out(void **state)
{
    struct ay_test *t = *state;
    t->ledger.params.max_block_bytes = 3000;
    t->ledger.params.reserve_bytes = 2000;
    struct ay_ledger_tx_result result;
    ay_test_begin(t, 1000);
    uint32_t taken = 0;
    while (ay_ledger_deliver(&t->ledger, tx_of(usual(taken)), &result) == AY_OK) {
        assert_refused(&result, AY_OK);
        taken++;
    }
    assert_int_equal(taken, 1000 / tx_of(usual(1)).len);
    assert_int_equal(sequence(t), taken);
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    t->ledger.params.max_block_gas = 300000;
    ay_test_begin(t, 1000);
    assert_int_equal(ay_ledger_deliver(&t->ledger, tx_of(usual(taken)), &result), AY_OK);
    assert_int_equal(ay_ledger_deliver(&t->ledger, tx_of(usual(taken + 1)), &result), AY_E_LIMIT);
}

static void test_block_clock_is_bounded_and_stands_still(void **state)
{
    struct ay_test *t = *state;
    uint64_t start = t->ledger.ctx.now_ms, step = t->ledger.params.clock_step_ms;
    assert_int_equal(ay_test_block(t, 700), AY_OK);
    assert_int_equal(t->ledger.ctx.now_ms, start + 700);
    assert_int_equal(ay_test_block(t, 1000000), AY_OK);
    assert_int_equal(t->ledger.ctx.now_ms, start + 700 + step);
    /* After a block whose reserve was full it does not go on. */
    ay_test_begin(t, 1000);
    t->ledger.reserved_bytes = t->ledger.params.reserve_bytes;
    uint64_t now = t->ledger.ctx.now_ms;
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
    assert_int_equal(t->ledger.ctx.now_ms, now);
    assert_int_equal(ay_test_block(t, 1000), AY_OK);
    assert_int_equal(t->ledger.ctx.now_ms, now + 1000);
    assert_int_equal(ay_ledger_begin(&t->ledger, t->ledger.last_height + 2, t->time_ms, from),
                     AY_E_RANGE);
    assert_int_equal(ay_ledger_begin(&t->ledger, t->ledger.last_height + 1, t->time_ms - 1, from),
                     AY_E_RANGE);
}

static void test_block_broken_account_stops_the_ledger(void **state)
{
    struct ay_test *t = *state;
    for (int way = 0; way < 4; way++) {
        struct ay_ctx *ctx = ay_test_ctx(t);
        struct ay_ledger_account account;
        assert_int_equal(ay_account_get(ctx, from, &account), AY_OK);
        if (way == 0) { /* the sequence rises here, to fall below */
            account.sequence = 1;
            assert_int_equal(ay_row_put(ctx, &ay_ledger_account_msg, &account), AY_OK);
            assert_int_equal(ay_test_block(t, 0), AY_OK);
            continue;
        }
        if (way == 1) account.sequence = 0;
        if (way == 2) account.number = 5;
        if (way == 3)
            assert_int_equal(ay_row_del(ctx, &ay_ledger_account_msg, &account), AY_OK);
        else
            assert_int_equal(ay_row_put(ctx, &ay_ledger_account_msg, &account), AY_OK);
        assert_int_equal(ay_test_block(t, 0), AY_E_INVARIANT);
        assert_non_null(strstr(t->ledger.ctx.reason, "auth/accounts: "));
    }
}

static void test_block_twin_account_number_is_caught_in_full(void **state)
{
    struct ay_test *t = *state;
    struct ay_ctx *ctx = ay_test_ctx(t);
    struct ay_ledger_account twin = {.number = 0};
    memcpy(twin.address, to, sizeof to);
    assert_int_equal(ay_row_put(ctx, &ay_ledger_account_msg, &twin), AY_OK);
    assert_int_equal(ay_test_block(t, 0), AY_E_INVARIANT);
    assert_non_null(strstr(t->ledger.ctx.reason, "auth/accounts: "));
}

static void test_block_same_stream_gives_same_state(void **state)
{
    (void)state;
    uint8_t digests[2][32];
    for (int run = 0; run < 2; run++) {
        void *s;
        setup(&s);
        struct ay_test *t = s;
        for (uint64_t i = 0; i < 20; i++) {
            struct wish w = usual(i);
            w.amount = i % 5 == 4 ? "99999999999" : "10";
            (void)deliver(t, tx_of(w));
            if (i % 3 == 2) assert_int_equal(ay_test_block(t, 0), AY_OK);
        }
        assert_int_equal(ay_test_block(t, 0), AY_OK);
        ay_test_map_digest(&t->map, digests[run]);
        ay_test_free(t);
    }
    assert_memory_equal(digests[0], digests[1], 32);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_deliver_vector_of_cosmjs_is_accepted),
        T(test_deliver_same_wish_signs_to_the_vector),
        T(test_deliver_success_moves_coins_fee_and_sequence),
        T(test_deliver_failing_message_keeps_fee_and_sequence),
        T(test_deliver_out_of_gas_in_message_keeps_fee),
        T(test_deliver_emits_what_wallets_search_for),
        T(test_deliver_refusals_before_messages_change_nothing),
        T(test_deliver_memo_and_timeout_limits_hold),
        T(test_deliver_unknown_signer_is_refused),
        T(test_deliver_replay_is_refused),
        T(test_deliver_mutated_bytes_are_refused),
        T(test_deliver_explicit_default_names_the_field),
        T(test_block_full_leaves_transactions_out),
        T(test_block_clock_is_bounded_and_stands_still),
        T(test_block_broken_account_stops_the_ledger),
        T(test_block_twin_account_number_is_caught_in_full),
        T(test_block_same_stream_gives_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
