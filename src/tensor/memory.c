#include "tensor/memory.h"

#include <string.h>

struct memory {
    struct ay_gap *gaps; /* ascending, none touching the next */
    uint32_t count;
    uint64_t end;
};

static void remove_gap(struct memory *m, uint32_t i)
{
    memmove(&m->gaps[i], &m->gaps[i + 1], (--m->count - i) * sizeof *m->gaps);
}

static uint64_t take(struct memory *m, uint64_t bytes)
{
    uint32_t best = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gaps[i].bytes >= bytes &&
            (best == m->count || m->gaps[i].bytes < m->gaps[best].bytes))
            best = i;
    if (best < m->count) {
        uint64_t at = m->gaps[best].at;
        m->gaps[best].at += bytes;
        m->gaps[best].bytes -= bytes;
        if (m->gaps[best].bytes == 0) remove_gap(m, best);
        return at;
    }
    /* A gap at the end may begin what lies beyond. */
    uint64_t at = m->end;
    if (m->count > 0 && m->gaps[m->count - 1].at + m->gaps[m->count - 1].bytes == m->end)
        at = m->gaps[--m->count].at;
    m->end = at + bytes;
    return at;
}

static void give_back(struct memory *m, uint64_t at, uint64_t bytes)
{
    uint32_t i = 0;
    while (i < m->count && m->gaps[i].at < at) i++;
    memmove(&m->gaps[i + 1], &m->gaps[i], (m->count++ - i) * sizeof *m->gaps);
    m->gaps[i] = (struct ay_gap){at, bytes};
    if (i + 1 < m->count && at + bytes == m->gaps[i + 1].at) {
        m->gaps[i].bytes += m->gaps[i + 1].bytes;
        remove_gap(m, i + 1);
    }
    if (i > 0 && m->gaps[i - 1].at + m->gaps[i - 1].bytes == at) {
        m->gaps[i - 1].bytes += m->gaps[i].bytes;
        remove_gap(m, i);
    }
}

uint64_t ay_memory_lay_out(const struct ay_plan *plan, const uint64_t *bytes, struct ay_gap *gaps,
                           uint64_t *at)
{
    struct memory m = {.gaps = gaps};
    uint32_t born = 0, dead = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        for (; born < plan->buffer_count && plan->places[plan->births[born]].born == s; born++) {
            const struct ay_place *p = &plan->places[plan->births[born]];
            uint64_t size = (bytes[p->size] + AY_MEMORY_ALIGN - 1) / AY_MEMORY_ALIGN;
            at[born] = p->over == AY_NONE ? take(&m, size * AY_MEMORY_ALIGN)
                                          : at[plan->places[p->over].slot];
        }
        for (; dead < plan->death_count && plan->places[plan->deaths[dead]].last_use == s; dead++) {
            const struct ay_place *p = &plan->places[plan->deaths[dead]];
            uint64_t size = (bytes[p->size] + AY_MEMORY_ALIGN - 1) / AY_MEMORY_ALIGN;
            give_back(&m, at[p->slot], size * AY_MEMORY_ALIGN);
        }
    }
    return m.end;
}
