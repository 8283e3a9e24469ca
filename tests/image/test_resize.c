/* Resizing is the bicubic by the book, over fractional boxes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/resize.h"
#include "support/images.h"

static double cubic(double x)
{
    x = fabs(x);
    return x < 1   ? 1.5 * x * x * x - 2.5 * x * x + 1
           : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2
                   : 0;
}

/* One axis in doubles, nothing rounded. */
static double reference_1d(const double *in, int count, double box, int target, int at)
{
    double scale = box / target, middle = (at + 0.5) * scale, sum = 0, weights = 0;
    for (int i = 0; i < count; i++) {
        double weight = cubic((i + 0.5 - middle) / scale);
        sum += in[i] * weight;
        weights += weight;
    }
    return sum / weights;
}

static double reference(const struct pixels *in, double box_w, double box_h, int w, int h, int x,
                        int y, int c)
{
    double *column = calloc((size_t)in->height, sizeof *column);
    double *row = calloc((size_t)in->width, sizeof *row);
    for (int i = 0; i < in->height; i++) {
        for (int j = 0; j < in->width; j++)
            row[j] = in->data[(size_t)i * in->stride + (size_t)(j * in->channels + c)];
        column[i] = fmin(255, fmax(0, reference_1d(row, in->width, box_w, w, x)));
    }
    double value = reference_1d(column, in->height, box_h, h, y);
    free(row);
    free(column);
    return fmin(255, fmax(0, value));
}

static void check(int width, int height, int channels, double box_w, double box_h, int w, int h)
{
    struct pixels in = test_picture(width, height, channels, false), out;
    assert_int_equal(resize(&in, box_w, box_h, w, h, &out), 0);
    assert_int_equal(out.width, w);
    assert_int_equal(out.height, h);
    for (int y = 0; y < h; y += 3)
        for (int x = 0; x < w; x += 2)
            for (int c = 0; c < channels; c++) {
                double want = reference(&in, box_w, box_h, w, h, x, y, c);
                int got = out.data[(size_t)y * out.stride + (size_t)(x * channels + c)];
                if (fabs(got - want) >= 2.1) /* two roundings, one after the other */
                    fail_msg("%d x %d to %d x %d at %d, %d: %d, and %.2f is right", width, height,
                             w, h, x, y, got, want);
            }
    pixels_done(&in);
    pixels_done(&out);
}

static void test_resize_is_the_antialiased_bicubic(void **state)
{
    (void)state;
    check(100, 80, 4, 100, 80, 37, 29);
    check(100, 80, 1, 100, 80, 37, 29);
    check(301, 40, 4, 301, 40, 290, 11);
    check(90, 300, 1, 90, 300, 3, 1);
}

static void test_resize_starts_from_a_fractional_box(void **state)
{
    (void)state;
    check(100, 80, 4, 99.3, 79.125, 37, 29);
    check(50, 40, 1, 49.01, 39.5, 49, 39);
}

static void test_resize_to_the_same_size_changes_nothing(void **state)
{
    (void)state;
    struct pixels in = test_picture(301, 70, 4, true), out;
    assert_int_equal(resize(&in, 301, 70, 301, 70, &out), 0);
    assert_memory_equal(in.data, out.data, 301 * 70 * 4);
    assert_true(out.alpha);
    pixels_done(&in);
    pixels_done(&out);
}

static void test_resize_refuses_to_enlarge(void **state)
{
    (void)state;
    struct pixels in = test_picture(30, 20, 4, false), out;
    assert_int_equal(resize(&in, 30, 20, 31, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, 30, 20, 30, 0, &out), -EINVAL);
    assert_int_equal(resize(&in, 31, 20, 30, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, NAN, 20, 30, 20, &out), -EINVAL);
    assert_null(out.data);
    pixels_done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_is_the_antialiased_bicubic),
        cmocka_unit_test(test_resize_starts_from_a_fractional_box),
        cmocka_unit_test(test_resize_to_the_same_size_changes_nothing),
        cmocka_unit_test(test_resize_refuses_to_enlarge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
