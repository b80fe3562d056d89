#include "net/json.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Counts levels and values outside strings without building anything. Text that is not JSON may
 * pass; the parser refuses it then. */
static enum ay_code check_bounds(struct ay_slice text, const char **why)
{
    uint32_t depth = 0, values = 0;
    bool quoted = false;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (quoted) {
            if (c == '\\') i++;
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        if (c == '[' || c == '{') depth++;
        if ((c == ']' || c == '}') && depth) depth--;
        values += c == ',' || c == '[' || c == '{';
        if (depth > AY_JSON_MAX_DEPTH) return *why = "too deep", AY_E_LIMIT;
        if (values > AY_JSON_MAX_VALUES) return *why = "too many values", AY_E_LIMIT;
    }
    return AY_OK;
}

enum ay_code ay_json_parse(struct ay_slice text, json_t **out, char *why, size_t cap)
{
    const char *bound = "";
    enum ay_code code = check_bounds(text, &bound);
    if (code != AY_OK) {
        snprintf(why, cap, "%s", bound);
        return code;
    }
    json_error_t error;
    json_t *root = json_loadb(text.len ? (const char *)text.data : "", text.len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        snprintf(why, cap, "line %d column %d: %s", error.line, error.column, error.text);
        return AY_E_FORMAT;
    }
    *out = root;
    return AY_OK;
}

enum ay_code ay_json_string(const json_t *object, const char *name, const char **out)
{
    const char *value = json_string_value(json_object_get(object, name));
    if (!value) return AY_E_FORMAT;
    *out = value;
    return AY_OK;
}

enum ay_code ay_json_to_int64(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return AY_OK;
    }
    if (!json_is_string(value)) return AY_E_FORMAT;
    struct ay_slice text = ay_slice(json_string_value(value), (uint32_t)json_string_length(value));
    return ay_parse_i64(text, INT64_MIN, INT64_MAX, out) == AY_OK ? AY_OK : AY_E_FORMAT;
}

enum ay_code ay_json_int64(const json_t *object, const char *name, int64_t *out)
{
    return ay_json_to_int64(json_object_get(object, name), out);
}
