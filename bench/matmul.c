/* The matmul chain beside OpenBLAS's sgemm, in one process, round about: shapes of MiniLM, 1 and 2
 * threads, best of many rounds, and the ratio. Weights are packed before, as they are when served;
 * OpenBLAS gets them as they are stored, and its own choice of kernel. Then each function's cost.
 * build/bench/matmul [rounds] */
#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tensor/kernel/integers.h"

void openblas_set_num_threads(int n); /* cblas.h of some builds omits it */

static const uint32_t shapes[][3] = {
    {128, 384, 384}, {128, 1536, 384},  {128, 384, 1536}, {16, 1536, 384},
    {16, 384, 384},  {1024, 1536, 384}, {4, 1536, 384},   {1, 1536, 384},
};
static const uint32_t integer_shapes[][3] = {
    {128, 1536, 768}, {128, 1536, 384}, {16, 1536, 384}, {4, 1536, 384}, {1, 4096, 4096},
};
enum { INTEGER_SHAPES = sizeof integer_shapes / sizeof integer_shapes[0] };
enum { SHAPES = sizeof shapes / sizeof shapes[0], MAX_THREADS = 2 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(size_t n)
{
    float *x = aligned_alloc(64, (n * sizeof *x + 4095) / 4096 * 4096);
    if (!x) abort();
    for (size_t i = 0; i < n; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5F;
    return x;
}

/* A second thread that works when `turn` grows. It spins while ours are timed, as OpenBLAS's do,
 * and sleeps while OpenBLAS needs the core. */
static const struct ay_kernels *kernels;
static const struct ay_gemm *work;
static atomic_uint turn, done;
static pthread_mutex_t awake = PTHREAD_MUTEX_INITIALIZER;

static void part(uint32_t id, uint32_t of)
{
    uint32_t panels = (work->n + kernels->panel - 1) / kernels->panel;
    uint32_t n0 = panels * id / of * kernels->panel, n1 = panels * (id + 1) / of * kernels->panel;
    kernels->gemm(work, 0, work->m, n0, n1 < work->n ? n1 : work->n);
}

static void *second(void *arg)
{
    (void)arg;
    for (unsigned seen = 0;; seen++) {
        while (atomic_load_explicit(&turn, memory_order_acquire) == seen) {
            pthread_mutex_lock(&awake);
            pthread_mutex_unlock(&awake);
        }
        if (!work) return NULL;
        part(1, 2);
        atomic_store_explicit(&done, seen + 1, memory_order_release);
    }
}

static void ours(int threads)
{
    if (threads == 1) {
        part(0, 1);
        return;
    }
    unsigned mine = atomic_fetch_add(&turn, 1) + 1;
    part(0, 2);
    while (atomic_load_explicit(&done, memory_order_acquire) != mine) __builtin_ia32_pause();
}

static double time_ours(int threads, int repeats)
{
    pthread_mutex_unlock(&awake);
    ours(threads);
    double t = now_s();
    for (int i = 0; i < repeats; i++) ours(threads);
    t = (now_s() - t) / repeats;
    pthread_mutex_lock(&awake);
    return t;
}

static double time_openblas(const struct ay_gemm *g, const float *b, float *c, int repeats)
{
    double t = 0;
    for (int i = -1; i < repeats; i++) {
        if (i == 0) t = now_s();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)g->m, (int)g->n, (int)g->k, 1.0F,
                    g->a, (int)g->lda, b, (int)g->k, 0.0F, c, (int)g->n);
    }
    return (now_s() - t) / repeats;
}

static void bench_shape(const uint32_t shape[3], int rounds)
{
    uint32_t m = shape[0], n = shape[1], k = shape[2];
    float *b = random_floats((size_t)n * k), *packed = random_floats((size_t)(n + 48) * k);
    struct ay_gemm g = {.a = random_floats((size_t)m * k), .b = packed, .lda = k, .ldc = n};
    g.c = random_floats((size_t)m * n);
    g.m = m, g.n = n, g.k = k;
    float *c = random_floats((size_t)m * n);
    kernels->pack(b, k, n, k, packed);
    double flops = 2.0 * m * n * k;
    int repeats = 1 + (int)(4e8 / flops);
    printf("%4ux%4ux%4u", m, n, k);
    for (int threads = 1; threads <= MAX_THREADS; threads++) {
        double mine = 1e9, theirs = 1e9;
        openblas_set_num_threads(threads);
        work = &g;
        for (int r = 0; r < rounds; r++) {
            double t = time_ours(threads, repeats);
            if (t < mine) mine = t;
            t = time_openblas(&g, b, c, repeats);
            if (t < theirs) theirs = t;
        }
        printf("  | %d thread%s %6.1f GFLOPS, OpenBLAS %6.1f, ratio %.2f", threads,
               threads > 1 ? "s" : " ", flops / mine * 1e-9, flops / theirs * 1e-9, theirs / mine);
    }
    printf("\n");
    free((void *)(uintptr_t)g.a);
    free(g.c);
    free(b);
    free(packed);
    free(c);
}

static void bench_functions(void)
{
    enum { N = 1024, REPEATS = 100 };
    float *x = random_floats(N), *y = random_floats(N);
    static const struct {
        const char *name;
        enum ay_fn fn;
    } functions[] = {
        {"exp", AY_FN_EXP}, {"erf", AY_FN_ERF}, {"tanh", AY_FN_TANH}, {"log", AY_FN_LOG}};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        double best = 1e9;
        for (int r = 0; r < 100; r++) {
            double t = now_s();
            for (int j = 0; j < REPEATS; j++) kernels->unary[functions[i].fn](x, y, N);
            t = (now_s() - t) / REPEATS / N;
            if (t < best) best = t;
        }
        printf("%s %.2f ns  ", functions[i].name, best * 1e9);
    }
    double best = 1e9;
    for (int r = 0; r < 2000; r++) {
        double t = now_s();
        kernels->softmax(x, 128, 1.0F, y, 128, N / 128, 128);
        t = (now_s() - t) / N;
        if (t < best) best = t;
    }
    printf("softmax of 128 %.2f ns an element\n", best * 1e9);
    free(x);
    free(y);
}

/* Products of bytes and of blocks of 32, one thread, rows of A laid out each time as when served.
 */
static void bench_integers(const struct ay_int_kernels *i, uint32_t m, uint32_t n, uint32_t k,
                           int rounds)
{
    uint32_t blocks = (k + AY_INT_Q8_BLOCK - 1) / AY_INT_Q8_BLOCK;
    float *x = random_floats((size_t)m * k), *d = random_floats((size_t)n * blocks);
    float *scale = random_floats((size_t)m * blocks), *c = random_floats((size_t)m * n);
    float *b = random_floats((size_t)n * k), *words = random_floats(m * ay_q8_words(i, k));
    float *packed = random_floats(ay_q8_pack_bytes(i, n, k) / sizeof(float) + 1);
    int32_t *add = calloc(m, sizeof *add);
    double q8 = 1e9, bytes = 1e9;
    struct ay_q8_gemm g = {(uint32_t *)words, scale, packed, c, 0, n, m, n, k};
    struct ay_int_gemm h = {
        (uint32_t *)words, add, packed, (int32_t *)c, 0, n, m, n, k, true, true};
    g.lda = ay_q8_words(i, k);
    h.lda = ay_int_words(i, k);
    i->pack_q8((const int8_t *)b, d, n, k, 0, n, packed);
    for (int r = 0; r < rounds; r++) {
        double t = now_s();
        for (uint32_t row = 0; row < m; row++)
            i->row_q8(x + (size_t)row * k, k, (uint32_t *)words + row * g.lda,
                      scale + (size_t)row * blocks);
        i->gemm_q8(&g, 0, n);
        t = now_s() - t;
        if (t < q8) q8 = t;
    }
    i->pack(b, true, n, k, packed);
    for (int r = 0; r < rounds; r++) {
        double t = now_s();
        for (uint32_t row = 0; row < m; row++)
            add[row] = i->row((const int8_t *)x + (size_t)row * k, true, true, k,
                              (uint32_t *)words + row * h.lda);
        i->gemm(&h, 0, n);
        t = now_s() - t;
        if (t < bytes) bytes = t;
    }
    double operations = 2e-9 * m * n * k;
    printf("%s %ux%ux%u: i8 %.0f GOPS, blocks of 32 %.0f GOPS\n", i->name, m, n, k,
           operations / bytes, operations / q8);
    free(x), free(d), free(scale), free(c), free(b), free(words), free(packed), free(add);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    if (ay_kernels_select(&kernels) != AY_OK) {
        fprintf(stderr, "ASSAY_CPU names no kernels that run here\n");
        return 1;
    }
    printf("kernels: %s; OpenBLAS: %s\n", kernels->name, openblas_get_corename());
    pthread_t thread;
    pthread_mutex_lock(&awake);
    if (pthread_create(&thread, NULL, second, NULL) != 0) return 1;
    for (int i = 0; i < SHAPES; i++) bench_shape(shapes[i], rounds);
    bench_functions();
    static const char *const integers[] = {"avx2", "vnni", "amx"};
    for (int i = 0; i < 3; i++) {
        const struct ay_int_kernels *table = ay_integers_named(integers[i]);
        for (int s = 0; table && s < INTEGER_SHAPES; s++)
            bench_integers(table, integer_shapes[s][0], integer_shapes[s][1], integer_shapes[s][2],
                           10 * rounds);
    }
    work = NULL;
    atomic_fetch_add(&turn, 1);
    pthread_mutex_unlock(&awake);
    pthread_join(thread, NULL);
    return 0;
}
