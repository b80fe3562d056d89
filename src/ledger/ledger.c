#include "ledger/ledger.h"

#include "ledger/auth.h"
#include "ledger/envelope.h"
#include "ledger/genesis.h"
#include "ledger/invariants.h"
#include "ledger/tx.h"

#include "base/math.h"

enum ay_code ay_ledger_open(struct ay_ledger *ledger, const struct ay_economy *economy,
                            const struct ay_kv *kv, struct ay_ledger_arenas arenas)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->economy = economy;
    ledger->arenas = arenas;
    ledger->arenas.block.used = ledger->arenas.tx.used = ledger->arenas.scratch.used = 0;
    ledger->overlay = ay_overlay_base(kv, &ledger->arenas.block);
    ledger->events.arena = &ledger->arenas.block;
    ledger->ctx.economy = economy;
    ledger->ctx.overlay = &ledger->overlay;
    ledger->ctx.arena = &ledger->arenas.scratch;

    struct ay_ledger_meta meta;
    enum ay_code code = ay_row_get(&ledger->ctx, &ay_ledger_meta_msg, &meta);
    if (code == AY_E_NOT_FOUND) return AY_OK;
    AY_TRY(code);
    AY_TRY(ay_row_get(&ledger->ctx, &ay_ledger_params_msg, &ledger->params));
    AY_ASSERT(meta.chain_id.len <= AY_MAX_CHAIN_ID);
    memcpy(ledger->chain_id, meta.chain_id.data, meta.chain_id.len);
    memcpy(ledger->ctx.genesis_hash, meta.genesis_hash, AY_HASH_BYTES);
    ledger->last_height = meta.height;
    ledger->last_time_ms = meta.time_ms;
    ledger->last_reserved_bytes = meta.reserved_bytes;
    /* What queries and checks see; a block sets its own. */
    ledger->ctx.height = meta.height;
    ledger->ctx.time_ms = meta.time_ms;
    ledger->ctx.now_ms = meta.now_ms;
    ledger->initialised = true;
    return AY_OK;
}

enum ay_code ay_ledger_init(struct ay_ledger *ledger, const struct ay_genesis_genesis *genesis)
{
    if (ledger->initialised) return AY_E_STATE;
    ledger->ctx.events = &ledger->events;
    enum ay_code code = ay_genesis_apply(&ledger->ctx, ledger->economy, genesis);
    ledger->ctx.events = NULL;
    AY_TRY(code);
    return ay_invariants_full(&ledger->ctx, ledger->economy);
}

/* Runs one hook of every module, in order. */
static enum ay_code each_module(struct ay_ledger *ledger, bool begin)
{
    ledger->ctx.events = &ledger->events;
    for (const struct ay_module *const *m = ledger->economy->modules; *m; m++) {
        enum ay_code (*hook)(struct ay_ctx *) = begin ? (*m)->begin_block : (*m)->end_block;
        ledger->arenas.scratch.used = 0;
        if (hook) AY_TRY(hook(&ledger->ctx));
    }
    ledger->ctx.events = NULL;
    return AY_OK;
}

enum ay_code ay_ledger_begin(struct ay_ledger *ledger, uint64_t height, uint64_t time_ms,
                             const uint8_t proposer[AY_ADDRESS_BYTES])
{
    AY_ASSERT(ledger->initialised && !ledger->in_block);
    struct ay_ctx *ctx = &ledger->ctx;
    if (height != ledger->last_height + 1 || time_ms < ledger->last_time_ms) return AY_E_RANGE;
    uint64_t step = time_ms - ledger->last_time_ms;
    if (step > ledger->params.clock_step_ms) step = ledger->params.clock_step_ms;
    if (ledger->last_reserved_bytes >= ledger->params.reserve_bytes) step = 0;
    AY_TRY(ay_add(ctx->now_ms, step, &ctx->now_ms));
    ctx->height = height;
    ctx->time_ms = time_ms;
    memcpy(ctx->proposer, proposer, AY_ADDRESS_BYTES);
    ledger->in_block = true;
    return each_module(ledger, true);
}

static struct ay_tx_rules rules_of(const struct ay_ledger *ledger, uint64_t min_price_nano)
{
    return (struct ay_tx_rules){.economy = ledger->economy,
                                .chain_id = ay_slice_str(ledger->chain_id),
                                .max_gas = ledger->params.max_block_gas,
                                .min_price_nano = min_price_nano,
                                .known = ledger->known};
}

/* Takes the bytes apart. A refusal is in *code, and in *result with its text in `keep`; what is
 * returned is fatal. */
static enum ay_code decode(struct ay_ledger *ledger, struct ay_slice raw, bool simulate,
                           struct ay_envelope *envelope, enum ay_code *code, struct ay_arena *keep,
                           struct ay_ledger_tx_result *result)
{
    struct ay_ctx *ctx = &ledger->ctx;
    ledger->arenas.tx.used = ledger->arenas.scratch.used = 0;
    ctx->reason[0] = 0;
    if (raw.len > ledger->params.max_tx_bytes)
        *code = ay_refuse(ctx, AY_E_TX_LARGE, "%u bytes, at most %llu are taken", raw.len,
                          (unsigned long long)ledger->params.max_tx_bytes);
    else
        *code = ay_envelope_decode(ctx, ledger->economy, raw, simulate, envelope);
    if (ay_code_is_fatal(*code)) return *code;
    *result = (struct ay_ledger_tx_result){0};
    if (*code == AY_OK) return AY_OK;
    return ay_tx_refusal(*code, "", ctx->reason, keep, result);
}

/* Is there room for it? Dispute moves may fill the whole block, others not the reserve. */
static bool has_room(const struct ay_ledger *ledger, uint32_t len,
                     const struct ay_envelope *envelope)
{
    const struct ay_ledger_params *p = &ledger->params;
    uint64_t others = ledger->bytes - ledger->reserved_bytes;
    bool reserved = envelope && envelope->reserved;
    if (ledger->bytes + len > p->max_block_bytes) return false;
    if (!reserved && others + len > p->max_block_bytes - p->reserve_bytes) return false;
    uint64_t gas = envelope ? envelope->auth.fee.gas_limit : 0;
    return gas > p->max_block_gas || gas <= p->max_block_gas - ledger->gas;
}

enum ay_code ay_ledger_deliver(struct ay_ledger *ledger, struct ay_slice raw,
                               struct ay_ledger_tx_result *result)
{
    AY_ASSERT(ledger->in_block);
    struct ay_envelope envelope;
    struct ay_tx_rules rules = rules_of(ledger, 0);
    enum ay_code code;
    size_t mark = ledger->arenas.block.used;
    AY_TRY(decode(ledger, raw, false, &envelope, &code, &ledger->arenas.block, result));
    if (!has_room(ledger, raw.len, code == AY_OK ? &envelope : NULL)) {
        ay_arena_rewind(&ledger->arenas.block, mark);
        return AY_E_LIMIT;
    }
    ledger->bytes += raw.len;
    if (code != AY_OK) return AY_OK;
    bool paid;
    code = ay_tx_run(&ledger->ctx, &rules, AY_TX_DELIVER, &envelope, raw.len, &ledger->arenas.tx,
                     &ledger->arenas.block, result, &paid);
    if (code != AY_OK) return code == AY_E_LIMIT ? AY_E_MEMORY : code;
    /* Who pays nothing fills neither the gas of the block nor the reserve that stops the clock. */
    if (!paid) return AY_OK;
    ledger->gas += envelope.auth.fee.gas_limit;
    if (envelope.reserved) ledger->reserved_bytes += raw.len;
    return AY_OK;
}

static enum ay_code write_meta(struct ay_ledger *ledger)
{
    struct ay_ledger_meta meta;
    AY_TRY(ay_row_get(&ledger->ctx, &ay_ledger_meta_msg, &meta));
    meta.height = ledger->ctx.height;
    meta.time_ms = ledger->ctx.time_ms;
    meta.now_ms = ledger->ctx.now_ms;
    meta.reserved_bytes = ledger->reserved_bytes;
    return ay_row_put(&ledger->ctx, &ay_ledger_meta_msg, &meta);
}

enum ay_code ay_ledger_end(struct ay_ledger *ledger, const struct ay_tendermint_abci_event **events,
                           uint32_t *count)
{
    AY_ASSERT(ledger->in_block);
    AY_TRY(each_module(ledger, false));
    AY_TRY(write_meta(ledger));
    AY_TRY(ay_invariants_step(&ledger->ctx, ledger->economy));
    if (ledger->ctx.height % AY_LEDGER_FULL_CHECK_BLOCKS == 0)
        AY_TRY(ay_invariants_full(&ledger->ctx, ledger->economy));
    ledger->in_block = false;
    return ay_events_copy(&ledger->events, &ledger->arenas.block, events, count);
}

enum ay_code ay_ledger_changes(struct ay_ledger *ledger, struct ay_kv_change **changes,
                               uint32_t *count)
{
    AY_ASSERT(!ledger->in_block);
    return ay_overlay_changes(&ledger->overlay, &ledger->arenas.block, changes, count);
}

enum ay_code ay_ledger_verify(struct ay_ledger *ledger)
{
    return ay_invariants_full(&ledger->ctx, ledger->economy);
}

bool ay_ledger_waits(struct ay_ledger *ledger)
{
    for (const struct ay_module *const *m = ledger->economy->modules; *m; m++) {
        ledger->arenas.scratch.used = 0;
        if ((*m)->waits && (*m)->waits(&ledger->ctx)) return true;
    }
    return false;
}

/* A transaction outside a block: as if in the next one. The result lives in scratch memory, so that
 * refusals, however many, take none. */
static enum ay_code run_aside(struct ay_ledger *ledger, struct ay_slice raw, enum ay_tx_mode mode,
                              uint64_t min_price_nano, struct ay_ledger_tx_result *result)
{
    AY_ASSERT(ledger->initialised && !ledger->in_block);
    struct ay_envelope envelope;
    struct ay_tx_rules rules = rules_of(ledger, min_price_nano);
    struct ay_arena *keep = &ledger->arenas.scratch;
    enum ay_code code;
    bool paid;
    AY_TRY(decode(ledger, raw, mode == AY_TX_SIMULATE, &envelope, &code, keep, result));
    if (code != AY_OK) return AY_OK;
    ledger->ctx.height = ledger->last_height + 1;
    code = ay_tx_run(&ledger->ctx, &rules, mode, &envelope, raw.len, &ledger->arenas.tx, keep,
                     result, &paid);
    ledger->ctx.height = ledger->last_height;
    return code;
}

enum ay_code ay_ledger_check(struct ay_ledger *ledger, struct ay_slice raw, uint64_t min_price_nano,
                             struct ay_ledger_tx_result *result)
{
    return run_aside(ledger, raw, AY_TX_CHECK, min_price_nano, result);
}

enum ay_code ay_ledger_simulate(struct ay_ledger *ledger, struct ay_slice raw,
                                struct ay_ledger_tx_result *result)
{
    return run_aside(ledger, raw, AY_TX_SIMULATE, 0, result);
}
