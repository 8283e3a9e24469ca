/* future: every state, on a back-end that does exactly what the test tells it to. */
#include "mproc/future.h"
#include "support/mproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A back-end whose jobs end when the test says so. */
struct puppet {
    const struct mp_job *jobs[64]; /* taken on, oldest first */
    int count;                     /* of them */
    int room;                      /* takes on no more than this */
    bool refuses_cancel;           /* all of its jobs have begun */
    int submit_error;              /* instead of taking on, when not 0 */
    struct mp_outcome outcome;     /* to tell of jobs[tell] at the next poll */
    int tell;                      /* -1: nothing */
    int poll_error;                /* what poll returns */
    int event_fd;
    int frees; /* times it was freed */
};

static void job_remove(struct puppet *puppet, int index)
{
    puppet->count--;
    for (int i = index; i < puppet->count; i++)
        puppet->jobs[i] = puppet->jobs[i + 1];
}

static int puppet_submit(void *self, const struct mp_job *job)
{
    struct puppet *puppet = self;
    if (puppet->submit_error)
        return puppet->submit_error;
    if (puppet->count >= puppet->room)
        return -EAGAIN;
    puppet->jobs[puppet->count++] = job;
    return 0;
}

static int puppet_poll(void *self, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct puppet *puppet = self;
    (void)timeout_ms;
    if (puppet->tell >= 0) {
        const struct mp_job *job = puppet->jobs[puppet->tell];
        job_remove(puppet, puppet->tell);
        puppet->tell = -1;
        settle(user, job, &puppet->outcome);
    }
    return puppet->poll_error;
}

static int puppet_cancel(void *self, const struct mp_job *job)
{
    struct puppet *puppet = self;
    for (int i = 0; i < puppet->count && !puppet->refuses_cancel; i++)
        if (puppet->jobs[i] == job) {
            job_remove(puppet, i);
            return 0;
        }
    return -EBUSY;
}

static int puppet_fd(void *self)
{
    return ((struct puppet *)self)->event_fd;
}

static int puppet_stop(void *self, bool kill, int timeout_ms, mp_settle_fn *settle, void *user)
{
    struct puppet *puppet = self;
    (void)timeout_ms;
    while (kill && puppet->count > 0) {
        const struct mp_job *job = puppet->jobs[puppet->count - 1];
        job_remove(puppet, puppet->count - 1);
        int code = puppet->refuses_cancel ? MP_EKILLED : MP_ERETURNED;
        settle(user, job, &(struct mp_outcome){.code = code, .worker = 3});
    }
    return 0;
}

static void puppet_stats(void *self, struct mp_backend_stats *ret)
{
    (void)self;
    *ret = (struct mp_backend_stats){.workers_started = 5, .workers_lost = 2};
}

static void puppet_free(void *self)
{
    struct puppet *puppet = self;
    puppet->frees++;
    close(puppet->event_fd);
}

static struct mp_executor *create(struct puppet *puppet, int room)
{
    *puppet = (struct puppet){.room = room, .tell = -1, .event_fd = eventfd(0, EFD_CLOEXEC)};
    struct mp_backend backend = {.self = puppet,
                                 .submit = puppet_submit,
                                 .poll = puppet_poll,
                                 .cancel = puppet_cancel,
                                 .fd = puppet_fd,
                                 .stop = puppet_stop,
                                 .stats = puppet_stats,
                                 .free = puppet_free};
    struct mp_executor_options options = {.workers = 1};
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create_on(&backend, &options, &executor), 0);
    return executor;
}

/* Lets the job that was taken on as number `index` end like this. */
static void tell(struct mp_executor *executor, struct puppet *puppet, int index,
                 struct mp_outcome outcome)
{
    puppet->tell = index;
    puppet->outcome = outcome;
    assert_int_equal(mp_executor_pump(executor, 0), 0);
}

static struct mp_future *submit(struct mp_executor *executor)
{
    return support_submit(executor, support_task_echo, "arg", 3);
}

static const void *data;
static size_t size;

/* ---- States --------------------------------------------------------------------------------- */

static void test_pending_until_the_back_end_has_room(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *first = submit(executor), *second = submit(executor);
    assert_int_equal(mp_future_state(first), MP_RUNNING);
    assert_int_equal(mp_future_state(second), MP_PENDING);
    assert_int_equal(mp_future_result(first, 0, &data, &size), -ETIMEDOUT);
    assert_int_equal(mp_future_result(second, 0, &data, &size), -ETIMEDOUT);
    assert_null(mp_future_fault(first));
    assert_null(mp_future_fault(second));
    assert_int_equal(mp_future_worker(first), -1);
    tell(executor, &puppet, 0, (struct mp_outcome){.data = "ok", .size = 2, .worker = 4});
    assert_int_equal(mp_future_state(first), MP_DONE);
    assert_int_equal(mp_future_state(second), MP_RUNNING);
    assert_int_equal(mp_future_worker(first), 4);
    support_expect(first, "ok", 2);
    mp_future_free(second);
    mp_executor_free(executor);
    assert_int_equal(puppet.frees, 1);
}

static void test_a_result_is_a_copy_that_stays(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    char bytes[] = "result";
    tell(executor, &puppet, 0, (struct mp_outcome){.data = bytes, .size = 6});
    memset(bytes, 'x', sizeof bytes);
    mp_executor_free(executor);
    assert_int_equal(mp_future_result(future, 0, &data, &size), 0);
    assert_int_equal(size, 6);
    assert_memory_equal(data, "result", 6);
    support_expect(future, "result", 6); /* and can be asked for again */
}

static void test_an_empty_result_is_not_a_failure(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    tell(executor, &puppet, 0, (struct mp_outcome){0});
    support_expect(future, "", 0);
    mp_executor_free(executor);
}

static void test_a_fault_has_all_that_the_back_end_told(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 2);
    struct mp_future *told = submit(executor), *silent = submit(executor);
    char message[] = "it broke";
    tell(executor, &puppet, 0,
         (struct mp_outcome){.code = MP_ECRASH,
                             .status = -11,
                             .worker = 2,
                             .pid = 4711,
                             .lost_result = true,
                             .message = message});
    message[0] = '\0';
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ETASK, .status = 9});
    mp_executor_free(executor);
    const struct mp_fault *fault = support_expect_fault(told, MP_ECRASH);
    assert_int_equal(fault->status, -11);
    assert_int_equal(fault->worker, 2);
    assert_int_equal(fault->pid, 4711);
    assert_true(fault->lost_result);
    assert_string_equal(fault->message, "it broke");
    fault = support_expect_fault(silent, MP_ETASK); /* has a message all the same */
    assert_int_equal(fault->status, 9);
    assert_false(fault->lost_result);
    mp_future_free(told);
    mp_future_free(silent);
}

/* A returned job is first in line again. */
static void test_returned_jobs_go_back_in_front_in_their_order(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 2);
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        futures[i] = submit(executor);
    puppet.room = 0;
    tell(executor, &puppet, 1, (struct mp_outcome){.code = MP_ERETURNED}); /* the newest first */
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ERETURNED});
    for (int i = 0; i < 4; i++)
        assert_int_equal(mp_future_state(futures[i]), MP_PENDING);
    puppet.room = 4;
    assert_int_equal(mp_executor_pump(executor, 0), 0);
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(puppet.jobs[i], &futures[i]->job);
        assert_int_equal(mp_future_state(futures[i]), MP_RUNNING);
    }
    mp_executor_free(executor);
    for (int i = 0; i < 4; i++)
        mp_future_free(futures[i]);
}

static void test_the_argument_is_copied(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    char arg[] = "argument";
    int fds[] = {2, 1, 0};
    struct mp_submit_options options = {.fds = fds, .fd_count = 3, .user = &puppet};
    struct mp_future *future;
    assert_int_equal(mp_executor_submit(executor, support_task_echo, arg, 8, &options, &future), 0);
    memset(arg, 'x', sizeof arg);
    fds[1] = -1;
    const struct mp_job *job = puppet.jobs[0];
    assert_int_equal(job->arg_size, 8);
    assert_memory_equal(job->arg, "argument", 8);
    assert_int_equal(job->fd_count, 3);
    assert_int_equal(job->fds[1], 1);
    assert_ptr_equal(job->fn, support_task_echo);
    assert_ptr_equal(mp_future_user(future), &puppet);
    mp_executor_free(executor);
    mp_future_free(future);
}

/* ---- Cancel --------------------------------------------------------------------------------- */

static void test_cancel_of_a_pending_job(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 0);
    struct mp_future *future = submit(executor);
    assert_int_equal(mp_future_cancel(future), 0);
    assert_int_equal(mp_future_state(future), MP_CANCELLED);
    assert_int_equal(mp_future_cancel(future), 0); /* again */
    assert_int_equal(mp_future_result(future, MP_FOREVER, &data, &size), -ECANCELED);
    assert_null(mp_future_fault(future));
    assert_int_equal(mp_future_worker(future), -1);
    puppet.room = 1;
    assert_int_equal(mp_executor_pump(executor, 0), 0);
    assert_int_equal(puppet.count, 0); /* it is never handed out */
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_cancel_of_a_job_that_waits_at_a_worker(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    assert_int_equal(mp_future_cancel(future), 0);
    assert_int_equal(puppet.count, 0);
    assert_int_equal(mp_future_state(future), MP_CANCELLED);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_cancel_of_a_job_that_runs_is_refused(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    puppet.refuses_cancel = true;
    assert_int_equal(mp_future_cancel(future), -EBUSY);
    assert_int_equal(mp_future_state(future), MP_RUNNING);
    tell(executor, &puppet, 0, (struct mp_outcome){.data = "x", .size = 1});
    assert_int_equal(mp_future_cancel(future), -EBUSY);
    support_expect(future, "x", 1);
    mp_executor_free(executor);
}

static void test_cancel_of_a_failed_job_is_refused(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ETASK});
    assert_int_equal(mp_future_cancel(future), -EBUSY);
    assert_int_equal(mp_future_state(future), MP_FAILED);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_a_cancelled_job_makes_room(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 0);
    struct mp_submit_options nowait = {.nowait = true};
    struct mp_future *futures[64], *more = NULL;
    for (int i = 0; i < 64; i++) /* the default for one worker */
        futures[i] = submit(executor);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, &nowait, &more),
                     -EAGAIN);
    assert_int_equal(mp_future_cancel(futures[30]), 0);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, &nowait, &more), 0);
    mp_executor_free(executor);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(mp_future_state(futures[i]), MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    mp_future_free(more);
}

/* ---- Letting go ----------------------------------------------------------------------------- */

/* That nothing is lost or freed twice is for the leak checker to see. */
static void test_free_is_good_in_any_state(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 4);
    struct mp_future *done = submit(executor), *failed = submit(executor);
    struct mp_future *returned = submit(executor), *running = submit(executor);
    struct mp_future *pending = submit(executor), *cancelled = submit(executor);
    assert_int_equal(mp_future_cancel(cancelled), 0);
    mp_future_free(done);
    mp_future_free(failed);
    mp_future_free(returned);
    mp_future_free(running);
    mp_future_free(pending);
    mp_future_free(cancelled);
    mp_future_free(NULL);
    tell(executor, &puppet, 0, (struct mp_outcome){.data = "x", .size = 1});
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ETASK, .message = "text"});
    puppet.room = 0;
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ERETURNED});
    assert_int_equal(puppet.count, 2); /* what was let go goes on */
    mp_executor_free(executor);
    assert_int_equal(puppet.count, 0);
}

static void test_futures_outlive_their_executor(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 2);
    struct mp_future *futures[3];
    for (int i = 0; i < 3; i++)
        futures[i] = submit(executor);
    tell(executor, &puppet, 0, (struct mp_outcome){.data = "x", .size = 1});
    puppet.refuses_cancel = true;
    mp_executor_free(executor);
    support_expect(futures[0], "x", 1);
    support_expect_fault(futures[1], MP_EKILLED);
    support_expect_fault(futures[2], MP_EKILLED);
    assert_int_equal(mp_wait(&futures[1], 2, MP_ALL, MP_FOREVER), 2);
    assert_int_equal(mp_future_cancel(futures[1]), -EBUSY);
    mp_future_free(futures[1]);
    mp_future_free(futures[2]);
}

/* ---- A back-end of somebody else's ---------------------------------------------------------- */

static void test_a_broken_back_end_fails_everything_at_once(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *handed = submit(executor), *pending = submit(executor), *late = NULL;
    puppet.poll_error = MP_EBROKEN;
    support_expect_fault(pending, MP_EBROKEN);
    support_expect_fault(handed, MP_EBROKEN); /* it had not begun */
    assert_int_equal(mp_executor_pump(executor, 0), MP_EBROKEN);
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, NULL, &late),
                     MP_EBROKEN);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    mp_future_free(handed);
    mp_future_free(pending);
    mp_executor_free(executor);
}

static void test_a_back_end_that_refuses_a_job_is_broken(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    puppet.submit_error = -EIO;
    struct mp_future *future = submit(executor);
    support_expect_fault(future, MP_EBROKEN);
    mp_future_free(future);
    mp_executor_free(executor);
}

/* Canceling shutdown: what the back-end gives back must not be handed out once more. */
static void test_what_comes_back_after_a_cancelling_shutdown_is_cancelled(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    puppet.refuses_cancel = true;
    assert_int_equal(mp_executor_shutdown(executor, MP_CANCEL, 0), -ETIMEDOUT);
    tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ERETURNED});
    assert_int_equal(mp_future_state(future), MP_CANCELLED);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_a_job_does_not_come_back_for_ever(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_future *future = submit(executor);
    int times = 0;
    for (; mp_future_state(future) == MP_RUNNING && times < 100000; times++)
        tell(executor, &puppet, 0, (struct mp_outcome){.code = MP_ERETURNED});
    assert_int_equal(times, 1000);
    assert_int_equal(support_expect_fault(future, MP_ECRASH)->code, MP_ECRASH);
    mp_future_free(future);
    mp_executor_free(executor);
}

static void test_stats_are_the_back_ends(void **state)
{
    (void)state;
    struct puppet puppet;
    struct mp_executor *executor = create(&puppet, 1);
    struct mp_executor_stats stats;
    mp_executor_stats(executor, &stats);
    assert_int_equal(stats.backend.workers_started, 5);
    assert_int_equal(stats.backend.workers_lost, 2);
    assert_int_equal(mp_executor_fd(executor), puppet.event_fd);
    mp_executor_free(executor);
}

static void test_a_failed_creation_frees_the_back_end(void **state)
{
    (void)state;
    struct puppet puppet;
    mp_executor_free(create(&puppet, 1));
    puppet.event_fd = eventfd(0, EFD_CLOEXEC);
    struct mp_backend backend = {.self = &puppet, .free = puppet_free};
    struct mp_executor_options options = {.workers = -1};
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create_on(&backend, &options, &executor), -EINVAL);
    assert_null(executor);
    assert_int_equal(puppet.frees, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_pending_until_the_back_end_has_room),
        SUPPORT_TEST(test_a_result_is_a_copy_that_stays),
        SUPPORT_TEST(test_an_empty_result_is_not_a_failure),
        SUPPORT_TEST(test_a_fault_has_all_that_the_back_end_told),
        SUPPORT_TEST(test_returned_jobs_go_back_in_front_in_their_order),
        SUPPORT_TEST(test_the_argument_is_copied),
        SUPPORT_TEST(test_cancel_of_a_pending_job),
        SUPPORT_TEST(test_cancel_of_a_job_that_waits_at_a_worker),
        SUPPORT_TEST(test_cancel_of_a_job_that_runs_is_refused),
        SUPPORT_TEST(test_cancel_of_a_failed_job_is_refused),
        SUPPORT_TEST(test_a_cancelled_job_makes_room),
        SUPPORT_TEST(test_free_is_good_in_any_state),
        SUPPORT_TEST(test_futures_outlive_their_executor),
        SUPPORT_TEST(test_a_broken_back_end_fails_everything_at_once),
        SUPPORT_TEST(test_a_back_end_that_refuses_a_job_is_broken),
        SUPPORT_TEST(test_what_comes_back_after_a_cancelling_shutdown_is_cancelled),
        SUPPORT_TEST(test_a_job_does_not_come_back_for_ever),
        SUPPORT_TEST(test_stats_are_the_back_ends),
        SUPPORT_TEST(test_a_failed_creation_frees_the_back_end),
    };
    return cmocka_run_group_tests_name("mproc/future", tests, NULL, NULL);
}
