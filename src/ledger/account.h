/* Accounts: an address with a number, a sequence and, from its first transaction on, a key. */
#ifndef AY_LEDGER_ACCOUNT_H
#define AY_LEDGER_ACCOUNT_H

#include "base/gen/ledger.h"
#include "ledger/ctx.h"

/* AY_E_NOT_FOUND where the address has received nothing yet. */
enum ay_code ay_account_get(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                            struct ay_ledger_account *account) AY_MUST;

/* Creates the account with the next number unless it exists. The bank calls it for whoever
 * receives coins. */
enum ay_code ay_account_ensure(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES]) AY_MUST;

#endif
