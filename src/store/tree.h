/* The authenticated tree of crypto/smt.h over LMDB rows. On disk 16 children make a node, that is
 * four levels of the binary tree, as in the Jellyfish Merkle tree (Gao, Hu, Wu 2021): a node is
 * written once, under the version that made it, and never changed; what a version replaces goes to
 * a list of stale rows and is dropped when that version leaves the window. The binary tree's
 * compaction holds across nodes: one that would hold a single leaf is that leaf, in its parent. */
#ifndef AY_STORE_TREE_H
#define AY_STORE_TREE_H

#include "store/internal.h"

enum ay_tree_kind { AY_TREE_EMPTY, AY_TREE_LEAF, AY_TREE_INNER, AY_TREE_KIND_COUNT };

struct ay_tree_leaf {
    uint8_t key[32];   /* SHA256 of the key: the path */
    uint8_t value[32]; /* SHA256 of the value */
};

/* A subtree as its parent, or the table of roots, refers to it. */
struct ay_tree_child {
    enum ay_tree_kind kind;
    union {
        struct ay_tree_leaf leaf;
        struct {
            uint8_t hash[32];
            uint64_t version; /* of the node */
        } inner;
    };
};

struct ay_tree_change {
    struct ay_tree_leaf leaf;
    bool removed;
};

/* Rows to drop later, as they stand in a stale record: table u8 | key length u8 | key. Grows on the
 * heap; the owner frees bytes. */
struct ay_stale {
    uint8_t *bytes;
    uint32_t len, cap;
};
enum ay_code ay_stale_add(struct ay_stale *stale, enum ay_store_table table,
                          struct ay_slice key) AY_MUST;
/* Removes the rows that a record lists. AY_E_CORRUPT: malformed, or a row was gone. */
enum ay_code ay_stale_drop(struct ay_store_txn t, struct ay_slice record) AY_MUST;

/* The hash of a subtree: zeros, a leaf's, or the node's. */
void ay_tree_hash(const struct ay_tree_child *child, uint8_t out[32]);

/* The root after `height`; AY_E_RANGE when it is not kept, AY_E_CORRUPT. */
enum ay_code ay_tree_root(struct ay_store_txn t, uint64_t height,
                          struct ay_tree_child *root) AY_MUST;
enum ay_code ay_tree_put_root(struct ay_store_txn t, uint64_t height,
                              const struct ay_tree_child *root) AY_MUST;

/* Replaces *root by the root with the changes, which are sorted by path, each path once. New nodes
 * get `version`, above every version before. One node read and written for each 16-fold level of
 * each path, shared where paths are. */
enum ay_code ay_tree_update(struct ay_store_txn t, uint64_t version,
                            const struct ay_tree_change *changes, uint32_t count,
                            struct ay_stale *stale, struct ay_tree_child *root) AY_MUST;

/* Follows a path from a root to where it ends: EMPTY, or a LEAF that is the path's own or another.
 * Fills the proof's siblings and depth, and end and other leaf to match. */
enum ay_code ay_tree_prove(struct ay_store_txn t, const struct ay_tree_child *root,
                           const uint8_t path[32], struct ay_smt_proof *proof,
                           struct ay_tree_child *end) AY_MUST;

/* The same without a proof: no hashing. */
enum ay_code ay_tree_find(struct ay_store_txn t, const struct ay_tree_child *root,
                          const uint8_t path[32], struct ay_tree_child *end) AY_MUST;

/* Recomputes the hashes of a whole tree and counts its leaves. AY_E_CORRUPT where one differs. */
enum ay_code ay_tree_check(struct ay_store_txn t, const struct ay_tree_child *root,
                           uint64_t *leaves) AY_MUST;

#endif
