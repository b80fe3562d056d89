/* Disputes about claims: the game of src/verify with bonds, clocks and rewards. Nothing in other
 * modules calls it; it calls bank, stake, work and job. */
#ifndef AY_MODULES_DISPUTE_H
#define AY_MODULES_DISPUTE_H

#include "base/gen/dispute.h"
#include "ledger/module.h"

extern const struct ay_module ay_dispute_module;

#endif
