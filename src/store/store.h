/* The node's durable memory: one LMDB environment in one folder that one process may hold.
 *
 *   state     the latest rows, flat, in key order          (what modules read)
 *   tree      the authenticated tree of crypto/smt.h        (its root is the app hash)
 *   past      replaced rows and tree nodes                  (the last AY_STORE_VERSIONS heights)
 *   chain     blocks, results, transactions, event index    (opaque bytes of the engine)
 *
 * A block's whole outcome is one LMDB transaction and is on disk (fdatasync, then the meta page
 * through O_DSYNC) when ay_store_commit returns; before that nothing of it can be seen. A crash at
 * any instruction leaves the last block that returned, or the next one whole. The folder's file
 * system must honour fdatasync.
 *
 * One thread commits at a time (an inner lock sees to it); views may be taken by many threads, each
 * used by one at a time. LMDB reads through a memory map, so a failing disk shows as SIGBUS: leave
 * it at its default, which stops the process. What open cannot see: bytes of blocks and results,
 * which the engine checks against their hashes, and a damaged newest meta page, which LMDB answers
 * with the height before. bench_store.c measures. */
#ifndef AY_STORE_STORE_H
#define AY_STORE_STORE_H

#include "crypto/smt.h"
#include "ledger/kv.h"

#define AY_STORE_VERSIONS  256 /* heights that proofs and past values can be had for */
#define AY_STORE_MAX_VIEWS 512

struct ay_store;
struct ay_store_view;

struct ay_store_options {
    uint64_t map_bytes; /* address space reserved at first; 0 = 16 GiB. Grows by doubling. */
};

struct ay_store_tip {
    uint64_t height;  /* 0 before the first commit */
    uint8_t root[32]; /* of the state after that height; zeros when the state is empty */
};

/* An index entry of a transaction: tx_search finds it by (key, value) such as ("tx.fee_payer", a).
 * key has no NUL byte. */
struct ay_store_tag {
    struct ay_slice key;
    struct ay_slice value;
};

struct ay_store_tx {
    uint8_t hash[32];
    bool failed; /* does not take the place of an earlier one with this hash (as in CometBFT) */
    const struct ay_store_tag *tags;
    uint32_t tag_count;
};

/* What is kept of a block beside its state; the bytes are the engine's own. */
struct ay_store_block {
    uint64_t height; /* the tip's + 1; the first may be any height above 0 */
    uint8_t hash[32];
    struct ay_slice block;
    struct ay_slice results;
    const struct ay_store_tx *txs; /* in the block's order */
    uint32_t tx_count;
};

struct ay_store_place {
    uint64_t height;
    uint32_t index; /* of the transaction in its block */
};

/* Opens or makes the store in folder `path` (made 0700 if missing), and walks the whole state: each
 * row is looked up in the tree, the tree's hashes are recomputed to the root. O(rows), about 4 us a
 * row. AY_E_STATE: another process holds it. AY_E_CORRUPT: damaged, or of another format.
 * AY_E_DISK_FULL, AY_E_MEMORY, AY_E_IO. On success *out is the caller's, to close. */
enum ay_code ay_store_open(const char *path, const struct ay_store_options *options,
                           struct ay_store **out) AY_MUST;

/* All views must have ended. NULL is allowed. */
void ay_store_close(struct ay_store *store);

/* The last committed height and its root. */
struct ay_store_tip ay_store_tip(struct ay_store *store);

/* Applies the changes (sorted by key, each once), keeps the block, makes both durable; root = the
 * state's root after it. The calling thread must hold no view: growing the map waits for all views
 * to end. O(changes * log rows) hashes and pages, plus one fdatasync.
 * AY_E_RANGE: height not the next, keys unsorted or of a bad length; AY_E_EXISTS: a block has this
 * hash already; both leave the store as it was and usable.
 * AY_E_DISK_FULL, AY_E_IO, AY_E_MEMORY, AY_E_CORRUPT: nothing was committed and every later commit
 * gives AY_E_IO until the store is opened again: after a failed write the kernel's cache cannot be
 * trusted, so the caller stops. */
enum ay_code ay_store_commit(struct ay_store *store, const struct ay_kv_change *changes,
                             uint32_t count, const struct ay_store_block *block,
                             uint8_t root[32]) AY_MUST;

/* The same for a caller that holds views: AY_E_LIMIT, nothing happened, where the map would have to
 * grow. It then ends its views and calls ay_store_commit. */
enum ay_code ay_store_commit_within(struct ay_store *store, const struct ay_kv_change *changes,
                                    uint32_t count, const struct ay_store_block *block,
                                    uint8_t root[32]) AY_MUST;

/* A view shows one height, unmoved by later commits, and pins its pages: keep it short.
 * AY_E_LIMIT: AY_STORE_MAX_VIEWS are open. */
enum ay_code ay_store_view(struct ay_store *store, struct ay_store_view **out) AY_MUST;
void ay_store_view_end(struct ay_store_view *view);

/* Slices below are borrowed until the view ends. */
struct ay_kv ay_store_kv(struct ay_store_view *view);
struct ay_store_tip ay_store_view_tip(struct ay_store_view *view);

/* The value a key had after `height`, at most AY_STORE_VERSIONS - 1 below the tip, and the proof of
 * it under that height's root (either may be NULL). AY_E_NOT_FOUND: it had none, and the proof says
 * so. AY_E_RANGE: height not kept. */
enum ay_code ay_store_prove(struct ay_store_view *view, uint64_t height, struct ay_slice key,
                            struct ay_slice *value, struct ay_smt_proof *proof) AY_MUST;

/* The state's root after `height`. AY_E_RANGE as above. */
enum ay_code ay_store_root(struct ay_store_view *view, uint64_t height, uint8_t root[32]) AY_MUST;

/* AY_E_NOT_FOUND where there is none. block or results may be NULL. */
enum ay_code ay_store_block_at(struct ay_store_view *view, uint64_t height, struct ay_slice *block,
                               struct ay_slice *results) AY_MUST;
enum ay_code ay_store_height_of(struct ay_store_view *view, const uint8_t hash[32],
                                uint64_t *height) AY_MUST;
enum ay_code ay_store_tx(struct ay_store_view *view, const uint8_t hash[32],
                         struct ay_store_place *place) AY_MUST;

/* Transactions with this tag, ascending from `from`: at most `max` places, *count says how many.
 * For the next page pass the last place with its index + 1. */
enum ay_code ay_store_search(struct ay_store_view *view, const struct ay_store_tag *tag,
                             struct ay_store_place from, uint32_t max,
                             struct ay_store_place *places, uint32_t *count) AY_MUST;

/* A compacted copy, itself a store, in the folder `path`, which must not exist; commits go on
 * meanwhile. Durable when it returns. AY_E_EXISTS, AY_E_DISK_FULL, AY_E_IO. */
enum ay_code ay_store_snapshot(struct ay_store *store, const char *path) AY_MUST;

/* Re-checks the next `rows` rows after the key `from` (empty: from the first) against the tree,
 * hashing the path of each up to the root: what open does, in steps that a running node can afford.
 * *last is the last key checked, to go on from, borrowed until the view ends; empty when no row is
 * left. AY_E_CORRUPT. */
enum ay_code ay_store_scrub(struct ay_store_view *view, struct ay_slice from, uint32_t rows,
                            struct ay_slice *last) AY_MUST;

#endif
