#include "cli/verbs.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* Its name, or NULL when it is none of them. */
static const char *name_of(const struct ay_verbs *verbs, const struct ay_msg *msg,
                           const char *module)
{
    const char *name = verbs->name(msg);
    return name && *name && (!module || !strcmp(msg->module, module)) ? name : NULL;
}

const struct ay_msg *ay_verbs_find(const struct ay_verbs *verbs, const char *module,
                                   const char *name)
{
    for (uint32_t i = 0; i < ay_msgs_count; i++) {
        const char *known = name_of(verbs, ay_msgs[i], module);
        if (known && !strcmp(known, name)) return ay_msgs[i];
    }
    return NULL;
}

int ay_verbs_list(const struct ay_verbs *verbs, const char *module)
{
    FILE *out = ay_cli.help || module ? stdout : stderr;
    bool any = false;
    for (uint32_t i = 0; i < ay_msgs_count; i++) any = any || name_of(verbs, ay_msgs[i], module);
    if (!any) return ay_cli_fail(AY_E_USAGE, "no module %s %s", module, verbs->what);
    fputs(verbs->usage, out);
    for (uint32_t i = 0; i < ay_msgs_count; i++) {
        const char *name = name_of(verbs, ay_msgs[i], module);
        char words[64];
        if (!name) continue;
        snprintf(words, sizeof words, "%s %s", ay_msgs[i]->module, name);
        fprintf(out, "  %-22s %s\n", words, ay_msgs[i]->doc);
    }
    return out == stdout ? 0 : AY_EXIT_USAGE;
}
