/* Products of values that DequantizeLinear made, as products of the bytes it made them of: exact
 * sums, which are scaled once. */
#include "tensor/lower/matmul.h"
#include "tensor/lower/origin.h"

static bool is_bytes(const struct ay_origin *o)
{
    return o->q.x->dtype == I8 || o->q.x->dtype == U8;
}

/* Whether a, of one scale, and b, of one or of one a place of that axis, can be multiplied so;
 * whether they are known does not matter, so that bits do not depend on it. */
static bool read_operands(const struct ay_lower *l, term a, term b, uint32_t axis, uint64_t k,
                          struct ay_origin *from_a, struct ay_origin *from_b)
{
    if (!ay_origin_of(l, a, from_a) || !ay_origin_of(l, b, from_b)) return false;
    bool single = ay_origin_is_single(from_b), by_axis = from_b->axis == axis && b->rank == 2;
    return is_bytes(from_a) && is_bytes(from_b) && ay_origin_is_single(from_a) &&
           (single || by_axis) && k <= AY_MAX_QDQ_PRODUCTS;
}

static term scalar(const struct ay_lower *l, term x)
{
    return x && ay_value_elements(x) == 1 ? reshape(l, x, 0, NULL) : x;
}

/* Known i32 that leave the sums room. */
static bool is_small(term x)
{
    for (uint64_t i = 0, n = ay_value_elements(x); i < n; i++)
        if (ay_value_int(x, i) > 1 << 30 || ay_value_int(x, i) < -(1 << 30)) return false;
    return true;
}

term ay_qdq_bias(const struct ay_lower *l, term c, term scale)
{
    struct ay_origin from;
    if (!ay_origin_of(l, c, &from) || from.q.x->dtype != I32 || !from.q.x->data || !scale ||
        !scale->data || !from.scale->data || !is_small(from.q.x))
        return NULL;
    for (uint64_t i = 0; from.q.zero && i < ay_value_elements(from.q.zero); i++)
        if (!from.q.zero->data || ay_value_int(from.q.zero, i) != 0) return NULL;
    uint64_t n = ay_value_elements(c), scales = ay_value_elements(scale);
    uint64_t own = ay_value_elements(from.scale);
    const uint32_t *s = scale->data, *t = from.scale->data;
    if (scales != 1 && scales != n) return NULL;
    for (uint64_t i = 0; i < n; i++)
        if (s[scales == 1 ? 0 : i] != t[own == 1 ? 0 : i]) return NULL;
    return from.q.x;
}

/* a times b, by rows of b where b_rows, plus a bias c in f32 or NULL. */
static term product(const struct ay_lower *l, const struct ay_origin *a, struct ay_origin b,
                    bool b_rows, term c)
{
    struct ay_quantized qa = {a->q.x, scalar(l, a->q.zero)}, qb = {b.q.x, scalar(l, b.q.zero)};
    term scale = mul(l, scalar(l, a->scale), scalar(l, b.scale));
    term bias = c && c->rank == 1 ? ay_qdq_bias(l, c, scale) : NULL;
    if (b_rows) qb.x = ay_term_transpose(l, qb.x);
    term y = mul(l, cast(l, ay_quantized_product(l, qa, qb, bias), F32), scale);
    return c && !bias ? add(l, y, c) : y;
}

term ay_qdq_matmul(const struct ay_lower *l, term a, term b)
{
    struct ay_origin from_a, from_b;
    if (!a || !b || a->rank == 0 || b->rank < 2 ||
        !read_operands(l, a, b, b->rank - 1, a->dims[a->rank - 1], &from_a, &from_b))
        return NULL;
    return product(l, &from_a, from_b, false, NULL);
}

term ay_qdq_gemm(const struct ay_lower *l, term a, term b, bool b_rows, term c)
{
    struct ay_origin from_a, from_b;
    if (!a || !b || a->rank != 2 || b->rank != 2 || a->dims[1] != b->dims[b_rows ? 1 : 0] ||
        !read_operands(l, a, b, b_rows ? 0 : 1, a->dims[1], &from_a, &from_b))
        return NULL;
    return product(l, &from_a, from_b, b_rows, c);
}
