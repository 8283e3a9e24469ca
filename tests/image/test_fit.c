/* A box is met on pixels, not only in sizes: the right part is shown, the right way up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/orient.h"
#include "support/images.h"

static const uint8_t red[3] = {220, 30, 30}, green[3] = {30, 200, 40}, blue[3] = {40, 50, 210},
                     white[3] = {250, 250, 250}, black[3] = {10, 10, 10};

static void paint(struct pixels *p, int left, int top, int width, int height,
                  const uint8_t colour[3])
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) {
            uint8_t *to = p->data + (size_t)y * p->stride + (size_t)x * 4;
            memcpy(to, colour, 3);
            to[3] = 255;
        }
}

/* 200 x 100 pixels, `unit` times as many both ways: red and green above blue and white, and a black
 * mark of 10 x 10 at 170, 20. */
static struct pixels quadrants(int unit)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, 200 * unit, 100 * unit, 4), 0);
    paint(&p, 0, 0, 100 * unit, 50 * unit, red);
    paint(&p, 100 * unit, 0, 100 * unit, 50 * unit, green);
    paint(&p, 0, 50 * unit, 100 * unit, 50 * unit, blue);
    paint(&p, 100 * unit, 50 * unit, 100 * unit, 50 * unit, white);
    paint(&p, 170 * unit, 20 * unit, 10 * unit, 10 * unit, black);
    return p;
}

/* The file of a camera that was held so: the picture is `upright` once it is turned. */
static struct test_file stored(struct pixels *upright, int orientation, bool jpeg)
{
    static const int undoes[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    struct test_jpeg as_jpeg = {.orientation = orientation};
    struct test_png as_png = {.type = PNG_COLOR_TYPE_RGB, .depth = 8, .orientation = orientation};
    assert_int_equal(orient(upright, undoes[orientation]), 0);
    struct test_file file = jpeg ? test_jpeg(upright, as_jpeg) : test_png(upright, as_png);
    assert_int_equal(orient(upright, orientation), 0);
    return file;
}

static struct image_spec spec_of(int width, int height, enum image_fit fit,
                                 enum image_gravity gravity)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){width, height};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = 0;
    spec.fit = fit;
    spec.gravity = gravity;
    return spec;
}

/* The first thumbnail of a file. Its size must be the one that the result tells. */
static struct pixels made(const struct test_file *file, const struct image_spec *spec)
{
    struct image_result result;
    struct image_fault fault;
    if (test_thumbnail(file->bytes, file->size, spec, NULL, &result, &fault))
        fail_msg("%s", fault.message);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    assert_int_equal(p.width, result.thumbs[0].width);
    assert_int_equal(p.height, result.thumbs[0].height);
    image_result_done(&result);
    return p;
}

static struct pixels made_of(const struct pixels *picture, const struct image_spec *spec)
{
    struct test_png how = {.type = picture->channels == 1 ? PNG_COLOR_TYPE_GRAY
                                   : picture->alpha       ? PNG_COLOR_TYPE_RGBA
                                                          : PNG_COLOR_TYPE_RGB,
                           .depth = 8};
    struct test_file file = test_png(picture, how);
    struct pixels p = made(&file, spec);
    test_file_done(&file);
    return p;
}

/* Fails unless the pixel is of that colour, within `off` levels. */
static void check_pixel(const struct pixels *p, int x, int y, const uint8_t want[3], int off)
{
    const uint8_t *got = p->data + (size_t)y * p->stride + (size_t)(x * p->channels);
    for (int c = 0; c < 3; c++)
        if (abs(got[p->channels == 1 ? 0 : c] - want[c]) > off)
            fail_msg("%d, %d of %d x %d: %d %d %d, not %d %d %d", x, y, p->width, p->height, got[0],
                     got[1], got[2], want[0], want[1], want[2]);
}

/* Of the four corners, left to right, then down. */
static void check_corners(const struct pixels *p, const uint8_t *const want[4], int off)
{
    for (int i = 0; i < 4; i++)
        check_pixel(p, i % 2 ? p->width - 3 : 2, i / 2 ? p->height - 3 : 2, want[i], off);
}

/* ---- cover ---- */

static void check_cover(const struct test_file *file, int off)
{
    static const uint8_t *const tall[3][4] = {
        {red, red, blue, blue}, {red, green, blue, white}, {green, green, white, white}};
    static const uint8_t *const flat[3][4] = {
        {red, green, red, green}, {red, green, blue, white}, {blue, white, blue, white}};

    for (int gravity = IMAGE_NORTH_WEST; gravity <= IMAGE_SOUTH_EAST; gravity++) {
        struct image_spec spec = spec_of(30, 60, IMAGE_COVER, (enum image_gravity)gravity);
        struct pixels p = made(file, &spec);
        assert_int_equal(p.width, 30);
        check_corners(&p, tall[gravity % 3], off);
        if (gravity % 3 == 2) /* 170..180 of 150..200, 20..30 of 0..100 */
            check_pixel(&p, 15, 15, black, off);
        pixels_done(&p);
        spec = spec_of(60, 15, IMAGE_COVER, (enum image_gravity)gravity);
        p = made(file, &spec);
        assert_int_equal(p.height, 15);
        check_corners(&p, flat[gravity / 3], off);
        pixels_done(&p);
    }
}

static void test_fit_cover_keeps_the_part_that_gravity_names_in_all_orientations(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int jpeg = 0; jpeg <= 1; jpeg++) { /* the JPEG is shrunk by its decoder */
            struct pixels p = quadrants(jpeg ? 4 : 1);
            struct test_file file = stored(&p, orientation, jpeg);
            check_cover(&file, jpeg ? 12 : 6);
            test_file_done(&file);
            pixels_done(&p);
        }
}

/* Its part stands at an edge, where mirroring is off by a rounding. */
static void test_fit_cover_makes_parts_of_every_size_in_all_orientations(void **state)
{
    (void)state;
    struct pixels p = test_picture(211, 37, 1, false);
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct test_png how = {.type = PNG_COLOR_TYPE_GRAY, .depth = 8, .orientation = orientation};
        struct test_file file = test_png(&p, how);
        for (int width = 1; width <= 12; width++) {
            struct image_spec spec = spec_of(width, 13, IMAGE_COVER, IMAGE_SOUTH_EAST);
            struct pixels got = made(&file, &spec);
            assert_int_equal(got.width, width);
            pixels_done(&got);
        }
        test_file_done(&file);
    }
    pixels_done(&p);
}

/* A ramp shows to a fraction of a pixel where the part began: value = 2 * column. */
static void test_fit_cover_samples_a_part_that_is_not_whole(void **state)
{
    (void)state;
    struct pixels p;
    assert_int_equal(pixels_init(&p, 120, 50, 1), 0);
    for (int i = 0; i < 120 * 50; i++)
        p.data[i] = (uint8_t)(i % 120 * 2);
    /* 50 rows of 7 to 3 parts are 21.43 columns, beginning at 49.29 in the middle. */
    struct image_spec spec = spec_of(12, 28, IMAGE_COVER, IMAGE_CENTRE);
    struct pixels q = made_of(&p, &spec);
    for (int x = 0; x < 12; x++) {
        double middle = 60 + (x + 0.5 - 6) * 50 / 28;
        double want = (middle - 0.5) * 2;
        if (fabs(q.data[x + 14 * (int)q.stride] - want) > 1)
            fail_msg("column %d: %d, and %.2f is right", x, q.data[x + 14 * (int)q.stride], want);
    }
    pixels_done(&p);
    pixels_done(&q);
}

/* ---- fill, contain ---- */

static void test_fit_fill_shows_all_of_the_picture(void **state)
{
    (void)state;
    static const uint8_t *const corners[] = {red, green, blue, white};
    struct pixels p = quadrants(1);
    struct image_spec spec = spec_of(40, 90, IMAGE_FILL, IMAGE_EAST);
    struct pixels q = made_of(&p, &spec);
    assert_int_equal(q.width, 40);
    assert_int_equal(q.height, 90);
    check_corners(&q, corners, 6);
    check_pixel(&q, 35, 22, black, 30);
    check_pixel(&q, 17, 41, red, 6);
    check_pixel(&q, 22, 48, white, 6);
    pixels_done(&p);
    pixels_done(&q);
}

static void check_contain(const struct pixels *picture, enum image_gravity gravity)
{
    static const uint8_t background[3] = {10, 200, 90};
    struct image_spec spec = spec_of(80, 100, IMAGE_CONTAIN, gravity);
    memcpy(spec.background, background, 3);
    struct pixels p = made_of(picture, &spec);
    int top = gravity / 3 * 30;
    assert_int_equal(p.width, 80);
    assert_int_equal(p.height, 100);
    for (int y = 0; y < 100; y++)
        if (y < top || y >= top + 40)
            for (int x = 0; x < 80; x++)
                check_pixel(&p, x, y, background, 0);
    check_pixel(&p, 2, top, red, 6);
    check_pixel(&p, 77, top + 39, white, 6);
    pixels_done(&p);
}

static void test_fit_contain_puts_the_background_around(void **state)
{
    (void)state;
    struct pixels p = quadrants(1);
    check_contain(&p, IMAGE_NORTH);
    check_contain(&p, IMAGE_CENTRE);
    check_contain(&p, IMAGE_SOUTH_EAST);
    pixels_done(&p);
}

static void test_fit_contain_makes_grey_coloured_only_for_a_coloured_border(void **state)
{
    (void)state;
    struct pixels p = test_picture(60, 30, 1, false);
    struct image_spec spec = spec_of(30, 30, IMAGE_CONTAIN, IMAGE_CENTRE);
    struct pixels q = made_of(&p, &spec);
    assert_int_equal(q.channels, 1);
    check_pixel(&q, 5, 0, (const uint8_t[]){255, 255, 255}, 0);
    spec.background[0] = 90;
    struct pixels r = made_of(&p, &spec);
    assert_int_equal(r.channels, 4);
    check_pixel(&r, 5, 0, spec.background, 0);
    for (int x = 0; x < 30; x++) {
        uint8_t grey = q.data[10 * q.stride + (size_t)x];
        check_pixel(&r, x, 10, (const uint8_t[]){grey, grey, grey}, 0);
    }
    pixels_done(&p);
    pixels_done(&q);
    pixels_done(&r);
}

static void test_fit_contain_borders_are_opaque_and_the_picture_stays_as_it_is(void **state)
{
    (void)state;
    struct pixels p;
    assert_int_equal(pixels_init(&p, 40, 20, 4), 0);
    memset(p.data, 0, 40 * 20 * 4);
    p.alpha = true;
    struct image_spec spec = spec_of(20, 20, IMAGE_CONTAIN, IMAGE_SOUTH);
    struct pixels q = made_of(&p, &spec);
    assert_true(q.alpha);
    assert_int_equal(q.data[3], 255);
    assert_int_equal(q.data[19 * q.stride + 3], 0);
    pixels_done(&p);
    pixels_done(&q);
}

/* ---- enlarging, turning, several sizes ---- */

static void test_fit_upscale_keeps_a_slope_a_slope(void **state)
{
    (void)state;
    struct pixels p;
    struct image_spec spec = spec_of(200, 200, IMAGE_INSIDE, IMAGE_CENTRE);
    assert_int_equal(pixels_init(&p, 20, 10, 1), 0);
    for (int i = 0; i < 200; i++)
        p.data[i] = (uint8_t)(i % 20 * 12);
    struct pixels q = made_of(&p, &spec);
    assert_int_equal(q.width, 20); /* not unless it is asked for */
    pixels_done(&q);
    spec.upscale = true;
    q = made_of(&p, &spec);
    assert_int_equal(q.width, 200);
    assert_int_equal(q.height, 100);
    for (int x = 15; x < 185; x++) { /* the edge repeats, so a slope ends flat there */
        int want = (int)lround(((x + 0.5) / 10 - 0.5) * 12);
        assert_in_range(q.data[50 * q.stride + (size_t)x], want - 1, want + 1);
    }
    for (int x = 1; x < 200; x++)
        assert_in_range(q.data[(size_t)x] - q.data[(size_t)x - 1], 0, 3);
    pixels_done(&p);
    pixels_done(&q);
}

static void test_fit_refuses_to_enlarge_beyond_the_limit_of_pixels(void **state)
{
    (void)state;
    struct pixels p = test_picture(20, 10, 1, false);
    struct test_file file =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 8});
    struct image_spec spec = spec_of(60000, 60000, IMAGE_INSIDE, IMAGE_CENTRE);
    struct image_result result;
    struct image_fault fault;
    spec.upscale = true;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    spec = spec_of(60000, 60000, IMAGE_CONTAIN, IMAGE_CENTRE);
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_fit_leaves_a_picture_as_it_is_stored_when_it_is_not_to_be_turned(void **state)
{
    (void)state;
    struct pixels p = quadrants(1);
    struct image_spec spec = spec_of(100, 100, IMAGE_INSIDE, IMAGE_CENTRE);
    spec.rotate = false;
    struct test_file plain =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    struct pixels want = made(&plain, &spec);
    for (int orientation = 2; orientation <= 8; orientation += 2) {
        struct test_png how = {.type = PNG_COLOR_TYPE_RGB, .depth = 8, .orientation = orientation};
        struct test_file file = test_png(&p, how);
        struct pixels got = made(&file, &spec);
        assert_int_equal(got.width, 100);
        assert_int_equal(got.height, 50);
        assert_memory_equal(got.data, want.data, 100 * 50 * 4);
        pixels_done(&got);
        test_file_done(&file);
    }
    pixels_done(&want);
    pixels_done(&p);
    test_file_done(&plain);
}

/* No wave shorter than 150 pixels: that is 9 of the smallest result, which each reduction keeps. */
static struct pixels smooth_picture(int width, int height)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, width, height, 1), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p.data[y * width + x] = (uint8_t)lround(128 + 60 * cos(x * 0.04) * cos(y * 0.03) +
                                                    30 * sin((x + y) * 0.02));
    return p;
}

/* Each size of several, against the same alone: within 2 levels, for the two are reduced by
 * different whole numbers before they are resampled. */
static void check_several(const struct pixels *picture, enum image_fit fit)
{
    static const struct image_box boxes[] = {{50, 40}, {300, 200}, {45, 120}, {160, 33}};
    struct test_file file =
        test_png(picture, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 8});
    struct image_spec all = spec_of(1, 1, fit, IMAGE_WEST);
    struct image_result result;
    struct image_fault fault;
    memcpy(all.boxes, boxes, sizeof boxes);
    all.box_count = 4;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &all, NULL, &result, &fault), 0);
    for (int i = 0; i < 4; i++) {
        struct image_spec spec = spec_of(boxes[i].width, boxes[i].height, fit, IMAGE_WEST);
        struct pixels alone = made(&file, &spec);
        struct pixels one = test_decode(result.thumbs[i].bytes, result.thumbs[i].size_bytes);
        assert_int_equal(one.width, alone.width);
        assert_int_equal(one.height, alone.height);
        for (int at = 0; at < one.width * one.height; at++)
            if (abs(one.data[at] - alone.data[at]) > 2)
                fail_msg("fit %d, box %d, %d, %d: %d, alone %d", fit, i, at % one.width,
                         at / one.width, one.data[at], alone.data[at]);
        pixels_done(&one);
        pixels_done(&alone);
    }
    image_result_done(&result);
    test_file_done(&file);
}

static void test_fit_several_sizes_are_those_made_alone(void **state)
{
    (void)state;
    struct pixels p = smooth_picture(800, 500);
    check_several(&p, IMAGE_INSIDE);
    check_several(&p, IMAGE_COVER);
    check_several(&p, IMAGE_FILL);
    check_several(&p, IMAGE_CONTAIN);
    pixels_done(&p);
}

static void test_fit_leaves_a_plain_area_as_it_is_however_far_the_sizes_are_apart(void **state)
{
    (void)state;
    for (int value = 0; value < 256; value += 17) {
        struct pixels p;
        assert_int_equal(pixels_init(&p, 3000, 40, 1), 0);
        memset(p.data, value, 3000 * 40);
        struct test_file file =
            test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 8});
        struct image_spec spec = spec_of(3000, 40, IMAGE_FILL, IMAGE_CENTRE);
        struct image_result result;
        struct image_fault fault;
        spec.boxes[spec.box_count++] = (struct image_box){3, 2};
        assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
        struct pixels small = test_decode(result.thumbs[1].bytes, result.thumbs[1].size_bytes);
        for (int x = 0; x < 3; x++)
            assert_int_equal(small.data[x * small.channels], value);
        pixels_done(&small);
        image_result_done(&result);
        test_file_done(&file);
        pixels_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_cover_keeps_the_part_that_gravity_names_in_all_orientations),
        cmocka_unit_test(test_fit_cover_makes_parts_of_every_size_in_all_orientations),
        cmocka_unit_test(test_fit_cover_samples_a_part_that_is_not_whole),
        cmocka_unit_test(test_fit_fill_shows_all_of_the_picture),
        cmocka_unit_test(test_fit_contain_puts_the_background_around),
        cmocka_unit_test(test_fit_contain_makes_grey_coloured_only_for_a_coloured_border),
        cmocka_unit_test(test_fit_contain_borders_are_opaque_and_the_picture_stays_as_it_is),
        cmocka_unit_test(test_fit_upscale_keeps_a_slope_a_slope),
        cmocka_unit_test(test_fit_refuses_to_enlarge_beyond_the_limit_of_pixels),
        cmocka_unit_test(test_fit_leaves_a_picture_as_it_is_stored_when_it_is_not_to_be_turned),
        cmocka_unit_test(test_fit_several_sizes_are_those_made_alone),
        cmocka_unit_test(test_fit_leaves_a_plain_area_as_it_is_however_far_the_sizes_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
