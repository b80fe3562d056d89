#include "crypto/merkle.h"

#include "crypto/hash.h"

void ay_merkle_leaf(struct ay_slice bytes, uint8_t out[32])
{
    const struct ay_slice parts[] = {ay_slice("\0", 1), bytes};
    ay_sha256_parts(parts, 2, out);
}

void ay_merkle_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    uint8_t bytes[65];
    bytes[0] = 1;
    memcpy(bytes + 1, left, 32);
    memcpy(bytes + 33, right, 32);
    ay_sha256(AY_SLICE_OF(bytes), out);
}

uint64_t ay_merkle_split(uint64_t n)
{
    AY_ASSERT(n >= 2);
    return 1ull << (63 - __builtin_clzll(n - 1));
}

void ay_merkle_add_leaf(struct ay_merkle *tree, const uint8_t leaf[32])
{
    uint8_t hash[32];
    memcpy(hash, leaf, 32);
    int level = 0;
    for (; tree->count >> level & 1; level++) ay_merkle_node(tree->perfect[level], hash, hash);
    memcpy(tree->perfect[level], hash, 32);
    tree->count++;
    AY_ASSERT(tree->count != 0);
}

void ay_merkle_add(struct ay_merkle *tree, struct ay_slice bytes)
{
    uint8_t leaf[32];
    ay_merkle_leaf(bytes, leaf);
    ay_merkle_add_leaf(tree, leaf);
}

void ay_merkle_root(const struct ay_merkle *tree, uint8_t out[32])
{
    if (tree->count == 0) {
        ay_sha256((struct ay_slice){0}, out);
        return;
    }
    int level = __builtin_ctzll(tree->count);
    uint8_t hash[32];
    memcpy(hash, tree->perfect[level], 32);
    for (level++; level < AY_MERKLE_MAX_DEPTH; level++)
        if (tree->count >> level & 1) ay_merkle_node(tree->perfect[level], hash, hash);
    memcpy(out, hash, 32);
}

void ay_merkle_root_of(const uint8_t (*leaves)[32], uint64_t n, uint8_t out[32])
{
    struct ay_merkle tree = {0};
    for (uint64_t i = 0; i < n; i++) ay_merkle_add_leaf(&tree, leaves[i]);
    ay_merkle_root(&tree, out);
}

/* A range inside the tree; both walks below visit subtrees from left to right, stopping at those
 * that lie outside the range or are single leaves. */
struct range {
    uint64_t first, end;
};

static bool outside(struct range r, uint64_t at, uint64_t n)
{
    return at + n <= r.first || at >= r.end;
}

static size_t prove(const uint8_t (*leaves)[32], struct range r, uint64_t at, uint64_t n,
                    uint8_t (*proof)[32])
{
    if (outside(r, at, n)) {
        ay_merkle_root_of(leaves + at, n, *proof);
        return 1;
    }
    if (r.first <= at && at + n <= r.end) return 0;
    uint64_t left = ay_merkle_split(n);
    size_t used = prove(leaves, r, at, left, proof);
    return used + prove(leaves, r, at + left, n - left, proof + used);
}

size_t ay_merkle_prove(const uint8_t (*leaves)[32], uint64_t n, uint64_t first, uint64_t count,
                       uint8_t (*proof)[32])
{
    AY_ASSERT(count >= 1 && count <= n && first <= n - count);
    size_t used = prove(leaves, (struct range){first, first + count}, 0, n, proof);
    AY_ASSERT(used <= AY_MERKLE_MAX_PROOF);
    return used;
}

struct rebuild {
    struct range range;
    const uint8_t (*leaves)[32];
    const uint8_t (*proof)[32];
    size_t proof_left;
};

static enum ay_code rebuild(struct rebuild *b, uint64_t at, uint64_t n, uint8_t out[32])
{
    if (outside(b->range, at, n)) {
        if (b->proof_left == 0) return AY_E_HASH;
        memcpy(out, *b->proof, 32);
        b->proof++, b->proof_left--;
        return AY_OK;
    }
    if (b->range.first <= at && at + n <= b->range.end) {
        ay_merkle_root_of(b->leaves + (at - b->range.first), n, out);
        return AY_OK;
    }
    uint8_t left[32], right[32];
    uint64_t split = ay_merkle_split(n);
    AY_TRY(rebuild(b, at, split, left));
    AY_TRY(rebuild(b, at + split, n - split, right));
    ay_merkle_node(left, right, out);
    return AY_OK;
}

enum ay_code ay_merkle_verify(const uint8_t root[32], uint64_t n, uint64_t first, uint64_t count,
                              const uint8_t (*leaves)[32], const uint8_t (*proof)[32],
                              size_t proof_count)
{
    if (count == 0 || count > n || first > n - count) return AY_E_RANGE;
    struct rebuild b = {{first, first + count}, leaves, proof, proof_count};
    uint8_t hash[32];
    AY_TRY(rebuild(&b, 0, n, hash));
    return b.proof_left == 0 && memcmp(hash, root, 32) == 0 ? AY_OK : AY_E_HASH;
}

size_t ay_merkle_spans(struct ay_merkle_span top, unsigned levels, struct ay_merkle_span *out)
{
    AY_ASSERT(levels <= 8 && top.count >= 1);
    if (levels == 0 || top.count == 1) {
        *out = top;
        return 1;
    }
    uint64_t split = ay_merkle_split(top.count);
    size_t used = ay_merkle_spans((struct ay_merkle_span){top.first, split}, levels - 1, out);
    struct ay_merkle_span right = {top.first + split, top.count - split};
    return used + ay_merkle_spans(right, levels - 1, out + used);
}

static void fold(uint64_t n, unsigned levels, const uint8_t (**hashes)[32], uint8_t out[32])
{
    if (levels == 0 || n == 1) {
        memcpy(out, *(*hashes)++, 32);
        return;
    }
    uint8_t left[32], right[32];
    uint64_t split = ay_merkle_split(n);
    fold(split, levels - 1, hashes, left);
    fold(n - split, levels - 1, hashes, right);
    ay_merkle_node(left, right, out);
}

enum ay_code ay_merkle_fold(uint64_t n, unsigned levels, const uint8_t (*hashes)[32], size_t count,
                            uint8_t out[32])
{
    struct ay_merkle_span spans[256];
    if (ay_merkle_spans((struct ay_merkle_span){0, n}, levels, spans) != count) return AY_E_HASH;
    fold(n, levels, &hashes, out);
    return AY_OK;
}

void ay_tensor_leaf(const void *data, uint64_t len, uint64_t index, uint8_t out[32])
{
    uint8_t padded[AY_TENSOR_LEAF_BYTES] = {0};
    uint64_t at = index * AY_TENSOR_LEAF_BYTES;
    AY_ASSERT(at < len);
    const uint8_t *bytes = (const uint8_t *)data + at;
    if (len - at < sizeof padded) bytes = memcpy(padded, bytes, len - at);
    ay_merkle_leaf(ay_slice(bytes, sizeof padded), out);
}

void ay_tensor_root_bind(uint8_t dtype, uint8_t rank, const uint32_t *dims,
                         const uint8_t merkle_root[32], uint8_t out[32])
{
    AY_ASSERT(rank <= AY_TENSOR_MAX_RANK);
    uint8_t head[2 + 4 * AY_TENSOR_MAX_RANK] = {dtype, rank};
    for (unsigned i = 0; i < rank; i++) ay_put_be32(head + 2 + 4 * i, dims[i]);
    const struct ay_slice parts[] = {ay_slice_str("assay/tensor/v1"), ay_slice(head, 2 + 4u * rank),
                                     ay_slice(merkle_root, 32)};
    ay_sha256_parts(parts, 3, out);
}

/* Dtypes by the numbers of assay.work.v1.Dtype. */
enum { F32 = 1, BOOL = 6, DTYPES = 7 };
static const uint8_t element_bytes[DTYPES] = {0, 4, 4, 8, 1, 1, 1};

/* A NaN and a truth have many bit patterns, so only one of them may be hashed. */
static bool is_canonical(uint8_t dtype, const uint8_t *bytes, uint64_t len)
{
    unsigned odd = 0;
    for (uint64_t i = 0; dtype == F32 && i < len; i += 4) {
        uint32_t bits = ay_get_le32(bytes + i);
        odd |= (bits & 0x7fffffff) > 0x7f800000 && bits != 0x7fc00000;
    }
    for (uint64_t i = 0; dtype == BOOL && i < len; i++) odd |= bytes[i] > 1;
    return odd == 0;
}

enum ay_code ay_tensor_root(uint8_t dtype, uint8_t rank, const uint32_t *dims, const void *data,
                            uint64_t len, uint8_t out[32])
{
    if (dtype >= DTYPES || element_bytes[dtype] == 0) return AY_E_UNSUPPORTED;
    if (rank > AY_TENSOR_MAX_RANK) return AY_E_RANGE;
    uint64_t bytes = element_bytes[dtype];
    for (unsigned i = 0; i < rank; i++)
        if (__builtin_mul_overflow(bytes, dims[i], &bytes)) return AY_E_RANGE;
    if (bytes != len) return AY_E_RANGE;
    uint64_t leaves = len / AY_TENSOR_LEAF_BYTES + (len % AY_TENSOR_LEAF_BYTES != 0);
    if (leaves > AY_TENSOR_MAX_LEAVES) return AY_E_LIMIT;
    if (!is_canonical(dtype, data, len)) return AY_E_FORMAT;

    struct ay_merkle tree = {0};
    uint8_t hash[32];
    for (uint64_t i = 0; i < leaves; i++) {
        ay_tensor_leaf(data, len, i, hash);
        ay_merkle_add_leaf(&tree, hash);
    }
    ay_merkle_root(&tree, hash);
    ay_tensor_root_bind(dtype, rank, dims, hash, out);
    return AY_OK;
}
