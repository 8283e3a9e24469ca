/* What libvips calls untrusted is read when it is asked for, and never otherwise. In this process
 * libvips is started with all it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/module.h"
#include "support/guest.h"
#include "support/images.h"

static const char svg[] =
    "<?xml version=\"1.0\"?>\n<!-- a red half -->\n"
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\">"
    "<rect x=\"0\" y=\"0\" width=\"40\" height=\"40\" fill=\"#ff0000\"/></svg>";

static const char pdf[] =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 80 40]/Contents 4 0 R>>endobj\n"
    "4 0 obj<</Length 24>>stream\n1 0 0 rg 0 0 40 40 re f \nendstream endobj\n"
    "trailer<</Root 1 0 R>>\n%%EOF\n";

/* A portable map: 80 x 40, the left half red. */
static struct test_file make_ppm(void)
{
    struct test_file file = {malloc(13 + 80 * 40 * 3), 13 + 80 * 40 * 3};
    memcpy(file.bytes, "P6\n80 40\n255\n", 13);
    for (size_t i = 0; i < 80 * 40; i++)
        memcpy(file.bytes + 13 + 3 * i, i % 80 < 40 ? "\xff\0\0" : "\xff\xff\xff", 3);
    return file;
}

static struct image_spec spec_of(bool allowed)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){40, 40};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = 0;
    spec.allow_untrusted = allowed;
    return spec;
}

/* The file is 80 x 40 with a left half that is red; refused unless it is allowed. */
static void check(void **state, const void *bytes, size_t size, const char *name)
{
    struct image_spec allowed = spec_of(true), forbidden = spec_of(false);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(bytes, size, &forbidden, *state, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_UNSUPPORTED);
    assert_non_null(strstr(fault.message, "--allow-untrusted"));
    if (test_thumbnail(bytes, size, &allowed, *state, &result, &fault)) {
        if (fault.code != IMAGE_UNSUPPORTED)
            fail_msg("%s: %s", name, fault.message);
        print_message("no %s here: %s\n", name, fault.message);
        return;
    }
    assert_int_equal(result.width, 80);
    assert_int_equal(result.height, 40);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    const uint8_t *left = p.data + 10 * p.stride + 5 * 4;
    assert_true(left[0] > 250 && left[1] < 5 && left[2] < 5);
    pixels_done(&p);
    image_result_done(&result);
}

static void test_untrusted_kinds_are_read_when_allowed(void **state)
{
    struct test_file ppm = make_ppm();
    check(state, svg, sizeof svg - 1, "SVG");
    check(state, pdf, sizeof pdf - 1, "PDF");
    check(state, ppm.bytes, ppm.size, "PPM");
    test_file_done(&ppm);
}

/* Whoever says that it is a TIFF: what it is read as is never left to libvips. */
static void test_untrusted_content_under_another_kind_is_refused(void **state)
{
    struct test_file ppm = make_ppm();
    const struct test_file files[] = {
        {(uint8_t *)svg, sizeof svg - 1}, {(uint8_t *)pdf, sizeof pdf - 1}, ppm};
    struct image_spec spec = spec_of(false);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (int kind = IMAGE_KIND_WEBP; kind <= IMAGE_KIND_AVIF; kind++) {
            struct image_input input = {.fd = test_open(files[i].bytes, files[i].size),
                                        .size_bytes = (int64_t)files[i].size,
                                        .kind = (enum image_kind)kind};
            struct image_result result;
            struct image_fault fault;
            assert_int_equal(image_thumbnail(&input, &spec, *state, &result, &fault), -1);
            assert_int_equal(fault.code, IMAGE_UNSUPPORTED);
            close(input.fd);
        }
    test_file_done(&ppm);
}

static void test_untrusted_pictures_too_large_are_refused_from_the_header(void **state)
{
    static const char large[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60000\" "
                                "height=\"60000\"><rect width=\"9\" height=\"9\"/></svg>";
    struct image_spec spec = spec_of(true);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(large, sizeof large - 1, &spec, *state, &result, &fault), -1);
    if (strstr(fault.message, "no loader"))
        skip();
    assert_int_equal(fault.code, IMAGE_LIMIT);
}

static void test_untrusted_nonsense_fails(void **state)
{
    static const char *const texts[] = {"<?xml version=\"1.0\"?><html><body>a page</body></html>",
                                        "%PDF-1.4 and nothing more", "P6 80 40 and not a number",
                                        "<svg"};
    struct image_spec spec = spec_of(true);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct image_result result;
        struct image_fault fault;
        assert_int_equal(test_thumbnail(texts[i], strlen(texts[i]), &spec, *state, &result, &fault),
                         -1);
        assert_true(fault.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untrusted_kinds_are_read_when_allowed),
        cmocka_unit_test(test_untrusted_content_under_another_kind_is_refused),
        cmocka_unit_test(test_untrusted_pictures_too_large_are_refused_from_the_header),
        cmocka_unit_test(test_untrusted_nonsense_fails),
    };
    return cmocka_run_group_tests(tests, test_guest_set_up_untrusted, test_guest_tear_down);
}
