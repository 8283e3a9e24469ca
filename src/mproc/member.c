#include "mproc/member.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/shm.h"
#include "mproc/verdict.h"
#include "mproc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    SEND_RETRY_MS = 20,  /* while the kernel refuses more descriptors on the way */
    REFUSALS_MAX = 250,  /* so many in a row are for good: five seconds */
    END_GRACE_MS = 100,  /* for a process to be gone whose channel has ended */
    LEAVE_MS = 5000,     /* for a retired worker to be gone */
    WEIGH_EVERY_MS = 20, /* a worker's memory is looked at not more often */
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

/* Has sends tried again in so many milliseconds. */
static void send_later(struct crew *crew, int wait_ms)
{
    crew->send_after = clock_deadline(wait_ms);
    crew->has_new_chore = true;
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
        send_later(crew, SEND_RETRY_MS);
}

static int member_watch(struct crew *crew, struct member *member)
{
    int error = watch(crew, member->result_fd, member, WATCH_RESULTS);
    if (error == 0 && member->tail.fd >= 0)
        error = watch(crew, member->tail.fd, member, WATCH_STDERR);
    if (error == 0 && member->process.pidfd >= 0)
        error = watch(crew, member->process.pidfd, member, WATCH_DEATH);
    return error;
}

/* ---- Opening and closing -------------------------------------------------------------------- */

void member_init(struct member *member, int number)
{
    *member = (struct member){.number = number, .result_fd = -1};
    member->channel.fd = -1;
    member->tail.fd = -1;
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

static void tail_close(struct crew *crew, struct member *member)
{
    unwatch(crew, member->tail.fd);
    tail_done(&member->tail);
}

static void member_close(struct crew *crew, struct member *member)
{
    channel_close(crew, member);
    results_close(crew, member);
    tail_close(crew, member);
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
    wire_reader_init(&member->reader, (struct wire_limits){.size_max = verdict_size_max(crew),
                                                           .slots = CONTROL_SLOTS});
    error = io_above_standard(&member->result_fd);
    if (error == 0)
        error = io_above_standard(&setup->result_fd);
    if (error == 0 && crew->options.stderr_tail > 0)
        error = tail_init(&member->tail, crew->options.stderr_tail, &setup->stderr_fd);
    return error;
}

static int member_fork(struct crew *crew, struct member *member, struct worker_setup *setup)
{
    int keep[] = {setup->job_fd, setup->result_fd, setup->stderr_fd};
    struct process_options options = {.name = crew->options.name,
                                      .keep_fds = keep,
                                      .keep_count = setup->stderr_fd >= 0 ? 3 : 2,
                                      .detached_input = true};
    return process_fork(worker_main, setup, &options, &member->process);
}

void member_condemn(struct crew *crew, struct member *member, int grace_ms)
{
    /* Most often it is dying, and then its own status speaks. One that was asked to leave is on its
     * way out. */
    if (member->phase != PHASE_WORKING)
        return;
    member->phase = PHASE_CONDEMNED;
    member->kill_at = clock_deadline(grace_ms);
    crew->has_new_chore = true;
    channel_close(crew, member);
}

void member_expire(struct crew *crew, struct member *member)
{
    bool limited =
        member->phase == PHASE_CONDEMNED || (member->phase == PHASE_LEAVING && member->retiring);
    if (!limited || clock_left_ms(member->kill_at) != 0)
        return;
    process_signal(&member->process, SIGKILL);
    member->kill_at = INT64_MAX;                              /* once is enough */
    if (!member->greeted && member->phase == PHASE_CONDEMNED) /* not one that is only unwanted */
        crew->hook_failures++;
}

int member_start(struct crew *crew, struct member *member)
{
    struct worker_setup setup = {.number = member->number,
                                 .job_fd = -1,
                                 .result_fd = -1,
                                 .stderr_fd = -1,
                                 .result_max = crew->options.result_max,
                                 .start = crew->options.start,
                                 .stop = crew->options.stop,
                                 .ctx = crew->options.ctx};
    int error = member_open(crew, member, &setup);
    if (error == 0)
        error = member_fork(crew, member, &setup);
    io_close(&setup.job_fd);
    io_close(&setup.result_fd);
    io_close(&setup.stderr_fd);
    if (error < 0) {
        member_close(crew, member);
        return error;
    }
    /* From here on no other child inherits this page. */
    shm_keep_from_children(member->slots.control, sizeof *member->slots.control);
    member->phase = PHASE_WORKING;
    member->greeted = member->retiring = false;
    member->kill_code = 0;
    member->done = 0;
    member->head = (struct head){0};
    crew->stats.workers_started++;
    crew->stats.workers++;
    if (member_watch(crew, member) < 0)
        member_condemn(crew, member, 0); /* no memory to listen to it */
    return 0;
}

/* ---- Results -------------------------------------------------------------------------------- */

static int frame_take(struct crew *crew, struct member *member, const struct wire_header *header,
                      const uint8_t *payload)
{
    switch ((enum wire_kind)header->kind) {
    case WIRE_HELLO:
        if (member->greeted)
            return -EPROTO;
        member->greeted = true;
        crew->hook_failures = 0;
        crew->early_deaths = 0;
        return 0;
    case WIRE_RESULT:
    case WIRE_FAILURE: return verdict_from_frame(crew, member, header, payload);
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

/* True when the member has done its share. */
static bool has_had_enough(const struct crew *crew, struct member *member)
{
    int jobs_max = crew->options.jobs_per_worker;
    if (jobs_max > 0 && member->done >= (uint64_t)jobs_max)
        return true;
    if (crew->options.memory_per_worker == 0 || clock_left_ms(member->weighed_at) > 0)
        return false;
    member->weighed_at = clock_deadline(WEIGH_EVERY_MS);
    return process_memory(&member->process) > crew->options.memory_per_worker;
}

void member_receive(struct crew *crew, struct member *member)
{
    int more = member->result_fd < 0 ? 1 : results_drain(crew, member);
    if (more == 1) {
        if (member->phase == PHASE_WORKING && !member->retiring && member->done > 0 &&
            has_had_enough(crew, member))
            member_retire(crew, member);
        else if (member->retiring && member->slots.held == 0)
            member_dismiss(crew, member);
        return;
    }
    /* The stream is over, so the worker is gone, or must go. Without pidfds this is how a death
     * is seen. At an end of file it is dying most likely; what breaks the protocol is not. */
    results_close(crew, member);
    member_condemn(crew, member, more == 0 ? END_GRACE_MS : 0);
    member_check(crew, member);
}

void member_listen(struct crew *crew, struct member *member)
{
    if (member->tail.fd >= 0 && !tail_drain(&member->tail)) {
        unwatch(crew, member->tail.fd);
        io_close(&member->tail.fd); /* what was kept is kept */
    }
}

/* ---- Death ---------------------------------------------------------------------------------- */

/* Draws the lessons from how a worker ended. */
static void death_count(struct crew *crew, const struct member *member)
{
    int code = member->process.exit_code;
    crew->stats.workers--;
    if (member->phase == PHASE_LEAVING)
        return;
    crew->stats.workers_lost++;
    crew->early_deaths += !member->greeted;
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
        verdict_from_death(crew, member, (unsigned)slot);
    (void)tail_drain(&member->tail); /* its death may be seen before what it wrote last */
    member_close(crew, member);
}

void member_retire(struct crew *crew, struct member *member)
{
    if (member->phase != PHASE_WORKING)
        return;
    if (!member->retiring)
        crew->stats.workers_retired++;
    member->retiring = true;
    uint64_t below = UINT64_MAX;
    for (int slot; (slot = slots_newest(&member->slots, below)) >= 0;) {
        const struct mp_job *job = member->slots.all[slot].job;
        below = member->slots.all[slot].seq;
        if (member_revoke(member, job))
            crew->settle(crew->settle_user, job,
                         &(struct mp_outcome){.code = MP_ERETURNED, .worker = member->number});
    }
    if (member->slots.held == 0)
        member_dismiss(crew, member);
}

void member_dismiss(struct crew *crew, struct member *member)
{
    if (member->phase != PHASE_WORKING)
        return;
    member->phase = PHASE_LEAVING;
    member->kill_at = clock_deadline(LEAVE_MS);
    channel_close(crew, member);
}

bool member_kill_job(struct crew *crew, struct member *member, unsigned slot, int code,
                     int64_t count)
{
    if (!slots_kill(&member->slots, slot, count))
        return false;
    /* From here on the worker begins nothing: it waits for its end when it gets to the word. */
    member->kill_code = code;
    process_signal(&member->process, crew->options.grace_ms > 0 ? SIGTERM : SIGKILL);
    member_condemn(crew, member, crew->options.grace_ms);
    return true;
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

bool member_takes_jobs(const struct crew *crew, const struct member *member)
{
    int jobs_max = crew->options.jobs_per_worker;
    return member->phase == PHASE_WORKING && !member->retiring &&
           member->slots.held < CONTROL_SLOTS &&
           (jobs_max == 0 || member->done + member->slots.held < (uint64_t)jobs_max);
}

unsigned member_sent(const struct member *member)
{
    return member->slots.held - channel_waiting(&member->channel);
}

static bool nobody_reads(int error)
{
    return error == -EPIPE || error == -ECONNRESET;
}

void member_flush(struct crew *crew, struct member *member)
{
    int progress = channel_flush(&member->channel);
    watch_room(crew, member, progress == CHANNEL_FULL);
    member->refusals = progress == CHANNEL_REFUSED ? member->refusals + 1 : 0;
    if (progress == CHANNEL_REFUSED)
        send_later(crew, SEND_RETRY_MS);
    else if (nobody_reads(progress))
        member_condemn(crew, member, END_GRACE_MS);
    else if (progress < 0)
        send_later(crew, 0); /* to be told of in the next round */
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
    crew->deadlines |= job->deadline_ms > 0;
}

bool member_revoke(struct member *member, const struct mp_job *job)
{
    int slot = slots_find(&member->slots, job);
    if (slot < 0)
        return false;
    if (!channel_withdraw(&member->channel, job)) {
        if (!slots_revoke(&member->slots, (unsigned)slot))
            return false;
        channel_abandon(&member->channel, job); /* from here on the worker skips it */
    }
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

/* Sends. Returns a negative error when the oldest frame is to blame for that it cannot be sent. */
static int send_or_blame(struct member *member)
{
    int progress = channel_flush(&member->channel);
    if (progress == CHANNEL_REFUSED && member->refusals >= REFUSALS_MAX)
        return -ETOOMANYREFS;
    return nobody_reads(progress) || progress >= 0 ? 0 : progress;
}

void member_flush_again(struct crew *crew, struct member *member)
{
    int error;
    while ((error = send_or_blame(member)) < 0) {
        const struct mp_job *job = channel_oldest(&member->channel);
        int slot = slots_find(&member->slots, job);
        if (!channel_withdraw(&member->channel, job))
            break;
        member->refusals = 0;
        verdict_tell(crew, member, (unsigned)slot,
                     &(struct mp_outcome){.code = error,
                                          .message = "a descriptor of the job cannot be sent"});
    }
    member_flush(crew, member);
}
