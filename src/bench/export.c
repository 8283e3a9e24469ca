#include "bench/export.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal, a pipe or /dev/null has no name that could be replaced. */
static bool is_stream(const char *path)
{
    struct stat found;
    return strcmp(path, "-") == 0 || (stat(path, &found) == 0 && !S_ISREG(found.st_mode));
}

int export_open(struct export *ret, const char *path, export_fn *write)
{
    struct stat found;
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    *ret = (struct export){.path = path, .name = slash ? slash + 1 : path, .write = write};
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return -EISDIR;
    if (ret->name[0] == '\0' || (size_t)(ret->name - path) >= sizeof folder)
        return -EINVAL;
    if (is_stream(path))
        return 0;
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    int error = output_open(folder, (struct output_options){0}, &ret->output);
    if (error == 0 && access(folder, W_OK | X_OK) != 0)
        error = -errno;
    return error;
}

static int stream_write(const struct export *export, const char *text, size_t size)
{
    FILE *file = strcmp(export->path, "-") == 0 ? stdout : fopen(export->path, "we");
    if (!file)
        return -errno;
    bool bad = fwrite(text, 1, size, file) != size || fflush(file) != 0;
    int error = bad ? -errno : 0;
    if (file != stdout)
        fclose(file);
    return error;
}

int export_write(const struct export *export, const struct bench *bench)
{
    enum output_written written;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return -ENOMEM;
    export->write(bench, file);
    int error = ferror(file) ? -ENOMEM : 0;
    if (fclose(file) != 0)
        error = -ENOMEM;
    if (error == 0)
        error = export->output ? output_write(export->output, export->name, (const uint8_t *)text,
                                              size, (struct output_guard){0}, true, &written)
                               : stream_write(export, text, size);
    free(text);
    return error;
}

void export_close(struct export *export)
{
    output_close(export->output);
    *export = (struct export){0};
}
