/* The layout of the JPEGs that are written, and that they hold the picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg.h"
#include "support/images.h"

enum { WIDTH = 131, HEIGHT = 87 };

static struct test_file encode(const struct pixels *p, struct image_spec spec)
{
    struct test_file file;
    struct image_fault fault;
    assert_int_equal(jpeg_encode(p, &spec, NULL, &file.bytes, &file.size, &fault), 0);
    return file;
}

/* The places of all markers of a kind, up to the first scan's data. */
static int count_markers(const struct test_file *file, uint8_t marker)
{
    int count = 0;
    for (size_t at = 2; at + 4 <= file->size;) {
        assert_int_equal(file->bytes[at], 0xff);
        count += file->bytes[at + 1] == marker;
        if (file->bytes[at + 1] == 0xda)
            break;
        at += 2 + (size_t)(file->bytes[at + 2] << 8 | file->bytes[at + 3]);
    }
    return count;
}

static void test_jpeg_encode_chroma_is_what_the_spec_says(void **state)
{
    (void)state;
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    for (int full = 0; full <= 1; full++) {
        struct image_spec spec = image_spec_default();
        struct jpeg_decompress_struct cinfo;
        struct jpeg_error_mgr error;
        spec.full_chroma = full;
        struct test_file file = encode(&p, spec);
        cinfo.err = jpeg_std_error(&error);
        jpeg_create_decompress(&cinfo);
        jpeg_mem_src(&cinfo, file.bytes, file.size);
        jpeg_read_header(&cinfo, TRUE);
        for (int c = 0; c < 3; c++) {
            assert_int_equal(cinfo.comp_info[c].h_samp_factor, c == 0 && !full ? 2 : 1);
            assert_int_equal(cinfo.comp_info[c].v_samp_factor, c == 0 && !full ? 2 : 1);
        }
        jpeg_destroy_decompress(&cinfo);
        test_file_done(&file);
    }
    pixels_done(&p);
}

static void test_jpeg_encode_full_chroma_holds_colours_better(void **state)
{
    (void)state;
    struct pixels p;
    double db[2];
    assert_int_equal(pixels_init(&p, 64, 64, 4), 0);
    for (size_t i = 0; i < 64 * 64; i++) /* columns of red and blue */
        memcpy(p.data + 4 * i, i % 2 ? "\xff\0\0" : "\0\0\xff", 4);
    for (int full = 0; full <= 1; full++) {
        struct image_spec spec = image_spec_default();
        spec.full_chroma = full;
        spec.quality = 95;
        struct test_file file = encode(&p, spec);
        struct pixels q = test_decode(file.bytes, file.size);
        db[full] = test_psnr(&p, &q);
        pixels_done(&q);
        test_file_done(&file);
    }
    assert_true(db[0] < 15 && db[1] > 25);
    pixels_done(&p);
}

static void test_jpeg_encode_progressive_has_its_marker_and_the_same_picture(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += 3) {
        struct pixels p = test_picture(WIDTH, HEIGHT, channels, false);
        struct image_spec spec = image_spec_default();
        struct test_file plain = encode(&p, spec);
        spec.progressive = true;
        struct test_file scans = encode(&p, spec);
        assert_int_equal(count_markers(&plain, 0xc0), 1);
        assert_int_equal(count_markers(&plain, 0xc2), 0);
        assert_int_equal(count_markers(&scans, 0xc0), 0);
        assert_int_equal(count_markers(&scans, 0xc2), 1);
        struct pixels a = test_decode(plain.bytes, plain.size);
        struct pixels b = test_decode(scans.bytes, scans.size);
        assert_true(test_psnr(&a, &b) == 99);
        pixels_done(&a);
        pixels_done(&b);
        pixels_done(&p);
        test_file_done(&plain);
        test_file_done(&scans);
    }
}

/* libjpeg's standard table for luma's AC terms lists all 162 of them. */
static void test_jpeg_encode_makes_tables_for_the_picture(void **state)
{
    (void)state;
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    struct test_file file = encode(&p, image_spec_default());
    size_t at = 2;
    while (file.bytes[at + 1] != 0xc4)
        at += 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);
    int terms = 0, tables = 0;
    for (; file.bytes[at + 1] == 0xc4; tables++) {
        int here = (file.bytes[at + 2] << 8 | file.bytes[at + 3]) - 19;
        terms += here;
        at += 2 + (size_t)(here + 19);
    }
    assert_int_equal(tables, 4);
    assert_true(terms < 162);
    test_file_done(&file);
    pixels_done(&p);
}

static void test_jpeg_encode_writes_nothing_but_what_a_picture_needs(void **state)
{
    (void)state;
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, false);
    struct test_file file = encode(&p, image_spec_default());
    struct test_file again = encode(&p, image_spec_default());
    assert_int_equal(count_markers(&file, 0xe0), 1); /* JFIF, which says what the colours are */
    for (int app = 0xe1; app <= 0xef; app++)
        assert_int_equal(count_markers(&file, (uint8_t)app), 0);
    assert_int_equal(count_markers(&file, 0xfe), 0);
    assert_int_equal(again.size, file.size);
    assert_memory_equal(again.bytes, file.bytes, file.size);
    test_file_done(&file);
    test_file_done(&again);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_encode_chroma_is_what_the_spec_says),
        cmocka_unit_test(test_jpeg_encode_full_chroma_holds_colours_better),
        cmocka_unit_test(test_jpeg_encode_progressive_has_its_marker_and_the_same_picture),
        cmocka_unit_test(test_jpeg_encode_makes_tables_for_the_picture),
        cmocka_unit_test(test_jpeg_encode_writes_nothing_but_what_a_picture_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
