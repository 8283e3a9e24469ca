/* retry: jobs that are run again after a crash, and only after a crash. */
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { JOBS = 40 };

/* What tasks and tests share: the context of every executor here. */
struct scene {
    struct support_gate gate; /* first: of support_task_gated() */
    _Atomic int runs[JOBS];
};

static struct scene *scene;

static int scene_setup(void **state)
{
    scene = support_share(sizeof *scene);
    return support_setup(state);
}

static int scene_teardown(void **state)
{
    support_unshare(scene, sizeof *scene);
    return support_teardown(state);
}

struct job {
    int index;
    int crashes; /* runs that end in one */
};

static int task_crash_first(struct mp_task *task, const void *arg, size_t size)
{
    struct job job;
    memcpy(&job, arg, sizeof job);
    if (++scene->runs[job.index] <= job.crashes)
        raise(SIGKILL);
    return mp_task_return(task, arg, size);
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    scene->runs[0]++;
    return mp_task_fail(task, 3, "as asked");
}

static struct mp_executor *create(int workers, int retries)
{
    return support_create(&(struct mp_executor_options){
        .workers = workers, .prefetch = 2, .retries = retries, .ctx = scene});
}

static struct mp_future *submit(struct mp_executor *executor, struct job job, int retries)
{
    struct mp_submit_options options = {.retries = retries};
    struct mp_future *future = NULL;
    assert_int_equal(
        mp_executor_submit(executor, task_crash_first, &job, sizeof job, &options, &future), 0);
    return future;
}

static void expect_crash(struct mp_future *future, int attempts)
{
    assert_int_equal(support_expect_fault(future, MP_ECRASH)->attempts, attempts);
    mp_future_free(future);
}

static void test_a_job_is_run_again_after_a_crash(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 3);
    struct job job = {.index = 0, .crashes = 3};
    support_expect(submit(executor, job, 0), &job, sizeof job);
    assert_int_equal(scene->runs[0], 4);
    struct mp_executor_stats stats = support_stats(executor);
    assert_int_equal(stats.submitted, 1);
    assert_int_equal(stats.done, 1);
    assert_int_equal(stats.retried, 3);
    assert_int_equal(stats.backend.workers_lost, 3);
    mp_executor_free(executor);
}

static void test_it_is_given_up_after_so_many_tries(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, 2);
    expect_crash(submit(executor, (struct job){.index = 0, .crashes = 99}, 0), 3);
    assert_int_equal(scene->runs[0], 3);
    expect_crash(submit(executor, (struct job){.index = 1, .crashes = 99}, 5), 6);
    assert_int_equal(scene->runs[1], 6);
    expect_crash(submit(executor, (struct job){.index = 2, .crashes = 99}, -1), 1);
    assert_int_equal(scene->runs[2], 1);
    mp_executor_free(executor);
}

static void test_without_retries_a_submit_may_have_some(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0);
    struct job job = {.index = 1, .crashes = 1};
    expect_crash(submit(executor, (struct job){.index = 0, .crashes = 1}, 0), 1);
    support_expect(submit(executor, job, 1), &job, sizeof job);
    mp_executor_free(executor);
}

static void test_a_failure_of_the_task_is_not_retried(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 5);
    struct mp_future *future = support_submit(executor, task_fail, NULL, 0);
    assert_int_equal(support_expect_fault(future, MP_ETASK)->attempts, 1);
    assert_int_equal(scene->runs[0], 1);
    assert_int_equal(support_stats(executor).retried, 0);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_a_job_killed_on_request_is_not_retried(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 5);
    struct mp_future *future = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_future_kill(future), 0);
    assert_int_equal(support_expect_fault(future, MP_EKILLED)->attempts, 1);
    assert_int_equal(scene->gate.begun.value, 1);
    mp_future_free(future);
    mp_executor_free(executor);
}

/* Those sent ahead come back each time and cost none of their tries. */
static void test_others_are_run_once(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, 4);
    struct mp_future *futures[JOBS];
    struct job jobs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.index = i, .crashes = i % 5 == 0 ? 1 + i % 4 : 0};
        futures[i] = submit(executor, jobs[i], 0);
    }
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &jobs[i], sizeof jobs[i]);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(scene->runs[i], 1 + jobs[i].crashes);
    mp_executor_free(executor);
}

static int task_read_then_crash(struct mp_task *task, const void *arg, size_t size)
{
    char text[8];
    (void)arg, (void)size;
    ssize_t n = pread(mp_task_fd(task, 0), text, sizeof text, 0);
    if (++scene->runs[0] <= 2)
        raise(SIGKILL);
    return n < 0 ? -1 : mp_task_return(task, text, (size_t)n);
}

static void test_descriptors_go_along_with_each_try(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 2);
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "content", 7), 7);
    struct mp_submit_options options = {.fds = &fd, .fd_count = 1};
    struct mp_future *future;
    assert_int_equal(mp_executor_submit(executor, task_read_then_crash, NULL, 0, &options, &future),
                     0);
    support_expect(future, "content", 7);
    close(fd);
    mp_executor_free(executor);
}

static void test_a_finishing_shutdown_tries_again_and_others_do_not(void **state)
{
    (void)state;
    struct job job = {.index = 0, .crashes = 2};
    struct mp_executor *executor = create(1, 2);
    struct mp_future *future = submit(executor, job, 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    support_expect(future, &job, sizeof job);
    mp_executor_free(executor);
    executor = create(1, 2);
    future = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    pid_t pid;
    if (support_children(&pid, 1) == 1)
        assert_int_equal(kill(pid, SIGKILL), 0);
    else
        support_raise(&scene->gate.gate); /* this kernel does not list children */
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, SUPPORT_LONG_MS), 0);
    assert_true(mp_future_state(future) >= MP_DONE);
    assert_int_equal(support_stats(executor).retried, 0);
    mp_future_free(future);
    mp_executor_free(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_job_is_run_again_after_a_crash, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_it_is_given_up_after_so_many_tries, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_without_retries_a_submit_may_have_some, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_of_the_task_is_not_retried, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_job_killed_on_request_is_not_retried, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_others_are_run_once, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_go_along_with_each_try, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_finishing_shutdown_tries_again_and_others_do_not,
                                        scene_setup, scene_teardown),
    };
    return cmocka_run_group_tests_name("mproc/retry", tests, NULL, NULL);
}
