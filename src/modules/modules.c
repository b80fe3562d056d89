#include "modules/modules.h"

#include "modules/bank/bank.h"

/* The order is consensus: append, never sort. */
static const struct ay_module *const modules[] = {
    &ay_bank_module,
    NULL,
};

const struct ay_economy ay_economy = {.modules = modules, .move = ay_bank_move};
