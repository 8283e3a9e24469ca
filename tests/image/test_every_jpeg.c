/* Every legal way to store a JPEG, at every small size and every shrink: it is read, and it is what
 * the full decode gives when it is reduced by boxes.
 *
 * The picture is a slope, steep in luma and flat in chroma, which no usual sampling harms much. (Of
 * luma that is stored smaller than chroma, libjpeg's smaller scales keep less than there is.) A box
 * that reaches over the edge holds what the encoder put there, so it is allowed more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/jpeg.h"
#include "support/images.h"

enum {
    SIDE_MAX = 33,
    WHOLE_MAX = 6,    /* levels that a whole box may be off */
    PARTIAL_MAX = 26, /* and one over the edge */
    ODD_MAX = 14,     /* and any where luma is stored at less than the picture's size */
};

static struct pixels slope(int width, int height, int channels, int steep)
{
    struct pixels p;
    assert_int_equal(pixels_init(&p, width, height, channels), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *to = p.data + (size_t)y * p.stride + (size_t)(x * channels);
            to[0] = (uint8_t)(80 + steep * (3 * x + 2 * y) / 3);
            if (channels == 1)
                continue;
            to[1] = (uint8_t)(60 + steep * (3 * x + 2 * y) / 3 - x / 6);
            to[2] = (uint8_t)(20 + steep * (3 * x + 2 * y) / 3 + y / 6);
            to[3] = (uint8_t)(30 + x);
        }
    return p;
}

/* Reads the file at 1 / shrink, with boxes of `factor` behind that. */
static struct pixels read_by_us(const struct test_file *file, int shrink, int factor)
{
    struct image_spec limits = image_spec_default();
    struct image_fault fault;
    struct source source;
    struct reduce reduce;
    struct codec_header header;
    void *decoder;
    int fd = test_open(file->bytes, file->size);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    if (jpeg_codec.open(&source, &limits, &decoder, &header, &fault))
        fail_msg("%s", fault.message);
    int width = (header.width - 1) / shrink + 1, height = (header.height - 1) / shrink + 1;
    assert_int_equal(
        reduce_init(&reduce, width, height, codec_channels(&header), false, factor, factor), 0);
    if (jpeg_codec.read(decoder, shrink, &reduce))
        fail_msg("%s", fault.message);
    jpeg_codec.close(decoder);
    source_done(&source);
    close(fd);
    struct pixels out = reduce.out;
    reduce.out = (struct pixels){0};
    reduce_done(&reduce);
    return out;
}

/* The mean of a box of the full picture that begins at x, y; *ret_whole tells whether all of it is
 * inside. */
static int box_mean(const struct pixels *full, int x, int y, int side, int c, bool *ret_whole)
{
    int sum = 0, count = 0;
    for (int v = y; v < y + side && v < full->height; v++)
        for (int u = x; u < x + side && u < full->width; u++, count++)
            sum += full->data[(size_t)v * full->stride + (size_t)(u * full->channels + c)];
    *ret_whole = count == side * side;
    return (sum + count / 2) / count;
}

static void compare(const struct pixels *ours, const struct pixels *full, int side, bool odd,
                    const char *name)
{
    for (int y = 0; y < ours->height; y++)
        for (int x = 0; x < ours->width; x++)
            for (int c = 0; c < (ours->channels == 1 ? 1 : 3); c++) {
                bool whole;
                int want = box_mean(full, x * side, y * side, side, c, &whole);
                int off = abs(
                    ours->data[(size_t)y * ours->stride + (size_t)(x * ours->channels + c)] - want);
                if (off > (odd ? ODD_MAX : whole ? WHOLE_MAX : PARTIAL_MAX))
                    fail_msg("%s, %d x %d by %d at %d, %d: %d off", name, full->width, full->height,
                             side, x, y, off);
            }
}

enum { WAYS = 5 };

/* Four shrinks, and the largest with boxes behind it, which goes by the walk over blocks whatever
 * chroma is. */
static void check_way(int way, const struct test_file *file, const struct pixels *full, bool odd,
                      const char *name)
{
    int shrink = way < 4 ? 1 << way : 8, factor = way < 4 ? 1 : 2;
    struct pixels ours = read_by_us(file, shrink, factor);
    compare(&ours, full, shrink * factor, odd, name);
    pixels_done(&ours);
}

/* Small and square ones are read in all ways, each other size in one of them. */
static void check(int width, int height, int channels, struct test_jpeg how, const char *name)
{
    bool odd = how.second_x > how.sample_x || how.second_y > how.sample_y ||
               how.third_x > how.sample_x || how.third_y > how.sample_y;
    struct pixels p = slope(width, height, channels, odd ? 1 : 3);
    struct test_file file = test_jpeg(&p, how);
    struct pixels full = test_decode(file.bytes, file.size);
    bool all = width == height || width == 1 || height == 1 || odd;
    for (int way = 0; way < WAYS; way++)
        if (all || way == (width + 2 * height + how.sample_x) % WAYS)
            check_way(way, &file, &full, odd, name);
    pixels_done(&full);
    pixels_done(&p);
    test_file_done(&file);
}

static void test_every_sampling_and_size_is_read(void **state)
{
    (void)state;
    for (int sampling = 0; sampling < 8; sampling++)
        for (int height = 1; height <= SIDE_MAX; height++)
            for (int width = 1; width <= SIDE_MAX; width++) {
                struct test_jpeg how = {.sample_x = sampling % 4 + 1, .sample_y = sampling / 4 + 1};
                char name[40];
                snprintf(name, sizeof name, "sampling %d x %d", how.sample_x, how.sample_y);
                check(width, height, 4, how, name);
            }
}

/* Factors that divide the largest of their kind, with no more than ten blocks an MCU. */
static bool is_legal(const int *x, const int *y)
{
    int most_x = 1, most_y = 1, blocks = 0;
    for (int c = 0; c < 3; c++) {
        most_x = x[c] > most_x ? x[c] : most_x;
        most_y = y[c] > most_y ? y[c] : most_y;
        blocks += x[c] * y[c];
    }
    for (int c = 0; c < 3; c++)
        if (most_x % x[c] || most_y % y[c])
            return false;
    return blocks <= 10;
}

/* Luma smaller than chroma, chroma of two sizes: what no camera writes and the format allows. */
static void test_every_odd_sampling_is_read(void **state)
{
    (void)state;
    int tried = 0;
    for (int code = 0; code < 512; code++) {
        int x[3], y[3];
        for (int c = 0; c < 3; c++) {
            x[c] = (code >> (3 * c) & 3) + 1;
            y[c] = (code >> (3 * c + 2) & 1) + 1;
        }
        struct test_jpeg how = {.sample_x = x[0],
                                .sample_y = y[0],
                                .second_x = x[1],
                                .second_y = y[1],
                                .third_x = x[2],
                                .third_y = y[2]};
        char name[60];
        snprintf(name, sizeof name, "sampling %dx%d %dx%d %dx%d", x[0], y[0], x[1], y[1], x[2],
                 y[2]);
        if (!is_legal(x, y))
            continue;
        tried++;
        check(33, 29, 4, how, name);
        check(17, 8, 4, how, name);
        how.coding = TEST_PROGRESSIVE;
        check(31, 33, 4, how, name);
    }
    assert_true(tried > 50);
}

static void test_every_colour_and_coding_is_read(void **state)
{
    (void)state;
    for (int coding = TEST_BASELINE; coding <= TEST_SCANS; coding++)
        for (int size = 1; size <= SIDE_MAX; size++)
            for (int restart = 0; restart <= 2; restart += 2) {
                struct test_jpeg how = {.coding = (enum test_coding)coding, .restart = restart};
                check(size, SIDE_MAX + 1 - size, 1, how, "grey");
                how.colour = TEST_RGB;
                check(size, SIDE_MAX + 1 - size, 4, how, "RGB with Adobe's marker");
                how.no_adobe = true;
                check(size, SIDE_MAX + 1 - size, 4, how, "RGB by its components' names");
                how.colour = TEST_YCC;
                how.sample_x = how.sample_y = 2;
                check(size, SIDE_MAX + 1 - size, 4, how, "YCbCr");
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sampling_and_size_is_read),
        cmocka_unit_test(test_every_odd_sampling_is_read),
        cmocka_unit_test(test_every_colour_and_coding_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
