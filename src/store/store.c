#include "store/store.h"

#include "crypto/hash.h"
#include "store/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FORMAT            1u
#define DEFAULT_MAP_BYTES (16ull << 30)

static const char *const table_names[AY_TABLE_COUNT] = {
#define T(name, text) text,
    AY_STORE_TABLES(T)
#undef T
};

/* ---- LMDB in our terms ---- */

enum ay_code ay_store_code(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return AY_OK;
    case MDB_NOTFOUND: return AY_E_NOT_FOUND;
    case MDB_KEYEXIST: return AY_E_EXISTS;
    case MDB_MAP_FULL:
    case MDB_READERS_FULL: return AY_E_LIMIT;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_PANIC:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_TXN: return AY_E_CORRUPT;
    case MDB_TXN_FULL:
    case ENOMEM: return AY_E_MEMORY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return AY_E_DISK_FULL;
    default: return AY_E_IO;
    }
}

static enum ay_code errno_code(void)
{
    return ay_store_code(errno);
}

enum ay_code ay_store_get(struct ay_store_txn t, enum ay_store_table table, struct ay_slice key,
                          struct ay_slice *value)
{
    if (key.len == 0 || key.len > AY_KV_MAX_KEY) return AY_E_NOT_FOUND;
    MDB_val k = ay_store_val(key), v;
    AY_TRY(ay_store_code(mdb_get(t.txn, t.tables[table], &k, &v)));
    if (v.mv_size > UINT32_MAX) return AY_E_CORRUPT;
    *value = ay_slice(v.mv_data, (uint32_t)v.mv_size);
    return AY_OK;
}

enum ay_code ay_store_put(struct ay_store_txn t, enum ay_store_table table, struct ay_slice key,
                          struct ay_slice value, unsigned flags)
{
    MDB_val k = ay_store_val(key), v = ay_store_val(value);
    return ay_store_code(mdb_put(t.txn, t.tables[table], &k, &v, flags));
}

enum ay_code ay_store_del(struct ay_store_txn t, enum ay_store_table table, struct ay_slice key)
{
    MDB_val k = ay_store_val(key);
    return ay_store_code(mdb_del(t.txn, t.tables[table], &k, NULL));
}

/* ---- the tip ---- */

enum { TIP_BYTES = 8 + 32 + 8 };

enum ay_code ay_store_read_tip(struct ay_store_txn t, struct ay_store_tip *tip, uint64_t *rows)
{
    struct ay_slice bytes;
    AY_TRY(ay_store_get(t, AY_TABLE_META, ay_slice_str("tip"), &bytes));
    if (bytes.len != TIP_BYTES) return AY_E_CORRUPT;
    tip->height = ay_get_be64(bytes.data);
    memcpy(tip->root, bytes.data + 8, 32);
    *rows = ay_get_be64(bytes.data + 40);
    return AY_OK;
}

static enum ay_code write_tip(struct ay_store_txn t, const struct ay_store_tip *tip)
{
    uint8_t bytes[TIP_BYTES];
    MDB_stat stat;
    AY_TRY(ay_store_code(mdb_stat(t.txn, t.tables[AY_TABLE_STATE], &stat)));
    ay_put_be64(bytes, tip->height);
    memcpy(bytes + 8, tip->root, 32);
    ay_put_be64(bytes + 40, stat.ms_entries);
    return ay_store_put(t, AY_TABLE_META, ay_slice_str("tip"), AY_SLICE_OF(bytes), 0);
}

struct ay_store_tip ay_store_tip(struct ay_store *store)
{
    AY_ASSERT(pthread_mutex_lock(&store->mutex) == 0);
    struct ay_store_tip tip = store->tip;
    AY_ASSERT(pthread_mutex_unlock(&store->mutex) == 0);
    return tip;
}

/* ---- opening ---- */

/* Makes what was created in a folder survive a power cut. */
static enum ay_code sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) return errno_code();
    enum ay_code code = fsync(fd) == 0 ? AY_OK : errno_code();
    close(fd);
    return code;
}

static enum ay_code sync_folder_of(const char *path)
{
    char parent[PATH_MAX];
    if (snprintf(parent, sizeof parent, "%s/..", path) >= (int)sizeof parent) return AY_E_RANGE;
    AY_TRY(sync_path(path, O_RDONLY | O_DIRECTORY));
    return sync_path(parent, O_RDONLY | O_DIRECTORY);
}

static enum ay_code take_folder(struct ay_store *store, const char *path)
{
    char lock[PATH_MAX];
    if (snprintf(lock, sizeof lock, "%s/LOCK", path) >= (int)sizeof lock) return AY_E_RANGE;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return errno_code();
    store->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock_fd < 0) return errno_code();
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? AY_E_STATE : errno_code();
    return AY_OK;
}

/* Opens every table, and writes the format into a new store or compares it in an old one. */
static enum ay_code open_tables(struct ay_store *store, MDB_txn *txn)
{
    struct ay_store_txn t = {txn, store->tables};
    struct ay_slice found;
    uint8_t format[4];
    uint64_t rows;
    for (int i = 0; i < AY_TABLE_COUNT; i++)
        AY_TRY(ay_store_code(mdb_dbi_open(txn, table_names[i], MDB_CREATE, &store->tables[i])));
    ay_put_be32(format, FORMAT);
    enum ay_code code = ay_store_get(t, AY_TABLE_META, ay_slice_str("format"), &found);
    if (code == AY_E_NOT_FOUND)
        code = ay_store_put(t, AY_TABLE_META, ay_slice_str("format"), AY_SLICE_OF(format), 0);
    else if (code == AY_OK && !ay_slice_equal(found, AY_SLICE_OF(format)))
        code = AY_E_CORRUPT;
    AY_TRY(code);
    code = ay_store_read_tip(t, &store->tip, &rows);
    return code == AY_E_NOT_FOUND ? AY_OK : code;
}

static enum ay_code open_env(struct ay_store *store, const char *path, uint64_t map_bytes)
{
    MDB_txn *txn;
    AY_TRY(ay_store_code(mdb_env_create(&store->env)));
    AY_TRY(ay_store_code(mdb_env_set_maxdbs(store->env, AY_TABLE_COUNT)));
    AY_TRY(ay_store_code(mdb_env_set_maxreaders(store->env, AY_STORE_MAX_VIEWS + 1)));
    AY_TRY(ay_store_code(mdb_env_set_mapsize(store->env, map_bytes)));
    /* NOTLS: a view belongs to whoever holds it, not to a thread. */
    AY_TRY(ay_store_code(mdb_env_open(store->env, path, MDB_NOTLS, 0600)));
    AY_TRY(sync_folder_of(path));
    AY_TRY(ay_store_code(mdb_txn_begin(store->env, NULL, 0, &txn)));
    enum ay_code code = open_tables(store, txn);
    if (code != AY_OK) {
        mdb_txn_abort(txn);
        return code;
    }
    return ay_store_code(mdb_txn_commit(txn));
}

static enum ay_code check_all(struct ay_store *store)
{
    struct ay_store_view *view;
    AY_TRY(ay_store_view(store, &view));
    enum ay_code code = ay_store_check(view);
    ay_store_view_end(view);
    return code;
}

enum ay_code ay_store_open(const char *path, const struct ay_store_options *options,
                           struct ay_store **out)
{
    struct ay_store *store = calloc(1, sizeof *store);
    if (!store) return AY_E_MEMORY;
    store->lock_fd = -1;
    AY_ASSERT(pthread_mutex_init(&store->commit, NULL) == 0);
    AY_ASSERT(pthread_mutex_init(&store->mutex, NULL) == 0);
    AY_ASSERT(pthread_cond_init(&store->changed, NULL) == 0);
    uint64_t map_bytes = options && options->map_bytes ? options->map_bytes : DEFAULT_MAP_BYTES;

    enum ay_code code = take_folder(store, path);
    if (code == AY_OK) code = open_env(store, path, map_bytes);
    if (code == AY_OK) code = check_all(store);
    if (code != AY_OK) {
        ay_store_close(store);
        return code == AY_E_NOT_FOUND ? AY_E_CORRUPT : code;
    }
    *out = store;
    return AY_OK;
}

void ay_store_close(struct ay_store *store)
{
    if (!store) return;
    AY_ASSERT(store->views == 0);
    if (store->env) mdb_env_close(store->env);
    if (store->lock_fd >= 0) close(store->lock_fd);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->mutex);
    pthread_mutex_destroy(&store->commit);
    free(store);
}

/* ---- places for views, and the map that may only move when all are free ---- */

enum ay_code ay_store_enter(struct ay_store *store)
{
    AY_ASSERT(pthread_mutex_lock(&store->mutex) == 0);
    while (store->growing) AY_ASSERT(pthread_cond_wait(&store->changed, &store->mutex) == 0);
    bool free_place = store->views < AY_STORE_MAX_VIEWS;
    store->views += free_place;
    AY_ASSERT(pthread_mutex_unlock(&store->mutex) == 0);
    return free_place ? AY_OK : AY_E_LIMIT;
}

void ay_store_leave(struct ay_store *store)
{
    AY_ASSERT(pthread_mutex_lock(&store->mutex) == 0);
    AY_ASSERT(store->views > 0);
    store->views--;
    AY_ASSERT(pthread_cond_broadcast(&store->changed) == 0);
    AY_ASSERT(pthread_mutex_unlock(&store->mutex) == 0);
}

static enum ay_code grow(struct ay_store *store)
{
    MDB_envinfo info;
    AY_ASSERT(pthread_mutex_lock(&store->mutex) == 0);
    store->growing = true;
    while (store->views) AY_ASSERT(pthread_cond_wait(&store->changed, &store->mutex) == 0);
    enum ay_code code = ay_store_code(mdb_env_info(store->env, &info));
    if (code == AY_OK) code = ay_store_code(mdb_env_set_mapsize(store->env, 2 * info.me_mapsize));
    store->growing = false;
    AY_ASSERT(pthread_cond_broadcast(&store->changed) == 0);
    AY_ASSERT(pthread_mutex_unlock(&store->mutex) == 0);
    return code;
}

/* ---- snapshot ---- */

enum ay_code ay_store_snapshot(struct ay_store *store, const char *path)
{
    char file[PATH_MAX];
    if (snprintf(file, sizeof file, "%s/data.mdb", path) >= (int)sizeof file) return AY_E_RANGE;
    if (mkdir(path, 0700) != 0) return errno == EEXIST ? AY_E_EXISTS : errno_code();
    enum ay_code code = ay_store_enter(store);
    if (code == AY_OK) {
        code = ay_store_code(mdb_env_copy2(store->env, path, MDB_CP_COMPACT));
        ay_store_leave(store);
    }
    if (code == AY_OK) code = sync_path(file, O_RDONLY);
    if (code == AY_OK) code = sync_folder_of(path);
    if (code != AY_OK) {
        unlink(file);
        rmdir(path);
    }
    return code;
}

/* ---- commit ---- */

struct commit {
    struct ay_store_txn txn;
    uint64_t height;
    struct ay_stale stale;
    struct ay_tree_change *leaves; /* one for each row that really changes */
    uint32_t leaf_count;
};

/* Writes one row, keeps what it replaces, and notes the leaf; equal bytes are no change. */
static enum ay_code apply_row(struct commit *c, const struct ay_kv_change *change)
{
    struct ay_slice old = {0};
    enum ay_code found = ay_store_get(c->txn, AY_TABLE_STATE, change->key, &old);
    if (found != AY_OK && found != AY_E_NOT_FOUND) return found;
    if (change->removed ? found != AY_OK : found == AY_OK && ay_slice_equal(old, change->value))
        return AY_OK;

    struct ay_tree_change *leaf = &c->leaves[c->leaf_count++];
    uint8_t past_key[40], *past = malloc(1 + (size_t)old.len);
    if (!past) return AY_E_MEMORY;
    leaf->removed = change->removed;
    ay_sha256(change->key, leaf->leaf.key);
    ay_sha256(change->removed ? (struct ay_slice){0} : change->value, leaf->leaf.value);
    memcpy(past_key, leaf->leaf.key, 32);
    ay_put_be64(past_key + 32, c->height);
    past[0] = found == AY_OK;
    if (old.len) memcpy(past + 1, old.data, old.len);
    enum ay_code code =
        ay_store_put(c->txn, AY_TABLE_PAST, AY_SLICE_OF(past_key), ay_slice(past, 1 + old.len), 0);
    free(past);
    AY_TRY(code);
    AY_TRY(ay_stale_add(&c->stale, AY_TABLE_PAST, AY_SLICE_OF(past_key)));
    return change->removed ? ay_store_del(c->txn, AY_TABLE_STATE, change->key)
                           : ay_store_put(c->txn, AY_TABLE_STATE, change->key, change->value, 0);
}

static int by_path(const void *a, const void *b)
{
    return memcmp(((const struct ay_tree_change *)a)->leaf.key,
                  ((const struct ay_tree_change *)b)->leaf.key, 32);
}

/* Forgets what only the height that leaves the window could need. */
static enum ay_code prune(struct ay_store_txn t, uint64_t height)
{
    if (height < AY_STORE_VERSIONS) return AY_OK;
    uint8_t oldest[8], gone[8];
    struct ay_slice record;
    ay_put_be64(oldest, height - AY_STORE_VERSIONS + 1);
    ay_put_be64(gone, height - AY_STORE_VERSIONS);
    enum ay_code code = ay_store_del(t, AY_TABLE_ROOT, AY_SLICE_OF(gone));
    if (code == AY_E_NOT_FOUND) return AY_OK; /* the chain began above it */
    AY_TRY(code);
    /* Rows that `oldest` replaced were last seen by `gone`. */
    AY_TRY(ay_store_get(t, AY_TABLE_STALE, AY_SLICE_OF(oldest), &record));
    struct ay_stale copy = {malloc(record.len + 1ul), 0, 0}; /* deleting moves pages */
    if (!copy.bytes) return AY_E_MEMORY;
    memcpy(copy.bytes, record.data, record.len);
    code = ay_stale_drop(t, ay_slice(copy.bytes, record.len));
    free(copy.bytes);
    AY_TRY(code);
    return ay_store_del(t, AY_TABLE_STALE, AY_SLICE_OF(oldest));
}

static enum ay_code apply_state(struct commit *c, uint64_t before,
                                const struct ay_kv_change *changes, uint32_t count,
                                struct ay_store_tip *tip)
{
    struct ay_tree_child root = {0};
    uint8_t key[8];
    ay_put_be64(key, c->height);
    if (before) AY_TRY(ay_tree_root(c->txn, before, &root));
    for (uint32_t i = 0; i < count; i++) AY_TRY(apply_row(c, &changes[i]));
    qsort(c->leaves, c->leaf_count, sizeof *c->leaves, by_path);
    AY_TRY(ay_tree_update(c->txn, c->height, c->leaves, c->leaf_count, &c->stale, &root));
    AY_TRY(ay_tree_put_root(c->txn, c->height, &root));
    AY_TRY(ay_store_put(c->txn, AY_TABLE_STALE, AY_SLICE_OF(key),
                        ay_slice(c->stale.bytes, c->stale.len), 0));
    AY_TRY(prune(c->txn, c->height));
    tip->height = c->height;
    ay_tree_hash(&root, tip->root);
    return write_tip(c->txn, tip);
}

static enum ay_code put_tx(struct ay_store_txn t, uint64_t height, uint32_t index,
                           const struct ay_store_tx *tx)
{
    uint8_t place[12], tag_key[32 + sizeof place];
    ay_put_be64(place, height);
    ay_put_be32(place + 8, index);
    enum ay_code code = ay_store_put(t, AY_TABLE_TX, AY_SLICE_OF(tx->hash), AY_SLICE_OF(place),
                                     tx->failed ? MDB_NOOVERWRITE : 0);
    if (code != AY_E_EXISTS) AY_TRY(code);
    for (uint32_t i = 0; i < tx->tag_count; i++) {
        const struct ay_slice parts[] = {tx->tags[i].key, ay_slice("\0", 1), tx->tags[i].value};
        ay_sha256_parts(parts, 3, tag_key);
        memcpy(tag_key + 32, place, sizeof place);
        AY_TRY(ay_store_put(t, AY_TABLE_TAG, AY_SLICE_OF(tag_key), (struct ay_slice){0}, 0));
    }
    return AY_OK;
}

static enum ay_code put_block(struct ay_store_txn t, const struct ay_store_block *block)
{
    uint8_t height[8];
    ay_put_be64(height, block->height);
    AY_TRY(ay_store_put(t, AY_TABLE_HASH, AY_SLICE_OF(block->hash), AY_SLICE_OF(height),
                        MDB_NOOVERWRITE));
    AY_TRY(ay_store_put(t, AY_TABLE_BLOCK, AY_SLICE_OF(height), block->block, 0));
    AY_TRY(ay_store_put(t, AY_TABLE_RESULT, AY_SLICE_OF(height), block->results, 0));
    for (uint32_t i = 0; i < block->tx_count; i++)
        AY_TRY(put_tx(t, block->height, i, &block->txs[i]));
    return AY_OK;
}

/* Has the file system no room, or the file reached the size that this process may give it? */
static bool is_full(int fd)
{
    enum { ROOM = 1 << 20 };
    struct statvfs fs;
    struct stat st;
    struct rlimit limit;
    if (fstatvfs(fd, &fs) == 0 && fs.f_bavail < ROOM / fs.f_frsize) return true;
    return fstat(fd, &st) == 0 && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
           (rlim_t)st.st_size >= limit.rlim_cur;
}

/* LMDB calls a short write EIO, and on a disk that fills up a write comes short before one fails.
 */
static enum ay_code commit_txn(struct ay_store *store, MDB_txn *txn)
{
    int rc = mdb_txn_commit(txn), fd;
    if (rc == EIO && mdb_env_get_fd(store->env, &fd) == 0 && is_full(fd)) return AY_E_DISK_FULL;
    return ay_store_code(rc);
}

/* One attempt; AY_E_LIMIT says that the map was too small and nothing happened. */
static enum ay_code attempt(struct ay_store *store, const struct ay_kv_change *changes,
                            uint32_t count, const struct ay_store_block *block,
                            struct ay_store_tip *tip)
{
    MDB_txn *txn;
    AY_TRY(ay_store_code(mdb_txn_begin(store->env, NULL, 0, &txn)));
    struct commit c = {.txn = {txn, store->tables}, .height = block->height};
    c.leaves = malloc((count + 1ul) * sizeof *c.leaves);
    enum ay_code code = c.leaves ? put_block(c.txn, block) : AY_E_MEMORY;
    if (code == AY_OK) code = apply_state(&c, store->tip.height, changes, count, tip);
    free(c.leaves);
    free(c.stale.bytes);
    if (code != AY_OK) {
        mdb_txn_abort(txn);
        return code == AY_E_NOT_FOUND || code == AY_E_RANGE ? AY_E_CORRUPT : code;
    }
    return commit_txn(store, txn);
}

static bool acceptable(uint64_t tip, const struct ay_kv_change *changes, uint32_t count,
                       const struct ay_store_block *block)
{
    if (tip ? block->height != tip + 1 || block->height == 0 : block->height == 0) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].key.len == 0 || changes[i].key.len > AY_KV_MAX_KEY) return false;
        if (!changes[i].removed && changes[i].value.len > AY_KV_MAX_VALUE) return false;
        if (i && ay_slice_compare(changes[i - 1].key, changes[i].key) >= 0) return false;
    }
    return true;
}

static enum ay_code commit_block(struct ay_store *store, const struct ay_kv_change *changes,
                                 uint32_t count, const struct ay_store_block *block,
                                 uint8_t root[32], bool may_grow)
{
    struct ay_store_tip tip;
    AY_ASSERT(pthread_mutex_lock(&store->commit) == 0);
    enum ay_code code = store->stopped ? AY_E_IO : AY_OK;
    if (code == AY_OK && !acceptable(store->tip.height, changes, count, block)) code = AY_E_RANGE;
    if (code == AY_OK) {
        while ((code = attempt(store, changes, count, block, &tip)) == AY_E_LIMIT && may_grow)
            if ((code = grow(store)) != AY_OK) break;
        store->stopped = code != AY_OK && code != AY_E_EXISTS && code != AY_E_LIMIT;
    }
    if (code == AY_OK) {
        AY_ASSERT(pthread_mutex_lock(&store->mutex) == 0);
        store->tip = tip;
        AY_ASSERT(pthread_mutex_unlock(&store->mutex) == 0);
        memcpy(root, tip.root, 32);
    }
    AY_ASSERT(pthread_mutex_unlock(&store->commit) == 0);
    return code;
}

enum ay_code ay_store_commit(struct ay_store *store, const struct ay_kv_change *changes,
                             uint32_t count, const struct ay_store_block *block, uint8_t root[32])
{
    return commit_block(store, changes, count, block, root, true);
}

enum ay_code ay_store_commit_within(struct ay_store *store, const struct ay_kv_change *changes,
                                    uint32_t count, const struct ay_store_block *block,
                                    uint8_t root[32])
{
    return commit_block(store, changes, count, block, root, false);
}
