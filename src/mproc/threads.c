#include "mproc/threads.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/task.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    AHEAD_PER_THREAD = 16
}; /* jobs taken on beside those that run, where nothing else is said */

/* A job that the threads have; kept for the next ones, with the buffers of its task. */
struct item {
    const struct mp_job *job; /* borrowed */
    struct mp_task task;      /* its view, and then its result */
    int worker;               /* that ran it */
    struct item *next;        /* in one list */
};

struct item_list {
    struct item *first, *last;
};

/* One place for a thread. */
struct seat {
    struct threads *threads;
    int number;
    pthread_t thread;
    pid_t tid;   /* of it, as the kernel counts */
    bool taken;  /* there is a thread to be joined; the parent's own */
    bool left;   /* it has ended, or is about to; under the lock */
    bool failed; /* its start hook has; under the lock */
};

struct threads {
    struct mp_executor_options options;
    struct seat **seats; /* the parent's own */
    int seat_count;
    int event_fd;             /* readable when something is done, or an interruption */
    atomic_bool interrupted;  /* the next poll is to return -EINTR */
    pthread_mutex_t lock;     /* for all below */
    pthread_cond_t work;      /* a job waits, or somebody shall leave */
    struct item_list waiting; /* not begun, oldest first */
    struct item_list done;    /* to be settled */
    struct item *spare;       /* not in use */
    int held;                 /* items in use */
    int width;                /* threads wanted */
    int alive;                /* threads that have not left */
    int failed;               /* seats without a thread, because its start hook failed */
    uint64_t started;
    uint64_t retired;
    bool stopping; /* leave as soon as nothing waits */
};

/* ---- Lists ---------------------------------------------------------------------------------- */

static void list_append(struct item_list *list, struct item *item)
{
    item->next = NULL;
    *(list->last ? &list->last->next : &list->first) = item;
    list->last = item;
}

static struct item *list_take(struct item_list *list)
{
    struct item *item = list->first;
    if (item && !(list->first = item->next))
        list->last = NULL;
    return item;
}

/* Takes out the item of one job. Returns NULL when it is not there. */
static struct item *list_take_job(struct item_list *list, const struct mp_job *job)
{
    struct item *before = NULL, *item = list->first;
    for (; item && item->job != job; item = item->next)
        before = item;
    if (!item)
        return NULL;
    *(before ? &before->next : &list->first) = item->next;
    if (list->last == item)
        list->last = before;
    return item;
}

/* ---- In a thread ---------------------------------------------------------------------------- */

/* Waits for a job. Returns NULL when this thread is to leave. Under the lock. */
static struct item *item_await(struct seat *seat)
{
    struct threads *threads = seat->threads;
    for (;;) {
        if (seat->number >= threads->width)
            return NULL;
        if (threads->waiting.first)
            return list_take(&threads->waiting);
        if (threads->stopping)
            return NULL;
        pthread_cond_wait(&threads->work, &threads->lock);
    }
}

static void item_run(struct seat *seat, struct item *item)
{
    struct threads *threads = seat->threads;
    struct mp_task *task = &item->task;
    task->ctx = threads->options.ctx;
    task->worker = item->worker = seat->number;
    task->result_max = threads->options.result_max;
    task->fds = item->job->fds;
    task->fd_count = item->job->fd_count;
    task_run(task, item->job->fn, item->job->arg, item->job->arg_size);
}

/* Works until it is to leave. Under the lock, but for the work itself. */
static void seat_work(struct seat *seat)
{
    struct threads *threads = seat->threads;
    struct item *item;
    while ((item = item_await(seat))) {
        pthread_mutex_unlock(&threads->lock);
        item_run(seat, item);
        pthread_mutex_lock(&threads->lock);
        bool first = !threads->done.first;
        list_append(&threads->done, item);
        if (first)
            eventfd_write(threads->event_fd, 1);
    }
}

static void *seat_main(void *arg)
{
    struct seat *seat = arg;
    struct threads *threads = seat->threads;
    const struct mp_executor_options *options = &threads->options;
    seat->tid = (pid_t)syscall(SYS_gettid);
    bool fit = !options->start || options->start(options->ctx, seat->number) == 0;
    pthread_mutex_lock(&threads->lock);
    seat->failed = !fit;
    threads->failed += !fit;
    if (fit)
        seat_work(seat);
    pthread_mutex_unlock(&threads->lock);
    if (fit && options->stop)
        options->stop(options->ctx, seat->number);
    pthread_mutex_lock(&threads->lock);
    seat->left = true;
    threads->alive--;
    eventfd_write(threads->event_fd, 1);
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

/* ---- Seats ---------------------------------------------------------------------------------- */

/* Starts a thread for a seat. Signals are for the threads of the program. Returns 0, or -errno. */
static int seat_start(struct seat *seat)
{
    struct threads *threads = seat->threads;
    sigset_t all, before;
    sigfillset(&all);
    pthread_mutex_lock(&threads->lock);
    seat->left = false;
    threads->failed -= seat->failed;
    seat->failed = false;
    threads->alive++;
    threads->started++;
    pthread_mutex_unlock(&threads->lock);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&seat->thread, NULL, seat_main, seat);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    seat->taken = error == 0;
    if (error != 0) {
        pthread_mutex_lock(&threads->lock);
        threads->alive--;
        threads->started--;
        pthread_mutex_unlock(&threads->lock);
    }
    return -error;
}

/* Waits until the kernel has taken a thread that was joined off the list of this process, which is
 * a moment later. Who asked then whether it may fork would be told that threads run. */
static void thread_await_end(pid_t tid)
{
    enum { TRIES = 2000, TRY_NS = 50000 };
    const struct timespec moment = {.tv_nsec = TRY_NS};
    for (int i = 0; i < TRIES && syscall(SYS_tgkill, getpid(), tid, 0) == 0; i++)
        nanosleep(&moment, NULL);
}

/* Collects the threads that have left. Returns how many have not. */
static int seats_join(struct threads *threads)
{
    int present = 0;
    for (int i = 0; i < threads->seat_count; i++) {
        struct seat *seat = threads->seats[i];
        pthread_mutex_lock(&threads->lock);
        bool left = seat->left;
        pthread_mutex_unlock(&threads->lock);
        if (seat->taken && left) {
            pthread_join(seat->thread, NULL);
            thread_await_end(seat->tid);
            seat->taken = false;
        }
        present += seat->taken;
    }
    return present;
}

/* Makes room for so many threads. Returns 0, or -ENOMEM. */
static int seats_grow(struct threads *threads, int count)
{
    if (count <= threads->seat_count)
        return 0;
    struct seat **seats = realloc(threads->seats, (size_t)count * sizeof *seats);
    if (!seats)
        return -ENOMEM;
    threads->seats = seats;
    for (; threads->seat_count < count; threads->seat_count++) {
        struct seat *seat = calloc(1, sizeof *seat);
        if (!seat)
            return -ENOMEM;
        *seat = (struct seat){.threads = threads, .number = threads->seat_count, .left = true};
        seats[threads->seat_count] = seat;
    }
    return 0;
}

/* Starts what is missing; those whose start hook failed only `again`. Those that shall leave have
 * their seat until they are gone. */
static int seats_fill(struct threads *threads, bool again)
{
    int error = 0;
    seats_join(threads);
    for (int i = 0; i < threads->width && error == 0; i++)
        if (!threads->seats[i]->taken && (again || !threads->seats[i]->failed))
            error = seat_start(threads->seats[i]);
    return error;
}

/* Fills the seats of those that were too many, and were wanted again before they had left. */
static void seats_fill_late(struct threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    bool missing = threads->alive + threads->failed < threads->width && !threads->stopping;
    pthread_mutex_unlock(&threads->lock);
    if (missing)
        (void)seats_fill(threads, false); /* an error now may be none at the next poll */
}

/* ---- The back-end --------------------------------------------------------------------------- */

/* Jobs that may be here at the same time. */
static int held_max(const struct threads *threads)
{
    int ahead = threads->options.prefetch;
    return threads->width * (1 + (ahead > 0 ? ahead : ahead < 0 ? 0 : AHEAD_PER_THREAD));
}

/* An item that is not in use. Under the lock. */
static struct item *item_take(struct threads *threads)
{
    struct item *item = threads->spare;
    if (item)
        threads->spare = item->next;
    else
        item = calloc(1, sizeof *item);
    threads->held += item != NULL;
    return item;
}

static void item_give(struct threads *threads, struct item *item)
{
    item->next = threads->spare;
    threads->spare = item;
    threads->held--;
}

static int threads_submit(void *self, const struct mp_job *job)
{
    struct threads *threads = self;
    int error = 0;
    pthread_mutex_lock(&threads->lock);
    struct item *item = threads->held < held_max(threads) ? item_take(threads) : NULL;
    if (item) {
        item->job = job;
        list_append(&threads->waiting, item);
        pthread_cond_signal(&threads->work);
    } else {
        error = -EAGAIN;
    }
    pthread_mutex_unlock(&threads->lock);
    return error;
}

/* Tells what became of an item. */
static void item_settle(const struct item *item, mp_settle_fn *settle, void *user)
{
    const struct mp_task *task = &item->task;
    struct mp_outcome outcome = {
        .code = task->code, .status = task->status, .worker = item->worker, .pid = getpid()};
    if (task->code == 0) {
        outcome.data = task->result;
        outcome.size = task->result_size;
    } else {
        outcome.message = task->message;
    }
    settle(user, item->job, &outcome);
}

/* Settles all that is done. Returns how many. */
static int done_settle(struct threads *threads, mp_settle_fn *settle, void *user)
{
    int count = 0;
    pthread_mutex_lock(&threads->lock);
    struct item *items = threads->done.first;
    threads->done = (struct item_list){0};
    pthread_mutex_unlock(&threads->lock);
    for (struct item *item = items, *next; item; item = next) {
        next = item->next;
        item_settle(item, settle, user);
        pthread_mutex_lock(&threads->lock);
        item_give(threads, item);
        pthread_mutex_unlock(&threads->lock);
        count++;
    }
    return count;
}

/* Waits until something is done, or somebody has left. Returns 0, or -EINTR. */
static int event_await(struct threads *threads, int timeout_ms)
{
    eventfd_t count;
    int ready = io_wait_readable(&threads->event_fd, 1, timeout_ms);
    if (ready > 0)
        eventfd_read(threads->event_fd, &count);
    return ready == -EINTR || atomic_exchange(&threads->interrupted, false) ? -EINTR : 0;
}

static int threads_poll(void *self, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct threads *threads = self;
    int settled = done_settle(threads, settle, user);
    int error = event_await(threads, settled > 0 ? 0 : timeout_ms);
    done_settle(threads, settle, user);
    seats_fill_late(threads);
    pthread_mutex_lock(&threads->lock);
    bool broken = threads->alive == 0 && threads->failed > 0;
    pthread_mutex_unlock(&threads->lock);
    return broken ? MP_EBROKEN : error;
}

static int threads_cancel(void *self, const struct mp_job *job)
{
    struct threads *threads = self;
    pthread_mutex_lock(&threads->lock);
    struct item *item = list_take_job(&threads->waiting, job);
    if (item)
        item_give(threads, item);
    pthread_mutex_unlock(&threads->lock);
    return item ? 0 : -EBUSY;
}

static int threads_fd(void *self)
{
    return ((struct threads *)self)->event_fd;
}

static void threads_interrupt(void *self)
{
    struct threads *threads = self;
    int error = errno; /* this may be a signal handler */
    atomic_store(&threads->interrupted, true);
    eventfd_write(threads->event_fd, 1);
    errno = error;
}

static int threads_resize(void *self, int workers, mp_settle_fn *settle, void *user)
{
    struct threads *threads = self;
    (void)settle; /* the threads share what waits: nobody holds it */
    (void)user;
    int error = seats_grow(threads, workers);
    if (error < 0)
        return error;
    pthread_mutex_lock(&threads->lock);
    if (workers < threads->width)
        threads->retired += (uint64_t)(threads->width - workers);
    threads->width = workers;
    pthread_cond_broadcast(&threads->work);
    pthread_mutex_unlock(&threads->lock);
    return seats_fill(threads, true);
}

static int threads_stop(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct threads *threads = self;
    int64_t deadline = clock_deadline(timeout_ms);
    struct item *item;
    pthread_mutex_lock(&threads->lock);
    threads->stopping = true;
    while (kill && (item = list_take(&threads->waiting))) {
        const struct mp_job *job = item->job;
        item_give(threads, item);
        pthread_mutex_unlock(&threads->lock);
        settle(user, job, &(struct mp_outcome){.code = MP_ERETURNED, .worker = -1});
        pthread_mutex_lock(&threads->lock);
    }
    pthread_cond_broadcast(&threads->work);
    pthread_mutex_unlock(&threads->lock);
    for (bool last = false; seats_join(threads) > 0 && !last;) {
        int left = clock_left_ms(deadline);
        last = left == 0;
        if (event_await(threads, left) == -EINTR)
            return -EINTR;
        done_settle(threads, settle, user);
    }
    done_settle(threads, settle, user);
    return seats_join(threads) > 0 ? -ETIMEDOUT : 0;
}

static void threads_stats(void *self, struct mp_backend_stats *ret)
{
    struct threads *threads = self;
    pthread_mutex_lock(&threads->lock);
    *ret = (struct mp_backend_stats){.workers_started = threads->started,
                                     .workers_retired = threads->retired,
                                     .workers = threads->alive};
    pthread_mutex_unlock(&threads->lock);
}

static void outcome_drop(void *user, const struct mp_job *job, const struct mp_outcome *outcome)
{
    (void)user;
    (void)job;
    (void)outcome;
}

static void threads_free(void *self)
{
    struct threads *threads = self;
    while (threads_stop(threads, true, MP_FOREVER, outcome_drop, NULL) == -EINTR)
        ;
    for (struct item *item; (item = threads->spare);) {
        threads->spare = item->next;
        task_done(&item->task);
        free(item);
    }
    for (int i = 0; i < threads->seat_count; i++)
        free(threads->seats[i]);
    free(threads->seats);
    io_close(&threads->event_fd);
    pthread_cond_destroy(&threads->work);
    pthread_mutex_destroy(&threads->lock);
    free(threads);
}

int threads_create(const struct mp_executor_options *options, struct mp_backend *ret)
{
    struct threads *threads = calloc(1, sizeof *threads);
    if (!threads)
        return -ENOMEM;
    threads->options = *options;
    threads->width = options->workers;
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->work, NULL);
    threads->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = threads->event_fd < 0 ? -errno : io_above_standard(&threads->event_fd);
    if (error == 0)
        error = seats_grow(threads, options->workers);
    if (error == 0)
        error = seats_fill(threads, true);
    if (error < 0) {
        threads_free(threads);
        return error;
    }
    *ret = (struct mp_backend){.self = threads,
                               .submit = threads_submit,
                               .poll = threads_poll,
                               .cancel = threads_cancel,
                               .fd = threads_fd,
                               .interrupt = threads_interrupt,
                               .resize = threads_resize,
                               .stop = threads_stop,
                               .stats = threads_stats,
                               .free = threads_free};
    return 0;
}
