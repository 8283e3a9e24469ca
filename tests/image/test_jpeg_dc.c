/* The walk over blocks gives, to the bit, what libjpeg gives at one eighth, and by smaller shrinks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_dc.h"
#include "support/eighth.h"

static struct pixels read_by_libjpeg(const struct test_file *file, int shrink, int factor)
{
    struct eighth eighth;
    struct pixels out;
    assert_true(eighth_open_by(&eighth, file, shrink));
    assert_true(eighth_decode(&eighth, factor, &out));
    assert_false(eighth.damaged);
    eighth_close(&eighth);
    return out;
}

static enum jpeg_dc_result read_by_walk(const struct test_file *file, int shrink, bool coarse,
                                        int factor, struct pixels *ret)
{
    struct eighth eighth;
    assert_true(eighth_open_by(&eighth, file, shrink));
    assert_true(jpeg_dc_applies(&eighth.cinfo, coarse));
    struct reduce sink = eighth_sink(&eighth, factor);
    enum jpeg_dc_result rc = jpeg_dc_read(&eighth.cinfo, coarse, &sink);
    eighth_close(&eighth);
    *ret = eighth_take(&sink);
    return rc;
}

static void check_by(const struct test_file *file, const struct pixels *p, struct test_jpeg how,
                     int shrink)
{
    struct pixels theirs = read_by_libjpeg(file, shrink, 1), ours;
    assert_int_equal(read_by_walk(file, shrink, false, 1, &ours), JPEG_DC_OK);
    if (test_psnr(&ours, &theirs) < 99)
        fail_msg("%d x %d by %d, %d channels, sampling %d x %d, restart %d: %.1f dB", p->width,
                 p->height, shrink, p->channels, how.sample_x, how.sample_y, how.restart,
                 test_psnr(&ours, &theirs));
    pixels_done(&ours);
    pixels_done(&theirs);
}

/* By one half, chroma of half the size both ways comes whole, which stays with libjpeg. */
static void check(const struct pixels *p, struct test_jpeg how)
{
    struct test_file file = test_jpeg(p, how);
    bool is_small = p->channels > 1 && how.sample_x > 1 && how.sample_y > 1;
    check_by(&file, p, how, 8);
    check_by(&file, p, how, 4);
    if (!is_small)
        check_by(&file, p, how, 2);
    test_file_done(&file);
}

/* Noise uses every term of every block and the longest codes. */
static struct pixels noise(int width, int height, int channels)
{
    struct pixels p = test_picture(width, height, channels, false);
    for (size_t i = 0; i < p.stride * (size_t)height; i++)
        p.data[i] = (uint8_t)rand();
    return p;
}

static void test_jpeg_dc_is_libjpeg(void **state)
{
    (void)state;
    const int sizes[][2] = {{1, 1}, {8, 8}, {9, 17}, {203, 149}, {640, 31}, {333, 500}};
    srand(21);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int channels = 1; channels <= 4; channels += 3)
            for (int rough = 0; rough <= 1; rough++) {
                struct pixels p = rough ? noise(sizes[i][0], sizes[i][1], channels)
                                        : test_picture(sizes[i][0], sizes[i][1], channels, false);
                check(&p, (struct test_jpeg){0});
                check(&p, (struct test_jpeg){.restart = 1});
                check(&p, (struct test_jpeg){.restart = 7, .sample_x = 2});
                check(&p, (struct test_jpeg){.sample_y = 2});
                check(&p, (struct test_jpeg){.sample_x = 4});
                check(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
                check(&p, (struct test_jpeg){.restart = 3, .sample_x = 4, .sample_y = 2});
                check(&p, (struct test_jpeg){.colour = TEST_RGB});
                pixels_done(&p);
            }
}

static void check_applies(const struct test_file *file, bool coarse, bool applies)
{
    struct eighth eighth;
    assert_true(eighth_open(&eighth, file));
    assert_int_equal(jpeg_dc_applies(&eighth.cinfo, coarse), applies);
    eighth_close(&eighth);
}

static void test_jpeg_dc_leaves_the_unusual_to_libjpeg(void **state)
{
    (void)state;
    const struct test_jpeg unusual[] = {
        {.coding = TEST_PROGRESSIVE},
        {.coding = TEST_ARITHMETIC},
        {.coding = TEST_SCANS},
        {.colour = TEST_CMYK},
    };
    struct pixels p = test_picture(100, 80, 4, false);
    for (size_t i = 0; i < sizeof unusual / sizeof *unusual; i++) {
        struct test_file file = test_jpeg(&p, unusual[i]);
        check_applies(&file, false, false);
        test_file_done(&file);
    }
    pixels_done(&p);
}

/* Blocks of 4 x 4 and two more: libjpeg refuses more than ten, at every other scale too. */
static void test_jpeg_dc_leaves_mcus_that_are_too_large_to_libjpeg(void **state)
{
    (void)state;
    struct pixels p = test_picture(100, 80, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
    uint8_t *sampling = memmem(file.bytes, file.size, "\x01\x22\0\x02\x11", 5);
    assert_non_null(sampling);
    check_applies(&file, true, true);
    sampling[1] = 0x44;
    check_applies(&file, true, false);
    test_file_done(&file);
    pixels_done(&p);
}

/* Means of chroma do where the sink makes one pixel of 2 x 2. */
static void test_jpeg_dc_does_with_means_of_chroma_where_the_sink_halves(void **state)
{
    (void)state;
    struct pixels p = test_picture(640, 480, 4, false), ours;
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.sample_x = 2, .sample_y = 2});
    struct pixels theirs = read_by_libjpeg(&file, 8, 2);
    assert_int_equal(read_by_walk(&file, 8, true, 2, &ours), JPEG_DC_OK);
    assert_true(test_psnr(&ours, &theirs) > 45);
    pixels_done(&ours);
    pixels_done(&theirs);
    pixels_done(&p);
    test_file_done(&file);
}

static void test_jpeg_dc_goes_on_behind_stray_bytes_and_fill_bytes(void **state)
{
    (void)state;
    struct pixels p = test_picture(203, 149, 4, false), ours;
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.restart = 4});
    struct pixels theirs = read_by_libjpeg(&file, 8, 1);
    struct test_file odd = {malloc(file.size * 2), 0};
    bool in_scan = false;
    for (size_t i = 0; i < file.size; i++) {
        in_scan |= i > 0 && file.bytes[i - 1] == 0xff && file.bytes[i] == 0xda;
        if (in_scan && file.bytes[i] == 0xff && (file.bytes[i + 1] & 0xf8) == 0xd0) {
            memcpy(odd.bytes + odd.size, "abc\xff\xff", 5);
            odd.size += 5;
        }
        odd.bytes[odd.size++] = file.bytes[i];
    }
    assert_int_equal(read_by_walk(&odd, 8, false, 1, &ours), JPEG_DC_OK);
    assert_true(test_psnr(&ours, &theirs) == 99);
    pixels_done(&ours);
    pixels_done(&theirs);
    pixels_done(&p);
    test_file_done(&file);
    test_file_done(&odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_dc_is_libjpeg),
        cmocka_unit_test(test_jpeg_dc_leaves_the_unusual_to_libjpeg),
        cmocka_unit_test(test_jpeg_dc_leaves_mcus_that_are_too_large_to_libjpeg),
        cmocka_unit_test(test_jpeg_dc_does_with_means_of_chroma_where_the_sink_halves),
        cmocka_unit_test(test_jpeg_dc_goes_on_behind_stray_bytes_and_fill_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
