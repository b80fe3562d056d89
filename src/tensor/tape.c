#include "tensor/tape_impl.h"

#include "tensor/ref/float.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ALIGN        64u
#define SMALL_BLOCK  (64u << 10)
#define MAX_DIM      0x7fffffffu
#define FIRST_SLOTS  1024u
#define BLOCK_HEADER ALIGN

/* Memory: blocks, each behind its header. */

struct ay_block {
    struct ay_block *next;
};

static void *new_block(struct ay_tape *tape, uint64_t bytes)
{
    if (bytes > SIZE_MAX - BLOCK_HEADER - ALIGN) return NULL;
    size_t size = (bytes + BLOCK_HEADER + ALIGN - 1) / ALIGN * ALIGN;
    struct ay_block *block = aligned_alloc(ALIGN, size);
    if (!block) return NULL;
    block->next = tape->blocks;
    tape->blocks = block;
    return (uint8_t *)block + BLOCK_HEADER;
}

void *ay_tape_take(struct ay_tape *tape, uint64_t bytes)
{
    void *at;
    bytes = (bytes + 15) / 16 * 16;
    if (bytes > SMALL_BLOCK / 4) {
        at = new_block(tape, bytes);
    } else {
        if (!tape->small || tape->small_used + bytes > SMALL_BLOCK) {
            tape->small = new_block(tape, SMALL_BLOCK);
            tape->small_used = 0;
        }
        at = tape->small ? (uint8_t *)tape->small + tape->small_used : NULL;
        tape->small_used += bytes;
    }
    if (!at) (void)ay_tape_fail(tape, AY_E_MEMORY, "out of memory");
    return at ? memset(at, 0, bytes) : NULL;
}

void *ay_tape_take_data(struct ay_tape *tape, uint64_t bytes)
{
    if (bytes > tape->limit_bytes - tape->used_bytes) {
        (void)ay_tape_fail(tape, AY_E_LIMIT,
                           "needs %llu MiB for its values, above the limit of %llu MiB",
                           (unsigned long long)((tape->used_bytes + bytes) >> 20) + 1,
                           (unsigned long long)(tape->limit_bytes >> 20));
        return NULL;
    }
    void *at = new_block(tape, bytes ? bytes : 1);
    if (!at) (void)ay_tape_fail(tape, AY_E_MEMORY, "out of memory");
    if (at) tape->used_bytes += bytes;
    return at;
}

static uint64_t half_of_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : 1ull << 30;
}

enum ay_code ay_tape_open(const struct ay_tape_options *options, struct ay_tape **out)
{
    struct ay_tape *tape = calloc(1, sizeof *tape);
    if (!tape) return AY_E_MEMORY;
    tape->limit_bytes = options->limit_bytes ? options->limit_bytes : half_of_memory();
    tape->slots = calloc(FIRST_SLOTS, sizeof *tape->slots);
    tape->slots_cap = FIRST_SLOTS;
    enum ay_code code = tape->slots ? ay_kernels_select(&tape->kernels) : AY_E_MEMORY;
    tape->pool = options->pool;
    tape->own_pool = !options->pool;
    if (code == AY_OK && tape->own_pool) code = ay_pool_open(options->threads, &tape->pool);
    if (code != AY_OK) {
        ay_tape_close(tape);
        return code;
    }
    *out = tape;
    return AY_OK;
}

void ay_tape_close(struct ay_tape *tape)
{
    if (!tape) return;
    for (struct ay_block *b = tape->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    if (tape->own_pool) ay_pool_close(tape->pool);
    free(tape->nodes);
    free(tape->slots);
    free(tape);
}

/* Failure. */

enum ay_code ay_tape_code(const struct ay_tape *tape)
{
    return tape->code;
}

const char *ay_tape_reason(const struct ay_tape *tape)
{
    return tape->reason.text;
}

const struct ay_value *ay_tape_fail(struct ay_tape *tape, enum ay_code code, const char *format,
                                    ...)
{
    AY_ASSERT(code != AY_OK);
    if (tape->code != AY_OK) return NULL;
    tape->code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(tape->reason.text, sizeof tape->reason.text, format, args);
    va_end(args);
    return NULL;
}

void ay_tape_blame(struct ay_tape *tape, const char *place)
{
    struct ay_reason inner = tape->reason;
    AY_ASSERT(tape->code != AY_OK);
    (void)snprintf(tape->reason.text, sizeof tape->reason.text, "%s: %s", place, inner.text);
}

/* Types. */

uint64_t ay_value_elements(const struct ay_value *x)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < x->rank; i++) n *= x->dims[i];
    return n;
}

int64_t ay_value_int(const struct ay_value *x, uint64_t i)
{
    AY_ASSERT(x->data && i < ay_value_elements(x));
    switch ((enum ay_work_dtype)x->dtype) {
    case AY_WORK_DTYPE_I32: return ((const int32_t *)x->data)[i];
    case AY_WORK_DTYPE_I64: return ((const int64_t *)x->data)[i];
    case AY_WORK_DTYPE_I8: return ((const int8_t *)x->data)[i];
    case AY_WORK_DTYPE_U8:
    case AY_WORK_DTYPE_BOOL: return ((const uint8_t *)x->data)[i];
    case AY_WORK_DTYPE_F32:
    case AY_WORK_DTYPE_NONE: break;
    }
    ay_panic(__FILE__, __LINE__, "value of an integer dtype");
}

bool ay_tape_shape(struct ay_tape *tape, uint32_t rank, const uint64_t *dims)
{
    uint64_t n = 1;
    bool empty = false, large = rank > AY_MAX_RANK;
    if (large) (void)ay_tape_fail(tape, AY_E_LIMIT, "more than %d dimensions", AY_MAX_RANK);
    for (uint32_t i = 0; i < rank && !large; i++) {
        empty = empty || dims[i] == 0;
        large = dims[i] > MAX_DIM || (dims[i] && n > AY_MAX_TENSOR_ELEMENTS / dims[i]);
        if (dims[i]) n *= dims[i];
    }
    if (large && !empty) (void)ay_tape_fail(tape, AY_E_LIMIT, "tensor above 2^32 elements");
    return tape->code == AY_OK;
}

uint32_t ay_tape_dims(const struct ay_value *x, uint32_t dims[AY_MAX_RANK])
{
    dims[0] = 1;
    for (uint32_t i = 0; i < x->rank; i++) dims[i] = (uint32_t)x->dims[i];
    return x->rank ? x->rank : 1;
}

/* Nodes. */

static struct ay_node *new_node(struct ay_tape *tape, enum ay_node_kind kind, uint32_t dtype,
                                uint32_t rank, const uint64_t *dims)
{
    if (tape->count == tape->cap) {
        uint32_t cap = tape->cap ? 2 * tape->cap : 256;
        struct ay_node **nodes =
            cap > tape->cap ? realloc(tape->nodes, cap * sizeof(struct ay_node *)) : NULL;
        if (!nodes) {
            (void)ay_tape_fail(tape, AY_E_MEMORY, "out of memory");
            return NULL;
        }
        tape->nodes = nodes;
        tape->cap = cap;
    }
    struct ay_node *node = ay_tape_take(tape, sizeof *node);
    if (!node) return NULL;
    node->kind = kind;
    node->value.dtype = dtype;
    node->value.rank = rank;
    for (uint32_t i = 0; i < rank; i++) node->value.dims[i] = dims[i];
    node->value.id = tape->count;
    tape->nodes[tape->count++] = node;
    return node;
}

/* Equal nodes are one: an open-addressing table of them by what they are made of. */

static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ at[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static uint32_t hash_of(const struct ay_node *n)
{
    const struct ay_work_op *op = &n->op;
    const uint64_t head[] = {n->kind,    n->value.dtype, n->value.rank, n->key,  op->kind,
                             op->reduce, op->axis,       n->fn,         op->fill};
    uint64_t h = mix(0xcbf29ce484222325u, head, sizeof head);
    h = mix(h, n->value.dims, n->value.rank * sizeof n->value.dims[0]);
    h = mix(h, op->in, op->in_count * sizeof op->in[0]);
    h = mix(h, op->view, op->view_count * sizeof op->view[0]);
    h = mix(h, op->perm, op->perm_count * sizeof op->perm[0]);
    h = mix(h, op->grid, op->grid_count * sizeof op->grid[0]);
    h = mix(h, op->coefs, op->coefs_count * sizeof op->coefs[0]);
    h = mix(h, op->offsets, op->offsets_count * sizeof op->offsets[0]);
    return (uint32_t)(h ^ h >> 32);
}

static bool same_list(const void *a, uint32_t a_count, const void *b, uint32_t b_count, size_t size)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

static bool same_node(const struct ay_node *x, const struct ay_node *y)
{
    const struct ay_work_op *a = &x->op, *b = &y->op;
    return x->kind == y->kind && x->value.dtype == y->value.dtype && x->key == y->key &&
           ay_value_same_dims(&x->value, y->value.rank, y->value.dims) && a->kind == b->kind &&
           a->reduce == b->reduce && a->axis == b->axis && x->fn == y->fn && a->fill == b->fill &&
           same_list(a->in, a->in_count, b->in, b->in_count, sizeof a->in[0]) &&
           same_list(a->view, a->view_count, b->view, b->view_count, sizeof a->view[0]) &&
           same_list(a->perm, a->perm_count, b->perm, b->perm_count, sizeof a->perm[0]) &&
           same_list(a->grid, a->grid_count, b->grid, b->grid_count, sizeof a->grid[0]) &&
           same_list(a->coefs, a->coefs_count, b->coefs, b->coefs_count, sizeof a->coefs[0]) &&
           same_list(a->offsets, a->offsets_count, b->offsets, b->offsets_count,
                     sizeof a->offsets[0]);
}

/* The slot that holds an equal node, or the free one where it belongs. */
static struct ay_slot *slot_of(const struct ay_tape *tape, const struct ay_node *node,
                               uint32_t hash)
{
    uint32_t mask = tape->slots_cap - 1, at = hash & mask;
    for (;; at = (at + 1) & mask) {
        struct ay_slot *slot = &tape->slots[at];
        if (slot->id == 0) return slot;
        if (slot->hash == hash && same_node(tape->nodes[slot->id - 1], node)) return slot;
    }
}

static bool grow_slots(struct ay_tape *tape)
{
    struct ay_slot *old = tape->slots;
    uint32_t count = tape->slots_cap;
    if (count >= 1u << 31) return false;
    tape->slots = calloc(2 * (size_t)count, sizeof *tape->slots);
    if (!tape->slots) {
        tape->slots = old;
        return false;
    }
    tape->slots_cap = 2 * count;
    for (uint32_t i = 0; i < count; i++)
        if (old[i].id) *slot_of(tape, tape->nodes[old[i].id - 1], old[i].hash) = old[i];
    free(old);
    return true;
}

static struct ay_node *find(const struct ay_tape *tape, const struct ay_node *key)
{
    const struct ay_slot *slot = slot_of(tape, key, hash_of(key));
    return slot->id ? tape->nodes[slot->id - 1] : NULL;
}

static const struct ay_value *enter(struct ay_tape *tape, const struct ay_node *node)
{
    if (2 * (tape->slots_used + 1) > tape->slots_cap && !grow_slots(tape))
        return ay_tape_fail(tape, AY_E_MEMORY, "out of memory");
    uint32_t hash = hash_of(node);
    *slot_of(tape, node, hash) = (struct ay_slot){hash, node->value.id + 1};
    tape->slots_used++;
    return &node->value;
}

/* Values that are known from the start, and inputs. */

/* data NULL: a scalar whose bits are the key. */
static const struct ay_value *known(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                    const uint64_t *dims, const void *data, uint64_t key)
{
    struct ay_node probe = {.kind = AY_NODE_KNOWN, .key = key};
    probe.value.dtype = dtype;
    probe.value.rank = rank;
    for (uint32_t i = 0; i < rank; i++) probe.value.dims[i] = dims[i];
    struct ay_node *node = find(tape, &probe);
    if (node) return &node->value;
    node = new_node(tape, AY_NODE_KNOWN, dtype, rank, dims);
    if (!node) return NULL;
    node->key = key;
    node->value.data = data;
    if (!data) {
        void *at = ay_tape_take_data(tape, sizeof key);
        if (!at) return NULL;
        ay_element_store(at, ay_dtype_bytes(dtype), key);
        node->value.data = at;
    }
    return enter(tape, node);
}

static const struct ay_value *known_scalar(struct ay_tape *tape, uint32_t dtype, uint64_t bits)
{
    return tape->code == AY_OK ? known(tape, dtype, 0, NULL, NULL, bits) : NULL;
}

const struct ay_value *ay_tape_known(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                     const uint64_t *dims, const void *data)
{
    if (tape->code != AY_OK || !ay_tape_shape(tape, rank, dims)) return NULL;
    if (rank == 0) return known_scalar(tape, dtype, ay_element_load(data, ay_dtype_bytes(dtype)));
    return known(tape, dtype, rank, dims, data, (uint64_t)(uintptr_t)data);
}

const struct ay_value *ay_tape_copy(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                    const uint64_t *dims, const void *data, void **writable)
{
    if (tape->code != AY_OK || !ay_tape_shape(tape, rank, dims)) return NULL;
    struct ay_node *node = new_node(tape, AY_NODE_KNOWN, dtype, rank, dims);
    if (!node) return NULL;
    uint64_t bytes = ay_value_elements(&node->value) * ay_dtype_bytes(dtype);
    void *at = ay_tape_take_data(tape, bytes);
    if (!at) return NULL;
    if (data && bytes)
        memcpy(at, data, bytes);
    else
        memset(at, 0, bytes);
    node->value.data = at;
    if (writable) *writable = at;
    return &node->value;
}

const struct ay_value *ay_tape_filled(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                      const uint64_t *dims, uint64_t bits)
{
    void *data = NULL;
    const struct ay_value *out = ay_tape_copy(tape, dtype, rank, dims, NULL, &data);
    uint32_t size = ay_dtype_bytes(dtype);
    uint64_t n = out && bits ? ay_value_elements(out) : 0;
    for (uint64_t i = 0; i < n; i++) ay_element_store((uint8_t *)data + i * size, size, bits);
    return out;
}

const struct ay_value *ay_tape_f32(struct ay_tape *tape, float x)
{
    return known_scalar(tape, AY_WORK_DTYPE_F32, ay_f32_bits(x));
}

const struct ay_value *ay_tape_int(struct ay_tape *tape, uint32_t dtype, int64_t x)
{
    AY_ASSERT(dtype != AY_WORK_DTYPE_F32);
    return known_scalar(tape, dtype, ay_dtype_narrow(dtype, x));
}

const struct ay_value *ay_tape_input(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                     const uint64_t *dims)
{
    if (tape->code != AY_OK || !ay_tape_shape(tape, rank, dims)) return NULL;
    for (uint32_t i = 0; i < rank; i++)
        if (dims[i] == 0) return ay_tape_copy(tape, dtype, rank, dims, NULL, NULL);
    if (tape->inputs == AY_MAX_WORK_PROGRAM_INPUTS)
        return ay_tape_fail(tape, AY_E_LIMIT, "more than %u inputs", AY_MAX_WORK_PROGRAM_INPUTS);
    struct ay_node *node = new_node(tape, AY_NODE_INPUT, dtype, rank, dims);
    if (!node) return NULL;
    tape->inputs++;
    return &node->value;
}

const struct ay_value *ay_tape_need(struct ay_tape *tape, const struct ay_value *x,
                                    const char *what)
{
    if (!x || tape->code != AY_OK) return NULL;
    return x->data ? x : ay_tape_fail(tape, AY_E_STATE, "%s depends on the inputs", what);
}

/* Ops. */

static bool copy_list(struct ay_tape *tape, const void *from, size_t bytes, const void **out)
{
    if (bytes == 0) return true;
    void *to = ay_tape_take(tape, bytes);
    if (!to) return false;
    memcpy(to, from, bytes);
    *out = to;
    return true;
}

static bool copy_op(struct ay_tape *tape, const struct ay_work_op *from, struct ay_work_op *to)
{
    const void *in = NULL, *view = NULL, *perm = NULL, *grid = NULL, *coefs = NULL, *offsets = NULL;
    *to = *from;
    bool copied =
        copy_list(tape, from->in, from->in_count * sizeof from->in[0], &in) &&
        copy_list(tape, from->view, from->view_count * sizeof from->view[0], &view) &&
        copy_list(tape, from->perm, from->perm_count * sizeof from->perm[0], &perm) &&
        copy_list(tape, from->grid, from->grid_count * sizeof from->grid[0], &grid) &&
        copy_list(tape, from->coefs, from->coefs_count * sizeof from->coefs[0], &coefs) &&
        copy_list(tape, from->offsets, from->offsets_count * sizeof from->offsets[0], &offsets);
    to->in = in;
    to->view = view;
    to->perm = perm;
    to->grid = grid;
    to->coefs = coefs;
    to->offsets = offsets;
    return copied;
}

static bool all_known(const struct ay_tape *tape, const struct ay_work_op *op)
{
    for (uint32_t i = 0; i < op->in_count; i++)
        if (!tape->nodes[op->in[i]]->value.data) return false;
    return true;
}

const struct ay_value *ay_tape_op(struct ay_tape *tape, const struct ay_work_op *op,
                                  enum ay_work_fn fn, uint32_t dtype, uint32_t rank,
                                  const uint64_t *dims)
{
    if (tape->code != AY_OK || !ay_tape_shape(tape, rank, dims)) return NULL;
    struct ay_node probe = {.kind = AY_NODE_OP, .op = *op, .fn = fn};
    probe.value.dtype = dtype;
    probe.value.rank = rank;
    for (uint32_t i = 0; i < rank; i++) probe.value.dims[i] = dims[i];
    if (ay_value_elements(&probe.value) == 0)
        return ay_tape_copy(tape, dtype, rank, dims, NULL, NULL);
    struct ay_node *node = find(tape, &probe);
    if (node) return &node->value;
    node = new_node(tape, AY_NODE_OP, dtype, rank, dims);
    if (!node || !copy_op(tape, op, &node->op)) return NULL;
    node->fn = fn;
    if (all_known(tape, op)) {
        void *data =
            ay_tape_take_data(tape, ay_value_elements(&node->value) * ay_dtype_bytes(dtype));
        if (!data || ay_tape_fold(tape, node, data) != AY_OK) return NULL;
        node->value.data = data;
    }
    return enter(tape, node);
}

const struct ay_value *ay_tape_seen(struct ay_tape *tape, const struct ay_value *x, uint32_t rank,
                                    const uint64_t *dims)
{
    if (x->data) return known(tape, x->dtype, rank, dims, x->data, (uint64_t)(uintptr_t)x->data);
    struct ay_node probe = {.kind = AY_NODE_RESHAPE, .op = {.in = &x->id, .in_count = 1}};
    probe.value.dtype = x->dtype;
    probe.value.rank = rank;
    for (uint32_t i = 0; i < rank; i++) probe.value.dims[i] = dims[i];
    struct ay_node *node = find(tape, &probe);
    if (node) return &node->value;
    node = new_node(tape, AY_NODE_RESHAPE, x->dtype, rank, dims);
    if (!node || !copy_op(tape, &probe.op, &node->op)) return NULL;
    return enter(tape, node);
}
