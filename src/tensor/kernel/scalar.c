#include "tensor/kernel/tables.h"

#include "tensor/kernel/lanes_loop.h"

#define AY_TABLE       ay_kernels_scalar
#define AY_TABLE_NAME  "scalar"
#define AY_TABLE_STEPS ay_steps_scalar
#include "tensor/kernel/table_lanes.h"
