/* Recovery phrases, derivation and the keystore. */
#include "crypto/bech32.h"
#include "crypto/hash.h"
#include "crypto/keystore.h"
#include "crypto/secp256k1.h"
#include "crypto/testing.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char abandon[] =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
    "abandon about";

static void test_mnemonic_words_are_the_published_list(void **state)
{
    (void)state;
    struct ay_sha256_stream *stream = ay_sha256_begin();
    uint8_t hash[32];
    for (int i = 0; i < AY_MNEMONIC_WORDS; i++) {
        ay_sha256_update(stream, ay_mnemonic_words[i], strlen(ay_mnemonic_words[i]));
        ay_sha256_update(stream, "\n", 1);
        if (i) assert_true(strcmp(ay_mnemonic_words[i - 1], ay_mnemonic_words[i]) < 0);
    }
    ay_sha256_final(stream, hash);
    assert_hex(hash, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

/* trezor/python-mnemonic vectors.json: entropy and words. */
static void test_mnemonic_known_entropy_gives_known_words_and_returns(void **state)
{
    (void)state;
    static const struct {
        const char *entropy, *words;
    } known[] = {
        {"00000000000000000000000000000000", abandon},
        {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
         "legal winner thank year wave sausage worth useful legal winner thank yellow"},
        {"808080808080808080808080808080808080808080808080",
         "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount "
         "doctor "
         "acoustic avoid letter always"},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
         "zoo vote"},
        {"f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
         "void come effort suffer camp survey warrior heavy shoot primary clutch crush open "
         "amazing screen "
         "patrol group space point ten exist slush involve unfold"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t entropy[32], back[32];
        uint32_t len = (uint32_t)strlen(known[i].entropy) / 2, back_len;
        char words[AY_MNEMONIC_MAX_CHARS + 1];
        from_hex(known[i].entropy, entropy);
        assert_int_equal(ay_mnemonic_encode(ay_slice(entropy, len), words), AY_OK);
        assert_string_equal(words, known[i].words);
        assert_int_equal(ay_mnemonic_decode(ay_slice_str(words), back, &back_len), AY_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, entropy, len);
    }
}

static void test_mnemonic_bad_phrases_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "abandon",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "abandon",
        "Abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "about",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "ab\xc3\xb6ut",
        "abandonabandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "about",
    };
    uint8_t entropy[32];
    uint32_t len;
    char words[AY_MNEMONIC_MAX_CHARS + 1], longer[30 * 5] = "";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ay_mnemonic_decode(ay_slice_str(bad[i]), entropy, &len), AY_E_FORMAT);
    for (int i = 0; i < 27; i++) strcat(longer, "zoo ");
    assert_int_equal(ay_mnemonic_decode(ay_slice_str(longer), entropy, &len), AY_E_FORMAT);
    assert_int_equal(ay_mnemonic_encode(ay_slice(entropy, 17), words), AY_E_RANGE);
    assert_int_equal(ay_mnemonic_encode(ay_slice(entropy, 12), words), AY_E_RANGE);
    assert_int_equal(
        ay_mnemonic_decode(ay_slice_str("  abandon abandon\tabandon abandon abandon abandon abandon"
                                        "\nabandon abandon abandon  abandon about \n"),
                           entropy, &len),
        AY_OK);
}

static void test_account_of_a_phrase_equals_cosmjs(void **state)
{
    (void)state;
    struct ay_secret *secret = ay_secret_new();
    uint8_t pubkey[33], address[20];
    char text[AY_ADDRESS_TEXT_CHARS + 1], words[AY_MNEMONIC_MAX_CHARS + 1];
    assert_non_null(secret);
    assert_int_equal(ay_secret_recover(secret, ay_slice_str(abandon)), AY_OK);
    assert_hex(secret->seckey, "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104");
    assert_int_equal(ay_secret_pubkey(secret, pubkey), AY_OK);
    assert_hex(pubkey, "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62");
    ay_address_of(pubkey, address);
    ay_address_encode(address, text);
    assert_string_equal(text, "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38");
    assert_int_equal(ay_secret_words(secret, words), AY_OK);
    assert_string_equal(words, abandon);
    ay_secret_free(secret);
}

static void test_bip32_known_chain_gives_known_keys(void **state)
{
    (void)state;
    /* BIP-32 test vector 1: m, m/0', m/0'/1, m/0'/1/2' ... as raw keys of the xprv's given there.
     */
    static const uint32_t path[] = {1u << 31, 1, 2 | 1u << 31, 2, 1000000000};
    static const char *const keys[] = {
        "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35",
        "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea",
        "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368",
        "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca",
        "0f479245fb19a38a1954c5c7c0ebab2f9bdfd96a17563ef28a6a4b1a2a764ef4",
        "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8"};
    uint8_t seed[16], seckey[32];
    from_hex("000102030405060708090a0b0c0d0e0f", seed);
    for (uint32_t depth = 0; depth <= 5; depth++) {
        assert_int_equal(ay_bip32_derive(AY_SLICE_OF(seed), path, depth, seckey), AY_OK);
        assert_hex(seckey, keys[depth]);
    }
}

/* ---- keystore ---- */

static enum ay_code answer(void *self, const char *name, bool fresh, char *out, uint32_t *len)
{
    (void)name, (void)fresh;
    *len = (uint32_t)strlen(self);
    memcpy(out, self, *len);
    return AY_OK;
}
static enum ay_code decline(void *self, const char *name, bool fresh, char *out, uint32_t *len)
{
    (void)self, (void)name, (void)fresh, (void)out, (void)len;
    return AY_E_INTERRUPTED;
}
static char right_text[] = "correct horse", wrong_text[] = "correct mouse", empty_text[] = "";
static const struct ay_passphrase right = {right_text, answer}, wrong = {wrong_text, answer},
                                  empty = {empty_text, answer}, none = {NULL, decline};
static char folder[64], file[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ay_keys_XXXXXX");
    (void)snprintf(file, sizeof file, "%s/keys/alice.key", mkdtemp(folder));
    strcat(folder, "/keys");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    struct ay_key_info infos[8];
    uint32_t count;
    if (chmod(folder, 0700) == 0 && ay_keystore_list(folder, infos, 8, &count) == AY_OK)
        while (count--)
            if (ay_keystore_remove(folder, infos[count].name) != AY_OK) return -1;
    unlink(file);
    rmdir(folder);
    folder[strlen(folder) - 5] = 0;
    return rmdir(folder);
}

static void test_keystore_key_returns_and_lists(void **state)
{
    (void)state;
    struct ay_secret *made = ay_secret_new(), *got = ay_secret_new();
    struct ay_key_info infos[2];
    struct stat st;
    uint32_t count;
    assert_int_equal(ay_keystore_list(folder, infos, 2, &count), AY_OK);
    assert_int_equal(count, 0);
    assert_int_equal(ay_secret_generate(made), AY_OK);
    assert_int_equal(ay_keystore_add(folder, "alice", made, &right), AY_OK);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ay_keystore_open(folder, "alice", &right, got), AY_OK);
    assert_memory_equal(got, made, sizeof *got);
    assert_int_equal(ay_keystore_open(folder, "alice", &wrong, got), AY_E_KEY);
    assert_int_equal(ay_keystore_open(folder, "alice", &empty, got), AY_E_KEY);
    assert_int_equal(ay_keystore_open(folder, "alice", &none, got), AY_E_INTERRUPTED);
    assert_int_equal(ay_keystore_add(folder, "alice", made, &none), AY_E_EXISTS);

    char words[AY_MNEMONIC_MAX_CHARS + 1];
    ay_secret_generate_ed25519(made);
    assert_int_equal(ay_secret_words(made, words), AY_E_NOT_FOUND);
    assert_int_equal(ay_keystore_add(folder, "aaron", made, &empty), AY_OK);
    assert_int_equal(ay_keystore_open(folder, "aaron", &empty, got), AY_OK);
    assert_memory_equal(got->seckey, made->seckey, 32);
    assert_int_equal(ay_keystore_list(folder, infos, 1, &count), AY_E_LIMIT);
    assert_int_equal(ay_keystore_list(folder, infos, 2, &count), AY_OK);
    assert_int_equal(count, 2);
    assert_string_equal(infos[0].name, "aaron");
    assert_int_equal(infos[0].kind, AY_KEY_ED25519);
    assert_string_equal(infos[1].name, "alice");
    assert_int_equal(ay_keystore_remove(folder, "alice"), AY_OK);
    assert_int_equal(ay_keystore_open(folder, "alice", &right, got), AY_E_NOT_FOUND);
    ay_secret_free(made);
    ay_secret_free(got);
}

static void test_keystore_names_cannot_leave_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ".",
                                      "../x",
                                      "a/b",
                                      "A",
                                      "a.b",
                                      "\xc3\xa9",
                                      "-key with space",
                                      "a23456789012345678901234567890123"};
    struct ay_secret *secret = ay_secret_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ay_keystore_add(folder, bad[i], secret, &empty), AY_E_RANGE);
        assert_int_equal(ay_keystore_open(folder, bad[i], &empty, secret), AY_E_RANGE);
        assert_int_equal(ay_keystore_remove(folder, bad[i]), AY_E_RANGE);
    }
    ay_secret_free(secret);
}

static void rewrite(const uint8_t *bytes, size_t len)
{
    int fd = open(file, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

/* Any changed byte is refused: in the magic, kind, costs as FORMAT or KEY, elsewhere as KEY. */
static void test_keystore_changed_files_are_refused(void **state)
{
    (void)state;
    struct ay_secret *secret = ay_secret_new();
    uint8_t bytes[512];
    assert_int_equal(ay_secret_generate(secret), AY_OK);
    assert_int_equal(ay_keystore_add(folder, "alice", secret, &empty), AY_OK);
    int fd = open(file, O_RDONLY);
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_int_equal(len, 175);
    static const int at[] = {0,  12, 13, 45,  46,  47,  50,  54, 69,
                             70, 93, 94, 126, 127, 158, 159, 174};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        bytes[at[i]] ^= 3;
        rewrite(bytes, 175);
        enum ay_code code = ay_keystore_open(folder, "alice", &empty, secret);
        assert_true(code == AY_E_KEY || code == AY_E_FORMAT);
        bytes[at[i]] ^= 3;
    }
    for (size_t cut = 0; cut < 175; cut += 29) {
        rewrite(bytes, cut);
        assert_int_equal(ay_keystore_open(folder, "alice", &empty, secret), AY_E_FORMAT);
    }
    rewrite(bytes, 176);
    assert_int_equal(ay_keystore_open(folder, "alice", &empty, secret), AY_E_FORMAT);
    rewrite(bytes, 175);
    assert_int_equal(ay_keystore_open(folder, "alice", &empty, secret), AY_OK);
    ay_secret_free(secret);
}

static void test_keystore_open_to_others_is_refused(void **state)
{
    (void)state;
    struct ay_secret *secret = ay_secret_new();
    char link_path[128];
    assert_int_equal(ay_secret_generate(secret), AY_OK);
    assert_int_equal(ay_keystore_add(folder, "alice", secret, &empty), AY_OK);
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(ay_keystore_open(folder, "alice", &empty, secret), AY_E_STATE);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(ay_keystore_open(folder, "alice", &empty, secret), AY_E_STATE);
    assert_int_equal(ay_keystore_add(folder, "bob", secret, &empty), AY_E_STATE);
    assert_int_equal(chmod(folder, 0700), 0);
    (void)snprintf(link_path, sizeof link_path, "%s/linked.key", folder);
    assert_int_equal(symlink(file, link_path), 0);
    assert_int_equal(ay_keystore_open(folder, "linked", &empty, secret), AY_E_STATE);
    assert_int_equal(unlink(link_path), 0);
    ay_secret_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnemonic_words_are_the_published_list),
        cmocka_unit_test(test_mnemonic_known_entropy_gives_known_words_and_returns),
        cmocka_unit_test(test_mnemonic_bad_phrases_are_refused),
        cmocka_unit_test(test_account_of_a_phrase_equals_cosmjs),
        cmocka_unit_test(test_bip32_known_chain_gives_known_keys),
        cmocka_unit_test_setup_teardown(test_keystore_key_returns_and_lists, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_keystore_names_cannot_leave_the_folder, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_keystore_changed_files_are_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_keystore_open_to_others_is_refused, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
