/* Sizes are Pillow's own, and a reduction adds up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/geometry.h"
#include "image/orient.h"

static struct image_spec spec_of(enum image_fit fit, enum image_gravity gravity, bool upscale)
{
    struct image_spec spec = image_spec_default();
    spec.fit = fit;
    spec.gravity = gravity;
    spec.upscale = upscale;
    return spec;
}

/* One picture of sizes.txt. */
static void check_pillow(FILE *file, struct image_box box)
{
    const struct image_spec spec = image_spec_default();
    int width, height, orientation, want_width, want_height;
    assert_int_equal(
        fscanf(file, "%d %d %d %d %d", &width, &height, &orientation, &want_width, &want_height),
        5);
    bool swap = orient_swaps(orientation);
    struct geometry_result got =
        geometry_result(swap ? height : width, swap ? width : height, box, &spec);
    struct pixels_box stored = orient_box(got.part, orientation, width, height);
    if (got.width != want_width || got.height != want_height)
        fail_msg("%d x %d into %d x %d: %d x %d, Pillow has %d x %d", width, height, box.width,
                 box.height, got.width, got.height, want_width, want_height);
    assert_true(stored.x == 0 && stored.y == 0);
    assert_true(stored.width == width && stored.height == height);
}

static void test_geometry_inside_gives_pillows_sizes(void **state)
{
    (void)state;
    FILE *file = fopen(SIZES_FILE, "r");
    int cases = 0;
    struct image_box box;
    assert_non_null(file);
    while (fscanf(file, "%d %d", &box.width, &box.height) == 2)
        do {
            check_pillow(file, box);
            cases++;
        } while (fgetc(file) == ',');
    fclose(file);
    assert_int_equal(cases, 10000);
}

struct size_case {
    int width, height; /* of the picture */
    struct image_box box;
    int want_width, want_height;
};

static void check_sizes(const struct size_case *cases, size_t count, enum image_fit fit,
                        bool upscale)
{
    const struct image_spec spec = spec_of(fit, IMAGE_CENTRE, upscale);
    for (size_t i = 0; i < count; i++) {
        const struct size_case *c = &cases[i];
        struct geometry_result got = geometry_result(c->width, c->height, c->box, &spec);
        if (got.width != c->want_width || got.height != c->want_height)
            fail_msg("%d x %d into %d x %d: %d x %d, not %d x %d", c->width, c->height,
                     c->box.width, c->box.height, got.width, got.height, c->want_width,
                     c->want_height);
    }
}

#define CHECK_SIZES(cases, fit, upscale) \
    check_sizes(cases, sizeof(cases) / sizeof *(cases), fit, upscale)

static void test_geometry_inside_leaves_an_open_side_to_the_other(void **state)
{
    (void)state;
    const struct size_case never_enlarged[] = {
        {4000, 3000, {320, 0}, 320, 240},
        {4000, 3000, {0, 240}, 320, 240},
        {100, 5000, {320, 0}, 100, 5000},
    };
    const struct size_case enlarged[] = {
        {100, 50, {320, 0}, 320, 160},
        {100, 50, {0, 75}, 150, 75},
        {4000, 3000, {320, 0}, 320, 240},
    };
    CHECK_SIZES(never_enlarged, IMAGE_INSIDE, false);
    CHECK_SIZES(enlarged, IMAGE_INSIDE, true);
    CHECK_SIZES(enlarged, IMAGE_COVER, true); /* a box without a shape cannot be covered */
}

static void test_geometry_inside_grows_by_the_rule_by_which_it_shrinks(void **state)
{
    (void)state;
    const struct size_case cases[] = {
        {100, 80, {256, 256}, 256, 205},
        {80, 100, {256, 256}, 205, 256},
        {3, 2, {10, 10}, 10, 7},
        {1, 1, {300, 200}, 200, 200},
        {256, 256, {256, 256}, 256, 256},
        {1, 30000, {40000, 40000}, 1, 40000},
        {4000, 3000, {256, 256}, 256, 192},
    };
    CHECK_SIZES(cases, IMAGE_INSIDE, true);
}

static void test_geometry_no_side_becomes_0(void **state)
{
    (void)state;
    const int longs[] = {30000, 60001, 1000000};
    for (int i = 0; i < 3 * 4 * 2 * 2; i++) {
        struct image_spec spec = spec_of((enum image_fit)(i / 3 % 4), IMAGE_EAST, i / 12 % 2);
        int width = i / 24 ? longs[i % 3] : 1, height = i / 24 ? 1 : longs[i % 3];
        const struct image_box boxes[] = {{256, 256}, {1, 1}, {16, 0}, {0, 16}, {7, 5000}};
        for (int b = 0; b < 5; b++) {
            struct geometry_result r = geometry_result(width, height, boxes[b], &spec);
            assert_true(r.width >= 1 && r.height >= 1);
            assert_true(r.part_width >= 1 && r.part_height >= 1);
            assert_true(r.part.width > 0 && r.part.height > 0);
        }
    }
}

static void test_geometry_fill_and_cover_enlarge_no_side_unasked(void **state)
{
    (void)state;
    const struct size_case kept[] = {
        {4000, 3000, {200, 300}, 200, 300}, {100, 3000, {200, 300}, 100, 300},
        {4000, 30, {200, 300}, 200, 30},    {100, 30, {200, 300}, 100, 30},
        {1, 30000, {256, 256}, 1, 256},
    };
    const struct size_case enlarged[] = {
        {4000, 3000, {200, 300}, 200, 300},
        {100, 30, {200, 300}, 200, 300},
        {1, 30000, {256, 256}, 256, 256},
    };
    CHECK_SIZES(kept, IMAGE_FILL, false);
    CHECK_SIZES(kept, IMAGE_COVER, false);
    CHECK_SIZES(enlarged, IMAGE_FILL, true);
    CHECK_SIZES(enlarged, IMAGE_COVER, true);
    CHECK_SIZES(enlarged, IMAGE_CONTAIN, false);
    CHECK_SIZES(enlarged, IMAGE_CONTAIN, true);
}

static void check_part(int width, int height, enum image_gravity gravity, struct pixels_box want)
{
    const struct image_spec spec = spec_of(IMAGE_COVER, gravity, false);
    struct pixels_box got = geometry_result(width, height, (struct image_box){70, 30}, &spec).part;
    if (fabs(got.x - want.x) > 1e-9 || fabs(got.y - want.y) > 1e-9 ||
        fabs(got.width - want.width) > 1e-9 || fabs(got.height - want.height) > 1e-9)
        fail_msg("gravity %d: %.3f, %.3f, %.3f x %.3f", gravity, got.x, got.y, got.width,
                 got.height);
}

static void test_geometry_cover_shows_the_largest_part_of_the_boxs_shape(void **state)
{
    (void)state;
    const double high = 700 * 3.0 / 7, wide = 200 * 7.0 / 3; /* 300, and no whole number */
    for (int gravity = IMAGE_NORTH_WEST; gravity <= IMAGE_SOUTH_EAST; gravity++) {
        double column = gravity % 3 / 2.0, row = gravity / 3 / 2.0;
        check_part(700, 500, gravity, (struct pixels_box){0, (500 - high) * row, 700, high});
        check_part(600, 200, gravity, (struct pixels_box){(600 - wide) * column, 0, wide, 200});
    }
}

static void test_geometry_contain_places_by_gravity(void **state)
{
    (void)state;
    const int lefts[] = {0, 22, 45}, tops[] = {0, 12, 25};
    for (int gravity = IMAGE_NORTH_WEST; gravity <= IMAGE_SOUTH_EAST; gravity++) {
        const struct image_spec spec = spec_of(IMAGE_CONTAIN, gravity, false);
        struct geometry_result r = geometry_result(400, 200, (struct image_box){100, 75}, &spec);
        assert_int_equal(r.part_width, 100);
        assert_int_equal(r.part_height, 50);
        assert_int_equal(r.left, 0);
        assert_int_equal(r.top, tops[gravity / 3]);
        r = geometry_result(55, 75, (struct image_box){100, 75}, &spec);
        assert_int_equal(r.part_width, 55); /* it fits, and is not enlarged */
        assert_int_equal(r.left, lefts[gravity % 3]);
        assert_int_equal(r.top, 0);
    }
}

/* What must hold whatever the scales: nothing is enlarged after the reduction that was not to be,
 * the factors fit the reduction's sums, and the shrink is on offer. */
static void test_geometry_reduction_leaves_enough_pixels_for_the_target(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        int width = rand() % (i % 2 ? 60000 : 3000) + 1, height = rand() % 6000 + 1;
        int target_width = rand() % width + 1, target_height = rand() % height + 1;
        unsigned shrinks = i % 3 ? 15 : 1;
        struct geometry_reduction r = geometry_reduction(
            (double)width / target_width, (double)height / target_height, shrinks, i % 7 * 0.8);
        assert_true(shrinks & (unsigned)r.shrink);
        assert_in_range(r.factor_x, 1, 256);
        assert_in_range(r.factor_y, 1, 256);
        assert_true(r.step_x == r.shrink * r.factor_x && r.step_y == r.shrink * r.factor_y);
        assert_true(width / r.step_x >= target_width && height / r.step_y >= target_height);
        assert_true(isfinite(r.sigma_x) && r.sigma_x >= 0);
        assert_true(isfinite(r.sigma_y) && r.sigma_y >= 0);
    }
}

static void test_geometry_reduction_shrinks_as_far_as_the_target_allows(void **state)
{
    (void)state;
    struct geometry_reduction r = geometry_reduction(6000.0 / 256, 4000.0 / 171, 15, 2);
    assert_int_equal(r.shrink, 8);
    assert_int_equal(r.factor_x, 1); /* Pillow: 11 */
    assert_int_equal(geometry_reduction(1000.0 / 256, 800.0 / 205, 15, 2).shrink, 2);
    assert_int_equal(geometry_reduction(6000.0 / 256, 4000.0 / 171, 1, 2).shrink, 1);
    assert_int_equal(geometry_reduction(6000.0 / 256, 4000.0 / 171, 1, 2).factor_x, 11);
}

/* At 15 pixels, the first shrink that hides nothing is 4; more than half the target is never lost.
 */
static void test_geometry_reduction_shrinks_further_behind_a_strong_blur(void **state)
{
    (void)state;
    assert_int_equal(geometry_reduction(2.7, 2.7, 15, 14.9).shrink, 2);
    assert_int_equal(geometry_reduction(2.7, 2.7, 15, 15).shrink, 4);
    assert_int_equal(geometry_reduction(4.1, 4.1, 15, 15).shrink, 4);
    assert_int_equal(geometry_reduction(4.1, 4.1, 15, 30).shrink, 8);
    assert_int_equal(geometry_reduction(1.9, 2.5, 15, 100).shrink, 1);
    assert_int_equal(geometry_reduction(0.9, 5, 15, 100).shrink, 1);
    assert_int_equal(geometry_reduction(2.7, 2.7, 1, 100).shrink, 1);
    assert_true(geometry_reduction(2.7, 2.7, 15, 15).sigma_x > 3.7);
}

static void test_geometry_reduction_keeps_all_pixels_of_what_is_enlarged(void **state)
{
    (void)state;
    struct geometry_reduction r = geometry_reduction(0.3, 7, 15, 2);
    assert_int_equal(r.shrink, 1);
    assert_int_equal(r.factor_x, 1);
    assert_int_equal(r.factor_y, 3);
    assert_true(r.sigma_x == 2);
}

/* Pillow's boxes, half the ratio: 24, 25, 60 and 12 pixels. */
static void test_geometry_reduction_has_boxes_that_make_up_pillows(void **state)
{
    (void)state;
    assert_int_equal(geometry_reduction(49, 49, 15, 2).factor_x, 3);
    assert_int_equal(geometry_reduction(51, 51, 15, 2).factor_x, 2);
    assert_int_equal(geometry_reduction(120, 120, 15, 2).factor_x, 2);
    assert_int_equal(geometry_reduction(25, 25, 15, 2).factor_x, 2);
    assert_int_equal(geometry_reduction(120, 120, 1, 2).factor_x, 60);
}

static void test_geometry_reduction_keeps_the_blurs_variance(void **state)
{
    (void)state;
    /* Pillow's own boxes: the blur is only measured in larger pixels. */
    struct geometry_reduction r = geometry_reduction(8, 8, 1, 20);
    assert_int_equal(r.factor_x, 4);
    assert_true(fabs(r.sigma_x - 5) < 1e-12);
    /* At full size it is what was asked for, and none stays none. */
    r = geometry_reduction(1, 1, 15, 2);
    assert_true(r.sigma_x == 2 && r.sigma_y == 2 && r.shrink == 1);
    assert_true(geometry_reduction(1, 1, 15, 0).sigma_x == 0);
    /* A shrink of 2 has blurred by a variance of 1/4 that Pillow has not. */
    r = geometry_reduction(2.5, 2.5, 15, 2);
    assert_int_equal(r.shrink, 2);
    assert_true(fabs(r.sigma_x - sqrt(4 - 0.25) / 2) < 1e-12);
    assert_true(r.rest_x == 0);
    /* One that is too small for a pass of its own is left to resizing; Pillow's box is 5. */
    r = geometry_reduction(10, 10, 15, 2);
    assert_int_equal(r.shrink, 8);
    assert_true(r.sigma_x == 0);
    assert_true(fabs(r.rest_x - (4 + (25 - 64) / 12.0) / 64) < 1e-12);
    /* Boxes have blurred by more than was asked for, or nothing was asked for. */
    r = geometry_reduction(10, 10, 15, 1);
    assert_true(r.sigma_x == 0 && r.rest_x < 0);
    assert_true(geometry_reduction(2, 2, 1, 0).rest_x < 0);
}

/* Two pixels to one of the result from the decoder, and three from boxes. */
static void test_geometry_reduction_for_lanczos3_leaves_more_to_it(void **state)
{
    (void)state;
    assert_int_equal(geometry_reduction_lanczos3(49, 49, 15, 2).shrink, 8);
    assert_int_equal(geometry_reduction_lanczos3(49, 49, 15, 2).factor_x, 2);
    assert_int_equal(geometry_reduction_lanczos3(15.9, 99, 15, 2).shrink, 4);
    assert_int_equal(geometry_reduction_lanczos3(16, 16, 15, 2).shrink, 8);
    assert_int_equal(geometry_reduction_lanczos3(16, 16, 15, 2).factor_x, 1);
    assert_int_equal(geometry_reduction_lanczos3(6, 1.5, 1, 2).factor_x, 2);
    assert_int_equal(geometry_reduction_lanczos3(6, 1.5, 1, 2).factor_y, 1);
    assert_int_equal(geometry_reduction_lanczos3(5.9, 5.9, 1, 2).factor_x, 1);
    assert_int_equal(geometry_reduction_lanczos3(65000, 65000, 1, 2).factor_x, 256);
    assert_int_equal(geometry_reduction_lanczos3(0.3, 0.3, 15, 2).factor_x, 1);
}

static void test_geometry_reduction_for_lanczos3_knows_what_boxes_blurred(void **state)
{
    (void)state;
    struct geometry_reduction r = geometry_reduction_lanczos3(16, 16, 15, 2);
    assert_true(r.sigma_x == 0 && fabs(r.rest_x - (4 - 63 / 12.0) / 64) < 1e-12);
    r = geometry_reduction_lanczos3(16, 16, 15, 0); /* as much as there can be */
    assert_true(r.sigma_x == 0 && r.rest_x < 0 && r.rest_x > -1 / 12.0);
    r = geometry_reduction_lanczos3(2.5, 6, 1, 2);
    assert_true(r.sigma_x == 2 && r.rest_x == 0);
    assert_true(fabs(r.sigma_y - sqrt(4 - 0.25) / 2) < 1e-12 && r.rest_y == 0);
    r = geometry_reduction_lanczos3(1, 1, 15, 0);
    assert_true(r.sigma_x == 0 && r.rest_x == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry_inside_gives_pillows_sizes),
        cmocka_unit_test(test_geometry_inside_leaves_an_open_side_to_the_other),
        cmocka_unit_test(test_geometry_inside_grows_by_the_rule_by_which_it_shrinks),
        cmocka_unit_test(test_geometry_no_side_becomes_0),
        cmocka_unit_test(test_geometry_fill_and_cover_enlarge_no_side_unasked),
        cmocka_unit_test(test_geometry_cover_shows_the_largest_part_of_the_boxs_shape),
        cmocka_unit_test(test_geometry_contain_places_by_gravity),
        cmocka_unit_test(test_geometry_reduction_leaves_enough_pixels_for_the_target),
        cmocka_unit_test(test_geometry_reduction_shrinks_as_far_as_the_target_allows),
        cmocka_unit_test(test_geometry_reduction_shrinks_further_behind_a_strong_blur),
        cmocka_unit_test(test_geometry_reduction_keeps_all_pixels_of_what_is_enlarged),
        cmocka_unit_test(test_geometry_reduction_has_boxes_that_make_up_pillows),
        cmocka_unit_test(test_geometry_reduction_keeps_the_blurs_variance),
        cmocka_unit_test(test_geometry_reduction_for_lanczos3_leaves_more_to_it),
        cmocka_unit_test(test_geometry_reduction_for_lanczos3_knows_what_boxes_blurred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
