/* The ledger's own module: accounts, the clock and the parameters, as queries and invariants. It
 * stands before the economy's modules and has no transactions. */
#ifndef AY_LEDGER_AUTH_H
#define AY_LEDGER_AUTH_H

#include "ledger/module.h"

extern const struct ay_module ay_auth_module;

#endif
