#include "tensor/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Looks at a shared word that long before sleeping: steps follow each other within microseconds. */
#define SPINS 4000
#define LINE  64

/* The gate of a loop: how many workers are in it; whether no more may enter; its number. A worker
 * that comes late, because others have its processor, finds the gate closed and is not waited for.
 */
#define INSIDE        0xffffu
#define CLOSED        0x10000u
#define LOOP_SHIFT    32
#define LOOP_OF(gate) ((gate) >> LOOP_SHIFT)

/* A thread's own part of a loop's items; who has none left takes of the others'. */
struct share {
    _Alignas(LINE) atomic_size_t next;
    size_t end;
};

struct ay_pool {
    uint32_t threads, started; /* started: those to be joined */
    pthread_t *handles;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_uint_fast64_t gate; /* its number changes when there is a new loop, or the end */
    struct share *shares;      /* one a thread */
    atomic_bool stop;          /* read by workers that nobody waits for */
    ay_pool_fn *fn;
    void *context;
};

struct worker {
    struct ay_pool *pool;
    uint32_t thread;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_items(struct ay_pool *pool, uint32_t thread)
{
    for (uint32_t t = thread, left = pool->threads; left > 0; left--) {
        struct share *share = &pool->shares[t];
        for (size_t i; (i = atomic_fetch_add(&share->next, 1)) < share->end;)
            pool->fn(pool->context, i, thread);
        t = t + 1 < pool->threads ? t + 1 : 0;
    }
}

static void await_loop(struct ay_pool *pool, uint64_t seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (LOOP_OF(atomic_load(&pool->gate)) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (LOOP_OF(atomic_load(&pool->gate)) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *arg)
{
    struct worker self = *(struct worker *)arg;
    struct ay_pool *pool = self.pool;
    free(arg);
    for (uint64_t seen = 0;;) {
        await_loop(pool, seen);
        uint_fast64_t gate = atomic_load(&pool->gate);
        seen = LOOP_OF(gate);
        if (atomic_load(&pool->stop)) return NULL;
        while (!(gate & CLOSED) && LOOP_OF(gate) == seen) {
            if (!atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) continue;
            take_items(pool, self.thread);
            atomic_fetch_sub(&pool->gate, 1);
            break;
        }
    }
}

/* Begins the next loop, or with CLOSED none. */
static void announce(struct ay_pool *pool, uint64_t closed)
{
    pthread_mutex_lock(&pool->lock);
    uint64_t loop = LOOP_OF(atomic_load(&pool->gate)) + 1;
    atomic_store(&pool->gate, loop << LOOP_SHIFT | closed);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static bool start_worker(struct ay_pool *pool, uint32_t thread)
{
    struct worker *w = malloc(sizeof *w);
    if (!w) return false;
    *w = (struct worker){pool, thread};
    if (pthread_create(&pool->handles[pool->started], NULL, work, w) == 0) {
        pool->started++;
        return true;
    }
    free(w);
    return false;
}

static uint32_t processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > AY_MAX_THREADS ? AY_MAX_THREADS : (uint32_t)online;
}

enum ay_code ay_pool_open(uint32_t threads, struct ay_pool **out)
{
    if (threads > AY_MAX_THREADS) return AY_E_RANGE;
    if (threads == 0) threads = processors();
    struct ay_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return AY_E_MEMORY;
    pool->threads = threads;
    atomic_init(&pool->gate, CLOSED);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->handles = calloc(threads, sizeof *pool->handles);
    pool->shares = aligned_alloc(LINE, threads * sizeof *pool->shares);
    bool ok = pool->handles != NULL && pool->shares != NULL;
    for (uint32_t i = 1; ok && i < threads; i++) ok = start_worker(pool, i);
    if (!ok) {
        ay_pool_close(pool);
        return AY_E_MEMORY;
    }
    *out = pool;
    return AY_OK;
}

void ay_pool_close(struct ay_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->stop, true);
    announce(pool, CLOSED);
    for (uint32_t i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->handles);
    free(pool->shares);
    free(pool);
}

/* Where thread t's part of the items begins. */
static size_t part(size_t count, uint32_t t, uint32_t threads)
{
    return count / threads * t + count % threads * t / threads;
}

void ay_pool_run(struct ay_pool *pool, size_t count, ay_pool_fn *fn, void *context)
{
    pool->fn = fn;
    pool->context = context;
    for (uint32_t t = 0; t < pool->threads; t++) {
        atomic_store(&pool->shares[t].next, part(count, t, pool->threads));
        pool->shares[t].end = part(count, t + 1, pool->threads);
    }
    bool alone = pool->threads == 1 || count <= 1;
    if (!alone) announce(pool, 0);
    take_items(pool, 0);
    if (alone) return;
    atomic_fetch_or(&pool->gate, CLOSED);
    for (unsigned i = 0; (atomic_load(&pool->gate) & INSIDE) != 0; i++)
        if (i < SPINS)
            relax();
        else
            (void)sched_yield();
}

uint32_t ay_pool_threads(const struct ay_pool *pool)
{
    return pool->threads;
}
