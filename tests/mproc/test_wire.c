/* wire: frames in pieces of any size, and streams that are not to be believed. */
#include "mproc/wire.h"
#include "support/mproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_limits limits = {.size_max = 1000, .fd_max = 3, .slots = 16};

enum { ROOM_AT_LEAST_UNBELIEVED = 1 << 20 }; /* more than this nobody needs for bytes not checked */

/* Puts bytes into the reader, as many at a time as it has room for. */
static void feed(struct wire_reader *reader, const void *bytes, size_t size)
{
    while (size > 0) {
        size_t room_size;
        void *room = wire_reader_room(reader, &room_size);
        assert_non_null(room);
        assert_true(room_size > 0);
        size_t part = size < room_size ? size : room_size;
        memcpy(room, bytes, part);
        wire_reader_fed(reader, part);
        bytes = (const char *)bytes + part;
        size -= part;
    }
}

static struct wire_header good_header(void)
{
    return (struct wire_header){
        .magic = WIRE_MAGIC, .kind = WIRE_RESULT, .seq = 77, .size = 5, .slot = 9, .status = -3};
}

/* Appends a frame to a stream. Returns its new size. */
static size_t frame_append(char *stream, size_t size, const struct wire_header *header,
                           const void *payload)
{
    memcpy(stream + size, header, sizeof *header);
    if (header->size > 0)
        memcpy(stream + size + sizeof *header, payload, (size_t)header->size);
    memset(stream + size + sizeof *header + header->size, 0, wire_padding(header->size));
    return size + sizeof *header + (size_t)header->size + wire_padding(header->size);
}

/* Two frames, one with a payload of five bytes and one without. */
static size_t stream_make(char *stream)
{
    struct wire_header first = good_header(), second = good_header();
    second.kind = WIRE_HELLO;
    second.size = 0;
    second.seq = 78;
    return frame_append(stream, frame_append(stream, 0, &first, "abcde"), &second, "");
}

static void expect_first(struct wire_reader *reader)
{
    struct wire_header header;
    const uint8_t *payload;
    assert_int_equal(wire_reader_next(reader, &header, &payload), 1);
    assert_int_equal(header.kind, WIRE_RESULT);
    assert_int_equal(header.seq, 77);
    assert_int_equal(header.slot, 9);
    assert_int_equal(header.status, -3);
    assert_int_equal(header.size, 5);
    assert_memory_equal(payload, "abcde", 5);
}

static void expect_second(struct wire_reader *reader)
{
    struct wire_header header;
    const uint8_t *payload;
    assert_int_equal(wire_reader_next(reader, &header, &payload), 1);
    assert_int_equal(header.kind, WIRE_HELLO);
    assert_int_equal(header.seq, 78);
    assert_int_equal(header.size, 0);
}

static void expect_none(struct wire_reader *reader)
{
    struct wire_header header;
    const uint8_t *payload;
    assert_int_equal(wire_reader_next(reader, &header, &payload), 0);
}

static void test_reader_finds_frames_cut_at_every_byte(void **state)
{
    (void)state;
    char stream[256];
    size_t size = stream_make(stream), first_size = sizeof(struct wire_header) + 16;
    for (size_t cut = 0; cut <= size; cut++) {
        struct wire_reader reader;
        wire_reader_init(&reader, limits);
        feed(&reader, stream, cut);
        if (cut >= first_size)
            expect_first(&reader);
        if (cut == size)
            expect_second(&reader);
        expect_none(&reader);
        assert_int_equal(wire_reader_torn(&reader), cut != 0 && cut != first_size && cut != size);
        feed(&reader, stream + cut, size - cut);
        if (cut < first_size)
            expect_first(&reader);
        if (cut < size)
            expect_second(&reader);
        expect_none(&reader);
        assert_false(wire_reader_torn(&reader));
        wire_reader_done(&reader);
    }
}

static void test_reader_finds_frames_fed_byte_by_byte(void **state)
{
    (void)state;
    char stream[256];
    size_t size = stream_make(stream), first_size = sizeof(struct wire_header) + 16;
    struct wire_reader reader;
    wire_reader_init(&reader, limits);
    for (size_t i = 0; i < size; i++) {
        expect_none(&reader);
        feed(&reader, stream + i, 1);
        if (i + 1 == first_size)
            expect_first(&reader);
    }
    expect_second(&reader);
    wire_reader_done(&reader);
}

static void test_reader_takes_many_frames_of_one_read(void **state)
{
    (void)state;
    enum { FRAMES = 500 };
    size_t size = 0;
    char *stream = malloc(FRAMES * (sizeof(struct wire_header) + 112));
    assert_non_null(stream);
    char payload[100];
    for (unsigned i = 0; i < FRAMES; i++) {
        struct wire_header header = good_header();
        header.seq = i;
        header.size = i % sizeof payload;
        memset(payload, (int)i, sizeof payload);
        size = frame_append(stream, size, &header, payload);
    }
    struct wire_reader reader;
    wire_reader_init(&reader, limits);
    size_t room_size;
    char *room = wire_reader_room(&reader, &room_size);
    assert_true(room_size >= size);
    memcpy(room, stream, size);
    wire_reader_fed(&reader, size);
    for (unsigned i = 0; i < FRAMES; i++) {
        struct wire_header header;
        const uint8_t *bytes;
        assert_int_equal(wire_reader_next(&reader, &header, &bytes), 1);
        assert_int_equal(header.seq, i);
        memset(payload, (int)i, sizeof payload);
        assert_memory_equal(bytes, payload, header.size);
    }
    expect_none(&reader);
    wire_reader_done(&reader);
    free(stream);
}

/* The reader refuses the header as soon as it is whole, and has not let it allocate anything. */
static void expect_refused(const struct wire_header *header)
{
    struct wire_reader reader;
    wire_reader_init(&reader, limits);
    feed(&reader, header, sizeof *header);
    size_t room_size;
    assert_non_null(wire_reader_room(&reader, &room_size));
    assert_true(room_size < ROOM_AT_LEAST_UNBELIEVED);
    struct wire_header ignored;
    const uint8_t *payload;
    assert_int_equal(wire_reader_next(&reader, &ignored, &payload), -EPROTO);
    assert_true(reader.capacity < ROOM_AT_LEAST_UNBELIEVED);
    wire_reader_done(&reader);
}

static void test_reader_refuses_a_bad_magic(void **state)
{
    (void)state;
    struct wire_header header = good_header();
    for (int bit = 0; bit < 32; bit++) {
        header.magic = WIRE_MAGIC ^ 1u << bit;
        expect_refused(&header);
    }
}

static void test_reader_refuses_an_unknown_kind(void **state)
{
    (void)state;
    struct wire_header header = good_header();
    header.kind = 0;
    expect_refused(&header);
    header.kind = WIRE_FAILURE + 1;
    expect_refused(&header);
    header.kind = UINT32_MAX;
    expect_refused(&header);
}

static void test_reader_refuses_a_length_before_it_allocates(void **state)
{
    (void)state;
    const uint64_t lengths[] = {1001, 1u << 31, UINT64_C(1) << 32, UINT64_MAX, UINT64_MAX - 47};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct wire_header header = good_header();
        header.size = lengths[i];
        expect_refused(&header);
    }
}

static void test_reader_refuses_too_many_descriptors(void **state)
{
    (void)state;
    struct wire_header header = good_header();
    header.fd_count = 4;
    expect_refused(&header);
    header.fd_count = UINT32_MAX;
    expect_refused(&header);
}

static void test_reader_refuses_a_slot_that_does_not_exist(void **state)
{
    (void)state;
    struct wire_header header = good_header();
    header.slot = 16;
    expect_refused(&header);
    header.slot = UINT32_MAX;
    expect_refused(&header);
}

static void test_reader_lets_the_limits_themselves_pass(void **state)
{
    (void)state;
    char payload[1000] = {1, 2, 3}, stream[sizeof payload + 16 + sizeof(struct wire_header)];
    struct wire_header header = good_header();
    header.size = 1000;
    header.fd_count = 3;
    header.slot = 15;
    struct wire_reader reader;
    wire_reader_init(&reader, limits);
    feed(&reader, stream, frame_append(stream, 0, &header, payload));
    const uint8_t *bytes;
    assert_int_equal(wire_reader_next(&reader, &header, &bytes), 1);
    assert_memory_equal(bytes, payload, sizeof payload);
    wire_reader_done(&reader);
}

static void test_reader_makes_room_for_the_rest_of_a_big_frame(void **state)
{
    (void)state;
    enum { BIG = 5 << 20 };
    struct wire_reader reader;
    wire_reader_init(&reader, (struct wire_limits){.size_max = BIG, .slots = 16});
    struct wire_header header = good_header();
    header.size = BIG;
    feed(&reader, &header, sizeof header);
    feed(&reader, "abc", 3);
    size_t room_size;
    assert_non_null(wire_reader_room(&reader, &room_size));
    assert_true(room_size >= BIG - 3);
    assert_true(wire_reader_torn(&reader));
    wire_reader_done(&reader);
}

static void test_reader_done_twice_is_harmless(void **state)
{
    (void)state;
    struct wire_reader reader;
    wire_reader_init(&reader, limits);
    feed(&reader, "abc", 3);
    wire_reader_done(&reader);
    assert_false(wire_reader_torn(&reader));
    wire_reader_done(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_reader_finds_frames_cut_at_every_byte),
        SUPPORT_TEST(test_reader_finds_frames_fed_byte_by_byte),
        SUPPORT_TEST(test_reader_takes_many_frames_of_one_read),
        SUPPORT_TEST(test_reader_refuses_a_bad_magic),
        SUPPORT_TEST(test_reader_refuses_an_unknown_kind),
        SUPPORT_TEST(test_reader_refuses_a_length_before_it_allocates),
        SUPPORT_TEST(test_reader_refuses_too_many_descriptors),
        SUPPORT_TEST(test_reader_refuses_a_slot_that_does_not_exist),
        SUPPORT_TEST(test_reader_lets_the_limits_themselves_pass),
        SUPPORT_TEST(test_reader_makes_room_for_the_rest_of_a_big_frame),
        SUPPORT_TEST(test_reader_done_twice_is_harmless),
    };
    return cmocka_run_group_tests_name("mproc/wire", tests, NULL, NULL);
}
