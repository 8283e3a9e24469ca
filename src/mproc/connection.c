/* The connection: one end of a stream socket pair that carries messages, each a head and its bytes.
 *
 * The receiver reads what has come into a buffer of its own, so that a call which ends early has
 * lost nothing, and which grows with what arrives, not with what a head announces. Descriptors come
 * with the first bytes of their message. The kernel ends a read behind bytes that had some, so
 * while the first message in the buffer is not whole, those that wait here are its own. */
#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/mproc.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ROOM_MIN = 16 << 10,              /* of the buffer */
    ROOM_KEPT = 1 << 20,              /* of an empty buffer; more is given back */
    FDS_HELD = 2 * MP_MESSAGE_FDS_MAX /* those of one message, and of the next that came with it */
};

struct head {
    uint32_t size;     /* bytes of the message */
    uint32_t fd_count; /* descriptors with it */
};

struct mp_connection {
    int fd;
    ino_t inode;          /* of the socket, by which the number is known to be still its own */
    int send_error;       /* why nothing can be sent, or 0 */
    int receive_error;    /* why nothing more can be received, or 0 */
    unsigned char *bytes; /* the buffer */
    size_t begin;         /* of the first message in it */
    size_t end;           /* of what has come */
    size_t room;
    int fds[FDS_HELD]; /* that have come and belong to messages in the buffer */
    unsigned fd_count;
    pid_t receiver; /* whose numbers these are */
};

union control {
    struct cmsghdr align;
    unsigned char bytes[CMSG_SPACE(MP_MESSAGE_FDS_MAX * sizeof(int))];
};

/* ---- Creating and closing ------------------------------------------------------------------- */

/* Takes the descriptor over when it succeeds. */
static int connection_create(int *fd, struct mp_connection **ret)
{
    struct stat about;
    int error = io_above_standard(fd);
    if (error < 0)
        return error;
    if (fstat(*fd, &about) != 0)
        return -errno;
    struct mp_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return -ENOMEM;
    connection->fd = *fd;
    connection->inode = about.st_ino;
    *fd = -1;
    *ret = connection;
    return 0;
}

int mp_pipe_create(bool duplex, struct mp_connection **ret_a, struct mp_connection **ret_b)
{
    int fds[2];
    struct mp_connection *a = NULL, *b = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return -errno;
    int error = connection_create(&fds[0], &a);
    if (error == 0)
        error = connection_create(&fds[1], &b);
    if (error < 0) {
        mp_connection_close(a);
        io_close(&fds[0]);
        io_close(&fds[1]);
        return error;
    }
    if (!duplex) {
        shutdown(a->fd, SHUT_WR);
        a->send_error = b->receive_error = -EBADF;
    }
    *ret_a = a;
    *ret_b = b;
    return 0;
}

/* Closes the first `count` descriptors that wait here. In a child that inherited the connection the
 * numbers mean nothing. */
static void fds_drop(struct mp_connection *connection, unsigned count)
{
    if (connection->receiver == getpid())
        for (unsigned i = 0; i < count; i++)
            io_close(&(int){connection->fds[i]});
    connection->fd_count -= count;
    memmove(connection->fds, connection->fds + count,
            connection->fd_count * sizeof *connection->fds);
}

void mp_connection_close(struct mp_connection *connection)
{
    if (!connection)
        return;
    fds_drop(connection, connection->fd_count);
    /* A child has none of its parent's descriptors that it was not given: the number may be that of
     * another file there. */
    struct stat about;
    if (fstat(connection->fd, &about) == 0 && about.st_ino == connection->inode)
        io_close(&connection->fd);
    free(connection->bytes);
    free(connection);
}

int mp_connection_fd(const struct mp_connection *connection)
{
    return connection->fd;
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* Waits until more can be sent. Returns 0, -ETIMEDOUT, -EINTR, or -errno. */
static int send_await(struct mp_connection *connection, int64_t deadline)
{
    int left = clock_left_ms(deadline);
    int n = left == 0 ? 0 : io_wait_writable(connection->fd, left);
    return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : n;
}

static int send_all(struct mp_connection *connection, struct msghdr *message, int64_t deadline,
                    bool *ret_begun)
{
    struct iovec *iov = message->msg_iov;
    int count = (int)message->msg_iovlen, error = 0;
    *ret_begun = false;
    while (count > 0 && error == 0) {
        message->msg_iov = iov;
        message->msg_iovlen = (size_t)count;
        ssize_t n = sendmsg(connection->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            io_advance(&iov, &count, (size_t)n);
            message->msg_control = NULL; /* the descriptors went with the first bytes */
            message->msg_controllen = 0;
            *ret_begun = true;
        } else if (errno == EAGAIN) {
            error = send_await(connection, deadline);
            if (error == -EINTR && *ret_begun)
                error = 0;
        } else if (errno != EINTR) {
            error = errno == ECONNRESET ? -EPIPE : -errno;
        }
    }
    return error;
}

int mp_connection_send_fds(struct mp_connection *connection, const void *data, size_t size,
                           const int *fds, unsigned fd_count, int timeout_ms)
{
    if (connection->send_error != 0)
        return connection->send_error;
    if (size > MP_MESSAGE_MAX)
        return -EMSGSIZE;
    if (fd_count > MP_MESSAGE_FDS_MAX)
        return -EINVAL;
    struct head head = {.size = (uint32_t)size, .fd_count = fd_count};
    struct iovec iov[2] = {{&head, sizeof head}, {(void *)data, size}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = size > 0 ? 2 : 1};
    union control control;
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof *fds);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        *rights = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                   .cmsg_type = SCM_RIGHTS,
                                   .cmsg_len = CMSG_LEN(fd_count * sizeof *fds)};
        memcpy(CMSG_DATA(rights), fds, fd_count * sizeof *fds);
    }
    bool begun;
    int error = send_all(connection, &message, clock_deadline(timeout_ms), &begun);
    if (error == 0 || !begun)
        return error;
    shutdown(connection->fd, SHUT_WR); /* so that the receiver does not wait for the rest */
    connection->send_error = error == -EPIPE ? -EPIPE : -ECONNABORTED;
    return connection->send_error;
}

int mp_connection_send(struct mp_connection *connection, const void *data, size_t size,
                       int timeout_ms)
{
    return mp_connection_send_fds(connection, data, size, NULL, 0, timeout_ms);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Gives the buffer room for more behind its end. */
static int buffer_reserve(struct mp_connection *connection)
{
    if (connection->begin > 0) {
        connection->end -= connection->begin;
        memmove(connection->bytes, connection->bytes + connection->begin, connection->end);
        connection->begin = 0;
    }
    if (connection->room - connection->end >= ROOM_MIN / 2)
        return 0;
    size_t room = connection->room > 0 ? 2 * connection->room : ROOM_MIN;
    unsigned char *bytes = realloc(connection->bytes, room);
    if (!bytes)
        return -ENOMEM;
    connection->bytes = bytes;
    connection->room = room;
    return 0;
}

/* Keeps the descriptors that came with a read. */
static void fds_collect(struct mp_connection *connection, struct msghdr *message)
{
    connection->receiver = getpid();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t size = c->cmsg_len - CMSG_LEN(0);
        memcpy(connection->fds + connection->fd_count, CMSG_DATA(c), size);
        connection->fd_count += (unsigned)(size / sizeof *connection->fds);
    }
    if (message->msg_flags & MSG_CTRUNC)
        connection->receive_error = -EMFILE;
}

/* Reads what is there. Returns 0, -EAGAIN when nothing is, -EPIPE or -ECONNABORTED at the end. */
static int connection_read(struct mp_connection *connection)
{
    int error = buffer_reserve(connection);
    if (error < 0)
        return error;
    union control control;
    struct iovec iov = {connection->bytes + connection->end, connection->room - connection->end};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(connection->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    /* Who closes his end with something unread there resets the connection: an end all the same. */
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return connection->end > 0 ? -ECONNABORTED : -EPIPE;
    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    connection->end += (size_t)n;
    fds_collect(connection, &message);
    return 0;
}

/* How much of the first message has come. */
enum part { PART_NONE, PART_HEAD, PART_WHOLE };

static enum part message_part(const struct mp_connection *connection, struct head *ret)
{
    size_t here = connection->end - connection->begin;
    if (here < sizeof *ret)
        return PART_NONE;
    memcpy(ret, connection->bytes + connection->begin, sizeof *ret);
    return here - sizeof *ret < ret->size ? PART_HEAD : PART_WHOLE;
}

/* True when what has come can be the beginning of messages. */
static bool message_is_sound(const struct mp_connection *connection, enum part part,
                             const struct head *head)
{
    if (part == PART_NONE)
        return connection->fd_count <= MP_MESSAGE_FDS_MAX;
    if (head->size > MP_MESSAGE_MAX || head->fd_count > MP_MESSAGE_FDS_MAX)
        return false;
    return part == PART_HEAD ? connection->fd_count == head->fd_count
                             : connection->fd_count >= head->fd_count &&
                                   connection->fd_count - head->fd_count <= MP_MESSAGE_FDS_MAX;
}

/* Looks at the first message, and has more of it read unless it is whole or `enough` already.
 * Returns 1 when it is, 0 to be called again, or an error. */
static int message_step(struct mp_connection *connection, enum part enough, int64_t deadline,
                        struct head *ret)
{
    enum part part = message_part(connection, ret);
    if (message_is_sound(connection, part, ret)) {
        if (part >= enough)
            return 1;
    } else if (connection->receive_error == 0) {
        connection->receive_error = -ECONNABORTED;
    }
    if (connection->receive_error != 0)
        return connection->receive_error;
    int error = connection_read(connection);
    if (error != -EAGAIN)
        return error;
    int left = clock_left_ms(deadline);
    int n = left == 0 ? 0 : io_wait_readable(&connection->fd, 1, left);
    return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : n;
}

static int message_await(struct mp_connection *connection, enum part enough, int64_t deadline,
                         struct head *ret)
{
    int state;
    do {
        state = message_step(connection, enough, deadline, ret);
    } while (state == 0);
    return state < 0 ? state : 0;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Takes the first message, which is whole, out of the buffer; its descriptors are gone already. */
static void message_take(struct mp_connection *connection, const struct head *head, void *data)
{
    connection->begin += sizeof *head;
    if (head->size > 0)
        memcpy(data, connection->bytes + connection->begin, head->size);
    connection->begin += head->size;
    if (connection->begin < connection->end)
        return;
    connection->begin = connection->end = 0;
    if (connection->room > ROOM_KEPT) {
        free(connection->bytes);
        connection->bytes = NULL;
        connection->room = 0;
    }
}

/* With `fd_count` NULL descriptors are not wanted. */
static int receive(struct mp_connection *connection, void *data, size_t room, int *fds,
                   unsigned *fd_count, int timeout_ms, size_t *ret_size)
{
    struct head head;
    int64_t deadline = clock_deadline(timeout_ms);
    int error = message_await(connection, PART_HEAD, deadline, &head);
    if (error < 0)
        return error;
    bool fits = head.size <= room && (!fd_count || head.fd_count <= *fd_count);
    if (fits && (error = message_await(connection, PART_WHOLE, deadline, &head)) < 0)
        return error;
    if (ret_size)
        *ret_size = head.size;
    if (fd_count)
        *fd_count = head.fd_count;
    if (!fits)
        return -EMSGSIZE;
    if (fd_count && head.fd_count > 0) {
        memcpy(fds, connection->fds, head.fd_count * sizeof *fds);
        for (unsigned i = 0; i < head.fd_count; i++)
            connection->fds[i] = -1; /* the caller's now */
    }
    fds_drop(connection, head.fd_count);
    message_take(connection, &head, data);
    return 0;
}

int mp_connection_receive(struct mp_connection *connection, void *data, size_t room, int timeout_ms,
                          size_t *ret_size)
{
    return receive(connection, data, room, NULL, NULL, timeout_ms, ret_size);
}

int mp_connection_receive_fds(struct mp_connection *connection, void *data, size_t room, int *fds,
                              unsigned *fd_count, int timeout_ms, size_t *ret_size)
{
    return receive(connection, data, room, fds, fd_count, timeout_ms, ret_size);
}

int mp_connection_poll(struct mp_connection *connection, int timeout_ms)
{
    struct head head;
    int error = message_await(connection, PART_WHOLE, clock_deadline(timeout_ms), &head);
    /* An error that a receive would return at once counts as something to receive. */
    return error == -ETIMEDOUT || error == -EINTR ? error : 0;
}
