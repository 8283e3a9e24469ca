#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/jobserver.h"
#include "support/tree.h"

/* What make has: a pipe with tokens in it, and what it would say of it. */
struct make {
    int fds[2];
    char flags[200];
};

static struct make make_begin(const char *tokens)
{
    struct make make;
    assert_int_equal(pipe(make.fds), 0);
    assert_int_equal(write(make.fds[1], tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    snprintf(make.flags, sizeof make.flags, "kw -j8 --jobserver-auth=%d,%d", make.fds[0],
             make.fds[1]);
    return make;
}

/* All tokens must be there again, in whatever order. */
static void make_end(struct make *make, const char *tokens)
{
    char found[100] = "";
    int count = 0;
    assert_int_equal(ioctl(make->fds[0], FIONREAD, &count), 0);
    assert_int_equal(count, strlen(tokens));
    if (count > 0)
        assert_int_equal(read(make->fds[0], found, sizeof found), count);
    for (const char *token = tokens; *token; token++)
        assert_non_null(strchr(found, *token));
    close(make->fds[0]);
    close(make->fds[1]);
}

/* Opens what is named, and must find a jobserver. */
static struct jobserver opened(const char *flags, int jobs)
{
    struct jobserver jobserver;
    assert_int_equal(jobserver_open(flags, jobs, &jobserver), 1);
    return jobserver;
}

static int outcome(const char *flags)
{
    struct jobserver jobserver;
    int found = jobserver_open(flags, 4, &jobserver);
    jobserver_close(&jobserver);
    return found;
}

static void test_jobserver_grants_one_job_without_a_token(void **state)
{
    (void)state;
    struct make make = make_begin("");
    struct jobserver jobserver = opened(make.flags, 4);
    assert_true(jobserver_allows(&jobserver, 0));
    assert_false(jobserver_allows(&jobserver, 1)); /* and does not wait */
    jobserver_close(&jobserver);
    make_end(&make, "");
}

static void test_jobserver_takes_a_token_for_each_further_job_and_gives_the_same_back(void **state)
{
    (void)state;
    struct make make = make_begin("abc");
    struct jobserver jobserver = opened(make.flags, 9);
    for (int running = 0; running < 4; running++) {
        assert_true(jobserver_allows(&jobserver, running));
        assert_int_equal(jobserver.held, running);
    }
    assert_false(jobserver_allows(&jobserver, 4));
    jobserver_keep(&jobserver, 3);
    assert_int_equal(jobserver.held, 2);
    assert_true(jobserver_allows(&jobserver, 2)); /* those that it holds come first */
    assert_int_equal(jobserver.held, 2);
    jobserver_close(&jobserver);
    make_end(&make, "abc");
}

static void test_jobserver_keeps_nothing_for_a_job_alone(void **state)
{
    (void)state;
    for (int running = 0; running < 2; running++) {
        struct make make = make_begin("ab");
        struct jobserver jobserver = opened(make.flags, 9);
        assert_true(jobserver_allows(&jobserver, 1));
        jobserver_keep(&jobserver, running);
        make_end(&make, "ab");
        jobserver_close(&jobserver);
    }
}

static void test_jobserver_takes_no_more_than_there_are_jobs(void **state)
{
    (void)state;
    struct make make = make_begin("abcdef");
    struct jobserver jobserver = opened(make.flags, 3);
    assert_true(jobserver_allows(&jobserver, 1));
    assert_true(jobserver_allows(&jobserver, 2));
    assert_false(jobserver_allows(&jobserver, 3));
    jobserver_close(&jobserver);
    make_end(&make, "abcdef");
}

static void test_jobserver_leaves_makes_own_descriptors_blocking(void **state)
{
    (void)state;
    struct make make = make_begin("a");
    struct jobserver jobserver = opened(make.flags, 3);
    assert_int_equal(fcntl(make.fds[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(make.fds[1], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(jobserver.read_fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(jobserver.write_fd, F_GETFD), FD_CLOEXEC);
    jobserver_close(&jobserver);
    make_end(&make, "a");
}

static void test_jobserver_is_the_last_one_that_is_named(void **state)
{
    (void)state;
    struct make older = make_begin("a"), newer = make_begin("b");
    char flags[500];
    snprintf(flags, sizeof flags,
             " -j3 --jobserver-auth=%d,%d --jobserver-fds=%d,%d -- X=--jobserver-auth=0,1",
             older.fds[0], older.fds[1], newer.fds[0], newer.fds[1]);
    struct jobserver jobserver = opened(flags, 2);
    assert_true(jobserver_allows(&jobserver, 1));
    assert_int_equal(jobserver.tokens[0], 'b');
    jobserver_close(&jobserver);
    make_end(&older, "a");
    make_end(&newer, "b");
}

static void test_jobserver_is_a_fifo_by_name(void **state)
{
    char flags[TREE_PATH_BYTES + 100], path[TREE_PATH_BYTES], byte;
    snprintf(path, sizeof path, "%s", tree_path(*state, "a fifo"));
    assert_int_equal(mkfifo(path, 0600), 0);
    int fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(write(fifo, "x", 1), 1);
    snprintf(flags, sizeof flags, " -j2 --jobserver-auth=fifo:%s/a\\ fifo", (char *)*state);
    struct jobserver jobserver = opened(flags, 4);
    assert_true(jobserver_allows(&jobserver, 1));
    assert_int_equal(read(fifo, &byte, 1), -1);
    assert_false(jobserver_allows(&jobserver, 2));
    jobserver_close(&jobserver);
    assert_int_equal(read(fifo, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(fifo);
}

static void test_jobserver_is_none_where_none_is_named(void **state)
{
    (void)state;
    assert_int_equal(outcome(NULL), 0);
    assert_int_equal(outcome(""), 0);
    assert_int_equal(outcome("k -j4 --no-print-directory"), 0);
    assert_int_equal(outcome(" -- X=1 --jobserver-auth=0,1"), 0);
}

static void test_jobserver_refuses_what_is_no_pipe_and_reads_nothing_of_it(void **state)
{
    char flags[100];
    tree_write(*state, "file", "tokens", 6);
    int file = open(tree_path(*state, "file"), O_RDWR | O_CLOEXEC);
    struct make make = make_begin("a");
    snprintf(flags, sizeof flags, " -j2 --jobserver-auth=%d,%d", file, make.fds[1]);
    assert_int_equal(outcome(flags), -EBADF);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 0);
    snprintf(flags, sizeof flags, " -j2 --jobserver-auth=fifo:%s", tree_path(*state, "file"));
    assert_int_equal(outcome(flags), -EBADF);
    snprintf(flags, sizeof flags, " -j2 --jobserver-auth=%d,%d", make.fds[1], make.fds[0]);
    assert_int_equal(outcome(flags), -EBADF);
    make_end(&make, "a");
    close(file);
}

static void test_jobserver_refuses_descriptors_that_were_not_passed_on(void **state)
{
    (void)state;
    struct make make = make_begin("");
    make_end(&make, "");
    assert_int_equal(outcome(make.flags), -EBADF);
    assert_int_equal(outcome(" -j2 --jobserver-auth=-2,-2"), -EBADF);
    assert_int_equal(outcome(" -j2 --jobserver-auth=fifo:/nowhere/fifo"), -ENOENT);
    assert_int_equal(outcome(" -j2 --jobserver-auth=what,ever"), -EINVAL);
    assert_int_equal(outcome(" -j2 --jobserver-auth=1,2x"), -EINVAL);
    assert_int_equal(outcome(" -j2 --jobserver-auth="), -EINVAL);
}

static void test_jobserver_goes_on_without_make(void **state)
{
    (void)state;
    struct make make = make_begin("a");
    struct jobserver jobserver = opened(make.flags, 4);
    assert_true(jobserver_allows(&jobserver, 1));
    make_end(&make, "");
    assert_true(jobserver_allows(&jobserver, 1));
    assert_false(jobserver_allows(&jobserver, 2));
    jobserver_close(&jobserver);
}

static void test_jobserver_knows_a_dry_run_by_the_first_word(void **state)
{
    (void)state;
    assert_true(jobserver_is_dry_run("n"));
    assert_true(jobserver_is_dry_run("kn -j2 --jobserver-auth=3,4"));
    assert_false(jobserver_is_dry_run(NULL));
    assert_false(jobserver_is_dry_run(""));
    assert_false(jobserver_is_dry_run("k"));
    assert_false(jobserver_is_dry_run(" -j2 -- NAME=n"));
    assert_false(jobserver_is_dry_run("--no-print-directory"));
    assert_false(jobserver_is_dry_run("name=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobserver_grants_one_job_without_a_token),
        cmocka_unit_test(test_jobserver_takes_a_token_for_each_further_job_and_gives_the_same_back),
        cmocka_unit_test(test_jobserver_keeps_nothing_for_a_job_alone),
        cmocka_unit_test(test_jobserver_takes_no_more_than_there_are_jobs),
        cmocka_unit_test(test_jobserver_leaves_makes_own_descriptors_blocking),
        cmocka_unit_test(test_jobserver_is_the_last_one_that_is_named),
        TREE_TEST(test_jobserver_is_a_fifo_by_name),
        cmocka_unit_test(test_jobserver_is_none_where_none_is_named),
        TREE_TEST(test_jobserver_refuses_what_is_no_pipe_and_reads_nothing_of_it),
        cmocka_unit_test(test_jobserver_refuses_descriptors_that_were_not_passed_on),
        cmocka_unit_test(test_jobserver_goes_on_without_make),
        cmocka_unit_test(test_jobserver_knows_a_dry_run_by_the_first_word),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program has it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
