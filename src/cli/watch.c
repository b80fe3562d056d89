#include "cli/work.h"

#include "cli/options.h"
#include "role/watch.h"

static const char usage[] =
    "usage: assay watch --key NAME --model DIR [--max-bond NASY] [--threads N]\n"
    "Recomputes every claim of the model's jobs while it can be doubted, and takes whoever claimed "
    "a\n"
    "wrong answer through the dispute, for a share of the slash. A wrong challenge costs its "
    "bond.\n"
    "  --key        who puts up the bonds, earns and signs\n"
    "  --max-bond   most to put up for one challenge or demand (default 1000000000)\n"
    "  --threads    for computing (default: one a processor)\n";

int ay_cli_watch(int argc, char **argv)
{
    const char *key = NULL, *model = NULL;
    struct ay_watch_options watch = {.max_bond_nasy = 1000000000};
    uint64_t threads = 0;
    const struct ay_option options[] = {
        {.name = "--key", .kind = AY_OPTION_TEXT, .to = &key},
        {.name = "--model", .kind = AY_OPTION_TEXT, .to = &model},
        {"--max-bond", AY_OPTION_NUMBER, &watch.max_bond_nasy, .max = INT64_MAX},
        {"--threads", AY_OPTION_NUMBER, &threads, .min = 1, .max = AY_MAX_THREADS},
        {NULL}};
    struct ay_cli_work work = {0};
    if (ay_cli.help) return ay_cli_usage(usage);
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 0, "only options");
    if (failed) return failed;
    failed = ay_cli_work_open(&work, "watch", "--key", key, model, (uint32_t)threads);
    if (!failed) {
        enum ay_code code = ay_watch(&work.role, &watch);
        if (code != AY_OK) failed = ay_cli_fail(code, "cannot go on");
    }
    ay_cli_work_close(&work);
    return failed;
}
