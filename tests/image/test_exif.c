/* Exif gives the orientation, and 1 whenever it lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "image/exif.h"
#include "support/images.h"

static void test_exif_gives_each_orientation_in_both_byte_orders(void **state)
{
    (void)state;
    uint8_t block[64];
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int big = 0; big <= 1; big++) {
            size_t size = test_exif(orientation, big, block);
            assert_int_equal(exif_orientation(block, size), orientation);
            assert_int_equal(exif_orientation(block + 6, size - 6), orientation); /* as in PNG */
        }
}

static void test_exif_out_of_range_is_upright(void **state)
{
    (void)state;
    uint8_t block[64];
    size_t size = test_exif(9, false, block);
    assert_int_equal(exif_orientation(block, size), 1);
    size = test_exif(0, false, block);
    assert_int_equal(exif_orientation(block, size), 1);
    assert_int_equal(exif_orientation((const uint8_t *)"Exif\0\0", 6), 1);
    assert_int_equal(exif_orientation(NULL, 0), 1);
}

static void test_exif_of_another_type_is_upright(void **state)
{
    (void)state;
    uint8_t block[64];
    size_t size = test_exif(6, false, block);
    block[6 + 8 + 2 + 2] = 4; /* LONG */
    assert_int_equal(exif_orientation(block, size), 1);
}

/* The copies are exactly as long as the cut, so that a sanitizer sees a look behind them. */
static void test_exif_never_looks_behind_its_end(void **state)
{
    (void)state;
    uint8_t block[64];
    size_t whole = test_exif(6, true, block);
    srand(3);
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t)rand() % (whole + 1);
        uint8_t *copy = malloc(size + !size);
        memcpy(copy, block, size);
        for (int flips = i % 4; flips-- && size;)
            copy[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
        int orientation = exif_orientation(copy, size);
        assert_in_range(orientation, 1, 8);
        free(copy);
    }
}

static bool contains(const uint8_t *bytes, size_t size, const void *what, size_t what_size)
{
    return memmem(bytes, size, what, what_size) != NULL;
}

static void test_exif_copy_is_upright_and_keeps_all_but_the_preview(void **state)
{
    (void)state;
    uint8_t block[TEST_CAMERA_EXIF_BYTES], *copy;
    size_t copy_size;
    for (int last = 0; last <= 1; last++) {
        size_t size = test_camera_exif(6, last, block);
        assert_int_equal(exif_orientation(block, size), 6);
        assert_int_equal(exif_copy(block, size, true, &copy, &copy_size), 0);
        assert_int_equal(copy_size, size - 6 - (last ? 40 : 0));
        assert_int_equal(exif_orientation(copy, copy_size), 1);
        assert_true(contains(copy, copy_size, "Example", 8));
        assert_memory_equal(copy + 8 + 2 + 24, block + 6 + 8 + 2 + 24, 12); /* the place's entry */
        assert_memory_equal(copy + 8 + 2 + 36, "\0\0\0\0", 4); /* no second directory */
        assert_false(contains(copy, copy_size, "\xee", 1));
        free(copy);
    }
}

static void test_exif_copy_keeps_the_orientation_when_told_to(void **state)
{
    (void)state;
    uint8_t block[TEST_CAMERA_EXIF_BYTES], *copy;
    size_t copy_size;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int big = 0; big <= 1; big++)
            for (int prefix = 0; prefix <= 6; prefix += 6) {
                size_t size = test_exif(orientation, big, block);
                assert_int_equal(
                    exif_copy(block + prefix, size - (size_t)prefix, false, &copy, &copy_size), 0);
                assert_int_equal(copy_size, size - 6);
                assert_memory_equal(copy, block + 6, copy_size);
                free(copy);
                assert_int_equal(exif_copy(block, size, true, &copy, &copy_size), 0);
                assert_int_equal(exif_orientation(copy, copy_size), 1);
                free(copy);
            }
}

/* A reader that is less strict than ours would turn the picture once more. */
static void test_exif_copy_mends_an_orientation_of_another_type(void **state)
{
    (void)state;
    uint8_t block[64], *copy;
    size_t size = test_exif(6, false, block), copy_size;
    block[6 + 8 + 2 + 2] = 4; /* LONG */
    assert_int_equal(exif_copy(block, size, true, &copy, &copy_size), 0);
    assert_memory_equal(copy + 8 + 2, "\x12\x01\x03\0\x01\0\0\0\x01\0\0\0", 12);
    free(copy);
}

static void test_exif_copy_of_what_is_none_is_nothing(void **state)
{
    (void)state;
    uint8_t *copy = (uint8_t *)"";
    size_t copy_size = 7;
    assert_int_equal(
        exif_copy((const uint8_t *)"Exif\0\0XX*\0\x08\0\0\0", 14, true, &copy, &copy_size), 0);
    assert_null(copy);
    assert_int_equal(copy_size, 0);
}

/* The block and its copy are exactly as long as they say, so that a sanitizer sees a step beyond.
 */
static void test_exif_copy_of_damaged_blocks_is_upright_or_nothing(void **state)
{
    (void)state;
    uint8_t block[TEST_CAMERA_EXIF_BYTES];
    srand(4);
    for (int i = 0; i < 20000; i++) {
        size_t whole = test_camera_exif(6, i % 2, block), copy_size;
        size_t size = i % 3 ? whole : (size_t)rand() % (whole + 1);
        uint8_t *cut = malloc(size + !size), *copy;
        memcpy(cut, block, size);
        for (int flips = i % 7; flips-- && size;)
            cut[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
        assert_int_equal(exif_copy(cut, size, true, &copy, &copy_size), 0);
        assert_true(copy_size <= size);
        assert_int_equal(exif_orientation(copy, copy_size), 1);
        free(copy);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exif_gives_each_orientation_in_both_byte_orders),
        cmocka_unit_test(test_exif_out_of_range_is_upright),
        cmocka_unit_test(test_exif_of_another_type_is_upright),
        cmocka_unit_test(test_exif_never_looks_behind_its_end),
        cmocka_unit_test(test_exif_copy_is_upright_and_keeps_all_but_the_preview),
        cmocka_unit_test(test_exif_copy_keeps_the_orientation_when_told_to),
        cmocka_unit_test(test_exif_copy_mends_an_orientation_of_another_type),
        cmocka_unit_test(test_exif_copy_of_what_is_none_is_nothing),
        cmocka_unit_test(test_exif_copy_of_damaged_blocks_is_upright_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
