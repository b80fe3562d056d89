/* The tables themselves, one file each. Calling into one that the processor lacks is a fault:
 * ay_kernels_named is the way in. */
#ifndef AY_TENSOR_KERNEL_TABLES_H
#define AY_TENSOR_KERNEL_TABLES_H

#include "tensor/kernel/integers.h"

extern const struct ay_kernels ay_kernels_scalar, ay_kernels_avx2, ay_kernels_avx512;
/* Tests only: the AVX-512 text over emulated_avx512.h, for any processor. */
extern const struct ay_kernels ay_kernels_avx512_emulated;
/* Likewise those of VNNI and AMX, over emulated_amx.h. */
extern const struct ay_int_kernels ay_integers_vnni_emulated, ay_integers_amx_emulated;

#endif
