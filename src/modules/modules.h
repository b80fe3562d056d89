/* All modules, in the order in which their blocks begin and end. */
#ifndef AY_MODULES_MODULES_H
#define AY_MODULES_MODULES_H

#include "ledger/module.h"

extern const struct ay_economy ay_economy;

#endif
