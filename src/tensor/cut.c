#include "tensor/cut.h"

#include "base/code.h"

/* Columns of a block, at most: a packed one is half of a second-level cache. Straight from the
 * image there is none, and more columns only mean fewer items. */
#define PACKED_COLUMNS 192u
/* Of a short k more columns: as many as leave C to be written along rows. */
#define PACKED_FLOATS  8192u
#define DIRECT_COLUMNS 4096u
/* Columns that meet a panel of filters before the next one comes, at most. */
#define FILTER_COLUMNS 96u
/* Elements of columns laid out: half of a second-level cache. */
#define LAID_FLOATS 65536u
/* Items a thread: what one thread has left to do when others are through is a part of one. */
#define FILTER_ITEMS 8u
/* Rows that make packing a block of columns once more worth while. */
#define LEAST_ROWS 32u
/* Multiply-adds that an item should be worth. */
#define ITEM_WORK (1u << 16)

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static uint32_t blocks_of(uint32_t n, uint32_t block)
{
    return n / block + (n % block > 0);
}

/* Of so many pieces in blocks of `block`, given to whoever is free, how many one thread gets at
 * most: the last block is what is left. */
static uint64_t longest(uint64_t pieces, uint64_t block, uint32_t threads)
{
    uint64_t whole = pieces / block, rest = pieces % block;
    return whole / threads * block + (whole % threads ? block : rest);
}

/* The block, of at most `most` pieces, that leaves no thread much longer busy than the others; as
 * even as can be, or at least half as large as may be. */
static uint32_t even_block(uint32_t pieces, uint32_t most, uint32_t threads)
{
    most = least(most, blocks_of(pieces, threads));
    uint32_t best = blocks_of(pieces, blocks_of(pieces, most));
    for (uint32_t block = most; block > most / 2; block--)
        if (longest(pieces, block, threads) < longest(pieces, best, threads)) best = block;
    return best;
}

/* Blocks of columns, as many for each thread where there are enough; where they make few items,
 * panels of filters are shared out too. */
struct ay_cut ay_cut_filters(const struct ay_cut_shape *s, bool laid)
{
    AY_ASSERT(s->batches == 1); /* a packed weight has none */
    struct ay_cut c = {.group = 1};
    uint32_t most = laid ? least(FILTER_COLUMNS, LAID_FLOATS / s->k + 1) : FILTER_COLUMNS;
    uint32_t panels = blocks_of(s->m, s->panel), wanted = FILTER_ITEMS * s->threads, parts = 1;
    uint64_t round = (uint64_t)most * s->threads, rounds = (s->n + round / 2) / round;
    uint32_t blocks = rounds > 0 ? (uint32_t)rounds * s->threads : blocks_of(s->n, most);
    c.columns = blocks_of(s->n, blocks);
    c.column_blocks = blocks_of(s->n, c.columns);
    c.by_rows = c.column_blocks % s->threads != 0;
    if (s->threads > 1 && c.column_blocks < wanted) parts = blocks_of(wanted, c.column_blocks);
    if (parts > 1 && c.by_rows) parts = blocks_of(parts, s->threads) * s->threads;
    c.rows = blocks_of(panels, least(parts, panels)) * s->panel;
    c.row_blocks = blocks_of(s->m, c.rows);
    return c;
}

/* The most columns of a block that is packed. */
static uint32_t packed_columns(uint32_t k)
{
    uint32_t short_k = least(DIRECT_COLUMNS, PACKED_FLOATS / k);
    return short_k > PACKED_COLUMNS ? short_k : PACKED_COLUMNS;
}

/* Blocks of whole panels, for all threads alike; rows are divided only where columns are too few,
 * or cannot be shared out evenly. */
struct ay_cut ay_cut_columns(const struct ay_cut_shape *s, bool planes)
{
    struct ay_cut c;
    uint32_t most = planes ? s->n : s->m <= AY_DIRECT_ROWS ? DIRECT_COLUMNS : packed_columns(s->k);
    uint32_t panels = blocks_of(s->n, s->panel), block = blocks_of(panels, blocks_of(s->n, most));
    if (s->batches < 2 * s->threads)
        block = even_block(panels, blocks_of(most, s->panel), s->threads);
    c.columns = block * s->panel;
    c.column_blocks = blocks_of(s->n, c.columns);
    uint64_t items = (uint64_t)s->batches * c.column_blocks;
    uint32_t parts = items < s->threads ? blocks_of(s->threads, (uint32_t)items) : 1;
    bool uneven = longest(s->n, c.columns, s->threads) * s->threads > s->n + s->n / 8;
    if (s->threads > 1 && s->batches == 1 && s->m >= LEAST_ROWS * s->threads && uneven)
        parts = s->threads;
    c.rows = blocks_of(blocks_of(s->m, parts), 8) * 8;
    c.row_blocks = blocks_of(s->m, c.rows);
    c.by_rows = parts > 1;
    uint64_t work = (uint64_t)least(s->m, c.rows) * least(s->n, c.columns) * s->k;
    c.group = least(ITEM_WORK / work + 1, s->batches / (2 * s->threads) + 1);
    return c;
}
