#include "verify/claim.h"

#include "base/codec.h"
#include "crypto/hash.h"

/* Requests and claims are a few fixed fields. */
#define MAX_BYTES 512

static void hash_message(const char *tag, const struct ay_msg *msg, const void *in, uint8_t out[32])
{
    uint8_t bytes[MAX_BYTES];
    uint32_t len = 0;
    enum ay_code code = ay_encode(msg, in, bytes, sizeof bytes, &len);
    AY_ASSERT(code == AY_OK);
    const struct ay_slice parts[] = {ay_slice_str(tag), ay_slice(bytes, len)};
    ay_sha256_parts(parts, 2, out);
}

void ay_request_hash(const struct ay_job_request *request, uint8_t out[32])
{
    hash_message("assay/request/v1", &ay_job_request_msg, request, out);
}

void ay_claim_hash(const struct ay_job_claim *claim, uint8_t out[32])
{
    hash_message("assay/claim/v1", &ay_job_claim_msg, claim, out);
}

void ay_commit_hash(const uint8_t claim_hash[32], const uint8_t challenger[20],
                    const uint8_t salt[32], uint8_t out[32])
{
    const struct ay_slice parts[] = {ay_slice_str("assay/commit/v1"), ay_slice(claim_hash, 32),
                                     ay_slice(challenger, 20), ay_slice(salt, 32)};
    ay_sha256_parts(parts, 4, out);
}
