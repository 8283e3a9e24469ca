/* The ordinary PNG that goes past libpng comes out as libpng reads it, and what is odd about one is
 * left to libpng, whose word on it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/png_inflate.h"
#include "image/png_whole.h"
#include "support/chunks.h"

enum { WIDTH = 67, HEIGHT = 53, PIXELS_MAX = 1 << 20 };

/* The least and the largest depth of each colour type. */
static const struct {
    int type, least, most;
} kinds[] = {{PNG_COLOR_TYPE_GRAY, 1, 16},
             {PNG_COLOR_TYPE_RGB, 8, 16},
             {PNG_COLOR_TYPE_PALETTE, 1, 8},
             {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 16},
             {PNG_COLOR_TYPE_RGB_ALPHA, 8, 16}};

static struct test_file make(int width, int height, struct test_png how)
{
    struct pixels p = test_picture(width, height, how.type & PNG_COLOR_MASK_COLOR ? 4 : 1, false);
    for (int i = 0; p.channels == 4 && (how.type & PNG_COLOR_MASK_ALPHA) && i < width * height; i++)
        p.data[4 * i + 3] = (uint8_t)(i * 31);
    struct test_file file = test_png(&p, how);
    pixels_done(&p);
    return file;
}

static struct test_file make_rgb(void)
{
    return make(WIDTH, HEIGHT, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
}

/* ---- which way is taken ---- */

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    if (source_read(png_get_io_ptr(png), to, size) != size)
        png_error(png, "end");
}

/* True when the picture goes past libpng. */
static bool goes_past(const struct test_file *file)
{
    struct source source;
    struct reduce sink;
    int fd = test_open(file->bytes, file->size);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    bool grey = png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY &&
                !png_get_valid(png, info, PNG_INFO_tRNS);
    assert_int_equal(reduce_init(&sink, (int)png_get_image_width(png, info),
                                 (int)png_get_image_height(png, info), grey ? 1 : 4, false, 1, 1),
                     0);
    int64_t before = source.offset;
    bool past = png_whole_read(png, info, &source, &sink);
    assert_int_equal(sink.rows, past ? sink.height : 0);
    assert_true(past || source.offset == before);
    reduce_done(&sink);
    png_destroy_read_struct(&png, &info, NULL);
    source_done(&source);
    close(fd);
    return past;
}

/* Both ways agree; returns whether the picture is whole. */
static bool check(const struct test_file *file, const char *what, int which)
{
    struct chunks_verdict ours = chunks_read(&png_codec, file, PIXELS_MAX);
    struct chunks_verdict theirs = chunks_read(&png_libpng_codec, file, PIXELS_MAX);
    bool made = theirs.made;
    if (!chunks_agree(&ours, &theirs))
        fail_msg("%s %d: %s \"%s\", by libpng %s \"%s\"", what, which, ours.made ? "made" : "not",
                 ours.fault.message, made ? "made" : "not", theirs.fault.message);
    pixels_done(&ours.pixels);
    pixels_done(&theirs.pixels);
    return made;
}

static void check_kind(int width, int height, struct test_png how)
{
    struct test_file file = make(width, height, how);
    bool past = goes_past(&file);
    assert_true(check(&file, "type", how.type * 100 + how.depth));
    assert_int_equal(past, !how.interlaced && !(how.depth == 16 && how.transparent));
    test_file_done(&file);
}

static void check_kinds(int width, int height, bool interlaced, int filters)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int depth = kinds[k].least; depth <= kinds[k].most; depth *= 2)
            for (int transparent = 0; transparent <= 1; transparent++)
                if (!transparent || !(kinds[k].type & PNG_COLOR_MASK_ALPHA))
                    check_kind(width, height,
                               (struct test_png){.type = kinds[k].type,
                                                 .depth = depth,
                                                 .interlaced = interlaced,
                                                 .transparent = transparent,
                                                 .filters = filters});
}

static void test_every_kind_goes_past_libpng_but_the_few_that_do_not(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced <= 1; interlaced++)
        check_kinds(WIDTH, HEIGHT, interlaced, 0);
    for (int size = 1; size <= 17; size++)
        check_kinds(size, 18 - size, false, 0);
}

static void test_every_filter_is_undone(void **state)
{
    (void)state;
    static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_SUB,   PNG_FILTER_UP,
                                  PNG_FILTER_AVG,  PNG_FILTER_PAETH, PNG_ALL_FILTERS};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        check_kinds(WIDTH, HEIGHT, false, filters[i]);
}

/* ---- damage ---- */

static void test_a_cut_anywhere_has_libpng_s_verdict(void **state)
{
    (void)state;
    struct test_file file = make_rgb();
    int whole = 0;
    for (size_t size = 0; size <= file.size; size += size + 40 < file.size ? 7 : 1) {
        struct test_file cut = {file.bytes, size};
        whole += check(&cut, "cut to", (int)size);
    }
    assert_int_equal(whole, 13); /* without some of its last 12 bytes, and with all */
    test_file_done(&file);
}

static void test_flipped_bits_have_libpng_s_verdict(void **state)
{
    (void)state;
    int whole = 0;
    srand(6);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct test_file file = make(
            19, 23, (struct test_png){.type = kinds[k].type, .depth = 8, .transparent = k < 3});
        for (int round = 0; round < 600; round++) {
            struct test_file copy = {malloc(file.size), file.size};
            memcpy(copy.bytes, file.bytes, file.size);
            for (int flips = rand() % 3 + 1; flips--;)
                copy.bytes[(size_t)rand() % copy.size] ^= (uint8_t)(1 << rand() % 8);
            if (round % 2)
                chunks_mend(&copy); /* so that more than the first checksum is seen */
            whole += check(&copy, "flips", round);
            test_file_done(&copy);
        }
        test_file_done(&file);
    }
    assert_in_range(whole, 1, 2999);
}

/* ---- odd files ---- */

/* What stands before the pixels of a picture of one row: grey. */
static struct test_file begin_row(uint32_t width)
{
    struct test_file file = {0};
    chunks_begin(&file, width, 1, 8, PNG_COLOR_TYPE_GRAY);
    return file;
}

/* A file of one row with this stream in one chunk. Returns whether it is whole, by both. */
static bool check_stream(uint32_t width, const uint8_t *stream, size_t size, bool *past)
{
    struct test_file file = begin_row(width);
    chunks_append(&file, "IDAT", stream, size);
    chunks_append(&file, "IEND", NULL, 0);
    *past = goes_past(&file);
    bool made = check(&file, "stream of", (int)size);
    test_file_done(&file);
    return made;
}

/* zlib's stream of `size` bytes, zeros after the first, which is the filter's. */
static size_t deflate_row(uint8_t filter, size_t size, uint8_t ret[256])
{
    uint8_t row[256] = {filter};
    uLongf packed = 256;
    assert_int_equal(compress2(ret, &packed, row, size, 9), Z_OK);
    return packed;
}

static void test_too_many_bytes_and_too_few_are_left_to_libpng(void **state)
{
    (void)state;
    uint8_t stream[256];
    bool past;
    for (size_t size = 90; size <= 110; size++) {
        size_t packed = deflate_row(0, size, stream);
        assert_int_equal(check_stream(99, stream, packed, &past), size >= 100);
        assert_int_equal(past, size == 100);
        stream[packed] = 0;
        assert_int_equal(check_stream(99, stream, packed + 1, &past), size >= 100);
        assert_false(past);
    }
}

static void test_a_filter_that_there_is_not_is_left_to_libpng(void **state)
{
    (void)state;
    uint8_t stream[256];
    bool past;
    for (int filter = 0; filter < 256; filter++) {
        size_t packed = deflate_row((uint8_t)filter, 100, stream);
        assert_int_equal(check_stream(99, stream, packed, &past), filter < 5);
        assert_int_equal(past, filter < 5);
    }
}

/* A stream that looks back further than its head says: zlib minds, libdeflate would not. */
static void test_a_window_that_is_too_small_is_left_to_libpng(void **state)
{
    (void)state;
    enum { NOISE = 1200 };
    static uint8_t row[1 + 2 * NOISE], stream[4 * NOISE];
    uLongf packed = sizeof stream;
    bool past;
    srand(1);
    for (int i = 1; i <= NOISE; i++)
        row[i] = row[i + NOISE] = (uint8_t)rand();
    assert_int_equal(compress2(stream, &packed, row, sizeof row, 9), Z_OK);
    assert_true(check_stream(2 * NOISE, stream, packed, &past));
    assert_true(past);
    for (unsigned window = 0; window < 7; window++) {
        unsigned start = window << 12 | 0x800;
        start += 31 - start % 31;
        stream[0] = (uint8_t)(start >> 8);
        stream[1] = (uint8_t)start;
        check_stream(2 * NOISE, stream, packed, &past);
        assert_int_equal(past, 256 << window >= (int)sizeof row);
    }
}

/* `file` with its pixels in pieces of so many bytes, an empty chunk before piece `empty`, and
 * something between the pixels and the end. */
static struct test_file rebuild(const struct test_file *file, size_t piece, int empty,
                                const char *behind)
{
    enum { HEAD = 33 };
    struct test_file out = {0};
    size_t size;
    uint8_t *pixels = chunks_pixels(file, &size);
    chunks_append_bytes(&out, file->bytes, HEAD);
    for (size_t at = 0; at < size; at += piece) {
        if (empty-- == 0)
            chunks_append(&out, "IDAT", NULL, 0);
        chunks_append(&out, "IDAT", pixels + at, size - at < piece ? size - at : piece);
    }
    for (; *behind; behind++)
        chunks_append(&out, *behind == 't' ? "tEXt" : "IDAT", "a\0b", *behind == 'e' ? 0 : 3);
    chunks_append(&out, "IEND", NULL, 0);
    chunks_append_bytes(&out, "behind the end", 14);
    free(pixels);
    return out;
}

static void check_rebuilt(size_t piece, int empty, const char *behind, bool past)
{
    struct test_file file = make_rgb(), built = rebuild(&file, piece, empty, behind);
    assert_int_equal(goes_past(&built), past);
    assert_true(check(&built, behind, (int)piece));
    test_file_done(&built);
    test_file_done(&file);
}

static void test_pixels_in_any_pieces_go_past_libpng(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 3000; piece += piece < 9 ? 1 : piece / 3)
        check_rebuilt(piece, -1, "", true);
}

static void test_text_behind_the_pixels_is_passed_over(void **state)
{
    (void)state;
    check_rebuilt(500, -1, "tt", true);
}

/* Two empty chunks and pixels behind something else are warned of, and yet no damage. */
static void test_empty_chunks_and_pixels_elsewhere_are_left_to_libpng(void **state)
{
    (void)state;
    static const char *const behind[] = {"e", "ee", "te", "ti", "i", "it", "tti"};
    for (int empty = 0; empty < 3; empty++)
        check_rebuilt(500, empty, "", false);
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        check_rebuilt(500, -1, behind[i], false);
}

/* ---- limits ---- */

static uint8_t *inflate_idat(const uint8_t *data, size_t data_size, size_t size)
{
    struct test_file file = {0};
    struct source source;
    chunks_append(&file, "IDAT", data, data_size);
    chunks_append(&file, "IEND", NULL, 0);
    int fd = test_open(file.bytes, file.size);
    assert_int_equal(source_init(&source, fd, (int64_t)file.size), 0);
    source_seek(&source, 8);
    uint8_t *out = png_inflate(&source, size);
    source_done(&source);
    close(fd);
    test_file_done(&file);
    return out;
}

/* Zeros are what deflate is best at, so this is as far as a file's bytes can reach. */
static void test_pictures_up_to_the_limit_are_inflated_and_no_larger_ones(void **state)
{
    (void)state;
    size_t size = PNG_INFLATE_BYTES_MAX;
    for (int beyond = 0; beyond <= 1; beyond++) {
        uLongf packed = compressBound(size + 1);
        uint8_t *zeros = calloc(1, size + 1), *data = malloc(packed);
        assert_int_equal(compress2(data, &packed, zeros, size + (size_t)beyond, 1), Z_OK);
        uint8_t *out = inflate_idat(data, packed, size + (size_t)beyond);
        assert_int_equal(out != NULL, !beyond);
        if (out)
            assert_memory_equal(out, zeros, size);
        free(out);
        free(data);
        free(zeros);
    }
}

/* Rows as they are, which makes the data a little larger than the pixels. */
static void test_a_picture_that_is_not_compressed_goes_past_libpng(void **state)
{
    (void)state;
    enum { SIDE = 300 };
    static uint8_t rows[SIDE * (SIDE + 1)], stream[sizeof rows + 1000];
    uLongf packed = sizeof stream;
    struct test_file file = {0};
    srand(5);
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = i % (SIDE + 1) ? (uint8_t)rand() : 0;
    assert_int_equal(compress2(stream, &packed, rows, sizeof rows, 0), Z_OK);
    assert_true(packed > sizeof rows);
    chunks_begin(&file, SIDE, SIDE, 8, PNG_COLOR_TYPE_GRAY);
    chunks_append(&file, "IDAT", stream, packed);
    chunks_append(&file, "IEND", NULL, 0);
    assert_true(goes_past(&file));
    assert_true(check(&file, "stored", 0));
    test_file_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_goes_past_libpng_but_the_few_that_do_not),
        cmocka_unit_test(test_every_filter_is_undone),
        cmocka_unit_test(test_a_cut_anywhere_has_libpng_s_verdict),
        cmocka_unit_test(test_flipped_bits_have_libpng_s_verdict),
        cmocka_unit_test(test_too_many_bytes_and_too_few_are_left_to_libpng),
        cmocka_unit_test(test_a_filter_that_there_is_not_is_left_to_libpng),
        cmocka_unit_test(test_a_window_that_is_too_small_is_left_to_libpng),
        cmocka_unit_test(test_pixels_in_any_pieces_go_past_libpng),
        cmocka_unit_test(test_text_behind_the_pixels_is_passed_over),
        cmocka_unit_test(test_empty_chunks_and_pixels_elsewhere_are_left_to_libpng),
        cmocka_unit_test(test_pictures_up_to_the_limit_are_inflated_and_no_larger_ones),
        cmocka_unit_test(test_a_picture_that_is_not_compressed_goes_past_libpng),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
