#include "modules/market/verbs.h"

/* One class at hand; arrays are used again for the next. */
struct book {
    struct ay_market_bid bids[AY_MAX_MARKET_BIDS];
    struct ay_market_ask asks[AY_MAX_MARKET_ASKS];
    struct ay_auction_bid auction_bids[AY_MAX_MARKET_BIDS];
    struct ay_auction_ask auction_asks[AY_MAX_MARKET_ASKS];
    uint32_t n_bids, n_asks;
};

/* The dearest bids of the class, in the auction's order. */
static enum ay_code read_bids(struct ay_ctx *ctx, const struct ay_market_bid *class,
                              struct book *book)
{
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_market_bid_msg, 1, class, 2));
    for (book->n_bids = 0; book->n_bids < AY_MAX_MARKET_BIDS; book->n_bids++) {
        struct ay_market_bid *row = &book->bids[book->n_bids];
        enum ay_code code = ay_row_walk_next(ctx, &walk, row);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        struct ay_auction_bid *bid = &book->auction_bids[book->n_bids];
        *bid = (struct ay_auction_bid){.units = row->units,
                                       .max_price = row->max_price_nasy,
                                       .consumer = row->consumer};
        uint64_t fee;
        AY_TRY(ay_market_fee(row->max_price_nasy, row->units, &fee));
        AY_TRY(ay_market_lock_of(ctx, fee, &bid->lock));
    }
    return AY_OK;
}

/* The cheapest open asks of the class whose operators still reach its tier. */
static enum ay_code read_asks(struct ay_ctx *ctx, const struct ay_market_bid *class,
                              struct book *book)
{
    struct ay_market_ask from = {.tier = class->tier};
    memcpy(from.program_id, class->program_id, AY_HASH_BYTES);
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_market_ask_msg, 2, &from, 2));
    book->n_asks = 0;
    for (uint32_t looked = 0; looked < AY_MAX_MARKET_ASKS; looked++) {
        struct ay_market_ask *row = &book->asks[book->n_asks];
        enum ay_code code = ay_row_walk_next(ctx, &walk, row);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        uint32_t tier;
        AY_TRY(ay_stake_tier(ctx, row->provider, &tier));
        if (row->closed || tier < row->tier) continue;
        book->auction_asks[book->n_asks++] = (struct ay_auction_ask){
            .price = row->price_nasy,
            .capacity = row->capacity_units,
            .used = row->used_units,
            .lock = row->free_lock_nasy,
            .provider = row->provider,
        };
    }
    return AY_OK;
}

/* Moves the lock from ask to job, at the price that was cleared. */
static enum ay_code match(struct ay_ctx *ctx, const struct ay_market_bid *bid,
                          struct ay_market_ask *ask, uint64_t price_nasy)
{
    uint64_t fee, lock;
    AY_TRY(ay_market_fee(price_nasy, bid->units, &fee));
    AY_TRY(ay_market_lock_of(ctx, fee, &lock));
    AY_ASSERT(!ask->closed && lock <= ask->free_lock_nasy);
    AY_TRY(ay_stake_unlock(ctx, ask->provider, AY_STAKE_LOCK_ASK, ask->id, lock));
    ask->free_lock_nasy -= lock;
    ask->used_units += bid->units;
    ask->jobs++;
    AY_TRY(ay_row_put(ctx, &ay_market_ask_msg, ask));
    AY_TRY(ay_market_unbid(ctx, bid->job_id));
    return ay_job_match(ctx, bid->job_id, ask, price_nasy, fee, lock);
}

static enum ay_code record(struct ay_ctx *ctx, const struct ay_market_bid *class,
                           const struct ay_auction_result *result, uint32_t waiting)
{
    struct ay_market_class row = {.tier = class->tier,
                                  .price_nasy = result->price,
                                  .height = ctx->height,
                                  .volume_units = result->units};
    memcpy(row.program_id, class->program_id, AY_HASH_BYTES);
    AY_TRY(ay_row_put(ctx, &ay_market_class_msg, &row));
    struct ay_market_event_cleared event = {.tier = class->tier,
                                            .price_nasy = result->price,
                                            .volume_units = result->units,
                                            .matched = result->matched,
                                            .waiting = waiting};
    memcpy(event.program_id, class->program_id, AY_HASH_BYTES);
    return ay_emit(ctx, &ay_market_event_cleared_msg, &event);
}

static enum ay_code clear_class(struct ay_ctx *ctx, const struct ay_market_bid *class,
                                struct book *book)
{
    AY_TRY(read_bids(ctx, class, book));
    AY_TRY(read_asks(ctx, class, book));
    struct ay_auction_result result;
    ay_auction_clear(book->auction_bids, book->n_bids, book->auction_asks, book->n_asks, &result);
    if (result.matched == 0) return AY_OK;
    for (uint32_t i = 0; i < book->n_bids; i++) {
        uint32_t ask = book->auction_bids[i].ask;
        if (ask == AY_AUCTION_NONE) continue;
        AY_TRY(match(ctx, &book->bids[i], &book->asks[ask], result.price));
    }
    return record(ctx, class, &result, book->n_bids - result.matched);
}

/* The first class with bids at or after *class, which becomes it; with `skip`, after it.
 * AY_E_NOT_FOUND at the end. */
static enum ay_code next_class(struct ay_ctx *ctx, struct ay_market_bid *class, bool skip)
{
    struct ay_market_bid from = *class;
    from.price_rank = skip ? UINT64_MAX : 0; /* no bid has the highest: its price would be 0 */
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_market_bid_msg, 1, &from, 0));
    AY_TRY(ay_row_walk_seek(&walk, &from, 3));
    return ay_row_walk_next(ctx, &walk, class);
}

static bool class_before(const struct ay_market_bid *a, const struct ay_market_bid *b)
{
    int order = memcmp(a->program_id, b->program_id, AY_HASH_BYTES);
    return order ? order < 0 : a->tier < b->tier;
}

/* Clears classes from *class up to `end` (NULL: the last), as many as *budget allows; *class becomes
 * the last one cleared. */
static enum ay_code clear_span(struct ay_ctx *ctx, struct book *book, struct ay_market_bid *class,
                               const struct ay_market_bid *end, uint32_t *budget)
{
    for (bool skip = false; *budget > 0; skip = true, --*budget) {
        enum ay_code code = next_class(ctx, class, skip);
        if (code == AY_E_NOT_FOUND) return AY_OK;
        AY_TRY(code);
        if (end && !class_before(class, end)) return AY_OK;
        AY_TRY(clear_class(ctx, class, book));
    }
    return AY_OK;
}

/* Clears classes from the one whose turn it is to the last, then from the first to that one. */
static enum ay_code clear_turn(struct ay_ctx *ctx, struct book *book)
{
    struct ay_market_meta meta = {0};
    AY_TRY(ay_row_get(ctx, &ay_market_meta_msg, &meta));
    struct ay_market_bid turn = {.tier = meta.turn_tier}, class;
    memcpy(turn.program_id, meta.turn_program_id, AY_HASH_BYTES);

    uint32_t budget = AY_MAX_MARKET_CLASSES;
    class = turn;
    AY_TRY(clear_span(ctx, book, &class, NULL, &budget));
    if (budget > 0) {
        class = (struct ay_market_bid){0};
        AY_TRY(clear_span(ctx, book, &class, &turn, &budget));
    }
    if (budget > 0) return AY_OK; /* all had their turn */
    meta.turn_tier = class.tier + 1;
    memcpy(meta.turn_program_id, class.program_id, AY_HASH_BYTES);
    return ay_row_put(ctx, &ay_market_meta_msg, &meta);
}

static enum ay_code expire(struct ay_ctx *ctx)
{
    struct ay_market_bid row = {0};
    struct ay_row_walk walk;
    AY_TRY(ay_row_walk_begin(&walk, &ay_market_bid_msg, 2, &row, 0));
    for (uint32_t n = 0; n < AY_MAX_MARKET_EXPIRED; n++) {
        enum ay_code code = ay_row_walk_next(ctx, &walk, &row);
        if (code == AY_E_NOT_FOUND) break;
        AY_TRY(code);
        if (row.expire_height > ctx->height) break;
        AY_TRY(ay_market_unbid(ctx, row.job_id));
        AY_TRY(ay_job_expire(ctx, row.job_id));
    }
    return AY_OK;
}

enum ay_code ay_market_clear(struct ay_ctx *ctx)
{
    struct book *book = AY_NEW(ctx->arena, struct book, 1);
    if (!book) return AY_E_LIMIT;
    AY_TRY(clear_turn(ctx, book));
    return expire(ctx);
}
