/* What the modules of the economy share beside their headers. */
#ifndef AY_MODULES_COMMON_H
#define AY_MODULES_COMMON_H

#include "base/arena.h"
#include "base/math.h"
#include "ledger/module.h"

#define AY_BPS 10000 /* basis points in a whole */

/* As ay_row_get, but a row that does not exist reads as all zero. */
AY_MUST static inline enum ay_code ay_row_or_zero(struct ay_ctx *ctx, const struct ay_msg *msg,
                                                  void *row)
{
    enum ay_code code = ay_row_get(ctx, msg, row);
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

/* a + b, or 2^64 - 1: for counts that only inform. */
static inline uint64_t ay_add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return ay_add(a, b, &sum) == AY_OK ? sum : UINT64_MAX;
}

static inline bool ay_is_zero(const uint8_t *bytes, uint32_t len)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < len; i++) any |= bytes[i];
    return any == 0;
}

/* Invariants say how sums over rows hang together. Each is written once, over "rows and what they
 * were before", and runs over the rows that a block changed (all sums are then differences) or over
 * all rows there are (each one new). Sums are modulo 2^64, where differences are exact. */
typedef enum ay_code (*ay_rows_each)(struct ay_ctx *ctx, const struct ay_msg *msg,
                                     ay_row_changed changed, void *self);

/* Calls changed() for every row of msg as if it were new. What changed() takes from ctx->arena is
 * given back after each row. */
AY_MUST static inline enum ay_code ay_rows_all(struct ay_ctx *ctx, const struct ay_msg *msg,
                                               ay_row_changed changed, void *self)
{
    size_t begin = ctx->arena->used;
    void *row = ay_arena_take(ctx->arena, 1, msg->size);
    if (!row) return AY_E_LIMIT;
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, msg, 0, row, 0));
    size_t mark = ctx->arena->used;
    enum ay_code code;
    while ((code = ay_row_walk_next(ctx, &walk, row)) == AY_OK) {
        AY_TRY(changed(ctx, self, false, NULL, true, row));
        ay_arena_rewind(ctx->arena, mark);
    }
    ay_arena_rewind(ctx->arena, begin);
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

/* The first `max` rows of a walk (ledger/ctx.h), for a query's answer; both live in ctx->arena. */
AY_MUST static inline enum ay_code ay_rows_list(struct ay_ctx *ctx, const struct ay_msg *msg,
                                                uint32_t index, const void *from,
                                                uint32_t n_fields, uint32_t max, const void **rows,
                                                uint32_t *count)
{
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, msg, index, from, n_fields));
    uint8_t *list = ay_arena_take(ctx->arena, max, msg->size);
    if (!list) return AY_E_LIMIT;
    enum ay_code code = AY_OK;
    for (*count = 0; *count < max; ++*count) {
        code = ay_row_walk_next(ctx, &walk, list + (size_t)*count * msg->size);
        if (code != AY_OK) break;
    }
    *rows = list;
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

/* amount · h(owner), exact in 128 bits: sums of it differ when an amount stands with an owner that it
 * should not, unless owners share their first 8 bytes. */
static inline unsigned __int128 ay_weigh(const uint8_t owner[AY_ADDRESS_BYTES], uint64_t amount)
{
    return (unsigned __int128)amount * ay_get_be64(owner);
}

#endif
