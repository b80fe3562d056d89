/* From what the ledger made of a block to what the store keeps of it: header, vote, index. */
#ifndef AY_ENGINE_BLOCK_H
#define AY_ENGINE_BLOCK_H

#include "base/arena.h"
#include "base/gen/engine.h"
#include "base/gen/ledger.h"
#include "base/gen/tendermint_types.h"
#include "store/store.h"

/* The store counts the genesis as its first height: height h of the chain lies at h + 1 there. */
#define AY_STORE_HEIGHT(h) ((h) + 1)

/* The consensus parameters that a header commits to: CometBFT's defaults. The ledger's own limits are
 * tighter and are rows of the state. */
#define AY_CONSENSUS_MAX_BYTES 22020096
#define AY_CONSENSUS_MAX_GAS (-1)

struct ay_block_maker {
    struct ay_slice chain_id;
    uint8_t seed[32];    /* of the validator */
    uint8_t pub_key[32];
    uint64_t power;
};

/* Everything of a block that is being made. */
struct ay_block_draft {
    uint64_t height, time_ms;
    const struct ay_engine_block *last;          /* NULL for block 1 */
    const struct ay_ledger_block_result *last_results; /* NULL for block 1 */
    uint8_t app_hash[32];                        /* state root before this block */
    const struct ay_slice *txs;
    uint32_t txs_count;
};

/* Fills *block: header with all its hashes, block hash, parts hash and the validator's vote.
 * app_hash (after) is left to whoever commits. AY_E_LIMIT: arena. */
enum ay_code ay_block_make(const struct ay_block_maker *maker, const struct ay_block_draft *draft,
                           struct ay_arena *arena, struct ay_engine_block *block) AY_MUST;

/* The commit for a stored block: one signature. Borrows from the block. AY_E_LIMIT: arena. */
enum ay_code ay_block_commit(const struct ay_engine_block *block, struct ay_arena *arena,
                             struct ay_tendermint_types_commit *out) AY_MUST;

/* Hashes of the transactions and the tags that tx_search finds them by. AY_E_LIMIT: arena. */
enum ay_code ay_block_index(const struct ay_slice *txs, const struct ay_ledger_block_result *results,
                            struct ay_arena *arena, struct ay_store_tx **out) AY_MUST;

#endif
