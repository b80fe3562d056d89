/* What the lanes of every instruction set share. */
#ifndef AY_TENSOR_KERNEL_LANES_H
#define AY_TENSOR_KERNEL_LANES_H

#include <math.h>
#include <stddef.h>

#include "tensor/ref/float.h"

#define AY_INLINE static inline __attribute__((always_inline))

/* Before a loop with a constant count: its arrays become registers only when it is unrolled. */
#if defined(__clang__)
#define AY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AY_UNROLL _Pragma("GCC unroll 48")
#endif

#endif
