/* Proofs of the state tree as such; src/store tests them against whole trees. */
#include "crypto/smt.h"

#include "crypto/hash.h"
#include "crypto/testing.h"

static struct ay_smt_proof proof;

/* A tree of two leaves: their paths share `shared` bits, so each proof has shared + 1 siblings. */
struct pair {
    uint8_t key[2][4], value[2][4], path[2][32], leaf[2][32], root[32];
    unsigned shared;
};

static struct pair make_pair(unsigned shared)
{
    struct pair p = {.shared = shared};
    unsigned common;
    uint8_t value_hash[32];
    memcpy(p.value, "oneotwo", 8);
    ay_sha256(AY_SLICE_OF(p.key[0]), p.path[0]);
    for (uint32_t i = 1;; i++) {
        ay_put_be32(p.key[1], i);
        ay_sha256(AY_SLICE_OF(p.key[1]), p.path[1]);
        for (common = 0; ay_smt_bit(p.path[0], common) == ay_smt_bit(p.path[1], common);) common++;
        if (common == shared) break;
    }
    for (int i = 0; i < 2; i++) {
        ay_sha256(AY_SLICE_OF(p.value[i]), value_hash);
        ay_smt_leaf(p.path[i], value_hash, p.leaf[i]);
    }
    unsigned one = ay_smt_bit(p.path[1], shared);
    ay_smt_inner(p.leaf[!one], p.leaf[one], p.root);
    const uint8_t zeros[32] = {0};
    for (unsigned d = shared; d-- > 0;) {
        bool right = ay_smt_bit(p.path[0], d);
        ay_smt_inner(right ? zeros : p.root, right ? p.root : zeros, p.root);
    }
    return p;
}

static void prove_member(const struct pair *p, int i)
{
    memset(&proof, 0, sizeof proof);
    proof.end = AY_SMT_MEMBER;
    proof.depth = (uint16_t)(p->shared + 1);
    memcpy(proof.siblings[p->shared], p->leaf[!i], 32);
}

static void test_smt_members_verify_with_their_own_value_only(void **state)
{
    (void)state;
    for (unsigned shared = 0; shared < 12; shared++) {
        struct pair p = make_pair(shared);
        for (int i = 0; i < 2; i++) {
            struct ay_slice key = AY_SLICE_OF(p.key[i]);
            prove_member(&p, i);
            assert_int_equal(ay_smt_verify(p.root, key, AY_SLICE_OF(p.value[i]), &proof), AY_OK);
            assert_int_equal(ay_smt_verify(p.root, key, AY_SLICE_OF(p.value[!i]), &proof),
                             AY_E_HASH);
            assert_int_equal(
                ay_smt_verify(p.root, AY_SLICE_OF(p.key[!i]), AY_SLICE_OF(p.value[i]), &proof),
                AY_E_HASH);
            assert_int_equal(ay_smt_verify_absent(p.root, key, &proof), AY_E_HASH);
        }
    }
}

/* A key that is there must not be proven absent by any other end of any depth, whatever leaf it
 * names: this is how Dragonberry forged absence. */
static void test_smt_absence_of_a_member_cannot_be_forged(void **state)
{
    (void)state;
    struct pair p = make_pair(5);
    struct ay_slice key = AY_SLICE_OF(p.key[0]);
    for (unsigned depth = 0; depth <= AY_SMT_MAX_DEPTH; depth++) {
        for (int named = 0; named < 2; named++) {
            prove_member(&p, 0);
            proof.depth = (uint16_t)depth;
            proof.end = AY_SMT_EMPTY;
            assert_int_equal(ay_smt_verify_absent(p.root, key, &proof), AY_E_HASH);
            proof.end = AY_SMT_OTHER;
            memcpy(proof.other_key, p.path[named], 32);
            ay_sha256(AY_SLICE_OF(p.value[named]), proof.other_value);
            assert_int_equal(ay_smt_verify_absent(p.root, key, &proof), AY_E_HASH);
        }
    }
    proof.depth = AY_SMT_MAX_DEPTH + 1;
    assert_int_equal(ay_smt_verify_absent(p.root, key, &proof), AY_E_HASH);
    proof.end = AY_SMT_MEMBER;
    assert_int_equal(ay_smt_verify(p.root, key, AY_SLICE_OF(p.value[0]), &proof), AY_E_HASH);
}

/* In a tree of one leaf that leaf is the root and shows every other key absent; in an empty tree
 * nothing is needed to show it. */
static void test_smt_small_trees_prove_absence(void **state)
{
    (void)state;
    struct pair p = make_pair(3);
    const uint8_t zeros[32] = {0};
    memset(&proof, 0, sizeof proof);
    assert_int_equal(ay_smt_verify_absent(zeros, AY_SLICE_OF(p.key[0]), &proof), AY_OK);
    assert_int_equal(ay_smt_verify_absent(p.root, AY_SLICE_OF(p.key[0]), &proof), AY_E_HASH);
    proof.end = AY_SMT_OTHER;
    memcpy(proof.other_key, p.path[0], 32);
    ay_sha256(AY_SLICE_OF(p.value[0]), proof.other_value);
    assert_int_equal(ay_smt_verify_absent(p.leaf[0], AY_SLICE_OF(p.key[1]), &proof), AY_OK);
    assert_int_equal(ay_smt_verify_absent(p.leaf[0], AY_SLICE_OF(p.key[0]), &proof), AY_E_HASH);
    proof.end = AY_SMT_MEMBER;
    assert_int_equal(
        ay_smt_verify(p.leaf[0], AY_SLICE_OF(p.key[0]), AY_SLICE_OF(p.value[0]), &proof), AY_OK);
}

static void test_smt_wire_form_is_one(void **state)
{
    (void)state;
    static uint8_t bytes[AY_SMT_MAX_PROOF_BYTES + 1], again[AY_SMT_MAX_PROOF_BYTES];
    static struct ay_smt_proof back;
    for (int end = 0; end < AY_SMT_END_COUNT; end++) {
        for (unsigned depth = 0; depth <= AY_SMT_MAX_DEPTH; depth += 64) {
            memset(&proof, 0, sizeof proof);
            proof.end = (enum ay_smt_end)end;
            proof.depth = (uint16_t)depth;
            for (unsigned d = 0; d < depth; d++) memset(proof.siblings[d], (int)d + 1, 32);
            if (end == AY_SMT_OTHER) memset(proof.other_key, 0xaa, 64);
            uint32_t len = ay_smt_encode(&proof, bytes);
            assert_int_equal(ay_smt_decode(ay_slice(bytes, len), &back), AY_OK);
            assert_memory_equal(&back, &proof, sizeof back);
            assert_int_equal(ay_smt_encode(&back, again), len);
            assert_memory_equal(again, bytes, len);
            assert_int_equal(ay_smt_decode(ay_slice(bytes, len + 1), &back), AY_E_FORMAT);
            assert_int_equal(ay_smt_decode(ay_slice(bytes, len - 1), &back), AY_E_FORMAT);
        }
    }
    bytes[0] = AY_SMT_END_COUNT;
    assert_int_equal(ay_smt_decode(ay_slice(bytes, 3), &back), AY_E_FORMAT);
    assert_int_equal(ay_smt_decode((struct ay_slice){0}, &back), AY_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smt_members_verify_with_their_own_value_only),
        cmocka_unit_test(test_smt_absence_of_a_member_cannot_be_forged),
        cmocka_unit_test(test_smt_small_trees_prove_absence),
        cmocka_unit_test(test_smt_wire_form_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
