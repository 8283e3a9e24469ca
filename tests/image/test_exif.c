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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exif_gives_each_orientation_in_both_byte_orders),
        cmocka_unit_test(test_exif_out_of_range_is_upright),
        cmocka_unit_test(test_exif_of_another_type_is_upright),
        cmocka_unit_test(test_exif_never_looks_behind_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
