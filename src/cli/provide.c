#include "cli/work.h"

#include "cli/options.h"
#include "tensor/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: assay provide --key NAME --model DIR [--price NASY] [--lock NASY] [--bond NASY]\n"
    "                     [--capacity UNITS] [--tier N] [--rate UNITS] [--listen HOST:PORT]\n"
    "                     [--url URL] [--threads N]\n"
    "Keeps an ask standing, runs the jobs that the market gives it, and defends its claims. The "
    "bond\n"
    "can be slashed for a wrong answer, for silence in a dispute or when its outputs are demanded, "
    "and for\n"
    "nothing else. Stop it with SIGINT: the ask is taken back. Start it again to finish and defend "
    "jobs\n"
    "still in hand.\n"
    "  --key        who earns and signs\n"
    "  --price      least price of a million work units, in nasy (default 100)\n"
    "  --bond       raise the bond to this first (default: the lock)\n"
    "  --lock       coins of the bond that this ask may put at risk (default 1000000000)\n"
    "  --capacity   work units in hand at one time (default: 1000 of the longest runs)\n"
    "  --rate       units a second that a dispute may count on (default: half of what is "
    "measured)\n"
    "  --tier       stake tier to serve (default 0)\n"
    "  --listen     where outputs are served (default 127.0.0.1 and a port of the key's own)\n"
    "  --url        how others reach that (default http://LISTEN)\n"
    "  --threads    for computing (default: one a processor)\n";

struct settings {
    const char *key, *model, *listen, *url;
    uint64_t price, lock, bond, capacity, tier, rate, threads;
};

static int read_options(int argc, char **argv, struct settings *s)
{
    const struct ay_option options[] = {
        {.name = "--key", .kind = AY_OPTION_TEXT, .to = &s->key},
        {.name = "--model", .kind = AY_OPTION_TEXT, .to = &s->model},
        {.name = "--listen", .kind = AY_OPTION_TEXT, .to = &s->listen},
        {.name = "--url", .kind = AY_OPTION_TEXT, .to = &s->url},
        {"--price", AY_OPTION_NUMBER, &s->price, .max = INT64_MAX},
        {"--lock", AY_OPTION_NUMBER, &s->lock, .min = 1, .max = INT64_MAX},
        {"--bond", AY_OPTION_NUMBER, &s->bond, .max = INT64_MAX},
        {"--capacity", AY_OPTION_NUMBER, &s->capacity, .min = 1, .max = INT64_MAX},
        {"--tier", AY_OPTION_NUMBER, &s->tier, .max = UINT32_MAX},
        {"--rate", AY_OPTION_NUMBER, &s->rate, .min = 1, .max = INT64_MAX},
        {"--threads", AY_OPTION_NUMBER, &s->threads, .min = 1, .max = AY_MAX_THREADS},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    return failed ? failed : ay_options_end(argc, argv, 0, "only options");
}

/* The same port after each start, so that outputs stay where their claims say; below those that the
 * system gives to clients. */
static uint16_t own_port(const struct ay_signer *signer)
{
    uint32_t high = signer->address[0], low = signer->address[1];
    return (uint16_t)(20000 + (high << 8 | low) % 12000);
}

/* Serves the role's blobs; *url is how others reach them. */
static int serve(const struct settings *s, struct ay_role *role, struct ay_http_server **server,
                 char url[160])
{
    static struct ay_http_route routes[2];
    char host[AY_MAX_CONFIG_TEXT] = "127.0.0.1";
    uint16_t port = own_port(role->signer);
    if (s->listen && !ay_config_address(s->listen, host, &port))
        return ay_cli_fail(AY_E_USAGE, "--listen takes HOST:PORT, not %s", s->listen);
    routes[0] =
        (struct ay_http_route){AY_HTTP_GET, "/blobs/{id}", ay_blob_http_get, role->blobs, 0};
    routes[1] = (struct ay_http_route){AY_HTTP_GET, "/blobs/{id}/proof", ay_blob_http_proof,
                                       role->blobs, 0};
    struct ay_http_options options = {.address = host,
                                      .port = port,
                                      .key = getenv("ASSAY_BLOB_KEY"),
                                      .routes = routes,
                                      .route_count = 2};
    enum ay_code code = ay_http_start(&options, server);
    if (code == AY_E_EXISTS && !s->listen) { /* taken by another program: any that is free */
        options.port = 0;
        code = ay_http_start(&options, server);
    }
    if (code == AY_E_USAGE)
        return ay_cli_fail(
            code,
            "--listen %s is no loopback address, so ASSAY_BLOB_KEY (16 characters or "
            "more) must be set",
            host);
    if (code != AY_OK) return ay_cli_fail(code, "cannot serve on %s", host);
    if (s->url)
        snprintf(url, 160, "%s", s->url);
    else
        snprintf(url, 160, "http://%s:%u", host, ay_http_port(*server));
    return 0;
}

int ay_cli_provide(int argc, char **argv)
{
    return ay_cli_provide_with(argc, argv, NULL);
}

int ay_cli_provide_with(int argc, char **argv,
                        void (*wrap)(struct ay_compute *compute,
                                     struct ay_provide_options *options))
{
    struct settings s = {.price = 100, .lock = 1000000000};
    struct ay_cli_work work = {0};
    struct ay_http_server *server = NULL;
    char url[160];
    if (ay_cli.help) return ay_cli_usage(usage);
    int failed = read_options(argc, argv, &s);
    if (failed) return failed;
    failed = ay_cli_work_open(&work, "provide", "--key", s.key, s.model, (uint32_t)s.threads);
    if (!failed) failed = serve(&s, &work.role, &server, url);
    if (!failed) {
        uint64_t most = ay_program_max_units(&work.model->program);
        struct ay_provide_options options = {.tier = (uint32_t)s.tier,
                                             .price_nasy = s.price,
                                             .capacity_units =
                                                 s.capacity ? s.capacity : 1000 * most,
                                             .lock_nasy = s.lock,
                                             .bond_nasy = s.bond ? s.bond : s.lock,
                                             .rate_units = s.rate,
                                             .url = url};
        if (wrap) wrap(&work.compute, &options);
        enum ay_code code = ay_provide(&work.role, &options);
        if (code != AY_OK) failed = ay_cli_fail(code, "cannot go on");
    }
    ay_http_stop(server);
    ay_cli_work_close(&work);
    return failed;
}
