/* Proof, over all 2^32 inputs, that a function of one f32 in ref/ is correctly rounded and that the
 * chosen kernels (ASSAY_CPU) give the same bits.
 *
 * Each function makes a double and rounds it once. Where the double moved by 2^-44 of itself either
 * way rounds to the same f32, the f32 is right provided that the double is that good; MPFR decides
 * the others, and beside them one block of inputs in 1250, which also measures how good it is.
 *     build/bench/prove_math exp|log|tanh|erf|sin|cos|atan [first block] [blocks]
 * where a block is 2^16 inputs, prints the inputs that came out wrong, and fails if there are any.
 * 1 to 5 minutes a function. */
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/kernel/kernels.h"
/* Its doubles are private to it. */
#include "tensor/ref/math.c" // NOLINT

enum { BLOCK = 1 << 16, VECTOR = 16, SAMPLE = 1250 };

static double sine_f64(float x)
{
    return sin_f64(x, 0);
}

static double cosine_f64(float x)
{
    return sin_f64(x, 1);
}

static const struct function {
    const char *name;
    enum ay_fn fn;
    float (*ref)(float);
    double (*f64)(float); /* of |x| for odd functions other than sine */
    int (*exact)(mpfr_t, const mpfr_t, mpfr_rnd_t);
} functions[] = {
    {"exp", AY_FN_EXP, ay_ref_exp, exp_f64, mpfr_exp},
    {"log", AY_FN_LOG, ay_ref_log, log_f64, mpfr_log},
    {"tanh", AY_FN_TANH, ay_ref_tanh, tanh_f64, mpfr_tanh},
    {"erf", AY_FN_ERF, ay_ref_erf, erf_f64, mpfr_erf},
    {"sin", AY_FN_SIN, ay_ref_sin, sine_f64, mpfr_sin},
    {"cos", AY_FN_COS, ay_ref_cos, cosine_f64, mpfr_cos},
    {"atan", AY_FN_ATAN, ay_ref_atan, atan_f64, mpfr_atan},
};

struct tally {
    uint64_t decided, wrong, kernel_differs;
    double worst; /* relative error of the double, but where tanh and erf have become 1 */
};

static float exact_f32(const struct function *f, float x, double *relative, double y)
{
    mpfr_t in, wide, narrow;
    mpfr_inits2(24, in, narrow, (mpfr_ptr)0);
    mpfr_init2(wide, 120);
    mpfr_set_flt(in, x, MPFR_RNDN);
    int t = mpfr_subnormalize(narrow, f->exact(narrow, in, MPFR_RNDN), MPFR_RNDN);
    (void)t;
    float result = mpfr_get_flt(narrow, MPFR_RNDN);
    f->exact(wide, in, MPFR_RNDN);
    if (mpfr_regular_p(wide) && result != 0 && result - result == 0) {
        mpfr_t error;
        mpfr_init2(error, 120);
        mpfr_d_sub(error, result < 0 && y > 0 ? -y : y, wide, MPFR_RNDN);
        mpfr_div(error, error, wide, MPFR_RNDN);
        *relative = __builtin_fabs(mpfr_get_d(error, MPFR_RNDN));
        mpfr_clear(error);
    }
    mpfr_clears(in, wide, narrow, (mpfr_ptr)0);
    return result;
}

static void check(const struct function *f, float x, bool sample, struct tally *tally)
{
    if (x != x || (f->fn == AY_FN_LOG && !(x > 0 && x - x == 0))) return;
    if ((f->fn == AY_FN_SIN || f->fn == AY_FN_COS) && x - x != 0) return;
    double y = f->f64(x);
    bool near = (float)(y * (1 + 0x1p-44)) != (float)(y * (1 - 0x1p-44));
    if (!near && !sample) return;
    double relative = 0;
    float want = exact_f32(f, x, &relative, y), got = f->ref(x);
    tally->decided++;
    /* Where f has saturated, the double has not followed it on purpose. */
    bool flat = __builtin_fabsf(want) == 1 && (f->fn == AY_FN_TANH || f->fn == AY_FN_ERF);
    if (!flat && relative > tally->worst) tally->worst = relative;
    if (ay_f32_bits(want) == ay_f32_bits(got)) return;
    if (tally->wrong++ < 20)
        printf("wrong: %s(%08x) = %08x, not %08x\n", f->name, ay_f32_bits(x), ay_f32_bits(got),
               ay_f32_bits(want));
}

static void block(const struct function *f, const struct ay_kernels *k, uint32_t number,
                  struct tally *tally)
{
    static float x[BLOCK], y[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) x[i] = ay_f32(number << 16 | i);
    k->unary[f->fn](x, y, BLOCK);
    for (uint32_t i = 0; i < BLOCK; i++) {
        check(f, x[i], (i / VECTOR + number) % SAMPLE == 0, tally);
        uint32_t bits;
        memcpy(&bits, &y[i], sizeof bits);
        if (bits != ay_f32_bits(f->ref(x[i])) && tally->kernel_differs++ < 20)
            printf("kernels differ: %s(%08x) = %08x\n", f->name, number << 16 | i, bits);
    }
}

int main(int argc, char **argv)
{
    const struct function *f = NULL;
    const struct ay_kernels *k;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (argc > 1 && strcmp(argv[1], functions[i].name) == 0) f = &functions[i];
    if (!f || ay_kernels_select(&k) != AY_OK) {
        fprintf(stderr, "usage: prove_math exp|log|tanh|erf|sin|cos|atan [first block] [blocks]\n");
        return 2;
    }
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
    uint32_t first = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    uint32_t count = argc > 3 ? (uint32_t)atoi(argv[3]) : BLOCK - first;
    struct tally tally = {0};
    for (uint32_t i = 0; i < count; i++) block(f, k, first + i, &tally);
    printf("%s, %s kernels, %u blocks: %llu decided by MPFR, %llu wrong, %llu kernels differ; "
           "double's worst error 2^%.1f\n",
           f->name, k->name, count, (unsigned long long)tally.decided,
           (unsigned long long)tally.wrong, (unsigned long long)tally.kernel_differs,
           __builtin_log2(tally.worst));
    return tally.wrong || tally.kernel_differs;
}
