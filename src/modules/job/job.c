#include "modules/job/verbs.h"

static const struct ay_tx_verb txs[] = {
    {&ay_job_msg_post_msg, &ay_job_msg_post_response_msg, false, ay_job_post_check, ay_job_post},
    {&ay_job_msg_cancel_msg, &ay_job_msg_cancel_response_msg, false, NULL, ay_job_cancel},
    {&ay_job_msg_accept_msg, &ay_job_msg_accept_response_msg, false, NULL, ay_job_accept},
    {&ay_job_msg_claim_msg, &ay_job_msg_claim_response_msg, false, NULL, ay_job_claim},
    {0},
};

const struct ay_module ay_job_module = {
    .name = "job",
    .genesis = ay_job_genesis,
    .genesis_msg = &ay_job_params_msg,
    .end_block = ay_job_timeouts,
    .waits = ay_job_waits,
    .txs = txs,
    .queries = ay_job_queries,
    .invariants = ay_job_invariants,
};
