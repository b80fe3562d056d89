#include "net/blob.h"
#include "net/blob_http.h"
#include "net/testing.h"

#include "base/text.h"
#include "crypto/merkle.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[64];
static const struct ay_blob_limits defaults;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/assay-blob-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct ay_blob_store *open_store(const struct ay_blob_limits *limits)
{
    struct ay_blob_store *store = NULL;
    assert_code(ay_blob_open(folder, limits, &store), AY_OK);
    return store;
}

static void path_of(const uint8_t id[32], const char *suffix, char out[160])
{
    struct ay_text text = ay_text_over(out, 160);
    ay_text_str(&text, folder);
    ay_text_char(&text, '/');
    ay_text_hex(&text, ay_slice(id, 32));
    ay_text_str(&text, suffix);
}

/* Bytes that differ everywhere, of any length up to 8 KiB. */
static struct ay_slice sample(uint32_t len, uint8_t seed)
{
    static uint8_t bytes[8192];
    assert_true(len <= sizeof bytes);
    for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)(i * 7 + i / 256 + seed);
    return ay_slice(bytes, len);
}

static void put(struct ay_blob_store *store, uint32_t len, uint8_t seed, uint8_t id[32])
{
    assert_code(ay_blob_put(store, sample(len, seed), id), AY_OK);
}

static bool has(struct ay_blob_store *store, const uint8_t id[32])
{
    int fd;
    uint64_t len;
    enum ay_code code = ay_blob_file(store, id, &fd, &len);
    if (code == AY_OK) close(fd);
    return code == AY_OK;
}

/* Against the tree's definition, leaf by leaf. */
static void test_blob_id_is_merkle_root_over_chunks(void **state)
{
    (void)state;
    uint8_t id[32], leaf[3][32], left[32], root[32];
    struct ay_slice bytes = sample(2050, 1);
    ay_merkle_leaf(ay_slice(bytes.data, 1024), leaf[0]);
    ay_merkle_leaf(ay_slice(bytes.data + 1024, 1024), leaf[1]);
    ay_merkle_leaf(ay_slice(bytes.data + 2048, 2), leaf[2]);
    ay_merkle_node(leaf[0], leaf[1], left);
    ay_merkle_node(left, leaf[2], root);
    ay_blob_id(bytes, id);
    assert_memory_equal(id, root, 32);
}

static void test_blob_put_in_any_pieces_reads_back(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 1, 1023, 1024, 1025, 2048, 5000};
    struct ay_blob_store *store = open_store(&defaults);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (uint32_t step = 1; step <= 2048; step = step * 7 + 4) {
            uint8_t id[32], want[32], *bytes;
            uint32_t len;
            struct ay_blob_writer *writer;
            struct ay_slice in = sample(lengths[i], 3);
            ay_blob_id(in, want);
            assert_code(ay_blob_begin(store, &writer), AY_OK);
            for (uint32_t at = 0; at < in.len; at += step) {
                uint32_t rest = in.len - at;
                assert_code(
                    ay_blob_append(writer, ay_slice(in.data + at, rest < step ? rest : step)),
                    AY_OK);
            }
            assert_code(ay_blob_commit(writer, want, id), AY_OK);
            assert_memory_equal(id, want, 32);
            assert_code(ay_blob_get(store, id, &bytes, &len), AY_OK);
            assert_true(ay_slice_equal(ay_slice(bytes, len), in));
            free(bytes);
        }
    }
    uint64_t total;
    uint32_t files;
    ay_blob_usage(store, &total, &files);
    assert_int_equal(files, 7);
    assert_int_equal(total, 0 + 1 + 1023 + 1024 + 1025 + 2048 + 5000);
    ay_blob_close(store);
}

static void test_blob_other_bytes_than_wanted_leave_nothing(void **state)
{
    (void)state;
    struct ay_blob_store *store = open_store(&defaults);
    struct ay_blob_writer *writer;
    uint8_t want[32] = {1};
    char path[160];
    assert_code(ay_blob_begin(store, &writer), AY_OK);
    assert_code(ay_blob_append(writer, sample(100, 0)), AY_OK);
    assert_code(ay_blob_commit(writer, want, NULL), AY_E_HASH);
    snprintf(path, sizeof path, "%s/part-0", folder);
    assert_int_equal(access(path, F_OK), -1);
    uint64_t total;
    uint32_t files;
    ay_blob_usage(store, &total, &files);
    assert_int_equal(files, 0);
    ay_blob_close(store);
}

static void test_blob_reopened_store_has_blobs_and_pins_without_parts(void **state)
{
    (void)state;
    struct ay_blob_store *store = open_store(&defaults), *second;
    struct ay_blob_writer *writer;
    uint8_t a[32], b[32], c[32];
    char part[160];
    put(store, 100, 1, a);
    put(store, 200, 2, b);
    assert_code(ay_blob_pin(store, a, true), AY_OK);
    assert_code(ay_blob_begin(store, &writer), AY_OK);
    assert_code(ay_blob_append(writer, sample(10, 9)), AY_OK);
    assert_code(ay_blob_open(folder, &defaults, &second), AY_E_EXISTS);
    /* as a crash leaves it: the part stays, the lock goes */
    snprintf(part, sizeof part, "%s/part-77", folder);
    close(open(part, O_CREAT | O_WRONLY, 0600));
    ay_blob_abort(writer);
    ay_blob_close(store);
    const struct ay_blob_limits tight = {.max_total_bytes = 300};
    store = open_store(&tight);
    assert_int_equal(access(part, F_OK), -1);
    assert_true(has(store, a) && has(store, b));
    put(store, 150, 3, c);
    assert_true(has(store, a) && !has(store, b) && has(store, c));
    ay_blob_close(store);
}

static void test_blob_over_quota_the_oldest_unpinned_goes(void **state)
{
    (void)state;
    const struct ay_blob_limits limits = {
        .max_total_bytes = 1000, .max_files = 3, .max_blob_bytes = 900};
    struct ay_blob_store *store = open_store(&limits);
    uint8_t id[5][32], again[32];
    for (uint8_t i = 0; i < 3; i++) put(store, 100, i, id[i]);
    put(store, 100, 0, again); /* counts as new */
    put(store, 100, 3, id[3]);
    assert_true(has(store, id[0]) && !has(store, id[1]) && has(store, id[2]) && has(store, id[3]));
    assert_code(ay_blob_pin(store, id[2], true), AY_OK);
    put(store, 850, 4, id[4]);
    assert_true(!has(store, id[0]) && has(store, id[2]) && !has(store, id[3]) && has(store, id[4]));
    assert_code(ay_blob_pin(store, id[4], true), AY_OK);
    assert_code(ay_blob_put(store, sample(100, 5), again), AY_E_LIMIT);
    assert_code(ay_blob_put(store, sample(901, 5), again), AY_E_LIMIT);
    assert_code(ay_blob_pin(store, id[4], false), AY_OK);
    put(store, 100, 5, again);
    assert_true(has(store, id[2]) && !has(store, id[4]) && has(store, again));
    assert_code(ay_blob_pin(store, id[4], true), AY_E_NOT_FOUND);
    assert_code(ay_blob_remove(store, id[4]), AY_E_NOT_FOUND);
    ay_blob_close(store);
}

static void test_blob_flipped_bit_is_found_and_removed(void **state)
{
    (void)state;
    struct ay_blob_store *store = open_store(&defaults);
    uint8_t id[32], *bytes, byte;
    uint32_t len;
    char path[160];
    put(store, 3000, 1, id);
    path_of(id, "", path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, 2999), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 2999), 1);
    close(fd);
    assert_code(ay_blob_get(store, id, &bytes, &len), AY_E_CORRUPT);
    assert_code(ay_blob_get(store, id, &bytes, &len), AY_E_NOT_FOUND);
    ay_blob_close(store);
}

static void test_blob_full_disk_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    struct ay_blob_store *store = open_store(&defaults);
    uint8_t id[32];
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum ay_code code = ay_blob_put(store, sample(5000, 1), id);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_code(code, AY_E_DISK_FULL);
    put(store, 5000, 1, id);
    uint64_t total;
    uint32_t files;
    ay_blob_usage(store, &total, &files);
    assert_int_equal(total, 5000);
    assert_int_equal(files, 1);
    ay_blob_close(store);
}

/* Over HTTP: a store behind a server, another beside the client. */

struct ends {
    struct ay_blob_store *store;
    struct ay_http_server *server;
    struct ay_http_client *client;
    char base[64];
};

static struct ends serve(ay_http_handler *get, ay_http_handler *proof)
{
    static struct ay_http_route routes[3];
    struct ends ends = {.store = open_store(&defaults)};
    routes[0] = (struct ay_http_route){AY_HTTP_PUT, "/blobs", ay_blob_http_put, ends.store, 8192};
    routes[1] = (struct ay_http_route){AY_HTTP_GET, "/blobs/{id}", get, ends.store, 0};
    routes[2] = (struct ay_http_route){AY_HTTP_GET, "/blobs/{id}/proof", proof, ends.store, 0};
    const struct ay_http_options options = {.routes = routes, .route_count = 3};
    const struct ay_http_client_options client = {0};
    assert_code(ay_http_start(&options, &ends.server), AY_OK);
    assert_code(ay_http_client_open(&client, &ends.client), AY_OK);
    snprintf(ends.base, sizeof ends.base, "http://127.0.0.1:%u", ay_http_port(ends.server));
    return ends;
}

static void end(struct ends *ends)
{
    ay_http_client_close(ends->client);
    ay_http_stop(ends->server);
    ay_blob_close(ends->store);
}

static struct ay_blob_store *open_second(char path[96])
{
    struct ay_blob_store *store = NULL;
    snprintf(path, 96, "%s/second", folder);
    assert_code(ay_blob_open(path, &defaults, &store), AY_OK);
    return store;
}

static void test_blob_http_round_trip_gives_the_same_bytes(void **state)
{
    (void)state;
    struct ends ends = serve(ay_blob_http_get, ay_blob_http_proof);
    char path[96];
    struct ay_blob_store *second = open_second(path);
    uint8_t id[32], *bytes, range[2048];
    uint32_t len;
    assert_code(ay_blob_upload(ends.client, ends.base, sample(5000, 1), id), AY_OK);
    assert_code(ay_blob_download(ends.client, ends.base, id, second), AY_OK);
    assert_code(ay_blob_get(second, id, &bytes, &len), AY_OK);
    assert_true(ay_slice_equal(ay_slice(bytes, len), sample(5000, 1)));
    free(bytes);
    for (uint32_t first = 0; first < 5; first++) {
        uint32_t count = first < 4 ? 2 : 1, expected = first < 3 ? 2048 : first == 3 ? 1928 : 904;
        assert_code(ay_blob_range(ends.client, ends.base, id, 5000, first, count, range, &len),
                    AY_OK);
        assert_true(ay_slice_equal(ay_slice(range, len),
                                   ay_slice(sample(5000, 1).data + 1024 * first, expected)));
    }
    assert_code(ay_blob_range(ends.client, ends.base, id, 5000, 4, 2, range, &len), AY_E_RANGE);
    assert_code(ay_blob_range(ends.client, ends.base, id, 9000, 6, 1, range, &len), AY_E_RANGE);
    assert_code(ay_blob_range(ends.client, ends.base, id, 5001, 4, 1, range, &len), AY_E_HASH);
    id[0] ^= 1;
    assert_code(ay_blob_download(ends.client, ends.base, id, second), AY_E_NOT_FOUND);
    static uint8_t large[8193];
    assert_code(ay_blob_upload(ends.client, ends.base, AY_SLICE_OF(large), id), AY_E_LIMIT);
    ay_blob_close(second);
    end(&ends);
}

/* A server that lies. */
static void lie(void *ctx, const struct ay_http_request *request, struct ay_http_response *response)
{
    (void)ctx;
    (void)request;
    ay_http_text(response, 200, "application/octet-stream", "not what was asked for");
}

static void lie_in_proof(void *ctx, const struct ay_http_request *request,
                         struct ay_http_response *response)
{
    ay_blob_http_proof(ctx, request, response);
    char *at = strstr((char *)response->body, "\"bytes\":\"");
    assert_non_null(at);
    at[9] = at[9] == 'A' ? 'B' : 'A';
}

static void test_blob_http_lying_server_is_not_believed(void **state)
{
    (void)state;
    struct ends ends = serve(lie, lie_in_proof);
    char path[96];
    struct ay_blob_store *second = open_second(path);
    uint8_t id[32], range[1024];
    uint32_t len, files;
    uint64_t total;
    put(ends.store, 3000, 1, id);
    assert_code(ay_blob_download(ends.client, ends.base, id, second), AY_E_HASH);
    ay_blob_usage(second, &total, &files);
    assert_int_equal(files, 0);
    assert_code(ay_blob_range(ends.client, ends.base, id, 3000, 1, 1, range, &len), AY_E_HASH);
    ay_blob_close(second);
    end(&ends);
}

static void test_blob_http_bad_requests_are_told_why(void **state)
{
    (void)state;
    struct ends ends = serve(ay_blob_http_get, ay_blob_http_proof);
    static const struct {
        const char *path, *status;
    } cases[] = {
        {"/blobs/00", "400"},
        {"/blobs/../../etc/passwd", "404"},
        {"/blobs/..%2f..%2fetc%2fpasswd", "404"},
        {"/blobs/0000000000000000000000000000000000000000000000000000000000000000", "404"},
        {"/blobs/zz00000000000000000000000000000000000000000000000000000000000000", "400"},
        {"/blobs/0000000000000000000000000000000000000000000000000000000000000000/proof", "400"},
        {"/blobs/0000000000000000000000000000000000000000000000000000000000000000/"
         "proof?first=0&count=-1",
         "400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256], answer[2048];
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", cases[i].path);
        test_ask(ay_http_port(ends.server), request, answer, sizeof answer);
        assert_status(answer, cases[i].status);
    }
    end(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        cmocka_unit_test(test_blob_id_is_merkle_root_over_chunks),
        IN_FOLDER(test_blob_put_in_any_pieces_reads_back),
        IN_FOLDER(test_blob_other_bytes_than_wanted_leave_nothing),
        IN_FOLDER(test_blob_reopened_store_has_blobs_and_pins_without_parts),
        IN_FOLDER(test_blob_over_quota_the_oldest_unpinned_goes),
        IN_FOLDER(test_blob_flipped_bit_is_found_and_removed),
        IN_FOLDER(test_blob_full_disk_is_told_and_leaves_nothing),
        IN_FOLDER(test_blob_http_round_trip_gives_the_same_bytes),
        IN_FOLDER(test_blob_http_lying_server_is_not_believed),
        IN_FOLDER(test_blob_http_bad_requests_are_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
