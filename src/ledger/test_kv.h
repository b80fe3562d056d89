/* For tests: a whole ledger in memory. Messages run without envelope and fee, blocks end with every
 * invariant in its step and its full form.
 *
 *   struct ay_test *t = ay_test_new(&economy, NULL);    everybody of ay_test_address() is funded
 *   ay_test_address("alice", address, text);
 *   code = ay_test_run(t, &ay_bank_msg_send_msg, &send, &response);   in the block that is open
 *   code = ay_test_block(t, 1000);                      ends it, one second after the one before
 *   ay_test_ctx(t)                                      to call a module's functions in the block
 *   ay_test_free(t);
 *
 * Answers and what rows borrow live until the next block ends. */
#ifndef AY_LEDGER_TEST_KV_H
#define AY_LEDGER_TEST_KV_H

#include "crypto/bech32.h"
#include "crypto/hash.h"
#include "ledger/gas.h"
#include "ledger/genesis.h"
#include "ledger/ledger.h"
#include "ledger/tx.h"

#include <stdlib.h>
#include <sys/mman.h>

#define AY_TEST_ARENA_BYTES ((size_t)256 << 20)
#define AY_TEST_COINS       UINT64_C(1000000000000000) /* of each test account */
#define AY_TEST_START_MS    UINT64_C(1700000000000)

/* --- a map in memory, sorted --- */

struct ay_test_map {
    struct ay_kv_change *entries;
    uint32_t count, cap;
};

/* Index of the first entry at or after key. */
static inline uint32_t ay_test_map_at(const struct ay_test_map *map, struct ay_slice key)
{
    uint32_t low = 0, high = map->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ay_slice_compare(map->entries[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static inline bool ay_test_map_has(const struct ay_test_map *map, uint32_t at, struct ay_slice key)
{
    return at < map->count && ay_slice_equal(map->entries[at].key, key);
}

static inline enum ay_code ay_test_map_get(void *self, struct ay_slice key, struct ay_slice *value)
{
    const struct ay_test_map *map = self;
    uint32_t at = ay_test_map_at(map, key);
    if (!ay_test_map_has(map, at, key)) return AY_E_NOT_FOUND;
    *value = map->entries[at].value;
    return AY_OK;
}

static inline enum ay_code ay_test_map_next(void *self, struct ay_slice from, bool inclusive,
                                            struct ay_slice *key, struct ay_slice *value)
{
    const struct ay_test_map *map = self;
    uint32_t at = ay_test_map_at(map, from);
    if (!inclusive && ay_test_map_has(map, at, from)) at++;
    if (at >= map->count) return AY_E_NOT_FOUND;
    *key = map->entries[at].key;
    *value = map->entries[at].value;
    return AY_OK;
}

static inline struct ay_slice ay_test_dup(struct ay_slice in)
{
    uint8_t *copy = malloc(in.len + 1u);
    AY_ASSERT(copy);
    if (in.len) memcpy(copy, in.data, in.len);
    return ay_slice(copy, in.len);
}

static inline void ay_test_drop(struct ay_slice *s)
{
    free((void *)(uintptr_t)s->data);
}

static inline void ay_test_map_apply(struct ay_test_map *map, const struct ay_kv_change *change)
{
    uint32_t at = ay_test_map_at(map, change->key);
    if (ay_test_map_has(map, at, change->key)) {
        ay_test_drop(&map->entries[at].key);
        ay_test_drop(&map->entries[at].value);
        map->count--;
        memmove(&map->entries[at], &map->entries[at + 1], (map->count - at) * sizeof *map->entries);
    }
    if (change->removed) return;
    if (map->count == map->cap) {
        map->cap = map->cap ? 2 * map->cap : 1024;
        map->entries = realloc(map->entries, map->cap * sizeof *map->entries);
        AY_ASSERT(map->entries);
    }
    memmove(&map->entries[at + 1], &map->entries[at], (map->count - at) * sizeof *map->entries);
    map->entries[at] =
        (struct ay_kv_change){.key = ay_test_dup(change->key), .value = ay_test_dup(change->value)};
    map->count++;
}

/* SHA-256 over all entries: equal states, equal digests. */
static inline void ay_test_map_digest(const struct ay_test_map *map, uint8_t out[32])
{
    struct ay_sha256_stream *stream = ay_sha256_begin();
    for (uint32_t i = 0; i < map->count; i++) {
        uint8_t lens[8];
        ay_put_be32(lens, map->entries[i].key.len);
        ay_put_be32(lens + 4, map->entries[i].value.len);
        ay_sha256_update(stream, lens, sizeof lens);
        ay_sha256_update(stream, map->entries[i].key.data, map->entries[i].key.len);
        ay_sha256_update(stream, map->entries[i].value.data, map->entries[i].value.len);
    }
    ay_sha256_final(stream, out);
}

/* --- the ledger --- */

struct ay_test {
    struct ay_test_map map;
    struct ay_kv kv;
    const struct ay_economy *economy;
    struct ay_ledger_arenas arenas;
    struct ay_ledger ledger;
    struct ay_gas gas; /* what the last message used */
    uint64_t time_ms;
    uint8_t proposer[AY_ADDRESS_BYTES];
};

static const char *const ay_test_names[] = {"alice",   "bob",    "carol",   "dave",
                                            "erin",    "frank",  "grace",   "liar",
                                            "watcher", "author", "proposer"};
#define AY_TEST_NAMES (sizeof ay_test_names / sizeof *ay_test_names)

/* Somebody's address; text (of AY_ADDRESS_TEXT_CHARS + 1) may be NULL. */
static inline void ay_test_address(const char *name, uint8_t out[AY_ADDRESS_BYTES], char *text)
{
    struct ay_slice parts[2] = {ay_slice_str("assay/test/"), ay_slice_str(name)};
    uint8_t digest[32];
    ay_sha256_parts(parts, 2, digest);
    memcpy(out, digest, AY_ADDRESS_BYTES);
    if (text) ay_address_encode(out, text);
}

static inline struct ay_arena ay_test_arena(void)
{
    void *mem = mmap(NULL, AY_TEST_ARENA_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    AY_ASSERT(mem != MAP_FAILED);
    return ay_arena_over(mem, AY_TEST_ARENA_BYTES);
}

static inline void ay_test_reopen(struct ay_test *t)
{
    AY_ASSERT(ay_ledger_open(&t->ledger, t->economy, &t->kv, t->arenas) == AY_OK);
}

static inline void ay_test_commit(struct ay_test *t)
{
    struct ay_kv_change *changes;
    uint32_t n;
    AY_ASSERT(ay_ledger_changes(&t->ledger, &changes, &n) == AY_OK);
    for (uint32_t i = 0; i < n; i++) ay_test_map_apply(&t->map, &changes[i]);
    ay_test_reopen(t);
}

/* genesis NULL: the defaults, with AY_TEST_COINS for each of ay_test_names. */
static inline struct ay_test *ay_test_new(const struct ay_economy *economy,
                                          const struct ay_genesis_genesis *genesis)
{
    struct ay_test *t = calloc(1, sizeof *t);
    AY_ASSERT(t);
    t->kv = (struct ay_kv){&t->map, ay_test_map_get, ay_test_map_next};
    t->economy = economy;
    t->arenas = (struct ay_ledger_arenas){ay_test_arena(), ay_test_arena(), ay_test_arena()};
    ay_test_address("proposer", t->proposer, NULL);
    ay_test_reopen(t);
    struct ay_genesis_genesis defaults;
    struct ay_genesis_account accounts[AY_TEST_NAMES];
    char texts[AY_TEST_NAMES][AY_ADDRESS_TEXT_CHARS + 1];
    if (!genesis) {
        ay_genesis_defaults(&defaults, "assay-test-1", AY_TEST_START_MS);
        for (uint32_t i = 0; i < AY_TEST_NAMES; i++) {
            uint8_t address[AY_ADDRESS_BYTES];
            ay_test_address(ay_test_names[i], address, texts[i]);
            accounts[i] = (struct ay_genesis_account){ay_slice_str(texts[i]), AY_TEST_COINS};
        }
        defaults.bank.accounts = accounts;
        defaults.bank.accounts_count = AY_TEST_NAMES;
        genesis = &defaults;
    }
    t->time_ms = genesis->time_ms;
    enum ay_code code = ay_ledger_init(&t->ledger, genesis);
    if (code != AY_OK) ay_panic(__FILE__, __LINE__, t->ledger.ctx.reason);
    ay_test_commit(t);
    return t;
}

static inline void ay_test_free(struct ay_test *t)
{
    for (uint32_t i = 0; i < t->map.count; i++) {
        ay_test_drop(&t->map.entries[i].key);
        ay_test_drop(&t->map.entries[i].value);
    }
    free(t->map.entries);
    munmap(t->arenas.block.base, AY_TEST_ARENA_BYTES);
    munmap(t->arenas.tx.base, AY_TEST_ARENA_BYTES);
    munmap(t->arenas.scratch.base, AY_TEST_ARENA_BYTES);
    free(t);
}

/* Begins the next block, step_ms after the one before, unless one is open. */
static inline void ay_test_begin(struct ay_test *t, uint64_t step_ms)
{
    if (t->ledger.in_block) return;
    t->time_ms += step_ms;
    enum ay_code code =
        ay_ledger_begin(&t->ledger, t->ledger.last_height + 1, t->time_ms, t->proposer);
    if (code != AY_OK) ay_panic(__FILE__, __LINE__, t->ledger.ctx.reason);
}

/* The context of the open block; opens one at the last block's time when there is none. */
static inline struct ay_ctx *ay_test_ctx(struct ay_test *t)
{
    ay_test_begin(t, 0);
    t->ledger.ctx.events = &t->ledger.events;
    return &t->ledger.ctx;
}

/* Ends the open block (or one that begins step_ms later), checks every invariant in both forms and
 * commits. AY_E_INVARIANT, with ctx.reason, commits nothing and leaves the ledger at the block
 * before. */
static inline enum ay_code ay_test_block(struct ay_test *t, uint64_t step_ms)
{
    const struct ay_tendermint_abci_event *events;
    uint32_t n;
    ay_test_begin(t, step_ms);
    enum ay_code code = ay_ledger_end(&t->ledger, &events, &n);
    if (code == AY_OK) code = ay_ledger_verify(&t->ledger);
    if (code == AY_OK) {
        ay_test_commit(t);
        return AY_OK;
    }
    char reason[sizeof t->ledger.ctx.reason];
    memcpy(reason, t->ledger.ctx.reason, sizeof reason);
    ay_test_reopen(t);
    memcpy(t->ledger.ctx.reason, reason, sizeof reason);
    return code;
}

/* Lets ledger time pass, in blocks of at most a second, until it is ms later. */
static inline enum ay_code ay_test_wait(struct ay_test *t, uint64_t ms)
{
    while (ms) {
        uint64_t step = ms < 1000 ? ms : 1000;
        AY_TRY(ay_test_block(t, step));
        ms -= step;
    }
    return AY_OK;
}

static inline const struct ay_tx_verb *ay_test_verb(struct ay_test *t, const struct ay_msg *msg)
{
    for (const struct ay_module *const *m = t->economy->modules; *m; m++)
        for (const struct ay_tx_verb *verb = (*m)->txs; verb && verb->msg; verb++)
            if (verb->msg == msg) return verb;
    ay_panic(__FILE__, __LINE__, "no verb for this message");
}

/* Runs one message in the open block, signed by whom its signer field names. A refusal leaves no
 * trace; t->ledger.ctx.reason has its text. response may be NULL. */
static inline enum ay_code ay_test_run(struct ay_test *t, const struct ay_msg *desc,
                                       const void *msg, void *response)
{
    const struct ay_tx_verb *verb = ay_test_verb(t, desc);
    struct ay_ctx *ctx = ay_test_ctx(t);
    const struct ay_slice *signer = (const void *)((const uint8_t *)msg + desc->tx->signer->offset);
    AY_TRY(ay_address_decode(*signer, ctx->signer));
    ctx->reason[0] = 0;
    if (verb->check) AY_TRY(verb->check(ctx, msg));

    t->arenas.tx.used = 0;
    struct ay_overlay layer = ay_overlay_over(&t->ledger.overlay, &t->arenas.tx);
    struct ay_events_mark mark = ay_events_mark(&t->ledger.events);
    void *answer = ay_arena_take(ctx->arena, 1, verb->response->size);
    AY_ASSERT(answer);
    t->gas = (struct ay_gas){.limit = UINT64_MAX};
    ctx->overlay = &layer;
    ctx->gas = &t->gas;
    enum ay_code code = verb->apply(ctx, msg, answer);
    ctx->gas = NULL;
    ctx->overlay = &t->ledger.overlay;
    if (code == AY_OK) {
        AY_ASSERT(ay_overlay_commit(&layer) == AY_OK);
        if (response) memcpy(response, answer, verb->response->size);
    } else {
        ay_events_rewind(&t->ledger.events, mark);
    }
    return code;
}

#endif
