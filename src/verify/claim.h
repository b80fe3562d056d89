/* The hashes by which requests, claims and sealed challenges are known (design: programs, claims,
 * receipts). Each is SHA-256 of a tag and canonical bytes, so no two kinds can be confused. Pure. */
#ifndef AY_VERIFY_CLAIM_H
#define AY_VERIFY_CLAIM_H

#include "base/gen/job.h"

/* SHA256("assay/request/v1" | canonical Request). */
void ay_request_hash(const struct ay_job_request *request, uint8_t out[32]);

/* SHA256("assay/claim/v1" | canonical Claim): a claim's name in a dispute. */
void ay_claim_hash(const struct ay_job_claim *claim, uint8_t out[32]);

/* SHA256("assay/commit/v1" | claim hash | challenger | salt): what MsgCommit carries. The address
 * is inside, so a copied commit opens for nobody else. */
void ay_commit_hash(const uint8_t claim_hash[32], const uint8_t challenger[20],
                    const uint8_t salt[32], uint8_t out[32]);

#endif
