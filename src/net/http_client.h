/* HTTP/1.1 client over libcurl: bounded in time and size, no redirects, no proxies from the
 * environment, http and https only. One object a thread; it keeps its connections alive.
 * Retries are the caller's. */
#ifndef AY_NET_HTTP_CLIENT_H
#define AY_NET_HTTP_CLIENT_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

struct ay_http_client;

struct ay_http_client_options {
    uint32_t connect_ms;    /* 0: 5,000 */
    uint32_t total_ms;      /* 0: 60,000 */
    size_t max_bytes;       /* of an answer; 0: 16 MiB */
    const char *key;        /* bearer token or NULL; copied */
    const char *user_agent; /* NULL: "assay"; copied */
};

/* AY_E_MEMORY. The first call in a process must not race with other threads' use of libcurl. */
enum ay_code ay_http_client_open(const struct ay_http_client_options *options,
                                 struct ay_http_client **out) AY_MUST;
void ay_http_client_close(struct ay_http_client *client); /* NULL is fine */

/* Why the last call failed, for people; "" after success. Valid until the next call. */
const char *ay_http_client_message(const struct ay_http_client *client);

struct ay_http_answer {
    uint32_t status;
    struct ay_slice body; /* borrowed until the next call; a NUL follows it */
};

/* One exchange; method is "GET", "POST", "PUT"…; type NULL when there is no body. Any status is
 * AY_OK. AY_E_UNREACHABLE: no connection or it broke; AY_E_TIMEOUT; AY_E_LIMIT: the answer is over
 * max_bytes; AY_E_INTERRUPTED: cancelled; AY_E_USAGE: not a URL. */
enum ay_code ay_http_call(struct ay_http_client *client, const char *method, const char *url,
                          const char *type, struct ay_slice body,
                          struct ay_http_answer *answer) AY_MUST;

/* Receives an answer's body piece by piece; only called when the status is 200. Any code but AY_OK
 * ends the call, which then returns it. */
typedef enum ay_code ay_http_sink(void *ctx, struct ay_slice piece);

/* GET into a sink. Codes as ay_http_call, and the sink's. answer->body holds the text of a status
 * other than 200. */
enum ay_code ay_http_fetch(struct ay_http_client *client, const char *url, ay_http_sink *sink,
                           void *ctx, struct ay_http_answer *answer) AY_MUST;

/* Ends the running and every later call with AY_E_INTERRUPTED; async-signal-safe, any thread. */
void ay_http_client_cancel(struct ay_http_client *client);

#endif
