#include "tensor/kernel/tables.h"

#include "tensor/kernel/lanes_avx2.h"

#define AY_TABLE       ay_kernels_avx2
#define AY_TABLE_NAME  "avx2"
#define AY_TABLE_STEPS ay_steps_avx2
#include "tensor/kernel/table_lanes.h"
