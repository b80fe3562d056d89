#include "ledger/account.h"

#include "base/math.h"

enum ay_code ay_account_get(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                            struct ay_ledger_account *account)
{
    memcpy(account->address, address, AY_ADDRESS_BYTES);
    return ay_row_get(ctx, &ay_ledger_account_msg, account);
}

enum ay_code ay_account_ensure(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES])
{
    struct ay_ledger_account account;
    enum ay_code code = ay_account_get(ctx, address, &account);
    if (code != AY_E_NOT_FOUND) return code;
    struct ay_ledger_meta meta;
    AY_TRY(ay_row_get(ctx, &ay_ledger_meta_msg, &meta));
    account.number = meta.next_account;
    AY_TRY(ay_add(meta.next_account, 1, &meta.next_account));
    AY_TRY(ay_row_put(ctx, &ay_ledger_meta_msg, &meta));
    return ay_row_put(ctx, &ay_ledger_account_msg, &account);
}
