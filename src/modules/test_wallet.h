/* For tests: a wallet that signs as CosmJS does, and a ledger with the bank to send to. */
#ifndef AY_MODULES_TEST_WALLET_H
#define AY_MODULES_TEST_WALLET_H

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
#define FROM  "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38"
#define TO    "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw"
#define COINS UINT64_C(10000000)

static const char secret_hex[] = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104";
static const char key_hex[] = "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62";

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

static inline struct wish usual(uint64_t sequence)
{
    return (struct wish){.sequence = sequence,
                         .gas = 200000,
                         .fee = 5000,
                         .memo = "",
                         .amount = "1000",
                         .denom = "nasy",
                         .chain = CHAIN,
                         .to = TO,
                         .messages = 1,
                         .mode = 1,
                         .signers = 1};
}

/* The usual wish `u`, changed: WITH(w.gas = 0). */
#define WITH(...)                                                                                  \
    ({                                                                                             \
        struct wish w = u;                                                                         \
        __VA_ARGS__;                                                                               \
        w;                                                                                         \
    })

static uint8_t wallet_memory[1 << 20] __attribute__((aligned(16)));
static struct ay_arena wallet;

static inline struct ay_slice encoded(const struct ay_msg *msg, const void *in)
{
    struct ay_slice out;
    assert_int_equal(ay_encode_arena(msg, in, &wallet, &out), AY_OK);
    return out;
}

static inline struct ay_slice copied(const void *bytes, uint32_t len)
{
    struct ay_slice out;
    assert_int_equal(ay_arena_copy(&wallet, ay_slice(bytes, len), &out), AY_OK);
    return out;
}

static inline struct ay_slice body_of(const struct wish *w)
{
    struct ay_base_coin coin = {ay_slice_str(w->denom), ay_slice_str(w->amount)};
    struct ay_bank_msg_send send = {ay_slice_str(FROM), ay_slice_str(w->to), &coin, 1};
    struct ay_protobuf_any any = {
        ay_slice_str(w->other_type ? "/no.such.v1.Msg" : "/cosmos.bank.v1beta1.MsgSend"),
        encoded(&ay_bank_msg_send_msg, &send)};
    struct ay_protobuf_any all[4] = {any, any, any, any};
    struct ay_tx_tx_body body = {.messages = all,
                                 .messages_count = w->messages,
                                 .memo = ay_slice_str(w->memo),
                                 .timeout_height = w->timeout,
                                 .unordered = w->unordered,
                                 .extension_options = all,
                                 .extension_options_count = w->extension};
    return encoded(&ay_tx_tx_body_msg, &body);
}

static inline struct ay_slice auth_of(const struct wish *w)
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
    struct ay_tx_auth_info auth = {.signer_infos = infos,
                                   .signer_infos_count = w->signers,
                                   .has_fee = !w->no_fee,
                                   .fee = {.amount = &coin,
                                           .amount_count = w->fee != 0,
                                           .gas_limit = w->gas,
                                           .granter = ay_slice_str(w->grant ? TO : "")}};
    return encoded(&ay_tx_auth_info_msg, &auth);
}

static inline struct ay_slice tx_of(struct wish w)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    ay_test_free(*state);
    return 0;
}

static inline struct ay_ledger_tx_result deliver(struct ay_test *t, struct ay_slice raw)
{
    struct ay_ledger_tx_result result;
    ay_test_begin(t, 1000);
    assert_int_equal(ay_ledger_deliver(&t->ledger, raw, &result), AY_OK);
    return result;
}

static inline void assert_log(const struct ay_ledger_tx_result *result, const char *log)
{
    char got[1025] = "";
    if (result->log.len) memcpy(got, result->log.data, result->log.len);
    assert_string_equal(got, log);
}

static inline void assert_refused(const struct ay_ledger_tx_result *result, enum ay_code code)
{
    const struct ay_code_info *info = ay_code_info(code);
    if (result->code != info->wire)
        print_error("%.*s\n", (int)result->log.len, (const char *)result->log.data);
    assert_int_equal(result->code, info->wire);
    assert_true(ay_slice_equal(result->codespace, ay_slice_str(info->codespace)));
}

static inline uint64_t balance(struct ay_test *t, const uint8_t *address)
{
    uint64_t amount;
    assert_int_equal(ay_bank_balance(ay_test_ctx(t), address, &amount), AY_OK);
    return amount;
}

static inline uint64_t sequence(struct ay_test *t)
{
    struct ay_ledger_account account;
    assert_int_equal(ay_account_get(ay_test_ctx(t), from, &account), AY_OK);
    return account.sequence;
}

#endif
