/* Blobs over HTTP, both ends.
 *   PUT /blobs                                 bytes in, 201 {"id":"<hex>","len":"<bytes>"}
 *   GET /blobs/{id}                            the bytes
 *   GET /blobs/{id}/proof?first=&count=        {"proof":["<hex>"…],"bytes":"<base64>"},
 *                                              the proof as ay_merkle_prove orders it
 * A fetching side trusts nothing: bytes become a blob only if they hash to the id asked for. */
#ifndef AY_NET_BLOB_HTTP_H
#define AY_NET_BLOB_HTTP_H

#include "net/blob.h"
#include "net/http_client.h"
#include "net/http_server.h"

/* Handlers for routes "/blobs", "/blobs/{id}" and "/blobs/{id}/proof"; ctx: struct ay_blob_store.
 */
ay_http_handler ay_blob_http_put, ay_blob_http_get, ay_blob_http_proof;

/* Uploads bytes to base ("http://host:port") and checks that the answer names their id.
 * Codes as ay_http_call; AY_E_HASH: it names another; else the code that the server refused with.
 */
enum ay_code ay_blob_upload(struct ay_http_client *client, const char *base, struct ay_slice bytes,
                            uint8_t id[32]) AY_MUST;

/* Downloads a blob into the store. AY_E_HASH: the server sent other bytes; AY_E_NOT_FOUND: it has
 * none; AY_E_LIMIT: over the store's bound; else codes as ay_http_call and ay_blob_commit. */
enum ay_code ay_blob_download(struct ay_http_client *client, const char *base, const uint8_t id[32],
                              struct ay_blob_store *store) AY_MUST;

/* Fetches chunks [first, first + count) of a blob of len_bytes in all (from a trusted source, a
 * root alone does not bind it) into bytes, which has room for count * AY_BLOB_CHUNK, and verifies
 * them; *len is how many bytes they are. count <= AY_BLOB_MAX_RANGE.
 * AY_E_RANGE: no such chunks; AY_E_HASH: the proof does not hold. Else as ay_blob_download. */
enum ay_code ay_blob_range(struct ay_http_client *client, const char *base, const uint8_t id[32],
                           uint64_t len_bytes, uint32_t first, uint32_t count, uint8_t *bytes,
                           uint32_t *len) AY_MUST;

#endif
