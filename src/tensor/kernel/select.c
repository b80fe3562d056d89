#include "tensor/kernel/kernels.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tensor/kernel/integers.h"
#include "tensor/kernel/tables.h"

/* A build may leave out all but the scalar table, as other processors do. */
#if defined(__x86_64__) && !defined(AY_KERNELS_SCALAR_ONLY)
#define HAS_X86_TABLES 1
#else
#define HAS_X86_TABLES 0
#endif

/* AMX needs a compiler that knows it and an operating system that keeps its state. */
#if HAS_X86_TABLES && defined(AY_HAS_AMX) && defined(__linux__)
#define HAS_AMX_TABLE 1
#else
#define HAS_AMX_TABLE 0
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

static bool has_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}
#endif

#if HAS_AMX_TABLE
/* Whether the processor has tiles and products of bytes, the system keeps them (state components 17
 * and 18), and this process may use them: the kernel wants to be asked. */
static bool has_amx(void)
{
    enum { OSXSAVE = 1 << 27, TILE = 1 << 24, INT8 = 1 << 25, STATES = 3 << 17 };
    enum { REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d, low, high;
    if (!has_vnni() || !__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & TILE) || !(d & INT8)) return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & STATES) == STATES && syscall(SYS_arch_prctl, REQ_XCOMP_PERM, TILE_DATA) == 0;
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

/* Slowest first. */
static const struct {
    const struct ay_int_kernels *table;
    const char *beside; /* the table of kernels whose instructions it uses */
    bool (*runs_here)(void);
} integers[] = {
    {&ay_integers_scalar, "scalar", always},
#if HAS_X86_TABLES
    {&ay_integers_avx2, "avx2", has_avx2},   {&ay_integers_avx2, "avx512", has_avx512},
    {&ay_integers_vnni, "avx512", has_vnni},
#endif
#if HAS_AMX_TABLE
    {&ay_integers_amx, "avx512", has_amx},
#endif
};
enum { INTEGERS = sizeof integers / sizeof integers[0] };

const struct ay_int_kernels *ay_integers_beside(const struct ay_kernels *kernels)
{
    for (int i = INTEGERS; i-- > 0;)
        if (strcmp(integers[i].beside, kernels->name) == 0 && integers[i].runs_here())
            return integers[i].table;
    return &ay_integers_scalar;
}

const struct ay_int_kernels *ay_integers_named(const char *name)
{
    for (int i = INTEGERS; i-- > 0;)
        if (strcmp(integers[i].table->name, name) == 0 && integers[i].runs_here())
            return integers[i].table;
    return NULL;
}
