#include "cli/cli.h"

#include "base/gen/genesis.h"
#include "base/math.h"
#include "cli/options.h"
#include "crypto/ed25519.h"
#include "engine/engine.h"
#include "net/json.h"
#include "net/http_server.h"
#include "net/json_read.h"
#include "net/node_server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_GENESIS_BYTES (64u << 20)
#define MAX_ORIGINS       16

static const char usage[] =
    "usage: assay start\n"
    "Runs the node of the home folder that `assay init` made, until SIGINT or SIGTERM: makes "
    "blocks,\n"
    "answers JSON-RPC, REST and websocket clients, and keeps blobs, all on rpc.address of\n"
    "HOME/config/config.toml.\n";

/* A whole file; the caller frees. AY_E_LIMIT above max bytes. */
static enum ay_code read_file(const char *name, size_t max, char **out, size_t *len)
{
    char path[PATH_MAX];
    struct stat st;
    AY_TRY(ay_cli_path(path, name));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO;
    enum ay_code code = AY_OK;
    char *text = NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) code = AY_E_IO;
    if (code == AY_OK && (uint64_t)st.st_size > max) code = AY_E_LIMIT;
    if (code == AY_OK && !(text = malloc((size_t)st.st_size + 1))) code = AY_E_MEMORY;
    if (code == AY_OK && read(fd, text, (size_t)st.st_size) != st.st_size) code = AY_E_IO;
    close(fd);
    if (code != AY_OK) {
        free(text);
        return code;
    }
    text[st.st_size] = 0;
    *out = text;
    *len = (size_t)st.st_size;
    return AY_OK;
}

static int load_genesis(struct ay_arena *arena, struct ay_genesis_genesis *genesis)
{
    char *text, reason[256] = "";
    size_t len;
    json_t *json;
    enum ay_code code = read_file("config/genesis.json", MAX_GENESIS_BYTES, &text, &len);
    if (code == AY_E_NOT_FOUND)
        return ay_cli_fail(code, "there is no network in %s; assay init makes one", ay_cli.home);
    if (code != AY_OK) return ay_cli_fail(code, "%s/config/genesis.json", ay_cli.home);
    code = ay_json_parse(ay_slice(text, (uint32_t)len), &json, reason, sizeof reason);
    free(text);
    if (code == AY_OK) {
        struct ay_text why = ay_text_over(reason, sizeof reason);
        code = ay_json_read(&ay_genesis_genesis_msg, json, arena, genesis, &why);
        json_decref(json);
    }
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s/config/genesis.json: %s", ay_cli.home, reason);
}

static int load_validator(uint8_t seed[32])
{
    char *text;
    size_t len;
    uint32_t n = 0;
    enum ay_code code = read_file("config/validator.key", 128, &text, &len);
    if (code == AY_OK) {
        if (len && text[len - 1] == '\n') len--;
        code = ay_parse_hex(ay_slice(text, (uint32_t)len), seed, 32, &n);
        explicit_bzero(text, len);
        free(text);
    }
    if (code == AY_OK && n != 32) code = AY_E_FORMAT;
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s/config/validator.key", ay_cli.home);
}

/* Waits for a signal or for the engine to stop by itself. */
static enum ay_code run(struct ay_engine *engine)
{
    struct ay_engine_tip tip;
    while (!ay_cli_stop) {
        ay_engine_tip(engine, &tip);
        enum ay_code code = ay_engine_wait_block(engine, tip.height, 500);
        if (code != AY_OK && code != AY_E_TIMEOUT) return code;
    }
    return AY_OK;
}

struct node {
    struct ay_config config;
    uint64_t min_price_nano;
    struct ay_genesis_genesis genesis;
    struct ay_engine *engine;
    struct ay_blob_store *blobs;
    struct ay_node_server *server;
    char host[AY_MAX_CONFIG_TEXT];
    uint16_t port;
    const char *origins[MAX_ORIGINS + 1];
};

static int split_origins(char *list, const char *origins[MAX_ORIGINS + 1])
{
    uint32_t n = 0;
    for (char *at = strtok(list, ", "); at; at = strtok(NULL, ", ")) {
        if (n == MAX_ORIGINS)
            return ay_cli_fail(AY_E_LIMIT, "rpc.cors_origins names more than %d", MAX_ORIGINS);
        origins[n++] = at;
    }
    origins[n] = NULL;
    return 0;
}

static int gas_price(const char *text, uint64_t *nano)
{
    uint64_t num, den;
    if (ay_gas_price_parse(text, &num, &den) == AY_OK &&
        ay_mul_div(num, 1000000000, den, AY_CEIL, nano) == AY_OK)
        return 0;
    return ay_cli_fail(AY_E_FORMAT, "node.min_gas_price looks like 0.025nasy, not %s", text);
}

static const char *rpc_key(const struct node *node)
{
    return node->config.rpc_key[0] ? node->config.rpc_key : NULL;
}

/* The settings as what they mean, before anything is made of them. */
static int read_settings(struct node *node)
{
    int failed = ay_cli_config(&node->config);
    if (failed) return failed;
    const char *address = node->config.rpc_address;
    if (!ay_config_address(address, node->host, &node->port))
        return ay_cli_fail(AY_E_FORMAT, "rpc.address is host:port, not %s", address);
    if (ay_http_may_listen(node->host, rpc_key(node)) != AY_OK)
        return ay_cli_fail(AY_OK,
                           "rpc.address %s is no loopback address, so rpc.key (16 characters or "
                           "more) must be set",
                           address);
    failed = split_origins(node->config.cors_origins, node->origins);
    return failed ? failed : gas_price(node->config.min_gas_price, &node->min_price_nano);
}

static int open_engine(struct node *node, struct ay_arena *arena, uint8_t pub_key[32])
{
    char data[PATH_MAX], why[256];
    struct ay_engine_options options = {.data_path = data,
                                        .genesis = &node->genesis,
                                        .min_price_nano = node->min_price_nano,
                                        .mempool_txs = (uint32_t)node->config.mempool_txs,
                                        .mempool_bytes = node->config.mempool_bytes,
                                        .map_bytes = node->config.map_bytes};
    int failed = load_genesis(arena, &node->genesis);
    if (!failed) failed = load_validator(options.validator_seed);
    if (failed) return failed;
    if (ay_cli_path(data, "data/chain") != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "the home folder's name is too long");
    ay_ed25519_pubkey(options.validator_seed, pub_key);
    enum ay_code code = AY_OK;
    if (access(data, F_OK) != 0) { /* a genesis that is refused leaves no chain behind */
        code = ay_engine_check_genesis(&node->genesis, why);
        if (code != AY_OK)
            failed = ay_cli_fail(code, "%s/config/genesis.json: %s", ay_cli.home, why);
    }
    if (code == AY_OK) code = ay_engine_open(&options, &node->engine, why);
    explicit_bzero(options.validator_seed, 32);
    if (failed) return failed;
    if (code == AY_E_KEY) return ay_cli_fail(code, "%s/config/validator.key: %s", ay_cli.home, why);
    if (code == AY_E_STATE && !*why)
        return ay_cli_fail(AY_OK, "%s is in use; is another node running?", data);
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s%s%s", data, *why ? ": " : "", why);
}

static int serve(struct node *node, const uint8_t pub_key[32])
{
    char path[PATH_MAX];
    const struct ay_blob_limits limits = {.max_total_bytes = node->config.blob_quota_bytes};
    enum ay_code code = ay_cli_path(path, "data/blobs");
    if (code == AY_OK) code = ay_blob_open(path, &limits, &node->blobs);
    if (code != AY_OK) return ay_cli_fail(code, "%s", path);
    struct ay_node_server_options options = {.engine = node->engine,
                                             .blobs = node->blobs,
                                             .address = node->host,
                                             .port = node->port,
                                             .key = rpc_key(node),
                                             .origins = node->origins,
                                             .moniker = node->config.moniker,
                                             .min_gas_price = node->config.min_gas_price,
                                             .version = AY_VERSION,
                                             .validator_power =
                                                 node->genesis.stake.validators[0].power,
                                             .genesis = &node->genesis};
    memcpy(options.validator_pub_key, pub_key, 32);
    code = ay_node_server_start(&options, &node->server);
    if (code == AY_OK) {
        fprintf(stderr, "%.*s: serving on http://%s:%u\n", (int)node->genesis.chain_id.len,
                (const char *)node->genesis.chain_id.data, node->host,
                ay_node_server_port(node->server));
        return 0;
    }
    if (code == AY_E_EXISTS)
        return ay_cli_fail(code, "%s is in use; is another node running?",
                           node->config.rpc_address);
    return ay_cli_fail(code, "cannot serve on %s", node->config.rpc_address);
}

static int start(struct node *node, struct ay_arena *arena)
{
    uint8_t pub_key[32];
    ay_cli_catch();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a full disk, to be stopped by cleanly */
    int failed = read_settings(node);
    if (!failed) failed = open_engine(node, arena, pub_key);
    if (!failed) failed = serve(node, pub_key);
    if (!failed) {
        enum ay_code code = run(node->engine);
        if (code != AY_OK) failed = ay_cli_fail(code, "the node has stopped");
    }
    ay_engine_stop(node->engine);
    ay_node_server_stop(node->server);
    ay_engine_close(node->engine);
    ay_blob_close(node->blobs);
    if (!failed) fputs("stopped cleanly\n", stderr);
    return failed;
}

int ay_cli_start(int argc, char **argv)
{
    static struct node node;
    if (ay_cli.help) return ay_cli_usage(usage);
    int failed = ay_options_end(argc, argv, 0, "nothing");
    if (failed) return failed;
    struct ay_arena arena = ay_cli_arena();
    failed = start(&node, &arena);
    ay_cli_arena_free(&arena);
    return failed;
}
