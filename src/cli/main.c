#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

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

static int help(void)
{
    FILE *out = ay_cli.help ? stdout : stderr;
    fputs("usage: assay [--home DIR] [--node URL] [-o json] COMMAND ...\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].does);
    fputs(
        "\n  --home DIR   where keys, settings and data are (ASSAY_HOME, ~/.assay)\n"
        "  --node URL   the node to talk to (ASSAY_NODE, the home's own, http://127.0.0.1:26657)\n"
        "  -o json      answers as JSON on standard output; all else goes to standard error\n\n"
        "assay COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 usage, 3 not found,\n"
        "4 unreachable, 5 transaction rejected, 6 key or authorisation, 130 interrupted.\n",
        out);
    return ay_cli.help ? 0 : AY_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_DUMPABLE, 0); /* secrets may be in memory: no core dumps, no ptrace */
    int failed = ay_cli_globals(&argc, argv);
    if (failed) return failed;
    if (argc > 1 && !strcmp(argv[1], "help")) { /* of everything, or of the command after it */
        ay_cli.help = true;
        argc--;
        argv++;
    }
    if (argc < 2) return help();
    if (!strcmp(argv[1], "--version")) return ay_cli_version(1, argv + 1);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        snprintf(ay_cli.command, sizeof ay_cli.command, "%s --help", commands[i].name);
        return commands[i].run(argc - 1, argv + 1);
    }
    return ay_cli_fail(AY_E_USAGE, "there is no command %s", argv[1]);
}
