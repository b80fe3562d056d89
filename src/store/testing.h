/* What the store's tests share: a folder that goes away, and a naive model of the state. */
#ifndef AY_STORE_TESTING_H
#define AY_STORE_TESTING_H

#include "crypto/hash.h"
#include "crypto/testing.h"
#include "store/store.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void remove_folder(const char *path)
{
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A new empty folder's path, in a static buffer for each `slot`. */
static inline const char *new_folder(int slot)
{
    static char paths[4][64];
    const char *base = getenv("TMPDIR");
    assert_true(slot < 4 && (!base || strlen(base) < 40));
    (void)snprintf(paths[slot], sizeof paths[slot], "%s/ay_store_XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(paths[slot]));
    return paths[slot];
}

/* ---- the model: a sorted array, and the root by the definition ---- */

enum { MODEL_KEYS = 96, MODEL_VALUE = 24 };

struct model_row {
    bool present;
    uint8_t value_len;
    uint8_t value[MODEL_VALUE];
};
struct model {
    struct model_row rows[MODEL_KEYS]; /* row i belongs to model_key(i) */
};

/* Lengths 1 to 40, ascending in lexicographic order. */
static inline struct ay_slice model_key(int i, uint8_t buf[40])
{
    memset(buf, 'k', 40);
    buf[0] = (uint8_t)(i + 1);
    return ay_slice(buf, 1 + (uint32_t)i % 40);
}

static inline struct ay_slice model_value(const struct model *m, int i)
{
    return ay_slice(m->rows[i].value, m->rows[i].value_len);
}

/* Bit by bit over the leaves below a prefix, as crypto/smt.h defines it. */
static inline void naive_root(const uint8_t (*paths)[32], const uint8_t (*leaves)[32], int count,
                              unsigned depth, uint8_t out[32])
{
    uint8_t left_paths[MODEL_KEYS][32], left_leaves[MODEL_KEYS][32], left[32];
    uint8_t right_paths[MODEL_KEYS][32], right_leaves[MODEL_KEYS][32], right[32];
    int l = 0, r = 0;
    memset(out, 0, 32);
    if (count == 1) memcpy(out, leaves[0], 32);
    if (count < 2) return;
    for (int i = 0; i < count; i++) {
        bool one = paths[i][depth / 8] >> (7 - depth % 8) & 1;
        memcpy(one ? right_paths[r] : left_paths[l], paths[i], 32);
        memcpy(one ? right_leaves[r++] : left_leaves[l++], leaves[i], 32);
    }
    naive_root(left_paths, left_leaves, l, depth + 1, left);
    naive_root(right_paths, right_leaves, r, depth + 1, right);
    ay_smt_inner(left, right, out);
}

static inline void model_root(const struct model *m, uint8_t out[32])
{
    uint8_t paths[MODEL_KEYS][32], leaves[MODEL_KEYS][32], buf[40], value_hash[32];
    int count = 0;
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (!m->rows[i].present) continue;
        ay_sha256(model_key(i, buf), paths[count]);
        ay_sha256(model_value(m, i), value_hash);
        ay_smt_leaf(paths[count], value_hash, leaves[count]);
        count++;
    }
    naive_root(paths, leaves, count, 0, out);
}

/* Random changes to the model and the same as a commit takes them; buffers are static. */
static inline uint32_t model_step(struct model *m, struct ay_kv_change changes[MODEL_KEYS])
{
    static uint8_t keys[MODEL_KEYS][40];
    uint64_t density = 1 + test_random_below(30), removals = test_random_below(4);
    uint32_t count = 0;
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (test_random_below(density + 1)) continue;
        struct model_row *row = &m->rows[i];
        row->present = test_random_below(4) >= removals;
        row->value_len = (uint8_t)test_random_below(MODEL_VALUE + 1);
        for (int b = 0; b < row->value_len; b++) row->value[b] = (uint8_t)test_random();
        changes[count++] =
            (struct ay_kv_change){model_key(i, keys[i]), model_value(m, i), !row->present};
    }
    return count;
}

/* A block with nothing but its height, as hash and bytes. */
static inline struct ay_store_block plain_block(uint64_t height)
{
    static uint8_t bytes[8];
    struct ay_store_block block = {.height = height};
    ay_put_be64(bytes, height);
    ay_sha256(AY_SLICE_OF(bytes), block.hash);
    block.block = AY_SLICE_OF(bytes);
    block.results = ay_slice(bytes + 7, 1);
    return block;
}

/* Does the view hold exactly the model's rows, in order? */
static inline void assert_rows(struct ay_store_view *view, const struct model *m)
{
    struct ay_kv kv = ay_store_kv(view);
    struct ay_slice key = {0}, value;
    uint8_t buf[40];
    for (int i = 0; i < MODEL_KEYS; i++) {
        enum ay_code code = kv.get(kv.self, model_key(i, buf), &value);
        assert_int_equal(code, m->rows[i].present ? AY_OK : AY_E_NOT_FOUND);
        if (!m->rows[i].present) continue;
        assert_true(ay_slice_equal(value, model_value(m, i)));
        assert_int_equal(kv.next(kv.self, key, false, &key, &value), AY_OK);
        assert_true(ay_slice_equal(key, model_key(i, buf)));
        assert_true(ay_slice_equal(value, model_value(m, i)));
    }
    assert_int_equal(kv.next(kv.self, key, false, &key, &value), AY_E_NOT_FOUND);
}

#endif
