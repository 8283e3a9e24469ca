/* The exact way computes what Pillow does. The tables are Pillow 9.4.0's results for the picture
 * that pattern() makes; exact_pillow.py beside this compares hundreds of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/exact.h"
#include "image/orient.h"
#include "support/images.h"

static struct pixels pattern(int width, int height)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, width, height, 1), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p.data[y * width + x] = (uint8_t)(x * 37 + y * 59 + x * y * 11);
    return p;
}

/* The same in four channels that are not alike: each 50 more than the one before. */
static struct pixels spread(const struct pixels *grey)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, grey->width, grey->height, 4), 0);
    for (int i = 0; i < grey->width * grey->height; i++)
        for (int c = 0; c < 4; c++)
            p.data[4 * i + c] = (uint8_t)(grey->data[i] + c * 50);
    return p;
}

static const uint8_t blurred_narrow[12 * 7] = {/* sigma 0.3 */
                                               6,   40,  77,  114, 151, 179, 205, 20,  46,  83,
                                               111, 145, 62,  107, 155, 193, 230, 64,  101, 129,
                                               176, 214, 48,  83,  121, 177, 216, 60,  108, 147,
                                               195, 40,  88,  137, 186, 241, 180, 227, 81,  131,
                                               181, 36,  95,  145, 204, 59,  109, 176, 218, 82,
                                               142, 203, 68,  129, 190, 55,  116, 177, 42,  100,
                                               52,  131, 203, 79,  151, 223, 99,  151, 27,  99,
                                               170, 43,  99,  187, 65,  148, 240, 118, 189, 65,
                                               137, 15,  107, 195};
static const uint8_t blurred[12 * 7] = {/* sigma 2 */
                                        92,  101, 113, 124, 130, 131, 125, 120, 118, 118, 123, 128,
                                        104, 111, 120, 127, 131, 130, 126, 121, 119, 120, 125, 129,
                                        119, 123, 128, 131, 133, 130, 126, 122, 121, 122, 126, 129,
                                        130, 132, 135, 135, 135, 131, 127, 122, 120, 121, 124, 127,
                                        135, 136, 138, 138, 137, 133, 127, 122, 118, 118, 121, 124,
                                        134, 136, 138, 140, 140, 135, 129, 121, 116, 115, 117, 120,
                                        131, 134, 138, 141, 142, 137, 129, 121, 114, 113, 115, 118};
static const uint8_t blurred_wide[12 * 7] = {/* sigma 15: the box is longer than the picture */
                                             113, 114, 115, 115, 116, 116, 116, 117, 118, 118, 118,
                                             119, 113, 114, 115, 115, 116, 116, 116, 117, 118, 118,
                                             118, 119, 113, 114, 115, 115, 116, 116, 116, 117, 118,
                                             118, 118, 119, 113, 114, 115, 115, 116, 116, 116, 117,
                                             118, 118, 118, 119, 114, 114, 115, 115, 116, 116, 116,
                                             117, 118, 118, 119, 119, 114, 114, 115, 115, 116, 116,
                                             116, 117, 118, 118, 119, 119, 114, 114, 115, 115, 116,
                                             116, 116, 117, 118, 118, 119, 119};

static void check_blur(double sigma, const uint8_t *want)
{
    struct pixels p = pattern(12, 7);
    assert_int_equal(exact_blur(&p, sigma), 0);
    assert_memory_equal(p.data, want, 12 * 7);
    pixels_done(&p);
}

static void test_exact_blur_is_pillows(void **state)
{
    (void)state;
    check_blur(0.3, blurred_narrow);
    check_blur(2, blurred);
    check_blur(15, blurred_wide);
}

/* Three boxes of [1 2 1] / 4, by hand. 255 becomes 64 127 64, then 16 64 95 64 16: weights are cut
 * off, so a half goes down, and rounding comes after every box. Sigma is the root of three times
 * the box's variance, 1 / 2. */
static void test_exact_blur_rounds_after_every_box(void **state)
{
    (void)state;
    static const uint8_t want[9] = {0, 4, 24, 60, 79, 60, 24, 4, 0};
    struct pixels p;
    assert_int_equal(pixels_init(&p, 9, 1, 1), 0);
    memset(p.data, 0, 9);
    p.data[4] = 255;
    assert_int_equal(exact_blur(&p, 1.2247448713915890), 0);
    assert_memory_equal(p.data, want, 9);
    pixels_done(&p);
}

static void test_exact_blur_of_zero_changes_nothing(void **state)
{
    (void)state;
    struct pixels p = pattern(12, 7), q = pattern(12, 7);
    assert_int_equal(exact_blur(&p, 0), 0);
    assert_memory_equal(p.data, q.data, 12 * 7);
    pixels_done(&p);
    pixels_done(&q);
}

static void test_exact_blur_treats_channels_alike(void **state)
{
    (void)state;
    struct pixels grey = pattern(90, 70), p = spread(&grey);
    assert_int_equal(exact_blur(&p, 2), 0);
    for (int c = 0; c < 4; c++) {
        struct pixels one = pattern(90, 70);
        for (int i = 0; i < 90 * 70; i++)
            one.data[i] = (uint8_t)(one.data[i] + c * 50);
        assert_int_equal(exact_blur(&one, 2), 0);
        for (int i = 0; i < 90 * 70; i++)
            assert_int_equal(p.data[4 * i + c], one.data[i]);
        pixels_done(&one);
    }
    pixels_done(&grey);
    pixels_done(&p);
}

static void check_thumbnail(int width, int height, int to_width, int to_height, const uint8_t *want)
{
    struct pixels in = pattern(width, height), out;
    assert_int_equal(exact_thumbnail(&in, to_width, to_height, &out), 0);
    assert_memory_equal(out.data, want, (size_t)(to_width * to_height));
    pixels_done(&in);
    pixels_done(&out);
}

static void test_exact_thumbnail_is_pillows(void **state)
{
    (void)state;
    static const uint8_t bicubic[] = {85,  151, 136, 109, 127, 168, 131, 115,
                                      125, 134, 125, 148, 155, 90,  106};
    static const uint8_t reduced[] = {131, 122, 129, 127, 126, 135, 126, 124, 121, 133, 128, 125,
                                      126, 123, 146, 133, 128, 131, 128, 128, 131, 122, 128, 127};
    check_thumbnail(12, 7, 5, 3, bicubic);
    check_thumbnail(41, 29, 6, 4, reduced); /* boxes of 3 first; the last column's are of 2 */
}

static void test_exact_resize_of_a_part_is_pillows(void **state)
{
    (void)state;
    static const uint8_t want[] = {
        151, 185, 223, 254, 169, 47,  209, 145, 128, 170, 145, 100, 219, 89,  36,  87,  122, 153,
        97,  86,  116, 179, 129, 47,  67,  133, 177, 174, 107, 31,  141, 213, 193, 71,  62,  117,
        200, 166, 122, 83,  130, 203, 208, 98,  68,  145, 208, 238, 91,  103, 152, 226, 200, 138};
    struct pixels in = pattern(12, 7), out;
    assert_int_equal(exact_resize(&in, (struct pixels_box){2.3, 1.1, 3.5, 5.4}, 6, 9, &out), 0);
    assert_memory_equal(out.data, want, sizeof want);
    pixels_done(&in);
    pixels_done(&out);
}

static void test_exact_thumbnail_with_alpha_leaves_the_boxes_out(void **state)
{
    (void)state;
    struct pixels grey = pattern(41, 29), in = spread(&grey), out, want;
    struct pixels_box all = {0, 0, 41, 29};
    in.alpha = true;
    assert_int_equal(exact_thumbnail(&in, 6, 4, &out), 0);
    assert_int_equal(exact_resize(&in, all, 6, 4, &want), 0);
    assert_true(out.alpha);
    assert_memory_equal(out.data, want.data, 6 * 4 * 4);
    pixels_done(&want);
    pixels_done(&out);
    in.alpha = false;
    assert_int_equal(exact_thumbnail(&in, 6, 4, &out), 0);
    assert_int_equal(exact_resize(&in, all, 6, 4, &want), 0);
    assert_memory_not_equal(out.data, want.data, 6 * 4 * 4);
    pixels_done(&want);
    pixels_done(&out);
    pixels_done(&grey);
    pixels_done(&in);
}

static void test_exact_thumbnail_of_the_same_size_is_a_copy(void **state)
{
    (void)state;
    struct pixels in = pattern(12, 7), out;
    assert_int_equal(exact_thumbnail(&in, 12, 7, &out), 0);
    assert_memory_equal(out.data, in.data, 12 * 7);
    pixels_done(&in);
    pixels_done(&out);
}

/* ---- the whole way ---- */

static struct pixels made(struct test_file file, const struct image_spec *spec)
{
    struct image_result result;
    struct image_fault fault;
    if (test_thumbnail(file.bytes, file.size, spec, NULL, &result, &fault))
        fail_msg("%s", fault.message);
    assert_int_equal(result.shrink, 1);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    image_result_done(&result);
    test_file_done(&file);
    return p;
}

static struct image_spec exact_spec(int box, double sigma)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = sigma;
    spec.exact = true;
    return spec;
}

/* Blurred at full size and then shrunk, upright first: the order of the axes shows in the last
 * bit. */
static void test_exact_turns_and_blurs_before_it_shrinks(void **state)
{
    (void)state;
    static const int undoes[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    struct image_spec spec = exact_spec(40, 2);
    struct pixels upright = pattern(300, 190), want;
    struct pixels copy = pattern(300, 190);
    assert_int_equal(exact_blur(&copy, 2), 0);
    assert_int_equal(exact_thumbnail(&copy, 40, 25, &want), 0);
    for (int orientation = 1; orientation <= 8; orientation++) {
        assert_int_equal(orient(&upright, undoes[orientation]), 0);
        struct pixels got = made(test_png(&upright, (struct test_png){.type = PNG_COLOR_TYPE_GRAY,
                                                                      .depth = 8,
                                                                      .orientation = orientation}),
                                 &spec);
        assert_int_equal(orient(&upright, orientation), 0);
        assert_int_equal(got.width, 40);
        assert_memory_equal(got.data, want.data, 40 * 25);
        pixels_done(&got);
    }
    pixels_done(&upright);
    pixels_done(&copy);
    pixels_done(&want);
}

static void test_exact_decodes_a_jpeg_at_full_size(void **state)
{
    (void)state;
    struct image_spec spec = exact_spec(30, 1);
    struct pixels p = test_picture(500, 400, 4, false), want;
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
    struct pixels whole = test_decode(file.bytes, file.size);
    struct pixels got = made(file, &spec);
    assert_int_equal(exact_blur(&whole, 1), 0);
    assert_int_equal(exact_thumbnail(&whole, 30, 24, &want), 0);
    assert_memory_equal(got.data, want.data, 30 * 24 * 4);
    pixels_done(&p);
    pixels_done(&whole);
    pixels_done(&want);
    pixels_done(&got);
}

/* Red behind full opacity beside green behind none: no green may come through. */
static void test_exact_hidden_colours_stay_hidden(void **state)
{
    (void)state;
    struct image_spec spec = exact_spec(20, 2);
    struct pixels p;
    assert_int_equal(pixels_init(&p, 100, 100, 4), 0);
    for (int i = 0; i < 100 * 100; i++)
        memcpy(p.data + 4 * i, i % 100 < 50 ? "\xff\0\0\xff" : "\0\xff\0\0", 4);
    struct pixels q =
        made(test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGBA, .depth = 8}), &spec);
    assert_true(q.alpha);
    for (int i = 0; i < 20 * 20; i++) {
        assert_int_equal(q.data[4 * i + 1], 0);
        assert_true(q.data[4 * i + 3] < 8 || q.data[4 * i] > 250);
    }
    pixels_done(&p);
    pixels_done(&q);
}

static void test_exact_covers_and_enlarges_as_well(void **state)
{
    (void)state;
    struct image_spec spec = exact_spec(20, 0);
    struct test_png how = {.type = PNG_COLOR_TYPE_GRAY, .depth = 8};
    struct pixels p = pattern(100, 60), want;
    spec.fit = IMAGE_COVER;
    spec.gravity = IMAGE_EAST;
    struct pixels got = made(test_png(&p, how), &spec);
    assert_int_equal(exact_resize(&p, (struct pixels_box){40, 0, 60, 60}, 20, 20, &want), 0);
    assert_memory_equal(got.data, want.data, 20 * 20);
    pixels_done(&got);
    pixels_done(&want);
    spec = exact_spec(250, 0);
    spec.upscale = true;
    got = made(test_png(&p, how), &spec);
    assert_int_equal(exact_resize(&p, (struct pixels_box){0, 0, 100, 60}, 250, 150, &want), 0);
    assert_int_equal(got.height, 150);
    assert_memory_equal(got.data, want.data, 250 * 150);
    pixels_done(&got);
    pixels_done(&want);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_blur_is_pillows),
        cmocka_unit_test(test_exact_blur_rounds_after_every_box),
        cmocka_unit_test(test_exact_blur_of_zero_changes_nothing),
        cmocka_unit_test(test_exact_blur_treats_channels_alike),
        cmocka_unit_test(test_exact_thumbnail_is_pillows),
        cmocka_unit_test(test_exact_resize_of_a_part_is_pillows),
        cmocka_unit_test(test_exact_thumbnail_with_alpha_leaves_the_boxes_out),
        cmocka_unit_test(test_exact_thumbnail_of_the_same_size_is_a_copy),
        cmocka_unit_test(test_exact_turns_and_blurs_before_it_shrinks),
        cmocka_unit_test(test_exact_decodes_a_jpeg_at_full_size),
        cmocka_unit_test(test_exact_hidden_colours_stay_hidden),
        cmocka_unit_test(test_exact_covers_and_enlarges_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
