#include "ledger/envelope.h"

#include "base/codec.h"
#include "base/gen/crypto_secp256k1.h"
#include "base/math.h"
#include "base/text.h"
#include "crypto/bech32.h"
#include "crypto/hash.h"

#define PUB_KEY_URL "/cosmos.crypto.secp256k1.PubKey"

/* %.*s for a slice that came from outside, cut so that a reason stays short. */
#define CUT(slice) (int)((slice).len < 96 ? (slice).len : 96), (const char *)(slice).data

/* Decodes or says which field is wrong. */
static enum ay_code decode(struct ay_ctx *ctx, const struct ay_msg *msg, struct ay_slice in,
                           void *out)
{
    struct ay_fault fault;
    enum ay_code code = ay_decode(msg, in, ctx->arena, out, &fault);
    if (code == AY_OK) return AY_OK;
    char text[160];
    ay_fault_text(&fault, text, sizeof text);
    return ay_refuse(ctx, code == AY_E_FORMAT ? AY_E_TX_PARSE : code, "%s", text);
}

static const struct ay_tx_verb *find_verb(const struct ay_economy *economy,
                                          const struct ay_msg *msg, const struct ay_module **module)
{
    for (const struct ay_module *const *m = economy->modules; msg && *m; m++) {
        for (const struct ay_tx_verb *verb = (*m)->txs; verb && verb->msg; verb++) {
            if (verb->msg != msg) continue;
            *module = *m;
            return verb;
        }
    }
    return NULL;
}

/* The address in the message's signer field. */
static enum ay_code signer_of(struct ay_ctx *ctx, const struct ay_envelope_message *message,
                              uint8_t out[AY_ADDRESS_BYTES])
{
    const struct ay_field *f = message->verb->msg->tx->signer;
    AY_ASSERT(f && f->kind == AY_KIND_STRING);
    const struct ay_slice *text = (const void *)((const uint8_t *)message->msg + f->offset);
    enum ay_code code = ay_address_decode(*text, out);
    if (code != AY_OK) ay_refuse(ctx, code, "field %s is not an address of this network", f->name);
    return code;
}

static enum ay_code decode_messages(struct ay_ctx *ctx, const struct ay_economy *economy,
                                    struct ay_envelope *e)
{
    uint32_t n = e->body.messages_count;
    if (n == 0) return ay_refuse(ctx, AY_E_REQUEST, "must contain at least one message");
    e->messages = AY_NEW(ctx->arena, struct ay_envelope_message, n);
    if (!e->messages) return AY_E_LIMIT;
    e->reserved = true;
    for (uint32_t i = 0; i < n; i++) {
        const struct ay_protobuf_any *any = &e->body.messages[i];
        struct ay_envelope_message *m = &e->messages[i];
        m->verb = find_verb(economy, ay_msg_find_url(any->type_url), &m->module);
        if (!m->verb)
            return ay_refuse(ctx, AY_E_TX_PARSE, "unable to resolve type URL %.*s",
                             CUT(any->type_url));
        m->msg = ay_arena_take(ctx->arena, 1, m->verb->msg->size);
        if (!m->msg) return AY_E_LIMIT;
        AY_TRY(decode(ctx, m->verb->msg, any->value, m->msg));
        uint8_t signer[AY_ADDRESS_BYTES];
        AY_TRY(signer_of(ctx, m, signer));
        if (i == 0) memcpy(e->signer, signer, sizeof signer);
        if (memcmp(e->signer, signer, sizeof signer) != 0)
            return ay_refuse(ctx, AY_E_UNAUTHORIZED,
                             "all messages of a transaction must have one signer");
        if (m->verb->check) AY_TRY(m->verb->check(ctx, m->msg));
        e->reserved = e->reserved && m->verb->reserved;
    }
    return AY_OK;
}

static enum ay_code check_body(struct ay_ctx *ctx, const struct ay_tx_tx_body *body)
{
    if (body->extension_options_count || body->non_critical_extension_options_count)
        return ay_refuse(ctx, AY_E_EXTENSION, "extension options are not supported");
    if (body->unordered || body->has_timeout_timestamp)
        return ay_refuse(ctx, AY_E_UNORDERED, "unordered and timeout_timestamp must be left out");
    if (body->memo.len > AY_MAX_MEMO)
        return ay_refuse(ctx, AY_E_MEMO_LARGE,
                         "maximum number of characters is %u but received %u characters",
                         AY_MAX_MEMO, body->memo.len);
    return AY_OK;
}

static enum ay_code read_fee(struct ay_ctx *ctx, struct ay_envelope *e)
{
    const struct ay_tx_fee *fee = &e->auth.fee;
    if (!e->auth.has_fee) return ay_refuse(ctx, AY_E_REQUEST, "fee is missing");
    if (fee->granter.len || e->auth.has_tip)
        return ay_refuse(ctx, AY_E_REQUEST, "fee grants and tips are not supported");
    if (fee->payer.len) {
        uint8_t payer[AY_ADDRESS_BYTES];
        if (ay_address_decode(fee->payer, payer) != AY_OK)
            return ay_refuse(ctx, AY_E_ADDRESS, "fee payer is not an address of this network");
        if (memcmp(payer, e->signer, sizeof payer) != 0)
            return ay_refuse(ctx, AY_E_UNAUTHORIZED, "the fee must be paid by the signer");
    }
    if (fee->amount_count == 0) return AY_OK;
    const struct ay_base_coin *coin = &fee->amount[0];
    if (fee->amount_count > 1 || !ay_slice_equal(coin->denom, ay_slice_str(AY_DENOM)))
        return ay_refuse(ctx, AY_E_FEE, "fees are paid in %s alone", AY_DENOM);
    if (ay_parse_u64(coin->amount, UINT64_MAX, &e->fee_nasy) != AY_OK || e->fee_nasy == 0)
        return ay_refuse(ctx, AY_E_REQUEST, "invalid fee amount %.*s", CUT(coin->amount));
    return AY_OK;
}

static enum ay_code read_signer(struct ay_ctx *ctx, bool simulate, struct ay_envelope *e)
{
    if (e->raw.signatures_count == 0)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "no signatures supplied");
    if (e->auth.signer_infos_count != 1 || e->raw.signatures_count != 1)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "wrong number of signers; expected 1, got %u",
                         e->auth.signer_infos_count > 1 ? e->auth.signer_infos_count
                                                        : e->raw.signatures_count);
    const struct ay_tx_signer_info *info = &e->auth.signer_infos[0];
    if (!info->has_mode_info || !info->mode_info.has_single)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "only single keys are supported");
    if (!simulate && info->mode_info.single.mode != AY_TX_SIGNING_SIGN_MODE_DIRECT)
        return ay_refuse(ctx, AY_E_UNAUTHORIZED, "only SIGN_MODE_DIRECT is supported");
    if (!info->has_public_key) return AY_OK;
    if (!ay_slice_equal(info->public_key.type_url, ay_slice_str(PUB_KEY_URL)))
        return ay_refuse(ctx, AY_E_PUBKEY, "key type %.*s is not supported",
                         CUT(info->public_key.type_url));
    struct ay_crypto_secp256k1_pub_key key;
    AY_TRY(decode(ctx, &ay_crypto_secp256k1_pub_key_msg, info->public_key.value, &key));
    e->has_pub_key = true;
    memcpy(e->pub_key, key.key, sizeof e->pub_key);
    return AY_OK;
}

enum ay_code ay_envelope_decode(struct ay_ctx *ctx, const struct ay_economy *economy,
                                struct ay_slice raw, bool simulate, struct ay_envelope *e)
{
    *e = (struct ay_envelope){0};
    AY_TRY(decode(ctx, &ay_tx_tx_raw_msg, raw, &e->raw));
    AY_TRY(decode(ctx, &ay_tx_tx_body_msg, e->raw.body_bytes, &e->body));
    AY_TRY(decode(ctx, &ay_tx_auth_info_msg, e->raw.auth_info_bytes, &e->auth));
    AY_TRY(decode_messages(ctx, economy, e));
    AY_TRY(check_body(ctx, &e->body));
    AY_TRY(read_fee(ctx, e));
    return read_signer(ctx, simulate, e);
}

enum ay_code ay_envelope_digest(struct ay_arena *arena, const struct ay_envelope *e,
                                struct ay_slice chain_id, uint64_t account_number,
                                uint8_t out[AY_HASH_BYTES])
{
    struct ay_tx_sign_doc doc = {.body_bytes = e->raw.body_bytes,
                                 .auth_info_bytes = e->raw.auth_info_bytes,
                                 .chain_id = chain_id,
                                 .account_number = account_number};
    struct ay_slice bytes;
    AY_TRY(ay_encode_arena(&ay_tx_sign_doc_msg, &doc, arena, &bytes));
    ay_sha256(bytes, out);
    return AY_OK;
}
