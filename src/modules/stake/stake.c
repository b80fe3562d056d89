#include "modules/stake/verbs.h"

static const struct ay_tx_verb txs[] = {
    {&ay_stake_msg_bond_msg, &ay_stake_msg_bond_response_msg, false, ay_stake_bond_check,
     ay_stake_bond},
    {&ay_stake_msg_unbond_msg, &ay_stake_msg_unbond_response_msg, false, ay_stake_unbond_check,
     ay_stake_unbond},
    {0},
};

const struct ay_module ay_stake_module = {
    .name = "stake",
    .genesis = ay_stake_genesis,
    .genesis_msg = &ay_stake_genesis_msg,
    .end_block = ay_stake_release,
    .waits = ay_stake_waits,
    .txs = txs,
    .queries = ay_stake_queries,
    .invariants = ay_stake_invariants,
};
