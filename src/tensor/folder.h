/* A folder of files that appears whole or not at all: written under another name, renamed when all
 * its bytes are on the disk. */
#ifndef AY_TENSOR_FOLDER_H
#define AY_TENSOR_FOLDER_H

#include "tensor/reason.h"

#include <stdio.h>

#define AY_MAX_FOLDER_FILES 8

struct ay_folder {
    const char *dir; /* where it will be; the caller's */
    char *part;      /* "<dir>.part" */
    const char *names[AY_MAX_FOLDER_FILES];
    uint32_t count;
    struct ay_reason *reason;
};

/* dir must not be there; what an import that was cut short left under the other name is removed.
 * `names`, ended by NULL, are all files that it may have; static. reason is kept for the functions
 * below. AY_E_EXISTS, AY_E_IO, AY_E_MEMORY. */
enum ay_code ay_folder_begin(const char *dir, const char *const *names, struct ay_reason *reason,
                             struct ay_folder *out) AY_MUST;

/* Opens a file to be written; ends in ay_folder_finish. NULL: errno says why. */
FILE *ay_folder_create(const struct ay_folder *folder, const char *name) AY_MUST;
/* Closes; true when the bytes are on the disk. */
bool ay_folder_finish(FILE *file) AY_MUST;
/* The refusal that errno asks for. AY_E_DISK_FULL, AY_E_IO. */
enum ay_code ay_folder_failed(const struct ay_folder *folder, const char *name) AY_MUST;

/* A whole file. AY_E_DISK_FULL, AY_E_IO. */
enum ay_code ay_folder_write(const struct ay_folder *folder, const char *name, const void *data,
                             size_t len) AY_MUST;

/* With AY_OK puts the folder in its place, else removes it; the code, or that of putting. */
enum ay_code ay_folder_end(struct ay_folder *folder, enum ay_code code) AY_MUST;

#endif
