#include "tensor/lower/real.h"

#include <math.h>

#define QUARTER_PI 0x1.921fb54442d18p-1
#define LN2_HIGH   0x1.62e42fee00000p-1
#define LN2_LOW    0x1.a39ef35793c76p-33

/* x in [0, pi / 4]; Taylor's series, whose next term is below 2^-63. */
static double small_sine(double x)
{
    double term = x, sum = x;
    for (int i = 3; i <= 17; i += 2) {
        term = -term * x * x / (double)(i * (i - 1));
        sum += term;
    }
    return sum;
}

static double small_cosine(double x)
{
    double term = 1.0, sum = 1.0;
    for (int i = 2; i <= 18; i += 2) {
        term = -term * x * x / (double)(i * (i - 1));
        sum += term;
    }
    return sum;
}

void ay_real_turn(uint64_t k, uint64_t n, double *cosine, double *sine)
{
    /* By eighths of a turn, the odd ones from their end. */
    uint64_t eighths = k % n * 8, octant = eighths / n, rest = eighths % n;
    if (octant % 2) rest = n - rest;
    double x = QUARTER_PI * ((double)rest / (double)n), c = small_cosine(x), s = small_sine(x);
    if ((octant + 1) / 2 % 2) { /* nearer to the vertical axis */
        double swap = c;
        c = s;
        s = swap;
    }
    *cosine = octant >= 2 && octant < 6 ? -c : c;
    *sine = octant >= 4 ? -s : s;
}

double ay_real_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent); /* [0.5, 1) */
    if (m < 0.75) {
        m *= 2.0;
        exponent--;
    }
    /* log m = 2 atanh s, |s| <= 1/5 */
    double s = (m - 1.0) / (m + 1.0), power = s, sum = 0.0;
    for (int i = 1; i <= 23; i += 2) {
        sum += power / (double)i;
        power *= s * s;
    }
    double e = (double)exponent;
    return e * LN2_HIGH + (e * LN2_LOW + 2.0 * sum);
}

double ay_real_exp(double x)
{
    double k = floor(x / (LN2_HIGH + LN2_LOW) + 0.5), r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double term = 1.0, sum = 0.0;
    for (int i = 1; i <= 16; i++) {
        term = term * r / (double)i;
        sum += term;
    }
    return ldexp(1.0 + sum, (int)k);
}
