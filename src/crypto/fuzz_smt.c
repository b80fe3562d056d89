/* Fuzz target: a state proof as it comes off the wire, against a tree of two leaves. Whatever the
 * bytes are: they are refused, or encode to themselves, and prove nothing false. With
 * AY_PLANTED_BUG it has a fault of its own, to see that the fuzzer finds one. */
#include "crypto/hash.h"
#include "crypto/smt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The paths of "a" (ca97..) and "c" (2e7d..) part at the first bit. */
static void make_root(uint8_t root[32])
{
    uint8_t path[2][32], value_hash[2][32], leaf[2][32];
    ay_sha256(ay_slice_str("c"), path[0]);
    ay_sha256(ay_slice_str("3"), value_hash[0]);
    ay_sha256(ay_slice_str("a"), path[1]);
    ay_sha256(ay_slice_str("1"), value_hash[1]);
    for (int i = 0; i < 2; i++) {
        AY_ASSERT(ay_smt_bit(path[i], 0) == (unsigned)i);
        ay_smt_leaf(path[i], value_hash[i], leaf[i]);
    }
    ay_smt_inner(leaf[0], leaf[1], root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ay_smt_proof proof;
    static uint8_t again[AY_SMT_MAX_PROOF_BYTES];
    uint8_t root[32];
    if (size > UINT32_MAX) return 0;
    struct ay_slice in = ay_slice(data, (uint32_t)size);
    if (ay_smt_decode(in, &proof) != AY_OK) return 0;
    AY_ASSERT(ay_slice_equal(ay_slice(again, ay_smt_encode(&proof, again)), in));

    make_root(root);
    AY_ASSERT(ay_smt_verify_absent(root, ay_slice_str("a"), &proof) == AY_E_HASH);
    AY_ASSERT(ay_smt_verify_absent(root, ay_slice_str("c"), &proof) == AY_E_HASH);
    AY_ASSERT(ay_smt_verify(root, ay_slice_str("a"), ay_slice_str("2"), &proof) == AY_E_HASH);
    AY_ASSERT(ay_smt_verify(root, ay_slice_str("b"), ay_slice_str("2"), &proof) == AY_E_HASH);
    enum ay_code member = ay_smt_verify(root, ay_slice_str("a"), ay_slice_str("1"), &proof);
    enum ay_code absent = ay_smt_verify_absent(root, ay_slice_str("b"), &proof);
    AY_ASSERT(member == AY_E_HASH || absent == AY_E_HASH);
#ifdef AY_PLANTED_BUG
    if (proof.end == AY_SMT_OTHER && proof.depth == 2 && proof.siblings[1][0] == 7) abort();
#endif
    return 0;
}
