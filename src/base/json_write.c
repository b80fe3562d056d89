#include "base/json_write.h"

#include "base/codec.h"
#include "base/gen/protobuf.h"

#define ANY_DEPTH 4

struct json {
    struct ay_text *out;
    ay_address_writer *address;
    struct ay_arena *scratch;
    uint32_t any_depth;
};

static void put_fields(struct json *j, const struct ay_msg *msg, const void *in, bool first);

static void put_message(struct json *j, const struct ay_msg *msg, const void *in)
{
    ay_text_char(j->out, '{');
    put_fields(j, msg, in, true);
    ay_text_char(j->out, '}');
}

static void put_any(struct json *j, const struct ay_protobuf_any *any)
{
    const struct ay_msg *msg = ay_msg_find_url(any->type_url);
    size_t mark = j->scratch->used;
    void *opened = NULL;
    if (msg && msg != &ay_protobuf_any_msg && j->any_depth < ANY_DEPTH)
        opened = ay_arena_take(j->scratch, 1, msg->size);
    bool ok = opened && ay_decode(msg, any->value, j->scratch, opened, NULL) == AY_OK;
    ay_text_str(j->out, "{\"@type\":");
    ay_text_json(j->out, any->type_url);
    if (ok) {
        j->any_depth++;
        put_fields(j, msg, opened, false);
        j->any_depth--;
    } else {
        ay_text_str(j->out, ",\"value\":\"");
        ay_text_base64(j->out, any->value);
        ay_text_char(j->out, '"');
    }
    ay_text_char(j->out, '}');
    ay_arena_rewind(j->scratch, mark);
}

static void put_bytes(struct json *j, const struct ay_field *f, const void *value)
{
    struct ay_slice s = ay_slice(value, f->len);
    if (f->kind == AY_KIND_BYTES) memcpy(&s, value, sizeof s);
    ay_text_char(j->out, '"');
    if (f->text == AY_TEXT_BASE64)
        ay_text_base64(j->out, s);
    else if (f->text == AY_TEXT_ADDRESS && j->address)
        j->address(s, j->out);
    else
        ay_text_hex(j->out, s);
    ay_text_char(j->out, '"');
}

static void put_enum(struct json *j, const struct ay_field *f, uint32_t number)
{
    const struct ay_enum_value *v = ay_enum_find(f->values, number);
    if (!v) {
        ay_text_u64(j->out, number);
        return;
    }
    ay_text_char(j->out, '"');
    ay_text_str(j->out, v->name);
    ay_text_char(j->out, '"');
}

static void put_number(struct json *j, const struct ay_field *f, const void *value)
{
    uint64_t v = ay_field_number(f, value);
    bool is_signed =
        f->kind == AY_KIND_I32 || f->kind == AY_KIND_I64 || f->kind == AY_KIND_SFIXED64;
    bool quoted = ay_field_size(f) == 8;
    if (quoted) ay_text_char(j->out, '"');
    if (is_signed)
        ay_text_i64(j->out, (int64_t)v);
    else
        ay_text_u64(j->out, v);
    if (quoted) ay_text_char(j->out, '"');
}

static void put_value(struct json *j, const struct ay_field *f, const void *value)
{
    struct ay_slice s;
    uint32_t number;
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_BOOL: ay_text_str(j->out, *(const bool *)value ? "true" : "false"); return;
    case AY_KIND_U32:
    case AY_KIND_U64:
    case AY_KIND_I32:
    case AY_KIND_I64:
    case AY_KIND_FIXED64:
    case AY_KIND_SFIXED64: put_number(j, f, value); return;
    case AY_KIND_ENUM:
        memcpy(&number, value, sizeof number);
        put_enum(j, f, number);
        return;
    case AY_KIND_STRING:
        memcpy(&s, value, sizeof s);
        ay_text_json(j->out, s);
        return;
    case AY_KIND_BYTES:
    case AY_KIND_FIXED: put_bytes(j, f, value); return;
    case AY_KIND_MESSAGE:
        if (f->sub == &ay_protobuf_any_msg)
            put_any(j, value);
        else
            put_message(j, f->sub, value);
        return;
    case AY_KIND_COUNT: break;
    }
    ay_panic(__FILE__, __LINE__, "unknown kind");
}

static void put_fields(struct json *j, const struct ay_msg *msg, const void *in, bool first)
{
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        bool repeated = f->flags & AY_FIELD_REPEATED;
        uint32_t n, size = ay_field_size(f);
        const uint8_t *values = ay_field_values(f, in, &n);
        ay_text_str(j->out, first ? "\"" : ",\"");
        first = false;
        ay_text_str(j->out, f->name);
        ay_text_str(j->out, "\":");
        if (repeated)
            ay_text_char(j->out, '[');
        else if (n == 0)
            ay_text_str(j->out, "null");
        for (uint32_t k = 0; k < n && !j->out->full; k++) {
            if (k > 0) ay_text_char(j->out, ',');
            put_value(j, f, values + (size_t)k * size);
        }
        if (repeated) ay_text_char(j->out, ']');
    }
}

enum ay_code ay_json_write(const struct ay_msg *msg, const void *in, ay_address_writer *address,
                           struct ay_arena *scratch, struct ay_text *out)
{
    struct json j = {out, address, scratch, 0};
    if (msg == &ay_protobuf_any_msg)
        put_any(&j, in);
    else
        put_message(&j, msg, in);
    return out->full ? AY_E_LIMIT : AY_OK;
}
