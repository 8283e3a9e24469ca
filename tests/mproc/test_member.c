/* member: one worker as the parent sees it, in moments that an executor meets only by chance. */
#include "mproc/io.h"
#include "mproc/member.h"
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* A crew of one, and what was told of its jobs, in order. */
struct stage {
    struct crew crew;
    struct member member;
    const struct mp_job *told[CONTROL_SLOTS];
    struct mp_outcome outcomes[CONTROL_SLOTS]; /* without data and message */
    char data[16];                             /* of the last result, with its end */
    unsigned count;                            /* of what was told */
};

static void on_outcome(void *user, const struct mp_job *job, const struct mp_outcome *outcome)
{
    struct stage *stage = user;
    assert_true(stage->count < CONTROL_SLOTS);
    stage->told[stage->count] = job;
    stage->outcomes[stage->count++] = *outcome;
    if (outcome->code == 0 && outcome->size < sizeof stage->data) {
        memcpy(stage->data, outcome->data, outcome->size);
        stage->data[outcome->size] = '\0';
    }
}

static struct stage *stage_open_on(const struct mp_executor_options *options)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->crew.options = *options;
    stage->crew.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    stage->crew.settle = on_outcome;
    stage->crew.settle_user = stage;
    member_init(&stage->member, 0);
    assert_int_equal(member_start(&stage->crew, &stage->member), 0);
    return stage;
}

static struct stage *stage_open(void *ctx)
{
    return stage_open_on(&(struct mp_executor_options){.result_max = 1000, .ctx = ctx});
}

/* Waits until the worker is a zombie, without collecting it. */
static void wait_for_zombie(const struct stage *stage)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)stage->member.process.pid, &info, WEXITED | WNOWAIT), 0);
}

static void stage_close(struct stage *stage)
{
    if (stage->member.phase != PHASE_ABSENT) {
        member_kill(&stage->crew, &stage->member);
        wait_for_zombie(stage);
        member_check(&stage->crew, &stage->member);
    }
    assert_int_equal(stage->member.phase, PHASE_ABSENT);
    assert_int_equal(stage->member.slots.held, 0);
    io_close(&stage->crew.epoll_fd);
    free(stage);
}

static void assign(struct stage *stage, const struct mp_job *job)
{
    member_assign(&stage->crew, &stage->member, job);
    member_flush(&stage->crew, &stage->member);
}

/* Waits until the worker has moved the job in this slot, the first of its kind, to this state. */
static void wait_for_state(const struct stage *stage, unsigned slot, enum control_state state)
{
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    uint64_t seq = stage->member.slots.all[slot].seq;
    while (control_state_of(stage->member.slots.control, slot, seq) != state) {
        assert_true(support_now_ms() < deadline);
        poll(NULL, 0, 1);
    }
}

static void test_the_last_results_are_taken_before_the_burial(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct stage *stage = stage_open(gate);
    struct mp_job done = {.fn = support_task_echo, .arg = "done", .arg_size = 4};
    struct mp_job runs = {.fn = support_task_gated, .arg = ""};
    struct mp_job waits = {.fn = support_task_echo, .arg = ""};
    assign(stage, &done);
    assign(stage, &runs);
    assign(stage, &waits);
    wait_for_state(stage, 0, CONTROL_DONE);
    assert_true(support_await(&gate->begun, 1));
    assert_int_equal(kill(stage->member.process.pid, SIGKILL), 0);
    wait_for_zombie(stage);
    member_check(&stage->crew, &stage->member); /* told of the death, and not of the results */
    assert_int_equal(stage->count, 3);
    assert_ptr_equal(stage->told[0], &done);
    assert_int_equal(stage->outcomes[0].code, 0);
    assert_string_equal(stage->data, "done");
    assert_ptr_equal(stage->told[1], &waits); /* the newest first */
    assert_int_equal(stage->outcomes[1].code, MP_ERETURNED);
    assert_ptr_equal(stage->told[2], &runs);
    assert_int_equal(stage->outcomes[2].code, MP_ECRASH);
    assert_int_equal(stage->outcomes[2].status, -SIGKILL);
    stage_close(stage);
    support_unshare(gate, sizeof *gate);
}

static void test_a_worker_that_was_killed_in_silence_is_buried_by_its_end_of_file(void **state)
{
    (void)state;
    struct stage *stage = stage_open(NULL);
    struct mp_job job = {.fn = support_task_echo, .arg = ""};
    assert_int_equal(kill(stage->member.process.pid, SIGSTOP), 0);
    assign(stage, &job);
    assert_int_equal(kill(stage->member.process.pid, SIGKILL), 0);
    wait_for_zombie(stage);
    while (stage->member.phase != PHASE_ABSENT)
        member_receive(&stage->crew, &stage->member); /* perhaps a greeting first */
    assert_int_equal(stage->count, 1);
    assert_int_equal(stage->outcomes[0].code, MP_ERETURNED);
    assert_int_equal(stage->crew.hook_failures, 0);
    assert_int_equal(stage->crew.stats.workers_lost, 1);
    stage_close(stage);
}

static void test_jobs_are_taken_back_newest_first_until_one_has_begun(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct stage *stage = stage_open(gate);
    struct mp_job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct mp_job){.fn = support_task_gated, .arg = ""};
        assign(stage, &jobs[i]);
    }
    assert_true(support_await(&gate->begun, 1));
    assert_true(member_revoke(&stage->member, &jobs[2]));
    assert_false(member_revoke(&stage->member, &jobs[2]));
    assert_ptr_equal(member_take_back(&stage->member), &jobs[3]);
    assert_ptr_equal(member_take_back(&stage->member), &jobs[1]);
    assert_null(member_take_back(&stage->member));
    assert_false(member_revoke(&stage->member, &jobs[0]));
    assert_int_equal(stage->member.slots.held, 1);
    stage_close(stage);
    assert_int_equal(gate->begun.value, 1);
    support_unshare(gate, sizeof *gate);
}

/* It cannot be talked to, and has not died of it: its time is short. */
static int task_close_and_stay(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    struct support_gate *gate = mp_task_ctx(task);
    close(support_result_fd(task));
    support_raise(&gate->begun);
    support_await(&gate->gate, 1);
    return 0;
}

static void test_a_worker_that_closed_its_pipe_is_killed_after_a_while(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct stage *stage = stage_open(gate);
    struct mp_job job = {.fn = task_close_and_stay, .arg = ""}, ahead = job;
    assign(stage, &job);
    assign(stage, &ahead);
    assert_true(support_await(&gate->begun, 1));
    while (stage->member.phase == PHASE_WORKING)
        member_receive(&stage->crew, &stage->member); /* the greeting first */
    assert_int_equal(stage->member.phase, PHASE_CONDEMNED);
    assert_false(member_takes_jobs(&stage->crew, &stage->member));
    member_expire(&stage->crew, &stage->member); /* not yet */
    assert_false(process_reap(&stage->member.process));
    assert_true(
        member_revoke(&stage->member, &ahead)); /* what has not begun need not wait for it */
    while (stage->member.phase != PHASE_ABSENT) {
        poll(NULL, 0, 1);
        member_expire(&stage->crew, &stage->member);
        member_check(&stage->crew, &stage->member);
    }
    assert_int_equal(stage->count, 1);
    assert_int_equal(stage->outcomes[0].code, MP_ECRASH);
    assert_int_equal(stage->outcomes[0].status, -SIGKILL);
    assert_int_equal(stage->crew.hook_failures, 0); /* it had greeted */
    stage_close(stage);
    support_unshare(gate, sizeof *gate);
}

static void hook_stop_writes(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    (void)!write(STDERR_FILENO, "goodbye\n", 8);
}

static void test_what_a_worker_writes_last_is_passed_on(void **state)
{
    (void)state;
    int pipe_fds[2], saved = dup(STDERR_FILENO);
    char text[64] = "";
    assert_int_equal(pipe(pipe_fds), 0);
    struct stage *stage =
        stage_open_on(&(struct mp_executor_options){.stderr_tail = 100, .stop = hook_stop_writes});
    member_dismiss(&stage->crew, &stage->member);
    wait_for_zombie(stage);
    dup2(pipe_fds[1], STDERR_FILENO);
    member_check(&stage->crew, &stage->member); /* told of the death alone */
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[1]);
    ssize_t n = read(pipe_fds[0], text, sizeof text - 1);
    close(pipe_fds[0]);
    stage_close(stage);
    assert_int_equal(n, 8);
    assert_string_equal(text, "goodbye\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_the_last_results_are_taken_before_the_burial),
        SUPPORT_TEST(test_a_worker_that_was_killed_in_silence_is_buried_by_its_end_of_file),
        SUPPORT_TEST(test_jobs_are_taken_back_newest_first_until_one_has_begun),
        SUPPORT_TEST(test_a_worker_that_closed_its_pipe_is_killed_after_a_while),
        SUPPORT_TEST(test_what_a_worker_writes_last_is_passed_on),
    };
    return cmocka_run_group_tests_name("mproc/member", tests, NULL, NULL);
}
