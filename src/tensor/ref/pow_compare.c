#include "tensor/ref/pow_compare.h"

#include "base/code.h"
#include "tensor/ref/float.h"

typedef unsigned __int128 wide;

/* m 2^e with m odd. */
struct dyadic {
    uint64_t m;
    int e;
};

/* |x|, which is finite and a normal double. */
static struct dyadic split(double x)
{
    uint64_t u = ay_f64_bits(x), m = (u & 0xfffffffffffffu) | 1ULL << 52;
    int zeros = __builtin_ctzll(m);
    return (struct dyadic){m >> zeros, (int)(u >> 52 & 0x7ff) - 1075 + zeros};
}

/* z = z^2 / 2 or z^2 as that is at least 1 or below, z in [1, 2) with 64 words - 1 bits after the
 * point, rounded down. Whether it was halved. */
static bool square(uint64_t *z, unsigned words)
{
    uint64_t p[2 * AY_MAX_LOG2_WORDS];
    for (unsigned i = 0; i < words; i++) p[i] = 0;
    for (unsigned i = 0; i < words; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < words; j++) {
            wide t = (wide)z[i] * z[j] + p[i + j] + carry;
            p[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        p[i + words] = carry;
    }
    bool halved = p[2 * words - 1] >> 63;
    for (unsigned i = 0; i < words; i++)
        z[i] = halved ? p[words + i] : p[words + i] << 1 | p[words + i - 1] >> 63;
    return halved;
}

static void negate(struct ay_fixed *x, unsigned words)
{
    uint64_t carry = 1;
    for (unsigned i = 0; i <= words; i++) {
        x->word[i] = ~x->word[i] + carry;
        carry = carry && x->word[i] == 0;
    }
}

/* Bit by bit: if z = 2^l then z^2 = 2^2l, so the next bit of l is whether z^2 is 2 or more. */
void ay_log2_fixed(uint32_t m, int e, unsigned words, struct ay_fixed *out)
{
    AY_ASSERT(m != 0 && words >= 1 && words <= AY_MAX_LOG2_WORDS);
    const int zeros = __builtin_clz(m);
    uint64_t z[AY_MAX_LOG2_WORDS] = {0};
    z[words - 1] = (uint64_t)m << (32 + zeros);
    *out = (struct ay_fixed){0};
    for (unsigned i = words; i-- > 0;)
        for (int bit = 63; bit >= 0; bit--)
            if (square(z, words)) out->word[i] |= 1ULL << bit;
    const int whole = e + 31 - zeros;
    out->word[words] = (uint64_t)(int64_t)whole;
    if (whole < 0) negate(out, words);
}

/* x times k; the product must fit. */
static void scale(struct ay_fixed *x, unsigned words, uint64_t k)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i <= words; i++) {
        wide t = (wide)x->word[i] * k + carry;
        x->word[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    AY_ASSERT(carry == 0);
}

/* The sign of a - b, or 0 if they differ by `slack` units of the last place or less. a becomes
 * |a - b|. */
static int order(struct ay_fixed *a, const struct ay_fixed *b, unsigned words, uint64_t slack)
{
    bool borrow = false, above = false;
    for (unsigned i = 0; i <= words; i++) {
        wide t = (wide)a->word[i] - b->word[i] - borrow;
        a->word[i] = (uint64_t)t;
        borrow = t >> 64 != 0;
    }
    if (borrow) negate(a, words);
    for (unsigned i = 1; i <= words; i++) above |= a->word[i] != 0;
    if (!above && a->word[0] <= slack) return 0;
    return borrow ? -1 : 1;
}

/* The root of a square, or 0. */
static uint64_t exact_root(uint64_t m)
{
    uint64_t root = 0;
    for (uint64_t bit = 1U << 12; bit != 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= m) root += bit;
    return root * root == m ? root : 0;
}

/* Whether x^y is a number of at most 25 bits, y = n 2^f (negative if so said). An odd m > 1 has no
 * inverse in binary, and its powers have as many bits as they have; the 2^-f-th root of x^n is
 * in binary only if x is such a power, since n is odd. */
static bool is_short(struct dyadic x, uint64_t n, int f, bool negative)
{
    for (; f < 0; f++) {
        x.m = exact_root(x.m);
        if (x.m == 0 || x.e % 2 != 0) return false;
        x.e /= 2;
    }
    if (x.m == 1) return true;
    if (negative || f > 3) return false;
    uint64_t power = 1;
    for (uint64_t left = n << f; left > 0 && power >> 25 == 0; left--) power *= x.m;
    return power >> 25 == 0;
}

int ay_pow_compare(float x, float y, double middle)
{
    const struct dyadic a = split((double)x), n = split((double)y), b = split(middle);
    AY_ASSERT(x > 0 && x != 1 && y != 0 && a.m >> 24 == 0 && b.m >> 25 == 0);
    if (is_short(a, n.m, n.e, y < 0)) return 0;
    /* |y log2 x| against |log2 middle|, of one sign as middle is no neighbour of 1; both times
     * 2^-n.e if that makes an integer of y. */
    AY_ASSERT(n.e > -60 && n.e < 32);
    const uint64_t by_a = n.e > 0 ? n.m << n.e : n.m, by_b = n.e < 0 ? 1ULL << -n.e : 1;
    for (unsigned words = 1; words <= AY_MAX_LOG2_WORDS; words *= 2) {
        struct ay_fixed log_a, log_b;
        ay_log2_fixed((uint32_t)a.m, a.e, words, &log_a);
        ay_log2_fixed((uint32_t)b.m, b.e, words, &log_b);
        scale(&log_a, words, by_a);
        scale(&log_b, words, by_b);
        int sign = order(&log_a, &log_b, words, 4 * (by_a + by_b));
        if (sign != 0) return middle > 1 ? sign : -sign;
    }
    ay_panic(__FILE__, __LINE__, "x^y too near a midpoint");
}
