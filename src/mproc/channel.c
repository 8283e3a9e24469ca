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
    /* A child that the program itself forked has a copy of the socket, and while that is open,
     * closing alone would tell the worker nothing. */
    if (channel->fd >= 0)
        shutdown(channel->fd, SHUT_WR);
    io_close(&channel->fd);
    channel->count = 0;
}

/* Frame number `index`, counted from the oldest. */
static struct channel_frame *frame_at(struct channel *channel, unsigned index)
{
    return &channel->queue[(channel->first + index) % CHANNEL_FRAMES];
}

void channel_put(struct channel *channel, const struct wire_header *header,
                 const struct mp_job *job)
{
    *frame_at(channel, channel->count++) = (struct channel_frame){.header = *header, .job = job};
}

static void queue_remove(struct channel *channel, unsigned index)
{
    for (; index + 1 < channel->count; index++)
        *frame_at(channel, index) = *frame_at(channel, index + 1);
    channel->count--;
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

static size_t frame_size(const struct channel_frame *frame)
{
    uint64_t size = frame->header.size;
    return sizeof frame->header + (size_t)size + wire_padding(size);
}

enum { PARTS_PER_FRAME = 3, FRAMES_PER_SEND = 32, BYTES_PER_SEND = 64 << 10 };

/* Adds what is left of a frame after its first `sent` bytes to a message. */
static void message_add_frame(struct msghdr *message, const struct channel_frame *frame,
                              size_t sent)
{
    const struct iovec whole[PARTS_PER_FRAME] = {
        {.iov_base = (void *)&frame->header, .iov_len = sizeof frame->header},
        {.iov_base = (void *)frame->job->arg, .iov_len = frame->job->arg_size},
        {.iov_base = (void *)wire_zeroes, .iov_len = wire_padding(frame->job->arg_size)}};
    for (int i = 0; i < PARTS_PER_FRAME; i++) {
        size_t gone = sent < whole[i].iov_len ? sent : whole[i].iov_len;
        sent -= gone;
        if (whole[i].iov_len > gone)
            message->msg_iov[message->msg_iovlen++] = (struct iovec){
                .iov_base = (char *)whole[i].iov_base + gone, .iov_len = whole[i].iov_len - gone};
    }
}

/* Adds some zeroes in place of what is left of an abandoned frame. */
static void message_add_zeroes(struct msghdr *message, const struct channel_frame *frame,
                               size_t sent)
{
    static const char zeroes[4096];
    size_t left = frame_size(frame) - sent;
    if (sent < sizeof frame->header) {
        message->msg_iov[message->msg_iovlen++] = (struct iovec){
            .iov_base = (char *)&frame->header + sent, .iov_len = sizeof frame->header - sent};
        left = frame_size(frame) - sizeof frame->header;
    }
    while (left > 0 && message->msg_iovlen < FRAMES_PER_SEND) {
        size_t some = left < sizeof zeroes ? left : sizeof zeroes;
        message->msg_iov[message->msg_iovlen++] =
            (struct iovec){.iov_base = (void *)zeroes, .iov_len = some};
        left -= some;
    }
}

/* Adds the oldest frame, and those after it that carry no descriptors as far as they fit. */
static void message_fill(struct msghdr *message, struct channel *channel)
{
    if (!frame_at(channel, 0)->job) {
        message_add_zeroes(message, frame_at(channel, 0), channel->sent);
        return;
    }
    size_t bytes = frame_size(frame_at(channel, 0)) - channel->sent;
    message_add_frame(message, frame_at(channel, 0), channel->sent);
    if (channel->sent == 0 && frame_at(channel, 0)->job->fd_count > 0)
        return;
    for (unsigned i = 1; i < channel->count && i < FRAMES_PER_SEND; i++) {
        const struct channel_frame *frame = frame_at(channel, i);
        bytes += frame_size(frame);
        if (frame->job->fd_count > 0 || bytes > BYTES_PER_SEND)
            return;
        message_add_frame(message, frame, 0);
    }
}

/* Sends some more, beginning with the oldest frame. Returns bytes, or -errno. */
static ssize_t frames_send(struct channel *channel)
{
    struct iovec parts[PARTS_PER_FRAME * FRAMES_PER_SEND];
    struct msghdr message = {.msg_iov = parts};
    const struct mp_job *job = frame_at(channel, 0)->job;
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(MP_JOB_FDS_MAX * sizeof(int))];
    } control;
    message_fill(&message, channel);
    if (channel->sent == 0 && job->fd_count > 0) {
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

/* Takes note that `size` more bytes have gone. */
static void frames_sent(struct channel *channel, size_t size)
{
    channel->sent += size;
    while (channel->count > 0 && channel->sent >= frame_size(frame_at(channel, 0))) {
        channel->sent -= frame_size(frame_at(channel, 0));
        channel->first = (channel->first + 1) % CHANNEL_FRAMES;
        channel->count--;
    }
}

int channel_flush(struct channel *channel)
{
    while (channel->count > 0) {
        ssize_t n = frames_send(channel);
        if (n == -EAGAIN)
            return CHANNEL_FULL;
        if (n == -ETOOMANYREFS || n == -ENOBUFS || n == -ENOMEM)
            return CHANNEL_REFUSED;
        if (n < 0)
            return (int)n;
        frames_sent(channel, (size_t)n);
    }
    return CHANNEL_EMPTY;
}

const struct mp_job *channel_oldest(const struct channel *channel)
{
    return channel->count > 0 ? channel->queue[channel->first].job : NULL;
}

static int queue_find(const struct channel *channel, const struct mp_job *job)
{
    for (unsigned i = 0; i < channel->count; i++)
        if (channel->queue[(channel->first + i) % CHANNEL_FRAMES].job == job)
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

void channel_abandon(struct channel *channel, const struct mp_job *job)
{
    int index = queue_find(channel, job);
    if (index == 0 && channel->sent > 0)
        frame_at(channel, 0)->job = NULL;
}

unsigned channel_waiting(const struct channel *channel)
{
    bool abandoned = channel->count > 0 && !channel_oldest(channel);
    return channel->count - abandoned;
}
