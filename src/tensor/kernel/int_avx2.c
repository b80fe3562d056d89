/* Integers by AVX2: pairs of 16 bits, as its product of bytes saturates; two pairs at once, as its
 * products leave too little room for their sums. int_scalar.c says what the common operations mean.
 */
#include "tensor/kernel/integers.h"
#include "tensor/kernel/lanes_avx2.h"

#define BYTES   0
#define SUMS    1
#define Q8_SUMS 1

typedef __m256i vq;

AY_INLINE vq vq_load(const uint32_t *p)
{
    return _mm256_loadu_si256((const void *)p);
}
AY_INLINE void vq_store(uint32_t *p, vq a)
{
    _mm256_storeu_si256((void *)p, a);
}
AY_INLINE vq vq_set1(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}
AY_INLINE vq vq_add(vq a, vq b)
{
    return _mm256_add_epi32(a, b);
}
AY_INLINE vq vq_dot(vq acc, uint32_t x, vq b)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(vq_set1(x), b));
}
/* acc plus the products of the elements of x + y_next and x_next + y. The last sum is written out:
 * of the intrinsic gcc 12 makes copies of all sums in a loop. */
AY_INLINE vq vq_cross(vq acc, uint32_t x, uint32_t x_next, vq y, vq y_next)
{
    vq products = _mm256_madd_epi16(_mm256_add_epi16(vq_set1(x), y_next),
                                    _mm256_add_epi16(vq_set1(x_next), y));
    __asm__("vpaddd %1, %0, %0" : "+x"(acc) : "x"(products));
    return acc;
}
/* acc less the products of the elements of y and y_next. */
AY_INLINE vq vq_less(vq acc, vq y, vq y_next)
{
    return _mm256_sub_epi32(acc, _mm256_madd_epi16(y, y_next));
}
/* Likewise of each two neighbouring lanes of x. */
AY_INLINE vq vq_less_pairs(vq acc, vq x)
{
    return vq_less(acc, x, _mm256_srli_epi64(x, 32));
}
/* The sum of all lanes. */
AY_INLINE uint32_t vq_total(vq a)
{
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_add_epi32(x, _mm_unpackhi_epi64(x, x));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(x, _mm_srli_epi64(x, 32)));
}
/* 16 bytes as elements. */
AY_INLINE vq vq_of_bytes(const void *from, bool is_signed)
{
    __m128i bytes = _mm_loadu_si128(from);
    return is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}
AY_INLINE vf vf_of_vq(vq a)
{
    return _mm256_cvtepi32_ps(a);
}
AY_INLINE vf vf_of_words(vq a)
{
    return _mm256_castsi256_ps(a);
}
AY_INLINE float vf_largest(vf a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
AY_INLINE void vq_store_block(uint32_t *to, const vf *x)
{
    for (int i = 0; i < 2; i++) {
        vq pairs =
            _mm256_packs_epi32(_mm256_cvtps_epi32(x[2 * i]), _mm256_cvtps_epi32(x[2 * i + 1]));
        vq_store(to + 8 * i, _mm256_permute4x64_epi64(pairs, 0xd8)); /* halves came in turn */
    }
}

#define AY_INTEGERS      ay_integers_avx2
#define AY_INTEGERS_NAME "avx2"
#include "tensor/kernel/crossed_lanes.h"
