/* Transactions as wallets send them, through a whole ledger with the bank: vectors of CosmJS, every
 * refusal with the code and text that clients read, fees, sequences, gas, checks and simulation. */
#include "base/codec.h"
#include "base/gen/auth.h"
#include "base/gen/base_abci.h"
#include "base/gen/crypto_secp256k1.h"
#include "base/gen/tx.h"
#include "crypto/secp256k1.h"
#include "crypto/testing.h"
#include "ledger/account.h"
#include "ledger/test_kv.h"
#include "modules/bank/verbs.h"

static const struct ay_module *const modules[] = {&ay_bank_module, NULL};
static const struct ay_economy economy = {modules, ay_bank_move};

#define CHAIN "assay-test-1"
#define FROM "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38"
#define TO "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw"
#define COINS UINT64_C(10000000)

static const char secret_hex[] = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104";
static const char key_hex[] = "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62";

/* body, auth_info and signature of V1: number 7, sequence 3, memo "hi", fee 5000nasy, gas 200000 */
static const char v1_hex[] =
    "0a94010a8d010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656e64126d0a2c61737361793139726c"
    "34636d32686d7238616679346b6c6470787a33666b61346a677571306171796c793338122c617373617931717971737a71"
    "6770717971737a716770717971737a716770717971737a71677077686e3872771a0f0a046e617379120731303030303030"
    "1202686912660a500a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21024f"
    "4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b6212040a020801180312120a0c0a046e617379"
    "12043530303010c09a0c1a401cbbd4e03556408f55e0f2eb1c8474a05cc4ec57a9d07d56b03509c5bcec45610f00cbc6f0"
    "ae177d6f4d8bbc453d06af37544b45e37630759bca66a260375be9";

static uint8_t from[AY_ADDRESS_BYTES], to[AY_ADDRESS_BYTES];

/* --- a wallet --- */

struct wish {
    uint64_t number, sequence, gas, fee;
    const char *memo, *amount, *denom, *chain, *to;
    uint64_t timeout;
    uint32_t messages, mode, signers;
    bool no_key, no_fee, unordered, extension, other_type, grant;
    bool unsigned_simulation;
};

static struct wish usual(uint64_t sequence)
{
    return (struct wish){.sequence = sequence, .gas = 200000, .fee = 5000, .memo = "", .amount = "1000",
                         .denom = "nasy", .chain = CHAIN, .to = TO, .messages = 1, .mode = 1,
                         .signers = 1};
}

static uint8_t wallet_memory[1 << 20] __attribute__((aligned(16)));
static struct ay_arena wallet;

static struct ay_slice encoded(const struct ay_msg *msg, const void *in)
{
    struct ay_slice out;
    assert_int_equal(ay_encode_arena(msg, in, &wallet, &out), AY_OK);
    return out;
}

static struct ay_slice copied(const void *bytes, uint32_t len)
{
    struct ay_slice out;
    assert_int_equal(ay_arena_copy(&wallet, ay_slice(bytes, len), &out), AY_OK);
    return out;
}

static struct ay_slice body_of(const struct wish *w)
{
    struct ay_base_coin coin = {ay_slice_str(w->denom), ay_slice_str(w->amount)};
    struct ay_bank_msg_send send = {ay_slice_str(FROM), ay_slice_str(w->to), &coin, 1};
    struct ay_protobuf_any any = {
        ay_slice_str(w->other_type ? "/no.such.v1.Msg" : "/cosmos.bank.v1beta1.MsgSend"),
        encoded(&ay_bank_msg_send_msg, &send)};
    struct ay_protobuf_any all[4] = {any, any, any, any};
    struct ay_tx_tx_body body = {.messages = all, .messages_count = w->messages,
                                 .memo = ay_slice_str(w->memo), .timeout_height = w->timeout,
                                 .unordered = w->unordered, .extension_options = all,
                                 .extension_options_count = w->extension};
    return encoded(&ay_tx_tx_body_msg, &body);
}

static struct ay_slice auth_of(const struct wish *w)
{
    struct ay_crypto_secp256k1_pub_key key;
    from_hex(key_hex, key.key);
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)w->fee);
    struct ay_base_coin coin = {ay_slice_str("nasy"), ay_slice_str(digits)};
    struct ay_tx_signer_info info = {
        .has_public_key = !w->no_key,
        .public_key = {ay_slice_str("/cosmos.crypto.secp256k1.PubKey"),
                       encoded(&ay_crypto_secp256k1_pub_key_msg, &key)},
        .has_mode_info = true,
        .mode_info = {.has_single = true, .single = {w->mode}},
        .sequence = w->sequence};
    struct ay_tx_signer_info infos[2] = {info, info};
    struct ay_tx_auth_info auth = {.signer_infos = infos, .signer_infos_count = w->signers,
                                   .has_fee = !w->no_fee,
                                   .fee = {.amount = &coin, .amount_count = w->fee != 0,
                                           .gas_limit = w->gas,
                                           .granter = ay_slice_str(w->grant ? TO : "")}};
    return encoded(&ay_tx_auth_info_msg, &auth);
}

static struct ay_slice tx_of(struct wish w)
{
    struct ay_tx_sign_doc doc = {body_of(&w), auth_of(&w), ay_slice_str(w.chain), w.number};
    uint8_t secret[32], digest[32], sig[64];
    from_hex(secret_hex, secret);
    ay_sha256(encoded(&ay_tx_sign_doc_msg, &doc), digest);
    assert_int_equal(ay_secp256k1_sign(secret, digest, sig), AY_OK);
    struct ay_slice signature = ay_slice(sig, w.unsigned_simulation ? 0 : 64);
    struct ay_slice both[2] = {signature, signature};
    struct ay_tx_tx_raw raw = {doc.body_bytes, doc.auth_info_bytes, both, w.signers};
    return encoded(&ay_tx_tx_raw_msg, &raw);
}

/* --- the ledger --- */

static int setup(void **state)
{
    wallet = ay_arena_over(wallet_memory, sizeof wallet_memory);
    assert_int_equal(ay_address_parse(ay_slice_str(FROM), from), AY_OK);
    assert_int_equal(ay_address_parse(ay_slice_str(TO), to), AY_OK);
    struct ay_genesis_genesis genesis;
    struct ay_genesis_account account = {ay_slice_str(FROM), COINS};
    ay_genesis_defaults(&genesis, CHAIN, AY_TEST_START_MS);
    genesis.bank.accounts = &account;
    genesis.bank.accounts_count = 1;
    *state = ay_test_new(&economy, &genesis);
    return 0;
}

static int teardown(void **state)
{
    ay_test_free(*state);
    return 0;
}

static struct ay_ledger_tx_result deliver(struct ay_test *t, struct ay_slice raw)
{
    struct ay_ledger_tx_result result;
    ay_test_begin(t, 1000);
    assert_int_equal(ay_ledger_deliver(&t->ledger, raw, &result), AY_OK);
    return result;
}

static void assert_log(const struct ay_ledger_tx_result *result, const char *log)
{
    char got[1025] = "";
    memcpy(got, result->log.data, result->log.len);
    assert_string_equal(got, log);
}

static void assert_refused(const struct ay_ledger_tx_result *result, enum ay_code code)
{
    const struct ay_code_info *info = ay_code_info(code);
    if (result->code != info->wire) print_error("%.*s\n", (int)result->log.len, (const char *)result->log.data);
    assert_int_equal(result->code, info->wire);
    assert_true(ay_slice_equal(result->codespace, ay_slice_str(info->codespace)));
}

static uint64_t balance(struct ay_test *t, const uint8_t *address)
{
    uint64_t amount;
    assert_int_equal(ay_bank_balance(ay_test_ctx(t), address, &amount), AY_OK);
    return amount;
}

static uint64_t sequence(struct ay_test *t)
{
    struct ay_ledger_account account;
    assert_int_equal(ay_account_get(ay_test_ctx(t), from, &account), AY_OK);
    return account.sequence;
}

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
    assert_log(&result, "failed to execute message; message index: 2: spendable balance 1995000nasy is "
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

#define NOT_VERIFIED(chain)                                                               \
    "signature verification failed; please verify account number (0) and chain-id (" chain \
    "): unable to verify single signer signature: unauthorized"

static void test_deliver_refusals_before_messages_change_nothing(void **state)
{
    struct ay_test *t = *state;
    struct wish u = usual(0);
#define WITH(...) ({ struct wish w = u; __VA_ARGS__; w; })
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
        {WITH(w.signers = 2), AY_E_UNAUTHORIZED, "wrong number of signers; expected 1, got 2: unauthorized"},
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
        {WITH(w.timeout = 3), AY_E_TIMEOUT_HEIGHT, "block height: 4, timeout height: 3: tx timeout height"},
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
    assert_refused(&result, AY_E_UNAUTHORIZED); /* three signatures are canonical, but two too many */
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
    assert_int_equal(ay_ledger_begin(&t->ledger, t->ledger.last_height + 2, t->time_ms, from), AY_E_RANGE);
    assert_int_equal(ay_ledger_begin(&t->ledger, t->ledger.last_height + 1, t->time_ms - 1, from), AY_E_RANGE);
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

static struct ay_query_answer query(struct ay_test *t, const char *path, const struct ay_msg *msg,
                                    const void *request)
{
    struct ay_query_answer answer;
    assert_int_equal(ay_ledger_query(&t->ledger, ay_slice_str(path), encoded(msg, request), &answer), AY_OK);
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
    assert_int_equal(ay_decode(&ay_tx_simulate_response_msg, answer.value, &wallet, &response, NULL), AY_OK);
    assert_int_equal(response.result.msg_responses_count, 1);
    assert_true(response.result.events_count > 3);
    uint64_t simulated = response.gas_info.gas_used;
    assert_int_equal(t->ledger.overlay.count, 0);
    ay_test_map_digest(&t->map, after);
    assert_memory_equal(before, after, 32);
    struct wish real = usual(0);
    real.gas = simulated * 14 / 10; /* CosmJS multiplies by 1.4 */
    ay_test_reopen(t);
    struct ay_ledger_tx_result result = deliver(t, tx_of(real));
    assert_refused(&result, AY_OK);
    printf("simulated %llu, used %llu\n", (unsigned long long)simulated, (unsigned long long)result.gas_used);
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
    assert_int_equal(ay_decode(&ay_auth_query_account_response_msg, answer.value, &wallet, &response, NULL), AY_OK);
    assert_true(ay_slice_equal(response.account.type_url, ay_slice_str("/cosmos.auth.v1beta1.BaseAccount")));
    assert_int_equal(ay_decode(&ay_auth_base_account_msg, response.account.value, &wallet, &account, NULL), AY_OK);
    assert_true(ay_slice_equal(account.address, ay_slice_str(FROM)));
    assert_true(account.has_pub_key);
    assert_int_equal(account.sequence, 1);

    struct ay_bank_query_balance_request bal = {ay_slice_str(TO), ay_slice_str("nasy")};
    answer = query(t, "/cosmos.bank.v1beta1.Query/Balance", &ay_bank_query_balance_request_msg, &bal);
    struct ay_bank_query_balance_response held;
    assert_int_equal(ay_decode(&ay_bank_query_balance_response_msg, answer.value, &wallet, &held, NULL), AY_OK);
    assert_true(ay_slice_equal(held.balance.amount, ay_slice_str("1000")));

    struct ay_bank_query_all_balances_request all = {.address = ay_slice_str(FROM)};
    answer = query(t, "/cosmos.bank.v1beta1.Query/AllBalances", &ay_bank_query_all_balances_request_msg, &all);
    struct ay_bank_query_all_balances_response whole;
    assert_int_equal(ay_decode(&ay_bank_query_all_balances_response_msg, answer.value, &wallet, &whole, NULL), AY_OK);
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
    assert_string_equal(answer.log, "rpc error: code = NotFound desc = account " TO " not found: key not found");
    answer = query(t, "/no.such.v1.Query/Thing", &ay_auth_query_account_request_msg, &ask);
    assert_int_equal(answer.code, AY_E_UNKNOWN_REQUEST);
    assert_string_equal(answer.log, "unknown query path: unknown request");
    ask.address = ay_slice_str("cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    answer = query(t, "/cosmos.auth.v1beta1.Query/Account", &ay_auth_query_account_request_msg, &ask);
    assert_int_equal(answer.code, AY_E_ADDRESS);
    assert_int_equal(ay_ledger_query(&t->ledger, ay_slice_str("/cosmos.auth.v1beta1.Query/Account"),
                                     ay_slice_str("\x12\x00"), &answer), AY_OK);
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
        const char *const want[] = {"chain_id", "section ledger", "clock_step_ms", "reserve_bytes",
                                    "section bank", "twice", "amount_nasy"};
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
        T(test_check_runs_ahead_of_blocks),
        T(test_check_fee_beyond_balance_is_refused_ahead),
        T(test_simulate_unsigned_costs_what_signed_does),
        T(test_simulate_refusals_are_unknown_request),
        T(test_query_account_and_balances),
        T(test_query_refusals_have_the_words_clients_look_for),
        T(test_genesis_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
