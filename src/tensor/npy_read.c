#include "tensor/npy.h"

#include "base/text.h"
#include "tensor/convert.h"
#include "tensor/dtype.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_HEADER_BYTES 65536u

/* How elements are stored, and what they become. */
enum conversion { AS_IS, FROM_F16, FROM_F64 };
static const struct {
    const char *text;
    uint32_t dtype;
    enum conversion conversion;
    uint8_t bytes;
} stored[] = {
    {"<f4", AY_WORK_DTYPE_F32, AS_IS, 4},    {"<i4", AY_WORK_DTYPE_I32, AS_IS, 4},
    {"<i8", AY_WORK_DTYPE_I64, AS_IS, 8},    {"|i1", AY_WORK_DTYPE_I8, AS_IS, 1},
    {"|u1", AY_WORK_DTYPE_U8, AS_IS, 1},     {"|b1", AY_WORK_DTYPE_BOOL, AS_IS, 1},
    {"<f2", AY_WORK_DTYPE_F32, FROM_F16, 2}, {"<f8", AY_WORK_DTYPE_F32, FROM_F64, 8},
};
#define STORED_COUNT (sizeof stored / sizeof stored[0])

/* The header: a Python dictionary literal with exactly these three keys. */

struct header {
    const char *at, *end;
    char descr[16];
    bool fortran, has_descr, has_order, has_shape;
    uint32_t rank; /* AY_MAX_RANK + 1: more than that */
    uint64_t dims[AY_MAX_RANK];
};

static void skip_blank(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t')) h->at++;
}

static bool take(struct header *h, const char *text)
{
    size_t len = strlen(text);
    skip_blank(h);
    if ((size_t)(h->end - h->at) < len || memcmp(h->at, text, len) != 0) return false;
    h->at += len;
    return true;
}

/* A quoted word without escapes. */
static bool take_word(struct header *h, char *out, size_t cap)
{
    skip_blank(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"')) return false;
    char quote = *h->at++;
    const char *stop = memchr(h->at, quote, (size_t)(h->end - h->at));
    if (!stop || (size_t)(stop - h->at) >= cap) return false;
    memcpy(out, h->at, (size_t)(stop - h->at));
    out[stop - h->at] = 0;
    h->at = stop + 1;
    return true;
}

static bool take_size(struct header *h, uint64_t *out)
{
    skip_blank(h);
    const char *begin = h->at;
    while (h->at < h->end && *h->at >= '0' && *h->at <= '9') h->at++;
    struct ay_slice digits = ay_slice(begin, (uint32_t)(h->at - begin));
    (void)take(h, "L"); /* written by Python 2 */
    return ay_parse_u64(digits, INT64_MAX, out) == AY_OK;
}

static bool take_shape(struct header *h)
{
    if (!take(h, "(")) return false;
    for (h->rank = 0; !take(h, ")");) {
        uint64_t size;
        if (!take_size(h, &size)) return false;
        if (h->rank < AY_MAX_RANK) h->dims[h->rank] = size;
        if (h->rank <= AY_MAX_RANK) h->rank++;
        if (take(h, ",")) continue;
        if (!take(h, ")")) return false;
        break;
    }
    return true;
}

static bool take_entry(struct header *h)
{
    char key[16];
    if (!take_word(h, key, sizeof key) || !take(h, ":")) return false;
    if (strcmp(key, "descr") == 0 && !h->has_descr)
        return h->has_descr = take_word(h, h->descr, sizeof h->descr);
    if (strcmp(key, "shape") == 0 && !h->has_shape) return h->has_shape = take_shape(h);
    if (strcmp(key, "fortran_order") != 0 || h->has_order) return false;
    h->fortran = take(h, "True");
    return h->has_order = h->fortran || take(h, "False");
}

static bool read_header(struct header *h)
{
    if (!take(h, "{")) return false;
    while (!take(h, "}")) {
        if (!take_entry(h)) return false;
        if (take(h, ",")) continue;
        if (!take(h, "}")) return false;
        break;
    }
    skip_blank(h);
    return h->at == h->end && h->has_descr && h->has_order && h->has_shape;
}

/* Elements */

/* Element i of the result, from where it lies. */
static void convert_one(const uint8_t *from, size_t kind, uint8_t *to)
{
    uint64_t wide = ay_element_get(from, stored[kind].bytes);
    if (stored[kind].conversion == FROM_F16) wide = ay_widen_f16((uint32_t)wide);
    if (stored[kind].conversion == FROM_F64) wide = ay_narrow_f64(wide);
    if (stored[kind].dtype == AY_WORK_DTYPE_F32) wide = ay_canonical_f32((uint32_t)wide);
    if (stored[kind].dtype == AY_WORK_DTYPE_BOOL) wide = wide != 0;
    ay_element_store(to, ay_dtype_bytes(stored[kind].dtype), wide);
}

/* Where element i of the row-major result lies among elements whose first axis is the fastest. */
static uint64_t fortran_index(const struct ay_ndarray *a, uint64_t i)
{
    uint64_t at = 0, stride = 1, rest = i, place[AY_MAX_RANK];
    for (uint32_t d = a->rank; d-- > 0;) {
        place[d] = rest % a->dims[d];
        rest /= a->dims[d];
    }
    for (uint32_t d = 0; d < a->rank; d++) {
        at += place[d] * stride;
        stride *= a->dims[d];
    }
    return at;
}

static void convert_all(const uint8_t *from, size_t kind, bool fortran, uint64_t elements,
                        struct ay_ndarray *out)
{
    uint8_t *to = out->data;
    uint64_t size = ay_dtype_bytes(out->dtype);
    for (uint64_t i = 0; i < elements; i++) {
        uint64_t at = fortran ? fortran_index(out, i) : i;
        convert_one(from + at * stored[kind].bytes, kind, to + i * size);
    }
}

/* The description's place and length, by version. */
static enum ay_code find_header(const uint8_t *bytes, uint64_t len, uint64_t *begin, uint32_t *size,
                                struct ay_reason *reason)
{
    if (len < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return ay_reject(reason, AY_E_FORMAT, "not a .npy file");
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return ay_reject(reason, AY_E_UNSUPPORTED, "version %u.%u of the .npy format", bytes[6],
                         bytes[7]);
    *begin = bytes[6] == 1 ? 10 : 12;
    if (len < *begin) return ay_reject(reason, AY_E_FORMAT, "shorter than its header");
    *size = bytes[6] == 1 ? (uint32_t)bytes[8] | (uint32_t)bytes[9] << 8 : ay_get_le32(bytes + 8);
    if (*size > MAX_HEADER_BYTES)
        return ay_reject(reason, AY_E_LIMIT, "header above %u bytes", MAX_HEADER_BYTES);
    if (*size > len - *begin) return ay_reject(reason, AY_E_FORMAT, "shorter than its header");
    return AY_OK;
}

static enum ay_code find_kind(const struct header *h, size_t *out, struct ay_reason *reason)
{
    if (h->rank > AY_MAX_RANK)
        return ay_reject(reason, AY_E_UNSUPPORTED, "more than %d dimensions", AY_MAX_RANK);
    for (*out = 0; *out < STORED_COUNT; ++*out)
        if (strcmp(h->descr, stored[*out].text) == 0) return AY_OK;
    return ay_reject(reason, AY_E_UNSUPPORTED,
                     "elements of type '%s'; known are f2, f4, f8, i1, u1, i4, i8 and b1, "
                     "little-endian",
                     h->descr);
}

enum ay_code ay_npy_parse(const uint8_t *bytes, uint64_t len, uint64_t limit,
                          struct ay_ndarray *out, const char **converted, struct ay_reason *reason)
{
    uint64_t begin = 0, need = 0, room = 0;
    uint32_t size = 0;
    size_t kind = 0;
    *out = (struct ay_ndarray){0};
    AY_TRY(find_header(bytes, len, &begin, &size, reason));
    struct header h = {.at = (const char *)bytes + begin,
                       .end = (const char *)bytes + begin + size};
    if (!read_header(&h))
        return ay_reject(reason, AY_E_FORMAT, "header is not just descr, fortran_order and shape");
    AY_TRY(find_kind(&h, &kind, reason));
    out->dtype = stored[kind].dtype;
    out->rank = h.rank;
    memcpy(out->dims, h.dims, sizeof h.dims);
    if (ay_ndarray_bytes(out, &room) != AY_OK)
        return ay_reject(reason, AY_E_LIMIT, "a size in its shape is too large");
    uint64_t elements = room / ay_dtype_bytes(out->dtype);
    need = elements * stored[kind].bytes;
    if (need != len - begin - size)
        return ay_reject(reason, AY_E_FORMAT, "%llu bytes of elements, its shape needs %llu",
                         (unsigned long long)(len - begin - size), (unsigned long long)need);
    if (room > limit)
        return ay_reject(reason, AY_E_LIMIT, "needs %llu bytes of memory, %llu are allowed",
                         (unsigned long long)room, (unsigned long long)limit);
    AY_TRY(ay_ndarray_take(out));
    convert_all(bytes + begin + size, kind, h.fortran, elements, out);
    if (converted) *converted = stored[kind].conversion == AS_IS ? NULL : stored[kind].text;
    return AY_OK;
}

enum ay_code ay_npy_read(const char *path, uint64_t limit, struct ay_ndarray *out,
                         const char **converted, struct ay_reason *reason)
{
    struct stat info;
    struct ay_reason why = {"cannot be read"};
    enum ay_code code = AY_E_IO;
    *out = (struct ay_ndarray){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ay_reject(reason, errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%.160s: %s", path,
                         strerror(errno));
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        size_t len = (size_t)info.st_size;
        void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            code = ay_npy_parse(map, len, limit, out, converted, &why);
            (void)munmap(map, len);
        }
    }
    (void)close(fd);
    return code == AY_OK ? code : ay_reject(reason, code, "%.120s: %.110s", path, why.text);
}
