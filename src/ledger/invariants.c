#include "ledger/invariants.h"

#include "ledger/auth.h"

static enum ay_code check(struct ay_ctx *ctx, const struct ay_module *module, bool full)
{
    for (const struct ay_invariant *i = module->invariants; i && i->name; i++) {
        enum ay_code (*holds)(struct ay_ctx *) = full ? i->full : i->step;
        if (!holds) continue;
        size_t mark = ctx->arena->used;
        ctx->reason[0] = 0;
        enum ay_code code = holds(ctx);
        ay_arena_rewind(ctx->arena, mark);
        if (code == AY_OK) continue;
        if (code != AY_E_INVARIANT) return code;
        char why[sizeof ctx->reason];
        memcpy(why, ctx->reason, sizeof why);
        why[sizeof why - 1 - 64] = 0;
        return ay_refuse(ctx, AY_E_INVARIANT, "%s/%s: %s", module->name, i->name, why);
    }
    return AY_OK;
}

static enum ay_code check_all(struct ay_ctx *ctx, const struct ay_economy *economy, bool full)
{
    AY_TRY(check(ctx, &ay_auth_module, full));
    for (const struct ay_module *const *m = economy->modules; *m; m++) AY_TRY(check(ctx, *m, full));
    return AY_OK;
}

enum ay_code ay_invariants_step(struct ay_ctx *ctx, const struct ay_economy *economy)
{
    return check_all(ctx, economy, false);
}

enum ay_code ay_invariants_full(struct ay_ctx *ctx, const struct ay_economy *economy)
{
    return check_all(ctx, economy, true);
}
