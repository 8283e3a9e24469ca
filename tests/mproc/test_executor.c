/* executor: jobs on worker processes that behave. */
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { BIG = 5 << 20 };

static struct mp_executor *create(const struct mp_executor_options *options)
{
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create(options, &executor), 0);
    return executor;
}

static struct mp_backend_stats stats_of(const struct mp_executor *executor)
{
    struct mp_executor_stats stats;
    mp_executor_stats(executor, &stats);
    return stats.backend;
}

static const void *data;
static size_t size;

/* ---- Jobs and results ----------------------------------------------------------------------- */

static int task_pid(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    pid_t pid = getpid();
    return mp_task_return(task, &pid, sizeof pid);
}

static void test_jobs_run_in_other_processes(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, task_pid, "", 0);
    pid_t child;
    assert_int_equal(support_children(&child, 1), 1);
    support_expect(future, &child, sizeof child);
    assert_int_not_equal(child, getpid());
    mp_executor_free(executor);
}

static void test_each_future_has_the_result_of_its_own_job(void **state)
{
    (void)state;
    enum { JOBS = 500 };
    struct mp_executor *executor = support_executor(3, 4, NULL);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    for (int i = JOBS; i-- > 0;)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(stats_of(executor).workers_started, 3);
    mp_executor_free(executor);
}

/* Takes the next number of a counter in shared memory. */
static int task_number(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    uint32_t number = support_raise(mp_task_ctx(task));
    return mp_task_return(task, &number, sizeof number);
}

static void test_one_worker_runs_jobs_in_the_order_of_submits(void **state)
{
    (void)state;
    enum { JOBS = 100 };
    struct support_flag *counter = support_share(sizeof *counter);
    struct mp_executor *executor = support_executor(1, 7, counter);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, task_number, NULL, 0);
    for (uint32_t i = 0; i < JOBS; i++)
        support_expect(futures[i], &(uint32_t){i + 1}, sizeof i);
    mp_executor_free(executor);
    support_unshare(counter, sizeof *counter);
}

static int task_nothing(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)task, (void)arg, (void)arg_size;
    return 0;
}

static void test_an_empty_result_arrives(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    support_expect(support_submit(executor, task_nothing, NULL, 0), "", 0);
    support_expect(support_submit(executor, support_task_echo, NULL, 0), "", 0);
    mp_executor_free(executor);
}

static unsigned char *big_make(void)
{
    unsigned char *bytes = malloc(BIG);
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (unsigned char)(i * 7 + (i >> 11));
    return bytes;
}

/* More than any pipe holds goes in both directions at the same time. */
static void test_big_arguments_and_results_cross(void **state)
{
    (void)state;
    enum { JOBS = 12 };
    unsigned char *bytes = big_make();
    struct mp_executor *executor = support_executor(2, 2, NULL);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, support_task_echo, bytes + i, BIG - JOBS);
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], bytes + i, BIG - JOBS);
    mp_executor_free(executor);
    free(bytes);
}

/* Tries a result of 9 bytes where 8 are allowed, and says what it was told. */
static int task_too_large(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    int error = mp_task_return(task, "123456789", 9);
    if (error != -EMSGSIZE || mp_task_reserve(task, 9))
        return 0;
    return mp_task_fail(task, -error, "the result is %d bytes, and may be 8", 9);
}

static void test_a_result_too_large_is_the_tasks_to_handle(void **state)
{
    (void)state;
    struct mp_executor *executor =
        create(&(struct mp_executor_options){.workers = 1, .result_max = 8});
    support_expect(support_submit(executor, support_task_echo, "12345678", 8), "12345678", 8);
    for (int i = 0; i < 20; i++) {
        struct mp_future *future = support_submit(executor, task_too_large, NULL, 0);
        const struct mp_fault *fault = support_expect_fault(future, MP_ETASK);
        assert_int_equal(fault->status, EMSGSIZE);
        assert_string_equal(fault->message, "the result is 9 bytes, and may be 8");
        mp_future_free(future);
    }
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
}

static int task_fail(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg_size;
    return mp_task_fail(task, -7, "%s", (const char *)arg);
}

static int task_return_nine(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)task, (void)arg, (void)arg_size;
    return 9;
}

static void test_the_text_of_a_failure_arrives_whole(void **state)
{
    (void)state;
    char longest[1024] = "zweite Zeile:\n\t\"\xc3\xa4\" 100%s";
    memset(longest + 30, 'x', sizeof longest - 31);
    const char *texts[] = {"short", "two\nlines \xff%d", longest};
    struct mp_executor *executor = support_executor(1, 3, NULL);
    for (int i = 0; i < 3; i++) {
        struct mp_future *future =
            support_submit(executor, task_fail, texts[i], strlen(texts[i]) + 1);
        const struct mp_fault *fault = support_expect_fault(future, MP_ETASK);
        assert_string_equal(fault->message, texts[i]);
        assert_int_equal(fault->status, -7);
        assert_int_equal(fault->worker, 0);
        assert_true(fault->pid > 0);
        assert_false(fault->lost_result);
        mp_future_free(future);
    }
    struct mp_future *future = support_submit(executor, task_return_nine, NULL, 0);
    assert_int_equal(support_expect_fault(future, MP_ETASK)->status, 9);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_arguments_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_submit_options options = {.fds = (int[MP_JOB_FDS_MAX + 1]){0},
                                        .fd_count = MP_JOB_FDS_MAX + 1};
    struct mp_future *future = NULL;
    assert_int_equal(
        mp_executor_submit(executor, support_task_echo, "", MP_ARG_MAX + 1, NULL, &future),
        -EMSGSIZE);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, &options, &future),
                     -EMSGSIZE);
    assert_null(future);
    mp_executor_free(executor);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    const struct mp_executor_options wrong[] = {
        {.workers = -1},     {.workers = 1 << 20}, {.prefetch = MP_PREFETCH_MAX + 1},
        {.max_pending = -1}, {.kind = 77},
    };
    struct mp_executor *executor = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(mp_executor_create(&wrong[i], &executor), -EINVAL);
    assert_null(executor);
    mp_executor_free(NULL);
}

static void test_the_largest_options_mean_no_limit(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    struct mp_executor_options options = {
        .workers = 1, .result_max = SIZE_MAX, .max_pending = INT_MAX};
    struct mp_executor *executor = create(&options);
    for (int i = 0; i < 3; i++)
        support_expect(support_submit(executor, support_task_echo, bytes, BIG), bytes, BIG);
    mp_executor_free(executor);
    free(bytes);
}

static void test_default_options_work(void **state)
{
    (void)state;
    struct mp_executor *executor = create(NULL);
    assert_int_equal(stats_of(executor).workers_started, mp_cpu_count());
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
}

static int task_nested(struct mp_task *task, const void *arg, size_t arg_size)
{
    struct mp_executor *executor;
    struct mp_future *future;
    const void *result;
    size_t result_size;
    if (mp_executor_create(&(struct mp_executor_options){.workers = 2}, &executor) != 0 ||
        mp_executor_submit(executor, support_task_echo, arg, arg_size, NULL, &future) != 0 ||
        mp_future_result(future, SUPPORT_LONG_MS, &result, &result_size) != 0)
        return -1;
    mp_task_return(task, result, result_size);
    mp_future_free(future);
    mp_executor_free(executor);
    return support_has_child() ? -2 : 0;
}

static void test_a_task_may_have_an_executor_of_its_own(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    support_expect(support_submit(executor, task_nested, "deep", 4), "deep", 4);
    mp_executor_free(executor);
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

/* Reads the number that each descriptor of the job holds, without moving the shared offset. */
static int task_read_fds(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg;
    int numbers[MP_JOB_FDS_MAX];
    unsigned count = 0;
    for (int fd; (fd = mp_task_fd(task, count)) >= 0; count++)
        if (pread(fd, &numbers[count], sizeof(int), 0) != sizeof(int))
            return mp_task_fail(task, errno, "descriptor %u cannot be read", count);
    if (arg_size > 0 && count == 0)
        return -1;
    return mp_task_return(task, numbers, count * sizeof(int));
}

static int number_file(int number)
{
    int fd = memfd_create("number", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, &number, sizeof number), sizeof number);
    return fd;
}

static void test_descriptors_reach_their_own_job_in_order(void **state)
{
    (void)state;
    enum { JOBS = 60, FILES = 5 };
    struct mp_executor *executor = support_executor(2, 7, NULL);
    struct mp_future *futures[JOBS];
    int fds[JOBS][FILES];
    for (int i = 0; i < JOBS; i++) {
        unsigned count = (unsigned)i % (FILES + 1); /* jobs without any between */
        for (unsigned k = 0; k < count; k++)
            fds[i][k] = number_file(i * 100 + (int)k);
        struct mp_submit_options options = {.fds = fds[i], .fd_count = count};
        assert_int_equal(
            mp_executor_submit(executor, task_read_fds, NULL, 0, &options, &futures[i]), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        int numbers[FILES];
        unsigned count = (unsigned)i % (FILES + 1);
        for (unsigned k = 0; k < count; k++)
            numbers[k] = i * 100 + (int)k;
        support_expect(futures[i], numbers, count * sizeof(int));
        for (unsigned k = 0; k < count; k++)
            close(fds[i][k]);
    }
    mp_executor_free(executor);
}

static void test_the_most_descriptors_with_a_big_argument(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    int number = 4711, fd = number_file(number), fds[MP_JOB_FDS_MAX], numbers[MP_JOB_FDS_MAX];
    for (int i = 0; i < MP_JOB_FDS_MAX; i++) {
        fds[i] = fd;
        numbers[i] = number;
    }
    struct mp_submit_options options = {.fds = fds, .fd_count = MP_JOB_FDS_MAX};
    struct mp_executor *executor = support_executor(1, 3, NULL);
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            mp_executor_submit(executor, task_read_fds, bytes, BIG, &options, &futures[i]), 0);
    for (int i = 0; i < 4; i++)
        support_expect(futures[i], numbers, sizeof numbers);
    mp_executor_free(executor);
    close(fd);
    free(bytes);
}

static int task_count_fds(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return mp_task_return(task, &count, sizeof count);
}

static void test_a_worker_has_its_own_descriptors_only(void **state)
{
    (void)state;
    int fd = number_file(1), count;
    struct mp_submit_options options = {.fds = &fd, .fd_count = 1};
    struct mp_executor *other = support_executor(2, 0, NULL);
    struct mp_executor *executor = support_executor(2, 3, NULL);
    for (int i = 0; i < 20; i++) {
        struct mp_future *future;
        int error =
            mp_executor_submit(executor, task_count_fds, NULL, 0, i % 2 ? &options : NULL, &future);
        assert_int_equal(error, 0);
        count = i % 2 ? 6 : 5; /* 0, 1, 2, jobs, results, and the job's, which is closed after it */
        support_expect(future, &count, sizeof count);
    }
    mp_executor_free(executor);
    mp_executor_free(other);
    close(fd);
}

static void test_a_descriptor_that_is_not_open_is_refused(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 2, gate);
    struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *bad = NULL;
    int fds[] = {0, 9999};
    struct mp_submit_options options = {.fds = fds, .fd_count = 2};
    assert_int_equal(mp_executor_submit(executor, task_read_fds, NULL, 0, &options, &bad), -EBADF);
    assert_null(bad);
    support_raise(&gate->gate);
    support_expect(running, "x", 1);
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* Against the contract, which is no reason to hurt other jobs or to try for ever. */
static void test_a_descriptor_closed_too_early_fails_its_own_job(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 0, gate);
    struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *bad, *after;
    int fd = number_file(1);
    struct mp_submit_options options = {.fds = &fd, .fd_count = 1};
    assert_int_equal(mp_executor_submit(executor, task_read_fds, NULL, 0, &options, &bad), 0);
    after = support_submit(executor, support_task_echo, "y", 1);
    close(fd); /* the job is pending still */
    support_raise(&gate->gate);
    support_expect_fault(bad, -EBADF);
    support_expect(running, "x", 1);
    support_expect(after, "y", 1);
    mp_future_free(bad);
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void test_wait_any_and_all_and_until_the_time_is_up(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 0, gate);
    struct mp_future *futures[3] = {support_submit(executor, support_task_gated, "a", 1),
                                    support_submit(executor, support_task_echo, "b", 1),
                                    support_submit(executor, support_task_echo, "c", 1)};
    assert_true(mp_wait(futures, 3, MP_ANY, SUPPORT_LONG_MS) >= 1);
    assert_int_equal(mp_wait(&futures[1], 2, MP_ALL, SUPPORT_LONG_MS), 2);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_wait(futures, 3, MP_ALL, 30), 2); /* what is settled, not an error */
    assert_true(support_now_ms() - begin >= 29);
    assert_int_equal(mp_wait(futures, 3, MP_ALL, 0), 2);
    assert_int_equal(mp_wait(futures, 1, MP_ANY, 0), 0);
    assert_int_equal(mp_wait(futures, 0, MP_ALL, MP_FOREVER), 0);
    assert_int_equal(mp_wait(futures, 0, MP_ANY, MP_FOREVER), 0);
    assert_int_equal(mp_future_result(futures[0], 0, &data, &size), -ETIMEDOUT);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(futures, 3, MP_ALL, SUPPORT_LONG_MS), 3);
    for (int i = 0; i < 3; i++)
        support_expect(futures[i], &"abc"[i], 1);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_wait_counts_entries_and_may_name_one_twice(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    struct mp_future *twice[] = {future, future};
    assert_int_equal(mp_wait(twice, 2, MP_ALL, SUPPORT_LONG_MS), 2);
    assert_int_equal(mp_wait(twice, 2, MP_ANY, 0), 2);
    support_expect(future, "x", 1);
    mp_executor_free(executor);
}

/* The task begins, and only then the caller looks: a timeout of 0 sees what is ready. */
static void test_a_timeout_of_zero_looks(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    while (mp_future_state(future) != MP_DONE) {
        assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
        (void)mp_wait(&future, 1, MP_ALL, 0);
    }
    support_expect(future, "x", 1);
    mp_executor_free(executor);
}

static void test_one_wait_serves_several_executors(void **state)
{
    (void)state;
    enum { JOBS = 30 };
    struct mp_executor *executors[] = {
        support_executor(1, 1, NULL), support_executor(2, 3, NULL),
        create(&(struct mp_executor_options){.kind = MP_SEQUENTIAL})};
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executors[i % 3], support_task_echo, &i, sizeof i);
    assert_true(mp_wait(futures, JOBS, MP_ANY, SUPPORT_LONG_MS) >= 1);
    assert_int_equal(mp_wait(futures, JOBS, MP_ALL, SUPPORT_LONG_MS), JOBS);
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &i, sizeof i);
    for (int i = 0; i < 3; i++)
        mp_executor_free(executors[i]);
}

static void test_a_wait_on_several_executors_ends_in_time(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executors[] = {support_executor(1, 0, gate), support_executor(1, 0, gate)};
    struct mp_future *futures[2];
    for (int i = 0; i < 2; i++)
        futures[i] = support_submit(executors[i], support_task_gated, "x", 1);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_wait(futures, 2, MP_ANY, 70), 0);
    assert_true(support_now_ms() - begin >= 69);
    support_raise(&gate->gate);
    for (int i = 0; i < 2; i++) {
        support_expect(futures[i], "x", 1);
        mp_executor_free(executors[i]);
    }
    support_unshare(gate, sizeof *gate);
}

/* An event loop: nothing waits but poll(). */
static void test_an_event_loop_can_drive_the_executor(void **state)
{
    (void)state;
    enum { JOBS = 200 };
    struct mp_executor *executor = support_executor(2, 2, NULL);
    struct mp_future *futures[JOBS];
    int submitted = 0, settled = 0;
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    while (settled < JOBS) {
        struct mp_submit_options nowait = {.nowait = true};
        while (submitted < JOBS && submitted - settled < 20) {
            assert_int_equal(mp_executor_submit(executor, support_task_echo, &submitted,
                                                sizeof submitted, &nowait, &futures[submitted]),
                             0);
            submitted++;
        }
        assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
        assert_int_equal(mp_executor_pump(executor, 0), 0);
        for (settled = 0; settled < submitted && mp_future_state(futures[settled]) == MP_DONE;)
            settled++;
    }
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
}

/* Once the first job is settled, the second one is sent, which fails, and nothing else happens. */
static void test_an_event_loop_is_told_of_what_cannot_be_sent(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *first = support_submit(executor, support_task_echo, "x", 1), *bad;
    int fd = number_file(1);
    struct mp_submit_options options = {.fds = &fd, .fd_count = 1};
    assert_int_equal(mp_executor_submit(executor, task_read_fds, NULL, 0, &options, &bad), 0);
    close(fd); /* against the contract */
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    while (mp_future_state(bad) != MP_FAILED) {
        assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
        assert_int_equal(mp_executor_pump(executor, 0), 0);
    }
    support_expect(first, "x", 1);
    support_expect_fault(bad, -EBADF);
    mp_future_free(bad);
    mp_executor_free(executor);
}

static void test_waits_are_ended_by_a_handler(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor_options options = {.workers = 1, .max_pending = 1, .ctx = gate};
    struct mp_executor *executor = create(&options), *other = support_executor(1, 0, gate);
    struct mp_future *futures[2] = {support_submit(executor, support_task_gated, "x", 1),
                                    support_submit(other, support_task_gated, "y", 1)};
    struct mp_future *more = NULL;
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(mp_future_result(futures[0], MP_FOREVER, &data, &size), -EINTR);
    assert_int_equal(mp_wait(futures, 1, MP_ALL, MP_FOREVER), -EINTR);
    assert_int_equal(mp_wait(futures, 2, MP_ALL, MP_FOREVER), -EINTR);
    int pumped;
    while ((pumped = mp_executor_pump(executor, MP_FOREVER)) == 0)
        ; /* something else happened */
    assert_int_equal(pumped, -EINTR);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, NULL, &more), -EINTR);
    assert_null(more);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), -EINTR);
    support_alarm_end();
    support_raise(&gate->gate);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    support_expect(futures[0], "x", 1);
    support_expect(futures[1], "y", 1);
    mp_executor_free(executor);
    mp_executor_free(other);
    support_unshare(gate, sizeof *gate);
}

/* ---- Room ----------------------------------------------------------------------------------- */

static void test_submit_is_bounded(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor_options options = {.workers = 2, .max_pending = 5, .ctx = gate};
    struct mp_executor *executor = create(&options);
    struct mp_submit_options nowait = {.nowait = true};
    struct mp_future *futures[6];
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            mp_executor_submit(executor, support_task_gated, &i, sizeof i, &nowait, &futures[i]),
            0);
    int five = 5;
    assert_int_equal(
        mp_executor_submit(executor, support_task_gated, &five, sizeof five, &nowait, &futures[5]),
        -EAGAIN);
    support_raise(&gate->gate);
    futures[5] = support_submit(executor, support_task_gated, &five, sizeof five); /* waits */
    int settled = 0;
    for (int i = 0; i < 5; i++)
        settled += mp_future_state(futures[i]) == MP_DONE;
    assert_true(settled >= 1);
    for (int i = 0; i < 6; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_blocked_jobs_start_no_further_workers(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 3, gate);
    struct mp_future *futures[30];
    for (int i = 0; i < 30; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&gate->begun, 2));
    assert_int_equal(mp_wait(futures, 30, MP_ANY, 20), 0);
    assert_int_equal(gate->begun.value, 2); /* one each, whatever was sent ahead */
    assert_int_equal(stats_of(executor).workers_started, 2);
    support_raise(&gate->gate);
    for (int i = 0; i < 30; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* ---- A long job traps none ------------------------------------------------------------------ */

static void expect_long_job_traps_none(bool event_loop)
{
    enum { JOBS = 8 };
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 3, gate);
    struct mp_future *futures[JOBS];
    futures[0] = support_submit(executor, support_task_gated, "long", 4);
    for (int i = 1; i < JOBS; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    for (int i = 1; i < JOBS; i++)
        while (event_loop && mp_future_state(futures[i]) != MP_DONE) {
            assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
            assert_int_equal(mp_executor_pump(executor, 0), 0);
        }
    for (int i = 1; i < JOBS; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(mp_future_state(futures[0]), MP_RUNNING);
    support_raise(&gate->gate);
    support_expect(futures[0], "long", 4);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_a_long_job_does_not_trap_those_sent_ahead_behind_it(void **state)
{
    (void)state;
    expect_long_job_traps_none(false);
}

static void test_a_long_job_traps_none_in_an_event_loop(void **state)
{
    (void)state;
    expect_long_job_traps_none(true);
}

/* The newest job behind the long one has gone in part. */
static void test_a_long_job_does_not_trap_one_that_is_half_sent(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 2, gate);
    struct mp_future *longest[2], *small[2], *big[2];
    for (int i = 0; i < 2; i++)
        longest[i] =
            support_submit(executor, i == 0 ? support_task_gated : support_task_echo, "long", 4);
    for (int i = 0; i < 2; i++)
        small[i] = support_submit(executor, support_task_echo, "small", 5);
    for (int i = 0; i < 2; i++)
        big[i] = support_submit(executor, support_task_echo, bytes, BIG);
    support_expect(small[0], "small", 5);
    support_expect(small[1], "small", 5);
    support_expect(longest[1], "long", 4);
    support_expect(big[0], bytes, BIG);
    support_expect(big[1], bytes, BIG);
    assert_int_equal(mp_future_state(longest[0]), MP_RUNNING);
    support_raise(&gate->gate);
    support_expect(longest[0], "long", 4);
    support_expect(support_submit(executor, support_task_echo, bytes, BIG), bytes, BIG);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
    free(bytes);
}

/* The worker is idle because its only job was cancelled, and nothing else happens. */
static void test_a_cancelled_job_leaves_no_worker_idle(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 1, gate);
    struct mp_future *first[2];
    for (int i = 0; i < 2; i++) /* both have greeted */
        first[i] = support_submit(executor, support_task_echo, "x", 1);
    pid_t pids[2];
    if (support_children(pids, 2) != 2)
        skip(); /* this kernel does not list children */
    support_expect(first[0], "x", 1);
    support_expect(first[1], "x", 1);
    for (int i = 0; i < 2; i++) /* nothing begins before it shall */
        assert_int_equal(kill(pids[i], SIGSTOP), 0);
    struct mp_future *longest = support_submit(executor, support_task_gated, "long", 4);
    struct mp_future *cancelled = support_submit(executor, support_task_echo, "never", 5);
    struct mp_future *behind = support_submit(executor, support_task_echo, "behind", 6);
    assert_int_equal(mp_future_cancel(cancelled), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(kill(pids[i], SIGCONT), 0);
    assert_true(support_await(&gate->begun, 1));
    support_expect(behind, "behind", 6);
    assert_int_equal(mp_future_state(longest), MP_RUNNING);
    support_raise(&gate->gate);
    support_expect(longest, "long", 4);
    mp_future_free(cancelled);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* ---- Cancel --------------------------------------------------------------------------------- */

static void test_cancelled_jobs_never_run(void **state)
{
    (void)state;
    enum { JOBS = 12 }; /* one runs, three are sent ahead, the others are pending */
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 3, gate);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&gate->begun, 1));
    assert_int_equal(mp_future_state(futures[3]), MP_RUNNING); /* with a worker, not begun */
    assert_int_equal(mp_future_state(futures[4]), MP_PENDING);
    assert_int_equal(mp_future_cancel(futures[0]), -EBUSY);
    for (int i = 1; i < JOBS; i += 2)
        assert_int_equal(mp_future_cancel(futures[i]), 0);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(futures, JOBS, MP_ALL, SUPPORT_LONG_MS), JOBS);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    assert_int_equal(gate->begun.value, JOBS / 2);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(mp_future_state(futures[i]), i % 2 ? MP_CANCELLED : MP_DONE);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* It has not begun, though some of its argument is with the worker already. */
static void test_a_half_sent_job_can_be_cancelled(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, MP_PREFETCH_MAX, gate);
    struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&gate->begun, 1));
    struct mp_future *big = support_submit(executor, support_task_gated, bytes, BIG);
    struct mp_future *after[MP_PREFETCH_MAX];
    assert_int_equal(mp_executor_pump(executor, 0), 0);
    assert_int_equal(mp_future_cancel(big), 0);
    mp_future_free(big);
    for (int i = 0; i < MP_PREFETCH_MAX; i++) /* its slot is free, its frame is there still */
        after[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    assert_int_equal(mp_executor_pump(executor, 0), 0);
    support_raise(&gate->gate);
    for (int i = 0; i < MP_PREFETCH_MAX; i++)
        support_expect(after[i], &i, sizeof i);
    support_expect(running, "x", 1);
    assert_int_equal(gate->begun.value, 1);
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
    free(bytes);
}

/* Cancels jobs while they are about to begin: each either runs or is cancelled, never both. */
static void test_cancel_races_with_the_beginning(void **state)
{
    (void)state;
    enum { JOBS = 3000 };
    struct support_flag *counter = support_share(sizeof *counter);
    struct mp_executor *executor = support_executor(2, 4, counter);
    uint32_t cancelled = 0, done = 0;
    for (int i = 0; i < JOBS; i += 10) {
        struct mp_future *futures[10];
        for (int k = 0; k < 10; k++)
            futures[k] = support_submit(executor, task_number, NULL, 0);
        (void)mp_wait(futures, 10, MP_ANY, i % 3 ? 0 : SUPPORT_LONG_MS);
        for (int k = 9; k >= 0; k--)
            (void)mp_future_cancel(futures[k]);
        assert_int_equal(mp_wait(futures, 10, MP_ALL, SUPPORT_LONG_MS), 10);
        for (int k = 0; k < 10; k++) {
            cancelled += mp_future_state(futures[k]) == MP_CANCELLED;
            done += mp_future_state(futures[k]) == MP_DONE;
            mp_future_free(futures[k]);
        }
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    assert_int_equal(done + cancelled, JOBS);
    assert_int_equal(counter->value, done);
    assert_true(cancelled > 0);
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
    support_unshare(counter, sizeof *counter);
}

/* ---- Shutdown ------------------------------------------------------------------------------- */

static void test_shutdown_finishes_all(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(2, 1, NULL);
    struct mp_future *futures[50], *late = NULL;
    for (int i = 0; i < 50; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    assert_false(support_has_child());
    for (int i = 0; i < 50; i++) {
        assert_int_equal(mp_future_state(futures[i]), MP_DONE);
        support_expect(futures[i], &i, sizeof i);
    }
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, NULL, &late),
                     -ESHUTDOWN);
    assert_null(late);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 0), 0); /* again */
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
}

static void test_shutdown_with_cancel_finishes_what_runs(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 3, gate);
    struct mp_future *futures[20];
    for (int i = 0; i < 20; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&gate->begun, 2));
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, 10), -ETIMEDOUT);
    support_raise(&gate->gate);
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, MP_FOREVER), 0);
    assert_int_equal(gate->begun.value, 2);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(mp_future_state(futures[i]), i < 2 ? MP_DONE : MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_shutdown_with_kill_kills_what_runs(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(2, 3, gate);
    struct mp_future *futures[20];
    for (int i = 0; i < 20; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&gate->begun, 2));
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 10), -ETIMEDOUT);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, MP_FOREVER), 0); /* harder */
    assert_false(support_has_child());
    assert_int_equal(gate->begun.value, 2);
    for (int i = 0; i < 20; i++) {
        if (i < 2)
            support_expect_fault(futures[i], MP_EKILLED);
        assert_int_equal(mp_future_state(futures[i]), i < 2 ? MP_FAILED : MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static int task_big_result(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    void *room = mp_task_reserve(task, BIG);
    if (!room)
        return -1;
    memset(room, 5, BIG);
    return 0;
}

/* The result is half in the pipe when the worker is killed: not a crash of the task's. */
static void test_shutdown_with_kill_amid_a_result(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, task_big_result, NULL, 0);
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    /* The greeting comes first; it is taken and the next bytes are the result's. */
    assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
    assert_int_equal(mp_executor_pump(executor, 0), 0);
    assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, MP_FOREVER), 0);
    support_expect_fault(future, MP_EKILLED);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void hook_stop_blocks(void *ctx, int worker)
{
    (void)worker;
    support_await(&((struct support_gate *)ctx)->gate, 1);
}

static void test_shutdown_of_a_worker_that_does_not_leave(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor_options options = {.workers = 2, .stop = hook_stop_blocks, .ctx = gate};
    struct mp_executor *executor = create(&options);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 0), -ETIMEDOUT);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 30), -ETIMEDOUT);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, MP_FOREVER), 0);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

/* A child that the program forks by itself has copies of all channels. */
static void test_workers_leave_though_a_child_has_the_channels(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(2, 0, NULL);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(support_collect(child), -SIGKILL);
    assert_int_equal(stats_of(executor).workers_lost, 0);
    mp_executor_free(executor);
}

static void test_free_settles_all_and_futures_outlive_it(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 1, gate);
    struct mp_future *done = support_submit(executor, support_task_echo, "early", 5);
    assert_int_equal(mp_wait(&done, 1, MP_ALL, SUPPORT_LONG_MS), 1);
    struct mp_future *futures[5];
    for (int i = 0; i < 5; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&gate->begun, 1));
    mp_executor_free(executor);
    assert_false(support_has_child());
    support_expect(done, "early", 5);
    support_expect_fault(futures[0], MP_EKILLED);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mp_future_state(futures[i]), i == 0 ? MP_FAILED : MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    support_unshare(gate, sizeof *gate);
}

static void test_futures_let_go_are_run_all_the_same(void **state)
{
    (void)state;
    struct support_flag *counter = support_share(sizeof *counter);
    struct mp_executor *executor = support_executor(2, 2, counter);
    for (int i = 0; i < 200; i++)
        mp_future_free(support_submit(executor, task_number, NULL, 0));
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    assert_int_equal(counter->value, 200);
    mp_executor_free(executor);
    support_unshare(counter, sizeof *counter);
}

/* Workers that leave when asked are not lost, however the moments of their leaving fall. */
static void test_workers_that_leave_are_not_lost(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct mp_executor *executor = support_executor(3, 0, NULL);
        if (i % 2)
            support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
        assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
        assert_int_equal(stats_of(executor).workers_lost, 0);
        assert_int_equal(stats_of(executor).workers_started, 3);
        mp_executor_free(executor);
    }
}

/* ---- Hooks ---------------------------------------------------------------------------------- */

struct hooks {
    struct support_flag started[3], stopped[3]; /* for each worker */
    struct support_flag attempts;               /* start hooks that began */
    struct support_gate gate;
};

static int hook_start(void *ctx, int worker)
{
    struct hooks *hooks = ctx;
    support_raise(&hooks->started[worker]);
    return 0;
}

static void hook_stop(void *ctx, int worker)
{
    struct hooks *hooks = ctx;
    support_raise(&hooks->stopped[worker]);
}

static int task_worker_or_die(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg;
    struct hooks *hooks = mp_task_ctx(task);
    int worker = mp_task_worker(task);
    if (hooks->started[worker].value == 0)
        return mp_task_fail(task, 1, "a job before the start hook");
    if (arg_size > 0)
        raise(SIGKILL);
    return mp_task_return(task, &worker, sizeof worker);
}

static void test_hooks_run_in_every_worker_and_in_replacements(void **state)
{
    (void)state;
    struct hooks *hooks = support_share(sizeof *hooks);
    struct mp_executor_options options = {
        .workers = 3, .start = hook_start, .stop = hook_stop, .ctx = hooks};
    struct mp_executor *executor = create(&options);
    struct mp_future *fatal = support_submit(executor, task_worker_or_die, "die", 3);
    int dead = support_expect_fault(fatal, MP_ECRASH)->worker;
    mp_future_free(fatal);
    struct mp_future *futures[30];
    for (int i = 0; i < 30; i++)
        futures[i] = support_submit(executor, task_worker_or_die, NULL, 0);
    for (int i = 0; i < 30; i++) {
        const void *result;
        assert_int_equal(support_result(futures[i], &result, &size), 0);
        assert_int_equal(*(const int *)result, mp_future_worker(futures[i]));
        mp_future_free(futures[i]);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hooks->started[i].value, i == dead ? 2 : 1);
        assert_int_equal(hooks->stopped[i].value, 1);
    }
    assert_int_equal(stats_of(executor).workers_started, 4);
    assert_int_equal(stats_of(executor).workers_lost, 1);
    mp_executor_free(executor);
    support_unshare(hooks, sizeof *hooks);
}

static int hook_returns_error(void *ctx, int worker)
{
    (void)worker;
    support_raise(&((struct hooks *)ctx)->attempts);
    return 1;
}

static int hook_aborts(void *ctx, int worker)
{
    (void)worker;
    support_raise(&((struct hooks *)ctx)->attempts);
    abort();
}

static int hook_exits(void *ctx, int worker)
{
    (void)worker;
    support_raise(&((struct hooks *)ctx)->attempts);
    _exit(0);
}

/* As a hook may that means to tidy up. */
static int hook_closes_all(void *ctx, int worker)
{
    (void)worker;
    support_raise(&((struct hooks *)ctx)->attempts);
    close_range(3, ~0u, 0);
    return 0;
}

static int hook_closes_all_and_stays(void *ctx, int worker)
{
    hook_closes_all(ctx, worker);
    support_await(&((struct hooks *)ctx)->gate.gate, 1);
    return 0;
}

static void expect_broken_by(int (*hook)(void *, int))
{
    struct hooks *hooks = support_share(sizeof *hooks);
    struct mp_executor_options options = {.workers = 2, .start = hook, .ctx = hooks};
    struct mp_executor *executor = create(&options);
    struct mp_future *futures[10], *late = NULL;
    for (int i = 0; i < 10; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    for (int i = 0; i < 10; i++)
        support_expect_fault(futures[i], MP_EBROKEN);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, NULL, &late),
                     MP_EBROKEN);
    assert_null(late);
    assert_true(hooks->attempts.value <= 12); /* a few times, not for ever */
    for (int i = 0; i < 10; i++)
        mp_future_free(futures[i]);
    mp_executor_free(executor);
    support_unshare(hooks, sizeof *hooks);
}

static void test_a_failing_start_hook_breaks_the_executor(void **state)
{
    (void)state;
    expect_broken_by(hook_returns_error);
}

static void test_a_crashing_start_hook_breaks_the_executor(void **state)
{
    (void)state;
    expect_broken_by(hook_aborts);
    expect_broken_by(hook_exits);
}

static void test_a_start_hook_that_closes_its_channels_breaks_the_executor(void **state)
{
    (void)state;
    expect_broken_by(hook_closes_all);
    expect_broken_by(hook_closes_all_and_stays);
}

static int hook_killed_often(void *ctx, int worker)
{
    (void)worker;
    if (support_raise(&((struct hooks *)ctx)->attempts) <= 40)
        raise(SIGKILL); /* as from outside: nothing tells them apart */
    return 0;
}

static void test_kills_from_outside_never_break_the_executor(void **state)
{
    (void)state;
    struct hooks *hooks = support_share(sizeof *hooks);
    struct mp_executor_options options = {.workers = 2, .start = hook_killed_often, .ctx = hooks};
    struct mp_executor *executor = create(&options);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_true(stats_of(executor).workers_lost >= 39);
    mp_executor_free(executor);
    support_unshare(hooks, sizeof *hooks);
}

/* A hook that fails now and then, never five times in a row. */
static int hook_fails_at_times(void *ctx, int worker)
{
    struct hooks *hooks = ctx;
    support_raise(&hooks->started[worker]);
    return support_raise(&hooks->attempts) % 3 != 0;
}

static void test_start_hooks_that_fail_at_times_do_not_break_it(void **state)
{
    (void)state;
    struct hooks *hooks = support_share(sizeof *hooks);
    struct mp_executor_options options = {.workers = 1, .start = hook_fails_at_times, .ctx = hooks};
    struct mp_executor *executor = create(&options);
    for (int i = 0; i < 6; i++) {
        struct mp_future *fatal = support_submit(executor, task_worker_or_die, "die", 3);
        support_expect_fault(fatal, MP_ECRASH);
        mp_future_free(fatal);
        support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    }
    mp_executor_free(executor);
    support_unshare(hooks, sizeof *hooks);
}

/* ---- What a worker is ----------------------------------------------------------------------- */

struct worker_view {
    char name[16];        /* of the process */
    bool input_is_empty;  /* standard input is at its end */
    bool interrupt_harms; /* the interrupt key ends it */
    int shared_mappings;  /* shared memory that it sees */
};

static int task_view(struct mp_task *task, const void *arg, size_t arg_size)
{
    (void)arg, (void)arg_size;
    struct worker_view view = {0};
    struct sigaction action;
    char byte, line[512];
    prctl(PR_GET_NAME, view.name);
    view.input_is_empty = read(STDIN_FILENO, &byte, 1) == 0;
    sigaction(SIGINT, NULL, &action);
    view.interrupt_harms = action.sa_handler == SIG_DFL;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        view.shared_mappings += strstr(line, "/dev/zero (deleted)") != NULL;
    if (maps)
        fclose(maps);
    return mp_task_return(task, &view, sizeof view);
}

static void test_a_worker_is_set_up_for_its_work(void **state)
{
    (void)state;
    struct mp_executor_options options = {.workers = 3, .name = "mproc-test"};
    struct mp_executor *executor = create(&options);
    struct mp_future *futures[12];
    for (int i = 0; i < 12; i++)
        futures[i] = support_submit(executor, task_view, NULL, 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(support_result(futures[i], &data, &size), 0);
        struct worker_view view;
        assert_int_equal(size, sizeof view);
        memcpy(&view, data, sizeof view);
        assert_string_equal(view.name, "mproc-test");
        assert_true(view.input_is_empty);
        assert_false(view.interrupt_harms);
        assert_int_equal(view.shared_mappings, 1); /* its own page, none of its siblings' */
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
}

/* The options are the caller's again as soon as the executor is made. */
static void test_replacements_have_the_name_too(void **state)
{
    (void)state;
    struct hooks *hooks = support_share(sizeof *hooks);
    char *name = strdup("mproc-test");
    struct mp_executor_options options = {
        .workers = 1, .name = name, .start = hook_start, .ctx = hooks};
    struct mp_executor *executor = create(&options);
    memset(name, 'x', strlen(name));
    free(name);
    struct mp_future *fatal = support_submit(executor, task_worker_or_die, "die", 3);
    support_expect_fault(fatal, MP_ECRASH);
    mp_future_free(fatal);
    struct mp_future *future = support_submit(executor, task_view, NULL, 0);
    assert_int_equal(support_result(future, &data, &size), 0);
    assert_string_equal(((const struct worker_view *)data)->name, "mproc-test");
    mp_future_free(future);
    mp_executor_free(executor);
    support_unshare(hooks, sizeof *hooks);
}

/* A program may have been started with its standard descriptors closed. Their numbers must not
 * become a worker's channels, which it would print into. */
static int task_print(struct mp_task *task, const void *arg, size_t arg_size)
{
    printf("from a task\n");
    fprintf(stderr, "from a task\n");
    fflush(stdout);
    fputs("a task.\n", stderr); /* what an eventfd would take for a number */
    return mp_task_return(task, arg, arg_size);
}

static int child_without_stdio(void *arg)
{
    (void)arg;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    struct mp_executor *executor;
    if (mp_executor_create(&(struct mp_executor_options){.workers = 2}, &executor) != 0)
        return 1;
    int wrong = 0;
    for (int i = 0; i < 10; i++) {
        struct mp_future *future;
        if (mp_executor_submit(executor, task_print, "x", 1, NULL, &future) != 0)
            return 2;
        const void *result;
        size_t result_size;
        wrong += mp_future_result(future, 5000, &result, &result_size) != 0;
        mp_future_free(future);
    }
    wrong += stats_of(executor).workers_lost != 0;
    mp_executor_free(executor);
    return wrong;
}

static void test_closed_standard_descriptors_do_no_harm(void **state)
{
    (void)state;
    struct mp_process *child;
    assert_int_equal(mp_process_start(child_without_stdio, NULL, NULL, &child), 0);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_process_exit_code(child), 0);
    assert_int_equal(mp_process_close(child), 0);
}

static void *thread_wait(void *arg)
{
    support_await(arg, 1);
    return NULL;
}

static void test_an_executor_is_refused_once_threads_run(void **state)
{
    (void)state;
    struct support_flag *flag = support_share(sizeof *flag);
    struct mp_executor *executor = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_wait, flag), 0);
    assert_int_equal(mp_executor_create(NULL, &executor), MP_ETHREADS);
    assert_null(executor);
    struct mp_executor_options options = {.kind = MP_SEQUENTIAL};
    assert_int_equal(mp_executor_create(&options, &executor), 0); /* which forks nothing */
    mp_executor_free(executor);
    support_raise(flag);
    pthread_join(thread, NULL);
    support_unshare(flag, sizeof *flag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_jobs_run_in_other_processes),
        SUPPORT_TEST(test_each_future_has_the_result_of_its_own_job),
        SUPPORT_TEST(test_one_worker_runs_jobs_in_the_order_of_submits),
        SUPPORT_TEST(test_an_empty_result_arrives),
        SUPPORT_TEST(test_big_arguments_and_results_cross),
        SUPPORT_TEST(test_a_result_too_large_is_the_tasks_to_handle),
        SUPPORT_TEST(test_the_text_of_a_failure_arrives_whole),
        SUPPORT_TEST(test_arguments_beyond_the_limits_are_refused),
        SUPPORT_TEST(test_options_are_checked),
        SUPPORT_TEST(test_the_largest_options_mean_no_limit),
        SUPPORT_TEST(test_default_options_work),
        SUPPORT_TEST(test_a_task_may_have_an_executor_of_its_own),
        SUPPORT_TEST(test_descriptors_reach_their_own_job_in_order),
        SUPPORT_TEST(test_the_most_descriptors_with_a_big_argument),
        SUPPORT_TEST(test_a_worker_has_its_own_descriptors_only),
        SUPPORT_TEST(test_a_descriptor_that_is_not_open_is_refused),
        SUPPORT_TEST(test_a_descriptor_closed_too_early_fails_its_own_job),
        SUPPORT_TEST(test_wait_any_and_all_and_until_the_time_is_up),
        SUPPORT_TEST(test_wait_counts_entries_and_may_name_one_twice),
        SUPPORT_TEST(test_a_timeout_of_zero_looks),
        SUPPORT_TEST(test_one_wait_serves_several_executors),
        SUPPORT_TEST(test_a_wait_on_several_executors_ends_in_time),
        SUPPORT_TEST(test_an_event_loop_can_drive_the_executor),
        SUPPORT_TEST(test_an_event_loop_is_told_of_what_cannot_be_sent),
        SUPPORT_TEST(test_waits_are_ended_by_a_handler),
        SUPPORT_TEST(test_submit_is_bounded),
        SUPPORT_TEST(test_blocked_jobs_start_no_further_workers),
        SUPPORT_TEST(test_a_long_job_does_not_trap_those_sent_ahead_behind_it),
        SUPPORT_TEST(test_a_long_job_traps_none_in_an_event_loop),
        SUPPORT_TEST(test_a_long_job_does_not_trap_one_that_is_half_sent),
        SUPPORT_TEST(test_a_cancelled_job_leaves_no_worker_idle),
        SUPPORT_TEST(test_cancelled_jobs_never_run),
        SUPPORT_TEST(test_a_half_sent_job_can_be_cancelled),
        SUPPORT_TEST(test_cancel_races_with_the_beginning),
        SUPPORT_TEST(test_shutdown_finishes_all),
        SUPPORT_TEST(test_shutdown_with_cancel_finishes_what_runs),
        SUPPORT_TEST(test_shutdown_with_kill_kills_what_runs),
        SUPPORT_TEST(test_shutdown_with_kill_amid_a_result),
        SUPPORT_TEST(test_shutdown_of_a_worker_that_does_not_leave),
        SUPPORT_TEST(test_workers_leave_though_a_child_has_the_channels),
        SUPPORT_TEST(test_free_settles_all_and_futures_outlive_it),
        SUPPORT_TEST(test_futures_let_go_are_run_all_the_same),
        SUPPORT_TEST(test_workers_that_leave_are_not_lost),
        SUPPORT_TEST(test_hooks_run_in_every_worker_and_in_replacements),
        SUPPORT_TEST(test_a_failing_start_hook_breaks_the_executor),
        SUPPORT_TEST(test_a_crashing_start_hook_breaks_the_executor),
        SUPPORT_TEST(test_a_start_hook_that_closes_its_channels_breaks_the_executor),
        SUPPORT_TEST(test_kills_from_outside_never_break_the_executor),
        SUPPORT_TEST(test_start_hooks_that_fail_at_times_do_not_break_it),
        SUPPORT_TEST(test_a_worker_is_set_up_for_its_work),
        SUPPORT_TEST(test_replacements_have_the_name_too),
        SUPPORT_TEST(test_closed_standard_descriptors_do_no_harm),
        SUPPORT_TEST(test_an_executor_is_refused_once_threads_run),
    };
    return cmocka_run_group_tests_name("mproc/executor", tests, NULL, NULL);
}
