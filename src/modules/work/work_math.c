#include "modules/work/work_math.h"

static uint64_t floor_part(uint64_t amount, uint32_t rate, uint32_t of)
{
    AY_ASSERT(rate <= of && of > 0);
    uint64_t part;
    enum ay_code code = ay_mul_div(amount, rate, of, AY_FLOOR, &part);
    AY_ASSERT(code == AY_OK && part <= amount);
    return part;
}

uint64_t ay_work_royalty(uint64_t fee_nasy, uint32_t rate_bps)
{
    return floor_part(fee_nasy, rate_bps, 10000);
}

uint64_t ay_work_part(uint64_t before_nasy, uint64_t after_nasy, uint32_t rate, uint32_t gross)
{
    AY_ASSERT(before_nasy <= after_nasy);
    return floor_part(after_nasy, rate, gross) - floor_part(before_nasy, rate, gross);
}
