/* The spec's defaults are the documented ones, and boxes are read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "image/fault.h"
#include "image/spec.h"

static void test_spec_default_is_what_the_manual_says(void **state)
{
    (void)state;
    struct image_spec spec = image_spec_default();
    assert_int_equal(spec.box_count, 1);
    assert_int_equal(spec.boxes[0].width, 256);
    assert_int_equal(spec.boxes[0].height, 256);
    assert_true(spec.blur_sigma_px == 2);
    assert_int_equal(spec.kernel, IMAGE_BICUBIC);
    assert_int_equal(spec.format, IMAGE_KIND_JPEG);
    assert_int_equal(spec.quality, 75);
    assert_int_equal(spec.max_pixels, 268402689);
    assert_int_equal(spec.max_scans, 500);
}

static void check_box(const char *text, int width, int height)
{
    struct image_box box = {-7, -7};
    assert_int_equal(image_box_parse(text, &box), 0);
    assert_int_equal(box.width, width);
    assert_int_equal(box.height, height);
}

static void test_box_parse_reads_its_four_forms(void **state)
{
    (void)state;
    check_box("256", 256, 256);
    check_box("320x240", 320, 240);
    check_box("320x", 320, 0);
    check_box("x240", 0, 240);
    check_box("65500", 65500, 65500);
}

static void test_box_parse_refuses_everything_else(void **state)
{
    (void)state;
    const char *const wrong[] = {"",     "x",     "0",    "0x5",   "5x0", "-5",
                                 "5x-5", "65501", "5x5x", "5 x 5", "5X5", "99999999999999",
                                 "a",    "+5",    " 5",   "5 ",    "0x",  "x0",
                                 "5.5",  "00"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct image_box box = {-7, -7};
        assert_int_equal(image_box_parse(wrong[i], &box), -EINVAL);
        assert_int_equal(box.width, -7); /* untouched */
    }
}

static void test_colour_parse_reads_names_and_both_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t want[3];
    } right[] = {
        {"white", {255, 255, 255}}, {"black", {0, 0, 0}},         {"grey", {128, 128, 128}},
        {"gray", {128, 128, 128}},  {"#1a2B3c", {26, 43, 60}},    {"#fa0", {255, 170, 0}},
        {"#000", {0, 0, 0}},        {"#FFFFFF", {255, 255, 255}}, {"#09f", {0, 153, 255}},
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        uint8_t colour[3] = {7, 7, 7};
        assert_int_equal(image_colour_parse(right[i].text, colour), 0);
        assert_memory_equal(colour, right[i].want, 3);
    }
}

static void test_colour_parse_refuses_everything_else(void **state)
{
    (void)state;
    const char *const wrong[] = {"",      "#",      "red",  "White", "fff",     "#ff",
                                 "#ffff", "#fffff", "#ggg", "#ffg",  "#12345g", "#fffffff",
                                 " #fff", "#fff ",  "#-1f", "#ff ff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t colour[3] = {7, 7, 7};
        assert_int_equal(image_colour_parse(wrong[i], colour), -EINVAL);
        assert_int_equal(colour[0] + colour[1] + colour[2], 21); /* untouched */
    }
}

static void test_fault_holds_one_clean_line(void **state)
{
    (void)state;
    struct image_fault fault;
    assert_int_equal(image_fail(&fault, IMAGE_LIMIT, "a\nb\033[31m%d", 5), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    assert_string_equal(fault.message, "a b [31m5");
    image_fail(&fault, IMAGE_IO, "%0500d", 1);
    assert_int_equal(fault.message[sizeof fault.message - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_default_is_what_the_manual_says),
        cmocka_unit_test(test_box_parse_reads_its_four_forms),
        cmocka_unit_test(test_box_parse_refuses_everything_else),
        cmocka_unit_test(test_colour_parse_reads_names_and_both_lengths),
        cmocka_unit_test(test_colour_parse_refuses_everything_else),
        cmocka_unit_test(test_fault_holds_one_clean_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
