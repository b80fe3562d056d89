#include "ledger/tx.h"

#include "base/codec.h"
#include "base/gen/base_abci.h"
#include "base/math.h"
#include "base/text.h"
#include "crypto/bech32.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"
#include "ledger/account.h"
#include "ledger/events.h"
#include "ledger/ledger.h"
#include "ledger/overlay.h"

#define SIGNATURE_BYTES 64

bool ay_code_is_fatal(enum ay_code code)
{
    return code == AY_E_IO || code == AY_E_CORRUPT || code == AY_E_MEMORY ||
           code == AY_E_DISK_FULL || code == AY_E_INVARIANT;
}

/* A log is ASCII, whatever a stranger's string brought into it. */
static void put_log(struct ay_text *text, const char *s)
{
    for (; *s; s++) ay_text_char(text, *s >= 0x20 && *s < 0x7f ? *s : '?');
}

enum ay_code ay_tx_refusal(enum ay_code code, const char *prefix, const char *reason,
                           struct ay_arena *keep, struct ay_ledger_tx_result *result)
{
    const struct ay_code_info *info = ay_code_info(code);
    char log[512];
    struct ay_text text = ay_text_over(log, sizeof log);
    put_log(&text, prefix);
    put_log(&text, reason);
    if (*reason) ay_text_str(&text, ": ");
    ay_text_str(&text, info->text);
    result->code = info->wire;
    result->codespace = ay_slice_str(info->codespace);
    return ay_arena_copy(keep, ay_slice(log, text.len), &result->log);
}

/* --- before the messages --- */

static enum ay_code check_gas(struct ay_ctx *ctx, const struct ay_tx_rules *rules,
                              enum ay_tx_mode mode, const struct ay_envelope *e)
{
    uint64_t limit = e->auth.fee.gas_limit, required;
    if (mode == AY_TX_SIMULATE) return AY_OK;
    if (limit == 0) return ay_refuse(ctx, AY_E_GAS_LIMIT, "must provide positive gas");
    if (limit > rules->max_gas)
        return ay_refuse(ctx, AY_E_GAS_LIMIT, "tx gas limit %llu exceeds block max gas %llu",
                         (unsigned long long)limit, (unsigned long long)rules->max_gas);
    if (mode != AY_TX_CHECK) return AY_OK;
    AY_TRY(ay_mul_div(limit, rules->min_price_nano, 1000000000, AY_CEIL, &required));
    if (e->fee_nasy >= required) return AY_OK;
    char got[32] = "";
    struct ay_text text = ay_text_over(got, sizeof got);
    if (e->fee_nasy) {
        ay_text_u64(&text, e->fee_nasy);
        ay_text_str(&text, AY_DENOM);
    }
    return ay_refuse(ctx, AY_E_FEE, "insufficient fees; got: %s required: %llu" AY_DENOM, got,
                     (unsigned long long)required);
}

/* At a flat price, so that a simulation without a fee costs as much. */
static enum ay_code take_fee(struct ay_ctx *ctx, const struct ay_economy *economy,
                             const struct ay_envelope *e)
{
    uint8_t fees[AY_ADDRESS_BYTES];
    struct ay_gas *gas = ctx->gas;
    AY_TRY(ay_gas_charge(ctx, AY_GAS_FEE));
    ay_module_address(AY_FEES_MODULE, fees);
    ctx->gas = NULL;
    enum ay_code code = economy->move(ctx, e->signer, fees, e->fee_nasy);
    ctx->gas = gas;
    return code;
}

/* The key that must have signed, and whether it fits the account. */
static enum ay_code settle_key(struct ay_ctx *ctx, enum ay_tx_mode mode,
                               const struct ay_envelope *e, struct ay_ledger_account *account)
{
    if (!e->has_pub_key) {
        if (account->pub_key.len || mode == AY_TX_SIMULATE) return AY_OK;
        return ay_refuse(ctx, AY_E_PUBKEY, "pubkey on account is not set");
    }
    uint8_t address[AY_ADDRESS_BYTES];
    ay_address_of(e->pub_key, address);
    if (memcmp(address, e->signer, sizeof address) != 0) {
        char text[AY_ADDRESS_TEXT_CHARS + 1];
        ay_address_encode(e->signer, text);
        return ay_refuse(ctx, AY_E_PUBKEY,
                         "pubKey does not match signer address %s with signer index: 0", text);
    }
    /* A simulated key was not checked against a signature, but its address is the account's. */
    account->pub_key = AY_SLICE_OF(e->pub_key);
    return AY_OK;
}

/* Is the signature right, now or when it was met before? */
static enum ay_code verify(const struct ay_known_signatures *known, struct ay_slice pub_key,
                           const uint8_t digest[AY_HASH_BYTES], struct ay_slice signature)
{
    const struct ay_slice parts[3] = {signature, ay_slice(digest, AY_HASH_BYTES), pub_key};
    uint8_t key[AY_HASH_BYTES];
    if (!known) return ay_secp256k1_verify(pub_key.data, digest, signature.data);
    ay_sha256_parts(parts, 3, key);
    if (known->has(known->self, key)) return AY_OK;
    AY_TRY(ay_secp256k1_verify(pub_key.data, digest, signature.data));
    known->add(known->self, key);
    return AY_OK;
}

static enum ay_code check_signature(struct ay_ctx *ctx, const struct ay_tx_rules *rules,
                                    const struct ay_envelope *e,
                                    const struct ay_ledger_account *account)
{
    struct ay_slice signature = e->raw.signatures[0];
    enum ay_code code = AY_E_UNAUTHORIZED;
    uint8_t digest[AY_HASH_BYTES];
    AY_TRY(ay_envelope_digest(ctx->arena, e, rules->chain_id, account->number, digest));
    if (signature.len == SIGNATURE_BYTES)
        code = verify(rules->known, account->pub_key, digest, signature);
    if (code != AY_E_UNAUTHORIZED) return code;
    return ay_refuse(ctx, code,
                     "signature verification failed; please verify account number (%llu) and "
                     "chain-id (%.*s): unable to verify single signer signature",
                     (unsigned long long)account->number, (int)rules->chain_id.len,
                     (const char *)rules->chain_id.data);
}

static enum ay_code emit_ante(struct ay_ctx *ctx, const struct ay_envelope *e, const char *payer)
{
    char fee[40], sequence[80], signature[96];
    struct ay_text t = ay_text_over(fee, sizeof fee);
    if (e->fee_nasy) {
        ay_text_u64(&t, e->fee_nasy);
        ay_text_str(&t, AY_DENOM);
    }
    t = ay_text_over(sequence, sizeof sequence);
    ay_text_str(&t, payer);
    ay_text_char(&t, '/');
    ay_text_u64(&t, e->auth.signer_infos[0].sequence);
    t = ay_text_over(signature, sizeof signature);
    ay_text_base64(&t, e->raw.signatures[0]);
    const struct ay_event_attribute paid[2] = {{"fee", ay_slice_str(fee)},
                                               {"fee_payer", ay_slice_str(payer)}};
    const struct ay_event_attribute seq = {"acc_seq", ay_slice_str(sequence)};
    const struct ay_event_attribute sig = {"signature", ay_slice_str(signature)};
    AY_TRY(ay_events_add(ctx->events, "tx", paid, 2));
    AY_TRY(ay_events_add(ctx->events, "tx", &seq, 1));
    return ay_events_add(ctx->events, "tx", &sig, 1);
}

static enum ay_code ante(struct ay_ctx *ctx, const struct ay_tx_rules *rules, enum ay_tx_mode mode,
                         const struct ay_envelope *e, uint32_t raw_len)
{
    char signer[AY_ADDRESS_TEXT_CHARS + 1];
    ay_address_encode(e->signer, signer);
    AY_TRY(check_gas(ctx, rules, mode, e));
    if (e->body.timeout_height && ctx->height > e->body.timeout_height)
        return ay_refuse(ctx, AY_E_TIMEOUT_HEIGHT, "block height: %llu, timeout height: %llu",
                         (unsigned long long)ctx->height,
                         (unsigned long long)e->body.timeout_height);

    /* A simulated transaction costs what it will cost once it is signed. */
    uint32_t unsigned_bytes =
        mode == AY_TX_SIMULATE && e->raw.signatures[0].len == 0 ? SIGNATURE_BYTES : 0;
    AY_TRY(ay_gas_charge(ctx, (uint64_t)AY_GAS_TX_BYTE * (raw_len + unsigned_bytes)));

    struct ay_ledger_account account;
    enum ay_code code = ay_account_get(ctx, e->signer, &account);
    if (code == AY_E_NOT_FOUND)
        return ay_refuse(ctx, AY_E_UNKNOWN_ADDRESS, "account %s does not exist", signer);
    AY_TRY(code);

    AY_TRY(take_fee(ctx, rules->economy, e));
    AY_TRY(settle_key(ctx, mode, e, &account));
    AY_TRY(ay_gas_charge(ctx, AY_GAS_SIGNATURE));
    uint64_t sequence = e->auth.signer_infos[0].sequence;
    if (sequence != account.sequence)
        return ay_refuse(ctx, AY_E_SEQUENCE, "account sequence mismatch, expected %llu, got %llu",
                         (unsigned long long)account.sequence, (unsigned long long)sequence);
    if (mode != AY_TX_SIMULATE) AY_TRY(check_signature(ctx, rules, e, &account));
    AY_TRY(ay_add(account.sequence, 1, &account.sequence));
    AY_TRY(ay_row_put(ctx, &ay_ledger_account_msg, &account));
    return emit_ante(ctx, e, signer);
}

/* --- the messages --- */

static enum ay_code run_message(struct ay_ctx *ctx, const struct ay_envelope_message *message,
                                struct ay_protobuf_any *answer)
{
    const struct ay_tx_verb *verb = message->verb;
    char action[AY_MAX_PROTOBUF_ANY_TYPE_URL + 1], sender[AY_ADDRESS_TEXT_CHARS + 1];
    struct ay_text text = ay_text_over(action, sizeof action);
    ay_text_char(&text, '/');
    ay_text_str(&text, verb->msg->name);
    ay_address_encode(ctx->signer, sender);
    const struct ay_event_attribute about[3] = {{"action", ay_slice_str(action)},
                                                {"sender", ay_slice_str(sender)},
                                                {"module", ay_slice_str(message->module->name)}};
    AY_TRY(ay_events_add(ctx->events, "message", about, 3));
    void *response = ay_arena_take(ctx->arena, 1, verb->response->size);
    if (!response) return AY_E_LIMIT;
    AY_TRY(verb->apply(ctx, message->msg, response));
    text = ay_text_over(action, sizeof action);
    ay_text_char(&text, '/');
    ay_text_str(&text, verb->response->name);
    AY_TRY(ay_arena_copy(ctx->arena, ay_slice(action, text.len), &answer->type_url));
    return ay_encode_arena(verb->response, response, ctx->arena, &answer->value);
}

static enum ay_code run_messages(struct ay_ctx *ctx, const struct ay_envelope *e, uint32_t *failed,
                                 struct ay_slice *data)
{
    struct ay_base_abci_tx_msg_data all = {.msg_responses_count = e->body.messages_count};
    struct ay_protobuf_any *answers =
        AY_NEW(ctx->arena, struct ay_protobuf_any, all.msg_responses_count);
    if (!answers) return AY_E_LIMIT;
    all.msg_responses = answers;
    ctx->events->in_message = true;
    for (*failed = 0; *failed < all.msg_responses_count; (*failed)++) {
        ctx->events->message_index = *failed;
        AY_TRY(run_message(ctx, &e->messages[*failed], &answers[*failed]));
    }
    return ay_encode_arena(&ay_base_abci_tx_msg_data_msg, &all, ctx->arena, data);
}

/* Runs the messages on a layer of their own, so that all of them count or none. */
static enum ay_code messages(struct ay_ctx *ctx, const struct ay_envelope *e, struct ay_slice *data,
                             uint32_t *failed)
{
    struct ay_overlay *below = ctx->overlay;
    struct ay_overlay layer = ay_overlay_over(below, below->arena);
    struct ay_events_mark mark = ay_events_mark(ctx->events);
    ctx->overlay = &layer;
    memcpy(ctx->signer, e->signer, sizeof ctx->signer);
    enum ay_code code = run_messages(ctx, e, failed, data);
    ctx->overlay = below;
    memset(ctx->signer, 0, sizeof ctx->signer);
    if (code == AY_OK) return ay_overlay_commit(&layer);
    ay_events_rewind(ctx->events, mark);
    return code;
}

struct outcome {
    struct ay_slice data;
    bool ran;        /* what stands before the messages has passed */
    bool paid;       /* and has spent fee and sequence */
    uint32_t failed; /* the message that was refused */
};

static enum ay_code refuse(struct ay_ctx *ctx, enum ay_code code, const struct ay_gas *gas,
                           const struct outcome *out, struct ay_arena *keep,
                           struct ay_ledger_tx_result *result)
{
    char prefix[80] = "";
    struct ay_text text = ay_text_over(prefix, sizeof prefix);
    if (out->ran) {
        ay_text_str(&text, "failed to execute message; message index: ");
        ay_text_u64(&text, out->failed);
        ay_text_str(&text, ": ");
    }
    if (code == AY_E_OUT_OF_GAS)
        ay_refuse(ctx, code, "out of gas in location: %s; gasWanted: %llu, gasUsed: %llu",
                  out->ran ? "message" : "transaction", (unsigned long long)gas->limit,
                  (unsigned long long)gas->used);
    return ay_tx_refusal(code, prefix, ctx->reason, keep, result);
}

static enum ay_code run(struct ay_ctx *ctx, const struct ay_tx_rules *rules, enum ay_tx_mode mode,
                        const struct ay_envelope *e, uint32_t raw_len, struct outcome *out)
{
    AY_TRY(ante(ctx, rules, mode, e, raw_len));
    out->ran = true;
    out->paid = mode != AY_TX_SIMULATE;
    return mode == AY_TX_CHECK ? AY_OK : messages(ctx, e, &out->data, &out->failed);
}

/* The same on a layer of its own, which stays if the fee is paid, whatever became of the messages.
 */
static enum ay_code run_layer(struct ay_ctx *ctx, const struct ay_tx_rules *rules,
                              enum ay_tx_mode mode, const struct ay_envelope *e, uint32_t raw_len,
                              struct outcome *out)
{
    struct ay_overlay *below = ctx->overlay;
    struct ay_overlay layer = ay_overlay_over(below, ctx->events->arena);
    ctx->overlay = &layer;
    enum ay_code code = run(ctx, rules, mode, e, raw_len, out);
    ctx->overlay = below;
    /* Half of a layer in the block's would be a fork: no room for it ends the ledger. */
    if (out->paid && !ay_code_is_fatal(code) && ay_overlay_commit(&layer) != AY_OK)
        return AY_E_MEMORY;
    return code;
}

enum ay_code ay_tx_run(struct ay_ctx *ctx, const struct ay_tx_rules *rules, enum ay_tx_mode mode,
                       const struct ay_envelope *e, uint32_t raw_len, struct ay_arena *tx_arena,
                       struct ay_arena *keep, struct ay_ledger_tx_result *result, bool *paid)
{
    AY_ASSERT(ctx->overlay && tx_arena != keep && ctx->arena != tx_arena);
    uint64_t limit = e->auth.fee.gas_limit;
    /* A limit of 0 is refused by its own code before anything costs. */
    struct ay_gas gas = {.limit = mode == AY_TX_SIMULATE || limit == 0 ? UINT64_MAX : limit};
    struct ay_events events = {.arena = tx_arena};
    struct outcome out = {0};
    ctx->gas = &gas;
    ctx->events = &events;
    ctx->reason[0] = 0;
    enum ay_code code = run_layer(ctx, rules, mode, e, raw_len, &out);
    ctx->gas = NULL;
    ctx->events = NULL;
    if (ay_code_is_fatal(code)) return code;

    *paid = out.paid;
    *result = (struct ay_ledger_tx_result){.gas_wanted = limit, .gas_used = gas.used};
    if (code == AY_OK)
        AY_TRY(ay_arena_copy(keep, out.data, &result->data));
    else
        AY_TRY(refuse(ctx, code, &gas, &out, keep, result));
    return ay_events_copy(&events, keep, &result->events, &result->events_count);
}
