/* The arithmetic of royalties: all of it rounds down, against whoever is paid. */
#ifndef AY_MODULES_WORK_MATH_H
#define AY_MODULES_WORK_MATH_H

#include "base/math.h"

/* ⌊fee · rate_bps / 10000⌋, at most fee. rate_bps <= 10000. */
uint64_t ay_work_royalty(uint64_t fee_nasy, uint32_t rate_bps);

/* What a payee with rate of gross gets when the sum to be split rises from before to after:
 * ⌊after · rate / gross⌋ − ⌊before · rate / gross⌋. Over any series of payments the payee has
 * ⌊sum · rate / gross⌋ exactly, and payees whose rates add up to gross never more than the sum.
 * before <= after, rate <= gross, gross > 0. */
uint64_t ay_work_part(uint64_t before_nasy, uint64_t after_nasy, uint32_t rate, uint32_t gross);

#endif
