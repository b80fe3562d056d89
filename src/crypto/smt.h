/* The state tree's rules, and what a proof of it proves. The tree itself is kept by src/store.
 *
 * A sparse Merkle tree of depth 256. A key's path is SHA256(key), most significant bit first, 0 to
 * the left. Hashes:
 *   leaf  = SHA256(00 | SHA256(key) | SHA256(value))
 *   inner = SHA256(01 | left | right)
 *   empty = 32 zero bytes
 * and a subtree holding exactly one leaf IS that leaf (Jellyfish Merkle tree, Gao et al. 2021), so
 * that depth is the logarithm of the number of leaves. This is the shape that ICS-23's SmtSpec
 * describes: prehash both, leaf prefix 00, inner prefix 01, child size 32, empty child zero.
 *
 * A proof holds the siblings of the path from the root down to where the path ends: at the key's
 * own leaf (member), at nothing (absent), or at another key's leaf that shares the path so far
 * (absent). Dragonberry, the forged absence proof of 2022, came from neighbours that were not
 * checked to be neighbours; here the path alone decides, and the other leaf must lie on it. Pure.
 */
#ifndef AY_CRYPTO_SMT_H
#define AY_CRYPTO_SMT_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

#define AY_SMT_MAX_DEPTH 256

enum ay_smt_end { AY_SMT_EMPTY, AY_SMT_OTHER, AY_SMT_MEMBER, AY_SMT_END_COUNT };

struct ay_smt_proof {
    enum ay_smt_end end;
    uint16_t depth;                         /* siblings, 0..256 */
    uint8_t other_key[32];                  /* AY_SMT_OTHER: SHA256 of that leaf's key */
    uint8_t other_value[32];                /* AY_SMT_OTHER: SHA256 of that leaf's value */
    uint8_t siblings[AY_SMT_MAX_DEPTH][32]; /* from the root's children down */
};

/* end, depth, other leaf, siblings. */
#define AY_SMT_MAX_PROOF_BYTES (3 + 64 + 32 * AY_SMT_MAX_DEPTH)

void ay_smt_leaf(const uint8_t key_hash[32], const uint8_t value_hash[32], uint8_t out[32]);
void ay_smt_inner(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);

/* Bit `depth` of a path, 0 = most significant. */
static inline unsigned ay_smt_bit(const uint8_t path[32], unsigned depth)
{
    return path[depth / 8] >> (7 - depth % 8) & 1;
}

/* Does the proof show that under this root the key has this value? At most 258 hashes.
 * AY_E_HASH: it does not, or it is a proof of absence. */
enum ay_code ay_smt_verify(const uint8_t root[32], struct ay_slice key, struct ay_slice value,
                           const struct ay_smt_proof *proof) AY_MUST;

/* Does the proof show that under this root the key has no value? AY_E_HASH: it does not. */
enum ay_code ay_smt_verify_absent(const uint8_t root[32], struct ay_slice key,
                                  const struct ay_smt_proof *proof) AY_MUST;

/* Wire form: end u8 | depth u16 big-endian | other_key, other_value if AY_SMT_OTHER | siblings.
 * Returns the bytes written, at most AY_SMT_MAX_PROOF_BYTES. */
uint32_t ay_smt_encode(const struct ay_smt_proof *proof, uint8_t *out) AY_MUST;

/* AY_E_FORMAT unless the bytes are exactly one proof in its one form. */
enum ay_code ay_smt_decode(struct ay_slice in, struct ay_smt_proof *proof) AY_MUST;

#endif
