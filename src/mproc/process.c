#include "mproc/process.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/mproc.h"
#include "mproc/spin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Present in builds with coverage or a leak checker only: _exit skips what they do at exit. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

enum { EXIT_LEAK = 86 }; /* a test build's child that leaked */

void process_leave(int exit_code)
{
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
        exit_code = EXIT_LEAK;
    if (__gcov_dump)
        __gcov_dump();
    _exit(exit_code);
}

/* ---- Who the calling process is ------------------------------------------------------------- */

/* A file-scope variable, against the rule: what a process is called has no other place that lives
 * as long, and is the same for all its threads. The counters number the children without a name. */
static struct {
    const char *name; /* NULL in a process that the library did not start */
    _Atomic unsigned processes;
    _Atomic unsigned workers;
} current;

static void current_become(const char *name)
{
    current.name = name;
    atomic_store(&current.processes, 0);
    atomic_store(&current.workers, 0);
}

const char *mp_current_process_name(void)
{
    return current.name ? current.name : "MainProcess";
}

/* ---- Setting up the child ------------------------------------------------------------------- */

/* Dies with the parent. The death signal alone is a race: the parent may be gone before it is set.
 */
static void child_follow_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

static void interrupt_ignored(int signo)
{
    (void)signo;
}

/* Handlers of the parent would run with the parent's idea of the world. What the parent ignores
 * stays ignored, as across exec. The interrupt key gets a handler that does nothing rather than
 * SIG_IGN, so that programs that a task starts get the default action back. */
static void child_reset_signals(const struct process_options *options)
{
    for (int signo = 1; signo < NSIG; signo++) {
        struct sigaction action;
        if (sigaction(signo, NULL, &action) != 0 || action.sa_handler == SIG_IGN)
            continue;
        if (action.sa_handler != SIG_DFL)
            signal(signo, SIG_DFL);
    }
    struct sigaction quiet = {.sa_handler = interrupt_ignored, .sa_flags = SA_RESTART}, before;
    if (options->detached_input && sigaction(SIGINT, &quiet, &before) == 0 &&
        before.sa_handler == SIG_IGN)
        signal(SIGINT, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int fd_compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Closes first..last, by the folder of open ones where the kernel has no call for a range. */
static void close_between(unsigned first, unsigned last)
{
    if (first > last || close_range(first, last, 0) == 0)
        return;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        unsigned fd = (unsigned)strtoul(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd >= first && fd <= last && (int)fd != dirfd(folder))
            close((int)fd);
    }
    closedir(folder);
}

/* A sibling's end of a pipe that stays open here would keep its end of file from ever coming. */
static void child_close_others(const struct process_options *options)
{
    int keep[PROCESS_KEEP_MAX];
    unsigned count = options->keep_count;
    for (unsigned i = 0; i < count; i++)
        keep[i] = options->keep_fds[i];
    qsort(keep, count, sizeof *keep, fd_compare);
    unsigned next = STDERR_FILENO + 1;
    for (unsigned i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        close_between(next, (unsigned)keep[i] - 1);
        next = (unsigned)keep[i] + 1;
    }
    close_between(next, UINT_MAX);
}

static void child_detach_input(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    if (null != STDIN_FILENO)
        close(null);
}

static void child_main(int (*fn)(void *), void *arg, const struct process_options *options,
                       const char *name, pid_t parent)
{
    child_follow_parent(parent);
    child_reset_signals(options);
    child_close_others(options);
    if (options->detached_input)
        child_detach_input();
    if (options->name)
        prctl(PR_SET_NAME, options->name);
    current_become(name);
    int exit_code = fn(arg);
    fflush(NULL);
    process_leave(exit_code);
}

/* ---- The parent's side ---------------------------------------------------------------------- */

/* By number: the GNU library has these two calls since 2.36 only. */
int process_pidfd(pid_t pid)
{
    if (getenv("MP_NO_PIDFD"))
        return -ENOSYS;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

static int pidfd_signal(int pidfd, int signo)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

/* What a child is called, in memory of its own, which in the child is never freed. */
static char *name_create(const struct process_options *options)
{
    char *name = NULL;
    const char *given = options->called ? options->called : options->name;
    if (given)
        name = strdup(given);
    else if (asprintf(&name, "Worker-%u", atomic_fetch_add(&current.workers, 1) + 1) < 0)
        name = NULL;
    return name;
}

int process_fork(int (*fn)(void *), void *arg, const struct process_options *options,
                 struct process *ret)
{
    if (options->keep_count > PROCESS_KEEP_MAX)
        return -EINVAL;
    char *name = name_create(options);
    if (!name)
        return -ENOMEM;
    fflush(NULL); /* or the child would write what the parent has buffered once more */
    pid_t parent = getpid();
    /* Blocked, so that no handler of the parent's runs in the child before it is reset. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        child_main(fn, arg, options, name, parent);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(name);
    if (pid < 0)
        return -error;
    int pidfd = process_pidfd(pid);
    *ret = (struct process){.pid = pid, .pidfd = pidfd < 0 ? -1 : pidfd, .exit_code = MP_ALIVE};
    return 0;
}

int process_signal(struct process *process, int signo)
{
    if (process->pid == 0 || process->exit_code != MP_ALIVE)
        return -ESRCH;
    /* Without a pidfd: until we collect it the number is its own, unless somebody else did. */
    int result =
        process->pidfd >= 0 ? pidfd_signal(process->pidfd, signo) : kill(process->pid, signo);
    return result == 0 ? 0 : -errno;
}

bool process_reap(struct process *process)
{
    if (process->pid == 0 || process->exit_code != MP_ALIVE)
        return true;
    siginfo_t info = {0};
    int result;
    do {
        result = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG);
    } while (result < 0 && errno == EINTR);
    if (result == 0 && info.si_pid == 0)
        return false;
    if (result < 0)
        process->exit_code = MP_EXIT_UNKNOWN;
    else
        process->exit_code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return true;
}

/* Looks for a change of the child that does not end it. */
static bool process_changed(const struct process *process, int changes)
{
    siginfo_t info = {0};
    if (process->pid == 0 || process->exit_code != MP_ALIVE)
        return false;
    return waitid(P_PID, (id_t)process->pid, &info, changes | WNOHANG) == 0 && info.si_pid != 0;
}

bool process_was_continued(const struct process *process)
{
    return process_changed(process, WCONTINUED);
}

bool process_is_stopped(const struct process *process)
{
    return process_changed(process, WSTOPPED | WNOWAIT);
}

void process_end_describe(const struct process *process, char *text, size_t size)
{
    int code = process->exit_code;
    const char *name = code < 0 ? sigabbrev_np(-code) : NULL;
    if (code == MP_EXIT_UNKNOWN)
        snprintf(text, size, "the worker is gone");
    else if (name)
        snprintf(text, size, "the worker was killed by SIG%s", name);
    else if (code < 0)
        snprintf(text, size, "the worker was killed by signal %d", -code);
    else
        snprintf(text, size, "the worker exited with code %d", code);
}

bool process_ended_itself(const struct process *process)
{
    switch (process->exit_code) {
    case -SIGSEGV:
    case -SIGBUS:
    case -SIGFPE:
    case -SIGILL:
    case -SIGABRT:
    case -SIGTRAP:
    case -SIGSYS: return true;
    default: return process->exit_code >= 0;
    }
}

size_t process_memory(const struct process *process)
{
    char path[40], text[200];
    unsigned long resident, shared;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (sscanf(text, "%*s %lu %lu", &resident, &shared) != 2 || shared > resident)
        return 0;
    return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

void process_done(struct process *process)
{
    if (process->pid != 0)
        io_close(&process->pidfd);
    *process = (struct process){.pidfd = -1, .exit_code = MP_EXIT_UNKNOWN};
}

bool process_has_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    if (!folder)
        return false;
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count > 1;
}

/* ---- The public face ------------------------------------------------------------------------ */

struct mp_process {
    struct process process;
    char *name;
    pid_t owner; /* whose child it is: another can neither collect it nor use the descriptor */
};

static bool is_own(const struct mp_process *process)
{
    return process->owner == getpid();
}

/* A name as mp_process_start() promises it. Returns NULL when there is no memory. */
static char *process_name_create(const char *given)
{
    if (given)
        return strdup(given);
    char *name;
    unsigned number = atomic_fetch_add(&current.processes, 1) + 1;
    return asprintf(&name, "Process-%u", number) < 0 ? NULL : name;
}

int mp_process_start(int (*fn)(void *arg), void *arg, const struct mp_process_options *options,
                     struct mp_process **ret)
{
    struct process_options inner = {0};
    if (options) {
        inner.name = options->name;
        inner.keep_fds = options->keep_fds;
        inner.keep_count = options->keep_count;
    }
    struct mp_process *process = calloc(1, sizeof *process);
    int error = -ENOMEM;
    if (!process || !(process->name = process_name_create(inner.name)))
        goto out;
    process->owner = getpid();
    inner.called = process->name;
    error = process_fork(fn, arg, &inner, &process->process);
    if (error < 0)
        goto out;
    *ret = process;
    return 0;

out:
    if (process)
        free(process->name);
    free(process);
    return error;
}

/* Waits until its end can be collected, or until there is a reason to look again. */
static int end_wait(int pidfd, int timeout_ms)
{
    enum {
        LOOK_AGAIN_MS = 5,     /* without a pidfd there is nothing to wait on */
        SHORT_LIFE_NS = 300000 /* that of a child that does nothing, on a virtual machine */
    };
    if (pidfd < 0)
        return io_wait_readable(
            NULL, 0, timeout_ms < 0 || timeout_ms > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : timeout_ms);
    int ended = 0;
    for (int64_t until = spin_until(SHORT_LIFE_NS); ended == 0 && spin_yield(until);)
        ended = io_wait_readable(&pidfd, 1, 0);
    return ended != 0 ? ended : io_wait_readable(&pidfd, 1, timeout_ms);
}

int mp_process_join(struct mp_process *process, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    if (!is_own(process))
        return MP_EFORKED;
    while (!process_reap(&process->process)) {
        int left = clock_left_ms(deadline);
        if (left == 0)
            return -ETIMEDOUT;
        if (end_wait(process->process.pidfd, left) == -EINTR)
            return -EINTR;
    }
    return 0;
}

int mp_process_signal(struct mp_process *process, int signo)
{
    return is_own(process) ? process_signal(&process->process, signo) : MP_EFORKED;
}

int mp_process_exit_code(struct mp_process *process)
{
    if (!is_own(process))
        return MP_EXIT_UNKNOWN;
    process_reap(&process->process);
    return process->process.exit_code;
}

pid_t mp_process_pid(const struct mp_process *process)
{
    return process->process.pid;
}

const char *mp_process_name(const struct mp_process *process)
{
    return process->name;
}

int mp_process_fd(const struct mp_process *process)
{
    if (!is_own(process))
        return MP_EFORKED;
    return process->process.pidfd < 0 ? -ENOSYS : process->process.pidfd;
}

int mp_process_close(struct mp_process *process)
{
    if (!process)
        return 0;
    if (is_own(process)) {
        if (!process_reap(&process->process))
            return -EBUSY;
        process_done(&process->process);
    }
    free(process->name);
    free(process);
    return 0;
}
