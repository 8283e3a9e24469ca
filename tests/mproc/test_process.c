/* process: how a child is set up, how its end is seen, and that it does not outlive its parent. */
#include "mproc/process.h"
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mp_process *start(int (*fn)(void *), void *arg,
                                const struct mp_process_options *options)
{
    struct mp_process *process = NULL;
    assert_int_equal(mp_process_start(fn, arg, options, &process), 0);
    return process;
}

/* Joins and frees. Returns the exit code. */
static int finish(struct mp_process *process)
{
    assert_int_equal(mp_process_join(process, SUPPORT_LONG_MS), 0);
    int code = mp_process_exit_code(process);
    assert_int_equal(mp_process_close(process), 0);
    return code;
}

static int child_return(void *arg)
{
    return *(int *)arg;
}

static int child_wait_for_ever(void *arg)
{
    (void)arg;
    while (pause() != 0)
        ; /* it never returns 0 */
    return 0;
}

/* ---- Ends ----------------------------------------------------------------------------------- */

static void test_exit_code_is_what_the_function_returned(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code += 51)
        assert_int_equal(finish(start(child_return, &code, NULL)), code);
}

static void test_exit_code_names_the_signal(void **state)
{
    (void)state;
    const int signals[] = {SIGTERM, SIGKILL, SIGUSR1};
    for (int i = 0; i < 3; i++) {
        struct mp_process *child = start(child_wait_for_ever, NULL, NULL);
        assert_int_equal(mp_process_exit_code(child), MP_ALIVE);
        assert_int_equal(mp_process_signal(child, signals[i]), 0);
        assert_int_equal(finish(child), -signals[i]);
    }
}

static int child_abort(void *arg)
{
    (void)arg;
    abort();
}

static void test_exit_code_names_an_abort(void **state)
{
    (void)state;
    assert_int_equal(finish(start(child_abort, NULL, NULL)), -SIGABRT);
}

static void test_join_does_not_wait_beyond_its_timeout(void **state)
{
    (void)state;
    struct mp_process *child = start(child_wait_for_ever, NULL, NULL);
    assert_int_equal(mp_process_join(child, 0), -ETIMEDOUT);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_process_join(child, 20), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 19);
    assert_int_equal(mp_process_signal(child, SIGKILL), 0);
    assert_int_equal(mp_process_join(child, MP_FOREVER), 0);
    assert_int_equal(mp_process_join(child, 0), 0); /* again, at once */
    assert_int_equal(finish(child), -SIGKILL);
}

static void test_join_is_ended_by_a_handler(void **state)
{
    (void)state;
    struct mp_process *child = start(child_wait_for_ever, NULL, NULL);
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), -EINTR);
    support_alarm_end();
    assert_int_equal(mp_process_signal(child, SIGKILL), 0);
    assert_int_equal(finish(child), -SIGKILL);
}

static void test_close_is_refused_while_it_runs(void **state)
{
    (void)state;
    struct mp_process *child = start(child_wait_for_ever, NULL, NULL);
    assert_int_equal(mp_process_close(child), -EBUSY);
    assert_int_equal(mp_process_exit_code(child), MP_ALIVE);
    assert_int_equal(mp_process_signal(child, SIGKILL), 0);
    assert_int_equal(finish(child), -SIGKILL);
    assert_int_equal(mp_process_close(NULL), 0);
}

static void test_signal_after_the_end_reaches_nobody(void **state)
{
    (void)state;
    int code = 3;
    struct mp_process *child = start(child_return, &code, NULL);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_process_signal(child, SIGKILL), -ESRCH);
    assert_int_equal(finish(child), 3);
}

static void test_a_stolen_status_is_unknown_and_not_success(void **state)
{
    (void)state;
    int code = 0;
    struct mp_process *child = start(child_return, &code, NULL);
    assert_int_equal(support_collect(mp_process_pid(child)), 0); /* behind the library's back */
    assert_int_equal(mp_process_signal(child, SIGKILL), -ESRCH);
    assert_int_equal(finish(child), MP_EXIT_UNKNOWN);
}

/* The number of the handle's descriptor is another's here. */
static int child_uses_its_siblings_handle(void *arg)
{
    struct mp_process *sibling = arg;
    int fds[16], wrong = 0;
    for (int i = 0; i < 16; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    wrong += mp_process_join(sibling, 0) != MP_EFORKED;
    wrong += mp_process_signal(sibling, SIGKILL) != MP_EFORKED;
    wrong += mp_process_exit_code(sibling) != MP_EXIT_UNKNOWN;
    wrong += mp_process_fd(sibling) != MP_EFORKED;
    wrong += mp_process_close(sibling) != 0;
    for (int i = 0; i < 16; i++)
        wrong += close(fds[i]) != 0;
    return wrong;
}

static void test_a_handle_is_its_starters_only(void **state)
{
    (void)state;
    struct mp_process *sibling = start(child_wait_for_ever, NULL, NULL);
    assert_int_equal(finish(start(child_uses_its_siblings_handle, sibling, NULL)), 0);
    assert_int_equal(mp_process_exit_code(sibling), MP_ALIVE);
    assert_int_equal(mp_process_signal(sibling, SIGKILL), 0);
    assert_int_equal(finish(sibling), -SIGKILL);
}

static void test_descriptor_is_readable_once_it_is_gone(void **state)
{
    (void)state;
    struct mp_process *child = start(child_wait_for_ever, NULL, NULL);
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    bool expected = pidfd >= 0 && !getenv("MP_NO_PIDFD");
    close(pidfd);
    struct pollfd wait = {.fd = mp_process_fd(child), .events = POLLIN};
    if (expected) {
        assert_true(wait.fd >= 0);
        assert_true(fcntl(wait.fd, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(poll(&wait, 1, 0), 0);
    } else {
        assert_int_equal(wait.fd, -ENOSYS);
    }
    assert_int_equal(mp_process_signal(child, SIGKILL), 0);
    if (expected)
        assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
    assert_int_equal(finish(child), -SIGKILL);
}

static void test_many_processes_end_one_by_one(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct mp_process *children[MANY];
    for (int i = 0; i < MANY; i++)
        children[i] = start(child_wait_for_ever, NULL, NULL);
    for (int i = MANY; i-- > 0;) {
        assert_int_equal(mp_process_signal(children[i], SIGKILL), 0);
        assert_int_equal(finish(children[i]), -SIGKILL);
    }
}

/* ---- Set-up --------------------------------------------------------------------------------- */

enum { FDS_LOOKED_AT = 256 };

/* Counts the open descriptors beside 0, 1, 2 and those kept; 255 when a kept one is closed. */
static int child_count_strangers(void *arg)
{
    const struct mp_process_options *options = arg;
    int strangers = 0;
    unsigned kept = 0;
    for (int fd = STDERR_FILENO + 1; fd < FDS_LOOKED_AT; fd++) {
        bool keep = false;
        for (unsigned i = 0; i < options->keep_count; i++)
            keep = keep || options->keep_fds[i] == fd;
        if (fcntl(fd, F_GETFD) >= 0 && !keep)
            strangers++;
        else if (fcntl(fd, F_GETFD) >= 0)
            kept++;
    }
    return kept == options->keep_count ? strangers : 255;
}

static void test_child_keeps_only_the_named_descriptors(void **state)
{
    (void)state;
    int fds[8];
    for (int i = 0; i < 8; i++)
        assert_true((fds[i] = open("/dev/null", O_RDONLY | (i % 2 ? O_CLOEXEC : 0))) >= 0);
    struct mp_process_options none = {0};
    struct mp_process_options two = {.keep_fds = (int[]){fds[6], fds[1]}, .keep_count = 2};
    assert_int_equal(finish(start(child_count_strangers, &none, &none)), 0);
    assert_int_equal(finish(start(child_count_strangers, &two, &two)), 0);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void test_too_many_descriptors_to_keep_are_refused(void **state)
{
    (void)state;
    int fds[PROCESS_KEEP_MAX + 1] = {0}, code = 0;
    struct mp_process_options options = {.keep_fds = fds, .keep_count = PROCESS_KEEP_MAX + 1};
    struct mp_process *child = NULL;
    assert_int_equal(mp_process_start(child_return, &code, &options, &child), -EINVAL);
    assert_null(child);
}

static int child_check_signals(void *arg)
{
    (void)arg;
    struct sigaction caught, ignored;
    sigset_t mask;
    sigaction(SIGUSR1, NULL, &caught);
    sigaction(SIGUSR2, NULL, &ignored);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    int blocked = 0;
    for (int signo = 1; signo < SIGRTMIN; signo++)
        blocked += sigismember(&mask, signo) == 1;
    return (caught.sa_handler != SIG_DFL) + 2 * (ignored.sa_handler != SIG_IGN) +
           4 * (blocked != 0);
}

static void test_child_resets_handlers_and_keeps_what_is_ignored(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = support_interrupt}, before;
    sigset_t block, mask_before;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaction(SIGUSR1, &action, &before);
    void (*ignored_before)(int) = signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_BLOCK, &block, &mask_before);
    int code = finish(start(child_check_signals, NULL, NULL));
    sigset_t mask_after;
    sigprocmask(SIG_SETMASK, &mask_before, &mask_after);
    sigaction(SIGUSR1, &before, &action);
    signal(SIGUSR2, ignored_before);
    assert_int_equal(code, 0);
    assert_true(action.sa_handler == support_interrupt); /* the parent has what it had */
    assert_int_equal(sigismember(&mask_after, SIGTERM), 1);
    assert_int_equal(sigismember(&mask_after, SIGINT), 0);
}

static int child_check_name(void *arg)
{
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    return strcmp(name, arg) != 0;
}

static void test_child_has_its_name(void **state)
{
    (void)state;
    char ours[16] = "", given[] = "thumb-7", longer[] = "a-name-that-is-too-long";
    char kept[] = "a-name-that-is-";
    prctl(PR_GET_NAME, ours);
    struct mp_process_options named = {.name = given}, cut = {.name = longer};
    assert_int_equal(finish(start(child_check_name, given, &named)), 0);
    assert_int_equal(finish(start(child_check_name, ours, NULL)), 0);
    assert_int_equal(finish(start(child_check_name, kept, &cut)), 0);
}

static int child_check_called(void *arg)
{
    return strcmp(mp_current_process_name(), arg) != 0;
}

static int child_check_first_child(void *arg)
{
    (void)arg;
    struct mp_process *first = NULL;
    char expected[] = "Process-1";
    if (mp_process_start(child_check_called, expected, NULL, &first) != 0 ||
        strcmp(mp_process_name(first), expected) != 0)
        return 2;
    mp_process_join(first, SUPPORT_LONG_MS);
    int code = mp_process_exit_code(first);
    mp_process_close(first);
    return code;
}

static void test_a_process_knows_its_name(void **state)
{
    (void)state;
    char ours[64], longer[] = "a-name-that-is-too-long-for-ps";
    snprintf(ours, sizeof ours, "%s", mp_current_process_name());
    assert_string_equal(ours, "MainProcess");
    struct mp_process_options named = {.name = longer};
    struct mp_process *child = start(child_check_called, longer, &named);
    assert_string_equal(mp_process_name(child), longer);
    assert_int_equal(finish(child), 0);
    assert_string_equal(mp_current_process_name(), ours);
}

/* The number of the next process without a name. */
static unsigned next_number(void)
{
    int code = 0;
    unsigned number = 0;
    struct mp_process *child = start(child_return, &code, NULL);
    assert_int_equal(sscanf(mp_process_name(child), "Process-%u", &number), 1);
    assert_int_equal(finish(child), 0);
    return number + 1;
}

static void test_processes_without_a_name_are_counted(void **state)
{
    (void)state;
    unsigned next = next_number();
    for (int i = 0; i < 3; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "Process-%u", next++);
        struct mp_process *child = start(child_check_called, expected, NULL);
        assert_string_equal(mp_process_name(child), expected);
        assert_int_equal(finish(child), 0);
    }
    assert_int_equal(finish(start(child_check_first_child, NULL, NULL)), 0); /* its own count */
}

static void test_a_worker_without_a_name_is_called_by_number(void **state)
{
    (void)state;
    struct process child;
    char expected[] = "Worker-1", given[] = "thumb";
    struct process_options none = {0}, named = {.name = given};
    assert_int_equal(process_fork(child_check_called, expected, &none, &child), 0);
    assert_int_equal(support_collect(child.pid), 0);
    process_done(&child);
    assert_int_equal(process_fork(child_check_called, given, &named, &child), 0);
    assert_int_equal(support_collect(child.pid), 0);
    process_done(&child);
}

static int child_print(void *arg)
{
    FILE *file = arg;
    return fputs("child", file) < 0;
}

static void test_buffered_output_is_written_once(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    int fd = fileno(file);
    struct mp_process_options options = {.keep_fds = &fd, .keep_count = 1};
    assert_true(fputs("parent ", file) >= 0); /* still in the buffer */
    assert_int_equal(finish(start(child_print, file, &options)), 0);
    char text[64] = "";
    assert_int_equal(pread(fd, text, sizeof text - 1, 0), 12);
    assert_string_equal(text, "parent child");
    fclose(file);
}

static struct support_flag *at_exit_flag;

static void at_exit(void)
{
    if (at_exit_flag)
        support_raise(at_exit_flag);
}

static void test_child_leaves_without_the_parents_exit_handlers(void **state)
{
    (void)state;
    int code = 0;
    at_exit_flag = support_share(sizeof *at_exit_flag);
    assert_int_equal(atexit(at_exit), 0);
    assert_int_equal(finish(start(child_return, &code, NULL)), 0);
    assert_int_equal(at_exit_flag->value, 0);
    support_unshare(at_exit_flag, sizeof *at_exit_flag);
    at_exit_flag = NULL;
}

/* ---- Death with the parent ------------------------------------------------------------------ */

struct family {
    _Atomic pid_t grandchild;
    struct support_flag born;
    bool leave; /* the middle one returns instead of being killed */
};

static int grandchild_main(void *arg)
{
    struct family *family = arg;
    family->grandchild = getpid();
    support_raise(&family->born);
    return child_wait_for_ever(NULL);
}

static int middle_main(void *arg)
{
    struct family *family = arg;
    static struct mp_process *child; /* never closed: for a leak checker to find */
    if (mp_process_start(grandchild_main, family, NULL, &child) != 0)
        return 9;
    if (!family->leave)
        return child_wait_for_ever(NULL);
    return support_await(&family->born, 1) ? 0 : 8;
}

/* The test collects the grandchild itself, so that "gone" means that and not a zombie somewhere. */
static void expect_grandchild_follows(bool leave)
{
    struct family *family = support_share(sizeof *family);
    family->leave = leave;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct mp_process *middle = start(middle_main, family, NULL);
    assert_true(support_await(&family->born, 1));
    if (!leave)
        assert_int_equal(mp_process_signal(middle, SIGKILL), 0);
    assert_int_equal(finish(middle), leave ? 0 : -SIGKILL);
    assert_int_equal(support_collect(family->grandchild), -SIGKILL);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    support_unshare(family, sizeof *family);
}

static void test_child_dies_when_its_parent_is_killed(void **state)
{
    (void)state;
    expect_grandchild_follows(false);
}

static void test_child_dies_when_its_parent_leaves(void **state)
{
    (void)state;
    expect_grandchild_follows(true);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static int child_cannot_fork(void *arg)
{
    (void)arg;
    struct rlimit none = {0};
    int code = 0;
    struct mp_process *child = NULL;
    /* The limit does not bind root. */
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || (getuid() == 0 && setuid(65534) != 0))
        return 2;
    int error = mp_process_start(child_return, &code, NULL, &child);
    _exit(error == -EAGAIN && !child ? 0 : 1); /* past a leak checker, which would fork */
}

static void test_a_failed_fork_is_reported(void **state)
{
    (void)state;
    assert_int_equal(finish(start(child_cannot_fork, NULL, NULL)), 0);
}

static void *thread_wait(void *arg)
{
    support_await(arg, 1);
    return NULL;
}

static void test_threads_are_seen(void **state)
{
    (void)state;
    struct support_flag *flag = support_share(sizeof *flag);
    pthread_t thread;
    assert_false(process_has_threads());
    assert_int_equal(pthread_create(&thread, NULL, thread_wait, flag), 0);
    assert_true(process_has_threads());
    support_raise(flag);
    pthread_join(thread, NULL);
    support_unshare(flag, sizeof *flag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_exit_code_is_what_the_function_returned),
        SUPPORT_TEST(test_exit_code_names_the_signal),
        SUPPORT_TEST(test_exit_code_names_an_abort),
        SUPPORT_TEST(test_join_does_not_wait_beyond_its_timeout),
        SUPPORT_TEST(test_join_is_ended_by_a_handler),
        SUPPORT_TEST(test_close_is_refused_while_it_runs),
        SUPPORT_TEST(test_signal_after_the_end_reaches_nobody),
        SUPPORT_TEST(test_a_stolen_status_is_unknown_and_not_success),
        SUPPORT_TEST(test_a_handle_is_its_starters_only),
        SUPPORT_TEST(test_descriptor_is_readable_once_it_is_gone),
        SUPPORT_TEST(test_many_processes_end_one_by_one),
        SUPPORT_TEST(test_child_keeps_only_the_named_descriptors),
        SUPPORT_TEST(test_too_many_descriptors_to_keep_are_refused),
        SUPPORT_TEST(test_child_resets_handlers_and_keeps_what_is_ignored),
        SUPPORT_TEST(test_child_has_its_name),
        SUPPORT_TEST(test_a_process_knows_its_name),
        SUPPORT_TEST(test_processes_without_a_name_are_counted),
        SUPPORT_TEST(test_a_worker_without_a_name_is_called_by_number),
        SUPPORT_TEST(test_buffered_output_is_written_once),
        SUPPORT_TEST(test_child_leaves_without_the_parents_exit_handlers),
        SUPPORT_TEST(test_child_dies_when_its_parent_is_killed),
        SUPPORT_TEST(test_child_dies_when_its_parent_leaves),
        SUPPORT_TEST(test_a_failed_fork_is_reported),
        SUPPORT_TEST(test_threads_are_seen),
    };
    return cmocka_run_group_tests_name("mproc/process", tests, NULL, NULL);
}
