#include "cli/options.h"

#include "base/text.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

static const struct ay_option *find(const struct ay_option *options, const char *arg, size_t len)
{
    for (; options->name; options++)
        if (strlen(options->name) == len && memcmp(options->name, arg, len) == 0) return options;
    return NULL;
}

static int take_number(const struct ay_option *option, const char *value)
{
    uint64_t number;
    if (ay_parse_u64(ay_slice_str(value), option->max, &number) != AY_OK || number < option->min)
        return ay_cli_fail(AY_E_USAGE,
                           "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not %s",
                           option->name, option->min, option->max, value);
    *(uint64_t *)option->to = number;
    return 0;
}

static int take_value(const struct ay_option *option, char *value)
{
    if (option->kind == AY_OPTION_NUMBER) return take_number(option, value);
    if (option->kind == AY_OPTION_CALL) return option->call(option->to, value);
    *(const char **)option->to = value;
    return 0;
}

/* The option that begins at argv[i]; *used says how many arguments it takes up. */
static int take(const struct ay_option *option, char **argv, int i, int *used)
{
    char *equals = strchr(argv[i], '='), *value = equals ? equals + 1 : argv[i + 1];
    *used = 1;
    if (option->kind == AY_OPTION_FLAG) {
        if (equals) return ay_cli_fail(AY_E_USAGE, "%s takes no value", option->name);
        *(bool *)option->to = true;
        return 0;
    }
    /* A value that looks like an option is one, and the value was forgotten. */
    if (!value || !*value || (!equals && strncmp(value, "--", 2) == 0))
        return ay_cli_fail(AY_E_USAGE, "%s needs a value", option->name);
    *used = equals ? 1 : 2;
    return take_value(option, value);
}

int ay_options_take(int *argc, char **argv, const struct ay_option *options)
{
    int kept = 0, failed;
    for (int i = 0, used; i < *argc; i += used) {
        const struct ay_option *option = find(options, argv[i], strcspn(argv[i], "="));
        if (option) {
            failed = take(option, argv, i, &used);
            if (failed) return failed;
            continue;
        }
        used = strcmp(argv[i], "--") == 0 ? *argc - i : 1; /* after it there are only words */
        memmove(&argv[kept], &argv[i], sizeof *argv * (size_t)used);
        kept += used;
    }
    argv[kept] = NULL;
    *argc = kept;
    return 0;
}

int ay_options_end(int argc, char **argv, int count, const char *what)
{
    int words = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
            continue;
        }
        if (!ended && argv[i][0] == '-' && argv[i][1])
            return ay_cli_fail(AY_E_USAGE, "there is no option %s", argv[i]);
        if (words == count) return ay_cli_fail(AY_E_USAGE, "what is %s for?", argv[i]);
        argv[++words] = argv[i];
    }
    return words == count ? 0 : ay_cli_fail(AY_E_USAGE, "%s takes %s", argv[0], what);
}
