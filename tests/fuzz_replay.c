/* Runs a fuzz target once over each file of the folders named, so that every test run replays the
 * corpora without a fuzzer. Fails when there is no file, or one cannot be read. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    int result = -1;
    FILE *file = fopen(path, "rb");
    if (!file) return -1;
    uint8_t *data = NULL;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) goto out;
    data = malloc(size ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) goto out;
    LLVMFuzzerTestOneInput(data, (size_t)size);
    result = 0;
out:
    free(data);
    fclose(file);
    return result;
}

/* The number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
    int count = 0;
    char path[4096];
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    for (struct dirent *entry; count >= 0 && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count = replay_file(path) == 0 ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        printf("%s: %d inputs\n", argv[i], count);
        if (count <= 0) return EXIT_FAILURE;
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
