#include "cli/cli.h"

#include "cli/options.h"

#include "base/json_write.h"
#include "base/text.h"
#include "crypto/keystore.h"

#include "net/json_read.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct ay_cli ay_cli;
volatile int ay_cli_stop;

static void caught(int signal)
{
    (void)signal;
    if (ay_cli_stop) _exit(AY_EXIT_INTERRUPTED);
    ay_cli_stop = 1;
}

static struct sigaction before_int, before_term;

void ay_cli_catch(void)
{
    struct sigaction action = {.sa_handler = caught};
    sigaction(SIGINT, &action, &before_int);
    sigaction(SIGTERM, &action, &before_term);
}

void ay_cli_uncatch(void)
{
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
}

int ay_cli_exit(enum ay_code code)
{
    static const struct {
        enum ay_code code;
        enum ay_exit exit;
    } table[] = {
        {AY_OK, AY_EXIT_OK},
        {AY_E_USAGE, AY_EXIT_USAGE},
        {AY_E_NOT_FOUND, AY_EXIT_NOT_FOUND},
        {AY_E_UNKNOWN_ADDRESS, AY_EXIT_NOT_FOUND},
        {AY_E_UNREACHABLE, AY_EXIT_UNREACHABLE},
        {AY_E_TIMEOUT, AY_EXIT_UNREACHABLE},
        {AY_E_REJECTED, AY_EXIT_REJECTED},
        {AY_E_KEY, AY_EXIT_KEY},
        {AY_E_UNAUTHORIZED, AY_EXIT_KEY},
        {AY_E_INTERRUPTED, AY_EXIT_INTERRUPTED},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code) return (int)table[i].exit;
    return AY_EXIT_FAILURE;
}

int ay_cli_fail(enum ay_code code, const char *format, ...)
{
    char text[2 * PATH_MAX];
    const char *own = ay_code_info(code)->text;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "%s %s", ay_cli.color ? "\033[31massay:\033[0m" : "assay:", text);
    if (code == AY_E_USAGE)
        fprintf(stderr, "; assay %s says more", *ay_cli.command ? ay_cli.command : "help");
    else if (code != AY_OK && code != AY_E_NOT_FOUND && !strstr(text, own))
        fprintf(stderr, " (%s)", own);
    fputc('\n', stderr);
    return ay_cli_exit(code == AY_OK ? AY_E_STATE : code);
}

static int take_form(void *json, char *form)
{
    bool is_json = !strcmp(form, "json");
    if (!is_json && strcmp(form, "text") != 0)
        return ay_cli_fail(AY_E_USAGE, "-o takes json or text, not %s", form);
    *(bool *)json = is_json;
    return 0;
}

int ay_cli_globals(int *argc, char **argv)
{
    const char *home = getenv("ASSAY_HOME"), *user = getenv("HOME");
    const struct ay_option options[] = {
        {.name = "--home", .kind = AY_OPTION_TEXT, .to = &home},
        {.name = "--node", .kind = AY_OPTION_TEXT, .to = &ay_cli.node},
        {"-o", AY_OPTION_CALL, &ay_cli.json, .call = take_form},
        {"--output", AY_OPTION_CALL, &ay_cli.json, .call = take_form},
        {.name = "--help", .kind = AY_OPTION_FLAG, .to = &ay_cli.help},
        {.name = "-h", .kind = AY_OPTION_FLAG, .to = &ay_cli.help},
        {NULL}};
    ay_cli.node = getenv("ASSAY_NODE");
    ay_cli.color = isatty(2) && !getenv("NO_COLOR");
    int failed = ay_options_take(argc, argv, options);
    if (failed) return failed;
    bool own = !home || !*home;
    if (own && (!user || !*user))
        return ay_cli_fail(AY_E_USAGE, "where is home? HOME is not set; say --home DIR");
    int n =
        snprintf(ay_cli.home, sizeof ay_cli.home, "%s%s", own ? user : home, own ? "/.assay" : "");
    return n < PATH_MAX ? 0 : ay_cli_fail(AY_E_USAGE, "the home folder's name is too long");
}

int ay_cli_usage(const char *text)
{
    fputs(text, ay_cli.help ? stdout : stderr);
    return ay_cli.help ? 0 : AY_EXIT_USAGE;
}

enum ay_code ay_cli_path(char path[PATH_MAX], const char *name)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", ay_cli.home, name);
    return n > 0 && n < PATH_MAX ? AY_OK : AY_E_LIMIT;
}

enum ay_code ay_cli_make_folder(const char *name)
{
    char path[PATH_MAX];
    if (*name)
        AY_TRY(ay_cli_path(path, name));
    else
        snprintf(path, sizeof path, "%s", ay_cli.home);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) { /* parents of the home */
        *slash = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST) return AY_E_IO;
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? AY_OK : AY_E_IO;
}

struct ay_arena ay_cli_arena(void)
{
    void *mem = aligned_alloc(16, AY_CLI_ARENA_BYTES);
    AY_ASSERT(mem);
    return ay_arena_over(mem, AY_CLI_ARENA_BYTES);
}

void ay_cli_arena_free(struct ay_arena *arena)
{
    free(arena->base);
    *arena = (struct ay_arena){0};
}

int ay_cli_config(struct ay_config *config)
{
    char path[PATH_MAX], why[AY_CONFIG_WHY];
    ay_config_default(config);
    if (ay_cli_path(path, "config/config.toml") != AY_OK)
        return ay_cli_fail(AY_E_USAGE, "the home folder's name is too long");
    enum ay_code code = ay_config_read(path, config, why);
    return code == AY_OK || code == AY_E_NOT_FOUND ? 0 : ay_cli_fail(code, "%s: %s", path, why);
}

int ay_cli_node_url(char *url, size_t room)
{
    struct ay_config config;
    int failed = ay_cli_config(&config);
    if (failed) return failed;
    snprintf(url, room, "%s%s", ay_cli.node ? "" : "http://",
             ay_cli.node ? ay_cli.node : config.rpc_address);
    return 0;
}

int ay_cli_node(struct ay_node_client **out)
{
    char url[AY_MAX_CONFIG_TEXT + 16];
    struct ay_config config;
    const char *key = getenv("ASSAY_RPC_KEY");
    int failed = ay_cli_config(&config);
    if (!failed) failed = ay_cli_node_url(url, sizeof url);
    if (failed) return failed;
    if (!key && config.rpc_key[0]) key = config.rpc_key;
    enum ay_code code = ay_node_open(url, key, out);
    return code == AY_OK ? 0 : ay_cli_fail(code, "cannot use the node address %s", url);
}

int ay_cli_session_open(const char *key, const char *gas_price, struct ay_cli_session *session)
{
    memset(session, 0, sizeof *session);
    int failed = ay_cli_node(&session->node);
    if (!failed) failed = ay_cli_signer(key, &session->signer);
    if (!failed) {
        enum ay_code code =
            ay_wallet_open(session->node, &session->signer, gas_price, &session->wallet);
        if (code == AY_E_USAGE)
            failed = ay_cli_fail(code, "a gas price looks like 0.025nasy, not %s", gas_price);
        else if (code != AY_OK)
            failed = ay_cli_fail(code, "%s", ay_node_message(session->node));
    }
    if (failed) ay_cli_session_close(session);
    return failed;
}

void ay_cli_session_close(struct ay_cli_session *session)
{
    ay_wallet_close(session->wallet);
    ay_node_close(session->node);
    ay_signer_clear(&session->signer);
    memset(session, 0, sizeof *session);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void ay_progress_begin(struct ay_progress *progress, const char *what, uint64_t total)
{
    *progress = (struct ay_progress){.what = what, .total = total, .begun_ms = now_ms()};
}

void ay_progress_set(struct ay_progress *progress, uint64_t done)
{
    uint64_t now = now_ms();
    if (now - progress->begun_ms < 2000 || now - progress->drawn_ms < 100 || !isatty(2)) return;
    progress->drawn_ms = now;
    progress->shown = true;
    unsigned filled = progress->total ? (unsigned)(30 * done / progress->total) : 0;
    fprintf(stderr, "\r%s [%.*s%*s] %llu/%llu", progress->what, (int)filled,
            "##############################", (int)(30 - filled), "", (unsigned long long)done,
            (unsigned long long)progress->total);
}

void ay_progress_end(struct ay_progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
}
