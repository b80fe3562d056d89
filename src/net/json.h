/* Bounded JSON parsing over jansson, which itself allows 2,048 levels and any number of values. */
#ifndef AY_NET_JSON_H
#define AY_NET_JSON_H

#include "base/bytes.h"
#include "base/code.h"

#include <jansson.h>
#include <stddef.h>

enum {
    AY_JSON_MAX_DEPTH = 64,
    AY_JSON_MAX_VALUES = 65536, /* so that a text's tree stays within a few MiB */
};

/* Parses exactly one JSON value of any type; duplicate keys, NUL and trailing text are refused.
 * *out is the caller's (json_decref). AY_E_LIMIT: too deep or too many values; AY_E_FORMAT; both
 * with a text that names line and column in why[cap]. */
enum ay_code ay_json_parse(struct ay_slice text, json_t **out, char *why, size_t cap) AY_MUST;

/* Typed access to a member of an object that came from outside; object may be NULL or no object.
 * AY_E_FORMAT when it is missing or of another type, out then untouched. A 64-bit number is a
 * number or a decimal string. Strings are borrowed from the tree. */
enum ay_code ay_json_string(const json_t *object, const char *name, const char **out) AY_MUST;
enum ay_code ay_json_int64(const json_t *object, const char *name, int64_t *out) AY_MUST;

/* The value of one JSON number or decimal string. AY_E_FORMAT. */
enum ay_code ay_json_to_int64(const json_t *value, int64_t *out) AY_MUST;

#endif
