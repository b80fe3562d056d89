#include "modules/market/verbs.h"

static const struct ay_tx_verb txs[] = {
    {&ay_market_msg_ask_msg, &ay_market_msg_ask_response_msg, false, ay_market_ask_check,
     ay_market_ask},
    {&ay_market_msg_cancel_ask_msg, &ay_market_msg_cancel_ask_response_msg, false, NULL,
     ay_market_cancel_ask},
    {0},
};

const struct ay_module ay_market_module = {
    .name = "market",
    .genesis = ay_market_genesis,
    .genesis_msg = &ay_market_params_msg,
    .end_block = ay_market_clear,
    .txs = txs,
    .queries = ay_market_queries,
    .invariants = ay_market_invariants,
};
