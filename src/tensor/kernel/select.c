#include "tensor/kernel/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/kernel/integers.h"
#include "tensor/kernel/tables.h"

/* A build may leave out all but the scalar table, as other processors do. */
#if defined(__x86_64__) && !defined(AY_KERNELS_SCALAR_ONLY)
#define HAS_X86_TABLES 1
#else
#define HAS_X86_TABLES 0
#endif

static bool always(void)
{
    return true;
}

#if HAS_X86_TABLES
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("fma");
}
#endif

/* Slowest first. */
static const struct {
    const char *name;
    const struct ay_kernels *table; /* NULL: not in this build */
    bool (*runs_here)(void);
} choices[] = {
    {"scalar", &ay_kernels_scalar, always},
#if HAS_X86_TABLES
    {"avx2", &ay_kernels_avx2, has_avx2},
    {"avx512", &ay_kernels_avx512, has_avx512},
#else
    {"avx2", NULL, always},
    {"avx512", NULL, always},
#endif
};
enum { CHOICES = sizeof choices / sizeof choices[0] };

enum ay_code ay_kernels_named(const char *name, const struct ay_kernels **out)
{
    for (int i = 0; i < CHOICES; i++) {
        if (strcmp(name, choices[i].name) != 0) continue;
        if (!choices[i].table || !choices[i].runs_here()) return AY_E_UNSUPPORTED;
        *out = choices[i].table;
        return AY_OK;
    }
    return AY_E_USAGE;
}

enum ay_code ay_kernels_select(const struct ay_kernels **out)
{
    const char *wanted = getenv("ASSAY_CPU");
    if (wanted && *wanted) return ay_kernels_named(wanted, out);
    for (int i = CHOICES; i-- > 0;)
        if (ay_kernels_named(choices[i].name, out) == AY_OK) return AY_OK;
    return AY_E_UNSUPPORTED;
}

const struct ay_int_kernels *ay_integers_beside(const struct ay_kernels *kernels)
{
#if HAS_X86_TABLES
    bool wide = strcmp(kernels->name, "avx512") == 0;
    if (wide && __builtin_cpu_supports("avx512vnni")) return &ay_integers_vnni;
    if (wide || strcmp(kernels->name, "avx2") == 0) return &ay_integers_avx2;
#endif
    (void)kernels;
    return &ay_integers_scalar;
}
