#include "mproc/channel.h"

#include "mproc/io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int channel_init(struct channel *channel, int *ret_child_fd)
{
    int fds[2];
    *channel = (struct channel){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return -errno;
    int error = io_above_standard(&fds[0]);
    if (error == 0)
        error = io_above_standard(&fds[1]);
    if (error < 0) {
        io_close(&fds[0]);
        io_close(&fds[1]);
        return error;
    }
    channel->fd = fds[0];
    *ret_child_fd = fds[1];
    return 0;
}

void channel_done(struct channel *channel)
{
    io_close(&channel->fd);
    channel->count = 0;
}

void channel_put(struct channel *channel, const struct wire_header *header,
                 const struct mp_job *job)
{
    channel->queue[channel->count++] = (struct channel_frame){.header = *header, .job = job};
}

static void queue_remove(struct channel *channel, unsigned index)
{
    channel->count--;
    memmove(&channel->queue[index], &channel->queue[index + 1],
            (channel->count - index) * sizeof *channel->queue);
}

static void message_add_fds(struct msghdr *message, const struct mp_job *job)
{
    size_t size = job->fd_count * sizeof(int);
    message->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(part), job->fds, size);
}

/* Sends some more of the oldest frame. Returns bytes, or -errno. */
static ssize_t frame_send(const struct channel *channel)
{
    const struct channel_frame *frame = &channel->queue[0];
    const struct mp_job *job = frame->job;
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};
    size_t sent = channel->sent, header_size = sizeof frame->header;
    if (sent < header_size)
        parts[message.msg_iovlen++] = (struct iovec){.iov_base = (char *)&frame->header + sent,
                                                     .iov_len = header_size - sent};
    size_t arg_sent = sent > header_size ? sent - header_size : 0;
    if (arg_sent < job->arg_size)
        parts[message.msg_iovlen++] = (struct iovec){.iov_base = (char *)job->arg + arg_sent,
                                                     .iov_len = job->arg_size - arg_sent};
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(MP_JOB_FDS_MAX * sizeof(int))];
    } control;
    if (sent == 0 && job->fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        message_add_fds(&message, job);
    }
    ssize_t n;
    do {
        n = sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int channel_flush(struct channel *channel)
{
    while (channel->count > 0) {
        ssize_t n = frame_send(channel);
        if (n == -EAGAIN)
            return CHANNEL_FULL;
        if (n == -ETOOMANYREFS || n == -ENOBUFS || n == -ENOMEM)
            return CHANNEL_REFUSED;
        if (n < 0)
            return (int)n;
        channel->sent += (size_t)n;
        const struct channel_frame *frame = &channel->queue[0];
        if (channel->sent < sizeof frame->header + frame->job->arg_size)
            continue;
        queue_remove(channel, 0);
        channel->sent = 0;
    }
    return CHANNEL_EMPTY;
}

const struct mp_job *channel_oldest(const struct channel *channel)
{
    return channel->count > 0 ? channel->queue[0].job : NULL;
}

static int queue_find(const struct channel *channel, const struct mp_job *job)
{
    for (unsigned i = 0; i < channel->count; i++)
        if (channel->queue[i].job == job)
            return (int)i;
    return -1;
}

bool channel_holds(const struct channel *channel, const struct mp_job *job)
{
    return queue_find(channel, job) >= 0;
}

bool channel_withdraw(struct channel *channel, const struct mp_job *job)
{
    int index = queue_find(channel, job);
    if (index < 0 || (index == 0 && channel->sent > 0))
        return false;
    queue_remove(channel, (unsigned)index);
    return true;
}
