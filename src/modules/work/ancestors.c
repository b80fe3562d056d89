#include "modules/work/verbs.h"

/* Adds one ancestor unless it is there. */
static enum ay_code add(struct ay_ctx *ctx, const struct ay_work_ancestor *ancestor,
                        struct ay_work_ancestor *list, uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++)
        if (memcmp(list[i].work_id, ancestor->work_id, AY_HASH_BYTES) == 0) return AY_OK;
    if (*count == AY_MAX_WORK_WORK_ANCESTORS)
        return ay_refuse(ctx, AY_E_LIMIT, "more than %u ancestors", AY_MAX_WORK_WORK_ANCESTORS);
    list[(*count)++] = *ancestor;
    return AY_OK;
}

enum ay_code ay_work_flatten(struct ay_ctx *ctx, const uint8_t (*parents)[AY_HASH_BYTES],
                             uint32_t count, struct ay_work_ancestor *out, uint32_t *out_count)
{
    *out_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct ay_work_work parent = {0};
        enum ay_code code = ay_work_get(ctx, parents[i], &parent);
        if (code == AY_E_NOT_FOUND) return ay_refuse(ctx, code, "parent %u is not registered", i);
        AY_TRY(code);
        struct ay_work_ancestor self = {.bps = parent.royalty_bps};
        memcpy(self.work_id, parent.id, AY_HASH_BYTES);
        AY_TRY(add(ctx, &self, out, out_count));
        for (uint32_t j = 0; j < parent.ancestors_count; j++)
            AY_TRY(add(ctx, &parent.ancestors[j], out, out_count));
    }
    return AY_OK;
}
