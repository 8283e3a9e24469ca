#include "mproc/tail.h"

#include "mproc/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tail_init(struct tail *tail, size_t capacity, int *ret_child_fd)
{
    int fds[2];
    *tail = (struct tail){.fd = -1, .capacity = capacity};
    if (!(tail->bytes = malloc(capacity)))
        return -ENOMEM;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -errno;
    tail->fd = fds[0];
    *ret_child_fd = fds[1];
    fcntl(tail->fd, F_SETFL, O_NONBLOCK);
    int error = io_above_standard(&tail->fd);
    return error < 0 ? error : io_above_standard(ret_child_fd);
}

void tail_done(struct tail *tail)
{
    if (tail->bytes)
        io_close(&tail->fd);
    free(tail->bytes);
    *tail = (struct tail){.fd = -1};
}

void tail_clear(struct tail *tail)
{
    tail->size = 0;
}

/* Keeps the end of what was kept and of data[0..size) together. */
static void tail_keep(struct tail *tail, const char *data, size_t size)
{
    if (size > tail->capacity) {
        data += size - tail->capacity;
        size = tail->capacity;
    }
    size_t old = tail->capacity - size < tail->size ? tail->capacity - size : tail->size;
    memmove(tail->bytes, tail->bytes + tail->size - old, old);
    memcpy(tail->bytes + old, data, size);
    tail->size = old + size;
}

bool tail_drain(struct tail *tail)
{
    enum { ROUNDS = 64 }; /* a worker that floods must not keep the parent here for ever */
    char data[4096];
    for (int i = 0; i < ROUNDS && tail->fd >= 0; i++) {
        ssize_t n = read(tail->fd, data, sizeof data);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        tail_keep(tail, data, (size_t)n);
        struct iovec whole = {.iov_base = data, .iov_len = (size_t)n};
        (void)io_write_all(STDERR_FILENO, &whole, 1); /* nobody to tell, should it fail */
    }
    return true;
}
