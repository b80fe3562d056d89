/* Counters and gauges in the Prometheus text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A metric is a static object that
 * any thread adds to without a lock; a table of them is what /metrics shows. */
#ifndef AY_NET_METRICS_H
#define AY_NET_METRICS_H

#include "net/http_server.h"

#include <stdatomic.h>

enum ay_metric_kind { AY_METRIC_COUNTER, AY_METRIC_GAUGE };

struct ay_metric {
    const char *name;   /* unit last: assay_blob_bytes */
    const char *labels; /* as in the format, without braces: `method="GET"`; NULL for none */
    const char *help;   /* one line; of the first of several with one name */
    enum ay_metric_kind kind;
    _Atomic int64_t value;
};

static inline void ay_metric_add(struct ay_metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}
static inline void ay_metric_set(struct ay_metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

/* Metrics of one name stand side by side. */
struct ay_metrics {
    struct ay_metric *const *list;
    uint32_t count;
};

/* The page, malloc'ed, NUL-terminated; NULL when out of memory. */
char *ay_metrics_text(const struct ay_metrics *metrics, size_t *len_bytes);

/* For a route GET /metrics; ctx: struct ay_metrics. */
ay_http_handler ay_metrics_get;

#endif
