#include "modules/job/verbs.h"

enum ay_code ay_job_genesis(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section)
{
    (void)msg;
    const struct ay_job_params *params = section;
    if (!params) return ay_refuse(ctx, AY_E_REQUEST, "genesis has no job");
    if (params->late_bps > AY_BPS || params->protocol_bps > AY_BPS)
        return ay_refuse(ctx, AY_E_RANGE, "job: late_bps or protocol_bps is above %u", (unsigned)AY_BPS);
    if (params->accept_ms == 0 || params->claim_ms == 0 || params->window_ms == 0)
        return ay_refuse(ctx, AY_E_RANGE, "job: a time is 0");
    AY_TRY(ay_row_put(ctx, &ay_job_params_msg, params));
    struct ay_job_totals totals = {.next_job = 1};
    return ay_row_put(ctx, &ay_job_totals_msg, &totals);
}
