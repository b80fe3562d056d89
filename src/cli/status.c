#include "cli/cli.h"

#include "base/text.h"
#include "cli/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int ay_cli_status(int argc, char **argv)
{
    static const char usage[] = "usage: assay status\nWhat the node says of itself.\n";
    struct ay_node_client *node;
    struct ay_node_status status;
    char text[1024];
    if (ay_cli.help) return ay_cli_usage(usage);
    int failed = ay_options_end(argc, argv, 0, "nothing");
    if (!failed) failed = ay_cli_node(&node);
    if (failed) return failed;
    enum ay_code code = ay_node_status(node, &status);
    if (code == AY_OK) {
        struct ay_text out = ay_text_over(text, sizeof text);
        const char *const pairs[][2] = {{"chain_id", status.chain_id},
                                        {"moniker", status.moniker},
                                        {"version", status.version},
                                        {"time", status.time},
                                        {"app_hash", status.app_hash}};
        ay_text_str(&out, "{\"height\":\"");
        ay_text_i64(&out, status.height);
        ay_text_char(&out, '"');
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            ay_text_str(&out, ",\"");
            ay_text_str(&out, pairs[i][0]);
            ay_text_str(&out, "\":");
            ay_text_json(&out, ay_slice_str(pairs[i][1]));
        }
        ay_text_char(&out, '}');
        ay_cli_show(text);
    } else {
        failed = ay_cli_fail(code, "%s", ay_node_message(node));
    }
    ay_node_close(node);
    return failed;
}

int ay_cli_version(int argc, char **argv)
{
    if (ay_cli.help) return ay_cli_usage("usage: assay version\nThe version of this program.\n");
    int failed = ay_options_end(argc, argv, 0, "nothing");
    if (failed) return failed;
    if (ay_cli.json)
        printf("{\"version\":\"%s\"}\n", AY_VERSION);
    else
        printf("assay %s\n", AY_VERSION);
    return 0;
}
