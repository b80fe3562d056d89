#include "ledger/genesis.h"

#define NASY_PER_ASY UINT64_C(1000000000)
#define SECOND       UINT64_C(1000)
#define MINUTE       (60 * SECOND)
#define MIB          (UINT64_C(1) << 20)

static const uint64_t tiers[] = {100 * NASY_PER_ASY, 1000 * NASY_PER_ASY, 10000 * NASY_PER_ASY};

void ay_genesis_defaults(struct ay_genesis_genesis *genesis, const char *chain_id, uint64_t time_ms)
{
    *genesis = (struct ay_genesis_genesis){
        .chain_id = ay_slice_str(chain_id),
        .time_ms = time_ms,
        .has_ledger = true,
        /* The clock takes part in blocks that come at least each five seconds. */
        .ledger = {.clock_step_ms = 5 * SECOND,
                   .max_block_bytes = 4 * MIB,
                   .reserve_bytes = 1 * MIB,
                   .max_tx_bytes = 1 * MIB,
                   .max_block_gas = 500000000},
        .has_bank = true,
        .has_stake = true,
        .stake = {.has_params = true,
                  .params = {.unbonding_ms = 10 * MINUTE,
                             .tier_bond_nasy = tiers,
                             .tier_bond_nasy_count = sizeof tiers / sizeof *tiers}},
        .has_work = true,
        .work = {.register_fee_nasy = NASY_PER_ASY / 100, .max_royalty_bps = 2000},
        .has_market = true,
        .market = {.lock_multiple = 10, .lock_min_nasy = NASY_PER_ASY / 1000, .bid_blocks = 100},
        .has_job = true,
        .job = {.accept_ms = 10 * SECOND,
                .claim_ms = 60 * SECOND,
                .window_ms = 20 * SECOND,
                .miss_fee_nasy = 10000,
                .late_bps = 1000,
                .protocol_bps = 100},
        .has_dispute = true,
        .dispute = {.turn_ms = 5 * SECOND,
                    .bond_nasy = NASY_PER_ASY / 100,
                    .bond_per_mega_nasy = 1000,
                    .move_fee_nasy = 5000,
                    .kib_fee_nasy = 1000,
                    /* A little more than what wallets pay for posting at 0.025 nasy a gas. */
                    .supply_fee_nasy = 10000,
                    .supply_kib_fee_nasy = 2500,
                    .supply_kib_ms = 20},
    };
}
