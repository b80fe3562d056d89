/* Integers by AVX2: pairs of 16 bits, as its product of bytes saturates. */
#include "tensor/kernel/integers.h"
#include "tensor/kernel/lanes_avx2.h"

#define BYTES   0
#define SUMS    0
#define Q8_SUMS 0

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
AY_INLINE vq vq_mul(vq a, vq b)
{
    return _mm256_mullo_epi32(a, b);
}
AY_INLINE vq vq_dot(vq acc, uint32_t x, vq b)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(vq_set1(x), b));
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
#include "tensor/kernel/int_lanes.h"
