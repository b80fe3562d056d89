/* Einsum: operands are joined two by two. An index that only one of them has and nothing later
 * needs is summed first; then a pair is a batch of products of rows. */
#include "tensor/lower/matmul.h"

/* Indices: 0..51 are letters, from 52 on the axes that "..." stands for, counted from the last. */
#define LETTERS      52u
#define INDICES      (LETTERS + AY_MAX_RANK)
#define MAX_OPERANDS 32u

struct indexed {
    term x;
    uint32_t rank;
    uint32_t index[AY_MAX_RANK]; /* of each axis of x, all different */
};

struct einsum {
    const struct ay_lower *l;
    struct ay_slice text;
    uint32_t at;
    uint64_t size[INDICES];
    uint32_t uses[INDICES]; /* operands that still have it, and the result */
    uint32_t ellipsis;      /* axes that "..." stands for, at most */
};

static bool fail(const struct einsum *e)
{
    ay_lower_fail(e->l, AY_E_FORMAT, "equation '%.*s' does not fit the operands",
                  (int)(e->text.len < 100 ? e->text.len : 100), (const char *)e->text.data);
    return false;
}

static char peek(const struct einsum *e)
{
    return e->at < e->text.len ? (char)e->text.data[e->at] : 0;
}

/* The next letter of an operand's list; LETTERS for "...", INDICES at its end. */
static uint32_t next_index(struct einsum *e)
{
    while (peek(e) == ' ') e->at++;
    char c = peek(e);
    bool small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
    bool dots = e->text.len - e->at >= 3 && memcmp(e->text.data + e->at, "...", 3) == 0;
    e->at += dots ? 3 : small || capital;
    return dots      ? LETTERS
           : small   ? (uint32_t)(c - 'a')
           : capital ? (uint32_t)(c - 'A') + 26
                     : INDICES;
}

/* Reads a list of indices for `rank` axes, or with rank > AY_MAX_RANK for as many as there are and
 * `ellipsis` for "...". false when they are not so many. */
static bool read_list(struct einsum *e, uint32_t rank, uint32_t ellipsis, uint32_t *index,
                      uint32_t *count)
{
    uint32_t letters[AY_MAX_RANK + 1], n = 0, dots = UINT32_MAX, i;
    while ((i = next_index(e)) != INDICES) {
        if (n > AY_MAX_RANK || (i == LETTERS && dots != UINT32_MAX)) return false;
        if (i == LETTERS) dots = n;
        letters[n++] = i;
    }
    uint32_t named = dots == UINT32_MAX ? n : n - 1;
    if (rank <= AY_MAX_RANK) ellipsis = rank - named;
    if (rank <= AY_MAX_RANK && (named > rank || (dots == UINT32_MAX && named != rank)))
        return false;
    *count = 0;
    for (i = 0; i < n; i++) {
        uint32_t axes = letters[i] == LETTERS ? ellipsis : 1;
        if (*count + axes > AY_MAX_RANK) return false;
        for (uint32_t k = 0; k < axes; k++)
            index[(*count)++] = letters[i] == LETTERS ? LETTERS + axes - 1 - k : letters[i];
    }
    return true;
}

/* An operand with each index once: of a repeated one the diagonal. */
static bool take_operand(struct einsum *e, term x, struct indexed *out)
{
    uint32_t list[AY_MAX_RANK], count;
    uint64_t dims[AY_MAX_RANK];
    if (!read_list(e, x->rank, 0, list, &count)) return fail(e);
    struct ay_tape_view v = {.view_rank = x->rank};
    out->rank = 0;
    for (uint32_t d = 0; d < x->rank; d++) {
        uint32_t k = 0, i = list[d];
        while (k < out->rank && out->index[k] != i) k++;
        if (k < out->rank && dims[k] != x->dims[d]) return fail(e);
        if (k == out->rank) {
            out->index[out->rank] = i;
            dims[out->rank++] = v.grid[v.grid_rank++] = x->dims[d];
            e->uses[i]++;
        }
        v.view[d] = x->dims[d];
        v.coefs[d][k] = 1;
        bool broadcast = i >= LETTERS && (e->size[i] == 1 || x->dims[d] == 1);
        if (e->size[i] && e->size[i] != x->dims[d] && !broadcast) return fail(e);
        if (e->size[i] == 0 || x->dims[d] != 1) e->size[i] = x->dims[d];
        if (i >= LETTERS && i - LETTERS + 1 > e->ellipsis) e->ellipsis = i - LETTERS + 1;
    }
    out->x = out->rank < x->rank ? ay_tape_view(e->l->tape, x, &v, out->rank, dims) : x;
    return out->x != NULL;
}

/* The result's indices: as given, or those that occur once in the operands in order of letters,
 * capitals first, after what "..." stands for. */
static bool take_result(struct einsum *e, const uint32_t *occurs, struct indexed *out)
{
    out->rank = 0;
    if (peek(e) == '-') {
        e->at += 2;
        return read_list(e, UINT32_MAX, e->ellipsis, out->index, &out->rank) || fail(e);
    }
    for (uint32_t i = e->ellipsis; i-- > 0;) out->index[out->rank++] = LETTERS + i;
    for (uint32_t k = 0; k < LETTERS; k++) {
        uint32_t i = (k + 26) % LETTERS;
        if (occurs[i] != 1) continue;
        if (out->rank == AY_MAX_RANK) return fail(e);
        out->index[out->rank++] = i;
    }
    return true;
}

/* Sums the axes whose index nobody else has. */
static void sum_alone(struct einsum *e, struct indexed *a)
{
    uint32_t axes = 0, rank = 0;
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d < a->rank; d++) {
        uint32_t i = a->index[d];
        if (e->uses[i] == 1) {
            axes |= 1u << d;
            e->uses[i] = 0;
            continue;
        }
        dims[rank] = a->x->dims[d];
        a->index[rank++] = i;
    }
    if (!axes) return;
    a->x = reshape(e->l, ay_term_reduce(e->l, AY_WORK_REDUCE_SUM, a->x, axes), rank, dims);
    a->rank = rank;
}

static bool has(const struct indexed *a, uint32_t index, uint32_t *axis)
{
    for (uint32_t d = 0; d < a->rank; d++) {
        if (a->index[d] != index) continue;
        *axis = d;
        return true;
    }
    return false;
}

/* The axes of a in the order of `list`, those that it lacks or that are repeated expanded, as
 * three: batch, own and summed. */
static term matrix(const struct einsum *e, const struct indexed *a, const uint32_t *const list[3],
                   const uint32_t count[3])
{
    uint32_t perm[AY_MAX_RANK], n = 0, axis;
    uint64_t dims[AY_MAX_RANK], whole[3] = {1, 1, 1};
    for (uint32_t g = 0; g < 3; g++)
        for (uint32_t k = 0; k < count[g]; k++) {
            if (!has(a, list[g][k], &axis)) continue;
            perm[n] = axis;
            dims[n++] = e->size[list[g][k]];
            whole[g] *= e->size[list[g][k]];
        }
    AY_ASSERT(n == a->rank);
    term x = expand(e->l, permute(e->l, a->x, perm), n, dims);
    return reshape(e->l, x, 3, whole);
}

/* a becomes the product of a and b over the indices that nobody else has. */
static bool join(struct einsum *e, struct indexed *a, const struct indexed *b)
{
    uint32_t batch[AY_MAX_RANK], own[2][AY_MAX_RANK], summed[AY_MAX_RANK], count[3] = {0};
    uint32_t others = 0, axis;
    for (uint32_t d = 0; d < a->rank; d++) {
        uint32_t i = a->index[d];
        if (!has(b, i, &axis))
            own[0][count[1]++] = i;
        else if (--e->uses[i] == 1)
            summed[count[2]++] = i;
        else
            batch[count[0]++] = i;
    }
    for (uint32_t d = 0; d < b->rank; d++)
        if (!has(a, b->index[d], &axis)) own[1][others++] = b->index[d];
    if (count[0] + count[1] + others > AY_MAX_RANK) return fail(e);
    for (uint32_t k = 0; k < count[2]; k++) e->uses[summed[k]] = 0;
    const uint32_t *lists[] = {batch, own[0], summed};
    term x = matrix(e, a, lists, count);
    lists[1] = own[1];
    term y = matrix(e, b, lists, (const uint32_t[]){count[0], others, count[2]});
    uint64_t dims[AY_MAX_RANK];
    a->rank = 0;
    for (uint32_t k = 0; k < count[0]; k++) a->index[a->rank++] = batch[k];
    for (uint32_t k = 0; k < count[1]; k++) a->index[a->rank++] = own[0][k];
    for (uint32_t k = 0; k < others; k++) a->index[a->rank++] = own[1][k];
    for (uint32_t d = 0; d < a->rank; d++) dims[d] = e->size[a->index[d]];
    a->x = reshape(e->l, ay_term_rows_product(e->l, x, y), a->rank, dims);
    return a->x != NULL;
}

/* The axes as the result has them. */
static term arranged(struct einsum *e, const struct indexed *a, const struct indexed *result)
{
    uint32_t perm[AY_MAX_RANK];
    uint64_t dims[AY_MAX_RANK];
    bool all = a->rank == result->rank;
    for (uint32_t d = 0; d < result->rank && all; d++) {
        all = has(a, result->index[d], &perm[d]);
        dims[d] = e->size[result->index[d]];
    }
    if (!all) {
        (void)fail(e);
        return NULL;
    }
    return expand(e->l, permute(e->l, a->x, perm), result->rank, dims);
}

/* How often each letter occurs in the operands' lists. */
static void count_letters(const struct einsum *e, uint32_t *occurs)
{
    for (uint32_t at = 0; at < e->text.len && e->text.data[at] != '-'; at++) {
        uint8_t c = e->text.data[at];
        if (c >= 'a' && c <= 'z') occurs[c - 'a']++;
        if (c >= 'A' && c <= 'Z') occurs[c - 'A' + 26]++;
    }
}

void ay_lower_einsum(const struct ay_lower *l, const struct ay_operands *o)
{
    struct einsum e = {.l = l, .text = ay_attr_text(l, "equation")};
    uint32_t occurs[LETTERS] = {0};
    struct indexed result, operands[MAX_OPERANDS];
    if (o->in_count > MAX_OPERANDS) {
        ay_lower_fail(l, AY_E_LIMIT, "more than %u operands", MAX_OPERANDS);
        return;
    }
    if (!ay_term_operand(l, o, 0, 0, "the first operand")) return;
    count_letters(&e, occurs);
    for (uint32_t i = 0; i < o->in_count; i++) {
        if (i > 0 && peek(&e) != ',') {
            (void)fail(&e);
            return;
        }
        if (i > 0) e.at++;
        if (!ay_term_operand(l, o, i, 0, "an operand")) return;
        if (!take_operand(&e, o->in[i], &operands[i])) return;
    }
    if (!take_result(&e, occurs, &result)) return;
    for (uint32_t d = 0; d < result.rank; d++) e.uses[result.index[d]]++;
    for (uint32_t i = 0; i < o->in_count; i++) sum_alone(&e, &operands[i]);
    for (uint32_t i = 1; i < o->in_count; i++) {
        if (!operands[0].x || !operands[i].x || !join(&e, &operands[0], &operands[i])) return;
        sum_alone(&e, &operands[0]);
    }
    if (operands[0].x) o->out[0] = arranged(&e, &operands[0], &result);
}
