#include "tensor/folder.h"

#include "tensor/model_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void remove_part(const struct ay_folder *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        char *path = ay_model_path(f->part, f->names[i]);
        if (path) (void)unlink(path);
        free(path);
    }
    (void)rmdir(f->part);
}

enum ay_code ay_folder_begin(const char *dir, const char *const *names, struct ay_reason *reason,
                             struct ay_folder *out)
{
    struct stat info;
    *out = (struct ay_folder){.dir = dir, .reason = reason};
    if (stat(dir, &info) == 0)
        return ay_reject(reason, AY_E_EXISTS, "%.160s is there already", dir);
    for (; names[out->count]; out->count++) {
        AY_ASSERT(out->count < AY_MAX_FOLDER_FILES);
        out->names[out->count] = names[out->count];
    }
    if (asprintf(&out->part, "%s.part", dir) < 0) return AY_E_MEMORY;
    remove_part(out);
    if (mkdir(out->part, 0777) == 0) return AY_OK;
    enum ay_code code = ay_folder_failed(out, "");
    free(out->part);
    return code;
}

FILE *ay_folder_create(const struct ay_folder *f, const char *name)
{
    char *path = ay_model_path(f->part, name);
    FILE *file = path ? fopen(path, "wbx") : NULL;
    free(path);
    return file;
}

bool ay_folder_finish(FILE *file)
{
    bool ok = fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && ok;
}

enum ay_code ay_folder_failed(const struct ay_folder *f, const char *name)
{
    enum ay_code code = errno == ENOSPC ? AY_E_DISK_FULL : AY_E_IO;
    return ay_reject(f->reason, code, "%.120s/%s: %s", f->part, name, strerror(errno));
}

enum ay_code ay_folder_write(const struct ay_folder *f, const char *name, const void *data,
                             size_t len)
{
    FILE *file = ay_folder_create(f, name);
    bool ok = file && fwrite(data, 1, len, file) == len;
    if (file && !ay_folder_finish(file)) ok = false;
    return ok ? AY_OK : ay_folder_failed(f, name);
}

enum ay_code ay_folder_end(struct ay_folder *f, enum ay_code code)
{
    if (code == AY_OK && rename(f->part, f->dir) != 0) code = ay_folder_failed(f, "");
    if (code != AY_OK) remove_part(f);
    free(f->part);
    f->part = NULL;
    return code;
}
