#include "store/tree.h"

#include <stdlib.h>

enum {
    FAN = 16,
    MAX_NIBBLES = 64,
    LEAF_BYTES = 64,
    INNER_BYTES = 40,
    MAX_NODE_BYTES = 4 + FAN * LEAF_BYTES,
    MAX_NODE_KEY = 8 + 1 + 32,
};

static unsigned nibble(const uint8_t path[32], unsigned depth)
{
    return path[depth / 2] >> (depth % 2 ? 0 : 4) & 15;
}

/* ---- stale rows ---- */

enum ay_code ay_stale_add(struct ay_stale *stale, enum ay_store_table table, struct ay_slice key)
{
    AY_ASSERT(key.len <= UINT8_MAX);
    uint32_t need = 2 + key.len;
    if (need > stale->cap - stale->len) {
        uint32_t cap = stale->cap ? 2 * stale->cap : 4096;
        AY_ASSERT(cap > stale->cap);
        uint8_t *bytes = realloc(stale->bytes, cap);
        if (!bytes) return AY_E_MEMORY;
        stale->bytes = bytes;
        stale->cap = cap;
    }
    stale->bytes[stale->len] = (uint8_t)table;
    stale->bytes[stale->len + 1] = (uint8_t)key.len;
    memcpy(stale->bytes + stale->len + 2, key.data, key.len);
    stale->len += need;
    return AY_OK;
}

enum ay_code ay_stale_drop(struct ay_store_txn t, struct ay_slice record)
{
    while (record.len) {
        if (record.len < 2 || record.data[1] > record.len - 2) return AY_E_CORRUPT;
        uint8_t table = record.data[0], len = record.data[1];
        if (table != AY_TABLE_TREE && table != AY_TABLE_PAST) return AY_E_CORRUPT;
        enum ay_code code =
            ay_store_del(t, (enum ay_store_table)table, ay_slice(record.data + 2, len));
        if (code == AY_E_NOT_FOUND) return AY_E_CORRUPT;
        AY_TRY(code);
        record = ay_slice(record.data + 2 + len, record.len - 2 - len);
    }
    return AY_OK;
}

/* ---- nodes as bytes: two bits of kind for each child, then the children that are there ---- */

static uint32_t encode(const struct ay_tree_child *children, unsigned count, uint8_t *out)
{
    uint32_t kinds = 0, used = 4;
    for (unsigned i = 0; i < count; i++) {
        const struct ay_tree_child *c = &children[i];
        kinds |= (uint32_t)c->kind << 2 * i;
        if (c->kind == AY_TREE_LEAF) {
            memcpy(out + used, c->leaf.key, 32);
            memcpy(out + used + 32, c->leaf.value, 32);
            used += LEAF_BYTES;
        } else if (c->kind == AY_TREE_INNER) {
            memcpy(out + used, c->inner.hash, 32);
            ay_put_be64(out + used + 32, c->inner.version);
            used += INNER_BYTES;
        }
    }
    ay_put_be32(out, kinds);
    return used;
}

static enum ay_code decode(struct ay_slice in, struct ay_tree_child *children, unsigned count)
{
    static const uint32_t bytes_of[] = {0, LEAF_BYTES, INNER_BYTES};
    if (in.len < 4) return AY_E_CORRUPT;
    uint32_t kinds = ay_get_be32(in.data), used = 4;
    for (unsigned i = 0; i < count; i++) {
        struct ay_tree_child *c = &children[i];
        unsigned kind = kinds >> 2 * i & 3;
        if (kind >= AY_TREE_KIND_COUNT || bytes_of[kind] > in.len - used) return AY_E_CORRUPT;
        c->kind = (enum ay_tree_kind)kind;
        if (c->kind == AY_TREE_LEAF) {
            memcpy(c->leaf.key, in.data + used, 32);
            memcpy(c->leaf.value, in.data + used + 32, 32);
        } else if (c->kind == AY_TREE_INNER) {
            memcpy(c->inner.hash, in.data + used, 32);
            c->inner.version = ay_get_be64(in.data + used + 32);
        }
        used += bytes_of[kind];
    }
    return used == in.len ? AY_OK : AY_E_CORRUPT;
}

/* Version, depth, and the nibbles of the path down to the node; `out` holds MAX_NODE_KEY bytes. */
static struct ay_slice node_key(uint64_t version, const uint8_t path[32], unsigned depth,
                                uint8_t *out)
{
    uint32_t path_bytes = (depth + 1) / 2;
    ay_put_be64(out, version);
    out[8] = (uint8_t)depth;
    memcpy(out + 9, path, path_bytes);
    if (depth % 2) out[8 + path_bytes] &= 0xf0;
    return ay_slice(out, 9 + path_bytes);
}

static enum ay_code load(struct ay_store_txn t, const struct ay_tree_child *inner,
                         const uint8_t path[32], unsigned depth, struct ay_tree_child node[FAN])
{
    AY_ASSERT(inner->kind == AY_TREE_INNER);
    if (depth >= MAX_NIBBLES) return AY_E_CORRUPT;
    uint8_t key[MAX_NODE_KEY];
    struct ay_slice bytes;
    enum ay_code code =
        ay_store_get(t, AY_TABLE_TREE, node_key(inner->inner.version, path, depth, key), &bytes);
    if (code == AY_E_NOT_FOUND) return AY_E_CORRUPT;
    AY_TRY(code);
    return decode(bytes, node, FAN);
}

enum ay_code ay_tree_root(struct ay_store_txn t, uint64_t height, struct ay_tree_child *root)
{
    uint8_t key[8];
    struct ay_slice bytes;
    ay_put_be64(key, height);
    enum ay_code code = ay_store_get(t, AY_TABLE_ROOT, AY_SLICE_OF(key), &bytes);
    if (code == AY_E_NOT_FOUND) return AY_E_RANGE;
    AY_TRY(code);
    return decode(bytes, root, 1);
}

enum ay_code ay_tree_put_root(struct ay_store_txn t, uint64_t height,
                              const struct ay_tree_child *root)
{
    uint8_t key[8], bytes[4 + LEAF_BYTES];
    ay_put_be64(key, height);
    return ay_store_put(t, AY_TABLE_ROOT, AY_SLICE_OF(key), ay_slice(bytes, encode(root, 1, bytes)),
                        0);
}

/* ---- hashing: the binary tree inside a node ---- */

struct folded {
    enum ay_tree_kind kind;
    const struct ay_tree_child *leaf; /* where kind is LEAF */
    uint8_t hash[32];
};

static struct folded fold(const struct ay_tree_child *children, unsigned count)
{
    if (count == 1) {
        struct folded out = {children->kind, children, {0}};
        ay_tree_hash(children, out.hash);
        return out;
    }
    struct folded left = fold(children, count / 2), right = fold(children + count / 2, count / 2);
    if (right.kind == AY_TREE_EMPTY && left.kind != AY_TREE_INNER) return left;
    if (left.kind == AY_TREE_EMPTY && right.kind != AY_TREE_INNER) return right;
    struct folded out = {.kind = AY_TREE_INNER};
    ay_smt_inner(left.hash, right.hash, out.hash);
    return out;
}

void ay_tree_hash(const struct ay_tree_child *child, uint8_t out[32])
{
    if (child->kind == AY_TREE_LEAF)
        ay_smt_leaf(child->leaf.key, child->leaf.value, out);
    else if (child->kind == AY_TREE_INNER)
        memcpy(out, child->inner.hash, 32);
    else
        memset(out, 0, 32);
}

/* ---- update ---- */

struct update {
    struct ay_store_txn txn;
    uint64_t version;
    struct ay_stale *stale;
};

/* The node that stands for `child` at this depth: its own, or one made for the leaf it is. */
static enum ay_code open_node(struct update *u, const struct ay_tree_child *child,
                              const uint8_t path[32], unsigned depth,
                              struct ay_tree_child node[FAN])
{
    memset(node, 0, FAN * sizeof *node);
    if (child->kind == AY_TREE_LEAF) node[nibble(child->leaf.key, depth)] = *child;
    if (child->kind != AY_TREE_INNER) return AY_OK;
    uint8_t key[MAX_NODE_KEY];
    AY_TRY(load(u->txn, child, path, depth, node));
    return ay_stale_add(u->stale, AY_TABLE_TREE, node_key(child->inner.version, path, depth, key));
}

/* What the changed node comes to: nothing, its only leaf, or a row of this version. */
static enum ay_code close_node(struct update *u, const struct ay_tree_child node[FAN],
                               const uint8_t path[32], unsigned depth, struct ay_tree_child *child)
{
    struct folded folded = fold(node, FAN);
    if (folded.kind == AY_TREE_EMPTY) {
        child->kind = AY_TREE_EMPTY;
        return AY_OK;
    }
    if (folded.kind == AY_TREE_LEAF) {
        *child = *folded.leaf;
        return AY_OK;
    }
    uint8_t key[MAX_NODE_KEY], bytes[MAX_NODE_BYTES];
    child->kind = AY_TREE_INNER;
    child->inner.version = u->version;
    memcpy(child->inner.hash, folded.hash, 32);
    return ay_store_put(u->txn, AY_TABLE_TREE, node_key(u->version, path, depth, key),
                        ay_slice(bytes, encode(node, FAN, bytes)), 0);
}

static enum ay_code update(struct update *u, const struct ay_tree_change *changes, uint32_t count,
                           unsigned depth, struct ay_tree_child *child)
{
    AY_ASSERT(count >= 1 && depth <= MAX_NIBBLES);
    const uint8_t *path = changes->leaf.key;
    bool alone = child->kind == AY_TREE_EMPTY ||
                 (child->kind == AY_TREE_LEAF && memcmp(child->leaf.key, path, 32) == 0);
    if (count == 1 && alone) {
        child->kind = changes->removed ? AY_TREE_EMPTY : AY_TREE_LEAF;
        child->leaf = changes->leaf;
        return AY_OK;
    }
    struct ay_tree_child node[FAN];
    AY_TRY(open_node(u, child, path, depth, node));
    for (uint32_t from = 0, to; from < count; from = to) {
        unsigned slot = nibble(changes[from].leaf.key, depth);
        for (to = from + 1; to < count && nibble(changes[to].leaf.key, depth) == slot;) to++;
        AY_TRY(update(u, changes + from, to - from, depth + 1, &node[slot]));
    }
    return close_node(u, node, path, depth, child);
}

enum ay_code ay_tree_update(struct ay_store_txn t, uint64_t version,
                            const struct ay_tree_change *changes, uint32_t count,
                            struct ay_stale *stale, struct ay_tree_child *root)
{
    struct update u = {t, version, stale};
    for (uint32_t i = 1; i < count; i++)
        AY_ASSERT(memcmp(changes[i - 1].leaf.key, changes[i].leaf.key, 32) < 0);
    return count ? update(&u, changes, count, 0, root) : AY_OK;
}

/* ---- reading ---- */

enum ay_code ay_tree_find(struct ay_store_txn t, const struct ay_tree_child *root,
                          const uint8_t path[32], struct ay_tree_child *end)
{
    *end = *root;
    for (unsigned depth = 0; end->kind == AY_TREE_INNER; depth++) {
        struct ay_tree_child node[FAN];
        AY_TRY(load(t, end, path, depth, node));
        *end = node[nibble(path, depth)];
    }
    return AY_OK;
}

/* Goes down inside one node: a sibling at each level, until one leaf or none is left, or the level
 * of the children is reached. */
static void prove_in_node(const struct ay_tree_child node[FAN], const uint8_t path[32],
                          struct ay_smt_proof *proof, struct ay_tree_child *end)
{
    const struct ay_tree_child *at = node;
    for (unsigned width = FAN; width > 1; width /= 2) {
        struct folded here = fold(at, width);
        if (here.kind != AY_TREE_INNER) {
            *end = here.kind == AY_TREE_LEAF ? *here.leaf : (struct ay_tree_child){0};
            return;
        }
        bool right = ay_smt_bit(path, proof->depth);
        struct folded sibling = fold(right ? at : at + width / 2, width / 2);
        memcpy(proof->siblings[proof->depth++], sibling.hash, 32);
        if (right) at += width / 2;
    }
    *end = *at;
}

enum ay_code ay_tree_prove(struct ay_store_txn t, const struct ay_tree_child *root,
                           const uint8_t path[32], struct ay_smt_proof *proof,
                           struct ay_tree_child *end)
{
    memset(proof, 0, sizeof *proof);
    *end = *root;
    while (end->kind == AY_TREE_INNER) {
        struct ay_tree_child node[FAN];
        AY_TRY(load(t, end, path, proof->depth / 4, node));
        prove_in_node(node, path, proof, end);
    }
    if (end->kind == AY_TREE_EMPTY) {
        proof->end = AY_SMT_EMPTY;
    } else if (memcmp(end->leaf.key, path, 32) == 0) {
        proof->end = AY_SMT_MEMBER;
    } else {
        proof->end = AY_SMT_OTHER;
        memcpy(proof->other_key, end->leaf.key, 32);
        memcpy(proof->other_value, end->leaf.value, 32);
    }
    return AY_OK;
}

/* Is the leaf on the path that led to it? */
static bool on_path(const uint8_t key[32], const uint8_t path[32], unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (nibble(key, i) != nibble(path, i)) return false;
    return true;
}

static enum ay_code check(struct ay_store_txn t, const struct ay_tree_child *child,
                          uint8_t path[32], unsigned depth, uint64_t *leaves)
{
    if (child->kind == AY_TREE_EMPTY) return AY_OK;
    if (child->kind == AY_TREE_LEAF) {
        ++*leaves;
        return on_path(child->leaf.key, path, depth) ? AY_OK : AY_E_CORRUPT;
    }
    struct ay_tree_child node[FAN];
    AY_TRY(load(t, child, path, depth, node));
    struct folded folded = fold(node, FAN);
    if (folded.kind != AY_TREE_INNER || memcmp(folded.hash, child->inner.hash, 32) != 0)
        return AY_E_CORRUPT;
    for (unsigned i = 0; i < FAN; i++) {
        uint8_t below[32];
        memcpy(below, path, 32);
        below[depth / 2] = (uint8_t)(depth % 2 ? (path[depth / 2] & 0xf0) | i : i << 4);
        AY_TRY(check(t, &node[i], below, depth + 1, leaves));
    }
    return AY_OK;
}

enum ay_code ay_tree_check(struct ay_store_txn t, const struct ay_tree_child *root,
                           uint64_t *leaves)
{
    uint8_t path[32] = {0};
    *leaves = 0;
    return check(t, root, path, 0, leaves);
}
