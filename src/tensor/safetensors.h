/* Reader of safetensors files, hostile ones included: an 8-byte little-endian header length, a JSON
 * object (name -> dtype, shape, data_offsets), then the bytes. Source:
 * https://github.com/huggingface/safetensors#format.
 *
 * Accepted are files of at most AY_MAX_SAFETENSORS_HEADER header bytes and AY_MAX_SAFETENSORS_COUNT
 * tensors, in which every tensor lies inside the file, has the bytes of its shape and overlaps no
 * other, and together they leave no gap. */
#ifndef AY_TENSOR_SAFETENSORS_H
#define AY_TENSOR_SAFETENSORS_H

#include "base/bytes.h"
#include "tensor/program.h"
#include "tensor/reason.h"

#define AY_MAX_SAFETENSORS_HEADER (8u << 20)
#define AY_MAX_SAFETENSORS_COUNT  65536u

enum ay_stored { /* element types that can be read; others are listed as AY_STORED_OTHER */
                 AY_STORED_OTHER,
                 AY_STORED_F32,
                 AY_STORED_F16,
                 AY_STORED_BF16,
                 AY_STORED_I32,
                 AY_STORED_I64,
                 AY_STORED_COUNT
};

struct ay_stored_tensor {
    char *name; /* NUL-terminated, owned by the file */
    enum ay_stored stored;
    uint32_t rank;
    uint64_t dims[AY_MAX_RANK];
    const uint8_t *data; /* in the mapping */
    uint64_t len;        /* bytes */
};

struct ay_safetensors {
    void *map; /* NULL when parsed from the caller's memory */
    uint64_t map_len;
    struct ay_stored_tensor *tensors; /* ascending by name */
    uint32_t count;
};

/* Reads the header of the bytes at data, which must stay while *out is used.
 * AY_E_FORMAT, AY_E_LIMIT with a reason; AY_E_MEMORY. On an error *out needs no closing. */
enum ay_code ay_safetensors_parse(const void *data, uint64_t len, struct ay_safetensors *out,
                                  struct ay_reason *reason) AY_MUST;

/* Maps the file and parses it. Further: AY_E_NOT_FOUND, AY_E_IO. A file cut short while it is read
 * raises SIGBUS, as any mapping does. */
enum ay_code ay_safetensors_open(const char *path, struct ay_safetensors *out,
                                 struct ay_reason *reason) AY_MUST;
void ay_safetensors_close(struct ay_safetensors *file);

/* The tensor of that name, or NULL. O(log n). */
const struct ay_stored_tensor *ay_safetensors_find(const struct ay_safetensors *file,
                                                   const char *name);

/* Elements [first, first + count) as f32, widened exactly. AY_E_UNSUPPORTED: not a float type;
 * AY_E_FORMAT: a NaN among them. */
enum ay_code ay_stored_read_f32(const struct ay_stored_tensor *t, uint64_t first, uint64_t count,
                                float *out) AY_MUST;

#endif
