/* The engine decides which transactions make a block and keeps what was decided. `solo` is one
 * process that is its own only validator: a block is made when transactions wait or ledger time
 * must go on, and is durable before anybody hears of it.
 *
 * Threads: one maker thread inside; every function here may be called from any thread. */
#ifndef AY_ENGINE_ENGINE_H
#define AY_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/gen/engine.h"
#include "base/gen/genesis.h"
#include "base/gen/ledger.h"
#include "crypto/hash.h"
#include "crypto/smt.h"

struct ay_engine;

struct ay_engine_options {
    const char *data_path;                     /* folder of the store; made when missing */
    const struct ay_genesis_genesis *genesis;  /* borrowed until close */
    uint8_t validator_seed[32];                /* ed25519 */
    uint64_t min_price_nano;                   /* least 10^-9 nasy a unit of gas */
    uint32_t mempool_txs;
    uint64_t mempool_bytes;
    uint64_t map_bytes;
};

/* What a client hears of a transaction that it sent. */
struct ay_engine_check {
    enum ay_code code;
    char log[512];
    uint64_t gas_wanted, gas_used;
    uint8_t hash[AY_HASH_BYTES];
};

struct ay_engine_tip {
    uint64_t height;
    uint64_t time_ms;
    uint8_t block_hash[AY_HASH_BYTES];
    uint8_t app_hash[AY_HASH_BYTES]; /* state root after the block */
};

/* Opens or begins the chain; block 1 exists when it returns. AY_E_CORRUPT: the stored state is not
 * what its root says, or the genesis is another one. `why` gets the reason. */
enum ay_code ay_engine_open(const struct ay_engine_options *options, struct ay_engine **out,
                            char why[256]) AY_MUST;

/* Would a chain begin with this genesis? Its code and reason otherwise. Nothing is written. */
enum ay_code ay_engine_check_genesis(const struct ay_genesis_genesis *genesis,
                                     char why[256]) AY_MUST;

/* Makes no more blocks after the one in hand and sends those who wait away with AY_E_INTERRUPTED, so
 * that servers can stop before the engine is closed. NULL is nothing. */
void ay_engine_stop(struct ay_engine *engine);

/* Stops, closes the store, frees. NULL is nothing. */
void ay_engine_close(struct ay_engine *engine);

/* Not AY_OK once the maker has stopped by itself: AY_E_DISK_FULL, AY_E_INVARIANT, AY_E_IO. */
enum ay_code ay_engine_health(struct ay_engine *engine) AY_MUST;

/* Is it admitted? check->code says; the return value is about the engine itself.
 * AY_E_TX_IN_CACHE, AY_E_MEMPOOL_FULL appear in check->code. */
enum ay_code ay_engine_submit(struct ay_engine *engine, struct ay_slice tx,
                              struct ay_engine_check *check) AY_MUST;

/* Waits until the transaction with this hash stands in a block. AY_E_TIMEOUT, AY_E_INTERRUPTED at
 * shutdown. */
enum ay_code ay_engine_wait(struct ay_engine *engine, const uint8_t hash[AY_HASH_BYTES],
                            uint32_t timeout_ms, uint64_t *height, uint32_t *index) AY_MUST;

/* Waits until the tip is above `height`, or the time is over (AY_E_TIMEOUT). */
enum ay_code ay_engine_wait_block(struct ay_engine *engine, uint64_t height,
                                  uint32_t timeout_ms) AY_MUST;

void ay_engine_tip(struct ay_engine *engine, struct ay_engine_tip *tip);

/* Answers an ABCI query path from the state at the tip. The answer is in the arena; *height is the
 * tip it was read at. Refusals are codes of the query, with their reason. */
enum ay_code ay_engine_query(struct ay_engine *engine, struct ay_slice path, struct ay_slice data,
                             struct ay_arena *arena, struct ay_slice *answer, uint64_t *height,
                             char reason[256]) AY_MUST;

/* A block as stored and what became of it (either may be NULL), decoded into the arena. height 0 is
 * the tip. AY_E_NOT_FOUND. */
enum ay_code ay_engine_block(struct ay_engine *engine, uint64_t height, struct ay_arena *arena,
                             struct ay_engine_block *block,
                             struct ay_ledger_block_result *results) AY_MUST;

/* Height of a block by its hash; where a transaction stands by its hash. AY_E_NOT_FOUND. */
enum ay_code ay_engine_block_by_hash(struct ay_engine *engine, const uint8_t hash[AY_HASH_BYTES],
                                     uint64_t *height) AY_MUST;
enum ay_code ay_engine_tx_by_hash(struct ay_engine *engine, const uint8_t hash[AY_HASH_BYTES],
                                  uint64_t *height, uint32_t *index) AY_MUST;

/* Transactions with an indexed event attribute "type.key" = value, ascending by place, from `from`
 * on. Fills at most `cap` places; *n says how many. */
struct ay_engine_place {
    uint64_t height;
    uint32_t index;
};
enum ay_code ay_engine_txs_by_event(struct ay_engine *engine, struct ay_slice key,
                                    struct ay_slice value, struct ay_engine_place from,
                                    struct ay_engine_place *out, uint32_t cap, uint32_t *n) AY_MUST;

/* The value of a state key after block `height` and its proof under that state's root, which is the
 * app hash of header height + 1. AY_E_NOT_FOUND: no value, and the proof says so. AY_E_RANGE: there
 * is no such block, or its state is no longer kept. */
enum ay_code ay_engine_prove(struct ay_engine *engine, struct ay_slice key, uint64_t height,
                             struct ay_arena *arena, struct ay_slice *value,
                             struct ay_smt_proof *proof) AY_MUST;

/* Waiting transactions and their bytes. */
void ay_engine_pending(struct ay_engine *engine, uint32_t *txs, uint64_t *bytes);

#endif
