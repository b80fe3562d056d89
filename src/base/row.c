#include "base/schema.h"

/* Bytes of a key; len counts on after cap, so that one check at the end is enough. */
struct out {
    uint8_t *buf;
    uint32_t cap;
    uint64_t len;
};

static void put_byte(struct out *o, uint8_t b)
{
    if (o->len < o->cap) o->buf[o->len] = b;
    o->len++;
}

static void put(struct out *o, const uint8_t *data, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) put_byte(o, data[i]);
}

static void put_slice(struct out *o, struct ay_slice s, bool last)
{
    if (last) {
        put(o, s.data, s.len);
        return;
    }
    for (uint32_t i = 0; i < s.len; i++) {
        put_byte(o, s.data[i]);
        if (s.data[i] == 0) put_byte(o, 0xff);
    }
    put_byte(o, 0);
    put_byte(o, 0);
}

/* Bytes that a field of fixed width takes in a key; 0 for a slice. */
static uint32_t key_width(const struct ay_field *f)
{
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_BOOL: return 1;
    case AY_KIND_U32:
    case AY_KIND_I32:
    case AY_KIND_ENUM: return 4;
    case AY_KIND_U64:
    case AY_KIND_I64:
    case AY_KIND_FIXED64:
    case AY_KIND_SFIXED64: return 8;
    case AY_KIND_FIXED: return f->len;
    case AY_KIND_STRING:
    case AY_KIND_BYTES: return 0;
    case AY_KIND_MESSAGE:
    case AY_KIND_COUNT: break;
    }
    ay_panic(__FILE__, __LINE__, "a key field is a number or bytes");
}

static void put_field(struct out *o, const struct ay_field *f, const void *row, bool last)
{
    const uint8_t *at = (const uint8_t *)row + f->offset;
    uint32_t width = key_width(f);
    uint8_t be[8];
    if (width == 0) {
        struct ay_slice s;
        memcpy(&s, at, sizeof s);
        put_slice(o, s, last);
    } else if (f->kind == AY_KIND_FIXED || f->kind == AY_KIND_BOOL) {
        put(o, at, width);
    } else {
        uint64_t v = ay_field_number(f, at);
        bool is_signed =
            f->kind == AY_KIND_I32 || f->kind == AY_KIND_I64 || f->kind == AY_KIND_SFIXED64;
        if (is_signed) v ^= (uint64_t)1 << (8 * width - 1);
        ay_put_be64(be, v);
        put(o, be + 8 - width, width);
    }
}

/* Field i of a key: the index's own, then the primary key's. */
static const struct ay_field *key_field(const struct ay_msg *msg, uint32_t index, uint32_t i)
{
    const struct ay_key_desc *key = &msg->row->keys[index];
    if (i >= key->n) {
        i -= key->n;
        key = &msg->row->keys[0];
    }
    return &msg->fields[key->fields[i]];
}

enum ay_code ay_row_index_key(const struct ay_msg *msg, const void *row, uint32_t index,
                              uint32_t n_fields, uint8_t *buf, uint32_t cap, uint32_t *len)
{
    AY_ASSERT(msg->row && index < msg->row->n);
    uint32_t n = msg->row->keys[0].n + (index ? msg->row->keys[index].n : 0);
    AY_ASSERT(n_fields == AY_KEY_ALL || n_fields <= n);
    struct out o = {buf, cap, 0};
    put_byte(&o, msg->row->id);
    put_byte(&o, (uint8_t)index);
    for (uint32_t i = 0; i < n && i < n_fields; i++)
        put_field(&o, key_field(msg, index, i), row, i + 1 == n);
    if (o.len > cap) return AY_E_LIMIT;
    *len = (uint32_t)o.len;
    return AY_OK;
}

/* Bytes that the key's field f takes at the beginning of s, or more than there are. */
static uint32_t field_span(const struct ay_field *f, struct ay_slice s)
{
    uint32_t width = key_width(f), i = 0;
    if (width) return width;
    while (i + 1 < s.len && !(s.data[i] == 0 && s.data[i + 1] == 0)) i += s.data[i] ? 1 : 2;
    return i + 2;
}

enum ay_code ay_row_key_of_index(const struct ay_msg *msg, uint32_t index, struct ay_slice entry,
                                 uint8_t *buf, uint32_t cap, uint32_t *len)
{
    AY_ASSERT(msg->row && index > 0 && index < msg->row->n);
    if (entry.len < 2 || entry.data[0] != msg->row->id || entry.data[1] != index)
        return AY_E_FORMAT;
    uint32_t at = 2;
    for (uint32_t i = 0; i < msg->row->keys[index].n; i++) {
        uint32_t span =
            field_span(key_field(msg, index, i), ay_slice(entry.data + at, entry.len - at));
        if (span > entry.len - at) return AY_E_FORMAT;
        at += span;
    }
    struct out o = {buf, cap, 0};
    put_byte(&o, msg->row->id);
    put_byte(&o, 0);
    put(&o, entry.data + at, entry.len - at);
    if (o.len > cap) return AY_E_LIMIT;
    *len = (uint32_t)o.len;
    return AY_OK;
}
