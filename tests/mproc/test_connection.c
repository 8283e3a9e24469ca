/* connection: whole messages through a pipe, nothing lost by a call that ends early, descriptors.
 */
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 16 << 20 };

struct ends {
    struct mp_connection *a, *b;
};

static struct ends ends_create(bool duplex)
{
    struct ends ends = {0};
    assert_int_equal(mp_pipe_create(duplex, &ends.a, &ends.b), 0);
    return ends;
}

static void ends_close(struct ends *ends)
{
    mp_connection_close(ends->a);
    mp_connection_close(ends->b);
}

static struct mp_process *start_with(int (*fn)(void *), struct ends *ends,
                                     struct mp_connection *end)
{
    struct mp_process *child = NULL;
    struct mp_process_options options = {.keep_fds = (int[]){mp_connection_fd(end)},
                                         .keep_count = 1};
    assert_int_equal(mp_process_start(fn, ends, &options, &child), 0);
    return child;
}

static void send_text(struct mp_connection *connection, const char *text)
{
    assert_int_equal(mp_connection_send(connection, text, strlen(text), 0), 0);
}

static void expect_text(struct mp_connection *connection, const char *text)
{
    char got[100];
    size_t size = sizeof got;
    assert_int_equal(mp_connection_receive(connection, got, sizeof got, 0, &size), 0);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(got, text, size);
}

/* ---- Messages ------------------------------------------------------------------------------- */

static void test_messages_keep_their_boundaries_both_ways(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    const char *texts[] = {"one", "", "two, longer", "", "", "x"};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 6; i++)
            send_text(ends.a, texts[i]);
        send_text(ends.b, "answer");
        for (int i = 0; i < 6; i++)
            expect_text(ends.b, texts[i]);
        expect_text(ends.a, "answer");
        assert_int_equal(mp_connection_poll(ends.a, 0), -ETIMEDOUT);
        assert_int_equal(mp_connection_poll(ends.b, 0), -ETIMEDOUT);
    }
    ends_close(&ends);
    mp_connection_close(NULL);
}

static void test_a_short_buffer_loses_nothing(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    char little[2] = "a";
    size_t size = 0;
    send_text(ends.a, "longer");
    send_text(ends.a, "next");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mp_connection_receive(ends.b, little, sizeof little, 0, &size), -EMSGSIZE);
        assert_int_equal(size, 6);
    }
    assert_string_equal(little, "a");
    expect_text(ends.b, "longer");
    expect_text(ends.b, "next");
    ends_close(&ends);
}

static void test_a_one_way_pipe_goes_one_way(void **state)
{
    (void)state;
    struct ends ends = ends_create(false);
    char got[8];
    size_t size;
    assert_int_equal(mp_connection_send(ends.a, "x", 1, 0), -EBADF);
    assert_int_equal(mp_connection_receive(ends.b, got, sizeof got, 0, &size), -EBADF);
    send_text(ends.b, "through");
    expect_text(ends.a, "through");
    assert_true(mp_connection_fd(ends.a) > STDERR_FILENO);
    assert_true(fcntl(mp_connection_fd(ends.a), F_GETFD) & FD_CLOEXEC);
    ends_close(&ends);
}

static void test_its_descriptor_tells_of_something(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    struct pollfd wait = {.fd = mp_connection_fd(ends.b), .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    send_text(ends.a, "one");
    send_text(ends.a, "two");
    assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
    expect_text(ends.b, "one");
    assert_int_equal(mp_connection_poll(ends.b, 0), 0); /* the other is here already */
    expect_text(ends.b, "two");
    assert_int_equal(mp_connection_poll(ends.b, 0), -ETIMEDOUT);
    assert_int_equal(poll(&wait, 1, 0), 0);
    ends_close(&ends);
}

static unsigned char *large_create(unsigned seed)
{
    unsigned char *bytes = malloc(LARGE);
    for (size_t i = 0; bytes && i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 131 + (i >> 9) + seed);
    return bytes;
}

/* Sends back what it gets until the end. */
static int child_echo(void *arg)
{
    struct ends *ends = arg;
    mp_connection_close(ends->a); /* not open in this process: nothing of it is closed */
    unsigned char *bytes = malloc(LARGE);
    size_t size;
    int error = bytes ? 0 : -ENOMEM;
    while (error == 0) {
        error = mp_connection_receive(ends->b, bytes, LARGE, MP_FOREVER, &size);
        if (error == 0)
            error = mp_connection_send(ends->b, bytes, size, MP_FOREVER);
    }
    free(bytes);
    mp_connection_close(ends->b);
    return error == -EPIPE ? 0 : 2;
}

/* Sends and receives the large message through every interruption. */
static void large_exchange(struct mp_connection *connection, unsigned seed)
{
    unsigned char *sent = large_create(seed), *got = calloc(1, LARGE);
    size_t size = 0;
    int error;
    assert_non_null(sent);
    assert_non_null(got);
    do {
        error = mp_connection_send(connection, sent, LARGE, SUPPORT_LONG_MS);
    } while (error == -EINTR);
    assert_int_equal(error, 0);
    do {
        error = mp_connection_receive(connection, got, LARGE, 5, &size);
    } while (error == -EINTR || error == -ETIMEDOUT);
    assert_int_equal(error, 0);
    assert_int_equal(size, LARGE);
    assert_int_equal(memcmp(sent, got, LARGE), 0);
    free(sent);
    free(got);
}

static void test_sixteen_mib_pass_both_ways(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    struct mp_process *child = start_with(child_echo, &ends, ends.b);
    mp_connection_close(ends.b);
    large_exchange(ends.a, 1);
    send_text(ends.a, "small");
    assert_int_equal(mp_connection_poll(ends.a, SUPPORT_LONG_MS), 0);
    expect_text(ends.a, "small");
    large_exchange(ends.a, 2);
    mp_connection_close(ends.a);
    assert_int_equal(support_finish(child), 0);
}

static void test_a_storm_of_signals_harms_no_message(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    struct mp_process *child = start_with(child_echo, &ends, ends.b);
    mp_connection_close(ends.b);
    support_alarm_begin(support_interrupt, 1000);
    large_exchange(ends.a, 3);
    support_alarm_end();
    mp_connection_close(ends.a);
    assert_int_equal(support_finish(child), 0);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

static void test_what_was_sent_comes_before_the_end(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    char got[8];
    size_t size;
    send_text(ends.a, "last");
    send_text(ends.b, "never read"); /* which resets the connection */
    mp_connection_close(ends.a);
    expect_text(ends.b, "last");
    assert_int_equal(mp_connection_poll(ends.b, MP_FOREVER), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mp_connection_receive(ends.b, got, 8, MP_FOREVER, &size), -EPIPE);
        assert_int_equal(mp_connection_send(ends.b, "x", 1, MP_FOREVER), -EPIPE);
    }
    mp_connection_close(ends.b);
}

static void test_a_message_cut_off_is_told(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    char got[8];
    size_t size;
    send_text(ends.a, "whole");
    const uint32_t head[] = {100, 0};
    assert_int_equal(send(mp_connection_fd(ends.a), head, sizeof head, 0), sizeof head);
    assert_int_equal(send(mp_connection_fd(ends.a), "part", 4, 0), 4);
    expect_text(ends.b, "whole");
    assert_int_equal(mp_connection_receive(ends.b, got, 8, 0, &size), -EMSGSIZE);
    assert_int_equal(mp_connection_poll(ends.b, 0), -ETIMEDOUT); /* not all of it is here */
    mp_connection_close(ends.a);
    char room[100];
    assert_int_equal(mp_connection_receive(ends.b, room, sizeof room, MP_FOREVER, &size),
                     -ECONNABORTED);
    mp_connection_close(ends.b);
}

static void test_what_is_no_message_is_told(void **state)
{
    (void)state;
    const uint32_t heads[][2] = {{UINT32_MAX, 0}, {4, MP_MESSAGE_FDS_MAX + 1}, {4, 1}};
    for (int i = 0; i < 3; i++) {
        struct ends ends = ends_create(true);
        char got[8];
        size_t size;
        assert_int_equal(send(mp_connection_fd(ends.a), heads[i], 8, 0), 8);
        assert_int_equal(send(mp_connection_fd(ends.a), "data", 4, 0), 4);
        assert_int_equal(mp_connection_receive(ends.b, got, 8, MP_FOREVER, &size), -ECONNABORTED);
        assert_int_equal(mp_connection_receive(ends.b, got, 8, MP_FOREVER, &size), -ECONNABORTED);
        ends_close(&ends);
    }
}

static void test_waits_end_with_their_timeouts_and_handlers(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    char got[8];
    size_t size;
    int64_t begin = support_now_ms();
    assert_int_equal(mp_connection_receive(ends.a, got, 8, 30, &size), -ETIMEDOUT);
    assert_int_equal(mp_connection_poll(ends.a, 30), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 58);
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(mp_connection_receive(ends.a, got, 8, MP_FOREVER, &size), -EINTR);
    assert_int_equal(mp_connection_poll(ends.a, MP_FOREVER), -EINTR);
    support_alarm_end();
    ends_close(&ends);
}

static void test_a_full_pipe_takes_nothing_of_what_does_not_begin(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    static const char block[1000];
    int sent = 0, error;
    /* Each of these goes in whole or not at all, as the kernel has it. */
    while ((error = mp_connection_send(ends.a, block, sizeof block, 0)) == 0)
        sent++;
    if (error == -ECONNABORTED)
        sent--; /* but it may also cut one */
    else
        assert_int_equal(error, -ETIMEDOUT);
    if (error == -ETIMEDOUT) {
        support_alarm_begin(support_interrupt, 2000);
        assert_int_equal(mp_connection_send(ends.a, block, sizeof block, MP_FOREVER), -EINTR);
        support_alarm_end();
    }
    char got[sizeof block];
    size_t size;
    for (; sent > 0; sent--)
        assert_int_equal(mp_connection_receive(ends.b, got, sizeof got, 0, &size), 0);
    ends_close(&ends);
}

static void test_a_timeout_inside_a_message_ends_the_sending(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    unsigned char *bytes = large_create(0);
    char got[8];
    size_t size = 0;
    assert_non_null(bytes);
    assert_int_equal(mp_connection_send(ends.a, bytes, LARGE, 20), -ECONNABORTED);
    assert_int_equal(mp_connection_send(ends.a, "x", 1, 20), -ECONNABORTED);
    assert_int_equal(mp_connection_receive(ends.b, got, sizeof got, 0, &size), -EMSGSIZE);
    assert_int_equal(size, LARGE);
    assert_int_equal(mp_connection_receive(ends.b, bytes, LARGE, MP_FOREVER, &size),
                     -ECONNABORTED); /* the receiver learns of it */
    send_text(ends.b, "the other way");
    expect_text(ends.a, "the other way");
    free(bytes);
    ends_close(&ends);
}

static int child_send_without_end(void *arg)
{
    struct ends *ends = arg;
    unsigned char *bytes = large_create(0);
    while (bytes && mp_connection_send(ends->b, bytes, LARGE, MP_FOREVER) == 0)
        ;
    free(bytes);
    return 2;
}

static void test_a_sender_that_dies_inside_a_message_is_told(void **state)
{
    (void)state;
    struct ends ends = ends_create(false);
    struct mp_process *child = start_with(child_send_without_end, &ends, ends.b);
    mp_connection_close(ends.b);
    unsigned char *bytes = malloc(LARGE);
    size_t size = 0;
    char little[8];
    assert_non_null(bytes);
    assert_int_equal(mp_connection_receive(ends.a, little, 8, SUPPORT_LONG_MS, &size), -EMSGSIZE);
    support_await_asleep(child); /* nobody reads: it is in the midst of it */
    support_kill(child);
    assert_int_equal(mp_connection_receive(ends.a, bytes, LARGE, SUPPORT_LONG_MS, &size),
                     -ECONNABORTED);
    free(bytes);
    mp_connection_close(ends.a);
}

static int child_close_other_end(void *arg)
{
    struct ends *ends = arg;
    int number = mp_connection_fd(ends->a);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || (null != number && dup3(null, number, O_CLOEXEC) != number))
        return 2;
    mp_connection_close(ends->a); /* its number is another file's here */
    return fcntl(number, F_GETFD) < 0;
}

static void test_close_leaves_alone_what_is_not_its_own(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    assert_int_equal(support_finish(start_with(child_close_other_end, &ends, ends.b)), 0);
    ends_close(&ends);
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static void pipes_open(int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i += 2)
        assert_int_equal(pipe2(fds + i, O_CLOEXEC), 0);
}

static void fds_close(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(close(fds[i]), 0);
}

static void expect_same_files(const int *fds, const int *others, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct stat one, other;
        assert_int_equal(fstat(fds[i], &one), 0);
        assert_int_equal(fstat(others[i], &other), 0);
        assert_true(one.st_ino == other.st_ino);
        assert_true(fcntl(others[i], F_GETFD) & FD_CLOEXEC);
    }
}

static void test_descriptors_come_with_their_message(void **state)
{
    (void)state;
    struct ends ends = ends_create(false);
    int sent[4], got[4];
    pipes_open(sent, 4);
    send_text(ends.b, "none");
    assert_int_equal(mp_connection_send_fds(ends.b, "three", 5, sent, 3, 0), 0);
    assert_int_equal(mp_connection_send_fds(ends.b, NULL, 0, sent + 3, 1, 0), 0);
    send_text(ends.b, "end");
    unsigned count = 4;
    char text[8];
    size_t size;
    assert_int_equal(mp_connection_receive_fds(ends.a, text, 8, got, &count, 0, &size), 0);
    assert_int_equal(count, 0);
    count = 2;
    assert_int_equal(mp_connection_receive_fds(ends.a, text, 8, got, &count, 0, &size), -EMSGSIZE);
    assert_int_equal(count, 3);
    assert_int_equal(mp_connection_receive_fds(ends.a, text, 8, got, &count, 0, &size), 0);
    assert_int_equal(size, 5);
    assert_int_equal(count, 3);
    count = 1;
    assert_int_equal(mp_connection_receive_fds(ends.a, text, 8, got + 3, &count, 0, &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(count, 1);
    expect_same_files(sent, got, 4);
    expect_text(ends.a, "end");
    fds_close(sent, 4);
    fds_close(got, 4);
    ends_close(&ends);
}

static void test_descriptors_that_nobody_takes_are_closed(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    int sent[2], before = support_fd_count();
    pipes_open(sent, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mp_connection_send_fds(ends.a, "two", 3, sent, 2, 0), 0);
    fds_close(sent, 2);
    expect_text(ends.b, "two");
    assert_int_equal(mp_connection_poll(ends.b, 0), 0);
    mp_connection_close(ends.b); /* with one message here, and one in the kernel */
    assert_int_equal(support_fd_count(), before - 1);
    mp_connection_close(ends.a);
}

static void test_as_many_descriptors_as_the_kernel_sends(void **state)
{
    (void)state;
    enum { MANY = MP_MESSAGE_FDS_MAX };
    struct ends ends = ends_create(true);
    int sent[MANY + 1], got[MANY];
    pipes_open(sent, MANY + 1);
    assert_int_equal(mp_connection_send_fds(ends.a, "x", 1, sent, MANY + 1, 0), -EINVAL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mp_connection_send_fds(ends.a, "x", 1, sent, MANY, 0), 0);
    for (int i = 0; i < 2; i++) {
        unsigned count = MANY;
        char text[8];
        size_t size;
        assert_int_equal(mp_connection_receive_fds(ends.b, text, 8, got, &count, 0, &size), 0);
        assert_int_equal(count, MANY);
        expect_same_files(sent, got, MANY);
        fds_close(got, MANY);
    }
    fds_close(sent, MANY + 1);
    ends_close(&ends);
}

static void test_a_bad_descriptor_is_refused_and_harms_nothing(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    int bad[] = {mp_connection_fd(ends.a), 4000};
    assert_int_equal(mp_connection_send_fds(ends.a, "x", 1, bad, 2, 0), -EBADF);
    send_text(ends.a, "fine");
    expect_text(ends.b, "fine");
    ends_close(&ends);
}

static void test_too_few_free_descriptors_are_told(void **state)
{
    (void)state;
    struct ends ends = ends_create(true);
    int sent[8], before = support_fd_count();
    pipes_open(sent, 8);
    send_text(ends.a, "before");
    assert_int_equal(mp_connection_send_fds(ends.a, "eight", 5, sent, 8, 0), 0);
    fds_close(sent, 8);
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)sent[3];
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    char text[8];
    size_t size;
    int first = mp_connection_receive(ends.b, text, 8, 0, &size);
    int second = mp_connection_receive(ends.b, text, 8, 0, &size);
    int third = mp_connection_receive(ends.b, text, 8, 0, &size);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(first, 0);
    assert_int_equal(second, -EMFILE);
    assert_int_equal(third, -EMFILE);
    ends_close(&ends);
    assert_int_equal(support_fd_count(), before - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_messages_keep_their_boundaries_both_ways),
        SUPPORT_TEST(test_a_short_buffer_loses_nothing),
        SUPPORT_TEST(test_a_one_way_pipe_goes_one_way),
        SUPPORT_TEST(test_its_descriptor_tells_of_something),
        SUPPORT_TEST(test_sixteen_mib_pass_both_ways),
        SUPPORT_TEST(test_a_storm_of_signals_harms_no_message),
        SUPPORT_TEST(test_what_was_sent_comes_before_the_end),
        SUPPORT_TEST(test_a_message_cut_off_is_told),
        SUPPORT_TEST(test_what_is_no_message_is_told),
        SUPPORT_TEST(test_waits_end_with_their_timeouts_and_handlers),
        SUPPORT_TEST(test_a_full_pipe_takes_nothing_of_what_does_not_begin),
        SUPPORT_TEST(test_a_timeout_inside_a_message_ends_the_sending),
        SUPPORT_TEST(test_a_sender_that_dies_inside_a_message_is_told),
        SUPPORT_TEST(test_close_leaves_alone_what_is_not_its_own),
        SUPPORT_TEST(test_descriptors_come_with_their_message),
        SUPPORT_TEST(test_descriptors_that_nobody_takes_are_closed),
        SUPPORT_TEST(test_as_many_descriptors_as_the_kernel_sends),
        SUPPORT_TEST(test_a_bad_descriptor_is_refused_and_harms_nothing),
        SUPPORT_TEST(test_too_few_free_descriptors_are_told),
    };
    return cmocka_run_group_tests_name("mproc/connection", tests, NULL, NULL);
}
