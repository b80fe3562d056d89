/* Det and com.microsoft's Inverse of known matrices: Gauss's elimination with partial pivoting, in
 * binary64, each result rounded to f32 once. */
#include "tensor/lower/eliminate.h"
#include "tensor/lower/terms.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <stdlib.h>

/* Rows k and below of m, `width` elements each, so exchanged that the largest element of column k
 * is in row k; whether they were. */
static bool pivot(double *m, uint64_t n, uint64_t width, uint64_t k)
{
    uint64_t best = k;
    for (uint64_t i = k + 1; i < n; i++)
        if (fabs(m[i * width + k]) > fabs(m[best * width + k])) best = i;
    for (uint64_t j = 0; best != k && j < width; j++) {
        double swap = m[k * width + j];
        m[k * width + j] = m[best * width + j];
        m[best * width + j] = swap;
    }
    return best != k;
}

/* Of m (n, n), which is overwritten. */
static void determinant(double *m, uint64_t n, float *out)
{
    double product = 1.0;
    for (uint64_t k = 0; k < n; k++) {
        bool exchanged = pivot(m, n, n, k);
        if (m[k * n + k] == 0.0) {
            product = 0.0;
            break;
        }
        product *= exchanged ? -m[k * n + k] : m[k * n + k];
        for (uint64_t i = k + 1; i < n; i++) {
            double factor = m[i * n + k] / m[k * n + k];
            for (uint64_t j = k; j < n; j++) m[i * n + j] -= factor * m[k * n + j];
        }
    }
    *out = ay_f32(ay_f32_bits((float)product));
}

/* [m | 1] (n, 2 n) becomes [1 | inverse]; that of a singular matrix is not finite. */
static void eliminate(double *m, uint64_t n)
{
    uint64_t width = 2 * n;
    for (uint64_t k = 0; k < n; k++) {
        (void)pivot(m, n, width, k);
        double by = m[k * width + k];
        for (uint64_t j = 0; j < width; j++) m[k * width + j] /= by;
        for (uint64_t i = 0; i < n; i++) {
            double factor = m[i * width + k];
            for (uint64_t j = 0; i != k && j < width; j++)
                m[i * width + j] -= factor * m[k * width + j];
        }
    }
}

/* m (n, n) at the front of room for (n, 2 n). */
static void invert(double *m, uint64_t n, float *out)
{
    for (uint64_t i = n; i-- > 0;)
        for (uint64_t j = n; j-- > 0;) {
            m[i * 2 * n + j] = m[i * n + j];
            m[i * 2 * n + n + j] = i == j ? 1.0 : 0.0;
        }
    eliminate(m, n);
    for (uint64_t i = 0; i < n * n; i++)
        out[i] = ay_f32(ay_f32_bits((float)m[i / n * 2 * n + n + i % n]));
}

/* Operand X (.., n, n), known; `of` makes `results` numbers of each matrix, of shape (rank,
 * x.dims). */
static term each_matrix(const struct ay_lower *l, term x, uint32_t rank, uint64_t results,
                        void of(double *m, uint64_t n, float *out))
{
    const float *in = ay_term_floats(l, x, "X");
    if (!in) return NULL;
    uint64_t n = x->dims[x->rank - 1], matrices = 1;
    for (uint32_t d = 0; d + 2 < x->rank; d++) matrices *= x->dims[d];
    void *to;
    term y = fresh(l, F32, rank, x->dims, &to);
    double *m = calloc(n ? 2 * n * n : 1, sizeof *m);
    if (!m) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    for (uint64_t b = 0; m && y && b < matrices; b++) {
        for (uint64_t i = 0; i < n * n; i++) m[i] = (double)in[b * n * n + i];
        of(m, n, (float *)to + b * results);
    }
    free(m);
    return y;
}

static term square_operand(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "X");
    if (!x || (x->rank >= 2 && x->dims[x->rank - 1] == x->dims[x->rank - 2])) return x;
    return ay_lower_fail(l, AY_E_FORMAT, "X is not square");
}

void ay_lower_det(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = square_operand(l, o);
    if (x) o->out[0] = each_matrix(l, x, x->rank - 2, 1, determinant);
}

void ay_lower_inverse(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = square_operand(l, o);
    uint64_t n = x ? x->dims[x->rank - 1] : 0;
    if (x) o->out[0] = each_matrix(l, x, x->rank, n * n, invert);
}
