#include "cli/work.h"

#include "cli/lines.h"
#include "cli/options.h"
#include "role/consume.h"
#include "tensor/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT_BYTES (256u << 20)
#define MAX_LINES       (1u << 20)

static const char usage[] =
    "usage: assay job run FILE --model DIR --from KEY --out FILE.npy [--max-price NASY]\n"
    "                     [--per-job LINES] [--tier N] [--blobs URL] [--recheck LINES] "
    "[--no-wait]\n"
    "                     [--max-deposit NASY]\n"
    "Has each line of FILE embedded by whoever asks least for it: uploads the input, posts jobs "
    "with\n"
    "their highest fee in escrow, waits for the claims, fetches the outputs, checks that they are "
    "what\n"
    "was claimed, and waits until nobody may doubt them any more. A job that came to nothing (no "
    "taker,\n"
    "a late provider, a proven lie) is posted again.\n"
    "  --max-price   of a million work units, in nasy (default 1000)\n"
    "  --per-job     lines in one job (default 64)\n"
    "  --blobs       where to upload the input (default: the node)\n"
    "  --recheck     lines of each job to compute again here and compare (default 1)\n"
    "  --max-deposit for having a job's outputs posted on the ledger where they cannot be fetched, "
    "which\n"
    "                pays the provider for posting (default 100000000)\n"
    "  --no-wait     be content with claims that may still be doubted\n";

struct settings {
    const char *file, *model, *from, *out, *blobs;
    uint64_t max_price, max_deposit, per_job, tier, recheck;
    bool no_wait;
};

static int read_options(int argc, char **argv, struct settings *s)
{
    const struct ay_option options[] = {
        {.name = "--model", .kind = AY_OPTION_TEXT, .to = &s->model},
        {.name = "--from", .kind = AY_OPTION_TEXT, .to = &s->from},
        {.name = "--out", .kind = AY_OPTION_TEXT, .to = &s->out},
        {.name = "--blobs", .kind = AY_OPTION_TEXT, .to = &s->blobs},
        {"--max-price", AY_OPTION_NUMBER, &s->max_price, .max = INT64_MAX},
        {"--max-deposit", AY_OPTION_NUMBER, &s->max_deposit, .max = INT64_MAX},
        {"--per-job", AY_OPTION_NUMBER, &s->per_job, .min = 1, .max = 65536},
        {"--tier", AY_OPTION_NUMBER, &s->tier, .max = UINT32_MAX},
        {"--recheck", AY_OPTION_NUMBER, &s->recheck, .max = UINT32_MAX},
        {.name = "--no-wait", .kind = AY_OPTION_FLAG, .to = &s->no_wait},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 1, "a FILE of lines");
    if (failed) return failed;
    s->file = argv[1];
    return s->out ? 0 : ay_cli_fail(AY_E_USAGE, "say where the vectors go: --out FILE.npy");
}

static void report(const struct ay_consumed *jobs, uint32_t count)
{
    if (ay_cli.json) putchar('[');
    for (uint32_t i = 0; i < count; i++) {
        char provider[AY_ADDRESS_TEXT_CHARS + 1];
        const struct ay_job_job *job = &jobs[i].job;
        ay_address_encode(job->provider, provider);
        printf(ay_cli.json ? "%s{\"job_id\":\"%" PRIu64
                             "\",\"first_line\":%u,\"lines\":%u,\"provider\":\"%s\","
                             "\"price_nasy\":\"%" PRIu64 "\",\"fee_nasy\":\"%" PRIu64
                             "\",\"units\":\"%" PRIu64 "\"}"
                           : "%sjob %" PRIu64 ": from line %u, %u lines, %s, %" PRIu64
                             " nasy a million units, fee %" PRIu64 " nasy for %" PRIu64 " units\n",
               ay_cli.json && i ? "," : "", jobs[i].job_id, jobs[i].first_line + 1, jobs[i].lines,
               provider, job->price_nasy, job->fee_nasy, job->units);
    }
    if (ay_cli.json) puts("]");
}

static void progressed(void *context, uint32_t lines)
{
    ay_progress_set(context, lines);
}

static int run(const struct settings *s, struct ay_cli_work *work, const struct ay_slice *lines,
               uint32_t count)
{
    char url[AY_MAX_CONFIG_TEXT + 16];
    struct ay_consumed *jobs = NULL;
    struct ay_progress bar;
    uint32_t n = 0;
    float *out = calloc((size_t)count * work->model->dims, sizeof *out);
    if (!out) return ay_cli_fail(AY_E_MEMORY, "%u lines", count);
    ay_cli_node_url(url, sizeof url);
    struct ay_consume_options options = {.model = work->model,
                                         .lines = lines,
                                         .line_count = count,
                                         .lines_a_job = (uint32_t)s->per_job,
                                         .tier = (uint32_t)s->tier,
                                         .max_price_nasy = s->max_price,
                                         .max_deposit_nasy = s->max_deposit,
                                         .url = s->blobs ? s->blobs : url,
                                         .wait_paid = !s->no_wait,
                                         .rechecks = (uint32_t)s->recheck};
    ay_progress_begin(&bar, "lines", count);
    enum ay_code code = ay_consume(&work->role, &options, out, &jobs, &n, progressed, &bar);
    ay_progress_end(&bar);
    if (code == AY_OK) code = ay_npy_write(s->out, out, count, work->model->dims);
    if (code == AY_OK) report(jobs, n);
    free(jobs);
    free(out);
    return code == AY_OK ? 0 : ay_cli_fail(code, "the work is not done");
}

int ay_cli_job(int argc, char **argv)
{
    struct settings s = {.max_price = 1000, .max_deposit = 100000000, .per_job = 64, .recheck = 1};
    struct ay_cli_work work = {0};
    struct ay_lines lines;
    if (ay_cli.help || argc < 2) return ay_cli_usage(usage);
    if (strcmp(argv[1], "run") != 0) return ay_cli_fail(AY_E_USAGE, "job has no verb %s", argv[1]);
    int failed = read_options(argc - 1, argv + 1, &s);
    if (failed) return failed;
    failed = ay_lines_open(s.file, MAX_INPUT_BYTES, MAX_LINES, &lines);
    if (!failed && lines.count == 0) failed = ay_cli_fail(AY_E_RANGE, "%s is empty", s.file);
    if (!failed) {
        failed = ay_cli_work_open(&work, "job", "--from", s.from, s.model, 0);
        if (!failed) failed = run(&s, &work, lines.at, lines.count);
        ay_cli_work_close(&work);
    }
    ay_lines_close(&lines);
    return failed;
}
