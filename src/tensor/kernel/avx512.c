#include "tensor/kernel/tables.h"

#include "tensor/kernel/lanes_avx512.h"

#define AY_TABLE       ay_kernels_avx512
#define AY_TABLE_NAME  "avx512"
#define AY_TABLE_STEPS ay_steps_avx512
#include "tensor/kernel/table_lanes.h"
