/* Looks over protobuf bytes before libprotobuf-c does, which allocates as it goes, keeps unknown
 * fields, merges what occurs twice and recurses as deep as the bytes say. What passes here it
 * decodes within the memory measured. Source: https://protobuf.dev/programming-guides/encoding. */
#ifndef AY_TENSOR_ONNX_WIRE_H
#define AY_TENSOR_ONNX_WIRE_H

#include "base/code.h"
#include "tensor/reason.h"

#include <protobuf-c/protobuf-c.h>

/* Messages within messages; a graph within a node within a graph takes three. */
#define AY_MAX_WIRE_DEPTH 64u

struct ay_wire_size {
    uint64_t need_bytes;    /* at least what libprotobuf-c allocates in all while decoding */
    uint64_t structs_bytes; /* of those, what is for messages and for texts but not their content */
    uint64_t scalars;       /* numbers in fields that hold any number of them */
};

/* Whether the bytes are fields of `type` and of messages it names: tags and varints well-formed,
 * wire types as declared, lengths inside, no groups, each field that is not repeated there at most
 * once. AY_E_FORMAT, AY_E_LIMIT (depth) with a reason. O(len), no memory. */
enum ay_code ay_wire_measure(const ProtobufCMessageDescriptor *type, const uint8_t *data,
                             uint64_t len, struct ay_wire_size *size,
                             struct ay_reason *reason) AY_MUST;

/* Decodes what was measured, allocating at most need_bytes. *out is to be freed by
 * protobuf_c_message_free_unpacked(out, NULL). AY_E_FORMAT, AY_E_MEMORY. */
enum ay_code ay_wire_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data,
                            uint64_t len, uint64_t need_bytes, ProtobufCMessage **out,
                            struct ay_reason *reason) AY_MUST;

#endif
