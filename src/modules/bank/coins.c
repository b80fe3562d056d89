#include "modules/bank/verbs.h"

#include "base/math.h"
#include "base/text.h"
#include "crypto/bech32.h"
#include "ledger/account.h"
#include "ledger/events.h"

static enum ay_code get(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                        struct ay_bank_balance *row)
{
    *row = (struct ay_bank_balance){.denom = ay_slice_str(AY_DENOM)};
    memcpy(row->address, address, AY_ADDRESS_BYTES);
    enum ay_code code = ay_row_get(ctx, &ay_bank_balance_msg, row);
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

static enum ay_code set(struct ay_ctx *ctx, const struct ay_bank_balance *row)
{
    return row->amount ? ay_row_put(ctx, &ay_bank_balance_msg, row)
                       : ay_row_del(ctx, &ay_bank_balance_msg, row);
}

static enum ay_code take(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES], uint64_t amount)
{
    struct ay_bank_balance row;
    AY_TRY(get(ctx, from, &row));
    if (row.amount < amount)
        return ay_refuse(ctx, AY_E_FUNDS, "spendable balance %llu%s is smaller than %llu%s",
                         (unsigned long long)row.amount, AY_DENOM, (unsigned long long)amount,
                         AY_DENOM);
    row.amount -= amount;
    return set(ctx, &row);
}

static enum ay_code give(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount)
{
    struct ay_bank_balance row;
    AY_TRY(get(ctx, to, &row));
    AY_TRY(ay_add(row.amount, amount, &row.amount));
    AY_TRY(set(ctx, &row));
    return ay_account_ensure(ctx, to);
}

enum ay_code ay_bank_balance(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                             uint64_t *amount_nasy)
{
    struct ay_bank_balance row;
    AY_TRY(get(ctx, address, &row));
    *amount_nasy = row.amount;
    return AY_OK;
}

/* --- events, in the words that wallets and explorers search for --- */

struct words {
    char address[AY_ADDRESS_TEXT_CHARS + 1];
    char amount[32];
};

static struct words words_of(const uint8_t address[AY_ADDRESS_BYTES], uint64_t amount)
{
    struct words w;
    ay_address_encode(address, w.address);
    struct ay_text text = ay_text_over(w.amount, sizeof w.amount);
    ay_text_u64(&text, amount);
    ay_text_str(&text, AY_DENOM);
    return w;
}

/* One event {who: address, amount}, e.g. coin_spent {spender, amount}. */
static enum ay_code emit(struct ay_ctx *ctx, const char *type, const char *who,
                         const uint8_t address[AY_ADDRESS_BYTES], uint64_t amount)
{
    if (!ctx->events) return AY_OK;
    struct words w = words_of(address, amount);
    const struct ay_event_attribute attributes[2] = {{who, ay_slice_str(w.address)},
                                                     {"amount", ay_slice_str(w.amount)}};
    return ay_events_add(ctx->events, type, attributes, 2);
}

static enum ay_code emit_transfer(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                                  const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount)
{
    if (!ctx->events) return AY_OK;
    struct words sender = words_of(from, amount), recipient = words_of(to, amount);
    const struct ay_event_attribute attributes[3] = {{"recipient", ay_slice_str(recipient.address)},
                                                     {"sender", ay_slice_str(sender.address)},
                                                     {"amount", ay_slice_str(sender.amount)}};
    return ay_events_add(ctx->events, "transfer", attributes, 3);
}

/* --- what other modules call --- */

enum ay_code ay_bank_move(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                          const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    AY_TRY(take(ctx, from, amount_nasy));
    AY_TRY(give(ctx, to, amount_nasy));
    AY_TRY(emit(ctx, "coin_spent", "spender", from, amount_nasy));
    AY_TRY(emit(ctx, "coin_received", "receiver", to, amount_nasy));
    return emit_transfer(ctx, from, to, amount_nasy);
}

enum ay_code ay_bank_supply_get(struct ay_ctx *ctx, struct ay_bank_supply *supply)
{
    *supply = (struct ay_bank_supply){.denom = ay_slice_str(AY_DENOM)};
    enum ay_code code = ay_row_get(ctx, &ay_bank_supply_msg, supply);
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

enum ay_code ay_bank_burn(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                          uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    struct ay_bank_supply supply;
    AY_TRY(take(ctx, from, amount_nasy));
    AY_TRY(ay_bank_supply_get(ctx, &supply));
    AY_TRY(ay_add(supply.burned, amount_nasy, &supply.burned));
    AY_TRY(ay_row_put(ctx, &ay_bank_supply_msg, &supply));
    AY_TRY(emit(ctx, "coin_spent", "spender", from, amount_nasy));
    return emit(ctx, "burn", "burner", from, amount_nasy);
}

enum ay_code ay_bank_mint(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                          uint64_t amount_nasy)
{
    if (amount_nasy == 0) return AY_OK;
    struct ay_bank_supply supply;
    uint64_t ever;
    AY_TRY(ay_bank_supply_get(ctx, &supply));
    AY_TRY(ay_add(supply.minted, amount_nasy, &supply.minted));
    /* All coins that ever were fit in 64 bits, so no sum of balances can overflow. */
    AY_TRY(ay_add(supply.genesis, supply.minted, &ever));
    AY_TRY(ay_row_put(ctx, &ay_bank_supply_msg, &supply));
    AY_TRY(give(ctx, to, amount_nasy));
    AY_TRY(emit(ctx, "coinbase", "minter", to, amount_nasy));
    return emit(ctx, "coin_received", "receiver", to, amount_nasy);
}
