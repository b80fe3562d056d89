#include "role/wallet.h"

#include "base/codec.h"
#include "base/gen/auth.h"
#include "base/gen/base_abci.h"
#include "base/gen/crypto_secp256k1.h"
#include "base/gen/tx.h"
#include "base/math.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES (8u << 20)
#define SIMULATED_SHARE_NUM 14 /* a limit is 1.4 times what simulation used, as wallets take it */
#define SIMULATED_SHARE_DEN 10

struct ay_wallet {
    struct ay_node_client *node;
    const struct ay_signer *signer;
    char chain_id[64];
    uint64_t price_num, price_den; /* nasy per gas */
    struct ay_arena arena;         /* of one send */
    uint8_t *data;                 /* TxMsgData of the last send */
    void *mem;
};

enum ay_code ay_signer_init(struct ay_signer *signer)
{
    AY_TRY(ay_secp256k1_pubkey(signer->seckey, signer->pubkey));
    ay_address_of(signer->pubkey, signer->address);
    ay_address_encode(signer->address, signer->text);
    return AY_OK;
}

void ay_signer_clear(struct ay_signer *signer)
{
    explicit_bzero(signer, sizeof *signer);
}

enum ay_code ay_gas_price_parse(const char *text, uint64_t *num, uint64_t *den)
{
    *num = 0;
    *den = 1;
    bool point = false, digit = false;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        digit = true;
        if (*num > UINT64_MAX / 10 - 1 || *den > UINT64_MAX / 100) return AY_E_USAGE;
        *num = *num * 10 + (uint64_t)(*text - '0');
        if (point) *den *= 10;
    }
    return digit && strcmp(text, "nasy") == 0 ? AY_OK : AY_E_USAGE;
}

enum ay_code ay_wallet_open(struct ay_node_client *node, const struct ay_signer *signer,
                            const char *gas_price, struct ay_wallet **out)
{
    uint64_t num, den;
    struct ay_node_status status;
    AY_TRY(ay_gas_price_parse(gas_price, &num, &den));
    AY_TRY(ay_node_status(node, &status));
    struct ay_wallet *w = calloc(1, sizeof *w);
    if (!w) return AY_E_MEMORY;
    w->mem = aligned_alloc(16, ARENA_BYTES);
    if (!w->mem) {
        free(w);
        return AY_E_MEMORY;
    }
    w->arena = ay_arena_over(w->mem, ARENA_BYTES);
    w->node = node;
    w->signer = signer;
    w->price_num = num;
    w->price_den = den;
    snprintf(w->chain_id, sizeof w->chain_id, "%s", status.chain_id);
    *out = w;
    return AY_OK;
}

void ay_wallet_close(struct ay_wallet *wallet)
{
    if (!wallet) return;
    free(wallet->data);
    free(wallet->mem);
    free(wallet);
}

enum ay_code ay_ask(struct ay_node_client *node, const struct ay_msg *request, const void *value,
                    struct ay_arena *arena, void *answer)
{
    AY_ASSERT(request->query);
    struct ay_slice data, copy;
    struct ay_node_query got;
    AY_TRY(ay_encode_arena(request, value, arena, &data));
    AY_TRY(ay_node_query(node, request->query->path, data, 0, &got));
    if (got.result.code) return ay_node_code(&got.result);
    AY_TRY(ay_arena_copy(arena, got.result.data, &copy));
    return ay_decode(request->query->answer, copy, arena, answer, NULL);
}

static struct ay_slice str(const char *s)
{
    return ay_slice_str(s);
}

/* Number and sequence of the signer's account. */
static enum ay_code account(struct ay_wallet *w, uint64_t *number, uint64_t *sequence)
{
    struct ay_auth_query_account_request request = {.address = str(w->signer->text)};
    struct ay_auth_query_account_response answer;
    struct ay_auth_base_account base;
    AY_TRY(ay_ask(w->node, &ay_auth_query_account_request_msg, &request, &w->arena, &answer));
    if (!answer.has_account) return AY_E_FORMAT;
    AY_TRY(ay_decode(&ay_auth_base_account_msg, answer.account.value, &w->arena, &base, NULL));
    *number = base.account_number;
    *sequence = base.sequence;
    return AY_OK;
}

static enum ay_code body_bytes(struct ay_wallet *w, const struct ay_outgoing *msgs, uint32_t n,
                               const char *memo, struct ay_slice *out)
{
    struct ay_protobuf_any *anys = AY_NEW(&w->arena, struct ay_protobuf_any, n);
    if (!anys) return AY_E_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        size_t room = strlen(msgs[i].msg->name) + 2;
        char *url = ay_arena_take(&w->arena, room, 1);
        if (!url) return AY_E_LIMIT;
        snprintf(url, room, "/%s", msgs[i].msg->name);
        anys[i].type_url = str(url);
        AY_TRY(ay_encode_arena(msgs[i].msg, msgs[i].value, &w->arena, &anys[i].value));
    }
    struct ay_tx_tx_body body = {
        .messages = anys, .messages_count = n, .memo = str(memo ? memo : "")};
    return ay_encode_arena(&ay_tx_tx_body_msg, &body, &w->arena, out);
}

static enum ay_code auth_bytes(struct ay_wallet *w, uint64_t sequence, uint64_t gas, uint64_t fee,
                               struct ay_slice *out)
{
    struct ay_crypto_secp256k1_pub_key key;
    memcpy(key.key, w->signer->pubkey, sizeof key.key);
    struct ay_tx_signer_info info = {.has_public_key = true,
                                     .has_mode_info = true,
                                     .mode_info = {.has_single = true, .single = {.mode = 1}},
                                     .sequence = sequence};
    char amount[24];
    snprintf(amount, sizeof amount, "%" PRIu64, fee);
    struct ay_base_coin coin = {.denom = str("nasy"), .amount = str(amount)};
    struct ay_tx_auth_info auth = {.signer_infos = &info, .signer_infos_count = 1, .has_fee = true};
    auth.fee.gas_limit = gas;
    if (fee) {
        auth.fee.amount = &coin;
        auth.fee.amount_count = 1;
    }
    info.public_key.type_url = str("/cosmos.crypto.secp256k1.PubKey");
    AY_TRY(ay_encode_arena(&ay_crypto_secp256k1_pub_key_msg, &key, &w->arena,
                           &info.public_key.value));
    return ay_encode_arena(&ay_tx_auth_info_msg, &auth, &w->arena, out);
}

static enum ay_code raw_bytes(struct ay_wallet *w, struct ay_slice body, struct ay_slice auth,
                              struct ay_slice signature, struct ay_slice *out)
{
    struct ay_tx_tx_raw raw = {.body_bytes = body,
                               .auth_info_bytes = auth,
                               .signatures = &signature,
                               .signatures_count = 1};
    return ay_encode_arena(&ay_tx_tx_raw_msg, &raw, &w->arena, out);
}

/* What the node says that these messages use. A refusal is an outcome: it goes to *sent. */
static enum ay_code simulate(struct ay_wallet *w, struct ay_slice body, uint64_t sequence,
                             uint64_t *gas, struct ay_sent *sent)
{
    struct ay_slice auth, raw, data, copy;
    struct ay_node_query got;
    AY_TRY(auth_bytes(w, sequence, 0, 0, &auth));
    AY_TRY(raw_bytes(w, body, auth, str(""), &raw));
    struct ay_tx_simulate_request request = {.tx_bytes = raw};
    AY_TRY(ay_encode_arena(&ay_tx_simulate_request_msg, &request, &w->arena, &data));
    AY_TRY(ay_node_query(w->node, "/cosmos.tx.v1beta1.Service/Simulate", data, 0, &got));
    if (got.result.code) {
        sent->code = ay_node_code(&got.result);
        sent->wire = got.result.code;
        snprintf(sent->codespace, sizeof sent->codespace, "%s", got.result.codespace);
        snprintf(sent->log, sizeof sent->log, "%s", got.result.log);
        return AY_OK;
    }
    struct ay_tx_simulate_response response;
    AY_TRY(ay_arena_copy(&w->arena, got.result.data, &copy));
    AY_TRY(ay_decode(&ay_tx_simulate_response_msg, copy, &w->arena, &response, NULL));
    return ay_mul_div(response.gas_info.gas_used, SIMULATED_SHARE_NUM, SIMULATED_SHARE_DEN, AY_CEIL,
                      gas);
}

static enum ay_code sign(struct ay_wallet *w, struct ay_slice body, struct ay_slice auth,
                         uint64_t number, struct ay_slice *tx)
{
    struct ay_tx_sign_doc doc = {.body_bytes = body,
                                 .auth_info_bytes = auth,
                                 .chain_id = str(w->chain_id),
                                 .account_number = number};
    struct ay_slice bytes;
    uint8_t hash[32], *signature = ay_arena_take(&w->arena, 64, 1);
    if (!signature) return AY_E_LIMIT;
    AY_TRY(ay_encode_arena(&ay_tx_sign_doc_msg, &doc, &w->arena, &bytes));
    ay_sha256(bytes, hash);
    AY_TRY(ay_secp256k1_sign(w->signer->seckey, hash, signature));
    return raw_bytes(w, body, auth, ay_slice(signature, 64), tx);
}

static enum ay_code outcome(struct ay_wallet *w, const struct ay_node_result *result,
                            struct ay_sent *sent)
{
    sent->code = result->code ? ay_node_code(result) : AY_OK;
    sent->wire = result->code;
    sent->gas_used = result->gas_used;
    snprintf(sent->codespace, sizeof sent->codespace, "%s", result->codespace);
    snprintf(sent->log, sizeof sent->log, "%s", result->log);
    free(w->data);
    w->data = malloc(result->data.len + 1u);
    if (!w->data) return AY_E_MEMORY;
    if (result->data.len) memcpy(w->data, result->data.data, result->data.len);
    sent->data = ay_slice(w->data, result->data.len);
    return AY_OK;
}

enum ay_code ay_wallet_send(struct ay_wallet *w, const struct ay_outgoing *msgs, uint32_t n,
                            uint64_t gas_limit, const char *memo, struct ay_sent *sent)
{
    AY_ASSERT(n > 0 && n <= AY_MAX_WALLET_MSGS);
    uint64_t number, sequence, fee;
    struct ay_slice body, auth, tx;
    struct ay_node_tx done;
    memset(sent, 0, sizeof *sent);
    ay_arena_rewind(&w->arena, 0);
    AY_TRY(account(w, &number, &sequence));
    AY_TRY(body_bytes(w, msgs, n, memo, &body));
    if (!gas_limit) {
        AY_TRY(simulate(w, body, sequence, &gas_limit, sent));
        if (sent->code != AY_OK) return AY_OK;
    }
    AY_TRY(ay_mul_div(gas_limit, w->price_num, w->price_den, AY_CEIL, &fee));
    AY_TRY(auth_bytes(w, sequence, gas_limit, fee, &auth));
    AY_TRY(sign(w, body, auth, number, &tx));
    ay_sha256(tx, sent->hash);
    sent->fee_nasy = fee;
    AY_TRY(ay_node_broadcast_commit(w->node, tx, &done));
    sent->height = done.height;
    return outcome(w, done.check.code ? &done.check : &done.result, sent);
}

enum ay_code ay_sent_response(const struct ay_sent *sent, uint32_t index, const struct ay_msg *msg,
                              struct ay_arena *arena, void *out)
{
    struct ay_base_abci_tx_msg_data data;
    struct ay_slice copy;
    AY_TRY(ay_arena_copy(arena, sent->data, &copy));
    AY_TRY(ay_decode(&ay_base_abci_tx_msg_data_msg, copy, arena, &data, NULL));
    if (index >= data.msg_responses_count) return AY_E_RANGE;
    if (ay_msg_find_url(data.msg_responses[index].type_url) != msg) return AY_E_FORMAT;
    return ay_decode(msg, data.msg_responses[index].value, arena, out, NULL);
}
