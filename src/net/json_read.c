#include "net/json_read.h"

#include "base/codec.h"
#include "base/gen/protobuf.h"
#include "crypto/bech32.h"

#define ANY_DEPTH 4

/* Where in the JSON we are; each level points to the one around it. */
struct place {
    const struct place *up;
    const char *name; /* NULL: element `index` of the one around it */
    uint32_t index;
};

struct reader {
    struct ay_arena *arena;
    struct ay_text *why; /* or NULL */
    uint32_t any_depth;
};

static void write_place(struct ay_text *t, const struct place *at)
{
    if (!at) return;
    write_place(t, at->up);
    if (at->name) {
        if (at->up) ay_text_char(t, '.');
        ay_text_str(t, at->name);
        return;
    }
    ay_text_char(t, '[');
    ay_text_u64(t, at->index);
    ay_text_char(t, ']');
}

static enum ay_code refuse(struct reader *r, const struct place *at, const char *what)
{
    if (!r->why) return AY_E_FORMAT;
    write_place(r->why, at);
    if (at) ay_text_str(r->why, ": ");
    ay_text_str(r->why, what);
    return AY_E_FORMAT;
}

void ay_address_write(struct ay_slice address, struct ay_text *out)
{
    char text[AY_ADDRESS_TEXT_CHARS + 1];
    if (address.len != AY_ADDRESS_BYTES) {
        ay_text_hex(out, address);
        return;
    }
    ay_address_encode(address.data, text);
    ay_text_str(out, text);
}

/* ---- values from text ---- */

static enum ay_code parse_number(const struct ay_field *f, struct ay_slice text, void *to)
{
    uint64_t u = 0;
    int64_t i = 0;
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_U32: AY_TRY(ay_parse_u64(text, UINT32_MAX, &u)); break;
    case AY_KIND_U64:
    case AY_KIND_FIXED64: AY_TRY(ay_parse_u64(text, UINT64_MAX, &u)); break;
    case AY_KIND_I32: AY_TRY(ay_parse_i64(text, INT32_MIN, INT32_MAX, &i)); break;
    case AY_KIND_I64:
    case AY_KIND_SFIXED64: AY_TRY(ay_parse_i64(text, INT64_MIN, INT64_MAX, &i)); break;
    case AY_KIND_BOOL:
    case AY_KIND_ENUM:
    case AY_KIND_STRING:
    case AY_KIND_BYTES:
    case AY_KIND_FIXED:
    case AY_KIND_MESSAGE:
    case AY_KIND_COUNT: ay_panic(__FILE__, __LINE__, "not a number");
    }
    u |= (uint64_t)i;
    ay_field_set_number(f, to, u);
    return AY_OK;
}

static enum ay_code parse_enum(const struct ay_field *f, struct ay_slice text, void *to)
{
    uint64_t number;
    const struct ay_enum_value *v = ay_enum_named(f->values, text);
    if (!v && ay_parse_u64(text, UINT32_MAX, &number) == AY_OK)
        v = ay_enum_find(f->values, (uint32_t)number);
    if (!v) return AY_E_FORMAT;
    memcpy(to, &v->number, sizeof v->number);
    return AY_OK;
}

static enum ay_code parse_bytes(const struct ay_field *f, struct ay_slice text,
                                struct ay_arena *arena, void *to)
{
    uint32_t cap = text.len < f->len ? text.len : f->len;
    uint8_t *bytes = ay_arena_take(arena, cap > AY_ADDRESS_BYTES ? cap : AY_ADDRESS_BYTES, 1);
    struct ay_slice s = {bytes, 0};
    if (!bytes) return AY_E_LIMIT;
    if (f->text == AY_TEXT_ADDRESS) {
        s.len = AY_ADDRESS_BYTES;
        if (ay_address_decode(text, bytes) != AY_OK || s.len > f->len) return AY_E_FORMAT;
    } else {
        enum ay_code code = f->text == AY_TEXT_HEX ? ay_parse_hex(text, bytes, cap, &s.len)
                                                   : ay_parse_base64(text, bytes, cap, &s.len);
        if (code != AY_OK) return AY_E_FORMAT;
    }
    if (f->kind == AY_KIND_FIXED && s.len != f->len) return AY_E_FORMAT;
    if (f->kind == AY_KIND_FIXED)
        memcpy(to, bytes, s.len);
    else
        memcpy(to, &s, sizeof s);
    return AY_OK;
}

static const char *expected(const struct ay_field *f)
{
    static const char *const by_form[] = {
        [AY_TEXT_HEX] = "expects hexadecimal bytes within the field's length",
        [AY_TEXT_BASE64] = "expects base64 bytes within the field's length",
        [AY_TEXT_ADDRESS] = "expects an address",
    };
    static const char *const by_kind[AY_KIND_COUNT] = {
        [AY_KIND_BOOL] = "expects true or false",
        [AY_KIND_U32] = "expects a whole number from 0 to 2^32 - 1",
        [AY_KIND_U64] = "expects a whole number from 0 to 2^64 - 1",
        [AY_KIND_I32] = "expects a whole number from -2^31 to 2^31 - 1",
        [AY_KIND_I64] = "expects a whole number from -2^63 to 2^63 - 1",
        [AY_KIND_FIXED64] = "expects a whole number from 0 to 2^64 - 1",
        [AY_KIND_SFIXED64] = "expects a whole number from -2^63 to 2^63 - 1",
        [AY_KIND_ENUM] = "expects one of the enum's names",
        [AY_KIND_STRING] = "expects text in UTF-8 within the field's length",
        [AY_KIND_MESSAGE] = "expects an object",
    };
    bool is_bytes = f->kind == AY_KIND_BYTES || f->kind == AY_KIND_FIXED;
    return is_bytes ? by_form[f->text] : by_kind[f->kind];
}

enum ay_code ay_value_parse(const struct ay_field *f, struct ay_slice text, struct ay_arena *arena,
                            void *to, const char **expects)
{
    struct ay_slice copy;
    *expects = expected(f);
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_BOOL:
        if (!ay_slice_equal(text, ay_slice_str("true")) &&
            !ay_slice_equal(text, ay_slice_str("false")))
            return AY_E_FORMAT;
        *(bool *)to = text.len == 4;
        return AY_OK;
    case AY_KIND_ENUM: return parse_enum(f, text, to);
    case AY_KIND_STRING:
        if (text.len > f->len || !ay_utf8_valid(text)) return AY_E_FORMAT;
        AY_TRY(ay_arena_copy(arena, text, &copy));
        memcpy(to, &copy, sizeof copy);
        return AY_OK;
    case AY_KIND_BYTES:
    case AY_KIND_FIXED: return parse_bytes(f, text, arena, to);
    case AY_KIND_U32:
    case AY_KIND_U64:
    case AY_KIND_I32:
    case AY_KIND_I64:
    case AY_KIND_FIXED64:
    case AY_KIND_SFIXED64: return parse_number(f, text, to) == AY_OK ? AY_OK : AY_E_FORMAT;
    case AY_KIND_MESSAGE:
    case AY_KIND_COUNT: break;
    }
    return AY_E_FORMAT;
}

/* ---- JSON ---- */

static enum ay_code read_object(struct reader *r, const struct place *at, const struct ay_msg *msg,
                                const json_t *json, bool is_any, void *out);

static enum ay_code read_any(struct reader *r, const struct place *at, const json_t *json,
                             struct ay_protobuf_any *out)
{
    const char *type = json_string_value(json_object_get(json, "@type"));
    const struct ay_msg *msg = type ? ay_msg_find_url(ay_slice_str(type)) : NULL;
    if (!type) return refuse(r, at, "expects an object with \"@type\"");
    if (!msg || msg == &ay_protobuf_any_msg) return refuse(r, at, "unknown \"@type\"");
    if (r->any_depth == ANY_DEPTH) return refuse(r, at, "too deep");
    void *opened = ay_arena_take(r->arena, 1, msg->size);
    if (!opened) return AY_E_LIMIT;
    r->any_depth++;
    AY_TRY(read_object(r, at, msg, json, true, opened));
    r->any_depth--;
    AY_TRY(ay_arena_copy(r->arena, ay_slice_str(type), &out->type_url));
    return ay_encode_arena(msg, opened, r->arena, &out->value);
}

/* A scalar as text: a JSON string as it is, an integer or boolean spelled out in buf. */
static bool scalar_text(const struct ay_field *f, const json_t *json, char buf[24],
                        struct ay_slice *out)
{
    bool is_number = f->kind != AY_KIND_BOOL && f->kind != AY_KIND_STRING &&
                     f->kind != AY_KIND_BYTES && f->kind != AY_KIND_FIXED;
    struct ay_text t = ay_text_over(buf, 24);
    if (json_is_string(json) && f->kind != AY_KIND_BOOL) {
        *out = ay_slice(json_string_value(json), (uint32_t)json_string_length(json));
        return json_string_length(json) <= UINT32_MAX;
    }
    if (json_is_boolean(json) && f->kind == AY_KIND_BOOL)
        ay_text_str(&t, json_is_true(json) ? "true" : "false");
    else if (json_is_integer(json) && is_number)
        ay_text_i64(&t, json_integer_value(json));
    else
        return false;
    *out = ay_slice(buf, t.len);
    return true;
}

static enum ay_code read_value(struct reader *r, const struct place *at, const struct ay_field *f,
                               const json_t *json, void *to)
{
    char buf[24];
    struct ay_slice text;
    const char *expects = expected(f);
    if (f->kind == AY_KIND_MESSAGE) {
        if (f->sub == &ay_protobuf_any_msg) return read_any(r, at, json, to);
        return read_object(r, at, f->sub, json, false, to);
    }
    if (!scalar_text(f, json, buf, &text)) return refuse(r, at, expects);
    enum ay_code code = ay_value_parse(f, text, r->arena, to, &expects);
    return code == AY_E_FORMAT ? refuse(r, at, expects) : code;
}

static enum ay_code read_array(struct reader *r, const struct place *at, const struct ay_field *f,
                               const json_t *json, void *out)
{
    if (!json_is_array(json)) return refuse(r, at, "expects an array");
    if (json_array_size(json) > f->max_count) return refuse(r, at, "has too many elements");
    uint32_t n = (uint32_t)json_array_size(json), size = ay_field_size(f);
    uint8_t *values = ay_arena_take(r->arena, n, size);
    if (!values) return AY_E_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        struct place element = {at, NULL, i};
        AY_TRY(read_value(r, &element, f, json_array_get(json, i), values + (size_t)i * size));
    }
    memcpy((uint8_t *)out + f->offset, &values, sizeof values);
    memcpy((uint8_t *)out + f->aside, &n, sizeof n);
    return AY_OK;
}

/* Every name in the object must be a field's, and none may come in both spellings. */
static enum ay_code check_names(struct reader *r, const struct place *at, const struct ay_msg *msg,
                                json_t *json, bool is_any)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        struct place here = {at, key, 0};
        if (is_any && strcmp(key, "@type") == 0) continue;
        const struct ay_field *f = ay_field_find(msg, ay_slice_str(key));
        if (!f) return refuse(r, &here, "unknown field");
        if (strcmp(key, f->name) != 0 && json_object_get(json, f->name))
            return refuse(r, &here, "given twice");
    }
    return AY_OK;
}

static enum ay_code read_object(struct reader *r, const struct place *at, const struct ay_msg *msg,
                                const json_t *json, bool is_any, void *out)
{
    memset(out, 0, msg->size);
    if (!json_is_object(json)) return refuse(r, at, "expects an object");
    AY_TRY(check_names(r, at, msg, (json_t *)(uintptr_t)json, is_any));
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        struct place here = {at, f->name, 0};
        const json_t *value = json_object_get(json, f->name);
        if (!value) value = json_object_get(json, f->camel);
        if (!value || json_is_null(value)) {
            if (f->kind == AY_KIND_FIXED && f->flags & AY_FIELD_REQUIRED)
                return refuse(r, &here, "missing");
            continue;
        }
        if (f->flags & AY_FIELD_REPEATED) {
            AY_TRY(read_array(r, &here, f, value, out));
            continue;
        }
        AY_TRY(read_value(r, &here, f, value, (uint8_t *)out + f->offset));
        if (f->flags & AY_FIELD_HAS) *(bool *)((uint8_t *)out + f->aside) = true;
    }
    return AY_OK;
}

enum ay_code ay_json_read(const struct ay_msg *msg, const json_t *json, struct ay_arena *arena,
                          void *out, struct ay_text *why)
{
    struct reader r = {arena, why, 0};
    if (msg == &ay_protobuf_any_msg) return read_any(&r, NULL, json, out);
    return read_object(&r, NULL, msg, json, false, out);
}
