/* Constants: what a TensorProto says about its elements, and the elements themselves. */
#include "tensor/convert.h"
#include "tensor/onnx/build.h"
#include "tensor/dtype.h"

#include <stdlib.h>
#include <unistd.h>

#define ALIGN     64u
#define MAX_BYTES (1ull << 46)
#define CHUNK     65536u /* elements converted at once */

/* By DataType: its name, bytes of an element when raw, what it becomes. */
static const struct {
    const char *name;
    uint8_t bytes;
    uint8_t dtype;
} types[] = {
    [ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED] = {"no type", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT] = {"f32", 4, AY_WORK_DTYPE_F32},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT8] = {"u8", 1, AY_WORK_DTYPE_U8},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT8] = {"i8", 1, AY_WORK_DTYPE_I8},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT16] = {"u16", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT16] = {"i16", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT32] = {"i32", 4, AY_WORK_DTYPE_I32},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT64] = {"i64", 8, AY_WORK_DTYPE_I64},
    [ONNX__TENSOR_PROTO__DATA_TYPE__STRING] = {"strings", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__BOOL] = {"bool", 1, AY_WORK_DTYPE_BOOL},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16] = {"f16", 2, AY_WORK_DTYPE_F32},
    [ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE] = {"f64", 8, AY_WORK_DTYPE_F32},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT32] = {"u32", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT64] = {"u64", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64] = {"complex64", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128] = {"complex128", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16] = {"bf16", 2, AY_WORK_DTYPE_F32},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FN] = {"f8e4m3fn", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FNUZ] = {"f8e4m3fnuz", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2] = {"f8e5m2", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2FNUZ] = {"f8e5m2fnuz", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT4] = {"u4", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT4] = {"i4", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT4E2M1] = {"f4e2m1", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E8M0] = {"f8e8m0", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT2] = {"u2", 0, 0},
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT2] = {"i2", 0, 0},
};
#define TYPES_COUNT ((int32_t)(sizeof types / sizeof types[0]))

static bool is_type(int32_t onnx)
{
    return onnx >= 0 && onnx < TYPES_COUNT;
}

const char *ay_onnx_dtype_name(int32_t onnx)
{
    return is_type(onnx) ? types[onnx].name : "an unknown type";
}

uint32_t ay_onnx_dtype(int32_t onnx)
{
    return is_type(onnx) ? types[onnx].dtype : AY_WORK_DTYPE_NONE;
}

static const char *name_of(const Onnx__TensorProto *t)
{
    return t->name && t->name[0] ? t->name : "of an attribute";
}

static bool is_external(const Onnx__TensorProto *t)
{
    return t->has_data_location && t->data_location == 1;
}

/* Number of elements in the list that fits the type. */
static uint64_t listed(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return t->n_int64_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return t->n_double_data;
    default: return t->n_int32_data;
    }
}

static enum ay_code check_elements(struct ay_onnx_build *b, const Onnx__TensorProto *t,
                                   uint64_t elements)
{
    if (is_external(t)) return AY_OK; /* when it is read */
    uint64_t have = t->has_raw_data ? t->raw_data.len : listed(t);
    uint64_t need = t->has_raw_data ? elements * types[t->data_type].bytes : elements;
    if (have == need) return AY_OK;
    return ay_reject(b->reason, AY_E_FORMAT, "constant %.80s: %llu %s, its shape needs %llu",
                     name_of(t), (unsigned long long)have, t->has_raw_data ? "bytes" : "elements",
                     (unsigned long long)need);
}

enum ay_code ay_onnx_constant(struct ay_onnx_build *b, const Onnx__TensorProto *t,
                              struct ay_slice name, struct ay_graph_constant *out)
{
    int32_t type = t->has_data_type ? t->data_type : 0;
    uint64_t elements = 1, end;
    uint64_t *dims = AY_NEW(&b->arena, uint64_t, t->n_dims);
    if (!dims) return ay_onnx_full(b);
    if (ay_onnx_dtype(type) == AY_WORK_DTYPE_NONE)
        return ay_reject(b->reason, AY_E_UNSUPPORTED, "constant %.80s: elements of %s", name_of(t),
                         ay_onnx_dtype_name(type));
    if (t->n_dims > AY_MAX_RANK)
        return ay_reject(b->reason, AY_E_UNSUPPORTED, "constant %.80s: more than %d dimensions",
                         name_of(t), AY_MAX_RANK);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || (uint64_t)t->dims[i] > MAX_BYTES ||
            __builtin_mul_overflow(elements, (uint64_t)t->dims[i], &elements) ||
            elements > MAX_BYTES / 8)
            return ay_reject(b->reason, AY_E_LIMIT, "constant %.80s: size in its shape",
                             name_of(t));
        dims[i] = (uint64_t)t->dims[i];
    }
    AY_TRY(check_elements(b, t, elements));
    *out = (struct ay_graph_constant){.name = name,
                                      .dtype = ay_onnx_dtype(type),
                                      .dims = dims,
                                      .dims_count = (uint32_t)t->n_dims,
                                      .offset = (b->weights_bytes + ALIGN - 1) / ALIGN * ALIGN};
    end = out->offset + elements * ay_dtype_bytes(out->dtype);
    if (end > MAX_BYTES) return ay_reject(b->reason, AY_E_LIMIT, "more than 2^46 bytes of weights");
    b->weights_bytes = end;
    b->out->from_f16 += type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    b->out->from_bf16 += type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
    b->out->from_f64 += type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    struct ay_onnx_source *source = ay_onnx_add(b, &b->sources, sizeof *source);
    if (!source) return ay_onnx_full(b);
    *source = (struct ay_onnx_source){.tensor = t, .offset = out->offset, .elements = elements};
    return AY_OK;
}

/* Elements [first, first + count) of a tensor, as its type's raw bytes have them, in f32 or in the
 * integer dtype; at: the raw bytes of element `first`, NULL: in the list. */
static uint64_t element(const Onnx__TensorProto *t, const uint8_t *at, uint64_t i)
{
    uint64_t value = 0;
    uint32_t bits;
    if (at) {
        memcpy(&value, at, types[t->data_type].bytes);
        return value;
    }
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        memcpy(&bits, &t->float_data[i], sizeof bits);
        return bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return (uint64_t)t->int64_data[i];
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        memcpy(&value, &t->double_data[i], sizeof value);
        return value;
    default: return (uint64_t)t->int32_data[i];
    }
}

static uint64_t converted(int32_t type, uint64_t value)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        value = ay_widen_f16((uint32_t)value & 0xffffu);
        break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: value = (value & 0xffffu) << 16; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: value = ay_narrow_f64(value); break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: value = value != 0; break;
    default: break;
    }
    return types[type].dtype == AY_WORK_DTYPE_F32 ? ay_canonical_f32((uint32_t)value) : value;
}

/* One chunk, from the tensor itself or from a file. */
static enum ay_code chunk(const Onnx__TensorProto *t, const struct ay_onnx_external *file,
                          uint64_t first, size_t count, uint8_t *raw, uint8_t *out,
                          struct ay_reason *reason)
{
    uint32_t from = types[t->data_type].bytes, to = ay_dtype_bytes(types[t->data_type].dtype);
    const uint8_t *at = t->has_raw_data ? t->raw_data.data + first * from : NULL;
    if (file->fd >= 0) {
        size_t have = 0, want = count * from;
        for (ssize_t n; have < want; have += (size_t)n) {
            n = pread(file->fd, raw + have, want - have,
                      (off_t)(file->offset + first * from + have));
            if (n <= 0)
                return ay_reject(reason, AY_E_IO, "constant %.80s: its file cannot be read",
                                 name_of(t));
        }
        at = raw;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t value = element(t, at ? at + i * from : NULL, first + i);
        value = converted(t->data_type, value);
        memcpy(out + i * to, &value, to);
    }
    return AY_OK;
}

static enum ay_code pour(const struct ay_onnx_source *s, int folder, uint8_t *memory,
                         ay_onnx_sink *sink, void *context, struct ay_reason *reason)
{
    const Onnx__TensorProto *t = s->tensor;
    struct ay_onnx_external file = {.fd = -1};
    enum ay_code code = AY_OK;
    uint32_t to = ay_dtype_bytes(types[t->data_type].dtype);
    if (is_external(t))
        AY_TRY(ay_onnx_external_open(t, folder, s->elements * types[t->data_type].bytes, &file,
                                     reason));
    for (uint64_t done = 0; code == AY_OK && done < s->elements;) {
        size_t count = s->elements - done < CHUNK ? (size_t)(s->elements - done) : CHUNK;
        code = chunk(t, &file, done, count, memory, memory + CHUNK * 8, reason);
        if (code == AY_OK) code = sink(context, memory + CHUNK * 8, count * to);
        done += count;
    }
    if (file.fd >= 0) (void)close(file.fd);
    return code;
}

enum ay_code ay_onnx_weights(const struct ay_onnx *onnx, int folder, ay_onnx_sink *sink,
                             void *context, struct ay_reason *reason)
{
    static const uint8_t zeros[ALIGN];
    uint64_t at = 0;
    enum ay_code code = AY_OK;
    uint8_t *memory = malloc((size_t)2 * CHUNK * 8);
    if (!memory) return AY_E_MEMORY;
    for (uint32_t i = 0; code == AY_OK && i < onnx->parts->sources_count; i++) {
        const struct ay_onnx_source *s = &onnx->parts->sources[i];
        if (s->offset > at) code = sink(context, zeros, (size_t)(s->offset - at));
        if (code == AY_OK) code = pour(s, folder, memory, sink, context, reason);
        at = s->offset + s->elements * ay_dtype_bytes(types[s->tensor->data_type].dtype);
    }
    free(memory);
    return code;
}
