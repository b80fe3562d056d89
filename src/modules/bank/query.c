#include "modules/bank/verbs.h"

#include "base/text.h"

#define AMOUNT_CHARS 21 /* 2^64 - 1 and a NUL */

static enum ay_code parse(struct ay_ctx *ctx, struct ay_slice text, uint8_t out[AY_ADDRESS_BYTES])
{
    enum ay_code code = ay_address_parse(text, out);
    return code == AY_OK ? code : ay_refuse(ctx, code, "not an address of this network");
}

static enum ay_code coin_of(struct ay_ctx *ctx, struct ay_slice denom, uint64_t amount,
                            struct ay_base_coin *coin)
{
    char *digits = AY_NEW(ctx->arena, char, AMOUNT_CHARS);
    if (!digits) return AY_E_LIMIT;
    struct ay_text text = ay_text_over(digits, AMOUNT_CHARS);
    ay_text_u64(&text, amount);
    *coin = (struct ay_base_coin){.denom = denom, .amount = ay_slice(digits, text.len)};
    return AY_OK;
}

enum ay_code ay_bank_query_balance(struct ay_ctx *ctx, const void *request, void *out)
{
    const struct ay_bank_query_balance_request *ask = request;
    struct ay_bank_query_balance_response *answer = out;
    struct ay_bank_balance row = {.denom = ask->denom};
    AY_TRY(parse(ctx, ask->address, row.address));
    if (ask->denom.len == 0 || ask->denom.len > AY_MAX_BANK_BALANCE_DENOM)
        return ay_refuse(ctx, AY_E_REQUEST, "denom must have 1 to %u bytes",
                         AY_MAX_BANK_BALANCE_DENOM);
    enum ay_code code = ay_row_get(ctx, &ay_bank_balance_msg, &row);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    answer->has_balance = true;
    return coin_of(ctx, ask->denom, row.amount, &answer->balance);
}

/* There is one denom, so the answer is whole and pagination is not looked at. */
enum ay_code ay_bank_query_all_balances(struct ay_ctx *ctx, const void *request, void *out)
{
    const struct ay_bank_query_all_balances_request *ask = request;
    struct ay_bank_query_all_balances_response *answer = out;
    struct ay_bank_balance row;
    struct ay_row_walk walk;
    enum { MAX_DENOMS = 16 };
    struct ay_base_coin *coins = AY_NEW(ctx->arena, struct ay_base_coin, MAX_DENOMS);
    if (!coins) return AY_E_LIMIT;
    AY_TRY(parse(ctx, ask->address, row.address));
    AY_TRY(ay_row_walk_begin(&walk, &ay_bank_balance_msg, 0, &row, 1));
    enum ay_code code = AY_OK;
    while (answer->balances_count < MAX_DENOMS &&
           (code = ay_row_walk_next(ctx, &walk, &row)) == AY_OK)
        AY_TRY(coin_of(ctx, row.denom, row.amount, &coins[answer->balances_count++]));
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    answer->balances = coins;
    answer->has_pagination = true;
    answer->pagination.total = answer->balances_count;
    return AY_OK;
}

enum ay_code ay_bank_query_supply(struct ay_ctx *ctx, const void *request, void *out)
{
    const struct ay_bank_query_supply_request *ask = request;
    struct ay_bank_supply *supply = out;
    supply->denom = ask->denom;
    enum ay_code code = ay_row_get(ctx, &ay_bank_supply_msg, supply);
    return code == AY_E_NOT_FOUND ? ay_refuse(ctx, code, "no such denom") : code;
}
