/* mproc: processes, and jobs on worker processes, for C on Linux.
 *
 * What Python's multiprocessing and concurrent.futures are, without what hurts in them: a dead
 * worker costs the one job that it ran and nothing else, a queue is never unbounded, nothing of the
 * library waits for ever because another process died, and no process outlives its parent.
 *
 * Conventions
 *   Errors   0 or more is success; a negative value is -errno or one of enum mp_error. errno itself
 *            says nothing. mp_strerror() has a text for both kinds. The library never prints.
 *   Planes   A call that fails and a task that fails are two things: a call returns its error, a
 *            task's error is the result of its future.
 *   Time     Milliseconds of the monotonic clock. MP_FOREVER waits without limit, 0 only looks.
 *   Options  A zeroed struct, or NULL, means the defaults.
 *   Outputs  `ret…` comes last and is set on success only.
 *
 * One thread, no hidden ones. The parent is passive: futures settle while the caller is inside
 * submit, wait, result, shutdown or pump. Without such a call nothing is handed out beyond what the
 * workers hold already. mp_executor_fd() lets an event loop do the waiting. Since the library
 * starts no thread, it can fork a replacement for a dead worker at any time; a program that runs
 * threads of its own is refused an executor of processes (MP_ETHREADS). An executor and its futures
 * belong to the process and the thread that made them.
 *
 * Signals. The library installs no handler in the parent. A wait that a handler interrupts returns
 * -EINTR. Workers get default actions for what the parent catches, and ignore the terminal's
 * interrupt key: the parent decides what it means. */
#ifndef MPROC_H
#define MPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MP_API __attribute__((visibility("default")))

enum { MP_FOREVER = -1 };

/* Errors beyond errno's range. */
enum mp_error {
    MP_ETASK = -4097,    /* the task said that it failed: mp_task_fail() or a non-zero return */
    MP_ECRASH = -4098,   /* the worker died, or broke its protocol, while it ran this job */
    MP_EKILLED = -4099,  /* the job was running when the executor was shut down with MP_KILL */
    MP_EBROKEN = -4100,  /* no worker can be started: fork fails, or the start hook does */
    MP_ETHREADS = -4101, /* the program runs threads: forking it is not safe */
    MP_ERETURNED = -4102 /* back-ends only: the job never began, hand it out again */
};

/* A text for any error of the library, static. */
MP_API const char *mp_strerror(int error);

/* ---- Machine -------------------------------------------------------------------------------- */

/* CPUs that this process may use: its affinity mask, and its cgroup's quota rounded up. At least 1.
 */
MP_API int mp_cpu_count(void);

/* ---- Process -------------------------------------------------------------------------------- */

struct mp_process;

enum {
    MP_ALIVE = -1000,       /* exit code of a process that runs */
    MP_EXIT_UNKNOWN = -1001 /* somebody else collected the status: it is gone, how is not known */
};

struct mp_process_options {
    const char *name;    /* shown by ps, 15 bytes; NULL keeps the program's */
    const int *keep_fds; /* descriptors that the child keeps beside 0, 1 and 2 */
    unsigned keep_count; /* of them */
};

/* Starts fn(arg) in a child process; its return value, 0..255, is the exit code. The child has
 * default actions for the signals that the parent catches, no descriptors but those named, dies
 * with the parent, and leaves without running the parent's atexit handlers.
 * The parent's thread must outlive the child: the kernel ties the death signal to it.
 * Returns 0, -EAGAIN or -ENOMEM (fork), -EINVAL (more than 64 descriptors). Free with
 * mp_process_close(). */
MP_API int mp_process_start(int (*fn)(void *arg), void *arg,
                            const struct mp_process_options *options, struct mp_process **ret);

/* Waits until the process is gone. Returns 0, -ETIMEDOUT, or -EINTR. */
MP_API int mp_process_join(struct mp_process *process, int timeout_ms);

/* Sends a signal; never to a stranger that has the number now. Returns 0, -ESRCH once it is gone.
 */
MP_API int mp_process_signal(struct mp_process *process, int signo);

/* 0..255, minus the number of the signal that killed it, MP_ALIVE or MP_EXIT_UNKNOWN. */
MP_API int mp_process_exit_code(struct mp_process *process);

MP_API pid_t mp_process_pid(const struct mp_process *process);

/* A descriptor that becomes readable when the process is gone, or -ENOSYS where the kernel has
 * none. Owned by the process. */
MP_API int mp_process_fd(const struct mp_process *process);

/* Frees the handle. Returns 0, or -EBUSY while the process runs (and frees nothing). Takes NULL. */
MP_API int mp_process_close(struct mp_process *process);

/* ---- Tasks: what runs in a worker ----------------------------------------------------------- */

struct mp_task; /* the worker's view of the job it runs */

/* Runs one job. `arg` is the copy of what was submitted, valid until the function returns.
 * It may lie at any address: copy structs out. Returns 0, or anything else to fail with that
 * status. The result is what it gave to mp_task_return() or built in mp_task_reserve(); nothing is
 * an empty result. */
typedef int mp_task_fn(struct mp_task *task, const void *arg, size_t arg_size);

/* Makes a copy of data[0..size) the result; a later call replaces it.
 * Returns 0, -EMSGSIZE above the executor's result_max, -ENOMEM. */
MP_API int mp_task_return(struct mp_task *task, const void *data, size_t size);

/* Room for a result of `size` bytes, to be filled before the task returns; a later call replaces
 * it. Returns NULL above the executor's result_max, and when there is no memory. */
MP_API void *mp_task_reserve(struct mp_task *task, size_t size);

/* Fails the task: status (0 counts as a failure too) and a sentence for mp_future_fault(), cut at
 * 1023 bytes. Returns a non-zero value for the task to return. */
MP_API int mp_task_fail(struct mp_task *task, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Descriptor number `index` of the job, borrowed until the task returns; -EINVAL past the last. A
 * worker's descriptor shares its file offset with the parent's. */
MP_API int mp_task_fd(const struct mp_task *task, unsigned index);

/* The worker's number, from 0; a replacement takes over the number of the dead. */
MP_API int mp_task_worker(const struct mp_task *task);

/* The executor's ctx: in a worker process a private copy, as the fork left it. */
MP_API void *mp_task_ctx(const struct mp_task *task);

/* ---- Back-ends: who runs the jobs ----------------------------------------------------------- */

/* A job as a back-end sees it; borrowed until its outcome. */
struct mp_job {
    mp_task_fn *fn;    /* what to run */
    const void *arg;   /* its argument */
    size_t arg_size;   /* bytes of it */
    const int *fds;    /* descriptors for mp_task_fd(), open in this process */
    unsigned fd_count; /* of them, at most MP_JOB_FDS_MAX */
};

/* What became of a job; borrowed for the call of settle. */
struct mp_outcome {
    int code;            /* 0, MP_ETASK, MP_ECRASH, MP_EKILLED, MP_ERETURNED, or -errno */
    int status;          /* the task's own, the worker's exit code, or minus its signal */
    int worker;          /* number of the worker, -1 unknown */
    pid_t pid;           /* of the worker, 0 unknown */
    bool lost_result;    /* a crash after the task had finished: its side effects are done */
    const void *data;    /* the result */
    size_t size;         /* bytes of it */
    const char *message; /* a sentence about a failure, or NULL */
};

typedef void mp_settle_fn(void *user, const struct mp_job *job, const struct mp_outcome *outcome);

struct mp_backend_stats {
    uint64_t workers_started; /* forks that succeeded, replacements too */
    uint64_t workers_lost;    /* workers that died unasked */
};

/* The functions of a back-end. All get `self`. None blocks but poll and stop, and none may call
 * back into the executor; outcomes are told from within poll and stop only. */
struct mp_backend {
    void *self;
    /* Takes a job on. Returns 0, -EAGAIN when there is no room (not an error), or an error. */
    int (*submit)(void *self, const struct mp_job *job);
    /* Makes progress, waiting up to timeout_ms for it, and tells every outcome.
     * Returns 0, -EINTR, or MP_EBROKEN: then no job will ever finish. */
    int (*poll)(void *self, int timeout_ms, mp_settle_fn *settle, void *user);
    /* Takes a job back that has not begun. Returns 0: it never will, and has no outcome; -EBUSY. */
    int (*cancel)(void *self, const struct mp_job *job);
    /* Readable when poll has work; owned by the back-end. */
    int (*fd)(void *self);
    /* Lets the workers leave (kill: kills them, running jobs have the outcome MP_EKILLED and the
     * others MP_ERETURNED). Returns 0, or -ETIMEDOUT with some left; may be called again. */
    int (*stop)(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user);
    void (*stats)(void *self, struct mp_backend_stats *ret);
    /* Frees it; whatever still runs is killed first. */
    void (*free)(void *self);
};

/* ---- Executor ------------------------------------------------------------------------------- */

struct mp_executor;
struct mp_future;

enum {
    MP_JOB_FDS_MAX = 253,     /* descriptors of one job: the kernel's limit of one message */
    MP_ARG_MAX = 64 << 20,    /* bytes of one argument */
    MP_RESULT_MAX = 64 << 20, /* bytes of one result, where result_max says nothing else */
    MP_PREFETCH_MAX = 15,     /* jobs sent ahead to one worker */
};

enum mp_kind {
    MP_PROCESSES = 0, /* forked workers */
    MP_SEQUENTIAL,    /* in the caller, while it waits */
};

struct mp_executor_options {
    enum mp_kind kind;
    int workers;     /* 0: mp_cpu_count() */
    int prefetch;    /* jobs sent ahead to a worker beside the one it runs; 0: 1; negative: none */
    int max_pending; /* jobs not settled before submit waits; 0: 64 a worker */
    size_t result_max; /* bytes of one result; 0: MP_RESULT_MAX */
    const char *name;  /* of worker processes, shown by ps; NULL keeps the program's */
    int (*start)(void *ctx, int worker); /* in each worker before its first job; not 0: it failed */
    void (*stop)(void *ctx, int worker); /* in each worker that leaves in peace */
    void *ctx;                           /* for start, stop and mp_task_ctx() */
};

/* Starts an executor. Returns 0, -EINVAL (an option), -ENOMEM, -EMFILE, MP_ETHREADS, MP_EBROKEN. */
MP_API int mp_executor_create(const struct mp_executor_options *options, struct mp_executor **ret);

/* The same on a back-end of the caller's, which the executor frees in the end, also when this
 * fails. Of the options it reads max_pending and workers. */
MP_API int mp_executor_create_on(const struct mp_backend *backend,
                                 const struct mp_executor_options *options,
                                 struct mp_executor **ret);

struct mp_submit_options {
    const int *fds;    /* descriptors for the task; borrowed until the future settles */
    unsigned fd_count; /* of them, at most MP_JOB_FDS_MAX */
    bool nowait;       /* -EAGAIN instead of waiting when max_pending jobs are not settled */
    void *user;        /* for mp_future_user() */
};

/* Hands a job in: fn(arg) with a copy of the argument. Waits while max_pending jobs are not
 * settled. The function must have been in the program when the executor was created.
 * Returns 0, -EAGAIN (nowait), -EMSGSIZE (argument or descriptors too many), -EBADF (a descriptor),
 * -ENOMEM, -EINTR, -ESHUTDOWN, MP_EBROKEN. Free the future with mp_future_free(). */
MP_API int mp_executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                              size_t arg_size, const struct mp_submit_options *options,
                              struct mp_future **ret);

/* Makes progress, waiting up to timeout_ms for some. Returns 0, -EINTR, MP_EBROKEN. */
MP_API int mp_executor_pump(struct mp_executor *executor, int timeout_ms);

/* A descriptor that is readable when mp_executor_pump() has something to do. A few chores are not
 * seen there (a fork or a send that failed and is due again, deaths where the kernel has no
 * pidfds): an event loop pumps every 50 ms or so besides. */
MP_API int mp_executor_fd(const struct mp_executor *executor);

MP_API void mp_executor_stats(const struct mp_executor *executor, struct mp_backend_stats *ret);

enum mp_how {
    MP_FINISH = 0, /* run everything that was submitted */
    MP_CANCEL,     /* cancel what has not begun, finish what runs */
    MP_KILL,       /* cancel what has not begun, kill what runs */
};

/* Ends the executor: no more submits, settles every future as `how` says, lets the workers leave.
 * Returns 0, -EINTR, or -ETIMEDOUT; may then be called again, with a harder `how` (a softer one
 * counts as the hardest so far). */
MP_API int mp_executor_shutdown(struct mp_executor *executor, enum mp_how how, int timeout_ms);

/* Frees it, after a shutdown with MP_KILL where there was none. Futures may outlive it. Takes NULL.
 */
MP_API void mp_executor_free(struct mp_executor *executor);

/* ---- Futures -------------------------------------------------------------------------------- */

enum mp_state {
    MP_PENDING,  /* not handed to a worker yet */
    MP_RUNNING,  /* with a worker; it may not have begun */
    MP_DONE,     /* has a result */
    MP_FAILED,   /* has a fault */
    MP_CANCELLED /* never ran and never will */
};

/* Why a future failed. Strings live as long as the future. */
struct mp_fault {
    int code;            /* MP_ETASK, MP_ECRASH, MP_EKILLED, MP_EBROKEN, -EMSGSIZE, -EMFILE, … */
    int status;          /* the task's own, the worker's exit code, or minus its signal */
    int worker;          /* number of the worker, -1 unknown */
    pid_t pid;           /* of the worker, 0 unknown */
    bool lost_result;    /* a crash after the task had finished: its side effects are done */
    const char *message; /* a sentence, never NULL */
};

MP_API enum mp_state mp_future_state(const struct mp_future *future);

/* Waits for the result. It belongs to the future. Returns 0; -ETIMEDOUT and -EINTR while it is not
 * settled; then the task's error: the fault's code, or -ECANCELED. */
MP_API int mp_future_result(struct mp_future *future, int timeout_ms, const void **ret_data,
                            size_t *ret_size);

/* Why it failed; NULL unless its state is MP_FAILED. */
MP_API const struct mp_fault *mp_future_fault(const struct mp_future *future);

/* Takes the job back if it has not begun: it never runs then. Returns 0, also for one that is
 * cancelled already; -EBUSY when it has begun or is settled. */
MP_API int mp_future_cancel(struct mp_future *future);

/* The number of the worker that settled it, -1 where none did. */
MP_API int mp_future_worker(const struct mp_future *future);

MP_API void *mp_future_user(const struct mp_future *future);

/* Lets go of it in any state; a job that is not settled goes on and its result is dropped (its
 * descriptors stay borrowed until then: wait first). Takes NULL. */
MP_API void mp_future_free(struct mp_future *future);

enum mp_when { MP_ALL, MP_ANY };

/* Waits until all, or any, of the futures are settled. They may belong to several executors, and
 * one may be named twice. Returns how many of the entries are settled, fewer than asked for after
 * the timeout; -EINTR. */
MP_API int mp_wait(struct mp_future *const *futures, size_t count, enum mp_when when,
                   int timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
