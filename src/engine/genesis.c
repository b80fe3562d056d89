/* A genesis before there is a chain: asked of the ledger itself, over a state that is empty. */
#include "engine/engine.h"
#include "ledger/ledger.h"
#include "modules/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static enum ay_code no_row(void *self, struct ay_slice key, struct ay_slice *value)
{
    (void)self, (void)key, (void)value;
    return AY_E_NOT_FOUND;
}

static enum ay_code no_next(void *self, struct ay_slice from, bool inclusive, struct ay_slice *key,
                            struct ay_slice *value)
{
    (void)self, (void)from, (void)inclusive, (void)key, (void)value;
    return AY_E_NOT_FOUND;
}

enum ay_code ay_engine_check_genesis(const struct ay_genesis_genesis *genesis, char why[256])
{
    static const struct ay_kv nothing = {.get = no_row, .next = no_next};
    const size_t bytes = AY_LEDGER_BLOCK_BYTES + AY_LEDGER_TX_BYTES + AY_LEDGER_SCRATCH_BYTES;
    struct ay_ledger *ledger = calloc(1, sizeof *ledger);
    uint8_t *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    enum ay_code code = AY_E_MEMORY;
    snprintf(why, 256, "no room to check it");
    if (!ledger || mem == MAP_FAILED) goto out;
    uint8_t *tx = mem + AY_LEDGER_BLOCK_BYTES, *scratch = tx + AY_LEDGER_TX_BYTES;
    struct ay_ledger_arenas arenas = {ay_arena_over(mem, AY_LEDGER_BLOCK_BYTES),
                                      ay_arena_over(tx, AY_LEDGER_TX_BYTES),
                                      ay_arena_over(scratch, AY_LEDGER_SCRATCH_BYTES)};
    code = ay_ledger_open(ledger, &ay_economy, &nothing, arenas);
    if (code == AY_OK) code = ay_ledger_init(ledger, genesis);
    snprintf(why, 256, "%s", ledger->ctx.reason);
out:
    if (mem != MAP_FAILED) munmap(mem, bytes);
    free(ledger);
    return code;
}
