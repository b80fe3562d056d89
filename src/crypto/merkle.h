/* Merkle trees as in RFC 6962 section 2.1 (Certificate Transparency): leaf = SHA256(00 | bytes),
 * inner = SHA256(01 | left | right), n leaves split at the largest power of two below n, none =
 * SHA256(""). Every subtree is itself such a tree over its own leaves. Pure: no heap, no I/O. */
#ifndef AY_CRYPTO_MERKLE_H
#define AY_CRYPTO_MERKLE_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

#define AY_MERKLE_MAX_DEPTH 64
/* Hashes in a proof of any range: two edges, at most one sibling a level on each. */
#define AY_MERKLE_MAX_PROOF  (2 * AY_MERKLE_MAX_DEPTH)
#define AY_TENSOR_LEAF_BYTES 1024
#define AY_TENSOR_MAX_LEAVES (1u << 24)
#define AY_TENSOR_MAX_RANK   8

void ay_merkle_leaf(struct ay_slice bytes, uint8_t out[32]);
void ay_merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);

/* How many of n leaves go left; n >= 2. */
uint64_t ay_merkle_split(uint64_t n) AY_MUST;

/* Root over leaves that come one by one, in 2 KiB whatever their number. Zeroed = empty. */
struct ay_merkle {
    uint64_t count; /* leaves so far */
    /* [i] is the root of 2^i leaves, where bit i of count is set */
    uint8_t perfect[AY_MERKLE_MAX_DEPTH][32];
};
void ay_merkle_add(struct ay_merkle *tree, struct ay_slice bytes);
/* The same with ay_merkle_leaf already taken. */
void ay_merkle_add_leaf(struct ay_merkle *tree, const uint8_t leaf[32]);
/* Root so far; more leaves may follow. */
void ay_merkle_root(const struct ay_merkle *tree, uint8_t out[32]);

/* Root over n leaf hashes in memory. */
void ay_merkle_root_of(const uint8_t (*leaves)[32], uint64_t n, uint8_t out[32]);

/* Proof that leaves [first, first + count) stand there in a tree of n: the roots of the largest
 * subtrees outside the range, from left to right. 1 <= count, first + count <= n is the caller's
 * promise. Writes at most AY_MERKLE_MAX_PROOF hashes to proof; returns how many. O(n) hashes. */
size_t ay_merkle_prove(const uint8_t (*leaves)[32], uint64_t n, uint64_t first, uint64_t count,
                       uint8_t (*proof)[32]) AY_MUST;

/* Does the proof put these `count` leaf hashes at `first` in a tree of n with this root?
 * AY_E_RANGE: range empty or outside n. AY_E_HASH: too few or too many hashes, or another root. */
enum ay_code ay_merkle_verify(const uint8_t root[32], uint64_t n, uint64_t first, uint64_t count,
                              const uint8_t (*leaves)[32], const uint8_t (*proof)[32],
                              size_t proof_count) AY_MUST;

/* A node of a tree, named by the leaves below it. */
struct ay_merkle_span {
    uint64_t first;
    uint64_t count;
};

/* The nodes `levels` below the root of the subtree `top`, left to right; a leaf met earlier stands
 * for itself. levels <= 8. Writes at most 2^levels spans, returns how many. */
size_t ay_merkle_spans(struct ay_merkle_span top, unsigned levels,
                       struct ay_merkle_span *out) AY_MUST;

/* The root of a subtree of n leaves from the hashes of those nodes, in that order.
 * AY_E_HASH when `count` is not the number that ay_merkle_spans gives. */
enum ay_code ay_merkle_fold(uint64_t n, unsigned levels, const uint8_t (*hashes)[32], size_t count,
                            uint8_t out[32]) AY_MUST;

/* Tensors are committed as
 *   SHA256("assay/tensor/v1" | dtype u8 | rank u8 | dims u32 big-endian | Merkle root)
 * over leaves of 1 KiB of the contiguous little-endian elements, the last one padded with zeros. */

/* Leaf hash of leaf `index` of a tensor of `len` bytes. */
void ay_tensor_leaf(const void *data, uint64_t len, uint64_t index, uint8_t out[32]);

/* The tensor's root once the Merkle root is known. rank <= AY_TENSOR_MAX_RANK. */
void ay_tensor_root_bind(uint8_t dtype, uint8_t rank, const uint32_t *dims,
                         const uint8_t merkle_root[32], uint8_t out[32]);

/* The root of a tensor in memory; dtype is a number of assay.work.v1.Dtype.
 * AY_E_UNSUPPORTED: no such dtype. AY_E_RANGE: rank, or len is not that of the dims.
 * AY_E_LIMIT: more than AY_TENSOR_MAX_LEAVES. AY_E_FORMAT: a NaN that is not 7fc00000, a bool
 * above 1. */
enum ay_code ay_tensor_root(uint8_t dtype, uint8_t rank, const uint32_t *dims, const void *data,
                            uint64_t len, uint8_t out[32]) AY_MUST;

#endif
