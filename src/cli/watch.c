#include "cli/work.h"

#include "role/watch.h"

#include <getopt.h>
#include <stdlib.h>

static const char usage[] =
    "usage: assay watch --key NAME --model DIR [--max-bond NASY] [--threads N]\n"
    "Recomputes every claim of the model's jobs while it can be doubted, and takes whoever claimed a\n"
    "wrong answer through the dispute, for a share of the slash. A wrong challenge costs its bond.\n"
    "  --key        who puts up the bonds, earns and signs\n"
    "  --max-bond   most to put up for one challenge or demand (default 1000000000)\n"
    "  --threads    for computing (default: one a processor)\n";

int ay_cli_watch(int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"max-bond", required_argument, NULL, 'b'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *key = NULL, *model = NULL;
    struct ay_watch_options watch = {.max_bond_nasy = 1000000000};
    uint64_t threads = 0;
    int option, failed = 0;
    while (!failed && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'k': key = optarg; break;
        case 'm': model = optarg; break;
        case 'b':
            failed = ay_cli_number("max-bond", optarg, INT64_MAX, &watch.max_bond_nasy);
            break;
        case 't': failed = ay_cli_number("threads", optarg, AY_MAX_THREADS, &threads); break;
        case 'h': return ay_cli_usage(true, usage);
        default: return ay_cli_usage(false, usage);
        }
    }
    if (failed) return failed;
    if (optind != argc) return ay_cli_usage(false, usage);
    struct ay_cli_work work = {0};
    failed = ay_cli_work_open(&work, "watch", key, model, (uint32_t)threads);
    if (!failed) {
        enum ay_code code = ay_watch(&work.role, &watch);
        if (code != AY_OK) failed = ay_cli_fail(code, "cannot go on");
    }
    ay_cli_work_close(&work);
    return failed;
}
