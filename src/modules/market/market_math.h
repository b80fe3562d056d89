/* The auction of one class in one block, as pure arithmetic: indivisible bids, one uniform price.
 *
 * Bids are served by price, dearest first (among equals the older job). A bid takes the cheapest
 * ask that may serve it; among equally cheap ones the ask least used in proportion to its capacity,
 * then the oldest: the margin is shared pro rata as far as indivisible jobs allow. The clearing
 * price is the dearest ask that was matched, and a bid that could not pay the price reached so far
 * is passed over, so that
 *   every matched ask <= clearing price <= every matched bid.
 * No bid and ask are left that could trade at the clearing price: whoever was passed over could not
 * pay it, or found no ask with room.
 * Uniform price: e.g. Cramton & Stoft, "Why we need to stick with uniform-price auctions", 2007.
 * Not strategy-proof; nothing else in the economy reads a spot price. */
#ifndef AY_MODULES_MARKET_MATH_H
#define AY_MODULES_MARKET_MATH_H

#include "base/math.h"

#include <stddef.h>

#define AY_AUCTION_NONE UINT32_MAX
#define AY_PRICE_UNITS 1000000u /* prices are per so many work units */

struct ay_auction_bid {
    uint64_t units;
    uint64_t max_price; /* per million units */
    uint64_t lock;      /* L at max_price */
    const uint8_t *consumer; /* 20 bytes, borrowed */
    uint32_t ask;       /* out: index of the ask, or AY_AUCTION_NONE */
};

struct ay_auction_ask {
    uint64_t price; /* per million units */
    uint64_t capacity, used; /* units; capacity > 0. used: in and out */
    uint64_t lock;  /* free for jobs; in and out */
    const uint8_t *provider; /* 20 bytes, borrowed */
};

struct ay_auction_result {
    uint64_t price; /* 0 when nothing matched */
    uint64_t units;
    uint32_t matched;
};

/* ⌈price · units / 10^6⌉: rounded up, so that nobody computes for nothing. AY_E_OVERFLOW. */
enum ay_code ay_market_fee(uint64_t price, uint64_t units, uint64_t *fee) AY_MUST;

/* Clears the class. bids must be sorted by max_price descending, then by age; asks in order of age
 * among equal prices. Sets ask of each bid, and takes units and lock off the asks as if each bid
 * paid its own maximum. Cost: n_bids · n_asks. */
void ay_auction_clear(struct ay_auction_bid *bids, size_t n_bids, struct ay_auction_ask *asks,
                      size_t n_asks, struct ay_auction_result *result);

#endif
