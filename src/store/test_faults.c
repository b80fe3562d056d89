/* Kills, full disks, flipped bits and failed allocations: nothing acknowledged is lost, nothing
 * damaged is taken for whole. */
#include "store/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { BASE_HEIGHT = 12, LAST_HEIGHT = BASE_HEIGHT + 3 };

/* The stream of blocks that every test here commits: the model before, and what block h changes. */
static struct model models[LAST_HEIGHT + 1];
static struct ay_kv_change stream[LAST_HEIGHT + 1][MODEL_KEYS];
static uint32_t stream_count[LAST_HEIGHT + 1];
static uint8_t stream_roots[LAST_HEIGHT + 1][32];

static int make_stream(void **state)
{
    (void)state;
    test_seed(42);
    for (int h = 1; h <= LAST_HEIGHT; h++) {
        models[h] = models[h - 1];
        stream_count[h] = model_step(&models[h], stream[h]);
        for (uint32_t i = 0; i < stream_count[h]; i++) /* point into this height's own model */
            for (int k = 0; k < MODEL_KEYS; k++)
                if (stream[h][i].key.data[0] == k + 1)
                    stream[h][i].value = model_value(&models[h], k);
        model_root(&models[h], stream_roots[h]);
    }
    return 0;
}

static enum ay_code commit_one(struct ay_store *store, uint64_t h)
{
    struct ay_store_block block = plain_block(h);
    uint8_t root[32];
    enum ay_code code = ay_store_commit(store, stream[h], stream_count[h], &block, root);
    if (code == AY_OK) assert_memory_equal(root, stream_roots[h], 32);
    return code;
}

static void fill(const char *path, uint64_t upto)
{
    struct ay_store *store;
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    for (uint64_t h = ay_store_tip(store).height + 1; h <= upto; h++)
        assert_int_equal(commit_one(store, h), AY_OK);
    ay_store_close(store);
}

/* Opens, and checks that all is as after one of the heights from..to; returns that height. */
static uint64_t assert_whole(const char *path, uint64_t from, uint64_t to)
{
    struct ay_store *store;
    struct ay_store_view *view;
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    struct ay_store_tip tip = ay_store_tip(store);
    assert_in_range(tip.height, from, to);
    assert_memory_equal(tip.root, stream_roots[tip.height], 32);
    assert_int_equal(ay_store_view(store, &view), AY_OK);
    assert_rows(view, &models[tip.height]);
    assert_int_equal(ay_store_block_at(view, tip.height, NULL, NULL), AY_OK);
    ay_store_view_end(view);
    ay_store_close(store);
    return tip.height;
}

static size_t read_whole(const char *folder, uint8_t **bytes)
{
    char file[96];
    struct stat st;
    (void)snprintf(file, sizeof file, "%s/data.mdb", folder);
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    *bytes = malloc((size_t)st.st_size);
    assert_non_null(*bytes);
    assert_int_equal(read(fd, *bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    return (size_t)st.st_size;
}

static void write_whole(const char *folder, const uint8_t *bytes, size_t len)
{
    char file[96];
    (void)snprintf(file, sizeof file, "%s/data.mdb", folder);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

/* ---- killed at every system call ---- */

/* Commits three blocks under ptrace, telling through shared memory what was acknowledged. */
static _Noreturn void traced_child(const char *path, volatile uint64_t *acknowledged)
{
    struct ay_store *store;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
    (void)raise(SIGSTOP);
    if (ay_store_open(path, NULL, &store) != AY_OK) _exit(3);
    for (uint64_t h = BASE_HEIGHT + 1; h <= LAST_HEIGHT; h++) {
        if (commit_one(store, h) != AY_OK) _exit(4);
        *acknowledged = h;
    }
    _exit(0);
}

/* Kills the child at its n-th stop at a system call's entry or exit; false: it ended before. */
static bool kill_at(const char *path, int n, volatile uint64_t *acknowledged)
{
    int status;
    *acknowledged = BASE_HEIGHT;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) traced_child(path, acknowledged);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int stop = 0; stop < n && WIFSTOPPED(status); stop++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    if (!WIFSTOPPED(status)) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return false;
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return true;
}

static void test_store_killed_at_every_system_call_loses_nothing_acknowledged(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    uint8_t *base;
    volatile uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    fill(path, BASE_HEIGHT);
    size_t len = read_whole(path, &base);
    int n = 1, within = 0;
    while (kill_at(path, n, acknowledged)) {
        uint64_t found = assert_whole(path, *acknowledged, LAST_HEIGHT);
        assert_true(found <= *acknowledged + 1);
        within += found > *acknowledged;
        write_whole(path, base, len);
        n++;
    }
    printf("killed at %d stops; at %d of them a block was durable before it was acknowledged\n",
           n - 1, within);
    assert_true(n > 50 && within > 0);
    assert_int_equal(assert_whole(path, LAST_HEIGHT, LAST_HEIGHT), LAST_HEIGHT);
    free(base);
    munmap((void *)(uintptr_t)acknowledged, 4096);
    remove_folder(path);
}

/* ---- full disk ---- */

enum { CHILD_FULL = 10, CHILD_WROTE = 11, CHILD_BAD = 12, CHILD_SKIPPED = 13 };

/* Commits until there is no room: the store says so, refuses to go on, and still shows the tip. */
static int commit_until_full(const char *path)
{
    struct ay_store *store;
    struct ay_store_view *view;
    enum ay_code code = ay_store_open(path, NULL, &store);
    if (code != AY_OK) return code == AY_E_DISK_FULL ? CHILD_FULL : CHILD_BAD;
    uint64_t h = ay_store_tip(store).height;
    while (h < LAST_HEIGHT && (code = commit_one(store, h + 1)) == AY_OK) h++;
    if (h == LAST_HEIGHT) return CHILD_WROTE;
    if (code != AY_E_DISK_FULL) return CHILD_BAD;
    if (commit_one(store, h + 1) != AY_E_IO) return CHILD_BAD;
    if (ay_store_tip(store).height != h || ay_store_view(store, &view) != AY_OK) return CHILD_BAD;
    if (ay_store_view_tip(view).height != h) return CHILD_BAD;
    ay_store_view_end(view);
    ay_store_close(store);
    return CHILD_FULL;
}

static void test_store_file_size_limit_stops_cleanly_and_goes_on_without(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    int status, full = 0;
    struct stat st;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/data.mdb", path);
    for (uint64_t room = 0;; room += 4096) {
        remove_folder(path);
        assert_int_equal(mkdir(path, 0700), 0);
        fill(path, 3);
        assert_int_equal(stat(file, &st), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const struct rlimit limit = {(rlim_t)st.st_size + room, (rlim_t)st.st_size + room};
            (void)signal(SIGXFSZ, SIG_IGN);
            _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 ? commit_until_full(path) : CHILD_BAD);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != CHILD_BAD);
        (void)assert_whole(path, 3, LAST_HEIGHT);
        fill(path, LAST_HEIGHT);
        assert_int_equal(assert_whole(path, LAST_HEIGHT, LAST_HEIGHT), LAST_HEIGHT);
        if (WEXITSTATUS(status) == CHILD_WROTE) break;
        full++;
    }
    printf("stopped at %d sizes\n", full);
    assert_true(full >= 3);
    remove_folder(path);
}

/* In a mount namespace of its own, so that nothing is left behind. */
static _Noreturn void tmpfs_child(const char *path)
{
    if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) != 0) _exit(CHILD_SKIPPED);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(CHILD_SKIPPED);
    if (mount("none", path, "tmpfs", 0, "size=128k,mode=0700") != 0) _exit(CHILD_SKIPPED);
    fill(path, 1);
    if (commit_until_full(path) != CHILD_FULL) _exit(CHILD_BAD);
    if (mount("none", path, "tmpfs", MS_REMOUNT, "size=8m") != 0) _exit(CHILD_BAD);
    (void)assert_whole(path, 1, LAST_HEIGHT - 1);
    fill(path, LAST_HEIGHT);
    _exit(assert_whole(path, LAST_HEIGHT, LAST_HEIGHT) == LAST_HEIGHT ? CHILD_FULL : CHILD_BAD);
}

static void test_store_full_disk_is_said_and_goes_on_with_room(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) tmpfs_child(path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    remove_folder(path);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPPED) skip(); /* mounting is not allowed here */
    assert_int_equal(WEXITSTATUS(status), CHILD_FULL);
}

/* ---- flipped bits ---- */

enum { FLIP_REFUSED = 20, FLIP_HARMLESS, FLIP_OLDER, FLIP_WRONG };

/* Opens what may be damaged and compares all of the state. */
static _Noreturn void flipped_child(const char *path)
{
    struct ay_store *store;
    struct ay_store_view *view;
    struct ay_slice key = {0}, value;
    uint8_t buf[40];
    (void)alarm(20);
    (void)!freopen("/dev/null", "w", stderr);
    if (ay_store_open(path, NULL, &store) != AY_OK) _exit(FLIP_REFUSED);
    if (ay_store_view(store, &view) != AY_OK) _exit(FLIP_REFUSED);
    struct ay_store_tip tip = ay_store_tip(store);
    struct ay_kv kv = ay_store_kv(view);
    if (tip.height > BASE_HEIGHT || memcmp(tip.root, stream_roots[tip.height], 32) != 0)
        _exit(FLIP_WRONG);
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (!models[tip.height].rows[i].present) continue;
        if (kv.next(kv.self, key, false, &key, &value) != AY_OK) _exit(FLIP_WRONG);
        if (!ay_slice_equal(key, model_key(i, buf))) _exit(FLIP_WRONG);
        if (!ay_slice_equal(value, model_value(&models[tip.height], i))) _exit(FLIP_WRONG);
    }
    if (kv.next(kv.self, key, false, &key, &value) != AY_E_NOT_FOUND) _exit(FLIP_WRONG);
    _exit(tip.height == BASE_HEIGHT ? FLIP_HARMLESS : FLIP_OLDER);
}

/* How a process ended that opened the bytes with one bit turned: one of the above, or died. */
enum { FLIP_DIED = FLIP_WRONG + 1, FLIP_ENDS };

static int open_flipped(const char *path, uint8_t *bytes, size_t len, uint64_t bit)
{
    int status;
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    write_whole(path, bytes, len);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) flipped_child(path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    if (WIFEXITED(status) && WEXITSTATUS(status) >= FLIP_REFUSED) return WEXITSTATUS(status);
    return FLIP_DIED; /* LMDB's own assertion, or the sanitizer's */
}

/* A compacted store at BASE_HEIGHT, so that each row is in the file once. */
static const char *compact_base(uint8_t **bytes, size_t *len)
{
    const char *path = new_folder(0);
    static char copy[80];
    struct ay_store *store;
    fill(path, BASE_HEIGHT);
    (void)snprintf(copy, sizeof copy, "%s_copy", path);
    assert_int_equal(ay_store_open(path, NULL, &store), AY_OK);
    assert_int_equal(ay_store_snapshot(store, copy), AY_OK);
    ay_store_close(store);
    remove_folder(path);
    *len = read_whole(copy, bytes);
    return copy;
}

static void test_store_every_row_with_a_flipped_bit_is_refused(void **state)
{
    (void)state;
    uint8_t *bytes, row[40 + MODEL_VALUE];
    size_t len;
    int rows = 0;
    const char *path = compact_base(&bytes, &len);
    test_seed(98);
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (!models[BASE_HEIGHT].rows[i].present) continue;
        struct ay_slice key = model_key(i, row), value = model_value(&models[BASE_HEIGHT], i);
        memcpy(row + key.len, value.data, value.len);
        const uint8_t *at = memmem(bytes, len, row, key.len + value.len);
        assert_non_null(at);
        uint64_t bit = 8 * (uint64_t)(at - bytes) + test_random_below(8 * (key.len + value.len));
        assert_int_equal(open_flipped(path, bytes, len, bit), FLIP_REFUSED);
        rows++;
    }
    printf("%d rows\n", rows);
    assert_true(rows > 10);
    free(bytes);
    remove_folder(path);
}

/* A flip in LMDB's newer meta page can make the older one the newest, so that the store opens whole
 * at the height before: that is for the layer above to notice. Nothing else may pass as whole. */
static void test_store_random_flipped_bits_never_pass_as_whole(void **state)
{
    (void)state;
    enum { FLIPS = 200 };
    uint8_t *bytes;
    size_t len;
    int ends[FLIP_ENDS - FLIP_REFUSED] = {0};
    const char *path = compact_base(&bytes, &len);
    test_seed(99);
    for (int i = 0; i < FLIPS; i++)
        ends[open_flipped(path, bytes, len, test_random_below(8 * (uint64_t)len)) - FLIP_REFUSED]++;
    printf("%d flips: %d refused, %d stopped the process, %d where open does not read, %d opened "
           "one height before\n",
           FLIPS, ends[0], ends[FLIP_DIED - FLIP_REFUSED], ends[1], ends[2]);
    assert_int_equal(ends[FLIP_WRONG - FLIP_REFUSED], 0);
    assert_true(ends[0] > 0);
    free(bytes);
    remove_folder(path);
}

static void test_store_files_that_are_none_are_refused(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    struct ay_store *store;
    uint8_t noise[16384];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)test_random();
    write_whole(path, noise, sizeof noise);
    assert_int_equal(ay_store_open(path, NULL, &store), AY_E_CORRUPT);
    write_whole(path, noise, 100);
    assert_int_equal(ay_store_open(path, NULL, &store), AY_E_CORRUPT);
    assert_int_equal(ay_store_open("/proc/nowhere/store", NULL, &store), AY_E_IO);
    remove_folder(path);
}

/* ---- every allocation of ours fails once ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int allocations_left = -1; /* the one after these fails; -1: none does */

static bool fails(void)
{
    if (allocations_left < 0) return false;
    return allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static enum ay_code open_commit_view(const char *path, uint64_t height)
{
    struct ay_store *store;
    struct ay_store_view *view;
    AY_TRY(ay_store_open(path, NULL, &store));
    enum ay_code code = commit_one(store, height);
    if (code == AY_OK) code = ay_store_view(store, &view);
    if (code == AY_OK) ay_store_view_end(view);
    ay_store_close(store);
    return code;
}

static void test_store_each_failed_allocation_is_an_error_that_changes_nothing(void **state)
{
    (void)state;
    const char *path = new_folder(0);
    uint8_t *base;
    fill(path, BASE_HEIGHT);
    size_t len = read_whole(path, &base);
    int sites = 0;
    for (enum ay_code code = AY_E_MEMORY; code != AY_OK; sites++) {
        allocations_left = sites;
        code = open_commit_view(path, BASE_HEIGHT + 1);
        bool reached = allocations_left < 0;
        allocations_left = -1;
        assert_int_equal(code, reached ? AY_E_MEMORY : AY_OK);
        (void)assert_whole(path, BASE_HEIGHT, BASE_HEIGHT + 1);
        write_whole(path, base, len);
    }
    printf("%d allocations failed in turn\n", sites - 1);
    assert_true(sites > 5);
    free(base);
    remove_folder(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_killed_at_every_system_call_loses_nothing_acknowledged),
        cmocka_unit_test(test_store_file_size_limit_stops_cleanly_and_goes_on_without),
        cmocka_unit_test(test_store_full_disk_is_said_and_goes_on_with_room),
        cmocka_unit_test(test_store_every_row_with_a_flipped_bit_is_refused),
        cmocka_unit_test(test_store_random_flipped_bits_never_pass_as_whole),
        cmocka_unit_test(test_store_files_that_are_none_are_refused),
        cmocka_unit_test(test_store_each_failed_allocation_is_an_error_that_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_stream, NULL);
}
