#include "tensor/kernel/tables.h"

#include "tensor/kernel/emulated_amx.h"
#define AY_LANES_ARE_LOOPS
#define SUMS    1
#define Q8_SUMS 1
#include "tensor/kernel/words_avx512.h"

#define AY_INTEGERS      ay_integers_vnni_emulated
#define AY_INTEGERS_NAME "vnni emulated"
#include "tensor/kernel/int_lanes.h"
