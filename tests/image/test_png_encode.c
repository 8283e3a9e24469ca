/* The PNGs that are written have the channels that they need, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "image/png.h"
#include "support/images.h"

enum { WIDTH = 67, HEIGHT = 53, TYPE_AT = 25 };

static struct test_file encode(const struct pixels *p)
{
    struct test_file file;
    struct image_fault fault;
    assert_int_equal(png_encode(p, NULL, &file.bytes, &file.size, &fault), 0);
    return file;
}

/* Writes the picture, and checks the type and that every pixel comes back. */
static void check(const struct pixels *p, int type)
{
    struct test_file file = encode(p);
    struct pixels q = test_decode(file.bytes, file.size);
    assert_int_equal(file.bytes[TYPE_AT], type);
    assert_int_equal(q.alpha, (type & PNG_COLOR_MASK_ALPHA) != 0);
    assert_true(test_psnr(p, &q) == 99);
    pixels_done(&q);
    test_file_done(&file);
}

static void make_grey(struct pixels *p)
{
    for (size_t i = 0; i < p->stride * (size_t)p->height; i += 4)
        p->data[i + 1] = p->data[i + 2] = p->data[i];
}

static void make_opaque(struct pixels *p)
{
    for (size_t i = 3; i < p->stride * (size_t)p->height; i += 4)
        p->data[i] = 255;
}

static void test_png_encode_writes_the_fewest_channels(void **state)
{
    (void)state;
    struct pixels one = test_picture(WIDTH, HEIGHT, 1, false);
    check(&one, PNG_COLOR_TYPE_GRAY);
    pixels_done(&one);
    for (int alpha = 0; alpha <= 1; alpha++)
        for (int grey = 0; grey <= 1; grey++) {
            struct pixels p = test_picture(WIDTH, HEIGHT, 4, alpha);
            if (grey)
                make_grey(&p);
            check(&p, (grey ? 0 : PNG_COLOR_MASK_COLOR) | (alpha ? PNG_COLOR_MASK_ALPHA : 0));
            make_opaque(&p);
            check(&p, grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB);
            pixels_done(&p);
        }
}

static void test_png_encode_sees_one_pixel_of_colour_or_alpha(void **state)
{
    (void)state;
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, true);
    uint8_t *last = p.data + (HEIGHT - 1) * p.stride + (WIDTH - 1) * 4;
    make_grey(&p);
    make_opaque(&p);
    last[2] ^= 1;
    check(&p, PNG_COLOR_TYPE_RGB);
    last[2] ^= 1;
    last[3] = 254;
    check(&p, PNG_COLOR_TYPE_GRAY_ALPHA);
    pixels_done(&p);
}

static void test_png_encode_has_no_chunks_but_the_picture_and_the_same_bytes_twice(void **state)
{
    (void)state;
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    struct test_file file = encode(&p), again = encode(&p);
    for (size_t at = 8; at < file.size;) {
        const uint8_t *chunk = file.bytes + at;
        assert_true(!memcmp(chunk + 4, "IHDR", 4) || !memcmp(chunk + 4, "IDAT", 4) ||
                    !memcmp(chunk + 4, "IEND", 4));
        at += 12 +
              ((size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3]);
    }
    assert_int_equal(again.size, file.size);
    assert_memory_equal(again.bytes, file.bytes, file.size);
    test_file_done(&file);
    test_file_done(&again);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_encode_writes_the_fewest_channels),
        cmocka_unit_test(test_png_encode_sees_one_pixel_of_colour_or_alpha),
        cmocka_unit_test(test_png_encode_has_no_chunks_but_the_picture_and_the_same_bytes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
