/* The auction against an oracle that tries every assignment, and what must hold of any outcome. */
#include "modules/market/market_math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MAX_BIDS 4
#define MAX_ASKS 3
#define CASES 60000

static uint64_t seed_state;

static uint64_t draw(uint64_t bound)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = seed_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % bound;
}

struct game {
    struct ay_auction_bid bids[MAX_BIDS];
    struct ay_auction_ask asks[MAX_ASKS];
    size_t n_bids, n_asks;
};

static uint8_t people[4][20] = {{1}, {2}, {3}, {4}};

static int dearest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct ay_auction_bid *)a)->max_price;
    uint64_t y = ((const struct ay_auction_bid *)b)->max_price;
    return (x < y) - (x > y);
}

static struct game random_game(void)
{
    struct game g = {.n_bids = draw(MAX_BIDS + 1), .n_asks = draw(MAX_ASKS + 1)};
    for (size_t i = 0; i < g.n_bids; i++)
        g.bids[i] = (struct ay_auction_bid){.units = 1 + draw(4),
                                            .max_price = 1 + draw(6),
                                            .lock = 1 + draw(4),
                                            .consumer = people[draw(4)]};
    for (size_t i = 0; i < g.n_asks; i++) {
        uint64_t capacity = 1 + draw(8);
        g.asks[i] = (struct ay_auction_ask){.price = 1 + draw(4),
                                            .capacity = capacity,
                                            .used = draw(capacity + 1),
                                            .lock = draw(9),
                                            .provider = people[draw(4)]};
    }
    qsort(g.bids, g.n_bids, sizeof *g.bids, dearest_first);
    return g;
}

/* The oracle: an assignment is a number in base n_asks + 1, one digit a bid, n_asks for none. It is
 * possible when capacities and locks hold and no bid pays more than its maximum. */
static bool possible(const struct game *g, const size_t *to)
{
    uint64_t used[MAX_ASKS], lock[MAX_ASKS], price = 0;
    for (size_t a = 0; a < g->n_asks; a++) used[a] = g->asks[a].used, lock[a] = g->asks[a].lock;
    for (size_t b = 0; b < g->n_bids; b++) {
        if (to[b] == g->n_asks) continue;
        const struct ay_auction_ask *ask = &g->asks[to[b]];
        if (ask->price > price) price = ask->price;
        if (price > g->bids[b].max_price) return false; /* later bids have no higher maximum */
        if (memcmp(ask->provider, g->bids[b].consumer, 20) == 0) return false;
        if (g->bids[b].units > ask->capacity - used[to[b]]) return false;
        if (g->bids[b].lock > lock[to[b]]) return false;
        used[to[b]] += g->bids[b].units;
        lock[to[b]] -= g->bids[b].lock;
    }
    return true;
}

/* Of two assignments that agree before bid b: is x the better one for it? */
static bool better_for(const struct game *g, size_t b, const size_t *x, const size_t *y)
{
    if (x[b] == g->n_asks || y[b] == g->n_asks) return x[b] != g->n_asks;
    const struct ay_auction_ask *p = &g->asks[x[b]], *q = &g->asks[y[b]];
    if (p->price != q->price) return p->price < q->price;
    double share[2];
    for (int side = 0; side < 2; side++) {
        size_t ask = side ? y[b] : x[b];
        uint64_t used = g->asks[ask].used;
        for (size_t i = 0; i < b; i++)
            if (x[i] == ask) used += g->bids[i].units;
        share[side] = (double)used / (double)g->asks[ask].capacity;
    }
    return share[0] != share[1] ? share[0] < share[1] : x[b] < y[b];
}

static void best_assignment(const struct game *g, size_t *best)
{
    size_t total = 1;
    for (size_t b = 0; b < g->n_bids; b++) {
        total *= g->n_asks + 1;
        best[b] = g->n_asks;
    }
    for (size_t code = 0; code < total; code++) {
        size_t to[MAX_BIDS], rest = code, b = 0;
        for (size_t i = 0; i < g->n_bids; i++, rest /= g->n_asks + 1) to[i] = rest % (g->n_asks + 1);
        if (!possible(g, to)) continue;
        while (b < g->n_bids && to[b] == best[b]) b++;
        if (b < g->n_bids && better_for(g, b, to, best)) memcpy(best, to, sizeof to);
    }
}

static void test_clear_small_cases_equal_the_best_of_all_assignments(void **state)
{
    (void)state;
    seed_state = 20260101;
    printf("seed %llu\n", (unsigned long long)seed_state);
    uint64_t matched = 0;
    for (int i = 0; i < CASES; i++) {
        struct game g = random_game(), played = g;
        size_t best[MAX_BIDS];
        best_assignment(&g, best);
        struct ay_auction_result result;
        ay_auction_clear(played.bids, played.n_bids, played.asks, played.n_asks, &result);
        for (size_t b = 0; b < g.n_bids; b++) {
            uint32_t expected = best[b] == g.n_asks ? AY_AUCTION_NONE : (uint32_t)best[b];
            assert_int_equal(played.bids[b].ask, expected);
        }
        matched += result.matched;
    }
    printf("%d auctions, %llu matches\n", CASES, (unsigned long long)matched);
    assert_true(matched > CASES / 4);
}

static void test_clear_price_lies_between_matched_asks_and_bids(void **state)
{
    (void)state;
    seed_state = 7;
    printf("seed %llu\n", (unsigned long long)seed_state);
    for (int i = 0; i < CASES; i++) {
        struct game g = random_game(), before = g;
        struct ay_auction_result result;
        ay_auction_clear(g.bids, g.n_bids, g.asks, g.n_asks, &result);
        uint64_t units = 0;
        bool at_price = result.matched == 0;
        for (size_t b = 0; b < g.n_bids; b++) {
            if (g.bids[b].ask == AY_AUCTION_NONE) continue;
            const struct ay_auction_ask *ask = &g.asks[g.bids[b].ask];
            assert_true(ask->price <= result.price && result.price <= g.bids[b].max_price);
            at_price |= ask->price == result.price;
            units += g.bids[b].units;
        }
        assert_true(at_price); /* the price is some matched ask's, not made up */
        assert_int_equal(units, result.units);
        for (size_t a = 0; a < g.n_asks; a++) {
            assert_true(g.asks[a].used <= g.asks[a].capacity);
            assert_true(g.asks[a].lock <= before.asks[a].lock);
        }
    }
}

static void test_clear_leaves_nobody_who_could_trade_at_the_price(void **state)
{
    (void)state;
    seed_state = 99;
    printf("seed %llu\n", (unsigned long long)seed_state);
    for (int i = 0; i < CASES; i++) {
        struct game g = random_game();
        struct ay_auction_result result;
        ay_auction_clear(g.bids, g.n_bids, g.asks, g.n_asks, &result);
        for (size_t b = 0; b < g.n_bids; b++) {
            const struct ay_auction_bid *bid = &g.bids[b];
            if (bid->ask != AY_AUCTION_NONE || bid->max_price < result.price) continue;
            for (size_t a = 0; a < g.n_asks; a++) {
                const struct ay_auction_ask *ask = &g.asks[a];
                assert_true(ask->price > bid->max_price || bid->lock > ask->lock ||
                            bid->units > ask->capacity - ask->used ||
                            memcmp(ask->provider, bid->consumer, 20) == 0);
            }
        }
    }
}

static void test_clear_equal_asks_share_the_margin(void **state)
{
    (void)state;
    struct ay_auction_ask asks[2] = {
        {.price = 5, .capacity = 30, .lock = 100, .provider = people[0]},
        {.price = 5, .capacity = 10, .lock = 100, .provider = people[1]},
    };
    struct ay_auction_bid bids[8];
    for (int i = 0; i < 8; i++)
        bids[i] = (struct ay_auction_bid){
            .units = 4, .max_price = 9, .lock = 1, .consumer = people[2]};
    struct ay_auction_result result;
    ay_auction_clear(bids, 8, asks, 2, &result);
    assert_int_equal(asks[0].used, 24); /* three quarters, as the capacities are */
    assert_int_equal(asks[1].used, 8);
}

static void test_clear_a_bid_below_the_price_reached_waits(void **state)
{
    (void)state;
    /* The big bid needs the dear ask; the small one could have had the cheap ask, but there is one
     * price for all and 3 is less than 8. */
    struct ay_auction_ask asks[2] = {
        {.price = 2, .capacity = 1, .lock = 100, .provider = people[0]},
        {.price = 8, .capacity = 100, .lock = 100, .provider = people[1]},
    };
    struct ay_auction_bid bids[2] = {
        {.units = 50, .max_price = 10, .lock = 1, .consumer = people[2]},
        {.units = 1, .max_price = 3, .lock = 1, .consumer = people[2]},
    };
    struct ay_auction_result result;
    ay_auction_clear(bids, 2, asks, 2, &result);
    assert_int_equal(bids[0].ask, 1);
    assert_int_equal(bids[1].ask, AY_AUCTION_NONE);
    assert_int_equal(result.price, 8);
}

static void test_fee_is_rounded_up_and_never_wraps(void **state)
{
    (void)state;
    uint64_t fee;
    assert_int_equal(ay_market_fee(1, 1, &fee), AY_OK);
    assert_int_equal(fee, 1);
    assert_int_equal(ay_market_fee(1000000, 7, &fee), AY_OK);
    assert_int_equal(fee, 7);
    assert_int_equal(ay_market_fee(3, 1000001, &fee), AY_OK);
    assert_int_equal(fee, 4);
    assert_int_equal(ay_market_fee(UINT64_MAX, 1000000, &fee), AY_OK);
    assert_int_equal(fee, UINT64_MAX);
    assert_int_equal(ay_market_fee(UINT64_MAX, 1000001, &fee), AY_E_OVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clear_small_cases_equal_the_best_of_all_assignments),
        cmocka_unit_test(test_clear_price_lies_between_matched_asks_and_bids),
        cmocka_unit_test(test_clear_leaves_nobody_who_could_trade_at_the_price),
        cmocka_unit_test(test_clear_equal_asks_share_the_margin),
        cmocka_unit_test(test_clear_a_bid_below_the_price_reached_waits),
        cmocka_unit_test(test_fee_is_rounded_up_and_never_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
