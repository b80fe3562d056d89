/* What the commands share: global options, where things are, how answers and errors look.
 * Data goes to stdout, everything else to stderr. */
#ifndef AY_CLI_CLI_H
#define AY_CLI_CLI_H

#include "base/schema.h"
#include "cli/config.h"
#include "crypto/keystore.h"
#include "net/node_client.h"
#include "role/wallet.h"

#include <limits.h>

#define AY_CLI_ARENA_BYTES (64u << 20)

/* Global options, taken out of argv before a command sees it. */
struct ay_cli {
    char home[PATH_MAX]; /* --home, ASSAY_HOME or ~/.assay */
    const char *node;    /* --node, ASSAY_NODE, or NULL: the home's own */
    bool json;           /* -o json */
    bool help;           /* --help or -h */
    bool color;          /* stderr is a terminal and NO_COLOR is not set */
    char command[96];    /* whose --help says more when it is used wrongly */
};
extern struct ay_cli ay_cli;

enum ay_exit {
    AY_EXIT_OK = 0,
    AY_EXIT_FAILURE = 1,
    AY_EXIT_USAGE = 2,
    AY_EXIT_NOT_FOUND = 3,
    AY_EXIT_UNREACHABLE = 4,
    AY_EXIT_REJECTED = 5,
    AY_EXIT_KEY = 6,
    AY_EXIT_INTERRUPTED = 130
};

/* Each command: argv[0] is its name; returns the process's exit code. */
typedef int ay_cli_command(int argc, char **argv);
ay_cli_command ay_cli_init, ay_cli_start, ay_cli_keys, ay_cli_tx, ay_cli_query, ay_cli_model,
    ay_cli_job, ay_cli_provide, ay_cli_watch, ay_cli_status, ay_cli_version;

/* Takes the global options, which may stand anywhere before "--", out of argv into ay_cli; what is
 * not said comes from the environment. 0 or the exit code, having said what is wrong. */
int ay_cli_globals(int *argc, char **argv);

/* The exit code for an error. */
int ay_cli_exit(enum ay_code code);

/* "assay: <text>" to stderr; returns ay_cli_exit(code), AY_OK counting as a failure that the text
 * says all of. After it: with AY_E_USAGE where to read more; with other codes the code's own text,
 * unless the text has it or says what was not found. */
int ay_cli_fail(enum ay_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a usage text to stdout when help was asked for, else to stderr; returns 0 or
 * AY_EXIT_USAGE. */
int ay_cli_usage(const char *text);

/* home/name into path. AY_E_LIMIT when it is too long. */
enum ay_code ay_cli_path(char path[PATH_MAX], const char *name) AY_MUST;

/* Makes the folder home/name ("": the home itself) and its parents, 0700, where they are missing.
 */
enum ay_code ay_cli_make_folder(const char *name) AY_MUST;

/* Prints a JSON text: as it is with -o json, else as "name: value" lines, indented by depth. */
void ay_cli_show(const char *json);

/* Prints a message of the schema the same way. */
enum ay_code ay_cli_show_msg(const struct ay_msg *msg, const void *value) AY_MUST;

/* An arena for one command's whole life; stops the process without memory. _free gives it back. */
struct ay_arena ay_cli_arena(void);
void ay_cli_arena_free(struct ay_arena *arena);

/* The home's settings; without a file the defaults. Prints what is wrong with one; 0 or the exit
 * code. */
int ay_cli_config(struct ay_config *config);

/* The node to talk to: --node, else the address in the home's configuration, else the default.
 * Prints what is wrong; the return value is the exit code, 0 when *out is open. */
int ay_cli_node(struct ay_node_client **out);

/* Its URL alone. */
int ay_cli_node_url(char *url, size_t room);

/* Unlocks a key of the keystore by name; the passphrase comes from ASSAY_PASSPHRASE, the file that
 * ASSAY_PASSPHRASE_FILE names, or the terminal. Exit code as above. */
int ay_cli_signer(const char *name, struct ay_signer *signer);
extern const struct ay_passphrase ay_cli_passphrase;

/* Opens node, key and wallet together. Exit code as above. */
struct ay_cli_session {
    struct ay_node_client *node;
    struct ay_signer signer;
    struct ay_wallet *wallet;
};
int ay_cli_session_open(const char *key, const char *gas_price, struct ay_cli_session *session);
void ay_cli_session_close(struct ay_cli_session *session);

/* A bar on stderr for work of `total` steps, shown when stderr is a terminal and two seconds have
 * passed. */
struct ay_progress {
    const char *what;
    uint64_t total;
    uint64_t begun_ms, drawn_ms;
    bool shown;
};
void ay_progress_begin(struct ay_progress *progress, const char *what, uint64_t total);
void ay_progress_set(struct ay_progress *progress, uint64_t done);
void ay_progress_end(struct ay_progress *progress);

/* Set by SIGINT and SIGTERM once ay_cli_catch() has run, until ay_cli_uncatch() brings back what
 * they did before. */
extern volatile int ay_cli_stop;
void ay_cli_catch(void);
void ay_cli_uncatch(void);

#endif
