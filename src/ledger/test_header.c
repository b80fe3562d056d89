/* Vectors of a real chain: header 22, its commit and results, as CometBFT 0.38 made them. */
#include "ledger/header.h"

#include "base/codec.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "crypto/testing.h"

static uint8_t memory[1 << 20] __attribute__((aligned(16)));
static struct ay_arena arena;

static int setup(void **state)
{
    (void)state;
    arena = ay_arena_over(memory, sizeof memory);
    return 0;
}

static struct ay_slice hex(const char *text)
{
    uint32_t len = (uint32_t)strlen(text) / 2;
    uint8_t *bytes = ay_arena_take(&arena, len, 1);
    assert_non_null(bytes);
    from_hex(text, bytes);
    return ay_slice(bytes, len);
}

#define EMPTY      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define VALIDATORS "8f98ea4218c084b4260f7f0f2a27831859ec54c0952922790a0ad58c5447356e"
#define CONSENSUS  "048091bc7ddc283f77bfbf91d73c44da58c3df8a9cbc867405d8b7f3daada22f"
#define ADDRESS    "3807e878f533256ff5e76b3d8a678ba404329ea6"
#define KEY        "dbaa0909932be2f63c5e1e44f19f2ff13c9f03f93f39ca0665aeeffcc70da38f"
#define SIGNATURE                                                                                  \
    "3eb67ceef8c246984564579103b2b7170e94928b898750e8e6d7d10cd00d454aa56b54c2c00331e7bd2617c7"     \
    "fd7b7858586da8e4ad645b2c9885030dbbe9d900"

static struct ay_tendermint_types_block_id last_id(void)
{
    return (struct ay_tendermint_types_block_id){
        .hash = hex("6a5d9edefb14f5da96deb4441546549ca9a4d36c339e8f41c68cc217e75b07de"),
        .has_part_set_header = true,
        .part_set_header = {
            1, hex("d516cb5862adb6b0fc5106f52e1a48b23291aef7d156b7a2e8495f29a1d0c799")}};
}

/* 08dcdc92d8061081b1eb9a03 */
static const struct ay_protobuf_timestamp header_time = {1795468892, 861591681};

static void test_header_hash_of_real_header_equals_cometbft(void **state)
{
    (void)state;
    struct ay_tendermint_types_header header = {
        .has_version = true,
        .version = {.block = 11},
        .chain_id = ay_slice_str("assay-test-1"),
        .height = 22,
        .has_time = true,
        .time = header_time,
        .has_last_block_id = true,
        .last_block_id = last_id(),
        .last_commit_hash = hex("968909345dd66291f37921693baa7108f8d5defe4675c41305bb885b365ff7ef"),
        .data_hash = hex("6432d16f67c4e4933cca4a6fe1ffeab9432a576e2f04c7e788a4a175aae93785"),
        .validators_hash = hex(VALIDATORS),
        .next_validators_hash = hex(VALIDATORS),
        .consensus_hash = hex(CONSENSUS),
        .app_hash = hex("11ebb82d50dd8c9cdd4d9374a9c253ab513317719a9cf9efe679ca832521ac22"),
        .last_results_hash =
            hex("b939cdc0f14875c592c082e04d8ecfc403aef14cc16bc51008aa9015a50b6e0d"),
        .evidence_hash = hex(EMPTY),
        .proposer_address = hex(ADDRESS),
    };
    uint8_t hash[32];
    assert_int_equal(ay_header_hash(&header, &arena, hash), AY_OK);
    assert_hex(hash, "6bf1ab65ee89dfa038f815f8d667477776631094029e1e7f676572173cfa8606");
    header.height++;
    assert_int_equal(ay_header_hash(&header, &arena, hash), AY_OK);
    assert_int_not_equal(hash[0] << 8 | hash[1], 0x6bf1);
}

static void test_header_of_first_block_has_the_empty_last_id(void **state)
{
    (void)state;
    struct ay_engine_header stored = {.height = 1, .time_ms = 1795468892861};
    struct ay_tendermint_types_header header = ay_header_of(&stored, 0);
    struct ay_slice bytes;
    assert_int_equal(
        ay_encode_arena(&ay_tendermint_types_block_id_msg, &header.last_block_id, &arena, &bytes),
        AY_OK);
    assert_int_equal(bytes.len, 2);
    assert_hex(bytes.data, "1200");
    assert_int_equal(header.time.seconds, 1795468892);
    assert_int_equal(header.time.nanos, 861000000);
    assert_hex(header.evidence_hash.data, EMPTY);
}

static void test_validators_hash_equals_cometbft(void **state)
{
    (void)state;
    struct ay_stake_validator validator = {.power = 10};
    uint8_t hash[32], address[20];
    from_hex(KEY, validator.pub_key);
    assert_int_equal(ay_header_validators_hash(&validator, 1, &arena, hash), AY_OK);
    assert_hex(hash, VALIDATORS);
    ay_validator_address(validator.pub_key, address);
    assert_hex(address, ADDRESS);
}

static void test_consensus_hash_equals_cometbft(void **state)
{
    (void)state;
    uint8_t hash[32];
    assert_int_equal(ay_header_consensus_hash(22020096, -1, &arena, hash), AY_OK);
    assert_hex(hash, CONSENSUS);
}

static void test_commit_and_vote_equal_cometbft(void **state)
{
    (void)state;
    struct ay_tendermint_types_commit_sig sig = {.block_id_flag = 2,
                                                 .validator_address = hex(ADDRESS),
                                                 .has_timestamp = true,
                                                 .timestamp = header_time,
                                                 .signature = hex(SIGNATURE)};
    struct ay_tendermint_types_commit commit = {
        .height = 21, .signatures = &sig, .signatures_count = 1};
    struct ay_tendermint_types_block_id id = last_id();
    struct ay_slice vote;
    uint8_t hash[32], key[32];
    assert_int_equal(ay_header_commit_hash(&commit, &arena, hash), AY_OK);
    assert_hex(hash, "968909345dd66291f37921693baa7108f8d5defe4675c41305bb885b365ff7ef");
    assert_int_equal(
        ay_header_vote_bytes(21, &id, header_time, ay_slice_str("assay-test-1"), &arena, &vote),
        AY_OK);
    assert_int_equal(vote.len, 0x72);
    assert_hex(vote.data,
               "71080211150000000000000022480a206a5d9edefb14f5da96deb4441546549ca9a4d36c33"
               "9e8f41c68cc217e75b07de122408011220d516cb5862adb6b0fc5106f52e1a48b23291aef7"
               "d156b7a2e8495f29a1d0c7992a0c08dcdc92d8061081b1eb9a03320c61737361792d746573"
               "742d31");
    from_hex(KEY, key);
    assert_int_equal(ay_ed25519_verify(key, vote, sig.signature.data), AY_OK);
}

static void test_vote_bytes_over_127_have_a_length_of_two(void **state)
{
    (void)state;
    struct ay_tendermint_types_block_id id = last_id();
    struct ay_slice vote;
    assert_int_equal(
        ay_header_vote_bytes(21, &id, header_time,
                             ay_slice_str("a-name-that-is-as-long-as-one-may-be-000000000-1"),
                             &arena, &vote),
        AY_OK);
    assert_true(vote.len > 130);
    assert_int_equal((vote.data[0] & 0x7fu) | (unsigned)vote.data[1] << 7, vote.len - 2);
}

static void test_results_hash_equals_cometbft(void **state)
{
    (void)state;
    struct ay_ledger_tx_result result = {
        .data =
            hex("12260a242f636f736d6f732e62616e6b2e763162657461312e4d736753656e64526573706f6e7365"),
        .log = ay_slice_str("not hashed"),
        .gas_wanted = 200000,
        .gas_used = 93241};
    uint8_t hash[32], want[32];
    struct ay_slice leaf =
        hex("122812260a242f636f736d6f732e62616e6b2e763162657461312e4d736753656e645265"
            "73706f6e736528c09a0c30b9d805");
    struct ay_merkle tree = {0};
    assert_int_equal(ay_header_results_hash(&result, 1, &arena, hash), AY_OK);
    ay_merkle_add(&tree, leaf);
    ay_merkle_root(&tree, want);
    assert_memory_equal(hash, want, 32);
    assert_int_equal(ay_header_results_hash(NULL, 0, &arena, hash), AY_OK);
    assert_hex(hash, EMPTY);
}

static void test_parts_are_64_kib_of_the_block(void **state)
{
    (void)state;
    struct ay_engine_header stored = {.height = 1};
    struct ay_tendermint_types_header header = ay_header_of(&stored, 0);
    struct ay_tendermint_types_commit none = {.has_block_id = true,
                                              .block_id = {.has_part_set_header = true}};
    static uint8_t big[100000];
    struct ay_slice tx = AY_SLICE_OF(big);
    uint8_t one[32], two[32];
    uint32_t parts;
    assert_int_equal(ay_header_parts(&header, NULL, 0, &none, &arena, &parts, one), AY_OK);
    assert_int_equal(parts, 1);
    assert_int_equal(ay_header_parts(&header, &tx, 1, &none, &arena, &parts, two), AY_OK);
    assert_int_equal(parts, 2);
    assert_memory_not_equal(one, two, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_header_hash_of_real_header_equals_cometbft, setup),
        cmocka_unit_test_setup(test_header_of_first_block_has_the_empty_last_id, setup),
        cmocka_unit_test_setup(test_validators_hash_equals_cometbft, setup),
        cmocka_unit_test_setup(test_consensus_hash_equals_cometbft, setup),
        cmocka_unit_test_setup(test_commit_and_vote_equal_cometbft, setup),
        cmocka_unit_test_setup(test_vote_bytes_over_127_have_a_length_of_two, setup),
        cmocka_unit_test_setup(test_results_hash_equals_cometbft, setup),
        cmocka_unit_test_setup(test_parts_are_64_kib_of_the_block, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
