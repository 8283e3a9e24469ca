/* Nothing outlives the parent: it is killed while its workers idle, work or are stopped, and they
 * must be gone soon after. ORPHAN_ROUNDS sets how often; with more than a few the times are
 * printed: the median, and the longest. */
#include "support/mproc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS = 4,
    ROUNDS_MAX = 10000,
    NOT_GONE = -1000, /* of support_collect() */
    GONE_MS = 5000,   /* what is asserted; the aim is a tenth of a second */
};

/* What the workers are at when their parent dies. */
enum scene { IDLE, BUSY, BLOCKED, STOPPED, SCENES };

static const char *const scene_names[] = {"idle", "busy", "blocked", "stopped"};

/* Shared between the test, the doomed parent and its workers. */
struct stage {
    struct support_gate gate; /* its `begun` counts workers that are where they shall be */
    _Atomic pid_t workers[WORKERS];
    enum scene scene;
};

/* Puts one worker where it shall be: each of the first jobs waits for the others, so that every
 * worker has one. */
static int task_pose(struct mp_task *task, const void *arg, size_t size)
{
    struct stage *stage = mp_task_ctx(task);
    (void)arg, (void)size;
    stage->workers[mp_task_worker(task)] = getpid();
    support_raise(&stage->gate.begun);
    support_await(&stage->gate.begun, WORKERS);
    for (volatile unsigned spin = 0; stage->scene == BUSY; spin++)
        ;
    if (stage->scene != IDLE)
        support_await(&stage->gate.gate, 1);
    return 0;
}

/* The parent that will be killed. */
static int doomed_parent(void *arg)
{
    struct stage *stage = arg;
    struct mp_executor_options options = {.workers = WORKERS, .prefetch = -1, .ctx = stage};
    struct mp_executor *executor;
    struct mp_future *futures[WORKERS];
    if (mp_executor_create(&options, &executor) < 0)
        return 1;
    for (int i = 0; i < WORKERS; i++)
        if (mp_executor_submit(executor, task_pose, NULL, 0, NULL, &futures[i]) < 0)
            return 2;
    if (stage->scene == IDLE)
        mp_wait(futures, WORKERS, MP_ALL, MP_FOREVER);
    else
        support_await(&stage->gate.begun, WORKERS);
    for (int i = 0; i < WORKERS && stage->scene == STOPPED; i++)
        kill(stage->workers[i], SIGSTOP);
    support_raise(&stage->gate.begun);
    for (;;)
        pause();
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Kills a parent. Returns how long its last worker lived on, in milliseconds. */
static double round_run(enum scene scene)
{
    struct stage *stage = support_share(sizeof *stage);
    struct mp_process *parent;
    stage->scene = scene;
    assert_int_equal(mp_process_start(doomed_parent, stage, NULL, &parent), 0);
    assert_true(support_await(&stage->gate.begun, WORKERS + 1));
    double begin = now_ms();
    assert_int_equal(mp_process_signal(parent, SIGKILL), 0);
    assert_int_equal(mp_process_join(parent, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_process_exit_code(parent), -SIGKILL);
    /* The workers are ours now, so they can be waited for. An idle one may see the end of its
     * channel before the signal. */
    for (int i = 0; i < WORKERS; i++)
        assert_true(support_collect(stage->workers[i]) != NOT_GONE);
    double took = now_ms() - begin;
    support_adopted_end();
    assert_int_equal(mp_process_close(parent), 0);
    support_unshare(stage, sizeof *stage);
    return took;
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void scene_run(enum scene scene)
{
    static double times[ROUNDS_MAX];
    const char *wanted = getenv("ORPHAN_ROUNDS");
    int rounds = wanted ? atoi(wanted) : 3;
    assert_in_range(rounds, 1, ROUNDS_MAX);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int i = 0; i < rounds; i++) {
        times[i] = round_run(scene);
        assert_true(times[i] < GONE_MS);
    }
    qsort(times, (size_t)rounds, sizeof *times, double_compare);
    if (rounds > 3)
        printf("%-8s %5d parents killed: last worker gone after %.1f ms (median), %.1f ms (most)\n",
               scene_names[scene], rounds, times[rounds / 2], times[rounds - 1]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_idle_workers_die_with_their_parent(void **state)
{
    (void)state;
    scene_run(IDLE);
}

static void test_busy_workers_die_with_their_parent(void **state)
{
    (void)state;
    scene_run(BUSY);
}

static void test_blocked_workers_die_with_their_parent(void **state)
{
    (void)state;
    scene_run(BLOCKED);
}

static void test_stopped_workers_die_with_their_parent(void **state)
{
    (void)state;
    scene_run(STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[SCENES] = {
        SUPPORT_TEST(test_idle_workers_die_with_their_parent),
        SUPPORT_TEST(test_busy_workers_die_with_their_parent),
        SUPPORT_TEST(test_blocked_workers_die_with_their_parent),
        SUPPORT_TEST(test_stopped_workers_die_with_their_parent),
    };
    return cmocka_run_group_tests_name("mproc/orphans", tests, NULL, NULL);
}
