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
 * starts no thread (but for an executor of threads), it can fork a replacement for a dead worker at
 * any time; a program that runs threads of its own is refused an executor of processes
 * (MP_ETHREADS). An executor, its futures, maps and pools belong to the thread that made them; used
 * in a child that inherited them by fork they return MP_EFORKED. What is made to be shared (locks
 * to pipes) says so.
 *
 * Signals. The library installs no handler in the parent. A wait that a handler interrupts returns
 * -EINTR; a handler that must not be missed calls mp_executor_interrupt(). Workers get default
 * actions for what the parent catches, and ignore the terminal's interrupt key: the parent decides
 * what it means. Async-signal-safe are mp_executor_interrupt() and mp_event_set(), nothing else.
 *
 * Trust. Locks, semaphores, events, conditions, barriers, values, arrays and queues live in memory
 * that all their users can write: they are for processes that trust each other. Between an executor
 * and its workers there is no such memory: a worker that was taken over can spoil its own jobs'
 * results and nothing else. */
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
    MP_ETASK = -4097,     /* the task said that it failed: mp_task_fail() or a non-zero return */
    MP_ECRASH = -4098,    /* the worker died, or broke its protocol, while it ran this job */
    MP_EKILLED = -4099,   /* the job was killed on request: mp_future_kill() or MP_KILL */
    MP_EBROKEN = -4100,   /* no worker can be started: fork or the start hook fails, or is killed */
    MP_ETHREADS = -4101,  /* the program runs threads: forking it is not safe */
    MP_ERETURNED = -4102, /* back-ends only: the job never began, hand it out again */
    MP_EDEADLINE = -4103, /* the job ran longer than its deadline and was killed */
    MP_EFORKED = -4104,   /* the handle belongs to the process that forked this one */
    MP_ENOKILL = -4105,   /* this back-end cannot kill a job that runs, so it has no deadlines */
    MP_ENOTOWNER = -4106  /* a lock is released by somebody who does not hold it */
};

enum {
    MP_OWNERDEAD = 1 /* the lock is held; who held it before died: look after what it guards */
};

/* A text for any error of the library, static. */
MP_API const char *mp_strerror(int error);

/* ---- Machine: what this process may use ------------------------------------------------------ */

/* CPUs that this process may use: its affinity mask, and its cgroup's quota rounded up. At least 1.
 */
MP_API int mp_cpu_count(void);

/* ---- Process: a function in a child of its own ----------------------------------------------- */

struct mp_process;

enum {
    MP_ALIVE = -1000,       /* exit code of a process that runs */
    MP_EXIT_UNKNOWN = -1001 /* somebody else collected the status: it is gone, how is not known */
};

struct mp_process_options {
    const char *name;    /* of the process; ps shows 15 bytes of it. NULL: "Process-1" and so on,
                            counted by each parent, and ps shows the program's as before */
    const int *keep_fds; /* descriptors that the child keeps beside 0, 1 and 2 */
    unsigned keep_count; /* of them */
};

/* Flushes stdio, and starts fn(arg) in a child process, which flushes stdio at its end; its return
 * value, 0..255, is the exit code. The child has default actions for the signals that the parent
 * catches, no descriptors but those named, dies with the parent, and leaves without running the
 * parent's atexit handlers. The parent's thread must outlive the child: the kernel ties the death
 * signal to it. Returns 0, -EAGAIN or -ENOMEM (fork), -EINVAL (more than 64 descriptors). Free with
 * mp_process_close(). The handle is for the process that started it: another that inherits it is
 * told MP_EFORKED, or MP_EXIT_UNKNOWN, and can only close its copy. */
MP_API int mp_process_start(int (*fn)(void *arg), void *arg,
                            const struct mp_process_options *options, struct mp_process **ret);

/* Waits until the process is gone. Returns 0, -ETIMEDOUT, -EINTR, or MP_EFORKED. */
MP_API int mp_process_join(struct mp_process *process, int timeout_ms);

/* Sends a signal; never to a stranger that has the number now. Returns 0, -ESRCH once it is gone,
 * or MP_EFORKED. */
MP_API int mp_process_signal(struct mp_process *process, int signo);

/* 0..255, minus the number of the signal that killed it, MP_ALIVE or MP_EXIT_UNKNOWN. */
MP_API int mp_process_exit_code(struct mp_process *process);

/* Its number; once it has been collected, by mp_process_join() say, the system may give it away. */
MP_API pid_t mp_process_pid(const struct mp_process *process);

/* Its name. Lives as long as the handle. */
MP_API const char *mp_process_name(const struct mp_process *process);

/* The name of the calling process: what it was started with, "MainProcess" in one that the library
 * did not start, "Worker-1" and so on in an executor's workers without a name. Lives for ever. */
MP_API const char *mp_current_process_name(void);

/* A descriptor that becomes readable when the process is gone, -ENOSYS where the kernel has none,
 * or MP_EFORKED. Owned by the process. */
MP_API int mp_process_fd(const struct mp_process *process);

/* Frees the handle. Returns 0, or -EBUSY while the process runs (and frees nothing). Takes NULL. */
MP_API int mp_process_close(struct mp_process *process);

/* ---- Shared memory: with processes that are started later ------------------------------------ */

/* Zeroed anonymous memory that this process shares with those that it starts afterwards. There is
 * no name to remove and nothing that could be left behind. Returns NULL when there is none. */
MP_API void *mp_shared_alloc(size_t size_bytes);

/* Takes it out of this process; others keep it. Takes NULL. */
MP_API void mp_shared_free(void *memory, size_t size_bytes);

/* What processes share to wait for each other, locks to queues, is made before the processes that
 * shall share it are started. Freeing it gives back this process's share only; it is gone
 * when the last process has done so or is gone. Nothing waits for ever because another process
 * died. */

/* ---- Lock: one holder at a time -------------------------------------------------------------- */

struct mp_lock;

/* A lock for processes and threads; `recursive`: its holder may acquire it again and must release
 * it as often. Returns 0, -ENOMEM. */
MP_API int mp_lock_create(bool recursive, struct mp_lock **ret);

/* Acquires it, waiting up to timeout_ms. Returns 0; MP_OWNERDEAD: acquired, but the last holder
 * died with it, so that what the lock guards may be half changed; -ETIMEDOUT; -EDEADLK when the
 * caller holds it and it is not recursive. A signal handler does not interrupt it. */
MP_API int mp_lock_acquire(struct mp_lock *lock, int timeout_ms);

/* Releases it. Returns 0, or MP_ENOTOWNER: only the thread that acquired it may (a semaphore may be
 * released by anybody). */
MP_API int mp_lock_release(struct mp_lock *lock);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_lock_free(struct mp_lock *lock);

/* ---- Semaphore: so many holders at a time ---------------------------------------------------- */

struct mp_semaphore;

enum { MP_PERMITS_MAX = 4096 };

/* A semaphore of `value` permits out of `max`, 1..MP_PERMITS_MAX; never more are released than
 * that. A permit whose holder dies comes back within MP_REPAIR_MS. Returns 0, -EINVAL, -ENOMEM. */
MP_API int mp_semaphore_create(unsigned value, unsigned max, struct mp_semaphore **ret);

enum { MP_REPAIR_MS = 200 };

/* Takes a permit. Returns 0, -ETIMEDOUT. */
MP_API int mp_semaphore_acquire(struct mp_semaphore *semaphore, int timeout_ms);

/* Gives a permit back: one that this process holds, else one that another took, else a new one.
 * Returns 0, or -EOVERFLOW: none is taken and there are max. */
MP_API int mp_semaphore_release(struct mp_semaphore *semaphore);

/* Permits that are free, at this moment. */
MP_API unsigned mp_semaphore_value(struct mp_semaphore *semaphore);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_semaphore_free(struct mp_semaphore *semaphore);

/* ---- Event: a flag to wait for --------------------------------------------------------------- */

struct mp_event;

/* A flag that processes can wait for, not set at first. Returns 0, -ENOMEM. */
MP_API int mp_event_create(struct mp_event **ret);

/* Sets it and wakes everybody who waits. Async-signal-safe. */
MP_API void mp_event_set(struct mp_event *event);

/* Makes it not set; who was woken already goes on. */
MP_API void mp_event_clear(struct mp_event *event);

/* Whether it is set, at this moment. */
MP_API bool mp_event_is_set(const struct mp_event *event);

/* Waits until it is set. Returns 0 (also when it was cleared again meanwhile), -ETIMEDOUT, -EINTR.
 */
MP_API int mp_event_wait(struct mp_event *event, int timeout_ms);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_event_free(struct mp_event *event);

/* ---- Condition: waiting for something to change ---------------------------------------------- */

struct mp_condition;

enum { MP_WAITERS_MAX = 4096 };

/* A condition; the lock that goes with it is given at each wait. Returns 0, -ENOMEM. */
MP_API int mp_condition_create(struct mp_condition **ret);

/* Releases the lock, waits for a notification, acquires the lock again. The lock is held once, not
 * recursively. Wakes up without a reason, too: wait in a loop over what you wait for.
 * Returns 0; MP_OWNERDEAD as mp_lock_acquire() does, notified or not; -ETIMEDOUT (the lock is held
 * again); MP_ENOTOWNER, -EINVAL for a lock held more than once, or -EAGAIN when MP_WAITERS_MAX wait
 * already: nothing was done. */
MP_API int mp_condition_wait(struct mp_condition *condition, struct mp_lock *lock, int timeout_ms);

/* Wakes up to `count` of those who wait, the longest first, or all. Never blocks, and never counts
 * on a waiter that is dead. Hold the lock, or a waiter may miss it. */
MP_API void mp_condition_notify(struct mp_condition *condition, unsigned count);
MP_API void mp_condition_notify_all(struct mp_condition *condition);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_condition_free(struct mp_condition *condition);

/* ---- Barrier: waiting until all are there ---------------------------------------------------- */

struct mp_barrier;

enum { MP_PARTIES_MAX = 4096 };

/* A barrier for `parties`, 1..MP_PARTIES_MAX. Returns 0, -EINVAL, -ENOMEM. */
MP_API int mp_barrier_create(unsigned parties, struct mp_barrier **ret);

/* Waits until so many wait, then lets all go and is ready for the next round. Returns a number
 * 0..parties-1, another for each; -ETIMEDOUT, which breaks the barrier for the others;
 * -ECONNABORTED: it is broken, because somebody timed out, called mp_barrier_abort(), or died while
 * he waited (seen within MP_REPAIR_MS). It stays broken until mp_barrier_reset(). */
MP_API int mp_barrier_wait(struct mp_barrier *barrier, int timeout_ms);

/* Breaks it: those who wait and those who come get -ECONNABORTED. */
MP_API void mp_barrier_abort(struct mp_barrier *barrier);

/* Makes it whole and empty; who waits at this moment gets -ECONNABORTED. */
MP_API void mp_barrier_reset(struct mp_barrier *barrier);

/* How many wait now. */
MP_API unsigned mp_barrier_waiting(struct mp_barrier *barrier);

/* Whether it is broken, and so stays until mp_barrier_reset(). */
MP_API bool mp_barrier_is_broken(struct mp_barrier *barrier);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_barrier_free(struct mp_barrier *barrier);

/* ---- Value: a number shared by processes ----------------------------------------------------- */

struct mp_value;

/* A number shared between processes. Each call below is atomic by itself; for several together
 * hold mp_value_lock(). A value is an integer or a double, as its calls take it: use one kind.
 * Returns 0, -ENOMEM. */
MP_API int mp_value_create(int64_t value, struct mp_value **ret);
MP_API int mp_value_create_double(double value, struct mp_value **ret);

/* Reads it, and writes it. */
MP_API int64_t mp_value_get(const struct mp_value *value);
MP_API void mp_value_set(struct mp_value *value, int64_t to);

/* Adds, and returns the sum. Wraps around. */
MP_API int64_t mp_value_add(struct mp_value *value, int64_t what);

/* Sets it to `to` if it is *expected. Returns true when it was, else puts what it is there. */
MP_API bool mp_value_compare_exchange(struct mp_value *value, int64_t *expected, int64_t to);

/* The same for a double. */
MP_API double mp_value_get_double(const struct mp_value *value);
MP_API void mp_value_set_double(struct mp_value *value, double to);
MP_API double mp_value_add_double(struct mp_value *value, double what);

/* Its lock, recursive, owned by it. The calls above do not take it. */
MP_API struct mp_lock *mp_value_lock(struct mp_value *value);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_value_free(struct mp_value *value);

/* ---- Array: items shared by processes -------------------------------------------------------- */

struct mp_array;

/* `count` items of item_size bytes, zeroed. Returns 0, -EINVAL (either is 0, or too many),
 * -ENOMEM. */
MP_API int mp_array_create(size_t count, size_t item_size, struct mp_array **ret);

/* The items themselves, aligned for any type; unlocked. */
MP_API void *mp_array_data(struct mp_array *array);

/* How many items it has. */
MP_API size_t mp_array_count(const struct mp_array *array);

/* Copies one item out or in under the lock. Returns 0, MP_OWNERDEAD (done, but another died while
 * it wrote), -ERANGE past the last. */
MP_API int mp_array_get(struct mp_array *array, size_t index, void *ret);
MP_API int mp_array_set(struct mp_array *array, size_t index, const void *item);

/* Its lock, recursive, owned by it. */
MP_API struct mp_lock *mp_array_lock(struct mp_array *array);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_array_free(struct mp_array *array);

/* ---- Queue: items between any processes, first in, first out --------------------------------- */

struct mp_queue;

/* A queue of up to `capacity` items of up to item_max bytes each, for any number of producers and
 * consumers, first in, first out. No thread feeds it: an item that was put is there for everybody
 * at once, also when its producer dies in the next moment. Who dies while he puts or gets loses at
 * most that one item. Memory: capacity * (item_max + 8) bytes, used as it fills.
 * Returns 0, -EINVAL (either is 0, or too large), -ENOMEM. */
MP_API int mp_queue_create(size_t capacity, size_t item_max, struct mp_queue **ret);

/* Puts a copy of data[0..size) in, waiting while the queue is full. Returns 0, -EMSGSIZE above
 * item_max, -ETIMEDOUT, -EPIPE once the queue is closed, -EINTR. */
MP_API int mp_queue_put(struct mp_queue *queue, const void *data, size_t size, int timeout_ms);

/* Takes the oldest item out into data[0..room), waiting while the queue is empty. Returns 0,
 * -EMSGSIZE: the item is larger than `room`, stays, and *ret_size tells its size; -ETIMEDOUT;
 * -EPIPE when the queue is closed and empty; -EINTR. */
MP_API int mp_queue_get(struct mp_queue *queue, void *data, size_t room, int timeout_ms,
                        size_t *ret_size);

/* Items in it, at this moment. */
MP_API size_t mp_queue_length(struct mp_queue *queue);
MP_API bool mp_queue_empty(struct mp_queue *queue);
MP_API bool mp_queue_full(struct mp_queue *queue);

/* Closes it for everybody: no more items go in, what is in can be got still. */
MP_API void mp_queue_close(struct mp_queue *queue);

/* Throws away what is in it, as if it had been got and done. Returns how many. */
MP_API size_t mp_queue_drain(struct mp_queue *queue);

/* Says that an item that was got has been worked on. Returns 0, or -EOVERFLOW: more often than
 * items were put. */
MP_API int mp_queue_task_done(struct mp_queue *queue);

/* Waits until every item that was put has been worked on. A consumer that died with an item never
 * says so: then it is the timeout that ends this. Returns 0, -ETIMEDOUT, -EINTR. */
MP_API int mp_queue_join(struct mp_queue *queue, int timeout_ms);

/* Gives back this process's share of it. Takes NULL. */
MP_API void mp_queue_free(struct mp_queue *queue);

/* ---- Pipe: messages between two processes ---------------------------------------------------- */

struct mp_connection;

enum {
    MP_MESSAGE_MAX = 1 << 30, /* bytes of one message */
    MP_MESSAGE_FDS_MAX = 253  /* descriptors with it: the kernel's limit */
};

/* Two connected ends of a message pipe; duplex, or else what `ret_b` sends `ret_a` receives. A
 * child keeps only the descriptors that it is given: name mp_connection_fd() in its keep_fds. Each
 * process closes the end that it does not use, or nobody learns that the other is gone. An end is
 * for one process: hand it on before anything was received there, and close it here.
 * Some 100 KiB are under way at most: two who send each other more at once, and receive later, wait
 * until their timeouts. Returns 0, -ENOMEM, -EMFILE. */
MP_API int mp_pipe_create(bool duplex, struct mp_connection **ret_a, struct mp_connection **ret_b);

/* Sends one message, and with it up to MP_MESSAGE_FDS_MAX descriptors, of which the receiver gets
 * copies. One sender at a time, and one receiver. Returns 0, -EMSGSIZE, -EINVAL (too many
 * descriptors), -EPIPE (the other end is closed), -EBADF (a one-way pipe's receiving end, or a
 * descriptor that is not open), -ETOOMANYREFS (too many descriptors are under way: try again),
 * -ETIMEDOUT and -EINTR (while nothing was sent; after that a handler ends nothing any more, and
 * the timeout is -ECONNABORTED: nothing can be sent any more, and the receiver sees it). */
MP_API int mp_connection_send(struct mp_connection *connection, const void *data, size_t size,
                              int timeout_ms);
MP_API int mp_connection_send_fds(struct mp_connection *connection, const void *data, size_t size,
                                  const int *fds, unsigned fd_count, int timeout_ms);

/* Receives one whole message into data[0..room). Returns 0; -EMSGSIZE: it is larger, stays, and
 * *ret_size tells its size; -EPIPE at the end; -ECONNABORTED when the sender died inside a message
 * or sends no messages at all; -EBADF at a one-way pipe's sending end; -EMFILE: this process may
 * not have as many descriptors as came, and nothing can be received any more; -ENOMEM; -ETIMEDOUT,
 * -EINTR: nothing is lost. Descriptors that came with it are closed. */
MP_API int mp_connection_receive(struct mp_connection *connection, void *data, size_t room,
                                 int timeout_ms, size_t *ret_size);

/* The same, and takes up to *fd_count descriptors, close-on-exec, the caller's to close; *fd_count
 * becomes their number. More of them: -EMSGSIZE, both numbers are told, and the message stays. */
MP_API int mp_connection_receive_fds(struct mp_connection *connection, void *data, size_t room,
                                     int *fds, unsigned *fd_count, int timeout_ms,
                                     size_t *ret_size);

/* Waits until a message can be received, or its end be seen. Returns 0, -ETIMEDOUT, -EINTR. */
MP_API int mp_connection_poll(struct mp_connection *connection, int timeout_ms);

/* Its descriptor, for event loops and keep_fds; readable when something has come. After a receive
 * ask mp_connection_poll() with 0 for more that is here already. */
MP_API int mp_connection_fd(const struct mp_connection *connection);

/* Takes NULL. */
MP_API void mp_connection_close(struct mp_connection *connection);

/* ---- Tasks: what runs in a worker ----------------------------------------------------------- */

struct mp_task; /* the worker's view of the job it runs */

/* Runs one job. `arg` is the copy of what was submitted, aligned for any type, valid until the
 * function returns. Returns 0, or anything else to fail with that status. The result is what it
 * gave to mp_task_return() or built in mp_task_reserve(); nothing is an empty result. */
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
    int deadline_ms;   /* it is killed when it has run so long; 0 never */
};

/* What became of a job; borrowed for the call of settle. */
struct mp_outcome {
    int code;   /* 0, MP_ETASK, MP_ECRASH, MP_EKILLED, MP_EDEADLINE, MP_ERETURNED, or -errno */
    int status; /* the task's own, the worker's exit code, or minus its signal */
    int worker; /* number of the worker, -1 unknown */
    pid_t pid;  /* of the worker, 0 unknown */
    bool lost_result;    /* a crash after the task had finished: its side effects are done */
    int suspicion;       /* returned: 0 to 100, how likely the job itself brought that about; at 100
                            in all it fails */
    const void *data;    /* the result; of a failed chunk, its records so far, or NULL */
    size_t size;         /* bytes of it */
    const char *message; /* a sentence about a failure, or NULL */
    const char *log;     /* of a failure: what the worker wrote last on its stderr, or NULL */
    size_t log_size;     /* bytes of it */
};

typedef void mp_settle_fn(void *user, const struct mp_job *job, const struct mp_outcome *outcome);

struct mp_backend_stats {
    uint64_t workers_started; /* forks that succeeded, replacements too */
    uint64_t workers_lost;    /* workers that died unasked */
    uint64_t workers_retired; /* asked to leave: enough jobs, too much memory, fewer wanted */
    int workers;              /* alive now */
};

/* The functions of a back-end. All get `self`. None blocks but poll and stop, and none may call
 * back into the executor; outcomes are told from within poll, stop and resize only. */
struct mp_backend {
    void *self;
    /* Takes a job on; it may be sent later, in poll. Returns 0, -EAGAIN when there is no room (not
     * an error), or an error. */
    int (*submit)(void *self, const struct mp_job *job);
    /* Makes progress, waiting up to timeout_ms for it, and tells every outcome.
     * Returns 0, -EINTR, or MP_EBROKEN: then no job will ever finish. */
    int (*poll)(void *self, int timeout_ms, mp_settle_fn *settle, void *user);
    /* Takes a job back that has not begun. Returns 0: it never will, and has no outcome; -EBUSY. */
    int (*cancel)(void *self, const struct mp_job *job);
    /* Kills a job that runs; its outcome, MP_EKILLED, comes from poll. Returns 0, or -EBUSY when it
     * has just ended. NULL where that cannot be done: then no job has a deadline. */
    int (*kill)(void *self, const struct mp_job *job);
    /* Readable when poll has work; owned by the back-end. */
    int (*fd)(void *self);
    /* Makes the poll that waits, or else the next one, return -EINTR. Async-signal-safe. */
    void (*interrupt)(void *self);
    /* Sets the number of workers; who is too many finishes what it runs, and what was sent ahead to
     * it has the outcome MP_ERETURNED. Returns 0, -ENOMEM. NULL where that cannot be done. */
    int (*resize)(void *self, int workers, mp_settle_fn *settle, void *user);
    /* Lets the workers leave (kill: kills them, running jobs have the outcome MP_EKILLED and the
     * others MP_ERETURNED). Returns 0, or -ETIMEDOUT with some left; may be called again. */
    int (*stop)(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user);
    void (*stats)(void *self, struct mp_backend_stats *ret);
    /* Frees it; whatever still runs is killed first, or waited for where it cannot be. */
    void (*free)(void *self);
};

/* ---- Executor: jobs on workers --------------------------------------------------------------- */

struct mp_executor;
struct mp_future;

enum {
    MP_JOB_FDS_MAX = 253,     /* descriptors of one job: the kernel's limit of one message */
    MP_ARG_MAX = 64 << 20,    /* bytes of one argument */
    MP_RESULT_MAX = 64 << 20, /* bytes of one result, where result_max says nothing else */
    MP_PREFETCH_MAX = 63,     /* jobs sent ahead to one worker */
    MP_WORKERS_MAX = 4096
};

enum mp_kind {
    MP_PROCESSES = 0, /* forked workers */
    MP_THREADS,   /* threads of this process: a crash takes the program, nothing can be killed */
    MP_SEQUENTIAL /* in the caller, while it waits */
};

struct mp_executor_options {
    enum mp_kind kind;
    int workers;       /* 0: mp_cpu_count() */
    int prefetch;      /* jobs sent ahead to a worker beside the one it runs; 0: as many as their
                          measured time asks for; negative: none */
    int max_pending;   /* jobs not settled before submit waits; 0: 64 a worker */
    size_t result_max; /* bytes of one result; 0: MP_RESULT_MAX */
    int deadline_ms;   /* a job that runs longer is killed; 0: never */
    int grace_ms;      /* between the SIGTERM and the SIGKILL of such a kill; 0: SIGKILL at once */
    int retries;       /* how often a job is run again whose worker crashed under it */
    int jobs_per_worker;      /* a worker that has run so many is replaced; 0: never */
    size_t memory_per_worker; /* so is one whose private memory has grown past this, with what it
                                 has of this process's since the fork; bytes, 0: no */
    size_t stderr_tail;       /* bytes of each worker's stderr kept for faults; all of it goes on to
                                 this process's stderr while it pumps. 0: they share it as it is */
    const char *name;         /* of worker processes, shown by ps; NULL keeps the program's */
    int (*start)(void *ctx, int worker); /* in each worker before its first job; not 0: it failed */
    void (*stop)(void *ctx, int worker); /* in each worker that leaves in peace */
    void *ctx;                           /* for start, stop and mp_task_ctx() */
};

/* Starts an executor. It breaks (MP_EBROKEN) when forks or start hooks fail five times in a row, or
 * when for half a minute every worker has been killed before its start hook had ended; other kills
 * from outside, however many, do not break it. Returns 0, -EINVAL (an option), -ENOMEM, -EMFILE,
 * -EAGAIN (no more processes or threads), MP_ETHREADS, MP_EBROKEN, MP_ENOKILL (a deadline where
 * nothing can be killed). */
MP_API int mp_executor_create(const struct mp_executor_options *options, struct mp_executor **ret);

/* The same on a back-end of the caller's, which the executor frees in the end, also when this
 * fails. Of the options it reads max_pending, workers, deadline_ms and retries. */
MP_API int mp_executor_create_on(const struct mp_backend *backend,
                                 const struct mp_executor_options *options,
                                 struct mp_executor **ret);

struct mp_submit_options {
    const int *fds;    /* descriptors for the task; borrowed until the future settles */
    unsigned fd_count; /* of them, at most MP_JOB_FDS_MAX */
    bool nowait;       /* -EAGAIN instead of waiting when max_pending jobs are not settled */
    int deadline_ms;   /* 0: the executor's; negative: none */
    int retries;       /* 0: the executor's; negative: none */
    void *user;        /* for mp_future_user() */
};

/* Hands a job in: fn(arg) with a copy of the argument. Waits while max_pending jobs are not
 * settled. The function must have been in the program when the executor was created.
 * `ret` NULL: nobody asks for its result. Else free the future with mp_future_free().
 * Returns 0, -EAGAIN (nowait, or full and called from a callback), -EMSGSIZE (argument or
 * descriptors too many), -EBADF (a descriptor), -ENOMEM, -EINTR, -ESHUTDOWN, MP_EBROKEN,
 * MP_ENOKILL. */
MP_API int mp_executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                              size_t arg_size, const struct mp_submit_options *options,
                              struct mp_future **ret);

/* Makes progress, waiting up to timeout_ms for some, and calls the callbacks of what has settled.
 * Returns 0, -EINTR, -EDEADLK (from a callback), MP_EBROKEN, MP_EFORKED. */
MP_API int mp_executor_pump(struct mp_executor *executor, int timeout_ms);

/* A descriptor that is readable when mp_executor_pump() has something to do, deadlines included; or
 * MP_EFORKED. */
MP_API int mp_executor_fd(const struct mp_executor *executor);

/* Makes the call that waits on this executor, or else the next one to wait, return -EINTR.
 * Async-signal-safe: the way out for a signal handler. */
MP_API void mp_executor_interrupt(struct mp_executor *executor);

/* Sets the number of workers. Those too many finish what they run and leave; what was sent ahead to
 * them goes to the others. Returns 0, -EINVAL, -ENOMEM, -EAGAIN (not as many
 * threads), -ENOTSUP (back-ends that cannot), -ESHUTDOWN, MP_EBROKEN. */
MP_API int mp_executor_resize(struct mp_executor *executor, int workers);

struct mp_executor_stats {
    uint64_t submitted; /* jobs taken on; the sum of the next four and of `unsettled` */
    uint64_t done;
    uint64_t failed;
    uint64_t cancelled;
    int unsettled;
    uint64_t retried;  /* runs again after a crash */
    uint64_t returned; /* jobs that came back unbegun from a worker, to be handed out again */
    struct mp_backend_stats backend;
};

/* Counts of what has happened so far. Any time before mp_executor_free(). */
MP_API void mp_executor_stats(const struct mp_executor *executor, struct mp_executor_stats *ret);

enum mp_how {
    MP_FINISH = 0, /* run everything that was submitted */
    MP_CANCEL,     /* cancel what has not begun, finish what runs */
    MP_KILL        /* cancel what has not begun, kill what runs */
};

/* Ends the executor: no more submits, settles every future as `how` says, lets the workers leave.
 * Threads cannot be killed: with MP_KILL, too, what they run is waited for.
 * Returns 0, -EINTR, -EDEADLK (from a callback), or -ETIMEDOUT; may then be called again, with a
 * harder `how` (a softer one counts as the hardest so far). */
MP_API int mp_executor_shutdown(struct mp_executor *executor, enum mp_how how, int timeout_ms);

/* Frees it, after a shutdown with MP_KILL where there was none. Not from a callback. Futures may
 * outlive it. Takes NULL. */
MP_API void mp_executor_free(struct mp_executor *executor);

/* ---- Futures: what becomes of jobs ----------------------------------------------------------- */

enum mp_state {
    MP_PENDING,  /* not handed to a worker yet */
    MP_RUNNING,  /* with a worker; it may not have begun */
    MP_DONE,     /* has a result */
    MP_FAILED,   /* has a fault */
    MP_CANCELLED /* never ran and never will */
};

/* Why a future failed. Strings live as long as the future. */
struct mp_fault {
    int code;         /* MP_ETASK, MP_ECRASH, MP_EKILLED, MP_EDEADLINE, MP_EBROKEN, -EMSGSIZE … */
    int status;       /* the task's own, the worker's exit code, or minus its signal */
    int attempts;     /* how often it was run */
    int worker;       /* number of the worker, -1 unknown */
    pid_t pid;        /* of the worker, 0 unknown */
    bool lost_result; /* a crash after the task had finished: its side effects are done */
    const char *message; /* a sentence, never NULL */
    const char *log;     /* what the worker wrote last on its stderr, "" without stderr_tail */
    size_t log_size;     /* bytes of it, without the 0 at its end */
};

/* Its state as of the last call that made progress; does not look at the workers. */
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

/* The same, and kills the job if it runs: it fails with MP_EKILLED as soon as its worker is gone,
 * which is replaced. Returns 0, -EBUSY when it is settled or has just ended, MP_ENOKILL. */
MP_API int mp_future_kill(struct mp_future *future);

typedef void mp_then_fn(struct mp_future *future, void *user);

/* Has fn(future, user) called once the future is settled: by whoever pumps, in the order in which
 * they were added, or at once if it is settled already. The callback may submit, cancel and free,
 * this future too, but not wait. Freed before it settles, a future keeps its callbacks and is gone
 * after the last. Returns 0, -ENOMEM. */
MP_API int mp_future_then(struct mp_future *future, mp_then_fn *fn, void *user);

/* The number of the worker that settled it, -1 where none did. */
MP_API int mp_future_worker(const struct mp_future *future);

/* What the submit's options had as `user`. */
MP_API void *mp_future_user(const struct mp_future *future);

/* Lets go of it in any state; a job that is not settled goes on and its result is dropped (its
 * descriptors stay borrowed until then: wait first). Takes NULL. */
MP_API void mp_future_free(struct mp_future *future);

enum mp_when {
    MP_ALL,
    MP_ANY,
    MP_FIRST_FAILURE /* one that failed, or all; cancelled ones are no failures */
};

/* Waits until all, or any, of the futures are settled, or one has failed. They may belong to
 * several executors, and one may be named twice. Returns how many of the entries are settled, fewer
 * than asked for after the timeout; -EINTR, -EDEADLK (from a callback), MP_EFORKED. */
MP_API int mp_wait(struct mp_future *const *futures, size_t count, enum mp_when when,
                   int timeout_ms);

/* Takes one settled future out of futures[0..*count), waiting for it; the order of the others
 * changes. One that was named twice comes once. Returns 1; 0 when none is left; -ETIMEDOUT (*count
 * are left), and what mp_wait() returns. */
MP_API int mp_as_completed(struct mp_future **futures, size_t *count, int timeout_ms,
                           struct mp_future **ret);

/* ---- Map: one function over many elements --------------------------------------------------- */

struct mp_map;

/* Where the elements come from: returns 1 with the next one, borrowed until the next call; 0 at the
 * end; a negative error, which ends the map after the elements before. May not call the library. */
typedef int mp_source_fn(void *source, const void **ret_arg, size_t *ret_size);

struct mp_map_options {
    int chunk;       /* elements sent together as one job; 0: as many as make a millisecond or two,
                        but one where there is a deadline */
    int window;      /* elements taken from the source and not given to the caller yet, at most;
                        0: 64 a worker, and up to 4096 a worker of small quick ones */
    bool unordered;  /* results as they come instead of in the order of the elements */
    int deadline_ms; /* of one element; 0: the executor's; negative: none. In chunks an element may
                        have up to a quarter more */
    int retries;     /* of one element; 0: the executor's; negative: none */
};

/* Runs fn over all elements that `next` gives, lazily: never more than `window` are out. A worker
 * that dies costs the one element that it ran, also in a chunk. The executor does other jobs
 * beside. Returns 0, -EINVAL, -ENOMEM, MP_ENOKILL, MP_EFORKED. Free with mp_map_free(). */
MP_API int mp_executor_map(struct mp_executor *executor, mp_task_fn *fn, mp_source_fn *next,
                           void *source, const struct mp_map_options *options, struct mp_map **ret);

/* One element's result; borrowed until the next call on the map. */
struct mp_item {
    uint64_t index;               /* of the element, from 0 */
    int error;                    /* 0, or the fault's code; -ECANCELED after a shutdown */
    const void *data;             /* the result */
    size_t size;                  /* bytes of it */
    const struct mp_fault *fault; /* NULL unless it failed; its log only where the worker died */
};

/* Waits for the next result. Returns 1; 0 after the last; -ETIMEDOUT, -EINTR: call it again;
 * -EDEADLK, MP_EFORKED; what the source returned, after the last result; MP_EBROKEN, -ESHUTDOWN,
 * -ENOMEM: elements of the source are left. */
MP_API int mp_map_next(struct mp_map *map, int timeout_ms, struct mp_item *ret);

/* Frees it, and cancels what has not begun. What runs goes on and is dropped. Takes NULL. Not from
 * a callback. */
MP_API void mp_map_free(struct mp_map *map);

/* ---- Pool: the data-parallel face of an executor -------------------------------------------- */

/* What multiprocessing.Pool is. All of it can be said with an executor; this is shorter. A task of
 * several arguments (starmap) takes a struct of them as its element. */
struct mp_pool;

/* Workers for it: processes, unless the options say otherwise; jobs_per_worker is Python's
 * maxtasksperchild, start and ctx are initializer and initargs. Errors as mp_executor_create(). */
MP_API int mp_pool_create(const struct mp_executor_options *options, struct mp_pool **ret);

/* The executor below, for everything that a pool has no call for. Owned by the pool. */
MP_API struct mp_executor *mp_pool_executor(struct mp_pool *pool);

/* Runs fn on one argument and waits. Returns the job's error, and the future, settled, in any case
 * but one: no future when the job could not be submitted or the wait was interrupted (-EINTR). */
MP_API int mp_pool_apply(struct mp_pool *pool, mp_task_fn *fn, const void *arg, size_t arg_size,
                         struct mp_future **ret);

/* The same without waiting: mp_executor_submit(). */
MP_API int mp_pool_apply_async(struct mp_pool *pool, mp_task_fn *fn, const void *arg,
                               size_t arg_size, struct mp_future **ret);

/* Runs fn on each of args[0..count), arg_size bytes each, and puts the results, which must have
 * result_size bytes each, into results[0..count) in the same order. Waits for all, also after a
 * failure; the result of one that failed is left as it was.
 * Returns 0, or the first failure's code by order of elements and its index in *ret_failed (may be
 * NULL): a task's error, -EMSGSIZE for a result of another size, or what mp_map_next() returns. */
MP_API int mp_pool_map(struct mp_pool *pool, mp_task_fn *fn, const void *args, size_t count,
                       size_t arg_size, void *results, size_t result_size, size_t *ret_failed);

struct mp_map_result;

/* The same without waiting. args and results are borrowed until mp_map_result_wait() has returned 0
 * or a failure, or until mp_map_result_free(). */
MP_API int mp_pool_map_async(struct mp_pool *pool, mp_task_fn *fn, const void *args, size_t count,
                             size_t arg_size, void *results, size_t result_size,
                             struct mp_map_result **ret);

/* Waits for all of it. Returns as mp_pool_map(), or -ETIMEDOUT, -EINTR: call it again. */
MP_API int mp_map_result_wait(struct mp_map_result *result, int timeout_ms, size_t *ret_failed);

/* Takes NULL; what has not begun is cancelled. */
MP_API void mp_map_result_free(struct mp_map_result *result);

/* Runs fn over what `next` gives, `chunk` elements at a time (0: by measure), and hands out results
 * one after the other, in order or as they come: mp_map_next(). */
MP_API int mp_pool_imap(struct mp_pool *pool, mp_task_fn *fn, mp_source_fn *next, void *source,
                        int chunk, struct mp_map **ret);
MP_API int mp_pool_imap_unordered(struct mp_pool *pool, mp_task_fn *fn, mp_source_fn *next,
                                  void *source, int chunk, struct mp_map **ret);

/* No more jobs; what was submitted is run. */
MP_API void mp_pool_close(struct mp_pool *pool);

/* No more jobs; what has not begun is cancelled, what runs is killed. Returns as
 * mp_executor_shutdown(). */
MP_API int mp_pool_terminate(struct mp_pool *pool, int timeout_ms);

/* Waits, after close or terminate, until all is settled and the workers are gone. Returns 0,
 * -EINVAL before them, -ETIMEDOUT, -EINTR. */
MP_API int mp_pool_join(struct mp_pool *pool, int timeout_ms);

/* Terminates it if that has not been done. Futures may outlive it, maps too. Takes NULL. */
MP_API void mp_pool_free(struct mp_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
