#include "tensor/onnx/wire.h"

#include "base/bytes.h"

#include <stdlib.h>

/* What libprotobuf-c takes at most: for a message its struct; for a field's occurrence a record
 * while it scans (40 bytes, in blocks that double), for one of bytes a pointer and a copy with a
 * NUL too, for a number its place. The allocator's own bookkeeping is counted with each. */
#define MESSAGE_OVERHEAD 64u
#define FIELD_OVERHEAD   160u
#define SCAN_BYTES       80u
#define ELEMENT_BYTES    8u

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct walk {
    const uint8_t *at, *end;
    struct ay_wire_size size;
    uint32_t depth;
    struct ay_reason *reason;
};

static bool varint(struct walk *w, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && w->at < w->end; shift += 7) {
        uint8_t byte = *w->at++;
        if (shift == 63 && byte > 1) return false;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static enum wire_type wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return FIXED32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return BYTES;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    default: return VARINT;
    }
}

/* Steps over a value that stands outside a length; *len is that of BYTES, whose content w->at then
 * points to. */
static bool step(struct walk *w, uint32_t wire, uint64_t *len)
{
    uint64_t value, fixed = wire == FIXED64 ? 8 : 4;
    *len = 0;
    switch (wire) {
    case VARINT: return varint(w, &value);
    case BYTES: return varint(w, len) && *len <= (uint64_t)(w->end - w->at);
    case FIXED64:
    case FIXED32:
        if (fixed > (uint64_t)(w->end - w->at)) return false;
        w->at += fixed;
        return true;
    default: return false;
    }
}

/* Packed elements, which fill w->at .. w->at + len. */
static bool packed(struct walk *w, enum wire_type wire, uint64_t len)
{
    struct walk inner = {.at = w->at, .end = w->at + len};
    uint64_t none;
    while (inner.at < inner.end) {
        if (!step(&inner, wire, &none)) return false;
        w->size.need_bytes += ELEMENT_BYTES;
        w->size.scalars++;
    }
    w->at += len;
    return true;
}

static void structs(struct walk *w, uint64_t bytes)
{
    w->size.structs_bytes += bytes;
    w->size.need_bytes += bytes;
}

static enum ay_code message(struct walk *w, const ProtobufCMessageDescriptor *type);

static enum ay_code within(struct walk *w, const ProtobufCMessageDescriptor *type, uint64_t len)
{
    const uint8_t *end = w->end;
    if (++w->depth > AY_MAX_WIRE_DEPTH)
        return ay_reject(w->reason, AY_E_LIMIT, "%s: more than %u messages within each other",
                         type->name, AY_MAX_WIRE_DEPTH);
    w->end = w->at + len;
    enum ay_code code = message(w, type);
    w->end = end;
    w->depth--;
    return code;
}

static enum ay_code malformed(struct walk *w, const ProtobufCMessageDescriptor *type,
                              const char *name)
{
    return ay_reject(w->reason, AY_E_FORMAT, "%s: field %s is malformed", type->name, name);
}

/* The content of a field whose tag was read. */
static enum ay_code field(struct walk *w, const ProtobufCMessageDescriptor *type,
                          const ProtobufCFieldDescriptor *f, uint32_t wire)
{
    uint64_t len;
    enum wire_type own = wire_of(f->type);
    bool repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    if (wire != own && !(wire == BYTES && repeated)) return malformed(w, type, f->name);
    if (!step(w, wire, &len)) return malformed(w, type, f->name);
    if (wire != BYTES) {
        w->size.need_bytes += SCAN_BYTES + ELEMENT_BYTES;
        w->size.scalars++;
        return AY_OK;
    }
    structs(w, FIELD_OVERHEAD);
    if (own != BYTES) return packed(w, own, len) ? AY_OK : malformed(w, type, f->name);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return within(w, (const ProtobufCMessageDescriptor *)f->descriptor, len);
    /* A NUL would end a string for everybody who reads it as one. */
    if (f->type == PROTOBUF_C_TYPE_STRING && len && memchr(w->at, 0, len))
        return malformed(w, type, f->name);
    w->size.need_bytes += len + 1;
    w->at += len;
    return AY_OK;
}

static enum ay_code message(struct walk *w, const ProtobufCMessageDescriptor *type)
{
    uint64_t seen = 0; /* by place in type->fields */
    AY_ASSERT(type->n_fields <= 64);
    structs(w, type->sizeof_message + MESSAGE_OVERHEAD);
    while (w->at < w->end) {
        uint64_t tag, len;
        if (!varint(w, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) return malformed(w, type, "tag");
        uint32_t wire = tag & 7;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (f) {
            uint64_t bit = 1ull << (f - type->fields);
            if (seen & bit && f->label != PROTOBUF_C_LABEL_REPEATED)
                return ay_reject(w->reason, AY_E_FORMAT, "%s: field %s occurs twice", type->name,
                                 f->name);
            seen |= bit;
            AY_TRY(field(w, type, f, wire));
        } else {
            const uint8_t *begin = w->at;
            if (!step(w, wire, &len)) return malformed(w, type, "unknown");
            w->at += len;
            w->size.need_bytes += FIELD_OVERHEAD + (uint64_t)(w->at - begin);
        }
    }
    return AY_OK;
}

enum ay_code ay_wire_measure(const ProtobufCMessageDescriptor *type, const uint8_t *data,
                             uint64_t len, struct ay_wire_size *size, struct ay_reason *reason)
{
    struct walk w = {.at = data, .end = data + len, .reason = reason};
    AY_TRY(message(&w, type));
    *size = w.size;
    return AY_OK;
}

/* Counts down what was measured. */
static void *take(void *left, size_t size)
{
    uint64_t *bytes = left;
    if (size > *bytes) return NULL;
    *bytes -= size;
    return malloc(size);
}

static void give(void *left, void *memory)
{
    (void)left;
    free(memory);
}

enum ay_code ay_wire_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data,
                            uint64_t len, uint64_t need_bytes, ProtobufCMessage **out,
                            struct ay_reason *reason)
{
    uint64_t left = need_bytes;
    ProtobufCAllocator allocator = {.alloc = take, .free = give, .allocator_data = &left};
    *out = protobuf_c_message_unpack(type, &allocator, len, data);
    return *out ? AY_OK : ay_reject(reason, AY_E_FORMAT, "%s cannot be decoded", type->name);
}
