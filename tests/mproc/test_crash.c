/* Workers that die at the worst moments, and workers that lie: one job is lost, and nothing else.
 */
#include "mproc/control.h"
#include "mproc/wire.h"
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BIG = 5 << 20 };

static struct mp_backend_stats stats_of(const struct mp_executor *executor)
{
    struct mp_executor_stats stats;
    mp_executor_stats(executor, &stats);
    return stats.backend;
}

/* What tests and tasks share: the context of every executor here. */
struct scene {
    struct support_gate gate;   /* of support_task_gated(); first */
    struct support_flag echoes; /* raised by each task_echo_counted() that begins */
    _Atomic pid_t pid;          /* of the worker that ran last, or of a grandchild */
};

static struct scene *scene_open(void)
{
    return support_share(sizeof(struct scene));
}

static void scene_close(struct scene *scene)
{
    support_unshare(scene, sizeof *scene);
}

static int task_echo_counted(struct mp_task *task, const void *arg, size_t size)
{
    struct scene *scene = mp_task_ctx(task);
    support_raise(&scene->echoes);
    scene->pid = getpid();
    return mp_task_return(task, arg, size);
}

/* Runs `task` on the only worker, with jobs sent ahead behind it. It must fail with a crash; the
 * others must run once each. Returns a copy of the fault, without its message. */
static struct mp_fault expect_only_this_job_fails(mp_task_fn *task, const char *message)
{
    enum { AHEAD = 7, MORE = 5 };
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, AHEAD, scene);
    struct mp_future *before = support_submit(executor, task_echo_counted, "before", 6);
    struct mp_future *bad = support_submit(executor, task, "bad", 3);
    struct mp_future *others[AHEAD + MORE];
    for (int i = 0; i < AHEAD + MORE; i++)
        others[i] = support_submit(executor, task_echo_counted, &i, sizeof i);
    support_expect(before, "before", 6);
    struct mp_fault fault = *support_expect_fault(bad, MP_ECRASH);
    if (message && !strstr(fault.message, message))
        fail_msg("\"%s\" does not say \"%s\"", fault.message, message);
    for (int i = 0; i < AHEAD + MORE; i++)
        support_expect(others[i], &i, sizeof i);
    assert_int_equal(scene->echoes.value, 1 + AHEAD + MORE);
    assert_int_equal(fault.worker, 0);
    assert_true(fault.pid > 0);
    assert_int_equal(stats_of(executor).workers_lost, 1);
    assert_int_equal(stats_of(executor).workers_started, 2);
    mp_future_free(bad);
    mp_executor_free(executor);
    scene_close(scene);
    fault.message = NULL;
    return fault;
}

/* ---- Deaths --------------------------------------------------------------------------------- */

static int task_segv(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
    raise(SIGSEGV);
    return 0;
}

static int task_abort(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    signal(SIGABRT, SIG_DFL);
    abort();
}

static int task_exit_0(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    mp_task_return(task, "forgotten", 9);
    _exit(0);
}

static int task_exit_1(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    _exit(1);
}

static int task_kill(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    raise(SIGKILL);
    return 0;
}

static void test_executor_blames_only_the_job_that_ran(void **state)
{
    (void)state;
    struct mp_fault fault = expect_only_this_job_fails(task_segv, "SIGSEGV");
    assert_int_equal(fault.status, -SIGSEGV);
    assert_false(fault.lost_result);
}

static void test_an_abort_is_named(void **state)
{
    (void)state;
    assert_int_equal(expect_only_this_job_fails(task_abort, "SIGABRT").status, -SIGABRT);
}

static void test_leaving_is_no_success(void **state)
{
    (void)state;
    assert_int_equal(expect_only_this_job_fails(task_exit_0, "code 0").status, 0);
    assert_int_equal(expect_only_this_job_fails(task_exit_1, "code 1").status, 1);
}

static void test_a_kill_is_named(void **state)
{
    (void)state;
    assert_int_equal(expect_only_this_job_fails(task_kill, "SIGKILL").status, -SIGKILL);
}

static void test_many_crashes_in_a_row_do_not_break_it(void **state)
{
    (void)state;
    enum { JOBS = 60 };
    mp_task_fn *tasks[] = {task_segv, task_abort, task_exit_0, task_exit_1, task_kill};
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(2, 3, scene);
    struct mp_future *bad[JOBS], *good[JOBS];
    for (int i = 0; i < JOBS; i++) {
        bad[i] = support_submit(executor, tasks[i % 5], NULL, 0);
        good[i] = support_submit(executor, task_echo_counted, &i, sizeof i);
    }
    for (int i = 0; i < JOBS; i++) {
        support_expect_fault(bad[i], MP_ECRASH);
        mp_future_free(bad[i]);
        support_expect(good[i], &i, sizeof i);
    }
    assert_int_equal(scene->echoes.value, JOBS);
    assert_int_equal(stats_of(executor).workers_lost, JOBS);
    mp_executor_free(executor);
    scene_close(scene);
}

/* Kills every worker whose number has been left, and itself at last. */
static int task_kill_all(struct mp_task *task, const void *arg, size_t size)
{
    (void)task;
    const pid_t *pids = arg;
    for (size_t i = 0; i < size / sizeof *pids; i++)
        if (pids[i] != getpid())
            kill(pids[i], SIGKILL);
    return raise(SIGKILL);
}

static void test_workers_that_kill_each_other_cost_the_jobs_that_ran(void **state)
{
    (void)state;
    static const int widths[] = {1, 2, 5, 13};
    pid_t pids[13];
    if (support_children(pids, 1) < 0)
        skip(); /* this kernel does not list children */
    for (int i = 0; i < 4; i++) {
        int width = widths[i];
        struct scene *scene = scene_open();
        struct mp_executor *executor = support_executor(width, 1, scene);
        struct mp_future *killers[13], *others[13];
        assert_int_equal(support_children(pids, 13), width);
        for (int k = 0; k < width; k++) {
            killers[k] =
                support_submit(executor, task_kill_all, pids, (size_t)width * sizeof *pids);
            others[k] = support_submit(executor, task_echo_counted, &k, sizeof k);
        }
        int crashed = 0;
        for (int k = 0; k < width; k++) {
            support_expect_fault(killers[k], MP_ECRASH);
            mp_future_free(killers[k]);
        }
        for (int k = 0; k < width; k++) { /* one that ran at that moment is lost, too */
            const void *data;
            size_t size;
            crashed += support_result(others[k], &data, &size) == MP_ECRASH;
            mp_future_free(others[k]);
        }
        assert_true(stats_of(executor).workers_lost >= (uint64_t)(width + crashed));
        support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
        mp_executor_free(executor);
        scene_close(scene);
    }
}

static void test_a_death_while_idle_costs_nothing(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 1, scene);
    for (int i = 0; i < 20; i++) {
        support_expect(support_submit(executor, task_echo_counted, &i, sizeof i), &i, sizeof i);
        assert_int_equal(kill(scene->pid, SIGKILL), 0);
    }
    support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    assert_int_equal(stats_of(executor).workers_lost, 20);
    mp_executor_free(executor);
    scene_close(scene);
}

/* The parent learns of the death only by trying to send. */
static void test_a_death_noticed_while_sending_costs_nothing(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 7, scene);
    support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    assert_int_equal(kill(scene->pid, SIGKILL), 0);
    struct mp_future *futures[20];
    for (int i = 0; i < 20; i++) {
        futures[i] = support_submit(executor, task_echo_counted, &i, sizeof i);
        if (i == 10)
            while (mp_executor_pump(executor, 0) == 0 && stats_of(executor).workers_lost == 0)
                ;
    }
    for (int i = 0; i < 20; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(stats_of(executor).workers_lost, 1);
    mp_executor_free(executor);
    scene_close(scene);
}

static int task_gated_pid(struct mp_task *task, const void *arg, size_t size)
{
    struct scene *scene = mp_task_ctx(task);
    scene->pid = getpid();
    return support_task_gated(task, arg, size);
}

/* The argument that is on its way to it is 5 MB long, and begins to be read by nobody. */
static void test_a_death_amid_an_argument_costs_nothing(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    char *bytes = calloc(1, BIG);
    assert_non_null(bytes);
    struct mp_executor *executor = support_executor(1, 3, scene);
    struct mp_future *running = support_submit(executor, task_gated_pid, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    struct mp_future *big[3];
    for (int i = 0; i < 3; i++)
        big[i] = support_submit(executor, task_echo_counted, bytes, BIG);
    assert_int_equal(kill(scene->pid, SIGKILL), 0);
    support_expect_fault(running, MP_ECRASH);
    mp_future_free(running);
    for (int i = 0; i < 3; i++)
        support_expect(big[i], bytes, BIG);
    assert_int_equal(scene->echoes.value, 3);
    mp_executor_free(executor);
    free(bytes);
    scene_close(scene);
}

static int task_big_result(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    ((struct scene *)mp_task_ctx(task))->pid = getpid();
    void *room = mp_task_reserve(task, BIG);
    if (!room)
        return -1;
    memset(room, 5, BIG);
    return 0;
}

/* Waits until bytes of a result are in the worker's pipe. The greeting has been taken before. */
static void wait_for_result_bytes(struct mp_executor *executor)
{
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
}

static void test_a_death_amid_a_result_loses_it_and_says_so(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    struct mp_future *big = support_submit(executor, task_big_result, NULL, 0);
    struct mp_future *after = support_submit(executor, task_echo_counted, "after", 5);
    wait_for_result_bytes(executor); /* no pipe holds all of them */
    assert_int_equal(kill(scene->pid, SIGKILL), 0);
    const struct mp_fault *fault = support_expect_fault(big, MP_ECRASH);
    assert_true(fault->lost_result);
    assert_int_equal(fault->status, -SIGKILL);
    support_expect(after, "after", 5);
    assert_int_equal(scene->echoes.value, 2);
    mp_future_free(big);
    mp_executor_free(executor);
    scene_close(scene);
}

static void test_a_result_that_was_written_counts_whatever_comes_after(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    for (int i = 0; i < 20; i++) {
        struct mp_future *done = support_submit(executor, task_echo_counted, "done", 4);
        wait_for_result_bytes(executor);
        assert_int_equal(kill(scene->pid, SIGKILL), 0);
        support_expect(done, "done", 4);
        support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    }
    mp_executor_free(executor);
    scene_close(scene);
}

/* The result is in the pipe, the next job has begun. */
static void test_the_result_before_the_job_that_crashed_counts(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    struct mp_future *first = support_submit(executor, task_echo_counted, "first", 5);
    struct mp_future *second = support_submit(executor, task_gated_pid, "second", 6);
    struct mp_future *third = support_submit(executor, task_echo_counted, "third", 5);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(kill(scene->pid, SIGKILL), 0);
    support_expect(first, "first", 5);
    support_expect_fault(second, MP_ECRASH);
    support_expect(third, "third", 5);
    assert_int_equal(scene->echoes.value, 2);
    mp_future_free(second);
    mp_executor_free(executor);
    scene_close(scene);
}

static void test_cancel_and_shutdown_after_an_unnoticed_death(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    struct mp_future *running = support_submit(executor, task_gated_pid, "x", 1);
    struct mp_future *ahead = support_submit(executor, task_echo_counted, "x", 1);
    struct mp_future *last = support_submit(executor, task_echo_counted, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(kill(scene->pid, SIGKILL), 0);
    assert_int_equal(mp_future_cancel(ahead), 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, SUPPORT_LONG_MS), 0);
    support_expect_fault(running, MP_ECRASH);
    assert_int_equal(mp_future_state(last), MP_CANCELLED);
    assert_int_equal(scene->echoes.value, 0);
    mp_future_free(running);
    mp_future_free(ahead);
    mp_future_free(last);
    mp_executor_free(executor);
    scene_close(scene);
}

static void test_shutdown_finishes_the_jobs_of_a_dead_worker(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    struct mp_future *bad = support_submit(executor, task_kill, NULL, 0);
    struct mp_future *good[6];
    for (int i = 0; i < 6; i++)
        good[i] = support_submit(executor, task_echo_counted, &i, sizeof i);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    support_expect_fault(bad, MP_ECRASH);
    mp_future_free(bad);
    for (int i = 0; i < 6; i++)
        support_expect(good[i], &i, sizeof i);
    mp_executor_free(executor);
    scene_close(scene);
}

/* A program that the task has started keeps the result pipe open: no end of file tells of the
 * worker's death. */
static int task_leave_a_grandchild(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct scene *scene = mp_task_ctx(task);
    pid_t pid = fork();
    if (pid == 0) {
        support_await(&scene->gate.gate, 1);
        _exit(7);
    }
    scene->pid = pid;
    raise(SIGKILL);
    return 0;
}

static void test_a_grandchild_hides_no_death(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 2, scene);
    struct mp_future *bad = support_submit(executor, task_leave_a_grandchild, NULL, 0);
    struct mp_future *good = support_submit(executor, support_task_echo, "x", 1);
    support_expect_fault(bad, MP_ECRASH);
    support_expect(good, "x", 1);
    mp_executor_free(executor);
    support_raise(&scene->gate.gate);
    assert_int_equal(support_collect(scene->pid), 7);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    mp_future_free(bad);
    scene_close(scene);
}

/* ---- Lost descriptors ----------------------------------------------------------------------- */

static int hook_few_descriptors(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    struct rlimit few;
    getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = 12;
    return setrlimit(RLIMIT_NOFILE, &few);
}

static int task_count_fds(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    unsigned count = 0;
    while (mp_task_fd(task, count) >= 0 && fcntl(mp_task_fd(task, count), F_GETFD) >= 0)
        count++;
    return mp_task_return(task, &count, sizeof count);
}

static struct mp_future *submit_with_fds(struct mp_executor *executor, int fd, unsigned count)
{
    int fds[64];
    for (unsigned i = 0; i < count; i++)
        fds[i] = fd;
    struct mp_submit_options options = {.fds = fds, .fd_count = count};
    struct mp_future *future = NULL;
    assert_int_equal(mp_executor_submit(executor, task_count_fds, NULL, 0, &options, &future), 0);
    return future;
}

static void test_a_job_whose_descriptors_no_worker_can_take_fails(void **state)
{
    (void)state;
    const char *preload = getenv("LD_PRELOAD");
    if (preload && strstr(preload, "vgpreload"))
        skip(); /* valgrind keeps the limit for itself: the kernel knows of none */
    struct mp_executor_options options = {
        .workers = 1, .prefetch = 3, .start = hook_few_descriptors};
    struct mp_executor *executor;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(mp_executor_create(&options, &executor), 0);
    struct mp_future *good = submit_with_fds(executor, null, 3);
    struct mp_future *greedy = submit_with_fds(executor, null, 30);
    struct mp_future *plain = support_submit(executor, support_task_echo, "x", 1);
    support_expect(good, &(unsigned){3}, sizeof(unsigned));
    support_expect_fault(greedy, -EMFILE);
    support_expect(plain, "x", 1);
    support_expect(submit_with_fds(executor, null, 3), &(unsigned){3}, sizeof(unsigned));
    assert_true(stats_of(executor).workers_lost <= 6); /* not for ever */
    mp_future_free(greedy);
    mp_executor_free(executor);
    close(null);
}

/* Together they are more than a worker can hold, one by one they are not. */
static void test_jobs_sent_ahead_do_not_share_the_limit_of_descriptors(void **state)
{
    (void)state;
    struct mp_executor_options options = {
        .workers = 1, .prefetch = 7, .start = hook_few_descriptors};
    struct mp_executor *executor;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(mp_executor_create(&options, &executor), 0);
    struct mp_future *futures[24];
    for (int i = 0; i < 24; i++)
        futures[i] = submit_with_fds(executor, null, 5);
    for (int i = 0; i < 24; i++)
        support_expect(futures[i], &(unsigned){5}, sizeof(unsigned));
    mp_executor_free(executor);
    close(null);
}

/* ---- Workers that lie ----------------------------------------------------------------------- */

static void write_all(int fd, const void *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(99);
        bytes = (const char *)bytes + n;
        size -= (size_t)n;
    }
}

/* The parent must end a worker that writes nonsense: it would stay for ever by itself. */
static int stay(struct mp_task *task)
{
    (void)task;
    while (pause() != 0)
        ;
    return 0;
}

static int task_write_garbage(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    char garbage[300];
    memset(garbage, 0xa3, sizeof garbage);
    write_all(support_result_fd(task), garbage, sizeof garbage);
    return stay(task);
}

static int task_write_a_torn_frame(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    write_all(support_result_fd(task), "\xa3\xf7pm", 4);
    _exit(0);
}

/* Writes a whole frame, as a worker does. */
static void write_frame(int fd, const struct wire_header *header, const char *payload)
{
    write_all(fd, header, sizeof *header);
    if (header->size > 0)
        write_all(fd, payload, (size_t)header->size);
    if (wire_padding(header->size) > 0)
        write_all(fd, wire_zeroes, wire_padding(header->size));
}

static int write_header(struct mp_task *task, struct wire_header header)
{
    header.magic = WIRE_MAGIC;
    write_all(support_result_fd(task), &header, sizeof header);
    return stay(task);
}

static int task_wrong_seq(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_RESULT, .seq = 1000000});
}

static int task_wrong_slot(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_RESULT, .seq = 2, .slot = 15});
}

static int task_no_such_slot(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_RESULT, .slot = 1u << 31});
}

static int task_giant_length(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_RESULT, .size = UINT64_MAX - 40});
}

static int task_too_long(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(
        task, (struct wire_header){.kind = WIRE_RESULT, .size = MP_RESULT_MAX + (1 << 20)});
}

static int task_descriptors_up(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_RESULT, .seq = 2, .fd_count = 1});
}

static int task_job_up(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_JOB, .seq = 2, .slot = 1});
}

static int task_second_greeting(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return write_header(task, (struct wire_header){.kind = WIRE_HELLO});
}

static int task_flood_of_greetings(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct wire_header hello[100];
    memset(hello, 0, sizeof hello);
    for (int i = 0; i < 100; i++)
        hello[i] = (struct wire_header){.magic = WIRE_MAGIC, .kind = WIRE_HELLO};
    int fd = support_result_fd(task);
    while (fd >= 0)
        write_all(fd, hello, sizeof hello);
    return 0;
}

/* Half a frame that never ends, from a worker that leaves. */
static int task_frame_cut_short(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct wire_header header = {
        .magic = WIRE_MAGIC, .kind = WIRE_RESULT, .seq = 2, .size = MP_RESULT_MAX};
    write_all(support_result_fd(task), &header, sizeof header);
    write_all(support_result_fd(task), "some of it", 10);
    _exit(3);
}

static int task_close_results(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    close(support_result_fd(task));
    return stay(task);
}

static int task_close_both(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    int result_fd = support_result_fd(task), job_fd = support_job_fd(task);
    close(job_fd);
    close(result_fd);
    return stay(task);
}

static int task_close_results_and_return(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    close(support_result_fd(task));
    return 0;
}

static void test_a_worker_that_breaks_the_protocol_is_ended(void **state)
{
    (void)state;
    mp_task_fn *const liars[] = {task_write_garbage,  task_wrong_seq,    task_wrong_slot,
                                 task_no_such_slot,   task_giant_length, task_too_long,
                                 task_descriptors_up, task_job_up,       task_second_greeting,
                                 task_close_results,  task_close_both};
    for (size_t i = 0; i < sizeof liars / sizeof *liars; i++)
        assert_int_equal(expect_only_this_job_fails(liars[i], "SIGKILL").status, -SIGKILL);
    /* Killed, or ended by SIGPIPE when the parent has closed its end. */
    assert_true(expect_only_this_job_fails(task_flood_of_greetings, NULL).status < 0);
}

static void test_a_worker_that_leaves_amid_a_frame_loses_one_job(void **state)
{
    (void)state;
    assert_int_equal(expect_only_this_job_fails(task_write_a_torn_frame, "code 0").status, 0);
    assert_int_equal(expect_only_this_job_fails(task_frame_cut_short, "code 3").status, 3);
}

static void test_a_result_that_cannot_be_sent_is_lost(void **state)
{
    (void)state;
    assert_true(expect_only_this_job_fails(task_close_results_and_return, NULL).lost_result);
}

static int task_close_jobs(struct mp_task *task, const void *arg, size_t size)
{
    close(support_job_fd(task));
    return mp_task_return(task, arg, size);
}

static void test_a_worker_that_closes_its_job_channel_keeps_its_result(void **state)
{
    (void)state;
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    struct mp_future *closing = support_submit(executor, task_close_jobs, "kept", 4);
    struct mp_future *others[20];
    for (int i = 0; i < 20; i++)
        others[i] = support_submit(executor, task_echo_counted, &i, sizeof i);
    support_expect(closing, "kept", 4);
    for (int i = 0; i < 20; i++)
        support_expect(others[i], &i, sizeof i);
    assert_int_equal(scene->echoes.value, 20);
    mp_executor_free(executor);
    scene_close(scene);
}

/* A result for the job that runs still: the second of a fresh executor, in its second slot. */
static int task_early_result(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct wire_header forged = {
        .magic = WIRE_MAGIC, .kind = WIRE_RESULT, .seq = 2, .size = 6, .slot = 1};
    write_frame(support_result_fd(task), &forged, "forged");
    return stay(task); /* forging it in the moment of returning would be no harm */
}

static int task_early_failure(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct wire_header forged = {
        .magic = WIRE_MAGIC, .kind = WIRE_FAILURE, .seq = 2, .slot = 1, .code = 12345};
    write_all(support_result_fd(task), &forged, sizeof forged);
    return stay(task);
}

static void test_a_result_before_the_job_has_ended_is_a_breach(void **state)
{
    (void)state;
    expect_only_this_job_fails(task_early_result, "SIGKILL");
    expect_only_this_job_fails(task_early_failure, "SIGKILL");
}

/* A grandchild repeats the frame of its job once the parent has taken the true one. */
static int task_repeated_result(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct scene *scene = mp_task_ctx(task);
    struct wire_header again = {.magic = WIRE_MAGIC, .kind = WIRE_RESULT, .seq = 1, .slot = 0};
    pid_t pid = fork();
    if (pid == 0) {
        bool opened = support_await(&scene->gate.gate, 1);
        write_all(support_result_fd(task), &again, sizeof again);
        _exit(opened ? 7 : 8);
    }
    scene->pid = pid;
    return mp_task_return(task, "once", 4);
}

static void test_a_second_result_settles_nothing_twice(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct scene *scene = scene_open();
    struct mp_executor *executor = support_executor(1, 3, scene);
    support_expect(support_submit(executor, task_repeated_result, NULL, 0), "once", 4);
    pid_t grandchild = scene->pid;
    support_raise(&scene->gate.gate);
    while (stats_of(executor).workers_lost == 0)
        assert_int_equal(mp_executor_pump(executor, SUPPORT_LONG_MS), 0);
    assert_int_equal(support_collect(grandchild), 7);
    support_expect(support_submit(executor, task_echo_counted, "x", 1), "x", 1);
    mp_executor_free(executor);
    support_adopted_end();
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    scene_close(scene);
}

/* ---- Workers that write into their control page --------------------------------------------- */

/* The shared page of this worker that is not the test's own. */
static _Atomic uint64_t *control_page(const struct mp_task *task)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    void *begin, *found = NULL;
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "/dev/zero (deleted)") && sscanf(line, "%p", &begin) == 1 &&
            begin != mp_task_ctx(task))
            found = begin;
    if (maps)
        fclose(maps);
    if (!found)
        _exit(98);
    return found;
}

static void page_fill(struct mp_task *task, uint64_t word)
{
    _Atomic uint64_t *words = control_page(task);
    for (int i = 0; i < CONTROL_SLOTS; i++)
        words[i] = word;
}

static int task_page_of_ones(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    page_fill(task, UINT64_MAX);
    _exit(5);
}

static int task_page_of_zeroes(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    page_fill(task, 0);
    _exit(5);
}

/* Says that its job has ended, and sends a result for it that is above the limit of 8 bytes. */
static int task_page_of_lies(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    _Atomic uint64_t *words = control_page(task);
    for (uint64_t i = 0; i < CONTROL_SLOTS; i++)
        words[i] = control_word(i + 1, CONTROL_SENDING);
    struct wire_header forged = {
        .magic = WIRE_MAGIC, .kind = WIRE_RESULT, .seq = 1, .size = 9, .slot = 0};
    write_frame(support_result_fd(task), &forged, "123456789");
    return stay(task);
}

/* All that a worker holds is its own to spoil; nothing of another's. */
static void test_a_spoilt_control_page_spoils_only_its_own_workers_jobs(void **state)
{
    (void)state;
    mp_task_fn *const liars[] = {task_page_of_ones, task_page_of_zeroes, task_page_of_lies};
    for (int i = 0; i < 3; i++) {
        struct scene *scene = scene_open();
        struct mp_executor_options options = {
            .workers = 2, .prefetch = 1, .result_max = 8, .ctx = scene};
        struct mp_executor *executor;
        assert_int_equal(mp_executor_create(&options, &executor), 0);
        struct mp_future *bad = support_submit(executor, liars[i], NULL, 0); /* seq 1, slot 0 */
        struct mp_future *other = support_submit(executor, support_task_gated, "other", 5);
        struct mp_future *behind = support_submit(executor, support_task_echo, "behind", 6);
        support_expect_fault(bad, MP_ECRASH);
        support_raise(&scene->gate.gate);
        support_expect(other, "other", 5);
        assert_int_equal(mp_wait(&behind, 1, MP_ALL, SUPPORT_LONG_MS), 1);
        support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
        mp_future_free(bad);
        mp_future_free(behind);
        mp_executor_free(executor);
        scene_close(scene);
    }
}

/* Says that its own job has not begun. The context counts how often it did. */
static void deny_having_begun(struct mp_task *task)
{
    support_raise(mp_task_ctx(task));
    _Atomic uint64_t *words = control_page(task);
    for (int i = 0; i < CONTROL_SLOTS; i++)
        words[i] = control_word(words[i] >> 3, CONTROL_QUEUED);
}

static int task_deny_and_leave(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    deny_having_begun(task);
    _exit(5);
}

static int task_deny_and_stay(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    deny_having_begun(task);
    return stay(task);
}

/* Each time would cost a worker, or a whole deadline; a job that does this cannot go round for
 * ever. */
static void test_a_job_that_denies_having_begun_comes_to_an_end(void **state)
{
    (void)state;
    mp_task_fn *const liars[] = {task_deny_and_leave, task_deny_and_stay};
    for (int i = 0; i < 2; i++) {
        struct support_flag *begun = support_share(sizeof *begun);
        struct mp_executor *executor = support_create(
            &(struct mp_executor_options){.workers = 1, .deadline_ms = 100, .ctx = begun});
        struct mp_future *liar = support_submit(executor, liars[i], NULL, 0);
        struct mp_future *other = support_submit(executor, support_task_echo, "other", 5);
        support_expect_fault(liar, MP_ECRASH);
        support_expect(other, "other", 5);
        assert_int_equal(begun->value, 3);
        mp_future_free(liar);
        mp_executor_free(executor);
        support_unshare(begun, sizeof *begun);
    }
}

/* Begins six times: denies it twice, crashes, denies it twice again, and then has a result. */
static int task_deny_now_and_then(struct mp_task *task, const void *arg, size_t size)
{
    struct support_flag *begun = mp_task_ctx(task);
    if (begun->value % 3 != 2 && begun->value < 5) {
        deny_having_begun(task);
        _exit(5);
    }
    if (support_raise(begun) == 3)
        _exit(6);
    return mp_task_return(task, arg, size);
}

/* What was held against it then has cost it an attempt. */
static void test_a_job_that_has_begun_is_not_blamed_for_earlier_returns(void **state)
{
    (void)state;
    struct support_flag *begun = support_share(sizeof *begun);
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = 1, .retries = 1, .ctx = begun});
    support_expect(support_submit(executor, task_deny_now_and_then, "x", 1), "x", 1);
    assert_int_equal(begun->value, 6);
    mp_executor_free(executor);
    support_unshare(begun, sizeof *begun);
}

/* A failure that is longer than the library's own, with a code that is not one of its codes. */
static int task_forged_failure(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    char text[3000];
    memset(text, 'f', sizeof text);
    struct wire_header forged = {.magic = WIRE_MAGIC,
                                 .kind = WIRE_FAILURE,
                                 .seq = 1,
                                 .size = sizeof text,
                                 .code = 12345,
                                 .status = 6};
    control_page(task)[0] = control_word(1, CONTROL_SENDING);
    write_frame(support_result_fd(task), &forged, text);
    return stay(task);
}

static void test_a_forged_failure_is_cut_and_is_only_a_failure(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, task_forged_failure, NULL, 0);
    const struct mp_fault *fault = support_expect_fault(future, MP_ETASK);
    assert_int_equal(strlen(fault->message), 1023);
    assert_int_equal(fault->status, 6);
    mp_future_free(future);
    mp_executor_free(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_executor_blames_only_the_job_that_ran),
        SUPPORT_TEST(test_an_abort_is_named),
        SUPPORT_TEST(test_leaving_is_no_success),
        SUPPORT_TEST(test_a_kill_is_named),
        SUPPORT_TEST(test_many_crashes_in_a_row_do_not_break_it),
        SUPPORT_TEST(test_workers_that_kill_each_other_cost_the_jobs_that_ran),
        SUPPORT_TEST(test_a_death_while_idle_costs_nothing),
        SUPPORT_TEST(test_a_death_noticed_while_sending_costs_nothing),
        SUPPORT_TEST(test_a_death_amid_an_argument_costs_nothing),
        SUPPORT_TEST(test_a_death_amid_a_result_loses_it_and_says_so),
        SUPPORT_TEST(test_a_result_that_was_written_counts_whatever_comes_after),
        SUPPORT_TEST(test_the_result_before_the_job_that_crashed_counts),
        SUPPORT_TEST(test_cancel_and_shutdown_after_an_unnoticed_death),
        SUPPORT_TEST(test_shutdown_finishes_the_jobs_of_a_dead_worker),
        SUPPORT_TEST(test_a_grandchild_hides_no_death),
        SUPPORT_TEST(test_a_job_whose_descriptors_no_worker_can_take_fails),
        SUPPORT_TEST(test_jobs_sent_ahead_do_not_share_the_limit_of_descriptors),
        SUPPORT_TEST(test_a_worker_that_breaks_the_protocol_is_ended),
        SUPPORT_TEST(test_a_worker_that_leaves_amid_a_frame_loses_one_job),
        SUPPORT_TEST(test_a_result_that_cannot_be_sent_is_lost),
        SUPPORT_TEST(test_a_worker_that_closes_its_job_channel_keeps_its_result),
        SUPPORT_TEST(test_a_result_before_the_job_has_ended_is_a_breach),
        SUPPORT_TEST(test_a_second_result_settles_nothing_twice),
        SUPPORT_TEST(test_a_spoilt_control_page_spoils_only_its_own_workers_jobs),
        SUPPORT_TEST(test_a_job_that_denies_having_begun_comes_to_an_end),
        SUPPORT_TEST(test_a_job_that_has_begun_is_not_blamed_for_earlier_returns),
        SUPPORT_TEST(test_a_forged_failure_is_cut_and_is_only_a_failure),
    };
    return cmocka_run_group_tests_name("mproc/crash", tests, NULL, NULL);
}
