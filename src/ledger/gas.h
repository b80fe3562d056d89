/* Gas: a deterministic measure of what a transaction makes every node do. The table is consensus;
 * its magnitude is that of the Cosmos SDK (a MsgSend costs 60 to 90 thousand), because wallets
 * hard-code limits. */
#ifndef AY_LEDGER_GAS_H
#define AY_LEDGER_GAS_H

#include "base/code.h"

enum {
    AY_GAS_TX_BYTE = 20,      /* each byte of the transaction */
    AY_GAS_SIGNATURE = 10000, /* one secp256k1 verification, about 40 us */
    AY_GAS_FEE = 18000,       /* moving the fee, whether there is one or (simulated) not */
    AY_GAS_READ = 2000,       /* one look-up */
    AY_GAS_READ_BYTE = 3,     /* each byte read */
    AY_GAS_WRITE = 5000,      /* one key written or removed: a path of the state tree is rehashed */
    AY_GAS_WRITE_BYTE = 30,   /* each byte of key and value written */
    AY_GAS_ARBITER_UNIT = 1,  /* one element operation of the one-step arbiter */
    AY_GAS_HASH_BYTE = 1,     /* each byte that a verb hashes beside its own message */
};

/* used may pass limit: what was wanted when gas ran out is reported. */
struct ay_gas {
    uint64_t limit; /* UINT64_MAX: only counted */
    uint64_t used;
};

/* AY_E_OUT_OF_GAS once used > limit. used stops at UINT64_MAX. */
AY_MUST static inline enum ay_code ay_gas_use(struct ay_gas *gas, uint64_t amount)
{
    if (__builtin_add_overflow(gas->used, amount, &gas->used)) gas->used = UINT64_MAX;
    return gas->used > gas->limit ? AY_E_OUT_OF_GAS : AY_OK;
}

#endif
