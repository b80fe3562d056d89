/* Bump allocator over memory that the caller owns. Pure code frees nothing: one arena a block, one
 * a transaction, reset by whoever began it. Allocation is zeroed, so no uninitialised byte can
 * reach state. */
#ifndef AY_BASE_ARENA_H
#define AY_BASE_ARENA_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

struct ay_arena {
    uint8_t *base; /* caller's memory, aligned to 16 */
    size_t cap;    /* bytes */
    size_t used;   /* bytes */
};

/* mem must be 16-byte aligned and outlive the arena. */
static inline struct ay_arena ay_arena_over(void *mem, size_t cap)
{
    return (struct ay_arena){(uint8_t *)mem, cap, 0};
}

/* count * size zeroed bytes, 16-byte aligned, valid until reset; NULL when they do not fit.
 * count or size 0 gives a non-NULL pointer that must not be read. */
void *ay_arena_take(struct ay_arena *arena, size_t count, size_t size) AY_MUST;

/* A copy of the slice's bytes in the arena. AY_E_LIMIT when it does not fit. */
enum ay_code ay_arena_copy(struct ay_arena *arena, struct ay_slice in, struct ay_slice *out) AY_MUST;

/* mark = arena->used; later ay_arena_rewind(arena, mark) gives back everything since. */
static inline void ay_arena_rewind(struct ay_arena *arena, size_t mark)
{
    AY_ASSERT(mark <= arena->used);
    arena->used = mark;
}

#define AY_NEW(arena, type, count) ((type *)ay_arena_take((arena), (count), sizeof(type)))

#endif
