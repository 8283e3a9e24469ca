/* task: what a job may leave behind, and what becomes of it. */
#include "mproc/task.h"
#include "support/mproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct mp_task task_with(size_t result_max)
{
    return (struct mp_task){.result_max = result_max};
}

static void test_the_last_result_counts(void **state)
{
    (void)state;
    struct mp_task task = task_with(100);
    assert_int_equal(mp_task_return(&task, "first one", 9), 0);
    assert_int_equal(mp_task_return(&task, "2nd", 3), 0);
    assert_int_equal(task.result_size, 3);
    assert_memory_equal(task.result, "2nd", 3);
    char *room = mp_task_reserve(&task, 100);
    assert_non_null(room);
    memset(room, 7, 100);
    assert_int_equal(task.result_size, 100);
    task_done(&task);
}

static void test_a_result_above_the_limit_is_refused(void **state)
{
    (void)state;
    struct mp_task task = task_with(8);
    assert_int_equal(mp_task_return(&task, "12345678", 8), 0);
    assert_int_equal(mp_task_return(&task, "123456789", 9), -EMSGSIZE);
    assert_null(mp_task_reserve(&task, 9));
    assert_null(mp_task_reserve(&task, SIZE_MAX));
    assert_int_equal(task.result_size, 8); /* the earlier one is still good */
    task_done(&task);
}

static void test_an_empty_result_is_one(void **state)
{
    (void)state;
    struct mp_task task = task_with(8);
    assert_int_equal(mp_task_return(&task, NULL, 0), 0);
    assert_int_equal(task.result_size, 0);
    assert_non_null(mp_task_reserve(&task, 0));
    task_done(&task);
}

static int nothing(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    return 0;
}

static int return_minus_five(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    return -5;
}

static int fail_with_zero(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    mp_task_fail(task, 0, "no %s", "luck");
    return 0; /* forgotten: it has failed all the same */
}

static int fail_at_length(struct mp_task *task, const void *arg, size_t size)
{
    (void)size;
    return mp_task_fail(task, 3, "%s", (const char *)arg);
}

static void test_a_status_that_is_not_zero_is_a_failure(void **state)
{
    (void)state;
    struct mp_task task = task_with(8);
    task_run(&task, return_minus_five, "", 0);
    assert_int_equal(task.code, MP_ETASK);
    assert_int_equal(task.status, -5);
    assert_true(strstr(task.message, "-5") != NULL);
    task_run(&task, nothing, "", 0);
    assert_int_equal(task.code, 0); /* nothing sticks to the next job */
    assert_int_equal(task.status, 0);
    assert_string_equal(task.message, "");
    task_done(&task);
}

static void test_a_failure_with_status_zero_is_one(void **state)
{
    (void)state;
    struct mp_task task = task_with(8);
    task_run(&task, fail_with_zero, "", 0);
    assert_int_equal(task.code, MP_ETASK);
    assert_int_equal(task.status, 0);
    assert_string_equal(task.message, "no luck");
    task_done(&task);
}

static void test_a_message_is_cut_at_1023_bytes(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'm', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct mp_task task = task_with(8);
    task_run(&task, fail_at_length, text, sizeof text);
    assert_int_equal(task.status, 3);
    assert_int_equal(strlen(task.message), 1023);
    task_done(&task);
}

static void test_a_result_of_the_job_before_does_not_stay(void **state)
{
    (void)state;
    struct mp_task task = task_with(100);
    task_run(&task, support_task_echo, "abc", 3);
    assert_int_equal(task.result_size, 3);
    task_run(&task, nothing, "", 0);
    assert_int_equal(task.result_size, 0);
    task_done(&task);
}

static void test_a_big_buffer_is_not_kept(void **state)
{
    (void)state;
    struct mp_task task = task_with(64 << 20);
    assert_non_null(mp_task_reserve(&task, 32 << 20));
    task_run(&task, nothing, "", 0);
    assert_true(task.capacity < 32 << 20);
    task_done(&task);
}

static void test_descriptors_are_counted(void **state)
{
    (void)state;
    int fds[] = {11, 12};
    struct mp_task task = {.fds = fds, .fd_count = 2};
    assert_int_equal(mp_task_fd(&task, 0), 11);
    assert_int_equal(mp_task_fd(&task, 1), 12);
    assert_int_equal(mp_task_fd(&task, 2), -EINVAL);
    assert_int_equal(mp_task_fd(&task, 0xffffffff), -EINVAL);
}

static void test_every_error_has_a_text(void **state)
{
    (void)state;
    const int errors[] = {MP_ETASK,    MP_ECRASH,    MP_EKILLED, MP_EBROKEN,
                          MP_ETHREADS, MP_ERETURNED, -EINVAL,    -EAGAIN};
    size_t count = sizeof errors / sizeof *errors;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(mp_strerror(errors[i]), mp_strerror(errors[k]));
    assert_string_equal(mp_strerror(-ENOENT), strerror(ENOENT));
    assert_non_null(mp_strerror(0));
    assert_non_null(mp_strerror(-99999));
    assert_non_null(mp_strerror(INT32_MIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_the_last_result_counts),
        SUPPORT_TEST(test_a_result_above_the_limit_is_refused),
        SUPPORT_TEST(test_an_empty_result_is_one),
        SUPPORT_TEST(test_a_status_that_is_not_zero_is_a_failure),
        SUPPORT_TEST(test_a_failure_with_status_zero_is_one),
        SUPPORT_TEST(test_a_message_is_cut_at_1023_bytes),
        SUPPORT_TEST(test_a_result_of_the_job_before_does_not_stay),
        SUPPORT_TEST(test_a_big_buffer_is_not_kept),
        SUPPORT_TEST(test_descriptors_are_counted),
        SUPPORT_TEST(test_every_error_has_a_text),
    };
    return cmocka_run_group_tests_name("mproc/task", tests, NULL, NULL);
}
