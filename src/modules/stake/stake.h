/* Bonds: one ledger of them for consensus, compute and later services.
 * Coins: the bonds and the unbondings are the balance of the module's address, exactly. */
#ifndef AY_MODULES_STAKE_H
#define AY_MODULES_STAKE_H

#include "base/gen/stake.h"
#include "ledger/module.h"

extern const struct ay_module ay_stake_module;

/* Highest tier that the operator's own bond reaches. */
enum ay_code ay_stake_tier(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                           uint32_t *tier) AY_MUST;

/* How many tiers there are, tier 0 counted. */
enum ay_code ay_stake_tiers(struct ay_ctx *ctx, uint32_t *count) AY_MUST;

/* Adds to the lock (operator, kind, id), which is created when new.
 * AY_E_STAKE_EXPOSURE when all locks together would exceed the operator's own bond. */
enum ay_code ay_stake_lock(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                           enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy) AY_MUST;

/* Takes amount off the lock; the lock goes when it is empty. AY_E_STATE when it holds less. */
enum ay_code ay_stake_unlock(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                             enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy) AY_MUST;

/* What the lock (operator, kind, id) holds; 0 where there is none. */
enum ay_code ay_stake_locked(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                             enum ay_stake_lock_kind kind, uint64_t id, uint64_t *amount_nasy) AY_MUST;

/* Sum of all locks of a kind. For invariants: it walks every lock. */
enum ay_code ay_stake_locked_sum(struct ay_ctx *ctx, enum ay_stake_lock_kind kind,
                                 uint64_t *amount_nasy) AY_MUST;

/* Takes amount out of the lock and the bond and hands the coins to `to` (a module's address: the
 * caller shares them out). AY_E_STATE when the lock holds less. */
enum ay_code ay_stake_slash(struct ay_ctx *ctx, const uint8_t operator[AY_ADDRESS_BYTES],
                            enum ay_stake_lock_kind kind, uint64_t id, uint64_t amount_nasy,
                            const uint8_t to[AY_ADDRESS_BYTES]) AY_MUST;

/* Takes coins from `from` (a module's address) and frees them to address after the unbonding
 * period: how rewards are paid. */
enum ay_code ay_stake_reward(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                             const uint8_t address[AY_ADDRESS_BYTES], uint64_t amount_nasy) AY_MUST;

#endif
