#include "ledger/overlay.h"

struct ay_overlay_node {
    struct ay_kv_change entry;
    struct ay_overlay_node *left, *right;
    uint32_t level;
};

typedef struct ay_overlay_node node;

static node *find(const struct ay_overlay *overlay, struct ay_slice key)
{
    node *n = overlay->root;
    while (n) {
        int c = ay_slice_compare(key, n->entry.key);
        if (c == 0) break;
        n = c < 0 ? n->left : n->right;
    }
    return n;
}

static node *find_from(const struct ay_overlay *overlay, struct ay_slice from, bool inclusive)
{
    node *best = NULL;
    for (node *n = overlay->root; n;) {
        int c = ay_slice_compare(n->entry.key, from);
        bool in = c > 0 || (c == 0 && inclusive);
        if (in) best = n;
        n = in ? n->left : n->right;
    }
    return best;
}

enum ay_code ay_overlay_get(const struct ay_overlay *overlay, struct ay_slice key,
                            struct ay_slice *value)
{
    for (const struct ay_overlay *layer = overlay; layer; layer = layer->parent) {
        const node *n = find(layer, key);
        if (!n) continue;
        *value = n->entry.value;
        return n->entry.removed ? AY_E_NOT_FOUND : AY_OK;
    }
    return overlay->kv->get(overlay->kv->self, key, value);
}

enum ay_code ay_overlay_next(const struct ay_overlay *overlay, struct ay_slice from, bool inclusive,
                             struct ay_slice *key, struct ay_slice *value)
{
    for (;;) {
        enum ay_code below = overlay->kv->next(overlay->kv->self, from, inclusive, key, value);
        if (below != AY_OK && below != AY_E_NOT_FOUND) return below;
        /* The nearest key of all layers; of equal ones the topmost, which is looked at first. */
        const node *best = NULL;
        for (const struct ay_overlay *layer = overlay; layer; layer = layer->parent) {
            const node *n = find_from(layer, from, inclusive);
            if (n && (!best || ay_slice_compare(n->entry.key, best->entry.key) < 0)) best = n;
        }
        if (!best || (below == AY_OK && ay_slice_compare(*key, best->entry.key) < 0)) return below;
        *key = best->entry.key;
        *value = best->entry.value;
        if (!best->entry.removed) return AY_OK;
        from = best->entry.key;
        inclusive = false;
    }
}

/* The two rotations of an AA tree: no left child on its parent's level, no two right ones. */
static node *skew(node *n)
{
    node *l = n->left;
    if (!l || l->level != n->level) return n;
    n->left = l->right;
    l->right = n;
    return l;
}

static node *split(node *n)
{
    node *r = n->right;
    if (!r || !r->right || r->right->level != n->level) return n;
    n->right = r->left;
    r->left = n;
    r->level++;
    return r;
}

/* Depth is at most 2 log2(n + 1), so the recursion is bounded by the arena's size. */
static node *insert(node *tree, node *fresh)
{
    if (!tree) return fresh;
    if (ay_slice_compare(fresh->entry.key, tree->entry.key) < 0)
        tree->left = insert(tree->left, fresh);
    else
        tree->right = insert(tree->right, fresh);
    return split(skew(tree));
}

/* Puts a node of the overlay's arena in its place, or its entry into the node that is there. */
static void place(struct ay_overlay *overlay, node *fresh)
{
    node *n = find(overlay, fresh->entry.key);
    if (n) {
        n->entry = fresh->entry;
        return;
    }
    fresh->left = fresh->right = NULL;
    fresh->level = 1;
    overlay->root = insert(overlay->root, fresh);
    overlay->count++;
}

static enum ay_code write(struct ay_overlay *overlay, struct ay_kv_change change)
{
    AY_TRY(ay_arena_copy(overlay->arena, change.value, &change.value));
    node *n = find(overlay, change.key);
    if (n) {
        change.key = n->entry.key;
        n->entry = change;
        return AY_OK;
    }
    AY_TRY(ay_arena_copy(overlay->arena, change.key, &change.key));
    n = AY_NEW(overlay->arena, node, 1);
    if (!n) return AY_E_LIMIT;
    n->entry = change;
    place(overlay, n);
    return AY_OK;
}

enum ay_code ay_overlay_put(struct ay_overlay *overlay, struct ay_slice key, struct ay_slice value)
{
    return write(overlay, (struct ay_kv_change){.key = key, .value = value});
}

enum ay_code ay_overlay_del(struct ay_overlay *overlay, struct ay_slice key)
{
    return write(overlay, (struct ay_kv_change){.key = key, .removed = true});
}

enum ay_code ay_overlay_own_next(const struct ay_overlay *overlay, struct ay_slice from,
                                 bool inclusive, struct ay_kv_change *change)
{
    const node *n = find_from(overlay, from, inclusive);
    if (!n) return AY_E_NOT_FOUND;
    *change = n->entry;
    return AY_OK;
}

static void adopt(struct ay_overlay *parent, node *tree)
{
    if (!tree) return;
    node *right = tree->right;
    adopt(parent, tree->left);
    place(parent, tree);
    adopt(parent, right);
}

static enum ay_code copy(struct ay_overlay *parent, const node *tree)
{
    if (!tree) return AY_OK;
    AY_TRY(copy(parent, tree->left));
    AY_TRY(write(parent, tree->entry));
    return copy(parent, tree->right);
}

enum ay_code ay_overlay_commit(struct ay_overlay *overlay)
{
    struct ay_overlay *parent = overlay->parent;
    AY_ASSERT(parent);
    if (parent->arena == overlay->arena)
        adopt(parent, overlay->root);
    else
        AY_TRY(copy(parent, overlay->root));
    overlay->root = NULL;
    overlay->count = 0;
    return AY_OK;
}

/* Does the change differ from what the state holds? */
static enum ay_code differs(const struct ay_kv *kv, const struct ay_kv_change *change, bool *out)
{
    struct ay_slice old;
    enum ay_code code = kv->get(kv->self, change->key, &old);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    bool present = code == AY_OK;
    *out = change->removed ? present : !present || !ay_slice_equal(old, change->value);
    return AY_OK;
}

enum ay_code ay_overlay_changes(const struct ay_overlay *overlay, struct ay_arena *arena,
                                struct ay_kv_change **changes, uint32_t *count)
{
    AY_ASSERT(!overlay->parent);
    *changes = AY_NEW(arena, struct ay_kv_change, overlay->count);
    if (!*changes) return AY_E_LIMIT;
    *count = 0;
    struct ay_kv_change change = {0};
    for (bool first = true; ay_overlay_own_next(overlay, change.key, first, &change) == AY_OK;
         first = false) {
        bool keep;
        AY_TRY(differs(overlay->kv, &change, &keep));
        if (keep) (*changes)[(*count)++] = change;
    }
    return AY_OK;
}
