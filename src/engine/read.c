#include "engine/internal.h"

#include "base/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The root after a block is known only once the block is written: it stands in the next header, and
 * for recent heights beside the state. */
static enum ay_code fill_app_hash(struct ay_store_view *view, uint64_t height,
                                  struct ay_arena *arena, struct ay_engine_block *block)
{
    struct ay_engine_block next;
    struct ay_slice bytes;
    enum ay_code code = ay_store_root(view, AY_STORE_HEIGHT(height), block->app_hash);
    if (code != AY_E_RANGE) return code;
    size_t mark = arena->used;
    AY_TRY(ay_store_block_at(view, AY_STORE_HEIGHT(height + 1), &bytes, NULL));
    if (ay_decode(&ay_engine_block_msg, bytes, arena, &next, NULL) != AY_OK) return AY_E_CORRUPT;
    memcpy(block->app_hash, next.header.app_hash, sizeof block->app_hash);
    ay_arena_rewind(arena, mark);
    return AY_OK;
}

enum ay_code ay_read_block(struct ay_store_view *view, uint64_t height, struct ay_arena *arena,
                           struct ay_engine_block *block, struct ay_ledger_block_result *results)
{
    struct ay_slice bytes[2], copy;
    if (height == 0) return AY_E_NOT_FOUND;
    AY_TRY(ay_store_block_at(view, AY_STORE_HEIGHT(height), &bytes[0], &bytes[1]));
    if (block) {
        AY_TRY(ay_arena_copy(arena, bytes[0], &copy));
        if (ay_decode(&ay_engine_block_msg, copy, arena, block, NULL) != AY_OK) return AY_E_CORRUPT;
        AY_TRY(fill_app_hash(view, height, arena, block));
    }
    if (results) {
        AY_TRY(ay_arena_copy(arena, bytes[1], &copy));
        if (ay_decode(&ay_ledger_block_result_msg, copy, arena, results, NULL) != AY_OK)
            return AY_E_CORRUPT;
    }
    return AY_OK;
}

void ay_engine_tip(struct ay_engine *e, struct ay_engine_tip *tip)
{
    pthread_mutex_lock(&e->lock);
    *tip = e->tip;
    pthread_mutex_unlock(&e->lock);
}

static struct ay_desk *take_desk(struct ay_engine *e)
{
    struct ay_desk *free_desk = NULL;
    pthread_mutex_lock(&e->lock);
    while (!free_desk) {
        for (uint32_t i = 0; i < AY_ENGINE_QUERY_SLOTS && !free_desk; i++)
            if (!e->query[i].busy) free_desk = &e->query[i];
        if (!free_desk) pthread_cond_wait(&e->done, &e->lock);
    }
    free_desk->busy = true;
    pthread_mutex_unlock(&e->lock);
    return free_desk;
}

static void give_desk(struct ay_engine *e, struct ay_desk *desk)
{
    ay_desk_close(desk);
    madvise(desk->arenas.block.base, desk->bytes, MADV_DONTNEED);
    pthread_mutex_lock(&e->lock);
    desk->busy = false;
    pthread_cond_broadcast(&e->done);
    pthread_mutex_unlock(&e->lock);
}

enum ay_code ay_engine_query(struct ay_engine *e, struct ay_slice path, struct ay_slice data,
                             struct ay_arena *arena, struct ay_slice *answer, uint64_t *height,
                             char reason[256])
{
    struct ay_query_answer got = {0};
    struct ay_desk *desk = take_desk(e);
    enum ay_code code = ay_desk_open(desk, e->store);
    if (code == AY_OK) {
        *height = ay_store_view_tip(desk->view).height - AY_STORE_HEIGHT(0);
        code = ay_ledger_query(&desk->ledger, path, data, &got);
    }
    reason[0] = 0;
    if (code == AY_OK && got.code != AY_OK) {
        snprintf(reason, 256, "%s", got.log);
        code = got.code;
    } else if (code == AY_OK) {
        code = ay_arena_copy(arena, got.value, answer);
    }
    give_desk(e, desk);
    return code;
}

enum ay_code ay_engine_block(struct ay_engine *e, uint64_t height, struct ay_arena *arena,
                             struct ay_engine_block *block, struct ay_ledger_block_result *results)
{
    struct ay_store_view *view;
    AY_TRY(ay_store_view(e->store, &view));
    if (!height) height = ay_store_view_tip(view).height - AY_STORE_HEIGHT(0);
    enum ay_code code = ay_read_block(view, height, arena, block, results);
    ay_store_view_end(view);
    return code;
}

enum ay_code ay_engine_block_by_hash(struct ay_engine *e, const uint8_t hash[AY_HASH_BYTES],
                                     uint64_t *height)
{
    struct ay_store_view *view;
    AY_TRY(ay_store_view(e->store, &view));
    enum ay_code code = ay_store_height_of(view, hash, height);
    ay_store_view_end(view);
    if (code != AY_OK) return code;
    *height -= AY_STORE_HEIGHT(0);
    return *height ? AY_OK : AY_E_NOT_FOUND;
}

enum ay_code ay_engine_tx_by_hash(struct ay_engine *e, const uint8_t hash[AY_HASH_BYTES],
                                  uint64_t *height, uint32_t *index)
{
    struct ay_store_view *view;
    struct ay_store_place place;
    AY_TRY(ay_store_view(e->store, &view));
    enum ay_code code = ay_store_tx(view, hash, &place);
    ay_store_view_end(view);
    if (code != AY_OK) return code;
    *height = place.height - AY_STORE_HEIGHT(0);
    *index = place.index;
    return AY_OK;
}

enum ay_code ay_engine_txs_by_event(struct ay_engine *e, struct ay_slice key, struct ay_slice value,
                                    struct ay_engine_place from, struct ay_engine_place *out,
                                    uint32_t cap, uint32_t *n)
{
    struct ay_store_view *view;
    struct ay_store_tag tag = {key, value};
    struct ay_store_place *places = calloc(cap ? cap : 1, sizeof *places);
    if (!places) return AY_E_MEMORY;
    enum ay_code code = ay_store_view(e->store, &view);
    if (code == AY_OK) {
        struct ay_store_place at = {AY_STORE_HEIGHT(from.height), from.index};
        code = ay_store_search(view, &tag, at, cap, places, n);
        ay_store_view_end(view);
    }
    for (uint32_t i = 0; code == AY_OK && i < *n; i++)
        out[i] = (struct ay_engine_place){places[i].height - AY_STORE_HEIGHT(0), places[i].index};
    free(places);
    return code;
}

enum ay_code ay_engine_prove(struct ay_engine *e, struct ay_slice key, uint64_t height,
                             struct ay_arena *arena, struct ay_slice *value,
                             struct ay_smt_proof *proof)
{
    struct ay_store_view *view;
    struct ay_slice found = {0};
    if (height > INT64_MAX) return AY_E_RANGE;
    AY_TRY(ay_store_view(e->store, &view));
    enum ay_code code = ay_store_prove(view, AY_STORE_HEIGHT(height), key, &found, proof);
    enum ay_code copied = code == AY_OK ? ay_arena_copy(arena, found, value) : AY_OK;
    ay_store_view_end(view);
    return code == AY_OK ? copied : code;
}
