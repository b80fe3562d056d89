#include "tensor/npy.h"

#include "base/text.h"
#include "tensor/dtype.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Magic, version, length, description: a multiple of 64, and room for the longest shape. */
#define HEADER_BYTES 320u

static const char *const descriptions[] = {
    [AY_WORK_DTYPE_F32] = "<f4", [AY_WORK_DTYPE_I32] = "<i4", [AY_WORK_DTYPE_I64] = "<i8",
    [AY_WORK_DTYPE_I8] = "|i1",  [AY_WORK_DTYPE_U8] = "|u1",  [AY_WORK_DTYPE_BOOL] = "|b1",
};

/* Returns its length: a multiple of 64. */
static size_t header_of(const struct ay_ndarray *a, uint8_t out[HEADER_BYTES])
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    char text[HEADER_BYTES];
    struct ay_text t = ay_text_over(text, sizeof text);
    ay_text_str(&t, "{'descr': '");
    ay_text_str(&t, descriptions[a->dtype]);
    ay_text_str(&t, "', 'fortran_order': False, 'shape': (");
    for (uint32_t i = 0; i < a->rank; i++) {
        ay_text_u64(&t, a->dims[i]);
        ay_text_str(&t, i + 1 < a->rank ? ", " : a->rank == 1 ? "," : "");
    }
    ay_text_str(&t, "), }");
    size_t len = (sizeof magic + 2 + t.len + 1 + 63) / 64 * 64, described = len - sizeof magic - 2;
    AY_ASSERT(!t.full && len <= HEADER_BYTES);
    memset(out, ' ', len);
    memcpy(out, magic, sizeof magic);
    out[8] = (uint8_t)described;
    out[9] = (uint8_t)(described >> 8);
    memcpy(out + sizeof magic + 2, text, t.len);
    out[len - 1] = '\n';
    return len;
}

static bool write_elements(FILE *f, const struct ay_ndarray *a, uint64_t bytes)
{
    const uint8_t *at = a->data;
    uint32_t size = ay_dtype_bytes(a->dtype);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) return fwrite(at, 1, bytes, f) == bytes;
    for (uint64_t i = 0; i < bytes; i += size) {
        uint8_t le[8];
        ay_element_put(le, size, ay_element_load(at + i, size));
        if (fwrite(le, 1, size, f) != size) return false;
    }
    return true;
}

enum ay_code ay_npy_write_array(const char *path, const struct ay_ndarray *a)
{
    uint8_t header[HEADER_BYTES];
    char *part = NULL;
    uint64_t bytes;
    AY_TRY(ay_ndarray_bytes(a, &bytes));
    if (asprintf(&part, "%s.part", path) < 0) return AY_E_MEMORY;
    size_t header_len = header_of(a, header);
    FILE *f = fopen(part, "wb");
    bool ok = f && fwrite(header, 1, header_len, f) == header_len &&
              write_elements(f, a, bytes);
    ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int error = errno;
    if (f && fclose(f) != 0) ok = false;
    ok = ok && rename(part, path) == 0;
    if (!ok && f) (void)unlink(part);
    free(part);
    return ok ? AY_OK : error == ENOSPC ? AY_E_DISK_FULL : AY_E_IO;
}

enum ay_code ay_npy_write(const char *path, const float *data, size_t rows, size_t cols)
{
    struct ay_ndarray a = {.dtype = AY_WORK_DTYPE_F32,
                           .rank = 2,
                           .dims = {rows, cols},
                           .data = (void *)(uintptr_t)data};
    return ay_npy_write_array(path, &a);
}
