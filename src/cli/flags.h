/* Command-line flags of a message, from its descriptor: --to-address A --amount 5nasy. A field's
 * flag is its name with - for _; a nested message's fields are --outer.inner; a repeated field's
 * flag is given once a value; a message that is repeated, or given whole, is JSON, and a coin is
 * also NUMBERdenom. --flag=value and --flag value are the same; a bool alone means true. */
#ifndef AY_CLI_FLAGS_H
#define AY_CLI_FLAGS_H

#include "base/arena.h"
#include "base/schema.h"
#include "base/text.h"

/* Fills the struct at out, which is cleared or holds what the caller gave already; flags add to it.
 * Slices and arrays are in the arena. AY_E_USAGE: an unknown flag, one given twice, a bad value, a
 * word that is no flag, or bytes of fixed length that nobody gave; `why` then names the flag and
 * says what it expects. AY_E_LIMIT: the arena is full. */
enum ay_code ay_flags_read(const struct ay_msg *msg, int argc, char *const argv[],
                           struct ay_arena *arena, void *out, struct ay_text *why) AY_MUST;

/* Appends a line for each flag: name, what it takes, what it is, unit. `skip` is a field that the
 * command fills by itself, such as the signer, or NULL. */
void ay_flags_help(const struct ay_msg *msg, const struct ay_field *skip, struct ay_text *out);

#endif
