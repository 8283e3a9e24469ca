/* Resizing is the bicubic by the book, or Lanczos-3, over fractional boxes. */
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
#include "image/reduce.h"
#include "image/resize.h"
#include "support/images.h"

static double cubic(double x)
{
    x = fabs(x);
    return x < 1   ? 1.5 * x * x * x - 2.5 * x * x + 1
           : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2
                   : 0;
}

static double lanczos(double x)
{
    double a = x * acos(-1);
    return x == 0 ? 1 : fabs(x) < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
}

typedef double filter_function(double x);

/* One axis in doubles, nothing rounded. */
static double reference_1d(filter_function *filter, const double *in, int count, double start,
                           double box, int target, int at)
{
    double scale = box / target, middle = start + (at + 0.5) * scale, sum = 0, weights = 0;
    for (int i = 0; i < count; i++) {
        double weight = filter((i + 0.5 - middle) / fmax(1, scale));
        sum += in[i] * weight;
        weights += weight;
    }
    return sum / weights;
}

static double reference(filter_function *filter, const struct pixels *in, struct pixels_box box,
                        int w, int h, int x, int y, int c)
{
    double *column = calloc((size_t)in->height, sizeof *column);
    double *row = calloc((size_t)in->width, sizeof *row);
    for (int i = 0; i < in->height; i++) {
        for (int j = 0; j < in->width; j++)
            row[j] = in->data[(size_t)i * in->stride + (size_t)(j * in->channels + c)];
        column[i] =
            fmin(255, fmax(0, reference_1d(filter, row, in->width, box.x, box.width, w, x)));
    }
    double value = reference_1d(filter, column, in->height, box.y, box.height, h, y);
    free(row);
    free(column);
    return fmin(255, fmax(0, value));
}

static void compare(filter_function *filter, const struct pixels *in, struct pixels_box box,
                    const struct pixels *out)
{
    int w = out->width, h = out->height, channels = out->channels;
    for (int y = 0; y < h; y += 3)
        for (int x = 0; x < w; x += 2)
            for (int c = 0; c < channels; c++) {
                double want = reference(filter, in, box, w, h, x, y, c);
                int got = out->data[(size_t)y * out->stride + (size_t)(x * channels + c)];
                if (fabs(got - want) >= 2.1) /* two roundings, one after the other */
                    fail_msg("%d x %d to %d x %d at %d, %d: %d, and %.2f is right", in->width,
                             in->height, w, h, x, y, got, want);
            }
}

static const struct resize_past nothing = {.rest = 0};

static struct resize_past rest(double variance)
{
    return (struct resize_past){.rest = variance};
}

static void check_box(int width, int height, int channels, struct pixels_box box, int w, int h)
{
    struct pixels in = test_picture(width, height, channels, false), out;
    assert_int_equal(resize(&in, box, w, h, &out), 0);
    assert_int_equal(out.width, w);
    assert_int_equal(out.height, h);
    compare(cubic, &in, box, &out);
    pixels_done(&out);
    assert_int_equal(resize_lanczos3(&in, box, w, h, nothing, nothing, &out), 0);
    assert_int_equal(out.width, w);
    assert_int_equal(out.height, h);
    compare(lanczos, &in, box, &out);
    pixels_done(&out);
    pixels_done(&in);
}

static void check(int width, int height, int channels, double box_w, double box_h, int w, int h)
{
    check_box(width, height, channels, (struct pixels_box){0, 0, box_w, box_h}, w, h);
}

static void test_resize_is_the_antialiased_filter(void **state)
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

static void test_resize_shows_a_part_and_uses_what_is_beside_it(void **state)
{
    (void)state;
    check_box(100, 80, 4, (struct pixels_box){20.3, 11.7, 55.25, 60}, 21, 19);
    check_box(100, 80, 1, (struct pixels_box){0.5, 0, 99.5, 7.5}, 30, 7);
    check_box(100, 80, 4, (struct pixels_box){99, 79, 1, 1}, 1, 1);
    check_box(100, 80, 1, (struct pixels_box){40, 30, 5, 5}, 5, 5);
}

static void test_resize_enlarges_by_the_filter_as_it_is(void **state)
{
    (void)state;
    check(30, 20, 4, 30, 20, 100, 71);
    check(30, 20, 1, 30, 20, 31, 9); /* one axis grows, the other shrinks */
    check_box(40, 20, 4, (struct pixels_box){20.5, 3.25, 15, 9}, 7, 33);
    check(1, 1, 4, 1, 1, 9, 9);
    check(2, 40, 1, 2, 39.5, 50, 40);
    check_box(30, 20, 4, (struct pixels_box){3.25, 7.5, 4, 3}, 60, 50);
}

/* A slope stays one: each step goes the same way, and no step is larger than twice the mean. */
static void test_resize_enlarges_a_slope_to_a_slope(void **state)
{
    (void)state;
    struct pixels in, out;
    assert_int_equal(pixels_init(&in, 20, 1, 1), 0);
    for (int x = 0; x < 20; x++)
        in.data[x] = (uint8_t)(10 * x + 20);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 20, 1}, 100, 3, &out), 0);
    for (int x = 1; x < 100; x++)
        assert_in_range(out.data[x] - out.data[x - 1], 0, 4);
    assert_in_range(out.data[0], 18, 22);
    assert_in_range(out.data[99], 208, 212);
    assert_memory_equal(out.data, out.data + 2 * out.stride, 100);
    pixels_done(&in);
    pixels_done(&out);
}

static void test_resize_to_the_same_size_changes_nothing(void **state)
{
    (void)state;
    struct pixels in = test_picture(301, 70, 4, true), out;
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 301, 70}, 301, 70, &out), 0);
    assert_memory_equal(in.data, out.data, 301 * 70 * 4);
    assert_true(out.alpha);
    pixels_done(&in);
    pixels_done(&out);
}

/* `in` with every pixel as `factor` x `factor` ones: what was known of the original before. */
static struct pixels magnified(const struct pixels *in, int factor)
{
    struct pixels out;
    assert_int_equal(pixels_init(&out, in->width * factor, in->height * factor, in->channels), 0);
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width * out.channels; x++)
            out.data[(size_t)y * out.stride + (size_t)x] =
                in->data[(size_t)(y / factor) * in->stride +
                         (size_t)(x / out.channels / factor * out.channels + x % out.channels)];
    return out;
}

/* Pillow's way of a picture: means of boxes of `box` pixels, then the bicubic over them. */
static struct pixels reduced_and_resized(const struct pixels *in, int box, int width, int height)
{
    struct reduce r;
    struct pixels out;
    assert_int_equal(reduce_init(&r, in->width, in->height, in->channels, false, box, box), 0);
    for (int y = 0; y < in->height; y++) {
        memcpy(reduce_row(&r), in->data + (size_t)y * in->stride,
               (size_t)in->width * (size_t)in->channels);
        reduce_commit(&r);
    }
    assert_int_equal(
        resize(&r.out, (struct pixels_box){0, 0, (double)in->width / box, (double)in->height / box},
               width, height, &out),
        0);
    reduce_done(&r);
    return out;
}

/* Boxes of 25 pixels of the original, from pixels of 8, none of whose edges meet but the first. */
static void test_resize_reduced_samples_boxes_whose_edges_fall_inside_pixels(void **state)
{
    (void)state;
    struct pixels in = test_picture(160, 128, 4, false), original = magnified(&in, 8), got;
    struct resize_past past = {.step = 8, .rest = -1};
    struct pixels want = reduced_and_resized(&original, 25, 25, 20);
    assert_int_equal(
        resize_reduced(&in, (struct pixels_box){0, 0, 160, 128}, 25, 20, past, past, &got), 0);
    double sampled = test_psnr(&want, &got);
    pixels_done(&got);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 160, 128}, 25, 20, &got), 0);
    if (!(sampled > 50 && sampled > test_psnr(&want, &got) + 3))
        fail_msg("%.1f dB, and %.1f without", sampled, test_psnr(&want, &got));
    pixels_done(&got);
    pixels_done(&want);
    pixels_done(&original);
    pixels_done(&in);
}

/* 27 boxes of 13 thirds of a row: divided, the rows come out above 27. */
static void test_resize_reduced_takes_no_box_for_what_division_is_off_by(void **state)
{
    (void)state;
    struct pixels in = {0}, out;
    struct resize_past past = {.step = 3}, none = {.rest = -1};
    assert_int_equal(pixels_init(&in, 4, 117, 1), 0);
    for (int y = 0; y < in.height; y++)
        memset(in.data + (size_t)y * in.stride, y < 4 || y > 112 ? 255 : 0, 4);
    assert_int_equal(
        resize_reduced(&in, (struct pixels_box){0, 0, 4, 117}, 4, 13, none, past, &out), 0);
    for (int y = 0; y < out.height; y++) {
        int above = out.data[(size_t)y * out.stride];
        int below = out.data[(size_t)(out.height - 1 - y) * out.stride];
        assert_in_range(above - below + 1, 0, 2);
    }
    pixels_done(&out);
    pixels_done(&in);
}

/* The variance of a line a pixel wide, in pixels of `in`, is that of the filter. */
static double variance_of_line(double rest)
{
    struct pixels in, out;
    struct resize_past past = {.rest = rest}, none = {.rest = -1};
    double sum = 0, sum_1 = 0, sum_2 = 0;
    assert_int_equal(pixels_init(&in, 80, 4, 1), 0);
    for (int i = 0; i < 4 * 80; i++)
        in.data[i] = (size_t)i % in.stride == 40 ? 200 : 50;
    assert_int_equal(resize_reduced(&in, (struct pixels_box){0, 0, 80, 4}, 40, 4, past, none, &out),
                     0);
    for (int x = 0; x < 40; x++) {
        sum += out.data[x] - 50;
        sum_1 += (out.data[x] - 50) * 2.0 * x;
        sum_2 += (out.data[x] - 50) * 4.0 * x * x;
    }
    pixels_done(&in);
    pixels_done(&out);
    return sum_2 / sum - sum_1 / sum * sum_1 / sum;
}

static void test_resize_reduced_blurs_by_the_rest(void **state)
{
    (void)state;
    double before = variance_of_line(0);
    assert_true(fabs(variance_of_line(0.1) - before - 0.1) < 0.06);
    assert_true(fabs(variance_of_line(0.25) - before - 0.25) < 0.09);
}

/* A picture that fits its box is blurred, and then it is what it is. */
static void test_resize_reduced_of_what_was_not_reduced_changes_nothing(void **state)
{
    (void)state;
    struct pixels in = test_picture(50, 40, 4, false), out;
    struct resize_past past = {.step = 1, .blurred = 2, .rest = 0};
    assert_int_equal(
        resize_reduced(&in, (struct pixels_box){0, 0, 50, 40}, 50, 40, past, past, &out), 0);
    assert_true(test_psnr(&in, &out) == 99);
    pixels_done(&out);
    pixels_done(&in);
}

/* The most that any sample of two pictures differs by. */
static int most_off(const struct pixels *a, const struct pixels *b)
{
    int most = 0;
    for (int y = 0; y < a->height; y++)
        for (int i = 0; i < a->width * a->channels; i++) {
            size_t at = (size_t)y * a->stride + (size_t)i;
            int off = abs(a->data[at] - b->data[at]);
            most = off > most ? off : most;
        }
    return most;
}

/* Of random pictures, sizes and parts, edges and pictures smaller than the blur among them. */
static void check_due(double sigma, int round)
{
    int width = rand() % 60 + 1, height = rand() % 40 + 1, w = rand() % 50 + 1, h = rand() % 50 + 1;
    struct pixels in = test_picture(width, height, round % 2 ? 4 : 1, false), due, before;
    struct pixels_box box = {0, 0, width, height};
    if (round % 3 == 0)
        box = (struct pixels_box){width * 0.3, height * 0.2, width * 0.5, height * 0.7};
    struct resize_past later = {.step = round % 5 ? 1 : 0, .blurred = sigma, .due = sigma};
    struct resize_past done = later;
    done.due = 0;
    int (*by)(const struct pixels *, struct pixels_box, int, int, struct resize_past,
              struct resize_past, struct pixels *) = round % 7 ? resize_reduced : resize_lanczos3;
    assert_int_equal(by(&in, box, w, h, later, later, &due), 0);
    assert_int_equal(blur(&in, sigma, sigma), 0);
    assert_int_equal(by(&in, box, w, h, done, done, &before), 0);
    if (most_off(&due, &before) > 3) /* four roundings against two */
        fail_msg("%d x %d to %d x %d, sigma %.2f: %d off", width, height, w, h, sigma,
                 most_off(&due, &before));
    pixels_done(&due);
    pixels_done(&before);
    pixels_done(&in);
}

static void test_resize_does_a_narrow_blur_that_is_due_as_if_it_came_first(void **state)
{
    (void)state;
    const double sigmas[] = {0.2, 0.5, 0.97, 1.4, 2.4};
    srand(10);
    for (int round = 0; round < 2000; round++)
        check_due(sigmas[round % 5], round);
}

static void test_resize_takes_a_box_that_rounding_has_moved_out_of_the_picture(void **state)
{
    (void)state;
    struct pixels in = test_picture(30, 20, 4, false), want, out;
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 21, 7}, 13, 5, &want), 0);
    assert_int_equal(resize(&in, (struct pixels_box){-1e-12, -1e-12, 21, 7}, 13, 5, &out), 0);
    assert_true(test_psnr(&want, &out) == 99);
    pixels_done(&out);
    pixels_done(&want);
    assert_int_equal(resize(&in, (struct pixels_box){9, 13, 21, 7 + 1e-12}, 13, 5, &out), 0);
    pixels_done(&out);
    pixels_done(&in);
}

/* Radians a pixel; no two samples of such a wave are alike, so that rounding averages out. */
#define WAVE_STEP 0.77

/* How high a wave is, that was 100 high. */
static double height_of_wave(double variance)
{
    struct pixels in, out;
    double sum = 0;
    assert_int_equal(pixels_init(&in, 320, 1, 1), 0);
    for (int x = 0; x < 320; x++)
        in.data[x] = (uint8_t)lround(128 + 100 * cos((x + 0.5) * WAVE_STEP));
    const struct pixels_box all = {0, 0, 320, 1};
    assert_int_equal(resize_lanczos3(&in, all, 240, 1, rest(variance), nothing, &out), 0);
    for (int x = 60; x < 180; x++)
        sum += (out.data[x] - 128) * cos((x + 0.5) * WAVE_STEP * 320 / 240);
    pixels_done(&in);
    pixels_done(&out);
    return sum / 60;
}

/* What a Gaussian of this variance makes of a wave, or the inverse of one. */
static void test_resize_lanczos3_blurs_or_sharpens_by_a_variance(void **state)
{
    (void)state;
    const double variances[] = {-1 / 12.0, -1 / 16.0, 0.03, 0.06};
    for (int i = 0; i < 4; i++) {
        double want = height_of_wave(0) * exp(-variances[i] * WAVE_STEP * WAVE_STEP / 2);
        if (fabs(height_of_wave(variances[i]) - want) > 0.5)
            fail_msg("%.3f: %.2f, not %.2f", variances[i], height_of_wave(variances[i]), want);
    }
}

/* Nothing overshoots more than black and white; a 16-bit sum that did not hold it would show on the
 * other side of the range. Sharpening as much as there may be adds to it. */
static void test_resize_lanczos3_cuts_off_what_overshoots(void **state)
{
    (void)state;
    struct pixels in, plain, sharpened;
    const struct pixels_box all = {0, 0, 500, 1};
    assert_int_equal(pixels_init(&in, 500, 1, 1), 0);
    srand(9);
    for (int x = 0; x < 500; x++)
        in.data[x] = rand() % 2 ? 255 : 0;
    for (int width = 60; width < 1500; width += 60) {
        assert_int_equal(resize_lanczos3(&in, all, width, 1, nothing, nothing, &plain), 0);
        compare(lanczos, &in, all, &plain);
        assert_int_equal(resize_lanczos3(&in, all, width, 1, rest(-1 / 12.0), nothing, &sharpened),
                         0);
        for (int x = 0; x < width; x++)
            assert_in_range(sharpened.data[x] - plain.data[x] + 128, 0, 255);
        pixels_done(&plain);
        pixels_done(&sharpened);
    }
    pixels_done(&in);
}

/* What a mean of boxes took from fine detail, sharpening gives back: the picture in question is
 * resized once as it is, and once from means of 2 x 2 pixels. */
static void test_resize_lanczos3_makes_up_for_boxes(void **state)
{
    (void)state;
    struct pixels in, out, want;
    struct reduce r;
    assert_int_equal(pixels_init(&in, 240, 8, 1), 0);
    assert_int_equal(reduce_init(&r, 240, 8, 1, false, 2, 2), 0);
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 240; x++)
            in.data[(size_t)y * in.stride + (size_t)x] = (uint8_t)lround(128 + 90 * sin(x * 0.8));
        memcpy(reduce_row(&r), in.data + (size_t)y * in.stride, 240);
        reduce_commit(&r);
    }
    const struct pixels_box half = {0, 0, 120, 4};
    assert_int_equal(
        resize_lanczos3(&in, (struct pixels_box){0, 0, 240, 8}, 100, 4, nothing, nothing, &want),
        0);
    assert_int_equal(resize_lanczos3(&r.out, half, 100, 4, nothing, nothing, &out), 0);
    double without = test_psnr(&want, &out);
    pixels_done(&out);
    assert_int_equal(resize_lanczos3(&r.out, half, 100, 4, rest(-1 / 16.0), rest(-1 / 16.0), &out),
                     0);
    if (!(test_psnr(&want, &out) > without + 6))
        fail_msg("%.1f dB, and %.1f without", test_psnr(&want, &out), without);
    pixels_done(&out);
    pixels_done(&want);
    pixels_done(&in);
    reduce_done(&r);
}

static void test_resize_refuses_a_box_that_is_not_in_the_picture(void **state)
{
    (void)state;
    struct pixels in = test_picture(30, 20, 4, false), out;
    assert_int_equal(resize(&in, (struct pixels_box){-1, 0, 20, 20}, 31, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 30, 20}, 30, 0, &out), -EINVAL);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 31, 20}, 30, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, (struct pixels_box){5, 3, 25, 17.01}, 30, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, 0, 20}, 30, 20, &out), -EINVAL);
    assert_int_equal(resize(&in, (struct pixels_box){0, 0, NAN, 20}, 30, 20, &out), -EINVAL);
    assert_null(out.data);
    pixels_done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_is_the_antialiased_filter),
        cmocka_unit_test(test_resize_starts_from_a_fractional_box),
        cmocka_unit_test(test_resize_shows_a_part_and_uses_what_is_beside_it),
        cmocka_unit_test(test_resize_enlarges_by_the_filter_as_it_is),
        cmocka_unit_test(test_resize_enlarges_a_slope_to_a_slope),
        cmocka_unit_test(test_resize_to_the_same_size_changes_nothing),
        cmocka_unit_test(test_resize_reduced_samples_boxes_whose_edges_fall_inside_pixels),
        cmocka_unit_test(test_resize_reduced_takes_no_box_for_what_division_is_off_by),
        cmocka_unit_test(test_resize_reduced_blurs_by_the_rest),
        cmocka_unit_test(test_resize_reduced_of_what_was_not_reduced_changes_nothing),
        cmocka_unit_test(test_resize_does_a_narrow_blur_that_is_due_as_if_it_came_first),
        cmocka_unit_test(test_resize_takes_a_box_that_rounding_has_moved_out_of_the_picture),
        cmocka_unit_test(test_resize_lanczos3_blurs_or_sharpens_by_a_variance),
        cmocka_unit_test(test_resize_lanczos3_cuts_off_what_overshoots),
        cmocka_unit_test(test_resize_lanczos3_makes_up_for_boxes),
        cmocka_unit_test(test_resize_refuses_a_box_that_is_not_in_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
