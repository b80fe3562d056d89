#include "ledger/genesis.h"

#include "base/codec.h"
#include "crypto/hash.h"

enum ay_code ay_genesis_hash(const struct ay_genesis_genesis *genesis, struct ay_arena *arena,
                             uint8_t out[AY_HASH_BYTES])
{
    struct ay_slice bytes;
    AY_TRY(ay_encode_arena(&ay_genesis_genesis_msg, genesis, arena, &bytes));
    ay_sha256(bytes, out);
    return AY_OK;
}

static bool chain_id_is_good(struct ay_slice id)
{
    for (uint32_t i = 0; i < id.len; i++) {
        uint8_t c = id.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good) return false;
    }
    return id.len > 0;
}

static enum ay_code check_ledger(struct ay_ctx *ctx, const struct ay_genesis_genesis *g)
{
    const struct ay_ledger_params *p = &g->ledger;
    if (!chain_id_is_good(g->chain_id))
        return ay_refuse(ctx, AY_E_RANGE, "chain_id must be of a-z, 0-9, - and _");
    if (!g->has_ledger) return ay_refuse(ctx, AY_E_RANGE, "section ledger is missing");
    if (p->clock_step_ms == 0 || p->max_block_gas == 0)
        return ay_refuse(ctx, AY_E_RANGE,
                         "ledger: clock_step_ms and max_block_gas must be above 0");
    if (p->reserve_bytes == 0 || p->reserve_bytes >= p->max_block_bytes || p->max_tx_bytes == 0 ||
        p->max_tx_bytes > p->max_block_bytes - p->reserve_bytes || p->max_block_bytes > UINT32_MAX)
        return ay_refuse(ctx, AY_E_RANGE,
                         "ledger: max_tx_bytes + reserve_bytes must be at most "
                         "max_block_bytes, each above 0");
    return AY_OK;
}

/* The section of this type in the genesis, or NULL when it is absent. */
static const void *section_of(const struct ay_genesis_genesis *g, const struct ay_msg *type)
{
    for (uint32_t i = 0; i < ay_genesis_genesis_msg.n; i++) {
        const struct ay_field *f = &ay_genesis_genesis_msg.fields[i];
        if (f->kind != AY_KIND_MESSAGE || f->sub != type) continue;
        return *((const bool *)((const uint8_t *)g + f->aside)) ? (const uint8_t *)g + f->offset
                                                                : NULL;
    }
    return NULL;
}

enum ay_code ay_genesis_apply(struct ay_ctx *ctx, const struct ay_economy *economy,
                              const struct ay_genesis_genesis *g)
{
    AY_TRY(check_ledger(ctx, g));
    struct ay_ledger_meta meta = {
        .now_ms = g->time_ms, .time_ms = g->time_ms, .chain_id = g->chain_id};
    AY_TRY(ay_genesis_hash(g, ctx->arena, meta.genesis_hash));
    memcpy(ctx->genesis_hash, meta.genesis_hash, sizeof ctx->genesis_hash);
    ctx->height = 0;
    ctx->time_ms = ctx->now_ms = g->time_ms;
    AY_TRY(ay_row_put(ctx, &ay_ledger_params_msg, &g->ledger));
    AY_TRY(ay_row_put(ctx, &ay_ledger_meta_msg, &meta));
    for (const struct ay_module *const *m = economy->modules; *m; m++) {
        if (!(*m)->genesis) continue;
        const void *section = NULL;
        if ((*m)->genesis_msg) {
            section = section_of(g, (*m)->genesis_msg);
            if (!section) return ay_refuse(ctx, AY_E_RANGE, "section %s is missing", (*m)->name);
        }
        AY_TRY((*m)->genesis(ctx, (*m)->genesis_msg, section));
    }
    return AY_OK;
}
