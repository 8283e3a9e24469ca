/* The walk through a GIF's first frame: whole ones pass, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/gif_check.h"
#include "support/images.h"

enum { HEAD = 13 + 6 + 10 + 1 /* header, two colours, frame, code size */ };

/* A GIF of two colours, 10 x `height`, whose frame holds data[0..size) in one block, or in blocks
 * of one byte each. */
static struct test_file make_gif(int height, const uint8_t *data, size_t size, bool bytewise)
{
    struct test_file file = {calloc(1, HEAD + 2 * size + 100), 0};
    uint8_t *to = file.bytes;
    memcpy(to, "GIF89a\x0a\0\0\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x0a\0\0\0\0\x02", HEAD);
    to[8] = to[19 + 7] = (uint8_t)height;
    to[9] = to[19 + 8] = (uint8_t)(height >> 8);
    to += HEAD;
    for (size_t i = 0; i < size; i += bytewise ? 1 : size) {
        size_t now = bytewise ? 1 : size;
        *to++ = (uint8_t)now;
        memcpy(to, data + i, now);
        to += now;
    }
    memcpy(to, "\0;", 2);
    file.size = (size_t)(to + 2 - file.bytes);
    return file;
}

static int check(const struct test_file *file, struct image_fault *fault)
{
    struct source source;
    struct gif_frame frame;
    int fd = test_open(file->bytes, file->size);
    assert_int_equal(source_init(&source, fd, (int64_t)file->size), 0);
    int rc = gif_check(&source, &frame, fault);
    if (rc == 0 && frame.width)
        assert_int_equal(frame.width, frame.canvas_width);
    assert_int_equal(source.offset, 0);
    source_done(&source);
    close(fd);
    return rc;
}

/* Codes of any length as bytes, the first bit lowest. Ends with a code of 0 bits. */
static size_t pack(const int (*codes)[2], uint8_t *bytes)
{
    size_t at = 0;
    for (; (*codes)[1]; codes++)
        for (int bit = 0; bit < (*codes)[1]; bit++, at++)
            bytes[at / 8] |= (uint8_t)(((*codes)[0] >> bit & 1) << at % 8);
    return (at + 7) / 8;
}

static void check_codes(const int (*codes)[2], int height, const char *why)
{
    uint8_t bytes[100] = {0};
    size_t size = pack(codes, bytes);
    for (int bytewise = 0; bytewise <= 1; bytewise++) {
        struct test_file file = make_gif(height, bytes, size, bytewise);
        struct image_fault fault = {.message = ""};
        int rc = check(&file, &fault);
        if (rc != (why ? -1 : 0))
            fail_msg("%s for %s", fault.message, why ? why : "a whole frame");
        if (why)
            assert_non_null(strstr(fault.message, why));
        for (size_t size_cut = 0; !why && size_cut < file.size - 4; size_cut++) {
            struct test_file cut = {file.bytes, size_cut};
            assert_int_equal(check(&cut, &fault), -1);
            assert_int_equal(fault.code, IMAGE_DAMAGED);
        }
        test_file_done(&file);
    }
}

/* Ten pixels: clear, 0, then each code one pixel longer than the one before: 1 + 2 + 3 + 4. */
static void test_gif_of_codes_that_grow_is_whole(void **state)
{
    (void)state;
    const int codes[][2] = {{4, 3}, {0, 3}, {6, 3}, {7, 3}, {8, 4}, {5, 4}, {0, 0}};
    check_codes(codes, 1, NULL);
}

static void test_gif_that_is_cleared_in_between_is_whole(void **state)
{
    (void)state;
    const int codes[][2] = {{4, 3}, {0, 3}, {6, 3}, {7, 3}, {4, 4}, {1, 3},
                            {1, 3}, {1, 3}, {1, 4}, {5, 4}, {0, 0}};
    check_codes(codes, 1, NULL);
}

static void test_gif_whose_codes_end_early_is_damaged(void **state)
{
    (void)state;
    const int ended[][2] = {{4, 3}, {0, 3}, {6, 3}, {7, 3}, {5, 4}, {0, 0}};
    const int stopped[][2] = {{4, 3}, {0, 3}, {6, 3}, {0, 0}};
    check_codes(ended, 1, "the data end in row 1 of 1");
    check_codes(stopped, 1, "the data end");
}

static void test_gif_with_a_code_that_is_none_is_damaged(void **state)
{
    (void)state;
    const int early[][2] = {{4, 3}, {6, 3}, {0, 0}}, high[][2] = {{4, 3}, {0, 3}, {7, 3}, {0, 0}};
    check_codes(early, 1, "an invalid code in row 1");
    check_codes(high, 1, "an invalid code in row 1");
}

/* With all 4096 codes given away, codes stay at 12 bits until there is a clear code. */
static void test_gif_may_fill_its_table(void **state)
{
    (void)state;
    static int codes[5002][2];
    static uint8_t bytes[8000];
    int next = 6, bits = 3;
    codes[0][0] = 4;
    codes[0][1] = 3;
    for (int i = 0; i < 5000; i++) { /* a pixel each */
        codes[i + 1][0] = i & 1;
        codes[i + 1][1] = bits;
        if (i > 0 && next < 4096 && ++next == 1 << bits && bits < 12)
            bits++;
    }
    assert_int_equal(next, 4096);
    size_t size = pack((const int(*)[2])codes, bytes);
    struct test_file file = make_gif(500, bytes, size, true);
    struct image_fault fault;
    assert_int_equal(check(&file, &fault), 0);
    file.size -= 4;
    assert_int_equal(check(&file, &fault), -1);
    test_file_done(&file);
}

static void test_gif_without_a_frame_is_left_to_the_decoder(void **state)
{
    (void)state;
    struct image_fault fault;
    struct test_file file = {(uint8_t *)"GIF89a\x0a\0\x01\0\0\0\0;", 14};
    assert_int_equal(check(&file, &fault), 0);
    file.size = 13;
    assert_int_equal(check(&file, &fault), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gif_of_codes_that_grow_is_whole),
        cmocka_unit_test(test_gif_that_is_cleared_in_between_is_whole),
        cmocka_unit_test(test_gif_whose_codes_end_early_is_damaged),
        cmocka_unit_test(test_gif_with_a_code_that_is_none_is_damaged),
        cmocka_unit_test(test_gif_may_fill_its_table),
        cmocka_unit_test(test_gif_without_a_frame_is_left_to_the_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
