/* The functions of a map by the chosen kernels (ASSAY_CPU), correctly rounded, beside glibc's,
 * which are not: nanoseconds an element, the fastest of many passes over 1536, one thread.
 *     build/bench/functions */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "tensor/kernel/kernels.h"

enum { N = 1536, PASSES = 4000 };

static const struct ay_kernels *kernels;
static float x[N], y[N], out[N];
static float (*unary)(float); /* glibc's */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void peer_unary(enum ay_fn fn)
{
    (void)fn;
    for (int i = 0; i < N; i++) out[i] = unary(x[i]);
}

static void peer_pow(enum ay_fn fn)
{
    (void)fn;
    for (int i = 0; i < N; i++) out[i] = powf(x[i], y[i]);
}

static void our_unary(enum ay_fn fn)
{
    kernels->unary[fn](x, out, N);
}

static void our_pow(enum ay_fn fn)
{
    kernels->vv[fn](x, y, out, N);
}

/* Rows. */
static void our_softmax(enum ay_fn fn)
{
    (void)fn;
    kernels->softmax(x, 256, 1.0F, out, 256, N / 256, 256);
}

static void our_gelu(enum ay_fn fn)
{
    (void)fn;
    kernels->gelu(y, x, out, N);
}

static void our_sigmoid(enum ay_fn fn)
{
    (void)fn;
    kernels->sigmoid(y, -0.0F, false, out, N);
}

static void our_silu(enum ay_fn fn)
{
    (void)fn;
    kernels->sigmoid(y, 0.1F, true, out, N);
}

static void our_layer_norm(enum ay_fn fn)
{
    (void)fn;
    for (int i = 0; i < N; i += 384) kernels->layer_norm(x + i, y + i, x + i, 1e-12F, out + i, 384);
}

static void our_quotient(enum ay_fn fn)
{
    kernels->vs[fn](x, 3.0F, out, N);
}

static double fastest(void (*pass)(enum ay_fn), enum ay_fn fn)
{
    double best = 1e18;
    for (int i = 0; i < PASSES; i++) {
        double begun = now_ns();
        pass(fn);
        double took = now_ns() - begun;
        if (took < best) best = took;
    }
    return best / N;
}

static void print(const char *name, double ours, double peer)
{
    printf("%-4s  %-6s %6.2f ns   glibc %6.2f ns   %.1f times as fast\n", name, kernels->name, ours,
           peer, peer / ours);
}

int main(void)
{
    static const struct {
        const char *name;
        enum ay_fn fn;
        float (*peer)(float);
    } functions[] = {{"exp", AY_FN_EXP, expf},    {"log", AY_FN_LOG, logf},
                     {"tanh", AY_FN_TANH, tanhf}, {"erf", AY_FN_ERF, erff},
                     {"sin", AY_FN_SIN, sinf},    {"cos", AY_FN_COS, cosf},
                     {"atan", AY_FN_ATAN, atanf}};
    if (ay_kernels_select(&kernels) != AY_OK) return 2;
    uint64_t state = 0x510e527fade682d1u;
    for (int i = 0; i < N; i++) { /* x in (0, 2], y in [-4, 4) */
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)((state >> 40) + 1) * 0x1p-23F;
        state = state * 6364136223846793005u + 1442695040888963407u;
        y[i] = (float)(int32_t)(state >> 32) * 0x1p-29F;
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        unary = functions[i].peer;
        print(functions[i].name, fastest(our_unary, functions[i].fn),
              fastest(peer_unary, functions[i].fn));
    }
    print("pow", fastest(our_pow, AY_FN_POW), fastest(peer_pow, AY_FN_POW));
    printf("softmax of 256 %.2f ns, gelu %.2f ns, layer norm of 384 %.2f ns, x / 3 %.2f ns\n",
           fastest(our_softmax, 0), fastest(our_gelu, 0), fastest(our_layer_norm, 0),
           fastest(our_quotient, AY_FN_DIV));
    printf("sigmoid %.2f ns, SiLU %.2f ns\n", fastest(our_sigmoid, 0), fastest(our_silu, 0));
    return 0;
}
