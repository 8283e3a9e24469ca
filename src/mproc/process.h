/* One child process: the only place of the library that forks and collects.
 *
 * A child is set up before its function runs: default actions for caught signals, none blocked,
 * descriptors closed but its own, dead as soon as the parent is. It leaves by process_leave(). */
#ifndef MPROC_PROCESS_H
#define MPROC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process {
    pid_t pid; /* 0: never started */
    int pidfd; /* readable when it is gone; -1 where the kernel has none, or MP_NO_PIDFD is set */
    int exit_code; /* MP_ALIVE until it has been collected */
};

struct process_options {
    const char *name;    /* shown by ps; NULL keeps the parent's */
    const char *called;  /* mp_current_process_name() in it; NULL: `name`, or else "Worker-1" … */
    const int *keep_fds; /* descriptors to keep beside 0, 1 and 2 */
    unsigned keep_count; /* of them, at most PROCESS_KEEP_MAX */
    bool detached_input; /* standard input is /dev/null, the interrupt key is ignored */
};

enum { PROCESS_KEEP_MAX = 64 };

/* Forks a child that runs fn(arg) and exits with what it returns. Does not return in the child.
 * With the environment variable MP_NO_PIDFD set, pidfds are not used, as on an old kernel.
 * Returns 0, or -errno. Release with process_done(). */
int process_fork(int (*fn)(void *arg), void *arg, const struct process_options *options,
                 struct process *ret);

/* A descriptor for any process that becomes readable when it is gone. Returns -ENOSYS where the
 * kernel has none or MP_NO_PIDFD is set, or -errno. The caller's to close. */
int process_pidfd(pid_t pid);

/* Sends a signal. Returns 0, or -ESRCH once the process has been collected. */
int process_signal(struct process *process, int signo);

/* Collects the process if it is gone. Returns true when it is, by now or earlier. Never blocks. */
bool process_reap(struct process *process);

/* True when the process, stopped by a signal, was told to go on since this was asked last. */
bool process_was_continued(const struct process *process);

/* True when it is stopped by a signal now. */
bool process_is_stopped(const struct process *process);

/* How a process that has been collected ended, as a sentence about "the worker". */
void process_end_describe(const struct process *process, char *text, size_t size);

/* True when it left by itself or by a fault of its own. Other signals come from outside and say
 * nothing about what it ran. */
bool process_ended_itself(const struct process *process);

/* Bytes of memory that the process has for itself alone; 0 where that cannot be told. */
size_t process_memory(const struct process *process);

/* Closes what the handle holds; the process must have been collected. Takes a zeroed one. */
void process_done(struct process *process);

/* Leaves the calling child: lets leak checker and coverage of a test build report, nothing else. */
void process_leave(int exit_code) __attribute__((noreturn));

/* True when this process runs more than one thread, so that forking it is not safe. */
bool process_has_threads(void);

#endif
