/* What the files of the market module share. */
#ifndef AY_MODULES_MARKET_VERBS_H
#define AY_MODULES_MARKET_VERBS_H

#include "modules/common.h"
#include "modules/job/job.h"
#include "modules/market/market.h"
#include "modules/market/market_math.h"
#include "modules/stake/stake.h"
#include "modules/work/work.h"

/* Work of one block; what does not fit waits for the next. */
#define AY_MAX_MARKET_CLASSES 16 /* classes cleared */
#define AY_MAX_MARKET_BIDS 128   /* dearest bids looked at in a class */
#define AY_MAX_MARKET_ASKS 128   /* cheapest asks looked at in a class */
#define AY_MAX_MARKET_EXPIRED 256
#define AY_MAX_MARKET_ASKS_OF_ONE 32 /* asks that one provider may have */

/* Verbs, by the message's name. */
enum ay_code ay_market_ask_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_market_ask(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_market_cancel_ask(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* End of block: clears the classes whose turn it is, then gives expired bids back. */
enum ay_code ay_market_clear(struct ay_ctx *ctx) AY_MUST;

enum ay_code ay_market_ask_get(struct ay_ctx *ctx, uint64_t id, struct ay_market_ask *ask) AY_MUST;

enum ay_code ay_market_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                               const void *section) AY_MUST;

extern const struct ay_query_verb ay_market_queries[];
extern const struct ay_invariant ay_market_invariants[];

#endif
