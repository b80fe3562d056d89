/* Writes that are not yet in the state: an ordered layer over a map below it, which is either the
 * stored state or another overlay. A block has one, a transaction one over it, each message one
 * over that; a layer is committed into the one below or forgotten by rewinding its arena.
 *
 * A layer is an AA tree (Andersson 1993) whose nodes live in the arena, so every operation is
 * O(log n) whatever keys an adversary chooses. A deletion is a node that hides what lies below. */
#ifndef AY_LEDGER_OVERLAY_H
#define AY_LEDGER_OVERLAY_H

#include "base/arena.h"
#include "ledger/kv.h"

struct ay_overlay_node;

struct ay_overlay {
    const struct ay_kv *kv;    /* state below everything */
    struct ay_overlay *parent; /* layer below, or NULL */
    struct ay_arena *arena;    /* nodes, keys and values; outlives the overlay */
    struct ay_overlay_node *root;
    uint32_t count; /* nodes */
};

/* A layer over the stored state. */
static inline struct ay_overlay ay_overlay_base(const struct ay_kv *kv, struct ay_arena *arena)
{
    return (struct ay_overlay){.kv = kv, .arena = arena};
}

/* A layer over another, which must not be written while this one lives. */
static inline struct ay_overlay ay_overlay_over(struct ay_overlay *parent, struct ay_arena *arena)
{
    return (struct ay_overlay){.kv = parent->kv, .parent = parent, .arena = arena};
}

/* The value as seen from this layer, borrowed until the layer that holds it is forgotten or the
 * view ends. AY_E_NOT_FOUND, or what the state below returns. */
enum ay_code ay_overlay_get(const struct ay_overlay *overlay, struct ay_slice key,
                            struct ay_slice *value) AY_MUST;

/* The first entry at or after `from` as seen from this layer; inclusive false: after it only. */
enum ay_code ay_overlay_next(const struct ay_overlay *overlay, struct ay_slice from, bool inclusive,
                             struct ay_slice *key, struct ay_slice *value) AY_MUST;

/* Writes; key and value are copied. AY_E_LIMIT when the arena is full. */
enum ay_code ay_overlay_put(struct ay_overlay *overlay, struct ay_slice key,
                            struct ay_slice value) AY_MUST;

/* Removes, whether or not there is such a key. AY_E_LIMIT. */
enum ay_code ay_overlay_del(struct ay_overlay *overlay, struct ay_slice key) AY_MUST;

/* Writes all of this layer into its parent; the layer is empty afterwards. With the parent's arena
 * its own nodes move over, which cannot fail. With another one they are copied: AY_E_LIMIT leaves
 * the parent half written, and the caller gives up the block. */
enum ay_code ay_overlay_commit(struct ay_overlay *overlay) AY_MUST;

/* This layer's own entries, ascending: the first at or after `from`, deletions included.
 * AY_E_NOT_FOUND at the end. Borrowed. */
enum ay_code ay_overlay_own_next(const struct ay_overlay *overlay, struct ay_slice from,
                                 bool inclusive, struct ay_kv_change *change) AY_MUST;

/* What must be written to the state to make it what a base layer shows: ascending, without entries
 * that change nothing. The list lives in the arena given, its bytes in the layer. AY_E_LIMIT. */
enum ay_code ay_overlay_changes(const struct ay_overlay *overlay, struct ay_arena *arena,
                                struct ay_kv_change **changes, uint32_t *count) AY_MUST;

#endif
