/* The compute provider: keeps an ask standing, takes the jobs that the market gives it, runs them,
 * claims the answers and answers for them while they may be doubted. */
#ifndef AY_ROLE_PROVIDE_H
#define AY_ROLE_PROVIDE_H

#include "role/role.h"

struct ay_provide_options {
    uint32_t tier;
    uint64_t price_nasy;     /* per million work units */
    uint64_t capacity_units; /* in hand at one time */
    uint64_t lock_nasy;      /* reserved of the bond */
    uint64_t bond_nasy;      /* raise the bond to this first; 0: leave it */
    uint64_t rate_units;     /* units a second that disputes may count on; 0: measure */
    const char *url;         /* where this process serves its blobs */
    bool silent;             /* answers no dispute and no demand: how the tests' liar withholds */
};

/* Runs until role->stop; then takes the ask back. The role is open, its blobs served at options->url
 * by the caller. Codes only for what makes going on pointless; all else is said and tried again. */
enum ay_code ay_provide(struct ay_role *role, const struct ay_provide_options *options) AY_MUST;

#endif
