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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_hands_out_the_whole_file_in_order),
        cmocka_unit_test(test_source_reads_and_seeks_anywhere),
        cmocka_unit_test(test_source_remembers_the_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
