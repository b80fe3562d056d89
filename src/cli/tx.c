#include "cli/cli.h"

#include "cli/flags.h"
#include "cli/options.h"
#include "cli/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_BYTES (256u << 10)

static const char usage[] =
    "usage: assay tx MODULE MESSAGE --from KEY [--gas N] [--gas-price 0.025nasy] [--memo TEXT] "
    "...\n"
    "Signs a message, sends it and waits until it stands in a block. The signer's address is "
    "filled\n"
    "in by itself. --FIELD-file PATH reads a field's bytes from a file. Messages:\n\n";

/* What the command takes besides the message's own flags. */
struct options {
    const char *from, *gas_price, *memo;
    uint64_t gas;
};

static const char *name_of(const struct ay_msg *msg)
{
    return msg->tx ? msg->tx->cli : NULL;
}

static const struct ay_verbs verbs = {name_of, usage, "takes transactions"};

static int help(const struct ay_msg *msg)
{
    char *text = malloc(HELP_BYTES);
    AY_ASSERT(text);
    struct ay_text out = ay_text_over(text, HELP_BYTES);
    ay_flags_help(msg, msg->tx->signer, &out);
    printf("usage: assay tx %s %s --from KEY ...\n%s\n\n%s"
           "  --from KEY              who signs\n"
           "  --gas N                 limit; without it the node is asked first\n"
           "  --gas-price 0.025nasy   what a unit of gas is paid\n"
           "  --memo TEXT             a note in the transaction\n",
           msg->module, msg->tx->cli, msg->doc, text);
    free(text);
    return 0;
}

/* --FIELD-file PATH: the bytes of a file into a bytes field that flags did not fill. */
static int take_files(const struct ay_msg *msg, int *argc, char **argv, struct ay_arena *arena,
                      void *value)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        size_t len = strlen(argv[i]);
        const struct ay_field *field = NULL;
        if (len > 7 && !strncmp(argv[i], "--", 2) && !strcmp(argv[i] + len - 5, "-file") &&
            i + 1 < *argc)
            field = ay_field_find(msg, ay_slice(argv[i] + 2, (uint32_t)len - 7));
        if (!field || field->kind != AY_KIND_BYTES || field->flags & AY_FIELD_REPEATED) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *path = argv[++i];
        FILE *file = fopen(path, "rbe");
        uint8_t *bytes = ay_arena_take(arena, (size_t)field->len + 1, 1);
        AY_ASSERT(bytes);
        if (!file)
            return ay_cli_fail(errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%s %s: %s", argv[i - 1],
                               path, strerror(errno));
        size_t n = fread(bytes, 1, (size_t)field->len + 1, file);
        bool bad = ferror(file);
        fclose(file);
        if (bad) return ay_cli_fail(AY_E_IO, "%s %s cannot be read", argv[i - 1], path);
        if (n > field->len)
            return ay_cli_fail(AY_E_LIMIT, "%s %s is longer than %u bytes", argv[i - 1], path,
                               field->len);
        struct ay_slice slice = ay_slice(bytes, (uint32_t)n);
        memcpy((uint8_t *)value + field->offset, &slice, sizeof slice);
    }
    *argc = kept;
    return 0;
}

static int report(const struct ay_msg *msg, const struct ay_sent *sent, struct ay_arena *arena)
{
    char hash[65];
    struct ay_text text = ay_text_over(hash, sizeof hash);
    ay_text_hex_upper(&text, ay_slice(sent->hash, 32));
    if (sent->code != AY_OK) {
        fprintf(stderr, "assay: rejected: %s (%s %u)%s%s\n", sent->log, sent->codespace, sent->wire,
                sent->height ? ", in transaction " : "", sent->height ? hash : "");
        return AY_EXIT_REJECTED;
    }
    void *response = ay_arena_take(arena, 1, msg->tx->response ? msg->tx->response->size : 1);
    if (ay_cli.json)
        printf("{\"txhash\":\"%s\",\"height\":\"%" PRId64 "\",\"gas_used\":\"%" PRId64
               "\",\"fee_nasy\":\"%" PRIu64 "\"",
               hash, sent->height, sent->gas_used, sent->fee_nasy);
    else
        printf("txhash: %s\nheight: %" PRId64 "\ngas_used: %" PRId64 "\nfee_nasy: %" PRIu64 "\n",
               hash, sent->height, sent->gas_used, sent->fee_nasy);
    if (ay_cli.json) printf(",\"response\":");
    fflush(stdout);
    if (response && msg->tx->response && msg->tx->response->n &&
        ay_sent_response(sent, 0, msg->tx->response, arena, response) == AY_OK) {
        if (ay_cli_show_msg(msg->tx->response, response) != AY_OK) return AY_EXIT_FAILURE;
    } else if (ay_cli.json) {
        puts("{}");
    }
    if (ay_cli.json) puts("}");
    return 0;
}

/* The message in value, but for its signer, who is filled in. */
static int send(const struct ay_msg *msg, void *value, const struct options *o,
                struct ay_arena *arena)
{
    struct ay_cli_session session;
    struct ay_sent sent;
    int failed = ay_cli_session_open(o->from, o->gas_price, &session);
    if (failed) return failed;
    struct ay_slice me = ay_slice_str(session.signer.text);
    memcpy((uint8_t *)value + msg->tx->signer->offset, &me, sizeof me);
    struct ay_outgoing out = {msg, value};
    enum ay_code code = ay_wallet_send(session.wallet, &out, 1, o->gas, o->memo, &sent);
    const char *why = ay_node_message(session.node);
    if (code != AY_OK)
        failed = ay_cli_fail(code, "%s", *why ? why : "the transaction cannot be made");
    else
        failed = report(msg, &sent, arena);
    ay_cli_session_close(&session);
    return failed;
}

static int read_and_send(const struct ay_msg *msg, int argc, char **argv, struct ay_arena *arena)
{
    struct options o = {.gas_price = "0.025nasy", .memo = ""};
    const struct ay_option options[] = {
        {.name = "--from", .kind = AY_OPTION_TEXT, .to = &o.from},
        {.name = "--gas-price", .kind = AY_OPTION_TEXT, .to = &o.gas_price},
        {.name = "--memo", .kind = AY_OPTION_TEXT, .to = &o.memo},
        {"--gas", AY_OPTION_NUMBER, &o.gas, .min = 1, .max = INT64_MAX},
        {NULL}};
    char reason[512] = "";
    struct ay_text why = ay_text_over(reason, sizeof reason);
    void *value = ay_arena_take(arena, 1, msg->size);
    AY_ASSERT(value);
    snprintf(ay_cli.command, sizeof ay_cli.command, "tx %s %s --help", msg->module, msg->tx->cli);
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = take_files(msg, &argc, argv, arena, value);
    if (!failed && ay_flags_read(msg, argc, argv, arena, value, &why) != AY_OK)
        failed = ay_cli_fail(AY_E_USAGE, "%s", *reason ? reason : "the message is too large");
    return failed ? failed : send(msg, value, &o, arena);
}

int ay_cli_tx(int argc, char **argv)
{
    if (argc < 3) return ay_verbs_list(&verbs, argc > 1 ? argv[1] : NULL);
    const struct ay_msg *msg = ay_verbs_find(&verbs, argv[1], argv[2]);
    if (!msg) return ay_cli_fail(AY_E_USAGE, "there is no message %s in %s", argv[2], argv[1]);
    if (ay_cli.help) return help(msg);
    struct ay_arena arena = ay_cli_arena();
    int failed = read_and_send(msg, argc - 3, argv + 3, &arena);
    ay_cli_arena_free(&arena);
    return failed;
}
