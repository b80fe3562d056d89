/* The wire format: proto3, canonical bytes only. What decodes, encodes to the same bytes again; so
 * a message has one encoding and its hash needs no second thought.
 *
 * Canonical: fields ascending, each once; varints minimal; repeated numbers packed, in one piece;
 * no default written, save an empty message, an empty element of a repeated field, and fields
 * marked present or optional; no unknown field; strings are UTF-8; enums hold a value that the
 * schema names; lengths and counts within the schema's limits. Nesting is bounded because no
 * message contains itself. */
#ifndef AY_BASE_CODEC_H
#define AY_BASE_CODEC_H

#include "base/arena.h"
#include "base/schema.h"

/* Why bytes were refused. */
enum ay_fault_kind {
    AY_FAULT_NONE,
    AY_FAULT_TRUNCATED,
    AY_FAULT_VARINT,
    AY_FAULT_UNKNOWN,
    AY_FAULT_WIRE,
    AY_FAULT_ORDER,
    AY_FAULT_DEFAULT,
    AY_FAULT_MISSING,
    AY_FAULT_RANGE,
    AY_FAULT_ENUM,
    AY_FAULT_LENGTH,
    AY_FAULT_COUNT,
    AY_FAULT_UTF8,
    AY_FAULT_MEMORY,
    AY_FAULT_KIND_COUNT
};

struct ay_fault {
    enum ay_fault_kind kind;
    const struct ay_msg *msg; /* the message, maybe a nested one, that has the fault */
    uint32_t number;          /* field number; 0 when the fault is before a field is known */
    uint32_t offset;          /* byte of the input where the field begins */
};

/* "explicit default in field 4 of /assay.job.v1.MsgPost, byte 12" into buf, cut at cap - 1 bytes
 * and NUL-terminated; cap > 0. */
void ay_fault_text(const struct ay_fault *fault, char *buf, uint32_t cap);

/* Decodes `in` into the struct at out, which is msg->size bytes and need not be cleared. Slices in
 * it borrow from `in`, arrays from the arena; both must outlive it. Work and arena use are linear
 * in the input: an array is taken only after its count is known and within limits.
 * AY_E_FORMAT: not canonical. AY_E_LIMIT: the arena is full. Either fills *fault, unless fault is
 * NULL, and leaves out unspecified. */
enum ay_code ay_decode(const struct ay_msg *msg, struct ay_slice in, struct ay_arena *arena,
                       void *out, struct ay_fault *fault) AY_MUST;

/* Encodes the struct at `in` into the cap bytes at buf; *len is what it took.
 * AY_E_LIMIT: cap is too small. AY_E_RANGE: the struct holds what ay_decode would refuse. */
enum ay_code ay_encode(const struct ay_msg *msg, const void *in, uint8_t *buf, uint32_t cap,
                       uint32_t *len) AY_MUST;

/* The length alone. AY_E_RANGE as above, AY_E_LIMIT when it exceeds 2^32 - 1. */
enum ay_code ay_encoded_len(const struct ay_msg *msg, const void *in, uint32_t *len) AY_MUST;

/* Encodes into the arena. AY_E_LIMIT when it does not fit. */
enum ay_code ay_encode_arena(const struct ay_msg *msg, const void *in, struct ay_arena *arena,
                             struct ay_slice *out) AY_MUST;

#endif
