#include "tensor/kernel/tables.h"

#include "tensor/kernel/emulated_avx512.h"
#define AY_LANES_ARE_LOOPS
#include "tensor/kernel/lanes_avx512.h"

#define AY_TABLE       ay_kernels_avx512_emulated
#define AY_TABLE_NAME  "avx512 emulated"
#define AY_TABLE_STEPS ay_steps_scalar
#include "tensor/kernel/table_lanes.h"
