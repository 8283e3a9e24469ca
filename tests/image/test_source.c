/* A source hands out the file in order, from wherever it is told to go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/source.h"
#include "support/images.h"

enum { SIZE = SOURCE_CHUNK_BYTES * 3 + 77 };

static uint8_t *counting(void)
{
    uint8_t *bytes = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    return bytes;
}

static void test_source_hands_out_the_whole_file_in_order(void **state)
{
    (void)state;
    uint8_t *bytes = counting();
    int fd = test_open(bytes, SIZE);
    struct source source;
    const uint8_t *piece;
    size_t at = 0, size;
    assert_int_equal(source_init(&source, fd, SIZE), 0);
    while ((size = source_next(&source, &piece)) > 0) {
        assert_memory_equal(piece, bytes + at, size);
        at += size;
    }
    assert_int_equal(at, SIZE);
    assert_int_equal(source.error, 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), SIZE); /* where test_open() left it */
    source_done(&source);
    close(fd);
    free(bytes);
}

static void test_source_reads_and_seeks_anywhere(void **state)
{
    (void)state;
    uint8_t *bytes = counting(), buffer[5000];
    int fd = test_open(bytes, SIZE);
    struct source source;
    srand(4);
    assert_int_equal(source_init(&source, fd, SIZE), 0);
    for (int i = 0; i < 3000; i++) {
        int64_t at = i % 3 ? source.offset : rand() % (SIZE + 1000);
        size_t want = (size_t)rand() % sizeof buffer;
        if (i % 3 == 0)
            source_seek(&source, at);
        size_t there = at < SIZE ? (size_t)(SIZE - at) : 0;
        size_t got = source_read(&source, buffer, want);
        assert_int_equal(got, want < there ? want : there);
        if (got)
            assert_memory_equal(buffer, bytes + at, got);
        assert_int_equal(source.offset, at + (int64_t)got);
    }
    source_done(&source);
    close(fd);
    free(bytes);
}

static void test_source_remembers_the_first_error(void **state)
{
    (void)state;
    struct source source;
    const uint8_t *piece;
    assert_int_equal(source_init(&source, -1, 100), 0);
    assert_int_equal(source_next(&source, &piece), 0);
    assert_int_equal(source.error, EBADF);
    assert_int_equal(source_next(&source, &piece), 0);
    source_done(&source);
    source_done(&source); /* takes a done one */
}

/* The hash of the first `reach` bytes, in one go. */
static uint64_t hash_of(int fd, int64_t reach)
{
    struct source source;
    uint64_t hash = 0;
    assert_int_equal(source_init(&source, fd, SIZE), 0);
    assert_int_equal(source_hash(&source, reach, &hash), 0);
    source_done(&source);
    return hash;
}

static void test_source_fingerprint_covers_all_that_was_read(void **state)
{
    (void)state;
    uint8_t *bytes = counting(), buffer[5000];
    int fd = test_open(bytes, SIZE);
    static const int64_t jumps[][2] = {/* where it goes on, how far it reads from there */
                                       {0, 100},      {SOURCE_CHUNK_BYTES + 9, 5000},
                                       {40, 500},     {2 * SOURCE_CHUNK_BYTES + 1000, 5},
                                       {SIZE + 5, 9}, {3, 5000}};
    for (size_t count = 1; count <= sizeof jumps / sizeof *jumps; count++) {
        struct source source;
        uint64_t hash = 0;
        assert_int_equal(source_init(&source, fd, SIZE), 0);
        assert_int_equal(source_watch(&source), 0);
        int64_t furthest = 0;
        for (size_t i = 0; i < count; i++) {
            source_seek(&source, jumps[i][0]);
            size_t got = source_read(&source, buffer, (size_t)jumps[i][1]);
            if (got > 0 && jumps[i][0] + (int64_t)got > furthest)
                furthest = jumps[i][0] + (int64_t)got;
        }
        int64_t reach = source_fingerprint(&source, &hash);
        assert_in_range(reach, furthest, SIZE);
        assert_true(hash == hash_of(fd, reach));
        source_done(&source);
    }
    close(fd);
    free(bytes);
}

static void test_source_hash_tells_files_apart_as_far_as_it_reaches(void **state)
{
    (void)state;
    uint8_t *bytes = counting();
    int fd = test_open(bytes, SIZE);
    bytes[SIZE - 10] ^= 1;
    int other = test_open(bytes, SIZE);
    assert_true(hash_of(fd, SIZE - 10) == hash_of(other, SIZE - 10));
    assert_true(hash_of(fd, SIZE - 9) != hash_of(other, SIZE - 9));
    struct source source;
    uint64_t hash;
    assert_int_equal(source_init(&source, fd, SIZE), 0);
    assert_int_equal(source_hash(&source, SIZE + 1, &hash), -1);
    source_done(&source);
    close(fd);
    close(other);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_hands_out_the_whole_file_in_order),
        cmocka_unit_test(test_source_reads_and_seeks_anywhere),
        cmocka_unit_test(test_source_remembers_the_first_error),
        cmocka_unit_test(test_source_fingerprint_covers_all_that_was_read),
        cmocka_unit_test(test_source_hash_tells_files_apart_as_far_as_it_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
