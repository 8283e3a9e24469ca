#include "batch/ledger.h"

#include "batch/durable.h"
#include "batch/lines.h"
#include "batch/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_STEP_MS = 5 };

/* ---- Opening -------------------------------------------------------------------------------- */

int ledger_open(int folder_fd, const char *name, int flags)
{
    struct stat found;
    int fd = openat(folder_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
        return fd;
    close(fd);
    return -EISDIR;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool ledger_lock(int fd, int how, int wait_ms)
{
    struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    for (int64_t end = now_ms() + wait_ms;;) {
        if (flock(fd, how | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
            return true;
        if (now_ms() >= end)
            return false;
        nanosleep(&step, NULL);
    }
}

bool ledger_is_current(int folder_fd, const char *name, int fd)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && fstatat(folder_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int ledger_open_locked(int folder_fd, const char *name, int flags, int wait_ms)
{
    enum { TRIES = 8 }; /* that others write it anew meanwhile */
    for (int i = 0; i < TRIES; i++) {
        int fd = ledger_open(folder_fd, name, flags);
        if (fd < 0)
            return fd;
        bool locked = ledger_lock(fd, LOCK_EX, wait_ms);
        if (locked && ledger_is_current(folder_fd, name, fd))
            return fd;
        close(fd);
        if (!locked)
            break;
    }
    return -EWOULDBLOCK;
}

/* ---- Copying -------------------------------------------------------------------------------- */

struct copying {
    FILE *to;
    ledger_keep_fn *keep;
    void *user;
    char *spare; /* to read a line in, which that writes to; LINES_LONGEST */
};

/* Copies a line if it is an entry that is to be kept. */
static int line_copy(void *user, char *text, size_t size)
{
    const struct copying *copying = user;
    struct entry entry;
    memcpy(copying->spare, text, size);
    if (!entry_read(copying->spare, size, &entry) ||
        (copying->keep && !copying->keep(copying->user, &entry)))
        return 0;
    fwrite(text, 1, size, copying->to);
    return fputc('\n', copying->to) == EOF ? -EIO : 0;
}

static int lines_copy(int fd, struct copying *copying)
{
    struct lines lines;
    enum lines_found found;
    char *text;
    size_t size;
    int64_t offset;
    int error = lines_init(&lines, fd);
    while (error == 0 && (found = lines_next(&lines, &text, &size, &offset)) != LINES_END)
        if (found == LINES_WHOLE)
            error = line_copy(copying, text, size);
    lines_done(&lines);
    return error;
}

int ledger_copy(int fd, FILE *to, ledger_keep_fn *keep, void *user)
{
    struct copying copying = {to, keep, user, malloc(LINES_LONGEST)};
    int error = copying.spare ? lines_copy(fd, &copying) : -ENOMEM;
    free(copying.spare);
    return error;
}

/* The same of those that count alone. */
static int counting_copy(int fd, struct copying *copying)
{
    struct places places = {0};
    int error = places_find(fd, &places);
    if (error == 0)
        error = places_each(fd, &places, line_copy, copying);
    places_done(&places);
    return error;
}

/* ---- Anew ----------------------------------------------------------------------------------- */

/* Fills the file `to`, which is closed. */
static int file_fill(int fd, int to, ledger_keep_fn *keep, void *user, bool durable)
{
    struct copying copying = {fdopen(to, "w"), keep, user, malloc(LINES_LONGEST)};
    if (!copying.to)
        close(to);
    int error = copying.to && copying.spare ? counting_copy(fd, &copying) : -ENOMEM;
    free(copying.spare);
    if (!copying.to)
        return error;
    if (error == 0 && fflush(copying.to) == 0 && durable)
        error = durable_data(fileno(copying.to));
    bool bad = ferror(copying.to) != 0; /* of a piece amid it, which closing may not tell */
    return fclose(copying.to) == 0 && !bad ? error : -EIO;
}

int ledger_replace(struct output *output, const char *name, int fd, ledger_keep_fn *keep,
                   void *user, bool durable)
{
    char temporary[OUTPUT_TEMPORARY_BYTES];
    int folder_fd = output_folder(output);
    int to = output_temporary(output, temporary);
    int error = to < 0 ? to : file_fill(fd, to, keep, user, durable);
    if (error == 0 && renameat(folder_fd, temporary, folder_fd, name) != 0)
        error = -errno;
    if (error < 0 && to >= 0)
        unlinkat(folder_fd, temporary, 0);
    if (error == 0 && durable)
        output_named(output);
    return error;
}
