/* No file that was cut is taken for a whole one, whatever its kind and coding: what is accepted has
 * lost nothing but what stands behind the last pixel, and gives the very same thumbnail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/module.h"
#include "support/guest.h"
#include "support/images.h"

enum { WIDTH = 100, HEIGHT = 72, CUTS = 60, LAST = 24 };

static struct image_module *load(void **state)
{
    return *state;
}

static int make(const struct image_module *module, const struct test_file *file, size_t size,
                int box, struct image_result *ret, struct image_fault *fault)
{
    struct image_spec spec = image_spec_default();
    spec.boxes[0] = (struct image_box){box, box};
    spec.format = IMAGE_KIND_PNG;
    return test_thumbnail(file->bytes, size, &spec, module, ret, fault);
}

static bool same_pixels(const struct image_result *a, const struct image_result *b)
{
    struct pixels p = test_decode(a->thumbs[0].bytes, a->thumbs[0].size_bytes);
    struct pixels q = test_decode(b->thumbs[0].bytes, b->thumbs[0].size_bytes);
    bool same = test_psnr(&p, &q) == 99;
    pixels_done(&p);
    pixels_done(&q);
    return same;
}

/* Cuts the file at some 60 lengths and at each of the last 24. Losing `tail` bytes does no harm. */
static void check_cuts(const struct image_module *module, const char *name,
                       const struct test_file *file, size_t tail, int box)
{
    struct image_result whole, part;
    struct image_fault fault;
    if (make(module, file, file->size, box, &whole, &fault))
        fail_msg("%s: %s", name, fault.message);
    size_t step = file->size / CUTS + 1;
    for (size_t size = 1; size<file->size; size += file->size - size> LAST + step ? step : 1) {
        if (make(module, file, size, box, &part, &fault)) {
            if (fault.code != IMAGE_DAMAGED && size >= 32)
                fail_msg("%s cut to %zu of %zu: code %d, %s", name, size, file->size, fault.code,
                         fault.message);
            continue;
        }
        bool same = same_pixels(&part, &whole);
        if (!same || file->size - size > tail)
            fail_msg("%s cut to %zu of %zu is taken for whole%s", name, size, file->size,
                     same ? "" : ", and is not the same");
        image_result_done(&part);
    }
    image_result_done(&whole);
}

static void check_guest(void **state, const char *suffix, const struct pixels *p, size_t tail)
{
    struct test_file file = test_guest_file(p, suffix);
    if (file.bytes)
        check_cuts(load(state), suffix, &file, tail, 40);
    else
        print_message("this libvips writes no %s\n", suffix);
    test_file_done(&file);
}

static void test_cut_webp_is_damaged(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false),
                  a = test_picture(WIDTH, HEIGHT, 4, true);
    check_guest(state, ".webp", &p, 0);
    check_guest(state, ".webp[lossless]", &p, 0);
    check_guest(state, ".webp", &a, 0);
    check_guest(state, ".webp[lossless]", &a, 0);
    check_guest(state, ".webp[near_lossless]", &a, 0);
    check_guest(state, ".webp[page_height=36]", &p, 0); /* of two frames */
    pixels_done(&p);
    pixels_done(&a);
}

static void test_cut_tiff_is_damaged(void **state)
{
    static const char *const suffixes[] = {
        ".tif",
        ".tif[compression=lzw]",
        ".tif[compression=deflate]",
        ".tif[compression=packbits]",
        ".tif[compression=jpeg]",
        ".tif[tile,tile_width=64,tile_height=64]",
        ".tif[compression=lzw,tile,tile_width=64,tile_height=64]",
        ".tif[compression=deflate,predictor=horizontal]",
        ".tif[compression=zstd]",
        ".tif[compression=webp]",
    };
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        check_guest(state, suffixes[i], &p, 0);
    check_guest(state, ".tif[bigtiff]", &p, 8); /* the place of a next directory */
    pixels_done(&p);
}

static uint32_t take(const uint8_t *bytes, int size)
{
    uint32_t value = 0;
    for (int i = size; i--;)
        value = value << 8 | bytes[i];
    return value;
}

static void put(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* libvips writes a TIFF's directory behind the pixels, so that any cut takes it away. Here a small
 * one in the file's byte order (little) gets it in front: what stands from the directory on moves
 * to byte 8, and all offsets with it. */
static struct test_file directory_first(const struct test_file *file)
{
    uint32_t old = take(file->bytes + 4, 4), moved = (uint32_t)file->size - old;
    uint32_t entries = take(file->bytes + old, 2);
    struct test_file out = {malloc(file->size), file->size};
    memcpy(out.bytes, file->bytes, 4);
    put(out.bytes + 4, 8);
    memcpy(out.bytes + 8, file->bytes + old, moved);
    memcpy(out.bytes + 8 + moved, file->bytes + 8, old - 8);
    for (uint32_t e = 0; e < entries; e++) {
        uint8_t *entry = out.bytes + 10 + 12 * e;
        uint32_t tag = take(entry, 2), type = take(entry + 2, 2), count = take(entry + 4, 4);
        uint32_t size = count * (type == 3 ? 2 : type == 5 ? 8 : type == 4 ? 4 : 1);
        uint8_t *values = entry + 8;
        if (size > 4) {
            assert_true(take(entry + 8, 4) > old);
            put(entry + 8, take(entry + 8, 4) - old + 8);
            values = out.bytes + take(entry + 8, 4);
        }
        for (uint32_t i = 0; (tag == 273 || tag == 324) && i < count; i++) {
            assert_int_equal(type, 4); /* strips and tiles */
            put(values + 4 * i, take(values + 4 * i, 4) + moved);
        }
    }
    return out;
}

static void test_cut_tiff_with_its_directory_first_is_damaged(void **state)
{
    static const char *const suffixes[] = {
        ".tif",
        ".tif[compression=lzw]",
        ".tif[compression=deflate]",
        ".tif[compression=packbits]",
        ".tif[compression=jpeg]",
        ".tif[compression=lzw,tile,tile_width=64,tile_height=64]",
        ".tif[compression=deflate,tile,tile_width=64,tile_height=64]",
        ".tif[tile,tile_width=64,tile_height=64]",
        ".tif[compression=zstd]",
    };
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct test_file file = test_guest_file(&p, suffixes[i]);
        if (file.bytes) {
            struct test_file first = directory_first(&file);
            /* a byte of padding may be lost, and zlib's checksum, where all pixels came */
            size_t tail = strstr(suffixes[i], "deflate") ? 5 : 1;
            check_cuts(load(state), suffixes[i], &first, tail, 40);
            test_file_done(&first);
        }
        test_file_done(&file);
    }
    pixels_done(&p);
}

static void test_cut_gif_is_damaged(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    check_guest(state, ".gif", &p, 4);
    check_guest(state, ".gif[interlace]", &p, 4);
    check_guest(state, ".gif[page_height=36]", &p, 3500); /* its second frame is not looked at */
    pixels_done(&p);
}

static void test_cut_heif_is_damaged(void **state)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    check_guest(state, ".avif", &p, 0);
    check_guest(state, ".avif[lossless]", &p, 0);
    check_guest(state, ".heic", &p, 0);
    pixels_done(&p);
}

static void test_cut_png_is_damaged(void **state)
{
    static const struct test_png ways[] = {{PNG_COLOR_TYPE_RGB, 8, .interlaced = false},
                                           {PNG_COLOR_TYPE_RGB, 8, .interlaced = true},
                                           {PNG_COLOR_TYPE_RGBA, 16, .interlaced = false},
                                           {PNG_COLOR_TYPE_GRAY, 1, .interlaced = true},
                                           {PNG_COLOR_TYPE_PALETTE, 8, .transparent = true}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct pixels p = test_picture(WIDTH, HEIGHT, ways[i].type == PNG_COLOR_TYPE_GRAY ? 1 : 4,
                                       ways[i].type & PNG_COLOR_MASK_ALPHA);
        struct test_file file = test_png(&p, ways[i]);
        check_cuts(load(state), "png", &file, 12, 40);
        test_file_done(&file);
        pixels_done(&p);
    }
}

static void test_cut_jpeg_is_damaged(void **state)
{
    struct pixels p = test_picture(3 * WIDTH, 3 * HEIGHT, 4, false);
    for (int coding = TEST_BASELINE; coding <= TEST_SCANS; coding++)
        for (int box = 35; box <= 280; box *= 4) {
            struct test_jpeg how = {.coding = (enum test_coding)coding, .sample_x = 2};
            struct test_file file = test_jpeg(&p, how);
            char name[40];
            snprintf(name, sizeof name, "jpeg %d into %d", coding, box);
            check_cuts(load(state), name, &file, 2, box);
            test_file_done(&file);
        }
    pixels_done(&p);
}

/* ---- when damage is put up with ---- */

/* Makes the first three quarters of a file twice, with fresh memory that is filled with something
 * else each time: the two must be the same, be it that they fail. Returns false then; else `ret` is
 * the thumbnail. */
static bool make_damaged(const struct image_module *module, const char *name,
                         const struct test_file *file, struct pixels *ret)
{
    struct image_spec spec = image_spec_default();
    struct image_result results[2];
    struct image_fault fault;
    int rc[2];
    spec.boxes[0] = (struct image_box){WIDTH, WIDTH};
    spec.format = IMAGE_KIND_PNG;
    spec.blur_sigma_px = 0;
    spec.on_damage = IMAGE_DAMAGE_ACCEPTED;
    for (int i = 0; i < 2; i++) {
        mallopt(M_PERTURB, i ? 0x5a : 0xc3);
        rc[i] = test_thumbnail(file->bytes, file->size * 3 / 4, &spec, module, &results[i], &fault);
        mallopt(M_PERTURB, 0);
        if (!rc[i])
            assert_int_equal(results[i].damage.code, IMAGE_DAMAGED);
        else
            assert_int_equal(fault.code, IMAGE_DAMAGED);
    }
    assert_int_equal(rc[0], rc[1]);
    if (rc[0])
        return false;
    if (!same_pixels(&results[0], &results[1]))
        fail_msg("%s: not the same twice", name);
    *ret = test_decode(results[0].thumbs[0].bytes, results[0].thumbs[0].size_bytes);
    image_result_done(&results[0]);
    image_result_done(&results[1]);
    return true;
}

/* The upper third is the picture's own, and it ends in a row of zeros. */
static void check_damaged(const struct image_module *module, const char *name,
                          const struct test_file *file, const struct pixels *whole, double least_db)
{
    struct pixels p, upper = *whole;
    if (!make_damaged(module, name, file, &p))
        fail_msg("%s fails", name);
    assert_int_equal(p.height, whole->height);
    p.height = upper.height = whole->height / 3;
    if (test_psnr(&p, &upper) < least_db)
        fail_msg("%s: %.1f dB", name, test_psnr(&p, &upper));
    const uint8_t *last = p.data + (size_t)(whole->height - 1) * p.stride;
    for (size_t i = 0; i < p.stride; i++)
        if (p.alpha || i % 4 < 3)
            assert_int_equal(last[i], 0);
    pixels_done(&p);
}

static void test_cut_tiff_and_gif_are_made_of_what_there_is(void **state)
{
    static const char *const suffixes[] = {
        ".tif[compression=lzw,tile,tile_width=16,tile_height=16]",
        ".tif[tile,tile_width=16,tile_height=16]"};
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    for (int i = 0; i < 2; i++) {
        struct test_file file = test_guest_file(&p, suffixes[i]), first = directory_first(&file);
        check_damaged(load(state), suffixes[i], &first, &p, 99);
        test_file_done(&first);
        test_file_done(&file);
    }
    struct test_file gif = test_guest_file(&p, ".gif");
    if (gif.bytes)
        check_damaged(load(state), "gif", &gif, &p, 25);
    test_file_done(&gif);
    pixels_done(&p);
}

/* libvips decodes these as a whole or not at all. */
static void test_cut_files_give_the_same_every_time(void **state)
{
    static const char *const suffixes[] = {".webp", ".webp[lossless]", ".avif", ".heic",
                                           ".tif",  ".gif[interlace]"};
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false), made;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct test_file file = test_guest_file(&p, suffixes[i]);
        if (file.bytes && make_damaged(load(state), suffixes[i], &file, &made))
            pixels_done(&made);
        test_file_done(&file);
    }
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_webp_is_damaged),
        cmocka_unit_test(test_cut_tiff_is_damaged),
        cmocka_unit_test(test_cut_tiff_with_its_directory_first_is_damaged),
        cmocka_unit_test(test_cut_gif_is_damaged),
        cmocka_unit_test(test_cut_heif_is_damaged),
        cmocka_unit_test(test_cut_png_is_damaged),
        cmocka_unit_test(test_cut_jpeg_is_damaged),
        cmocka_unit_test(test_cut_tiff_and_gif_are_made_of_what_there_is),
        cmocka_unit_test(test_cut_files_give_the_same_every_time),
    };
    return cmocka_run_group_tests(tests, test_guest_set_up, test_guest_tear_down);
}
