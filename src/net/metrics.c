#include "net/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ay_metrics_text(const struct ay_metrics *metrics, size_t *len_bytes)
{
    static const char *const kinds[] = {"counter", "gauge"};
    char *text = NULL;
    FILE *out = open_memstream(&text, len_bytes);
    if (!out) return NULL;
    const char *last = "";
    for (uint32_t i = 0; i < metrics->count; i++) {
        const struct ay_metric *m = metrics->list[i];
        if (strcmp(m->name, last) != 0)
            fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, kinds[m->kind]);
        last = m->name;
        const char *open = m->labels ? "{" : "", *close = m->labels ? "}" : "";
        fprintf(out, "%s%s%s%s %" PRId64 "\n", m->name, open, m->labels ? m->labels : "", close,
                atomic_load_explicit(&m->value, memory_order_relaxed));
    }
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (!failed) return text;
    free(text);
    return NULL;
}

void ay_metrics_get(void *ctx, const struct ay_http_request *request,
                    struct ay_http_response *response)
{
    (void)request;
    size_t len = 0;
    char *text = ay_metrics_text(ctx, &len);
    ay_http_bytes(response, text ? 200 : 500, "text/plain; version=0.0.4", text, text ? len : 0);
}
