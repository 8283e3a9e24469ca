/* The executor: futures above, a back-end below, and between them the jobs that wait their turn.
 *
 *   caller               executor                back-end        |  worker
 *   submit ------------> pending list --submit--> a worker's  ===|=> runs the task
 *   wait, result, pump   handed list  <--settle-- channels   <===|== its result
 *
 * A job is in the pending list until the back-end takes it on, then in the handed list until its
 * outcome is told. One that comes back because its worker died before it began goes to the front of
 * the pending list, uncharged. Nothing happens but inside the caller's calls. */
#include "mproc/future.h"

#include "mproc/clock.h"
#include "mproc/control.h"
#include "mproc/io.h"
#include "mproc/process.h"
#include "mproc/sequential.h"
#include "mproc/workerset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    PENDING_PER_WORKER = 64, /* max_pending where the options say nothing */
    WORKERS_MAX = 4096,
    RETURNS_MAX = 1000, /* a job that came back so often fails */
};

struct mp_executor {
    struct mp_backend backend;
    struct future_list pending; /* to be handed out, in order */
    struct future_list handed;  /* the back-end has them */
    int unsettled;              /* futures in both lists */
    int max_pending;            /* submit waits beyond */
    bool closed;                /* shut down: no more submits */
    enum mp_how how;            /* the hardest shutdown so far; what comes back is cancelled then */
    bool broken;                /* the back-end has given up */
};

/* ---- Creating ------------------------------------------------------------------------------- */

/* Replaces zeroes by defaults and checks. Returns 0, or -EINVAL. */
static int options_complete(struct mp_executor_options *options)
{
    if (options->kind == MP_SEQUENTIAL)
        options->workers = 1;
    if (options->workers == 0)
        options->workers = mp_cpu_count();
    if (options->prefetch == 0)
        options->prefetch = 1;
    if (options->prefetch < 0)
        options->prefetch = 0;
    if (options->result_max == 0)
        options->result_max = MP_RESULT_MAX;
    if (options->workers < 1 || options->workers > WORKERS_MAX || options->max_pending < 0 ||
        options->prefetch >= CONTROL_SLOTS)
        return -EINVAL;
    if (options->max_pending == 0)
        options->max_pending = PENDING_PER_WORKER * options->workers;
    return 0;
}

static int backend_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    switch (options->kind) {
    case MP_PROCESSES: return process_has_threads() ? MP_ETHREADS : workerset_create(options, ret);
    case MP_SEQUENTIAL: return sequential_create(options, ret);
    }
    return -EINVAL;
}

int mp_executor_create(const struct mp_executor_options *given, struct mp_executor **ret)
{
    struct mp_executor_options options = given ? *given : (struct mp_executor_options){0};
    struct mp_backend backend;
    int error = options_complete(&options);
    if (error == 0)
        error = backend_create(&options, &backend);
    return error < 0 ? error : mp_executor_create_on(&backend, &options, ret);
}

int mp_executor_create_on(const struct mp_backend *backend, const struct mp_executor_options *given,
                          struct mp_executor **ret)
{
    struct mp_executor_options options = given ? *given : (struct mp_executor_options){0};
    int error = options_complete(&options);
    struct mp_executor *executor = error < 0 ? NULL : calloc(1, sizeof *executor);
    if (!executor) {
        backend->free(backend->self);
        return error < 0 ? error : -ENOMEM;
    }
    executor->backend = *backend;
    executor->max_pending = options.max_pending;
    *ret = executor;
    return 0;
}

/* ---- Outcomes ------------------------------------------------------------------------------- */

static void cancel_in(struct mp_executor *executor, struct future_list *list,
                      struct mp_future *future)
{
    future_list_remove(list, future);
    executor->unsettled--;
    future_cancel(future);
}

/* Takes a job back that never began, to be handed out again. A worker that is hostile can claim
 * that of the very job that ends it, so there is an end to it. */
static void on_return(struct mp_executor *executor, struct mp_future *future,
                      const struct mp_outcome *outcome)
{
    if (executor->how != MP_FINISH) {
        cancel_in(executor, &executor->handed, future);
        return;
    }
    future_list_remove(&executor->handed, future);
    if (++future->returns < RETURNS_MAX) {
        future_list_prepend(&executor->pending, future);
        future->state = MP_PENDING;
        return;
    }
    struct mp_outcome failure = *outcome;
    failure.code = MP_ECRASH;
    failure.message = "every worker that was given the job died before it said that it began";
    executor->unsettled--;
    future_settle(future, &failure);
}

/* The back-end tells what became of a job. */
static void on_outcome(void *user, const struct mp_job *job, const struct mp_outcome *outcome)
{
    struct mp_executor *executor = user;
    struct mp_future *future = (struct mp_future *)(uintptr_t)job; /* its first member */
    if (outcome->code == MP_ERETURNED) {
        on_return(executor, future, outcome);
        return;
    }
    future_list_remove(&executor->handed, future);
    executor->unsettled--;
    future_settle(future, outcome);
}

/* No job will ever finish any more: every future gets to know. */
static void fail_all(struct mp_executor *executor)
{
    executor->broken = true;
    while (executor->backend.stop(executor->backend.self, true, MP_FOREVER, on_outcome, executor) ==
           -EINTR)
        ;
    for (struct mp_future *future; (future = executor->pending.first);) {
        future_list_remove(&executor->pending, future);
        executor->unsettled--;
        future_settle(future, &(struct mp_outcome){.code = MP_EBROKEN, .worker = -1});
    }
}

/* ---- Driving -------------------------------------------------------------------------------- */

/* Hands out what the back-end takes. Returns 0, or MP_EBROKEN. */
static int hand_out(struct mp_executor *executor)
{
    for (struct mp_future *future; (future = executor->pending.first);) {
        int error = executor->backend.submit(executor->backend.self, &future->job);
        if (error == -EAGAIN)
            return 0;
        if (error < 0)
            return MP_EBROKEN;
        future_list_remove(&executor->pending, future);
        future_list_append(&executor->handed, future);
        future->state = MP_RUNNING;
    }
    return 0;
}

int mp_executor_pump(struct mp_executor *executor, int timeout_ms)
{
    if (executor->broken)
        return MP_EBROKEN;
    int error = hand_out(executor);
    if (error == 0)
        error = executor->backend.poll(executor->backend.self, timeout_ms, on_outcome, executor);
    if (error == 0)
        error = hand_out(executor); /* so that nobody idles while the caller is away */
    if (error == MP_EBROKEN)
        fail_all(executor);
    return error;
}

int mp_executor_fd(const struct mp_executor *executor)
{
    return executor->backend.fd(executor->backend.self);
}

void mp_executor_stats(const struct mp_executor *executor, struct mp_backend_stats *ret)
{
    executor->backend.stats(executor->backend.self, ret);
}

int mp_executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                       size_t arg_size, const struct mp_submit_options *given,
                       struct mp_future **ret)
{
    struct mp_submit_options options = given ? *given : (struct mp_submit_options){0};
    if (arg_size > MP_ARG_MAX || options.fd_count > MP_JOB_FDS_MAX)
        return -EMSGSIZE;
    while (!executor->closed && !executor->broken && executor->unsettled >= executor->max_pending) {
        if (options.nowait)
            return -EAGAIN;
        int error = mp_executor_pump(executor, MP_FOREVER);
        if (error < 0)
            return error;
    }
    if (executor->closed)
        return -ESHUTDOWN;
    if (executor->broken)
        return MP_EBROKEN;
    for (unsigned i = 0; i < options.fd_count; i++)
        if (fcntl(options.fds[i], F_GETFD) < 0)
            return -EBADF;
    struct mp_future *future;
    int error = future_create(fn, arg, arg_size, &options, &future);
    if (error < 0)
        return error;
    future->executor = executor;
    future_list_append(&executor->pending, future);
    executor->unsettled++;
    *ret = future;
    if (hand_out(executor) < 0)
        fail_all(executor);
    return 0;
}

int mp_future_cancel(struct mp_future *future)
{
    struct mp_executor *executor = future->executor;
    if (future->state == MP_CANCELLED)
        return 0;
    if (future->state == MP_PENDING)
        cancel_in(executor, &executor->pending, future);
    else if (future->state == MP_RUNNING &&
             executor->backend.cancel(executor->backend.self, &future->job) == 0)
        cancel_in(executor, &executor->handed, future);
    else
        return -EBUSY;
    return 0;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static int settled_count(struct mp_future *const *futures, size_t count)
{
    int settled = 0;
    for (size_t i = 0; i < count; i++)
        settled += future_settled(futures[i]);
    return settled;
}

enum { EXECUTORS_MAX = 16 }; /* that one wait looks after at the same time */

/* The executors of what is not settled, each once. Returns how many. */
static size_t executors_of(struct mp_future *const *futures, size_t count,
                           struct mp_executor **ret_executors)
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < EXECUTORS_MAX; i++) {
        struct mp_executor *executor = futures[i]->executor;
        size_t known = 0;
        while (known < found && ret_executors[known] != executor)
            known++;
        if (executor && known == found)
            ret_executors[found++] = executor;
    }
    return found;
}

/* Makes progress on several executors: each is pumped, and where that brings nothing, all are
 * waited for together. Returns 0, or -EINTR. */
static int pump_several(struct mp_executor **executors, size_t count, int timeout_ms)
{
    enum { SLICE_MS = 50 }; /* a back-end may have chores that its descriptor does not tell of */
    int fds[EXECUTORS_MAX], unsettled = 0;
    for (size_t i = 0; i < count; i++) {
        fds[i] = mp_executor_fd(executors[i]);
        int before = executors[i]->unsettled;
        if (mp_executor_pump(executors[i], 0) == -EINTR)
            return -EINTR;
        unsettled += before - executors[i]->unsettled;
    }
    if (unsettled != 0)
        return 0;
    if (timeout_ms < 0 || timeout_ms > SLICE_MS)
        timeout_ms = SLICE_MS;
    return io_wait_readable(fds, count, timeout_ms) == -EINTR ? -EINTR : 0;
}

int mp_wait(struct mp_future *const *futures, size_t count, enum mp_when when, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    size_t wanted = when == MP_ANY && count > 0 ? 1 : count;
    for (bool last = false;;) {
        int settled = settled_count(futures, count);
        if ((size_t)settled >= wanted || last)
            return settled;
        int left = clock_left_ms(deadline);
        last = left == 0; /* one look after the time is up: a timeout of 0 looks, too */
        struct mp_executor *executors[EXECUTORS_MAX];
        size_t several = executors_of(futures, count, executors);
        int error = several == 1 ? mp_executor_pump(executors[0], left)
                                 : pump_several(executors, several, left);
        if (error == -EINTR)
            return -EINTR;
    }
}

/* ---- Ending --------------------------------------------------------------------------------- */

static void cancel_all(struct mp_executor *executor)
{
    while (executor->pending.first)
        mp_future_cancel(executor->pending.first);
    for (struct mp_future *future = executor->handed.first, *next; future; future = next) {
        next = future->next;
        (void)mp_future_cancel(future);
    }
}

int mp_executor_shutdown(struct mp_executor *executor, enum mp_how how, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    executor->closed = true;
    if (how < executor->how)
        how = executor->how;
    executor->how = how;
    if (how != MP_FINISH)
        cancel_all(executor);
    while (how != MP_KILL && !executor->broken && executor->unsettled > 0) {
        int left = clock_left_ms(deadline);
        if (mp_executor_pump(executor, left) == -EINTR)
            return -EINTR;
        if (left == 0 && executor->unsettled > 0)
            return -ETIMEDOUT;
    }
    return executor->backend.stop(executor->backend.self, how == MP_KILL, clock_left_ms(deadline),
                                  on_outcome, executor);
}

void mp_executor_free(struct mp_executor *executor)
{
    if (!executor)
        return;
    while (mp_executor_shutdown(executor, MP_KILL, MP_FOREVER) == -EINTR)
        ;
    executor->backend.free(executor->backend.self);
    free(executor);
}
