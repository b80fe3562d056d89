#include "modules/market/market_math.h"

#include <string.h>

enum ay_code ay_market_fee(uint64_t price, uint64_t units, uint64_t *fee)
{
    return ay_mul_div(price, units, AY_PRICE_UNITS, AY_CEIL, fee);
}

static bool may_serve(const struct ay_auction_ask *ask, const struct ay_auction_bid *bid)
{
    return ask->price <= bid->max_price && ask->used <= ask->capacity &&
           bid->units <= ask->capacity - ask->used && bid->lock <= ask->lock &&
           memcmp(ask->provider, bid->consumer, 20) != 0;
}

/* Is a to be taken before b, which is older? */
static bool before(const struct ay_auction_ask *a, const struct ay_auction_ask *b)
{
    if (a->price != b->price) return a->price < b->price;
    return (unsigned __int128)a->used * b->capacity < (unsigned __int128)b->used * a->capacity;
}

static uint32_t choose(const struct ay_auction_bid *bid, const struct ay_auction_ask *asks,
                       size_t n_asks)
{
    uint32_t best = AY_AUCTION_NONE;
    for (uint32_t i = 0; i < n_asks; i++)
        if (may_serve(&asks[i], bid) &&
            (best == AY_AUCTION_NONE || before(&asks[i], &asks[best])))
            best = i;
    return best;
}

void ay_auction_clear(struct ay_auction_bid *bids, size_t n_bids, struct ay_auction_ask *asks,
                      size_t n_asks, struct ay_auction_result *result)
{
    AY_ASSERT(n_asks < AY_AUCTION_NONE);
    *result = (struct ay_auction_result){0};
    for (size_t i = 0; i < n_bids; i++) {
        struct ay_auction_bid *bid = &bids[i];
        AY_ASSERT(i == 0 || bid->max_price <= bids[i - 1].max_price);
        bid->ask = AY_AUCTION_NONE;
        if (bid->max_price < result->price) continue;
        uint32_t chosen = choose(bid, asks, n_asks);
        if (chosen == AY_AUCTION_NONE) continue;
        bid->ask = chosen;
        asks[chosen].used += bid->units;
        asks[chosen].lock -= bid->lock;
        if (asks[chosen].price > result->price) result->price = asks[chosen].price;
        result->units += bid->units;
        result->matched++;
    }
}
