#include "cli/cli.h"

#include "base/codec.h"
#include "cli/flags.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_BYTES (64u << 10)

static const char usage[] = "usage: assay query MODULE WHAT ...\n"
                            "Asks the node. The first field may be given without its flag.\n\n";

static const char *name_of(const struct ay_msg *msg)
{
    return msg->query ? msg->query->cli : NULL;
}

static const struct ay_verbs verbs = {name_of, usage, "answers queries"};

static int help(const struct ay_msg *msg)
{
    char *text = malloc(HELP_BYTES);
    AY_ASSERT(text);
    struct ay_text out = ay_text_over(text, HELP_BYTES);
    ay_flags_help(msg, NULL, &out);
    printf("usage: assay query %s %s ...\n%s\n\n%s", msg->module, msg->query->cli, msg->doc, text);
    free(text);
    return 0;
}

/* The first field may stand bare: gives it its flag. with_flag has room for one word more. */
static void name_first(const struct ay_msg *msg, int *argc, char **argv, char flag[96],
                       char **with_flag)
{
    memcpy(with_flag, argv, sizeof *argv * (size_t)*argc);
    if (*argc == 0 || argv[0][0] == '-' || msg->n == 0) return;
    snprintf(flag, 96, "--%s", msg->fields[0].name);
    for (char *c = flag; *c; c++)
        if (*c == '_') *c = '-';
    with_flag[0] = flag;
    memcpy(with_flag + 1, argv, sizeof *argv * (size_t)*argc);
    ++*argc;
}

static int ask(const struct ay_msg *msg, const void *request, struct ay_arena *arena)
{
    struct ay_node_client *node;
    struct ay_node_query got;
    struct ay_slice data;
    void *answer = ay_arena_take(arena, 1, msg->query->answer->size);
    AY_ASSERT(answer);
    int failed = ay_cli_node(&node);
    if (failed) return failed;
    enum ay_code code = ay_encode_arena(msg, request, arena, &data);
    if (code == AY_OK) code = ay_node_query(node, msg->query->path, data, 0, &got);
    if (code != AY_OK)
        failed = ay_cli_fail(code, "%s", ay_node_message(node));
    else if (got.result.code)
        failed = ay_cli_fail(ay_node_code(&got.result), "%s %s: %s", msg->module, msg->query->cli,
                             got.result.log);
    else if (ay_decode(msg->query->answer, got.result.data, arena, answer, NULL) != AY_OK)
        failed = ay_cli_fail(AY_E_FORMAT, "the node's answer");
    else if ((code = ay_cli_show_msg(msg->query->answer, answer)) != AY_OK)
        failed = ay_cli_fail(code, "the node's answer");
    ay_node_close(node);
    return failed;
}

static int read_and_ask(const struct ay_msg *msg, int argc, char **argv, struct ay_arena *arena)
{
    char reason[512] = "", flag[96];
    struct ay_text why = ay_text_over(reason, sizeof reason);
    char **words = AY_NEW(arena, char *, (size_t)argc + 1);
    void *request = ay_arena_take(arena, 1, msg->size);
    AY_ASSERT(words && request);
    snprintf(ay_cli.command, sizeof ay_cli.command, "query %s %s --help", msg->module,
             msg->query->cli);
    name_first(msg, &argc, argv, flag, words);
    if (ay_flags_read(msg, argc, words, arena, request, &why) != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "%s", *reason ? reason : "the question is too large");
    return ask(msg, request, arena);
}

int ay_cli_query(int argc, char **argv)
{
    if (argc < 3) return ay_verbs_list(&verbs, argc > 1 ? argv[1] : NULL);
    const struct ay_msg *msg = ay_verbs_find(&verbs, argv[1], argv[2]);
    if (!msg) return ay_cli_fail(AY_E_USAGE, "there is no query %s in %s", argv[2], argv[1]);
    if (ay_cli.help) return help(msg);
    struct ay_arena arena = ay_cli_arena();
    int failed = read_and_ask(msg, argc - 3, argv + 3, &arena);
    ay_cli_arena_free(&arena);
    return failed;
}
