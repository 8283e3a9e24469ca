/* channel: frames go in order and whole, descriptors with their own frame, and what has not begun
 * to go can be taken back. */
#include "mproc/channel.h"
#include "mproc/io.h"
#include "support/mproc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The worker's end, read by the test itself. */
struct end {
    int fd;
    struct wire_reader reader;
    int fds[CONTROL_SLOTS * MP_JOB_FDS_MAX]; /* that have arrived, in order */
    unsigned fd_count;                       /* of them */
};

static void pair_open(struct channel *channel, struct end *end)
{
    memset(end, 0, sizeof *end);
    assert_int_equal(channel_init(channel, &end->fd), 0);
    wire_reader_init(&end->reader, (struct wire_limits){.size_max = MP_ARG_MAX,
                                                        .fd_max = MP_JOB_FDS_MAX,
                                                        .slots = CONTROL_SLOTS});
}

static void pair_close(struct channel *channel, struct end *end)
{
    channel_done(channel);
    wire_reader_done(&end->reader);
    for (unsigned i = 0; i < end->fd_count; i++)
        close(end->fds[i]);
    io_close(&end->fd);
}

static struct wire_header header_of(const struct mp_job *job, uint64_t seq)
{
    return (struct wire_header){.magic = WIRE_MAGIC,
                                .kind = WIRE_JOB,
                                .seq = seq,
                                .size = job->arg_size,
                                .fd_count = job->fd_count};
}

static void put(struct channel *channel, const struct mp_job *job, uint64_t seq)
{
    struct wire_header header = header_of(job, seq);
    channel_put(channel, &header, job);
}

/* Takes what the socket has. Returns false when it has nothing. */
static bool end_receive(struct end *end)
{
    struct iovec room;
    room.iov_base = wire_reader_room(&end->reader, &room.iov_len);
    assert_non_null(room.iov_base);
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(MP_JOB_FDS_MAX * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(end->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n <= 0)
        return false;
    assert_false(message.msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        unsigned count = (unsigned)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(end->fds + end->fd_count, CMSG_DATA(part), count * sizeof(int));
        end->fd_count += count;
    }
    wire_reader_fed(&end->reader, (size_t)n);
    return true;
}

static void expect_frame(struct end *end, const struct mp_job *job, uint64_t seq)
{
    struct wire_header header;
    const uint8_t *payload;
    assert_int_equal(wire_reader_next(&end->reader, &header, &payload), 1);
    assert_int_equal(header.seq, seq);
    assert_int_equal(header.size, job->arg_size);
    assert_int_equal(header.fd_count, job->fd_count);
    assert_int_equal(memcmp(payload, job->arg, job->arg_size), 0);
}

static void test_frames_arrive_in_order(void **state)
{
    (void)state;
    struct channel channel;
    struct end end;
    struct mp_job empty = {.arg = ""}, text = {.arg = "hello", .arg_size = 5};
    pair_open(&channel, &end);
    put(&channel, &text, 1);
    put(&channel, &empty, 2);
    put(&channel, &text, 3);
    assert_int_equal(channel_flush(&channel), CHANNEL_EMPTY);
    assert_false(channel_holds(&channel, &text));
    while (end_receive(&end))
        ;
    expect_frame(&end, &text, 1);
    expect_frame(&end, &empty, 2);
    expect_frame(&end, &text, 3);
    pair_close(&channel, &end);
}

/* True when both numbers are the same open file. */
static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void test_descriptors_travel_with_their_frames(void **state)
{
    (void)state;
    enum { FILES = 5 };
    int fds[FILES][2];
    for (int i = 0; i < FILES; i++)
        assert_int_equal(pipe2(fds[i], O_CLOEXEC), 0);
    int first[] = {fds[0][0], fds[1][0]}, second[] = {fds[2][0], fds[3][0], fds[4][0]};
    struct mp_job jobs[] = {
        {.arg = "two", .arg_size = 3, .fds = first, .fd_count = 2},
        {.arg = "none", .arg_size = 4},
        {.arg = "three", .arg_size = 5, .fds = second, .fd_count = 3},
    };
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    for (unsigned i = 0; i < 3; i++)
        put(&channel, &jobs[i], i);
    assert_int_equal(channel_flush(&channel), CHANNEL_EMPTY);
    while (end_receive(&end))
        ;
    for (unsigned i = 0; i < 3; i++)
        expect_frame(&end, &jobs[i], i);
    assert_int_equal(end.fd_count, FILES);
    for (int i = 0; i < FILES; i++) {
        assert_true(same_file(end.fds[i], fds[i][0]));
        assert_true(fcntl(end.fds[i], F_GETFD) & FD_CLOEXEC);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    pair_close(&channel, &end);
}

static void test_the_most_descriptors_go_in_one_frame(void **state)
{
    (void)state;
    int fds[MP_JOB_FDS_MAX];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < MP_JOB_FDS_MAX; i++)
        fds[i] = null;
    struct mp_job job = {.arg = "", .fds = fds, .fd_count = MP_JOB_FDS_MAX};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    put(&channel, &job, 1);
    assert_int_equal(channel_flush(&channel), CHANNEL_EMPTY);
    assert_true(end_receive(&end));
    expect_frame(&end, &job, 1);
    assert_int_equal(end.fd_count, MP_JOB_FDS_MAX);
    pair_close(&channel, &end);
    close(null);
}

enum { BIG = 5 << 20 };

static unsigned char *big_make(void)
{
    unsigned char *bytes = malloc(BIG);
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (unsigned char)(i * 7 + (i >> 11));
    return bytes;
}

static void test_a_big_argument_goes_in_pieces(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct mp_job big = {.arg = bytes, .arg_size = BIG, .fds = &null, .fd_count = 1};
    struct mp_job small = {.arg = "after", .arg_size = 5};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    put(&channel, &big, 1);
    put(&channel, &small, 2);
    int rounds = 0, progress;
    while ((progress = channel_flush(&channel)) == CHANNEL_FULL) {
        rounds++;
        assert_true(channel_holds(&channel, &big) || channel_holds(&channel, &small));
        assert_true(end_receive(&end));
    }
    assert_int_equal(progress, CHANNEL_EMPTY);
    assert_true(rounds > 1);
    while (end_receive(&end))
        ;
    expect_frame(&end, &big, 1);
    expect_frame(&end, &small, 2);
    assert_int_equal(end.fd_count, 1); /* once, not with every piece */
    pair_close(&channel, &end);
    close(null);
    free(bytes);
}

static void test_withdraw_works_until_the_first_byte_has_gone(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    struct mp_job jobs[3];
    for (int i = 0; i < 3; i++)
        jobs[i] = (struct mp_job){.arg = bytes + i, .arg_size = BIG - 3};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    for (unsigned i = 0; i < 3; i++)
        put(&channel, &jobs[i], i);
    assert_int_equal(channel_flush(&channel), CHANNEL_FULL);
    assert_false(channel_withdraw(&channel, &jobs[0]));
    assert_true(channel_holds(&channel, &jobs[0]));
    assert_true(channel_withdraw(&channel, &jobs[1]));
    assert_false(channel_holds(&channel, &jobs[1]));
    assert_false(channel_withdraw(&channel, &jobs[1]));
    while (channel_flush(&channel) == CHANNEL_FULL)
        assert_true(end_receive(&end));
    while (end_receive(&end))
        ;
    expect_frame(&end, &jobs[0], 0);
    expect_frame(&end, &jobs[2], 2);
    assert_false(wire_reader_torn(&end.reader));
    pair_close(&channel, &end);
    free(bytes);
}

static void test_an_abandoned_frame_goes_on_as_zeroes(void **state)
{
    (void)state;
    unsigned char *bytes = big_make();
    struct mp_job big = {.arg = bytes, .arg_size = BIG}, small = {.arg = "after", .arg_size = 5};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    put(&channel, &big, 1);
    assert_int_equal(channel_flush(&channel), CHANNEL_FULL);
    size_t gone = channel.sent - sizeof(struct wire_header);
    channel_abandon(&channel, &big);
    memset(bytes + gone, 0, BIG - gone); /* what the other end is to find, and nobody looks at */
    assert_false(channel_holds(&channel, &big));
    assert_int_equal(channel_waiting(&channel), 0);
    for (unsigned i = 0; i < CONTROL_SLOTS; i++) /* as many as ever */
        put(&channel, &small, i);
    assert_int_equal(channel_waiting(&channel), CONTROL_SLOTS);
    while (channel_flush(&channel) == CHANNEL_FULL)
        assert_true(end_receive(&end));
    while (end_receive(&end))
        ;
    expect_frame(&end, &big, 1);
    for (unsigned i = 0; i < CONTROL_SLOTS; i++)
        expect_frame(&end, &small, i);
    pair_close(&channel, &end);
    free(bytes);
}

static void test_flush_tells_that_nobody_reads(void **state)
{
    (void)state;
    struct mp_job job = {.arg = "x", .arg_size = 1};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    io_close(&end.fd);
    put(&channel, &job, 1);
    assert_int_equal(channel_flush(&channel), -EPIPE); /* and no signal */
    pair_close(&channel, &end);
}

static void test_flush_tells_of_a_descriptor_that_is_not_open(void **state)
{
    (void)state;
    int bad = 9999;
    struct mp_job job = {.arg = "x", .arg_size = 1, .fds = &bad, .fd_count = 1};
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    put(&channel, &job, 1);
    assert_int_equal(channel_flush(&channel), -EBADF);
    assert_true(channel_withdraw(&channel, &job)); /* none of it has gone */
    assert_false(end_receive(&end));
    pair_close(&channel, &end);
}

static void test_done_twice_is_harmless(void **state)
{
    (void)state;
    struct channel channel;
    struct end end;
    pair_open(&channel, &end);
    channel_done(&channel);
    assert_int_equal(channel.fd, -1);
    pair_close(&channel, &end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_frames_arrive_in_order),
        SUPPORT_TEST(test_descriptors_travel_with_their_frames),
        SUPPORT_TEST(test_the_most_descriptors_go_in_one_frame),
        SUPPORT_TEST(test_a_big_argument_goes_in_pieces),
        SUPPORT_TEST(test_withdraw_works_until_the_first_byte_has_gone),
        SUPPORT_TEST(test_an_abandoned_frame_goes_on_as_zeroes),
        SUPPORT_TEST(test_flush_tells_that_nobody_reads),
        SUPPORT_TEST(test_flush_tells_of_a_descriptor_that_is_not_open),
        SUPPORT_TEST(test_done_twice_is_harmless),
    };
    return cmocka_run_group_tests_name("mproc/channel", tests, NULL, NULL);
}
