/* deadline: a job that runs too long is killed, and no other; so is one whose future is killed. */
#include "mproc/control.h"
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { JOBS_MAX = 400 };

/* What tests and tasks share: the context of every executor here. */
struct scene {
    struct support_gate gate;            /* first: of support_task_gated() */
    struct support_flag cleaned;         /* raised by a handler of SIGTERM */
    _Atomic pid_t pid;                   /* of the worker that ran last */
    _Atomic uint32_t began[JOBS_MAX];    /* runs of each job */
    _Atomic uint32_t finished[JOBS_MAX]; /* of them, those that came to their end */
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

static struct mp_executor *create(int workers, int prefetch, int deadline_ms)
{
    return support_create(&(struct mp_executor_options){.workers = workers,
                                                        .prefetch = prefetch > 0 ? prefetch : -1,
                                                        .deadline_ms = deadline_ms,
                                                        .ctx = scene});
}

static struct mp_future *submit(struct mp_executor *executor, mp_task_fn *fn, int deadline_ms)
{
    struct mp_submit_options options = {.deadline_ms = deadline_ms};
    struct mp_future *future = NULL;
    assert_int_equal(mp_executor_submit(executor, fn, "x", 1, &options, &future), 0);
    return future;
}

static void expect_deadline(struct mp_future *future)
{
    const struct mp_fault *fault = support_expect_fault(future, MP_EDEADLINE);
    assert_int_equal(fault->attempts, 1);
    assert_true(fault->pid > 0);
    assert_true(fault->worker >= 0);
    assert_non_null(strstr(fault->message, "deadline"));
    mp_future_free(future);
}

/* Starts all workers and has them run something, so that nothing is late for that. */
static void warm_up(struct mp_executor *executor)
{
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

static int task_hang(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    for (;;)
        pause();
    return 0;
}

static int task_spin(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    for (volatile int *stop = &(volatile int){0}; !*stop;)
        support_raise(&scene->gate.begun);
    return mp_task_return(task, "", 0);
}

static int task_hang_unmoved(struct mp_task *task, const void *arg, size_t size)
{
    signal(SIGTERM, SIG_IGN);
    support_raise(&scene->gate.begun);
    return task_hang(task, arg, size);
}

static void clean_and_leave(int signo)
{
    (void)signo;
    support_raise(&scene->cleaned);
    _exit(0);
}

static int task_hang_tidily(struct mp_task *task, const void *arg, size_t size)
{
    signal(SIGTERM, clean_and_leave);
    support_raise(&scene->gate.begun);
    return task_hang(task, arg, size);
}

static void clean_only(int signo)
{
    (void)signo;
    support_raise(&scene->cleaned);
}

/* Comes back from its handler, and returns a result that comes too late. */
static int task_end_on_term(struct mp_task *task, const void *arg, size_t size)
{
    struct sigaction action = {.sa_handler = clean_only};
    sigaction(SIGTERM, &action, NULL);
    support_raise(&scene->gate.begun);
    while (scene->cleaned.value == 0)
        pause();
    return mp_task_return(task, arg, size);
}

static int task_stop_itself(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    raise(SIGSTOP);
    return 0;
}

struct job {
    int index;
    int work_ms;
};

/* Works so long; the ledger has its beginning and its end. */
static int task_ledger(struct mp_task *task, const void *arg, size_t size)
{
    struct job job;
    memcpy(&job, arg, sizeof job);
    scene->began[job.index]++;
    int64_t end = support_now_ms() + job.work_ms;
    while (support_now_ms() < end)
        ;
    scene->finished[job.index]++;
    return mp_task_return(task, arg, size);
}

/* ---- A job that takes too long -------------------------------------------------------------- */

static void test_a_hung_job_is_killed_when_its_time_is_up(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 3, 100);
    warm_up(executor);
    int64_t begin = support_now_ms();
    struct mp_future *hung = support_submit(executor, task_hang, NULL, 0);
    struct mp_future *spinning = support_submit(executor, task_spin, NULL, 0);
    struct mp_future *others[4];
    for (int i = 0; i < 4; i++)
        others[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    expect_deadline(hung);
    assert_true(support_now_ms() - begin >= 99);
    expect_deadline(spinning);
    assert_true(support_now_ms() - begin >= 199);
    for (int i = 0; i < 4; i++)
        support_expect(others[i], &i, sizeof i);
    assert_int_equal(support_stats(executor).backend.workers_lost, 2);
    assert_int_equal(support_stats(executor).backend.workers_started, 3);
    mp_executor_free(executor);
}

static void test_a_submit_may_have_its_own_deadline_or_none(void **state)
{
    (void)state;
    struct mp_executor *executor = create(3, 0, 60);
    struct mp_future *never = submit(executor, support_task_gated, -1);
    struct mp_future *later = submit(executor, support_task_gated, SUPPORT_LONG_MS);
    struct mp_future *common = submit(executor, task_hang, 0);
    expect_deadline(common);
    struct mp_future *own = submit(executor, task_hang, 20);
    expect_deadline(own);
    assert_int_equal(mp_future_state(never), MP_RUNNING);
    assert_int_equal(mp_future_state(later), MP_RUNNING);
    support_raise(&scene->gate.gate);
    support_expect(never, "x", 1);
    support_expect(later, "x", 1);
    mp_executor_free(executor);
}

static void test_without_a_deadline_a_submit_may_have_one(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 1, 0);
    struct mp_future *hung = submit(executor, task_hang, 30);
    struct mp_future *after = submit(executor, support_task_echo, 0);
    expect_deadline(hung);
    support_expect(after, "x", 1);
    mp_executor_free(executor);
}

/* Each runs for a third of what it may, with twenty others before it. */
static void test_the_time_in_the_queue_does_not_count(void **state)
{
    (void)state;
    enum { JOBS = 21, WORK_MS = 40, DEADLINE_MS = 400 };
    struct mp_executor *executor = create(1, 7, DEADLINE_MS);
    struct mp_future *futures[JOBS];
    struct job jobs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.index = i, .work_ms = WORK_MS};
        futures[i] = support_submit(executor, task_ledger, &jobs[i], sizeof jobs[i]);
    }
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &jobs[i], sizeof jobs[i]);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

static int hook_slow(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    poll(NULL, 0, 1500);
    return 0;
}

static void test_the_time_of_the_start_hook_does_not_count(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 1, .deadline_ms = 1000, .start = hook_slow});
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

/* Jobs that take about as long as they may: whichever way it goes with one, it is told as it went,
 * and its neighbours are left alone. */
static void expect_no_other_is_hit(int workers)
{
    enum { JOBS = 60, DEADLINE_MS = 12 };
    memset(scene, 0, sizeof *scene);
    struct mp_executor *executor = create(workers, 3, DEADLINE_MS);
    struct mp_future *futures[JOBS];
    struct job jobs[JOBS];
    int killed = 0;
    for (int i = 0; i < JOBS; i++) {
        /* Every third is far below: it must never be hit, unless the machine is asleep. */
        jobs[i] = (struct job){.index = i, .work_ms = i % 3 == 0 ? 0 : DEADLINE_MS - 2 + i % 5};
        struct mp_submit_options options = {.deadline_ms = i % 3 == 0 ? -1 : 0};
        assert_int_equal(mp_executor_submit(executor, task_ledger, &jobs[i], sizeof jobs[i],
                                            &options, &futures[i]),
                         0);
    }
    for (int i = 0; i < JOBS; i++) {
        const void *data;
        size_t size;
        int error = support_result(futures[i], &data, &size);
        assert_in_range(scene->began[i], error == 0, 1); /* and never again */
        if (error == 0) {
            assert_int_equal(scene->finished[i], 1);
            assert_memory_equal(data, &jobs[i], sizeof jobs[i]);
        } else {
            assert_int_equal(error, MP_EDEADLINE);
            assert_int_not_equal(i % 3, 0);
            killed++;
        }
        mp_future_free(futures[i]);
    }
    assert_int_equal(support_stats(executor).backend.workers_lost, killed);
    mp_executor_free(executor);
}

static void test_a_deadline_never_hits_another_job(void **state)
{
    (void)state;
    expect_no_other_is_hit(1);
    expect_no_other_is_hit(2);
    expect_no_other_is_hit(8);
}

/* The first job ended long ago, and the second, which has no deadline, runs: that the first one's
 * time is up by the clock of a parent that was away must not hurt it. */
static void test_a_parent_that_was_away_blames_nobody(void **state)
{
    (void)state;
    enum { AWAY_MS = 1300 };
    struct mp_executor *executor = create(1, 3, 0);
    warm_up(executor);
    struct mp_future *first = submit(executor, support_task_echo, 100);
    struct mp_future *second = submit(executor, support_task_gated, -1);
    while (mp_executor_pump(executor, 0) != 0 || mp_future_state(first) == MP_PENDING)
        ;
    assert_true(support_await(&scene->gate.begun, 1));
    poll(NULL, 0, AWAY_MS); /* time itself is what this is about */
    assert_int_equal(mp_wait(&second, 1, MP_ALL, 50), 0);
    support_raise(&scene->gate.gate);
    support_expect(first, "x", 1);
    support_expect(second, "x", 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

static void test_a_deadline_is_not_retried(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 1, .deadline_ms = 30, .retries = 5, .ctx = scene});
    struct mp_future *hung = support_submit(executor, task_hang, NULL, 0);
    expect_deadline(hung);
    assert_int_equal(support_stats(executor).retried, 0);
    mp_executor_free(executor);
}

/* ---- Grace ---------------------------------------------------------------------------------- */

static struct mp_executor *create_graceful(int grace_ms, int deadline_ms)
{
    return support_create(&(struct mp_executor_options){.workers = 1,
                                                        .prefetch = 2,
                                                        .deadline_ms = deadline_ms,
                                                        .grace_ms = grace_ms,
                                                        .ctx = scene});
}

static void test_a_task_that_ignores_sigterm_is_killed_all_the_same(void **state)
{
    (void)state;
    struct mp_executor *executor = create_graceful(60, 60);
    warm_up(executor);
    int64_t begin = support_now_ms();
    struct mp_future *hung = support_submit(executor, task_hang_unmoved, NULL, 0);
    struct mp_future *after = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(support_expect_fault(hung, MP_EDEADLINE)->status, -SIGKILL);
    assert_true(support_now_ms() - begin >= 119);
    support_expect(after, "x", 1);
    mp_future_free(hung);
    mp_executor_free(executor);
}

static void test_grace_lets_a_handler_clean_up(void **state)
{
    (void)state;
    struct mp_executor *executor = create_graceful(SUPPORT_LONG_MS, 60);
    struct mp_future *hung = support_submit(executor, task_hang_tidily, NULL, 0);
    struct mp_future *after = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(support_expect_fault(hung, MP_EDEADLINE)->status, 0); /* it left by itself */
    assert_int_equal(scene->cleaned.value, 1);
    support_expect(after, "x", 1);
    mp_future_free(hung);
    mp_executor_free(executor);
}

static void test_without_grace_no_handler_runs(void **state)
{
    (void)state;
    struct mp_executor *executor = create_graceful(0, 60);
    struct mp_future *hung = support_submit(executor, task_hang_tidily, NULL, 0);
    expect_deadline(hung);
    assert_int_equal(scene->cleaned.value, 0);
    mp_executor_free(executor);
}

static void test_a_result_within_the_grace_comes_too_late(void **state)
{
    (void)state;
    struct mp_executor *executor = create_graceful(100, 60);
    struct mp_future *late = support_submit(executor, task_end_on_term, "x", 1);
    struct mp_future *after = support_submit(executor, support_task_echo, "y", 1);
    expect_deadline(late);
    assert_int_equal(scene->cleaned.value, 1);
    support_expect(after, "y", 1);
    mp_executor_free(executor);
}

/* ---- Event loops ---------------------------------------------------------------------------- */

/* Pumps only when the descriptor says so. */
static void poll_until_settled(struct mp_executor *executor, struct mp_future *future)
{
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    while (mp_future_state(future) < MP_DONE) {
        if (poll(&wait, 1, SUPPORT_LONG_MS / 3) != 1)
            fail_msg("the descriptor does not tell of what is due");
        assert_int_equal(mp_executor_pump(executor, 0), 0);
    }
}

static void test_the_descriptor_tells_of_deadlines(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 1, 0);
    warm_up(executor);
    for (int i = 0; i < 3; i++) {
        struct mp_future *hung = submit(executor, task_hang, 50);
        poll_until_settled(executor, hung);
        expect_deadline(hung);
        if (i == 1)
            warm_up(executor);
    }
    mp_executor_free(executor);
}

static void test_the_descriptor_tells_when_the_grace_is_over(void **state)
{
    (void)state;
    struct mp_executor *executor = create_graceful(50, 0);
    warm_up(executor);
    struct mp_future *hung = support_submit(executor, task_hang_unmoved, NULL, 0);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_future_kill(hung), 0);
    poll_until_settled(executor, hung);
    support_expect_fault(hung, MP_EKILLED);
    mp_future_free(hung);
    mp_executor_free(executor);
}

/* Those sent ahead behind the long one are run as soon as a worker is free because its own job was
 * cancelled. */
static void test_the_descriptor_tells_of_a_worker_that_a_cancel_left_idle(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2, 1, 0);
    pid_t pids[2];
    for (int i = 0; i < 4; i++)
        warm_up(executor);
    if (support_children(pids, 2) != 2)
        skip();                 /* this kernel does not list children */
    for (int i = 0; i < 2; i++) /* nothing begins before it shall */
        assert_int_equal(kill(pids[i], SIGSTOP), 0);
    struct mp_future *longest = submit(executor, support_task_gated, 0);
    struct mp_future *cancelled = submit(executor, support_task_echo, 0);
    struct mp_future *behind = submit(executor, support_task_echo, 0);
    assert_int_equal(mp_future_cancel(cancelled), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(kill(pids[i], SIGCONT), 0);
    poll_until_settled(executor, behind);
    support_expect(behind, "x", 1);
    assert_int_equal(mp_future_state(longest), MP_RUNNING);
    support_raise(&scene->gate.gate);
    support_expect(longest, "x", 1);
    mp_future_free(cancelled);
    mp_executor_free(executor);
}

/* ---- Workers that are stopped, or lie ------------------------------------------------------- */

static void test_a_job_that_stops_its_worker_is_killed(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 2, 80);
    struct mp_future *stopped = support_submit(executor, task_stop_itself, NULL, 0);
    struct mp_future *after = support_submit(executor, support_task_echo, "x", 1);
    expect_deadline(stopped);
    support_expect(after, "x", 1);
    mp_executor_free(executor);
}

/* As the terminal's keys do it: all stop, and all go on. */
static void test_the_time_when_all_were_stopped_does_not_count(void **state)
{
    (void)state;
    enum { DEADLINE_MS = 400, STOPPED_MS = 900 };
    struct mp_executor *executor = create(1, 1, DEADLINE_MS);
    warm_up(executor);
    pid_t pid;
    if (support_children(&pid, 1) != 1)
        skip(); /* this kernel does not list children */
    struct mp_future *gated = submit(executor, support_task_gated, DEADLINE_MS);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_wait(&gated, 1, MP_ALL, 50), 0); /* its time has begun */
    assert_int_equal(kill(pid, SIGSTOP), 0);
    poll(NULL, 0, STOPPED_MS); /* time itself is what this is about */
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(mp_wait(&gated, 1, MP_ALL, 50), 0);
    support_raise(&scene->gate.gate);
    support_expect(gated, "x", 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    expect_deadline(support_submit(executor, task_stop_itself, NULL, 0));
    mp_executor_free(executor);
}

/* The jobs have not begun: they are run by the replacement and none is blamed. */
static void test_a_worker_stopped_while_idle_does_not_hold_jobs_for_ever(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 2, 80);
    warm_up(executor);
    pid_t pid;
    if (support_children(&pid, 1) != 1)
        skip(); /* this kernel does not list children */
    assert_int_equal(kill(pid, SIGSTOP), 0);
    struct mp_future *futures[3];
    for (int i = 0; i < 3; i++)
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    for (int i = 0; i < 3; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(support_stats(executor).backend.workers_lost, 1);
    assert_int_equal(support_stats(executor).failed, 0);
    mp_executor_free(executor);
}

/* Its first time it stops; from then on it starts. */
static int hook_stops_once(void *ctx, int worker)
{
    (void)worker;
    _Atomic int *starts = ctx;
    return (*starts)++ == 0 ? raise(SIGSTOP) : 0;
}

static void test_a_worker_stopped_before_it_has_begun_is_replaced(void **state)
{
    (void)state;
    _Atomic int *starts = support_share(sizeof *starts);
    struct mp_executor *executor = support_create(&(struct mp_executor_options){
        .workers = 1, .deadline_ms = 80, .start = hook_stops_once, .ctx = starts});
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_int_equal(*starts, 2);
    assert_int_equal(support_stats(executor).backend.workers_lost, 1);
    mp_executor_free(executor);
    support_unshare((void *)starts, sizeof *starts);
}

/* The control page of this worker: the shared memory that is not the test's own. */
static struct control *control_page(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    void *begin, *found = NULL;
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "/dev/zero (deleted)") && sscanf(line, "%p", &begin) == 1 &&
            begin != (void *)scene)
            found = begin;
    if (maps)
        fclose(maps);
    if (!found)
        _exit(98);
    return found;
}

/* Pretends to get on with a chunk, again and again. */
static int task_lie_about_progress(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    struct control *control = control_page();
    uint32_t seq = 0;
    for (int i = 0; i < CONTROL_SLOTS; i++)
        if ((control->words[i] & 7) == CONTROL_RUNNING)
            seq = (uint32_t)(control->words[i] >> 3);
    for (uint32_t i = 0;; i++) {
        control->progress = control_progress_pack(
            (struct control_progress){.seq = seq, .count = i % 60000, .size = 16 * (i % 1000)});
        poll(NULL, 0, 5);
    }
    return 0;
}

/* Says that its job is still queued, or has ended. */
static int task_lie_about_state(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)size;
    struct control *control = control_page();
    enum control_state lie = *(const char *)arg == 'q' ? CONTROL_QUEUED : CONTROL_DONE;
    for (int i = 0; i < CONTROL_SLOTS; i++)
        control->words[i] = (control->words[i] & ~UINT64_C(7)) | lie;
    for (;;)
        pause();
    return 0;
}

static void expect_ended(struct mp_future *future)
{
    const void *data;
    size_t size;
    int error = support_result(future, &data, &size);
    if (error != MP_EDEADLINE && error != MP_ECRASH)
        fail_msg("ended with %d", error);
    mp_future_free(future);
}

static void test_a_lying_worker_does_not_outrun_its_deadline(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0, 80);
    expect_ended(support_submit(executor, task_lie_about_progress, "", 0));
    expect_ended(support_submit(executor, task_lie_about_state, "d", 1));
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
}

static int source_one(void *user, const void **ret_arg, size_t *ret_size)
{
    int *left = user;
    *ret_arg = "";
    *ret_size = 0;
    return (*left)-- > 0;
}

static void test_a_lying_worker_in_a_chunk_does_not_either(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0, 80);
    int left = 1;
    struct mp_map *map;
    struct mp_item item;
    assert_int_equal(mp_executor_map(executor, task_lie_about_progress, source_one, &left,
                                     &(struct mp_map_options){.chunk = 5}, &map),
                     0);
    assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 1);
    mp_map_free(map); /* whatever that element came to */
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    mp_executor_free(executor);
}

/* ---- Killing a future ----------------------------------------------------------------------- */

static void test_kill_of_a_job_that_has_not_begun_cancels_it(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 1, 0);
    struct mp_future *running = submit(executor, support_task_gated, 0);
    struct mp_future *ahead = submit(executor, task_hang, 0);
    struct mp_future *pending = submit(executor, task_hang, 0);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_future_kill(ahead), 0);
    assert_int_equal(mp_future_kill(pending), 0);
    assert_int_equal(mp_future_state(ahead), MP_CANCELLED);
    assert_int_equal(mp_future_state(pending), MP_CANCELLED);
    assert_int_equal(mp_future_kill(pending), 0); /* cancelled already */
    support_raise(&scene->gate.gate);
    support_expect(running, "x", 1);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_future_free(ahead);
    mp_future_free(pending);
    mp_executor_free(executor);
}

static void test_kill_of_a_job_that_runs_ends_it_and_no_other(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 3, 0);
    struct mp_future *running = submit(executor, task_hang_unmoved, 0);
    struct mp_future *others[3];
    for (int i = 0; i < 3; i++)
        others[i] = support_submit(executor, support_task_echo, &i, sizeof i);
    assert_true(support_await(&scene->gate.begun, 1));
    assert_int_equal(mp_future_cancel(running), -EBUSY);
    assert_int_equal(mp_future_kill(running), 0);
    const struct mp_fault *fault = support_expect_fault(running, MP_EKILLED);
    assert_int_equal(fault->status, -SIGKILL);
    assert_int_equal(fault->attempts, 1);
    assert_int_equal(mp_future_kill(running), -EBUSY); /* settled */
    for (int i = 0; i < 3; i++)
        support_expect(others[i], &i, sizeof i);
    assert_int_equal(support_stats(executor).backend.workers_lost, 1);
    mp_future_free(running);
    mp_executor_free(executor);
}

static void test_kill_of_a_settled_job_is_refused(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1, 0, 0);
    struct mp_future *future = submit(executor, support_task_echo, 0);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, SUPPORT_LONG_MS), 1);
    assert_int_equal(mp_future_kill(future), -EBUSY);
    support_expect(future, "x", 1);
    mp_executor_free(executor);
}

/* Kills jobs that are about to end: each has its result, or was killed before its end. */
static void test_kill_races_with_the_end(void **state)
{
    (void)state;
    enum { JOBS = 60 };
    struct mp_executor *executor = create(2, 1, 0);
    int killed = 0, refused = 0;
    for (int i = 0; i < JOBS; i++) {
        struct job job = {.index = i, .work_ms = i % 3};
        struct mp_future *future = support_submit(executor, task_ledger, &job, sizeof job);
        while (scene->began[i] == 0)
            (void)mp_executor_pump(executor, 1);
        for (int spin = i % 10 * 200; spin > 0; spin--)
            atomic_load(&scene->finished[i]);
        bool was_killed = mp_future_kill(future) == 0;
        killed += was_killed;
        refused += !was_killed;
        if (was_killed) {
            support_expect_fault(future, MP_EKILLED);
            mp_future_free(future);
        } else {
            support_expect(future, &job, sizeof job);
            assert_int_equal(scene->finished[i], 1);
        }
        assert_int_equal(scene->began[i], 1);
    }
    assert_int_equal(killed + refused, JOBS);
    assert_int_equal(support_stats(executor).backend.workers_lost, killed);
    mp_executor_free(executor);
}

/* ---- Where nothing can be killed ------------------------------------------------------------ */

static void test_back_ends_that_cannot_kill_say_so(void **state)
{
    (void)state;
    static const enum mp_kind kinds[] = {MP_THREADS, MP_SEQUENTIAL};
    for (int i = 0; i < 2; i++) {
        struct mp_executor_options options = {.kind = kinds[i], .workers = 1, .ctx = scene};
        struct mp_executor *executor = support_create(&options), *other = NULL;
        struct mp_future *future = NULL;
        options.deadline_ms = 10;
        assert_int_equal(mp_executor_create(&options, &other), MP_ENOKILL);
        assert_null(other);
        assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1,
                                            &(struct mp_submit_options){.deadline_ms = 10},
                                            &future),
                         MP_ENOKILL);
        assert_null(future);
        if (kinds[i] == MP_THREADS) {
            future = submit(executor, support_task_gated, -1);
            assert_true(support_await(&scene->gate.begun, 1));
            assert_int_equal(mp_future_kill(future), MP_ENOKILL);
            support_raise(&scene->gate.gate);
            support_expect(future, "x", 1);
        }
        future = submit(executor, support_task_echo, -1);
        assert_int_equal(support_stats(executor).submitted, kinds[i] == MP_THREADS ? 2 : 1);
        support_expect(future, "x", 1);
        mp_executor_free(executor);
    }
}

static void test_deadlines_and_grace_are_not_negative(void **state)
{
    (void)state;
    const struct mp_executor_options wrong[] = {
        {.deadline_ms = -1}, {.grace_ms = -1}, {.retries = -1}, {.jobs_per_worker = -1}};
    struct mp_executor *executor = NULL;
    for (int i = 0; i < 4; i++)
        assert_int_equal(mp_executor_create(&wrong[i], &executor), -EINVAL);
    assert_null(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_hung_job_is_killed_when_its_time_is_up, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_submit_may_have_its_own_deadline_or_none,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_deadline_a_submit_may_have_one, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_time_in_the_queue_does_not_count, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_time_of_the_start_hook_does_not_count, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_deadline_never_hits_another_job, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_parent_that_was_away_blames_nobody, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_deadline_is_not_retried, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_task_that_ignores_sigterm_is_killed_all_the_same,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_grace_lets_a_handler_clean_up, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_without_grace_no_handler_runs, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_result_within_the_grace_comes_too_late, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_descriptor_tells_of_deadlines, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_descriptor_tells_when_the_grace_is_over,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_descriptor_tells_of_a_worker_that_a_cancel_left_idle, scene_setup,
            scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_job_that_stops_its_worker_is_killed, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_the_time_when_all_were_stopped_does_not_count,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_worker_stopped_while_idle_does_not_hold_jobs_for_ever, scene_setup,
            scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_stopped_before_it_has_begun_is_replaced,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_lying_worker_does_not_outrun_its_deadline,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_lying_worker_in_a_chunk_does_not_either, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_kill_of_a_job_that_has_not_begun_cancels_it,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_kill_of_a_job_that_runs_ends_it_and_no_other,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_kill_of_a_settled_job_is_refused, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_kill_races_with_the_end, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_back_ends_that_cannot_kill_say_so, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_deadlines_and_grace_are_not_negative, scene_setup,
                                        scene_teardown),
    };
    return cmocka_run_group_tests_name("mproc/deadline", tests, NULL, NULL);
}
