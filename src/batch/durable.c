#include "batch/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

int durable_data(int fd)
{
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* EINVAL is what says a file system whose folders cannot be flushed. */
static int folder_flush(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return errno == EINVAL ? 0 : -errno;
    return 0;
}

static void error_keep(struct durable *durable, int error)
{
    if (durable->error == 0)
        durable->error = error;
}

static int folders_most(const struct durable *durable)
{
    return DURABLE_FOLDERS - durable->withheld;
}

/* Forgets the folders. */
static void folders_close(struct durable *durable)
{
    for (int i = 0; i < durable->count; i++)
        close(durable->folders[i].fd);
    durable->count = 0;
}

/* True when the folder is among those to be flushed. */
static bool is_noted(const struct durable *durable, const struct stat *folder)
{
    for (int i = 0; i < durable->count; i++)
        if (durable->folders[i].ino == folder->st_ino && durable->folders[i].dev == folder->st_dev)
            return true;
    return false;
}

static void folder_note(struct durable *durable, int folder_fd, const struct stat *folder)
{
    bool room = durable->count < folders_most(durable);
    int fd = room ? fcntl(folder_fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd >= 0)
        durable->folders[durable->count++] =
            (struct durable_folder){fd, folder->st_dev, folder->st_ino};
    else /* no descriptor is left: now, then */
        error_keep(durable, folder_flush(folder_fd));
}

void durable_named(struct durable *durable, int folder_fd)
{
    struct stat folder;
    bool known = fstat(folder_fd, &folder) == 0;
    if (!known)
        error_keep(durable, -errno);
    bool noted = known && is_noted(durable, &folder);
    if (!noted && durable->count == folders_most(durable))
        (void)durable_flush(durable);
    durable->names++;
    if (known && !noted)
        folder_note(durable, folder_fd, &folder);
}

int durable_flush(struct durable *durable)
{
    for (int i = 0; i < durable->count; i++)
        error_keep(durable, folder_flush(durable->folders[i].fd));
    folders_close(durable);
    if (durable->error == 0)
        durable->names = 0;
    return durable->error;
}

void durable_done(struct durable *durable)
{
    folders_close(durable);
}
