/* tail: the last words of a worker, in the fault and on the parent's own stderr. */
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL = 1000 };

static struct support_gate *gate;
static int own_stderr; /* of this program */
static int caught;     /* in place of it, while a test runs */

static int stderr_setup(void **state)
{
    gate = support_share(sizeof *gate);
    int error = support_setup(state);
    own_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    caught = memfd_create("stderr", MFD_CLOEXEC);
    fcntl(caught, F_SETFL, O_APPEND);
    dup2(caught, STDERR_FILENO);
    return error;
}

static int stderr_teardown(void **state)
{
    dup2(own_stderr, STDERR_FILENO);
    close(own_stderr);
    close(caught);
    support_unshare(gate, sizeof *gate);
    return support_teardown(state);
}

static struct mp_executor *create(int workers, size_t tail)
{
    return support_create(&(struct mp_executor_options){
        .workers = workers, .prefetch = -1, .stderr_tail = tail, .ctx = gate});
}

/* Bytes that have come to this program's stderr. */
static size_t caught_size(void)
{
    struct stat about;
    return fstat(caught, &about) == 0 ? (size_t)about.st_size : 0;
}

static void expect_caught(const char *text)
{
    char bytes[4096] = "";
    assert_true(pread(caught, bytes, sizeof bytes - 1, 0) >= 0);
    if (!strstr(bytes, text))
        fail_msg("\"%s\" has not come, but \"%s\"", text, bytes);
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

static int task_say_and_crash(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)size;
    fprintf(stderr, "last words: %s\n", (const char *)arg);
    return raise(SIGKILL);
}

static int task_say_and_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)size;
    fprintf(stderr, "excuse: %s\n", (const char *)arg);
    return mp_task_fail(task, 1, "as asked");
}

static int task_say(struct mp_task *task, const void *arg, size_t size)
{
    fprintf(stderr, "chatter: %s\n", (const char *)arg);
    return mp_task_return(task, arg, size);
}

static int task_say_and_hang(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    fprintf(stderr, "hanging\n");
    for (;;)
        pause();
    return 0;
}

enum { FLOOD = 3 << 20 };

static void flood(void)
{
    char line[100];
    for (int i = 0; i < FLOOD / 100; i++) {
        snprintf(line, sizeof line, "%098d", i);
        line[98] = '\n';
        line[99] = '.';
        if (write(STDERR_FILENO, line, sizeof line) != sizeof line)
            _exit(9);
    }
}

static int task_flood(struct mp_task *task, const void *arg, size_t size)
{
    flood();
    return mp_task_return(task, arg, size);
}

static int task_flood_and_crash(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    flood();
    return raise(SIGKILL);
}

/* ---- What is kept --------------------------------------------------------------------------- */

static bool ends_with(const struct mp_fault *fault, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(strlen(fault->log), fault->log_size);
    return fault->log_size >= size && memcmp(fault->log + fault->log_size - size, text, size) == 0;
}

static void test_the_last_words_of_a_crash_are_in_its_fault(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, TAIL);
    struct mp_future *future = support_submit(executor, task_say_and_crash, "farewell", 9);
    const struct mp_fault *fault = support_expect_fault(future, MP_ECRASH);
    assert_true(ends_with(fault, "last words: farewell\n"));
    mp_executor_free(executor);
    assert_true(ends_with(fault, "farewell\n")); /* as long as the future */
    expect_caught("last words: farewell\n");
    mp_future_free(future);
}

static void test_a_failing_tasks_words_are_in_its_fault(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, TAIL);
    for (int i = 0; i < 5; i++) {
        char text[20];
        snprintf(text, sizeof text, "number %d", i);
        struct mp_future *future =
            support_submit(executor, task_say_and_fail, text, strlen(text) + 1);
        const struct mp_fault *fault = support_expect_fault(future, MP_ETASK);
        assert_non_null(strstr(fault->log, text));
        mp_future_free(future);
    }
    expect_caught("excuse: number 4\n");
    mp_executor_free(executor);
}

static void test_a_deadlines_fault_has_them_too(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, TAIL);
    struct mp_submit_options options = {.deadline_ms = 50};
    struct mp_future *future;
    assert_int_equal(mp_executor_submit(executor, task_say_and_hang, NULL, 0, &options, &future),
                     0);
    assert_true(ends_with(support_expect_fault(future, MP_EDEADLINE), "hanging\n"));
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_each_crash_has_its_own_workers_words(void **state)
{
    (void)state;
    enum { JOBS = 12 };
    struct mp_executor *executor = create(3, TAIL);
    struct mp_future *futures[JOBS];
    char texts[JOBS][20];
    for (int i = 0; i < JOBS; i++) {
        snprintf(texts[i], sizeof texts[i], "of job %d", i);
        futures[i] = support_submit(executor, task_say_and_crash, texts[i], strlen(texts[i]) + 1);
    }
    for (int i = 0; i < JOBS; i++) {
        char whole[100];
        snprintf(whole, sizeof whole, "last words: %.19s\n", texts[i]);
        const struct mp_fault *fault = support_expect_fault(futures[i], MP_ECRASH);
        assert_string_equal(fault->log, whole); /* a new worker, a new log */
        expect_caught(whole);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
}

static void test_without_a_tail_there_is_no_log(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0);
    struct mp_future *future = support_submit(executor, task_say_and_crash, "farewell", 9);
    const struct mp_fault *fault = support_expect_fault(future, MP_ECRASH);
    assert_string_equal(fault->log, "");
    assert_int_equal(fault->log_size, 0);
    expect_caught("last words: farewell\n"); /* they share it as it is */
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_what_succeeds_is_passed_on(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, TAIL);
    for (int i = 0; i < 5; i++)
        support_expect(support_submit(executor, task_say, "one\0", 4), "one", 4);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(caught_size(), 5 * strlen("chatter: one\n"));
    mp_executor_free(executor);
}

/* ---- Floods --------------------------------------------------------------------------------- */

static void test_a_flood_blocks_nobody(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, TAIL);
    struct mp_future *flooding = support_submit(executor, task_flood, "x", 1);
    for (int i = 0; i < 20; i++)
        support_expect(support_submit(executor, support_task_echo, &i, sizeof i), &i, sizeof i);
    support_expect(flooding, "x", 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(caught_size(), FLOOD / 100 * 100); /* nothing of it is lost */
    mp_executor_free(executor);
}

static void test_of_a_flood_the_end_is_kept(void **state)
{
    (void)state;
    static const size_t tails[] = {1, 99, TAIL, 100000};
    for (int i = 0; i < 4; i++) {
        struct mp_executor *executor = create(1, tails[i]);
        struct mp_future *future = support_submit(executor, task_flood_and_crash, NULL, 0);
        const struct mp_fault *fault = support_expect_fault(future, MP_ECRASH);
        assert_int_equal(fault->log_size, tails[i]);
        char line[120];
        int n = snprintf(line, sizeof line, "%098d\n.", FLOOD / 100 - 1);
        size_t size = tails[i] < 100 ? tails[i] : 100;
        assert_true(n >= 100);
        assert_memory_equal(fault->log + fault->log_size - size, line + 100 - size, size);
        mp_future_free(future);
        mp_executor_free(executor);
    }
}

static void test_a_flood_during_the_shutdown_blocks_nobody(void **state)
{
    (void)state;
    for (int how = MP_FINISH; how <= MP_KILL; how++) {
        struct mp_executor *executor = create(2, TAIL);
        for (int i = 0; i < 4; i++)
            mp_future_free(support_submit(executor, task_flood, "x", 1));
        assert_int_equal(mp_executor_shutdown(executor, (enum mp_how)how, SUPPORT_LONG_MS), 0);
        mp_executor_free(executor);
    }
}

/* ---- Grandchildren -------------------------------------------------------------------------- */

/* Leaves a process behind that keeps its stderr open. */
static int task_leave_a_grandchild(struct mp_task *task, const void *arg, size_t size)
{
    pid_t pid = fork();
    if (pid == 0) {
        support_await(&gate->gate, 1);
        _exit(7);
    }
    if (size > 0 && *(const char *)arg == 'c') {
        fprintf(stderr, "parting\n");
        atomic_store(&gate->begun.value, (uint32_t)pid);
        raise(SIGKILL);
    }
    return mp_task_return(task, &pid, sizeof pid);
}

static void test_a_grandchild_that_keeps_it_open_holds_nobody_up(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct mp_executor *executor = create(2, TAIL);
    struct mp_future *future = support_submit(executor, task_leave_a_grandchild, NULL, 0);
    const void *data;
    size_t size;
    pid_t pids[2];
    assert_int_equal(support_result(future, &data, &size), 0);
    memcpy(&pids[0], data, sizeof pids[0]);
    mp_future_free(future);
    future = support_submit(executor, task_leave_a_grandchild, "c", 1);
    assert_true(ends_with(support_expect_fault(future, MP_ECRASH), "parting\n"));
    pids[1] = (pid_t)gate->begun.value;
    mp_future_free(future);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    mp_executor_free(executor);
    support_raise(&gate->gate);
    for (int i = 0; i < 2; i++)
        assert_int_equal(support_collect(pids[i]), 7);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_last_words_of_a_crash_are_in_its_fault,
                                        stderr_setup, stderr_teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_tasks_words_are_in_its_fault, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_a_deadlines_fault_has_them_too, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_each_crash_has_its_own_workers_words, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_tail_there_is_no_log, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_what_succeeds_is_passed_on, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_blocks_nobody, stderr_setup, stderr_teardown),
        cmocka_unit_test_setup_teardown(test_of_a_flood_the_end_is_kept, stderr_setup,
                                        stderr_teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_during_the_shutdown_blocks_nobody,
                                        stderr_setup, stderr_teardown),
        cmocka_unit_test_setup_teardown(test_a_grandchild_that_keeps_it_open_holds_nobody_up,
                                        stderr_setup, stderr_teardown),
    };
    return cmocka_run_group_tests_name("mproc/tail", tests, NULL, NULL);
}
