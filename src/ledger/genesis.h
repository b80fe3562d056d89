/* The first state of a network. */
#ifndef AY_LEDGER_GENESIS_H
#define AY_LEDGER_GENESIS_H

#include "base/gen/genesis.h"
#include "ledger/module.h"

/* SHA-256 of the canonical bytes: what binds every claim and request to its network.
 * AY_E_LIMIT: arena. AY_E_RANGE: a field is over the schema's limits. */
enum ay_code ay_genesis_hash(const struct ay_genesis_genesis *genesis, struct ay_arena *arena,
                             uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* Writes the ledger's and every module's first rows on ctx->overlay, and sets the clock and
 * genesis_hash of ctx. A module receives the section whose type is its genesis_msg.
 * AY_E_RANGE and what modules return; ctx->reason says what is wrong. */
enum ay_code ay_genesis_apply(struct ay_ctx *ctx, const struct ay_economy *economy,
                              const struct ay_genesis_genesis *genesis) AY_MUST;

/* Sensible parameters of a development chain: short times, small bonds. Accounts and validators are
 * the caller's to add. Every section is set; nothing is borrowed but chain_id. */
void ay_genesis_defaults(struct ay_genesis_genesis *genesis, const char *chain_id,
                         uint64_t time_ms);

#endif
