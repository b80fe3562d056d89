/* Works: registered models, their programs, licences, shares and royalties. */
#ifndef AY_MODULES_WORK_H
#define AY_MODULES_WORK_H

#include "base/gen/work.h"
#include "ledger/module.h"

extern const struct ay_module ay_work_module;

/* The work with this id. AY_E_NOT_FOUND. Slices live in ctx->arena. */
enum ay_code ay_work_get(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                         struct ay_work_work *work) AY_MUST;

/* The work's program, decoded into ctx->arena. AY_E_NOT_FOUND. Cost: its bytes in gas. */
enum ay_code ay_work_program(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                             struct ay_work_program *program) AY_MUST;

/* Takes the work's royalty of a fee out of from's balance: ⌊fee · royalty⌋ to the shareholders and
 * ancestors, who withdraw it. *royalty_nasy: what was taken. */
enum ay_code ay_work_pay(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                         const uint8_t from[AY_ADDRESS_BYTES], uint64_t fee_nasy,
                         uint64_t *royalty_nasy) AY_MUST;

#endif
