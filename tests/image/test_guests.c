/* What libvips reads for us, in every form that a folder may hold: the pixels are the picture's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/module.h"
#include "support/guest.h"
#include "support/images.h"

enum { WIDTH = 90, HEIGHT = 70 };

/* The file at full size. */
static struct pixels read_file(void **state, const char *name, const struct test_file *file)
{
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault;
    spec.boxes[0] = (struct image_box){1000, 1000};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = 0;
    if (test_thumbnail(file->bytes, file->size, &spec, *state, &result, &fault))
        fail_msg("%s: %s", name, fault.message);
    struct pixels p = test_decode(result.thumbs[0].bytes, result.thumbs[0].size_bytes);
    image_result_done(&result);
    return p;
}

/* The upper `height` rows of `want` must come out, by so many dB. */
static void check(void **state, const char *name, const struct test_file *file,
                  const struct pixels *want, int height, double least_db)
{
    struct pixels p = read_file(state, name, file), upper = *want;
    assert_int_equal(p.width, want->width);
    assert_int_equal(p.height, height);
    upper.height = height;
    double db = test_psnr(&p, &upper);
    if (db < least_db)
        fail_msg("%s: %.1f dB", name, db);
    pixels_done(&p);
}

static void check_guest(void **state, const char *suffix, const struct pixels *p, int height,
                        double least_db)
{
    struct test_file file = test_guest_file(p, suffix);
    if (file.bytes)
        check(state, suffix, &file, p, height, least_db);
    else
        print_message("this libvips writes no %s\n", suffix);
    test_file_done(&file);
}

static void test_guests_read_tiff_in_every_form(void **state)
{
    static const char *const exact[] = {
        ".tif",
        ".tif[compression=lzw]",
        ".tif[compression=deflate,predictor=horizontal]",
        ".tif[compression=packbits]",
        ".tif[compression=lzw,tile,tile_width=64,tile_height=32]",
        ".tif[bigtiff,tile,tile_width=16,tile_height=16]",
        ".tif[tile,pyramid,tile_width=32,tile_height=32]",
        ".tif[compression=zstd]",
    };
    struct pixels colour = test_picture(WIDTH, HEIGHT, 4, false);
    struct pixels grey = test_picture(WIDTH, HEIGHT, 1, false);
    struct pixels alpha = test_picture(WIDTH, HEIGHT, 4, true);
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        check_guest(state, exact[i], &colour, HEIGHT, 99);
        check_guest(state, exact[i], &grey, HEIGHT, 99);
        check_guest(state, exact[i], &alpha, HEIGHT, 30); /* through premultiplied 8 bits */
    }
    check_guest(state, ".tif[compression=jpeg,Q=95]", &colour, HEIGHT, 28);
    pixels_done(&colour);
    pixels_done(&grey);
    pixels_done(&alpha);
}

static void test_guests_read_bilevel_tiff(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 1, false);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        p.data[i] = i % WIDTH / 9 % 2 ? 255 : 0;
    check_guest(state, ".tif[bitdepth=1]", &p, HEIGHT, 99);
    check_guest(state, ".tif[bitdepth=1,miniswhite]", &p, HEIGHT, 99);
    check_guest(state, ".tif[bitdepth=1,compression=ccittfax4]", &p, HEIGHT, 99);
    pixels_done(&p);
}

/* A little TIFF of one strip: tags, then the values that do not fit, then the strip. */
static struct test_file make_tiff(const uint32_t (*tags)[4], int count, const void *values,
                                  size_t values_size, const void *strip, size_t strip_size)
{
    size_t at = 8 + 2 + (size_t)count * 12 + 4;
    struct test_file file = {calloc(1, at + values_size + strip_size),
                             at + values_size + strip_size};
    memcpy(file.bytes, "II*\0\x08\0\0\0", 8);
    file.bytes[8] = (uint8_t)count;
    for (int t = 0; t < count; t++) {
        uint8_t *to = file.bytes + 10 + 12 * t;
        uint32_t value = tags[t][3];
        if (value >= 1000000) /* an offset into the values, or the strip's */
            value = (uint32_t)at + value - 1000000;
        for (int b = 0; b < 12; b++)
            to[b] = (uint8_t)(b < 2   ? tags[t][0] >> 8 * b
                              : b < 4 ? tags[t][1] >> 8 * (b - 2)
                              : b < 8 ? tags[t][2] >> 8 * (b - 4)
                                      : value >> 8 * (b - 8));
    }
    memcpy(file.bytes + at, values, values_size);
    memcpy(file.bytes + at + values_size, strip, strip_size);
    return file;
}

static void test_guests_read_palette_tiff(void **state)
{
    uint16_t map[3 * 256];
    uint8_t strip[40 * 30];
    for (int i = 0; i < 256; i++) {
        map[i] = (uint16_t)(i * 257);
        map[256 + i] = (uint16_t)((255 - i) * 257);
        map[512 + i] = (uint16_t)(i / 2 * 257);
    }
    for (int i = 0; i < 40 * 30; i++)
        strip[i] = (uint8_t)(i * 7);
    const uint32_t tags[][4] = {
        {256, 4, 1, 40},       {257, 4, 1, 30}, {258, 3, 1, 8},
        {259, 3, 1, 1},        {262, 3, 1, 3},  {273, 4, 1, 1000000 + sizeof map},
        {277, 3, 1, 1},        {278, 4, 1, 30}, {279, 4, 1, sizeof strip},
        {320, 3, 768, 1000000}};
    struct test_file file = make_tiff(tags, 10, map, sizeof map, strip, sizeof strip);
    struct pixels p = read_file(state, "palette", &file);
    assert_int_equal(p.channels, 4);
    for (int i = 0; i < 40 * 30; i++) {
        assert_int_equal(p.data[4 * i], strip[i]);
        assert_int_equal(p.data[4 * i + 1], 255 - strip[i]);
        assert_int_equal(p.data[4 * i + 2], strip[i] / 2);
    }
    pixels_done(&p);
    test_file_done(&file);
}

/* Floating point from 0 to 1 is light, which libvips takes it for: not wrong is black for 0, white
 * for 1, and in between what is in between. */
static void test_guests_read_tiff_of_floats(void **state)
{
    float strip[64 * 8 * 3];
    const uint16_t bits[6] = {32, 32, 32, 3, 3, 3};
    for (int i = 0; i < 64 * 8 * 3; i++)
        strip[i] = (float)(i / 3 % 64) / 63;
    const uint32_t tags[][4] = {
        {256, 4, 1, 64},      {257, 4, 1, 8}, {258, 3, 3, 1000000},
        {259, 3, 1, 1},       {262, 3, 1, 2}, {273, 4, 1, 1000000 + sizeof bits},
        {277, 3, 1, 3},       {278, 4, 1, 8}, {279, 4, 1, sizeof strip},
        {339, 3, 3, 1000006},
    };
    struct test_file file = make_tiff(tags, 10, bits, sizeof bits, strip, sizeof strip);
    struct pixels p = read_file(state, "floats", &file);
    assert_int_equal(p.width, 64);
    assert_true(p.data[0] < 5);
    assert_true(p.data[63 * p.channels] > 250);
    for (int x = 1; x < 64; x++)
        assert_true(p.data[x * p.channels] >= p.data[(x - 1) * p.channels]);
    pixels_done(&p);
    test_file_done(&file);
}

static void test_guests_read_the_first_frame(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    check_guest(state, ".webp[lossless]", &p, HEIGHT, 99);
    check_guest(state, ".webp[lossless,page_height=35]", &p, 35, 99);
    check_guest(state, ".gif", &p, HEIGHT, 25);
    check_guest(state, ".gif[interlace]", &p, HEIGHT, 25);
    check_guest(state, ".gif[page_height=35]", &p, 35, 25);
    pixels_done(&p);
}

/* 6 x 4, and a first frame of 2 x 2 at 3, 1: what it does not cover is transparent. */
static void test_guests_put_a_small_gif_frame_on_its_canvas(void **state)
{
    static const uint8_t bytes[] = "GIF89a\x06\0\x04\0\x80\0\0\xff\0\0\0\0\xff" /* red, blue */
                                   ",\x03\0\x01\0\x02\0\x02\0\0\x02"
                                   "\x03\x04\x12\x05\0;"; /* clear 0 1 | 1 0 end */
    /* codes of 3 bits: 4, 0, 1, 1, 0 and, grown, 5 */
    uint8_t gif[sizeof bytes];
    memcpy(gif, bytes, sizeof bytes);
    const int codes[] = {4, 0, 1, 1, 0, 5}, widths[] = {3, 3, 3, 3, 4, 4};
    uint32_t packed = 0;
    for (int i = 0, at = 0; i < 6; at += widths[i++])
        packed |= (uint32_t)codes[i] << at;
    for (int b = 0; b < 3; b++)
        gif[31 + b] = (uint8_t)(packed >> 8 * b);
    struct test_file file = {gif, sizeof bytes - 1};
    struct pixels p = read_file(state, "a small frame", &file);
    assert_int_equal(p.width, 6);
    assert_int_equal(p.height, 4);
    assert_true(p.alpha);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 6; x++) {
            const uint8_t *is = p.data + (size_t)y * p.stride + (size_t)(4 * x);
            bool inside = x >= 3 && x < 5 && y >= 1 && y < 3;
            assert_int_equal(is[3], inside ? 255 : 0);
            if (inside) /* red, blue; blue, red */
                assert_memory_equal(is, (x + y) % 2 == 0 ? "\xff\0\0" : "\0\0\xff", 3);
        }
    pixels_done(&p);
}

static void test_guests_read_heif_and_avif(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    check_guest(state, ".avif[Q=90]", &p, HEIGHT, 25);
    check_guest(state, ".heic[Q=90]", &p, HEIGHT, 25);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guests_read_tiff_in_every_form),
        cmocka_unit_test(test_guests_read_bilevel_tiff),
        cmocka_unit_test(test_guests_read_palette_tiff),
        cmocka_unit_test(test_guests_read_tiff_of_floats),
        cmocka_unit_test(test_guests_read_the_first_frame),
        cmocka_unit_test(test_guests_put_a_small_gif_frame_on_its_canvas),
        cmocka_unit_test(test_guests_read_heif_and_avif),
    };
    return cmocka_run_group_tests(tests, test_guest_set_up, test_guest_tear_down);
}
