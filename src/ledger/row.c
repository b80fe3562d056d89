/* Rows over the overlay. A row's value is the whole message, keys and all, so that a proof of it
 * reads alone. An index entry has the row's key in its own key and an empty value. */
#include "base/codec.h"
#include "ledger/ctx.h"
#include "ledger/gas.h"
#include "ledger/overlay.h"

#define MAX_KEY AY_MAX_KEY
_Static_assert(AY_MAX_KEY <= AY_KV_MAX_KEY, "a row's key fits the store");

static enum ay_code charge_read(struct ay_ctx *ctx, struct ay_slice value)
{
    return ay_gas_charge(ctx, AY_GAS_READ + (uint64_t)AY_GAS_READ_BYTE * value.len);
}

static enum ay_code charge_write(struct ay_ctx *ctx, struct ay_slice key, struct ay_slice value)
{
    return ay_gas_charge(ctx, AY_GAS_WRITE +
                                  (uint64_t)AY_GAS_WRITE_BYTE * ((uint64_t)key.len + value.len));
}

static enum ay_code put(struct ay_ctx *ctx, struct ay_slice key, struct ay_slice value)
{
    AY_TRY(charge_write(ctx, key, value));
    return ay_overlay_put(ctx->overlay, key, value);
}

static enum ay_code del(struct ay_ctx *ctx, struct ay_slice key)
{
    AY_TRY(charge_write(ctx, key, ay_slice(NULL, 0)));
    return ay_overlay_del(ctx->overlay, key);
}

/* What is stored was encoded here: if it does not decode, the state is damaged. */
static enum ay_code decode_stored(struct ay_ctx *ctx, const struct ay_msg *msg,
                                  struct ay_slice value, void *row)
{
    enum ay_code code = ay_decode(msg, value, ctx->arena, row, NULL);
    return code == AY_E_FORMAT ? AY_E_CORRUPT : code;
}

static bool in_key(const struct ay_msg *msg, uint32_t field)
{
    const struct ay_key_desc *key = &msg->row->keys[0];
    for (uint32_t i = 0; i < key->n; i++)
        if (key->fields[i] == field) return true;
    return false;
}

static void clear_non_key(const struct ay_msg *msg, void *row)
{
    uint8_t *at = row;
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        if (in_key(msg, i)) continue;
        if (f->flags & AY_FIELD_REPEATED) {
            memset(at + f->offset, 0, sizeof(void *));
            memset(at + f->aside, 0, sizeof(uint32_t));
        } else {
            memset(at + f->offset, 0, ay_field_size(f));
            if (f->flags & AY_FIELD_HAS) memset(at + f->aside, 0, sizeof(bool));
        }
    }
}

enum ay_code ay_row_get(struct ay_ctx *ctx, const struct ay_msg *msg, void *row)
{
    AY_ASSERT(msg->row);
    uint8_t key[MAX_KEY];
    uint32_t len;
    struct ay_slice value = {0};
    AY_TRY(ay_row_key(msg, row, AY_KEY_ALL, key, sizeof key, &len));
    enum ay_code code = ay_overlay_get(ctx->overlay, ay_slice(key, len), &value);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    AY_TRY(charge_read(ctx, code == AY_OK ? value : ay_slice(NULL, 0)));
    if (code == AY_OK) return decode_stored(ctx, msg, value, row);
    clear_non_key(msg, row);
    return code;
}

/* Brings index entries from the row as it was (NULL: none) to what it is (NULL: none). */
static enum ay_code move_indexes(struct ay_ctx *ctx, const struct ay_msg *msg, const void *old_row,
                                 const void *new_row)
{
    for (uint32_t i = 1; i < msg->row->n; i++) {
        uint8_t old_key[MAX_KEY], new_key[MAX_KEY];
        uint32_t old_len = 0, new_len = 0;
        if (old_row)
            AY_TRY(ay_row_index_key(msg, old_row, i, AY_KEY_ALL, old_key, MAX_KEY, &old_len));
        if (new_row)
            AY_TRY(ay_row_index_key(msg, new_row, i, AY_KEY_ALL, new_key, MAX_KEY, &new_len));
        struct ay_slice was = ay_slice(old_key, old_len), is = ay_slice(new_key, new_len);
        if (ay_slice_equal(was, is)) continue;
        if (old_row) AY_TRY(del(ctx, was));
        if (new_row) AY_TRY(put(ctx, is, ay_slice(NULL, 0)));
    }
    return AY_OK;
}

/* The row now in state under this key, decoded into the arena; NULL when there is none. */
static enum ay_code load(struct ay_ctx *ctx, const struct ay_msg *msg, struct ay_slice key,
                         void **row)
{
    struct ay_slice value;
    enum ay_code code = ay_overlay_get(ctx->overlay, key, &value);
    *row = NULL;
    if (code == AY_E_NOT_FOUND) return AY_OK;
    AY_TRY(code);
    AY_TRY(charge_read(ctx, value));
    *row = ay_arena_take(ctx->arena, 1, msg->size);
    return *row ? decode_stored(ctx, msg, value, *row) : AY_E_LIMIT;
}

enum ay_code ay_row_put(struct ay_ctx *ctx, const struct ay_msg *msg, const void *row)
{
    AY_ASSERT(msg->row);
    uint8_t key_bytes[MAX_KEY];
    uint32_t len;
    AY_TRY(ay_row_key(msg, row, AY_KEY_ALL, key_bytes, sizeof key_bytes, &len));
    struct ay_slice key = ay_slice(key_bytes, len), value;
    if (msg->row->n > 1) {
        void *old_row;
        AY_TRY(load(ctx, msg, key, &old_row));
        AY_TRY(move_indexes(ctx, msg, old_row, row));
    }
    size_t mark = ctx->arena->used;
    AY_TRY(ay_encode_arena(msg, row, ctx->arena, &value));
    enum ay_code code = put(ctx, key, value);
    /* The overlay has its own copy; but where both share an arena, it stands above the mark. */
    if (ctx->overlay->arena != ctx->arena) ay_arena_rewind(ctx->arena, mark);
    return code;
}

enum ay_code ay_row_del(struct ay_ctx *ctx, const struct ay_msg *msg, const void *row)
{
    AY_ASSERT(msg->row);
    uint8_t key_bytes[MAX_KEY];
    uint32_t len;
    void *old_row;
    AY_TRY(ay_row_key(msg, row, AY_KEY_ALL, key_bytes, sizeof key_bytes, &len));
    struct ay_slice key = ay_slice(key_bytes, len);
    AY_TRY(load(ctx, msg, key, &old_row));
    if (!old_row) return AY_E_NOT_FOUND;
    AY_TRY(move_indexes(ctx, msg, old_row, NULL));
    return del(ctx, key);
}

/* --- walks --- */

enum ay_code ay_row_walk_begin(struct ay_row_walk *walk, const struct ay_msg *msg, uint32_t index,
                               const void *from, uint32_t n_fields)
{
    AY_ASSERT(msg->row && index < msg->row->n);
    *walk = (struct ay_row_walk){.msg = msg, .index = index};
    AY_TRY(ay_row_index_key(msg, from, index, n_fields, walk->key, sizeof walk->key,
                            &walk->prefix_len));
    walk->key_len = walk->prefix_len;
    return AY_OK;
}

enum ay_code ay_row_walk_seek(struct ay_row_walk *walk, const void *from, uint32_t n_at)
{
    uint8_t key[MAX_KEY];
    uint32_t len;
    AY_TRY(ay_row_index_key(walk->msg, from, walk->index, n_at, key, sizeof key, &len));
    AY_ASSERT(len >= walk->prefix_len && memcmp(key, walk->key, walk->prefix_len) == 0);
    memcpy(walk->key, key, len);
    walk->key_len = len;
    walk->started = false;
    return AY_OK;
}

enum ay_code ay_row_walk_next(struct ay_ctx *ctx, struct ay_row_walk *walk, void *row)
{
    struct ay_slice key, value;
    enum ay_code code = ay_overlay_next(ctx->overlay, ay_slice(walk->key, walk->key_len),
                                        !walk->started, &key, &value);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    bool ends = code != AY_OK || key.len < walk->prefix_len ||
                memcmp(key.data, walk->key, walk->prefix_len) != 0;
    if (ends) {
        AY_TRY(charge_read(ctx, ay_slice(NULL, 0)));
        return AY_E_NOT_FOUND;
    }
    AY_ASSERT(key.len <= sizeof walk->key);
    memcpy(walk->key, key.data, key.len);
    walk->key_len = key.len;
    walk->started = true;
    if (walk->index > 0) {
        uint8_t primary[MAX_KEY];
        uint32_t len;
        AY_TRY(charge_read(ctx, key));
        if (ay_row_key_of_index(walk->msg, walk->index, key, primary, sizeof primary, &len) !=
            AY_OK)
            return AY_E_CORRUPT;
        code = ay_overlay_get(ctx->overlay, ay_slice(primary, len), &value);
        if (code != AY_OK) return code == AY_E_NOT_FOUND ? AY_E_CORRUPT : code;
    }
    AY_TRY(charge_read(ctx, value));
    return decode_stored(ctx, walk->msg, value, row);
}

enum ay_code ay_rows_changed(struct ay_ctx *ctx, const struct ay_msg *msg, ay_row_changed changed,
                             void *self)
{
    AY_ASSERT(msg->row && !ctx->overlay->parent);
    const struct ay_kv *kv = ctx->overlay->kv;
    uint8_t prefix[2] = {msg->row->id, 0};
    struct ay_kv_change change = {.key = AY_SLICE_OF(prefix)};
    for (bool first = true;; first = false) {
        if (ay_overlay_own_next(ctx->overlay, change.key, first, &change) != AY_OK) return AY_OK;
        if (change.key.len < 2 || memcmp(change.key.data, prefix, 2) != 0) return AY_OK;
        struct ay_slice before;
        enum ay_code code = kv->get(kv->self, change.key, &before);
        if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
        bool has_old = code == AY_OK, has_new = !change.removed;
        if (has_old == has_new && (!has_old || ay_slice_equal(before, change.value))) continue;
        size_t mark = ctx->arena->used;
        void *rows[2] = {ay_arena_take(ctx->arena, 1, msg->size),
                         ay_arena_take(ctx->arena, 1, msg->size)};
        if (!rows[0] || !rows[1]) return AY_E_LIMIT;
        if (has_old) AY_TRY(decode_stored(ctx, msg, before, rows[0]));
        if (has_new) AY_TRY(decode_stored(ctx, msg, change.value, rows[1]));
        AY_TRY(changed(ctx, self, has_old, rows[0], has_new, rows[1]));
        ay_arena_rewind(ctx->arena, mark);
    }
}
