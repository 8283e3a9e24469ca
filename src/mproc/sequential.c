#include "mproc/sequential.h"

#include "mproc/io.h"
#include "mproc/task.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct sequential {
    struct mp_executor_options options; /* hooks and their ctx */
    const struct mp_job *job;           /* the one that waits to run; NULL none */
    int event_fd;                       /* readable while there is one, or an interruption */
    atomic_bool interrupted;            /* the next poll is to return at once */
    bool started;                       /* the start hook has succeeded */
    struct mp_task task;
};

static int sequential_submit(void *self, const struct mp_job *job)
{
    struct sequential *sequential = self;
    if (sequential->job)
        return -EAGAIN;
    sequential->job = job;
    eventfd_write(sequential->event_fd, 1);
    return 0;
}

/* Takes the job that waits; returns NULL when there is none. */
static const struct mp_job *job_take(struct sequential *sequential)
{
    const struct mp_job *job = sequential->job;
    eventfd_t count;
    sequential->job = NULL;
    eventfd_read(sequential->event_fd, &count);
    return job;
}

static int sequential_poll(void *self, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct sequential *sequential = self;
    /* What made the descriptor readable may have been read with a job that was taken. */
    if (!sequential->job && !atomic_load(&sequential->interrupted) &&
        io_wait_readable(&sequential->event_fd, 1, timeout_ms) == -EINTR)
        return -EINTR;
    eventfd_t count;
    if (!sequential->job)
        eventfd_read(sequential->event_fd, &count);
    if (atomic_exchange(&sequential->interrupted, false))
        return -EINTR;
    const struct mp_job *job = job_take(sequential);
    if (!job)
        return 0;
    struct mp_task *task = &sequential->task;
    task->fds = job->fds;
    task->fd_count = job->fd_count;
    task_run(task, job->fn, job->arg, job->arg_size);
    struct mp_outcome outcome = {.code = task->code, .status = task->status, .pid = getpid()};
    if (task->code == 0) {
        outcome.data = task->result;
        outcome.size = task->result_size;
    } else {
        outcome.message = task->message;
    }
    settle(user, job, &outcome);
    return 0;
}

static int sequential_cancel(void *self, const struct mp_job *job)
{
    struct sequential *sequential = self;
    if (sequential->job != job)
        return -EBUSY;
    job_take(sequential);
    return 0;
}

static int sequential_fd(void *self)
{
    return ((struct sequential *)self)->event_fd;
}

static void sequential_interrupt(void *self)
{
    struct sequential *sequential = self;
    int error = errno; /* this may be a signal handler */
    atomic_store(&sequential->interrupted, true);
    eventfd_write(sequential->event_fd, 1);
    errno = error;
}

static int sequential_stop(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct sequential *sequential = self;
    (void)kill; /* nothing runs while the caller is here */
    (void)timeout_ms;
    const struct mp_job *job = job_take(sequential);
    if (job)
        settle(user, job, &(struct mp_outcome){.code = MP_ERETURNED, .worker = -1});
    if (sequential->started && sequential->options.stop)
        sequential->options.stop(sequential->options.ctx, 0);
    sequential->started = false;
    return 0;
}

static void sequential_stats(void *self, struct mp_backend_stats *ret)
{
    (void)self;
    *ret = (struct mp_backend_stats){0};
}

static void sequential_free(void *self)
{
    struct sequential *sequential = self;
    if (sequential->started && sequential->options.stop)
        sequential->options.stop(sequential->options.ctx, 0);
    io_close(&sequential->event_fd);
    task_done(&sequential->task);
    free(sequential);
}

int sequential_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    int error;
    struct sequential *sequential = calloc(1, sizeof *sequential);
    if (!sequential)
        return -ENOMEM;
    sequential->options = *options;
    sequential->task.ctx = options->ctx;
    sequential->task.result_max = options->result_max;
    sequential->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = sequential->event_fd < 0 ? -errno : io_above_standard(&sequential->event_fd);
    if (error == 0 && options->start && options->start(options->ctx, 0) != 0)
        error = MP_EBROKEN;
    if (error < 0) {
        sequential_free(sequential);
        return error;
    }
    sequential->started = true;
    *ret = (struct mp_backend){.self = sequential,
                               .submit = sequential_submit,
                               .poll = sequential_poll,
                               .cancel = sequential_cancel,
                               .fd = sequential_fd,
                               .interrupt = sequential_interrupt,
                               .stop = sequential_stop,
                               .stats = sequential_stats,
                               .free = sequential_free};
    return 0;
}
