#include "engine/internal.h"

#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "base/codec.h"
#include "ledger/genesis.h"
#include "modules/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define IDLE_BLOCK_MS     1000 /* between blocks while only ledger time must go on */
#define MAX_BLOCK_TXS     8192
#define BLOCK_ARENA_BYTES (256u << 20) /* stored form of two blocks and their results */
#define QUERY_BLOCK_BYTES (16u << 20)

static uint64_t clock_ms(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void *map(size_t bytes)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return mem == MAP_FAILED ? NULL : mem;
}

static enum ay_code desk_init(struct ay_desk *desk, size_t block_bytes)
{
    desk->bytes = block_bytes + AY_LEDGER_TX_BYTES + AY_LEDGER_SCRATCH_BYTES;
    uint8_t *mem = map(desk->bytes);
    if (!mem) return AY_E_MEMORY;
    desk->arenas.block = ay_arena_over(mem, block_bytes);
    desk->arenas.tx = ay_arena_over(mem + block_bytes, AY_LEDGER_TX_BYTES);
    desk->arenas.scratch =
        ay_arena_over(mem + block_bytes + AY_LEDGER_TX_BYTES, AY_LEDGER_SCRATCH_BYTES);
    return AY_OK;
}

void ay_desk_close(struct ay_desk *desk)
{
    if (desk->view) ay_store_view_end(desk->view);
    desk->view = NULL;
}

static void desk_free(struct ay_desk *desk)
{
    ay_desk_close(desk);
    if (desk->arenas.block.base) munmap(desk->arenas.block.base, desk->bytes);
}

/* A fresh ledger over the store as it is now. */
enum ay_code ay_desk_open(struct ay_desk *desk, struct ay_store *store)
{
    ay_desk_close(desk);
    AY_TRY(ay_store_view(store, &desk->view));
    desk->kv = ay_store_kv(desk->view);
    return ay_ledger_open(&desk->ledger, &ay_economy, &desk->kv, desk->arenas);
}

/* Writes the first state as the store's first height. */
static enum ay_code write_genesis(struct ay_engine *e, char why[256])
{
    struct ay_kv_change *changes;
    uint32_t count;
    uint8_t root[32];
    struct ay_store_block block = {.height = AY_STORE_HEIGHT(0)};
    enum ay_code code = ay_ledger_init(&e->block.ledger, e->options.genesis);
    if (code != AY_OK) {
        snprintf(why, 256, "genesis: %s", e->block.ledger.ctx.reason);
        return code;
    }
    AY_TRY(ay_ledger_changes(&e->block.ledger, &changes, &count));
    memcpy(block.hash, e->block.ledger.ctx.genesis_hash, 32);
    ay_desk_close(&e->block);
    return ay_store_commit(e->store, changes, count, &block, root);
}

/* --- making a block --- */

/* Runs what waits; the ones taken are listed in the order of the block. */
static enum ay_code deliver(struct ay_engine *e, struct ay_mempool_tx *const *waiting, uint32_t n,
                            struct ay_slice *txs, struct ay_ledger_tx_result *results,
                            uint32_t *taken)
{
    *taken = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct ay_slice raw = ay_slice(waiting[i]->bytes, waiting[i]->len);
        enum ay_code code = ay_ledger_deliver(&e->block.ledger, raw, &results[*taken]);
        if (code == AY_E_LIMIT) continue;
        if (code != AY_OK) return code;
        txs[(*taken)++] = raw;
    }
    return AY_OK;
}

/* A block that is ready to be kept; what it points to is the maker's memory. */
struct made {
    struct ay_engine_block block;
    struct ay_store_block stored;
    struct ay_kv_change *changes;
    uint32_t count;
};

/* The stored form of block and results. */
static enum ay_code store_form(struct ay_engine *e, const struct ay_ledger_block_result *results,
                               struct made *made)
{
    const struct ay_engine_block *block = &made->block;
    struct ay_store_tx *index;
    made->stored = (struct ay_store_block){.height = AY_STORE_HEIGHT(block->header.height)};
    AY_TRY(ay_block_index(block->txs, results, &e->stored, &index));
    AY_TRY(ay_encode_arena(&ay_engine_block_msg, block, &e->stored, &made->stored.block));
    AY_TRY(
        ay_encode_arena(&ay_ledger_block_result_msg, results, &e->stored, &made->stored.results));
    memcpy(made->stored.hash, block->hash, 32);
    made->stored.txs = index;
    made->stored.tx_count = block->txs_count;
    return AY_OK;
}

/* One block out of the transactions given. Nothing is kept or visible yet. */
static enum ay_code make_block(struct ay_engine *e, struct ay_mempool_tx *const *waiting,
                               uint32_t n, struct made *made)
{
    struct ay_ledger *ledger = &e->block.ledger;
    struct ay_engine_block last;
    struct ay_ledger_block_result last_results, results = {0};
    struct ay_block_draft draft = {.height = e->tip.height + 1};

    ay_arena_rewind(&e->stored, 0);
    AY_TRY(ay_desk_open(&e->block, e->store));
    ledger->known = &e->known->memory;
    memcpy(draft.app_hash, e->tip.app_hash, 32);
    if (e->tip.height) {
        AY_TRY(ay_read_block(e->block.view, e->tip.height, &e->stored, &last, &last_results));
        draft.last = &last;
        draft.last_results = &last_results;
    }
    uint64_t now = clock_ms(CLOCK_REALTIME);
    draft.time_ms = now > e->tip.time_ms ? now : e->tip.time_ms + 1;

    struct ay_slice *txs = AY_NEW(&e->stored, struct ay_slice, n);
    struct ay_ledger_tx_result *done = AY_NEW(&e->stored, struct ay_ledger_tx_result, n);
    if (!txs || !done) return AY_E_LIMIT;
    AY_TRY(ay_ledger_begin(ledger, draft.height, draft.time_ms, e->proposer));
    AY_TRY(deliver(e, waiting, n, txs, done, &draft.txs_count));
    AY_TRY(ay_ledger_end(ledger, &results.events, &results.events_count));
    AY_TRY(ay_ledger_changes(ledger, &made->changes, &made->count));
    draft.txs = txs;
    results.txs = done;
    results.txs_count = draft.txs_count;
    AY_TRY(ay_block_make(&e->maker, &draft, &e->stored, &made->block));
    ay_desk_close(&e->block);
    return store_form(e, &results, made);
}

/* --- the maker's thread; the lock is held except while a block is run --- */

/* Forgets what the block took and whatever no longer passes. */
static enum ay_code recheck(struct ay_engine *e)
{
    AY_TRY(ay_desk_open(&e->check, e->store));
    e->check.ledger.known = &e->known->memory;
    struct ay_mempool_tx *next;
    for (struct ay_mempool_tx *tx = e->pool.first; tx; tx = next) {
        struct ay_store_place place;
        struct ay_ledger_tx_result result = {0};
        next = tx->next;
        enum ay_code code = ay_store_tx(e->check.view, tx->hash, &place);
        if (code == AY_E_NOT_FOUND)
            code = ay_ledger_check(&e->check.ledger, ay_slice(tx->bytes, tx->len),
                                   e->options.min_price_nano, &result);
        else if (code == AY_OK)
            result.code = 1; /* it is in a block */
        if (code != AY_OK) return code;
        if (result.code) ay_mempool_remove(&e->pool, tx->hash);
    }
    e->waits = ay_ledger_waits(&e->check.ledger);
    return AY_OK;
}

/* Makes a block and keeps it. The lock is free meanwhile, so that others are admitted while the
 * disk is at work, save when the store must grow: that waits for every view to end, the door's too.
 */
static enum ay_code make_and_keep(struct ay_engine *e, struct ay_mempool_tx *const *waiting,
                                  uint32_t n, struct made *made)
{
    uint8_t *root = made->block.app_hash;
    pthread_mutex_unlock(&e->lock);
    enum ay_code code = make_block(e, waiting, n, made);
    bool ready = code == AY_OK;
    if (ready)
        code = ay_store_commit_within(e->store, made->changes, made->count, &made->stored, root);
    pthread_mutex_lock(&e->lock);
    if (!ready || code != AY_E_LIMIT) return code;
    ay_desk_close(&e->check);
    return ay_store_commit(e->store, made->changes, made->count, &made->stored, root);
}

static enum ay_code step(struct ay_engine *e)
{
    static struct ay_mempool_tx *waiting[MAX_BLOCK_TXS];
    struct made made;
    uint32_t n = 0;
    for (struct ay_mempool_tx *tx = e->pool.first; tx && n < MAX_BLOCK_TXS; tx = tx->next)
        waiting[n++] = tx; /* only this thread removes, so they stay */
    enum ay_code code = make_and_keep(e, waiting, n, &made);
    if (code == AY_E_INVARIANT)
        fprintf(stderr, "assay: %s; stopping before block %llu is committed\n",
                e->block.ledger.ctx.reason, (unsigned long long)e->tip.height + 1);
    AY_TRY(code);
    e->tip.height = made.block.header.height;
    e->tip.time_ms = made.block.header.time_ms;
    memcpy(e->tip.block_hash, made.block.hash, 32);
    memcpy(e->tip.app_hash, made.block.app_hash, 32);
    AY_TRY(recheck(e));
    pthread_cond_broadcast(&e->done);
    return AY_OK;
}

static struct timespec deadline(clockid_t which, uint64_t ms)
{
    struct timespec t;
    clock_gettime(which, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void *make_blocks(void *self)
{
    struct ay_engine *e = self;
    pthread_mutex_lock(&e->lock);
    while (!e->stop && e->health == AY_OK) {
        if (!e->pool.first && !e->waits) {
            pthread_cond_wait(&e->work, &e->lock);
            continue;
        }
        if (!e->pool.first) {
            struct timespec until = deadline(CLOCK_MONOTONIC, IDLE_BLOCK_MS);
            int late = 0;
            while (!e->pool.first && !e->stop && !late)
                late = pthread_cond_timedwait(&e->work, &e->lock, &until);
            if (e->stop) break;
        }
        e->health = step(e);
    }
    if (e->health != AY_OK)
        fprintf(stderr, "assay: no more blocks after %llu: %s\n", (unsigned long long)e->tip.height,
                ay_code_info(e->health)->text);
    pthread_cond_broadcast(&e->done);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* --- open and close --- */

static enum ay_code find_tip(struct ay_engine *e, char why[256])
{
    uint8_t hash[32];
    struct ay_store_tip tip = ay_store_tip(e->store);
    AY_TRY(ay_genesis_hash(e->options.genesis, &e->stored, hash));
    AY_TRY(ay_desk_open(&e->block, e->store));
    if (tip.height == 0) {
        AY_TRY(write_genesis(e, why));
        tip = ay_store_tip(e->store);
        AY_TRY(ay_desk_open(&e->block, e->store));
    }
    if (memcmp(e->block.ledger.ctx.genesis_hash, hash, 32) != 0) {
        snprintf(why, 256, "the data folder belongs to another genesis");
        return AY_E_CORRUPT;
    }
    enum ay_code code = ay_ledger_verify(&e->block.ledger);
    if (code != AY_OK) {
        snprintf(why, 256, "%s", e->block.ledger.ctx.reason);
        return code;
    }
    memcpy(e->tip.app_hash, tip.root, 32);
    e->tip.time_ms = e->options.genesis->time_ms;
    if (tip.height > AY_STORE_HEIGHT(0)) {
        struct ay_engine_block block;
        AY_TRY(ay_read_block(e->block.view, tip.height - 1, &e->stored, &block, NULL));
        e->tip.height = block.header.height;
        e->tip.time_ms = block.header.time_ms;
        memcpy(e->tip.block_hash, block.hash, 32);
    }
    ay_desk_close(&e->block);
    return AY_OK;
}

static enum ay_code find_validator(struct ay_engine *e, char why[256])
{
    const struct ay_stake_genesis *stake = &e->options.genesis->stake;
    struct ay_block_maker *maker = &e->maker;
    maker->chain_id = e->options.genesis->chain_id;
    memcpy(maker->seed, e->options.validator_seed, 32);
    ay_ed25519_pubkey(maker->seed, maker->pub_key);
    if (stake->validators_count == 1 &&
        memcmp(stake->validators[0].pub_key, maker->pub_key, 32) == 0) {
        maker->power = stake->validators[0].power;
        memcpy(e->proposer, stake->validators[0].operator, AY_ADDRESS_BYTES);
        return AY_OK;
    }
    snprintf(why, 256, "this validator key is not the one validator of the genesis");
    return AY_E_KEY;
}

static enum ay_code start(struct ay_engine *e, char why[256])
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->work, &monotonic);
    pthread_cond_init(&e->done, &monotonic);
    pthread_condattr_destroy(&monotonic);

    uint8_t *stored = map(BLOCK_ARENA_BYTES);
    if (!stored) return AY_E_MEMORY;
    e->stored = ay_arena_over(stored, BLOCK_ARENA_BYTES);
    AY_TRY(desk_init(&e->block, AY_LEDGER_BLOCK_BYTES));
    AY_TRY(desk_init(&e->check, AY_LEDGER_BLOCK_BYTES));
    for (uint32_t i = 0; i < AY_ENGINE_QUERY_SLOTS; i++)
        AY_TRY(desk_init(&e->query[i], QUERY_BLOCK_BYTES));
    AY_TRY(ay_known_new(&e->known));
    AY_TRY(ay_mempool_init(&e->pool, e->options.mempool_txs, e->options.mempool_bytes));
    AY_TRY(find_validator(e, why));
    struct ay_store_options store = {.map_bytes = e->options.map_bytes};
    AY_TRY(ay_store_open(e->options.data_path, &store, &e->store));
    AY_TRY(find_tip(e, why));
    pthread_mutex_lock(&e->lock);
    enum ay_code code = e->tip.height ? recheck(e) : step(e);
    pthread_mutex_unlock(&e->lock);
    AY_TRY(code);
    if (pthread_create(&e->thread, NULL, make_blocks, e) != 0) return AY_E_MEMORY;
    e->running = true;
    return AY_OK;
}

enum ay_code ay_engine_open(const struct ay_engine_options *options, struct ay_engine **out,
                            char why[256])
{
    struct ay_engine *e = calloc(1, sizeof *e);
    if (!e) return AY_E_MEMORY;
    e->options = *options;
    why[0] = 0;
    enum ay_code code = start(e, why);
    if (code != AY_OK) {
        ay_engine_close(e);
        return code;
    }
    *out = e;
    return AY_OK;
}

void ay_engine_stop(struct ay_engine *e)
{
    if (!e) return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_broadcast(&e->work);
    pthread_cond_broadcast(&e->done);
    pthread_mutex_unlock(&e->lock);
}

void ay_engine_close(struct ay_engine *e)
{
    if (!e) return;
    if (e->running) {
        ay_engine_stop(e);
        pthread_join(e->thread, NULL);
    }
    ay_mempool_free(&e->pool);
    ay_known_free(e->known);
    desk_free(&e->block);
    desk_free(&e->check);
    for (uint32_t i = 0; i < AY_ENGINE_QUERY_SLOTS; i++) desk_free(&e->query[i]);
    if (e->stored.base) munmap(e->stored.base, BLOCK_ARENA_BYTES);
    ay_store_close(e->store);
    explicit_bzero(&e->maker, sizeof e->maker);
    explicit_bzero(&e->options.validator_seed, sizeof e->options.validator_seed);
    free(e);
}

enum ay_code ay_engine_health(struct ay_engine *e)
{
    pthread_mutex_lock(&e->lock);
    enum ay_code code = e->health;
    pthread_mutex_unlock(&e->lock);
    return code;
}

/* --- transactions --- */

static void fill_check(struct ay_engine_check *check, enum ay_code code, const char *log)
{
    check->code = code;
    snprintf(check->log, sizeof check->log, "%s", log);
}

/* With the lock held. Fatal trouble is the return value. */
static enum ay_code admit(struct ay_engine *e, struct ay_slice tx, struct ay_engine_check *check)
{
    struct ay_store_place place;
    struct ay_ledger_tx_result result = {0};
    if (ay_mempool_has(&e->pool, check->hash) ||
        ay_store_tx(e->check.view, check->hash, &place) == AY_OK) {
        fill_check(check, AY_E_TX_IN_CACHE, "tx already exists in cache");
        return AY_OK;
    }
    if (!ay_mempool_fits(&e->pool, tx.len)) {
        fill_check(check, AY_E_MEMPOOL_FULL, "mempool is full");
        return AY_OK;
    }
    AY_TRY(ay_ledger_check(&e->check.ledger, tx, e->options.min_price_nano, &result));
    check->gas_wanted = result.gas_wanted;
    check->gas_used = result.gas_used;
    if (result.code) {
        char codespace[33];
        snprintf(codespace, sizeof codespace, "%.*s", (int)result.codespace.len,
                 (const char *)result.codespace.data);
        snprintf(check->log, sizeof check->log, "%.*s", (int)result.log.len,
                 (const char *)result.log.data);
        check->code = ay_code_find(codespace, result.code);
        return AY_OK;
    }
    AY_TRY(ay_mempool_push(&e->pool, check->hash, tx));
    pthread_cond_signal(&e->work);
    return AY_OK;
}

enum ay_code ay_engine_submit(struct ay_engine *e, struct ay_slice tx,
                              struct ay_engine_check *check)
{
    memset(check, 0, sizeof *check);
    ay_sha256(tx, check->hash);
    pthread_mutex_lock(&e->lock);
    enum ay_code code = e->stop ? AY_E_INTERRUPTED : e->health;
    if (code == AY_OK) code = admit(e, tx, check);
    pthread_mutex_unlock(&e->lock);
    return code;
}

enum ay_code ay_engine_wait(struct ay_engine *e, const uint8_t hash[AY_HASH_BYTES],
                            uint32_t timeout_ms, uint64_t *height, uint32_t *index)
{
    struct timespec until = deadline(CLOCK_MONOTONIC, timeout_ms);
    struct ay_store_place place;
    pthread_mutex_lock(&e->lock);
    enum ay_code code;
    int late = 0;
    /* Once the maker has stopped by itself there may be no view to look in. */
    while ((code = e->health) == AY_OK &&
           (code = ay_store_tx(e->check.view, hash, &place)) == AY_E_NOT_FOUND) {
        if (e->stop || late) {
            code = e->stop ? AY_E_INTERRUPTED : AY_E_TIMEOUT;
            break;
        }
        late = pthread_cond_timedwait(&e->done, &e->lock, &until);
    }
    pthread_mutex_unlock(&e->lock);
    if (code != AY_OK) return code;
    *height = place.height - AY_STORE_HEIGHT(0);
    *index = place.index;
    return AY_OK;
}

enum ay_code ay_engine_wait_block(struct ay_engine *e, uint64_t height, uint32_t timeout_ms)
{
    struct timespec until = deadline(CLOCK_MONOTONIC, timeout_ms);
    enum ay_code code = AY_OK;
    int late = 0;
    pthread_mutex_lock(&e->lock);
    while (code == AY_OK && e->tip.height <= height) {
        if (e->stop || e->health != AY_OK || late)
            code = e->stop ? AY_E_INTERRUPTED : e->health != AY_OK ? e->health : AY_E_TIMEOUT;
        else
            late = pthread_cond_timedwait(&e->done, &e->lock, &until);
    }
    pthread_mutex_unlock(&e->lock);
    return code;
}

void ay_engine_pending(struct ay_engine *e, uint32_t *txs, uint64_t *bytes)
{
    pthread_mutex_lock(&e->lock);
    *txs = e->pool.count;
    *bytes = e->pool.total_bytes;
    pthread_mutex_unlock(&e->lock);
}
