#include "tensor/model.h"

#include "base/text.h"

#include <stdlib.h>

/* Lines whose tokens are made together, and run together. */
#define CHUNK 256u

static enum ay_code embed_chunk(const struct ay_model *m, struct ay_exec *exec,
                                const struct ay_slice *lines, uint32_t count, float *out,
                                int32_t *ids, struct ay_run *runs)
{
    for (uint32_t i = 0; i < count; i++) {
        int32_t *at = ids + (size_t)i * m->max_tokens;
        runs[i] = (struct ay_run){.inputs = {at}, .outputs = {out + (size_t)i * m->dims}};
        AY_TRY(ay_wordpiece_encode(m->tokenizer, lines[i], m->max_tokens, at, &runs[i].sizes[0]));
    }
    return ay_exec_run(exec, runs, count);
}

enum ay_code ay_model_embed(const struct ay_model *m, struct ay_exec *exec,
                            const struct ay_slice *lines, size_t count, float *out,
                            ay_model_progress *progress, void *context, struct ay_reason *reason)
{
    for (size_t i = 0; i < count; i++)
        if (!ay_utf8_valid(lines[i]))
            return ay_reject(reason, AY_E_FORMAT, "line %zu is not UTF-8", i + 1);
    int32_t *ids = malloc(sizeof *ids * CHUNK * m->max_tokens);
    struct ay_run *runs = calloc(CHUNK, sizeof *runs);
    enum ay_code code = ids && runs ? AY_OK : AY_E_MEMORY;
    for (size_t i = 0, n; code == AY_OK && i < count; i += n) {
        n = count - i < CHUNK ? count - i : CHUNK;
        code = embed_chunk(m, exec, lines + i, (uint32_t)n, out + i * m->dims, ids, runs);
        if (code == AY_OK && progress) progress(context, i + n, count);
    }
    free(ids);
    free(runs);
    return code;
}
