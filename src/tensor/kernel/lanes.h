/* What the lanes of every instruction set share. */
#ifndef AY_TENSOR_KERNEL_LANES_H
#define AY_TENSOR_KERNEL_LANES_H

#include <math.h>
#include <stddef.h>

#include "tensor/ref/float.h"

/* Before a loop with a constant count: its arrays become registers only when it is unrolled. Lanes
 * that are loops themselves (AY_LANES_ARE_LOOPS) are left to the compiler: forced, it takes minutes
 * over them. */
#if defined(AY_LANES_ARE_LOOPS)
#define AY_INLINE static inline
#define AY_UNROLL
#elif defined(__clang__)
#define AY_INLINE static inline __attribute__((always_inline))
#define AY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AY_INLINE static inline __attribute__((always_inline))
#define AY_UNROLL _Pragma("GCC unroll 48")
#endif

#endif
