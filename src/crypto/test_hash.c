/* Known answers for hashes, signatures and addresses; sources are named at each. */
#include "crypto/bech32.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/secp256k1.h"
#include "crypto/testing.h"

#include <pthread.h>

static void test_hash_standard_inputs_give_standard_digests(void **state)
{
    (void)state;
    uint8_t out[64];
    ay_sha256(ay_slice_str("abc"), out); /* FIPS 180-4 */
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ay_sha256((struct ay_slice){0}, out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ay_sha512(ay_slice_str("abc"), out);
    assert_hex(out, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    ay_ripemd160(ay_slice_str("abc"), out); /* the paper's appendix */
    assert_hex(out, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    ay_hmac_sha512(ay_slice_str("Jefe"), ay_slice_str("what do ya want for nothing?"), out);
    assert_hex(out,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" /* RFC 4231 */
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

static void test_hash_pieces_equal_the_whole(void **state)
{
    (void)state;
    uint8_t whole[32], out[32];
    ay_sha256(ay_slice_str("abcdef"), whole);
    const struct ay_slice parts[] = {ay_slice_str("ab"), ay_slice_str(""), ay_slice_str("cdef")};
    ay_sha256_parts(parts, 3, out);
    assert_memory_equal(out, whole, 32);
    ay_sha256_long(ay_slice_str("abc"), "def", 3, out);
    assert_memory_equal(out, whole, 32);

    struct ay_sha256_stream *stream = ay_sha256_begin();
    ay_sha256_update(stream, "abc", 3);
    ay_sha256(ay_slice_str("between"), out); /* the thread's own context does not disturb it */
    ay_sha256_update(stream, "def", 3);
    ay_sha256_final(stream, out);
    assert_memory_equal(out, whole, 32);
    ay_sha256_final(ay_sha256_begin(), NULL);
}

static void *hash_many(void *out)
{
    for (int i = 0; i < 1000; i++) ay_sha256(ay_slice_str("abc"), out);
    return NULL;
}

static void test_hash_threads_do_not_share_a_context(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint8_t out[4][32];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_many, out[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_hex(out[i], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

/* What CosmJS 0.39 signs for this key and these bytes (SignDoc of a MsgSend, with and without
 * memo). */
static const struct {
    const char *hash, *sig;
} cosmjs[] = {
    {"c26cd1e5ff22210479868e5c23f04988e3dcdb7c36121091638d56b85ca1fc03",
     "1cbbd4e03556408f55e0f2eb1c8474a05cc4ec57a9d07d56b03509c5bcec4561"
     "0f00cbc6f0ae177d6f4d8bbc453d06af37544b45e37630759bca66a260375be9"},
    {"e41f445b199693bbdc314d3bc22f7558685107339d398145d51fe2204b02d186",
     "ed6f45e1f43116931df48a18d8c43d0842be0c0ea3c6e5e760f26d89db33d516"
     "7695dc74fce08633f766db1ca633481ab3ce122d508bf2f55c347d87cddeb50d"},
};
static const char seckey_hex[] = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104";
static const char pubkey_hex[] =
    "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62";

static void test_secp256k1_sign_equals_what_cosmjs_signs(void **state)
{
    (void)state;
    uint8_t seckey[32], pubkey[33], hash[32], sig[64];
    from_hex(seckey_hex, seckey);
    assert_int_equal(ay_secp256k1_pubkey(seckey, pubkey), AY_OK);
    assert_hex(pubkey, pubkey_hex);
    for (int i = 0; i < 2; i++) {
        from_hex(cosmjs[i].hash, hash);
        assert_int_equal(ay_secp256k1_sign(seckey, hash, sig), AY_OK);
        assert_hex(sig, cosmjs[i].sig);
        assert_int_equal(ay_secp256k1_verify(pubkey, hash, sig), AY_OK);
    }
}

static void test_secp256k1_verify_refuses_every_flipped_bit(void **state)
{
    (void)state;
    uint8_t pubkey[33], hash[32], sig[64];
    from_hex(pubkey_hex, pubkey);
    from_hex(cosmjs[0].hash, hash);
    from_hex(cosmjs[0].sig, sig);
    for (int bit = 0; bit < 512; bit++) {
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ay_secp256k1_verify(pubkey, hash, sig), AY_E_UNAUTHORIZED);
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (int bit = 0; bit < 256; bit++) {
        hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ay_secp256k1_verify(pubkey, hash, sig), AY_E_UNAUTHORIZED);
        hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* n - s verifies in textbook ECDSA: it would give one transaction two hashes. */
static void test_secp256k1_verify_refuses_high_s(void **state)
{
    (void)state;
    uint8_t pubkey[33], hash[32], sig[64], order[32];
    from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", order);
    from_hex(pubkey_hex, pubkey);
    from_hex(cosmjs[0].hash, hash);
    from_hex(cosmjs[0].sig, sig);
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int d = order[i] - sig[32 + i] - borrow;
        borrow = d < 0;
        sig[32 + i] = (uint8_t)d;
    }
    assert_int_equal(ay_secp256k1_verify(pubkey, hash, sig), AY_E_UNAUTHORIZED);
}

static void test_secp256k1_bad_keys_are_refused(void **state)
{
    (void)state;
    uint8_t zero[32] = {0}, order[32], pubkey[33], hash[32] = {1}, sig[64];
    from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", order);
    assert_int_equal(ay_secp256k1_pubkey(zero, pubkey), AY_E_KEY);
    assert_int_equal(ay_secp256k1_pubkey(order, pubkey), AY_E_KEY);
    assert_int_equal(ay_secp256k1_sign(zero, hash, sig), AY_E_KEY);
    from_hex(cosmjs[0].sig, sig);
    from_hex(pubkey_hex, pubkey);
    assert_int_equal(ay_secp256k1_check_pubkey(pubkey), AY_OK);
    pubkey[0] = 4;
    assert_int_equal(ay_secp256k1_check_pubkey(pubkey), AY_E_PUBKEY);
    assert_int_equal(ay_secp256k1_verify(pubkey, hash, sig), AY_E_PUBKEY);
    memset(pubkey + 1, 0xff, 32);
    pubkey[0] = 2;
    assert_int_equal(ay_secp256k1_check_pubkey(pubkey), AY_E_PUBKEY);
}

static void test_ed25519_commit_signature_of_a_real_chain_verifies(void **state)
{
    (void)state;
    /* CometBFT 0.38.22: vote sign bytes of a block and its only validator's signature. */
    uint8_t pubkey[32], sig[64], msg[114];
    from_hex("dbaa0909932be2f63c5e1e44f19f2ff13c9f03f93f39ca0665aeeffcc70da38f", pubkey);
    from_hex("3eb67ceef8c246984564579103b2b7170e94928b898750e8e6d7d10cd00d454a"
             "a56b54c2c00331e7bd2617c7fd7b7858586da8e4ad645b2c9885030dbbe9d900",
             sig);
    from_hex("71080211150000000000000022480a206a5d9edefb14f5da96deb4441546549ca9a4d36c339e8f41c68c"
             "c217e75b07de122408011220d516cb5862adb6b0fc5106f52e1a48b23291aef7d156b7a2e8495f29a1d0"
             "c7992a0c08dcdc92d8061081b1eb9a03320c61737361792d746573742d31",
             msg);
    assert_int_equal(ay_ed25519_verify(pubkey, AY_SLICE_OF(msg), sig), AY_OK);
    msg[5] ^= 1;
    assert_int_equal(ay_ed25519_verify(pubkey, AY_SLICE_OF(msg), sig), AY_E_UNAUTHORIZED);
}

static void test_ed25519_sign_equals_rfc_8032(void **state)
{
    (void)state;
    uint8_t seed[32], pubkey[32], sig[64]; /* section 7.1, test 2 */
    from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed);
    ay_ed25519_pubkey(seed, pubkey);
    assert_hex(pubkey, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    ay_ed25519_sign(seed, ay_slice("\x72", 1), sig);
    assert_hex(sig, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

static void test_address_text_equals_cosmjs_and_returns(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } known[] = {
        {"28ff5c6d57d8cfd492b6fb42614536ed648e01fd",
         "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38"},
        {"0101010101010101010101010101010101010101",
         "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw"},
    };
    uint8_t pubkey[33], address[20];
    from_hex(pubkey_hex, pubkey);
    ay_address_of(pubkey, address);
    assert_hex(address, known[0].hex);
    for (int i = 0; i < 2; i++) {
        char text[AY_ADDRESS_TEXT_CHARS + 1];
        from_hex(known[i].hex, address);
        ay_address_encode(address, text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(ay_address_decode(ay_slice_str(text), address), AY_OK);
        assert_hex(address, known[i].hex);
    }
}

static void test_address_any_wrong_character_is_refused(void **state)
{
    (void)state;
    char text[] = "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38";
    uint8_t address[20];
    for (uint32_t i = 0; i < sizeof text - 1; i++) {
        char right = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            if (text[i] != right)
                assert_int_equal(ay_address_decode(ay_slice(text, 44), address), AY_E_ADDRESS);
        }
        text[i] = right;
        assert_int_equal(ay_address_decode(ay_slice(text, i), address), AY_E_ADDRESS);
    }
    assert_int_equal(
        ay_address_decode(ay_slice_str("cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"), address),
        AY_E_ADDRESS);
    assert_int_equal(
        ay_address_decode(ay_slice_str("ASSAY19RL4CM2HMR8AFY4KLDPXZ3FKA4JGUQ0AQYLY38"), address),
        AY_E_ADDRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_standard_inputs_give_standard_digests),
        cmocka_unit_test(test_hash_pieces_equal_the_whole),
        cmocka_unit_test(test_hash_threads_do_not_share_a_context),
        cmocka_unit_test(test_secp256k1_sign_equals_what_cosmjs_signs),
        cmocka_unit_test(test_secp256k1_verify_refuses_every_flipped_bit),
        cmocka_unit_test(test_secp256k1_verify_refuses_high_s),
        cmocka_unit_test(test_secp256k1_bad_keys_are_refused),
        cmocka_unit_test(test_ed25519_commit_signature_of_a_real_chain_verifies),
        cmocka_unit_test(test_ed25519_sign_equals_rfc_8032),
        cmocka_unit_test(test_address_text_equals_cosmjs_and_returns),
        cmocka_unit_test(test_address_any_wrong_character_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
