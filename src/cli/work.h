/* What the commands that run a role share: a model, a wallet, the role and its blobs. */
#ifndef AY_CLI_WORK_H
#define AY_CLI_WORK_H

#include "cli/cli.h"
#include "role/provide.h"
#include "role/role.h"

struct ay_cli_work {
    struct ay_cli_session session;
    struct ay_model *model;
    struct ay_compute compute;
    struct ay_role role;
};

/* Opens all of it; blobs lie in HOME/<name>-<address>. key and model are the values of the options
 * key_option and --model, NULL when they are missing. Prints what is wrong; 0 or the exit code. */
int ay_cli_work_open(struct ay_cli_work *work, const char *name, const char *key_option,
                     const char *key, const char *model, uint32_t threads);
void ay_cli_work_close(struct ay_cli_work *work);

/* `assay provide` as another than the honest provider: wrap (may be NULL) changes what it computes
 * with and its options once they are read. No command does this; the tests' lying provider is made
 * of it. */
int ay_cli_provide_with(int argc, char **argv,
                        void (*wrap)(struct ay_compute *compute,
                                     struct ay_provide_options *options));

#endif
