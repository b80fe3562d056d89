#include "tensor/ndarray.h"

#include "base/text.h"
#include "tensor/dtype.h"

#include <stdlib.h>

#define MAX_BYTES (1ull << 47)
#define ALIGN     64u

enum ay_code ay_ndarray_bytes(const struct ay_ndarray *a, uint64_t *out)
{
    uint64_t n = ay_dtype_bytes(a->dtype);
    if (n == 0) return AY_E_LIMIT;
    for (uint32_t i = 0; i < a->rank; i++) {
        /* Once a dim is 0 the product stays so, but the others are still bounded. */
        if (a->dims[i] > MAX_BYTES || __builtin_mul_overflow(n, a->dims[i], &n) || n > MAX_BYTES)
            return AY_E_LIMIT;
    }
    *out = n;
    return AY_OK;
}

enum ay_code ay_ndarray_take(struct ay_ndarray *a)
{
    uint64_t bytes;
    a->data = NULL;
    AY_TRY(ay_ndarray_bytes(a, &bytes));
    a->data = aligned_alloc(ALIGN, ((size_t)bytes / ALIGN + 1) * ALIGN);
    return a->data ? AY_OK : AY_E_MEMORY;
}

void ay_ndarray_free(struct ay_ndarray *a)
{
    free(a->data);
    *a = (struct ay_ndarray){0};
}

const char *ay_ndarray_describe(const struct ay_ndarray *a, char *buf, size_t cap)
{
    struct ay_text t = ay_text_over(buf, (uint32_t)cap);
    ay_text_str(&t, ay_dtype_name(a->dtype));
    ay_text_str(&t, " (");
    for (uint32_t i = 0; i < a->rank; i++) {
        if (i) ay_text_str(&t, ", ");
        ay_text_u64(&t, a->dims[i]);
    }
    ay_text_str(&t, ")");
    return buf;
}
