/* Threads that share out the items of one loop at a time. */
#ifndef AY_TENSOR_POOL_H
#define AY_TENSOR_POOL_H

#include "base/code.h"

#include <stddef.h>

struct ay_pool;

/* `threads`, or where it is 0 one a processor, but no more than `most`. */
uint32_t ay_pool_size(uint32_t threads, uint32_t most);

/* item: 0..count-1; thread: 0..threads-1, the same for all items of one thread at one time. */
typedef void ay_pool_fn(void *context, size_t item, uint32_t thread);

/* threads >= 1, the caller's own included. AY_E_MEMORY when they cannot be made. */
enum ay_code ay_pool_open(uint32_t threads, struct ay_pool **out) AY_MUST;
void ay_pool_close(struct ay_pool *pool); /* NULL is allowed */

/* Calls fn once for each item and returns when all have ended. Each thread begins with an equal
 * part of them, in ascending order, so that what it wrote in one loop is in its cache in the next,
 * and then helps others. One call at a time, and never from within fn. Cost: about a microsecond.
 */
void ay_pool_run(struct ay_pool *pool, size_t count, ay_pool_fn *fn, void *context);

uint32_t ay_pool_threads(const struct ay_pool *pool);

#endif
