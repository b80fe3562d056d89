/* What the files of the stake module share. */
#ifndef AY_MODULES_STAKE_VERBS_H
#define AY_MODULES_STAKE_VERBS_H

#include "modules/bank/bank.h"
#include "modules/common.h"
#include "modules/stake/stake.h"

#define AY_MAX_STAKE_RELEASES 256  /* unbondings that end in one block; the rest follow */
#define AY_MAX_STAKE_UNBONDINGS 64 /* of one address, as far as its own MsgUnbond goes */

/* Verbs, by the message's name. */
enum ay_code ay_stake_bond_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_stake_bond(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_stake_unbond_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_stake_unbond(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* Coins that the module holds already become free to address after the unbonding period.
 * *release_ms may be wanted or NULL. */
enum ay_code ay_stake_hold(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                           uint64_t amount_nasy, uint64_t *release_ms) AY_MUST;

/* End of block: pays out the unbondings whose time has come. */
enum ay_code ay_stake_release(struct ay_ctx *ctx) AY_MUST;
bool ay_stake_waits(struct ay_ctx *ctx);

/* The operator's row, zero when there is none yet. */
enum ay_code ay_stake_operator(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES],
                               struct ay_stake_operator *op) AY_MUST;

/* Adds to and takes from the module's sum of bonds. */
enum ay_code ay_stake_count_bond(struct ay_ctx *ctx, uint64_t add_nasy, uint64_t sub_nasy) AY_MUST;

enum ay_code ay_stake_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                              const void *section) AY_MUST;

extern const struct ay_query_verb ay_stake_queries[];
extern const struct ay_invariant ay_stake_invariants[];

#endif
