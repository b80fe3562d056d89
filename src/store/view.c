#include "crypto/hash.h"
#include "store/tree.h"

#include <stdlib.h>

enum ay_code ay_store_view(struct ay_store *store, struct ay_store_view **out)
{
    struct ay_store_view *view = calloc(1, sizeof *view);
    if (!view) return AY_E_MEMORY;
    enum ay_code code = ay_store_enter(store);
    if (code != AY_OK) {
        free(view);
        return code;
    }
    view->store = store;
    code = ay_store_code(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &view->txn));
    if (code == AY_OK)
        code =
            ay_store_code(mdb_cursor_open(view->txn, store->tables[AY_TABLE_STATE], &view->state));
    if (code == AY_OK) {
        uint64_t rows;
        code = ay_store_read_tip(ay_store_view_txn(view), &view->tip, &rows);
        if (code == AY_E_NOT_FOUND) code = AY_OK;
    }
    if (code != AY_OK) {
        ay_store_view_end(view);
        return code;
    }
    *out = view;
    return AY_OK;
}

void ay_store_view_end(struct ay_store_view *view)
{
    if (view->state) mdb_cursor_close(view->state);
    if (view->txn) mdb_txn_abort(view->txn);
    ay_store_leave(view->store);
    free(view);
}

struct ay_store_tip ay_store_view_tip(struct ay_store_view *view)
{
    return view->tip;
}

/* ---- rows ---- */

static enum ay_code get(void *self, struct ay_slice key, struct ay_slice *value)
{
    return ay_store_get(ay_store_view_txn(self), AY_TABLE_STATE, key, value);
}

static enum ay_code next(void *self, struct ay_slice from, bool inclusive, struct ay_slice *key,
                         struct ay_slice *value)
{
    struct ay_store_view *view = self;
    MDB_val k = ay_store_val(from), v;
    int rc = mdb_cursor_get(view->state, &k, &v, from.len ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && !inclusive && ay_slice_equal(ay_slice(k.mv_data, (uint32_t)k.mv_size), from))
        rc = mdb_cursor_get(view->state, &k, &v, MDB_NEXT);
    AY_TRY(ay_store_code(rc));
    *key = ay_slice(k.mv_data, (uint32_t)k.mv_size);
    *value = ay_slice(v.mv_data, (uint32_t)v.mv_size);
    return AY_OK;
}

struct ay_kv ay_store_kv(struct ay_store_view *view)
{
    return (struct ay_kv){view, get, next};
}

/* ---- proofs and the past ---- */

enum ay_code ay_store_root(struct ay_store_view *view, uint64_t height, uint8_t root[32])
{
    struct ay_tree_child child;
    AY_TRY(ay_tree_root(ay_store_view_txn(view), height, &child));
    ay_tree_hash(&child, root);
    return AY_OK;
}

/* The first replacement after `height` kept what was there at `height`; none: it is there still. */
static enum ay_code value_at(struct ay_store_view *view, uint64_t height, struct ay_slice key,
                             const uint8_t path[32], struct ay_slice *value)
{
    uint8_t from[40];
    MDB_val k = {sizeof from, from}, v;
    MDB_cursor *cursor;
    memcpy(from, path, 32);
    ay_put_be64(from + 32, height + 1);
    AY_TRY(ay_store_code(mdb_cursor_open(view->txn, view->store->tables[AY_TABLE_PAST], &cursor)));
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND || (rc == 0 && memcmp(k.mv_data, path, 32) != 0))
        return ay_store_get(ay_store_view_txn(view), AY_TABLE_STATE, key, value);
    AY_TRY(ay_store_code(rc));
    if (v.mv_size == 0) return AY_E_CORRUPT;
    const uint8_t *past = v.mv_data;
    if (!past[0]) return AY_E_NOT_FOUND;
    *value = ay_slice(past + 1, (uint32_t)v.mv_size - 1);
    return AY_OK;
}

enum ay_code ay_store_prove(struct ay_store_view *view, uint64_t height, struct ay_slice key,
                            struct ay_slice *value, struct ay_smt_proof *proof)
{
    struct ay_store_txn t = ay_store_view_txn(view);
    struct ay_tree_child root, end;
    struct ay_slice found = {0};
    uint8_t path[32], hash[32];
    if (height > view->tip.height) return AY_E_RANGE;
    AY_TRY(ay_tree_root(t, height, &root));
    ay_sha256(key, path);
    if (proof)
        AY_TRY(ay_tree_prove(t, &root, path, proof, &end));
    else
        AY_TRY(ay_tree_find(t, &root, path, &end));

    enum ay_code code = value_at(view, height, key, path, &found);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    bool member = end.kind == AY_TREE_LEAF && memcmp(end.leaf.key, path, 32) == 0;
    if (member != (code == AY_OK)) return AY_E_CORRUPT;
    if (!member) return AY_E_NOT_FOUND;
    ay_sha256(found, hash);
    if (memcmp(hash, end.leaf.value, 32) != 0) return AY_E_CORRUPT;
    if (value) *value = found;
    return AY_OK;
}

/* ---- blocks and transactions ---- */

enum ay_code ay_store_block_at(struct ay_store_view *view, uint64_t height, struct ay_slice *block,
                               struct ay_slice *results)
{
    struct ay_slice found;
    uint8_t key[8];
    ay_put_be64(key, height);
    AY_TRY(ay_store_get(ay_store_view_txn(view), AY_TABLE_BLOCK, AY_SLICE_OF(key), &found));
    if (block) *block = found;
    AY_TRY(ay_store_get(ay_store_view_txn(view), AY_TABLE_RESULT, AY_SLICE_OF(key), &found));
    if (results) *results = found;
    return AY_OK;
}

enum ay_code ay_store_height_of(struct ay_store_view *view, const uint8_t hash[32],
                                uint64_t *height)
{
    struct ay_slice found;
    AY_TRY(ay_store_get(ay_store_view_txn(view), AY_TABLE_HASH, ay_slice(hash, 32), &found));
    if (found.len != 8) return AY_E_CORRUPT;
    *height = ay_get_be64(found.data);
    return AY_OK;
}

static struct ay_store_place place_of(const uint8_t bytes[12])
{
    return (struct ay_store_place){ay_get_be64(bytes), ay_get_be32(bytes + 8)};
}

enum ay_code ay_store_tx(struct ay_store_view *view, const uint8_t hash[32],
                         struct ay_store_place *place)
{
    struct ay_slice found;
    AY_TRY(ay_store_get(ay_store_view_txn(view), AY_TABLE_TX, ay_slice(hash, 32), &found));
    if (found.len != 12) return AY_E_CORRUPT;
    *place = place_of(found.data);
    return AY_OK;
}

enum ay_code ay_store_search(struct ay_store_view *view, const struct ay_store_tag *tag,
                             struct ay_store_place from, uint32_t max,
                             struct ay_store_place *places, uint32_t *count)
{
    const struct ay_slice parts[] = {tag->key, ay_slice("\0", 1), tag->value};
    uint8_t prefix[44];
    MDB_cursor *cursor;
    ay_sha256_parts(parts, 3, prefix);
    ay_put_be64(prefix + 32, from.height);
    ay_put_be32(prefix + 40, from.index);
    AY_TRY(ay_store_code(mdb_cursor_open(view->txn, view->store->tables[AY_TABLE_TAG], &cursor)));
    MDB_val k = {sizeof prefix, prefix}, v;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    *count = 0;
    while (*count < max && rc == 0 && k.mv_size == sizeof prefix &&
           memcmp(k.mv_data, prefix, 32) == 0) {
        places[(*count)++] = place_of((const uint8_t *)k.mv_data + 32);
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? AY_OK : ay_store_code(rc);
}

/* ---- checking ---- */

/* Is this row in the tree as it stands in the table? */
static enum ay_code check_row(struct ay_store_view *view, const struct ay_tree_child *root,
                              struct ay_slice key, struct ay_slice value)
{
    struct ay_tree_child end;
    uint8_t path[32], hash[32];
    ay_sha256(key, path);
    ay_sha256(value, hash);
    AY_TRY(ay_tree_find(ay_store_view_txn(view), root, path, &end));
    bool same = end.kind == AY_TREE_LEAF && memcmp(end.leaf.key, path, 32) == 0 &&
                memcmp(end.leaf.value, hash, 32) == 0;
    return same ? AY_OK : AY_E_CORRUPT;
}

enum ay_code ay_store_check(struct ay_store_view *view)
{
    struct ay_store_txn t = ay_store_view_txn(view);
    struct ay_tree_child root;
    struct ay_slice key = {0}, value;
    uint8_t hash[32];
    uint64_t leaves, rows = 0, promised;
    if (view->tip.height == 0)
        return next(view, key, true, &key, &value) == AY_E_NOT_FOUND ? AY_OK : AY_E_CORRUPT;
    AY_TRY(ay_store_read_tip(t, &view->tip, &promised));
    AY_TRY(ay_tree_root(t, view->tip.height, &root));
    ay_tree_hash(&root, hash);
    if (memcmp(hash, view->tip.root, 32) != 0) return AY_E_CORRUPT;
    AY_TRY(ay_tree_check(t, &root, &leaves));

    enum ay_code code;
    for (; (code = next(view, key, false, &key, &value)) == AY_OK; rows++)
        AY_TRY(check_row(view, &root, key, value));
    if (code != AY_E_NOT_FOUND) return code;
    return rows == leaves && rows == promised ? AY_OK : AY_E_CORRUPT;
}

enum ay_code ay_store_scrub(struct ay_store_view *view, struct ay_slice from, uint32_t rows,
                            struct ay_slice *last)
{
    struct ay_smt_proof proof;
    struct ay_slice key = from, value, proven;
    for (; rows; rows--) {
        enum ay_code code = next(view, key, false, &key, &value);
        if (code == AY_E_NOT_FOUND) {
            *last = (struct ay_slice){0};
            return AY_OK;
        }
        AY_TRY(code);
        code = ay_store_prove(view, view->tip.height, key, &proven, &proof);
        if (code == AY_E_NOT_FOUND) return AY_E_CORRUPT;
        AY_TRY(code);
        if (ay_smt_verify(view->tip.root, key, value, &proof) != AY_OK) return AY_E_CORRUPT;
    }
    *last = key;
    return AY_OK;
}
