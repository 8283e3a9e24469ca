#include "batch/jobserver.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- MAKEFLAGS ------------------------------------------------------------------------------ */

/* Copies the next word of `text` into word[0..size), without the backslashes that make puts before
 * blanks; one that is too long is cut. Returns what follows, or NULL when there was no word. */
static const char *word_next(const char *text, char *word, size_t size)
{
    size_t length = 0;
    while (isblank((unsigned char)*text))
        text++;
    if (*text == '\0')
        return NULL;
    for (; *text != '\0' && !isblank((unsigned char)*text); text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        if (length + 1 < size)
            word[length++] = *text;
    }
    word[length] = '\0';
    return text;
}

/* Puts the name of the jobserver into name[0..size): that of the last option, and nothing behind
 * "--", where variables follow. Returns false when there is none. */
static bool name_find(const char *makeflags, char *name, size_t size)
{
    static const char *const options[] = {"--jobserver-auth=", "--jobserver-fds="};
    char word[PATH_MAX];
    bool found = false;
    for (const char *at = makeflags; at && (at = word_next(at, word, sizeof word));) {
        if (strcmp(word, "--") == 0)
            break;
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
            if (strncmp(word, options[i], strlen(options[i])) == 0) {
                snprintf(name, size, "%s", word + strlen(options[i]));
                found = true;
            }
    }
    return found;
}

/* Options of one letter are the first word, and it has no dash. */
bool jobserver_is_dry_run(const char *makeflags)
{
    if (!makeflags || *makeflags == '-')
        return false;
    size_t length = strcspn(makeflags, " \t");
    return memchr(makeflags, 'n', length) && !memchr(makeflags, '=', length);
}

/* ---- Its two ends --------------------------------------------------------------------------- */

/* Opens a FIFO anew: whether a descriptor blocks is a matter of the open file, and those that came
 * from make are shared with everybody whom it has started. Returns the descriptor or -errno. */
static int fifo_open(const char *path, int how)
{
    struct stat found;
    int fd = open(path, how | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &found) == 0 && S_ISFIFO(found.st_mode))
        return fd;
    close(fd);
    return -EBADF;
}

/* An end that was inherited. What is no FIFO, or open the other way, belongs to somebody else, and
 * is not touched. */
static int inherited_open(int inherited, int how)
{
    struct stat found;
    char path[32];
    int flags = fcntl(inherited, F_GETFL);
    if (flags < 0 || fstat(inherited, &found) != 0 || !S_ISFIFO(found.st_mode))
        return -EBADF;
    if ((flags & O_ACCMODE) != how && (flags & O_ACCMODE) != O_RDWR)
        return -EBADF;
    snprintf(path, sizeof path, "/proc/self/fd/%d", inherited);
    return fifo_open(path, how);
}

/* "R,W". Make itself writes -2,-2 where it gives no descriptors. */
static int pair_open(const char *name, struct jobserver *jobserver)
{
    int fds[2], end = 0;
    if (sscanf(name, "%9d,%9d%n", &fds[0], &fds[1], &end) != 2 || name[end] != '\0')
        return -EINVAL;
    if (fds[0] < 0 || fds[1] < 0)
        return -EBADF;
    jobserver->read_fd = inherited_open(fds[0], O_RDONLY);
    jobserver->write_fd = inherited_open(fds[1], O_WRONLY);
    return 0;
}

/* "fifo:PATH". For both ways at once, since a FIFO without a reader cannot be opened for writing
 * alone. */
static int named_open(const char *path, struct jobserver *jobserver)
{
    jobserver->read_fd = fifo_open(path, O_RDWR);
    jobserver->write_fd = fifo_open(path, O_RDWR);
    return 0;
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static bool token_take(struct jobserver *jobserver)
{
    ssize_t got;
    do
        got = read(jobserver->read_fd, &jobserver->tokens[jobserver->held], 1);
    while (got < 0 && errno == EINTR);
    jobserver->held += got == 1;
    return got == 1;
}

/* A pipe that has no room, or nobody at its other end, has no use for the token either. */
static void token_put(struct jobserver *jobserver)
{
    ssize_t put;
    jobserver->held--;
    do
        put = write(jobserver->write_fd, &jobserver->tokens[jobserver->held], 1);
    while (put < 0 && errno == EINTR);
}

int jobserver_open(const char *makeflags, int jobs, struct jobserver *ret)
{
    char name[PATH_MAX];
    *ret = (struct jobserver){.read_fd = -1, .write_fd = -1, .most = jobs - 1};
    if (!name_find(makeflags, name, sizeof name))
        return 0;
    bool named = strncmp(name, "fifo:", 5) == 0;
    int error = named ? named_open(name + 5, ret) : pair_open(name, ret);
    if (error == 0 && (ret->read_fd < 0 || ret->write_fd < 0))
        error = ret->read_fd < 0 ? ret->read_fd : ret->write_fd;
    if (error == 0 && !(ret->tokens = malloc((size_t)jobs)))
        error = -ENOMEM;
    if (error < 0)
        jobserver_close(ret);
    return error < 0 ? error : 1;
}

bool jobserver_allows(struct jobserver *jobserver, int running)
{
    if (running <= jobserver->held)
        return true; /* one needs none */
    return jobserver->held < jobserver->most && token_take(jobserver);
}

void jobserver_keep(struct jobserver *jobserver, int running)
{
    while (jobserver->held > 0 && jobserver->held >= running)
        token_put(jobserver);
}

void jobserver_close(struct jobserver *jobserver)
{
    jobserver_keep(jobserver, 0);
    if (jobserver->read_fd >= 0)
        close(jobserver->read_fd);
    if (jobserver->write_fd >= 0)
        close(jobserver->write_fd);
    free(jobserver->tokens);
    *jobserver = (struct jobserver){.read_fd = -1, .write_fd = -1};
}
