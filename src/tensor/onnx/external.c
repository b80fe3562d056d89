/* Elements in a file beside the model's: only inside its folder, whatever the model says. */
#include "tensor/onnx/build.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *entry(const Onnx__TensorProto *t, const char *key)
{
    for (size_t i = 0; i < t->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->external_data[i];
        if (e->key && e->value && strcmp(e->key, key) == 0) return e->value;
    }
    return NULL;
}

static enum ay_code number(const Onnx__TensorProto *t, const char *key, uint64_t otherwise,
                           uint64_t *out)
{
    const char *text = entry(t, key);
    *out = otherwise;
    return text ? ay_parse_u64(ay_slice_str(text), INT64_MAX, out) : AY_OK;
}

/* A file that has another name could be anybody's, so that must be ruled out too. */
static enum ay_code open_beneath(int folder, const char *path, struct stat *info, int *fd)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    *fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (*fd < 0) return errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO;
    if (fstat(*fd, info) == 0 && S_ISREG(info->st_mode) && info->st_nlink == 1) return AY_OK;
    (void)close(*fd);
    *fd = -1;
    errno = EPERM;
    return AY_E_IO;
}

enum ay_code ay_onnx_external_open(const Onnx__TensorProto *t, int folder, uint64_t bytes,
                                   struct ay_onnx_external *out, struct ay_reason *reason)
{
    const char *path = entry(t, "location"), *name = t->name ? t->name : "";
    uint64_t length;
    struct stat info;
    *out = (struct ay_onnx_external){.fd = -1};
    if (!path || number(t, "offset", 0, &out->offset) != AY_OK ||
        number(t, "length", bytes, &length) != AY_OK || length != bytes)
        return ay_reject(reason, AY_E_FORMAT,
                         "constant %.80s: location, offset or length of its data", name);
    if (folder < 0)
        return ay_reject(reason, AY_E_UNSUPPORTED, "constant %.80s: its data is in another file",
                         name);
    enum ay_code code = open_beneath(folder, path, &info, &out->fd);
    if (code != AY_OK)
        return ay_reject(reason, code,
                         "constant %.60s: %.60s: %s (only a regular file of one name in the "
                         "model's folder is read)",
                         name, path, strerror(errno));
    if (out->offset <= (uint64_t)info.st_size && bytes <= (uint64_t)info.st_size - out->offset)
        return AY_OK;
    (void)close(out->fd);
    out->fd = -1;
    return ay_reject(reason, AY_E_FORMAT, "constant %.60s: %.60s is too short", name, path);
}
