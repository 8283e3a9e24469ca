#include "batch/output.h"

#include "batch/arena.h"
#include "batch/durable.h"
#include "batch/nameset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    FOLDERS_OPEN = 16,    /* kept open at most, the oldest goes */
    STALE_SECONDS = 3600, /* age at which a temporary name of another machine is a leftover */
};

/* A temporary name has the number of its home, which stands for this boot of this machine and its
 * process numbers, then the process and a count. */
#define TEMPORARY_FORMAT ".thumbpool-%08x-%d-%u.tmp"
#define TEMPORARY_SCAN   ".thumbpool-%8x-%d-%u.tmp%n"

struct folder {
    char *name; /* relative to the output folder, "" for itself; owned, NULL when free */
    int fd;
};

struct output {
    int root_fd;
    mode_t folder_mode, file_mode; /* of what is made */
    bool is_durable;               /* all of it is flushed */
    struct durable durable;        /* names that are yet to be */
    struct folder folders[FOLDERS_OPEN];
    int folders_most;         /* that are kept open, 1 to FOLDERS_OPEN */
    int next_folder;          /* whose place is taken next */
    uint32_t home;            /* of our temporary names */
    unsigned temporaries;     /* made so far */
    bool unnamed_refused;     /* the file system has no unnamed files */
    bool direct_refused;      /* the kernel links none by descriptor alone */
    struct nameset swept;     /* folders that have been swept */
    struct arena names;       /* of those */
    const char **swept_names; /* by number */
    uint32_t swept_count;
};

/* ---- Flushing ------------------------------------------------------------------------------- */

static void folder_has_name(struct output *output, int folder_fd)
{
    if (output->is_durable)
        durable_named(&output->durable, folder_fd);
}

static int data_flush(const struct output *output, int fd)
{
    return output->is_durable ? durable_data(fd) : 0;
}

int output_flush(struct output *output)
{
    return output->is_durable ? durable_flush(&output->durable) : 0;
}

int output_unflushed(const struct output *output, size_t *ret_names)
{
    *ret_names = output->durable.names;
    return output->durable.error;
}

void output_named(struct output *output)
{
    folder_has_name(output, output->root_fd);
}

/* ---- Sweeping ------------------------------------------------------------------------------- */

/* A number for the space in which our process number means us: this boot, this PID namespace. */
static uint32_t home_number(void)
{
    char boot[64] = "";
    struct stat space = {0};
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t size = read(fd, boot, sizeof boot);
        (void)size; /* whatever there is serves */
        close(fd);
    }
    (void)stat("/proc/self/ns/pid", &space);
    return (uint32_t)XXH3_64bits_withSeed(boot, sizeof boot, space.st_ino);
}

/* True when a temporary file was left by a process that is gone. */
static bool is_leftover(const struct output *output, int folder_fd, const char *name)
{
    unsigned home, number;
    int pid, length = 0;
    if (sscanf(name, TEMPORARY_SCAN, &home, &pid, &number, &length) != 3 || name[length] != '\0' ||
        length == 0)
        return false;
    if (home == output->home)
        return pid != getpid() && kill(pid, 0) != 0 && errno == ESRCH;
    struct stat found;
    return fstatat(folder_fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode) &&
           time(NULL) - found.st_mtime > STALE_SECONDS;
}

static void folder_sweep(const struct output *output, int folder_fd)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)))
        if (is_leftover(output, folder_fd, entry->d_name))
            unlinkat(folder_fd, entry->d_name, 0);
    closedir(folder);
}

static bool swept_is(void *user, uint32_t number, const char *name)
{
    const struct output *output = user;
    return strcmp(output->swept_names[number], name) == 0;
}

/* Sweeps a folder once a run. Without memory to remember it, it is swept again: no harm. */
static void folder_sweep_once(struct output *output, const char *name, int folder_fd)
{
    uint32_t known;
    if (nameset_find(&output->swept, name, &known))
        return;
    folder_sweep(output, folder_fd);
    const char **names = reallocarray(output->swept_names, output->swept_count + 1, sizeof *names);
    if (!names)
        return;
    output->swept_names = names;
    const char *copy = arena_copy(&output->names, name, strlen(name));
    if (!copy)
        return;
    names[output->swept_count] = copy;
    if (nameset_add(&output->swept, name, output->swept_count, &known) == 1)
        output->swept_count++;
}

/* ---- Folders -------------------------------------------------------------------------------- */

/* True for "." and "..". */
static bool is_dots(const char *part, size_t length)
{
    return length <= 2 && strspn(part, ".") >= length;
}

/* Opens the folder name[0..length) below `at`, making it where it is missing. Returns a descriptor,
 * or -errno. */
static int folder_enter(struct output *output, int at, const char *name, size_t length)
{
    char part[NAME_MAX + 1];
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    if (is_dots(name, length))
        return -EINVAL; /* no plan has such a name */
    memcpy(part, name, length);
    part[length] = '\0';
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, part, flags);
    if (fd < 0 && errno == ENOENT) {
        if (mkdirat(at, part, output->folder_mode) == 0)
            folder_has_name(output, at);
        else if (errno != EEXIST)
            return -errno;
        fd = openat(at, part, flags);
    }
    if (fd >= 0)
        return fd;
    struct stat found; /* a link is ENOTDIR to O_DIRECTORY: tell it from a file */
    if (errno == ENOTDIR && fstatat(at, part, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(found.st_mode))
        return -ELOOP;
    return -errno;
}

/* Opens the folder `name` ("a/b", "" for the output folder itself). Returns a descriptor, or
 * -errno. */
static int folder_open(struct output *output, const char *name)
{
    int fd = fcntl(output->root_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    while (fd >= 0 && *name) {
        size_t length = strcspn(name, "/");
        int next = folder_enter(output, fd, name, length);
        close(fd);
        fd = next;
        name += length + strspn(name + length, "/");
    }
    return fd;
}

/* The same from those kept open. The descriptor stays the output's. */
static int folder_get(struct output *output, const char *name)
{
    for (int i = 0; i < FOLDERS_OPEN; i++)
        if (output->folders[i].name && strcmp(output->folders[i].name, name) == 0)
            return output->folders[i].fd;
    struct folder *folder = &output->folders[output->next_folder];
    char *copy = strdup(name);
    int fd = copy ? folder_open(output, name) : -ENOMEM;
    if (fd < 0) {
        free(copy);
        return fd;
    }
    if (folder->name) {
        close(folder->fd);
        free(folder->name);
    }
    *folder = (struct folder){.name = copy, .fd = fd};
    output->next_folder = (output->next_folder + 1) % output->folders_most;
    folder_sweep_once(output, name, fd);
    return fd;
}

/* Notes that the folder above path has got a name in it. The path is cut. */
static void folder_above_has_name(struct output *output, char *path)
{
    if (!output->is_durable)
        return;
    char *slash = strrchr(path, '/');
    if (slash)
        slash[slash == path] = '\0';
    int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return; /* it may be entered and not read: flushed with all else, some time */
    folder_has_name(output, fd);
    close(fd);
}

/* Makes the folder `path` with all above it. Here links are fine: it is the user's own path. */
static int folders_make(struct output *output, const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return length == 0 ? -ENOENT : -ENAMETOOLONG;
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, output->folder_mode) == 0) {
            folder_above_has_name(output, part);
        } else if (errno != EEXIST && errno != EISDIR) {
            struct stat found; /* a folder on a read-only file system says EROFS */
            int error = errno;
            if (stat(part, &found) != 0 || !S_ISDIR(found.st_mode))
                return -error;
        }
    }
    return 0;
}

int output_open(const char *path, struct output_options options, struct output **ret)
{
    struct output *output = calloc(1, sizeof *output);
    if (!output)
        return -ENOMEM;
    nameset_init(&output->swept, swept_is, output);
    output->home = home_number();
    output->folders_most = FOLDERS_OPEN;
    output->is_durable = options.durable;
    output->folder_mode = options.private ? 0700 : 0777;
    output->file_mode = options.private ? 0600 : 0666;
    int error = folders_make(output, path);
    output->root_fd = error < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (output->root_fd < 0) {
        error = error < 0 ? error : -errno;
        output_close(output);
        return error;
    }
    *ret = output;
    return 0;
}

void output_spare(struct output *output, int descriptors)
{
    int folders = 1 + descriptors / 2;
    output->folders_most = folders < FOLDERS_OPEN ? folders : FOLDERS_OPEN;
    int names = descriptors - (output->folders_most - 1);
    output->durable.withheld = names < DURABLE_FOLDERS ? DURABLE_FOLDERS - names : 0;
}

void output_close(struct output *output)
{
    if (!output)
        return;
    for (int i = 0; i < FOLDERS_OPEN; i++) {
        if (output->folders[i].name)
            close(output->folders[i].fd);
        free(output->folders[i].name);
    }
    if (output->root_fd >= 0)
        close(output->root_fd);
    durable_done(&output->durable);
    nameset_done(&output->swept);
    free(output->swept_names);
    arena_done(&output->names);
    free(output);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* True when the file behind `fd` holds exactly these bytes. */
static bool file_equals(int fd, const uint8_t *bytes, size_t size)
{
    uint8_t buffer[16 << 10];
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, buffer, sizeof buffer, (off_t)at);
        if (n <= 0 || (size_t)n > size - at || memcmp(buffer, bytes + at, (size_t)n) != 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

enum standing { STANDING_NONE, STANDING_OTHER, STANDING_SAME };

/* Looks at what has the name already; the same bytes are flushed as new ones would be. Returns enum
 * standing, or -EEXIST, -EISDIR, -EIO. */
static int standing_look(const struct output *output, int folder_fd, const char *name,
                         const uint8_t *bytes, size_t size, struct output_guard guard)
{
    struct stat found;
    if (fstatat(folder_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return STANDING_NONE;
    if (S_ISDIR(found.st_mode))
        return -EISDIR;
    if (found.st_dev == guard.dev && found.st_ino == guard.ino)
        return -EEXIST;
    if (!S_ISREG(found.st_mode) || (uint64_t)found.st_size != size)
        return STANDING_OTHER;
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return STANDING_OTHER;
    bool same = file_equals(fd, bytes, size);
    int error = same ? data_flush(output, fd) : 0;
    close(fd);
    return error < 0 ? error : same ? STANDING_SAME : STANDING_OTHER;
}

static void temporary_name(struct output *output, char *name)
{
    snprintf(name, OUTPUT_TEMPORARY_BYTES, TEMPORARY_FORMAT, output->home, (int)getpid(),
             output->temporaries++);
}

/* Links the unnamed file `fd`: by the descriptor where the kernel lets who opened it (since Linux
 * 6.10; before, it says not found to all but the mighty), else by its place in /proc, which costs
 * twice as much. Returns 0, or -errno, -EEXIST among them. */
static int unnamed_link(struct output *output, int folder_fd, int fd, const char *name)
{
    char self[32];
    if (!output->direct_refused) {
        if (linkat(fd, "", folder_fd, name, AT_EMPTY_PATH) == 0)
            return 0;
        if (errno == EEXIST)
            return -EEXIST;
    }
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, folder_fd, name, AT_SYMLINK_FOLLOW) != 0)
        return -errno;
    output->direct_refused = true;
    return 0;
}

/* Names the unnamed file `fd`. Returns 0, or -errno with nothing left behind. */
static int unnamed_publish(struct output *output, int folder_fd, int fd, const char *name,
                           bool replace)
{
    char temporary[OUTPUT_TEMPORARY_BYTES];
    int error = replace ? -EEXIST : unnamed_link(output, folder_fd, fd, name);
    if (error != -EEXIST)
        return error;
    temporary_name(output, temporary);
    if ((error = unnamed_link(output, folder_fd, fd, temporary)) < 0)
        return error;
    if (renameat(folder_fd, temporary, folder_fd, name) != 0) {
        error = -errno;
        unlinkat(folder_fd, temporary, 0);
        return error;
    }
    return 0;
}

/* Returns 0, -EOPNOTSUPP where there are no unnamed files, or -errno. */
static int write_unnamed(struct output *output, int folder_fd, const char *name,
                         const uint8_t *bytes, size_t size, bool replace)
{
    int fd = openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, output->file_mode);
    if (fd < 0) /* a kernel or file system that does not know the flag sees a folder to write to */
        return errno == EISDIR || errno == ENOENT || errno == EINVAL ? -EOPNOTSUPP : -errno;
    int error = write_all(fd, bytes, size);
    if (error == 0)
        error = data_flush(output, fd);
    if (error == 0)
        error = unnamed_publish(output, folder_fd, fd, name, replace);
    close(fd);
    return error;
}

/* Makes a file of a temporary name. Returns a descriptor, or -errno. */
static int temporary_open(struct output *output, int folder_fd, char *name)
{
    temporary_name(output, name);
    int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    output->file_mode);
    return fd < 0 ? -errno : fd;
}

static int write_temporary(struct output *output, int folder_fd, const char *name,
                           const uint8_t *bytes, size_t size)
{
    char temporary[OUTPUT_TEMPORARY_BYTES];
    int fd = temporary_open(output, folder_fd, temporary);
    if (fd < 0)
        return fd;
    int error = write_all(fd, bytes, size);
    if (error == 0)
        error = data_flush(output, fd);
    if (close(fd) != 0 && error == 0) /* where a network file system tells that the disk is full */
        error = -errno;
    if (error == 0 && renameat(folder_fd, temporary, folder_fd, name) != 0)
        error = -errno;
    if (error < 0)
        unlinkat(folder_fd, temporary, 0);
    return error;
}

static int file_write(struct output *output, int folder_fd, const char *name, const uint8_t *bytes,
                      size_t size, bool replace)
{
    if (!output->unnamed_refused) {
        int error = write_unnamed(output, folder_fd, name, bytes, size, replace);
        /* Not found is what naming says where /proc is not mounted; should it be the folder that
         * has gone, the other way says so again. */
        if (error != -EOPNOTSUPP && error != -ENOENT)
            return error;
        output->unnamed_refused = true;
    }
    return write_temporary(output, folder_fd, name, bytes, size);
}

int output_write(struct output *output, const char *path, const uint8_t *bytes, size_t size,
                 struct output_guard guard, bool force, enum output_written *ret)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, path, length);
    folder[length] = '\0';
    int fd = output->durable.error < 0 ? output->durable.error : folder_get(output, folder);
    if (fd < 0)
        return fd;
    int standing = standing_look(output, fd, name, bytes, size, guard);
    if (standing < 0)
        return standing;
    if (standing == STANDING_SAME && !force) {
        folder_has_name(output, fd);
        *ret = OUTPUT_SAME;
        return 0;
    }
    int error = file_write(output, fd, name, bytes, size, standing != STANDING_NONE);
    if (error < 0)
        return error;
    folder_has_name(output, fd);
    *ret = standing == STANDING_NONE ? OUTPUT_NEW : OUTPUT_REPLACED;
    return 0;
}

int output_folder(const struct output *output)
{
    return output->root_fd;
}

int output_temporary(struct output *output, char name[OUTPUT_TEMPORARY_BYTES])
{
    (void)folder_get(output, ""); /* what others left is swept away */
    return temporary_open(output, output->root_fd, name);
}

/* ---- Removing ------------------------------------------------------------------------------- */

/* Opens the folder path[0..length) below the output folder, without making it. Returns a
 * descriptor, or -errno. */
static int folder_find(const struct output *output, const char *path, size_t length)
{
    char part[NAME_MAX + 1];
    int fd = fcntl(output->root_fd, F_DUPFD_CLOEXEC, 0);
    for (size_t at = 0; fd >= 0 && at < length;) {
        size_t size = strcspn(path + at, "/");
        if (size == 0 || size > NAME_MAX || is_dots(path + at, size)) {
            close(fd);
            return -EINVAL; /* absolute, or with "." or ".." in it: no name of ours */
        }
        memcpy(part, path + at, size);
        part[size] = '\0';
        int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(fd);
        errno = error;
        fd = next;
        at += size + 1;
    }
    return fd < 0 ? -errno : fd;
}

/* Length of the folder part of a path, without its slash. */
static size_t folder_part(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length > 0 ? length - 1 : 0;
}

/* Removes the folder path[0..length) and those above while they are empty, but not the output
 * folder. */
static void folders_remove(struct output *output, const char *path, size_t length)
{
    char folder[PATH_MAX];
    for (; length > 0 && length < sizeof folder; length = folder_part(path, length)) {
        memcpy(folder, path, length);
        folder[length] = '\0';
        int fd = folder_find(output, path, folder_part(path, length));
        const char *slash = strrchr(folder, '/');
        bool removed = fd >= 0 && unlinkat(fd, slash ? slash + 1 : folder, AT_REMOVEDIR) == 0;
        if (fd >= 0)
            close(fd);
        if (!removed)
            return;
    }
}

int output_remove(struct output *output, const char *path, int64_t size)
{
    struct stat found;
    size_t length = folder_part(path, strlen(path));
    int fd = folder_find(output, path, length);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    const char *name = length > 0 ? path + length + 1 : path;
    int removed = 0;
    if (fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode) &&
        found.st_size == size)
        removed = unlinkat(fd, name, 0) == 0 ? 1 : -errno;
    close(fd);
    if (removed == 1)
        folders_remove(output, path, length);
    return removed;
}

/* ---- Errors --------------------------------------------------------------------------------- */

/* True when somebody has removed the output folder: nothing can be made in it any more. */
static bool is_gone(const struct output *output)
{
    struct stat folder;
    return fstat(output->root_fd, &folder) == 0 && folder.st_nlink == 0;
}

bool output_error_is_final(const struct output *output, int error)
{
    return is_gone(output) || error == -ENOSPC || error == -EDQUOT || error == -EROFS ||
           (error == -EACCES && faccessat(output->root_fd, ".", W_OK | X_OK, AT_EACCESS) != 0);
}

const char *output_final_text(const struct output *output, int error)
{
    return is_gone(output) ? "the folder was removed during the run" : strerrordesc_np(-error);
}

const char *output_error_text(int error)
{
    switch (error) {
    case -EEXIST: return "the output is the input itself";
    case -EISDIR: return "the output's name is taken by a folder";
    case -ELOOP: return "a folder on the way to the output is a link";
    default: return strerrordesc_np(-error);
    }
}
