/* Fuzz target: a .npy file, as it is and as a description for which the bytes before it are made.
 * Whatever the bytes are: refused with a reason, or an array within the limit that can be read to
 * its end. With AY_PLANTED_BUG it has a fault of its own, which needs another shape in a valid header. */
#include "base/bytes.h"
#include "tensor/npy.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const uint8_t *data, size_t size)
{
    struct ay_ndarray array;
    struct ay_reason reason = {""};
    uint64_t bytes;
    if (ay_npy_parse(data, size, LIMIT, &array, NULL, &reason) != AY_OK) {
        AY_ASSERT(reason.text[0]);
        return;
    }
    AY_ASSERT(ay_ndarray_bytes(&array, &bytes) == AY_OK && bytes <= LIMIT);
    volatile uint8_t last = bytes ? ((const uint8_t *)array.data)[bytes - 1] : 0;
    (void)last;
#ifdef AY_PLANTED_BUG
    if (array.rank == 1 && array.dtype == AY_WORK_DTYPE_I64) abort();
#endif
    ay_ndarray_free(&array);
}

/* The description ends at the first zero byte; elements follow. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[LIMIT];
    parse(data, size);
    if (size == 0 || size > sizeof whole - 12) return 0;
    const uint8_t *stop = memchr(data, 0, size);
    size_t header = stop ? (size_t)(stop - data) : size;
    memcpy(whole, "\x93NUMPY\x02\x00", 8);
    ay_put_le32(whole + 8, (uint32_t)header);
    memcpy(whole + 12, data, size);
    parse(whole, size + 12);
    return 0;
}
