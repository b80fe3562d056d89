/* Content-addressed blobs on disk: a job's inputs and outputs, held by whoever must show them.
 * An id is the RFC 6962 Merkle root over the raw bytes in chunks of AY_BLOB_CHUNK (the last may be
 * short; no bytes have the empty tree's root), so any chunk can be shown alone.
 *
 * A blob is complete or absent: bytes go to a temporary file opened O_EXCL, are synced, renamed to
 * the id, and the folder synced. The folder belongs to one process (flock). Over a quota the
 * oldest blobs that nobody pinned go first; a pin outlives the process. All calls are
 * thread-safe. */
#ifndef AY_NET_BLOB_H
#define AY_NET_BLOB_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

enum {
    AY_BLOB_CHUNK = 1024,    /* bytes */
    AY_BLOB_MAX_RANGE = 256, /* chunks shown with one proof */
};

struct ay_blob_limits {
    uint64_t max_blob_bytes;  /* 0: 64 MiB */
    uint64_t max_total_bytes; /* 0: 4 GiB */
    uint32_t max_files;       /* 0: 65,536 */
};

struct ay_blob_store;

/* Makes dir (0700) if need be and removes what a crash left half written.
 * AY_E_EXISTS: another process has it; AY_E_IO, AY_E_MEMORY, AY_E_DISK_FULL. */
enum ay_code ay_blob_open(const char *dir, const struct ay_blob_limits *limits,
                          struct ay_blob_store **out) AY_MUST;
void ay_blob_close(struct ay_blob_store *store); /* NULL is fine */

/* The id of bytes; no store needed. */
void ay_blob_id(struct ay_slice bytes, uint8_t id[32]);

/* Stores bytes durably; one that is there already is AY_OK and counts as new again.
 * AY_E_LIMIT: over max_blob_bytes, or all that could make room is pinned; AY_E_DISK_FULL, AY_E_IO.
 */
enum ay_code ay_blob_put(struct ay_blob_store *store, struct ay_slice bytes,
                         uint8_t id[32]) AY_MUST;

/* The same piece by piece. A writer that began must be ended by commit or abort, once; commit ends
 * it on failure too. want NULL takes any bytes; else AY_E_HASH when they have another id, and
 * nothing is kept. id may be NULL. */
struct ay_blob_writer;
enum ay_code ay_blob_begin(struct ay_blob_store *store, struct ay_blob_writer **out) AY_MUST;
enum ay_code ay_blob_append(struct ay_blob_writer *writer, struct ay_slice piece) AY_MUST;
enum ay_code ay_blob_commit(struct ay_blob_writer *writer, const uint8_t want[32],
                            uint8_t id[32]) AY_MUST;
void ay_blob_abort(struct ay_blob_writer *writer);

/* A descriptor at the blob's start, the caller's to close; its bytes are not checked.
 * AY_E_NOT_FOUND, AY_E_IO. */
enum ay_code ay_blob_file(struct ay_blob_store *store, const uint8_t id[32], int *fd,
                          uint64_t *len_bytes) AY_MUST;

/* The whole blob, malloc'ed, checked against its id. AY_E_NOT_FOUND; AY_E_CORRUPT: the disk lied,
 * and the blob is removed; AY_E_MEMORY. */
enum ay_code ay_blob_get(struct ay_blob_store *store, const uint8_t id[32], uint8_t **bytes,
                         uint32_t *len_bytes) AY_MUST;

/* Pinned blobs are never removed for room. Pins do not nest. AY_E_NOT_FOUND, AY_E_IO. */
enum ay_code ay_blob_pin(struct ay_blob_store *store, const uint8_t id[32], bool pinned) AY_MUST;

/* AY_E_NOT_FOUND. Pinned or not. */
enum ay_code ay_blob_remove(struct ay_blob_store *store, const uint8_t id[32]) AY_MUST;

void ay_blob_usage(struct ay_blob_store *store, uint64_t *total_bytes, uint32_t *files);

#endif
