/* JPEG of every kind is read; damage is told from oddity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/jpeg.h"
#include "support/images.h"

enum { WIDTH = 203, HEIGHT = 149 };

/* Decodes with the codec alone. Returns what it returned; `ret` is to be freed either way. */
static int read_picture(const struct test_file *file, int shrink, struct codec_header *header,
                        struct pixels *ret, struct image_fault *fault)
{
    struct image_spec limits = image_spec_default();
    struct source source;
    struct reduce reduce = {0};
    void *decoder;
    int fd = test_open(file->bytes, file->size);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    memset(ret, 0, sizeof *ret);
    int rc = jpeg_codec.open(&source, &limits, &decoder, header, fault);
    if (!rc) {
        assert_int_equal(reduce_init(&reduce, (header->width - 1) / shrink + 1,
                                     (header->height - 1) / shrink + 1, codec_channels(header),
                                     header->alpha, 1, 1),
                         0);
        rc = jpeg_codec.read(decoder, shrink, &reduce);
        jpeg_codec.close(decoder);
        *ret = reduce.out;
        reduce.out = (struct pixels){0};
        reduce_done(&reduce);
    }
    source_done(&source);
    close(fd);
    return rc;
}

static struct test_file make(int channels, struct test_jpeg how)
{
    struct pixels p = test_picture(WIDTH, HEIGHT, channels, false);
    struct test_file file = test_jpeg(&p, how);
    pixels_done(&p);
    return file;
}

/* Every file must come back as the picture it was made from, at every shrink. */
static void check(int channels, struct test_jpeg how, double least_db)
{
    struct test_file file = make(channels, how);
    struct pixels original = test_picture(WIDTH, HEIGHT, channels, false);
    for (int shrink = 1; shrink <= 8; shrink *= 2) {
        struct codec_header header;
        struct image_fault fault;
        struct pixels p;
        struct reduce mean;
        assert_int_equal(read_picture(&file, shrink, &header, &p, &fault), 0);
        assert_int_equal(header.width, WIDTH);
        assert_int_equal(header.height, HEIGHT);
        assert_int_equal(reduce_init(&mean, WIDTH, HEIGHT, channels, false, shrink, shrink), 0);
        for (int y = 0; y < HEIGHT; y++) {
            memcpy(reduce_row(&mean), original.data + (size_t)y * original.stride, original.stride);
            reduce_commit(&mean);
        }
        double db = test_psnr(&p, &mean.out);
        if (db < least_db)
            fail_msg("coding %d colour %d sampling %d x %d shrink %d: %.1f dB", how.coding,
                     how.colour, how.sample_x, how.sample_y, shrink, db);
        reduce_done(&mean);
        pixels_done(&p);
    }
    pixels_done(&original);
    test_file_done(&file);
}

static void test_jpeg_reads_every_coding(void **state)
{
    (void)state;
    for (int coding = TEST_BASELINE; coding <= TEST_SCANS; coding++) {
        check(4, (struct test_jpeg){.coding = (enum test_coding)coding}, 33);
        check(1, (struct test_jpeg){.coding = (enum test_coding)coding}, 33);
        check(4, (struct test_jpeg){.coding = (enum test_coding)coding, .restart = 3}, 33);
    }
}

static void test_jpeg_reads_every_sampling(void **state)
{
    (void)state;
    for (int x = 1; x <= 4; x *= 2)
        for (int y = 1; y <= 2; y++)
            check(4, (struct test_jpeg){.sample_x = x, .sample_y = y}, 26);
    check(1, (struct test_jpeg){.sample_x = 2, .sample_y = 2}, 33);
    check(4, (struct test_jpeg){.colour = TEST_RGB}, 33);
}

static void test_jpeg_hands_out_cmyk_as_it_is_stored(void **state)
{
    (void)state;
    struct codec_header header;
    struct image_fault fault;
    struct pixels p;
    for (int colour = TEST_CMYK; colour <= TEST_YCCK; colour++) {
        struct test_file file = make(4, (struct test_jpeg){.colour = (enum test_colour)colour});
        assert_int_equal(read_picture(&file, 1, &header, &p, &fault), 0);
        assert_int_equal(header.colour, CODEC_CMYK_INVERTED); /* libjpeg adds Adobe's marker */
        assert_int_equal(codec_channels(&header), 4);
        pixels_done(&p);
        test_file_done(&file);
    }
    struct test_file file = make(4, (struct test_jpeg){.colour = TEST_CMYK, .no_adobe = true});
    assert_int_equal(read_picture(&file, 1, &header, &p, &fault), 0);
    assert_int_equal(header.colour, CODEC_CMYK); /* and so are 255 all of an ink */
    pixels_done(&p);
    test_file_done(&file);
}

static void test_jpeg_gives_orientation_and_profile(void **state)
{
    (void)state;
    struct codec_header header;
    struct image_fault fault;
    struct image_spec limits = image_spec_default();
    struct source source;
    void *decoder;
    uint8_t icc[70000]; /* more than a marker holds */
    memset(icc, 'i', sizeof icc);
    struct test_file file =
        make(4, (struct test_jpeg){.orientation = 6, .icc = icc, .icc_size = sizeof icc});
    int fd = test_open(file.bytes, file.size);
    assert_int_equal(source_init(&source, fd, (int64_t)file.size), 0);
    assert_int_equal(jpeg_codec.open(&source, &limits, &decoder, &header, &fault), 0);
    assert_int_equal(header.orientation, 6);
    assert_int_equal(header.icc_size, sizeof icc);
    assert_memory_equal(header.icc, icc, sizeof icc);
    assert_int_equal(header.shrinks, 15);
    jpeg_codec.close(decoder);
    source_done(&source);
    close(fd);
    test_file_done(&file);
}

/* ---- damage ---- */

static int read_code(const struct test_file *file, struct image_fault *fault)
{
    struct codec_header header;
    struct pixels p;
    int rc = read_picture(file, 8, &header, &p, fault);
    pixels_done(&p);
    return rc ? (int)fault->code : IMAGE_OK;
}

static void check_cuts(struct test_jpeg how)
{
    struct test_file file = make(4, how);
    for (int percent = 0; percent < 100; percent++) {
        struct image_fault fault;
        struct test_file cut = {file.bytes, file.size * (size_t)percent / 100};
        int code = read_code(&cut, &fault);
        if (code != IMAGE_DAMAGED)
            fail_msg("coding %d cut at %d %%: code %d", how.coding, percent, code);
        assert_non_null(strstr(fault.message, percent ? "data end" : ""));
    }
    test_file_done(&file);
}

static void test_jpeg_that_is_cut_anywhere_is_damaged(void **state)
{
    (void)state;
    check_cuts((struct test_jpeg){.coding = TEST_BASELINE});
    check_cuts((struct test_jpeg){.coding = TEST_BASELINE, .restart = 2});
    check_cuts((struct test_jpeg){.coding = TEST_PROGRESSIVE});
    check_cuts((struct test_jpeg){.coding = TEST_SCANS});
    check_cuts((struct test_jpeg){.coding = TEST_ARITHMETIC});
}

/* Between two scans libjpeg itself sees nothing wrong. Scans start with SOS, or with the tables
 * before it. */
static void check_cuts_between_scans(struct test_jpeg how, int scans_least)
{
    struct test_file file = make(4, how);
    int scans = 0;
    for (size_t at = 2; at + 1 < file.size; at++) {
        bool table = file.bytes[at + 1] == 0xc4, scan = file.bytes[at + 1] == 0xda;
        if (file.bytes[at] != 0xff || !(table || scan))
            continue;
        scans += scan;
        struct image_fault fault;
        struct test_file cut = {file.bytes, at};
        int code = read_code(&cut, &fault);
        assert_int_equal(code, IMAGE_DAMAGED);
    }
    assert_true(scans >= scans_least);
    test_file_done(&file);
}

static void test_jpeg_that_is_cut_between_its_scans_is_damaged(void **state)
{
    (void)state;
    check_cuts_between_scans((struct test_jpeg){.coding = TEST_PROGRESSIVE}, 6);
    check_cuts_between_scans((struct test_jpeg){.coding = TEST_SCANS}, 3);
}

static void test_jpeg_says_how_much_of_it_is_there(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make(4, (struct test_jpeg){0});
    struct test_file half = {file.bytes, file.size / 2};
    assert_int_equal(read_code(&half, &fault), IMAGE_DAMAGED);
    assert_non_null(strstr(fault.message, "% of the picture (row "));
    test_file_done(&file);
}

/* `file` with `bytes` put in at `at`. */
static struct test_file insert(const struct test_file *file, size_t at, const char *bytes,
                               size_t size)
{
    struct test_file out = {malloc(file->size + size), file->size + size};
    memcpy(out.bytes, file->bytes, at);
    memcpy(out.bytes + at, bytes, size);
    memcpy(out.bytes + at + size, file->bytes + at, file->size - at);
    return out;
}

static void test_jpeg_with_oddities_is_whole(void **state)
{
    (void)state;
    struct image_fault fault;
    for (int coding = TEST_BASELINE; coding <= TEST_SCANS; coding++) {
        struct test_file file = make(4, (struct test_jpeg){.coding = (enum test_coding)coding});
        struct test_file no_end = {file.bytes, file.size - 2};
        assert_int_equal(read_code(&no_end, &fault),
                         coding == TEST_ARITHMETIC ? IMAGE_DAMAGED : IMAGE_OK);
        struct test_file trailing = insert(&file, file.size, "and more", 8);
        assert_int_equal(read_code(&trailing, &fault), IMAGE_OK);
        struct test_file stray = insert(&file, 20, "xyz", 3); /* behind APP0, between segments */
        assert_int_equal(read_code(&stray, &fault), IMAGE_OK);
        struct test_file exif = insert(&file, 2,
                                       "\xff\xe1\0\x0c"
                                       "Exif\0\0II**",
                                       14);
        assert_int_equal(read_code(&exif, &fault), IMAGE_OK);
        test_file_done(&trailing);
        test_file_done(&stray);
        test_file_done(&exif);
        test_file_done(&file);
    }
}

static void test_jpeg_with_a_wrong_restart_marker_is_damaged(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make(4, (struct test_jpeg){.restart = 5});
    for (size_t at = file.size / 2; at < file.size; at++)
        if (file.bytes[at] == 0xff && (file.bytes[at + 1] & 0xf8) == 0xd0) {
            file.bytes[at + 1] ^= 4;
            break;
        }
    assert_int_equal(read_code(&file, &fault), IMAGE_DAMAGED);
    test_file_done(&file);
}

/* At every shrink the same: a table that libjpeg refuses is damage, even where no bit needs it. */
static void check_table(size_t at, uint8_t count, uint8_t next_count, uint8_t last_value)
{
    struct test_file file = make(4, (struct test_jpeg){0});
    uint8_t *table = memmem(file.bytes, file.size, "\xff\xc4\0\x1f\0", 5);
    assert_non_null(table);
    uint8_t *counts = table + 4, *values = counts + 17;
    counts[at] = count;
    counts[at + 1] = next_count;
    values[11] = last_value;
    for (int shrink = 4; shrink <= 8; shrink *= 2) {
        struct codec_header header;
        struct image_fault fault;
        struct pixels p;
        assert_int_equal(read_picture(&file, shrink, &header, &p, &fault), -1);
        assert_int_equal(fault.code, IMAGE_DAMAGED);
        assert_non_null(strstr(fault.message, "Huffman table"));
        pixels_done(&p);
    }
    test_file_done(&file);
}

static void test_jpeg_with_a_table_that_is_none_is_damaged(void **state)
{
    (void)state;
    check_table(8, 1, 1, 16); /* a difference of 16 bits */
    check_table(8, 2, 0, 11); /* the second code of 8 bits is all ones */
    check_table(8, 3, 0, 11); /* there is no third */
}

static void test_jpeg_with_flipped_bits_never_crashes(void **state)
{
    (void)state;
    const enum test_coding codings[] = {TEST_BASELINE, TEST_PROGRESSIVE};
    srand(11);
    for (int i = 0; i < 2; i++) {
        struct test_file file = make(4, (struct test_jpeg){.coding = codings[i]});
        for (int round = 0; round < 1000; round++) {
            struct image_fault fault;
            struct test_file copy = insert(&file, 0, "", 0);
            for (int flips = rand() % 4 + 1; flips--;)
                copy.bytes[(size_t)rand() % (round % 2 ? copy.size : 700)] ^=
                    (uint8_t)(1 << rand() % 8);
            if (read_code(&copy, &fault) != IMAGE_OK)
                assert_true(fault.message[0] != 0);
            test_file_done(&copy);
        }
        test_file_done(&file);
    }
}

/* ---- refusals ---- */

/* The frame header: marker, length, precision, height, width. */
static uint8_t *frame(struct test_file *file)
{
    for (size_t at = 2; at < file->size; at++)
        if (file->bytes[at] == 0xff && file->bytes[at + 1] >= 0xc0 && file->bytes[at + 1] <= 0xc2)
            return file->bytes + at;
    return NULL;
}

static void test_jpeg_of_12_bits_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make(4, (struct test_jpeg){0});
    frame(&file)[4] = 12;
    assert_int_equal(read_code(&file, &fault), IMAGE_UNSUPPORTED);
    assert_string_equal(fault.message, "a JPEG of 12 bits a sample; only those of 8 are read");
    test_file_done(&file);
}

static void test_jpeg_of_other_codings_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const uint8_t markers[] = {0xc3, 0xcb, 0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf, 0xde};
    for (size_t i = 0; i < sizeof markers; i++) {
        struct image_fault fault;
        struct test_file file = make(4, (struct test_jpeg){0});
        frame(&file)[1] = markers[i];
        assert_int_equal(read_code(&file, &fault), IMAGE_UNSUPPORTED);
        assert_string_equal(fault.message, i < 2 ? "a lossless JPEG, which is not read"
                                                 : "a hierarchical JPEG, which is not read");
        test_file_done(&file);
    }
}

static void test_jpeg_too_large_is_refused_from_the_header(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = make(4, (struct test_jpeg){0});
    memcpy(frame(&file) + 5, "\xea\x60\xea\x60", 4); /* 60000 x 60000 */
    assert_int_equal(read_code(&file, &fault), IMAGE_LIMIT);
    assert_non_null(strstr(fault.message, "60000 x 60000"));
    test_file_done(&file);
}

static void test_jpeg_of_too_many_scans_is_refused(void **state)
{
    (void)state;
    struct pixels p = test_picture(64, 64, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE});
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault;
    spec.max_scans = 4;
    assert_int_equal(test_thumbnail(file.bytes, file.size, &spec, NULL, &result, &fault), -1);
    assert_int_equal(fault.code, IMAGE_LIMIT);
    assert_non_null(strstr(fault.message, "--max-scans"));
    test_file_done(&file);
    pixels_done(&p);
}

static int encode_jpeg(const struct pixels *p, int quality, uint8_t **ret, size_t *ret_size)
{
    struct image_spec spec = image_spec_default();
    struct image_fault fault;
    spec.quality = quality;
    return jpeg_encode(p, &spec, NULL, ret, ret_size, &fault);
}

static void test_jpeg_encode_gives_the_picture_back(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels += 3) {
        struct pixels p = test_picture(WIDTH, HEIGHT, channels, false);
        size_t sizes[2];
        for (int i = 0; i < 2; i++) {
            uint8_t *bytes;
            assert_int_equal(encode_jpeg(&p, i ? 95 : 40, &bytes, &sizes[i]), 0);
            struct pixels q = test_decode(bytes, sizes[i]);
            assert_true(test_psnr(&p, &q) > (i ? 28 : 22));
            pixels_done(&q);
            free(bytes);
        }
        assert_true(sizes[0] < sizes[1]);
        pixels_done(&p);
    }
}

/* Larger than the first room of the encoder's buffer. */
static void test_jpeg_encode_grows_with_the_picture(void **state)
{
    (void)state;
    struct pixels p;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(pixels_init(&p, 700, 500, 4), 0);
    srand(2);
    for (size_t i = 0; i < p.stride * 500; i++)
        p.data[i] = (uint8_t)rand();
    assert_int_equal(encode_jpeg(&p, 100, &bytes, &size), 0);
    assert_true(size > 100000);
    assert_int_equal(bytes[size - 1], 0xd9);
    struct pixels q = test_decode(bytes, size);
    assert_int_equal(q.width, 700);
    pixels_done(&q);
    free(bytes);
    pixels_done(&p);
}

/* The picture is read from its start once more when its scans are odd: by then the file may be
 * another. */
static void test_jpeg_that_changes_while_it_is_read_fails(void **state)
{
    (void)state;
    struct pixels p = test_picture(1600, 1200, 4, false);
    struct test_file file = test_jpeg(&p, (struct test_jpeg){.coding = TEST_PROGRESSIVE});
    struct image_spec limits = image_spec_default();
    struct image_fault fault;
    struct codec_header header;
    struct source source;
    struct reduce reduce;
    void *decoder;
    assert_true(file.size > 2 * SOURCE_CHUNK_BYTES);
    file.bytes[file.size - 2] = 0; /* no end marker: the verdict is libjpeg's */
    int fd = test_open(file.bytes, file.size);
    assert_int_equal(source_init(&source, fd, (int64_t)file.size), 0);
    assert_int_equal(jpeg_codec.open(&source, &limits, &decoder, &header, &fault), 0);
    assert_int_equal(reduce_init(&reduce, 200, 150, 4, false, 1, 1), 0);
    size_t frame = 2;
    while (file.bytes[frame] != 0xff || file.bytes[frame + 1] != 0xc2)
        frame++;
    const uint8_t wide[2] = {0x40, 0};
    assert_int_equal(pwrite(fd, wide, 2, (off_t)frame + 7), 2);
    assert_int_equal(jpeg_codec.read(decoder, 8, &reduce), -1);
    assert_string_equal(fault.message, "libjpeg gives a picture that was not asked for");
    jpeg_codec.close(decoder);
    reduce_done(&reduce);
    source_done(&source);
    close(fd);
    test_file_done(&file);
    pixels_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_reads_every_coding),
        cmocka_unit_test(test_jpeg_reads_every_sampling),
        cmocka_unit_test(test_jpeg_hands_out_cmyk_as_it_is_stored),
        cmocka_unit_test(test_jpeg_gives_orientation_and_profile),
        cmocka_unit_test(test_jpeg_that_is_cut_anywhere_is_damaged),
        cmocka_unit_test(test_jpeg_that_is_cut_between_its_scans_is_damaged),
        cmocka_unit_test(test_jpeg_says_how_much_of_it_is_there),
        cmocka_unit_test(test_jpeg_with_oddities_is_whole),
        cmocka_unit_test(test_jpeg_with_a_wrong_restart_marker_is_damaged),
        cmocka_unit_test(test_jpeg_with_a_table_that_is_none_is_damaged),
        cmocka_unit_test(test_jpeg_with_flipped_bits_never_crashes),
        cmocka_unit_test(test_jpeg_of_12_bits_is_refused_with_a_sentence),
        cmocka_unit_test(test_jpeg_of_other_codings_is_refused_with_a_sentence),
        cmocka_unit_test(test_jpeg_too_large_is_refused_from_the_header),
        cmocka_unit_test(test_jpeg_of_too_many_scans_is_refused),
        cmocka_unit_test(test_jpeg_encode_gives_the_picture_back),
        cmocka_unit_test(test_jpeg_encode_grows_with_the_picture),
        cmocka_unit_test(test_jpeg_that_changes_while_it_is_read_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
