/* The dispute's arithmetic (README.md has the formulas). Pure integers. */
#ifndef AY_MODULES_DISPUTE_MATH_H
#define AY_MODULES_DISPUTE_MATH_H

#include "base/math.h"

/* 16 d0: what each side has for all its moves. */
#define AY_DISPUTE_TURNS 16u

/* b = b0 + ceil(beta * units / 10^6). AY_E_OVERFLOW. */
enum ay_code ay_dispute_bond_of(uint64_t bond_nasy, uint64_t per_mega_nasy, uint64_t units,
                                uint64_t *out) AY_MUST;

/* A quarter, rounded up: what is burnt of a lost bond. */
uint64_t ay_dispute_quarter(uint64_t bond_nasy);

/* r = floor((S - f) / 4): what goes to challengers. f <= S. */
uint64_t ay_dispute_reward_of(uint64_t slashed_nasy, uint64_t refund_nasy);

/* due = max(now, last due) + d0 + ceil(2 * units / rate), rate in units a second; 2^63 - 1 where it
 * would be more. rate 0 counts as no limit to the speed. */
uint64_t ay_dispute_due(uint64_t now_ms, uint64_t last_due_ms, uint64_t turn_ms, uint64_t units,
                        uint64_t rate_units);

/* By when all that is demanded of a provider can be posted: max(now, posted) + KiB * kib_ms;
 * 2^63 - 1 where it would be more. */
uint64_t ay_dispute_posted(uint64_t now_ms, uint64_t posted_ms, uint64_t kib, uint64_t kib_ms);

/* move fee + ceil(bytes / 1024) * KiB fee. AY_E_OVERFLOW. */
enum ay_code ay_dispute_fee_of(uint64_t move_nasy, uint64_t kib_nasy, uint32_t bytes,
                               uint64_t *out) AY_MUST;

#endif
