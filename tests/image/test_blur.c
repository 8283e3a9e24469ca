/* The blur is a Gaussian's neighbour with exactly its variance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/blur.h"
#include "support/images.h"

/* One pass of an extended box of radius r along an axis, in doubles: the reference. */
static void reference_pass(const double *in, int count, double r, double *out)
{
    int whole = (int)r;
    double fraction = r - whole;
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int j = -whole - 1; j <= whole + 1; j++) {
            int at = i + j < 0 ? 0 : i + j >= count ? count - 1 : i + j;
            sum += in[at] * (abs(j) <= whole ? 1 : fraction);
        }
        out[i] = sum / (2 * r + 1);
    }
}

/* The radius of the extended box whose variance is sigma^2 / 3, found by bisection. */
static double reference_radius(double sigma)
{
    double low = 0, high = 3 * sigma + 1;
    for (int i = 0; i < 60; i++) {
        double r = (low + high) / 2, sum = 0;
        int whole = (int)r;
        for (int j = 1; j <= whole; j++)
            sum += 2.0 * j * j;
        sum += 2 * (r - whole) * (whole + 1.0) * (whole + 1.0);
        *(sum / (2 * r + 1) < sigma * sigma / 3 ? &low : &high) = r;
    }
    return low;
}

/* Three passes, each of which repeats the edges. */
static void reference_row(const uint8_t *row, int width, int channels, double sigma, double *out)
{
    double r = reference_radius(sigma);
    double *other = calloc((size_t)width, sizeof *other);

    for (int x = 0; x < width; x++)
        other[x] = row[x * channels];
    reference_pass(other, width, r, out);
    reference_pass(out, width, r, other);
    reference_pass(other, width, r, out);
    free(other);
}

static void check_rows(int width, int channels, double sigma)
{
    struct pixels p = test_picture(width, 3, channels, false);
    struct pixels original = test_picture(width, 3, channels, false);
    double *want = calloc((size_t)width, sizeof *want);
    assert_int_equal(blur(&p, sigma, 0), 0);
    for (int c = 0; c < channels; c++) {
        reference_row(original.data + c, width, channels, sigma, want);
        for (int x = 0; x < width; x++) /* three roundings, or one */
            if (fabs(p.data[x * channels + c] - want[x]) >= 1.6)
                fail_msg("width %d sigma %.2f: %d, and %.2f is right", width, sigma,
                         p.data[x * channels + c], want[x]);
    }
    free(want);
    pixels_done(&p);
    pixels_done(&original);
}

static void test_blur_is_three_extended_boxes(void **state)
{
    (void)state;
    const double sigmas[] = {0.3, 0.5, 0.97, 1, 1.5, 2, 3.7, 15, 80};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        check_rows(200, 4, sigmas[i]);
        check_rows(333, 1, sigmas[i]);
        check_rows(1, 4, sigmas[i]);
        for (int width = 2; width < 16; width++) /* as long as the filter, and shorter */
            check_rows(width, 1, sigmas[i]);
    }
}

static void test_blur_is_right_at_every_width(void **state)
{
    (void)state;
    for (int width = 1; width <= 70; width++)
        for (int channels = 1; channels <= 4; channels += 3) {
            check_rows(width, channels, 1.3); /* one filter */
            check_rows(width, channels, 6);   /* running sums */
        }
}

/* Down columns is along rows of the transposed picture. */
static void test_blur_treats_both_axes_alike(void **state)
{
    (void)state;
    struct pixels p = test_picture(150, 99, 1, false), q;
    assert_int_equal(pixels_init(&q, 99, 150, 1), 0);
    for (int y = 0; y < 99; y++)
        for (int x = 0; x < 150; x++)
            q.data[x * 99 + y] = p.data[y * 150 + x];
    assert_int_equal(blur(&p, 2.5, 0), 0);
    assert_int_equal(blur(&q, 0, 2.5), 0);
    for (int y = 0; y < 99; y++)
        for (int x = 0; x < 150; x++)
            assert_int_equal(q.data[x * 99 + y], p.data[y * 150 + x]);
    pixels_done(&p);
    pixels_done(&q);
}

static void test_blur_leaves_a_plain_area_as_it_is(void **state)
{
    (void)state;
    for (int value = 0; value < 256; value += 15)
        for (double sigma = 0.2; sigma < 60; sigma *= 1.7) {
            struct pixels p;
            assert_int_equal(pixels_init(&p, 40, 30, 4), 0);
            memset(p.data, value, 40 * 30 * 4);
            assert_int_equal(blur(&p, sigma, sigma), 0);
            for (int i = 0; i < 40 * 30 * 4; i++)
                assert_int_equal(p.data[i], value);
            pixels_done(&p);
        }
}

static void test_blur_of_zero_changes_nothing(void **state)
{
    (void)state;
    struct pixels p = test_picture(50, 40, 4, true), q = test_picture(50, 40, 4, true);
    assert_int_equal(blur(&p, 0, 0), 0);
    assert_memory_equal(p.data, q.data, 50 * 40 * 4);
    pixels_done(&p);
    pixels_done(&q);
}

static void test_blur_refuses_what_is_no_deviation(void **state)
{
    (void)state;
    struct pixels p = test_picture(5, 4, 4, false);
    assert_int_equal(blur(&p, -1, 0), -EINVAL);
    assert_int_equal(blur(&p, 0, NAN), -EINVAL);
    assert_int_equal(blur(&p, INFINITY, 0), -EINVAL);
    assert_int_equal(blur(&p, 10000, 10000), 0);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blur_is_three_extended_boxes),
        cmocka_unit_test(test_blur_is_right_at_every_width),
        cmocka_unit_test(test_blur_treats_both_axes_alike),
        cmocka_unit_test(test_blur_leaves_a_plain_area_as_it_is),
        cmocka_unit_test(test_blur_of_zero_changes_nothing),
        cmocka_unit_test(test_blur_refuses_what_is_no_deviation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
