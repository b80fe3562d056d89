/* The shapes that clients match literally, from a real engine on a new chain; one transaction,
 * whose bytes other software made (CosmJS, RFC 6979), goes all the way through. */
#include "net/json.h"
#include "net/node_server.h"
#include "net/testing.h"

#include "base/text.h"
#include "crypto/ed25519.h"
#include "ledger/genesis.h"
#include "ledger/header.h"

#include <ftw.h>

#define ALICE   "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38"
#define BOB     "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw"
#define TX_HASH "F0A50D7B14CDA2EF019CD728A50A43E03DAF6E4CCF15A4124F997B5C5AFB841C"
/* 1,000,000 nasy from ALICE to BOB, no fee, account number 0, sequence 0, on assay-test-1. */
static const char tx_hex[] =
    "0a90010a8d010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656e64126d0a2c617373617931"
    "39726c34636d32686d7238616679346b6c6470787a33666b61346a677571306171796c793338122c617373617931"
    "717971737a716770717971737a716770717971737a716770717971737a71677077686e3872771a0f0a046e617379"
    "12073130303030303012560a4e0a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b"
    "657912230a21024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b6212040a02080112"
    "0410c09a0c1a40ed6f45e1f43116931df48a18d8c43d0842be0c0ea3c6e5e760f26d89db33d5167695dc74fce086"
    "33f766db1ca633481ab3ce122d508bf2f55c347d87cddeb50d";

static struct {
    char folder[64];
    struct ay_genesis_genesis genesis;
    struct ay_genesis_account account;
    struct ay_stake_validator validator;
    struct ay_engine *engine;
    struct ay_node_server *server;
    char answer[1 << 16];
} t;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int start(void **state)
{
    struct ay_engine_options engine = {.genesis = &t.genesis,
                                       .data_path = t.folder,
                                       .validator_seed = {7},
                                       .mempool_txs = 100,
                                       .mempool_bytes = 1 << 20,
                                       .map_bytes = 1 << 26};
    char why[256];
    (void)state;
    snprintf(t.folder, sizeof t.folder, "/tmp/ay_node_XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    ay_genesis_defaults(&t.genesis, "assay-test-1", 1700000000000);
    ay_ed25519_pubkey(engine.validator_seed, t.validator.pub_key);
    t.validator.power = 10;
    memset(t.validator.operator, 3, sizeof t.validator.operator);
    t.account = (struct ay_genesis_account){ay_slice_str(ALICE), 5000000};
    t.genesis.bank.accounts = &t.account;
    t.genesis.bank.accounts_count = 1;
    t.genesis.stake.validators = &t.validator;
    t.genesis.stake.validators_count = 1;
    assert_code(ay_engine_open(&engine, &t.engine, why), AY_OK);
    struct ay_node_server_options options = {.engine = t.engine,
                                             .moniker = "tester",
                                             .min_gas_price = "0.025nasy",
                                             .version = "0.1.0",
                                             .validator_power = 10,
                                             .genesis = &t.genesis};
    memcpy(options.validator_pub_key, t.validator.pub_key, 32);
    assert_code(ay_node_server_start(&options, &t.server), AY_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ay_engine_stop(t.engine);
    ay_node_server_stop(t.server);
    ay_engine_close(t.engine);
    return nftw(t.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The body of the answer; the status line must begin with `status`. */
static const char *ask(const char *status, const char *method, const char *path, const char *body)
{
    char request[8192];
    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
             "%s",
             method, path, strlen(body), body);
    test_ask(ay_node_server_port(t.server), request, t.answer, sizeof t.answer);
    assert_status(t.answer, status);
    const char *at = strstr(t.answer, "\r\n\r\n");
    assert_non_null(at);
    return at + 4;
}

static const char *get(const char *path)
{
    return ask("200", "GET", path, "");
}

static void assert_has(const char *answer, const char *part)
{
    if (!strstr(answer, part)) fail_msg("no %s in %s", part, answer);
}

/* Everything but what changes from run to run, which is read from the answer and put in. */
static void test_status_of_a_new_chain_has_every_member_filled(void **state)
{
    (void)state;
    json_t *root = json_loads(get("/status"), 0, NULL);
    assert_non_null(root);
    const char *hash, *app, *root_before, *time, *network, *version, *key;
    json_int_t id;
    assert_int_equal(
        json_unpack(root, "{s:I, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:{s:s}}}}", "id", &id,
                    "result", "node_info", "network", &network, "version", &version, "sync_info",
                    "latest_block_hash", &hash, "latest_app_hash", &app, "latest_block_time", &time,
                    "earliest_app_hash", &root_before, "validator_info", "pub_key", "value", &key),
        0);
    assert_int_equal(id, -1);
    assert_string_equal(network, "assay-test-1");
    assert_true(!strncmp(version, "0.38.", 5));
    assert_int_equal(strlen(hash), 64);
    assert_int_equal(strlen(app), 64);
    assert_string_not_equal(app, root_before);
    assert_string_not_equal(app,
                            "0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(time[strlen(time) - 1], 'Z');
    assert_int_equal(strlen(key), 44);
    json_decref(root);
}

static void test_block_one_is_shown_as_comet_shows_it(void **state)
{
    static const char empty[] = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
    char expected[256];
    (void)state;
    const char *body = get("/block?height=1");
    assert_has(body, "\"version\":{\"block\":\"11\",\"app\":\"1\"},\"chain_id\":\"assay-test-1\","
                     "\"height\":\"1\",\"time\":\"");
    snprintf(expected, sizeof expected,
             "\"last_block_id\":{\"hash\":\"\",\"parts\":{\"total\":0,\"hash\":\"\"}},"
             "\"last_commit_hash\":\"%s\",\"data_hash\":\"%s\"",
             empty, empty);
    assert_has(body, expected);
    assert_has(body, "\"data\":{\"txs\":[]},\"evidence\":{\"evidence\":[]},\"last_commit\":{"
                     "\"height\":\"0\",\"round\":0,\"block_id\":{\"hash\":\"\",\"parts\":{"
                     "\"total\":0,\"hash\":\"\"}},\"signatures\":[]}}}}");
    assert_has(get("/block_results?height=1"),
               "\"result\":{\"height\":\"1\",\"txs_results\":null,\"finalize_block_events\":null,"
               "\"validator_updates\":null,\"consensus_param_updates\":null,\"app_hash\":\"");
    assert_has(get("/validators"), "\"voting_power\":\"10\",\"proposer_priority\":\"0\"}],"
                                   "\"count\":\"1\",\"total\":\"1\"}}");
    assert_has(get("/tx_search?query=\"tx.height=1\""), "{\"txs\":[],\"total_count\":\"0\"}");
}

static void test_refusals_carry_the_texts_that_clients_match(void **state)
{
    static const struct {
        const char *status, *method, *path, *body, *answer;
    } cases[] = {
        {"500", "GET", "/block?height=999999", "",
         "{\"jsonrpc\":\"2.0\",\"id\":-1,\"error\":{\"code\":-32603,\"message\":\"Internal error\","
         "\"data\":\"height 999999 must be less than or equal to the current blockchain height "},
        {"500", "GET", "/block?height=-1", "", "\"height must be greater than 0, but got -1\""},
        {"500", "GET", "/tx?hash=0x00", "", "\"data\":\"tx (00) not found\""},
        {"500", "GET", "/tx_search?query=\"tx.height=1\"&page=2", "",
         "\"page should be within [1, 1] range, given 2\""},
        {"404", "GET", "/nothing", "", "404 page not found"},
        {"200", "POST", "/",
         "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"abci_query\",\"params\":{\"path\":\"/x\","
         "\"data\":\"\",\"prove\":false}}",
         "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"response\":{\"code\":6,\"log\":"
         "\"unknown query path: unknown request\",\"info\":\"\",\"index\":\"0\",\"key\":null,"
         "\"value\":null,\"proofOps\":null,\"height\":\""},
        {"200", "POST", "/",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":"
         "\"AA==\"}}",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"code\":2,\"data\":\"\",\"log\":\""},
        {"404", "GET", "/cosmos/auth/v1beta1/accounts/" BOB, "",
         "{\"code\":5,\"message\":\"account " BOB " not found\",\"details\":[]}"},
        {"400", "GET", "/cosmos/auth/v1beta1/accounts/nonsense", "", "\"code\":3,\"message\":"},
        {"400", "GET", "/assay/job/v1/jobs/x", "", "id: expects "},
        {"501", "GET", "/cosmos/staking/v1beta1/delegations/" ALICE, "",
         "{\"code\":12,\"message\":\"Not Implemented\",\"details\":[]}"},
        {"404", "GET", "/cosmos/tx/v1beta1/txs/" TX_HASH, "", "tx not found: " TX_HASH},
        {"400", "GET", "/cosmos/base/tendermint/v1beta1/blocks/0", "", "height"},
        {"400", "POST", "/cosmos/tx/v1beta1/txs", "{\"tx_bytes\":\"\"}", "tx_bytes is empty"},
        {"400", "POST", "/cosmos/tx/v1beta1/simulate", "{", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_has(ask(cases[i].status, cases[i].method, cases[i].path, cases[i].body),
                   cases[i].answer);
}

static void test_transaction_from_cosmjs_is_committed_and_found(void **state)
{
    char request[2048], base64[1024];
    uint8_t bytes[512];
    uint32_t len;
    struct ay_text text = ay_text_over(base64, sizeof base64);
    (void)state;
    assert_code(ay_parse_hex(ay_slice_str(tx_hex), bytes, sizeof bytes, &len), AY_OK);
    ay_text_base64(&text, ay_slice(bytes, len));
    snprintf(
        request, sizeof request,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_commit\",\"params\":[\"%s\"]}",
        base64);
    const char *body = ask("200", "POST", "/", request);
    assert_has(body,
               "\"result\":{\"check_tx\":{\"code\":0,\"data\":null,\"log\":\"\",\"info\":\"\","
               "\"gas_wanted\":\"200000\"");
    assert_has(body, "\"tx_result\":{\"code\":0,\"data\":\"EiYKJC9jb3Ntb3MuYmFuay52MWJldGExLk1z"
                     "Z1NlbmRSZXNwb25zZQ==\",\"log\":\"\"");
    assert_has(body, "\"hash\":\"" TX_HASH "\",\"height\":\"");
    assert_has(ask("200", "POST", "/", request), "\"data\":\"tx already exists in cache\"");

    body = get("/tx?hash=0x" TX_HASH "&prove=true");
    assert_has(body, "\"result\":{\"hash\":\"" TX_HASH "\",\"height\":\"");
    assert_has(body, "\"proof\":{\"total\":\"1\",\"index\":\"0\",\"leaf_hash\":\"");
    assert_has(get("/tx_search?query=\"transfer.recipient='" BOB "'\""), "\"total_count\":\"1\"");
    assert_has(get("/tx_search?query=\"transfer.recipient='" ALICE "'\""), "\"total_count\":\"0\"");
    assert_has(get("/cosmos/tx/v1beta1/txs/" TX_HASH),
               "{\"tx\":{\"body\":{\"messages\":[{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\"");
    assert_has(get("/cosmos/bank/v1beta1/balances/" BOB "/by_denom?denom=nasy"),
               "{\"balance\":{\"denom\":\"nasy\",\"amount\":\"1000000\"}}");
    assert_has(get("/metrics"), "\nassay_mempool_txs 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_of_a_new_chain_has_every_member_filled),
        cmocka_unit_test(test_block_one_is_shown_as_comet_shows_it),
        cmocka_unit_test(test_refusals_carry_the_texts_that_clients_match),
        cmocka_unit_test(test_transaction_from_cosmjs_is_committed_and_found),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
