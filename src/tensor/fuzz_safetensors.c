/* Fuzz target: a safetensors file, as it is and as the text of a header up to the first zero byte,
 * whose length is put before it. Whatever the bytes are: refused with a reason, or every tensor
 * lies inside, is found by its name and can be read to its end. With AY_PLANTED_BUG it has a fault
 * of its own, to see that the fuzzer finds one that needs a valid header around it. */
#include "tensor/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct ay_stored_tensor *t)
{
    uint64_t bytes = t->stored == AY_STORED_F32 ? 4 : 2;
    float last;
    if (t->len < bytes) return;
    enum ay_code code = ay_stored_read_f32(t, t->len / bytes - 1, 1, &last);
    AY_ASSERT(code == AY_OK || code == AY_E_FORMAT || code == AY_E_UNSUPPORTED);
}

static void parse(const uint8_t *data, size_t size)
{
    struct ay_safetensors file;
    struct ay_reason reason = {""};
    if (ay_safetensors_parse(data, size, &file, &reason) != AY_OK) {
        AY_ASSERT(reason.text[0]);
        return;
    }
    for (uint32_t i = 0; i < file.count; i++) {
        const struct ay_stored_tensor *t = &file.tensors[i];
        AY_ASSERT(t->data >= data && t->len <= (uint64_t)(data + size - t->data));
        AY_ASSERT(ay_safetensors_find(&file, t->name) == t);
        read_all(t);
#ifdef AY_PLANTED_BUG
        if (t->name[0] == 'Z' && t->stored == AY_STORED_F16) abort();
#endif
    }
    ay_safetensors_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[65536];
    parse(data, size);
    if (size == 0 || size > sizeof whole - 8) return 0;
    const uint8_t *stop = memchr(data, 0, size);
    size_t header = stop ? (size_t)(stop - data) : size;
    memset(whole, 0, 8);
    whole[0] = (uint8_t)header;
    whole[1] = (uint8_t)(header >> 8);
    memcpy(whole + 8, data, size);
    parse(whole, size + 8);
    return 0;
}
