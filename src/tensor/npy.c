#include "tensor/npy.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 128u /* magic, version, length, description: a multiple of 64 */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are written as they lie");

static void header_of(size_t rows, size_t cols, uint8_t out[HEADER_BYTES])
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER_BYTES - 10, 0};
    char text[HEADER_BYTES];
    int n = snprintf(text, sizeof text,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    AY_ASSERT(n > 0 && (size_t)n < HEADER_BYTES - sizeof magic);
    memset(out, ' ', HEADER_BYTES);
    memcpy(out, magic, sizeof magic);
    memcpy(out + sizeof magic, text, (size_t)n);
    out[HEADER_BYTES - 1] = '\n';
}

enum ay_code ay_npy_write(const char *path, const float *data, size_t rows, size_t cols)
{
    uint8_t header[HEADER_BYTES];
    char *part = NULL;
    if (asprintf(&part, "%s.part", path) < 0) return AY_E_MEMORY;
    header_of(rows, cols, header);
    FILE *f = fopen(part, "wb");
    bool ok = f && fwrite(header, 1, sizeof header, f) == sizeof header &&
              fwrite(data, sizeof *data, rows * cols, f) == rows * cols;
    ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int error = errno;
    if (f && fclose(f) != 0) ok = false;
    ok = ok && rename(part, path) == 0;
    if (!ok && f) (void)unlink(part);
    free(part);
    return ok ? AY_OK : error == ENOSPC ? AY_E_DISK_FULL : AY_E_IO;
}
