#include "base/arena.h"

void *ay_arena_take(struct ay_arena *arena, size_t count, size_t size)
{
    AY_ASSERT(arena->used <= arena->cap);
    size_t bytes, start = (arena->used + 15) & ~(size_t)15;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    if (start > arena->cap || bytes > arena->cap - start) return NULL;
    arena->used = start + bytes;
    memset(arena->base + start, 0, bytes);
    return arena->base + start;
}

enum ay_code ay_arena_copy(struct ay_arena *arena, struct ay_slice in, struct ay_slice *out)
{
    uint8_t *copy = ay_arena_take(arena, in.len, 1);
    if (!copy) return AY_E_LIMIT;
    if (in.len) memcpy(copy, in.data, in.len);
    *out = ay_slice(copy, in.len);
    return AY_OK;
}
