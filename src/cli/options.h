/* A command's own options, from one table: --name value or --name=value, anywhere before "--". What
 * is wrong is said on stderr: the option, and what it takes. */
#ifndef AY_CLI_OPTIONS_H
#define AY_CLI_OPTIONS_H

#include <stdint.h>

enum ay_option_kind {
    AY_OPTION_FLAG,   /* bool *to: takes no value */
    AY_OPTION_TEXT,   /* const char **to: borrowed from argv */
    AY_OPTION_NUMBER, /* uint64_t *to: a whole number from min to max */
    AY_OPTION_CALL,   /* call(to, value), each time it is given */
};

struct ay_option {
    const char *name; /* with its dashes */
    enum ay_option_kind kind;
    void *to;
    uint64_t min, max;
    int (*call)(void *to, char *value); /* 0, or the exit code once it has said what is wrong */
};

/* Takes the options of the table, whose last has no name, out of argv; the last one given counts.
 * Others stay. 0 or the exit code. */
int ay_options_take(int *argc, char **argv, const struct ay_option *options)
    __attribute__((warn_unused_result));

/* What is left after argv[0] must be `count` words; takes a "--" before them out. `what` names them
 * for the one who left some out: "FROM DIR". 0 or the exit code. */
int ay_options_end(int argc, char **argv, int count, const char *what)
    __attribute__((warn_unused_result));

#endif
