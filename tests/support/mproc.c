#include "support/mproc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- Nothing is left behind ----------------------------------------------------------------- */

int support_fd_count(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return -1;
    int count = -1; /* its own */
    struct dirent *entry;
    while ((entry = readdir(folder)))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

int support_children(pid_t *ret_pids, int max)
{
    /* No stdio: a signal handler comes here, too. */
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t size = read(fd, text, sizeof text);
    close(fd);
    int count = 0;
    pid_t pid = 0;
    for (ssize_t i = 0; i < size && count < max; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else if (pid != 0) {
            ret_pids[count++] = pid;
            pid = 0;
        }
    }
    return count;
}

bool support_has_child(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int fds_before;

int support_setup(void **state)
{
    (void)state;
    fds_before = support_fd_count();
    return 0;
}

/* Only children of this test program can be among them. */
static void children_end(void)
{
    pid_t pids[256];
    int count;
    while (support_has_child() && (count = support_children(pids, 256)) > 0)
        for (int i = 0; i < count; i++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
}

int support_teardown(void **state)
{
    (void)state;
    support_alarm_end();
    int fds = support_fd_count();
    bool child = support_has_child();
    if (child)
        print_error("a child or a zombie is left\n");
    if (fds != fds_before)
        print_error("%d descriptors are open, %d were before\n", fds, fds_before);
    children_end();
    return child || fds != fds_before ? -1 : 0;
}

/* ---- Waiting for an event ------------------------------------------------------------------- */

void *support_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

void support_unshare(void *memory, size_t size)
{
    munmap(memory, size);
}

int64_t support_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint32_t support_raise(struct support_flag *flag)
{
    uint32_t value = atomic_fetch_add(&flag->value, 1) + 1;
    syscall(SYS_futex, &flag->value, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return value;
}

bool support_await(struct support_flag *flag, uint32_t times)
{
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    for (;;) {
        uint32_t value = atomic_load(&flag->value);
        if (value >= times)
            return true;
        int64_t left = deadline - support_now_ms();
        if (left <= 0)
            return false;
        struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        syscall(SYS_futex, &flag->value, FUTEX_WAIT, value, &timeout, NULL, 0);
    }
}

void support_interrupt(int signo)
{
    (void)signo;
}

void support_alarm_begin(void (*handler)(int), int interval_us)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval often = {.it_interval = {.tv_usec = interval_us},
                              .it_value = {.tv_usec = interval_us}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

void support_alarm_end(void)
{
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN); /* one may be on its way still */
}

int support_collect(pid_t pid)
{
    /* A child has no descriptor everywhere that one could wait on: look often. */
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    do {
        int status;
        pid_t gone = waitpid(pid, &status, WNOHANG);
        if (gone == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        if (gone < 0 && errno != EINTR)
            return -1000;
        poll(NULL, 0, 1);
    } while (support_now_ms() < deadline);
    return -1000;
}

struct mp_process *support_start(int (*fn)(void *arg), void *arg)
{
    struct mp_process *process = NULL;
    assert_int_equal(mp_process_start(fn, arg, NULL, &process), 0);
    return process;
}

int support_finish(struct mp_process *process)
{
    assert_int_equal(mp_process_join(process, SUPPORT_LONG_MS), 0);
    int code = mp_process_exit_code(process);
    assert_int_equal(mp_process_close(process), 0);
    return code;
}

void support_kill(struct mp_process *process)
{
    assert_int_equal(mp_process_signal(process, SIGKILL), 0);
    assert_int_equal(support_finish(process), -SIGKILL);
}

void support_await_asleep(const struct mp_process *process)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)mp_process_pid(process));
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    while (state != 'S' && support_now_ms() < deadline) {
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %*[^)]) %c", &state), 1);
        fclose(file);
        poll(NULL, 0, state == 'S' ? 0 : 1);
    }
    assert_int_equal(state, 'S');
}

void support_adopted_end(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

/* ---- A worker's own pipes ------------------------------------------------------------------- */

static bool fd_of_job(const struct mp_task *task, int fd)
{
    for (unsigned i = 0;; i++) {
        int other = mp_task_fd(task, i);
        if (other < 0)
            return false;
        if (other == fd)
            return true;
    }
}

static int fd_find(const struct mp_task *task, mode_t kind)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        struct stat about;
        if (fstat(fd, &about) == 0 && (about.st_mode & S_IFMT) == kind && !fd_of_job(task, fd))
            return fd;
    }
    return -1;
}

int support_result_fd(const struct mp_task *task)
{
    return fd_find(task, S_IFIFO);
}

int support_job_fd(const struct mp_task *task)
{
    return fd_find(task, S_IFSOCK);
}

/* ---- Futures -------------------------------------------------------------------------------- */

int support_result(struct mp_future *future, const void **ret_data, size_t *ret_size)
{
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    int error;
    do {
        int64_t left = deadline - support_now_ms();
        error = mp_future_result(future, left > 0 ? (int)left : 0, ret_data, ret_size);
    } while (error == -EINTR);
    return error;
}

void support_expect(struct mp_future *future, const void *data, size_t size)
{
    const void *result = NULL;
    size_t result_size = 0;
    int error = support_result(future, &result, &result_size);
    if (error == 0 && mp_future_state(future) != MP_DONE)
        fail_msg("a result in state %d", mp_future_state(future));
    if (error != 0) {
        const struct mp_fault *fault = mp_future_fault(future);
        fail_msg("error %d (%s): %s", error, mp_strerror(error),
                 fault ? fault->message : "no fault");
    }
    assert_null(mp_future_fault(future));
    assert_int_equal(result_size, size);
    assert_non_null(result);
    if (size > 0 && memcmp(result, data, size) != 0)
        fail_msg("a result of %zu bytes is not what was expected", size);
    mp_future_free(future);
}

const struct mp_fault *support_expect_fault(struct mp_future *future, int code)
{
    const void *data;
    size_t size;
    assert_int_equal(support_result(future, &data, &size), code);
    assert_int_equal(mp_future_state(future), MP_FAILED);
    const struct mp_fault *fault = mp_future_fault(future);
    assert_non_null(fault);
    assert_int_equal(fault->code, code);
    assert_non_null(fault->message);
    assert_true(fault->message[0] != '\0');
    return fault;
}

struct mp_future *support_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg,
                                 size_t size)
{
    struct mp_future *future = NULL;
    assert_int_equal(mp_executor_submit(executor, fn, arg, size, NULL, &future), 0);
    assert_non_null(future);
    return future;
}

struct mp_executor *support_executor(int workers, int prefetch, void *ctx)
{
    struct mp_executor_options options = {
        .workers = workers, .prefetch = prefetch > 0 ? prefetch : -1, .ctx = ctx};
    return support_create(&options);
}

struct mp_executor *support_create(const struct mp_executor_options *options)
{
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create(options, &executor), 0);
    assert_non_null(executor);
    return executor;
}

struct mp_executor_stats support_stats(const struct mp_executor *executor)
{
    struct mp_executor_stats stats;
    mp_executor_stats(executor, &stats);
    assert_int_equal(stats.submitted,
                     stats.done + stats.failed + stats.cancelled + (uint64_t)stats.unsettled);
    return stats;
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

int support_task_echo(struct mp_task *task, const void *arg, size_t size)
{
    return mp_task_return(task, arg, size);
}

int support_task_gated(struct mp_task *task, const void *arg, size_t size)
{
    struct support_gate *gate = mp_task_ctx(task);
    support_raise(&gate->begun);
    if (!support_await(&gate->gate, 1))
        return mp_task_fail(task, 1, "nobody opened the gate");
    return mp_task_return(task, arg, size);
}
