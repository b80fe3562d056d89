/* Blocks run straight on the ledger over a store, without an engine: what replay and record share.
 * Any trouble that is not a transaction's own ends the program with a line on stderr. */
#ifndef AY_TESTS_CHAIN_H
#define AY_TESTS_CHAIN_H

#include "base/gen/genesis.h"
#include "ledger/ledger.h"
#include "store/store.h"

struct chain {
    char folder[64]; /* of the store, under TMPDIR or /tmp; removed by chain_close */
    struct ay_store *store;
    struct ay_store_view *view; /* NULL between a block and what reads after it */
    struct ay_kv kv;
    struct ay_ledger ledger;
    struct ay_ledger_arenas arenas;
    uint64_t height;
    uint8_t root[32]; /* app hash after `height` */
};

/* Prints "name: text" and ends the program unless code is AY_OK. */
void must(enum ay_code code, const char *what);

/* Memory that costs nothing until it is touched; never given back. */
struct ay_arena big_arena(size_t bytes);

/* A new chain with the state of the genesis; height 0. */
void chain_open(struct chain *chain, const struct ay_genesis_genesis *genesis);
void chain_close(struct chain *chain);

/* The next block, of these transactions, made durable. results (n of them) live until the next
 * call with this chain; so too *whole, what the engine would keep of the block (may be NULL). */
void chain_block(struct chain *chain, uint64_t time_ms, const uint8_t proposer[20],
                 const struct ay_slice *txs, uint32_t n, struct ay_ledger_tx_result *results,
                 struct ay_ledger_block_result *whole);

/* To read rows of the state after the last block; rows live until the next call with this chain. */
struct ay_ctx *chain_ctx(struct chain *chain);

#endif
