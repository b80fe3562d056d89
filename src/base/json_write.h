/* JSON from a struct and its descriptor: names in snake_case, every field written, 64-bit numbers
 * as strings, enums by name, bytes as the schema says, an absent message or optional as null. This
 * is what the REST and CLI answers of Cosmos look like too. */
#ifndef AY_BASE_JSON_WRITE_H
#define AY_BASE_JSON_WRITE_H

#include "base/arena.h"
#include "base/schema.h"
#include "base/text.h"

/* Writes bytes that the schema calls an address; the ground knows no bech32. */
typedef void ay_address_writer(struct ay_slice address, struct ay_text *out);

/* Appends the JSON object. address may be NULL: hexadecimal. An Any is opened ("@type" beside the
 * fields) when its type is known, its bytes are canonical and it lies at most 4 deep in others;
 * else it is {"@type", "value"} with base64. scratch is used for that alone and given back.
 * AY_E_LIMIT when out was too small. */
enum ay_code ay_json_write(const struct ay_msg *msg, const void *in, ay_address_writer *address,
                           struct ay_arena *scratch, struct ay_text *out) AY_MUST;

#endif
