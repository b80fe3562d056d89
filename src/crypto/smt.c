#include "crypto/smt.h"

#include "crypto/hash.h"

static void hash_pair(uint8_t tag, const uint8_t a[32], const uint8_t b[32], uint8_t out[32])
{
    uint8_t bytes[65];
    bytes[0] = tag;
    memcpy(bytes + 1, a, 32);
    memcpy(bytes + 33, b, 32);
    ay_sha256(AY_SLICE_OF(bytes), out);
}

void ay_smt_leaf(const uint8_t key_hash[32], const uint8_t value_hash[32], uint8_t out[32])
{
    hash_pair(0, key_hash, value_hash, out);
}

void ay_smt_inner(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    hash_pair(1, left, right, out);
}

/* Climbs from the path's end to the root. */
static enum ay_code climb(const uint8_t root[32], const uint8_t path[32], uint8_t hash[32],
                          const struct ay_smt_proof *proof)
{
    if (proof->depth > AY_SMT_MAX_DEPTH) return AY_E_HASH;
    for (unsigned depth = proof->depth; depth-- > 0;) {
        const uint8_t *sibling = proof->siblings[depth];
        if (ay_smt_bit(path, depth))
            ay_smt_inner(sibling, hash, hash);
        else
            ay_smt_inner(hash, sibling, hash);
    }
    return memcmp(hash, root, 32) == 0 ? AY_OK : AY_E_HASH;
}

enum ay_code ay_smt_verify(const uint8_t root[32], struct ay_slice key, struct ay_slice value,
                           const struct ay_smt_proof *proof)
{
    uint8_t path[32], value_hash[32], hash[32];
    if (proof->end != AY_SMT_MEMBER) return AY_E_HASH;
    ay_sha256(key, path);
    ay_sha256(value, value_hash);
    ay_smt_leaf(path, value_hash, hash);
    return climb(root, path, hash, proof);
}

/* Is the other leaf another one, and on the path as far as the proof goes? */
static bool other_on_path(const uint8_t path[32], const struct ay_smt_proof *proof)
{
    for (unsigned depth = 0; depth < proof->depth; depth++)
        if (ay_smt_bit(path, depth) != ay_smt_bit(proof->other_key, depth)) return false;
    return memcmp(path, proof->other_key, 32) != 0;
}

enum ay_code ay_smt_verify_absent(const uint8_t root[32], struct ay_slice key,
                                  const struct ay_smt_proof *proof)
{
    uint8_t path[32], hash[32] = {0};
    if (proof->depth > AY_SMT_MAX_DEPTH) return AY_E_HASH;
    ay_sha256(key, path);
    if (proof->end == AY_SMT_OTHER) {
        if (!other_on_path(path, proof)) return AY_E_HASH;
        ay_smt_leaf(proof->other_key, proof->other_value, hash);
    } else if (proof->end != AY_SMT_EMPTY) {
        return AY_E_HASH;
    }
    return climb(root, path, hash, proof);
}

uint32_t ay_smt_encode(const struct ay_smt_proof *proof, uint8_t *out)
{
    AY_ASSERT(proof->end < AY_SMT_END_COUNT && proof->depth <= AY_SMT_MAX_DEPTH);
    uint32_t used = 3;
    out[0] = (uint8_t)proof->end;
    out[1] = (uint8_t)(proof->depth >> 8);
    out[2] = (uint8_t)proof->depth;
    if (proof->end == AY_SMT_OTHER) {
        memcpy(out + 3, proof->other_key, 32);
        memcpy(out + 35, proof->other_value, 32);
        used += 64;
    }
    memcpy(out + used, proof->siblings, 32u * proof->depth);
    return used + 32u * proof->depth;
}

enum ay_code ay_smt_decode(struct ay_slice in, struct ay_smt_proof *proof)
{
    memset(proof, 0, sizeof *proof);
    if (in.len < 3 || in.data[0] >= AY_SMT_END_COUNT) return AY_E_FORMAT;
    proof->end = (enum ay_smt_end)in.data[0];
    proof->depth = (uint16_t)(in.data[1] << 8 | in.data[2]);
    uint32_t head = proof->end == AY_SMT_OTHER ? 67 : 3;
    if (proof->depth > AY_SMT_MAX_DEPTH || in.len != head + 32u * proof->depth) return AY_E_FORMAT;
    if (proof->end == AY_SMT_OTHER) {
        memcpy(proof->other_key, in.data + 3, 32);
        memcpy(proof->other_value, in.data + 35, 32);
    }
    memcpy(proof->siblings, in.data + head, 32u * proof->depth);
    return AY_OK;
}
