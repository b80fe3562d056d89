#include "signing.h"

#include "base/codec.h"
#include "base/gen/bank.h"
#include "base/gen/crypto_secp256k1.h"
#include "base/gen/tx.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_MSGS         8
#define SEND_GAS         100000
#define SEND_FEE_NASY    2500 /* 0.025nasy a unit of gas */
#define SIGN_MODE_DIRECT 1

void account_init(struct account *account, uint32_t index)
{
    uint8_t number[4];
    struct ay_slice parts[2] = {ay_slice_str("assay/test-key/"), ay_slice(number, sizeof number)};
    memset(account, 0, sizeof *account);
    ay_put_be32(number, index);
    ay_sha256_parts(parts, 2, account->seckey);
    enum ay_code code = ay_secp256k1_pubkey(account->seckey, account->pubkey);
    AY_ASSERT(code == AY_OK);
    ay_address_of(account->pubkey, account->address);
    ay_address_encode(account->address, account->text);
}

static struct ay_slice encoded(const struct ay_msg *msg, const void *value, struct ay_arena *arena)
{
    struct ay_slice out;
    enum ay_code code = ay_encode_arena(msg, value, arena, &out);
    AY_ASSERT(code == AY_OK);
    return out;
}

static struct ay_slice body_bytes(const struct outgoing *msgs, uint32_t n, struct ay_arena *arena)
{
    struct ay_protobuf_any anys[MAX_MSGS];
    char urls[MAX_MSGS][64];
    AY_ASSERT(n <= MAX_MSGS);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(urls[i], sizeof urls[i], "/%s", msgs[i].msg->name);
        anys[i].type_url = ay_slice_str(urls[i]);
        anys[i].value = encoded(msgs[i].msg, msgs[i].value, arena);
    }
    struct ay_tx_tx_body body = {.messages = anys, .messages_count = n};
    return encoded(&ay_tx_tx_body_msg, &body, arena);
}

static struct ay_slice auth_bytes(const struct account *from, uint64_t gas, uint64_t fee_nasy,
                                  struct ay_arena *arena)
{
    struct ay_crypto_secp256k1_pub_key key;
    char amount[24];
    snprintf(amount, sizeof amount, "%" PRIu64, fee_nasy);
    memcpy(key.key, from->pubkey, sizeof key.key);
    struct ay_base_coin coin = {ay_slice_str("nasy"), ay_slice_str(amount)};
    struct ay_tx_signer_info info = {
        .has_public_key = true,
        .public_key = {ay_slice_str("/cosmos.crypto.secp256k1.PubKey"),
                       encoded(&ay_crypto_secp256k1_pub_key_msg, &key, arena)},
        .has_mode_info = true,
        .mode_info = {.has_single = true, .single = {SIGN_MODE_DIRECT}},
        .sequence = from->sequence};
    struct ay_tx_auth_info auth = {
        .signer_infos = &info,
        .signer_infos_count = 1,
        .has_fee = true,
        .fee = {.amount = &coin, .amount_count = fee_nasy != 0, .gas_limit = gas}};
    return encoded(&ay_tx_auth_info_msg, &auth, arena);
}

struct ay_slice sign_tx(const struct account *from, const char *chain_id,
                        const struct outgoing *msgs, uint32_t n, uint64_t gas, uint64_t fee_nasy,
                        struct ay_arena *arena)
{
    uint8_t digest[32], sig[64];
    struct ay_tx_sign_doc doc = {body_bytes(msgs, n, arena), auth_bytes(from, gas, fee_nasy, arena),
                                 ay_slice_str(chain_id), from->number};
    ay_sha256(encoded(&ay_tx_sign_doc_msg, &doc, arena), digest);
    enum ay_code code = ay_secp256k1_sign(from->seckey, digest, sig);
    AY_ASSERT(code == AY_OK);
    struct ay_slice signature = ay_slice(sig, sizeof sig);
    struct ay_tx_tx_raw raw = {doc.body_bytes, doc.auth_info_bytes, &signature, 1};
    return encoded(&ay_tx_tx_raw_msg, &raw, arena);
}

struct ay_slice sign_send(const struct account *from, const char *chain_id, const char *to,
                          uint64_t amount, struct ay_arena *arena)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, amount);
    struct ay_base_coin coin = {ay_slice_str("nasy"), ay_slice_str(digits)};
    struct ay_bank_msg_send send = {ay_slice_str(from->text), ay_slice_str(to), &coin, 1};
    struct outgoing out = {&ay_bank_msg_send_msg, &send};
    return sign_tx(from, chain_id, &out, 1, SEND_GAS, SEND_FEE_NASY, arena);
}
