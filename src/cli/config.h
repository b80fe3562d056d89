/* The node's settings: config/config.toml in the home folder, a TOML subset ([section] and
 * key = "string" | integer | true | false, comments with #). One table says which settings there
 * are; it writes the first file and reads it back. */
#ifndef AY_CLI_CONFIG_H
#define AY_CLI_CONFIG_H

#include "base/code.h"

#include <stdbool.h>
#include <stdint.h>

#define AY_MAX_CONFIG_TEXT 256   /* bytes of one string setting, with its NUL */
#define AY_MAX_CONFIG_FILE 65536 /* bytes of the file */
#define AY_CONFIG_WHY      128   /* bytes of a reason, with its NUL */

struct ay_config {
    char moniker[AY_MAX_CONFIG_TEXT];
    char rpc_address[AY_MAX_CONFIG_TEXT];   /* host:port */
    char rpc_key[AY_MAX_CONFIG_TEXT];       /* bearer token; needed off loopback */
    char cors_origins[AY_MAX_CONFIG_TEXT];  /* comma-separated */
    char min_gas_price[AY_MAX_CONFIG_TEXT]; /* "0.025nasy" */
    uint64_t mempool_txs;
    uint64_t mempool_bytes;
    uint64_t map_bytes; /* first size of the data file's map */
    uint64_t blob_quota_bytes;
};

/* The defaults. */
void ay_config_default(struct ay_config *config);

/* Sets one, from text as the file has it, without quotes. NULL, or why not. */
const char *ay_config_set(struct ay_config *config, const char *section, const char *key,
                          const char *text) AY_MUST;

/* Reads path over the values in *config. AY_E_NOT_FOUND without a file; else `why` says what is
 * wrong: AY_E_FORMAT with the line, for an unknown or repeated setting, a wrong type or a bad line;
 * AY_E_LIMIT, AY_E_MEMORY, AY_E_IO. */
enum ay_code ay_config_read(const char *path, struct ay_config *config,
                            char why[AY_CONFIG_WHY]) AY_MUST;

/* "host:port" in two. False when it is not of this form, or the host has no room. */
bool ay_config_address(const char *address, char host[AY_MAX_CONFIG_TEXT], uint16_t *port) AY_MUST;

/* Writes a new file with every setting, its value and what it is for. AY_E_EXISTS, AY_E_IO. */
enum ay_code ay_config_write(const char *path, const struct ay_config *config) AY_MUST;

#endif
