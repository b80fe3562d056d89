#include "modules/bank/verbs.h"

static const struct ay_tx_verb txs[] = {
    {&ay_bank_msg_send_msg, &ay_bank_msg_send_response_msg, false, ay_bank_send_check,
     ay_bank_send},
    {0},
};

static const struct ay_query_verb queries[] = {
    {&ay_bank_query_balance_request_msg, &ay_bank_query_balance_response_msg,
     ay_bank_query_balance},
    {&ay_bank_query_all_balances_request_msg, &ay_bank_query_all_balances_response_msg,
     ay_bank_query_all_balances},
    {&ay_bank_query_supply_request_msg, &ay_bank_supply_msg, ay_bank_query_supply},
    {0},
};

static const struct ay_invariant invariants[] = {
    {"conservation", ay_bank_conservation_step, ay_bank_conservation_full},
    {0},
};

const struct ay_module ay_bank_module = {
    .name = "bank",
    .genesis = ay_bank_genesis,
    .genesis_msg = &ay_genesis_bank_msg,
    .end_block = ay_bank_pay_fees,
    .txs = txs,
    .queries = queries,
    .invariants = invariants,
};
