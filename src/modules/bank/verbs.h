/* What the bank's files share; other modules use bank.h. */
#ifndef AY_MODULES_BANK_VERBS_H
#define AY_MODULES_BANK_VERBS_H

#include "base/gen/bank.h"
#include "base/gen/genesis.h"
#include "modules/bank/bank.h"

/* cosmos.bank.v1beta1.MsgSend. AY_E_COINS, AY_E_ADDRESS; AY_E_FUNDS; AY_E_UNAUTHORIZED: the
 * receiver is a module. */
enum ay_code ay_bank_send_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_bank_send(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* Gives each account of the genesis its coins and an account. AY_E_ADDRESS, AY_E_EXISTS. */
enum ay_code ay_bank_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                             const void *section) AY_MUST;

/* End of block: the fees that its transactions paid go to its proposer. */
enum ay_code ay_bank_pay_fees(struct ay_ctx *ctx) AY_MUST;

/* The row that counts what came into being and what was burned. */
enum ay_code ay_bank_supply_get(struct ay_ctx *ctx, struct ay_bank_supply *supply) AY_MUST;

enum ay_code ay_bank_query_balance(struct ay_ctx *ctx, const void *request, void *answer) AY_MUST;
enum ay_code ay_bank_query_all_balances(struct ay_ctx *ctx, const void *request,
                                        void *answer) AY_MUST;
enum ay_code ay_bank_query_supply(struct ay_ctx *ctx, const void *request, void *answer) AY_MUST;

/* genesis + minted - burned = sum of all balances, exactly; no balance row is zero or in another
 * denom. AY_E_INVARIANT. */
enum ay_code ay_bank_conservation_step(struct ay_ctx *ctx) AY_MUST;
enum ay_code ay_bank_conservation_full(struct ay_ctx *ctx) AY_MUST;

#endif
