/* What must hold after every block. A violation stops the node before it commits. */
#ifndef AY_LEDGER_INVARIANTS_H
#define AY_LEDGER_INVARIANTS_H

#include "ledger/module.h"

/* The cheap form of each, from the rows that the block changed; the full form where a module has
 * no other. AY_E_INVARIANT with ctx->reason "module/name: why". */
enum ay_code ay_invariants_step(struct ay_ctx *ctx, const struct ay_economy *economy) AY_MUST;

/* Over the whole state. AY_E_INVARIANT. */
enum ay_code ay_invariants_full(struct ay_ctx *ctx, const struct ay_economy *economy) AY_MUST;

#endif
