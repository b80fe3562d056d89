#include "base/codec.h"
#include "base/text.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2 };

static enum wire wire_of(const struct ay_field *f)
{
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_BOOL:
    case AY_KIND_U32:
    case AY_KIND_U64:
    case AY_KIND_I32:
    case AY_KIND_I64:
    case AY_KIND_ENUM: return WIRE_VARINT;
    case AY_KIND_FIXED64:
    case AY_KIND_SFIXED64: return WIRE_FIXED64;
    case AY_KIND_STRING:
    case AY_KIND_BYTES:
    case AY_KIND_FIXED:
    case AY_KIND_MESSAGE: return WIRE_LEN;
    case AY_KIND_COUNT: break;
    }
    ay_panic(__FILE__, __LINE__, "unknown kind");
}

static bool is_packed(const struct ay_field *f)
{
    return (f->flags & AY_FIELD_REPEATED) && wire_of(f) != WIRE_LEN;
}

/* What both directions check of a value that is in its place. */
static enum ay_fault_kind check_value(const struct ay_field *f, const void *value)
{
    struct ay_slice s;
    uint32_t number;
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_STRING:
    case AY_KIND_BYTES:
        memcpy(&s, value, sizeof s);
        if (s.len > f->len) return AY_FAULT_LENGTH;
        return f->kind == AY_KIND_STRING && !ay_utf8_valid(s) ? AY_FAULT_UTF8 : AY_FAULT_NONE;
    case AY_KIND_ENUM:
        memcpy(&number, value, sizeof number);
        return ay_enum_find(f->values, number) ? AY_FAULT_NONE : AY_FAULT_ENUM;
    case AY_KIND_BOOL:
    case AY_KIND_U32:
    case AY_KIND_U64:
    case AY_KIND_I32:
    case AY_KIND_I64:
    case AY_KIND_FIXED64:
    case AY_KIND_SFIXED64:
    case AY_KIND_FIXED:
    case AY_KIND_MESSAGE:
    case AY_KIND_COUNT: break;
    }
    return AY_FAULT_NONE;
}

static bool is_default(const struct ay_field *f, const void *value)
{
    struct ay_slice s;
    if (f->kind == AY_KIND_STRING || f->kind == AY_KIND_BYTES) {
        memcpy(&s, value, sizeof s);
        return s.len == 0;
    }
    if (wire_of(f) == WIRE_LEN) return false;
    static const uint8_t zero[8];
    return memcmp(value, zero, ay_field_size(f)) == 0;
}

/* ---- decoding ---- */

struct reader {
    const uint8_t *data;
    uint32_t pos;
    struct ay_arena *arena;
    struct ay_fault fault;
};

#define READ_TRY(expr)                                                                             \
    do {                                                                                           \
        enum ay_fault_kind read_kind = (expr);                                                     \
        if (read_kind != AY_FAULT_NONE) return read_kind;                                          \
    } while (0)

static enum ay_fault_kind read_varint(struct reader *r, uint32_t end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->pos == end) return AY_FAULT_TRUNCATED;
        uint8_t b = r->data[r->pos++];
        if (shift == 63 && b > 1) return AY_FAULT_VARINT;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b & 0x80) continue;
        if (b == 0 && shift > 0) return AY_FAULT_VARINT;
        *out = v;
        return AY_FAULT_NONE;
    }
    return AY_FAULT_VARINT;
}

static enum ay_fault_kind read_len(struct reader *r, uint32_t end, uint32_t *out)
{
    uint64_t v;
    READ_TRY(read_varint(r, end, &v));
    if (v > end - r->pos) return AY_FAULT_TRUNCATED;
    *out = (uint32_t)v;
    return AY_FAULT_NONE;
}

static enum ay_fault_kind read_number(struct reader *r, const struct ay_field *f, uint32_t end,
                                      void *to)
{
    uint64_t v = 0;
    if (wire_of(f) == WIRE_FIXED64) {
        if (end - r->pos < 8) return AY_FAULT_TRUNCATED;
        for (unsigned i = 0; i < 8; i++) v |= (uint64_t)r->data[r->pos++] << (8 * i);
    } else {
        READ_TRY(read_varint(r, end, &v));
    }
    bool fits = true;
    if (f->kind == AY_KIND_BOOL) fits = v <= 1;
    if (f->kind == AY_KIND_U32 || f->kind == AY_KIND_ENUM) fits = v <= UINT32_MAX;
    if (f->kind == AY_KIND_I32) fits = (int64_t)v >= INT32_MIN && (int64_t)v <= INT32_MAX;
    if (!fits) return AY_FAULT_RANGE;
    ay_field_set_number(f, to, v);
    return check_value(f, to);
}

static enum ay_fault_kind read_message(struct reader *r, const struct ay_msg *msg, uint32_t end,
                                       void *out);

static enum ay_fault_kind read_value(struct reader *r, const struct ay_field *f, uint32_t end,
                                     void *to)
{
    uint32_t len;
    if (wire_of(f) != WIRE_LEN) return read_number(r, f, end, to);
    READ_TRY(read_len(r, end, &len));
    if (f->kind == AY_KIND_MESSAGE) return read_message(r, f->sub, r->pos + len, to);
    struct ay_slice s = ay_slice(r->data + r->pos, len);
    r->pos += len;
    if (f->kind == AY_KIND_FIXED) {
        if (len != f->len) return AY_FAULT_LENGTH;
        memcpy(to, s.data, len);
        return AY_FAULT_NONE;
    }
    memcpy(to, &s, sizeof s);
    return check_value(f, to);
}

/* How many values follow: numbers packed up to end, or elements that each bear the tag at
 * tag_pos. The first element's tag has been read; r stays where it is. */
static enum ay_fault_kind count_values(const struct reader *r, const struct ay_field *f,
                                       uint32_t tag_pos, uint32_t end, uint32_t *count)
{
    struct reader ahead = *r;
    uint32_t n = 0, tag_len = r->pos - tag_pos, len;
    if (is_packed(f)) {
        for (uint32_t i = r->pos; i < end; i++) n += r->data[i] < 0x80;
        if (wire_of(f) == WIRE_FIXED64) n = (end - r->pos) / 8;
        *count = n;
        return n <= f->max_count ? AY_FAULT_NONE : AY_FAULT_COUNT;
    }
    for (;;) {
        READ_TRY(read_len(&ahead, end, &len));
        ahead.pos += len;
        if (++n > f->max_count) return AY_FAULT_COUNT;
        bool again = end - ahead.pos >= tag_len &&
                     memcmp(r->data + ahead.pos, r->data + tag_pos, tag_len) == 0;
        if (!again) break;
        ahead.pos += tag_len;
    }
    *count = n;
    return AY_FAULT_NONE;
}

static enum ay_fault_kind read_repeated(struct reader *r, const struct ay_field *f,
                                        uint32_t tag_pos, uint32_t end, void *out)
{
    uint32_t count, len, tag_len = r->pos - tag_pos, size = ay_field_size(f);
    if (is_packed(f)) {
        READ_TRY(read_len(r, end, &len));
        if (len == 0) return AY_FAULT_DEFAULT;
        end = r->pos + len;
    }
    READ_TRY(count_values(r, f, tag_pos, end, &count));
    uint8_t *values = ay_arena_take(r->arena, count, size);
    if (!values) return AY_FAULT_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && !is_packed(f)) r->pos += tag_len;
        READ_TRY(read_value(r, f, end, values + (size_t)i * size));
    }
    if (is_packed(f) && r->pos != end) return AY_FAULT_TRUNCATED;
    memcpy((uint8_t *)out + f->offset, &values, sizeof values);
    memcpy((uint8_t *)out + f->aside, &count, sizeof count);
    return AY_FAULT_NONE;
}

static enum ay_fault_kind read_field(struct reader *r, const struct ay_field *f, uint32_t tag_pos,
                                     uint32_t end, void *out)
{
    if (f->flags & AY_FIELD_REPEATED) return read_repeated(r, f, tag_pos, end, out);
    void *value = (uint8_t *)out + f->offset;
    READ_TRY(read_value(r, f, end, value));
    if (f->flags & AY_FIELD_HAS) *(bool *)((uint8_t *)out + f->aside) = true;
    bool keeps_default = f->flags & (AY_FIELD_HAS | AY_FIELD_REQUIRED);
    return !keeps_default && is_default(f, value) ? AY_FAULT_DEFAULT : AY_FAULT_NONE;
}

/* The first field at or after *next with this number; a required one must not be passed over. */
static enum ay_fault_kind find_field(const struct ay_msg *msg, uint32_t *next, uint64_t number,
                                     struct ay_fault *fault)
{
    uint32_t i = *next;
    if (i > 0 && number <= msg->fields[i - 1].number) {
        for (i = 0; msg->fields[i].number < number;) i++;
        return msg->fields[i].number == number ? AY_FAULT_ORDER : AY_FAULT_UNKNOWN;
    }
    for (; i < msg->n && msg->fields[i].number < number; i++) {
        if (!(msg->fields[i].flags & AY_FIELD_REQUIRED)) continue;
        fault->number = msg->fields[i].number;
        return AY_FAULT_MISSING;
    }
    *next = i;
    return i < msg->n && msg->fields[i].number == number ? AY_FAULT_NONE : AY_FAULT_UNKNOWN;
}

/* Notes where the fault is, unless a nested message has done so. */
static enum ay_fault_kind note(struct reader *r, enum ay_fault_kind kind, const struct ay_msg *msg,
                               uint64_t number, uint32_t offset)
{
    if (kind == AY_FAULT_NONE || r->fault.msg) return kind;
    if (r->fault.number == 0) r->fault.number = number > UINT32_MAX ? 0 : (uint32_t)number;
    r->fault.kind = kind;
    r->fault.msg = msg;
    r->fault.offset = offset;
    return kind;
}

static enum ay_fault_kind read_message(struct reader *r, const struct ay_msg *msg, uint32_t end,
                                       void *out)
{
    uint32_t next = 0;
    memset(out, 0, msg->size);
    while (r->pos < end) {
        uint32_t tag_pos = r->pos;
        uint64_t tag = 0;
        READ_TRY(note(r, read_varint(r, end, &tag), msg, 0, tag_pos));
        uint64_t number = tag >> 3;
        READ_TRY(note(r, find_field(msg, &next, number, &r->fault), msg, number, tag_pos));
        const struct ay_field *f = &msg->fields[next++];
        enum wire wire = is_packed(f) ? WIRE_LEN : wire_of(f);
        READ_TRY(note(r, (tag & 7) == wire ? AY_FAULT_NONE : AY_FAULT_WIRE, msg, number, tag_pos));
        READ_TRY(note(r, read_field(r, f, tag_pos, end, out), msg, number, tag_pos));
    }
    for (; next < msg->n; next++)
        if (msg->fields[next].flags & AY_FIELD_REQUIRED)
            return note(r, AY_FAULT_MISSING, msg, msg->fields[next].number, end);
    return AY_FAULT_NONE;
}

enum ay_code ay_decode(const struct ay_msg *msg, struct ay_slice in, struct ay_arena *arena,
                       void *out, struct ay_fault *fault)
{
    struct reader r = {.data = in.data, .arena = arena};
    enum ay_fault_kind kind = read_message(&r, msg, in.len, out);
    AY_ASSERT(kind != AY_FAULT_NONE || r.pos == in.len);
    AY_ASSERT(kind == r.fault.kind);
    if (fault) *fault = r.fault;
    if (kind == AY_FAULT_NONE) return AY_OK;
    return kind == AY_FAULT_MEMORY ? AY_E_LIMIT : AY_E_FORMAT;
}

void ay_fault_text(const struct ay_fault *fault, char *buf, uint32_t cap)
{
    static const char *const reason[AY_FAULT_KIND_COUNT] = {
        [AY_FAULT_NONE] = "no fault",
        [AY_FAULT_TRUNCATED] = "bytes end too early",
        [AY_FAULT_VARINT] = "varint not minimal or too long",
        [AY_FAULT_UNKNOWN] = "unknown field",
        [AY_FAULT_WIRE] = "wrong wire type",
        [AY_FAULT_ORDER] = "repeated or out of order",
        [AY_FAULT_DEFAULT] = "explicit default",
        [AY_FAULT_MISSING] = "missing value",
        [AY_FAULT_RANGE] = "number out of range",
        [AY_FAULT_ENUM] = "no such enum value",
        [AY_FAULT_LENGTH] = "wrong length",
        [AY_FAULT_COUNT] = "too many values",
        [AY_FAULT_UTF8] = "invalid UTF-8",
        [AY_FAULT_MEMORY] = "no memory left",
    };
    AY_ASSERT(fault->kind < AY_FAULT_KIND_COUNT && cap > 0);
    struct ay_text t = ay_text_over(buf, cap);
    ay_text_str(&t, reason[fault->kind]);
    if (fault->kind == AY_FAULT_NONE) return;
    ay_text_str(&t, " in field ");
    ay_text_u64(&t, fault->number);
    ay_text_str(&t, " of /");
    ay_text_str(&t, fault->msg->name);
    ay_text_str(&t, ", byte ");
    ay_text_u64(&t, fault->offset);
}

/* ---- encoding: from the last byte to the first, so that a length is known when it is due ---- */

struct writer {
    uint8_t *buf; /* NULL: only count */
    uint32_t cap;
    uint32_t used; /* bytes at the end of buf */
    enum ay_code code;
};

static void put(struct writer *w, const void *data, uint32_t n)
{
    if (w->code != AY_OK) return;
    if (n > w->cap - w->used) {
        w->code = AY_E_LIMIT;
        return;
    }
    w->used += n;
    if (w->buf && n) memcpy(w->buf + (w->cap - w->used), data, n);
}

static void put_varint(struct writer *w, uint64_t v)
{
    uint8_t bytes[10];
    uint32_t n = 0;
    do {
        bytes[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    put(w, bytes, n);
}

static void put_message(struct writer *w, const struct ay_msg *msg, const void *in);

static void put_number(struct writer *w, const struct ay_field *f, const void *value)
{
    uint64_t v = ay_field_number(f, value);
    uint8_t fixed[8];
    if (wire_of(f) == WIRE_VARINT) {
        put_varint(w, v);
        return;
    }
    for (unsigned i = 0; i < 8; i++) fixed[i] = (uint8_t)(v >> (8 * i));
    put(w, fixed, sizeof fixed);
}

static void put_value(struct writer *w, const struct ay_field *f, const void *value)
{
    struct ay_slice s;
    uint32_t before = w->used;
    if (check_value(f, value) != AY_FAULT_NONE) w->code = AY_E_RANGE;
    if (w->code != AY_OK) return;
    if (wire_of(f) != WIRE_LEN) {
        put_number(w, f, value);
        return;
    }
    if (f->kind == AY_KIND_MESSAGE) {
        put_message(w, f->sub, value);
    } else if (f->kind == AY_KIND_FIXED) {
        put(w, value, f->len);
    } else {
        memcpy(&s, value, sizeof s);
        put(w, s.data, s.len);
    }
    put_varint(w, w->used - before);
}

static void put_field(struct writer *w, const struct ay_field *f, const void *in)
{
    uint32_t n, before = w->used, size = ay_field_size(f);
    const uint8_t *values = ay_field_values(f, in, &n);
    bool packed = is_packed(f), repeated = f->flags & AY_FIELD_REPEATED;
    if (repeated && n > f->max_count) w->code = AY_E_RANGE;
    bool keeps_default = f->flags & (AY_FIELD_REPEATED | AY_FIELD_HAS | AY_FIELD_REQUIRED);
    if (!keeps_default && is_default(f, values)) return;
    for (uint32_t i = n; i-- > 0 && w->code == AY_OK;) {
        put_value(w, f, values + (size_t)i * size);
        if (!packed) put_varint(w, (uint64_t)f->number << 3 | wire_of(f));
    }
    if (packed && n > 0) {
        put_varint(w, w->used - before);
        put_varint(w, (uint64_t)f->number << 3 | WIRE_LEN);
    }
}

static void put_message(struct writer *w, const struct ay_msg *msg, const void *in)
{
    for (uint32_t i = msg->n; i-- > 0 && w->code == AY_OK;) put_field(w, &msg->fields[i], in);
}

enum ay_code ay_encode(const struct ay_msg *msg, const void *in, uint8_t *buf, uint32_t cap,
                       uint32_t *len)
{
    AY_ASSERT(buf || cap == 0);
    struct writer w = {buf, cap, 0, AY_OK};
    put_message(&w, msg, in);
    if (w.code != AY_OK) return w.code;
    if (w.used) memmove(buf, buf + (cap - w.used), w.used);
    *len = w.used;
    return AY_OK;
}

enum ay_code ay_encoded_len(const struct ay_msg *msg, const void *in, uint32_t *len)
{
    struct writer w = {NULL, UINT32_MAX, 0, AY_OK};
    put_message(&w, msg, in);
    *len = w.used;
    return w.code;
}

enum ay_code ay_encode_arena(const struct ay_msg *msg, const void *in, struct ay_arena *arena,
                             struct ay_slice *out)
{
    uint32_t len;
    AY_TRY(ay_encoded_len(msg, in, &len));
    uint8_t *buf = ay_arena_take(arena, len, 1);
    if (!buf) return AY_E_LIMIT;
    AY_TRY(ay_encode(msg, in, buf, len, &len));
    *out = ay_slice(buf, len);
    return AY_OK;
}
