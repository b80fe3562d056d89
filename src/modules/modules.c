#include "modules/modules.h"

#include "modules/bank/bank.h"
#include "modules/dispute/dispute.h"
#include "modules/job/job.h"
#include "modules/market/market.h"
#include "modules/stake/stake.h"
#include "modules/work/work.h"

/* The order is consensus: append, never sort. */
static const struct ay_module *const modules[] = {
    &ay_bank_module,
    &ay_stake_module,
    &ay_work_module,
    &ay_market_module,
    &ay_job_module,
    &ay_dispute_module,
    NULL,
};

const struct ay_economy ay_economy = {.modules = modules, .move = ay_bank_move};
