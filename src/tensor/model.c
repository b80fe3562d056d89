#include "tensor/model.h"

#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "tensor/model_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_CARD_BYTES 65536u
#define MAX_FILE_BYTES (1ull << 47)
/* Decoded, a program takes less than that many times its bytes. */
#define PROGRAM_SPREAD 64u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weights are used as they lie");

void ay_program_id(struct ay_slice program_bytes, uint8_t out[32])
{
    struct ay_slice parts[] = {ay_slice_str("assay/program/v1"), program_bytes};
    ay_sha256_parts(parts, 2, out);
}

void ay_program_weights_root(const struct ay_work_program *p, uint8_t out[32])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < p->weights_count; i++)
        ay_merkle_add(&tree, ay_slice(p->weights[i].root, 32));
    ay_merkle_root(&tree, out);
}

char *ay_model_path(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static enum ay_code read_all(int fd, uint32_t max, uint8_t **out, uint32_t *len)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return AY_E_IO;
    if ((uint64_t)info.st_size > max) return AY_E_LIMIT;
    uint8_t *memory = malloc((size_t)info.st_size + 1);
    if (!memory) return AY_E_MEMORY;
    size_t have = 0;
    for (ssize_t n; have < (size_t)info.st_size; have += (size_t)n) {
        n = read(fd, memory + have, (size_t)info.st_size - have);
        if (n <= 0) {
            free(memory);
            return AY_E_IO;
        }
    }
    memory[have] = 0;
    *out = memory;
    *len = (uint32_t)have;
    return AY_OK;
}

enum ay_code ay_model_read(const char *dir, const char *name, uint32_t max, uint8_t **out,
                           uint32_t *len, struct ay_reason *reason)
{
    char *path = ay_model_path(dir, name);
    if (!path) return AY_E_MEMORY;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = errno;
    free(path);
    if (fd < 0)
        return ay_reject(reason, error == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%.120s/%s: %s", dir,
                         name, strerror(error));
    enum ay_code code = read_all(fd, max, out, len);
    (void)close(fd);
    if (code == AY_OK) return AY_OK;
    return ay_reject(reason, code, "%.120s/%s: %s", dir, name, ay_code_info(code)->text);
}

enum ay_code ay_model_extent(const struct ay_work_weight *w, uint64_t *at, uint64_t *begin,
                             uint64_t *len)
{
    *len = ay_dtype_bytes(w->dtype);
    for (uint32_t i = 0; i < w->dims_count; i++)
        if (__builtin_mul_overflow(*len, w->dims[i], len)) return AY_E_LIMIT;
    *begin = (*at + AY_MODEL_ALIGN - 1) / AY_MODEL_ALIGN * AY_MODEL_ALIGN;
    if (*len > MAX_FILE_BYTES || *begin > MAX_FILE_BYTES) return AY_E_LIMIT;
    *at = *begin + *len;
    return AY_OK;
}

static enum ay_code open_program(struct ay_model *m, const char *dir, struct ay_reason *reason)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    AY_TRY(ay_model_read(dir, "program.bin", AY_MAX_PROGRAM_BYTES, &bytes, &len, reason));
    /* One block: the decoded program, then the bytes that it borrows from. */
    size_t room = ((size_t)len + 16) * PROGRAM_SPREAD;
    m->program_memory = aligned_alloc(16, (room + len + 15) / 16 * 16);
    if (!m->program_memory) {
        free(bytes);
        return AY_E_MEMORY;
    }
    uint8_t *kept = (uint8_t *)m->program_memory + room;
    memcpy(kept, bytes, len);
    free(bytes);
    m->program_bytes = ay_slice(kept, len);
    struct ay_arena arena = ay_arena_over(m->program_memory, room);
    struct ay_fault fault;
    enum ay_code code =
        ay_decode(&ay_work_program_msg, m->program_bytes, &arena, &m->program, &fault);
    if (code != AY_OK) {
        char text[160];
        ay_fault_text(&fault, text, sizeof text);
        return ay_reject(reason, code, "program.bin: %s", text);
    }
    struct ay_program_fault why;
    code = ay_program_check(&m->program, &why);
    if (code != AY_OK)
        return ay_reject(reason, code, "program.bin, op %d: %s", (int)why.op, why.reason);
    ay_program_id(m->program_bytes, m->program_id);
    ay_program_weights_root(&m->program, m->weights_root);
    return AY_OK;
}

/* Models of this kind: token ids in, one vector out. */
static enum ay_code check_kind(struct ay_model *m, struct ay_reason *reason)
{
    const struct ay_work_program *p = &m->program;
    const struct ay_work_op *last = &p->ops[p->ops_count - 1];
    if (p->inputs_count != 1 || p->inputs[0].dtype != AY_WORK_DTYPE_I32 ||
        p->inputs[0].dims_count != 1 || p->inputs[0].dims[0] != AY_DIM_SYMBOL ||
        p->max_dims_count != 1 || p->max_dims[0] < 2 || last->dims_count != 2 ||
        last->dims[0] != 1 || last->dims[1] & AY_DIM_SYMBOL)
        return ay_reject(reason, AY_E_UNSUPPORTED, "program.bin: not from tokens to one vector");
    m->max_tokens = p->max_dims[0];
    m->dims = last->dims[1];
    return AY_OK;
}

enum ay_code ay_model_map_weights(const char *dir, void **map, size_t *len,
                                  struct ay_reason *reason)
{
    struct stat info;
    char *path = ay_model_path(dir, "weights.bin");
    if (!path) return AY_E_MEMORY;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) return ay_reject(reason, AY_E_NOT_FOUND, "%.120s/weights.bin: cannot be read", dir);
    bool ok = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    *len = ok ? (size_t)info.st_size : 0;
    *map = *len ? mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    (void)close(fd);
    if (ok && *map != MAP_FAILED) return AY_OK;
    *map = NULL;
    return ay_reject(reason, AY_E_IO, "%.120s/weights.bin: cannot be mapped", dir);
}

static enum ay_code open_weights(struct ay_model *m, const char *dir, struct ay_reason *reason)
{
    const struct ay_work_program *p = &m->program;
    uint64_t at = 0, begin, len;
    uint8_t root[32];
    m->weights = calloc(p->weights_count + 1u, sizeof *m->weights);
    if (!m->weights) return AY_E_MEMORY;
    AY_TRY(ay_model_map_weights(dir, &m->map, &m->map_len, reason));
    for (uint32_t i = 0; i < p->weights_count; i++) {
        const struct ay_work_weight *w = &p->weights[i];
        uint64_t before = at;
        enum ay_code code = ay_model_extent(w, &at, &begin, &len);
        if (code != AY_OK || at > m->map_len)
            return ay_reject(reason, AY_E_FORMAT, "weights.bin: too short for weight %u", i);
        for (const uint8_t *bytes = m->map; before < begin; before++)
            if (bytes[before])
                return ay_reject(reason, AY_E_FORMAT, "weights.bin: not zero before weight %u", i);
        m->weights[i] = (const uint8_t *)m->map + begin;
        code = ay_tensor_root((uint8_t)w->dtype, (uint8_t)w->dims_count, w->dims, m->weights[i],
                              len, root);
        if (code == AY_OK && memcmp(root, w->root, 32) != 0) code = AY_E_HASH;
        if (code != AY_OK)
            return ay_reject(reason, code, "weights.bin: weight %u is not the program's", i);
    }
    if (at != m->map_len) return ay_reject(reason, AY_E_FORMAT, "weights.bin: bytes at its end");
    return AY_OK;
}

/* Every token must have its row in each table that the program looks tokens up in. */
static enum ay_code check_vocabulary(const struct ay_model *m, struct ay_reason *reason)
{
    const struct ay_work_program *p = &m->program;
    uint32_t tokens = ay_wordpiece_size(m->tokenizer), first = p->inputs_count;
    for (uint32_t i = 0; i < p->ops_count; i++) {
        const struct ay_work_op *op = &p->ops[i];
        if (op->kind != AY_WORK_OP_GATHER || op->in[1] != 0) continue;
        bool fixed = op->in[0] >= first && op->in[0] < first + p->weights_count;
        if (fixed && tokens > p->weights[op->in[0] - first].dims[0])
            return ay_reject(reason, AY_E_FORMAT,
                             "vocab.txt: more entries than the program has rows");
    }
    return AY_OK;
}

static enum ay_code open_tokenizer(struct ay_model *m, const char *dir, struct ay_reason *reason)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    AY_TRY(ay_model_read(dir, "vocab.txt", AY_MAX_VOCABULARY_BYTES, &bytes, &len, reason));
    enum ay_code code = ay_wordpiece_open(ay_slice(bytes, len), &m->tokenizer, reason);
    free(bytes);
    return code == AY_OK ? check_vocabulary(m, reason) : code;
}

char *ay_model_card_text(const json_t *card, const char *name)
{
    const char *text = json_string_value(json_object_get(card, name));
    return strdup(text ? text : "");
}

enum ay_code ay_model_card(const char *dir, json_t **out, struct ay_reason *reason)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    json_error_t error;
    AY_TRY(ay_model_read(dir, "model.json", MAX_CARD_BYTES, &bytes, &len, reason));
    *out = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    if (!*out)
        return ay_reject(reason, AY_E_FORMAT, "model.json, line %d: %s", error.line, error.text);
    if (json_is_object(*out)) return AY_OK;
    json_decref(*out);
    return ay_reject(reason, AY_E_FORMAT, "model.json: not an object");
}

static enum ay_code open_card(struct ay_model *m, const char *dir, struct ay_reason *reason)
{
    json_t *card = NULL;
    AY_TRY(ay_model_card(dir, &card, reason));
    m->name = ay_model_card_text(card, "name");
    m->licence = ay_model_card_text(card, "licence");
    m->source = ay_model_card_text(card, "source");
    json_decref(card);
    return m->name && m->licence && m->source ? AY_OK : AY_E_MEMORY;
}

enum ay_code ay_model_open(const char *dir, struct ay_model **out, struct ay_reason *reason)
{
    struct ay_model *m = calloc(1, sizeof *m);
    if (!m) return AY_E_MEMORY;
    enum ay_code code = open_program(m, dir, reason);
    if (code == AY_OK) code = check_kind(m, reason);
    if (code == AY_OK) code = open_card(m, dir, reason);
    if (code == AY_OK) code = open_tokenizer(m, dir, reason);
    if (code == AY_OK) code = open_weights(m, dir, reason);
    if (code == AY_OK)
        *out = m;
    else
        ay_model_close(m);
    return code;
}

void ay_model_close(struct ay_model *m)
{
    if (!m) return;
    if (m->map) (void)munmap(m->map, m->map_len);
    ay_wordpiece_close(m->tokenizer);
    free(m->weights);
    free(m->program_memory);
    free(m->name);
    free(m->licence);
    free(m->source);
    free(m);
}
