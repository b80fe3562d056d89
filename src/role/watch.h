/* The watcher: recomputes what is claimed, and takes the provider of a wrong answer to the end of the
 * dispute. Keeps nothing: seals are derived from its key, so that it picks a game up after a kill. */
#ifndef AY_ROLE_WATCH_H
#define AY_ROLE_WATCH_H

#include "role/role.h"

struct ay_watch_options {
    uint64_t max_bond_nasy; /* most to put up for one challenge or demand */
};

/* Runs until role->stop. The role is open. */
enum ay_code ay_watch(struct ay_role *role, const struct ay_watch_options *options) AY_MUST;

#endif
