/* What the roles have in common: a process that looks at the chain again and again through a node's
 * public interface, acts, and keeps nothing that it could not find again there or in its own blobs;
 * so it goes on where it was after a kill. */
#ifndef AY_ROLE_ROLE_H
#define AY_ROLE_ROLE_H

#include "base/gen/dispute.h"
#include "base/gen/job.h"
#include "net/blob_http.h"
#include "role/compute.h"
#include "role/wallet.h"
#include "verify/player.h"

#define AY_ROLE_ARENA_BYTES (192u << 20)
#define AY_ROLE_POLL_MS 200

struct ay_role {
    struct ay_node_client *node;
    struct ay_wallet *wallet;
    const struct ay_signer *signer;
    struct ay_http_client *http; /* for blobs */
    struct ay_blob_store *blobs; /* inputs and outputs in hand */
    const struct ay_compute *compute;
    const volatile int *stop;    /* set from outside: finish */
    const char *name;            /* for what it says on stderr */
    struct ay_arena arena;       /* of one step */
    void *mem;
    uint64_t height;             /* last seen */
    bool unreachable;            /* said so already */
    struct {
        bool valid;
        uint64_t job;
        uint32_t run;
        uint8_t (*roots)[32]; /* of every op's output; owned */
    } traced; /* the run that compute holds the op outputs of */
};

/* Fills a role whose borrowed members (node, wallet, signer, compute, stop, name) the caller set, and
 * opens its blobs in `dir`. AY_E_EXISTS: another process uses the folder. */
enum ay_code ay_role_open(struct ay_role *role, const char *dir, uint64_t quota_bytes) AY_MUST;
void ay_role_close(struct ay_role *role);

/* Waits until the chain has a block that the role has not seen; resets the arena. AY_E_INTERRUPTED
 * when told to stop. A node that cannot be reached is waited for. */
enum ay_code ay_role_next(struct ay_role *role) AY_MUST;

/* One line on stderr, after the role's name. */
void ay_role_say(const struct ay_role *role, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sends one message. AY_OK when it stands in a block and succeeded; what the chain said otherwise,
 * after saying it. response (may be NULL) is filled from the arena. */
enum ay_code ay_role_send(struct ay_role *role, const struct ay_msg *msg, const void *value,
                          const struct ay_msg *response_msg, void *response) AY_MUST;

/* The job's input: from the role's own blobs, or fetched from where the job says; checked against
 * the job's roots and the program. AY_E_HASH, AY_E_RANGE: it is not what the job promises. */
enum ay_code ay_role_input(struct ay_role *role, const struct ay_job_job *job,
                           struct ay_job_input *input) AY_MUST;

/* The blob, from the role's own or fetched from base (a URL as a row has it); bytes in the arena. */
enum ay_code ay_role_blob(struct ay_role *role, const uint8_t id[32], struct ay_slice base,
                          struct ay_slice *bytes) AY_MUST;

/* Computes all runs of the input: their outputs one after another, in the arena. done as in
 * role/compute.h. */
enum ay_code ay_role_compute(struct ay_role *role, const struct ay_job_input *input,
                             bool (*done)(void *context, uint32_t runs), void *context,
                             struct ay_slice *outputs) AY_MUST;

/* What a transaction names a run of a job by: its input's size and Merkle root, and the proof that it
 * is the run's. The proof is in the arena. */
struct ay_role_run {
    uint32_t length;
    uint8_t merkle_root[32];
    struct ay_slice proof;
};
enum ay_code ay_role_name_run(struct ay_role *role, const struct ay_job_job *job,
                              const struct ay_job_input *input, uint32_t run,
                              struct ay_role_run *out) AY_MUST;

/* Jobs of a provider (or of all: empty text) from an id on, in the arena. */
enum ay_code ay_role_jobs(struct ay_role *role, const char *provider, uint32_t state,
                          uint64_t from_id, struct ay_job_query_jobs_response *jobs) AY_MUST;

/* Answers what is demanded of this signer's claims and open, earliest deadline first. Outputs come from
 * the role's blobs, or are computed again. Goes on after trouble, and gives back the last code of it. */
enum ay_code ay_role_supply(struct ay_role *role) AY_MUST;

/* Plays one move of a fork, if it is this signer's turn: challenger or provider as the fork says.
 * job and its input as above. AY_OK also when it is not the turn. */
enum ay_code ay_role_play(struct ay_role *role, const struct ay_dispute_fork *fork,
                          const struct ay_job_job *job, const struct ay_job_input *input) AY_MUST;

#endif
