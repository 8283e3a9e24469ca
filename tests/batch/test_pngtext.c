#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "batch/pngtext.h"
#include "support/chunks.h"
#include "support/images.h"

enum { ROOM = 200 };

static struct test_file picture(void)
{
    struct pixels pixels = test_picture(30, 20, 4, false);
    struct test_file file =
        test_png(&pixels, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    pixels_done(&pixels);
    return file;
}

static struct buffer insert(const struct test_file *file, const struct pngtext *texts, int count)
{
    struct buffer ret = {0};
    assert_int_equal(pngtext_insert(file->bytes, file->size, texts, count, &ret), 0);
    return ret;
}

/* Reads one text of a file in memory. */
static int find(const void *bytes, size_t size, const char *key, char *value, size_t room)
{
    struct pngtext_head head;
    struct pngtext_wanted wanted = {key, value, room};
    int fd = test_open(bytes, size);
    int error = pngtext_read(fd, &wanted, 1, &head);
    close(fd);
    if (error == 0) {
        assert_int_equal(head.width, 30);
        assert_int_equal(head.height, 20);
    }
    return error;
}

static const struct pngtext two[] = {{"Thumb::URI", "file:///a%20b"}, {"Software", "thumbpool"}};

static void test_texts_go_in_and_come_out(void **state)
{
    char value[ROOM];
    struct test_file file = picture();
    struct buffer with = insert(&file, two, 2);
    (void)state;
    assert_int_equal(find(with.bytes, with.size, "Thumb::URI", value, sizeof value), 0);
    assert_string_equal(value, "file:///a%20b");
    assert_int_equal(find(with.bytes, with.size, "Software", value, sizeof value), 0);
    assert_string_equal(value, "thumbpool");
    assert_int_equal(find(with.bytes, with.size, "Thumb::MTime", value, sizeof value), 0);
    assert_string_equal(value, "");
    buffer_done(&with);
    test_file_done(&file);
}

/* What libpng has read of a file. */
struct seen {
    const uint8_t *bytes;
    size_t size;
};

static void give(png_structp png, png_bytep to, size_t size)
{
    struct seen *seen = png_get_io_ptr(png);
    if (size > seen->size)
        png_error(png, "too short");
    memcpy(to, seen->bytes, size);
    seen->bytes += size;
    seen->size -= size;
}

static void test_libpng_reads_the_texts_and_the_same_pixels(void **state)
{
    struct test_file file = picture();
    struct buffer with = insert(&file, two, 2);
    struct seen seen = {with.bytes, with.size};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_textp texts;
    (void)state;
    png_set_read_fn(png, &seen, give);
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    assert_int_equal(png_get_text(png, info, &texts, NULL), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(texts[i].compression, PNG_TEXT_COMPRESSION_NONE);
        assert_string_equal(texts[i].key, two[i].key);
        assert_string_equal(texts[i].text, two[i].value);
    }
    png_destroy_read_struct(&png, &info, NULL);
    struct pixels a = test_decode(file.bytes, file.size), b = test_decode(with.bytes, with.size);
    for (int y = 0; y < a.height; y++)
        assert_memory_equal(a.data + (size_t)y * a.stride, b.data + (size_t)y * b.stride,
                            (size_t)a.width * (size_t)a.channels);
    pixels_done(&a);
    pixels_done(&b);
    buffer_done(&with);
    test_file_done(&file);
}

static void test_what_is_not_ascii_goes_in_as_a_question(void **state)
{
    char value[ROOM];
    const struct pngtext odd = {"Comment", "a\nb\x80\x1b"};
    struct test_file file = picture();
    struct buffer with = insert(&file, &odd, 1);
    (void)state;
    assert_int_equal(find(with.bytes, with.size, "Comment", value, sizeof value), 0);
    assert_string_equal(value, "a?b??");
    buffer_done(&with);
    test_file_done(&file);
}

static void test_only_a_png_with_its_header_takes_texts(void **state)
{
    struct test_file file = picture();
    struct buffer ret = {0};
    (void)state;
    assert_int_equal(pngtext_insert(file.bytes, 32, two, 2, &ret), -EPROTO);
    file.bytes[20] ^= 1; /* the checksum tells */
    assert_int_equal(pngtext_insert(file.bytes, file.size, two, 2, &ret), -EPROTO);
    assert_int_equal(ret.size, 0);
    buffer_done(&ret);
    test_file_done(&file);
}

/* A file whose chunks behind the header are `before`, its pixels, `behind`, and the end. */
static struct test_file file_of(const char *before, size_t before_size, const char *behind,
                                size_t behind_size)
{
    struct test_file from = picture(), file = {0};
    size_t size;
    uint8_t *pixels = chunks_pixels(&from, &size);
    chunks_begin(&file, 30, 20, 8, PNG_COLOR_TYPE_RGB);
    if (before)
        chunks_append(&file, "tEXt", before, before_size);
    chunks_append(&file, "IDAT", pixels, size);
    if (behind)
        chunks_append(&file, "tEXt", behind, behind_size);
    chunks_append(&file, "IEND", NULL, 0);
    free(pixels);
    test_file_done(&from);
    return file;
}

static void test_texts_behind_the_pixels_count_and_the_first_wins(void **state)
{
    static const char one[] = "Key\0first", other[] = "Key\0second", third[] = "Late\0text";
    char value[ROOM];
    struct test_file file = file_of(one, sizeof one - 1, other, sizeof other - 1);
    (void)state;
    assert_int_equal(find(file.bytes, file.size, "Key", value, sizeof value), 0);
    assert_string_equal(value, "first");
    test_file_done(&file);
    file = file_of(NULL, 0, third, sizeof third - 1);
    assert_int_equal(find(file.bytes, file.size, "Late", value, sizeof value), 0);
    assert_string_equal(value, "text");
    test_file_done(&file);
}

static void test_odd_texts_are_passed_over(void **state)
{
    static const char nul[] = "Key\0with\0nul";
    char value[8], *large = malloc(PNGTEXT_BYTES_MAX + 1);
    struct test_file file = file_of("Key", 3, nul, sizeof nul - 1);
    (void)state;
    assert_int_equal(find(file.bytes, file.size, "Key", value, sizeof value), 0);
    assert_string_equal(value, "");
    test_file_done(&file);
    memset(large, 'x', PNGTEXT_BYTES_MAX + 1);
    memcpy(large, "Key", 4);
    file = file_of(large, PNGTEXT_BYTES_MAX + 1, "Key\0longer than", 15);
    assert_int_equal(find(file.bytes, file.size, "Key", value, sizeof value), 0);
    assert_string_equal(value, "");
    test_file_done(&file);
    large[3] = 'x'; /* a key of more than 79 bytes is none */
    file = file_of(large, PNGTEXT_BYTES_MAX, "", 0);
    assert_int_equal(find(file.bytes, file.size, "Key", value, sizeof value), 0);
    test_file_done(&file);
    free(large);
}

/* Whatever is missing at the end, and whichever bit of header or texts is wrong. */
static void test_a_file_that_is_not_whole_is_refused(void **state)
{
    char value[ROOM];
    struct test_file file = picture();
    struct buffer with = insert(&file, two, 2);
    size_t texts = with.size - file.size;
    (void)state;
    for (size_t size = 0; size < with.size; size++)
        assert_int_equal(find(with.bytes, size, "Software", value, sizeof value), -EPROTO);
    for (size_t i = 0; i < 33; i++) {
        with.bytes[i] ^= 4;
        assert_int_equal(find(with.bytes, with.size, "Software", value, sizeof value), -EPROTO);
        with.bytes[i] ^= 4;
    }
    for (size_t i = 33 + 8; i < 33 + texts; i++) {
        with.bytes[i] ^= 4;
        int error = find(with.bytes, with.size, "Software", value, sizeof value);
        assert_true(error == -EPROTO || value[0] == '\0' || strcmp(value, "thumbpool") == 0);
        with.bytes[i] ^= 4;
    }
    with.bytes[33 + 8 + 2] ^= 4; /* amid the first key */
    assert_int_equal(find(with.bytes, with.size, "Software", value, sizeof value), -EPROTO);
    buffer_done(&with);
    test_file_done(&file);
}

static void test_chunks_without_end_are_refused(void **state)
{
    char value[ROOM];
    struct test_file file = {0};
    (void)state;
    chunks_begin(&file, 30, 20, 8, PNG_COLOR_TYPE_RGB);
    for (int i = 0; i < PNGTEXT_CHUNKS_MAX; i++)
        chunks_append(&file, "IDAT", NULL, 0);
    chunks_append(&file, "IEND", NULL, 0);
    assert_int_equal(find(file.bytes, file.size, "Key", value, sizeof value), -EPROTO);
    test_file_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_go_in_and_come_out),
        cmocka_unit_test(test_libpng_reads_the_texts_and_the_same_pixels),
        cmocka_unit_test(test_what_is_not_ascii_goes_in_as_a_question),
        cmocka_unit_test(test_only_a_png_with_its_header_takes_texts),
        cmocka_unit_test(test_texts_behind_the_pixels_count_and_the_first_wins),
        cmocka_unit_test(test_odd_texts_are_passed_over),
        cmocka_unit_test(test_a_file_that_is_not_whole_is_refused),
        cmocka_unit_test(test_chunks_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
