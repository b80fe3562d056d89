/* What the files of src/store share: the tables, LMDB's values as slices, its errors as ours. */
#ifndef AY_STORE_INTERNAL_H
#define AY_STORE_INTERNAL_H

#include "store/store.h"

#include <lmdb.h>
#include <pthread.h>

/* Every table: enum name, name on disk, key -> value. The numbers stand in stale records. */
#define AY_STORE_TABLES(T)                                                                         \
    T(META, "meta")     /* name -> "format": be32; "tip": be64 height | root | be64 rows */        \
    T(STATE, "state")   /* key -> value, latest */                                                 \
    T(TREE, "tree")     /* be64 version | depth u8 | path -> node, see tree.h */                   \
    T(ROOT, "root")     /* be64 height -> the root as a child */                                   \
    T(PAST, "past")     /* SHA256(key) | be64 height that replaced it -> u8 had | value */         \
    T(STALE, "stale")   /* be64 height -> rows of TREE and PAST to drop with it */                 \
    T(BLOCK, "block")   /* be64 height -> bytes */                                                 \
    T(RESULT, "result") /* be64 height -> bytes */                                                 \
    T(HASH, "hash")     /* block hash -> be64 height */                                            \
    T(TX, "tx")         /* tx hash -> be64 height | be32 index */                                  \
    T(TAG, "tag")       /* SHA256(key | 00 | value) | be64 height | be32 index -> nothing */

enum ay_store_table {
#define T(name, text) AY_TABLE_##name,
    AY_STORE_TABLES(T)
#undef T
        AY_TABLE_COUNT
};

struct ay_store {
    MDB_env *env;
    MDB_dbi tables[AY_TABLE_COUNT];
    int lock_fd;            /* flock: one process */
    pthread_mutex_t commit; /* one writer */
    bool stopped;           /* under commit: a write failed, none may follow */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    unsigned views;
    bool growing; /* the map is about to move: no view may begin */
    struct ay_store_tip tip;
};

struct ay_store_view {
    struct ay_store *store;
    MDB_txn *txn;
    MDB_cursor *state;
    struct ay_store_tip tip;
};

/* A transaction and the tables it may touch. */
struct ay_store_txn {
    MDB_txn *txn;
    const MDB_dbi *tables;
};

/* LMDB's result in our terms. AY_E_LIMIT means that the map is full or all readers are taken. */
enum ay_code ay_store_code(int rc) AY_MUST;

/* One row. AY_E_NOT_FOUND: no such key, or a length that no key has. Borrowed from the txn. */
enum ay_code ay_store_get(struct ay_store_txn t, enum ay_store_table table, struct ay_slice key,
                          struct ay_slice *value) AY_MUST;
/* flags 0 or MDB_NOOVERWRITE (then AY_E_EXISTS). */
enum ay_code ay_store_put(struct ay_store_txn t, enum ay_store_table table, struct ay_slice key,
                          struct ay_slice value, unsigned flags) AY_MUST;
/* AY_E_NOT_FOUND: nothing to remove. */
enum ay_code ay_store_del(struct ay_store_txn t, enum ay_store_table table,
                          struct ay_slice key) AY_MUST;

/* The tip as META has it, with its number of rows. AY_E_NOT_FOUND: nothing was committed yet. */
enum ay_code ay_store_read_tip(struct ay_store_txn t, struct ay_store_tip *tip,
                               uint64_t *rows) AY_MUST;

/* Takes or gives back one of the AY_STORE_MAX_VIEWS places. */
enum ay_code ay_store_enter(struct ay_store *store) AY_MUST;
void ay_store_leave(struct ay_store *store);

/* Is the flat state the tree's, and the tree the tip's? The walk that open does. AY_E_CORRUPT. */
enum ay_code ay_store_check(struct ay_store_view *view) AY_MUST;

static inline struct ay_store_txn ay_store_view_txn(const struct ay_store_view *view)
{
    return (struct ay_store_txn){view->txn, view->store->tables};
}

static inline MDB_val ay_store_val(struct ay_slice s)
{
    union {
        const void *from;
        void *to; /* LMDB does not write through it */
    } data = {.from = s.data};
    return (MDB_val){s.len, data.to};
}

#endif
