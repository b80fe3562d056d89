/* Beside emulated_avx512.h, the intrinsics that words_avx512.h and amx_lanes.h use, as Intel's
 * guide defines them: words of integers, and tiles. For tests only: slow. */
#ifndef AY_TENSOR_KERNEL_EMULATED_AMX_H
#define AY_TENSOR_KERNEL_EMULATED_AMX_H

#include <stdbool.h>
#include <stddef.h>

#include "tensor/kernel/emulated_avx512.h"

typedef struct {
    uint8_t i[16];
} __m128i;

EMULATED __m512i _mm512_loadu_si512(const void *p)
{
    __m512i y;
    memcpy(&y, p, sizeof y);
    return y;
}
EMULATED void _mm512_storeu_si512(void *p, __m512i a)
{
    memcpy(p, &a, sizeof a);
}
EACH_WORD(_mm512_mullo_epi32, a.i[l] * b.i[l])

/* Four bytes by four, each taken as signed or not. */
EMULATED uint32_t emulated_dot(uint32_t a, bool a_signed, uint32_t b, bool b_signed)
{
    uint32_t sum = 0;
    for (int i = 0; i < 32; i += 8) {
        int32_t x = (uint8_t)(a >> i), y = (uint8_t)(b >> i);
        if (a_signed) x = (int8_t)x;
        if (b_signed) y = (int8_t)y;
        sum += (uint32_t)(x * y);
    }
    return sum;
}
EACH_WORD(emulated_dots, emulated_dot(a.i[l], false, b.i[l], true))
EMULATED __m512i _mm512_dpbusd_epi32(__m512i acc, __m512i a, __m512i b)
{
    return _mm512_add_epi32(acc, emulated_dots(a, b));
}
EMULATED __m512 _mm512_cvtepi32_ps(__m512i x)
{
    emulated_words a = emulated_words_of(x);
    __m512 y;
    for (int l = 0; l < 16; l++) y.f[l] = (float)(int32_t)a.i[l];
    return y;
}
EMULATED __m512i _mm512_cvtps_epi32(__m512 a)
{
    emulated_words y;
    for (int l = 0; l < 16; l++) y.i[l] = (uint32_t)(int32_t)rintf(a.f[l]);
    return emulated_of_words(y);
}
EMULATED __m128i _mm512_cvtepi32_epi8(__m512i x)
{
    emulated_words a = emulated_words_of(x);
    __m128i y;
    for (int l = 0; l < 16; l++) y.i[l] = (uint8_t)a.i[l];
    return y;
}
EACH1(_mm_set1_epi8, __m128i, int, 16, i, (uint8_t)a)
EACH2(_mm_xor_si128, __m128i, __m128i, 16, i, a.i[l] ^ b.i[l])
EMULATED void _mm_storeu_si128(void *p, __m128i a)
{
    memcpy(p, &a, sizeof a);
}
EMULATED float _mm512_reduce_max_ps(__m512 a)
{
    for (int l = 1; l < 16; l++) a.f[0] = a.f[l] > a.f[0] ? a.f[l] : a.f[0];
    return a.f[0];
}

/* A tile's rows, and beyond its shape zeros; the shape is in the configuration's last 48 bytes. */
static struct {
    uint8_t config[64];
    uint32_t at[8][16][16];
} emulated_tiles;
#define EMULATED_ROWS(t)  (emulated_tiles.config[48 + (t)])
#define EMULATED_BYTES(t) (emulated_tiles.config[16 + 2 * (t)])

EMULATED void _tile_loadconfig(const void *config)
{
    memset(&emulated_tiles, 0, sizeof emulated_tiles);
    memcpy(emulated_tiles.config, config, sizeof emulated_tiles.config);
}
EMULATED void _tile_release(void)
{
    memset(&emulated_tiles, 0, sizeof emulated_tiles);
}
EMULATED void _tile_zero(int t)
{
    memset(emulated_tiles.at[t], 0, sizeof emulated_tiles.at[t]);
}
EMULATED void _tile_loadd(int t, const void *from, size_t stride)
{
    _tile_zero(t);
    for (size_t r = 0; r < EMULATED_ROWS(t); r++)
        memcpy(emulated_tiles.at[t][r], (const char *)from + r * stride, EMULATED_BYTES(t));
}
EMULATED void _tile_stored(int t, void *to, size_t stride)
{
    for (size_t r = 0; r < EMULATED_ROWS(t); r++)
        memcpy((char *)to + r * stride, emulated_tiles.at[t][r], EMULATED_BYTES(t));
}
EMULATED void emulated_tile_dot(int c, int a, bool a_signed, int b, bool b_signed)
{
    for (int r = 0; r < EMULATED_ROWS(c); r++)
        for (int n = 0; n < EMULATED_BYTES(c) / 4; n++)
            for (int k = 0; k < EMULATED_BYTES(a) / 4; k++)
                emulated_tiles.at[c][r][n] += emulated_dot(emulated_tiles.at[a][r][k], a_signed,
                                                           emulated_tiles.at[b][k][n], b_signed);
}
#define _tile_dpbssd(c, a, b) emulated_tile_dot(c, a, true, b, true)
#define _tile_dpbsud(c, a, b) emulated_tile_dot(c, a, true, b, false)
#define _tile_dpbusd(c, a, b) emulated_tile_dot(c, a, false, b, true)
#define _tile_dpbuud(c, a, b) emulated_tile_dot(c, a, false, b, false)

#endif
