#include "ledger/auth.h"

#include "base/codec.h"
#include "base/gen/auth.h"
#include "base/gen/crypto_secp256k1.h"
#include "crypto/bech32.h"
#include "ledger/account.h"

/* --- queries --- */

static enum ay_code encode_any(struct ay_ctx *ctx, const char *type_url, const struct ay_msg *msg,
                               const void *in, struct ay_protobuf_any *out)
{
    out->type_url = ay_slice_str(type_url);
    return ay_encode_arena(msg, in, ctx->arena, &out->value);
}

static enum ay_code query_account(struct ay_ctx *ctx, const void *request, void *out)
{
    const struct ay_auth_query_account_request *ask = request;
    struct ay_auth_query_account_response *answer = out;
    struct ay_ledger_account account;
    uint8_t address[AY_ADDRESS_BYTES];
    if (ay_address_parse(ask->address, address) != AY_OK)
        return ay_refuse(ctx, AY_E_ADDRESS, "not an address of this network");
    char text[AY_ADDRESS_TEXT_CHARS + 1];
    ay_address_encode(address, text);
    enum ay_code code = ay_account_get(ctx, address, &account);
    /* Clients look for these very words. */
    if (code == AY_E_NOT_FOUND)
        return ay_refuse(ctx, code, "rpc error: code = NotFound desc = account %s not found", text);
    AY_TRY(code);
    struct ay_auth_base_account base = {
        .address = ask->address, .account_number = account.number, .sequence = account.sequence};
    if (account.pub_key.len) {
        struct ay_crypto_secp256k1_pub_key key;
        AY_ASSERT(account.pub_key.len == sizeof key.key);
        memcpy(key.key, account.pub_key.data, sizeof key.key);
        base.has_pub_key = true;
        AY_TRY(encode_any(ctx, "/cosmos.crypto.secp256k1.PubKey", &ay_crypto_secp256k1_pub_key_msg,
                          &key, &base.pub_key));
    }
    answer->has_account = true;
    return encode_any(ctx, "/cosmos.auth.v1beta1.BaseAccount", &ay_auth_base_account_msg, &base,
                      &answer->account);
}

static enum ay_code query_meta(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_ledger_meta_msg, answer);
}

static enum ay_code query_params(struct ay_ctx *ctx, const void *request, void *answer)
{
    (void)request;
    return ay_row_get(ctx, &ay_ledger_params_msg, answer);
}

static const struct ay_query_verb queries[] = {
    {&ay_auth_query_account_request_msg, &ay_auth_query_account_response_msg, query_account},
    {&ay_ledger_query_meta_request_msg, &ay_ledger_meta_msg, query_meta},
    {&ay_ledger_query_params_request_msg, &ay_ledger_params_msg, query_params},
    {0},
};

/* --- invariants --- */

/* An account never goes, keeps its number, and its sequence never falls: else old signatures would
 * be good once more. */
static enum ay_code account_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                    const void *old_row, bool has_new, const void *new_row)
{
    (void)self;
    const struct ay_ledger_account *was = old_row, *is = new_row;
    if (!has_old) return AY_OK;
    char text[AY_ADDRESS_TEXT_CHARS + 1];
    ay_address_encode(was->address, text);
    if (!has_new) return ay_refuse(ctx, AY_E_INVARIANT, "account %s is gone", text);
    if (is->number != was->number || is->sequence < was->sequence)
        return ay_refuse(ctx, AY_E_INVARIANT, "account %s has another number or a lower sequence",
                         text);
    return AY_OK;
}

static enum ay_code accounts_step(struct ay_ctx *ctx)
{
    return ay_rows_changed(ctx, &ay_ledger_account_msg, account_changed, NULL);
}

/* Numbers are unique, below the next one, and each is in the index. */
static enum ay_code accounts_full(struct ay_ctx *ctx)
{
    struct ay_row_walk walk;
    struct ay_ledger_account account = {0};
    struct ay_ledger_meta meta;
    AY_TRY(ay_row_get(ctx, &ay_ledger_meta_msg, &meta));
    uint64_t count[2] = {0, 0}, last = 0;
    for (uint32_t index = 0; index < 2; index++) {
        AY_TRY(ay_row_walk_begin(&walk, &ay_ledger_account_msg, index, &account, 0));
        size_t mark = ctx->arena->used;
        enum ay_code code;
        while ((code = ay_row_walk_next(ctx, &walk, &account)) == AY_OK) {
            if (account.number >= meta.next_account)
                return ay_refuse(ctx, AY_E_INVARIANT, "account number %llu was never given",
                                 (unsigned long long)account.number);
            if (index == 1 && count[1] && account.number <= last)
                return ay_refuse(ctx, AY_E_INVARIANT, "account number %llu was given twice",
                                 (unsigned long long)account.number);
            last = account.number;
            count[index]++;
            ay_arena_rewind(ctx->arena, mark);
        }
        if (code != AY_E_NOT_FOUND) return code;
    }
    if (count[0] != count[1] || count[0] != meta.next_account)
        return ay_refuse(ctx, AY_E_INVARIANT,
                         "%llu accounts, %llu in the index, %llu numbers given",
                         (unsigned long long)count[0], (unsigned long long)count[1],
                         (unsigned long long)meta.next_account);
    return AY_OK;
}

static const struct ay_invariant invariants[] = {
    {"accounts", accounts_step, accounts_full},
    {0},
};

const struct ay_module ay_auth_module = {
    .name = "auth",
    .queries = queries,
    .invariants = invariants,
};
