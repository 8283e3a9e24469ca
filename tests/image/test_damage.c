/* What becomes of a damaged picture: it fails, or it is made of what there is and the damage told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lcms2.h>
#include <malloc.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "support/images.h"

enum { WIDTH = 640, HEIGHT = 480 };

static struct image_spec spec_of(int box, enum image_on_damage on_damage)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = 0;
    spec.on_damage = on_damage;
    return spec;
}

/* Half of a file as a thumbnail. Free the result. */
static void make_half(const struct test_file *file, int box, struct image_result *ret)
{
    struct image_spec spec = spec_of(box, IMAGE_DAMAGE_WARNS);
    struct image_fault fault;
    if (test_thumbnail(file->bytes, file->size / 2, &spec, NULL, ret, &fault))
        fail_msg("%s", fault.message);
    assert_int_equal(ret->damage.code, IMAGE_DAMAGED);
    assert_non_null(strstr(ret->damage.message, "the data end"));
    assert_int_equal(ret->width, WIDTH);
}

/* The mean difference of two pictures in the rows from..to, in percent of their height. */
static double difference(const struct pixels *a, const struct pixels *b, int from, int to)
{
    double sum = 0;
    int first = a->height * from / 100, last = a->height * to / 100;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int y = first; y < last; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < 3 && c < a->channels; c++) {
                size_t at = (size_t)y * a->stride + (size_t)(x * a->channels + c);
                sum += abs(a->data[at] - b->data[at]);
            }
    return sum / ((double)a->width * (last - first) * (a->channels == 1 ? 1 : 3));
}

static struct pixels thumb_of(const struct image_result *result)
{
    return test_decode(result->thumbs[0].bytes, result->thumbs[0].size_bytes);
}

static struct pixels whole_of(const struct test_file *file, int box)
{
    struct image_spec spec = spec_of(box, IMAGE_DAMAGE_ACCEPTED);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file->bytes, file->size, &spec, NULL, &result, &fault), 0);
    assert_int_equal(result.damage.code, IMAGE_OK);
    struct pixels p = thumb_of(&result);
    image_result_done(&result);
    return p;
}

/* The upper third of a file that was cut in two is the picture's own; the last tenth is a plain
 * `rest`, or for -1 the picture again, only coarser. */
static void check_half(const struct test_file *file, int box, int rest)
{
    struct image_result result;
    struct pixels whole = whole_of(file, box);
    make_half(file, box, &result);
    struct pixels half = thumb_of(&result);
    assert_int_equal(half.alpha, whole.alpha);
    assert_true(difference(&half, &whole, 0, 33) < (rest < 0 ? 3 : 0.01));
    assert_true(difference(&half, &whole, 90, 100) > 0.5);
    if (rest < 0)
        assert_true(difference(&half, &whole, 90, 100) < 6);
    for (int x = 0; rest >= 0 && x < half.width * half.channels; x++) {
        int value = half.data[(size_t)(half.height - 1) * half.stride + (size_t)x];
        if (half.channels == 1 || half.alpha || x % 4 < 3)
            assert_int_equal(value, rest);
    }
    pixels_done(&half);
    pixels_done(&whole);
    image_result_done(&result);
}

static struct test_file jpeg_of(struct test_jpeg how)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    struct test_file file = test_jpeg(&p, how);
    pixels_done(&p);
    return file;
}

static struct test_file png_of(struct test_png how)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, how.type == PNG_COLOR_TYPE_GRAY ? 1 : 4,
                                   how.type & PNG_COLOR_MASK_ALPHA);
    struct test_file file = test_png(&p, how);
    pixels_done(&p);
    return file;
}

static void test_damage_of_a_jpeg_leaves_grey(void **state)
{
    (void)state;
    const struct test_jpeg plain[] = {{0}, {.restart = 4}, {.sample_x = 2, .sample_y = 2}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct test_file file = jpeg_of(plain[i]);
        for (int box = 40; box <= 640; box *= 2) /* shrinks by 8 twice: by the walk over blocks */
            check_half(&file, box, 128);
        test_file_done(&file);
    }
}

static void test_damage_of_a_progressive_jpeg_leaves_it_coarse(void **state)
{
    (void)state;
    struct test_file file = jpeg_of((struct test_jpeg){.coding = TEST_PROGRESSIVE});
    check_half(&file, 320, -1);
    test_file_done(&file);
}

static void test_damage_of_a_png_leaves_black_or_nothing(void **state)
{
    (void)state;
    const struct test_png ways[] = {{.type = PNG_COLOR_TYPE_RGB, .depth = 8},
                                    {.type = PNG_COLOR_TYPE_RGBA, .depth = 8},
                                    {.type = PNG_COLOR_TYPE_GRAY, .depth = 16}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct test_file file = png_of(ways[i]);
        check_half(&file, 100, 0);
        check_half(&file, 640, 0);
        test_file_done(&file);
    }
}

static void test_damage_of_an_interlaced_png_leaves_it_coarse(void **state)
{
    (void)state;
    struct test_file file =
        png_of((struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8, .interlaced = true});
    check_half(&file, 640, -1);
    test_file_done(&file);
}

/* A checksum that fails says that something is wrong, not what. */
static void test_damage_by_a_checksum_leaves_the_picture(void **state)
{
    (void)state;
    struct test_file file = png_of((struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    struct pixels whole = whole_of(&file, 100);
    struct image_spec spec = spec_of(100, IMAGE_DAMAGE_WARNS);
    struct image_result result;
    struct image_fault fault;
    file.bytes[file.size - 13] ^= 1; /* of the last pixels */
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), 0);
    assert_int_equal(result.damage.code, IMAGE_DAMAGED);
    struct pixels p = thumb_of(&result);
    assert_true(test_psnr(&p, &whole) == 99);
    pixels_done(&p);
    pixels_done(&whole);
    image_result_done(&result);
    test_file_done(&file);
}

static void test_damage_fails_unless_it_is_put_up_with(void **state)
{
    (void)state;
    struct test_file file = jpeg_of((struct test_jpeg){0});
    struct image_spec spec = spec_of(100, IMAGE_DAMAGE_FAILS);
    struct image_result result;
    struct image_fault fault;
    assert_int_equal(test_thumbnail(file.bytes, file.size / 2, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_DAMAGED);
    test_file_done(&file);
}

static void test_damage_before_the_pixels_always_fails(void **state)
{
    (void)state;
    struct test_file files[] = {jpeg_of((struct test_jpeg){0}),
                                png_of((struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8})};
    struct image_spec spec = spec_of(100, IMAGE_DAMAGE_ACCEPTED);
    for (int i = 0; i < 2; i++) {
        for (size_t size = 8; size < 46; size += 3) {
            struct image_result result;
            struct image_fault fault;
            assert_int_equal(test_thumbnail(files[i].bytes, size, &spec, NULL, &result, &fault),
                             -1);
            assert_int_equal(fault.code, IMAGE_DAMAGED);
        }
        test_file_done(&files[i]);
    }
}

/* What no decoder wrote must not show: fresh memory is filled with something else each time. */
static void test_damage_gives_the_same_pixels_every_time(void **state)
{
    (void)state;
    const struct test_png rgba = {.type = PNG_COLOR_TYPE_RGBA, .depth = 8};
    struct test_file files[] = {jpeg_of((struct test_jpeg){0}),
                                jpeg_of((struct test_jpeg){.coding = TEST_PROGRESSIVE}),
                                jpeg_of((struct test_jpeg){.coding = TEST_ARITHMETIC}),
                                jpeg_of((struct test_jpeg){.coding = TEST_SCANS}), png_of(rgba)};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct image_result results[2];
        for (int round = 0; round < 2; round++) {
            mallopt(M_PERTURB, round ? 0x5a : 0xc3);
            make_half(&files[i], 200, &results[round]);
        }
        assert_int_equal(results[0].thumbs[0].size_bytes, results[1].thumbs[0].size_bytes);
        assert_memory_equal(results[0].thumbs[0].bytes, results[1].thumbs[0].bytes,
                            results[0].thumbs[0].size_bytes);
        image_result_done(&results[0]);
        image_result_done(&results[1]);
        test_file_done(&files[i]);
    }
    mallopt(M_PERTURB, 0);
}

/* sRGB, whose profile is as good as any. Free it. */
static void *profile_make(cmsUInt32Number *ret_size)
{
    cmsHPROFILE profile = cmsCreate_sRGBProfile();
    assert_true(cmsSaveProfileToMem(profile, NULL, ret_size));
    void *bytes = malloc(*ret_size);
    assert_true(cmsSaveProfileToMem(profile, bytes, ret_size));
    cmsCloseProfile(profile);
    return bytes;
}

/* The picture is opened twice, and what the first decoder held is gone by then. */
static void test_damage_leaves_the_profile(void **state)
{
    (void)state;
    cmsUInt32Number icc_size;
    void *icc = profile_make(&icc_size);
    struct test_file files[] = {
        jpeg_of((struct test_jpeg){.icc = icc, .icc_size = icc_size}),
        png_of((struct test_png){
            .type = PNG_COLOR_TYPE_RGB, .depth = 8, .icc = icc, .icc_size = icc_size})};
    struct image_spec spec = spec_of(40, IMAGE_DAMAGE_WARNS);
    spec.keep = IMAGE_KEEP_ICC;
    for (int i = 0; i < 2; i++) {
        struct image_result whole, half;
        struct image_fault fault;
        assert_int_equal(test_thumbnail(files[i].bytes, files[i].size, &spec, NULL, &whole, &fault),
                         0);
        assert_int_equal(
            test_thumbnail(files[i].bytes, files[i].size / 2, &spec, NULL, &half, &fault), 0);
        assert_int_equal(half.damage.code, IMAGE_DAMAGED);
        const uint8_t *one = whole.thumbs[0].bytes, *other = half.thumbs[0].bytes;
        size_t length = (size_t)one[35] | (size_t)one[34] << 8; /* of what follows the header */
        assert_memory_equal(one + 37, "iCCP", 4);
        assert_memory_equal(one, other, 33 + 8 + length + 4);
        image_result_done(&whole);
        image_result_done(&half);
        test_file_done(&files[i]);
    }
    free(icc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_of_a_jpeg_leaves_grey),
        cmocka_unit_test(test_damage_of_a_progressive_jpeg_leaves_it_coarse),
        cmocka_unit_test(test_damage_of_a_png_leaves_black_or_nothing),
        cmocka_unit_test(test_damage_of_an_interlaced_png_leaves_it_coarse),
        cmocka_unit_test(test_damage_by_a_checksum_leaves_the_picture),
        cmocka_unit_test(test_damage_fails_unless_it_is_put_up_with),
        cmocka_unit_test(test_damage_before_the_pixels_always_fails),
        cmocka_unit_test(test_damage_leaves_the_profile),
        cmocka_unit_test(test_damage_gives_the_same_pixels_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
