/* A WebP's container is written by the book, and what is none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/webp.h"

/* One picture of 3 bytes, with an Exif chunk that nobody asked for. */
static const uint8_t encoded[] = "RIFF\x20\0\0\0WEBPVP8 \x03\0\0\0abc\0EXIF\x04\0\0\0what";
enum { ENCODED = sizeof encoded - 1 };

static struct buffer wrap(const uint8_t *file, size_t size, struct webp_canvas canvas,
                          struct metadata metadata, int want)
{
    struct buffer buffer = {0};
    assert_int_equal(webp_wrap(file, size, canvas, &metadata, &buffer), want);
    return buffer;
}

static void check(struct webp_canvas canvas, struct metadata metadata, const char *want,
                  size_t want_size)
{
    struct buffer file = wrap(encoded, ENCODED, canvas, metadata, 0);
    assert_int_equal(file.size, want_size);
    assert_memory_equal(file.bytes, want, want_size);
    buffer_done(&file);
}

static void test_webp_without_metadata_is_the_picture_alone(void **state)
{
    (void)state;
    static const char want[] = "RIFF\x10\0\0\0WEBPVP8 \x03\0\0\0abc\0";
    check((struct webp_canvas){300, 2, false}, (struct metadata){0}, want, sizeof want - 1);
}

static void test_webp_says_alpha_profile_and_exif_in_its_flags(void **state)
{
    (void)state;
    static const char alpha[] = "RIFF\x22\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x2b\x01\0\x01\0\0"
                                "VP8 \x03\0\0\0abc\0";
    static const char all[] = "RIFF\x3e\0\0\0WEBPVP8X\x0a\0\0\0\x28\0\0\0\x2b\x01\0\x01\0\0"
                              "ICCP\x05\0\0\0hello\0VP8 \x03\0\0\0abc\0EXIF\x06\0\0\0upside";
    struct metadata metadata = {.icc = (const uint8_t *)"hello",
                                .icc_size = 5,
                                .exif = (uint8_t *)(uintptr_t) "upside",
                                .exif_size = 6};
    check((struct webp_canvas){300, 2, true}, (struct metadata){0}, alpha, sizeof alpha - 1);
    check((struct webp_canvas){300, 2, false}, metadata, all, sizeof all - 1);
}

/* The copies are as long as they say, so that a sanitizer sees a step beyond. */
static void test_webp_that_is_cut_or_holds_no_picture_is_refused(void **state)
{
    (void)state;
    const struct webp_canvas canvas = {300, 2, false};
    for (size_t size = 0; size < 12 + 8 + 3; size++) {
        uint8_t *cut = malloc(size + !size);
        memcpy(cut, encoded, size);
        struct buffer file = wrap(cut, size, canvas, (struct metadata){0}, -EINVAL);
        buffer_done(&file);
        free(cut);
    }
    uint8_t twice[2 * ENCODED];
    memcpy(twice, encoded, ENCODED);
    memcpy(twice + ENCODED, encoded + 12, 12); /* a second picture */
    struct buffer file = wrap(twice, ENCODED + 12, canvas, (struct metadata){0}, -EINVAL);
    buffer_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webp_without_metadata_is_the_picture_alone),
        cmocka_unit_test(test_webp_says_alpha_profile_and_exif_in_its_flags),
        cmocka_unit_test(test_webp_that_is_cut_or_holds_no_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
