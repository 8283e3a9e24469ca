/* The whole way of one picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/alpha.h"
#include "image/blur.h"
#include "image/colour.h"
#include "image/geometry.h"
#include "image/orient.h"
#include "image/resize.h"
#include "image/stopwatch.h"
#include "support/images.h"

static struct image_spec png_spec(int box, double sigma)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = sigma;
    return spec;
}

/* The tutorial's way at full size: blur, then shrink. */
static struct pixels reference(const struct pixels *picture, double sigma, int width, int height)
{
    struct pixels copy, out;
    assert_int_equal(pixels_init(&copy, picture->width, picture->height, picture->channels), 0);
    memcpy(copy.data, picture->data, picture->stride * (size_t)picture->height);
    assert_int_equal(blur(&copy, sigma, sigma), 0);
    assert_int_equal(
        resize(&copy, (struct pixels_box){0, 0, copy.width, copy.height}, width, height, &out), 0);
    pixels_done(&copy);
    return out;
}

static void check_jpeg(int width, int height, int box, double sigma, struct test_jpeg how,
                       double least_db)
{
    struct pixels p = test_picture(width, height, 4, false);
    struct test_file file = test_jpeg(&p, how);
    struct pixels stored = test_decode(file.bytes, file.size);
    struct image_spec spec = png_spec(box, sigma);
    struct image_result result;
    struct image_fault fault;
    struct geometry_result want_size = geometry_result(width, height, spec.boxes[0], &spec);
    int want_width = want_size.width, want_height = want_size.height;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
    assert_int_equal(result.width, width);
    assert_int_equal(result.height, height);
    assert_int_equal(result.thumb_count, 1);
    assert_int_equal(result.thumbs[0].width, want_width);
    assert_int_equal(result.thumbs[0].height, want_height);
    struct pixels ours = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    struct pixels want = reference(&stored, sigma, want_width, want_height);
    double db = test_psnr(&ours, &want);
    if (db < least_db)
        fail_msg("%d x %d into %d with sigma %.1f: %.1f dB", width, height, box, sigma, db);
    pixels_done(&ours);
    pixels_done(&want);
    pixels_done(&stored);
    pixels_done(&p);
    image_result_done(&result);
    test_file_done(&file);
}

static void test_thumbnail_looks_like_blur_and_shrink_at_full_size(void **state)
{
    (void)state;
    struct test_jpeg plain = {0}, progressive = {.coding = TEST_PROGRESSIVE};
    check_jpeg(800, 600, 256, 2, plain, 42);
    check_jpeg(800, 600, 100, 2, progressive, 38);
    check_jpeg(803, 601, 50, 2, plain, 42);
    check_jpeg(300, 200, 256, 2, plain, 42);
    check_jpeg(800, 600, 200, 15, plain, 45);
    check_jpeg(400, 300, 150, 0, plain, 36);
}

/* Of one file by both filters, each against Lanczos-3 behind a blur at full size. */
static void check_lanczos3(struct test_file file, int box, double least_db)
{
    struct image_spec spec = png_spec(box, 2);
    struct pixels whole = test_decode(file.bytes, file.size), want;
    const struct pixels_box all = {0, 0, whole.width, whole.height};
    const struct resize_past none = {.rest = 0};
    double db[2];
    for (int kernel = IMAGE_BICUBIC; kernel <= IMAGE_LANCZOS3; kernel++) {
        struct image_result result;
        struct image_fault fault;
        spec.kernel = (enum image_kernel)kernel;
        assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
        struct pixels got = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
        if (kernel == IMAGE_BICUBIC) {
            assert_int_equal(blur(&whole, 2, 2), 0);
            assert_int_equal(resize_lanczos3(&whole, all, got.width, got.height, none, none, &want),
                             0);
        }
        db[kernel] = test_psnr(&got, &want);
        pixels_done(&got);
        image_result_done(&result);
    }
    if (!(db[IMAGE_LANCZOS3] > least_db && db[IMAGE_LANCZOS3] > db[IMAGE_BICUBIC] + 2))
        fail_msg("into %d: %.1f dB, and %.1f by the bicubic", box, db[IMAGE_LANCZOS3],
                 db[IMAGE_BICUBIC]);
    pixels_done(&whole);
    pixels_done(&want);
    test_file_done(&file);
}

static void test_thumbnail_by_lanczos3_is_near_it_at_full_size(void **state)
{
    (void)state;
    struct pixels p = test_picture(1003, 751, 4, false);
    struct test_png png = {.type = PNG_COLOR_TYPE_RGB, .depth = 8};
    check_lanczos3(test_jpeg(&p, (struct test_jpeg){0}), 200, 45);
    check_lanczos3(test_jpeg(&p, (struct test_jpeg){0}), 100, 45);
    check_lanczos3(test_jpeg(&p, (struct test_jpeg){0}), 60, 45);
    check_lanczos3(test_png(&p, png), 150, 45);
    check_lanczos3(test_png(&p, png), 40, 45);
    pixels_done(&p);
}

static void test_thumbnail_of_a_picture_that_fits_is_blurred_at_its_size(void **state)
{
    (void)state;
    check_jpeg(200, 150, 256, 2, (struct test_jpeg){0}, 48);
    check_jpeg(1, 1, 256, 2, (struct test_jpeg){0}, 48);
    check_jpeg(200, 150, 256, 0, (struct test_jpeg){0}, 98);
}

static void test_thumbnail_is_upright_for_every_orientation(void **state)
{
    (void)state;
    struct image_spec spec = png_spec(100, 0);
    struct pixels p = test_picture(400, 240, 4, false);
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct test_file file = test_jpeg(&p, (struct test_jpeg){.orientation = orientation});
        struct image_result result;
        struct image_fault fault;
        assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
        bool swap = orientation >= 5;
        assert_int_equal(result.width, swap ? 240 : 400);
        assert_int_equal(result.thumbs[0].width, swap ? 60 : 100);
        assert_int_equal(result.thumbs[0].height, swap ? 100 : 60);
        struct pixels want = reference(&p, 0, 100, 60);
        assert_int_equal(orient(&want, orientation), 0);
        struct pixels ours = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
        assert_true(test_psnr(&ours, &want) > 33);
        pixels_done(&want);
        pixels_done(&ours);
        image_result_done(&result);
        test_file_done(&file);
    }
    pixels_done(&p);
}

static void test_thumbnail_makes_several_sizes_of_one_decode(void **state)
{
    (void)state;
    struct pixels p = test_picture(900, 700, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){0});
    struct image_spec spec = png_spec(0, 2);
    struct image_result many, one;
    struct image_fault fault;
    const struct image_box boxes[] = {{50, 50}, {300, 300}, {120, 0}, {0, 60}, {2000, 2000}};
    const int sizes[][2] = {{50, 39}, {300, 233}, {120, 93}, {77, 60}, {900, 700}};
    for (int i = 0; i < 5; i++)
        spec.boxes[i] = boxes[i];
    spec.box_count = 5;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &many, &fault), 0);
    assert_int_equal(many.thumb_count, 5);
    assert_int_equal(many.shrink, 1); /* the largest needs it */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(many.thumbs[i].width, sizes[i][0]);
        assert_int_equal(many.thumbs[i].height, sizes[i][1]);
        struct image_spec alone = png_spec(0, 2);
        alone.boxes[0] = boxes[i];
        assert_int_equal(test_thumbnail(file.bytes, file.size, &alone, NULL, &one, &fault), 0);
        struct pixels a = test_decode(many.thumbs[i].bytes, many.thumbs[i].size_bytes);
        struct pixels b = test_decode(one.thumbs[0].bytes, one.thumbs[0].size_bytes);
        assert_true(test_psnr(&a, &b) > 42);
        pixels_done(&a);
        pixels_done(&b);
        image_result_done(&one);
    }
    image_result_done(&many);
    test_file_done(&file);
    pixels_done(&p);
}

/* With smaller ones beside it, the largest of a few sizes is decoded, blurred and resized as when
 * it is made alone. */
static void test_thumbnail_is_the_same_with_a_few_smaller_ones(void **state)
{
    (void)state;
    struct pixels p = test_picture(400, 300, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){0});
    struct image_spec spec = png_spec(250, 2);
    struct image_result alone, beside;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &alone, &fault), 0);
    spec.boxes[1] = (struct image_box){160, 160};
    spec.boxes[2] = (struct image_box){60, 60};
    spec.box_count = 3;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &beside, &fault), 0);
    assert_int_equal(beside.thumbs[0].size_bytes, alone.thumbs[0].size_bytes);
    assert_memory_equal(beside.thumbs[0].bytes, alone.thumbs[0].bytes, alone.thumbs[0].size_bytes);
    image_result_done(&alone);
    image_result_done(&beside);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_thumbnail_bytes_are_the_same_every_time(void **state)
{
    (void)state;
    struct pixels p = test_picture(500, 400, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
    struct image_spec spec = image_spec_default();
    struct image_result a, b;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &a, &fault), 0);
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &b, &fault), 0);
    assert_int_equal(a.thumbs[0].size_bytes, b.thumbs[0].size_bytes);
    assert_memory_equal(a.thumbs[0].bytes, b.thumbs[0].bytes, a.thumbs[0].size_bytes);
    assert_int_equal(image_kind_sniff(a.thumbs[0].bytes, 32), IMAGE_KIND_JPEG);
    assert_true(a.ms.decode > 0 && a.ms.encode > 0);
    image_result_done(&a);
    image_result_done(&b);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_thumbnail_grey_stays_grey_and_cmyk_becomes_rgb(void **state)
{
    (void)state;
    struct image_spec spec = png_spec(50, 2);
    struct image_result result;
    struct image_fault fault;
    for (int channels = 1; channels <= 4; channels += 3) {
        struct pixels p = test_picture(300, 200, channels, false);
        struct test_file file = test_jpeg(&p, (struct test_jpeg){.colour = TEST_CMYK});
        assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
        struct pixels q = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
        assert_int_equal(q.channels, channels);
        assert_false(q.alpha);
        struct pixels want = reference(&p, 2, 50, 33);
        if (channels == 4)
            assert_int_equal(colour_to_srgb(&want, CODEC_CMYK_INVERTED, NULL, 0), 0);
        assert_true(test_psnr(&q, &want) > 35);
        pixels_done(&want);
        pixels_done(&q);
        pixels_done(&p);
        image_result_done(&result);
        test_file_done(&file);
    }
}

/* Red behind full opacity beside green behind none: no green may come through. */
static void test_thumbnail_hidden_colours_stay_hidden(void **state)
{
    (void)state;
    struct pixels p;
    struct image_spec spec = png_spec(20, 2);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(pixels_init(&p, 100, 100, 4), 0);
    for (int i = 0; i < 100 * 100; i++)
        memcpy(p.data + 4 * i, i % 100 < 50 ? "\xff\0\0\xff" : "\0\xff\0\0", 4);
    struct test_file file =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGBA, .depth = 8});
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
    struct pixels q = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    assert_true(q.alpha);
    for (int i = 0; i < q.width * q.height; i++) {
        assert_true(q.data[4 * i + 1] == 0);
        assert_true(q.data[4 * i + 3] < 8 || q.data[4 * i] > 250);
    }
    pixels_done(&q);
    image_result_done(&result);

    test_file_done(&file);
    pixels_done(&p);
}

static void check_fault(const void *bytes, size_t size, enum image_code code, const char *words)
{
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(bytes, size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, code);
    assert_non_null(strstr(fault.message, words));
}

static void test_thumbnail_says_what_is_wrong(void **state)
{
    (void)state;
    check_fault("", 0, IMAGE_DAMAGED, "empty");
    check_fault("Dear diary", 10, IMAGE_UNSUPPORTED, "not a picture");
    check_fault("\xff\xd8\xff", 3, IMAGE_DAMAGED, "the data ends");
    check_fault("\x89PNG\r\n\x1a\n", 8, IMAGE_DAMAGED, "the data ends");
    check_fault("GIF89a\1\0\1\0", 10, IMAGE_UNSUPPORTED, "libvips");
}

static void test_thumbnail_refuses_a_spec_that_makes_no_sense(void **state)
{
    (void)state;
    struct pixels p = test_picture(50, 40, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){0});
    struct image_spec specs[6];
    for (int i = 0; i < 6; i++)
        specs[i] = image_spec_default();
    specs[0].box_count = 0;
    specs[1].box_count = IMAGE_SIZES_MAX + 1;
    specs[2].boxes[0] = (struct image_box){0, 0};
    specs[3].boxes[0] = (struct image_box){-5, 5};
    specs[4].blur_sigma_px = -1;
    specs[5].format = IMAGE_KIND_GIF;
    for (int i = 0; i < 6; i++) {
        struct image_result result;
        struct image_fault fault;
        assert_int_equal(test_thumbnail(file.bytes, file.size, &specs[i], NULL, &result, &fault),
                         -1);
        assert_int_equal(fault.code, IMAGE_UNSUPPORTED);
    }
    test_file_done(&file);
    pixels_done(&p);
}

static void test_thumbnail_reports_an_io_error_as_one(void **state)
{
    (void)state;
    int folder = open("/tmp", O_RDONLY | O_CLOEXEC); /* pread() gives EISDIR */
    const enum image_kind kinds[] = {IMAGE_KIND_JPEG, IMAGE_KIND_PNG};
    for (int i = 0; i < 2; i++) {
        struct image_input input = {.fd = folder, .size_bytes = 100, .kind = kinds[i]};
        struct image_spec spec = image_spec_default();
        struct image_result result;
        struct image_fault fault;
        assert_int_equal(image_thumbnail(&input, &spec, NULL, &result, &fault), -1);
        assert_int_equal(fault.code, IMAGE_IO);
    }
    close(folder);
}

static void test_thumbnail_refuses_a_result_that_is_too_long(void **state)
{
    (void)state;
    struct pixels p;
    assert_int_equal(pixels_init(&p, 2, 70000, 1), 0);
    memset(p.data, 9, 2 * 70000);
    struct test_file file =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_GRAY, .depth = 8});
    struct image_spec spec = png_spec(0, 2);
    spec.boxes[0] = (struct image_box){2, 0};
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    test_file_done(&file);
    pixels_done(&p);
}

/* On black, on white and on a colour; full chroma, so that JPEG smears nothing itself. */
static void test_thumbnail_lies_on_its_background_without_a_fringe(void **state)
{
    (void)state;
    const uint8_t colours[][3] = {{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {20, 90, 200}};
    struct pixels p;
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){25, 25};
    spec.quality = 100;
    spec.full_chroma = true;
    assert_int_equal(pixels_init(&p, 100, 100, 4), 0);
    for (int i = 0; i < 100 * 100; i++) /* red, and green that is hidden */
        memcpy(p.data + 4 * i, i % 100 < 50 ? "\xff\0\0\xff" : "\0\xff\0\0", 4);
    struct test_file file =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGBA, .depth = 8});
    for (int i = 0; i < 4; i++) {
        struct image_result result;
        struct image_fault fault;
        memcpy(spec.background, colours[i], 3);
        assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
        struct pixels q = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
        for (int x = 0; x < 25; x++) {
            const uint8_t *pixel = q.data + 12 * q.stride + 4 * x;
            for (int c = 0; c < 3; c++) { /* between red and the background, and at the end there */
                int red = c == 0 ? 255 : 0, ground = colours[i][c];
                assert_in_range(pixel[c] + 6, red < ground ? red : ground,
                                (red > ground ? red : ground) + 12);
                if (x < 8 || x > 16)
                    assert_in_range(pixel[c] + 6, x < 8 ? red : ground,
                                    (x < 8 ? red : ground) + 12);
            }
        }
        pixels_done(&q);
        image_result_done(&result);
    }
    test_file_done(&file);
    pixels_done(&p);
}

/* Where a format holds alpha, the background is not seen. */
static void test_thumbnail_of_png_ignores_the_background(void **state)
{
    (void)state;
    struct pixels p = test_picture(60, 40, 4, true);
    struct test_file file =
        test_png(&p, (struct test_png){.type = PNG_COLOR_TYPE_RGBA, .depth = 8});
    struct image_spec spec = png_spec(30, 0);
    struct image_result on_white, on_red;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &on_white, &fault), 0);
    spec.background[1] = spec.background[2] = 0;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &on_red, &fault), 0);
    assert_int_equal(on_red.thumbs[0].size_bytes, on_white.thumbs[0].size_bytes);
    assert_memory_equal(on_red.thumbs[0].bytes, on_white.thumbs[0].bytes,
                        on_white.thumbs[0].size_bytes);
    image_result_done(&on_white);
    image_result_done(&on_red);
    test_file_done(&file);
    pixels_done(&p);
}

/* The stages' times are of all sizes together, and no time is counted twice. */
static void test_thumbnail_times_of_several_sizes_add_up(void **state)
{
    (void)state;
    struct pixels p = test_picture(600, 500, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){0});
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault;
    spec.box_count = 8;
    for (int i = 0; i < 8; i++)
        spec.boxes[i] = (struct image_box){400 + i, 400 + i};
    double start = stopwatch_ms();
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
    double whole = stopwatch_ms() - start;
    const struct image_times *ms = &result.ms;
    assert_true(ms->encode > 0 && ms->resize > 0 && ms->blur > 0 && ms->decode > 0);
    assert_true(ms->read + ms->decode + ms->blur + ms->resize + ms->encode <= whole);
    image_result_done(&result);
    test_file_done(&file);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thumbnail_looks_like_blur_and_shrink_at_full_size),
        cmocka_unit_test(test_thumbnail_by_lanczos3_is_near_it_at_full_size),
        cmocka_unit_test(test_thumbnail_of_a_picture_that_fits_is_blurred_at_its_size),
        cmocka_unit_test(test_thumbnail_is_upright_for_every_orientation),
        cmocka_unit_test(test_thumbnail_makes_several_sizes_of_one_decode),
        cmocka_unit_test(test_thumbnail_is_the_same_with_a_few_smaller_ones),
        cmocka_unit_test(test_thumbnail_bytes_are_the_same_every_time),
        cmocka_unit_test(test_thumbnail_grey_stays_grey_and_cmyk_becomes_rgb),
        cmocka_unit_test(test_thumbnail_hidden_colours_stay_hidden),
        cmocka_unit_test(test_thumbnail_lies_on_its_background_without_a_fringe),
        cmocka_unit_test(test_thumbnail_of_png_ignores_the_background),
        cmocka_unit_test(test_thumbnail_times_of_several_sizes_add_up),
        cmocka_unit_test(test_thumbnail_says_what_is_wrong),
        cmocka_unit_test(test_thumbnail_refuses_a_spec_that_makes_no_sense),
        cmocka_unit_test(test_thumbnail_reports_an_io_error_as_one),
        cmocka_unit_test(test_thumbnail_refuses_a_result_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
