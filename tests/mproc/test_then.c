/* then: callbacks of futures, called once, in order, when nothing is half done. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What callbacks have noted, in the order in which they were called. */
struct notes {
    char text[64];
    size_t length;
};

struct note {
    struct notes *notes;
    char mark;
    enum mp_state state; /* in which the future was then */
};

static void on_note(struct mp_future *future, void *user)
{
    struct note *note = user;
    note->state = mp_future_state(future);
    note->notes->text[note->notes->length++] = note->mark;
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return mp_task_fail(task, 3, "as asked");
}

static int task_kill(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    return raise(SIGKILL);
}

static void wait_for(struct mp_future *future)
{
    assert_int_equal(mp_wait(&future, 1, MP_ALL, SUPPORT_LONG_MS), 1);
}

static void test_a_callback_runs_once_and_sees_the_end(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 0, gate);
    struct notes notes = {{0}, 0};
    struct note all[4] = {{&notes, 'd', 0}, {&notes, 'f', 0}, {&notes, 'k', 0}, {&notes, 'c', 0}};
    struct mp_future *futures[4] = {support_submit(executor, support_task_gated, "x", 1),
                                    support_submit(executor, task_fail, NULL, 0),
                                    support_submit(executor, task_kill, NULL, 0),
                                    support_submit(executor, support_task_echo, "x", 1)};
    for (int i = 0; i < 4; i++)
        assert_int_equal(mp_future_then(futures[i], on_note, &all[i]), 0);
    assert_int_equal(notes.length, 0);
    assert_int_equal(mp_future_cancel(futures[3]), 0);
    assert_string_equal(notes.text, "c");
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(futures, 4, MP_ALL, SUPPORT_LONG_MS), 4);
    for (int i = 0; i < 5; i++)
        assert_int_equal(mp_executor_pump(executor, 0), 0);
    assert_string_equal(notes.text, "cdfk");
    static const enum mp_state ends[] = {MP_DONE, MP_FAILED, MP_FAILED, MP_CANCELLED};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(all[i].state, ends[i]);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void test_a_callback_added_after_the_end_runs_at_once(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *futures[3] = {support_submit(executor, support_task_echo, "x", 1),
                                    support_submit(executor, task_fail, NULL, 0),
                                    support_submit(executor, support_task_echo, "x", 1)};
    (void)mp_future_cancel(futures[2]);
    assert_int_equal(mp_wait(futures, 3, MP_ALL, SUPPORT_LONG_MS), 3);
    for (int after = 0; after < 2; after++) {
        struct notes notes = {{0}, 0};
        for (int i = 0; i < 3; i++) {
            struct note note = {&notes, (char)('a' + i), MP_PENDING};
            assert_int_equal(mp_future_then(futures[i], on_note, &note), 0);
            assert_int_equal(notes.length, i + 1);
            assert_int_equal(note.state, mp_future_state(futures[i]));
        }
        if (!after)
            mp_executor_free(executor); /* and once more without it */
    }
    for (int i = 0; i < 3; i++)
        mp_future_free(futures[i]);
}

static void test_callbacks_run_in_the_order_in_which_they_were_added(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    struct notes notes = {{0}, 0};
    struct note all[26];
    for (int i = 0; i < 26; i++) {
        all[i] = (struct note){&notes, (char)('a' + i), MP_PENDING};
        assert_int_equal(mp_future_then(future, on_note, &all[i]), 0);
    }
    support_expect(future, "x", 1);
    assert_string_equal(notes.text, "abcdefghijklmnopqrstuvwxyz");
    mp_executor_free(executor);
}

/* ---- What a callback may do ----------------------------------------------------------------- */

struct adder {
    struct note note;
    struct note *later; /* added from within */
};

static void on_add(struct mp_future *future, void *user)
{
    struct adder *adder = user;
    on_note(future, &adder->note);
    assert_int_equal(mp_future_then(future, on_note, adder->later), 0);
}

static void test_one_added_by_a_callback_runs_after_those_before_it(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    struct notes notes = {{0}, 0};
    struct note second = {&notes, 'b', 0}, third = {&notes, 'c', 0};
    struct adder first = {{&notes, 'a', 0}, &third};
    assert_int_equal(mp_future_then(future, on_add, &first), 0);
    assert_int_equal(mp_future_then(future, on_note, &second), 0);
    support_expect(future, "x", 1);
    assert_string_equal(notes.text, "abc");
    mp_executor_free(executor);
}

/* A chain of jobs, each submitted by the callback of the one before. */
struct chain {
    struct mp_executor *executor;
    mp_task_fn *fn;
    int left;
    int settled;
    int error;
};

static void on_link(struct mp_future *future, void *user)
{
    struct chain *chain = user;
    struct mp_future *next;
    chain->settled++;
    mp_future_free(future);
    if (chain->left-- == 0)
        return;
    chain->error = mp_executor_submit(chain->executor, chain->fn, "x", 1, NULL, &next);
    if (chain->error == 0)
        chain->error = mp_future_then(next, on_link, chain);
}

static void expect_chain(enum mp_kind kind, mp_task_fn *fn, int links)
{
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.kind = kind, .workers = 2});
    struct chain chain = {.executor = executor, .fn = fn, .left = links};
    assert_int_equal(mp_future_then(support_submit(executor, fn, "x", 1), on_link, &chain), 0);
    while (chain.settled <= links && chain.error == 0)
        assert_int_equal(mp_executor_pump(executor, SUPPORT_LONG_MS), 0);
    assert_int_equal(chain.error, 0);
    assert_int_equal(support_stats(executor).submitted, links + 1);
    assert_int_equal(support_stats(executor).unsettled, 0);
    mp_executor_free(executor);
}

static void test_a_callback_may_submit_and_free_its_own_future(void **state)
{
    (void)state;
    expect_chain(MP_PROCESSES, support_task_echo, 100);
    expect_chain(MP_SEQUENTIAL, support_task_echo, 100);
    expect_chain(MP_THREADS, support_task_echo, 100);
}

static void test_a_callback_may_submit_after_a_crash(void **state)
{
    (void)state;
    expect_chain(MP_PROCESSES, task_kill, 15);
}

/* What a callback tries, and what it is told. */
struct attempt {
    struct mp_executor *executor;
    struct mp_future *other;
    int wait, result, as_completed, pump, shutdown, submit, nowait;
};

static void on_try(struct mp_future *future, void *user)
{
    struct attempt *try = user;
    const void *data;
    size_t size, count = 1;
    struct mp_future *others[1] = {try->other}, *one, *more = NULL;
    /* What is settled can be had without waiting, its own result included. */
    assert_int_equal(mp_future_result(future, MP_FOREVER, &data, &size), 0);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, MP_FOREVER), 1);
    try->wait = mp_wait(others, 1, MP_ALL, MP_FOREVER);
    try->result = mp_future_result(try->other, MP_FOREVER, &data, &size);
    try->as_completed = mp_as_completed(others, &count, MP_FOREVER, &one);
    try->pump = mp_executor_pump(try->executor, MP_FOREVER);
    try->shutdown = mp_executor_shutdown(try->executor, MP_KILL, MP_FOREVER);
    try->submit = mp_executor_submit(try->executor, support_task_echo, "x", 1, NULL, &more);
    try->nowait = mp_executor_submit(try->executor, support_task_echo, "x", 1,
                                     &(struct mp_submit_options){.nowait = true}, NULL);
    mp_future_free(more);
}

static void test_waiting_in_a_callback_is_refused(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.workers = 2, .prefetch = -1, .max_pending = 3, .ctx = gate});
    struct mp_future *blocked = support_submit(executor, support_task_gated, "b", 1);
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    struct attempt try = {.executor = executor,
                          .other = support_submit(executor, support_task_gated, "o", 1)};
    /* Two are not settled while it is called: one more makes three. */
    assert_int_equal(mp_future_then(future, on_try, &try), 0);
    support_expect(future, "x", 1);
    assert_int_equal(try.wait, -EDEADLK);
    assert_int_equal(try.result, -EDEADLK);
    assert_int_equal(try.as_completed, -EDEADLK);
    assert_int_equal(try.pump, -EDEADLK);
    assert_int_equal(try.shutdown, -EDEADLK);
    assert_int_equal(try.submit, 0);
    assert_int_equal(try.nowait, -EAGAIN);
    support_raise(&gate->gate);
    support_expect(blocked, "b", 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    mp_future_free(try.other);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

struct filler {
    struct mp_executor *executor;
    int submitted;
    int error;
};

static void on_fill(struct mp_future *future, void *user)
{
    struct filler *filler = user;
    (void)future;
    while ((filler->error =
                mp_executor_submit(filler->executor, support_task_echo, "x", 1, NULL, NULL)) == 0)
        filler->submitted++;
}

static void test_a_submit_that_would_wait_is_refused_in_a_callback(void **state)
{
    (void)state;
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = 1, .max_pending = 5});
    struct filler filler = {.executor = executor};
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(mp_future_then(future, on_fill, &filler), 0);
    support_expect(future, "x", 1);
    assert_int_equal(filler.error, -EAGAIN);
    assert_int_equal(filler.submitted, 5);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(support_stats(executor).done, 6);
    mp_executor_free(executor);
}

struct canceller {
    struct note note;
    struct mp_future *others[3];
};

static void on_cancel_others(struct mp_future *future, void *user)
{
    struct canceller *canceller = user;
    for (int i = 0; i < 3; i++)
        assert_int_equal(mp_future_cancel(canceller->others[i]), 0);
    on_note(future, &canceller->note); /* before theirs: they come in their turn */
}

static void test_a_callback_may_cancel_others_whose_turn_comes_after_it(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 2, gate);
    struct mp_future *first = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *second = support_submit(executor, support_task_gated, "x", 1);
    struct notes notes = {{0}, 0};
    struct canceller canceller = {.note = {&notes, 'x', 0}};
    struct note all[3];
    for (int i = 0; i < 3; i++) {
        all[i] = (struct note){&notes, (char)('a' + i), 0};
        canceller.others[i] = support_submit(executor, support_task_gated, "x", 1);
        assert_int_equal(mp_future_then(canceller.others[i], on_note, &all[i]), 0);
    }
    assert_int_equal(mp_future_then(second, on_cancel_others, &canceller), 0);
    assert_true(support_await(&gate->begun, 1));
    assert_int_equal(mp_future_cancel(second), 0); /* pulls the others along */
    assert_string_equal(notes.text, "xabc");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all[i].state, MP_CANCELLED);
        mp_future_free(canceller.others[i]);
    }
    support_raise(&gate->gate);
    support_expect(first, "x", 1);
    mp_future_free(second);
    mp_executor_free(executor);
    support_unshare(gate, sizeof *gate);
}

static void on_resize(struct mp_future *future, void *user)
{
    (void)future;
    assert_int_equal(mp_executor_resize(user, 3), 0);
    assert_int_equal(mp_executor_resize(user, 1), 0);
    assert_int_equal(mp_executor_resize(user, 2), 0);
}

static void test_a_callback_may_resize(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 3, NULL);
    struct mp_future *futures[40];
    for (int i = 0; i < 40; i++) {
        futures[i] = support_submit(executor, support_task_echo, &i, sizeof i);
        assert_int_equal(mp_future_then(futures[i], on_resize, executor), 0);
    }
    for (int i = 0; i < 40; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
}

/* ---- Futures that are let go ---------------------------------------------------------------- */

static void test_a_future_let_go_keeps_its_callbacks(void **state)
{
    (void)state;
    enum { JOBS = 60 };
    struct mp_executor *executor = support_executor(2, 3, NULL);
    struct notes notes = {{0}, 0};
    struct note note = {&notes, '.', 0};
    for (int i = 0; i < JOBS / 2; i++) {
        struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
        assert_int_equal(mp_future_then(future, on_note, &note), 0);
        assert_int_equal(mp_future_then(future, on_note, &note), 0);
        mp_future_free(future);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(notes.length, JOBS);
    assert_int_equal(note.state, MP_DONE);
    mp_executor_free(executor);
}

static void on_result(struct mp_future *future, void *user)
{
    const void *data;
    size_t size;
    assert_int_equal(mp_future_result(future, 0, &data, &size), 0);
    assert_int_equal(size, 200000);
    *(int *)user += 1;
}

static void test_a_future_let_go_has_its_result_for_its_callbacks(void **state)
{
    (void)state;
    char *bytes = calloc(1, 200000);
    assert_non_null(bytes);
    struct mp_executor *executor = support_executor(1, 1, NULL);
    int calls = 0;
    for (int i = 0; i < 5; i++) {
        struct mp_future *future = support_submit(executor, support_task_echo, bytes, 200000);
        assert_int_equal(mp_future_then(future, on_result, &calls), 0);
        mp_future_free(future);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(calls, 5);
    mp_executor_free(executor);
    free(bytes);
}

static void on_free(struct mp_future *future, void *user)
{
    on_note(future, user);
    mp_future_free(future);
}

static void test_a_callback_may_free_before_others_of_its_future(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct notes notes = {{0}, 0};
    struct note first = {&notes, 'a', 0}, second = {&notes, 'b', 0}, third = {&notes, 'c', 0};
    struct mp_future *future = support_submit(executor, support_task_echo, "x", 1);
    assert_int_equal(mp_future_then(future, on_note, &first), 0);
    assert_int_equal(mp_future_then(future, on_free, &second), 0);
    assert_int_equal(mp_future_then(future, on_note, &third), 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_string_equal(notes.text, "abc");
    mp_executor_free(executor);
}

static void test_the_end_of_the_executor_calls_back(void **state)
{
    (void)state;
    struct support_gate *gate = support_share(sizeof *gate);
    struct mp_executor *executor = support_executor(1, 1, gate);
    struct notes notes = {{0}, 0};
    struct note all[4];
    for (int i = 0; i < 4; i++) {
        struct mp_future *future = support_submit(executor, support_task_gated, "x", 1);
        all[i] = (struct note){&notes, (char)('a' + i), 0};
        assert_int_equal(mp_future_then(future, on_note, &all[i]), 0);
        mp_future_free(future);
    }
    assert_true(support_await(&gate->begun, 1));
    mp_executor_free(executor);
    assert_int_equal(notes.length, 4);
    assert_int_equal(all[0].state, MP_FAILED);
    for (int i = 1; i < 4; i++)
        assert_int_equal(all[i].state, MP_CANCELLED);
    support_unshare(gate, sizeof *gate);
}

static int hook_refuse(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return 1;
}

static void test_a_broken_executor_calls_back(void **state)
{
    (void)state;
    struct mp_executor *executor =
        support_create(&(struct mp_executor_options){.workers = 2, .start = hook_refuse});
    struct notes notes = {{0}, 0};
    struct note all[5];
    struct mp_future *futures[5];
    for (int i = 0; i < 5; i++) {
        all[i] = (struct note){&notes, (char)('a' + i), 0};
        futures[i] = support_submit(executor, support_task_echo, "x", 1);
        assert_int_equal(mp_future_then(futures[i], on_note, &all[i]), 0);
    }
    wait_for(futures[4]);
    assert_int_equal(notes.length, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(all[i].state, MP_FAILED);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_callback_runs_once_and_sees_the_end),
        SUPPORT_TEST(test_a_callback_added_after_the_end_runs_at_once),
        SUPPORT_TEST(test_callbacks_run_in_the_order_in_which_they_were_added),
        SUPPORT_TEST(test_one_added_by_a_callback_runs_after_those_before_it),
        SUPPORT_TEST(test_a_callback_may_submit_and_free_its_own_future),
        SUPPORT_TEST(test_a_callback_may_submit_after_a_crash),
        SUPPORT_TEST(test_waiting_in_a_callback_is_refused),
        SUPPORT_TEST(test_a_submit_that_would_wait_is_refused_in_a_callback),
        SUPPORT_TEST(test_a_callback_may_cancel_others_whose_turn_comes_after_it),
        SUPPORT_TEST(test_a_callback_may_resize),
        SUPPORT_TEST(test_a_future_let_go_keeps_its_callbacks),
        SUPPORT_TEST(test_a_future_let_go_has_its_result_for_its_callbacks),
        SUPPORT_TEST(test_a_callback_may_free_before_others_of_its_future),
        SUPPORT_TEST(test_the_end_of_the_executor_calls_back),
        SUPPORT_TEST(test_a_broken_executor_calls_back),
    };
    return cmocka_run_group_tests_name("mproc/then", tests, NULL, NULL);
}
