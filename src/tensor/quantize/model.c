/* A model's folder in profile q8. */
#include "tensor/quantize/quantize.h"

#include "tensor/model_impl.h"
#include "tensor/quantize/balance.h"
#include "tensor/quantize/q8.h"

#include <stdlib.h>
#include <string.h>

/* A program decoded, its lists again, its bytes. */
#define ARENA_SPREAD 256u

struct quantize {
    const struct ay_model *from;
    struct ay_folder folder;
    struct ay_reason *reason;
    struct ay_arena arena;
    struct ay_work_program program;
    const struct ay_q8_source *sources;
    struct ay_balance balance;
};

/* ay_q8_program made it in our own arena. */
static struct ay_work_weight *weight_at(const struct quantize *z, uint32_t index)
{
    return (struct ay_work_weight *)(uintptr_t)&z->program.weights[index];
}

/* Weight `index` and its scales after it, both of one weight of the old model. */
static enum ay_code put_quantised(struct quantize *z, uint32_t index, FILE *f, uint64_t *at)
{
    struct ay_work_weight *w = weight_at(z, index);
    const struct ay_q8_source *s = &z->sources[index];
    uint32_t n = w->dims[0], k = w->dims[1], blocks = w[1].dims[1];
    size_t elements = (size_t)n * k;
    float *copy = malloc(sizeof *copy * elements);
    int8_t *q = malloc(elements);
    float *scale = malloc(sizeof *scale * n * blocks);
    enum ay_code code = copy && q && scale ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK) {
        memcpy(copy, z->from->weights[s->weight], sizeof *copy * elements);
        if (s->factors) ay_q8_scale_columns(copy, n, k, s->factors);
        code = ay_q8_weights(copy, n, k, blocks == 1 ? k : AY_Q8_BLOCK, q, scale);
        if (code != AY_OK)
            code = ay_reject(z->reason, code, "weight %u: an element is too large", s->weight);
    }
    if (code == AY_OK) code = ay_model_put_weight(&z->folder, f, at, q, w);
    if (code == AY_OK) code = ay_model_put_weight(&z->folder, f, at, scale, w + 1);
    free(copy);
    free(q);
    free(scale);
    return code;
}

static enum ay_code put_inverses(struct quantize *z, uint32_t index, FILE *f, uint64_t *at)
{
    struct ay_work_weight *w = weight_at(z, index);
    float *inverses = malloc(sizeof *inverses * w->dims[0]);
    if (!inverses) return AY_E_MEMORY;
    for (uint32_t i = 0; i < w->dims[0]; i++) inverses[i] = 1 / z->sources[index].factors[i];
    enum ay_code code = ay_model_put_weight(&z->folder, f, at, inverses, w);
    free(inverses);
    return code;
}

static enum ay_code put_weight(struct quantize *z, uint32_t index, FILE *f, uint64_t *at)
{
    const struct ay_q8_source *s = &z->sources[index];
    switch (s->part) {
    case AY_Q8_KEPT:
        return ay_model_put_weight(&z->folder, f, at, z->from->weights[s->weight],
                                   weight_at(z, index));
    case AY_Q8_BYTES: return put_quantised(z, index, f, at);
    case AY_Q8_SCALES: return AY_OK; /* with its bytes */
    case AY_Q8_INVERSES: break;
    }
    return put_inverses(z, index, f, at);
}

static enum ay_code put_weights(struct quantize *z)
{
    uint64_t at = 0;
    enum ay_code code = AY_OK;
    FILE *f = ay_folder_create(&z->folder, "weights.bin");
    if (!f) return ay_folder_failed(&z->folder, "weights.bin");
    for (uint32_t i = 0; code == AY_OK && i < z->program.weights_count; i++)
        code = put_weight(z, i, f, &at);
    if (!ay_folder_finish(f) && code == AY_OK) code = ay_folder_failed(&z->folder, "weights.bin");
    return code;
}

static enum ay_code put_vocabulary(struct quantize *z, const char *from_dir)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    AY_TRY(ay_model_read(from_dir, "vocab.txt", AY_MAX_VOCABULARY_BYTES, &bytes, &len, z->reason));
    enum ay_code code = ay_folder_write(&z->folder, "vocab.txt", bytes, len);
    free(bytes);
    return code;
}

static enum ay_code put_all(struct quantize *z, const char *from_dir, const char *name)
{
    const struct ay_model *m = z->from;
    AY_TRY(ay_balance_open(m, &z->balance));
    enum ay_code code =
        ay_q8_program(&m->program, z->balance.factors, &z->arena, &z->program, &z->sources);
    if (code == AY_E_UNSUPPORTED)
        return ay_reject(z->reason, code,
                         "no product and no table of the model has weights of f32");
    if (code != AY_OK) return ay_reject(z->reason, code, "the program is too large");
    AY_TRY(put_vocabulary(z, from_dir));
    AY_TRY(put_weights(z));
    const struct ay_model_card card = {.name = name,
                                       .licence = m->licence,
                                       .source = m->source,
                                       .max_tokens = m->max_tokens,
                                       .dims = m->dims,
                                       .parent = m->program_id,
                                       .profile = "q8"};
    return ay_model_put_program(&z->folder, &z->program, &z->arena, &card);
}

enum ay_code ay_quantize_model(const struct ay_model *from, const char *from_dir, const char *dir,
                               struct ay_reason *reason)
{
    static const char *const names[] = {"program.bin", "weights.bin", "vocab.txt", "model.json",
                                        NULL};
    const char *name = strrchr(dir, '/');
    struct quantize z = {.from = from, .reason = reason};
    size_t bytes = ((size_t)from->program_bytes.len + 4096) * ARENA_SPREAD;
    AY_TRY(ay_folder_begin(dir, names, reason, &z.folder));
    enum ay_code code = AY_E_MEMORY;
    void *memory = aligned_alloc(16, bytes);
    if (memory) {
        z.arena = ay_arena_over(memory, bytes);
        code = put_all(&z, from_dir, name ? name + 1 : dir);
    }
    free(memory);
    ay_balance_close(&z.balance);
    return ay_folder_end(&z.folder, code);
}
