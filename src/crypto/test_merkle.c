#include "crypto/merkle.h"
#include "crypto/hash.h"
#include "crypto/testing.h"

enum { MAX_LEAVES = 40 };
static uint8_t leaves[MAX_LEAVES][32];

static void fill_leaves(void)
{
    for (uint8_t i = 0; i < MAX_LEAVES; i++) ay_merkle_leaf(ay_slice(&i, 1), leaves[i]);
}

/* RFC 6962 section 2.1 word for word. */
static void by_definition(const uint8_t (*at)[32], uint64_t n, uint8_t out[32])
{
    uint8_t left[32], right[32];
    if (n == 0) return ay_sha256((struct ay_slice){0}, out);
    if (n == 1) return (void)memcpy(out, at[0], 32);
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    by_definition(at, k, left);
    by_definition(at + k, n - k, right);
    ay_merkle_node(left, right, out);
}

static void test_merkle_root_streamed_equals_the_definition(void **state)
{
    (void)state;
    for (uint64_t n = 0; n <= MAX_LEAVES; n++) {
        uint8_t want[32], got[32];
        by_definition(leaves, n, want);
        ay_merkle_root_of(leaves, n, got);
        assert_memory_equal(got, want, 32);
    }
}

static void test_merkle_root_of_known_trees(void **state)
{
    (void)state;
    /* certificate-transparency test vectors: inputs "", 00, 10, 2021, 3031, 40414243, ... */
    static const char *const inputs[] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct ay_merkle tree = {0};
    for (int i = 0; i < 8; i++) {
        uint8_t bytes[16], root[32];
        from_hex(inputs[i], bytes);
        ay_merkle_add(&tree, ay_slice(bytes, (uint32_t)strlen(inputs[i]) / 2));
        ay_merkle_root(&tree, root);
        assert_hex(root, roots[i]);
    }
}

/* Every range of every size: the proof holds, and no change to any part of it does. */
static void test_merkle_range_proofs_hold_and_mutations_fail(void **state)
{
    (void)state;
    uint8_t root[32], proof[AY_MERKLE_MAX_PROOF][32], mine[MAX_LEAVES][32];
    uint64_t ranges = 0;
    for (uint64_t n = 1; n <= 20; n++) {
        ay_merkle_root_of(leaves, n, root);
        for (uint64_t first = 0; first < n; first++) {
            for (uint64_t count = 1; first + count <= n; count++, ranges++) {
                size_t used = ay_merkle_prove(leaves, n, first, count, proof);
                memcpy(mine, leaves + first, 32 * count);
                assert_int_equal(ay_merkle_verify(root, n, first, count, mine, proof, used), AY_OK);
                for (size_t i = 0; i < used; i++) {
                    proof[i][i % 32] ^= 1;
                    assert_int_equal(ay_merkle_verify(root, n, first, count, mine, proof, used),
                                     AY_E_HASH);
                    proof[i][i % 32] ^= 1;
                }
                for (uint64_t i = 0; i < count; i++) {
                    mine[i][31] ^= 128;
                    assert_int_equal(ay_merkle_verify(root, n, first, count, mine, proof, used),
                                     AY_E_HASH);
                    mine[i][31] ^= 128;
                }
                assert_int_equal(ay_merkle_verify(root, n, first, count, mine, proof, used + 1),
                                 AY_E_HASH);
                if (used)
                    assert_int_equal(ay_merkle_verify(root, n, first, count, mine, proof, used - 1),
                                     AY_E_HASH);
                if (first + count < n)
                    assert_int_equal(ay_merkle_verify(root, n, first + 1, count, mine, proof, used),
                                     AY_E_HASH);
            }
        }
    }
    printf("%llu ranges\n", (unsigned long long)ranges);
}

static void test_merkle_verify_bad_ranges_are_refused(void **state)
{
    (void)state;
    uint8_t root[32] = {0};
    assert_int_equal(ay_merkle_verify(root, 8, 0, 0, leaves, leaves, 0), AY_E_RANGE);
    assert_int_equal(ay_merkle_verify(root, 8, 0, 9, leaves, leaves, 0), AY_E_RANGE);
    assert_int_equal(ay_merkle_verify(root, 8, 8, 1, leaves, leaves, 0), AY_E_RANGE);
    assert_int_equal(ay_merkle_verify(root, 8, UINT64_MAX, 1, leaves, leaves, 0), AY_E_RANGE);
    assert_int_equal(ay_merkle_verify(root, 0, 0, 1, leaves, leaves, 0), AY_E_RANGE);
    /* A tree of 2^64 - 1 leaves costs its depth, not its size. */
    uint8_t proof[AY_MERKLE_MAX_PROOF][32] = {{0}};
    assert_int_equal(ay_merkle_verify(root, UINT64_MAX, UINT64_MAX - 1, 1, leaves, proof, 64),
                     AY_E_HASH);
    assert_int_equal(ay_merkle_verify(root, UINT64_MAX, 12345, 1, leaves, proof, 3), AY_E_HASH);
}

static void test_merkle_fold_of_spans_gives_the_root(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= MAX_LEAVES; n++) {
        for (unsigned levels = 0; levels <= 8; levels++) {
            struct ay_merkle_span spans[256];
            uint8_t nodes[257][32], root[32], got[32];
            size_t count = ay_merkle_spans((struct ay_merkle_span){0, n}, levels, spans);
            uint64_t next = 0;
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(spans[i].first, next);
                next += spans[i].count;
                ay_merkle_root_of(leaves + spans[i].first, spans[i].count, nodes[i]);
            }
            assert_int_equal(next, n);
            ay_merkle_root_of(leaves, n, root);
            assert_int_equal(ay_merkle_fold(n, levels, nodes, count, got), AY_OK);
            assert_memory_equal(got, root, 32);
            assert_int_equal(ay_merkle_fold(n, levels, nodes, count + 1, got), AY_E_HASH);
        }
    }
}

static void test_tensor_root_binds_everything(void **state)
{
    (void)state;
    static float data[600];
    for (int i = 0; i < 600; i++) data[i] = (float)i;
    const uint32_t dims[][2] = {{20, 30}, {30, 20}, {600, 1}};
    uint8_t roots[5][32], leaf[3][32], merkle[32], bound[32];
    for (int i = 0; i < 3; i++)
        assert_int_equal(ay_tensor_root(1, 2, dims[i], data, 2400, roots[i]), AY_OK);
    assert_int_equal(ay_tensor_root(2, 2, dims[0], data, 2400, roots[3]), AY_OK);
    data[599] = 0;
    assert_int_equal(ay_tensor_root(1, 2, dims[0], data, 2400, roots[4]), AY_OK);
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++) assert_memory_not_equal(roots[i], roots[j], 32);

    /* By hand: three leaves, the last padded with zeros. */
    uint8_t padded[3 * 1024] = {0};
    memcpy(padded, data, 2400);
    for (int i = 0; i < 3; i++) ay_merkle_leaf(ay_slice(padded + 1024 * i, 1024), leaf[i]);
    ay_merkle_root_of(leaf, 3, merkle);
    const uint8_t head[] = {1, 2, 0, 0, 0, 20, 0, 0, 0, 30};
    const struct ay_slice parts[] = {ay_slice_str("assay/tensor/v1"), AY_SLICE_OF(head),
                                     AY_SLICE_OF(merkle)};
    ay_sha256_parts(parts, 3, bound);
    assert_memory_equal(bound, roots[4], 32);
}

static void test_tensor_root_refuses_what_has_two_forms(void **state)
{
    (void)state;
    uint32_t bits[4] = {0, 0x7fc00000, 0x7f800000, 0xff800000};
    const uint32_t dims[9] = {4, 1, 1, 1, 1, 1, 1, 1, 1}, wide[3] = {1u << 31, 1u << 31, 16};
    uint8_t root[32];
    assert_int_equal(ay_tensor_root(1, 1, dims, bits, 16, root), AY_OK);
    static const uint32_t odd[] = {0x7fc00001, 0xffc00000, 0x7f800001, 0xffffffff};
    for (int i = 0; i < 4; i++) {
        bits[3] = odd[i];
        assert_int_equal(ay_tensor_root(1, 1, dims, bits, 16, root), AY_E_FORMAT);
        assert_int_equal(ay_tensor_root(2, 1, dims, bits, 16, root), AY_OK);
    }
    assert_int_equal(ay_tensor_root(1, 1, dims, bits, 12, root), AY_E_RANGE);
    assert_int_equal(ay_tensor_root(1, 9, dims, bits, 16, root), AY_E_RANGE);
    assert_int_equal(ay_tensor_root(1, 3, wide, bits, 0, root), AY_E_RANGE);
    assert_int_equal(ay_tensor_root(7, 1, dims, bits, 16, root), AY_E_UNSUPPORTED);
    const uint32_t four[] = {4};
    const uint8_t truths[] = {0, 1, 1, 0}, untrue[] = {0, 1, 2, 0};
    assert_int_equal(ay_tensor_root(6, 1, four, truths, 4, root), AY_OK);
    assert_int_equal(ay_tensor_root(6, 1, four, untrue, 4, root), AY_E_FORMAT);
    assert_int_equal(ay_tensor_root(5, 1, four, untrue, 4, root), AY_OK);
    assert_int_equal(ay_tensor_root(4, 1, four, untrue, 4, root), AY_OK);
    assert_int_equal(ay_tensor_root(3, 1, four, bits, 16, root), AY_E_RANGE);
}

int main(void)
{
    fill_leaves();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merkle_root_streamed_equals_the_definition),
        cmocka_unit_test(test_merkle_root_of_known_trees),
        cmocka_unit_test(test_merkle_range_proofs_hold_and_mutations_fail),
        cmocka_unit_test(test_merkle_verify_bad_ranges_are_refused),
        cmocka_unit_test(test_merkle_fold_of_spans_gives_the_root),
        cmocka_unit_test(test_tensor_root_binds_everything),
        cmocka_unit_test(test_tensor_root_refuses_what_has_two_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
