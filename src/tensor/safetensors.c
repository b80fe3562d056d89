#include "tensor/safetensors.h"

#include "tensor/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* By enum ay_stored, and what else the format has; `bytes` an element. */
static const struct {
    const char *name;
    enum ay_stored stored;
    uint8_t bytes;
} dtypes[] = {
    {"F32", AY_STORED_F32, 4},    {"F16", AY_STORED_F16, 2},       {"BF16", AY_STORED_BF16, 2},
    {"I32", AY_STORED_I32, 4},    {"I64", AY_STORED_I64, 8},       {"F64", AY_STORED_OTHER, 8},
    {"I16", AY_STORED_OTHER, 2},  {"I8", AY_STORED_OTHER, 1},      {"U8", AY_STORED_OTHER, 1},
    {"U16", AY_STORED_OTHER, 2},  {"U32", AY_STORED_OTHER, 4},     {"U64", AY_STORED_OTHER, 8},
    {"BOOL", AY_STORED_OTHER, 1}, {"F8_E4M3", AY_STORED_OTHER, 1}, {"F8_E5M2", AY_STORED_OTHER, 1},
};

static bool json_u64(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static enum ay_code parse_shape(const char *name, const json_t *shape, struct ay_stored_tensor *t,
                                uint64_t *elements, struct ay_reason *reason)
{
    if (!json_is_array(shape) || json_array_size(shape) > AY_MAX_RANK)
        return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: shape is not a list of at most %d",
                         name, AY_MAX_RANK);
    t->rank = (uint32_t)json_array_size(shape);
    *elements = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (!json_u64(json_array_get(shape, i), &t->dims[i]) ||
            __builtin_mul_overflow(*elements, t->dims[i], elements))
            return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: size in shape", name);
    }
    return AY_OK;
}

/* base, len: the bytes after the header. */
static enum ay_code parse_tensor(const char *name, const json_t *entry, const uint8_t *base,
                                 uint64_t len, struct ay_stored_tensor *t, struct ay_reason *reason)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    uint64_t elements = 0, begin, end, bytes = 0;
    if (json_object_size(entry) != 3 || !dtype)
        return ay_reject(reason, AY_E_FORMAT,
                         "tensor %.80s: not just dtype, shape and data_offsets", name);
    AY_TRY(parse_shape(name, json_object_get(entry, "shape"), t, &elements, reason));
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtype, dtypes[i].name) == 0) {
            t->stored = dtypes[i].stored;
            bytes = dtypes[i].bytes;
        }
    if (bytes == 0) return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: unknown dtype", name);
    if (json_array_size(offsets) != 2 || !json_u64(json_array_get(offsets, 0), &begin) ||
        !json_u64(json_array_get(offsets, 1), &end) || begin > end || end > len)
        return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: data_offsets outside the file", name);
    if (__builtin_mul_overflow(elements, bytes, &bytes) || bytes != end - begin)
        return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: bytes do not match the shape", name);
    t->data = base + begin;
    t->len = bytes;
    t->name = strdup(name);
    return t->name ? AY_OK : AY_E_MEMORY;
}

static int by_data(const void *a, const void *b)
{
    const struct ay_stored_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return (x->len > y->len) - (x->len < y->len);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ay_stored_tensor *)a)->name,
                  ((const struct ay_stored_tensor *)b)->name);
}

/* The tensors lie one after another, from base to the end. */
static enum ay_code check_cover(struct ay_safetensors *file, const uint8_t *base, uint64_t len,
                                struct ay_reason *reason)
{
    const uint8_t *at = base;
    if (file->count) qsort(file->tensors, file->count, sizeof *file->tensors, by_data);
    for (uint32_t i = 0; i < file->count; i++) {
        if (file->tensors[i].data != at)
            return ay_reject(reason, AY_E_FORMAT, "tensor %.80s: overlap or gap before it",
                             file->tensors[i].name);
        at += file->tensors[i].len;
    }
    if (at != base + len) return ay_reject(reason, AY_E_FORMAT, "bytes after the last tensor");
    if (file->count) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    return AY_OK;
}

static enum ay_code parse_header(json_t *root, const uint8_t *base, uint64_t len,
                                 struct ay_safetensors *out, struct ay_reason *reason)
{
    const char *name;
    json_t *entry;
    if (!json_is_object(root)) return ay_reject(reason, AY_E_FORMAT, "header is not an object");
    size_t n = json_object_size(root);
    if (n > AY_MAX_SAFETENSORS_COUNT) return ay_reject(reason, AY_E_LIMIT, "too many tensors");
    out->tensors = calloc(n + 1, sizeof *out->tensors);
    if (!out->tensors) return AY_E_MEMORY;
    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        AY_TRY(parse_tensor(name, entry, base, len, &out->tensors[out->count], reason));
        out->count++;
    }
    return check_cover(out, base, len, reason);
}

enum ay_code ay_safetensors_parse(const void *data, uint64_t len, struct ay_safetensors *out,
                                  struct ay_reason *reason)
{
    const uint8_t *bytes = data;
    uint64_t header = 0;
    json_error_t error;
    *out = (struct ay_safetensors){0};
    if (len < 8) return ay_reject(reason, AY_E_FORMAT, "shorter than its header's length");
    for (int i = 7; i >= 0; i--) header = header << 8 | bytes[i];
    if (header > AY_MAX_SAFETENSORS_HEADER)
        return ay_reject(reason, AY_E_LIMIT, "header above %u bytes", AY_MAX_SAFETENSORS_HEADER);
    if (header > len - 8) return ay_reject(reason, AY_E_FORMAT, "header longer than the file");
    json_t *root =
        json_loadb((const char *)bytes + 8, (size_t)header, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return ay_reject(reason, AY_E_FORMAT, "header, byte %d: %s", error.position, error.text);
    enum ay_code code = parse_header(root, bytes + 8 + header, len - 8 - header, out, reason);
    json_decref(root);
    if (code != AY_OK) ay_safetensors_close(out);
    return code;
}

enum ay_code ay_safetensors_open(const char *path, struct ay_safetensors *out,
                                 struct ay_reason *reason)
{
    struct stat info;
    enum ay_code code = AY_E_IO;
    *out = (struct ay_safetensors){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ay_reject(reason, errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%.120s: %s", path,
                         strerror(errno));
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            code = ay_safetensors_parse(map, (uint64_t)info.st_size, out, reason);
            if (code == AY_OK) {
                out->map = map;
                out->map_len = (uint64_t)info.st_size;
            } else {
                (void)munmap(map, (size_t)info.st_size);
            }
        }
    }
    if (code == AY_E_IO) code = ay_reject(reason, code, "%.120s: cannot be mapped", path);
    (void)close(fd);
    return code;
}

void ay_safetensors_close(struct ay_safetensors *file)
{
    for (uint32_t i = 0; i < file->count; i++) free(file->tensors[i].name);
    free(file->tensors);
    if (file->map) (void)munmap(file->map, file->map_len);
    *file = (struct ay_safetensors){0};
}

const struct ay_stored_tensor *ay_safetensors_find(const struct ay_safetensors *file,
                                                   const char *name)
{
    uint32_t low = 0, high = file->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = strcmp(name, file->tensors[mid].name);
        if (order == 0) return &file->tensors[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

enum ay_code ay_stored_read_f32(const struct ay_stored_tensor *t, uint64_t first, uint64_t count,
                                float *out)
{
    if (t->stored != AY_STORED_F32 && t->stored != AY_STORED_F16 && t->stored != AY_STORED_BF16)
        return AY_E_UNSUPPORTED;
    uint64_t size = t->stored == AY_STORED_F32 ? 4 : 2;
    AY_ASSERT(first <= t->len / size && count <= t->len / size - first);
    const uint8_t *at = t->data + first * size;
    for (uint64_t i = 0; i < count; i++, at += size) {
        uint32_t half = (uint32_t)at[0] | (uint32_t)at[1] << 8;
        uint32_t bits = t->stored == AY_STORED_F32   ? ay_get_le32(at)
                        : t->stored == AY_STORED_F16 ? ay_widen_f16(half)
                                                     : half << 16;
        if ((bits & 0x7fffffffu) > 0x7f800000u) return AY_E_FORMAT;
        memcpy(out + i, &bits, sizeof bits);
    }
    return AY_OK;
}
