/* Coins: balances and the supply. Every coin of the network is in some balance; a module's coins
 * are in the balance of ay_module_address(). */
#ifndef AY_MODULES_BANK_H
#define AY_MODULES_BANK_H

#include "ledger/module.h"

extern const struct ay_module ay_bank_module;

/* What address holds of nasy; 0 where there is no row. */
enum ay_code ay_bank_balance(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                             uint64_t *amount_nasy) AY_MUST;

/* Moves coins; the receiver's account is created when it is new. AY_E_FUNDS when from holds less.
 * Amount 0 does nothing. */
enum ay_code ay_bank_move(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                          const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount_nasy) AY_MUST;

/* Destroys coins that from holds. AY_E_FUNDS. */
enum ay_code ay_bank_burn(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                          uint64_t amount_nasy) AY_MUST;

/* Creates coins. AY_E_OVERFLOW when the supply would not fit. */
enum ay_code ay_bank_mint(struct ay_ctx *ctx, const uint8_t to[AY_ADDRESS_BYTES],
                          uint64_t amount_nasy) AY_MUST;

#endif
