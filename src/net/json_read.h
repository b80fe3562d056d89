/* Structs from JSON, by descriptor: the inverse of base/json_write.h and wider in what it takes.
 * Names are snake_case or camelCase; numbers may be JSON numbers or decimal strings; bytes are in
 * the form that the schema says (hex, base64, or a bech32 address); an enum is a name or a number;
 * null is absence; an Any is an object with "@type" beside the fields. Unknown names, a field given
 * under both names, and values over the schema's limits are refused. */
#ifndef AY_NET_JSON_READ_H
#define AY_NET_JSON_READ_H

#include "base/arena.h"
#include "base/json_write.h"
#include "base/schema.h"
#include "base/text.h"

#include <jansson.h>

/* Fills the msg->size bytes at out; everything it points to is in the arena, nothing in json.
 * A refusal is AY_E_FORMAT, or AY_E_LIMIT when the arena is full, and `why` then says where and
 * why: "body.messages[2].amount: expects an array". why may be NULL. */
enum ay_code ay_json_read(const struct ay_msg *msg, const json_t *json, struct ay_arena *arena,
                          void *out, struct ay_text *why) AY_MUST;

/* One value of a field that is not a message, from its text: what ay_json_read takes as a string.
 * Used for REST parameters and command-line flags. to is ay_field_size(f) bytes. On AY_E_FORMAT
 * *expects says what the text should have been. */
enum ay_code ay_value_parse(const struct ay_field *f, struct ay_slice text, struct ay_arena *arena,
                            void *to, const char **expects) AY_MUST;

/* For ay_json_write: 20 bytes as bech32, anything else in hexadecimal. */
void ay_address_write(struct ay_slice address, struct ay_text *out);

#endif
