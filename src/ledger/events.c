#include "ledger/events.h"

#include "base/text.h"
#include "crypto/bech32.h"

typedef struct ay_tendermint_abci_event event;
typedef struct ay_tendermint_abci_event_attribute attribute;

#define MAX_ATTRIBUTES AY_MAX_TENDERMINT_ABCI_EVENT_ATTRIBUTES
#define MAX_VALUE      1024 /* characters of one attribute made from a schema field */

struct ay_event_node {
    event event;
    struct ay_event_node *next;
};

static enum ay_code set(struct ay_arena *arena, attribute *out, struct ay_slice key,
                        struct ay_slice value)
{
    out->index = true;
    AY_TRY(ay_arena_copy(arena, key, &out->key));
    return ay_arena_copy(arena, value, &out->value);
}

enum ay_code ay_events_add(struct ay_events *events, const char *type,
                           const struct ay_event_attribute *attributes, uint32_t n)
{
    AY_ASSERT(n < MAX_ATTRIBUTES);
    if (events->count >= AY_MAX_EVENTS) return AY_E_LIMIT;
    struct ay_event_node *fresh = AY_NEW(events->arena, struct ay_event_node, 1);
    attribute *list = AY_NEW(events->arena, attribute, n + 1);
    if (!fresh || !list) return AY_E_LIMIT;
    for (uint32_t i = 0; i < n; i++)
        AY_TRY(set(events->arena, &list[i], ay_slice_str(attributes[i].key), attributes[i].value));
    if (events->in_message) {
        char digits[24];
        struct ay_text text = ay_text_over(digits, sizeof digits);
        ay_text_u64(&text, events->message_index);
        AY_TRY(set(events->arena, &list[n++], ay_slice_str("msg_index"), ay_slice_str(digits)));
    }
    AY_TRY(ay_arena_copy(events->arena, ay_slice_str(type), &fresh->event.type));
    fresh->event.attributes = list;
    fresh->event.attributes_count = n;
    if (events->last)
        events->last->next = fresh;
    else
        events->first = fresh;
    events->last = fresh;
    events->count++;
    return AY_OK;
}

static void put_bytes(struct ay_text *text, const struct ay_field *f, struct ay_slice bytes)
{
    if (f->text == AY_TEXT_ADDRESS && bytes.len == 20) {
        char address[AY_ADDRESS_TEXT_CHARS + 1];
        ay_address_encode(bytes.data, address);
        ay_text_str(text, address);
    } else if (f->text == AY_TEXT_BASE64) {
        ay_text_base64(text, bytes);
    } else {
        ay_text_hex(text, bytes);
    }
}

/* A field as people read it: what JSON shows, without quotes. */
static void put_field(struct ay_text *text, const struct ay_field *f, const void *value)
{
    switch ((enum ay_kind)f->kind) {
    case AY_KIND_BOOL: ay_text_str(text, *(const bool *)value ? "true" : "false"); break;
    case AY_KIND_U32: ay_text_u64(text, *(const uint32_t *)value); break;
    case AY_KIND_U64:
    case AY_KIND_FIXED64: ay_text_u64(text, *(const uint64_t *)value); break;
    case AY_KIND_I32: ay_text_i64(text, *(const int32_t *)value); break;
    case AY_KIND_I64:
    case AY_KIND_SFIXED64: ay_text_i64(text, *(const int64_t *)value); break;
    case AY_KIND_ENUM: {
        const struct ay_enum_value *named = ay_enum_find(f->values, *(const uint32_t *)value);
        ay_text_str(text, named ? named->name : "");
        break;
    }
    case AY_KIND_STRING: {
        struct ay_slice s = *(const struct ay_slice *)value;
        ay_text_put(text, s.data, s.len);
        break;
    }
    case AY_KIND_BYTES: put_bytes(text, f, *(const struct ay_slice *)value); break;
    case AY_KIND_FIXED: put_bytes(text, f, ay_slice(value, f->len)); break;
    case AY_KIND_MESSAGE:
    case AY_KIND_COUNT: break;
    }
}

enum ay_code ay_events_add_message(struct ay_events *events, const struct ay_msg *msg,
                                   const void *in)
{
    AY_ASSERT(msg->event && msg->n < MAX_ATTRIBUTES);
    struct ay_event_attribute list[MAX_ATTRIBUTES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        if ((f->flags & AY_FIELD_REPEATED) || f->kind == AY_KIND_MESSAGE) continue;
        char value[MAX_VALUE];
        struct ay_text text = ay_text_over(value, sizeof value);
        put_field(&text, f, (const uint8_t *)in + f->offset);
        list[n].key = f->name;
        AY_TRY(ay_arena_copy(events->arena, ay_slice(value, text.len), &list[n++].value));
    }
    return ay_events_add(events, msg->name, list, n);
}

struct ay_events_mark ay_events_mark(const struct ay_events *events)
{
    return (struct ay_events_mark){events->last, events->count};
}

void ay_events_rewind(struct ay_events *events, struct ay_events_mark mark)
{
    events->last = mark.last;
    events->count = mark.count;
    if (mark.last)
        mark.last->next = NULL;
    else
        events->first = NULL;
}

enum ay_code ay_events_copy(const struct ay_events *events, struct ay_arena *arena,
                            const event **out, uint32_t *count)
{
    event *list = AY_NEW(arena, event, events->count);
    if (!list) return AY_E_LIMIT;
    uint32_t n = 0;
    for (const struct ay_event_node *e = events->first; e; e = e->next, n++) {
        attribute *copies = AY_NEW(arena, attribute, e->event.attributes_count);
        if (!copies) return AY_E_LIMIT;
        for (uint32_t i = 0; i < e->event.attributes_count; i++) {
            const attribute *from = &e->event.attributes[i];
            AY_TRY(set(arena, &copies[i], from->key, from->value));
        }
        AY_TRY(ay_arena_copy(arena, e->event.type, &list[n].type));
        list[n].attributes = copies;
        list[n].attributes_count = e->event.attributes_count;
    }
    AY_ASSERT(n == events->count);
    *out = list;
    *count = n;
    return AY_OK;
}
