/* A recorded stream: the genesis and, for each block, its time and its transactions. Lengths and
 * numbers are big-endian:
 *     u32 length, canonical bytes of the genesis
 *     blocks: u64 time_ms, u32 count, then for each transaction u32 length and its bytes */
#ifndef AY_TESTS_STREAM_H
#define AY_TESTS_STREAM_H

#include "chain.h"

#include <stdio.h>

#define STREAM_MAX_TXS 256 /* a block */

static inline void stream_put(FILE *file, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;) fputc((int)(value >> (8 * i) & 0xff), file);
}

static inline void stream_put_bytes(FILE *file, struct ay_slice bytes)
{
    stream_put(file, bytes.len, 4);
    fwrite(bytes.data, 1, bytes.len, file);
}

/* False at the end of the file. */
static inline bool stream_get(FILE *file, unsigned bytes, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        int c = fgetc(file);
        if (c == EOF) return false;
        *value = *value << 8 | (uint64_t)c;
    }
    return true;
}

static inline struct ay_slice stream_get_bytes(FILE *file, struct ay_arena *arena)
{
    uint64_t len;
    must(stream_get(file, 4, &len) ? AY_OK : AY_E_FORMAT, "the stream is cut");
    uint8_t *bytes = ay_arena_take(arena, len, 1);
    must(bytes ? AY_OK : AY_E_LIMIT, "the stream's items are too long");
    must(fread(bytes, 1, len, file) == len ? AY_OK : AY_E_FORMAT, "the stream is cut");
    return ay_slice(bytes, (uint32_t)len);
}

/* The operator address that every block of the genesis' one validator names. */
static inline const uint8_t *stream_proposer(const struct ay_genesis_genesis *genesis)
{
    must(genesis->stake.validators_count == 1 ? AY_OK : AY_E_RANGE, "validators of the genesis");
    return genesis->stake.validators[0].operator;
}

#endif
