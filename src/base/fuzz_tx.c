/* Fuzz target: a broadcast transaction, from TxRaw down to the messages that the schema knows.
 * Whatever the bytes are: they are refused with a fault that has a text, or encode to themselves
 * and print as JSON. With AY_PLANTED_BUG it has a fault of its own, to see that the fuzzer finds
 * one that needs a valid transaction around it. */
#include "base/codec.h"
#include "base/gen/protobuf.h"
#include "base/gen/tx.h"
#include "base/json_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(16) uint8_t arena_mem[1 << 20], scratch_mem[1 << 20];
static uint8_t again[1 << 16];
static char text[1 << 20];

static bool take_apart(const struct ay_msg *msg, struct ay_slice in, struct ay_arena *arena,
                       void *out)
{
    struct ay_fault fault;
    uint32_t len;
    enum ay_code code = ay_decode(msg, in, arena, out, &fault);
    if (code != AY_OK) {
        ay_fault_text(&fault, text, sizeof text);
        AY_ASSERT(fault.kind != AY_FAULT_NONE && fault.msg && fault.offset <= in.len);
        return false;
    }
    AY_ASSERT(ay_encode(msg, out, again, sizeof again, &len) == AY_OK);
    AY_ASSERT(ay_slice_equal(ay_slice(again, len), in));
    struct ay_text json = ay_text_over(text, sizeof text);
    struct ay_arena scratch = ay_arena_over(scratch_mem, sizeof scratch_mem);
    code = ay_json_write(msg, out, NULL, &scratch, &json);
    AY_ASSERT(code == AY_OK || code == AY_E_LIMIT);
    return true;
}

static void take_apart_any(const struct ay_protobuf_any *any, struct ay_arena *arena)
{
    const struct ay_msg *msg = ay_msg_find_url(any->type_url);
    void *out = msg ? ay_arena_take(arena, 1, msg->size) : NULL;
    if (out) take_apart(msg, any->value, arena, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_tx_tx_raw raw;
    struct ay_tx_tx_body body;
    struct ay_tx_auth_info auth;
    if (size > sizeof again) return 0;
    if (!take_apart(&ay_tx_tx_raw_msg, ay_slice(data, (uint32_t)size), &arena, &raw)) return 0;
    if (take_apart(&ay_tx_auth_info_msg, raw.auth_info_bytes, &arena, &auth))
        for (uint32_t i = 0; i < auth.signer_infos_count; i++)
            take_apart_any(&auth.signer_infos[i].public_key, &arena);
    if (!take_apart(&ay_tx_tx_body_msg, raw.body_bytes, &arena, &body)) return 0;
    for (uint32_t i = 0; i < body.messages_count; i++) take_apart_any(&body.messages[i], &arena);
#ifdef AY_PLANTED_BUG
    if (body.timeout_height > 1000) abort();
#endif
    return 0;
}

#ifdef AY_FUZZER
/* Lengths of outer messages hide the inner ones from a mutator of bytes: this one mutates an inner
 * part and wraps it again. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static struct ay_slice mutate(struct ay_slice in, uint8_t buf[4096])
{
    uint32_t len = in.len < 4096 ? in.len : 4096;
    if (len) memcpy(buf, in.data, len);
    return ay_slice(buf, (uint32_t)LLVMFuzzerMutate(buf, len, 4096));
}

/* The body with one of its messages' values mutated, or the body's own bytes mutated. */
static struct ay_slice mutate_body(struct ay_slice in, unsigned seed, struct ay_arena *arena)
{
    static uint8_t part[4096];
    struct ay_tx_tx_body body;
    struct ay_slice out;
    bool ok = ay_decode(&ay_tx_tx_body_msg, in, arena, &body, NULL) == AY_OK;
    if (!ok || body.messages_count == 0 || seed % 2) return mutate(in, part);
    struct ay_protobuf_any *any = AY_NEW(arena, struct ay_protobuf_any, body.messages_count);
    if (!any) return mutate(in, part);
    memcpy(any, body.messages, body.messages_count * sizeof *any);
    unsigned pick = seed / 2 % body.messages_count;
    any[pick].value = mutate(any[pick].value, part);
    body.messages = any;
    return ay_encode_arena(&ay_tx_tx_body_msg, &body, arena, &out) == AY_OK ? out : in;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t part[4096];
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_tx_tx_raw raw;
    struct ay_slice in = ay_slice(data, (uint32_t)size);
    uint32_t len;
    if (seed % 4 == 0 || ay_decode(&ay_tx_tx_raw_msg, in, &arena, &raw, NULL) != AY_OK)
        return LLVMFuzzerMutate(data, size, max_size);
    if (seed % 4 == 1)
        raw.auth_info_bytes = mutate(raw.auth_info_bytes, part);
    else
        raw.body_bytes = mutate_body(raw.body_bytes, seed / 4, &arena);
    bool ok = ay_encode(&ay_tx_tx_raw_msg, &raw, again, sizeof again, &len) == AY_OK;
    if (!ok || len > max_size) return size;
    memcpy(data, again, len);
    return len;
}
#endif
