/* What the tests of mproc share: a check that nothing is left behind, flags in shared memory to
 * wait for instead of sleeping, and the way around a worker's own pipes for tasks that misbehave.
 */
#ifndef SUPPORT_MPROC_H
#define SUPPORT_MPROC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "mproc/mproc.h"

/* Far beyond what any event takes, valgrind and a busy machine included: only a fault gets there.
 */
enum { SUPPORT_LONG_MS = 30000 };

/* ---- Nothing is left behind ----------------------------------------------------------------- */

/* Open descriptors of this process. */
int support_fd_count(void);

/* Children of this process, zombies too, at most `max` of them into ret_pids. Returns how many, or
 * -1 where the kernel does not tell. Async-signal-safe. */
int support_children(pid_t *ret_pids, int max);

/* True when this process has a child, alive or zombie. */
bool support_has_child(void);

/* Remembers what is open, and fails the test in the end when a child, a zombie or a descriptor is
 * left. A test that failed half way leaves some: its children are killed and collected. */
int support_setup(void **state);
int support_teardown(void **state);

#define SUPPORT_TEST(test) cmocka_unit_test_setup_teardown(test, support_setup, support_teardown)

/* ---- Waiting for an event ------------------------------------------------------------------- */

/* A counter that one process raises and others wait for; must lie in shared memory. */
struct support_flag {
    _Atomic uint32_t value;
};

/* Zeroed memory shared with the processes forked from now on. */
void *support_share(size_t size);
void support_unshare(void *memory, size_t size);

/* Adds one, and wakes who waits. Returns the new value. */
uint32_t support_raise(struct support_flag *flag);

/* Waits until the flag has been raised that often. Returns false after SUPPORT_LONG_MS. */
bool support_await(struct support_flag *flag, uint32_t times);

/* Collects a child within SUPPORT_LONG_MS. Returns its exit code, minus its signal, or -1000. */
int support_collect(pid_t pid);

/* Collects all children that are left, as they end. A subreaper may have got the helper process of
 * a leak checker, from one that was killed while it left. */
void support_adopted_end(void);

/* Starts a process, or fails the test. */
struct mp_process *support_start(int (*fn)(void *arg), void *arg);

/* Waits for it and frees it. Returns its exit code, or minus its signal. */
int support_finish(struct mp_process *process);

/* Kills it, waits for it and frees it. */
void support_kill(struct mp_process *process);

/* Waits until the process sleeps in the kernel: after its last flag was raised that is the call
 * under test. */
void support_await_asleep(const struct mp_process *process);

/* Milliseconds of the monotonic clock. */
int64_t support_now_ms(void);

/* Calls the handler again and again, with this much time between, until support_alarm_end(). The
 * handler is installed with SA_RESTART, and SIGALRM is ignored afterwards. */
void support_alarm_begin(void (*handler)(int), int interval_us);
void support_alarm_end(void);

/* A handler that does nothing but interrupt. */
void support_interrupt(int signo);

/* ---- A worker's own pipes ------------------------------------------------------------------- */

/* For hostile tasks: the number of the result pipe and of the job socket of this worker, -1 when
 * there is none. Descriptors of the job itself do not count. */
int support_result_fd(const struct mp_task *task);
int support_job_fd(const struct mp_task *task);

/* ---- Futures -------------------------------------------------------------------------------- */

/* Waits for the future. Returns what mp_future_result() does; a wait without an end is a fault. */
int support_result(struct mp_future *future, const void **ret_data, size_t *ret_size);

/* Waits for a future that must succeed with exactly these bytes, and frees it. */
void support_expect(struct mp_future *future, const void *data, size_t size);

/* Waits for a future that must fail with this code; its fault is checked for a message. The future
 * is the caller's still. */
const struct mp_fault *support_expect_fault(struct mp_future *future, int code);

/* Submits and expects success. */
struct mp_future *support_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                                 size_t size);

/* Starts workers, with so many jobs sent ahead to each (0: none). */
struct mp_executor *support_executor(int workers, int prefetch, void *ctx);

/* Creates an executor with these options, and expects success. */
struct mp_executor *support_create(const struct mp_executor_options *options);

/* Its figures, of which the sum must add up. */
struct mp_executor_stats support_stats(const struct mp_executor *executor);

/* ---- Tasks ---------------------------------------------------------------------------------- */

/* Returns its argument. */
int support_task_echo(struct mp_task *task, const void *arg, size_t size);

/* Two flags: a task raises `begun`, waits for `gate`, and returns its argument. The context of its
 * executor is a struct support_gate in shared memory. */
struct support_gate {
    struct support_flag begun; /* raised by each task that begins */
    struct support_flag gate;  /* raise it once to let all of them go on */
};

int support_task_gated(struct mp_task *task, const void *arg, size_t size);

#endif
