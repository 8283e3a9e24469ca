/* Kinds are known by content; sizes are read without believing anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/kind.h"
#include "support/images.h"

#define SNIFF(bytes) image_kind_sniff((const uint8_t *)(bytes), sizeof(bytes) - 1)

static void test_kind_is_known_by_the_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(SNIFF("\xff\xd8\xff\xe0"), IMAGE_KIND_JPEG);
    assert_int_equal(SNIFF("\x89PNG\r\n\x1a\n"), IMAGE_KIND_PNG);
    assert_int_equal(SNIFF("GIF89a"), IMAGE_KIND_GIF);
    assert_int_equal(SNIFF("GIF87a"), IMAGE_KIND_GIF);
    assert_int_equal(SNIFF("RIFF\1\2\3\4WEBPVP8 "), IMAGE_KIND_WEBP);
    assert_int_equal(SNIFF("II*\0\x08\0\0\0"), IMAGE_KIND_TIFF);
    assert_int_equal(SNIFF("MM\0*\0\0\0\x08"), IMAGE_KIND_TIFF);
    assert_int_equal(SNIFF("\0\0\0\x1c"
                           "ftypavif"),
                     IMAGE_KIND_AVIF);
    assert_int_equal(SNIFF("\0\0\0\x1c"
                           "ftypheic"),
                     IMAGE_KIND_HEIF);
    assert_int_equal(SNIFF("\0\0\0\x1c"
                           "ftypmif1\0\0\0\0mif1avif"),
                     IMAGE_KIND_AVIF);
    assert_int_equal(SNIFF("\0\0\0\x1c"
                           "ftypmif1\0\0\0\0mif1heic"),
                     IMAGE_KIND_HEIF);
}

static void test_kind_of_anything_else_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(image_kind_sniff(NULL, 0), IMAGE_KIND_UNKNOWN);
    assert_int_equal(SNIFF("\xff\xd8"), IMAGE_KIND_UNKNOWN);
    assert_int_equal(SNIFF("RIFF\1\2\3\4WAVE"), IMAGE_KIND_UNKNOWN);
    assert_int_equal(SNIFF("ABCD\1\2\3\4WEBP"), IMAGE_KIND_UNKNOWN);
    assert_int_equal(SNIFF("Dear picture, "), IMAGE_KIND_UNKNOWN);
}

static void test_kind_has_a_name_even_out_of_range(void **state)
{
    (void)state;
    assert_string_equal(image_kind_name(IMAGE_KIND_JPEG), "jpeg");
    assert_string_equal(image_kind_name(IMAGE_KIND_AVIF), "avif");
    assert_string_equal(image_kind_name((enum image_kind)99), "unknown");
    assert_string_equal(image_kind_name((enum image_kind) - 1), "unknown");
}

/* Every cut of a real file either gives the size or is refused; memory is as long as the cut, so a
 * sanitizer sees a look behind it. */
static void check_all_cuts(enum image_kind kind, const struct test_file *file)
{
    int width, height, known = 0;

    for (size_t size = 0; size <= 1000 && size <= file->size; size++) {
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, file->bytes, size);
        if (image_kind_size(kind, cut, size, &width, &height) == 0) {
            assert_int_equal(width, 123);
            assert_int_equal(height, 45);
            known++;
        } else {
            assert_int_equal(known, 0); /* once known, more bytes do not take it back */
        }
        free(cut);
    }
    assert_true(known > 0);
}

static void test_kind_of_untrusted_pictures_is_known(void **state)
{
    (void)state;
    static const struct {
        enum image_kind kind;
        const char *head;
    } files[] = {
        {IMAGE_KIND_SVG, "<svg xmlns=\"http://www.w3.org/"},
        {IMAGE_KIND_SVG, "<?xml version=\"1.0\"?>"},
        {IMAGE_KIND_SVG, "\xef\xbb\xbf <!-- drawn by"},
        {IMAGE_KIND_SVG, "\n\t <!DOCTYPE svg PUBLIC"},
        {IMAGE_KIND_PDF, "%PDF-1.7"},
        {IMAGE_KIND_OTHER, "P6\n80 40"},
        {IMAGE_KIND_OTHER, "\xff\x0a\x01"},
        {IMAGE_KIND_UNKNOWN, "P8 "},
        {IMAGE_KIND_UNKNOWN, "<html><svg>"},
        {IMAGE_KIND_UNKNOWN, "<!DOCTYPE html>"},
        {IMAGE_KIND_UNKNOWN, "<sv"},
        {IMAGE_KIND_UNKNOWN, "P6"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size = strlen(files[i].head);
        uint8_t *head = malloc(size); /* of that size, so that a look behind it is seen */
        memcpy(head, files[i].head, size);
        assert_int_equal(image_kind_sniff(head, size), files[i].kind);
        assert_int_equal(image_kind_is_untrusted(files[i].kind),
                         files[i].kind != IMAGE_KIND_UNKNOWN);
        free(head);
    }
    for (int kind = IMAGE_KIND_UNKNOWN; kind <= IMAGE_KIND_AVIF; kind++)
        assert_false(image_kind_is_untrusted((enum image_kind)kind));
}

static void test_kind_size_reads_jpeg_and_png_and_survives_every_cut(void **state)
{
    (void)state;
    struct pixels p = test_picture(123, 45, 4, false);
    struct test_file jpeg = test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE});
    struct test_file png = test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    check_all_cuts(IMAGE_KIND_JPEG, &jpeg);
    check_all_cuts(IMAGE_KIND_PNG, &png);
    int width, height;
    assert_int_equal(image_kind_size(IMAGE_KIND_PNG, jpeg.bytes, jpeg.size, &width, &height), -1);
    test_file_done(&jpeg);
    test_file_done(&png);
    pixels_done(&p);
}

static void test_kind_size_reads_the_three_forms_of_webp(void **state)
{
    (void)state;
    int width, height;
    uint8_t lossy[30] = "RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x7b\0\x2d\0";
    uint8_t lossless[30] = "RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x7a\0\x0b\0";
    uint8_t extended[30] = "RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x7a\0\0\x2c\0\0";
    uint8_t *forms[] = {lossy, lossless, extended};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(image_kind_size(IMAGE_KIND_WEBP, forms[i], 30, &width, &height), 0);
        assert_int_equal(width, 123);
        assert_int_equal(height, 45);
        assert_int_equal(image_kind_size(IMAGE_KIND_WEBP, forms[i], 29, &width, &height), -1);
    }
    assert_int_equal(
        image_kind_size(IMAGE_KIND_GIF, (const uint8_t *)"GIF89a\1\0\1\0", 10, &width, &height),
        -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_is_known_by_the_first_bytes),
        cmocka_unit_test(test_kind_of_anything_else_is_unknown),
        cmocka_unit_test(test_kind_has_a_name_even_out_of_range),
        cmocka_unit_test(test_kind_of_untrusted_pictures_is_known),
        cmocka_unit_test(test_kind_size_reads_jpeg_and_png_and_survives_every_cut),
        cmocka_unit_test(test_kind_size_reads_the_three_forms_of_webp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
