/* The count of a WebP's frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/webp_check.h"
#include "support/images.h"

enum { HEAD = 12 + 8 + 10, FRAME = 8 + 2 };

/* An animation, or with `flags` 0 something else, of so many frames of one byte, which is padded.
 */
static struct test_file make_webp(uint8_t flags, int frames)
{
    size_t size = HEAD + (size_t)frames * FRAME;
    struct test_file file = {calloc(1, size), size};
    memcpy(file.bytes, "RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0", 20);
    for (int i = 0; i < 4; i++)
        file.bytes[4 + i] = (uint8_t)((size - 8) >> 8 * i);
    file.bytes[20] = flags;
    for (uint8_t *to = file.bytes + HEAD; to < file.bytes + size; to += FRAME)
        memcpy(to, "ANMF\1\0\0\0", 8);
    return file;
}

static int check(struct test_file file, size_t size, struct image_fault *fault)
{
    struct source source;
    int fd = test_open(file.bytes, size);
    assert_int_equal(source_init(&source, fd, (int64_t)size), 0);
    int rc = webp_check(&source, fault);
    assert_int_equal(source.offset, 0);
    source_done(&source);
    close(fd);
    test_file_done(&file);
    return rc;
}

static void test_webp_of_few_frames_passes(void **state)
{
    struct image_fault fault;
    (void)state;
    struct test_file most = make_webp(2, WEBP_PARTS_MAX - 1); /* the header is a part, too */
    assert_int_equal(check(most, most.size, &fault), 0);
}

static void test_webp_of_too_many_frames_is_refused(void **state)
{
    struct image_fault fault;
    (void)state;
    struct test_file more = make_webp(2, WEBP_PARTS_MAX);
    assert_int_equal(check(more, more.size, &fault), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    assert_non_null(strstr(fault.message, "more than 10000 frames"));
}

static void test_webp_that_is_not_animated_passes(void **state)
{
    struct image_fault fault;
    (void)state;
    struct test_file still = make_webp(0, WEBP_PARTS_MAX);
    assert_int_equal(check(still, still.size, &fault), 0);
}

static void test_webp_that_ends_anywhere_passes(void **state)
{
    struct image_fault fault;
    (void)state;
    for (size_t size = 1; size < HEAD + 2 * FRAME; size++)
        assert_int_equal(check(make_webp(2, 2), size, &fault), 0);
}

static void test_webp_part_of_any_size_passes(void **state)
{
    struct image_fault fault;
    (void)state;
    struct test_file huge = make_webp(2, 2);
    memset(huge.bytes + HEAD + 4, 0xff, 4);
    assert_int_equal(check(huge, huge.size, &fault), 0);
}

static void test_webp_may_have_anything_behind_it(void **state)
{
    struct image_fault fault;
    (void)state;
    struct test_file more = make_webp(2, WEBP_PARTS_MAX);
    more.bytes[6]--; /* 65536 bytes of it do not belong to it */
    assert_int_equal(check(more, more.size, &fault), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webp_of_few_frames_passes),
        cmocka_unit_test(test_webp_of_too_many_frames_is_refused),
        cmocka_unit_test(test_webp_that_is_not_animated_passes),
        cmocka_unit_test(test_webp_that_ends_anywhere_passes),
        cmocka_unit_test(test_webp_part_of_any_size_passes),
        cmocka_unit_test(test_webp_may_have_anything_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
