#include "batch/document.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal, a pipe or /dev/null has no name that could be replaced. */
static bool is_stream(const char *path)
{
    struct stat found;
    return strcmp(path, "-") == 0 || (stat(path, &found) == 0 && !S_ISREG(found.st_mode));
}

int document_open(struct document *ret, const char *path)
{
    struct stat found;
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    *ret = (struct document){.path = path, .name = slash ? slash + 1 : path};
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        return -EISDIR;
    if (ret->name[0] == '\0' || (size_t)(ret->name - path) >= sizeof folder)
        return -EINVAL;
    if (strlen(ret->name) > NAME_MAX)
        return -ENAMETOOLONG;
    if (is_stream(path))
        return 0;
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    int error = output_open(folder, (struct output_options){0}, &ret->output);
    if (error == 0 && access(folder, W_OK | X_OK) != 0)
        error = -errno;
    return error;
}

int document_scratch(const struct document *document)
{
    char name[OUTPUT_TEMPORARY_BYTES];
    int fd = document->output ? output_temporary(document->output, name) : -ESPIPE;
    if (fd >= 0)
        unlinkat(output_folder(document->output), name, 0);
    return fd;
}

/* Prints into `file`, which is closed unless it is standard output. Returns 0, or -errno. */
static int file_fill(FILE *file, document_fn *write, const void *user)
{
    errno = 0;
    write(user, file);
    bool bad = ferror(file) != 0;
    bad |= (file == stdout ? fflush(file) : fclose(file)) != 0;
    return !bad ? 0 : errno ? -errno : -EIO;
}

static int stream_write(const char *path, document_fn *write, const void *user)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    return file ? file_fill(file, write, user) : -errno;
}

int document_write(const struct document *document, document_fn *write, const void *user)
{
    char temporary[OUTPUT_TEMPORARY_BYTES];
    if (!document->output)
        return stream_write(document->path, write, user);
    int folder_fd = output_folder(document->output);
    int fd = output_temporary(document->output, temporary);
    if (fd < 0)
        return fd;
    FILE *file = fdopen(fd, "w");
    int error = file ? file_fill(file, write, user) : -errno;
    if (!file)
        close(fd);
    if (error == 0 && renameat(folder_fd, temporary, folder_fd, document->name) != 0)
        error = -errno;
    if (error < 0)
        unlinkat(folder_fd, temporary, 0);
    return error;
}

void document_close(struct document *document)
{
    output_close(document->output);
    *document = (struct document){0};
}
