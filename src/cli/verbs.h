/* The commands that the schema makes: a module and a name for each message of a kind. */
#ifndef AY_CLI_VERBS_H
#define AY_CLI_VERBS_H

#include "base/schema.h"

struct ay_verbs {
    const char *(*name)(
        const struct ay_msg *msg); /* "": not on the command line; NULL: another kind */
    const char *usage;             /* printed before the list */
    const char *what;              /* what no module of a wrong name does */
};

/* The message, or NULL. */
const struct ay_msg *ay_verbs_find(const struct ay_verbs *verbs, const char *module,
                                   const char *name);

/* Prints all of them, or those of one module; the exit code. */
int ay_verbs_list(const struct ay_verbs *verbs, const char *module);

#endif
