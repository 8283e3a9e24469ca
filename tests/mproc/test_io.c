/* io: whole writes through short and interrupted ones, and waiting for several descriptors. */
#include "mproc/io.h"
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BIG = 1 << 20 };

static unsigned char pattern(size_t index)
{
    return (unsigned char)(index * 131 + (index >> 9));
}

/* A child that reads the pattern to its end; exits with 0 when it was complete and right. */
static int child_read_pattern(void *arg)
{
    int fd = *(int *)arg;
    unsigned char piece[1 << 12];
    size_t index = 0;
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (piece[i] != pattern(index++))
                return 2;
    return n == 0 && index == BIG ? 0 : 3;
}

static unsigned char *pattern_make(void)
{
    unsigned char *bytes = malloc(BIG);
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = pattern(i);
    return bytes;
}

/* Writes the pattern in parts, some of them empty or tiny, to a child through a pipe. */
static void write_to_child(unsigned char *bytes)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct mp_process *reader;
    struct mp_process_options options = {.keep_fds = &fds[0], .keep_count = 1};
    assert_int_equal(mp_process_start(child_read_pattern, &fds[0], &options, &reader), 0);
    close(fds[0]);
    struct iovec parts[4] = {{.iov_base = bytes, .iov_len = 0},
                             {.iov_base = bytes, .iov_len = 7},
                             {.iov_base = bytes, .iov_len = 0},
                             {.iov_base = bytes + 7, .iov_len = BIG - 7}};
    assert_int_equal(io_write_all(fds[1], parts, 4), 0);
    close(fds[1]);
    while (mp_process_join(reader, SUPPORT_LONG_MS) == -EINTR)
        ;
    assert_int_equal(mp_process_exit_code(reader), 0);
    assert_int_equal(mp_process_close(reader), 0);
}

static void test_write_all_goes_on_after_short_writes(void **state)
{
    (void)state;
    unsigned char *bytes = pattern_make();
    write_to_child(bytes);
    free(bytes);
}

static volatile sig_atomic_t interruptions;

static void count_interruption(int signo)
{
    (void)signo;
    interruptions++;
}

static void test_write_all_goes_on_after_interruptions(void **state)
{
    (void)state;
    unsigned char *bytes = pattern_make();
    support_alarm_begin(count_interruption, 3000);
    for (interruptions = 0; interruptions < 5;)
        write_to_child(bytes);
    support_alarm_end();
    free(bytes);
}

static void test_write_all_tells_that_nobody_reads(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    struct iovec part = {.iov_base = (char[]){"x"}, .iov_len = 1};
    assert_int_equal(io_write_all(fds[1], &part, 1), -EPIPE);
    signal(SIGPIPE, before);
    close(fds[1]);
}

static void test_close_forgets_the_number(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int copy = fd;
    assert_true(fd >= 0);
    io_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
    io_close(&fd);
    assert_int_equal(fd, -1);
}

static void test_wait_counts_the_readable_ones_of_many(void **state)
{
    (void)state;
    int pipes[12][2], ends[13];
    for (int i = 0; i < 12; i++) {
        assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
        ends[i] = pipes[i][0];
    }
    ends[12] = -1; /* none, which is never readable */
    assert_int_equal(io_wait_readable(ends, 13, 0), 0);
    assert_int_equal(write(pipes[2][1], "x", 1), 1);
    assert_int_equal(io_wait_readable(ends, 13, SUPPORT_LONG_MS), 1);
    assert_int_equal(io_wait_readable(ends, 8, SUPPORT_LONG_MS), 1);
    assert_int_equal(io_wait_readable(ends, 2, 0), 0);
    assert_int_equal(write(pipes[11][1], "x", 1), 1);
    assert_int_equal(io_wait_readable(ends, 13, MP_FOREVER), 2);
    for (int i = 0; i < 12; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

static void test_wait_sleeps_for_its_timeout(void **state)
{
    (void)state;
    int64_t begin = support_now_ms();
    assert_int_equal(io_wait_readable(NULL, 0, 30), 0);
    assert_true(support_now_ms() - begin >= 29);
}

static void test_wait_for_room_ends_with_it_or_its_timeout(void **state)
{
    (void)state;
    int fds[2];
    char block[4096] = "";
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(io_wait_writable(fds[1], 0), 1);
    while (write(fds[1], block, sizeof block) > 0)
        ;
    assert_int_equal(io_wait_writable(fds[1], 10), 0);
    while (read(fds[0], block, sizeof block) > 0)
        ;
    assert_int_equal(io_wait_writable(fds[1], MP_FOREVER), 1);
    close(fds[0]);
    assert_int_equal(io_wait_writable(fds[1], MP_FOREVER), 1); /* it has failed: try and see */
    close(fds[1]);
}

static void test_wait_is_ended_by_a_handler(void **state)
{
    (void)state;
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(io_wait_readable(NULL, 0, SUPPORT_LONG_MS), -EINTR);
    support_alarm_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_write_all_goes_on_after_short_writes),
        SUPPORT_TEST(test_write_all_goes_on_after_interruptions),
        SUPPORT_TEST(test_write_all_tells_that_nobody_reads),
        SUPPORT_TEST(test_close_forgets_the_number),
        SUPPORT_TEST(test_wait_counts_the_readable_ones_of_many),
        SUPPORT_TEST(test_wait_sleeps_for_its_timeout),
        SUPPORT_TEST(test_wait_for_room_ends_with_it_or_its_timeout),
        SUPPORT_TEST(test_wait_is_ended_by_a_handler),
    };
    return cmocka_run_group_tests_name("mproc/io", tests, NULL, NULL);
}
