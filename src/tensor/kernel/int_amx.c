/* Integers by AMX, few rows of blocks of 32 by VNNI, whose layout blocks have. Needs -mamx-tile
 * -mamx-int8 -mavx512vnni beside what lanes_avx512.h needs. */
#define SUMS    0
#define Q8_SUMS 1
#include "tensor/kernel/words_avx512.h"

#define AY_INTEGERS      ay_integers_amx
#define AY_INTEGERS_NAME "amx"
#include "tensor/kernel/amx_lanes.h"
