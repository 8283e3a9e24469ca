/* PNG of every kind is read; bombs are not inflated; damage is told from oddity. */
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

#include "image/png.h"
#include "image/stopwatch.h"
#include "support/images.h"

enum { WIDTH = 67, HEIGHT = 53 };

static int read_picture(const struct test_file *file, struct codec_header *header,
                        struct pixels *ret, struct image_fault *fault)
{
    struct image_spec limits = image_spec_default();
    struct source source;
    struct reduce reduce = {0};
    void *decoder;
    int fd = test_open(file->bytes, file->size);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    memset(ret, 0, sizeof *ret);
    int rc = png_codec.open(&source, &limits, &decoder, header, fault);
    if (!rc) {
        assert_int_equal(reduce_init(&reduce, header->width, header->height, codec_channels(header),
                                     false, 1, 1),
                         0);
        rc = png_codec.read(decoder, 1, &reduce);
        png_codec.close(decoder);
        *ret = reduce.out;
        ret->alpha = header->alpha;
        reduce.out = (struct pixels){0};
        reduce_done(&reduce);
    }
    source_done(&source);
    close(fd);
    return rc;
}

/* Our reading against libpng's own simplified one, of the same picture in 8 bits and not
 * interlaced: it takes 16 bits for linear light, and its reading of such is 30 dB off. */
static void check(struct test_png how, int channels)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, how.type == PNG_COLOR_TYPE_GRAY ? 1 : 4,
                                   how.type & PNG_COLOR_MASK_ALPHA);
    struct test_png plain = how;
    struct codec_header header;
    struct image_fault fault;
    struct pixels ours;
    plain.interlaced = false;
    plain.depth = how.depth == 16 ? 8 : how.depth;
    struct test_file file = test_png(&p, how), plain_file = test_png(&p, plain);
    struct pixels theirs = test_decode(plain_file.bytes, plain_file.size);
    assert_int_equal(read_picture(&file, &header, &ours, &fault), 0);
    assert_int_equal(header.width, WIDTH);
    assert_int_equal(header.height, HEIGHT);
    assert_int_equal(ours.channels, channels);
    assert_int_equal(ours.alpha, theirs.alpha);
    if (test_psnr(&ours, &theirs) < 99)
        fail_msg("type %d depth %d interlaced %d: %.1f dB", how.type, how.depth, how.interlaced,
                 test_psnr(&ours, &theirs));
    pixels_done(&p);
    pixels_done(&ours);
    pixels_done(&theirs);
    test_file_done(&file);
    test_file_done(&plain_file);
}

static void test_png_reads_every_type_and_depth(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        for (int depth = 1; depth <= 16; depth *= 2)
            check((struct test_png){PNG_COLOR_TYPE_GRAY, depth, interlaced, .orientation = 0}, 1);
        for (int depth = 8; depth <= 16; depth *= 2) {
            check((struct test_png){PNG_COLOR_TYPE_RGB, depth, interlaced, .orientation = 0}, 4);
            check((struct test_png){PNG_COLOR_TYPE_RGBA, depth, interlaced, .orientation = 0}, 4);
            check((struct test_png){PNG_COLOR_TYPE_GA, depth, interlaced, .orientation = 0}, 4);
        }
        for (int transparent = 0; transparent <= 1; transparent++)
            check((struct test_png){PNG_COLOR_TYPE_PALETTE, 8, interlaced, transparent,
                                    .orientation = 0},
                  4);
    }
}

static struct test_file make(struct test_png how)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, 4, how.type & PNG_COLOR_MASK_ALPHA);
    struct test_file file = test_png(&p, how);
    pixels_done(&p);
    return file;
}

static int read_code(const struct test_file *file, struct image_fault *fault)
{
    struct codec_header header;
    struct pixels p;
    int rc = read_picture(file, &header, &p, fault);
    pixels_done(&p);
    return rc ? (int)fault->code : IMAGE_OK;
}

static void test_png_gives_orientation(void **state)
{
    (void)state;
    struct codec_header header;
    struct image_fault fault;
    struct pixels p;
    struct test_file file = make((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 8});
    assert_int_equal(read_picture(&file, &header, &p, &fault), 0);
    assert_int_equal(header.orientation, 8);
    pixels_done(&p);
    test_file_done(&file);
}

static void test_png_that_is_cut_anywhere_is_damaged(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        struct test_file file =
            make((struct test_png){PNG_COLOR_TYPE_RGB, 8, interlaced, .orientation = 0});
        for (int percent = 0; percent < 100; percent++) {
            struct image_fault fault;
            struct test_file cut = {file.bytes, file.size * (size_t)percent / 100};
            assert_int_equal(read_code(&cut, &fault), IMAGE_DAMAGED);
            assert_non_null(strstr(fault.message, "the data ends"));
        }
        test_file_done(&file);
    }
}

/* The pixels' last checksum is the last of the picture; the end chunk behind it is not missed. */
static void test_png_without_its_end_chunk_is_whole(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 0});
    for (size_t missing = 1; missing <= 12; missing++) {
        struct test_file cut = {file.bytes, file.size - missing};
        assert_int_equal(read_code(&cut, &fault), IMAGE_OK);
    }
    struct test_file cut = {file.bytes, file.size - 13};
    assert_int_equal(read_code(&cut, &fault), IMAGE_DAMAGED);
    test_file_done(&file);
}

static void test_png_with_a_wrong_checksum_is_damaged(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 0});
    file.bytes[file.size - 13] ^= 1; /* of the last pixels */
    assert_int_equal(read_code(&file, &fault), IMAGE_DAMAGED);
    file.bytes[file.size - 13] ^= 1;
    file.bytes[30] ^= 1; /* of the header */
    assert_int_equal(read_code(&file, &fault), IMAGE_DAMAGED);
    test_file_done(&file);
}

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Moves zlib's own checksum, the last four bytes of the pixels, into a chunk of its own, where
 * libpng only warns of a wrong one. All chunks have right checksums. */
static struct test_file with_checksum_apart(const struct test_file *file)
{
    const uint8_t *name = memmem(file->bytes, file->size, "IDAT", 4);
    size_t before = (size_t)(name - file->bytes), size = file->size - before - 4 - 16;
    struct test_file out = {malloc(file->size + 12), file->size + 12};
    uint8_t *to = out.bytes + before;
    memcpy(out.bytes, file->bytes, before + 4 + size - 4);
    put_be32(to - 4, (uint32_t)size - 4);
    put_be32(to + size, (uint32_t)crc32(0, to, (unsigned)size));
    to += size + 4;
    put_be32(to, 4);
    memcpy(to + 4, "IDAT", 4);
    memcpy(to + 8, name + size, 4);
    put_be32(to + 12, (uint32_t)crc32(0, to + 4, 8));
    memcpy(to + 16, file->bytes + file->size - 12, 12);
    return out;
}

static void test_png_with_a_wrong_checksum_inside_is_damaged(void **state)
{
    (void)state;
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        struct image_fault fault;
        struct test_file file =
            make((struct test_png){PNG_COLOR_TYPE_RGB, 8, interlaced, .orientation = 0});
        struct test_file apart = with_checksum_apart(&file);
        assert_int_equal(read_code(&apart, &fault), IMAGE_OK);
        uint8_t *end = apart.bytes + apart.size - 16;
        end[-1] ^= 1;
        put_be32(end, (uint32_t)crc32(0, end - 8, 8));
        assert_int_equal(read_code(&apart, &fault), IMAGE_DAMAGED);
        test_file_done(&apart);
        test_file_done(&file);
    }
}

static void test_png_with_flipped_bits_never_crashes(void **state)
{
    (void)state;
    srand(12);
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        struct test_file file =
            make((struct test_png){PNG_COLOR_TYPE_RGBA, 8, interlaced, .orientation = 3});
        for (int round = 0; round < 1000; round++) {
            struct image_fault fault;
            struct test_file copy = {malloc(file.size), file.size};
            memcpy(copy.bytes, file.bytes, file.size);
            for (int flips = rand() % 4 + 1; flips--;)
                copy.bytes[(size_t)rand() % (round % 2 ? copy.size : 100)] ^=
                    (uint8_t)(1 << rand() % 8);
            if (read_code(&copy, &fault) != IMAGE_OK)
                assert_true(fault.message[0] != 0);
            test_file_done(&copy);
        }
        test_file_done(&file);
    }
}

/* `file` with a chunk right behind its header. */
static struct test_file with_chunk(const struct test_file *file, const char *name,
                                   const uint8_t *data, size_t size)
{
    enum { HEAD = 33 };
    struct test_file out = {malloc(file->size + size + 12), file->size + size + 12};
    uint8_t *at = out.bytes + HEAD;
    memcpy(out.bytes, file->bytes, HEAD);
    put_be32(at, (uint32_t)size);
    memcpy(at + 4, name, 4);
    memcpy(at + 8, data, size);
    put_be32(at + 8 + size, (uint32_t)crc32(0, at + 4, (unsigned)size + 4));
    memcpy(at + 12 + size, file->bytes + HEAD, file->size - HEAD);
    return out;
}

/* 50 MB of zeros, deflated, behind a keyword. */
static uint8_t *bomb(size_t *size)
{
    uLongf packed = compressBound(50000000);
    uint8_t *zeros = calloc(1, 50000000), *data = malloc(packed + 5);
    memcpy(data, "key\0\0", 5);
    assert_int_equal(compress2(data + 5, &packed, zeros, 50000000, 1), Z_OK);
    free(zeros);
    *size = packed + 5;
    return data;
}

static void test_png_does_not_inflate_text_nor_large_profiles(void **state)
{
    (void)state;
    struct image_fault fault;
    size_t size;
    uint8_t *data = bomb(&size);
    struct test_file file = make((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 0});
    for (int i = 0; i < 30; i++) {
        struct test_file more = with_chunk(&file, i == 29 ? "iCCP" : "zTXt", data, size);
        test_file_done(&file);
        file = more;
    }
    double start = stopwatch_ms();
    assert_int_equal(read_code(&file, &fault), IMAGE_OK);
    assert_true(stopwatch_ms() - start < 400); /* inflating all of it takes seconds */
    test_file_done(&file);
    free(data);
}

static void test_png_too_large_is_refused_from_the_header(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make((struct test_png){PNG_COLOR_TYPE_RGB, 8, .orientation = 0});
    put_be32(file.bytes + 16, 60000);
    put_be32(file.bytes + 20, 60000);
    put_be32(file.bytes + 29, (uint32_t)crc32(0, file.bytes + 12, 17));
    assert_int_equal(read_code(&file, &fault), IMAGE_LIMIT);
    assert_non_null(strstr(fault.message, "60000 x 60000"));
    test_file_done(&file);
}

static void test_png_encode_gives_the_very_pixels_back(void **state)
{
    (void)state;
    struct image_fault fault;
    for (int i = 0; i < 3; i++) {
        struct pixels p = test_picture(WIDTH, HEIGHT, i ? 4 : 1, i == 2);
        uint8_t *bytes;
        size_t size;
        assert_int_equal(png_encode(&p, NULL, &bytes, &size, &fault), 0);
        struct pixels q = test_decode(bytes, size);
        assert_int_equal(q.alpha, i == 2);
        assert_true(test_psnr(&p, &q) == 99);
        pixels_done(&p);
        pixels_done(&q);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_reads_every_type_and_depth),
        cmocka_unit_test(test_png_gives_orientation),
        cmocka_unit_test(test_png_that_is_cut_anywhere_is_damaged),
        cmocka_unit_test(test_png_without_its_end_chunk_is_whole),
        cmocka_unit_test(test_png_with_a_wrong_checksum_is_damaged),
        cmocka_unit_test(test_png_with_a_wrong_checksum_inside_is_damaged),
        cmocka_unit_test(test_png_with_flipped_bits_never_crashes),
        cmocka_unit_test(test_png_does_not_inflate_text_nor_large_profiles),
        cmocka_unit_test(test_png_too_large_is_refused_from_the_header),
        cmocka_unit_test(test_png_encode_gives_the_very_pixels_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
