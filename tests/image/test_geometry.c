/* Sizes are Pillow's own, and a reduction adds up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/geometry.h"

static void test_geometry_fit_gives_pillows_sizes(void **state)
{
    (void)state;
    FILE *file = fopen(SIZES_FILE, "r");
    int width, height, want_width, want_height, got_width, got_height, cases = 0;
    struct image_box box;
    assert_non_null(file);
    while (fscanf(file, "%d %d %d %d %d %d", &width, &height, &box.width, &box.height, &want_width,
                  &want_height) == 6) {
        geometry_fit(width, height, box, &got_width, &got_height);
        if (got_width != want_width || got_height != want_height)
            fail_msg("%d x %d into %d x %d: %d x %d, Pillow has %d x %d", width, height, box.width,
                     box.height, got_width, got_height, want_width, want_height);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 3000);
}

static void test_geometry_fit_leaves_an_open_side_to_the_other(void **state)
{
    (void)state;
    int width, height;
    geometry_fit(4000, 3000, (struct image_box){320, 0}, &width, &height);
    assert_int_equal(width, 320);
    assert_int_equal(height, 240);
    geometry_fit(4000, 3000, (struct image_box){0, 240}, &width, &height);
    assert_int_equal(width, 320);
    assert_int_equal(height, 240);
    geometry_fit(100, 5000, (struct image_box){320, 0}, &width, &height);
    assert_int_equal(width, 100); /* never enlarged */
    assert_int_equal(height, 5000);
}

/* What must hold whatever the sizes: nothing is enlarged after the reduction, the factors fit the
 * reduction's sums, and the shrink is on offer. */
static void test_geometry_reduction_leaves_enough_pixels_for_the_target(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        int width = rand() % (i % 2 ? 60000 : 3000) + 1, height = rand() % 6000 + 1;
        int target_width = rand() % width + 1, target_height = rand() % height + 1;
        unsigned shrinks = i % 3 ? 15 : 1;
        struct geometry_reduction r =
            geometry_reduction(width, height, target_width, target_height, shrinks, i % 7 * 0.8);
        assert_true(shrinks & (unsigned)r.shrink);
        assert_in_range(r.factor_x, 1, 256);
        assert_in_range(r.factor_y, 1, 256);
        assert_true(r.width >= target_width && r.height >= target_height);
        assert_true(isfinite(r.sigma_x) && r.sigma_x >= 0);
        assert_true(isfinite(r.sigma_y) && r.sigma_y >= 0);
    }
}

static void test_geometry_reduction_shrinks_as_far_as_the_target_allows(void **state)
{
    (void)state;
    struct geometry_reduction r = geometry_reduction(6000, 4000, 256, 171, 15, 2);
    assert_int_equal(r.shrink, 8);
    assert_int_equal(r.factor_x, 1); /* Pillow: 11 */
    assert_int_equal(geometry_reduction(1000, 800, 256, 205, 15, 2).shrink, 2);
    assert_int_equal(geometry_reduction(6000, 4000, 256, 171, 1, 2).shrink, 1);
    assert_int_equal(geometry_reduction(6000, 4000, 256, 171, 1, 2).factor_x, 11);
}

static void test_geometry_reduction_keeps_the_blurs_variance(void **state)
{
    (void)state;
    /* Pillow's own boxes: the blur is only measured in larger pixels. */
    struct geometry_reduction r = geometry_reduction(1000, 1000, 125, 125, 1, 20);
    assert_int_equal(r.factor_x, 4);
    assert_true(fabs(r.sigma_x - 5) < 1e-12);
    /* At full size it is what was asked for, and none stays none. */
    r = geometry_reduction(100, 80, 100, 80, 15, 2);
    assert_true(r.sigma_x == 2 && r.sigma_y == 2 && r.shrink == 1);
    assert_true(geometry_reduction(100, 80, 100, 80, 15, 0).sigma_x == 0);
    /* A shrink of 2 has blurred by a variance of 1/4 that Pillow has not. */
    r = geometry_reduction(1000, 1000, 400, 400, 15, 2);
    assert_int_equal(r.shrink, 2);
    assert_true(fabs(r.sigma_x - sqrt(4 - 0.25) / 2) < 1e-12);
    /* One that cannot be seen is left out. */
    assert_true(geometry_reduction(6000, 6000, 50, 50, 15, 2).sigma_x == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry_fit_gives_pillows_sizes),
        cmocka_unit_test(test_geometry_fit_leaves_an_open_side_to_the_other),
        cmocka_unit_test(test_geometry_reduction_leaves_enough_pixels_for_the_target),
        cmocka_unit_test(test_geometry_reduction_shrinks_as_far_as_the_target_allows),
        cmocka_unit_test(test_geometry_reduction_keeps_the_blurs_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
