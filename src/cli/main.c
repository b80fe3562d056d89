#include "cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct command {
    const char *name;
    ay_cli_command *run;
    const char *does;
} commands[] = {
    {"init", ay_cli_init, "make the home folder of a new network"},
    {"start", ay_cli_start, "run the node"},
    {"keys", ay_cli_keys, "make, list and show signing keys"},
    {"tx", ay_cli_tx, "send a transaction: assay tx MODULE MESSAGE"},
    {"query", ay_cli_query, "ask the node: assay query MODULE WHAT"},
    {"model", ay_cli_model, "import, run and inspect models"},
    {"job", ay_cli_job, "have work done by the market: assay job run FILE"},
    {"provide", ay_cli_provide, "earn by running jobs"},
    {"watch", ay_cli_watch, "recompute claims and dispute the wrong ones"},
    {"status", ay_cli_status, "what the node says of itself"},
    {"version", ay_cli_version, "the version of this program"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static int help(bool asked)
{
    FILE *out = asked ? stdout : stderr;
    fputs("usage: assay [--home DIR] [--node URL] [-o json] COMMAND ...\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].does);
    fputs("\n  --home DIR   where keys, settings and data are (ASSAY_HOME, ~/.assay)\n"
          "  --node URL   the node to talk to (ASSAY_NODE, the home's own, http://127.0.0.1:26657)\n"
          "  -o json      answers as JSON on standard output; all else goes to standard error\n\n"
          "assay COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 usage, 3 not found,\n"
          "4 unreachable, 5 transaction rejected, 6 key or authorisation, 130 interrupted.\n",
          out);
    return asked ? 0 : AY_EXIT_USAGE;
}

/* Takes the option at argv[i] out; returns its value. NULL and *wrong: it has none. */
static const char *take(int *argc, char **argv, int i, bool *wrong)
{
    char *equals = strchr(argv[i], '='), *value = equals ? equals + 1 : argv[i + 1];
    int used = equals ? 1 : 2;
    *wrong = !value;
    if (!value) return NULL;
    memmove(&argv[i], &argv[i + used], sizeof *argv * (size_t)(*argc - i - used + 1));
    *argc -= used;
    return value;
}

static bool is(const char *arg, const char *name)
{
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 && (arg[n] == 0 || arg[n] == '=');
}

/* Global options may stand anywhere before "--". */
static int globals(int *argc, char **argv)
{
    const char *home = getenv("ASSAY_HOME"), *user = getenv("HOME");
    char own[PATH_MAX];
    bool wrong = false;
    ay_cli.node = getenv("ASSAY_NODE");
    ay_cli.color = isatty(2) && !getenv("NO_COLOR");
    for (int i = 1; i < *argc && !wrong && strcmp(argv[i], "--") != 0;) {
        if (is(argv[i], "--home")) {
            home = take(argc, argv, i, &wrong);
        } else if (is(argv[i], "--node")) {
            ay_cli.node = take(argc, argv, i, &wrong);
        } else if (!strcmp(argv[i], "-o") || is(argv[i], "--output")) {
            const char *form = take(argc, argv, i, &wrong);
            wrong = wrong || (strcmp(form, "json") != 0 && strcmp(form, "text") != 0);
            ay_cli.json = !wrong && !strcmp(form, "json");
        } else {
            i++;
        }
    }
    if (wrong) return help(false);
    if (!home) {
        snprintf(own, sizeof own, "%s/.assay", user ? user : "");
        home = own;
    }
    int n = snprintf(ay_cli.home, sizeof ay_cli.home, "%s", home);
    return n > 0 && n < PATH_MAX ? 0 : ay_cli_fail(AY_E_USAGE, "the home folder's name is too long");
}

int main(int argc, char **argv)
{
    prctl(PR_SET_DUMPABLE, 0); /* secrets may be in memory: no core dumps, no ptrace */
    int failed = globals(&argc, argv);
    if (failed) return failed;
    if (argc < 2) return help(false);
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help(true);
    if (!strcmp(argv[1], "--version")) return ay_cli_version(1, argv + 1);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "assay: there is no command %s\n\n", argv[1]);
    return help(false);
}
