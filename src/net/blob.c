#include "net/blob.h"

#include "base/text.h"
#include "crypto/merkle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ID_BYTES = 32,
    NAME_BYTES = 2 * ID_BYTES + 8, /* hex, a suffix, NUL */
};

static const char PIN_SUFFIX[] = ".pin";
static const char PART_PREFIX[] = "part-";

struct entry {
    uint8_t id[ID_BYTES];
    uint64_t len_bytes;
    uint64_t age; /* a counter: the lower, the older */
    bool pinned;
};

struct ay_blob_store {
    int dir;
    struct ay_blob_limits limits;
    pthread_mutex_t lock; /* of what follows */
    struct entry *entries;
    uint32_t count;
    uint64_t total_bytes, clock, parts;
};

struct ay_blob_writer {
    struct ay_blob_store *store;
    int fd;
    char part[NAME_BYTES];
    uint64_t len_bytes;
    struct ay_merkle tree;
    uint8_t chunk[AY_BLOB_CHUNK]; /* what is hashed once it is full */
    uint32_t chunk_len;
};

static enum ay_code code_from_errno(void)
{
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return AY_E_DISK_FULL;
    return errno == ENOENT ? AY_E_NOT_FOUND : errno == ENOMEM ? AY_E_MEMORY : AY_E_IO;
}

static void name_of(const uint8_t id[ID_BYTES], const char *suffix, char out[NAME_BYTES])
{
    struct ay_text name = ay_text_over(out, NAME_BYTES);
    ay_text_hex(&name, ay_slice(id, ID_BYTES));
    ay_text_str(&name, suffix);
}

static struct entry *find(struct ay_blob_store *store, const uint8_t id[ID_BYTES])
{
    for (uint32_t i = 0; i < store->count; i++)
        if (!memcmp(store->entries[i].id, id, ID_BYTES)) return &store->entries[i];
    return NULL;
}

/* Removing */

static enum ay_code drop(struct ay_blob_store *store, struct entry *entry)
{
    char name[NAME_BYTES];
    name_of(entry->id, "", name);
    if (unlinkat(store->dir, name, 0) && errno != ENOENT) return code_from_errno();
    name_of(entry->id, PIN_SUFFIX, name);
    if (unlinkat(store->dir, name, 0) && errno != ENOENT) return code_from_errno();
    store->total_bytes -= entry->len_bytes;
    *entry = store->entries[--store->count];
    return AY_OK;
}

/* Removes the oldest unpinned blobs until one of len_bytes fits. */
static enum ay_code make_room(struct ay_blob_store *store, uint64_t len_bytes)
{
    const struct ay_blob_limits *limits = &store->limits;
    if (len_bytes > limits->max_total_bytes) return AY_E_LIMIT;
    while (store->count >= limits->max_files ||
           store->total_bytes > limits->max_total_bytes - len_bytes) {
        struct entry *oldest = NULL;
        for (uint32_t i = 0; i < store->count; i++) {
            struct entry *e = &store->entries[i];
            if (!e->pinned && (!oldest || e->age < oldest->age)) oldest = e;
        }
        if (!oldest) return AY_E_LIMIT;
        AY_TRY(drop(store, oldest));
    }
    return AY_OK;
}

/* Opening */

struct found {
    struct timespec modified;
    struct entry entry;
};

static int by_age(const void *a, const void *b)
{
    const struct timespec *x = &((const struct found *)a)->modified;
    const struct timespec *y = &((const struct found *)b)->modified;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Looks at one file of the folder: a blob, a pin (seen with its blob) or what a crash left. */
static enum ay_code scan_file(struct ay_blob_store *store, const char *name, struct found *out,
                              bool *is_blob)
{
    uint32_t len = 0;
    struct stat st;
    char pin[NAME_BYTES];
    *is_blob = false;
    if (!strncmp(name, PART_PREFIX, sizeof PART_PREFIX - 1))
        return unlinkat(store->dir, name, 0) ? code_from_errno() : AY_OK;
    if (strlen(name) != 2 * ID_BYTES ||
        ay_parse_hex(ay_slice_str(name), out->entry.id, ID_BYTES, &len) != AY_OK)
        return AY_OK;
    if (fstatat(store->dir, name, &st, AT_SYMLINK_NOFOLLOW)) return code_from_errno();
    if (!S_ISREG(st.st_mode)) return AY_OK;
    out->entry.len_bytes = (uint64_t)st.st_size;
    out->modified = st.st_mtim;
    name_of(out->entry.id, PIN_SUFFIX, pin);
    out->entry.pinned = faccessat(store->dir, pin, F_OK, 0) == 0;
    *is_blob = true;
    return AY_OK;
}

static enum ay_code scan(struct ay_blob_store *store)
{
    int fd = openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct found *all = calloc(store->limits.max_files, sizeof *all);
    enum ay_code code = !dir ? AY_E_IO : !all ? AY_E_MEMORY : AY_OK;
    uint32_t n = 0;
    for (struct dirent *file; code == AY_OK && (file = readdir(dir));) {
        bool is_blob;
        if (n == store->limits.max_files)
            code = AY_E_LIMIT;
        else
            code = scan_file(store, file->d_name, &all[n], &is_blob);
        if (code == AY_OK) n += is_blob;
    }
    if (code == AY_OK) {
        qsort(all, n, sizeof *all, by_age);
        for (uint32_t i = 0; i < n; i++) {
            store->entries[i] = all[i].entry;
            store->entries[i].age = ++store->clock;
            store->total_bytes += all[i].entry.len_bytes;
        }
        store->count = n;
    }
    free(all);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return code;
}

enum ay_code ay_blob_open(const char *dir, const struct ay_blob_limits *limits,
                          struct ay_blob_store **out)
{
    struct ay_blob_store *store = calloc(1, sizeof *store);
    if (!store) return AY_E_MEMORY;
    store->limits = *limits;
    if (!store->limits.max_blob_bytes) store->limits.max_blob_bytes = 64 << 20;
    if (!store->limits.max_total_bytes) store->limits.max_total_bytes = 4ULL << 30;
    if (!store->limits.max_files) store->limits.max_files = 65536;
    AY_ASSERT(store->limits.max_blob_bytes <= UINT32_MAX);
    pthread_mutex_init(&store->lock, NULL);
    store->dir = -1;
    store->entries = calloc(store->limits.max_files, sizeof *store->entries);
    enum ay_code code = store->entries ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK && mkdir(dir, 0700) && errno != EEXIST) code = code_from_errno();
    if (code == AY_OK) store->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (code == AY_OK && store->dir < 0) code = AY_E_IO;
    if (code == AY_OK && flock(store->dir, LOCK_EX | LOCK_NB))
        code = errno == EWOULDBLOCK ? AY_E_EXISTS : AY_E_IO;
    if (code == AY_OK) code = scan(store);
    if (code != AY_OK) {
        ay_blob_close(store);
        return code;
    }
    *out = store;
    return AY_OK;
}

void ay_blob_close(struct ay_blob_store *store)
{
    if (!store) return;
    if (store->dir >= 0) close(store->dir);
    pthread_mutex_destroy(&store->lock);
    free(store->entries);
    free(store);
}

/* Writing */

void ay_blob_id(struct ay_slice bytes, uint8_t id[32])
{
    struct ay_merkle tree = {0};
    for (uint32_t at = 0; at < bytes.len; at += AY_BLOB_CHUNK) {
        uint32_t rest = bytes.len - at;
        ay_merkle_add(&tree,
                      ay_slice(bytes.data + at, rest < AY_BLOB_CHUNK ? rest : AY_BLOB_CHUNK));
    }
    ay_merkle_root(&tree, id);
}

enum ay_code ay_blob_begin(struct ay_blob_store *store, struct ay_blob_writer **out)
{
    struct ay_blob_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return AY_E_MEMORY;
    writer->store = store;
    pthread_mutex_lock(&store->lock);
    uint64_t number = store->parts++;
    pthread_mutex_unlock(&store->lock);
    snprintf(writer->part, sizeof writer->part, "%s%llu", PART_PREFIX, (unsigned long long)number);
    writer->fd = openat(store->dir, writer->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        free(writer);
        return code_from_errno();
    }
    *out = writer;
    return AY_OK;
}

static void writer_free(struct ay_blob_writer *writer)
{
    close(writer->fd);
    free(writer);
}

void ay_blob_abort(struct ay_blob_writer *writer)
{
    unlinkat(writer->store->dir, writer->part, 0);
    writer_free(writer);
}

static void hash_piece(struct ay_blob_writer *writer, struct ay_slice piece)
{
    while (piece.len) {
        uint32_t n = AY_BLOB_CHUNK - writer->chunk_len;
        if (n > piece.len) n = piece.len;
        memcpy(writer->chunk + writer->chunk_len, piece.data, n);
        writer->chunk_len += n;
        piece = ay_slice(piece.data + n, piece.len - n);
        if (writer->chunk_len < AY_BLOB_CHUNK) return;
        ay_merkle_add(&writer->tree, AY_SLICE_OF(writer->chunk));
        writer->chunk_len = 0;
    }
}

enum ay_code ay_blob_append(struct ay_blob_writer *writer, struct ay_slice piece)
{
    if (piece.len > writer->store->limits.max_blob_bytes - writer->len_bytes) return AY_E_LIMIT;
    for (uint32_t at = 0; at < piece.len;) {
        ssize_t n = write(writer->fd, piece.data + at, piece.len - at);
        if (n < 0 && errno != EINTR) return code_from_errno();
        if (n > 0) at += (uint32_t)n;
    }
    hash_piece(writer, piece);
    writer->len_bytes += piece.len;
    return AY_OK;
}

/* Moves a synced part to its place; the lock is held. */
static enum ay_code install(struct ay_blob_writer *writer, const uint8_t id[ID_BYTES])
{
    struct ay_blob_store *store = writer->store;
    char name[NAME_BYTES];
    name_of(id, "", name);
    struct entry *entry = find(store, id);
    if (!entry) {
        AY_TRY(make_room(store, writer->len_bytes));
        entry = &store->entries[store->count];
    }
    if (renameat(store->dir, writer->part, store->dir, name)) return code_from_errno();
    if (entry == &store->entries[store->count]) {
        store->count++;
        store->total_bytes += writer->len_bytes;
        *entry = (struct entry){.len_bytes = writer->len_bytes};
        memcpy(entry->id, id, ID_BYTES);
    }
    entry->age = ++store->clock;
    return fsync(store->dir) ? code_from_errno() : AY_OK;
}

enum ay_code ay_blob_commit(struct ay_blob_writer *writer, const uint8_t want[32], uint8_t id[32])
{
    struct ay_blob_store *store = writer->store;
    uint8_t root[ID_BYTES];
    if (writer->chunk_len) ay_merkle_add(&writer->tree, ay_slice(writer->chunk, writer->chunk_len));
    ay_merkle_root(&writer->tree, root);
    enum ay_code code = want && memcmp(want, root, ID_BYTES) != 0 ? AY_E_HASH : AY_OK;
    if (code == AY_OK && fsync(writer->fd)) code = code_from_errno();
    if (code == AY_OK) {
        pthread_mutex_lock(&store->lock);
        code = install(writer, root);
        pthread_mutex_unlock(&store->lock);
    }
    if (code == AY_OK && id) memcpy(id, root, ID_BYTES);
    if (code == AY_OK)
        writer_free(writer);
    else
        ay_blob_abort(writer);
    return code;
}

enum ay_code ay_blob_put(struct ay_blob_store *store, struct ay_slice bytes, uint8_t id[32])
{
    struct ay_blob_writer *writer;
    AY_TRY(ay_blob_begin(store, &writer));
    enum ay_code code = ay_blob_append(writer, bytes);
    if (code == AY_OK) return ay_blob_commit(writer, NULL, id);
    ay_blob_abort(writer);
    return code;
}

/* Reading */

enum ay_code ay_blob_file(struct ay_blob_store *store, const uint8_t id[32], int *fd,
                          uint64_t *len_bytes)
{
    char name[NAME_BYTES];
    struct stat st;
    name_of(id, "", name);
    int file = openat(store->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return code_from_errno();
    if (fstat(file, &st)) {
        close(file);
        return AY_E_IO;
    }
    *fd = file;
    *len_bytes = (uint64_t)st.st_size;
    return AY_OK;
}

enum ay_code ay_blob_get(struct ay_blob_store *store, const uint8_t id[32], uint8_t **bytes,
                         uint32_t *len_bytes)
{
    int fd;
    uint64_t size, at = 0;
    uint8_t root[ID_BYTES];
    AY_TRY(ay_blob_file(store, id, &fd, &size));
    uint8_t *data = size <= store->limits.max_blob_bytes ? malloc(size + 1) : NULL;
    enum ay_code code = data                                   ? AY_OK
                        : size <= store->limits.max_blob_bytes ? AY_E_MEMORY
                                                               : AY_E_CORRUPT;
    while (code == AY_OK && at < size) {
        ssize_t n = read(fd, data + at, size - at);
        if (n == 0 || (n < 0 && errno != EINTR)) code = AY_E_CORRUPT;
        if (n > 0) at += (uint64_t)n;
    }
    close(fd);
    if (code == AY_OK) {
        ay_blob_id(ay_slice(data, (uint32_t)size), root);
        if (memcmp(root, id, ID_BYTES) != 0) code = AY_E_CORRUPT;
    }
    if (code == AY_OK) {
        *bytes = data;
        *len_bytes = (uint32_t)size;
        return AY_OK;
    }
    free(data);
    if (code == AY_E_CORRUPT && ay_blob_remove(store, id) != AY_OK) return AY_E_IO;
    return code;
}

/* Keeping */

enum ay_code ay_blob_pin(struct ay_blob_store *store, const uint8_t id[32], bool pinned)
{
    char name[NAME_BYTES];
    name_of(id, PIN_SUFFIX, name);
    enum ay_code code = AY_OK;
    pthread_mutex_lock(&store->lock);
    struct entry *entry = find(store, id);
    if (!entry) {
        code = AY_E_NOT_FOUND;
    } else if (pinned) {
        int fd = openat(store->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            code = code_from_errno();
        else
            close(fd);
    } else if (unlinkat(store->dir, name, 0) && errno != ENOENT) {
        code = code_from_errno();
    }
    if (code == AY_OK && fsync(store->dir)) code = code_from_errno();
    if (code == AY_OK) entry->pinned = pinned;
    pthread_mutex_unlock(&store->lock);
    return code;
}

enum ay_code ay_blob_remove(struct ay_blob_store *store, const uint8_t id[32])
{
    pthread_mutex_lock(&store->lock);
    struct entry *entry = find(store, id);
    enum ay_code code = entry ? drop(store, entry) : AY_E_NOT_FOUND;
    pthread_mutex_unlock(&store->lock);
    return code;
}

void ay_blob_usage(struct ay_blob_store *store, uint64_t *total_bytes, uint32_t *files)
{
    pthread_mutex_lock(&store->lock);
    *total_bytes = store->total_bytes;
    *files = store->count;
    pthread_mutex_unlock(&store->lock);
}
