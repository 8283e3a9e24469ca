#include "batch/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Names ---------------------------------------------------------------------------------- */

void parts_name(const struct shard *shard, char name[PARTS_NAME_BYTES])
{
    if (shard->count == 0)
        strcpy(name, MANIFEST_NAME);
    else
        snprintf(name, PARTS_NAME_BYTES, ".thumbpool-%u-of-%u.ndjson", shard->index, shard->count);
}

bool parts_is_name(const char *name)
{
    static const char before[] = ".thumbpool-", between[] = "-of-";
    struct shard shard;
    char same[PARTS_NAME_BYTES];
    if (strncmp(name, before, strlen(before)) != 0)
        return false;
    const char *rest = shard_number(name + strlen(before), &shard.index);
    if (!rest || strncmp(rest, between, strlen(between)) != 0 ||
        !shard_number(rest + strlen(between), &shard.count))
        return false;
    if (shard.index < 1 || shard.index > shard.count || shard.count > SHARD_MOST)
        return false;
    parts_name(&shard, same);
    return strcmp(name, same) == 0;
}

/* ---- Which there are ------------------------------------------------------------------------ */

struct part {
    char name[PARTS_NAME_BYTES];
    struct stat stat; /* before it is read */
    bool taken;       /* it was read */
};

/* The manifest is among them. */
struct parts {
    struct part *all; /* the one that was changed last comes last; owned */
    size_t count, capacity;
};

static void parts_done(struct parts *parts)
{
    free(parts->all);
    *parts = (struct parts){0};
}

/* Adds a file if it is one. Returns 0 or -ENOMEM. */
static int part_add(struct parts *parts, int folder_fd, const char *name)
{
    struct part part = {0};
    if (fstatat(folder_fd, name, &part.stat, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(part.stat.st_mode))
        return 0;
    if (parts->count == parts->capacity) {
        size_t capacity = parts->capacity ? parts->capacity * 2 : 16;
        struct part *all = reallocarray(parts->all, capacity, sizeof *all);
        if (!all)
            return -ENOMEM;
        parts->all = all;
        parts->capacity = capacity;
    }
    snprintf(part.name, sizeof part.name, "%s", name);
    parts->all[parts->count++] = part;
    return 0;
}

/* Adds all parts in the folder. Returns 0 or -errno. */
static int folder_list(struct parts *parts, int folder_fd)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    int error = folder ? 0 : -errno;
    if (!folder && fd >= 0)
        close(fd);
    const struct dirent *entry;
    while (error == 0 && (entry = readdir(folder)))
        if (parts_is_name(entry->d_name))
            error = part_add(parts, folder_fd, entry->d_name);
    if (folder)
        closedir(folder);
    return error;
}

/* By their times; of one time, the manifest is what a part may have added to. */
static int part_compare(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    const struct timespec *x = &a->stat.st_mtim, *y = &b->stat.st_mtim;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    if (x->tv_nsec != y->tv_nsec)
        return x->tv_nsec < y->tv_nsec ? -1 : 1;
    return parts_is_name(a->name) - parts_is_name(b->name);
}

/* Lists what there is to read. Returns 0 or -errno; parts_done() either way. */
static int parts_list(int folder_fd, const struct shard *shard, struct parts *ret)
{
    char own[PARTS_NAME_BYTES];
    *ret = (struct parts){0};
    int error = part_add(ret, folder_fd, MANIFEST_NAME);
    parts_name(shard, own);
    if (error == 0)
        error = shard->count > 0 ? part_add(ret, folder_fd, own) : folder_list(ret, folder_fd);
    if (error == 0 && ret->count > 1)
        qsort(ret->all, ret->count, sizeof *ret->all, part_compare);
    return error;
}

/* True when there is a file beside that one. */
static bool has_others(const struct parts *parts, const char *name)
{
    return parts->count > 1 || (parts->count == 1 && strcmp(parts->all[0].name, name) != 0);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Makes an unnamed file, which costs memory only where there is no other way. */
static int scratch_open(void)
{
    int fd = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("manifest", MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Copies them one after another. One that cannot be opened is passed over. Returns 0 or -errno. */
static int all_copy(int folder_fd, struct parts *parts, FILE *to, ledger_keep_fn *keep, void *user)
{
    int error = 0;
    for (size_t i = 0; i < parts->count && error == 0; i++) {
        int fd = ledger_open(folder_fd, parts->all[i].name, O_RDONLY);
        if (fd < 0)
            continue;
        error = ledger_copy(fd, to, keep, user);
        parts->all[i].taken = error == 0;
        close(fd);
    }
    return error;
}

/* Returns a descriptor of an unnamed file with all lines, or -errno. */
static int parts_copy(int folder_fd, struct parts *parts, ledger_keep_fn *keep, void *user)
{
    int fd = scratch_open();
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0); /* which the stream closes */
    FILE *to = copy < 0 ? NULL : fdopen(copy, "w");
    int error = fd < 0 ? fd : to ? all_copy(folder_fd, parts, to, keep, user) : -ENOMEM;
    if (!to && copy >= 0)
        close(copy);
    if (to && (fflush(to) != 0 || ferror(to)) && error == 0)
        error = -EIO;
    if (to && fclose(to) != 0 && error == 0)
        error = -EIO;
    if (error < 0 && fd >= 0)
        close(fd);
    return error < 0 ? error : fd;
}

int parts_gather(int folder_fd, const struct shard *shard, ledger_keep_fn *keep, void *user)
{
    struct parts parts;
    char own[PARTS_NAME_BYTES];
    parts_name(shard, own);
    int fd = parts_list(folder_fd, shard, &parts);
    if (fd == 0)
        fd = has_others(&parts, own) ? parts_copy(folder_fd, &parts, keep, user) : -ENOENT;
    parts_done(&parts);
    return fd;
}

/* ---- Joining -------------------------------------------------------------------------------- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Removes a part unless a shard has it, or has written to it since it was looked at. */
static void part_remove(int folder_fd, const struct part *part)
{
    struct stat found;
    int fd = ledger_open_locked(folder_fd, part->name, O_RDWR, 0);
    if (fd < 0)
        return;
    if (fstat(fd, &found) == 0 && is_same(&found, &part->stat))
        unlinkat(folder_fd, part->name, 0);
    close(fd);
}

/* True when the manifest could not be read, which is not to be replaced then. */
static bool manifest_is_missed(const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        if (!parts_is_name(parts->all[i].name) && !parts->all[i].taken)
            return true;
    return false;
}

/* Writes the manifest anew, with the parts in it. */
static int joined_write(struct output *output, struct parts *parts, bool durable)
{
    int fd = parts_copy(output_folder(output), parts, NULL, NULL);
    if (fd < 0)
        return fd;
    int error = manifest_is_missed(parts) ? -EIO : 0;
    if (error == 0)
        error = ledger_replace(output, MANIFEST_NAME, fd, NULL, NULL, durable);
    if (error == 0 && durable)
        error = output_flush(output);
    close(fd);
    return error;
}

/* Joins them while the manifest's lock is held. */
static int locked_join(struct output *output, bool durable)
{
    const struct shard none = {0};
    struct parts parts;
    int folder_fd = output_folder(output);
    int error = parts_list(folder_fd, &none, &parts);
    if (error == 0)
        error = joined_write(output, &parts, durable);
    for (size_t i = 0; i < parts.count && error == 0; i++)
        if (parts_is_name(parts.all[i].name) && parts.all[i].taken)
            part_remove(folder_fd, &parts.all[i]);
    parts_done(&parts);
    return error;
}

int parts_join(struct output *output, bool durable)
{
    const struct shard none = {0};
    struct parts parts;
    int folder_fd = output_folder(output);
    int error = parts_list(folder_fd, &none, &parts);
    bool any = error == 0 && has_others(&parts, MANIFEST_NAME);
    parts_done(&parts);
    if (!any)
        return error;
    int fd = ledger_open_locked(folder_fd, MANIFEST_NAME, O_RDWR | O_CREAT, LEDGER_WAIT_MS);
    if (fd < 0)
        return fd;
    error = locked_join(output, durable);
    close(fd);
    return error;
}
