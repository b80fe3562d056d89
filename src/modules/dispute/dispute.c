#include "modules/dispute/verbs.h"

/* All are moves of a game against the clock, so all have part in the block's reserve. */
static const struct ay_tx_verb txs[] = {
    {&ay_dispute_msg_commit_msg, &ay_dispute_msg_commit_response_msg, true,
     ay_dispute_commit_check, ay_dispute_commit},
    {&ay_dispute_msg_open_msg, &ay_dispute_msg_open_response_msg, true, NULL, ay_dispute_open},
    {&ay_dispute_msg_answer_msg, &ay_dispute_msg_answer_response_msg, true, NULL,
     ay_dispute_answer},
    {&ay_dispute_msg_pick_msg, &ay_dispute_msg_pick_response_msg, true, NULL, ay_dispute_pick},
    {&ay_dispute_msg_step_msg, &ay_dispute_msg_step_response_msg, true, NULL, ay_dispute_step},
    {&ay_dispute_msg_demand_msg, &ay_dispute_msg_demand_response_msg, true,
     ay_dispute_demand_check, ay_dispute_demand},
    {&ay_dispute_msg_supply_msg, &ay_dispute_msg_supply_response_msg, true, NULL,
     ay_dispute_supply},
    {0},
};

const struct ay_module ay_dispute_module = {
    .name = "dispute",
    .genesis = ay_dispute_genesis,
    .genesis_msg = &ay_dispute_params_msg,
    .end_block = ay_dispute_end_block,
    .waits = ay_dispute_waits,
    .txs = txs,
    .queries = ay_dispute_queries,
    .invariants = ay_dispute_invariants,
};
