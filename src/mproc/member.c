#include "mproc/member.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/shm.h"
#include "mproc/task.h"
#include "mproc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    FD_LOSSES_MAX = 5,  /* so many workers in a row lose descriptors before a job fails for it */
    SEND_RETRY_MS = 20, /* while the kernel refuses more descriptors on the way */
    END_GRACE_MS = 100, /* for a process to be gone whose channel has ended */
};

/* ---- Watching ------------------------------------------------------------------------------- */

static int watch(struct crew *crew, int fd, const struct member *member, enum watched what)
{
    struct epoll_event event = {.events = what == WATCH_ROOM ? EPOLLOUT : EPOLLIN,
                                .data.u64 = (uint64_t)member->number << 8 | what};
    return epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* A descriptor must leave the set before it is closed: while a child that was just forked still has
 * a copy, closing alone would leave its events behind. */
static void unwatch(struct crew *crew, int fd)
{
    if (fd >= 0)
        epoll_ctl(crew->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* The job channel is watched only while something waits to be sent. */
static void watch_room(struct crew *crew, struct member *member, bool wanted)
{
    if (wanted == member->channel_watched)
        return;
    if (!wanted)
        unwatch(crew, member->channel.fd);
    member->channel_watched = wanted && watch(crew, member->channel.fd, member, WATCH_ROOM) == 0;
    if (wanted && !member->channel_watched)
        crew->send_after = clock_deadline(SEND_RETRY_MS);
}

static int member_watch(struct crew *crew, struct member *member)
{
    int error = watch(crew, member->result_fd, member, WATCH_RESULTS);
    if (error == 0 && member->process.pidfd >= 0)
        error = watch(crew, member->process.pidfd, member, WATCH_DEATH);
    return error;
}

/* ---- Opening and closing -------------------------------------------------------------------- */

void member_init(struct member *member, int number)
{
    *member = (struct member){.number = number, .result_fd = -1};
    member->channel.fd = -1;
    member->process.pidfd = -1;
}

static void results_close(struct crew *crew, struct member *member)
{
    unwatch(crew, member->result_fd);
    io_close(&member->result_fd);
}

static void channel_close(struct crew *crew, struct member *member)
{
    watch_room(crew, member, false);
    channel_done(&member->channel);
}

static void member_close(struct crew *crew, struct member *member)
{
    channel_close(crew, member);
    results_close(crew, member);
    if (member->process.pid != 0)
        unwatch(crew, member->process.pidfd);
    wire_reader_done(&member->reader);
    shm_unmap(member->slots.control, sizeof *member->slots.control);
    member->slots.control = NULL;
    process_done(&member->process);
    member->phase = PHASE_ABSENT;
}

/* Opens the channels and the page, giving the child's ends to `setup`. Returns 0, or -errno. */
static int member_open(struct crew *crew, struct member *member, struct worker_setup *setup)
{
    int fds[2];
    if (!(member->slots.control = shm_map(sizeof *member->slots.control)))
        return -ENOMEM;
    int error = channel_init(&member->channel, &setup->job_fd);
    if (error < 0)
        return error;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -errno;
    member->result_fd = fds[0];
    setup->result_fd = fds[1];
    setup->control = member->slots.control;
    fcntl(member->result_fd, F_SETFL, O_NONBLOCK);
    struct wire_limits limits = {.size_max = crew->options.result_max, .slots = CONTROL_SLOTS};
    if (limits.size_max < TASK_MESSAGE_BYTES)
        limits.size_max = TASK_MESSAGE_BYTES; /* failures have their sentence all the same */
    wire_reader_init(&member->reader, limits);
    error = io_above_standard(&member->result_fd);
    return error < 0 ? error : io_above_standard(&setup->result_fd);
}

static int member_fork(struct crew *crew, struct member *member, struct worker_setup *setup)
{
    int keep[] = {setup->job_fd, setup->result_fd};
    struct process_options options = {
        .name = crew->options.name, .keep_fds = keep, .keep_count = 2, .detached_input = true};
    return process_fork(worker_main, setup, &options, &member->process);
}

/* Gives up a worker that cannot be talked to. It is buried once its process is gone, and killed
 * should it not be gone after `grace_ms`: most often it is dying, and then its own status speaks.
 * One that was asked to leave is on its way out. */
static void member_condemn(struct crew *crew, struct member *member, int grace_ms)
{
    if (member->phase != PHASE_WORKING)
        return;
    member->phase = PHASE_CONDEMNED;
    member->kill_at = clock_deadline(grace_ms);
    channel_close(crew, member);
}

void member_expire(struct crew *crew, struct member *member)
{
    if (member->phase != PHASE_CONDEMNED || clock_left_ms(member->kill_at) != 0)
        return;
    process_signal(&member->process, SIGKILL);
    member->kill_at = INT64_MAX; /* once is enough */
    if (!member->greeted)
        crew->hook_failures++;
}

int member_start(struct crew *crew, struct member *member)
{
    struct worker_setup setup = {.number = member->number,
                                 .job_fd = -1,
                                 .result_fd = -1,
                                 .result_max = crew->options.result_max,
                                 .start = crew->options.start,
                                 .stop = crew->options.stop,
                                 .ctx = crew->options.ctx};
    int error = member_open(crew, member, &setup);
    if (error == 0)
        error = member_fork(crew, member, &setup);
    io_close(&setup.job_fd);
    io_close(&setup.result_fd);
    if (error < 0) {
        member_close(crew, member);
        return error;
    }
    /* From here on no other child inherits this page. */
    shm_keep_from_children(member->slots.control, sizeof *member->slots.control);
    member->phase = PHASE_WORKING;
    member->greeted = false;
    crew->stats.workers_started++;
    if (member_watch(crew, member) < 0)
        member_condemn(crew, member, 0); /* no memory to listen to it */
    return 0;
}

/* ---- Outcomes ------------------------------------------------------------------------------- */

/* Frees the slot and tells what became of its job. */
static void assignment_settle(struct crew *crew, struct member *member, unsigned slot,
                              struct mp_outcome *outcome)
{
    const struct mp_job *job = slots_remove(&member->slots, slot);
    outcome->worker = member->number;
    outcome->pid = member->process.pid;
    crew->settle(crew->settle_user, job, outcome);
}

/* Decides about a job whose worker is gone without having sent a whole result for it. */
static void assignment_lost(struct crew *crew, struct member *member, unsigned slot)
{
    enum control_state state = slots_state(&member->slots, slot);
    struct mp_outcome outcome = {.code = MP_ERETURNED};
    char text[80];
    bool finished = slots_state_is_finished(state);
    if (state == CONTROL_KILLED || (finished && member->phase == PHASE_LEAVING)) {
        outcome.code = MP_EKILLED;
        outcome.lost_result = finished;
        outcome.message = mp_strerror(MP_EKILLED);
    } else if (state != CONTROL_QUEUED && state != CONTROL_REVOKED) {
        process_end_describe(&member->process, text, sizeof text);
        outcome.code = MP_ECRASH;
        outcome.status = member->process.exit_code;
        outcome.lost_result = finished;
        outcome.message = text;
    } else if (member->slots.all[slot].job->fd_count > 0 && crew->fd_losses >= FD_LOSSES_MAX) {
        crew->fd_losses = 0;
        outcome.code = -EMFILE;
        outcome.message = "no worker could take the job's descriptors";
    }
    assignment_settle(crew, member, slot, &outcome);
}

/* ---- Results -------------------------------------------------------------------------------- */

/* Takes the result of a job. Returns 0, or -EPROTO when there is no such job to have a result, or
 * it runs still: its slot must not be used again before the worker has left it. */
static int result_take(struct crew *crew, struct member *member, const struct wire_header *header,
                       const uint8_t *payload)
{
    const struct assignment *assignment = &member->slots.all[header->slot];
    if (!assignment->job || assignment->seq != header->seq ||
        channel_holds(&member->channel, assignment->job) ||
        !slots_state_is_finished(slots_state(&member->slots, header->slot)))
        return -EPROTO;
    if (header->kind == WIRE_RESULT && header->size > crew->options.result_max)
        return -EPROTO;
    struct mp_outcome outcome = {.data = payload, .size = (size_t)header->size};
    char text[1024];
    if (header->kind == WIRE_FAILURE) {
        size_t size = header->size < sizeof text ? (size_t)header->size : sizeof text - 1;
        memcpy(text, payload, size);
        text[size] = '\0';
        outcome = (struct mp_outcome){.code = MP_ETASK, .status = header->status, .message = text};
    }
    crew->fd_losses = 0;
    assignment_settle(crew, member, header->slot, &outcome);
    return 0;
}

static int frame_take(struct crew *crew, struct member *member, const struct wire_header *header,
                      const uint8_t *payload)
{
    switch ((enum wire_kind)header->kind) {
    case WIRE_HELLO:
        if (member->greeted)
            return -EPROTO;
        member->greeted = true;
        crew->hook_failures = 0;
        return 0;
    case WIRE_RESULT:
    case WIRE_FAILURE: return result_take(crew, member, header, payload);
    case WIRE_JOB: break;
    }
    return -EPROTO;
}

/* Takes the whole frames that have been read. Returns 0, or -EPROTO. */
static int frames_take(struct crew *crew, struct member *member)
{
    struct wire_header header;
    const uint8_t *payload;
    int found;
    while ((found = wire_reader_next(&member->reader, &header, &payload)) == 1) {
        int error = frame_take(crew, member, &header, payload);
        if (error < 0)
            return error;
    }
    return found;
}

/* Reads the pipe until it is empty. Returns 1 when more may come, 0 at its end, or a negative
 * error: what comes after is worth nothing. */
static int results_drain(struct crew *crew, struct member *member)
{
    for (;;) {
        size_t size;
        void *room = wire_reader_room(&member->reader, &size);
        if (!room)
            return -ENOMEM;
        ssize_t n = read(member->result_fd, room, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 1 : -errno;
        if (n == 0)
            return 0;
        wire_reader_fed(&member->reader, (size_t)n);
        int error = frames_take(crew, member);
        if (error < 0)
            return error;
        if ((size_t)n < size)
            return 1;
    }
}

void member_receive(struct crew *crew, struct member *member)
{
    int more = member->result_fd < 0 ? 1 : results_drain(crew, member);
    if (more == 1)
        return;
    /* The stream is over, so the worker is gone, or must go. Without pidfds this is how a death
     * is seen. At an end of file it is dying most likely; what breaks the protocol is not. */
    results_close(crew, member);
    member_condemn(crew, member, more == 0 ? END_GRACE_MS : 0);
    member_check(crew, member);
}

/* ---- Death ---------------------------------------------------------------------------------- */

/* Draws the lessons from how a worker ended. */
static void death_count(struct crew *crew, const struct member *member)
{
    int code = member->process.exit_code;
    if (member->phase == PHASE_LEAVING)
        return;
    crew->stats.workers_lost++;
    if (code == WORKER_EXIT_FDS)
        crew->fd_losses++;
    if (!member->greeted && process_ended_itself(&member->process))
        crew->hook_failures++;
}

void member_check(struct crew *crew, struct member *member)
{
    if (member->phase == PHASE_ABSENT || !process_reap(&member->process))
        return;
    if (member->result_fd >= 0)
        (void)results_drain(crew, member); /* all that it ever wrote is in the pipe by now */
    death_count(crew, member);
    /* The newest first: each goes back in front of those that were handed out after it. */
    for (int slot; (slot = slots_newest(&member->slots, UINT64_MAX)) >= 0;)
        assignment_lost(crew, member, (unsigned)slot);
    member_close(crew, member);
}

void member_dismiss(struct crew *crew, struct member *member)
{
    if (!member_takes_jobs(member))
        return;
    member->phase = PHASE_LEAVING;
    channel_close(crew, member);
}

void member_kill(struct crew *crew, struct member *member)
{
    slots_condemn(&member->slots);
    process_signal(&member->process, SIGKILL);
    if (member->phase != PHASE_ABSENT)
        member->phase = PHASE_LEAVING;
    channel_close(crew, member);
}

/* ---- Handing out ---------------------------------------------------------------------------- */

bool member_takes_jobs(const struct member *member)
{
    return member->phase == PHASE_WORKING;
}

static bool nobody_reads(int error)
{
    return error == -EPIPE || error == -ECONNRESET;
}

void member_flush(struct crew *crew, struct member *member)
{
    int progress = channel_flush(&member->channel);
    watch_room(crew, member, progress == CHANNEL_FULL);
    if (progress == CHANNEL_REFUSED)
        crew->send_after = clock_deadline(SEND_RETRY_MS);
    else if (nobody_reads(progress))
        member_condemn(crew, member, END_GRACE_MS);
    else if (progress < 0)
        crew->send_after = clock_deadline(0); /* to be told of in the next round */
}

void member_assign(struct crew *crew, struct member *member, const struct mp_job *job)
{
    uint64_t seq = ++crew->last_seq;
    unsigned slot = slots_add(&member->slots, job, seq);
    struct wire_header header = {.magic = WIRE_MAGIC,
                                 .kind = WIRE_JOB,
                                 .seq = seq,
                                 .fn = (uint64_t)(uintptr_t)job->fn,
                                 .size = job->arg_size,
                                 .slot = slot,
                                 .fd_count = job->fd_count};
    channel_put(&member->channel, &header, job);
    member_flush(crew, member);
}

bool member_revoke(struct member *member, const struct mp_job *job)
{
    int slot = slots_find(&member->slots, job);
    if (slot < 0)
        return false;
    /* A frame that is half sent must go on, and borrows the job until it has. */
    if (!channel_withdraw(&member->channel, job) &&
        (channel_holds(&member->channel, job) || !slots_revoke(&member->slots, (unsigned)slot)))
        return false;
    slots_remove(&member->slots, (unsigned)slot);
    return true;
}

const struct mp_job *member_take_back(struct member *member)
{
    uint64_t below = UINT64_MAX;
    for (int slot; (slot = slots_newest(&member->slots, below)) >= 0;) {
        const struct mp_job *job = member->slots.all[slot].job;
        below = member->slots.all[slot].seq;
        if (member_revoke(member, job))
            return job;
    }
    return NULL;
}

void member_flush_again(struct crew *crew, struct member *member)
{
    int error;
    while ((error = channel_flush(&member->channel)) < 0 && !nobody_reads(error)) {
        const struct mp_job *job = channel_oldest(&member->channel);
        int slot = slots_find(&member->slots, job);
        if (!channel_withdraw(&member->channel, job))
            break;
        assignment_settle(crew, member, (unsigned)slot,
                          &(struct mp_outcome){
                              .code = error, .message = "a descriptor of the job cannot be sent"});
    }
    member_flush(crew, member);
}
