#include "modules/work/verbs.h"

enum ay_code ay_work_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    (void)msg;
    const struct ay_work_params *params = section;
    if (!params) return ay_refuse(ctx, AY_E_REQUEST, "genesis has no work");
    if (params->max_royalty_bps > AY_BPS)
        return ay_refuse(ctx, AY_E_RANGE, "work: max_royalty_bps is above %u", (unsigned)AY_BPS);
    AY_TRY(ay_row_put(ctx, &ay_work_params_msg, params));
    struct ay_work_totals totals = {0};
    return ay_row_put(ctx, &ay_work_totals_msg, &totals);
}
