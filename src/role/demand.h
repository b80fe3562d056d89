/* Demands, from whoever makes them: a watcher that may not see which run of a wrong claim is wrong,
 * a consumer that cannot fetch what it paid for. The answers stand on the ledger, so nothing is
 * kept here: each call looks at what has been demanded and supplied, and does what is next. */
#ifndef AY_ROLE_DEMAND_H
#define AY_ROLE_DEMAND_H

#include "role/role.h"

/* The first run of a wrong claim whose output root is not `mine`, (runs) roots. Demands the claimed
 * roots, unless somebody has, and is AY_E_NOT_FOUND until they are there. AY_E_RANGE: the deposits
 * would be more than max_nasy. */
enum ay_code ay_demand_wrong_run(struct ay_role *role, const struct ay_job_job *job,
                                 const uint8_t (*mine)[32], uint64_t max_nasy,
                                 uint32_t *run) AY_MUST;

/* The outputs of all runs one after another, in the arena, as they were supplied. Demands those
 * that nobody has demanded, once half of the time for it is over, since a provider may come back;
 * is AY_E_NOT_FOUND until all are there. AY_E_RANGE as above. */
enum ay_code ay_demand_outputs(struct ay_role *role, const struct ay_job_job *job,
                               const struct ay_job_input *input, uint64_t max_nasy,
                               struct ay_slice *outputs) AY_MUST;

#endif
