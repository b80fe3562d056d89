/* Fuzz target: a safetensors file. Whatever the bytes are: refused with a reason, or every tensor
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ay_safetensors file;
    struct ay_reason reason = {""};
    if (ay_safetensors_parse(data, size, &file, &reason) != AY_OK) {
        AY_ASSERT(reason.text[0]);
        return 0;
    }
    for (uint32_t i = 0; i < file.count; i++) {
        const struct ay_stored_tensor *t = &file.tensors[i];
        AY_ASSERT(t->data >= data && t->len <= (uint64_t)(data + size - t->data));
        AY_ASSERT(ay_safetensors_find(&file, t->name) == t);
        read_all(t);
#ifdef AY_PLANTED_BUG
        if (t->rank == 3) abort();
#endif
    }
    ay_safetensors_close(&file);
    return 0;
}
