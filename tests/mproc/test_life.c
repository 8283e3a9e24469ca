/* life: of workers, from their start hook to the last of their jobs, and how many there are. */
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, JOBS_MAX = 400 };

/* What hooks, tasks and tests share: the context of every executor here. */
struct scene {
    struct support_gate gate; /* first: of support_task_gated() */
    struct support_flag started[WORKERS_MAX], stopped[WORKERS_MAX];
    struct support_flag attempts;    /* start hooks that began */
    struct support_gate hooks;       /* of hook_gated() */
    _Atomic uint32_t runs[JOBS_MAX]; /* of each job */
    _Atomic bool early;              /* a job ran before the start hook of its worker */
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

static int hook_start(void *ctx, int worker)
{
    (void)ctx;
    support_raise(&scene->attempts);
    support_raise(&scene->started[worker]);
    return 0;
}

static void hook_stop(void *ctx, int worker)
{
    (void)ctx;
    support_raise(&scene->stopped[worker]);
}

static struct mp_executor *create(int workers, int prefetch, int jobs_per_worker)
{
    return support_create(&(struct mp_executor_options){.workers = workers,
                                                        .prefetch = prefetch > 0 ? prefetch : -1,
                                                        .jobs_per_worker = jobs_per_worker,
                                                        .start = hook_start,
                                                        .stop = hook_stop,
                                                        .ctx = scene});
}

/* Who ran a job. */
struct who {
    int index; /* of the job */
    int worker;
    pid_t pid;
};

static int task_who(struct mp_task *task, const void *arg, size_t size)
{
    struct who who = {.worker = mp_task_worker(task), .pid = getpid()};
    memcpy(&who.index, arg, size);
    scene->runs[who.index]++;
    if (scene->started[who.worker].value == 0)
        scene->early = true;
    return mp_task_return(task, &who, sizeof who);
}

static struct who who_of(struct mp_future *future)
{
    const void *data = NULL;
    size_t size = 0;
    struct who who = {0};
    assert_int_equal(support_result(future, &data, &size), 0);
    assert_int_equal(size, sizeof who);
    memcpy(&who, data, sizeof who);
    mp_future_free(future);
    return who;
}

static struct mp_future *submit_who(struct mp_executor *executor, int index)
{
    return support_submit(executor, task_who, &index, sizeof index);
}

static int task_die(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    return raise(SIGKILL);
}

static void crash(struct mp_executor *executor)
{
    struct mp_future *future = support_submit(executor, task_die, NULL, 0);
    support_expect_fault(future, MP_ECRASH);
    mp_future_free(future);
}

/* Waits until something is so; a wait without an end is a fault. */
#define PUMP_UNTIL(executor, condition)                                      \
    for (int64_t end_ = support_now_ms() + SUPPORT_LONG_MS; !(condition);) { \
        assert_true(support_now_ms() < end_);                                \
        (void)mp_executor_pump(executor, 5);                                 \
    }

/* ---- Hooks ---------------------------------------------------------------------------------- */

static void test_the_start_hook_runs_before_any_job_of_each_worker(void **state)
{
    (void)state;
    enum { JOBS = 60 };
    struct mp_executor *executor = create(4, 2, 0);
    struct mp_future *futures[JOBS];
    crash(executor);
    crash(executor);
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit_who(executor, i);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(who_of(futures[i]).index, i);
    assert_false(scene->early);
    PUMP_UNTIL(executor, scene->attempts.value == 6); /* four, and two replacements */
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    uint32_t stopped = 0;
    for (int i = 0; i < 4; i++)
        stopped += scene->stopped[i].value;
    assert_int_equal(stopped, 4);
    mp_executor_free(executor);
}

static int hook_fails_after_the_first(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return support_raise(&scene->attempts) > 1;
}

/* What was submitted and what is submitted later fails, within a bounded time. */
static void test_a_hook_that_begins_to_fail_breaks_the_executor(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 1, .start = hook_fails_after_the_first});
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    crash(executor);
    struct mp_future *futures[5], *late = NULL;
    for (int i = 0; i < 5; i++)
        futures[i] = support_submit(executor, support_task_echo, "x", 1);
    for (int i = 0; i < 5; i++) {
        support_expect_fault(futures[i], MP_EBROKEN);
        mp_future_free(futures[i]);
    }
    assert_in_range(scene->attempts.value, 3, 10);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &late),
                     MP_EBROKEN);
    assert_int_equal(mp_executor_resize(executor, 3), MP_EBROKEN);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &late),
                     MP_EBROKEN);
    assert_null(late);
    assert_int_equal(support_stats(executor).failed, 6);
    mp_executor_free(executor);
}

/* ---- Jobs per worker ------------------------------------------------------------------------ */

static void test_a_worker_leaves_after_its_share_of_jobs(void **state)
{
    (void)state;
    enum { SHARE = 3, JOBS = 12 };
    struct mp_executor *executor = create(1, 2, SHARE);
    struct who whos[JOBS];
    for (int i = 0; i < JOBS; i++) {
        whos[i] = who_of(submit_who(executor, i));
        assert_int_equal(whos[i].worker, 0);
        if (i % SHARE != 0)
            assert_int_equal(whos[i].pid, whos[i - 1].pid);
        else if (i > 0)
            assert_int_not_equal(whos[i].pid, whos[i - 1].pid);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    struct mp_backend_stats stats = support_stats(executor).backend;
    assert_in_range(stats.workers_retired, JOBS / SHARE - 1, JOBS / SHARE);
    assert_int_equal(stats.workers_lost, 0);
    assert_int_equal(scene->stopped[0].value, scene->started[0].value); /* each left in peace */
    mp_executor_free(executor);
}

/* With jobs waiting all the time, none is lost, and no process runs more than its share. */
static void expect_shares(int workers, int share, int jobs, int prefetch)
{
    memset(scene, 0, sizeof *scene);
    struct mp_executor *executor = create(workers, prefetch, share);
    struct mp_future *futures[JOBS_MAX];
    struct who whos[JOBS_MAX];
    for (int i = 0; i < jobs; i++)
        futures[i] = submit_who(executor, i);
    for (int i = 0; i < jobs; i++)
        whos[i] = who_of(futures[i]);
    for (int i = 0; i < jobs; i++) {
        int same = 0;
        for (int k = 0; k < jobs; k++)
            same += whos[k].pid == whos[i].pid;
        assert_in_range(same, 1, share);
        assert_int_equal(scene->runs[i], 1);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

static void test_shares_are_kept_while_jobs_wait(void **state)
{
    (void)state;
    expect_shares(1, 1, 10, 0);
    expect_shares(1, 2, 6, 3);
    expect_shares(2, 2, 8, 3);
    expect_shares(3, 10, 100, 7);
    expect_shares(2, 3, 40, MP_PREFETCH_MAX);
}

static void test_a_shutdown_amid_the_replacing_loses_nothing(void **state)
{
    (void)state;
    for (int how = MP_FINISH; how <= MP_KILL; how++)
        for (int jobs = 1; jobs <= 9; jobs++) {
            memset(scene, 0, sizeof *scene);
            struct mp_executor *executor = create(2, 1, 1);
            struct mp_future *futures[9];
            for (int i = 0; i < jobs; i++)
                futures[i] = submit_who(executor, i);
            (void)mp_wait(futures, (size_t)jobs, MP_ANY, SUPPORT_LONG_MS);
            assert_int_equal(mp_executor_shutdown(executor, (enum mp_how)how, SUPPORT_LONG_MS), 0);
            assert_false(support_has_child()); /* no replacement got away */
            for (int i = 0; i < jobs; i++) {
                enum mp_state end = mp_future_state(futures[i]);
                assert_true(end >= MP_DONE);
                if (how == MP_FINISH)
                    assert_int_equal(end, MP_DONE);
                assert_int_equal(scene->runs[i], end != MP_CANCELLED);
                mp_future_free(futures[i]);
            }
            mp_executor_free(executor);
        }
}

static void test_a_crash_begins_a_new_share(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0, 3);
    struct who first = who_of(submit_who(executor, 0));
    crash(executor);
    struct who whos[3];
    for (int i = 0; i < 3; i++)
        whos[i] = who_of(submit_who(executor, i));
    assert_int_not_equal(whos[0].pid, first.pid);
    assert_int_equal(whos[1].pid, whos[0].pid);
    assert_int_equal(whos[2].pid, whos[0].pid);
    assert_int_not_equal(who_of(submit_who(executor, 0)).pid, whos[0].pid);
    mp_executor_free(executor);
}

/* ---- Memory per worker ---------------------------------------------------------------------- */

static int task_grow(struct mp_task *task, const void *arg, size_t size)
{
    size_t bytes;
    memcpy(&bytes, arg, size);
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    memset(memory, 1, bytes); /* and is never given back */
    pid_t pid = getpid();
    return mp_task_return(task, &pid, sizeof pid);
}

static pid_t grow(struct mp_executor *executor, size_t bytes)
{
    struct mp_future *future = support_submit(executor, task_grow, &bytes, sizeof bytes);
    const void *data;
    size_t size;
    pid_t pid;
    assert_int_equal(support_result(future, &data, &size), 0);
    memcpy(&pid, data, sizeof pid);
    mp_future_free(future);
    return pid;
}

static void test_a_worker_that_has_grown_is_replaced(void **state)
{
    (void)state;
    enum { LIMIT = 256 << 20 };
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = 1, .memory_per_worker = LIMIT});
    pid_t first = grow(executor, 1 << 20);
    assert_int_equal(grow(executor, 1 << 20), first);
    /* The first look may come too soon after another to be taken. */
    pid_t grown = grow(executor, LIMIT + (8 << 20)), next = grown;
    assert_int_equal(grown, first);
    for (int64_t end = support_now_ms() + SUPPORT_LONG_MS; next == grown;) {
        assert_true(support_now_ms() < end);
        next = grow(executor, 4096);
    }
    PUMP_UNTIL(executor, support_stats(executor).backend.workers_retired == 1);
    assert_int_equal(grow(executor, 4096), next); /* which is small */
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

/* ---- Width ---------------------------------------------------------------------------------- */

static int alive(struct mp_executor *executor)
{
    return support_stats(executor).backend.workers;
}

static void test_more_workers_begin_at_once(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 3, 0);
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_executor_resize(executor, 4), 0);
    /* What was sent ahead behind the first is run by the new ones. */
    PUMP_UNTIL(executor, scene->gate.begun.value == 4);
    assert_int_equal(alive(executor), 4);
    support_raise(&scene->gate.gate);
    for (int i = 0; i < 4; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
}

static void test_fewer_workers_lose_nothing(void **state)
{
    (void)state;
    enum { JOBS = 40 };
    struct mp_executor *executor = create(4, 5, 0);
    struct mp_future *held[4], *futures[JOBS];
    for (int i = 0; i < 4; i++)
        held[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&scene->gate.begun, 4));
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit_who(executor, i);
    assert_int_equal(mp_executor_resize(executor, 2), 0);
    assert_true(support_stats(executor).returned > 0); /* what was sent ahead to the others */
    support_raise(&scene->gate.gate);
    for (int i = 0; i < 4; i++) /* what ran is finished, by the surplus workers, too */
        support_expect(held[i], &i, sizeof i);
    for (int i = 0; i < JOBS; i++) {
        struct who who = who_of(futures[i]);
        assert_int_equal(who.index, i);
        assert_in_range(who.worker, 0, 1);
        assert_int_equal(scene->runs[i], 1);
    }
    PUMP_UNTIL(executor, alive(executor) == 2);
    for (int i = 0; i < 10; i++)
        assert_in_range(who_of(submit_who(executor, i)).worker, 0, 1);
    struct mp_backend_stats stats = support_stats(executor).backend;
    assert_int_equal(stats.workers_retired, 2);
    assert_int_equal(stats.workers_lost, 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(scene->stopped[i].value, 1);
    mp_executor_free(executor);
}

static void test_the_width_may_go_up_and_down_while_jobs_run(void **state)
{
    (void)state;
    enum { JOBS = 300 };
    static const int widths[] = {3, 1, 5, 2, 4, 1, 1, 6};
    struct mp_executor *executor = create(2, 3, 0);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++) {
        futures[i] = submit_who(executor, i);
        if (i % 20 == 19)
            assert_int_equal(mp_executor_resize(executor, widths[i / 20 % 8]), 0);
        if (i % 50 == 49)
            mp_future_free(support_submit(executor, task_die, NULL, 0));
        support_stats(executor); /* adds up all the time */
    }
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(who_of(futures[i]).index, i);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(scene->runs[i], 1);
    assert_int_equal(mp_executor_resize(executor, 3), 0);
    PUMP_UNTIL(executor, alive(executor) == 3);
    mp_executor_free(executor);
}

/* A worker that is leaving and is wanted again is replaced once it has left. */
static void test_a_worker_may_be_wanted_again_while_it_leaves(void **state)
{
    (void)state;
    struct mp_executor *executor = create(3, 0, 0);
    for (int round = 0; round < 10; round++) {
        assert_int_equal(mp_executor_resize(executor, 1), 0);
        assert_int_equal(mp_executor_resize(executor, 3), 0);
        memset(&scene->gate, 0, sizeof scene->gate);
        struct mp_future *futures[3];
        for (int i = 0; i < 3; i++)
            futures[i] = support_submit(executor, support_task_gated, "x", 1);
        PUMP_UNTIL(executor, scene->gate.begun.value == 3); /* three at a time again */
        support_raise(&scene->gate.gate);
        for (int i = 0; i < 3; i++)
            support_expect(futures[i], "x", 1);
    }
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

static int hook_gated(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    support_raise(&scene->hooks.begun);
    return support_await(&scene->hooks.gate, 1) ? 0 : 1;
}

/* Those too many are killed when they do not leave within five seconds, which the long form waits
 * for; a hook that was only slow has not failed. */
static void test_unwanted_workers_with_slow_hooks_do_not_break_it(void **state)
{
    (void)state;
    if (!getenv("MPROC_LONG"))
        skip();
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 8, .start = hook_gated, .ctx = scene});
    assert_true(support_await(&scene->hooks.begun, 8));
    assert_int_equal(mp_executor_resize(executor, 1), 0);
    PUMP_UNTIL(executor, alive(executor) == 1);
    support_raise(&scene->hooks.gate);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
}

static void test_the_width_is_checked(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, 0, 0);
    assert_int_equal(mp_executor_resize(executor, 0), -EINVAL);
    assert_int_equal(mp_executor_resize(executor, -1), -EINVAL);
    assert_int_equal(mp_executor_resize(executor, MP_WORKERS_MAX + 1), -EINVAL);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_executor_resize(executor, 2), -ESHUTDOWN);
    mp_executor_free(executor);
    executor = support_create(&(struct mp_executor_options){.kind = MP_SEQUENTIAL});
    assert_int_equal(mp_executor_resize(executor, 2), -ENOTSUP);
    mp_executor_free(executor);
}

static void test_fifteen_jobs_a_worker_start_no_further_worker(void **state)
{
    (void)state;
    enum { WORKERS = 4, JOBS = 15 * WORKERS };
    struct mp_executor *executor = create(WORKERS, 7, 0);
    struct mp_future *futures[JOBS];
    pid_t pids[2 * WORKERS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&scene->gate.begun, WORKERS));
    assert_int_equal(mp_wait(futures, JOBS, MP_ANY, 20), 0);
    int children = support_children(pids, 2 * WORKERS);
    assert_true(children == WORKERS || children < 0);
    assert_int_equal(scene->gate.begun.value, WORKERS);
    assert_int_equal(support_stats(executor).backend.workers_started, WORKERS);
    support_raise(&scene->gate.gate);
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(support_stats(executor).backend.workers_started, WORKERS);
    mp_executor_free(executor);
}

static void test_many_workers_come_and_go(void **state)
{
    (void)state;
    enum { WORKERS = 60 };
    struct mp_executor *executor = support_executor(WORKERS, 0, scene);
    struct mp_future *futures[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        futures[i] = support_submit(executor, support_task_gated, &i, sizeof i);
    assert_true(support_await(&scene->gate.begun, WORKERS));
    support_raise(&scene->gate.gate);
    for (int i = 0; i < WORKERS; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
}

/* ---- When a worker cannot be started -------------------------------------------------------- */

/* So few descriptors that the k-th worker cannot be had. */
static void limit_fds(int more, struct rlimit *ret_before)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_before), 0);
    int next = dup(STDERR_FILENO);
    assert_true(next >= 0);
    close(next);
    struct rlimit few = *ret_before;
    few.rlim_cur = (rlim_t)(next + more);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void test_a_start_that_fails_half_way_leaves_nothing(void **state)
{
    (void)state;
    int failed = 0;
    for (int more = 0; more < 24; more++) {
        struct rlimit before;
        limit_fds(more, &before);
        struct mp_executor *executor = NULL;
        int error = mp_executor_create(
            &(struct mp_executor_options){.workers = 5, .stderr_tail = 64}, &executor);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (error == 0) {
            mp_executor_free(executor);
            continue;
        }
        assert_int_equal(error, -EMFILE);
        assert_null(executor);
        assert_false(support_has_child());
        failed++;
    }
    assert_true(failed > 10);
}

/* A worker dies and none can be had in its place for a while: its jobs wait, and nothing breaks as
 * long as one is left. */
static void test_a_replacement_that_cannot_be_started_is_tried_again(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, 0, 0);
    struct mp_future *held = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    struct rlimit before;
    limit_fds(0, &before);
    crash(executor);
    struct mp_future *later = submit_who(executor, 1);
    assert_int_equal(mp_wait(&later, 1, MP_ALL, 150), 0); /* many times the time between tries */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(who_of(later).index, 1);
    support_raise(&scene->gate.gate);
    support_expect(held, "x", 1);
    mp_executor_free(executor);
}

static void test_when_none_is_left_and_none_can_be_started_it_breaks(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0, 0);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    struct rlimit before;
    limit_fds(-2, &before);
    crash(executor);
    struct mp_future *later = submit_who(executor, 1);
    support_expect_fault(later, MP_EBROKEN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    mp_future_free(later);
    mp_executor_free(executor);
}

static int hook_dies(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    support_raise(&scene->attempts);
    return raise(SIGKILL); /* as from outside: which breaks nothing */
}

/* Of the second worker it takes until the gate is opened. */
static int hook_waits(void *ctx, int worker)
{
    return worker == 0 || support_await(&((struct support_gate *)ctx)->gate, 1) ? 0 : 1;
}

static void test_a_slow_start_hook_traps_no_job(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_create(&(struct mp_executor_options){
        .workers = 2, .prefetch = -1, .start = hook_waits, .ctx = gate});
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    for (int i = 0; i < 4; i++)
        support_expect(futures[i], &i, sizeof i);
    support_raise(&gate->gate);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_workers_that_die_before_they_greet_are_started_more_slowly(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 2, .start = hook_dies, .ctx = scene});
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, 500), 0);
    /* 1, 2, 4 ... ms between them: half a second has no more than ten or so. */
    assert_in_range(scene->attempts.value, 5, 14);
    assert_int_equal(support_stats(executor).unsettled, 1);
    mp_executor_free(executor);
    assert_int_equal(mp_future_state(future), MP_CANCELLED);
    mp_future_free(future);
}

enum { MANY = 64 }; /* workers: more than may die one by one */

static int hook_dies_at_first(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return support_raise(&scene->attempts) <= MANY ? raise(SIGKILL) : 0;
}

static void test_one_blow_to_all_workers_does_not_break_it(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = MANY, .start = hook_dies_at_first, .ctx = scene});
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
}

static void test_workers_of_which_none_ever_begins_break_it(void **state)
{
    (void)state;
    if (!getenv("MPROC_LONG"))
        skip(); /* they get half a minute */
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 2, .start = hook_dies, .ctx = scene});
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    support_expect_fault(future, MP_EBROKEN);
    assert_in_range(scene->attempts.value, 62, 72);
    mp_executor_free(executor);
    mp_future_free(future);
}

/* ---- Shutdown ------------------------------------------------------------------------------- */

static void test_no_job_is_taken_after_a_shutdown(void **state)
{
    (void)state;
    for (int how = MP_FINISH; how <= MP_KILL; how++) {
        struct mp_executor *executor = create(2, 1, 0);
        struct mp_future *future = NULL;
        support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
        assert_int_equal(mp_executor_shutdown(executor, (enum mp_how)how, SUPPORT_LONG_MS), 0);
        assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &future),
                         -ESHUTDOWN);
        assert_null(future);
        assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0); /* again */
        mp_executor_free(executor);
    }
}

static void test_fifty_that_wait_are_all_finished(void **state)
{
    (void)state;
    struct mp_executor *executor = create(3, 2, 0);
    struct mp_future *futures[50];
    for (int i = 0; i < 50; i++)
        futures[i] = submit_who(executor, i);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(mp_future_state(futures[i]), MP_DONE);
        assert_int_equal(who_of(futures[i]).index, i);
    }
    mp_executor_free(executor);
}

static void test_a_cancel_right_before_the_shutdown(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 1, 0);
    struct mp_future *held = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *ahead = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *pending = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_future_cancel(pending), 0);
    assert_int_equal(mp_future_cancel(ahead), 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 20), -ETIMEDOUT);
    support_raise(&scene->gate.gate);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    support_expect(held, "x", 1);
    assert_int_equal(scene->gate.begun.value, 1);
    mp_future_free(ahead);
    mp_future_free(pending);
    mp_executor_free(executor);
}

static void test_a_harder_shutdown_may_follow_a_softer_one(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 1, 0);
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        futures[i] = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, 10), -ETIMEDOUT);
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, 10), -ETIMEDOUT);
    for (int i = 1; i < 4; i++)
        assert_int_equal(mp_future_state(futures[i]), MP_CANCELLED);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, SUPPORT_LONG_MS), 0);
    support_expect_fault(futures[0], MP_EKILLED);
    for (int i = 0; i < 4; i++)
        mp_future_free(futures[i]);
    mp_executor_free(executor);
}

static void test_workers_killed_from_outside_before_they_began(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct mp_executor *executor = create(3, 1, 0);
        pid_t pids[3];
        int count = support_children(pids, 3);
        for (int k = 0; k < count; k++)
            assert_int_equal(kill(pids[k], SIGKILL), 0);
        if (i % 2)
            support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
        assert_int_equal(
            mp_executor_shutdown(executor, i % 3 ? MP_FINISH : MP_KILL, SUPPORT_LONG_MS), 0);
        mp_executor_free(executor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_start_hook_runs_before_any_job_of_each_worker,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_hook_that_begins_to_fail_breaks_the_executor,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_leaves_after_its_share_of_jobs, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_shares_are_kept_while_jobs_wait, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_shutdown_amid_the_replacing_loses_nothing,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_crash_begins_a_new_share, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_that_has_grown_is_replaced, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_more_workers_begin_at_once, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_fewer_workers_lose_nothing, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_width_may_go_up_and_down_while_jobs_run,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_may_be_wanted_again_while_it_leaves,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_unwanted_workers_with_slow_hooks_do_not_break_it,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_width_is_checked, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_fifteen_jobs_a_worker_start_no_further_worker,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_many_workers_come_and_go, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_start_that_fails_half_way_leaves_nothing,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_replacement_that_cannot_be_started_is_tried_again,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_when_none_is_left_and_none_can_be_started_it_breaks,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_start_hook_traps_no_job, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_one_blow_to_all_workers_does_not_break_it, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_workers_of_which_none_ever_begins_break_it,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(
            test_workers_that_die_before_they_greet_are_started_more_slowly, scene_setup,
            scene_teardown),
        cmocka_unit_test_setup_teardown(test_no_job_is_taken_after_a_shutdown, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_fifty_that_wait_are_all_finished, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_cancel_right_before_the_shutdown, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_harder_shutdown_may_follow_a_softer_one, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_workers_killed_from_outside_before_they_began,
                                        scene_setup, scene_teardown),
    };
    return cmocka_run_group_tests_name("mproc/life", tests, NULL, NULL);
}
