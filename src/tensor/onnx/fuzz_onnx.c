/* Fuzz target: an ONNX file. Whatever the bytes are: refused with a reason, or a graph whose
 * canonical bytes decode to the same ones and whose weights are as long as it says. With
 * AY_PLANTED_BUG it has a fault of its own, which needs a graph within a graph. */
#include "base/codec.h"
#include "tensor/onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT (64u << 20)
#define ROOM  (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum ay_code count(void *context, const void *bytes, size_t len)
{
    uint64_t *all = context;
    volatile uint8_t last = len ? ((const uint8_t *)bytes)[len - 1] : 0;
    (void)last;
    *all += len;
    return *all > ROOM ? AY_E_LIMIT : AY_OK;
}

static void check(const struct ay_onnx *onnx)
{
    static uint8_t bytes[ROOM], again[ROOM], memory[64 * ROOM] __attribute__((aligned(16)));
    uint32_t len, len_again;
    uint64_t weights = 0;
    struct ay_arena arena = ay_arena_over(memory, sizeof memory);
    struct ay_graph_model decoded;
    if (onnx->weights_bytes <= ROOM) {
        enum ay_code code = ay_onnx_weights(onnx, -1, count, &weights, NULL);
        AY_ASSERT(code != AY_OK || weights == onnx->weights_bytes);
    }
    enum ay_code code = ay_encode(&ay_graph_model_msg, &onnx->model, bytes, ROOM, &len);
    if (code == AY_E_LIMIT) return;
    AY_ASSERT(code == AY_OK);
    AY_ASSERT(ay_decode(&ay_graph_model_msg, ay_slice(bytes, len), &arena, &decoded, NULL) == AY_OK);
    AY_ASSERT(ay_encode(&ay_graph_model_msg, &decoded, again, ROOM, &len_again) == AY_OK);
    AY_ASSERT(len == len_again && memcmp(bytes, again, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ay_onnx onnx;
    struct ay_reason reason = {""};
    if (ay_onnx_parse(data, size, LIMIT, &onnx, &reason) != AY_OK) {
        AY_ASSERT(reason.text[0]);
        return 0;
    }
    check(&onnx);
#ifdef AY_PLANTED_BUG
    if (onnx.model.graphs_count > 1 && onnx.model.graphs[1].outputs_count == 0) abort();
#endif
    ay_onnx_close(&onnx);
    return 0;
}
