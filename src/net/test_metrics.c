#include "net/metrics.h"
#include "net/testing.h"

static void test_metrics_page_groups_labels_under_one_head(void **state)
{
    (void)state;
    struct ay_metric get = {"assay_requests", "method=\"GET\"", "Requests.", AY_METRIC_COUNTER, 0};
    struct ay_metric put = {"assay_requests", "method=\"PUT\"", "Requests.", AY_METRIC_COUNTER, 0};
    struct ay_metric height = {"assay_height", NULL, "Last block.", AY_METRIC_GAUGE, 0};
    struct ay_metric *const list[] = {&get, &put, &height};
    struct ay_metrics metrics = {list, 3};
    ay_metric_add(&get, 2);
    ay_metric_add(&get, 1);
    ay_metric_set(&height, -7);
    struct ay_http_response response = {.fd = -1};
    ay_metrics_get(&metrics, NULL, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal((const char *)response.body,
                        "# HELP assay_requests Requests.\n# TYPE assay_requests counter\n"
                        "assay_requests{method=\"GET\"} 3\nassay_requests{method=\"PUT\"} 0\n"
                        "# HELP assay_height Last block.\n# TYPE assay_height gauge\n"
                        "assay_height -7\n");
    assert_int_equal(response.len_bytes, strlen((const char *)response.body));
    free(response.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_page_groups_labels_under_one_head)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
