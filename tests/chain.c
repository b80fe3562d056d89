#include "chain.h"

#include "crypto/hash.h"
#include "modules/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void must(enum ay_code code, const char *what)
{
    if (code == AY_OK) return;
    fprintf(stderr, "%s: %s\n", what, ay_code_info(code)->text);
    exit(1);
}

struct ay_arena big_arena(size_t bytes)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(mem == MAP_FAILED ? AY_E_MEMORY : AY_OK, "memory");
    return ay_arena_over(mem, bytes);
}

/* A fresh ledger over the store as it is now. */
static void reopen(struct chain *chain)
{
    if (chain->view) return;
    must(ay_store_view(chain->store, &chain->view), "view");
    chain->kv = ay_store_kv(chain->view);
    must(ay_ledger_open(&chain->ledger, &ay_economy, &chain->kv, chain->arenas), "ledger");
}

static void end_view(struct chain *chain)
{
    if (chain->view) ay_store_view_end(chain->view);
    chain->view = NULL;
}

static void commit(struct chain *chain)
{
    struct ay_kv_change *changes;
    uint32_t count;
    uint8_t name[8];
    struct ay_store_block block = {.height = chain->height + 1}; /* the genesis is the first */
    ay_put_be64(name, chain->height);
    ay_sha256(ay_slice(name, sizeof name), block.hash);
    must(ay_ledger_changes(&chain->ledger, &changes, &count), "changes");
    end_view(chain);
    must(ay_store_commit(chain->store, changes, count, &block, chain->root), "commit");
}

void chain_open(struct chain *chain, const struct ay_genesis_genesis *genesis)
{
    const char *tmp = getenv("TMPDIR");
    memset(chain, 0, sizeof *chain);
    chain->arenas =
        (struct ay_ledger_arenas){big_arena(AY_LEDGER_BLOCK_BYTES), big_arena(AY_LEDGER_TX_BYTES),
                                  big_arena(AY_LEDGER_SCRATCH_BYTES)};
    snprintf(chain->folder, sizeof chain->folder, "%.40s/assay-chain-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(chain->folder)) must(AY_E_IO, chain->folder);
    must(ay_store_open(chain->folder, &(struct ay_store_options){0}, &chain->store), "store");
    reopen(chain);
    must(ay_ledger_init(&chain->ledger, genesis), chain->ledger.ctx.reason);
    commit(chain);
}

void chain_close(struct chain *chain)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "LOCK", ""};
    char path[128];
    end_view(chain);
    ay_store_close(chain->store);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", chain->folder, files[i]);
        remove(path);
    }
}

void chain_block(struct chain *chain, uint64_t time_ms, const uint8_t proposer[20],
                 const struct ay_slice *txs, uint32_t n, struct ay_ledger_tx_result *results,
                 struct ay_ledger_block_result *whole)
{
    struct ay_ledger *ledger = &chain->ledger;
    const struct ay_tendermint_abci_event *events;
    uint32_t count;
    end_view(chain); /* rows read since the last block have used its memory */
    reopen(chain);
    must(ay_ledger_begin(ledger, chain->height + 1, time_ms, proposer), "begin of block");
    for (uint32_t i = 0; i < n; i++)
        must(ay_ledger_deliver(ledger, txs[i], &results[i]), "transaction");
    must(ay_ledger_end(ledger, &events, &count), ledger->ctx.reason);
    if (whole)
        *whole = (struct ay_ledger_block_result){
            .txs = results, .txs_count = n, .events = events, .events_count = count};
    chain->height++;
    commit(chain);
}

struct ay_ctx *chain_ctx(struct chain *chain)
{
    reopen(chain);
    return &chain->ledger.ctx;
}
