#include "tensor/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Looks at a shared word that long before sleeping: steps follow each other within microseconds. */
#define SPINS 4000

struct ay_pool {
    uint32_t threads, started; /* started: those to be joined */
    pthread_t *handles;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_uint generation; /* changes when there is a new loop, or the end */
    atomic_uint busy;       /* threads, beside the caller's, not yet done with this loop */
    atomic_size_t next;     /* item */
    bool stop;
    size_t count;
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
    for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->count;)
        pool->fn(pool->context, i, thread);
}

static void await_generation(struct ay_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool->generation) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *arg)
{
    struct worker self = *(struct worker *)arg;
    struct ay_pool *pool = self.pool;
    free(arg);
    for (unsigned seen = 0;;) {
        await_generation(pool, seen);
        seen = atomic_load(&pool->generation);
        if (pool->stop) return NULL;
        take_items(pool, self.thread);
        atomic_fetch_sub(&pool->busy, 1);
    }
}

static void announce(struct ay_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->generation, 1);
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

enum ay_code ay_pool_open(uint32_t threads, struct ay_pool **out)
{
    AY_ASSERT(threads >= 1);
    struct ay_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return AY_E_MEMORY;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->handles = calloc(threads, sizeof *pool->handles);
    bool ok = pool->handles != NULL;
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
    pool->stop = true;
    announce(pool);
    for (uint32_t i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->handles);
    free(pool);
}

void ay_pool_run(struct ay_pool *pool, size_t count, ay_pool_fn *fn, void *context)
{
    pool->count = count;
    pool->fn = fn;
    pool->context = context;
    atomic_store(&pool->next, 0);
    bool alone = pool->threads == 1 || count <= 1;
    if (!alone) {
        atomic_store(&pool->busy, pool->threads - 1);
        announce(pool);
    }
    take_items(pool, 0);
    for (unsigned i = 0; !alone && atomic_load(&pool->busy) != 0; i++)
        if (i < SPINS)
            relax();
        else
            (void)sched_yield();
}

uint32_t ay_pool_threads(const struct ay_pool *pool)
{
    return pool->threads;
}
