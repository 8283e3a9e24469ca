/* Reduction is the mean of boxes, whatever is left at the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/reduce.h"
#include "support/images.h"

static struct pixels reduce_all(const struct pixels *in, int factor_x, int factor_y)
{
    struct reduce r;
    assert_int_equal(
        reduce_init(&r, in->width, in->height, in->channels, in->alpha, factor_x, factor_y), 0);
    for (int y = 0; y < in->height; y++) {
        memcpy(reduce_row(&r), in->data + (size_t)y * in->stride, in->stride);
        reduce_commit(&r);
    }
    struct pixels out = r.out;
    r.out = (struct pixels){0};
    reduce_done(&r);
    return out;
}

/* The mean of one box, by the book: with alpha, of colours times alpha, rounded first. */
static int box_mean(const struct pixels *in, int x0, int y0, int fx, int fy, int c)
{
    unsigned sum = 0, count = 0;
    for (int y = y0; y < y0 + fy && y < in->height; y++)
        for (int x = x0; x < x0 + fx && x < in->width; x++, count++) {
            const uint8_t *p = in->data + (size_t)y * in->stride + (size_t)(x * in->channels);
            sum += in->alpha && c < 3 ? (p[c] * p[3] * 2u + 255) / 510 : p[c];
        }
    return (int)((sum + count / 2) / count);
}

static void check(int width, int height, int channels, bool alpha, int fx, int fy)
{
    struct pixels in = test_picture(width, height, channels, alpha);
    struct pixels out = reduce_all(&in, fx, fy);
    assert_int_equal(out.width, (width + fx - 1) / fx);
    assert_int_equal(out.height, (height + fy - 1) / fy);
    assert_int_equal(out.alpha, alpha);
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++)
            for (int c = 0; c < channels; c++)
                assert_int_equal(out.data[(size_t)y * out.stride + (size_t)(x * channels + c)],
                                 box_mean(&in, x * fx, y * fy, fx, fy, c));
    pixels_done(&in);
    pixels_done(&out);
}

static void test_reduce_is_the_mean_of_each_box(void **state)
{
    (void)state;
    check(64, 48, 4, false, 4, 4);
    check(64, 48, 1, false, 4, 4);
    check(61, 47, 4, false, 3, 5); /* the last boxes are partial */
    check(61, 47, 1, false, 7, 2);
    check(10, 7, 4, false, 256, 256); /* one box, larger than the picture */
    check(600, 520, 1, false, 256, 256);
    check(5, 4, 4, false, 1, 1);
}

static void test_reduce_is_right_at_every_width(void **state)
{
    (void)state;
    for (int width = 1; width <= 70; width++)
        for (int factor = 1; factor <= 9; factor++) {
            check(width, 11, 1, false, factor, 3);
            check(width, 11, 4, false, factor, 3);
            check(width, 5, 4, true, factor, 2);
        }
}

static void test_reduce_premultiplies_alpha(void **state)
{
    (void)state;
    check(64, 48, 4, true, 4, 3);
    check(33, 9, 4, true, 1, 1);
}

static void test_reduce_of_white_is_white_for_every_factor(void **state)
{
    (void)state;
    for (int factor = 1; factor <= 256; factor++) {
        struct reduce r;
        assert_int_equal(reduce_init(&r, factor + 1, factor, 1, false, factor, factor), 0);
        for (int y = 0; y < factor; y++) {
            memset(reduce_row(&r), 255, (size_t)factor + 1);
            reduce_commit(&r);
        }
        assert_int_equal(r.out.data[0], 255);
        assert_int_equal(r.out.data[1], 255);
        reduce_done(&r);
    }
}

/* A row of boxes, one for each sum that so many pixels can have. */
static void test_reduce_rounds_every_sum_of_few_pixels_right(void **state)
{
    (void)state;
    for (int side = 1; side <= 20; side++) {
        struct reduce r;
        int boxes = 255 * side + 1;
        assert_int_equal(reduce_init(&r, boxes * side, 2, 1, false, side, 1), 0);
        uint8_t *row = reduce_row(&r);
        for (int i = 0; i < boxes * side; i++)
            row[i] = (uint8_t)((i / side + i % side) / side);
        reduce_commit(&r);
        for (int sum = 0; sum < boxes; sum++)
            assert_int_equal(r.out.data[sum], (sum + side / 2) / side);
        reduce_done(&r);
    }
}

static void test_reduce_refuses_factors_that_overflow(void **state)
{
    (void)state;
    struct reduce r;
    assert_int_equal(reduce_init(&r, 1000, 1000, 4, false, 257, 1), -EINVAL);
    assert_int_equal(reduce_init(&r, 1000, 1000, 4, false, 1, 0), -EINVAL);
    assert_int_equal(reduce_init(&r, 1000, 1000, 3, false, 1, 1), -EINVAL);
    assert_int_equal(reduce_init(&r, 0, 1000, 4, false, 1, 1), -EINVAL);
    reduce_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce_is_the_mean_of_each_box),
        cmocka_unit_test(test_reduce_is_right_at_every_width),
        cmocka_unit_test(test_reduce_premultiplies_alpha),
        cmocka_unit_test(test_reduce_of_white_is_white_for_every_factor),
        cmocka_unit_test(test_reduce_rounds_every_sum_of_few_pixels_right),
        cmocka_unit_test(test_reduce_refuses_factors_that_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
