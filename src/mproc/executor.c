/* The executor: futures above, a back-end below, and between them the jobs that wait their turn.
 *
 *   caller               executor                back-end        |  worker
 *   submit ------------> pending list --submit--> a worker's  ===|=> runs the task
 *   wait, result, pump   handed list  <--settle-- channels   <===|== its result
 *
 * A job is in the pending list until the back-end takes it on, then in the handed list until its
 * outcome is told. One that comes back because its worker died before it began goes to the front of
 * the pending list, uncharged. Nothing happens but inside the caller's calls; callbacks are called
 * at the end of those, when nothing is half done. */
#include "mproc/executor.h"

#include "mproc/clock.h"
#include "mproc/control.h"
#include "mproc/process.h"
#include "mproc/sequential.h"
#include "mproc/shm.h"
#include "mproc/threads.h"
#include "mproc/workerset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PENDING_PER_WORKER = 64, /* max_pending where the options say nothing */
    RETURNS_MAX = 1000,      /* a job that came back so often fails */
    SUSPICION_MAX = 100,     /* so does one that is so likely to bring that about itself */
    SPARE_FUTURES = 64,      /* kept for the next jobs beyond max_pending */
};

/* More than there can be, and far enough from where a size overflows. */
static const size_t result_max_most = PTRDIFF_MAX / 2;

/* ---- Creating ------------------------------------------------------------------------------- */

/* Replaces zeroes by defaults and checks. Returns 0, or -EINVAL. */
static int options_complete(struct mp_executor_options *options)
{
    if (options->kind == MP_SEQUENTIAL)
        options->workers = 1;
    if (options->workers == 0)
        options->workers = mp_cpu_count();
    if (options->result_max == 0)
        options->result_max = MP_RESULT_MAX;
    /* Who says the largest number means no limit, and something is added to both. */
    if (options->result_max > result_max_most)
        options->result_max = result_max_most;
    if (options->max_pending > INT_MAX - SPARE_FUTURES)
        options->max_pending = INT_MAX - SPARE_FUTURES;
    if (options->workers < 1 || options->workers > MP_WORKERS_MAX || options->max_pending < 0 ||
        options->prefetch > MP_PREFETCH_MAX || options->deadline_ms < 0 || options->grace_ms < 0 ||
        options->retries < 0 || options->jobs_per_worker < 0)
        return -EINVAL;
    return 0;
}

static int backend_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    switch (options->kind) {
    case MP_PROCESSES: return process_has_threads() ? MP_ETHREADS : workerset_create(options, ret);
    case MP_THREADS: return threads_create(options, ret);
    case MP_SEQUENTIAL: return sequential_create(options, ret);
    }
    return -EINVAL;
}

static int max_pending_of(const struct mp_executor_options *options)
{
    return options->max_pending > 0 ? options->max_pending : PENDING_PER_WORKER * options->workers;
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

/* Frees what the executor itself has; not its back-end. */
static void executor_destroy(struct mp_executor *executor)
{
    shm_own_page_free((void *)(uintptr_t)executor->owned);
    future_store_release(executor->store);
    free(executor);
}

int mp_executor_create_on(const struct mp_backend *backend, const struct mp_executor_options *given,
                          struct mp_executor **ret)
{
    struct mp_executor_options options = given ? *given : (struct mp_executor_options){0};
    struct mp_executor *executor = NULL;
    int error = options_complete(&options);
    if (error == 0 && options.deadline_ms > 0 && !backend->kill)
        error = MP_ENOKILL;
    if (error == 0 && !(executor = calloc(1, sizeof *executor)))
        error = -ENOMEM;
    if (error == 0 &&
        !(executor->store = future_store_create(max_pending_of(&options) + SPARE_FUTURES)))
        error = -ENOMEM;
    if (error < 0) {
        free(executor);
        backend->free(backend->self);
        return error;
    }
    executor->backend = *backend;
    executor->options = options;
    executor->max_pending = max_pending_of(&options);
    executor->owned = shm_own_page();
    executor->owner = getpid();
    *ret = executor;
    return 0;
}

int executor_check(const struct mp_executor *executor)
{
    bool own = executor->owned ? *executor->owned == 1 : getpid() == executor->owner;
    return own ? 0 : MP_EFORKED;
}

void executor_enter(struct mp_executor *executor, struct executor_guest *guest)
{
    guest->next = executor->guests;
    executor->guests = guest;
}

void executor_leave(struct mp_executor *executor, struct executor_guest *guest)
{
    struct executor_guest **link = &executor->guests;
    while (*link != guest)
        link = &(*link)->next;
    *link = guest->next;
    if (!executor->guests && executor->freed)
        executor_destroy(executor);
}

/* ---- Settling ------------------------------------------------------------------------------- */

void executor_call_back(struct mp_executor *executor)
{
    if (executor->calling)
        return;
    executor->calling = true;
    do {
        for (struct mp_future *future; (future = executor->settled.first);) {
            future_list_remove(&executor->settled, future);
            future_call_back(future);
        }
        for (struct executor_guest *guest = executor->guests; guest; guest = guest->next)
            guest->on_progress(guest);
    } while (executor->settled.first);
    executor->calling = false;
}

/* Counts a future that has just settled, and sees to its callbacks or its end. */
static void after_settling(struct mp_executor *executor, struct mp_future *future)
{
    executor->stats.unsettled--;
    executor->stats.done += future->state == MP_DONE;
    executor->stats.failed += future->state == MP_FAILED;
    executor->stats.cancelled += future->state == MP_CANCELLED;
    if (future->calling_back)
        future_list_append(&executor->settled, future);
    else if (future->detached)
        future_destroy(future);
}

static void settle(struct mp_executor *executor, struct future_list *list, struct mp_future *future,
                   const struct mp_outcome *outcome)
{
    future_list_remove(list, future);
    future_settle(future, outcome);
    after_settling(executor, future);
}

static void cancel_in(struct mp_executor *executor, struct future_list *list,
                      struct mp_future *future)
{
    future_list_remove(list, future);
    future_cancel(future);
    after_settling(executor, future);
}

static void hand_out_again(struct mp_executor *executor, struct mp_future *future)
{
    future_list_remove(&executor->handed, future);
    future_list_prepend(&executor->pending, future);
    future->state = MP_PENDING;
}

/* Notes that a job came back. Returns false when that has been too often. */
static bool may_come_back(struct mp_future *future, int suspicion)
{
    future->returns++;
    future->suspicion += suspicion;
    return future->returns < RETURNS_MAX && future->suspicion < SUSPICION_MAX;
}

/* Takes a job back that never began, to be handed out again. A worker that is hostile can claim
 * that of the very job that ends it, so there is an end to it; a near one where each time may cost
 * as much as the job's deadline. */
static void on_return(struct mp_executor *executor, struct mp_future *future,
                      const struct mp_outcome *outcome)
{
    executor->stats.returned++;
    if (executor->how != MP_FINISH) {
        cancel_in(executor, &executor->handed, future);
    } else if (may_come_back(future, outcome->suspicion)) {
        hand_out_again(executor, future);
    } else {
        struct mp_outcome failure = *outcome;
        failure.code = MP_ECRASH;
        failure.message = "every worker that was given the job died before it said that it began";
        settle(executor, &executor->handed, future, &failure);
    }
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
    future->attempts++;
    if (outcome->code == MP_ECRASH && future->attempts <= future->retries &&
        executor->how == MP_FINISH && !executor->broken) {
        executor->stats.retried++;
        future->returns = future->suspicion = 0; /* that was an attempt: it has paid for them */
        hand_out_again(executor, future);
        return;
    }
    struct mp_outcome told = *outcome;
    if (executor->broken && told.code == MP_EKILLED) { /* by fail_all(), and not on request */
        told.code = MP_EBROKEN;
        told.message = NULL;
    }
    settle(executor, &executor->handed, future, &told);
}

/* No job will ever finish any more: every future gets to know. */
static void fail_all(struct mp_executor *executor)
{
    const struct mp_outcome failure = {.code = MP_EBROKEN, .worker = -1};
    executor->broken = true;
    while (executor->backend.stop(executor->backend.self, true, MP_FOREVER, on_outcome, executor) ==
           -EINTR)
        ;
    while (executor->pending.first)
        settle(executor, &executor->pending, executor->pending.first, &failure);
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
    int error = executor_check(executor);
    if (error < 0)
        return error;
    if (executor->calling)
        return -EDEADLK;
    if (executor->broken)
        return MP_EBROKEN;
    error = hand_out(executor);
    if (error == 0)
        error = executor->backend.poll(executor->backend.self, timeout_ms, on_outcome, executor);
    /* So that nobody idles while the caller is away. */
    if (error != MP_EBROKEN && hand_out(executor) < 0)
        error = MP_EBROKEN;
    if (error == MP_EBROKEN)
        fail_all(executor);
    executor_call_back(executor);
    return error;
}

int mp_executor_fd(const struct mp_executor *executor)
{
    int error = executor_check(executor);
    return error < 0 ? error : executor->backend.fd(executor->backend.self);
}

void mp_executor_interrupt(struct mp_executor *executor)
{
    /* In a child the descriptor's number may be another's by now. */
    if (executor->backend.interrupt && executor_check(executor) == 0)
        executor->backend.interrupt(executor->backend.self);
}

void mp_executor_stats(const struct mp_executor *executor, struct mp_executor_stats *ret)
{
    *ret = executor->stats;
    if (executor_check(executor) == 0) /* a child may have inherited a lock that is held */
        executor->backend.stats(executor->backend.self, &ret->backend);
}

int mp_executor_resize(struct mp_executor *executor, int workers)
{
    int error = executor_check(executor);
    if (error < 0)
        return error;
    if (executor->closed)
        return -ESHUTDOWN;
    if (executor->broken)
        return MP_EBROKEN;
    if (workers < 1 || workers > MP_WORKERS_MAX)
        return -EINVAL;
    if (!executor->backend.resize)
        return -ENOTSUP;
    error = executor->backend.resize(executor->backend.self, workers, on_outcome, executor);
    if (error < 0)
        return error;
    executor->options.workers = workers;
    executor->max_pending = max_pending_of(&executor->options);
    if (hand_out(executor) < 0)
        fail_all(executor);
    executor_call_back(executor);
    return 0;
}

/* ---- Submitting ----------------------------------------------------------------------------- */

bool executor_is_full(const struct mp_executor *executor)
{
    return !executor->stopped && !executor->broken &&
           executor->stats.unsettled >= executor->max_pending;
}

/* True while jobs are taken on. */
static bool is_open(const struct mp_executor *executor, bool is_rest)
{
    return !executor->broken &&
           (!executor->closed || (is_rest && executor->how == MP_FINISH && !executor->stopped));
}

/* Waits until the executor takes one more. Returns 0, or a negative error. */
static int room_await(struct mp_executor *executor, bool nowait, bool is_rest)
{
    while (is_open(executor, is_rest) && executor_is_full(executor)) {
        if (nowait || executor->calling)
            return -EAGAIN;
        int error = mp_executor_pump(executor, MP_FOREVER);
        if (error < 0 && error != MP_EBROKEN)
            return error;
    }
    return is_open(executor, is_rest) ? 0 : executor->closed ? -ESHUTDOWN : MP_EBROKEN;
}

/* Returns 0, -EMSGSIZE, -EBADF or MP_ENOKILL. */
static int job_check(const struct mp_executor *executor, size_t arg_size,
                     const struct mp_submit_options *options)
{
    if (arg_size > MP_ARG_MAX || options->fd_count > MP_JOB_FDS_MAX)
        return -EMSGSIZE;
    if (options->deadline_ms > 0 && !executor->backend.kill)
        return MP_ENOKILL;
    for (unsigned i = 0; i < options->fd_count; i++)
        if (fcntl(options->fds[i], F_GETFD) < 0)
            return -EBADF;
    return 0;
}

int executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg, size_t arg_size,
                    const struct mp_submit_options *given, bool is_rest, struct mp_future **ret)
{
    struct mp_submit_options options = given ? *given : (struct mp_submit_options){0};
    struct mp_future *future;
    int error = executor_check(executor);
    if (error == 0)
        error = job_check(executor, arg_size, &options);
    if (error == 0)
        error = room_await(executor, options.nowait, is_rest);
    if (error == 0)
        error = future_create(executor->store, fn, arg, arg_size, &options, &future);
    if (error < 0)
        return error;
    future->executor = executor;
    future->detached = !ret;
    future->job.deadline_ms = executor_own_or(options.deadline_ms, executor->options.deadline_ms);
    future->retries = executor_own_or(options.retries, executor->options.retries);
    future_list_append(&executor->pending, future);
    executor->stats.unsettled++;
    executor->stats.submitted++;
    if (ret)
        *ret = future;
    if (hand_out(executor) < 0)
        fail_all(executor);
    executor_call_back(executor);
    return 0;
}

int mp_executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                       size_t arg_size, const struct mp_submit_options *options,
                       struct mp_future **ret)
{
    return executor_submit(executor, fn, arg, arg_size, options, false, ret);
}

/* ---- Cancelling ----------------------------------------------------------------------------- */

/* Takes a job back that has not begun. Returns 0, or -EBUSY. Calls no callbacks. */
static int take_back(struct mp_future *future)
{
    struct mp_executor *executor = future->executor;
    if (future->state == MP_PENDING)
        cancel_in(executor, &executor->pending, future);
    else if (future->state == MP_RUNNING &&
             executor->backend.cancel(executor->backend.self, &future->job) == 0)
        cancel_in(executor, &executor->handed, future);
    else
        return -EBUSY;
    return 0;
}

int mp_future_cancel(struct mp_future *future)
{
    struct mp_executor *executor = future->executor;
    if (!executor)
        return future->state == MP_CANCELLED ? 0 : -EBUSY;
    int error = executor_check(executor);
    if (error == 0)
        error = take_back(future);
    if (error == 0)
        executor_call_back(executor);
    return error;
}

int mp_future_kill(struct mp_future *future)
{
    struct mp_executor *executor = future->executor;
    int error = mp_future_cancel(future);
    if (error != -EBUSY || !executor)
        return error;
    if (!executor->backend.kill)
        return MP_ENOKILL;
    return executor->backend.kill(executor->backend.self, &future->job);
}

/* ---- Ending --------------------------------------------------------------------------------- */

/* Cancels what has not begun: all, or those with this function and `user`. Calls no callbacks. */
static void cancel_in_list(const struct future_list *list, mp_task_fn *fn, const void *user)
{
    for (struct mp_future *future = list->first, *next; future; future = next) {
        next = future->next;
        if (!fn || (future->job.fn == fn && future->user == user))
            (void)take_back(future);
    }
}

void executor_cancel_of(struct mp_executor *executor, mp_task_fn *fn, const void *user)
{
    cancel_in_list(&executor->pending, fn, user);
    cancel_in_list(&executor->handed, fn, user);
    executor_call_back(executor);
}

int mp_executor_shutdown(struct mp_executor *executor, enum mp_how how, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    int error = executor_check(executor);
    if (error < 0)
        return error;
    if (executor->calling)
        return -EDEADLK;
    executor->closed = true;
    if (how < executor->how)
        how = executor->how;
    executor->how = how;
    if (how != MP_FINISH) {
        cancel_in_list(&executor->pending, NULL, NULL);
        cancel_in_list(&executor->handed, NULL, NULL);
    }
    while (how != MP_KILL && !executor->broken && executor->stats.unsettled > 0) {
        int left = clock_left_ms(deadline);
        if (mp_executor_pump(executor, left) == -EINTR)
            return -EINTR;
        if (left == 0 && executor->stats.unsettled > 0)
            return -ETIMEDOUT;
    }
    executor->stopped = true;
    error = executor->backend.stop(executor->backend.self, how == MP_KILL, clock_left_ms(deadline),
                                   on_outcome, executor);
    executor_call_back(executor);
    return error;
}

void mp_executor_free(struct mp_executor *executor)
{
    if (!executor || executor_check(executor) < 0)
        return; /* a child's copy is gone with the child */
    while (mp_executor_shutdown(executor, MP_KILL, MP_FOREVER) == -EINTR)
        ;
    executor->backend.free(executor->backend.self);
    executor->freed = true;
    if (!executor->guests)
        executor_destroy(executor);
}
