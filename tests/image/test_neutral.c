/* The neutral way is a Gaussian and Lanczos-3, rounded once: compared with the same in double
 * precision, one after the other, without any of its short cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/neutral.h"
#include "image/orient.h"
#include "support/images.h"

/* How far a byte may be from the reference, in levels: half of one, and what floats are off by. */
#define OFF 0.501

/* ---- the reference ---- */

/* Pixels in doubles, four channels each or one. */
struct sums {
    int width, height, channels;
    double *at;
};

static struct sums sums_new(int width, int height, int channels)
{
    size_t count = (size_t)width * (size_t)height * (size_t)channels;
    struct sums s = {width, height, channels, calloc(count, sizeof(double))};
    assert_non_null(s.at);
    return s;
}

static double *sums_at(const struct sums *s, int x, int y)
{
    x = x < 0 ? 0 : x < s->width ? x : s->width - 1;
    y = y < 0 ? 0 : y < s->height ? y : s->height - 1;
    return s->at + ((ptrdiff_t)y * s->width + x) * s->channels;
}

static struct sums premultiplied(const struct pixels *in)
{
    struct sums s = sums_new(in->width, in->height, in->channels);
    for (int i = 0; i < in->width * in->height; i++)
        for (int c = 0; c < in->channels; c++) {
            double share = in->alpha && c < 3 ? in->data[4 * i + 3] / 255.0 : 1;
            s.at[i * in->channels + c] = in->data[i * in->channels + c] * share;
        }
    return s;
}

/* Rows become columns, so that one function does both axes. */
static struct sums turned(struct sums in)
{
    struct sums s = sums_new(in.height, in.width, in.channels);
    for (int y = 0; y < in.height; y++)
        for (int x = 0; x < in.width; x++)
            memcpy(sums_at(&s, y, x), sums_at(&in, x, y), (size_t)in.channels * sizeof(double));
    free(in.at);
    return s;
}

static void add(double *to, const double *from, int channels, double weight)
{
    for (int c = 0; c < channels; c++)
        to[c] += from[c] * weight;
}

/* Edges repeat. */
static struct sums blurred_rows(struct sums in, double sigma)
{
    struct sums s = sums_new(in.width, in.height, in.channels);
    int reach = (int)ceil(7 * sigma);
    double sum = 0;
    for (int i = -reach; i <= reach; i++)
        sum += sigma > 0 ? exp(-i * i / (2 * sigma * sigma)) : 1;
    for (int y = 0; y < in.height; y++)
        for (int x = 0; x < in.width; x++)
            for (int i = -reach; i <= reach; i++)
                add(sums_at(&s, x, y), sums_at(&in, x + i, y), in.channels,
                    (sigma > 0 ? exp(-i * i / (2 * sigma * sigma)) : 1) / sum);
    free(in.at);
    return s;
}

static double lanczos(double x)
{
    const double pi = 3.14159265358979323846;
    if (fabs(x) < 1e-12)
        return 1;
    return fabs(x) < 3 ? 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x) : 0;
}

/* Over what there is. */
static struct sums resized_rows(struct sums in, double start, double length, int width)
{
    struct sums s = sums_new(width, in.height, in.channels);
    double scale = length / width, wide = fmax(1, scale);
    for (int to = 0; to < width; to++) {
        double middle = start + (to + 0.5) * scale, sum = 0;
        for (int x = 0; x < in.width; x++)
            sum += lanczos((x + 0.5 - middle) / wide);
        for (int y = 0; y < in.height; y++)
            for (int x = 0; x < in.width; x++)
                add(sums_at(&s, to, y), sums_at(&in, x, y), in.channels,
                    lanczos((x + 0.5 - middle) / wide) / sum);
    }
    free(in.at);
    return s;
}

static struct sums reference(const struct pixels *in, struct pixels_box box, int width, int height,
                             double sigma)
{
    struct sums s = blurred_rows(premultiplied(in), sigma);
    s = resized_rows(s, box.x, box.width, width);
    s = blurred_rows(turned(s), sigma);
    return turned(resized_rows(s, box.y, box.height, height));
}

static void check_sample(double want, int got, double off)
{
    want = want < 0 ? 0 : want > 255 ? 255 : want;
    if (!(fabs(want - got) <= off))
        fail_msg("%d, and %.4f is right", got, want);
}

/* Colours that hardly show are as far off as what shows of them may be. */
static void check_pixel(const double *want, const uint8_t *got, int channels, bool alpha)
{
    double share = alpha ? want[3] / 255 : 1;
    for (int c = 0; c < channels; c++)
        if (!alpha || c == 3)
            check_sample(want[c], got[c], OFF);
        else if (got[3] == 0)
            assert_int_equal(got[c], 0);
        else
            check_sample(want[c] / share, got[c], OFF + 0.001 / share);
}

static void check(const struct pixels *in, struct pixels_box box, int width, int height,
                  double sigma)
{
    struct pixels out;
    struct sums want = reference(in, box, width, height, sigma);
    assert_int_equal(neutral_resize(in, box, width, height, sigma, &out), 0);
    assert_int_equal(out.width, width);
    assert_int_equal(out.height, height);
    assert_int_equal(out.channels, in->channels);
    assert_int_equal(out.alpha, in->alpha);
    for (int i = 0; i < width * height; i++)
        check_pixel(want.at + (ptrdiff_t)i * in->channels, out.data + (ptrdiff_t)i * in->channels,
                    in->channels, in->alpha);
    free(want.at);
    pixels_done(&out);
}

/* ---- cases ---- */

/* Every level, and jumps between them, up to the edges. */
static struct pixels pattern(int width, int height, int channels, bool alpha)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, width, height, channels), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                p.data[(y * width + x) * channels + c] =
                    (uint8_t)(x * 37 + y * 59 + x * y * 11 + c * 77);
    p.alpha = alpha;
    return p;
}

static void check_all(int width, int height, int channels, bool alpha, int to_width, int to_height,
                      double sigma)
{
    struct pixels in = pattern(width, height, channels, alpha);
    check(&in, (struct pixels_box){0, 0, width, height}, to_width, to_height, sigma);
    pixels_done(&in);
}

static void test_neutral_grey_is_rounded_once(void **state)
{
    (void)state;
    check_all(90, 70, 1, false, 31, 24, 0);
    check_all(90, 70, 1, false, 31, 24, 0.3);
    check_all(90, 70, 1, false, 31, 24, 2);
    check_all(90, 70, 1, false, 90, 70, 2);
}

static void test_neutral_colours_are_rounded_once(void **state)
{
    (void)state;
    check_all(90, 70, 4, false, 31, 24, 2);
    check_all(70, 90, 4, false, 9, 11, 1);
    check_all(133, 30, 4, false, 133, 30, 3);
}

/* On either side of where the Gaussian is split into two, and far beyond the picture. */
static void test_neutral_blur_is_a_gaussian_however_wide(void **state)
{
    (void)state;
    check_all(160, 90, 1, false, 160, 90, 7.9);
    check_all(160, 90, 1, false, 160, 90, 8);
    check_all(160, 90, 1, false, 53, 30, 15);
    check_all(160, 90, 4, false, 53, 30, 15);
    check_all(60, 90, 1, false, 60, 90, 33.3);
    check_all(40, 30, 1, false, 20, 15, 900);
}

/* Black beside white, which shows what small waves there are in the curve between. */
static void test_neutral_blur_of_an_edge_is_smooth(void **state)
{
    (void)state;
    for (double sigma = 5; sigma < 40; sigma *= 1.7) {
        struct pixels in;
        assert_int_equal(pixels_init(&in, 300, 1, 1), 0);
        for (int x = 0; x < 300; x++)
            in.data[x] = x < 147 ? 0 : 255;
        check(&in, (struct pixels_box){0, 0, 300, 1}, 300, 1, sigma);
        pixels_done(&in);
    }
}

/* Half a Gaussian lies beside the picture, and all of that is the edge's. */
static void test_neutral_edges_repeat(void **state)
{
    (void)state;
    for (int sigma = 4; sigma <= 16; sigma += 12) {
        struct pixels in, out;
        assert_int_equal(pixels_init(&in, 100, 1, 1), 0);
        memset(in.data, 0, 100);
        in.data[0] = 200;
        assert_int_equal(
            neutral_resize(&in, (struct pixels_box){0, 0, 100, 1}, 100, 1, sigma, &out), 0);
        double peak = 1 / (sigma * sqrt(2 * 3.14159265358979323846));
        check_sample(200 * (0.5 + peak / 2), out.data[0], 0.6); /* half, and half of the middle */
        assert_int_equal(out.data[99], 0);
        pixels_done(&in);
        pixels_done(&out);
    }
}

static void test_neutral_colours_weigh_by_their_alpha(void **state)
{
    (void)state;
    check_all(90, 70, 4, true, 31, 24, 0);
    check_all(90, 70, 4, true, 31, 24, 2);
    check_all(90, 70, 4, true, 90, 70, 9);
}

/* Red that is nearly clear, beside green that is: premultiplied bytes would have lost its colour.
 */
static void test_neutral_faint_colours_keep_their_hue(void **state)
{
    (void)state;
    struct pixels in, out;
    assert_int_equal(pixels_init(&in, 40, 40, 4), 0);
    in.alpha = true;
    for (int i = 0; i < 40 * 40; i++)
        memcpy(in.data + 4 * i, i % 40 < 20 ? "\xb4\x50\x1e\x03" : "\0\xff\0\0", 4);
    assert_int_equal(neutral_resize(&in, (struct pixels_box){0, 0, 40, 40}, 10, 10, 1, &out), 0);
    for (int i = 0; i < 10 * 10; i++) {
        const uint8_t *pixel = out.data + 4 * i;
        assert_memory_equal(pixel, pixel[3] ? "\xb4\x50\x1e" : "\0\0\0", 3);
        assert_in_range(pixel[3], i % 10 < 4 ? 3 : 0, i % 10 < 6 ? 3 : 0);
    }
    pixels_done(&in);
    pixels_done(&out);
}

static void test_neutral_makes_tiny_pictures(void **state)
{
    (void)state;
    static const double sigmas[] = {0, 2, 15};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        check_all(1, 1, 1, false, 1, 1, sigmas[i]);
        check_all(1, 1, 4, true, 3, 2, sigmas[i]);
        check_all(2, 3, 4, false, 1, 1, sigmas[i]);
        check_all(1, 300, 4, false, 1, 20, sigmas[i]);
        check_all(300, 1, 1, false, 20, 1, sigmas[i]);
        check_all(5, 17, 4, false, 3, 16, sigmas[i]);
    }
}

static void test_neutral_enlarges(void **state)
{
    (void)state;
    check_all(20, 13, 4, false, 50, 33, 0);
    check_all(20, 13, 1, false, 50, 33, 2);
    check_all(20, 13, 1, false, 90, 60, 12);
    check_all(70, 13, 4, false, 30, 60, 1); /* only one axis: rows go first */
    check_all(13, 70, 4, false, 60, 30, 1);
}

static void test_neutral_samples_a_part_and_what_is_beside_it(void **state)
{
    (void)state;
    struct pixels in = pattern(60, 50, 4, false);
    check(&in, (struct pixels_box){2.3, 1.1, 33.5, 25.4}, 16, 9, 0);
    check(&in, (struct pixels_box){2.3, 1.1, 33.5, 25.4}, 16, 9, 2);
    check(&in, (struct pixels_box){20, 10, 40, 40}, 40, 40, 10);
    pixels_done(&in);
}

/* The error of a sum in floats grows with its length. */
static void test_neutral_long_lines_stay_as_bright(void **state)
{
    (void)state;
    struct pixels in, out;
    assert_int_equal(pixels_init(&in, 1000000, 1, 1), 0);
    memset(in.data, 201, 1000000);
    assert_int_equal(neutral_resize(&in, (struct pixels_box){0, 0, 1000000, 1}, 2, 1, 0, &out), 0);
    assert_int_equal(out.data[0], 201);
    assert_int_equal(out.data[1], 201);
    pixels_done(&in);
    pixels_done(&out);
}

static void test_neutral_refuses_what_no_picture_may_be(void **state)
{
    (void)state;
    struct pixels in = pattern(4, 4, 1, false), out;
    struct pixels_box all = {0, 0, 4, 4};
    assert_int_not_equal(neutral_resize(&in, all, 0, 4, 2, &out), 0);
    assert_null(out.data);
    pixels_done(&in);
}

/* ---- the whole way ---- */

static struct image_spec neutral_spec(int box, double sigma)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = sigma;
    spec.exact = true;
    spec.kernel = IMAGE_LANCZOS3;
    return spec;
}

/* Makes thumbnails of a file, which it frees. */
static struct image_result made(struct test_file file, const struct image_spec *spec)
{
    struct image_result result;
    struct image_fault fault;
    if (test_thumbnail(file.bytes, file.size, spec, NULL, &result, &fault))
        fail_msg("%s", fault.message);
    assert_int_equal(result.shrink, 1);
    test_file_done(&file);
    return result;
}

static void check_thumb(const struct image_result *result, int i, const struct pixels *whole,
                        struct pixels_box box, int width, int height, double sigma)
{
    struct pixels got = test_decode(result->thumbs[i].bytes, result->thumbs[i].size_bytes), want;
    assert_int_equal(neutral_resize(whole, box, width, height, sigma, &want), 0);
    assert_int_equal(got.width, width);
    assert_int_equal(got.height, height);
    assert_memory_equal(got.data, want.data, (size_t)(width * height * got.channels));
    pixels_done(&got);
    pixels_done(&want);
}

static void test_neutral_way_is_taken_for_exact_lanczos3(void **state)
{
    (void)state;
    static const int undoes[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    struct image_spec spec = neutral_spec(40, 2);
    struct pixels p = pattern(300, 190, 1, false);
    for (int orientation = 1; orientation <= 8; orientation++) {
        assert_int_equal(orient(&p, undoes[orientation]), 0);
        struct test_png how = {.type = PNG_COLOR_TYPE_GRAY, .depth = 8, .orientation = orientation};
        struct image_result result = made(test_png(&p, how), &spec);
        assert_int_equal(orient(&p, orientation), 0);
        check_thumb(&result, 0, &p, (struct pixels_box){0, 0, 300, 190}, 40, 25, 2);
        image_result_done(&result);
    }
    pixels_done(&p);
}

/* Each with the whole blur, of one decoding. */
static void test_neutral_way_makes_several_sizes(void **state)
{
    (void)state;
    struct image_spec spec = neutral_spec(64, 3);
    struct pixels p = pattern(100, 60, 4, true);
    spec.boxes[1] = (struct image_box){200, 200};
    spec.boxes[2] = (struct image_box){10, 10};
    spec.box_count = 3;
    spec.upscale = true;
    struct test_png how = {.type = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 8};
    struct image_result result = made(test_png(&p, how), &spec);
    struct pixels_box all = {0, 0, 100, 60};
    check_thumb(&result, 0, &p, all, 64, 38, 3);
    check_thumb(&result, 1, &p, all, 200, 120, 3);
    check_thumb(&result, 2, &p, all, 10, 6, 3);
    image_result_done(&result);
    pixels_done(&p);
}

static void test_neutral_way_covers(void **state)
{
    (void)state;
    struct image_spec spec = neutral_spec(20, 1);
    struct pixels p = pattern(100, 60, 1, false);
    spec.fit = IMAGE_COVER;
    spec.gravity = IMAGE_EAST;
    struct test_png how = {.type = PNG_COLOR_TYPE_GRAY, .depth = 8};
    struct image_result result = made(test_png(&p, how), &spec);
    check_thumb(&result, 0, &p, (struct pixels_box){40, 0, 60, 60}, 20, 20, 1);
    image_result_done(&result);
    pixels_done(&p);
}

static void test_neutral_way_decodes_a_jpeg_at_full_size(void **state)
{
    (void)state;
    struct image_spec spec = neutral_spec(30, 1);
    struct pixels p = test_picture(500, 400, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
    struct pixels whole = test_decode(file.bytes, file.size);
    struct image_result result = made(file, &spec);
    check_thumb(&result, 0, &whole, (struct pixels_box){0, 0, 500, 400}, 30, 24, 1);
    image_result_done(&result);
    pixels_done(&whole);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neutral_grey_is_rounded_once),
        cmocka_unit_test(test_neutral_colours_are_rounded_once),
        cmocka_unit_test(test_neutral_blur_is_a_gaussian_however_wide),
        cmocka_unit_test(test_neutral_blur_of_an_edge_is_smooth),
        cmocka_unit_test(test_neutral_edges_repeat),
        cmocka_unit_test(test_neutral_colours_weigh_by_their_alpha),
        cmocka_unit_test(test_neutral_faint_colours_keep_their_hue),
        cmocka_unit_test(test_neutral_makes_tiny_pictures),
        cmocka_unit_test(test_neutral_enlarges),
        cmocka_unit_test(test_neutral_samples_a_part_and_what_is_beside_it),
        cmocka_unit_test(test_neutral_long_lines_stay_as_bright),
        cmocka_unit_test(test_neutral_refuses_what_no_picture_may_be),
        cmocka_unit_test(test_neutral_way_is_taken_for_exact_lanczos3),
        cmocka_unit_test(test_neutral_way_makes_several_sizes),
        cmocka_unit_test(test_neutral_way_covers),
        cmocka_unit_test(test_neutral_way_decodes_a_jpeg_at_full_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
