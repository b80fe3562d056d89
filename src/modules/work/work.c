#include "modules/work/verbs.h"

static const struct ay_tx_verb txs[] = {
    {&ay_work_msg_register_msg, &ay_work_msg_register_response_msg, false, ay_work_register_check,
     ay_work_register},
    {&ay_work_msg_withdraw_msg, &ay_work_msg_withdraw_response_msg, false, NULL, ay_work_withdraw},
    {0},
};

const struct ay_module ay_work_module = {
    .name = "work",
    .genesis = ay_work_genesis,
    .genesis_msg = &ay_work_params_msg,
    .txs = txs,
    .queries = ay_work_queries,
    .invariants = ay_work_invariants,
};
