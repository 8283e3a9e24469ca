/* Every legal way to store a PNG: each colour type, depth and interlace, with transparency and
 * background or without, at every small size. It is read as libpng's own simplified reading does,
 * to the bit, and reduced by boxes as a plain sum would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/png.h"
#include "support/images.h"

static struct pixels read_by_us(const struct test_file *file, int factor)
{
    struct image_spec limits = image_spec_default();
    struct image_fault fault;
    struct source source;
    struct reduce reduce;
    struct codec_header header;
    void *decoder;
    int fd = test_open(file->bytes, file->size);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    if (png_codec.open(&source, &limits, &decoder, &header, &fault))
        fail_msg("%s", fault.message);
    assert_int_equal(reduce_init(&reduce, header.width, header.height, codec_channels(&header),
                                 false, factor, factor),
                     0);
    if (png_codec.read(decoder, 1, &reduce))
        fail_msg("%s", fault.message);
    png_codec.close(decoder);
    source_done(&source);
    close(fd);
    struct pixels out = reduce.out;
    out.alpha = header.alpha;
    reduce.out = (struct pixels){0};
    reduce_done(&reduce);
    return out;
}

/* The rounded mean of a box of `full`, as far as it reaches. */
static int box_mean(const struct pixels *full, int x, int y, int side, int c)
{
    int sum = 0, count = 0;
    for (int v = y; v < y + side && v < full->height; v++)
        for (int u = x; u < x + side && u < full->width; u++, count++)
            sum += full->data[(size_t)v * full->stride + (size_t)(u * full->channels + c)];
    return (sum + count / 2) / count;
}

static void compare(const struct pixels *ours, const struct pixels *full, int side,
                    struct test_png how)
{
    assert_int_equal(ours->channels, full->channels);
    assert_int_equal(ours->alpha, full->alpha);
    for (int y = 0; y < ours->height; y++)
        for (int x = 0; x < ours->width; x++)
            for (int c = 0; c < ours->channels; c++) {
                int want = box_mean(full, x * side, y * side, side, c);
                int is = ours->data[(size_t)y * ours->stride + (size_t)(x * ours->channels + c)];
                if (is != want)
                    fail_msg("type %d depth %d interlaced %d transparent %d, %d x %d by %d at %d, "
                             "%d: %d, not %d",
                             how.type, how.depth, how.interlaced, how.transparent, full->width,
                             full->height, side, x, y, is, want);
            }
}

/* libpng's simplified reading takes 16 bits for linear light, so it gets the same in 8. */
static void check(int width, int height, struct test_png how)
{
    struct pixels p = test_picture(width, height, how.type & PNG_COLOR_MASK_COLOR ? 4 : 1, false);
    for (int i = 0; p.channels == 4 && (how.type & PNG_COLOR_MASK_ALPHA) && i < width * height; i++)
        p.data[4 * i + 3] = (uint8_t)(i * 31);
    struct test_png plain = how;
    plain.depth = how.depth == 16 ? 8 : how.depth;
    plain.interlaced = plain.background = false;
    struct test_file file = test_png(&p, how), plain_file = test_png(&p, plain);
    struct pixels full = test_decode(plain_file.bytes, plain_file.size);
    for (int factor = 1; factor <= 8; factor *= 2) {
        struct pixels ours = read_by_us(&file, factor);
        compare(&ours, &full, factor, how);
        pixels_done(&ours);
    }
    pixels_done(&full);
    pixels_done(&p);
    test_file_done(&file);
    test_file_done(&plain_file);
}

/* The least and the largest depth of each colour type. */
static const struct {
    int type, least, most;
} kinds[] = {{PNG_COLOR_TYPE_GRAY, 1, 16},
             {PNG_COLOR_TYPE_RGB, 8, 16},
             {PNG_COLOR_TYPE_PALETTE, 1, 8},
             {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 16},
             {PNG_COLOR_TYPE_RGB_ALPHA, 8, 16}};

/* Calls check() for every combination; returns how many there are. */
static int check_all(int width, int height)
{
    int count = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int depth = kinds[k].least; depth <= kinds[k].most; depth *= 2)
            for (int way = 0; way < 8; way++) {
                struct test_png how = {.type = kinds[k].type,
                                       .depth = depth,
                                       .interlaced = way & 1,
                                       .transparent = way & 2,
                                       .background = way & 4};
                if (how.transparent && (how.type & PNG_COLOR_MASK_ALPHA))
                    continue; /* it has alpha already */
                check(width, height, how);
                count++;
            }
    return count;
}

static void test_every_type_depth_and_chunk_is_read(void **state)
{
    (void)state;
    assert_int_equal(check_all(67, 53), (5 + 2 + 4) * 8 + (2 + 2) * 4);
}

/* Small ones have passes without a pixel, and rows that end in the middle of a byte. */
static void test_every_size_is_read(void **state)
{
    (void)state;
    for (int size = 1; size <= 33; size++) {
        check_all(size, 34 - size);
        for (int way = 0; way < 2; way++) {
            check(size, size,
                  (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8, .interlaced = way});
            check(size, 7,
                  (struct test_png){
                      .type = PNG_COLOR_TYPE_GRAY, .depth = 1 << (size & 1), .interlaced = way});
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_depth_and_chunk_is_read),
        cmocka_unit_test(test_every_size_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
