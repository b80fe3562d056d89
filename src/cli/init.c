#include "cli/cli.h"

#include "base/gen/genesis.h"
#include "cli/options.h"
#include "crypto/ed25519.h"
#include "crypto/mnemonic.h"
#include "engine/engine.h"
#include "ledger/genesis.h"
#include "net/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_FUNDED      64
#define FUND_NASY       1000000000000000ull /* 1,000,000 ASY for --fund-mnemonic */
#define VALIDATOR_POWER 10

static const char usage[] =
    "usage: assay init [--chain-id NAME-1] [--moniker NAME] [--operator ADDRESS]\n"
    "                  [--fund ADDRESS=NASY]... [--fund-mnemonic \"WORDS\"] [--set "
    "MODULE.FIELD=N]...\n"
    "Makes a home folder for a new network with this node as its only validator:\n"
    "  HOME/config/genesis.json, config.toml, validator.key   HOME/data   HOME/keys\n"
    "  --chain-id       a name, a dash and a number, as wallets expect (default assay-1)\n"
    "  --operator       who receives the validator's fees (default: the first funded address)\n"
    "  --fund           coins that an address begins with; 1 ASY is 1000000000 nasy\n"
    "  --fund-mnemonic  a million ASY for the account of these words: for development alone\n"
    "  --set            a parameter of the genesis, such as job.window_ms=30000\n"
    "  --rpc-address    host:port of the node (default 127.0.0.1:26657)\n";

struct plan {
    struct ay_genesis_genesis genesis;
    struct ay_genesis_account accounts[MAX_FUNDED];
    char addresses[MAX_FUNDED][AY_ADDRESS_TEXT_CHARS + 1];
    uint32_t count;
    struct ay_stake_validator validator;
    struct ay_config config;
    const char *chain_id, *operator;
    struct ay_arena arena;
};

static int fund(struct plan *plan, const uint8_t address[AY_ADDRESS_BYTES], uint64_t amount)
{
    if (plan->count == MAX_FUNDED)
        return ay_cli_fail(AY_E_USAGE, "at most %d addresses can be funded here", MAX_FUNDED);
    char *text = plan->addresses[plan->count];
    ay_address_encode(address, text);
    plan->accounts[plan->count++] =
        (struct ay_genesis_account){.address = ay_slice_str(text), .amount_nasy = amount};
    return 0;
}

static int fund_pair(void *plan, char *pair)
{
    const char *equals = strchr(pair, '=');
    uint8_t address[AY_ADDRESS_BYTES];
    uint64_t amount;
    if (!equals || ay_address_decode(ay_slice(pair, (uint32_t)(equals - pair)), address) != AY_OK ||
        ay_parse_u64(ay_slice_str(equals + 1), UINT64_MAX, &amount) != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "--fund takes assay1...=NASY, not %s", pair);
    return fund(plan, address, amount);
}

static int fund_mnemonic(void *plan, char *words)
{
    uint8_t entropy[AY_MNEMONIC_MAX_ENTROPY];
    uint32_t len;
    struct ay_signer signer;
    enum ay_code code = ay_mnemonic_decode(ay_slice_str(words), entropy, &len);
    if (code == AY_OK) code = ay_mnemonic_account(ay_slice(entropy, len), signer.seckey);
    if (code == AY_OK) code = ay_signer_init(&signer);
    explicit_bzero(entropy, sizeof entropy);
    int failed = code == AY_OK ? fund(plan, signer.address, FUND_NASY)
                               : ay_cli_fail(AY_E_USAGE, "these are not words of BIP-39");
    ay_signer_clear(&signer);
    return failed;
}

/* module.field=value within the genesis; stake's parameters are one level deeper. */
static int set_parameter(void *to, char *text)
{
    struct plan *plan = to;
    char *equals = strchr(text, '='), *dot = strchr(text, '.');
    if (!equals || !dot || dot > equals)
        return ay_cli_fail(AY_E_USAGE, "--set takes MODULE.FIELD=N, not %s", text);
    struct ay_slice module = ay_slice(text, (uint32_t)(dot - text));
    struct ay_slice name = ay_slice(dot + 1, (uint32_t)(equals - dot - 1));
    const struct ay_field *section = ay_field_find(&ay_genesis_genesis_msg, module), *field = NULL;
    uint8_t *at = (uint8_t *)&plan->genesis;
    if (section && section->kind == AY_KIND_MESSAGE) {
        at += section->offset;
        const struct ay_field *params = ay_field_find(section->sub, ay_slice_str("params"));
        const struct ay_msg *msg = section->sub;
        if (params) {
            at += params->offset;
            msg = params->sub;
        }
        field = ay_field_find(msg, name);
    }
    const char *expects = "names no parameter of the genesis";
    if (!field || field->flags & AY_FIELD_REPEATED || field->kind == AY_KIND_MESSAGE ||
        ay_value_parse(field, ay_slice_str(equals + 1), &plan->arena, at + field->offset,
                       &expects) != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "--set %s: %s", text, expects);
    return 0;
}

/* A new file, durable when it returns. */
static enum ay_code write_file(const char *name, const void *data, size_t len)
{
    char path[PATH_MAX];
    AY_TRY(ay_cli_path(path, name));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno == EEXIST ? AY_E_EXISTS : AY_E_IO;
    bool good = write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && good ? AY_OK : errno == ENOSPC ? AY_E_DISK_FULL : AY_E_IO;
}

static enum ay_code write_genesis(const struct plan *plan, struct ay_arena *arena)
{
    enum { TEXT_BYTES = 1 << 20 };
    char *text = ay_arena_take(arena, TEXT_BYTES, 1);
    struct ay_text out = ay_text_over(text, TEXT_BYTES);
    AY_TRY(ay_json_write(&ay_genesis_genesis_msg, &plan->genesis, ay_address_write, arena, &out));
    json_t *json = json_loadb(text, out.len, 0, NULL);
    char *pretty = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!pretty) return AY_E_MEMORY;
    enum ay_code code = write_file("config/genesis.json", pretty, strlen(pretty));
    free(pretty);
    return code;
}

static enum ay_code write_home(struct plan *plan, const uint8_t seed[32], struct ay_arena *arena)
{
    char path[PATH_MAX], hex[66];
    static const char *const folders[] = {"", "config", "data", "keys"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        AY_TRY(ay_cli_make_folder(folders[i]));
    AY_TRY(write_genesis(plan, arena));
    struct ay_text text = ay_text_over(hex, sizeof hex);
    ay_text_hex(&text, ay_slice(seed, 32));
    ay_text_char(&text, '\n');
    AY_TRY(write_file("config/validator.key", hex, text.len));
    explicit_bzero(hex, sizeof hex);
    AY_TRY(ay_cli_path(path, "config/config.toml"));
    return ay_config_write(path, &plan->config);
}

static int set_moniker(void *config, char *text)
{
    const char *wrong = ay_config_set(config, "node", "moniker", text);
    return wrong ? ay_cli_fail(AY_E_USAGE, "--moniker %s: %s", text, wrong) : 0;
}

static int set_address(void *config, char *text)
{
    char host[AY_MAX_CONFIG_TEXT];
    uint16_t port;
    const char *wrong = ay_config_set(config, "rpc", "address", text);
    if (!wrong && !ay_config_address(text, host, &port)) wrong = "host:port goes here";
    return wrong ? ay_cli_fail(AY_E_USAGE, "--rpc-address %s: %s", text, wrong) : 0;
}

static int read_options(int argc, char **argv, struct plan *plan)
{
    const struct ay_option options[] = {
        {.name = "--chain-id", .kind = AY_OPTION_TEXT, .to = &plan->chain_id},
        {.name = "--operator", .kind = AY_OPTION_TEXT, .to = &plan->operator},
         {"--moniker", AY_OPTION_CALL, &plan->config, .call = set_moniker},
         {"--rpc-address", AY_OPTION_CALL, &plan->config, .call = set_address},
         {"--fund", AY_OPTION_CALL, plan, .call = fund_pair},
         {"--fund-mnemonic", AY_OPTION_CALL, plan, .call = fund_mnemonic},
         {"--set", AY_OPTION_CALL, plan, .call = set_parameter},
         {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    return failed ? failed : ay_options_end(argc, argv, 0, "only options");
}

/* The validator and its operator, which complete the genesis. */
static int complete(struct plan *plan, const uint8_t seed[32])
{
    if (!plan->operator&& !plan->count)
        return ay_cli_fail(AY_E_USAGE, "say who receives the fees: --operator, --fund or "
                                       "--fund-mnemonic");
    const char *operator= plan->operator? plan->operator: plan->addresses[0];
    if (ay_address_decode(ay_slice_str(operator), plan->validator.operator) != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "--operator takes an address, not %s", operator);
    ay_ed25519_pubkey(seed, plan->validator.pub_key);
    plan->validator.power = VALIDATOR_POWER;
    plan->genesis.has_bank = plan->genesis.has_stake = true;
    plan->genesis.bank.accounts = plan->accounts;
    plan->genesis.bank.accounts_count = plan->count;
    plan->genesis.stake.validators = &plan->validator;
    plan->genesis.stake.validators_count = 1;
    if (plan->chain_id) plan->genesis.chain_id = ay_slice_str(plan->chain_id);
    return 0;
}

static int report(const struct plan *plan)
{
    fprintf(stderr, "%s is ready in %s; next: assay start\n", plan->chain_id, ay_cli.home);
    if (!ay_cli.json) return 0;
    json_t *answer = json_pack("{s:s, s:s}", "chain_id", plan->chain_id, "home", ay_cli.home);
    char *text = answer ? json_dumps(answer, 0) : NULL;
    json_decref(answer);
    if (!text) return ay_cli_fail(AY_E_MEMORY, "cannot print the answer");
    ay_cli_show(text);
    free(text);
    return 0;
}

static int init(struct plan *plan, int argc, char **argv)
{
    uint8_t seed[32];
    char why[256];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ay_genesis_defaults(&plan->genesis, plan->chain_id, (uint64_t)now.tv_sec * 1000);
    ay_config_default(&plan->config);
    int failed = read_options(argc, argv, plan);
    ay_ed25519_random(seed);
    if (!failed) failed = complete(plan, seed);
    if (failed) return failed;
    enum ay_code code = ay_engine_check_genesis(&plan->genesis, why);
    if (code != AY_OK) return ay_cli_fail(code, "genesis: %s", why);
    code = write_home(plan, seed, &plan->arena);
    explicit_bzero(seed, sizeof seed);
    if (code == AY_E_EXISTS)
        return ay_cli_fail(code, "%s holds a network already; choose another --home", ay_cli.home);
    return code == AY_OK ? report(plan) : ay_cli_fail(code, "cannot write to %s", ay_cli.home);
}

int ay_cli_init(int argc, char **argv)
{
    static struct plan plan = {.chain_id = "assay-1"};
    if (ay_cli.help) return ay_cli_usage(usage);
    plan.arena = ay_cli_arena();
    int failed = init(&plan, argc, argv);
    ay_cli_arena_free(&plan.arena);
    return failed;
}
