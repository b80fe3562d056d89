/* Words of integers and f32 of blocks by AVX-512 VNNI, whose product is one of unsigned bytes by
 * signed ones; int_scalar.c says what each operation means. */
#ifndef AY_TENSOR_KERNEL_WORDS_AVX512_H
#define AY_TENSOR_KERNEL_WORDS_AVX512_H

#include "tensor/kernel/integers.h"
#include "tensor/kernel/lanes_avx512.h"

#define BYTES 1

typedef __m512i vq;

AY_INLINE vq vq_load(const uint32_t *p)
{
    return _mm512_loadu_si512((const void *)p);
}
AY_INLINE void vq_store(uint32_t *p, vq a)
{
    _mm512_storeu_si512((void *)p, a);
}
AY_INLINE vq vq_set1(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}
AY_INLINE vq vq_add(vq a, vq b)
{
    return _mm512_add_epi32(a, b);
}
AY_INLINE vq vq_mul(vq a, vq b)
{
    return _mm512_mullo_epi32(a, b);
}
/* Written out: of the intrinsic gcc 12 makes copies of every sum in a loop. */
AY_INLINE vq vq_dot(vq acc, uint32_t x, vq b)
{
#ifdef AY_LANES_ARE_LOOPS
    return _mm512_dpbusd_epi32(acc, vq_set1(x), b);
#else
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(vq_set1(x)), "v"(b));
    return acc;
#endif
}
AY_INLINE vf vf_of_vq(vq a)
{
    return _mm512_cvtepi32_ps(a);
}
AY_INLINE vf vf_of_words(vq a)
{
    return _mm512_castsi512_ps(a);
}
AY_INLINE float vf_largest(vf a)
{
    return _mm512_reduce_max_ps(a);
}
AY_INLINE void vq_store_block(uint32_t *to, const vf *x)
{
    for (int i = 0; i < 2; i++) {
        __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x[i]));
        if (Q8_SUMS) bytes = _mm_xor_si128(bytes, _mm_set1_epi8(-128)); /* plus 128 */
        _mm_storeu_si128((void *)(to + 4 * i), bytes);
    }
}

#endif
