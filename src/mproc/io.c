#include "mproc/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

void io_advance(struct iovec **iov, int *count, size_t size)
{
    while (*count > 0 && size >= (*iov)->iov_len) {
        size -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + size;
        (*iov)->iov_len -= size;
    }
}

int io_write_all(int fd, struct iovec *iov, int count)
{
    io_advance(&iov, &count, 0);
    while (count > 0) {
        ssize_t n = writev(fd, iov, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        io_advance(&iov, &count, (size_t)n);
    }
    return 0;
}

void io_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int io_above_standard(int *fd)
{
    if (*fd > STDERR_FILENO)
        return 0;
    int above = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (above < 0)
        return -errno;
    close(*fd);
    *fd = above;
    return 0;
}

int io_wait_readable(const int *fds, size_t count, int timeout_ms)
{
    struct pollfd some[8], *all = some;
    if (count > 8 && !(all = calloc(count, sizeof *all)))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    int n = poll(all, count, timeout_ms);
    if (n < 0)
        n = -errno;
    if (all != some)
        free(all);
    return n;
}

int io_wait_writable(int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    int n = poll(&one, 1, timeout_ms);
    return n < 0 ? -errno : n;
}
