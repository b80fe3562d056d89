/* Threads that share out the items of one loop at a time. */
#ifndef AY_TENSOR_POOL_H
#define AY_TENSOR_POOL_H

#include "base/code.h"

#include <stddef.h>

struct ay_pool;

/* item: 0..count-1; thread: 0..threads-1, the same for all items of one thread at one time. */
typedef void ay_pool_fn(void *context, size_t item, uint32_t thread);

#define AY_MAX_THREADS 256

/* threads: 1..AY_MAX_THREADS, the caller's own included, else AY_E_RANGE; 0: one a processor.
 * AY_E_MEMORY when they cannot be made. */
enum ay_code ay_pool_open(uint32_t threads, struct ay_pool **out) AY_MUST;
void ay_pool_close(struct ay_pool *pool); /* NULL is allowed */

/* Calls fn once for each item and returns when all have ended. Each thread begins with an equal
 * part of them, in ascending order, so that what it wrote in one loop is in its cache in the next,
 * and then helps others. One call at a time, and never from within fn. Cost: about a microsecond.
 */
void ay_pool_run(struct ay_pool *pool, size_t count, ay_pool_fn *fn, void *context);

uint32_t ay_pool_threads(const struct ay_pool *pool);

#endif
