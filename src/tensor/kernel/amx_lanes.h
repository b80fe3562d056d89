/* Products of integers by AMX tiles: 16 rows of A by 16 columns of a panel at a time, over 64 bytes
 * of K, whatever their signs. The state of a thread's tiles lasts as long as a call. */
#ifndef AY_TENSOR_KERNEL_AMX_LANES_H
#define AY_TENSOR_KERNEL_AMX_LANES_H

#include "tensor/kernel/q8_lanes.h"

#define SIDE         16u /* rows, and columns of words, of a tile */
#define BYTES_OF(n)  ((n) * sizeof(uint32_t))
#define SUMS_OF_TILE (SIDE * SIDE)

/* What LDTILECFG reads. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void shape(struct tile_config *config, int first, int count, uint32_t rows, uint32_t words)
{
    for (int t = first; t < first + count; t++) {
        config->rows[t] = (uint8_t)rows;
        config->row_bytes[t] = (uint16_t)BYTES_OF(words);
    }
}

/* gcc 12 does not know that tiles read memory: what was written for them is so kept, and before
 * them. */
#define WRITTEN_FOR_TILES(x) __asm__ volatile("" : : "r"(&(x)) : "memory")

/* Rows of a tile of C; the last one reaches back over rows that are done where few are left. */
static uint32_t tile_rows(uint32_t m)
{
    return m < SIDE ? m : SIDE;
}
static uint32_t tile_first(uint32_t m, uint32_t at)
{
    return m - at < SIDE && m > SIDE ? m - SIDE : at;
}

/* --- integers: tiles 0 to 2 are C; 3 and 4 A and B; 5 and 6 those of what is left of K --- */

enum signs { UNSIGNED_BOTH, SIGNED_B, SIGNED_A, SIGNED_BOTH };

#define DOT(signs, c, a, b)                                                                        \
    do {                                                                                           \
        if ((signs) == SIGNED_BOTH)                                                                \
            _tile_dpbssd(c, a, b);                                                                 \
        else if ((signs) == SIGNED_A)                                                              \
            _tile_dpbsud(c, a, b);                                                                 \
        else if ((signs) == SIGNED_B)                                                              \
            _tile_dpbusd(c, a, b);                                                                 \
        else                                                                                       \
            _tile_dpbuud(c, a, b);                                                                 \
    } while (0)

#define DOT_PANEL(signs, vecs, x, y, a, lda, b)                                                    \
    do {                                                                                           \
        _tile_loadd(x, a, BYTES_OF(lda));                                                          \
        _tile_loadd(y, b, BYTES_OF(PANEL));                                                        \
        DOT(signs, 0, x, y);                                                                       \
        if ((vecs) > 1) {                                                                          \
            _tile_loadd(y, (b) + LANES, BYTES_OF(PANEL));                                          \
            DOT(signs, 1, x, y);                                                                   \
        }                                                                                          \
        if ((vecs) > 2) {                                                                          \
            _tile_loadd(y, (b) + 2 * LANES, BYTES_OF(PANEL));                                      \
            DOT(signs, 2, x, y);                                                                   \
        }                                                                                          \
    } while (0)

/* Rows from m on by the panel's first `vecs` vectors of columns. */
AY_INLINE void int_tile(const struct ay_int_gemm *g, uint32_t m, const uint32_t *b, uint32_t vecs,
                        const enum signs signs, int32_t *c, size_t ldc)
{
    const uint32_t *a = g->a + m * g->lda;
    size_t words = (g->k + GROUP - 1) / GROUP, w = 0;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    for (; w + SIDE <= words; w += SIDE) DOT_PANEL(signs, vecs, 3, 4, a + w, g->lda, b + w * PANEL);
    if (w < words) DOT_PANEL(signs, vecs, 5, 6, a + w, g->lda, b + w * PANEL);
    _tile_stored(0, c, BYTES_OF(ldc));
    if (vecs > 1) _tile_stored(1, c + LANES, BYTES_OF(ldc));
    if (vecs > 2) _tile_stored(2, c + 2 * LANES, BYTES_OF(ldc));
}

AY_INLINE void int_panel(const struct ay_int_gemm *g, uint32_t n, uint32_t cols,
                         const enum signs signs)
{
    _Alignas(64) int32_t out[SIDE * PANEL];
    const uint32_t *panel = (const uint32_t *)g->b + n * (((size_t)g->k + GROUP - 1) / GROUP);
    uint32_t vecs = (cols + LANES - 1) / LANES, rows = tile_rows(g->m);
    for (uint32_t at = 0; at < g->m; at += SIDE) {
        uint32_t m = tile_first(g->m, at);
        int32_t *c = g->c + m * g->ldc + n;
        bool whole = cols % LANES == 0;
        int_tile(g, m, panel, vecs, signs, whole ? c : out, whole ? g->ldc : PANEL);
        for (size_t r = 0; !whole && r < rows; r++)
            memcpy(c + r * g->ldc, out + r * PANEL, cols * sizeof *c);
    }
}

static void gemm_int(const struct ay_int_gemm *g, uint32_t n0, uint32_t n1)
{
    struct tile_config config = {.palette = 1};
    uint32_t rows = tile_rows(g->m), left = (g->k + GROUP - 1) / GROUP % SIDE;
    shape(&config, 0, 4, rows, SIDE);
    shape(&config, 4, 1, SIDE, SIDE);
    if (left) {
        shape(&config, 5, 1, rows, left);
        shape(&config, 6, 1, left, SIDE);
    }
    WRITTEN_FOR_TILES(config);
    _tile_loadconfig(&config);
    for (uint32_t n = n0, cols; n < n1; n += PANEL) {
        cols = n1 - n < PANEL ? n1 - n : PANEL;
        if (g->a_signed && g->b_signed)
            int_panel(g, n, cols, SIGNED_BOTH);
        else if (g->a_signed)
            int_panel(g, n, cols, SIGNED_A);
        else if (g->b_signed)
            int_panel(g, n, cols, SIGNED_B);
        else
            int_panel(g, n, cols, UNSIGNED_BOTH);
    }
    _tile_release();
}

/* --- blocks of 32: tiles 0 to 3 are the sums of four blocks; 4 and 5 A and B --- */

/* So few rows are better left to lanes. */
#define FEW_ROWS 8u
/* Blocks whose sums are made before they are scaled: while tiles are at work the processor has half
 * of its f32 units. */
#define CHUNK 8u
/* Blocks of A that are copied: tiles that lie close together are loaded without waiting for stores
 * whose addresses have the same low bits. */
#define PART 48u

/* Blocks of 16 rows of A, their bytes signed, and their scales; what is not there is zero. */
struct q8_rows {
    uint32_t words[PART][SIDE][BLOCK_WORDS];
    float scale[PART][SIDE];
    uint32_t first, count;
};

/* A block's words of a row. */
typedef uint32_t block_words __attribute__((vector_size(BYTES_OF(BLOCK_WORDS)), aligned(4)));

static void copy_rows(const struct ay_q8_gemm *g, uint32_t m, uint32_t rows, struct q8_rows *to)
{
    size_t blocks = ((size_t)g->k + BLOCK - 1) / BLOCK;
    if (rows < SIDE) memset(to->words, 0, to->count * sizeof to->words[0]);
    if (rows < SIDE) memset(to->scale, 0, to->count * sizeof to->scale[0]);
    const uint32_t *words = g->a + m * g->lda + (size_t)to->first * BLOCK_WORDS;
    const float *scale = g->scale + m * blocks + to->first;
    for (uint32_t b = 0; b < to->count; b++, words += BLOCK_WORDS, scale++)
        for (size_t r = 0; r < rows; r++) {
            const block_words *from = (const block_words *)(words + r * g->lda);
            *(block_words *)to->words[b][r] = *from ^ 0x80808080u;
            to->scale[b][r] = scale[r * blocks];
        }
}

#define BLOCK_DOT(c, a, b)                                                                         \
    do {                                                                                           \
        _tile_loadd(4, a, BYTES_OF(BLOCK_WORDS));                                                  \
        _tile_loadd(5, b, BYTES_OF(PANEL));                                                        \
        _tile_zero(c);                                                                             \
        _tile_dpbssd(c, 4, 5);                                                                     \
    } while (0)
#define BLOCK_STORE(c, to) _tile_stored(c, to, BYTES_OF(SIDE))

/* Sums of `count` blocks. A tile is stored two products after its own, when it is done. */
static void block_sums(const uint32_t (*a)[SIDE][BLOCK_WORDS], const uint32_t *b, uint32_t count,
                       int32_t (*sums)[SUMS_OF_TILE])
{
    const size_t step = Q8_COLUMN * PANEL;
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4, b += 4 * step) {
        BLOCK_DOT(0, a[i], b);
        if (i) BLOCK_STORE(2, sums[i - 2]);
        BLOCK_DOT(1, a[i + 1], b + step);
        if (i) BLOCK_STORE(3, sums[i - 1]);
        BLOCK_DOT(2, a[i + 2], b + 2 * step);
        BLOCK_STORE(0, sums[i]);
        BLOCK_DOT(3, a[i + 3], b + 3 * step);
        BLOCK_STORE(1, sums[i + 1]);
    }
    if (i) {
        BLOCK_STORE(2, sums[i - 2]);
        BLOCK_STORE(3, sums[i - 1]);
    }
    for (; i < count; i++, b += step) {
        BLOCK_DOT(0, a[i], b);
        BLOCK_STORE(0, sums[i]);
    }
}

/* The chains of `rows` rows by a vector of columns go on, from C unless this is their beginning, by
 * A's blocks. */
static void q8_vector(const struct q8_rows *a, const uint32_t *panel, uint32_t rows, size_t cols,
                      float *c, size_t ldc)
{
    _Alignas(64) int32_t sums[CHUNK][SUMS_OF_TILE];
    vf acc[SIDE];
    AY_UNROLL
    for (size_t r = 0; r < SIDE; r++)
        acc[r] = a->first && r < rows ? get(c + r * ldc, cols) : vf_set1(0);
    for (uint32_t first = 0, count; first < a->count; first += count) {
        count = a->count - first < CHUNK ? a->count - first : CHUNK;
        const uint32_t *d = panel + ((a->first + first) * (size_t)Q8_COLUMN + Q8_SUMS) * PANEL;
        block_sums(a->words + first, d + PANEL, count, sums);
        for (uint32_t b = 0; b < count; b++, d += Q8_COLUMN * PANEL) {
            vf by = vf_of_words(vq_load(d));
            AY_UNROLL
            for (size_t r = 0; r < SIDE; r++) {
                vq sum = vq_load((const uint32_t *)sums[b] + r * SIDE);
                acc[r] = vf_fma(vf_of_vq(sum), vf_mul(by, vf_set1(a->scale[first + b][r])), acc[r]);
            }
        }
    }
    AY_UNROLL
    for (size_t r = 0; r < SIDE; r++)
        if (r < rows) put(c + r * ldc, cols, acc[r]);
}

static void gemm_q8(const struct ay_q8_gemm *g, uint32_t n0, uint32_t n1)
{
    if (g->m <= FEW_ROWS) {
        gemm_q8_lanes(g, n0, n1);
        return;
    }
    _Alignas(64) struct q8_rows a;
    struct tile_config config = {.palette = 1};
    uint32_t blocks = (g->k + BLOCK - 1) / BLOCK, rows = tile_rows(g->m);
    shape(&config, 0, 4, SIDE, SIDE);
    shape(&config, 4, 1, SIDE, BLOCK_WORDS);
    shape(&config, 5, 1, BLOCK_WORDS, SIDE);
    WRITTEN_FOR_TILES(config);
    _tile_loadconfig(&config);
    for (uint32_t at = 0; at < g->m; at += SIDE) {
        uint32_t m = tile_first(g->m, at);
        for (a.first = 0; a.first < blocks; a.first += a.count) {
            a.count = blocks - a.first < PART ? blocks - a.first : PART;
            copy_rows(g, m, rows, &a);
            WRITTEN_FOR_TILES(a);
            for (uint32_t n = n0; n < n1; n += LANES) {
                const uint32_t *panel = (const uint32_t *)g->b + n % PANEL;
                panel += (size_t)(n - n % PANEL) * blocks * Q8_COLUMN;
                q8_vector(&a, panel, rows, n1 - n, g->c + m * g->ldc + n, g->ldc);
            }
        }
    }
    _tile_release();
}

INTEGERS_TABLE(gemm_int, gemm_q8);

#endif
