#include "modules/bank/verbs.h"

#include "base/math.h"

enum ay_code ay_bank_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    AY_ASSERT(msg == &ay_genesis_bank_msg);
    const struct ay_genesis_bank *bank = section;
    struct ay_bank_supply supply = {.denom = ay_slice_str(AY_DENOM)};
    for (uint32_t i = 0; i < bank->accounts_count; i++) {
        const struct ay_genesis_account *account = &bank->accounts[i];
        uint8_t address[AY_ADDRESS_BYTES];
        uint64_t held;
        if (ay_address_parse(account->address, address) != AY_OK ||
            ay_is_module_address(ctx, address))
            return ay_refuse(ctx, AY_E_ADDRESS, "bank.accounts[%u].address", i);
        if (account->amount_nasy == 0)
            return ay_refuse(ctx, AY_E_RANGE, "bank.accounts[%u].amount_nasy is 0", i);
        AY_TRY(ay_bank_balance(ctx, address, &held));
        if (held) return ay_refuse(ctx, AY_E_EXISTS, "bank.accounts[%u] is there twice", i);
        if (ay_add(supply.genesis, account->amount_nasy, &supply.genesis) != AY_OK)
            return ay_refuse(ctx, AY_E_OVERFLOW, "bank.accounts: more coins than 2^64");
        /* Minted and at once booked as genesis: one way for coins to come into being. */
        AY_TRY(ay_bank_mint(ctx, address, account->amount_nasy));
    }
    return ay_row_put(ctx, &ay_bank_supply_msg, &supply);
}
